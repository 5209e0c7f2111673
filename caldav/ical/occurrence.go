package ical

import "time"

// OccurrenceKey names the instance whose Instance.RecurrenceID is given, the same however its
// RECURRENCE-ID is written: an instant (20260105T090000Z), a local time where DTSTART is floating
// (20260105T100000), a date where it is one (20260105). Floating times and dates are taken in loc.
func (e *Event) OccurrenceKey(recurrenceID time.Time, loc *time.Location) string {
	switch first := e.defining(); {
	case first.AllDay:
		return recurrenceID.In(loc).Format("20060102")
	case first.Floating:
		return recurrenceID.In(loc).Format("20060102T150405")
	}
	return recurrenceID.UTC().Format("20060102T150405Z")
}

// KeyTime is the instance that an OccurrenceKey names, as Time holds a RECURRENCE-ID: an instant, or the wall clock or date
// in UTC; zero where it names none, as the empty key of the event itself.
func KeyTime(key string) time.Time {
	for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		if at, err := time.Parse(layout, key); err == nil {
			return at
		}
	}
	return time.Time{}
}

// OverrideKey is the OccurrenceKey of the instance that v stands for; empty for the master.
func (e *Event) OverrideKey(v *VEvent, loc *time.Location) string {
	if v.RecurrenceID == nil {
		return ""
	}
	if loc == nil {
		loc = time.UTC
	}
	return e.OccurrenceKey(originalOf(frameOf(e.Object, e.defining(), loc), *v.RecurrenceID, e.Master), loc)
}

// defining is the time whose form all instances have: DTSTART, or, without a master, the first
// RECURRENCE-ID.
func (e *Event) defining() Time {
	if m := e.Master; m != nil && !m.Start.Time.IsZero() {
		return m.Start
	}
	for _, v := range e.Overrides {
		if v.RecurrenceID != nil {
			return *v.RecurrenceID
		}
	}
	return Time{}
}

// originalOf is the instant of the instance that rid names in f; m is the master, nil if there is none.
func originalOf(f frame, rid Time, m *VEvent) time.Time {
	if f.fixed && !rid.AllDay && !rid.Floating {
		return rid.Time
	}
	return civilTime(namedWall(f, rid, m), f.loc)
}

// namedWall is the clock's reading at the instance that rid names in f. A date names the instance of
// that day, by the clock of m's DTSTART.
func namedWall(f frame, rid Time, m *VEvent) civil {
	c := f.wall(rid)
	if rid.AllDay && !f.allDay && m != nil {
		c += f.wall(m.Start).clock()
	}
	return c
}
