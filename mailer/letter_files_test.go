package mailer

import (
	"fmt"
	"strings"
	"testing"

	"joinery/caldav/ical"
)

// TestFilesOfALetter lists what can be had at an address of the web, and nothing else.
func TestFilesOfALetter(t *testing.T) {
	lines := []string{
		"ATTACH;FMTTYPE=text/plain;SIZE=5;FILENAME=\"a, b.txt\":https://cal.example.org/a/1/a%2C%20b.txt",
		"ATTACH:https://files.example/%D0%BF%D0%BB%D0%B0%D0%BD.pdf?x=1",
		"ATTACH:https://files.example/",
		"ATTACH:https://files.example/", // once
		"ATTACH;VALUE=BINARY;ENCODING=BASE64:eA==",
		"ATTACH:cid:part@example.org",
		"ATTACH:file:///etc/passwd",
		"ATTACH:javascript:alert(1)",
		"ATTACH:https://files.example/\u202egpj.exe",
		"ATTACH:https://files.example/" + strings.Repeat("x", maxFileURL),
		"ATTACH;FILENAME=\"\u202efdp.exe\":http://files.example/2",
	}
	for i := range 30 {
		lines = append(lines, fmt.Sprint("ATTACH:https://files.example/f", i))
	}
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20300601T100000Z\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	o, err := ical.Parse([]byte(text), ical.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := ical.ParseEvent(o)
	if err != nil {
		t.Fatal(err)
	}
	var l letter
	setting{words: english}.files(&l, ev)
	if l.FilesLabel != "Files" || len(l.Files) != maxFiles {
		t.Fatalf("%q, %d files", l.FilesLabel, len(l.Files))
	}
	want := []row{
		{Label: "a, b.txt", Value: "https://cal.example.org/a/1/a%2C%20b.txt"},
		{Label: "план.pdf", Value: "https://files.example/%D0%BF%D0%BB%D0%B0%D0%BD.pdf?x=1"},
		{Label: "files.example", Value: "https://files.example/"},
		{Label: "fdp.exe", Value: "http://files.example/2"},
		{Label: "f0", Value: "https://files.example/f0"},
	}
	for i, w := range want {
		if l.Files[i] != w {
			t.Errorf("file %d: %+v, want %+v", i, l.Files[i], w)
		}
	}
}
