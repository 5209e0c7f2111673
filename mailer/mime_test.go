package mailer

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"joinery/caldav/change"
)

// TestEveryMailIsReadByAnotherParser takes every kind of mail apart with the standard library, from an
// organiser in our domains and from one outside.
func TestEveryMailIsReadByAnotherParser(t *testing.T) {
	for _, c := range letterCases() {
		for _, lang := range []string{"en", "ru", "uk"} {
			for _, domain := range []string{"example.org", "example.net"} {
				t.Run(c.name+"-"+lang+"-"+domain, func(t *testing.T) {
					m := mailOf(t, testSender(t, domain), c, lang)
					checkLines(t, m.Body)
					msg, err := mail.ReadMessage(bytes.NewReader(m.Body))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := msg.Header.Date(); err != nil {
						t.Errorf("Date: %v", err)
					}
					for _, name := range []string{"From", "To"} {
						if list, err := msg.Header.AddressList(name); err != nil || len(list) != 1 {
							t.Errorf("%s: %v (%v)", name, list, err)
						}
					}
					want := []string{"text/plain", "text/html"}
					kind, parts := parts(t, msg.Header.Get("Content-Type"), msg.Body)
					if m.Method == "REQUEST" || m.Method == "CANCEL" || m.Method == "REPLY" {
						want = append(want, "text/calendar")
						if kind != "multipart/mixed" || len(parts) != 2 || parts[1].kind != "application/ics" {
							t.Fatalf("it is %s of %d", kind, len(parts))
						}
						file := parts[1].body
						kind, parts = partsOf(t, parts[0])
						if last := parts[len(parts)-1]; !bytes.Equal(last.body, file) {
							t.Error("the file is not the text/calendar part")
						}
					}
					if kind != "multipart/alternative" {
						t.Errorf("the letter is %s", kind)
					}
					var got []string
					for _, p := range parts {
						got = append(got, p.kind)
						if !strings.EqualFold(p.params["charset"], "utf-8") {
							t.Errorf("%s has charset %q", p.kind, p.params["charset"])
						}
					}
					if !slices.Equal(got, want) {
						t.Fatalf("the alternatives are %q, want %q", got, want)
					}
					if len(want) < 3 {
						return
					}
					p := parts[2]
					if p.params["method"] != m.Method || !bytes.Contains(p.body, []byte("\r\nMETHOD:"+m.Method+"\r\n")) {
						t.Errorf("the method is %q, the mail is a %s", p.params["method"], m.Method)
					}
					if bytes.Contains(bytes.ReplaceAll(p.body, []byte("\r\n"), nil), []byte("\n")) {
						t.Error("iCalendar has bare line ends")
					}
				})
			}
		}
	}
}

// checkLines holds a mail to 7 bits and CRLF, to RFC 5322's 998 octets, and bodies to RFC 2045's 76.
func checkLines(t *testing.T, body []byte) {
	t.Helper()
	text, ok := strings.CutSuffix(string(body), "\r\n")
	if !ok {
		t.Error("it does not end with a line end")
	}
	header := true
	for i, line := range strings.Split(text, "\r\n") {
		most := 76
		switch {
		case header, strings.HasPrefix(line, "--"), strings.HasPrefix(line, "Content-"), strings.HasPrefix(line, " "):
			most = 998
		}
		header = header && line != ""
		if len(line) > most || strings.ContainsAny(line, "\r\n\x00") || strings.IndexFunc(line, func(r rune) bool { return r > 126 }) >= 0 {
			t.Errorf("line %d: %q", i+1, line)
		}
	}
}

// A readPart is a part of a mail, decoded.
type readPart struct {
	kind   string
	params map[string]string
	body   []byte
	raw    string // Content-Type
}

func partsOf(t *testing.T, p readPart) (string, []readPart) {
	t.Helper()
	return parts(t, p.raw, bytes.NewReader(p.body))
}

func parts(t *testing.T, contentType string, r io.Reader) (kind string, out []readPart) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	mr := multipart.NewReader(r, params["boundary"])
	for {
		p, err := mr.NextRawPart()
		if err == io.EOF {
			return kind, out
		}
		if err != nil {
			t.Fatal(err)
		}
		one := readPart{raw: p.Header.Get("Content-Type")}
		if one.kind, one.params, err = mime.ParseMediaType(one.raw); err != nil {
			t.Fatal(err)
		}
		var body io.Reader = p
		switch encoding := p.Header.Get("Content-Transfer-Encoding"); encoding {
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, p)
		case "quoted-printable":
			body = quotedprintable.NewReader(p)
		case "":
		default:
			t.Errorf("%s is encoded as %s", one.kind, encoding)
		}
		if one.body, err = io.ReadAll(body); err != nil {
			t.Fatalf("%s: %v", one.kind, err)
		}
		out = append(out, one)
	}
}

// TestAnsweredWithoutACalendar reads when, where, who and the links in both forms of an invitation, as
// somebody whose mail program knows no calendars does.
func TestAnsweredWithoutACalendar(t *testing.T) {
	cases := letterCases()
	for _, c := range cases {
		m := mailOf(t, testSender(t, "example.org"), c, "en")
		msg, err := mail.ReadMessage(bytes.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		kind, letter := parts(t, msg.Header.Get("Content-Type"), msg.Body)
		if kind == "multipart/mixed" {
			_, letter = partsOf(t, letter[0])
		}
		for _, p := range letter[:2] {
			for _, answer := range []string{"accepted", "tentative", "declined"} {
				link := "?answer=" + answer
				if got := bytes.Contains(p.body, []byte(link)); got != (m.Method == "REQUEST") {
					t.Errorf("%s: %s of a %s has %s: %v", c.name, p.kind, m.Method, link, got)
				}
			}
			if c.name != "request" {
				continue
			}
			for _, want := range []string{"Saturday, 5 December 2026, 10:00–11:30", "Room 5", "anna@example.org", testLink} {
				if !bytes.Contains(p.body, []byte(want)) {
					t.Errorf("%s does not say %q", p.kind, want)
				}
			}
		}
	}
	s := testSender(t, "example.org")
	s.opts.Policy.AnswerBase = ""
	if m := mailOf(t, s, cases[0], "en"); bytes.Contains(m.Body, []byte("answer=3D")) || bytes.Contains(m.Body, []byte("Will you come")) {
		t.Error("without answer pages a letter leads to one")
	}
}

// A local user's own language goes before the one that the event says, and that before the organiser's.
func TestLanguageOfTheRecipient(t *testing.T) {
	c := letterCases()[0]
	for _, tt := range []struct{ address, param, want string }{
		{"vera@example.com", "en", "Запрошення"}, {"boris@example.com", "ru", "Приглашение"}, {"boris@example.com", "de", "Invitation"},
	} {
		body := strings.Replace(c.now, "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:vera", "ATTENDEE;LANGUAGE=@@:mailto:vera", 1)
		m := mailOf(t, testSender(t, "example.org"), letterCase{now: body, address: tt.address, present: func(p *change.Present) {}}, tt.param)
		msg, err := mail.ReadMessage(bytes.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		if err != nil || !strings.HasPrefix(got, tt.want+": ") {
			t.Errorf("%s in %s gets %q (%v), want %s", tt.address, tt.param, got, err, tt.want)
		}
	}
}
