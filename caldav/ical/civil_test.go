package ical

import (
	"testing"
	"time"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Both changes of daylight saving in three zones: what occurs twice is the first, what does not
// occur is counted with the offset before the gap (RFC 5545 §3.3.5).
func TestLocalTime(t *testing.T) {
	for _, tt := range []struct {
		zone, wall, want string
	}{
		{"Europe/Berlin", "20260329T015959", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "20260329T020000", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "20260329T023000", "2026-03-29T01:30:00Z"},
		{"Europe/Berlin", "20260329T030000", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "20261025T015959", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "20261025T020000", "2026-10-25T00:00:00Z"},
		{"Europe/Berlin", "20261025T023000", "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "20261025T030000", "2026-10-25T02:00:00Z"},
		{"America/New_York", "20260308T023000", "2026-03-08T07:30:00Z"},
		{"America/New_York", "20260308T030000", "2026-03-08T07:00:00Z"},
		{"America/New_York", "20261101T013000", "2026-11-01T05:30:00Z"},
		{"America/New_York", "20261101T020000", "2026-11-01T07:00:00Z"},
		{"Australia/Sydney", "20261004T023000", "2026-10-03T16:30:00Z"},
		{"Australia/Sydney", "20261004T030000", "2026-10-03T16:00:00Z"},
		{"Australia/Sydney", "20260405T023000", "2026-04-04T15:30:00Z"},
		{"Australia/Sydney", "20260405T030000", "2026-04-04T17:00:00Z"},
		{"Australia/Lord_Howe", "20261004T021500", "2026-10-03T15:45:00Z"},
		{"Pacific/Apia", "20111230T090000", "2011-12-30T19:00:00Z"}, // a day that did not take place
		{"Asia/Kathmandu", "20260601T120000", "2026-06-01T06:15:00Z"},
		{"UTC", "20260601T120000", "2026-06-01T12:00:00Z"},
	} {
		c, _, _, err := parseCivil(tt.wall)
		if err != nil {
			t.Fatal(err)
		}
		w := c.utc()
		got := LocalTime(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), zoneOf(t, tt.zone))
		if got.UTC().Format(time.RFC3339) != tt.want {
			t.Errorf("%s in %s: got %s, want %s", tt.wall, tt.zone, got.UTC().Format(time.RFC3339), tt.want)
		}
	}
	if got := LocalTime(2026, 1, 1, 0, 0, 0, nil); !got.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("no location: got %s", got)
	}
}

// Every hour of some years reads back as its own wall clock, or an hour earlier where that occurs
// twice.
func TestLocalTimeReadsBack(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Sydney", "Africa/Casablanca", "Europe/Dublin"} {
		loc := zoneOf(t, name)
		for at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2028; at = at.Add(time.Hour) {
			got := civilTime(civilOf(at.In(loc)), loc)
			if d := at.Sub(got); d != 0 && (d != time.Hour || civilOf(got) != civilOf(at.In(loc))) {
				t.Fatalf("%s in %s: got %s", at, name, got)
			}
		}
	}
}

func TestDates(t *testing.T) {
	n := dayNumber(1, 1, 1)
	for at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2801; at = at.AddDate(0, 0, 1) {
		y, m, d := at.Date()
		if got := dayNumber(y, int(m), d); got != n {
			t.Fatalf("dayNumber(%s): got %d, want %d", at, got, n)
		}
		if gy, gm, gd := dateOf(n); gy != y || gm != int(m) || gd != d {
			t.Fatalf("dateOf(%d): got %d-%d-%d, want %s", n, gy, gm, gd, at)
		}
		if got := weekdayOf(n); got != at.Weekday() {
			t.Fatalf("weekdayOf(%s): got %s", at, got)
		}
		n++
	}
	if got, want := dayNumber(2026, 14, 1), dayNumber(2027, 2, 1); got != want {
		t.Errorf("month 14: got %d, want %d", got, want)
	}
}
