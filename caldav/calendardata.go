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
	comp   *compSelection // nil: everything
	expand *timeRange
	limit  *timeRange // limit-recurrence-set
}

// parses tells whether objects must be parsed for it.
func (d *calendarData) parses() bool {
	return d != nil && (d.expand != nil || d.limit != nil || d.comp != nil)
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
	d := &calendarData{}
	if t, ok := el.attr("content-type"); ok && !strings.EqualFold(t, "text/calendar") {
		return nil, errCalendarData
	}
	if v, ok := el.attr("version"); ok && v != "2.0" {
		return nil, errCalendarData
	}
	for _, c := range el.children() {
		switch {
		case c.is(nsCal, "comp"):
			s, err := parseCompSelection(c)
			if err != nil {
				return nil, err
			}
			if s.name != "VCALENDAR" {
				return nil, errCalendarData
			}
			d.comp = s
		case c.is(nsCal, "expand"), c.is(nsCal, "limit-recurrence-set"):
			r, err := parseTimeRange(c)
			if err != nil || r.start.IsZero() || r.end.IsZero() {
				return nil, errCalendarData
			}
			if c.name.Local == "expand" {
				d.expand = r
			} else {
				d.limit = r
			}
		default:
			return nil, errCalendarData
		}
	}
	if d.expand != nil && d.limit != nil {
		return nil, errCalendarData
	}
	return d, nil
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
			v, _ := c.attr("novalue")
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

// calendarData returns the calendar-data element of an object; errTooMuch if it would be too long.
func (q *request) calendarData(res *resource, d *calendarData) (string, error) {
	data := res.obj.Data
	if d.parses() {
		var err error
		if data, err = selectData(res, d); err != nil {
			return "", err
		}
	}
	data, _ = wholeCharacters(data)
	return "<C:calendar-data>" + escape(string(data)) + "</C:calendar-data>", nil
}

func selectData(res *resource, d *calendarData) ([]byte, error) {
	o, err := objectOf(res.obj)
	if err != nil {
		return nil, err
	}
	zone := zoneOf(res.cal, res.user)
	switch {
	case d.expand != nil:
		data, err := expandObject(o, *d.expand, zone)
		if err != nil || d.comp == nil {
			return data, err
		}
		if o, err = ical.Parse(data, ical.Limits{Size: len(data) + 1}); err != nil {
			return nil, fmt.Errorf("parsing the instances of %s: %w", res.obj.Name, err)
		}
	case d.limit != nil:
		if o, err = limitObject(o, *d.limit, zone); err != nil {
			return nil, err
		}
	}
	if d.comp == nil {
		return o.Data, nil
	}
	e := o.Edit()
	d.comp.apply(e, o.Root)
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

// maxInstances bounds the instances of one object in an answer, maxExpanded their bytes: each repeats
// whatever the object holds.
const (
	maxInstances = 5000
	maxExpanded  = 16 << 20
)

const utcForm = "20060102T150405Z"

// expandObject returns the instances in a range as events of their own, in UTC, without rules and
// zones (RFC 4791 §9.6.5); errTooMuch if there are too many.
func expandObject(o *ical.Object, r timeRange, zone *time.Location) ([]byte, error) {
	ev, err := ical.ParseEvent(o)
	if err != nil || ev.Master == nil && len(ev.Overrides) == 0 {
		return o.Data, nil // a VTODO or VJOURNAL: what it is in the range is not worked out
	}
	if slices.ContainsFunc(ev.All(), func(v *ical.VEvent) bool { return v.Component.First("DTSTART") == nil }) {
		return o.Data, nil // a message in the inbox, which may lack it
	}
	recurring := ev.Master == nil || ev.Master.Recurring
	e := o.Edit()
	for _, c := range o.Root.Children {
		if c.Name == "VTIMEZONE" || c.Name == "VEVENT" {
			e.RemoveComponent(c)
		}
	}
	n, size := 0, 0
	err = ev.Expand(r.start, r.end, zone, func(i ical.Instance) bool {
		text := instanceText(i, zone, recurring)
		n++
		size += len(text)
		if n >= maxInstances || size > maxExpanded {
			return false
		}
		e.AddComponent(o.Root, text)
		return true
	})
	if errors.Is(err, ical.ErrBudget) || n >= maxInstances || size > maxExpanded {
		return nil, errTooMuch
	}
	if err != nil {
		return nil, fmt.Errorf("working out the instances: %w", err)
	}
	return e.Bytes(), nil
}

// instanceText writes one instance as a component. Dates stay dates, and floating times are taken
// in zone.
func instanceText(i ical.Instance, zone *time.Location, recurring bool) string {
	allDay := i.VEvent.Start.AllDay
	stamp := func(name string, t time.Time) string {
		if allDay {
			return ical.FormatLine(name, []ical.Param{{Name: "VALUE", Values: []string{"DATE"}}}, t.In(zone).Format("20060102"))
		}
		return ical.FormatLine(name, nil, t.UTC().Format(utcForm))
	}
	lines := []string{"BEGIN:VEVENT"}
	for _, l := range i.VEvent.Component.Lines {
		switch l.Name {
		case "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "DURATION", "DTEND":
		case "DTSTART":
			lines = append(lines, stamp("DTSTART", i.Start))
			if i.End.After(i.Start) {
				lines = append(lines, stamp("DTEND", i.End))
			}
			if recurring {
				lines = append(lines, stamp("RECURRENCE-ID", i.RecurrenceID))
			}
		default:
			lines = append(lines, l.Raw())
		}
	}
	for _, c := range i.VEvent.Component.Children {
		lines = append(lines, rawComponent(c)...)
	}
	return strings.Join(append(lines, "END:VEVENT"), "\n")
}

func rawComponent(c *ical.Component) []string {
	lines := []string{"BEGIN:" + c.Name}
	for _, l := range c.Lines {
		lines = append(lines, l.Raw())
	}
	for _, sub := range c.Children {
		lines = append(lines, rawComponent(sub)...)
	}
	return append(lines, "END:"+c.Name)
}

// limitObject leaves out the overrides that neither take place in the range nor did before they
// were moved (RFC 4791 §9.6.6).
func limitObject(o *ical.Object, r timeRange, zone *time.Location) (*ical.Object, error) {
	ev, err := ical.ParseEvent(o)
	if err != nil {
		return o, nil
	}
	e := o.Edit()
	for _, v := range ev.Overrides {
		start, end := v.Start.In(zone), v.End.In(zone)
		from := v.RecurrenceID.In(zone)
		long := end.Sub(start)
		if ev.Master != nil {
			long = ev.Master.End.In(zone).Sub(ev.Master.Start.In(zone))
		}
		if !v.RangeFuture && !r.overlaps(start, end) && !r.overlaps(from, from.Add(long)) {
			e.RemoveComponent(v.Component)
		}
	}
	if !e.Changed() {
		return o, nil
	}
	return ical.Parse(e.Bytes(), ical.Limits{Size: len(o.Data) + 1})
}
