package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"joinery/store"
)

// Purging tombstones makes older tokens expire, and no others.
func TestPurgeExpiresTokens(t *testing.T) {
	clock := newClock()
	s := openStore(t, store.Options{Now: clock.now})
	c, untouched := newCalendar(t, s, "anna"), newCalendar(t, s, "boris")
	play(t, s, c.ID, 0, "put a; put b; put c")
	_, old, _ := changesSince(t, s, c.ID, 0, 0)
	_, oldOther, _ := changesSince(t, s, untouched.ID, 0, 0)
	clock.add(time.Hour)
	play(t, s, c.ID, 0, "del a")
	_, fresh, _ := changesSince(t, s, c.ID, old, 0)
	clock.add(time.Hour)
	play(t, s, c.ID, 0, "del b")
	cut := clock.now()
	purge(t, s, cut, 100)

	expired := func(what string, since int64) {
		t.Helper()
		view(t, s, func(tx *store.Tx) error {
			_, _, _, err := tx.Changes(c.ID, since, 0)
			wantErr(t, what, err, store.ErrExpiredToken)
			return nil
		})
	}
	expired("token of before", old)
	expired("negative token", -1)
	_, now, _ := changesSince(t, s, c.ID, fresh, 0)
	expired("token of the future", now+1)
	if got, _, _ := changesSince(t, s, c.ID, fresh, 0); got != "-b" {
		t.Errorf("since the purged tombstone: got %q, want -b", got)
	}
	if got, _, _ := changesSince(t, s, untouched.ID, oldOther, 0); got != "" {
		t.Errorf("other calendar: got %q, want nothing", got)
	}
	// A first sync in pages is never left with a token that is refused.
	play(t, s, c.ID, 0, "put d; put e")
	var members []string
	_, began, _ := changesSince(t, s, c.ID, 0, 0)
	view(t, s, func(tx *store.Tx) error {
		page, upTo, more, err := tx.Changes(c.ID, 0, 1)
		for ; err == nil && len(page) == 1; page, upTo, more, err = tx.MoreMembers(c.ID, upTo, began, 1) {
			members = append(members, page[0].Name)
			if !more {
				break
			}
		}
		return err
	})
	if want := []string{"c", "d", "e"}; !slices.Equal(members, want) {
		t.Errorf("first sync in pages: got %q, want %q", members, want)
	}
	view(t, s, func(tx *store.Tx) error {
		_, _, _, err := tx.MoreMembers(c.ID, 1, old, 1)
		wantErr(t, "first sync that began before the purge", err, store.ErrExpiredToken)
		_, _, _, err = tx.MoreMembers(c.ID, began+1, began, 1)
		wantErr(t, "first sync past its beginning", err, store.ErrExpiredToken)
		return nil
	})
}

// purge purges in batches and returns their number.
func purge(t *testing.T, s *store.Store, before time.Time, limit int) (batches int) {
	t.Helper()
	for more := true; more; batches++ {
		update(t, s, func(tx *store.Tx) (err error) {
			more, err = tx.PurgeHistory(before, limit)
			return err
		})
	}
	return batches
}

