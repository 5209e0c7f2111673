package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// An answerOp is one answer of somebody, from when it was given until it was taken.
type answerOp struct {
	event        *answeredEvent
	way          string
	begun, ended time.Time
	parts        []answerPart
	must         bool         // it was taken. Neither must nor void: it may have been lost
	void         bool         // it was refused
	late         bool         // it may come after others that were given later
	loose        []answerPart // what a client that says no condition holds besides: it may count
	seen         []string     // of a copy that is thrown away: its times
	stamp        time.Time
	sequence     int    // of what was answered; -1: unknown
	outcome      string // as the answerer was told
	comment      string
	repeats      string // Message-ID of the mail that this is once more
}

// An answerPart is what an answer says of one component: by key, 0 is the event itself. It was given to what
// began at needStart; an answer to another time is none. needKey may be another where only an
// occurrence was seen.
type answerPart struct {
	key                int64
	ps                 string
	needKey, needStart int64
}

// An answerState is what somebody may have come to say of an event by what is known.
type answerState struct {
	sheet *faultSheet // as the organiser saved it; nil: never
	live  bool
	again bool // it was deleted once: of what was answered before, nobody knows to which time
	parts map[int64]saidPart
	last  map[int64]lastAnswer
}

// A saidPart is a component with somebody's answer.
type saidPart struct {
	start int64
	said  string // empty: not asked
	off   bool
}

// A lastAnswer is the answer that counted last.
type lastAnswer struct {
	stamp    time.Time
	sequence int
}

func (s *answerState) clone() *answerState {
	return &answerState{sheet: s.sheet, live: s.live, again: s.again, parts: maps.Clone(s.parts), last: maps.Clone(s.last)}
}

func (s *answerState) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "live %v", s.live)
	for _, key := range slices.Sorted(maps.Keys(s.parts)) {
		p := s.parts[key]
		name := "event"
		if key != 0 {
			name = faultMoment(time.Unix(key, 0))
		}
		fmt.Fprintf(&b, ", %s at %s: %s", name, faultMoment(time.Unix(p.start, 0)), p.said)
	}
	return b.String()
}

func (s *answerState) id() string { return fmt.Sprintf("%p %v %v", s.sheet, s.again, s) }

// or is s where it may as well have come about as other did: of when somebody answered last only what both know
// remains.
func (s *answerState) or(other *answerState) *answerState {
	if other == nil || maps.Equal(s.last, other.last) {
		return s
	}
	n := s.clone()
	for _, key := range slices.Concat(slices.Collect(maps.Keys(s.last)), slices.Collect(maps.Keys(other.last))) {
		x, y := s.last[key], other.last[key]
		if x == y {
			continue
		}
		if y.stamp.Before(x.stamp) {
			x.stamp = y.stamp
		}
		n.last[key] = lastAnswer{x.stamp, -1}
	}
	return n
}

// occurs tells whether the series has that occurrence.
func (s *answerState) occurs(key int64) bool {
	if s.sheet == nil || !s.sheet.recurring() {
		return false
	}
	at := time.Unix(key, 0)
	if slices.ContainsFunc(s.sheet.instants("EXDATE"), at.Equal) {
		return false
	}
	start := s.sheet.instant("DTSTART")
	return slices.ContainsFunc(faultRule(s.sheet.text("RRULE"), start.In(faultLocation(s.sheet.zoneName())), at.Add(time.Hour)), at.Equal)
}

// part is what is said of a component, or of an occurrence by the series.
func (s *answerState) part(key int64) (saidPart, bool) {
	if p, ok := s.parts[key]; ok {
		return p, true
	}
	if m, ok := s.parts[0]; ok && s.occurs(key) {
		return saidPart{start: key, said: m.said}, true
	}
	return saidPart{}, false
}

// saved are the states after a save of the organiser, for somebody.
func (s *answerState) saved(save organizerSave, address string) []*answerState {
	if save.sheet == nil {
		n := s.clone()
		n.live, n.again = false, true
		return []*answerState{n}
	}
	n := &answerState{sheet: save.sheet, again: s.again, live: save.sheet.text("STATUS") != "CANCELLED", parts: map[int64]saidPart{}, last: maps.Clone(s.last)}
	take := func(key int64, part *faultSheet) {
		p := saidPart{start: part.instant("DTSTART").Unix(), said: part.said(address), off: part.text("STATUS") == "CANCELLED"}
		if was, ok := s.part(key); ok && was.said != "" && p.said != "" {
			if p.said = was.said; was.start != p.start {
				p.said = "NEEDS-ACTION"
			}
		}
		n.parts[key] = p
	}
	take(0, save.sheet)
	for _, o := range save.sheet.overrides() {
		take(o.key().Unix(), o)
	}
	for key, was := range s.parts {
		// What an answer made is no client's to lose.
		if _, ok := n.parts[key]; !ok && was.said != "" && !was.off && n.parts[0].said != "" && n.occurs(key) && was.start == key {
			n.parts[key] = was
		}
	}
	return []*answerState{n}
}

