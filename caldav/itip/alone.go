package itip

import (
	"time"

	"joinery/caldav/ical"
)

// Alone is the occurrence id of ev, named as ical.Time has it, as a component of its own that says what the
// series says of it: text for ical.Edit.AddComponent, with that DTSTAMP. It is empty where the series has no
// such occurrence. Whether there is an override of it already is not looked at.
func Alone(ev *ical.Event, id, dtstamp time.Time) string {
	o, ok := timetableOf(ev).at(id)
	if !ok {
		return ""
	}
	return o.component(dtstamp)
}
