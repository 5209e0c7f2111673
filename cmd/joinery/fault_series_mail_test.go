package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A faultKnown is what somebody's calendar knows of an event by the mails about it.
type faultKnown struct {
	sheet *faultSheet           // the series; nil: invited to single occurrences only
	parts map[int64]*faultSheet // single occurrences, by key
	off   map[int64]bool        // what was cancelled of the series
}

// take does with a message what calendars do (RFC 5546 §3.2.2, §3.2.5).
func (k *faultKnown) take(l *faultLetter) {
	singles := l.sheet.overrides()
	whole := len(singles) < len(l.sheet.bounds())
	if whole {
		*k = faultKnown{parts: map[int64]*faultSheet{}, off: map[int64]bool{}}
		if l.method == "REQUEST" {
			k.sheet = l.sheet
		}
		return
	}
	for _, part := range singles {
		key := part.key().Unix()
		delete(k.parts, key)
		k.off[key] = l.method == "CANCEL"
		if l.method == "REQUEST" {
			k.parts[key] = part
		}
	}
}

// faultShown is an occurrence as people see it.
type faultShown struct {
	start, end    time.Time
	title, agenda string
	links         string
}

func (o faultOccurrence) shown() faultShown {
	return faultShown{o.start, o.end, o.part.text("SUMMARY"), faultAgenda(o.part.text("DESCRIPTION")), strings.Join(faultLinks(o.part.unescapedPart()), " ")}
}

func (t faultShown) String() string {
	return fmt.Sprintf("%q at %s to %s, %q, %s", t.title, faultMoment(t.start), faultMoment(t.end), t.agenda, t.links)
}

// coming is what somebody knows that begins after a moment, by key.
func (k *faultKnown) coming(now time.Time) map[int64]faultShown {
	list := map[int64]faultShown{}
	if k.sheet == nil {
		for key, part := range k.parts {
			if start := part.instant("DTSTART"); start.After(now) {
				list[key] = faultOccurrence{start: start, end: part.instant("DTEND"), part: part}.shown()
			}
		}
		return list
	}
	sheet := k.sheet.clone()
	for _, part := range k.parts {
		sheet.setOverride(part)
	}
	for _, o := range sheet.occurrences(now) {
		if !k.off[o.key.Unix()] && o.start.After(now) && !o.cancelled() {
			list[o.key.Unix()] = o.shown()
		}
	}
	return list
}

// said is what a message says, without what only counts.
func (l *faultLetter) said() string {
	lines := slices.DeleteFunc(slices.Clone(l.sheet.lines), func(line string) bool {
		return slices.Contains([]string{"DTSTAMP", "SEQUENCE", "LAST-MODIFIED"}, faultLineName(line))
	})
	return l.method + "\n" + strings.Join(lines, "\n")
}

// told: what everybody's calendar shows by the mails is what stands, and nobody was told anything
// twice in a row.
func (s *seriesRun) told(r *faultRun, standing []faultStanding) {
	now := s.clock.now()
	all := r.letters()
	for _, st := range standing {
		uid := st.m.uid
		mails := all[uid]
		delete(all, uid)
		var people []string
		for to := range mails {
			people = append(people, to)
		}
		if st.own != nil && !st.own.cancelled {
			people = append(people, st.own.everybody()...)
		}
		slices.Sort(people)
		for _, to := range slices.Compact(people) {
			if text := s.toldOne(r, st, to, mails[to], now); text != "" {
				r.fail(uid, "%s: %s", to, text)
			}
		}
	}
	for uid := range all {
		if !r.forgotten[uid] {
			r.fail(uid, "mails went out about an event that nobody saved")
		}
	}
}

// toldOne says what is wrong with what one person knows of an event; empty if nothing is.
func (s *seriesRun) toldOne(r *faultRun, st faultStanding, to string, mails []*faultLetter, now time.Time) string {
	known := faultKnown{parts: map[int64]*faultSheet{}, off: map[int64]bool{}}
	last := ""
	var methods []string
	for i, l := range mails {
		if !st.m.ever[to] {
			return fmt.Sprintf("got %d mails and never was on the event", len(mails))
		}
		if i == 0 && l.method != "REQUEST" {
			return fmt.Sprintf("the first mail: got %s, want REQUEST", l.method)
		}
		if s.lost(r, l.at) {
			last = ""
			continue // of what happened after the old database was made, it knows nothing
		}
		if said := l.said(); said == last {
			return fmt.Sprintf("got the same twice, the second as %s", l.id)
		} else {
			last = said
		}
		known.take(l)
		methods = append(methods, l.method)
	}
	want := map[int64]faultShown{}
	if st.own != nil && !st.own.cancelled {
		for _, o := range st.sheet.occurrences(now) {
			if o.start.After(now) && !o.cancelled() && slices.Contains(o.part.people(), to) {
				want[o.key.Unix()] = o.shown()
			}
		}
	}
	got := known.coming(now)
	for key, w := range want {
		if g, ok := got[key]; !ok || g != w {
			return fmt.Sprintf("by %d mails (%v) %s is known as %v, want %v", len(mails), methods, faultMoment(time.Unix(key, 0)), g, w)
		}
	}
	for key, g := range got {
		if _, ok := want[key]; !ok {
			return fmt.Sprintf("by %d mails (%v) there is %v, which is not so", len(mails), methods, g)
		}
	}
	return ""
}
