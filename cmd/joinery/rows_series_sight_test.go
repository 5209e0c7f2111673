package main

import (
	"strings"
	"testing"
)

// TestRowsSeriesRule plays calendars with a rule, for series.
func TestRowsSeriesRule(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("always", func(w *world) {
		w.setRule("always")
		got := w.anna.save(aPath, withOverride(seriesOf("a"), 1, "SUMMARY:Second"))
		link := value(got, "URL")
		w.wantJoin(got, link)
		w.onlyAt(nth(0))
		// Removed in one, and in all: the rule does not bring it back.
		got = w.anna.save(aPath, w.bared(got, 1, "LOCATION"))
		w.wantBare(part(got, 1))
		got = w.anna.save(aPath, w.changed(got, 1, "SUMMARY:Still without"))
		w.wantBare(part(got, 1))
		w.wantLink(part(got, whole), link)
		got = w.anna.save(aPath, w.bared(got, whole, "LOCATION"))
		w.wantBare(got)
		w.none()
		got = w.anna.save(aPath, withOverride(w.changed(got, whole, "SUMMARY:Still without"), 2))
		w.wantBare(got)
		w.none()
	})
	rows.play("always, and another service's link", func(w *world) {
		w.setRule("always")
		for _, line := range []string{"LOCATION:https://us02web.zoom.us/j/123456", "CONFERENCE;VALUE=URI:https://jitsi.example.net/room"} {
			sent := seriesOf("a", line)
			same(w, "the event", w.anna.save(aPath, sent), sent)
			w.untouchedAccounts()
		}
	})
	rows.play("with attendees from outside", func(w *world) {
		w.setRule("outside")
		got := w.anna.save(aPath, seriesOf("a", "ORGANIZER:mailto:"+anna, "ATTENDEE:mailto:"+boris))
		w.wantBare(got)
		w.untouchedAccounts()
		got = w.anna.save(aPath, w.inPart(got, whole, func(part string) string { return plus(part, "ATTENDEE:mailto:"+vera) }))
		w.wantJoin(got, value(got, "URL"))
		w.onlyAt(nth(0))
	})
	rows.play("an attendee's copy in a calendar whose rule is always", func(w *world) {
		w.setRule("always")
		text := strings.ReplaceAll(seriesOf("a", "ORGANIZER:mailto:"+vera, "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:"+anna, "LOCATION:Webinar"), "\r\n ", "")
		text = withOverride(text, 1, "LOCATION:Beta")
		w.wantSame(text, w.anna.save(aPath, text))
		w.untouchedAccounts()
	})
}

// TestRowsSeriesSight plays bodies that have not seen the link, whatever their conditions say.
func TestRowsSeriesSight(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for name, headers := range map[string]func(w *world) []string{
		"with the new ETag": func(w *world) []string { return []string{"If-Match: " + w.anna.get(aPath).etag()} },
		"with Schedule-Tag": func(w *world) []string {
			return []string{"If-Schedule-Tag-Match: " + w.anna.get(aPath).header.Get("Schedule-Tag")}
		},
	} {
		for way, lines := range asks {
			inShapes(rows, "the text of before the link, asked by "+way+", "+name, func(r *seriesRow) {
				r.ask(lines...)
				text := r.changed(r.sent, r.n, "SUMMARY:From the phone")
				got := part(r.phone.save(aPath, text, headers(r.world)...), r.n)
				r.wantLink(got, r.link)
				same(r.world, "name", r.kept(got).Name, "From the phone")
				r.settled(2)
			})
		}
		inShapes(rows, "the text of before a rotation, "+name, func(r *seriesRow) {
			r.ask("LOCATION:Webinar")
			got := r.saveLine("LOCATION:Webinar")
			now, link := r.replaced(got), value(got, "URL")
			got = part(r.phone.save(aPath, r.changed(r.text, r.n, "SUMMARY:From the phone"), headers(r.world)...), r.n)
			r.wantLink(got, link)
			r.lacks(joined(logical(got)), r.link)
			same(r.world, "conference", r.only().ID, now.ID)
		})
	}
	inShapes(rows, "a save that has seen the ETag of before the link", func(r *seriesRow) {
		r.sent = r.body("LOCATION:Webinar")
		r.delayed(0.4)
		r.anna.put(aPath, r.sent)
		tag := r.anna.get(aPath).etag()
		r.idle()
		r.c = r.only()
		got := r.phone.save(aPath, r.changed(r.sent, r.n, "SUMMARY:From the phone"), "If-Match: "+tag)
		r.wantLink(part(got, r.n), value(part(got, r.n), "URL"))
		same(r.world, "conference", r.only().ID, r.c.ID)
		same(r.world, "name", r.only().Name, "From the phone")
	}, impatient)
	inShapes(rows, "removed while it is being made", func(r *seriesRow) {
		r.sent = r.body("LOCATION:Webinar")
		r.delayed(0.5)
		r.anna.put(aPath, r.sent)
		text := r.bared(r.sent, r.n, "LOCATION")
		if r.override {
			text = r.bared(text, 1, "LOCATION")
		}
		got := r.anna.save(aPath, text)
		r.wantBare(part(got, r.n))
		if r.others {
			r.onlyAt(nth(1))
			return
		}
		r.none()
		r.wantMail(boris, "REQUEST")
	}, impatient)
}
