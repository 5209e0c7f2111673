package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// cutAt is a series that ends before its nth occurrence.
func (w *world) cutAt(text string, n int) string {
	w.Helper()
	return w.inPart(text, whole, func(part string) string {
		return with(part, weeklyRule()+";UNTIL="+nth(n).Add(-time.Second).Format(utcStamp))
	})
}

// following is what a client makes of a series from its nth occurrence on: a new one with its text.
func (w *world) following(text string, n int, loses ...string) string {
	w.Helper()
	before, _, after := vevents(text)
	m := dropLines(master(text), append([]string{"EXDATE"}, loses...)...)
	for _, l := range append(from(nth(n)), "UID:following", "SUMMARY:Following", weeklyRule()) {
		m = setLine(m, l)
	}
	return joined(append(append(before, m...), after...))
}

// TestRowsSeriesSplit plays "this and following", and copies (docs/conferences.md).
func TestRowsSeriesSplit(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	bPath := annaCalendar + "b.ics"
	for _, by := range yearsSplitters {
		name, _, _ := strings.Cut(by.agent, "/")
		for _, newFirst := range []bool{false, true} {
			order := "the old part first"
			if newFirst {
				order = "the new part first"
			}
			rows.play("a later occurrence, by "+name+", "+order, func(w *world) {
				text, c, link := w.bookedSeries("LOCATION:Webinar")
				text = w.anna.save(aPath, withOverride(text, 1, "SUMMARY:Second"))
				client := w.device(anna, by.agent)
				bodies := [][2]string{{aPath, w.cutAt(text, 2)}, {bPath, w.following(text, 2, by.loses...)}}
				if newFirst {
					slices.Reverse(bodies)
				}
				for _, b := range bodies {
					client.put(b[0], b[1])
				}
				w.idle()
				old, fresh := w.anna.get(aPath).body, w.anna.get(bPath).body
				w.wantJoin(old, link)
				own := value(fresh, "URL")
				w.wantJoin(fresh, own)
				if own == link {
					w.Error("the new part has the old one's link")
				}
				w.lacks(joined(logical(fresh)), link)
				// Each has its own for its own next occurrence.
				same(w, "the old part's", w.named("Rows of a").ID, c.ID)
				same(w, "start", w.named("Following").Start.UTC(), nth(2))
				same(w, "conferences", len(w.conferences()), 2)
				w.wantMail(boris, "REQUEST", "REQUEST", "REQUEST", "REQUEST")
				w.wantDoor(own, http.StatusOK, saysWaiting)
				// The old one ends, the new one begins.
				w.at(nth(0).Add(10 * time.Minute))
				w.live(w.mts, c.Session, "stop")
				w.at(nth(0).Add(70 * time.Minute))
				same(w, "start", w.named("Second").Start.UTC(), nth(1))
				w.at(nth(1).Add(10 * time.Minute))
				w.live(w.mts, w.named("Second").Session, "stop")
				w.at(nth(1).Add(70 * time.Minute))
				same(w, "name", w.onlyAt(nth(2)).Name, "Following")
				w.wantDoor(link, http.StatusOK, saysOver)
				w.wantMail(boris, "REQUEST", "REQUEST", "REQUEST", "REQUEST")
			})
			rows.play("the booked occurrence, by "+name+", "+order, func(w *world) {
				text, c, link := w.bookedSeries("LOCATION:Webinar")
				w.at(nth(0).Add(10 * time.Minute))
				w.live(w.mts, c.Session, "stop")
				w.at(nth(0).Add(70 * time.Minute))
				w.onlyAt(nth(1))
				client := w.device(anna, by.agent)
				bodies := [][2]string{{aPath, w.cutAt(text, 1)}, {bPath, w.following(text, 1, by.loses...)}}
				if newFirst {
					slices.Reverse(bodies)
				}
				for _, b := range bodies {
					client.put(b[0], b[1])
				}
				w.idle()
				fresh := w.anna.get(bPath).body
				own := value(fresh, "URL")
				w.wantJoin(fresh, own)
				same(w, "name", w.onlyAt(nth(1)).Name, "Following")
				same(w, "conferences", len(w.conferences()), 2) // and what took place
				w.wantDoor(link, http.StatusOK, saysOver)
				w.wantDoor(own, http.StatusOK, saysWaiting)
			})
		}
	}
	rows.play("split within the first occurrence that is left, one save each", func(w *world) {
		// Evolution cuts by COUNT where the rule has one.
		sent := with(seriesOf("a", invitation("LOCATION:Webinar")...), weeklyRule()+";COUNT=6")
		text := w.anna.save(aPath, sent)
		w.anna.put(aPath, w.changed(text, whole, weeklyRule()+";COUNT=2"))
		w.anna.put(bPath, w.changed(w.following(text, 2), whole, weeklyRule()+";COUNT=4"))
		w.idle()
		same(w, "start", w.named("Rows of a").Start.UTC(), nth(0))
		same(w, "start", w.named("Following").Start.UTC(), nth(2))
	})
	rows.play("a copy of a series with its occurrences", func(w *world) {
		text := withOverride(seriesOf("a", invitation("LOCATION:Webinar")...), 0, "LOCATION:Beta", "SUMMARY:Own kind")
		text = w.anna.save(aPath, text)
		text = w.anna.save(aPath, withOverride(text, 1, "SUMMARY:As the others"))
		text = w.anna.save(aPath, w.bared(withOverride(text, 2, "SUMMARY:None"), 2, "LOCATION"))
		copied := w.swap(w.swap(text, "UID:a", "UID:copy"), "SUMMARY:", "SUMMARY:Copy of ")
		got := w.anna.save(bPath, copied)
		link, own := value(part(got, whole), "URL"), value(part(got, 0), "URL")
		w.wantLink(part(got, whole), link)
		w.wantLink(part(got, 0), own)
		w.wantLink(part(got, 1), link)
		w.wantBare(part(got, 2))
		for n := whole; n <= 2; n++ {
			if l := value(part(text, n), "URL"); l != "" && strings.Contains(joined(logical(got)), l) {
				w.Errorf("the copy carries %s of the first one", l)
			}
		}
		same(w, "the first one", w.anna.get(aPath).body, text)
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 2)
		same(w, "conferences", len(w.conferences()), 2)
		w.named("Own kind")
		w.named("Copy of Own kind")
		// Each is removed for itself.
		w.anna.gone(bPath)
		same(w, "name", w.only().Name, "Own kind")
	})
	rows.play("a copy of a series of which only an occurrence has a conference", func(w *world) {
		text := w.anna.save(aPath, withOverride(seriesOf("a"), 0, "LOCATION:Webinar", "SUMMARY:Once"))
		got := w.anna.save(bPath, w.swap(w.swap(text, "UID:a", "UID:copy"), "SUMMARY:", "SUMMARY:Copy of "))
		w.wantBare(part(got, whole))
		own := value(part(got, 0), "URL")
		w.wantLink(part(got, 0), own)
		w.lacks(joined(logical(got)), value(part(text, 0), "URL"))
		w.named("Once")
		w.named("Copy of Once")
	})
	rows.play("a copy whose X- properties and CONFERENCE the client has stripped", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(bPath, w.swap(without(text, "X-*", "CONFERENCE"), "UID:a", "UID:copy"))
		w.wantJoin(got, value(got, "URL"))
		w.lacks(joined(logical(got)), link)
		same(w, "conferences", len(w.conferences()), 2)
		w.anna.gone(bPath)
		same(w, "conference", w.only().ID, c.ID)
	})
	rows.play("a copy of a series that was deleted, and its restoration from a backup", func(w *world) {
		text, _, link := w.bookedSeries("LOCATION:Webinar")
		w.anna.gone(aPath)
		got := w.anna.save(bPath, w.swap(text, "UID:a", "UID:copy"))
		w.onlyAt(nth(0))
		w.wantJoin(got, value(got, "URL"))
		w.lacks(joined(logical(got)), link)
		w.wantMail(boris, "REQUEST", "CANCEL", "REQUEST")
	})
	rows.play("somebody else's series, and our bare link in another event", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		foreign := without(with(text, "UID:boris"), "ORGANIZER", "ATTENDEE")
		same(w, "boris's event", w.boris.save(borisCalendar+"b.ics", foreign), foreign)
		for _, line := range []string{"DESCRIPTION:As in " + link, "LOCATION:" + link, "URL:" + link} {
			sent := seriesOf("b", line)
			same(w, "the other event", w.anna.save(bPath, sent), sent)
		}
		same(w, "conference", w.only().ID, c.ID)
		w.anna.gone(bPath)
		w.boris.gone(borisCalendar + "b.ics")
		same(w, "conference", w.only().ID, c.ID)
		w.wantDoor(link, http.StatusOK, saysWaiting)
	})
}

