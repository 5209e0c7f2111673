package store

import "fmt"

const registrationColumns = `id, room_id, address, role, ref, link, refused, updated_at`

func (r *Registration) fields() []any {
	return []any{&r.ID, &r.RoomID, &r.Address, &r.Role, &r.Ref, &r.Link, &r.Refused, (*instant)(&r.Updated)}
}

// Registrations lists a room's registrations by address.
func (tx *Tx) Registrations(roomID int64) ([]Registration, error) {
	return list(tx, "registrations", (*Registration).fields, `SELECT `+registrationColumns+` FROM registrations
		WHERE room_id = ? ORDER BY address`, roomID)
}

// PutRegistration inserts a registration, or replaces the room's of that address. It sets Updated.
func (tx *Tx) PutRegistration(r *Registration) error {
	r.Updated = tx.at
	err := tx.row([]any{&r.ID}, `INSERT INTO registrations (room_id, address, role, ref, link, refused, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (room_id, address) DO UPDATE SET role = excluded.role, ref = excluded.ref, link = excluded.link,
			refused = excluded.refused, updated_at = excluded.updated_at
		RETURNING id`, r.RoomID, r.Address, r.Role, r.Ref, r.Link, r.Refused, instant(r.Updated))
	if err != nil {
		return fmt.Errorf("put registration: %w", err)
	}
	return nil
}

// DeleteRegistration forgets a room's registration of an address, if there is one.
func (tx *Tx) DeleteRegistration(roomID int64, address string) error {
	if _, err := tx.exec(`DELETE FROM registrations WHERE room_id = ? AND address = ?`, roomID, address); err != nil {
		return fmt.Errorf("delete registration: %w", err)
	}
	return nil
}

const visitColumns = `id, room_id, address, name, joined_at, left_at, seconds`

func (v *Visit) fields() []any {
	return []any{&v.ID, &v.RoomID, &v.Address, &v.Name, (*instant)(&v.Joined), (*instant)(&v.Left), &v.Seconds}
}

// Visits lists who was at a room's meeting, in the order in which they came.
func (tx *Tx) Visits(roomID int64) ([]Visit, error) {
	return list(tx, "visits", (*Visit).fields, `SELECT `+visitColumns+` FROM visits
		WHERE room_id = ? ORDER BY joined_at, id`, roomID)
}

// SetVisits replaces all that is known of who was at a room's meeting.
func (tx *Tx) SetVisits(roomID int64, visits []Visit) error {
	if _, err := tx.exec(`DELETE FROM visits WHERE room_id = ?`, roomID); err != nil {
		return fmt.Errorf("forget visits: %w", err)
	}
	for i := range visits {
		v := &visits[i]
		v.RoomID = roomID
		err := tx.insert(&v.ID, `INSERT INTO visits (room_id, address, name, joined_at, left_at, seconds)
			VALUES (?, ?, ?, ?, ?, ?)`, v.RoomID, v.Address, v.Name, instant(v.Joined), instant(v.Left), v.Seconds)
		if err != nil {
			return fmt.Errorf("insert visit: %w", err)
		}
	}
	return nil
}
