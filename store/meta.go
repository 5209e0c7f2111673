package store

import (
	"errors"
	"fmt"
)

// Meta reads a named value; empty: not set.
func (tx *Tx) Meta(key string) (value string, err error) {
	err = tx.row([]any{&value}, `SELECT value FROM meta WHERE name = ?`, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return value, nil
}

// SetMeta sets a named value.
func (tx *Tx) SetMeta(key, value string) error {
	_, err := tx.exec(`INSERT INTO meta (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, key, value)
	if err != nil {
		return fmt.Errorf("set %s: %w", key, err)
	}
	return nil
}