// However small the batches, the same is purged in the end, and no token outlives its tombstones.
func TestPurgeInBatches(t *testing.T) {
	for limit, want := range map[int]int{1: 14, 3: 5, 5: 3, 100: 1} {
		clock := newClock()
		s := openStore(t, store.Options{Now: clock.now})
		c := newCalendar(t, s, "anna")
		play(t, s, c.ID, 0, "put a; put b; put c; put d; put d")
		_, token, _ := changesSince(t, s, c.ID, 0, 0)
		play(t, s, c.ID, 0, "del a; del b; del c")
		_, fresh, _ := changesSince(t, s, c.ID, token, 0)
		update(t, s, func(tx *store.Tx) error {
			b := &store.Booking{EventID: 1, PublicID: "b"}
			if err := tx.PutBooking(b); err != nil {
				return err
			}
			r := &store.Room{BookingID: b.ID, Key: "k"}
			if err := tx.PutRoom(r); err != nil {
				return err
			}
			for i := range 3 {
				if err := tx.AddStep(&store.Step{RoomID: r.ID, At: tx.Now()}); err != nil {
					return err
				}
				if err := tx.AddAudit(&store.Audit{UserID: c.UserID, UID: "u", At: tx.Now()}); err != nil {
					return err
				}
				m := &store.Message{EventID: 1, MessageID: fmt.Sprint(i), Body: []byte("b"), State: store.MessageFailed}
				if err := tx.PutMessage(m); err != nil {
					return err
				}
			}
			return nil
		})
		clock.add(time.Hour)
		cut := clock.now()
		// One batch of one row leaves the newest tombstone, but the first token is gone with the oldest.
		if limit == 1 {
			update(t, s, func(tx *store.Tx) error {
				for range 2 {
					if more, err := tx.PurgeHistory(cut, limit); err != nil || !more {
						t.Errorf("first batches: got more %v (%v)", more, err)
					}
				}
				_, _, _, err := tx.Changes(c.ID, token, 0)
				wantErr(t, "token of before", err, store.ErrExpiredToken)
				return nil
			})
			want -= 2
		}
		if got := purge(t, s, cut, limit); got != want {
			t.Errorf("in batches of %d: got %d, want %d", limit, got, want)
		}
		view(t, s, func(tx *store.Tx) error {
			_, _, _, err := tx.Changes(c.ID, token, 0)
			wantErr(t, "token of before", err, store.ErrExpiredToken)
			if changes, _, _, err := tx.Changes(c.ID, fresh, 0); err != nil || len(changes) != 0 {
				t.Errorf("since then: got %v (%v), want nothing", changes, err)
			}
			steps, err := tx.Steps(1)
			if err != nil || len(steps) != 0 {
				t.Errorf("steps: got %v (%v), want none", steps, err)
			}
			audits, err := tx.Audits(c.UserID, "u")
			if err != nil || len(audits) != 0 {
				t.Errorf("audits: got %v (%v), want none", audits, err)
			}
			messages, err := tx.Messages(1)
			for _, m := range messages {
				if m.Size != 0 {
					t.Errorf("message %s keeps its body", m.MessageID)
				}
			}
			return err
		})
	}
}

func TestPurgeHistory(t *testing.T) {
	clock := newClock()
	s := openStore(t, store.Options{Now: clock.now})
	c := newCalendar(t, s, "anna")
	o := &store.Object{CalendarID: c.ID, Name: "a", UID: "u", Data: []byte("1"), ETag: "1"}
	put(t, s, o)
	clock.add(100 * time.Hour) // the first bytes are old, but they were replaced now
	cut := clock.now()
	o.Data, o.ETag = []byte("2"), "2"
	put(t, s, o)
	old := &store.Message{EventID: 1, MessageID: "old", Body: []byte("b"), State: store.MessageSent}
	unsent := &store.Message{EventID: 1, MessageID: "unsent", Body: []byte("b"), State: store.MessageStored}
	update(t, s, func(tx *store.Tx) error {
		if err := tx.AddAudit(&store.Audit{UserID: c.UserID, UID: "u", At: cut.Add(-time.Hour), What: "old"}); err != nil {
			return err
		}
		if err := tx.AddAudit(&store.Audit{UserID: c.UserID, UID: "u", What: "new"}); err != nil {
			return err
		}
		if err := tx.PutMessage(old); err != nil {
			return err
		}
		return tx.PutMessage(unsent)
	})
	check := func(before time.Time, revisions, audits int, body string) {
		t.Helper()
		update(t, s, func(tx *store.Tx) error {
			if more, err := tx.PurgeHistory(before, 100); err != nil || more {
				t.Errorf("purge: got more %v (%v), want all done", more, err)
			}
			r, err := tx.Revisions(o.ID, 0)
			if err != nil || len(r) != revisions {
				t.Errorf("revisions: got %d (%v), want %d", len(r), err, revisions)
			}
			a, err := tx.Audits(c.UserID, "u")
			if err != nil || len(a) != audits {
				t.Errorf("audits: got %d (%v), want %d", len(a), err, audits)
			}
			m, err := tx.MessageByID(old.ID)
			if err != nil || string(m.Body) != body {
				t.Errorf("sent body: got %q (%v), want %q", m.Body, err, body)
			}
			m, err = tx.MessageByID(unsent.ID)
			if err != nil || string(m.Body) != "b" {
				t.Errorf("unsent body: got %q (%v), want it kept", m.Body, err)
			}
			return nil
		})
	}
	check(cut, 1, 1, "b")
	check(cut.Add(time.Hour), 0, 0, "")
}
