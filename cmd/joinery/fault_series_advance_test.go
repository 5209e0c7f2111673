package main

import (
	"context"
	"hash/fnv"
	"regexp"
	"strings"
	"time"

	"joinery/conference/emulator"
)

// How time passes: in steps, at each of which everything is done that is due.
const (
	faultGrid     = 10 * time.Minute // steps end on it
	faultPatience = 60 * time.Second // of real time, for what is due at one moment
)

// advance lets time pass until to. If busy, things happen meanwhile: people act, servers are killed.
func (s *seriesRun) advance(ctx context.Context, to time.Time, busy bool) {
	s.advances++
	for ctx.Err() == nil && !s.failed() {
		due := s.calm(ctx)
		now := s.clock.now()
		if !now.Before(to) {
			return
		}
		next := to
		for _, t := range append(s.upcoming(), due) {
			if t.IsZero() {
				continue
			}
			if t = t.Add(faultGrid - 1).Truncate(faultGrid); t.After(now) && t.Before(next) {
				next = t
			}
		}
		s.jump(next)
		s.meetings()
		if busy {
			s.somebody(ctx)
		}
	}
}

func (s *seriesRun) jump(to time.Time) {
	if err := s.clock.move(to); err != nil {
		s.houses[0].fail("", "%v", err)
	}
}

// calm waits until nothing is due and nobody waits for an answer of the account, so that a jump does
// nothing that a slow clock would not. It returns when something is due next.
func (s *seriesRun) calm(ctx context.Context) (due time.Time) {
	left := ""
	for end := time.Now().Add(faultPatience); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(500 * time.Microsecond) {
		left, due = "", time.Time{}
		if s.account.busy.Load() > 0 {
			continue
		}
		for i, r := range s.houses {
			text, t, err := r.pending(ctx, s.dbs[i])
			if err != nil {
				text = err.Error()
			}
			left += text
			if due.IsZero() || !t.IsZero() && t.Before(due) {
				due = t
			}
		}
		if left == "" {
			return due
		}
	}
	if ctx.Err() == nil {
		s.houses[0].fail("", "what is due is not done in %v: %s", faultPatience, left)
	}
	return due
}

// night lets everything come to rest: nothing goes wrong any more, and time passes until the day's
// meetings are long over.
func (s *seriesRun) night(ctx context.Context) {
	evening := s.clock.now().UTC().Truncate(24 * time.Hour).Add(19 * time.Hour)
	if evening.Before(s.clock.now().Add(time.Hour)) {
		evening = evening.AddDate(0, 0, 1)
	}
	s.advance(ctx, evening, true)
	for _, c := range s.begun {
		s.byOwner(c, "stop")
	}
	s.begun = nil
	for _, r := range s.houses {
		r.quiet(ctx)
	}
	s.advance(ctx, evening.Add(9*time.Hour), false)
}

// faultTitle finds the event of which a conference is in its title.
var faultTitle = regexp.MustCompile(`^Планёрка ([a-z0-9]{8}),`)

// faultMeetingOf is the first part of the UID in a title; empty for others' conferences.
func faultMeetingOf(title string) string {
	if m := faultTitle.FindStringSubmatch(title); m != nil {
		return m[1]
	}
	return ""
}

// chance decides about something by its name, the same in whatever order things are decided.
func (s *seriesRun) chance(name string, n int) int {
	h := fnv.New64a()
	h.Write([]byte(name))
	return int((h.Sum64() ^ s.seed*0x9e3779b97f4a7c15) >> 7 % uint64(n))
}

// byHand tells whether meetings of that title are begun by hand.
func (s *seriesRun) byHand(title string) bool {
	uid := faultMeetingOf(title)
	return uid != "" && s.chance("by hand "+uid, 4) == 0
}

// A faultHappening is what becomes of a session whose time has come.
type faultHappening struct {
	begins, ends time.Time // zero: never
	people       int
}

// faultEnd is when a conference is planned to end.
func faultEnd(c emulator.Conference) time.Time {
	long, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(c.Duration, "PT")))
	if err != nil || long <= 0 {
		long = time.Hour
	}
	return c.Start.Add(long)
}

// happening decides what becomes of a session, once: at its time.
func (s *seriesRun) happening(c emulator.Conference) *faultHappening {
	h := s.happenings[c.Session]
	if h != nil {
		return h
	}
	h = &faultHappening{people: s.chance("people "+c.Session, 4)}
	if c.Status == "ACTIVE" && s.chance("begins "+c.Session, 3) > 0 {
		h.begins = c.Start.Add(2 * time.Minute)
	}
	end := faultEnd(c)
	switch s.chance("ends "+c.Session, 6) {
	case 0:
		h.ends = end.Add(-8 * time.Minute)
	case 1:
		h.ends = end
	case 2:
		h.ends = end.Add(7 * time.Minute)
	case 3:
		h.ends = end.Add(50 * time.Minute)
	case 4:
		h.ends = end.Add(110 * time.Minute)
	}
	s.happenings[c.Session] = h
	return h
}

// upcoming are the moments at which something happens at the account.
func (s *seriesRun) upcoming() []time.Time {
	var list []time.Time
	now := s.clock.now()
	for _, c := range s.account.mts.Conferences("ACTIVE", "START") {
		if faultMeetingOf(c.Name) == "" {
			continue
		}
		if c.Start.After(now) {
			list = append(list, c.Start)
			continue
		}
		h := s.happening(c)
		list = append(list, faultEnd(c), h.begins, h.ends)
	}
	return list
}

// meetings does what happens at the account by now: meetings are begun and ended, people come.
func (s *seriesRun) meetings() {
	now := s.clock.now()
	for _, c := range s.account.mts.Conferences("ACTIVE", "START") {
		if faultMeetingOf(c.Name) == "" || c.Start.After(now) {
			continue
		}
		h := s.happening(c)
		if c.Status == "ACTIVE" && !h.begins.IsZero() && !h.begins.After(now) && faultEnd(c).After(now) {
			h.begins = time.Time{}
			s.byOwner(c, "start")
			continue
		}
		if c.Status != "START" {
			continue
		}
		for i := range h.people {
			who := "passer-by@partner.test"
			if i < len(c.Participants) {
				who = c.Participants[i]
			}
			if s.account.mts.Join(faultSessionID(c), who, who) == nil {
				s.joined++
			}
		}
		if h.people > 0 {
			s.held++
		}
		h.people = 0
		if !h.ends.IsZero() && !h.ends.After(now) {
			s.byOwner(c, "stop")
		}
	}
}
