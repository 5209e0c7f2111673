package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// faultBegin is when every run with a clock of its own begins: a Monday, and a week later the clocks
// of Europe change.
var faultBegin = time.Date(2027, 3, 22, 6, 0, 0, 0, time.UTC)

// How many rounds a run has at least; a longer -fault.duration makes more. An old database comes back in
// either.
const (
	faultRounds      = 4
	faultRoundsWhole = 6
)

// A seriesRun is one run of two installations on one account, whose time passes quickly.
type seriesRun struct {
	t       *testing.T
	seed    uint64
	random  *rand.Rand // of the one goroutine that lets time pass
	clock   *faultClock
	account *faultAccount
	houses  []*faultRun
	dbs     []*sql.DB // of the houses, to look at

	happenings map[string]*faultHappening // of sessions, by id
	begun      []emulator.Conference      // by hand, before their time
	strangers  []emulator.Conference
	old        *faultBackup

	given map[string]string // conferences by key, that an old database knows nothing of
	moved map[string]string // conferences by key, that somebody moved by hand

	kills, advances, hands, restores, joined, held, checks int
}

// TestFaultSeries runs two installations of the server on one account with a clock that days pass on:
// clients change series and single occurrences, meetings are held, the account is changed by hand,
// calls and mails go wrong, servers are killed, and one gets an old database. After each few rounds all
// comes to rest, and what is at the account and in the mails is held to what the clients saved.
func TestFaultSeries(t *testing.T) {
	skipFaultSeries(t)
	ctx := faultContext(t)
	s := newSeriesRun(ctx, t, faultSeeds(1)[0])
	defer s.report()
	rounds := faultRounds
	if *wholeRun {
		rounds = faultRoundsWhole
	}
	begun := time.Now()
	for round := 0; ctx.Err() == nil && !s.failed() && (round < rounds || time.Since(begun) < *faultDuration); round++ {
		s.churn(ctx)
		s.advance(ctx, s.clock.now().Add(time.Duration(6+s.random.IntN(30))*time.Hour), true)
		if round%2 == 1 {
			s.night(ctx)
			s.check(ctx)
		}
		switch round % faultRoundsWhole {
		case 1:
			s.backup(ctx)
		case 3:
			s.restore(ctx)
		}
	}
	if !s.failed() {
		s.night(ctx)
		s.check(ctx)
	}
}

// skipFaultSeries leaves out a fault program of many days that cannot be played here.
func skipFaultSeries(t *testing.T) {
	t.Helper()
	skipFault(t)
	if raced {
		t.Skip("it is played without the race detector")
	}
}

// newSeriesAccount begins a run with its clock and its account, at which there is no house yet. Runs of one
// seed differ by stream.
func newSeriesAccount(t *testing.T, seed, stream uint64) *seriesRun {
	t.Helper()
	s := &seriesRun{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, stream)),
		happenings: map[string]*faultHappening{}, given: map[string]string{}, moved: map[string]string{},
	}
	var err error
	if s.clock, err = openFaultClock(filepath.Join(t.TempDir(), "clock")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.clock.file.Close() })
	if err := s.clock.move(faultBegin); err != nil {
		t.Fatal(err)
	}
	s.account = newFaultAccount(t, s.clock, s.byHand, emulator.Member{Email: "anna@example.org", Name: "Anna", Confirmed: true})
	return s
}

func newSeriesRun(ctx context.Context, t *testing.T, seed uint64) *seriesRun {
	t.Helper()
	s := newSeriesAccount(t, seed, 3)
	for i, names := range [][]string{{"Anna", "Boris", "Vera"}, {"Gleb"}} {
		r := newFaultHouse(ctx, t, seed, s.clock, s.account)
		for k, name := range names {
			r.addUser(ctx, uint64(100*i+10*k), name, []string{"ru", "en", "uk"}[k], []string{"Europe/Berlin", "Europe/Moscow", "UTC"}[k], 2-min(k, 1))
		}
		s.houses = append(s.houses, r)
		r.world.start(ctx)
		for _, d := range r.devices {
			if d.agent == "Desktop/1.0" {
				d.send(ctx, "MKCALENDAR", "/calendars/"+d.user.login+"/"+faultSlugs[1]+"/", "", nil)
			}
		}
		s.dbs = append(s.dbs, nil)
		s.look(i)
	}
	return s
}

