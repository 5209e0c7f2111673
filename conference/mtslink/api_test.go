package mtslink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"joinery/conference"
)

// TestKinds is section 9 of the reference, for a call that makes something and one that does not.
func TestKinds(t *testing.T) {
	const none = conference.Reason("")
	tests := []struct {
		answer    answer
		post, get conference.ErrorKind
		reason    conference.Reason
		retry     time.Duration
	}{
		{answer{400, `{"error": {"message": "Parameter name is missing"}}`, nil}, conference.Invalid, conference.Invalid, conference.ReasonTitle, 0},
		{answer{400, `{"error": {"message": "Parameter startsAt[date][day] is malformed"}}`, nil}, conference.Invalid, conference.Invalid, conference.ReasonTime, 0},
		{answer{400, `nonsense`, nil}, conference.Invalid, conference.Invalid, none, 0},
		{answer{401, ``, nil}, conference.Denied, conference.Denied, conference.ReasonCredentials, 0},
		{answer{403, `{"error": {"message": "Forbidden"}}`, nil}, conference.Denied, conference.Denied, conference.ReasonCredentials, 0},
		{answer{403, `{"error": {"message": "Event owner is not submitted"}}`, nil}, conference.Denied, conference.Denied, conference.ReasonOwner, 0},
		{answer{404, ``, nil}, conference.Gone, conference.Gone, none, 0},
		{answer{405, ``, nil}, conference.Invalid, conference.Invalid, none, 0},
		{answer{409, ``, nil}, conference.Invalid, conference.Invalid, none, 0},
		{answer{429, ``, nil}, conference.Limited, conference.Limited, none, 0},
		{answer{429, ``, http.Header{"Retry-After": {"17"}}}, conference.Limited, conference.Limited, none, 17 * time.Second},
		{answer{429, ``, http.Header{"Retry-After": {scriptNow.Add(90 * time.Second).Format(http.TimeFormat)}}}, conference.Limited, conference.Limited, none, 90 * time.Second},
		{answer{429, ``, http.Header{"Retry-After": {"-5"}}}, conference.Limited, conference.Limited, none, 0},
		{answer{500, ``, nil}, conference.Ambiguous, conference.Temporary, none, 0},
		{answer{503, `<html>`, nil}, conference.Ambiguous, conference.Temporary, none, 0},
		{answer{302, ``, http.Header{"Location": {"https://elsewhere.example/"}}}, conference.Temporary, conference.Temporary, none, 0},
		{answer{200, `{`, nil}, conference.Ambiguous, conference.Temporary, none, 0},
		{answer{0, ``, nil}, conference.Ambiguous, conference.Temporary, none, 0},
	}
	for _, tt := range tests {
		s := scripted(t)
		s.on("POST /events/5/x", tt.answer)
		s.on("GET /events/5/x", tt.answer)
		for method, want := range map[string]conference.ErrorKind{"POST": tt.post, "GET": tt.get} {
			var out struct{}
			err := s.p.do(t.Context(), call{method: method, path: "/events/{id}/x", id: "5", out: &out})
			e, ok := err.(*conference.Error)
			if !ok || e.Kind != want || e.Reason != tt.reason || e.RetryAfter != tt.retry {
				t.Errorf("%s answered with %d %s: got %#v, want %s, %q, %v", method, tt.answer.status, tt.answer.body, err, want, tt.reason, tt.retry)
			}
			s.silent(err)
		}
	}
}

// TestNetwork tells what surely had no effect from what may have had one.
func TestNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	try := func(base string, ctx context.Context) error {
		t.Helper()
		p, err := New(Config{BaseURL: base, Token: secretKey})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = p.postEvent(ctx, nil)
		if err != nil && strings.Contains(err.Error(), secretKey) {
			t.Errorf("the key stands in the error: %v", err)
		}
		return err
	}
	if err := try("http://"+closed, t.Context()); conference.KindOf(err) != conference.Temporary {
		t.Errorf("nobody listens: got %v, want temporary", err)
	}
	if err := try("http://nowhere.invalid", t.Context()); conference.KindOf(err) != conference.Temporary {
		t.Errorf("no such name: got %v, want temporary", err)
	}
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := try(slow.URL, ctx); conference.KindOf(err) != conference.Ambiguous || !timedOut(err) {
		t.Errorf("no answer in time: got %v, want an ambiguous timeout", err)
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if err := try(secure.URL, t.Context()); conference.KindOf(err) != conference.Temporary {
		t.Errorf("unknown certificate: got %v, want temporary", err)
	}
}

