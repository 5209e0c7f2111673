package mtslink

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"joinery/conference"
)

// TestList is section 5.5 of the reference: what is listed of each event with our keys.
func TestList(t *testing.T) {
	entry := func(id, status, tag, sessions string) string {
		return `{"id": "` + id + `", "status": "` + status + `", "access": "4", "name": "Quarter review",
			"startsAt": "2027-03-10T11:00:00+0300", "endsAt": "2027-03-10T12:00:00+0300", "estimatedAt": "2027-03-10T11:00:00+0300",
			"isArchive": "0", "createUserId": "70010", "type": "meeting", "timezoneName": "Europe/Moscow", "rule": "FREQ=DAILY;COUNT=1",
			"tags": ["` + tag + `"], "files": [], "lectors": [], "eventSessions": [` + sessions + `]}`
	}
	s := scripted(t)
	s.on("GET /organization/events/schedule", list(
		entry("1", "ACTIVE", "inst-a/1", `{"id": "11", "eventId": "1", "status": "ACTIVE", "startsAt": "2027-03-10T12:00:00+0300", "participationsCount": "0"}`),
		entry("2", "START", "inst-a/2", `{"id": "21", "status": "START", "name": "Renamed while live", "startsAt": "2027-03-10T11:01:13+0300"}`),
		entry("3", "STOP", "inst-a/3", `{"id": "31", "status": "STOP", "startsAt": "2027-03-10T11:01:13+0300"}`),
		entry("4", "ACTIVE", "inst-a/1", ``),
		entry("5", "ACTIVE", "inst-b/1", ``),
	))
	start := time.Date(2027, 3, 10, 8, 0, 0, 0, time.UTC)
	got, err := s.p.List(t.Context(), "inst-a/", start.Add(-time.Hour), start.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	room := func(event, session string) conference.Room {
		r := conference.Room{Refs: map[string]string{RefEvent: event}}
		if session != "" {
			r.Refs[RefSession] = session
		}
		return r
	}
	want := []conference.Listed{
		{Key: "inst-a/1", Ref: "1", Title: "Quarter review", Start: start.Add(time.Hour), Status: conference.StatusPlanned, Room: room("1", "11")},
		{Key: "inst-a/2", Ref: "2", Title: "Renamed while live", Start: start, Status: conference.StatusLive, Room: room("2", "21")},
		{Key: "inst-a/3", Ref: "3", Title: "Quarter review", Start: start, Status: conference.StatusEnded, Room: room("3", "31")},
		{Key: "inst-a/1", Ref: "4", Title: "Quarter review", Start: start, Status: conference.StatusPlanned, Room: room("4", "")},
	}
	for i := range got {
		got[i].Start = got[i].Start.UTC()
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestState is the state of an event with any number of sessions.
func TestState(t *testing.T) {
	for _, tt := range []struct {
		event    string
		sessions []string
		want     conference.Status
		open     int // index of the session of its room
	}{
		{"ACTIVE", nil, conference.StatusPlanned, -1},
		{"STOP", nil, conference.StatusEnded, -1},
		{"PAUSE", nil, "", -1},
		{"ACTIVE", []string{"ACTIVE"}, conference.StatusPlanned, 0},
		{"ACTIVE", []string{"START"}, conference.StatusLive, 0},
		{"ACTIVE", []string{"STOP"}, conference.StatusEnded, 0},
		{"ACTIVE", []string{"PAUSE"}, "", 0},
		{"STOP", []string{"ACTIVE"}, conference.StatusEnded, 0},
		{"ACTIVE", []string{"STOP", "ACTIVE"}, conference.StatusPlanned, 1},
		{"ACTIVE", []string{"STOP", "ACTIVE", "START"}, conference.StatusLive, 2},
		{"ACTIVE", []string{"STOP", "STOP"}, conference.StatusEnded, 0},
	} {
		e := event{ID: "1", Status: tt.event}
		for i, status := range tt.sessions {
			e.Sessions = append(e.Sessions, session{ID: id("s" + string(rune('0'+i))), Status: status})
		}
		if got := e.state(); got != tt.want {
			t.Errorf("%s with %q: got %q, want %q", tt.event, tt.sessions, got, tt.want)
		}
		want := ""
		if tt.open >= 0 {
			want = "s" + string(rune('0'+tt.open))
		}
		if got := roomOf(e).Refs[RefSession]; got != want {
			t.Errorf("%s with %q: the room's session is %q, want %q", tt.event, tt.sessions, got, want)
		}
	}
}

// TestForemost takes the event that people are in before one with a session, and that before the
// oldest; a smaller id is older.
func TestForemost(t *testing.T) {
	entry := func(name, status string) event {
		e := event{ID: id(name), Status: statusActive}
		if status != "" {
			e.Sessions = []session{{ID: "1", Status: status}}
		}
		return e
	}
	for _, tt := range []struct {
		events []event
		want   id
	}{
		{[]event{entry("10", ""), entry("9", "")}, "9"},
		{[]event{entry("9", ""), entry("10", "ACTIVE")}, "10"},
		{[]event{entry("9", "ACTIVE"), entry("10", "START")}, "10"},
		{[]event{entry("12", "ACTIVE"), entry("11", "ACTIVE")}, "11"},
	} {
		reversed := slices.Clone(tt.events)
		slices.Reverse(reversed)
		if a, b := foremost(tt.events), foremost(reversed); a.ID != tt.want || b.ID != tt.want {
			t.Errorf("got %s and %s, want %s", a.ID, b.ID, tt.want)
		}
	}
}

// TestPlannedStart is not the actual one of what is live or has ended.
func TestPlannedStart(t *testing.T) {
	for _, tt := range []struct{ event, want string }{
		{`{"startsAt": "2027-03-10T10:00:00+0000", "estimatedAt": "2027-03-10T10:00:00+0000", "eventSessions": [{"id": 1, "status": "ACTIVE", "startsAt": "2027-03-10T11:00:00+0000"}]}`, "11:00:00"},
		{`{"startsAt": "2027-03-10T10:00:00+0000", "estimatedAt": "2027-03-10T10:00:00+0000", "eventSessions": [{"id": 1, "status": "START", "startsAt": "2027-03-10T11:02:13+0000", "estimatedAt": "2027-03-10T11:00:00+0000"}]}`, "11:00:00"},
		{`{"startsAt": "2027-03-10T10:02:13+0000", "estimatedAt": "2027-03-10T10:00:00+0000", "eventSessions": [{"id": 1, "status": "STOP", "startsAt": "2027-03-10T10:02:13+0000"}]}`, "10:00:00"},
		{`{"startsAt": "2027-03-10T10:00:00+0000"}`, "10:00:00"},
	} {
		var e event
		if err := json.Unmarshal([]byte(tt.event), &e); err != nil {
			t.Fatal(err)
		}
		if got := e.start().UTC().Format("15:04:05"); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.event, got, tt.want)
		}
	}
}
