package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// TestRowsSeriesTrouble plays occurrences that follow each other while something goes wrong at the provider.
func TestRowsSeriesTrouble(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for _, call := range []string{"POST /events", "POST /events/{id}/sessions"} {
		for _, kind := range []string{emulator.FaultDrop, emulator.FaultBadJSON, emulator.Fault500After, emulator.Fault500, emulator.Fault429} {
			rows.play(fmt.Sprintf("an advance: %s %s", call, kind), func(w *world) {
				text, c, link := w.bookedSeries("LOCATION:Webinar")
				w.at(nth(0).Add(10 * time.Minute))
				w.live(w.mts, c.Session, "stop")
				w.fault(w.mts, emulator.Fault{Call: call, Kind: kind, Times: 1})
				w.at(nth(0).Add(70 * time.Minute))
				w.at(nth(0).Add(75 * time.Minute))
				w.onlyAt(nth(1))
				same(w, "conferences", len(w.conferences()), 2)
				same(w, "the event", w.anna.get(aPath).body, text)
				w.wantDoor(link, http.StatusOK, saysWaiting)
				w.wantMail(boris, "REQUEST")
				w.wantMail(anna)
			})
		}
	}
	for _, call := range []string{"PUT /organization/events/{id}", "PUT /eventsessions/{id}"} {
		for _, kind := range []string{emulator.FaultDrop, emulator.Fault500, emulator.Fault500After} {
			rows.play(fmt.Sprintf("the booked occurrence is excluded: %s %s", call, kind), func(w *world) {
				text, c, link := w.bookedSeries("LOCATION:Webinar")
				w.fault(w.mts, emulator.Fault{Call: call, Kind: kind, Times: 1})
				got := w.anna.save(aPath, w.changed(text, whole, inMoscow("EXDATE", nth(0))))
				w.wantJoin(got, link)
				now := w.onlyAt(nth(1))
				same(w, "conference", now.ID, c.ID)
				same(w, "start of the template", now.EventStart.UTC(), nth(1))
			})
		}
	}
	rows.play("the booked conference is deleted at the provider", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		w.live(w.mts, c.Session, "delete")
		got := w.anna.save(aPath, w.changed(text, whole, "SUMMARY:Changed"))
		now := w.onlyAt(nth(0))
		if now.ID == c.ID {
			w.Error("nothing was made anew")
		}
		// The link that people have leads to the new one: nobody needs a mail for that.
		w.wantJoin(got, link)
		w.wantMail(boris, "REQUEST", "REQUEST") // of the title
		w.at(nth(0).Add(-5 * time.Minute))
		w.wantOpen(link, now)
	})
	rows.play("eight saves at the same moment", func(w *world) {
		done := make(chan error, 8)
		for i := range 8 {
			go func() {
				c := w.device(anna, fmt.Sprintf("Device/%d", i))
				body := seriesOf("a", invitation("LOCATION:Webinar", fmt.Sprintf("SUMMARY:Version %d", i))...)
				if i%2 == 1 {
					body = withOverride(body, 0, fmt.Sprintf("SUMMARY:Once %d", i))
				}
				r, err := c.try("PUT", aPath, body)
				if err == nil && r.status >= 300 {
					err = fmt.Errorf("save %d: %d", i, r.status)
				}
				done <- err
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				w.Error(err)
			}
		}
		w.idle()
		got := w.anna.get(aPath).body
		w.wantJoin(got, value(got, "URL"))
		want := value(part(got, whole), "SUMMARY")
		if own := part(got, 0); own != "" {
			want = value(own, "SUMMARY")
		}
		same(w, "name", w.onlyAt(nth(0)).Name, want)
		same(w, "conferences ever made", w.mts.State().Calls["POST /events"], 1)
	})
}
