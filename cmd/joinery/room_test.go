package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRooms(t *testing.T) {
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--name", "Anna", "--password-stdin")
	wantLine(t, c.works("", "room", "add", "Room5@example.org", "--name", "Room 5"), "added room Room 5 <room5@example.org>", "zone Europe/Moscow")
	wantLine(t, c.works("", "room", "add", "beamer@example.org", "--kind", "resource", "--zone", "Europe/Kyiv"), "added resource beamer <beamer@example.org>", "zone Europe/Kyiv")
	want := `ADDRESS             NAME    KIND      ZONE
beamer@example.org  beamer  resource  Europe/Kyiv
room5@example.org   Room 5  room      Europe/Moscow
`
	if got := c.works("", "room", "list"); got != want {
		t.Errorf("list prints\n%swant\n%s", got, want)
	}
	if got := c.works("", "user", "list"); strings.Contains(got, "room5") || strings.Contains(got, "beamer") || !strings.Contains(got, "anna") {
		t.Errorf("the users are\n%s", got)
	}
	if got := c.works("", "room", "show", "ROOM5@example.org"); !strings.HasPrefix(got, "Room 5 <room5@example.org> is not booked from now to 20") {
		t.Errorf("show prints %q", got)
	}
	for _, test := range []struct{ args, parts []string }{
		{[]string{"add", "room5@example.org"}, []string{"room5@example.org is taken"}},
		{[]string{"add", "anna@example.org"}, []string{"anna@example.org is anna's"}},
		{[]string{"add", "room6"}, []string{`"room6" is not a mail address`}},
		{[]string{"add", "room6@example.org", "--kind", "hall"}, []string{`"hall"`, "room or resource"}},
		{[]string{"add", "room6@example.org", "--zone", "Mars"}, []string{`"Mars" is not a time zone`}},
		{[]string{"add", "Webinar@conference.example.org"}, []string{"resource of provider mtslink"}},
		{[]string{"add"}, []string{"takes ADDRESS"}},
		{[]string{"show", "room6@example.org"}, []string{"no room room6@example.org", "joinery room list"}},
		{[]string{"show", "anna@example.org"}, []string{"anna@example.org is the user anna, not a room"}},
		{[]string{"show", "room5@example.org", "--days", "0"}, []string{"--days is 1 to 366"}},
		{[]string{"remove", "anna@example.org"}, []string{"anna@example.org is the user anna, not a room"}},
	} {
		c.fails("", append([]string{"room"}, test.args...), test.parts...)
	}
	c.fails("s", []string{"user", "passwd", "room5@example.org", "--password-stdin"}, "room5@example.org is a room, not a person")
	c.fails("", []string{"user", "remove", "beamer@example.org"}, "beamer@example.org is a resource, not a person")
	wantLine(t, c.works("", "room", "remove", "beamer@example.org"), "removed beamer <beamer@example.org>")
	if got := c.works("", "room", "list"); strings.Contains(got, "beamer") {
		t.Errorf("after its removal the list is\n%s", got)
	}
}

// TestRoomIsBooked invites a room as clients do, and shows its bookings.
func TestRoomIsBooked(t *testing.T) {
	t.Parallel() // it waits, most of the time
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--name", "Anna", "--password-stdin")
	c.works("", "room", "add", "room5@example.org", "--name", "Room 5")
	address, _ := c.serve()
	if code, _ := as(t, "room5@example.org", "", "PROPFIND", address+"/", ""); code != http.StatusUnauthorized {
		t.Errorf("a room logs in: %d", code)
	}
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	y, m, d := c.now().In(moscow).AddDate(0, 0, 2).Date()
	start := time.Date(y, m, d, 10, 0, 0, 0, moscow)
	event := func(uid string, lines ...string) {
		t.Helper()
		text := strings.Join(append([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20260101T000000Z",
			"ORGANIZER;CN=Anna:mailto:anna@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org",
			"ATTENDEE;CUTYPE=ROOM;PARTSTAT=NEEDS-ACTION:mailto:Room5@example.org"}, append(lines, "END:VEVENT", "END:VCALENDAR", "")...), "\r\n")
		if code, answer := as(t, "anna", "s", "PUT", address+"/calendars/anna/calendar/"+uid+".ics", text); code != http.StatusCreated {
			t.Fatalf("PUT %s: %d %s", uid, code, answer)
		}
		soon(t, func() string {
			_, text := as(t, "anna", "s", "GET", address+"/calendars/anna/calendar/"+uid+".ics", "")
			if strings.Contains(text, "PARTSTAT=NEEDS-ACTION") {
				return "the room has not answered:\n" + text
			}
			return ""
		})
	}
	const utc = "20060102T150405Z"
	event("daily", "DTSTART:"+start.UTC().Format(utc), "DURATION:PT90M", "RRULE:FREQ=DAILY;COUNT=2", "SUMMARY:Plans")
	event("clash", "DTSTART:"+start.UTC().Add(time.Hour).Format(utc), "DURATION:PT1H", "SUMMARY:Too late")
	event("private", "DTSTART:"+start.UTC().Add(2*time.Hour).Format(utc), "DURATION:PT1H", "CLASS:PRIVATE", "SUMMARY:Secret")
	event("day", "DTSTART;VALUE=DATE:"+start.AddDate(0, 0, 5).Format("20060102"), "SUMMARY:Conference\\; \\n whole day")

	day := func(n int) string { return start.AddDate(0, 0, n).Format(time.DateOnly) }
	want := `WHEN (Europe/Moscow) TITLE ORGANISER
` + day(0) + ` 10:00 to 11:30 Plans Anna <anna@example.org>
` + day(0) + ` 12:00 to 13:00 (private) Anna <anna@example.org>
` + day(1) + ` 10:00 to 11:30 Plans Anna <anna@example.org>
` + day(5) + `, all day Conference; whole day Anna <anna@example.org>
`
	if got := replaced(c.works("", "room", "show", "room5@example.org"), ` +`, " "); got != want {
		t.Errorf("show prints\n%swant\n%s", got, want)
	}
	if got := c.works("", "room", "show", "room5@example.org", "--days", "1"); got != "Room 5 <room5@example.org> is not booked from now to "+c.now().In(moscow).AddDate(0, 0, 1).Format(time.DateOnly)+"\n" {
		t.Errorf("the next day: %s", got)
	}
}

// TestInboxIsNoCalendar: commands do not take the scheduling inbox for one.
func TestInboxIsNoCalendar(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	for _, login := range []string{"anna", "boris"} {
		c.works("s", "user", "add", login, "--email", login+"@example.org", "--password-stdin")
	}
	address, stop := c.serve()
	if code, text := as(t, "anna", "s", "PUT", address+"/calendars/anna/calendar/a.ics", webinar("a")); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	sync := `<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`
	soon(t, func() string {
		code, text := as(t, "boris", "s", "REPORT", address+"/calendars/boris/inbox/", sync)
		if strings.Contains(text, "<D:getetag>") {
			return ""
		}
		return fmt.Sprintf("boris has no message: %d %s", code, text)
	})
	stop()
	if got := c.works("", "calendar", "list", "boris"); strings.Contains(got, "inbox") {
		t.Errorf("the calendars are\n%s", got)
	}
	for _, args := range [][]string{{"remove", "boris/inbox"}, {"set", "boris/inbox", "--name", "x"}} {
		c.fails("", append([]string{"calendar"}, args...), "boris has no calendar inbox")
	}
}
