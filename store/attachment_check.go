package store

import "fmt"

// AttachmentFaults are what is wrong with stored attachments, where something is; see CheckAttachments.
type AttachmentFaults struct {
	Incomplete []AttachmentName // their bytes are not all there
	Doomed     []AttachmentName // objects refer to them, and they are to be removed
	Unused     int              // said to be in use, but no object refers to them: they are never removed
	Dangling   int              // references of objects that are not there: they keep their attachments
	Stray      int              // chunks of bytes that belong to no attachment
}

// An AttachmentName tells people of an attachment.
type AttachmentName struct {
	Login string // its user's
	Name  string // of the file
}

// manyNames is how many attachments of a fault are named.
const manyNames = 20

// CheckAttachments holds the rows of attachments to each other, all of them. Attachments that are gone are
// left out.
func (tx *Tx) CheckAttachments() (f AttachmentFaults, err error) {
	for _, c := range []struct {
		into  *[]AttachmentName
		where string
	}{
		{&f.Incomplete, `a.size <> (SELECT coalesce(sum(length(data)), 0) FROM attachment_chunks WHERE attachment_id = a.id)`},
		{&f.Doomed, `a.released_at <> 0 AND EXISTS (SELECT 1 FROM attachment_objects WHERE attachment_id = a.id)`},
	} {
		*c.into, err = list(tx, "attachments", func(n *AttachmentName) []any { return []any{&n.Login, &n.Name} },
			`SELECT u.login, a.name FROM attachments a JOIN users u ON u.id = a.user_id
			WHERE NOT a.gone AND `+c.where+` ORDER BY a.id LIMIT ?`, manyNames)
		if err != nil {
			return f, err
		}
	}
	for _, c := range []struct {
		into  *int
		query string
	}{
		{&f.Unused, `SELECT count(*) FROM attachments WHERE released_at = 0 AND NOT gone
			AND NOT EXISTS (SELECT 1 FROM attachment_objects WHERE attachment_id = attachments.id)`},
		{&f.Dangling, `SELECT count(*) FROM attachment_objects WHERE object_id NOT IN (SELECT id FROM objects)`},
		{&f.Stray, `SELECT count(*) FROM attachment_chunks WHERE attachment_id NOT IN (SELECT id FROM attachments)`},
	} {
		if err := tx.row([]any{c.into}, c.query); err != nil {
			return f, fmt.Errorf("check attachments: %w", err)
		}
	}
	return f, nil
}

// A UserAttachments is how much of attachments a user has.
type UserAttachments struct {
	Login string
	AttachmentUse
}

// AttachmentUses sums up the attachments of every user who has any, the most first.
func (tx *Tx) AttachmentUses() ([]UserAttachments, error) {
	return list(tx, "attachments", func(u *UserAttachments) []any { return []any{&u.Login, &u.Held, &u.Total, &u.Count} },
		`SELECT u.login, sum(CASE WHEN a.released_at = 0 THEN a.size ELSE 0 END) AS held, sum(a.size), count(*)
		FROM attachments a JOIN users u ON u.id = a.user_id GROUP BY u.id ORDER BY held DESC, u.login`)
}

// An AttachmentReference is an attachment to which an object is noted to refer.
type AttachmentReference struct {
	ManagedID string
	AttachmentName
}

// EachAttachmentReference calls f for every reference to an attachment, with the object's data.
func (tx *Tx) EachAttachmentReference(f func(r AttachmentReference, data []byte) error) error {
	return tx.each(func(scan scan) error {
		var r AttachmentReference
		var data []byte
		if err := scan(&r.ManagedID, &r.Login, &r.Name, &data); err != nil {
			return fmt.Errorf("read attachments: %w", err)
		}
		return f(r, data)
	}, `SELECT a.managed_id, u.login, a.name, o.data FROM attachment_objects r JOIN objects o ON o.id = r.object_id
		JOIN attachments a ON a.id = r.attachment_id JOIN users u ON u.id = a.user_id ORDER BY o.id, a.id`)
}

// EachAttaching calls f for every object in which something is attached, managed or not, and its user.
func (tx *Tx) EachAttaching(f func(userID int64, data []byte) error) error {
	return tx.each(func(scan scan) error {
		var userID int64
		var data []byte
		if err := scan(&userID, &data); err != nil {
			return fmt.Errorf("read attachments: %w", err)
		}
		return f(userID, data)
	}, `SELECT user_id, data FROM objects WHERE user_id <> 0 AND instr(data, char(10) || 'ATTACH') > 0`)
}
