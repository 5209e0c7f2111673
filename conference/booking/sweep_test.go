package booking

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/mtslink"
	"joinery/store"
	"joinery/store/outbox"
)

// Strays of ours are deleted after a day, and nothing else: neither another installation's nor what
// people made by hand, nor what is live or took place, nor what the reconciler is still at.
func TestSweepStrays(t *testing.T) {
	a := newSweptAccount(t)
	h, neighbour := a.house(t), a.house(t)
	kept := h.book("kept")
	neighbour.book("neighbour's")
	a.conference(neighbour.prefix()+"77", "neighbour's stray")
	a.conference("", "by hand")
	a.conference(kept.Key+"x", "by hand, tagged")
	gone := h.book("gone")
	h.put(&gone, func(r *store.Room) { r.State = string(conference.RoomGone) })
	begun := h.book("begun")
	h.put(&begun, func(r *store.Room) { r.State, r.Refs = string(conference.RoomCreating), nil })
	a.conference(kept.Key, "double")
	h.lostAnswer(kept.ID)
	for _, what := range []string{"live", "ended"} {
		room := h.book(what)
		h.put(&room, func(r *store.Room) { r.State = string(conference.RoomGone) })
		if err := a.Start(t.Context(), known(&room)); err != nil {
			t.Fatal(err)
		}
		if what == "ended" {
			if err := a.Stop(t.Context(), known(&room)); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := "begun, by hand, by hand, tagged, double, ended, gone, kept, live, neighbour's, neighbour's stray"

	look, err := h.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.wantSweep(look, "ours 6 live 1 strays 3 deleted 0 drifted 0 missing 0")
	if got := look.Accounts[0].Others; got != 3 {
		t.Errorf("others' conferences with keys: got %d, want 3", got)
	}
	h.update(func(tx *store.Tx) error {
		if known, err := tx.Strays("a"); err != nil || len(known) > 0 {
			t.Errorf("looking remembered %v, %v", known, err)
		}
		if _, swept, err := LastSweep(tx); swept || err != nil {
			t.Errorf("looking is taken for a sweep: %v", err)
		}
		return nil
	})

	h.wantSweep(h.sweep(), "ours 6 live 1 strays 3 deleted 0 drifted 0 missing 0")
	since := h.clock()
	h.pass(23 * time.Hour)
	late := h.sweep()
	h.wantSweep(late, "ours 6 live 1 strays 3 deleted 0 drifted 0 missing 0")
	if got := late.Accounts[0].Strays[0]; !got.Since.Equal(since) || got.Due {
		t.Errorf("a stray is %+v, want it first seen at %v and not due", got, since)
	}
	a.want(all)
	h.pass(2 * time.Hour)
	h.wantSweep(h.sweep(), "ours 6 live 1 strays 3 deleted 2 drifted 0 missing 0")
	a.want("begun, by hand, by hand, tagged, ended, kept, live, neighbour's, neighbour's stray")
	h.wantSweep(h.sweep(), "ours 4 live 1 strays 1 deleted 0 drifted 0 missing 0")
	h.update(func(tx *store.Tx) error {
		if known, err := tx.Strays("a"); err != nil || len(known) != 1 {
			t.Errorf("remembered are %v, %v; want the live one", known, err)
		}
		steps, err := tx.Steps(gone.BookingID)
		if err != nil || len(steps) != 1 || steps[0].Outcome != "deleted stray" {
			t.Errorf("steps of the room that was gone: got %+v, %v", steps, err)
		}
		return nil
	})
	neighbour.sweep()
	a.want("begun, by hand, by hand, tagged, ended, kept, live, neighbour's, neighbour's stray")
}

// What somebody changed or deleted at the service is handed to the reconciler, once; a service that
// has its own way is not fought.
func TestSweepDrift(t *testing.T) {
	a := newSweptAccount(t)
	h := a.house(t)
	same, renamed, moved, deleted := h.book("same"), h.book("renamed"), h.book("moved"), h.book("deleted")
	foreign := func(r store.Room, change func(*conference.Meeting)) {
		t.Helper()
		m, err := decodeMeeting(r.Meeting)
		if err != nil {
			t.Fatal(err)
		}
		change(&m)
		if _, err := a.Update(t.Context(), known(&r), m); err != nil {
			t.Fatal(err)
		}
	}
	party := func(m *conference.Meeting) { m.Title = "party" }
	foreign(renamed, party)
	foreign(moved, func(m *conference.Meeting) { m.Start, m.End = m.Start.Add(time.Hour), m.End.Add(time.Hour) })
	if err := a.Release(t.Context(), known(&deleted)); err != nil {
		t.Fatal(err)
	}
	check := func(when string, room store.Room, marked, touched bool) {
		t.Helper()
		row, work := h.row(room.ID)
		if (row.Meeting != room.Meeting) != marked || work != touched {
			t.Errorf("%s, %s: marked %v, touched %v; want %v, %v", when, room.Key, row.Meeting != room.Meeting, work, marked, touched)
		}
	}

	look, err := h.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.wantSweep(look, "ours 3 live 4 strays 0 deleted 0 drifted 2 missing 1")
	check("looked", renamed, false, false)

	h.wantSweep(h.sweep(), "ours 3 live 4 strays 0 deleted 0 drifted 2 missing 1")
	check("swept", same, false, false)
	for _, r := range []store.Room{renamed, moved, deleted} {
		check("swept", r, true, true)
	}
	row, _ := h.row(renamed.ID)
	if m, err := decodeMeeting(row.Meeting); err != nil || m.Title != "party" || m.Key != renamed.Key {
		t.Errorf("the row's meeting is %+v, %v; want what the service has", m, err)
	}
	h.pass(time.Minute)
	h.wantSweep(h.sweep(), "ours 3 live 4 strays 0 deleted 0 drifted 0 missing 0")

	// The reconciler's update, after which the same name stands there again.
	settle := func() {
		t.Helper()
		h.put(row, func(r *store.Room) { r.Meeting = renamed.Meeting })
		h.update(func(tx *store.Tx) error {
			w, err := tx.ClaimWork(Kind, tx.Now(), "lease", tx.Now().Add(time.Minute))
			for ; err == nil; w, err = tx.ClaimWork(Kind, tx.Now(), "lease", tx.Now().Add(time.Minute)) {
				if err := tx.FinishWork(w, time.Time{}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	settle()
	for range 2 {
		s := h.sweep()
		h.wantSweep(s, "ours 3 live 4 strays 0 deleted 0 drifted 1 missing 0")
		if d := s.Accounts[0].Drifted[0]; !d.Left || d.Title != "renamed" || d.Found != `its title is "party"` {
			t.Errorf("the difference is %+v, want it left", d)
		}
		check("again", renamed, false, false)
	}
	h.update(func(tx *store.Tx) error {
		steps, err := tx.Steps(renamed.BookingID)
		if err != nil || len(steps) != 2 || steps[0].Outcome != "differs" || steps[1].Outcome != "left" {
			t.Errorf("steps: got %+v, %v", steps, err)
		}
		return nil
	})

	// Set right at last, and changed once more by somebody: that is new.
	foreign(renamed, func(*conference.Meeting) {})
	h.wantSweep(h.sweep(), "ours 3 live 4 strays 0 deleted 0 drifted 0 missing 0")
	foreign(renamed, party)
	h.wantSweep(h.sweep(), "ours 3 live 4 strays 0 deleted 0 drifted 1 missing 0")
	check("anew", renamed, true, true)
}

// A run that would delete many deletes none, unless it is told exactly how many.
func TestSweepBrake(t *testing.T) {
	a := newSweptAccount(t)
	h := a.house(t)
	h.update(func(tx *store.Tx) error { return tx.SkipRoomIDs(100) })
	for i := range 6 {
		a.conference(fmt.Sprintf("%s%d", h.prefix(), i+1), "stray")
	}
	h.book("kept")
	h.sweep()
	h.pass(25 * time.Hour)
	for _, allowed := range []int{0, 5, 7} {
		s, err := h.Run(t.Context(), allowed, false)
		if err != nil || !s.Braked || s.Due != 6 || s.Limit != 5 || s.deleted() != 0 {
			t.Errorf("allowed %d: got %+v, %v; want it braked", allowed, s, err)
		}
	}
	h.update(func(tx *store.Tx) error {
		if s, ok, err := LastSweep(tx); err != nil || !ok || !s.Braked {
			t.Errorf("the last sweep: got %+v, %v, %v", s, ok, err)
		}
		return nil
	})
	if n := len(a.service.State().Conferences); n != 7 {
		t.Errorf("%d conferences are left, want all 7", n)
	}
	s, err := h.Run(t.Context(), 6, false)
	if err != nil || s.Braked || s.deleted() != 6 {
		t.Errorf("allowed 6: got %+v, %v", s, err)
	}
	a.want("kept")
}

// An account that fails is passed over, and tried again soon.
func TestSweepAccountFails(t *testing.T) {
	a, b := newSweptAccount(t), newSweptAccount(t)
	h := a.house(t)
	h.providers["b"] = b
	h.providers["c"] = account{newService("c")} // cannot list
	h.book("kept")
	a.conference(h.prefix()+"1", "double")
	h.lostAnswer(1)
	b.service.SetPlanLapsed(true)
	h.sweep()
	h.pass(25 * time.Hour)
	s := h.sweep()
	if len(s.Accounts) != 2 || s.Accounts[0].Deleted != 1 || s.Accounts[0].Problem != "" || s.Accounts[1].Problem == "" {
		t.Errorf("got %+v, want one deleted at a, and b's problem", s.Accounts)
	}
	a.want("kept")
	h.update(func(tx *store.Tx) error {
		w, err := tx.WorkOf(SweepKind, sweepSubject)
		if err == nil && (w.Lease != "" || !w.Due.Equal(tx.Now().Add(failedAgain))) {
			t.Errorf("the next sweep is %+v, want it free and due in %v", w, failedAgain)
		}
		return err
	})
}

// A booking without link that nobody would look at is looked at.
func TestSweepWaiting(t *testing.T) {
	h := newSweptAccount(t).house(t)
	add := func() (id int64) {
		h.update(func(tx *store.Tx) error {
			b := &store.Booking{State: store.BookingWanted, Provider: "a"}
			err := tx.PutBooking(b)
			id = b.ID
			return err
		})
		return id
	}
	lost, worked := add(), add()
	h.update(func(tx *store.Tx) error { return tx.TouchWork(Kind, worked, tx.Now().Add(time.Hour)) })
	h.pass(waitingLong)
	fresh := add()
	if s, err := h.Look(t.Context()); err != nil || s.Touched != 1 {
		t.Errorf("looking: got %+v, %v; want one", s, err)
	}
	if s := h.sweep(); s.Touched != 1 {
		t.Errorf("got %+v, want one touched", s)
	}
	h.update(func(tx *store.Tx) error {
		if w, err := tx.WorkOf(Kind, lost); err != nil || w.Due.After(tx.Now()) {
			t.Errorf("the lost booking's work: got %+v, %v", w, err)
		}
		if _, err := tx.WorkOf(Kind, fresh); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the fresh booking's work: got %v, want none", err)
		}
		return nil
	})
}

// The queue sweeps at the start and then by itself; a run beside it waits for its turn.
func TestSweepQueue(t *testing.T) {
	a := newSweptAccount(t)
	h := a.house(t)
	runner := outbox.New(h.store, outbox.Options{})
	sweeper := NewSweeper(SweepOptions{Store: h.store, Outbox: runner, Providers: h.providers, Every: 3 * time.Hour})
	runner.Add(sweeper.Queue())
	h.update(sweeper.Recover)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var w *store.Work
		h.update(func(tx *store.Tx) (err error) {
			w, err = tx.WorkOf(SweepKind, sweepSubject)
			return err
		})
		if w.Lease == "" && w.Due.Equal(sweepNow.Add(3*time.Hour)) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the sweep's work is %+v", w)
		}
	}
	h.sweep()
	cancel()
	noError(t, <-done)
	h.update(func(tx *store.Tx) error {
		if s, ok, err := LastSweep(tx); err != nil || !ok || !s.At.Equal(sweepNow) {
			t.Errorf("the last sweep: got %+v, %v, %v", s, ok, err)
		}
		return nil
	})

	// Somebody else's lease is waited for, and not disturbed.
	h.update(func(tx *store.Tx) error {
		if err := tx.TouchWork(SweepKind, sweepSubject, tx.Now()); err != nil {
			return err
		}
		_, err := tx.ClaimSubject(SweepKind, sweepSubject, tx.Now(), "theirs", tx.Now().Add(time.Minute))
		return err
	})
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.Run(short, 0, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beside another sweep: got %v", err)
	}
}

// A meddled account is one where something happens while it is swept.
type meddled struct {
	*mtslink.Provider
	listed, asked func() // after the list, before the status is told
}

func (m *meddled) List(ctx context.Context, prefix string, from, to time.Time) ([]conference.Listed, error) {
	list, err := m.Provider.List(ctx, prefix, from, to)
	if m.listed != nil && prefix != "" {
		m.listed()
	}
	return list, err
}

func (m *meddled) Status(ctx context.Context, r conference.Room) (conference.Status, error) {
	if m.asked != nil {
		m.asked()
	}
	return m.Provider.Status(ctx, r)
}

// What changes while a sweep is under way is not deleted and not marked.
func TestSweepMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		listed, asked func(h *sweptHouse, stray conference.Room, room store.Room)
		want          string // of the account
		kept          string
	}{
		"it begins": {listed: func(h *sweptHouse, stray conference.Room, _ store.Room) {
			noError(h.T, h.Start(h.Context(), stray))
		}, want: "stray", kept: "it is live"},
		"it took place": {listed: func(h *sweptHouse, stray conference.Room, _ store.Room) {
			noError(h.T, errors.Join(h.Start(h.Context(), stray), h.Stop(h.Context(), stray)))
		}, want: "stray", kept: "it is ended"},
		"it is deleted": {listed: func(h *sweptHouse, stray conference.Room, _ store.Room) {
			noError(h.T, h.Release(h.Context(), stray))
		}},
		"its room is there again": {asked: func(h *sweptHouse, stray conference.Room, room store.Room) {
			h.put(&room, func(r *store.Room) { r.State, r.Refs = string(conference.RoomCreating), nil })
		}, want: "stray", kept: "it belongs to a room now"},
		"a restore is found": {asked: func(h *sweptHouse, _ conference.Room, _ store.Room) {
			h.update(func(tx *store.Tx) error { return writeMeta(tx, metaRestore, Restore{Found: tx.Now(), Why: "test"}) })
		}, want: "stray", kept: "the database was restored"},
		"nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			a := newSweptAccount(t)
			h := a.house(t)
			m := &meddled{Provider: a.Provider}
			h.providers["a"] = m
			room := h.book("stray")
			stray := known(&room)
			h.put(&room, func(r *store.Room) { r.State = string(conference.RoomGone) })
			h.sweep()
			h.pass(25 * time.Hour)
			if test.listed != nil {
				m.listed = func() { test.listed(h, stray, room) }
			}
			if test.asked != nil {
				m.asked = func() { test.asked(h, stray, room) }
			}
			s := h.sweep()
			a.want(test.want)
			if got := s.Accounts[0].Strays[0]; got.Kept != test.kept || got.Deleted != (test.kept == "") {
				t.Errorf("the stray is %+v, want it kept because %q", got, test.kept)
			}
		})
	}
	t.Run("the room changes", func(t *testing.T) {
		a := newSweptAccount(t)
		h := a.house(t)
		m := &meddled{Provider: a.Provider}
		h.providers["a"] = m
		room := h.book("missing")
		noError(t, a.Release(t.Context(), known(&room)))
		m.asked = func() { h.put(&room, func(r *store.Room) { r.State = string(conference.RoomGone) }) }
		h.sweep()
		if row, touched := h.row(room.ID); row.Meeting != room.Meeting || touched {
			t.Errorf("marked %v, touched %v although it had changed", row.Meeting != room.Meeting, touched)
		}
	})
}

