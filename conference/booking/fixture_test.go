package booking

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// A fixture is a real store, the real outbox, services in memory and a calendar of wants.
type fixture struct {
	t        *testing.T
	store    *store.Store
	services map[string]*service
	cal      *calendar
	opts     Options // overrides for start
	event    int64
	user     int64

	mu     sync.Mutex
	runner *outbox.Runner // the present one; nil before the first
}

func newFixture(t *testing.T, names ...string) *fixture {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), store.Options{})
	noError(t, err)
	t.Cleanup(func() { s.Close() })
	f := &fixture{t: t, store: s, services: map[string]*service{}, cal: &calendar{wants: map[int64]Want{}}}
	for _, name := range names {
		f.services[name] = newService(name)
	}
	f.update(func(tx *store.Tx) error {
		u := &store.User{Login: "anna", Addresses: []string{"anna@example.org"}}
		err := tx.CreateUser(u)
		f.user = u.ID
		return err
	})
	return f
}

// touch notes work and wakes the outbox, if one runs.
func (f *fixture) touch(tx *store.Tx, id int64) error {
	f.mu.Lock()
	runner := f.runner
	f.mu.Unlock()
	if runner == nil {
		return tx.TouchWork(Kind, id, f.store.Now())
	}
	return runner.Touch(tx, Kind, id, f.store.Now())
}

func (f *fixture) update(do func(*store.Tx) error) {
	f.t.Helper()
	noError(f.t, f.store.Update(context.Background(), do))
}

// book makes a booking that is wanted at a provider, and its work.
func (f *fixture) book(provider, title string) int64 {
	f.t.Helper()
	var id int64
	f.update(func(tx *store.Tx) error {
		f.event++
		e := &store.Event{UserID: f.user, UID: fmt.Sprintf("uid-%d", f.event), Role: store.RoleOrganizer}
		if err := tx.PutEvent(e); err != nil {
			return err
		}
		b := &store.Booking{EventID: e.ID, UserID: f.user, PublicID: e.UID, State: store.BookingWanted, Provider: provider, Generation: 1}
		if err := tx.PutBooking(b); err != nil {
			return err
		}
		id = b.ID
		f.cal.set(id, func(w *Want) { *w = Want{Needed: true, Meeting: testMeeting(title)} })
		return f.touch(tx, id)
	})
	return id
}

func testMeeting(title string) conference.Meeting {
	start := time.Date(2021, 5, 6, 7, 0, 0, 0, time.UTC) // has begun: what is over becomes history
	return conference.Meeting{Title: title, Start: start, End: start.Add(time.Hour), Zone: "Europe/Moscow"}
}

// save changes what an event asks for, and its booking, and touches the work, as a save does.
func (f *fixture) save(id int64, want func(*Want), booking func(*store.Booking)) {
	f.t.Helper()
	f.update(func(tx *store.Tx) error {
		if want != nil {
			f.cal.set(id, want)
		}
		if booking != nil {
			b, err := tx.BookingByID(id)
			if err != nil {
				return err
			}
			booking(b)
			if err := tx.PutBooking(b); err != nil {
				return err
			}
		}
		return f.touch(tx, id)
	})
}

func drop(w *Want)               { w.Needed = false }
func rotate(b *store.Booking)    { b.Generation++ }
func dropped(b *store.Booking)   { b.State = store.BookingDropped }
func title(s string) func(*Want) { return func(w *Want) { w.Meeting.Title = s } }
func move(to string) func(*store.Booking) {
	return func(b *store.Booking) { b.Provider, b.Generation = to, b.Generation+1 }
}

// reconciler makes one on the fixture's world, and an outbox that runs it.
func (f *fixture) reconciler() (*Reconciler, *outbox.Runner) {
	runner := outbox.New(f.store, outbox.Options{Backoff: func(int) time.Duration { return 3 * time.Millisecond }})
	o := f.opts
	o.Store, o.Outbox, o.Calendar = f.store, runner, f.cal
	if o.Late == nil {
		o.Late = within(time.Millisecond)
	}
	if o.DeniedRetry == nil {
		o.DeniedRetry = func(string, int) time.Duration { return 5 * time.Millisecond }
	}
	if o.Providers == nil {
		o.Providers = map[string]conference.Provider{}
		for name, s := range f.services {
			o.Providers[name] = conference.Guard(findingAccount{account{s}}, conference.GuardOptions{Name: name, Timeout: 2 * time.Second})
		}
	}
	r := New(o)
	runner.Add(r.Queue())
	f.mu.Lock()
	f.runner = runner
	f.mu.Unlock()
	return r, runner
}

// start runs a reconciler until the test's end or stop.
func (f *fixture) start() (stop func()) {
	f.t.Helper()
	r, runner := f.reconciler()
	return f.run(r, runner)
}

func (f *fixture) run(r *Reconciler, runner *outbox.Runner) (stop func()) {
	f.t.Helper()
	f.update(r.Recover)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				f.t.Errorf("the outbox ended with %v", err)
			}
		})
	}
	f.t.Cleanup(stop)
	return stop
}

