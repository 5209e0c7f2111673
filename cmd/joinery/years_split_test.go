package main

import (
	"slices"
	"strings"
	"time"
)

// A yearsSplitter says how a client writes "this and following": the series as it was ends before the
// occurrence, and a new one with its text begins there.
type yearsSplitter struct {
	author
	newFirst bool     // it saves the new part before it cuts the old one
	loses    []string // what it does not take over into the new part
	relates  bool     // both parts name their common origin
}

// Apple keeps many X- properties when it copies, but not all, and knows no CONFERENCE; the common
// origin is named as its own server does it.
var yearsSplitters = []yearsSplitter{
	{author: thunderbird},
	{author: apple, newFirst: true, loses: []string{"CONFERENCE", "X-JOINERY-BOOKING", "X-JOINERY-STATE"}, relates: true},
	{author: evolution},
}

// playSplits splits a series of each client, at the occurrence that is booked and at a later one;
// in the second year what came of it is split again, while it is held.
func playSplits(s *simulation) {
	for i, by := range yearsSplitters {
		days := weekly(berlin.zone, 2027, 1, 12+i, 10, 0)
		name := []string{"Thunderbird", "Apple", "Evolution"}[i]
		one := s.new(name, stopAt(days.until(s.until.Add(beyond), time.Hour), -5*time.Minute))
		s.create(by.author, berlin, one, "FREQ=WEEKLY")
		two := s.planned(name + ", part 2")
		three := s.planned(name + ", part 3")
		s.split(by, one, two, days(5).Add(-26*time.Hour), days(5+i))
		s.split(by, two, three, days(56).Add(20*time.Minute), days(57+i))
	}
}

// planned is a series that will come to be.
func (s *simulation) planned(name string) *series {
	se := s.new(name, nil)
	s.series = s.series[:len(s.series)-1]
	return se
}

// split has the series old split at a moment: what is from the occurrence at start on goes to next.
func (s *simulation) split(by yearsSplitter, old, next *series, moment, start time.Time) {
	s.do(moment, func() {
		text := s.anna.get(old.path).body
		o := old.on(start)
		cut := edited(text, func(m []string) []string {
			rule := masterValue(text, "RRULE") + ";UNTIL=" + start.Add(-time.Second).UTC().Format(utcStamp)
			m = raised(setLine(m, "RRULE:"+rule))
			if by.relates {
				m = setLine(m, "RELATED-TO;RELTYPE=X-CALENDARSERVER-RECURRENCE-SET:"+masterValue(text, "UID"))
			}
			return m
		})
		fresh := edited(text, func(m []string) []string {
			m = dropLines(m, append(slices.Clone(by.loses), "SEQUENCE")...)
			m = setLine(setLine(m, "UID:"+next.uid()), "SUMMARY:"+strings.ReplaceAll(next.name, ",", `\,`))
			m = setLine(setLine(m, berlin.line("DTSTART", o.start)), berlin.line("DTEND", o.end))
			if by.relates {
				m = setLine(m, "RELATED-TO;RELTYPE=X-CALENDARSERVER-RECURRENCE-SET:"+masterValue(text, "UID"))
			}
			return m
		})
		for _, o := range old.list {
			if !o.start.Before(start) {
				next.list = append(next.list, o)
			}
		}
		old.list = slices.DeleteFunc(old.list, func(o *occurrence) bool { return !o.start.Before(start) })
		s.series = append(s.series, next)
		was := old.link
		if by.newFirst {
			s.save(by.author, next, fresh)
			s.step(s.now().Add(2 * time.Second))
			s.save(by.author, old, cut)
		} else {
			s.save(by.author, old, cut)
			s.step(s.now().Add(2 * time.Second))
			s.save(by.author, next, fresh)
		}
		s.expect("REQUEST", "REQUEST")
		s.settle()
		if link := linkOf(s.anna.get(next.path).body); link == was {
			s.fail(next, "the new part has the link of the old one")
		}
	})
}
