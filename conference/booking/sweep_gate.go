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

const (
	gatePatience = 2 * time.Minute // an account that cannot be listed keeps its bookings waiting
	gateMemory   = 2 * time.Second // it is not asked again by the next booking
)

// A gate knows which accounts were looked at since the program began.
type gate struct {
	turn chan struct{} // holds one while nobody looks

	mu      sync.Mutex
	begun   bool // all were asked
	open    map[string]bool
	refused map[string]refusal
}

// A refusal is that an account cannot be listed.
type refusal struct {
	err         error
	since, last time.Time
}

func newGate() *gate {
	g := &gate{turn: make(chan struct{}, 1), open: map[string]bool{}, refused: map[string]refusal{}}
	g.turn <- struct{}{}
	return g
}

// passes tells whether rooms may be made at an account.
func (g *gate) passes(account string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.begun && g.open[account]
}

// admit returns once rooms may be made at account, or why they may not yet.
func (s *Sweeper) admit(ctx context.Context, account string) error {
	g := s.gate
	if g.passes(account) {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-g.turn:
	}
	defer func() { g.turn <- struct{}{} }()
	if g.passes(account) {
		return nil
	}
	now := s.opts.Now()
	g.mu.Lock()
	known, begun := g.refused[account], g.begun
	g.mu.Unlock()
	if known.err != nil && now.Sub(known.last) < gateMemory {
		return known.err
	}
	ask := []string{account}
	if !begun {
		ask = s.accounts()
	}
	surveys, err := s.look(ctx, ask)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begun = true
	for _, v := range surveys {
		g.learn(v, now)
	}
	r := g.refused[account]
	switch {
	case r.err == nil: // it was listed, or cannot be
		g.open[account] = true
	case now.Sub(r.since) > gatePatience:
		g.open[account], r.err = true, nil
		s.opts.Log.Error("an account could not be looked at; its rooms are made all the same", "provider", account)
	}
	return r.err
}

// learn notes what came of listing an account. The caller holds the lock.
func (g *gate) learn(v survey, now time.Time) {
	kind := conference.KindOf(v.err)
	switch kind {
	case "", conference.Denied, conference.Invalid, conference.Gone:
		// A service that refuses to list will hardly let rooms be made.
		delete(g.refused, v.account)
		g.open[v.account] = true
		return
	}
	var f failure
	f.add(kind, fmt.Errorf("look at %s before its first room: %s", v.account, errorText(v.err)), 0)
	var e *conference.Error
	if kind == conference.Limited && errors.As(v.err, &e) {
		f.delay = min(e.RetryAfter, maxRetryAfter)
	}
	r := g.refused[v.account]
	if r.since.IsZero() {
		r.since = now
	}
	r.last, r.err = now, f.result()
	g.refused[v.account] = r
}

// look lists those of accounts that can list, and sees whether the database is an older copy.
func (s *Sweeper) look(ctx context.Context, accounts []string) ([]survey, error) {
	able := s.accounts()
	accounts = slices.DeleteFunc(slices.Clone(accounts), func(name string) bool { return !slices.Contains(able, name) })
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
	return surveys, err
}