// settle waits until nothing is to be done for the bookings within the next seconds.
func (f *fixture) settle(ids ...int64) {
	f.t.Helper()
	f.until(func() bool {
		idle := true
		f.view(func(tx *store.Tx) error {
			for _, id := range ids {
				w, err := tx.WorkOf(Kind, id)
				if errors.Is(err, store.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				idle = idle && w.Lease == "" && w.Due.After(f.store.Now().Add(5*time.Second))
			}
			return nil
		})
		return idle
	})
}

func (f *fixture) until(done func() bool) {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(end) {
			f.t.Fatalf("it does not come about:\n%s", f.dump())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (f *fixture) view(do func(*store.Tx) error) {
	f.t.Helper()
	noError(f.t, f.store.View(context.Background(), do))
}

func (f *fixture) booking(id int64) (b *store.Booking, rooms []store.Room) {
	f.t.Helper()
	f.view(func(tx *store.Tx) (err error) {
		if b, err = tx.BookingByID(id); err != nil {
			return err
		}
		rooms, err = tx.Rooms(id)
		return err
	})
	return b, rooms
}

func (f *fixture) states(id int64) string {
	_, rooms := f.booking(id)
	var states []string
	for _, r := range rooms {
		states = append(states, r.State)
	}
	return strings.Join(states, " ")
}

func (f *fixture) steps(id int64) string {
	var out []string
	f.view(func(tx *store.Tx) error {
		steps, err := tx.Steps(id)
		for _, s := range steps {
			out = append(out, s.What+": "+s.Outcome)
		}
		return err
	})
	return strings.Join(out, "; ")
}

func (f *fixture) dump() string {
	var out strings.Builder
	for id := range f.cal.all() {
		b, rooms := f.booking(id)
		fmt.Fprintf(&out, "booking %d gen %d at %s link %q problem %q\n", id, b.Generation, b.Provider, b.Link, b.Problem)
		for _, r := range rooms {
			fmt.Fprintf(&out, "  room %d gen %d %s %s unclear %v %v %s\n", r.ID, r.Generation, r.Provider, r.State, r.Unclear, r.Refs, r.LastError)
		}
		fmt.Fprintf(&out, "  %s\n", f.steps(id))
	}
	return out.String()
}

// check holds the world to the one rule: every wanted booking has exactly one conference, complete,
// at its provider, as asked for, and its event carries the link; and there is none besides. Those
// of meetings that took place are left out.
func (f *fixture) check() {
	f.t.Helper()
	rest := map[string]conf{}
	for name, s := range f.services {
		for _, c := range s.all() {
			rest[name+" "+c.event] = c
		}
	}
	for id, want := range f.cal.all() {
		b, rooms := f.booking(id)
		var found []string
		for place, c := range rest {
			i := slices.IndexFunc(rooms, func(r store.Room) bool { return r.Key == c.key })
			if i < 0 {
				continue
			}
			delete(rest, place)
			if conference.RoomState(rooms[i].State) == conference.RoomHistory {
				continue
			}
			found = append(found, place)
			switch {
			case !want.Needed:
			case c.session == "" || c.title != want.Meeting.Title || !c.start.Equal(want.Meeting.Start):
				f.t.Errorf("booking %d: the conference is %+v, want %q at %v", id, c, want.Meeting.Title, want.Meeting.Start)
			case b.Link != c.made || !strings.HasPrefix(place, b.Provider+" "):
				f.t.Errorf("booking %d at %s has the link %q, the conference is %q at %s", id, b.Provider, b.Link, c.made, place)
			}
		}
		if n := len(found); n != 1 && want.Needed || n != 0 && !want.Needed {
			f.t.Errorf("booking %d (needed: %v) has the conferences %q", id, want.Needed, found)
		}
	}
	for place, c := range rest {
		f.t.Errorf("nobody's conference: %s %+v", place, c)
	}
	if f.t.Failed() {
		f.t.Logf("%s", f.dump())
	}
}

// A calendar is what bookings come from.
type calendar struct {
	mu      sync.Mutex
	wants   map[int64]Want
	written []string // links, in order
	reasons []string // told, in order
	fail    error    // of Ready
}

func (c *calendar) set(id int64, f func(*Want)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.wants[id]
	f(&w)
	c.wants[id] = w
}

func (c *calendar) all() map[int64]Want {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[int64]Want{}
	for id, w := range c.wants {
		all[id] = w
	}
	return all
}

func (c *calendar) told() (links, reasons []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.written), slices.Clone(c.reasons)
}

func (c *calendar) Wanted(_ *store.Tx, b *store.Booking, _ time.Time) (Want, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wants[b.ID], nil
}

func (c *calendar) Ready(tx *store.Tx, b *store.Booking, r *store.Room) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return c.fail
	}
	if b.Link == r.JoinURL && b.Problem == "" {
		return nil
	}
	b.Link, b.Problem = r.JoinURL, ""
	if err := tx.PutBooking(b); err != nil {
		return err
	}
	tx.OnCommit(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.written = append(c.written, r.JoinURL)
	})
	return nil
}

func (c *calendar) Warned(tx *store.Tx, b *store.Booking, reason string) error {
	b.Warning = reason
	return tx.PutBooking(b)
}

func (c *calendar) Over(*store.Tx, *store.Booking) error { return nil }

func (c *calendar) Failed(tx *store.Tx, b *store.Booking, reason string) error {
	b.Problem = reason
	tx.OnCommit(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reasons = append(c.reasons, reason)
	})
	return tx.PutBooking(b)
}

// within is the same bound for every account.
func within(d time.Duration) func(string) time.Duration {
	return func(string) time.Duration { return d }
}
