package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"joinery/conference"
)

const (
	maxHook     = 64 << 10        // bytes of a webhook's body
	hookTimeout = 4 * time.Second // services give up soon, and some then stop sending for good
	maxAccount  = 64              // bytes of an account's name
)

// Errors of Options.Hook that are the sender's own fault, or an outdated address at the service.
var (
	// ErrUnknownHook is an account that does not exist or takes no webhooks: 404.
	ErrUnknownHook = errors.New("no account of that name takes webhooks")
	// ErrUnreadableHook is a genuine webhook whose body cannot be read: 400, for sending it again
	// would not help.
	ErrUnreadableHook = errors.New("the webhook cannot be read")
)

// hook answers POST /hook/NAME, where a provider's service tells what has happened. A webhook is
// only a hint to look, so one that is lost, late or sent twice does no harm.
type hook struct {
	take func(ctx context.Context, account string, header http.Header, body []byte) error
	now  func() time.Time
	log  *slog.Logger

	timeout time.Duration // for take
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	account := strings.TrimPrefix(r.URL.Path, "/hook/")
	if account == "" || account == r.URL.Path || len(account) > maxAccount || strings.Contains(account, "/") {
		notFound(w, r)
		return
	}
	if r.Method != http.MethodPost {
		methodNotAllowed(w, "POST")
		return
	}
	began := h.now()
	status, err := h.answer(w, r, account)
	attributes := []any{"account", account, "status", status, "took", h.now().Sub(began)}
	if err != nil {
		attributes = append(attributes, "error", err)
	}
	h.log.Info("webhook", attributes...)
	w.Header().Set("Cache-Control", "no-store")
	switch status {
	case http.StatusUnauthorized:
		// A 401 names a scheme (RFC 9110 §11.6.1); the services have none that is registered.
		w.Header().Set("WWW-Authenticate", "Signature")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "60")
	}
	w.WriteHeader(status)
}

// answer takes the webhook and says with which status.
func (h *hook) answer(w http.ResponseWriter, r *http.Request, account string) (int, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, nil
	case err != nil:
		return http.StatusBadRequest, err
	}
	// What was told is kept although the teller hangs up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), h.timeout)
	defer cancel()
	done := make(chan error, 1)
	header := r.Header.Clone()
	go func() {
		// Here nobody else catches it, and it was a stranger who sent what is being read.
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("take the webhook: panic: %v", v)
			}
		}()
		done <- h.take(ctx, account, header, body)
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		// The store's writer may be busy for longer than it heeds the context.
		err = ctx.Err()
	}
	return hookStatus(err), err
}

// hookStatus maps the outcome of Options.Hook. What it does not know is trouble of our own: services
// send again after a 5xx.
func hookStatus(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, conference.ErrForged):
		return http.StatusUnauthorized
	case errors.Is(err, ErrUnknownHook):
		return http.StatusNotFound
	case errors.Is(err, ErrUnreadableHook):
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}
