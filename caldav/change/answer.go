package change

import (
	"context"
	"fmt"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// An AnswerSource is the way that an answer came.
type AnswerSource string

// The ways of answers.
const (
	FromCalendar AnswerSource = "calendar" // the attendee's own copy here
	FromMail     AnswerSource = "mail"     // a REPLY or COUNTER by mail, vouched for
	FromPage     AnswerSource = "page"     // the answer page
)

// An Answer is what an attendee says to an organiser's event.
type Answer struct {
	EventID  int64 // the organiser's
	Address  string
	Parts    []itip.Part
	Sequence int       // of what was answered; -1: of what stands now
	Stamp    time.Time // DTSTAMP; zero: now
	Comment  string
	Source   AnswerSource
	By       Caller // for the audit
}

// An Outcome says what became of an answer.
type Outcome string

// The outcomes of answers.
const (
	OutcomeApplied   Outcome = "applied"   // it stands in the organiser's event; one that it has no room for is told by mail
	OutcomeSame      Outcome = "same"      // it stood there already
	OutcomeProposed  Outcome = "proposed"  // a counter-proposal, kept for the organiser
	OutcomeWaiting   Outcome = "waiting"   // accepted, but all places are taken
	OutcomeOlder     Outcome = "older"     // a later answer of this person is known
	OutcomeStale     Outcome = "stale"     // it answers what the event was before its time was changed
	OutcomeCancelled Outcome = "cancelled" // the event, or the occurrence, was cancelled
	OutcomePast      Outcome = "past"      // it is over
	OutcomeUninvited Outcome = "uninvited" // the address is not, or no longer, invited
	OutcomeUnknown   Outcome = "unknown"   // there is no such event
)

// Answer takes an answer: PARTSTAT goes into the organiser's event, and into the attendee's own copy
// where the attendee is a local user; comment and proposal are kept for the organiser, who is told.
// Of several parts the least happy outcome is returned. The same answer again changes nothing.
func (c *Changer) Answer(ctx context.Context, a Answer) (Outcome, error) {
	out := OutcomeUnknown
	err := c.opts.Store.Update(ctx, func(tx *store.Tx) (err error) {
		out, err = c.AnswerIn(tx, a)
		return err
	})
	return out, err
}

// OrganizersEvent finds the event of a UID that one of the local users organises, to which address is, or
// was, invited; organizer, if it is not empty, is that user's address. ErrNotFound if there is none.
func (c *Changer) OrganizersEvent(tx *store.Tx, uid, organizer, address string) (*store.Event, error) {
	return c.organizersEvent(tx, uid, organizer, address)
}

// Refresh has an attendee sent the event once more as it stands (RFC 5546 §3.2.6).
func (c *Changer) Refresh(ctx context.Context, eventID int64, address string) error {
	return c.opts.Store.Update(ctx, func(tx *store.Tx) error { return c.force(tx, eventID, address) })
}

// AnswerIn is Answer inside tx.
func (c *Changer) AnswerIn(tx *store.Tx, a Answer) (Outcome, error) {
	out, _, err := c.answerEach(tx, a)
	return out, err
}

// answerEach is AnswerIn with the outcome of each part besides.
func (c *Changer) answerEach(tx *store.Tx, a Answer) (Outcome, []Outcome, error) {
	each := slices.Repeat([]Outcome{OutcomeUnknown}, len(a.Parts))
	ev, err := find(tx.EventByID(a.EventID))
	if err != nil {
		return OutcomeUnknown, each, fmt.Errorf("read the answered event: %w", err)
	}
	if ev == nil || ev.Role != store.RoleOrganizer {
		return OutcomeUnknown, each, nil
	}
	p, err := c.present(tx, ev.ID)
	if err != nil {
		return OutcomeUnknown, each, err
	}
	r := &answering{c: c, tx: tx, present: p, Answer: a}
	out, err := r.take()
	if len(r.each) == len(each) {
		return out, r.each, err
	}
	return out, slices.Repeat([]Outcome{out}, len(a.Parts)), err
}

// organizersEvent implements OrganizersEvent.
func (c *Changer) organizersEvent(tx *store.Tx, uid, organizer, address string) (*store.Event, error) {
	events, err := tx.EventsByUID(uid)
	if err != nil {
		return nil, fmt.Errorf("look for the UID: %w", err)
	}
	var found *store.Event
	for i := range events {
		ev := &events[i]
		if ev.Role != store.RoleOrganizer {
			continue
		}
		u, err := tx.UserByID(ev.UserID)
		if err != nil {
			return nil, fmt.Errorf("read the organiser: %w", err)
		}
		if organizer != "" && !slices.Contains(u.Addresses, organizer) {
			continue
		}
		known, err := c.knows(tx, ev, address)
		if err != nil {
			return nil, err
		}
		if known {
			return ev, nil
		}
		if organizer != "" && found == nil {
			found = ev
		}
	}
	if found == nil {
		return nil, store.ErrNotFound
	}
	return found, nil
}

// knows tells whether address is, or was, invited to ev.
func (c *Changer) knows(tx *store.Tx, ev *store.Event, address string) (bool, error) {
	d, err := find(tx.Delivery(ev.ID, address, false))
	if err != nil {
		return false, fmt.Errorf("read what was told: %w", err)
	}
	if d != nil {
		return true, nil
	}
	data := ev.Data
	if ev.ObjectID != 0 {
		o, err := tx.ObjectByID(ev.ObjectID)
		if err != nil {
			return false, fmt.Errorf("read the object: %w", err)
		}
		data = o.Data
	}
	e := parseStored(data)
	return e != nil && invites(e, address), nil
}

func invites(e *ical.Event, address string) bool {
	return slices.ContainsFunc(e.All(), func(v *ical.VEvent) bool { return attendeeOf(v, address) != nil })
}

func attendeeOf(v *ical.VEvent, address string) *ical.Attendee {
	for i := range v.Attendees {
		if v.Attendees[i].Address == address {
			return &v.Attendees[i]
		}
	}
	return nil
}

func (c *Changer) force(tx *store.Tx, eventID int64, address string) error {
	d, err := find(tx.Delivery(eventID, address, false))
	if err != nil || d == nil {
		return err // who was never told is told anyhow
	}
	d.Forced = true
	if err := tx.PutDelivery(d); err != nil {
		return fmt.Errorf("note what is to be sent again: %w", err)
	}
	return c.concern(tx, eventID)
}

// forceAll notes whom a save wants told again.
func (c *Changer) forceAll(tx *store.Tx, p *plan) error {
	for _, address := range slices.Concat(p.forced, p.unknown) {
		d, err := find(tx.Delivery(p.event.ID, address, p.event.Role == store.RoleAttendee))
		if err != nil {
			return fmt.Errorf("read what was told: %w", err)
		}
		if d == nil {
			continue // who was never told is told anyhow
		}
		if slices.Contains(p.forced, address) {
			d.Forced = true
		} else {
			d.Status = unknownForce
		}
		if err := tx.PutDelivery(d); err != nil {
			return fmt.Errorf("note what is to be sent again: %w", err)
		}
	}
	return nil
}
