package booking

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"joinery/conference"
	"joinery/store"
)

// A verb names the one thing that is to be done next.
type verb string

// The verbs. Those of the second group ask a provider.
const (
	nothing verb = "nothing" // until the action's time, if it has one
	intend  verb = "intend"  // make a room's row
	write   verb = "write"   // write the live room's link into the event
	unmark  verb = "unmark"  // take the note of a problem out of the event
	forget  verb = "forget"  // the room was never made: it is gone
	keep    verb = "keep"    // the meeting took place: the room is history

	find    verb = "find"
	reserve verb = "reserve"
	update  verb = "update"
	release verb = "release"
)

func (v verb) remote() bool {
	return v == find || v == reserve || v == update || v == release
}

// An action is the one thing that is to be done next.
type action struct {
	do    verb
	room  int64     // id; 0 for nothing and intend
	bump  bool      // intend: a link of this generation was given away, so the new room is of the next
	until time.Time // nothing: when to look again; zero: only when touched
}

// A sight is all that decide looks at.
type sight struct {
	booking *store.Booking
	rooms   []store.Room
	want    Want
	now     time.Time
	finds   func(provider string) bool // whether it can look for a room by its key
	// What this run has come to: rooms that failed or must be waited for, rooms whose link was
	// written whatever the booking says of it, and whether the note of a problem was taken away.
	skip    map[int64]bool
	written map[int64]bool
	told    bool
	late    func(provider string) time.Duration // how long a call that was not answered may still take effect
}

// decide says what is to be done next about a booking. It is pure; the caller does it, looks again
// and asks again, until there is nothing to do.
func decide(s sight) action {
	switch {
	case s.want.Past:
		return s.past()
	case s.want.Needed:
		return s.needed()
	}
	return s.unneeded()
}

// needed brings the present room up, then the others down: people keep the link that they have
// until its successor stands in the event.
func (s sight) needed() action {
	cur := current(s.booking, s.rooms)
	if cur == nil {
		return action{do: intend, bump: s.linkGiven()}
	}
	if !s.skip[cur.ID] {
		if a := s.raise(cur); a.do != nothing {
			return a
		}
	}
	until := s.want.Look
	if conference.RoomState(cur.State) == conference.RoomLive {
		until = earliest(until, lateUntil(cur, s.late))
	}
	settled := conference.RoomState(cur.State) == conference.RoomLive && s.linked(cur)
	return s.lower(func(r *store.Room) bool {
		if r.ID == cur.ID {
			return false
		}
		state := conference.RoomState(r.State)
		return settled || state == conference.RoomReleasing || state == conference.RoomIntended
	}, until)
}

// raise says what the present room lacks.
func (s sight) raise(r *store.Room) action {
	switch conference.RoomState(r.State) {
	case conference.RoomIntended:
		return action{do: reserve, room: r.ID}
	case conference.RoomCreating:
		// Another call could make a second conference while the effect of the last one is
		// unknown (design §6, 3).
		if r.Unclear && s.finds(r.Provider) {
			return action{do: find, room: r.ID}
		}
		return action{do: reserve, room: r.ID}
	case conference.RoomHistory:
		// The event was moved from the past into the future: the link that people have goes on
		// working, unless the service says that the meeting is over.
		return action{do: update, room: r.ID}
	}
	if !s.linked(r) {
		return action{do: write, room: r.ID}
	}
	if _, text, err := meetingOf(s.want, r); err == nil && text != r.Meeting {
		return action{do: update, room: r.ID}
	}
	// An update that was not answered may still come, after a newer one: the room is brought to
	// what is wanted once more when it cannot come any longer.
	if r.Unclear && !lateUntil(r, s.late).After(s.now) {
		return action{do: update, room: r.ID}
	}
	if s.booking.Problem != "" && !s.told {
		return action{do: unmark, room: r.ID}
	}
	return action{do: nothing}
}

// unneeded brings every room down, once it is time.
func (s sight) unneeded() action {
	all := func(*store.Room) bool { return true }
	if s.want.ReleaseAt.After(s.now) {
		if slices.ContainsFunc(s.rooms, func(r store.Room) bool { return open(&r) }) {
			return action{do: nothing, until: earliest(s.want.ReleaseAt, s.want.Look)}
		}
		return action{do: nothing, until: s.want.Look}
	}
	return s.lower(all, s.want.Look)
}

