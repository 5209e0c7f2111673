package caldav

import (
	"net/http"
	"strings"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// A timeRange is [start, end); zero is open.
type timeRange struct{ start, end time.Time }

// overlaps tells whether [from, to) or, if they are equal, the instant from, lies in the range
// (RFC 4791 §9.9).
func (r timeRange) overlaps(from, to time.Time) bool {
	if !r.end.IsZero() && !from.Before(r.end) {
		return false
	}
	if r.start.IsZero() || to.After(r.start) {
		return true
	}
	return !to.After(from) && !from.Before(r.start)
}

// indexed is the range as the store's index takes it.
func (r timeRange) indexed() store.Range {
	return store.Range{From: r.start, To: r.end, Seasons: uint64(ical.SeasonsOf(r.start, r.end))}
}

// These compare the range's ends with an instant; open ends hold everything.

func (r timeRange) startsBefore(t time.Time) bool { return r.start.IsZero() || r.start.Before(t) }
func (r timeRange) startsBy(t time.Time) bool     { return r.start.IsZero() || !r.start.After(t) }
func (r timeRange) endsAfter(t time.Time) bool    { return r.end.IsZero() || r.end.After(t) }
func (r timeRange) endsFrom(t time.Time) bool     { return r.end.IsZero() || !r.end.Before(t) }

// holds tells whether t lies in the range, as the times of properties and alarms must.
func (r timeRange) holds(t time.Time) bool { return r.startsBy(t) && r.endsAfter(t) }

// widened is the range with so much more at its ends, where it has any.
func (r timeRange) widened(before, after time.Duration) timeRange {
	if !r.start.IsZero() {
		r.start = r.start.Add(-before)
	}
	if !r.end.IsZero() {
		r.end = r.end.Add(after)
	}
	return r
}

// parseTimeRange reads the start and end of a time-range, expand or limit element: dates with UTC time,
// of which one may be absent. Those before min-date-time are refused by its name (RFC 4791 §7.8); above
// max-date-time nothing can be written in this form.
func parseTimeRange(el *element) (*timeRange, error) {
	var r timeRange
	for _, end := range []struct {
		name string
		dst  *time.Time
	}{{"start", &r.start}, {"end", &r.end}} {
		v, ok := el.attr(end.name)
		if !ok {
			continue
		}
		v = strings.TrimSpace(v)
		t, err := time.Parse(utcForm, v)
		if err != nil || len(v) != len(utcForm) { // Parse takes fractions, too
			return nil, errFilter
		}
		if t.Year() < 1 || t.IsZero() && end.dst == &r.end {
			return nil, errMinDate
		}
		*end.dst = t
	}
	if r.start.IsZero() && r.end.IsZero() || !r.end.IsZero() && !r.start.Before(r.end) {
		return nil, errFilter
	}
	return &r, nil
}

var errMinDate = calError(http.StatusForbidden, "min-date-time")

// during tells whether c takes place in a range (RFC 4791 §9.9).
func (m *matcher) during(c *ical.Component, r timeRange) bool {
	switch c.Name {
	case "VEVENT", "VTODO", "VJOURNAL":
		return m.scheduledDuring(c, r)
	case "VFREEBUSY":
		return m.freeBusyDuring(c, r)
	case "VALARM":
		return m.alarmDuring(c, r)
	}
	return false
}

func (m *matcher) scheduledDuring(c *ical.Component, r timeRange) bool {
	v := m.of(c.Name).by[c]
	switch {
	case v == nil:
		return true
	case v.Start.Time.IsZero() && c.Name == "VEVENT":
		return true // RFC 6638 §2.3: messages may lack DTSTART
	case v.Start.Time.IsZero() && c.Name == "VJOURNAL":
		return false
	case v.Start.Time.IsZero():
		return m.unscheduledDuring(c, r)
	}
	return m.anyInstance(v, r.widened(time.Second, time.Second), func(start, end time.Time) bool {
		return instanceDuring(c, start, end, r)
	})
}

// anyInstance tells whether f holds for one of the instances that v defines; those outside of r may be
// left out.
func (m *matcher) anyInstance(v *ical.VEvent, r timeRange, f func(start, end time.Time) bool) bool {
	if !v.Recurring && !v.RangeFuture {
		return f(v.Start.In(m.zone), v.End.In(m.zone))
	}
	if m.expansions++; m.expansions > maxExpansions {
		return true
	}
	found := false
	err := m.of(v.Component.Name).event.Expand(r.start, r.end, m.zone, func(i ical.Instance) bool {
		found = i.VEvent == v && f(i.Start, i.End)
		return !found
	})
	return found || err != nil
}

// instanceDuring tells whether an instance that c defines takes place in a range: the tables of
// RFC 4791 §9.9 of what has a time.
func instanceDuring(c *ical.Component, start, end time.Time, r timeRange) bool {
	if c.Name != "VTODO" {
		return r.overlaps(start, end)
	}
	switch {
	case c.First("DTSTART") == nil:
		return r.startsBefore(end) && r.endsFrom(end)
	case c.First("DUE") != nil:
		return (r.startsBefore(end) || r.startsBy(start)) && (r.endsAfter(start) || r.endsFrom(end))
	case c.First("DURATION") != nil:
		return r.startsBy(end) && (r.endsAfter(start) || r.endsFrom(end))
	}
	return r.holds(start)
}

// unscheduledDuring is the table of a VTODO that neither begins nor is due.
func (m *matcher) unscheduledDuring(c *ical.Component, r timeRange) bool {
	completed, hasCompleted := m.at(c, "COMPLETED")
	created, hasCreated := m.at(c, "CREATED")
	switch {
	case hasCompleted && hasCreated:
		return (r.startsBy(created) || r.startsBy(completed)) && (r.endsFrom(created) || r.endsFrom(completed))
	case hasCompleted:
		return r.startsBy(completed) && r.endsFrom(completed)
	case hasCreated:
		return r.endsAfter(created)
	}
	return true
}

// at reads the first line of that name as an instant.
func (m *matcher) at(c *ical.Component, name string) (time.Time, bool) {
	l := c.First(name)
	if l == nil {
		return time.Time{}, false
	}
	v, err := m.object.Time(l)
	if err != nil {
		return time.Time{}, false
	}
	return v.In(m.zone), true
}

func (m *matcher) freeBusyDuring(c *ical.Component, r timeRange) bool {
	start, hasStart := m.at(c, "DTSTART")
	end, hasEnd := m.at(c, "DTEND")
	if hasStart && hasEnd {
		return r.startsBy(end) && r.endsAfter(start)
	}
	for _, l := range c.All("FREEBUSY") {
		for _, p := range m.periods(l) {
			if p.during(r) {
				return true
			}
		}
	}
	return false
}

// during tells whether a period of a VFREEBUSY reaches into a range, whatever its type.
func (p period) during(r timeRange) bool { return r.startsBefore(p.end) && r.endsAfter(p.start) }

// valueDuring tells whether a property's value lies in a range: of DTSTART, DTEND and DUE that of any
// instance.
func (m *matcher) valueDuring(l *ical.Line, c *ical.Component, r timeRange) bool {
	switch l.Name {
	case "DTSTART", "DTEND", "DUE":
		if v := m.of(c.Name).by[c]; v != nil && (v.Recurring || v.RangeFuture) {
			return m.boundDuring(v, l.Name == "DTSTART", r)
		}
	}
	t, err := m.object.Time(l)
	return err == nil && r.holds(t.In(m.zone))
}

// boundDuring tells whether the beginning of an instance of v, or its end, lies in a range.
func (m *matcher) boundDuring(v *ical.VEvent, beginning bool, r timeRange) bool {
	return m.anyInstance(v, r.widened(time.Second, 0), func(start, end time.Time) bool {
		if beginning {
			return r.holds(start)
		}
		return r.holds(end)
	})
}

// impliedEnd tells whether the DTEND or DUE that c has by its DURATION lies in a range.
func (m *matcher) impliedEnd(name string, c *ical.Component, r timeRange) bool {
	if c.First("DURATION") == nil || (name != "DTEND" || c.Name != "VEVENT") && (name != "DUE" || c.Name != "VTODO") {
		return false
	}
	v := m.of(c.Name).by[c]
	return v == nil || !v.Start.Time.IsZero() && m.boundDuring(v, false, r)
}
