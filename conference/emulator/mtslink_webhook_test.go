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
	"strings"
	"sync"
	"testing"
	"time"
)

// delivery is one webhook as it arrived.
type delivery struct {
	signed     bool
	Event      string         `json:"event"`
	OccurredAt string         `json:"occurredAt"`
	Data       map[string]any `json:"data"`
}

// testReceiver takes webhooks signed with the secret "secret".
type testReceiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivery
	asked  int // requests, refused ones too
	refuse int // how many of the next ones are answered with 503
}

func newTestReceiver(t *testing.T) *testReceiver {
	t.Helper()
	r := &testReceiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asked++
		if r.refuse > 0 {
			r.refuse--
			w.WriteHeader(503)
			return
		}
		body, _ := io.ReadAll(req.Body)
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write(body)
		d := delivery{signed: req.Header.Get("X-Webhook-Signature") == hex.EncodeToString(mac.Sum(nil))}
		if err := json.Unmarshal(body, &d); err != nil {
			t.Errorf("body %s: %v", body, err)
		}
		r.got = append(r.got, d)
	}))
	t.Cleanup(r.Close)
	return r
}

// take waits for the deliveries of a and returns what has come since the last time.
func (r *testReceiver) take(a *testAccount) []delivery {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.WaitWebhooks(ctx); err != nil {
		a.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// one is take where exactly this is wanted, about this session.
func (r *testReceiver) one(a *testAccount, event, session, occurred string) delivery {
	a.t.Helper()
	got := r.take(a)
	if len(got) != 1 || got[0].Event != event || !got[0].signed || got[0].OccurredAt != occurred || fmt.Sprintf("%.0f", got[0].Data["eventSessionId"]) != session {
		a.t.Fatalf("webhooks: got %+v, want one signed %s of %s at %s", got, event, session, occurred)
	}
	return got[0]
}

func TestWebhooks(t *testing.T) {
	a, r := newTestAccount(t, MTSLinkOptions{}), newTestReceiver(t)
	r.refuse = 1 // the first delivery is repeated
	hook := a.must(201, "POST", "/webhooks/create", "secret=secret&url="+url.QueryEscape(r.URL))
	_, session := a.reserve("")
	r.one(a, "eventSession.created", session, "2027-03-01T10:00+03:00")
	a.clock.set(a.clock.now().Add(7 * time.Second))
	a.must(204, "PUT", "/eventsessions/"+session, "name=Other&sendEmail=false")
	if got := r.take(a); len(got) != 0 {
		t.Errorf("another name is told: %+v", got)
	}
	a.must(204, "PUT", "/eventsessions/"+session, "sendEmail=false&startType=autostart&timezone=1"+at("startsAt", "2027-03-10 11:00"))
	d := r.one(a, "eventSession.startsAt.changed", session, "2027-03-01T10:00:07+03:00")
	if d.Data["eventSessionNewStartsAt"] != "2027-03-10T11:00:00+03:00" || d.Data["eventSessionOldStartsAt"] != "2027-03-09T15:30:00+03:00" {
		t.Errorf("data: got %v", d.Data)
	}
	// Whoever waits for webhooks sees what begins by itself; it began at its time.
	a.clock.set(time.Date(2027, 3, 10, 8, 20, 30, 0, time.UTC))
	r.one(a, "eventSession.started", session, "2027-03-10T11:00+03:00")
	// Days later it is live still.
	a.clock.set(time.Date(2027, 3, 12, 8, 20, 30, 0, time.UTC))
	if got := r.take(a); len(got) != 0 || a.only().Status != "START" {
		t.Errorf("a session that nobody stopped: %s, %+v", a.only().Status, got)
	}
	a.must(204, "PUT", "/eventsessions/"+session+"/stop", "")
	r.one(a, "eventSession.ended", session, "2027-03-12T11:20:30+03:00")
	a.must(204, "POST", "/webhooks/"+hook["webhookId"].(json.Number).String()+"/delete", "")
	a.reserve("")
	if got := r.take(a); len(got) != 0 {
		t.Errorf("a deleted webhook was told: %+v", got)
	}
}

// Autostart tells without being asked, while Run runs.
func TestRunTellsOfStarts(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	told := make(chan struct{}, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told <- struct{}{} }))
	defer receiver.Close()
	if _, err := a.AddWebhook(receiver.URL, "", "eventSession.started"); err != nil {
		t.Fatal(err)
	}
	_, session := a.reserve("")
	a.must(204, "PUT", "/eventsessions/"+session, "sendEmail=false&startType=autostart")
	a.clock.set(time.Date(2027, 3, 10, 8, 0, 0, 0, time.UTC))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { a.Run(ctx); close(done) }()
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Error("no webhook")
	}
	cancel()
	<-done
}

func TestWebhookRetriesAreBounded(t *testing.T) {
	a, r := newTestAccount(t, MTSLinkOptions{}), newTestReceiver(t)
	if _, err := a.AddWebhook(r.URL, "secret", "eventSession.created"); err != nil {
		t.Fatal(err)
	}
	r.refuse = mtsWebhookAttempts
	a.reserve("")
	if got := r.take(a); len(got) != 0 || r.asked != mtsWebhookAttempts {
		t.Errorf("got %+v after %d requests, want none after %d", got, r.asked, mtsWebhookAttempts)
	}
	// Many at once all arrive.
	for range 50 {
		if _, err := a.AddEvent(Foreign{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.take(a); len(got) != 50 {
		t.Errorf("got %d of 50", len(got))
	}
}

// Waiting ends with the waiter, closing with what is under way.
func TestWaitWebhooksEnds(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	hang := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer receiver.Close()
	defer close(hang)
	if _, err := a.AddWebhook(receiver.URL, ""); err != nil {
		t.Fatal(err)
	}
	a.reserve("")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := a.WaitWebhooks(ctx); err == nil {
		t.Error("a delivery that hangs counts as done")
	}
	a.Close()
	if err := a.WaitWebhooks(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestWebhookLimit(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	for range mtsWebhookLimit {
		a.must(201, "POST", "/webhooks/create", "url=http://127.0.0.1:1/")
	}
	a.must(400, "POST", "/webhooks/create", "url=http://127.0.0.1:1/")
	if _, err := a.AddWebhook("http://127.0.0.1:2/", ""); err == nil || !strings.Contains(err.Error(), "Too many") {
		t.Errorf("one more: got %v", err)
	}
	if _, err := a.AddWebhook("http://127.0.0.1:1/", "other"); err != nil {
		t.Errorf("in place of those of the same address: %v", err)
	}
}
