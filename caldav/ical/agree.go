package ical

import (
	"strings"
	"time"
)

// agreementYear is how far into a series a VTIMEZONE must agree with the IANA zone that it names.
const agreementYear = 366 * 24 * time.Hour

// agrees tells whether own has the IANA zone's offsets when the object's events take place: at every
// time that is written in that zone, and of a series through its first year. A zone that agreed then
// is a copy, and where they differ later the IANA zone is the fresher.
func (o *Object) agrees(tzid string, own *vzone, iana *time.Location) bool {
	same := func(at time.Time) bool {
		if at.Before(own.known) || !at.Before(own.stops) {
			return true
		}
		return offsetAt(at, own.loc) == offsetAt(at, iana)
	}
	for _, c := range o.Root.Children {
		if c.Name == "VTIMEZONE" {
			continue
		}
		if !c.agrees(tzid, own, same) {
			return false
		}
		start := c.First("DTSTART")
		if start == nil || c.First("RRULE") == nil || start.Param("TZID") != tzid {
			continue
		}
		first, _, _, err := parseCivil(strings.TrimSpace(start.Value))
		if err != nil {
			continue
		}
		from := civilTime(first, own.loc)
		until := from.Add(agreementYear)
		// They differ within a stretch of constant offsets, or nowhere in it.
		for at := from; at.Before(until); {
			if !same(at) {
				return false
			}
			next := until
			for _, loc := range []*time.Location{own.loc, iana} {
				if _, end := stretch(at.In(loc)); !end.IsZero() && end.Before(next) {
					next = end
				}
			}
			at = next
		}
	}
	return true
}

// agrees asks same of each time in c that is written in that zone.
func (c *Component) agrees(tzid string, own *vzone, same func(time.Time) bool) bool {
	for _, l := range c.Lines {
		switch l.Name {
		case "DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "RDATE":
		default:
			continue
		}
		if l.Param("TZID") != tzid {
			continue
		}
		for item := range strings.SplitSeq(l.Value, ",") {
			item, _, _ = strings.Cut(item, "/")
			at, _, _, err := parseCivil(strings.TrimSpace(item))
			if err == nil && !same(civilTime(at, own.loc)) {
				return false
			}
		}
	}
	return true
}

func offsetAt(at time.Time, loc *time.Location) int {
	_, offset := at.In(loc).Zone()
	return offset
}
