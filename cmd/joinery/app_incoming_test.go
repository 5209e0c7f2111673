package main

import (
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-smtp"
)

// replyMail is vera's answer to webinar, vouched for by mx.example.org.
func replyMail(uid, id string) string {
	return strings.Join([]string{"Authentication-Results: mx.example.org; dmarc=pass header.from=example.net",
		"From: Vera <vera@example.net>", "To: anna@example.org", "Subject: Accepted", "Message-ID: <" + id + ">", "MIME-Version: 1.0",
		"Content-Type: text/calendar; charset=utf-8; method=REPLY", "", "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "METHOD:REPLY",
		"BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:" + time.Now().UTC().Format("20060102T150405Z"), "SEQUENCE:0", "ORGANIZER:mailto:anna@example.org",
		"ATTENDEE;PARTSTAT=ACCEPTED:mailto:vera@example.net", "END:VEVENT", "END:VCALENDAR", ""}, "\r\n")
}

// withVera is webinar with vera from outside.
func withVera(uid string) string {
	return strings.Replace(webinar(uid), "boris@example.org", "vera@example.net", 1)
}

// veraAccepts tells whether vera's answer stands in an event.
func veraAccepts(event string) bool {
	return regexp.MustCompile(`ATTENDEE;[^:]*PARTSTAT=ACCEPTED[^:]*:mailto:vera@example.net`).MatchString(strings.ReplaceAll(event, "\r\n ", ""))
}

// socketDir is a folder whose path is short enough for a socket.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "joinery")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestServeTakesAnswersByLMTP hands an answer over as a mail server does.
func TestServeTakesAnswersByLMTP(t *testing.T) {
	s := startServices(t)
	socket := filepath.Join(socketDir(t), "lmtp")
	c := newCommandLine(t, s.relay, s.host, "[mail.incoming]\nlmtp = \"unix:"+socket+"\"\ntrust = [\"mx.example.org\"]\n")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	if l := doctorLines(t, c.says("doctor"))["warn mail answers, LMTP"]; !strings.Contains(l, "Start joinery serve") {
		t.Errorf("before serve doctor says %q", l)
	}
	address, stop := c.serve()
	path := address + "/calendars/anna/calendar/plans.ics"
	if code, text := as(t, "anna", "s", "PUT", path, withVera("plans@example.org")); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	lines := doctorLines(t, c.says("doctor"))
	for _, name := range []string{"ok mail answers, LMTP", "ok mail answers, trust"} {
		if lines[name] == "" {
			t.Errorf("%s is not in %v", name, lines)
		}
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	client := smtp.NewClientLMTP(conn)
	defer client.Close()
	if err := client.SendMail("vera@example.net", []string{"anna@example.org"}, strings.NewReader(replyMail("plans@example.org", "r1@example.net"))); err != nil {
		t.Fatal(err)
	}
	out := c.works("", "why", "plans@example.org")
	for _, part := range []string{"REPLY of vera@example.net: applied", "Message-ID <r1@example.net>", "\n  vera@example.net: ACCEPTED "} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is not in\n%s", part, out)
		}
	}
	if _, text := as(t, "anna", "s", "GET", path, ""); !veraAccepts(text) {
		t.Errorf("the event is\n%s", text)
	}
	if resp, err := http.Get(address + "/metrics"); err != nil {
		t.Error(err)
	} else {
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !strings.Contains(string(text), `joinery_incoming_total{outcome="applied"} 1`) {
			t.Error("the answer is not counted")
		}
	}
	if code, errText := stop(); code != 0 || strings.Contains(errText, "level=ERROR") {
		t.Errorf("serve ends with %d %s", code, errText)
	}
	if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// says runs a command whose exit status does not matter.
func (c *commandLine) says(args ...string) string {
	c.Helper()
	_, out, errText := c.do("", args...)
	if errText != "" {
		c.Fatalf("standard error %q", errText)
	}
	return out
}

func TestServeReadsAMailbox(t *testing.T) {
	s := startServices(t)
	user := imapmemserver.NewUser("answers", "s3cret")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	memory := imapmemserver.New()
	memory.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		},
		InsecureAuth: true, Logger: log.New(io.Discard, "", 0), TLSConfig: &tls.Config{},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	c := newCommandLine(t, s.relay, s.host, "[mail.incoming]\nimap = \"imap://answers@"+l.Addr().String()+"/INBOX\"\ntrust = [\"mx.example.org\"]\n")
	c.environ = append(c.environ, "JOINERY_MAIL_INCOMING_PASSWORD=s3cret")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	address, stop := c.serve()
	path := address + "/calendars/anna/calendar/plans.ics"
	if code, text := as(t, "anna", "s", "PUT", path, withVera("plans@example.org")); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	mail := replyMail("plans@example.org", "r1@example.net")
	if _, err := user.Append("INBOX", strings.NewReader(mail), &imap.AppendOptions{Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
	soon(t, func() string {
		if _, text := as(t, "anna", "s", "GET", path, ""); veraAccepts(text) {
			return ""
		}
		return c.works("", "why", "plans@example.org")
	})
	soon(t, func() string {
		l := doctorLines(t, c.says("doctor"))["ok mail answers, mailbox"]
		if strings.Contains(l, "INBOX has 1 mails, all were looked at") {
			return ""
		}
		return "doctor says " + l
	})
	if code, errText := stop(); code != 0 || strings.Contains(errText, "level=ERROR") || strings.Contains(errText, "s3cret") {
		t.Errorf("serve ends with %d %s", code, errText)
	}
	c.environ = append(c.environ, "JOINERY_MAIL_INCOMING_PASSWORD=0ther")
	if l := doctorLines(t, c.says("doctor"))["FAIL mail answers, mailbox"]; !strings.Contains(l, "the login is refused") || strings.Contains(l, "0ther") {
		t.Errorf("with another password doctor says %q", l)
	}
}

func TestServeDoesNotStartWithoutLMTP(t *testing.T) {
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	c.environ = append(c.environ, "JOINERY_MAIL_INCOMING_LMTP=unix:"+c.config)
	c.fails("", []string{"serve"}, c.config, "mail.incoming.lmtp", "is no socket", "choose another place")
}
