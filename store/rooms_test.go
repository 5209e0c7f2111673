package store_test

import (
	"testing"

	"joinery/store"
)

// Ids that were passed over are never given, before the first room and after it, and it never goes back.
func TestSkipRoomIDs(t *testing.T) {
	s := openStore(t, store.Options{})
	var booking int64
	last := func(want int64) {
		t.Helper()
		update(t, s, func(tx *store.Tx) error {
			got, err := tx.LastRoomID()
			if got != want {
				t.Errorf("the last id: got %d, want %d", got, want)
			}
			return err
		})
	}
	skip := func(id int64) {
		t.Helper()
		update(t, s, func(tx *store.Tx) error { return tx.SkipRoomIDs(id) })
	}
	room := func(want int64) {
		t.Helper()
		update(t, s, func(tx *store.Tx) error {
			r := &store.Room{BookingID: booking}
			err := tx.PutRoom(r)
			if r.ID != want {
				t.Errorf("the new room's id: got %d, want %d", r.ID, want)
			}
			return err
		})
	}
	update(t, s, func(tx *store.Tx) error {
		b := &store.Booking{}
		err := tx.PutBooking(b)
		booking = b.ID
		return err
	})
	last(0)
	skip(3)
	last(3)
	room(4)
	skip(2)
	last(4)
	room(5)
	skip(40)
	room(41)
	last(41)
}
