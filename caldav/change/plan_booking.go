package change

import (
	"time"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/store"
)

// What becomes of a booking by a save, as values: nothing is stored here.

// dropped is b without its event; its rooms are released after the settle time.
func dropped(b *store.Booking, now time.Time) *store.Booking {
	c := *b
	c.State, c.Since = store.BookingDropped, now
	return &c
}

// kept is b after a save that keeps it.
func (s *situation) kept(b *store.Booking, v *ical.VEvent, verdict verdict) *store.Booking {
	c := *b
	c.State, c.BlockGone = store.BookingWanted, verdict.blockGone
	if c.Token == "" {
		c.Token = s.newID()
	}
	if verdict.ask.By != "" {
		c.By = []string{verdict.ask.By}
	}
	for _, a := range s.policy.asks(v) {
		if a.By == ByProperty && a.same(c.Provider, c.Kind) {
			c.Capacity = a.Capacity
		}
	}
	if c.Problem == string(conference.ReasonSeries) && s.knowable(&c) {
		// It is being made: people wait for its link from now on.
		c.Problem, c.Since = "", s.now
		if c.Link == "" {
			c.Block = ""
		}
	}
	return &c
}

// knowable tells whether the rule as it was sent lets the next occurrence of own be known.
func (s *situation) knowable(own *store.Booking) bool {
	all := conferences{own: own, singles: s.singles}
	_, _, err := all.next(&Present{Event: s.incoming, Zone: s.zone}, func(string, time.Time) bool { return false }, s.now)
	return err == nil
}

// removed is b after its organiser has removed the conference.
func removed(b *store.Booking, now time.Time) *store.Booking {
	c := *b
	c.State, c.Since, c.Link, c.Block, c.InLocation, c.BlockGone, c.Problem, c.Warning = store.BookingRemoved, now, "", "", false, false, "", ""
	return &c
}

// asked is b (nil: a new booking) after a conference was asked for that is not the present one.
func (s *situation) asked(b *store.Booking, v *ical.VEvent, verdict verdict) *store.Booking {
	c := store.Booking{EventID: s.event.ID, UserID: s.user.ID}
	if b == nil {
		c.PublicID = s.newID()
	} else {
		c = *b
	}
	c.State, c.Since, c.Generation, c.Token = store.BookingWanted, s.now, c.Generation+1, s.newID()
	c.Provider, c.Kind, c.Capacity = verdict.ask.Provider, verdict.ask.Kind, verdict.ask.Capacity
	c.By = ways(append(s.policy.asks(v), verdict.ask), c.Provider, c.Kind)
	c.Link, c.Block, c.InLocation, c.BlockGone, c.Problem, c.Warning = "", "", false, false, s.refused, ""
	if s.had && c.Problem == string(conference.ReasonDaily) {
		// An event that had a conference is not another one.
		c.Problem = ""
	}
	if c.Problem != "" {
		c.ProblemSince, c.Block = s.now, note(s.policy, &c, s.user.Locale)
	}
	return &c
}
