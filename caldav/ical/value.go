package ical

import (
	"fmt"
	"strings"
	"time"
)

// A Time is a DATE or DATE-TIME value.
type Time struct {
	Time     time.Time // an instant; of a date midnight UTC; of a floating time its wall clock in UTC
	AllDay   bool
	Floating bool   // also true where the TZID could not be resolved at all
	UTC      bool   // written with Z
	TZID     string // as written
	Zone     string // IANA name it resolved to; empty for UTC, floating, dates and own VTIMEZONEs
}

// In returns the instant, floating times and dates taken in loc (nil: UTC).
func (t Time) In(loc *time.Location) time.Time {
	if !t.AllDay && !t.Floating {
		return t.Time
	}
	return civilTime(civilOf(t.Time), loc)
}

// Time reads l as one DATE or DATE-TIME by its VALUE, TZID and o's VTIMEZONEs (RFC 5545 §3.3.4,
// §3.3.5). A TZID is looked up as Location says; one that cannot be resolved makes the time
// floating. Times that occur twice are the first, times in a gap take the offset before it. A date
// without VALUE=DATE and a date-time with it count as dates; a zone beside a Z counts for nothing.
func (o *Object) Time(l *Line) (Time, error) {
	t, err := o.parseTime(l.Value, l.Param("TZID"), l.Param("VALUE"))
	if err != nil {
		return Time{}, fmt.Errorf("%s: %w", l.Name, err)
	}
	return t, nil
}

// Times reads l as a list of DATE or DATE-TIME values: EXDATE, RDATE (of a PERIOD its start; see
// Periods). Empty items are passed over.
func (o *Object) Times(l *Line) ([]Time, error) {
	periods, err := o.Periods(l)
	if err != nil {
		return nil, err
	}
	times := make([]Time, len(periods))
	for i, p := range periods {
		times[i] = p.Start
	}
	return times, nil
}

// A Period is one item of an RDATE: a time, and for a PERIOD (RFC 5545 §3.3.9) also its end or its
// duration.
type Period struct {
	Start Time
	End   *Time

	HasDuration bool
	Days        int           // nominal, as ParseDuration gives them
	Exact       time.Duration // the rest
}

// Periods reads l as a list of DATE, DATE-TIME or PERIOD values. Empty items are passed over.
func (o *Object) Periods(l *Line) ([]Period, error) {
	tzid, kind := l.Param("TZID"), l.Param("VALUE")
	var periods []Period
	for item := range strings.SplitSeq(l.Value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		first, second, isPeriod := strings.Cut(item, "/")
		k := kind
		if isPeriod {
			k = ""
		}
		start, err := o.parseTime(first, tzid, k)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Name, err)
		}
		p := Period{Start: start}
		switch {
		case !isPeriod:
		case strings.ContainsAny(second, "Pp"):
			if p.Days, p.Exact, err = ParseDuration(second); err != nil {
				return nil, fmt.Errorf("%s: %w", l.Name, err)
			}
			p.HasDuration = true
		default:
			end, err := o.parseTime(second, tzid, "")
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.Name, err)
			}
			p.End = &end
		}
		periods = append(periods, p)
	}
	return periods, nil
}

// parseTime reads one value; kind is the VALUE parameter.
func (o *Object) parseTime(value, tzid, kind string) (Time, error) {
	value = strings.TrimSpace(value)
	c, dateOnly, utc, err := parseCivil(value)
	if err != nil {
		return Time{}, err
	}
	if dateOnly || strings.EqualFold(kind, "DATE") {
		// A TZID beside a date has no meaning (RFC 5545 §3.2.19).
		return Time{Time: c.startOfDay().utc(), AllDay: true}, nil
	}
	t := Time{TZID: tzid}
	switch {
	case utc:
		t.Time, t.UTC = c.utc(), true
	case tzid == "":
		t.Time, t.Floating = c.utc(), true
	default:
		loc, name := o.zone(tzid)
		if loc == nil {
			t.Time, t.Floating = c.utc(), true
		} else {
			t.Time, t.Zone = civilTime(c, loc), name
		}
	}
	return t, nil
}

// parseCivil reads YYYYMMDD or YYYYMMDDTHHMMSS with or without Z. Second 60 counts as 59 (RFC 5545
// §3.3.12); seconds that are left out count as 0.
func parseCivil(s string) (c civil, dateOnly, utc bool, err error) {
	bad := func() (civil, bool, bool, error) {
		return 0, false, false, fmt.Errorf("not a date or time: %q", clip(s))
	}
	if len(s) < 8 || !digits(s[:8]) {
		return bad()
	}
	y, mo, d := number(s[:4]), number(s[4:6]), number(s[6:8])
	if y < 1 || mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) {
		return bad()
	}
	c = civilDate(y, mo, d)
	rest := s[8:]
	if rest == "" {
		return c, true, false, nil
	}
	if rest[0] != 'T' && rest[0] != 't' {
		return bad()
	}
	rest = rest[1:]
	if n := len(rest); n > 0 && (rest[n-1] == 'Z' || rest[n-1] == 'z') {
		rest, utc = rest[:n-1], true
	}
	if (len(rest) != 6 && len(rest) != 4) || !digits(rest) {
		return bad()
	}
	h, m, sec := number(rest[:2]), number(rest[2:4]), 0
	if len(rest) == 6 {
		sec = min(number(rest[4:]), 59)
		if number(rest[4:]) > 60 {
			return bad()
		}
	}
	if h > 23 || m > 59 {
		return bad()
	}
	return c + civil(h*3600+m*60+sec), false, utc, nil
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// number reads a short string of digits.
func number(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
