package ical

import "time"

// floatingReach is how far a wall clock time may lie from the same time in UTC, in any zone.
const floatingReach = 14 * time.Hour

// spanOf is the time that the instances of components, all of one kind, lie in (RFC 4791 §9.9). A
// side that is open or unknown is zero; of recurring tasks and journals the end is always open.
func spanOf(o *Object, components []*Component, recurring bool) (start, end time.Time, err error) {
	if recurring && components[0].Name == "VEVENT" {
		e, err := ParseEvent(o)
		if err != nil {
			return time.Time{}, time.Time{}, err
		}
		start, end = e.Span()
		return start, end, nil
	}
	unknown := false
	for _, c := range components {
		from, to, err := componentSpan(o, c)
		if err != nil {
			return time.Time{}, time.Time{}, err
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
		return time.Time{}, time.Time{}, nil
	}
	if recurring {
		end = time.Time{}
	}
	return start, end, nil
}

// componentSpan is when one component alone takes place; zero if it has no time.
func componentSpan(o *Object, c *Component) (from, to time.Time, err error) {
	endName := "DTEND"
	if c.Name == "VTODO" {
		endName = "DUE"
	}
	start, end, err := o.span(c, endName)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	if c.First("DTSTART") == nil {
		l := c.First(endName)
		if l == nil {
			return time.Time{}, time.Time{}, nil
		}
		if end, err = o.readTime(l); err != nil {
			return time.Time{}, time.Time{}, err
		}
		start = end
	}
	from, _ = start.widest()
	_, to = end.widest()
	return from, to, nil
}

// widest is the first and the last instant that t may be, in whatever zone it is read.
func (t Time) widest() (first, last time.Time) {
	if t.Floating || t.AllDay {
		return t.Time.Add(-floatingReach).UTC(), t.Time.Add(floatingReach).UTC()
	}
	return t.Time.UTC(), t.Time.UTC()
}
