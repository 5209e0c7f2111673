package booking

import (
	"time"

	"joinery/conference"
	"joinery/store"
)

// A Calendar is where bookings come from. All methods run inside the given transaction and do
// nothing remote.
type Calendar interface {
	// Wanted tells what b's event asks for at now.
	Wanted(tx *store.Tx, b *store.Booking, now time.Time) (Want, error)
	// Ready writes b's link into its event and notes that people are to be told: Want.Link, or r's
	// own where that is empty. r is nil where a fixed link is given before there is a room. It updates
	// b (Link and what stands in the event) and stores it. Running it twice changes nothing.
	Ready(tx *store.Tx, b *store.Booking, r *store.Room) error
	// Failed writes into b's event that the conference could not be reserved, and why (reason,
	// conference.Reason or "other"), and has the organiser told once for each reason. It updates
	// and stores b. Reason "" takes the note away again.
	Failed(tx *store.Tx, b *store.Booking, reason string) error
	// Warned has the organiser told, once for each reason, that people could not be registered in b's
	// room. It updates and stores b. Reason "" says that all are.
	Warned(tx *store.Tx, b *store.Booking, reason string) error
	// Over notes that a meeting of b's event is over: what waited for it is looked at.
	Over(tx *store.Tx, b *store.Booking) error
}

// A Want is what a booking's event asks for.
type Want struct {
	// Needed: a room is to be live for Meeting. Otherwise rooms of this booking are to be
	// released, but not before ReleaseAt.
	Needed    bool
	Meeting   conference.Meeting // without Key
	ReleaseAt time.Time          // zero: at once
	// Until is when the event's own time is over, where the provider takes no meeting that long; zero:
	// at Meeting's end.
	Until time.Time
	// Occurrence is the one that Meeting is, empty for an event that does not recur. A room of
	// another one is brought to it if its meeting has not begun.
	Occurrence string
	// Link is what stands in the event, whatever the room; empty: the room's own link.
	Link string
	// Past: the meeting's time is over, or nothing of a series is to come. A room whose meeting took
	// place is left at the provider as history, one that nobody ends is ended, one that was never used
	// in a series is released, and no new one is made.
	Past bool
	// Idle: another booking of the event has the next occurrence. The link stands already; rooms
	// that have not begun are released.
	Idle bool
	// GivenUp is when the conference was removed or its event deleted: a meeting that was over by
	// then took place. Zero: it was not.
	GivenUp time.Time
	// Refused is why no room can be made that a person must mend (a conference.Reason); empty: none.
	Refused string
	// People are to have the meeting in their accounts at the provider, where it can do that. nil:
	// nobody is registered.
	People []conference.Participant
	// Look is when Wanted may answer differently without anybody's change (the meeting's end);
	// zero: never.
	Look time.Time
}

// until is when the time of what is wanted is over.
func (w Want) until() time.Time {
	if w.Until.IsZero() {
		return w.Meeting.End
	}
	return w.Until
}
