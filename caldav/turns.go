package caldav

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// maxTurns is how many of one principal's requests may at once do what takes long: parse, match and
// expand objects. So nobody alone keeps the store's readers, or the processors, from others.
const maxTurns = 2

// turns lets principals' requests do such work in turn.
type turns struct {
	mu sync.Mutex
	by map[int64]*turn // of those who have any under way or waiting
}

type turn struct {
	slots chan struct{}
	users int // that hold a slot or wait for one
}

func newTurns() *turns { return &turns{by: map[int64]*turn{}} }

// take waits until the principal has a turn, or ctx has ended. Whoever got it calls leave, once or
// more often.
func (t *turns) take(ctx context.Context, id int64) (leave func(), err error) {
	t.mu.Lock()
	own := t.by[id]
	if own == nil {
		own = &turn{slots: make(chan struct{}, maxTurns)}
		t.by[id] = own
	}
	own.users++
	t.mu.Unlock()
	forget := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(t.by, id)
		}
	}
	select {
	case own.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-own.slots; forget() }), nil
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
}

// turn is take for whoever asks, at most until the answer must be out. It is not to be waited for
// inside a View, whose reader others need.
func (q *request) turn() (leave func(), err error) { return q.turnIn(q.turns) }

// turnIn is turn for other work that a principal does in turn.
func (q *request) turnIn(t *turns) (leave func(), err error) {
	ctx, cancel := context.WithDeadline(q.ctx(), q.until)
	defer cancel()
	if leave, err = t.take(ctx, q.user.ID); err == nil {
		return leave, nil
	}
	if q.ctx().Err() != nil {
		return nil, fmt.Errorf("waiting for other requests: %w", err)
	}
	e := refuse(http.StatusServiceUnavailable, "other requests of yours take too long")
	e.retryAfter = time.Minute
	return nil, e
}
