package booking

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// The life of a booking without faults, step by step.
func TestLife(t *testing.T) {
	f := newFixture(t, "a")
	f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	f.check()
	b, rooms := f.booking(id)
	if got, want := f.steps(id), "intend: ok; recorded event: ok; recorded session: ok; reserve: ok; write: ok"; got != want {
		t.Errorf("steps %q, want %q", got, want)
	}
	if r := rooms[0]; r.Key != f.store.Installation()+"-1" || !strings.Contains(r.Meeting, r.Key) || r.Unclear || r.Start.IsZero() {
		t.Errorf("the room is %+v", r)
	}
	first := b.Link

	f.save(id, title("Plan B"), nil)
	f.settle(id)
	f.check()
	if b, _ = f.booking(id); b.Link != first || b.Generation != 1 {
		t.Errorf("after a change the link is %q of generation %d, want %q of 1", b.Link, b.Generation, first)
	}
	f.save(id, nil, nil)
	f.settle(id)
	if n := f.services["a"].called("update"); n != 1 {
		t.Errorf("%d updates, want 1: nothing changed since", n)
	}

	f.save(id, nil, rotate)
	f.settle(id)
	f.check()
	if b, _ = f.booking(id); b.Link == first {
		t.Error("a rotation left the link")
	}

	f.save(id, drop, dropped)
	f.settle(id)
	f.check()
	if got := f.states(id); got != "gone gone" {
		t.Errorf("rooms are %s, want gone gone", got)
	}

	// It comes back: a link that nobody knows yet.
	f.save(id, func(w *Want) { w.Needed = true }, func(b *store.Booking) { b.State = store.BookingWanted })
	f.settle(id)
	f.check()
	if b, _ = f.booking(id); b.Generation != 3 {
		t.Errorf("generation %d, want 3", b.Generation)
	}
	if n := f.services["a"].called("find"); n != 0 {
		t.Errorf("%d finds without any doubt", n)
	}
}

// Each fault at each point leaves exactly one conference in the end, also where the organiser
// changes something meanwhile.
func TestFaults(t *testing.T) {
	faults := map[string]func() error{
		"temporary":  func() error { return fault(conference.Temporary) },
		"ambiguous":  func() error { return fault(conference.Ambiguous) },
		"unanswered": unansweredFault,
		"denied":     func() error { return fault(conference.Denied) },
		"foreign":    func() error { return errors.New("who knows") },
		"panic":      func() error { panic("scripted") },
	}
	// Definite errors after the effect would be the provider's lie.
	definite := map[string]bool{"temporary": true, "denied": true}
	points := []string{"before event", "after event", "before session", "after session", "before update", "after update", "before release", "after release"}
	f := newFixture(t, "a")
	f.start()
	for name, make := range faults {
		for _, point := range points {
			if definite[name] && point == "after event" {
				continue
			}
			t.Run(name+" "+point, func(t *testing.T) {
				f.t = t
				f.services["a"].on(times(2, point, make))
				id := f.book("a", name)
				f.settle(id)
				f.check()
				f.save(id, title("other"), nil)
				f.settle(id)
				f.check()
				f.save(id, nil, rotate)
				f.settle(id)
				f.check()
				f.save(id, drop, dropped)
				f.settle(id)
				f.check()
				if b, _ := f.booking(id); b.Problem != "" && point != "before release" && point != "after release" {
					t.Errorf("the problem %q stays", b.Problem)
				}
			})
		}
	}
}

// A change during a call, at each of its points.
func TestMeanwhile(t *testing.T) {
	changes := map[string]func(*fixture, int64){
		"title":    func(f *fixture, id int64) { f.save(id, title("New"), nil) },
		"rotate":   func(f *fixture, id int64) { f.save(id, nil, rotate) },
		"delete":   func(f *fixture, id int64) { f.save(id, drop, dropped) },
		"provider": func(f *fixture, id int64) { f.save(id, nil, move("b")) },
		"past":     func(f *fixture, id int64) { f.save(id, func(w *Want) { w.Needed, w.Past = false, true }, nil) },
	}
	f := newFixture(t, "a", "b")
	f.start()
	for name, change := range changes {
		for _, point := range []string{"before event", "after event", "before session", "after session"} {
			for _, lost := range []bool{false, true} {
				t.Run(name+" "+point, func(t *testing.T) {
					f.t = t
					var id int64
					booked := make(chan struct{})
					f.services["a"].on(times(1, point, func() error {
						<-booked
						change(f, id)
						if lost {
							return fault(conference.Ambiguous)
						}
						return nil
					}))
					before, _ := f.cal.told()
					id = f.book("a", "Old")
					close(booked)
					f.settle(id)
					if name == "past" && !lost {
						// It became live before it was past: it is history.
						if got := f.states(id); got != "history" {
							t.Errorf("rooms are %s, want history", got)
						}
					}
					f.check()
					// Nobody is told of a link that does not stay.
					want := 1
					if name == "delete" || name == "past" {
						want = 0
					}
					if links, _ := f.cal.told(); len(links)-len(before) != want {
						t.Errorf("told of %q, want %d links", links[len(before):], want)
					}
				})
			}
		}
	}
}

