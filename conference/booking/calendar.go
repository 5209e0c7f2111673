// Package booking brings rooms at providers in line with bookings. It knows no calendar: what an
// event asks for now, and where the room is written back, it asks a Calendar.
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
	// Ready writes r's link into b's event and notes that people are to be told. It updates b
	// (Link and what stands in the event) and stores it. Running it twice changes nothing.
	Ready(tx *store.Tx, b *store.Booking, r *store.Room) error
	// Failed writes into b's event that the conference could not be reserved, and why (reason,
	// conference.Reason or "other"), and has the organiser told once for each reason. It updates
	// and stores b. Reason "" takes the note away again.
	Failed(tx *store.Tx, b *store.Booking, reason string) error
}

// A Want is what a booking's event asks for.
type Want struct {
	// Needed: a room is to be live for Meeting. Otherwise rooms of this booking are to be
	// released, but not before ReleaseAt.
	Needed    bool
	Meeting   conference.Meeting // without Key
	ReleaseAt time.Time          // zero: at once
	// Past: the meeting's time is over. Its rooms are left at the provider as history and no new
	// one is made.
	Past bool
	// Look is when Wanted may answer differently without anybody's change (the meeting's end);
	// zero: never.
	Look time.Time
}
