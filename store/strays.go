package store

import "fmt"

func (s *Stray) fields() []any { return []any{&s.Provider, &s.Ref, &s.Key, (*instant)(&s.Seen)} }

// Strays lists what is known of an account's conferences that belong to no room of ours.
func (tx *Tx) Strays(provider string) ([]Stray, error) {
	return list(tx, "strays", (*Stray).fields, `SELECT provider, ref, room_key, seen_at FROM strays
		WHERE provider = ? ORDER BY seen_at, ref`, provider)
}

// PutStray notes that a stray was seen now; Seen stays what it was the first time.
func (tx *Tx) PutStray(s *Stray) error {
	err := tx.row([]any{(*instant)(&s.Seen)}, `INSERT INTO strays (provider, ref, room_key, seen_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (provider, ref) DO UPDATE SET room_key = excluded.room_key RETURNING seen_at`,
		s.Provider, s.Ref, s.Key, instant(tx.at))
	if err != nil {
		return fmt.Errorf("put stray: %w", err)
	}
	return nil
}

// DeleteStray forgets a stray, if it is known.
func (tx *Tx) DeleteStray(provider, ref string) error {
	if _, err := tx.exec(`DELETE FROM strays WHERE provider = ? AND ref = ?`, provider, ref); err != nil {
		return fmt.Errorf("delete stray: %w", err)
	}
	return nil
}
