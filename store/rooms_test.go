package store_test

import (
	"fmt"
	"testing"
	"time"

	"joinery/store"
)

// Of a series that is years old only the rooms that may still matter are read.
func TestRecentRooms(t *testing.T) {
	s := openStore(t, store.Options{})
	b := newBooking(t, s, "anna")
	now := s.Now()
	since := now.Add(-time.Hour)
	update(t, s, func(tx *store.Tx) error {
		var want []string
		for i, r := range []struct {
			state      string
			end, heard time.Duration
			recent     bool
		}{
			{"history", -2 * time.Hour, -2 * time.Hour, false},
			{"gone", -2 * time.Hour, -2 * time.Hour, false},
			{"live", -2 * time.Hour, -2 * time.Hour, true},
			{"left", -2 * time.Hour, -2 * time.Hour, true},
			{"history", -time.Hour, -2 * time.Hour, true},
			{"history", -2 * time.Hour, -time.Minute, true},
			{"gone", time.Hour, -2 * time.Hour, true},
			{"history", -3 * time.Hour, -3 * time.Hour, true}, // the newest
		} {
			room := &store.Room{BookingID: b.ID, Generation: 1, State: r.state, End: now.Add(r.end), StatusAt: now.Add(r.heard)}
			if err := tx.PutRoom(room); err != nil {
				return err
			}
			if r.recent {
				want = append(want, fmt.Sprint(i+1))
			}
		}
		rooms, err := tx.RecentRooms(b.ID, since)
		if err != nil {
			return err
		}
		var got []string
		for _, r := range rooms {
			got = append(got, fmt.Sprint(r.ID))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got rooms %v, want %v", got, want)
		}
		return nil
	})
}
