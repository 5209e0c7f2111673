package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"joinery/conference"
)

// Emulated is a Service over the HTTP switches that every emulator of ours has: /_state and
// /_fault under base.
func Emulated(base string) Service { return emulated{strings.TrimRight(base, "/")} }

type emulated struct{ base string }

type emulatedState struct {
	Conferences []struct {
		ID     string    `json:"id"`
		Key    string    `json:"key"`
		Name   string    `json:"name"`
		Start  time.Time `json:"start"`
		Status string    `json:"status"`
		Link   string    `json:"link"`
	} `json:"conferences"`
	Calls map[string]int `json:"calls"`
	Mails int            `json:"platform_mails"`
}

func (e emulated) state(t *testing.T) emulatedState {
	t.Helper()
	var state emulatedState
	if err := json.Unmarshal(e.do(t, http.MethodGet, "/_state", nil), &state); err != nil {
		t.Fatalf("GET /_state: %v", err)
	}
	return state
}

func (e emulated) Conferences(t *testing.T) []Conference {
	t.Helper()
	var list []Conference
	for _, c := range e.state(t).Conferences {
		// Services have their own words; what is none of these is half-made.
		statuses := map[string]conference.Status{
			"ACTIVE": conference.StatusPlanned, "START": conference.StatusLive, "STOP": conference.StatusEnded,
			"planned": conference.StatusPlanned, "live": conference.StatusLive, "ended": conference.StatusEnded,
		}
		status, complete := statuses[c.Status]
		if !complete {
			status = conference.StatusPlanned
		}
		list = append(list, Conference{
			ID: c.ID, Key: c.Key, Title: c.Name, Start: c.Start, Link: c.Link,
			Status: status, Complete: complete,
		})
	}
	return list
}

func (e emulated) Calls(t *testing.T, call string) int { t.Helper(); return e.state(t).Calls[call] }
func (e emulated) Mails(t *testing.T) int              { t.Helper(); return e.state(t).Mails }

func (e emulated) Fail(t *testing.T, f Fault) {
	t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	e.do(t, http.MethodPost, "/_fault", body)
}

func (e emulated) Heal(t *testing.T) { t.Helper(); e.do(t, http.MethodDelete, "/_fault", nil) }

func (e emulated) do(t *testing.T, method, path string, body []byte) []byte {
	t.Helper()
	answer, err := request(method, e.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func request(method, address string, body []byte) ([]byte, error) {
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, address, err)
	}
	if res.StatusCode > 299 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, address, res.Status, answer)
	}
	return answer, nil
}
