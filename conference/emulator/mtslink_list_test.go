package emulator

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The schedule writes ids, access and counters as strings (section 5.5).
func TestScheduleTypes(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("&tags[0]=key-1&ownerId=70010")
	list := a.list("/organization/events/schedule?from=2027-03-01&perPage=50")
	if len(list) != 1 {
		t.Fatalf("schedule: got %v", list)
	}
	for name, want := range map[string]string{"id": event, "access": "1", "isArchive": "0", "createUserId": "70010",
		"startsAt": "2027-03-09T15:30:00+0300", "estimatedAt": "2027-03-09T15:30:00+0300", "timezoneName": "Europe/Moscow", "rule": "FREQ=DAILY;COUNT=1"} {
		if got, ok := list[0][name].(string); !ok || got != want {
			t.Errorf("%s: got %#v, want the string %s", name, list[0][name], want)
		}
	}
	if got := fmt.Sprint(list[0]["tags"]); got != "[key-1]" {
		t.Errorf("tags: got %s", got)
	}
	one := list[0]["eventSessions"].([]any)[0].(map[string]any)
	for name, want := range map[string]string{"id": session, "eventId": event, "participationsCount": "0", "access": "1"} {
		if got, ok := one[name].(string); !ok || got != want {
			t.Errorf("session's %s: got %#v, want the string %s", name, one[name], want)
		}
	}
}

func TestScheduleFilters(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	for day := 1; day <= 12; day++ {
		a.must(201, "POST", "/events", fmt.Sprintf("name=Day+%d&timezone=1", day)+open+silent+at("startsAt", fmt.Sprintf("2027-04-%02d 10:00", day)))
	}
	e := a.must(201, "POST", "/events", "name=Owned&timezone=1&ownerId=70010&access=4"+silent+at("startsAt", "2027-04-20 10:00"))
	s := a.must(201, "POST", "/events/"+e["eventId"].(json.Number).String()+"/sessions", "")
	a.must(204, "PUT", "/eventsessions/"+s["eventSessionId"].(json.Number).String()+"/stop", "")
	for _, row := range []struct {
		path, query string
		want        int
	}{
		{"/organization/events/schedule", "from=2027-04-01&perPage=50", 13},
		{"/organization/events/schedule", "from=2027-04-01", 10},
		{"/organization/events/schedule", "from=2027-04-01&page=2", 3},
		{"/organization/events/schedule", "from=2027-04-01&page=3", 0},
		{"/organization/events/schedule", "from=2027-04-05 10:00:00&to=2027-04-06T10:00:00", 2},
		{"/organization/events/schedule", "from=2027-04-05 10:00:01&to=2027-04-06", 0},
		{"/organization/events/schedule", "from=2027-04-01&name=day 1", 4},
		{"/organization/events/schedule", "from=2027-04-01&status[0]=STOP", 1},
		{"/organization/events/schedule", "from=2027-04-01&status[0]=START", 0},
		{"/organization/events/schedule", "from=2027-04-01&access=4", 1},
		{"/users/70010/events/schedule", "from=2027-04-01", 1},
		{"/users/70011/events/schedule", "from=2027-04-01", 0},
	} {
		query := strings.NewReplacer(" ", "%20", "[", url.QueryEscape("["), "]", url.QueryEscape("]")).Replace(row.query)
		if got := len(a.list(row.path + "?" + query)); got != row.want {
			t.Errorf("%s?%s: got %d, want %d", row.path, row.query, got, row.want)
		}
	}
}

func TestMembersAndZones(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	if got := a.list("/organization/members?email=ROOM1@example.com"); len(got) != 1 || fmt.Sprint(got[0]["id"]) != "70010" || got[0]["secondName"] != "One" {
		t.Errorf("members by e-mail: got %v", got)
	}
	if got := a.list("/organization/members?email=nobody@example.com"); len(got) != 0 {
		t.Errorf("a stranger: got %v", got)
	}
	if got := a.list("/organization/members?perPage=10"); len(got) != 3 || got[0]["role"] != "admin" {
		t.Errorf("members: got %v", got)
	}
	if got := a.list("/organization/members?id=70011&role=lecturer"); len(got) != 1 {
		t.Errorf("members by id and role: got %v", got)
	}
	zones := a.list("/timezones")
	if len(zones) < 40 || fmt.Sprintf("%v %v %v", zones[0]["id"], zones[0]["name"], zones[0]["offset"]) != "1 Europe/Moscow 10800" {
		t.Errorf("zones: got %d, first %v", len(zones), zones[0])
	}
	seen := map[string]bool{}
	for _, z := range mtsZones {
		if loc, err := time.LoadLocation(z.Name); err != nil || loc != z.location() && loc.String() != z.location().String() {
			t.Errorf("zone %s: %v", z.Name, err)
		}
		for _, unique := range []string{z.Name, fmt.Sprint(z.ID)} {
			if seen[unique] {
				t.Errorf("%s stands twice", unique)
			}
			seen[unique] = true
		}
	}
	for _, path := range []string{"/eventsessions/endless", "/eventsessions/endless/activities", "/records"} {
		if got := a.list(path); len(got) != 0 {
			t.Errorf("%s: got %v", path, got)
		}
	}
}

