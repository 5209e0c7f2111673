package ical

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// An Instance is one occurrence of an event.
type Instance struct {
	VEvent       *VEvent // where it is defined: an override or the master
	RecurrenceID time.Time
	Start, End   time.Time // instants
}

// Expand calls f for the instances that overlap [from, to), in order of start, floating times and
// dates taken in loc, until f returns false. It jumps to the window, and gives up with ErrBudget
// after a bounded amount of work whatever the rule. Zero to is open.
//
// DTSTART is always the first instance, also where the rule does not meet it, and counts as such. An
// instance without length overlaps where its start lies in the window (RFC 4791 §9.9). EXDATE goes
// before an override of the same instance. Overrides of instances that the rule does not have are
// instances all the same, and so are overrides without a master. RANGE=THISANDFUTURE shifts the
// later instances by the wall clock and gives them its length. EXRULE, which RFC 5545 has given up,
// is not looked at. Cancelled instances are there; their VEvent says so. An error says what in the
// event cannot be read.
func (e *Event) Expand(from, to time.Time, loc *time.Location, f func(Instance) bool) error {
	b := expandBudget
	x, err := newExpansion(e, loc, &b)
	if err != nil {
		return err
	}
	return x.run(from, to, false, f)
}

// Next returns the first instance that is not cancelled and has not ended at after, floating times
// and dates taken in loc; false if there is none. Errors are those of Expand.
func (e *Event) Next(after time.Time, loc *time.Location) (Instance, bool, error) {
	var next Instance
	found := false
	b := expandBudget
	x, err := newExpansion(e, loc, &b)
	if err != nil {
		return Instance{}, false, err
	}
	err = x.run(after, time.Time{}, true, func(i Instance) bool {
		next, found = i, true
		return false
	})
	return next, found, err
}

// An expansion is what an event's instances are worked out from.
type expansion struct {
	event     *Event
	loc       *time.Location // of floating times and dates
	budget    *budget
	frame     frame
	start     civil // the master's DTSTART by the frame's clock
	rules     []*Rule
	first     item   // the master's DTSTART
	dates     []item // it and the RDATEs, sorted
	excluded  identitySet
	overrides identitySet
	single    []Instance // overrides, sorted by start
	shifts    []shift    // THISANDFUTURE, sorted by from
	longest   int64      // of PERIODs, seconds
}

// A shift moves the instances from its identity on, until the next shift's.
type shift struct {
	from  int64
	delta civil
	def   *VEvent
}

func newExpansion(e *Event, loc *time.Location, b *budget) (*expansion, error) {
	if loc == nil {
		loc = time.UTC
	}
	x := &expansion{event: e, loc: loc, budget: b}
	if m := e.Master; m != nil && !m.Start.Time.IsZero() {
		x.frame = frameOf(e.Object, m.Start, loc)
		x.start = x.frame.wall(m.Start)
		x.first = item{c: x.start, at: m.Start.In(loc).Unix()}
		x.dates = []item{x.first}
		if err := x.readMaster(m); err != nil {
			return nil, err
		}
	}
	x.readOverrides()
	return x, nil
}

func (x *expansion) readMaster(m *VEvent) error {
	for _, l := range m.Component.All("RRULE") {
		r, err := ParseRule(l.Value)
		if err != nil {
			return err
		}
		x.rules = append(x.rules, r)
	}
	for _, l := range m.Component.All("EXDATE") {
		times, err := x.event.Object.Times(l)
		if err != nil {
			return fmt.Errorf("reading %w", err)
		}
		for _, t := range times {
			x.excluded.add(x.frame, t)
		}
	}
	for _, l := range m.Component.All("RDATE") {
		periods, err := x.event.Object.Periods(l)
		if err != nil {
			return fmt.Errorf("reading %w", err)
		}
		for i := range periods {
			x.addDate(&periods[i])
		}
	}
	sort.SliceStable(x.dates, func(i, j int) bool { return x.dates[i].at < x.dates[j].at })
	return nil
}

