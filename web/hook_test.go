package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"joinery/conference"
)

func TestHook(t *testing.T) {
	var log bytes.Buffer
	var fails error
	var account, event, body string
	called := 0
	ask := serve(t, Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Hook: func(_ context.Context, a string, h http.Header, b []byte) error {
			called++
			account, event, body = a, h.Get("X-Event"), string(b)
			return fails
		},
	})
	const sent = `{"name":"Planning","email":"anna@example.org"}`
	for _, test := range []struct {
		name   string
		err    error
		status int
		header string // that must be there
	}{
		{"taken", nil, 200, ""},
		{"forged", fmt.Errorf("mtslink: %w", conference.ErrForged), 401, "WWW-Authenticate"},
		{"unknown", fmt.Errorf("nobody: %w", ErrUnknownHook), 404, ""},
		{"unreadable", fmt.Errorf("%w: %w", ErrUnreadableHook, errors.New("no eventSessionId")), 400, ""},
		{"store", errors.New("touch work: disk full"), 503, "Retry-After"},
		{"panics", nil, 503, "Retry-After"},
	} {
		log.Reset()
		fails = test.err
		if test.name == "panics" {
			ask = serve(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Hook: func(context.Context, string, http.Header, []byte) error { panic("out of range") }})
		}
		account, event, body = "", "", ""
		got := ask("POST", "/hook/mtslink", strings.NewReader(sent), "X-Event", "ended", "Content-Type", "application/json")
		if got.StatusCode != test.status || got.raw != "" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q, want %d", test.name, got.StatusCode, got.raw, test.status)
		}
		if test.header != "" && got.Header.Get(test.header) == "" {
			t.Errorf("%s: no %s", test.name, test.header)
		}
		if test.name != "panics" && (account != "mtslink" || event != "ended" || body != sent) {
			t.Errorf("%s: got %q, %q, %q", test.name, account, event, body)
		}
		if line := log.String(); !strings.Contains(line, fmt.Sprintf("level=INFO msg=webhook account=mtslink status=%d", test.status)) || strings.Contains(line, "anna") {
			t.Errorf("%s: the log is %q", test.name, line)
		}
	}
	if called != 5 {
		t.Errorf("called %d times, want 5", called)
	}
}

func TestHookRefuses(t *testing.T) {
	largest := 0
	ask := serve(t, Options{Hook: func(_ context.Context, _ string, _ http.Header, b []byte) error {
		largest = max(largest, len(b))
		return nil
	}})
	for _, test := range []struct {
		method, path string
		size         int
		want         int
	}{
		{"POST", "/hook/mtslink", 0, 200},
		{"POST", "/hook/mtslink", 64 << 10, 200},
		{"POST", "/hook/mtslink", 64<<10 + 1, 413},
		{"POST", "/hook/mtslink", 4 << 20, 413},
		{"GET", "/hook/mtslink", 0, 405},
		{"HEAD", "/hook/mtslink", 0, 405},
		{"PUT", "/hook/mtslink", 1, 405},
		{"OPTIONS", "/hook/mtslink", 0, 405},
		{"POST", "/hook", 1, 404},
		{"POST", "/hook/", 1, 404},
		{"POST", "/hook/mtslink/", 1, 404},
		{"POST", "/hook/a%2Fb", 1, 404},
		{"POST", "/hook/" + strings.Repeat("a", 65), 1, 404},
	} {
		got := ask(test.method, test.path, strings.NewReader(strings.Repeat("x", test.size)))
		if got.StatusCode != test.want {
			t.Errorf("%s %.20s with %d bytes: %d, want %d", test.method, test.path, test.size, got.StatusCode, test.want)
		}
		if test.want == 405 && got.Header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow %q", test.method, got.Header.Get("Allow"))
		}
	}
	if largest != 64<<10 {
		t.Errorf("the largest body passed on is %d bytes", largest)
	}
}

// TestHookIsAnsweredInTime lets the taking of a webhook hang, deaf to its context.
func TestHookIsAnsweredInTime(t *testing.T) {
	release := make(chan bool)
	defer close(release)
	h := &hook{
		take: func(context.Context, string, http.Header, []byte) error { <-release; return nil },
		now:  time.Now, log: slog.New(slog.DiscardHandler), timeout: 20 * time.Millisecond,
	}
	if w := ask(h, "POST", "/hook/mtslink", "192.0.2.7:1"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d, want 503", w.Code)
	}
	if hookTimeout >= 5*time.Second {
		t.Errorf("webhooks may take %v", hookTimeout)
	}
}
