package mtslink

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"joinery/conference"
)

// The statuses of events and sessions. There is no way back from one to an earlier one.
const (
	statusActive = "ACTIVE" // planned
	statusStart  = "START"  // live
	statusStop   = "STOP"   // finished for good
)

var statuses = map[string]conference.Status{
	statusActive: conference.StatusPlanned,
	statusStart:  conference.StatusLive,
	statusStop:   conference.StatusEnded,
}

// An event as the service tells of it, in a list or alone. Attributes may be missing, and only
// those that are needed are read, so that a surprise in another one breaks nothing.
type event struct {
	ID          id        `json:"id"`
	Name        string    `json:"name"`
	Status      string    `json:"status"`
	StartsAt    stamp     `json:"startsAt"`
	EstimatedAt stamp     `json:"estimatedAt"` // planned start; startsAt of a finished one is the actual
	Tags        tags      `json:"tags"`
	Link        string    `json:"link"` // not documented here; taken where it is given
	Sessions    []session `json:"eventSessions"`
	ownership
}

// A session is the meeting in an event.
type session struct {
	ID          id     `json:"id"`
	Name        string `json:"name"` // missing in lists that were recorded
	Status      string `json:"status"`
	StartsAt    stamp  `json:"startsAt"`
	EstimatedAt stamp  `json:"estimatedAt"`
	EndsAt      stamp  `json:"endsAt"` // the actual end, once there is one
	Tags        tags   `json:"tags"`
	Fields      any    `json:"additionalFields"` // which everybody who registers must fill
	ownership
}

// An ownership is whose an event is.
type ownership struct {
	CreateUserID lax[id] `json:"createUserId"`
	CreateUser   lax[struct {
		ID    id     `json:"id"`
		Email string `json:"email"`
	}] `json:"createUser"`
}

// owner is the member's id, empty if it is not told.
func (o ownership) owner() string {
	return string(cmp.Or(o.CreateUserID.it, o.CreateUser.it.ID))
}

// ended reports whether e, or its every session, is finished: it can neither be edited nor held.
func (e event) ended() bool {
	if e.Status == statusStop {
		return true
	}
	for _, s := range e.Sessions {
		if s.Status != statusStop {
			return false
		}
	}
	return len(e.Sessions) > 0
}

// live reports whether people are in one of e's sessions.
func (e event) live() bool {
	return slices.ContainsFunc(e.Sessions, func(s session) bool { return s.Status == statusStart })
}

// state is the status of the whole event, empty if it is not told: live while one of its sessions
// is, ended when none is left.
func (e event) state() conference.Status {
	if e.ended() {
		return conference.StatusEnded
	}
	if e.live() {
		return conference.StatusLive
	}
	if s, ok := e.open(); ok {
		return statuses[s.Status]
	}
	return statuses[e.Status]
}

// open is e's session that has not ended, if there is one; the live one first.
func (e event) open() (session, bool) {
	for _, s := range e.Sessions {
		if s.Status == statusStart {
			return s, true
		}
	}
	for _, s := range e.Sessions {
		if s.Status != statusStop {
			return s, true
		}
	}
	return session{}, false
}

// key is the first tag of e or of its sessions that match says yes to, or empty. Tags are
// compared wherever they stand: people may add their own in the service's pages.
func (e event) key(match func(string) bool) string {
	all := []tags{e.Tags}
	for _, s := range e.Sessions {
		all = append(all, s.Tags)
	}
	for _, list := range all {
		for _, tag := range list {
			if match(tag) {
				return tag
			}
		}
	}
	return ""
}

// ownedBy reports whether the owner is told to have person's address.
func (o ownership) ownedBy(person conference.Person) bool {
	address := foldAddress(person.Email)
	return address != "" && foldAddress(o.CreateUser.it.Email) == address
}

// An id is a string in lists and a number in other answers (reference §5.5).
type id string

// UnmarshalJSON implements json.Unmarshaler.
func (i *id) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	text := string(b)
	if b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	} else if b[0] < '0' || b[0] > '9' {
		return fmt.Errorf("%.40q is no id", text)
	}
	if text != "" && !validID(text) {
		return fmt.Errorf("%.40q is no id", text)
	}
	*i = id(text)
	return nil
}

// validID reports whether s can stand in a path as it is.
func validID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// A lax holds what an answer need not have: what cannot be read is the zero value.
type lax[T any] struct{ it T }

// UnmarshalJSON implements json.Unmarshaler.
func (l *lax[T]) UnmarshalJSON(b []byte) error {
	var it T
	if json.Unmarshal(b, &it) == nil {
		l.it = it
	}
	return nil
}

// A stamp is an instant as answers write it. What cannot be read is the zero time: no decision
// hangs on it alone.
type stamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (s *stamp) UnmarshalJSON(b []byte) error {
	s.Time = instant(b, nil)
	return nil
}