// past leaves what people had the link of as history, and brings down the rest: superseded rooms,
// rooms that nobody ever learned of, and a room whose own meeting has not begun, because its event
// was moved into the past without it.
func (s sight) past() action {
	cur := current(s.booking, s.rooms)
	for i := range s.rooms {
		r := &s.rooms[i]
		had := cur != nil && r.ID == cur.ID || r.JoinURL != "" && r.JoinURL == s.booking.Link
		if had && conference.RoomState(r.State) == conference.RoomLive && !r.Start.After(s.now) {
			return action{do: keep, room: r.ID}
		}
	}
	if s.want.ReleaseAt.After(s.now) && slices.ContainsFunc(s.rooms, func(r store.Room) bool { return open(&r) }) {
		return action{do: nothing, until: s.want.ReleaseAt}
	}
	return s.lower(func(*store.Room) bool { return true }, s.want.Look)
}

// lower says how the next of the rooms that are chosen comes down, those that failed least first,
// so that one that cannot be reached does not stand before another.
func (s sight) lower(chosen func(*store.Room) bool, until time.Time) action {
	var rooms []*store.Room
	for i := range s.rooms {
		if r := &s.rooms[i]; open(r) && !s.skip[r.ID] && chosen(r) {
			rooms = append(rooms, r)
		}
	}
	if len(rooms) == 0 {
		return action{do: nothing, until: until}
	}
	byAttempts(rooms)
	r := rooms[0]
	state := conference.RoomState(r.State)
	switch {
	case state == conference.RoomIntended:
		return action{do: forget, room: r.ID}
	case state == conference.RoomLive:
		return action{do: release, room: r.ID}
	case r.Unclear && s.finds(r.Provider):
		return action{do: find, room: r.ID}
	case len(r.Refs) == 0:
		return action{do: forget, room: r.ID}
	}
	return action{do: release, room: r.ID}
}

// linked tells whether r's link stands in the event.
func (s sight) linked(r *store.Room) bool {
	return s.written[r.ID] || r.JoinURL != "" && s.booking.Link == r.JoinURL
}

// linkGiven tells whether a link of the present generation may be known to people.
func (s sight) linkGiven() bool {
	return slices.ContainsFunc(s.rooms, func(r store.Room) bool {
		return r.Generation == s.booking.Generation && r.JoinURL != ""
	})
}

// current is the room that is, or is to be, the booking's: of its generation and provider and not
// on its way out. It is nil if there is none.
func current(b *store.Booking, rooms []store.Room) *store.Room {
	var cur *store.Room
	rank := func(r *store.Room) int {
		switch conference.RoomState(r.State) {
		case conference.RoomLive:
			return 3
		case conference.RoomCreating, conference.RoomIntended:
			return 2
		case conference.RoomHistory:
			return 1
		}
		return 0
	}
	for i := range rooms {
		r := &rooms[i]
		if r.Generation != b.Generation || r.Provider != b.Provider || rank(r) == 0 {
			continue
		}
		if cur == nil || rank(r) > rank(cur) || rank(r) == rank(cur) && r.ID > cur.ID {
			cur = r
		}
	}
	return cur
}

// open tells whether something may still have to be done about r.
func open(r *store.Room) bool {
	state := conference.RoomState(r.State)
	return state != conference.RoomGone && state != conference.RoomHistory
}

func byAttempts(rooms []*store.Room) {
	slices.SortFunc(rooms, func(a, b *store.Room) int {
		return cmp.Or(cmp.Compare(a.Attempts, b.Attempts), cmp.Compare(a.ID, b.ID))
	})
}

// noAnswer begins the LastError of a room whose last call was not answered at all: the service may
// still be about to do what it was asked.
const noAnswer = "no answer"

// lateUntil is until when an unanswered call for r may still take effect; zero if it was answered.
func lateUntil(r *store.Room, late func(provider string) time.Duration) time.Time {
	if !r.Unclear || !strings.HasPrefix(r.LastError, noAnswer) {
		return time.Time{}
	}
	return r.Updated.Add(late(r.Provider))
}

// earliest is the earliest of the times that are set; zero if none is.
func earliest(times ...time.Time) time.Time {
	var min time.Time
	for _, t := range times {
		if !t.IsZero() && (min.IsZero() || t.Before(min)) {
			min = t
		}
	}
	return min
}
