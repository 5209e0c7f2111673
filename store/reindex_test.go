package store_test

import (
	"bytes"
	"testing"
	"time"

	"joinery/store"
)

func TestReindex(t *testing.T) {
	s := openStore(t, store.Options{})
	c := newCalendar(t, s, "anna")
	o := &store.Object{CalendarID: c.ID, Name: "a", Component: "VEVENT", ETag: "1", Data: []byte("x")}
	put(t, s, o)
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		etag  string
		takes string
	}{{"0", ""}, {"1", "BUSY"}} {
		is := *o
		is.ETag, is.Start, is.End, is.Takes, is.Seasons = tt.etag, start, start.Add(time.Hour), "BUSY", 5
		update(t, s, func(tx *store.Tx) error { return tx.Reindex(&is) })
		view(t, s, func(tx *store.Tx) error {
			got, err := tx.ObjectByID(o.ID)
			if err != nil {
				return err
			}
			if got.Takes != tt.takes || (got.Seasons == 5) != (tt.takes != "") || !got.End.IsZero() == (tt.takes == "") {
				t.Errorf("with the ETag %s: got %+v", tt.etag, got)
			}
			if got.ETag != o.ETag || got.Seq != o.Seq || !got.Modified.Equal(o.Modified) {
				t.Errorf("with the ETag %s the object changed: got %+v", tt.etag, got)
			}
			return nil
		})
	}

	// The beginning of 1970 stands for no instant.
	o.Start, o.End, o.Takes = time.Unix(0, 0), time.Unix(3600, 0), "BUSY"
	update(t, s, func(tx *store.Tx) error { return tx.Reindex(o) })
	view(t, s, func(tx *store.Tx) error {
		got, err := tx.ObjectByID(o.ID)
		if err == nil && got.Takes != "" {
			t.Errorf("in 1970: takes %q, want nothing", got.Takes)
		}
		return err
	})
}

// Objects are listed in the order of their ids, not too many and not too much at once, but one at least.
func TestObjectsAfter(t *testing.T) {
	s := openStore(t, store.Options{})
	c := newCalendar(t, s, "anna")
	for _, o := range []struct {
		name string
		size int
	}{{"a", 10}, {"b", 90}, {"c", 300}, {"d", 10}, {"e", 10}, {"f", 10}} {
		put(t, s, &store.Object{CalendarID: c.ID, Name: o.name, Component: "VEVENT", Data: bytes.Repeat([]byte("x"), o.size)})
	}
	view(t, s, func(tx *store.Tx) error {
		pages := ""
		for after := int64(0); ; {
			os, err := tx.ObjectsAfter(after, 2, 105)
			if err != nil || len(os) == 0 {
				if want := "ab|c|de|f|"; pages != want {
					t.Errorf("got %s, want %s", pages, want)
				}
				return err
			}
			for _, o := range os {
				pages, after = pages+o.Name, o.ID
			}
			pages += "|"
		}
	})
}
