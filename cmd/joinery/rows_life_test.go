package main

import (
	"testing"
	"time"
)

// TestRowsLife plays what becomes of conferences around the time of their meeting: one that took place
// stays, one with people in it is left alone, and a link leads to where the meeting is.
func TestRowsLife(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	const minute = time.Minute

	rows.play("ended early, then deleted", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.at(tomorrow().Add(40 * minute))
		w.live(w.mts, c.Session, "stop")
		w.at(tomorrow().Add(50 * minute))
		w.anna.gone(aPath)
		same(w, "deletions at the account", len(w.mts.State().Deleted), 0)
		same(w, "conferences", len(w.mts.Conferences("STOP")), 1)
	})
	rows.play("an occurrence ended early, then the series deleted", func(w *world) {
		_, c, link := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(20 * minute))
		w.anna.gone(aPath)
		same(w, "deletions at the account", len(w.mts.State().Deleted), 0)
		w.wantDoor(link, 410, saysCancelled)
	})
	rows.play("deleted while people are in it", func(w *world) {
		w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * minute))
		same(w, "live", len(w.mts.Conferences("START")), 1)
		w.anna.gone(aPath)
		same(w, "conferences", len(w.mts.Conferences()), 0)
		same(w, "deletions at the account", len(w.mts.State().Deleted), 1)
	})
	rows.play("the room of the next occurrence is begun and ended days before", func(w *world) {
		_, c, link := w.bookedSeries("LOCATION:Webinar")
		w.live(w.mts, c.Session, "start")
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(-29 * minute))
		now := w.onlyAt(nth(0))
		w.wantOpen(link, now)
		if now.ID == c.ID {
			w.Error("the conference that was ended is to hold the meeting")
		}
		w.wantMail(boris, "REQUEST")
	})
	rows.play("a single event's room is begun and ended before its time", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.live(w.mts, c.Session, "start")
		w.live(w.mts, c.Session, "stop")
		w.at(tomorrow().Add(-29 * minute))
		now := w.planned()
		if len(now) != 1 {
			w.Fatalf("%d conferences are planned, want 1", len(now))
		}
		w.wantLink(w.anna.get(aPath).body, now[0].Link)
		w.at(w.now().Add(minute))
		w.wantMail(boris, "REQUEST", "REQUEST")
	})
	rows.play("deleted at the provider before its time", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.live(w.mts, c.Session, "delete")
		w.at(tomorrow().Add(-29 * minute))
		now := w.only()
		w.wantLink(w.anna.get(aPath).body, now.Link)
		w.at(w.now().Add(minute))
		w.wantMail(boris, "REQUEST", "REQUEST")
	})
	rows.play("nobody ends a single meeting", func(w *world) {
		w.booked("LOCATION:Webinar")
		end := tomorrow().Add(60 * minute)
		w.at(end.Add(119 * minute))
		same(w, "live", len(w.mts.Conferences("START")), 1)
		w.at(end.Add(121 * minute))
		same(w, "live", len(w.mts.Conferences("START")), 0)
		same(w, "ended", len(w.mts.Conferences("STOP")), 1)
	})
	rows.play("an occurrence's link is replaced while it goes on, and its old meeting is ended", func(w *world) {
		text, old, _ := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * minute))
		text = w.anna.save(aPath, withOverride(text, 0, "LOCATION:Webinar"))
		for _, c := range w.mts.Conferences("START") {
			if c.ID == old.ID {
				w.live(w.mts, c.Session, "stop")
			}
		}
		w.at(nth(0).Add(20 * minute))
		link := value(part(text, 0), "URL")
		live := w.mts.Conferences("START")
		if len(live) != 1 {
			w.Fatalf("%d conferences are live, want the new one", len(live))
		}
		w.wantOpen(link, live[0])
	})
	rows.play("a licence for one: a meeting that goes on is made longer", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.save(workPath, moved(event("b", "LOCATION:Webinar"), time.Hour))
		w.at(tomorrow().Add(50 * minute))
		w.anna.save(aPath, with(text, "DTEND:"+tomorrow().Add(90*minute).Format(utcStamp)))
		for _, d := range w.mts.State().Deleted {
			if d.ID == c.ID {
				w.Error("the meeting that goes on was deleted")
			}
		}
		w.wantLink(w.anna.get(aPath).body, c.Link)
	}, pooled)
	rows.play("a licence for one: an occurrence gets a link of its own", func(w *world) {
		text, _, _ := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, withOverride(text, 0, "LOCATION:Webinar"))
		same(w, "state", value(part(got, 0), "X-JOINERY-STATE"), "ready")
		w.onlyAt(nth(0))
	}, func(c *config) { c.Providers[0].OneAtATime = true })
}
