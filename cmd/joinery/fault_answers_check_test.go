package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"
)

// A saidComment is what somebody wrote to an organiser beside an answer.
type saidComment struct {
	event   *answeredEvent
	address string
	text    string
	op      *answerOp
}

// comment is a new one.
func (a *answersRun) comment(e *answeredEvent, address string, op *answerOp) string {
	c := &saidComment{event: e, address: address, text: fmt.Sprintf("comment-%d-.", a.name()), op: op}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, c)
	return c.text
}

// holdToAccount holds what is left to what everybody was answered, when nothing is under way and all is done.
func (a *answersRun) holdToAccount(ctx context.Context) {
	if a.failed() || ctx.Err() != nil {
		return
	}
	a.checks++
	r := a.house
	text, err := r.unfinished(ctx, a.dbs[0])
	r.try("look at what is left", err)
	if text != "" {
		r.fail("", "it is not done: %s", text)
	}
	prefix, err := r.installation(ctx, a.dbs[0])
	r.try("read the installation's identity", err)
	standing := map[string]faultStanding{}
	list := r.saves(ctx)
	for _, st := range list {
		standing[st.m.uid] = st
	}
	state := a.account.mts.State()
	a.atAccount(r, prefix, state, list)
	a.links(ctx, r, state, list)
	a.keys(state)
	a.told(r, list)
	r.counts.relay, err = r.world.relayCounts(ctx)
	r.try("read what the relay did", err)
	if len(state.Mails) > 0 {
		r.fail("", "the platform sent %d mails of its own, first %+v", len(state.Mails), state.Mails[0])
	}
	outcomes := a.outcomes(ctx)
	a.rooms(list)
	for _, e := range a.events {
		st := standing[e.m.uid]
		if !e.holds(a, st, outcomes) {
			continue
		}
		a.seats(e, st)
		for _, p := range a.people {
			if p.device != nil {
				a.copies(ctx, e, st, p)
			}
		}
	}
	a.comments(standing, outcomes)
	for _, e := range a.events {
		e.saves, e.answers, e.deletes = nil, map[string][]*answerOp{}, map[string][]*answerOp{}
	}
}

// holds holds the organiser's object to the answers. It tells whether the event takes place.
func (e *answeredEvent) holds(a *answersRun, st faultStanding, outcomes map[string][]string) bool {
	for _, p := range a.people {
		for _, op := range e.answers[p.address] {
			if list := outcomes[op.repeats]; len(list) > 0 && slices.Contains(answerCounted, list[0]) {
				op.void = true
			}
		}
		states := e.resolve(p.address)
		if len(states) == 0 {
			a.house.fail(e.m.uid, "%s: nothing explains it:\n%s", p.address, e.story(p.address))
			continue
		}
		if st.own == nil || st.own.cancelled {
			e.states[p.address] = states
			continue
		}
		var good []*answerState
		why := ""
		for _, s := range states {
			if text := s.agrees(st.sheet, p.address, e.capacity); text == "" {
				good = append(good, s)
			} else {
				why += "; " + text
			}
		}
		if len(good) == 0 {
			a.house.fail(e.m.uid, "%s %s (one of %d possibilities) by\n%s", p.address, why, len(states), e.story(p.address))
			good = states
		}
		e.states[p.address] = good
	}
	return st.own != nil && !st.own.cancelled
}

// story tells what was done about somebody since the last rest.
func (e *answeredEvent) story(address string) string {
	type line struct {
		at   time.Time
		text string
	}
	var list []line
	for _, s := range e.states[address] {
		list = append(list, line{text: "before: " + s.String()})
	}
	for _, save := range e.saves {
		text := "gone"
		if save.sheet != nil {
			text = fmt.Sprintf("%s says %q at %s", address, save.sheet.said(address), faultMoment(save.sheet.instant("DTSTART")))
			for _, o := range save.sheet.overrides() {
				text += fmt.Sprintf(", at %s %q %s", faultMoment(o.instant("DTSTART")), o.said(address), o.text("STATUS"))
			}
		}
		list = append(list, line{save.begun, fmt.Sprintf("until %s saved: %s; %s", save.ended.Format("05.000"), save.what, text)})
	}
	for _, op := range slices.Concat(e.answers[address], e.deletes[address]) {
		var parts []string
		for _, p := range op.parts {
			parts = append(parts, fmt.Sprintf("%s of %s at %s", p.ps, faultMoment(time.Unix(p.key, 0)), faultMoment(time.Unix(p.needStart, 0))))
		}
		list = append(list, line{op.begun, fmt.Sprintf("until %s %s %s: %s, must %v, void %v, SEQUENCE %d", op.ended.Format("05.000"), op.way, parts, op.outcome, op.must, op.void, op.sequence)})
	}
	slices.SortStableFunc(list, func(x, y line) int { return x.at.Compare(y.at) })
	var out []string
	for _, l := range list {
		out = append(out, "  "+l.at.Format("05.000")+" "+l.text)
	}
	return strings.Join(out, "\n")
}

