package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"joinery/conference/emulator"
)

var yearsTable = flag.String("years.table", "", "the `file` that the table of the simulated years is written to")

// A yearsAction is something that somebody does at a moment.
type yearsAction struct {
	at time.Time
	do func()
}

// do has something done at a moment. What an organiser does ends with expect, for the mail that
// follows, and settle.
func (s *simulation) do(at time.Time, do func()) {
	s.actions = append(s.actions, yearsAction{at, do})
}

// save saves a series' event as its client does. What stands at the next check has to stay.
func (s *simulation) save(a author, se *series, text string) {
	s.Helper()
	c := s.device(anna, a.agent)
	var headers []string
	switch {
	case !se.saved:
		headers = []string{"If-None-Match: *"}
	case a.match:
		headers = []string{"If-Match: " + c.get(se.path).etag()}
	}
	if r := c.do("PUT", se.path, text, headers...); r.status != http.StatusCreated && r.status != http.StatusNoContent {
		s.Fatalf("%s: %s: saving is answered %d: %s\n%s", s.when(), se.name, r.status, r.body, joined(master(text)))
	}
	se.saved, se.etag = true, ""
}

// new makes a series, before it is saved.
func (s *simulation) new(name string, list []*occurrence) *series {
	se := &series{name: name, list: list, hook: s.hook, direct: s.direct, held: map[string]time.Time{}}
	se.path = annaCalendar + se.uid() + ".ics"
	s.series = append(s.series, se)
	return se
}

// uid is the UID of a series' event.
func (s *series) uid() string {
	return strings.ToLower(strings.NewReplacer(" ", "-", ",", "").Replace(s.name)) + "@example.org"
}

// run plays the years: it stops at every moment of note, has done what is due and planned, and
// checks everything.
func (s *simulation) run() {
	s.Helper()
	s.settle()
	s.check()
	for {
		to := s.upcoming()
		if to.After(s.until) {
			break
		}
		s.step(to)
		s.happen()
		s.check()
	}
	s.step(s.until)
	s.check()
}

// yearsQuiet is how long nothing of note may happen before everything is checked all the same.
const yearsQuiet = 60 * time.Hour

// upcoming is the next moment of note.
func (s *simulation) upcoming() time.Time {
	now := s.now()
	next := now.Truncate(yearsQuiet).Add(yearsQuiet)
	for _, a := range s.actions {
		if a.at.After(now) && a.at.Before(next) {
			next = a.at
		}
	}
	for _, se := range s.series {
		for _, o := range se.list {
			if o.end.Before(now.Add(-24*time.Hour)) || o.start.After(next.Add(24*time.Hour)) {
				continue
			}
			for _, t := range o.instants() {
				if t.After(now) && t.Before(next) {
					next = t
				}
			}
		}
	}
	return next
}

// happen does what happens now: people act, conferences begin and are ended.
func (s *simulation) happen() {
	s.Helper()
	for i := range s.actions {
		if a := &s.actions[i]; a.do != nil && !a.at.After(s.now()) {
			do := a.do
			a.do = nil
			do()
		}
	}
	if s.halt != nil {
		s.idle()
	}
	now := s.now()
	for _, se := range s.series {
		for _, o := range se.list {
			if s.halt == nil && se.next(s.downFrom) != o {
				continue // it has no conference
			}
			switch {
			case s.manual && !o.begins.IsZero() && o.began.IsZero() && !o.begins.After(now):
				s.byHand(se, o, "start")
				o.began = now
			case !s.manual && o.began.IsZero() && !o.start.After(now) && o.end.After(now):
				o.began = now
			}
			if !o.began.IsZero() && o.stopped.IsZero() && !o.stops.IsZero() && !o.stops.After(now) {
				s.byHand(se, o, "stop")
				o.stopped = now
			}
		}
	}
	if s.halt != nil {
		s.idle()
	}
}

// byHand does with the conference of an occurrence what its owner can do.
func (s *simulation) byHand(se *series, o *occurrence, do string) {
	s.Helper()
	for _, c := range s.mts.State().Conferences {
		if c.Name == se.name && c.Start.Equal(o.start) && c.Status != "STOP" {
			s.live(s.mts, c.Session, do)
			return
		}
	}
	s.fail(se, "there is no conference for %s to %s", stamp(o.start), do)
}

// A tally is a row of the table.
type tally struct {
	series                                             string
	steps, occurrences, made, moved, history, released int
	mails                                              int
}

// tallies counts what a simulation has come to.
func (s *simulation) tallies() []tally {
	state := s.mts.State()
	var list []tally
	for i, se := range s.series {
		t := tally{series: se.name, steps: se.checked, moved: se.moves}
		for _, o := range se.list {
			if o.start.Before(s.until) && !o.start.Before(yearsBegin) {
				t.occurrences++
			}
		}
		for _, o := range se.ended {
			if !o.began.IsZero() {
				t.occurrences++
			}
		}
		of := func(list []emulator.Conference, status ...string) (n int) {
			for _, c := range list {
				if c.Name == se.name && (len(status) == 0 || slices.Contains(status, c.Status)) {
					n++
				}
			}
			return n
		}
		t.made = of(state.Conferences) + of(state.Deleted)
		t.history, t.released = of(state.Conferences, "STOP"), of(state.Deleted)
		if i == 0 {
			t.mails = len(s.mail.Messages())
		}
		list = append(list, t)
	}
	return list
}

// TestYears plays two years of series, each by the wall clock of its scenario, and checks at every
// moment of note that exactly the right conference is there (issue "The next occurrence only").
// Without -whole it is the first hundred days.
func TestYears(t *testing.T) {
	t.Parallel()
	until := yearsBegin.AddDate(0, 0, 100)
	if *wholeRun {
		until = yearsBegin.AddDate(2, 0, 0)
	}
	var mu sync.Mutex
	tables := make([][]tally, len(scenarios))
	t.Run("series", func(t *testing.T) {
		for i, sc := range scenarios {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				begun := time.Now()
				s := newSimulation(t, until, sc.options...)
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					tables[i] = s.tallies()
					t.Logf("%d steps in %v", s.steps, time.Since(begun).Round(time.Millisecond))
				}()
				sc.play(s)
				s.run()
			})
		}
	})
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "series\tsteps\toccurrences\tconferences made\tmoved\tleft as history\treleased\tmails\t")
	for _, table := range tables {
		for _, r := range table {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.series, r.steps, r.occurrences, r.made, r.moved, r.history, r.released, r.mails)
		}
	}
	w.Flush()
	t.Log("\n" + out.String())
	if *yearsTable != "" {
		if err := os.WriteFile(*yearsTable, []byte(out.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// A scenario is one of the series' lives.
type scenario struct {
	name    string
	options []func(*simulation)
	play    func(s *simulation)
}

func byHand(s *simulation)  { s.manual = true }
func byHooks(s *simulation) { s.hook = true }
