package itip

import (
	"time"

	"joinery/caldav/ical"
)

// Alone returns occurrences of ev, named as ical.Time has them, each as a component of its own that says what
// the series says of it: text for ical.Edit.AddComponent, with that DTSTAMP. ok is false where the series does
// not have one of them. Whether there are overrides of them already is not looked at.
func Alone(ev *ical.Event, ids []time.Time, dtstamp time.Time) (texts []string, ok bool) {
	t := timetableOf(ev)
	for _, id := range ids {
		o, ok := t.at(id)
		if !ok {
			return nil, false
		}
		texts = append(texts, o.component(dtstamp))
	}
	return texts, true
}
