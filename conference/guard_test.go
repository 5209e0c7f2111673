package conference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A plain is a provider without optional abilities; what its calls do is replaceable.
type plain struct {
	do func(ctx context.Context, record func(Room) error) (Room, error)
}

func (p *plain) Traits() Traits { return Traits{Service: "Plain"} }

func (p *plain) Reserve(ctx context.Context, _ Meeting, _ Room, record func(Room) error) (Room, error) {
	return p.do(ctx, record)
}

func (p *plain) Update(ctx context.Context, _ Room, _ Meeting) (Room, error) { return p.do(ctx, nil) }

func (p *plain) Release(ctx context.Context, _ Room) error {
	_, err := p.do(ctx, nil)
	return err
}

// A finding is a plain that can find and be checked.
type finding struct{ plain }

func (p *finding) Find(ctx context.Context, _ Meeting) (Room, bool, error) {
	room, err := p.do(ctx, nil)
	return room, true, err
}

func (p *finding) Check(context.Context) []Finding { panic("check") }

// A full has every ability.
type full struct{ finding }

func (p *full) Status(context.Context, Room) (Status, error) { return StatusLive, nil }
func (p *full) Start(context.Context, Room) error            { return nil }
func (p *full) Stop(context.Context, Room) error             { return nil }
func (p *full) List(context.Context, string, time.Time, time.Time) ([]Listed, error) {
	return []Listed{{Key: "k"}}, nil
}

func (p *full) Enroll(ctx context.Context, _ Room, people []Participant, _ []Registration) ([]Registration, error) {
	_, err := p.do(ctx, nil)
	return []Registration{{Email: people[0].Email}}, err
}
func (p *full) Attendance(ctx context.Context, _ Room) ([]Visit, error) {
	_, err := p.do(ctx, nil)
	return []Visit{{Email: "a@example.org"}}, err
}

// special is an ability that the guard does not know.
type special interface{ Special() string }

func (p *full) Special() string { return "special" }

func fails(kind ErrorKind, after time.Duration) func(context.Context, func(Room) error) (Room, error) {
	return func(context.Context, func(Room) error) (Room, error) {
		return Room{}, &Error{Kind: kind, Call: "x", RetryAfter: after}
	}
}

func works(context.Context, func(Room) error) (Room, error) {
	return Room{JoinURL: "https://x.example/1"}, nil
}

func TestAs(t *testing.T) {
	for _, tt := range []struct {
		p                        Provider
		find, list, check, other bool
	}{
		{&plain{}, false, false, false, false},
		{&finding{}, true, false, true, false},
		{&full{}, true, true, true, true},
	} {
		for _, p := range []Provider{tt.p, Guard(tt.p, GuardOptions{}), Guard(Guard(tt.p, GuardOptions{}), GuardOptions{})} {
			_, find := As[Finder](p)
			_, list := As[Lister](p)
			_, check := As[Checker](p)
			_, other := As[special](p)
			if find != tt.find || list != tt.list || check != tt.check || other != tt.other {
				t.Errorf("%T: find %v, list %v, check %v, other %v", p, find, list, check, other)
			}
			if _, direct := p.(Finder); direct && !tt.find {
				t.Errorf("%T pretends to be a Finder", p)
			}
		}
	}
	if _, ok := As[Enroller](Guard(&finding{}, GuardOptions{})); ok {
		t.Error("a guarded provider pretends to be an Enroller")
	}
	if _, ok := Guard(&full{}, GuardOptions{}).(everything); !ok {
		t.Error("a guarded provider with every ability does not have them itself")
	}
	if Guard(&full{}, GuardOptions{}).Traits().Service != "Plain" {
		t.Error("Traits are not the provider's")
	}
}

