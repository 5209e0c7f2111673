package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An answerer is somebody who is invited.
type answerer struct {
	a       *answersRun
	address string       // as it is invited
	device  *faultDevice // of the calendar; nil: the person is not served here
	random  faultRandom
	browser *http.Transport
	held    map[string]faultCopy // copies as they were read once, by UID
}

// A faultRandom decides by chance.
type faultRandom struct{ *rand.Rand }

func (r faultRandom) pick(list ...string) string { return list[r.IntN(len(list))] }

func (a *answersRun) newAnswerer(address string, seed uint64, d *faultDevice) *answerer {
	return &answerer{
		a: a, address: address, device: d, random: faultRandom{rand.New(rand.NewPCG(a.seed, seed))},
		browser: &http.Transport{MaxIdleConnsPerHost: 1}, held: map[string]faultCopy{},
	}
}

// begin notes that an answer is on its way.
func (op *answerOp) begin(e *answeredEvent) { op.event, op.begun = e, time.Now() }

// done notes what became of an answer.
func (p *answerer) done(e *answeredEvent, op *answerOp) {
	op.ended = time.Now()
	if op.stamp.IsZero() {
		op.stamp = p.a.clock.now()
	}
	p.a.count(op.way)
	e.mu.Lock()
	defer e.mu.Unlock()
	if op.way == "delete" {
		e.deletes[p.address] = append(e.deletes[p.address], op)
		e.deleted[p.address] = true
		return
	}
	e.answers[p.address] = append(e.answers[p.address], op)
}

// step does one thing.
func (p *answerer) step(ctx context.Context) {
	p.a.mu.Lock()
	events := slices.DeleteFunc(slices.Clone(p.a.events), func(e *answeredEvent) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return !e.ever[p.address]
	})
	p.a.mu.Unlock()
	if len(events) == 0 {
		return
	}
	e := events[p.random.IntN(len(events))]
	x := p.random.IntN(100)
	if p.device == nil {
		x = 52 + x*48/100
	}
	switch {
	case x < 20:
		p.fromCopy(ctx, e, false)
	case x < 34:
		p.fromCopy(ctx, e, true)
	case x < 38:
		p.touch(ctx, e)
	case x < 43:
		p.throwAway(ctx, e)
	case x < 47:
		p.moveCopy(ctx, e)
	case x < 52:
		p.fromMail(ctx, e)
	case x < 67:
		p.page(ctx, e)
	case x < 80:
		p.reply(ctx, e, false, false)
	case x < 85:
		p.reply(ctx, e, false, true)
	case x < 90:
		p.reply(ctx, e, true, false)
	case x < 95:
		p.again(ctx, e)
	default:
		p.forge(ctx, e)
	}
}

// copyPaths are where p's copy of e may stand.
func (p *answerer) copyPaths(e *answeredEvent) []string {
	var list []string
	for _, slug := range faultSlugs {
		for _, name := range []string{"", "mail-"} {
			list = append(list, "/calendars/"+p.device.user.login+"/"+slug+"/"+name+e.m.uid+".ics")
		}
	}
	return list
}

// copy reads p's copy of e. Its slug is the path.
func (p *answerer) copy(ctx context.Context, e *answeredEvent) (c faultCopy, ok bool) {
	for _, path := range p.copyPaths(e) {
		r, ok := p.device.read(ctx, http.MethodGet, path, "", nil)
		if ok && r.status == http.StatusOK {
			c = faultCopy{slug: path, etag: r.etag, sheet: parseFaultSheet(r.body)}
			p.held[e.m.uid] = c
			return c, true
		}
	}
	return c, false
}

