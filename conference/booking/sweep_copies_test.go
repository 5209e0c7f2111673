package booking

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

// A copy that somebody made of our conference at the service carries our key too. It is not ours.
func TestSweepCopies(t *testing.T) {
	a := newSweptAccount(t)
	h := a.house(t)
	kept := h.book("kept")
	a.conference(kept.Key, "copied by hand")
	h.wantSweep(h.sweep(), "ours 2 live 1 strays 1 deleted 0 drifted 0 missing 0")
	h.pass(25 * time.Hour)
	h.wantSweep(h.sweep(), "ours 2 live 1 strays 1 deleted 0 drifted 0 missing 0")
	a.want("copied by hand, kept")
}

// Where nearly everything is missing it is rather the account that is another one.
func TestSweepAllMissing(t *testing.T) {
	a := newSweptAccount(t)
	h := a.house(t)
	for i := range 12 {
		room := h.book(fmt.Sprintf("meeting %d", i))
		if err := a.Release(t.Context(), known(&room)); err != nil {
			t.Fatal(err)
		}
	}
	h.pass(time.Minute)
	s := h.sweep()
	if p := s.Accounts[0].Problem; !s.Failed() || !strings.Contains(p, "12 of 12") {
		t.Errorf("the sweep says %+v, want that 12 are missing and left", s.Accounts[0])
	}
	h.update(func(tx *store.Tx) error {
		for id := int64(1); id <= 12; id++ {
			r, err := tx.RoomByID(id)
			if err != nil {
				return err
			}
			if m, err := decodeMeeting(r.Meeting); err != nil || m.Title == "" || r.State != "live" {
				t.Errorf("room %d is %s with %s, %v", id, r.State, r.Meeting, err)
			}
		}
		return nil
	})
}
