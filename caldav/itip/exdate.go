package itip

import (
	"slices"
	"time"

	"joinery/caldav/ical"
)

// named is the instance of ev that t, a RECURRENCE-ID or an EXDATE, names: an instant, or what
// ical.Time makes of dates and floating times. A client's slip counts as what it means: a date in a series
// with times is that day's instance by DTSTART's clock, a time in a series of dates is its date.
func named(ev *ical.Event, t ical.Time) time.Time {
	m := ev.Master
	if m == nil || m.Start.Time.IsZero() || t.AllDay == m.Start.AllDay && t.Floating == m.Start.Floating {
		return t.Time.UTC()
	}
	key := ev.OverrideKey(&ical.VEvent{RecurrenceID: &t}, time.UTC)
	if at := ical.KeyTime(key); !at.IsZero() {
		return at
	}
	return t.Time.UTC()
}

// exdates are the instances that master excludes, as named makes them, sorted. What cannot be read is
// left out.
func exdates(o *ical.Object, master *ical.VEvent) []time.Time {
	return excluded(o, master, master.Component.All("EXDATE"))
}

// excluded are the instances that lines, EXDATEs of master, take out.
func excluded(o *ical.Object, master *ical.VEvent, lines []*ical.Line) []time.Time {
	ev := &ical.Event{Object: o, UID: master.UID, Master: master}
	var out []time.Time
	dates := map[string]ical.Time{}
	for _, l := range lines {
		list, err := o.Times(l)
		if err != nil {
			continue
		}
		for _, t := range list {
			if t.AllDay && !master.Start.AllDay && master.Recurring {
				dates[t.Time.Format("20060102")] = t
				continue
			}
			out = append(out, named(ev, t))
		}
	}
	if len(dates) > 0 {
		out = append(out, onDates(ev, dates)...)
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// onDates are the instances that ev, of a master with times, would have on dates.
func onDates(ev *ical.Event, dates map[string]ical.Time) []time.Time {
	master, component := *ev.Master, *ev.Master.Component
	component.Lines = slices.DeleteFunc(slices.Clone(component.Lines), func(l *ical.Line) bool { return l.Name == "EXDATE" })
	master.Component = &component
	var first, last time.Time
	for _, t := range dates {
		if first.IsZero() || t.Time.Before(first) {
			first = t.Time
		}
		if t.Time.After(last) {
			last = t.Time
		}
	}
	var out []time.Time
	found := map[string]bool{}
	clock := master.Start.Time.Location()
	// A day's margin on both sides: the dates are the zone's, the bounds UTC's.
	err := (&ical.Event{Object: ev.Object, UID: ev.UID, Master: &master}).Expand(first.AddDate(0, 0, -1), last.AddDate(0, 0, 2), time.UTC, func(i ical.Instance) bool {
		date := i.RecurrenceID.In(clock).Format("20060102")
		if _, ok := dates[date]; ok {
			out = append(out, i.RecurrenceID.UTC())
			found[date] = true
		}
		return true
	})
	for date, t := range dates {
		if err != nil && !found[date] {
			out = append(out, named(ev, t))
		}
	}
	return out
}

// sameKind has every EXDATE of ev's master be of the kind of its DTSTART, as RFC 5545 §3.8.5.1 wants it:
// others than the organiser's client pass over one that is not.
func sameKind(edit *ical.Edit, ev *ical.Event) {
	m := ev.Master
	start := m.Component.First("DTSTART")
	for _, l := range m.Component.All("EXDATE") {
		list, err := ev.Object.Times(l)
		if err != nil || !slices.ContainsFunc(list, func(t ical.Time) bool { return t.AllDay != m.Start.AllDay }) {
			continue
		}
		edit.Remove(l)
		for _, at := range excluded(ev.Object, m, []*ical.Line{l}) {
			edit.Add(m.Component, inForm("EXDATE", ev.Object, m, start, at))
		}
	}
}

// times are the times of lines, sorted. What cannot be read is left out.
func times(o *ical.Object, lines []*ical.Line) []time.Time {
	var out []time.Time
	for _, l := range lines {
		list, err := o.Times(l)
		if err != nil {
			continue
		}
		for _, t := range list {
			out = append(out, t.Time.UTC())
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}