// People keep the old link until the new one stands in the event.
func TestOldRoomStays(t *testing.T) {
	f := newFixture(t, "a", "b")
	f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	b, _ := f.booking(id)
	old := b.Link

	f.services["b"].on(func(string, string) error { return fault(conference.Denied) })
	f.save(id, nil, move("b"))
	f.until(func() bool { return f.services["b"].called("reserve") > 2 })
	if n := len(f.services["a"].all()); n != 1 {
		t.Fatalf("the old conference is gone before there is a new one (%d)", n)
	}
	b, _ = f.booking(id)
	if b.Link != old || b.Problem != "other" {
		t.Errorf("link %q, problem %q; want %q, other", b.Link, b.Problem, old)
	}
	f.services["b"].on(nil)
	f.settle(id)
	f.check()
	if b, _ = f.booking(id); b.Problem != "" {
		t.Errorf("the problem %q stays", b.Problem)
	}
	if _, reasons := f.cal.told(); len(reasons) != 1 {
		t.Errorf("told %q, want one reason once", reasons)
	}
}

// Where a lost call may still take effect, no other conference is made and none is forgotten.
func TestLateEffect(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		f := newFixture(t, "a")
		f.opts.Late = 300 * time.Millisecond
		a := f.services["a"]
		f.start()
		a.on(times(1, "before event", func() error {
			m := testMeeting("Plan")
			m.Key = f.store.Installation() + "-1"
			time.AfterFunc(150*time.Millisecond, func() { a.post(m) })
			return unansweredFault()
		}))
		id := f.book("a", "Plan")
		if deleted {
			f.until(func() bool { return a.called("find") > 0 })
			f.save(id, drop, dropped)
		}
		f.settle(id)
		time.Sleep(10 * time.Millisecond)
		f.check()
		if n := a.called("find"); n < 2 {
			t.Errorf("%d finds, want one at once and one later", n)
		}
	}
}

// A late worker commits nothing; the next one finds what it made.
func TestLeaseLost(t *testing.T) {
	for _, point := range []string{"before event", "after event", "after session"} {
		f := newFixture(t, "a")
		var id int64
		booked := make(chan struct{})
		f.services["a"].on(times(1, point, func() error {
			<-booked
			f.update(func(tx *store.Tx) error {
				now := f.store.Now()
				_, err := tx.ClaimSubject(Kind, id, now.Add(2*outbox.Lease), "another", now.Add(50*time.Millisecond))
				return err
			})
			return nil
		}))
		f.start()
		id = f.book("a", "Plan")
		close(booked)
		f.settle(id)
		f.check()
		if steps := f.steps(id); !strings.Contains(steps, "find: ok") {
			t.Errorf("lost %s: steps %q; want it to be found", point, steps)
		}
	}
}

// What was deleted at the service by hand is made anew, with a link that is told.
func TestGoneOnUpdate(t *testing.T) {
	for _, ended := range []bool{false, true} {
		f := newFixture(t, "a")
		f.start()
		id := f.book("a", "Plan")
		f.settle(id)
		b, rooms := f.booking(id)
		old, a := b.Link, f.services["a"]
		if ended {
			a.change(rooms[0].Refs["event"], func(c *conf) { c.ended = true })
		} else {
			noError(t, account{a}.Release(t.Context(), known(&rooms[0])))
		}
		f.save(id, title("Later"), nil)
		f.settle(id)
		f.check()
		if b, _ = f.booking(id); b.Generation != 2 || b.Link == old {
			t.Errorf("generation %d, link %q; want 2 and another link", b.Generation, b.Link)
		}
		want := "gone live"
		if ended {
			want = "history live"
		}
		if got := f.states(id); got != want {
			t.Errorf("rooms are %s, want %s", got, want)
		}
	}
}

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
	f.opts.DeniedRetry = func(int) time.Duration { return time.Hour }
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

