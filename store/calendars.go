package store

import (
	"errors"
	"fmt"
)

const calendarColumns = `id, user_id, slug, name, description, color, ordering, transparent, components,
	conference, seq, prop_seq, inbox, created_at, props, timezone`

func (c *Calendar) fields() []any {
	return []any{&c.ID, &c.UserID, &c.Slug, &c.Name, &c.Description, &c.Color, &c.Order, &c.Transparent,
		(*words)(&c.Components), &c.Conference, &c.Seq, &c.PropSeq, &c.Inbox, (*instant)(&c.Created),
		(*dict)(&c.Props), &c.Timezone}
}

// CreateCalendar inserts a calendar and sets its ID, Created, Seq and PropSeq (which begin at 1, so
// that no sync token is 0). ErrExists if its owner has one of that slug.
func (tx *Tx) CreateCalendar(c *Calendar) error {
	c.Created, c.Seq, c.PropSeq = tx.at, 1, 1
	err := tx.insert(&c.ID, `INSERT INTO calendars
		(user_id, slug, name, description, color, ordering, transparent, components, conference,
		 seq, prop_seq, floor, inbox, created_at, props, timezone)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.UserID, c.Slug, c.Name, c.Description, c.Color, c.Order, c.Transparent, words(c.Components), c.Conference,
		c.Seq, c.PropSeq, 0, c.Inbox, instant(c.Created), dict(c.Props), c.Timezone)
	if err != nil {
		return fmt.Errorf("create calendar %q: %w", c.Slug, err)
	}
	return nil
}

// CalendarByID reads a calendar.
func (tx *Tx) CalendarByID(id int64) (*Calendar, error) {
	return one(tx, "calendar", (*Calendar).fields, `SELECT `+calendarColumns+` FROM calendars WHERE id = ?`, id)
}

// CalendarBySlug reads a user's calendar, or the inbox once it was made; case counts.
func (tx *Tx) CalendarBySlug(userID int64, slug string) (*Calendar, error) {
	return one(tx, "calendar", (*Calendar).fields, `SELECT `+calendarColumns+` FROM calendars
		WHERE user_id = ? AND slug = ?`, userID, slug)
}

// Calendars lists a user's calendars, oldest first, without the inbox.
func (tx *Tx) Calendars(userID int64) ([]Calendar, error) {
	return list(tx, "calendars", (*Calendar).fields, `SELECT `+calendarColumns+` FROM calendars
		WHERE user_id = ? AND NOT inbox ORDER BY id`, userID)
}

// inboxSlug is the slug of every inbox.
const inboxSlug = "inbox"

// Inbox reads a user's scheduling inbox, a collection of messages, and makes it where there is none yet.
// Its objects have UserID 0.
func (tx *Tx) Inbox(userID int64) (*Calendar, error) {
	c, err := tx.CalendarBySlug(userID, inboxSlug)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return c, err
	}
	c = &Calendar{UserID: userID, Slug: inboxSlug, Name: "Inbox", Inbox: true}
	return c, tx.CreateCalendar(c)
}

// UpdateCalendar writes the properties (all but ID, UserID, Slug, Seq and Created), raises PropSeq
// and sets it in c.
func (tx *Tx) UpdateCalendar(c *Calendar) error {
	err := tx.row([]any{&c.PropSeq}, `UPDATE calendars SET name = ?, description = ?, color = ?, ordering = ?,
		transparent = ?, components = ?, conference = ?, props = ?, timezone = ?, prop_seq = prop_seq + 1
		WHERE id = ? RETURNING prop_seq`,
		c.Name, c.Description, c.Color, c.Order, c.Transparent, words(c.Components), c.Conference, dict(c.Props),
		c.Timezone, c.ID)
	if err != nil {
		return fmt.Errorf("update calendar: %w", err)
	}
	return nil
}

// RenameCalendar gives a calendar another slug; its sync tokens stay good. ErrExists if its owner has
// one of that slug.
func (tx *Tx) RenameCalendar(id int64, slug string) error {
	return tx.change("rename calendar", `UPDATE calendars SET slug = ? WHERE id = ?`, slug, id)
}

// DeleteCalendar removes a calendar with its objects, their revisions and its changes. Events that
// name one of the objects are left as they are.
func (tx *Tx) DeleteCalendar(id int64) error {
	if err := tx.dropAttachments(`SELECT id FROM objects WHERE calendar_id = ?`, id); err != nil {
		return err
	}
	for _, q := range []string{
		`DELETE FROM properties WHERE kind = 'object' AND subject IN (SELECT id FROM objects WHERE calendar_id = ?)`,
		`DELETE FROM revisions WHERE object_id IN (SELECT id FROM objects WHERE calendar_id = ?)`,
		`DELETE FROM objects WHERE calendar_id = ?`,
		`DELETE FROM tombstones WHERE calendar_id = ?`,
	} {
		if _, err := tx.exec(q, id); err != nil {
			return fmt.Errorf("delete calendar: %w", err)
		}
	}
	return tx.change("delete calendar", `DELETE FROM calendars WHERE id = ?`, id)
}
