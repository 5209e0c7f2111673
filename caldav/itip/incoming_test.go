package itip

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
)

// describeIncoming writes what was read, a line each.
func describeIncoming(in *Incoming, err error) string {
	switch {
	case errors.Is(err, ErrNoMessage):
		return "no message\n"
	case err != nil:
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	say := func(name string, value any) { fmt.Fprintf(&b, "%s: %v\n", name, value) }
	say("method", in.Method)
	say("uid", in.UID)
	say("organizer", in.Organizer)
	say("address", in.Address)
	say("name", in.Name)
	say("sequence", in.Sequence)
	say("stamp", moment(in.Stamp))
	say("comment", fmt.Sprintf("%q", in.Comment))
	for _, p := range in.Parts {
		s := p.PartStat + " of " + moment(p.Occurrence)
		if !p.Start.IsZero() {
			s += fmt.Sprintf(", proposes %s to %s (floating %v)", moment(p.Start), moment(p.End), p.Floating)
		}
		for _, d := range p.DelegatedTo {
			s += fmt.Sprintf(", sends %s %q", d.Address, d.Name)
		}
		say("part", s)
	}
	return b.String()
}

func moment(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

// Each message is named after the section or the client that it is from. The golden files hold what is
// read.
func TestReadIncoming(t *testing.T) {
	files, err := filepath.Glob("testdata/incoming/*.ics")
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages: %v", err)
	}
	wrote := map[string]string{
		"rfc5546-4.2.5-delegate-answers":                    "vera@example.com",
		"rfc5545-3.2.18-sent-by":                            "Office <office@example.org>",
		"rfc5546-3.2.3-two-attendees-neither-of-them-wrote": "gleb@example.com",
		"rfc5546-4.2.2-accepted":                            "b@example.net", // an alias; one attendee is that one
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".ics")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			from := wrote[name]
			if from == "" {
				from = "Boris@example.org"
			}
			golden(t, "incoming/"+name+".txt", []byte(describeIncoming(ReadIncoming(data, from))))
		})
	}
}

// What Reply makes is what ReadIncoming reads.
func TestReadIncomingReadsReplies(t *testing.T) {
	weekly := answered(t, series(t), "ACCEPTED")
	ev := event(t, add(t, weekly, off12))
	told := ReplyView(event(t, weekly), me, nil, 0)
	answers := DiffReply(told, ReplyView(ev, me, told, 2))
	out, err := Reply(ev, me, answers, dtstamp)
	if err != nil {
		t.Fatal(err)
	}
	in, err := ReadIncoming(out, "boris@example.org")
	if err != nil {
		t.Fatal(err)
	}
	want := "part: DECLINED of 2026-12-12T09:00:00Z\n"
	if got := describeIncoming(in, nil); !strings.HasSuffix(got, "\n"+want) || in.Sequence != 2 || !in.Stamp.Equal(dtstamp) || in.Organizer != "anna@example.org" {
		t.Errorf("got %s, want %s", got, want)
	}
	data, unknown, _ := Apply(event(t, weekly), in.Address, in.Parts, roomy, dtstamp)
	if v := override(read(t, data), in.Parts[0].Occurrence); len(unknown) > 0 || v == nil || attendee(v, in.Address).PartStat != "DECLINED" {
		t.Errorf("unknown %v\n%s", unknown, data)
	}
}

// The instance that a client names in its own way is the one that the series has.
func TestReadIncomingNamesInstances(t *testing.T) {
	allDay := strings.NewReplacer("DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART;VALUE=DATE:20261205",
		"DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND;VALUE=DATE:20261206")
	zoned := strings.NewReplacer("T100000", "T000000", "T110000", "T010000")
	for _, tt := range []struct{ name, body, id, want string }{
		{"a date in a series of dates", allDay.Replace(series(t)), ";VALUE=DATE:20261212", "20261212T000000Z"},
		{"midnight in a series of dates", allDay.Replace(series(t)), ";TZID=Europe/Berlin:20261212T000000", "20261212T000000Z"},
		{"a date in a series of times", series(t), ";VALUE=DATE:20261212", "20261212T090000Z"},
		{"UTC in a zoned series", series(t), ":20261212T090000Z", "20261212T090000Z"},
		{"another zone", series(t), ";TZID=Europe/Moscow:20261212T120000", "20261212T090000Z"},
		{"midnight in a series at midnight", zoned.Replace(series(t)), ";TZID=Europe/Berlin:20261212T000000", "20261211T230000Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:u1\nRECURRENCE-ID" + tt.id + "\n" + answered(t, boris, "DECLINED") + "END:VEVENT\nEND:VCALENDAR\n"
			in, err := ReadIncoming([]byte(text), "")
			if err != nil {
				t.Fatal(err)
			}
			ev := event(t, tt.body)
			if got := stampValue(OccurrenceNamed(ev, in.Parts[0].Occurrence)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if data, unknown, _ := Apply(ev, in.Address, in.Parts, roomy, dtstamp); len(unknown) > 0 || string(data) == string(ev.Object.Data) {
				t.Errorf("unknown %v", unknown)
			}
		})
	}
}

func TestReadIncomingIsBounded(t *testing.T) {
	one := func(i int) string {
		return fmt.Sprintf("BEGIN:VEVENT\nUID:u1\nRECURRENCE-ID:%s\nATTENDEE;PARTSTAT=ACCEPTED:mailto:boris@example.org\nEND:VEVENT\n",
			stampValue(dtstamp.AddDate(0, 0, i)))
	}
	message := func(n int, more string) []byte {
		var b strings.Builder
		b.WriteString("BEGIN:VCALENDAR\nMETHOD:REPLY\n")
		for i := range n {
			b.WriteString(one(i))
		}
		return []byte(b.String() + more + "END:VCALENDAR\n")
	}
	if in, err := ReadIncoming(message(maxParts, ""), ""); err != nil || len(in.Parts) != maxParts {
		t.Errorf("%d parts: %v", maxParts, err)
	}
	if _, err := ReadIncoming(message(maxParts+1, ""), ""); err == nil || errors.Is(err, ErrNoMessage) {
		t.Errorf("%d parts: got %v, want an error", maxParts+1, err)
	}
	big := "X-PAD:" + strings.Repeat("x", maxIncoming) + "\n"
	if _, err := ReadIncoming(message(1, big), ""); err == nil || errors.Is(err, ErrNoMessage) {
		t.Errorf("more than %d bytes: got %v, want an error", maxIncoming, err)
	}
	var syntax *ical.SyntaxError
	if _, err := ReadIncoming([]byte("BEGIN:VCALENDAR\x00"), ""); !errors.As(err, &syntax) {
		t.Errorf("got %v, want the syntax error", err)
	}
}
