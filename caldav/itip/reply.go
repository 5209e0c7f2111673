package itip

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// An Answer is what an attendee says to one component of an event.
type Answer struct {
	Occurrence time.Time // the instance; zero: the event itself
	PartStat   string
	Start      time.Time // when it took place as it was answered
}

// id is what a view calls the component of a.
func (a Answer) id() string {
	if a.Occurrence.IsZero() {
		return "*"
	}
	return stampValue(a.Occurrence)
}

// Answers of an attendee's copy are kept between messages as lines, one a component:
// "* ACCEPTED 20261205T090000Z" of the master, with the instance in place of the star.

// ReplyView returns what the owner of addresses answers in ev, for comparison by DiffReply; nil if
// the owner is not among the attendees. Instances that the owner took out of the copy (EXDATE) count
// as declined (RFC 6638 §3.2.2.1) if before, what ReplyView returned last, did not have them out
// and the organiser has sent nothing since (SEQUENCE is still sequence).
func ReplyView(ev *ical.Event, addresses []string, before []byte, sequence int) []byte {
	var out []string
	line := func(id, partstat string, start time.Time) {
		out = append(out, id+" "+partstat+" "+stampValue(start))
	}
	for _, v := range ev.All() {
		if a := own(v, addresses); a != nil && !v.Cancelled() {
			line(idOf(ev, v), a.PartStat, v.Start.Time)
		}
	}
	if ev.Master != nil && own(ev.Master, addresses) != nil {
		known := map[string]string{}
		for _, l := range strings.Split(string(before), "\n") {
			if id, rest, ok := strings.Cut(l, " "); ok {
				known[id] = rest
			}
		}
		for _, at := range exdates(ev.Object, ev.Master) {
			id := stampValue(at)
			partstat := "OFF"
			was, ok := known[id]
			switch {
			case strings.HasPrefix(was, "DECLINED "), len(before) > 0 && !(ok && strings.HasPrefix(was, "OFF ")) && SequenceOf(ev) <= sequence:
				partstat = "DECLINED"
			}
			line(id, partstat, at)
		}
	}
	if out == nil {
		return nil
	}
	slices.Sort(out)
	return []byte(strings.Join(out, "\n"))
}

func idOf(ev *ical.Event, v *ical.VEvent) string {
	if v.RecurrenceID == nil {
		return "*"
	}
	return stampValue(named(ev, *v.RecurrenceID))
}

// DiffReply returns the answers in now that old does not have, both of ReplyView: those that the
// organiser is to be told. NEEDS-ACTION is no answer, and an instance that has the answer of its
// series is answered by it.
func DiffReply(old, now []byte) []Answer {
	known := map[string]string{}
	for _, l := range strings.Split(string(old), "\n") {
		if id, rest, ok := strings.Cut(l, " "); ok {
			known[id] = rest
		}
	}
	all := answers(now)
	series := ""
	for _, a := range all {
		if a.Occurrence.IsZero() {
			series = a.PartStat
		}
	}
	var out []Answer
	for _, a := range all {
		id := a.id()
		was, ok := known[id]
		switch {
		case a.PartStat == "NEEDS-ACTION", a.PartStat == "OFF", was == a.PartStat+" "+stampValue(a.Start):
		case !ok && id != "*" && a.PartStat == series:
		default:
			out = append(out, a)
		}
	}
	return out
}

func answers(view []byte) []Answer {
	var out []Answer
	for _, l := range strings.Split(string(view), "\n") {
		f := strings.Fields(l)
		if len(f) != 3 {
			continue
		}
		a := Answer{PartStat: f[1]}
		if f[0] != "*" {
			a.Occurrence, _ = time.Parse("20060102T150405Z", f[0])
		}
		a.Start, _ = time.Parse("20060102T150405Z", f[2])
		out = append(out, a)
	}
	return out
}

// Declined returns the answers that decline everything in view, and the view once they are told. It
// returns none where everything was declined already.
func Declined(view []byte) (declined []Answer, after []byte) {
	var lines []string
	all := answers(view)
	series := "" // what the owner has answered to it
	for _, a := range all {
		if a.Occurrence.IsZero() {
			series = a.PartStat
		}
	}
	for _, a := range all {
		id := a.id()
		if a.PartStat == "OFF" {
			lines = append(lines, id+" OFF "+stampValue(a.Start))
			continue
		}
		// The series' answer holds for the instances that had it before.
		if a.PartStat != "DECLINED" && (a.Occurrence.IsZero() || a.PartStat != series) {
			a.PartStat = "DECLINED"
			declined = append(declined, a)
		}
		lines = append(lines, id+" DECLINED "+stampValue(a.Start))
	}
	return declined, []byte(strings.Join(lines, "\n"))
}

