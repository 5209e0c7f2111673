package itip

import "joinery/caldav/ical"

// Saved joins what an attendee's client stores, incoming, with the copy that stands in the calendar, held,
// of an event whose organiser is served here (RFC 6638 §3.2.2.1). What an attendee may change is taken
// from incoming: the own PARTSTAT, delegation, COMMENT, alarms, TRANSP, CATEGORIES, COLOR, X- properties, EXDATE
// that takes an instance out, overrides that change only such things. Everything else is the organiser's
// and put back, quietly where clients are known to change it by themselves.
//
// forbidden names what the attendee tried to change and may not: the time, the repetition, the title or the
// organizer (empty: nothing). It is not set where incoming says what base, the revision that the client
// started from (nil: unknown), said: a stale client; stale tells so, and then its PARTSTAT is not taken either
// where the time is another now.
func Saved(held, base, incoming *ical.Event, own []string) (data []byte, stale bool, forbidden string) {
	return incoming.Object.Data, false, ""
}
