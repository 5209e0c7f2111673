package store

import (
	"database/sql"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var updateFiles = flag.Bool("update", false, "rewrite the files of testdata that follow the code")

// oldDatabase makes a database of an earlier schema from files of testdata.
func oldDatabase(t *testing.T, files ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "joinery.db")
	db := sql.OpenDB(newConnector(path, false))
	defer db.Close()
	for _, file := range files {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(string(b)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return path
}

func TestUpgradeFromTheFirstSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, "schema-1.sql", "version-1.sql", "rows-1.sql"))
	if got, want := s.Installation(), "0123456789abcdef"; got != want {
		t.Errorf("installation: got %q, want %q", got, want)
	}
	err := s.Update(t.Context(), func(tx *Tx) error {
		u, err := tx.UserByAddress("anna@example.org")
		if err != nil {
			return err
		}
		c, err := tx.CalendarBySlug(u.ID, "calendar")
		if err != nil {
			return err
		}
		o, err := tx.ObjectByName(c.ID, "a.ics")
		if err != nil {
			return err
		}
		e, err := tx.EventByUID(u.ID, o.UID)
		if err != nil {
			return err
		}
		bookings, err := tx.Bookings(e.ID)
		if err != nil {
			return err
		}
		if len(bookings) != 1 {
			t.Fatalf("bookings: got %d, want 1", len(bookings))
		}
		r, err := tx.RoomByLink("https://events.example/1")
		if err != nil {
			return err
		}
		if r.BookingID != bookings[0].ID || r.Refs["event"] != "7" {
			t.Errorf("room: got %+v", r)
		}
		if _, err := tx.Delivery(e.ID, "boris@example.org", false); err != nil {
			return err
		}
		if changes, _, _, err := tx.Changes(c.ID, 1, 0); err != nil || len(changes) != 2 {
			t.Errorf("changes: got %v (%v), want 2", changes, err)
		}
		w, err := tx.WorkOf("booking", e.ID)
		if err != nil || w.Attempts != 3 {
			t.Errorf("work: got %+v (%v)", w, err)
		}
		if _, err := tx.RevisionByETag(o.ID, "e0"); err != nil {
			return err
		}
		// What came later is empty, and can be written.
		if b := bookings[0]; b.Token != "" || b.Warning != "" || r.Occurrence != "" || r.Status != "" || !r.AskAt.IsZero() || r.People != "" {
			t.Errorf("new columns: got %+v, %+v", b, r)
		}
		bookings[0].Token, r.Occurrence = "t", "20260105T090000Z"
		if err := errors.Join(tx.PutBooking(&bookings[0]), tx.PutRoom(r)); err != nil {
			return err
		}
		if token, err := tx.TokenByName("t"); err != nil || token.BookingID != bookings[0].ID {
			t.Errorf("token: got %+v (%v)", token, err)
		}
		return tx.PutObject(o)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpgradeFromTheSecondSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, "schema-1.sql", "rows-1.sql", "schema-2.sql", "version-1.sql", "version-2.sql", "rows-2.sql"))
	err := s.Update(t.Context(), func(tx *Tx) error {
		token, err := tx.TokenByName("old-token")
		if err != nil {
			return err
		}
		b, err := tx.BookingByID(token.BookingID)
		if err != nil {
			return err
		}
		if b.PublicID != "series" || b.Token != "token" || b.Warning != "fields" {
			t.Errorf("booking: got %+v", b)
		}
		r, err := tx.RoomByKey("0123456789abcdef-14")
		if err != nil {
			return err
		}
		if r.BookingID != b.ID || r.Occurrence != "20300324T101640Z" || r.Status != "ended" || r.StatusAt.IsZero() || r.AskAt.IsZero() || r.People != "[]" {
			t.Errorf("room: got %+v", r)
		}
		people, err := tx.Registrations(r.ID)
		if err != nil || len(people) != 1 || people[0].Address != "boris@example.org" || people[0].Link != "https://events.example/2/personal" {
			t.Errorf("registrations: got %+v (%v)", people, err)
		}
		visits, err := tx.Visits(r.ID)
		if err != nil || len(visits) != 1 || visits[0].Seconds != 1800 || !visits[0].Left.IsZero() {
			t.Errorf("visits: got %+v (%v)", visits, err)
		}
		strays, err := tx.Strays("mtslink")
		if err != nil || len(strays) != 1 || strays[0].Ref != "77" {
			t.Errorf("strays: got %+v (%v)", strays, err)
		}
		return tx.PutRoom(r)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpgradeFromTheThirdSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, "schema-1.sql", "rows-1.sql", "schema-2.sql", "schema-3.sql", "version-1.sql", "version-2.sql", "version-3.sql", "rows-3.sql"))
	err := s.Update(t.Context(), func(tx *Tx) error {
		u, err := tx.UserByID(3)
		if err != nil {
			return err
		}
		if u.Kind != UserRoom || u.DefaultCalendar != 5 {
			t.Errorf("user: got %+v", u)
		}
		e, err := tx.EventByID(9)
		if err != nil {
			return err
		}
		if !e.Delivered || e.Uninvited {
			t.Errorf("event: got %+v", e)
		}
		d, err := tx.DeliveryByToken("answer-token-of-boris")
		if err != nil {
			return err
		}
		if d.EventID != 9 || d.Reported != "5.1" || d.Forced {
			t.Errorf("delivery: got %+v", d)
		}
		said, err := tx.Answers(9)
		if err != nil || len(said) != 1 {
			t.Fatalf("answers: got %+v (%v)", said, err)
		}
		a := &said[0]
		if a.RecurrenceID != "20300324T101640Z" || a.Start.IsZero() || a.Comment != "Later?" || !a.Told || a.Token != "" || a.Refusal != RefusalNone {
			t.Errorf("answer: got %+v", a)
		}
		a.Token, a.Refusal = "decision", RefusalOwed
		if err := tx.PutAnswer(a); err != nil {
			return err
		}
		if a, err = tx.AnswerByToken("decision"); err != nil || a.Refusal != RefusalOwed {
			t.Errorf("answer by its token: got %+v (%v)", a, err)
		}
		mails, err := tx.IncomingOf("a", 10)
		if err != nil || len(mails) != 1 || mails[0].Outcome != "applied" {
			t.Errorf("incoming: got %+v (%v)", mails, err)
		}
		inbox, err := tx.Inbox(3)
		if err != nil {
			return err
		}
		return tx.PutObject(&Object{CalendarID: inbox.ID, Name: "m.ics", UID: "a", Component: "VEVENT", Data: []byte("x"), ETag: "m"})
	})
	if err != nil {
		t.Error(err)
	}
}

