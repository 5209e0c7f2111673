package booking

import (
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/store"
)

// A refusal shows in the event once, and it is reserved by itself once the cause is mended.
func TestDenied(t *testing.T) {
	f := newFixture(t, "a")
	f.start()
	a := f.services["a"]
	a.on(func(point, _ string) error {
		if point == "before event" {
			return &conference.Error{Kind: conference.Denied, Call: "POST /events", Reason: conference.ReasonCredentials}
		}
		return nil
	})
	id := f.book("a", "Plan")
	// Between two attempts: during one the row is unclear.
	f.until(func() bool {
		b, rooms := f.booking(id)
		return b.Problem == "credentials" && rooms[0].Attempts >= 3 && !rooms[0].Unclear && strings.Contains(rooms[0].LastError, "denied")
	})
	if _, reasons := f.cal.told(); len(reasons) != 1 {
		t.Errorf("told %q, want once", reasons)
	}
	a.on(nil)
	f.settle(id)
	f.check()
	b, rooms := f.booking(id)
	if b.Problem != "" || rooms[0].Attempts != 0 || rooms[0].LastError != "" || len(rooms) != 1 {
		t.Errorf("after it was mended: problem %q, rooms %+v", b.Problem, rooms)
	}

	// Of an update, too; Ready is not due then, so the note is taken away by itself.
	a.on(times(1, "before update", func() error { return fault(conference.Invalid) }))
	f.save(id, title("Odd"), nil)
	f.settle(id)
	f.check()
	if _, reasons := f.cal.told(); len(reasons) != 3 || reasons[1] != "other" || reasons[2] != "" {
		t.Errorf("told %q, want credentials, other and the end of it", reasons)
	}
}

// A touched booking tries at once, however long the delay after a refusal.
func TestDeniedTouched(t *testing.T) {
	f := newFixture(t, "a")
	f.opts.DeniedRetry = func(string, int) time.Duration { return time.Hour }
	f.start()
	f.services["a"].on(times(1, "before event", func() error { return fault(conference.Denied) }))
	id := f.book("a", "Plan")
	f.settle(id)
	if got := f.states(id); got != "creating" {
		t.Errorf("rooms are %s, want creating", got)
	}
	f.save(id, nil, nil)
	f.settle(id)
	f.check()
}

// What was begun cannot be finished as it was begun, and by now something else is wanted: it makes
// room for another one.
func TestBegunOtherwise(t *testing.T) {
	f := newFixture(t, "a")
	f.opts.DeniedRetry = func(string, int) time.Duration { return time.Hour }
	a := f.services["a"]
	a.on(func(point, key string) error {
		if point == "before session" && strings.HasSuffix(key, "-1") {
			return fault(conference.Invalid)
		}
		return nil
	})
	f.start()
	id := f.book("a", "Odd")
	f.settle(id)
	if b, _ := f.booking(id); f.states(id) != "creating" || b.Problem != "other" {
		t.Fatalf("rooms are %s, problem %q; want creating, other", f.states(id), b.Problem)
	}
	f.save(id, title("Even"), nil)
	f.settle(id)
	f.check()
	if got := f.states(id); got != "gone live" {
		t.Errorf("rooms are %s, want gone live", got)
	}
}

// A service that asked for a pause is left alone for that long, whoever asks.
func TestLimited(t *testing.T) {
	f := newFixture(t, "a")
	a := f.services["a"]
	const pause = 200 * time.Millisecond
	var asked []time.Time
	a.on(func(point, _ string) error {
		if point != "before event" {
			return nil
		}
		asked = append(asked, time.Now()) // one booking: one call at a time
		if len(asked) == 1 {
			return &conference.Error{Kind: conference.Limited, Call: "POST /events", RetryAfter: pause}
		}
		return nil
	})
	f.start()
	id := f.book("a", "Plan")
	f.until(func() bool { return a.called("reserve") == 1 })
	f.save(id, nil, nil)
	f.settle(id)
	f.check()
	if len(asked) != 2 || asked[1].Sub(asked[0]) < pause {
		t.Errorf("asked at %v, want twice with %v between", asked, pause)
	}
	if _, reasons := f.cal.told(); len(reasons) > 0 {
		t.Errorf("told %q of a pause", reasons)
	}
}

