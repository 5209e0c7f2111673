package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

const (
	readers = 8

	// busyTimeout is how long a transaction waits for another program's: a command that removes a user with
	// 50,000 events needs some 15 s for it, and what cannot be recorded meanwhile, of a mail say, is done again.
	busyTimeout = 30 * time.Second
)

// A connector opens SQLite connections with the settings that the store relies on. (A connector of
// its own needs no entry in database/sql's global list of drivers.)
type connector struct {
	driver *sqlite3.SQLiteDriver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// newConnector makes a connector to the file at path, an absolute path. A connection that does not
// take its settings is refused: a COMMIT under another synchronous would not be on the disk.
func newConnector(path string, readOnly bool) connector {
	q := url.Values{
		"_busy_timeout":    {fmt.Sprint(busyTimeout.Milliseconds())},
		"_foreign_keys":    {"1"},
		"_mutex":           {"no"}, // database/sql has a connection used by one goroutine at a time
		"_synchronous":     {"FULL"},
		"_txlock":          {"immediate"},
		"_stmt_cache_size": {"200"},
	}
	if readOnly {
		q.Set("_query_only", "1")
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	hook := func(c *sqlite3.SQLiteConn) error {
		for _, p := range []string{
			"PRAGMA temp_store = MEMORY", fmt.Sprint("PRAGMA journal_size_limit = ", walMost), fmt.Sprint("PRAGMA wal_autocheckpoint = ", walPages),
			"PRAGMA fullfsync = ON", // for macOS, where fsync leaves it to the disk when it writes
		} {
			if _, err := c.Exec(p, nil); err != nil {
				return err
			}
		}
		for pragma, want := range map[string]int64{"synchronous": 2, "foreign_keys": 1, "fullfsync": 1} {
			got, err := pragmaInt(c, pragma)
			if err != nil {
				return fmt.Errorf("PRAGMA %s: %w", pragma, err)
			}
			if got != want {
				return fmt.Errorf("PRAGMA %s is %d, want %d", pragma, got, want)
			}
		}
		return nil
	}
	return connector{&sqlite3.SQLiteDriver{ConnectHook: hook}, u.String()}
}

func pragmaInt(c *sqlite3.SQLiteConn, name string) (int64, error) {
	rows, err := c.Query("PRAGMA "+name, nil)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	v := make([]driver.Value, 1)
	if err := rows.Next(v); err != nil {
		return 0, err
	}
	n, ok := v[0].(int64)
	if !ok {
		return 0, fmt.Errorf("a %T", v[0])
	}
	return n, nil
}

// databasePath is the file that a store URL names.
func databasePath(rawURL string) (string, error) {
	scheme, path, ok := strings.Cut(rawURL, ":")
	if !ok || scheme != "sqlite" {
		if !ok {
			scheme = rawURL
		}
		// What follows the scheme may hold a password.
		return "", fmt.Errorf("the store %q is not supported: give sqlite:PATH, for example sqlite:joinery.db", scheme)
	}
	if path == "" || path == ":memory:" {
		return "", errors.New("the store needs a file: give sqlite:PATH, for example sqlite:joinery.db")
	}
	return filepath.Abs(path)
}

func open(ctx context.Context, rawURL string, opts Options) (*Store, error) {
	path, err := databasePath(rawURL)
	if err != nil {
		return nil, err
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("create the database: %w", err)
	}
	s := &Store{
		opts:  opts,
		write: sql.OpenDB(newConnector(path, false)),
		read:  sql.OpenDB(newConnector(path, true)),
		path:  path,
		wal:   newWAL(path),
	}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	s.read.SetConnMaxIdleTime(time.Minute) // and with them their caches
	if err := s.prepare(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), s.read.Close(), s.write.Close())
	}
	s.queue.open()
	go s.writer()
	if err := s.identify(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), s.Close())
	}
	return s, nil
}

