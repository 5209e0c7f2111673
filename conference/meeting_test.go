package conference

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFitTitle(t *testing.T) {
	for _, tt := range []struct {
		title string
		limit int
		want  string
	}{
		{"Quarter review", 255, "Quarter review"},
		{"Quarter review", 7, "Quarter"},
		{"Quarter review", 8, "Quarter"},
		{"Совещание", 4, "Сове"},
		{"line one\r\nline two\x00", 0, "line one line two"},
		{"  \t\n ", 10, ""},
		{"", 10, ""},
		{"e\u0301e\u0301e\u0301", 4, "e\u0301e\u0301"},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301"},
		{"abc", 3, "abc"},
	} {
		got := FitTitle(tt.title, tt.limit)
		if got != tt.want {
			t.Errorf("FitTitle(%q, %d): got %q, want %q", tt.title, tt.limit, got, tt.want)
		}
	}
	for limit := 1; limit < 20; limit++ {
		got := FitTitle(strings.Repeat("👩\u200d💻é", 10), limit)
		if utf8.RuneCountInString(got) > limit || !utf8.ValidString(got) {
			t.Errorf("limit %d: got %q", limit, got)
		}
	}
}

func TestDuration(t *testing.T) {
	now := time.Now()
	if got := (Meeting{Start: now, End: now.Add(time.Hour)}).Duration(); got != time.Hour {
		t.Errorf("got %v", got)
	}
	if got := (Meeting{Start: now, End: now.Add(-time.Hour)}).Duration(); got != 0 {
		t.Errorf("an end before the start: got %v", got)
	}
}

func TestRoomClone(t *testing.T) {
	r := Room{Refs: map[string]string{"a": "1"}}
	c := r.Clone()
	c.Refs["a"] = "2"
	if r.Refs["a"] != "1" {
		t.Error("the clone shares its references")
	}
	if c := (Room{}).Clone(); c.Refs == nil {
		t.Error("a clone's references can be written to")
	}
}
