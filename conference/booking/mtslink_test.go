package booking

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/emulator"
	"joinery/conference/mtslink"
	"joinery/store"
)

// The real provider at the emulated service, which delays, loses answers, refuses and babbles while
// bookings are made, changed, rotated and dropped, and the reconciler is stopped and started. In
// the end every booking has its one conference.
func TestMTSLinkFaults(t *testing.T) {
	f := newFixture(t)
	service := emulator.NewMTSLink(emulator.MTSLinkOptions{Token: "key"})
	t.Cleanup(service.Close)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	p, err := mtslink.New(mtslink.Config{BaseURL: server.URL + "/v3", Token: "key"})
	noError(t, err)
	f.opts.Late = within(900 * time.Millisecond)
	f.opts.Providers = map[string]conference.Provider{"a": conference.Guard(p, conference.GuardOptions{Timeout: 400 * time.Millisecond})}

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	calls := []string{"POST /events", "POST /events/{id}/sessions", "PUT /organization/events/{id}", "PUT /eventsessions/{id}",
		"DELETE /eventsessions/{id}", "DELETE /organization/events/{id}", "GET /organization/events/schedule", "GET /organization/events/{id}"}
	faults := []string{"delay", "drop", "429", "500", "badjson", "denied"}
	fail := func() {
		call, kind := calls[random.IntN(len(calls))], faults[random.IntN(len(faults))]
		if random.IntN(2) == 0 {
			call = calls[random.IntN(2)]
		}
		seconds := 0.55 // past the deadline, before it is taken for lost
		if kind == "429" {
			seconds = 0
		}
		request(t, http.MethodPost, server.URL+"/_fault", fmt.Sprintf(`{"call":%q,"fault":%q,"seconds":%g,"times":1}`, call, kind, seconds))
	}

	stop := f.start()
	var ids []int64
	for i := range 15 {
		fail()
		ids = append(ids, f.book("a", fmt.Sprintf("Meeting %d", i)))
	}
	for round := range 4 {
		time.Sleep(100 * time.Millisecond)
		if round == 2 {
			stop()
			stop = f.start()
		}
		for _, id := range ids {
			fail()
			switch random.IntN(6) {
			case 0:
				f.save(id, title(fmt.Sprintf("Renamed %d in round %d", id, round)), nil)
			case 1:
				f.save(id, func(w *Want) {
					w.Meeting.Start, w.Meeting.End = w.Meeting.Start.Add(26*time.Hour), w.Meeting.End.Add(26*time.Hour)
				}, nil)
			case 2:
				f.save(id, nil, rotate)
			case 3:
				f.save(id, drop, dropped)
			case 4:
				f.save(id, func(w *Want) { w.Needed = true }, func(b *store.Booking) { b.State = store.BookingWanted })
			}
		}
	}
	request(t, http.MethodDelete, server.URL+"/_fault", "")
	f.settle(ids...)

	var state struct {
		Conferences []struct {
			Key, Name, Session, Link string
			Start                    time.Time
		}
		Faulted map[string]int
	}
	noError(t, json.Unmarshal(request(t, http.MethodGet, server.URL+"/_state", ""), &state))
	t.Logf("faults that struck: %v", state.Faulted)
	wanted := 0
	for id, want := range f.cal.all() {
		if !want.Needed {
			continue
		}
		wanted++
		b, rooms := f.booking(id)
		cur := sight{booking: b, rooms: rooms, accounts: []place{{name: b.Provider}}, want: want}.current()
		if cur == nil {
			t.Errorf("booking %d has no room", id)
			continue
		}
		n := 0
		for _, c := range state.Conferences {
			if c.Key != cur.Key {
				continue
			}
			n++
			if c.Name != want.Meeting.Title || !c.Start.Equal(want.Meeting.Start) || c.Session == "" || c.Link != b.Link {
				t.Errorf("booking %d with the link %q has %+v, want %q at %v", id, b.Link, c, want.Meeting.Title, want.Meeting.Start)
			}
		}
		if n != 1 {
			t.Errorf("booking %d has %d conferences", id, n)
		}
	}
	if len(state.Conferences) != wanted {
		t.Errorf("%d conferences for %d bookings: %+v", len(state.Conferences), wanted, state.Conferences)
	}
	if t.Failed() {
		t.Log(f.dump())
	}
}

func request(t *testing.T, method, url, body string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewBufferString(body))
	noError(t, err)
	resp, err := http.DefaultClient.Do(req)
	noError(t, err)
	defer resp.Body.Close()
	var out bytes.Buffer
	_, err = out.ReadFrom(resp.Body)
	noError(t, err)
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s", method, url, resp.Status, out.String())
	}
	return out.Bytes()
}
