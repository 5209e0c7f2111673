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
	Problem string // why there is no room now (a conference.Reason or "other"), empty: there is, or will be
	Warning string // why people could not be registered, empty: all are

	// Managed tells of an attendee's copy that its organiser's event is served here: answers go straight
	// into it and are not mailed.
	Managed bool
	// Locals are the local users among the attendees of an event that its owner organises, by address.
	Locals map[string]*store.User

	conferences conferences // the event's bookings; empty once it is gone
	Zone        *time.Location
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

// scheduled completes p with who of its people is served here.
func (c *Changer) scheduled(tx *store.Tx, p *Present) error {
	if p.Event == nil {
		return nil
	}
	if p.Row.Role == store.RoleAttendee {
		m, err := c.manager(tx, p.Event, p.User)
		p.Managed = m != nil
		return err
	}
	p.Locals = map[string]*store.User{}
	for _, v := range p.Event.All() {
		for _, a := range v.Attendees {
			if _, known := p.Locals[a.Address]; known {
				continue
			}
			u, err := find(tx.UserByAddress(a.Address))
			if err != nil {
				return fmt.Errorf("look for the attendee: %w", err)
			}
			if u != nil {
				p.Locals[a.Address] = u
			}
		}
	}
	return nil
}

// link fills in what stands for the event's conference.
func (c *Changer) link(tx *store.Tx, p *Present) error {
	all, err := conferencesOf(tx, p.Row.ID)
	if err != nil || p.Gone {
		return err
	}
	p.conferences = all
	waits, err := c.inTurn(tx, p, tx.Now())
	if err != nil {
		return err
	}
	for _, b := range all.all() {
		if b.State != store.BookingWanted || b.Link == "" && b.Problem == "" && !waits(b) {
			continue
		}
		if err := c.linkOf(tx, p, b); err != nil {
			return err
		}
	}
	return nil
}

// linkOf adds what stands for one of the event's bookings: the event waits while one is pending, and
// is told of by the first.
func (c *Changer) linkOf(tx *store.Tx, p *Present, b *store.Booking) error {
	alive := true
	if b.Link != "" {
		var err error
		if alive, err = c.linkAlive(tx, b, p.ahead(tx.Now())); err != nil {
			return err
		}
	}
	state, since, link := LinkPending, b.Since, b.Link
	switch {
	case !alive:
		// Somebody deleted the conference at the provider; people are told of its successor.
		since, link = b.Updated, ""
	case b.Link != "":
		state = LinkReady
	case b.Problem != "":
		state = LinkRefused
	}
	if p.Link == LinkNone {
		prov, _ := c.opts.Policy.provider(b.Provider)
		p.Service, p.JoinURL = prov.Service, link
	}
	if p.Problem == "" {
		p.Problem = b.Problem
	}
	if p.Warning == "" {
		p.Warning = b.Warning
	}
	rank := map[LinkState]int{LinkNone: 0, LinkReady: 1, LinkRefused: 2, LinkPending: 3}
	if rank[state] > rank[p.Link] {
		p.Link, p.Since = state, since
	}
	return nil
}

// inTurn tells of the bookings of p's event whether a link may be about to be written for them. Where
// series carry the provider's link of the moment, one whose occurrence comes later has none until then.
func (c *Changer) inTurn(tx *store.Tx, p *Present, now time.Time) (func(*store.Booking) bool, error) {
	always := func(*store.Booking) bool { return true }
	if !c.opts.Policy.SeriesDirect || p.Event == nil || len(p.conferences.all()) < 2 {
		return always, nil
	}
	rooms, err := roomsOf(tx, p.conferences)
	if err != nil {
		return nil, err
	}
	o, ok, err := p.conferences.next(p, p.conferences.held(rooms), now)
	if err != nil || !ok {
		return always, nil
	}
	return func(b *store.Booking) bool { return b.ID == o.booking.ID }, nil
}

// ahead tells whether the event, one that does not recur, is still to begin.
func (p *Present) ahead(now time.Time) bool {
	e := p.Event
	return e != nil && e.Master != nil && !series(e) && e.Master.Start.In(p.Zone).After(now)
}
