package store

import (
	"fmt"
	"slices"
	"time"
)

// attachmentChunk is how many bytes of an attachment one row holds; only its last row holds fewer.
const attachmentChunk = 256 << 10

// An Attachment is a file that its user attached to objects (RFC 8607). Its bytes never change.
type Attachment struct {
	ID        int64
	UserID    int64
	ManagedID string // what clients name it by
	Token     string // of its address; unguessable, never logged
	Name      string // of the file, for people
	Type      string // media type
	Size      int64  // bytes
	Created   time.Time
	Released  time.Time // since when no object refers to it; zero: one does
}

const attachmentColumns = `id, user_id, managed_id, token, name, type, size, created_at, released_at`

func (a *Attachment) fields() []any {
	return []any{&a.ID, &a.UserID, &a.ManagedID, &a.Token, &a.Name, &a.Type, &a.Size, (*instant)(&a.Created), (*instant)(&a.Released)}
}

// AttachmentByManagedID reads an attachment, whosever it is. ErrNotFound once it is gone.
func (tx *Tx) AttachmentByManagedID(id string) (*Attachment, error) {
	return one(tx, "attachment", (*Attachment).fields, `SELECT `+attachmentColumns+` FROM attachments
		WHERE managed_id = ? AND NOT gone`, id)
}

// AttachmentByToken reads the attachment at an address. ErrNotFound once it is gone, and while its bytes
// are still coming in.
func (tx *Tx) AttachmentByToken(token string) (*Attachment, error) {
	return one(tx, "attachment", (*Attachment).fields, `SELECT `+attachmentColumns+` FROM attachments
		WHERE token = ? AND NOT gone AND used`, token)
}

// An AttachmentUse is how many bytes of attachments a user has, and how many attachments.
type AttachmentUse struct {
	Held  int64 // that objects refer to
	Total int64 // with those that none refers to and that are still stored
	Count int   // of the latter and the former
}

// AttachmentUse sums up a user's attachments.
func (tx *Tx) AttachmentUse(userID int64) (u AttachmentUse, err error) {
	err = tx.row([]any{&u.Held, &u.Total, &u.Count}, `SELECT coalesce(sum(CASE WHEN released_at = 0 THEN size ELSE 0 END), 0),
		coalesce(sum(size), 0), count(*) FROM attachments WHERE user_id = ?`, userID)
	if err != nil {
		return u, fmt.Errorf("sum up attachments: %w", err)
	}
	return u, nil
}

// SetAttachments says which attachments an object refers to from now on. Those that no object refers to
// any more are released; those that were, are not any more. ErrNotFound if one is gone.
func (tx *Tx) SetAttachments(objectID int64, ids []int64) error {
	had, err := tx.AttachmentsOf(objectID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if slices.Contains(had, id) {
			continue
		}
		if err := tx.change("refer to an attachment", `UPDATE attachments SET released_at = 0, used = TRUE
			WHERE id = ? AND NOT gone`, id); err != nil {
			return err
		}
		if _, err := tx.exec(`INSERT INTO attachment_objects (object_id, attachment_id) VALUES (?, ?)
			ON CONFLICT DO NOTHING`, objectID, id); err != nil {
			return fmt.Errorf("refer to an attachment: %w", err)
		}
	}
	for _, id := range had {
		if slices.Contains(ids, id) {
			continue
		}
		if _, err := tx.exec(`DELETE FROM attachment_objects WHERE object_id = ? AND attachment_id = ?`, objectID, id); err != nil {
			return fmt.Errorf("drop an attachment: %w", err)
		}
		if err := tx.release(id); err != nil {
			return err
		}
	}
	return nil
}

// AttachmentsOf lists the attachments that an object refers to.
func (tx *Tx) AttachmentsOf(objectID int64) ([]int64, error) {
	return tx.ids(`SELECT attachment_id FROM attachment_objects WHERE object_id = ?`, objectID)
}

// AttachmentsOnlyOf lists the attachments to which no other object refers.
func (tx *Tx) AttachmentsOnlyOf(objectID int64) ([]Attachment, error) {
	return list(tx, "attachments", (*Attachment).fields, `SELECT `+attachmentColumns+` FROM attachments
		WHERE id IN (SELECT attachment_id FROM attachment_objects WHERE object_id = ?) AND NOT EXISTS
		(SELECT 1 FROM attachment_objects WHERE attachment_id = attachments.id AND object_id <> ?)`, objectID, objectID)
}

// dropAttachments is for objects that are deleted, those that query finds: what they refer to stays for
// a while, since its address has been told and the objects may come back.
func (tx *Tx) dropAttachments(query string, arg int64) error {
	ids, err := tx.ids(`DELETE FROM attachment_objects WHERE object_id IN (`+query+`) RETURNING attachment_id`, arg)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := tx.release(id); err != nil {
			return err
		}
	}
	return nil
}

