package change

import (
	"fmt"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// LinkState says whether an event's people can be given a link.
type LinkState string

// The link states of an event.
const (
	LinkNone    LinkState = "none"    // no conference is asked for
	LinkPending LinkState = "pending" // one is being made: REQUESTs wait
	LinkReady   LinkState = "ready"   // it stands in the event
	LinkRefused LinkState = "refused" // the provider said denied or invalid: nobody waits
)

// Present is an event as it stands inside a transaction.
type Present struct {
	Row    *store.Event
	User   *store.User   // the calendar's owner
	Object *store.Object // nil once deleted
	Event  *ical.Event   // of the object, or of Row.Data once deleted; nil where neither can be read
	// Gone tells that it is deleted, or cancelled by its organiser, or its owner was removed.
	Gone      bool
	GoneSince time.Time
	// Ended tells that no instance of it ends after now: nobody is mailed.
	Ended   bool
	Link    LinkState
	Since   time.Time // when the link became pending
	Service string    // the provider's name for people, empty without conference
	JoinURL string
	Problem string // reason, LinkRefused only
	Zone    *time.Location
}

// present reads an event as it stands.
func (c *Changer) present(tx *store.Tx, eventID int64) (*Present, error) {
	ev, err := tx.EventByID(eventID)
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	u, err := tx.UserByID(ev.UserID)
	if err != nil {
		return nil, fmt.Errorf("read the event's owner: %w", err)
	}
	p := &Present{Row: ev, User: u, Link: LinkNone, Zone: zoneOf(u)}
	data := ev.Data
	if ev.ObjectID != 0 {
		if p.Object, err = tx.ObjectByID(ev.ObjectID); err != nil {
			return nil, fmt.Errorf("read the object: %w", err)
		}
		data = p.Object.Data
	}
	p.Event = parseStored(data)
	switch {
	case !ev.Deleted.IsZero():
		p.Gone, p.GoneSince = true, ev.Deleted
	case p.Event != nil && p.Event.Master != nil && p.Event.Master.Cancelled():
		p.Gone, p.GoneSince = true, ev.Saved
	}
	if p.Event != nil {
		_, left, err := p.Event.Next(tx.Now(), p.Zone)
		p.Ended = err == nil && !left
		if m := p.Event.Master; m != nil && m.Cancelled() && !m.Recurring {
			p.Ended = ended(m, u, tx.Now())
		}
	}
	return p, c.link(tx, p)
}

// link fills in what stands for the event's conference.
func (c *Changer) link(tx *store.Tx, p *Present) error {
	b, err := bookingOf(tx, p.Row.ID)
	if err != nil || b == nil || b.State != store.BookingWanted || p.Gone {
		return err
	}
	prov, _ := c.opts.Policy.provider(b.Provider)
	p.Service, p.JoinURL, p.Problem = prov.Service, b.Link, b.Problem
	alive := true
	if b.Link != "" {
		if alive, err = linkAlive(tx, b); err != nil {
			return err
		}
	}
	switch {
	case !alive:
		// Somebody deleted the conference at the provider; people are told of its successor.
		p.Link, p.Since, p.JoinURL = LinkPending, b.Updated, ""
	case b.Link != "":
		p.Link = LinkReady
	case b.Problem != "":
		p.Link = LinkRefused
	default:
		p.Link, p.Since = LinkPending, b.Since
	}
	return nil
}
