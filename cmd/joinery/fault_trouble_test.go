package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"sync"
	"time"

	"joinery/conference/emulator"
)

// The calls of the provider that go wrong.
const (
	faultPostEvent   = "POST /events"
	faultPostSession = "POST /events/{id}/sessions"
)

var faultCalls = []string{
	faultPostEvent, faultPostEvent, faultPostSession, faultPostSession, "PUT /organization/events/{id}", "PUT /eventsessions/{id}",
	"DELETE /organization/events/{id}", "DELETE /eventsessions/{id}", "GET /organization/events/{id}", "GET /organization/events/schedule",
}

// faultChance is what goes wrong with mail between the windows.
var faultChance = faultRelayPlan{Defer: 0.10, Before: 0.03, During: 0.03, After: 0.06}

// trouble lets the clients loose, has everything go wrong and kills the server, until enough was done.
func (r *faultRun) trouble(ctx context.Context) {
	busy, stop := context.WithCancel(ctx)
	defer stop()
	var clients sync.WaitGroup
	think := time.Duration(float64(*faultDuration) * float64(len(r.devices)) / float64(*faultChanges) * 0.7)
	think = min(max(think, 10*time.Millisecond), 3*time.Second)
	enough := make(chan struct{})
	for _, d := range r.devices {
		clients.Go(func() {
			for {
				d.step(busy)
				select {
				case <-enough:
					return
				case <-busy.Done():
					return
				case <-time.After(think/2 + time.Duration(d.random.Int64N(int64(think)))):
				}
			}
		})
	}
	begun := time.Now()
	r.ordinary(ctx)
	forced := []func(context.Context){
		r.certain(faultPosted, r.forcePosted), r.certain(faultShell, r.forceShell), r.certain(faultSession, r.forceSession),
		r.certain(faultAccepted, r.forceAccepted), r.forceWriteback,
	}
	r.random.Shuffle(len(forced), func(i, j int) { forced[i], forced[j] = forced[j], forced[i] })
	// In a long run every window comes several times, among kills at any moment.
	cycles := max(1, *faultKills/6)
	for i := range cycles * len(forced) {
		r.sometime(ctx, begun, i, cycles*len(forced)+1)
		forced[i%len(forced)](ctx)
		r.ordinary(ctx)
		if i%len(forced) == 0 {
			r.randomKill(ctx)
		}
	}
	for i := 0; r.counts.kills < *faultKills && ctx.Err() == nil; i++ {
		faultSleep(ctx, time.Duration(r.random.Int64N(int64(2*time.Second))))
		r.randomKill(ctx)
	}
	for ctx.Err() == nil && (time.Since(begun) < *faultDuration || r.counts.changes.Load() < int64(*faultChanges)) {
		r.misfortune(ctx)
		faultSleep(ctx, 300*time.Millisecond)
		if *faultKills > 6 && r.random.IntN(20) == 0 {
			r.randomKill(ctx)
		}
		if time.Since(begun) > 2**faultDuration+time.Minute {
			break // check says that it was too little
		}
	}
	close(enough)
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		stop()
		<-done
	}
}

// sometime makes small trouble until the i-th of n parts of the duration is over.
func (r *faultRun) sometime(ctx context.Context, begun time.Time, i, n int) {
	until := begun.Add(*faultDuration * time.Duration(i) / time.Duration(n))
	for ctx.Err() == nil && time.Now().Before(until) {
		r.misfortune(ctx)
		faultSleep(ctx, time.Duration(100+r.random.IntN(900))*time.Millisecond)
		if *faultKills > 6 && r.random.IntN(60) == 0 {
			r.randomKill(ctx)
		}
	}
}

// misfortune has one of the next calls of the provider go wrong.
func (r *faultRun) misfortune(ctx context.Context) {
	f := emulator.Fault{Call: faultCalls[r.random.IntN(len(faultCalls))], Times: 1 + r.random.IntN(2)}
	switch x := r.random.IntN(100); {
	case x < 10 && strings.HasPrefix(f.Call, "POST "):
		// The effect comes when the server may be long dead, yet within late_answer.
		f.Kind, f.Seconds = emulator.FaultLate, 0.1+0.7*r.random.Float64()
	case x < 28:
		f.Kind, f.Seconds = emulator.FaultDelay, 0.1+r.random.Float64()
	case x < 48:
		f.Kind = emulator.FaultDrop
	case x < 56:
		f.Kind, f.Seconds = emulator.Fault429, 1
	case x < 70:
		f.Kind = emulator.Fault500
	case x < 78:
		f.Kind = emulator.Fault500After
	case x < 93:
		f.Kind = emulator.FaultBadJSON
	default:
		f.Kind = emulator.FaultDenied
	}
	r.try("set a fault", r.world.fault(ctx, f))
}