// create makes an empty file, readable by its owner only, where there is none.
func create(path string) error {
	// O_EXCL: to open and close a database that this process already has open would drop its locks
	// (https://www.sqlite.org/howtocorrupt.html §2.2). The mode passes to the WAL and its index.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// prepare brings journal and schema to what this program needs.
func (s *Store) prepare(ctx context.Context, path string) error {
	// Another process may be doing the same; SQLite's busy handler does not cover the switch.
	err := s.retryBusy(ctx, func() error {
		var mode string
		if err := s.write.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
			return fmt.Errorf("switch to WAL: %w", err)
		}
		if mode != "wal" {
			return fmt.Errorf("switch to WAL: the journal stays %q (a network file system?)", mode)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return migrate(ctx, path)
}

// identify makes the installation's identity once.
func (s *Store) identify(ctx context.Context) error {
	const name = "installation"
	read := func(tx *Tx) (err error) {
		s.id, err = tx.Meta(name)
		return err
	}
	if err := s.View(ctx, read); err != nil || s.id != "" {
		return err
	}
	return s.Update(ctx, func(tx *Tx) error {
		if err := read(tx); err != nil || s.id != "" {
			return err
		}
		b := make([]byte, 8)
		if _, err := io.ReadFull(s.opts.Rand, b); err != nil {
			return fmt.Errorf("make the installation's identity: %w", err)
		}
		s.id = hex.EncodeToString(b)
		return tx.SetMeta(name, s.id)
	})
}

// retryBusy runs f until it is not refused for another process' lock, at most busyTimeout.
func (s *Store) retryBusy(ctx context.Context, f func() error) error {
	for waited, pause := time.Duration(0), 10*time.Millisecond; ; waited += pause {
		err := f()
		if !isBusy(err) || waited >= busyTimeout {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Ping tells whether the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	return s.View(ctx, func(tx *Tx) error {
		_, err := tx.Meta("installation")
		return err
	})
}

// probeSize is how much room, in bytes, a probe takes: no more than a save.
const probeSize = 16 << 10

// Probe tells whether changes can be stored: it makes one and takes it back in the same transaction, whose
// commit writes to the disk all the same. The error is that of Update; ErrFull where there is no room.
func (s *Store) Probe(ctx context.Context) error {
	const name = "probe"
	return s.Update(ctx, func(tx *Tx) error {
		if err := tx.SetMeta(name, strings.Repeat("-", probeSize)); err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM meta WHERE name = ?`, name); err != nil {
			return fmt.Errorf("take the probe back: %w", err)
		}
		return nil
	})
}

// Integrity has SQLite check the whole file, which takes time. The error says what is broken.
func (s *Store) Integrity(ctx context.Context) error {
	return s.View(ctx, func(tx *Tx) error {
		var broken []string
		err := tx.each(func(scan scan) error {
			var line string
			if err := scan(&line); err != nil {
				return err
			}
			if line != "ok" && len(broken) < 10 {
				broken = append(broken, line)
			}
			return nil
		}, "PRAGMA quick_check")
		if err != nil {
			return fmt.Errorf("check the database: %w", err)
		}
		if len(broken) > 0 {
			return fmt.Errorf("the database is damaged: %s", strings.Join(broken, "; "))
		}
		return nil
	})
}

// end gives a connection back without a transaction. One that cannot be brought out of its
// transaction is closed.
func end(conn *sql.Conn) {
	// An error here is "no transaction is active", which is what is wanted.
	_ = exec(conn, "ROLLBACK")
	_ = conn.Raw(func(c any) error {
		if c, ok := c.(*sqlite3.SQLiteConn); ok && !c.AutoCommit() {
			return driver.ErrBadConn
		}
		return nil
	})
	_ = conn.Close()
}

func (s *Store) panicked(what string, p any) error {
	s.opts.Log.Error("panic in "+what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	return fmt.Errorf("panic in %s: %v", what, p)
}

func isBusy(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}

func isFull(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrFull
}

func isUnique(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) &&
		(e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}

// endsTransaction tells errors on which SQLite may roll the whole transaction back by itself
// (https://www.sqlite.org/lang_transaction.html §3).
func endsTransaction(err error) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return errors.Is(err, driver.ErrBadConn)
	}
	switch e.Code {
	case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrNomem, sqlite3.ErrBusy, sqlite3.ErrInterrupt, sqlite3.ErrCorrupt:
		return true
	}
	return false
}
