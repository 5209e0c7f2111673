package store

import (
	"fmt"
	"time"
)

const bookingColumns = `id, event_id, user_id, public_id, recurrence_id, state, provider, kind, capacity, asked_by,
	generation, link, block, in_location, block_gone, state_since, problem, problem_since, token, warning,
	created_at, updated_at`

func (b *Booking) fields() []any {
	return []any{&b.ID, &b.EventID, &b.UserID, &b.PublicID, &b.RecurrenceID, &b.State, &b.Provider, &b.Kind,
		&b.Capacity, (*words)(&b.By), &b.Generation, &b.Link, &b.Block, &b.InLocation, &b.BlockGone, (*instant)(&b.Since),
		&b.Problem, (*instant)(&b.ProblemSince), &b.Token, &b.Warning, (*instant)(&b.Created), (*instant)(&b.Updated)}
}

// BookingByID reads a booking.
func (tx *Tx) BookingByID(id int64) (*Booking, error) {
	return one(tx, "booking", (*Booking).fields, `SELECT `+bookingColumns+` FROM bookings WHERE id = ?`, id)
}

// BookingByPublicID reads a booking by what stands in its event.
func (tx *Tx) BookingByPublicID(publicID string) (*Booking, error) {
	return one(tx, "booking", (*Booking).fields, `SELECT `+bookingColumns+` FROM bookings
		WHERE public_id = ? AND public_id <> ''`, publicID)
}

// Bookings lists an event's bookings by id.
func (tx *Tx) Bookings(eventID int64) ([]Booking, error) {
	return list(tx, "bookings", (*Booking).fields, `SELECT `+bookingColumns+` FROM bookings
		WHERE event_id = ? ORDER BY id`, eventID)
}

// PutBooking inserts a booking (ID 0; ErrExists for its PublicID) and sets its ID and Created, or
// replaces the booking of that ID, all but Created. It sets Updated, and keeps Token in Tokens.
func (tx *Tx) PutBooking(b *Booking) error {
	b.Updated = tx.at
	args := []any{b.EventID, b.UserID, b.PublicID, b.RecurrenceID, b.State, b.Provider, b.Kind, b.Capacity, words(b.By),
		b.Generation, b.Link, b.Block, b.InLocation, b.BlockGone, instant(b.Since), b.Problem, instant(b.ProblemSince),
		b.Token, b.Warning, instant(b.Updated)}
	if b.ID != 0 {
		if err := tx.keepToken(b); err != nil {
			return err
		}
		return tx.change("update booking", `UPDATE bookings SET event_id = ?, user_id = ?, public_id = ?,
			recurrence_id = ?, state = ?, provider = ?, kind = ?, capacity = ?, asked_by = ?, generation = ?, link = ?,
			block = ?, in_location = ?, block_gone = ?, state_since = ?, problem = ?, problem_since = ?, token = ?, warning = ?, updated_at = ?
			WHERE id = ?`, append(args, b.ID)...)
	}
	b.Created = tx.at
	err := tx.insert(&b.ID, `INSERT INTO bookings (event_id, user_id, public_id,
		recurrence_id, state, provider, kind, capacity, asked_by, generation, link,
		block, in_location, block_gone, state_since, problem, problem_since, token, warning, updated_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(args, instant(b.Created))...)
	if err != nil {
		return fmt.Errorf("insert booking: %w", err)
	}
	return tx.keepToken(b)
}

// WaitingBookings lists the bookings that are wanted and have no link yet.
func (tx *Tx) WaitingBookings() ([]Booking, error) {
	return list(tx, "waiting bookings", (*Booking).fields, `SELECT `+bookingColumns+` FROM bookings
		WHERE state = 'wanted' AND link = '' ORDER BY id`)
}

// BookingsWithProblem lists the bookings that are wanted and have that problem, by id.
func (tx *Tx) BookingsWithProblem(problem string) ([]Booking, error) {
	return list(tx, "bookings", (*Booking).fields, `SELECT `+bookingColumns+` FROM bookings
		WHERE state = 'wanted' AND problem = ? AND problem <> '' ORDER BY id`, problem)
}

// CountBookings counts a user's bookings created at since or after, without those of occurrences that
// were only taken out of their series.
func (tx *Tx) CountBookings(userID int64, since time.Time) (n int, err error) {
	err = tx.row([]any{&n}, `SELECT count(*) FROM bookings WHERE user_id = ? AND created_at >= ? AND generation > 0`, userID, instant(since))
	if err != nil {
		return 0, fmt.Errorf("count bookings: %w", err)
	}
	return n, nil
}
