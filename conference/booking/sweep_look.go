package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// lookBack is how far back accounts are listed: longer than anything is waited for.
const lookBack = 45 * 24 * time.Hour

// A survey is what an account lists of ours.
type survey struct {
	account string
	began   time.Time
	listed  []conference.Listed
	err     error
}

// accounts are the names of the accounts that can list, sorted.
func (s *Sweeper) accounts() []string {
	var names []string
	for name, p := range s.opts.Providers {
		if _, ok := conference.As[conference.Lister](p); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// survey lists accounts side by side.
func (s *Sweeper) survey(ctx context.Context, accounts []string, prefix string) []survey {
	surveys := make([]survey, len(accounts))
	var all sync.WaitGroup
	for i, name := range accounts {
		all.Go(func() {
			now := s.opts.Now()
			v := survey{account: name, began: now}
			lister, _ := conference.As[conference.Lister](s.opts.Providers[name])
			v.listed, v.err = lister.List(ctx, prefix, now.Add(-lookBack), time.Time{})
			surveys[i] = v
		})
	}
	all.Wait()
	return surveys
}

// prefix begins the keys of this installation's rooms, and of no other's.
func (s *Sweeper) prefix() string { return s.opts.Store.Installation() + "-" }

// Gate returns q, the reconciler's queue, with its handler held back until the accounts were looked
// at once: after an older copy of the database was put back, the keys that it would give to new
// rooms may be taken. Others' accounts are asked once; a booking's own until it answers, for
// gatePatience at most.
func (s *Sweeper) Gate(q outbox.Queue) outbox.Queue {
	handle, group := q.Handle, q.Group
	q.Handle = func(ctx context.Context, j *outbox.Job) (time.Time, error) {
		if err := s.admit(ctx, group(ctx, j.Subject)); err != nil {
			return time.Time{}, err
		}
		return handle(ctx, j)
	}
	return q
}

// gatePatience is how long an account that cannot be listed keeps its bookings waiting.
const gatePatience = 2 * time.Minute

// A gate knows which accounts were looked at since the program began.
type gate struct {
	turn  chan struct{} // holds one while nobody looks
	begun bool
	open  map[string]bool
	since map[string]time.Time // the first failure
}

func newGate() *gate {
	g := &gate{turn: make(chan struct{}, 1), open: map[string]bool{}, since: map[string]time.Time{}}
	g.turn <- struct{}{}
	return g
}

// admit returns once rooms may be made at account, or why they may not yet.
func (s *Sweeper) admit(ctx context.Context, account string) error {
	g := s.gate
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-g.turn:
	}
	defer func() { g.turn <- struct{}{} }()
	ask := []string{account}
	if !g.begun {
		ask = s.accounts()
	} else if g.open[account] || !slices.Contains(s.accounts(), account) {
		return nil
	}
	failures, err := s.look(ctx, ask)
	if err != nil {
		return err
	}
	g.begun = true
	failed := failures[account]
	if failed != nil && s.opts.Now().Sub(g.since[account]) > gatePatience {
		g.open[account], failed = true, nil
		s.opts.Log.Error("an account could not be looked at; its rooms are made all the same", "provider", account)
	}
	return failed
}

// look lists accounts and sees whether the database is an older copy. It returns why accounts
// cannot be listed now.
func (s *Sweeper) look(ctx context.Context, accounts []string) (map[string]error, error) {
	g := s.gate
	surveys := s.survey(ctx, accounts, s.prefix())
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return nil, err
	}
	err := s.opts.Store.Update(ctx, func(tx *store.Tx) error {
		plans, err := s.plans(tx, surveys)
		if err != nil {
			return err
		}
		_, err = s.restored(tx, plans)
		return err
	})
	if err != nil {
		return nil, err
	}
	failures := map[string]error{}
	for _, v := range surveys {
		switch kind := conference.KindOf(v.err); kind {
		case "", conference.Denied, conference.Invalid, conference.Gone:
			// A service that refuses to list will hardly let rooms be made.
			g.open[v.account] = true
		default:
			var e *conference.Error
			var f failure
			errors.As(v.err, &e)
			f.add(kind, fmt.Errorf("look at %s before its first room: %s", v.account, errorText(v.err)), 0)
			if kind == conference.Limited {
				f.delay = min(e.RetryAfter, maxRetryAfter)
			}
			failures[v.account] = f.result()
			if g.since[v.account].IsZero() {
				g.since[v.account] = s.opts.Now()
			}
		}
	}
	return failures, nil
}

// restored notes in tx that the database is an older copy, if plans say so, and that the keys which
// are taken are never given. It returns what holds.
func (s *Sweeper) restored(tx *store.Tx, plans []plan) (Restore, error) {
	r, err := RestoreOf(tx)
	if err != nil {
		return r, err
	}
	last, err := tx.LastRoomID()
	if err != nil {
		return r, err
	}
	for _, p := range plans {
		if p.highest > last {
			if err := tx.SkipRoomIDs(p.highest); err != nil {
				return r, err
			}
			last = p.highest
		}
		if p.restored == "" || r.InForce() {
			continue
		}
		r = Restore{Found: tx.Now(), Why: p.restored}
		if err := writeMeta(tx, metaRestore, r); err != nil {
			return r, err
		}
		s.opts.Log.Error("the database seems to be an older copy that was put back; nothing is deleted or changed at the providers until joinery reconcile --confirm-restore",
			"why", p.restored)
	}
	return r, nil
}
