package mtslink

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/conference"
)

// TestOwner is whose name the event is made in: the member with exactly the organiser's address,
// otherwise the account's owner.
func TestOwner(t *testing.T) {
	reserve := func(t *testing.T, s *script) (asked string, err error) {
		t.Helper()
		_, err = s.p.Reserve(t.Context(), review(), conference.Room{}, nothing)
		s.mu.Lock()
		asked = strings.Join(s.asked, "")
		s.mu.Unlock()
		s.calls()
		return asked, err
	}
	t.Run("an address that only resembles", func(t *testing.T) {
		s := scripted(t)
		s.on("GET /organization/members", answer{200, `[{"id": 5, "email": "broom1@example.com"}, {"id": 6, "email": "room1@example.com.test"}, {"id": 7}]`, nil})
		asked, err := reserve(t, s)
		if err != nil || strings.Contains(asked, "ownerId") {
			t.Errorf("got %v, and the requests\n%s", err, asked)
		}
	})
	t.Run("unconfirmed", func(t *testing.T) {
		s := scripted(t)
		s.on("POST /events", answer{403, `{"error": {"message": "Event owner is not submitted"}}`, nil},
			answer{201, `{"eventId": 881200345, "link": "https://my.mts-link.ru/j/70010/881200345"}`, nil})
		asked, err := reserve(t, s)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(asked, "POST /events\n"); n != 2 || strings.Count(asked, "ownerId=70010") != 1 {
			t.Errorf("%d attempts:\n%s", n, asked)
		}
		if asked, err = reserve(t, s); err != nil || strings.Contains(asked, "ownerId") || strings.Contains(asked, "members") {
			t.Errorf("the second time: got %v, and the requests\n%s", err, asked)
		}
	})
	t.Run("the account's own owner is unconfirmed", func(t *testing.T) {
		s := scripted(t)
		s.on("POST /events", answer{403, `{"error": {"message": "Event owner is not submitted"}}`, nil})
		_, err := reserve(t, s)
		if conference.KindOf(err) != conference.Denied || conference.ReasonOf(err) != conference.ReasonOwner {
			t.Errorf("got %v, want denied because of the owner", err)
		}
	})
	t.Run("members not permitted", func(t *testing.T) {
		s := scripted(t)
		s.on("GET /organization/members", answer{403, "", nil})
		if asked, err := reserve(t, s); err != nil || strings.Contains(asked, "ownerId") {
			t.Errorf("got %v, and the requests\n%s", err, asked)
		}
	})
	t.Run("members out of order", func(t *testing.T) {
		s := scripted(t)
		s.on("GET /organization/members", answer{500, "", nil})
		if asked, err := reserve(t, s); conference.KindOf(err) != conference.Temporary || strings.Contains(asked, "POST") {
			t.Errorf("got %v, want temporary, and the requests\n%s", err, asked)
		}
	})
	t.Run("remembered for minutes only", func(t *testing.T) {
		s := scripted(t)
		now := scriptNow
		s.p.now = func() time.Time { return now }
		for _, wait := range []time.Duration{0, ownersLive - time.Second, 2 * time.Second} {
			now = now.Add(wait)
			asked, err := reserve(t, s)
			if err != nil || !strings.Contains(asked, "ownerId=70010") {
				t.Errorf("got %v, and the requests\n%s", err, asked)
			}
			if got, want := strings.Contains(asked, "members"), wait != ownersLive-time.Second; got != want {
				t.Errorf("after %v members were asked: %v, want %v", wait, got, want)
			}
		}
	})
}

