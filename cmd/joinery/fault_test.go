package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The fault program's flags. Long runs: go test ./cmd/joinery -run '^TestFault$' -v -timeout 20m
// -fault.changes 2000 -fault.kills 25 -fault.duration 10m, and -run '^TestFaultSeries$' -fault.duration 10m;
// TestFaultSeries goes by seed and duration alone.
var (
	faultChanges  = flag.Int("fault.changes", 60, "how many changes the clients make at least")
	faultKills    = flag.Int("fault.kills", 5, "how often the server is killed at least")
	faultSeed     = flag.Uint64("fault.seed", 1, "the seed of what is decided by chance; 0: the clock")
	faultDuration = flag.Duration("fault.duration", 7*time.Second, "for how long changes are made")
	faultKeep     = flag.String("fault.keep", "", "the folder that logs and database of a run that failed are copied to")
)

// The dangerous windows, each of which a run must have hit.
const (
	faultPosted    = "event posted but unanswered"
	faultShell     = "event without session"
	faultSession   = "session without commit"
	faultAccepted  = "mail accepted but not recorded"
	faultWriteback = "write-back against a concurrent save"
)

var faultWindows = []string{faultPosted, faultShell, faultSession, faultAccepted, faultWriteback}

// A faultRun is one run of the fault program.
type faultRun struct {
	t       *testing.T
	seed    uint64
	random  *rand.Rand // of the one goroutine that makes trouble
	world   *faultWorld
	now     func() time.Time // of the server
	daytime bool             // meetings are held by day only, by UTC
	users   []*faultUser
	devices []*faultDevice
	prober  *faultDevice // of the one goroutine that makes trouble
	waiters []string     // attendees who are told whether there is a place for them
	counts  faultCounts

	mu        sync.Mutex
	problems  []string
	uids      []string          // of problems
	windows   map[string]int    // how often each was hit
	tags      map[string]string // If-Match of accepted saves, to UID
	forgotten map[string]bool   // UIDs that an old database knows nothing of
	outdated  map[string]bool   // UIDs that were changed after the backup that was put back
}

// faultCounts is what clients came to.
type faultCounts struct {
	changes, acknowledged, refused, unanswered, applied, unsent atomic.Int64

	kills, conferences, deleted, mails, repeats, notes int
	relay                                              map[string]int
	faults                                             map[string]int
}

// fail notes that something is wrong. It may be called by many at once.
func (r *faultRun) fail(uid, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if uid != "" {
		text = uid + ": " + text
		if !slices.Contains(r.uids, uid) {
			r.uids = append(r.uids, uid)
		}
	}
	r.problems = append(r.problems, text)
}

func (r *faultRun) hit(window string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.windows[window] += n
}

func (r *faultRun) hits(window string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.windows[window]
}

func (r *faultRun) matched(uid, etag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tags[strings.Trim(etag, `"`)] = uid
}

// TestFault runs the real server against the provider's emulator and an SMTP server, has clients
// change events while everything goes wrong, kills the server and starts it again, and holds what is
// left at the end to what the clients were answered: nothing is lost, nothing is there twice.
func TestFault(t *testing.T) {
	skipFault(t)
	seed := faultSeeds(1)[0]
	ctx := faultContext(t)
	r := &faultRun{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), windows: map[string]int{}, tags: map[string]string{}, now: time.Now,
	}
	r.world = newFaultWorld(ctx, t, seed)
	defer r.report()
	r.people(ctx)
	r.world.start(ctx)
	r.calendars(ctx)
	r.trouble(ctx)
	r.rest(ctx)
	r.check(ctx)
}

// skipFault leaves out a fault program that cannot be played here.
func skipFault(t *testing.T) {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("the fault program takes half a minute")
	case runtime.GOOS == "windows":
		t.Skip("the fault program kills by signals, which this system has not")
	}
}

// faultSeeds are the seeds to play: usual ones where no other is asked for.
func faultSeeds(usual ...uint64) []uint64 {
	switch *faultSeed {
	case 1:
		return usual
	case 0:
		return []uint64{uint64(time.Now().UnixNano())}
	}
	return []uint64{*faultSeed}
}

// faultContext ends when a run has taken too long, early enough for processes to be ended and counts to be
// printed.
func faultContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *faultDuration+6*time.Minute)
	if deadline, ok := t.Deadline(); ok {
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-15*time.Second))
	}
	t.Cleanup(cancel)
	return ctx
}

// people adds the users. The first two have two devices; the last is the one by which windows are
// forced.
func (r *faultRun) people(ctx context.Context) {
	r.t.Helper()
	for i, p := range []struct{ name, locale, zone string }{
		{"Anna Petrova", "ru", "Europe/Moscow"}, {"Boris", "en", "Europe/Moscow"}, {"Vera", "uk", "Europe/Kyiv"},
		{"Gleb", "ru", "Asia/Yekaterinburg"}, {"Dina", "en", "UTC"}, {"Prober", "ru", "Europe/Moscow"},
	} {
		login := strings.ToLower(strings.Fields(p.name)[0])
		u := &faultUser{login: login, email: login + "@example.org", name: p.name, locale: p.locale, zone: p.zone}
		if _, err := r.world.run(ctx, faultPassword+"\n", "user", "add", u.login, "--email", u.email, "--name", u.name,
			"--locale", u.locale, "--zone", u.zone, "--password-stdin"); err != nil {
			r.t.Fatal(err)
		}
		r.users = append(r.users, u)
		if login == "prober" {
			r.prober = newFaultDevice(r, u, "Prober/1.0", 100)
			continue
		}
		r.devices = append(r.devices, newFaultDevice(r, u, "Desktop/1.0", uint64(10+i)))
		if i < 2 {
			r.devices = append(r.devices, newFaultDevice(r, u, "Phone/1.0", uint64(50+i)))
		}
	}
}

