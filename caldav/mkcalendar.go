package caldav

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"joinery/caldav/change"
	"joinery/store"
)

// maxCalendars bounds the calendars of one user.
const maxCalendars = 250

// mkcalendar answers MKCALENDAR (RFC 4791 §5.3.1).
func (q *request) mkcalendar() error {
	root, err := readXML(q.r)
	if err != nil {
		return err
	}
	if root != nil && !root.is(nsCal, "mkcalendar") {
		return refuse(http.StatusBadRequest, "a mkcalendar is expected")
	}
	if q.place.kind != kindCalendar {
		return q.notInCalendars()
	}
	return q.createCalendar(root, "C:mkcalendar-response", davError(http.StatusForbidden, "resource-must-be-null"))
}

// mkcol answers extended MKCOL (RFC 5689); other collections than calendars cannot be made.
func (q *request) mkcol() error {
	t, _, _ := mime.ParseMediaType(q.r.Header.Get("Content-Type"))
	root, err := readXML(q.r)
	if err != nil && t != "" && !strings.HasSuffix(t, "xml") {
		return refuse(http.StatusUnsupportedMediaType, "a mkcol is expected")
	}
	if err != nil {
		return err
	}
	if root != nil && !root.is(nsDAV, "mkcol") {
		return refuse(http.StatusUnsupportedMediaType, "a mkcol is expected")
	}
	if q.place.kind != kindCalendar {
		return q.notInCalendars()
	}
	taken := refuse(http.StatusMethodNotAllowed, "there is something here already")
	taken.allow = []string{"COPY", "DELETE", "GET", "HEAD", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH", "REPORT"}
	as, err := parseAssignments(root)
	if err != nil {
		return err
	}
	for _, a := range as {
		if a.name == dav("resourcetype") && a.el.child(nsCal, "calendar") != nil && onlyCalendar(a.el) {
			return q.createCalendar(root, "D:mkcol-response", taken)
		}
	}
	if _, err := q.lookup(q.place); err == nil {
		return taken
	}
	return davError(http.StatusForbidden, "valid-resourcetype")
}

// notInCalendars refuses a collection below a calendar, or below nothing.
func (q *request) notInCalendars() error {
	if q.place.kind == kindObject {
		if _, err := q.parent(q.place); err != nil {
			return err
		}
	}
	return calError(http.StatusForbidden, "calendar-collection-location-ok")
}

// onlyCalendar tells whether a resourcetype asks for nothing besides a calendar.
func onlyCalendar(el *element) bool {
	for _, c := range el.children() {
		if !c.is(nsDAV, "collection") && !c.is(nsCal, "calendar") {
			return false
		}
	}
	return true
}

// createCalendar makes the calendar with its properties, or nothing.
func (q *request) createCalendar(root *element, answer string, taken *httpError) error {
	as, err := parseAssignments(root)
	if err != nil {
		return err
	}
	if err := checkSlug(q.place.slug); err != nil {
		return err
	}
	var groups []propstat
	err = q.store.Update(q.ctx(), func(tx *store.Tx) error {
		if _, err := tx.CalendarBySlug(q.user.ID, q.place.slug); err == nil {
			return taken
		} else if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("reading the calendar: %w", err)
		}
		if err := q.anotherCalendar(tx); err != nil {
			return err
		}
		c := &store.Calendar{UserID: q.user.ID, Slug: q.place.slug}
		ok := false
		if groups, ok = assign(c, as, true); !ok {
			return errAssignments
		}
		if len(c.Components) == 0 {
			c.Components = storable
		}
		if err := tx.CreateCalendar(c); err != nil {
			if errors.Is(err, store.ErrExists) {
				return taken
			}
			return fmt.Errorf("making the calendar: %w", err)
		}
		return nil
	})
	if errors.Is(err, errAssignments) {
		s := q.startXML(http.StatusForbidden)
		s.raw("<" + answer + rootNamespaces + ">")
		for _, g := range groups {
			g.write(&s.text)
		}
		s.raw("</" + answer + ">\n")
		return s.close()
	}
	if err != nil {
		return err
	}
	q.w.Header().Set("Cache-Control", "no-cache") // RFC 4791 §5.3.1
	q.w.Header().Set("Content-Length", "0")
	q.w.WriteHeader(http.StatusCreated)
	return nil
}

// anotherCalendar refuses more calendars than a user may have.
func (q *request) anotherCalendar(tx *store.Tx) error {
	cals, err := tx.Calendars(q.user.ID)
	if err != nil {
		return fmt.Errorf("reading the calendars: %w", err)
	}
	if len(cals) >= maxCalendars {
		return refuse(http.StatusInsufficientStorage, "there are %d calendars already", len(cals))
	}
	return nil
}

// checkSlug refuses addresses that clients would misread.
func checkSlug(slug string) error {
	if strings.ContainsRune(slug, '/') {
		return refuse(http.StatusForbidden, "the last part of a calendar's address has no slash in it")
	}
	return nil
}

// deleteCalendar answers DELETE of a calendar with all that is in it.
func (q *request) deleteCalendar() error {
	if d, err := depth(q.r.Header, -1); err != nil || d != -1 {
		return refuse(http.StatusBadRequest, "a collection is deleted with Depth: infinity") // RFC 4918 §9.6.1
	}
	res, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	if err := q.checkResource(res); err != nil {
		return err
	}
	err = q.store.View(q.ctx(), func(tx *store.Tx) error {
		standard, err := change.DefaultCalendar(tx, q.user)
		if err == nil && standard != nil && standard.ID == res.cal.ID {
			err = errDefaultNeeded // RFC 6638 §4.3: another must be chosen first
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := q.changes.DeleteCalendar(q.ctx(), q.caller(), res.cal); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
