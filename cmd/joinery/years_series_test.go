package main

import "time"

// The series of the issue, each with what is true of it.

var scenarios = []scenario{
	{"one-off", nil, playOneOff},
	{"weekly with changes", nil, playWeekly},
	{"monthly last friday", nil, playMonthly},
	{"new york and moscow", []func(*simulation){byHand}, playZones},
	{"moved before the booked", nil, playMovedBefore},
	{"overruns into the next", nil, playOverruns},
	{"this and following", nil, playSplits},
	{"ends after it was held", nil, playEnds},
	{"ends and was never held", []func(*simulation){byHand}, playEnds},
	{"deleted in the middle", nil, playDeleted},
	{"down for three weeks", nil, playDown},
	{"daily and floating", nil, playFloating},
	{"begun and ended by hand", []func(*simulation){byHand}, playByHand},
	{"ended by webhook", []func(*simulation){byHooks}, playWebhooks},
	{"sunday nights", nil, playNights},
	{"changed as a whole", nil, playWhole},
	{"single occurrences", nil, playSingle},
	{"the provider's own links", []func(*simulation){directLinks}, playDirect},
	{"old and unused", []func(*simulation){byHand}, playOld},
}

var berlin = yearsClock{zone: yearsZone("Europe/Berlin")}

// beyond is how far the oracle sees past the simulation's end, so that there always is a next one.
const beyond = 40 * 24 * time.Hour

// create saves a new series and expects its invitations.
func (s *simulation) create(a author, c yearsClock, se *series, rule string) {
	s.Helper()
	s.save(a, se, a.event(s, c, se.uid(), se.name, rule, se.list[0]))
	s.expect("REQUEST")
}

// change has a series' event edited by its client at a moment, and expects these mails.
func (s *simulation) change(at time.Time, a author, se *series, edit func(text string) string, mails ...string) {
	s.do(at, func() {
		s.save(a, se, edit(s.anna.get(se.path).body))
		s.expect(mails...)
		s.settle()
	})
}

// exclude takes the occurrence at start out of its series.
func (s *simulation) exclude(at time.Time, a author, c yearsClock, se *series, start time.Time) {
	s.change(at, a, se, func(text string) string {
		se.remove(start, start.Add(time.Second))
		return edited(text, func(m []string) []string { return raised(append(m[:len(m)-1], c.line("EXDATE", start), "END:VEVENT")) })
	}, "CANCEL")
}

// shift moves the occurrence at start.
func (s *simulation) shift(at time.Time, a author, c yearsClock, se *series, start time.Time, by time.Duration) {
	s.change(at, a, se, func(text string) string {
		o := se.on(start)
		se.remove(start, start.Add(time.Second))
		there := &occurrence{start: o.start.Add(by), end: o.end.Add(by)}
		if !o.stops.IsZero() {
			there.stops = o.stops.Add(by)
		}
		se.add(there)
		return edited(text, nil, movedInstance(text, c, start, there.start, there.end))
	}, "REQUEST")
}

// extra adds an occurrence by RDATE.
func (s *simulation) extra(at time.Time, a author, c yearsClock, se *series, o *occurrence) {
	s.change(at, a, se, func(text string) string {
		se.add(o)
		return edited(text, func(m []string) []string { return raised(append(m[:len(m)-1], c.line("RDATE", o.start), "END:VEVENT")) })
	}, "REQUEST")
}

// ends has the simulation end earlier: then nothing has happened for long.
func (s *simulation) ends(until time.Time) {
	if until.Before(s.until) {
		s.until = until
	}
}

// stopAt has every meeting ended by hand so long after its end (before it where d is negative).
func stopAt(list []*occurrence, d time.Duration) []*occurrence {
	for _, o := range list {
		o.stops = o.end.Add(d)
	}
	return list
}

func utc(year int, month time.Month, day, hour int) time.Time {
	return time.Date(year, month, day, hour, 0, 0, 0, time.UTC)
}

