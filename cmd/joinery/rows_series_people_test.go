package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// TestRowsSeriesPeople plays who is in the conferences of series at the provider.
func TestRowsSeriesPeople(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	people := func(c emulator.Conference) string {
		return strings.Join(slices.Sorted(slices.Values(c.Participants)), " ")
	}
	const clara = "clara@partner.example"
	rows.play("an occurrence with a guest of its own", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		guest := "ATTENDEE;CN=Clara;PARTSTAT=NEEDS-ACTION:mailto:" + clara
		got := w.anna.save(aPath, w.inPart(withOverride(text, 0), 0, func(part string) string {
			return plus(strings.Replace(part, attendee(part, vera)+"\r\n", "", 1), guest)
		}))
		w.wantJoin(got, link)
		same(w, "people", people(w.onlyAt(nth(0))), boris+" "+clara)
		w.contains(joined(logical(w.wantMail(clara, "REQUEST").calendar)), "RECURRENCE-ID", link)
		w.wantMail(vera, "REQUEST", "CANCEL")
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		same(w, "people", people(w.onlyAt(nth(1))), boris+" "+vera)
		w.wantMail(clara, "REQUEST")
		w.wantMail(vera, "REQUEST", "CANCEL")
		same(w, "mails of the platform", w.mts.State().PlatformMails, 0)
	})
	rows.play("attendees of the series come and go", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, w.swap(text, attendee(text, vera)+"\r\n", "ATTENDEE:mailto:"+clara+"\r\n"))
		w.wantJoin(got, link)
		same(w, "people", people(w.onlyAt(nth(0))), boris+" "+clara)
		same(w, "conference", w.only().ID, c.ID)
		w.wantMail(vera, "REQUEST", "CANCEL")
		w.wantLinkMail(w.wantMail(clara, "REQUEST"), link)
	})
	rows.play("an attendee declines one occurrence, and deletes the own copy", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		copyPath := borisCalendar + "copy.ics"
		w.boris.save(copyPath, text)
		declined := strings.Replace(withOverride(text, 0), "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN=Boris;PARTSTAT=DECLINED", 2)
		declined = w.inPart(declined, whole, func(string) string { return part(text, whole) })
		w.boris.save(copyPath, declined)
		hers := w.anna.get(aPath).body
		w.wantSaid(part(hers, 0), boris, "DECLINED")
		w.wantSaid(part(hers, whole), boris, "NEEDS-ACTION")
		w.wantJoin(hers, link)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		w.boris.gone(copyPath)
		w.wantSaid(part(w.anna.get(aPath).body, whole), boris, "DECLINED")
		w.wantMail(anna)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		w.wantDoor(link, http.StatusOK, saysWaiting)
		w.wantMail(boris, "REQUEST")
	})
	rows.play("an attendee's copy with our link, its words and deletions", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		copyPath := borisCalendar + "copy.ics"
		for _, body := range []string{text, w.changed(text, whole, "LOCATION:Beta"), withOverride(text, 0, "LOCATION:Beta"), w.bared(text, whole, "LOCATION", "DESCRIPTION")} {
			w.contains(value(w.boris.save(copyPath, body), "LOCATION"), link) // the organiser's word counts
		}
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		w.wantJoin(w.anna.get(aPath).body, link)
	})
}