// calendars gives every user a second calendar.
func (r *faultRun) calendars(ctx context.Context) {
	r.t.Helper()
	for _, d := range append(slices.Clone(r.devices), r.prober) {
		if d.agent == "Phone/1.0" {
			continue
		}
		got := d.send(ctx, "MKCALENDAR", "/calendars/"+d.user.login+"/"+faultSlugs[1]+"/", "", nil)
		if got.status != 201 {
			r.t.Fatalf("MKCALENDAR for %s: got %d, want 201: %s", d.user.login, got.status, firstLine(got.body))
		}
	}
}

// report prints the counts, and what went wrong with what the program itself says of it.
func (r *faultRun) report() {
	t := r.t
	c := &r.counts
	var b strings.Builder
	fmt.Fprintf(&b, "fault program: seed %d\n", r.seed)
	fmt.Fprintf(&b, "  changes %d: acknowledged %d, refused as they should be %d, unanswered %d (of these applied %d); not sent %d\n",
		c.changes.Load(), c.acknowledged.Load(), c.refused.Load(), c.unanswered.Load(), c.applied.Load(), c.unsent.Load())
	fmt.Fprintf(&b, "  kills %d\n", c.kills)
	for _, w := range faultWindows {
		fmt.Fprintf(&b, "  window %q: hit %d times\n", w, r.hits(w))
	}
	fmt.Fprintf(&b, "  conferences: %d there, %d deleted\n", c.conferences, c.deleted)
	fmt.Fprintf(&b, "  mails: %d distinct (%d notes to organisers), %d byte-identical repeats\n", c.mails, c.notes, c.repeats)
	fmt.Fprintf(&b, "  SMTP: %s\n", faultCounted(c.relay))
	fmt.Fprintf(&b, "  provider's faults: %s\n", faultCounted(c.faults))
	t.Log(b.String())
	if *faultDuration > time.Minute {
		fmt.Print(b.String())
	}
	r.tellProblems()
}

// tellProblems prints what went wrong, with what the program itself says of it.
func (r *faultRun) tellProblems() {
	t := r.t
	r.mu.Lock()
	problems, uids := slices.Clone(r.problems), slices.Clone(r.uids)
	r.mu.Unlock()
	for i, p := range problems {
		if i == 20 {
			t.Errorf("… and %d more", len(problems)-i)
			break
		}
		t.Error(p)
	}
	if len(problems) == 0 {
		return
	}
	t.Logf("run it again with -fault.seed %d", r.seed)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, uid := range uids[:min(3, len(uids))] {
		for _, u := range r.users {
			for _, m := range u.list() {
				if m.uid == uid {
					t.Logf("what clients did to %s:\n%s", uid, strings.Join(m.story, "\n"))
				}
			}
		}
		if out, err := r.world.run(ctx, "", "why", uid); err != nil {
			t.Log(err)
		} else {
			t.Logf("joinery why %s:\n%s", uid, out)
		}
		t.Logf("revisions of %s:\n%s", uid, r.revisions(ctx, uid))
	}
	// Where only the end of a long output is kept, this is what matters.
	t.Logf("what is wrong, again:\n%s", strings.Join(problems[:min(20, len(problems))], "\n"))
	if *faultKeep != "" {
		if err := os.CopyFS(*faultKeep, os.DirFS(r.world.dir)); err != nil {
			t.Log(err)
		}
	}
}

// revisions tells how the objects of a UID came to be as they are.
func (r *faultRun) revisions(ctx context.Context, uid string) string {
	db, err := r.world.live()
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `
		SELECT created_at, own, data FROM revisions WHERE object_id IN (SELECT id FROM objects WHERE uid = ?1)
		UNION ALL SELECT modified_at, own, data FROM objects WHERE uid = ?1 ORDER BY 1`, uid)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var at int64
		var own bool
		var data string
		if err := rows.Scan(&at, &own, &data); err != nil {
			return err.Error()
		}
		fmt.Fprintf(&b, "%s, ours: %v\n", time.UnixMicro(at).UTC().Format("02 15:04:05.000"), own)
		for _, l := range parseFaultSheet(data).lines {
			switch faultLineName(l) {
			case "BEGIN", "RECURRENCE-ID", "DTSTART", "RRULE", "RDATE", "EXDATE", "SUMMARY", "LOCATION", "X-TEST-MARK", faultSingle, "STATUS":
				b.WriteString("  " + l + "\n")
			}
		}
	}
	return b.String()
}

func faultCounted(counts map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", name, counts[name]))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
