package itip

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
)

var update = flag.Bool("update", false, "write the golden files")

const zone = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
`

// One event, and one instance of it, of the people that most cases are about.
const (
	single = `BEGIN:VEVENT
UID:u1
DTSTAMP:20261101T080000Z
SEQUENCE:2
SUMMARY:Planning
DTSTART;TZID=Europe/Berlin:20261205T100000
DTEND;TZID=Europe/Berlin:20261205T110000
ORGANIZER;CN=Anna:mailto:anna@example.org
ATTENDEE;CN=Anna;PARTSTAT=ACCEPTED:mailto:anna@example.org
ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:boris@example.org
LOCATION:Room 5
DESCRIPTION:Agenda
END:VEVENT
`
	instance12 = `BEGIN:VEVENT
UID:u1
RECURRENCE-ID;TZID=Europe/Berlin:20261212T100000
DTSTAMP:20261101T080000Z
SEQUENCE:2
SUMMARY:Planning
DTSTART;TZID=Europe/Berlin:20261212T100000
DTEND;TZID=Europe/Berlin:20261212T110000
ORGANIZER;CN=Anna:mailto:anna@example.org
ATTENDEE;CN=Anna;PARTSTAT=ACCEPTED:mailto:anna@example.org
ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:boris@example.org
LOCATION:Room 5
DESCRIPTION:Agenda
END:VEVENT
`
	boris = "ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:boris@example.org\n"
	vera  = "ATTENDEE;CN=Vera;PARTSTAT=NEEDS-ACTION:mailto:vera@example.com\n"
	block = `----( Video Call )----\nMTS Link\nhttps://my.mts-link.ru/1/2\n+7 495 000-00-00\n---===---`
	link  = "https://my.mts-link.ru/1/2"
)

// edit applies pairs of old and new text, each of which must be there.
func edit(t *testing.T, s string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			t.Fatalf("%q is not in\n%s", pairs[i], s)
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	return s
}

func add(t *testing.T, s, lines string) string {
	t.Helper()
	return edit(t, s, "END:VEVENT\n", lines+"END:VEVENT\n")
}

func event(t *testing.T, body string) *ical.Event {
	t.Helper()
	text := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example//Client//EN\nX-WR-CALNAME:Private\n" + zone + body + "END:VCALENDAR\n"
	o, err := ical.Parse([]byte(strings.ReplaceAll(text, "\n", "\r\n")), ical.Limits{})
	if err != nil {
		t.Fatalf("parsing: %v\n%s", err, text)
	}
	ev, err := ical.ParseEvent(o)
	if err != nil {
		t.Fatalf("reading: %v\n%s", err, text)
	}
	return ev
}

var dtstamp = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// golden compares got with testdata/NAME.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it); got:\n%s", path, got)
	}
}

// series is single, weekly; the 12th is its second instance.
func series(t *testing.T) string {
	return edit(t, single, "SUMMARY:Planning\n", "SUMMARY:Planning\nRRULE:FREQ=WEEKLY;COUNT=10\n")
}

