package main

import (
	"slices"
	"strings"
	"time"
)

// More series: what else decides which occurrence is next.

// playNights is held on Sundays at half past two, which on one Sunday of the year is not and on
// another is twice, and past midnight.
func playNights(s *simulation) {
	sundays := weekly(berlin.zone, 2027, 1, 10, 2, 30).until(s.until.Add(beyond), time.Hour)
	for _, o := range sundays {
		// RFC 5545 §3.3.5: a time that is not is told by the offset before; of two the first counts.
		switch o.start.In(berlin.zone).Format("2006-01-02") {
		case "2027-03-28", "2028-03-26":
			o.start = o.start.UTC().Truncate(24 * time.Hour).Add(90 * time.Minute)
		case "2027-10-31", "2028-10-29":
			o.start = o.start.UTC().Truncate(24 * time.Hour).Add(30 * time.Minute)
		}
		o.end = o.start.Add(time.Hour) // §3.8.5.3: the same exact length for all
	}
	s.create(thunderbird, berlin, s.new("Half past two", stopAt(sundays, -2*time.Minute)), "FREQ=WEEKLY")
	late := weekly(berlin.zone, 2027, 1, 9, 23, 30).until(s.until.Add(beyond), 2*time.Hour)
	s.create(evolution, berlin, s.new("Past midnight", stopAt(late, -2*time.Minute)), "FREQ=WEEKLY;BYDAY=SA")
}

// playWhole is a series that its organiser changes as a whole, and that is restarted now and then.
func playWhole(s *simulation) {
	mondays := weekly(berlin.zone, 2027, 1, 11, 10, 0)
	se := s.new("Whole", stopAt(mondays.until(s.until.Add(beyond), time.Hour), -5*time.Minute))
	s.create(thunderbird, berlin, se, "FREQ=WEEKLY")
	// An hour later and half an hour longer.
	s.change(utc(2027, 2, 3, 12), thunderbird, se, func(text string) string {
		for _, o := range se.list {
			if o.start.After(s.now()) {
				o.start, o.end, o.stops = o.start.Add(time.Hour), o.end.Add(90*time.Minute), o.stops.Add(90*time.Minute)
			}
		}
		first := mondays(0).Add(time.Hour)
		return edited(text, func(m []string) []string {
			return raised(setLine(setLine(m, berlin.line("DTSTART", first)), berlin.line("DTEND", first.Add(90*time.Minute))))
		})
	}, "REQUEST")
	// Every other week, while one is held.
	s.change(mondays(6).Add(80*time.Minute), thunderbird, se, func(text string) string {
		for n := 7; mondays(n).Before(s.until.Add(beyond)); n += 2 {
			start := mondays(n).Add(time.Hour)
			se.remove(start, start.Add(time.Second))
		}
		return edited(text, func(m []string) []string { return raised(setLine(m, "RRULE:FREQ=WEEKLY;INTERVAL=2")) })
	}, "REQUEST")
	// From then on by RANGE=THISANDFUTURE, on Tuesdays.
	s.change(mondays(9), thunderbird, se, func(text string) string {
		original := mondays(10).Add(time.Hour)
		for _, o := range se.list {
			if !o.start.Before(original) {
				day := o.start.In(berlin.zone).AddDate(0, 0, 1)
				o.start, o.end, o.stops = day, day.Add(90*time.Minute), day.Add(85*time.Minute)
			}
		}
		first := se.next(s.now())
		over := movedInstance(text, berlin, original, first.start, first.end)
		for i, l := range over {
			over[i] = strings.Replace(l, "RECURRENCE-ID;", "RECURRENCE-ID;RANGE=THISANDFUTURE;", 1)
		}
		return edited(text, nil, over)
	}, "REQUEST")
	for n := 3; mondays(n).Before(s.until); n += 5 {
		s.down(mondays(n).Add(30*time.Hour), 0)
		s.down(mondays(n+1).Add(100*time.Minute), 0)
	}
	// The end is cut to what was held, and taken back half a year later.
	s.change(utc(2027, 6, 30, 12), thunderbird, se, func(text string) string {
		se.remove(s.now(), time.Time{})
		return edited(text, func(m []string) []string {
			return raised(setLine(m, "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL="+s.now().Format(utcStamp)))
		})
	}, "REQUEST")
	s.change(utc(2027, 12, 29, 12), thunderbird, se, func(text string) string {
		back := slices.DeleteFunc(slices.Clone(se.ended), func(o *occurrence) bool {
			return o.start.Before(s.now()) || o.start.In(berlin.zone).Weekday() != time.Tuesday
		})
		se.ended = slices.DeleteFunc(se.ended, func(o *occurrence) bool { return slices.Contains(back, o) })
		for _, o := range back {
			se.add(o)
		}
		return edited(text, func(m []string) []string { return raised(setLine(m, "RRULE:FREQ=WEEKLY;INTERVAL=2")) })
	}, "REQUEST")
}

