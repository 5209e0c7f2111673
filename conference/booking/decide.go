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
	write   verb = "write"   // write the live room's link, or the booking's own, into the event
	unmark  verb = "unmark"  // take the note of a problem out of the event
	refuse  verb = "refuse"  // note in the event why there is no room
	forget  verb = "forget"  // the room was never made: it is gone
	keep    verb = "keep"    // the meeting took place: the room is history
	leave   verb = "leave"   // its time is over, people are in it: watch it

	find    verb = "find"
	reserve verb = "reserve"
	update  verb = "update"
	release verb = "release"
	ask     verb = "ask"    // for the meeting's status
	stop    verb = "stop"   // a meeting that nobody ends
	enroll  verb = "enroll" // bring the room's people up to date
)

func (v verb) remote() bool {
	switch v {
	case find, reserve, update, release, ask, stop, enroll:
		return true
	}
	return false
}

// An action is the one thing that is to be done next.
type action struct {
	do      verb
	room    int64     // id; 0 for nothing, intend, refuse, and to write a booking's own link
	bump    bool      // intend: a link of this generation was given away, so the new room is of the next
	account string    // intend: where
	reason  string    // refuse: why
	until   time.Time // nothing: when to look again; zero: only when touched
}

// A sight is all that decide looks at.
type sight struct {
	booking *store.Booking
	rooms   []store.Room
	want    Want
	now     time.Time
	// accounts are where the booking's room may be, the preferred one first.
	accounts []place
	able     func(provider string) abilities
	late     func(provider string) time.Duration // how long a call that was not answered may still take effect
	// What this run has come to.
	progress
}

// abilities are what an account's provider can do besides the contract.
type abilities struct{ finds, states, stops, enrolls bool }

// progress is what a run has come to, by rooms' ids: which failed or must be waited for, whose link
// was written whatever the booking says of it (0: the booking's own), whose status was asked; and
// whether the note of a problem was taken away or made.
type progress struct {
	skip, written, asked map[int64]bool
	told                 bool
}

func newProgress() progress {
	return progress{skip: map[int64]bool{}, written: map[int64]bool{}, asked: map[int64]bool{}}
}

// busyRetry is when an account is looked for again that has no other meeting at the time.
const busyRetry = 10 * time.Minute

// decide says what is to be done next about a booking. It is pure; the caller does it, looks again
// and asks again, until there is nothing to do.
func decide(s sight) action {
	var a action
	switch {
	case s.want.Past:
		a = s.past()
	case s.want.Needed:
		a = s.needed()
	default:
		a = s.unneeded()
	}
	if a.do != nothing {
		return a
	}
	w := s.watch()
	if w.do != nothing {
		return w
	}
	until := earliest(w.until, a.until)
	if cur := s.current(); s.want.Needed && !s.want.Past && cur != nil && s.peopleDiffer(cur) {
		return action{do: enroll, room: cur.ID}
	}
	return action{do: nothing, until: until}
}

// needed brings the present room up, then the others down: people keep the link that they have
// until its successor stands in the event. Who has the meeting in the own account comes last.
func (s sight) needed() action {
	cur := s.current()
	if cur == nil {
		return s.begin(s.want.Link == "" && s.linkGiven())
	}
	until := s.want.Look
	if !s.skip[cur.ID] {
		a := s.raise(cur)
		if a.do != nothing {
			return a
		}
		until = earliest(until, a.until)
	}
	if stateOf(cur) == conference.RoomLive {
		until = earliest(until, lateUntil(cur, s.late), s.looksAt(cur))
	}
	settled := stateOf(cur) == conference.RoomLive && s.linked(cur)
	if unused := s.unused(cur); settled && unused != nil {
		return action{do: release, room: unused.ID}
	}
	return s.lower(func(r *store.Room) bool {
		if r.ID == cur.ID {
			return false
		}
		state := stateOf(r)
		return settled || state == conference.RoomReleasing || state == conference.RoomIntended
	}, until)
}

