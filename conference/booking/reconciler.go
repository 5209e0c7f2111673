package booking

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// Kind is the kind of outbox work that names a booking to look at; its subject is the booking's id.
const Kind = "booking"

// Bounds of the queue: of one provider account at most groupLimit bookings are worked on at once,
// so that one that hangs leaves workers to the others.
const (
	workers    = 16
	groupLimit = 6
)

// Options are what a Reconciler is given from outside. Store, Outbox and Calendar are needed.
type Options struct {
	Store    *store.Store
	Outbox   *outbox.Runner
	Calendar Calendar
	// Providers are the configured accounts by name, each behind a conference.Guard, which gives
	// every call its deadline and keeps the pauses that a service asks for.
	Providers map[string]conference.Provider
	Log       *slog.Logger     // nil: discarded
	Now       func() time.Time // nil: the store's clock
	// DeniedRetry is the delay after an account's attempt-th refusal that only a person can mend;
	// nil or 0: 30 s doubled up to 10 min.
	DeniedRetry func(provider string, attempts int) time.Duration
	// Late is how long after a call that was not answered an account's service may still do what
	// it was asked; until then a room that is not found is not made anew. nil or 0: 30 s.
	Late func(provider string) time.Duration
	// Accounts lists the accounts at which a booking of an account may have its rooms, the preferred
	// one first: its pool. nil: the account itself.
	Accounts func(provider string) []Account
	// AbsentRetry is the delay after which rooms of an account that is not configured are looked
	// at again. 0: 1 h.
	AbsentRetry time.Duration
	// Observe, if set, is told of every attempt: the account, what was tried ("reserve", "find",
	// "update", "release") and "ok", "none" (find only), "absent" (not configured) or an error
	// kind. It is called by many at once.
	Observe func(provider, action, outcome string)
}

// An Account is one of a pool.
type Account struct {
	Name string
	// Single: its licence allows one meeting at a time.
	Single bool
}

// A Reconciler brings rooms in line with bookings. It is safe for concurrent use.
type Reconciler struct {
	opts Options

	// at, set by tests only, is asked before and after every transaction; an error ends the run
	// there, as a crash would.
	at func(point string) error
}

// New returns a Reconciler. It does nothing until its Queue runs.
func New(o Options) *Reconciler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = o.Store.Now
	}
	if o.AbsentRetry <= 0 {
		o.AbsentRetry = time.Hour
	}
	return &Reconciler{opts: o}
}

// late is how long an unanswered call to an account may still take effect.
func (r *Reconciler) late(provider string) time.Duration {
	if r.opts.Late != nil {
		if d := r.opts.Late(provider); d > 0 {
			return d
		}
	}
	return 30 * time.Second
}

// denied is the delay after an account's refusal.
func (r *Reconciler) denied(provider string, attempts int) time.Duration {
	if r.opts.DeniedRetry != nil {
		if d := r.opts.DeniedRetry(provider, attempts); d > 0 {
			return d
		}
	}
	return deniedRetry(attempts)
}

func deniedRetry(attempts int) time.Duration {
	d := 30 * time.Second
	for i := 1; i < attempts && d < 10*time.Minute; i++ {
		d *= 2
	}
	return min(d, 10*time.Minute)
}

// Queue is the reconciler's queue, to be added to the outbox.
func (r *Reconciler) Queue() outbox.Queue {
	return outbox.Queue{Kind: Kind, Workers: workers, Handle: r.handle, Group: r.group, GroupLimit: groupLimit}
}

// Recover has every booking looked at whose rooms are neither complete nor at their end, and those
// with rooms for which no work is left. It is for the start of the program; done twice it is harmless.
func (r *Reconciler) Recover(tx *store.Tx) error {
	rooms, err := tx.RoomsInState(string(conference.RoomIntended), string(conference.RoomCreating), string(conference.RoomReleasing))
	if err != nil {
		return fmt.Errorf("read unfinished rooms: %w", err)
	}
	idle, err := tx.RoomsWithoutWork(Kind, string(conference.RoomLive), string(conference.RoomLeft))
	if err != nil {
		return fmt.Errorf("read forgotten rooms: %w", err)
	}
	rooms = append(rooms, idle...)
	seen := map[int64]bool{}
	for _, room := range rooms {
		if seen[room.BookingID] {
			continue
		}
		seen[room.BookingID] = true
		if err := r.opts.Outbox.Touch(tx, Kind, room.BookingID, r.opts.Now()); err != nil {
			return fmt.Errorf("touch booking %d: %w", room.BookingID, err)
		}
	}
	return nil
}

// group names the account that the booking's next call probably goes to. A wrong guess costs a second
// turn, or a call that is counted with the wrong account.
func (r *Reconciler) group(ctx context.Context, id int64) string {
	var name string
	err := r.opts.Store.View(ctx, func(tx *store.Tx) error {
		b, err := tx.BookingByID(id)
		if err != nil {
			return err
		}
		rooms, err := tx.RecentRooms(id, r.opts.Now().Add(-conference.Remembered))
		if err != nil {
			return err
		}
		name = r.nextProvider(b, rooms)
		return nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		r.opts.Log.Debug("the account of a booking is unknown", "booking", id, "error", err)
	}
	return name
}

// nextProvider guesses without asking the calendar.
func (r *Reconciler) nextProvider(b *store.Booking, rooms []store.Room) string {
	s := sight{booking: b, rooms: rooms}
	for _, a := range r.pool(b.Provider) {
		s.accounts = append(s.accounts, place{name: a.Name})
	}
	cur := s.current()
	wanted := b.State == store.BookingWanted
	switch {
	case wanted && cur == nil:
		return b.Provider
	case wanted && (conference.RoomState(cur.State) != conference.RoomLive || b.Link == ""):
		return cur.Provider
	}
	var down []*store.Room
	for i := range rooms {
		room := &rooms[i]
		if (open(room) || stateOf(room) == conference.RoomLeft) && !(wanted && room.ID == cur.ID) {
			down = append(down, room)
		}
	}
	if len(down) > 0 {
		byAttempts(down)
		return down[0].Provider
	}
	if cur != nil {
		return cur.Provider
	}
	return b.Provider
}

func (r *Reconciler) observe(provider string, what verb, outcome string) {
	if r.opts.Observe != nil {
		r.opts.Observe(provider, string(what), outcome)
	}
}
