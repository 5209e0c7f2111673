package conference

import "time"

// A Room is what a provider gave for a meeting.
type Room struct {
	// Refs are the provider's references, by its own names ("event", "session"). A room that
	// was begun and not finished has some of them.
	Refs     map[string]string
	JoinURL  string // the public link; empty until the provider has given it
	DialIn   string // one line for people, empty if there is none
	Passcode string
}

// Clone returns a room that shares nothing with r.
func (r Room) Clone() Room {
	refs := make(map[string]string, len(r.Refs))
	for k, v := range r.Refs {
		refs[k] = v
	}
	r.Refs = refs
	return r
}

// A RoomState says how far a room of ours is.
type RoomState string

// The states of a room. A room is never forgotten before it is Gone or History.
const (
	RoomIntended  RoomState = "intended"  // committed here, nothing asked of the provider yet
	RoomCreating  RoomState = "creating"  // a call was made, or may have been
	RoomLive      RoomState = "live"      // the provider has it, complete
	RoomReleasing RoomState = "releasing" // to be deleted at the provider
	RoomGone      RoomState = "gone"      // deleted, or never made
	RoomHistory   RoomState = "history"   // its meeting took place; left at the provider
	// RoomLeft: its meeting's time is over and people are still in it. It is watched until they have
	// gone, at most MaxOverrun, and is history then.
	RoomLeft RoomState = "left"
)

// MaxOverrun is how long after its planned end a meeting may go on before it is ended (docs/conferences.md, "Recurring events").
const MaxOverrun = 2 * time.Hour

// Remembered is how long after its end a room may still decide something: that its occurrence was
// held, or that it can serve again.
const Remembered = 40 * 24 * time.Hour

// A Status is what the provider says of a room's meeting.
type Status string

// The statuses of a room's meeting at its provider.
const (
	StatusPlanned Status = "planned"
	StatusLive    Status = "live"
	StatusEnded   Status = "ended"
)
