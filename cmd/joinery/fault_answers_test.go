package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// answerRounds is how many rounds a run has at least; a longer -fault.duration makes more.
const answerRounds = 3

// faultRoom is a room that answers by itself.
const faultRoom = "blue-room@conference.example.org"

// faultVouch is the mail server whose Authentication-Results count.
const faultVouch = "mx.example.org"

// An answersRun is one run of an installation whose organisers invite people, who answer in every way.
type answersRun struct {
	*seriesRun
	house      *faultRun
	organizers []*faultDevice
	people     []*answerer
	lmtp       string // where answers come in by mail
	unverified bool   // also those that nobody vouches for

	mu     sync.Mutex
	events []*answeredEvent
	counts map[string]int
	posted []*postedAnswer // mails that came in
	said   []*saidComment
	marked int // names given

	post struct {
		sync.Mutex
		read   time.Time
		known  int
		byUser map[string][]*faultLetter
	}
}

// TestFaultAnswers runs a server whose organisers change their events while the people invited answer:
// from their calendars, by mail and on the answer page. Calls and mails go wrong, connections are cut,
// the server is killed. When all has come to rest, what stands with organisers and attendees, in mailboxes
// and at the account is held to what everybody was answered.
func TestFaultAnswers(t *testing.T) {
	skipFaultSeries(t)
	seeds := faultSeeds(1)
	if *wholeRun {
		seeds = faultSeeds(1, 2)
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playAnswers(t, seed) })
	}
}

func playAnswers(t *testing.T, seed uint64) {
	ctx := faultContext(t)
	a := newAnswersRun(ctx, t, seed)
	defer a.tell()
	begun := time.Now()
	for round := 0; ctx.Err() == nil && !a.failed() && (round < answerRounds || time.Since(begun) < *faultDuration); round++ {
		a.turmoil(ctx)
		a.stillness(ctx)
		a.holdToAccount(ctx)
	}
}

func newAnswersRun(ctx context.Context, t *testing.T, seed uint64) *answersRun {
	t.Helper()
	s := newSeriesAccount(t, seed, 4)
	r := newFaultHouse(ctx, t, seed, s.clock, s.account)
	s.houses, s.dbs = []*faultRun{r}, make([]*sql.DB, 1)
	a := &answersRun{seriesRun: s, house: r, counts: map[string]int{}, lmtp: faultPorts(t, 1)[0], unverified: seed%2 == 1}
	a.post.byUser = map[string][]*faultLetter{}
	a.configure()
	a.invitees(ctx)
	r.world.start(ctx)
	for _, d := range slices.Concat(a.organizers, a.devices()) {
		if d.agent == "Desktop/1.0" {
			d.send(ctx, "MKCALENDAR", "/calendars/"+d.user.login+"/"+faultSlugs[1]+"/", "", nil)
		}
	}
	s.look(0)
	return a
}

// configure has mail come in.
func (a *answersRun) configure() {
	a.t.Helper()
	f, err := os.OpenFile(a.house.world.config, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		a.t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "[mail.incoming]\nlmtp = %q\ntrust = [%q]\nunverified = %v\n", a.lmtp, faultVouch, a.unverified); err != nil {
		a.t.Fatal(err)
	}
}

// invitees adds the organisers, those whom they invite, and the room.
func (a *answersRun) invitees(ctx context.Context) {
	a.t.Helper()
	r := a.house
	r.addUser(ctx, 10, "Anna", "ru", "Europe/Berlin", 2)
	r.addUser(ctx, 20, "Boris", "en", "Europe/Moscow", 1)
	a.organizers = slices.Clone(r.devices)
	for i, name := range []string{"Vera", "Gleb", "Dina", "Egor"} {
		login := strings.ToLower(name)
		u := &faultUser{login: login, email: login + "@example.org", name: name}
		args := []string{"user", "add", login, "--email", u.email, "--name", name, "--locale", []string{"ru", "en", "uk"}[i%3],
			"--zone", []string{"Europe/Moscow", "UTC", "Europe/Kyiv"}[i%3], "--password-stdin"}
		address := u.email
		if name == "Dina" {
			address = "d.second@example.org"
			args = append(args, "--email", address)
		}
		if _, err := r.world.run(ctx, faultPassword+"\n", args...); err != nil {
			a.t.Fatal(err)
		}
		a.people = append(a.people, a.newAnswerer(address, uint64(100+i), newFaultDevice(r, u, "Desktop/1.0", uint64(30+i))))
	}
	for i, address := range []string{"olga@partner.test", "petr@partner.test", "rita@client.test"} {
		a.people = append(a.people, a.newAnswerer(address, uint64(200+i), nil))
	}
	for _, p := range a.people {
		r.waiters = append(r.waiters, p.address)
	}
	if _, err := r.world.run(ctx, "", "room", "add", faultRoom, "--name", "Blue room", "--zone", "Europe/Moscow"); err != nil {
		a.t.Fatal(err)
	}
}

