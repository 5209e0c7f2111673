package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"
)

const (
	// walMost is how large the WAL may become, in bytes, before the writer waits for the readers. SQLite
	// brings it into the database every walPages, without waiting, but writes it from its beginning again
	// only where no reader needs it at that moment: under a steady load there always is one
	// (https://www.sqlite.org/wal.html §6, "checkpoint starvation").
	walMost  = 64 << 20
	walPages = 4000

	// walPatience is for how long saves wait then: views are shorter. Another program's may not be, so
	// that they wait once more only when the WAL has grown by as much again.
	walPatience = 2 * time.Second
)

// A wal is what the writer knows of the file beside the database.
type wal struct {
	path  string
	bound int64 // bytes from which it is emptied
}

func newWAL(database string) wal { return wal{path: database + "-wal", bound: walMost} }

// checkpoint empties the WAL where it has become large. It is the writer's, between transactions.
func (s *Store) checkpoint() {
	info, err := os.Stat(s.wal.path)
	if err != nil || info.Size() <= s.wal.bound {
		return
	}
	emptied, err := s.emptyWAL()
	if err != nil {
		s.opts.Log.Error("emptying the WAL", "bytes", info.Size(), "error", err)
	}
	s.wal.bound = walMost
	if !emptied {
		s.wal.bound += info.Size()
	}
}

// emptyWAL brings the WAL into the database and empties it; false where a reader was longer than
// walPatience.
func (s *Store) emptyWAL() (emptied bool, err error) {
	ctx := context.Background()
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer end(conn)
	if err := setPatience(conn, walPatience); err != nil {
		return false, err
	}
	var busy, frames, done int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done)
	if after := setPatience(conn, busyTimeout); err == nil {
		err = after
	}
	return err == nil && busy == 0, err
}

// setPatience sets how long conn waits for locks.
func setPatience(conn *sql.Conn, d time.Duration) error {
	if err := exec(conn, fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds())); err != nil {
		return fmt.Errorf("set how long to wait for locks: %w", err)
	}
	return nil
}
