package mtslink

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"joinery/conference"
)

const (
	readSession = "GET /eventsessions/990077001"
	readPeople  = "GET /eventsessions/990077001/participations"
	invite      = "POST /eventsessions/990077001/invite"
	register    = "POST /eventsessions/990077001/register"
	setRole     = "PUT /participations/update"
	removePlace = "POST /participations/delete"
)

// sessionJSON is GET /eventsessions/{id} as the reference records it; more is further attributes.
func sessionJSON(status, more string) answer {
	return answer{200, `{"id": 990077001, "name": "Quarter review", "status": "` + status + `", "access": 4, "lang": "RU", "type": "meeting",
		"startType": "autostart", "startsAt": "2027-03-10T11:00:00+0300", "utcStartsAt": 1804665600, "timezoneId": 1,
		"createUserId": 70010, "organizationId": 5501, "lectors": [], "tags": ["caldav-4f1c"]` + more + `}`, nil}
}

const byRoomOne = `, "additionalFields": [], "createUser": {"id": 70010, "name": "Room", "secondName": "One", "email": "Room1@example.com"}`

// placeJSON is one of GET /eventsessions/{id}/participations.
func placeJSON(id int, email, role string) string {
	return fmt.Sprintf(`{"id": %d, "userId": 81000, "name": "Guest", "secondName": "One", "email": %q, "eventId": 881200345,
		"eventSessionId": 990077001, "role": %q, "isAccepted": 1, "isOnline": "0", "additionalFieldValues": [], "url": "%s", "visited": false}`, id, email, role, token(id))
}

func token(id int) string { return fmt.Sprintf("5f0c8a1e2b3d4c5f6a7b8c9d%08d", id) }

func invitedJSON(id int, email string) string {
	return fmt.Sprintf(`{"email": %q, "participationId": "%d", "link": "https://my.mts-link.ru/70010/881200345/%s"}`, email, id, token(id))
}

func list(entries ...string) answer { return answer{200, "[" + strings.Join(entries, ",") + "]", nil} }

func participants(role conference.ParticipantRole, addresses ...string) []conference.Participant {
	var people []conference.Participant
	for _, address := range addresses {
		people = append(people, conference.Participant{Person: conference.Person{Email: address}, Role: role})
	}
	return people
}

func registered(role conference.ParticipantRole, id int, address string) conference.Registration {
	return conference.Registration{Email: address, Role: role, Ref: fmt.Sprint(id), Link: "https://my.mts-link.ru/j/70010/881200345/" + token(id)}
}

