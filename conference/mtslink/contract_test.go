package mtslink_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/emulator"
	"joinery/conference/mtslink"
	"joinery/conference/providertest"
)

var suiteNow = time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)

// A clock is what both the provider and the service go by.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// open is a provider at an emulated account of its own; change may alter the service, front what is
// between.
func open(t *testing.T, change func(*emulator.MTSLink), front func(http.Handler) http.Handler) providertest.Case {
	t.Helper()
	c, _ := openAccount(t, change, front)
	return c
}

func openAccount(t *testing.T, change func(*emulator.MTSLink), front func(http.Handler) http.Handler) (providertest.Case, account) {
	t.Helper()
	clock := &clock{at: suiteNow}
	service := emulator.NewMTSLink(emulator.MTSLinkOptions{Token: "key", Now: clock.now})
	t.Cleanup(service.Close)
	if change != nil {
		change(service)
	}
	handler := http.Handler(service)
	if front != nil {
		handler = front(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	p, err := mtslink.New(mtslink.Config{BaseURL: server.URL + "/v3", Token: "key", Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	account := account{server.URL}
	return providertest.Case{
		Provider:     p,
		Service:      providertest.Emulated(server.URL),
		ReserveCalls: []string{"POST /events", "POST /events/{id}/sessions"},
		UpdateCalls:  []string{"PUT /organization/events/{id}", "PUT /eventsessions/{id}"},
		ReleaseCalls: []string{"DELETE /eventsessions/{id}", "DELETE /organization/events/{id}"},
		EnrollCalls: []string{
			"GET /eventsessions/{id}", "GET /eventsessions/{id}/participations", "POST /eventsessions/{id}/invite",
			"POST /eventsessions/{id}/register", "PUT /participations/update", "POST /participations/delete",
		},
		Begin:  suiteNow.Add(time.Hour),
		People: account.people,
		Register: func(t *testing.T, room conference.Room, address string) {
			t.Helper()
			form := url.Values{"email": {address}, "sendEmail": {"false"}}
			account.post(t, "/v3/eventsessions/"+room.Refs[mtslink.RefSession]+"/register", form.Encode())
		},
		RequireFields: func(t *testing.T) {
			t.Helper()
			account.post(t, "/_switch", `{"required_fields": ["City"]}`)
		},
		Hold: func(t *testing.T, room conference.Room, people ...conference.Person) time.Time {
			t.Helper()
			live := func(action string, person conference.Person) {
				t.Helper()
				ask, err := json.Marshal(map[string]string{"id": room.Refs[mtslink.RefSession], "action": action, "email": person.Email, "name": person.Name})
				if err != nil {
					t.Fatal(err)
				}
				account.post(t, "/_live", string(ask))
			}
			began := clock.now()
			live("start", conference.Person{})
			for _, person := range people {
				live("join", person)
				clock.add(10 * time.Minute)
				live("leave", person)
			}
			live("stop", conference.Person{})
			return began
		},
	}, account
}

// An account is the emulated account, by the switches that it has over HTTP.
type account struct{ base string }

// post sends a form, or a JSON object.
func (a account) post(t *testing.T, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-auth-token", "key")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode > 299 {
		t.Fatalf("POST %s: %s: %s", path, res.Status, answer)
	}
}

// conferences are those of the account.
func (a account) conferences(t *testing.T) []conferenceState {
	t.Helper()
	res, err := http.Get(a.base + "/_state")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var state struct {
		Conferences []conferenceState `json:"conferences"`
	}
	if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	return state.Conferences
}

type conferenceState struct {
	Session       string   `json:"session"`
	Owner         string   `json:"owner"`
	Lectors       []string `json:"lectors"`
	Registrations []struct {
		Email     string `json:"email"`
		Name      string `json:"name"`
		Role      string `json:"role"`
		AutoEnter bool   `json:"auto_enter"`
	} `json:"registrations"`
}

func (a account) people(t *testing.T, room conference.Room) map[string]conference.ParticipantRole {
	t.Helper()
	people := make(map[string]conference.ParticipantRole)
	for _, at := range a.conferences(t) {
		if at.Session != room.Refs[mtslink.RefSession] {
			continue
		}
		for _, r := range at.Registrations {
			address := strings.ToLower(r.Email)
			if people[address] != "" {
				t.Errorf("%s is registered twice", address)
			}
			people[address] = conference.RoleGuest
			if r.Role == "ADMIN" {
				people[address] = conference.RolePresenter
			}
		}
	}
	return people
}

func TestContract(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Case { return open(t, nil, nil) })
}

// TestContractRefusal is the suite where edits that the state forbids are 404; the vendor does not
// say which status it is.
func TestContractRefusal(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Case {
		return open(t, func(m *emulator.MTSLink) { m.SetRefusal(404) }, nil)
	})
}

func TestContractGuarded(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Case {
		c := open(t, nil, nil)
		c.Provider = conference.Guard(c.Provider, conference.GuardOptions{Name: "mtslink", Now: func() time.Time { return suiteNow }})
		return c
	})
}

