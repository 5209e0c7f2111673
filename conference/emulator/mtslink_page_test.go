package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAccountPage(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{PublicURL: "http://127.0.0.1:9090/"})
	name := `<script>alert("1")</script>`
	e := a.must(201, "POST", "/events", "name="+url.QueryEscape(name)+"&tags[0]="+url.QueryEscape("<b>key")+"&timezone=4"+open+silent+at("startsAt", "2027-03-09 15:30"))
	link := e["link"].(string)
	if !strings.HasPrefix(link, "http://127.0.0.1:9090/j/") {
		t.Errorf("link: got %s", link)
	}
	id := e["eventId"].(json.Number).String()
	a.must(201, "POST", "/events/"+id+"/sessions", "")
	status, page := a.outside("GET", "/", "")
	if status != 200 || strings.Contains(page, "<script>") || strings.Contains(page, "<b>key") {
		t.Errorf("page: got %d, unescaped: %s", status, page)
	}
	for _, want := range []string{"&lt;script&gt;", "&lt;b&gt;key", "Tue 9 Mar 2027 15:30", "Asia/Yekaterinburg", "ACTIVE", link, "account@mts-link.example"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	path := strings.TrimPrefix(link, "http://127.0.0.1:9090")
	for _, p := range []string{path, path + "/session/1", path + "/0123456789abcdef0123456789abcdef"} {
		if status, page := a.outside("GET", p, ""); status != 200 || strings.Contains(page, "<script>") || !strings.Contains(page, "has not begun") {
			t.Errorf("GET %s: got %d %s", p, status, page)
		}
	}
	if status, _ := a.outside("POST", "/_live", "id="+id+"&action=delete"); status != http.StatusSeeOther {
		t.Errorf("delete by hand: got %d", status)
	}
	if status, page := a.outside("GET", path, ""); status != 404 || !strings.Contains(page, "No such conference") {
		t.Errorf("the page of a deleted conference: got %d %s", status, page)
	}
	if _, page := a.outside("GET", "/", ""); !strings.Contains(page, "No conferences") || !strings.Contains(page, "Deleted") {
		t.Errorf("page after the deletion: %s", page)
	}
}

func TestAliasedLink(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{PublicURL: "http://127.0.0.1:9090"})
	e := a.must(201, "POST", "/events", "name=x&urlAlias=weekly"+open+silent)
	if link := e["link"].(string); !strings.HasSuffix(link, "/weekly") {
		t.Errorf("link: got %s", link)
	}
	if status, _ := a.outside("GET", "/j/70001/weekly", ""); status != 200 {
		t.Errorf("page: got %d", status)
	}
}

func TestLiveByHand(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("")
	for _, row := range []struct {
		body   string
		want   int
		status string
	}{
		{`{"id": ` + session + `, "action": "start"}`, 204, "START"},
		{`{"id": "` + session + `", "action": "start"}`, 409, "START"},
		{`{"id": "` + event + `", "action": "stop"}`, 204, "STOP"},
		{`{"id": ` + event + `, "action": "dance"}`, 400, "STOP"},
		{`{"id": 1, "action": "stop"}`, 404, "STOP"},
		{`{"id": "x"`, 400, "STOP"},
		{`id=x&action=stop`, 400, "STOP"},
	} {
		if got, body := a.outside("POST", "/_live", row.body); got != row.want {
			t.Errorf("%s: got %d %s, want %d", row.body, got, body, row.want)
		}
		if got := a.only().Status; got != row.status {
			t.Errorf("%s: status %s, want %s", row.body, got, row.status)
		}
	}
	a.outside("POST", "/_live", `{"id": `+session+`, "action": "delete"}`)
	a.must(404, "GET", "/organization/events/"+event, "")
	if n := a.State().PlatformMails; n != 0 {
		t.Errorf("platform mails: got %d", n)
	}
}

// Another site's page must not press the account's buttons.
func TestOtherSitesAreRefused(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	for _, path := range []string{"/_live", "/_fault", "/_switch", "/_member"} {
		req := httptest.NewRequest("POST", path, strings.NewReader("{}"))
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, req)
		if w.Code != 403 {
			t.Errorf("%s: got %d, want 403", path, w.Code)
		}
	}
}

// The form that others rely on: names and kinds of values.
func TestStateJSON(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("&tags[0]=key-1&ownerId=70010")
	a.must(201, "POST", "/eventsessions/"+session+"/register", "email=guest1@example.com&sendEmail=false")
	status, body := a.outside("GET", "/_state", "")
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("got %d %s, %v", status, body, err)
	}
	c := got["conferences"].([]any)[0].(map[string]any)
	for name, want := range map[string]any{"id": event, "session": session, "key": "key-1", "name": "Quarter review", "start": "2027-03-09T15:30:00+03:00",
		"zone": "Europe/Moscow", "owner": "room1@example.com", "status": "ACTIVE", "link": "https://my.mts-link.ru/j/70010/" + event} {
		if c[name] != want {
			t.Errorf("%s: got %v, want %v", name, c[name], want)
		}
	}
	if p := c["participants"].([]any); len(p) != 1 || p[0] != "guest1@example.com" {
		t.Errorf("participants: got %v", p)
	}
	if d, ok := got["deleted"].([]any); !ok || len(d) != 0 {
		t.Errorf("deleted: got %v, want an empty list", got["deleted"])
	}
	if got["platform_mails"] != 0.0 || got["calls"].(map[string]any)["POST /events/{id}/sessions"] != 1.0 {
		t.Errorf("platform_mails %v, calls %v", got["platform_mails"], got["calls"])
	}
}

func TestSwitches(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	for _, row := range []struct {
		path, body string
		want       int
	}{
		{"/_switch", `{"plan_lapsed": true}`, 204},
		{"/_switch", `{"refusal": 404}`, 204},
		{"/_switch", `{"refusal": 200}`, 400},
		{"/_switch", `{"other": 1}`, 400},
		{"/_member", `{"email": "third@example.com", "name": "Third", "confirmed": true}`, 200},
		{"/_member", `{"email": "nobody"}`, 400},
	} {
		if got, body := a.outside("POST", row.path, row.body); got != row.want {
			t.Errorf("%s %s: got %d %s, want %d", row.path, row.body, got, body, row.want)
		}
	}
	a.must(403, "GET", "/timezones", "")
	a.outside("POST", "/_switch", `{"plan_lapsed": false}`)
	if got := a.list("/organization/members?email=third@example.com"); len(got) != 1 {
		t.Errorf("the new member: got %v", got)
	}
}

// The account outlives its process where it has a file.
func TestStateFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	a := newTestAccount(t, MTSLinkOptions{File: file})
	_, session := a.reserve("&tags[0]=key-1")
	a.must(201, "POST", "/eventsessions/"+session+"/register", "email=guest1@example.com&sendEmail=false")
	_, second := a.reserve("")
	a.must(204, "DELETE", "/eventsessions/"+second, "sendEmail=false")
	want := a.State()
	b := newTestAccount(t, MTSLinkOptions{File: file})
	got := b.State()
	wantJSON, _ := json.Marshal(want)
	gotJSON, _ := json.Marshal(got)
	if string(gotJSON) != string(wantJSON) {
		t.Errorf("after a restart: got %s, want %s", gotJSON, wantJSON)
	}
	_, third := b.reserve("")
	if third == second || third == session {
		t.Error("an id was given twice")
	}
	if entries, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".emulator-*")); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if got.Conferences[0].Start.Format(time.RFC3339) != "2027-03-09T15:30:00+03:00" {
		t.Errorf("start: got %v", got.Conferences[0].Start)
	}
}