// answered are the states after an answer.
func (s *answerState) answered(op *answerOp, capacity int) []*answerState {
	states := []*answerState{s}
	if op.void {
		return states
	}
	for _, p := range op.loose {
		for _, was := range slices.Clone(states) {
			states = append(states, was.answeredPart(op, p, capacity)...)
		}
	}
	for _, p := range op.parts {
		var next []*answerState
		before, ok := s.part(p.key)
		for _, was := range states {
			next = append(next, was.answeredPart(op, p, capacity)...)
			if len(op.loose) > 0 && (p.key != 0 || ok && before.said == p.ps) {
				// Stored already: what else came changed the series, which this followed. Or it is out of the copy since.
				next = append(next, was)
			}
		}
		states = next
	}
	if !op.must && len(op.parts) > 0 {
		states = append(states, s)
	}
	return states
}

func (s *answerState) answeredPart(op *answerOp, p answerPart, capacity int) []*answerState {
	none := []*answerState{s}
	seen, ok := s.part(p.needKey)
	if !s.live {
		return none
	}
	late := false // the page was shown just before the organiser moved what it showed first of the series
	if !ok || seen.start != p.needStart {
		// Who takes an occurrence out says nothing of its time, and without a condition nobody knows what was seen.
		late = op.way == "page" && p.key == 0 && p.needKey != 0 || op.way == "calendar, taken out" && !op.must
		if !late {
			return none
		}
	}
	to, ok := s.part(p.key)
	if !ok || to.said == "" || to.off {
		return none
	}
	before, answered := s.last[p.key]
	mailed := strings.Contains(op.way, "mail") || op.way == "counter"
	older := late || s.again && mailed // it may count as older
	if answered && op.late {
		if op.stamp.Before(before.stamp.Add(-2 * time.Second)) {
			return none
		}
		older = true
	}
	if answered && op.sequence >= 0 && (before.sequence < 0 && mailed || op.sequence < before.sequence) {
		older = true
	}
	if op.way == "counter" || op.way == "mail" || op.way == "late mail" || op.way == "repeated mail" {
		older = older || answered && before.sequence < 0
	}
	n := s.clone()
	n.last[p.key] = lastAnswer{op.stamp, op.sequence}
	states := []*answerState{n}
	if p.key != 0 {
		to.said = p.ps
		if _, own := n.parts[p.key]; own || n.parts[0].said != p.ps {
			n.parts[p.key] = to
		} else if strings.HasPrefix(op.way, "calendar") {
			n.last[p.key] = lastAnswer{before.stamp, -1} // it was no answer, for the series says so
		}
		if _, own := n.parts[p.key]; !own && capacity > 0 && waits(p.ps) {
			// Where the series waits for a place, one that has it says something else.
			one := n.clone()
			one.parts[p.key] = to
			states = append(states, one)
		}
	} else {
		was := to.said
		to.said = p.ps
		n.parts[0] = to
		for key, o := range s.parts {
			if key == 0 || o.said == "" || o.off {
				continue
			}
			like := o.said == was
			follow := o
			follow.said = p.ps
			switch {
			case capacity > 0 && waits(o.said) && waits(was):
				// Who waits says less than was answered.
				for _, x := range slices.Clone(states) {
					y := x.clone()
					y.parts[key] = follow
					states = append(states, y)
				}
			case like:
				for _, x := range states {
					x.parts[key] = follow
				}
			}
		}
	}
	if older {
		states = append(states, s)
	}
	return states
}

// waits tells whether an answer may stand for one that waits for a place.
func waits(said string) bool { return said == "ACCEPTED" || said == "TENTATIVE" }

