package store

import "fmt"

func (t *Token) fields() []any { return []any{&t.Token, &t.BookingID, (*instant)(&t.Created)} }

// TokenByName reads a join page's token, also one that a later one has replaced.
func (tx *Tx) TokenByName(token string) (*Token, error) {
	return one(tx, "token", (*Token).fields, `SELECT token, booking_id, created_at FROM tokens WHERE token = ?`, token)
}

// Tokens lists all tokens that a booking ever had, oldest first.
func (tx *Tx) Tokens(bookingID int64) ([]Token, error) {
	return list(tx, "tokens", (*Token).fields, `SELECT token, booking_id, created_at FROM tokens
		WHERE booking_id = ? ORDER BY created_at, token`, bookingID)
}

// keepToken remembers the token that a booking has now, so that its links are known for ours for ever.
func (tx *Tx) keepToken(b *Booking) error {
	if b.Token == "" {
		return nil
	}
	_, err := tx.exec(`INSERT INTO tokens (token, booking_id, created_at) VALUES (?, ?, ?) ON CONFLICT (token) DO NOTHING`,
		b.Token, b.ID, instant(tx.at))
	if err != nil {
		return fmt.Errorf("keep a token: %w", err)
	}
	return nil
}
