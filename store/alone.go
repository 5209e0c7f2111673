package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/mattn/go-sqlite3"
)

// turnPoll is how often it is looked whether another has ended.
const turnPoll = 100 * time.Millisecond

// Alone waits until nobody else is alone with this database, in this process or another, and is then, until
// release is called or the process ends, in whatever way. waits, if it is not nil, is called once where
// somebody else is. Whoever does not ask is not kept from anything. The error is ctx's, or that of the file
// beside the database, PATH-alone, whose lock it is.
func (s *Store) Alone(ctx context.Context, waits func()) (release func(), err error) {
	path := s.path + "-alone"
	if err := create(path); err != nil {
		return nil, fmt.Errorf("create a file beside the database: %w", err)
	}
	// Nothing is ever written, also where the disk is full: the lock takes no journal beside it.
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_busy_timeout": {"0"}, "_journal_mode": {"MEMORY"}}.Encode()}
	db := sql.OpenDB(connector{&sqlite3.SQLiteDriver{}, u.String()})
	for told := false; ; told = true {
		conn, err := lock(ctx, db)
		if err == nil {
			return func() {
				end(conn)
				_ = db.Close() // nothing was written
			}, nil
		}
		if isBusy(err) {
			if !told && waits != nil {
				waits()
			}
			select {
			case <-ctx.Done():
				err = ctx.Err()
			case <-time.After(turnPoll):
				continue
			}
		}
		return nil, fmt.Errorf("wait to be alone with the database: %w", errors.Join(err, db.Close()))
	}
}

// lock returns a connection that has db's file to itself.
func lock(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := exec(conn, "BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
