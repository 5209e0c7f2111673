package caldav

import (
	"time"

	"joinery/caldav/ical"
)

// A matcher holds one object to a filter. What cannot be read or worked out counts as a match: the
// client sees too much rather than too little.
type matcher struct {
	object *ical.Object
	event  *ical.Event // of its VEVENTs, nil if they cannot be read
	zone   *time.Location
}

func newMatcher(o *ical.Object, zone *time.Location) *matcher {
	m := &matcher{object: o, zone: zone}
	if ev, err := ical.ParseEvent(o); err == nil {
		m.event = ev
	}
	return m
}

// matches tells whether the object passes a filter of VCALENDAR.
func (m *matcher) matches(f *compFilter) bool { return m.component(f, m.object.Root) }

// component tells whether c passes the filter of its kind.
func (m *matcher) component(f *compFilter, c *ical.Component) bool {
	if f.during != nil && !m.during(c, *f.during) {
		return false
	}
	for i := range f.props {
		if !m.property(&f.props[i], c) {
			return false
		}
	}
	for i := range f.comps {
		sub := &f.comps[i]
		if !m.anyOf(sub, c.Find(sub.name)) {
			return false
		}
	}
	return true
}

func (m *matcher) anyOf(f *compFilter, cs []*ical.Component) bool {
	if f.notDefined {
		return len(cs) == 0
	}
	for _, c := range cs {
		if m.component(f, c) {
			return true
		}
	}
	return false
}

// property tells whether one of the lines of that name passes the filter.
func (m *matcher) property(f *propFilter, c *ical.Component) bool {
	lines := c.All(f.name)
	if f.notDefined {
		return len(lines) == 0
	}
	for _, l := range lines {
		if m.line(f, l) {
			return true
		}
	}
	return false
}

func (m *matcher) line(f *propFilter, l *ical.Line) bool {
	if f.during != nil {
		t, err := m.object.Time(l)
		if err != nil {
			return false
		}
		at := t.In(m.zone)
		if !f.during.overlaps(at, at) {
			return false
		}
	}
	if f.text != nil && !f.text.matches(l.Text()) {
		return false
	}
	for i := range f.params {
		if !parameter(&f.params[i], l) {
			return false
		}
	}
	return true
}

func parameter(f *paramFilter, l *ical.Line) bool {
	for _, p := range l.Params {
		if p.Name != f.name {
			continue
		}
		if f.notDefined {
			return false
		}
		if f.text == nil {
			return true
		}
		for _, v := range p.Values {
			if f.text.matches(v) {
				return true
			}
		}
	}
	return f.notDefined
}

// during tells whether c takes place in a range (RFC 4791 §9.9).
func (m *matcher) during(c *ical.Component, r timeRange) bool {
	switch c.Name {
	case "VEVENT":
		return m.eventDuring(c, r)
	case "VTODO":
		return m.todoDuring(c, r)
	case "VJOURNAL":
		return m.journalDuring(c, r)
	case "VFREEBUSY":
		return m.freeBusyDuring(c, r)
	case "VALARM":
		return m.alarmDuring(c, r)
	}
	return false
}

func (m *matcher) vevent(c *ical.Component) *ical.VEvent {
	if m.event == nil {
		return nil
	}
	for _, v := range m.event.All() {
		if v.Component == c {
			return v
		}
	}
	return nil
}

func (m *matcher) eventDuring(c *ical.Component, r timeRange) bool {
	v := m.vevent(c)
	if v == nil || c.First("DTSTART") == nil {
		return true // RFC 6638 §2.3: messages may lack it
	}
	if !v.Recurring && !v.RangeFuture {
		return r.overlaps(v.Start.In(m.zone), v.End.In(m.zone))
	}
	found := false
	err := m.event.Expand(r.start, r.end, m.zone, func(i ical.Instance) bool {
		found = i.VEvent == v
		return !found
	})
	return found || err != nil
}

// at reads the first line of that name as an instant.
func (m *matcher) at(c *ical.Component, name string) (t time.Time, allDay, ok bool) {
	l := c.First(name)
	if l == nil {
		return t, false, false
	}
	v, err := m.object.Time(l)
	if err != nil {
		return t, false, false
	}
	return v.In(m.zone), v.AllDay, true
}

func recurs(c *ical.Component) bool { return c.First("RRULE") != nil || c.First("RDATE") != nil }

