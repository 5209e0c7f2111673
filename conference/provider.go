package conference

import (
	"context"
	"time"
)

// A Provider reserves rooms at one account of one conference service. Its methods are safe for
// concurrent use, obey ctx, and return errors of this package's kinds.
type Provider interface {
	// Traits are the service's static facts.
	Traits() Traits

	// Reserve makes a room for m, going on from known, what an earlier attempt had reached (the
	// zero Room for none). It calls record after every step that the service has taken, before
	// the next one; if record fails, Reserve returns that error at once. An error of kind
	// Ambiguous means that a step may have been taken whose answer is unknown: the caller asks
	// Find before it reserves again.
	Reserve(ctx context.Context, m Meeting, known Room, record func(Room) error) (Room, error)

	// Update brings r to m's title, time and people. Running it twice is harmless. An error of
	// kind Gone asks for a new room.
	Update(ctx context.Context, r Room, m Meeting) (Room, error)

	// Release removes r, also a room that was only begun. It stops a live meeting first. A room
	// that is already gone is success.
	Release(ctx context.Context, r Room) error
}

// Traits are the static facts of a service.
type Traits struct {
	Service     string        // the name shown to people: "MTS Link"
	TitleLimit  int           // runes, 0: none known
	MaxDuration time.Duration // 0: none known
	PublicLink  bool          // whoever has the link may join
}

// A Finder can look for a room by its key, after an answer that was lost. The room found may be
// incomplete; Reserve goes on from it. ok is false when the service surely has none.
type Finder interface {
	Find(ctx context.Context, m Meeting) (room Room, ok bool, err error)
}

// A Stater tells whether a room's meeting has begun or ended. A room that the service does not
// know is an error of kind Gone.
type Stater interface {
	Status(ctx context.Context, r Room) (Status, error)
}

// A Starter starts and stops a meeting by hand. Doing what is done already is success.
type Starter interface {
	Start(ctx context.Context, r Room) error
	Stop(ctx context.Context, r Room) error
}

// A Lister lists the rooms at the service that carry a key which begins with prefix.
type Lister interface {
	List(ctx context.Context, prefix string, from, to time.Time) ([]Listed, error)
}

// Listed is a room as the service lists it.
type Listed struct {
	Key    string
	Ref    string // the service's own reference of the whole conference, the same in every list
	Title  string
	Start  time.Time // planned; zero: not told
	Status Status    // empty: not told
	Room   Room
}

// A Checker proves credentials and permissions without leaving anything behind.
type Checker interface {
	Check(ctx context.Context) []Finding
}

// A Finding is one result of a check, for an administrator. Remedy is one sentence that mends
// it, empty where OK.
type Finding struct {
	Name   string
	OK     bool
	Detail string
	Remedy string
}
