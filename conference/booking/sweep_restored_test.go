package booking

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"joinery/conference/emulator"
	"joinery/store"
	"joinery/store/outbox"
)

// After an older copy of the database was put back nothing is deleted or changed until somebody
// confirms, and no key is given twice.
func TestSweepRestored(t *testing.T) {
	a := newSweptAccount(t)
	h := a.house(t)
	first := h.book("first")
	noError(t, h.store.Close())
	backup, err := os.ReadFile(h.path)
	noError(t, err)
	h.open()
	for _, title := range []string{"second", "third", "fourth"} {
		h.book(title)
	}
	h.sweep()
	noError(t, h.store.Close())
	noError(t, os.WriteFile(h.path, backup, 0o600))
	h.open()
	if _, err := a.Update(t.Context(), known(&first), a.meeting(first.Key, "renamed since")); err != nil {
		t.Fatal(err)
	}

	// The reconciler's queue is held until the account was looked at, so that the next room is the fifth.
	var made store.Room
	gated := h.Gate(outbox.Queue{Kind: Kind, Group: func(context.Context, int64) string { return "a" },
		Handle: func(context.Context, *outbox.Job) (time.Time, error) {
			made = h.book("fifth")
			return time.Time{}, nil
		}})
	if _, err := gated.Handle(t.Context(), &outbox.Job{}); err != nil {
		t.Fatal(err)
	}
	if made.ID != 5 {
		t.Errorf("the new room has the number %d, want 5", made.ID)
	}
	for range 3 {
		h.pass(30 * time.Hour)
		s := h.sweep()
		h.wantSweep(s, "ours 5 live 2 strays 3 deleted 0 drifted 0 missing 0")
		if !s.Restore.InForce() || !strings.Contains(s.Restore.Why, first.Key[:len(first.Key)-1]+"4") {
			t.Errorf("the restore is %+v, want it found by the fourth key", s.Restore)
		}
	}
	a.want("fifth, fourth, renamed since, second, third")
	if row, touched := h.row(first.ID); row.Meeting != first.Meeting || touched {
		t.Error("the first room was marked although the restore was not confirmed")
	}

	h.update(func(tx *store.Tx) error {
		ok, err := ConfirmRestore(tx, "root")
		if !ok {
			t.Error("there was nothing to confirm")
		}
		return err
	})
	h.update(func(tx *store.Tx) error {
		if ok, err := ConfirmRestore(tx, "root"); ok || err != nil {
			t.Errorf("confirming again: got %v, %v", ok, err)
		}
		if r, err := RestoreOf(tx); err != nil || r.InForce() || r.Who != "root" || r.Found.IsZero() {
			t.Errorf("what is kept of it: %+v, %v", r, err)
		}
		return nil
	})
	// What differs at a live room is not asked any more: each is brought up to date anew.
	h.wantSweep(h.sweep(), "ours 5 live 2 strays 3 deleted 3 drifted 0 missing 0")
	a.want("fifth, renamed since")
	h.wantSweep(h.sweep(), "ours 2 live 2 strays 0 deleted 0 drifted 0 missing 0")
}

// Looking sees an older copy too, and remembers nothing.
func TestLookRestored(t *testing.T) {
	a := newSweptAccount(t)
	h := a.house(t)
	a.conference(h.prefix()+"9", "lost")
	s, err := h.Look(t.Context())
	if err != nil || !s.Restore.InForce() {
		t.Errorf("got %+v, %v; want the restore seen", s, err)
	}
	h.update(func(tx *store.Tx) error {
		r, err := RestoreOf(tx)
		if r.InForce() {
			t.Error("looking remembered the restore")
		}
		if last, err := tx.LastRoomID(); last != 0 || err != nil {
			t.Errorf("the last id: got %d, %v; want 0", last, err)
		}
		return err
	})
}

// The gate asks an account until it answers, for two minutes, and lets others' bookings pass.
func TestSweepGate(t *testing.T) {
	a, b := newSweptAccount(t), newSweptAccount(t)
	h := a.house(t)
	h.providers["b"] = b
	h.providers["c"] = account{newService("c")}
	fault := emulator.Fault{Call: "GET /organization/events/schedule", Kind: "500"}
	noError(t, b.service.SetFault(fault))
	passed := 0
	gate := h.Gate(outbox.Queue{Kind: Kind, Group: func(_ context.Context, id int64) string { return string(rune('a' + id)) },
		Handle: func(context.Context, *outbox.Job) (time.Time, error) { passed++; return time.Time{}, nil }})
	admitted := func(account int64) bool {
		before := passed
		_, err := gate.Handle(t.Context(), &outbox.Job{Work: store.Work{Subject: account}})
		if (err == nil) != (passed == before+1) {
			t.Errorf("passed %d after %d, error %v", passed, before, err)
		}
		return err == nil
	}
	lists := func(a *sweptAccount) int { return a.service.State().Calls["GET /organization/events/schedule"] }
	for _, step := range []struct {
		after   time.Duration
		account int64
		want    bool
		a, b    int
	}{{0, 1, false, 1, 1}, {0, 0, true, 1, 1}, {0, 2, true, 1, 1}, {0, 1, false, 1, 1}, {gateMemory, 1, false, 1, 2}, {0, 25, true, 1, 2}} {
		a.pass(step.after)
		b.pass(step.after)
		if got := admitted(step.account); got != step.want || lists(a) != step.a || lists(b) != step.b {
			t.Errorf("account %d: admitted %v, lists %d and %d; want %+v", step.account, got, lists(a), lists(b), step)
		}
	}
	a.pass(gatePatience + time.Second)
	if !admitted(1) {
		t.Error("the account that cannot be listed keeps its bookings for ever")
	}
	before := lists(b)
	if !admitted(1) || lists(b) != before {
		t.Error("it is asked again although it was given up")
	}
}
