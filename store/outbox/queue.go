package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"joinery/store"
)

// A queue is a Queue at work: one goroutine hands out subjects, one goroutine for each that runs.
type queue struct {
	Queue
	store *store.Store
	log   *slog.Logger
	delay func(attempts int) time.Duration
	wake  chan struct{} // holds one when there may be something to do

	mu      sync.Mutex
	workers int              // at work
	running map[int64]string // subjects at work, and their groups
	groups  map[string]int   // how many of a group are at work
	parked  map[int64]string // due subjects whose group was full when they were looked at
	sleeps  time.Time        // until when nothing need be looked for; zero: it is being looked for
}

func newQueue(q Queue, s *store.Store, opts Options) *queue {
	return &queue{
		Queue:   q,
		store:   s,
		log:     opts.Log.With("kind", q.Kind),
		delay:   opts.Backoff,
		wake:    make(chan struct{}, 1),
		running: map[int64]string{},
		groups:  map[string]int{},
		parked:  map[int64]string{},
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// touched wakes the queue for a subject that is due at due and may have changed its group, unless it wakes by itself
// by then.
func (q *queue) touched(subject int64, due time.Time) {
	now := q.store.Now()
	q.mu.Lock()
	_, parked := q.parked[subject]
	delete(q.parked, subject)
	early := q.sleeps.After(now) && !due.Before(q.sleeps)
	q.mu.Unlock()
	if parked || !early {
		q.signal()
	}
}

// sleep notes until when nothing need be looked for.
func (q *queue) sleep(until time.Time) {
	q.mu.Lock()
	q.sleeps = until
	q.mu.Unlock()
}

// run hands out work until ctx ends, then waits for what runs. seen is the latest that the clock is known to have
// shown.
func (q *queue) run(ctx context.Context, seen time.Time) {
	var handlers sync.WaitGroup
	defer handlers.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		q.sleep(time.Time{})
		seen = q.keepTime(ctx, seen)
		jobs, next, err := q.claim(ctx)
		for _, batch := range q.deal(jobs) {
			handlers.Go(func() { q.work(ctx, batch) })
		}
		wait := poll
		switch {
		case err != nil:
			if ctx.Err() == nil {
				q.log.Error("taking work", "error", err)
			}
		case len(jobs) > 0:
			continue // there may be more
		case !next.IsZero():
			wait = min(wait, max(next.Sub(q.store.Now()), 0))
		}
		q.sleep(q.store.Now().Add(wait))
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// claim leases due subjects for the workers that are free. If it gives none, next tells when to
// look again (zero: when woken). Looking costs no write.
func (q *queue) claim(ctx context.Context) (jobs []*Job, next time.Time, err error) {
	subjects, next, err := q.choose(ctx)
	if err != nil || len(subjects) == 0 {
		return nil, next, err
	}
	var leased []store.Work
	err = q.store.Update(ctx, func(tx *store.Tx) (err error) {
		now := q.store.Now()
		leased, err = tx.ClaimSubjects(q.Kind, subjects, now, rand.Text(), now.Add(Lease))
		return err
	})
	if err != nil {
		leased = nil
	}
	claimed := map[int64]bool{}
	for _, w := range leased {
		claimed[w.Subject] = true
		jobs = append(jobs, &Job{Work: w})
	}
	for _, subject := range subjects {
		if !claimed[subject] {
			q.leave(subject) // done, deferred or taken meanwhile
		}
	}
	if len(jobs) == 0 {
		next = q.store.Now() // look again: somebody else was faster
	}
	return jobs, next, err
}

// deal gives jobs to the free workers, to each about as many.
func (q *queue) deal(jobs []*Job) (batches [][]*Job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for free := q.Workers - q.workers; len(jobs) > 0; free-- {
		n := (len(jobs) + free - 1) / max(free, 1)
		batches, jobs = append(batches, jobs[:n]), jobs[n:]
		q.workers++
	}
	return batches
}

// choose picks due subjects whose groups have room, at most as many as there are free workers, and
// enters them as running. Those whose group is full are parked, that is, passed over until a place
// of it is free.
func (q *queue) choose(ctx context.Context) (subjects []int64, next time.Time, err error) {
	room := q.room()
	// As many as can be taken; then more, so that a long row of parked subjects is gone through fast.
	for page := room; len(subjects) < room; page = min(2*page, 100) {
		var due []int64
		now := q.store.Now()
		err := q.store.View(ctx, func(tx *store.Tx) (err error) {
			if due, err = tx.DueWork(q.Kind, now, page, q.passed); err != nil || len(due) > 0 {
				return err
			}
			next, err = tx.LaterWork(q.Kind, now)
			if errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			return err
		})
		if err != nil {
			q.leave(subjects...)
			return nil, time.Time{}, err
		}
		if len(due) == 0 {
			return subjects, next, nil
		}
		for _, subject := range due {
			if len(subjects) < room && q.enter(subject, q.groupOf(ctx, subject)) {
				subjects = append(subjects, subject)
			}
		}
	}
	return subjects, time.Time{}, nil // a handler that ends will wake us
}

// groupOf asks for a subject's group. A panic is logged and means none.
func (q *queue) groupOf(ctx context.Context, subject int64) (group string) {
	if q.Group == nil {
		return ""
	}
	defer func() {
		if p := recover(); p != nil {
			q.log.Error("panic in a queue's Group", "subject", subject, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	return q.Group(ctx, subject)
}

// room is how many subjects the idle workers can take.
func (q *queue) room() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return (q.Workers - q.workers) * q.Batch
}

// passed tells whether a due subject is not to be looked at now: it runs (a handler may outlive its
// lease), or it is parked and its group still full.
func (q *queue) passed(subject int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, runs := q.running[subject]; runs {
		return true
	}
	group, parked := q.parked[subject]
	return parked && q.groups[group] >= q.GroupLimit
}

// enter takes a place in the group for a subject, or parks it.
func (q *queue) enter(subject int64, group string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if group != "" && q.groups[group] >= q.GroupLimit {
		q.parked[subject] = group
		return false
	}
	delete(q.parked, subject)
	q.running[subject] = group
	if group != "" {
		q.groups[group]++
	}
	return true
}

// leave gives places back.
func (q *queue) leave(subjects ...int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, subject := range subjects {
		group := q.running[subject]
		delete(q.running, subject)
		if group == "" {
			continue
		}
		if q.groups[group]--; q.groups[group] == 0 {
			delete(q.groups, group)
		}
	}
}

// work runs the handler of jobs, one after the other, records what came of each and frees the worker.
func (q *queue) work(ctx context.Context, jobs []*Job) {
	var records sync.WaitGroup
	recording := make(chan struct{}, maxRecords)
	var lost atomic.Bool // what came of one could not be recorded: no more is done that may have to be done again
	began := time.Now()
	deadline := began.Add(Lease - margin)
	for i, j := range jobs {
		if i > 0 && (ctx.Err() != nil || lost.Load() || time.Since(began) > batchTime) {
			q.giveBack(ctx, jobs[i:])
			break
		}
		log := q.log.With("subject", j.Subject)
		w := j.Work // what the handler does to its copy does not count
		next, err := q.handle(ctx, j, deadline, log)
		record := func() {
			if !q.record(ctx, w, j.last, next, err, deadline, log) {
				lost.Store(true)
			}
			q.leave(w.Subject)
			q.signal() // it may be due again, or its group's next
		}
		if i == len(jobs)-1 {
			record()
		} else {
			recording <- struct{}{}
			records.Go(func() {
				record()
				<-recording
			})
		}
	}
	records.Wait()
	q.mu.Lock()
	q.workers--
	q.mu.Unlock()
	q.signal()
}

// giveBack releases jobs that were not begun.
func (q *queue) giveBack(ctx context.Context, jobs []*Job) {
	err := q.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for _, j := range jobs {
			if err := tx.ReleaseWork(&j.Work); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		q.log.Error("giving work back; it is taken again when its lease ends", "error", err)
	}
	for _, j := range jobs {
		q.leave(j.Subject)
	}
}

// handle calls the handler with a deadline before the end of the lease. A panic becomes an error.
func (q *queue) handle(ctx context.Context, j *Job, deadline time.Time, log *slog.Logger) (next time.Time, err error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	returned := false
	defer func() {
		p := recover()
		switch {
		case p != nil:
			err = fmt.Errorf("panic: %v", p)
			log.Error("panic in a handler", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		case !returned:
			err = errors.New("the handler ended its goroutine")
		}
	}()
	next, err = q.Handle(ctx, j)
	returned = true
	return next, err
}

// retryDelay is what an error asks for, or else the backoff.
func (q *queue) retryDelay(err error, attempts int) time.Duration {
	var after interface{ RetryAfter() time.Duration }
	if errors.As(err, &after) {
		if d := after.RetryAfter(); d > 0 {
			return d
		}
	}
	return q.delay(attempts)
}
