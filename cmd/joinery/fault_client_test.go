package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// A faultDevice is a calendar client of a user: it has a memory of its own of what it read last, and
// repeats nothing by itself. After a lost answer it reads again, as clients do.
type faultDevice struct {
	run    *faultRun
	user   *faultUser
	agent  string
	http   *http.Client
	random *rand.Rand
	cache  map[string]faultCopy // by UID
}

// A faultCopy is what a device read last of a meeting.
type faultCopy struct {
	slug, etag string
	sheet      *faultSheet
	life       int
}

// A faultReply is what became of a request. Neither answered nor unsent: the connection was lost, and
// whether it had its effect is unknown.
type faultReply struct {
	unsent   bool
	answered bool
	status   int
	etag     string
	body     string
}

func (r faultReply) ok() bool { return r.answered && r.status/100 == 2 }

func newFaultDevice(run *faultRun, u *faultUser, name string, seed uint64) *faultDevice {
	return &faultDevice{
		run: run, user: u, agent: name,
		http:   &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2}},
		random: rand.New(rand.NewPCG(run.seed, seed)), cache: map[string]faultCopy{},
	}
}

// send does one request.
func (d *faultDevice) send(ctx context.Context, method, path, body string, header map[string]string) faultReply {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+d.run.world.listen+path, strings.NewReader(body))
	if err != nil {
		d.run.fail("", "%s %s: %v", method, path, err)
		return faultReply{unsent: true}
	}
	req.SetBasicAuth(d.user.login, faultPassword)
	req.Header.Set("User-Agent", d.agent)
	if body != "" && method == http.MethodPut {
		req.Header.Set("Content-Type", "text/calendar; charset=utf-8")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := d.http.Do(req)
	if err != nil {
		var op *net.OpError
		return faultReply{unsent: errors.As(err, &op) && op.Op == "dial"}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return faultReply{}
	}
	return faultReply{answered: true, status: res.StatusCode, etag: res.Header.Get("ETag"), body: string(data)}
}

// read is a request that changes nothing: it is sent until it is answered.
func (d *faultDevice) read(ctx context.Context, method, path, body string, header map[string]string) (faultReply, bool) {
	for ctx.Err() == nil {
		if err := d.run.world.awaitUp(ctx); err != nil {
			break
		}
		if r := d.send(ctx, method, path, body, header); r.answered {
			return r, true
		}
		faultSleep(ctx, 20*time.Millisecond)
	}
	return faultReply{}, false
}

// conclude draws from r what is known of m now: an answer of 2xx brings it to the first of next, a
// refusal leaves it as it is, and a lost answer leaves the choice, which is read. want is the status
// that must be answered, 200 for any 2xx. It tells whether the request was answered as wanted.
func (d *faultDevice) conclude(ctx context.Context, m *faultMeeting, what string, r faultReply, want int, next faultVersion) bool {
	counts := &d.run.counts
	state := "gone"
	if c := next.own(); c != nil {
		state = fmt.Sprintf("%s in %s, a conference: %v, people: %v", c.mark, next.main, c.wants, c.people)
	}
	m.tell("%s by %s: answer %d, to be: %s", what, d.agent, r.status, state)
	switch {
	case r.unsent:
		counts.unsent.Add(1)
		_ = d.run.world.awaitUp(ctx)
		return false
	case !r.answered && ctx.Err() != nil:
		m.may = append(m.may, next)
		return false
	case !r.answered:
		counts.changes.Add(1)
		counts.unanswered.Add(1)
		m.may = append(m.may, next)
		if d.settle(ctx, m) {
			counts.applied.Add(1)
		}
		return false
	}
	counts.changes.Add(1)
	switch {
	case want/100 == 2 && r.ok():
		counts.acknowledged.Add(1)
		m.reach(next)
		return true
	case r.status == want:
		counts.refused.Add(1)
		return true
	}
	d.run.fail(m.uid, "%s (%s): got %d, want %d: %s", what, d.agent, r.status, want, firstLine(r.body))
	m.may = append(m.may, next)
	d.settle(ctx, m)
	return false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line[:min(len(line), 300)]
}

