package caldav

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// The kinds of busy time (RFC 5545 §3.2.9).
const (
	free            = "FREE"
	busy            = "BUSY"
	busyTentative   = "BUSY-TENTATIVE"
	busyUnavailable = "BUSY-UNAVAILABLE"
)

// maxBusyRange bounds the time that busy time is worked out for, maxPeriods its periods.
const (
	maxBusyRange = 5 * 366 * 24 * time.Hour
	maxPeriods   = 20_000
)

// A period is some busy time.
type period struct {
	start, end time.Time
	kind       string
}

var errTooMuch = davError(http.StatusForbidden, "number-of-matches-within-limits")

// tooMuchElement says inside an answer what errTooMuch says of a whole one.
const tooMuchElement = "<D:number-of-matches-within-limits/>"

// busyTime collects a user's busy time in the calendars, within r, without the event of the UID
// masked. Transparent and cancelled events and those that the user has declined take no time.
func busyTime(tx *store.Tx, u *store.User, cals []store.Calendar, r timeRange, masked string) ([]period, error) {
	var ps []period
	enough := func(err error) error {
		if err == nil && len(ps) > maxPeriods {
			return errTooMuch
		}
		return err
	}
	err := eachReadable(tx, u, cals, "VEVENT", r, func(o *store.Object, m *matcher) error {
		if masked != "" && o.UID == masked {
			return nil
		}
		return enough(m.eachBusy(u, r, func(i ical.Instance, kind string) bool {
			ps = append(ps, clip([]period{{i.Start, i.End, kind}}, r)...)
			return len(ps) <= maxPeriods
		}))
	})
	if err != nil {
		return nil, err
	}
	err = eachReadable(tx, u, cals, "VFREEBUSY", r, func(_ *store.Object, m *matcher) error {
		for _, fb := range m.object.Root.Find("VFREEBUSY") {
			for _, l := range fb.All("FREEBUSY") {
				if knownKind(l.Param("FBTYPE")) != free {
					ps = append(ps, clip(m.periods(l), r)...)
				}
			}
		}
		return enough(nil)
	})
	if err != nil {
		return nil, err
	}
	return merge(ps), nil
}

