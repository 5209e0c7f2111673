package change

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/conference/booking"
	"joinery/store"
	"joinery/store/outbox"
)

var _ booking.Calendar = (*Changer)(nil)

// Wanted implements booking.Calendar.
func (c *Changer) Wanted(tx *store.Tx, b *store.Booking, now time.Time) (booking.Want, error) {
	p, err := c.present(tx, b.EventID)
	if err != nil {
		return booking.Want{}, err
	}
	want := booking.Want{ReleaseAt: outbox.After(b.Since, c.opts.Policy.Settle, now)}
	if p.Event == nil && !p.Gone {
		return want, fmt.Errorf("event %s: the stored object cannot be parsed", p.Row.UID)
	}
	if p.Event == nil || len(p.Event.All()) == 0 {
		return want, nil
	}
	if b.Token == "" && series(p.Event) {
		// It was booked by a version that knew no join pages.
		b.Token = c.tag()
		if err := tx.PutBooking(b); err != nil {
			return want, fmt.Errorf("store the booking's join page: %w", err)
		}
	}
	want.Link = c.opts.Policy.fixedLink(b, p.Event)
	if b.State != store.BookingWanted || p.Gone || p.Row.Role != store.RoleOrganizer {
		want.GivenUp = b.Since
		c.over(&want, b, p, now)
		return want, nil
	}
	return c.needed(tx, b, p, want, now)
}

// over tells of an event that does not recur whether its conference, given up, took place. One that
// was given up before its meeting was over is released however late.
func (c *Changer) over(want *booking.Want, b *store.Booking, p *Present, now time.Time) {
	if m := p.Event.Master; m != nil && !series(p.Event) && b.RecurrenceID == "" {
		end := meetingEnd(m, p.Zone)
		want.Meeting = c.meeting(b, occasion{vevent: m, start: m.Start.In(p.Zone), end: end}, p)
		want.Past = !end.After(now) && !b.Since.Before(end)
	}
}

// needed completes what a booking that is wanted asks for.
func (c *Changer) needed(tx *store.Tx, b *store.Booking, p *Present, want booking.Want, now time.Time) (booking.Want, error) {
	all, err := conferencesOf(tx, b.EventID)
	if err != nil {
		return want, err
	}
	rooms, err := roomsOf(tx, all)
	if err != nil {
		return want, err
	}
	if series(p.Event) {
		// An occurrence that was taken out may come back in the next save.
		want.ReleaseAt = outbox.After(p.Row.Saved, c.opts.Policy.Settle, now)
	}
	o, ok, err := all.next(p, all.held(rooms), now)
	switch {
	case errors.Is(err, errUnknowable):
		want.Refused = string(conference.ReasonSeries)
		return want, nil
	case err != nil:
		return want, err
	case !ok:
		want.Past = true
		if m := p.Event.Master; m != nil {
			want.Meeting = c.meeting(b, occasion{vevent: m, start: m.Start.In(p.Zone), end: meetingEnd(m, p.Zone)}, p)
		}
		return want, nil
	}
	want.Look = o.end
	if b.Link == "" {
		if reason, look := c.refusedNow(b, p.User, now); reason != "" {
			want.Link, want.Look = "", look
			return want, nil
		}
	}
	if o.booking.ID != b.ID {
		want.Idle = true
		if only := (conferences{singles: map[string]*store.Booking{b.RecurrenceID: b}}); b.RecurrenceID != "" {
			// One whose occurrence is over waits for nothing.
			if _, ahead, err := only.next(p, func(string, time.Time) bool { return false }, now); err == nil && !ahead {
				want.Look = time.Time{}
			}
		}
		return want, nil
	}
	want.Needed, want.Occurrence, want.Meeting, want.Until = true, o.key, c.meeting(b, o, p), o.end
	if c.opts.Policy.Register {
		want.People = c.people(o, p)
	}
	return want, nil
}

