package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"joinery/store"
	"joinery/store/outbox"
)

// A bench is a store and a runner inside a synctest bubble.
type bench struct {
	t       *testing.T
	s       *store.Store
	r       *outbox.Runner
	path    string       // of the database
	ahead   atomic.Int64 // how far the store's clock is before that of the bubble
	stop    context.CancelFunc
	stopped chan error
}

// inBubble runs f with a runner whose queues are added by f before start.
func inBubble(t *testing.T, f func(b *bench)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "joinery.db")
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, path: path}
		s, err := store.Open(context.Background(), "sqlite:"+path, store.Options{Now: b.now})
		if err != nil {
			t.Fatal(err)
		}
		b.s, b.r = s, outbox.New(s, outbox.Options{})
		defer func() {
			b.halt()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		f(b)
	})
}

// now is the store's clock.
func (b *bench) now() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }

func (b *bench) start() {
	ctx, stop := context.WithCancel(context.Background())
	b.stop, b.stopped = stop, make(chan error, 1)
	go func() { b.stopped <- b.r.Run(ctx) }()
}

func (b *bench) halt() {
	if b.stop == nil {
		return
	}
	b.stop()
	if err := <-b.stopped; err != nil {
		b.t.Error("run:", err)
	}
	b.stop = nil
}

func (b *bench) update(f func(tx *store.Tx) error) {
	b.t.Helper()
	if err := b.s.Update(context.Background(), f); err != nil {
		b.t.Fatal(err)
	}
}

// exec does to the database what another program might.
func (b *bench) exec(query string) {
	db, err := sql.Open("sqlite3", b.path)
	if err == nil {
		_, err = db.Exec(query)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		b.t.Error(err)
	}
}

func (b *bench) touch(subject int64, in time.Duration) {
	b.t.Helper()
	b.update(func(tx *store.Tx) error { return b.r.Touch(tx, "k", subject, tx.Now().Add(in)) })
}

// touchAll touches the subjects from 1 to n in one transaction.
func (b *bench) touchAll(n int64) {
	b.t.Helper()
	b.update(func(tx *store.Tx) error {
		var all error
		for subject := int64(1); subject <= n; subject++ {
			all = errors.Join(all, b.r.Touch(tx, "k", subject, tx.Now()))
		}
		return all
	})
}

// row reads the work of a subject, nil if there is none.
func (b *bench) row(subject int64) (w *store.Work) {
	b.t.Helper()
	err := b.s.View(context.Background(), func(tx *store.Tx) (err error) {
		w, err = tx.WorkOf("k", subject)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		b.t.Fatal(err)
	}
	return w
}

// A trace notes what happened and when, since it was made.
type trace struct {
	mu    sync.Mutex
	from  time.Time
	lines []string
}

func newTrace() *trace { return &trace{from: time.Now()} }

func (tr *trace) add(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	at := time.Since(tr.from).Round(time.Second)
	tr.lines = append(tr.lines, fmt.Sprintf("%v ", at)+fmt.Sprintf(format, args...))
}

func (tr *trace) want(t *testing.T, want ...string) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if !slices.Equal(tr.lines, want) {
		t.Errorf("what happened:\ngot  %q\nwant %q", tr.lines, want)
	}
}
