package main

import (
	"context"
	"slices"
	"strings"
	"time"
)

// faultMeetings is how many meetings a user has at most at a time.
const faultMeetings = 9

// seriesStep does one thing with a series, or with a meeting that is none.
func (d *faultDevice) seriesStep(ctx context.Context) {
	meetings := d.user.list()
	if len(meetings) < 4 || len(meetings) < faultMeetings && d.random.IntN(100) < 12 {
		ask := d.random.IntN(6) > 0
		if d.random.IntN(10) < 7 {
			d.createSeries(ctx, ask)
		} else {
			d.create(ctx, ask, d.roles)
		}
		return
	}
	m := meetings[d.random.IntN(len(meetings))]
	if !m.mu.TryLock() {
		return // the user's other device is at it
	}
	defer m.mu.Unlock()
	own := m.now().own()
	switch {
	case own == nil:
		d.recreate(ctx, m)
	case own.cancelled:
		d.afterCancel(ctx, m)
	case len(own.sheet.occurrences(d.run.now())) == 0:
		d.over(ctx, m, own)
	case own.sheet.recurring():
		d.changeSeries(ctx, m, own)
	case m.series:
		d.edit(ctx, m, "series again", own.wants, func(s *faultSheet) { s.add("RRULE:FREQ=WEEKLY") })
	case d.random.IntN(8) == 0:
		m.series = true
		d.edit(ctx, m, "becomes a series", own.wants, func(s *faultSheet) { s.add("RRULE:FREQ=DAILY") })
	default:
		d.change(ctx, m, own)
	}
}

// over is for a meeting that has no occurrence left.
func (d *faultDevice) over(ctx context.Context, m *faultMeeting, own *faultContent) {
	switch d.random.IntN(3) {
	case 0:
		d.remove(ctx, m)
	case 1:
		d.edit(ctx, m, "hold again", own.wants, func(s *faultSheet) {
			s.keepOverrides(func(*faultSheet) bool { return false })
			for _, name := range []string{"RRULE", "RDATE", "EXDATE"} {
				s.removeAll(name)
			}
			zone, start, end := d.moment()
			s.time(zone, start, end)
			s.zone(zone)
		})
	}
}

// seriesEdit is edit without a change besides: what does not apply is not saved.
func (d *faultDevice) seriesEdit(ctx context.Context, m *faultMeeting, what string, wants bool, change func(*faultSheet) bool) {
	c, ok := d.fresh(ctx, m)
	if !ok {
		return
	}
	s := c.sheet.clone()
	if !change(s) {
		return
	}
	etag := c.etag
	if d.random.IntN(4) == 0 {
		etag = ""
	}
	faultSleep(ctx, time.Duration(d.random.IntN(20))*time.Millisecond)
	d.save(ctx, m, what, c.slug, s, wants, etag, 200)
}

// oneEdit changes one of the next occurrences by an override.
func (d *faultDevice) oneEdit(ctx context.Context, m *faultMeeting, what string, wants bool, change func(s, part *faultSheet, o faultOccurrence) bool) {
	d.seriesEdit(ctx, m, what, wants, func(s *faultSheet) bool {
		o, ok := d.one(s)
		if !ok {
			return false
		}
		part := s.override(o)
		if !change(s, part, o) {
			return false
		}
		s.setOverride(part)
		return true
	})
}

