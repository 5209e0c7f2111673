package caldav

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // an old database is made by hand

	"joinery/store"
)

// oldStore makes a database of the sixth schema with anna's calendar, in which are many single and yearly
// events, indexed as they were then, and returns its path.
func oldStore(t *testing.T, many int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%.60s: %v", query, err)
		}
	}
	for _, file := range []string{"schema-1", "rows-1", "version-1", "schema-2", "version-2", "schema-3", "version-3", "schema-4", "version-4",
		"schema-5", "version-5", "schema-6", "version-6"} {
		b, err := os.ReadFile("../store/testdata/" + file + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		exec(string(b))
	}
	exec(`UPDATE users SET login = 'anna@example.org', login_key = 'anna@example.org', password = ?`, testHash("demo"))
	exec("BEGIN")
	add := func(uid string, start, end int64, lines ...string) {
		t.Helper()
		exec(`INSERT INTO objects (calendar_id, user_id, name, uid, component, etag, schedule_tag, own, start_at, end_at, recurring,
			seq, created_at, modified_at, data) VALUES (5, 3, ?, ?, 'VEVENT', ?, '', 0, ?, ?, 0, 3, 1, 1, ?)`,
			uid+".ics", uid, "tag-"+uid, start, end, []byte(event(uid, lines...)))
	}
	for i := range many {
		at := manyFrom.Add(time.Duration(i) * 24 * time.Hour)
		lines := []string{"DTSTART:" + at.Format(utcForm), "DURATION:PT1H"}
		if i%2 == 0 {
			add(fmt.Sprintf("single-%03d", i), at.UnixMicro(), at.Add(time.Hour).UnixMicro(), lines...)
		} else {
			add(fmt.Sprintf("yearly-%03d", i), at.UnixMicro(), 0, append(lines, "RRULE:FREQ=YEARLY")...)
		}
	}
	june := time.Date(2030, 6, 1, 10, 0, 0, 0, time.UTC).UnixMicro()
	add("rdate", june, june, "DTSTART:20300601T100000Z", "RDATE:20300110T100000Z")
	exec("COMMIT")
	return path
}

// TestReindex brings an old database's index up to date in spite of being cut off: what is found stays the
// same, less is read for it, and what was indexed wrongly is found. No client has anything to fetch again.
func TestReindex(t *testing.T) {
	path := oldStore(t, 500)
	open := func() *fixture {
		t.Helper()
		st, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		f := &fixture{TB: t, store: st, clock: &atomic.Int64{}}
		f.serve()
		return f
	}
	week := timeRange{time.Date(2030, 1, 7, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 14, 0, 0, 0, 0, time.UTC)}
	found := func(f *fixture) string {
		t.Helper()
		return fmt.Sprint(f.names(t, `<C:comp-filter name="VEVENT"><C:time-range start="`+week.start.Format(utcForm)+`" end="`+week.end.Format(utcForm)+`"/></C:comp-filter>`))
	}
	// look tells what a week's query reads, how many objects say what time they take, and how far it went.
	look := func(f *fixture) (read, take int, done string) {
		t.Helper()
		err := f.store.View(t.Context(), func(tx *store.Tx) error {
			ids, err := tx.ObjectIDsInRange(5, "VEVENT", week.indexed())
			if err != nil {
				return err
			}
			read = len(ids)
			all, err := tx.SpansInRange(5, "VEVENT", store.Range{})
			for _, s := range all {
				if s.Takes != "" {
					take++
				}
			}
			if err == nil {
				done, err = tx.Meta("indexed-2")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return read, take, done
	}

	f := open()
	const yearly = "yearly-007 yearly-009 yearly-011 yearly-373 yearly-375 yearly-377"
	if got := found(f); got != "["+yearly+"]" {
		t.Errorf("before: found %s", got)
	}
	if read, take, _ := look(f); read < 250 || take != 0 {
		t.Errorf("before: %d are read, %d take time", read, take)
	}
	token := f.do("REPORT", annaCal, syncBody("", "")).token()

	ctx, cut := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.changer.Reindex(ctx, 20*time.Millisecond) }()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, take, _ := look(f); take > 0 || time.Now().After(deadline) {
			break
		}
	}
	cut()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("cut off: %v", err)
	}
	_, part, done := look(f)
	if part == 0 || part >= 250 || done == "" || done == "all" {
		t.Errorf("cut off: %d take time, done to %q", part, done)
	}
	if got := found(f); got != "["+yearly+"]" {
		t.Errorf("half way: found %s", got)
	}
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}

	f = open()
	if err := f.changer.Reindex(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if got := found(f); got != "[rdate "+yearly+"]" {
		t.Errorf("after: found %s", got)
	}
	if read, take, done := look(f); read > 30 || take != 250 || done != "all" {
		t.Errorf("after: %d are read, %d take time, done to %q", read, take, done)
	}
	if told := f.do("REPORT", annaCal, syncBody(token, "")).hrefs(); told != "" {
		t.Errorf("after: clients are told of %s", told)
	}
	if got := f.do("GET", annaCal+"single-000.ics", "").header.Get("ETag"); got != `"tag-single-000"` {
		t.Errorf("after: the ETag is %s", got)
	}
	if err := f.changer.Reindex(t.Context(), time.Hour); err != nil {
		t.Errorf("a second time: %v", err)
	}
}
