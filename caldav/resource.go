package caldav

import (
	"errors"
	"fmt"

	"joinery/store"
)

// A resource is what was found at a place.
type resource struct {
	kind kind
	user *store.User // whose it is; whoever asks for what is nobody's
	cal  *store.Calendar
	obj  *store.Object
}

// resolve finds what stands at a place of the user who asks; errNotFound if nothing does.
func (q *request) resolve(tx *store.Tx, p place) (*resource, error) {
	res := &resource{kind: p.kind, user: q.user}
	if p.kind == kindNone || p.kind == kindInboxItem {
		return nil, errNotFound
	}
	if p.kind != kindCalendar && p.kind != kindObject {
		return res, nil
	}
	var err error
	if res.cal, err = tx.CalendarBySlug(q.user.ID, p.slug); err != nil {
		return nil, notFound(err, "reading the calendar")
	}
	if p.kind == kindCalendar {
		return res, nil
	}
	if p.slash {
		return nil, errNotFound
	}
	if res.obj, err = tx.ObjectByName(res.cal.ID, p.name); err != nil {
		return nil, notFound(err, "reading the object")
	}
	return res, nil
}

// lookup is resolve in a transaction of its own.
func (q *request) lookup(p place) (res *resource, err error) {
	err = q.store.View(q.ctx(), func(tx *store.Tx) error {
		res, err = q.resolve(tx, p)
		return err
	})
	return res, err
}

func notFound(err error, doing string) error {
	if errors.Is(err, store.ErrNotFound) {
		return errNotFound
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// href is the resource's path, encoded.
func (res *resource) href() string {
	switch res.kind {
	case kindPrincipals:
		return principalsPath
	case kindPrincipal:
		return principalPath(res.user.Login)
	case kindHomes:
		return homesPath
	case kindHome:
		return homePath(res.user.Login)
	case kindCalendar:
		return calendarPath(res.user.Login, res.cal.Slug)
	case kindInbox:
		return calendarPath(res.user.Login, inboxSlug)
	case kindOutbox:
		return calendarPath(res.user.Login, outboxSlug)
	case kindObject:
		return objectPath(res.user.Login, res.cal.Slug, res.obj.Name)
	}
	return "/"
}

// displayName is the DAV:displayname, empty if it has none.
func (res *resource) displayName() string {
	switch res.kind {
	case kindPrincipal, kindHome:
		if res.user.Name != "" {
			return res.user.Name
		}
		return res.user.Login
	case kindCalendar:
		return res.cal.Name
	case kindInbox:
		return "Inbox"
	case kindOutbox:
		return "Outbox"
	}
	return ""
}

// eachChild calls f for the members of a collection; of objects Data is there only if data is set.
func (q *request) eachChild(tx *store.Tx, res *resource, data bool, f func(*resource) error) error {
	switch res.kind {
	case kindRoot:
		for _, k := range []kind{kindPrincipals, kindHomes} {
			if err := f(&resource{kind: k, user: q.user}); err != nil {
				return err
			}
		}
	case kindPrincipals:
		return f(&resource{kind: kindPrincipal, user: q.user})
	case kindHomes:
		return f(&resource{kind: kindHome, user: q.user})
	case kindHome:
		cals, err := tx.Calendars(q.user.ID)
		if err != nil {
			return fmt.Errorf("reading the calendars: %w", err)
		}
		for i := range cals {
			if err := f(&resource{kind: kindCalendar, user: q.user, cal: &cals[i]}); err != nil {
				return err
			}
		}
		for _, k := range []kind{kindInbox, kindOutbox} {
			if err := f(&resource{kind: k, user: q.user}); err != nil {
				return err
			}
		}
	case kindCalendar:
		each := tx.EachMember
		if data {
			each = tx.EachObject
		}
		return each(res.cal.ID, func(o *store.Object) error {
			return f(&resource{kind: kindObject, user: q.user, cal: res.cal, obj: o})
		})
	}
	return nil
}