// Reply makes the REPLY (RFC 5546 §3.2.3) with which the owner of addresses gives answers to the
// organiser of ev. It carries the owner's ATTENDEE line, those of the owner's delegates (§3.2.2.3), the
// organiser's SEQUENCE and dtstamp.
func Reply(ev *ical.Event, addresses []string, answers []Answer, dtstamp time.Time) ([]byte, error) {
	edit := ev.Object.Edit()
	zones := map[string]bool{}
	kept := map[*ical.Component]bool{}
	for _, a := range answers {
		v := ev.Master
		if !a.Occurrence.IsZero() {
			v = override(ev, a.Occurrence)
		}
		if v == nil && ev.Master != nil {
			if me := own(ev.Master, addresses); me != nil {
				zones[ev.Master.Start.TZID] = true
				edit.AddComponent(ev.Object.Root, answeredInstance(ev, a, me, dtstamp))
				continue
			}
		}
		if v == nil {
			continue
		}
		me := own(v, addresses)
		if me == nil {
			continue
		}
		kept[v.Component] = true
		reduce(edit, v, me.Address)
		for _, l := range v.Component.Lines {
			if timed(l) {
				zones[l.Param("TZID")] = true
			}
			if l == me.Line || l.Name == "ORGANIZER" {
				withoutParams(edit, l)
			}
		}
		if a.PartStat == "DELEGATED" {
			delegates(edit, v, me)
		}
		edit.SetParam(me.Line, "PARTSTAT", a.PartStat)
		edit.SetParam(me.Line, "RSVP", "")
		remove(edit, v.Component, "STATUS")
		stamp(edit, v.Component, v.Sequence, dtstamp)
		set(edit, v.Component, "REQUEST-STATUS", "2.0;Success")
	}
	message(edit, ev, MethodReply, kept, zones)
	out := edit.Bytes()
	if _, err := parse(out); err != nil {
		return nil, fmt.Errorf("making a reply: %w", err)
	}
	return out, nil
}

// answeredInstance is the component that answers an instance which only the rule knows.
func answeredInstance(ev *ical.Event, a Answer, me *ical.Attendee, dtstamp time.Time) string {
	m := ev.Master
	lines := instanceLines(ev, a.Occurrence, dtstamp)
	if m.Organizer != nil {
		lines = append(lines, shortPerson(m.Organizer, ical.FormatLine("ORGANIZER", plain(m.Organizer.Line, ""), m.Organizer.Line.Value)))
	}
	mine := *me
	mine.PartStat = a.PartStat
	lines = append(lines,
		shortPerson(&mine, ical.FormatLine("ATTENDEE", plain(me.Line, a.PartStat), me.Line.Value)),
		"SEQUENCE:"+strconv.Itoa(m.Sequence), "REQUEST-STATUS:2.0;Success", "END:VEVENT")
	return strings.Join(lines, "\n")
}

// delegates leaves in v's answer those whom me has sent instead.
func delegates(edit *ical.Edit, v *ical.VEvent, me *ical.Attendee) {
	for _, to := range delegated(me, "DELEGATED-TO") {
		var params []ical.Param
		value := "mailto:" + to
		if a := attendee(v, to); a != nil {
			params = slices.DeleteFunc(plain(a.Line, a.PartStat), func(p ical.Param) bool { return p.Name == "DELEGATED-FROM" })
			value = a.Line.Value
		}
		params = append(params, ical.Param{Name: "DELEGATED-FROM", Values: []string{me.Line.Value}})
		if Mailable(to) {
			edit.Add(v.Component, ical.FormatLine("ATTENDEE", params, value))
		}
	}
}

// message leaves of ev the components kept and the zones that they use, with what a message of method has
// above them.
func message(edit *ical.Edit, ev *ical.Event, method string, kept map[*ical.Component]bool, zones map[string]bool) {
	o := ev.Object
	for _, c := range o.Root.Children {
		if !kept[c] && !(c.Name == "VTIMEZONE" && zones[c.Text("TZID")]) {
			edit.RemoveComponent(c)
		}
	}
	edit.AddZones(zones, ev.All()[0].Start.Time)
	calendar(edit, o)
	set(edit, o.Root, "METHOD", method)
}

// withoutParams takes the server's and clients' own parameters out of l.
func withoutParams(edit *ical.Edit, l *ical.Line) {
	for _, p := range l.Params {
		if strings.HasPrefix(p.Name, "SCHEDULE-") || strings.HasPrefix(p.Name, "X-") {
			edit.SetParam(l, p.Name, "")
		}
	}
}

// plain are l's parameters without the server's and clients' own, with partstat in place of its own.
func plain(l *ical.Line, partstat string) []ical.Param {
	var out []ical.Param
	for _, p := range l.Params {
		if !strings.HasPrefix(p.Name, "SCHEDULE-") && !strings.HasPrefix(p.Name, "X-") && p.Name != "PARTSTAT" && p.Name != "RSVP" {
			out = append(out, p)
		}
	}
	if partstat != "" {
		out = append(out, ical.Param{Name: "PARTSTAT", Values: []string{partstat}})
	}
	return out
}
