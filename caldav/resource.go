package caldav

import (
	"errors"
	"fmt"

	"joinery/store"
)

// A resource is what was found at a place.
type resource struct {
	kind kind
	user *store.User     // whose it is; whoever asks for what is nobody's
	cal  *store.Calendar // of an inbox that holds nothing yet: with ID 0
	obj  *store.Object

	use     *store.AttachmentUse // of a home; nil: no files can be attached
	invited *store.Calendar      // of an inbox: the default calendar; nil: there is none
	busy    []store.Calendar     // of an inbox: those whose events take time
	dead    map[string]string    // dead properties, once loadDead has read them
}

// resolve finds what stands at a place of the user who asks; errNotFound if nothing does.
func (q *request) resolve(tx *store.Tx, p place) (*resource, error) {
	res := &resource{kind: p.kind, user: q.user}
	switch p.kind {
	case kindNone:
		return nil, errNotFound
	case kindInbox:
		return q.inbox(tx)
	case kindInboxItem:
		return q.message(tx, p)
	case kindHome:
		return res, q.attachmentUse(tx, res)
	case kindCalendar, kindObject:
	default:
		return res, nil
	}
	var err error
	if res.cal, err = tx.CalendarBySlug(q.user.ID, p.slug); err != nil {
		return nil, notFound(err, "reading the calendar")
	}
	if p.kind == kindCalendar {
		return res, nil
	}
	return res.member(tx, p)
}

// member finds an object of the calendar at p.
func (res *resource) member(tx *store.Tx, p place) (*resource, error) {
	found := &resource{kind: p.kind, user: res.user, cal: res.cal}
	if p.slash {
		return nil, errNotFound
	}
	var err error
	if found.obj, err = tx.ObjectByName(res.cal.ID, p.name); err != nil {
		return nil, notFound(err, "reading the object")
	}
	return found, nil
}

// holding is the resource of an object that a calendar or inbox holds.
func (res *resource) holding(o *store.Object) *resource {
	k := kindObject
	if res.cal.Inbox {
		k = kindInboxItem
	}
	return &resource{kind: k, user: res.user, cal: res.cal, obj: o}
}

// lookup is resolve in a transaction of its own.
func (q *request) lookup(p place) (res *resource, err error) {
	read := q.store.View
	if p.kind == kindCalendar {
		read = q.store.Look
	}
	err = read(q.ctx(), func(tx *store.Tx) error {
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
	case kindObject, kindInboxItem:
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

// A member is what a collection held when it was listed: an object that is yet to be read, or any
// other resource.
type member struct {
	id  int64
	res *resource // nil: the object of that id
}

// members lists what a collection holds.
func (q *request) members(tx *store.Tx, res *resource) ([]member, error) {
	var ms []member
	add := func(list ...*resource) {
		for _, r := range list {
			ms = append(ms, member{res: r})
		}
	}
	switch res.kind {
	case kindRoot:
		add(&resource{kind: kindPrincipals, user: q.user}, &resource{kind: kindHomes, user: q.user})
	case kindPrincipals:
		add(&resource{kind: kindPrincipal, user: q.user})
	case kindHomes:
		home := &resource{kind: kindHome, user: q.user}
		if err := q.attachmentUse(tx, home); err != nil {
			return nil, err
		}
		add(home)
	case kindHome:
		cals, err := tx.Calendars(q.user.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the calendars: %w", err)
		}
		for i := range cals {
			add(&resource{kind: kindCalendar, user: q.user, cal: &cals[i]})
		}
		inbox, err := q.inbox(tx)
		if err != nil {
			return nil, err
		}
		add(inbox, &resource{kind: kindOutbox, user: q.user})
	case kindCalendar, kindInbox:
		ids, err := tx.ObjectIDs(res.cal.ID)
		if err != nil {
			return nil, fmt.Errorf("listing the collection: %w", err)
		}
		ms = objectMembers(ids)
	}
	return ms, nil
}

func objectMembers(ids []int64) []member {
	ms := make([]member, len(ids))
	for i, id := range ids {
		ms[i].id = id
	}
	return ms
}

// read returns a member of a collection as it is now, of an object Data only if data is set; nil if
// it has gone from there.
func (m member) read(tx *store.Tx, of *resource, data bool) (*resource, error) {
	if m.res != nil {
		return m.res, nil
	}
	read := tx.MemberByID
	if data {
		read = tx.ObjectByID
	}
	o, err := read(m.id)
	if errors.Is(err, store.ErrNotFound) || err == nil && o.CalendarID != of.cal.ID {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the object: %w", err)
	}
	return of.holding(o), nil
}

// writeAll answers a query for all members of a collection.
func (q *request) writeAll(ms *multistatus, of *resource, pq *propQuery) error {
	if tags := q.tagList(ms, of, pq); tags != nil {
		return tags.members(of.cal)
	}
	var members []member
	err := q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		members, err = q.members(tx, of)
		return err
	})
	if err != nil {
		return err
	}
	return q.writeMembers(ms, of, members, pq, nil)
}

// writeMembers answers a query for the members of a collection that keep lets pass (nil: all; it
// gets objects with Data).
func (q *request) writeMembers(ms *multistatus, of *resource, members []member, pq *propQuery, keep func(*resource) bool) error {
	data := keep != nil || pq.needsData()
	return ms.pages(len(members), keep != nil || pq.data.parses(), func(tx *store.Tx, i int) error {
		res, err := members[i].read(tx, of, data)
		if err != nil || res == nil {
			return err
		}
		ms.reads(res.obj)
		if keep != nil && !keep(res) {
			return nil
		}
		return q.respond(ms, tx, res, pq)
	})
}

// respond answers a query for one resource.
func (q *request) respond(ms *multistatus, tx *store.Tx, res *resource, pq *propQuery) error {
	if err := res.loadDead(tx, pq); err != nil {
		return err
	}
	groups, err := q.propstats(res, pq)
	if err != nil {
		return err
	}
	ms.response(res.href(), groups)
	return nil
}
