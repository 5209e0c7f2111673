package change

import (
	"joinery/caldav/ical"
	"joinery/store"
)

// overrides decides about the bookings of single occurrences, and edits the overrides, after the
// master: what is said in an override concerns its occurrence only (docs/conferences.md).
func (s *situation) overrides(p *plan, edit *ical.Edit, revived bool) {
	own := p.booking
	if own == nil {
		own = s.own
	}
	seen := map[string]bool{}
	for _, v := range s.incoming.Overrides {
		key := s.incoming.OverrideKey(v, s.zone)
		seen[key] = true
		b := s.override(edit, v, key, own, revived)
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
func (s *situation) override(edit *ical.Edit, v *ical.VEvent, key string, own *store.Booking, revived bool) *single {
	was := s.singles[key]
	active := was != nil && was.State != store.BookingDropped
	switch {
	case v.Cancelled():
		marks := s.foreignMarks(was)
		if marks.Block == "" && s.own != nil {
			marks.Block = s.own.Block
		}
		s.present(edit, v, nil, marks, verdict{move: moveRemove})
		if active && was.State == store.BookingWanted {
			return &single{booking: dropped(was, s.now)}
		}
		return nil
	case active:
		marks := s.foreignMarks(was)
		out, _ := s.compare(v, was, marks, nil)
		return s.carry(edit, v, was, marks, out)
	case was != nil && s.returns(v, was, revived):
		marks := s.foreignMarks(was)
		return s.carry(edit, v, was, marks, s.restored(was, s.reading(v, marks), revived, true))
	case own == nil || own.State != store.BookingWanted:
		return s.alone(edit, v, was)
	case v.RangeFuture:
		// It stands for many occurrences, and has what they have.
		s.follow(edit, v, own, s.foreignMarks(s.own), verdict{location: true})
		return nil
	}
	return s.following(edit, v, was, own)
}

// returns tells whether b, the dropped booking of v's occurrence, went with what is back: the event,
// or this occurrence's cancellation. An override that was withdrawn before that had no conference of its own.
func (s *situation) returns(v *ical.VEvent, b *store.Booking, revived bool) bool {
	if s.current != nil {
		if before := counterpart(s.current, v); before != nil && v.RecurrenceID != nil && before.Cancelled() {
			return true
		}
	}
	if s.own != nil && s.own.State == store.BookingDropped {
		return b.Since.Equal(s.own.Since)
	}
	return revived && !b.Since.Before(s.event.Deleted)
}

// foreignMarks are the marks of b with the links of what was copied among the old ones.
func (s *situation) foreignMarks(b *store.Booking) ical.Marks {
	m := s.marks(b)
	m.Old = append(m.Old, s.foreign...)
	return m
}

// carry carries out a verdict on an override that has a booking of its own.
func (s *situation) carry(edit *ical.Edit, v *ical.VEvent, b *store.Booking, marks ical.Marks, out verdict) *single {
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
	return s.split(edit, v, b, marks, out)
}

// following judges an override whose occurrence has the event's conference.
func (s *situation) following(edit *ical.Edit, v *ical.VEvent, was, own *store.Booking) *single {
	marks := s.foreignMarks(s.own)
	in, base := s.reading(v, marks), s.policy.read(s.baseOf(v), marks)
	// A word says it of the occurrence itself. What else stood there before came from the event.
	other := func(a Ask) bool {
		return a.By != ByRule && !a.same(own.Provider, own.Kind) && (a.By == ByLocation || !base.has(a.By, a.Provider, a.Kind))
	}
	if s.own == nil || s.own.State != store.BookingWanted || s.own.Generation != own.Generation {
		// The event's own conference is asked for in this save.
		a, asks := in.first(other)
		if c := s.copies[v]; !asks && c != nil && !c.same(own.Provider, own.Kind) && (s.copied == nil || !c.same(s.copied.Provider, s.copied.Kind)) {
			a, asks = *c, true
		}
		switch {
		case asks:
			return s.split(edit, v, was, marks, verdict{move: moveCreate, ask: a, location: true})
		case s.own == nil && s.copied != nil && !in.found.Old && len(in.asks) == 0:
			return s.without(edit, v, was, own, marks) // as in what was copied
		}
		s.follow(edit, v, own, marks, verdict{location: true})
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
	out, base := s.compare(v, &b, marks, nil)
	switch out.move {
	case moveRemove:
		if base.exists && (base.found.Link() || len(base.asks) > 0) {
			return s.without(edit, v, was, own, marks)
		}
		out = verdict{move: moveKeep, location: true}
	case moveSwitch:
		if !other(out.ask) {
			out = verdict{move: moveKeep, location: true}
			break
		}
		return s.split(edit, v, was, marks, out)
	case moveRotate, moveCreate:
		return s.split(edit, v, was, marks, out)
	}
	s.follow(edit, v, own, marks, out)
	return nil
}

// follow edits an override so that the event's own conference stands in it. While there is no link
// the one before it stays there, to be replaced in its place; people have no other.
func (s *situation) follow(edit *ical.Edit, v *ical.VEvent, own *store.Booking, marks ical.Marks, out verdict) {
	if own.Link == "" && own.Problem == "" {
		if f := ical.Find(v.Component, s.marks(s.own)); f.Link() || f.Old {
			return
		}
	}
	c := *own
	c.BlockGone = out.blockGone
	s.present(edit, v, &c, marks, out)
}

// without notes that an occurrence of an event with a conference has none.
func (s *situation) without(edit *ical.Edit, v *ical.VEvent, was, own *store.Booking, marks ical.Marks) *single {
	c := store.Booking{EventID: s.event.ID, UserID: s.user.ID, PublicID: s.newID()}
	if was != nil {
		c = *was
	}
	c.Provider, c.Kind, c.Capacity, c.By = own.Provider, own.Kind, own.Capacity, own.By
	s.present(edit, v, nil, marks, verdict{move: moveRemove})
	return &single{booking: removed(&c, s.now)}
}

// split gives an occurrence a conference of its own.
func (s *situation) split(edit *ical.Edit, v *ical.VEvent, was *store.Booking, marks ical.Marks, out verdict) *single {
	c := s.asked(was, v, out)
	s.present(edit, v, c, marks, out)
	return &single{booking: c, created: true}
}

// alone judges an override of an event that has no conference itself. Where there is no master
// the calendar's rule may ask in it.
func (s *situation) alone(edit *ical.Edit, v *ical.VEvent, was *store.Booking) *single {
	marks := s.foreignMarks(s.own)
	in, base := s.reading(v, marks), s.policy.read(s.baseOf(v), marks)
	orphan := s.incoming.Master == nil && s.own == nil && was == nil
	a, asks := in.first(func(a Ask) bool {
		switch a.By {
		case ByLocation:
			return true
		case ByRule:
			return orphan
		}
		// What stood there when the event's conference was removed was part of that.
		return !in.found.Old && !base.has(a.By, a.Provider, a.Kind)
	})
	if c := s.copies[v]; !asks && c != nil && s.own == nil && was == nil {
		a, asks = *c, true
	}
	if over := !meetingEnd(v, s.zone).After(s.now); asks && !over {
		if !s.imported {
			return s.split(edit, v, was, marks, verdict{move: moveCreate, ask: a, location: true})
		}
		if s.incoming.Master == nil {
			edit.SetOnce(v.Component, ical.PropState, "imported")
		}
	} else if v.Component.Text(ical.PropState) == "imported" {
		edit.SetOnce(v.Component, ical.PropState, "")
	}
	if s.own != nil || was != nil || len(s.foreign) > 0 || s.policy.strayNote(v) != "" {
		if marks.Block == "" {
			marks.Block = s.policy.strayNote(v)
		}
		s.present(edit, v, nil, marks, verdict{move: moveRemove})
	}
	return nil
}
