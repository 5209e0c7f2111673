package ical

import (
	"errors"
	"slices"
	"sort"
)

// ErrBudget says that an expansion took more work than one request may.
var ErrBudget = errors.New("recurrence: the expansion takes too much work")

// A budget is the work left: each day, period or instance that is looked at takes one.
type budget int

// expandBudget is some tens of milliseconds.
const expandBudget budget = 300_000

func (b *budget) spend(n int) bool {
	*b -= budget(n)
	return *b >= 0
}

// An iterator goes through the instances of a series from its start on, in order, not beyond last.
// COUNT and UNTIL are the caller's.
type iterator struct {
	s      *series
	last   civil
	budget *budget
	err    error // ErrBudget
	done   bool

	n     int64   // number of the next period to load
	bases []civil // of the period that is loaded
	set   []int   // its places by BYSETPOS; nil: all
	i     int     // next place
}

// iterate begins at the start of s.
func (s *series) iterate(last civil, b *budget) *iterator {
	it := &iterator{s: s, last: min(last, lastCivil), budget: b, n: s.first, done: s.empty}
	it.seek(s.start)
	return it
}

// next returns the next instance; false at the end, or when the budget is spent (err).
func (it *iterator) next() (civil, bool) {
	for !it.done {
		if it.i < it.len() {
			c := it.at(it.i)
			it.i++
			if !it.budget.spend(1) {
				it.fail()
				break
			}
			if c > it.last {
				it.done = true
				break
			}
			return c, true
		}
		it.load()
	}
	return 0, false
}

// seek goes to the first instance from c on; never back.
func (it *iterator) seek(c civil) {
	if it.done {
		return
	}
	if it.loaded() && it.at(it.len()-1) >= c {
		it.i = max(it.i, it.search(c))
		return
	}
	it.jump(c)
	for !it.done {
		if it.loaded() {
			if i := it.search(c); i < it.len() {
				it.i = i
				return
			}
		}
		it.load()
	}
}

// skip goes to the first instance from c on and returns how many it passed. Periods that all hold
// the same number of instances are counted without being looked at.
func (it *iterator) skip(c civil) int {
	passed := 0
	for !it.done {
		if it.loaded() {
			i := max(it.i, it.search(c))
			passed += i - it.i
			it.i = i
			if i < it.len() {
				break
			}
		}
		if each := it.s.perPeriod(); each > 0 {
			from := it.n
			it.jump(c)
			passed += each * int((it.n-from)/it.s.step())
		}
		it.load()
		if it.loaded() && !it.budget.spend(1) {
			it.fail()
		}
	}
	return passed
}

func (it *iterator) fail() { it.err, it.done = ErrBudget, true }

func (it *iterator) loaded() bool { return it.i < it.len() }

// len is the number of instances of the period that is loaded.
func (it *iterator) len() int {
	if it.set != nil {
		return len(it.set)
	}
	return len(it.bases) * it.s.clock.len()
}

func (it *iterator) at(i int) civil {
	if it.set != nil {
		i = it.set[i]
	}
	each := it.s.clock.len()
	return it.bases[i/each] + it.s.clock.at(i%each)
}

// search is the place of the first instance from c on.
func (it *iterator) search(c civil) int {
	return sort.Search(it.len(), func(i int) bool { return it.at(i) >= c })
}

// jump goes to the period that c falls in, or the next, if that is further on.
func (it *iterator) jump(c civil) {
	it.unload()
	var n int64
	if it.s.unit > 0 {
		n = floorDiv(int64(c), int64(it.s.unit)) * int64(it.s.unit)
	} else {
		n = it.s.periodOf(c.day())
	}
	it.n = max(it.n, it.s.align(n))
}

func (it *iterator) unload() {
	it.bases, it.set, it.i = it.bases[:0], nil, 0
}

// step is the distance from one period's number to the next.
func (s *series) step() int64 { return s.every * max(1, int64(s.unit)) }

// align is the first number of a period from n on.
func (s *series) align(n int64) int64 {
	if n <= s.first {
		return s.first
	}
	step := s.step()
	return s.first + (n-s.first+step-1)/step*step
}

// perPeriod is the number of instances of every period where it is always the same, else 0.
func (s *series) perPeriod() int {
	switch {
	case s.rule.BySetPos != nil || s.limits != (clockLimits{}):
		return 0
	case s.freq <= Daily && s.days.all():
		return s.clock.len()
	case s.freq == Weekly && s.days.byWeekdayAlone():
		n := 0
		for d := range 7 {
			n += int(s.days.weekdays >> d & 1)
		}
		return n * s.clock.len()
	}
	return 0
}

// load goes to the next period that has instances. One whose number is beyond last ends it.
func (it *iterator) load() {
	it.unload()
	if it.s.unit > 0 {
		it.loadClock()
	} else {
		it.loadDays()
	}
}

// loadDays finds the next period with a day that the rule takes.
func (it *iterator) loadDays() {
	s := it.s
	lastDay := it.last.day()
	for range s.cycle() {
		a, b := s.period(it.n)
		if a > lastDay {
			break
		}
		it.n += s.step()
		looked := 1
		if s.freq == Daily && !s.days.hasMonthOf(a) {
			it.n = max(it.n, s.align(int64(s.days.nextMonth(a))))
		} else {
			for n := a; n < b; n++ {
				if b-a > 7 && !s.days.hasMonthOf(n) {
					n = s.days.nextMonth(n) - 1
				} else if s.days.match(n) {
					it.bases = append(it.bases, civil(n)*day)
				}
				looked++
			}
		}
		if !it.budget.spend(looked/8 + 1) {
			it.fail()
			return
		}
		if len(it.bases) > 0 && it.choose() {
			return
		}
	}
	it.done = true
}

// loadClock finds the next hour, minute or second that the rule takes.
func (it *iterator) loadClock() {
	s := it.s
	for {
		if civil(it.n) > it.last {
			break
		}
		if !it.budget.spend(1) {
			it.fail()
			return
		}
		at := civil(it.n)
		next := at
		if n := at.day(); !s.days.match(n) {
			n, ok := it.nextDay(n)
			if !ok {
				break
			}
			next = civil(n) * day
		} else {
			next = s.limits.skip(at)
		}
		if next > at {
			it.n = s.align(int64(next))
			continue
		}
		it.n += s.step()
		it.bases = append(it.bases, at)
		if it.choose() {
			return
		}
	}
	if it.err == nil {
		it.done = true
	}
}

// nextDay is the next day after n that the rule takes.
func (it *iterator) nextDay(n int) (int, bool) {
	s := it.s
	for i := range s.cycle() {
		if n++; !s.days.hasMonthOf(n) {
			n = s.days.nextMonth(n)
		}
		if n > it.last.day() {
			return 0, false
		}
		if s.days.match(n) {
			return n, true
		}
		if i%8 == 0 && !it.budget.spend(1) {
			it.fail()
			return 0, false
		}
	}
	return 0, false
}

// choose applies BYSETPOS to the period; false if nothing remains.
func (it *iterator) choose() bool {
	positions := it.s.rule.BySetPos
	if positions == nil {
		return true
	}
	all := len(it.bases) * it.s.clock.len()
	it.set = make([]int, 0, len(positions))
	for _, p := range positions {
		if p < 0 {
			p += all + 1
		}
		if p >= 1 && p <= all {
			it.set = append(it.set, p-1)
		}
	}
	slices.Sort(it.set)
	it.set = slices.Compact(it.set)
	if len(it.set) == 0 {
		it.unload()
		return false
	}
	return true
}
