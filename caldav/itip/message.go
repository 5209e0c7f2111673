package itip

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// Sequence is the SEQUENCE that m goes out with: event is the highest that the event has, sent the
// highest that was sent to anybody about it, last the one of the last message to this person, told
// whether there was one. It rises with every change of time and with every CANCEL, also where the
// client forgot to raise it (RFC 5546 §2.1.4), and once more when somebody who was sent a CANCEL is
// invited again.
func Sequence(m *Message, event, sent, last int, told bool) int {
	n := max(event, sent)
	if !told {
		if m.Method == MethodCancel {
			n++
		}
		return n
	}
	if n = max(n, last); n == last && (m.Rescheduled || m.First || m.Method == MethodCancel) {
		n++
	}
	return n
}

// SequenceOf is the highest SEQUENCE in ev.
func SequenceOf(ev *ical.Event) int {
	n := 0
	for _, v := range ev.All() {
		n = max(n, v.Sequence)
	}
	return n
}

// Calendar makes the iCalendar object that tells m to address: a REQUEST or a CANCEL with sequence and
// dtstamp.
func (m *Message) Calendar(address string, sequence int, dtstamp time.Time) ([]byte, error) {
	ev, err := m.Event()
	if err != nil {
		return nil, err
	}
	if m.Method == MethodCancel {
		return m.cancel(ev, address, sequence, dtstamp), nil
	}
	return request(ev, address, sequence, dtstamp), nil
}

// request makes the REQUEST (RFC 5546 §3.2.2) of ev to address. Who has not answered yet is asked to
// (RSVP), where the client says nothing of it: mail programs show their buttons only then.
func request(ev *ical.Event, address string, sequence int, dtstamp time.Time) []byte {
	edit := ev.Object.Edit()
	set(edit, ev.Object.Root, "METHOD", MethodRequest)
	for _, v := range ev.All() {
		stamp(edit, v.Component, sequence, dtstamp)
		if v.Component.First("SUMMARY") == nil { // it must be there, if only empty
			edit.Add(v.Component, "SUMMARY:")
		}
		oneEnd(edit, v.Component)
		if a := attendee(v, address); a != nil && a.PartStat == "NEEDS-ACTION" && a.Line.Param("RSVP") == "" {
			edit.SetParam(a.Line, "RSVP", "TRUE")
		}
	}
	return edit.Bytes()
}

// cancel makes the CANCEL (RFC 5546 §3.2.5) to address of what ev holds: of m's occurrences, or of
// everything where there are none. It carries no other attendee and nothing that says more than what
// is cancelled. STATUS tells what does not take place from what takes place without address.
func (m *Message) cancel(ev *ical.Event, address string, sequence int, dtstamp time.Time) []byte {
	edit := ev.Object.Edit()
	keep := ev.Overrides
	if len(m.Occurrences) > 0 {
		keep = slices.DeleteFunc(slices.Clone(keep), func(v *ical.VEvent) bool {
			return !slices.ContainsFunc(m.Occurrences, named(ev, *v.RecurrenceID).Equal)
		})
		for _, at := range m.Occurrences {
			if ev.Master != nil && override(ev, at) == nil {
				edit.AddComponent(ev.Object.Root, m.cancelledInstance(ev, at, address, sequence, dtstamp))
			}
		}
	} else if ev.Master != nil {
		keep = []*ical.VEvent{ev.Master}
	}
	zones := map[string]bool{}
	if ev.Master != nil {
		zones[ev.Master.Start.TZID] = true
	}
	kept := map[*ical.Component]bool{}
	for _, v := range keep {
		kept[v.Component] = true
		reduce(edit, v, address)
		if v.RecurrenceID != nil && m.uninvited(named(ev, *v.RecurrenceID)) || v.RecurrenceID == nil && m.without {
			remove(edit, v.Component, "STATUS")
		} else {
			set(edit, v.Component, "STATUS", "CANCELLED")
		}
		stamp(edit, v.Component, sequence, dtstamp)
		for _, l := range v.Component.Lines {
			if timed(l) {
				zones[l.Param("TZID")] = true
			}
		}
	}
	for _, c := range ev.Object.Root.Children {
		if !kept[c] && !(c.Name == "VTIMEZONE" && zones[c.Text("TZID")]) {
			edit.RemoveComponent(c)
		}
	}
	set(edit, ev.Object.Root, "METHOD", MethodCancel)
	return edit.Bytes()
}

