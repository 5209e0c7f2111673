package caldav

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"joinery/caldav/change"
	"joinery/store"
)

// destination reads the Destination and Overwrite headers (RFC 4918 §10.3, §10.6).
func (q *request) destination() (to place, overwrite bool, err error) {
	dest := q.r.Header.Get("Destination")
	if dest == "" {
		return to, false, refuse(http.StatusBadRequest, "a Destination is needed")
	}
	if to, err = parseHref(dest, q.hosts()...); err != nil {
		return to, false, err
	}
	if q.ownOnly(to) != nil {
		if to.name != "" {
			return to, false, mayNotBind(calendarPath(to.login, to.slug))
		}
		return to, false, mayNotBind(homePath(to.login))
	}
	switch strings.ToUpper(strings.TrimSpace(q.r.Header.Get("Overwrite"))) {
	case "", "T":
		return to, true, nil
	case "F":
		return to, false, nil
	}
	return to, false, refuse(http.StatusBadRequest, "Overwrite is T or F")
}

// transfer reads a MOVE or COPY of an object, as far as that can be done before the write path.
func (q *request) transfer() (r change.MoveRequest, err error) {
	to, overwrite, err := q.destination()
	if err != nil {
		return r, err
	}
	switch {
	case to.kind == kindInboxItem:
		return r, mayNotBind(calendarPath(q.user.Login, to.slug))
	case to.kind != kindObject || to.slash:
		// A calendar holds objects and nothing else, and objects stand in calendars only.
		return r, calError(http.StatusForbidden, "calendar-collection-location-ok")
	}
	src, err := q.lookup(q.place)
	if err != nil {
		return r, err
	}
	if noneMatches(q.r.Header, src.obj) {
		return r, errPrecondition
	}
	c, err := q.parent(to)
	if err != nil {
		return r, err
	}
	if c.ID == src.cal.ID && to.name == src.obj.Name {
		return r, refuse(http.StatusForbidden, "that is where it is")
	}
	return change.MoveRequest{
		Caller: q.caller(), From: src.cal, Name: src.obj.Name, To: c, ToName: to.name,
		Overwrite: overwrite, Conditions: q.conditions(),
	}, nil
}

// moveObject answers MOVE between the user's own calendars.
func (q *request) moveObject() error {
	r, err := q.transfer()
	if err != nil {
		return err
	}
	result, err := q.changes.Move(q.ctx(), r)
	if err != nil {
		return err
	}
	return q.moved(result, r)
}

// copyObject answers COPY between the user's own calendars: in one and the same the second UID is refused.
func (q *request) copyObject() error {
	if d, err := depth(q.r.Header, -1); err != nil || d == 1 {
		return refuse(http.StatusBadRequest, "Depth is 0 or infinity here")
	}
	r, err := q.transfer()
	if err != nil {
		return err
	}
	result, err := q.changes.Copy(q.ctx(), r)
	if err != nil {
		return err
	}
	return q.moved(result, r)
}

// moved answers as stored does, for the destination.
func (q *request) moved(result change.Result, r change.MoveRequest) error {
	href := objectPath(q.user.Login, r.To.Slug, r.ToName)
	if result.Created {
		q.w.Header().Set("Location", href)
	}
	return q.stored(result, href, false)
}

// moveCalendar answers MOVE of a calendar: it goes by another address from then on.
func (q *request) moveCalendar() error {
	if d, err := depth(q.r.Header, -1); err != nil || d != -1 {
		return refuse(http.StatusBadRequest, "a collection is moved with Depth: infinity") // RFC 4918 §9.9.2
	}
	return q.transferCalendar(false, q.changes.MoveCalendar)
}

// copyCalendar answers COPY of a calendar, with its objects, or without them at depth 0 (RFC 4918 §9.8.3).
func (q *request) copyCalendar() error {
	d, err := depth(q.r.Header, -1)
	if err != nil || d == 1 {
		return refuse(http.StatusBadRequest, "Depth is 0 or infinity here")
	}
	if err := q.store.View(q.ctx(), q.anotherCalendar); err != nil {
		return err
	}
	return q.transferCalendar(d != 0, q.changes.CopyCalendar)
}

func (q *request) transferCalendar(members bool, do func(context.Context, change.CalendarRequest) (bool, error)) error {
	to, overwrite, err := q.destination()
	if err != nil {
		return err
	}
	if to.kind == kindInbox || to.kind == kindOutbox {
		return needPrivilege(homePath(q.user.Login), dav("unbind"))
	}
	if to.kind != kindCalendar {
		return calError(http.StatusForbidden, "calendar-collection-location-ok")
	}
	if err := checkSlug(to.slug); err != nil {
		return err
	}
	src, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	if err := q.checkResource(src); err != nil {
		return err
	}
	created, err := do(q.ctx(), change.CalendarRequest{
		Caller: q.caller(), Calendar: src.cal, Slug: to.slug, Overwrite: overwrite, Members: members,
	})
	if errors.Is(err, store.ErrExists) {
		return errPrecondition
	}
	if err != nil {
		return err
	}
	status := http.StatusNoContent
	if created {
		status = http.StatusCreated
		q.w.Header().Set("Location", calendarPath(q.user.Login, to.slug))
		q.w.Header().Set("Content-Length", "0")
	}
	q.w.WriteHeader(status)
	return nil
}