// seats: no more people come than there are places, and nobody waits while one is free.
func (a *answersRun) seats(e *answeredEvent, st faultStanding) {
	if e.capacity == 0 {
		return
	}
	count := func(part *faultSheet, what string) (n int) {
		for _, p := range a.people {
			if part.said(p.address) == "ACCEPTED" {
				n++
			}
		}
		if n > e.capacity {
			a.house.fail(e.m.uid, "%d people come to %s, which has %d places\n%s", n, what, e.capacity, st.sheet)
		}
		return n
	}
	n := count(st.sheet, "the event")
	for _, o := range st.sheet.overrides() {
		count(o, "what is at "+faultMoment(o.instant("DTSTART")))
	}
	if n >= e.capacity || st.sheet.recurring() {
		return // of a series nobody comes while one of its occurrences is full
	}
	for _, p := range a.people {
		waiting := st.sheet.said(p.address) == "TENTATIVE"
		for _, s := range e.states[p.address] {
			waiting = waiting && s.parts[0].said == "ACCEPTED"
		}
		if waiting {
			a.house.fail(e.m.uid, "%s waits, and of %d places %d are taken, by\n%s", p.address, e.capacity, n, e.story(p.address))
		}
	}
}

// rooms: the room is nowhere at two events at once.
func (a *answersRun) rooms(list []faultStanding) {
	type held struct {
		start, end time.Time
		uid        string
	}
	var all []held
	for _, st := range list {
		if st.own == nil || st.own.cancelled {
			continue
		}
		for _, o := range st.sheet.occurrences(a.clock.now()) {
			if o.part.said(faultRoom) == "ACCEPTED" && !o.cancelled() {
				all = append(all, held{o.start, o.end, st.m.uid})
			}
		}
	}
	slices.SortFunc(all, func(x, y held) int { return x.start.Compare(y.start) })
	told := map[string]bool{}
	for i, h := range all {
		for _, other := range all[i+1:] {
			if !other.start.Before(h.end) {
				break
			}
			if pair := h.uid + other.uid; other.uid != h.uid && !told[pair] {
				told[pair] = true
				a.house.fail(h.uid, "the room has it at %s, and %s at %s", faultMoment(h.start), other.uid, faultMoment(other.start))
			}
		}
	}
	a.counts["room taken"] += len(all)
}

// copies: an attendee's calendar shows what the organiser's does, or that it is off.
func (a *answersRun) copies(ctx context.Context, e *answeredEvent, st faultStanding, p *answerer) {
	a.copiesOf(ctx, e, st, p)
}

