package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// pooled makes beta a further account of mtslink; each has a licence for one meeting at a time.
func pooled(c *config) {
	for i := range c.Providers {
		c.Providers[i].OneAtATime = true
	}
	c.Providers[1].Pool, c.Providers[1].Words, c.Providers[1].Resource = "mtslink", nil, ""
}

// TestRowsPool plays meetings at the same time on licences that allow one each.
func TestRowsPool(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	at := func(n int) string { return fmt.Sprintf("%sp%d.ics", annaCalendar, n) }
	booked := func(n int, start time.Time) string {
		return moved(event(fmt.Sprintf("pool-%d", n), "LOCATION:Webinar"), start.Sub(tomorrow()))
	}
	names := func(m *emulator.MTSLink) int { return len(m.Conferences()) }

	rows.play("two at once are at two accounts, a third is told", func(w *world) {
		for n := range 2 {
			if got := w.anna.save(at(n), booked(n, tomorrow())); !strings.Contains(got, "X-JOINERY-STATE:ready") {
				w.Errorf("event %d has no conference:\n%s", n, got)
			}
		}
		same(w, "at the first", names(w.mts), 1)
		same(w, "at the second", names(w.beta), 1)
		got := w.anna.save(at(2), booked(2, tomorrow().Add(30*time.Minute)))
		if !strings.Contains(got, "X-JOINERY-STATE;X-REASON=busy:failed") || !strings.Contains(got, "licen") && !strings.Contains(got, "лиценз") {
			w.Errorf("the third does not say that all are taken:\n%s", got)
		}
		w.anna.delete(at(0))
		w.eventually(func() error {
			if got := w.anna.get(at(2)).body; !strings.Contains(got, "X-JOINERY-STATE:ready") {
				return fmt.Errorf("no conference although a licence became free:\n%s", got)
			}
			return nil
		})
		same(w, "at the first", names(w.mts), 1)
	}, pooled)
	rows.play("one after the other are at one account", func(w *world) {
		for n := range 3 {
			w.anna.save(at(n), booked(n, tomorrow().Add(time.Duration(n)*3*time.Hour)))
		}
		same(w, "at the first", names(w.mts), 3)
		same(w, "at the second", names(w.beta), 0)
	}, pooled)
	rows.play("moved to where its account is taken", func(w *world) {
		w.anna.save(at(0), booked(0, tomorrow()))
		text := w.anna.save(at(1), booked(1, tomorrow().Add(5*time.Hour)))
		old := w.mts.Conferences()
		got := w.anna.save(at(1), moved(text, 0))
		same(w, "at the first", names(w.mts), 1)
		same(w, "at the second", names(w.beta), 1)
		if link := w.beta.Conferences()[0].Link; !strings.Contains(joined(logical(got)), link) {
			w.Errorf("the event does not have the link %s of the other account:\n%s", link, got)
		}
		for _, c := range old {
			if slices.ContainsFunc(w.mts.Conferences(), func(now emulator.Conference) bool { return now.Link == c.Link }) {
				continue
			}
			if strings.Contains(joined(logical(got)), c.Link) {
				w.Errorf("the link of the released room still stands:\n%s", got)
			}
		}
	}, pooled)
	rows.play("saved at the same moment", func(w *world) {
		done := make(chan struct{})
		for n := range 4 {
			go func() {
				defer func() { done <- struct{}{} }()
				w.anna.put(at(n), booked(n, tomorrow()))
			}()
		}
		for range 4 {
			<-done
		}
		w.eventually(func() error {
			ready, busy := 0, 0
			for n := range 4 {
				got := w.anna.get(at(n)).body
				switch {
				case strings.Contains(got, "X-JOINERY-STATE:ready"):
					ready++
				case strings.Contains(got, "X-REASON=busy:failed"):
					busy++
				}
			}
			if ready != 2 || busy != 2 {
				return fmt.Errorf("%d have a conference and %d are told that all are taken, want 2 and 2", ready, busy)
			}
			return nil
		})
		same(w, "at the first", names(w.mts), 1)
		same(w, "at the second", names(w.beta), 1)
	}, pooled)
}
