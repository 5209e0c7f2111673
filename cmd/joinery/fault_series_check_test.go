package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"joinery/conference/emulator"
)

// check holds what is left to what the clients saved, when nothing is under way and all is done.
func (s *seriesRun) check(ctx context.Context) {
	if s.failed() || ctx.Err() != nil {
		return
	}
	s.checks++
	for i, r := range s.houses {
		text, err := r.unfinished(ctx, s.dbs[i])
		r.try("look at what is left", err)
		if text != "" {
			r.fail("", "it is not done: %s", text)
		}
		prefix, err := r.installation(ctx, s.dbs[i])
		r.try("read the installation's identity", err)
		standing := r.saves(ctx)
		state := s.account.mts.State()
		s.atAccount(r, prefix, state, standing)
		s.links(ctx, r, state, standing)
		s.told(r, standing)
		r.counts.relay, err = r.world.relayCounts(ctx)
		r.try("read what the relay did", err)
	}
	state := s.account.mts.State()
	if len(state.Mails) > 0 {
		s.houses[0].fail("", "the platform sent %d mails of its own, first %+v", len(state.Mails), state.Mails[0])
	}
	s.keys(state)
	s.untouched(state)
}

// faultNext is the occurrence whose conference is to be at the provider; ok is false if none is.
func faultNext(s faultStanding, now time.Time) (o faultOccurrence, ok bool) {
	if s.own == nil || s.own.cancelled {
		return o, false
	}
	for _, o := range s.sheet.occurrences(now) {
		if !o.cancelled() && o.wants(s.own.wants) {
			return o, true
		}
	}
	return o, false
}

// wants tells whether an occurrence is to have a conference: as the event, or as was said of it alone.
func (o faultOccurrence) wants(event bool) bool {
	switch o.part.single() {
	case "own":
		return true
	case "removed":
		return false
	}
	return event
}

// atAccount: every event has one conference that has not begun, that of its next occurrence, and
// nobody has another.
func (s *seriesRun) atAccount(r *faultRun, prefix string, state emulator.State, standing []faultStanding) {
	now := s.clock.now()
	ours := map[string][]emulator.Conference{}
	for _, c := range state.Conferences {
		if strings.HasPrefix(c.Key, prefix) {
			uid := faultMeetingOf(c.Name)
			ours[uid] = append(ours[uid], c)
		}
	}
	for _, st := range standing {
		uid := st.m.uid
		next, ok := faultNext(st, now)
		found, early := 0, false
		for _, c := range ours[uid[:8]] {
			switch {
			case c.Status == "START" && s.given[c.Key] == c.ID && (!ok || !c.Start.Equal(next.start)):
				// Of a time that the old database knows nothing of; people are in it.
			case c.Status == "START" && c.Start.After(now):
				// Its event was moved while people were in it: it is left to them, and what is booked next may wait for its end.
				early = true
			case c.Status == "STOP", c.Status == "ACTIVE" && !c.Start.After(now) && st.m.single:
				// It took place, or nobody came to it.
			case c.Status == "SHELL":
				r.fail(uid, "conference %s (key %s) was left half made", c.ID, c.Key)
			case s.moved[c.Key] == c.ID && (!ok || !c.Start.Equal(next.start)):
				// Its server was away until its meeting was over. It is left to whoever moved it; that of the next
				// occurrence is looked for below.
			case r.outdated[uid] && (c.Start.After(now) || c.Status == "START") && (!ok || !c.Start.Equal(next.start)):
				// Its event was changed after the backup, and the conference brought there: the old database takes it
				// for what it was then, over perhaps, and asks for its status, not for its time. People may have come.
			case !ok:
				r.fail(uid, "nothing remains that asks for a conference, and there is %s", faultTold(c))
			case !c.Start.Equal(next.start):
				r.fail(uid, "the next occurrence is at %s, and there is %s", faultMoment(next.start), faultTold(c))
			default:
				found++
				if text := s.differs(c, st, next); text != "" {
					r.fail(uid, "conference %s: %s", c.ID, text)
				}
			}
		}
		if ok && found != 1 && !(found == 0 && early) {
			r.fail(uid, "there are %d conferences for the next occurrence, at %s; want 1. There are %s", found, faultMoment(next.start), faultTold(ours[uid[:8]]...))
		}
		delete(ours, uid[:8])
	}
	for uid, list := range ours {
		for _, c := range list {
			if c.Status != "STOP" && c.Start.After(now) && (c.Status != "START" || s.given[c.Key] != c.ID) {
				r.fail("", "conference of no event (%q): %s", uid, faultTold(c))
			}
		}
	}
}

