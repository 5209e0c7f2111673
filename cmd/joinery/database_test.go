package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"joinery/store"
)

// newDatabase is the path of a database that no program has run on, its schema made: for a test that starts
// hundreds of programs that is much of its work.
func newDatabase(t *testing.T) string {
	t.Helper()
	b, err := unusedDatabase()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "joinery.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// unusedDatabase is the bytes of one, which has yet to get the identity of an installation.
var unusedDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "joinery")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "joinery.db")
	st, err := store.Open(context.Background(), "sqlite:"+path, store.Options{})
	if err != nil {
		return nil, err
	}
	err = st.Update(context.Background(), func(tx *store.Tx) error { return tx.SetMeta("installation", "") })
	if err := errors.Join(err, st.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
