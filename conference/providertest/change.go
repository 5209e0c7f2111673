package providertest

import (
	"testing"
	"time"

	"joinery/conference"
)

func (c Case) moved(m conference.Meeting) conference.Meeting {
	m.Title = "Quarter review, moved"
	m.Start, m.End = m.Start.Add(26*time.Hour+15*time.Minute), m.End.Add(27*time.Hour)
	m.Zone = "America/New_York"
	return m
}

func testUpdate(t *testing.T, c Case) {
	m := c.meeting("key-1")
	room := c.reserve(t, m)
	moved := c.moved(m)
	for range 2 { // the second time it is so already
		updated, err := c.Provider.Update(t.Context(), room, moved)
		if err != nil {
			t.Fatalf("Update: %v", err)
		}
		if updated.JoinURL != room.JoinURL {
			t.Errorf("Update changed the link from %q to %q", room.JoinURL, updated.JoinURL)
		}
		room = updated
		sameLink(t, room, c.one(t, moved))
	}
	c.noMails(t)
	if err := c.Provider.Release(t.Context(), room); err != nil {
		t.Errorf("Release: %v", err)
	}
	c.none(t)
}

func testUpdateLost(t *testing.T, c Case) {
	for _, fault := range append(effectful, "500", "denied") {
		for _, call := range c.UpdateCalls {
			m := c.meeting(fault + " " + call)
			room := c.reserve(t, m)
			moved := c.moved(m)
			c.Service.Fail(t, Fault{Call: call, Fault: fault, Times: 1})
			if _, err := c.Provider.Update(t.Context(), room, moved); err != nil {
				want := []conference.ErrorKind{conference.Temporary, conference.Ambiguous}
				if fault == "denied" {
					want = []conference.ErrorKind{conference.Denied}
				}
				wantKind(t, "Update with "+fault+" at "+call, err, want...)
			}
			c.Service.Heal(t)
			if _, err := c.Provider.Update(t.Context(), room, moved); err != nil {
				t.Errorf("Update again after %s at %s: %v", fault, call, err)
			}
			c.one(t, moved)
			if err := c.Provider.Release(t.Context(), room); err != nil {
				t.Errorf("Release: %v", err)
			}
		}
	}
	c.noMails(t)
}

func testUpdateGone(t *testing.T, c Case) {
	m := c.meeting("key-1")
	room := c.reserve(t, m)
	if err := c.Provider.Release(t.Context(), room); err != nil {
		t.Fatalf("Release: %v", err)
	}
	_, err := c.Provider.Update(t.Context(), room, c.moved(m))
	wantKind(t, "Update of a deleted room", err, conference.Gone)
	c.none(t)
}

func testRelease(t *testing.T, c Case) {
	room := c.reserve(t, c.meeting("key-1"))
	other := c.meeting("key-2")
	c.reserve(t, other)
	for range 2 { // the second time it is gone already
		if err := c.Provider.Release(t.Context(), room); err != nil {
			t.Errorf("Release: %v", err)
		}
		c.one(t, other)
	}
	if err := c.Provider.Release(t.Context(), conference.Room{}); err != nil {
		t.Errorf("Release of a room that was never begun: %v", err)
	}
	c.noMails(t)
}

func testReleaseBegun(t *testing.T, c Case) {
	eachStep(t, func(key string, steps int) bool {
		known, ok := c.begin(t, c.meeting(key), steps)
		for range 2 {
			if err := c.Provider.Release(t.Context(), known); err != nil {
				t.Errorf("Release after step %d: %v", steps, err)
			}
		}
		c.none(t)
		return ok
	})
	// As above, but the last step's answer was lost: it is not in the room.
	if len(c.ReserveCalls) > 1 {
		m := c.meeting("lost")
		last := c.ReserveCalls[len(c.ReserveCalls)-1]
		known, _ := c.begin(t, m, len(c.ReserveCalls)-1)
		c.Service.Fail(t, Fault{Call: last, Fault: "drop"})
		ctx := t.Context()
		_, _ = c.Provider.Reserve(ctx, m, known, func(conference.Room) error { return nil })
		c.Service.Heal(t)
		if err := c.Provider.Release(ctx, known); err != nil {
			t.Errorf("Release after a lost %s: %v", last, err)
		}
		c.none(t)
	}
	c.noMails(t)
}

func testReleaseLost(t *testing.T, c Case) {
	for _, fault := range []string{"drop", "500", "badjson"} {
		for _, call := range c.ReleaseCalls {
			room := c.reserve(t, c.meeting(fault+" "+call))
			c.Service.Fail(t, Fault{Call: call, Fault: fault, Times: 1})
			if err := c.Provider.Release(t.Context(), room); err != nil {
				wantKind(t, "Release with "+fault+" at "+call, err, conference.Temporary, conference.Ambiguous)
			}
			c.Service.Heal(t)
			if err := c.Provider.Release(t.Context(), room); err != nil {
				t.Errorf("Release again after %s at %s: %v", fault, call, err)
			}
			c.none(t)
		}
	}
	c.noMails(t)
}

func testLive(t *testing.T, c Case) {
	starter, ok := conference.As[conference.Starter](c.Provider)
	stater, ok2 := conference.As[conference.Stater](c.Provider)
	if !ok || !ok2 {
		t.Skip("the service has no start and stop: this provider is no Starter and Stater")
	}
	ctx := t.Context()
	status := func(room conference.Room, want conference.Status) {
		t.Helper()
		if got, err := stater.Status(ctx, room); err != nil || got != want {
			t.Errorf("Status: got %q, %v, want %q", got, err, want)
		}
	}
	m := c.meeting("live")
	room := c.reserve(t, m)
	status(room, conference.StatusPlanned)
	for range 2 {
		if err := starter.Start(ctx, room); err != nil {
			t.Fatalf("Start: %v", err)
		}
		status(room, conference.StatusLive)
	}
	moved := c.moved(m)
	if _, err := c.Provider.Update(ctx, room, moved); err != nil {
		t.Errorf("Update of a live meeting: %v", err)
	}
	c.one(t, moved)
	if err := c.Provider.Release(ctx, room); err != nil {
		t.Errorf("Release of a live meeting: %v", err)
	}
	for _, at := range c.Service.Conferences(t) {
		t.Errorf("after Release of a live meeting there is %+v", at)
	}
	_, err := stater.Status(ctx, room)
	wantKind(t, "Status of a released room", err, conference.Gone)

	room = c.reserve(t, m)
	if err := starter.Start(ctx, room); err != nil {
		t.Fatalf("Start: %v", err)
	}
	for range 2 {
		if err := starter.Stop(ctx, room); err != nil {
			t.Errorf("Stop: %v", err)
		}
		status(room, conference.StatusEnded)
	}
	if err := starter.Start(ctx, room); err == nil {
		t.Error("Start of a meeting that has ended: no error")
	}
	_, err = c.Provider.Update(ctx, room, moved)
	wantKind(t, "Update of a meeting that has ended", err, conference.Gone)
	c.noMails(t)
}
