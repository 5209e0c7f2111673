package ical

import "time"

// A series is a Rule applied to a start, by the wall clock alone (RFC 5545 §3.3.10). It consists of
// periods, each an interval after the one before: years, months, weeks or days with the days in
// them that the rule takes, or single hours, minutes or seconds. A period's set is every base (the
// start of a day, hour, minute or second) with every reading of the clock after it.
type series struct {
	rule   *Rule
	freq   Freq
	every  int64 // interval, in units of freq
	start  civil
	days   dayFilter
	clock  clockSet // what each base expands to
	limits clockLimits
	unit   civil // of hours, minutes, seconds; 0 from days on
	first  int64 // number of the first period: day, week, month or year; start of the first hour, …
	empty  bool  // it is known to have no instances
}

// series applies r to start. With allDay, the parts of the rule that concern the clock are
// ignored (RFC 5545 §3.3.10), and frequencies below a day count as days.
func (r *Rule) series(start civil, allDay bool) *series {
	s := &series{rule: r, freq: r.Freq, every: int64(r.Interval), start: start}
	if allDay {
		s.start = start.startOfDay()
		if unit := s.freq.unit(); unit > 0 {
			s.every = max(1, s.every*int64(unit)/int64(day))
			s.freq = Daily
		}
	}
	s.unit = s.freq.unit()
	s.days = newDayFilter(r, s.freq, s.start)
	s.empty = s.days.impossible()

	at := s.start.clock()
	hours, minutes, seconds := []int{int(at / hour)}, []int{int(at % hour / minute)}, []int{int(at % minute)}
	if !allDay {
		seconds = expandClock(s.freq > Secondly, r.BySecond, seconds, &s.limits.seconds)
		minutes = expandClock(s.freq > Minutely, r.ByMinute, minutes, &s.limits.minutes)
		hours = expandClock(s.freq > Hourly, r.ByHour, hours, &s.limits.hours)
	}
	s.clock = clockSet{hours, minutes, seconds}

	startDay := s.start.day()
	y, m, _ := dateOf(startDay)
	switch s.freq {
	case Yearly:
		s.first = int64(y)
		if s.days.weekYears {
			s.first = int64(s.firstWeekYear(startDay, y))
		}
	case Monthly:
		s.first = int64(y*12 + m - 1)
	case Weekly:
		s.first = floorDiv(int64(startDay)-int64(weekOffset(r.WeekStart)), 7)
	case Daily:
		s.first = int64(startDay)
	default:
		s.first = floorDiv(int64(s.start), int64(s.unit)) * int64(s.unit)
		s.empty = s.empty || !s.reachable()
	}
	return s
}

// unit is the length of an hour, minute or second; 0 of longer frequencies.
func (f Freq) unit() civil {
	switch f {
	case Secondly:
		return 1
	case Minutely:
		return minute
	case Hourly:
		return hour
	}
	return 0
}

// expandClock gives the values that a base expands to: by the rule where the part is below the
// frequency, else the base's own, the rule's values being a limit.
func expandClock(expands bool, by, start []int, limit *uint64) []int {
	if expands {
		if by == nil {
			return start
		}
		if by[len(by)-1] == 60 { // a leap second counts as the one before it (RFC 5545 §3.3.12)
			by = by[:len(by)-1]
			if len(by) == 0 || by[len(by)-1] != 59 {
				by = append(by[:len(by):len(by)], 59)
			}
		}
		return by
	}
	for _, v := range by {
		*limit |= 1 << min(v, 59)
	}
	return []int{0}
}

// A clockSet is the product of hours, minutes and seconds, in order, without its being written out.
type clockSet struct{ hours, minutes, seconds []int }

func (c *clockSet) len() int { return len(c.hours) * len(c.minutes) * len(c.seconds) }

func (c *clockSet) at(i int) civil {
	s := len(c.seconds)
	m := len(c.minutes)
	return civil(c.hours[i/(m*s)])*hour + civil(c.minutes[i/s%m])*minute + civil(c.seconds[i%s])
}

// clockLimits are the values of the clock that a rule admits, by bit; 0 admits all.
type clockLimits struct{ hours, minutes, seconds uint64 }