// ordinary ends what was forced: mail goes wrong by chance, and one of each fault is coming.
func (r *faultRun) ordinary(ctx context.Context) {
	r.try("clear faults", r.world.clearFaults(ctx))
	_, err := r.world.relayPlan(ctx, faultChance)
	r.try("set the mail's plan", err)
	for _, kind := range []string{emulator.FaultDrop, emulator.Fault429, emulator.Fault500, emulator.FaultBadJSON, emulator.FaultDelay} {
		f := emulator.Fault{Call: faultPostEvent, Kind: kind, Times: 1}
		if kind == emulator.Fault429 || kind == emulator.FaultDelay {
			f.Seconds = 1
		}
		r.try("set a fault", r.world.fault(ctx, f))
	}
}

// quiet clears what is queued, so that what is forced comes next.
func (r *faultRun) quiet(ctx context.Context, faults ...emulator.Fault) {
	r.try("clear faults", r.world.clearFaults(ctx))
	_, err := r.world.relayPlan(ctx, faultRelayPlan{})
	r.try("set the mail's plan", err)
	for _, f := range faults {
		r.try("set a fault", r.world.fault(ctx, f))
	}
}

func (r *faultRun) try(what string, err error) {
	if err != nil {
		r.fail("", "%s: %v", what, err)
	}
}

// randomKill kills the server at no particular moment and starts it again.
func (r *faultRun) randomKill(ctx context.Context) {
	r.kill(ctx, 0)
	faultSleep(ctx, time.Duration(r.random.IntN(300))*time.Millisecond)
	r.world.start(ctx)
}

// kill kills the server and looks, after a time in which late effects happen, which windows it was in.
func (r *faultRun) kill(ctx context.Context, after time.Duration) {
	r.world.kill()
	r.counts.kills++
	faultSleep(ctx, after)
	db, err := r.world.snapshot()
	if err != nil {
		r.fail("", "copy the database: %v", err)
		return
	}
	defer db.Close()
	for window, n := range r.inspect(ctx, db) {
		r.hit(window, n)
	}
}

// struck waits until a fault of that name has struck more often than before.
func (r *faultRun) struck(ctx context.Context, name string, before int) bool {
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end) && ctx.Err() == nil; faultSleep(ctx, 5*time.Millisecond) {
		if s, err := r.world.state(ctx); err == nil && s.Faulted[name] > before {
			return true
		}
	}
	return false
}

// force sets one fault, has an event ask for a conference, and kills the server once it has struck.
func (r *faultRun) force(ctx context.Context, f emulator.Fault, after time.Duration) {
	s, err := r.world.state(ctx)
	r.try("read the provider's state", err)
	r.quiet(ctx, f)
	name := f.Call + " " + f.Kind
	var creation sync.WaitGroup
	creation.Go(func() { r.prober.create(ctx, true, nil) })
	if !r.struck(ctx, name, s.Faulted[name]) {
		r.fail("", "the fault %q never struck", name)
	}
	r.kill(ctx, after)
	r.try("clear faults", r.world.clearFaults(ctx))
	r.world.start(ctx)
	creation.Wait()
}

// certain forces a window until it was hit: on a busy machine the kill may come too late.
func (r *faultRun) certain(window string, force func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		for before, i := r.hits(window), 0; r.hits(window) == before && i < 3; i++ {
			force(ctx)
		}
	}
}

// forcePosted: the provider makes the event, its answer reaches nobody. Once the connection breaks and
// the server lives on, once the server is killed before.
func (r *faultRun) forcePosted(ctx context.Context) {
	if r.random.IntN(2) == 0 {
		r.force(ctx, emulator.Fault{Call: faultPostEvent, Kind: emulator.FaultLate, Seconds: 0.7, Times: 1}, time.Second)
		return
	}
	r.force(ctx, emulator.Fault{Call: faultPostEvent, Kind: emulator.FaultDrop, Times: 1}, 0)
}

// forceShell: the event is made and recorded, the session is not, and the server is killed.
func (r *faultRun) forceShell(ctx context.Context) {
	r.force(ctx, emulator.Fault{Call: faultPostSession, Kind: emulator.Fault500, Times: 1}, 0)
}

// forceSession: the server is killed while the session's answer is on its way.
func (r *faultRun) forceSession(ctx context.Context) {
	r.force(ctx, emulator.Fault{Call: faultPostSession, Kind: emulator.FaultLate, Seconds: 0.7, Times: 1}, time.Second)
}

// forceAccepted: the relay has taken a mail, its answer is still to come, and the server is killed.
func (r *faultRun) forceAccepted(ctx context.Context) {
	r.quiet(ctx)
	before, err := r.world.relayPlan(ctx, faultRelayPlan{Hold: 1, Seconds: 3})
	r.try("set the mail's plan", err)
	mails, err := readFaultMails(r.world.mailLog())
	r.try("read the mails", err)
	var creation sync.WaitGroup
	creation.Go(func() {
		r.prober.create(ctx, false, func(s *faultSheet) {
			r.prober.invite(s, "held@partner.test")
			r.prober.invite(s, r.users[0].email)
		})
	})
	held := false
	for end := time.Now().Add(8 * time.Second); !held && time.Now().Before(end) && ctx.Err() == nil; faultSleep(ctx, 5*time.Millisecond) {
		now, err := r.world.relayCounts(ctx)
		list, readErr := readFaultMails(r.world.mailLog())
		held = err == nil && readErr == nil && now["held"] > before["held"] && len(list) > len(mails)
	}
	if !held {
		r.fail("", "no mail was held")
	}
	r.kill(ctx, 0)
	r.world.start(ctx)
	creation.Wait()
}

