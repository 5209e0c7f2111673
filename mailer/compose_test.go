package mailer

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	testLink  = "https://my.mts-link.ru/j/1/2"
	testBlock = `----( Video Call )----\nMTS Link\n` + testLink + `\n+7 495 000-00-00\n---===---`
	testZone  = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE
`
	testEvent = `BEGIN:VEVENT
UID:u1
DTSTAMP:20261101T080000Z
SEQUENCE:1
SUMMARY:План на год <b>&\nВторая строка
DTSTART;TZID=Europe/Berlin:20261205T100000
DTEND;TZID=Europe/Berlin:20261205T113000
ORGANIZER;CN=Анна Ёлкина:mailto:anna@example.org
ATTENDEE;CN=Анна Ёлкина;PARTSTAT=ACCEPTED:mailto:anna@example.org
ATTENDEE;CN=Boris "B" Ivanov;LANGUAGE=@@;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:boris@example.com
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:vera@example.com
LOCATION:Room 5
DESCRIPTION:1. Бюджет\n2. <script>alert(1)</script>
END:VEVENT
`
)

func testObject(body string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Client//EN\r\n" + strings.ReplaceAll(testZone+body, "\n", "\r\n") + "END:VCALENDAR\r\n"
}

func testParse(t testing.TB, body string) *ical.Event {
	t.Helper()
	o, err := ical.Parse([]byte(testObject(body)), ical.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := ical.ParseEvent(o)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func withLink(body string) string {
	body = strings.Replace(body, "LOCATION:Room 5\n", `LOCATION:Room 5\; `+testLink+"\n", 1)
	body = strings.Replace(body, "\nEND:VEVENT", `\n\n`+testBlock+"\nURL:"+testLink+"\nCONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=MTS Link:"+testLink+"\nEND:VEVENT", 1)
	return body
}

var testNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// counter is a source of "randomness" that repeats.
type counter struct{ n byte }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		c.n++
		p[i] = c.n
	}
	return len(p), nil
}

func testSender(t *testing.T, domains ...string) *Sender {
	t.Helper()
	s, err := New(Options{
		Policy: change.Policy{ServiceDomain: "conference.example.org", AnswerBase: "https://conference.example.org/r/"}, Domains: domains, Relay: "smtp://127.0.0.1:1",
		Local: func(_ *store.Tx, address string) (*store.User, error) {
			if address == "vera@example.com" {
				return &store.User{Zone: "Asia/Omsk", Locale: "uk"}, nil
			}
			return nil, nil
		},
		Now: func() time.Time { return testNow }, Rand: &counter{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// A letterCase is one kind of mail, by what is known and what is now.
type letterCase struct {
	name     string
	old, now string // bodies, @@ in place of the language
	address  string
	present  func(p *change.Present)
	owed     func(t *testing.T, p *change.Present, o *owed) // replaces the difference of the views
	again    bool                                           // asked for, though nothing has changed
	previous string
}

func letterCases() []letterCase {
	ready := func(p *change.Present) { p.Link, p.Service, p.JoinURL = change.LinkReady, "MTS Link", testLink }
	moved := strings.NewReplacer("T100000", "T120000", "T113000", "T133000", "Room 5", "Room 7").Replace(testEvent)
	weekly := strings.Replace(testEvent, "LOCATION", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SA;UNTIL=20270305T100000Z\nLOCATION", 1)
	occurrence := strings.NewReplacer("DTSTART", "RECURRENCE-ID;TZID=Europe/Berlin:20261219T100000\nDTSTART", "20261205", "20261219", testLink, "https://my.mts-link.ru/j/3/4").Replace(withLink(testEvent))
	return []letterCase{
		{name: "request", now: withLink(testEvent), present: ready},
		{name: "request-without-link", now: testEvent, present: func(p *change.Present) { p.Link = change.LinkPending }},
		{name: "request-series", now: withLink(weekly), present: ready, address: "vera@example.com"},
		{name: "update", old: testEvent, now: withLink(moved), present: ready, previous: "before@conference.example.org"},
		{name: "update-link-removed", old: withLink(testEvent), now: testEvent, previous: "before@conference.example.org"},
		{name: "cancel", old: withLink(testEvent), present: func(p *change.Present) { p.Gone = true }, previous: "before@conference.example.org"},
		{name: "removed", old: testEvent, previous: "before@conference.example.org"},
		{name: "cancel-occurrence", old: weekly, now: strings.Replace(weekly, "LOCATION", "EXDATE;TZID=Europe/Berlin:20261219T100000\nLOCATION", 1), previous: "before@conference.example.org"},
		{name: "reply", owed: func(t *testing.T, p *change.Present, o *owed) {
			p.User = &store.User{Name: "Борис", Addresses: []string{"boris@example.com"}, Locale: "@@"}
			p.Event = testParse(t, strings.NewReplacer("LANGUAGE=@@;PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED", "ORGANIZER;", "ORGANIZER;LANGUAGE=@@;").Replace(testEvent))
			o.Address, o.Reply = "anna@example.org", true
			o.Answers = itip.DiffReply(nil, itip.ReplyView(p.Event, p.User.Addresses, nil, 0))
		}},
		{name: "note", owed: func(t *testing.T, p *change.Present, o *owed) {
			p.User.Locale, p.Link, p.Service = "@@", change.LinkRefused, "MTS Link"
			p.Event = testParse(t, testEvent)
			o.Address, o.Note = "anna@example.org", &notice{problem: "credentials"}
		}},
		{name: "again", now: withLink(testEvent), present: ready, again: true, previous: "before@conference.example.org"},
		{name: "request-own-links", now: withLink(weekly) + occurrence, present: ready},
		{name: "note-answers", owed: func(t *testing.T, p *change.Present, o *owed) {
			p.User.Locale, p.Event = "@@", testParse(t, weekly)
			o.Address, o.Note = "anna@example.org", &notice{said: []store.Answer{
				{Address: "boris@example.com", PartStat: "ACCEPTED", Comment: "I come\r\nBcc: later <b>"},
				{Address: "boris@example.com", RecurrenceID: "20261219T090000Z", PartStat: "DECLINED", Comment: "holidays"},
				{Address: "vera@example.com", PartStat: "TENTATIVE", Comment: "not sure"},
				{Address: "carl@example.com", PartStat: "NEEDS-ACTION", Comment: "who?"},
			}}
		}},
		{name: "note-proposal", owed: func(t *testing.T, p *change.Present, o *owed) {
			p.User.Locale, p.Event = "@@", testParse(t, weekly)
			at := time.Date(2026, 12, 10, 13, 0, 0, 0, time.UTC)
			o.Address, o.Note = "anna@example.org", &notice{said: []store.Answer{
				{Address: "boris@example.com", PartStat: "TENTATIVE", Start: at, End: at.Add(time.Hour), Comment: "after lunch"},
				{Address: "vera@example.com", RecurrenceID: "20261219T090000Z", PartStat: "DECLINED", Start: at.AddDate(0, 0, 10)},
			}}
		}},
		{name: "note-missed", owed: func(t *testing.T, p *change.Present, o *owed) {
			p.User.Locale, p.Event = "@@", testParse(t, testEvent)
			o.Address, o.Note = "anna@example.org", &notice{missed: []store.Delivery{
				{Address: "boris@example.com", Status: "3.7"}, {Address: "vera@example.com", Status: "5.3"}, {Address: "carl@example.com", Status: "5.1"},
			}}
		}},
		{name: "waiting", owed: func(t *testing.T, p *change.Present, o *owed) {
			p.User.Locale, p.Event = "@@", testParse(t, withLink(testEvent))
			o.Note, o.Delivery = &notice{place: methodWaiting}, &store.Delivery{Token: "known"}
		}, previous: "before@conference.example.org"},
		{name: "place", owed: func(t *testing.T, p *change.Present, o *owed) {
			ready(p)
			p.User.Locale, p.Event = "@@", testParse(t, withLink(weekly))
			o.Note, o.Delivery = &notice{place: methodPlace, occurrence: "20261219T090000Z"}, &store.Delivery{Token: "known"}
		}, previous: "before@conference.example.org"},
	}
}

// mailOf composes a case in a language.
func mailOf(t *testing.T, s *Sender, c letterCase, lang string) *store.Message {
	t.Helper()
	return mailSet(t, s, c, lang, &press{})
}

// mailSet is mailOf with a press that may have set others.
func mailSet(t *testing.T, s *Sender, c letterCase, lang string, types *press) *store.Message {
	t.Helper()
	in := func(body string) string { return strings.ReplaceAll(body, "@@", lang) }
	p := &change.Present{
		Row: &store.Event{ID: 1, Role: store.RoleOrganizer}, Zone: berlin(t), Link: change.LinkNone,
		User: &store.User{Name: "Anna", Addresses: []string{"anna@example.org"}, Locale: "en"},
	}
	if c.present != nil {
		c.present(p)
	}
	o := &owed{Address: c.address, Sequence: 2}
	if o.Address == "" {
		o.Address = "boris@example.com"
	}
	if c.owed != nil {
		c.owed(t, p, o)
		p.User.Locale = in(p.User.Locale)
		if bytes.Contains(p.Event.Object.Data, []byte("@@")) {
			p.Event = testParse(t, in(string(bytes.ReplaceAll(eventsOf(p.Event), []byte("\r\n"), []byte("\n")))))
		}
	} else {
		var old, now []byte
		if c.old != "" {
			old = itip.View(testParse(t, in(c.old)), o.Address)
		}
		if c.now != "" {
			p.Event = testParse(t, in(c.now))
			now = itip.View(p.Event, o.Address)
		}
		var err error
		if o.Message, err = itip.Diff(old, now); err != nil {
			t.Fatal(err)
		}
		if c.again {
			o.Message.First, o.Delivery = false, &store.Delivery{Token: "known"}
		}
	}
	local, err := s.local(nil, o.Address)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.message(p, o, c.previous, local, types)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// eventsOf are the VEVENTs of ev's object.
func eventsOf(ev *ical.Event) []byte {
	data := ev.Object.Data
	return data[bytes.Index(data, []byte("BEGIN:VEVENT")):bytes.Index(data, []byte("END:VCALENDAR"))]
}

func TestLetters(t *testing.T) {
	for _, c := range letterCases() {
		for _, lang := range []string{"en", "ru", "uk"} {
			if c.address == "vera@example.com" && lang != "uk" {
				continue // a local user's locale decides: the event names no language
			}
			t.Run(c.name+"-"+lang, func(t *testing.T) {
				s := testSender(t, "example.org", "example.com")
				m := mailOf(t, s, c, lang)
				again := mailOf(t, testSender(t, "example.org", "example.com"), c, lang)
				if !bytes.Equal(m.Body, again.Body) {
					t.Error("the same mail is composed differently the second time")
				}
				for i, line := range strings.Split(strings.TrimSuffix(string(m.Body), "\r\n"), "\r\n") {
					if len(line) > 998 || !ascii(strings.ReplaceAll(line, "\t", " ")) || strings.ContainsAny(line, "\r\n") {
						t.Errorf("line %d is not 7-bit clean or too long: %q", i+1, line)
					}
				}
				golden(t, c.name+"."+lang+".txt", tree(t, m.Body))
			})
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
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

// tree reads a mail with the standard library and writes it decoded.
func tree(t *testing.T, body []byte) []byte {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	var out bytes.Buffer
	var names []string
	for name := range m.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	decoder := new(mime.WordDecoder)
	for _, name := range names {
		for _, value := range m.Header[name] {
			text, err := decoder.DecodeHeader(value)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			fmt.Fprintf(&out, "%s: %s\n", name, text)
		}
	}
	writePart(t, &out, "", m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	return out.Bytes()
}

func writePart(t *testing.T, out *bytes.Buffer, depth, contentType, encoding, disposition string, r io.Reader) {
	t.Helper()
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("%q: %v", contentType, err)
	}
	fmt.Fprintf(out, "\n%s== %s %v %s %s\n", depth, media, params, encoding, disposition)
	if strings.HasPrefix(media, "multipart/") {
		mr := multipart.NewReader(r, params["boundary"])
		for {
			p, err := mr.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			writePart(t, out, depth+"  ", p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.Header.Get("Content-Disposition"), p)
		}
	}
	switch encoding {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if media == "text/calendar" || media == "application/ics" {
		if bytes.Contains(bytes.ReplaceAll(b, []byte("\r\n"), nil), []byte("\n")) {
			t.Errorf("%s has bare line ends", media)
		}
		o, err := ical.Parse(b, ical.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Root.Text("METHOD"); media == "text/calendar" && got != params["method"] {
			t.Errorf("METHOD is %s, the parameter says %s", got, params["method"])
		}
	}
	if media == "application/ics" {
		b = fmt.Appendf(nil, "(%d bytes)\n", len(b)) // the same as text/calendar
	}
	out.Write(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
}

func TestAttachmentIsTheInvitation(t *testing.T) {
	m := mailOf(t, testSender(t, "example.org"), letterCases()[0], "en")
	parts := bytes.Split(m.Body, []byte("Content-Transfer-Encoding: base64\r\n"))
	if len(parts) != 3 {
		t.Fatalf("got %d base64 parts, want 2", len(parts)-1)
	}
	content := func(b []byte) string {
		_, text, _ := bytes.Cut(b, []byte("\r\n\r\n"))
		text, _, _ = bytes.Cut(text, []byte("\r\n--"))
		return string(text)
	}
	if content(append([]byte("\r\n"), parts[1]...)) == "" || content(append([]byte("\r\n"), parts[1]...)) != content(append([]byte("\r\n"), parts[2]...)) {
		t.Error("text/calendar and the file differ")
	}
}

func TestSenderOutsideOurDomains(t *testing.T) {
	m := mailOf(t, testSender(t, "example.net"), letterCases()[0], "ru")
	if m.From != "joinery@conference.example.org" {
		t.Errorf("the envelope is from %s", m.From)
	}
	msg, err := mail.ReadMessage(bytes.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"From":     `"Анна Ёлкина через Joinery" <joinery@conference.example.org>`,
		"Sender":   `"Joinery" <joinery@conference.example.org>`,
		"Reply-To": `"Анна Ёлкина" <anna@example.org>`,
	} {
		list, err := msg.Header.AddressList(header)
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %v %v", header, list, err)
		}
		if got := fmt.Sprintf("%q <%s>", list[0].Name, list[0].Address); got != want {
			t.Errorf("%s is %s, want %s", header, got, want)
		}
	}
}

func TestHeadersCannotBeInjected(t *testing.T) {
	evil := strings.NewReplacer(
		"SUMMARY:План на год <b>&", `SUMMARY:A\nBcc: x@example.net\r\nX-Evil: 1`,
		"CN=Анна Ёлкина", "CN=\"Anna^nBcc: y@example.net\"",
		`CN=Boris "B" Ivanov`, "CN=\"Boris^n^nbody\"", "@@", "en",
	).Replace(testEvent)
	m := mailOf(t, testSender(t, "example.org"), letterCase{name: "evil", now: evil}, "en")
	msg, err := mail.ReadMessage(bytes.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Bcc", "X-Evil"} {
		if got := msg.Header.Get(name); got != "" {
			t.Errorf("%s: %s was injected", name, got)
		}
	}
	if list, err := msg.Header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != "boris@example.com" {
		t.Errorf("To is %v, %v", list, err)
	}
}
