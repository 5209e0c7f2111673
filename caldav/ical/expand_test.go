package ical

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// eventOf wraps lines, one VEVENT or several, in a VCALENDAR.
func eventOf(t testing.TB, text string) *Event {
	t.Helper()
	if !strings.Contains(text, "BEGIN:VEVENT") {
		text = "BEGIN:VEVENT\n" + text + "\nEND:VEVENT"
	}
	text = strings.ReplaceAll(text, "BEGIN:VEVENT", "BEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z")
	text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n" + text + "\nEND:VCALENDAR\n"
	o, err := Parse([]byte(text), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := ParseEvent(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	layout := time.RFC3339
	if len(s) == len("2026-01-01") {
		layout = time.DateOnly
	}
	at, err := time.Parse(layout, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// starts expands e and writes each instance's start and end by the clock of loc.
func starts(t testing.TB, e *Event, from, to string, loc *time.Location) string {
	t.Helper()
	var list []string
	err := e.Expand(instant(t, from), instant(t, to), loc, func(i Instance) bool {
		s := i.Start.In(loc).Format("0102T1504") + "/" + i.End.In(loc).Format("0102T1504")
		if i.VEvent.RecurrenceID != nil {
			s += "!"
		}
		if i.VEvent.Cancelled() {
			s += "x"
		}
		list = append(list, s)
		return len(list) < 40
	})
	if err != nil {
		t.Errorf("expanding: %v", err)
	}
	return strings.Join(list, " ")
}

func TestExpand(t *testing.T) {
	berlin := zoneOf(t, "Europe/Berlin")
	for _, tt := range []struct {
		name, event, from, to, want string
	}{
		{"one event", "DTSTART:20260105T090000Z\nDTEND:20260105T100000Z", "2026-01-01", "2026-02-01",
			"0105T1000/0105T1100"},
		{"it reaches into the window", "DTSTART:20260105T090000Z\nDTEND:20260105T100000Z", "2026-01-05T09:59:59Z", "2026-02-01",
			"0105T1000/0105T1100"},
		{"it ends as the window begins", "DTSTART:20260105T090000Z\nDTEND:20260105T100000Z", "2026-01-05T10:00:00Z", "2026-02-01", ""},
		{"it begins as the window ends", "DTSTART:20260105T090000Z\nDTEND:20260105T100000Z", "2026-01-01", "2026-01-05T09:00:00Z", ""},
		{"no length, at the window's begin", "DTSTART:20260105T090000Z", "2026-01-05T09:00:00Z", "2026-01-05T09:00:01Z",
			"0105T1000/0105T1000"},
		{"no length, at the window's end", "DTSTART:20260105T090000Z", "2026-01-05T08:00:00Z", "2026-01-05T09:00:00Z", ""},

		{"weekly over spring", "DTSTART;TZID=Europe/Berlin:20260323T090000\nDTEND;TZID=Europe/Berlin:20260323T100000\nRRULE:FREQ=WEEKLY;COUNT=3", "2026-01-01", "",
			"0323T0900/0323T1000 0330T0900/0330T1000 0406T0900/0406T1000"},
		{"a start that the rule does not meet is the first", "DTSTART;TZID=Europe/Berlin:20260101T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3", "2026-01-01", "",
			"0101T0900/0101T1000 0105T0900/0105T1000 0112T0900/0112T1000"},
		{"and alone with a count of one", "DTSTART:20260101T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=1", "2026-01-01", "",
			"0101T1000/0101T1000"},
		{"until before the start", "DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;UNTIL=20251231T000000Z", "2026-01-01", "",
			"0101T1000/0101T1000"},
		{"until in UTC, zoned start", "DTSTART;TZID=Europe/Berlin:20260101T003000\nRRULE:FREQ=DAILY;UNTIL=20260102T233000Z", "2025-12-01", "",
			"0101T0030/0101T0030 0102T0030/0102T0030 0103T0030/0103T0030"},
		{"until floating, zoned start", "DTSTART;TZID=Europe/Berlin:20260101T003000\nRRULE:FREQ=DAILY;UNTIL=20260103T003000", "2025-12-01", "",
			"0101T0030/0101T0030 0102T0030/0102T0030 0103T0030/0103T0030"},
		{"until as a date, zoned start", "DTSTART;TZID=Europe/Berlin:20260101T220000\nRRULE:FREQ=DAILY;UNTIL=20260103", "2025-12-01", "",
			"0101T2200/0101T2200 0102T2200/0102T2200 0103T2200/0103T2200"},
		{"until with a time, all day", "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;UNTIL=20260103T000000Z", "2025-12-01", "",
			"0101T0000/0102T0000 0102T0000/0103T0000 0103T0000/0104T0000"},

		{"several rules are united", "DTSTART:20260105T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3\nRRULE:FREQ=WEEKLY;BYDAY=WE,FR;COUNT=4", "2026-01-01", "",
			"0105T1000/0105T1000 0107T1000/0107T1000 0109T1000/0109T1000 0112T1000/0112T1000 0114T1000/0114T1000"},
		{"RDATE without RRULE", "DTSTART:20260105T090000Z\nDURATION:PT1H\nRDATE:20260110T090000Z,20260104T090000Z\nRDATE;TZID=Europe/Berlin:20260108T120000", "2026-01-01", "",
			"0104T1000/0104T1100 0105T1000/0105T1100 0108T1200/0108T1300 0110T1000/0110T1100"},
		{"RDATE as PERIOD", "DTSTART:20260105T090000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20260106T090000Z/PT3H,20260107T090000Z/20260107T093000Z", "2026-01-06T11:00:00Z", "",
			"0106T1000/0106T1300 0107T1000/0107T1030"},
		{"RDATE as a date, timed", "DTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT1H\nRDATE;VALUE=DATE:20260120", "2026-01-06", "",
			"0120T0900/0120T1000"},
		{"EXDATE lists in any zone", "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=DAILY;COUNT=7\nEXDATE;TZID=Europe/Berlin:20260105T090000,20260106T090000\nEXDATE:20260107T080000Z\nEXDATE;TZID=America/New_York:20260108T030000\nEXDATE;VALUE=DATE:20260109", "2026-01-01", "",
			"0110T0900/0110T0900 0111T0900/0111T0900"},
		{"EXDATE with a time, all day", "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=Europe/Berlin:20260106T000000\nEXDATE:20260107T000000Z", "2026-01-01", "",
			"0105T0000/0106T0000"},
		{"EXDATE floating, timed", "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260105T090000", "2026-01-01", "",
			"0106T0900/0106T0900"},

		{"all day lies in the reader's zone", "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY", "2026-01-12T22:59:59Z", "2026-01-18T23:00:00Z",
			"0112T0000/0113T0000"},
		{"all day over spring", "DTSTART;VALUE=DATE:20260327\nDTEND;VALUE=DATE:20260330\nRRULE:FREQ=DAILY;INTERVAL=3;COUNT=2", "2026-01-01", "",
			"0327T0000/0330T0000 0330T0000/0402T0000"},
		{"all day ignores BYHOUR", "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;BYHOUR=9,10;BYMINUTE=1;COUNT=2", "2026-01-01", "",
			"0105T0000/0106T0000 0106T0000/0107T0000"},
		{"all day hourly is daily", "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=HOURLY;COUNT=2", "2026-01-01", "",
			"0105T0000/0106T0000 0106T0000/0107T0000"},
		{"floating keeps its clock", "DTSTART:20260328T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2", "2026-01-01", "",
			"0328T0900/0328T1000 0329T0900/0329T1000"},

		{"DURATION in days is nominal", "DTSTART;TZID=Europe/Berlin:20260321T120000\nDURATION:P1D\nRRULE:FREQ=WEEKLY;COUNT=2", "2026-01-01", "",
			"0321T1200/0322T1200 0328T1200/0329T1200"},
		{"in hours it is exact", "DTSTART;TZID=Europe/Berlin:20260321T120000\nDURATION:PT24H\nRRULE:FREQ=WEEKLY;COUNT=2", "2026-01-01", "",
			"0321T1200/0322T1200 0328T1200/0329T1300"},
		{"DTEND makes it exact", "DTSTART;TZID=Europe/Berlin:20260321T120000\nDTEND;TZID=Europe/Berlin:20260322T120000\nRRULE:FREQ=WEEKLY;COUNT=2", "2026-01-01", "",
			"0321T1200/0322T1200 0328T1200/0329T1300"},
		{"a single one ends as it says", "DTSTART;TZID=Europe/Berlin:20260328T120000\nDTEND;TZID=Europe/Berlin:20260329T120000", "2026-01-01", "",
			"0328T1200/0329T1200"},

		{"daily in the gap", "DTSTART;TZID=Europe/Berlin:20260328T023000\nRRULE:FREQ=DAILY;COUNT=3", "2026-01-01", "",
			"0328T0230/0328T0230 0329T0330/0329T0330 0330T0230/0330T0230"},
		{"in order and once around the gap", "DTSTART;TZID=Europe/Berlin:20260329T000000\nRRULE:FREQ=DAILY;BYHOUR=1,2,3,4;BYMINUTE=0,30;COUNT=8", "2026-03-29", "",
			"0329T0100/0329T0100 0329T0130/0329T0130 0329T0300/0329T0300 0329T0330/0329T0330 0329T0400/0329T0400"},
		{"daily in the hour that comes twice", "DTSTART;TZID=Europe/Berlin:20261024T023000\nDURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=2", "2026-01-01", "",
			"1024T0230/1024T0300 1025T0230/1025T0200"},
		{"hourly over autumn has each hour", "DTSTART;TZID=Europe/Berlin:20261025T003000\nRRULE:FREQ=HOURLY;COUNT=6", "2026-01-01", "",
			"1025T0030/1025T0030 1025T0130/1025T0130 1025T0230/1025T0230 1025T0230/1025T0230 1025T0330/1025T0330 1025T0430/1025T0430"},
		{"hourly over spring has each hour", "DTSTART;TZID=Europe/Berlin:20260329T003000\nRRULE:FREQ=HOURLY;COUNT=4", "2026-01-01", "",
			"0329T0030/0329T0030 0329T0130/0329T0130 0329T0330/0329T0330 0329T0430/0329T0430"},
		{"counted from afar", "DTSTART;TZID=Europe/Berlin:20260101T003000\nRRULE:FREQ=MINUTELY;INTERVAL=30;COUNT=14400", "2026-10-27T21:00:00Z", "",
			"1027T2200/1027T2200 1027T2230/1027T2230 1027T2300/1027T2300 1027T2330/1027T2330 1028T0000/1028T0000"},
		{"six-hourly keeps its clock", "DTSTART;TZID=Europe/Berlin:20261024T180000\nRRULE:FREQ=HOURLY;INTERVAL=6;COUNT=4", "2026-01-01", "",
			"1024T1800/1024T1800 1025T0000/1025T0000 1025T0600/1025T0600 1025T1200/1025T1200"},

		{"New York, spring", "DTSTART;TZID=America/New_York:20260307T090000\nRRULE:FREQ=DAILY;COUNT=2", "2026-01-01", "",
			"0307T1500/0307T1500 0308T1400/0308T1400"},
		{"New York, autumn, hourly", "DTSTART;TZID=America/New_York:20261101T003000\nRRULE:FREQ=HOURLY;COUNT=4", "2026-01-01", "",
			"1101T0530/1101T0530 1101T0630/1101T0630 1101T0730/1101T0730 1101T0830/1101T0830"},
		{"Sydney, autumn", "DTSTART;TZID=Australia/Sydney:20260404T090000\nRRULE:FREQ=DAILY;COUNT=2", "2026-01-01", "",
			"0404T0000/0404T0000 0405T0100/0405T0100"},
		{"Sydney, spring, in the gap", "DTSTART;TZID=Australia/Sydney:20261003T023000\nRRULE:FREQ=DAILY;COUNT=3", "2026-01-01", "",
			"1002T1830/1002T1830 1003T1830/1003T1830 1004T1730/1004T1730"},
		{"Windows zone", "DTSTART;TZID=Eastern Standard Time:20260307T090000\nRRULE:FREQ=DAILY;COUNT=2", "2026-01-01", "",
			"0307T1500/0307T1500 0308T1400/0308T1400"},
		{"a zone that nobody knows is floating", "DTSTART;TZID=Nowhere:20260307T090000\nRRULE:FREQ=DAILY;COUNT=2", "2026-01-01", "",
			"0307T0900/0307T0900 0308T0900/0308T0900"},
		{"no rule below a day in sight", "DTSTART;TZID=Europe/Berlin:20260101T000000\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "2026-01-02", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := starts(t, eventOf(t, tt.event), tt.from, tt.to, berlin); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestOverrides(t *testing.T) {
	berlin := zoneOf(t, "Europe/Berlin")
	const weekly = "BEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20260316T090000\nDTEND;TZID=Europe/Berlin:20260316T100000\nRRULE:FREQ=WEEKLY;COUNT=4\n"
	override := func(lines string) string { return "END:VEVENT\nBEGIN:VEVENT\n" + lines + "\n" }
	for _, tt := range []struct {
		name, event, from, to, want string
	}{
		{"moved out of the window", weekly + override("RECURRENCE-ID;TZID=Europe/Berlin:20260323T090000\nDTSTART;TZID=Europe/Berlin:20260501T090000\nDURATION:PT2H"),
			"2026-03-20", "2026-04-01", "0330T0900/0330T1000"},
		{"moved into the window", weekly + override("RECURRENCE-ID;TZID=Europe/Berlin:20260323T090000\nDTSTART;TZID=Europe/Berlin:20260501T090000\nDURATION:PT2H"),
			"2026-05-01", "2026-06-01", "0501T0900/0501T1100!"},
		{"moved before another", weekly + override("RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000\nDTSTART;TZID=Europe/Berlin:20260317T090000\nDURATION:PT2H"),
			"2026-03-01", "", "0316T0900/0316T1000 0317T0900/0317T1100! 0323T0900/0323T1000 0406T0900/0406T1000"},
		{"its identity in UTC", weekly + override("RECURRENCE-ID:20260330T070000Z\nDTSTART;TZID=Europe/Berlin:20260330T110000\nDURATION:PT1H"),
			"2026-03-29", "", "0330T1100/0330T1200! 0406T0900/0406T1000"},
		{"its identity as a date", weekly + override("RECURRENCE-ID;VALUE=DATE:20260330\nDTSTART;TZID=Europe/Berlin:20260330T110000\nDURATION:PT1H"),
			"2026-03-29", "", "0330T1100/0330T1200! 0406T0900/0406T1000"},
		{"cancelled", weekly + override("RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000\nDTSTART;TZID=Europe/Berlin:20260330T090000\nSTATUS:CANCELLED"),
			"2026-03-29", "", "0330T0900/0330T0900!x 0406T0900/0406T1000"},
		{"excluded as well", weekly + "EXDATE;TZID=Europe/Berlin:20260330T090000\n" + override("RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000\nDTSTART;TZID=Europe/Berlin:20260330T110000"),
			"2026-03-29", "", "0406T0900/0406T1000"},
		{"of an instance that is not", weekly + override("RECURRENCE-ID;TZID=Europe/Berlin:20260401T090000\nDTSTART;TZID=Europe/Berlin:20260401T110000\nDURATION:PT1H"),
			"2026-03-29", "", "0330T0900/0330T1000 0401T1100/0401T1200! 0406T0900/0406T1000"},
		{"without a master", "BEGIN:VEVENT\nRECURRENCE-ID;TZID=Europe/Berlin:20260330T090000\nDTSTART;TZID=Europe/Berlin:20260330T110000\nDURATION:PT1H\n" +
			override("RECURRENCE-ID;VALUE=DATE:20260323\nDTSTART;TZID=Europe/Berlin:20260323T110000\nDURATION:PT1H"),
			"2026-03-01", "", "0323T1100/0323T1200! 0330T1100/0330T1200!"},
		{"this and future", weekly + override("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260323T090000\nDTSTART;TZID=Europe/Berlin:20260324T110000\nDURATION:PT2H"),
			"2026-03-01", "", "0316T0900/0316T1000 0324T1100/0324T1300! 0331T1100/0331T1300! 0407T1100/0407T1300!"},
		{"this and future, twice, and one alone", weekly +
			override("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260323T090000\nDTSTART;TZID=Europe/Berlin:20260323T110000\nDURATION:PT2H") +
			override("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260406T090000\nDTSTART;TZID=Europe/Berlin:20260406T070000\nDURATION:PT1H") +
			override("RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000\nDTSTART;TZID=Europe/Berlin:20260330T150000\nDURATION:PT1H"),
			"2026-03-01", "", "0316T0900/0316T1000 0323T1100/0323T1300! 0330T1500/0330T1600! 0406T0700/0406T0800!"},
		{"this and future, jumped into", strings.Replace(weekly, ";COUNT=4", "", 1) + override("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260323T090000\nDTSTART;TZID=Europe/Berlin:20260322T090000\nDURATION:PT2H"),
			"2030-01-01", "2030-01-14", "0106T0900/0106T1100! 0113T0900/0113T1100!"},
		{"all day, its identity with a time", "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=2" + "\n" + override("RECURRENCE-ID:20260106T000000Z\nDTSTART;VALUE=DATE:20260108"),
			"2026-01-01", "", "0105T0000/0106T0000 0108T0000/0109T0000!"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := eventOf(t, strings.TrimSuffix(tt.event, "\n")+"\nEND:VEVENT")
			if got := starts(t, e, tt.from, tt.to, berlin); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	berlin := zoneOf(t, "Europe/Berlin")
	const weekly = "BEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20260316T090000\nDTEND;TZID=Europe/Berlin:20260316T100000\nRRULE:FREQ=WEEKLY;COUNT=4\n%END:VEVENT\n"
	cancelled := weekly + "BEGIN:VEVENT\nRECURRENCE-ID;TZID=Europe/Berlin:20260323T090000\nDTSTART;TZID=Europe/Berlin:20260323T090000\nDURATION:PT1H\nSTATUS:CANCELLED\nEND:VEVENT"
	for _, tt := range []struct {
		name, event, after, want string
	}{
		{"the first", weekly, "2026-01-01", "2026-03-16T08:00:00Z"},
		{"while it is on", weekly, "2026-03-16T08:59:59Z", "2026-03-16T08:00:00Z"},
		{"when it ends", weekly, "2026-03-16T09:00:00Z", "2026-03-23T08:00:00Z"},
		{"cancelled ones are passed over", cancelled, "2026-03-16T09:00:00Z", "2026-03-30T07:00:00Z"},
		{"the last is over", weekly, "2026-04-06T08:00:00Z", ""},
		{"cancelled altogether", strings.Replace(weekly, "%", "STATUS:CANCELLED\n%", 1), "2026-01-01", ""},
		{"cancelled without end", strings.Replace(strings.Replace(weekly, ";COUNT=4", "", 1), "%", "STATUS:CANCELLED\n%", 1), "2026-01-01", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := eventOf(t, strings.ReplaceAll(tt.event, "%", ""))
			i, ok, err := e.Next(instant(t, tt.after), berlin)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if ok {
				got = i.Start.UTC().Format(time.RFC3339)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if ok && i.VEvent == nil {
				t.Error("no VEvent")
			}
		})
	}
}

func TestSpan(t *testing.T) {
	for _, tt := range []struct{ event, start, end string }{
		{"DTSTART:20260105T090000Z\nDTEND:20260105T100000Z", "2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z"},
		{"DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3", "2026-01-05T09:00:00Z", "2026-01-07T10:00:00Z"},
		{"DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260108T000000Z", "2026-01-05T09:00:00Z", "2026-01-08T01:00:00Z"},
		{"DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY", "2026-01-05T09:00:00Z", ""},
		{"DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=NEVER", "2026-01-05T09:00:00Z", ""},
		{"DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY;COUNT=2000000000", "2026-01-05T09:00:00Z", ""},
		{"DTSTART:20260105T090000Z\nDURATION:PT1H\nRDATE:20260101T090000Z,20260201T090000Z", "2026-01-01T09:00:00Z", "2026-02-01T10:00:00Z"},
		{"DTSTART;VALUE=DATE:20260105", "2026-01-04T10:00:00Z", "2026-01-06T14:00:00Z"},
		{"BEGIN:VEVENT\nDTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\nBEGIN:VEVENT\nRECURRENCE-ID:20260106T090000Z\nDTSTART:20270101T090000Z\nDURATION:PT1H\nEND:VEVENT",
			"2026-01-05T09:00:00Z", "2027-01-01T10:00:00Z"},
	} {
		start, end := eventOf(t, tt.event).Span()
		if got := start.Format(time.RFC3339); got != tt.start {
			t.Errorf("%s: starts %s, want %s", tt.event, got, tt.start)
		}
		if !end.Equal(instant(t, tt.end)) {
			t.Errorf("%s: ends %s, want %s", tt.event, end, tt.end)
		}
	}
}

// Whatever the rule, an expansion ends, and says so where it gave up.
func TestExpandIsBounded(t *testing.T) {
	for _, tt := range []struct {
		event string
		want  error
	}{
		{"RRULE:FREQ=SECONDLY", ErrBudget},
		{"RRULE:FREQ=DAILY", ErrBudget}, // some three million days to the year 9999
		{"RRULE:FREQ=SECONDLY;BYHOUR=3;BYMINUTE=3;BYSECOND=3;INTERVAL=86399", ErrBudget},
		{"RRULE:FREQ=SECONDLY;COUNT=2000000000;BYSECOND=1,2", ErrBudget},
		{"RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", nil},
		{"RRULE:FREQ=MINUTELY;BYYEARDAY=366;BYMONTH=1", ErrBudget},
		{"RRULE:FREQ=DAILY;BYYEARDAY=366;BYMONTH=1", nil},
		{"RRULE:FREQ=HOURLY;INTERVAL=2;BYHOUR=1,3,5", nil},
		{"RRULE:FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", nil},
		{"RRULE:FREQ=MONTHLY;BYDAY=6MO", nil},
		{"RRULE:FREQ=MONTHLY;BYSETPOS=400;BYDAY=MO", nil},
		{"RRULE:FREQ=YEARLY;INTERVAL=4294967296", nil},
		{"RRULE:FREQ=SECONDLY;INTERVAL=4294967296", nil},
		{"RRULE:FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=31", nil},
	} {
		e := eventOf(t, "DTSTART;TZID=Europe/Berlin:20260101T000000\n"+tt.event)
		begin := time.Now()
		err := e.Expand(time.Time{}, time.Time{}, time.UTC, func(Instance) bool { return true })
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.event, err, tt.want)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s: took %s", tt.event, took)
		} else {
			t.Logf("%s: %s", tt.event, took)
		}
	}
}

// A megabyte of overrides, shifts and dates takes no longer than the budget.
func TestHugeEvents(t *testing.T) {
	const master = "BEGIN:VEVENT\nDTSTART:20200101T000000Z\nRRULE:FREQ=%s\n%sEND:VEVENT\n"
	dates := "RDATE:" + strings.Repeat("20260101T000000Z,", 20000) + "\n"
	overrides := func(format string) string {
		var b strings.Builder
		for i := range 4000 {
			at := time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC).Format("20060102T150405")
			b.WriteString("BEGIN:VEVENT\n" + strings.NewReplacer("%n", fmt.Sprint(i), "%t", at).Replace(format) + "END:VEVENT\n")
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"overrides":  fmt.Sprintf(master, "DAILY", "") + overrides("RECURRENCE-ID:%tZ\nDTSTART:%tZ\n"),
		"shifts":     fmt.Sprintf(master, "DAILY", dates) + overrides("RECURRENCE-ID;RANGE=THISANDFUTURE:%tZ\nDTSTART:%tZ\n"),
		"counted":    fmt.Sprintf(master, "SECONDLY;COUNT=2000000000", dates) + overrides("RECURRENCE-ID;RANGE=THISANDFUTURE:%tZ\nDTSTART:%tZ\n"),
		"zones":      fmt.Sprintf(master, "DAILY", "") + overrides("RECURRENCE-ID;TZID=a/b/c/d%n:%t\nDTSTART;TZID=e/f%n:%t\n"),
		"many rules": fmt.Sprintf(master, "DAILY", strings.Repeat("RRULE:FREQ=SECONDLY;COUNT=2000000000;BYSECOND=1\n", 4000)),
	} {
		begin := time.Now()
		e := eventOf(t, text)
		parsed := time.Since(begin)
		_, _, err := e.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.UTC)
		e.Span()
		took := time.Since(begin)
		t.Logf("%s: parsed in %s, next and span in %s, %v", name, parsed, took-parsed, err)
		if took > 3*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}
