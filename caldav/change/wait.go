package change

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"time"

	"joinery/store"
)

// waiters are saves that wait for their event to change, by event.
type waiters struct {
	mu    sync.Mutex
	byID  map[int64]map[chan struct{}]bool
	users map[int64]bool // those with a save waiting
}

// wake lets the saves go on that wait for the event.
func (w *waiters) wake(eventID int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.byID[eventID] {
		close(ch)
	}
	delete(w.byID, eventID)
}

// enter registers a wait, unless the user has one already.
func (w *waiters) enter(userID, eventID int64) (chan struct{}, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.users[userID] {
		return nil, false
	}
	w.users[userID] = true
	ch := make(chan struct{})
	if w.byID[eventID] == nil {
		w.byID[eventID] = map[chan struct{}]bool{}
	}
	w.byID[eventID][ch] = true
	return ch, true
}

func (w *waiters) leave(userID, eventID int64, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.users, userID)
	delete(w.byID[eventID], ch)
	if len(w.byID[eventID]) == 0 {
		delete(w.byID, eventID)
	}
}

// await waits until b's link or its refusal is written, at most WaitForLink, and tells whether the
// event may have changed. It does not wait while the provider is failing, nor for a second save of
// one user.
func (c *Changer) await(ctx context.Context, userID int64, b *store.Booking) bool {
	if c.opts.Policy.WaitForLink <= 0 || c.opts.Failing != nil && c.opts.Failing(b.Provider) {
		return false
	}
	ch, ok := c.enter(userID, b.EventID)
	if !ok {
		return false
	}
	defer c.leave(userID, b.EventID, ch)
	settled := false
	err := c.opts.Store.View(ctx, func(tx *store.Tx) error {
		now, err := tx.BookingByID(b.ID)
		settled = err == nil && (now.Link != "" || now.Problem != "" || now.State != store.BookingWanted)
		return err
	})
	if err != nil || settled {
		return settled
	}
	timer := time.NewTimer(c.opts.Policy.WaitForLink)
	defer timer.Stop()
	select {
	case <-ch:
		return true
	case <-timer.C:
		return true
	case <-ctx.Done():
		// The save stands; a client that has gone is answered by nobody.
		return false
	}
}

// bursts counts new objects by user and User-Agent, to tell imports from saves.
type bursts struct {
	mu   sync.Mutex
	seen map[burstKey][]time.Time
}

type burstKey struct {
	user  int64
	agent string
}

const burstWindow = time.Minute

// burst notes a new object and tells whether it belongs to an import: more than ImportBurst in the
// last minute from one user and User-Agent.
func (c *Changer) burst(userID int64, agent string, now time.Time) bool {
	limit := cmpOr(c.opts.Policy.ImportBurst, 30)
	c.bursts.mu.Lock()
	defer c.bursts.mu.Unlock()
	if len(c.seen) > 10000 {
		clear(c.seen)
	}
	key := burstKey{userID, truncate(agent, 120)}
	recent := c.seen[key]
	for len(recent) > 0 && now.Sub(recent[0]) >= burstWindow {
		recent = recent[1:]
	}
	if len(recent) <= limit {
		recent = append(recent, now)
	} else {
		recent = append(recent[1:], now)
	}
	c.seen[key] = recent
	return len(recent) > limit
}

func newChanger(o Options) *Changer {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	c := &Changer{opts: o}
	c.opts.Policy.index()
	c.byID, c.users = map[int64]map[chan struct{}]bool{}, map[int64]bool{}
	c.seen = map[burstKey][]time.Time{}
	return c
}

// tag makes an unguessable tag: entity tags, schedule tags, public ids.
func (c *Changer) tag() string {
	var b [12]byte
	if _, err := io.ReadFull(c.opts.Rand, b[:]); err != nil {
		panic(errors.Join(errors.New("the source of randomness is broken"), err))
	}
	return hex.EncodeToString(b[:])
}
