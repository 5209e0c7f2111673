// Package store keeps Joinery's rows and bytes: users, calendars, objects, files, bookings, rooms, mail
// and work. It knows neither iCalendar nor HTTP nor providers. Every method of Tx runs inside a
// transaction; what an Update returned nil for is on the disk.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// The errors that callers tell apart. They come wrapped: use errors.Is.
var (
	ErrNotFound     = errors.New("not found")
	ErrExists       = errors.New("exists already")
	ErrExpiredToken = errors.New("the sync token is too old or unknown")
	ErrClosed       = errors.New("the store is closed")
	ErrFull         = errors.New("the disk is full")
)

// Options are what a store is given from outside.
type Options struct {
	Now  func() time.Time // nil: time.Now
	Rand io.Reader        // nil: crypto/rand
	Log  *slog.Logger     // nil: discarded
}

// A Store is an open database. It is safe for concurrent use, also beside other processes.
type Store struct {
	opts  Options
	id    string
	write *sql.DB // one connection, the writer's
	read  *sql.DB
	path  string
	wal   wal  // the writer's
	pace  pace // the writer's

	queue  queue
	plans  sync.Map       // of queries, see planned
	views  sync.WaitGroup // running views; added to under mu while open
	mu     sync.Mutex
	closed bool
}

// Open opens the database at url ("sqlite:PATH"; everything after the colon is the path) and brings
// its schema up to date. The file is made, readable by its owner only, where it is missing.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Rand == nil {
		opts.Rand = rand.Reader
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return open(ctx, url, opts)
}

// Close waits for running transactions and closes the database. Later calls do nothing; later
// transactions get ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		return nil
	}
	s.queue.close()
	s.views.Wait()
	return errors.Join(s.read.Close(), s.write.Close())
}

// View runs f on a consistent snapshot. f must not write, nor call View itself, nor wait for anything
// remote, such as a client that takes its answer (the pool of readers is bounded). Its statements fail once ctx has ended. A panic of f becomes an error.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error { return s.view(ctx, f) }

// Look is View for an f that runs one statement, which is a snapshot by itself: it costs half as much. A
// further statement fails.
func (s *Store) Look(ctx context.Context, f func(*Tx) error) error { return s.look(ctx, f) }

// Update runs f in a savepoint of the one writing transaction, together with other updates that
// wait (group commit). It returns after the commit is durable, then the OnCommit functions have
// run. If f returns an error nothing of f is kept and that error is returned as it is; a panic of f
// becomes an error. f must not wait for anything remote, nor call Update itself. If ctx ends before
// f has begun, f never runs and the error is that of ctx; once it has begun the outcome is waited for.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error { return s.update(ctx, f) }

// Installation is this database's random identity: 16 lower-case hex digits, made once.
func (s *Store) Installation() string { return s.id }

// Now is the store's clock.
func (s *Store) Now() time.Time { return s.opts.Now() }
