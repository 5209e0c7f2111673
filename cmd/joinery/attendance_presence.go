package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"joinery/store"
)

// A presence is one person's part in a meeting, all visits added up.
type presence struct {
	name, address string // address empty: a guest who gave none
	invited       bool
	role          string        // conference.ParticipantRole, of the invited
	refused       string        // why the service did not register the person, empty: it did
	visits        int           // 0: did not come
	joined, left  time.Time     // first and last; zero: not told
	present       time.Duration // overlapping visits counted once
}

// presences adds up a room's visits by address, those of guests without one by name: first those who
// came, in the order in which they came as far as that is told, then the invited who did not, by address. names knows
// people by address ("": nobody of that address); the service's names serve where it does not.
func presences(invited []store.Registration, visits []store.Visit, names func(address string) string) []presence {
	var people []*presence
	stays := map[*presence][]stay{}
	byKey := map[[2]string]*presence{}
	person := func(address, name string) *presence {
		key := [2]string{address}
		if address == "" {
			key[1] = strings.ToLower(name)
		} else if known := names(address); known != "" {
			name = known
		}
		p := byKey[key]
		if p == nil {
			p = &presence{name: name, address: address}
			byKey[key], people = p, append(people, p)
		}
		p.name = cmp.Or(p.name, name)
		return p
	}
	for _, r := range invited {
		p := person(r.Address, "")
		p.invited, p.role, p.refused = true, r.Role, r.Refused
	}
	for _, v := range visits {
		p := person(v.Address, line(v.Name))
		p.visits++
		stays[p] = append(stays[p], stayOf(v))
	}
	sum := make([]presence, len(people))
	for i, p := range people {
		p.joined, p.left, p.present = total(stays[p])
		sum[i] = *p
	}
	slices.SortStableFunc(sum, func(a, b presence) int {
		if (a.visits == 0) != (b.visits == 0) {
			return cmp.Compare(b.visits, a.visits)
		}
		if a.joined.IsZero() != b.joined.IsZero() {
			return b.joined.Compare(a.joined) // one of whom it is not told when stands last
		}
		return cmp.Or(a.joined.Compare(b.joined), cmp.Compare(a.address, b.address), cmp.Compare(a.name, b.name))
	})
	return sum
}

// A stay is one visit, with what was not told worked out where it can be.
type stay struct {
	joined, left time.Time // zero: unknown
	present      time.Duration
}

func stayOf(v store.Visit) stay {
	s := stay{joined: v.Joined, left: v.Left, present: time.Duration(v.Seconds) * time.Second}
	switch {
	case !s.joined.IsZero() && !s.left.IsZero() && s.left.Before(s.joined):
		s.left = s.joined.Add(s.present)
	case s.joined.IsZero() && !s.left.IsZero():
		s.joined = s.left.Add(-s.present)
	case !s.joined.IsZero() && s.left.IsZero():
		s.left = s.joined.Add(s.present)
	}
	if s.present == 0 && !s.joined.IsZero() {
		s.present = s.left.Sub(s.joined)
	}
	return s
}

// total adds up one person's stays: from when, until when, how long. Of stays that overlap, two
// devices say, the time is counted once.
func total(stays []stay) (joined, left time.Time, present time.Duration) {
	var timed []stay
	for _, s := range stays {
		if s.joined.IsZero() {
			present += s.present
		} else {
			timed = append(timed, s)
		}
	}
	slices.SortFunc(timed, func(a, b stay) int { return a.joined.Compare(b.joined) })
	for len(timed) > 0 {
		// Those that overlap lie one after the other; somebody may have been away between them.
		span, n := timed[0], 1
		for ; n < len(timed) && timed[n].joined.Before(span.left); n++ {
			span.present += timed[n].present
			if timed[n].left.After(span.left) {
				span.left = timed[n].left
			}
		}
		present += min(span.present, span.left.Sub(span.joined))
		if joined.IsZero() {
			joined = span.joined
		}
		left = span.left
		timed = timed[n:]
	}
	return joined, left, present
}

// minutes is d for people: rounded, but not 0 for somebody who was there.
func minutes(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return max(1, int(d.Round(time.Minute)/time.Minute))
}