// fromCopy answers from the own calendar: the whole of it, or one occurrence. Some clients know an
// earlier copy only and say no condition.
func (p *answerer) fromCopy(ctx context.Context, e *answeredEvent, one bool) {
	c, ok := p.held[e.m.uid]
	stale := ok && p.random.IntN(8) == 0
	if !stale {
		if c, ok = p.copy(ctx, e); !ok {
			return
		}
	}
	s := c.sheet.clone()
	s.eachPart(func(part *faultSheet) { part.removeAll("COMMENT") })
	op := &answerOp{way: "calendar", sequence: -1}
	if one {
		op.way = "calendar, one"
		component, part := p.chosenOne(s)
		if component == nil {
			return
		}
		if component.said(p.address) == "DECLINED" {
			part.ps = "ACCEPTED"
		} else {
			part.ps = p.random.pick(slices.DeleteFunc([]string{"ACCEPTED", "TENTATIVE", "DECLINED"}, func(v string) bool { return v == component.said(p.address) })...)
		}
		if part.ps == "DECLINED" && s.master() && p.random.IntN(3) == 0 {
			op.way = "calendar, taken out"
			s.keepOverrides(func(o *faultSheet) bool { return o.key().Unix() != part.key })
			s.add(faultTime("EXDATE", s.zoneName(), time.Unix(part.key, 0)))
		} else {
			component.say(p.address, part.ps)
			s.setOverride(component)
		}
		op.parts = []answerPart{part}
	} else {
		value := p.random.pick(slices.DeleteFunc([]string{"ACCEPTED", "ACCEPTED", "TENTATIVE", "DECLINED"}, func(v string) bool { return v == s.said(p.address) })...)
		op.parts = s.sayAll(p.address, value)
	}
	if len(op.parts) == 0 {
		return
	}
	if stale {
		op.loose = c.sheet.everyPart(p.address)
	}
	if p.random.IntN(5) == 0 && op.way != "calendar, taken out" {
		op.comment = p.a.comment(e, p.address, op)
		s.set("COMMENT:" + op.comment)
	}
	p.put(ctx, e, op, c.slug, s, c.etag, stale)
}

// put saves an answer.
func (p *answerer) put(ctx context.Context, e *answeredEvent, op *answerOp, path string, s *faultSheet, etag string, stale bool) {
	for _, at := range s.instants("EXDATE") {
		// What is out of the copy is declined again where another way had answered it since.
		if key := at.Unix(); !slices.ContainsFunc(op.parts, func(p answerPart) bool { return p.key == key }) {
			op.loose = append(op.loose, answerPart{key: key, ps: "DECLINED", needKey: key, needStart: key})
		}
	}
	header := map[string]string{}
	if etag == "*" {
		header["If-None-Match"] = "*"
	} else if !stale && p.random.IntN(4) > 0 {
		header["If-Match"] = etag
		op.must = true
	}
	op.begin(e)
	r := p.device.send(ctx, http.MethodPut, path, s.String(), header)
	switch {
	case r.unsent:
		return
	case !r.answered:
		op.must, op.outcome = false, "lost"
	case r.ok():
		op.outcome = fmt.Sprint(r.status)
	case r.status == http.StatusPreconditionFailed, r.status == http.StatusForbidden, r.status == http.StatusNotFound:
		op.must, op.void, op.outcome = false, true, fmt.Sprint(r.status)
		if r.status == http.StatusForbidden && strings.Contains(r.body, "allowed-attendee") && !stale {
			p.a.count("refused, allowed-attendee-scheduling-object-change")
		}
	default:
		p.a.house.fail(e.m.uid, "%s answers (%s): got %d: %s", p.address, op.way, r.status, firstLine(r.body))
	}
	p.done(e, op)
}

// touch changes what is the attendee's own.
func (p *answerer) touch(ctx context.Context, e *answeredEvent) {
	c, ok := p.copy(ctx, e)
	if !ok {
		return
	}
	c.sheet.set("TRANSP:" + p.random.pick("TRANSPARENT", "OPAQUE"))
	p.put(ctx, e, &answerOp{way: "touch", sequence: -1}, c.slug, c.sheet, c.etag, false)
}

