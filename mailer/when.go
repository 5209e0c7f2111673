package mailer

import (
	"strings"
	"time"
)

// When writes when something takes place, in the language of tag (RFC 5646; English where it is none of
// ours), on the clock of start's zone and with its name. The zero end: at a moment. Of all-day times only
// the dates count, end exclusive.
func When(tag string, start, end time.Time, allDay bool) string {
	s := Span(tag, start, end, allDay)
	if !allDay {
		s += " (" + Zone(tag, start) + ")"
	}
	return s
}

// Span is When without the zone.
func Span(tag string, start, end time.Time, allDay bool) string {
	return languageOf(tag).span(start, end.In(start.Location()), allDay, "")
}

// Zone names t's zone for people, with its offset at t.
func Zone(tag string, t time.Time) string {
	name := t.Location().String()
	if !strings.Contains(name, "/") {
		name = "" // UTC, the machine's own, or an offset that says no more than itself
	}
	return languageOf(tag).zone(name, t)
}
