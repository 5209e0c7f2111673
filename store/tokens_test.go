package store_test

import (
	"testing"
	"time"

	"joinery/store"
)

// A booking's token can be changed, but each that it ever had leads to it.
func TestTokens(t *testing.T) {
	clock := newClock()
	s := openStore(t, store.Options{Now: clock.now})
	b := newBooking(t, s, "anna")
	begun := clock.now()
	for _, token := range []string{"z", "z", "a", ""} {
		clock.add(time.Minute)
		b.Token = token
		update(t, s, func(tx *store.Tx) error { return tx.PutBooking(b) })
	}
	other := newBooking(t, s, "boris")
	update(t, s, func(tx *store.Tx) error {
		inserted := &store.Booking{EventID: other.EventID, UserID: other.UserID, PublicID: "p", RecurrenceID: "20260105", Token: "inserted"}
		if err := tx.PutBooking(inserted); err != nil {
			return err
		}
		got, err := tx.TokenByName("inserted")
		wantRows(t, "of a booking that was inserted", got, &store.Token{Token: "inserted", BookingID: inserted.ID, Created: tx.Now()}, err)
		return nil
	})
	view(t, s, func(tx *store.Tx) error {
		first := store.Token{Token: "z", BookingID: b.ID, Created: begun.Add(time.Minute)}
		second := store.Token{Token: "a", BookingID: b.ID, Created: begun.Add(3 * time.Minute)}
		got, err := tx.Tokens(b.ID)
		wantRows(t, "oldest first", got, []store.Token{first, second}, err)
		one, err := tx.TokenByName("z")
		wantRows(t, "one that was replaced", one, &first, err)
		_, err = tx.TokenByName("Z")
		wantErr(t, "another", err, store.ErrNotFound)
		_, err = tx.TokenByName("")
		wantErr(t, "none", err, store.ErrNotFound)
		return nil
	})
}
