package ical

import "time"

// A civil time is a wall clock reading without a zone, in seconds since 1970-01-01T00:00:00 on that
// clock. The day has 86 400 seconds everywhere.
type civil int64

const (
	minute civil = 60
	hour   civil = 3600
	day    civil = 86400
)

// lastCivil is the end of year 9999, the last that a DATE can name.
var lastCivil = civilDate(9999, 12, 31) + day - 1

func civilDate(y, m, d int) civil { return civil(dayNumber(y, m, d)) * day }

// civilOf is t's wall clock in its own location.
func civilOf(t time.Time) civil {
	_, offset := t.Zone()
	return civil(t.Unix() + int64(offset))
}

func (c civil) utc() time.Time { return time.Unix(int64(c), 0).UTC() }

func (c civil) startOfDay() civil { return civil(c.day()) * day }

// day is the number of the day, 1970-01-01 being 0.
func (c civil) day() int { return int(floorDiv(int64(c), int64(day))) }

// clock is the second of the day.
func (c civil) clock() civil { return c - c.startOfDay() }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// dayNumber counts days from 1970-01-01 in the proleptic Gregorian calendar; m may be beyond 1 to 12.
func dayNumber(y, m, d int) int {
	// Years begin in March, so that the leap day is the last (Hinnant, "chrono-compatible low-level
	// date algorithms").
	m--
	y += int(floorDiv(int64(m), 12))
	m = m - 12*int(floorDiv(int64(m), 12)) + 1
	if m <= 2 {
		y--
	}
	era := int(floorDiv(int64(y), 400))
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// dateOf is the date of a day number.
func dateOf(n int) (y, m, d int) {
	n += 719468
	era := int(floorDiv(int64(n), 146097))
	doe := n - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	y = yoe + era*400
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	if mp < 10 {
		m = mp + 3
	} else {
		m = mp - 9
	}
	if m <= 2 {
		y++
	}
	return y, m, d
}

// weekdayOf is the weekday of a day number; 1970-01-01 was a Thursday.
func weekdayOf(n int) time.Weekday { return time.Weekday(((n+4)%7 + 7) % 7) }

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysIn(y, m int) int {
	switch m {
	case 2:
		if leap(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// LocalTime is the instant of a wall clock reading in loc (nil: UTC). Of a time that occurs twice it
// is the first; a time in a gap is counted with the offset before the gap, so that 02:30 on the
// night when 02:00 becomes 03:00 is 03:30 (RFC 5545 §3.3.5). Values beyond their range are carried
// over as time.Date does.
func LocalTime(y int, mo time.Month, d, h, mi, s int, loc *time.Location) time.Time {
	return civilTime(civil(time.Date(y, mo, d, h, mi, s, 0, time.UTC).Unix()), loc)
}

// civilTime is LocalTime of c.
func civilTime(c civil, loc *time.Location) time.Time {
	t, _ := civilInstant(c, loc)
	return t
}

// civilInstant is LocalTime of c, and tells whether c falls in a gap.
//
// time.Date cannot serve: of a time that occurs twice it takes the first in New York and the second
// in Berlin.
func civilInstant(c civil, loc *time.Location) (t time.Time, inGap bool) {
	if loc == nil || loc == time.UTC {
		return c.utc(), false
	}
	// No offset reaches 26 hours, so that the instant lies within 26 hours of c taken as UTC. The
	// first of the stretches of constant offset there that contains c is it.
	at := time.Unix(int64(c)-26*3600, 0).In(loc)
	for range 64 {
		offset, end := stretch(at)
		t = time.Unix(int64(c)-int64(offset), 0).In(loc)
		if end.IsZero() || t.Before(end) {
			return t, false
		}
		_, next := end.Zone()
		if int64(c)-int64(next) < end.Unix() {
			return t, true
		}
		at = end
	}
	return t, false
}

// stretch is the offset at the instant at, and an instant after it up to which the offset holds: the
// next change or an earlier one, zero if there is none.
func stretch(at time.Time) (offset int, end time.Time) {
	_, offset = at.Zone()
	if _, end = at.ZoneBounds(); !end.IsZero() && !end.After(at) {
		// In leap years ZoneBounds ends the year, where a rule continues the zone's table, a day
		// early, on its last day before the time asked about.
		end = at.Add(24 * time.Hour)
	}
	return offset, end
}
