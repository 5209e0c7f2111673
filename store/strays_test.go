package store_test

import (
	"testing"
	"time"

	"joinery/store"
)

func TestStrays(t *testing.T) {
	clock := newClock()
	s := openStore(t, store.Options{Now: clock.now})
	put := func(provider, ref, key string) store.Stray {
		t.Helper()
		stray := store.Stray{Provider: provider, Ref: ref, Key: key}
		update(t, s, func(tx *store.Tx) error { return tx.PutStray(&stray) })
		clock.add(time.Hour)
		return stray
	}
	list := func(what, provider string, want ...store.Stray) {
		t.Helper()
		view(t, s, func(tx *store.Tx) error {
			got, err := tx.Strays(provider)
			wantRows(t, what, got, want, err)
			return nil
		})
	}
	begun := clock.now()
	first := put("one", "9", "k-9")
	second := put("one", "1", "k-1")
	elsewhere := put("two", "9", "k-9")
	again := put("one", "9", "k-10")
	if !first.Seen.Equal(begun) || !again.Seen.Equal(begun) {
		t.Errorf("seen: got %v, then %v; want %v, the first time", first.Seen, again.Seen, begun)
	}
	list("those seen first", "one", again, second)
	list("of another account", "two", elsewhere)
	list("of none", "three")
	for range 2 {
		update(t, s, func(tx *store.Tx) error { return tx.DeleteStray("one", "9") })
	}
	list("one is left", "one", second)
	list("the other account's stays", "two", elsewhere)
	if back := put("one", "9", "k-9"); back.Seen.Equal(begun) {
		t.Error("a stray that was forgotten is still known since its first time")
	}
}
