package booking

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

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

// Where a lost call may still take effect, no other conference is made and none is forgotten.
func TestLateEffect(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		f := newFixture(t, "a")
		f.opts.Late = within(300 * time.Millisecond)
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

// An update that failed after it had an effect does not stay when what was before is wanted again.
func TestHalfUpdate(t *testing.T) {
	f := newFixture(t, "a")
	f.start()
	id := f.book("a", "Plan")
	f.settle(id)
	_, rooms := f.booking(id)
	a, event := f.services["a"], rooms[0].Refs["event"]
	a.on(times(1, "before update", func() error {
		a.change(event, func(c *conf) { c.title = "Other" })
		f.save(id, title("Plan"), nil)
		return &conference.Error{Kind: conference.Temporary, Call: "PUT session", Err: io.EOF}
	}))
	f.save(id, title("Other"), nil)
	f.settle(id)
	f.check()
	if _, rooms = f.booking(id); rooms[0].Unclear || a.called("update") != 2 {
		t.Errorf("the room is %+v after %d updates, want it clear after 2", rooms[0], a.called("update"))
	}
}

// An update that was given up and takes effect after a newer one does not stay.
func TestLateUpdate(t *testing.T) {
	f := newFixture(t, "a")
	f.opts.Late = within(300 * time.Millisecond)
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
