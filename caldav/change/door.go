package change

import "time"

// DoorState says what stands behind a join page.
type DoorState string

// The states of a join page.
const (
	DoorOpen      DoorState = "open"      // the room of the moment: URL
	DoorWaiting   DoorState = "waiting"   // it is too early: Start, Opens; URL where there is a room already
	DoorMaking    DoorState = "making"    // it is time, and the room is being made
	DoorRefused   DoorState = "refused"   // there is no room, because of Problem
	DoorOver      DoorState = "over"      // the last meeting is over
	DoorCancelled DoorState = "cancelled" // the event was cancelled or deleted
	DoorRemoved   DoorState = "removed"   // the organiser removed the conference
	DoorReplaced  DoorState = "replaced"  // the organiser replaced this link by a new one
)

// A Door is what a join page shows at a moment.
type Door struct {
	State   DoorState
	Title   string         // of the event, empty where it is private; it is shown to whoever has the link
	Service string         // the provider's name for people
	URL     string         // of the room
	Start   time.Time      // of the meeting of the moment or the next one; zero: none
	End     time.Time      //
	Opens   time.Time      // when it lets people in
	Zone    *time.Location // the organiser's, in which times are told
	Locale  string         // the organiser's, where the reader's is none of ours
	Problem string         // DoorRefused: a conference.Reason or "other"
}
