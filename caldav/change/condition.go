package change

import (
	"errors"
	"fmt"
	"slices"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/store"
)

// keptRevisions is how many earlier revisions are looked at for a base.
const keptRevisions = 50

// precondition checks a request's conditions on cur (nil: nothing is there) and returns the bytes of
// the revision that If-Match names, nil if it names none. A tag of a revision that differs from the
// present one only by our own edits is good (a deliberate widening of RFC 9110).
func (c *Changer) precondition(tx *store.Tx, cur *store.Object, cond Conditions) (base []byte, err error) {
	if cond.IfCalendar != 0 {
		cal, err := find(tx.CalendarByID(cond.IfCalendar))
		if err != nil {
			return nil, fmt.Errorf("read the calendar that an If header names: %w", err)
		}
		if cal == nil || cal.Seq != cond.IfSeq {
			return nil, errPrecondition
		}
	}
	if cond.IfNoneMatch && cur != nil {
		return nil, errPrecondition
	}
	if cond.IfScheduleTagMatch != "" && (cur == nil || cur.ScheduleTag != cond.IfScheduleTagMatch) {
		return nil, errPrecondition
	}
	if !cond.IfMatchSet {
		return nil, nil
	}
	switch {
	case cur == nil:
		return nil, errPrecondition
	case slices.Contains(cond.IfMatch, cur.ETag):
		return cur.Data, nil
	case slices.Contains(cond.IfMatch, "*"):
		return nil, nil
	case c.opts.Policy.StrictIfMatch || !cur.Own:
		return nil, errPrecondition
	}
	for _, tag := range cond.IfMatch {
		r, err := find(tx.RevisionByETag(cur.ID, tag))
		if err != nil {
			return nil, fmt.Errorf("read an earlier revision: %w", err)
		}
		if r == nil {
			continue
		}
		own, err := tx.OnlyOwnSince(cur.ID, r.ID)
		if err != nil {
			return nil, fmt.Errorf("read later revisions: %w", err)
		}
		if own {
			return r.Data, nil
		}
	}
	return nil, errPrecondition
}

// base finds the revision that a client started from, where no If-Match named it: the newest one
// (with scheduleTag, if that is set) which carries the same traces as its body. last tells whether only our
// own edits came after it.
func (c *Changer) base(tx *store.Tx, cur *store.Object, in *ical.Event, marks ical.Marks, scheduleTag string) (e *ical.Event, last bool, err error) {
	if cur == nil {
		return nil, false, nil
	}
	present := parseStored(cur.Data)
	if in.Master == nil {
		return present, true, nil
	}
	want := signature(in, marks)
	if present != nil && signature(present, marks) == want {
		return present, true, nil
	}
	revisions, err := tx.Revisions(cur.ID, keptRevisions)
	if err != nil {
		return nil, false, fmt.Errorf("read earlier revisions: %w", err)
	}
	last = cur.Own
	for _, r := range revisions {
		if scheduleTag == "" || r.ScheduleTag == scheduleTag {
			if e := parseStored(r.Data); e != nil && signature(e, marks) == want {
				return e, last, nil
			}
		}
		last = last && r.Own
	}
	return present, true, nil
}

// A trace is what of ours a body carries, for comparing bodies.
type trace struct {
	link, block, old bool
	booking          string
	generation       int
}

func signature(e *ical.Event, marks ical.Marks) trace {
	if e.Master == nil {
		return trace{}
	}
	f := ical.Find(e.Master.Component, marks)
	return trace{f.Link(), f.Block, f.Old, f.Booking, f.Generation}
}

// situation collects what planSave decides on. ev is what the owner has of the UID, nil if nothing; owner is
// the object that owned the event before.
func (c *Changer) situation(tx *store.Tx, r PutRequest, in *body, ev *store.Event, cur *store.Object, named []byte) (s situation, owner *store.Object, err error) {
	u, err := tx.UserByID(r.Calendar.UserID)
	if err != nil {
		return s, nil, fmt.Errorf("read the calendar's owner: %w", err)
	}
	s = situation{
		now: tx.Now(), policy: &c.opts.Policy, user: u, rule: r.Calendar.Conference, incoming: in.event,
		imported: r.Import || cur == nil && c.burst(u.ID, r.Caller.UserAgent, tx.Now()),
		newID:    c.tag,
		local: func(address string) bool {
			_, err := tx.UserByAddress(address)
			return err == nil
		},
	}
	if ev == nil {
		ev = &store.Event{UserID: u.ID, UID: in.summary.UID}
	} else {
		// What was there once is no import any more, unless it is imported again; people who were
		// told of it go on being told.
		told, err := guestsTold(tx, ev.ID, u)
		if err != nil {
			return s, nil, err
		}
		s.imported = r.Import && !told
	}
	s.event = *ev
	if ev.ID != 0 {
		if s.answers, err = tx.Answers(ev.ID); err != nil {
			return s, nil, err
		}
	}
	if owner, err = c.owner(tx, ev, cur); err != nil {
		return s, nil, err
	}
	if owner != nil {
		s.current = parseStored(owner.Data)
	}
	s.zone = zoneOf(u)
	if err := c.bookings(tx, &s); err != nil {
		return s, nil, err
	}
	marks := s.marks(s.own)
	switch {
	case named != nil:
		s.base = parseStored(named)
		s.named, s.last = s.base != nil, s.base != nil
	case owner != nil:
		if s.base, s.last, err = c.base(tx, owner, in.event, marks, r.Conditions.IfScheduleTagMatch); err != nil {
			return s, nil, err
		}
	default:
		s.base = parseStored(ev.Data)
	}
	if err := c.copied(tx, &s); err != nil {
		return s, nil, err
	}
	s.refused, err = c.refusal(tx, u, s.now)
	return s, owner, err
}

