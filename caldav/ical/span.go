package ical

import "time"

// floatingReach is how far a wall clock time may lie from the same time in UTC, in any zone.
const floatingReach = 14 * time.Hour

// spanOf is the time that the instances of components, all of one kind, lie in (RFC 4791 §9.9), and the
// seasons of it. A side that is open or unknown is zero.
func spanOf(o *Object, components []*Component, recurring bool) (start, end time.Time, seasons Seasons, err error) {
	unknown := false
	for _, c := range components {
		from, to, err := componentSpan(o, c)
		if err != nil {
			return time.Time{}, time.Time{}, 0, err
		}
		if from.IsZero() {
			unknown = true
			continue
		}
		if start.IsZero() || from.Before(start) {
			start = from
		}
		if to.After(end) {
			end = to
		}
	}
	if unknown {
		return time.Time{}, time.Time{}, 0, nil
	}
	if recurring {
		e, err := ParseSeries(o, components[0].Name)
		if err != nil {
			return time.Time{}, time.Time{}, 0, err
		}
		start, end, seasons = e.reach()
	}
	return start, end, seasons, nil
}

// componentSpan is when one component alone takes place; zero if it has no time. A VFREEBUSY has one by
// DTSTART and DTEND together alone.
func componentSpan(o *Object, c *Component) (from, to time.Time, err error) {
	if c.Name == "VFREEBUSY" && (c.First("DTSTART") == nil || c.First("DTEND") == nil) {
		return time.Time{}, time.Time{}, nil
	}
	start, end, err := o.span(c)
	if err != nil || start.Time.IsZero() {
		return time.Time{}, time.Time{}, err
	}
	from, _ = start.widest()
	_, to = end.widest()
	return from, to, nil
}

// widest is the first and the last instant that t may be, in whatever zone it is read. Neither is zero, which
// stands for none, where t is not.
func (t Time) widest() (first, last time.Time) {
	first, last = t.Time.UTC(), t.Time.UTC()
	if t.Floating || t.AllDay {
		first, last = first.Add(-floatingReach), last.Add(floatingReach)
	}
	if first.IsZero() && !t.Time.IsZero() {
		first = first.Add(-time.Second)
	}
	if last.IsZero() && !t.Time.IsZero() {
		last = last.Add(time.Second)
	}
	return first, last
}
