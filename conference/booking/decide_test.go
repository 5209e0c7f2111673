package booking

import (
	"testing"
	"time"

	"joinery/conference"
	"joinery/store"
)

// The table of decisions: what the rows say, what is wanted, what comes next.
func TestDecide(t *testing.T) {
	now := time.Date(2031, 5, 6, 12, 0, 0, 0, time.UTC)
	soon := now.Add(time.Minute)
	meeting := testMeeting("Plan")
	needed := Want{Needed: true, Meeting: meeting, Look: soon}
	type rooms = []store.Room
	room := func(id int64, gen int, state conference.RoomState, change ...func(*store.Room)) store.Room {
		r := store.Room{ID: id, Generation: gen, Provider: "a", Key: "k", State: string(state)}
		if state != conference.RoomIntended {
			r.Refs = map[string]string{"event": "e"}
		}
		if state == conference.RoomLive || state == conference.RoomHistory || state == conference.RoomReleasing {
			r.JoinURL = map[int64]string{1: "one", 2: "two", 3: "three"}[id]
		}
		_, r.Meeting, _ = meetingOf(needed, &r)
		for _, f := range change {
			f(&r)
		}
		return r
	}
	unclear := func(r *store.Room) { r.Unclear = true }
	bare := func(r *store.Room) { r.Refs = nil }
	lately := func(ago time.Duration) func(*store.Room) {
		return func(r *store.Room) {
			r.Unclear, r.LastError, r.Updated = true, noAnswer+" yet", now.Add(-ago)
		}
	}
	stale := func(r *store.Room) { r.Meeting = "{}" }
	at := func(p string) func(*store.Room) { return func(r *store.Room) { r.Provider = p } }
	tried := func(r *store.Room) { r.Attempts = 1 }
	const (
		intended, creating, live = conference.RoomIntended, conference.RoomCreating, conference.RoomLive
		releasing, gone, history = conference.RoomReleasing, conference.RoomGone, conference.RoomHistory
	)
	cases := []struct {
		name    string
		rooms   rooms
		want    Want
		gen     int
		link    string
		problem string
		skip    int64
		blind   bool // the provider cannot look for keys
		next    action
	}{
		{name: "nothing wanted, nothing there", next: action{do: nothing}},
		{name: "first room", want: needed, next: action{do: intend, account: "a"}},
		{name: "first call", want: needed, rooms: rooms{room(1, 1, intended)}, next: action{do: reserve, room: 1}},
		{name: "go on after a definite error", want: needed, rooms: rooms{room(1, 1, creating)}, next: action{do: reserve, room: 1}},
		{name: "look first", want: needed, rooms: rooms{room(1, 1, creating, unclear)}, next: action{do: find, room: 1}},
		{name: "who cannot look goes on", want: needed, blind: true, rooms: rooms{room(1, 1, creating, unclear)}, next: action{do: reserve, room: 1}},
		{name: "failed in this run", want: needed, skip: 1, rooms: rooms{room(1, 1, creating)}, next: action{do: nothing, until: soon}},
		{name: "write back", want: needed, rooms: rooms{room(1, 1, live)}, next: action{do: write, room: 1}},
		{name: "all is well", want: needed, link: "one", rooms: rooms{room(1, 1, live)}, next: action{do: nothing, until: soon}},
		{name: "changed", want: needed, link: "one", rooms: rooms{room(1, 1, live, stale)}, next: action{do: update, room: 1}},
		{name: "an update without answer, again once it cannot come any more", want: needed, link: "one", rooms: rooms{room(1, 1, live, lately(time.Hour))}, next: action{do: update, room: 1}},
		{name: "an update without answer may still come", want: needed, link: "one", rooms: rooms{room(1, 1, live, lately(time.Second))}, next: action{do: nothing, until: now.Add(29 * time.Second)}},
		{name: "an update without answer, changed", want: needed, link: "one", rooms: rooms{room(1, 1, live, stale, lately(time.Second))}, next: action{do: update, room: 1}},
		{name: "write back before an update", want: needed, rooms: rooms{room(1, 1, live, stale)}, next: action{do: write, room: 1}},
		{name: "a problem is over", want: needed, link: "one", problem: "other", rooms: rooms{room(1, 1, live)}, next: action{do: unmark, room: 1}},
		{name: "rotation", want: needed, gen: 2, link: "one", rooms: rooms{room(1, 1, live)}, next: action{do: intend, account: "a"}},
		{name: "the old one waits for the new one", want: needed, gen: 2, link: "one", skip: 2, rooms: rooms{room(1, 1, live), room(2, 2, creating)}, next: action{do: nothing, until: soon}},
		{name: "the old one waits for the write-back", want: needed, gen: 2, link: "one", rooms: rooms{room(1, 1, live), room(2, 2, live)}, next: action{do: write, room: 2}},
		{name: "the old one goes", want: needed, gen: 2, link: "two", rooms: rooms{room(1, 1, live), room(2, 2, live)}, next: action{do: release, room: 1}},
		{name: "the old one goes though an update fails", want: needed, gen: 2, link: "two", skip: 2, rooms: rooms{room(1, 1, live), room(2, 2, live, stale)}, next: action{do: release, room: 1}},
		{name: "an unclear old one is looked for", want: needed, gen: 2, link: "two", rooms: rooms{room(1, 1, creating, unclear, bare), room(2, 2, live)}, next: action{do: find, room: 1}},
		{name: "an old one never begun", want: needed, gen: 2, skip: 2, rooms: rooms{room(1, 1, intended), room(2, 2, creating)}, next: action{do: forget, room: 1}},
		{name: "a release begun goes on", want: needed, gen: 2, skip: 2, rooms: rooms{room(1, 1, releasing), room(2, 2, creating)}, next: action{do: release, room: 1}},
		{name: "another provider", want: needed, link: "one", rooms: rooms{room(1, 1, live, at("b"))}, next: action{do: intend, bump: true, account: "a"}},
		{name: "wanted again while it goes", want: needed, link: "one", rooms: rooms{room(1, 1, releasing)}, next: action{do: intend, bump: true, account: "a"}},
		{name: "wanted again after it went", want: needed, rooms: rooms{room(1, 1, gone, func(r *store.Room) { r.JoinURL = "one" })}, next: action{do: intend, bump: true, account: "a"}},
		{name: "never made, wanted again", want: needed, rooms: rooms{room(1, 1, gone)}, next: action{do: intend, account: "a"}},
		{name: "moved out of the past", want: needed, link: "one", rooms: rooms{room(1, 1, history)}, next: action{do: update, room: 1}},
		{name: "history of before", want: needed, gen: 2, link: "two", rooms: rooms{room(1, 1, history), room(2, 2, live)}, next: action{do: nothing, until: soon}},

		{name: "not needed, not yet", want: Want{ReleaseAt: soon}, rooms: rooms{room(1, 1, live)}, next: action{do: nothing, until: soon}},
		{name: "not needed, time has come", want: Want{ReleaseAt: now}, rooms: rooms{room(1, 1, live)}, next: action{do: release, room: 1}},
		{name: "not needed, nothing left", want: Want{ReleaseAt: soon}, rooms: rooms{room(1, 1, gone), room(2, 1, history)}, next: action{do: nothing}},
		{name: "not needed, never begun", rooms: rooms{room(1, 1, intended)}, next: action{do: forget, room: 1}},
		{name: "not needed, surely not made", rooms: rooms{room(1, 1, creating, bare)}, next: action{do: forget, room: 1}},
		{name: "not needed, half made", rooms: rooms{room(1, 1, creating)}, next: action{do: release, room: 1}},
		{name: "not needed, unclear", rooms: rooms{room(1, 1, creating, unclear, bare)}, next: action{do: find, room: 1}},
		{name: "not needed, unclear, blind, half made", blind: true, rooms: rooms{room(1, 1, creating, unclear)}, next: action{do: release, room: 1}},
		{name: "not needed, unclear, blind, nothing known", blind: true, rooms: rooms{room(1, 1, creating, unclear, bare)}, next: action{do: forget, room: 1}},
		{name: "those that failed come last", rooms: rooms{room(1, 1, live, tried), room(2, 2, live)}, next: action{do: release, room: 2}},
		{name: "all failed", skip: 1, rooms: rooms{room(1, 1, live)}, next: action{do: nothing}},

		{name: "past", want: Want{Past: true}, link: "one", rooms: rooms{room(1, 1, live)}, next: action{do: keep, room: 1}},
		{name: "past though needed", want: Want{Past: true, Needed: true}, next: action{do: nothing}},
		{name: "past, superseded", want: Want{Past: true}, gen: 2, link: "two", rooms: rooms{room(1, 1, live), room(2, 2, history)}, next: action{do: release, room: 1}},
		{name: "past, the successor never came", want: Want{Past: true}, gen: 2, link: "one", rooms: rooms{room(1, 1, live), room(2, 2, creating)}, next: action{do: keep, room: 1}},
		{name: "past, never complete", want: Want{Past: true}, rooms: rooms{room(1, 1, creating)}, next: action{do: release, room: 1}},
		{name: "past, unclear", want: Want{Past: true}, rooms: rooms{room(1, 1, creating, unclear)}, next: action{do: find, room: 1}},
		{name: "moved into the past, its own meeting to come", want: Want{Past: true}, link: "one", rooms: rooms{room(1, 1, live, func(r *store.Room) { r.Start = now.Add(time.Hour) })}, next: action{do: release, room: 1}},
		{name: "moved into the past a moment ago", want: Want{Past: true, ReleaseAt: now.Add(time.Second)}, link: "one", rooms: rooms{room(1, 1, live, func(r *store.Room) { r.Start = now.Add(time.Hour) })}, next: action{do: nothing, until: now.Add(time.Second)}},
		{name: "past, being released", want: Want{Past: true}, link: "one", rooms: rooms{room(1, 1, releasing)}, next: action{do: release, room: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := decide(sight{
				booking: &store.Booking{Generation: max(c.gen, 1), Provider: "a", Link: c.link, Problem: c.problem},
				rooms:   c.rooms, want: c.want, now: now,
				able:     func(string) abilities { return abilities{finds: !c.blind} },
				late:     within(30 * time.Second),
				accounts: []place{{name: "a"}},
				progress: progress{skip: map[int64]bool{c.skip: true}},
			})
			if got != c.next {
				t.Errorf("got %+v, want %+v", got, c.next)
			}
		})
	}
}

