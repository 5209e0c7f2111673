package emulator

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// The most addresses that an account may have, and how deliveries go: the receiver has 5 s; the
// number of retries and their delay are not published.
const (
	mtsWebhookLimit    = 20
	mtsWebhookTimeout  = 5 * time.Second
	mtsWebhookAttempts = 3
	mtsWebhookDelay    = 500 * time.Millisecond
)

type mtsWebhook struct {
	ID     int64
	URL    string
	Secret string
	Events []string // empty: all
}

// createWebhook is POST /webhooks/create. The body is not published; url, secret and events[]
// are a guess.
func (m *MTSLink) createWebhook(c mtsCall) (mtsAnswer, error) {
	raw, _ := c.form.text("url")
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return mtsAnswer{}, badParameter("url")
	}
	if len(m.data.Webhooks) >= mtsWebhookLimit {
		return mtsAnswer{}, refuse(http.StatusBadRequest, "Too many webhooks")
	}
	hook := mtsWebhook{ID: m.data.nextID(3_000), URL: raw, Events: c.form.texts("events")}
	hook.Secret, _ = c.form.text("secret")
	m.data.Webhooks = append(m.data.Webhooks, hook)
	return mtsAnswer{http.StatusCreated, map[string]any{"webhookId": hook.ID}}, nil
}

// deleteWebhook is POST /webhooks/{id}/delete.
func (m *MTSLink) deleteWebhook(c mtsCall) (mtsAnswer, error) {
	i := slices.IndexFunc(m.data.Webhooks, func(h mtsWebhook) bool { return h.ID == c.id })
	if i < 0 {
		return mtsAnswer{}, errNoEntity
	}
	m.data.Webhooks = slices.Delete(m.data.Webhooks, i, i+1)
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// hookSender delivers webhooks beside the calls, section 6.
type hookSender struct {
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	client http.Client
	mu     sync.Mutex // guards closed against wg
	closed bool
	wg     sync.WaitGroup
}

func (h *hookSender) init(log *slog.Logger) {
	h.log = log
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.client.Timeout = mtsWebhookTimeout
	h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

func (h *hookSender) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.wg.Wait()
}

// send delivers one happening to every address that wants it, each on its own.
func (h *hookSender) send(hooks []mtsWebhook, event string, at time.Time, data map[string]any) {
	for _, hook := range hooks {
		if len(hook.Events) > 0 && !slices.Contains(hook.Events, event) {
			continue
		}
		body, err := json.Marshal(map[string]any{"event": event,
			"occurredAt": at.Truncate(time.Second).Format(time.RFC3339), "data": data})
		if err != nil {
			h.log.Error("emulator: webhook", "event", event, "error", err)
			return
		}
		h.mu.Lock()
		if !h.closed {
			h.wg.Go(func() { h.deliver(hook, body) })
		}
		h.mu.Unlock()
	}
}

// deliver posts body until it is answered with 200, a few times.
func (h *hookSender) deliver(hook mtsWebhook, body []byte) {
	for attempt := 1; ; attempt++ {
		err := h.post(hook, body)
		if err == nil {
			return
		}
		h.log.Warn("emulator: webhook", "attempt", attempt, "error", err)
		if attempt == mtsWebhookAttempts {
			return
		}
		select {
		case <-h.ctx.Done():
			return
		case <-time.After(mtsWebhookDelay):
		}
	}
}

func (h *hookSender) post(hook mtsWebhook, body []byte) error {
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if hook.Secret != "" {
		mac := hmac.New(sha256.New, []byte(hook.Secret))
		mac.Write(body)
		req.Header.Set("X-Webhook-Signature", hex.EncodeToString(mac.Sum(nil)))
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refuse(resp.StatusCode, "receiver answered "+resp.Status)
	}
	return nil
}