// TestEnrollRequests is section 5.6 of the reference, field by field.
func TestEnrollRequests(t *testing.T) {
	s := scripted(t)
	s.on(readSession, sessionJSON("ACTIVE", byRoomOne))
	s.on(readPeople, list(placeJSON(1, "was@example.com", "GUEST"), placeJSON(2, "old@example.com", "ADMIN"), placeJSON(3, "other@example.com", "GUEST")),
		list(placeJSON(1, "was@example.com", "GUEST"), placeJSON(5, "Self@Example.com", "GUEST")))
	s.on(invite, list(invitedJSON(4, "GUEST1@example.com")))
	s.on(setRole, answer{204, "", nil})
	s.on(removePlace, answer{204, "", nil})
	s.on(register, answer{201, `{"participationId": 6, "link": "https://my.mts-link.ru/j/70010/881200345/` + token(6) + `", "contactId": 47300001}`, nil})
	people := []conference.Participant{
		{Person: conference.Person{Name: "Room One", Email: "room1@EXAMPLE.com"}, Role: conference.RoleHost},
		{Person: conference.Person{Name: "Was Here", Email: "Was@example.com"}, Role: conference.RolePresenter},
		{Person: conference.Person{Name: "Guest de la\r\nOne", Email: "guest1@example.com"}, Role: conference.RoleGuest},
		{Person: conference.Person{Email: "self@example.com"}, Role: conference.RoleGuest},
		{Person: conference.Person{Name: "Late", Email: "late@example.com"}, Role: conference.RolePresenter},
	}
	leave := []conference.Registration{{Email: "old@example.com", Ref: "2"}, {Email: "gone@example.com", Ref: "77"}, {Email: "was@example.com", Ref: "1"}, {Email: "no@example.com"}}
	got, err := s.p.Enroll(t.Context(), roomOne(), people, leave)
	if err != nil {
		t.Fatal(err)
	}
	want := []conference.Registration{
		{Email: "room1@example.com", Role: conference.RoleHost},
		registered(conference.RolePresenter, 1, "was@example.com"),
		registered(conference.RoleGuest, 4, "guest1@example.com"),
		registered(conference.RoleGuest, 5, "self@example.com"),
		registered(conference.RolePresenter, 6, "late@example.com"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	s.golden("enroll")
	s.silent(nil)
	if log := s.log.String(); strings.Contains(log, "5f0c8a1e") || strings.Contains(log, "example.com") {
		t.Errorf("a personal link or an address stands in the log:\n%s", log)
	}
}

// TestEnrollAnswers is one or two guests, and what the service may make of them.
func TestEnrollAnswers(t *testing.T) {
	guest := func(id int, address string) conference.Registration {
		return registered(conference.RoleGuest, id, address)
	}
	refused := func(address string, why conference.Reason) conference.Registration {
		return conference.Registration{Email: address, Role: conference.RoleGuest, Refused: why}
	}
	blank := answer{400, `{"error": {"message": "ERROR_BLANK"}}`, nil}
	conflict := answer{409, `{"error": {"message": "User already registered"}}`, nil}
	open := sessionJSON("ACTIVE", byRoomOne)
	a, b := "a@example.com", "b@example.com"
	tests := []struct {
		name    string
		people  []string
		answers map[string][]answer
		calls   []string
		want    []conference.Registration
		err     conference.ErrorKind
	}{
		{name: "the session is gone", people: []string{a}, answers: map[string][]answer{readSession: {{404, "", nil}}}, calls: []string{readSession}, err: conference.Gone},
		{name: "the session has ended", people: []string{a}, answers: map[string][]answer{readSession: {sessionJSON("STOP", byRoomOne)}}, calls: []string{readSession}, err: conference.Gone},
		{name: "nobody", answers: map[string][]answer{readSession: {open}}, calls: []string{readSession}, want: []conference.Registration{}},
		{name: "fields are told beforehand", people: []string{a, b},
			answers: map[string][]answer{readSession: {sessionJSON("ACTIVE", `, "additionalFields": [{"key": "f1", "label": "City", "type": "text"}]`)}, readPeople: {list(placeJSON(1, b, "GUEST"))}},
			calls:   []string{readSession, readPeople}, want: []conference.Registration{refused(a, conference.ReasonFields), guest(1, b)}},
		{name: "fields are told beforehand, as an object", people: []string{a},
			answers: map[string][]answer{readSession: {sessionJSON("ACTIVE", `, "additionalFields": {"f1": {"label": "City"}}`)}, readPeople: {list()}},
			calls:   []string{readSession, readPeople}, want: []conference.Registration{refused(a, conference.ReasonFields)}},
		{name: "fields are not told beforehand", people: []string{a, b},
			answers: map[string][]answer{readSession: {open}, readPeople: {list()}, invite: {blank}},
			calls:   []string{readSession, readPeople, invite},
			want:    []conference.Registration{refused(a, conference.ReasonFields), refused(b, conference.ReasonFields)}},
		{name: "fields are told to one alone", people: []string{a, b},
			answers: map[string][]answer{readSession: {open}, readPeople: {list()}, invite: {list()}, register: {blank}},
			calls:   []string{readSession, readPeople, invite, readPeople, register},
			want:    []conference.Registration{refused(a, conference.ReasonFields), refused(b, conference.ReasonFields)}},
		{name: "answers in another order, with strangers and without ids", people: []string{a, b},
			answers: map[string][]answer{readSession: {open}, readPeople: {list(), list(placeJSON(7, a, "guest"), `{"id": 8, "email": null}`)},
				invite: {list(invitedJSON(2, "B@example.com"), invitedJSON(3, "c@example.com"), `{"email": "a@example.com"}`)}},
			calls: []string{readSession, readPeople, invite, readPeople}, want: []conference.Registration{guest(7, a), guest(2, b)}},
		{name: "one is registered already: 409", people: []string{a},
			answers: map[string][]answer{readSession: {open}, readPeople: {list(), list(placeJSON(7, a, "GUEST"))}, register: {conflict}},
			calls:   []string{readSession, readPeople, register, readSession, readPeople}, want: []conference.Registration{guest(7, a)}},
		{name: "409, and not in the list", people: []string{a},
			answers: map[string][]answer{readSession: {open}, readPeople: {list()}, register: {conflict}},
			calls:   []string{readSession, readPeople, register, readSession, readPeople}, want: []conference.Registration{{Email: a, Role: conference.RoleGuest}}},
		{name: "409: the meeting has ended meanwhile", people: []string{a},
			answers: map[string][]answer{readSession: {open, sessionJSON("STOP", "")}, readPeople: {list()}, register: {conflict}},
			calls:   []string{readSession, readPeople, register, readSession}, err: conference.Gone},
		{name: "many: the meeting has ended meanwhile", people: []string{a, b},
			answers: map[string][]answer{readSession: {open, sessionJSON("STOP", "")}, readPeople: {list()}, invite: {conflict}},
			calls:   []string{readSession, readPeople, invite, readSession}, err: conference.Gone},
		{name: "one spoils the call", people: []string{a, b},
			answers: map[string][]answer{readSession: {open}, readPeople: {list()}, invite: {{400, `{"error": {"message": "users[0][email] is malformed"}}`, nil}},
				register: {{400, `{"error": {"message": "email is malformed"}}`, nil}, {200, `{"participationId": 2, "link": "https://my.mts-link.ru/j/70010/881200345/` + token(2) + `"}`, nil}}},
			calls: []string{readSession, readPeople, invite, readSession, readPeople, register, register},
			want:  []conference.Registration{refused(a, conference.ReasonAddress), guest(2, b)}},
		{name: "unclear", people: []string{a, b}, answers: map[string][]answer{readSession: {open}, readPeople: {list()}, invite: {{502, "<html>", nil}}},
			calls: []string{readSession, readPeople, invite}, err: conference.Temporary},
		{name: "the connection breaks", people: []string{a}, answers: map[string][]answer{readSession: {open}, readPeople: {list()}, register: {{0, "", nil}}},
			calls: []string{readSession, readPeople, register}, err: conference.Temporary},
		{name: "the answer breaks", people: []string{a, b}, answers: map[string][]answer{readSession: {open}, readPeople: {list()}, invite: {{201, `[{"email": "a@ex`, nil}}},
			calls: []string{readSession, readPeople, invite}, err: conference.Temporary},
		{name: "denied", people: []string{a}, answers: map[string][]answer{readSession: {open}, readPeople: {list()}, register: {{403, "", nil}}},
			calls: []string{readSession, readPeople, register}, err: conference.Denied},
		{name: "limited", people: []string{a, b}, answers: map[string][]answer{readSession: {open}, readPeople: {list()}, invite: {{429, "", http.Header{"Retry-After": {"5"}}}}},
			calls: []string{readSession, readPeople, invite}, err: conference.Limited},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scripted(t)
			for call, answers := range tt.answers {
				s.on(call, answers...)
			}
			got, err := s.p.Enroll(t.Context(), roomOne(), participants(conference.RoleGuest, tt.people...), nil)
			if conference.KindOf(err) != tt.err {
				t.Fatalf("got %v, want kind %q", err, tt.err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if calls := s.calls(); !slices.Equal(calls, tt.calls) {
				t.Errorf("calls:\ngot  %q\nwant %q", calls, tt.calls)
			}
			s.silent(err)
		})
	}
}

// TestEnrollOwner: the host who owns the event needs no place; any other becomes ADMIN.
func TestEnrollOwner(t *testing.T) {
	for name, tt := range map[string]struct {
		session string
		asks    bool // for the members
		place   bool
	}{
		"owns it":                         {byRoomOne, false, false},
		"another does":                    {`, "createUser": {"id": 70010, "email": "boss@example.com"}`, false, true},
		"owns it, told by id":             {``, true, false},
		"another does, told by id":        {`, "createUserId": "70011"`, true, true}, // the last one counts
		"the owner is told strangely":     {`, "createUserId": {"x": 1}, "createUser": 5`, true, false},
		"nothing is told of who owns it":  {`, "createUserId": null`, false, true},
		"no member owns it, told as text": {`, "createUserId": "1"`, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t)
			if name == "nothing is told of who owns it" {
				s.on(readSession, answer{200, `{"id": 990077001, "status": "ACTIVE"}`, nil})
			} else {
				s.on(readSession, sessionJSON("ACTIVE", tt.session))
			}
			s.on(readPeople, list())
			s.on(register, answer{201, `{"participationId": 6}`, nil})
			got, err := s.p.Enroll(t.Context(), roomOne(), participants(conference.RoleHost, "room1@example.com"), nil)
			if err != nil || len(got) != 1 || (got[0].Ref != "") != tt.place || got[0].Role != conference.RoleHost {
				t.Errorf("got %+v, %v", got, err)
			}
			if asks := slices.Contains(s.calls(), "GET /organization/members"); asks != tt.asks {
				t.Errorf("members were asked: %v, want %v", asks, tt.asks)
			}
		})
	}
}

