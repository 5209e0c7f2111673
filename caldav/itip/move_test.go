package itip

import (
	"strings"
	"testing"
	"time"
)

func TestMoved(t *testing.T) {
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	utc := func(text string) time.Time {
		at, err := time.Parse("20060102T150405Z", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	hour := Time{Start: utc("20261207T120000Z"), End: utc("20261207T130000Z")}
	days := Time{Start: utc("20261207T000000Z"), End: utc("20261209T000000Z"), AllDay: true}
	object := func(lines ...string) string {
		return "BEGIN:VEVENT\nUID:a\nDTSTAMP:20261101T000000Z\n" + strings.Join(lines, "\n") + "\nSUMMARY:Planning\nEND:VEVENT\n"
	}
	for _, c := range []struct {
		name       string
		text       string
		occurrence string
		to         Time
		want       []string // lines that there are
		gone       []string // what no line begins with
	}{
		{"UTC", object("DTSTART:20261205T090000Z", "DTEND:20261205T100000Z"), "", hour, []string{"DTSTART:20261207T120000Z", "DTEND:20261207T130000Z"}, nil},
		{"a zone", object("DTSTART;TZID=Europe/Moscow:20261205T090000", "DTEND;TZID=Europe/Moscow:20261205T100000"), "", hour, []string{"DTSTART;TZID=Europe/Moscow:20261207T150000", "DTEND;TZID=Europe/Moscow:20261207T160000"}, nil},
		{"an end in another zone", object("DTSTART;TZID=Europe/Moscow:20261205T090000", "DTEND;TZID=Europe/Berlin:20261205T100000"), "", hour, []string{"DTEND;TZID=Europe/Berlin:20261207T140000"}, nil},
		{"floating", object("DTSTART:20261205T090000", "DTEND:20261205T100000"), "", hour, []string{"DTSTART:20261207T150000", "DTEND:20261207T160000"}, nil},
		{"DURATION", object("DTSTART:20261205T090000Z", "DURATION:PT2H"), "", hour, []string{"DTSTART:20261207T120000Z", "DTEND:20261207T130000Z"}, []string{"DURATION"}},
		{"no end", object("DTSTART:20261205T090000Z"), "", hour, []string{"DTEND:20261207T130000Z"}, nil},
		{"as long as it was", object("DTSTART:20261205T090000Z", "DTEND:20261205T113000Z"), "", Time{Start: hour.Start}, []string{"DTSTART:20261207T120000Z", "DTEND:20261207T143000Z"}, nil},
		{"days", object("DTSTART;VALUE=DATE:20261205", "DTEND;VALUE=DATE:20261206"), "", days, []string{"DTSTART;VALUE=DATE:20261207", "DTEND;VALUE=DATE:20261209"}, nil},
		{"days become hours", object("DTSTART;VALUE=DATE:20261205", "DTEND;VALUE=DATE:20261206"), "", hour, []string{"DTSTART:20261207T120000Z", "DTEND:20261207T130000Z"}, nil},
		{"hours become days", object("DTSTART;TZID=Europe/Moscow:20261205T090000", "DTEND;TZID=Europe/Moscow:20261205T100000"), "", days, []string{"DTSTART;VALUE=DATE:20261207", "DTEND;VALUE=DATE:20261209"}, nil},
		{"an occurrence of the rule", object("DTSTART;TZID=Europe/Moscow:20261205T090000", "DTEND;TZID=Europe/Moscow:20261205T100000", "RRULE:FREQ=DAILY"), "20261206T060000Z", hour,
			[]string{"RECURRENCE-ID;TZID=Europe/Moscow:20261206T090000", "DTSTART;TZID=Europe/Moscow:20261207T150000", "DTSTART;TZID=Europe/Moscow:20261205T090000", "RRULE:FREQ=DAILY"}, nil},
		{"an override", object("DTSTART:20261205T090000Z", "DTEND:20261205T100000Z", "RRULE:FREQ=DAILY", "END:VEVENT", "BEGIN:VEVENT", "UID:a", "DTSTAMP:20261101T000000Z", "RECURRENCE-ID:20261206T090000Z", "DTSTART:20261206T110000Z", "DTEND:20261206T120000Z"), "20261206T090000Z", hour,
			[]string{"RECURRENCE-ID:20261206T090000Z", "DTSTART:20261207T120000Z", "DTSTART:20261205T090000Z"}, []string{"DTSTART:20261206T110000Z"}},
		{"a whole series", object("DTSTART:20261205T090000Z", "RRULE:FREQ=DAILY"), "", hour, nil, nil},
		{"no such occurrence", object("DTSTART:20261205T090000Z", "RRULE:FREQ=DAILY"), "20261206T100000Z", hour, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var occurrence time.Time
			if c.occurrence != "" {
				occurrence = utc(c.occurrence)
			}
			data, err := Moved(event(t, c.text), occurrence, c.to, moscow, dtstamp)
			if c.want == nil {
				if err == nil {
					t.Errorf("got\n%s\nwant an error", data)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
			has := func(text string, same func(a, b string) bool) bool {
				for _, l := range lines {
					if same(l, text) {
						return true
					}
				}
				return false
			}
			for _, want := range c.want {
				if !has(want, func(a, b string) bool { return a == b }) {
					t.Errorf("got\n%s\nwant the line %s", data, want)
				}
			}
			for _, gone := range c.gone {
				if has(gone, strings.HasPrefix) {
					t.Errorf("got\n%s\nwant no %s", data, gone)
				}
			}
		})
	}
}
