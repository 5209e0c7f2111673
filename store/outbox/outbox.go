// Package outbox does durable work: it takes due rows of work from the store under a lease, hands
// them to their handler and records what came of it. Work is level-triggered: a row names what to
// look at, the handler reads the present state and does what is missing, so that running twice is
// harmless. Work on one subject never runs twice at the same time.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"joinery/store"
)

// Lease is how long a worker may hold a subject; a remote call must end well before.
const Lease = 60 * time.Second

// margin is how long before its lease ends a handler's context does.
const margin = 5 * time.Second

// batchTime is how long after it was leased a subject of a batch is still begun: a handler has nearly the
// whole of its lease.
const batchTime = 10 * time.Second

// poll is how often a queue looks for work that another process noted.
const poll = 5 * time.Second

// maxRecords is how many outcomes a worker may have on their way into the store when it begins with the next
// subject: should the store be slow and the program die, no more is done twice.
const maxRecords = 2

// recordPause is between attempts to record what came of work, where the store takes nothing: its disk is full, or
// another program keeps it locked.
const recordPause = time.Second

// ErrLost tells that a job's lease has gone to another worker.
var ErrLost = errors.New("the lease is lost")

// ErrAgain is what a Job's record fails with to have its subject looked at again at once: that is no failed
// attempt.
var ErrAgain = errors.New("to be looked at again")

// A Job is one subject under a lease.
type Job struct {
	store.Work
	last func(*store.Tx) (time.Time, error)
}

// Record has f run in the transaction in which it is recorded what came of the work, after the handler
// returned, if the lease is still ours; called again, the later f. f returns when to look again (zero: it
// does not say), as the handler does: the earlier counts. Where f fails nothing of it is kept, and the work
// has failed with its error. Where it cannot be committed f is run again: what it notes outside tx must not count.
func (j *Job) Record(f func(tx *store.Tx) (next time.Time, err error)) { j.last = f }

// Hold fails with ErrLost inside tx if the lease is no longer ours, so that a late worker commits
// nothing.
func (j *Job) Hold(tx *store.Tx) error {
	held, err := tx.HoldsWork(&j.Work)
	if err == nil && !held {
		err = ErrLost
	}
	if err != nil {
		return fmt.Errorf("hold %s %d: %w", j.Kind, j.Subject, err)
	}
	return nil
}

// A Handler looks at a job's subject and does what is missing. It returns when to look again
// (zero: only when touched), or an error: then the work is tried again after Backoff, or after the
// delay of a RetryAfter error. ctx ends 5 s before the lease does, and when the runner stops; an
// error after the runner was stopped is no failed attempt.
type Handler func(ctx context.Context, j *Job) (next time.Time, err error)

// A RetryAfter is an error that says how long to wait before the next attempt. Any error with a
// method RetryAfter() time.Duration above 0 does the same.
type RetryAfter struct {
	Delay time.Duration
	Err   error
}

func (e RetryAfter) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e RetryAfter) Unwrap() error { return e.Err }

// RetryAfter gives the delay.
func (e RetryAfter) RetryAfter() time.Duration { return e.Delay }

// A Queue is the handler of one kind of work.
type Queue struct {
	Kind    string
	Workers int // at least 1: that many subjects side by side
	Handle  Handler
	// Batch is how many subjects a worker takes at once; 0: one. It handles one after the other, and what came
	// of one is recorded while it handles the next. What it does not come to in time is given back.
	Batch int
	// Insist: what a handler did must not be done again. While the disk is full, or another program keeps the store
	// locked, it is tried to record it for as long as the program runs; the worker does nothing else meanwhile.
	Insist bool
	// Group, if set, names what a subject shares with others ("mtslink"): of one group at most
	// GroupLimit subjects (at least 1) run at once, so that a slow one leaves workers to the rest.
	// It is asked before each run, by one goroutine; "" is no group.
	Group      func(ctx context.Context, subject int64) string
	GroupLimit int
}

// Options are what a runner is given from outside.
type Options struct {
	Log     *slog.Logger                     // nil: discarded
	Backoff func(attempts int) time.Duration // nil: Backoff
}

// A Runner runs queues.
type Runner struct {
	store *store.Store
	opts  Options

	mu      sync.Mutex
	queues  map[string]*queue
	order   []*queue
	running bool
}

// New returns a runner on s without queues. Touch and Defer work on it at once, also in a process
// that never calls Run.
func New(s *store.Store, opts Options) *Runner {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Backoff == nil {
		opts.Backoff = Backoff
	}
	return &Runner{store: s, opts: opts, queues: map[string]*queue{}}
}

// Add adds a queue; one of the same kind is replaced. It must be called before Run.
func (r *Runner) Add(q Queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, again := r.queues[q.Kind]; again {
		for i, old := range r.order {
			if old.Kind == q.Kind {
				r.order = append(r.order[:i], r.order[i+1:]...)
				break
			}
		}
	}
	q.Workers, q.Batch, q.GroupLimit = max(q.Workers, 1), max(q.Batch, 1), max(q.GroupLimit, 1)
	added := newQueue(q, r.store, r.opts)
	r.queues[q.Kind] = added
	r.order = append(r.order, added)
}

// Run drops leases left by an earlier process, works until ctx ends, and waits for running
// handlers (their context ends with ctx). Where the clock was set back, now or since the last audit, work that was
// due soon is brought forward. It returns nil then, and an error only if it could not
// begin. A runner runs once, and only one process may run one on a database: a second would drop
// the leases of the first. (Any process may Touch.)
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	again := r.running
	r.running = true
	order := r.order
	r.mu.Unlock()
	if again {
		return errors.New("the outbox runs already")
	}
	var seen time.Time
	err := r.store.Update(ctx, func(tx *store.Tx) (err error) {
		if err := tx.ReleaseLeases(); err != nil {
			return err
		}
		seen, err = tx.LatestAudit()
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("start the outbox: %w", err)
	}
	var all sync.WaitGroup
	for _, q := range order {
		all.Go(func() { q.run(ctx, seen) })
	}
	all.Wait()
	return nil
}

// Touch notes in tx that subject of kind is to be looked at by due at the latest, and wakes the
// queue once the transaction is committed.
func (r *Runner) Touch(tx *store.Tx, kind string, subject int64, due time.Time) error {
	if err := tx.TouchWork(kind, subject, due); err != nil {
		return err
	}
	r.wakeAfter(tx, kind, subject, due)
	return nil
}

// Defer is Touch with due set exactly, also later than before.
func (r *Runner) Defer(tx *store.Tx, kind string, subject int64, due time.Time) error {
	if err := tx.DeferWork(kind, subject, due); err != nil {
		return err
	}
	r.wakeAfter(tx, kind, subject, due)
	return nil
}

// Look has every queue look for due work at once and not only at its next poll: for whoever moves
// the clock, or noted work without this Runner. Before Run it does nothing that Run would not do.
func (r *Runner) Look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.order {
		q.signal()
	}
}

func (r *Runner) wakeAfter(tx *store.Tx, kind string, subject int64, due time.Time) {
	r.mu.Lock()
	q := r.queues[kind]
	r.mu.Unlock()
	if q != nil {
		tx.OnCommit(func() { q.touched(subject, due) })
	}
}

// Backoff is the delay before the next attempt: 1 s doubled up to 10 min, with ±20 % of jitter.
// attempts counts the failed ones.
func Backoff(attempts int) time.Duration {
	const most = 10 * time.Minute
	d := most
	if attempts < 11 {
		d = min(most, time.Second<<max(attempts-1, 0))
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
