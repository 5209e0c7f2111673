package ical

import "time"

// A dayFilter tells which days a rule takes. What RFC 5545's table calls expanding and limiting
// comes to the same when each day of a period is asked, once the parts that a rule leaves out are
// taken from its start. Parts that the table has no meaning for limit too.
type dayFilter struct {
	months              uint16 // bit 1 to 12; 0: all
	monthDays, fromLast uint32 // bit 1 to 31; both 0: all
	yearDays            []int
	weekNos             []int
	weekYears           bool  // weeks are counted: periods are the years that weeks belong to
	weekdays            uint8 // bit 0 Sunday; with nth both empty: all
	nth                 []Weekday
	nthOfYear           bool // else of the month
	wkst                time.Weekday

	// The month of the day last asked about: most are asked about day by day.
	known struct {
		ok          bool
		m           int
		month       int // first day
		next        int // first day of the next
		first, last int // of the year
	}
}

func newDayFilter(r *Rule, freq Freq, start civil) dayFilter {
	f := dayFilter{yearDays: r.ByYearDay, weekNos: r.ByWeekNo, wkst: r.WeekStart}
	f.weekYears = freq == Yearly && r.ByWeekNo != nil
	for _, m := range r.ByMonth {
		f.months |= 1 << m
	}
	for _, d := range r.ByMonthDay {
		if d > 0 {
			f.monthDays |= 1 << d
		} else {
			f.fromLast |= 1 << -d
		}
	}
	// Numbers before weekdays count within months and years only, and not beside BYWEEKNO (RFC 5545
	// §3.3.10); elsewhere the weekday alone is meant.
	numbers := freq == Monthly || freq == Yearly && r.ByWeekNo == nil
	for _, w := range r.ByDay {
		if w.N == 0 || !numbers {
			f.weekdays |= 1 << w.Day
		} else {
			f.nth = append(f.nth, w)
		}
	}
	f.nthOfYear = freq == Yearly && r.ByMonth == nil

	_, m, d := dateOf(start.day())
	noDay := r.ByMonthDay == nil && r.ByDay == nil && r.ByYearDay == nil
	switch freq {
	case Yearly:
		if r.ByWeekNo != nil {
			if noDay {
				f.weekdays = 1 << weekdayOf(start.day())
			}
			break
		}
		if noDay {
			f.monthDays = 1 << d
		}
		if r.ByMonth == nil && r.ByYearDay == nil && (noDay || r.ByMonthDay != nil) {
			f.months = 1 << m
			f.nthOfYear = false
		}
	case Monthly:
		if noDay && r.ByWeekNo == nil {
			f.monthDays = 1 << d
		}
	case Weekly:
		if r.ByDay == nil {
			f.weekdays = 1 << weekdayOf(start.day())
		}
	}
	return f
}

// all tells whether every day of every period matches.
func (f *dayFilter) all() bool {
	return f.months == 0 && f.monthDays|f.fromLast == 0 && f.yearDays == nil && f.weekNos == nil &&
		f.weekdays == 0 && f.nth == nil
}

// byWeekdayAlone tells whether nothing but weekdays is asked for.
func (f *dayFilter) byWeekdayAlone() bool {
	return f.months == 0 && f.monthDays|f.fromLast == 0 && f.yearDays == nil && f.weekNos == nil && f.nth == nil
}

// impossible tells whether no month that is taken has a day that is taken: February 30.
func (f *dayFilter) impossible() bool {
	if f.monthDays|f.fromLast == 0 {
		return false
	}
	for m := 1; m <= 12; m++ {
		days := uint32(1)<<(daysIn(2000, m)+1) - 1
		if f.hasMonth(m) && (f.monthDays|f.fromLast)&days != 0 {
			return false
		}
	}
	return true
}

func (f *dayFilter) hasMonth(m int) bool { return f.months == 0 || f.months&(1<<m) != 0 }

// match tells whether the rule takes day n.
func (f *dayFilter) match(n int) bool {
	if f.weekdays != 0 && f.nth == nil && f.weekdays&(1<<weekdayOf(n)) == 0 {
		return false
	}
	if f.all() || f.byWeekdayAlone() {
		return true
	}
	k := &f.known
	if !k.ok || n < k.month || n >= k.next {
		y, m, d := dateOf(n)
		k.ok, k.m = true, m
		k.month = n - d + 1
		k.next = k.month + daysIn(y, m)
		k.first, k.last = dayNumber(y, 1, 1), dayNumber(y, 12, 31)
	}
	if !f.hasMonth(k.m) {
		return false
	}
	if f.monthDays|f.fromLast != 0 && f.monthDays&(1<<(n-k.month+1)) == 0 && f.fromLast&(1<<(k.next-n)) == 0 {
		return false
	}
	if f.yearDays != nil && !has(f.yearDays, n-k.first+1, n-k.last-1) {
		return false
	}
	if f.nth != nil && f.weekdays&(1<<weekdayOf(n)) == 0 && !f.matchNth(n) {
		return false
	}
	return f.weekNos == nil || f.matchWeek(n)
}

func (f *dayFilter) matchNth(n int) bool {
	first, last := f.known.month, f.known.next-1
	if f.nthOfYear {
		first, last = f.known.first, f.known.last
	}
	day := weekdayOf(n)
	for _, w := range f.nth {
		if w.Day == day && (w.N == (n-first)/7+1 || w.N == -((last-n)/7+1)) {
			return true
		}
	}
	return false
}

func (f *dayFilter) matchWeek(n int) bool {
	y := weekYear(n, f.wkst)
	first, next := weekYearStart(y, f.wkst), weekYearStart(y+1, f.wkst)
	no := (n-first)/7 + 1
	return has(f.weekNos, no, no-(next-first)/7-1)
}

func has(list []int, a, b int) bool {
	for _, v := range list {
		if v == a || v == b {
			return true
		}
	}
	return false
}

// nextMonth is the first day of the next month that the filter takes, n's own not counted.
func (f *dayFilter) nextMonth(n int) int {
	y, m, _ := dateOf(n)
	for range 12 {
		if m++; f.hasMonth((m-1)%12 + 1) {
			break
		}
	}
	return dayNumber(y, m, 1)
}

// hasMonthOf tells whether the filter takes days of n's month.
func (f *dayFilter) hasMonthOf(n int) bool {
	if f.months == 0 {
		return true
	}
	_, m, _ := dateOf(n)
	return f.hasMonth(m)
}
