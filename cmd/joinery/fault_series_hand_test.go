package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"joinery/conference/emulator"
)

// What people do in the vendor's own page, past the server.

func faultSessionID(c emulator.Conference) int64 {
	id, err := strconv.ParseInt(c.Session, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// byOwner has the account's owner begin, end or delete a conference. One that is gone, or is so
// already, stays as it is.
func (s *seriesRun) byOwner(c emulator.Conference, do string) bool {
	return s.account.mts.Live(faultSessionID(c), do) == nil
}

// somebody does something now and then: a client saves, a server is killed, somebody is at the
// account's page, a call will go wrong.
func (s *seriesRun) somebody(ctx context.Context) {
	switch x := s.random.IntN(100); {
	case x < 12:
		r := s.houses[s.random.IntN(3)/2]
		r.devices[s.random.IntN(len(r.devices))].seriesStep(ctx)
	case x < 15:
		s.kill(ctx, s.random.IntN(len(s.houses)))
	case x < 17:
		s.away(ctx)
	case x < 26:
		s.hand()
	case x < 32:
		s.houses[0].misfortune(ctx)
	case x < 60 && len(s.begun) > 0:
		s.byOwner(s.begun[0], "stop")
		s.begun = s.begun[1:]
	}
}

// away kills a server and lets some hours pass before it comes back.
func (s *seriesRun) away(ctx context.Context) {
	i := s.random.IntN(len(s.houses))
	s.calm(ctx)
	s.houses[i].world.kill()
	s.kills++
	for range 1 + s.random.IntN(5) {
		s.jump(s.clock.now().Add(time.Duration(10+s.random.IntN(60)) * time.Minute))
		s.meetings()
	}
	s.houses[i].world.start(ctx)
}

// hand changes a conference that has not begun, or makes one of a stranger's.
func (s *seriesRun) hand() {
	mts, now := s.account.mts, s.clock.now()
	what := s.random.IntN(6)
	if what == 0 {
		f := emulator.Foreign{
			Name: fmt.Sprintf("Чужая встреча %d", len(s.strangers)), Start: now.Add(time.Duration(24*(1+s.random.IntN(20))) * time.Hour),
			Tags: [][]string{nil, {"sales"}, {"0123456789abcdef-7", "sales"}, {"-1"}}[s.random.IntN(4)],
		}
		c, err := mts.AddEvent(f)
		s.houses[0].try("add a stranger's conference", err)
		s.strangers = append(s.strangers, c)
		return
	}
	var ours []emulator.Conference
	for _, c := range mts.Conferences("ACTIVE") {
		if faultMeetingOf(c.Name) != "" && c.Start.After(now.Add(time.Hour)) {
			ours = append(ours, c)
		}
	}
	if len(ours) == 0 {
		return
	}
	c := ours[s.random.IntN(len(ours))]
	s.hands++
	var err error
	switch what {
	case 1, 2:
		err = mts.Rename(faultSessionID(c), fmt.Sprintf("%s (переименовано %d)", c.Name, s.hands))
	case 3:
		// Never twice to the same time: then it is left there.
		err = mts.Reschedule(faultSessionID(c), c.Start.Add(time.Duration(1+s.hands%40)*15*time.Minute))
		s.moved[c.Key] = c.ID
	case 4:
		s.byOwner(c, "delete")
	case 5:
		// It is begun days before its time, and ended soon after.
		if s.byOwner(c, "start") {
			s.begun = append(s.begun, c)
		}
	}
	s.houses[0].try("change a conference by hand", err)
}