// TestReserveGoesOn is what Reserve does with what an earlier attempt reached.
func TestReserveGoesOn(t *testing.T) {
	const read, post = "GET /organization/events/881200345", "POST /events/881200345/sessions"
	begun := conference.Room{Refs: map[string]string{RefEvent: "881200345"}, JoinURL: roomOne().JoinURL}
	found := conference.Room{Refs: map[string]string{RefEvent: "881200345"}}
	tests := []struct {
		name    string
		known   conference.Room
		answers map[string][]answer
		calls   []string
		err     conference.ErrorKind
	}{
		{
			name: "a session is there: its answer was lost", known: begun,
			answers: map[string][]answer{read: {{200, eventJSON("ACTIVE", "ACTIVE"), nil}}},
			calls:   []string{read, "GET /timezones", "PUT /organization/events/881200345", "PUT /eventsessions/990077001"},
		},
		{
			name: "no session", known: begun,
			answers: map[string][]answer{read: {{200, eventJSON("ACTIVE"), nil}, {200, eventJSON("ACTIVE", "ACTIVE"), nil}}},
			calls:   []string{read, post, read, "GET /timezones", "PUT /organization/events/881200345", "PUT /eventsessions/990077001"},
		},
		{
			name: "409: there is one after all", known: begun,
			answers: map[string][]answer{
				read: {{200, eventJSON("ACTIVE"), nil}, {200, eventJSON("ACTIVE", "ACTIVE"), nil}},
				post: {{409, `{"error": {"message": "Session exists"}}`, nil}},
			},
			calls: []string{read, post, read, read, "GET /timezones", "PUT /organization/events/881200345", "PUT /eventsessions/990077001"},
		},
		{
			name: "the session's answer breaks, and there is none", known: begun,
			answers: map[string][]answer{read: {{200, eventJSON("ACTIVE"), nil}}, post: {{0, "", nil}}},
			calls:   []string{read, post, read},
			err:     conference.Temporary,
		},
		{
			name: "the event was deleted by somebody", known: begun,
			answers: map[string][]answer{read: {{404, "", nil}}, "GET /organization/events/schedule": {{200, "[]", nil}}},
			calls:   []string{read, "GET /organization/events/schedule", "GET /organization/events/schedule", "GET /timezones", "GET /organization/members", "POST /events", post},
		},
		{
			name: "the meeting was stopped by somebody: it stays", known: roomOne(),
			answers: map[string][]answer{read: {{200, eventJSON("STOP", "STOP"), nil}}},
			calls:   []string{read, "GET /timezones", "GET /organization/members", "POST /events", post},
		},
		{
			name: "found by its key, the link is lost: replaced", known: found,
			answers: map[string][]answer{
				read:                                    {{200, eventJSON("ACTIVE"), nil}},
				"DELETE /organization/events/881200345": {{204, "", nil}},
			},
			calls: []string{read, "DELETE /organization/events/881200345", "GET /timezones", "GET /organization/members", "POST /events", post},
		},
		{
			name: "the same, but the service tells the link", known: found,
			answers: map[string][]answer{read: {{200, strings.Replace(eventJSON("ACTIVE", "ACTIVE"), "{", `{"link": "https://my.mts-link.ru/j/70010/881200345",`, 1), nil}}},
			calls:   []string{read, "GET /timezones", "PUT /organization/events/881200345", "PUT /eventsessions/990077001"},
		},
		{
			name: "the same, but the event is another's: left alone", known: found,
			answers: map[string][]answer{read: {{200, strings.Replace(eventJSON("ACTIVE"), "caldav-4f1c", "other", 1), nil}}},
			calls:   []string{read, "GET /timezones", "GET /organization/members", "POST /events", post},
		},
		{
			name: "it cannot be read", known: begun,
			answers: map[string][]answer{read: {{503, "<html>", nil}}},
			calls:   []string{read}, err: conference.Temporary,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scripted(t)
			s.on("PUT /organization/events/881200345", answer{204, "", nil})
			s.on("PUT /eventsessions/990077001", answer{204, "", nil})
			for call, answers := range tt.answers {
				s.on(call, answers...)
			}
			recorded := tt.known
			room, err := s.p.Reserve(t.Context(), review(), tt.known, func(r conference.Room) error {
				recorded = r.Clone()
				return nil
			})
			if got := conference.KindOf(err); got != tt.err {
				t.Fatalf("got %v, want kind %q", err, tt.err)
			}
			if got := s.calls(); !slices.Equal(got, tt.calls) {
				t.Errorf("calls:\ngot  %q\nwant %q", got, tt.calls)
			}
			if err == nil && !reflect.DeepEqual(room, roomOne()) {
				t.Errorf("room: got %+v", room)
			}
			if err == nil && !reflect.DeepEqual(recorded, room) {
				t.Errorf("recorded %+v, returned %+v", recorded, room)
			}
		})
	}
}

func TestReserveAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer answer
		kind   conference.ErrorKind
		posts  int
	}{
		"no event in the answer": {answer{201, `{}`, nil}, conference.Ambiguous, 0},
		"no usable link":         {answer{201, `{"eventId": 881200345, "link": "javascript:x"}`, nil}, conference.Temporary, 1},
		"broken":                 {answer{201, `{"eventId": 88`, nil}, conference.Ambiguous, 0},
		"dropped":                {answer{0, "", nil}, conference.Ambiguous, 0},
		"bad gateway":            {answer{502, "<html>", nil}, conference.Ambiguous, 0},
		"too long":               {answer{201, strings.Repeat(" ", answerLimit+1), nil}, conference.Ambiguous, 0},
		"wrong address":          {answer{404, "", nil}, conference.Denied, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t)
			s.on("POST /events", tt.answer)
			records := 0
			_, err := s.p.Reserve(t.Context(), review(), conference.Room{}, func(conference.Room) error { records++; return nil })
			if conference.KindOf(err) != tt.kind || records != tt.posts {
				t.Errorf("got %v with %d steps recorded, want kind %s with %d", err, records, tt.kind, tt.posts)
			}
			s.silent(err)
		})
	}
}

// TestRecordFails stops at the step that could not be recorded, with record's own error.
func TestRecordFails(t *testing.T) {
	s := scripted(t)
	broken := errors.New("disk full")
	_, err := s.p.Reserve(t.Context(), review(), conference.Room{}, func(conference.Room) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if calls := s.calls(); slices.Contains(calls, "POST /events/881200345/sessions") {
		t.Errorf("went on without a record: %q", calls)
	}
}

// TestFindPages looks at every page, and takes an open event with a session before others.
func TestFindPages(t *testing.T) {
	entry := func(id, status, tags, sessions string) string {
		return `{"id": "` + id + `", "status": "` + status + `", "access": "4", "isArchive": "0", "startsAt": "2027-03-10T11:00:00+0300",
			"tags": ` + tags + `, "lectors": [], "eventSessions": [` + sessions + `]}`
	}
	const mine = `["caldav-4f1c"]`
	var filler []string
	for i := range 250 {
		filler = append(filler, entry("5"+strings.Repeat("0", i%9)+string(rune('a'+i%26))+string(rune('a'+i/26)), "ACTIVE", `["caldav-4f1c2", "aldav-4f1c"]`, ""))
	}
	s := scripted(t)
	s.on("GET /organization/events/schedule",
		answer{200, "[" + strings.Join(filler, ",") + "]", nil},
		answer{200, "[" + strings.Join([]string{
			entry("11", "STOP", mine, ""),
			entry("12", "ACTIVE", mine, `{"id": "1", "status": "STOP"}`),
			entry("13", "ACTIVE", mine, ""),
			entry("15", "ACTIVE", `[{"name": "caldav-4f1c"}]`, `{"id": "990077001", "status": "ACTIVE"}`),
			entry("114", "ACTIVE", mine, `{"id": 990077002, "status": "ACTIVE"}`),
		}, ",") + "]", nil})
	room, ok, err := s.p.Find(t.Context(), review())
	if err != nil || !ok {
		t.Fatalf("got %v, %v", ok, err)
	}
	if want := map[string]string{RefEvent: "15", RefSession: "990077001"}; !reflect.DeepEqual(room.Refs, want) {
		t.Errorf("got %v, want %v", room.Refs, want)
	}
	if got := len(s.calls()); got != 2 {
		t.Errorf("%d pages read, want 2", got)
	}

	// What has ended is history, whatever key it carries.
	s.on("GET /organization/events/schedule", answer{200, "[" + entry("11", "STOP", mine, "") + "," +
		entry("12", "ACTIVE", mine, `{"id": "1", "status": "STOP"}`) + "]", nil})
	if room, ok, err := s.p.Find(t.Context(), review()); ok || err != nil {
		t.Errorf("found what has ended: %v, %v", room, err)
	}
	s.calls()

	// A service that ignores page numbers does not hold us for ever.
	s.on("GET /organization/events/schedule", answer{200, "[" + strings.Join(filler, ",") + "]", nil})
	if _, ok, err := s.p.Find(t.Context(), review()); ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if got := len(s.calls()); got != 4 {
		t.Errorf("%d pages read, want 4", got)
	}
}
