package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"joinery/store"
)

// How long a look at the store may take, and how long its result serves others who ask.
const (
	healthTimeout = 5 * time.Second
	healthFresh   = time.Second
)

// health answers /healthz: 200 "ok" if the store can be read and written, else 503 with one line.
// Accounts that fail are named, with 200: another process would fare no better with them.
type health struct {
	store    *store.Store
	accounts func() []Account
	now      func() time.Time
	log      *slog.Logger

	mu   sync.Mutex // held while looking: many who ask are one look
	at   time.Time
	last string // what is wrong; empty: nothing
}

func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if problem := h.look(r.Context()); problem != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, problem)
		return
	}
	fmt.Fprintln(w, "ok")
	for _, a := range h.accounts() {
		if a.Failing {
			fmt.Fprintf(w, "provider %s is failing; joinery doctor says why\n", a.Name)
		}
	}
}

// look says in one line what is wrong. Details, which may name paths, go to the log.
func (h *health) look(ctx context.Context) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := h.now().Sub(h.at); age >= 0 && age < healthFresh {
		return h.last
	}
	// The client's going away must not look like a store that hangs.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthTimeout)
	defer cancel()
	h.last = ""
	if err := h.store.Ping(ctx); err != nil {
		h.last = "the store cannot be read"
		h.log.Error(h.last, "error", err)
	} else if err := h.write(ctx); err != nil {
		h.last = "the store cannot be written"
		h.log.Error(h.last, "error", err)
	}
	h.at = h.now()
	return h.last
}

// write proves that changes can be stored.
func (h *health) write(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- h.store.Probe(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
