package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCalendars(t *testing.T) {
	t.Parallel() // it waits, most of the time
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	wantLine(t, c.works("", "calendar", "add", "anna/team plans", "--name", "Team"), "/calendars/anna/team%20plans/")
	wantLine(t, c.works("", "calendar", "set", "anna/team plans", "--conference", "always"), `name "Team", conference always`)
	want := `CALENDAR         NAME      CONFERENCE  OBJECTS
anna/calendar    Calendar  never       0
anna/team plans  Team      always      0
`
	if got := c.works("", "calendar", "list", "anna"); got != want {
		t.Errorf("list prints\n%swant\n%s", got, want)
	}
	for _, test := range []struct {
		args  []string
		parts []string
	}{
		{[]string{"list", "boris"}, []string{"no user boris"}},
		{[]string{"add", "anna"}, []string{`"anna" does not name a calendar`, "LOGIN/CALENDAR"}},
		{[]string{"add", "anna/inbox"}, []string{"inbox"}},
		{[]string{"add", "anna/calendar"}, []string{"has a calendar calendar already"}},
		{[]string{"set", "anna/none", "--name", "x"}, []string{"no calendar none", "joinery calendar list anna"}},
		{[]string{"set", "anna/calendar", "--conference", "sometimes"}, []string{`"sometimes"`, "never, outside or always"}},
		{[]string{"remove", "anna/calendar"}, []string{"default calendar"}},
	} {
		c.fails("", append([]string{"calendar"}, test.args...), test.parts...)
	}

	address, _ := c.serve()
	body := strings.Replace(webinar("a"), "LOCATION:Webinar\r\n", "", 1)
	if code, text := as(t, "anna", "s", "PUT", address+"/calendars/anna/team%20plans/a.ics", body); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	if n := len(s.account.State().Conferences); n != 1 {
		t.Errorf("the rule made %d conferences, want 1", n)
	}
	mails := func(want int) {
		soon(t, func() string {
			if got := len(s.mails.Messages()); got != want {
				return fmt.Sprintf("boris got %d mails, want %d", got, want)
			}
			return ""
		})
	}
	mails(1) // whoever was not invited yet is told of no cancellation
	wantLine(t, c.works("", "calendar", "remove", "anna/team plans"), "removed anna/team plans")
	mails(2)
	soon(t, func() string {
		if n := len(s.account.State().Conferences); n != 0 {
			return fmt.Sprintf("%d conferences stay", n)
		}
		return ""
	})
}

func TestCalendarRuleNeedsAProvider(t *testing.T) {
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	c.write("[mail]\nrelay = \"smtp://127.0.0.1:1\"\ndomains = [\"example.org\"]\n")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	c.fails("", []string{"calendar", "set", "anna/calendar", "--conference", "always"}, "there is no provider", "[[provider]]")
	c.works("", "calendar", "set", "anna/calendar", "--conference", "never")
}

const importFile = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//old//EN\nMETHOD:PUBLISH\nX-WR-CALNAME:Old\n" +
	"BEGIN:VTIMEZONE\nTZID:Here\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n" +
	"BEGIN:VTIMEZONE\nTZID:There\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE\n" +
	"BEGIN:VEVENT\nUID:weekly\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Here:20990105T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nSUMMARY:Long\n  folded\nLOCATION:Webinar\nEND:VEVENT\n" +
	"BEGIN:VEVENT\nUID:one/two\nDTSTAMP:20260101T000000Z\nDTSTART:20990105T100000Z\nSUMMARY:Plain\nATTENDEE:mailto:boris@example.org\nORGANIZER:mailto:anna@example.org\nEND:VEVENT\n" +
	"END:VCALENDAR\n" +
	"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//new//EN\n" +
	"BEGIN:VEVENT\nUID:weekly\nRECURRENCE-ID;TZID=Here:20990112T100000\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Here:20990112T120000\nSUMMARY:Later\nEND:VEVENT\n" +
	"BEGIN:VTODO\nUID:task\nDTSTAMP:20260101T000000Z\nSUMMARY:Task\nEND:VTODO\n" +
	"END:VCALENDAR\n"

func TestImport(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	file := filepath.Join(c.dir, "old.ics")
	if err := os.WriteFile(file, []byte(importFile), 0o600); err != nil {
		t.Fatal(err)
	}
	address, _ := c.serve()
	if out := c.works("", "import", "anna/calendar", file); out != "imported 3, were there already 0, refused 0\n" {
		t.Errorf("import prints %q", out)
	}
	if out := c.works("", "import", "anna/calendar", file); out != "imported 0, were there already 3, refused 0\n" {
		t.Errorf("a second import prints %q", out)
	}
	code, text := as(t, "anna", "s", "GET", address+"/calendars/anna/calendar/weekly.ics", "")
	if code != http.StatusOK {
		t.Fatalf("GET: %d", code)
	}
	for part, want := range map[string]int{"BEGIN:VEVENT\r\n": 2, "TZID:Here\r\n": 1, "TZID:There": 0, "METHOD": 0, "SUMMARY:Long\r\n  folded\r\n": 1, "LOCATION:Webinar\r\n": 1} {
		if got := strings.Count(text, part); got != want {
			t.Errorf("%q stands %d times, want %d, in\n%s", part, got, want, text)
		}
	}
	if out := c.works("", "why", "one/two"); !strings.Contains(out, "imported: no conference and no mail") {
		t.Errorf("why says\n%s", out)
	}
	if n, m := len(s.account.State().Conferences), len(s.mails.Messages()); n != 0 || m != 0 {
		t.Errorf("an import made %d conferences and %d mails", n, m)
	}

	bad := strings.Replace(importFile, "UID:task", "UID:task2\nATTENDEE;CN=\"open:mailto:x@example.org", 1)
	code, out, errText := c.do(bad, "import", "anna/calendar", "-")
	if code != 1 || out != "imported 0, were there already 2, refused 1\n" {
		t.Errorf("status %d, output %q", code, out)
	}
	wantLine(t, errText, "UID task2", "line ")
	for _, test := range []struct{ text, part string }{
		{"", "is it an iCalendar file"},
		{"hello\n", "line 1: this is not an iCalendar file"},
		{strings.TrimSuffix(importFile, "END:VCALENDAR\n"), "is it an iCalendar file, and whole?"},
		{"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR\n", "line 4: the VEVENT that ends here has no UID"},
		{"BEGIN:VCALENDAR\nEND:VEVENT\n", "line 2: END:VEVENT closes what was not begun"},
		{strings.Repeat("BEGIN:VCALENDAR\n", 100), "line 17: this is not"},
	} {
		c.fails(test.text, []string{"import", "anna/calendar", "-"}, test.part)
	}
}
