package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/store"
)

// Where some reader is always at work, the WAL is written from its beginning again all the same, at the second
// attempt at the latest.
func TestWALStaysBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "joinery.db")
	s := openAt(t, path, store.Options{})
	const piece, pieces, most = 1 << 20, 155, 140 << 20
	update(t, s, func(tx *store.Tx) error { return tx.SetMeta("key", "value") })
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				_ = s.View(ctx, func(tx *store.Tx) error {
					_, err := tx.Meta("key")
					time.Sleep(20 * time.Millisecond)
					return err
				})
			}
		})
	}
	largest := int64(0)
	for i := range pieces {
		update(t, s, func(tx *store.Tx) error { return tx.SetMeta("key", strings.Repeat(fmt.Sprint(i%10), piece)) })
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	stop()
	readers.Wait()
	if largest > most {
		t.Errorf("the WAL grew to %d MiB while %d were written, want at most %d", largest>>20, pieces*piece>>20, most>>20)
	}
}

// A reader that stays, in another program say, holds saves up for a moment now and then.
func TestWALWithAReaderThatStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "joinery.db")
	s, other := openAt(t, path, store.Options{}), openAt(t, path, store.Options{})
	update(t, s, func(tx *store.Tx) error { return tx.SetMeta("key", "value") })
	view(t, other, func(tx *store.Tx) error {
		if _, err := tx.Meta("key"); err != nil {
			return err
		}
		slow := 0
		for i := range 80 {
			began := time.Now()
			update(t, s, func(tx *store.Tx) error { return tx.SetMeta("key", strings.Repeat(fmt.Sprint(i%10), 1<<20)) })
			if time.Since(began) > 400*time.Millisecond {
				slow++
			}
		}
		if slow > 3 {
			t.Errorf("%d saves of 80 were held up by a reader", slow)
		}
		return nil
	})
}
