package store

import (
	"fmt"
	"strings"
	"time"
)

const (
	memberColumns = `id, calendar_id, user_id, name, uid, component, etag, schedule_tag, own, start_at, end_at,
	recurring, seq, created_at, modified_at`
	objectColumns = memberColumns + `, takes, seasons, data`
)

func (o *Object) memberFields() []any {
	return []any{&o.ID, &o.CalendarID, &o.UserID, &o.Name, &o.UID, &o.Component, &o.ETag, &o.ScheduleTag, &o.Own,
		(*instant)(&o.Start), (*instant)(&o.End), &o.Recurring, &o.Seq, (*instant)(&o.Created), (*instant)(&o.Modified)}
}

func (o *Object) fields() []any { return append(o.memberFields(), &o.Takes, &o.Seasons, &o.Data) }

// takes is Takes, empty where an instant of o is the one that stands for none in a column.
func (o *Object) takes() string {
	if instant(o.Start).micros() == 0 || instant(o.End).micros() == 0 {
		return ""
	}
	return o.Takes
}

// ObjectByID reads an object.
func (tx *Tx) ObjectByID(id int64) (*Object, error) {
	return one(tx, "object", (*Object).fields, `SELECT `+objectColumns+` FROM objects WHERE id = ?`, id)
}

// MemberByID is ObjectByID without Data, Takes and Seasons, which costs less.
func (tx *Tx) MemberByID(id int64) (*Object, error) {
	return one(tx, "object", (*Object).memberFields, `SELECT `+memberColumns+` FROM objects WHERE id = ?`, id)
}

// ObjectByName reads a member of a calendar; case counts.
func (tx *Tx) ObjectByName(calendarID int64, name string) (*Object, error) {
	return one(tx, "object", (*Object).fields, `SELECT `+objectColumns+` FROM objects
		WHERE calendar_id = ? AND name = ?`, calendarID, name)
}

// ObjectsByUID lists a user's objects of a UID in all calendars, oldest first, without the one of the ID
// except (0: all).
func (tx *Tx) ObjectsByUID(userID int64, uid string, except int64) ([]Object, error) {
	return list(tx, "objects", (*Object).fields, `SELECT `+objectColumns+` FROM objects
		WHERE user_id = ? AND uid = ? AND id <> ? ORDER BY id`, userID, uid, except)
}

// PutObject inserts o (ID 0; ErrExists for the name) or replaces the object of that ID, keeping what
// it replaces as a Revision. It raises the calendar's Seq, records the change and sets o.ID, Seq,
// UserID, Created and Modified. The place of an object is changed by MoveObject alone: CalendarID
// and Name of a replaced one are set from the store.
func (tx *Tx) PutObject(o *Object) error {
	if o.ID == 0 {
		return tx.insertObject(o)
	}
	err := tx.change("keep revision", `INSERT INTO revisions
		(object_id, etag, schedule_tag, own, created_at, replaced_at, data)
		SELECT id, etag, schedule_tag, own, modified_at, ?, data FROM objects WHERE id = ?`, instant(tx.at), o.ID)
	if err != nil {
		return err
	}
	err = tx.row([]any{&o.Seq, &o.CalendarID}, `UPDATE calendars SET seq = seq + 1
		WHERE id = (SELECT calendar_id FROM objects WHERE id = ?) RETURNING seq, id`, o.ID)
	if err != nil {
		return fmt.Errorf("raise seq: %w", err)
	}
	o.Modified = tx.at
	err = tx.row([]any{&o.UserID, &o.Name, (*instant)(&o.Created)}, `UPDATE objects SET
		uid = ?, component = ?, etag = ?, schedule_tag = ?, own = ?, start_at = ?, end_at = ?, recurring = ?,
		seq = ?, modified_at = ?, takes = ?, seasons = ?, data = ? WHERE id = ? RETURNING user_id, name, created_at`,
		o.UID, o.Component, o.ETag, o.ScheduleTag, o.Own, instant(o.Start), instant(o.End), o.Recurring,
		o.Seq, instant(o.Modified), o.takes(), int64(o.Seasons), o.Data, o.ID)
	if err != nil {
		return fmt.Errorf("replace object: %w", err)
	}
	return nil
}

// named refuses names that no path has (a control character is refused there, too), since lists rely on it.
func named(name string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 }) {
		return fmt.Errorf("the name %q has a control character", name)
	}
	return nil
}