// TestRowsSeriesTime plays what brings a series to another next occurrence (docs/conferences.md, "Recurring events").
func TestRowsSeriesTime(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("the booked occurrence is excluded, and comes back", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, w.changed(text, whole, inMoscow("EXDATE", nth(0))))
		w.wantJoin(got, link)
		same(w, "conference", w.onlyAt(nth(1)).ID, c.ID) // the same, at another time
		same(w, "name", w.only().Name, "Rows of a")
		got = w.anna.save(aPath, w.bared(got, whole, "EXDATE"))
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
		same(w, "conferences ever made", w.mts.State().Calls["POST /events"], 1)
		w.wantJoin(got, link)
	})
	rows.play("excluded by its date, and in UTC", func(w *world) {
		for _, line := range []string{"EXDATE;VALUE=DATE:" + nth(0).In(yearsZone("Europe/Moscow")).Format("20060102"), "EXDATE:" + nth(0).Format(utcStamp)} {
			w.anna.save(aPath, seriesOf("a", "LOCATION:Webinar", line))
			w.onlyAt(nth(1))
			w.anna.gone(aPath)
		}
	})
	rows.play("an occurrence is added before the booked one", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		early := nth(0).Add(-90 * time.Minute)
		got := w.anna.save(aPath, w.changed(text, whole, inMoscow("RDATE", early)))
		w.wantJoin(got, link)
		same(w, "conference", w.onlyAt(early).ID, c.ID)
		w.anna.save(aPath, w.bared(got, whole, "RDATE"))
		same(w, "conference", w.onlyAt(nth(0)).ID, c.ID)
	})
	rows.play("the series is moved to another hour", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		lines := from(nth(0).Add(2 * time.Hour))
		got := w.anna.save(aPath, w.changed(text, whole, lines...))
		w.wantJoin(got, link)
		same(w, "conference", w.onlyAt(nth(0).Add(2*time.Hour)).ID, c.ID)
		w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST"), link)
	})
	rows.play("UNTIL is brought forward: what is booked and unused is released", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		w.onlyAt(nth(1))
		got := w.anna.save(aPath, w.cutAt(text, 1))
		same(w, "planned", len(w.planned()), 0)
		same(w, "conference", w.only().ID, c.ID)
		w.wantJoin(got, link)
		w.wantDoor(link, http.StatusOK, saysOver)
		// And prolonged: the page leads on.
		w.anna.save(aPath, w.changed(got, whole, weeklyRule()))
		w.onlyAt(nth(1))
		w.wantDoor(link, http.StatusOK, saysWaiting)
	})
	rows.play("every occurrence is excluded", func(w *world) {
		text := with(seriesOf("a", invitation("LOCATION:Webinar")...), weeklyRule()+";COUNT=3")
		text = w.anna.save(aPath, text)
		link := value(text, "URL")
		w.onlyAt(nth(0))
		got := w.anna.save(aPath, w.changed(text, whole, inMoscow("EXDATE", nth(0), nth(1), nth(2))))
		w.none()
		w.wantDoor(link, http.StatusOK, saysOver)
		w.anna.save(aPath, w.changed(got, whole, inMoscow("EXDATE", nth(0))))
		w.onlyAt(nth(1))
	})
	rows.play("the zone is changed while the clock's reading stays", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		got := w.anna.save(aPath, w.swap(w.swap(text, "Europe/Moscow", "Asia/Yekaterinburg"), "+0300", "+0500"))
		w.wantJoin(got, link)
		same(w, "conference", w.only().ID, c.ID)
		moscow, east := yearsZone("Europe/Moscow"), yearsZone("Asia/Yekaterinburg")
		local := nth(0).In(moscow)
		want := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), 0, 0, 0, east)
		if want.Add(time.Hour).After(time.Now()) {
			same(w, "start", w.only().Start.UTC(), want.UTC())
		}
	})
	rows.play("all day, and floating", func(w *world) {
		day := nth(0).In(yearsZone("Europe/Moscow")).AddDate(0, 0, 1)
		midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, day.Location())
		for uid, c := range map[string]struct {
			lines []string
			start time.Time
		}{
			"day":   {[]string{"DTSTART;VALUE=DATE:" + day.Format("20060102"), "DTEND;VALUE=DATE:" + day.AddDate(0, 0, 1).Format("20060102")}, midnight},
			"float": {[]string{"DTSTART:" + day.Format("20060102") + "T100000", "DTEND:" + day.Format("20060102") + "T110000"}, midnight.Add(10 * time.Hour)},
		} {
			path := annaCalendar + uid + ".ics"
			got := w.anna.save(path, event(uid, append(c.lines, "LOCATION:Webinar", "RRULE:FREQ=DAILY")...))
			w.wantJoin(got, value(got, "URL"))
			same(w, "start of "+uid, w.onlyAt(c.start).Name, "Rows of "+uid)
			w.anna.gone(path)
		}
	})
}
