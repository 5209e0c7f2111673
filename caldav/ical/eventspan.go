package ical

import "time"

// Span returns a time that all instances lie in, whatever the zone of floating times and dates: an
// index's bounds. It may be wider than they are. A zero end is open: the event recurs without end, or
// its end would take too much work to find, or its rule cannot be read. Both are zero where the event
// has no time at all.
func (e *Event) Span() (start, end time.Time) {
	start, end, _ = e.reach()
	return start, end
}

// reach is Span and the Seasons of all instances.
func (e *Event) reach() (start, end time.Time, seasons Seasons) {
	widen := func(from, to time.Time) {
		if start.IsZero() || from.Before(start) {
			start = from
		}
		if to.After(end) {
			end = to
		}
	}
	for _, v := range e.All() {
		if !v.Start.Time.IsZero() {
			from, _ := v.Start.widest()
			_, to := v.End.widest()
			widen(from, to)
		}
	}
	m := e.Master
	if m == nil || m.Start.Time.IsZero() || !m.Recurring {
		return start, end, 0
	}
	b := expandBudget
	x, err := newExpansion(e, time.UTC, &b)
	if err != nil {
		return start, time.Time{}, 0
	}
	seasons = x.seasons()
	reach := int64(0)
	if !x.frame.fixed {
		reach = int64(floatingReach / time.Second)
	}
	for _, d := range x.dates { // an RDATE may lie before DTSTART
		widen(time.Unix(d.at-reach, 0).UTC(), time.Unix(d.at+x.longest+reach, 0).UTC())
	}
	last, ok := x.lastStart()
	if !ok {
		return start, time.Time{}, seasons
	}
	widen(start, time.Unix(last.Unix()+max(lengthOf(m, time.UTC).atMost(), x.longest)+reach, 0).UTC())
	for _, s := range x.shifts {
		by := int64(s.delta) + int64(zoneReach/time.Second) + lengthOf(s.def, time.UTC).atMost()
		widen(start, time.Unix(last.Unix()+by+reach, 0).UTC())
	}
	return start, end, seasons
}

// lastStart is the start of the last instance that the master makes, or later; false if there is
// none or it takes too much work to find.
func (x *expansion) lastStart() (time.Time, bool) {
	last := x.dates[len(x.dates)-1].at
	for _, r := range x.rules {
		switch {
		case r.Until != nil:
			c := untilCivil(r.Until, nil, x.frame.allDay)
			if r.Until.UTC {
				last = max(last, int64(c))
			} else {
				last = max(last, civilTime(c, x.frame.loc).Unix())
			}
		case r.Count > 0:
			s := newRuleSource(x.frame, r, x.first, x.first.at, x.budget)
			for {
				it, ok := s.next()
				if !ok {
					break
				}
				last = max(last, it.at)
			}
			if s.err != nil {
				return time.Time{}, false
			}
		default:
			return time.Time{}, false
		}
	}
	return time.Unix(last, 0), true
}