func faultTold(list ...emulator.Conference) string {
	var out []string
	for _, c := range list {
		out = append(out, fmt.Sprintf("conference %s (%q, key %s, %s) for %s, made %s", c.ID, c.Name, c.Key, c.Status, faultMoment(c.Start), c.Created.UTC().Format(time.RFC3339)))
	}
	return strings.Join(out, "; ")
}

// differs says in what a conference is not as the occurrence asks; empty if it is.
func (s *seriesRun) differs(c emulator.Conference, st faultStanding, o faultOccurrence) string {
	title := o.part.text("SUMMARY")
	want := faultPlaces(st, o, c.Owner)
	got := map[string]string{}
	for _, n := range c.Registrations {
		got[strings.ToLower(n.Email)] = n.Role
	}
	if c.Owner == st.m.owner.email {
		delete(got, c.Owner) // who owns it needs no place
	}
	if s.old != nil && c.Created.Before(s.old.lost) {
		// Who was registered in a time that the old database knows nothing of may stay: it could be anybody's guest.
		maps.DeleteFunc(got, func(address, _ string) bool { return want[address] == "" })
	}
	switch {
	case c.Name != title || c.Status == "ACTIVE" && c.EventName != title:
		return fmt.Sprintf("the title: got %q (of the event there: %q), want %q", c.Name, c.EventName, title)
	case c.Status == "ACTIVE" && !c.EventStart.Equal(o.start):
		return fmt.Sprintf("the start of the event there: got %v, want %v", c.EventStart, o.start)
	case !faultEnd(c).Equal(o.end):
		return fmt.Sprintf("the end: got %v, want %v", faultEnd(c), o.end)
	case !maps.Equal(got, want):
		return fmt.Sprintf("who is registered: got %v, want %v", got, want)
	}
	return ""
}

// faultPlaces is who is to have a place in an occurrence's conference, by role there.
func faultPlaces(st faultStanding, o faultOccurrence, owner string) map[string]string {
	want := map[string]string{}
	for _, address := range o.part.people() {
		switch o.part.roleOf(address) {
		case "NON-PARTICIPANT":
		case "CHAIR":
			want[address] = "ADMIN"
		default:
			want[address] = "GUEST"
		}
	}
	want[st.m.owner.email] = "ADMIN"
	if owner == st.m.owner.email {
		delete(want, owner)
	}
	return want
}

// links: what is to come has one link each, that of the event unless it has its own, and it works.
// Links that stood in events once lead nowhere.
func (s *seriesRun) links(ctx context.Context, r *faultRun, state emulator.State, standing []faultStanding) {
	now := s.clock.now()
	there := map[string]emulator.Conference{}
	for _, c := range state.Conferences {
		there[c.Link] = c
	}
	stand := map[string]string{}
	for _, st := range standing {
		if st.own == nil {
			continue
		}
		next, some := faultNext(st, now)
		event := faultLinks(st.sheet.unescapedPart())
		for _, o := range st.sheet.occurrences(now)[:min(8, len(st.sheet.occurrences(now)))] {
			at, all := faultLinks(o.part.text("LOCATION")), faultLinks(o.part.unescapedPart())
			wants := o.wants(st.own.wants) && !o.cancelled()
			switch {
			case !wants && len(all) > 0:
				r.fail(st.m.uid, "what is at %s has no conference and carries %v", faultMoment(o.start), all)
			case !wants:
			case len(all) != 1 || len(at) == 0 && o.part.text("LOCATION") == "":
				r.fail(st.m.uid, "what is at %s has a conference: got the links %v in LOCATION and %v in all, want one", faultMoment(o.start), at, all)
			case o.part.single() == "" && !slices.Equal(all, event):
				r.fail(st.m.uid, "what is at %s carries %v, the event %v", faultMoment(o.start), all, event)
			case o.part.single() == "own" && slices.Equal(all, event):
				r.fail(st.m.uid, "what is at %s asked for another link and carries that of the event", faultMoment(o.start))
			}
			if wants && len(all) == 1 {
				if other := stand[all[0]]; other != "" && other != st.m.uid {
					r.fail(st.m.uid, "the event carries the link of %s", other)
				}
				stand[all[0]] = st.m.uid
			}
		}
		if !some {
			continue
		}
		if all := faultLinks(next.part.unescapedPart()); len(all) == 1 {
			if text := s.leads(ctx, r, all[0], there); text != "" {
				r.fail(st.m.uid, "the link of what is next: %s", text)
			}
		}
	}
	for link, uid := range stand {
		r.matched(uid, link)
	}
	r.mu.Lock()
	known := maps.Clone(r.tags)
	r.mu.Unlock()
	for link, uid := range known {
		if stand[link] == "" && strings.HasPrefix(link, "http://"+r.world.listen+"/") {
			if status, to := faultFollow(ctx, link); status == http.StatusFound && !s.stands(standing, link) {
				r.fail(uid, "a link that stands in no event leads to %s", to)
			}
		}
	}
}

