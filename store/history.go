package store

import (
	"fmt"
	"time"
)

// PurgeHistory forgets what ended before an instant: replaced revisions, tombstones (sync tokens
// older than these expire), steps, the bodies of messages that were sent or refused, audits, what is
// known of mail that came in, and messages in inboxes. It
// takes at most limit rows (above 0), so that other changes need not wait long; more tells that
// there may be others.
func (tx *Tx) PurgeHistory(before time.Time, limit int) (more bool, err error) {
	at := instant(before)
	purgeRows := func(query string) func(int) (int, error) {
		return func(limit int) (int, error) {
			n, err := tx.exec(query, at, limit)
			return int(n), err
		}
	}
	left := max(limit, 1)
	for _, purge := range []func(limit int) (int, error){
		purgeRows(`DELETE FROM revisions WHERE id IN (SELECT id FROM revisions WHERE replaced_at < ? LIMIT ?)`),
		func(limit int) (int, error) { return tx.purgeTombstones(at, limit) },
		purgeRows(`DELETE FROM steps WHERE id IN (SELECT id FROM steps WHERE at < ? LIMIT ?)`),
		func(limit int) (int, error) { return tx.purgeBodies(at, limit) },
		purgeRows(`DELETE FROM audits WHERE id IN (SELECT id FROM audits WHERE at < ? LIMIT ?)`),
		purgeRows(`DELETE FROM incoming WHERE id IN (SELECT id FROM incoming WHERE at < ? LIMIT ?)`),
		func(limit int) (int, error) { return tx.purgeInboxes(at, limit) },
	} {
		n, err := purge(left)
		if err != nil {
			return false, fmt.Errorf("purge history: %w", err)
		}
		if left -= n; left <= 0 {
			return true, nil
		}
	}
	return false, nil
}

// purgeTombstones forgets the oldest tombstones, and with them the tokens that are older.
func (tx *Tx) purgeTombstones(before instant, limit int) (n int, err error) {
	type tombstone struct {
		calendarID, seq int64
		name            string
	}
	rows, err := list(tx, "tombstones", func(t *tombstone) []any { return []any{&t.calendarID, &t.seq, &t.name} },
		`SELECT calendar_id, seq, name FROM tombstones WHERE removed_at < ? ORDER BY removed_at LIMIT ?`, before, limit)
	if err != nil {
		return 0, err
	}
	for _, t := range rows {
		if _, err := tx.exec(`DELETE FROM tombstones WHERE calendar_id = ? AND name = ?`, t.calendarID, t.name); err != nil {
			return 0, err
		}
		if _, err := tx.exec(`UPDATE calendars SET floor = ? WHERE id = ? AND floor < ?`, t.seq, t.calendarID, t.seq); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// purgeBodies forgets the bytes of mails that are done with.
func (tx *Tx) purgeBodies(before instant, limit int) (n int, err error) {
	ids, err := list(tx, "messages", func(id *int64) []any { return []any{id} }, `SELECT id FROM messages
		WHERE size > 0 AND updated_at < ? AND state IN (?, ?) LIMIT ?`, before, MessageSent, MessageFailed, limit)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if _, err := tx.exec(`DELETE FROM message_bodies WHERE id = ?`, id); err != nil {
			return 0, err
		}
		if _, err := tx.exec(`UPDATE messages SET size = 0 WHERE id = ?`, id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// purgeInboxes deletes the oldest messages, as their owner might.
func (tx *Tx) purgeInboxes(before instant, limit int) (n int, err error) {
	ids, err := list(tx, "inboxes", func(id *int64) []any { return []any{id} }, `SELECT id FROM objects
		WHERE user_id = 0 AND modified_at < ? ORDER BY modified_at LIMIT ?`, before, limit)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := tx.DeleteObject(id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