// Two rooms of which one cannot be released: the other one is.
func TestReleaseOfOneFails(t *testing.T) {
	f := newFixture(t, "a", "b")
	stop := f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	f.services["a"].on(func(point, _ string) error {
		if point == "before release" {
			return fault(conference.Denied)
		}
		return nil
	})
	f.save(id, nil, move("b"))
	f.until(func() bool { return f.services["a"].called("release") > 1 })
	f.save(id, drop, dropped)
	f.until(func() bool { return len(f.services["b"].all()) == 0 })
	stop()
	if _, reasons := f.cal.told(); len(reasons) > 0 {
		t.Errorf("told %q of a release", reasons)
	}
	f.services["a"].on(nil)
	f.start()
	f.settle(id)
	f.check()
}

// A room of an account that is not configured is kept, told of, and released when it is again.
func TestAbsentAccount(t *testing.T) {
	f := newFixture(t, "a", "b")
	stop := f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	stop()

	f.opts.Providers = map[string]conference.Provider{"b": findingAccount{account{f.services["b"]}}}
	stop = f.start()
	f.save(id, nil, move("b"))
	other := f.book("a", "No account")
	f.settle(id, other)
	if got := f.states(id); got != "live live" {
		t.Errorf("rooms are %s, want live live", got)
	}
	b, _ := f.booking(other)
	if got := f.states(other); got != "intended" || b.Problem != "other" {
		t.Errorf("rooms of the booking without account are %s, its problem %q", got, b.Problem)
	}
	if steps := f.steps(id); !strings.HasSuffix(steps, "release: absent") {
		t.Errorf("steps %q", steps)
	}
	f.view(func(tx *store.Tx) error {
		w, err := tx.WorkOf(Kind, id)
		if err == nil && time.Until(w.Due) < 50*time.Minute {
			t.Errorf("looked at again in %v, want an hour", time.Until(w.Due))
		}
		return err
	})
	stop()

	f.opts.Providers = nil
	f.start()
	f.save(id, nil, nil)
	f.settle(id, other)
	f.check()
}

// A provider that hangs does not hold up another.
func TestHangingProvider(t *testing.T) {
	f := newFixture(t, "a", "b")
	hang := make(chan struct{})
	f.services["a"].on(func(point, _ string) error {
		<-hang
		return nil
	})
	f.start()
	var slow []int64
	for range 2 * workers {
		slow = append(slow, f.book("a", "Slow"))
	}
	f.until(func() bool { return f.services["a"].called("reserve") == groupLimit })
	id := f.book("b", "Quick")
	f.settle(id)
	if b, _ := f.booking(id); b.Link == "" {
		t.Error("the booking at the working provider has no link")
	}
	if n := f.services["a"].called("reserve"); n != groupLimit {
		t.Errorf("%d calls hang, want %d", n, groupLimit)
	}
	close(hang)
	f.settle(slow...)
	f.check()
}

// Bookings that left a provider which hangs do not fill the places of the one they went to.
func TestHangingOldProvider(t *testing.T) {
	f := newFixture(t, "a", "b")
	f.start()
	var moved []int64
	for range groupLimit + 2 {
		moved = append(moved, f.book("a", "Moved"))
	}
	f.settle(moved...)
	hang := make(chan struct{})
	f.services["a"].on(func(string, string) error {
		<-hang
		return nil
	})
	for _, id := range moved {
		f.save(id, nil, move("b"))
	}
	f.until(func() bool { return f.services["a"].called("release") == groupLimit })
	id := f.book("b", "Quick")
	f.settle(id)
	close(hang)
	f.settle(moved...)
	f.check()
}
