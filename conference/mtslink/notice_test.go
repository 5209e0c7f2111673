package mtslink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"joinery/conference"
)

const phrase = "a secret phrase"

func sign(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// TestNotice is section 6 of the reference: each event, both forms of the time, ids as both types.
func TestNotice(t *testing.T) {
	p, err := New(Config{BaseURL: "https://userapi.example.org/v3", Token: secretKey, HookSecret: phrase})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2027, 3, 10, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		body, session, what string
		at                  time.Time
		broken              bool
	}{
		{`{"event": "eventSession.ended", "occurredAt": "2027-03-10T11:00:00+03:00", "data": {"eventSessionId": 990077001}}`, "990077001", "eventSession.ended", at, false},
		{`{"event": "eventSession.started", "occurredAt": "2027-03-10T11:00+03:00", "data": {"eventSessionId": "990077001"}}`, "990077001", "eventSession.started", at, false},
		{`{"event": "eventSession.users.allLeft", "occurredAt": "soon", "data": {"eventSessionId": 990077001}}`, "990077001", "eventSession.users.allLeft", time.Time{}, false},
		{`{"event": "eventSession.startsAt.changed", "data": {"eventSessionId": 990077001, "eventSessionNewStartsAt": "2027-03-11T11:00:00+03:00"}}`, "990077001", "eventSession.startsAt.changed", time.Time{}, false},
		{`{"event": "eventSession.created", "data": {"eventSessionId": 9007199254740993123}}`, "9007199254740993123", "eventSession.created", time.Time{}, false},
		{`{"event": "participation.acceptedWebinar", "data": {"eventSessionId": 990077001, "email": "x@example.com"}}`, "", "", time.Time{}, false},
		{`{"event": "event.beforeReminder.sent", "data": {"eventSessionId": 990077001, "eventDescription": null}}`, "", "", time.Time{}, false},
		{`{"event": "recordFile.ready", "data": {"recordId": 5}}`, "", "", time.Time{}, false},
		{`{"event": "something.new", "data": {"eventSessionId": 990077001}}`, "", "", time.Time{}, false},
		{`{"event": "eventSession.ended", "data": {}}`, "", "", time.Time{}, false},
		{`{"event": "eventSession.ended", "data": {"eventSessionId": "../1"}}`, "", "", time.Time{}, false},
		{`{"event": "eventSession.ended", "data": {"eventSessionId": [1]}}`, "", "", time.Time{}, false},
		{`{"event": "eventSession.ended", "data": []}`, "", "", time.Time{}, false},
		{`{"event": "eventSession.ended"}`, "", "", time.Time{}, false},
		{`{}`, "", "", time.Time{}, false},
		{`{"event": `, "", "", time.Time{}, true},
		{`{"event": 5}`, "", "", time.Time{}, true},
		{``, "", "", time.Time{}, true},
	} {
		for _, signature := range []string{sign(phrase, tt.body), strings.ToUpper(sign(phrase, tt.body))} {
			n, ok, err := p.Notice(http.Header{"X-Webhook-Signature": {signature}}, []byte(tt.body))
			if (err != nil) != tt.broken || errors.Is(err, conference.ErrForged) {
				t.Errorf("%s: %v", tt.body, err)
			}
			if ok != (tt.session != "") || n.Value != tt.session || ok && n.Ref != RefSession || n.What != tt.what || !n.At.Equal(tt.at) {
				t.Errorf("%s: got %+v, %v", tt.body, n, ok)
			}
		}
	}
}

func TestNoticeForged(t *testing.T) {
	body := `{"event": "eventSession.ended", "occurredAt": "2027-03-10T11:00:00+03:00", "data": {"eventSessionId": 990077001}}`
	right := sign(phrase, body)
	for name, tt := range map[string]struct {
		secret, header, signature string
	}{
		"none":              {phrase, "X-Webhook-Signature", ""},
		"of another phrase": {phrase, "X-Webhook-Signature", sign("another", body)},
		"of another body":   {phrase, "X-Webhook-Signature", sign(phrase, body+" ")},
		"cut":               {phrase, "X-Webhook-Signature", right[:62]},
		"longer":            {phrase, "X-Webhook-Signature", right + "00"},
		"no hex":            {phrase, "X-Webhook-Signature", strings.Repeat("z", 64)},
		"of the chat bots":  {phrase, "X-MtsLink-Signature", right},
		"without a phrase":  {"", "X-Webhook-Signature", sign("", body)},
	} {
		p, err := New(Config{BaseURL: "https://userapi.example.org/v3", Token: secretKey, HookSecret: tt.secret})
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		header.Set(tt.header, tt.signature)
		if n, ok, err := p.Notice(header, []byte(body)); ok || !errors.Is(err, conference.ErrForged) || n != (conference.Notice{}) {
			t.Errorf("signature %s: got %+v, %v, %v", name, n, ok, err)
		}
	}
}

// TestHookSecret does not show itself.
func TestHookSecret(t *testing.T) {
	c := Config{Name: "x", BaseURL: "https://userapi.example.org/v3", Token: secretKey, HookSecret: phrase}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "config", c)
	if shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, b.String()); strings.Contains(shown, phrase) {
		t.Errorf("the secret is shown: %s", shown)
	}
}
