package ical

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func calendarOf(t testing.TB, text string) *Object {
	t.Helper()
	o, err := Parse([]byte("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n"+text+"\nEND:VCALENDAR\n"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// zoneText is a VTIMEZONE with European rules, more lines and the two offsets of winter and summer.
func zoneText(tzid, lines, winter, summer string) string {
	if lines != "" {
		lines += "\n"
	}
	return "BEGIN:VTIMEZONE\nTZID:" + tzid + "\n" + lines +
		"BEGIN:STANDARD\nDTSTART:16011028T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZOFFSETFROM:" + summer + "\nTZOFFSETTO:" + winter + "\nEND:STANDARD\n" +
		"BEGIN:DAYLIGHT\nDTSTART:16010325T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nTZOFFSETFROM:" + winter + "\nTZOFFSETTO:" + summer + "\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
}

func TestZoneByName(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"Europe/Berlin", "Europe/Berlin"},
		{"europe/berlin", "Europe/Berlin"},
		{"AMERICA/NEW_YORK", "America/New_York"},
		{"america/port-au-prince", "America/Port-au-Prince"},
		{"america/port_of_spain", "America/Port_of_Spain"},
		{"africa/dar_es_salaam", "Africa/Dar_es_Salaam"},
		{"america/argentina/buenos_aires", "America/Argentina/Buenos_Aires"},
		{"america/north_dakota/new_salem", "America/North_Dakota/New_Salem"},
		{"antarctica/mcmurdo", "Antarctica/McMurdo"},
		{"asia/ust-nera", "Asia/Ust-Nera"},
		{"etc/gmt+3", "Etc/GMT+3"},
		{"etc/utc", "Etc/UTC"},
		{"utc", "UTC"},
		{"cst6cdt", "CST6CDT"},
		{"israel", "Israel"},
		{" Europe/Berlin ", "Europe/Berlin"},
		{`"Europe/Berlin"`, "Europe/Berlin"},
		{"/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"},
		{"/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "Europe/Berlin"},
		{"/mozilla.org/20050126_1/America/Argentina/Salta", "America/Argentina/Salta"},
		{"/citadel.org/20210210_1/Europe/Kyiv", "Europe/Kyiv"},
		{"tzone://Microsoft/Utc", "UTC"},
		{"W. Europe Standard Time", "Europe/Berlin"},
		{"w. europe standard time", "Europe/Berlin"},
		{"Russian Standard Time", "Europe/Moscow"},
		{"Central Standard Time (Mexico)", "America/Mexico_City"},

		// Never the server's own zone, nor what else lies in the systems' folders.
		{"Local", ""}, {"local", ""}, {"LOCAL", ""}, {"/x/Local", ""}, {"localtime", ""}, {"Localtime", ""},
		{"posixrules", ""}, {"right/Europe/Rome", "Europe/Rome"}, {"Factory", ""},
		{"../Europe/Berlin", "Europe/Berlin"}, {"/etc/passwd", ""}, {"zone.tab", ""},
		{"", ""}, {"/", ""}, {"Customized Time Zone", ""}, {strings.Repeat("A/", 1000), ""},
	} {
		loc, got := ZoneByName(tt.name)
		if got != tt.want || (loc != nil) != (tt.want != "") {
			t.Errorf("%q: got %q, %v, want %q", tt.name, got, loc, tt.want)
		}
		if loc == time.Local {
			t.Errorf("%q: the server's zone", tt.name)
		}
	}
}

func TestWindowsZones(t *testing.T) {
	if len(windowsZones) < 139 {
		t.Errorf("got %d names", len(windowsZones))
	}
	for name, iana := range windowsZones {
		if _, err := time.LoadLocation(iana); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name != strings.ToLower(name) {
			t.Errorf("%s: not lower case", name)
		}
	}
}

func TestTime(t *testing.T) {
	o := calendarOf(t, zoneText("Meeting Rooms", "", "+0300", "+0430")+
		zoneText("Berlin (sent by us)", "X-LIC-LOCATION:Europe/Berlin", "+0100", "+0200")+
		zoneText("Berlin 2", "X-TZINFO:Europe/Berlin[2026f]", "+010000", "+020000")+
		zoneText("Broken", "", "x", "y")+
		"BEGIN:VEVENT\nUID:1\nEND:VEVENT")
	for _, tt := range []struct{ line, want, zone, flags string }{
		{"DTSTART:20260105T090000Z", "2026-01-05T09:00:00Z", "", "utc"},
		{"DTSTART;TZID=Europe/Berlin:20260105T090000Z", "2026-01-05T09:00:00Z", "", "utc"},
		{"DTSTART;TZID=Europe/Berlin:20260105T090000", "2026-01-05T08:00:00Z", "Europe/Berlin", ""},
		{"DTSTART;TZID=W. Europe Standard Time:20260705T090000", "2026-07-05T07:00:00Z", "Europe/Berlin", ""},
		{"DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260705T090000", "2026-07-05T07:00:00Z", "Europe/Berlin", ""},
		{"DTSTART;TZID=Berlin (sent by us):20260705T090000", "2026-07-05T07:00:00Z", "Europe/Berlin", ""},
		{"DTSTART;TZID=Berlin 2:20260705T090000", "2026-07-05T07:00:00Z", "Europe/Berlin", ""},
		{"DTSTART;TZID=Meeting Rooms:20260105T090000", "2026-01-05T06:00:00Z", "", ""},
		{"DTSTART;TZID=Meeting Rooms:20260705T090000", "2026-07-05T04:30:00Z", "", ""},
		{"DTSTART;TZID=meeting rooms:20260705T090000", "2026-07-05T04:30:00Z", "", ""},
		{"DTSTART;TZID=Broken:20260705T090000", "2026-07-05T09:00:00Z", "", "floating"},
		{"DTSTART;TZID=Nowhere:20260705T090000", "2026-07-05T09:00:00Z", "", "floating"},
		{"DTSTART;TZID=Local:20260705T090000", "2026-07-05T09:00:00Z", "", "floating"},
		{"DTSTART:20260705T090000", "2026-07-05T09:00:00Z", "", "floating"},
		{"DTSTART;VALUE=DATE:20260705", "2026-07-05T00:00:00Z", "", "date"},
		{"DTSTART:20260705", "2026-07-05T00:00:00Z", "", "date"},
		{"DTSTART;VALUE=DATE;TZID=Europe/Berlin:20260705", "2026-07-05T00:00:00Z", "", "date"},
		{"DTSTART;VALUE=DATE:20260705T101112", "2026-07-05T00:00:00Z", "", "date"},
		{"DTSTART:20260705t0900z", "2026-07-05T09:00:00Z", "", "utc"},
		{"DTSTART: 20260705T235960Z ", "2026-07-05T23:59:59Z", "", "utc"},
		{"DTSTART;TZID=Europe/Berlin:20261025T023000", "2026-10-25T00:30:00Z", "Europe/Berlin", ""},
		{"DTSTART;TZID=Europe/Berlin:20260329T023000", "2026-03-29T01:30:00Z", "Europe/Berlin", ""},
	} {
		probe := calendarOf(t, "BEGIN:VEVENT\n"+tt.line+"\nEND:VEVENT")
		got, err := o.Time(probe.Root.Children[0].Lines[0])
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		flags := ""
		switch {
		case got.AllDay:
			flags = "date"
		case got.Floating:
			flags = "floating"
		case got.UTC:
			flags = "utc"
		}
		if at := got.Time.UTC().Format(time.RFC3339); at != tt.want || got.Zone != tt.zone || flags != tt.flags {
			t.Errorf("%s: got %s %q %q, want %s %q %q", tt.line, at, got.Zone, flags, tt.want, tt.zone, tt.flags)
		}
	}
	for _, line := range []string{
		"DTSTART:", "DTSTART:2026", "DTSTART:20260230", "DTSTART:20261301", "DTSTART:20260105T", "DTSTART:20260105T250000",
		"DTSTART:20260105T096000", "DTSTART:20260105T090061", "DTSTART:20260105T0900000", "DTSTART:20260105T090000Z,20260106T090000Z",
		"DTSTART:00000101", "DTSTART:2026-01-05", "DTSTART:20260105X090000",
	} {
		probe := calendarOf(t, "BEGIN:VEVENT\n"+line+"\nEND:VEVENT")
		if got, err := o.Time(probe.Root.Children[0].Lines[0]); err == nil {
			t.Errorf("%s: got %v, want an error", line, got)
		}
	}
}

func TestTimeIn(t *testing.T) {
	moscow := zoneOf(t, "Europe/Moscow")
	o := calendarOf(t, "BEGIN:VEVENT\nDTSTART:20260105T090000\nDTEND;VALUE=DATE:20260106\nDUE:20260105T090000Z\nEND:VEVENT")
	for i, want := range []string{"2026-01-05T06:00:00Z", "2026-01-05T21:00:00Z", "2026-01-05T09:00:00Z"} {
		got, err := o.Time(o.Root.Children[0].Lines[i])
		if err != nil {
			t.Fatal(err)
		}
		if at := got.In(moscow).UTC().Format(time.RFC3339); at != want {
			t.Errorf("line %d: got %s, want %s", i, at, want)
		}
	}
}

// A VTIMEZONE with an IANA zone's name is a copy of it, unless its offsets differ when the event
// takes place.
func TestZoneAgreement(t *testing.T) {
	event := func(lines string) string { return "BEGIN:VEVENT\n" + lines + "\nEND:VEVENT" }
	berlin := zoneText("Europe/Berlin", "", "+0100", "+0200")
	moved := zoneText("Europe/Berlin", "", "+0300", "+0400")
	winterOnly := "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
	for _, tt := range []struct{ name, text, zone, want string }{
		{"it agrees", berlin + event("DTSTART;TZID=Europe/Berlin:20260705T090000"), "Europe/Berlin", "2026-07-05T07:00:00Z"},
		{"it does not", moved + event("DTSTART;TZID=Europe/Berlin:20260705T090000"), "", "2026-07-05T05:00:00Z"},
		{"it does not in summer, which does not matter", winterOnly + event("DTSTART;TZID=Europe/Berlin:20260105T090000"), "Europe/Berlin", "2026-01-05T08:00:00Z"},
		{"it does not in summer", winterOnly + event("DTSTART;TZID=Europe/Berlin:20260705T090000"), "", "2026-07-05T08:00:00Z"},
		{"a series of which some is in summer", winterOnly + event("DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY"), "", "2026-01-05T08:00:00Z"},
		{"it stops before 2037", strings.ReplaceAll(berlin, "FREQ=YEARLY", "FREQ=YEARLY;UNTIL=20361026T010000Z") + event("DTSTART;TZID=Europe/Berlin:20400105T090000\nRRULE:FREQ=WEEKLY"), "Europe/Berlin", "2040-01-05T08:00:00Z"},
		{"a table that ends", "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:20261025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:20260329T020000\nRDATE:20270328T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n" + event("DTSTART;TZID=Europe/Berlin:20261201T100000\nRRULE:FREQ=WEEKLY"), "Europe/Berlin", "2026-12-01T09:00:00Z"},
		{"old events before its first observances", strings.NewReplacer("16010325", "19810329", "16011028", "19961027").Replace(berlin) + event("DTSTART;TZID=Europe/Berlin:19850105T090000"), "Europe/Berlin", "1985-01-05T08:00:00Z"},
		{"the same by a Windows name", zoneText("W. Europe Standard Time", "", "+0300", "+0400") + event("DTSTART;TZID=W. Europe Standard Time:20260705T090000"), "", "2026-07-05T05:00:00Z"},
		{"no observance can be read", "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nEND:VTIMEZONE\n" + event("DTSTART;TZID=Europe/Berlin:20260705T090000"), "Europe/Berlin", "2026-07-05T07:00:00Z"},
	} {
		o := calendarOf(t, tt.text)
		got, err := o.Time(o.Root.Find("VEVENT")[0].First("DTSTART"))
		if err != nil {
			t.Fatal(err)
		}
		if at := got.Time.UTC().Format(time.RFC3339); at != tt.want || got.Zone != tt.zone {
			t.Errorf("%s: got %s in %q, want %s in %q", tt.name, at, got.Zone, tt.want, tt.zone)
		}
	}
}

// The zones that clients send are the IANA zone when they are worked out, from the time that they
// know: Thunderbird's has offsets with seconds and local UNTILs, Evolution's UNTILs in UTC.
func TestOwnZoneIsRight(t *testing.T) {
	files, err := filepath.Glob("testdata/clients/*.ics")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	berlin := zoneOf(t, "Europe/Berlin")
	seen := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o, err := Parse(data, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range o.Root.Find("VTIMEZONE") {
			z := ownZone("Europe/Berlin", c)
			if z == nil {
				t.Errorf("%s: not worked out", file)
				continue
			}
			seen++
			from := z.known
			if old := time.Date(1996, 11, 1, 0, 0, 0, 0, time.UTC); from.Before(old) {
				from = old // the shortest have today's rules since 1970
			}
			for at := from; at.Before(z.stops); at = at.Add(6 * time.Hour) {
				if got, want := offsetAt(at, z.loc), offsetAt(at, berlin); got != want {
					t.Errorf("%s: at %s got %d, want %d", file, at, got, want)
					break
				}
			}
		}
	}
	if seen < 3 {
		t.Errorf("got %d zones", seen)
	}
}

func TestOwnZone(t *testing.T) {
	for _, tt := range []struct{ name, text, at, want string }{
		{"before the first change", zoneText("A", "", "+0100", "+0200"), "1500-07-01T00:00:00Z", "01:00"},
		{"winter", zoneText("A", "", "+0100", "+0200"), "2026-01-01T00:00:00Z", "01:00"},
		{"summer", zoneText("A", "", "+0100", "+0200"), "2026-07-01T00:00:00Z", "02:00"},
		{"in 2099", zoneText("A", "", "+0100", "+0200"), "2099-07-01T00:00:00Z", "02:00"},
		{"seconds", zoneText("A", "", "+005328", "+0153"), "2026-01-01T00:00:00Z", "00:53:28"},
		{"west", zoneText("A", "", "-0330", "-0230"), "2026-01-01T00:00:00Z", "-03:30"},
		{"a colon", zoneText("A", "", "+05:45", "+06:45"), "2026-01-01T00:00:00Z", "05:45"},
		{"dates", "BEGIN:VTIMEZONE\nTZID:A\nBEGIN:STANDARD\nDTSTART:20200101T000000\nRDATE:20250101T000000,20270101T000000Z\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0500\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:20260101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0100\nEND:DAYLIGHT\nEND:VTIMEZONE",
			"2026-06-01T00:00:00Z", "01:00"},
		{"dates, later", "BEGIN:VTIMEZONE\nTZID:A\nBEGIN:STANDARD\nDTSTART:20200101T000000\nRDATE:20250101T000000,20270101T000000Z\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0500\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:20260101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0100\nEND:DAYLIGHT\nEND:VTIMEZONE",
			"2027-06-01T00:00:00Z", "05:00"},
	} {
		o := calendarOf(t, tt.text)
		loc := o.Location("A")
		if loc == nil {
			t.Errorf("%s: no location", tt.name)
			continue
		}
		d := offsetAt(instant(t, tt.at), loc)
		sign := ""
		if d < 0 {
			sign, d = "-", -d
		}
		got := sign + time.Unix(int64(d), 0).UTC().Format("15:04:05")
		if got = strings.TrimSuffix(got, ":00"); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A zone that changes without end is none, and is found out quickly.
func TestOwnZoneIsBounded(t *testing.T) {
	for _, rule := range []string{"FREQ=SECONDLY", "FREQ=DAILY", "FREQ=MINUTELY;COUNT=2000000000", "FREQ=SECONDLY;BYHOUR=3;INTERVAL=86399", "FREQ=SOMETIMES"} {
		text := strings.Replace(zoneText("Away", "", "+0100", "+0200"), "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", rule, 1)
		begin := time.Now()
		if loc := calendarOf(t, text).Location("Away"); loc != nil {
			t.Errorf("%s: got a location", rule)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("%s: took %s", rule, took)
		}
	}
}