// release notes that nothing refers to an attachment, if so.
func (tx *Tx) release(id int64) error {
	_, err := tx.exec(`UPDATE attachments SET released_at = ? WHERE id = ? AND released_at = 0
		AND NOT EXISTS (SELECT 1 FROM attachment_objects WHERE attachment_id = ?)`, instant(tx.at), id, id)
	if err != nil {
		return fmt.Errorf("release an attachment: %w", err)
	}
	return nil
}

// PurgeAttachments removes attachments that no object has referred to since before released, and those
// that none has ever referred to and that were begun before abandoned. It removes at most limit chunks
// (above 0) of 256 KiB, so that other changes need not wait long; more tells that there may be others.
func (tx *Tx) PurgeAttachments(released, abandoned time.Time, limit int) (more bool, err error) {
	if more, err = tx.purgeGone(limit); err != nil || more {
		return more, err
	}
	n, err := tx.exec(`UPDATE attachments SET gone = TRUE WHERE id IN (SELECT id FROM attachments
		WHERE released_at <> 0 AND NOT gone AND released_at < CASE WHEN used THEN ? ELSE ? END LIMIT ?)`,
		instant(released), instant(abandoned), manyAttachments)
	if err != nil {
		return false, fmt.Errorf("purge attachments: %w", err)
	}
	return n > 0, nil
}

// manyAttachments is how many attachments go at once.
const manyAttachments = 200

// purgeGone removes at most limit chunks of what is gone, and once there are none the rows.
func (tx *Tx) purgeGone(limit int) (more bool, err error) {
	n, err := tx.exec(`DELETE FROM attachment_chunks WHERE (attachment_id, number) IN
		(SELECT c.attachment_id, c.number FROM attachments a JOIN attachment_chunks c ON c.attachment_id = a.id
		WHERE a.gone LIMIT ?)`, max(limit, 1))
	if err == nil && n == 0 {
		_, err = tx.exec(`DELETE FROM attachments WHERE gone`)
	}
	if err != nil {
		return false, fmt.Errorf("purge attachments: %w", err)
	}
	return n > 0, nil
}

// insertAttachment makes the row of an attachment whose bytes are to come.
func (tx *Tx) insertAttachment(a *Attachment) error {
	a.Size, a.Created, a.Released = 0, tx.at, tx.at
	err := tx.insert(&a.ID, `INSERT INTO attachments
		(user_id, managed_id, token, name, type, size, used, gone, created_at, released_at)
		VALUES (?, ?, ?, ?, ?, 0, FALSE, FALSE, ?, ?)`,
		a.UserID, a.ManagedID, a.Token, a.Name, a.Type, instant(a.Created), instant(a.Released))
	if err != nil {
		return fmt.Errorf("insert attachment: %w", err)
	}
	return nil
}

// appendAttachment stores the next chunk of an attachment.
func (tx *Tx) appendAttachment(a *Attachment, data []byte) error {
	err := tx.change("store an attachment", `UPDATE attachments SET size = size + ? WHERE id = ? AND NOT gone`, len(data), a.ID)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO attachment_chunks (attachment_id, number, data) VALUES (?, ?, ?)`,
		a.ID, a.Size/attachmentChunk, data)
	if err != nil {
		return fmt.Errorf("store an attachment: %w", err)
	}
	return nil
}

// attachmentData reads a chunk.
func (tx *Tx) attachmentData(id, number int64) ([]byte, error) {
	var data []byte
	err := tx.row([]any{&data}, `SELECT c.data FROM attachment_chunks c JOIN attachments a ON a.id = c.attachment_id
		WHERE c.attachment_id = ? AND c.number = ? AND NOT a.gone`, id, number)
	if err != nil {
		return nil, fmt.Errorf("read an attachment: %w", err)
	}
	return data, nil
}

// reclaim has those of a user's attachments gone that were released first, until so many bytes are freed,
// at least one, and not very many at once. It tells whether there were any.
func (tx *Tx) reclaim(userID, need int64) (found bool, err error) {
	oldest, err := list(tx, "attachments", (*Attachment).fields, `SELECT `+attachmentColumns+` FROM attachments
		WHERE user_id = ? AND released_at <> 0 AND used AND NOT gone ORDER BY released_at, id LIMIT ?`, userID, manyAttachments)
	for _, a := range oldest {
		if err := tx.giveUp(a.ID); err != nil {
			return false, err
		}
		if need -= a.Size; need <= 0 {
			break
		}
	}
	return len(oldest) > 0, err
}

// giveUp has an attachment gone.
func (tx *Tx) giveUp(id int64) error {
	if _, err := tx.exec(`UPDATE attachments SET gone = TRUE WHERE id = ? AND released_at <> 0`, id); err != nil {
		return fmt.Errorf("give up an attachment: %w", err)
	}
	return nil
}
