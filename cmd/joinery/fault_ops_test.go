package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// step does one thing.
func (d *faultDevice) step(ctx context.Context) {
	meetings := d.user.list()
	if len(meetings) < 3 || d.random.IntN(100) < 14 {
		d.create(ctx, d.random.IntN(4) > 0, nil)
		return
	}
	if d.random.IntN(100) < 5 {
		d.overlap(ctx, false)
		return
	}
	// Mostly one of the last few, so that changes come close to each other.
	if n := len(meetings); n > 6 && d.random.IntN(4) > 0 {
		meetings = meetings[n-6:]
	}
	m := meetings[d.random.IntN(len(meetings))]
	if !m.mu.TryLock() {
		return // the user's other device is at it
	}
	defer m.mu.Unlock()
	switch own := m.now().own(); {
	case own == nil:
		d.recreate(ctx, m)
	case own.cancelled:
		d.afterCancel(ctx, m)
	default:
		d.change(ctx, m, own)
	}
}

// change does something with a meeting that stands.
func (d *faultDevice) change(ctx context.Context, m *faultMeeting, own *faultContent) {
	switch x := d.random.IntN(100); {
	case x < 14:
		d.stale(ctx, m, own)
	case x < 22:
		d.conditional(ctx, m, own)
	case x < 26:
		d.twins(ctx, m, own, d.random.IntN(2) == 0)
	case x < 32:
		d.remove(ctx, m)
	case x < 36:
		d.move(ctx, m)
	case x < 39:
		d.copyAndDelete(ctx, m, own)
	case x < 43:
		d.edit(ctx, m, "cancel", false, func(s *faultSheet) { s.set("STATUS:CANCELLED") })
		if now := m.now().own(); now != nil && now.cancelled {
			m.before = own.wants
		}
	case x < 51 && own.wants:
		d.withdraw(ctx, m)
	case x < 60 && own.wants:
		// The word in place of the link, or of the word that is not answered yet.
		d.edit(ctx, m, "rotate", true, func(s *faultSheet) { s.set("LOCATION:" + d.word(d.random.IntN(2))) })
	case x < 60:
		d.edit(ctx, m, "ask", true, func(s *faultSheet) { s.set("LOCATION:" + d.word(d.random.IntN(2))) })
	case x < 72:
		d.edit(ctx, m, "reschedule", own.wants, func(s *faultSheet) {
			zone, start, end := d.moment()
			s.remove(func(l string) bool { return faultLineName(l) == "DTEND" })
			s.set(faultTime("DTSTART", zone, start))
			s.add(faultTime("DTEND", zone, end))
			s.zone(zone)
		})
	case x < 86:
		d.edit(ctx, m, "people", own.wants, d.people)
	case x < 92:
		d.touch(ctx, m, own)
	default:
		d.edit(ctx, m, "title", own.wants, func(s *faultSheet) { d.bump(m, s, true) })
	}
}

// zone makes zone the only VTIMEZONE.
func (s *faultSheet) zone(zone string) {
	from := slices.Index(s.lines, "BEGIN:VTIMEZONE")
	if from >= 0 {
		to := slices.Index(s.lines, "END:VTIMEZONE")
		s.lines = slices.Delete(s.lines, from, to+1)
	}
	if text := faultZones[zone]; text != "" {
		s.lines = slices.Insert(s.lines, slices.Index(s.lines, "BEGIN:VEVENT"), strings.Split(text, "\n")...)
	}
}

// withdraw takes out everything that asks, and the link where people read it. Where nothing of that
// is there yet, there is nothing to take out.
func (d *faultDevice) withdraw(ctx context.Context, m *faultMeeting) {
	c, ok := d.fresh(ctx, m)
	if !ok || !c.sheet.asks() && len(faultLinks(c.sheet.unescaped())) == 0 {
		return
	}
	s := c.sheet.clone()
	if !s.linked() || d.random.IntN(3) == 0 {
		s.set("DESCRIPTION:" + faultEscape(faultAgenda(s.text("DESCRIPTION"))))
	}
	s.removeAll("LOCATION")
	s.removeAll("CATEGORIES")
	s.remove(func(l string) bool { return faultLineName(l) == "ATTENDEE" && faultAddress(l) == faultResource })
	d.again(ctx, m, "withdraw", c, s, false)
}

// people adds or removes attendees.
func (d *faultDevice) people(s *faultSheet) {
	if there := s.people(); len(there) > 0 && d.random.IntN(2) == 0 {
		gone := there[d.random.IntN(len(there))]
		s.remove(func(l string) bool { return faultLineName(l) == "ATTENDEE" && faultAddress(l) == gone })
		return
	}
	for range 1 + d.random.IntN(2) {
		d.invite(s, d.someone())
	}
}

