package emulator

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manyEvents fills m with n events, one an hour from start.
func manyEvents(tb testing.TB, m *MTSLink, n int, start time.Time) []Conference {
	tb.Helper()
	var list []Conference
	for i := range n {
		c, err := m.AddEvent(Foreign{Name: fmt.Sprintf("Event %d", i), Start: start.Add(time.Duration(i) * time.Hour), Tags: []string{fmt.Sprintf("key-%d", i)}})
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

func TestTenThousandEvents(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	start := time.Date(2027, 4, 1, 6, 0, 0, 0, time.UTC)
	made := manyEvents(t, a.MTSLink, 10_000, start)
	seen := map[string]bool{}
	for number := 1; ; number++ {
		list := a.list(fmt.Sprintf("/organization/events/schedule?from=2027-04-01&perPage=250&page=%d", number))
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			seen[fmt.Sprint(e["id"])] = true
		}
	}
	if len(seen) != 10_000 {
		t.Errorf("paged through %d events", len(seen))
	}
	if list := a.list("/organization/events/schedule?from=2027-05-01&to=2027-05-01T23:00:00&perPage=50"); len(list) != 24 {
		t.Errorf("a day: got %d events, want 24", len(list))
	}
	last := made[9_999]
	id := mustID(t, last.Session)
	if err := a.Live(id, "start"); err != nil {
		t.Fatal(err)
	}
	live := a.Conferences("START")
	if len(live) != 1 || live[0].Key != "key-9999" || live[0].Session != last.Session || live[0].Owner != "account@mts-link.example" {
		t.Errorf("live: got %+v", live)
	}
	if got := len(a.Conferences("ACTIVE", "START")); got != 10_000 {
		t.Errorf("all: got %d", got)
	}
	a.must(204, "DELETE", "/organization/events/"+made[0].ID, "sendEmail=false")
	a.must(404, "GET", "/eventsessions/"+made[0].Session, "")
	if got := len(a.Conferences()); got != 9_999 {
		t.Errorf("after a deletion: got %d", got)
	}
}

// Sessions begin at their own times, however late somebody looks, and only where their last edit
// still says so.
func TestAutostartInOrder(t *testing.T) {
	a, r := newTestAccount(t, MTSLinkOptions{}), newTestReceiver(t)
	if _, err := a.AddWebhook(r.URL, "secret", "eventSession.started"); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2027, 3, 2, 6, 0, 0, 0, time.UTC)
	var sessions []string
	for i := range 5 {
		c, err := a.AddEvent(Foreign{Start: start.Add(time.Duration(5-i) * time.Hour), StartType: "autostart"})
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, c.Session)
	}
	a.must(204, "PUT", "/eventsessions/"+sessions[0], "startType=manual")
	a.must(204, "DELETE", "/eventsessions/"+sessions[1], "sendEmail=false")
	if err := a.Reschedule(mustID(t, sessions[2]), start.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	a.clock.set(start.AddDate(0, 0, 21))
	got := a.Conferences("START")
	if len(got) != 2 || got[0].Session != sessions[3] || !got[0].Began.Equal(start.Add(2*time.Hour)) || got[1].Session != sessions[4] || !got[1].Began.Equal(start.Add(time.Hour)) {
		t.Errorf("began: got %+v", got)
	}
	if got := r.take(a); len(got) != 2 {
		t.Errorf("told of: %+v, want the two that are there", got)
	}
	// One that is made to start by itself after its time begins then, not before.
	a.must(204, "PUT", "/eventsessions/"+sessions[0], "startType=autostart")
	if got := a.Conferences("START"); len(got) != 3 || !got[0].Began.Equal(a.clock.now()) {
		t.Errorf("began late: got %+v", got)
	}
}

// What the index finds outlives the process.
func TestIndexAfterRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	a := newTestAccount(t, MTSLinkOptions{File: file})
	_, held := a.held()
	c, err := a.AddEvent(Foreign{Start: a.clock.now().Add(time.Hour), StartType: "autostart"})
	if err != nil {
		t.Fatal(err)
	}
	b := newTestAccount(t, MTSLinkOptions{File: file})
	b.clock.set(a.clock.now().Add(2 * time.Hour))
	b.SetOneLive(true)
	if live := b.Conferences("START"); len(live) != 1 || live[0].ID != c.ID {
		t.Errorf("live: got %+v", live)
	}
	if users := b.list("/stats/users?from=2027-03-09"); len(users) != 4 {
		t.Errorf("stats: got %v", users)
	}
	id := fmt.Sprint(b.list("/eventsessions/" + held + "/participations")[0]["id"])
	b.must(204, "PUT", "/participations/update", "participationIds[0]="+id+"&role=ADMIN")
	d := newTestAccount(t, MTSLinkOptions{File: file})
	d.SetOneLive(true)
	if err := d.Live(mustID(t, d.Conferences("STOP")[0].ID), "start"); err == nil {
		t.Error("an ended one was started")
	}
	_, session := d.reserve("")
	d.must(403, "PUT", "/eventsessions/"+session+"/start", "") // one is live from before
}

func benchmarkAccount(b *testing.B) *MTSLink {
	b.Helper()
	m := NewMTSLink(MTSLinkOptions{})
	b.Cleanup(m.Close)
	manyEvents(b, m, 10_000, time.Now().Add(time.Hour))
	return m
}

func BenchmarkSchedule(b *testing.B) {
	m := benchmarkAccount(b)
	from := time.Now().AddDate(0, 1, 0)
	for name, to := range map[string]string{"day": "&to=" + from.AddDate(0, 0, 1).Format(time.DateOnly), "all": ""} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				req := httptest.NewRequest("GET", "/v3/organization/events/schedule?perPage=250&from="+from.Format(time.DateOnly)+to, strings.NewReader(""))
				req.Header.Set("x-auth-token", "any")
				w := httptest.NewRecorder()
				m.ServeHTTP(w, req)
				if w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

func BenchmarkConferences(b *testing.B) {
	m := benchmarkAccount(b)
	for name, statuses := range map[string][]string{"all": nil, "live": {"START"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				m.Conferences(statuses...)
			}
		})
	}
}
