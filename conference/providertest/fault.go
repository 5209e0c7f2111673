package providertest

import (
	"errors"
	"testing"
	"time"

	"joinery/conference"
)

// effectful are the faults after which a call has had its effect.
var effectful = []string{"drop", "badjson"}

// effectless are those after which it surely has not.
var effectless = []string{"500", "429", "denied"}

func testLostAnswer(t *testing.T, c Case) {
	for _, fault := range effectful {
		for _, call := range c.ReserveCalls {
			m := c.meeting(fault + " " + call)
			c.Service.Fail(t, Fault{Call: call, Fault: fault, Times: 1})
			room := c.settle(t, m, conference.Room{})
			sameLink(t, room, c.one(t, m))
			if err := c.Provider.Release(t.Context(), room); err != nil {
				t.Fatalf("Release: %v", err)
			}
			c.none(t)
		}
	}
	c.noMails(t)

	// The first answer is lost and the first try after it, too; and then the meeting moves.
	m := c.meeting("twice")
	c.Service.Fail(t, Fault{Call: c.ReserveCalls[0], Fault: "drop", Times: 2})
	_, err := c.Provider.Reserve(t.Context(), m, conference.Room{}, func(conference.Room) error { return nil })
	wantKind(t, "Reserve whose answer was lost", err, conference.Ambiguous)
	m.Start, m.End = m.Start.AddDate(0, 2, 0), m.End.AddDate(0, 2, 0)
	finder, ok := conference.As[conference.Finder](c.Provider)
	if !ok {
		t.Skip("the service does not show keys back: this provider has no Finder")
	}
	found, ok, err := finder.Find(t.Context(), m)
	if err != nil || !ok {
		t.Fatalf("Find after a lost answer: found %v, %v", ok, err)
	}
	sameLink(t, c.settle(t, m, found), c.one(t, m))
}

// testRough lets every call of Reserve fail in every way, one after the other.
func testRough(t *testing.T, c Case) {
	m := c.meeting("rough")
	for _, call := range c.ReserveCalls {
		for _, fault := range append(effectless, effectful...) {
			if fault == "429" {
				continue // its pause is the caller's to keep
			}
			c.Service.Fail(t, Fault{Call: call, Fault: fault, Times: 1})
		}
	}
	room := c.settle(t, m, conference.Room{})
	sameLink(t, room, c.one(t, m))
}

func testKinds(t *testing.T, c Case) {
	reserve := func() error {
		_, err := c.Provider.Reserve(t.Context(), c.meeting("kinds"), conference.Room{}, func(conference.Room) error { return nil })
		return err
	}
	c.Service.Fail(t, Fault{Call: c.ReserveCalls[0], Fault: "denied", Times: 1})
	err := reserve()
	wantKind(t, "Reserve denied", err, conference.Denied)
	if got := conference.ReasonOf(err); got != conference.ReasonCredentials {
		t.Errorf("Reserve denied: reason %q, want %q", got, conference.ReasonCredentials)
	}
	c.Service.Fail(t, Fault{Call: c.ReserveCalls[0], Fault: "500", Times: 1})
	wantKind(t, "Reserve after 500", reserve(), conference.Ambiguous, conference.Temporary)
	c.none(t)
	// The guard of a provider keeps the pause from here on, so this is last.
	c.Service.Fail(t, Fault{Call: c.ReserveCalls[0], Fault: "429", Seconds: 7, Times: 1})
	err = reserve()
	wantKind(t, "Reserve limited", err, conference.Limited)
	var e *conference.Error
	if errors.As(err, &e) && e.RetryAfter != 7*time.Second {
		t.Errorf("Reserve limited: RetryAfter %v, want 7s", e.RetryAfter)
	}
	c.none(t)
}

func testFind(t *testing.T, c Case) {
	finder, ok := conference.As[conference.Finder](c.Provider)
	if !ok {
		t.Skip("the service does not show keys back: this provider has no Finder")
	}
	m := c.meeting("room-12")
	room := c.reserve(t, m)
	found, ok, err := finder.Find(t.Context(), m)
	if err != nil || !ok {
		t.Fatalf("Find: found %v, %v", ok, err)
	}
	for name, value := range found.Refs {
		if room.Refs[name] != value {
			t.Errorf("Find: %s is %q, want %q", name, value, room.Refs[name])
		}
	}
	for _, key := range []string{"room-1", "room-123", "ROOM-12", "oom-12", "*", ""} {
		other := m
		other.Key = key
		if _, ok, err := finder.Find(t.Context(), other); ok || err != nil {
			t.Errorf("Find(%q): found %v, %v", key, ok, err)
		}
	}
	// What another has made does not count, nor what is gone.
	if err := c.Provider.Release(t.Context(), room); err != nil {
		t.Fatalf("Release: %v", err)
	}
	if _, ok, err := finder.Find(t.Context(), m); ok || err != nil {
		t.Errorf("Find after Release: found %v, %v", ok, err)
	}
}