// stands tells whether a link stands in any event, also in what is over.
func (s *seriesRun) stands(standing []faultStanding, link string) bool {
	return slices.ContainsFunc(standing, func(st faultStanding) bool { return slices.Contains(st.links, link) })
}

// unescapedPart is what the master, or an override, says, as text.
func (s *faultSheet) unescapedPart() string {
	var lines []string
	s.event(func(i int) bool { lines = append(lines, s.lines[i]); return true })
	return faultUnescape(strings.Join(lines, "\n"))
}

// leads says why a link does not lead to a conference, or to a page that tells of it.
func (s *seriesRun) leads(ctx context.Context, r *faultRun, link string, there map[string]emulator.Conference) string {
	if !strings.HasPrefix(link, "http://"+r.world.listen+"/") {
		if _, ok := there[link]; !ok {
			return "it is a conference's that is gone: " + link
		}
		return ""
	}
	status, to := faultFollow(ctx, link)
	switch status {
	case http.StatusOK:
		return ""
	case http.StatusFound:
		if c, ok := there[to]; !ok || c.Status == "STOP" {
			return fmt.Sprintf("it leads to %s, which is over or gone", to)
		}
		return ""
	}
	return fmt.Sprintf("it answers %d", status)
}

// faultFollow asks for a page, and says where it would lead.
func faultFollow(ctx context.Context, link string) (status int, to string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err.Error()
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location")
}

// keys: no key is given twice, also not after an old database was put back.
func (s *seriesRun) keys(state emulator.State) {
	seen := map[string]string{}
	for _, c := range state.Conferences {
		if c.Key == "" || faultMeetingOf(c.EventName) == "" {
			continue
		}
		if other := seen[c.Key]; other != "" && other != c.ID {
			s.houses[0].fail("", "conferences %s and %s have one key, %s", other, c.ID, c.Key)
		}
		seen[c.Key] = c.ID
		if before := s.given[c.Key]; before != "" && before != c.ID {
			s.houses[0].fail("", "conference %s has the key %s of %s, which was made before the old database came back", c.ID, c.Key, before)
		}
	}
}

// untouched: strangers' conferences are as they were made.
func (s *seriesRun) untouched(state emulator.State) {
	for _, was := range s.strangers {
		i := slices.IndexFunc(state.Conferences, func(c emulator.Conference) bool { return c.ID == was.ID })
		if i < 0 {
			s.houses[0].fail("", "a stranger's conference is gone: %s", faultTold(was))
			continue
		}
		is := state.Conferences[i]
		if is.Name != was.Name || !is.Start.Equal(was.Start) || !slices.Equal(is.Tags, was.Tags) || is.Status != was.Status || len(is.Participants) > 0 {
			s.houses[0].fail("", "a stranger's conference was changed: %s, was %s", faultTold(is), faultTold(was))
		}
	}
}
