package ical

import (
	"math"
	"sort"
	"time"
)

// An item is one instance of a recurrence set: where it is before any shift.
type item struct {
	at     int64   // instant, Unix
	c      civil   // by the frame's clock
	period *Period // of an RDATE with a length of its own
}

// A source gives items in order of their instants.
type source interface {
	next() (item, bool)
	failed() error
}

// A stream gives the instances that one definition makes of the recurrence set.
type stream struct {
	x       *expansion
	part    shift
	end     int64 // the first identity that is another part's
	length  length
	sources []source
	heads   []item
	has     []bool
	seen    bool
	lastAt  int64

	head  Instance
	ready bool
	ended bool
	err   error
}

func (x *expansion) newStream(part shift, end int64, from time.Time) *stream {
	s := &stream{x: x, part: part, end: end, length: lengthOf(part.def, x.loc)}
	// What may reach into the window starts at most its length before, and before it was shifted
	// that much apart.
	since := from.Unix() - max(s.length.atMost(), x.longest) - 1 - int64(part.delta)
	if part.delta != 0 {
		since -= int64(zoneReach / time.Second)
	}
	since = max(since, time.Date(-10, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	if part.from != math.MinInt64 {
		first := part.from
		if !x.frame.fixed {
			first -= int64(zoneReach / time.Second) // a clock's reading, as if UTC
		}
		since = max(since, first)
	}
	known := sort.Search(len(x.dates), func(i int) bool { return x.dates[i].at >= since })
	s.sources = append(s.sources, &dateSource{x.dates[known:]})
	for _, r := range x.rules {
		s.sources = append(s.sources, newRuleSource(x.frame, r, x.first, since, x.budget))
	}
	s.heads, s.has = make([]item, len(s.sources)), make([]bool, len(s.sources))
	for i, src := range s.sources {
		s.heads[i], s.has[i] = src.next()
	}
	return s
}

// advance puts the next instance into head, or ends.
func (s *stream) advance() {
	for {
		best := -1
		for i := range s.sources {
			if err := s.sources[i].failed(); err != nil && !s.has[i] {
				s.err = err
				return
			}
			if s.has[i] && (best < 0 || s.heads[i].at < s.heads[best].at) {
				best = i
			}
		}
		if best < 0 {
			s.ended = true
			return
		}
		it := s.heads[best]
		s.heads[best], s.has[best] = s.sources[best].next()
		if !s.x.budget.spend(1) {
			s.err = ErrBudget
			return
		}
		if s.seen && it.at == s.lastAt {
			continue
		}
		s.seen, s.lastAt = true, it.at
		id := int64(it.c)
		if s.x.frame.fixed {
			id = it.at
		}
		if id >= s.end {
			s.ended = true
			return
		}
		if id < s.part.from || s.x.excluded.has(id, it.c) || s.x.overrides.has(id, it.c) {
			continue
		}
		s.head, s.ready = s.instance(it), true
		return
	}
}

func (s *stream) instance(it item) Instance {
	x := s.x
	original := time.Unix(it.at, 0).In(x.frame.loc)
	i := Instance{VEvent: s.part.def, RecurrenceID: original, Start: original}
	if s.part.delta != 0 {
		i.Start = civilTime(it.c+s.part.delta, x.frame.loc)
	}
	switch {
	case it.period != nil && s.part.delta == 0:
		i.End = x.periodEnd(i.Start, it.period)
		if i.End.Before(i.Start) {
			i.End = i.Start
		}
	case s.part.def == x.event.Master && it.c == x.start:
		i.End = s.part.def.End.In(x.loc)
	default:
		i.End = s.length.end(i.Start)
	}
	return i
}

// A dateSource gives items that are known.
type dateSource struct{ items []item }

func (d *dateSource) next() (item, bool) {
	if len(d.items) == 0 {
		return item{}, false
	}
	it := d.items[0]
	d.items = d.items[1:]
	return it, true
}

func (d *dateSource) failed() error { return nil }
