package ical

import "time"

// A frame is how the instances of an event are told apart: by the instant where DTSTART is in a
// zone, else by the reading of the clock.
type frame struct {
	loc    *time.Location // of the clock; for floating times and dates that of the reader
	fixed  bool           // the instant counts
	allDay bool
}

func frameOf(o *Object, start Time, loc *time.Location) frame {
	switch {
	case start.AllDay || start.Floating:
		return frame{loc: loc, allDay: start.AllDay}
	case start.UTC || start.TZID == "":
		return frame{loc: time.UTC, fixed: true}
	}
	zone := o.Location(start.TZID)
	if zone == nil {
		zone = start.Time.Location()
	}
	return frame{loc: zone, fixed: true}
}

// wall is t by the frame's clock. In a frame of dates it is the date as t was written; in a floating
// frame a time in a zone counts as it was written, too.
func (f frame) wall(t Time) civil {
	switch {
	case f.allDay:
		return civilOf(t.Time).startOfDay()
	case t.AllDay || t.Floating || !f.fixed && !t.UTC:
		return civilOf(t.Time)
	}
	return civilOf(t.Time.In(f.loc))
}

// identity is how the frame tells t from others; byDate: t names only a date, in a frame of times,
// and stands for every instance on it.
func (f frame) identity(t Time) (id int64, byDate bool) {
	c := f.wall(t)
	switch {
	case t.AllDay && !f.allDay:
		return int64(c.day()), true
	case !f.fixed:
		return int64(c), false
	case t.Floating:
		return civilTime(c, f.loc).Unix(), false
	}
	return t.Time.Unix(), false
}

// An identitySet holds instances by their identity. The zero value is empty.
type identitySet struct {
	ids  map[int64]struct{}
	days map[int64]struct{}
}

func (s *identitySet) add(f frame, t Time) {
	id, byDate := f.identity(t)
	set := &s.ids
	if byDate {
		set = &s.days
	}
	if *set == nil {
		*set = map[int64]struct{}{}
	}
	(*set)[id] = struct{}{}
}

// hasTime tells whether the set holds t, or the date it falls on.
func (s *identitySet) hasTime(f frame, t Time) bool {
	id, byDate := f.identity(t)
	if byDate {
		_, ok := s.days[id]
		return ok
	}
	return s.has(id, f.wall(t))
}

// has tells whether the set holds the instance of that identity and reading of the clock.
func (s *identitySet) has(id int64, c civil) bool {
	if _, ok := s.ids[id]; ok {
		return true
	}
	if s.days == nil {
		return false
	}
	_, ok := s.days[int64(c.day())]
	return ok
}

// A length is how long the instances of an event are (RFC 5545 §3.8.5.3): from DTEND or DUE the exact
// time, from DURATION its days by the calendar and the rest exactly, of dates whole days.
type length struct {
	days  int
	exact time.Duration
}

func lengthOf(v *VEvent, loc *time.Location) length {
	if v.Start.AllDay && v.End.AllDay {
		return length{days: civilOf(v.End.Time).day() - civilOf(v.Start.Time).day()}
	}
	if end, duration := v.Component.endLines(); end == nil && duration != nil {
		if days, exact, err := ParseDuration(duration.Value); err == nil && days >= 0 && exact >= 0 {
			return length{days: days, exact: exact}
		}
	}
	if v.Start.Floating && v.End.Floating {
		return length{exact: v.End.Time.Sub(v.Start.Time)}
	}
	return length{exact: max(0, v.End.In(loc).Sub(v.Start.In(loc)))}
}

// end is start and the length, by the calendar of start's location.
func (l length) end(start time.Time) time.Time {
	if l.days != 0 {
		start = civilTime(civilOf(start)+civil(l.days)*day, start.Location())
	}
	return start.Add(l.exact)
}

// atMost is the longest that the length can be, in seconds: a Duration ends at 292 years.
func (l length) atMost() int64 {
	seconds := int64(l.exact / time.Second) // times here have no parts of a second
	if l.days == 0 {
		return seconds
	}
	return int64(l.days)*int64(day) + seconds + int64(zoneReach/time.Second)
}

// zoneReach is more than any two offsets of one zone differ by.
const zoneReach = 26 * time.Hour
