package mailer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"joinery/store"
)

func TestParseIMAP(t *testing.T) {
	for address, want := range map[string]string{
		"imaps://answers@mail.example.org/INBOX":            "true mail.example.org mail.example.org:993 answers INBOX",
		"imaps://answers@example.org@mail.example.org":      "true mail.example.org mail.example.org:993 answers@example.org INBOX",
		"imap://answers@[::1]:1143/INBOX/Answers":           "false ::1 [::1]:1143 answers INBOX/Answers",
		"imap://a%2Fb@mail.example.org/%D0%9E%D1%82%D0%B2/": "false mail.example.org mail.example.org:143 a/b Отв",
		"pop3://answers@mail.example.org":                   "scheme must be",
		"imaps://mail.example.org":                          "user is missing",
		"imaps://answers@/INBOX":                            "host is missing",
		"imaps://answers:p4ss@mail.example.org/INBOX":       "password does not belong",
		"imaps://answers@mail.example.org/INBOX?x=1":        "nothing may stand",
		"imaps://answers@mail.example.org:imap/INBOX":       "not an address",
	} {
		a, err := ParseIMAP(address)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = strings.Join([]string{map[bool]string{true: "true", false: "false"}[a.Secure], a.Host, a.Server, a.User, a.Mailbox}, " ")
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
		if strings.Contains(got, "p4ss") {
			t.Errorf("%q holds a password", got)
		}
	}
}

// A fromAfar connection seems to come from another machine.
type fromAfar struct{ net.Conn }

func (fromAfar) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143} }

// TestIMAPCheck opens a mailbox over every kind of connection, over real ports.
func TestIMAPCheck(t *testing.T) {
	cert, pool := certificate(t)
	user := imapmemserver.NewUser("answers", "s3cret")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	memory := imapmemserver.New()
	memory.AddUser(user)
	st, err := store.Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "joinery.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	serve := func(startTLS, insecure, secure bool) string {
		o := &imapserver.Options{
			NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
				return memory.NewSession(), nil, nil
			},
			InsecureAuth: insecure, Logger: log.New(io.Discard, "", 0),
		}
		conf := &tls.Config{Certificates: []tls.Certificate{cert}}
		if startTLS {
			o.TLSConfig = conf
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if secure {
			l = tls.NewListener(l, conf)
		}
		s := imapserver.New(o)
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
		return l.Addr().String()
	}
	secure, starts, plain, shy := serve(false, true, true), serve(true, false, false), serve(false, true, false), serve(false, false, false)
	trusted := &tls.Config{RootCAs: pool}
	for name, test := range map[string]struct {
		address  string
		afar     bool // it does not seem to be this machine
		password string
		tls      *tls.Config
		ok       bool
		parts    []string // of detail and remedy
	}{
		"TLS":                   {address: "imaps://answers@" + secure, tls: trusted, ok: true, parts: []string{"logged in", "as answers", "INBOX has 0 mails", "none was looked at yet"}},
		"STARTTLS":              {address: "imap://answers@" + starts, afar: true, tls: trusted, ok: true, parts: []string{"logged in"}},
		"plain on this machine": {address: "imap://answers@" + plain, ok: true, parts: []string{"logged in"}},
		"no STARTTLS":           {address: "imap://answers@" + plain, afar: true, parts: []string{"STARTTLS", "use imaps://"}},
		"untrusted":             {address: "imaps://answers@" + secure, parts: []string{"certificate", "mail.ca_file"}},
		"untrusted by STARTTLS": {address: "imap://answers@" + starts, afar: true, parts: []string{"certificate", "Turn on STARTTLS"}},
		"no TLS there":          {address: "imaps://answers@" + plain, tls: trusted, parts: []string{"TLS", "use imap://"}},
		"wrong password":        {address: "imap://answers@" + plain, password: "0ther", parts: []string{"log in", "the login is refused", "mail.incoming.password"}},
		"no login without TLS":  {address: "imap://answers@" + shy, parts: []string{"log in", "takes no password", "let the server take passwords"}},
		"another mailbox":       {address: "imap://answers@" + plain + "/Answers", parts: []string{"open the mailbox", "Correct the mailbox"}},
		"nobody there":          {address: "imap://answers@127.0.0.1:1", parts: []string{"refused", "Correct host and port"}},
	} {
		t.Run(name, func(t *testing.T) {
			if test.password == "" {
				test.password = "s3cret"
			}
			m, err := NewIMAP(IMAPOptions{Address: test.address, Password: test.password, TLS: test.tls, Store: st})
			if err != nil {
				t.Fatal(err)
			}
			if test.afar {
				dial := m.dial
				m.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					c, err := dial(ctx, network, address)
					return fromAfar{c}, err
				}
			}
			for _, f := range m.Check(context.Background()) {
				text := f.Detail + " " + f.Remedy
				if f.OK != test.ok {
					t.Errorf("it is %v: %s", f.OK, text)
				}
				for _, part := range test.parts {
					if !strings.Contains(text, part) {
						t.Errorf("%q is not in %q", part, text)
					}
				}
				if strings.Contains(text, test.password) {
					t.Errorf("%q holds the password", text)
				}
			}
		})
	}
}

