package booking

import (
	"errors"
	"sync"
	"testing"
	"time"

	"joinery/store"
)

var errCrash = errors.New("crashed")

// A crash ends a reconciler at the n-th point that it comes to: before and after every commit, and
// at every point of every call. From then on nothing of it has any effect.
type crash struct {
	mu      sync.Mutex
	left    int
	place   string        // where it happened; empty: it did not
	hit     chan struct{} // closed by the crash
	stopped chan struct{} // closed when the process is gone
}

func newCrash(n int) *crash {
	return &crash{left: n, hit: make(chan struct{}), stopped: make(chan struct{})}
}

func (c *crash) at(point string) error {
	c.mu.Lock()
	c.left--
	left := c.left
	if left == 0 {
		c.place = point
		close(c.hit)
	}
	c.mu.Unlock()
	if left > 0 {
		return nil
	}
	<-c.stopped
	return errCrash
}

// crashAt runs a reconciler that crashes at the n-th point and tells where; it is empty if the
// bookings settled before.
func (f *fixture) crashAt(n int, id int64) string {
	f.t.Helper()
	c := newCrash(n)
	r, runner := f.reconciler()
	r.at = c.at
	for _, s := range f.services {
		s.on(func(point, _ string) error { return c.at(point) })
	}
	defer func() {
		for _, s := range f.services {
			s.on(nil)
		}
	}()
	stop := f.run(r, runner)
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		for {
			select {
			case <-c.hit:
				return
			case <-time.After(time.Millisecond):
			}
			var idle bool
			err := f.store.View(f.t.Context(), func(tx *store.Tx) error {
				w, err := tx.WorkOf(Kind, id)
				idle = errors.Is(err, store.ErrNotFound) || err == nil && w.Lease == "" && w.Due.After(f.store.Now().Add(time.Minute))
				return nil
			})
			if idle || err != nil {
				return
			}
		}
	}()
	<-settled
	// The runner's context ends first, so that nothing of the crash is recorded as a failure.
	time.AfterFunc(2*time.Millisecond, func() { close(c.stopped) })
	stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.place
}

// clean takes a booking and what it left at the services out of the world.
func (f *fixture) clean(id int64) {
	f.cal.mu.Lock()
	delete(f.cal.wants, id)
	f.cal.mu.Unlock()
	for _, s := range f.services {
		s.mu.Lock()
		clear(s.confs)
		s.mu.Unlock()
	}
}

// A crash at every point of every job, and a start afterwards: exactly one conference.
func TestCrash(t *testing.T) {
	later := func(w *Want) { w.Meeting.Start = w.Meeting.Start.Add(96 * time.Hour) }
	cases := []struct {
		name    string
		live    bool                  // the booking is live before the job
		before  func(*fixture, int64) // what the job is about
		between func(*fixture, int64) // what the organiser does while the server is away
	}{
		{name: "reserve"},
		{name: "reserve then move in time", between: func(f *fixture, id int64) { f.save(id, later, nil) }},
		{name: "reserve then rotate", between: func(f *fixture, id int64) { f.save(id, nil, rotate) }},
		{name: "reserve then delete", between: func(f *fixture, id int64) { f.save(id, drop, dropped) }},
		{name: "reserve then change provider", between: func(f *fixture, id int64) { f.save(id, nil, move("b")) }},
		{name: "update", live: true, before: func(f *fixture, id int64) { f.save(id, later, nil) }},
		{name: "update of a lost room", live: true, before: func(f *fixture, id int64) {
			_, rooms := f.booking(id)
			a := f.services["a"]
			a.mu.Lock()
			delete(a.confs, rooms[0].Refs["event"])
			a.mu.Unlock()
			f.save(id, later, nil)
		}},
		{name: "rotate", live: true, before: func(f *fixture, id int64) { f.save(id, nil, rotate) }},
		{name: "rotate then delete", live: true, before: func(f *fixture, id int64) { f.save(id, nil, rotate) },
			between: func(f *fixture, id int64) { f.save(id, drop, dropped) }},
		{name: "change provider", live: true, before: func(f *fixture, id int64) { f.save(id, nil, move("b")) }},
		{name: "delete", live: true, before: func(f *fixture, id int64) { f.save(id, drop, dropped) }},
		{name: "delete then back", live: true, before: func(f *fixture, id int64) { f.save(id, drop, dropped) },
			between: func(f *fixture, id int64) {
				f.save(id, func(w *Want) { w.Needed = true }, func(b *store.Booking) { b.State = store.BookingWanted })
			}},
	}
	f := newFixture(t, "a", "b")
	places := map[string]int{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f.t = t
			n := 1
			for ; !t.Failed(); n++ {
				id := f.book("a", "Plan")
				if c.live {
					stop := f.start()
					f.settle(id)
					stop()
				}
				if c.before != nil {
					c.before(f, id)
				}
				place := f.crashAt(n, id)
				places[place]++
				if place != "" && c.between != nil {
					c.between(f, id)
				}
				// A second crash while the first one is being mended.
				if second := f.crashAt(1+(n*5)%11, id); second != "" {
					places[second]++
				}
				stop := f.start()
				f.settle(id)
				stop()
				f.check()
				if t.Failed() {
					t.Logf("crashed at point %d, %q", n, place)
				}
				f.clean(id)
				if place == "" {
					break
				}
			}
			if n < 5 {
				t.Errorf("only %d points", n)
			}
		})
	}
	for _, place := range []string{"before commit", "after commit", "before event", "after event", "before session", "after session",
		"before update", "after update", "before release", "after release", "before find"} {
		if places[place] == 0 {
			t.Errorf("nothing crashed %q", place)
		}
	}
	t.Logf("crashes: %v", places)
}
