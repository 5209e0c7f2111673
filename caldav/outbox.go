package caldav

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"joinery/caldav/ical"
	"joinery/store"
)

// A busyRequest is a VFREEBUSY REQUEST in the scheduling outbox.
type busyRequest struct {
	during    timeRange
	uid       string
	masked    string // X-CALENDARSERVER-MASK-UID: this event's time is not wanted
	organizer *ical.Line
	attendees []*ical.Line
}

// outboxPost answers a POST to the scheduling outbox (RFC 6638 §5): who is busy when.
func (q *request) outboxPost() error {
	data, err := q.readCalendar()
	if err != nil {
		return err
	}
	req, err := q.parseBusyRequest(data)
	if err != nil {
		return err
	}
	s := q.startXML(http.StatusOK)
	s.raw("<C:schedule-response" + rootNamespaces + ">")
	for _, a := range req.attendees {
		text, err := q.busyAnswer(req, a)
		if err != nil {
			return err
		}
		s.raw(text)
	}
	s.raw("</C:schedule-response>\n")
	return s.close()
}

// parseBusyRequest reads the message and holds it to RFC 6638 §5 and RFC 5546 §3.3.2.
func (q *request) parseBusyRequest(data []byte) (*busyRequest, error) {
	bad := calError(http.StatusBadRequest, "valid-scheduling-message") // RFC 6638 §5.2.1
	o, err := ical.Parse(data, ical.Limits{Size: q.maxSize})
	if err != nil {
		return nil, calError(http.StatusForbidden, "valid-calendar-data")
	}
	fbs := o.Root.Find("VFREEBUSY")
	method := o.Root.First("METHOD")
	if len(fbs) != 1 || method == nil || method.Value != "REQUEST" {
		return nil, bad
	}
	fb := fbs[0]
	zone := userZone(q.user)
	m := newMatcher(o, zone)
	req := &busyRequest{organizer: fb.First("ORGANIZER"), attendees: fb.All("ATTENDEE")}
	var hasStart, hasEnd bool
	req.during.start, hasStart = m.at(fb, "DTSTART")
	req.during.end, hasEnd = m.at(fb, "DTEND")
	if l := fb.First("UID"); l != nil {
		req.uid = l.Value
	}
	for _, c := range []*ical.Component{o.Root, fb} {
		if l := c.First("X-CALENDARSERVER-MASK-UID"); l != nil {
			req.masked = l.Text()
		}
	}
	if !hasStart || !hasEnd || !req.during.start.Before(req.during.end) || req.organizer == nil ||
		len(req.attendees) == 0 || len(req.attendees) > q.maxAttendees {
		return nil, bad
	}
	if req.during.end.Sub(req.during.start) > maxBusyRange {
		return nil, errTooMuch
	}
	if !q.names(req.organizer, q.user) {
		return nil, calError(http.StatusForbidden, "valid-organizer")
	}
	return req, nil
}

// names tells whether an ORGANIZER or ATTENDEE line is u: by one of u's addresses or u's principal, which
// is among the calendar user addresses too.
func (q *request) names(l *ical.Line, u *store.User) bool {
	if slices.Contains(u.Addresses, ical.ParseAttendee(l).Address) {
		return true
	}
	p, err := parseHref(l.Value, q.hosts()...)
	return err == nil && p.kind == kindPrincipal && p.of(u)
}

// calendarUser finds whom a line names, in the ways of names; ErrNotFound if it is nobody here.
func (q *request) calendarUser(tx *store.Tx, l *ical.Line) (*store.User, error) {
	if p, err := parseHref(l.Value, q.hosts()...); err == nil && p.kind == kindPrincipal {
		return tx.UserByLogin(p.login)
	}
	return tx.UserByAddress(ical.ParseAttendee(l).Address)
}

// busyAnswer is the CALDAV:response about one recipient.
func (q *request) busyAnswer(req *busyRequest, a *ical.Line) (string, error) {
	recipient := "<C:response><C:recipient>" + hrefXML(a.Value) + "</C:recipient>"
	var u *store.User
	var cals []store.Calendar
	err := q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		if u, err = q.calendarUser(tx, a); err != nil {
			return err
		}
		cals, err = opaqueCalendars(tx, u)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return recipient + "<C:request-status>3.7;Invalid calendar user</C:request-status></C:response>", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for a recipient: %w", err)
	}
	ps, err := q.busyTime(u, cals, req.during, req.masked)
	if errors.Is(err, errTooMuch) {
		return recipient + "<C:request-status>5.1;Too much to work out</C:request-status></C:response>", nil
	}
	if err != nil {
		return "", fmt.Errorf("working out busy time: %w", err)
	}
	var extra []string
	if req.uid != "" {
		extra = append(extra, "UID:"+req.uid)
	}
	extra = append(extra, req.organizer.Raw(), a.Raw())
	text := freeBusyText("REPLY", q.now(), req.during, extra, ps)
	return recipient + "<C:request-status>2.0;Success</C:request-status><C:calendar-data>" +
		escape(string(text)) + "</C:calendar-data></C:response>", nil
}