// playOneOff is one event, for the simulation's own sake.
func playOneOff(s *simulation) {
	se := s.new("One-off", []*occurrence{{start: yearsBegin.Add(50 * time.Hour), end: yearsBegin.Add(51 * time.Hour)}})
	se.once = true
	s.ends(yearsBegin.AddDate(0, 0, 10))
	s.create(thunderbird, berlin, se, "")
}

// playWeekly is a weekly series over both changes of the clocks: occurrences are excluded, moved
// and added, booked ones too.
func playWeekly(s *simulation) {
	mondays := weekly(berlin.zone, 2027, 1, 11, 10, 0)
	se := s.new("Weekly", stopAt(mondays.until(s.until.Add(beyond), time.Hour), -5*time.Minute))
	s.create(thunderbird, berlin, se, "FREQ=WEEKLY")
	s.exclude(utc(2027, 1, 20, 12), thunderbird, berlin, se, mondays(4))               // 8 February; booked is 25 January
	s.exclude(utc(2027, 2, 3, 12), thunderbird, berlin, se, mondays(5))                // 15 February is booked
	s.shift(utc(2027, 2, 17, 12), thunderbird, berlin, se, mondays(7), 29*time.Hour)   // 1 March; booked is 22 February
	s.shift(utc(2027, 3, 10, 12), thunderbird, berlin, se, mondays(9), 23*time.Hour)   // 15 March is booked
	s.shift(utc(2027, 3, 24, 12), thunderbird, berlin, se, mondays(11), -70*time.Hour) // 29 March to before the clocks change
	added := time.Date(2027, 4, 8, 16, 0, 0, 0, berlin.zone)                           // before 12 April, which is booked
	s.extra(utc(2027, 4, 6, 12), thunderbird, berlin, se, &occurrence{start: added, end: added.Add(time.Hour), stops: added.Add(50 * time.Minute)})
	later := time.Date(2028, 5, 4, 10, 0, 0, 0, berlin.zone)
	s.extra(utc(2027, 12, 1, 12), thunderbird, berlin, se, &occurrence{start: later, end: later.Add(time.Hour), stops: later.Add(50 * time.Minute)})
	s.exclude(utc(2028, 10, 25, 12), thunderbird, berlin, se, mondays(94)) // 30 October, after the change
	s.shift(utc(2028, 11, 1, 12), thunderbird, berlin, se, mondays(96), 24*time.Hour)
}

// playMonthly is on the last Friday of each month; nobody ends the meetings.
func playMonthly(s *simulation) {
	se := s.new("Monthly", lastFriday(berlin.zone, 2027, 1, 16, 0).until(s.until.Add(beyond), 90*time.Minute))
	s.create(evolution, berlin, se, "FREQ=MONTHLY;BYDAY=-1FR")
}

// playZones is organised in New York, whose clocks change on other days than Berlin's, at an account
// in Moscow, whose clocks do not. Nobody ever comes.
func playZones(s *simulation) {
	c := yearsClock{zone: yearsZone("America/New_York")}
	se := s.new("New York", weekly(c.zone, 2027, 1, 5, 9, 0).until(s.until.Add(beyond), time.Hour))
	s.create(appleInNewYork, c, se, "FREQ=WEEKLY;BYDAY=TU")
}

// playMovedBefore moves, now and then, a later occurrence before the one that is booked.
func playMovedBefore(s *simulation) {
	thursdays := weekly(berlin.zone, 2027, 1, 7, 14, 0)
	se := s.new("Thursdays", stopAt(thursdays.until(s.until.Add(beyond), time.Hour), 20*time.Minute))
	s.create(thunderbird, berlin, se, "FREQ=WEEKLY;BYDAY=TH")
	for n := 3; thursdays(n + 3).Before(s.until); n += 8 {
		before := thursdays(n).AddDate(0, 0, -1)
		s.shift(thursdays(n).Add(-50*time.Hour), thunderbird, berlin, se, thursdays(n+3), before.Sub(thursdays(n+3)))
	}
}