func TestDiff(t *testing.T) {
	weekly := series(t)
	withLink := edit(t, single, "LOCATION:Room 5", "LOCATION:Room 5\\; "+link, "DESCRIPTION:Agenda", `DESCRIPTION:Agenda\n\n`+block) +
		""
	withLink = add(t, withLink, "URL:"+link+"\nCONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=MTS Link:"+link+"\nX-JOINERY-BOOKING;X-GENERATION=1:abc\n")
	moved := edit(t, instance12, "DTSTART;TZID=Europe/Berlin:20261212T100000", "DTSTART;TZID=Europe/Berlin:20261212T150000", "DTEND;TZID=Europe/Berlin:20261212T110000", "DTEND;TZID=Europe/Berlin:20261212T160000")
	instance19 := strings.ReplaceAll(instance12, "20261212", "20261219")
	off12 := "EXDATE;TZID=Europe/Berlin:20261212T100000\n"

	tests := []struct {
		name     string
		old, now string // bodies; empty: no event
		address  string // boris@example.org if empty
		want     string // method and kinds of changes
	}{
		{"new", "", single, "", "REQUEST first"},
		{"new-not-invited", "", edit(t, single, boris, ""), "", ""},
		{"unchanged", single, single, "", ""},
		{"deleted", single, "", "", "CANCEL"},
		{"cancelled", single, add(t, single, "STATUS:CANCELLED\n"), "", "CANCEL"},
		{"removed", single, edit(t, single, boris, ""), "", "CANCEL"},
		{"invited-again", add(t, single, "STATUS:CANCELLED\n"), single, "", "REQUEST first"},
		{"other-removed", add(t, single, vera), single, "", "REQUEST people"},
		{"other-added", single, add(t, single, vera), "", "REQUEST people"},
		{"added-is-told", single, add(t, single, vera), "vera@example.com", "REQUEST first"},
		{"moved", single, edit(t, single, "T100000", "T120000", "T110000", "T130000"), "", "REQUEST time"},
		{"longer", single, edit(t, single, "20261205T110000", "20261205T120000"), "", "REQUEST time"},
		{"longer-by-duration", single, edit(t, single, "DTEND;TZID=Europe/Berlin:20261205T110000", "DURATION:PT2H"), "", "REQUEST time"},
		{"same-by-duration", single, edit(t, single, "DTEND;TZID=Europe/Berlin:20261205T110000", "DURATION:PT1H"), "", ""},
		{"all-day", single, edit(t, single, "DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART;VALUE=DATE:20261205", "DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND;VALUE=DATE:20261206"), "", "REQUEST time"},
		{"same-instant-in-utc", single, edit(t, single, "DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART:20261205T090000Z", "DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND:20261205T100000Z"), "", ""},
		{"renamed", single, edit(t, single, "SUMMARY:Planning", "SUMMARY:Planning\\, again"), "", "REQUEST title"},
		{"relocated", single, edit(t, single, "Room 5", "Room 7"), "", "REQUEST location"},
		{"described", single, edit(t, single, "Agenda", "Agenda\\n1. Money"), "", "REQUEST description"},
		{"re-wrapped", edit(t, single, "Agenda", "Agenda of today"), edit(t, single, "Agenda", "Agenda\\nof today \\n"), "", ""},
		{"attached", single, add(t, single, "ATTACH:https://example.org/a.pdf\n"), "", "REQUEST attachments"},
		{"page", single, add(t, single, "URL:https://example.org/\n"), "", "REQUEST page"},
		{"tentative", single, add(t, single, "STATUS:TENTATIVE\n"), "", "REQUEST status"},
		{"confirmed", single, add(t, single, "STATUS:CONFIRMED\n"), "", ""},
		{"link-arrives", single, withLink, "", "REQUEST link"},
		{"link-for-word", edit(t, single, "Room 5", "Webinar"), edit(t, withLink, "Room 5\\; ", ""), "", "REQUEST link"},
		{"link-rotated", withLink, strings.ReplaceAll(withLink, "/1/2", "/1/3"), "", "REQUEST link"},
		{"link-removed", withLink, single, "", "REQUEST link"},
		{"dial-in-changed", withLink, edit(t, withLink, "+7 495 000-00-00", "+7 495 000-00-01"), "", "REQUEST link"},
		{"label-changed", withLink, edit(t, withLink, "LABEL=MTS Link", "LABEL=MTS Link 2"), "", ""},
		{"alarm", single, add(t, single, "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM\n"), "", ""},
		{"failure-is-the-organiser's", single, add(t, edit(t, single, "Agenda", `Agenda\n\n----( Video Call )----\nMTS Link\nYour account is not confirmed\n---===---`), "X-JOINERY-STATE;X-REASON=owner:failed\n"), "", ""},
		{"private", single, add(t, single, "X-MOZ-GENERATION:3\nX-JOINERY-STATE:ready\nLAST-MODIFIED:20261121T080000Z\n"), "", ""},
		{"sequence-alone", single, edit(t, single, "SEQUENCE:2", "SEQUENCE:3", "20261101", "20261102"), "", ""},
		{"partstat-of-other", add(t, single, vera), add(t, single, edit(t, vera, "NEEDS-ACTION", "ACCEPTED")), "", ""},
		{"own-partstat", single, edit(t, single, "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN=Boris;PARTSTAT=DECLINED;SCHEDULE-STATUS=2.0"), "", ""},
		{"role-of-other", add(t, single, vera), add(t, single, edit(t, vera, "CN=Vera", "ROLE=CHAIR;CN=Vera P.")), "", ""},
		{"agent-client", "", edit(t, single, "CN=Boris", "SCHEDULE-AGENT=CLIENT;CN=Boris"), "", ""},
		{"agent-unknown", "", edit(t, single, "CN=Boris", "SCHEDULE-AGENT=X-ROBOT;CN=Boris"), "", ""},
		{"agent-to-client", single, edit(t, single, "CN=Boris", "SCHEDULE-AGENT=CLIENT;CN=Boris"), "", "CANCEL"},
		{"agent-to-none", single, edit(t, single, "CN=Boris", "SCHEDULE-AGENT=NONE;CN=Boris"), "", "CANCEL"},
		{"agent-to-server", edit(t, single, "CN=Boris", "SCHEDULE-AGENT=NONE;CN=Boris"), edit(t, single, "CN=Boris", "SCHEDULE-AGENT=SERVER;CN=Boris"), "", "REQUEST first"},
		{"address-case", edit(t, single, "mailto:boris@example.org", "MAILTO:Boris@Example.org"), single, "", ""},

		{"series-new", "", weekly + moved, "", "REQUEST first"},
		{"series-rule", weekly, edit(t, weekly, "COUNT=10", "COUNT=5"), "", "REQUEST repetition"},
		{"series-rule-respelt", weekly, edit(t, weekly, "FREQ=WEEKLY;COUNT=10", "COUNT=10;INTERVAL=1;FREQ=WEEKLY"), "", ""},
		{"series-zone", weekly, strings.ReplaceAll(weekly, "TZID=Europe/Berlin", "TZID=Europe/Paris"), "", "REQUEST time"},
		{"series-rdate", weekly, add(t, weekly, "RDATE;TZID=Europe/Berlin:20261206T100000\n"), "", "REQUEST repetition"},
		{"series-renamed-with-instance", weekly + moved, strings.ReplaceAll(weekly+moved, "Planning", "Review"), "", "REQUEST title"},
		{"series-shifted", weekly + moved, strings.ReplaceAll(edit(t, weekly, "20261205T100000", "20261205T103000"), "20261205T110000", "20261205T113000"), "", "REQUEST time"},
		{"instance-moved", weekly, weekly + moved, "", "REQUEST time"},
		{"instance-moved-back", weekly + moved, weekly, "", "REQUEST time"},
		{"instance-untouched", weekly, weekly + instance12, "", ""},
		{"instance-alarm", weekly, weekly + add(t, instance12, "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM\n"), "", ""},
		{"instance-renamed", weekly, weekly + edit(t, instance12, "Planning", "Review"), "", "REQUEST title"},
		{"instance-excluded", weekly, add(t, weekly, off12), "", "CANCEL cancelled"},
		{"instance-cancelled", weekly, weekly + add(t, instance12, "STATUS:CANCELLED\n"), "", "CANCEL cancelled"},
		{"instance-moved-then-excluded", weekly + moved, add(t, weekly, off12), "", "CANCEL cancelled"},
		{"no-instance-excluded", weekly, add(t, weekly, "EXDATE;TZID=Europe/Berlin:20261213T100000\n"), "", ""},
		{"instance-and-none-excluded", weekly, add(t, weekly, off12+"EXDATE;TZID=Europe/Berlin:20261213T100000\n"), "", "CANCEL cancelled"},
		{"first-instance-excluded", weekly, add(t, weekly, "EXDATE;TZID=Europe/Berlin:20261205T100000\n"), "", "CANCEL cancelled"},
		{"instance-reinstated", add(t, weekly, off12), weekly, "", "REQUEST repetition"},
		{"instance-off-and-renamed", weekly, add(t, edit(t, weekly, "Planning", "Review"), off12), "", "REQUEST title cancelled"},
		{"instances-excluded-utc", weekly, add(t, weekly, "EXDATE:20261212T090000Z,20261219T090000Z\n"), "", "CANCEL cancelled cancelled"},
		{"instance-without-me", weekly, weekly + edit(t, instance12, boris, ""), "", "CANCEL cancelled"},
		{"new-without-instance", "", weekly + edit(t, instance12, boris, ""), "", "REQUEST first"},
		{"only-instance", "", edit(t, weekly, boris, "") + instance12, "", "REQUEST first"},
		{"only-instance-of-two", "", edit(t, weekly, boris, "") + instance12 + edit(t, instance19, boris, ""), "", "REQUEST first"},
		{"only-instance-moved", edit(t, weekly, boris, "") + instance12, edit(t, weekly, boris, "") + moved, "", "REQUEST time"},
		{"only-instance-gone", edit(t, weekly, boris, "") + instance12, edit(t, weekly, boris, ""), "", "CANCEL"},
		{"only-instances-one-gone", edit(t, weekly, boris, "") + instance12 + instance19, edit(t, weekly, boris, "") + instance19, "", "CANCEL cancelled"},
		{"only-instances-one-added", edit(t, weekly, boris, "") + instance12, edit(t, weekly, boris, "") + instance12 + instance19, "", "REQUEST added"},
		{"only-instance-then-series", edit(t, weekly, boris, "") + instance12, weekly, "", "REQUEST first"},
		{"series-then-only-instance", weekly, edit(t, weekly, boris, "") + instance12, "", "CANCEL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := tt.address
			if address == "" {
				address = "boris@example.org"
			}
			var old, now []byte
			if tt.old != "" {
				old = View(event(t, tt.old), address)
			}
			if tt.now != "" {
				now = View(event(t, tt.now), address)
			}
			m, err := Diff(old, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(m); got != tt.want {
				t.Errorf("got %q, want %q\nold:\n%s\nnow:\n%s", got, tt.want, old, now)
			}
			if m == nil {
				return
			}
			golden(t, "diff/"+tt.name+".ics", render(t, m, address))
			// What is told leads to the view that was aimed at, in two steps at most.
			for range 2 {
				if m == nil {
					break
				}
				if m, err = Diff(m.View, now); err != nil {
					t.Fatal(err)
				}
			}
			if m != nil {
				t.Errorf("there is still something to tell: %s", describe(m))
			}
		})
	}
}

