package caldav

import (
	"time"

	"joinery/caldav/ical"
)

// maxExpansions bounds how often one object is expanded for a filter: its RANGE=THISANDFUTURE overrides
// and its alarms each take one.
const maxExpansions = 16

// A matcher holds one object to a filter. What cannot be read or worked out counts as a match: the
// client sees too much rather than too little.
type matcher struct {
	object     *ical.Object
	zone       *time.Location
	series     map[string]*kindSeries // by kind of component
	expansions int
}

// A kindSeries is an object's components of a kind.
type kindSeries struct {
	event *ical.Event // nil: they cannot be read
	by    map[*ical.Component]*ical.VEvent
}

func newMatcher(o *ical.Object, zone *time.Location) *matcher {
	return &matcher{object: o, zone: zone, series: map[string]*kindSeries{}}
}

// of reads the object's components of a kind, VEVENT, VTODO or VJOURNAL.
func (m *matcher) of(kind string) *kindSeries {
	s := m.series[kind]
	if s != nil {
		return s
	}
	s = &kindSeries{by: map[*ical.Component]*ical.VEvent{}}
	if ev, err := ical.ParseSeries(m.object, kind); err == nil {
		s.event = ev
		for _, v := range ev.All() {
			s.by[v.Component] = v
		}
	}
	m.series[kind] = s
	return s
}

// matches tells whether the object passes a filter of VCALENDAR.
func (m *matcher) matches(f *compFilter) bool { return m.component(f, m.object.Root) }

// component tells whether c passes the filter of its kind.
func (m *matcher) component(f *compFilter, c *ical.Component) bool {
	for i := range f.props {
		if !m.property(&f.props[i], c) {
			return false
		}
	}
	if f.during != nil && !m.during(c, *f.during) {
		return false
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
	if len(lines) == 0 && f.during != nil && len(f.params) == 0 {
		return m.impliedEnd(f.name, c, *f.during)
	}
	for _, l := range lines {
		if m.line(f, c, l) {
			return true
		}
	}
	return false
}

func (m *matcher) line(f *propFilter, c *ical.Component, l *ical.Line) bool {
	if f.during != nil && !m.valueDuring(l, c, *f.during) {
		return false
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
