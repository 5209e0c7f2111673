package emulator

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// held is an hour's meeting of one who was registered and came twice, one who was registered and
// stayed away, one who came with an e-mail only, and one with a name only.
func (a *testAccount) held() (event, session string) {
	a.t.Helper()
	event, session = a.reserve("&type=meeting")
	a.must(201, "POST", "/eventsessions/"+session+"/invite", "sendEmail=false&users[0][email]=anna@example.com&users[0][name]=Anna&users[0][secondName]=One"+
		"&users[1][email]=absent@example.com")
	id := mustID(a.t, session)
	begin := time.Date(2027, 3, 9, 12, 31, 12, 0, time.UTC)
	for _, step := range []struct {
		after time.Duration
		do    func() error
	}{
		{0, func() error { return a.Live(id, "start") }},
		{time.Minute, func() error { return a.Join(id, "ANNA@example.com", "") }},
		{2 * time.Minute, func() error { return a.Join(mustID(a.t, event), "", "Guest Two") }},
		{10 * time.Minute, func() error { return a.Leave(id, "anna@example.com", "") }},
		{20 * time.Minute, func() error { return a.Join(id, "room1@example.com", "Room One") }},
		{30 * time.Minute, func() error { return a.Join(id, "anna@example.com", "") }},
		{40 * time.Minute, func() error { return a.Leave(id, "", "Guest Two") }},
		{time.Hour, func() error { return a.Live(id, "stop") }},
	} {
		a.clock.set(begin.Add(step.after))
		if err := step.do(); err != nil {
			a.t.Fatalf("after %v: %v", step.after, err)
		}
	}
	return event, session
}

func mustID(t *testing.T, s string) int64 {
	t.Helper()
	var id int64
	if _, err := fmt.Sscan(s, &id); err != nil {
		t.Fatalf("id %q: %v", s, err)
	}
	return id
}

