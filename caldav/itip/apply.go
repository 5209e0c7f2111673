package itip

import (
	"time"

	"joinery/caldav/ical"
)

// Apply puts an attendee's answers into the organiser's event ev: PARTSTAT on the attendee's line of the
// master or of the override; an occurrence without override gets one, made from the rule, where its answer
// differs from the series' one (RFC 6638 §3.2.2.3); an answer to the series counts for overrides that it
// had answered alike. Delegates are added (RFC 5546 §3.2.2.3). Data are ev's bytes where nothing changes.
// unknown are parts of which ev has no such occurrence, or where address is not invited. dtstamp is the
// DTSTAMP of components that are made.
func Apply(ev *ical.Event, address string, parts []Part, dtstamp time.Time) (data []byte, unknown []Part) {
	return ev.Object.Data, nil
}

// ReadIncoming reads an iTIP object that somebody mailed. from is the address that spoke, as far as the mail
// says: it picks the ATTENDEE where there are several; where none is it, the only one counts. The error is
// ErrNoMessage where data are no message of an attendee, else it says what in it cannot be read.
func ReadIncoming(data []byte, from string) (*Incoming, error) { return nil, ErrNoMessage }
