package change

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// plainName are UIDs that can stand in a path as they are.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@._-]{0,150}$`)

// freeName is the name of a new object for uid in a calendar.
func (c *Changer) freeName(tx *store.Tx, cal *store.Calendar, uid string) (string, error) {
	name := uid
	if !plainName.MatchString(uid) {
		sum := sha256.Sum256([]byte(uid))
		name = hex.EncodeToString(sum[:16])
	}
	name += ".ics"
	o, err := find(tx.ObjectByName(cal.ID, name))
	if err != nil {
		return "", fmt.Errorf("look for the name: %w", err)
	}
	if o != nil {
		name = c.tag() + ".ics"
	}
	return name, nil
}

// DefaultCalendar is where u finds what others invite u to (RFC 6638 §4.3): the one that was chosen, else
// the oldest that takes events; nil if there is none.
func DefaultCalendar(tx *store.Tx, u *store.User) (*store.Calendar, error) {
	calendars, err := tx.Calendars(u.ID)
	if err != nil {
		return nil, fmt.Errorf("list the attendee's calendars: %w", err)
	}
	var first *store.Calendar
	for i := range calendars {
		cal := &calendars[i]
		if len(cal.Components) > 0 && !slices.Contains(cal.Components, "VEVENT") {
			continue
		}
		if cal.ID == u.DefaultCalendar {
			return cal, nil
		}
		if first == nil {
			first = cal
		}
	}
	return first, nil
}

// announce puts a message about an event into u's scheduling inbox (RFC 6638 §4.1) in place of what was
// there about the same event: whoever reads it wants the present state.
func (c *Changer) announce(tx *store.Tx, u *store.User, method, address string, e *ical.Event, sequence int) error {
	m := &itip.Message{Method: method, Object: e.Object.Data}
	data, err := m.Calendar(address, sequence, tx.Now())
	if err != nil {
		return fmt.Errorf("make the message for the inbox: %w", err)
	}
	return c.putMessage(tx, u, e.UID, data)
}

// putMessage stores a message in u's inbox.
func (c *Changer) putMessage(tx *store.Tx, u *store.User, uid string, data []byte) error {
	inbox, err := tx.Inbox(u.ID)
	if err != nil {
		return fmt.Errorf("open the inbox: %w", err)
	}
	if err := tx.DeleteByUID(inbox.ID, uid); err != nil {
		return fmt.Errorf("replace the message in the inbox: %w", err)
	}
	o := &store.Object{CalendarID: inbox.ID, Name: c.tag() + ".ics", UID: uid, Component: "VEVENT", Data: data, ETag: c.tag()}
	if err := tx.PutObject(o); err != nil {
		return fmt.Errorf("store the message in the inbox: %w", err)
	}
	return nil
}
