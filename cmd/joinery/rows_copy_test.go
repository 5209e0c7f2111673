package main

import (
	"fmt"
	"net/http"
	"testing"
)

// TestRowsCopy plays COPY of objects, and MOVE and COPY of calendars: the event goes on, with its one
// conference, and nobody is told anything.
func TestRowsCopy(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	const other = "/calendars/" + anna + "/other/"
	send := func(w *world, method, from, to string) {
		w.Helper()
		w.anna.do(method, from, "", "Destination: "+w.url+to).want(http.StatusCreated)
		w.idle()
	}
	// quiet holds the world to the one conference and the first invitations.
	quiet := func(w *world, link string) {
		w.Helper()
		if got := w.only().Link; got != link {
			w.Errorf("the conference is %s, want %s", got, link)
		}
		w.wantMail(boris, "REQUEST")
		w.wantMail(vera, "REQUEST")
	}
	for _, first := range []string{aPath, workPath} {
		rows.play(fmt.Sprintf("COPY, and %s goes first", first), func(w *world) {
			text, c := w.booked("LOCATION:Webinar")
			send(w, "COPY", aPath, workPath)
			for _, path := range []string{aPath, workPath} {
				w.wantLink(w.anna.get(path).body, c.Link)
			}
			same(w, "the source", w.anna.get(aPath).body, text)
			quiet(w, c.Link)
			w.anna.gone(first)
			quiet(w, c.Link)
			last := workPath
			if first == workPath {
				last = aPath
			}
			w.anna.gone(last)
			w.none()
			w.wantMail(boris, "REQUEST", "CANCEL")
		})
	}
	rows.play("COPY of a calendar, and the copy goes", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		send(w, "COPY", annaCalendar, other)
		same(w, "the copy", w.anna.get(other+"a.ics").body, text)
		quiet(w, c.Link)
		w.anna.gone(other)
		quiet(w, c.Link)
		same(w, "the event", w.anna.get(aPath).body, text)
	})
	rows.play("COPY of a calendar, the event goes, and then the copy", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		send(w, "COPY", annaCalendar, other)
		w.anna.gone(aPath)
		quiet(w, c.Link)
		same(w, "the copy", w.anna.get(other+"a.ics").body, text)
		w.anna.gone(other + "a.ics")
		w.none()
		w.wantMail(boris, "REQUEST", "CANCEL")
	})
	rows.play("MOVE of a calendar, and the event is changed in it", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		send(w, "MOVE", annaCalendar, other)
		same(w, "the event", w.anna.get(other+"a.ics").body, text)
		quiet(w, c.Link)
		got := w.anna.save(other+"a.ics", with(text, "SUMMARY:Another title"))
		w.wantLink(got, c.Link)
		w.anna.gone(other + "a.ics")
		w.none()
		w.wantMail(boris, "REQUEST", "REQUEST", "CANCEL")
	})
}
