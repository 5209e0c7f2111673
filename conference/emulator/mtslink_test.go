package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const testToken = "0123456789abcdef0123456789abcdef"

// testClock is a clock that a test sets.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// testAccount is an emulated account behind a real HTTP server.
type testAccount struct {
	*MTSLink
	t     *testing.T
	url   string
	clock *testClock
}

func newTestAccount(t *testing.T, o MTSLinkOptions) *testAccount {
	t.Helper()
	clock := &testClock{at: time.Date(2027, 3, 1, 7, 0, 0, 0, time.UTC)}
	o.Token, o.Now = testToken, clock.now
	o.Members = append(o.Members,
		Member{ID: 70010, Email: "room1@example.com", Name: "Room One", Confirmed: true},
		Member{ID: 70011, Email: "new@example.com", Name: "New One"})
	m := NewMTSLink(o)
	t.Cleanup(m.Close)
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return &testAccount{m, t, server.URL, clock}
}

// call sends a request with the token and a form (JSON if it begins with a brace), and returns
// the status and the decoded body.
func (a *testAccount) call(method, path, body string) (int, any) {
	a.t.Helper()
	req, err := http.NewRequest(method, a.url+"/v3"+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("x-auth-token", testToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	if len(b) == 0 {
		return resp.StatusCode, nil
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		a.t.Fatalf("%s %s: %v in %q", method, path, err, b)
	}
	return resp.StatusCode, v
}

// must is call with the status that it must have; it returns the object in the answer.
func (a *testAccount) must(want int, method, path, body string) map[string]any {
	a.t.Helper()
	got, v := a.call(method, path, body)
	if got != want {
		a.t.Fatalf("%s %s %s: got %d %v, want %d", method, path, body, got, v, want)
	}
	object, _ := v.(map[string]any)
	return object
}

// list is a call whose answer is a list of objects.
func (a *testAccount) list(path string) []map[string]any {
	a.t.Helper()
	got, v := a.call("GET", path, "")
	values, ok := v.([]any)
	if got != http.StatusOK || !ok {
		a.t.Fatalf("GET %s: got %d %v, want a list", path, got, v)
	}
	list := []map[string]any{}
	for _, value := range values {
		list = append(list, value.(map[string]any))
	}
	return list
}

const (
	open   = "&accessSettings[isPasswordRequired]=0&accessSettings[isRegistrationRequired]=0&accessSettings[isModerationRequired]=0"
	silent = "&defaultRemindersEnabled=false"
)

// at writes startsAt (or another name) of a wall clock such as 2027-03-09 15:30.
func at(name, clock string) string {
	t, err := time.Parse("2006-01-02 15:04", clock)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("&%[1]s%%5Bdate%%5D%%5Byear%%5D=%[2]d&%[1]s[date][month]=%[3]d&%[1]s[date][day]=%[4]d&%[1]s[time][hour]=%[5]d&%[1]s[time][minute]=%[6]d",
		name, t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute())
}

// reserve makes an event with its session.
func (a *testAccount) reserve(more string) (event, session string) {
	a.t.Helper()
	e := a.must(201, "POST", "/events", "name=Quarter+review&timezone=1"+open+silent+at("startsAt", "2027-03-09 15:30")+more)
	event = e["eventId"].(json.Number).String()
	s := a.must(201, "POST", "/events/"+event+"/sessions", "")
	return event, s["eventSessionId"].(json.Number).String()
}

// only returns the account's one conference.
func (a *testAccount) only() Conference {
	a.t.Helper()
	s := a.State()
	if len(s.Conferences) != 1 {
		a.t.Fatalf("conferences: got %+v, want one", s.Conferences)
	}
	return s.Conferences[0]
}

// The examples of the reference's section 5, one after the other.
func TestReserveRescheduleCancel(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	e := a.must(201, "POST", "/events", "name=Quarter+review&type=meeting&lang=RU&timezone=1&ownerId=70010"+
		"&accessSettings%5BisPasswordRequired%5D=0&accessSettings%5BisRegistrationRequired%5D=1&accessSettings%5BisModerationRequired%5D=0"+
		at("startsAt", "2027-03-09 15:30")+"&duration=PT1H0M0S&description=Agenda&tags%5B0%5D=caldav-4f1c"+silent)
	id := e["eventId"].(json.Number).String()
	if got, want := e["link"], "https://my.mts-link.ru/j/70010/"+id; got != want {
		t.Errorf("link: got %v, want %v", got, want)
	}
	if c := a.only(); c.Status != "SHELL" || c.Session != "" || c.Key != "caldav-4f1c" {
		t.Errorf("an event without a session: got %+v", c)
	}
	s := a.must(201, "POST", "/events/"+id+"/sessions", "startType=autostart")
	session := s["eventSessionId"].(json.Number).String()
	if got, want := s["link"], e["link"].(string)+"/session/"+session; got != want {
		t.Errorf("session link: got %v, want %v", got, want)
	}
	c := a.only()
	if c.ID != id || c.Session != session || c.Name != "Quarter review" || c.Zone != "Europe/Moscow" || c.Owner != "room1@example.com" ||
		c.Status != "ACTIVE" || c.Kind != "meeting" || c.StartType != "autostart" || c.Access != 4 || !c.Registered || c.Reminders ||
		c.Duration != "PT1H0M0S" || c.Start.Format(time.RFC3339) != "2027-03-09T15:30:00+03:00" {
		t.Errorf("conference: got %+v", c)
	}

	move := "name=Other&timezone=1&duration=PT2H0M0S" + at("startsAt", "2027-03-10 11:00")
	a.must(204, "PUT", "/organization/events/"+id, move)
	if c := a.only(); c.Name != "Quarter review" || c.EventName != "Other" || c.EventStart.Day() != 10 || c.Start.Day() != 9 {
		t.Errorf("the template's update reached the session: %+v", c)
	}
	a.must(204, "PUT", "/eventsessions/"+session, move+"&sendEmail=false")
	got := a.must(200, "GET", "/eventsessions/"+session, "")
	for name, want := range map[string]string{
		"id": session, "eventId": id, "name": "Other", "status": "ACTIVE", "startType": "autostart", "startsAt": "2027-03-10T11:00:00+0300",
		"utcStartsAt": "1804665600", "timezoneId": "1", "createUserId": "70010", "access": "4", "type": "meeting", "lang": "RU",
		"tags": "[caldav-4f1c]", "lectors": "[]", "description": "Agenda",
		"accessSettings": "map[isModerationRequired:false isPasswordRequired:false isRegistrationRequired:true]",
		"createUser":     "map[email:room1@example.com id:70010 name:Room secondName:One]",
	} {
		if fmt.Sprint(got[name]) != want {
			t.Errorf("%s: got %v, want %s", name, got[name], want)
		}
	}
	if _, ok := got["endsAt"]; ok {
		t.Error("a session that has not ended has endsAt")
	}
	event := a.must(200, "GET", "/organization/events/"+id, "")
	if event["rule"] != "FREQ=DAILY;COUNT=1" || len(event["eventSessions"].([]any)) != 1 {
		t.Errorf("event: got %v", event)
	}

	a.must(204, "DELETE", "/eventsessions/"+session, "sendEmail=false")
	a.must(404, "DELETE", "/organization/events/"+id, "")
	a.must(404, "GET", "/eventsessions/"+session, "")
	state := a.State()
	if len(state.Conferences) != 0 || len(state.Deleted) != 1 || state.Deleted[0].Session != session || state.Deleted[0].DeletedAt.IsZero() {
		t.Errorf("after the deletion: %+v", state)
	}
	if state.PlatformMails != 0 {
		t.Errorf("platform mails: %v", state.PlatformMailCauses)
	}
	if n := state.Calls["PUT /eventsessions/{id}"]; n != 1 {
		t.Errorf("calls: got %v", state.Calls)
	}
	if len(state.Ignored) != 0 {
		t.Errorf("ignored parameters: %v", state.Ignored)
	}
}

func TestCreateByJSON(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	e := a.must(201, "POST", "/events", `{"name":"JSON","type":"webinar","timezone":31,"tags":["k"],"lectorIds":[70010],"defaultRemindersEnabled":false,
		"accessSettings":{"isPasswordRequired":false,"isRegistrationRequired":0,"isModerationRequired":false},
		"startsAt":{"date":{"year":2027,"month":3,"day":9},"time":{"hour":9,"minute":5}}}`)
	a.must(201, "POST", "/events/"+e["eventId"].(json.Number).String()+"/sessions", `{"startType":"manual"}`)
	c := a.only()
	if c.Name != "JSON" || c.Key != "k" || c.Zone != "Europe/Istanbul" || c.Start.Format(time.RFC3339) != "2027-03-09T09:05:00+03:00" {
		t.Errorf("conference: got %+v", c)
	}
}

// What is left out has the reference's defaults, and the platform mails unless told not to.
func TestDefaults(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	e := a.must(201, "POST", "/events", "name=x&access=1&lectorids=5")
	id := e["eventId"].(json.Number).String()
	s := a.must(201, "POST", "/events/"+id+"/sessions", "")
	session := s["eventSessionId"].(json.Number).String()
	c := a.only()
	if c.Owner != "account@mts-link.example" || c.Zone != "Europe/Moscow" || c.Type != "webinar" || c.StartType != "manual" ||
		!c.Start.Equal(a.clock.now()) || c.Lang != "RU" || !c.Reminders {
		t.Errorf("conference: got %+v", c)
	}
	a.must(201, "POST", "/eventsessions/"+session+"/register", "email=guest1@example.com")
	a.must(201, "POST", "/eventsessions/"+session+"/invite", "users[0][email]=guest2@example.com")
	a.must(204, "PUT", "/eventsessions/"+session, "timezone=1"+at("startsAt", "2027-03-10 11:00"))
	a.must(204, "DELETE", "/eventsessions/"+session, "")
	state := a.State()
	for cause, want := range map[string]int{"reminder": 3, "POST /eventsessions/{id}/register": 1, "POST /eventsessions/{id}/invite": 1,
		"PUT /eventsessions/{id}": 2, "DELETE /eventsessions/{id}": 2} {
		if got := state.PlatformMailCauses[cause]; got != want {
			t.Errorf("mails by %s: got %d, want %d", cause, got, want)
		}
	}
	if state.PlatformMails != 9 {
		t.Errorf("platform mails: got %d, want 9", state.PlatformMails)
	}
	if state.Ignored["POST /events lectorids"] != 1 {
		t.Errorf("ignored parameters: got %v", state.Ignored)
	}
}

func TestDeleteTakesSendEmailFromTheQueryToo(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	_, session := a.reserve("")
	a.must(204, "DELETE", "/eventsessions/"+session+"?sendEmail=false", "")
	event, _ := a.reserve("")
	a.must(204, "DELETE", "/organization/events/"+event, "sendEmail=false")
	if n := a.State().PlatformMails; n != 0 {
		t.Errorf("platform mails: got %d", n)
	}
}

func TestStartAndStop(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("")
	begin := time.Date(2027, 3, 9, 12, 31, 12, 0, time.UTC)
	a.clock.set(begin)
	a.must(204, "PUT", "/eventsessions/"+session+"/start", "")
	a.must(404, "PUT", "/eventsessions/"+session+"/start", "")
	got := a.must(200, "GET", "/eventsessions/"+session, "")
	if got["status"] != "START" || got["startsAt"] != "2027-03-09T15:31:12+0300" || got["estimatedAt"] != "2027-03-09T15:30:00+0300" {
		t.Errorf("live: got %v", got)
	}
	a.must(409, "PUT", "/organization/events/"+event, "name=x")
	a.must(204, "PUT", "/eventsessions/"+session, "name=Renamed")
	a.clock.set(begin.Add(time.Hour))
	a.must(204, "PUT", "/eventsessions/"+session+"/stop", "")
	a.must(404, "PUT", "/eventsessions/"+session+"/stop", "")
	a.must(404, "PUT", "/eventsessions/"+session+"/start", "")
	got = a.must(200, "GET", "/eventsessions/"+session, "")
	if got["status"] != "STOP" || got["endsAt"] != "2027-03-09T16:31:12+0300" {
		t.Errorf("ended: got %v", got)
	}
	a.must(409, "PUT", "/eventsessions/"+session, "name=x")
	a.must(409, "PUT", "/organization/events/"+event, "name=x")
	a.SetRefusal(404)
	a.must(404, "PUT", "/eventsessions/"+session, "name=x")
	a.must(409, "POST", "/events/"+event+"/sessions", "")
	if c := a.only(); c.Name != "Renamed" || c.Status != "STOP" || !c.Began.Equal(begin) {
		t.Errorf("conference: got %+v", c)
	}
	stats := a.list("/stats/events?from=2027-03-01&to=2027-04-01")
	if len(stats) != 1 {
		t.Errorf("stats: got %v", stats)
	}
	// An event whose session has ended stays as history; its session can still be deleted.
	a.must(204, "DELETE", "/organization/events/"+event, "sendEmail=false")
	a.only()
	a.must(204, "DELETE", "/eventsessions/"+session, "sendEmail=false")
	if d := a.State().Deleted; len(d) != 1 || d[0].Status != "STOP" {
		t.Errorf("deleted: got %+v", d)
	}

	// stop of a session that never began is irreversible; so is status=STOP of an event.
	_, session = a.reserve("")
	a.must(204, "PUT", "/eventsessions/"+session+"/stop", "")
	a.must(404, "PUT", "/eventsessions/"+session+"/start", "")
	event, session = a.reserve("")
	a.must(204, "PUT", "/organization/events/"+event, "status=STOP")
	if got := a.must(200, "GET", "/eventsessions/"+session, "")["status"]; got != "STOP" {
		t.Errorf("session of a finished event: got %v", got)
	}
}

func TestAutostart(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	_, session := a.reserve("")
	a.must(204, "PUT", "/eventsessions/"+session, "startType=autostart")
	a.reserve("") // manual
	a.clock.set(time.Date(2027, 3, 9, 12, 29, 0, 0, time.UTC))
	if got := a.State().Conferences[0].Status; got != "ACTIVE" {
		t.Errorf("before its time: got %s", got)
	}
	a.clock.set(time.Date(2027, 3, 9, 12, 30, 0, 0, time.UTC))
	a.must(404, "PUT", "/eventsessions/"+session+"/start", "")
	a.clock.set(time.Date(2027, 3, 10, 12, 30, 0, 0, time.UTC))
	state := a.State()
	if state.Conferences[0].Status != "START" || state.Conferences[1].Status != "ACTIVE" {
		t.Errorf("a day later: got %s and %s, want START and ACTIVE", state.Conferences[0].Status, state.Conferences[1].Status)
	}
}

func TestMoveToAnotherOwner(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("")
	link := a.only().Link
	a.must(204, "PUT", "/organization/events/"+event+"/move", "userId=70010")
	if c := a.only(); c.Owner != "room1@example.com" || c.Link != link {
		t.Errorf("moved: got %+v", c)
	}
	// A member whose e-mail gets confirmed may own from then on.
	a.must(403, "PUT", "/organization/events/"+event+"/move", "userId=70011")
	a.SetMember(Member{Email: "NEW@example.com", Name: "New One", Confirmed: true})
	a.must(204, "PUT", "/organization/events/"+event+"/move", "userId=70011")
	if got := a.must(200, "GET", "/eventsessions/"+session, "")["createUserId"]; fmt.Sprint(got) != "70011" {
		t.Errorf("createUserId: got %v", got)
	}
}

func TestSetTimeSource(t *testing.T) {
	m := NewMTSLink(MTSLinkOptions{})
	want := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	m.SetTimeSource(func() time.Time { return want })
	w := httptest.NewRecorder()
	req := httptest.NewRequest("POST", "/v3/events", strings.NewReader("name=x&access=1"))
	req.Header.Set("x-auth-token", "any key is taken where none is set")
	m.ServeHTTP(w, req)
	if w.Code != 401 {
		t.Errorf("a malformed key: got %d, want 401", w.Code)
	}
	req = httptest.NewRequest("POST", "/v3/events", strings.NewReader("name=x&access=1"))
	req.Header.Set("x-auth-token", "any")
	w = httptest.NewRecorder()
	m.ServeHTTP(w, req)
	if s := m.State(); w.Code != 201 || !s.Conferences[0].Start.Equal(want) {
		t.Errorf("got %d, %+v", w.Code, s.Conferences)
	}
}

func TestAccountsHaveTheirOwnIDs(t *testing.T) {
	a, b := NewMTSLink(MTSLinkOptions{Token: "one"}), NewMTSLink(MTSLinkOptions{Token: "two"})
	if a.data.nextID(0) == b.data.nextID(0) {
		t.Error("two accounts gave the same id")
	}
}