// settle reads what stands of m and holds it to the states that m may be in. It tells whether it is
// another than the first.
func (d *faultDevice) settle(ctx context.Context, m *faultMeeting) (moved bool) {
	marks := map[string]string{}
	sheets := map[string]*faultSheet{}
	for _, slug := range faultSlugs {
		r, ok := d.read(ctx, http.MethodGet, m.path(slug), "", nil)
		if !ok {
			return false
		}
		switch r.status {
		case http.StatusOK:
			s := parseFaultSheet(r.body)
			marks[slug], sheets[slug] = s.mark(), s
		case http.StatusNotFound:
		default:
			d.run.fail(m.uid, "GET %s: got %d, want 200 or 404: %s", m.path(slug), r.status, firstLine(r.body))
		}
	}
	for i, v := range m.may {
		if !v.fits(marks) {
			continue
		}
		for slug, s := range sheets {
			if text := v.at[slug].differs(s); text != "" {
				d.run.fail(m.uid, "after a lost answer the save is not whole: %s", text)
			}
		}
		m.reach(v)
		m.tell("it is state %d of %s", i+1, faultVersions(m.may))
		return i > 0
	}
	d.run.fail(m.uid, "what stands is no state that was saved: got %v, want one of %s", marks, faultVersions(m.may))
	m.may = m.may[:1]
	return false
}

func faultVersions(list []faultVersion) string {
	var out []string
	for _, v := range list {
		at := map[string]string{}
		for slug, c := range v.at {
			at[slug] = c.mark
		}
		out = append(out, fmt.Sprint(at))
	}
	return strings.Join(out, " or ")
}

// fresh reads the meeting's object and holds it to the save that must stand.
func (d *faultDevice) fresh(ctx context.Context, m *faultMeeting) (faultCopy, bool) {
	v := m.now()
	r, ok := d.read(ctx, http.MethodGet, m.path(v.main), "", nil)
	if !ok {
		return faultCopy{}, false
	}
	if r.status != http.StatusOK {
		d.run.fail(m.uid, "GET %s: got %d, want 200: %s", m.path(v.main), r.status, firstLine(r.body))
		return faultCopy{}, false
	}
	c := faultCopy{slug: v.main, etag: r.etag, sheet: parseFaultSheet(r.body), life: m.life}
	if text := v.own().differs(c.sheet); text != "" {
		d.run.fail(m.uid, "an acknowledged save is not there: %s", text)
		return faultCopy{}, false
	}
	d.cache[m.uid] = c
	return c, true
}

// save puts a sheet into a calendar. etag is the If-Match, "" for none, "*" for If-None-Match: *.
func (d *faultDevice) save(ctx context.Context, m *faultMeeting, what, slug string, s *faultSheet, wants bool, etag string, status int) bool {
	s.stamp(d.run.now())
	next := m.now().with(slug, contentOf(s, wants))
	header := map[string]string{}
	switch etag {
	case "":
	case "*":
		header["If-None-Match"] = "*"
	default:
		header["If-Match"] = etag
	}
	r := d.send(ctx, http.MethodPut, m.path(slug), s.String(), header)
	if !d.conclude(ctx, m, what, r, status, next) || !r.ok() {
		return false
	}
	if etag != "" && etag != "*" {
		d.run.matched(m.uid, etag)
	}
	// The client goes on with what it sent; without an ETag it has to read before it can save safely.
	d.cache[m.uid] = faultCopy{slug: slug, etag: r.etag, sheet: s.clone(), life: m.life}
	return true
}

// known returns what the device read of m, if that is of the object that stands now.
func (d *faultDevice) known(m *faultMeeting) (faultCopy, bool) {
	c, ok := d.cache[m.uid]
	v := m.now()
	if !ok || c.life != m.life || c.slug != v.main || len(v.at) != 1 {
		delete(d.cache, m.uid)
		return faultCopy{}, false
	}
	return c, true
}

// faultSleep waits for a time or the end of ctx.
func faultSleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
