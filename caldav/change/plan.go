package change

import (
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// A situation is everything that decides what becomes of a save: values, no handles.
type situation struct {
	now      time.Time
	policy   *Policy
	user     *store.User
	rule     string // the calendar's rule
	local    func(address string) bool
	imported bool // the save is part of an import

	zone  *time.Location // the user's
	event store.Event    // as it stands; zero ID: the UID is new to this user
	conferences
	// reusable: no room of the own booking's present generation is being released or gone.
	reusable bool
	had      bool                  // a room of the own booking had a link
	links    map[int64][]string    // all links that each booking ever had
	copied   *Ask                  // the body's master carries traces of another booking of this user
	foreign  []string              // links of such bookings
	copies   map[*ical.VEvent]*Ask // by override: the same of it

	base, current, incoming *ical.Event // base and current are nil where there is none
	named                   bool        // the client has said that it started from base
	last                    bool        // nothing but our own edits came after base
	answers                 []store.Answer
	stale                   bool   // incoming is an attendee's save of what the organiser has changed since
	refused                 string // why this user gets no new conference now, a conference.Reason
	newID                   func() string
}

// A plan is what is to be stored together.
type plan struct {
	data    []byte
	event   store.Event
	booking *store.Booking // of the event itself, to be stored; nil: unchanged
	created bool           // booking asks for a conference that was not asked for before
	singles []single       // of occurrences, to be stored
	forced  []string       // whom the client wants told again (SCHEDULE-FORCE-SEND)
	unknown []string       // whom it wants told in a way that there is not
	why     string
}

// A single is what becomes of the booking of one occurrence.
type single struct {
	booking *store.Booking
	created bool
}

// planSave decides what a client's save means. It is pure.
func planSave(s situation) plan {
	p := plan{event: s.event}
	p.event.UID = s.incoming.UID
	p.event.Role = roleOf(s.incoming, s.user)
	p.event.Saved = s.now
	p.event.Imported = s.imported
	p.event.Silent, p.event.Delivered = false, false
	revived := !p.event.Deleted.IsZero()
	p.event.Deleted, p.event.Data = time.Time{}, nil

	edit := s.incoming.Object.Edit()
	if p.event.Role == store.RoleOrganizer {
		s.conference(&p, edit, revived)
	} else if s.anyWanted() {
		// The owner gave the event away: the conference was the owner's.
		p.dropAll(&s)
		s.strip(edit, s.marks(s.own))
		p.why = "the organizer changed"
	}
	s.scheduling(&p, edit)
	if s.stale {
		p.why = "the organizer has changed it since"
	}
	p.data = s.keepAnswers(&p, edit.Bytes())
	for _, v := range s.incoming.All() {
		p.event.Sequence = max(p.event.Sequence, v.Sequence)
	}
	return p
}

// roleOf says what the owner is in an event (docs/conferences.md, "Who gets one").
func roleOf(e *ical.Event, u *store.User) store.Role {
	org := e.Organizer()
	if org == nil || slices.Contains(u.Addresses, org.Address) {
		return store.RoleOrganizer
	}
	for _, v := range e.All() {
		for _, a := range v.Attendees {
			if slices.Contains(u.Addresses, a.Address) {
				return store.RoleAttendee
			}
		}
	}
	return store.RoleNone
}

// dropAll notes that the bookings' event is gone.
func (p *plan) dropAll(s *situation) {
	if s.own != nil && s.own.State == store.BookingWanted {
		p.booking = dropped(s.own, s.now)
	}
	for _, b := range s.singles {
		if b.State == store.BookingWanted {
			p.singles = append(p.singles, single{booking: dropped(b, s.now)})
		}
	}
}

func (s *situation) anyWanted() bool {
	return slices.ContainsFunc(s.all(), func(b *store.Booking) bool { return b.State == store.BookingWanted })
}

// conference decides about the event's bookings and edits the incoming body accordingly.
func (s *situation) conference(p *plan, edit *ical.Edit, revived bool) {
	v := s.incoming.Master
	if v != nil {
		left := s.own != nil && s.own.State == store.BookingWanted && s.movedIntoPast(v)
		if v.Cancelled() || left {
			if s.anyWanted() {
				p.dropAll(s)
				p.why = "the event was cancelled"
				if left {
					p.why = "the event was moved into the past before it began"
				}
			}
			if len(s.all()) > 0 {
				marks := s.marks(s.own)
				marks.Old = append(marks.Old, s.foreign...)
				s.strip(edit, marks)
			}
			return
		}
		s.master(p, edit, v, revived)
	}
	s.overrides(p, edit, revived)
}

// master decides about the booking of the event itself and edits its master accordingly.
func (s *situation) master(p *plan, edit *ical.Edit, v *ical.VEvent, revived bool) {
	b := s.own
	marks := s.marks(b)
	marks.Old = append(marks.Old, s.foreign...)
	if b == nil {
		marks.Block = s.policy.strayNote(v)
	}
	verdict := s.judge(v, b, marks, revived)
	p.why = verdict.why
	switch verdict.move {
	case moveNone:
		s.inert(p, edit, v, b, marks)
		return
	case moveKeep:
		c := s.kept(b, v, verdict)
		c.InLocation = s.present(edit, v, c, marks, verdict)
		p.booking = c
		return
	case moveRemove:
		s.present(edit, v, nil, marks, verdict)
		p.booking = removed(b, s.now)
		return
	}
	c := s.asked(b, v, verdict)
	s.present(edit, v, c, marks, verdict)
	p.booking, p.created = c, true
}

// movedIntoPast tells whether v is over although its meeting, as it stood, has not begun: what was
// booked for it serves nobody. A meeting that was held and is edited afterwards keeps its link.
func (s *situation) movedIntoPast(v *ical.VEvent) bool {
	return s.current != nil && s.current.Master != nil && ended(v, s.user, s.now) &&
		s.current.Master.Start.In(zoneOf(s.user)).After(s.now)
}

// judge reads the bodies and judges them, with what only the situation knows.
func (s *situation) judge(v *ical.VEvent, b *store.Booking, marks ical.Marks, revived bool) verdict {
	fresh := b == nil
	var out verdict
	if !fresh && b.State == store.BookingDropped {
		out = s.restored(b, s.reading(v, marks), revived, s.reusable)
	} else {
		out, _ = s.compare(v, b, marks, s.copied)
	}
	asksNew := out.move == moveCreate
	switch {
	case asksNew && (ended(v, s.user, s.now) || s.over()):
		return verdict{move: moveNone, why: "it has ended"}
	case asksNew && fresh && s.imported:
		return verdict{move: moveNone, why: "imported"}
	}
	return out
}

// reading reads v as it was sent, with what the calendar's rule asks of it.
func (s *situation) reading(v *ical.VEvent, marks ical.Marks) reading {
	if a, ok := s.policy.ruleAsk(s.rule, v, s.local); ok {
		return s.policy.read(v, marks, a)
	}
	return s.policy.read(v, marks)
}

// restored judges a body that comes back after its conference b went with what it was for. revived: it
// was deleted. reusable: b's rooms may serve again.
func (s *situation) restored(b *store.Booking, in reading, revived, reusable bool) verdict {
	again := Ask{By: ByCopy, Provider: b.Provider, Kind: b.Kind, Capacity: b.Capacity}
	asked, asks := in.first(func(Ask) bool { return true })
	switch {
	case revived && !asks && !in.found.Old && !in.traces(b):
		// Remembered as a removal: the saves that follow do not ask either.
		return verdict{move: moveRemove, why: "came back without asking"}
	case reusable && (in.traces(b) || !asks || asked.same(b.Provider, b.Kind)):
		keep := verdict{move: moveKeep, location: true, blockGone: b.BlockGone && in.places(b), why: "came back in time"}
		if !asks && !in.traces(b) {
			// Its cancellation took out what had asked: the next save withdraws nothing.
			keep.ask = again
		}
		return keep
	case asks:
		return verdict{move: moveCreate, ask: asked, location: true, why: "came back and asks"}
	}
	return verdict{move: moveCreate, ask: again, location: true, why: "came back"}
}

// over tells whether no occurrence of a series is to come. Where that cannot be known, it is not.
func (s *situation) over() bool {
	if !series(s.incoming) {
		return false
	}
	_, left, err := s.incoming.Next(s.now, s.zone)
	return err == nil && !left
}

// inert edits a body without conference: links of ours are stripped, and an import that would have
// asked says so.
func (s *situation) inert(p *plan, edit *ical.Edit, v *ical.VEvent, b *store.Booking, marks ical.Marks) {
	if b != nil || s.copied != nil || marks.Block != "" {
		s.present(edit, v, nil, marks, verdict{move: moveRemove})
		return
	}
	state := v.Component.Text(ical.PropState)
	switch {
	case p.why == "imported":
		edit.SetOnce(v.Component, ical.PropState, "imported")
	case state == "imported":
		edit.SetOnce(v.Component, ical.PropState, "")
	}
}

// strip takes everything of ours out of every component of the incoming body.
func (s *situation) strip(edit *ical.Edit, marks ical.Marks) {
	for _, v := range s.incoming.All() {
		s.present(edit, v, nil, marks, verdict{move: moveRemove})
	}
}

// present edits v so that booking b stands in it (nil: nothing of ours). It tells whether the link
// stands in LOCATION.
func (s *situation) present(edit *ical.Edit, v *ical.VEvent, b *store.Booking, marks ical.Marks, verdict verdict) (inLocation bool) {
	pres := ical.Presentation{Location: verdict.location, Marks: ical.Marks{Old: withPresent(marks), Block: marks.Block}}
	if b == nil {
		pres.Resources, pres.PartStat = s.policy.isResource, "DECLINED"
	} else {
		pres = presentation(s.policy, b, pres)
	}
	return edit.Present(v.Component, pres)
}

// presentation completes pres, which holds the marks to be looked for, with how booking b stands in
// its event.
func presentation(p *Policy, b *store.Booking, pres ical.Presentation) ical.Presentation {
	pres.Link, pres.Old = b.Link, without(pres.Old, b.Link)
	pres.Resources = p.isResource
	if !b.BlockGone {
		pres.NewBlock = b.Block
	}
	switch {
	case b.Link != "":
		pres.Booking, pres.Generation, pres.State = b.PublicID, b.Generation, "ready"
		pres.PartStat = "ACCEPTED"
		pres.IsWord = func(t string) bool { a, ok := p.word(t); return ok && a.same(b.Provider, b.Kind) }
		prov, _ := p.provider(b.Provider)
		pres.Label = prov.Service
	case b.Problem != "":
		pres.PartStat = "DECLINED"
	}
	if b.Problem != "" {
		pres.State, pres.Reason = "failed", b.Problem
	}
	return pres
}

func (p *Policy) isResource(address string) bool { _, ok := p.resource(address); return ok }

// withPresent lists all links of m, the present one too.
func withPresent(m ical.Marks) []string {
	if m.Link == "" {
		return m.Old
	}
	return append([]string{m.Link}, m.Old...)
}

func without(list []string, s string) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		if v != s {
			out = append(out, v)
		}
	}
	return out
}

// ended tells whether v's last moment is over. A recurring event is taken as not ended.
func ended(v *ical.VEvent, u *store.User, now time.Time) bool {
	return !v.Recurring && !meetingEnd(v, zoneOf(u)).After(now)
}

// meetingEnd is the end of v's meeting: of an event without length an hour after its start.
func meetingEnd(v *ical.VEvent, loc *time.Location) time.Time {
	start, end := v.Start.In(loc), v.End.In(loc)
	if !end.After(start) {
		end = start.Add(defaultLength)
	}
	return end
}

// zoneOf is the zone in which a user's floating times and dates are taken.
func zoneOf(u *store.User) *time.Location {
	if loc, _ := ical.ZoneByName(u.Zone); loc != nil {
		return loc
	}
	return time.UTC
}
