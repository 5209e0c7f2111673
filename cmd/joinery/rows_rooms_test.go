package main

import (
	"strings"
	"testing"
	"time"
)

// TestRowsRoomKept plays rooms that are asked again, and by several at once: they are never in two events.
func TestRowsRoomKept(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	const room = "blue-room@conference.example.org"
	line := "ATTENDEE;CUTYPE=ROOM;PARTSTAT=NEEDS-ACTION:mailto:" + room
	at := func(text string, start time.Time) string {
		return with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp))
	}
	rows.play("moved into a conflict and back", func(w *world) {
		w.addRoom(room, "Blue room")
		w.boris.save(borisCalendar+"b.ics", at(event("b", "ORGANIZER:mailto:"+boris, line), tomorrow().Add(5*time.Hour)))
		got := w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, line))
		w.wantSaid(got, room, "ACCEPTED")
		got = w.anna.save(aPath, at(got, tomorrow().Add(5*time.Hour)))
		w.wantSaid(got, room, "DECLINED")
		got = w.anna.save(aPath, at(got, tomorrow()))
		w.wantSaid(got, room, "ACCEPTED")
		other := w.boris.save(borisCalendar+"c.ics", event("c", "ORGANIZER:mailto:"+boris, line))
		w.wantSaid(other, room, "DECLINED")
	})
	rows.play("deleted and taken back", func(w *world) {
		w.addRoom(room, "Blue room")
		got := w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, line))
		w.anna.gone(aPath)
		w.later(time.Minute)
		w.idle()
		got = w.anna.save(aPath, got)
		w.wantSaid(got, room, "ACCEPTED")
		other := w.boris.save(borisCalendar+"c.ics", event("c", "ORGANIZER:mailto:"+boris, line))
		w.wantSaid(other, room, "DECLINED")
	})
	rows.play("another organiser has the UID", func(w *world) {
		w.addRoom(room, "Blue room")
		got := w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, line))
		w.wantSaid(got, room, "ACCEPTED")
		other := w.boris.save(borisCalendar+"c.ics", event("a", "ORGANIZER:mailto:"+boris, line))
		w.wantSaid(other, room, "DECLINED")
	})
	rows.play("another organiser with the UID does not free the room", func(w *world) {
		w.addRoom(room, "Blue room")
		w.anna.save(annaCalendar+"z.ics", at(event("z", "ORGANIZER:mailto:"+anna, line), tomorrow().Add(5*time.Hour)))
		got := w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, line))
		w.wantSaid(got, room, "ACCEPTED")
		w.boris.save(borisCalendar+"c.ics", at(event("a", "ORGANIZER:mailto:"+boris, line), tomorrow().Add(5*time.Hour)))
		other := w.boris.save(borisCalendar+"d.ics", event("d", "ORGANIZER:mailto:"+boris, line))
		w.wantSaid(other, room, "DECLINED")
	})
	rows.play("in six years", func(w *world) {
		w.addRoom(room, "Blue room")
		far := tomorrow().AddDate(6, 0, 0)
		w.anna.save(aPath, at(event("a", "ORGANIZER:mailto:"+anna, line), far))
		other := w.boris.save(borisCalendar+"b.ics", at(event("b", "ORGANIZER:mailto:"+boris, line), far))
		w.wantSaid(other, room, "DECLINED")
	})
	rows.play("taken off the event and asked again", func(w *world) {
		w.addRoom(room, "Blue room")
		got := w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, "ATTENDEE:mailto:"+vera, line))
		got = w.anna.save(aPath, w.swap(got, person(got, room)+"\r\n", ""))
		got = w.anna.save(aPath, plus(got, line))
		w.wantSaid(got, room, "ACCEPTED")
		other := w.boris.save(borisCalendar+"c.ics", event("c", "ORGANIZER:mailto:"+boris, line))
		w.wantSaid(other, room, "DECLINED")
	})
	rows.play("more occurrences than are looked at", func(w *world) {
		w.addRoom(room, "Blue room")
		got := w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, line, "RRULE:FREQ=HOURLY;COUNT=3000"))
		w.wantSaid(got, room, "DECLINED")
	})
	rows.play("an event that does not make its organiser busy", func(w *world) {
		w.addRoom(room, "Blue room")
		got := w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, line, "TRANSP:TRANSPARENT"))
		w.wantSaid(got, room, "ACCEPTED")
		other := w.boris.save(borisCalendar+"b.ics", event("b", "ORGANIZER:mailto:"+boris, line))
		w.wantSaid(other, room, "DECLINED")
	})
}

// TestRowsCapacityKept plays places that are few and times that change.
func TestRowsCapacityKept(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	const galya = "galya@example.org"
	galyaCopy := "/calendars/" + galya + "/calendar/a.ics"
	rows.play("who waits does not come to another time unasked", func(w *world) {
		w.addUser(galya, "Galya", "uk")
		g := w.device(galya, "DAVx5/4.5")
		w.anna.save(aPath, event("a", invitation("ATTENDEE:mailto:"+galya, "X-JOINERY-CONFERENCE;CAPACITY=1:mtslink")...))
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		g.save(galyaCopy, says(g.get(galyaCopy).body, galya, "ACCEPTED"))
		text := w.anna.get(aPath).body
		w.wantSaid(text, galya, "TENTATIVE")
		start := tomorrow().Add(3 * time.Hour)
		text = w.anna.save(aPath, with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
		w.wantSaid(text, boris, "NEEDS-ACTION")
		w.wantSaid(text, galya, "NEEDS-ACTION")
	})
	rows.play("an occurrence is not overfull by answers to the series", func(w *world) {
		w.addUser(galya, "Galya", "uk")
		g := w.device(galya, "DAVx5/4.5")
		w.anna.save(aPath, seriesOf("a", invitation("ATTENDEE:mailto:"+galya, "X-JOINERY-CONFERENCE;CAPACITY=1:mtslink")...))
		mine := withOverride(g.get(galyaCopy).body, 1)
		g.save(galyaCopy, w.inPart(mine, 1, func(p string) string { return says(p, galya, "ACCEPTED") }))
		w.wantSaid(part(w.anna.get(aPath).body, 1), galya, "ACCEPTED")
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		p := part(w.anna.get(aPath).body, 1)
		if strings.Contains(person(p, boris), "PARTSTAT=ACCEPTED") && strings.Contains(person(p, galya), "PARTSTAT=ACCEPTED") {
			w.Errorf("two have the one place\n%s", p)
		}
	})
}
