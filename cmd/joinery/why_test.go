package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestWhy holds what why says of one event: reserved, refused by the relay, changed, deleted.
func TestWhy(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	c.works("s", "user", "add", "boris", "--email", "boris@example.org", "--password-stdin")
	address, stop := c.serve()
	path := address + "/calendars/anna/calendar/plans.ics"
	if code, text := as(t, "anna", "s", "PUT", path, webinar("plans@example.org")); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		code, text := as(t, "boris", "s", "GET", address+"/calendars/boris/calendar/plans@example.org.ics", "")
		if code == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("boris's copy: %d %s", code, text)
		}
	}
	copied := strings.Replace(webinar("plans@example.org"), "LOCATION:Webinar", "LOCATION:https://my.mts-link.ru/j/1/2", 1)
	if code, text := as(t, "boris", "s", "PUT", address+"/calendars/boris/calendar/copy.ics", copied); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	settled := func(n int) {
		t.Helper()
		soon(t, func() string {
			if out := c.works("", "why", "plans@example.org"); strings.Count(out, ": sent ") == n && !strings.Contains(out, "at mail:") {
				return ""
			} else {
				return out
			}
		})
	}
	settled(1)
	normal := func(out string) string {
		return replaced(out, `20[2-8]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "TIME", `ETag "\w+"`, "ETag", `\b[0-9a-f]{16}-1\b`, "KEY",
			`\([0-9a-f]{24}\)`, "(PUBLIC)", `<\w+@`, "<ID@", `\d+ bytes`, "N bytes", `(j/\d+/|event: |session: )\d+`, "${1}N", `due TIME`, "due TIME")
	}
	golden(t, "why-live.txt", normal(c.works("", "why", "plans@example.org")))
	if code, text := as(t, "anna", "s", "DELETE", path, ""); code != http.StatusNoContent {
		t.Fatalf("DELETE: %d %s", code, text)
	}
	settled(2)
	soon(t, func() string {
		if len(s.account.State().Conferences) == 0 && strings.Contains(c.works("", "why", "plans@example.org"), "release: ok") {
			return ""
		}
		return "the conference stays"
	})
	stop()
	out := c.works("", "why", "plans@example.org")
	golden(t, "why-deleted.txt", normal(out))
	if strings.Contains(out, "the-key-of-the-account") {
		t.Error("the key is printed")
	}
}

// TestWhyWaits tells of an event whose provider is away.
func TestWhyWaits(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, "127.0.0.1:1", "[caldav]\nwait_for_link = \"50ms\"\n")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	address, _ := c.serve()
	if code, text := as(t, "anna", "s", "PUT", address+"/calendars/anna/calendar/plans.ics", webinar("plans")); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	soon(t, func() string {
		out := c.works("", "why", "plans")
		for _, part := range []string{"link: being made since", "invitations wait for it until", "failed attempts, last:", "connection refused", "mail\n  none"} {
			if !strings.Contains(out, part) {
				return out
			}
		}
		return ""
	})
}