// playOverruns is held twice each Monday, at nine and at eleven, and seldom ends in time.
func playOverruns(s *simulation) {
	nine := weekly(berlin.zone, 2027, 1, 11, 9, 0).until(s.until.Add(beyond), time.Hour)
	eleven := weekly(berlin.zone, 2027, 1, 11, 11, 0).until(s.until.Add(beyond), time.Hour)
	var list []*occurrence
	for n := range eleven {
		switch n % 4 {
		case 0: // it overruns, and ends before the next is due
			nine[n].stops = nine[n].end.Add(22 * time.Minute)
			eleven[n].stops = eleven[n].end.Add(-time.Minute)
		case 1: // it goes on beside the next
			nine[n].stops = eleven[n].start.Add(20 * time.Minute)
			eleven[n].stops = eleven[n].end.Add(97 * time.Minute)
		case 2: // nobody ends it
			eleven[n].stops = eleven[n].end.Add(-10 * time.Minute)
		}
		list = append(list, nine[n], eleven[n])
	}
	se := s.new("Twice", list)
	s.create(thunderbird, berlin, se, "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9,11")
}

// playEnds are two series that end, by COUNT and by UNTIL.
func playEnds(s *simulation) {
	s.ends(yearsBegin.AddDate(0, 6, 0))
	wednesdays := weekly(berlin.zone, 2027, 1, 6, 10, 0)
	counted := s.new("Counted", wednesdays.first(8, time.Hour))
	s.create(thunderbird, berlin, counted, "FREQ=WEEKLY;COUNT=8")
	fridays := weekly(berlin.zone, 2027, 1, 8, 10, 0)
	until := s.new("Until", fridays.first(10, 45*time.Minute))
	s.create(evolution, berlin, until, "FREQ=WEEKLY;UNTIL="+fridays(9).UTC().Format(utcStamp))
	if !s.manual {
		stopAt(counted.list, -5*time.Minute)
		stopAt(until.list[:9], 10*time.Minute) // nobody ends the last one
	}
}

// playDeleted are series that are deleted: while one is held, and between two.
func playDeleted(s *simulation) {
	s.ends(yearsBegin.AddDate(0, 6, 0))
	tuesdays := weekly(berlin.zone, 2027, 1, 5, 15, 0)
	held := s.new("Held", stopAt(tuesdays.until(s.until.Add(beyond), time.Hour), -5*time.Minute))
	s.create(thunderbird, berlin, held, "FREQ=WEEKLY")
	s.delete(tuesdays(5).Add(30*time.Minute), thunderbird, held)
	between := s.new("Between", stopAt(tuesdays.until(s.until.Add(beyond), 90*time.Minute), -5*time.Minute))
	s.create(apple, berlin, between, "FREQ=WEEKLY")
	s.delete(tuesdays(6).Add(72*time.Hour), apple, between)
	overrun := s.new("Overrun", tuesdays.until(s.until.Add(beyond), 45*time.Minute))
	s.create(evolution, berlin, overrun, "FREQ=WEEKLY")
	s.delete(tuesdays(7).Add(80*time.Minute), evolution, overrun)
}

// delete has a series deleted.
func (s *simulation) delete(at time.Time, a author, se *series) {
	s.do(at, func() {
		var headers []string
		if a.match {
			headers = []string{"If-Match: " + se.etag}
		}
		s.device(anna, a.agent).delete(se.path, headers...)
		s.expect("CANCEL")
		se.gone, se.deleted = true, s.now()
		se.remove(time.Time{}, time.Time{})
		s.settle()
	})
}

