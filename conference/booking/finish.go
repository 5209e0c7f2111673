package booking

import (
	"slices"
	"time"

	"joinery/conference"
	"joinery/store"
)

// unneeded brings every room down, once it is time.
func (s sight) unneeded() action {
	if s.want.Refused != "" {
		if a := s.refuse(s.want.Refused, time.Time{}); a.do != nothing {
			return a
		}
	}
	if s.want.Idle && s.want.Link != "" && s.booking.Link != s.want.Link && !s.written[0] {
		return action{do: write}
	}
	if s.want.ReleaseAt.After(s.now) {
		if slices.ContainsFunc(s.rooms, func(r store.Room) bool { return open(&r) }) {
			return action{do: nothing, until: earliest(s.want.ReleaseAt, s.want.Look)}
		}
		return action{do: nothing, until: s.want.Look}
	}
	return s.lower(func(*store.Room) bool { return true }, s.want.Look)
}

// past leaves what people had the link of as history, and brings down the rest: superseded rooms,
// rooms that nobody ever learned of, and a room whose own meeting has not begun, because its event
// was moved into the past without it.
func (s sight) past() action {
	cur := s.current()
	until := s.want.Look
	held := map[int64]bool{}
	for i := range s.rooms {
		r := &s.rooms[i]
		had := r.Occurrence != "" || cur != nil && r.ID == cur.ID || r.JoinURL != "" && r.JoinURL == s.booking.Link
		if !had || stateOf(r) != conference.RoomLive || r.Start.After(s.now) || s.skip[r.ID] {
			continue
		}
		held[r.ID] = true
		a := s.finish(r)
		if a.do == release && s.want.ReleaseAt.After(s.now) {
			a = action{do: nothing, until: s.want.ReleaseAt}
		}
		if a.do != nothing {
			return a
		}
		until = earliest(until, a.until)
	}
	rest := func(r *store.Room) bool { return !held[r.ID] }
	if s.want.ReleaseAt.After(s.now) && slices.ContainsFunc(s.rooms, func(r store.Room) bool { return open(&r) && rest(&r) }) {
		return action{do: nothing, until: earliest(s.want.ReleaseAt, until)}
	}
	return s.lower(rest, until)
}

// watch finishes the rooms that were left with people in them.
func (s sight) watch() action {
	var until time.Time
	for i := range s.rooms {
		r := &s.rooms[i]
		if stateOf(r) != conference.RoomLeft || s.skip[r.ID] {
			continue
		}
		a := s.finish(r)
		if a.do != nothing {
			return a
		}
		until = earliest(until, a.until)
	}
	return action{do: nothing, until: until}
}

// finish says what is done about a room whose meeting's time is over and that nothing follows in: it
// is history once the meeting has ended, and the meeting is ended where nobody does it. One that
// nobody came to may still begin late; one of a series is released as unused.
func (s sight) finish(r *store.Room) action {
	can := s.able(r.Provider)
	if !can.states {
		return action{do: keep, room: r.ID}
	}
	last := r.End.Add(conference.MaxOverrun)
	if a, waits := s.askFirst(r, last); waits {
		return a
	}
	switch status := conference.Status(r.Status); {
	case status == conference.StatusEnded:
		return action{do: keep, room: r.ID}
	case status == conference.StatusPlanned && r.Occurrence != "":
		return action{do: release, room: r.ID}
	case last.After(s.now):
		return action{do: nothing, until: earliest(r.AskAt, last)}
	case status != conference.StatusPlanned && can.stops:
		return action{do: stop, room: r.ID}
	}
	return action{do: keep, room: r.ID}
}

// askDue tells whether the provider is to be asked for r's status now. A time further away than any
// that is set was set by a clock that was wrong.
func (s sight) askDue(r *store.Room) bool {
	return !r.AskAt.IsZero() && (!r.AskAt.After(s.now) || r.AskAt.After(s.now.Add(askEvery)))
}

// askFirst has the status asked for, once in a run. It waits where it was asked earlier and is not
// due again; at deadline it is due in any case, and what was heard since then is enough.
func (s sight) askFirst(r *store.Room, deadline time.Time) (a action, waits bool) {
	passed := !deadline.After(s.now)
	switch {
	case s.asked[r.ID]:
		return action{}, false
	case r.AskAt.IsZero() || s.askDue(r) || passed && r.StatusAt.Before(deadline):
		return action{do: ask, room: r.ID}, true
	case passed:
		return action{}, false
	}
	return action{do: nothing, until: earliest(r.AskAt, deadline)}, true
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
	byAttempts(rooms)
	for _, r := range rooms {
		a := s.down(r)
		if a.do != nothing {
			return a
		}
		until = earliest(until, a.until)
	}
	return action{do: nothing, until: until}
}

// down says how r comes down.
func (s sight) down(r *store.Room) action {
	state := stateOf(r)
	switch {
	case state == conference.RoomIntended:
		return action{do: forget, room: r.ID}
	case state == conference.RoomLive && !s.given(r) && r.Occurrence != "":
		return s.retire(r)
	case state == conference.RoomLive:
		return s.end(r)
	case r.Unclear && s.able(r.Provider).finds:
		return action{do: find, room: r.ID}
	case len(r.Refs) == 0:
		return action{do: forget, room: r.ID}
	}
	return action{do: release, room: r.ID}
}

// given tells whether somebody gave r up before its meeting was over: the conference was removed, its
// event deleted or cancelled, or another link asked for. Otherwise time or the calendar passed it by.
func (s sight) given(r *store.Room) bool {
	at := s.want.GivenUp
	if at.IsZero() && s.booking.Since.After(r.Created) {
		at = s.booking.Since
	}
	return !at.IsZero() && r.End.After(at)
}

// end brings down a room that was given up: at once, unless its meeting took place already.
func (s sight) end(r *store.Room) action {
	if !r.Start.After(s.now) && s.able(r.Provider).states && !s.asked[r.ID] {
		return action{do: ask, room: r.ID}
	}
	if conference.Status(r.Status) == conference.StatusEnded && !r.Start.After(r.StatusAt) {
		return action{do: keep, room: r.ID}
	}
	return action{do: release, room: r.ID}
}

// retire brings down a room of a series that is needed no more, without harm to a meeting that took
// place or has people in it.
func (s sight) retire(r *store.Room) action {
	if !s.able(r.Provider).states {
		if r.End.After(s.now) {
			return action{do: release, room: r.ID}
		}
		return action{do: keep, room: r.ID}
	}
	if a, waits := s.askFirst(r, r.End); waits {
		return a
	}
	switch status := conference.Status(r.Status); {
	case status == conference.StatusEnded:
		return action{do: keep, room: r.ID}
	case status == conference.StatusPlanned || status == "" && r.Start.After(s.now):
		return action{do: release, room: r.ID}
	case r.End.After(s.now):
		return action{do: nothing, until: earliest(r.AskAt, r.End)}
	}
	return action{do: leave, room: r.ID}
}
