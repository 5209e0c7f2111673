package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestRowsOrganizer plays who may write to whom in an event's name: attendees cannot take it over, and
// who was invited hears of its end.
func TestRowsOrganizer(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	refused := func(w *world, c *rowsClient, path, body, condition string) {
		w.Helper()
		if reply := c.do("PUT", path, body).want(http.StatusForbidden); !strings.Contains(reply.body, condition) {
			w.Errorf("the answer does not name %s: %s", condition, reply.body)
		}
	}
	copyPath := borisCalendar + "copy.ics"
	theirs := event("a", "ORGANIZER:mailto:"+anna, "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:"+boris, "ATTENDEE:mailto:"+vera)
	rows.play("an attendee makes the event the own", func(w *world) {
		w.boris.save(copyPath, theirs)
		refused(w, w.boris, copyPath, with(theirs, "ORGANIZER:mailto:"+boris), "allowed-attendee-scheduling-object-change")
		refused(w, w.boris, copyPath, w.swap(theirs, "ORGANIZER:mailto:"+anna+"\r\n", ""), "allowed-attendee-scheduling-object-change")
		w.idle()
		w.wantNoMail()
	})
	rows.play("given away while the guests have not heard of the deletion", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		w.anna.delete(aPath)
		refused(w, w.anna, aPath, w.swap(text, "ORGANIZER;CN=Anna:mailto:"+anna, "ORGANIZER:mailto:"+vera), "allowed-organizer-scheduling-object-change")
		w.idle()
		w.wantMail(boris, "REQUEST", "CANCEL")
		w.none()
	})
}
