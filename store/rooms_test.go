package store_test

import (
	"testing"
	"time"

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

func TestFindRooms(t *testing.T) {
	s := openStore(t, store.Options{})
	b := newBooking(t, s, "anna")
	day := func(n int) time.Time { return time.Date(2031, 2, n, 9, 0, 0, 0, time.UTC) }
	var rooms []store.Room
	update(t, s, func(tx *store.Tx) error {
		for _, r := range []store.Room{
			{Provider: "one", State: "history", Start: day(1), End: day(2)},
			{Provider: "one", State: "live", Start: day(2), End: day(3)},
			{Provider: "two", State: "live", Start: day(2), End: day(3)},
			{Provider: "one", State: "gone", Start: day(3), End: day(4)},
			{Provider: "one", State: "intended"},
		} {
			r.BookingID = b.ID
			if err := tx.PutRoom(&r); err != nil {
				return err
			}
			rooms = append(rooms, r)
		}
		return nil
	})
	view(t, s, func(tx *store.Tx) error {
		got, err := tx.RoomByKey(rooms[1].Key)
		wantRows(t, "by key", got, &rooms[1], err)
		for _, key := range []string{"", rooms[1].Key + "0", "%"} {
			_, err = tx.RoomByKey(key)
			wantErr(t, "by the key "+key, err, store.ErrNotFound)
		}
		for _, test := range []struct {
			name     string
			from, to time.Time
			want     []store.Room
		}{
			{"all", day(1), day(4), []store.Room{rooms[0], rooms[1], rooms[3]}},
			{"one that ends as the span begins is out", day(2), day(4), []store.Room{rooms[1], rooms[3]}},
			{"one that begins as the span ends is out", day(1), day(2), []store.Room{rooms[0]}},
			{"within one", day(1).Add(time.Hour), day(1).Add(2 * time.Hour), []store.Room{rooms[0]}},
			{"after all", day(4), day(9), nil},
		} {
			got, err := tx.RoomsBetween("one", test.from, test.to)
			wantRows(t, test.name, got, test.want, err)
		}
		return nil
	})
}
