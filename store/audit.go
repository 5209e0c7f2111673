package store

import (
	"fmt"
	"time"
)

func (a *Audit) fields() []any {
	return []any{&a.ID, &a.UserID, &a.UID, (*instant)(&a.At), &a.Who, &a.What, &a.Details}
}

// AddAudit inserts a line and sets its ID, and At where that is zero.
func (tx *Tx) AddAudit(a *Audit) error {
	if a.At.IsZero() {
		a.At = tx.at
	}
	err := tx.insert(&a.ID, `INSERT INTO audits (user_id, uid, at, who, what, details)
		VALUES (?, ?, ?, ?, ?, ?)`, a.UserID, a.UID, instant(a.At), a.Who, a.What, a.Details)
	if err != nil {
		return fmt.Errorf("insert audit: %w", err)
	}
	return nil
}

// Audits lists what was done to a user's event, oldest first.
func (tx *Tx) Audits(userID int64, uid string) ([]Audit, error) {
	return list(tx, "audits", (*Audit).fields, `SELECT id, user_id, uid, at, who, what, details FROM audits
		WHERE user_id = ? AND uid = ? ORDER BY id`, userID, uid)
}

// LatestAudit is the latest time of what was noted last; zero where nothing was.
func (tx *Tx) LatestAudit() (t time.Time, err error) {
	err = tx.row([]any{(*instant)(&t)}, `SELECT max(at) FROM (SELECT at FROM audits ORDER BY id DESC LIMIT 100)`)
	if err != nil {
		return t, fmt.Errorf("read the latest audit: %w", err)
	}
	return t, nil
}
