package caldav

import (
	"net/http"
	"slices"
	"strings"
	"time"
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

// These compare the range's ends with an instant; open ends hold everything.

func (r timeRange) startsBefore(t time.Time) bool { return r.start.IsZero() || r.start.Before(t) }
func (r timeRange) startsBy(t time.Time) bool     { return r.start.IsZero() || !r.start.After(t) }
func (r timeRange) endsAfter(t time.Time) bool    { return r.end.IsZero() || r.end.After(t) }
func (r timeRange) endsFrom(t time.Time) bool     { return r.end.IsZero() || !r.end.Before(t) }

// A compFilter is a comp-filter (RFC 4791 §9.7.1).
type compFilter struct {
	name       string // upper case
	notDefined bool
	during     *timeRange
	props      []propFilter
	comps      []compFilter
}

// A propFilter is a prop-filter (RFC 4791 §9.7.2).
type propFilter struct {
	name       string
	notDefined bool
	during     *timeRange
	text       *textMatch
	params     []paramFilter
}

// A paramFilter is a param-filter (RFC 4791 §9.7.3).
type paramFilter struct {
	name       string
	notDefined bool
	text       *textMatch
}

// A textMatch is a text-match (RFC 4791 §9.7.5): the text stands somewhere in the value.
type textMatch struct {
	text      string // folded as the collation says
	collation string
	negate    bool
}

// maxFilters bounds the elements of a filter: each is compared with each object.
const maxFilters = 1000

var errFilter = calError(http.StatusForbidden, "valid-filter")

// parseTimeRange reads the start and end of a time-range, expand or limit element.
func parseTimeRange(el *element) (*timeRange, error) {
	var r timeRange
	for name, dst := range map[string]*time.Time{"start": &r.start, "end": &r.end} {
		v, ok := el.attr(name)
		if !ok {
			continue
		}
		t, err := time.Parse("20060102T150405Z", strings.TrimSpace(v))
		if err != nil {
			return nil, errFilter
		}
		*dst = t
	}
	if r.start.IsZero() && r.end.IsZero() || !r.end.IsZero() && !r.start.Before(r.end) {
		return nil, errFilter
	}
	return &r, nil
}

// parseFilter reads a CALDAV:filter, whose one comp-filter is that of VCALENDAR.
func parseFilter(el *element) (*compFilter, error) {
	cs := el.children()
	if el.size() > maxFilters || len(cs) != 1 || !cs[0].is(nsCal, "comp-filter") {
		return nil, errFilter
	}
	f, err := parseCompFilter(cs[0])
	if err != nil {
		return nil, err
	}
	if f.name != "VCALENDAR" || f.notDefined || f.during != nil {
		return nil, errFilter
	}
	return f, nil
}

func filterName(el *element) (string, error) {
	name, ok := el.attr("name")
	if name = strings.ToUpper(strings.TrimSpace(name)); !ok || name == "" {
		return "", errFilter
	}
	return name, nil
}

func parseCompFilter(el *element) (*compFilter, error) {
	name, err := filterName(el)
	if err != nil {
		return nil, err
	}
	f := &compFilter{name: name}
	for _, c := range el.children() {
		switch {
		case c.is(nsCal, "is-not-defined"):
			f.notDefined = true
		case c.is(nsCal, "time-range"):
			if f.during, err = parseTimeRange(c); err != nil {
				return nil, err
			}
		case c.is(nsCal, "prop-filter"):
			p, err := parsePropFilter(c)
			if err != nil {
				return nil, err
			}
			f.props = append(f.props, *p)
		case c.is(nsCal, "comp-filter"):
			sub, err := parseCompFilter(c)
			if err != nil {
				return nil, err
			}
			f.comps = append(f.comps, *sub)
		default:
			return nil, calError(http.StatusForbidden, "supported-filter")
		}
	}
	if f.notDefined && (f.during != nil || len(f.props)+len(f.comps) > 0) {
		return nil, errFilter
	}
	return f, nil
}

func parsePropFilter(el *element) (*propFilter, error) {
	name, err := filterName(el)
	if err != nil {
		return nil, err
	}
	f := &propFilter{name: name}
	for _, c := range el.children() {
		switch {
		case c.is(nsCal, "is-not-defined"):
			f.notDefined = true
		case c.is(nsCal, "time-range"):
			if f.during, err = parseTimeRange(c); err != nil {
				return nil, err
			}
		case c.is(nsCal, "text-match"):
			if f.text, err = parseTextMatch(c); err != nil {
				return nil, err
			}
		case c.is(nsCal, "param-filter"):
			p, err := parseParamFilter(c)
			if err != nil {
				return nil, err
			}
			f.params = append(f.params, *p)
		default:
			return nil, calError(http.StatusForbidden, "supported-filter")
		}
	}
	if f.notDefined && (f.during != nil || f.text != nil || len(f.params) > 0) || f.during != nil && f.text != nil {
		return nil, errFilter
	}
	return f, nil
}

func parseParamFilter(el *element) (*paramFilter, error) {
	name, err := filterName(el)
	if err != nil {
		return nil, err
	}
	f := &paramFilter{name: name}
	for _, c := range el.children() {
		switch {
		case c.is(nsCal, "is-not-defined"):
			f.notDefined = true
		case c.is(nsCal, "text-match"):
			if f.text, err = parseTextMatch(c); err != nil {
				return nil, err
			}
		default:
			return nil, calError(http.StatusForbidden, "supported-filter")
		}
	}
	if f.notDefined && f.text != nil {
		return nil, errFilter
	}
	return f, nil
}

func parseTextMatch(el *element) (*textMatch, error) {
	m := &textMatch{collation: "i;ascii-casemap"}
	if v, ok := el.attr("collation"); ok && v != "default" {
		m.collation = strings.ToLower(v)
	}
	if !slices.Contains(collations, m.collation) {
		return nil, calError(http.StatusForbidden, "supported-collation")
	}
	switch v, _ := el.attr("negate-condition"); v {
	case "", "no":
	case "yes":
		m.negate = true
	default:
		return nil, errFilter
	}
	m.text = m.fold(el.text())
	return m, nil
}

// fold brings text into the form in which the collation compares (RFC 4790 §9, RFC 5051).
func (m *textMatch) fold(s string) string {
	switch m.collation {
	case "i;octet":
		return s
	case "i;unicode-casemap":
		return strings.ToLower(strings.ToUpper(s))
	}
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

func (m *textMatch) matches(s string) bool {
	return strings.Contains(m.fold(s), m.text) != m.negate
}
