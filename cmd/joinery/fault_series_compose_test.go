package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// faultSingle is what an organiser has done to the conference of one occurrence, written into the
// override by the client, so that it travels with it: "own" (it asked for another) or "removed".
const faultSingle = "X-TEST-SINGLE"

func (s *faultSheet) single() string { return s.text(faultSingle) }

// recurring tells whether the event is a series.
func (s *faultSheet) recurring() bool { return s.text("RRULE") != "" }

// createSeries makes a new series.
func (d *faultDevice) createSeries(ctx context.Context, ask bool) *faultMeeting {
	m := d.create(ctx, ask, d.composeSeries)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series = true
	return m
}

// composeSeries makes a series of a new event: it may have begun some days ago.
func (d *faultDevice) composeSeries(s *faultSheet) {
	zones := []string{"Europe/Berlin", "Europe/Moscow", "Asia/Yekaterinburg", "Europe/Kyiv", "Europe/Berlin", "UTC"}
	zone := zones[d.random.IntN(len(zones))]
	day := d.run.now().UTC().Truncate(24*time.Hour).AddDate(0, 0, d.random.IntN(6)-2)
	start := day.Add(time.Duration(28+d.random.IntN(32)) * 15 * time.Minute)
	s.time(zone, start, start.Add(time.Duration(1+d.random.IntN(6))*15*time.Minute))
	s.zone(zone)
	s.add("RRULE:" + d.rule(start, zone))
	d.roles(s)
}

// time sets when the event takes place.
func (s *faultSheet) time(zone string, start, end time.Time) {
	s.remove(func(l string) bool { return faultLineName(l) == "DTEND" })
	s.set(faultTime("DTSTART", zone, start))
	s.add(faultTime("DTEND", zone, end))
}

// rule is one by which start is an occurrence.
func (d *faultDevice) rule(start time.Time, zone string) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err) // a name of this file
	}
	local := start.In(loc)
	today := faultDays[local.Weekday()]
	switch d.random.IntN(8) {
	case 0, 1, 2:
		return []string{"FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", "FREQ=DAILY;COUNT=9"}[d.random.IntN(3)]
	case 3:
		if local.Day() <= 28 {
			return "FREQ=MONTHLY"
		}
		return "FREQ=WEEKLY;INTERVAL=2"
	case 4:
		days := []string{today, faultDays[(local.Weekday()+2)%7]}
		slices.Sort(days)
		return "FREQ=WEEKLY;BYDAY=" + strings.Join(days, ",")
	case 5:
		if local.AddDate(0, 0, 7).Month() != local.Month() {
			return "FREQ=MONTHLY;BYDAY=-1" + today
		}
		return "FREQ=WEEKLY;UNTIL=" + start.AddDate(0, 0, 16).UTC().Format(faultStamp)
	}
	return "FREQ=WEEKLY"
}

var faultRoles = []string{"CHAIR", "REQ-PARTICIPANT", "OPT-PARTICIPANT", "NON-PARTICIPANT", "REQ-PARTICIPANT"}

// roles gives each of the event's people a role by chance.
func (d *faultDevice) roles(s *faultSheet) {
	for _, address := range s.people() {
		s.role(address, faultRoles[d.random.IntN(len(faultRoles))])
	}
}

// role gives somebody a role.
func (s *faultSheet) role(address, role string) {
	s.event(func(i int) bool {
		if l := s.lines[i]; faultLineName(l) == "ATTENDEE" && faultAddress(l) == address {
			head, rest, _ := strings.Cut(l, "ROLE=")
			s.lines[i] = head + "ROLE=" + role + rest[strings.IndexAny(rest, ";:"):]
		}
		return true
	})
}

// roleOf is somebody's role in the event, empty for whoever is not on it.
func (s *faultSheet) roleOf(address string) string {
	for _, l := range s.all("ATTENDEE") {
		if faultAddress(l) == address {
			_, rest, _ := strings.Cut(l, "ROLE=")
			return rest[:strings.IndexAny(rest+";", ";:")]
		}
	}
	return ""
}

// override is the VEVENT of an occurrence, a copy of the master if it has none of its own yet.
func (s *faultSheet) override(o faultOccurrence) *faultSheet {
	if o.part != s {
		return o.part.clone()
	}
	var part *faultSheet
	for _, at := range s.bounds() {
		if lines := s.lines[at[0]:at[1]]; !slices.ContainsFunc(lines, isFaultOverride) {
			part = &faultSheet{lines: slices.Clone(lines)}
			break
		}
	}
	for _, name := range []string{"RRULE", "RDATE", "EXDATE"} {
		part.removeAll(name)
	}
	zone := s.zoneName()
	part.time(zone, o.start, o.end)
	part.add(faultTime("RECURRENCE-ID", zone, o.key))
	return part
}

// free is a time by day, within some days of t and later than now, at which none of taken begins.
func (d *faultDevice) free(t time.Time, days int, taken []faultOccurrence) (time.Time, bool) {
	for range 20 {
		at := t.Truncate(24*time.Hour).AddDate(0, 0, d.random.IntN(days+1)).Add(time.Duration(28+d.random.IntN(36)) * 15 * time.Minute)
		busy := slices.ContainsFunc(taken, func(o faultOccurrence) bool { return o.start.Equal(at) || o.key.Equal(at) })
		if at.After(d.run.now().Add(30*time.Minute)) && !busy {
			return at, true
		}
	}
	return time.Time{}, false
}

// coming are the next occurrences that have not begun and are not cancelled, a few of them.
func (d *faultDevice) coming(s *faultSheet) []faultOccurrence {
	list := slices.DeleteFunc(s.occurrences(d.run.now()), func(o faultOccurrence) bool {
		return o.cancelled() || !o.start.After(d.run.now().Add(10*time.Minute))
	})
	return list[:min(len(list), 6)]
}

// one chooses one of the next occurrences, mostly an early one.
func (d *faultDevice) one(s *faultSheet) (o faultOccurrence, ok bool) {
	list := d.coming(s)
	if len(list) == 0 {
		return o, false
	}
	return list[d.random.IntN(1+d.random.IntN(len(list)))], true
}

// retitle gives a VEVENT a title of its own.
func (d *faultDevice) retitle(m *faultMeeting, part *faultSheet) {
	m.n++
	part.set("SUMMARY:" + faultEscape(fmt.Sprintf("Планёрка %s, версия %d; «отдельно»", m.uid[:8], m.n)))
}

// unask takes out what asks for a conference and the link where people read it.
func (d *faultDevice) unask(part *faultSheet) {
	if !part.linked() || d.random.IntN(3) == 0 {
		part.set("DESCRIPTION:" + faultEscape(faultAgenda(part.text("DESCRIPTION"))))
	}
	part.removeAll("LOCATION")
	part.removeAll("CATEGORIES")
	part.remove(func(l string) bool { return faultLineName(l) == "ATTENDEE" && faultAddress(l) == faultResource })
}
