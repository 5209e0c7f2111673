package change

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// indexed names, in the store, the last object that was looked at by the present rules of the index;
// indexDone stands for all. Where what the index holds of an object changes, the number goes up.
const (
	indexed   = "indexed-2"
	indexDone = "all"
)

// A batch of Reindex: saves wait for its transaction no longer than for one another.
const (
	reindexBatch = 200
	reindexBytes = 4 << 20
)

// Reindex brings the store's index of the objects of earlier versions to what is known of objects that
// are saved now, after the pause before each batch: nothing waits for it, and queries read meanwhile what
// the index does not tell. It goes on where an earlier call ended, also one that was cut off, and returns
// at once where all is done. The error is the store's, or that of ctx.
func (c *Changer) Reindex(ctx context.Context, pause time.Duration) error {
	var done string
	err := c.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		done, err = tx.Meta(indexed)
		return err
	})
	for err == nil && done != indexDone {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		done, err = c.reindexBatch(ctx, done)
	}
	if err != nil {
		return fmt.Errorf("index what was stored earlier: %w", err)
	}
	return nil
}

// reindexBatch looks at the objects after those that are done, and tells which are then.
func (c *Changer) reindexBatch(ctx context.Context, done string) (string, error) {
	after, _ := strconv.ParseInt(done, 10, 64) // of none: 0
	var objects, changed []store.Object
	err := c.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		objects, err = tx.ObjectsAfter(after, reindexBatch, reindexBytes)
		return err
	})
	if err != nil {
		return "", err
	}
	next := indexDone
	for i := range objects {
		o := &objects[i]
		next = strconv.FormatInt(o.ID, 10)
		if indexOf(o) {
			changed = append(changed, *o)
		}
	}
	return next, c.opts.Store.Update(ctx, func(tx *store.Tx) error {
		for i := range changed {
			if err := tx.Reindex(&changed[i]); err != nil {
				return err
			}
		}
		return tx.SetMeta(indexed, next)
	})
}

// indexOf puts into o what the index is to hold of it, and tells whether that is something else. What is no
// object by today's rules, such as a message in an inbox, stays as it is.
func indexOf(o *store.Object) bool {
	parsed, err := ical.Parse(o.Data, ical.Limits{Size: len(o.Data) + 1})
	if err != nil {
		return false
	}
	s, err := ical.Check(parsed, 0)
	if err != nil || s.Component != o.Component {
		return false
	}
	was := *o
	o.Start, o.End, o.Takes, o.Seasons = s.Start, s.End, s.Takes, uint64(s.Seasons)
	return !o.Start.Equal(was.Start) || !o.End.Equal(was.End) || o.Takes != was.Takes || o.Seasons != was.Seasons
}