func (tx *Tx) insertObject(o *Object) error {
	if err := named(o.Name); err != nil {
		return err
	}
	seq, userID, err := tx.raiseSeq(o.CalendarID)
	if err != nil {
		return err
	}
	o.Seq, o.UserID, o.Created, o.Modified = seq, userID, tx.at, tx.at
	err = tx.insert(&o.ID, `INSERT INTO objects
		(calendar_id, user_id, name, uid, component, etag, schedule_tag, own, start_at, end_at, recurring,
		 seq, created_at, modified_at, takes, seasons, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		o.CalendarID, o.UserID, o.Name, o.UID, o.Component, o.ETag, o.ScheduleTag, o.Own,
		instant(o.Start), instant(o.End), o.Recurring, o.Seq, instant(o.Created), instant(o.Modified), o.takes(),
		int64(o.Seasons), o.Data)
	if err != nil {
		return fmt.Errorf("insert object %q: %w", o.Name, err)
	}
	return tx.dropTombstone(o.CalendarID, o.Name)
}

// DeleteObject removes an object and leaves a tombstone; its revisions stay until they are purged.
// Events that name it are left as they are.
func (tx *Tx) DeleteObject(id int64) error {
	var calendarID int64
	var name string
	err := tx.row([]any{&calendarID, &name}, `DELETE FROM objects WHERE id = ? RETURNING calendar_id, name`, id)
	if err != nil {
		return fmt.Errorf("delete object: %w", err)
	}
	if err := tx.dropProperties(`kind = ? AND subject = ?`, PropertiesOfObject, id); err != nil {
		return err
	}
	if err := tx.dropAttachments(`?`, id); err != nil {
		return err
	}
	return tx.bury(calendarID, name)
}

// DeleteByUID removes the members of a collection that have a UID, as DeleteObject does.
func (tx *Tx) DeleteByUID(calendarID int64, uid string) error {
	ids, err := tx.ids(`SELECT id FROM objects WHERE calendar_id = ? AND uid = ?
		AND user_id = (SELECT CASE WHEN inbox THEN 0 ELSE user_id END FROM calendars WHERE id = ?)`, calendarID, uid, calendarID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := tx.DeleteObject(id); err != nil {
			return err
		}
	}
	return nil
}

// MoveObject renames an object, also into another calendar: a tombstone at the old place, a change at
// the new one. ErrExists if the new place is taken; nothing happens if it is the old one.
func (tx *Tx) MoveObject(id, calendarID int64, name string) error {
	if err := named(name); err != nil {
		return err
	}
	var fromID int64
	var fromName string
	err := tx.row([]any{&fromID, &fromName}, `SELECT calendar_id, name FROM objects WHERE id = ?`, id)
	if err != nil {
		return fmt.Errorf("move object: %w", err)
	}
	if fromID == calendarID && fromName == name {
		return nil
	}
	seq, userID, err := tx.raiseSeq(calendarID)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE objects SET calendar_id = ?, user_id = ?, name = ?, seq = ?, modified_at = ? WHERE id = ?`,
		calendarID, userID, name, seq, instant(tx.at), id)
	if err != nil {
		return fmt.Errorf("move object to %q: %w", name, err)
	}
	if err := tx.dropTombstone(calendarID, name); err != nil {
		return err
	}
	return tx.bury(fromID, fromName)
}

// raiseSeq gives a calendar its next Seq and tells whose its objects are: those of an inbox are nobody's.
func (tx *Tx) raiseSeq(calendarID int64) (seq, userID int64, err error) {
	err = tx.row([]any{&seq, &userID}, `UPDATE calendars SET seq = seq + 1 WHERE id = ? 
		RETURNING seq, CASE WHEN inbox THEN 0 ELSE user_id END`, calendarID)
	if err != nil {
		err = fmt.Errorf("raise seq of the calendar: %w", err)
	}
	return seq, userID, err
}

// bury records that a calendar's member has gone.
func (tx *Tx) bury(calendarID int64, name string) error {
	seq, _, err := tx.raiseSeq(calendarID)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO tombstones (calendar_id, name, seq, removed_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (calendar_id, name) DO UPDATE SET seq = excluded.seq, removed_at = excluded.removed_at`,
		calendarID, name, seq, instant(tx.at))
	if err != nil {
		return fmt.Errorf("leave tombstone: %w", err)
	}
	return nil
}

// dropTombstone forgets that a name was gone: it lives again, and a name is told once.
func (tx *Tx) dropTombstone(calendarID int64, name string) error {
	if _, err := tx.exec(`DELETE FROM tombstones WHERE calendar_id = ? AND name = ?`, calendarID, name); err != nil {
		return fmt.Errorf("drop tombstone: %w", err)
	}
	return nil
}

// EachInRange calls f for every member of a component ("": any) that may have an instance in the
// range, by the index: a superset. Of the object only ID, Name, UID
// and Data are read.
func (tx *Tx) EachInRange(calendarID int64, component string, r Range, f func(*Object) error) error {
	query, args := inRange(`id, name, uid, data`, calendarID, component, r)
	return tx.each(func(scan scan) error {
		var o Object
		if err := scan(&o.ID, &o.Name, &o.UID, &o.Data); err != nil {
			return fmt.Errorf("read objects: %w", err)
		}
		return f(&o)
	}, query, args...)
}

// A Span is when a member takes place, as far as the index knows; see Object.
type Span struct {
	ID         int64
	Start, End time.Time
	Takes      string
}

// SpansInRange lists the members that EachInRange would read, in no order.
func (tx *Tx) SpansInRange(calendarID int64, component string, r Range) ([]Span, error) {
	query, args := inRange(spanColumns, calendarID, component, r)
	return list(tx, "objects", func(s *Span) []any {
		return []any{&s.ID, (*instant)(&s.Start), (*instant)(&s.End), &s.Takes}
	}, query, args...)
}

const spanColumns = `id, start_at, end_at, takes`

// ObjectIDs lists the ids of a calendar's members, in the order of their names.
func (tx *Tx) ObjectIDs(calendarID int64) ([]int64, error) {
	return tx.ids(`SELECT id FROM objects WHERE calendar_id = ? ORDER BY name`, calendarID)
}

// ObjectIDsInRange lists the ids of the members that EachInRange would read, in no order.
func (tx *Tx) ObjectIDsInRange(calendarID int64, component string, r Range) ([]int64, error) {
	query, args := inRange(`id`, calendarID, component, r)
	return tx.ids(query, args...)
}

func (tx *Tx) ids(query string, args ...any) ([]int64, error) {
	return list(tx, "objects", func(id *int64) []any { return []any{id} }, query, args...)
}

// CountObjects counts a calendar's members.
func (tx *Tx) CountObjects(calendarID int64) (n int, err error) {
	if err := tx.row([]any{&n}, `SELECT count(*) FROM objects WHERE calendar_id = ?`, calendarID); err != nil {
		return 0, fmt.Errorf("count objects: %w", err)
	}
	return n, nil
}