// addDate adds one item of an RDATE.
func (x *expansion) addDate(p *Period) {
	c := x.frame.wall(p.Start)
	if p.Start.AllDay && !x.frame.allDay {
		c += x.start.clock()
	}
	it := item{c: c, at: civilTime(c, x.frame.loc).Unix()}
	if x.frame.fixed && !p.Start.AllDay && !p.Start.Floating {
		it.at = p.Start.Time.Unix()
	}
	if p.End != nil || p.HasDuration {
		it.period = p
		if end := x.periodEnd(time.Unix(it.at, 0).In(x.frame.loc), p); end.Unix() > it.at {
			x.longest = max(x.longest, end.Unix()-it.at)
		}
	}
	x.dates = append(x.dates, it)
}

func (x *expansion) periodEnd(start time.Time, p *Period) time.Time {
	if p.HasDuration {
		return length{days: p.Days, exact: p.Exact}.end(start)
	}
	return p.End.In(x.loc)
}

func (x *expansion) readOverrides() {
	master := x.event.Master != nil && !x.event.Master.Start.Time.IsZero()
	for _, v := range x.event.Overrides {
		if v.Start.Time.IsZero() {
			continue
		}
		frame, rid := x.frame, *v.RecurrenceID
		if !master {
			frame = frameOf(x.event.Object, rid, x.loc)
		} else if x.excluded.hasTime(frame, rid) {
			continue
		}
		var defined *VEvent
		if master {
			defined = x.event.Master
		}
		original := originalOf(frame, rid, defined)
		start := v.Start.In(x.loc)
		x.single = append(x.single, Instance{VEvent: v, RecurrenceID: original, Start: start, End: v.End.In(x.loc)})
		if !master {
			continue
		}
		x.overrides.add(frame, rid)
		if v.RangeFuture {
			s := shift{def: v, delta: civilOf(start.In(frame.loc)) - civilOf(original.In(frame.loc)), from: int64(namedWall(frame, rid, defined))}
			if frame.fixed {
				s.from = original.Unix()
			}
			x.shifts = append(x.shifts, s)
		}
	}
	sort.SliceStable(x.single, func(i, j int) bool { return x.single[i].Start.Before(x.single[j].Start) })
	sort.SliceStable(x.shifts, func(i, j int) bool { return x.shifts[i].from < x.shifts[j].from })
}

// run is Expand; with live it leaves out what is cancelled.
func (x *expansion) run(from, to time.Time, live bool, f func(Instance) bool) error {
	if from.IsZero() {
		from = time.Date(-10, 1, 1, 0, 0, 0, 0, time.UTC) // before whatever a DATE can name
	}
	streams := x.streams(from, live)
	singles := x.single
	for {
		best := -1
		for i := range streams {
			s := streams[i]
			if !s.ready && !s.ended {
				s.advance()
			}
			if s.err != nil {
				return s.err
			}
			if s.ready && (best < 0 || s.head.Start.Before(streams[best].head.Start)) {
				best = i
			}
		}
		var instance Instance
		switch {
		case len(singles) > 0 && (best < 0 || !streams[best].head.Start.Before(singles[0].Start)):
			instance, singles = singles[0], singles[1:]
			if live && instance.VEvent.Cancelled() {
				continue
			}
		case best >= 0:
			instance = streams[best].head
			streams[best].ready = false
		default:
			return nil
		}
		if !to.IsZero() && !instance.Start.Before(to) {
			return nil
		}
		if !x.budget.spend(1 + len(streams)/4) {
			return ErrBudget
		}
		if overlaps(instance, from) && !f(instance) {
			return nil
		}
	}
}

// overlaps tells whether i, which begins before the window's end, reaches into the window.
func overlaps(i Instance, from time.Time) bool {
	return i.End.After(from) || !i.Start.Before(from)
}

// streams are the master's instances, apart where they are shifted, from those on that may reach
// beyond from.
func (x *expansion) streams(from time.Time, live bool) []*stream {
	m := x.event.Master
	if m == nil || m.Start.Time.IsZero() {
		return nil
	}
	parts := append([]shift{{from: math.MinInt64, def: m}}, x.shifts...)
	var streams []*stream
	for i, part := range parts {
		if live && part.def.Cancelled() {
			continue
		}
		end := int64(math.MaxInt64)
		if i+1 < len(parts) {
			end = parts[i+1].from
		}
		if part.from < end {
			streams = append(streams, x.newStream(part, end, from))
		}
	}
	return streams
}