// throwAway deletes the copy, which declines.
func (p *answerer) throwAway(ctx context.Context, e *answeredEvent) {
	c, ok := p.copy(ctx, e)
	if !ok {
		return
	}
	op := &answerOp{way: "delete", sequence: -1, seen: c.sheet.times(p.address)}
	series := c.sheet.said(p.address)
	if c.sheet.text("STATUS") != "CANCELLED" {
		whole := answerPart{ps: "DECLINED", needStart: c.sheet.instant("DTSTART").Unix()}
		switch {
		case !c.sheet.master():
		case series != "DECLINED":
			op.parts = append(op.parts, whole)
		default:
			op.loose = append(op.loose, whole) // another word by another way may be on its way into the copy
		}
		for _, o := range c.sheet.overrides() {
			if said := o.said(p.address); said != "DECLINED" && said != "" && (said != series || !c.sheet.master()) {
				key := o.key().Unix()
				op.parts = append(op.parts, answerPart{key: key, ps: "DECLINED", needKey: key, needStart: o.instant("DTSTART").Unix()})
			}
		}
	}
	op.begin(e)
	r := p.device.send(ctx, http.MethodDelete, c.slug, "", map[string]string{"If-Match": c.etag})
	switch {
	case r.unsent:
		return
	case r.ok():
		op.must, op.outcome = true, "204"
	case !r.answered:
		op.outcome = "lost"
	case r.status == http.StatusPreconditionFailed, r.status == http.StatusNotFound:
		return
	default:
		p.a.house.fail(e.m.uid, "%s deletes the copy: got %d: %s", p.address, r.status, firstLine(r.body))
	}
	p.done(e, op)
}

// moveCopy moves the copy to the other calendar.
func (p *answerer) moveCopy(ctx context.Context, e *answeredEvent) {
	c, ok := p.copy(ctx, e)
	if !ok {
		return
	}
	parts := strings.Split(c.slug, "/")
	parts[3] = otherSlug(parts[3])
	delete(p.held, e.m.uid)
	r := p.device.send(ctx, "MOVE", c.slug, "", map[string]string{
		"Destination": "http://" + p.a.house.world.listen + strings.Join(parts, "/"), "Overwrite": "F",
	})
	if r.answered && !r.ok() && r.status != http.StatusPreconditionFailed && r.status != http.StatusNotFound {
		p.a.house.fail(e.m.uid, "%s moves the copy: got %d: %s", p.address, r.status, firstLine(r.body))
	}
	p.a.count("move")
}

// fromMail stores what a mail brought, with the answer in it, as mail programs do whose calendar has not
// found the copy yet. A copy that stands elsewhere is deleted then.
func (p *answerer) fromMail(ctx context.Context, e *answeredEvent) {
	l := p.letter(e, false)
	if l == nil {
		return
	}
	s := l.sheet.clone()
	s.lines = slices.DeleteFunc(s.lines, func(l string) bool { return faultLineName(l) == "METHOD" })
	op := &answerOp{way: "calendar, from the mail", sequence: -1}
	value, whole := p.random.pick("ACCEPTED", "TENTATIVE"), s.master()
	s.eachPart(func(part *faultSheet) {
		if part.said(p.address) == "" {
			return
		}
		one := answerPart{ps: value, needStart: part.instant("DTSTART").Unix()}
		if slices.ContainsFunc(part.lines, isFaultOverride) {
			one.key = part.key().Unix()
			one.needKey = one.key
		}
		if one.key != 0 && whole {
			op.loose = append(op.loose, one) // what was taken out of the copy stays out of it
		} else {
			op.parts = append(op.parts, one)
		}
		part.say(p.address, value)
	})
	path := "/calendars/" + p.device.user.login + "/" + faultSlugs[1] + "/mail-" + e.m.uid + ".ics"
	p.put(ctx, e, op, path, s, "*", false)
	if op.outcome == "lost" {
		// Whoever finds the event in both calendars deletes the old one.
		if r, ok := p.device.read(ctx, http.MethodGet, path, "", nil); !ok || r.status != http.StatusOK {
			return
		}
	} else if !strings.HasPrefix(op.outcome, "2") {
		return
	}
	for _, other := range p.copyPaths(e) {
		if other != path {
			p.device.read(ctx, http.MethodDelete, other, "", nil)
		}
	}
	delete(p.held, e.m.uid)
}

