package providertest

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"joinery/conference"
)

// cast is a host, a presenter and n guests; none is known to the service.
func cast(n int) []conference.Participant {
	person := func(name, address string, role conference.ParticipantRole) conference.Participant {
		return conference.Participant{Person: conference.Person{Name: name, Email: address}, Role: role}
	}
	people := []conference.Participant{
		person("Anna", "Anna@Example.org", conference.RoleHost),
		person("Борис Борисович Петров", "boris@example.org", conference.RolePresenter),
	}
	for i := range n {
		people = append(people, person(fmt.Sprintf("Guest %d", i), fmt.Sprintf("guest%d@example.org", i), conference.RoleGuest))
	}
	return people
}

// An audience is the people of one room.
type audience struct {
	Case
	enroller conference.Enroller
	room     conference.Room
}

func (c Case) audience(t *testing.T, key string) audience {
	t.Helper()
	enroller, ok := conference.As[conference.Enroller](c.Provider)
	if !ok {
		t.Skip("the service registers nobody: this provider is no Enroller")
	}
	return audience{c, enroller, c.reserve(t, c.meeting(key))}
}

// enroll enrolls twice, the second time without any effect, and checks what is returned.
func (a audience) enroll(t *testing.T, people []conference.Participant, leave ...conference.Registration) []conference.Registration {
	t.Helper()
	list, err := a.enroller.Enroll(t.Context(), a.room, people, leave)
	if err != nil {
		t.Fatalf("Enroll: %v", err)
	}
	again, err := a.enroller.Enroll(t.Context(), a.room, people, leave)
	if err != nil || !reflect.DeepEqual(again, list) {
		t.Errorf("Enroll again: got %+v, %v, the first time %+v", again, err, list)
	}
	if len(list) != len(people) {
		t.Fatalf("Enroll returns %d of %d people", len(list), len(people))
	}
	refs, links := make(map[string]bool), make(map[string]bool)
	for i, r := range list {
		address := strings.ToLower(people[i].Email)
		if r.Email != address || r.Role != people[i].Role && r.Refused == "" {
			t.Errorf("person %d is %+v, want %s as %s", i, r, address, people[i].Role)
		}
		if r.Refused != "" && (r.Ref != "" || r.Link != "") || r.Ref == "" && r.Link != "" {
			t.Errorf("%s is refused and registered: %+v", address, r)
		}
		if r.Refused == "" && r.Ref == "" && r.Role != conference.RoleHost {
			t.Errorf("%s is neither registered nor refused: %+v", address, r)
		}
		if r.Ref != "" && refs[r.Ref] || r.Link != "" && links[r.Link] {
			t.Errorf("%s has what somebody else has: %+v", address, r)
		}
		refs[r.Ref], links[r.Link] = true, true
	}
	return list
}

// has checks who is registered at the service: list, and others as guests.
func (a audience) has(t *testing.T, list []conference.Registration, others ...string) {
	t.Helper()
	if a.People == nil {
		return
	}
	want := make(map[string]conference.ParticipantRole)
	for _, r := range list {
		switch {
		case r.Ref == "":
		case r.Role == conference.RoleHost:
			want[r.Email] = conference.RolePresenter
		default:
			want[r.Email] = r.Role
		}
	}
	for _, address := range others {
		want[address] = conference.RoleGuest
	}
	if got := a.People(t, a.room); !maps.Equal(got, want) {
		t.Errorf("at the service: got %v, want %v", got, want)
	}
	a.noMails(t)
}

func testEnroll(t *testing.T, c Case) {
	a := c.audience(t, "key-1")
	if list := a.enroll(t, nil); len(list) != 0 {
		t.Errorf("Enroll of nobody: %+v", list)
	}
	people := cast(3)
	list := a.enroll(t, people)
	a.has(t, list)
	// Who is already there has what he had, with more people as with a meeting that moves.
	more := a.enroll(t, append(people, cast(4)[5]))
	if !reflect.DeepEqual(more[:len(list)], list) {
		t.Errorf("with one more: got %+v, before %+v", more, list)
	}
	a.has(t, more)
	moved, err := c.Provider.Update(t.Context(), a.room, c.moved(c.meeting("key-1")))
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	a.room = moved
	if after := a.enroll(t, people); !reflect.DeepEqual(after, list) {
		t.Errorf("after the meeting moved: got %+v, before %+v", after, list)
	}
	a.has(t, more)
	// The same person twice, with one name in two spellings, has one place and the stronger role.
	twice := append(cast(0), conference.Participant{Person: conference.Person{Email: "BORIS@example.org"}, Role: conference.RoleGuest})
	result, err := a.enroller.Enroll(t.Context(), a.room, twice, nil)
	if err != nil || len(result) != 3 || result[1] != list[1] || result[2] != list[1] {
		t.Errorf("one person twice: %+v, %v, want twice %+v", result, err, list[1])
	}
	a.has(t, more)
}

func testEnrollChanges(t *testing.T, c Case) {
	a := c.audience(t, "key-1")
	people := cast(4)
	before := a.enroll(t, people)
	people[1].Role, people[2].Role = conference.RoleGuest, conference.RolePresenter
	after := a.enroll(t, people)
	for i := range after {
		if after[i].Ref != before[i].Ref || after[i].Link != before[i].Link {
			t.Errorf("another role makes another place: %+v, before %+v", after[i], before[i])
		}
	}
	a.has(t, after)

	gone := after[3]
	stay := append(people[:3:3], people[4:]...)
	stranger := conference.Registration{Email: "x@example.org", Role: conference.RoleGuest, Ref: "1"}
	refused := conference.Registration{Email: "y@example.org", Role: conference.RoleGuest, Refused: conference.ReasonAddress}
	left := a.enroll(t, stay, gone, stranger, refused)
	a.has(t, left)
	// Somebody who comes back gets a place again.
	a.has(t, a.enroll(t, people))
	// Who is both wanted and to leave stays.
	a.has(t, a.enroll(t, people, left[0], left[1]))
}

