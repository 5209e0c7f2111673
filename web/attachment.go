package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"joinery/store"
)

// Whoever takes a file gets so long for each so many bytes of it, and downloadLeast besides.
const (
	downloadLeast = time.Minute
	downloadRate  = 16 << 10 // bytes a second
)

// attachment answers /a/TOKEN/NAME: a file that is attached to an event. Whoever has the address may read it;
// NAME is for people and not looked at. What was attached is a stranger's, so no browser shows it as a page of
// this server. Tokens are secrets: they stand in no log and no header.
type attachment struct {
	store *store.Store
	log   *slog.Logger
}

func (h *attachment) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, "GET, HEAD")
		return
	}
	token, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/a/"), "/")
	if !tokenLike(token) || strings.Contains(name, "/") {
		notFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), doorTimeout)
	defer cancel()
	var a *store.Attachment
	err := h.store.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.AttachmentByToken(token)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		notFound(w, r)
		return
	case err != nil:
		h.log.Error("look up an attachment", "error", strings.ReplaceAll(err.Error(), token, "TOKEN"))
		trouble(w, r, wordsFor(r, ""))
		return
	}
	head := w.Header()
	guardLink(head)
	head.Set("Cache-Control", "private, no-cache") // the file does not change, but it can be taken away
	head.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Content-Type", a.Type)
	head.Set("Content-Disposition", disposition(a.Name))
	head.Set("ETag", fmt.Sprintf("%q", a.ManagedID)) // its bytes never change
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range") // many small pieces would have the same bytes read many times (RFC 9110 §14.2 allows it)
	}
	by := time.Now().Add(downloadLeast + time.Duration(a.Size/downloadRate)*time.Second)
	_ = http.NewResponseController(w).SetWriteDeadline(by) // unsupported in tests only
	http.ServeContent(w, r, "", a.Created, h.store.OpenAttachment(r.Context(), a))
}

// disposition has a browser save a file under its name.
func disposition(name string) string {
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": name}); d != "" {
		return d
	}
	return "attachment"
}