// TestEnrollRefusedTogether does one by one what is refused because of one that is gone.
func TestEnrollRefusedTogether(t *testing.T) {
	s := scripted(t)
	s.on(readSession, sessionJSON("START", byRoomOne))
	s.on(readPeople, list(placeJSON(1, "a@example.com", "GUEST"), placeJSON(2, "b@example.com", "LECTURER"),
		placeJSON(3, "c@example.com", "GUEST"), placeJSON(4, "d@example.com", "GUEST")))
	missing, ok := answer{404, `{"error": {"message": "Not found"}}`, nil}, answer{204, "", nil}
	s.on(setRole, missing, missing, ok)
	s.on(removePlace, missing, missing, ok)
	got, err := s.p.Enroll(t.Context(), roomOne(), participants(conference.RolePresenter, "a@example.com", "b@example.com"),
		[]conference.Registration{{Ref: "3"}, {Ref: "4"}})
	want := []conference.Registration{registered(conference.RoleGuest, 1, "a@example.com"), registered(conference.RolePresenter, 2, "b@example.com")}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, want := s.calls(), []string{readSession, readPeople, setRole, setRole, setRole, removePlace, removePlace, removePlace}; !slices.Equal(got, want) {
		t.Errorf("calls:\ngot  %q\nwant %q", got, want)
	}
	for call, kind := range map[string]conference.ErrorKind{setRole: conference.Temporary, removePlace: conference.Temporary} {
		s.on(setRole, ok)
		s.on(call, answer{500, "", nil})
		if _, err := s.p.Enroll(t.Context(), roomOne(), participants(conference.RolePresenter, "a@example.com"), []conference.Registration{{Ref: "3"}}); conference.KindOf(err) != kind {
			t.Errorf("500 at %s: got %v, want %s", call, err, kind)
		}
	}
}

