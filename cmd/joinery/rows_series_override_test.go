package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRowsSeriesOverride plays what overrides say of their occurrences beside the series (docs/conferences.md).
func TestRowsSeriesOverride(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("an occurrence alone: only it has a conference", func(w *world) {
		text := withOverride(seriesOf("a", invitation()...), 1, "LOCATION:Webinar", "SUMMARY:Once")
		got := w.anna.save(aPath, text)
		c := w.onlyAt(nth(1))
		link := value(part(got, 1), "URL")
		w.wantLink(part(got, 1), link)
		w.wantBare(part(got, whole))
		w.at(nth(0).Add(2 * time.Hour))
		same(w, "conference", w.onlyAt(nth(1)).ID, c.ID)
		w.at(nth(1).Add(-5 * time.Minute))
		w.wantOpen(link, c)
		w.at(nth(1).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(1).Add(70 * time.Minute))
		same(w, "conferences left as history", len(w.conferences()), 1)
		same(w, "planned", len(w.planned()), 0)
		w.wantDoor(link, http.StatusOK, saysOver)
		w.wantMail(boris, "REQUEST")
	})
	rows.play("another kind in the second occurrence", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, withOverride(text, 1, "LOCATION:Beta", "SUMMARY:Once"))
		own := value(part(got, 1), "URL")
		w.wantLink(part(got, 1), own)
		w.wantLink(part(got, whole), link)
		if own == link {
			w.Error("the occurrence has the series' link")
		}
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID) // only the next one exists
		w.wantDoor(own, http.StatusOK, saysWaiting)
		w.wantMail(boris, "REQUEST", "REQUEST")
		// The first is held; the second is the other account's; the third is the series' again.
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		second := w.onlyAt(nth(1))
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		same(w, "name", second.Name, "Once")
		w.at(nth(1).Add(-5 * time.Minute))
		w.wantOpen(own, second)
		w.at(nth(1).Add(10 * time.Minute))
		w.live(w.beta, second.Session, "stop")
		w.at(nth(1).Add(70 * time.Minute))
		third := w.onlyAt(nth(2))
		same(w, "name", third.Name, "Rows of a")
		same(w, "conferences of the first account", len(w.mts.State().Conferences), 2)
		w.wantDoor(own, http.StatusOK, saysOver)
		w.at(nth(2).Add(-5 * time.Minute))
		w.wantOpen(link, third)
		w.wantMail(boris, "REQUEST", "REQUEST")
		same(w, "the event", w.anna.get(aPath).body, got)
	})
	rows.play("removed in the second occurrence", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, w.bared(withOverride(text, 1, "SUMMARY:In person"), 1, "LOCATION"))
		w.wantBare(part(got, 1))
		w.wantLink(part(got, whole), link)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		l := w.wantMail(boris, "REQUEST", "REQUEST")
		w.contains(l.calendar, "RECURRENCE-ID")
		w.lacks(joined(logical(l.calendar)), link)
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		w.onlyAt(nth(2)) // none for the second
		// It is asked for again.
		got = w.anna.save(aPath, w.changed(got, 1, "LOCATION:Webinar"))
		w.wantLink(part(got, 1), value(part(got, 1), "URL"))
		same(w, "name", w.onlyAt(nth(1)).Name, "In person")
	})
	rows.play("rotated in the first occurrence, and a device of before that", func(w *world) {
		text, _, link := w.bookedSeries("LOCATION:Webinar")
		before := w.anna.save(aPath, withOverride(text, 0, "SUMMARY:Once"))
		w.wantJoin(before, link)
		got := w.anna.save(aPath, w.changed(before, 0, "LOCATION:Webinar"))
		own := value(part(got, 0), "URL")
		c := w.onlyAt(nth(0))
		if own == link {
			w.Fatal("nothing was rotated")
		}
		got = w.phone.save(aPath, w.changed(before, 0, "SUMMARY:From the phone"))
		w.wantLink(part(got, 0), own)
		w.lacks(part(got, 0), link)
		w.wantLink(part(got, whole), link)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		same(w, "name", w.onlyAt(nth(0)).Name, "From the phone")
		// The master is edited by a device of before: the occurrence keeps its own.
		got = w.phone.save(aPath, w.changed(before, whole, "SUMMARY:The series"))
		w.wantLink(part(got, 0), own)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		// The series is rotated: the occurrence keeps its own.
		got = w.anna.save(aPath, w.changed(got, whole, "LOCATION:Webinar"))
		w.wantLink(part(got, 0), own)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		w.wantDoor(link, http.StatusGone, saysReplaced)
		if now := value(part(got, whole), "URL"); now == link || now == own {
			w.Errorf("the series has %s", now)
		}
		// The series loses its conference: the occurrence keeps its own.
		got = w.anna.save(aPath, w.bared(got, whole, "LOCATION"))
		w.wantBare(part(got, whole))
		w.wantLink(part(got, 0), own)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
	})
	rows.play("an override is withdrawn: the occurrence is as the others", func(w *world) {
		text, _, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, withOverride(text, 0, "LOCATION:Beta", "SUMMARY:Once"))
		own := value(part(got, 0), "URL")
		same(w, "name", w.onlyAt(nth(0)).Name, "Once")
		got = w.anna.save(aPath, w.inPart(got, 0, func(string) string { return "" }))
		w.wantJoin(got, link)
		same(w, "name", w.onlyAt(nth(0)).Name, "Rows of a")
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 0)
		w.wantDoor(own, http.StatusGone, saysReplaced)
		// As one whose conference was removed.
		got = w.anna.save(aPath, w.bared(withOverride(got, 0), 0, "LOCATION"))
		w.onlyAt(nth(1))
		got = w.anna.save(aPath, w.inPart(got, 0, func(string) string { return "" }))
		w.wantJoin(got, link)
		w.onlyAt(nth(0))
		// An override comes that asks for nothing: it has the series' link.
		got = w.anna.save(aPath, withOverride(got, 0, "SUMMARY:Again"))
		w.wantJoin(got, link)
		same(w, "name", w.onlyAt(nth(0)).Name, "Again")
	})
	rows.play("an occurrence with a conference of its own is excluded", func(w *world) {
		for _, keeps := range []bool{false, true} { // whether the client leaves the override
			path := fmt.Sprintf("%sexcluded-%v.ics", annaCalendar, keeps)
			text := w.anna.save(path, withOverride(seriesOf(fmt.Sprint("excluded-", keeps), "LOCATION:Webinar"), 0, "LOCATION:Beta", "SUMMARY:Once"))
			same(w, "name", w.onlyAt(nth(0)).Name, "Once")
			text = w.changed(text, whole, inMoscow("EXDATE", nth(0)))
			if !keeps {
				text = w.inPart(text, 0, func(string) string { return "" })
			}
			w.anna.save(path, text)
			same(w, "name", w.onlyAt(nth(1)).Name, "Rows of excluded-"+fmt.Sprint(keeps))
			same(w, "conferences of the second account", len(w.beta.State().Conferences), 0)
			w.anna.gone(path)
			w.none()
		}
	})
	rows.play("an occurrence alone is excluded, its override left", func(w *world) {
		text := w.anna.save(aPath, withOverride(seriesOf("a"), 0, "LOCATION:Webinar"))
		w.onlyAt(nth(0))
		w.anna.save(aPath, w.changed(text, whole, inMoscow("EXDATE", nth(0))))
		w.none()
	})
	for name, asks := range map[string]string{"the series'": "", "its own": "LOCATION:Beta"} {
		rows.play("an occurrence with "+name+" conference is cancelled, and not so after all", func(w *world) {
			text, _, link := w.bookedSeries("LOCATION:Webinar")
			text = withOverride(text, 0, "SUMMARY:Once")
			if asks != "" {
				text = w.changed(text, 0, asks)
			}
			text = w.anna.save(aPath, text)
			same(w, "name", w.onlyAt(nth(0)).Name, "Once")
			requests := []string{"REQUEST", "REQUEST"}
			w.wantMail(boris, requests...)
			got := w.anna.save(aPath, w.inPart(text, 0, func(part string) string { return plus(part, "STATUS:CANCELLED") }))
			w.wantBare(part(got, 0))
			same(w, "name", w.onlyAt(nth(1)).Name, "Rows of a")
			w.contains(w.wantMail(boris, append(requests, "CANCEL")...).calendar, "RECURRENCE-ID")
			got = w.anna.save(aPath, w.bared(got, 0, "STATUS"))
			c := w.onlyAt(nth(0))
			same(w, "name", c.Name, "Once")
			same(w, "of the second account", len(w.beta.State().Conferences) == 1, asks != "")
			own := value(part(got, 0), "URL")
			w.wantLink(part(got, 0), own)
			same(w, "the link is the series'", own == link, asks == "")
			w.contains(joined(logical(w.wantMail(boris, append(requests, "CANCEL", "REQUEST")...).calendar)), own)
		})
	}
	rows.play("a cancelled occurrence stays without link whatever the series becomes", func(w *world) {
		text, _, _ := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, w.bared(withOverride(text, 0, "STATUS:CANCELLED"), 0, "LOCATION"))
		w.wantBare(part(got, 0))
		got = w.anna.save(aPath, w.changed(got, whole, "LOCATION:Beta"))
		w.wantBare(part(got, 0))
		w.onlyAt(nth(1))
		w.anna.save(aPath, w.changed(got, whole, "SUMMARY:New"))
		w.wantBare(part(w.anna.get(aPath).body, 0))
	})
	for name, id := range map[string]string{
		"UTC": "RECURRENCE-ID:" + nth(0).Format(utcStamp), "zone": inMoscow("RECURRENCE-ID", nth(0)),
		"date":         "RECURRENCE-ID;VALUE=DATE:" + nth(0).In(yearsZone("Europe/Moscow")).Format("20060102"),
		"another zone": yearsClock{zone: yearsZone("Asia/Yekaterinburg")}.line("RECURRENCE-ID", nth(0)),
	} {
		for _, others := range []bool{true, false} {
			rows.play(fmt.Sprintf("RECURRENCE-ID by %s, the series asks: %v", name, others), func(w *world) {
				lines := []string{"LOCATION:Webinar"}
				if !others {
					lines = nil
				}
				text := withOverride(seriesOf("a", lines...), 0, "LOCATION:Beta", "SUMMARY:Once")
				text = w.swap(text, inMoscow("RECURRENCE-ID", nth(0)), id)
				got := w.anna.save(aPath, text)
				same(w, "name", w.onlyAt(nth(0)).Name, "Once")
				same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
				_, events, _ := vevents(got)
				own := value(joined(events[1]), "URL")
				w.wantLink(joined(events[1]), own)
				// Another device names it in another way: it is the same occurrence.
				other := w.swap(got, id, inMoscow("RECURRENCE-ID", nth(0)))
				got = w.phone.save(aPath, w.changed(other, 0, "SUMMARY:Twice"))
				same(w, "name", w.onlyAt(nth(0)).Name, "Twice")
				w.wantLink(part(got, 0), own)
			})
		}
	}
	rows.play("an override moved before the booked occurrence, and behind it", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		early := nth(0).Add(-2 * time.Hour)
		got := w.anna.save(aPath, withOverride(text, 1, append(from(early), "SUMMARY:Brought forward")...))
		w.wantJoin(got, link)
		now := w.onlyAt(early)
		same(w, "conference", now.ID, c.ID)
		same(w, "name", now.Name, "Brought forward")
		late := nth(2).Add(24 * time.Hour)
		got = w.inPart(got, 1, func(part string) string { return with(with(part, from(late)[0]), from(late)[1]) })
		w.anna.save(aPath, got)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		same(w, "name", w.onlyAt(nth(0)).Name, "Rows of a")
	})
	rows.play("RANGE=THISANDFUTURE", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		later := nth(1).Add(3 * time.Hour)
		text = withOverride(text, 1, append(from(later), "SUMMARY:Later")...)
		id := inMoscow("RECURRENCE-ID", nth(1))
		text = w.swap(text, id, strings.Replace(id, ";", ";RANGE=THISANDFUTURE;", 1))
		var got string
		w.wantWithin(promptly, func() { w.anna.put(aPath, text) })
		w.idle()
		got = w.anna.get(aPath).body
		w.wantJoin(got, link)
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		for n := 1; n <= 2; n++ {
			w.at(nth(n - 1).Add(4*time.Hour + 30*time.Minute))
			if n == 2 {
				w.at(nth(n - 1).Add(7 * time.Hour))
			}
			now := w.onlyAt(nth(n).Add(3 * time.Hour))
			same(w, "name", now.Name, "Later")
		}
	})
	rows.play("overrides without a master", func(w *world) {
		// As an organiser has them who was given single occurrences.
		full := withOverride(withOverride(seriesOf("a", invitation()...), 0, "LOCATION:Webinar", "SUMMARY:First"), 2, "LOCATION:Beta", "SUMMARY:Third")
		text := w.inPart(full, whole, func(string) string { return "" })
		got := w.anna.save(aPath, text)
		first := w.onlyAt(nth(0))
		same(w, "name", first.Name, "First")
		links := []string{value(part(got, 0), "URL"), value(part(got, 2), "URL")}
		w.wantLink(part(got, 0), links[0])
		w.wantLink(part(got, 2), links[1])
		w.wantMail(boris, "REQUEST")
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, first.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		same(w, "name", w.onlyAt(nth(2)).Name, "Third")
		got = w.anna.save(aPath, w.bared(got, 2, "LOCATION"))
		w.wantBare(part(got, 2))
		same(w, "planned", len(w.planned()), 0)
		w.anna.gone(aPath)
	})
	rows.play("overrides without a master, in a calendar whose rule is always", func(w *world) {
		w.setRule("always")
		text := w.inPart(withOverride(seriesOf("a"), 0), whole, func(string) string { return "" })
		got := w.anna.save(aPath, text)
		w.onlyAt(nth(0))
		w.wantLink(part(got, 0), value(part(got, 0), "URL"))
	})
	rows.play("a rule's series, an override from a device that has not seen the link", func(w *world) {
		w.setRule("always")
		sent := seriesOf("a", invitation()...)
		text := w.anna.save(aPath, sent)
		link := value(text, "URL")
		// It keeps its old text and takes the new ETag.
		got := w.phone.save(aPath, withOverride(sent, 0, "SUMMARY:From the phone"), "If-Match: "+w.anna.get(aPath).etag())
		w.wantJoin(got, link)
		same(w, "name", w.onlyAt(nth(0)).Name, "From the phone")
		// An override that has seen it and deletes it.
		got = w.anna.save(aPath, w.bared(got, 0, "LOCATION"))
		w.wantBare(part(got, 0))
		w.onlyAt(nth(1))
	})
	rows.play("the category that asked is gone in one override", func(w *world) {
		text, _, link := w.bookedSeries("CATEGORIES:Webinar")
		got := w.anna.save(aPath, w.bared(withOverride(text, 0, "SUMMARY:In person"), 0, "CATEGORIES"))
		w.wantBare(part(got, 0))
		w.wantLink(part(got, whole), link)
		w.onlyAt(nth(1))
	})
	rows.play("a series with standing categories is withdrawn while an override has one", func(w *world) {
		sent := withOverride(seriesOf("a", "CATEGORIES:Webinar"), 1, "SUMMARY:Second")
		text := w.anna.save(aPath, sent)
		w.onlyAt(nth(0))
		got := w.anna.save(aPath, w.bared(text, whole, "CATEGORIES"))
		w.wantBare(got)
		w.none()
	})
	rows.play("an override is both made and rotated while the provider is slow", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		w.delayed(1)
		w.anna.put(aPath, withOverride(text, 0, "LOCATION:Webinar", "SUMMARY:Once"))
		same(w, "the conference while there is no other", w.only().ID, c.ID)
		w.idle()
		got := w.anna.get(aPath).body
		now := w.onlyAt(nth(0))
		if now.ID == c.ID || value(part(got, 0), "URL") == link {
			w.Error("nothing was rotated")
		}
		w.wantMail(boris, "REQUEST", "REQUEST")
	}, impatient)
	rows.play("everybody is in one mail, once", func(w *world) {
		text, _, link := w.bookedSeries("LOCATION:Webinar")
		text = withOverride(withOverride(text, 1, "SUMMARY:Second"), 2, "SUMMARY:Third")
		got := w.anna.save(aPath, text)
		w.wantJoin(got, link)
		l := w.wantMail(boris, "REQUEST", "REQUEST")
		w.contains(l.calendar, "Second", "Third")
		w.wantMail(vera, "REQUEST", "REQUEST")
	})
}
