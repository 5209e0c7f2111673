package mtslink_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/emulator"
	"joinery/conference/mtslink"
	"joinery/conference/providertest"
)

var suiteNow = time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)

// open is a provider at an emulated account of its own; change may alter the service.
func open(t *testing.T, change func(*emulator.MTSLink)) providertest.Case {
	t.Helper()
	now := func() time.Time { return suiteNow }
	service := emulator.NewMTSLink(emulator.MTSLinkOptions{Token: "key", Now: now})
	t.Cleanup(service.Close)
	if change != nil {
		change(service)
	}
	server := httptest.NewServer(service)
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
	providertest.Run(t, func(t *testing.T) providertest.Case { return open(t, nil) })
}

// TestContractRefusal is the suite where edits that the state forbids are 404; the vendor does not
// say which status it is.
func TestContractRefusal(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Case {
		return open(t, func(m *emulator.MTSLink) { m.SetRefusal(404) })
	})
}

func TestContractGuarded(t *testing.T) {
	providertest.Run(t, func(t *testing.T) providertest.Case {
		c := open(t, nil)
		c.Provider = conference.Guard(c.Provider, conference.GuardOptions{Name: "mtslink", Now: func() time.Time { return suiteNow }})
		return c
	})
}
