package main

import (
	"strings"
	"testing"
)

// TestRowsText plays what is not ours: texts, and other services' links.
func TestRowsText(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("a copy has its own conference", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		copied := with(with(text, "UID:copy"), "SUMMARY:The copy")
		got := w.anna.save(annaCalendar+"copy.ics", copied)
		own := w.named("The copy")
		w.wantLink(got, own.Link)
		w.lacks(joined(logical(got)), c.Link)
		w.wantLink(w.anna.get(aPath).body, c.Link)
		same(w, "the first one", w.named("Rows of a").ID, c.ID)
		same(w, "type", own.Type, c.Type)
		// Each is removed for itself.
		w.anna.gone(annaCalendar + "copy.ics")
		same(w, "the first one", w.only().ID, c.ID)
	})
	rows.play("a copy whose X- properties the client has stripped", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(annaCalendar+"copy.ics", with(with(without(text, "X-*"), "UID:copy"), "SUMMARY:The copy"))
		w.wantLink(got, w.named("The copy").Link)
		w.lacks(joined(logical(got)), c.Link)
	})
	rows.play("a copy of an event that was deleted", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.gone(aPath)
		got := w.anna.save(annaCalendar+"copy.ics", with(text, "UID:copy"))
		w.wantLink(got, w.only().Link)
		w.lacks(joined(logical(got)), c.Link)
	})
	rows.play("somebody else's traces", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		foreign := without(with(text, "UID:boris"), "ORGANIZER", "ATTENDEE")
		w.boris.put(borisCalendar+"b.ics", foreign)
		w.idle()
		same(w, "boris's event", w.boris.get(borisCalendar+"b.ics").body, foreign)
		same(w, "the conference", w.only().ID, c.ID)
		w.boris.gone(borisCalendar + "b.ics")
		same(w, "the conference", w.only().ID, c.ID)
	})
	rows.play("our bare link in another event", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		for _, line := range []string{"DESCRIPTION:As in " + c.Link, "LOCATION:" + c.Link, "URL:" + c.Link} {
			sent := event("b", line)
			same(w, "the other event", w.anna.save(annaCalendar+"b.ics", sent), sent)
			same(w, "the conference", w.only().ID, c.ID)
		}
		w.anna.gone(annaCalendar + "b.ics")
		same(w, "the conference", w.only().ID, c.ID)
	})
	rows.play("another service's link", func(w *world) {
		const zoom = "https://us02web.zoom.us/j/123456"
		text, c := w.booked("CATEGORIES:Webinar", "LOCATION:"+zoom, `DESCRIPTION:Or by zoom\n`+zoom, "URL:"+zoom)
		same(w, "LOCATION", value(text, "LOCATION"), zoom)
		same(w, "URL", value(text, "URL"), zoom)
		w.contains(value(text, "DESCRIPTION"), "Or by zoom\n"+zoom, c.Link)
		got := w.anna.save(aPath, with(text, "CATEGORIES:Work"))
		w.wantRemoved(got)
		same(w, "LOCATION", value(got, "LOCATION"), zoom)
		same(w, "URL", value(got, "URL"), zoom)
		same(w, "DESCRIPTION", value(got, "DESCRIPTION"), "Or by zoom\n"+zoom)
	})
	rows.play("another service's block", func(w *world) {
		const zoom = `DESCRIPTION:` + openFence + `\nhttps://facetime.apple.com/join#v=1\n` + closeFence
		text, c := w.booked("LOCATION:Webinar", zoom)
		w.contains(value(text, "DESCRIPTION"), "https://facetime.apple.com/join#v=1", c.Link)
		got := w.anna.save(aPath, without(text, "LOCATION"))
		w.wantMail(boris, "REQUEST", "REQUEST")
		w.none()
		same(w, "DESCRIPTION", "DESCRIPTION:"+strings.ReplaceAll(value(got, "DESCRIPTION"), "\n", `\n`), zoom)
	})
}