// uninvited tells whether the instance at takes place without the person.
func (m *Message) uninvited(at time.Time) bool { return m.without || among(m.off, at) }

// cancelledInstance is the component that cancels an instance which only the rule knows.
func (m *Message) cancelledInstance(ev *ical.Event, at time.Time, address string, sequence int, dtstamp time.Time) string {
	v := ev.Master
	lines := instanceLines(ev, at, dtstamp)
	if v.Organizer != nil {
		lines = append(lines, shortPerson(v.Organizer, v.Organizer.Line.Raw()))
	}
	if a := attendee(v, address); a != nil {
		lines = append(lines, shortPerson(a, a.Line.Raw()))
	}
	lines = append(lines, fmt.Sprintf("SEQUENCE:%d", sequence))
	if !m.uninvited(at) {
		lines = append(lines, "STATUS:CANCELLED")
	}
	return strings.Join(append(lines, "END:VEVENT"), "\n")
}

// instanceLines begin a component for an instance which only the rule knows.
func instanceLines(ev *ical.Event, at, dtstamp time.Time) []string {
	m := ev.Master
	start := m.Component.First("DTSTART")
	lines := []string{
		"BEGIN:VEVENT",
		"UID:" + m.Component.First("UID").Value,
		"DTSTAMP:" + stampValue(dtstamp),
		inForm("RECURRENCE-ID", ev.Object, m, start, at),
		inForm("DTSTART", ev.Object, m, start, at),
	}
	if l := m.Component.First("SUMMARY"); l != nil {
		lines = append(lines, shortSummary(l))
	}
	return lines
}

// inForm writes instant at as property name in the form of the master's DTSTART.
func inForm(name string, o *ical.Object, master *ical.VEvent, start *ical.Line, at time.Time) string {
	var params []ical.Param
	if start == nil {
		return ical.FormatLine(name, nil, stampValue(at))
	}
	for _, p := range start.Params {
		if p.Name == "TZID" || p.Name == "VALUE" {
			params = append(params, p)
		}
	}
	switch t := master.Start; {
	case t.AllDay:
		return ical.FormatLine(name, params, at.UTC().Format("20060102"))
	case t.UTC:
		return ical.FormatLine(name, params, stampValue(at))
	case t.Floating:
		return ical.FormatLine(name, params, at.UTC().Format("20060102T150405"))
	default:
		loc := o.Location(t.TZID)
		if loc == nil {
			return name + ":" + stampValue(at)
		}
		return ical.FormatLine(name, params, at.In(loc).Format("20060102T150405"))
	}
}

// timed tells a line of those that reduce leaves that has a time.
func timed(l *ical.Line) bool {
	switch l.Name {
	case "RECURRENCE-ID", "DTSTART", "DTEND":
		return true
	}
	return false
}

// reduce leaves of v what a CANCEL or REPLY needs, and of its attendees only address.
func reduce(edit *ical.Edit, v *ical.VEvent, address string) {
	mine := attendee(v, address)
	for _, l := range v.Component.Lines {
		switch l.Name {
		case "UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "SUMMARY", "ORGANIZER", "SEQUENCE", "DTSTAMP", "STATUS":
		case "ATTENDEE":
			if mine == nil || l != mine.Line {
				edit.Remove(l)
			}
		default:
			edit.Remove(l)
		}
	}
	for _, c := range v.Component.Children {
		edit.RemoveComponent(c)
	}
	oneEnd(edit, v.Component)
}

// oneEnd takes DURATION from beside DTEND, where no message may have it.
func oneEnd(edit *ical.Edit, c *ical.Component) {
	if c.First("DTEND") != nil {
		remove(edit, c, "DURATION")
	}
}

func stamp(edit *ical.Edit, c *ical.Component, sequence int, dtstamp time.Time) {
	set(edit, c, "DTSTAMP", stampValue(dtstamp))
	set(edit, c, "SEQUENCE", fmt.Sprint(sequence))
}

func stampValue(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// set makes name:value the one line of that name in c.
func set(edit *ical.Edit, c *ical.Component, name, value string) {
	lines := c.All(name)
	if len(lines) == 0 {
		edit.Add(c, name+":"+value)
		return
	}
	edit.Replace(lines[0], name+":"+value)
	for _, l := range lines[1:] {
		edit.Remove(l)
	}
}

func remove(edit *ical.Edit, c *ical.Component, name string) {
	for _, l := range c.All(name) {
		edit.Remove(l)
	}
}
