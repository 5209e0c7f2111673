package booking

import (
	"testing"
	"time"

	"joinery/conference"
	"joinery/store"
)

// The table of decisions about occurrences (docs/conferences.md, "Recurring events"): a booking holds one room, which is brought
// from one occurrence to the next, or left to its people.
func TestDecideSeries(t *testing.T) {
	// The room's occurrence was from 10 to 11 o'clock; the next one is tomorrow unless a case says
	// otherwise.
	at := func(hour, minute int) time.Time { return time.Date(2031, 5, 6, hour, minute, 0, 0, time.UTC) }
	start, end := at(10, 0), at(11, 0)
	tomorrow := start.AddDate(0, 0, 1)
	wantAt := func(next time.Time) Want {
		return Want{
			Needed: true, Occurrence: "next", Link: "join", Look: next.Add(time.Hour),
			Meeting: conference.Meeting{Title: "Plan", Start: next, End: next.Add(time.Hour)},
		}
	}
	next := wantAt(tomorrow)
	room := func(status conference.Status, change ...func(*store.Room)) store.Room {
		r := store.Room{
			ID: 1, Generation: 1, Provider: "a", Key: "k", State: string(conference.RoomLive), Refs: map[string]string{"event": "e"},
			JoinURL: "one", Start: start, End: end, Occurrence: "this", Status: string(status), Meeting: "{}",
		}
		for _, f := range change {
			f(&r)
		}
		return r
	}
	askAt := func(at time.Time) func(*store.Room) { return func(r *store.Room) { r.AskAt = at } }
	heardAt := func(at time.Time) func(*store.Room) { return func(r *store.Room) { r.StatusAt = at } }
	state := func(s conference.RoomState) func(*store.Room) {
		return func(r *store.Room) { r.State = string(s) }
	}
	brought := func(r *store.Room) { // to what next asks for
		r.Occurrence, r.Start, r.End = "next", tomorrow, tomorrow.Add(time.Hour)
		_, r.Meeting, _ = meetingOf(next, r)
	}
	const (
		planned, live, ended = conference.StatusPlanned, conference.StatusLive, conference.StatusEnded
	)
	can := abilities{finds: true, states: true, stops: true, enrolls: true}
	people := next
	people.People = []conference.Participant{{Person: conference.Person{Email: "boris@example.org"}, Role: conference.RoleGuest}}

	named := wantAt(start)
	again := next
	again.Occurrence = "this"
	longer := wantAt(start)
	longer.Occurrence, longer.Meeting.End = "this", at(11, 30)

	for _, c := range []struct {
		name    string
		now     time.Time
		want    Want
		room    store.Room
		problem string
		asked   bool
		can     *abilities
		taken   bool
		next    action
	}{
		{name: "its time is over: ask", now: end, want: next, room: room(""), next: action{do: ask, room: 1}},
		{name: "it took place", now: end, want: next, room: room(ended), asked: true, next: action{do: keep, room: 1}},
		{name: "nobody came", now: end, want: next, room: room(planned), asked: true, next: action{do: update, room: 1}},
		{name: "it goes on", now: end, want: next, room: room(live, askAt(at(11, 5))), asked: true, next: action{do: nothing, until: at(11, 5)}},
		{name: "it goes on, asked a moment ago", now: at(11, 3), want: next, room: room(live, askAt(at(11, 5))), next: action{do: nothing, until: at(11, 5)}},
		{name: "it goes on, ask again", now: at(11, 5), want: next, room: room(live, askAt(at(11, 5))), next: action{do: ask, room: 1}},
		{name: "two hours later", now: at(13, 0), want: next, room: room(live, askAt(at(13, 5))), asked: true, next: action{do: leave, room: 1}},
		{name: "half an hour before the next", now: at(12, 0), want: wantAt(at(12, 30)), room: room(live, askAt(at(12, 5))), asked: true, next: action{do: leave, room: 1}},
		{name: "not yet half an hour before", now: at(11, 58), want: wantAt(at(12, 30)), room: room(live, askAt(at(12, 3))), asked: true, next: action{do: nothing, until: at(12, 0)}},
		{name: "never before its own end", now: at(10, 40), want: wantAt(at(11, 0)), room: room(live, askAt(at(10, 45))), asked: true, next: action{do: nothing, until: at(10, 45)}},
		{name: "at its end, the next one begins", now: end, want: wantAt(at(11, 0)), room: room(live, askAt(at(11, 5))), asked: true, next: action{do: leave, room: 1}},
		{name: "its occurrence was taken out: moved", now: at(8, 0), want: next, room: room(planned), asked: true, next: action{do: update, room: 1}},
		{name: "its occurrence was taken out while people are in it", now: at(10, 30), want: next, room: room(live, askAt(at(10, 35))), asked: true, next: action{do: nothing, until: at(10, 35)}},
		{name: "who cannot be asked goes by the clock", now: end, want: next, room: room(""), can: &abilities{}, next: action{do: keep, room: 1}},
		{name: "who cannot be asked is moved before", now: at(8, 0), want: next, room: room(""), can: &abilities{}, next: action{do: update, room: 1}},
		{name: "who does not say is waited for", now: end, want: next, room: room("", askAt(at(11, 5))), asked: true, next: action{do: nothing, until: at(11, 5)}},

		{name: "all is well", now: at(12, 0), want: next, room: room("", brought), next: action{do: nothing, until: tomorrow.Add(-early)}},
		{name: "a hint", now: at(12, 0), want: next, room: room("", brought, askAt(at(12, 0))), next: action{do: ask, room: 1}},
		{name: "ended before its time", now: at(12, 0), want: next, room: room(ended, brought), asked: true, next: action{do: keep, room: 1}},
		{name: "people are in it before its time", now: at(12, 0), want: next, room: room(live, brought, askAt(at(12, 15))), asked: true, next: action{do: nothing, until: at(12, 15)}},
		{name: "shortly before its time: ask", now: tomorrow.Add(-early), want: next, room: room("", brought), next: action{do: ask, room: 1}},
		{name: "shortly before its time: asked", now: tomorrow.Add(-early), want: next, room: room(planned, brought, heardAt(tomorrow.Add(-early))), next: action{do: nothing, until: next.Look}},
		{name: "booked shortly before its time", now: tomorrow.Add(-early), want: next, room: room("", brought, func(r *store.Room) { r.Created = tomorrow.Add(-early) }), next: action{do: nothing, until: next.Look}},
		{name: "people are to be registered", now: at(12, 0), want: people, room: room("", brought), next: action{do: enroll, room: 1}},
		{name: "people are registered", now: at(12, 0), want: people, room: room("", brought, func(r *store.Room) { r.People = encodePeople(people.People) }), next: action{do: nothing, until: tomorrow.Add(-early)}},
		{name: "who cannot register does not", now: at(12, 0), want: people, room: room("", brought), can: &abilities{states: true}, next: action{do: nothing, until: tomorrow.Add(-early)}},
		{name: "another meeting has the licence, people are in it", now: at(10, 40), want: longer, room: room(live), asked: true, taken: true, next: action{do: update, room: 1}},
		{name: "its status cannot be known, and it is to be moved forward", now: at(8, 0), want: wantAt(at(9, 0)), room: room("", askAt(at(8, 5))), asked: true, next: action{do: update, room: 1}},
		{name: "asked, and the bound has passed", now: at(12, 0), want: wantAt(at(12, 30)), room: room(live, askAt(at(12, 3)), heardAt(at(11, 58))), next: action{do: ask, room: 1}},
		{name: "a clock was wrong", now: end, want: next, room: room(live, askAt(end.AddDate(1, 0, 0))), next: action{do: ask, room: 1}},
		{name: "half made for a time that is over", now: end, want: next, room: room("", state(conference.RoomCreating)), next: action{do: release, room: 1}},
		{name: "left: nobody was there", now: at(12, 0), room: room(planned, state(conference.RoomLeft)), asked: true, next: action{do: release, room: 1}},
		{name: "another meeting has the licence at the new time", now: at(8, 0), want: next, room: room(planned), asked: true, taken: true, next: action{do: refuse, reason: "busy"}},

		{name: "its own occurrence is moved into the future after its time: ask", now: at(12, 0), want: again, room: room(live, askAt(at(12, 10))), next: action{do: ask, room: 1}},
		{name: "its own occurrence is moved into the future, it was held", now: at(12, 0), want: again, room: room(ended), asked: true, next: action{do: keep, room: 1}},
		{name: "its own occurrence is moved into the future, nobody had come", now: at(12, 0), want: again, room: room(planned), asked: true, next: action{do: update, room: 1}},
		{name: "its event becomes a series while people are in it", now: at(9, 50), want: named, room: room(live, askAt(at(10, 5))), next: action{do: update, room: 1}},
		{name: "no room yet, the licence is taken", now: at(8, 0), want: next, room: room("", state(conference.RoomGone)), taken: true, next: action{do: refuse, reason: "busy"}},
		{name: "history of before", now: at(12, 0), want: next, room: room(ended, state(conference.RoomHistory)), next: action{do: intend, account: "a"}},
		{name: "its own occurrence, held already, was moved", now: at(12, 0), want: next, room: room(ended, brought, state(conference.RoomHistory)), next: action{do: intend, account: "a"}},

		{name: "left: asked", now: at(12, 0), room: room(live, state(conference.RoomLeft)), next: action{do: ask, room: 1}},
		{name: "left: still in it", now: at(12, 0), room: room(live, state(conference.RoomLeft), askAt(at(12, 15))), asked: true, next: action{do: nothing, until: at(12, 15)}},
		{name: "left: gone home", now: at(12, 0), room: room(ended, state(conference.RoomLeft)), asked: true, next: action{do: keep, room: 1}},
		{name: "left: nobody ends it", now: at(13, 0), room: room(live, state(conference.RoomLeft), askAt(at(13, 15))), asked: true, next: action{do: stop, room: 1}},
		{name: "left: nobody ends it, heard before the program was ended", now: at(13, 5), room: room(live, state(conference.RoomLeft), askAt(at(13, 15)), heardAt(at(13, 1))), next: action{do: stop, room: 1}},
		{name: "left: the provider does not say whether it goes on", now: at(13, 0), room: room("", state(conference.RoomLeft), askAt(at(13, 15))), asked: true, next: action{do: stop, room: 1}},
		{name: "left: nobody can end it", now: at(13, 0), room: room(live, state(conference.RoomLeft), askAt(at(13, 15))), asked: true, can: &abilities{states: true}, next: action{do: keep, room: 1}},

		{name: "the last one is over", now: end, want: Want{Past: true}, room: room(""), next: action{do: ask, room: 1}},
		{name: "the last one took place", now: end, want: Want{Past: true}, room: room(ended), asked: true, next: action{do: keep, room: 1}},
		{name: "the last one goes on", now: end, want: Want{Past: true}, room: room(live, askAt(at(11, 15))), asked: true, next: action{do: nothing, until: at(11, 15)}},
		{name: "nobody came to the last one", now: end, want: Want{Past: true}, room: room(planned, askAt(at(11, 15))), asked: true, next: action{do: release, room: 1}},
		{name: "the series was cut before it", now: at(8, 0), want: Want{Past: true, ReleaseAt: at(8, 1)}, room: room(""), next: action{do: nothing, until: at(8, 1)}},
		{name: "the series was cut before it, settled", now: at(8, 1), want: Want{Past: true, ReleaseAt: at(8, 1)}, room: room(planned), asked: true, next: action{do: release, room: 1}},
		{name: "the series was cut before it, people are in it", now: at(9, 55), want: Want{Past: true, ReleaseAt: at(8, 1)}, room: room(live, askAt(at(10, 10))), asked: true, next: action{do: nothing, until: at(10, 10)}},

		{name: "deleted while it is live", now: at(10, 30), want: Want{GivenUp: at(10, 30)}, room: room(live), asked: true, next: action{do: release, room: 1}},
		{name: "deleted before, seen late", now: at(12, 0), want: Want{GivenUp: at(9, 0)}, room: room(planned), asked: true, next: action{do: release, room: 1}},
		{name: "deleted when it had begun: ask", now: at(10, 50), want: Want{GivenUp: at(10, 45)}, room: room(""), next: action{do: ask, room: 1}},
		{name: "deleted when it was over before its end", now: at(10, 50), want: Want{GivenUp: at(10, 45)}, room: room(ended, heardAt(at(10, 50))), asked: true, next: action{do: keep, room: 1}},
		{name: "deleted before it begins", now: at(9, 0), want: Want{GivenUp: at(9, 0)}, room: room(""), next: action{do: release, room: 1}},
		{name: "deleted after it took place", now: at(12, 0), want: Want{GivenUp: at(11, 30)}, room: room(""), next: action{do: ask, room: 1}},
		{name: "deleted after it took place: history", now: at(12, 0), want: Want{GivenUp: at(11, 30)}, room: room(ended), asked: true, next: action{do: keep, room: 1}},
		{name: "deleted while it overruns", now: at(12, 0), want: Want{GivenUp: at(11, 30)}, room: room(live, askAt(at(12, 15))), asked: true, next: action{do: leave, room: 1}},

		{name: "another booking has the next one", now: at(8, 0), want: Want{Idle: true, Look: at(9, 0)}, room: room(planned), asked: true, next: action{do: release, room: 1}},
		{name: "another booking has the next one, people are in it", now: at(8, 0), want: Want{Idle: true, Look: at(9, 0)}, room: room(live, askAt(at(8, 15))), asked: true, next: action{do: nothing, until: at(8, 15)}},
		{name: "its link is given before there is a room", now: at(8, 0), want: Want{Idle: true, Link: "own"}, room: room("", state(conference.RoomGone)), next: action{do: write}},
		{name: "no next one can be known while people are in it", now: at(10, 30), want: Want{Refused: "other"}, problem: "other", room: room(live, askAt(at(10, 45))), asked: true, next: action{do: nothing, until: at(10, 45)}},
		{name: "no next one can be known", now: at(8, 0), want: Want{Refused: "series"}, room: room("", state(conference.RoomGone)), next: action{do: refuse, reason: "series"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.can == nil {
				c.can = &can
			}
			progress := newProgress()
			progress.asked[1] = c.asked
			got := decide(sight{
				booking: &store.Booking{Generation: 1, Provider: "a", Link: "join", Problem: c.problem}, rooms: []store.Room{c.room}, want: c.want, now: c.now,
				able: func(string) abilities { return *c.can }, late: within(30 * time.Second),
				accounts: []place{{name: "a", taken: c.taken}}, progress: progress,
			})
			if got != c.next {
				t.Errorf("got %+v, want %+v", got, c.next)
			}
		})
	}
}
