package caldav

import (
	"errors"
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// maxInstances bounds the instances of one object in an answer, maxExpanded their bytes: each repeats
// whatever the object holds.
const (
	maxInstances = 5000
	maxExpanded  = 16 << 20
)

const utcForm = "20060102T150405Z"

// recurring are the components that recur (RFC 5545 §3.6).
var recurring = []string{"VEVENT", "VTODO", "VJOURNAL"}

// expandObject returns the instances in a range as components of their own, in UTC, without rules and
// zones (RFC 4791 §9.6.5); errTooMuch if there are too many. What cannot be read stays as it is.
func expandObject(m *matcher, r timeRange) ([]byte, error) {
	o := m.object
	e := o.Edit()
	x := expander{m: m, during: r}
	for _, c := range o.Root.Children {
		switch {
		case c.Name == "VTIMEZONE":
			e.RemoveComponent(c)
		case slices.Contains(recurring, c.Name):
			if m.of(c.Name).event == nil {
				return o.Data, nil
			}
			e.RemoveComponent(c)
		}
	}
	for _, kind := range recurring {
		switch err := x.expand(kind); {
		case errors.Is(err, errTooMuch):
			return nil, err
		case err != nil:
			return o.Data, nil
		}
	}
	for _, text := range x.texts {
		e.AddComponent(o.Root, text)
	}
	return e.Bytes(), nil
}

// An expander collects the instances of an object.
type expander struct {
	m      *matcher
	during timeRange
	texts  []string
	size   int
}

// add takes an instance's text; false when there are too many.
func (x *expander) add(text string) bool {
	x.texts = append(x.texts, text)
	x.size += len(text)
	return len(x.texts) < maxInstances && x.size <= maxExpanded
}

func (x *expander) expand(kind string) error {
	event := x.m.of(kind).event
	for _, v := range event.All() {
		if v.Start.Time.IsZero() && x.m.scheduledDuring(v.Component, x.during) &&
			!x.add(strings.Join(x.m.inUTC(v.Component), "\n")) {
			return errTooMuch
		}
	}
	few := true
	around := x.during.widened(time.Second, time.Second) // the tables' ends are not all those of Expand
	err := event.Expand(around.start, around.end, x.m.zone, func(i ical.Instance) bool {
		if instanceDuring(i.VEvent.Component, i.Start, i.End, x.during) {
			few = x.add(x.m.instanceText(event, i))
		}
		return few
	})
	if errors.Is(err, ical.ErrBudget) || !few {
		return errTooMuch
	}
	return err
}

// instanceText writes one instance as a component. Dates stay dates, and floating times are taken in the
// matcher's zone.
func (m *matcher) instanceText(event *ical.Event, i ical.Instance) string {
	v := i.VEvent
	stamp := func(name string, t time.Time, date bool) string {
		if date {
			return ical.FormatLine(name, []ical.Param{{Name: "VALUE", Values: []string{"DATE"}}}, t.In(m.zone).Format("20060102"))
		}
		return ical.FormatLine(name, nil, t.UTC().Format(utcForm))
	}
	var times []string
	if v.Component.First("DTSTART") != nil {
		times = append(times, stamp("DTSTART", i.Start, v.Start.AllDay))
	}
	switch {
	case v.Component.Name == "VEVENT" && i.End.After(i.Start):
		times = append(times, stamp("DTEND", i.End, v.End.AllDay))
	case v.Component.Name == "VTODO" && (v.Component.First("DUE") != nil || v.Component.First("DURATION") != nil):
		times = append(times, stamp("DUE", i.End, v.End.AllDay))
	}
	if event.Master == nil || event.Master.Recurring {
		byDates := len(event.OccurrenceKey(i.RecurrenceID, m.zone)) == len("20060102")
		times = append(times, stamp("RECURRENCE-ID", i.RecurrenceID, byDates))
	}
	return strings.Join(m.inUTC(v.Component, times...), "\n")
}

// inUTC writes a component without what makes it recur and without zones; times, if there are any, stand
// in the place of its own.
func (m *matcher) inUTC(c *ical.Component, times ...string) []string {
	lines := []string{"BEGIN:" + c.Name}
	timed := false
	for _, l := range c.Lines {
		switch l.Name {
		case "RRULE", "RDATE", "EXDATE", "EXRULE":
			continue
		case "DTSTART", "DTEND", "DUE", "DURATION", "RECURRENCE-ID":
			if len(times) == 0 {
				break
			}
			if !timed {
				lines = append(lines, times...)
				timed = true
			}
			continue
		}
		lines = append(lines, m.lineInUTC(l))
	}
	for _, sub := range c.Children {
		lines = append(lines, m.inUTC(sub)...)
	}
	return append(lines, "END:"+c.Name)
}

// lineInUTC is a line with its time, where that is in a zone, in UTC.
func (m *matcher) lineInUTC(l *ical.Line) string {
	if l.Param("TZID") == "" {
		return l.Raw()
	}
	t, err := m.object.Time(l)
	if err != nil {
		return l.Raw() // what else a TZID may stand beside
	}
	params := slices.DeleteFunc(slices.Clone(l.Params), func(p ical.Param) bool { return p.Name == "TZID" })
	if t.AllDay {
		return ical.FormatLine(l.Name, params, t.Time.Format("20060102"))
	}
	return ical.FormatLine(l.Name, params, t.In(m.zone).UTC().Format(utcForm))
}

// limitOverrides leaves out the overrides that neither take place in the range nor did before they were
// moved, nor change what does (RFC 4791 §9.6.6).
func limitOverrides(e *ical.Edit, m *matcher, r timeRange) {
	for _, kind := range recurring {
		event := m.of(kind).event
		if event == nil {
			continue
		}
		for _, v := range event.Overrides {
			if !m.overrideDuring(event, v, r) {
				e.RemoveComponent(v.Component)
			}
		}
	}
}

func (m *matcher) overrideDuring(event *ical.Event, v *ical.VEvent, r timeRange) bool {
	if v.Start.Time.IsZero() {
		return m.scheduledDuring(v.Component, r)
	}
	start, end, from := v.Start.In(m.zone), v.End.In(m.zone), v.RecurrenceID.In(m.zone)
	if instanceDuring(v.Component, start, end, r) || v.RangeFuture && (from.Before(r.end) || start.Before(r.end)) {
		return true
	}
	as, long := v, end.Sub(start)
	if master := event.Master; master != nil && !master.Start.Time.IsZero() {
		as, long = master, master.End.In(m.zone).Sub(master.Start.In(m.zone))
	}
	return instanceDuring(as.Component, from, from.Add(long), r)
}

// limitFreeBusy leaves of the FREEBUSY lines the periods that reach into the range (RFC 4791 §9.6.7).
func limitFreeBusy(e *ical.Edit, m *matcher, r timeRange) {
	for _, c := range m.object.Root.Find("VFREEBUSY") {
		for _, l := range c.All("FREEBUSY") {
			items := strings.Split(l.Value, ",")
			within := slices.DeleteFunc(slices.Clone(items), func(item string) bool {
				one := *l
				one.Value = item
				return !slices.ContainsFunc(m.periods(&one), func(p period) bool { return p.during(r) })
			})
			switch len(within) {
			case 0:
				e.Remove(l)
			case len(items):
			default:
				e.SetValue(l, strings.Join(within, ","))
			}
		}
	}
}
