package caldav

import (
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

// productID is the PRODID of what is written here.
const productID = "-//Joinery//CalDAV//EN"

// freeBusyText writes a VCALENDAR with one VFREEBUSY. The extra lines stand after its times.
func freeBusyText(method string, now time.Time, r timeRange, extra []string, ps []period) []byte {
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:" + productID}
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

// freeBusyQuery answers free-busy-query on one calendar (RFC 4791 §7.10): 200 and text/calendar. A
// calendar without the members that Depth: 0 leaves out has no busy time.
func (q *request) freeBusyQuery(root *element) error {
	r, err := parseBusyRange(root)
	if err != nil {
		return err
	}
	d, err := depth(q.r.Header, 1) // as of calendar-query
	if err != nil {
		return err
	}
	res, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	var ps []period
	if d != 0 {
		if ps, err = q.busyTime(res.user, []store.Calendar{*res.cal}, r, ""); err != nil {
			return fmt.Errorf("working out busy time: %w", err)
		}
	}
	body := freeBusyText("", q.now(), r, nil, ps)
	h := q.w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(http.StatusOK)
	_, err = q.w.Write(body)
	return err
}

// parseBusyRange reads the one time-range of a free-busy-query, of which both ends are needed here.
func parseBusyRange(root *element) (timeRange, error) {
	var r *timeRange
	for _, c := range root.children() {
		if !c.is(nsCal, "time-range") {
			continue
		}
		if r != nil {
			return timeRange{}, errFilter
		}
		var err error
		if r, err = parseTimeRange(c); err != nil {
			return timeRange{}, err
		}
	}
	switch {
	case r == nil:
		return timeRange{}, errFilter
	case r.start.IsZero() || r.end.IsZero() || r.end.Sub(r.start) > maxBusyRange:
		return timeRange{}, errTooMuch
	}
	return *r, nil
}