// Meetings are equal whatever the order of their people and the zone of their instants.
func TestMeetingText(t *testing.T) {
	a := testMeeting("Plan")
	a.Key, a.Kind, a.Capacity, a.Description, a.Language = "k", conference.KindWebinar, 200, "agenda", "ru"
	a.Host = conference.Person{Name: "Anna", Email: "anna@example.org"}
	a.Presenters = []conference.Person{{Email: "c@example.org"}}
	a.Guests = []conference.Person{{Email: "b@example.org"}, {Name: "A", Email: "a@example.org"}}
	b := a
	b.Guests = []conference.Person{a.Guests[1], a.Guests[0]}
	b.Start = a.Start.In(time.FixedZone("", 3600))
	at, err := encodeMeeting(a)
	noError(t, err)
	bt, err := encodeMeeting(b)
	noError(t, err)
	if at != bt {
		t.Errorf("%s is not %s", at, bt)
	}
	back, err := decodeMeeting(at)
	noError(t, err)
	again, err := encodeMeeting(back)
	noError(t, err)
	if again != at || back.Guests[0].Email != "a@example.org" {
		t.Errorf("%s comes back as %s", at, again)
	}
	b.Title = "Other"
	if bt, _ = encodeMeeting(b); at == bt {
		t.Error("another title is not seen")
	}
	if _, err := decodeMeeting("{"); err == nil {
		t.Error("broken text is taken")
	}
}