// The kept copies are those of the migrations: databases made by them are in use, so they change only
// before the first release (then with -update).
func TestOldSchemasAreKept(t *testing.T) {
	for file, kept := range map[string]string{
		"migrations/00001_first.sql":      "testdata/schema-1.sql",
		"migrations/00002_series.sql":     "testdata/schema-2.sql",
		"migrations/00003_scheduling.sql": "testdata/schema-3.sql",
	} {
		b, err := migrations.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile(`(?m)^-- \+goose.*\n`).ReplaceAllString(string(b), "")
		if *updateFiles {
			if err := os.WriteFile(kept, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(kept)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not %s: a released migration must not change (add another); before the release run with -update", kept, file)
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := oldDatabase(t, "schema-1.sql", "version-1.sql")
	db := sql.OpenDB(newConnector(path, false))
	_, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), "sqlite:"+path, Options{}); !errors.Is(err, errNewerSchema) {
		t.Errorf("got %v, want %v", err, errNewerSchema)
	}
}

// Migrations are numbered without gaps, so that two branches cannot both add the same one.
func TestMigrationsAreNumbered(t *testing.T) {
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for i, e := range entries {
		numbers = append(numbers, e.Name()[:5])
		if want := []byte{'0', '0', '0', byte('0' + (i+1)/10), byte('0' + (i+1)%10)}; string(want) != e.Name()[:5] {
			t.Errorf("migration %d is %s", i+1, e.Name())
		}
	}
	if !slices.IsSorted(numbers) || len(numbers) == 0 {
		t.Errorf("migrations: %q", numbers)
	}
}