// playDown is of two series; the program does not run for three weeks, twice.
func playDown(s *simulation) {
	tuesdays := weekly(berlin.zone, 2027, 1, 5, 10, 0)
	se := s.new("Tuesdays", stopAt(tuesdays.until(s.until.Add(beyond), time.Hour), -5*time.Minute))
	s.create(thunderbird, berlin, se, "FREQ=WEEKLY")
	days := daily(berlin.zone, 2027, 1, 5, 17, 0)
	each := s.new("Days", stopAt(days.until(s.until.Add(beyond), 30*time.Minute), -5*time.Minute))
	s.create(thunderbird, berlin, each, "FREQ=DAILY;INTERVAL=2")
	each.list = each.list[:0]
	for n := 0; days(n).Before(s.until.Add(beyond)); n += 2 {
		each.list = append(each.list, stopAt([]*occurrence{{start: days(n), end: days(n).Add(30 * time.Minute)}}, -5*time.Minute)...)
	}
	// The first time people end what is booked themselves, the second time nobody does, and the
	// program comes back in the middle of an occurrence.
	s.down(utc(2027, 1, 13, 12), 21*24*time.Hour)
	se.on(tuesdays(10)).stops = time.Time{} // 16 March
	s.down(utc(2027, 3, 11, 12), tuesdays(13).Add(20*time.Minute).Sub(utc(2027, 3, 11, 12)))
	s.down(utc(2028, 2, 3, 3), 21*24*time.Hour)
}

// down stops the program at a moment and starts it on the same store so much later.
func (s *simulation) down(from time.Time, long time.Duration) {
	s.do(from, s.stop)
	s.do(from.Add(long), s.start)
}

// playFloating is held at ten by the organiser's clock, which is Moscow's, each day.
func playFloating(s *simulation) {
	moscow := yearsZone("Europe/Moscow")
	se := s.new("Daily", stopAt(daily(moscow, 2027, 1, 5, 10, 0).until(s.until.Add(beyond), 30*time.Minute), -3*time.Minute))
	s.create(davx5, yearsClock{zone: moscow, floating: true}, se, "FREQ=DAILY")
}

// playByHand is begun late and ended now early, now late, by hand; of another series no meeting is
// ever begun.
func playByHand(s *simulation) {
	wednesdays := weekly(berlin.zone, 2027, 1, 6, 11, 0).until(s.until.Add(beyond), time.Hour)
	for n, o := range wednesdays {
		o.begins = o.start.Add(3 * time.Minute)
		o.stops = o.end.Add([]time.Duration{-10 * time.Minute, 7 * time.Minute, 31 * time.Minute, 111 * time.Minute}[n%4])
	}
	se := s.new("By hand", wednesdays)
	s.create(thunderbird, berlin, se, "FREQ=WEEKLY")
	never := s.new("Never", weekly(berlin.zone, 2027, 1, 7, 11, 0).until(s.until.Add(beyond), time.Hour))
	s.create(apple, berlin, never, "FREQ=WEEKLY")
}

// playWebhooks is ended by hand, early or late, and the account tells of it at once. Now and then
// somebody has begun and ended the conference hours before: then it gets another.
func playWebhooks(s *simulation) {
	wednesdays := weekly(berlin.zone, 2027, 1, 6, 11, 0).until(s.until.Add(beyond), time.Hour)
	for n, o := range wednesdays {
		o.stops = o.end.Add([]time.Duration{-40 * time.Minute, -2 * time.Minute, 3 * time.Minute, 62 * time.Minute}[n%4])
	}
	se := s.new("Webhooks", wednesdays)
	s.create(thunderbird, berlin, se, "FREQ=WEEKLY")
	for n := 5; n < len(wednesdays); n += 8 {
		o := wednesdays[n]
		s.do(o.start.Add(-3*time.Hour), func() { s.byHand(se, o, "start"); o.early = true })
		s.do(o.start.Add(-3*time.Hour+20*time.Minute), func() { s.byHand(se, o, "stop"); o.early = false })
	}
}
