package store

import "fmt"

const eventColumns = `id, user_id, uid, object_id, role, deleted_at, saved_at, imported, silent, delivered, uninvited, sequence, created_at, data`

func (e *Event) fields() []any {
	return []any{&e.ID, &e.UserID, &e.UID, &e.ObjectID, &e.Role, (*instant)(&e.Deleted), (*instant)(&e.Saved),
		&e.Imported, &e.Silent, &e.Delivered, &e.Uninvited, &e.Sequence, (*instant)(&e.Created), &e.Data}
}

// EventByID reads an event.
func (tx *Tx) EventByID(id int64) (*Event, error) {
	return one(tx, "event", (*Event).fields, `SELECT `+eventColumns+` FROM events WHERE id = ?`, id)
}

// EventByUID reads what a user has of a UID.
func (tx *Tx) EventByUID(userID int64, uid string) (*Event, error) {
	return one(tx, "event", (*Event).fields, `SELECT `+eventColumns+` FROM events
		WHERE user_id = ? AND uid = ?`, userID, uid)
}

// EventsByUID lists what all users have of a UID, by id.
func (tx *Tx) EventsByUID(uid string) ([]Event, error) {
	return list(tx, "events", (*Event).fields, `SELECT `+eventColumns+` FROM events WHERE uid = ? ORDER BY id`, uid)
}

// PutEvent inserts an event (ID 0; ErrExists for user and UID) and sets its ID and Created, or
// replaces the event of that ID, all but UserID, UID and Created.
func (tx *Tx) PutEvent(e *Event) error {
	if e.ID != 0 {
		return tx.change("update event", `UPDATE events SET object_id = ?, role = ?, deleted_at = ?, saved_at = ?,
			imported = ?, silent = ?, delivered = ?, uninvited = ?, sequence = ?, data = ? WHERE id = ?`,
			e.ObjectID, e.Role, instant(e.Deleted), instant(e.Saved), e.Imported, e.Silent, e.Delivered, e.Uninvited, e.Sequence, e.Data, e.ID)
	}
	e.Created = tx.at
	err := tx.insert(&e.ID, `INSERT INTO events
		(user_id, uid, object_id, role, deleted_at, saved_at, imported, silent, delivered, uninvited, sequence, created_at, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.UserID, e.UID, e.ObjectID, e.Role, instant(e.Deleted), instant(e.Saved), e.Imported, e.Silent, e.Delivered, e.Uninvited, e.Sequence,
		instant(e.Created), e.Data)
	if err != nil {
		return fmt.Errorf("insert event: %w", err)
	}
	return nil
}