// unused is a room that was kept although nobody ever came to it, as its event's time had passed; now
// the event has another one.
func (s sight) unused(cur *store.Room) *store.Room {
	for i := range s.rooms {
		r := &s.rooms[i]
		if r.ID != cur.ID && stateOf(r) == conference.RoomHistory && conference.Status(r.Status) == conference.StatusPlanned && !s.skip[r.ID] {
			return r
		}
	}
	return nil
}

// refuse notes why there is no room, once, and waits.
func (s sight) refuse(reason string, until time.Time) action {
	if s.booking.Problem != reason && !s.told {
		return action{do: refuse, reason: reason}
	}
	return action{do: nothing, until: earliest(until, s.want.Look)}
}

// raise says what the present room lacks.
func (s sight) raise(r *store.Room) action {
	switch stateOf(r) {
	case conference.RoomIntended:
		return action{do: reserve, room: r.ID}
	case conference.RoomCreating:
		// Another call could make a second conference while the effect of the last one is
		// unknown.
		if r.Unclear && s.able(r.Provider).finds {
			return action{do: find, room: r.ID}
		}
		if r.Occurrence != s.want.Occurrence && len(r.Refs) > 0 && !r.End.After(s.now) {
			// Half made for a time that is over; finished now it would begin at once.
			return action{do: release, room: r.ID}
		}
		return action{do: reserve, room: r.ID}
	case conference.RoomHistory:
		// The event was moved from the past into the future: the link that people have goes on
		// working, unless the service says that the meeting is over.
		return action{do: update, room: r.ID}
	}
	if a, turns := s.turn(r); turns {
		return a
	}
	if !s.linked(r) {
		return action{do: write, room: r.ID}
	}
	if _, text, err := meetingOf(s.want, r); err == nil && (text != r.Meeting || r.Occurrence != s.want.Occurrence) {
		moved := !r.Start.Equal(s.want.Meeting.Start) || !r.End.Equal(s.want.until())
		if moved && s.taken(r.Provider) && r.Start.After(s.now) {
			if s.able(r.Provider).states && !s.asked[r.ID] {
				return action{do: ask, room: r.ID}
			}
			if conference.Status(r.Status) != conference.StatusLive {
				return s.begin(true)
			}
		}
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

// early is how long before its start a room is looked at, so that people do not come to one that
// somebody has ended or deleted.
const early = 30 * time.Minute

// looksAt is when a live room's status is to be asked for before its meeting; zero: not any more.
func (s sight) looksAt(r *store.Room) time.Time {
	if !s.able(r.Provider).states || !s.now.Before(s.want.Meeting.Start) {
		return time.Time{}
	}
	if !r.AskAt.IsZero() {
		return r.AskAt
	}
	if at := s.want.Meeting.Start.Add(-early); r.Created.Before(at) && r.StatusAt.Before(at) {
		return at
	}
	return time.Time{}
}

// turn says what becomes of a live room that is of another occurrence than the wanted one, or of
// whose meeting there may be news. turns is false where it simply stays, or is brought up to date in
// place: one at the very time that is wanted is the wanted meeting by another name, as when its event
// becomes a series while people are in it. A meeting that has not begun
// is brought to the wanted occurrence, also one that nobody came to; one that took place is history;
// one with people in it is waited for, within bounds, and then left to them.
func (s sight) turn(r *store.Room) (a action, turns bool) {
	other := r.Occurrence != s.want.Occurrence && !r.Start.Equal(s.want.Meeting.Start)
	at := s.looksAt(r)
	due := s.askDue(r) || !at.IsZero() && !at.After(s.now) || s.revived(r)
	if !s.asked[r.ID] && !other && !due {
		return action{}, false
	}
	if !s.able(r.Provider).states {
		if other && !r.End.After(s.now) {
			return action{do: keep, room: r.ID}, true
		}
		return action{}, false
	}
	if s.revived(r) && !s.asked[r.ID] {
		return action{do: ask, room: r.ID}, true
	}
	until := leaveAt(r, s.want.Meeting.Start)
	if a, waits := s.askFirst(r, until); waits {
		return a, true
	}
	status := conference.Status(r.Status)
	if status == "" && r.Start.After(s.now) {
		status = conference.StatusPlanned
	}
	switch {
	case status == conference.StatusEnded && (other || s.now.Before(s.want.Meeting.Start)):
		// Ended before its time, it did not hold the meeting.
		return action{do: keep, room: r.ID}, true
	case !other || status == conference.StatusPlanned:
		return action{}, false
	}
	if !until.After(s.now) {
		return action{do: leave, room: r.ID}, true
	}
	return action{do: nothing, until: earliest(until, r.AskAt)}, true
}

// revived tells whether r's time is over and its event was moved into the future: its meeting may have
// been held.
func (s sight) revived(r *store.Room) bool {
	return r.Occurrence == s.want.Occurrence && !r.End.After(s.now) && s.now.Before(s.want.Meeting.Start)
}

// leaveAt is until when the next occurrence waits for a meeting that goes on: two hours after its end
// or half an hour before the next start, whichever comes first, but never before its own end.
func leaveAt(r *store.Room, next time.Time) time.Time {
	at := r.End.Add(conference.MaxOverrun)
	if early := next.Add(-30 * time.Minute); early.Before(at) {
		at = early
	}
	if at.Before(r.End) {
		return r.End
	}
	return at
}

// peopleDiffer tells whether the people of r's meeting are not those that the provider has.
func (s sight) peopleDiffer(r *store.Room) bool {
	return s.want.People != nil && stateOf(r) == conference.RoomLive && !s.skip[r.ID] && s.linked(r) &&
		r.Occurrence == s.want.Occurrence && s.able(r.Provider).enrolls && r.End.After(s.now) &&
		conference.Status(r.Status) != conference.StatusEnded && encodePeople(s.want.People) != r.People
}

// linked tells whether the link that leads to r stands in the event.
func (s sight) linked(r *store.Room) bool {
	link := cmp.Or(s.want.Link, r.JoinURL)
	return s.written[r.ID] || link != "" && s.booking.Link == link
}

// linkGiven tells whether a link of the present generation may be known to people.
func (s sight) linkGiven() bool {
	return slices.ContainsFunc(s.rooms, func(r store.Room) bool {
		return r.Generation == s.booking.Generation && r.JoinURL != ""
	})
}

// current is the room that is, or is to be, the booking's: of its generation, at one of its accounts
// and not on its way out. It is nil if there is none. A room whose meeting took place serves its own
// occurrence again, if that was moved into the future and the meeting is not known to have ended.
func (s sight) current() *store.Room {
	var cur *store.Room
	rank := func(r *store.Room) int {
		switch stateOf(r) {
		case conference.RoomLive:
			return 3
		case conference.RoomCreating, conference.RoomIntended:
			return 2
		case conference.RoomHistory:
			if r.Occurrence == s.want.Occurrence && conference.Status(r.Status) != conference.StatusEnded {
				return 1
			}
		}
		return 0
	}
	for i := range s.rooms {
		r := &s.rooms[i]
		if r.Generation != s.booking.Generation || !s.serves(r.Provider) || rank(r) == 0 {
			continue
		}
		if cur == nil || rank(r) > rank(cur) || rank(r) == rank(cur) && r.ID > cur.ID {
			cur = r
		}
	}
	return cur
}

// serves tells whether the booking's room may be at an account.
func (s sight) serves(account string) bool {
	return slices.ContainsFunc(s.accounts, func(p place) bool { return p.name == account })
}

func stateOf(r *store.Room) conference.RoomState { return conference.RoomState(r.State) }

// open tells whether r may still have to be brought up or down.
func open(r *store.Room) bool {
	switch stateOf(r) {
	case conference.RoomGone, conference.RoomHistory, conference.RoomLeft:
		return false
	}
	return true
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
