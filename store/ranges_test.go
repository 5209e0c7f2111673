package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRangesFindWhatOverlaps compares ranges of random spans and seasons, of every sort, with all that there is.
func TestRangesFindWhatOverlaps(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "joinery.db"))
	r := rand.New(rand.NewPCG(1, 2))
	begin := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func() time.Time { return begin.Add(time.Duration(r.Int64N(int64(20*365*24)))*time.Hour + 1) }
	type span struct {
		start, end time.Time
		seasons    uint64
	}
	spans := map[int64]span{}
	c := Calendar{Slug: "calendar"}
	err := s.Update(t.Context(), func(tx *Tx) error {
		u := User{Login: "anna"}
		if err := tx.CreateUser(&u); err != nil {
			return err
		}
		c.UserID = u.ID
		if err := tx.CreateCalendar(&c); err != nil {
			return err
		}
		lengths := []time.Duration{0, time.Hour, 24 * time.Hour, 24*time.Hour + time.Microsecond, 8 * 24 * time.Hour, 9 * 24 * time.Hour,
			32 * 24 * time.Hour, 100 * 24 * time.Hour, 128 * 24 * time.Hour, 500 * 24 * time.Hour, 512 * 24 * time.Hour, 4000 * 24 * time.Hour}
		for i := range 400 {
			sp := span{start: at()}
			sp.end = sp.start.Add(lengths[i%len(lengths)])
			switch i % 29 {
			case 0:
				sp.end = time.Time{}
			case 1:
				sp.start = time.Time{}
			case 2:
				sp = span{}
			}
			if i%3 > 0 {
				sp.seasons = r.Uint64() & r.Uint64() >> 4
			}
			o := Object{CalendarID: c.ID, Seasons: sp.seasons, Name: fmt.Sprint(i), UID: fmt.Sprint(i), Component: "VEVENT", Start: sp.start, End: sp.end, Data: []byte("x")}
			if err := tx.PutObject(&o); err != nil {
				return err
			}
			spans[o.ID] = sp
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		from := at()
		to := from.Add([]time.Duration{0, time.Hour, 7 * 24 * time.Hour, 400 * 24 * time.Hour}[i%4])
		switch i % 11 {
		case 0:
			from = time.Time{}
		case 1:
			to = time.Time{}
		}
		var seasons uint64
		if i%3 > 0 {
			seasons = r.Uint64() & r.Uint64() & r.Uint64() >> 4
		}
		var want, got []int64
		for id, sp := range spans {
			if (sp.start.IsZero() || to.IsZero() || !sp.start.Truncate(time.Microsecond).After(to.Truncate(time.Microsecond))) &&
				(sp.end.IsZero() || from.IsZero() || !sp.end.Truncate(time.Microsecond).Before(from.Truncate(time.Microsecond))) &&
				(from.IsZero() && to.IsZero() || sp.seasons == 0 || seasons == 0 || sp.seasons&seasons != 0) {
				want = append(want, id)
			}
		}
		err := s.View(t.Context(), func(tx *Tx) error {
			found, err := tx.SpansInRange(c.ID, "VEVENT", Range{From: from, To: to, Seasons: seasons})
			for _, sp := range found {
				got = append(got, sp.ID)
				if want := spans[sp.ID].start.Truncate(time.Microsecond); !sp.Start.Equal(want) {
					t.Errorf("start %v, want %v", sp.Start, want)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%v to %v: got %d objects, want %d", from, to, len(got), len(want))
		}
	}
}

// TestPlans has SQLite say how it finds what is asked for most: from an index, never by going through
// all members (what a subquery has found is gone through).
func TestPlans(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "joinery.db"))
	ranges, args := inRange(spanColumns, 1, "VEVENT", Range{From: time.Unix(1, 0), To: time.Unix(2, 0), Seasons: 1})
	for _, tt := range []struct {
		query string
		args  []any
		want  string
	}{
		{ranges, args, "COVERING INDEX objects_range (calendar_id=? AND component=? AND <expr>=? AND start_at>? AND start_at<?)"},
		{tagsQuery, []any{1, 2, 3}, "COVERING INDEX objects_seq (calendar_id=? AND seq>?)"},
	} {
		var plan []string
		err := s.View(t.Context(), func(tx *Tx) error {
			return tx.each(func(scan scan) error {
				var id, parent, unused int
				var detail string
				err := scan(&id, &parent, &unused, &detail)
				plan = append(plan, detail)
				return err
			}, `EXPLAIN QUERY PLAN `+tt.query, tt.args...)
		})
		if text := strings.Join(plan, "\n"); err != nil || !strings.Contains(text, tt.want) || strings.Contains(strings.ReplaceAll(text, "SCAN (subquery", ""), "SCAN") || strings.Contains(text, "B-TREE") {
			t.Errorf("%s\nis found by\n%s\nwant %s (%v)", tt.query, text, tt.want, err)
		}
	}
}