func describe(m *Message) string {
	if m == nil {
		return ""
	}
	s := m.Method
	if m.First {
		s += " first"
	}
	for _, c := range m.Changes {
		s += " " + string(c.Kind)
	}
	return s
}

// render makes the message's bytes with SEQUENCE 2 sent before, without the zone, which is the same
// in all of them.
func render(t *testing.T, m *Message, address string) []byte {
	t.Helper()
	n := Sequence(m, 2, 2, 2, !m.First)
	out, err := m.Calendar(address, n, dtstamp)
	if err != nil {
		t.Fatal(err)
	}
	o, err := ical.Parse(out, ical.Limits{})
	if err != nil {
		t.Fatalf("the message cannot be read: %v\n%s", err, out)
	}
	if got := len(o.Root.All("METHOD")); got != 1 {
		t.Errorf("%d METHOD lines, want 1", got)
	}
	for _, want := range []string{"SCHEDULE-", "VALARM", "X-JOINERY", "X-MOZ", "X-WR"} {
		if bytes.Contains(out, []byte(want)) {
			t.Errorf("%s is in the message:\n%s", want, out)
		}
	}
	return bytes.ReplaceAll(out, []byte(strings.ReplaceAll(zone, "\n", "\r\n")), nil)
}

func TestViewKeepsForeignBytes(t *testing.T) {
	body := edit(t, single, "LOCATION:Room 5\n", "LOCATION;LANGUAGE=de:Raum f\n ünf\nCOLOR:red\nX-ALT-DESC;FMTTYPE=text/html:<p>Agenda</p>\nGEO:1;2\n")
	got := string(View(event(t, body), "boris@example.org"))
	for _, want := range []string{"LOCATION;LANGUAGE=de:Raum f\r\n ünf\r\n", "COLOR:red\r\n", "X-ALT-DESC;FMTTYPE=text/html:<p>Agenda</p>\r\n", "GEO:1;2\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "X-WR-CALNAME") {
		t.Errorf("the calendar's name is in\n%s", got)
	}
}