// edit is what most saves are: read, change, save with what was read as the condition.
func (d *faultDevice) edit(ctx context.Context, m *faultMeeting, what string, wants bool, change func(*faultSheet)) {
	c, ok := d.fresh(ctx, m)
	if !ok {
		return
	}
	s := c.sheet.clone()
	change(s)
	d.again(ctx, m, what, c, s, wants)
}

// again saves s, which was made of c.
func (d *faultDevice) again(ctx context.Context, m *faultMeeting, what string, c faultCopy, s *faultSheet, wants bool) {
	d.bump(m, s, false)
	etag := c.etag
	if d.random.IntN(4) == 0 {
		etag = ""
	}
	// We may have written into it since; that refuses nothing.
	faultSleep(ctx, time.Duration(d.random.IntN(60))*time.Millisecond)
	d.save(ctx, m, what, c.slug, s, wants, etag, 200)
}

// touch saves without a change that anybody must be told of.
func (d *faultDevice) touch(ctx context.Context, m *faultMeeting, own *faultContent) {
	c, ok := d.fresh(ctx, m)
	if !ok {
		return
	}
	d.save(ctx, m, "touch", c.slug, c.sheet.clone(), own.wants, c.etag, 200)
}

// stale saves what the device read some time ago, without a condition.
func (d *faultDevice) stale(ctx context.Context, m *faultMeeting, own *faultContent) {
	c, ok := d.known(m)
	if !ok || c.sheet.text("STATUS") == "CANCELLED" {
		return
	}
	s := c.sheet.clone()
	wants := own.wants // the link of then: kept or replaced, or stripped after a removal
	switch {
	case s.linked() && slices.ContainsFunc(faultPlace(s), faultIsWord):
		return
	case s.linked():
	case len(faultLinks(s.unescaped())) > 0:
		return // what it sent when it withdrew: whether its traces are old ones depends on what came since
	case s.asks():
		wants = true
	case own.wants && m.revived:
		return // whether such a body withdraws what came back without a word is not for this program
	default:
		wants = false
	}
	d.bump(m, s, true)
	d.bump(m, s, false)
	d.save(ctx, m, "stale", c.slug, s, wants, "", 200)
}

// conditional saves what the device read some time ago, with the tag of then: it is refused if
// somebody saved since, and only then.
func (d *faultDevice) conditional(ctx context.Context, m *faultMeeting, own *faultContent) {
	c, ok := d.known(m)
	if !ok || c.etag == "" || c.sheet.text("STATUS") == "CANCELLED" {
		return
	}
	s := c.sheet.clone()
	d.bump(m, s, true)
	if c.sheet.mark() == own.mark {
		d.save(ctx, m, "conditional", c.slug, s, own.wants, c.etag, 200)
		return
	}
	d.save(ctx, m, "outdated", c.slug, s, own.wants, c.etag, http.StatusPreconditionFailed)
	delete(d.cache, m.uid)
}

// twins are two saves of two devices at the same moment. With the same If-Match one of them is
// refused; without, the last one stands.
func (d *faultDevice) twins(ctx context.Context, m *faultMeeting, own *faultContent, matched bool) {
	c, ok := d.fresh(ctx, m)
	if !ok {
		return
	}
	var next [2]faultVersion
	var replies [2]faultReply
	var sent sync.WaitGroup
	for i := range next {
		s := c.sheet.clone()
		d.bump(m, s, true)
		s.stamp(d.run.now())
		next[i] = m.now().with(c.slug, contentOf(s, own.wants))
		header := map[string]string{}
		if matched {
			header["If-Match"] = c.etag
		}
		sent.Go(func() { replies[i] = d.send(ctx, http.MethodPut, m.path(c.slug), s.String(), header) })
	}
	sent.Wait()
	delete(d.cache, m.uid)
	saved, lost := 0, 0
	for _, r := range replies {
		switch {
		case r.unsent:
			d.run.counts.unsent.Add(1)
			continue
		case r.ok():
			saved++
			d.run.counts.acknowledged.Add(1)
		case !r.answered:
			lost++
			d.run.counts.unanswered.Add(1)
		case matched && r.status == http.StatusPreconditionFailed:
			d.run.counts.refused.Add(1)
		default:
			d.run.fail(m.uid, "one of two saves at once: got %d: %s", r.status, firstLine(r.body))
		}
		d.run.counts.changes.Add(1)
	}
	if matched && saved == 2 {
		d.run.fail(m.uid, "two saves with one If-Match were both accepted")
	}
	var may []faultVersion
	if saved == 0 {
		may = append(may, m.now())
	}
	for i, r := range replies {
		if r.ok() || !r.answered && !r.unsent {
			may = append(may, next[i])
		}
	}
	if matched && saved == 1 && lost == 0 {
		may = may[:1]
	}
	m.may = may
	if ctx.Err() == nil {
		d.settle(ctx, m)
	}
}

