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
func syncToken(res *resource) string { return tokenAt(res.cal, res.cal.Seq) }

func tokenAt(c *store.Calendar, seq int64) string {
	return fmt.Sprintf("%s%s/%d", tokenPrefix, tokenID(c), seq)
}

// tokenWithin is the token of a first list that a limit ended at listed; it began at the state began.
func tokenWithin(c *store.Calendar, listed, began int64) string {
	return fmt.Sprintf("%s-%d", tokenAt(c, listed), began)
}

// tokenID names a collection in its tokens: an inbox by its owner, because it may have no row yet.
func tokenID(c *store.Calendar) string {
	if c.Inbox {
		return fmt.Sprintf("inbox-%d", c.UserID)
	}
	return strconv.FormatInt(c.ID, 10)
}

// parseToken returns the sequence that a client's token stands for, 0 for an empty one, and within a first
// list the one at which it began, else 0.
func parseToken(c *store.Calendar, token string) (since, began int64, ok bool) {
	if token == "" {
		return 0, 0, true
	}
	id, state, ok := strings.Cut(strings.TrimPrefix(token, tokenPrefix), "/")
	if !ok || !strings.HasPrefix(token, tokenPrefix) || id != tokenID(c) {
		return 0, 0, false
	}
	listed, beginning, within := strings.Cut(state, "-")
	since, err := strconv.ParseInt(listed, 10, 64)
	if err == nil && within {
		began, err = strconv.ParseInt(beginning, 10, 64)
	}
	if err != nil || since < 0 || since > c.Seq || within && (began <= since || began > c.Seq) {
		return 0, 0, false
	}
	return since, began, true
}

var errSyncToken = davError(http.StatusForbidden, "valid-sync-token")

// syncCollection answers sync-collection (RFC 6578 §3.2). Depth is 0 by the standard, 1 from
// Thunderbird, absent from others: all mean the same.
func (q *request) syncCollection(root *element) error {
	if d, err := depth(q.r.Header, 0); err != nil || d < 0 {
		return refuse(http.StatusBadRequest, "Depth is 0 here")
	}
	pq, err := q.reportProps(root)
	if err != nil {
		return err
	}
	if root.child(nsDAV, "sync-token") == nil {
		return refuse(http.StatusBadRequest, "a sync-token is needed, if an empty one")
	}
	switch level := root.child(nsDAV, "sync-level"); { // older clients leave it out
	case level == nil, level.trimmed() == "1":
	case level.trimmed() == "infinite":
		return davError(http.StatusForbidden, "sync-traversal-supported")
	default:
		return refuse(http.StatusBadRequest, "sync-level is 1")
	}
	token := root.child(nsDAV, "sync-token").trimmed()
	limit := 0
	if l := root.child(nsDAV, "limit").child(nsDAV, "nresults"); l != nil {
		if limit, err = strconv.Atoi(l.trimmed()); err != nil || limit < 1 {
			return refuse(http.StatusBadRequest, "nresults is a number above zero")
		}
	}
	var l syncList
	err = q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		l, err = q.listChanges(tx, token, limit)
		return err
	})
	if err != nil {
		return err
	}
	ms := q.startMultistatus()
	if l.whole {
		err = q.writeAll(ms, l.res, pq)
	} else {
		err = q.writeChanges(ms, l.res, l.changes, pq)
	}
	if err != nil {
		return err
	}
	if l.more { // RFC 6578 §3.6
		ms.truncated(l.res.href())
	}
	return ms.end(tokenXML(l.token))
}

func tokenXML(token string) string {
	return "<D:sync-token>" + escape(token) + "</D:sync-token>"
}

// A syncList is what a synchronisation tells of, as it stood when its token was taken.
type syncList struct {
	res     *resource
	whole   bool           // a first synchronisation: of all members
	changes []store.Change // of any other
	more    bool
	token   string
}

// listChanges finds what to tell a client that has a token.
func (q *request) listChanges(tx *store.Tx, token string, limit int) (l syncList, err error) {
	if l.res, err = q.resolve(tx, q.place); err != nil {
		return l, err
	}
	l.token = syncToken(l.res)
	since, began, ok := parseToken(l.res.cal, token)
	if !ok {
		return l, errSyncToken
	}
	if l.res.cal.ID == 0 {
		return l, nil // an inbox that never held anything
	}
	if since == 0 && began == 0 && limit == 0 {
		l.whole = true
		return l, nil
	}
	var upTo int64
	if began > 0 {
		l.changes, upTo, l.more, err = tx.MoreMembers(l.res.cal.ID, since, began, limit)
	} else {
		l.changes, upTo, l.more, err = tx.Changes(l.res.cal.ID, since, limit)
		if since == 0 {
			began = l.res.cal.Seq
		}
	}
	if errors.Is(err, store.ErrExpiredToken) {
		return l, errSyncToken
	}
	if err != nil {
		return l, fmt.Errorf("reading the changes: %w", err)
	}
	l.token = tokenAt(l.res.cal, upTo)
	if l.more && upTo < began {
		l.token = tokenWithin(l.res.cal, upTo, began)
	}
	return l, nil
}

func (q *request) writeChanges(ms *multistatus, res *resource, changes []store.Change, pq *propQuery) error {
	if tags := q.tagList(ms, res, pq); tags != nil {
		return tags.changes(changes)
	}
	return ms.pages(len(changes), pq.data.parses(), func(tx *store.Tx, i int) error {
		c := changes[i]
		href := objectPath(res.user.Login, res.cal.Slug, c.Name)
		if c.Removed {
			ms.status(href, http.StatusNotFound, "")
			return nil
		}
		o, err := tx.ObjectByName(res.cal.ID, c.Name)
		if errors.Is(err, store.ErrNotFound) { // removed since
			ms.status(href, http.StatusNotFound, "")
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the object: %w", err)
		}
		ms.reads(o)
		return q.respond(ms, tx, res.holding(o), pq)
	})
}