func TestGuardObserves(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	p := &full{}
	g := Guard(p, GuardOptions{Observe: func(call string, kind ErrorKind, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s", call, kind))
	}})
	ctx := t.Context()
	p.do = works
	if room, err := g.Reserve(ctx, Meeting{}, Room{}, nil); err != nil || room.JoinURL == "" {
		t.Errorf("Reserve: %+v, %v", room, err)
	}
	finder, _ := As[Finder](g)
	if room, ok, err := finder.Find(ctx, Meeting{}); !ok || err != nil || room.JoinURL == "" {
		t.Errorf("Find: %+v, %v, %v", room, ok, err)
	}
	p.do = fails(Gone, 0)
	if _, err := g.Update(ctx, Room{}, Meeting{}); KindOf(err) != Gone {
		t.Errorf("Update: %v", err)
	}
	if _, ok, err := finder.Find(ctx, Meeting{}); ok || KindOf(err) != Gone {
		t.Errorf("Find: %v, %v", ok, err)
	}
	p.do = fails(Denied, 0)
	if err := g.Release(ctx, Room{}); KindOf(err) != Denied {
		t.Errorf("Release: %v", err)
	}
	lister, _ := As[Lister](g)
	if list, err := lister.List(ctx, "", time.Time{}, time.Time{}); len(list) != 1 || err != nil {
		t.Errorf("List: %v, %v", list, err)
	}
	stater, _ := As[Stater](g)
	if status, err := stater.Status(ctx, Room{}); status != StatusLive || err != nil {
		t.Errorf("Status: %v, %v", status, err)
	}
	starter, _ := As[Starter](g)
	if err := errors.Join(starter.Start(ctx, Room{}), starter.Stop(ctx, Room{})); err != nil {
		t.Error(err)
	}
	p.do = works
	enroller, _ := As[Enroller](g)
	if list, err := enroller.Enroll(ctx, Room{}, []Participant{{Person: Person{Email: "a@example.org"}}}, nil); len(list) != 1 || err != nil {
		t.Errorf("Enroll: %v, %v", list, err)
	}
	attender, _ := As[Attender](g)
	if visits, err := attender.Attendance(ctx, Room{}); len(visits) != 1 || err != nil {
		t.Errorf("Attendance: %v, %v", visits, err)
	}
	want := []string{"reserve ", "find ", "update gone", "find gone", "release denied", "list ", "status ", "start ", "stop ", "enroll ", "attendance "}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("observed %q, want %q", seen, want)
	}
}

func TestGuardFailing(t *testing.T) {
	p := &plain{}
	now := time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)
	g := Guard(p, GuardOptions{Now: func() time.Time { return now }})
	step := func(what string, do func(context.Context, func(Room) error) (Room, error), failing, hasError bool) {
		t.Helper()
		p.do = do
		_, _ = g.Reserve(t.Context(), Meeting{}, Room{}, func(Room) error { return errors.New("disk full") })
		err, at := g.LastError()
		if g.Failing() != failing || (err != nil) != hasError || hasError && !at.Equal(now) {
			t.Errorf("after %s: failing %v, last error %v at %v", what, g.Failing(), err, at)
		}
	}
	step("success", works, false, false)
	step("one failure", fails(Temporary, 0), false, true)
	step("success", works, false, false)
	step("one failure", fails(Ambiguous, 0), false, true)
	step("two failures", fails(Denied, 0), true, true)
	step("three failures", func(context.Context, func(Room) error) (Room, error) { return Room{}, errors.New("strange") }, true, true)
	step("an answer about one meeting", fails(Invalid, 0), false, false)
	step("record's failures", func(_ context.Context, record func(Room) error) (Room, error) {
		return Room{}, fmt.Errorf("step: %w", record(Room{}))
	}, false, false)
	step("a pause that was asked for", fails(Limited, time.Minute), true, true)

	// Nothing is asked during the pause.
	p.do = func(context.Context, func(Room) error) (Room, error) {
		t.Error("asked during the pause")
		return Room{}, nil
	}
	now = now.Add(20 * time.Second)
	var e *Error
	if err := g.Release(t.Context(), Room{}); !errors.As(err, &e) || e.Kind != Limited || e.RetryAfter != 40*time.Second {
		t.Errorf("during the pause: %v", err)
	}
	now = now.Add(40 * time.Second)
	p.do = works
	if err := g.Release(t.Context(), Room{}); err != nil || g.Failing() {
		t.Errorf("after the pause: %v, failing %v", err, g.Failing())
	}

	// A caller who gives up says nothing of the service.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 3 {
		p.do = func(ctx context.Context, _ func(Room) error) (Room, error) {
			cancel()
			return Room{}, &Error{Kind: Temporary, Call: "x", Err: ctx.Err()}
		}
		_ = g.Release(ctx, Room{})
	}
	if g.Failing() {
		t.Error("failing because callers gave up")
	}
}

