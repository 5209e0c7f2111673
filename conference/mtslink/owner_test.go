package mtslink

import (
	"slices"
	"strings"
	"testing"

	"joinery/conference"
)

// TestHand is who owns an event after an update.
func TestHand(t *testing.T) {
	const (
		read    = "GET /organization/events/881200345"
		members = "GET /organization/members"
		move    = "PUT /organization/events/881200345/move"
	)
	ok := answer{204, "", nil}
	another := strings.NewReplacer(`"createUserId": 70010`, `"createUserId": 70001`, `{"id": 70010`, `{"id": 70001`, "room1@", "boss@")
	unconfirmed := answer{403, `{"error": {"message": "Event owner is not submitted"}}`, nil}
	tests := []struct {
		name    string
		event   string
		members answer
		move    answer
		asks    bool // for the members
		moves   int  // in two updates
		err     conference.ErrorKind
	}{
		{"already the host's", eventJSON("ACTIVE", "ACTIVE"), answer{}, ok, false, 0, ""},
		{"another's", another.Replace(eventJSON("ACTIVE", "ACTIVE")), answer{}, ok, true, 2, ""},
		{"another's, ids as text", strings.Replace(another.Replace(eventJSON("ACTIVE", "ACTIVE")), "70001,", `"70001",`, 1), answer{}, ok, true, 2, ""},
		{"already the host's, told by id", strings.Replace(eventJSON("ACTIVE", "ACTIVE"), "room1@", "other@", 1), answer{}, ok, true, 0, ""},
		{"the owner is not told", `{"id": 881200345, "status": "ACTIVE", "eventSessions": [{"id": 990077001, "status": "ACTIVE"}]}`, answer{}, ok, false, 0, ""},
		{"the host is no member: it stays", another.Replace(eventJSON("ACTIVE", "ACTIVE")), list(), ok, true, 0, ""},
		{"live: it stays", another.Replace(eventJSON("START", "START")), answer{}, ok, false, 0, ""},
		{"not confirmed: remembered", another.Replace(eventJSON("ACTIVE", "ACTIVE")), answer{}, unconfirmed, true, 1, ""},
		{"no longer a member", another.Replace(eventJSON("ACTIVE", "ACTIVE")), answer{}, answer{404, "", nil}, true, 2, ""},
		{"not permitted", another.Replace(eventJSON("ACTIVE", "ACTIVE")), answer{}, answer{403, "", nil}, true, 2, ""},
		{"out of order", another.Replace(eventJSON("ACTIVE", "ACTIVE")), answer{}, answer{500, "", nil}, true, 2, conference.Temporary},
		{"members out of order", another.Replace(eventJSON("ACTIVE", "ACTIVE")), answer{500, "", nil}, ok, true, 0, conference.Temporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scripted(t)
			s.on(read, answer{200, tt.event, nil})
			s.on("PUT /organization/events/881200345", ok)
			s.on("PUT /eventsessions/990077001", ok)
			s.on(move, tt.move)
			if tt.members.status != 0 {
				s.on(members, tt.members)
			}
			for range 2 {
				room, err := s.p.Update(t.Context(), roomOne(), review())
				if conference.KindOf(err) != tt.err || room.JoinURL != roomOne().JoinURL {
					t.Errorf("got %+v, %v, want kind %q", room, err, tt.err)
				}
			}
			asked := strings.Join(s.asked, "")
			if got := strings.Count(asked, move+"\n"); got != tt.moves || strings.Count(asked, "  userId=70010\n") != tt.moves {
				t.Errorf("moved %d times, want %d:\n%s", got, tt.moves, asked)
			}
			if got := slices.Contains(s.calls(), members); got != tt.asks {
				t.Errorf("members were asked: %v, want %v", got, tt.asks)
			}
		})
	}
}

// TestLectors: presenters who are members have cards on the event's page, if the service takes them.
func TestLectors(t *testing.T) {
	const members = "GET /organization/members"
	m := review()
	m.Presenters = []conference.Person{{Email: "room1@example.com"}, {Email: "Two@example.com"}, {Email: "outside@example.org"}, {Email: "two@example.com"}}
	two := list(`{"id": 70010, "email": "Room1@example.com"}`, `{"id": 70012, "email": "two@example.com"}`)
	made := answer{201, `{"eventId": 881200345, "link": "https://my.mts-link.ru/j/70010/881200345"}`, nil}
	for name, tt := range map[string]struct {
		members []answer
		posts   []answer
		lectors [][]string // of each POST /events
		err     conference.ErrorKind
	}{
		"taken":                    {[]answer{two}, []answer{made}, [][]string{{"70010", "70012"}}, ""},
		"one is none any more":     {[]answer{two}, []answer{{404, `{"error": {"message": "Lector not found"}}`, nil}, made}, [][]string{{"70010", "70012"}, nil}, ""},
		"refused for another deed": {[]answer{two}, []answer{{400, `{"error": {"message": "name"}}`, nil}}, [][]string{{"70010", "70012"}, nil}, conference.Invalid},
		"the key is refused":       {[]answer{two}, []answer{{401, "", nil}}, [][]string{{"70010", "70012"}}, conference.Denied},
		"unclear":                  {[]answer{two}, []answer{{500, "", nil}}, [][]string{{"70010", "70012"}}, conference.Ambiguous},
		"they cannot be looked up": {[]answer{two, {500, "", nil}}, []answer{made}, [][]string{{"70010"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t)
			s.on(members, tt.members...)
			s.on("POST /events", tt.posts...)
			_, err := s.p.Reserve(t.Context(), m, conference.Room{}, nothing)
			if conference.KindOf(err) != tt.err {
				t.Errorf("got %v, want kind %q", err, tt.err)
			}
			var got [][]string
			for _, asked := range s.asked {
				if !strings.HasPrefix(asked, "POST /events\n") {
					continue
				}
				var lectors []string
				for line := range strings.Lines(asked) {
					if _, id, ok := strings.Cut(line, "]="); ok && strings.HasPrefix(line, "  lectorIds[") {
						lectors = append(lectors, strings.TrimSpace(id))
					}
				}
				got = append(got, lectors)
			}
			if !slices.EqualFunc(got, tt.lectors, slices.Equal[[]string]) {
				t.Errorf("lectors: got %v, want %v", got, tt.lectors)
			}
		})
	}
}
