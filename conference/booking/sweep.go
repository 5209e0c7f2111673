package booking

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// SweepKind is the kind of outbox work that has the accounts compared with our rooms. It has one
// subject, whose lease is what lets one sweep run at a time, in whatever process.
const SweepKind = "sweep"

const sweepSubject = 1

// SweepOptions are what a Sweeper is given from outside. Store and Outbox are needed.
type SweepOptions struct {
	Store     *store.Store
	Outbox    *outbox.Runner
	Providers map[string]conference.Provider // as in Options
	Log       *slog.Logger                   // nil: discarded
	Now       func() time.Time               // nil: the store's clock
	Every     time.Duration                  // from one sweep to the next; 0: 1 h
	Keep      time.Duration                  // how long a stray is left alone; 0: 24 h
	// Observe, if set, is told of each account that was looked at: the account, "sweep" and "ok",
	// "braked", "restored" or an error kind; and of each stray, with "delete stray".
	Observe func(provider, action, outcome string)
}

// A Sweeper compares what the accounts list under our installation's keys with our rooms, and sets
// right what differs: strays are deleted once they are old enough, rooms that somebody
// changed or deleted at the service are handed to the reconciler. What carries no key of ours is
// never touched. It is safe for concurrent use.
type Sweeper struct {
	opts SweepOptions
	gate *gate
	// asked is, of each account, the last room whose status was asked for, while a sweep has not had
	// the time for all. It is the lease holder's.
	asked map[string]int64
}

// NewSweeper returns a Sweeper. It does nothing until its Queue runs, or Run is called.
func NewSweeper(o SweepOptions) *Sweeper {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = o.Store.Now
	}
	if o.Every <= 0 {
		o.Every = time.Hour
	}
	if o.Keep <= 0 {
		o.Keep = 24 * time.Hour
	}
	if o.Observe == nil {
		o.Observe = func(string, string, string) {}
	}
	return &Sweeper{opts: o, gate: newGate(), asked: map[string]int64{}}
}

// Keep is how long a stray is left alone.
func (s *Sweeper) Keep() time.Duration { return s.opts.Keep }

// Queue is the sweeper's queue, to be added to the outbox.
func (s *Sweeper) Queue() outbox.Queue {
	return outbox.Queue{Kind: SweepKind, Handle: func(ctx context.Context, j *outbox.Job) (time.Time, error) {
		sweep, err := s.sweep(ctx, j, order{})
		if err != nil {
			return time.Time{}, err
		}
		return s.next(sweep), nil
	}}
}

// Recover has a sweep run at the start of the program, and from then on by itself.
func (s *Sweeper) Recover(tx *store.Tx) error {
	return s.opts.Outbox.Touch(tx, SweepKind, sweepSubject, s.opts.Now())
}

// failedAgain is when a sweep is run again that did not come to its end at some account.
const failedAgain = 10 * time.Minute

// next is when the sweep after s is due.
func (s *Sweeper) next(sweep Sweep) time.Time {
	now := s.opts.Now()
	switch {
	case sweep.Unfinished:
		return now
	case sweep.Failed():
		return now.Add(min(s.opts.Every, failedAgain))
	}
	return now.Add(s.opts.Every)
}

// ErrBusy tells that another process was sweeping for as long as Run waited.
var ErrBusy = errors.New("another sweep is running")

