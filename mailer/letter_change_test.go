package mailer

import (
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
)

// TestChangesOfWho: a new organiser, and a delegate who declines, are said in every language.
func TestChangesOfWho(t *testing.T) {
	read := func(organizer string) *ical.Event {
		t.Helper()
		o, err := ical.Parse([]byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:20270309T120000Z\r\nORGANIZER;CN="+organizer+
			":mailto:"+strings.ToLower(organizer)+"@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"), ical.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		ev, err := ical.ParseEvent(o)
		if err != nil {
			t.Fatal(err)
		}
		return ev
	}
	was, is := read("Anna"), read("Boris")
	for _, lang := range []string{"en", "ru", "uk"} {
		s := setting{words: languageOf(lang), organizer: time.UTC, service: "Joinery"}
		l := s.newLetter("x", is.Master)
		for _, kind := range []itip.Kind{itip.ChangedOrganizer, itip.ChangedDelegate} {
			s.change(l, is, itip.Change{Kind: kind, Old: was.Master, New: is.Master})
		}
		if len(l.Changes) != 2 {
			t.Fatalf("%s: %d changes are said, want 2", lang, len(l.Changes))
		}
		if c := l.Changes[0]; !strings.Contains(c.Value, "boris@example.org") || !strings.Contains(c.Old, "anna@example.org") {
			t.Errorf("%s: the organiser is said as %+v", lang, c)
		}
		if l.Changes[1].Value == "" {
			t.Errorf("%s: the delegate is said as %+v", lang, l.Changes[1])
		}
	}
}
