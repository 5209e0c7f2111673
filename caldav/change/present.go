package change

import (
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// LinkState says whether an event's people can be given a link.
type LinkState string

// The link states of an event.
const (
	LinkNone    LinkState = "none"    // no conference is asked for
	LinkPending LinkState = "pending" // one is being made: REQUESTs wait
	LinkReady   LinkState = "ready"   // it stands in the event
	LinkRefused LinkState = "refused" // the provider said denied or invalid: nobody waits
)

// Present is an event as it stands inside a transaction.
type Present struct {
	Row    *store.Event
	User   *store.User   // the calendar's owner
	Object *store.Object // nil once deleted
	Event  *ical.Event   // of the object, or of Row.Data once deleted; nil where neither can be read
	// Gone tells that it is deleted, or cancelled by its organiser, or its owner was removed.
	Gone      bool
	GoneSince time.Time
	// Ended tells that no instance of it ends after now: nobody is mailed.
	Ended   bool
	Link    LinkState
	Since   time.Time // when the link became pending
	Service string    // the provider's name for people, empty without conference
	JoinURL string
	Problem string // reason, LinkRefused only
	Zone    *time.Location
}
