package change

import (
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// seats is how many people may accept, 0 for any number: what the organiser gave with
// X-JOINERY-CONFERENCE;CAPACITY=.
func (p *Present) seats() int {
	if b := p.conferences.own; b != nil && b.State == store.BookingWanted {
		return b.Capacity
	}
	return 0
}

// seat gives an acceptance its place, or has it wait where all are taken: it stands as tentative then.
// Whoever has a place keeps it, and who waits keeps the place in the line.
func (r *answering) seat(v *ical.VEvent, row *store.Answer, part itip.Part) (*store.Answer, itip.Part, error) {
	if part.PartStat != "ACCEPTED" {
		row.Waiting = time.Time{}
		return row, part, nil
	}
	seats := r.present.seats()
	mine := attendeeOf(v, r.Address)
	if seats == 0 || mine != nil && mine.PartStat == "ACCEPTED" || r.present.taken(v, r.Address) < seats {
		row.Waiting = time.Time{}
		return row, part, nil
	}
	if row.Waiting.IsZero() {
		row.Waiting = r.tx.Now()
	}
	part.PartStat = "TENTATIVE"
	r.came(OutcomeWaiting)
	return row, part, nil
}

// taken is how many places others than address have where an answer of that person to v counts: of a series
// also in those of its overrides that follow it, the fullest of them. but are occurrences to which something else
// was answered.
func (p *Present) taken(v *ical.VEvent, address string, but ...itip.Part) int {
	n := taken(v, p.User, address)
	mine := attendeeOf(v, address)
	if v.RecurrenceID != nil || mine == nil {
		return n
	}
	for _, o := range p.Event.Overrides {
		other := slices.ContainsFunc(but, func(b itip.Part) bool { return b.Occurrence.Equal(o.RecurrenceID.Time) })
		if also := attendeeOf(o, address); also != nil && also.PartStat == mine.PartStat && !o.Cancelled() && !other {
			n = max(n, taken(o, p.User, address))
		}
	}
	return n
}

// taken counts who has accepted v besides its organiser and address; rooms take no place.
func taken(v *ical.VEvent, organizer *store.User, address string) int {
	n := 0
	for _, a := range v.Attendees {
		if a.PartStat == "ACCEPTED" && a.Address != address && !slices.Contains(organizer.Addresses, a.Address) &&
			a.CUType != "ROOM" && a.CUType != "RESOURCE" {
			n++
		}
	}
	return n
}

// promote gives free places to those who wait, the first first.
func (c *Changer) promote(tx *store.Tx, p *Present) error {
	if p.Event == nil || p.Object == nil || p.Gone {
		return nil
	}
	said, err := tx.Answers(p.Row.ID)
	if err != nil {
		return err
	}
	rows := slices.DeleteFunc(slices.Clone(said), func(a store.Answer) bool { return a.Waiting.IsZero() })
	slices.SortStableFunc(rows, func(a, b store.Answer) int { return a.Waiting.Compare(b.Waiting) })
	for i := range rows {
		a := &rows[i]
		v := p.byKey(a.RecurrenceID)
		if v == nil {
			continue
		}
		if mine := attendeeOf(v, a.Address); mine == nil || mine.PartStat != "TENTATIVE" {
			// Asked anew since, for another time, or not invited any more: nobody comes unasked.
			a.Waiting = time.Time{}
			if err := tx.NoteAnswer(a); err != nil {
				return err
			}
			continue
		}
		part := itip.Part{PartStat: "ACCEPTED"}
		var perhaps []itip.Part
		if v.RecurrenceID != nil {
			part.Occurrence = v.RecurrenceID.Time
		} else if perhaps, err = c.perhaps(tx, p, said, a.Address); err != nil {
			return err
		}
		if seats := p.seats(); seats > 0 && p.taken(v, a.Address, perhaps...) >= seats {
			continue
		}
		parts := append([]itip.Part{part}, perhaps...)
		data, _, _ := itip.Apply(p.Event, a.Address, parts, c.opts.Policy.madeLimit(), tx.Now())
		if err := c.storeOwn(tx, p.Object, data); err != nil {
			return err
		}
		if p.Event = parseStored(data); p.Event == nil {
			return nil
		}
		a.Waiting = time.Time{}
		if err := tx.NoteAnswer(a); err != nil {
			return err
		}
		if err := c.opts.Outbox.Touch(tx, WorkMail, p.Row.ID, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// perhaps are the occurrences that somebody who waits for a place in the series answered with perhaps: it
// stands there as what waiting stands as, and is no waiting. Answers to another time count no more.
func (c *Changer) perhaps(tx *store.Tx, p *Present, said []store.Answer, address string) ([]itip.Part, error) {
	var parts []itip.Part
	for _, b := range said {
		at := p.occurrenceOf(b.RecurrenceID)
		if b.Address != address || b.PartStat != "TENTATIVE" || at.IsZero() {
			continue
		}
		v := componentOf(p.Event, at)
		if v == nil {
			continue
		}
		if mine := attendeeOf(v, address); mine == nil || mine.PartStat != "TENTATIVE" {
			continue
		}
		stale, err := (&answering{c: c, tx: tx, present: p}).stale(v, b.Sequence)
		if err != nil {
			return nil, err
		}
		if !stale {
			parts = append(parts, itip.Part{Occurrence: at, PartStat: "TENTATIVE"})
		}
	}
	return parts, nil
}

// occurrenceOf is the itip.Part's Occurrence that an occurrence key names; zero for the event itself.
func (p *Present) occurrenceOf(key string) time.Time {
	if v := p.byKey(key); v != nil && v.RecurrenceID != nil {
		return v.RecurrenceID.Time
	}
	return ical.KeyTime(key)
}

// byKey finds the component that an occurrence key names; empty names the event itself.
func (p *Present) byKey(key string) *ical.VEvent {
	for _, v := range p.Event.All() {
		if v.RecurrenceID == nil && key == "" || v.RecurrenceID != nil && p.Event.OverrideKey(v, time.UTC) == key {
			return v
		}
	}
	return nil
}
