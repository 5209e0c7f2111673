package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Texts of series as clients write and edit them: frames are recordings of theirs, or what they
// are known to write; events are edited by logical lines.

// An author is a client.
type author struct {
	agent string
	frame string // in testdata/years: everything but the events
	order []string
	match bool // it sends If-Match
}

var (
	thunderbird = author{"Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0", "thunderbird-berlin.ics",
		[]string{"CREATED", "LAST-MODIFIED", "DTSTAMP", "UID", "SUMMARY", "ORGANIZER", "ATTENDEE", "RRULE", "DTSTART", "DTEND", "LOCATION"}, true}
	evolution = author{"Evolution/3.46.4", "evolution-berlin.ics",
		[]string{"UID", "DTSTAMP", "SUMMARY", "DTSTART", "DTEND", "LOCATION", "ORGANIZER", "ATTENDEE", "RRULE", "CREATED", "LAST-MODIFIED"}, false}
	apple = author{"macOS/15.7.1 (24G231) dataaccessd/1.0", "apple-berlin.ics",
		[]string{"CREATED", "DTEND", "UID", "SUMMARY", "LOCATION", "DTSTART", "DTSTAMP", "LAST-MODIFIED", "RRULE", "ORGANIZER", "ATTENDEE"}, true}
	appleInNewYork = author{apple.agent, "apple-newyork.ics", apple.order, true}
	davx5          = author{"DAVx5/4.5-ose", "davx5-floating.ics", evolution.order, true}
)

// Local times as events write them.
const localStamp = "20060102T150405"

// yearsZone is a zone by its IANA name.
func yearsZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the test program has its zones
	}
	return loc
}

// A yearsClock tells how an event writes its times.
type yearsClock struct {
	zone     *time.Location
	floating bool
}

// line is a property with times.
func (c yearsClock) line(name string, times ...time.Time) string {
	if !c.floating {
		name += ";TZID=" + c.zone.String()
	}
	var list []string
	for _, t := range times {
		list = append(list, t.In(c.zone).Format(localStamp))
	}
	return name + ":" + strings.Join(list, ",")
}

// event is a new series of anna's, with boris and vera.
func (a author) event(s *simulation, c yearsClock, uid, title, rule string, first *occurrence) string {
	s.Helper()
	now := s.now().Format(utcStamp)
	lines := map[string][]string{
		"CREATED": {"CREATED:" + now}, "LAST-MODIFIED": {"LAST-MODIFIED:" + now}, "DTSTAMP": {"DTSTAMP:" + now},
		"UID": {"UID:" + uid}, "SUMMARY": {"SUMMARY:" + title}, "LOCATION": {"LOCATION:Webinar"},
		"DTSTART": {c.line("DTSTART", first.start)}, "DTEND": {c.line("DTEND", first.end)},
		"ORGANIZER": {"ORGANIZER;CN=Anna:mailto:" + anna},
	}
	for _, l := range invitation() {
		if strings.HasPrefix(l, "ATTENDEE") {
			lines["ATTENDEE"] = append(lines["ATTENDEE"], l)
		}
	}
	if rule != "" {
		lines["RRULE"] = []string{"RRULE:" + rule}
	}
	text := []string{"BEGIN:VEVENT"}
	for _, name := range a.order {
		text = append(text, lines[name]...)
	}
	frame, err := os.ReadFile(filepath.Join("testdata", "years", a.frame))
	if err != nil {
		s.Fatal(err)
	}
	return strings.Replace(string(frame), "@EVENTS@", strings.Join(append(text, "END:VEVENT"), "\r\n"), 1)
}

// vevents cuts a text into what stands before its events, the lines of each, and what stands after.
func vevents(text string) (before []string, events [][]string, after []string) {
	lines := logical(text)
	i := slices.Index(lines, "BEGIN:VEVENT")
	before, lines = slices.Clone(lines[:i]), lines[i:]
	for len(lines) > 0 && lines[0] == "BEGIN:VEVENT" {
		end := slices.Index(lines, "END:VEVENT") + 1
		events = append(events, slices.Clone(lines[:end]))
		lines = lines[end:]
	}
	return before, events, lines
}

// edited is a text with its master edited and events added. The master is the first event that has
// no RECURRENCE-ID.
func edited(text string, edit func(master []string) []string, more ...[]string) string {
	before, events, after := vevents(text)
	for i, e := range events {
		if edit != nil && !slices.ContainsFunc(e, func(l string) bool { return lineName(l) == "RECURRENCE-ID" }) {
			events[i] = edit(e)
			break
		}
	}
	lines := before
	for _, e := range append(events, more...) {
		lines = append(lines, e...)
	}
	return joined(append(lines, after...))
}

// master are the lines of a text's master.
func master(text string) []string {
	_, events, _ := vevents(text)
	for _, e := range events {
		if !slices.ContainsFunc(e, func(l string) bool { return lineName(l) == "RECURRENCE-ID" }) {
			return e
		}
	}
	return nil
}

// masterValue is the value of a line of the master, unescaped.
func masterValue(text, name string) string { return value(joined(master(text)), name) }

// setLine replaces the first line of that name, or adds one.
func setLine(lines []string, line string) []string {
	for i, l := range lines {
		if lineName(l) == lineName(line) {
			lines[i] = line
			return lines
		}
	}
	return slices.Insert(lines, len(lines)-1, line)
}

// dropLines takes all lines of these names away.
func dropLines(lines []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return slices.Contains(names, lineName(l)) })
}

// raised is a component with a higher SEQUENCE.
func raised(lines []string) []string {
	return setLine(lines, fmt.Sprintf("SEQUENCE:%d", sequence(joined(lines))+1))
}

// movedInstance is the instance of a text's master that was at original, at another time: as clients
// make it, a copy of the master.
func movedInstance(text string, c yearsClock, original, start, end time.Time) []string {
	lines := dropLines(master(text), "RRULE", "EXDATE", "RDATE")
	lines = setLine(setLine(lines, c.line("DTSTART", start)), c.line("DTEND", end))
	return raised(slices.Insert(lines, len(lines)-1, c.line("RECURRENCE-ID", original)))
}
