package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"joinery/conference/emulator"
)

// faultLink is a link of the emulated service, or of a join page.
var faultLink = regexp.MustCompile(`https?://[^\s"'<>;,\\]*/j/([0-9]+/[0-9]+|[A-Za-z0-9_-]{16,})`)

// faultLinks are the links in a text, each once, sorted.
func faultLinks(text string) []string {
	list := faultLink.FindAllString(text, -1)
	slices.Sort(list)
	return slices.Compact(list)
}

// A faultStanding is what a meeting came to.
type faultStanding struct {
	m     *faultMeeting
	own   *faultContent // nil: it is gone
	links []string      // in the event itself
	sheet *faultSheet   // as it is stored
}

// check holds everything that is left to what the clients were answered.
func (r *faultRun) check(ctx context.Context) {
	state, err := r.world.state(ctx)
	r.try("read the provider's state", err)
	r.counts.conferences, r.counts.deleted, r.counts.faults = len(state.Conferences), len(state.Deleted), state.Faulted
	r.counts.relay, err = r.world.relayCounts(ctx)
	r.try("read what the relay did", err)

	standing := r.saves(ctx)
	r.conferences(state, standing)
	r.mails(standing)
	r.overlaps(ctx)
	if state.PlatformMails != 0 {
		r.fail("", "the platform sent %d mails of its own: %v", state.PlatformMails, state.PlatformMailCauses)
	}
	if n := r.counts.changes.Load(); n < int64(*faultChanges) {
		r.fail("", "%d changes were made, want at least %d", n, *faultChanges)
	}
	if r.counts.kills < *faultKills {
		r.fail("", "the server was killed %d times, want at least %d", r.counts.kills, *faultKills)
	}
	for _, w := range faultWindows {
		if r.hits(w) == 0 {
			r.fail("", "the window %q was never hit", w)
		}
	}
	if *faultKills <= 6 {
		return
	}
	for _, kind := range []string{emulator.FaultDelay, emulator.FaultDrop, emulator.Fault429, emulator.Fault500, emulator.FaultBadJSON} {
		struck := false
		for name := range state.Faulted {
			struck = struck || strings.HasSuffix(name, " "+kind)
		}
		if !struck {
			r.fail("", "the provider's fault %q never struck", kind)
		}
	}
	for _, what := range []string{"deferred", "cut before", "cut during", "cut after"} {
		if r.counts.relay[what] == 0 {
			r.fail("", "no mail was %s", what)
		}
	}
}

// saves reads every calendar as a client that begins anew: what was saved is there whole, and nothing
// besides but what others invite to.
func (r *faultRun) saves(ctx context.Context) []faultStanding {
	var list []faultStanding
	unsaved := map[*faultUser][]string{}
	for _, u := range r.users {
		d := newFaultDevice(r, u, "Checker/1.0", 200)
		want := map[string]bool{}
		for _, m := range u.list() {
			d.settle(ctx, m) // of all, not only of those that were in doubt
			v := m.now()
			for slug := range v.at {
				want[m.path(slug)] = true
			}
			s := faultStanding{m: m, own: v.own()}
			if s.own != nil {
				c, ok := d.fresh(ctx, m)
				if !ok {
					continue
				}
				s.links, s.sheet = faultLinks(c.sheet.unescaped()), c.sheet
			}
			list = append(list, s)
		}
		for _, slug := range faultSlugs {
			for _, href := range d.listing(ctx, "/calendars/"+u.login+"/"+slug+"/") {
				if !want[href] {
					unsaved[u] = append(unsaved[u], href)
				}
				delete(want, href)
			}
		}
		for href := range want {
			r.fail("", "%s is not listed in its calendar", href)
		}
	}
	r.copies(ctx, unsaved, list)
	return list
}

// unescaped is everything in the event, as text.
func (s *faultSheet) unescaped() string { return faultUnescape(strings.Join(s.lines, "\n")) }

var faultHref = regexp.MustCompile(`href>([^<]+\.ics)<`)

