package ical

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// edited parses text, lets change edit its first VEVENT and returns the result, which must parse.
func edited(t *testing.T, text string, change func(e *Edit, c *Component)) string {
	t.Helper()
	o := mustParse(t, text)
	before := bytes.Clone(o.Data)
	e := o.Edit()
	change(e, o.Root.Find("VEVENT")[0])
	out := e.Bytes()
	if !bytes.Equal(o.Data, before) {
		t.Error("the Object's bytes were changed")
	}
	if got, want := e.Changed(), !bytes.Equal(out, before); got != want {
		t.Errorf("Changed: got %v, want %v", got, want)
	}
	mustParse(t, string(out))
	return string(out)
}

func TestEdit(t *testing.T) {
	const text = "BEGIN:VCALENDAR\r\n" +
		"BEGIN:VEVENT\r\n" +
		"uid:1\r\n" +
		"Summary;Language=\"en\";x-q=\"quoted\":Te\r\n a\r\n" +
		"LOCATION:Room\r\n" +
		"BEGIN:VALARM\r\nACTION:AUDIO\r\nEND:VALARM\r\n" +
		"X-AFTER:1\r\n" +
		"END:VEVENT\r\n" +
		"END:VCALENDAR\r\n"
	const summary = "Summary;Language=\"en\";x-q=\"quoted\":Te\r\n a\r\n"
	const alarm = "BEGIN:VALARM\r\nACTION:AUDIO\r\nEND:VALARM\r\n"
	replaced := func(old, new string) string { return strings.Replace(text, old, new, 1) }
	tests := []struct {
		name   string
		change func(e *Edit, c *Component)
		want   string
	}{
		{"nothing", func(e *Edit, c *Component) {}, text},
		{"set value", func(e *Edit, c *Component) { e.SetValue(c.First("SUMMARY"), "Milk") },
			replaced(summary, "Summary;Language=\"en\";x-q=\"quoted\":Milk\r\n")},
		{"set the same value", func(e *Edit, c *Component) { e.SetValue(c.First("SUMMARY"), "Tea") }, text},
		{"there and back", func(e *Edit, c *Component) {
			e.SetValue(c.First("SUMMARY"), "Milk")
			e.SetParam(c.First("SUMMARY"), "X-A", "1")
			e.SetParam(c.First("SUMMARY"), "X-A", "")
			e.SetValue(c.First("SUMMARY"), "Tea")
		}, text},
		{"set a parameter that is there", func(e *Edit, c *Component) { e.SetParam(c.First("SUMMARY"), "LANGUAGE", "de") },
			replaced(summary, "Summary;LANGUAGE=de;x-q=\"quoted\":Tea\r\n")},
		{"set a parameter to what it is", func(e *Edit, c *Component) { e.SetParam(c.First("SUMMARY"), "language", "en") }, text},
		{"add a parameter", func(e *Edit, c *Component) { e.SetParam(c.First("LOCATION"), "X-A", `a:"b"`) },
			replaced("LOCATION:", `LOCATION;X-A="a:^'b^'":`)},
		{"remove a parameter", func(e *Edit, c *Component) { e.SetParam(c.First("SUMMARY"), "LANGUAGE", "") },
			replaced(summary, "Summary;x-q=\"quoted\":Tea\r\n")},
		{"remove a parameter that is not there", func(e *Edit, c *Component) { e.SetParam(c.First("SUMMARY"), "X-NONE", "") }, text},
		{"several on one line", func(e *Edit, c *Component) {
			e.SetParam(c.First("SUMMARY"), "LANGUAGE", "")
			e.SetValue(c.First("SUMMARY"), "Milk")
			e.SetParam(c.First("SUMMARY"), "X-A", "1")
			e.SetParam(c.First("SUMMARY"), "X-A", "2")
		}, replaced(summary, "Summary;x-q=\"quoted\";X-A=2:Milk\r\n")},
		{"replace", func(e *Edit, c *Component) {
			e.Replace(c.First("LOCATION"), "LOCATION:x")
			e.Replace(c.First("LOCATION"), "LOCATION;A=1:y")
		}, replaced("LOCATION:Room", "LOCATION;A=1:y")},
		{"value after replace", func(e *Edit, c *Component) {
			e.Replace(c.First("LOCATION"), "LOCATION;A=\":\":x")
			e.SetValue(c.First("LOCATION"), "y")
		}, replaced("LOCATION:Room", "LOCATION;A=\":\":y")},
		{"replace by nothing", func(e *Edit, c *Component) { e.Replace(c.First("LOCATION"), "") }, replaced("LOCATION:Room\r\n", "")},
		{"remove", func(e *Edit, c *Component) { e.Remove(c.First("SUMMARY")) }, replaced(summary, "")},
		{"remove and set again", func(e *Edit, c *Component) {
			e.Remove(c.First("SUMMARY"))
			e.SetValue(c.First("SUMMARY"), "Tea")
		}, text},
		{"set and remove", func(e *Edit, c *Component) {
			e.SetValue(c.First("SUMMARY"), "x")
			e.Remove(c.First("SUMMARY"))
		}, replaced(summary, "")},
		{"add before the first child", func(e *Edit, c *Component) { e.Add(c, "X-A:1"); e.Add(c, "X-B:2") },
			replaced(alarm, "X-A:1\r\nX-B:2\r\n"+alarm)},
		{"add where the last line is removed", func(e *Edit, c *Component) { e.Add(c, "X-A:1"); e.Remove(c.First("LOCATION")) },
			replaced("LOCATION:Room", "X-A:1")},
		{"add where the child is removed", func(e *Edit, c *Component) { e.RemoveComponent(c.Children[0]); e.Add(c, "X-A:1") },
			replaced(alarm, "X-A:1\r\n")},
		{"add to the child", func(e *Edit, c *Component) { e.Add(c.Children[0], "X-A:1") },
			replaced("END:VALARM", "X-A:1\r\nEND:VALARM")},
		{"add to the root", func(e *Edit, c *Component) { e.Add(c.Parent, "X-A:1") },
			replaced("BEGIN:VEVENT", "X-A:1\r\nBEGIN:VEVENT")},
		{"add component beside a child", func(e *Edit, c *Component) { e.AddComponent(c, "BEGIN:VALARM\nACTION:X\nEND:VALARM") },
			replaced(alarm, alarm+"BEGIN:VALARM\r\nACTION:X\r\nEND:VALARM\r\n")},
		{"add component with a line end", func(e *Edit, c *Component) { e.AddComponent(c.Parent, "BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n") },
			replaced("END:VCALENDAR", "BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR")},
		{"component, then line, where no child is", func(e *Edit, c *Component) {
			e.AddComponent(c.Children[0], "BEGIN:X-C\nX:1\nEND:X-C")
			e.Add(c.Children[0], "X-A:1")
		}, replaced("END:VALARM", "X-A:1\r\nBEGIN:X-C\r\nX:1\r\nEND:X-C\r\nEND:VALARM")},
		{"remove component with changes inside", func(e *Edit, c *Component) {
			e.SetValue(c.Children[0].First("ACTION"), "X")
			e.Add(c.Children[0], "X-A:1")
			e.AddComponent(c.Children[0], "BEGIN:X-C\nEND:X-C")
			e.RemoveComponent(c.Children[0])
			e.RemoveComponent(c.Children[0])
		}, replaced(alarm, "")},
		{"remove the whole event", func(e *Edit, c *Component) {
			e.RemoveComponent(c.Children[0])
			e.RemoveComponent(c)
		}, calendar("X")[:len("BEGIN:VCALENDAR\r\n")] + "END:VCALENDAR\r\n"},
		{"nil and strange lines", func(e *Edit, c *Component) {
			e.Remove(c.First("NONE"))
			e.SetValue(c.First("NONE"), "x")
			e.SetParam(c.First("NONE"), "A", "x")
			e.Replace(nil, "X:1")
			e.Add(nil, "X:1")
			e.AddComponent(nil, "BEGIN:X\nEND:X")
			e.RemoveComponent(nil)
			other := mustParse(t, text).Root
			e.Remove(other.Children[0].Lines[0])
			e.Add(other, "X:1")
			e.RemoveComponent(other)
		}, text},
		{"line breaks in content", func(e *Edit, c *Component) {
			e.SetValue(c.First("LOCATION"), "a\r\nEND:VEVENT\nb\x00")
			e.Add(c, "X-A:1\r\nX-B:2")
		}, replaced("LOCATION:Room\r\n", "LOCATION:aEND:VEVENTb\r\nX-A:1X-B:2\r\n")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := edited(t, text, test.change); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			// The same with bare LF.
			if got, want := edited(t, strings.ReplaceAll(text, "\r\n", "\n"), test.change), strings.ReplaceAll(test.want, "\r\n", "\n"); got != want {
				t.Errorf("with LF: got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestEditOddObjects(t *testing.T) {
	tests := []struct {
		name, text string
		change     func(e *Edit, c *Component)
		want       string
	}{
		{"mixed line ends follow the neighbour", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nA:1\nEND:VEVENT\r\nEND:VCALENDAR",
			func(e *Edit, c *Component) {
				e.Add(c, "B:2")
				e.SetValue(c.First("A"), "3")
				e.Add(c.Parent, "C:4")
			},
			"BEGIN:VCALENDAR\r\nC:4\r\nBEGIN:VEVENT\r\nA:3\nB:2\nEND:VEVENT\r\nEND:VCALENDAR"},
		{"blank lines and bom stay", "\uFEFFBEGIN:VCALENDAR\n\nBEGIN:VEVENT\n\nA:1\n\nEND:VEVENT\nEND:VCALENDAR\n\n",
			func(e *Edit, c *Component) { e.Add(c, "B:2"); e.SetValue(c.First("A"), "3") },
			"\uFEFFBEGIN:VCALENDAR\n\nBEGIN:VEVENT\n\nA:3\nB:2\n\nEND:VEVENT\nEND:VCALENDAR\n\n"},
		{"no lines at all", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n",
			func(e *Edit, c *Component) { e.Add(c, "B:2") },
			"BEGIN:VCALENDAR\nBEGIN:VEVENT\nB:2\nEND:VEVENT\nEND:VCALENDAR\n"},
		{"repeated parameter", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nA;B=1;C=2;b=3:v\nEND:VEVENT\nEND:VCALENDAR\n",
			func(e *Edit, c *Component) { e.SetParam(c.First("A"), "B", "9") },
			"BEGIN:VCALENDAR\nBEGIN:VEVENT\nA;B=9;C=2:v\nEND:VEVENT\nEND:VCALENDAR\n"},
		{"list in a parameter", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nA;B=1,2:v\nEND:VEVENT\nEND:VCALENDAR\n",
			func(e *Edit, c *Component) { e.SetParam(c.First("A"), "B", "1") },
			"BEGIN:VCALENDAR\nBEGIN:VEVENT\nA;B=1:v\nEND:VEVENT\nEND:VCALENDAR\n"},
		{"not utf-8 stays", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nA;B=\xe9:\xff\nC:\xfe\nEND:VEVENT\nEND:VCALENDAR\n",
			func(e *Edit, c *Component) { e.SetParam(c.First("A"), "X", "1") },
			"BEGIN:VCALENDAR\nBEGIN:VEVENT\nA;B=\xe9;X=1:\xff\nC:\xfe\nEND:VEVENT\nEND:VCALENDAR\n"},
		{"not utf-8 with a line break", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nA:1\nEND:VEVENT\nEND:VCALENDAR\n",
			func(e *Edit, c *Component) { e.SetValue(c.First("A"), "\xe9\n\xff") },
			"BEGIN:VCALENDAR\nBEGIN:VEVENT\nA:\xe9\xff\nEND:VEVENT\nEND:VCALENDAR\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := edited(t, test.text, test.change); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestFold(t *testing.T) {
	for _, content := range []string{
		"X:" + strings.Repeat("a", 73),
		"X:" + strings.Repeat("a", 74),
		"X:" + strings.Repeat("a", 73+74),
		"X:" + strings.Repeat("a", 73+75),
		"X:" + strings.Repeat("й", 100),
		"X:a" + strings.Repeat("й", 100),
		"X:" + strings.Repeat("日本", 100),
		"X:a" + strings.Repeat("😀", 100),
		"X:ab" + strings.Repeat("😀", 100),
		"X:" + strings.Repeat("\x80", 300), // not UTF-8: nothing but continuation bytes
		"X:" + strings.Repeat(" ", 200),
		"X:" + strings.Repeat("a ", 200),
	} {
		out := string(appendFolded(nil, content, "\r\n"))
		for _, line := range strings.SplitAfter(strings.TrimSuffix(out, "\r\n"), "\r\n") {
			line = strings.TrimSuffix(line, "\r\n")
			if len(line) > 75 {
				t.Errorf("%.12q…: a line of %d octets", content, len(line))
			}
			if utf8.ValidString(content) && !utf8.ValidString(line) {
				t.Errorf("%.12q…: a character is split: %q", content, line)
			}
		}
		if lines, least := strings.Count(out, "\r\n"), (len(content)+72)/75; lines > 2*least+1 {
			t.Errorf("%.12q…: %d lines", content, lines)
		}
		l := mustParse(t, event(strings.TrimSuffix(out, "\r\n"))).Root.Children[0].Lines[0]
		if l.Raw() != content {
			t.Errorf("%.12q…: comes back as %q", content, l.Raw())
		}
	}
	if got := string(appendFolded(nil, "X:"+strings.Repeat("a", 73), "\n")); strings.Count(got, "\n") != 1 {
		t.Errorf("75 octets are folded: %q", got)
	}
}

// Every recording survives edits to one line: the rest is the client's to the byte.
func TestEditRecordings(t *testing.T) {
	for name, body := range recordings(t) {
		o := mustParse(t, body)
		e := o.Edit()
		for _, c := range o.Root.Find("VEVENT") {
			e.Add(c, "X-JOINERY-STATE:ready")
		}
		out := e.Bytes()
		if got := bytes.ReplaceAll(out, []byte("X-JOINERY-STATE:ready\r\n"), nil); !bytes.Equal(got, o.Data) {
			t.Errorf("%s: other bytes changed", name)
		}
		// Removing what was added gives the recording back.
		o2 := mustParse(t, string(out))
		e = o2.Edit()
		for _, c := range o2.Root.Find("VEVENT") {
			e.Remove(c.First("X-JOINERY-STATE"))
		}
		if !bytes.Equal(e.Bytes(), o.Data) {
			t.Errorf("%s: adding and removing does not give the same", name)
		}
		// Setting every line to what it is changes nothing.
		e = o.Edit()
		for _, c := range o.Root.Find("VEVENT") {
			for _, l := range c.Lines {
				e.SetValue(l, l.Value)
				e.Replace(l, l.Raw())
				for _, p := range l.Params {
					if len(p.Values) == 1 {
						e.SetParam(l, p.Name, p.Values[0])
					}
				}
			}
		}
		if e.Changed() {
			t.Errorf("%s: setting what is there changes it", name)
		}
	}
}

func BenchmarkEdit(b *testing.B) {
	data := []byte(recordings(b)["thunderbird-33-put-series-renamed.ics"])
	o, err := Parse(data, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for range b.N {
		e := o.Edit()
		for _, c := range o.Root.Find("VEVENT") {
			e.SetValue(c.First("SUMMARY"), "Another title")
			e.Add(c, "CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=Join:https://conference.example.org/j/abcdefghijklmnopqrstuvwxyz")
		}
		if len(e.Bytes()) <= len(data) {
			b.Fatal("nothing was added")
		}
	}
}
