package store

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const roomColumns = `id, booking_id, generation, provider, room_key, state, refs, join_url, dial_in, passcode, meeting,
	start_at, end_at, occurrence, status, status_at, ask_at, people, unclear, attempts, last_error, created_at, updated_at`

func (r *Room) fields() []any {
	return []any{&r.ID, &r.BookingID, &r.Generation, &r.Provider, &r.Key, &r.State, (*dict)(&r.Refs), &r.JoinURL,
		&r.DialIn, &r.Passcode, &r.Meeting, (*instant)(&r.Start), (*instant)(&r.End), &r.Occurrence, &r.Status,
		(*instant)(&r.StatusAt), (*instant)(&r.AskAt), &r.People, &r.Unclear, &r.Attempts,
		&r.LastError, (*instant)(&r.Created), (*instant)(&r.Updated)}
}

// RoomByID reads a room.
func (tx *Tx) RoomByID(id int64) (*Room, error) {
	return one(tx, "room", (*Room).fields, `SELECT `+roomColumns+` FROM rooms WHERE id = ?`, id)
}

// Rooms lists a booking's rooms by generation and id.
func (tx *Tx) Rooms(bookingID int64) ([]Room, error) {
	return list(tx, "rooms", (*Room).fields, `SELECT `+roomColumns+` FROM rooms
		WHERE booking_id = ? ORDER BY generation, id`, bookingID)
}

// RecentRooms lists those of a booking's rooms that may still matter, by generation and id: rooms that
// are neither gone nor history, whose meeting ended or whose status was heard at since or later, and the
// newest. A series that is years old has few of them.
func (tx *Tx) RecentRooms(bookingID int64, since time.Time) ([]Room, error) {
	return list(tx, "rooms", (*Room).fields, `SELECT `+roomColumns+` FROM rooms
		WHERE booking_id = ? AND (state NOT IN ('gone', 'history') OR end_at >= ? OR status_at >= ?
			OR id = (SELECT max(id) FROM rooms WHERE booking_id = ?))
		ORDER BY generation, id`, bookingID, instant(since), instant(since), bookingID)
}

// PutRoom inserts a room (ID 0) and sets its ID, Created and Key (Installation, "-", ID in
// decimal), or replaces the room of that ID, all but BookingID, Key and Created. It sets Updated.
func (tx *Tx) PutRoom(r *Room) error {
	r.Updated = tx.at
	args := []any{r.Generation, r.Provider, r.State, dict(r.Refs), r.JoinURL, r.DialIn, r.Passcode, r.Meeting,
		instant(r.Start), instant(r.End), r.Occurrence, r.Status, instant(r.StatusAt), instant(r.AskAt), r.People, r.Unclear, r.Attempts, r.LastError, instant(r.Updated)}
	if r.ID != 0 {
		return tx.change("update room", `UPDATE rooms SET generation = ?, provider = ?, state = ?, refs = ?,
			join_url = ?, dial_in = ?, passcode = ?, meeting = ?, start_at = ?, end_at = ?,
			occurrence = ?, status = ?, status_at = ?, ask_at = ?, people = ?, unclear = ?, attempts = ?,
			last_error = ?, updated_at = ? WHERE id = ?`, append(args, r.ID)...)
	}
	r.Created = tx.at
	// The key holds the ID, which the insert gives; its update is in the same transaction.
	err := tx.insert(&r.ID, `INSERT INTO rooms (generation, provider, state, refs,
		join_url, dial_in, passcode, meeting, start_at, end_at, occurrence, status, status_at, ask_at, people, unclear, attempts,
		last_error, updated_at, booking_id, created_at, room_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')`,
		append(args, r.BookingID, instant(r.Created))...)
	if err != nil {
		return fmt.Errorf("insert room: %w", err)
	}
	r.Key = tx.store.id + "-" + strconv.FormatInt(r.ID, 10)
	return tx.change("key room", `UPDATE rooms SET room_key = ? WHERE id = ?`, r.Key, r.ID)
}

// RoomByLink finds the newest room with that join link, of any state and generation.
func (tx *Tx) RoomByLink(url string) (*Room, error) {
	return one(tx, "room", (*Room).fields, `SELECT `+roomColumns+` FROM rooms
		WHERE join_url = ? AND join_url <> '' ORDER BY id DESC LIMIT 1`, url)
}

// RoomsInState lists the rooms in any of the states, by id.
func (tx *Tx) RoomsInState(states ...string) ([]Room, error) {
	if len(states) == 0 {
		return nil, nil
	}
	args := make([]any, len(states))
	for i, s := range states {
		args[i] = s
	}
	return list(tx, "rooms", (*Room).fields, `SELECT `+roomColumns+` FROM rooms
		WHERE state IN (?`+strings.Repeat(", ?", len(states)-1)+`) ORDER BY id`, args...)
}

