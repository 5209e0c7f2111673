package caldav

import (
	"strings"
	"time"

	"joinery/caldav/ical"
)

// century is the longest that a duration can be (see ical.ParseDuration), and an alarm repeated.
const century = 36600 * 24 * time.Hour

// alarmDuring tells whether an alarm goes off in a range, at its trigger or at one of its repetitions
// (RFC 4791 §9.9): of a recurring component that of any instance. Without a beginning to count from, one
// of a VTODO counts from when it is due.
func (m *matcher) alarmDuring(c *ical.Component, r timeRange) bool {
	l := c.First("TRIGGER")
	if l == nil || c.Parent == nil {
		return false
	}
	repeat := repetitionOf(c)
	days, exact, err := ical.ParseDuration(l.Value)
	if err != nil || strings.EqualFold(l.Param("VALUE"), "DATE-TIME") {
		t, err := m.object.Time(l)
		return err != nil || repeat.hits(t.In(m.zone), r)
	}
	v := m.of(c.Parent.Name).by[c.Parent]
	switch {
	case v == nil:
		return true
	case v.Start.Time.IsZero():
		return false
	}
	// The instances whose alarm may fall into the range: the range, shifted back by what lies
	// between alarm and instance, and a day wider for clocks that change.
	const day = 24 * time.Hour
	shift := time.Duration(days)*day + exact
	around := r.widened(repeat.length(), 0).widened(shift+day, day-shift)
	atEnd := strings.EqualFold(l.Param("RELATED"), "END")
	return m.anyInstance(v, around, func(start, end time.Time) bool {
		if atEnd {
			start = end
		}
		return repeat.hits(start.In(m.zone).AddDate(0, 0, days).Add(exact), r)
	})
}

// A repetition is how often an alarm goes off again after its trigger, and how long after each time.
type repetition struct {
	times int64
	every time.Duration
}

// repetitionOf reads REPEAT and DURATION, which stand together (RFC 5545 §3.6.6).
func repetitionOf(c *ical.Component) repetition {
	duration := c.First("DURATION")
	if duration == nil {
		return repetition{}
	}
	days, exact, err := ical.ParseDuration(duration.Value)
	every := time.Duration(days)*24*time.Hour + exact
	if err != nil || every <= 0 {
		return repetition{}
	}
	most := int64(century / every)
	var n int64
	for _, d := range strings.TrimSpace(c.Text("REPEAT")) {
		if d < '0' || d > '9' || n > most {
			break
		}
		n = n*10 + int64(d-'0')
	}
	return repetition{min(n, most), every}
}

// length is how long after its trigger the alarm goes off for the last time.
func (a repetition) length() time.Duration { return time.Duration(a.times) * a.every }

// hits tells whether an alarm with that trigger goes off in a range.
func (a repetition) hits(trigger time.Time, r timeRange) bool {
	if a.times == 0 || r.startsBy(trigger) {
		return r.holds(trigger)
	}
	late := r.start.Sub(trigger)
	if late > a.length() {
		return false
	}
	n := (late + a.every - 1) / a.every // the first that is not before the range
	return r.endsAfter(trigger.Add(n * a.every))
}
