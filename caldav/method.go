package caldav

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// davHeader is what OPTIONS and every other answer say (RFC 4918 §10.1, RFC 4791 §5.1, RFC 6638 §2).
const davHeader = "1, 3, access-control, extended-mkcol, calendar-access, calendar-auto-schedule"

type handler func(*request) error

// methodTable says what can be done with each kind of resource.
func methodTable() map[kind]map[string]handler {
	collection := map[string]handler{
		"OPTIONS": (*request).options, "GET": (*request).getCollection, "HEAD": (*request).getCollection,
		"PROPFIND": (*request).propfind, "REPORT": (*request).report,
	}
	settable := with(collection, map[string]handler{"PROPPATCH": (*request).proppatch})
	return map[kind]map[string]handler{
		kindRoot:       collection,
		kindPrincipals: collection,
		kindPrincipal:  settable,
		kindHomes:      collection,
		kindHome:       settable,
		kindInbox:      settable,
		kindOutbox:     with(settable, map[string]handler{"POST": (*request).outboxPost}),
		kindCalendar: with(settable, map[string]handler{
			"GET": (*request).getCalendar, "HEAD": (*request).getCalendar,
			"DELETE": (*request).deleteCalendar, "COPY": (*request).copyCalendar, "MOVE": (*request).moveCalendar, "MKCALENDAR": (*request).mkcalendar, "MKCOL": (*request).mkcol,
		}),
		kindObject: {
			"OPTIONS": (*request).options, "GET": (*request).getObject, "HEAD": (*request).getObject,
			"PUT": (*request).putObject, "DELETE": (*request).deleteObject, "MOVE": (*request).moveObject,
			"COPY": (*request).copyObject, "PROPFIND": (*request).propfind, "PROPPATCH": (*request).proppatch,
			"REPORT": (*request).report, "MKCALENDAR": (*request).mkcalendar, "MKCOL": (*request).mkcol,
		},
		kindInboxItem: {
			"OPTIONS": (*request).options, "GET": (*request).getObject, "HEAD": (*request).getObject,
			"DELETE": (*request).deleteMessage, "PROPFIND": (*request).propfind, "PROPPATCH": (*request).proppatch,
			"REPORT": (*request).report, "PUT": (*request).refuseMessage,
			"MKCALENDAR": (*request).mkcalendar, "MKCOL": (*request).mkcol,
		},
		kindNone: {"OPTIONS": (*request).options},
	}
}

func with(base, more map[string]handler) map[string]handler {
	m := make(map[string]handler, len(base)+len(more))
	for k, v := range base {
		m[k] = v
	}
	for k, v := range more {
		m[k] = v
	}
	return m
}

// allowed lists a kind's methods.
func (s *Server) allowed(k kind) []string {
	var ms []string
	for m := range s.methods[k] {
		ms = append(ms, m)
	}
	slices.Sort(ms)
	return ms
}

func joinAllow(ms []string) string { return strings.Join(ms, ", ") }

// options answers OPTIONS.
func (q *request) options() error {
	allow, err := q.allowedHere()
	if err != nil {
		return err
	}
	q.w.Header().Set("Allow", joinAllow(allow))
	q.w.Header().Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// allowedHere lists the methods of the very resource. Without credentials nothing is looked up, so that
// nobody learns what there is: then they are those of the kind.
func (q *request) allowedHere() ([]string, error) {
	allow := q.allowed(q.place.kind)
	if q.user == nil || q.place.kind&(kindCalendar|kindMember) == 0 {
		return allow, nil
	}
	_, err := q.lookup(q.place)
	switch {
	case err == nil:
		return slices.DeleteFunc(allow, func(m string) bool {
			return m == "MKCALENDAR" || m == "MKCOL" || m == "PUT" && q.place.kind == kindInboxItem
		}), nil
	case !errors.Is(err, errNotFound):
		return nil, err
	case q.place.kind == kindCalendar:
		return []string{"MKCALENDAR", "MKCOL", "OPTIONS"}, nil
	case q.place.kind == kindInboxItem || q.place.slash:
		return []string{"OPTIONS"}, nil
	}
	return []string{"OPTIONS", "PUT"}, nil
}

// getCollection answers GET on a collection other than a calendar with a line for people.
func (q *request) getCollection() error {
	res, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	text := "This is a CalDAV server. Give this address to a calendar program."
	switch res.kind {
	case kindHome, kindPrincipal:
		text = fmt.Sprintf("Here are the calendars of %s. Give this address to a calendar program.", res.displayName())
	}
	text += "\n"
	h := q.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", fmt.Sprint(len(text)))
	h.Set("Cache-Control", "no-store")
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method == http.MethodHead {
		return nil
	}
	_, err = q.w.Write([]byte(text))
	return err
}