// RoomByKey reads a room by what its provider shows back.
func (tx *Tx) RoomByKey(key string) (*Room, error) {
	return one(tx, "room", (*Room).fields, `SELECT `+roomColumns+` FROM rooms WHERE room_key = ? AND room_key <> ''`, key)
}

// RoomsBetween lists an account's rooms whose meetings touch the span from from to to, of any state, by id.
func (tx *Tx) RoomsBetween(provider string, from, to time.Time) ([]Room, error) {
	return list(tx, "rooms", (*Room).fields, `SELECT `+roomColumns+` FROM rooms
		WHERE provider = ? AND end_at > ? AND start_at < ? ORDER BY id`, provider, instant(from), instant(to))
}

// RoomsByRef lists an account's rooms one of whose Refs is value, by id.
func (tx *Tx) RoomsByRef(provider, name, value string) ([]Room, error) {
	rooms, err := list(tx, "rooms", (*Room).fields, `SELECT `+roomColumns+` FROM rooms
		WHERE provider = ? AND state IN ('live', 'left', 'creating', 'releasing') AND refs LIKE ? ESCAPE '\' ORDER BY id`,
		provider, "%"+likeEscape(value)+"%")
	return slices.DeleteFunc(rooms, func(r Room) bool { return r.Refs[name] != value }), err
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func likeEscape(s string) string { return likeEscaper.Replace(s) }

// LastRoomID is the highest id that a room ever had or that SkipRoomIDs passed over; 0: there was none.
func (tx *Tx) LastRoomID() (id int64, err error) {
	if err := tx.row([]any{&id}, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'rooms'`); err != nil {
		return 0, fmt.Errorf("read the last room: %w", err)
	}
	return id, nil
}

// SkipRoomIDs has every room that is made from now on get an id above last, so that no key is given
// twice after an older copy of the database was put back. It never goes back.
func (tx *Tx) SkipRoomIDs(last int64) error {
	// SQLite keeps what AUTOINCREMENT gave in a table that may be written; the row comes with the
	// first room (sqlite.org/autoinc.html).
	n, err := tx.exec(`UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'rooms'`, last)
	if err == nil && n == 0 {
		_, err = tx.exec(`INSERT INTO sqlite_sequence (name, seq) VALUES ('rooms', ?)`, last)
	}
	if err != nil {
		return fmt.Errorf("skip the ids of rooms: %w", err)
	}
	return nil
}

// RoomsWithoutWork lists the rooms in any of the states whose booking has no work of a kind, by id.
func (tx *Tx) RoomsWithoutWork(kind string, states ...string) ([]Room, error) {
	rooms, err := tx.RoomsInState(states...)
	if err != nil {
		return nil, err
	}
	var idle []Room
	for _, r := range rooms {
		if _, err := tx.WorkOf(kind, r.BookingID); errors.Is(err, ErrNotFound) {
			idle = append(idle, r)
		} else if err != nil {
			return nil, err
		}
	}
	return idle, nil
}

// CountRooms counts all rooms by state.
func (tx *Tx) CountRooms() (map[string]int, error) {
	return counts[string](tx, "rooms", `SELECT state, count(*) FROM rooms GROUP BY state`)
}

func (s *Step) fields() []any {
	return []any{&s.ID, &s.RoomID, (*instant)(&s.At), &s.What, &s.Outcome, &s.Detail}
}

// AddStep inserts a step and sets its ID, and At where that is zero.
func (tx *Tx) AddStep(s *Step) error {
	if s.At.IsZero() {
		s.At = tx.at
	}
	err := tx.insert(&s.ID, `INSERT INTO steps (room_id, at, what, outcome, detail) VALUES (?, ?, ?, ?, ?)`,
		s.RoomID, instant(s.At), s.What, s.Outcome, s.Detail)
	if err != nil {
		return fmt.Errorf("insert step: %w", err)
	}
	return nil
}

// StepsOf lists a room's steps, oldest first.
func (tx *Tx) StepsOf(roomID int64) ([]Step, error) {
	return list(tx, "steps", (*Step).fields, `SELECT id, room_id, at, what, outcome, detail FROM steps
		WHERE room_id = ? ORDER BY id`, roomID)
}

// Steps lists the steps of all rooms of a booking, oldest first.
func (tx *Tx) Steps(bookingID int64) ([]Step, error) {
	return list(tx, "steps", (*Step).fields, `SELECT id, room_id, at, what, outcome, detail FROM steps
		WHERE room_id IN (SELECT id FROM rooms WHERE booking_id = ?) ORDER BY id`, bookingID)
}
