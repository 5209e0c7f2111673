package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRowsSeriesEvent plays what becomes of series as events: deleted, restored, moved, given away, made
// from and into events that do not recur (docs/conferences.md).
func TestRowsSeriesEvent(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("deleted", func(w *world) {
		_, c, link := w.bookedSeries("LOCATION:Webinar")
		w.anna.gone(aPath)
		w.none()
		same(w, "deleted at the account", len(w.mts.State().Deleted), 1)
		same(w, "conference", w.mts.State().Deleted[0].ID, c.ID)
		w.contains(w.wantMail(boris, "REQUEST", "CANCEL").calendar, "METHOD:CANCEL")
		w.wantMail(vera, "REQUEST", "CANCEL")
		w.wantDoor(link, http.StatusGone, saysCancelled)
	})
	rows.play("cancelled, and not so after all", func(w *world) {
		text, _, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, w.changed(text, whole, "STATUS:CANCELLED"))
		w.none()
		w.wantBare(got)
		w.wantMail(boris, "REQUEST", "CANCEL")
		w.wantDoor(link, http.StatusGone, saysCancelled)
		got = w.anna.save(aPath, w.bared(got, whole, "STATUS"))
		w.onlyAt(nth(0))
		w.wantJoin(got, value(got, "URL"))
		w.wantLinkMail(w.wantMail(boris, "REQUEST", "CANCEL", "REQUEST"), value(got, "URL"))
	})
	for name, wait := range map[string]bool{"within the settle time": false, "later": true} {
		rows.play("deleted and undone, "+name, func(w *world) {
			text, c, link := w.bookedSeries("LOCATION:Webinar")
			if wait {
				w.anna.gone(aPath)
				w.none()
			} else {
				w.anna.delete(aPath)
			}
			got := w.anna.save(aPath, text)
			now := w.onlyAt(nth(0))
			same(w, "the conference is the one that it was", now.ID == c.ID, !wait)
			w.wantJoin(got, value(got, "URL"))
			w.wantDoor(value(got, "URL"), http.StatusOK, saysWaiting)
			same(w, "link", value(got, "URL"), link) // it is the series' whatever its rooms
			if !wait {
				w.wantMail(boris, "REQUEST")
				return
			}
			again := w.wantMail(boris, "REQUEST", "CANCEL", "REQUEST")
			w.wantLinkMail(again, link)
			if a, b := sequence(w.letter(boris, 1).calendar), sequence(again.calendar); b <= a {
				w.Errorf("the new REQUEST has SEQUENCE %d, the CANCEL had %d", b, a)
			}
		}, unhurried)
		rows.play("deleted and undone with its occurrences, "+name, func(w *world) {
			// One has its own kind, one has none, one was withdrawn before and follows the series.
			text := withOverride(seriesOf("a", invitation("LOCATION:Webinar")...), 0, "LOCATION:Beta", "SUMMARY:Own")
			text = w.anna.save(aPath, text)
			text = w.anna.save(aPath, w.bared(withOverride(text, 1, "SUMMARY:None"), 1, "LOCATION"))
			text = w.anna.save(aPath, withOverride(text, 2, "LOCATION:Beta", "SUMMARY:Withdrawn"))
			text = w.anna.save(aPath, w.inPart(text, 2, func(string) string { return "" }))
			text = w.anna.save(aPath, withOverride(text, 2, "SUMMARY:Follows"))
			links := map[int]string{}
			for n := whole; n <= 2; n++ {
				links[n] = value(part(text, n), "URL")
			}
			same(w, "link of the third", links[2], links[whole])
			w.wantBare(part(text, 1))
			if wait {
				w.anna.gone(aPath)
				w.none()
			} else {
				w.anna.delete(aPath)
			}
			got := w.anna.save(aPath, text)
			for n := whole; n <= 2; n++ {
				same(w, fmt.Sprint("link of ", n), value(part(got, n), "URL"), links[n])
			}
			w.wantBare(part(got, 1))
			same(w, "name", w.onlyAt(nth(0)).Name, "Own")
			same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
			w.wantDoor(links[0], http.StatusOK, saysWaiting)
			w.wantDoor(links[whole], http.StatusOK, saysWaiting)
		}, unhurried)
	}
	rows.play("cancelled with an occurrence of its own kind, and not so after all", func(w *world) {
		text := withOverride(seriesOf("a", invitation("LOCATION:Webinar")...), 0, "LOCATION:Beta", "SUMMARY:Own")
		text = w.anna.save(aPath, text)
		got := w.anna.save(aPath, w.changed(text, whole, "STATUS:CANCELLED"))
		w.none()
		w.wantBare(got)
		got = w.anna.save(aPath, w.bared(got, whole, "STATUS"))
		same(w, "name", w.onlyAt(nth(0)).Name, "Own")
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		w.wantLink(part(got, 0), value(part(got, 0), "URL"))
		w.wantLink(part(got, whole), value(part(got, whole), "URL"))
	})
	rows.play("deleted during an occurrence", func(w *world) {
		_, c, link := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * time.Minute))
		same(w, "status", w.only().Status, "START")
		w.anna.gone(aPath)
		w.none()
		same(w, "stops", w.mts.State().Calls["PUT /eventsessions/{id}/stop"], 1)
		same(w, "deleted", w.mts.State().Deleted[0].ID, c.ID)
		w.wantDoor(link, http.StatusGone, saysCancelled)
		w.wantMail(boris, "REQUEST", "CANCEL")
	})
	rows.play("deleted after an occurrence: what took place is history", func(w *world) {
		_, c, _ := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		w.onlyAt(nth(1))
		w.anna.gone(aPath)
		same(w, "conference", w.only().ID, c.ID)
		w.wantMail(boris, "REQUEST", "CANCEL")
	})
	rows.play("MOVE", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		text = w.anna.save(aPath, withOverride(text, 1, "LOCATION:Beta", "SUMMARY:Own"))
		w.anna.move(aPath, workPath)
		w.idle()
		same(w, "the event", w.anna.get(workPath).body, text)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		w.wantMail(boris, "REQUEST", "REQUEST")
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		same(w, "name", w.onlyAt(nth(1)).Name, "Own")
		w.wantDoor(link, http.StatusOK, saysWaiting)
		w.anna.gone(workPath)
		same(w, "planned", len(w.planned()), 0)
		w.wantMail(boris, "REQUEST", "REQUEST", "CANCEL")
	})
	for _, first := range []string{"PUT", "DELETE"} {
		rows.play("moved by two requests, "+first+" first", func(w *world) {
			text, c, link := w.bookedSeries("LOCATION:Webinar")
			text = w.anna.save(aPath, withOverride(text, 1, "LOCATION:Beta", "SUMMARY:Own"))
			own := value(part(text, 1), "URL")
			if first == "DELETE" {
				w.anna.delete(aPath)
			}
			w.anna.put(workPath, text, "If-None-Match: *")
			if first == "PUT" {
				w.anna.delete(aPath)
			}
			w.idle()
			got := w.anna.get(workPath).body
			w.wantLink(part(got, whole), link)
			w.wantLink(part(got, 1), own)
			same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
			same(w, "deletions", len(w.mts.State().Deleted), 0)
			w.wantMail(boris, "REQUEST", "REQUEST")
		}, unhurried)
	}
	rows.play("the owning copy is deleted first: ownership returns", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		text = w.anna.save(aPath, withOverride(text, 1, "LOCATION:Beta", "SUMMARY:Own"))
		own := value(part(text, 1), "URL")
		w.anna.save(workPath, text)
		w.anna.gone(workPath)
		got := w.anna.get(aPath).body
		w.wantLink(part(got, whole), link)
		w.wantLink(part(got, 1), own)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		w.wantMail(boris, "REQUEST", "REQUEST")
	})
	rows.play("a one-off event becomes a series, and one again", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.wantLink(text, c.Link)
		got := w.anna.save(aPath, plus(text, "RRULE:FREQ=WEEKLY"))
		link := value(got, "URL")
		w.wantJoin(got, link)
		w.lacks(joined(logical(got)), c.Link)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST"), link)
		w.wantDoor(link, http.StatusOK, saysWaiting)
		// A device of before that has the provider's link.
		got = w.phone.save(aPath, plus(with(text, "SUMMARY:From the phone"), "RRULE:FREQ=WEEKLY"))
		w.wantJoin(got, link)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		// One event again: it keeps the link that people have.
		got = w.anna.save(aPath, without(got, "RRULE"))
		w.wantJoin(got, link)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		w.at(nth(0).Add(-5 * time.Minute))
		w.wantOpen(link, c)
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(4 * time.Hour))
		w.only()
		w.wantDoor(link, http.StatusOK, saysOver)
	})
	rows.play("a series becomes one event while it is booked for a later occurrence", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		next := w.onlyAt(nth(1))
		got := w.inPart(text, whole, func(part string) string {
			return with(with(without(part, "RRULE"), from(nth(1))[0]), from(nth(1))[1])
		})
		got = w.anna.save(aPath, got)
		w.wantJoin(got, link)
		same(w, "conference", w.onlyAt(nth(1)).ID, next.ID)
		same(w, "conferences", len(w.conferences()), 2)
		w.anna.gone(aPath)
		same(w, "conference", w.only().ID, c.ID)
	})
	rows.play("rotated: a new join page, the old one says so", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, w.changed(text, whole, "LOCATION:Webinar"))
		now := w.onlyAt(nth(0))
		own := value(got, "URL")
		w.wantJoin(got, own)
		if own == link || now.ID == c.ID || now.Link == c.Link {
			w.Error("nothing was rotated")
		}
		d := w.door(link)
		w.wantDoor(link, http.StatusGone, saysReplaced)
		w.lacks(d.page, own, strings.TrimPrefix(own, joinBase), now.Link)
		w.wantDoor(own, http.StatusOK, saysWaiting)
		w.at(nth(0).Add(-10 * time.Minute))
		w.wantOpen(own, now)
		w.wantDoor(link, http.StatusGone, saysReplaced)
	})
	rows.play("rotated while a meeting of the series goes on", func(w *world) {
		text, c, _ := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * time.Minute))
		same(w, "status", w.only().Status, "START")
		got := w.anna.save(aPath, w.changed(text, whole, "LOCATION:Webinar"))
		w.wantJoin(got, value(got, "URL"))
		for _, now := range w.conferences() {
			if now.ID != c.ID {
				w.wantOpen(value(got, "URL"), now)
			}
		}
	})
	rows.play("removed, and asked for again", func(w *world) {
		text, _, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, w.bared(text, whole, "LOCATION"))
		w.wantBare(got)
		w.none()
		w.wantDoor(link, http.StatusGone, saysRemoved)
		got = w.anna.save(aPath, w.changed(got, whole, "LOCATION:Webinar"))
		w.onlyAt(nth(0))
		w.wantJoin(got, value(got, "URL"))
		if value(got, "URL") == link {
			w.Error("the link that was removed came back")
		}
		w.wantDoor(link, http.StatusGone, saysReplaced)
	})
	rows.play("given to another organiser", func(w *world) {
		text, _, link := w.bookedSeries("LOCATION:Webinar")
		reply := w.anna.do("PUT", aPath, w.swap(text, "ORGANIZER;CN=Anna:mailto:"+anna, "ORGANIZER:mailto:"+vera)).want(http.StatusForbidden)
		w.contains(reply.body, "allowed-organizer-scheduling-object-change")
		// Without attendees it can be given away.
		text = w.anna.save(annaCalendar+"b.ics", withOverride(seriesOf("b", "LOCATION:Webinar"), 0, "LOCATION:Beta"))
		same(w, "conferences", len(w.conferences()), 2)
		links := []string{value(part(text, whole), "URL"), value(part(text, 0), "URL")}
		text = w.swap(text, "DTSTAMP", "ORGANIZER:mailto:"+vera+"\r\nDTSTAMP")
		got := w.anna.save(annaCalendar+"b.ics", text)
		w.wantBare(got)
		w.only()
		for _, l := range links {
			w.wantDoor(l, http.StatusGone, saysCancelled)
		}
		w.wantDoor(link, http.StatusOK, saysWaiting)
	})
	rows.play("an import", func(w *world) {
		w.anna.save(annaCalendar+"first.ics", event("first"))
		sent := withOverride(seriesOf("a", invitation("LOCATION:Webinar")...), 0, "LOCATION:Beta")
		got := w.anna.save(aPath, sent)
		same(w, "state", value(part(got, whole), "X-JOINERY-STATE"), "imported")
		w.wantUntouched(sent, got)
		w.untouchedAccounts()
		w.wantNoMail()
		// Saved again it asks.
		got = w.anna.save(aPath, w.changed(got, whole, "SUMMARY:Asked again"))
		w.wantLink(part(got, whole), value(part(got, whole), "URL"))
		w.wantLink(part(got, 0), value(part(got, 0), "URL"))
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		w.onlyAt(nth(0))
		w.wantMail(boris, "REQUEST")
	}, func(c *config) { c.CalDAV.ImportBurst = 1 })
	rows.play("an import of occurrences without a master", func(w *world) {
		w.anna.save(annaCalendar+"first.ics", event("first"))
		text := w.inPart(withOverride(seriesOf("a", invitation()...), 0, "LOCATION:Webinar"), whole, func(string) string { return "" })
		got := w.anna.save(aPath, text)
		same(w, "state", value(part(got, 0), "X-JOINERY-STATE"), "imported")
		w.untouchedAccounts()
		w.wantNoMail()
		got = w.anna.save(aPath, w.changed(got, 0, "SUMMARY:Asked again"))
		w.onlyAt(nth(0))
		w.wantLink(part(got, 0), value(part(got, 0), "URL"))
	}, func(c *config) { c.CalDAV.ImportBurst = 1 })
	rows.play("a series that has ended", func(w *world) {
		past := time.Now().UTC().Truncate(time.Hour).AddDate(0, -2, 0)
		lines := append(from(past), "LOCATION:Webinar", "RRULE:FREQ=DAILY;COUNT=3")
		sent := seriesOf("a", invitation()...)
		for _, l := range lines {
			sent = w.changed(sent, whole, l)
		}
		w.anna.save(aPath, sent)
		w.untouchedAccounts()
		w.wantNoMail()
		// It is prolonged.
		got := w.anna.save(aPath, w.changed(sent, whole, "RRULE:FREQ=DAILY"))
		w.only()
		w.wantJoin(got, value(got, "URL"))
	})
	rows.play("a series that began two years ago", func(w *world) {
		sent := seriesOf("a", invitation("LOCATION:Webinar")...)
		for _, l := range from(nth(-104)) {
			sent = w.changed(sent, whole, l)
		}
		got := w.anna.save(aPath, sent)
		w.onlyAt(nth(0))
		w.wantJoin(got, value(got, "URL"))
	})
}