// TestGatewayTimeout can be told from an answer of the service's own: it may still be at it.
func TestGatewayTimeout(t *testing.T) {
	for status, want := range map[int]bool{408: true, 504: true, 500: false, 502: false} {
		s := scripted(t)
		s.on("POST /events", answer{status, "", nil})
		_, err := s.p.Reserve(t.Context(), review(), conference.Room{}, nothing)
		if conference.KindOf(err) != conference.Ambiguous || timedOut(err) != want {
			t.Errorf("status %d: got %v, a timeout: %v, want %v", status, err, timedOut(err), want)
		}
	}
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestRedirect keeps the key at home.
func TestRedirect(t *testing.T) {
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer elsewhere.Close()
	s := scripted(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s.on("GET /timezones", answer{status, "", http.Header{"Location": {elsewhere.URL}}})
		if _, err := s.p.getZones(t.Context()); err == nil {
			t.Errorf("status %d: no error", status)
		}
	}
	if asked {
		t.Error("a redirect was followed")
	}
}

// TestSecret prints the key nowhere.
func TestSecret(t *testing.T) {
	c := Config{Name: "a", BaseURL: "https://x.example/v3", Token: secretKey}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "secret", Secret(secretKey))
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "secret", Secret(secretKey))
	data, err := json.Marshal(map[string]Secret{"k": Secret(secretKey)})
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(data)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb+verb, c, Secret(secretKey))
	}
	if strings.Contains(all, secretKey) || strings.Contains(all, fmt.Sprintf("%x", secretKey)) {
		t.Errorf("the key is printed: %s", all)
	}

	s := scripted(t)
	s.on("POST /events", answer{403, `{"error": {"message": "key ` + secretKey + ` is\nunknown"}}`, nil})
	_, err = s.p.Reserve(t.Context(), review(), conference.Room{}, nothing)
	s.silent(err)
	if err == nil || !strings.Contains(err.Error(), "key *** is unknown") {
		t.Errorf("got %v", err)
	}
}

func TestNew(t *testing.T) {
	for _, c := range []Config{
		{Token: "k"}, {BaseURL: "userapi.mts-link.ru/v3", Token: "k"}, {BaseURL: "ftp://a/v3", Token: "k"},
		{BaseURL: "https://u:p@a/v3", Token: "k"}, {BaseURL: "https://a/v3?x=y", Token: "k"}, {BaseURL: "http://a b/", Token: "k"},
		{BaseURL: "https://a/v3"}, {BaseURL: "https://a/v3", Token: "two words"}, {BaseURL: "https://a/v3", Token: "line\n"},
	} {
		_, err := New(c)
		if err == nil {
			t.Errorf("New(%v): no error", c)
		} else if key, _, _ := strings.Cut(err.Error(), ":"); key != "base_url" && key != "token" {
			t.Errorf("New(%v): %q names no key", c, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		zones, members answer
		ok             []bool
		remedy         string // in the first that is not OK
	}{
		"lapsed":            {answer{403, "", nil}, answer{403, "", nil}, []bool{false, false, true}, "plan"},
		"section forbidden": {answer{200, "[]", nil}, answer{403, "", nil}, []bool{true, false, true}, "switched on"},
		"wrong address":     {answer{404, "", nil}, answer{404, "", nil}, []bool{false, false, true}, "base_url"},
		"out of order":      {answer{500, "", nil}, answer{500, "", nil}, []bool{false}, "reaches"},
		"limited":           {answer{429, "", nil}, answer{429, "", nil}, []bool{false}, "rate"},
	} {
		s := scripted(t)
		s.on("GET /timezones", tt.zones)
		s.on("GET /organization/members", tt.members)
		findings := s.p.Check(t.Context())
		if len(findings) != len(tt.ok) {
			t.Errorf("%s: %d findings, want %d: %+v", name, len(findings), len(tt.ok), findings)
			continue
		}
		remedy := ""
		for i, f := range findings {
			if f.OK != tt.ok[i] {
				t.Errorf("%s: %+v, want OK %v", name, f, tt.ok[i])
			}
			if !f.OK && remedy == "" {
				remedy = f.Remedy
			}
		}
		if !strings.Contains(remedy, tt.remedy) {
			t.Errorf("%s: remedy %q says nothing of %q", name, remedy, tt.remedy)
		}
		s.silent(nil)
	}
}
