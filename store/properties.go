package store

import (
	"errors"
	"fmt"
)

// A PropertyKind is what dead properties belong to.
type PropertyKind string

// The kinds of what has dead properties, besides calendars (see Calendar.Props). Of objects the subject
// is the object's id, of all others their owner's.
const (
	PropertiesOfObject    PropertyKind = "object"
	PropertiesOfHome      PropertyKind = "home"
	PropertiesOfPrincipal PropertyKind = "principal"
	PropertiesOfInbox     PropertyKind = "inbox"
	PropertiesOfOutbox    PropertyKind = "outbox"
)

// Properties returns dead properties as Calendar.Props has them; nil if there are none. Those of an
// object stay with it when it is replaced or moved, and go when it is deleted.
func (tx *Tx) Properties(kind PropertyKind, subject int64) (map[string]string, error) {
	var props map[string]string
	err := tx.row([]any{(*dict)(&props)}, `SELECT props FROM properties WHERE kind = ? AND subject = ?`, kind, subject)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("read properties: %w", err)
	}
	return props, nil
}

// PutProperties replaces dead properties; without any the row goes. Of an object's its calendar's Seq
// tells (RFC 6578 §3.5.1), its ETag does not.
func (tx *Tx) PutProperties(kind PropertyKind, subject, userID int64, props map[string]string) error {
	if len(props) == 0 {
		if err := tx.dropProperties(`kind = ? AND subject = ?`, kind, subject); err != nil {
			return err
		}
	} else {
		size := 0
		for name, v := range props {
			size += len(name) + len(v)
		}
		_, err := tx.exec(`INSERT INTO properties (kind, subject, user_id, size, props) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (kind, subject) DO UPDATE SET size = excluded.size, props = excluded.props`,
			kind, subject, userID, size, dict(props))
		if err != nil {
			return fmt.Errorf("put properties: %w", err)
		}
	}
	if kind != PropertiesOfObject {
		return nil
	}
	var calendarID int64
	if err := tx.row([]any{&calendarID}, `SELECT calendar_id FROM objects WHERE id = ?`, subject); err != nil {
		return fmt.Errorf("put properties of an object: %w", err)
	}
	seq, _, err := tx.raiseSeq(calendarID)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`UPDATE objects SET seq = ? WHERE id = ?`, seq, subject); err != nil {
		return fmt.Errorf("put properties of an object: %w", err)
	}
	return nil
}

// CountProperties tells how much a user's dead properties take, those of calendars aside: of how many
// subjects, and how many bytes.
func (tx *Tx) CountProperties(userID int64) (subjects, bytes int, err error) {
	err = tx.row([]any{&subjects, &bytes}, `SELECT count(*), coalesce(sum(size), 0) FROM properties WHERE user_id = ?`, userID)
	if err != nil {
		return 0, 0, fmt.Errorf("count properties: %w", err)
	}
	return subjects, bytes, nil
}

func (tx *Tx) dropProperties(where string, args ...any) error {
	if _, err := tx.exec(`DELETE FROM properties WHERE `+where, args...); err != nil {
		return fmt.Errorf("drop properties: %w", err)
	}
	return nil
}