// look opens the database of a house to look at.
func (s *seriesRun) look(i int) {
	if s.dbs[i] != nil {
		s.dbs[i].Close()
	}
	db, err := s.houses[i].world.live()
	if err != nil {
		s.t.Fatal(err)
	}
	s.dbs[i] = db
	s.t.Cleanup(func() { db.Close() })
}

// failed tells whether the run is of no more use.
func (s *seriesRun) failed() bool {
	n := 0
	for _, r := range s.houses {
		r.mu.Lock()
		n += len(r.problems)
		r.mu.Unlock()
	}
	return n > 0
}

// churn has the clients change everything at once for a while, with all kinds of trouble.
func (s *seriesRun) churn(ctx context.Context) {
	for _, r := range s.houses {
		_, err := r.world.relayPlan(ctx, faultChance)
		r.try("set the mail's plan", err)
	}
	s.houses[0].ordinary(ctx)
	var clients sync.WaitGroup
	enough := make(chan struct{})
	for _, r := range s.houses {
		for _, d := range r.devices {
			clients.Go(func() {
				for {
					d.seriesStep(ctx)
					select {
					case <-enough:
						return
					case <-ctx.Done():
						return
					case <-time.After(time.Duration(20+d.random.IntN(100)) * time.Millisecond):
					}
				}
			})
		}
	}
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end) && ctx.Err() == nil; {
		faultSleep(ctx, time.Duration(100+s.random.IntN(500))*time.Millisecond)
		s.houses[0].misfortune(ctx)
		if s.random.IntN(3) == 0 {
			s.kill(ctx, s.random.IntN(2))
		}
	}
	close(enough)
	clients.Wait()
}

// kill kills the server of a house and starts it again.
func (s *seriesRun) kill(ctx context.Context, i int) {
	r := s.houses[i]
	r.world.kill()
	s.kills++
	faultSleep(ctx, time.Duration(s.random.IntN(150))*time.Millisecond)
	r.world.start(ctx)
}

// report prints the counts, and what went wrong.
func (s *seriesRun) report() {
	var b strings.Builder
	var changes, refused, unanswered, mails, repeats, violations int
	relay := map[string]int{}
	for _, r := range s.houses {
		changes += int(r.counts.changes.Load())
		refused += int(r.counts.refused.Load())
		unanswered += int(r.counts.unanswered.Load())
		mails += r.counts.mails
		repeats += r.counts.repeats
		violations += len(r.problems)
		for what, n := range r.counts.relay {
			relay[what] += n
		}
	}
	state := s.account.mts.State()
	fmt.Fprintf(&b, "fault program, series: seed %d\n", s.seed)
	days := s.clock.now().Sub(faultBegin).Hours() / 24
	fmt.Fprintf(&b, "  %.1f days in %d advances, checked %d times\n", days, s.advances, s.checks)
	fmt.Fprintf(&b, "  changes %d: refused as they should be %d, unanswered %d\n", changes, refused, unanswered)
	fmt.Fprintf(&b, "  kills %d, hands at the account %d, strangers' conferences %d, restores %d\n", s.kills, s.hands, len(s.strangers), s.restores)
	fmt.Fprintf(&b, "  conferences: %d there, %d deleted; meetings held %d, people came %d times\n", len(state.Conferences), len(state.Deleted), s.held, s.joined)
	fmt.Fprintf(&b, "  mails: %d distinct, %d byte-identical repeats; SMTP: %s\n", mails, repeats, faultCounted(relay))
	fmt.Fprintf(&b, "  provider's faults: %s\n", faultCounted(state.Faulted))
	fmt.Fprintf(&b, "  violations: %d\n", violations)
	s.t.Log(b.String())
	if *faultDuration > time.Minute {
		fmt.Print(b.String())
	}
	for _, r := range s.houses {
		r.tellProblems()
	}
}
