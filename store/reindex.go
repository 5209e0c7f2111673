package store

import (
	"errors"
	"fmt"
)

// errEnough ends a list.
var errEnough = errors.New("enough")

// ObjectsAfter lists the objects with larger ids, in their order: at most limit, of at most size bytes
// together where they are more than one.
func (tx *Tx) ObjectsAfter(id int64, limit, size int) ([]Object, error) {
	var objects []Object
	err := tx.each(func(scan scan) error {
		var o Object
		if err := scan(o.fields()...); err != nil {
			return err
		}
		if size -= len(o.Data); size < 0 && len(objects) > 0 {
			return errEnough
		}
		objects = append(objects, o)
		return nil
	}, `SELECT `+objectColumns+` FROM objects WHERE id > ? ORDER BY id LIMIT ?`, id, limit)
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	return objects, nil
}

// Reindex sets when an object takes place (Start, End, Takes and Seasons), as its Data says it. It is no
// change of the object: its ETag stays, and nobody's next synchronisation tells of it. Nothing happens
// where the object has another ETag by now, or has gone.
func (tx *Tx) Reindex(o *Object) error {
	_, err := tx.exec(`UPDATE objects SET start_at = ?, end_at = ?, takes = ?, seasons = ? WHERE id = ? AND etag = ?`,
		instant(o.Start), instant(o.End), o.takes(), int64(o.Seasons), o.ID, o.ETag)
	if err != nil {
		return fmt.Errorf("reindex object: %w", err)
	}
	return nil
}
