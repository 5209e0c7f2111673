package change

import (
	"fmt"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// again tells whether somebody who deleted the copy is given another: asked anew, for another time, or
// invited after the event was called off or the invitation withdrawn, or come after all by another way
// than the calendar. A room that was released, and comes, always is.
func (d *delivery) again(u *store.User, ev *store.Event, view *ical.Event) (bool, error) {
	switch {
	case d.present.Ended:
		return false, nil
	case u.Kind != store.UserIndividual:
		return true, nil
	}
	last := parseStored(ev.Data)
	if !d.ours(last) {
		return last == nil, nil
	}
	if m := last.All()[0]; m.Cancelled() {
		return true, nil
	}
	for _, v := range view.All() {
		for _, a := range v.Attendees {
			asked := slices.Contains(u.Addresses, a.Address) && a.PartStat == "NEEDS-ACTION"
			if asked && (movedSince(last, v) || ev.Silent && itip.SequenceOf(view) > ev.Sequence) {
				return true, nil
			}
		}
	}
	said, err := saidSince(d.tx, d.present.Row.ID, u, ev.Deleted)
	return slices.ContainsFunc(said, func(a store.Answer) bool { return a.PartStat == "ACCEPTED" || a.PartStat == "TENTATIVE" }), err
}

// movedSince tells whether v, a component of the organiser's event, takes place at another time than in copied, an
// attendee's copy of it. Which instances the copy has is the attendee's affair.
func movedSince(copied *ical.Event, v *ical.VEvent) bool {
	was := counterpart(copied, v)
	if was == nil && v.RecurrenceID != nil {
		return !v.Start.Time.Equal(v.RecurrenceID.Time)
	}
	return was != nil && (!was.Start.Time.Equal(v.Start.Time) || !was.End.Time.Equal(v.End.Time))
}

// takenOut tells which occurrences address took out of the copy of p's event, as far as it excludes them: taking
// one out declined it, unless it was over.
func (p *Present) takenOut(tx *store.Tx, address string) (func(time.Time) bool, error) {
	said, err := tx.Answers(p.Row.ID)
	if err != nil {
		return nil, fmt.Errorf("read what was declined: %w", err)
	}
	declined := map[int64]bool{}
	for _, a := range said {
		if a.Address == address && a.PartStat == "DECLINED" {
			declined[p.occurrenceOf(a.RecurrenceID).Unix()] = true
		}
	}
	now := tx.Now()
	return func(at time.Time) bool { return declined[at.Unix()] || at.Before(now) }, nil
}

// saidSince is what u answered to the organiser's event since. One that came before is none, though its clock be
// ahead, nor is one that was late on its way.
func saidSince(tx *store.Tx, eventID int64, u *store.User, since time.Time) ([]store.Answer, error) {
	said, err := tx.Answers(eventID)
	return slices.DeleteFunc(said, func(a store.Answer) bool {
		return !slices.Contains(u.Addresses, a.Address) || !a.Stamp.After(since) || !a.Updated.After(since)
	}), err
}

// forget notes of ev, the event of somebody who deleted the copy, that the invitation was withdrawn, or the
// organiser's event called off: another one is a new one.
func (c *Changer) forget(tx *store.Tx, ev *store.Event, organizers *Present) error {
	last := parseStored(ev.Data)
	if !organizers.organizes(last) {
		return nil
	}
	data := itip.CancelledCopy(last, max(organizers.Row.Sequence, itip.SequenceOf(last)))
	if string(data) == string(ev.Data) {
		return nil
	}
	ev.Data = data
	if err := tx.PutEvent(ev); err != nil {
		return fmt.Errorf("note what was withdrawn: %w", err)
	}
	return nil
}
