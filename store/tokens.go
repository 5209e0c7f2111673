package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const tokenColumns = `token, booking_id, created_at, links`

func (t *Token) fields() []any {
	return []any{&t.Token, &t.BookingID, (*instant)(&t.Created), (*words)(&t.Links)}
}

// TokenByName reads a join page's token, also one that a later one has replaced.
func (tx *Tx) TokenByName(token string) (*Token, error) {
	return one(tx, "token", (*Token).fields, `SELECT `+tokenColumns+` FROM tokens WHERE token = ?`, token)
}

// Tokens lists all tokens that a booking ever had, oldest first.
func (tx *Tx) Tokens(bookingID int64) ([]Token, error) {
	return list(tx, "tokens", (*Token).fields, `SELECT `+tokenColumns+` FROM tokens
		WHERE booking_id = ? ORDER BY created_at, token`, bookingID)
}

// keepToken remembers the token that a booking has now, and the address with it, so that its links are
// known for ours for ever.
func (tx *Tx) keepToken(b *Booking) error {
	if b.Token == "" {
		return nil
	}
	t, err := tx.TokenByName(b.Token)
	switch {
	case errors.Is(err, ErrNotFound):
		t = &Token{Token: b.Token, BookingID: b.ID, Created: tx.at}
	case err != nil:
		return err
	case !b.carriesToken() || slices.Contains(t.Links, b.Link):
		return nil
	}
	if b.carriesToken() && !slices.Contains(t.Links, b.Link) {
		t.Links = append(t.Links, b.Link)
	}
	_, err = tx.exec(`INSERT INTO tokens (token, booking_id, created_at, links) VALUES (?, ?, ?, ?)
		ON CONFLICT (token) DO UPDATE SET links = excluded.links`, t.Token, t.BookingID, instant(t.Created), words(t.Links))
	if err != nil {
		return fmt.Errorf("keep a token: %w", err)
	}
	return nil
}

// carriesToken tells whether the link in b's event is that of its join page.
func (b *Booking) carriesToken() bool {
	return b.Token != "" && strings.HasSuffix(b.Link, "/"+b.Token)
}

// BookingsWithOtherLink lists the bookings that are wanted and whose join page's link does not begin
// with base: the server had another address when it was written.
func (tx *Tx) BookingsWithOtherLink(base string) ([]Booking, error) {
	return list(tx, "bookings", (*Booking).fields, `SELECT `+bookingColumns+` FROM bookings
		WHERE state = 'wanted' AND token <> '' AND link LIKE '%/' || token AND link <> ? || token ORDER BY id`, base)
}
