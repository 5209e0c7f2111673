package caldav

import (
	"net/http"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

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

// parseFilter reads a report's one CALDAV:filter, whose one comp-filter is that of VCALENDAR.
func parseFilter(root *element) (*compFilter, error) {
	el := root.child(nsCal, "filter")
	cs := el.children()
	if el == nil || el.size() > maxFilters || len(cs) != 1 || !cs[0].is(nsCal, "comp-filter") {
		return nil, errFilter
	}
	f, err := parseCompFilter(cs[0])
	if err != nil {
		return nil, err
	}
	if f.name != "VCALENDAR" || f.notDefined || f.during != nil {
		return nil, errFilter
	}
	return f, f.check()
}

// holders are the components that the standard ones stand in (RFC 5545 §3.6).
var holders = map[string][]string{
	"VCALENDAR": nil,
	"VEVENT":    {"VCALENDAR"}, "VTODO": {"VCALENDAR"}, "VJOURNAL": {"VCALENDAR"}, "VFREEBUSY": {"VCALENDAR"},
	"VTIMEZONE": {"VCALENDAR"}, "STANDARD": {"VTIMEZONE"}, "DAYLIGHT": {"VTIMEZONE"},
	"VALARM": {"VEVENT", "VTODO"},
}

// ranged are the standard's components and properties that a time-range says something of (RFC 4791
// §9.9).
var (
	rangedComponents = []string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VALARM"}
	rangedProperties = []string{"COMPLETED", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DUE", "LAST-MODIFIED", "RECURRENCE-ID"}
)

// check refuses what can never match as it was meant: a component in one that does not hold it, and a
// time-range of what has no time (RFC 4791 §7.8, valid-filter). What the standards do not know may stand
// anywhere.
func (f *compFilter) check() error {
	if f.during != nil && !slices.Contains(rangedComponents, f.name) {
		if _, known := holders[f.name]; known {
			return errFilter
		}
		return unsupportedFilter("comp-filter", f.name)
	}
	for _, p := range f.props {
		if p.during != nil && !slices.Contains(rangedProperties, p.name) && !strings.HasPrefix(p.name, "X-") {
			return errFilter
		}
	}
	_, known := holders[f.name]
	for i := range f.comps {
		sub := &f.comps[i]
		if hs, ok := holders[sub.name]; ok && known && !slices.Contains(hs, f.name) {
			return errFilter
		}
		if err := sub.check(); err != nil {
			return err
		}
	}
	return nil
}

// unsupportedFilter refuses a filter element in which something stands that is not understood, and names
// it (RFC 4791 §7.8).
func unsupportedFilter(element, name string) error {
	e := calError(http.StatusForbidden, "supported-filter")
	e.inner = "<C:" + element + ` name="` + escapeAttr(name) + `"/>`
	return e
}

func filterName(el *element) (string, error) {
	name, ok := el.attr("name")
	if name = strings.ToUpper(strings.TrimSpace(name)); !ok || name == "" {
		return "", errFilter
	}
	return name, nil
}

// parseOnce parses an element that may stand once in its parent.
func parseOnce[T any](into **T, parse func(*element) (*T, error), el *element) (err error) {
	if *into != nil {
		return errFilter
	}
	*into, err = parse(el)
	return err
}

func parseCompFilter(el *element) (*compFilter, error) {
	name, err := filterName(el)
	if err != nil {
		return nil, err
	}
	f := &compFilter{name: name}
	if v, ok := el.attr("test"); ok && v != "allof" {
		return nil, unsupportedFilter("comp-filter", name) // another server's extension: anyof
	}
	for _, c := range el.children() {
		switch {
		case c.is(nsCal, "is-not-defined"):
			f.notDefined = true
		case c.is(nsCal, "time-range"):
			if err := parseOnce(&f.during, parseTimeRange, c); err != nil {
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
			return nil, unsupportedFilter("comp-filter", name)
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
			if err := parseOnce(&f.during, parseTimeRange, c); err != nil {
				return nil, err
			}
		case c.is(nsCal, "text-match"):
			if err := parseOnce(&f.text, parseTextMatch, c); err != nil {
				return nil, err
			}
		case c.is(nsCal, "param-filter"):
			p, err := parseParamFilter(c)
			if err != nil {
				return nil, err
			}
			f.params = append(f.params, *p)
		default:
			return nil, unsupportedFilter("prop-filter", name)
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
			if err := parseOnce(&f.text, parseTextMatch, c); err != nil {
				return nil, err
			}
		default:
			return nil, unsupportedFilter("param-filter", name)
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

// fold brings text into the form in which the collation compares (RFC 4790 §9, RFC 5051 §2).
func (m *textMatch) fold(s string) string {
	switch m.collation {
	case "i;octet":
		return s
	case "i;unicode-casemap":
		return norm.NFKD.String(strings.Map(unicode.ToTitle, s))
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