// instant reads a time as JSON: a string with or without a colon in the offset, with or without
// seconds; a number of seconds or milliseconds; and if there is a loc, a string without an offset,
// as loc's wall clock. What cannot be read is the zero time.
func instant(b []byte, loc *time.Location) time.Time {
	var text string
	if json.Unmarshal(b, &text) != nil {
		text = string(b)
	}
	const second, millisecond = 1e9, 1e12 // both in 2001
	switch n, err := strconv.ParseInt(text, 10, 64); {
	case err == nil && n > millisecond:
		return time.UnixMilli(n).UTC()
	case err == nil && n > second:
		return time.Unix(n, 0).UTC()
	}
	text = strings.Replace(strings.TrimSpace(text), " ", "T", 1)
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339, "2006-01-02T15:04-0700", "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if loc == nil {
			break
		}
		if at, err := time.ParseInLocation(layout, text, loc); err == nil {
			return at
		}
	}
	return time.Time{}
}

// tags are read as strings, as objects that hold the string, or as an object of either.
type tags []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *tags) UnmarshalJSON(b []byte) error {
	var value any
	if err := json.Unmarshal(b, &value); err != nil {
		return err
	}
	*t = gather(nil, value, 0)
	return nil
}

func gather(found []string, v any, depth int) []string {
	if depth > 3 {
		return found
	}
	switch v := v.(type) {
	case string:
		found = append(found, v)
	case []any:
		for _, e := range v {
			found = gather(found, e, depth+1)
		}
	case map[string]any:
		for _, e := range v {
			found = gather(found, e, depth+1)
		}
	}
	return found
}

// validLink reports whether link can be given to people: an absolute web address without
// anything that could break out of a line.
func validLink(link string) bool {
	if link == "" || len(link) > 2000 || strings.ContainsFunc(link, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`"<>\`, r)
	}) {
		return false
	}
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// postEvent makes an event (article 19681).
func (p *Provider) postEvent(ctx context.Context, form url.Values) (eventID, link string, err error) {
	var out struct {
		ID   id     `json:"eventId"`
		Link string `json:"link"`
	}
	err = p.do(ctx, call{method: http.MethodPost, path: "/events", form: form, out: &out})
	return string(out.ID), out.Link, err
}

// postSession makes the session of an event (article 3148409). What is not said is inherited from
// the event.
func (p *Provider) postSession(ctx context.Context, eventID string) (sessionID string, err error) {
	var out struct {
		ID id `json:"eventSessionId"`
	}
	form := url.Values{"startType": {"autostart"}}
	err = p.do(ctx, call{method: http.MethodPost, path: "/events/{id}/sessions", id: eventID, form: form, out: &out})
	return string(out.ID), err
}

// getEvent reads an event with its sessions (article 19677).
func (p *Provider) getEvent(ctx context.Context, eventID string) (event, error) {
	var out event
	err := p.do(ctx, call{method: http.MethodGet, path: "/organization/events/{id}", id: eventID, out: &out})
	return out, err
}

// getSession reads one session (article 19677).
func (p *Provider) getSession(ctx context.Context, sessionID string) (session, error) {
	var out session
	err := p.do(ctx, call{method: http.MethodGet, path: "/eventsessions/{id}", id: sessionID, out: &out})
	return out, err
}

// putOwner makes an event another member's (article 19674).
func (p *Provider) putOwner(ctx context.Context, eventID, userID string) error {
	form := url.Values{"userId": {userID}}
	return p.do(ctx, call{method: http.MethodPut, path: "/organization/events/{id}/move", id: eventID, form: form})
}

// putEvent edits an event that has not begun (article 19675).
func (p *Provider) putEvent(ctx context.Context, eventID string, form url.Values) error {
	return p.do(ctx, call{method: http.MethodPut, path: "/organization/events/{id}", id: eventID, form: form})
}

// putSession edits a session that has not ended (article 19675).
func (p *Provider) putSession(ctx context.Context, sessionID string, form url.Values) error {
	return p.do(ctx, call{method: http.MethodPut, path: "/eventsessions/{id}", id: sessionID, form: form})
}

// putState starts or stops a session (articles 19598, 19597); 404 says that it is done already, or
// that the session is not there.
func (p *Provider) putState(ctx context.Context, sessionID, verb string) error {
	return p.do(ctx, call{method: http.MethodPut, path: "/eventsessions/{id}/" + verb, id: sessionID})
}

// deleteSession deletes a session (article 19672). sendEmail is true by default: the service would
// write to everybody itself.
func (p *Provider) deleteSession(ctx context.Context, sessionID string) error {
	form := url.Values{"sendEmail": {"false"}}
	return p.do(ctx, call{method: http.MethodDelete, path: "/eventsessions/{id}", id: sessionID, form: form})
}

// deleteEvent deletes an event with its unfinished sessions (article 19673). The page names no
// sendEmail; as the other deletion mails by default, it is sent here too.
func (p *Provider) deleteEvent(ctx context.Context, eventID string) error {
	form := url.Values{"sendEmail": {"false"}}
	return p.do(ctx, call{method: http.MethodDelete, path: "/organization/events/{id}", id: eventID, form: form})
}