// A slowLister lists nothing and takes its time to tell that everything is there.
type slowLister struct {
	account
	asked []string
}

func (*slowLister) List(context.Context, string, time.Time, time.Time) ([]conference.Listed, error) {
	return nil, nil
}

func (l *slowLister) Status(_ context.Context, r conference.Room) (conference.Status, error) {
	l.asked = append(l.asked, r.Refs["event"])
	time.Sleep(40 * time.Millisecond)
	return conference.StatusPlanned, nil
}

// A sweep that has not the time for all goes on where it was, and comes to an end.
func TestSweepGoesOn(t *testing.T) {
	h := newSweptAccount(t).house(t)
	slow := &slowLister{account: account{newService("a")}}
	for i := range 5 {
		room := h.book("there")
		h.put(&room, func(r *store.Room) { r.Refs = map[string]string{"event": fmt.Sprint(i)} })
	}
	h.providers["a"] = slow
	turns := 0
	for sweep := (Sweep{Unfinished: true}); sweep.Unfinished; turns++ {
		if turns > 5 {
			t.Fatal("it does not end")
		}
		j, err := h.claim(t.Context())
		noError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), callTime-5*time.Second+60*time.Millisecond)
		sweep, err = h.Sweeper.sweep(ctx, j, order{})
		cancel()
		noError(t, err)
		if len(sweep.Accounts[0].Missing) > 0 {
			t.Errorf("missing are %+v, and all are there", sweep.Accounts[0].Missing)
		}
		next := h.next(sweep)
		if next.After(h.clock()) == sweep.Unfinished {
			t.Errorf("unfinished %v, the next run is %v later", sweep.Unfinished, next.Sub(h.clock()))
		}
		h.update(func(tx *store.Tx) error { return tx.FinishWork(&j.Work, next) })
	}
	if got := strings.Join(slow.asked, " "); got != "0 1 2 3 4" || turns < 2 {
		t.Errorf("asked for %s in %d turns, want each once in some", got, turns)
	}
	h.sweep()
	if len(slow.asked) != 10 {
		t.Errorf("the next sweep asked for %d, want all five again", len(slow.asked)-5)
	}
}