// owner is the object that owns an event's booking and scheduling; a save to another one takes over.
func (c *Changer) owner(tx *store.Tx, ev *store.Event, cur *store.Object) (*store.Object, error) {
	if ev.ObjectID == 0 || cur != nil && cur.ID == ev.ObjectID {
		return cur, nil
	}
	o, err := find(tx.ObjectByID(ev.ObjectID))
	if err != nil {
		return nil, fmt.Errorf("read the owning object: %w", err)
	}
	if o == nil {
		return cur, nil
	}
	return o, nil
}

// bookings reads the event's bookings and every link it ever had.
func (c *Changer) bookings(tx *store.Tx, s *situation) error {
	s.links = map[int64][]string{}
	if s.event.ID == 0 {
		return nil
	}
	var err error
	if s.conferences, err = conferencesOf(tx, s.event.ID); err != nil {
		return err
	}
	for _, b := range s.all() {
		if s.links[b.ID], err = c.opts.Policy.linksEver(tx, b); err != nil {
			return err
		}
	}
	if s.own == nil {
		return nil
	}
	rooms, err := tx.Rooms(s.own.ID)
	if err != nil {
		return fmt.Errorf("read the rooms: %w", err)
	}
	s.had, s.reusable = len(linksOf(rooms)) > 0, true
	for _, r := range rooms {
		if r.Generation == s.own.Generation && !usable(&r) && r.Occurrence == "" {
			s.reusable = false
		}
	}
	return nil
}

func linksOf(rooms []store.Room) []string {
	var out []string
	for _, r := range rooms {
		if r.JoinURL != "" && !slices.Contains(out, r.JoinURL) {
			out = append(out, r.JoinURL)
		}
	}
	return out
}

// marks are what of b may stand in a body; whatever other link of the event's conferences stands
// there is an old one. nil: there is no booking.
func (s *situation) marks(b *store.Booking) ical.Marks {
	var m ical.Marks
	if b != nil {
		m.Link, m.Block = b.Link, b.Block
	}
	for _, other := range s.all() {
		m.Old = append(m.Old, s.links[other.ID]...)
	}
	m.Old = without(m.Old, m.Link)
	return m
}

// copied finds out whether the body carries traces of another booking of the same owner: it was
// copied, and gets a conference of its own. A bare link is only text.
func (c *Changer) copied(tx *store.Tx, s *situation) error {
	for _, v := range s.incoming.All() {
		ask, err := c.copiedIn(tx, s, v)
		if err != nil {
			return err
		}
		switch {
		case v == s.incoming.Master:
			s.copied = ask
		case ask != nil:
			if s.copies == nil {
				s.copies = map[*ical.VEvent]*Ask{}
			}
			s.copies[v] = ask
		}
	}
	return nil
}

// copiedIn looks at one component and notes the links of what was copied.
func (c *Changer) copiedIn(tx *store.Tx, s *situation, v *ical.VEvent) (ask *Ask, err error) {
	consider := func(b *store.Booking, err error) error {
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for the copied booking: %w", err)
		}
		if b.UserID != s.user.ID || s.event.ID != 0 && b.EventID == s.event.ID {
			return nil
		}
		links, err := c.opts.Policy.linksEver(tx, b)
		if err != nil {
			return err
		}
		for _, link := range links {
			if !slices.Contains(s.foreign, link) {
				s.foreign = append(s.foreign, link)
			}
		}
		ask = &Ask{By: ByCopy, Provider: b.Provider, Kind: b.Kind, Capacity: b.Capacity}
		return nil
	}
	if l := v.Component.First(ical.PropBooking); l != nil {
		if err := consider(tx.BookingByPublicID(l.Value)); err != nil {
			return nil, err
		}
	}
	for _, link := range ical.OurLinks(v.Component) {
		if err := consider(c.bookingOfLink(tx, link)); err != nil {
			return nil, err
		}
	}
	return ask, nil
}

// bookingOfLink finds the booking whose event has, or had, a link of ours.
func (c *Changer) bookingOfLink(tx *store.Tx, link string) (*store.Booking, error) {
	if name, ok := c.opts.Policy.tokenOf(link); ok {
		token, err := find(tx.TokenByName(name))
		if err != nil {
			return nil, err
		}
		if token != nil && (link == c.opts.Policy.joinLink(name) || slices.Contains(token.Links, link)) {
			return tx.BookingByID(token.BookingID)
		}
	}
	room, err := tx.RoomByLink(link)
	if err != nil {
		return nil, err
	}
	return tx.BookingByID(room.BookingID)
}

// usable tells whether a room may still serve its booking.
func usable(r *store.Room) bool {
	switch conference.RoomState(r.State) {
	case conference.RoomIntended, conference.RoomCreating, conference.RoomLive:
		return true
	}
	return false
}
