package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// services are what a configuration points to: a relay and a provider's account.
type services struct {
	mails   *catcher
	relay   string
	account *emulator.MTSLink
	host    string
}

func startServices(t *testing.T) *services {
	t.Helper()
	mails, relay := startCatcher(t)
	account := emulator.NewMTSLink(emulator.MTSLinkOptions{Token: "the-key-of-the-account"})
	server := httptest.NewServer(account)
	t.Cleanup(func() { server.Close(); account.Close() })
	return &services{mails, relay, account, strings.TrimPrefix(server.URL, "http://")}
}

// serve runs joinery serve and returns the address that it prints. stop is SIGTERM.
func (c *commandLine) serve() (address string, stop func() (code int, stderr string)) {
	c.Helper()
	var out, errText sharedBuffer
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{name: "joinery", in: strings.NewReader(""), out: &out, err: &errText, environ: c.environ, now: c.now, random: rand.Reader}
	done := make(chan int, 1)
	go func() { done <- p.run(ctx, []string{"serve", "--config", c.config}) }()
	ended := false
	stop = func() (int, string) {
		cancel()
		if ended {
			return 0, ""
		}
		ended = true
		select {
		case code := <-done:
			return code, errText.String()
		case <-time.After(time.Minute):
			return -1, "it does not end"
		}
	}
	c.Cleanup(func() { stop() })
	soon(c.T, func() string {
		if strings.HasSuffix(out.String(), "\n") {
			return ""
		}
		return "serve printed " + out.String() + errText.String()
	})
	wantLine(c.T, out.String(), "listening on http://127.0.0.1:")
	return strings.TrimPrefix(strings.TrimSpace(out.String()), "listening on "), stop
}

// as asks as a user and returns the status and the body.
func as(t *testing.T, login, password, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(login, password)
	if body != "" {
		r.Header.Set("Content-Type", "text/calendar")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// webinar is an event of anna's with a conference and boris, far enough away.
func webinar(uid string) string {
	return strings.Join([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:" + uid,
		"DTSTAMP:20260101T000000Z", "DTSTART:20990105T100000Z", "DTEND:20990105T110000Z", "SUMMARY:Plans", "LOCATION:Webinar",
		"ORGANIZER:mailto:anna@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org",
		"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:boris@example.org", "END:VEVENT", "END:VCALENDAR", ""}, "\r\n")
}

func TestServe(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("secret\n", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	address, stop := c.serve()
	if code, _ := as(t, "anna", "wrong", "GET", address+"/", ""); code != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", code)
	}
	if code, text := as(t, "anna", "secret", "PUT", address+"/calendars/anna/calendar/a.ics", webinar("a")); code != http.StatusCreated {
		t.Errorf("PUT: %d %s", code, text)
	}
	for path, want := range map[string]int{"/healthz": 200, "/metrics": 200, "/j/x": 404, "/r/x": 404, "/hook/mtslink": 405, "/demo/mail": 401} {
		resp, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	if code, errText := stop(); code != 0 || strings.Contains(errText, "level=ERROR") || strings.Contains(errText, "the-key-of-the-account") {
		t.Errorf("serve ends with %d %s", code, errText)
	}
}

// TestServeReindexes has a database in which the index knows nothing of an event, as after an upgrade.
func TestServeReindexes(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("secret\n", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	address, stop := c.serve()
	yearly := strings.Join([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:y", "DTSTAMP:20260101T000000Z",
		"DTSTART:20300315T100000Z", "RRULE:FREQ=YEARLY", "END:VEVENT", "END:VCALENDAR", ""}, "\r\n")
	if code, text := as(t, "anna", "secret", "PUT", address+"/calendars/anna/calendar/y.ics", yearly); code != http.StatusCreated {
		t.Errorf("PUT: %d %s", code, text)
	}
	stop()
	db, err := sql.Open("sqlite3", filepath.Join(c.dir, "joinery.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	seasons := func() (n int64) {
		t.Helper()
		if err := db.QueryRow(`SELECT seasons FROM objects`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if seasons() == 0 {
		t.Error("the index does not know the event that was saved")
	}
	if _, err := db.Exec(`UPDATE objects SET seasons = 0; DELETE FROM meta WHERE name LIKE 'indexed-%'`); err != nil {
		t.Fatal(err)
	}
	c.serve()
	soon(t, func() string {
		if seasons() == 0 {
			return "the index does not know the event that was there"
		}
		return ""
	})
}

func TestServeMetricsOfTheirOwn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.environ = append(c.environ, "JOINERY_METRICS="+own)
	address, _ := c.serve()
	for url, want := range map[string]int{address + "/metrics": 404, "http://" + own + "/metrics": 200} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", url, resp.StatusCode, want)
		}
	}
}

func TestServeDoesNotStart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	c.environ = append(c.environ, "JOINERY_LISTEN="+l.Addr().String())
	c.fails("", []string{"serve"}, c.config, "listen", l.Addr().String()+" is in use", "choose another")
	c.environ = append(c.environ, "JOINERY_LISTEN=127.0.0.1:0", "JOINERY_STORE_URL=sqlite:"+c.dir+"/none/joinery.db")
	c.fails("", []string{"serve"}, c.config, "store.url", "none/joinery.db")
	c.environ = append(c.environ, "JOINERY_STORE_URL=sqlite:joinery.db", "JOINERY_TLS_CERT="+c.config, "JOINERY_TLS_KEY="+c.config)
	c.fails("", []string{"serve"}, c.config, "tls", "PEM certificate")
}