// playSingle is a series of which some occurrences are cancelled, have no conference, or one of
// their own.
func playSingle(s *simulation) {
	mondays := weekly(berlin.zone, 2027, 1, 11, 10, 0)
	se := s.new("Single", stopAt(mondays.until(s.until.Add(beyond), time.Hour), -5*time.Minute))
	s.create(thunderbird, berlin, se, "FREQ=WEEKLY")
	single := func(at time.Time, n int, edit func(lines []string) []string, does func(o *occurrence), mails ...string) {
		s.change(at, thunderbird, se, func(text string) string {
			o := se.on(mondays(n))
			lines := movedInstance(text, berlin, o.start, o.start, o.end)
			does(o)
			return edited(text, nil, edit(lines))
		}, mails...)
	}
	off := func(o *occurrence) { se.remove(o.start, o.start.Add(time.Second)) }
	cancelled := func(lines []string) []string { return setLine(lines, "STATUS:CANCELLED") }
	emptied := func(lines []string) []string { return dropLines(lines, "LOCATION") }
	word := func(lines []string) []string { return setLine(lines, "LOCATION:Webinar") }
	for n := 3; mondays(n + 7).Before(s.until); n += 10 {
		// Three days before: what is booked is concerned. Ten: what comes after it.
		single(mondays(n).Add(-70*time.Hour), n, cancelled, off, "CANCEL")
		single(mondays(n+1).Add(-240*time.Hour).Add(time.Hour), n+1, cancelled, off, "CANCEL")
		single(mondays(n+3).Add(-70*time.Hour), n+3, emptied, off, "REQUEST")
		single(mondays(n+5).Add(-70*time.Hour), n+5, word, func(o *occurrence) { o.alone = true }, "REQUEST")
		single(mondays(n+7).Add(-240*time.Hour), n+7, word, func(o *occurrence) { o.alone = true }, "REQUEST")
	}
}

// directLinks has series carry the provider's link of the moment.
func directLinks(s *simulation) { s.direct = true }

// playDirect has one update for each new link.
func playDirect(s *simulation) {
	wednesdays := weekly(berlin.zone, 2027, 1, 6, 10, 0).until(s.until.Add(beyond), time.Hour)
	for n, o := range wednesdays {
		o.stops = []time.Time{o.end.Add(-5 * time.Minute), o.end.Add(12 * time.Minute), {}}[n%3]
	}
	s.create(thunderbird, berlin, s.new("Direct", wednesdays), "FREQ=WEEKLY")
}

// playOld are series that began long ago; nobody ever comes.
func playOld(s *simulation) {
	days := weekly(berlin.zone, 1998, 3, 2, 8, 15)
	list := days.until(s.until.Add(beyond), 45*time.Minute)
	first := list[0]
	se := s.new("Since 1998", slices.DeleteFunc(list, func(o *occurrence) bool { return !o.end.After(yearsBegin) }))
	s.save(thunderbird, se, thunderbird.event(s, berlin, se.uid(), se.name, "FREQ=WEEKLY", first))
	s.expect("REQUEST")
	// The thirty-first of those months that have one, at the organiser's clock.
	moscow := yearsZone("Europe/Moscow")
	var ends []*occurrence
	for month := time.January; ; month++ {
		start := time.Date(2025, month, 31, 18, 0, 0, 0, moscow)
		if !start.Before(s.until.Add(2 * beyond)) {
			break
		}
		if start.Day() == 31 {
			ends = append(ends, &occurrence{start: start, end: start.Add(time.Hour)})
		}
	}
	first = ends[0]
	month := s.new("Thirty-firsts", slices.DeleteFunc(ends, func(o *occurrence) bool { return !o.end.After(yearsBegin) }))
	s.save(davx5, month, davx5.event(s, yearsClock{zone: moscow, floating: true}, month.uid(), month.name, "FREQ=MONTHLY;BYMONTHDAY=31", first))
	s.expect("REQUEST")
}
