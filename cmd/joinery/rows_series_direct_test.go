package main

import (
	"testing"
	"time"
)

// TestRowsSeriesDirect plays series that carry the provider's link of the moment.
func TestRowsSeriesDirect(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	direct := func(c *config) { c.Conference.SeriesLinks = "direct" }
	rows.play("an occurrence of another kind has its link when its time comes", func(w *world) {
		text := w.anna.save(aPath, seriesOf("a", invitation("LOCATION:Webinar")...))
		c := w.onlyAt(nth(0))
		// Neither the save nor the mail waits for a link that comes in a week.
		w.wantWithin(promptly, func() { w.anna.put(aPath, withOverride(text, 1, "LOCATION:Beta", "SUMMARY:Own")) })
		w.idle()
		got := w.anna.get(aPath).body
		w.wantLink(part(got, whole), c.Link)
		w.lacks(joined(logical(part(got, 1))), "https://my.mts-link.ru/")
		w.wantMail(boris, "REQUEST", "REQUEST")
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		second := w.onlyAt(nth(1))
		got = w.anna.get(aPath).body
		w.wantLink(part(got, 1), second.Link)
		same(w, "name", second.Name, "Own")
		w.contains(joined(logical(w.wantMail(boris, "REQUEST", "REQUEST", "REQUEST").calendar)), second.Link)
		w.at(nth(1).Add(10 * time.Minute))
		w.live(w.beta, second.Session, "stop")
		w.at(nth(1).Add(70 * time.Minute))
		third := w.onlyAt(nth(2))
		w.wantLink(part(w.anna.get(aPath).body, whole), third.Link)
		w.wantMail(boris, "REQUEST", "REQUEST", "REQUEST", "REQUEST")
	}, direct)
	rows.play("the first occurrence is of another kind", func(w *world) {
		w.wantWithin(promptly, func() {
			w.anna.put(aPath, withOverride(seriesOf("a", invitation("LOCATION:Webinar")...), 0, "LOCATION:Beta", "SUMMARY:Own"))
		})
		w.idle()
		got := w.anna.get(aPath).body
		c := w.onlyAt(nth(0))
		w.wantLink(part(got, 0), c.Link)
		same(w, "LOCATION of the series", value(part(got, whole), "LOCATION"), "Webinar")
		w.contains(joined(logical(w.wantMail(boris, "REQUEST").calendar)), c.Link)
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.beta, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		w.wantLink(part(w.anna.get(aPath).body, whole), w.onlyAt(nth(1)).Link)
		w.wantMail(boris, "REQUEST", "REQUEST")
	}, direct)
	rows.play("rotated, removed, an override that follows", func(w *world) {
		text := w.anna.save(aPath, withOverride(seriesOf("a", invitation("LOCATION:Webinar")...), 1, "SUMMARY:Second"))
		c := w.onlyAt(nth(0))
		for n := whole; n <= 1; n += 2 {
			w.wantLink(part(text, n), c.Link)
		}
		got := w.anna.save(aPath, w.changed(text, whole, "LOCATION:Webinar"))
		now := w.onlyAt(nth(0))
		for n := whole; n <= 1; n += 2 {
			w.wantLink(part(got, n), now.Link)
		}
		w.lacks(joined(logical(got)), c.Link)
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, now.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		got = w.anna.get(aPath).body
		for n := whole; n <= 1; n += 2 {
			w.wantLink(part(got, n), w.onlyAt(nth(1)).Link)
		}
		w.lacks(joined(logical(got)), now.Link)
		got = w.anna.save(aPath, w.bared(got, whole, "LOCATION"))
		w.wantBare(got)
		same(w, "planned", len(w.planned()), 0)
	}, direct)
	rows.play("the booked occurrence is excluded: the link stays", func(w *world) {
		text := w.anna.save(aPath, seriesOf("a", invitation("LOCATION:Webinar")...))
		c := w.onlyAt(nth(0))
		got := w.anna.save(aPath, w.changed(text, whole, inMoscow("EXDATE", nth(0))))
		same(w, "conference", w.onlyAt(nth(1)).ID, c.ID)
		w.wantLink(got, c.Link)
		w.contains(w.wantMail(boris, "REQUEST", "CANCEL").calendar, "RECURRENCE-ID")
	}, direct)
}
