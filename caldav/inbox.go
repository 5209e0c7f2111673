package caldav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"joinery/caldav/change"
	"joinery/store"
)

// inbox is the user's scheduling inbox (RFC 6638 §2.2). It has no row before its first message: until
// then it reads as what the row will begin with, so that sync tokens and ctags stay good.
func (q *request) inbox(tx *store.Tx) (*resource, error) {
	c, err := tx.CalendarBySlug(q.user.ID, inboxSlug)
	if errors.Is(err, store.ErrNotFound) {
		c, err = &store.Calendar{UserID: q.user.ID, Slug: inboxSlug, Inbox: true, Seq: 1}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the inbox: %w", err)
	}
	res := &resource{kind: kindInbox, user: q.user, cal: c}
	if res.busy, err = opaqueCalendars(tx, q.user); err != nil {
		return nil, err
	}
	res.invited, err = change.DefaultCalendar(tx, q.user)
	return res, err
}

// message finds a message in the inbox.
func (q *request) message(tx *store.Tx, p place) (*resource, error) {
	if p.slug != inboxSlug || p.slash {
		return nil, errNotFound // the outbox holds nothing
	}
	inbox, err := q.inbox(tx)
	if err != nil {
		return nil, err
	}
	o, err := tx.ObjectByName(inbox.cal.ID, p.name)
	if err != nil {
		return nil, notFound(err, "reading the message")
	}
	return inbox.holding(o), nil
}

// deleteMessage answers DELETE of a message: its reader has seen it. Nobody is told (RFC 6638 §4).
func (q *request) deleteMessage() error {
	err := q.store.Update(q.ctx(), func(tx *store.Tx) error {
		res, err := q.message(tx, q.place)
		if err != nil {
			return err
		}
		if err := q.checkResource(res); err != nil {
			return err
		}
		return tx.DeleteObject(res.obj.ID)
	})
	if err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// refuseMessage answers PUT below inbox and outbox: messages are put there by the server alone.
func (q *request) refuseMessage() error {
	return mayNotBind(calendarPath(q.user.Login, q.place.slug))
}

// mayNotBind refuses to put something into a collection (RFC 3744 §7.1.1).
func mayNotBind(path string) *httpError { return needPrivilege(path, dav("bind")) }

func needPrivilege(path string, privilege xml.Name) *httpError {
	e := davError(http.StatusForbidden, "need-privileges")
	e.inner = "<D:resource>" + hrefXML(path) + privilegesXML([]xml.Name{privilege}) + "</D:resource>"
	return e
}

func takesEvents(c *store.Calendar) bool { return slices.Contains(componentsOf(c), "VEVENT") }

var errDefaultNeeded = calError(http.StatusForbidden, "default-calendar-needed")

// assignInbox makes all assignments on the inbox, of which among live properties only the default
// calendar can be chosen, or tells by propstats what was wrong with them; the error is errAssignments then.
func (q *request) assignInbox(tx *store.Tx, res *resource, as []assignment) ([]propstat, error) {
	u, err := tx.UserByID(q.user.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the user: %w", err)
	}
	chosen := u.DefaultCalendar
	groups, err := q.assignDead(tx, res, as, func(a assignment) (*httpError, error) {
		if a.name == cal("schedule-default-calendar-URL") {
			return q.chooseDefault(tx, u, a.el)
		}
		return errProtected, nil
	})
	if err != nil || u.DefaultCalendar == chosen {
		return groups, err
	}
	if err := tx.UpdateUser(u); err != nil {
		return nil, fmt.Errorf("keeping the default calendar: %w", err)
	}
	return groups, nil
}

// chooseDefault sets u's default calendar in u (RFC 6638 §9.2, §4.3.1). There always is one, so it
// cannot be taken away.
func (q *request) chooseDefault(tx *store.Tx, u *store.User, el *element) (*httpError, error) {
	if el == nil || len(el.children()) == 0 {
		return errDefaultNeeded, nil
	}
	invalid := calError(http.StatusForbidden, "valid-schedule-default-calendar-URL")
	hrefs := el.children()
	if len(hrefs) != 1 || !hrefs[0].is(nsDAV, "href") {
		return invalid, nil
	}
	p, err := parseHref(hrefs[0].trimmed(), q.hosts()...)
	if err != nil || p.kind != kindCalendar || !p.of(q.user) {
		return invalid, nil
	}
	res, err := q.resolve(tx, p)
	if errors.Is(err, errNotFound) {
		return invalid, nil
	}
	if err != nil {
		return nil, err
	}
	if !takesEvents(res.cal) {
		return invalid, nil
	}
	u.DefaultCalendar = res.cal.ID
	return nil, nil
}
