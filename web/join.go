package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"joinery/caldav/change"
)

const (
	doorTimeout = 5 * time.Second
	maxToken    = 128 // bytes; ours are far shorter
)

// joinPage answers /j/TOKEN: it leads to the room of the moment, or says why there is none.
// Tokens are secrets: they stand in no page, no log and no error of its own.
type joinPage struct {
	door func(ctx context.Context, token string) (change.Door, bool, error)
	now  func() time.Time
	log  *slog.Logger
}

func (j *joinPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, "GET, HEAD")
		return
	}
	token := strings.TrimPrefix(r.URL.Path, "/j/")
	// What cannot be a token is answered just as one that nobody has.
	if token == "" || token == r.URL.Path || len(token) > maxToken || strings.Contains(token, "/") {
		notFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), doorTimeout)
	defer cancel()
	d, ok, err := j.door(ctx, token)
	switch {
	case err != nil:
		j.log.Error("look up a join page", "error", strings.ReplaceAll(err.Error(), token, "TOKEN"))
		j.trouble(w, r, "")
	case !ok:
		notFound(w, r)
	case d.State == change.DoorOpen:
		j.enter(w, r, &d)
	default:
		p := doorPage(&d, wordsFor(r, d.Locale), j.now())
		if p == nil {
			j.log.Error("look up a join page", "error", "unknown state", "state", string(d.State))
			j.trouble(w, r, d.Locale)
			return
		}
		p.write(w, r)
	}
}

// enter sends the reader to the room. The answer is good for this moment only: the next meeting has
// another room.
func (j *joinPage) enter(w http.ResponseWriter, r *http.Request, d *change.Door) {
	u, ok := roomURL(d.URL)
	if !ok {
		// The address is not logged: it may be somebody's own.
		j.log.Error("open a join page", "error", "the room's address is not one of http or https", "service", d.Service)
		j.trouble(w, r, d.Locale)
		return
	}
	guardLink(w.Header())
	http.Redirect(w, r, u, http.StatusFound)
}

// trouble answers 503 with a page that tries again.
func (j *joinPage) trouble(w http.ResponseWriter, r *http.Request, locale string) {
	trouble(w, r, wordsFor(r, locale))
}

// methodNotAllowed answers 405 without a body.
func methodNotAllowed(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusMethodNotAllowed)
}
