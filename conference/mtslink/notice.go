package mtslink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"joinery/conference"
)

// signatureHeader holds the lower-case hex HMAC-SHA256 of the raw body, keyed with the secret
// phrase (reference §6). X-MtsLink-Signature is of chat bots.
const signatureHeader = "X-Webhook-Signature"

// Notice implements conference.Notifier. Happenings of a session name it by RefSession; others,
// and those whose session cannot be read, concern no room.
func (p *Provider) Notice(header http.Header, body []byte) (conference.Notice, bool, error) {
	var none conference.Notice
	if !p.signed(header.Get(signatureHeader), body) {
		return none, false, conference.ErrForged
	}
	var told struct {
		Event      string          `json:"event"`
		OccurredAt json.RawMessage `json:"occurredAt"`
		Data       lax[struct {
			Session lax[id] `json:"eventSessionId"`
		}] `json:"data"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return none, false, errors.New("webhook: the body is not the JSON that is expected")
	}
	session := string(told.Data.it.Session.it)
	if session == "" || !strings.HasPrefix(told.Event, "eventSession.") {
		return none, false, nil
	}
	return conference.Notice{
		Ref: RefSession, Value: session, What: conference.FitTitle(told.Event, 64), At: instant(told.OccurredAt, nil),
	}, true, nil
}

// signed reports whether signature is body's. Without a secret nothing is.
func (p *Provider) signed(signature string, body []byte) bool {
	got, err := hex.DecodeString(strings.TrimSpace(signature))
	if err != nil || p.hookSecret == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(p.hookSecret))
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}