// TestEnrollPages reads every page of those registered, and asks for fifty a call.
func TestEnrollPages(t *testing.T) {
	s := scripted(t)
	var first, second, addresses []string
	for i := range 500 {
		first = append(first, placeJSON(1000+i, fmt.Sprintf("p%d@example.com", i), "GUEST"))
	}
	for i := range 49 {
		second = append(second, placeJSON(2000+i, fmt.Sprintf("q%d@example.com", i), "GUEST"))
		addresses = append(addresses, fmt.Sprintf("q%d@example.com", i))
	}
	var fifty []string
	for i := range 50 {
		addresses = append(addresses, fmt.Sprintf("n%d@example.com", i))
		fifty = append(fifty, invitedJSON(3000+i, fmt.Sprintf("n%d@example.com", i)))
	}
	addresses = append(addresses, "last@example.com")
	s.on(readSession, sessionJSON("ACTIVE", byRoomOne))
	s.on(readPeople, list(first...), list(second...))
	s.on(invite, list(fifty...), list(invitedJSON(4000, "last@example.com")))
	got, err := s.p.Enroll(t.Context(), roomOne(), participants(conference.RoleGuest, addresses...), nil)
	if err != nil || len(got) != 100 {
		t.Fatalf("got %d, %v", len(got), err)
	}
	for _, r := range got {
		if r.Ref == "" || r.Link == "" {
			t.Errorf("%+v is not registered", r)
		}
	}
	asked := strings.Join(s.asked, "")
	if !strings.Contains(asked, "users[49][email]=n49@example.com") || strings.Contains(asked, "users[50]") || !strings.Contains(asked, "?page=2\n  ?perPage=500") {
		t.Errorf("the requests were\n%s", asked)
	}
	if got, want := s.calls(), []string{readSession, readPeople, readPeople, invite, invite}; !slices.Equal(got, want) {
		t.Errorf("calls:\ngot  %q\nwant %q", got, want)
	}
}

func TestPersonalLink(t *testing.T) {
	room := "https://my.mts-link.ru/j/70010/881200345"
	for _, tt := range []struct{ room, told, want string }{
		{room, token(1), room + "/" + token(1)},
		{room + "/", token(1), room + "/" + token(1)},
		{room, "https://my.mts-link.ru/70010/881200345/" + token(1), room + "/" + token(1)},
		{room, "https://my.mts-link.ru/personal?t=1", "https://my.mts-link.ru/personal?t=1"},
		{"", "https://my.mts-link.ru/70010/881200345/" + token(1), "https://my.mts-link.ru/70010/881200345/" + token(1)},
		{"", token(1), ""},
		{room + "?x=1", token(1), ""},
		{room, "", ""},
		{room, "../../evil", ""},
		{room, "javascript:alert(1)", ""},
	} {
		if got := (&enrolment{link: tt.room}).personal(tt.told); got != tt.want {
			t.Errorf("%q with %q: got %q, want %q", tt.room, tt.told, got, tt.want)
		}
	}
}

func TestMerge(t *testing.T) {
	got := merge(slices.Concat(participants(conference.RoleGuest, "A@x.org", "b@x.org"), participants(conference.RoleHost, "a@x.org "), participants(conference.RolePresenter, "a@x.org")))
	roles := make(map[string]conference.ParticipantRole)
	for _, person := range got {
		roles[person.Email] = person.Role
	}
	want := map[string]conference.ParticipantRole{"a@x.org": conference.RoleHost, "b@x.org": conference.RoleGuest}
	if !maps.Equal(roles, want) || len(got) != 2 {
		t.Errorf("got %+v", got)
	}
}
