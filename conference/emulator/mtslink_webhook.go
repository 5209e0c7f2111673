package emulator

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
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
	mtsWebhookDelay    = 100 * time.Millisecond // of the machine's clock, not of the account's
	mtsWebhookAtOnce   = 8
)

type mtsWebhook struct {
	ID     int64
	URL    string
	Secret string
	Events []string // empty: all
}

// AddWebhook makes a webhook as the account's page does, signed with secret if there is one, for
// these events or for all, and returns its id. The account has one for each address.
func (m *MTSLink) AddWebhook(address, secret string, events ...string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data.Webhooks = slices.DeleteFunc(m.data.Webhooks, func(w mtsWebhook) bool { return w.URL == address })
	id, err := m.addWebhook(mtsWebhook{URL: address, Secret: secret, Events: events})
	if err == nil {
		m.save()
	}
	return id, err
}

func (m *MTSLink) addWebhook(hook mtsWebhook) (int64, error) {
	u, err := url.Parse(hook.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return 0, badParameter("url")
	}
	if len(m.data.Webhooks) >= mtsWebhookLimit {
		return 0, refuse(http.StatusBadRequest, "Too many webhooks")
	}
	hook.ID = m.data.nextID(3_000)
	m.data.Webhooks = append(m.data.Webhooks, hook)
	return hook.ID, nil
}

// createWebhook is POST /webhooks/create. The body is not published; url, secret and events[]
// are a guess.
func (m *MTSLink) createWebhook(c mtsCall) (mtsAnswer, error) {
	hook := mtsWebhook{Events: c.form.texts("events")}
	hook.URL, _ = c.form.text("url")
	hook.Secret, _ = c.form.text("secret")
	id, err := m.addWebhook(hook)
	if err != nil {
		return mtsAnswer{}, err
	}
	return mtsAnswer{http.StatusCreated, map[string]any{"webhookId": id}}, nil
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

// tell sends what happened at that instant to the account's webhooks.
func (m *MTSLink) tell(event string, at time.Time, data map[string]any) {
	m.hooks.send(m.data.Webhooks, event, at.In(m.home), data)
}

// WaitWebhooks begins what is due by the account's clock and waits until every webhook that was
// sent so far, or while it waits, has been delivered or given up. The error is that of ctx.
func (m *MTSLink) WaitWebhooks(ctx context.Context) error {
	m.mu.Lock()
	m.autostart()
	m.mu.Unlock()
	select {
	case <-m.hooks.idle():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hookSender delivers webhooks beside the calls, section 6.
type hookSender struct {
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	client http.Client
	turns  chan struct{} // filled by deliveries that are being posted

	mu      sync.Mutex
	closed  bool
	pending int
	done    chan struct{} // closed while nothing is pending
}

func (h *hookSender) init(log *slog.Logger) {
	h.log = log
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.client.Timeout = mtsWebhookTimeout
	h.client.Transport = &http.Transport{MaxIdleConnsPerHost: mtsWebhookAtOnce}
	h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.turns = make(chan struct{}, mtsWebhookAtOnce)
	h.done = make(chan struct{})
	close(h.done)
}

func (h *hookSender) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	<-h.idle()
	h.client.CloseIdleConnections()
}

// idle returns what is closed once nothing is pending.
func (h *hookSender) idle() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.done
}

// add counts one more delivery, or says that none may begin any more.
func (h *hookSender) add() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	if h.pending == 0 {
		h.done = make(chan struct{})
	}
	h.pending++
	return true
}

func (h *hookSender) remove() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pending--; h.pending == 0 {
		close(h.done)
	}
}

// send delivers one happening to every address that wants it, each on its own.
func (h *hookSender) send(hooks []mtsWebhook, event string, at time.Time, data map[string]any) {
	// Both forms are seen, so both are sent: full minutes go without seconds.
	layout := "2006-01-02T15:04:05-07:00"
	if at.Second() == 0 {
		layout = "2006-01-02T15:04-07:00"
	}
	for _, hook := range hooks {
		if len(hook.Events) > 0 && !slices.Contains(hook.Events, event) {
			continue
		}
		body, err := json.Marshal(map[string]any{"event": event, "occurredAt": at.Format(layout), "data": data})
		if err != nil {
			h.log.Error("emulator: webhook", "event", event, "error", err)
			return
		}
		if h.add() {
			go func() {
				defer h.remove()
				h.deliver(hook, body)
			}()
		}
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
	h.turns <- struct{}{}
	defer func() { <-h.turns }()
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
	// Read to its end, so that the connection serves the next one too.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refuse(resp.StatusCode, "receiver answered "+resp.Status)
	}
	return nil
}
