package itip

import (
	"fmt"
	"strings"
	"testing"
)

var me = []string{"boris@example.org", "b@example.net"}

func TestReply(t *testing.T) {
	weekly := series(t)
	as := func(s, partstat string) string {
		return edit(t, s, "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN=Boris;PARTSTAT="+partstat)
	}
	off12 := "EXDATE;TZID=Europe/Berlin:20261212T100000\n"
	tests := []struct {
		name     string
		old, now string
		want     string // PARTSTAT and instance of each answer
	}{
		{"unanswered", "", single, ""},
		{"accepted", "", as(single, "ACCEPTED"), "ACCEPTED *"},
		{"by-alias", "", strings.Replace(as(single, "ACCEPTED"), "mailto:boris@example.org", "mailto:b@example.net", 1), "ACCEPTED *"},
		{"thunderbird", "", edit(t, as(single, "ACCEPTED"), "ORGANIZER;CN=Anna", "ORGANIZER;CN=Anna;X-EXAMPLE-O=2;SCHEDULE-AGENT=CLIENT"), "ACCEPTED *"},
		{"said-already", as(single, "ACCEPTED"), as(single, "ACCEPTED"), ""},
		{"changed-mind", as(single, "ACCEPTED"), as(single, "TENTATIVE"), "TENTATIVE *"},
		{"reset-by-client", as(single, "ACCEPTED"), single, ""},
		{"again-after-reschedule", as(single, "ACCEPTED"), strings.ReplaceAll(as(single, "ACCEPTED"), "20261205T1", "20261206T1"), "ACCEPTED *"},
		{"not-invited", "", edit(t, single, boris, ""), ""},
		{"series", "", as(weekly, "ACCEPTED") + as(instance12, "ACCEPTED"), "ACCEPTED *"},
		{"instance-declined", as(weekly, "ACCEPTED"), as(weekly, "ACCEPTED") + as(instance12, "DECLINED"), "DECLINED 2026-12-12"},
		{"series-and-instance", "", as(weekly, "ACCEPTED") + as(instance12, "DECLINED"), "ACCEPTED * DECLINED 2026-12-12"},
		{"instance-taken-out", as(weekly, "ACCEPTED"), add(t, as(weekly, "ACCEPTED"), off12), "DECLINED 2026-12-12"},
		{"instance-taken-out-by-organiser", as(weekly, "ACCEPTED"), edit(t, add(t, as(weekly, "ACCEPTED"), off12), "SEQUENCE:2", "SEQUENCE:3"), ""},
		{"instance-was-out-before", "", add(t, as(weekly, "ACCEPTED"), off12), "ACCEPTED *"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var old []byte
			if tt.old != "" {
				old = ReplyView(event(t, tt.old), me, nil, 0)
			}
			ev := event(t, tt.now)
			view := ReplyView(ev, me, old, 2)
			answers := DiffReply(old, view)
			var got []string
			for _, a := range answers {
				id := "*"
				if !a.Occurrence.IsZero() {
					id = a.Occurrence.Format("2006-01-02")
				}
				got = append(got, a.PartStat+" "+id)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q, want %q; view:\n%s", s, tt.want, view)
			}
			if len(answers) == 0 {
				return
			}
			out, err := Reply(ev, me, answers, dtstamp)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "reply/"+tt.name+".ics", []byte(strings.ReplaceAll(string(out), strings.ReplaceAll(zone, "\n", "\r\n"), "")))
			if again := DiffReply(view, ReplyView(ev, me, view, 2)); len(again) != 0 {
				t.Errorf("answered twice: %v", again)
			}
		})
	}
}

func TestDeclined(t *testing.T) {
	weekly := series(t)
	as := func(s, partstat string) string {
		return edit(t, s, "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN=Boris;PARTSTAT="+partstat)
	}
	for _, tt := range []struct{ name, body, want string }{
		{"accepted", as(single, "ACCEPTED"), "[DECLINED]"},
		{"unanswered", single, "[DECLINED]"},
		{"declined", as(single, "DECLINED"), "[]"},
		{"series", as(weekly, "ACCEPTED") + as(instance12, "ACCEPTED"), "[DECLINED]"},
		{"series and what was answered otherwise", as(weekly, "ACCEPTED") + as(instance12, "TENTATIVE"), "[DECLINED DECLINED]"},
		{"only an instance", edit(t, weekly, boris, "") + instance12, "[DECLINED]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			declined, after := Declined(ReplyView(event(t, tt.body), me, nil, 0))
			var got []string
			for _, a := range declined {
				got = append(got, a.PartStat)
			}
			if s := fmt.Sprint(got); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
			if again, _ := Declined(after); len(again) != 0 {
				t.Errorf("declined twice: %v", again)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	organizer := func(agent string) string {
		return edit(t, single, "ORGANIZER;CN=Anna", "ORGANIZER;CN=Anna;SCHEDULE-AGENT="+agent)
	}
	for _, tt := range []struct {
		name, body string
		want       bool
	}{
		{"absent", single, true},
		{"server", organizer("SERVER"), true},
		{"client alone: Thunderbird", organizer("CLIENT"), true},
		{"client everywhere", edit(t, organizer("CLIENT"), "CN=Boris", "SCHEDULE-AGENT=CLIENT;CN=Boris"), false},
		{"none", organizer("NONE"), false},
		{"unknown", organizer("X-ROBOT"), false},
		{"no organizer", edit(t, single, "ORGANIZER;CN=Anna:mailto:anna@example.org\n", ""), false},
	} {
		if got := Replies(event(t, tt.body)); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
