package ical

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// calendar makes an object of lines, with CRLF.
func calendar(lines ...string) string {
	return "BEGIN:VCALENDAR\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n"
}

// event makes an object with one VEVENT of lines.
func event(lines ...string) string {
	return calendar(append(append([]string{"BEGIN:VEVENT"}, lines...), "END:VEVENT")...)
}

func mustParse(t testing.TB, text string) *Object {
	t.Helper()
	o, err := Parse([]byte(text), Limits{})
	if err != nil {
		t.Fatalf("parsing %q: %v", clip(text), err)
	}
	return o
}

// recordings are the bodies that real clients sent, by name.
func recordings(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/clients/*.ics")
	if err != nil || len(files) == 0 {
		t.Fatalf("recordings: %d files, %v", len(files), err)
	}
	bodies := map[string]string{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		bodies[filepath.Base(f)] = string(data)
	}
	return bodies
}

func TestParseRecordings(t *testing.T) {
	for name, body := range recordings(t) {
		o := mustParse(t, body)
		events := o.Root.Find("VEVENT")
		if len(events) == 0 {
			t.Errorf("%s: no VEVENT", name)
		}
		for _, c := range events {
			if c.Text("UID") == "" {
				t.Errorf("%s: no UID", name)
			}
		}
		// The lines and the BEGIN and END lines are all there is.
		var rebuilt strings.Builder
		var walk func(c *Component)
		walk = func(c *Component) {
			rebuilt.WriteString(body[c.start:c.body])
			pos := 0
			lines, children := c.Lines, c.Children
			for len(lines)+len(children) > 0 {
				if len(children) == 0 || len(lines) > 0 && lines[0].start < children[0].start {
					rebuilt.WriteString(body[lines[0].start:lines[0].end])
					lines = lines[1:]
				} else {
					walk(children[0])
					children = children[1:]
				}
				pos++
			}
			rebuilt.WriteString(body[c.foot:c.end])
		}
		walk(o.Root)
		if got, want := rebuilt.String(), strings.TrimRight(body, "\r\n"); strings.TrimRight(got, "\r\n") != want {
			t.Errorf("%s: offsets do not cover the body", name)
		}
	}
}

func TestParseLenient(t *testing.T) {
	base := event("UID:1", "SUMMARY:Tea", "DTSTART:20260105T100000Z")
	tests := []struct {
		name, text, summary string
	}{
		{"crlf", base, "Tea"},
		{"bare lf", strings.ReplaceAll(base, "\r\n", "\n"), "Tea"},
		{"mixed", strings.Replace(base, "Tea\r\n", "Tea\n", 1), "Tea"},
		{"doubled cr", strings.ReplaceAll(base, "\r\n", "\r\r\n"), "Tea"},
		{"bom", "\uFEFF" + base, "Tea"},
		{"blank lines before", "\r\n\n" + base, "Tea"},
		{"blank lines within", strings.ReplaceAll(base, "\r\n", "\r\n\r\n"), "Tea"},
		{"blank lines after", base + "\r\n\n \t\r\n\r\n", "Tea"},
		{"no end of the last line", strings.TrimRight(base, "\r\n"), "Tea"},
		{"lower case", strings.ReplaceAll(strings.ToLower(base), "tea", "Tea"), "Tea"},
		{"space after begin and end", strings.NewReplacer("BEGIN:VEVENT", "BEGIN:VEVENT  ", "END:VEVENT", "END: VEVENT\t", "BEGIN:VCALENDAR", "BEGIN:VCALENDAR ").Replace(base), "Tea"},
		{"fold by space", strings.Replace(base, "Tea", "T\r\n ea", 1), "Tea"},
		{"fold by tab and lf", strings.Replace(base, "Tea", "T\n\tea", 1), "Tea"},
		{"fold keeps further spaces", strings.Replace(base, "Tea", "Tea\r\n  time", 1), "Tea time"},
		{"fold in name", strings.Replace(base, "SUMMARY", "SUM\r\n MARY", 1), "Tea"},
		{"fold before colon", strings.Replace(base, "SUMMARY:", "SUMMARY\r\n :", 1), "Tea"},
		{"fold of begin", strings.Replace(base, "BEGIN:VEVENT", "BEG\r\n IN:VEV\r\n ENT", 1), "Tea"},
		{"empty folds", strings.Replace(base, "Tea", "T\r\n \r\n \r\n ea", 1), "Tea"},
		{"fold with doubled cr", strings.Replace(base, "Tea", "T\r\r\n ea", 1), "Tea"},
		{"fold inside a character", strings.Replace(base, "Tea", "Ч\xd0\r\n \xb0й", 1), "Чай"},
		{"tab in value", strings.Replace(base, "Tea", "Te\ta", 1), "Te\ta"},
		{"not utf-8", strings.Replace(base, "Tea", "T\xe9\xff", 1), "T\xe9\xff"},
		{"colon, quote and semicolon in value", strings.Replace(base, "Tea", `a:b;"c`, 1), `a:b;"c`},
		{"empty value", strings.Replace(base, "Tea", "", 1), ""},
		{"a carriage return within", strings.Replace(base, "Tea", "T\rea", 1), "T\rea"},
		{"unusual names", strings.Replace(base, "UID", "X_A.B/ü;X-Y=1:z\r\nUID", 1), "Tea"},
		{"malformed zone", strings.Replace(base, "BEGIN:VEVENT", "BEGIN:VTIMEZONE\r\nTZID:x\r\nBEGIN:STANDARD\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT", 1), "Tea"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, err := Parse([]byte(test.text), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			events := o.Root.Find("VEVENT")
			if len(events) != 1 {
				t.Fatalf("got %d events", len(events))
			}
			if l := events[0].First("SUMMARY"); l == nil || l.Value != test.summary {
				t.Errorf("got %+v, want value %q", l, test.summary)
			}
			if got := events[0].Text("UID"); got != "1" {
				t.Errorf("UID: got %q", got)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
	}{
		{"empty", "", 0},
		{"only blank lines", "\r\n \r\n\n", 0},
		{"html", "<html>\n<body>", 1},
		{"json", `{"a": 1}`, 1},
		{"vcard", "BEGIN:VCARD\r\nEND:VCARD\r\n", 1},
		{"bare event", "BEGIN:VEVENT\r\nEND:VEVENT\r\n", 1},
		{"space before", " BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", 1},
		{"text before", "Hello\r\n" + calendar("X:1"), 1},
		{"property before", "VERSION:2.0\r\n" + calendar("X:1"), 1},
		{"second calendar", calendar("X:1") + calendar("X:1"), 4},
		{"calendar in calendar", calendar("BEGIN:VCALENDAR", "END:VCALENDAR"), 2},
		{"text after", calendar("X:1") + "\r\nBye", 5},
		{"property after", calendar("X:1") + "X:2\r\n", 4},
		{"no end", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n", 3},
		{"end of another", calendar("BEGIN:VEVENT", "END:VTODO"), 3},
		{"crossed", calendar("BEGIN:VEVENT", "BEGIN:VALARM", "END:VEVENT", "END:VALARM"), 4},
		{"end too much", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nEND:VCALENDAR\r\n", 3},
		{"begin without name", calendar("BEGIN:", "END:"), 2},
		{"no colon", event("UID:1", "SUMMARY"), 4},
		{"no colon after a fold", event("UID:1", "SUM\r\n MARY", "X:1"), 4},
		{"no colon after parameter", event("DTEND;TZID=Europe/Paris"), 3},
		{"no colon, parameter name only", event("DTEND;TZID"), 3},
		{"no colon after semicolon", event("DTEND;"), 3},
		{"no colon after equals", event("DTEND;TZID="), 3},
		{"no colon after quoted", event(`DTEND;TZID="a"`), 3},
		{"empty name", event(":x"), 3},
		{"empty name with parameter", event(";X=1:x"), 3},
		{"space in name", event("MY NAME:x"), 3},
		{"quote in name", event(`"X":x`), 3},
		{"text after quote", event(`ATTENDEE;CN="a"b:mailto:a@b`), 3},
		{"open quote", event(`ATTENDEE;CN="a:mailto:a@b`), 3},
		{"open quote at the end", event(`ATTENDEE;CN="`), 3},
		{"escaped quote in quotes", event(`ATTENDEE;CN="a \"b\" c":mailto:a@b`), 3},
		{"parameter without value", event("DTSTART;DATE:20260101"), 3},
		{"parameter without name", event("DTSTART;=DATE:20260101"), 3},
		{"empty parameter", event("DTSTART;;VALUE=DATE:20260101"), 3},
		{"nul", event("UID:1", "SUMMARY:a\x00b"), 4},
		{"utf-16", "\xff\xfeB\x00E\x00", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.text), Limits{})
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if syntax.Line != test.line {
				t.Errorf("line: got %d (%v), want %d", syntax.Line, err, test.line)
			}
		})
	}
}

func TestParseLimits(t *testing.T) {
	nested := func(n int) string {
		return strings.Repeat("BEGIN:X-A\r\n", n) + strings.Repeat("END:X-A\r\n", n)
	}
	tests := []struct {
		name string
		text string
		lim  Limits
		ok   bool
	}{
		{"size reached", calendar("X:1"), Limits{Size: len(calendar("X:1"))}, true},
		{"size passed", calendar("X:1"), Limits{Size: len(calendar("X:1")) - 1}, false},
		{"default size", calendar("X:" + strings.Repeat("a", 1<<20)), Limits{}, false},
		{"depth reached", calendar(nested(3)), Limits{Depth: 4}, true},
		{"depth passed", calendar(nested(4)), Limits{Depth: 4}, false},
		{"default depth", calendar(nested(50000)), Limits{}, false},
		{"components reached", calendar(strings.Repeat(nested(1), 9)), Limits{Components: 10}, true},
		{"components passed", calendar(strings.Repeat(nested(1), 10)), Limits{Components: 10}, false},
		{"default components", calendar(strings.Repeat(nested(1), 10000)), Limits{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Parse([]byte(test.text), test.lim); (err == nil) != test.ok {
				t.Errorf("got %v, want ok %v", err, test.ok)
			}
		})
	}
}

func TestParams(t *testing.T) {
	tests := []struct {
		line  string
		want  []Param
		value string
	}{
		{"X:v", nil, "v"},
		{"X;A=1:v", []Param{{"A", []string{"1"}}}, "v"},
		{"X;a=b:v", []Param{{"A", []string{"b"}}}, "v"},
		{"X;A=:v", []Param{{"A", []string{""}}}, "v"},
		{`X;A="":v`, []Param{{"A", []string{""}}}, "v"},
		{`X;A="a;b:c,d":v`, []Param{{"A", []string{"a;b:c,d"}}}, "v"},
		{`X;A=1,"2,3",:v`, []Param{{"A", []string{"1", "2,3", ""}}}, "v"},
		{"X;A=1;A=2:v", []Param{{"A", []string{"1"}}, {"A", []string{"2"}}}, "v"},
		{"X;A=1;B=2:http://c;d", []Param{{"A", []string{"1"}}, {"B", []string{"2"}}}, "http://c;d"},
		{"X;A=b=c:v", []Param{{"A", []string{"b=c"}}}, "v"},
		{`X;CN=Bob "the" B:v`, []Param{{"CN", []string{`Bob "the" B`}}}, "v"},
		{`X;CN=5":v`, []Param{{"CN", []string{`5"`}}}, "v"},
		// RFC 6868
		{`X;CN=George Herman ^'Babe^' Ruth:v`, []Param{{"CN", []string{`George Herman "Babe" Ruth`}}}, "v"},
		{`X;A="a^nb^^n^'":v`, []Param{{"A", []string{"a\nb^n\""}}}, "v"},
		{`X;A=^x^:v`, []Param{{"A", []string{"^x^"}}}, "v"},
		{`X;CN=Аня:v`, []Param{{"CN", []string{"Аня"}}}, "v"},
		{"X;CN=\xe9:v", []Param{{"CN", []string{"\xe9"}}}, "v"},
	}
	for _, test := range tests {
		l := mustParse(t, event(test.line)).Root.Children[0].Lines[0]
		if got, want := fmt.Sprintf("%q", l.Params), fmt.Sprintf("%q", test.want); got != want || l.Value != test.value {
			t.Errorf("%s: got %s, %q, want %s, %q", test.line, got, l.Value, want, test.value)
		}
		if l.Raw() != test.line {
			t.Errorf("raw: got %q, want %q", l.Raw(), test.line)
		}
	}
}

func TestFormatLineRoundTrip(t *testing.T) {
	params := []Param{
		{"CN", []string{`Anna "A" O'Hara; a:b, c`}},
		{"X-A", []string{"one", "two, three", "^n", "a\nb\r\nc", ""}},
		{"X-B", []string{"Аня"}},
	}
	line := FormatLine("ATTENDEE", params, "mailto:a@b")
	const want = `ATTENDEE;CN="Anna ^'A^' O'Hara; a:b, c";X-A=one,"two, three",^^n,a^nb^nc,;X-B=Аня:mailto:a@b`
	if line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	l := mustParse(t, event(line)).Root.Children[0].Lines[0]
	if got := l.Params[0].Values[0]; got != params[0].Values[0] {
		t.Errorf("CN: got %q", got)
	}
	if got, want := l.Params[1].Values, []string{"one", "two, three", "^n", "a\nb\nc", ""}; !slices.Equal(got, want) {
		t.Errorf("X-A: got %q, want %q", got, want)
	}
	if got := FormatLine("X", []Param{{"A", []string{"a\x01\x7fb"}}}, ""); got != "X;A=ab:" {
		t.Errorf("control characters: got %q", got)
	}
}

func TestText(t *testing.T) {
	tests := []struct{ value, want string }{
		{``, ""},
		{`plain`, "plain"},
		{`Lunch, with Bob`, "Lunch, with Bob"},
		{`Lunch\, with Bob\; now`, "Lunch, with Bob; now"},
		{`a\nb\Nc`, "a\nb\nc"},
		{`a\\nb`, `a\nb`},
		{`C:\\dir`, `C:\dir`},
		{`a\:b\"c\x`, `a:b"cx`},
		{`end\`, `end\`},
		{`end\\`, `end\`},
		{`a;b`, "a;b"},
		{`\nа\n`, "\nа\n"},
	}
	for _, test := range tests {
		l := mustParse(t, event("SUMMARY:"+test.value)).Root.Children[0].First("SUMMARY")
		if got := l.Text(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.value, got, test.want)
		}
	}
}

func TestTexts(t *testing.T) {
	tests := []struct {
		value string
		want  []string
	}{
		{``, nil},
		{`one`, []string{"one"}},
		{`one,two`, []string{"one", "two"}},
		{`a\,b,c\\,d\;e`, []string{"a,b", `c\`, "d;e"}},
		{`a,,b,`, []string{"a", "", "b", ""}},
		{`a,b\`, []string{"a", `b\`}},
	}
	for _, test := range tests {
		l := mustParse(t, event("CATEGORIES:"+test.value)).Root.Children[0].First("CATEGORIES")
		if got := l.Texts(); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.value, got, test.want)
		}
	}
}

func TestEscapeText(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"a, b; c\\", `a\, b\; c\\`},
		{"a\nb\r\nc\rd", `a\nb\nc\nd`},
		{"a\x00\x07\x7fb\tc", "ab\tc"},
		{`"a": b`, `"a": b`},
		{"Чай\xff", "Чай\xff"},
	}
	for _, test := range tests {
		if got := EscapeText(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestLookups(t *testing.T) {
	o := mustParse(t, event("X-A:1", "x-a:2", "SUMMARY:a\\,b", "BEGIN:VALARM", "SUMMARY:c", "END:VALARM", "X-A:3"))
	c := o.Root.Children[0]
	if got := len(c.All("X-A")); got != 3 {
		t.Errorf("All: got %d lines, want 3", got)
	}
	if l := c.First("X-A"); l == nil || l.Value != "1" {
		t.Errorf("First: got %+v", l)
	}
	if c.First("X-B") != nil || c.All("X-B") != nil || c.Text("X-B") != "" || c.Find("X") != nil {
		t.Error("something is found that is not there")
	}
	if got := c.Text("SUMMARY"); got != "a,b" {
		t.Errorf("Text: got %q", got)
	}
	alarms := c.Find("VALARM")
	if len(alarms) != 1 || alarms[0].Parent != c || alarms[0].Text("SUMMARY") != "c" {
		t.Errorf("Find: got %+v", alarms)
	}
	if got := c.First("X-A").Param("NONE"); got != "" {
		t.Errorf("Param: got %q", got)
	}
}

// A parameter of a megabyte, folded or not, costs a few allocations, not one per piece: other
// libraries take quadratic time here.
func TestParseLongLines(t *testing.T) {
	const size = 1 << 20
	long := strings.Repeat("a", size)
	folded := strings.TrimSuffix(string(appendFolded(nil, "ATTENDEE;CN="+long+":mailto:a@b", "\r\n")), "\r\n")
	many := "ATTENDEE" + strings.Repeat(";A=b", size/4) + ":x"
	list := "ATTENDEE;A=" + strings.Repeat("b,", size/2) + ":x"
	for name, line := range map[string]string{
		"one parameter": "ATTENDEE;CN=" + long + ":mailto:a@b",
		"folded":        folded, "many parameters": many, "many values": list,
		"circumflexes": "ATTENDEE;CN=" + strings.Repeat("^^", size/2) + ":x",
		"tiny folds":   "X:" + strings.Repeat("\n ", size/2),
		"tiny lines":   strings.TrimSuffix(strings.Repeat("A:\n", size/3), "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			data := []byte(event(line))
			run := func() {
				if _, err := Parse(data, Limits{Size: 2 * size}); err != nil {
					t.Fatal(err)
				}
			}
			limit := 150.0
			if name == "tiny lines" {
				limit = size / 3 / 32
			}
			if got := testing.AllocsPerRun(1, run); got > limit {
				t.Errorf("got %v allocations, want at most %v", got, limit)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			run()
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 200*size {
				t.Errorf("got %d MiB allocated", got>>20)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	data := []byte(recordings(b)["thunderbird-33-put-series-renamed.ics"])
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for range b.N {
		if _, err := Parse(data, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