func TestSeries(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	e := a.must(201, "POST", "/events", "name=Weekly&timezone=1&isEventRegAllowed=true&rule="+url.QueryEscape("FREQ=WEEKLY;BYDAY=TU")+open+silent+
		at("startsAt", "2027-03-09 10:00")+at("endsAt", "2027-04-09 10:00"))
	id := e["eventId"].(json.Number).String()
	for _, row := range []struct {
		start string
		want  int
	}{{"2027-03-09 10:00", 201}, {"2027-03-16 10:00", 201}, {"2027-03-16 10:00", 409}, {"2027-03-16 12:00", 201}, {"2027-03-17 10:00", 400}, {"2027-04-13 10:00", 400}, {"2027-03-02 10:00", 400}} {
		if got, v := a.call("POST", "/events/"+id+"/sessions", "timezone=1"+at("startsAt", row.start)); got != row.want {
			t.Errorf("session at %s: got %d %v, want %d", row.start, got, v, row.want)
		}
	}
	a.must(201, "POST", "/events/"+id+"/register", "email=all@example.com&sendEmail=false")
	if list := a.list("/events/" + id + "/participations"); len(list) != 1 {
		t.Errorf("participations: got %v", list)
	}
	first := a.State().Conferences[0].Session
	a.must(400, "PUT", "/eventsessions/"+first, "sendEmail=false&timezone=1"+at("startsAt", "2027-03-10 10:00"))
	a.must(409, "PUT", "/eventsessions/"+first, "sendEmail=false&timezone=1"+at("startsAt", "2027-03-16 12:00"))
	a.must(204, "PUT", "/eventsessions/"+first, "sendEmail=false&timezone=1"+at("startsAt", "2027-03-23 10:00"))
	a.must(204, "DELETE", "/eventsessions/"+first, "sendEmail=false")
	if got := len(a.State().Conferences); got != 2 {
		t.Errorf("after one deletion: got %d sessions, want 2", got)
	}
	a.must(204, "DELETE", "/organization/events/"+id, "sendEmail=false")
	if s := a.State(); len(s.Conferences) != 0 || len(s.Deleted) != 3 {
		t.Errorf("after the event's deletion: %d there, %d deleted", len(s.Conferences), len(s.Deleted))
	}
}

func TestRules(t *testing.T) {
	for _, row := range []struct {
		rule, start, at string
		want            bool
	}{
		{"FREQ=DAILY;COUNT=3", "2027-03-09", "2027-03-11", true},
		{"FREQ=DAILY;COUNT=3", "2027-03-09", "2027-03-12", false},
		{"FREQ=DAILY;INTERVAL=2", "2027-03-09", "2027-03-10", false},
		{"FREQ=DAILY;UNTIL=20270310", "2027-03-09", "2027-03-10", true},
		{"FREQ=DAILY;UNTIL=20270310", "2027-03-09", "2027-03-11", false},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "2027-03-08", "2027-03-24", true},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "2027-03-08", "2027-03-17", false},
		{"FREQ=WEEKLY", "2027-03-09", "2027-03-16", true},
		{"FREQ=MONTHLY", "2027-03-09", "2027-05-09", true},
		{"FREQ=MONTHLY;BYDAY=2TU", "2027-03-09", "2027-04-13", true},
		{"FREQ=MONTHLY;BYDAY=-1FR", "2027-03-26", "2027-04-30", true},
		{"FREQ=MONTHLY;BYDAY=-1FR", "2027-03-26", "2027-04-23", false},
		{"FREQ=MONTHLY;BYMONTHDAY=-1", "2027-03-31", "2027-04-30", true},
		{"FREQ=YEARLY", "2027-03-09", "2028-03-09", true},
		{"FREQ=YEARLY", "2027-03-09", "2028-03-10", false},
	} {
		r, err := parseRule(row.rule)
		if err != nil {
			t.Errorf("%s: %v", row.rule, err)
			continue
		}
		start, _ := time.Parse(time.DateOnly, row.start)
		day, _ := time.Parse(time.DateOnly, row.at)
		if got := r.matches(start, day); got != row.want {
			t.Errorf("%s from %s on %s: got %v", row.rule, row.start, row.at, got)
		}
	}
	for _, rule := range []string{"", "FREQ=HOURLY", "FREQ=DAILY;INTERVAL=0", "FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY;BYSETPOS=1", "FREQ=DAILY;COUNT=x"} {
		if _, err := parseRule(rule); err == nil {
			t.Errorf("%q: no error", rule)
		}
	}
}
