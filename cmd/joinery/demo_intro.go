package main

import (
	"fmt"
	"io"
	"net"
	"text/template"
	"time"
)

// demoIntro is what the demo prints at its start.
type demoIntro struct {
	URL      string // of the server
	Host     string // the same without scheme
	Emulator string
	Config   string
	Program  string // how this program is called
	Now      time.Time
	Start    time.Time // of the event that the curl line makes
}

var demoText = template.Must(template.New("demo").Parse(`Joinery's demo runs; Ctrl-C ends it. Nothing leaves this machine.

listening on {{.URL}}

  Users        anna (anna@example.org) and boris (boris@example.org), password: demo
  Mail         {{.URL}}/demo/mail (every mail that was sent)
  MTS Link     {{.Emulator}}/ (the emulated account with its conferences)

Connect a calendar client as anna:

  Thunderbird     New Calendar > On the Network; user name anna, location {{.URL}}/
  Apple Calendar  Add Account > Other CalDAV Account > Advanced; user name anna, password demo,
                  server address {{.AppleHost}}, server path /principals/anna/, port {{.Port}}, no SSL
  Evolution       New > Calendar, type CalDAV; URL {{.URL}}/calendars/anna/calendar/, user anna

Then make an event with the location "Webinar" and invite boris@example.org. Or do it here; the
event is on {{.Day}}:

  {{.Curl}}

Let it repeat, and only its next meeting is reserved, behind a link that stays: end that meeting at
MTS Link, and the one after it is there.

See what came of it, and delete it again:

  curl -sS -u anna:demo {{.Event}}
  curl -sS -u boris:demo {{.URL}}/calendars/boris/calendar/demo-1.ics
  {{.Program}} why demo-1 --config {{.Config}}
  curl -isS -u anna:demo -X DELETE {{.Event}}
`))

func (d demoIntro) print(w io.Writer) error {
	if err := demoText.Execute(w, d); err != nil {
		return fmt.Errorf("print what to do: %w", err)
	}
	return nil
}

// Event is the address of the event that Curl makes.
func (d demoIntro) Event() string { return d.URL + "/calendars/anna/calendar/demo-1.ics" }

// Day is when that event is, for people.
func (d demoIntro) Day() string { return d.Start.Format("Monday, 2 January 2006, 15:04 MST") }

// Curl is a line for any POSIX shell: printf, because calendar data wants CR LF.
func (d demoIntro) Curl() string {
	const stamp = "20060102T150405Z"
	data := `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//joinery//demo//EN\r\nBEGIN:VEVENT\r\nUID:demo-1\r\n` +
		`DTSTAMP:` + d.Now.UTC().Format(stamp) +
		`\r\nDTSTART:` + d.Start.UTC().Format(stamp) + `\r\nDTEND:` + d.Start.Add(time.Hour).UTC().Format(stamp) +
		`\r\nSUMMARY:Demo\r\nLOCATION:Webinar\r\nORGANIZER;CN=Anna Petrova:mailto:anna@example.org\r\n` +
		`ATTENDEE;CN=Anna Petrova;PARTSTAT=ACCEPTED:mailto:anna@example.org\r\n` +
		`ATTENDEE;CN=Boris Orlov;RSVP=TRUE:mailto:boris@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`
	return "printf '" + data + "' | curl -isS -u anna:demo -H 'Content-Type: text/calendar' -T - " + d.Event()
}

// AppleHost and Port are the parts of Host.
func (d demoIntro) AppleHost() string { host, _ := splitHost(d.Host); return host }

// Port is the port of Host.
func (d demoIntro) Port() string { _, port := splitHost(d.Host); return port }

// nextWorkday is the next day from Monday to Friday after now, at 10:00 in zone.
func nextWorkday(now time.Time, zone string) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	now = now.In(loc)
	t := time.Date(now.Year(), now.Month(), now.Day()+1, 10, 0, 0, 0, loc)
	for t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

func splitHost(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address, ""
	}
	return host, port
}
