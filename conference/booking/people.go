package booking

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"joinery/conference"
	"joinery/store"
)

// refusedAgain is when people are registered again whom the account's own settings refused.
const refusedAgain = 6 * time.Hour

// encodePeople returns the text by which the people of two meetings are compared, empty for nobody.
func encodePeople(people []conference.Participant) string {
	if len(people) == 0 {
		return ""
	}
	list := make([]string, 0, len(people))
	for _, p := range people {
		list = append(list, string(p.Role)+" "+p.Email+" "+p.Name)
	}
	slices.Sort(list)
	data, _ := json.Marshal(list) // of strings: it cannot fail
	return string(data)
}

// comers notes who is about to be registered in room, so that somebody whose registration was never
// answered is known when the event loses them, and lists the registrations that are none of people's.
func (t *run) comers(tx *store.Tx, room *store.Room, people []conference.Participant) ([]conference.Registration, error) {
	rows, err := tx.Registrations(room.ID)
	if err != nil {
		return nil, fmt.Errorf("read the registrations of room %d: %w", room.ID, err)
	}
	known := map[string]bool{}
	for _, row := range rows {
		known[row.Address] = true
	}
	for _, p := range people {
		address := strings.ToLower(p.Email)
		if known[address] {
			continue
		}
		if err := tx.PutRegistration(&store.Registration{RoomID: room.ID, Address: address, Role: string(p.Role)}); err != nil {
			return nil, fmt.Errorf("note who comes to room %d: %w", room.ID, err)
		}
	}
	var list []conference.Registration
	for _, row := range rows {
		if !slices.ContainsFunc(people, func(p conference.Participant) bool { return strings.EqualFold(p.Email, row.Address) }) {
			list = append(list, conference.Registration{
				Email: row.Address, Role: conference.ParticipantRole(row.Role), Ref: row.Ref, Link: row.Link,
			})
		}
	}
	return list, nil
}

// enrolled records who has a place in room.
func (t *run) enrolled(tx *store.Tx, s sight, room *store.Room, c *call, got []conference.Registration) error {
	for _, r := range c.leaving {
		if err := tx.DeleteRegistration(room.ID, r.Email); err != nil {
			return fmt.Errorf("forget who left room %d: %w", room.ID, err)
		}
	}
	warning, refused := "", 0
	for _, r := range got {
		row := &store.Registration{
			RoomID: room.ID, Address: strings.ToLower(r.Email), Role: string(r.Role), Ref: r.Ref, Link: r.Link, Refused: string(r.Refused),
		}
		if err := tx.PutRegistration(row); err != nil {
			return fmt.Errorf("note who is in room %d: %w", room.ID, err)
		}
		if r.Refused != "" {
			refused++
			if warning == "" || r.Refused == conference.ReasonFields {
				warning = string(r.Refused)
			}
		}
	}
	room.People = encodePeople(c.people)
	if warning == string(conference.ReasonFields) {
		// Who mends it does so at the service, which says nothing.
		room.People = ""
		t.skip[room.ID] = true
		t.next = earliest(t.next, s.now.Add(refusedAgain))
	}
	detail := fmt.Sprintf("%d people", len(got)-refused)
	if refused > 0 {
		detail += fmt.Sprintf(", %d refused: %s", refused, warning)
	}
	if err := t.keepRoom(tx, room, string(enroll), "ok", detail); err != nil {
		return err
	}
	return t.warned(tx, s.booking, warning)
}

// warned has the organiser told, once for each reason, that people could not be registered.
func (t *run) warned(tx *store.Tx, b *store.Booking, reason string) error {
	if b.Warning == reason || t.quiet {
		return nil
	}
	if err := t.opts.Calendar.Warned(tx, b, reason); err != nil {
		return &calendarError{fmt.Errorf("note who cannot be registered for booking %d: %w", b.ID, err)}
	}
	return nil
}