// Run sweeps now, in this process, whether or not the queue runs in another. allowed is the number of
// strays that may be deleted although it is more than the brake lets pass; it counts only if it is
// exactly what is due. remake: missing conferences are made anew however many they are. Others' conferences
// are counted too. What the reconciler must do is left to it. ErrBusy: another sweep goes on.
func (s *Sweeper) Run(ctx context.Context, allowed int, remake bool) (Sweep, error) {
	var all Sweep
	for begun := time.Now(); ; {
		j, err := s.claim(ctx)
		if errors.Is(err, store.ErrNotFound) {
			if time.Since(begun) > outbox.Lease+10*time.Second {
				return Sweep{}, ErrBusy
			}
			select {
			case <-ctx.Done():
				return Sweep{}, ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
			continue
		}
		if err != nil {
			return Sweep{}, err
		}
		sweep, err := s.turn(ctx, j, order{allowed: allowed, remake: remake, others: true})
		if err != nil {
			return Sweep{}, err
		}
		all = sweep.after(all)
		if !sweep.Unfinished {
			return all, nil
		}
		if allowed > 0 { // what is left of them
			allowed = sweep.Due - sweep.deleted()
		}
	}
}

// claim takes the lease that the queue would.
func (s *Sweeper) claim(ctx context.Context) (*outbox.Job, error) {
	var work *store.Work
	err := s.opts.Store.Update(ctx, func(tx *store.Tx) (err error) {
		now := s.opts.Now()
		work, err = tx.WorkOf(SweepKind, sweepSubject)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case work.Lease != "" && work.Until.After(now):
			return store.ErrNotFound // without a touch, which would have its holder run again
		}
		if err := tx.TouchWork(SweepKind, sweepSubject, now); err != nil {
			return err
		}
		work, err = tx.ClaimSubject(SweepKind, sweepSubject, now, rand.Text(), now.Add(outbox.Lease))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("begin a sweep: %w", err)
	}
	return &outbox.Job{Work: *work}, nil
}

// turn sweeps under a lease of Run's own and gives it back.
func (s *Sweeper) turn(ctx context.Context, j *outbox.Job, o order) (Sweep, error) {
	bounded, cancel := context.WithTimeout(ctx, outbox.Lease-5*time.Second)
	defer cancel()
	sweep, err := s.sweep(bounded, j, o)
	giveBack := s.opts.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err != nil {
			return tx.ReleaseWork(&j.Work)
		}
		return tx.FinishWork(&j.Work, s.next(sweep))
	})
	return sweep, errors.Join(err, giveBack)
}

// An order is what an administrator asks of a sweep.
type order struct {
	allowed int  // so many strays may be deleted, see Run
	remake  bool // missing conferences are made anew however many
	others  bool // others' conferences are counted
}

// sweep does one sweep under j's lease. Its error ends it: the store, the lease, or the end of the
// program. What goes wrong at an account stands in the Sweep.
func (s *Sweeper) sweep(ctx context.Context, j *outbox.Job, o order) (Sweep, error) {
	t := &sweeping{Sweeper: s, job: j, broken: map[string]bool{}}
	surveys := s.survey(ctx, s.accounts(), s.prefix())
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return Sweep{}, err
	}
	var plans []plan
	err := t.record(ctx, func(tx *store.Tx) (err error) {
		if plans, err = s.plans(tx, surveys); err != nil {
			return err
		}
		if t.Restore, err = s.restored(tx, plans); err != nil {
			return err
		}
		for i, v := range surveys {
			if err := remember(tx, v.account, &plans[i]); err != nil {
				return err
			}
		}
		if !t.Restore.InForce() {
			t.Touched, err = s.waiting(tx, true)
		}
		return err
	})
	if err != nil {
		return Sweep{}, err
	}
	t.begin(surveys, plans, o.allowed)
	if !t.Restore.InForce() {
		if err := t.differences(ctx, plans, true, o.remake); err != nil {
			return Sweep{}, err
		}
		if err := t.strays(ctx); err != nil {
			return Sweep{}, err
		}
	}
	if !t.Unfinished {
		clear(s.asked)
		if o.others {
			t.countOthers(ctx, surveys)
		}
	}
	t.tell()
	err = t.record(ctx, func(tx *store.Tx) error { return writeMeta(tx, metaSweep, t.kept()) })
	return t.Sweep, err
}

// Look says what a sweep would do now. It asks the services and changes nothing, neither there nor
// here.
func (s *Sweeper) Look(ctx context.Context) (Sweep, error) {
	t := &sweeping{Sweeper: s, broken: map[string]bool{}}
	surveys := s.survey(ctx, s.accounts(), s.prefix())
	var plans []plan
	err := s.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		if plans, err = s.plans(tx, surveys); err != nil {
			return err
		}
		if t.Restore, err = RestoreOf(tx); err != nil {
			return err
		}
		t.Touched, err = s.waiting(tx, false)
		return err
	})
	if err != nil {
		return Sweep{}, err
	}
	t.begin(surveys, plans, 0)
	t.Looked = true
	for _, p := range plans {
		if p.restored != "" && !t.Restore.InForce() {
			t.Restore = Restore{Found: s.opts.Now(), Why: p.restored}
		}
	}
	t.countOthers(ctx, surveys)
	err = t.differences(ctx, plans, false, false)
	return t.Sweep, err
}
