package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Every mail is on record: when, why, to whom, about what.
func TestMails(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("&ownerId=70010")
	steps := []struct {
		method, path, body string
		want               string // "CAUSE TO" of each mail, sorted as sent
	}{
		{"POST", "/eventsessions/" + session + "/register", "email=anna@example.com&sendEmail=false", ""},
		{"POST", "/eventsessions/" + session + "/register", "email=boris@example.com", "POST /eventsessions/{id}/register boris@example.com"},
		{"POST", "/eventsessions/" + session + "/invite", "users[0][email]=vera@example.com&users[1][email]=anna@example.com&sendEmail=true", "POST /eventsessions/{id}/invite vera@example.com"},
		{"PUT", "/eventsessions/" + session, "name=Other", ""}, // not another time
		{"PUT", "/eventsessions/" + session, "timezone=1&sendEmail=false" + at("startsAt", "2027-03-10 11:00"), ""},
		{"PUT", "/eventsessions/" + session, "timezone=1" + at("startsAt", "2027-03-10 12:00"),
			"PUT /eventsessions/{id} anna@example.com, PUT /eventsessions/{id} boris@example.com, PUT /eventsessions/{id} vera@example.com"},
		{"DELETE", "/organization/events/" + event, "", "DELETE /organization/events/{id} anna@example.com, DELETE /organization/events/{id} boris@example.com, DELETE /organization/events/{id} vera@example.com"},
	}
	seen := 0
	for _, step := range steps {
		if status, v := a.call(step.method, step.path, step.body); status/100 != 2 {
			t.Fatalf("%s %s: got %d %v", step.method, step.path, status, v)
		}
		var got []string
		for _, m := range a.Mails()[seen:] {
			got = append(got, m.Cause+" "+m.To)
			if m.ID != event || m.Session != session || !m.At.Equal(a.clock.now()) || m.Name == "" {
				t.Errorf("mail: got %+v", m)
			}
		}
		seen += len(got)
		if strings.Join(got, ", ") != step.want {
			t.Errorf("%s %s %s: mailed %v, want %s", step.method, step.path, step.body, got, step.want)
		}
	}
	status, body := a.outside("GET", "/_state", "")
	var state State
	if err := json.Unmarshal([]byte(body), &state); err != nil || status != 200 || len(state.Mails) != 8 || state.PlatformMails != 8 {
		t.Errorf("state: got %d %v, %d and %d mails, want 8", status, err, len(state.Mails), state.PlatformMails)
	}
	// Nobody is registered: the owner gets it.
	_, session = a.reserve("&ownerId=70010")
	a.must(204, "DELETE", "/eventsessions/"+session, "")
	if mails := a.Mails(); mails[len(mails)-1].To != "room1@example.com" {
		t.Errorf("without participants: got %+v", mails[len(mails)-1])
	}
}

// Reminders go to whoever is there to be reminded.
func TestReminders(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	e := a.must(201, "POST", "/events", "name=x&timezone=1&isEventRegAllowed=true&rule=FREQ%3DWEEKLY&defaultRemindersEnabled=true"+open+
		at("startsAt", "2027-03-09 10:00")+at("endsAt", "2027-04-09 10:00"))
	event := e["eventId"].(json.Number).String()
	a.must(201, "POST", "/events/"+event+"/sessions", "")
	a.must(201, "POST", "/events/"+event+"/register", "email=anna@example.com&sendEmail=false")
	a.must(201, "POST", "/events/"+event+"/sessions", "timezone=1"+at("startsAt", "2027-03-16 10:00"))
	var got []string
	for _, m := range a.Mails() {
		got = append(got, m.Cause+" "+m.To)
	}
	if want := "[reminder account@mts-link.example reminder anna@example.com reminder anna@example.com]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
