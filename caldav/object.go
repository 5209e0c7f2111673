package caldav

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"joinery/caldav/change"
	"joinery/store"
)

// tagHeaders puts the headers that describe an object's present bytes.
func tagHeaders(h http.Header, o *store.Object) {
	h.Set("ETag", `"`+o.ETag+`"`)
	if !o.Modified.IsZero() {
		h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	}
	if o.ScheduleTag != "" {
		h.Set("Schedule-Tag", `"`+o.ScheduleTag+`"`)
	}
}

// getObject answers GET and HEAD with the exact bytes.
func (q *request) getObject() error {
	res, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	o := res.obj
	tags := parseTags(q.r.Header.Values("If-Match"))
	if len(tags) > 0 {
		if err := checkSource(q.conditions(), o); err != nil {
			return err
		}
	}
	h := q.w.Header()
	tagHeaders(h, o)
	h.Set("Cache-Control", "private, no-cache")
	if notModified(q.r.Header, o) {
		q.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return q.writeObject(http.StatusOK, o)
}

// writeObject sends an object's bytes; its tags are in the header already.
func (q *request) writeObject(status int, o *store.Object) error {
	h := q.w.Header()
	data := q.inWantedZones(o)
	h.Add("Vary", "CalDAV-Timezones")
	h.Set("Content-Type", contentType(o))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	q.w.WriteHeader(status)
	if q.r.Method == http.MethodHead {
		return nil
	}
	_, err := q.w.Write(data)
	return err
}

// checkCalendarType holds a body to text/calendar in UTF-8 (RFC 4791 §5.3.2.1). A missing
// Content-Type is taken: the body says enough.
func checkCalendarType(h http.Header) error {
	v := h.Get("Content-Type")
	if v == "" {
		return nil
	}
	t, params, err := mime.ParseMediaType(v)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		t, _, _ = strings.Cut(v, ";")
	}
	if !strings.EqualFold(strings.TrimSpace(t), "text/calendar") {
		return calError(http.StatusForbidden, "supported-calendar-data")
	}
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
		return nil
	}
	return calError(http.StatusForbidden, "supported-calendar-data")
}

// readCalendar reads a body of text/calendar.
func (q *request) readCalendar() ([]byte, error) {
	if err := checkCalendarType(q.r.Header); err != nil {
		return nil, err
	}
	data, err := readBody(q.r, q.maxSize)
	if errors.Is(err, errTooLarge) {
		return nil, calError(http.StatusForbidden, "max-resource-size")
	}
	if err != nil {
		return nil, err
	}
	if _, ok := wholeCharacters(data); !ok { // RFC 5545 §3.1.4
		return nil, calError(http.StatusForbidden, "valid-calendar-data")
	}
	return data, nil
}

// putObject answers PUT.
func (q *request) putObject() error {
	if q.place.slash {
		return refuse(http.StatusConflict, "an object's address has no slash at its end")
	}
	if q.r.Header.Get("Content-Range") != "" {
		return refuse(http.StatusBadRequest, "an object is stored whole") // RFC 9110 §14.5
	}
	c, err := q.parent(q.place)
	if err != nil {
		return err
	}
	data, err := q.readCalendar()
	if err != nil {
		return err
	}
	cond := q.conditions()
	if !cond.IfNoneMatch && q.r.Header.Get("If-None-Match") != "" {
		res, err := q.lookup(q.place)
		if err == nil && noneMatches(q.r.Header, res.obj) {
			return q.notAsExpected(errPrecondition)
		}
	}
	result, err := q.changes.Put(q.ctx(), change.PutRequest{
		Caller: q.caller(), Calendar: c, Name: q.place.name, Data: data, Conditions: cond,
	})
	if err != nil {
		return q.notAsExpected(err)
	}
	return q.stored(result, objectPath(q.user.Login, c.Slug, q.place.name), q.prefer.representation)
}

// notAsExpected answers a save that failed for its preconditions with what stands there, where that is
// preferred (RFC 8144 §3.2); any other error it returns.
func (q *request) notAsExpected(err error) error {
	if !q.prefer.representation || asHTTPError(err, nil).status != http.StatusPreconditionFailed {
		return err
	}
	res, found := q.lookup(q.place)
	if found != nil {
		return err
	}
	h := q.w.Header()
	tagHeaders(h, res.obj)
	applied(h, "return=representation")
	h.Set("Content-Location", res.href())
	return q.writeObject(http.StatusPreconditionFailed, res.obj)
}

// errNoParent refuses to make something in a collection that is not there (RFC 4918 §9.3.1, §9.7.1).
var errNoParent = refuse(http.StatusConflict, "there is no such calendar")

// parent returns the calendar that an object at p would stand in.
func (q *request) parent(p place) (*store.Calendar, error) {
	p.kind, p.name = kindCalendar, ""
	res, err := q.lookup(p)
	if errors.Is(err, errNotFound) {
		return nil, errNoParent
	}
	if err != nil {
		return nil, err
	}
	return res.cal, nil
}

// stored answers a PUT, COPY or MOVE. An ETag says that the bytes stand as they were sent (RFC 4791
// §5.3.4), so it is left out where they do not.
func (q *request) stored(r change.Result, href string, representation bool) error {
	h := q.w.Header()
	status := http.StatusNoContent
	if r.Created {
		status = http.StatusCreated
		if href != q.r.URL.EscapedPath() {
			// The client has encoded the path in another way than our answers will.
			h.Set("Location", href)
		}
	}
	if r.Object != nil && (representation || !r.Changed) {
		tagHeaders(h, r.Object)
	}
	h.Del("Schedule-Tag")
	if r.ScheduleTag != "" {
		h.Set("Schedule-Tag", `"`+r.ScheduleTag+`"`)
	}
	if representation && r.Object != nil {
		applied(h, "return=representation")
		h.Set("Content-Location", href)
		if !r.Created {
			status = http.StatusOK
		}
		return q.writeObject(status, r.Object)
	}
	if status == http.StatusCreated {
		h.Set("Content-Length", "0")
	}
	q.w.WriteHeader(status)
	return nil
}

// deleteObject answers DELETE.
func (q *request) deleteObject() error {
	if q.place.slash {
		return errNotFound
	}
	p := q.place
	p.kind, p.name = kindCalendar, ""
	res, err := q.lookup(p)
	if err != nil {
		return err
	}
	err = q.changes.Delete(q.ctx(), change.DeleteRequest{
		Caller: q.caller(), Calendar: res.cal, Name: q.place.name, Conditions: q.conditions(),
		Silent: strings.EqualFold(strings.TrimSpace(q.r.Header.Get("Schedule-Reply")), "F"), // RFC 6638 §8.1
	})
	if err != nil {
		return fmt.Errorf("deleting %s: %w", q.place.name, err)
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
