package mtslink

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/conference"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const secretKey = "0123456789abcdef0123456789abcdef"

var scriptNow = time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)

// A script is a service that answers as it was told, with the reference's recorded shapes, and
// writes down what it was asked.
type script struct {
	t       *testing.T
	mu      sync.Mutex
	answers map[string][]answer // by "POST /events"; the last one stays
	asked   []string            // each with its fields
	server  *httptest.Server
	p       *Provider
	log     bytes.Buffer
}

type answer struct {
	status int
	body   string
	header http.Header
}

// scripted returns a script and a provider that talks to it. The reads that every reservation
// needs are answered already.
func scripted(t *testing.T) *script {
	t.Helper()
	s := &script{t: t, answers: map[string][]answer{
		"GET /timezones": {{200, `[{"id": 1, "name": "Europe/Moscow", "description": "Moscow", "offset": 10800},
			{"id": 22, "name": "Europe/Berlin", "offset": 3600}, {"id": "23", "name": "Europe/Paris", "offset": 3600},
			{"id": 46, "name": "America/New_York", "offset": -18000}, {"id": 99, "name": "Not/AZone"}]`, nil}},
		"GET /organization/members": {{200, `[{"id": 70010, "membershipId": 9001, "name": "Room", "secondName": "One",
			"email": "Room1@example.com", "nickname": "Room One", "role": "lecturer", "position": "", "phone": ""}]`, nil}},
		"POST /events":                    {{201, `{"eventId": 881200345, "link": "https://my.mts-link.ru/j/70010/881200345"}`, nil}},
		"POST /events/881200345/sessions": {{201, `{"eventSessionId": 990077001, "link": "https://my.mts-link.ru/j/70010/881200345/session/990077001"}`, nil}},
	}}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	p, err := New(Config{
		BaseURL: s.server.URL + "/v3/", Token: secretKey, Now: func() time.Time { return scriptNow },
		Log: slog.New(slog.NewTextHandler(&lockedWriter{w: &s.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.p = p
	return s
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// on sets the answers to one call, in order; the last one stays.
func (s *script) on(call string, answers ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[call] = answers
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	call := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v3")
	if got := r.Header.Get("x-auth-token"); got != secretKey {
		s.t.Errorf("%s: x-auth-token is %q", call, got)
	}
	if got := r.Header.Get("Content-Type"); len(body) > 0 && got != "application/x-www-form-urlencoded" {
		s.t.Errorf("%s: Content-Type is %q", call, got)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		s.t.Errorf("%s: body: %v", call, err)
	}
	var b strings.Builder
	b.WriteString(call + "\n")
	writeFields(&b, "  ", form)
	writeFields(&b, "  ?", r.URL.Query())
	s.asked = append(s.asked, b.String())

	answers := s.answers[call]
	if len(answers) == 0 {
		s.t.Errorf("unexpected call %s", call)
		http.Error(w, "unexpected", http.StatusTeapot)
		return
	}
	a := answers[0]
	if len(answers) > 1 {
		s.answers[call] = answers[1:]
	}
	maps.Copy(w.Header(), a.header)
	if a.status == 0 { // the connection breaks
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
		return
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func writeFields(b *strings.Builder, prefix string, fields url.Values) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			fmt.Fprintf(b, "%s%s=%s\n", prefix, name, value)
		}
	}
}

// calls are the calls made since the last time it was asked, without their fields.
func (s *script) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []string
	for _, asked := range s.asked {
		call, _, _ := strings.Cut(asked, "\n")
		calls = append(calls, call)
	}
	s.asked = nil
	return calls
}

// golden compares what was asked with testdata/name.txt.
func (s *script) golden(name string) {
	s.t.Helper()
	s.mu.Lock()
	got := strings.Join(s.asked, "")
	s.asked = nil
	s.mu.Unlock()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("%s: the requests were\n%s\nwant\n%s", name, got, want)
	}
}

// silent fails the test if the key stands in the log or in err.
func (s *script) silent(err error) {
	s.t.Helper()
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secretKey) {
		s.t.Errorf("the key stands in the error: %v", err)
	}
	if strings.Contains(s.log.String(), secretKey) {
		s.t.Errorf("the key stands in the log")
	}
}

func review() conference.Meeting {
	return conference.Meeting{
		Key: "caldav-4f1c", Title: "Quarter review",
		Start: time.Date(2027, 3, 9, 12, 30, 0, 0, time.UTC), End: time.Date(2027, 3, 9, 13, 30, 0, 0, time.UTC),
		Zone: "Europe/Moscow", Host: conference.Person{Name: "Room One", Email: "room1@EXAMPLE.com"},
		Kind: conference.KindMeeting, Language: "ru",
	}
}

func nothing(conference.Room) error { return nil }

func roomOne() conference.Room {
	return conference.Room{
		Refs:    map[string]string{RefEvent: "881200345", RefSession: "990077001"},
		JoinURL: "https://my.mts-link.ru/j/70010/881200345",
	}
}

// eventJSON is GET /organization/events/{id} as the reference records it: without a link.
func eventJSON(status string, sessions ...string) string {
	var list []string
	for _, s := range sessions {
		list = append(list, fmt.Sprintf(`{"id": 990077001, "name": "Quarter review", "status": %q, "startsAt": "2027-03-10T11:00:00+0300"}`, s))
	}
	return fmt.Sprintf(`{"id": 881200345, "name": "Quarter review", "status": %q, "access": 1, "type": "meeting",
		"startsAt": "2027-03-10T11:00:00+0300", "utcStartsAt": 1804665600, "timezoneId": 1, "createUserId": 70010,
		"createUser": {"id": 70010, "name": "Room", "secondName": "One", "email": "room1@example.com"},
		"rule": "FREQ=DAILY;COUNT=1", "tags": ["caldav-4f1c"], "eventSessions": [%s]}`, status, strings.Join(list, ","))
}
