package ical

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzParse holds for any bytes: Parse does not panic and allocates little for each of them, also where they
// come again and again; an edit without changes is the identity, an
// edited object reads again with what was set, and views of it do not panic either. Seeds are the
// clients' recordings and what testdata/fuzz keeps.
func FuzzParse(f *testing.F) {
	for _, body := range recordings(f) {
		f.Add([]byte(body), "Tea", "X-A")
	}
	f.Add([]byte(event("UID:1", `X;A="b,c",d;A=e^n:f\`, "DTSTART;TZID=Local:20260105T100000", "DURATION:P1DT")), "a\r\nEND:VEVENT\x00\xff", "")
	f.Add([]byte("\uFEFFBEGIN:VCALENDAR\n\nBEGIN:VEVENT\nA\n :\xd0\n \xb0\nEND:VEVENT\n\n \nEND:VCALENDAR"), "\xd0\xb0 ", ":;,\"^")
	f.Add([]byte("BEGIN:VCALENDAR\r\nDTEND;TZID=Europe/Paris\r\nEND:VCALENDAR"), "", "a")
	f.Add([]byte("BEGIN:VCALENDAR\r\nATTENDEE;CN=\"a\"b:c\r\nEND:VCALENDAR"), "", "a")
	f.Fuzz(func(t *testing.T, data []byte, value, param string) {
		limits := Limits{Size: 1 << 16, Components: 100, Depth: 8}
		var o *Object
		var err error
		if spent := allocated(func() { o, err = Parse(data, limits) }); spent > uint64(allocatedPerByte*len(data)+64<<10) {
			t.Errorf("parsing %d bytes took %d", len(data), spent)
		}
		parseRepeated(t, data)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			return
		}
		e := o.Edit()
		if e.Changed() || !bytes.Equal(e.Bytes(), data) {
			t.Fatal("an edit without changes is not the identity")
		}
		if _, err := Check(o, 10); err == nil {
			if _, err := ParseEvent(o); err != nil {
				t.Fatalf("a valid object does not read as an event: %v", err)
			}
		}
		if event, err := ParseEvent(o); err == nil {
			for _, v := range event.All() {
				if v.End.Time.Before(v.Start.Time) {
					t.Fatalf("from %v to %v", v.Start, v.End)
				}
			}
		}
		editEverything(t, o, e, value, param)
	})
}

// parseRepeated parses what stands between the first line and the last many times over.
func parseRepeated(t *testing.T, data []byte) {
	t.Helper()
	inner := bytes.TrimSpace(data)
	_, inner, _ = bytes.Cut(inner, []byte("\n"))
	end := bytes.LastIndexByte(inner, '\n')
	if end < 0 || len(inner) > 4096 {
		return
	}
	long := append([]byte("BEGIN:VCALENDAR\n"), bytes.Repeat(inner[:end+1], 16)...)
	long = append(long, "END:VCALENDAR\n"...)
	var o *Object
	parse := func() { o, _ = Parse(long, Limits{}) }
	if spent := allocated(parse); spent > uint64(allocatedPerByte*len(long)+64<<10) {
		t.Errorf("parsing %d bytes took %d", len(long), spent)
	}
	if o == nil {
		return
	}
	read := func() { _, _ = Check(o, 0) }
	if spent := allocated(read); spent > uint64(128<<20+allocatedPerByte*len(long)) { // a rule is expanded once
		t.Errorf("checking %d bytes took %d", len(long), spent)
	}
}

// editEverything sets value and the parameter on every line of o, adds a line to every component,
// and looks for both in what comes out.
func editEverything(t *testing.T, o *Object, e *Edit, value, param string) {
	t.Helper()
	lines := 0 // that the edited object must have
	var walk func(c *Component, visit func(*Component))
	walk = func(c *Component, visit func(*Component)) {
		visit(c)
		for _, child := range c.Children {
			walk(child, visit)
		}
	}
	walk(o.Root, func(c *Component) {
		for _, l := range c.Lines {
			lines++
			e.SetParam(l, "X-FUZZ", param)
			e.SetValue(l, EscapeText(value))
		}
		lines++
		e.Add(c, FormatLine("X-ADDED", []Param{{Name: "A", Values: []string{param, value}}}, EscapeText(value)))
	})
	out := e.Bytes()
	again, err := Parse(out, Limits{Size: 1 << 30, Components: 200, Depth: 8})
	if err != nil {
		t.Fatalf("the edited object is refused: %v\n%q", err, out)
	}
	plainValue, plainParam := unescapeText(EscapeText(value)), decodeParam(trimQuotes(encodeParam(param)))
	found := 0
	walk(again.Root, func(c *Component) {
		for _, l := range c.Lines {
			found++
			if got := l.Text(); got != plainValue {
				t.Fatalf("value: got %q, want %q", got, plainValue)
			}
			name := "X-FUZZ"
			if l.Name == "X-ADDED" && l.Param(name) == "" {
				name = "A"
			}
			if got := l.Param(name); got != plainParam {
				t.Fatalf("parameter: got %q, want %q", got, plainParam)
			}
		}
	})
	if found != lines {
		t.Fatalf("got %d lines, want %d", found, lines)
	}
	// Doing it again changes nothing more.
	e = again.Edit()
	walk(again.Root, func(c *Component) {
		for _, l := range c.Lines {
			e.SetValue(l, l.Value)
			e.SetParam(l, "X-NONE", "")
		}
	})
	if e.Changed() {
		t.Fatal("setting what is there changes it")
	}
}

func trimQuotes(s string) string {
	if len(s) >= 2 && s[0] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