// Recover has every booking looked at that waits for its link, since the configuration may allow now what
// it did not, and whose link is of an address that the server had before. It is for the start of the
// program.
func (c *Changer) Recover(tx *store.Tx) error {
	waiting, err := tx.WaitingBookings()
	if err != nil {
		return fmt.Errorf("read waiting bookings: %w", err)
	}
	if c.opts.Policy.JoinBase != "" {
		elsewhere, err := tx.BookingsWithOtherLink(c.opts.Policy.JoinBase)
		if err != nil {
			return fmt.Errorf("read bookings with links of before: %w", err)
		}
		waiting = append(waiting, elsewhere...)
	}
	for _, b := range waiting {
		if err := c.opts.Outbox.Touch(tx, WorkBooking, b.ID, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// Ready implements booking.Calendar.
func (c *Changer) Ready(tx *store.Tx, b *store.Booking, r *store.Room) error {
	p, err := c.present(tx, b.EventID)
	if err != nil {
		return err
	}
	link := c.opts.Policy.fixedLink(b, p.Event)
	if r == nil && link == "" {
		return nil
	}
	shown := store.Room{Provider: b.Provider, JoinURL: link}
	if link == "" {
		shown = *r
	}
	return c.outcome(tx, b, &shown, "")
}

// Failed implements booking.Calendar.
func (c *Changer) Failed(tx *store.Tx, b *store.Booking, reason string) error {
	if b.Problem == reason {
		return nil
	}
	return c.outcome(tx, b, nil, reason)
}

// Warned implements booking.Calendar.
func (c *Changer) Warned(tx *store.Tx, b *store.Booking, reason string) error {
	if b.Warning == reason {
		return nil
	}
	b.Warning = reason
	if err := tx.PutBooking(b); err != nil {
		return fmt.Errorf("store the booking: %w", err)
	}
	return c.concern(tx, b.EventID)
}

// Over implements booking.Calendar.
func (c *Changer) Over(tx *store.Tx, b *store.Booking) error {
	all, err := conferencesOf(tx, b.EventID)
	if err != nil {
		return err
	}
	for _, other := range all.all() {
		if other.ID == b.ID || other.State != store.BookingWanted {
			continue
		}
		if err := c.opts.Outbox.Touch(tx, WorkBooking, other.ID, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// outcome brings an event in line with what became of its booking.
func (c *Changer) outcome(tx *store.Tx, b *store.Booking, r *store.Room, reason string) error {
	p, err := c.present(tx, b.EventID)
	if err != nil {
		return err
	}
	b.Problem = reason
	if reason != "" {
		b.ProblemSince = tx.Now()
	}
	next := *b
	if r == nil && b.Link != "" {
		// A link whose conference somebody deleted at the provider does not stay.
		if alive, err := c.linkAlive(tx, b, false); err != nil {
			return err
		} else if !alive {
			next.Link, b.Link = "", ""
		}
	}
	switch {
	case r != nil:
		next.Link = r.JoinURL
		if !b.BlockGone {
			next.Block = linkBlock(&c.opts.Policy, r, p.User.Locale)
		}
	case reason != "" && b.Link == "":
		next.Block = note(&c.opts.Policy, b, p.User.Locale)
	case b.Link == "":
		next.Block = ""
	}
	if err := c.rewrite(tx, b, &next); err != nil {
		return err
	}
	*b = next
	if err := tx.PutBooking(b); err != nil {
		return fmt.Errorf("store the booking: %w", err)
	}
	if err := c.concern(tx, b.EventID); err != nil {
		return err
	}
	id := b.EventID
	tx.OnCommit(func() { c.wake(id) })
	return nil
}

// linkAlive tells whether the link that stands in b's event leads to somewhere: the join page, or a
// room that still has it. ahead: the event is to come, for which a meeting that has ended is none.
func (c *Changer) linkAlive(tx *store.Tx, b *store.Booking, ahead bool) (bool, error) {
	if joins(b) {
		return true, nil
	}
	rooms, err := tx.Rooms(b.ID)
	if err != nil {
		return false, fmt.Errorf("read the rooms: %w", err)
	}
	for _, r := range rooms {
		if r.JoinURL != b.Link || ahead && conference.Status(r.Status) == conference.StatusEnded {
			continue
		}
		switch conference.RoomState(r.State) {
		case conference.RoomLive, conference.RoomHistory, conference.RoomLeft:
			return true, nil
		}
	}
	return false, nil
}

// rewrite edits the event's object so that next stands in it in place of b. A nil next means b as it
// is, to be stored here. InLocation is set on the result.
func (c *Changer) rewrite(tx *store.Tx, b, next *store.Booking) error {
	keep := next == nil
	if keep {
		n := *b
		next = &n
	}
	o, e, err := stored(tx, b.EventID)
	if err != nil || o == nil {
		return err
	}
	if e == nil {
		return fmt.Errorf("write the link into %s: %w", o.Name, errors.New("the stored object cannot be parsed"))
	}
	all, err := conferencesOf(tx, b.EventID)
	if err != nil {
		return err
	}
	ev, err := tx.EventByID(b.EventID)
	if err != nil {
		return fmt.Errorf("read the event: %w", err)
	}
	u, err := tx.UserByID(ev.UserID)
	if err != nil {
		return fmt.Errorf("read the event's owner: %w", err)
	}
	marks := ical.Marks{Link: b.Link, Block: b.Block}
	for _, other := range all.all() {
		links, err := c.opts.Policy.linksEver(tx, other)
		if err != nil {
			return err
		}
		marks.Old = append(marks.Old, links...)
	}
	marks.Old = without(marks.Old, b.Link)
	edit := e.Object.Edit()
	for _, v := range e.All() {
		governs := b.RecurrenceID
		if v.RecurrenceID != nil && v.Cancelled() {
			continue // it has no conference
		}
		if stands := all.of(e.OverrideKey(v, zoneOf(u))); stands != nil {
			governs = stands.RecurrenceID
		}
		if governs != b.RecurrenceID || b.RecurrenceID != "" && e.OverrideKey(v, zoneOf(u)) != b.RecurrenceID {
			continue
		}
		in := c.rewriteIn(edit, v, b, next, marks)
		if v.RecurrenceID == nil || b.RecurrenceID != "" {
			next.InLocation = in
		}
	}
	if err := c.storeOwn(tx, o, edit.Bytes()); err != nil {
		return err
	}
	if keep {
		*b = *next
		if err := tx.PutBooking(b); err != nil {
			return fmt.Errorf("store the booking: %w", err)
		}
	}
	return nil
}

// rewriteIn edits one component. In an override its own words count: whether the link stands in its
// LOCATION, and whether its block was deleted.
func (c *Changer) rewriteIn(edit *ical.Edit, v *ical.VEvent, b, next *store.Booking, marks ical.Marks) (inLocation bool) {
	pres := ical.Presentation{Location: next.InLocation || b.Link == "", Marks: ical.Marks{Old: marks.Old, Block: marks.Block}}
	if b.Link != "" && b.Link != next.Link {
		pres.Old, pres.Location = append(slices.Clone(marks.Old), b.Link), b.InLocation
	}
	shown := *next
	if b.Link != "" && v.RecurrenceID != nil && b.RecurrenceID == "" {
		found := ical.Find(v.Component, marks)
		pres.Location = found.InLocation
		shown.BlockGone = found.Link() && !found.Block
	}
	if next.State == store.BookingWanted {
		pres = presentation(&c.opts.Policy, &shown, pres)
	} else {
		pres.Resources, pres.PartStat = c.opts.Policy.isResource, "DECLINED"
	}
	return edit.Present(v.Component, pres)
}

// stored reads the object that owns an event, nil where there is none; the event is nil where its bytes
// cannot be read.
func stored(tx *store.Tx, eventID int64) (*store.Object, *ical.Event, error) {
	ev, err := tx.EventByID(eventID)
	if err != nil {
		return nil, nil, fmt.Errorf("read the event: %w", err)
	}
	if ev.ObjectID == 0 {
		return nil, nil, nil
	}
	o, err := tx.ObjectByID(ev.ObjectID)
	if err != nil {
		return nil, nil, fmt.Errorf("read the object: %w", err)
	}
	return o, parseStored(o.Data), nil
}

// storeOwn stores an edit of ours: the Schedule-Tag stays, so that a client with the older text
// still saves (RFC 6638 §3.2.10), and the revision is marked as ours.
func (c *Changer) storeOwn(tx *store.Tx, o *store.Object, data []byte) error {
	if bytes.Equal(o.Data, data) {
		return nil
	}
	o.Data, o.Own, o.ETag = data, true, c.tag()
	if err := tx.PutObject(o); err != nil {
		return fmt.Errorf("store our edit: %w", err)
	}
	return nil
}

func (c *Changer) markDelivered(tx *store.Tx, eventID int64, statuses map[string]string, reply bool) error {
	o, e, err := stored(tx, eventID)
	if err != nil || o == nil {
		return err
	}
	if e == nil {
		return nil
	}
	edit := e.Object.Edit()
	mark := func(a *ical.Attendee) {
		status := statuses[a.Address]
		if status != "" && (a.Agent == "SERVER" || reply) && a.Line.Param("SCHEDULE-STATUS") != status {
			edit.SetParam(a.Line, "SCHEDULE-STATUS", status)
		}
	}
	for _, v := range e.All() {
		if reply {
			if v.Organizer != nil {
				mark(v.Organizer)
			}
			continue
		}
		for i := range v.Attendees {
			mark(&v.Attendees[i])
		}
	}
	return c.storeOwn(tx, o, edit.Bytes())
}
