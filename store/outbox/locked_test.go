package outbox_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"joinery/store"
	"joinery/store/outbox"
)

// What a handler did is recorded also where another program keeps the database locked for longer than a
// transaction waits: a mail that the relay took is not sent again.
func TestRecordWaitsForAnotherProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("it keeps a database locked for 32 seconds")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "joinery.db")
	open := func() *store.Store {
		s, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s, other := open(), open()
	r := outbox.New(s, outbox.Options{Backoff: func(int) time.Duration { return 100 * time.Millisecond }})
	var ran, recorded atomic.Int64
	locked := make(chan struct{})
	r.Add(outbox.Queue{Kind: "k", Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
		if ran.Add(1) == 1 {
			go func() {
				_ = other.Update(context.Background(), func(*store.Tx) error { close(locked); time.Sleep(32 * time.Second); return nil })
			}()
			<-locked
		}
		j.Record(func(*store.Tx) (time.Time, error) { recorded.Add(1); return time.Time{}, nil })
		return time.Time{}, nil
	}})
	err := s.Update(t.Context(), func(tx *store.Tx) error { return r.Touch(tx, "k", 1, tx.Now()) })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 90*time.Second)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for recorded.Load() == 0 && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if ran.Load() != 1 || recorded.Load() != 1 {
		t.Errorf("the handler ran %d times and what it did was recorded %d times, want once", ran.Load(), recorded.Load())
	}
}
