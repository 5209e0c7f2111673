package main

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Series, as clients write them: a master, and VEVENTs of single occurrences beside it.

// faultStamp is how instants are written.
const faultStamp = "20060102T150405Z"

// faultMoment writes an instant for people.
func faultMoment(t time.Time) string { return t.UTC().Format("Mon 2006-01-02 15:04Z") }

// bounds are the places of the VEVENTs: of BEGIN, and after END.
func (s *faultSheet) bounds() [][2]int {
	var list [][2]int
	from := 0
	for i, l := range s.lines {
		switch l {
		case "BEGIN:VEVENT":
			from = i
		case "END:VEVENT":
			list = append(list, [2]int{from, i + 1})
		}
	}
	return list
}

func isFaultOverride(l string) bool { return faultLineName(l) == "RECURRENCE-ID" }

// overrides are copies of the VEVENTs of single occurrences, each a sheet of its own.
func (s *faultSheet) overrides() []*faultSheet {
	var list []*faultSheet
	if s.lines[0] == "BEGIN:VEVENT" {
		return nil // it is one itself
	}
	for _, at := range s.bounds() {
		if part := s.lines[at[0]:at[1]]; slices.ContainsFunc(part, isFaultOverride) {
			list = append(list, &faultSheet{lines: slices.Clone(part)})
		}
	}
	return list
}

// key is which occurrence an override is of: when the rule has it take place.
func (s *faultSheet) key() time.Time { return s.instant("RECURRENCE-ID") }

// keepOverrides takes out the overrides that are not to stay.
func (s *faultSheet) keepOverrides(stays func(*faultSheet) bool) {
	for _, at := range slices.Backward(s.bounds()) {
		part := &faultSheet{lines: slices.Clone(s.lines[at[0]:at[1]])}
		if slices.ContainsFunc(part.lines, isFaultOverride) && !stays(part) {
			s.lines = slices.Delete(s.lines, at[0], at[1])
		}
	}
}

// setOverride puts an override in place of that of the same occurrence.
func (s *faultSheet) setOverride(part *faultSheet) {
	s.keepOverrides(func(o *faultSheet) bool { return !o.key().Equal(part.key()) })
	s.lines = slices.Insert(s.lines, slices.Index(s.lines, "END:VCALENDAR"), part.lines...)
}

// eachPart has every VEVENT changed, the master too.
func (s *faultSheet) eachPart(change func(part *faultSheet)) {
	for _, at := range slices.Backward(s.bounds()) {
		part := &faultSheet{lines: slices.Clone(s.lines[at[0]:at[1]])}
		change(part)
		s.lines = slices.Replace(s.lines, at[0], at[1], part.lines...)
	}
}

// zoneName is the zone in which the event's times are written.
func (s *faultSheet) zoneName() string {
	if all := s.all("DTSTART"); len(all) > 0 {
		head, _, _ := strings.Cut(all[0], ":")
		for p := range strings.SplitSeq(head, ";") {
			if id, ok := strings.CutPrefix(p, "TZID="); ok {
				return strings.Trim(id, `"`)
			}
		}
	}
	return "UTC"
}

// A faultOccurrence is one of an event's: by the master, or by an override.
type faultOccurrence struct {
	key, start, end time.Time
	part            *faultSheet
}

func (o faultOccurrence) cancelled() bool { return o.part.text("STATUS") == "CANCELLED" }

// faultHorizon is how far occurrences are looked for.
const faultHorizon = 500 * 24 * time.Hour

// occurrences are those of the event that end after a moment, by start.
func (s *faultSheet) occurrences(after time.Time) []faultOccurrence {
	start, end := s.instant("DTSTART"), s.instant("DTEND")
	zone, err := time.LoadLocation(s.zoneName())
	if err != nil || start.IsZero() {
		return nil
	}
	keys := []time.Time{start}
	if rule := s.text("RRULE"); rule != "" {
		keys = faultRule(rule, start.In(zone), after.Add(faultHorizon))
	}
	keys = append(keys, s.instants("RDATE")...)
	excluded := s.instants("EXDATE")
	own := map[int64]*faultSheet{}
	for _, o := range s.overrides() {
		own[o.key().Unix()] = o
	}
	var list []faultOccurrence
	for _, key := range keys {
		if slices.ContainsFunc(excluded, key.Equal) {
			continue
		}
		o := faultOccurrence{key: key.UTC(), start: key.UTC(), end: key.Add(end.Sub(start)).UTC(), part: s}
		if part := own[key.Unix()]; part != nil {
			o.part, o.start, o.end = part, part.instant("DTSTART"), part.instant("DTEND")
		}
		if o.end.After(after) {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b faultOccurrence) int { return a.start.Compare(b.start) })
	return list
}

// instants are the times of all the master's lines of that name.
func (s *faultSheet) instants(name string) []time.Time {
	var list []time.Time
	for _, l := range s.all(name) {
		head, _, _ := strings.Cut(l, ":")
		for v := range strings.SplitSeq(faultLineValue(l), ",") {
			list = append(list, faultInstant(head+":"+v))
		}
	}
	return list
}

var faultDays = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// faultRule expands the few kinds of rules that the fault program's clients write, up to a moment.
func faultRule(rule string, start, until time.Time) []time.Time {
	parts := map[string]string{}
	for p := range strings.SplitSeq(rule, ";") {
		name, value, _ := strings.Cut(p, "=")
		parts[name] = value
	}
	if v := parts["UNTIL"]; v != "" {
		if end := faultInstant("UNTIL:" + v); end.Before(until) {
			until = end
		}
	}
	count, every := faultNumber(parts["COUNT"], 10000), faultNumber(parts["INTERVAL"], 1)
	monday := func(t time.Time) int {
		return int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix()/86400+3) / 7
	}
	var list []time.Time
	for day := 0; len(list) < count; day++ {
		t := time.Date(start.Year(), start.Month(), start.Day()+day, start.Hour(), start.Minute(), 0, 0, start.Location())
		if t.After(until) {
			break
		}
		fits := false
		switch by := parts["BYDAY"]; parts["FREQ"] {
		case "DAILY":
			fits = day%every == 0
		case "WEEKLY":
			fits = (by == "" && t.Weekday() == start.Weekday() || slices.Contains(strings.Split(by, ","), faultDays[t.Weekday()])) &&
				(monday(t)-monday(start))%every == 0
		case "MONTHLY":
			fits = by == "" && t.Day() == start.Day() ||
				by == "-1"+faultDays[t.Weekday()] && t.AddDate(0, 0, 7).Month() != t.Month()
		}
		if fits {
			list = append(list, t)
		}
	}
	return list
}

func faultNumber(text string, other int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return other
}