// A service that cannot look for keys: what was recorded is gone on from.
func TestWithoutFinder(t *testing.T) {
	f := newFixture(t, "a")
	f.opts.Providers = map[string]conference.Provider{"a": conference.Guard(account{f.services["a"]}, conference.GuardOptions{})}
	f.start()
	for _, point := range []string{"before event", "before session", "after session", "after update", "after release"} {
		f.services["a"].on(times(1, point, func() error { return fault(conference.Ambiguous) }))
		id := f.book("a", "Plan")
		f.settle(id)
		f.check()
		f.save(id, title("B"), nil)
		f.settle(id)
		f.check()
		f.save(id, drop, dropped)
		f.settle(id)
		f.check()
	}
}

// What the calendar cannot take is tried again; the room is not lost.
func TestCalendarFails(t *testing.T) {
	f := newFixture(t, "a")
	f.cal.fail = errors.New("the calendar is away")
	f.start()
	id := f.book("a", "Plan")
	f.until(func() bool { return strings.Contains(f.steps(id), "reserve: ok") })
	if got := f.states(id); got != "live" {
		t.Errorf("rooms are %s, want live", got)
	}
	f.cal.mu.Lock()
	f.cal.fail = nil
	f.cal.mu.Unlock()
	f.settle(id)
	f.check()
	if n := f.services["a"].called("reserve"); n != 1 {
		t.Errorf("%d reserves, want 1", n)
	}
}

// A room of a past meeting stays as history; moved into the future, its link works again.
func TestPast(t *testing.T) {
	f := newFixture(t, "a")
	f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	b, _ := f.booking(id)
	link := b.Link
	f.save(id, func(w *Want) { w.Needed, w.Past = false, true }, nil)
	f.settle(id)
	f.check()
	if got := f.states(id); got != "history" {
		t.Errorf("rooms are %s, want history", got)
	}
	f.save(id, func(w *Want) {
		w.Needed, w.Past = true, false
		w.Meeting.Start = w.Meeting.Start.Add(48 * time.Hour)
	}, nil)
	f.settle(id)
	f.check()
	if b, _ = f.booking(id); b.Link != link || f.states(id) != "live" {
		t.Errorf("link %q, rooms %s; want %q, live", b.Link, f.states(id), link)
	}
}

