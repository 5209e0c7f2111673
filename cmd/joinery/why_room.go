package main

import (
	"fmt"
	"strings"

	"joinery/caldav/change"
	"joinery/conference"
	"joinery/store"
)

func (w *whyWriter) booking(tx *store.Tx, b *store.Booking) error {
	of := ""
	if b.RecurrenceID != "" {
		of = " of the occurrence " + b.RecurrenceID
	}
	w.say(0, "booking %d%s (%s), %s since %s, generation %d", b.ID, of, b.PublicID, b.State, at(b.Since), b.Generation)
	if b.Link != "" {
		var places []string
		if b.InLocation {
			places = append(places, "LOCATION")
		}
		if b.Block != "" && !b.BlockGone {
			places = append(places, "DESCRIPTION")
		}
		w.say(1, "written into the event: %s%s", b.Link, prefixed(" in ", strings.Join(places, ", ")))
	}
	if b.Problem != "" {
		w.say(1, "problem since %s: %s", at(b.ProblemSince), reasonWords(b.Problem))
	}
	if b.Warning != "" {
		w.say(1, "not everybody is registered: %s", reasonWords(b.Warning))
	}
	w.work(tx, 1, change.WorkBooking, b.ID, "booking")
	rooms, err := tx.Rooms(b.ID)
	if err != nil {
		return err
	}
	steps, err := tx.Steps(b.ID)
	if err != nil {
		return err
	}
	over := 0
	for i := range rooms {
		if state := conference.RoomState(rooms[i].State); state == conference.RoomHistory || state == conference.RoomGone {
			over++
		}
	}
	if over > roomsOver {
		w.say(1, "%d earlier rooms are left out here; joinery attendance lists the meetings that took place", over-roomsOver)
	}
	for i := range rooms {
		switch conference.RoomState(rooms[i].State) {
		case conference.RoomHistory, conference.RoomGone:
			if over--; over >= roomsOver {
				continue
			}
		}
		if err := w.room(tx, &rooms[i], steps); err != nil {
			return err
		}
	}
	return nil
}

// roomsOver is how many rooms that are over are told of, the newest.
const roomsOver = 5

func (w *whyWriter) room(tx *store.Tx, r *store.Room, steps []store.Step) error {
	w.say(1, "room %s at %s: %s, generation %d%s", r.Key, r.Provider, r.State, r.Generation, prefixed(", ", r.JoinURL))
	w.say(2, "meeting: %s to %s%s", at(r.Start), at(r.End), prefixed(", occurrence ", r.Occurrence))
	for _, name := range sortedKeys(r.Refs) {
		w.say(2, "%s: %s", name, r.Refs[name])
	}
	if !r.StatusAt.IsZero() {
		again := ""
		if !r.AskAt.IsZero() {
			again = ", asked again " + at(r.AskAt)
		}
		status := r.Status
		if status == "" {
			status = "the provider does not say"
		}
		w.say(2, "status: %s, heard %s%s", status, at(r.StatusAt), again)
	}
	if r.Unclear {
		w.say(2, "the last call's effect is unknown: it is looked for before another is made")
	}
	if r.Attempts > 0 {
		w.say(2, "%d failed attempts, last: %s", r.Attempts, r.LastError)
	}
	if err := w.people(tx, r); err != nil {
		return err
	}
	for _, s := range steps {
		if s.RoomID == r.ID {
			w.say(2, "%s %s: %s%s", at(s.At), s.What, s.Outcome, prefixed(", ", s.Detail))
		}
	}
	return nil
}

// people tells who is registered in a room; personal links are theirs alone.
func (w *whyWriter) people(tx *store.Tx, r *store.Room) error {
	registrations, err := tx.Registrations(r.ID)
	if err != nil {
		return err
	}
	var in, out []string
	for _, g := range registrations {
		if g.Refused != "" {
			out = append(out, g.Address+" ("+g.Refused+")")
		} else {
			in = append(in, fmt.Sprintf("%s (%s)", g.Address, g.Role))
		}
	}
	if len(in) > 0 {
		w.say(2, "registered: %s", strings.Join(in, ", "))
	}
	if len(out) > 0 {
		w.say(2, "not taken by the provider: %s", strings.Join(out, ", "))
	}
	return nil
}