// chosen is the component of a message that p answers: the event itself, or an occurrence to come.
func (p *answerer) chosen(s *faultSheet) (*faultSheet, answerPart) {
	if !s.master() || s.recurring() && p.random.IntN(2) == 0 {
		return p.chosenOne(s)
	}
	if s.said(p.address) == "" {
		return nil, answerPart{}
	}
	var own *faultSheet
	for _, at := range s.bounds() {
		if lines := s.lines[at[0]:at[1]]; !slices.ContainsFunc(lines, isFaultOverride) {
			own = &faultSheet{lines: slices.Clone(lines)}
		}
	}
	return own, answerPart{needStart: s.instant("DTSTART").Unix()}
}

// chosenOne is the component of one of the next occurrences, made where there is none.
func (p *answerer) chosenOne(s *faultSheet) (*faultSheet, answerPart) {
	var list []*faultSheet
	if s.master() && !s.recurring() {
		return nil, answerPart{}
	}
	if !s.master() {
		list = s.overrides()
	} else {
		for _, o := range s.occurrences(p.a.clock.now())[:4] {
			list = append(list, s.override(o))
		}
	}
	list = slices.DeleteFunc(list, func(o *faultSheet) bool { return o.said(p.address) == "" || o.text("STATUS") == "CANCELLED" })
	if len(list) == 0 {
		return nil, answerPart{}
	}
	o := list[p.random.IntN(len(list))]
	key := o.key().Unix()
	return o, answerPart{key: key, needKey: key, needStart: o.instant("DTSTART").Unix()}
}

// master tells whether the event itself is there, and not only occurrences of it.
func (s *faultSheet) master() bool {
	for _, at := range s.bounds() {
		if !slices.ContainsFunc(s.lines[at[0]:at[1]], isFaultOverride) {
			return true
		}
	}
	return false
}

var faultPartStat = regexp.MustCompile(`;PARTSTAT=([A-Z-]+)`)

// said is what somebody says in a VEVENT, empty for who is not asked.
func (s *faultSheet) said(address string) string {
	for _, l := range s.all("ATTENDEE") {
		if faultAddress(l) == address {
			if m := faultPartStat.FindStringSubmatch(l); m != nil {
				return m[1]
			}
			return "NEEDS-ACTION"
		}
	}
	return ""
}

// say has somebody answer in a VEVENT.
func (s *faultSheet) say(address, value string) {
	s.event(func(i int) bool {
		if l := s.lines[i]; faultLineName(l) == "ATTENDEE" && faultAddress(l) == address {
			l = strings.Replace(faultPartStat.ReplaceAllString(l, ""), ";RSVP=TRUE", "", 1)
			s.lines[i] = "ATTENDEE;PARTSTAT=" + value + strings.TrimPrefix(l, "ATTENDEE")
		}
		return true
	})
}

// everyPart is what somebody says in all VEVENTs.
func (s *faultSheet) everyPart(address string) (parts []answerPart) {
	if said := s.said(address); s.master() && said != "" && said != "NEEDS-ACTION" {
		parts = append(parts, answerPart{ps: said, needStart: s.instant("DTSTART").Unix()})
	}
	for _, o := range s.overrides() {
		if said := o.said(address); said != "" && said != "NEEDS-ACTION" {
			key := o.key().Unix()
			parts = append(parts, answerPart{key: key, ps: said, needKey: key, needStart: o.instant("DTSTART").Unix()})
		}
	}
	return parts
}

// sayAll has somebody answer the event itself, and every occurrence that was answered as it was.
func (s *faultSheet) sayAll(address, value string) (parts []answerPart) {
	series, whole := s.said(address), s.master()
	s.eachPart(func(part *faultSheet) {
		was := part.said(address)
		if was == "" || was == value || whole && was != series || part.text("STATUS") == "CANCELLED" {
			return
		}
		one := answerPart{ps: value, needStart: part.instant("DTSTART").Unix()}
		if slices.ContainsFunc(part.lines, isFaultOverride) {
			one.key = part.key().Unix()
			one.needKey = one.key
		}
		parts = append(parts, one)
		part.say(address, value)
	})
	slices.SortFunc(parts, func(x, y answerPart) int { return int(x.key - y.key) })
	return parts
}