// devices are the calendar clients of local attendees.
func (a *answersRun) devices() []*faultDevice {
	var list []*faultDevice
	for _, p := range a.people {
		if p.device != nil {
			list = append(list, p.device)
		}
	}
	return list
}

// turmoil has everybody act at once for a while, with all kinds of trouble.
func (a *answersRun) turmoil(ctx context.Context) {
	r := a.house
	_, err := r.world.relayPlan(ctx, faultChance)
	r.try("set the mail's plan", err)
	r.ordinary(ctx)
	var acting sync.WaitGroup
	enough := make(chan struct{})
	act := func(random *rand.Rand, pause time.Duration, step func(context.Context)) {
		acting.Go(func() {
			for {
				step(ctx)
				select {
				case <-enough:
					return
				case <-ctx.Done():
					return
				case <-time.After(time.Duration(random.Int64N(int64(pause)))):
				}
			}
		})
	}
	for _, d := range a.organizers {
		act(d.random, 250*time.Millisecond, func(ctx context.Context) { a.organize(ctx, d) })
	}
	for _, p := range a.people {
		act(p.random.Rand, 200*time.Millisecond, p.step)
	}
	for i, end := 0, time.Now().Add(2500*time.Millisecond); time.Now().Before(end) && ctx.Err() == nil; i++ {
		faultSleep(ctx, time.Duration(100+a.random.IntN(500))*time.Millisecond)
		r.misfortune(ctx)
		if i == 1 || a.random.IntN(4) == 0 {
			a.kill(ctx, 0)
		}
	}
	close(enough)
	acting.Wait()
}

// stillness has nothing go wrong any more, and lets time pass until all is done.
func (a *answersRun) stillness(ctx context.Context) {
	r := a.house
	r.quiet(ctx)
	for range 30 {
		a.advance(ctx, a.clock.now().Add(20*time.Minute), false)
		text, err := r.unfinished(ctx, a.dbs[0])
		r.try("look at what is left", err)
		if text == "" || ctx.Err() != nil || a.failed() {
			return
		}
	}
}

// count counts something for the report.
func (a *answersRun) count(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[what]++
}

// name is a number that no other has.
func (a *answersRun) name() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.marked++
	return a.marked
}

// tell prints the counts, and what went wrong.
func (a *answersRun) tell() {
	var b strings.Builder
	r := a.house
	c := &r.counts
	state := a.account.mts.State()
	fmt.Fprintf(&b, "fault program, answers: seed %d, checked %d times, kills %d\n", a.seed, a.checks, a.kills)
	fmt.Fprintf(&b, "  saves of organisers %d: refused as they should be %d, unanswered %d; events %d\n",
		c.changes.Load(), c.refused.Load(), c.unanswered.Load(), len(a.events))
	a.mu.Lock()
	fmt.Fprintf(&b, "  answers: %s\n", faultCounted(a.counts))
	a.mu.Unlock()
	fmt.Fprintf(&b, "  mails: %d distinct (%d notes), %d byte-identical repeats; SMTP: %s\n", c.mails, c.notes, c.repeats, faultCounted(c.relay))
	fmt.Fprintf(&b, "  conferences: %d there, %d deleted; provider's faults: %s\n", len(state.Conferences), len(state.Deleted), faultCounted(state.Faulted))
	fmt.Fprintf(&b, "  violations: %d\n", len(r.problems))
	a.t.Log(b.String())
	if *faultDuration > time.Minute {
		fmt.Print(b.String())
	}
	r.tellProblems()
}