// changeSeries does something with a series that stands.
func (d *faultDevice) changeSeries(ctx context.Context, m *faultMeeting, own *faultContent) {
	x := d.random.IntN(100)
	if x < 56 {
		d.changeOne(ctx, m, own, x)
		return
	}
	singles := slices.ContainsFunc(own.sheet.overrides(), func(o *faultSheet) bool { return o.single() != "" })
	switch {
	case x < 60:
		d.seriesEdit(ctx, m, "shorten", own.wants, d.shorten)
	case x < 63:
		d.seriesEdit(ctx, m, "lengthen", own.wants, func(s *faultSheet) bool {
			rule, _, limited := strings.Cut(s.text("RRULE"), ";UNTIL=")
			rule, _, counted := strings.Cut(rule, ";COUNT=")
			s.set("RRULE:" + rule)
			return limited || counted
		})
	case x < 68 && !singles:
		d.split(ctx, m, own)
	case x < 72:
		d.seriesEdit(ctx, m, "shift all", own.wants, d.shiftAll)
	case x < 80:
		d.seriesEdit(ctx, m, "people", own.wants, d.peopleOfAll)
	case x < 85:
		d.seriesEdit(ctx, m, "roles", own.wants, func(s *faultSheet) bool {
			people := s.people()
			if len(people) == 0 {
				return false
			}
			who, role := people[d.random.IntN(len(people))], faultRoles[d.random.IntN(len(faultRoles))]
			s.eachPart(func(part *faultSheet) { part.role(who, role) })
			return true
		})
	case x < 88:
		d.remove(ctx, m)
	case x < 90 && !singles:
		d.edit(ctx, m, "cancel", false, func(s *faultSheet) { s.set("STATUS:CANCELLED") })
		if now := m.now().own(); now != nil && now.cancelled {
			m.before = own.wants
		}
	case x < 93 && own.wants:
		d.seriesEdit(ctx, m, "withdraw", false, func(s *faultSheet) bool {
			if !s.asks() && !s.linked() {
				return false
			}
			s.eachPart(func(part *faultSheet) {
				if part.single() == "" {
					d.unask(part)
				}
			})
			return true
		})
	case x < 96:
		what := map[bool]string{true: "rotate", false: "ask"}[own.wants]
		d.edit(ctx, m, what, true, func(s *faultSheet) {
			word := d.word(d.random.IntN(2))
			s.eachPart(func(part *faultSheet) {
				// A word that was copied from the series asks for the same as there.
				if !slices.ContainsFunc(part.lines, isFaultOverride) || part.single() == "" && slices.ContainsFunc(faultPlace(part), faultIsWord) {
					part.set("LOCATION:" + word)
				}
			})
		})
	case x < 98:
		d.move(ctx, m)
	default:
		d.touch(ctx, m, own)
	}
}

// changeOne does something with one occurrence.
func (d *faultDevice) changeOne(ctx context.Context, m *faultMeeting, own *faultContent, x int) {
	switch {
	case x < 10:
		d.seriesEdit(ctx, m, "exclude", own.wants, d.exclude)
	case x < 15:
		d.seriesEdit(ctx, m, "add", own.wants, func(s *faultSheet) bool {
			at, ok := d.free(d.run.now(), 5, s.occurrences(d.run.now().Add(-24*time.Hour)))
			if ok {
				s.add(faultTime("RDATE", s.zoneName(), at))
			}
			return ok
		})
	case x < 27:
		d.oneEdit(ctx, m, "move one", own.wants, func(s, part *faultSheet, o faultOccurrence) bool {
			at, ok := d.free(d.run.now(), 6, s.occurrences(d.run.now().Add(-24*time.Hour)))
			if ok {
				part.time(s.zoneName(), at, at.Add(o.end.Sub(o.start)))
			}
			return ok
		})
	case x < 31:
		d.oneEdit(ctx, m, "title of one", own.wants, func(_, part *faultSheet, _ faultOccurrence) bool {
			d.retitle(m, part)
			return true
		})
	case x < 37:
		d.oneEdit(ctx, m, "people of one", own.wants, func(_, part *faultSheet, _ faultOccurrence) bool {
			d.people(part)
			return true
		})
	case x < 42:
		d.oneEdit(ctx, m, "remove one's conference", own.wants, func(s, part *faultSheet, _ faultOccurrence) bool {
			if !part.linked() || part.single() == "removed" || part.single() == "" && (!own.wants || !s.linked()) {
				return false
			}
			d.unask(part)
			part.set(faultSingle + ":removed")
			return true
		})
	case x < 47:
		d.oneEdit(ctx, m, "another for one", own.wants, func(s, part *faultSheet, _ faultOccurrence) bool {
			if own.wants && part.single() == "" && (!s.linked() || !part.linked()) {
				return false // its link is still being made: which it replaces is open
			}
			part.set("LOCATION:" + d.word(d.random.IntN(2)))
			part.set(faultSingle + ":own")
			return true
		})
	case x < 50:
		d.oneEdit(ctx, m, "cancel one", own.wants, func(_, part *faultSheet, _ faultOccurrence) bool {
			part.set("STATUS:CANCELLED")
			part.removeAll(faultSingle)
			return true
		})
	default:
		d.seriesEdit(ctx, m, "as the others", own.wants, func(s *faultSheet) bool {
			var keys []time.Time
			for _, o := range s.overrides() {
				if o.key().After(d.run.now()) && o.instant("DTSTART").After(d.run.now()) {
					keys = append(keys, o.key())
				}
			}
			if len(keys) == 0 {
				return false
			}
			key := keys[d.random.IntN(len(keys))]
			s.keepOverrides(func(o *faultSheet) bool { return !o.key().Equal(key) })
			return true
		})
	}
}

// exclude takes out one of the next occurrences, or the one that is held now.
func (d *faultDevice) exclude(s *faultSheet) bool {
	list := s.occurrences(d.run.now())
	if len(list) == 0 {
		return false
	}
	o := list[d.random.IntN(1+d.random.IntN(min(len(list), 5)))]
	s.keepOverrides(func(part *faultSheet) bool { return !part.key().Equal(o.key) })
	s.add(faultTime("EXDATE", s.zoneName(), o.key))
	return true
}

