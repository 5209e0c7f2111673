package change

import (
	"joinery/caldav/ical"
	"joinery/store"
)

// overrides decides about the bookings of single occurrences, and edits the overrides, after the
// master: what is said in an override concerns its occurrence only (design §4).
func (s *situation) overrides(p *plan, edit *ical.Edit, revived bool) {
	own := p.booking
	if own == nil {
		own = s.own
	}
	seen := map[string]bool{}
	for _, v := range s.incoming.Overrides {
		key := s.incoming.OverrideKey(v, s.zone)
		if seen[key] {
			continue
		}
		seen[key] = true
		b := s.override(p, edit, v, key, own, revived)
		if b == nil {
			continue
		}
		b.booking.RecurrenceID = key
		p.singles = append(p.singles, *b)
		if p.why == "" || p.why == "keep" {
			p.why = "an occurrence: " + string(b.booking.State)
		}
	}
	for key, b := range s.singles {
		// Without its override the occurrence is as the others.
		if !seen[key] && b.State != store.BookingDropped {
			p.singles = append(p.singles, single{booking: dropped(b, s.now)})
		}
	}
}

// override decides about one override. own is the booking of the event itself after this save. nil:
// the occurrence's own booking stays as it is.
func (s *situation) override(p *plan, edit *ical.Edit, v *ical.VEvent, key string, own *store.Booking, revived bool) *single {
	was := s.singles[key]
	if was != nil && was.State == store.BookingDropped && revived && !v.Cancelled() {
		back := *was
		back.State = store.BookingWanted
		was = &back
	}
	active := was != nil && was.State != store.BookingDropped
	if v.Cancelled() {
		s.present(edit, v, nil, s.foreignMarks(was), verdict{move: moveRemove})
		if active && was.State == store.BookingWanted {
			return &single{booking: dropped(was, s.now)}
		}
		return nil
	}
	if active {
		return s.single(edit, v, was)
	}
	if own == nil || own.State != store.BookingWanted {
		return s.alone(p, edit, v, was)
	}
	return s.following(edit, v, was, own)
}

// foreignMarks are the marks of b with the links of what was copied among the old ones.
func (s *situation) foreignMarks(b *store.Booking) ical.Marks {
	m := s.marks(b)
	m.Old = append(m.Old, s.foreign...)
	return m
}

// base is what the client started from in v; of an override that it has just made, the master.
func (s *situation) baseOf(v *ical.VEvent, marks ical.Marks) reading {
	if s.base == nil {
		return reading{}
	}
	if was := counterpart(s.base, v); was != nil {
		return s.policy.read(was, marks)
	}
	return s.policy.read(s.base.Master, marks)
}

// single judges an override that has a booking of its own.
func (s *situation) single(edit *ical.Edit, v *ical.VEvent, b *store.Booking) *single {
	marks := s.foreignMarks(b)
	out := judge(b, s.baseOf(v, marks), s.policy.read(v, marks), nil)
	switch out.move {
	case moveNone:
		s.present(edit, v, nil, marks, out)
		return nil
	case moveKeep:
		c := s.kept(b, v, out)
		c.InLocation = s.present(edit, v, c, marks, out)
		return &single{booking: c}
	case moveRemove:
		s.present(edit, v, nil, marks, out)
		return &single{booking: removed(b, s.now)}
	}
	c := s.asked(b, v, out)
	s.present(edit, v, c, marks, out)
	return &single{booking: c, created: true}
}

// following judges an override whose occurrence has the event's conference.
func (s *situation) following(edit *ical.Edit, v *ical.VEvent, was, own *store.Booking) *single {
	marks := s.foreignMarks(s.own)
	in := s.policy.read(v, marks)
	if s.own == nil || s.own.State != store.BookingWanted || s.own.Generation != own.Generation {
		// The event's own conference is asked for in this save; only another one is the occurrence's.
		if a, ok := in.first(func(a Ask) bool { return a.By != ByRule && !a.same(own.Provider, own.Kind) }); ok {
			return s.split(edit, v, was, marks, verdict{move: moveCreate, ask: a, location: true})
		}
		s.present(edit, v, own, marks, verdict{location: true})
		return nil
	}
	// What stood in this override counts, not what stands in the master.
	b := *s.own
	if s.current != nil {
		if before := counterpart(s.current, v); before != nil {
			found := ical.Find(before.Component, marks)
			b.InLocation, b.BlockGone = found.InLocation, found.Link() && !found.Block
		}
	}
	base := s.baseOf(v, marks)
	out := judge(&b, base, in, nil)
	switch out.move {
	case moveRemove:
		if base.exists && (base.found.Link() || len(base.asks) > 0) {
			c := store.Booking{EventID: s.event.ID, UserID: s.user.ID, PublicID: s.newID()}
			if was != nil {
				c = *was
			}
			c.Provider, c.Kind, c.Capacity, c.By = own.Provider, own.Kind, own.Capacity, own.By
			s.present(edit, v, nil, marks, out)
			return &single{booking: removed(&c, s.now)}
		}
		out = verdict{move: moveKeep, location: true}
	case moveRotate, moveSwitch, moveCreate:
		return s.split(edit, v, was, marks, out)
	}
	c := *own
	c.BlockGone = out.blockGone
	s.present(edit, v, &c, marks, out)
	return nil
}

// split gives an occurrence a conference of its own.
func (s *situation) split(edit *ical.Edit, v *ical.VEvent, was *store.Booking, marks ical.Marks, out verdict) *single {
	c := s.asked(was, v, out)
	s.present(edit, v, c, marks, out)
	return &single{booking: c, created: true}
}

// alone judges an override of an event that has no conference itself.
func (s *situation) alone(p *plan, edit *ical.Edit, v *ical.VEvent, was *store.Booking) *single {
	marks := s.foreignMarks(s.own)
	in, base := s.policy.read(v, marks), s.baseOf(v, marks)
	a, asks := in.first(func(a Ask) bool {
		return a.By == ByLocation || a.By != ByRule && !in.found.Old && !base.has(a.By, a.Provider, a.Kind)
	})
	// A word that stood there when the event's conference was removed was part of that.
	over := !meetingEnd(v, s.zone).After(s.now)
	if asks && !s.imported && !over {
		return s.split(edit, v, was, marks, verdict{move: moveCreate, ask: a, location: true})
	}
	if s.own != nil || was != nil || len(s.foreign) > 0 || s.policy.strayNote(v) != "" {
		if marks.Block == "" {
			marks.Block = s.policy.strayNote(v)
		}
		s.present(edit, v, nil, marks, verdict{move: moveRemove})
	}
	return nil
}