// Nothing is released before its time, and the timers are those that Want names.
func TestTimers(t *testing.T) {
	f := newFixture(t, "a")
	f.start()
	id := f.book("a", "Plan")
	look := f.store.Now().Add(time.Hour).Truncate(time.Second)
	f.cal.set(id, func(w *Want) { w.Look = look })
	f.save(id, nil, nil)
	f.settle(id)
	f.view(func(tx *store.Tx) error {
		w, err := tx.WorkOf(Kind, id)
		if err == nil && !w.Due.Equal(look) {
			t.Errorf("looked at again at %v, want %v", w.Due, look)
		}
		return err
	})
	at := f.store.Now().Add(150 * time.Millisecond)
	f.save(id, func(w *Want) { w.Needed, w.ReleaseAt, w.Look = false, at, time.Time{} }, dropped)
	time.Sleep(50 * time.Millisecond)
	if n := len(f.services["a"].all()); n != 1 {
		t.Fatalf("%d conferences before the time of release, want 1", n)
	}
	f.settle(id)
	f.check()
	if f.services["a"].called("release") != 1 || f.store.Now().Before(at) {
		t.Error("it was released before its time")
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

// Recover finds bookings whose work is not there.
func TestRecover(t *testing.T) {
	f := newFixture(t, "a")
	id := f.book("a", "Plan")
	f.update(func(tx *store.Tx) error {
		w, err := tx.ClaimWork(Kind, f.store.Now(), "lease", f.store.Now().Add(time.Minute))
		if err != nil {
			return err
		}
		if err := tx.PutRoom(&store.Room{BookingID: id, Generation: 1, Provider: "a", State: string(conference.RoomIntended)}); err != nil {
			return err
		}
		return tx.FinishWork(w, time.Time{})
	})
	f.start()
	f.until(func() bool { b, _ := f.booking(id); return b.Link != "" })
	f.settle(id)
	f.check()
	f.update(func(tx *store.Tx) error { return f.touch(tx, 4711) })
	f.settle(4711) // a booking that is not there is nothing to do
}

// The observer hears of every attempt, and no error's text tells more than it may.
func TestObserve(t *testing.T) {
	f := newFixture(t, "a")
	var seen []string
	f.opts.Observe = func(provider, action, outcome string) { seen = append(seen, provider+" "+action+" "+outcome) }
	f.services["a"].on(times(1, "after event", func() error { return errors.New("https://secret.example/?token=123") }))
	stop := f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	stop()
	want := "a reserve ambiguous, a find ok, a reserve ok"
	if got := strings.Join(seen, ", "); got != want {
		t.Errorf("observed %q, want %q", got, want)
	}
	f.view(func(tx *store.Tx) error {
		steps, err := tx.Steps(id)
		for _, s := range steps {
			if strings.Contains(s.Detail, "token") {
				t.Errorf("a step tells %q", s.Detail)
			}
		}
		return err
	})
	var e error = context.DeadlineExceeded
	if !unanswered(e) || unanswered(errors.New("x")) {
		t.Error("unanswered is wrong")
	}
}

// What was begun cannot be finished as it was begun, and by now something else is wanted: it makes
// room for another one.
func TestBegunOtherwise(t *testing.T) {
	f := newFixture(t, "a")
	f.opts.DeniedRetry = func(int) time.Duration { return time.Hour }
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

// A begun room that was taken away at the service is begun anew.
func TestBegunThenGone(t *testing.T) {
	f := newFixture(t, "a")
	a := f.services["a"]
	a.on(times(1, "before session", func() error {
		a.mu.Lock()
		clear(a.confs)
		a.mu.Unlock()
		return fault(conference.Temporary)
	}))
	f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	f.check()
	if got := f.states(id); got != "gone live" {
		t.Errorf("rooms are %s, want gone live", got)
	}
}

// An answer that comes while the program ends is kept.
func TestStopDuringCall(t *testing.T) {
	f := newFixture(t, "a")
	a := f.services["a"]
	reached, stopped := make(chan struct{}), make(chan struct{})
	a.on(times(1, "after event", func() error {
		close(reached)
		<-stopped
		return nil
	}))
	stop := f.start()
	id := f.book("a", "Plan")
	<-reached
	time.AfterFunc(20*time.Millisecond, func() { close(stopped) })
	stop()
	if steps := f.steps(id); !strings.Contains(steps, "recorded event") {
		t.Errorf("steps %q; want the event recorded", steps)
	}
	f.start()
	f.settle(id)
	f.check()
	if n := a.called("find"); n != 0 {
		t.Errorf("%d finds, want none", n)
	}
}

// An update that was given up and takes effect after a newer one does not stay.
func TestLateUpdate(t *testing.T) {
	f := newFixture(t, "a")
	f.opts.Late = 300 * time.Millisecond
	f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	_, rooms := f.booking(id)
	a, event := f.services["a"], rooms[0].Refs["event"]
	a.on(times(1, "before update", func() error {
		f.save(id, title("Newest"), nil)
		time.AfterFunc(150*time.Millisecond, func() { a.change(event, func(c *conf) { c.title = "Newer" }) })
		return &conference.Error{Kind: conference.Temporary, Call: "PUT event", Err: context.DeadlineExceeded}
	}))
	f.save(id, title("Newer"), nil)
	f.settle(id)
	f.check()
	_, rooms = f.booking(id)
	if r := rooms[0]; r.Unclear || r.LastError != "" || a.called("update") != 3 {
		t.Errorf("the room is %+v after %d updates, want it clear after 3", r, a.called("update"))
	}

	// Dropped while it is unclear, it is released without being looked for.
	a.on(times(1, "before update", unansweredFault))
	f.save(id, title("Last"), nil)
	f.until(func() bool { return a.called("update") > 4 })
	f.save(id, drop, dropped)
	f.settle(id)
	f.check()
	if n := a.called("find"); n != 0 {
		t.Errorf("%d finds, want none", n)
	}
}
