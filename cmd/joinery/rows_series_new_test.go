package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// TestRowsSeries plays what a series is given, and what becomes of it with time.
func TestRowsSeries(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("a series is asked for", func(w *world) {
		sent := seriesOf("a", invitation("LOCATION:Webinar")...)
		r := w.anna.put(aPath, sent).want(http.StatusCreated)
		same(w, "ETag of a changed body", r.etag(), "")
		got := w.anna.get(aPath).body // within the same save
		w.idle()
		c := w.only()
		link := value(got, "URL")
		w.wantJoin(got, link)
		same(w, "LOCATION", value(got, "LOCATION"), link)
		w.wantUntouched(sent, got)
		same(w, "name", c.Name, "Rows of a")
		same(w, "owner", c.Owner, anna)
		same(w, "type", c.Type, "webinar")
		same(w, "start", c.Start.UTC(), nth(0))
		same(w, "duration", c.Duration, "PT1H0M0S")
		same(w, "people", fmt.Sprint(slices.Sorted(slices.Values(c.Participants))), fmt.Sprint([]string{boris, vera}))
		same(w, "mails of the platform", w.mts.State().PlatformMails, 0)
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), link)
		w.wantLinkMail(w.wantMail(vera, "REQUEST"), link)
		w.wantMail(anna)
		w.wantDoor(link, http.StatusOK, saysWaiting)
	})
	rows.play("a week passes: the next occurrence, no mail", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(-29 * time.Minute))
		w.wantOpen(link, c)
		w.at(nth(0).Add(10 * time.Minute))
		w.wantOpen(link, w.only())
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(61 * time.Minute))
		next := w.onlyAt(nth(1))
		if next.ID == c.ID || next.Link == c.Link {
			w.Error("the second meeting is in the conference of the first one")
		}
		same(w, "conferences", len(w.conferences()), 2)
		w.wantDoor(link, http.StatusOK, saysWaiting)
		same(w, "the event", w.anna.get(aPath).body, text)
		w.at(nth(1).Add(-10 * time.Minute))
		w.wantOpen(link, next)
		w.wantMail(boris, "REQUEST")
		w.wantMail(vera, "REQUEST")
		w.wantMail(anna)
		same(w, "mails of the platform", w.mts.State().PlatformMails, 0)
	})
	rows.play("nobody ends the meeting", func(w *world) {
		_, c, link := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * time.Minute)) // it begins by itself
		same(w, "status", w.only().Status, "START")
		w.at(nth(0).Add(90 * time.Minute))
		w.only() // people may still be in it
		w.wantOpen(link, c)
		w.at(nth(0).Add(3*time.Hour + time.Minute))
		w.onlyAt(nth(1))
		same(w, "conferences", len(w.conferences()), 2)
		w.wantMail(boris, "REQUEST")
	})
	rows.play("links of series are direct", func(w *world) {
		text := w.anna.save(aPath, seriesOf("a", invitation("LOCATION:Webinar")...))
		c := w.only()
		w.wantLink(text, c.Link)
		w.lacks(text, joinBase)
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(61 * time.Minute))
		next := w.onlyAt(nth(1))
		got := w.anna.get(aPath).body
		w.wantLink(got, next.Link)
		w.lacks(joined(logical(got)), c.Link)
		w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST"), next.Link)
		w.lacks(w.letter(boris, 1).calendar, c.Link)
		// A device that was away has the old link.
		got = w.phone.save(aPath, with(text, "SUMMARY:From the phone"))
		w.wantLink(got, next.Link)
		w.lacks(joined(logical(got)), c.Link)
	}, func(c *config) { c.Conference.SeriesLinks = "direct" })
	rows.play("the provider is down while it is saved", func(w *world) {
		w.fault(w.mts, emulator.Fault{Call: "*", Kind: emulator.Fault500})
		w.wantWithin(promptly, func() { w.anna.put(aPath, seriesOf("a", invitation("LOCATION:Webinar")...)) })
		w.wantBare(w.anna.get(aPath).body)
		w.wantNoMail()
		w.mts.Clear()
		w.idle()
		got := w.anna.get(aPath).body
		w.onlyAt(nth(0))
		w.wantJoin(got, value(got, "URL"))
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), value(got, "URL"))
		w.wantMail(vera, "REQUEST")
	}, func(c *config) { c.CalDAV.WaitForLink = duration(300 * time.Millisecond) })
	rows.play("a private series", func(w *world) {
		_, c, link := w.bookedSeries("LOCATION:Webinar", "CLASS:PRIVATE", "SUMMARY:Secret plan")
		same(w, "name", c.Name, "Личное событие")
		w.wantDoor(link, http.StatusOK, saysWaiting)
		w.lacks(w.door(link).page, "Secret", "plan")
	})
	rows.play("one private occurrence, and one of a private series that does not say so", func(w *world) {
		text := seriesOf("a", "LOCATION:Webinar", "SUMMARY:Open")
		got := w.anna.save(aPath, withOverride(text, 0, "CLASS:PRIVATE", "SUMMARY:Secret plan"))
		same(w, "name", w.only().Name, "Личное событие")
		w.lacks(w.door(value(got, "URL")).page, "Secret")
		text = seriesOf("b", "LOCATION:Webinar", "CLASS:PRIVATE", "SUMMARY:Secret series")
		text = w.inPart(withOverride(text, 0, "SUMMARY:Secret plan"), 0, func(part string) string { return without(part, "CLASS") })
		got = w.anna.save(annaCalendar+"b.ics", text)
		for _, c := range w.conferences() {
			w.lacks(c.Name, "Secret")
		}
		w.lacks(w.door(value(got, "URL")).page, "Secret")
	})
	rows.play("the series ends", func(w *world) {
		text := with(seriesOf("a", invitation("LOCATION:Webinar")...), weeklyRule()+";COUNT=2")
		got := w.anna.save(aPath, text)
		link := value(got, "URL")
		for n := range 2 {
			c := w.onlyAt(nth(n))
			w.at(nth(n).Add(10 * time.Minute))
			w.live(w.mts, c.Session, "stop")
			w.at(nth(n).Add(61 * time.Minute))
		}
		w.eventually(func() error {
			if len(w.planned()) != 0 {
				return errNotYet
			}
			return nil
		})
		same(w, "conferences left as history", len(w.conferences()), 2)
		same(w, "the event", w.anna.get(aPath).body, got)
		w.wantDoor(link, http.StatusOK, saysOver)
		w.wantMail(boris, "REQUEST")
	})
}
