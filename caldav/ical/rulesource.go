package ical

import "time"

// A ruleSource gives the instances of one rule in a frame.
//
// Rules go by the wall clock (RFC 5545 §3.3.10), and each reading becomes an instant as §3.3.5 says:
// a daily meeting at 02:30 is held at 03:30 on the night without 02:30. Steps of at most an hour are
// the exception: there the clock's stretches of constant offset are gone through one by one, so
// that an hourly rule has each hour once, also the one that the clock shows twice, and none in
// place of the one that it leaves out.
type ruleSource struct {
	frame  frame
	rule   *Rule
	start  item
	budget *budget
	left   int // instances, where there is a COUNT
	until  int64
	limit  civil // the last reading of the clock, by UNTIL
	err    error
	done   bool

	it      *iterator
	waiting []item // times in a gap: they come after readings that follow them on the clock
	ahead   *item

	byStretch bool
	offset    int64
	end       time.Time // of the stretch; zero: none
}

// newRuleSource begins with the first instance from the instant since on, or a little before.
func newRuleSource(f frame, r *Rule, start item, since int64, b *budget) *ruleSource {
	s := &ruleSource{frame: f, rule: r, start: start, budget: b, left: r.Count, until: 1<<63 - 1, limit: lastCivil}
	if u := r.Until; u != nil {
		var zone *time.Location
		if f.fixed {
			zone = f.loc
		}
		s.limit = untilCivil(u, zone, f.allDay)
		if f.fixed && u.UTC && !u.AllDay {
			s.until = u.Time.Unix()
			s.limit += civil(zoneReach / time.Second)
		}
	}
	s.byStretch = f.fixed && f.loc != time.UTC && r.Freq.unit() > 0 &&
		int64(r.Interval)*int64(r.Freq.unit()) <= int64(hour)
	series := r.series(start.c, f.allDay)
	if r.Count > 0 && !series.meetsStart() {
		s.left-- // DTSTART counts as the first instance, though the rule does not meet it
	}
	if s.byStretch {
		s.seekStretch(since)
		return s
	}
	s.it = series.iterate(s.limit, b)
	s.skip(s.wallSince(since))
	return s
}

// meetsStart tells whether the start is an instance by the rule.
func (s *series) meetsStart() bool {
	b := budget(1 << 10)
	c, ok := s.iterate(s.start, &b).next()
	return ok && c == s.start
}

// skip leaves out what is before c, and counts it where there is a COUNT.
func (s *ruleSource) skip(c civil) {
	if s.rule.Count > 0 {
		s.left -= s.it.skip(c)
	} else {
		s.it.seek(c)
	}
}

// wallSince is a reading of the clock before which every reading is an instant before since.
func (s *ruleSource) wallSince(since int64) civil {
	at := time.Unix(since, 0).In(s.frame.loc)
	c := civilOf(at)
	if begin, _ := at.ZoneBounds(); !begin.IsZero() && at.Sub(begin) < zoneReach {
		c -= civil(zoneReach / time.Second) // readings in a gap may lie behind since
	}
	return c
}

func (s *ruleSource) failed() error { return s.err }

func (s *ruleSource) next() (item, bool) {
	if s.byStretch {
		return s.nextInStretch()
	}
	for s.ahead == nil && !s.done {
		c, ok := s.take()
		if !ok {
			break
		}
		t, inGap := civilInstant(c, s.frame.loc)
		it := item{c: c, at: t.Unix()}
		switch {
		case it.at > s.until:
			s.done = true
		case inGap:
			s.waiting = append(s.waiting, it)
		default:
			s.ahead = &it
		}
	}
	if len(s.waiting) > 0 && (s.ahead == nil || s.waiting[0].at <= s.ahead.at) {
		it := s.waiting[0]
		s.waiting = s.waiting[1:]
		return it, true
	}
	if s.ahead != nil {
		it := *s.ahead
		s.ahead = nil
		return it, true
	}
	return item{}, false
}

// take is the next reading that COUNT admits.
func (s *ruleSource) take() (civil, bool) {
	if s.rule.Count > 0 && s.left <= 0 {
		s.done = true
		return 0, false
	}
	c, ok := s.it.next()
	if !ok {
		s.done, s.err = true, s.it.err
		return 0, false
	}
	s.left--
	return c, true
}

// seekStretch goes to the stretch of constant offset with since, counting what comes before it.
func (s *ruleSource) seekStretch(since int64) {
	since = max(since, s.start.at)
	if s.rule.Count == 0 {
		s.enter(since)
		return
	}
	for s.enter(s.start.at); !s.done; s.enter(s.end.Unix()) {
		if s.left <= 0 {
			s.done = true
			return
		}
		if s.end.IsZero() || since < s.end.Unix() {
			s.skip(civil(since + s.offset))
			s.fail()
			return
		}
		s.skip(civil(s.end.Unix() + s.offset))
		s.fail()
	}
}

func (s *ruleSource) fail() {
	if s.it.err != nil {
		s.err, s.done = s.it.err, true
	}
}

// enter goes into the stretch with the instant at, where the rule's clock is the start's instant
// shown with the stretch's offset.
func (s *ruleSource) enter(at int64) {
	if !s.budget.spend(1) {
		s.err, s.done = ErrBudget, true
		return
	}
	t := time.Unix(at, 0).In(s.frame.loc)
	offset, end := stretch(t)
	s.offset, s.end = int64(offset), end
	last := s.limit
	if !s.end.IsZero() {
		last = min(last, civil(s.end.Unix()+s.offset-1))
	}
	if civil(at+s.offset) > s.limit || at > s.until {
		s.done = true
	}
	s.it = s.rule.series(civil(s.start.at+s.offset), false).iterate(last, s.budget)
	s.it.seek(civil(at + s.offset))
}

func (s *ruleSource) nextInStretch() (item, bool) {
	for !s.done {
		if s.rule.Count > 0 && s.left <= 0 {
			s.done = true
			break
		}
		c, ok := s.it.next()
		if !ok {
			if s.fail(); !s.done {
				if s.end.IsZero() || s.it.s.empty {
					s.done = true
				} else {
					s.enter(s.end.Unix())
				}
			}
			continue
		}
		it := item{c: c, at: int64(c) - s.offset}
		if it.at > s.until {
			s.done = true
			break
		}
		s.left--
		return it, true
	}
	return item{}, false
}
