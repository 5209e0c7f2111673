package caldav

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"joinery/store"
)

// tokenPrefix begins our sync tokens. They are URIs (RFC 6578 §3.2) that lead nowhere and stay the
// same under every name of the server.
const tokenPrefix = "https://joinery.invalid/sync/"

// syncToken is the state of a collection's members; it serves as ctag, too.
func syncToken(res *resource) string {
	if res.kind == kindInbox {
		return tokenPrefix + "inbox/0" // it has no members
	}
	return calendarToken(res.cal.ID, res.cal.Seq)
}

func calendarToken(id, seq int64) string { return fmt.Sprintf("%s%d/%d", tokenPrefix, id, seq) }

// parseToken returns the sequence that a client's token stands for: 0 for an empty one.
func parseToken(c *store.Calendar, token string) (int64, bool) {
	if token == "" {
		return 0, true
	}
	id, seq, ok := strings.Cut(strings.TrimPrefix(token, tokenPrefix), "/")
	if !ok || !strings.HasPrefix(token, tokenPrefix) || id != strconv.FormatInt(c.ID, 10) {
		return 0, false
	}
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil || n < 0 || n > c.Seq {
		return 0, false
	}
	return n, true
}

var errSyncToken = davError(http.StatusForbidden, "valid-sync-token")

// syncCollection answers sync-collection (RFC 6578 §3.2). Depth is 0 by the standard, 1 from
// Thunderbird, absent from others: all mean the same.
func (q *request) syncCollection(root *element) error {
	if d, err := depth(q.r.Header, 0); err != nil || d < 0 {
		return refuse(http.StatusBadRequest, "Depth is 0 here")
	}
	pq, err := parseProps(root, true)
	if err != nil {
		return err
	}
	if root.child(nsDAV, "sync-token") == nil {
		return refuse(http.StatusBadRequest, "a sync-token is needed, if an empty one")
	}
	token := root.child(nsDAV, "sync-token").trimmed()
	limit := 0
	if l := root.child(nsDAV, "limit").child(nsDAV, "nresults"); l != nil {
		if limit, err = strconv.Atoi(l.trimmed()); err != nil || limit < 1 {
			return refuse(http.StatusBadRequest, "nresults is a number above zero")
		}
	}
	return q.store.View(q.ctx(), func(tx *store.Tx) error {
		res, err := q.resolve(tx, q.place)
		if err != nil {
			return err
		}
		if res.kind == kindInbox {
			if token != "" && token != syncToken(res) {
				return errSyncToken
			}
			return q.startMultistatus().end(tokenXML(syncToken(res)))
		}
		since, ok := parseToken(res.cal, token)
		if !ok {
			return errSyncToken
		}
		if since == 0 && limit == 0 {
			return q.syncAll(tx, res, pq)
		}
		return q.syncChanges(tx, res, pq, since, limit)
	})
}

func tokenXML(token string) string {
	return "<D:sync-token>" + escape(token) + "</D:sync-token>"
}

// syncAll is a first synchronisation: all members, streamed.
func (q *request) syncAll(tx *store.Tx, res *resource, pq *propQuery) error {
	ms := q.startMultistatus()
	err := q.eachChild(tx, res, pq.needsData(), func(m *resource) error {
		groups, err := q.propstats(m, pq)
		if err != nil {
			return err
		}
		return ms.response(m.href(), groups)
	})
	if err != nil {
		return err
	}
	return ms.end(tokenXML(syncToken(res)))
}

func (q *request) syncChanges(tx *store.Tx, res *resource, pq *propQuery, since int64, limit int) error {
	changes, upTo, more, err := tx.Changes(res.cal.ID, since, limit)
	if errors.Is(err, store.ErrExpiredToken) {
		return errSyncToken
	}
	if err != nil {
		return fmt.Errorf("reading the changes: %w", err)
	}
	ms := q.startMultistatus()
	for _, c := range changes {
		href := objectPath(res.user.Login, res.cal.Slug, c.Name)
		var o *store.Object
		if !c.Removed {
			if o, err = tx.ObjectByName(res.cal.ID, c.Name); err != nil && !errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("reading the object: %w", err)
			}
		}
		if o == nil {
			if err := ms.status(href, http.StatusNotFound, ""); err != nil {
				return err
			}
			continue
		}
		groups, err := q.propstats(&resource{kind: kindObject, user: res.user, cal: res.cal, obj: o}, pq)
		if err != nil {
			return err
		}
		if err := ms.response(href, groups); err != nil {
			return err
		}
	}
	if more { // RFC 6578 §3.6
		err := ms.status(res.href(), http.StatusInsufficientStorage, "<D:number-of-matches-within-limits/>")
		if err != nil {
			return err
		}
	}
	return ms.end(tokenXML(calendarToken(res.cal.ID, upTo)))
}
