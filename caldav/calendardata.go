package caldav

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// A calendarData is how a report wants calendar-data (RFC 4791 §9.6).
type calendarData struct {
	comp      *compSelection // nil: everything
	expand    *timeRange
	overrides *timeRange     // limit-recurrence-set
	freeBusy  *timeRange     // limit-freebusy-set
	zone      *time.Location // of floating times, as the query has it; nil: the calendar's
	zones     zoneWish
}

// parses tells whether objects must be parsed for it.
func (d *calendarData) parses() bool {
	return d != nil && (d.zones != zonesAsStored || d.expand != nil || d.overrides != nil || d.freeBusy != nil || d.comp != nil)
}

// A compSelection is a CALDAV:comp: what of a component is wanted.
type compSelection struct {
	name     string
	allProps bool
	allComps bool
	props    map[string]bool // upper case to novalue
	comps    []compSelection
}

var errCalendarData = calError(http.StatusForbidden, "supported-calendar-data")

// parseCalendarData reads a calendar-data element of a request. What is not understood is refused
// rather than passed over: the client would take the answer for what it asked for.
func parseCalendarData(el *element) (*calendarData, error) {
	if el.size() > maxFilters {
		return nil, errCalendarData
	}
	d := &calendarData{}
	if t, ok := el.attr("content-type"); ok && !strings.EqualFold(t, "text/calendar") {
		return nil, errCalendarData
	}
	if v, ok := el.attr("version"); ok && v != "2.0" {
		return nil, errCalendarData
	}
	var err error
	for _, c := range el.children() {
		switch {
		case c.is(nsCal, "comp") && d.comp == nil:
			var s *compSelection
			if s, err = parseCompSelection(c); err != nil {
				return nil, err
			}
			if s.name != "VCALENDAR" {
				return nil, errCalendarData
			}
			d.comp = s
		case c.is(nsCal, "expand") && d.expand == nil && d.overrides == nil:
			d.expand, err = parseDataRange(c)
		case c.is(nsCal, "limit-recurrence-set") && d.expand == nil && d.overrides == nil:
			d.overrides, err = parseDataRange(c)
		case c.is(nsCal, "limit-freebusy-set") && d.freeBusy == nil:
			d.freeBusy, err = parseDataRange(c)
		default:
			return nil, errCalendarData
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

// reportProps is parseProps of a report, with the zones that the client wants.
func (q *request) reportProps(root *element) (*propQuery, error) {
	pq, err := parseProps(root, true)
	if err == nil && pq.data != nil {
		pq.data.zones = q.zoneWish()
	}
	return pq, err
}

// parseDataRange reads a range of which both ends are required.
func parseDataRange(el *element) (*timeRange, error) {
	r, err := parseTimeRange(el)
	if errors.Is(err, errMinDate) {
		return nil, err
	}
	if err != nil || r.start.IsZero() || r.end.IsZero() {
		return nil, errCalendarData
	}
	return r, nil
}

func parseCompSelection(el *element) (*compSelection, error) {
	name, ok := el.attr("name")
	if !ok {
		return nil, errCalendarData
	}
	s := &compSelection{name: strings.ToUpper(name), props: map[string]bool{}}
	for _, c := range el.children() {
		switch {
		case c.is(nsCal, "allprop"):
			s.allProps = true
		case c.is(nsCal, "allcomp"):
			s.allComps = true
		case c.is(nsCal, "prop"):
			p, _ := c.attr("name")
			v, ok := c.attr("novalue")
			if p == "" || ok && v != "yes" && v != "no" {
				return nil, errCalendarData
			}
			s.props[strings.ToUpper(p)] = v == "yes"
		case c.is(nsCal, "comp"):
			sub, err := parseCompSelection(c)
			if err != nil {
				return nil, err
			}
			s.comps = append(s.comps, *sub)
		default:
			return nil, errCalendarData
		}
	}
	return s, nil
}

// writeCalendarData writes the calendar-data element of an object; errTooMuch if it would be too long.
func (q *request) writeCalendarData(b *strings.Builder, res *resource, d *calendarData) error {
	data := res.obj.Data
	if d.parses() {
		var err error
		if data, err = selectData(res, d); err != nil {
			return err
		}
	}
	data, _ = wholeCharacters(data)
	const open, end = "<C:calendar-data>", "</C:calendar-data>"
	b.Grow(len(open) + len(data) + len(data)/8 + len(end)) // every line's CR is escaped
	b.WriteString(open)
	escapeTo(b, string(data))
	b.WriteString(end)
	return nil
}

func selectData(res *resource, d *calendarData) ([]byte, error) {
	o, err := objectOf(res.obj)
	if err != nil {
		return nil, err
	}
	zone := d.zone
	if zone == nil {
		zone = zoneOf(res.cal, res.user)
	}
	if d.expand != nil {
		data, err := expandObject(newMatcher(o, zone), *d.expand)
		if err != nil || d.comp == nil && d.freeBusy == nil {
			return data, err
		}
		if o, err = ical.Parse(data, ical.Limits{Size: len(data) + 1}); err != nil {
			return nil, fmt.Errorf("parsing the instances of %s: %w", res.obj.Name, err)
		}
	}
	if d.zones != zonesAsStored && d.expand == nil {
		data := d.zones.apply(o)
		if o, err = ical.Parse(data, ical.Limits{Size: len(data) + 1}); err != nil {
			return nil, fmt.Errorf("parsing the zones of %s: %w", res.obj.Name, err)
		}
	}
	e := o.Edit()
	m := newMatcher(o, zone)
	if d.overrides != nil {
		limitOverrides(e, m, *d.overrides)
	}
	if d.freeBusy != nil {
		limitFreeBusy(e, m, *d.freeBusy)
	}
	if d.comp != nil {
		d.comp.apply(e, o.Root)
	}
	return e.Bytes(), nil
}

// apply leaves of c what the selection names.
func (s *compSelection) apply(e *ical.Edit, c *ical.Component) {
	if !s.allProps {
		for _, l := range c.Lines {
			noValue, ok := s.props[l.Name]
			switch {
			case !ok && (len(s.props) > 0 || len(s.comps) > 0 || s.allComps):
				e.Remove(l)
			case ok && noValue:
				e.SetValue(l, "")
			}
		}
	}
	for _, child := range c.Children {
		i := slices.IndexFunc(s.comps, func(sub compSelection) bool { return sub.name == child.Name })
		switch {
		case i >= 0:
			s.comps[i].apply(e, child)
		case !s.allComps && (len(s.comps) > 0 || len(s.props) > 0 || s.allProps):
			e.RemoveComponent(child)
		}
	}
}