func testList(t *testing.T, c Case) {
	lister, ok := conference.As[conference.Lister](c.Provider)
	if !ok {
		t.Skip("the service cannot list: this provider has no Lister")
	}
	mine, begun, others := c.meeting("inst-a/1"), c.meeting("inst-a/2"), c.meeting("inst-b/1")
	c.reserve(t, mine)
	if known, ok := c.begin(t, begun, 1); !ok {
		t.Fatalf("no step was recorded: %v", known)
	}
	c.reserve(t, others)
	got := make(map[string]conference.Listed)
	refs := make(map[string]bool)
	list, err := lister.List(t.Context(), "inst-a/", c.Begin, c.Begin.AddDate(0, 0, 7))
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	for _, l := range list {
		got[l.Key] = l
	}
	if len(list) != 2 {
		t.Errorf("List gives %d rooms, want two: %+v", len(list), list)
	}
	for _, m := range []conference.Meeting{mine, begun} {
		l, ok := got[m.Key]
		if !ok {
			t.Errorf("List lacks %q", m.Key)
		} else if l.Title != m.Title || !l.Start.Equal(m.Start) || len(l.Room.Refs) == 0 {
			t.Errorf("List: got %+v, want %q at %v", l, m.Title, m.Start)
		} else if l.Ref == "" || refs[l.Ref] || l.Status != conference.StatusPlanned && l.Status != "" {
			t.Errorf("List: reference %q, status %q", l.Ref, l.Status)
		}
		refs[l.Ref] = true
	}
	if list, err := lister.List(t.Context(), "inst-a/", c.Begin.AddDate(0, 1, 0), c.Begin.AddDate(0, 2, 0)); err != nil || len(list) != 0 {
		t.Errorf("List of another month: %+v, %v", list, err)
	}
	for _, l := range got {
		if err := c.Provider.Release(t.Context(), l.Room); err != nil {
			t.Errorf("Release of a listed room: %v", err)
		}
	}
	if rest := c.Service.Conferences(t); len(rest) != 1 || rest[0].Key != others.Key {
		t.Errorf("after releasing what was listed the service has %+v", rest)
	}
}

// testListed lists a room with the same reference whatever becomes of it.
func testListed(t *testing.T, c Case) {
	lister, ok := conference.As[conference.Lister](c.Provider)
	if !ok {
		t.Skip("the service cannot list: this provider has no Lister")
	}
	m := c.meeting("inst-a/1")
	room := c.reserve(t, m)
	ref := ""
	listed := func(m conference.Meeting, want conference.Status) {
		t.Helper()
		list, err := lister.List(t.Context(), "inst-a/", c.Begin, c.Begin.AddDate(0, 0, 7))
		if err != nil || len(list) != 1 {
			t.Fatalf("List: %+v, %v", list, err)
		}
		if got := list[0]; got.Status != want && got.Status != "" || got.Title != m.Title && m.Title != "" || !got.Start.Equal(m.Start) || ref != "" && got.Ref != ref {
			t.Errorf("List: got %+v, want %s, %q at %v, with the reference %q", got, want, m.Title, m.Start, ref)
		}
		ref = list[0].Ref
	}
	listed(m, conference.StatusPlanned)
	m = c.moved(m)
	if _, err := c.Provider.Update(t.Context(), room, m); err != nil {
		t.Fatalf("Update: %v", err)
	}
	listed(m, conference.StatusPlanned)
	starter, ok := conference.As[conference.Starter](c.Provider)
	if !ok {
		return
	}
	if err := starter.Start(t.Context(), room); err != nil {
		t.Fatalf("Start: %v", err)
	}
	listed(m, conference.StatusLive)
	m.Title = "Renamed while live"
	if _, err := c.Provider.Update(t.Context(), room, m); err != nil {
		t.Fatalf("Update of a live meeting: %v", err)
	}
	listed(m, conference.StatusLive)
	if err := starter.Stop(t.Context(), room); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	m.Title = "" // that of what has ended is nobody's concern
	listed(m, conference.StatusEnded)
}

func testCheck(t *testing.T, c Case) {
	checker, ok := conference.As[conference.Checker](c.Provider)
	if !ok {
		t.Skip("this provider has no Checker")
	}
	findings := checker.Check(t.Context())
	if len(findings) == 0 {
		t.Error("Check finds nothing at all")
	}
	for _, f := range findings {
		if !f.OK || f.Name == "" || f.Remedy != "" {
			t.Errorf("Check of a service that works: %+v", f)
		}
	}
	c.none(t)
	c.Service.Fail(t, Fault{Call: "*", Fault: "denied"})
	bad := 0
	for _, f := range checker.Check(t.Context()) {
		if !f.OK {
			bad++
			if f.Remedy == "" || f.Detail == "" {
				t.Errorf("Check of a service that denies everything: %+v", f)
			}
		}
	}
	if bad == 0 {
		t.Error("Check is content with a service that denies everything")
	}
}