// skip returns the earliest time from c on, within its day, that the limits admit; from the next
// day's start on, c's day has none.
func (l *clockLimits) skip(c civil) civil {
	dayStart := c.startOfDay()
	t := c - dayStart
	h, m, s := int(t/hour), int(t%hour/minute), int(t%minute)
	if l.seconds != 0 {
		next, ok := nextBit(l.seconds, s)
		if !ok {
			next, _ = nextBit(l.seconds, 0)
			m++
		}
		s = next
	}
	if m > 59 {
		h, m = h+1, 0
	}
	if l.minutes != 0 {
		next, ok := nextBit(l.minutes, m)
		if !ok {
			next, _ = nextBit(l.minutes, 0)
			h++
		}
		if !ok || next != m {
			s = l.firstSecond()
		}
		m = next
	}
	if l.hours != 0 && h < 24 {
		next, ok := nextBit(l.hours, h)
		if !ok {
			return dayStart + day
		}
		if next != h {
			h, m, s = next, l.firstMinute(), l.firstSecond()
		}
	}
	if h > 23 {
		return dayStart + day
	}
	return dayStart + civil(h)*hour + civil(m)*minute + civil(s)
}

func (l *clockLimits) firstMinute() int {
	m, _ := nextBit(l.minutes, 0)
	return m
}

func (l *clockLimits) firstSecond() int {
	s, _ := nextBit(l.seconds, 0)
	return s
}

// nextBit is the lowest bit of mask from i on.
func nextBit(mask uint64, i int) (int, bool) {
	for ; i < 64; i++ {
		if mask&(1<<i) != 0 {
			return i, true
		}
	}
	return 0, false
}

// reachable tells whether the steps of a rule below a day ever meet its clock limits: in each day
// they fall on the start's second of the day modulo the greatest common divisor of step and day.
func (s *series) reachable() bool {
	if s.limits == (clockLimits{}) {
		return true
	}
	step := s.every * int64(s.unit)
	g := gcd(step, int64(day))
	if g == int64(s.unit) {
		return true
	}
	for c := civil(((s.first % g) + g) % g); c < day; c += civil(g) {
		if s.limits.skip(c) == c {
			return true
		}
	}
	return false
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// period gives the days [a, b) of the period of that number, from days to years.
func (s *series) period(n int64) (a, b int) {
	switch s.freq {
	case Yearly:
		if s.days.weekYears {
			return weekYearStart(int(n), s.rule.WeekStart), weekYearStart(int(n)+1, s.rule.WeekStart)
		}
		return dayNumber(int(n), 1, 1), dayNumber(int(n)+1, 1, 1)
	case Monthly:
		y, m := int(floorDiv(n, 12)), int(n-12*floorDiv(n, 12))+1
		a = dayNumber(y, m, 1)
		return a, a + daysIn(y, m)
	case Weekly:
		a = int(n)*7 + weekOffset(s.rule.WeekStart)
		return a, a + 7
	}
	return int(n), int(n) + 1
}

// periodOf is the number of the period with that day.
func (s *series) periodOf(n int) int64 {
	y, m, _ := dateOf(n)
	switch s.freq {
	case Yearly:
		if s.days.weekYears {
			return int64(weekYear(n, s.rule.WeekStart))
		}
		return int64(y)
	case Monthly:
		return int64(y*12 + m - 1)
	case Weekly:
		return floorDiv(int64(n)-int64(weekOffset(s.rule.WeekStart)), 7)
	}
	return int64(n)
}

// cycle is the number of periods after which the calendar repeats itself: 400 years are whole
// weeks. A rule that has no instance in so many has none at all, whatever its interval.
func (s *series) cycle() int {
	switch s.freq {
	case Yearly:
		return 400
	case Monthly:
		return 4800
	case Weekly:
		return 146097 / 7
	}
	return 146097
}

// firstWeekYear is the year that intervals of a rule with BYWEEKNO count from. Weeks at the turn of
// the year belong to one year and lie in the other. Their own year counts where the rule still has
// an instance there, else the start's; the RFC does not say.
func (s *series) firstWeekYear(startDay, y int) int {
	wy := weekYear(startDay, s.rule.WeekStart)
	if wy == y {
		return y
	}
	if s.every == 1 {
		return min(wy, y)
	}
	for n := startDay; n < weekYearStart(wy+1, s.rule.WeekStart); n++ {
		if s.days.match(n) {
			return wy
		}
	}
	return y
}

// weekOffset is the first day number of a week from the 1970s on that begins with wkst.
func weekOffset(wkst time.Weekday) int { return (int(wkst) - int(time.Thursday) + 7) % 7 }

// weekStart is the first day of n's week.
func weekStart(n int, wkst time.Weekday) int {
	o := weekOffset(wkst)
	return int(floorDiv(int64(n-o), 7))*7 + o
}

// weekYearStart is the first day of year y's week 1, the first that has at least four days in the
// year (RFC 5545 §3.3.10, ISO 8601 for weeks from Monday).
func weekYearStart(y int, wkst time.Weekday) int { return weekStart(dayNumber(y, 1, 4), wkst) }

// weekYear is the year that n's week belongs to: that of its fourth day.
func weekYear(n int, wkst time.Weekday) int {
	y, _, _ := dateOf(weekStart(n, wkst) + 3)
	return y
}
