package ical

import "time"

// untilCivil is the last reading of the wall clock that UNTIL admits, in loc (nil: UNTIL's UTC is
// the start's own clock). A date admits the whole day. In UTC with a zone, it is an instant: the
// reading may then occur twice, and the caller compares instants too. On dates, of a UTC time only
// the date counts.
func untilCivil(u *Time, loc *time.Location, allDay bool) civil {
	c := civilOf(u.Time)
	switch {
	case u.AllDay:
		return c + day - 1
	case u.UTC && loc != nil && !allDay:
		return civilOf(u.Time.In(loc))
	}
	return c
}
