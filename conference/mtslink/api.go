package mtslink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"joinery/conference"
)

// Limits of what is read of an answer, in bytes. A page of 250 events with their sessions can
// pass the first.
const (
	answerLimit = 1 << 20
	listLimit   = 8 << 20
)

// A call is one request to the service.
type call struct {
	method string
	path   string // "{id}" stands for id
	id     string
	query  url.Values
	form   url.Values // sent in the body, also on DELETE, as the service's clients do
	again  bool       // repeating it is harmless although it is a POST
	named  bool       // query or form name an entity: 404 says that it is not there
	limit  int64      // of the answer, 0: answerLimit
	out    any        // where the answer's JSON goes; nil: it is not read
}

// name is the call as errors and logs name it.
func (c call) name() string { return c.method + " " + c.path }

// creates reports whether repeating the call could make a second thing.
func (c call) creates() bool { return c.method == http.MethodPost && !c.again }

// byID reports whether the path names an entity.
func (c call) byID() bool { return strings.Contains(c.path, "{id}") }

// unclear is the kind of an error after which the call's effect is not known.
func (c call) unclear() conference.ErrorKind {
	if c.creates() {
		return conference.Ambiguous
	}
	return conference.Temporary
}

// do makes the call. Its error is a *conference.Error.
func (p *Provider) do(ctx context.Context, c call) error {
	fail := func(kind conference.ErrorKind, err error) error {
		return &conference.Error{Kind: kind, Call: c.name(), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fail(conference.Temporary, err)
	}
	if c.byID() && !validID(c.id) {
		return fail(conference.Gone, fmt.Errorf("%q is no id of the service", c.id))
	}

	// Until a connection was had, the service cannot have seen the request.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	target := *p.base
	target.Path += strings.Replace(c.path, "{id}", c.id, 1)
	target.RawQuery = c.query.Encode()
	var body io.Reader
	if c.form != nil {
		body = strings.NewReader(c.form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, c.method, target.String(), body)
	if err != nil {
		return fail(conference.Invalid, errors.New("the request cannot be built"))
	}
	req.Header.Set("x-auth-token", string(p.token))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Joinery")
	if c.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}

	begun := p.now()
	res, err := p.client.Do(req)
	if err != nil {
		p.log.DebugContext(ctx, "call failed", "call", c.name(), "id", c.id, "took", p.now().Sub(begun), "connected", connected.Load())
		kind := c.unclear()
		if !connected.Load() {
			kind = conference.Temporary
		}
		return fail(kind, withoutAddress(err))
	}
	defer func() { _ = res.Body.Close() }()
	limit := c.limit
	if limit == 0 {
		limit = answerLimit
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	p.log.DebugContext(ctx, "call", "call", c.name(), "id", c.id, "status", res.StatusCode, "took", p.now().Sub(begun))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return p.refused(c, res, answer)
	}
	if c.out == nil {
		return nil
	}
	if err != nil {
		return fail(c.unclear(), fmt.Errorf("reading the answer: %w", withoutAddress(err)))
	}
	if int64(len(answer)) > limit {
		return fail(c.unclear(), fmt.Errorf("the answer is longer than %d bytes", limit))
	}
	if err := json.Unmarshal(answer, c.out); err != nil {
		return fail(c.unclear(), errors.New("the answer is not the JSON that is expected"))
	}
	return nil
}

// withoutAddress takes the request's address, which may hold a person's, out of err.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// refused turns an answer outside 2xx into an error (reference §9).
func (p *Provider) refused(c call, res *http.Response, body []byte) error {
	said := p.said(body)
	e := &conference.Error{Call: c.name(), Err: refusal{res.StatusCode, said}}
	switch status := res.StatusCode; {
	case status == http.StatusBadRequest:
		e.Kind, e.Reason = conference.Invalid, reasonOf(said)
	case status == http.StatusUnauthorized:
		e.Kind, e.Reason = conference.Denied, conference.ReasonCredentials
	case status == http.StatusForbidden:
		e.Kind, e.Reason = conference.Denied, conference.ReasonCredentials
		if strings.Contains(strings.ToLower(said), "owner is not submitted") {
			e.Reason = conference.ReasonOwner
		}
	case status == http.StatusNotFound && !c.byID() && !c.named:
		// No entity was asked for: this address has no such call.
		e.Kind = conference.Denied
		e.Err = fmt.Errorf("%w: base_url seems wrong", e.Err)
	case status == http.StatusNotFound, status == http.StatusGone:
		e.Kind = conference.Gone
	case status == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = conference.Limited, retryAfter(res.Header.Get("Retry-After"), p.now())
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		e.Kind, e.Err = c.unclear(), fmt.Errorf("%w: %w", e.Err, gatewayTimeout{})
	case status >= 500:
		e.Kind = c.unclear()
	case status < 400:
		e.Kind = conference.Temporary
		e.Err = fmt.Errorf("%w: redirects are not followed, base_url seems wrong", e.Err)
	default: // 405, 409 and whatever else says that the request will not do
		e.Kind = conference.Invalid
	}
	return e
}

// A refusal is in the error of an answer outside 2xx.
type refusal struct {
	status int
	said   string // the service's message, empty if there was none
}

func (r refusal) Error() string {
	if r.said == "" {
		return fmt.Sprintf("status %d", r.status)
	}
	return fmt.Sprintf("status %d: %q", r.status, r.said)
}

// answered reports whether err is the service's answer with one of statuses.
func answered(err error, statuses ...int) bool {
	var r refusal
	return errors.As(err, &r) && slices.Contains(statuses, r.status)
}

// A gatewayTimeout is in the error of an answer by which somebody on the way gave up: the service
// may still be at it. It is a net.Error, as when we give up ourselves.
type gatewayTimeout struct{}

var _ net.Error = gatewayTimeout{}

func (gatewayTimeout) Error() string   { return "given up on the way" }
func (gatewayTimeout) Timeout() bool   { return true }
func (gatewayTimeout) Temporary() bool { return true }

// said is the service's message, made safe for a log line; empty if the body is of another shape.
func (p *Provider) said(body []byte) string {
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, answer.Error.Message)
	// A service that shows the key back must not bring it into our logs.
	return conference.FitTitle(strings.ReplaceAll(text, string(p.token), "***"), 200)
}

// reasonOf guesses what a 400 is about; most messages are not published.
func reasonOf(said string) conference.Reason {
	said = strings.ToLower(said)
	switch {
	case strings.Contains(said, "error_blank"): // the one that is published
		return conference.ReasonFields
	case strings.Contains(said, "date"), strings.Contains(said, "startsat"), strings.Contains(said, "time"):
		return conference.ReasonTime
	case strings.Contains(said, "name"):
		return conference.ReasonTitle
	}
	return ""
}

// retryAfter reads the header of RFC 9110 §10.2.3, a number of seconds or a date; 0 if it says
// nothing.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 7*24*3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), 7*24*time.Hour)
	}
	return 0
}

// isKind reports whether err is an error of one of kinds.
func isKind(err error, kinds ...conference.ErrorKind) bool {
	return slices.Contains(kinds, conference.KindOf(err))
}
