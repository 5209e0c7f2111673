// Package outbox does durable work: it takes due rows of work from the store under a lease, hands
// them to their handler and records what came of it. Work is level-triggered: a row names what to
// look at, the handler reads the present state and does what is missing, so that running twice is
// harmless. Work on one subject never runs twice at the same time.
package outbox

import (
	"context"
	"log/slog"
	"time"

	"joinery/store"
)

// Lease is how long a worker may hold a subject; a remote call must end well before (design §5).
const Lease = 60 * time.Second

// A Job is one subject under a lease.
type Job struct {
	store.Work
}

// Hold fails with ErrLost inside tx if the lease is no longer ours, so that a late worker commits
// nothing.
func (j *Job) Hold(tx *store.Tx) error { panic("unwritten") }

// A Handler looks at a job's subject and does what is missing. It returns when to look again
// (zero: only when touched), or an error: then the work is tried again after Backoff, or after the
// delay of a RetryAfter error.
type Handler func(ctx context.Context, j *Job) (next time.Time, err error)

// A Queue is the handler of one kind of work.
type Queue struct {
	Kind    string
	Workers int // at least 1: that many subjects side by side
	Handle  Handler
	// Group, if set, names what a subject shares with others ("mtslink"): of one group at most
	// GroupLimit subjects run at once, so that a slow one leaves workers to the rest.
	Group      func(ctx context.Context, subject int64) string
	GroupLimit int
}

// Options are what a runner is given from outside.
type Options struct {
	Log     *slog.Logger
	Backoff func(attempts int) time.Duration // nil: Backoff
}

// A Runner runs queues.
type Runner struct{}

// New returns a runner on s without queues. Touch and Defer work on it at once, also in a process
// that never calls Run.
func New(s *store.Store, opts Options) *Runner { panic("unwritten") }

// Add adds a queue. It must be called before Run.
func (r *Runner) Add(q Queue) { panic("unwritten") }

// Run drops leases left by an earlier process, works until ctx ends, and waits for running
// handlers (their context ends with ctx).
func (r *Runner) Run(ctx context.Context) error { panic("unwritten") }

// Touch notes in tx that subject of kind is to be looked at by due at the latest, and wakes the
// queue once the transaction is committed.
func (r *Runner) Touch(tx *store.Tx, kind string, subject int64, due time.Time) error {
	panic("unwritten")
}

// Defer is Touch with due set exactly, also later than before.
func (r *Runner) Defer(tx *store.Tx, kind string, subject int64, due time.Time) error {
	panic("unwritten")
}

// Backoff is the delay before the next attempt: 1 s doubled up to 10 min, with ±20 % of jitter.
func Backoff(attempts int) time.Duration { panic("unwritten") }
