package emulator

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// post sends POST /events and returns the answer; the error is the connection's.
func (a *testAccount) post(ctx context.Context) (*http.Response, string, error) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(ctx, "POST", a.url+"/v3/events", strings.NewReader("name=x"+open+silent))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("x-auth-token", testToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestFaults(t *testing.T) {
	for _, row := range []struct {
		fault  Fault
		status int // 0: no answer
		effect bool
		header string // Retry-After
		valid  bool   // the body is JSON
	}{
		{Fault{Kind: FaultDrop}, 0, true, "", false},
		{Fault{Kind: Fault429, Seconds: 1.5}, 429, false, "2", true},
		{Fault{Kind: Fault429}, 429, false, "", true},
		{Fault{Kind: Fault500}, 500, false, "", false},
		{Fault{Kind: Fault500After}, 500, true, "", false},
		{Fault{Kind: FaultBadJSON}, 201, true, "", false},
		{Fault{Kind: FaultDenied}, 403, false, "", true},
		{Fault{Kind: FaultDelay, Seconds: 0.05}, 201, true, "", true},
		{Fault{Kind: FaultLate, Seconds: 0.05}, 201, true, "", true},
	} {
		t.Run(row.fault.Kind, func(t *testing.T) {
			a := newTestAccount(t, MTSLinkOptions{})
			row.fault.Call, row.fault.Times = "POST /events", 1
			if err := a.SetFault(row.fault); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			resp, body, err := a.post(context.Background())
			if (err != nil) != (row.status == 0) {
				t.Fatalf("got %v, error %v", resp, err)
			}
			if err == nil {
				if resp.StatusCode != row.status || resp.Header.Get("Retry-After") != row.header || json.Valid([]byte(body)) != row.valid {
					t.Errorf("got %d, Retry-After %q, %q", resp.StatusCode, resp.Header.Get("Retry-After"), body)
				}
			}
			if row.fault.Kind == FaultDelay && time.Since(began) < 50*time.Millisecond {
				t.Error("there was no delay")
			}
			state := a.State()
			if got := len(state.Conferences) == 1; got != row.effect {
				t.Errorf("effect: got %v, want %v", got, row.effect)
			}
			if state.Faulted["POST /events "+row.fault.Kind] != 1 || len(a.Faults()) != 0 {
				t.Errorf("faulted %v, left %v", state.Faulted, a.Faults())
			}
			// The fault is used up.
			if resp, _, err := a.post(context.Background()); err != nil || resp.StatusCode != 201 {
				t.Errorf("afterwards: got %v, %v", resp, err)
			}
		})
	}
}

// A client that goes away during a delay does not undo its request.
func TestDelayEndsWithTheClient(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	if err := a.SetFault(Fault{Call: "*", Kind: FaultDelay, Seconds: 60, Times: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := a.post(ctx); err == nil {
		t.Fatal("the delayed call was answered")
	}
	for deadline := time.Now().Add(time.Minute); len(a.State().Conferences) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the effect did not happen")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestFaultsQueueByCall(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	for _, f := range []Fault{
		{Call: "PUT /eventsessions/123", Kind: Fault500, Times: 1},
		{Call: "post /v3/events", Kind: Fault500, Times: 2},
		{Call: "POST /events", Kind: FaultDenied},
	} {
		if err := a.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{500, 500, 403, 403} {
		resp, _, err := a.post(context.Background())
		if err != nil || resp.StatusCode != want {
			t.Errorf("call %d: got %v, %v, want %d", i, resp, err, want)
		}
	}
	if left := a.Faults(); len(left) != 2 || left[0].Call != "PUT /eventsessions/{id}" || left[1].Times != 0 {
		t.Errorf("left: got %v", left)
	}
	a.Clear()
	if resp, _, err := a.post(context.Background()); err != nil || resp.StatusCode != 201 {
		t.Errorf("after Clear: got %v, %v", resp, err)
	}
}

// A refused request is not a fault's: a bad key is 403 whatever is queued.
func TestFaultsWaitForAuthentication(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	if err := a.SetFault(Fault{Call: "GET /timezones", Kind: Fault500, Times: 1}); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(a.url + "/v3/timezones")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 401 || len(a.Faults()) != 1 {
		t.Errorf("got %d, left %v", resp.StatusCode, a.Faults())
	}
}

func TestFaultInterface(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	for _, row := range []struct {
		method, body string
		want         int
	}{
		{"POST", `{"call": "POST /events", "fault": "drop", "seconds": 5, "times": 1}`, 204},
		{"POST", `{"call": "DELETE /eventsessions/{sessionId}", "fault": "429"}`, 204},
		{"POST", `{"call": "POST /nothing", "fault": "drop"}`, 400},
		{"POST", `{"call": "POST /events", "fault": "flood"}`, 400},
		{"POST", `{"call": "POST /events", "fault": "drop", "times": -1}`, 400},
		{"POST", `{"call": "POST /events", "fault": "delay", "seconds": 1e9}`, 400},
		{"POST", `{"call": "POST /events", "fault": "drop", "often": 1}`, 400},
		{"POST", `not json`, 400},
		{"PUT", ``, 405},
	} {
		if status, answer := a.outside(row.method, "/_fault", row.body); status != row.want {
			t.Errorf("%s %s: got %d %s, want %d", row.method, row.body, status, answer, row.want)
		}
	}
	_, body := a.outside("GET", "/_fault", "")
	var list []Fault
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != 2 || list[0] != (Fault{"POST /events", "drop", 5, 1}) {
		t.Errorf("list: got %s, %v", body, err)
	}
	if status, _ := a.outside("DELETE", "/_fault", ""); status != 204 || len(a.Faults()) != 0 {
		t.Errorf("clear: got %d, left %v", status, a.Faults())
	}
}

// outside sends a request without a token and without following redirects.
func (a *testAccount) outside(method, path, body string) (int, string) {
	a.t.Helper()
	req, err := http.NewRequest(method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl -d does
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
