package itip

import (
	"os"
	"strings"
	"testing"

	"joinery/caldav/ical"
)

// recorded reads what Thunderbird 153 stored where calendar-auto-schedule was announced.
func recorded(t *testing.T, name string) *ical.Event {
	t.Helper()
	data, err := os.ReadFile("testdata/thunderbird/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return event2(t, data)
}

func TestThunderbirdInvites(t *testing.T) {
	ev := recorded(t, "71-put-organiser-auto-schedule.ics")
	if got := strings.Join(Recipients(ev, []string{"anna@example.org"}, nil), " "); got != "boris@example.org" {
		t.Errorf("the recipients are %q", got)
	}
	view := string(View(ev, "boris@example.org"))
	if strings.Contains(view, "X-MOZ") || !strings.Contains(view, "X-TZINFO") {
		t.Errorf("private properties go, those of the zone stay:\n%s", view)
	}
}

func TestThunderbirdAccepts(t *testing.T) {
	ev := recorded(t, "72-put-accepted-auto-schedule.ics")
	if !Replies(ev) {
		t.Fatal("no reply goes out, and Thunderbird mails none either")
	}
	answers := DiffReply(nil, ReplyView(ev, []string{"boris@example.org"}, nil, 0))
	if len(answers) != 1 || answers[0].PartStat != "ACCEPTED" {
		t.Fatalf("the answers are %v", answers)
	}
	out, err := Reply(ev, []string{"boris@example.org"}, answers, dtstamp)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "thunderbird/reply.ics", out)
}
