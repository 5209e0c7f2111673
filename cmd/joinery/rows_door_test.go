package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"joinery/conference"
)

// TestRowsDoor plays what the join page of a series says when the series or one of its occurrences is
// changed, and what stays when the server gets another address.
func TestRowsDoor(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	const minute = time.Minute

	rows.play("who has a replaced link learns nothing of the event", func(w *world) {
		text, _, link := w.bookedSeries("LOCATION:Webinar")
		text = w.anna.save(aPath, w.changed(text, whole, "LOCATION:Webinar"))
		w.anna.save(aPath, w.changed(text, whole, "SUMMARY:Secret new title", "STATUS:CANCELLED"))
		w.wantDoor(link, 410, saysReplaced)
		w.lacks(w.door(link).page, "Secret new title")
	})
	rows.play("an occurrence with a link of its own is cancelled", func(w *world) {
		text, _, _ := w.bookedSeries("LOCATION:Webinar")
		text = w.anna.save(aPath, withOverride(text, 1, "LOCATION:Webinar"))
		link := value(part(text, 1), "URL")
		w.anna.save(aPath, w.changed(text, 1, "STATUS:CANCELLED"))
		w.wantDoor(link, 410, saysCancelled)
	})
	rows.play("an occurrence with a link of its own is as the others again", func(w *world) {
		text, _, _ := w.bookedSeries("LOCATION:Webinar")
		text = w.anna.save(aPath, withOverride(text, 1, "LOCATION:Webinar"))
		link := value(part(text, 1), "URL")
		w.anna.save(aPath, w.inPart(text, 1, func(string) string { return "" }))
		w.wantDoor(link, 410, saysReplaced)
	})
	rows.play("a meeting was held, then its series is cancelled and comes back", func(w *world) {
		text, c, _ := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * minute))
		w.live(w.mts, c.Session, "stop")
		w.app.reconcileNow(w)
		w.onlyAt(nth(1))
		w.at(nth(0).Add(20 * minute))
		w.anna.put(aPath, w.changed(text, whole, "STATUS:CANCELLED"))
		w.anna.save(aPath, text)
		w.onlyAt(nth(1))
	})
}

// TestAnotherAddress plays a server that gets another address: links of before are rewritten, and a device
// that knows only them removes nothing.
func TestAnotherAddress(t *testing.T) {
	t.Parallel()
	s := newSimulation(t, yearsBegin.AddDate(0, 0, 1))
	start := yearsBegin.Add(26 * time.Hour)
	linked := func(want string) (text, link string) {
		t.Helper()
		s.eventually(func() error {
			text = s.anna.get(aPath).body
			if link = value(text, "URL"); !strings.HasPrefix(link, want) {
				return fmt.Errorf("the link is %q, want one of %s", link, want)
			}
			return nil
		})
		return text, link
	}
	s.anna.put(aPath, event("a", "LOCATION:Webinar", "RRULE:FREQ=WEEKLY",
		"DTSTART:"+start.Format(utcStamp), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
	text, old := linked(joinBase)
	s.stop()
	s.config.PublicURL = "https://calendars.example.org"
	s.start()
	_, link := linked("https://calendars.example.org/j/")
	s.anna.put(aPath, with(text, "SUMMARY:Changed"))
	got, _ := linked(link)
	s.lacks(joined(logical(got)), old)
	s.contains(got, "SUMMARY:Changed")
	if n := len(s.mts.Conferences("ACTIVE")); n != 1 {
		t.Errorf("%d conferences, want 1", n)
	}
}

// reconcileNow has the account's webhook say that something happened to every session.
func (a *app) reconcileNow(w *world) {
	w.Helper()
	for _, c := range w.mts.Conferences() {
		n := conference.Notice{Ref: "session", Value: c.Session}
		if err := a.reconciler.Notice(context.Background(), "mtslink", n); err != nil {
			w.Fatal(err)
		}
	}
	w.idle()
}
