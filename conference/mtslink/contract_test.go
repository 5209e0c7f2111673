package mtslink_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/emulator"
	"joinery/conference/mtslink"
	"joinery/conference/providertest"
)

var suiteNow = time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)

// open is a provider at an emulated account of its own; change may alter the service, front what is
// between.
func open(t *testing.T, change func(*emulator.MTSLink), front func(http.Handler) http.Handler) providertest.Case {
	t.Helper()
	now := func() time.Time { return suiteNow }
	service := emulator.NewMTSLink(emulator.MTSLinkOptions{Token: "key", Now: now})
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
	p, err := mtslink.New(mtslink.Config{BaseURL: server.URL + "/v3", Token: "key", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return providertest.Case{
		Provider:     p,
		Service:      providertest.Emulated(server.URL),
		ReserveCalls: []string{"POST /events", "POST /events/{id}/sessions"},
		UpdateCalls:  []string{"PUT /organization/events/{id}", "PUT /eventsessions/{id}"},
		ReleaseCalls: []string{"DELETE /eventsessions/{id}", "DELETE /organization/events/{id}"},
		Begin:        suiteNow.Add(time.Hour),
	}
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
