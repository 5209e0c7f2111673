package providertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/conference"
)

func testReserve(t *testing.T, c Case) {
	m := c.meeting("key-1")
	var recorded []conference.Room
	room, err := c.Provider.Reserve(t.Context(), m, conference.Room{}, func(r conference.Room) error {
		recorded = append(recorded, r.Clone())
		return nil
	})
	if err != nil {
		t.Fatalf("Reserve: %v", err)
	}
	sameLink(t, room, c.one(t, m))
	if len(recorded) == 0 {
		t.Fatal("no step was recorded")
	}
	last := recorded[len(recorded)-1]
	if last.JoinURL != room.JoinURL || fmt.Sprint(last.Refs) != fmt.Sprint(room.Refs) {
		t.Errorf("recorded last: %+v, returned: %+v", last, room)
	}
	if len(recorded) != len(c.ReserveCalls) {
		t.Errorf("%d steps were recorded, the service took %d", len(recorded), len(c.ReserveCalls))
	}
	c.noMails(t)

	long := c.meeting("key-2")
	long.Title = strings.Repeat("Совещание 📅 ", 100)
	long.Kind = conference.KindWebinar
	long.Description = "Agenda:\none & two = three"
	long.Host = conference.Person{Email: "nobody@elsewhere.example"}
	c.reserve(t, long)
	for _, at := range c.Service.Conferences(t) {
		if at.Key == long.Key {
			c.matches(t, at, long)
		}
	}
}

func testZones(t *testing.T, c Case) {
	zones := []string{"Europe/Moscow", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "", "Custom/Office", "Local", "../etc/passwd"}
	// Winter, summer, and the hour that happens twice when summer time ends in Berlin and New York.
	year := c.Begin.Year() + 1
	starts := []time.Time{
		time.Date(year, 1, 15, 9, 30, 0, 0, time.UTC),
		time.Date(year, 7, 15, 21, 45, 0, 0, time.UTC),
	}
	for day := 24; day <= 31; day++ {
		if d := time.Date(year, 10, day, 0, 30, 0, 0, time.UTC); d.Weekday() == time.Sunday && d.AddDate(0, 0, 7).Month() != 10 {
			starts = append(starts, d, d.Add(time.Hour))
		}
	}
	want := make(map[string]conference.Meeting)
	for i, zone := range zones {
		for j, start := range starts {
			m := c.meeting(fmt.Sprintf("zone-%d-%d", i, j))
			m.Zone, m.Start, m.End = zone, start, start.Add(time.Hour)
			want[m.Key] = m
			c.reserve(t, m)
		}
	}
	for _, at := range c.Service.Conferences(t) {
		if m := want[at.Key]; !at.Start.Equal(m.Start) {
			t.Errorf("zone %q: the service has %v, want %v", m.Zone, at.Start, m.Start)
		}
		delete(want, at.Key)
	}
	if len(want) != 0 {
		t.Errorf("%d meetings are not at the service", len(want))
	}
}

func testResume(t *testing.T, c Case) {
	eachStep(t, func(key string, steps int) bool {
		m := c.meeting(key)
		known, ok := c.begin(t, m, steps)
		if !ok {
			if err := c.Provider.Release(t.Context(), known); err != nil {
				t.Errorf("Release: %v", err)
			}
			return false
		}
		before := c.Service.Calls(t, c.ReserveCalls[0])
		room := c.settle(t, m, known)
		at := c.one(t, m)
		sameLink(t, room, at)
		if known.JoinURL != "" && room.JoinURL != known.JoinURL {
			t.Errorf("after step %d the link changed from %q to %q", steps, known.JoinURL, room.JoinURL)
		}
		if after := c.Service.Calls(t, c.ReserveCalls[0]); after != before {
			t.Errorf("after step %d another conference was made", steps)
		}
		if err := c.Provider.Release(t.Context(), room); err != nil {
			t.Errorf("Release: %v", err)
		}
		return true
	})
	c.none(t)
}

func testResumeChanged(t *testing.T, c Case) {
	eachStep(t, func(key string, steps int) bool {
		m := c.meeting(key)
		known, ok := c.begin(t, m, steps)
		if ok {
			m.Title, m.Start, m.End = "Moved meanwhile", m.Start.Add(49*time.Hour), m.End.Add(50*time.Hour)
			known = c.settle(t, m, known)
			c.one(t, m)
		}
		if err := c.Provider.Release(t.Context(), known); err != nil {
			t.Errorf("Release: %v", err)
		}
		return ok
	})
}

func testResumeGone(t *testing.T, c Case) {
	m := c.meeting("key-1")
	known, _ := c.begin(t, m, 1)
	if err := c.Provider.Release(t.Context(), known); err != nil {
		t.Fatalf("Release: %v", err)
	}
	c.none(t)
	room := c.settle(t, m, known)
	sameLink(t, room, c.one(t, m))
}

func testConcurrent(t *testing.T, c Case) {
	const n = 10
	var wg sync.WaitGroup
	rooms := make([]conference.Room, n)
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			m := c.meeting(fmt.Sprintf("key-%d", i))
			rooms[i], errs[i] = c.Provider.Reserve(t.Context(), m, conference.Room{}, func(conference.Room) error { return nil })
		})
	}
	wg.Wait()
	at := make(map[string]Conference)
	for _, conf := range c.Service.Conferences(t) {
		at[conf.Key] = conf
	}
	links := make(map[string]bool)
	for i := range n {
		if errs[i] != nil {
			t.Fatalf("Reserve %d: %v", i, errs[i])
		}
		m := c.meeting(fmt.Sprintf("key-%d", i))
		c.matches(t, at[m.Key], m)
		sameLink(t, rooms[i], at[m.Key])
		links[rooms[i].JoinURL] = true
	}
	if len(links) != n || len(at) != n {
		t.Errorf("%d links and %d conferences, want %d", len(links), len(at), n)
	}
}

func testCancelled(t *testing.T, c Case) {
	m := c.meeting("key-1")
	c.Service.Fail(t, Fault{Call: c.ReserveCalls[0], Fault: "delay", Seconds: 20, Times: 1})
	var err error
	within(t, 3*time.Second, "a cancelled Reserve", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		_, err = c.Provider.Reserve(ctx, m, conference.Room{}, func(conference.Room) error { return nil })
	})
	wantKind(t, "Reserve given up", err, conference.Ambiguous, conference.Temporary)

	done, cancel := context.WithCancel(t.Context())
	cancel()
	before := c.Service.Calls(t, c.ReserveCalls[0])
	_, err = c.Provider.Reserve(done, m, conference.Room{}, func(conference.Room) error { return nil })
	wantKind(t, "Reserve with an ended context", err, conference.Temporary, conference.Ambiguous)
	if after := c.Service.Calls(t, c.ReserveCalls[0]); after != before {
		t.Errorf("an ended context still led to a call")
	}
}
