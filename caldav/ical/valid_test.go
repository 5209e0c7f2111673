package ical

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// vevent is a component's lines, joined.
func vevent(lines ...string) string {
	return "BEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT"
}

func TestCheckRefuses(t *testing.T) {
	const (
		data      = "valid-calendar-data"
		resource  = "valid-calendar-object-resource"
		component = "supported-calendar-component"
		start     = "DTSTART:20260105T100000Z"
	)
	tests := []struct {
		name, text, want string
	}{
		{"method", calendar("METHOD:REQUEST", vevent("UID:1", start)), resource},
		{"no component", calendar("VERSION:2.0"), resource},
		{"only a zone", calendar("BEGIN:VTIMEZONE", "TZID:x", "END:VTIMEZONE"), resource},
		{"only an own component", calendar("BEGIN:X-A", "UID:1", "END:X-A"), component},
		{"poll", calendar("BEGIN:VPOLL", "UID:1", "END:VPOLL"), component},
		{"alarm at the top", calendar(vevent("UID:1", start), "BEGIN:VALARM", "END:VALARM"), component},
		{"vcalendar 1.0", calendar("VERSION:1.0", vevent("UID:1", start)), "supported-calendar-data"},
		{"two kinds", calendar(vevent("UID:1", start), "BEGIN:VTODO", "UID:1", "END:VTODO"), resource},
		{"two uids", calendar(vevent("UID:1", start), vevent("UID:2", start, "RECURRENCE-ID:20260105T100000Z")), resource},
		{"no uid", event(start), resource},
		{"empty uid", event("UID: ", start), resource},
		{"uid in the master only", calendar(vevent("UID:1", start), vevent(start, "RECURRENCE-ID:20260105T100000Z")), resource},
		{"two uid lines", event("UID:1", "UID:1", start), data},
		{"no start", event("UID:1"), data},
		{"two starts", event("UID:1", start, start), data},
		{"start unreadable", event("UID:1", "DTSTART:soon"), data},
		{"end unreadable", event("UID:1", start, "DTEND:later"), data},
		{"recurrence id unreadable", event("UID:1", start, "RECURRENCE-ID:x"), data},
		{"end and duration", event("UID:1", start, "DTEND:20260105T110000Z", "DURATION:PT1H"), data},
		{"due and duration", calendar("BEGIN:VTODO", "UID:1", "DUE:20260105T110000Z", "DURATION:PT1H", "END:VTODO"), data},
		{"due unreadable", calendar("BEGIN:VTODO", "UID:1", "DUE:x", "END:VTODO"), data},
		{"rule unreadable", event("UID:1", start, "RRULE:FREQ=SOMETIMES"), data},
		{"rule without frequency", event("UID:1", start, "RRULE:COUNT=2"), data},
		{"rule of another calendar", event("UID:1", start, "RRULE:RSCALE=HEBREW;FREQ=YEARLY"), "supported-rscale"},
		{"rdate unreadable", event("UID:1", start, "RDATE:20260106T100000Z,x"), data},
		{"exdate unreadable", event("UID:1", start, "RRULE:FREQ=DAILY", "EXDATE:x"), data},
		{"two organizers in one", event("UID:1", start, "ORGANIZER:mailto:a@b", "ORGANIZER:mailto:a@b"), data},
		{"two masters", calendar(vevent("UID:1", start), vevent("UID:1", start)), resource},
		{"override twice", calendar(
			vevent("UID:1", start, "RECURRENCE-ID:20260105T100000Z"), vevent("UID:1", start, "RECURRENCE-ID:20260105T100000Z")), resource},
		{"override twice, in two zones", calendar(
			vevent("UID:1", start, "RECURRENCE-ID:20260105T100000Z"), vevent("UID:1", start, "RECURRENCE-ID;TZID=Europe/Berlin:20260105T110000")), resource},
		{"organizers differ", calendar(
			vevent("UID:1", start, "ORGANIZER:mailto:a@b"), vevent("UID:1", start, "RECURRENCE-ID:20260105T100000Z", "ORGANIZER:mailto:c@b")), "same-organizer-in-all-components"},
		{"attendees", event("UID:1", start, "ATTENDEE:mailto:a@b", "ATTENDEE:mailto:c@b", "ATTENDEE:mailto:d@b"), "max-attendees-per-instance"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Check(mustParse(t, test.text), 2)
			var broken *Invalid
			if !errors.As(err, &broken) {
				t.Fatalf("got %+v, %v", s, err)
			}
			if broken.Precondition != test.want || broken.Text == "" {
				t.Errorf("got %v, want %s", broken, test.want)
			}
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	const start = "DTSTART:20260105T100000Z"
	tests := map[string]string{
		"no dtstamp, prodid, version":     event("UID:1", start),
		"several prodid":                  calendar("PRODID:a", "PRODID:b", vevent("UID:1", start)),
		"sequence garbage":                event("UID:1", start, "SEQUENCE:many"),
		"end before start":                event("UID:1", start, "DTEND:20250105T100000Z"),
		"garbage duration":                event("UID:1", start, "DURATION:x"),
		"unknown zone":                    event("UID:1", "DTSTART;TZID=Nowhere:20260105T100000"),
		"rule with unknown parts":         event("UID:1", start, "RRULE:freq=daily;X-A=1;;INTERVAL=0;"),
		"empty exdate":                    event("UID:1", start, "RRULE:FREQ=DAILY", "EXDATE:"),
		"rdate as period":                 event("UID:1", start, "RDATE;VALUE=PERIOD:20260106T100000Z/PT1H"),
		"override without master":         event("UID:1", start, "RECURRENCE-ID:20260105T100000Z"),
		"recurrence id of another kind":   calendar(vevent("UID:1", start, "RRULE:FREQ=DAILY"), vevent("UID:1", start, "RECURRENCE-ID;VALUE=DATE:20260106")),
		"override without organizer":      calendar(vevent("UID:1", start, "ORGANIZER:mailto:a@b"), vevent("UID:1", start, "RECURRENCE-ID:20260106T100000Z")),
		"organizer in other letters":      calendar(vevent("UID:1", start, "ORGANIZER:mailto:a@b"), vevent("UID:1", start, "RECURRENCE-ID:20260106T100000Z", "ORGANIZER;CN=x:MAILTO:A@b")),
		"own components and properties":   calendar("X-WR-CALNAME:x", "BEGIN:X-A", "X-B:1", "END:X-A", vevent("UID:1", start, "BEGIN:PARTICIPANT\r\nUID:2\r\nEND:PARTICIPANT")),
		"attendees up to the limit":       event("UID:1", start, "ATTENDEE:mailto:a@b", "ATTENDEE:mailto:c@b"),
		"two overrides on one day":        calendar(vevent("UID:1", start, "RECURRENCE-ID:20260105T100000Z"), vevent("UID:1", start, "RECURRENCE-ID:20260105T110000Z")),
		"recurring task without DTSTART":  calendar("BEGIN:VTODO", "UID:1", "DUE:20260105T100000Z", "RRULE:FREQ=DAILY", "END:VTODO"),
		"journal without DTSTART":         calendar("BEGIN:VJOURNAL", "UID:1", "END:VJOURNAL"),
		"free and busy":                   calendar("BEGIN:VFREEBUSY", "UID:1", start, "DTEND:20260106T100000Z", "FREEBUSY:20260105T100000Z/PT1H", "END:VFREEBUSY"),
		"uid of another component inside": event("UID:1", start, "BEGIN:VALARM", "UID:2", "END:VALARM"),
	}
	for name, text := range tests {
		if s, err := Check(mustParse(t, text), 2); err != nil || s.UID != "1" {
			t.Errorf("%s: got %+v, %v", name, s, err)
		}
	}
	for name, body := range recordings(t) {
		if s, err := Check(mustParse(t, body), 100); err != nil || s.UID == "" || s.Component != "VEVENT" || s.Start.IsZero() {
			t.Errorf("%s: got %+v, %v", name, s, err)
		}
	}
	many := event(append([]string{"UID:1", start}, strings.Fields(strings.Repeat("ATTENDEE:mailto:a@b ", 500))...)...)
	if _, err := Check(mustParse(t, many), 0); err != nil {
		t.Errorf("without a limit: got %v", err)
	}
}

func TestSummary(t *testing.T) {
	tests := []struct {
		name, text string
		start, end string // "" is zero
		recurring  bool
	}{
		{"event", event("UID:1", "DTSTART:20260105T100000Z", "DTEND:20260105T110000Z"),
			"2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z", false},
		{"zoned", event("UID:1", "DTSTART;TZID=Europe/Berlin:20260105T100000", "DURATION:PT1H"),
			"2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z", false},
		{"floating", event("UID:1", "DTSTART:20260105T100000", "DTEND:20260105T110000"),
			"2026-01-04T20:00:00Z", "2026-01-06T01:00:00Z", false},
		{"all day", event("UID:1", "DTSTART;VALUE=DATE:20260105"),
			"2026-01-04T10:00:00Z", "2026-01-06T14:00:00Z", false},
		{"end before start", event("UID:1", "DTSTART:20260105T100000Z", "DTEND:20260105T090000Z"),
			"2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z", false},
		{"overrides alone", calendar(
			vevent("UID:1", "DTSTART:20260112T100000Z", "DURATION:PT1H", "RECURRENCE-ID:20260112T090000Z"),
			vevent("UID:1", "DTSTART:20260105T100000Z", "DURATION:PT1H", "RECURRENCE-ID:20260105T090000Z")),
			"2026-01-05T10:00:00Z", "2026-01-12T11:00:00Z", false},
		{"series without end", event("UID:1", "DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"),
			"2026-01-05T10:00:00Z", "", true},
		{"series with an end", event("UID:1", "DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
			"2026-01-05T10:00:00Z", "2026-01-07T11:00:00Z", true},
		{"override behind the series", calendar(
			vevent("UID:1", "DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260107T100000Z"),
			vevent("UID:1", "DTSTART:20260201T100000Z", "DURATION:PT1H", "RECURRENCE-ID:20260106T100000Z")),
			"2026-01-05T10:00:00Z", "2026-02-01T11:00:00Z", true},
		{"override before the series", calendar(
			vevent("UID:1", "DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"),
			vevent("UID:1", "DTSTART:20260101T100000Z", "DURATION:PT1H", "RECURRENCE-ID:20260105T100000Z")),
			"2026-01-01T10:00:00Z", "", true},
		{"task", calendar("BEGIN:VTODO", "UID:1", "DTSTART:20260105T100000Z", "DUE:20260106T100000Z", "END:VTODO"),
			"2026-01-05T10:00:00Z", "2026-01-06T10:00:00Z", false},
		{"task with due only", calendar("BEGIN:VTODO", "UID:1", "DUE:20260106T100000Z", "END:VTODO"),
			"2026-01-06T10:00:00Z", "2026-01-06T10:00:00Z", false},
		{"task with start only", calendar("BEGIN:VTODO", "UID:1", "DTSTART:20260106T100000Z", "END:VTODO"),
			"2026-01-06T10:00:00Z", "2026-01-06T10:00:00Z", false},
		{"task without time", calendar("BEGIN:VTODO", "UID:1", "END:VTODO"), "", "", false},
		{"recurring task", calendar("BEGIN:VTODO", "UID:1", "DUE:20260106T100000Z", "RRULE:FREQ=DAILY", "END:VTODO"),
			"2026-01-06T10:00:00Z", "", true},
		{"journal", calendar("BEGIN:VJOURNAL", "UID:1", "DTSTART;VALUE=DATE:20260105", "END:VJOURNAL"),
			"2026-01-04T10:00:00Z", "2026-01-06T14:00:00Z", false},
		{"one component without time", calendar("BEGIN:VTODO", "UID:1", "END:VTODO",
			"BEGIN:VTODO", "UID:1", "DUE:20260106T100000Z", "RECURRENCE-ID:20260105T100000Z", "END:VTODO"), "", "", false},
	}
	format := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Check(mustParse(t, test.text), 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := format(s.Start); got != test.start {
				t.Errorf("start: got %q, want %q", got, test.start)
			}
			if got := format(s.End); got != test.end {
				t.Errorf("end: got %q, want %q", got, test.end)
			}
			if s.Recurring != test.recurring {
				t.Errorf("recurring: got %v", s.Recurring)
			}
		})
	}
}

// Takes is only for what one look at the index tells.
func TestTakes(t *testing.T) {
	const times = "DTSTART:20300110T100000Z\r\nDTEND:20300110T110000Z\r\n"
	for lines, want := range map[string]string{
		times:                                                             "BUSY",
		times + "STATUS:TENTATIVE\r\n":                                    "BUSY-TENTATIVE",
		times + "STATUS:CANCELLED\r\n":                                    "FREE",
		times + "TRANSP:TRANSPARENT\r\n":                                  "FREE",
		times + "RRULE:FREQ=DAILY\r\n":                                    "",
		times + "ATTENDEE:mailto:a@b\r\n":                                 ByPeople,
		times + "ORGANIZER:mailto:a@b\r\n":                                ByPeople,
		times + "ATTENDEE:mailto:a@b\r\nTRANSP:TRANSPARENT\r\n":           ByPeople,
		times + "ATTENDEE:mailto:a@b\r\nRRULE:FREQ=DAILY\r\n":             "",
		"DTSTART;TZID=Europe/Berlin:20300110T100000\r\nDURATION:PT1H\r\n": "BUSY",
		"DTSTART:20300110T100000\r\n":                                     "",
		"DTSTART;VALUE=DATE:20300110\r\n":                                 "",
		times + "RECURRENCE-ID:20300110T100000Z\r\n":                      "",
	} {
		o, err := Parse([]byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\n"+lines+"END:VEVENT\r\nEND:VCALENDAR\r\n"), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := Check(o, 0)
		if err != nil || s.Takes != want {
			t.Errorf("%q: got %q (%v), want %q", lines, s.Takes, err, want)
		}
	}
}
