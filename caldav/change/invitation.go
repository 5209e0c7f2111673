package change

import (
	"context"
	"time"
)

// An InvitationState says whether an answer page still takes an answer.
type InvitationState string

// The states of an invitation.
const (
	InvitationOpen      InvitationState = "open"
	InvitationCancelled InvitationState = "cancelled" // the event was cancelled or deleted
	InvitationOver      InvitationState = "over"      // nothing of it is to come
	InvitationRemoved   InvitationState = "removed"   // this person is no longer invited
)

// An Invitation is what an answer page shows to one attendee.
type Invitation struct {
	State    InvitationState
	EventID  int64
	Address  string // the attendee's
	Name     string
	PartStat string // of the event itself
	Waiting  bool   // accepted, and waiting for a free place
	Comment  string // as it was last said

	Title, Agenda, Place string
	Link, Service        string // how it is joined; empty: no conference, or not yet
	Pending              bool   // a link will follow
	Organizer            string // name or address
	People               []InvitedPerson
	Start, End           time.Time // of the event, or its first occurrence still to come
	AllDay               bool
	Series               bool
	Occurrences          []InvitedOccurrence // the next ones of a series, at most 12

	Organizers *time.Location // the organiser's zone
	Zone       *time.Location // the reader's where it is known (a local user), else the organiser's
	Locale     string         // the same
	Local      bool           // the reader is a local user
	Sequence   int            // of what is shown: an answer names it
}

// An InvitedPerson is an attendee as others see it.
type InvitedPerson struct{ Name, PartStat string }

// An InvitedOccurrence is one occurrence of a series.
type InvitedOccurrence struct {
	Key        string    // as OccurrenceKey makes it
	Occurrence time.Time // as itip.Part's
	Start, End time.Time
	PartStat   string
}

// Invitation tells what the answer page of a token shows now; ok is false where there is no such page.
// Who is not invited any more learns nothing but that.
func (c *Changer) Invitation(ctx context.Context, token string) (i Invitation, ok bool, err error) {
	return c.invitation(ctx, token)
}

func (c *Changer) invitation(ctx context.Context, token string) (i Invitation, ok bool, err error) {
	return Invitation{}, false, nil
}
