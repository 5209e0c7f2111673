package main

import (
	"strings"
	"testing"
	"time"
)

// TestRowsUninvited plays people who have an event that they are not, or no longer, invited to.
func TestRowsUninvited(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	list := []string{"ORGANIZER:mailto:" + anna, "ATTENDEE:mailto:list@partner.example"}
	rows.play("a member of a list keeps the event", func(w *world) {
		text := w.anna.save(aPath, event("a", list...))
		w.boris.save(borisCopy, plus(text, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:"+boris))
		text = w.anna.save(aPath, with(text, "SUMMARY:Another"))
		w.later(time.Minute)
		w.idle()
		w.lacks(w.boris.get(borisCopy).body, "CANCELLED")
		// Invited, and not any more: that is withdrawn.
		text = w.anna.save(aPath, plus(text, "ATTENDEE:mailto:"+boris))
		w.contains(w.boris.get(borisCopy).body, "SUMMARY:Another")
		w.anna.save(aPath, w.swap(text, person(text, boris)+"\r\n", ""))
		w.later(time.Minute)
		w.idle()
		w.contains(w.boris.get(borisCopy).body, "STATUS:CANCELLED")
	})
	rows.play("the old text of who was taken off stays cancelled", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		old := w.boris.get(borisCopy).body
		w.anna.save(aPath, w.swap(text, person(text, boris)+"\r\n", ""))
		w.later(time.Minute)
		w.idle()
		w.contains(w.boris.get(borisCopy).body, "STATUS:CANCELLED")
		w.boris.save(borisCopy, says(old, boris, "ACCEPTED"))
		w.contains(w.boris.get(borisCopy).body, "STATUS:CANCELLED")
		w.boris.gone(borisCopy)
		w.boris.save(borisCalendar+"again.ics", says(old, boris, "ACCEPTED"))
		w.contains(w.boris.get(borisCalendar+"again.ics").body, "STATUS:CANCELLED")
	})
	rows.play("an event of one's own that was deleted had the UID", func(w *world) {
		w.boris.save(borisCopy, event("a"))
		w.boris.gone(borisCopy)
		w.later(time.Minute)
		w.idle()
		text := w.anna.save(aPath, event("a", invitation()...))
		w.contains(person(text, boris), "SCHEDULE-STATUS=5.1")
		w.boris.do("GET", borisCopy, "").want(404)
		w.wantMail(boris, "REQUEST")
	})
}

// TestRowsManyAnswers plays answers to single occurrences that the organiser's event has no room for.
func TestRowsManyAnswers(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("the organiser can save, and is told of the rest by mail", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation("DESCRIPTION:"+strings.Repeat("agenda ", 6000))...))
		var times []time.Time
		for i := 1; i < 40; i++ {
			times = append(times, nth(i))
		}
		mine := strings.Replace(w.boris.get(borisCopy).body, "RRULE:", inMoscow("EXDATE", times...)+"\r\nRRULE:", 1)
		w.boris.put(borisCopy, mine)
		w.idle()
		text := w.anna.get(aPath).body
		made := strings.Count(text, "RECURRENCE-ID")
		if made == 0 || made == len(times) {
			w.Errorf("%d answers stand in the event, want some of %d", made, len(times))
		}
		w.anna.save(aPath, with(text, "SUMMARY:New"))
		w.later(time.Minute)
		w.idle()
		notes := w.wantMail(anna, "NOTE")
		if got, want := strings.Count(notes.text, "Boris отклоняет приглашение."), len(times)-made; got != want {
			w.Errorf("the organiser is told of %d, want %d:\n%s", got, want, notes.text)
		}
		// Said once.
		w.boris.put(borisCopy, plus(w.boris.get(borisCopy).body, "CATEGORIES:mine"))
		w.later(10 * time.Minute)
		w.idle()
		w.wantMail(anna, "NOTE")
	})
}
