package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"joinery/store"
)

// One at a time is alone with a database; another gets its turn when the one before has ended, or gives up
// waiting. Saves go on meanwhile.
func TestAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "joinery.db")
	s, other := openAt(t, path, store.Options{}), openAt(t, path, store.Options{})
	release, err := s.Alone(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range []*store.Store{s, other} {
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		waited := 0
		if _, err := again.Alone(ctx, func() { waited++ }); !errors.Is(err, context.DeadlineExceeded) || waited != 1 {
			t.Errorf("alone beside another: %v, told %d times", err, waited)
		}
		stop()
		update(t, again, func(tx *store.Tx) error { return tx.SetMeta("key", "value") })
	}
	go func() {
		time.Sleep(50 * time.Millisecond)
		release()
	}()
	release, err = other.Alone(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	release()
}
