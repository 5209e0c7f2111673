package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// answerEvents is how many events an organiser has at most at a time.
const answerEvents = 5

// An answeredEvent is an event with what its people were told to have said.
type answeredEvent struct {
	m        *faultMeeting
	capacity int         // 0: any number
	last     *faultSheet // as the client that deleted it knew it; nil: it was not deleted

	mu      sync.Mutex
	ever    map[string]bool // who was invited
	starts  map[int64]bool  // by minute of the week: no two times of the event are the same
	saves   []organizerSave // since the last rest, as answers
	answers map[string][]*answerOp
	deletes map[string][]*answerOp // of copies, which answer later
	deleted map[string]bool        // who ever deleted the own copy
	states  map[string][]*answerState
}

// An organizerSave is one save that stands, or stood.
type organizerSave struct {
	begun, ended time.Time
	what         string
	sheet        *faultSheet // nil: the event is gone
}

// organize does one thing as an organiser.
func (a *answersRun) organize(ctx context.Context, d *faultDevice) {
	a.mu.Lock()
	events := slices.DeleteFunc(slices.Clone(a.events), func(e *answeredEvent) bool { return e.m.owner != d.user })
	a.mu.Unlock()
	if len(events) < 2 || len(events) < answerEvents && d.random.IntN(100) < 15 {
		a.invent(ctx, d)
		return
	}
	e := events[d.random.IntN(len(events))]
	if !e.m.mu.TryLock() {
		return // the user's other device is at it
	}
	defer e.m.mu.Unlock()
	a.watch(e, func() { a.rearrange(ctx, d, e) })
}

