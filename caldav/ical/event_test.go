package ical

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func mustEvent(t testing.TB, text string) *Event {
	t.Helper()
	e, err := ParseEvent(mustParse(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestParseEvent(t *testing.T) {
	e := mustEvent(t, calendar(
		"BEGIN:VEVENT", "UID:u1", "RECURRENCE-ID;RANGE=ThisAndFuture:20260112T100000Z", "DTSTART:20260112T110000Z", "END:VEVENT",
		"BEGIN:VEVENT", "UID:u1", "DTSTART:20260105T100000Z", "DTEND:20260105T113000Z", "RRULE:FREQ=WEEKLY",
		`SUMMARY:Tea\, or\nmilk`, `DESCRIPTION:a\;b`, `LOCATION:Room 5\; Webinar`, "URL: https://example.org/a;b,c ",
		"STATUS:cancelled", "CLASS:private", "TRANSP:Transparent", "SEQUENCE: 7",
		`CATEGORIES:Work, Webinar`, `CATEGORIES:a\,b,,`,
		"ORGANIZER;CN=Anna:mailto:Anna@Example.org",
		`ATTENDEE;CN="B, C";PARTSTAT=accepted;ROLE=chair;CUTYPE=room;SCHEDULE-AGENT=client;LANGUAGE=ru;RSVP=true;SENT-BY="mailto:X@y":MAILTO:boris@example.org`,
		"ATTENDEE:mailto:clara@example.org",
		"END:VEVENT",
		"BEGIN:VEVENT", "UID:u1", "RECURRENCE-ID:20260119T100000Z", "DTSTART:20260119T100000Z", "RDATE:20260120T100000Z", "SEQUENCE:x", "END:VEVENT",
	))
	if e.UID != "u1" || e.Master == nil || len(e.Overrides) != 2 || len(e.All()) != 3 || e.All()[0] != e.Master {
		t.Fatalf("got %+v", e)
	}
	v := e.Master
	for _, check := range []struct{ what, got, want string }{
		{"summary", v.Summary, "Tea, or\nmilk"},
		{"description", v.Description, "a;b"},
		{"location", v.Location, "Room 5; Webinar"},
		{"url", v.URL, "https://example.org/a;b,c"},
		{"status", v.Status, "CANCELLED"},
		{"class", v.Class, "PRIVATE"},
		{"flags", fmt.Sprint(v.Cancelled(), v.Transparent, v.Recurring, v.Sequence, v.RangeFuture, v.RecurrenceID), "true true true 7 false <nil>"},
		{"categories", fmt.Sprintf("%q", v.Categories), `["Work" "Webinar" "a,b"]`},
		{"start", v.Start.Time.Format(time.RFC3339), "2026-01-05T10:00:00Z"},
		{"end", v.End.Time.Format(time.RFC3339), "2026-01-05T11:30:00Z"},
		{"organizer", e.Organizer().Address + "|" + e.Organizer().Name, "anna@example.org|Anna"},
	} {
		if check.got != check.want {
			t.Errorf("%s: got %q, want %q", check.what, check.got, check.want)
		}
	}
	if len(v.Attendees) != 2 {
		t.Fatalf("got %d attendees", len(v.Attendees))
	}
	show := func(a Attendee) string {
		return strings.Join([]string{a.Address, a.Name, a.PartStat, a.Role, a.CUType, a.Agent, a.Language, fmt.Sprint(a.RSVP), a.SentBy}, "|")
	}
	if got, want := show(v.Attendees[0]), "boris@example.org|B, C|ACCEPTED|CHAIR|ROOM|CLIENT|ru|true|x@y"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := show(v.Attendees[1]), "clara@example.org||NEEDS-ACTION|REQ-PARTICIPANT|INDIVIDUAL|SERVER||false|"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	first, second := e.Overrides[0], e.Overrides[1]
	if !first.RangeFuture || !first.RecurrenceID.Time.Equal(time.Date(2026, 1, 12, 10, 0, 0, 0, time.UTC)) || first.Class != "PUBLIC" || first.Recurring {
		t.Errorf("first override: got %+v", first)
	}
	if second.RangeFuture || !second.Recurring || second.Sequence != 0 || second.Cancelled() || second.Status != "" {
		t.Errorf("second override: got %+v", second)
	}
}

func TestParseEventParts(t *testing.T) {
	e := mustEvent(t, calendar("BEGIN:VTODO", "UID:1", "END:VTODO"))
	if e.Master != nil || len(e.All()) != 0 || e.Organizer() != nil || e.UID != "" {
		t.Errorf("without events: got %+v", e)
	}
	e = mustEvent(t, event("UID:1", "RECURRENCE-ID:20260105", "DTSTART;VALUE=DATE:20260105", "ORGANIZER:mailto:a@b"))
	if e.Master != nil || len(e.Overrides) != 1 || e.Organizer() == nil || e.Organizer().Address != "a@b" {
		t.Errorf("an override alone: got %+v", e)
	}
	e = mustEvent(t, event("UID:1"))
	if e.Master == nil || !e.Master.Start.Time.IsZero() || !e.Master.End.Time.IsZero() {
		t.Errorf("without DTSTART: got %+v", e.Master)
	}
	for name, text := range map[string]string{
		"start":         event("UID:1", "DTSTART:tomorrow"),
		"end":           event("UID:1", "DTSTART:20260105T100000Z", "DTEND:"),
		"recurrence id": event("UID:1", "DTSTART:20260105T100000Z", "RECURRENCE-ID:x"),
		"two masters":   calendar("BEGIN:VEVENT", "UID:1", "END:VEVENT", "BEGIN:VEVENT", "UID:1", "END:VEVENT"),
		"two uids":      calendar("BEGIN:VEVENT", "UID:1", "END:VEVENT", "BEGIN:VEVENT", "UID:2", "RECURRENCE-ID:20260105", "END:VEVENT"),
	} {
		if e, err := ParseEvent(mustParse(t, text)); err == nil {
			t.Errorf("%s: got %+v, want an error", name, e)
		}
	}
}

func TestEventEnd(t *testing.T) {
	const berlin = "Europe/Berlin" // summer time begins on 2026-03-29 at 02:00
	tests := []struct {
		name, start, end string
		want             string
	}{
		{"dtend", "DTSTART:20260105T100000Z", "DTEND:20260105T110000Z", "2026-01-05T11:00:00Z"},
		{"none", "DTSTART:20260105T100000Z", "X:1", "2026-01-05T10:00:00Z"},
		{"none, floating", "DTSTART:20260105T100000", "X:1", "2026-01-05T10:00:00Z"},
		{"none, date", "DTSTART;VALUE=DATE:20260105", "X:1", "2026-01-06T00:00:00Z"},
		{"date", "DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260108", "2026-01-08T00:00:00Z"},
		{"date, same day", "DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260105", "2026-01-06T00:00:00Z"},
		{"date, before", "DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260101", "2026-01-06T00:00:00Z"},
		{"before", "DTSTART:20260105T100000Z", "DTEND:20260105T090000Z", "2026-01-05T10:00:00Z"},
		{"duration", "DTSTART:20260105T100000Z", "DURATION:PT1H30M", "2026-01-05T11:30:00Z"},
		{"duration of days", "DTSTART:20260105T100000Z", "DURATION:P1DT1H", "2026-01-06T11:00:00Z"},
		{"nominal day over the change", "DTSTART;TZID=" + berlin + ":20260328T120000", "DURATION:P1D", "2026-03-29T10:00:00Z"},
		{"exact day over the change", "DTSTART;TZID=" + berlin + ":20260328T120000", "DURATION:PT24H", "2026-03-29T11:00:00Z"},
		{"nominal week", "DTSTART;TZID=" + berlin + ":20260328T120000", "DURATION:P1W", "2026-04-04T10:00:00Z"},
		{"date and duration", "DTSTART;VALUE=DATE:20260105", "DURATION:P2D", "2026-01-07T00:00:00Z"},
		{"date and hours", "DTSTART;VALUE=DATE:20260105", "DURATION:PT36H", "2026-01-07T00:00:00Z"},
		{"date and no duration", "DTSTART;VALUE=DATE:20260105", "DURATION:P0D", "2026-01-06T00:00:00Z"},
		{"negative duration", "DTSTART:20260105T100000Z", "DURATION:-PT1H", "2026-01-05T10:00:00Z"},
		{"garbage duration", "DTSTART:20260105T100000Z", "DURATION:one hour", "2026-01-05T10:00:00Z"},
		{"huge duration", "DTSTART:20260105T100000Z", "DURATION:PT99999999999999999999H", "2026-01-05T10:00:00Z"},
		{"another zone", "DTSTART;TZID=" + berlin + ":20260105T100000", "DTEND:20260105T093000Z", "2026-01-05T09:30:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := mustEvent(t, event("UID:1", test.start, test.end)).Master
			if got := v.End.Time.UTC().Format(time.RFC3339); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if v.End.AllDay != v.Start.AllDay || v.End.Floating != v.Start.Floating {
				t.Errorf("end %+v is of another kind than start %+v", v.End, v.Start)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	tests := []struct{ value, want string }{
		{"mailto:anna@example.org", "anna@example.org"},
		{"MAILTO:Anna@Example.ORG", "anna@example.org"},
		{" mailto: anna@example.org ", "anna@example.org"},
		{"mailto:anna%40example.org", "anna@example.org"},
		{"mailto:anna+a%2Bb@example.org", "anna+a+b@example.org"},
		{"mailto:an%na@example.org", "an%na@example.org"},
		{"mailto:a%0d%0ab@example.org", "a%0d%0ab@example.org"},
		{"mailto:anna@example.org?subject=x", "anna@example.org"},
		{"anna@example.org", "anna@example.org"},
		{"Anna A. <Anna@example.org>", "anna@example.org"},
		{"mailto:Anna <anna@example.org>", "anna@example.org"},
		{`mailto:"Anna%20A" <anna@example.org>`, "anna@example.org"},
		{"<mailto:anna@example.org>", "anna@example.org"},
		{"urn:uuid:3F2504E0", "urn:uuid:3f2504e0"},
		{"/principals/Anna/", "/principals/anna/"},
		{"https://example.org/principals/anna%40example.org/", "https://example.org/principals/anna%40example.org/"},
		{"mailto:Аня@пример.рф", "аня@пример.рф"},
		{"mailto:", ""},
		{"", ""},
		{"<>", ""},
	}
	for _, test := range tests {
		got := Address(test.value)
		if got != test.want {
			t.Errorf("%q: got %q, want %q", test.value, got, test.want)
		}
		if again := Address(got); again != got && !strings.Contains(got, "%") {
			t.Errorf("%q: twice gives %q", test.value, again)
		}
	}
}

func TestAttendeeEmail(t *testing.T) {
	tests := []struct{ line, want string }{
		{"ATTENDEE;EMAIL=Anna@example.org:urn:uuid:1", "anna@example.org"},
		{"ATTENDEE;EMAIL=anna@example.org:/principals/x@y/", "anna@example.org"},
		{"ATTENDEE;EMAIL=anna@example.org:invalid:nomail", "anna@example.org"},
		{"ATTENDEE;EMAIL=other@example.org:mailto:anna@example.org", "anna@example.org"},
		{"ATTENDEE;EMAIL=other@example.org:anna@example.org", "anna@example.org"},
		{`ATTENDEE;EMAIL="mailto:anna@example.org":urn:uuid:1`, "anna@example.org"},
		{"ATTENDEE;EMAIL=nothing:urn:uuid:1", "urn:uuid:1"},
		{"ATTENDEE:urn:uuid:1", "urn:uuid:1"},
		{"ATTENDEE;EMAIL=anna@example.org:", "anna@example.org"},
	}
	for _, test := range tests {
		l := mustParse(t, event(test.line)).Root.Children[0].Lines[0]
		if got := ParseAttendee(l).Address; got != test.want {
			t.Errorf("%s: got %q, want %q", test.line, got, test.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	tests := []struct {
		text  string
		days  int
		exact time.Duration
	}{
		{"PT1H", 0, time.Hour},
		{"PT1H30M15S", 0, time.Hour + 30*time.Minute + 15*time.Second},
		{"P15DT5H0M20S", 15, 5*time.Hour + 20*time.Second},
		{"P7W", 49, 0},
		{"+P1D", 1, 0},
		{"-P1DT1H", -1, -time.Hour},
		{"-PT15M", 0, -15 * time.Minute},
		{"P0D", 0, 0},
		{"PT0S", 0, 0},
		{"pt1h", 0, time.Hour},
		{" PT1H\t", 0, time.Hour},
		{"P1W2D", 9, 0},
		{"PT100S", 0, 100 * time.Second},
	}
	for _, test := range tests {
		days, exact, err := ParseDuration(test.text)
		if err != nil || days != test.days || exact != test.exact {
			t.Errorf("%q: got %d, %v, %v, want %d, %v", test.text, days, exact, err, test.days, test.exact)
		}
	}
	bad := []string{"", "P", "PT", "P1DT", "1H", "PT1", "P1H", "PT1D", "PT1W", "P1S", "PTT1H", "PT1HT1M", "PT-1H", "--PT1H", "PT1.5H",
		"P1Y", "P1M", "PT٣H", "PT99999999999999999999H", "PT9999999999H", "P9999999999D", "P1D1", strings.Repeat("P", 100)}
	bad = append(bad, "PT"+strings.Repeat("876000H", 3))
	for _, text := range bad {
		if days, exact, err := ParseDuration(text); err == nil {
			t.Errorf("%q: got %d, %v, want an error", text, days, exact)
		}
	}
}

// The recordings read as events, and hold what the clients showed.
func TestParseEventRecordings(t *testing.T) {
	for name, body := range recordings(t) {
		e := mustEvent(t, body)
		if e.UID == "" || len(e.All()) == 0 {
			t.Errorf("%s: got %+v", name, e)
		}
		for _, v := range e.All() {
			if !v.End.Time.After(v.Start.Time) || v.Start.Floating {
				t.Errorf("%s: from %+v to %+v", name, v.Start, v.End)
			}
		}
	}
	e := mustEvent(t, recordings(t)["thunderbird-60-put-invitation-organiser.ics"])
	if e.Organizer() == nil || e.Organizer().Address != "anna@example.org" || len(e.Master.Attendees) != 2 {
		t.Errorf("invitation: got %+v", e.Master)
	}
}