// resolve works out what somebody may say of e after all that was done since the last rest: saves of the
// organiser, answers, and copies thrown away, which answer later, each in its order; what was over before
// another began came before it.
func (e *answeredEvent) resolve(address string) []*answerState {
	type step struct {
		begun, ended time.Time
		do           func(*answerState) []*answerState
	}
	var chains [3][]step
	for _, save := range e.saves {
		chains[0] = append(chains[0], step{save.begun, save.ended, func(s *answerState) []*answerState { return s.saved(save, address) }})
	}
	for _, op := range e.answers[address] {
		chains[1] = append(chains[1], step{op.begun, op.ended, func(s *answerState) []*answerState { return s.answered(op, e.capacity) }})
	}
	for _, op := range e.deletes[address] {
		op.must = op.must && !e.askedAnew(address, op) && !e.saidAfter(address, op)
		chains[2] = append(chains[2], step{op.begun, time.Now(), func(s *answerState) []*answerState { return s.answered(op, e.capacity) }})
	}
	begin := e.states[address]
	if begin == nil {
		begin = []*answerState{{parts: map[int64]saidPart{}, last: map[int64]lastAnswer{}}}
	}
	memo := map[[3]int]map[string]*answerState{{}: {}}
	for _, s := range begin {
		memo[[3]int{}][s.id()] = s.or(memo[[3]int{}][s.id()])
	}
	done := [3]int{len(chains[0]), len(chains[1]), len(chains[2])}
	for total := range done[0] + done[1] + done[2] {
		for at, states := range maps.Clone(memo) {
			if at[0]+at[1]+at[2] != total {
				continue
			}
			for c := range chains {
				if at[c] == done[c] {
					continue
				}
				next := chains[c][at[c]]
				early := true
				for o := range chains {
					early = early && (o == c || at[o] == done[o] || !chains[o][at[o]].ended.Before(next.begun))
				}
				if !early {
					continue
				}
				to := at
				to[c]++
				if memo[to] == nil {
					memo[to] = map[string]*answerState{}
				}
				for _, s := range states {
					for _, n := range next.do(s) {
						memo[to][n.id()] = n.or(memo[to][n.id()])
					}
				}
			}
		}
	}
	return slices.Collect(maps.Values(memo[done]))
}

// deletedLater is how long after a copy was thrown away the organiser may not know it yet.
const deletedLater = 2 * time.Second

// askedAnew tells whether somebody who throws a copy away is asked to another time than it shows: it then comes back.
func (e *answeredEvent) askedAnew(address string, deleted *answerOp) bool {
	var now *faultSheet
	for _, s := range e.states[address] {
		now = s.sheet
	}
	differs := func() bool { return now != nil && !slices.Equal(now.times(address), deleted.seen) }
	asked := false
	for _, save := range e.saves {
		if save.begun.Before(deleted.ended) {
			now, asked = save.sheet, false // delivered before, unless it is on its way
			continue
		}
		if save.begun.Before(deleted.ended.Add(deletedLater)) {
			asked = asked || differs()
			now = save.sheet
		}
	}
	return asked || differs()
}

// saidAfter tells whether somebody who threw the copy away said something by another way soon after.
func (e *answeredEvent) saidAfter(address string, deleted *answerOp) bool {
	return slices.ContainsFunc(e.answers[address], func(op *answerOp) bool {
		soon := op.begun.Before(deleted.ended.Add(deletedLater)) || strings.HasPrefix(op.way, "calendar") // which has the copy back
		return len(op.parts) > 0 && !op.void && op.ended.After(deleted.begun) && soon
	})
}

// times are when components take place that somebody is asked to, each with its key.
func (s *faultSheet) times(address string) []string {
	var list []string
	s.eachPart(func(part *faultSheet) {
		if part.said(address) != "" && part.key() != part.instant("DTSTART") {
			list = append(list, fmt.Sprint(part.key(), part.instant("DTSTART")))
		}
	})
	slices.Sort(list)
	return list
}

// agrees says in what the organiser's object is not the state; empty if it is. Who waits for a place stands as
// tentative.
func (s *answerState) agrees(sheet *faultSheet, address string, capacity int) string {
	one := func(key int64, got string) string {
		want, ok := s.part(key)
		if !ok || want.said == "" {
			want.said = "nothing"
		}
		if got == want.said || got == "" && want.said == "nothing" || capacity > 0 && got == "TENTATIVE" && want.said == "ACCEPTED" {
			return ""
		}
		what := "the event"
		if key != 0 {
			what = "what is at " + faultMoment(time.Unix(key, 0))
		}
		return fmt.Sprintf("of %s says %q, want %q", what, got, want.said)
	}
	if text := one(0, sheet.said(address)); text != "" {
		return text
	}
	keys := map[int64]string{}
	for key := range s.parts {
		if s.occurs(key) {
			keys[key] = sheet.said(address)
		}
	}
	for _, o := range sheet.overrides() {
		keys[o.key().Unix()] = o.said(address)
	}
	delete(keys, 0)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if p, ok := s.parts[key]; ok && p.off {
			continue
		}
		if text := one(key, keys[key]); text != "" {
			return text
		}
	}
	return ""
}
