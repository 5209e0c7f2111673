package itip

import (
	"strings"
	"time"

	"joinery/caldav/ical"
)

// An occurrence is one that the rule of a series has, as it takes place without a component of its own.
type occurrence struct {
	id         time.Time    // as RECURRENCE-ID
	of         *ical.VEvent // what it is like: the master, or the override that begins another stretch (THISANDFUTURE)
	start, end time.Time    // as ical.Time has them
	period     bool         // end is an RDATE's own
}

// occurrenceAt finds the occurrence id of ev's rule; false where the rule does not have it or EXDATE takes
// it out. Overrides of that occurrence alone are not looked at.
func occurrenceAt(ev *ical.Event, id time.Time) (occurrence, bool) {
	m := ev.Master
	if m == nil || m.Start.Time.IsZero() {
		return occurrence{}, false
	}
	o := occurrence{id: id, of: m}
	bare := &ical.Event{Object: ev.Object, UID: ev.UID, Master: m}
	found := false
	err := bare.Expand(id, id.Add(time.Second), time.UTC, func(i ical.Instance) bool {
		if found = i.RecurrenceID.Equal(id); found {
			o.start, o.end = i.Start, i.End
		}
		return !found
	})
	if err != nil || !found {
		return occurrence{}, false
	}
	for _, l := range m.Component.All("RDATE") {
		o.period = o.period || strings.EqualFold(l.Param("VALUE"), "PERIOD")
	}
	for _, v := range ev.Overrides {
		if v.RangeFuture && !v.Start.Time.IsZero() && !v.RecurrenceID.Time.After(id) && (o.of == m || v.RecurrenceID.Time.After(o.of.RecurrenceID.Time)) {
			o.of = v
		}
	}
	if v := o.of; v != m {
		loc := zoneOf(ev.Object, m.Start)
		shift := clock(v.Start.Time, loc).Sub(clock(v.RecurrenceID.Time, loc))
		at := clock(id, loc).Add(shift)
		o.start = ical.LocalTime(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), loc)
		o.end, o.period = o.start.Add(v.End.Time.Sub(v.Start.Time)), false
	}
	return o, true
}

// zoneOf is the zone by whose clock t is written; UTC for floating times and dates.
func zoneOf(o *ical.Object, t ical.Time) *time.Location {
	if !t.AllDay && !t.Floating && !t.UTC {
		if loc := o.Location(t.TZID); loc != nil {
			return loc
		}
	}
	return time.UTC
}

// clock is what a clock in loc shows at t, as a time in UTC.
func clock(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// takesOut tells whether EXDATE takes the instance id out of ev.
func takesOut(ev *ical.Event, id time.Time) bool {
	return ev.Master != nil && among(exdates(ev.Object, ev.Master), id)
}

// component writes o as a component of its own: the lines and alarms of what it is like, its RECURRENCE-ID
// in the form of the master's DTSTART. dtstamp, where it is not zero, is its DTSTAMP.
func (o occurrence) component(ev *ical.Event, dtstamp time.Time) string {
	m, v := ev.Master, o.of
	lines := []string{"BEGIN:VEVENT"}
	ends := v.Component.First("DTEND")
	if ends == nil && o.period {
		ends = v.Component.First("DTSTART")
	}
	for _, l := range v.Component.Lines {
		switch l.Name {
		case "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "DTEND":
		case "DTSTART":
			lines = append(lines, inForm("RECURRENCE-ID", ev.Object, m, m.Component.First("DTSTART"), o.id),
				inForm("DTSTART", ev.Object, v, l, o.start))
			if ends != nil {
				like := *v
				if ends.Name == "DTEND" {
					like.Start = v.End
				}
				lines = append(lines, inForm("DTEND", ev.Object, &like, ends, o.end))
			}
		case "DURATION":
			if ends == nil {
				lines = append(lines, l.Raw())
			}
		case "DTSTAMP":
			if !dtstamp.IsZero() {
				lines = append(lines, "DTSTAMP:"+stampValue(dtstamp))
			} else {
				lines = append(lines, l.Raw())
			}
		default:
			lines = append(lines, l.Raw())
		}
	}
	if !dtstamp.IsZero() && v.Component.First("DTSTAMP") == nil {
		lines = append(lines, "DTSTAMP:"+stampValue(dtstamp))
	}
	for _, c := range v.Component.Children {
		lines = append(lines, rawLines(c)...)
	}
	return strings.Join(append(lines, "END:VEVENT"), "\n")
}

// rawLines is c as it stands, without folds.
func rawLines(c *ical.Component) []string {
	lines := []string{"BEGIN:" + c.Name}
	for _, l := range c.Lines {
		lines = append(lines, l.Raw())
	}
	for _, child := range c.Children {
		lines = append(lines, rawLines(child)...)
	}
	return append(lines, "END:"+c.Name)
}

// rawText is c as ical.Edit.AddComponent takes it.
func rawText(c *ical.Component) string { return strings.Join(rawLines(c), "\n") }
