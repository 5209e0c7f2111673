package itip

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// DeclineCounter makes the DECLINECOUNTER (RFC 5546 §3.2.8) with which the organiser of ev keeps to what
// stands, when the attendee at address has proposed something else: for the instance occurrence, or, where
// that is zero, for the event itself. sequence is the SEQUENCE of the COUNTER, which is given back. It
// carries only that attendee's line (§4.2.4) and the time that stands. It is an error where ev has no
// such occurrence, no organiser, or address is not invited to it.
func DeclineCounter(ev *ical.Event, address string, occurrence time.Time, sequence int, dtstamp time.Time) ([]byte, error) {
	v := ev.Master
	ruled := false
	if !occurrence.IsZero() {
		v = override(ev, occurrence)
		if v == nil && ev.Master != nil && len(taking(ev, []time.Time{occurrence})) > 0 {
			v, ruled = ev.Master, true
		}
	}
	organizer := ev.Organizer()
	if v == nil || organizer == nil {
		return nil, fmt.Errorf("declining a counter-proposal: the event %q has no such occurrence or no organiser", ev.UID)
	}
	a := attendee(v, address)
	if a == nil {
		return nil, fmt.Errorf("declining a counter-proposal: %s is not invited to the event %q", address, ev.UID)
	}
	edit := ev.Object.Edit()
	zones := map[string]bool{}
	for _, l := range v.Component.Lines {
		if timed(l) {
			zones[l.Param("TZID")] = true
		}
	}
	said := ical.FormatLine("ORGANIZER", plain(organizer.Line, ""), organizer.Line.Value)
	if ruled {
		edit.AddComponent(ev.Object.Root, strings.Join(append(instanceLines(ev, occurrence, dtstamp),
			shortPerson(organizer, said),
			shortPerson(a, ical.FormatLine("ATTENDEE", plain(a.Line, a.PartStat), a.Line.Value)),
			"SEQUENCE:"+strconv.Itoa(sequence), "END:VEVENT"), "\n"))
	} else {
		reduce(edit, v, address)
		withoutParams(edit, a.Line)
		if v.Organizer != nil {
			withoutParams(edit, v.Organizer.Line)
		} else {
			edit.Add(v.Component, said)
		}
		remove(edit, v.Component, "STATUS")
		stamp(edit, v.Component, sequence, dtstamp)
	}
	message(edit, ev, MethodDeclineCounter, map[*ical.Component]bool{v.Component: !ruled}, zones)
	out := edit.Bytes()
	if _, err := parse(out); err != nil {
		return nil, fmt.Errorf("declining a counter-proposal: %w", err)
	}
	return out, nil
}