// watch notes what do, which may save e, has come to.
func (a *answersRun) watch(e *answeredEvent, do func()) {
	mark := func(c *faultContent) string {
		if c == nil {
			return ""
		}
		return c.mark
	}
	before, begun, told := e.m.now().own(), time.Now(), len(e.m.story)
	do()
	after := e.m.now().own()
	if mark(before) == mark(after) {
		return
	}
	save := organizerSave{begun: begun, ended: time.Now()}
	if len(e.m.story) > told {
		save.what = e.m.story[len(e.m.story)-1]
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if after != nil {
		save.sheet = after.sheet.clone()
		for _, address := range after.everybody() {
			e.ever[address] = true
		}
	}
	e.saves = append(e.saves, save)
}

// invent makes a new event.
func (a *answersRun) invent(ctx context.Context, d *faultDevice) {
	e := &answeredEvent{
		m: d.meeting(), ever: map[string]bool{}, starts: map[int64]bool{}, answers: map[string][]*answerOp{},
		deletes: map[string][]*answerOp{}, deleted: map[string]bool{}, states: map[string][]*answerState{},
	}
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	s, ask := a.compose(d, e)
	d.user.add(e.m)
	a.watch(e, func() { d.save(ctx, e.m, "create", faultSlugs[0], s, ask, "*", 200) })
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

// compose is an event with people.
func (a *answersRun) compose(d *faultDevice, e *answeredEvent) (s *faultSheet, ask bool) {
	zone := []string{"Europe/Berlin", "Europe/Moscow", "UTC"}[d.random.IntN(3)]
	start := e.free(d.random, d.run.now())
	s = newFaultSheet(e.m.uid, zone, "", "", start, start.Add(time.Hour))
	d.bump(e.m, s, true)
	d.bump(e.m, s, false)
	d.invite(s, a.people[d.random.IntN(len(a.people))].address)
	for _, p := range a.people {
		if d.random.IntN(2) == 0 {
			d.invite(s, p.address)
		}
	}
	if d.random.IntN(3) == 0 {
		s.add("ATTENDEE;CUTYPE=ROOM;ROLE=NON-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:" + faultRoom)
	}
	if d.random.IntN(2) == 0 {
		s.add("RRULE:FREQ=WEEKLY")
		e.m.series = true
	}
	e.capacity = 0
	switch d.random.IntN(4) {
	case 0:
		e.capacity = 2
		s.add("X-JOINERY-CONFERENCE;CAPACITY=2:mtslink")
		return s, true
	case 1:
		return s, false
	}
	s.add("LOCATION:" + d.word(0))
	return s, true
}

// free is a time within some days at which the event never was, in any week.
func (e *answeredEvent) free(random *rand.Rand, from time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		at := from.UTC().Truncate(24*time.Hour).AddDate(0, 0, 2+random.IntN(3)).Add(7*time.Hour + time.Duration(random.IntN(500))*time.Minute)
		if minute := at.Unix() / 60 % (7 * 24 * 60); !e.starts[minute] {
			e.starts[minute] = true
			return at
		}
	}
}

// rearrange does something with an event.
func (a *answersRun) rearrange(ctx context.Context, d *faultDevice, e *answeredEvent) {
	m := e.m
	own := m.now().own()
	switch {
	case own == nil && e.last == nil:
		s, ask := a.compose(d, e)
		d.save(ctx, m, "create", faultSlugs[0], s, ask, "*", 200)
		return
	case own == nil:
		if d.random.IntN(3) > 0 {
			m.life++
			s := e.last.clone()
			d.bump(m, s, false)
			ask := m.last.wants && len(faultLinks(s.unescaped())) > 0 || s.asks() || s.text("X-JOINERY-CONFERENCE") != ""
			d.save(ctx, m, "undo", faultSlugs[0], s, ask, "*", 200)
		}
		return
	case own.cancelled:
		if d.random.IntN(3) == 0 {
			e.last = nil
			d.remove(ctx, m)
			return
		}
		d.edit(ctx, m, "uncancel", m.before, func(s *faultSheet) { s.set("STATUS:CONFIRMED") })
		return
	}
	x := d.random.IntN(100)
	if own.sheet.recurring() && x < 35 {
		a.rearrangeOne(ctx, d, e, own, x)
		return
	}
	switch {
	case x < 50:
		d.edit(ctx, m, "title", own.wants, func(s *faultSheet) { d.bump(m, s, true) })
	case x < 64:
		d.edit(ctx, m, "reschedule", own.wants, func(s *faultSheet) {
			s.keepOverrides(func(*faultSheet) bool { return false })
			s.removeAll("EXDATE")
			at := e.free(d.random, d.run.now())
			s.time(s.zoneName(), at, at.Add(time.Hour))
		})
	case x < 76:
		d.edit(ctx, m, "people", own.wants, func(s *faultSheet) {
			who := a.people[d.random.IntN(len(a.people))].address
			if !slices.Contains(s.people(), who) {
				d.inviteToAll(s, who)
				return
			}
			s.eachPart(func(part *faultSheet) { part.uninvite(who) })
		})
	case x < 80 && own.wants && e.capacity == 0:
		d.edit(ctx, m, "rotate", true, func(s *faultSheet) {
			word := d.word(0)
			s.eachPart(func(part *faultSheet) { part.set("LOCATION:" + word) })
		})
	case x < 84:
		m.before = own.wants
		d.edit(ctx, m, "cancel", false, func(s *faultSheet) { s.set("STATUS:CANCELLED") })
	case x < 88:
		if c, ok := d.fresh(ctx, m); ok {
			e.last = c.sheet
			d.remove(ctx, m)
		}
	case x < 90:
		d.move(ctx, m)
	default:
		d.conditional(ctx, m, own)
	}
}

// rearrangeOne does something with one occurrence.
func (a *answersRun) rearrangeOne(ctx context.Context, d *faultDevice, e *answeredEvent, own *faultContent, x int) {
	m := e.m
	switch {
	case x < 7:
		d.seriesEdit(ctx, m, "exclude", own.wants, d.exclude)
	case x < 18:
		d.oneEdit(ctx, m, "move one", own.wants, func(s, part *faultSheet, o faultOccurrence) bool {
			at := e.free(d.random, o.key.AddDate(0, 0, -2))
			part.time(s.zoneName(), at, at.Add(time.Hour))
			return true
		})
	case x < 25:
		d.oneEdit(ctx, m, "title of one", own.wants, func(_, part *faultSheet, _ faultOccurrence) bool {
			d.retitle(m, part)
			return true
		})
	case x < 29:
		d.oneEdit(ctx, m, "cancel one", own.wants, func(_, part *faultSheet, _ faultOccurrence) bool {
			part.set("STATUS:CANCELLED")
			return true
		})
	default:
		d.oneEdit(ctx, m, "people of one", own.wants, func(_, part *faultSheet, _ faultOccurrence) bool {
			who := a.people[d.random.IntN(len(a.people))].address
			if !d.invite(part, who) {
				part.uninvite(who)
			}
			return true
		})
	}
}

// uninvite takes an attendee out of a VEVENT.
func (s *faultSheet) uninvite(address string) {
	s.remove(func(l string) bool { return faultLineName(l) == "ATTENDEE" && faultAddress(l) == address })
}
