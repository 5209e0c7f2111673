package store

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var updateFiles = flag.Bool("update", false, "rewrite the files of testdata that follow the code")

// oldDatabase makes a database of an earlier schema from testdata: rows of the first one, and rows that
// show what the last one added.
func oldDatabase(t *testing.T, schema int) string {
	t.Helper()
	files := []string{"schema-1.sql", "rows-1.sql", "version-1.sql"}
	for n := 2; n <= schema; n++ {
		files = append(files, fmt.Sprintf("schema-%d.sql", n), fmt.Sprintf("version-%d.sql", n))
	}
	if schema > 1 {
		files = append(files, fmt.Sprintf("rows-%d.sql", schema))
	}
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

// The kept copies are those of the migrations: databases made by them are in use, so they change only
// before the first release (then with -update).
func TestOldSchemasAreKept(t *testing.T) {
	for i, name := range []string{"first", "series", "scheduling", "guests", "attachments", "properties", "ranges"} {
		file, kept := fmt.Sprintf("migrations/%05d_%s.sql", i+1, name), fmt.Sprintf("testdata/schema-%d.sql", i+1)
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
	path := oldDatabase(t, 1)
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