func (a *answersRun) copiesOf(ctx context.Context, e *answeredEvent, st faultStanding, p *answerer) {
	r, now := a.house, a.clock.now()
	want := map[int64]faultOccurrence{}
	if st.own != nil && !st.own.cancelled {
		for _, o := range st.sheet.occurrences(now) {
			if !o.cancelled() && o.part.said(p.address) != "" && o.start.After(now) {
				want[o.key.Unix()] = o
			}
		}
	}
	c, ok := p.copy(ctx, e)
	if !ok {
		asked := 0
		for _, o := range want {
			if o.part.said(p.address) == "NEEDS-ACTION" {
				asked++
			}
		}
		if len(want) > 0 && (!e.deleted[p.address] || asked == len(want)) {
			r.fail(e.m.uid, "%s has no copy, is asked to %d occurrences and has deleted one: %v, by\n%s", p.address, len(want), e.deleted[p.address], e.story(p.address))
		}
		return
	}
	got := map[int64]faultOccurrence{}
	if c.sheet.master() {
		for _, o := range c.sheet.occurrences(now) {
			if !o.cancelled() && o.start.After(now) && c.sheet.text("STATUS") != "CANCELLED" {
				got[o.key.Unix()] = o
			}
		}
	} else {
		for _, o := range c.sheet.overrides() {
			if start := o.instant("DTSTART"); start.After(now) && o.text("STATUS") != "CANCELLED" {
				got[o.key().Unix()] = faultOccurrence{key: o.key(), start: start, end: o.instant("DTEND"), part: o}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		w := want[key]
		g, ok := got[key]
		switch {
		case !ok && w.part.said(p.address) == "DECLINED":
		case !ok:
			r.fail(e.m.uid, "%s's copy lacks what is at %s, which says %s; by\n%s\n%s", p.address, faultMoment(w.start), w.part.said(p.address), e.story(p.address), c.sheet)
			return
		case g.shown() != w.shown():
			r.fail(e.m.uid, "%s's copy shows %v, want %v; by\n%s", p.address, g.shown(), w.shown(), e.story(p.address))
			return
		case !maps.Equal(g.part.everySaid(), w.part.everySaid()):
			r.fail(e.m.uid, "%s's copy of what is at %s shows the answers %v, want %v; by\n%s\n%s\nof\n%s", p.address, faultMoment(w.start), g.part.everySaid(), w.part.everySaid(), e.story(p.address), c.sheet, st.sheet)
			return
		}
	}
	for key, g := range got {
		if _, ok := want[key]; !ok {
			r.fail(e.m.uid, "%s's copy has %v, which is off; by\n%s\n%s", p.address, g.shown(), e.story(p.address), c.sheet)
			return
		}
	}
}

// everySaid are the answers in a VEVENT.
func (s *faultSheet) everySaid() map[string]string {
	out := map[string]string{}
	for _, l := range s.all("ATTENDEE") {
		out[faultAddress(l)] = s.said(faultAddress(l))
	}
	return out
}

// outcomes is what the server says of the mails that came in: each is recorded, and what may not count
// is known as such.
func (a *answersRun) outcomes(ctx context.Context) map[string][]string {
	out := map[string][]string{}
	rows, err := a.dbs[0].QueryContext(ctx, `SELECT message_id, outcome FROM incoming ORDER BY id`)
	if err != nil {
		a.house.fail("", "read what came in: %v", err)
		return out
	}
	defer rows.Close()
	for rows.Next() {
		var id, outcome string
		a.house.try("read what came in", rows.Scan(&id, &outcome))
		out[id] = append(out[id], outcome)
	}
	for _, m := range a.posted {
		list := out[m.id]
		switch {
		case !m.taken:
		case len(list) == 0:
			a.house.fail("", "the mail %s of %s was taken, and nothing says what became of it", m.id, m.from)
		case m.want != nil && !slices.Contains(m.want, list[0]):
			a.house.fail("", "the mail %s of %s: got %v, want %v", m.id, m.from, list, m.want)
		case m.op != nil:
			m.op.outcome = strings.Join(list, ", ")
		}
		for _, o := range list {
			a.counts["outcome "+o] += 0
		}
	}
	for _, o := range []string{"applied", "same", "waiting", "proposed", "older", "stale", "cancelled", "uninvited", "past", "forged", "mismatch", "unvouched"} {
		n := 0
		for _, list := range out {
			for _, got := range list {
				if got == o {
					n++
				}
			}
		}
		a.counts["outcome "+o] = n
	}
	return out
}

// comments: what was written beside an answer that counts is told to the organiser once.
func (a *answersRun) comments(standing map[string]faultStanding, outcomes map[string][]string) {
	accepted, err := readFaultMails(a.house.world.mailLog())
	a.house.try("read the mails", err)
	told := map[string]int{}
	seen := map[string]bool{}
	for _, m := range accepted {
		id := faultMessageID(m.Raw)
		if seen[id] {
			continue
		}
		seen[id] = true
		l, err := readFaultLetter(m)
		if err != nil || l.method != "" {
			continue
		}
		text := faultText(m.Raw)
		for _, c := range a.said {
			if strings.Contains(text, c.text) {
				told[c.text]++
				if l.to != c.event.m.owner.email {
					a.house.fail(c.event.m.uid, "%s was told what %s wrote to the organiser", l.to, c.address)
				}
			}
		}
		if strings.Contains(text, "forged") {
			a.house.fail("", "%s was told what was forged", l.to)
		}
	}
	for _, c := range a.said {
		st := standing[c.event.m.uid]
		counted := false
		switch {
		case c.op.void || st.own == nil || st.own.cancelled:
		case strings.HasPrefix(c.op.way, "calendar"):
		default:
			counted = slices.Contains(answerCounted, strings.Split(c.op.outcome, ", ")[0])
		}
		switch n := told[c.text]; {
		case n > 1:
			a.house.fail(c.event.m.uid, "what %s wrote, %s, was told %d times", c.address, c.text, n)
		case n == 0 && counted:
			a.house.fail(c.event.m.uid, "what %s wrote, %s (%s: %s), was never told; by\n%s", c.address, c.text, c.op.way, c.op.outcome, c.event.story(c.address))
		}
	}
	a.counts["comments told"] = len(told)
	a.counts["comments"] = len(a.said)
}

// faultText is what people read of a mail, as text.
func faultText(raw []byte) string {
	var b strings.Builder
	entity, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	_ = entity.Walk(func(_ []int, part *message.Entity, err error) error {
		if err != nil {
			return nil
		}
		if kind, _, err := part.Header.ContentType(); err == nil && kind == "text/plain" {
			_, _ = io.Copy(&b, part.Body)
		}
		return nil
	})
	return b.String()
}