// forceWriteback: a client saves with the tag of before the link was written.
func (r *faultRun) forceWriteback(ctx context.Context) {
	r.quiet(ctx, emulator.Fault{Call: faultPostEvent, Kind: emulator.FaultDelay, Seconds: 0.8, Times: 0})
	for i := 0; i < 3 && !r.prober.overlap(ctx, true); i++ {
	}
	r.prober.overlap(ctx, false)
	r.try("clear faults", r.world.clearFaults(ctx))
}

// inspect tells in which windows the server was when it was killed: what the provider and the relay
// have done, and what the database knows of it.
func (r *faultRun) inspect(ctx context.Context, db *sql.DB) map[string]int {
	hits := map[string]int{}
	state, err := r.world.state(ctx)
	r.try("read the provider's state", err)
	there := map[string]emulator.Conference{}
	for _, c := range state.Conferences {
		there[c.Key] = c
	}
	rooms, err := db.QueryContext(ctx, `SELECT room_key, refs FROM rooms WHERE state IN ('intended', 'creating')`)
	if err != nil {
		r.fail("", "read the rooms: %v", err)
		return hits
	}
	defer rooms.Close()
	for rooms.Next() {
		var key, text string
		refs := map[string]string{}
		err := rooms.Scan(&key, &text)
		if err == nil && text != "" {
			err = json.Unmarshal([]byte(text), &refs)
		}
		if err != nil {
			r.fail("", "read a room: %v", err)
			continue
		}
		c, ok := there[key]
		switch {
		case !ok:
		case refs["event"] == "":
			hits[faultPosted]++
		case refs["session"] == "" && c.Session == "":
			hits[faultShell]++
		case refs["session"] == "":
			hits[faultSession]++
		}
	}
	r.try("read the rooms", rooms.Err())

	mails, err := readFaultMails(r.world.mailLog())
	r.try("read the mails", err)
	taken := map[string]bool{}
	for _, m := range mails {
		taken[faultMessageID(m.Raw)] = true
	}
	trying, err := db.QueryContext(ctx, `SELECT message_id FROM messages WHERE state IN ('stored', 'trying')`)
	if err != nil {
		r.fail("", "read the messages: %v", err)
		return hits
	}
	defer trying.Close()
	for trying.Next() {
		var id string
		r.try("read a message", trying.Scan(&id))
		if taken[id] {
			hits[faultAccepted]++
		}
	}
	r.try("read the messages", trying.Err())
	return hits
}

// faultMessageID is a mail's Message-ID without brackets.
func faultMessageID(raw []byte) string {
	m, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		return ""
	}
	return strings.Trim(m.Header.Get("Message-Id"), "<> ")
}

// rest has nothing go wrong any more, and waits until all work is done.
func (r *faultRun) rest(ctx context.Context) {
	r.quiet(ctx)
	db, err := r.world.live()
	if err != nil {
		r.fail("", "open the database: %v", err)
		return
	}
	defer db.Close()
	left, still := "", 0
	for end := time.Now().Add(120 * time.Second); time.Now().Before(end) && ctx.Err() == nil; faultSleep(ctx, 250*time.Millisecond) {
		if left, err = faultLeft(ctx, db); err != nil {
			left = err.Error()
		}
		if left != "" {
			still = 0
			continue
		}
		if still++; still == 3 {
			return
		}
	}
	r.fail("", "the work is not done: %s", left)
}

// faultLeft says what is still to be done within the hour; empty if nothing is. Work that is due later
// waits for meetings to end; accounts are compared every hour, whatever happens.
func faultLeft(ctx context.Context, db *sql.DB) (string, error) {
	var left []string
	for _, q := range []struct{ what, query string }{
		{"work", `SELECT kind || ' ' || subject || ' ' || error FROM work WHERE lease <> '' OR due < ? AND kind <> 'sweep'`},
		{"rooms", `SELECT id || ' ' || state || ' ' || last_error FROM rooms WHERE state NOT IN ('live', 'gone', 'history') AND created_at < ?`},
		{"messages", `SELECT id || ' ' || state || ' ' || last_error FROM messages WHERE state IN ('stored', 'trying') AND created_at < ?`},
	} {
		rows, err := db.QueryContext(ctx, q.query+" LIMIT 3", time.Now().Add(time.Hour).UnixMicro())
		if err != nil {
			return "", fmt.Errorf("read %s: %w", q.what, err)
		}
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				rows.Close()
				return "", fmt.Errorf("read %s: %w", q.what, err)
			}
			left = append(left, q.what+" "+text)
		}
		if err := rows.Close(); err != nil {
			return "", fmt.Errorf("read %s: %w", q.what, err)
		}
	}
	return strings.Join(left, "; "), nil
}