func TestDeniedRetry(t *testing.T) {
	for attempts, want := range map[int]time.Duration{0: 30 * time.Second, 1: 30 * time.Second, 2: time.Minute, 5: 8 * time.Minute, 6: 10 * time.Minute, 1000: 10 * time.Minute} {
		if got := deniedRetry(attempts); got != want {
			t.Errorf("after %d: %v, want %v", attempts, got, want)
		}
	}
}

// Of several failures the one that harms nobody counts.
func TestFailure(t *testing.T) {
	cases := []struct {
		name  string
		kinds []conference.ErrorKind
		want  conference.ErrorKind
	}{
		{"alone", []conference.ErrorKind{conference.Denied}, conference.Denied},
		{"a pause before all", []conference.ErrorKind{conference.Temporary, conference.Limited, conference.Denied}, conference.Limited},
		{"soon before late", []conference.ErrorKind{conference.Denied, conference.Ambiguous}, conference.Ambiguous},
	}
	for _, c := range cases {
		var f failure
		for _, k := range c.kinds {
			f.add(k, fault(k), time.Second)
		}
		if f.kind != c.want {
			t.Errorf("%s: %s, want %s", c.name, f.kind, c.want)
		}
	}
}

// What one account's configuration says does not count for another.
func TestDelaysOfAccounts(t *testing.T) {
	r := New(Options{
		Store: &store.Store{},
		Late: func(provider string) time.Duration {
			return map[string]time.Duration{"quick": 2 * time.Second}[provider]
		},
		DeniedRetry: func(provider string, _ int) time.Duration {
			return map[string]time.Duration{"quick": time.Second}[provider]
		},
	})
	for provider, want := range map[string][2]time.Duration{"quick": {2 * time.Second, time.Second}, "other": {30 * time.Second, 30 * time.Second}} {
		if got := r.late(provider); got != want[0] {
			t.Errorf("%s: an answer may be late by %s, want %s", provider, got, want[0])
		}
		if got := r.denied(provider, 1); got != want[1] {
			t.Errorf("%s: asked again after %s, want %s", provider, got, want[1])
		}
	}
}
