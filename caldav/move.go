package caldav

import (
	"errors"
	"net/http"
	"strings"

	"joinery/caldav/change"
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
	if err := q.ownOnly(to); err != nil {
		return to, false, err
	}
	switch strings.ToUpper(strings.TrimSpace(q.r.Header.Get("Overwrite"))) {
	case "", "T":
		overwrite = true
	case "F":
	default:
		return to, false, refuse(http.StatusBadRequest, "Overwrite is T or F")
	}
	if to.kind == kindInboxItem {
		return to, false, mayNotBind(calendarPath(q.user.Login, to.slug))
	}
	if to.kind != kindObject || to.slash {
		// A calendar holds objects and nothing else, and objects stand in calendars only.
		return to, false, calError(http.StatusForbidden, "calendar-collection-location-ok")
	}
	return to, overwrite, nil
}

// moveObject answers MOVE between the user's own calendars.
func (q *request) moveObject() error {
	to, overwrite, err := q.destination()
	if err != nil {
		return err
	}
	src, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	c, err := q.parent(to)
	if err != nil {
		return err
	}
	if c.ID == src.cal.ID && to.name == src.obj.Name {
		return refuse(http.StatusForbidden, "that is where it is")
	}
	result, err := q.changes.Move(q.ctx(), change.MoveRequest{
		Caller: q.caller(), From: src.cal, Name: src.obj.Name, To: c, ToName: to.name,
		Overwrite: overwrite, Conditions: q.conditions(),
	})
	if err != nil {
		return err
	}
	return q.moved(result, to, c.Slug)
}

// copyObject answers COPY: a PUT of the source's bytes. In the same calendar the write path refuses
// the second UID.
func (q *request) copyObject() error {
	to, overwrite, err := q.destination()
	if err != nil {
		return err
	}
	src, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	if err := checkSource(q.conditions(), src.obj); err != nil {
		return err
	}
	c, err := q.parent(to)
	if err != nil {
		return err
	}
	if c.ID == src.cal.ID && to.name == src.obj.Name {
		return refuse(http.StatusForbidden, "that is where it is")
	}
	if !overwrite {
		_, err := q.lookup(place{kind: kindObject, login: to.login, slug: c.Slug, name: to.name})
		if err == nil {
			return errPrecondition
		}
		if !errors.Is(err, errNotFound) {
			return err
		}
	}
	result, err := q.changes.Put(q.ctx(), change.PutRequest{
		Caller: q.caller(), Calendar: c, Name: to.name, Data: src.obj.Data,
		Conditions: change.Conditions{IfNoneMatch: !overwrite},
	})
	if err != nil {
		return err
	}
	return q.moved(result, to, c.Slug)
}

// moved answers as stored does, for the destination.
func (q *request) moved(r change.Result, to place, slug string) error {
	href := objectPath(q.user.Login, slug, to.name)
	if r.Created {
		q.w.Header().Set("Location", href)
	}
	return q.stored(r, href, false)
}