// eachReadable calls f for the objects of a component in u's calendars that may lie in r. What cannot be
// read takes no time.
func eachReadable(tx *store.Tx, u *store.User, cals []store.Calendar, component string, r timeRange, f func(*store.Object, *matcher) error) error {
	for i := range cals {
		zone := zoneOf(&cals[i], u)
		err := tx.EachInRange(cals[i].ID, component, r.start, r.end, func(o *store.Object) error {
			parsed, err := objectOf(o)
			if err != nil {
				return nil
			}
			return f(o, newMatcher(parsed, zone))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// EachBusy calls f for the instances of events that take a user's time between two instants, calendar by
// calendar, with the kind of busy time (RFC 5545 §3.2.9); f returns false for no more of the same event.
// Calendars that are transparent take no time, and neither does what cannot be read.
func EachBusy(tx *store.Tx, u *store.User, from, to time.Time, f func(i ical.Instance, kind string) bool) error {
	cals, err := opaqueCalendars(tx, u)
	if err != nil {
		return err
	}
	r := timeRange{from, to}
	err = eachReadable(tx, u, cals, "VEVENT", r, func(_ *store.Object, m *matcher) error { return m.eachBusy(u, r, f) })
	if err != nil {
		return fmt.Errorf("working out busy time: %w", err)
	}
	return nil
}

// opaqueCalendars are the calendars whose events take a user's time (RFC 6638 §9.1).
func opaqueCalendars(tx *store.Tx, u *store.User) ([]store.Calendar, error) {
	cals, err := tx.Calendars(u.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the calendars: %w", err)
	}
	return slices.DeleteFunc(cals, func(c store.Calendar) bool { return c.Transparent }), nil
}

// eachBusy calls f for the instances of the object that take u's time, until it returns false.
func (m *matcher) eachBusy(u *store.User, r timeRange, f func(i ical.Instance, kind string) bool) error {
	event := m.of("VEVENT").event
	if event == nil {
		return nil
	}
	err := event.Expand(r.start, r.end, m.zone, func(i ical.Instance) bool {
		kind := busyKind(i.VEvent, u)
		return kind == "" || f(i, kind)
	})
	if errors.Is(err, ical.ErrBudget) {
		return errTooMuch
	}
	return err
}

// busyKind says what kind of time an event takes of u; empty for none. Where u is invited by several
// addresses the firmest answer counts.
func busyKind(v *ical.VEvent, u *store.User) string {
	if v.Transparent || v.Cancelled() {
		return ""
	}
	own := v.Organizer == nil || slices.Contains(u.Addresses, v.Organizer.Address)
	kind, invited := "", false
	for i := range v.Attendees {
		a := &v.Attendees[i]
		if !slices.Contains(u.Addresses, a.Address) {
			continue
		}
		invited = true
		switch {
		case a.PartStat == "DECLINED", a.PartStat == "DELEGATED":
		case a.PartStat == "TENTATIVE", a.PartStat == "NEEDS-ACTION" && !own:
			kind = cmp.Or(kind, busyTentative)
		default:
			kind = busy
		}
	}
	if !invited {
		kind = busy
	}
	if kind == busy && v.Status == "TENTATIVE" {
		return busyTentative
	}
	return kind
}

// periods reads a FREEBUSY line; those without length, and all where one cannot be read, are left out.
func (m *matcher) periods(l *ical.Line) []period {
	items, err := m.object.Periods(l)
	if err != nil {
		return nil
	}
	kind := knownKind(l.Param("FBTYPE"))
	var ps []period
	for _, i := range items {
		p := period{start: i.Start.In(m.zone), kind: kind}
		switch {
		case i.End != nil:
			p.end = i.End.In(m.zone)
		case i.HasDuration:
			p.end = p.start.AddDate(0, 0, i.Days).Add(i.Exact)
		}
		if p.end.After(p.start) {
			ps = append(ps, p)
		}
	}
	return ps
}

// clip cuts periods to the range; those without length fall away.
func clip(ps []period, r timeRange) []period {
	var out []period
	for _, p := range ps {
		if p.start.Before(r.start) {
			p.start = r.start
		}
		if p.end.After(r.end) {
			p.end = r.end
		}
		if p.end.After(p.start) {
			out = append(out, p)
		}
	}
	return out
}

// merge joins periods of a kind that overlap or touch, in order of start.
func merge(ps []period) []period {
	slices.SortFunc(ps, func(a, b period) int {
		if c := strings.Compare(a.kind, b.kind); c != 0 {
			return c
		}
		return a.start.Compare(b.start)
	})
	var out []period
	for _, p := range ps {
		if n := len(out); n > 0 && out[n-1].kind == p.kind && !p.start.After(out[n-1].end) {
			if p.end.After(out[n-1].end) {
				out[n-1].end = p.end
			}
			continue
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b period) int { return a.start.Compare(b.start) })
	return out
}

// freeBusyText writes a VCALENDAR with one VFREEBUSY. The extra lines stand after its times.
func freeBusyText(method string, now time.Time, r timeRange, extra []string, ps []period) []byte {
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Joinery//CalDAV//EN"}
	if method != "" {
		lines = append(lines, "METHOD:"+method)
	}
	lines = append(lines, "BEGIN:VFREEBUSY", "DTSTAMP:"+now.UTC().Format(utcForm),
		"DTSTART:"+r.start.UTC().Format(utcForm), "DTEND:"+r.end.UTC().Format(utcForm))
	lines = append(lines, extra...)
	for _, p := range ps {
		name := "FREEBUSY"
		if p.kind != busy {
			name += ";FBTYPE=" + p.kind
		}
		lines = append(lines, name+":"+p.start.UTC().Format(utcForm)+"/"+p.end.UTC().Format(utcForm))
	}
	lines = append(lines, "END:VFREEBUSY", "END:VCALENDAR")
	var b strings.Builder
	for _, l := range lines {
		fold(&b, l)
	}
	return []byte(b.String())
}

// knownKind takes kinds that are not the standard's for BUSY, and so none (RFC 5545 §3.2.9).
func knownKind(k string) string {
	switch k = strings.ToUpper(k); k {
	case free, busyTentative, busyUnavailable:
		return k
	}
	return busy
}

// fold writes a content line, folded at 75 octets without splitting a character (RFC 5545 §3.1).
func fold(b *strings.Builder, line string) {
	limit := 75
	for len(line) > limit {
		n := limit
		for n > 0 && line[n]&0xC0 == 0x80 {
			n--
		}
		if n == 0 {
			n = limit
		}
		b.WriteString(line[:n] + "\r\n ")
		line = line[n:]
		limit = 74
	}
	b.WriteString(line + "\r\n")
}

// freeBusyQuery answers free-busy-query on one calendar (RFC 4791 §7.10): 200 and text/calendar.
func (q *request) freeBusyQuery(root *element) error {
	el := root.child(nsCal, "time-range")
	if el == nil {
		return errFilter
	}
	r, err := parseTimeRange(el)
	if err != nil {
		return err
	}
	if r.start.IsZero() || r.end.IsZero() || r.end.Sub(r.start) > maxBusyRange {
		return errTooMuch
	}
	leave, err := q.turn()
	if err != nil {
		return err
	}
	defer leave()
	var body []byte
	err = q.store.View(q.ctx(), func(tx *store.Tx) error {
		res, err := q.resolve(tx, q.place)
		if err != nil {
			return err
		}
		ps, err := busyTime(tx, res.user, []store.Calendar{*res.cal}, *r, "")
		if err != nil {
			return fmt.Errorf("working out busy time: %w", err)
		}
		body = freeBusyText("", q.now(), *r, nil, ps)
		return nil
	})
	if err != nil {
		return err
	}
	leave()
	h := q.w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(http.StatusOK)
	_, err = q.w.Write(body)
	return err
}