func TestStats(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.held()

	users := a.list("/stats/users?from=2027-03-09&to=2027-03-10&eventId=" + event)
	want := []string{
		"anna@example.com Anna One 2340 [2027-03-09T15:32:12+0300 2027-03-09T15:41:12+0300 540] [2027-03-09T16:01:12+0300 2027-03-09T16:31:12+0300 1800]",
		"absent@example.com   0",
		"<nil> Guest Two 2280 [2027-03-09T15:33:12+0300 2027-03-09T16:11:12+0300 2280]",
		"room1@example.com Room One 2400 [2027-03-09T15:51:12+0300 2027-03-09T16:31:12+0300 2400]",
	}
	var got []string
	for _, u := range users {
		sessions := u["eventSessions"].([]any)
		s := sessions[0].(map[string]any)
		if len(sessions) != 1 || fmt.Sprint(s["id"]) != session || fmt.Sprint(s["eventId"]) != event || s["startsAt"] != "2027-03-09T15:31:12+0300" ||
			s["endsAt"] != "2027-03-09T16:31:12+0300" || fmt.Sprint(s["duration"]) != "3600" {
			t.Errorf("session: got %v", sessions)
		}
		line := fmt.Sprint(u["email"], " ", u["name"], " ", u["secondName"], " ", s["actualInvolvement"])
		for _, c := range s["connections"].([]any) {
			c := c.(map[string]any)
			line += fmt.Sprint(" [", c["joined"], " ", c["leaved"], " ", c["duration"], "]")
		}
		got = append(got, line)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("users: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if id := fmt.Sprint(users[3]["id"]); id != "70010" {
		t.Errorf("a member's user id: got %s", id)
	}

	events := a.list("/stats/events?from=2027-03-09&to=2027-03-10")
	if len(events) != 1 || fmt.Sprint(events[0]["id"]) != event || len(events[0]["eventSessions"].([]any)) != 1 {
		t.Errorf("events: got %v", events)
	}
	visits := a.list("/stats/users/visits?from=2027-03-09&email=Anna@example.com")
	if len(visits) != 2 || visits[1]["joined"] != "2027-03-09T16:01:12+0300" || fmt.Sprint(visits[1]["eventSessionId"]) != session {
		t.Errorf("visits: got %v", visits)
	}
	if same := a.list("/stats/users/visits?from=2027-03-09&contactId=" + fmt.Sprint(visits[0]["contactId"])); len(same) != 2 {
		t.Errorf("visits by contact: got %v", same)
	}
	for path, status := range map[string]int{
		"/stats/users?from=2027-03-10":                                    404, // after it
		"/stats/users?from=2027-03-01&to=2027-03-09":                      404, // before it
		"/stats/users?from=2027-03-01&eventId=1":                          404,
		"/stats/events?from=2027-03-01&userId=70010":                      404, // another's
		"/stats/users/visits?from=2027-03-01&email=absent@example.com":    404,
		"/stats/users/visits?from=2027-03-01":                             400,
		"/stats/users/visits?from=2027-03-01&contactId=x":                 400,
		"/stats/users/visits?from=2027-03-11&email=anna@example.com":      404,
		"/stats/events?from=2027-03-09%2015:31:12&to=2027-03-09T15:31:12": 200,
	} {
		if got, v := a.call("GET", path, ""); got != status {
			t.Errorf("%s: got %d %v, want %d", path, got, v, status)
		}
	}
}

// One person in two sessions stands once, under the same user.
func TestStatsGroupByPerson(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	a.held()
	a.held()
	users := a.list("/stats/users?from=2027-03-09")
	if len(users) != 5 { // both nameless guests are people of their own
		t.Fatalf("users: got %d %v, want 5", len(users), users)
	}
	if n := len(users[0]["eventSessions"].([]any)); n != 2 {
		t.Errorf("sessions of the first: got %d, want 2", n)
	}
	if events := a.list("/stats/events?from=2027-03-09"); len(events) != 2 {
		t.Errorf("events: got %v", events)
	}
}

func TestComingAndGoing(t *testing.T) {
	a, r := newTestAccount(t, MTSLinkOptions{}), newTestReceiver(t)
	if _, err := a.AddWebhook(r.URL, "secret", "eventSession.users.allLeft", "eventSession.ended"); err != nil {
		t.Fatal(err)
	}
	_, session := a.reserve("")
	a.must(201, "POST", "/eventsessions/"+session+"/register", "email=anna@example.com&sendEmail=false")
	a.clock.set(time.Date(2027, 3, 9, 12, 30, 30, 0, time.UTC))
	const minute = "2027-03-09T15:30:30+03:00"
	live := func(want int, action, email, name string) {
		t.Helper()
		body := fmt.Sprintf(`{"id": %s, "action": %q, "email": %q, "name": %q}`, session, action, email, name)
		if got, answer := a.outside("POST", "/_live", body); got != want {
			t.Errorf("%s: got %d %s, want %d", body, got, answer, want)
		}
	}
	online := func() string {
		t.Helper()
		n := a.list("/eventsessions/" + session + "/participations")[0]
		return fmt.Sprint(n["isOnline"], " ", n["visited"])
	}
	live(409, "join", "anna@example.com", "") // not live yet
	live(204, "start", "", "")
	live(400, "join", "", "")
	live(404, "leave", "anna@example.com", "")
	if got := online(); got != "0 false" {
		t.Errorf("before: got %s", got)
	}
	live(204, "join", "anna@example.com", "")
	live(409, "join", "Anna@example.com", "")
	live(204, "join", "", "Guest")
	if got := fmt.Sprint(a.only().Present); got != "[anna@example.com Guest]" || online() != "1 true" {
		t.Errorf("present: got %s, %s", got, online())
	}
	if _, page := a.outside("GET", "/", ""); !strings.Contains(page, "anna@example.com, Guest") {
		t.Error("the page does not show who is there")
	}
	live(204, "leave", "", "Guest")
	if got := r.take(a); len(got) != 0 {
		t.Errorf("one is there still: %+v", got)
	}
	id := fmt.Sprint(a.list("/eventsessions/" + session + "/participations")[0]["id"])
	a.must(204, "PUT", "/participations/kick", "participationIds[0]="+id)
	r.one(a, "eventSession.users.allLeft", session, minute)
	if c := a.only(); c.Status != "START" || len(c.Present) != 0 || !c.Registrations[0].Kicked || online() != "0 true" {
		t.Errorf("after the last has left: got %+v, %s", c, online())
	}
	// Stopping ends the visits, and tells of itself only.
	live(204, "join", "", "Guest")
	live(204, "stop", "", "")
	r.one(a, "eventSession.ended", session, minute)
	live(409, "leave", "", "Guest")
	if c := a.only(); len(c.Present) != 0 {
		t.Errorf("after the end: got %v", c.Present)
	}
}
