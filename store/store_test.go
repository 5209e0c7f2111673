package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"joinery/store"
)

// A clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func openStore(t testing.TB, opts store.Options) *store.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "joinery.db"), opts)
}

func openAt(t testing.TB, path string, opts store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), "sqlite:"+path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func update(t testing.TB, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// newCalendar makes a user and a calendar.
func newCalendar(t testing.TB, s *store.Store, login string) *store.Calendar {
	t.Helper()
	c := &store.Calendar{Slug: "calendar", Name: "Calendar", Components: []string{"VEVENT"}}
	update(t, s, func(tx *store.Tx) error {
		u := &store.User{Login: login, Addresses: []string{login + "@example.org"}}
		if err := tx.CreateUser(u); err != nil {
			return err
		}
		c.UserID = u.ID
		return tx.CreateCalendar(c)
	})
	return c
}

func put(t testing.TB, s *store.Store, o *store.Object) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error { return tx.PutObject(o) })
}
