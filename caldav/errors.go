package caldav

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// The XML namespaces that are spoken here.
const (
	nsDAV   = "DAV:"
	nsCal   = "urn:ietf:params:xml:ns:caldav"
	nsCS    = "http://calendarserver.org/ns/"
	nsApple = "http://apple.com/ns/ical/"
)

// An httpError is a request that is refused: its status, and where the standards name one the
// precondition that it broke (RFC 4918 §16).
type httpError struct {
	status     int
	condition  xml.Name // empty: a short text instead of a DAV:error
	inner      string   // XML inside the condition's element
	text       string
	retryAfter time.Duration
	allow      []string // 405 only
}

func (e *httpError) Error() string {
	if e.condition.Local != "" {
		return fmt.Sprintf("%d %s", e.status, e.condition.Local)
	}
	return fmt.Sprintf("%d %s", e.status, e.text)
}

// refuse returns an error with a text and no precondition.
func refuse(status int, format string, args ...any) *httpError {
	return &httpError{status: status, text: fmt.Sprintf(format, args...)}
}

// davError and calError return an error that names a precondition of their namespace.
func davError(status int, condition string) *httpError {
	return &httpError{status: status, condition: xml.Name{Space: nsDAV, Local: condition}}
}

func calError(status int, condition string) *httpError {
	return &httpError{status: status, condition: xml.Name{Space: nsCal, Local: condition}}
}

// statusClosed is what logs and metrics say of requests whose client has gone.
const statusClosed = 499

// fullRetry is when a client may try again what found the disk full.
const fullRetry = time.Minute

var errNotFound = refuse(http.StatusNotFound, "there is nothing here")

// asHTTPError says what the client is told about err. An error that is not the client's is 500
// and tells nothing of itself; where the disk is full it is 507 (RFC 4918 §11.5).
func asHTTPError(err error, home func(name string) string) *httpError {
	var h *httpError
	if errors.As(err, &h) {
		return h
	}
	var r *change.Refusal
	if errors.As(err, &r) {
		h = &httpError{status: r.Status, text: r.Text}
		if r.Condition != "" {
			h.condition = xml.Name{Space: r.Space, Local: r.Condition}
		}
		if r.Name != "" && home != nil {
			h.inner = hrefXML(home(r.Name))
		}
		return h
	}
	if errors.Is(err, store.ErrNotFound) {
		return errNotFound
	}
	if errors.Is(err, store.ErrFull) {
		h = refuse(http.StatusInsufficientStorage, "the server's disk is full: nothing was stored")
		h.retryAfter = fullRetry
		return h
	}
	if errors.Is(err, context.Canceled) {
		return refuse(statusClosed, "the request was given up")
	}
	if errors.Is(err, store.ErrExists) {
		return davError(http.StatusConflict, "resource-must-be-null")
	}
	return refuse(http.StatusInternalServerError, "something went wrong here; it was logged")
}

// writeError answers with e.
func writeError(w http.ResponseWriter, e *httpError) {
	h := w.Header()
	for _, name := range []string{"ETag", "Last-Modified", "Schedule-Tag", "Location", "Content-Encoding", "Content-Length", "Preference-Applied"} {
		h.Del(name)
	}
	if e.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.retryAfter+time.Second-1)/time.Second)))
	}
	if e.allow != nil {
		h.Set("Allow", joinAllow(e.allow))
	}
	if e.condition.Local == "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(e.status)
		fmt.Fprintln(w, e.text)
		return
	}
	h.Set("Content-Type", xmlType)
	w.WriteHeader(e.status)
	fmt.Fprint(w, xmlHeader+`<D:error`+rootNamespaces+`>`, elementXML(e.condition, e.inner), `</D:error>`)
}
