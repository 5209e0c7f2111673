package store_test

import (
	"reflect"
	"testing"
	"time"

	"joinery/store"
)

// newRoom makes a room with all that it hangs on.
func newRoom(t *testing.T, s *store.Store, login string) *store.Room {
	t.Helper()
	b := newBooking(t, s, login)
	r := &store.Room{BookingID: b.ID, Generation: 1, Provider: "mtslink", State: "live"}
	update(t, s, func(tx *store.Tx) error { return tx.PutRoom(r) })
	return r
}

func newBooking(t *testing.T, s *store.Store, login string) *store.Booking {
	t.Helper()
	c := newCalendar(t, s, login)
	b := &store.Booking{UserID: c.UserID, PublicID: "public-of-" + login, State: store.BookingWanted, Provider: "mtslink", Generation: 1}
	update(t, s, func(tx *store.Tx) error {
		e := &store.Event{UserID: c.UserID, UID: "u"}
		if err := tx.PutEvent(e); err != nil {
			return err
		}
		b.EventID = e.ID
		return tx.PutBooking(b)
	})
	return b
}

// wantRows fails unless got equals want.
func wantRows(t *testing.T, what string, got, want any, err error) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s (%v):\ngot  %+v\nwant %+v", what, err, got, want)
	}
}

func TestRegistrations(t *testing.T) {
	clock := newClock()
	s := openStore(t, store.Options{Now: clock.now})
	room, other := newRoom(t, s, "anna"), newRoom(t, s, "boris")
	boris := store.Registration{RoomID: room.ID, Address: "boris@example.org", Role: "guest", Ref: "7", Link: "https://x/7"}
	anna := store.Registration{RoomID: room.ID, Address: "anna@example.org", Role: "host", Refused: "fields"}
	elsewhere := store.Registration{RoomID: other.ID, Address: "boris@example.org", Role: "guest"}
	update(t, s, func(tx *store.Tx) error {
		for _, r := range []*store.Registration{&boris, &anna, &elsewhere} {
			if err := tx.PutRegistration(r); err != nil {
				return err
			}
			if r.ID == 0 || !r.Updated.Equal(clock.now()) {
				t.Errorf("put: got id %d, updated %v", r.ID, r.Updated)
			}
		}
		got, err := tx.Registrations(room.ID)
		wantRows(t, "by address", got, []store.Registration{anna, boris}, err)
		return nil
	})
	clock.add(time.Minute)
	update(t, s, func(tx *store.Tx) error {
		again := store.Registration{RoomID: room.ID, Address: "boris@example.org", Role: "presenter", Ref: "8", Link: "https://x/8", Refused: "other"}
		if err := tx.PutRegistration(&again); err != nil {
			return err
		}
		if again.ID != boris.ID || !again.Updated.Equal(clock.now()) {
			t.Errorf("the same address: got id %d, updated %v; want id %d, now", again.ID, again.Updated, boris.ID)
		}
		got, err := tx.Registrations(room.ID)
		wantRows(t, "replaced", got, []store.Registration{anna, again}, err)
		for range 2 { // forgetting twice is harmless
			if err := tx.DeleteRegistration(room.ID, "boris@example.org"); err != nil {
				return err
			}
		}
		got, err = tx.Registrations(room.ID)
		wantRows(t, "deleted", got, []store.Registration{anna}, err)
		got, err = tx.Registrations(other.ID)
		wantRows(t, "another room's", got, []store.Registration{elsewhere}, err)
		return nil
	})
	if err := s.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutRegistration(&store.Registration{RoomID: 99, Address: "a"})
	}); err == nil {
		t.Error("a registration in no room is taken")
	}
}

func TestVisits(t *testing.T) {
	s := openStore(t, store.Options{})
	room, other := newRoom(t, s, "anna"), newRoom(t, s, "boris")
	at := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	update(t, s, func(tx *store.Tx) error {
		visits := []store.Visit{
			{Address: "late@example.org", Name: "Late", Joined: at.Add(time.Minute), Left: at.Add(time.Hour), Seconds: 3540},
			{Name: "Guest", Joined: at, Seconds: 5},
			{Address: "a@example.org", Name: "Unknown times", Seconds: 60},
			{Name: "Guest", Joined: at, Seconds: 6},
		}
		if err := tx.SetVisits(room.ID, visits); err != nil {
			return err
		}
		if err := tx.SetVisits(other.ID, []store.Visit{{Name: "Other"}}); err != nil {
			return err
		}
		got, err := tx.Visits(room.ID)
		wantRows(t, "in order of coming", got, []store.Visit{visits[2], visits[1], visits[3], visits[0]}, err)
		return nil
	})
	update(t, s, func(tx *store.Tx) error {
		later := []store.Visit{{Address: "late@example.org", Name: "Late", Joined: at, Seconds: 1}}
		if err := tx.SetVisits(room.ID, later); err != nil {
			return err
		}
		got, err := tx.Visits(room.ID)
		wantRows(t, "replaced", got, later, err)
		if err := tx.SetVisits(room.ID, nil); err != nil {
			return err
		}
		got, err = tx.Visits(room.ID)
		wantRows(t, "forgotten", got, []store.Visit(nil), err)
		got, err = tx.Visits(other.ID)
		if err != nil || len(got) != 1 {
			t.Errorf("another room's: got %+v (%v)", got, err)
		}
		return nil
	})
}
