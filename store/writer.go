package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// maxBatch bounds the updates of one commit, so that the first need not wait for ever.
const maxBatch = 256

// A request is one Update that waits for the writer.
type request struct {
	f     func(*Tx) error
	state atomic.Int32 // waiting, begun or withdrawn
	err   error        // its own outcome, before the commit's
	tx    *Tx
	done  chan error
}

const (
	waiting int32 = iota
	begun
	withdrawn
)

// A queue holds the requests that wait.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	closed  bool
	wake    chan struct{} // holds one when there may be something to do
	done    chan struct{} // closed when the writer has ended
}

func (q *queue) open() {
	q.wake = make(chan struct{}, 1)
	q.done = make(chan struct{})
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) put(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.waiting = append(q.waiting, r)
	q.signal()
	return nil
}

// take removes at most n requests; over tells that none will come any more.
func (q *queue) take(n int) (rs []*request, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.waiting))
	rs = q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	if len(q.waiting) == 0 {
		q.waiting = nil
	}
	return rs, q.closed && n == 0
}

// length is how many requests wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// close lets no more in and waits until the writer has done what waits.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.signal()
	q.mu.Unlock()
	<-q.done
}

func (s *Store) update(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{f: f, done: make(chan error, 1)}
	if err := s.queue.put(r); err != nil {
		return err
	}
	var err error
	select {
	case err = <-r.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, withdrawn) {
			return ctx.Err()
		}
		err = <-r.done
	}
	if isFull(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	if err != nil {
		return err
	}
	for _, f := range r.tx.onCommit {
		s.committed(f)
	}
	return nil
}

// committed runs an OnCommit function. Its panic is logged: the transaction stands.
func (s *Store) committed(f func()) {
	defer func() {
		if p := recover(); p != nil {
			_ = s.panicked("an OnCommit function", p)
		}
	}()
	f()
}

// writer is the goroutine that makes all changes.
func (s *Store) writer() {
	alive := false
	defer func() {
		// A function may have ended this goroutine (runtime.Goexit, which a test's Fatal calls).
		if !alive {
			go s.writer()
		}
	}()
	for {
		rs, over := s.queue.take(maxBatch)
		if over {
			alive = true
			close(s.queue.done)
			return
		}
		if len(rs) == 0 {
			<-s.queue.wake
			continue
		}
		for len(rs) > 0 {
			rs = s.batch(rs)
			s.checkpoint()
		}
	}
}

var errGoexit = errors.New("a function of this commit ended its goroutine")

// batch runs requests, and those that come meanwhile, in one transaction, and answers them. It
// returns the requests that were not begun because the transaction broke.
func (s *Store) batch(rs []*request) (rest []*request) {
	var ran []*request
	var outcome error
	finished := false
	conn, err := s.write.Conn(context.Background())
	if err == nil {
		defer func() {
			if finished && outcome == nil { // committed
				_ = conn.Close()
				return
			}
			end(conn)
		}()
		err = exec(conn, "BEGIN IMMEDIATE")
	}
	if err != nil {
		if isBusy(err) {
			err = fmt.Errorf("another process has kept the database locked for %v: %w", busyTimeout, err)
		}
		err = fmt.Errorf("begin: %w", err)
		for _, r := range rs {
			if r.begin() {
				r.done <- err
			}
		}
		return nil
	}
	// Answers come after the commit, or after what takes its place.
	defer func() {
		if !finished {
			_ = exec(conn, "ROLLBACK")
			outcome = errGoexit
			s.requeue(rs)
		}
		for _, r := range ran {
			if r.err == nil {
				r.err = outcome
			}
			r.done <- r.err
		}
	}()
	for count := 0; len(rs) > 0; {
		r := rs[0]
		rs = rs[1:]
		if !r.begin() {
			continue
		}
		ran = append(ran, r)
		s.pace.took()
		if outcome = s.run(conn, r); outcome != nil {
			break
		}
		if count++; len(rs) == 0 && count < maxBatch {
			rs = s.more(maxBatch - count)
		}
	}
	before := time.Now() // for people and disks, not the injected clock
	if outcome == nil {
		outcome = exec(conn, "COMMIT")
	}
	after := time.Now()
	s.pace.committed(after, after.Sub(before), len(ran), s.queue.length())
	if outcome != nil {
		outcome = fmt.Errorf("commit: %w", outcome)
		_ = exec(conn, "ROLLBACK")
	}
	finished = true
	return rs
}

// more takes at most n requests that came meanwhile, or come soon.
func (s *Store) more(n int) []*request {
	for {
		rs, over := s.queue.take(n)
		left := s.pace.left(time.Now())
		if len(rs) > 0 || over || left <= 0 {
			return rs
		}
		select {
		case <-s.queue.wake:
		case <-time.After(left):
		}
	}
}

// run runs one request in a savepoint. The error is one that ends the whole transaction.
func (s *Store) run(conn *sql.Conn, r *request) error {
	if err := exec(conn, "SAVEPOINT one"); err != nil {
		return err
	}
	r.tx = s.newTx(context.Background(), conn)
	r.err = r.tx.call(r.f)
	if r.tx.broken != nil {
		return r.tx.broken
	}
	if r.err != nil {
		if err := exec(conn, "ROLLBACK TO one"); err != nil {
			return err
		}
	}
	return exec(conn, "RELEASE one")
}

// requeue puts requests back in front.
func (s *Store) requeue(rs []*request) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.queue.waiting = append(rs, s.queue.waiting...)
	s.queue.signal()
}

func (r *request) begin() bool { return r.state.CompareAndSwap(waiting, begun) }

// exec runs a statement without parameters. It is sent as a query because the driver keeps what it has
// prepared for queries, and prepares what is executed without parameters each time.
func exec(conn *sql.Conn, statement string) error {
	rows, err := conn.QueryContext(context.Background(), statement)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		_ = rows.Close()
		return err
	}
	return rows.Close()
}

func (s *Store) view(ctx context.Context, f func(*Tx) error) error {
	return s.reading(ctx, func(conn *sql.Conn) error {
		defer end(conn)
		if err := exec(conn, "BEGIN"); err != nil {
			return fmt.Errorf("begin to read: %w", err)
		}
		return s.newTx(ctx, conn).call(f)
	})
}

func (s *Store) look(ctx context.Context, f func(*Tx) error) error {
	return s.reading(ctx, func(conn *sql.Conn) error {
		defer func() { _ = conn.Close() }()
		tx := s.newTx(ctx, conn)
		tx.once = true
		return tx.call(f)
	})
}

// reading gives f a connection to read with, which f gives back.
func (s *Store) reading(ctx context.Context, f func(*sql.Conn) error) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.views.Add(1)
	s.mu.Unlock()
	defer s.views.Done()
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	return f(conn)
}
