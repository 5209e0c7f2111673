package booking

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/store"
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

// A room whose booking nobody would look at again is looked at when the program starts.
func TestRecoverForgotten(t *testing.T) {
	f := newFixture(t, "a")
	id := f.book("a", "Plan")
	stop := f.start()
	f.until(func() bool { b, _ := f.booking(id); return b.Link != "" })
	f.settle(id)
	stop()
	f.cal.set(id, func(w *Want) { w.Meeting.Title = "Changed" })
	f.view(func(tx *store.Tx) error {
		if _, err := tx.WorkOf(Kind, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("there is work for the booking: %v", err)
		}
		return nil
	})
	f.start()
	f.until(func() bool { _, rooms := f.booking(id); return strings.Contains(rooms[0].Meeting, "Changed") })
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