// shorten has the series end soon.
func (d *faultDevice) shorten(s *faultSheet) bool {
	list := d.coming(s)
	if len(list) < 2 {
		return false
	}
	until := list[1+d.random.IntN(len(list)-1)].key.Add(-time.Minute)
	if until.Before(s.instant("DTSTART")) {
		return false
	}
	rule, _, _ := strings.Cut(s.text("RRULE"), ";UNTIL=")
	rule, _, _ = strings.Cut(rule, ";COUNT=")
	s.set("RRULE:" + rule + ";UNTIL=" + until.UTC().Format(faultStamp))
	s.keepOverrides(func(o *faultSheet) bool { return !o.key().After(until) })
	return true
}

// shiftAll has the series take place at another time of day. What was said of single occurrences goes.
func (d *faultDevice) shiftAll(s *faultSheet) bool {
	start, long := s.instant("DTSTART"), s.instant("DTEND").Sub(s.instant("DTSTART"))
	at := start.Truncate(24 * time.Hour).Add(time.Duration(29+d.random.IntN(30)) * 15 * time.Minute)
	if at.Equal(start) || at.In(faultLocation(s.zoneName())).Weekday() != start.In(faultLocation(s.zoneName())).Weekday() {
		return false
	}
	s.keepOverrides(func(*faultSheet) bool { return false })
	s.removeAll("RDATE")
	s.removeAll("EXDATE")
	s.time(s.zoneName(), at, at.Add(long))
	return true
}

func faultLocation(zone string) *time.Location {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err) // a name of these files
	}
	return loc
}

// peopleOfAll adds somebody to the series and to what was said of single occurrences, or removes one.
func (d *faultDevice) peopleOfAll(s *faultSheet) bool {
	who := d.someone()
	if there := s.people(); len(there) > 0 && d.random.IntN(2) == 0 {
		who = there[d.random.IntN(len(there))]
		s.eachPart(func(part *faultSheet) {
			part.remove(func(l string) bool { return faultLineName(l) == "ATTENDEE" && faultAddress(l) == who })
		})
		return true
	}
	return d.inviteToAll(s, who)
}

func (d *faultDevice) inviteToAll(s *faultSheet, who string) bool {
	added := d.invite(s, who)
	s.eachPart(func(part *faultSheet) { d.invite(part, who) })
	return added
}

// split is "this and following": the series ends before one of its next occurrences, and another one
// with its text goes on from there.
func (d *faultDevice) split(ctx context.Context, m *faultMeeting, own *faultContent) {
	c, ok := d.fresh(ctx, m)
	if !ok {
		return
	}
	list := d.coming(c.sheet)
	if len(list) < 2 || own.wants && !c.sheet.linked() && !c.sheet.asks() || strings.Contains(c.sheet.text("RRULE"), "COUNT") {
		return
	}
	at := list[1+d.random.IntN(len(list)-1)]
	if len(c.sheet.instants("RDATE")) > 0 || at.key.Equal(c.sheet.instant("DTSTART")) {
		return
	}
	rule, _, _ := strings.Cut(c.sheet.text("RRULE"), ";UNTIL=")
	cut, fresh := c.sheet.clone(), c.sheet.clone()
	cut.set("RRULE:" + rule + ";UNTIL=" + at.key.Add(-time.Minute).UTC().Format(faultStamp))
	cut.keepOverrides(func(o *faultSheet) bool { return o.key().Before(at.key) })

	next := d.meeting()
	next.series = true
	long := c.sheet.instant("DTEND").Sub(c.sheet.instant("DTSTART"))
	fresh.keepOverrides(func(o *faultSheet) bool { return !o.key().Before(at.key) })
	fresh.time(c.sheet.zoneName(), at.key, at.key.Add(long))
	fresh.eachPart(func(part *faultSheet) {
		part.set("UID:" + next.uid)
		d.bump(next, part, true)
	})
	next.mu.Lock()
	defer next.mu.Unlock()
	save := []func(){
		func() { d.save(ctx, m, "cut", c.slug, cut, own.wants, c.etag, 200) },
		func() {
			d.user.add(next)
			d.save(ctx, next, "this and following", c.slug, fresh, own.wants, "*", 200)
		},
	}
	if d.random.IntN(2) == 0 {
		slices.Reverse(save)
	}
	save[0]()
	faultSleep(ctx, time.Duration(d.random.IntN(100))*time.Millisecond)
	save[1]()
}
