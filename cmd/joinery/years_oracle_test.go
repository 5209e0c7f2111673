package main

import (
	"slices"
	"time"
)

// What is true of the series of a simulation, worked out by the scenarios themselves: nothing here
// asks the program.

// An occurrence is one meeting of a series.
type occurrence struct {
	start, end time.Time
	begins     time.Time // when its conference is begun by hand; zero: at its start, or never where it is by hand
	stops      time.Time // when people end it by hand; zero: nobody does

	alone          bool      // it has a link of its own
	early          bool      // somebody has begun it before its time, and not ended it yet
	began, stopped time.Time // as it happened
}

// A series is an event of anna's as it is meant to be.
type series struct {
	name    string // its title: the conferences that are called so are its
	path    string
	list    []*occurrence // those that still count, past ones too, by start
	ended   []*occurrence // those that count no more: moved away, excluded, deleted
	gone    bool          // the event was deleted
	saved   bool          // the event was saved
	deleted time.Time     // when

	once   bool // it is no series: the event carries the provider's link
	direct bool // it carries the link of the conference of the moment
	hook   bool
	link   string // as it stands in the event
	etag   string // as it is while nobody changes the event; empty: to be taken at the next check
	body   string

	held    map[string]time.Time // where conferences that have not begun were planned, by id
	moves   int
	checked int
}

// on is the first occurrence that begins at that moment.
func (s *series) on(start time.Time) *occurrence {
	for _, o := range append(slices.Clone(s.list), s.ended...) {
		if o.start.Equal(start) {
			return o
		}
	}
	return nil
}

// add adds an occurrence in its place.
func (s *series) add(o *occurrence) {
	s.list = append(s.list, o)
	slices.SortStableFunc(s.list, func(a, b *occurrence) int { return a.start.Compare(b.start) })
}

// remove takes those away that begin in [from, to); a zero to is open.
func (s *series) remove(from, to time.Time) {
	s.list = slices.DeleteFunc(s.list, func(o *occurrence) bool {
		if o.start.Before(from) || !to.IsZero() && !o.start.Before(to) {
			return false
		}
		s.ended = append(s.ended, o)
		return true
	})
}

// next is the first occurrence that has not ended: by its time or, where the account tells of it, by hand.
func (s *series) next(now time.Time) *occurrence {
	for _, o := range s.list {
		if o.end.After(now) && !(s.hook && !o.stopped.IsZero()) {
			return o
		}
	}
	return nil
}

// The times of docs/conferences.md and of the reconciler.
const (
	yearsOverrun = 2 * time.Hour    // after its end nothing waits for a meeting any longer
	yearsBefore  = 30 * time.Minute // before the next start it does not wait either
	yearsAgain   = 5 * time.Minute  // between two looks at a meeting that overruns
)

// yearsLimit is until when a meeting that has not been ended is waited for before the next is booked.
func yearsLimit(o, next *occurrence) time.Time {
	until := o.end.Add(yearsOverrun)
	if next != nil && next.start.Add(-yearsBefore).Before(until) {
		until = next.start.Add(-yearsBefore)
	}
	if until.Before(o.end) {
		until = o.end
	}
	return until
}

// A booked tells what the account is to hold that has not begun.
type booked struct {
	next  *occurrence // the one conference is for it; nil: there is none
	maybe bool        // it may also not be there yet
	why   string
}

// booked works out what is booked now.
func (s *series) booked(now time.Time) booked {
	next := s.next(now)
	switch {
	case next != nil && next.early:
		return booked{why: "somebody is in it before its time"}
	case next != nil && !next.began.IsZero() && next.stopped.IsZero():
		return booked{why: "the meeting is under way"}
	case next != nil && !next.began.IsZero():
		return booked{why: "the meeting was stopped by hand and its time is not over"}
	}
	var last *occurrence
	for _, o := range s.list {
		if !o.began.IsZero() && (!o.end.After(now) || s.hook && !o.stopped.IsZero()) {
			last = o
		}
	}
	if last == nil {
		return booked{next: next, why: "it is next"}
	}
	until := yearsLimit(last, next)
	switch {
	case last.stopped.IsZero() && now.Before(until):
		return booked{why: "the last meeting goes on"}
	case last.stopped.After(last.end) && !s.hook && now.Before(last.stopped.Add(yearsAgain)) && now.Before(until):
		return booked{next: next, maybe: true, why: "the last meeting has just been ended"}
	}
	return booked{next: next, why: "it is next"}
}

// running is the meeting that is under way now for all that the program knows, in time or not; nil
// if there is none. Of one that was ended by hand it may know later.
func (s *series) running(now time.Time) *occurrence {
	var running *occurrence
	for _, o := range s.list {
		known := !o.stopped.IsZero() && (s.hook || !o.end.After(now) && !now.Before(o.stopped.Add(yearsAgain)))
		if !o.began.IsZero() && !known && now.Before(o.end.Add(yearsOverrun)) {
			running = o
		}
	}
	return running
}

// instants are the moments of a series that are looked at, without those that follow from overruns.
func (o *occurrence) instants() []time.Time {
	list := []time.Time{
		o.start.Add(-yearsBefore), o.start, o.start.Add(o.end.Sub(o.start) / 2), o.end, o.end.Add(yearsAgain),
	}
	for _, t := range []time.Time{o.begins, o.stops} {
		if !t.IsZero() {
			list = append(list, t)
		}
	}
	if !o.began.IsZero() && (o.stopped.IsZero() || o.stopped.After(o.end)) {
		list = append(list, o.end.Add(yearsOverrun-time.Minute), o.end.Add(yearsOverrun), o.end.Add(yearsOverrun+yearsAgain))
	}
	return list
}

// A plan makes the occurrences of a scenario.
type plan func(n int) time.Time

// weekly begins at a wall clock's time every week, from the first on.
func weekly(loc *time.Location, year int, month time.Month, day, hour, minute int) plan {
	return func(n int) time.Time { return time.Date(year, month, day+7*n, hour, minute, 0, 0, loc) }
}

// daily is weekly for days.
func daily(loc *time.Location, year int, month time.Month, day, hour, minute int) plan {
	return func(n int) time.Time { return time.Date(year, month, day+n, hour, minute, 0, 0, loc) }
}

// lastFriday is the last Friday of each month, from that month on.
func lastFriday(loc *time.Location, year int, month time.Month, hour, minute int) plan {
	return func(n int) time.Time {
		t := time.Date(year, month+time.Month(n)+1, 0, hour, minute, 0, 0, loc) // the month's last day
		for t.Weekday() != time.Friday {
			t = t.AddDate(0, 0, -1)
		}
		return t
	}
}

// until are the occurrences of a plan that begin before a moment, so much after the simulation's
// end that there always is a next one.
func (p plan) until(end time.Time, long time.Duration) []*occurrence {
	var list []*occurrence
	for n := 0; ; n++ {
		start := p(n)
		if !start.Before(end) {
			return list
		}
		list = append(list, &occurrence{start: start, end: start.Add(long)})
	}
}

// first are the first of a plan.
func (p plan) first(count int, long time.Duration) []*occurrence {
	var list []*occurrence
	for n := range count {
		list = append(list, &occurrence{start: p(n), end: p(n).Add(long)})
	}
	return list
}
