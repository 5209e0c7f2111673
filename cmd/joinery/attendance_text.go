package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"joinery/caldav/change"
	"joinery/conference"
	"joinery/conference/booking"
	"joinery/store"
)

// attendanceText writes for people, in the manner of why.
type attendanceText struct{ *whyWriter }

func (w *attendanceText) event(p *change.Present, meetings int) error {
	if w.out.Len() > 0 {
		w.say(0, "")
	}
	w.say(0, "event %s of %s", p.Row.UID, p.User.Login)
	if title := titleOf(p); title != "" {
		w.say(1, "title: %s", title)
	}
	if p.User.Removed {
		w.say(1, "its owner was removed")
	}
	if meetings == 0 {
		w.say(1, "no meeting of it has taken place")
	}
	return nil
}

func (w *attendanceText) meeting(tx *store.Tx, p *change.Present, m *meeting) error {
	start := m.room.Start.In(p.Zone)
	w.say(0, "meeting %s to %s (%s)%s", start.Format("2006-01-02 15:04"), clock(m.room.End, start), p.Zone, prefixed(", occurrence ", m.room.Occurrence))
	w.say(1, "room %s at %s", m.room.Key, m.room.Provider)
	if m.room.State == string(conference.RoomLeft) {
		w.say(1, "people are still in it")
	} else if err := w.known(tx, m); err != nil {
		return err
	}
	came := slices.DeleteFunc(slices.Clone(m.people), func(p presence) bool { return p.visits == 0 })
	missed := slices.DeleteFunc(slices.Clone(m.people), func(p presence) bool { return p.visits > 0 })
	if m.counted {
		guests := 0
		for _, p := range came {
			if !p.invited {
				guests++
			}
		}
		w.say(1, "came: %d of %d invited, %d besides", len(came)-guests, len(m.people)-guests, guests)
		if err := w.table(came, start); err != nil {
			return err
		}
	}
	if len(missed) > 0 {
		w.say(1, "%s", map[bool]string{true: "did not come", false: "invited"}[m.counted])
	}
	for _, p := range missed {
		who := p.address
		if p.name != "" {
			who = p.name + " <" + p.address + ">"
		}
		w.say(2, "%s, %s%s", who, p.role, prefixed(", not registered at the service: ", p.refused))
	}
	return nil
}

// known tells what there is to know of the counting, unless it is done: why nothing was counted, what
// is still to come.
func (w *attendanceText) known(tx *store.Tx, m *meeting) error {
	_, err := tx.WorkOf(booking.AttendanceKind, m.room.ID)
	done := errors.Is(err, store.ErrNotFound)
	if err != nil && !done {
		return err
	}
	if done && m.counted {
		return nil
	}
	last, err := lastLook(tx, &m.room)
	if err != nil {
		return err
	}
	provider := w.providers[m.room.Provider]
	counts := false
	if provider != nil {
		_, counts = conference.As[conference.Attender](provider)
	}
	switch {
	case provider == nil:
		w.say(1, "the account %s is not configured", m.room.Provider)
	case !counts:
		w.say(1, "%s does not tell who came", provider.Traits().Service)
	case last.Outcome != "" && last.Outcome != "ok":
		w.say(1, "last look at attendance %s: %s%s", at(last.At), last.Outcome, prefixed(", ", last.Detail))
	}
	if !m.counted {
		w.say(1, "nobody was counted%s", map[bool]string{false: " yet"}[done])
	}
	w.work(tx, 1, booking.AttendanceKind, m.room.ID, "attendance")
	return nil
}

// lastLook is the step that tells what the last look at room's attendance came to, the zero Step if
// there was none.
func lastLook(tx *store.Tx, room *store.Room) (last store.Step, err error) {
	steps, err := tx.Steps(room.BookingID)
	for _, s := range steps {
		if s.RoomID == room.ID && s.What == booking.AttendanceKind {
			last = s
		}
	}
	return last, err
}

// table writes those who came to a meeting that began at start.
func (w *attendanceText) table(people []presence, start time.Time) error {
	t := tabwriter.NewWriter(w.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "    NAME\tADDRESS\tROLE\tJOINED\tLEFT\tMINUTES")
	for _, p := range people {
		fmt.Fprintf(t, "    %s\t%s\t%s\t%s\t%s\t%d\n", cmp.Or(p.name, "(no name)"), line(p.address), cmp.Or(line(p.role), "not invited"),
			clock(p.joined, start), clock(p.left, start), minutes(p.present))
	}
	return t.Flush()
}

// clock is the time of day in start's zone, with the date where that is another than start's.
func clock(t, start time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(start.Location())
	if t.Format(time.DateOnly) != start.Format(time.DateOnly) {
		return t.Format("2006-01-02 15:04")
	}
	return t.Format("15:04")
}