// todoDuring is the table of VTODO in RFC 4791 §9.9. Of a recurring one only the beginning is
// known here, so it takes place from then on.
func (m *matcher) todoDuring(c *ical.Component, r timeRange) bool {
	start, _, hasStart := m.at(c, "DTSTART")
	due, _, hasDue := m.at(c, "DUE")
	if recurs(c) && (hasStart || hasDue) {
		if !hasStart {
			start = due
		}
		return r.endsAfter(start)
	}
	if hasStart && c.First("DURATION") != nil {
		days, exact, err := ical.ParseDuration(c.First("DURATION").Value)
		if err != nil {
			return true
		}
		end := start.In(m.zone).AddDate(0, 0, days).Add(exact)
		return r.startsBy(end) && (r.endsAfter(start) || r.endsFrom(end))
	}
	switch {
	case hasStart && hasDue:
		return (r.startsBefore(due) || r.startsBy(start)) && (r.endsAfter(start) || r.endsFrom(due))
	case hasStart:
		return r.startsBy(start) && r.endsAfter(start)
	case hasDue:
		return r.startsBefore(due) && r.endsFrom(due)
	}
	completed, _, hasCompleted := m.at(c, "COMPLETED")
	created, _, hasCreated := m.at(c, "CREATED")
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

func (m *matcher) journalDuring(c *ical.Component, r timeRange) bool {
	start, allDay, ok := m.at(c, "DTSTART")
	if !ok {
		return false
	}
	if recurs(c) {
		return r.endsAfter(start)
	}
	if allDay {
		return r.overlaps(start, start.In(m.zone).AddDate(0, 0, 1))
	}
	return r.overlaps(start, start)
}

func (m *matcher) freeBusyDuring(c *ical.Component, r timeRange) bool {
	start, _, hasStart := m.at(c, "DTSTART")
	end, _, hasEnd := m.at(c, "DTEND")
	if hasStart && hasEnd {
		return r.startsBy(end) && r.endsAfter(start)
	}
	for _, p := range m.periods(c) {
		if r.overlaps(p.start, p.end) {
			return true
		}
	}
	return false
}

// periods reads the FREEBUSY lines of a VFREEBUSY.
func (m *matcher) periods(c *ical.Component) []period {
	var ps []period
	for _, l := range c.All("FREEBUSY") {
		kind := l.Param("FBTYPE")
		if kind == "" {
			kind = busy
		}
		items, err := m.object.Periods(l)
		if err != nil {
			continue
		}
		for _, i := range items {
			p := period{start: i.Start.In(m.zone), kind: kind}
			switch {
			case i.End != nil:
				p.end = i.End.In(m.zone)
			case i.HasDuration:
				p.end = p.start.AddDate(0, 0, i.Days).Add(i.Exact)
			}
			if p.end.After(p.start) {
				ps = append(ps, p)
			}
		}
	}
	return ps
}

// maxRepeat bounds an alarm's repetitions that are looked at.
const maxRepeat = 1000

// alarmDuring tells whether an alarm goes off in a range: at its trigger, or at one of its
// repetitions.
func (m *matcher) alarmDuring(c *ical.Component, r timeRange) bool {
	l := c.First("TRIGGER")
	if l == nil || c.Parent == nil {
		return false
	}
	offsets := alarmOffsets(c)
	goesOff := func(at time.Time) bool {
		for _, o := range offsets {
			if t := at.Add(o); r.startsBy(t) && r.endsAfter(t) {
				return true
			}
		}
		return false
	}
	if l.Param("VALUE") == "DATE-TIME" {
		t, err := m.object.Time(l)
		return err == nil && goesOff(t.In(m.zone))
	}
	days, exact, err := ical.ParseDuration(l.Value)
	if err != nil {
		return true
	}
	atEnd := l.Param("RELATED") == "END"
	trigger := func(start, end time.Time) time.Time {
		if atEnd {
			start = end
		}
		return start.In(m.zone).AddDate(0, 0, days).Add(exact)
	}
	if c.Parent.Name != "VEVENT" {
		start, _, hasStart := m.at(c.Parent, "DTSTART")
		due, _, hasDue := m.at(c.Parent, "DUE")
		if atEnd && !hasDue || !atEnd && !hasStart {
			return false
		}
		return goesOff(trigger(start, due))
	}
	v := m.vevent(c.Parent)
	if v == nil {
		return true
	}
	if !v.Recurring && !v.RangeFuture {
		return goesOff(trigger(v.Start.In(m.zone), v.End.In(m.zone)))
	}
	// The instances whose alarm may fall into the range: the range, shifted back by what lies
	// between alarm and instance, and a day wider for clocks that change.
	shift := time.Duration(days)*24*time.Hour + exact
	from, to := r.start, r.end
	if !from.IsZero() {
		from = from.Add(-shift - offsets[len(offsets)-1] - 24*time.Hour)
	}
	if !to.IsZero() {
		to = to.Add(-shift + 24*time.Hour)
	}
	found := false
	err = m.event.Expand(from, to, m.zone, func(i ical.Instance) bool {
		found = i.VEvent == v && goesOff(trigger(i.Start, i.End))
		return !found
	})
	return found || err != nil
}

// alarmOffsets lists how long after its trigger an alarm goes off: at once, and at its repetitions.
func alarmOffsets(c *ical.Component) []time.Duration {
	offsets := []time.Duration{0}
	var every time.Duration
	if l := c.First("DURATION"); l != nil {
		if days, exact, err := ical.ParseDuration(l.Value); err == nil {
			every = time.Duration(days)*24*time.Hour + exact
		}
	}
	n := 0
	for _, d := range c.Text("REPEAT") {
		if d < '0' || d > '9' || n > maxRepeat {
			break
		}
		n = n*10 + int(d-'0')
	}
	for i := 1; i <= min(n, maxRepeat) && every > 0; i++ {
		offsets = append(offsets, time.Duration(i)*every)
	}
	return offsets
}