func testEnrollForeign(t *testing.T, c Case) {
	if c.Register == nil {
		t.Skip("nobody can register himself at the emulated service")
	}
	a := c.audience(t, "key-1")
	a.Register(t, a.room, "Boris@Example.org")
	a.Register(t, a.room, "guest0@example.org")
	a.Register(t, a.room, "somebody@elsewhere.example")
	before := a.Service.Mails(t)
	list := a.enroll(t, cast(1))
	for _, r := range list[1:] {
		if r.Ref == "" || r.Link == "" && list[0].Link != "" {
			t.Errorf("who was registered is not taken: %+v", r)
		}
	}
	a.has(t, list, "somebody@elsewhere.example")
	// Others' places are not ours to take away: they are in no list of those who leave.
	left := a.enroll(t, cast(0), list[2])
	a.has(t, left, "somebody@elsewhere.example")
	if after := a.Service.Mails(t); after != before {
		t.Errorf("the service mailed %d people", after-before)
	}
}

func testEnrollMany(t *testing.T, c Case) {
	a := c.audience(t, "key-1")
	some := a.enroll(t, cast(60))
	a.has(t, some)
	people := cast(640)
	all := a.enroll(t, people)
	a.has(t, all)
	if !reflect.DeepEqual(all[:len(some)], some) {
		t.Error("with more people, those who were there have other places")
	}
	for _, r := range all {
		if r.Ref == "" || r.Refused != "" {
			t.Fatalf("%+v is not registered", r)
		}
	}
	a.has(t, a.enroll(t, cast(0), all[2:]...))
}

func testEnrollRefused(t *testing.T, c Case) {
	a := c.audience(t, "key-1")
	people := cast(2)
	for _, address := range []string{"", "nobody", "two@at@example.org", "with space@example.org"} {
		bad := conference.Participant{Person: conference.Person{Name: "Bad", Email: address}, Role: conference.RoleGuest}
		list := a.enroll(t, append(people[:1:1], append([]conference.Participant{bad}, people[1:]...)...))
		for i, r := range list {
			if want := map[bool]conference.Reason{true: conference.ReasonAddress}[i == 1]; r.Refused != want {
				t.Errorf("with %q: %+v, want refused %q", address, r, want)
			}
		}
		a.has(t, list)
	}
	if c.RequireFields == nil {
		return
	}
	c.RequireFields(t)
	list := a.enroll(t, cast(4))
	for i, r := range list {
		if want := map[bool]conference.Reason{true: conference.ReasonFields}[i >= len(people)]; r.Refused != want {
			t.Errorf("where fields are asked for: %+v, want refused %q", r, want)
		}
	}
	a.has(t, list)
}

func testEnrollLost(t *testing.T, c Case) {
	for _, call := range c.EnrollCalls {
		for _, fault := range append(effectful, "500", "denied") {
			a := c.audience(t, fault+" "+call)
			first := a.enroll(t, cast(3))
			// Everything is to do: many come, roles change, one leaves, one comes alone.
			people := cast(70)
			people[2].Role = conference.RolePresenter
			people = append(people[:3:3], people[4:]...)
			a.Service.Fail(t, Fault{Call: call, Fault: fault, Times: 1})
			for _, people := range [][]conference.Participant{people[:len(people)-1], people} {
				_, err := a.enroller.Enroll(t.Context(), a.room, people, first[3:4])
				if err == nil {
					continue
				}
				want := conference.Temporary
				if fault == "denied" {
					want = conference.Denied
				}
				wantKind(t, "Enroll with "+fault+" at "+call, err, want)
			}
			a.Service.Heal(t)
			a.has(t, a.enroll(t, people, first[3]))
			if err := c.Provider.Release(t.Context(), a.room); err != nil {
				t.Errorf("Release: %v", err)
			}
		}
	}
}

func testEnrollGone(t *testing.T, c Case) {
	a := c.audience(t, "key-1")
	list := a.enroll(t, cast(1))
	if starter, ok := conference.As[conference.Starter](c.Provider); ok {
		if err := starter.Start(t.Context(), a.room); err != nil {
			t.Fatalf("Start: %v", err)
		}
		a.has(t, a.enroll(t, cast(2))) // people can be added while it is live
		if err := starter.Stop(t.Context(), a.room); err != nil {
			t.Fatalf("Stop: %v", err)
		}
		_, err := a.enroller.Enroll(t.Context(), a.room, cast(3), nil)
		wantKind(t, "Enroll after the end", err, conference.Gone)
	}
	a = c.audience(t, "key-2")
	if err := c.Provider.Release(t.Context(), a.room); err != nil {
		t.Fatalf("Release: %v", err)
	}
	_, err := a.enroller.Enroll(t.Context(), a.room, cast(1), list)
	wantKind(t, "Enroll in a released room", err, conference.Gone)
	_, err = a.enroller.Enroll(t.Context(), conference.Room{}, nil, nil)
	wantKind(t, "Enroll in a room that was never begun", err, conference.Gone)
}