// TestGuardWarns of what the account is to blame for, not of a call that the program's end breaks off.
func TestGuardWarns(t *testing.T) {
	p := &plain{}
	var log bytes.Buffer
	g := Guard(p, GuardOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.do = func(ctx context.Context, _ func(Room) error) (Room, error) {
		cancel()
		return Room{}, &Error{Kind: Temporary, Call: "x", Err: ctx.Err()}
	}
	_ = g.Release(ctx, Room{})
	if log.Len() > 0 {
		t.Errorf("of a caller who gave up it is logged: %s", log.String())
	}
	p.do = func(context.Context, func(Room) error) (Room, error) {
		return Room{}, &Error{Kind: Temporary, Call: "x", Err: context.DeadlineExceeded}
	}
	_ = g.Release(t.Context(), Room{})
	if !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("of an account that does not answer it is logged: %q", log.String())
	}
}

// TestGuardRecord gives record's own error back, and the room as far as it was recorded when a
// provider panics.
func TestGuardRecord(t *testing.T) {
	p := &plain{}
	var log bytes.Buffer
	g := Guard(p, GuardOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
	full := errors.New("disk full")
	p.do = func(_ context.Context, record func(Room) error) (Room, error) {
		return Room{}, record(Room{JoinURL: "a"})
	}
	if _, err := g.Reserve(t.Context(), Meeting{}, Room{}, func(Room) error { return full }); err != full {
		t.Errorf("got %#v, want record's own error", err)
	}
	p.do = func(_ context.Context, record func(Room) error) (Room, error) {
		_ = record(Room{JoinURL: "b"})
		panic("slip")
	}
	room, err := g.Reserve(t.Context(), Meeting{}, Room{JoinURL: "a"}, func(Room) error { return nil })
	if room.JoinURL != "b" || KindOf(err) != Ambiguous {
		t.Errorf("after a panic: %+v, %v", room, err)
	}
	if !strings.Contains(log.String(), "slip") || !strings.Contains(log.String(), "goroutine") {
		t.Errorf("the log lacks the panic: %s", log.String())
	}
	checker, _ := As[Checker](Guard(&finding{}, GuardOptions{}))
	if f := checker.Check(t.Context()); len(f) != 1 || f[0].OK {
		t.Errorf("a check that panics: %+v", f)
	}
}

func TestGuardTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plain{do: func(ctx context.Context, _ func(Room) error) (Room, error) {
			<-ctx.Done()
			return Room{}, &Error{Kind: Ambiguous, Call: "x", Err: ctx.Err()}
		}}
		g := Guard(p, GuardOptions{})
		begun := time.Now()
		if _, err := g.Update(t.Context(), Room{}, Meeting{}); KindOf(err) != Ambiguous {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begun); took != 20*time.Second {
			t.Errorf("took %v, want 20s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		p := &plain{do: func(context.Context, func(Room) error) (Room, error) { calls.Add(1); return Room{}, nil }}
		g := Guard(p, GuardOptions{Rate: 2, Burst: 3, Timeout: 5 * time.Second})
		begun := time.Now()
		for range 7 {
			if err := g.Release(t.Context(), Room{}); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took != 2*time.Second || calls.Load() != 7 {
			t.Errorf("%d calls took %v, want 7 in 2s", calls.Load(), took)
		}
		// Those that would have to wait longer than their time are turned away, and do not make
		// the service look out of order.
		var wg sync.WaitGroup
		limited := make(chan error, 20)
		for range 20 {
			wg.Go(func() { limited <- g.Release(t.Context(), Room{}) })
		}
		wg.Wait()
		close(limited)
		turned := 0
		for err := range limited {
			if KindOf(err) == Limited {
				turned++
			} else if err != nil {
				t.Error(err)
			}
		}
		if turned != 10 || g.Failing() {
			t.Errorf("%d were turned away, failing %v", turned, g.Failing())
		}
		_ = g.Release(t.Context(), Room{})
		for range 3 {
			hurry, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if err := g.Release(hurry, Room{}); KindOf(err) != Limited {
				t.Errorf("no time to wait: %v", err)
			}
			cancel()
		}
		if err, _ := g.LastError(); err != nil || g.Failing() {
			t.Errorf("failing without having asked: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Release(ctx, Room{}); KindOf(err) != Temporary {
			t.Errorf("ended context: %v", err)
		}
	})
}
