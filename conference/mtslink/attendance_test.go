package mtslink

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"joinery/conference"
)

const stats = "GET /stats/users"

// held is the session of section 5.8, after its end.
var held = answer{200, `{"id": 990077001, "status": "STOP", "startsAt": "2027-03-10T11:00:12+0300", "endsAt": "2027-03-10T11:58:40+0300",
	"estimatedAt": "2027-03-10T11:00:00+0300"}`, nil}

// TestAttendance is section 5.8 of the reference, and what else its statistics may look like.
func TestAttendance(t *testing.T) {
	at := func(hour, minute, second int) time.Time {
		return time.Date(2027, 3, 10, hour, minute, second, 0, time.UTC)
	}
	user := func(connections string) string {
		return `[{"id": 81000, "email": "Guest1@example.com", "name": "Guest", "secondName": "One", "patrName": "", "sex": "o",
			"eventSessions": [{"id": 990077001, "eventId": 881200345, "name": "Quarter review",
			"startsAt": "2027-03-10T11:00:12+0300", "endsAt": "2027-03-10T11:58:40+0300", "duration": 3508,
			"chatMessageCount": 4, "userChatMessageCount": 1` + connections + `}]}]`
	}
	guest := func(joined, left time.Time, present time.Duration) conference.Visit {
		return conference.Visit{Email: "guest1@example.com", Name: "Guest One", Joined: joined, Left: left, Present: present}
	}
	one := guest(at(8, 1, 0), at(8, 40, 0), 39*time.Minute)
	tests := []struct {
		name string
		body answer
		want []conference.Visit
	}{
		{"as recorded", answer{200, user(`, "actualInvolvement": 3010, "connections": [{"joined": "2027-03-10T11:01:00+0300", "leaved": "2027-03-10T11:40:00+0300",
			"duration": 2340, "country": "", "city": "", "referrer": "", "platform": "Web"}]`), nil}, []conference.Visit{one}},
		{"with a colon, and no duration", answer{200, user(`, "connections": [{"joined": "2027-03-10T11:01:00+03:00", "leaved": "2027-03-10T11:40+03:00"}]`), nil}, []conference.Visit{one}},
		{"without an offset", answer{200, user(`, "connections": [{"joined": "2027-03-10 11:01:00", "leaved": "2027-03-10T11:40:00", "duration": "2340"}]`), nil}, []conference.Visit{one}},
		{"in seconds and milliseconds", answer{200, user(`, "connections": [{"joined": 1804665660, "leaved": "1804668000000"}]`), nil}, []conference.Visit{one}},
		{"cannot be read", answer{200, user(`, "connections": [{"joined": "soon", "leaved": null, "duration": -1}, {"joined": {}, "duration": 60}]`), nil},
			[]conference.Visit{guest(time.Time{}, time.Time{}, 0), guest(time.Time{}, time.Time{}, time.Minute)}},
		{"still there", answer{200, user(`, "connections": [{"joined": "2027-03-10T11:01:00+0300", "duration": 2340}]`), nil}, []conference.Visit{guest(at(8, 1, 0), time.Time{}, 39*time.Minute)}},
		{"connections are missing", answer{200, user(`, "actualInvolvement": 3010`), nil}, []conference.Visit{guest(time.Time{}, time.Time{}, 3010*time.Second)}},
		{"only the duration is told", answer{200, user(``), nil}, []conference.Visit{guest(time.Time{}, time.Time{}, 3508*time.Second)}},
		{"did not come", answer{200, user(`, "actualInvolvement": 0, "connections": []`), nil}, nil},
		{"did not come, and no involvement is told", answer{200, user(`, "connections": []`), nil}, nil},
		{"did not come, without connections", answer{200, user(`, "actualInvolvement": 0`), nil}, nil},
		{"another session of the event", answer{200, strings.Replace(user(`, "actualInvolvement": 5`), "990077001", "990077002", 1), nil}, nil},
		{"ids as text", answer{200, strings.Replace(user(`, "actualInvolvement": 5`), `"id": 990077001`, `"id": "990077001"`, 1), nil}, []conference.Visit{guest(time.Time{}, time.Time{}, 5*time.Second)}},
		{"nobody was counted: 404", answer{404, ``, nil}, nil},
		{"nobody was counted: 406", answer{406, `{"error": {"message": "Not acceptable"}}`, nil}, nil},
		{"nobody was counted: empty", answer{200, `[]`, nil}, nil},
		{"in the order of coming", answer{200, `[
			{"email": null, "nickname": "Somebody", "eventSessions": [{"id": 990077001, "connections": [
				{"joined": "2027-03-10T11:05:00+0300", "duration": 1}, {"duration": 2}, {"joined": "2027-03-10T11:01:00+0300", "duration": 3}]}]},
			{"name": "", "secondName": "Two", "email": 5, "eventSessions": [{"id": 1}, {"id": 990077001, "connections": [{"joined": "2027-03-10T11:02:00+0300", "duration": 4.4}]}]},
			{"email": "x@example.com"}]`, nil},
			[]conference.Visit{
				{Name: "Somebody", Joined: at(8, 1, 0), Present: 3 * time.Second},
				{Name: "Two", Joined: at(8, 2, 0), Present: 4 * time.Second},
				{Name: "Somebody", Joined: at(8, 5, 0), Present: time.Second},
				{Name: "Somebody", Present: 2 * time.Second},
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scripted(t)
			s.on(readSession, held)
			s.on(stats, tt.body)
			got, err := s.p.Attendance(t.Context(), roomOne())
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i].Joined, got[i].Left = got[i].Joined.UTC(), got[i].Left.UTC()
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestAttendanceAsks(t *testing.T) {
	s := scripted(t)
	s.on(readSession, held)
	s.on(stats, list())
	if _, err := s.p.Attendance(t.Context(), roomOne()); err != nil {
		t.Fatal(err)
	}
	s.golden("attendance")

	// It was held months ago, and the service does not tell when.
	s.on(readSession, answer{200, `{"id": 990077001, "status": "STOP"}`, nil})
	if _, err := s.p.Attendance(t.Context(), roomOne()); err != nil {
		t.Fatal(err)
	}
	if asked := strings.Join(s.asked, ""); !strings.Contains(asked, "?from=2027-01-14 10:00:00") || !strings.Contains(asked, "?to=2027-03-02 10:00:00") {
		t.Errorf("the requests were\n%s", asked)
	}

	for name, tt := range map[string]struct {
		session, stats answer
		err            conference.ErrorKind
	}{
		"the session is gone": {answer{404, "", nil}, list(), conference.Gone},
		"out of order":        {held, answer{500, "", nil}, conference.Temporary},
		"denied":              {held, answer{403, "", nil}, conference.Denied},
		"another shape":       {held, answer{200, `{"users": []}`, nil}, conference.Temporary},
	} {
		s.on(readSession, tt.session)
		s.on(stats, tt.stats)
		if visits, err := s.p.Attendance(t.Context(), roomOne()); conference.KindOf(err) != tt.err || visits != nil {
			t.Errorf("%s: got %v, %v, want kind %s", name, visits, err, tt.err)
		}
	}
	if _, err := s.p.Attendance(t.Context(), conference.Room{}); conference.KindOf(err) != conference.Gone {
		t.Errorf("without a session: %v", err)
	}
}
