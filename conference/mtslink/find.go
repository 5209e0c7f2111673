package mtslink

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"joinery/conference"
)

const (
	schedulePage = 250 // events a page, the most that the service allows
	smallestPage = 10  // of events that the service knows

	nearby = 48 * time.Hour      // around a meeting's start, where Find looks first
	past   = 45 * 24 * time.Hour // how far back Find looks for an event made for an earlier time
)

// Find implements conference.Finder: it looks for an event tagged with m's key, first around m's
// time, then everywhere from some weeks ago on, as an event whose answer was lost may have been
// made for an earlier time of the meeting. Finished events do not count. Lists carry no link, so
// the room found seldom has one; Reserve replaces it then.
//
// What Find says is true of now: a request that was given up may still take effect a little later,
// so that the caller looks again for a while before it believes that there is none.
//
// An event can be missed if the list is longer than a page and another before it is deleted
// between two pages; List shows it in its next run.
func (p *Provider) Find(ctx context.Context, m conference.Meeting) (conference.Room, bool, error) {
	if m.Key == "" {
		return conference.Room{}, false, nil
	}
	earliest := p.now()
	if m.Start.Before(earliest) {
		earliest = m.Start
	}
	spans := [...]struct{ from, to time.Time }{
		{m.Start.Add(-nearby), m.Start.Add(nearby)},
		{earliest.Add(-past), time.Time{}},
	}
	for _, span := range spans {
		var found []event
		err := p.eachEvent(ctx, span.from, span.to, func(e event) {
			if !e.ended() && e.key(func(tag string) bool { return tag == m.Key }) != "" && e.fits(m) {
				found = append(found, e)
			}
		})
		if err != nil {
			return conference.Room{}, false, err
		}
		if len(found) > 0 {
			if len(found) > 1 {
				p.log.WarnContext(ctx, "several events carry one key", "key", m.Key, "events", len(found))
			}
			return roomOf(foremost(found)), true, nil
		}
	}
	return conference.Room{}, false, nil
}

// fits tells whether e was made for m: it has its title or its start. One that has neither carries the
// key of another time, before a database was put back, or was copied by hand.
func (e event) fits(m conference.Meeting) bool {
	start := e.start()
	return e.Name == "" || e.Name == title(m) || start.Truncate(time.Minute).Equal(m.Start.Truncate(time.Minute))
}

// foremost chooses among events of one key, always the same: one that people are in, then one with
// a session, then the oldest. The others are strays, which List shows.
func foremost(events []event) event {
	rank := func(e event) int {
		if e.live() {
			return 0
		}
		if _, open := e.open(); open {
			return 1
		}
		return 2
	}
	return slices.MinFunc(events, func(a, b event) int {
		// Of two numbers the shorter one is the smaller.
		return cmp.Or(rank(a)-rank(b), len(a.ID)-len(b.ID), strings.Compare(string(a.ID), string(b.ID)))
	})
}

// List implements conference.Lister; Ref is the event's id. Events without a start that can be read are listed whatever
// from and to are. A zero to means without end.
func (p *Provider) List(ctx context.Context, prefix string, from, to time.Time) ([]conference.Listed, error) {
	var list []conference.Listed
	err := p.eachEvent(ctx, from, to, func(e event) {
		key := e.key(func(tag string) bool { return strings.HasPrefix(tag, prefix) && tag != "" })
		start := e.start()
		if key == "" || !start.IsZero() && (start.Before(from) || !to.IsZero() && start.After(to)) {
			return
		}
		list = append(list, conference.Listed{
			Key: key, Ref: string(e.ID), Title: e.title(), Start: start, Status: e.state(), Room: roomOf(e),
		})
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// title is e's. That of a session counts first: only it can be edited once the meeting is live.
func (e event) title() string {
	s, _ := e.open()
	return cmp.Or(s.Name, e.Name)
}

// start is the planned start of e. That of a session counts first, as for the title; its startsAt is
// the actual start once it is live.
func (e event) start() time.Time {
	if s, ok := e.open(); ok {
		if s.Status == statusActive && !s.StartsAt.IsZero() {
			return s.StartsAt.Time
		}
		if !s.EstimatedAt.IsZero() {
			return s.EstimatedAt.Time
		}
	}
	if !e.EstimatedAt.IsZero() {
		return e.EstimatedAt.Time
	}
	return e.StartsAt.Time
}

// roomOf is what is known of e's room from a list.
func roomOf(e event) conference.Room {
	r := conference.Room{Refs: map[string]string{RefEvent: string(e.ID)}}
	s, ok := e.open()
	if !ok && len(e.Sessions) > 0 {
		s = e.Sessions[0]
	}
	if s.ID != "" {
		r.Refs[RefSession] = string(s.ID)
	}
	if validLink(e.Link) {
		r.JoinURL = e.Link
	}
	return r
}

// eachEvent calls visit for every event of the organisation between from and to, and a day around
// that, each once. A zero to means without end.
func (p *Provider) eachEvent(ctx context.Context, from, to time.Time, visit func(event)) error {
	query := url.Values{"perPage": {strconv.Itoa(schedulePage)}}
	setPeriod(query, from, to)
	c := call{method: http.MethodGet, path: "/organization/events/schedule", query: query, limit: listLimit}
	return pages(ctx, p, c, smallestPage, func(e event) id { return e.ID }, func(e event) bool {
		visit(e)
		return true
	})
}