func TestViewOfAnInstanceHasItsOrganizer(t *testing.T) {
	alone := edit(t, instance12, "ORGANIZER;CN=Anna:mailto:anna@example.org\n", "")
	body := edit(t, series(t), boris, "", "ORGANIZER;CN=Anna", "ORGANIZER;SCHEDULE-STATUS=1.1;CN=Anna") + alone
	got := string(View(event(t, body), "boris@example.org"))
	if strings.Count(got, "\r\nORGANIZER;CN=Anna:mailto:anna@example.org\r\n") != 1 {
		t.Errorf("the instance has no organiser:\n%s", got)
	}
}

func TestViewHasTheZonesInUse(t *testing.T) {
	other := strings.ReplaceAll(zone, "Europe/Berlin", "Europe/Paris")
	got := string(View(event(t, other+single), "boris@example.org"))
	if strings.Contains(got, "TZID:Europe/Paris") || !strings.Contains(got, "TZID:Europe/Berlin") {
		t.Errorf("got zones in\n%s", got)
	}
}

func TestSequence(t *testing.T) {
	request := &Message{Method: MethodRequest}
	moved := &Message{Method: MethodRequest, Rescheduled: true}
	first := &Message{Method: MethodRequest, First: true}
	cancel := &Message{Method: MethodCancel, Rescheduled: true}
	tests := []struct {
		name              string
		m                 *Message
		event, sent, last int
		told              bool
		want              int
	}{
		{"first", first, 0, 0, 0, false, 0},
		{"first, others were sent more", first, 0, 3, 0, false, 3},
		{"update of text", request, 0, 0, 0, true, 0},
		{"the client raised it", moved, 1, 0, 0, true, 1},
		{"the client forgot it", moved, 0, 0, 0, true, 1},
		{"the client is behind what was sent", moved, 1, 4, 4, true, 5},
		{"somebody else was told already", moved, 0, 1, 0, true, 1},
		{"cancel", cancel, 2, 2, 2, true, 3},
		{"cancel that the client raised", cancel, 3, 2, 2, true, 3},
		{"invited again", first, 2, 3, 3, true, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Sequence(tt.m, tt.event, tt.sent, tt.last, tt.told); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestRecipients(t *testing.T) {
	body := add(t, single, vera+
		"ATTENDEE;CUTYPE=ROOM:mailto:room@rooms.example.com\n"+
		"ATTENDEE;CUTYPE=RESOURCE:mailto:webinar@conference.example.org\n"+
		"ATTENDEE:urn:uuid:1\nATTENDEE:https://example.org/a@b\n"+
		"ATTENDEE:mailto:anna.alias@example.org\n"+
		"ATTENDEE:mailto:a%20b@example.com\nATTENDEE:mailto:nobody\n"+
		"ATTENDEE;EMAIL=petra@example.com:urn:uuid:2\n"+
		"ATTENDEE;SCHEDULE-AGENT=NONE:mailto:none@example.com\n"+
		"ATTENDEE:MAILTO:BORIS@example.org\n")
	skip := func(a ical.Attendee) bool { return strings.HasSuffix(a.Address, "@conference.example.org") }
	got := strings.Join(Recipients(event(t, body), []string{"anna@example.org", "anna.alias@example.org"}, skip), " ")
	if want := "boris@example.org vera@example.com room@rooms.example.com petra@example.com"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := Recipients(event(t, edit(t, single, "ORGANIZER;CN=Anna:mailto:anna@example.org\n", "")), nil, nil); got != nil {
		t.Errorf("without ORGANIZER: got %v, want none", got)
	}
}

func TestEnded(t *testing.T) {
	view := View(event(t, single), "boris@example.org")
	for _, tt := range []struct {
		now  string
		want bool
	}{{"2026-12-05T09:59:59Z", false}, {"2026-12-05T10:00:00Z", true}} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := NewKnown(view).Ended(now, time.UTC); got != tt.want {
			t.Errorf("at %s: got %v, want %v", tt.now, got, tt.want)
		}
	}
	if !NewKnown(nil).Ended(dtstamp, time.UTC) {
		t.Error("nothing has not ended")
	}
}

func TestPast(t *testing.T) {
	weekly := series(t)
	off := add(t, weekly, "EXDATE;TZID=Europe/Berlin:20261212T100000\n")
	m, err := Diff(View(event(t, weekly), "boris@example.org"), View(event(t, off), "boris@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2026, 12, 12, 10, 0, 0, 0, time.UTC)
	if m.Past(end.Add(-time.Second), time.UTC) || !m.Past(end, time.UTC) {
		t.Error("an instance is past from its end on")
	}
	if m, err = Diff(View(event(t, weekly), "boris@example.org"), nil); err != nil || m.Past(end.AddDate(9, 0, 0), time.UTC) {
		t.Errorf("a whole event is not an instance (%v)", err)
	}
}

func TestJoining(t *testing.T) {
	body := edit(t, single, "Agenda", `Agenda\n\n`+block+`\n\nMore`, "Room 5", "Room 5\\, "+link)
	v := event(t, body).Master
	j := JoiningOf(v)
	got := fmt.Sprintf("%s|%s|%s|%s|%s", j.Link, j.Label, j.Details, Place(v), Agenda(v))
	if want := link + "|MTS Link|+7 495 000-00-00|Room 5|Agenda\n\nMore"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