// TestContractNoLink is the suite where only POST /events tells the link, as the reference
// has it: an event whose answer was lost must be replaced.
func TestContractNoLink(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Case { return open(t, nil, withoutLinks) })
}

var linkAttribute = regexp.MustCompile(`"link":"[^"]*",?`)

func withoutLinks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/v3/") {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		w.WriteHeader(answer.Code)
		_, _ = w.Write(linkAttribute.ReplaceAll(answer.Body.Bytes(), nil))
	})
}

// TestMembers is a meeting of people who are members of the organisation, at the emulated service:
// the host owns the event, presenters have cards, and who is no owner has a place.
func TestMembers(t *testing.T) {
	c, account := openAccount(t, func(m *emulator.MTSLink) {
		m.SetMember(emulator.Member{Email: "anna@example.org", Name: "Anna A", Confirmed: true})
		m.SetMember(emulator.Member{Email: "boris@example.org", Name: "Boris B", Confirmed: true})
		m.SetMember(emulator.Member{Email: "vera@example.org", Name: "Vera V"})
	}, nil)
	person := func(name string) conference.Person {
		return conference.Person{Name: name + " von Example", Email: name + "@Example.org"}
	}
	m := conference.Meeting{
		Key: "key-1", Title: "Review", Start: c.Begin, End: c.Begin.Add(time.Hour), Zone: "Europe/Moscow",
		Host: person("Anna"), Presenters: []conference.Person{person("Boris"), person("Vera"), person("Guest")},
	}
	room, err := c.Provider.Reserve(t.Context(), m, conference.Room{}, func(conference.Room) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	check := func(owner string, places int) conferenceState {
		t.Helper()
		all := account.conferences(t)
		if len(all) != 1 || all[0].Owner != owner || len(all[0].Registrations) != places {
			t.Fatalf("got %+v, want one of %s with %d places", all, owner, places)
		}
		return all[0]
	}
	if got := check("anna@example.org", 0).Lectors; !slices.Equal(got, []string{"boris@example.org", "vera@example.org"}) {
		t.Errorf("lectors: %q", got)
	}
	enroller, _ := conference.As[conference.Enroller](c.Provider)
	enroll := func(host, presenter string) []conference.Registration {
		t.Helper()
		list, err := enroller.Enroll(t.Context(), room, []conference.Participant{
			{Person: person(host), Role: conference.RoleHost}, {Person: person(presenter), Role: conference.RolePresenter},
			{Person: person("Guest"), Role: conference.RoleGuest},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := enroll("Anna", "Boris"); list[0].Ref != "" || list[0].Refused != "" || list[1].Ref == "" {
		t.Errorf("the owner and a presenter: %+v", list[:2])
	}
	for _, r := range check("anna@example.org", 2).Registrations {
		if !r.AutoEnter || !strings.HasSuffix(r.Name, " von Example") {
			t.Errorf("%+v", r)
		}
	}
	for _, tt := range []struct{ host, owner string }{
		{"Boris", "boris@example.org"},
		{"Vera", "boris@example.org"},  // not confirmed
		{"Guest", "boris@example.org"}, // no member
		{"Anna", "anna@example.org"},
	} {
		m.Host = person(tt.host)
		if room, err = c.Provider.Update(t.Context(), room, m); err != nil {
			t.Fatal(err)
		}
		check(tt.owner, 2)
	}
	if list := enroll("Vera", "Anna"); list[0].Ref == "" || list[1].Ref == "" {
		t.Errorf("a host and a presenter who are not the owner, and the owner as a presenter: %+v", list[:2])
	}
	check("anna@example.org", 4)
}