// TestIMAPLoginIsNotRepeated has a server whose refusal repeats what it was told.
func TestIMAPLoginIsNotRepeated(t *testing.T) {
	err := refusal(&imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeAuthenticationFailed, Text: "no such password: s3cret"})
	if got := err.Error(); strings.Contains(got, "s3cret") || !strings.Contains(got, "AUTHENTICATIONFAILED") {
		t.Errorf("it says %q", got)
	}
	if err := refusal(io.EOF); !errors.Is(err, io.EOF) {
		t.Errorf("another fault becomes %v", err)
	}
}

func TestMayAnswer(t *testing.T) {
	part := func(typ, disposition string) string {
		if disposition != "" {
			disposition = "Content-Disposition: " + disposition + "\r\n"
		}
		return "Content-Type: " + typ + "\r\n" + disposition + "\r\ntext\r\n"
	}
	multi := func(typ string, parts ...string) string {
		return "Content-Type: " + typ + "; boundary=b\r\n\r\n--b\r\n" + strings.Join(parts, "--b\r\n") + "--b--\r\n"
	}
	text := part("text/plain", "")
	for name, test := range map[string]struct {
		mail string
		may  bool
	}{
		"letter":             {text, false},
		"letter and picture": {multi("multipart/mixed", text, part("image/png; name=a.png", "")), false},
		"calendar alone":     {part("text/calendar; method=REPLY", ""), true},
		"among alternatives": {multi("multipart/mixed", multi("multipart/alternative", text, part("TEXT/Calendar", ""))), true},
		"application/ics":    {multi("multipart/mixed", text, part("application/ics", "")), true},
		"file by its name":   {multi("multipart/mixed", text, part("application/octet-stream; name=\"Invite.ICS\"", "")), true},
		"by its disposition": {multi("multipart/mixed", text, part("application/octet-stream", "attachment; filename=invite.ics")), true},
		"by RFC 2231":        {multi("multipart/mixed", text, part("application/octet-stream", "attachment; filename*=utf-8''%D0%B0.ics")), true},
		"another file":       {multi("multipart/mixed", text, part("application/octet-stream", "attachment; filename=a.pdf")), false},
		"report":             {multi("multipart/report; report-type=delivery-status", text, part("message/delivery-status", "")), true},
		"forwarded":          {multi("multipart/mixed", text, "Content-Type: message/rfc822\r\n\r\n"+part("text/calendar", "")), false},
	} {
		if got := mayAnswer(imapserver.ExtractBodyStructure(strings.NewReader(test.mail))); got != test.may {
			t.Errorf("%s: %v, want %v", name, got, test.may)
		}
	}
	if !mayNameCalendar(map[string]string{"filename": "=?koi8-r?B?9M7X?="}) {
		t.Error("a file whose name cannot be read is passed over")
	}
	if !mayAnswer(nil) {
		t.Error("a mail whose structure is unknown is passed over")
	}
}

func TestReturnPath(t *testing.T) {
	for mail, want := range map[string]string{
		"Return-Path: <vera@example.net>\r\nFrom: x\r\n\r\n":              "vera@example.net",
		"Delivered-To: a@example.org\r\nreturn-path:vera@example.net\r\n": "vera@example.net",
		"Return-Path: <>\r\nFrom: x\r\n\r\n":                              "",
		"From: x\r\n\r\nReturn-Path: <vera@example.net>\r\n":              "",
		"": "",
	} {
		r := bufio.NewReader(strings.NewReader(mail))
		if got := returnPath(r); got != want {
			t.Errorf("%q: %q, want %q", mail, got, want)
		}
		if rest, _ := io.ReadAll(r); string(rest) != mail {
			t.Errorf("of %q only %q is left", mail, rest)
		}
	}
}
