package itip

import (
	"strings"
	"time"

	"joinery/caldav/ical"
)

// A timetable answers which instances an event has. What that takes is worked out once, however many
// are asked for: all of it may be a stranger's.
type timetable struct {
	*ical.Event
	own   map[int64]*ical.VEvent // overrides by instance
	out   []time.Time            // EXDATE, sorted
	rule  *ical.Event            // the master without EXDATE; nil: none
	later []*ical.VEvent         // the overrides that begin another stretch (THISANDFUTURE)
	zones string                 // VTIMEZONEs, for what is read alone

	asked int                     // how often rule was expanded for one instance
	made  map[int64]ical.Instance // once many were asked for: the first instances of rule
	until time.Time               // where they end
}

// An instance is looked for by itself at first, and where many are, among the first ones of the rule. Behind
// those few more are looked for: each may cost what an expansion may.
const (
	askedSingly = 16
	madeAtOnce  = 5000
	mostAsked   = 100
)

func timetableOf(ev *ical.Event) *timetable {
	t := &timetable{Event: ev, own: make(map[int64]*ical.VEvent, len(ev.Overrides))}
	for _, v := range ev.Overrides {
		if id := t.id(v).Unix(); t.own[id] == nil {
			t.own[id] = v
		}
		if v.RangeFuture && !v.Start.Time.IsZero() {
			t.later = append(t.later, v)
		}
	}
	if m := ev.Master; m != nil && !m.Start.Time.IsZero() {
		t.out = exdates(ev.Object, m)
		t.rule = withoutExdates(ev, m)
	}
	return t
}

// id is the instance that v, an override, is for.
func (t *timetable) id(v *ical.VEvent) time.Time { return named(t.Event, *v.RecurrenceID) }

// override is the component of the instance id, nil if it has none.
func (t *timetable) override(id time.Time) *ical.VEvent { return t.own[id.Unix()] }

// takesOut tells whether EXDATE takes the instance id out.
func (t *timetable) takesOut(id time.Time) bool { return among(t.out, id) }

// An occurrence is one that the rule of a series has, as it takes place without a component of its own.
type occurrence struct {
	in         *timetable
	id         time.Time    // as RECURRENCE-ID
	of         *ical.VEvent // what it is like: the master, or the override that begins another stretch
	start, end time.Time    // as ical.Time has them
	period     bool         // end is an RDATE's own
}

// at finds the occurrence id of the rule; false where the rule does not have it or EXDATE takes it out.
// Overrides of that occurrence alone are not looked at.
func (t *timetable) at(id time.Time) (occurrence, bool) {
	if t.rule == nil || t.takesOut(id) {
		return occurrence{}, false
	}
	m := t.Master
	o := occurrence{in: t, id: id, of: m}
	i, ok := t.instance(id)
	if !ok {
		return occurrence{}, false
	}
	o.start, o.end = i.Start, i.End
	for _, l := range m.Component.All("RDATE") {
		o.period = o.period || strings.EqualFold(l.Param("VALUE"), "PERIOD")
	}
	for _, v := range t.later {
		if !t.id(v).After(id) && (o.of == m || t.id(v).After(t.id(o.of))) {
			o.of = v
		}
	}
	if v := o.of; v != m {
		loc := zoneOf(t.Object, m.Start)
		shift := clock(v.Start.Time, loc).Sub(clock(t.id(v), loc))
		at := clock(id, loc).Add(shift)
		o.start = ical.LocalTime(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), loc)
		o.end, o.period = o.start.Add(v.End.Time.Sub(v.Start.Time)), false
	}
	return o, true
}

// instance finds an instance of rule.
func (t *timetable) instance(id time.Time) (found ical.Instance, ok bool) {
	if t.made != nil {
		if found, ok = t.made[id.Unix()]; ok || id.Before(t.until) {
			return found, ok
		}
	}
	if t.asked++; t.asked > mostAsked {
		return ical.Instance{}, false
	}
	if t.made == nil && t.asked > askedSingly {
		t.made = map[int64]ical.Instance{}
		err := t.rule.Expand(time.Time{}, time.Time{}, time.UTC, func(i ical.Instance) bool {
			t.made[i.RecurrenceID.Unix()] = i
			t.until = i.RecurrenceID
			return len(t.made) < madeAtOnce
		})
		if err == nil && len(t.made) < madeAtOnce {
			t.until = time.Unix(1<<62, 0)
		}
		return t.instance(id)
	}
	err := t.rule.Expand(id, id.Add(time.Second), time.UTC, func(i ical.Instance) bool {
		if ok = i.RecurrenceID.Equal(id); ok {
			found = i
		}
		return !ok
	})
	return found, ok && err == nil
}

// has tells whether the instance id takes place.
func (t *timetable) has(id time.Time) bool {
	_, ok := t.at(id)
	return ok || t.override(id) != nil && !t.takesOut(id)
}

// alone is what the series says of the instance id, as an override; nil where it has none.
func (t *timetable) alone(id time.Time) *ical.VEvent {
	o, ok := t.at(id)
	if !ok {
		return nil
	}
	if t.zones == "" {
		lines := []string{"BEGIN:VCALENDAR"}
		for _, c := range t.Object.Root.Find("VTIMEZONE") {
			lines = append(lines, rawLines(c)...)
		}
		t.zones = strings.Join(lines, "\n") + "\n"
	}
	ev, err := parse([]byte(t.zones + o.component(time.Time{}) + "\nEND:VCALENDAR\n"))
	if err != nil || ev == nil || len(ev.Overrides) != 1 {
		return nil
	}
	return ev.Overrides[0]
}

// mostMade is how many bytes an event may get by the components that are made in it to compare it.
const mostMade = 4 << 20

// with is t with a component for each of ids that its rule has, as far as they do not make it too large.
func (t *timetable) with(ids []time.Time) *timetable {
	edit := t.Object.Edit()
	size := len(t.Object.Data)
	for _, id := range ids {
		o, ok := t.at(id)
		if !ok {
			continue
		}
		text := o.component(time.Time{})
		if size += len(text); size > mostMade {
			break
		}
		edit.AddComponent(t.Object.Root, text)
	}
	if !edit.Changed() {
		return t
	}
	if more, err := parse(edit.Bytes()); err == nil && more != nil {
		return timetableOf(more)
	}
	return t
}

// component writes o as a component of its own: the lines and alarms of what it is like, its RECURRENCE-ID
// in the form of the master's DTSTART. dtstamp, where it is not zero, is its DTSTAMP.
func (o occurrence) component(dtstamp time.Time) string {
	ev, m, v := o.in, o.in.Master, o.of
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
