package ical

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// TZIDs are the zones that times in c and the components in it are written in.
func (c *Component) TZIDs() map[string]bool {
	zones := map[string]bool{}
	for _, l := range c.Lines {
		if tzid := l.Param("TZID"); tzid != "" {
			zones[tzid] = true
		}
	}
	for _, child := range c.Children {
		maps.Copy(zones, child.TZIDs())
	}
	return zones
}

// AddZones adds a VTIMEZONE for every TZID of zones that the Object names without defining it (some clients
// and scripts write IANA names alone): what leaves for others must be complete in itself (RFC 5545
// §3.2.19), and Outlook reads such times wrongly. from is when the event begins.
func (e *Edit) AddZones(zones map[string]bool, from time.Time) {
	defined := map[string]bool{}
	for _, c := range e.o.Root.Find("VTIMEZONE") {
		defined[c.Text("TZID")] = true
	}
	for _, tzid := range slices.Sorted(maps.Keys(zones)) {
		if loc := e.o.Location(tzid); loc != nil && tzid != "" && !defined[tzid] {
			e.AddComponent(e.o.Root, ZoneText(tzid, loc, from.In(loc).Year()))
		}
	}
}

// An onset is when an offset begins.
type onset struct {
	at       time.Time
	from, to int // offsets in seconds
	daylight bool
	name     string
}

// writtenYears is how many years an irregular zone is written out for.
const writtenYears = 6

// ZoneText writes loc as a VTIMEZONE of that TZID from year on, lines separated by \n: by yearly rules where
// it keeps to them, else by the dates of some years.
func ZoneText(tzid string, loc *time.Location, year int) string {
	begin := time.Date(year-1, 1, 1, 0, 0, 0, 0, loc)
	end := time.Date(year-1+writtenYears, 1, 1, 0, 0, 0, 0, loc)
	name, offset := begin.Zone()
	var onsets []onset
	for t := begin; ; {
		_, next := t.ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			break
		}
		_, from := t.Zone()
		n, to := next.Zone()
		onsets = append(onsets, onset{next, from, to, next.IsDST(), n})
		t = next
	}
	lines := []string{"BEGIN:VTIMEZONE", "TZID:" + EscapeText(tzid)}
	if rules := yearly(onsets, year-1); rules != nil {
		for i, rule := range rules {
			lines = append(lines, observanceText(onsets[i], rule)...)
		}
	} else {
		lines = append(lines, observanceText(onset{begin, offset, offset, begin.IsDST(), name}, "")...)
		for _, o := range onsets {
			lines = append(lines, observanceText(o, "")...)
		}
	}
	return strings.Join(append(lines, "END:VTIMEZONE"), "\n")
}

// yearly finds the rules of onsets, two a year from first on; nil if they keep to none.
func yearly(onsets []onset, first int) []string {
	if len(onsets) != 2*writtenYears {
		return nil
	}
	rules := make([]string, 2)
	for i := range rules {
		nth, last := true, true
		begin := local(onsets[i])
		for y := range writtenYears {
			o := onsets[2*y+i]
			t := local(o)
			if t.Year() != first+y || t.Month() != begin.Month() || t.Weekday() != begin.Weekday() ||
				t.Format("150405") != begin.Format("150405") || o.from != onsets[i].from || o.to != onsets[i].to {
				return nil
			}
			nth = nth && (t.Day()-1)/7 == (begin.Day()-1)/7
			last = last && t.AddDate(0, 0, 7).Month() != t.Month()
		}
		n := (begin.Day()-1)/7 + 1
		switch {
		case last:
			n = -1
		case !nth:
			return nil
		}
		rules[i] = fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=%d%s", begin.Month(), n, strings.ToUpper(begin.Weekday().String()[:2]))
	}
	return rules
}

// local is o's onset on the clock before it.
func local(o onset) time.Time { return o.at.In(time.FixedZone("", o.from)) }

func observanceText(o onset, rule string) []string {
	kind := "STANDARD"
	if o.daylight {
		kind = "DAYLIGHT"
	}
	lines := []string{
		"BEGIN:" + kind, "DTSTART:" + local(o).Format("20060102T150405"),
		"TZOFFSETFROM:" + offsetValue(o.from), "TZOFFSETTO:" + offsetValue(o.to), "TZNAME:" + EscapeText(o.name),
	}
	if rule != "" {
		lines = append(lines, "RRULE:"+rule)
	}
	return append(lines, "END:"+kind)
}

// offsetValue writes a UTC-OFFSET (RFC 5545 §3.3.14).
func offsetValue(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	s := fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
	if rest := seconds % 60; rest != 0 {
		s += fmt.Sprintf("%02d", rest)
	}
	return s
}
