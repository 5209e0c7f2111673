package conference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// GuardOptions say how a provider is guarded. The zero value works.
type GuardOptions struct {
	Name    string        // of the account, for logs
	Rate    float64       // calls of the contract a second, 0: unlimited
	Burst   int           // calls at once before Rate counts, at least 1
	Timeout time.Duration // of each call, waiting for the rate included; 0: 20 s
	// FailingAfter is how many calls must fail in a row before Failing says so; 0: 2.
	FailingAfter int
	Log          *slog.Logger     // nil: silent
	Now          func() time.Time // nil: time.Now
	// Observe is told of every call after it: its name ("reserve", "find" …), the kind of its
	// error, empty for none, and how long it took. It is called by several goroutines at once.
	Observe func(call string, kind ErrorKind, took time.Duration)
}

// A Guarded is a provider behind a guard.
type Guarded interface {
	Provider

	// Unwrap returns the provider behind the guard.
	Unwrap() Provider
	// Failing reports whether the last calls failed for reasons that will fail the next one
	// too, so that nobody need wait for it. A call that the service answered ends it.
	Failing() bool
	// LastError returns the last such failure and its time; nil if the last call was answered.
	LastError() (error, time.Time)

	guarded() *guard
}

// Guard wraps p: calls are limited in rate and time, logged and counted; a panic is an error; after
// Limited with a RetryAfter, nothing is asked until then. The error of a guard's own making is
// Temporary or Limited when p was not asked.
//
// The optional abilities are reached by As. If p has all of them, the result implements them
// itself.
func Guard(p Provider, o GuardOptions) Guarded {
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	if o.FailingAfter <= 0 {
		o.FailingAfter = 2
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, ErrorKind, time.Duration) {}
	}
	g := &guard{inner: p, o: o, limit: rate.NewLimiter(rate.Inf, 1)}
	if o.Rate > 0 {
		g.limit = rate.NewLimiter(rate.Limit(o.Rate), max(o.Burst, 1))
	}
	g.o.Log = o.Log.With("provider", o.Name)
	if _, ok := As[everything](p); ok {
		return able{g}
	}
	return g
}

var _ Guarded = (*guard)(nil)

type guard struct {
	inner Provider
	o     GuardOptions
	limit *rate.Limiter

	mu      sync.Mutex
	streak  int       // failures in a row
	until   time.Time // nothing is asked before, by the service's wish
	lastErr error
	lastAt  time.Time
}

func (g *guard) guarded() *guard  { return g }
func (g *guard) Unwrap() Provider { return g.inner }
func (g *guard) Traits() Traits   { return g.inner.Traits() }

func (g *guard) Failing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.streak >= g.o.FailingAfter || g.o.Now().Before(g.until)
}

//lint:ignore ST1008 the error is what is asked for, not how asking went
func (g *guard) LastError() (error, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lastErr, g.lastAt
}

func (g *guard) Reserve(ctx context.Context, m Meeting, known Room, record func(Room) error) (room Room, err error) {
	room = known
	err = g.call(ctx, "reserve", func(ctx context.Context) error {
		var err error
		room, err = g.inner.Reserve(ctx, m, known, func(r Room) error {
			room = r // for the case of a panic
			if err := record(r); err != nil {
				return &ownError{err}
			}
			return nil
		})
		return err
	})
	var own *ownError
	if errors.As(err, &own) {
		err = own.error // what record said, as it said it
	}
	return room, err
}

// An ownError is one of record's: the provider is not to blame.
type ownError struct{ error }

func (e *ownError) Unwrap() error { return e.error }

func (g *guard) Update(ctx context.Context, r Room, m Meeting) (room Room, err error) {
	room = r
	err = g.call(ctx, "update", func(ctx context.Context) error {
		var err error
		room, err = g.inner.Update(ctx, r, m)
		return err
	})
	return room, err
}

func (g *guard) Release(ctx context.Context, r Room) error {
	return g.call(ctx, "release", func(ctx context.Context) error { return g.inner.Release(ctx, r) })
}

// call does one call of the contract.
func (g *guard) call(ctx context.Context, name string, do func(context.Context) error) error {
	begun := g.o.Now()
	bounded, cancel := context.WithTimeout(ctx, g.o.Timeout)
	defer cancel()
	err := g.admit(bounded, name, begun)
	asked := err == nil
	if asked {
		err = g.run(bounded, name, do)
	}
	took := g.o.Now().Sub(begun)
	kind := KindOf(err)
	if asked {
		g.judge(ctx, err, kind)
	}
	g.o.Observe(name, kind, took)
	switch {
	case err == nil:
		g.o.Log.DebugContext(ctx, "provider call", "call", name, "took", took)
	case kind == Gone || !asked || errors.Is(ctx.Err(), context.Canceled): // the account is not to blame
		g.o.Log.DebugContext(ctx, "provider call", "call", name, "took", took, "kind", kind, "error", err)
	default:
		g.o.Log.WarnContext(ctx, "provider call failed", "call", name, "took", took, "kind", kind, "error", err)
	}
	return err
}

// admit waits for the rate, within ctx. Its error means that nothing was asked.
func (g *guard) admit(ctx context.Context, name string, now time.Time) error {
	g.mu.Lock()
	wait := g.until.Sub(now)
	g.mu.Unlock()
	if wait > 0 {
		return &Error{Kind: Limited, Call: name, RetryAfter: wait, Err: errors.New("the service asked for a pause")}
	}
	if err := g.limit.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return &Error{Kind: Temporary, Call: name, Err: ctx.Err()}
		}
		return &Error{Kind: Limited, Call: name, RetryAfter: time.Second, Err: errors.New("too many calls wait already")}
	}
	return nil
}

// run does the call and turns a panic into an error.
func (g *guard) run(ctx context.Context, name string, do func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			g.o.Log.ErrorContext(ctx, "panic in a provider", "call", name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = &Error{Kind: Ambiguous, Call: name, Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	return do(ctx)
}

// longestPause is the most that one answer can make everybody wait.
const longestPause = 15 * time.Minute

// judge learns from a call that was asked. ctx is the caller's: one who gave up says nothing of
// the service.
func (g *guard) judge(ctx context.Context, err error, kind ErrorKind) {
	var own *ownError
	if errors.As(err, &own) || err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	now := g.o.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	switch kind {
	case Temporary, Limited, Denied, Ambiguous:
		g.streak++
		g.lastErr, g.lastAt = err, now
		var e *Error
		if kind == Limited && errors.As(err, &e) && e.RetryAfter > 0 {
			if until := now.Add(min(e.RetryAfter, longestPause)); until.After(g.until) {
				g.until = until
			}
		}
	default: // success, or an answer about this one meeting
		g.streak, g.lastErr, g.lastAt = 0, nil, time.Time{}
	}
}
