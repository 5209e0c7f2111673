package ical

import "time"

// Seasons are parts of any year, by bit, in UTC: a month has five, of six days and what is left. Those
// of two times that overlap have one in common, so that an index can tell when a series has no instance
// in a range, whatever the year and though it has no end. 0 stands for all.
type Seasons uint64

const (
	seasonDays = 6
	allSeasons = Seasons(1)<<60 - 1
)

// SeasonsOf are those of the time from one instant to another, both of which count; zero ends are open.
func SeasonsOf(from, to time.Time) Seasons {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return seasonsOfDays(civilOf(from.UTC()).day(), civilOf(to.UTC()).day()).orAll()
}

// orAll is the form in which all are 0.
func (s Seasons) orAll() Seasons {
	if s == allSeasons {
		return 0
	}
	return s
}

// seasonsOfDays are those of the days from one to another.
func seasonsOfDays(first, last int) (s Seasons) {
	if last-first > 366 {
		return allSeasons
	}
	for n := first; n < last; n += 4 { // the shortest season is the end of February
		s |= seasonOfDay(n)
	}
	return s | seasonOfDay(max(first, last))
}

func seasonOfDay(n int) Seasons {
	_, m, d := dateOf(n)
	return 1 << ((m-1)*5 + min((d-1)/seasonDays, 4))
}

// seasons are those that instances may take place in, whatever the zone of floating times and dates.
func (x *expansion) seasons() Seasons {
	m := x.event.Master
	length := max(lengthOf(m, time.UTC).atMost(), x.longest)
	switch {
	case len(x.shifts) > 0, m.Start.Floating != m.End.Floating, m.Start.AllDay != m.End.AllDay:
		return 0
	case length > int64(14*day):
		return 0 // days after the end of February depend on the year
	}
	var s Seasons
	for _, v := range x.event.Overrides {
		first, _ := v.Start.widest()
		_, last := v.End.widest()
		s |= seasonsOfDays(civilOf(first).day(), civilOf(last).day()+1)
	}
	for _, d := range x.dates {
		s |= seasonsOfWall(civil(d.at), civil(d.at+length))
	}
	for _, r := range x.rules {
		if s |= r.series(x.start, x.frame.allDay).seasons(civil(length)); s == allSeasons {
			break
		}
	}
	return s.orAll()
}

// seasonsOfWall are those of the time between two readings of a clock in any zone.
func seasonsOfWall(from, to civil) Seasons {
	const reach = civil(zoneReach / time.Second)
	return seasonsOfDays((from - reach).day(), (to + reach).day())
}

// seasons are those of a rule's instances of that length at most, by the dates that the rule takes.
func (s *series) seasons(length civil) (all Seasons) {
	f := &s.days
	step := int64(1) // of months
	if s.freq == Monthly {
		step = gcd(s.every, 12)
	}
	if step == 1 && f.months == 0 && f.monthDays|f.fromLast == 0 && f.yearDays == nil && (f.nth == nil || f.weekdays != 0) {
		return allSeasons
	}
	begin, end := civil(0), day+length
	if s.unit == 0 {
		begin, end = s.clock.at(0), s.clock.at(s.clock.len()-1)+length
	}
	for _, y := range []int{2000, 2001} { // one with a leap day, one without
		for m := 1; m <= 12; m++ {
			if !f.hasMonth(m) || (int64(m-1)-s.first)%step != 0 {
				continue
			}
			month, next := dayNumber(y, m, 1), dayNumber(y, m+1, 1)
			for n := month; n < next; n++ {
				if f.mayTake(n, month, next, y) {
					all |= seasonsOfWall(civil(n)*day+begin, civil(n)*day+end)
				}
			}
		}
	}
	return all
}

// mayTake tells whether the filter may take the date of day n, of the month [first, next) in year y, in
// some year that is as long.
func (f *dayFilter) mayTake(n, first, next, y int) bool {
	if f.monthDays|f.fromLast != 0 && f.monthDays&(1<<(n-first+1)) == 0 && f.fromLast&(1<<(next-n)) == 0 {
		return false
	}
	if f.yearDays == nil && (f.nth == nil || f.weekdays != 0) {
		return true
	}
	yearFirst, yearLast := dayNumber(y, 1, 1), dayNumber(y, 12, 31)
	if f.yearDays != nil && !has(f.yearDays, n-yearFirst+1, n-yearLast-1) {
		return false
	}
	if f.nth == nil || f.weekdays != 0 {
		return true
	}
	last := next - 1
	if f.nthOfYear {
		first, last = yearFirst, yearLast
	}
	for _, w := range f.nth {
		if w.N == (n-first)/7+1 || w.N == -((last-n)/7+1) {
			return true
		}
	}
	return false
}
