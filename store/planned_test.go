package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
)

func TestPlanned(t *testing.T) {
	s := &Store{}
	for _, tt := range [][2]string{
		{`SELECT id FROM objects WHERE uid = ? LIMIT ?`, `SELECT id FROM objects WHERE uid = +? LIMIT +?`},
		{`UPDATE objects SET uid = ? WHERE id = ? RETURNING id`, `UPDATE objects SET uid = ? WHERE id = ? RETURNING id`},
	} {
		for range 2 { // made, and remembered
			if got := s.planned(tt[0]); got != tt[1] {
				t.Errorf("%s is planned as %s, want %s", tt[0], got, tt[1])
			}
		}
	}
}

// BenchmarkObjectsByUID reads a list that has nothing in it: what a statement costs.
func BenchmarkObjectsByUID(b *testing.B) {
	s, err := Open(context.Background(), "sqlite:"+filepath.Join(b.TempDir(), "test.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	err = s.View(context.Background(), func(tx *Tx) error {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := tx.ObjectsByUID(int64(i), fmt.Sprint("uid", i), 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
