package change

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/conference/booking"
	"joinery/store"
)

var _ booking.Calendar = (*Changer)(nil)

// Wanted implements booking.Calendar.
func (c *Changer) Wanted(tx *store.Tx, b *store.Booking, now time.Time) (booking.Want, error) {
	p, err := c.present(tx, b.EventID)
	if err != nil {
		return booking.Want{}, err
	}
	want := booking.Want{ReleaseAt: b.Since.Add(c.opts.Policy.Settle)}
	if p.Event == nil && !p.Gone {
		return want, fmt.Errorf("event %s: the stored object cannot be parsed", p.Row.UID)
	}
	if p.Event == nil || p.Event.Master == nil {
		return want, nil
	}
	v := p.Event.Master
	end := meetingEnd(v, p.Zone)
	want.Meeting = c.meeting(b, v, p)
	// A conference that was given up before its meeting was over is released however late.
	given := b.State != store.BookingWanted && b.Since.Before(end)
	want.Past = !v.Recurring && !end.After(now) && !given
	want.Needed = b.State == store.BookingWanted && !p.Gone && !want.Past && p.Row.Role == store.RoleOrganizer
	if !want.Needed {
		return want, nil
	}
	if end.After(now) {
		want.Look = end
	}
	if b.Link == "" {
		reason, look := c.refusedNow(b, p.User, now)
		if reason != "" {
			want.Needed, want.Look = false, look
		}
	}
	return want, nil
}

// refusedNow tells whether the policy still refuses a booking that it refused, and when to ask again.
func (c *Changer) refusedNow(b *store.Booking, u *store.User, now time.Time) (string, time.Time) {
	if !c.opts.Policy.allowed(u) {
		return string(conference.ReasonPolicy), time.Time{}
	}
	if b.Problem == string(conference.ReasonDaily) {
		next := midnight(b.ProblemSince, zoneOf(u)).AddDate(0, 0, 1)
		if now.Before(next) {
			return b.Problem, next
		}
	}
	return "", time.Time{}
}

// meeting is what is asked of the provider for v (design §4: titles and lengths that it does not
// take are cut for it alone).
func (c *Changer) meeting(b *store.Booking, v *ical.VEvent, p *Present) conference.Meeting {
	prov, _ := c.opts.Policy.provider(b.Provider)
	start, end := v.Start.In(p.Zone), meetingEnd(v, p.Zone)
	if prov.MaxLong > 0 && end.Sub(start) > prov.MaxLong {
		end = start.Add(prov.MaxLong)
	}
	title := conference.FitTitle(v.Summary, prov.MaxTitle)
	private := v.Class == "PRIVATE" || v.Class == "CONFIDENTIAL"
	switch {
	case private:
		title = textPrivate.in(p.User.Locale)
	case title == "":
		title = textMeeting.in(p.User.Locale)
	}
	m := conference.Meeting{
		Title: title, Start: start.UTC(), End: end.UTC(), Zone: v.Start.Zone,
		Host: conference.Person{Name: p.User.Name}, Kind: conference.Kind(b.Kind), Capacity: b.Capacity, Language: p.User.Locale,
	}
	if m.Zone == "" {
		m.Zone = p.Zone.String()
	}
	if len(p.User.Addresses) > 0 {
		m.Host.Email = p.User.Addresses[0]
	}
	if v.Organizer != nil {
		m.Host.Email = v.Organizer.Address
	}
	if c.opts.Policy.SendAgenda && !private {
		m.Description = ical.WithoutBlock(v.Description)
	}
	return m
}

// Recover has every booking looked at that waits for its link: the configuration may allow now what
// it did not. It is for the start of the program.
func (c *Changer) Recover(tx *store.Tx) error {
	waiting, err := tx.WaitingBookings()
	if err != nil {
		return fmt.Errorf("read waiting bookings: %w", err)
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
	return c.outcome(tx, b, r, "")
}

// Failed implements booking.Calendar.
func (c *Changer) Failed(tx *store.Tx, b *store.Booking, reason string) error {
	if b.Problem == reason {
		return nil
	}
	return c.outcome(tx, b, nil, reason)
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
		if alive, err := linkAlive(tx, b); err != nil {
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
	if err := c.opts.Outbox.Touch(tx, WorkMail, b.EventID, tx.Now()); err != nil {
		return err
	}
	id := b.EventID
	tx.OnCommit(func() { c.wake(id) })
	return nil
}

// linkAlive tells whether a room of b still has the link that stands in the event.
func linkAlive(tx *store.Tx, b *store.Booking) (bool, error) {
	rooms, err := tx.Rooms(b.ID)
	if err != nil {
		return false, fmt.Errorf("read the rooms: %w", err)
	}
	for _, r := range rooms {
		if r.JoinURL == b.Link && (r.State == string(conference.RoomLive) || r.State == string(conference.RoomHistory)) {
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
	rooms, err := tx.Rooms(b.ID)
	if err != nil {
		return fmt.Errorf("read the rooms: %w", err)
	}
	pres := ical.Presentation{Location: next.InLocation || b.Link == "", Marks: ical.Marks{Old: linksOf(rooms), Block: b.Block}}
	if b.Link != "" && b.Link != next.Link {
		pres.Old, pres.Location = append(pres.Old, b.Link), b.InLocation
	}
	if next.State == store.BookingWanted {
		pres = presentation(&c.opts.Policy, next, pres)
	} else {
		pres.Resources, pres.PartStat = c.opts.Policy.isResource, "DECLINED"
	}
	edit := e.Object.Edit()
	for _, v := range e.All() {
		in := edit.Present(v.Component, pres)
		if v.RecurrenceID == nil {
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
