package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// A second serve on a database, started before the first has ended, does not do again what the first is at: it
// answers requests, and takes the work over once the first is gone.
func TestServeTwice(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	asked, goOn := make(chan struct{}), make(chan struct{})
	var sessions atomic.Int32
	s.mails.SetBehaviour(func(stage, _ string) *smtp.SMTPError {
		if stage == "rcpt" && sessions.Add(1) == 1 {
			close(asked)
			<-goOn
		}
		return nil
	})
	save := func(address, uid string) {
		t.Helper()
		text := event(uid, "ORGANIZER:mailto:anna@example.org", "ATTENDEE:mailto:boris@example.org")
		if code, body := as(t, "anna", "s", "PUT", address+"/calendars/anna/calendar/"+uid+".ics", text); code != http.StatusCreated {
			t.Fatalf("PUT: %d %s", code, body)
		}
	}
	first, stop := c.serve()
	save(first, "one")
	<-asked
	second, _ := c.serve()
	save(second, "two")
	time.Sleep(500 * time.Millisecond)
	close(goOn)
	mailed := func(uids ...string) {
		t.Helper()
		soon(t, func() string {
			all := ""
			for _, m := range s.mails.Messages() {
				all += m.Headers["Subject"][0] + "\n"
			}
			for _, uid := range uids {
				if !strings.Contains(all, "Rows of "+uid) {
					return "the mails are " + all
				}
			}
			return ""
		})
	}
	mailed("one", "two")
	time.Sleep(500 * time.Millisecond) // for what is not to come
	stop()
	save(second, "three")
	mailed("three")
	if code, body := as(t, "anna", "s", "PUT", second+"/calendars/anna/calendar/four.ics", webinar("four")); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, body)
	}
	soon(t, func() string {
		_, text := as(t, "anna", "s", "GET", second+"/calendars/anna/calendar/four.ics", "")
		if !strings.Contains(text, "LOCATION:https://my.mts-link.ru/j/") {
			return "there is no conference: " + text
		}
		return ""
	})
	seen := map[string]bool{}
	for _, m := range s.mails.Messages() {
		id := m.Headers["Message-Id"][0]
		if seen[id] {
			t.Errorf("the mail %s was sent twice", id)
		}
		seen[id] = true
	}
}
