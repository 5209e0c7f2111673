package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"math"
	"strconv"
)

// Changes lists what changed in a calendar since a sync token (a Seq, or the upTo of an earlier
// call), by Seq, each name once, and the token for what comes after. Since 0 lists all members and
// no removed ones. A limit above 0 ends the list there; more tells that it did, and of a list since 0
// MoreMembers has the rest. The error is ErrExpiredToken if tombstones newer than since were purged, or
// since is none of this calendar.
//
// RFC 6578 §3.5, §3.6.
func (tx *Tx) Changes(calendarID, since int64, limit int) (changes []Change, upTo int64, more bool, err error) {
	return tx.changes(calendarID, since, since, limit)
}

// MoreMembers goes on with a list since 0 that a limit ended: from where it stands, the upTo of the call
// before, with what was removed after it began, at which the calendar's Seq was began. Once upTo has come
// to began, Changes goes on. The error is ErrExpiredToken if tombstones newer than began were purged.
func (tx *Tx) MoreMembers(calendarID, listed, began int64, limit int) (changes []Change, upTo int64, more bool, err error) {
	return tx.changes(calendarID, listed, began, limit)
}

// changes lists the members that changed after since and those that were removed after began.
func (tx *Tx) changes(calendarID, since, began int64, limit int) (changes []Change, upTo int64, more bool, err error) {
	var seq, floor int64
	err = tx.row([]any{&seq, &floor}, `SELECT seq, floor FROM calendars WHERE id = ?`, calendarID)
	if err != nil {
		return nil, 0, false, fmt.Errorf("read changes: %w", err)
	}
	if since < 0 || since > began || began > seq || began > 0 && began < floor {
		return nil, 0, false, fmt.Errorf("read changes since %d: %w", since, ErrExpiredToken)
	}
	query, args := `SELECT name, ?, seq, component, etag FROM objects WHERE calendar_id = ? AND seq > ?`, []any{false, calendarID, since}
	if began > 0 {
		query += ` UNION ALL SELECT name, ?, seq, '', '' FROM tombstones WHERE calendar_id = ? AND seq > ?`
		args = append(args, true, calendarID, began)
	}
	rows := int64(math.MaxInt64)
	if limit > 0 {
		rows = int64(limit) + 1
	}
	err = tx.each(func(scan scan) error {
		var c Change
		if err := scan(&c.Name, &c.Removed, &c.Seq, &c.Component, &c.ETag); err != nil {
			return err
		}
		changes = append(changes, c)
		return nil
	}, query+` ORDER BY seq LIMIT ?`, append(args, rows)...)
	if err != nil {
		return nil, 0, false, fmt.Errorf("read changes: %w", err)
	}
	if limit > 0 && len(changes) > limit {
		changes = changes[:limit]
		return changes, changes[limit-1].Seq, true, nil
	}
	return changes, seq, false, nil
}

// tokensAhead is how much Seq rises when all sync tokens expire: more than changes may have been forgotten.
const tokensAhead = 1 << 32

// ExpireTokens has all sync tokens of all calendars expire, those of a Seq that is yet to come too. It is for
// a database that is an older copy: in what was forgotten a Seq stood for another change.
func (tx *Tx) ExpireTokens() error {
	if _, err := tx.exec(`UPDATE calendars SET seq = seq + ?, floor = seq + ?`, tokensAhead, tokensAhead); err != nil {
		return fmt.Errorf("expire sync tokens: %w", err)
	}
	return nil
}

// tagsQuery reads members as one text, which costs much less than a row for each: fields end with the unit
// separator and members with the record separator, which no name holds (see named).
const tagsQuery = `SELECT group_concat(seq || char(31) || name || char(31) || component || char(31) || etag, char(30)) FROM
	(SELECT seq, name, component, etag FROM objects WHERE calendar_id = ? AND seq > ? ORDER BY seq LIMIT ?)`

// EachTag calls f for the members of a calendar that changed after a Seq, at most limit, in the order
// of their Seq. What f gets is valid until it returns.
func (tx *Tx) EachTag(calendarID, after int64, limit int, f func(seq int64, name, component, etag []byte) error) error {
	var text sql.RawBytes
	err := tx.each(func(scan scan) error {
		if err := scan(&text); err != nil {
			return err
		}
		for member := range bytes.SplitSeq(text, []byte{30}) {
			fields := bytes.SplitN(member, []byte{31}, 4)
			if len(member) == 0 {
				continue // there is none
			}
			if len(fields) != 4 {
				return fmt.Errorf("a member that cannot be read: %q", member)
			}
			seq, err := strconv.ParseInt(string(fields[0]), 10, 64)
			if err != nil {
				return err
			}
			if err := f(seq, fields[1], fields[2], fields[3]); err != nil {
				return err
			}
		}
		return nil
	}, tagsQuery, calendarID, after, limit)
	if err != nil {
		return fmt.Errorf("list tags: %w", err)
	}
	return nil
}

const revisionColumns = `id, object_id, etag, schedule_tag, data, own, created_at`

func (r *Revision) fields() []any {
	return []any{&r.ID, &r.ObjectID, &r.ETag, &r.ScheduleTag, &r.Data, &r.Own, (*instant)(&r.Created)}
}

// RevisionByETag finds the newest kept revision of an object with that entity tag.
func (tx *Tx) RevisionByETag(objectID int64, etag string) (*Revision, error) {
	return one(tx, "revision", (*Revision).fields, `SELECT `+revisionColumns+` FROM revisions
		WHERE object_id = ? AND etag = ? ORDER BY id DESC LIMIT 1`, objectID, etag)
}

// OnlyOwnSince tells whether all of an object's revisions after that one came about by our own edits;
// of the object as it stands its Own tells.
func (tx *Tx) OnlyOwnSince(objectID, revisionID int64) (own bool, err error) {
	var others int
	err = tx.row([]any{&others}, `SELECT count(*) FROM revisions WHERE object_id = ? AND id > ? AND NOT own`, objectID, revisionID)
	if err != nil {
		return false, fmt.Errorf("read later revisions: %w", err)
	}
	return others == 0, nil
}

// Revisions lists what an object was before, newest first; limit 0: all that is kept.
func (tx *Tx) Revisions(objectID int64, limit int) ([]Revision, error) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	return list(tx, "revisions", (*Revision).fields, `SELECT `+revisionColumns+` FROM revisions
		WHERE object_id = ? ORDER BY id DESC LIMIT ?`, objectID, limit)
}
