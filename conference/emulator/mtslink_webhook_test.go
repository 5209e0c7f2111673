package emulator

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// delivery is one webhook as it arrived.
type delivery struct {
	signed     bool
	Event      string         `json:"event"`
	OccurredAt time.Time      `json:"occurredAt"`
	Data       map[string]any `json:"data"`
}

func TestWebhooks(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	got := make(chan delivery, 10)
	var refused atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refused.CompareAndSwap(0, 1) {
			w.WriteHeader(503) // the first delivery is repeated
			return
		}
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write(body)
		d := delivery{signed: r.Header.Get("X-Webhook-Signature") == hex.EncodeToString(mac.Sum(nil))}
		if err := json.Unmarshal(body, &d); err != nil {
			t.Errorf("body %s: %v", body, err)
		}
		got <- d
	}))
	defer receiver.Close()
	hook := a.must(201, "POST", "/webhooks/create", "secret=secret&url="+url.QueryEscape(receiver.URL))
	next := func(event string) delivery {
		t.Helper()
		select {
		case d := <-got:
			if d.Event != event || !d.signed || !d.OccurredAt.Equal(a.clock.now()) {
				t.Errorf("got %+v, want a signed %s", d, event)
			}
			return d
		case <-time.After(5 * time.Second):
			t.Fatalf("no %s", event)
		}
		return delivery{}
	}
	_, session := a.reserve("")
	if d := next("eventSession.created"); fmt.Sprintf("%.0f", d.Data["eventSessionId"]) != session {
		t.Errorf("data: got %v, want session %s", d.Data, session)
	}
	a.must(204, "PUT", "/eventsessions/"+session, "sendEmail=false&startType=autostart&timezone=1"+at("startsAt", "2027-03-10 11:00"))
	if d := next("eventSession.startsAt.changed"); d.Data["eventSessionNewStartsAt"] != "2027-03-10T11:00:00+03:00" || d.Data["eventSessionOldStartsAt"] != "2027-03-09T15:30:00+03:00" {
		t.Errorf("data: got %v", d.Data)
	}
	// Autostart tells without being asked, while Run runs.
	a.clock.set(time.Date(2027, 3, 10, 8, 0, 0, 0, time.UTC))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { a.Run(ctx); close(done) }()
	next("eventSession.started")
	cancel()
	<-done
	a.must(204, "PUT", "/eventsessions/"+session+"/stop", "")
	next("eventSession.ended")
	a.must(204, "POST", "/webhooks/"+hook["webhookId"].(json.Number).String()+"/delete", "")
	a.reserve("")
	a.Close()
	if len(got) != 0 {
		t.Errorf("a deleted webhook was told: %+v", <-got)
	}
}

func TestWebhookLimit(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	for range mtsWebhookLimit {
		a.must(201, "POST", "/webhooks/create", "url=http://127.0.0.1:1/")
	}
	a.must(400, "POST", "/webhooks/create", "url=http://127.0.0.1:1/")
}