// listing are the paths of a calendar's objects.
func (d *faultDevice) listing(ctx context.Context, calendar string) []string {
	const body = `<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>`
	r, ok := d.read(ctx, "PROPFIND", calendar, body, map[string]string{"Depth": "1", "Content-Type": "application/xml"})
	if !ok {
		return nil
	}
	if r.status != http.StatusMultiStatus {
		d.run.fail("", "PROPFIND %s: got %d, want 207", calendar, r.status)
	}
	var out []string
	for _, m := range faultHref.FindAllStringSubmatch(r.body, -1) {
		out = append(out, strings.ReplaceAll(m[1], "%40", "@"))
	}
	return out
}

// conferences: every event that asks has exactly one at the provider, its own; there is none besides.
func (r *faultRun) conferences(state emulator.State, standing []faultStanding) {
	there := map[string]emulator.Conference{}
	for _, c := range state.Conferences {
		if c.Session == "" {
			r.fail("", "event %s (%q, key %s) is left at the provider without a session", c.ID, c.EventName, c.Key)
		}
		if other, twice := there[c.Link]; twice {
			r.fail("", "conferences %s and %s have one link", c.ID, other.ID)
		}
		there[c.Link] = c
	}
	used := map[string]string{}
	for _, s := range standing {
		if s.own == nil {
			continue
		}
		for _, link := range s.links {
			if _, ok := there[link]; !ok {
				r.fail(s.m.uid, "the event carries %s, whose conference is gone", link)
			}
			if other := used[link]; other != "" {
				r.fail(s.m.uid, "the event carries the link of %s", other)
			}
			used[link] = s.m.uid
		}
		switch {
		case !s.own.wants && len(s.links) > 0:
			r.fail(s.m.uid, "the event asks for no conference and has the link %v", s.links)
		case !s.own.wants:
		case len(s.links) != 1:
			r.fail(s.m.uid, "the event asks for a conference: got the links %v, want one", s.links)
		default:
			if text := faultConference(there[s.links[0]], s.own); text != "" {
				r.fail(s.m.uid, "%s", text)
			}
		}
	}
	for link, c := range there {
		if used[link] == "" {
			r.fail("", "conference %s (%q, key %s, made %v) belongs to no event", c.ID, c.Name, c.Key, c.Created)
		}
	}
}

// faultConference says in what a conference is not an event's; empty if it is.
func faultConference(c emulator.Conference, own *faultContent) string {
	switch {
	case c.Name != own.title || c.EventName != own.title:
		return fmt.Sprintf("the conference's title: got %q (of the event there: %q), want %q", c.Name, c.EventName, own.title)
	case !c.Start.Equal(own.start) || !c.EventStart.Equal(own.start):
		return fmt.Sprintf("the conference's start: got %v (of the event there: %v), want %v", c.Start, c.EventStart, own.start)
	case c.Status != "ACTIVE":
		return fmt.Sprintf("the conference's status: got %s, want ACTIVE", c.Status)
	}
	return ""
}

// overlaps counts the saves that were accepted with the tag of before a link was written: the
// database's revisions show that the write-back came between, among other edits of ours.
func (r *faultRun) overlaps(ctx context.Context) {
	db, err := r.world.live()
	if err != nil {
		r.fail("", "open the database: %v", err)
		return
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `
		SELECT a.etag FROM revisions a WHERE instr(a.data, 'CONFERENCE;') = 0 AND EXISTS (
			SELECT 1 FROM revisions b WHERE b.object_id = a.object_id AND b.id > a.id AND instr(b.data, 'CONFERENCE;') > 0
			AND NOT EXISTS (SELECT 1 FROM revisions WHERE object_id = a.object_id AND id > a.id AND id <= b.id AND NOT own))`)
	if err != nil {
		r.fail("", "read the revisions: %v", err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var etag string
		r.try("read a revision", rows.Scan(&etag))
		if r.tags[strings.Trim(etag, `"`)] != "" {
			r.hit(faultWriteback, 1)
		}
	}
	r.try("read the revisions", rows.Err())
}
