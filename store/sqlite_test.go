package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

func openPath(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), "sqlite:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Every connection writes through to the disk: a commit under another synchronous may be lost when
// the machine stops (https://www.sqlite.org/pragma.html#pragma_synchronous).
func TestDurabilityOfEveryConnection(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "joinery.db"))
	ctx := t.Context()
	check := func(db *sql.DB, n int) {
		for i := range n {
			conn, err := db.Conn(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() // held until the end, so that each is another
			for pragma, want := range map[string]string{"synchronous": "2", "fullfsync": "1", "journal_mode": "wal", "foreign_keys": "1",
				"busy_timeout": fmt.Sprint(busyTimeout.Milliseconds())} {
				var got string
				if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("connection %d: %s is %q (%v), want %q", i, pragma, got, err, want)
				}
			}
		}
	}
	if emptied, err := s.emptyWAL(); err != nil || !emptied {
		t.Errorf("the WAL is emptied: %v (%v), want true", emptied, err)
	}
	check(s.write, 1)
	check(s.read, readers)
}

func TestURLs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"plain.db", "with space.db", "a?mode=memory&b.db", "100%25.db", "#1.db", "файл.db", "file:x.db"} {
		s := openPath(t, name)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: ping: %v", name, err)
		}
		if err := s.Integrity(t.Context()); err != nil {
			t.Errorf("%s: integrity: %v", name, err)
		}
		id := s.Installation()
		if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(id) {
			t.Errorf("%s: installation %q", name, id)
		}
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(filepath.Join(dir, name+suffix))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if info.Mode().Perm() != 0o600 {
				t.Errorf("%s%s: mode %v, want 0600", name, suffix, info.Mode())
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
		if again := openPath(t, filepath.Join(dir, name)).Installation(); again != id {
			t.Errorf("%s: installation was %s, is %s", name, id, again)
		}
	}
	for url, want := range map[string]string{
		"":                         "sqlite:PATH",
		"sqlite:":                  "needs a file",
		"sqlite::memory:":          "needs a file",
		"joinery.db":               "sqlite:PATH",
		"postgres://u:secret@h/db": `"postgres" is not supported`,
		"sqlite:no/such/dir/x.db":  "no such file or directory",
		"sqlite:" + dir:            "open the database",
	} {
		_, err := Open(t.Context(), url, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("open %q: got %v, want %q", url, err, want)
		}
	}
}

// Two processes (here: two stores) open, migrate and write the same new file at once.
func TestTwoStoresOnOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "joinery.db")
	var all sync.WaitGroup
	ids := make([]string, 3)
	for i := range ids {
		all.Go(func() {
			s, err := Open(t.Context(), "sqlite:"+path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			ids[i] = s.Installation()
			for range 50 {
				err := s.Update(t.Context(), func(tx *Tx) error {
					if _, err := tx.Meta("n"); err != nil {
						return err
					}
					return tx.SetMeta("n", ids[i])
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("installation: got %q, want one", ids)
	}
}

// When the database gives a transaction up in the middle (a full disk), nothing that the function
// does afterwards is committed on its own, and later updates work.
func TestTransactionGivenUp(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "joinery.db"))
	limit := func(pages int) {
		t.Helper()
		if _, err := s.write.ExecContext(t.Context(), "PRAGMA max_page_count = "+strings.Repeat("9", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(3)
	big := strings.Repeat("x", 8<<20)
	holds, gate := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = s.Update(t.Context(), func(*Tx) error { close(holds); <-gate; return nil })
	})
	<-holds
	all.Go(func() {
		err := s.Update(t.Context(), func(tx *Tx) error {
			if err := tx.SetMeta("big", big); err == nil {
				t.Error("the file was not full")
			}
			_ = tx.SetMeta("after", "1")
			return nil // as if it did not matter
		})
		if err == nil {
			t.Error("an update whose transaction was given up returned nil")
		}
	})
	close(gate)
	all.Wait()
	limit(9)
	err := s.Update(t.Context(), func(tx *Tx) error {
		if after, err := tx.Meta("after"); err != nil || after != "" {
			t.Errorf("after the full disk: got %q (%v), want nothing", after, err)
		}
		return tx.SetMeta("big", big)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDamageIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "joinery.db")
	s := openPath(t, path)
	err := s.Update(t.Context(), func(tx *Tx) error { return tx.SetMeta("k", strings.Repeat("x", 100_000)) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(b) - 20*4096; i < len(b)-19*4096; i++ {
		b[i] = 0xff // a page in a chain of overflow pages
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := openPath(t, path).Integrity(t.Context()); err == nil {
		t.Error("damage was not found")
	}
}

// A change that finds the disk full says so, and leaves nothing; the next one that fits is made.
func TestFullDisk(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "joinery.db"))
	limit := func(pages string) {
		t.Helper()
		if _, err := s.write.ExecContext(t.Context(), "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // SQLite makes it as many as there are
	err := s.Update(t.Context(), func(tx *Tx) error { return tx.SetMeta("large", strings.Repeat("x", 1<<20)) })
	if !errors.Is(err, ErrFull) {
		t.Errorf("a change that does not fit: got %v, want ErrFull", err)
	}
	if err := s.Probe(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("the probe: got %v, want ErrFull", err)
	}
	limit("1073741823")
	if err := s.Probe(t.Context()); err != nil {
		t.Error("the probe, with room:", err)
	}
	err = s.Update(t.Context(), func(tx *Tx) error {
		if large, err := tx.Meta("large"); err != nil || large != "" {
			t.Errorf("of what did not fit %d bytes are there (%v)", len(large), err)
		}
		if probe, err := tx.Meta("probe"); err != nil || probe != "" {
			t.Errorf("the probe left %d bytes (%v)", len(probe), err)
		}
		return tx.SetMeta("small", "x")
	})
	if err != nil {
		t.Error("a change that fits:", err)
	}
}