// remove deletes a meeting.
func (d *faultDevice) remove(ctx context.Context, m *faultMeeting) {
	v := m.now()
	header := map[string]string{}
	if c, ok := d.known(m); ok && c.etag != "" && c.sheet.mark() == v.own().mark && d.random.IntN(2) == 0 {
		header["If-Match"] = c.etag
	}
	m.last = v.own()
	r := d.send(ctx, http.MethodDelete, m.path(v.main), "", header)
	d.conclude(ctx, m, "delete", r, 200, v.without(v.main))
}

// recreate has a deleted meeting come back: by undoing, or as something new of the same UID.
func (d *faultDevice) recreate(ctx context.Context, m *faultMeeting) {
	if d.random.IntN(3) == 0 {
		return // it stays deleted for now
	}
	c, known := d.cache[m.uid]
	undo := known && c.life == m.life && c.sheet.text("STATUS") != "CANCELLED" && m.last != nil && c.sheet.mark() == m.last.mark && d.random.IntN(2) == 0
	ask := d.random.IntN(2) == 0
	var s *faultSheet
	switch {
	case undo:
		s, ask = c.sheet.clone(), m.last.wants && len(faultLinks(c.sheet.unescaped())) > 0 || c.sheet.asks()
		d.bump(m, s, false)
	default:
		s = d.compose(m, false)
		s.removeAll("LOCATION")
		if ask {
			s.add("LOCATION:" + d.word(d.random.IntN(2)))
		}
	}
	m.revived = true
	m.life++
	d.save(ctx, m, "create again", faultSlugs[d.random.IntN(2)], s, ask, "*", 200)
}

// afterCancel has a cancelled meeting take place after all, or deletes it.
func (d *faultDevice) afterCancel(ctx context.Context, m *faultMeeting) {
	m.revived = true
	if d.random.IntN(2) == 0 {
		d.remove(ctx, m)
		return
	}
	d.edit(ctx, m, "uncancel", m.before, func(s *faultSheet) { s.set("STATUS:CONFIRMED") })
}

func otherSlug(slug string) string {
	if slug == faultSlugs[0] {
		return faultSlugs[1]
	}
	return faultSlugs[0]
}

// move moves a meeting to the user's other calendar.
func (d *faultDevice) move(ctx context.Context, m *faultMeeting) {
	v := m.now()
	to := otherSlug(v.main)
	r := d.send(ctx, "MOVE", m.path(v.main), "", map[string]string{
		"Destination": "http://" + d.run.world.listen + m.path(to), "Overwrite": "F",
	})
	d.conclude(ctx, m, "move", r, 200, v.without(v.main).with(to, v.own()))
}

// copyAndDelete moves as clients do that know no MOVE: a PUT there, then a DELETE here.
func (d *faultDevice) copyAndDelete(ctx context.Context, m *faultMeeting, own *faultContent) {
	c, ok := d.fresh(ctx, m)
	if !ok {
		return
	}
	from, to := c.slug, otherSlug(c.slug)
	s := c.sheet.clone()
	d.bump(m, s, false)
	d.save(ctx, m, "put elsewhere", to, s, own.wants, "*", 200)
	// Whoever finds the event in both calendars deletes the old one, sooner or later.
	for ctx.Err() == nil && len(m.now().at) == 2 {
		v := m.now()
		r := d.send(ctx, http.MethodDelete, m.path(from), "", nil)
		next := v.without(from)
		next.main = to
		d.conclude(ctx, m, "delete here", r, 200, next)
		if r.answered && !r.ok() {
			return
		}
	}
}

// overlap saves a new event again, with the tag of its first save, while its link is being made or,
// if late is set, just after it was written. It tells whether it saw that the link was there and the
// save was accepted.
func (d *faultDevice) overlap(ctx context.Context, late bool) bool {
	m := d.meeting()
	m.mu.Lock()
	defer m.mu.Unlock()
	d.user.add(m)
	s := d.compose(m, false)
	s.removeAll("LOCATION")
	s.add("LOCATION:" + d.word(0))
	if !d.save(ctx, m, "create", faultSlugs[0], s, true, "*", 200) {
		return false
	}
	tag := d.cache[m.uid].etag
	if tag == "" {
		return false // the link was there at once
	}
	seen := false
	if late {
		for end := time.Now().Add(8 * time.Second); !seen && time.Now().Before(end) && ctx.Err() == nil; faultSleep(ctx, 30*time.Millisecond) {
			r, ok := d.read(ctx, http.MethodGet, m.path(faultSlugs[0]), "", nil)
			seen = ok && r.etag != tag && parseFaultSheet(r.body).linked()
		}
	} else {
		faultSleep(ctx, time.Duration(d.random.IntN(1300))*time.Millisecond)
	}
	again := s.clone()
	d.bump(m, again, true)
	return d.save(ctx, m, "save while the link is made", faultSlugs[0], again, true, tag, 200) && seen
}
