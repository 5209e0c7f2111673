package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// levels says how high each package stands. A package imports only from lower levels: down between
// packages, and down between the top folders.
var levels = map[string]int{
	"store": 0, "conference": 0, "caldav/ical": 0, "conference/emulator": 0,
	"conference/mtslink": 1, "caldav/itip": 1,
	"store/outbox":       2,
	"conference/booking": 3,
	"caldav/change":      4,
	"caldav":             5, "mailer": 5,
	"web":         6,
	"cmd/joinery": 7,
}

// forTests are packages that only tests import; they may reach further.
var forTests = []string{"conference/providertest"}

func TestImportsPointDown(t *testing.T) {
	const module = "joinery/"
	seen := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".." && path != "../..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		pkg := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../../"))
		if slices.Contains(forTests, pkg) {
			return nil
		}
		level, ok := levels[pkg]
		if !ok {
			t.Errorf("%s has no level: add the package to docs/architecture.md and to this list", pkg)
			return nil
		}
		seen[pkg] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			target, ours := strings.CutPrefix(name, module)
			if !ours {
				continue
			}
			if below, ok := levels[target]; !ok || below >= level {
				t.Errorf("%s (level %d) imports %s (level %d)", path, level, target, below)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("walk the tree: %v", err)
	}
	for pkg := range levels {
		if !seen[pkg] {
			t.Errorf("%s is in the list and not in the tree", pkg)
		}
	}
}

func TestNothingElseAtTheRoot(t *testing.T) {
	allowed := []string{"cmd", "caldav", "conference", "mailer", "store", "web", "testdata", "docs", "go.mod", "go.sum", "README.md", "LICENSE"}
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatalf("read the root: %v", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s stands at the root", e.Name())
		}
	}
}
