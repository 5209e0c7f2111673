package booking

import (
	"context"
	"testing"
	"time"

	"joinery/conference"
)

// An attended account knows its meetings' people too, and may crash around each call about them.
type attended struct{ findingAccount }

func (a attended) Status(ctx context.Context, r conference.Room) (conference.Status, error) {
	if err := a.at("before status", ""); err != nil {
		return "", err
	}
	status, err := a.findingAccount.Status(ctx, r)
	if crash := a.at("after status", ""); crash != nil {
		return "", crash
	}
	return status, err
}

func (a attended) Enroll(_ context.Context, _ conference.Room, people []conference.Participant, _ []conference.Registration) ([]conference.Registration, error) {
	if err := a.at("before enroll", ""); err != nil {
		return nil, err
	}
	var out []conference.Registration
	for _, p := range people {
		out = append(out, conference.Registration{Email: p.Email, Role: p.Role, Ref: "place of " + p.Email})
	}
	return out, a.at("after enroll", "")
}

// A crash at any point of what happens to a series' room, and another one soon after it, leave one
// conference, of the right occurrence and with its people.
func TestCrashesOfSeries(t *testing.T) {
	f := newFixture(t, "a")
	f.opts.Providers = map[string]conference.Provider{
		"a": conference.Guard(attended{findingAccount{account{f.services["a"]}}}, conference.GuardOptions{Name: "a", Timeout: 2 * time.Second}),
	}
	today := time.Now().Truncate(time.Minute)
	occurrence := func(name string, days int) func(*Want) {
		return func(w *Want) {
			w.Occurrence = name
			w.Meeting.Start = today.AddDate(0, 0, days)
			w.Meeting.End = w.Meeting.Start.Add(time.Hour)
			w.People = []conference.Participant{{Person: conference.Person{Email: name + "@example.org"}, Role: conference.RoleGuest}}
		}
	}
	to := func(name string, days int) func(int64) {
		return func(id int64) { f.save(id, occurrence(name, days), nil) }
	}
	ended := func(int64) {
		a := f.services["a"]
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, c := range a.confs {
			c.ended = true
		}
	}
	deleted := func(id int64) { f.save(id, drop, dropped) }
	for _, c := range []struct {
		name           string
		before, during []func(int64)
	}{
		{name: "moved on", before: []func(int64){to("two", 2)}},
		{name: "moved on and back", before: []func(int64){to("two", 2)}, during: []func(int64){to("one", 1)}},
		{name: "moved on twice", before: []func(int64){to("two", 2)}, during: []func(int64){to("three", 3)}},
		{name: "moved on and deleted", before: []func(int64){to("two", 2)}, during: []func(int64){deleted}},
		{name: "moved on and ended by hand", before: []func(int64){to("two", 2)}, during: []func(int64){ended}},
		{name: "ended", before: []func(int64){ended, to("two", 2)}},
		{name: "ended and deleted", before: []func(int64){ended, to("two", 2)}, during: []func(int64){deleted}},
		{name: "over", before: []func(int64){ended, func(id int64) { f.save(id, func(w *Want) { w.Past, w.Needed = true, false }, nil) }}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.t = t
			for n := 1; ; n++ {
				id := f.book("a", "Plan")
				f.save(id, occurrence("one", 1), nil)
				f.rest(id)
				for _, do := range c.before {
					do(id)
				}
				place := f.crashAt(n, id)
				for _, do := range c.during {
					do(id)
				}
				f.crashAt(1+(n*5)%11, id)
				f.rest(id)
				f.wantOccurrence(id)
				f.check()
				if t.Failed() {
					t.Fatalf("after a crash %s (%d)", place, n)
				}
				f.clean(id)
				if place == "" {
					return
				}
			}
		})
	}
}

// rest runs a reconciler until nothing is to be done about a booking.
func (f *fixture) rest(id int64) {
	f.t.Helper()
	stop := f.start()
	f.settle(id)
	stop()
}

// wantOccurrence checks that a booking has one room, of the occurrence and with the people that are
// wanted, or none.
func (f *fixture) wantOccurrence(id int64) {
	f.t.Helper()
	want := f.cal.all()[id]
	_, rooms := f.booking(id)
	n := 0
	for _, r := range rooms {
		if conference.RoomState(r.State) != conference.RoomLive {
			continue
		}
		n++
		if r.Occurrence != want.Occurrence || r.People != encodePeople(want.People) {
			f.t.Errorf("the room is of %q with %s, want %q with %s", r.Occurrence, r.People, want.Occurrence, encodePeople(want.People))
		}
	}
	if wanted := map[bool]int{true: 1}[want.Needed]; n != wanted {
		f.t.Errorf("%d rooms, want %d", n, wanted)
	}
}
