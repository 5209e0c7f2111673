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
	for cause, want := range map[string]int{"reminder": 1, "POST /eventsessions/{id}/register": 1, "POST /eventsessions/{id}/invite": 1,
		"PUT /eventsessions/{id}": 2, "DELETE /eventsessions/{id}": 2} {
		if got := state.PlatformMailCauses[cause]; got != want {
			t.Errorf("mails by %s: got %d, want %d", cause, got, want)
		}
	}
	if state.PlatformMails != 7 {
		t.Errorf("platform mails: got %d, want 7", state.PlatformMails)
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

// Every refusal of sections 4, 9 and 10 that needs no particular state.
func TestRefusals(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("")
	fields := a.must(201, "POST", "/events", "name=f"+open+"&additionalFields[0][label]=City&additionalFields[0][type]=text")
	withFields := a.must(201, "POST", "/events/"+fields["eventId"].(json.Number).String()+"/sessions", "")
	asks := withFields["eventSessionId"].(json.Number).String()
	crowd := ""
	for i := range 51 {
		crowd += fmt.Sprintf("&users[%d][email]=p%d@example.com", i, i)
	}
	for _, row := range []struct {
		method, path, body string
		status             int
		message            string
	}{
		{"POST", "/events", "", 400, "name"},
		{"POST", "/events", "name=+" + open, 400, "name"},
		{"POST", "/events", "name=" + strings.Repeat("a", 256) + open, 400, "name"},
		{"POST", "/events", "name=x", 400, "isPasswordRequired"},
		{"POST", "/events", "name=x&accessSettings[isPasswordRequired]=0&accessSettings[isRegistrationRequired]=0", 400, "isModerationRequired"},
		{"POST", "/events", "name=x&accessSettings[isPasswordRequired]=no&accessSettings[isRegistrationRequired]=0&accessSettings[isModerationRequired]=0", 400, "isPasswordRequired"},
		{"POST", "/events", "name=x&access=2", 400, "access"},
		{"POST", "/events", "name=x&access=3", 400, "password"},
		{"POST", "/events", "name=x&type=party" + open, 400, "type"},
		{"POST", "/events", "name=x&lang=DE" + open, 400, "lang"},
		{"POST", "/events", "name=x&duration=1h" + open, 400, "duration"},
		{"POST", "/events", "name=x&timezone=Europe/Moscow" + open, 400, "timezone"},
		{"POST", "/events", "name=x&timezone=999" + open, 400, "timezone"},
		{"POST", "/events", "name=x&defaultRemindersEnabled=0" + open, 400, "defaultRemindersEnabled"},
		{"POST", "/events", "name=x&startsAt=2027-03-09" + open, 400, "startsAt"},
		{"POST", "/events", "name=x&startsAt[date][year]=2027&startsAt[date][month]=2&startsAt[date][day]=30&startsAt[time][hour]=1&startsAt[time][minute]=0" + open, 400, "startsAt"},
		{"POST", "/events", "name=x&startsAt[date][year]=2027&startsAt[date][month]=2&startsAt[date][day]=3&startsAt[time][hour]=1" + open, 400, "minute"},
		{"POST", "/events", "name=x&ownerId=me" + open, 400, "ownerId"},
		{"POST", "/events", "name=x&ownerId=999" + open, 404, "User not found"},
		{"POST", "/events", "name=x&ownerId=70011" + open, 403, "Event owner is not submitted"},
		{"POST", "/events", "name=x&lectorIds[0]=999" + open, 404, "Lector"},
		{"POST", "/events", "name=x&additionalFields[0][type]=text" + open, 400, "additionalFields"},
		{"POST", "/events", "name=%zz", 400, "malformed"},
		{"POST", "/events", "name[=x", 400, "malformed"},
		{"POST", "/events", "{", 400, "json is not valid"},
		{"POST", "/events", "name=x&rule=FREQ=HOURLY" + open, 400, "rule"},
		{"POST", "/events", "name=x&rule=FREQ=WEEKLY&isEventRegAllowed=true" + open, 400, "endsAt"},
		{"POST", "/events", "name=x&rule=FREQ=WEEKLY" + open + at("endsAt", "2028-01-01 00:00"), 400, "isEventRegAllowed"},
		{"POST", "/events/1/sessions", "", 404, "not found"},
		{"POST", "/events/" + event + "/sessions", "", 409, "already has a session"},
		{"POST", "/events/" + event + "/sessions", "startType=never", 400, "startType"},
		{"GET", "/organization/events/1", "", 404, "not found"},
		{"PUT", "/organization/events/1", "", 404, "not found"},
		{"PUT", "/organization/events/" + event, "name=", 400, "name"},
		{"PUT", "/organization/events/" + event, "status=START", 400, "status"},
		{"PUT", "/organization/events/" + event, "ownerId=70011", 403, "Event owner is not submitted"},
		{"DELETE", "/organization/events/1", "", 404, "not found"},
		{"DELETE", "/organization/events/" + event, "sendEmail=maybe", 400, "sendEmail"},
		{"PUT", "/organization/events/" + event + "/move", "", 400, "userId"},
		{"PUT", "/organization/events/" + event + "/move", "userId=70011", 403, "Event owner is not submitted"},
		{"PUT", "/organization/events/" + event + "/move", "userId=5", 404, "User not found"},
		{"PUT", "/organization/events/1/move", "userId=70010", 404, "not found"},
		{"GET", "/eventsessions/1", "", 404, "not found"},
		{"PUT", "/eventsessions/1", "", 404, "not found"},
		{"PUT", "/eventsessions/" + session, "sendEmail=0", 400, "sendEmail"},
		{"PUT", "/eventsessions/" + session, "updateContext=all", 400, "updateContext"},
		{"DELETE", "/eventsessions/1", "", 404, "not found"},
		{"DELETE", "/eventsessions/" + session, "sendEmail=0", 400, "sendEmail"},
		{"PUT", "/eventsessions/1/start", "", 404, "not found"},
		{"PUT", "/eventsessions/1/stop", "", 404, "not found"},
		{"GET", "/organization/events/schedule", "", 400, "from"},
		{"GET", "/organization/events/schedule?from=yesterday", "", 400, "from"},
		{"GET", "/organization/events/schedule?from=2027-01-01&perPage=20", "", 400, "perPage"},
		{"GET", "/organization/events/schedule?from=2027-01-01&status[0]=DONE", "", 400, "status"},
		{"GET", "/users/999/events/schedule?from=2027-01-01", "", 404, "not found"},
		{"POST", "/eventsessions/" + session + "/register", "", 400, "email"},
		{"POST", "/eventsessions/" + session + "/register", "email=nobody", 400, "email"},
		{"POST", "/eventsessions/" + session + "/register", "email=a@example.com&role=BOSS", 400, "role"},
		{"POST", "/eventsessions/" + session + "/register", "email=a@example.com&isAutoEnter=1", 400, "isAutoEnter"},
		{"POST", "/eventsessions/" + asks + "/register", "email=a@example.com", 400, "ERROR_BLANK"},
		{"POST", "/eventsessions/1/register", "email=a@example.com", 404, "not found"},
		{"POST", "/eventsessions/" + session + "/invite", "", 400, "users"},
		{"POST", "/eventsessions/" + session + "/invite", crowd[1:], 400, "users"},
		{"POST", "/events/" + event + "/register", "email=a@example.com", 400, "does not cover"},
		{"POST", "/events/" + event + "/invite", "users[0][email]=a@example.com", 400, "does not cover"},
		{"GET", "/eventsessions/1/participations", "", 404, "not found"},
		{"GET", "/eventsessions/" + session + "/participations?perPage=7", "", 400, "perPage"},
		{"PUT", "/participations/update", "role=ADMIN", 400, "participationIds"},
		{"PUT", "/participations/update", "participationIds[0]=1&role=ADMIN", 404, "not found"},
		{"POST", "/participations/delete", "participationIds[0]=x", 400, "participationIds"},
		{"GET", "/stats/users", "", 400, "from"},
		{"GET", "/stats/users?from=2027-01-01", "", 404, "not found"},
		{"GET", "/stats/events?from=2027-01-01&userId=999", "", 403, "not a member"},
		{"GET", "/organization/members?role=boss", "", 400, "role"},
		{"POST", "/webhooks/create", "url=ftp://example.com", 400, "url"},
		{"POST", "/webhooks/1/delete", "", 404, "not found"},
		{"GET", "/events", "", 405, "Method"},
		{"POST", "/eventsessions/" + session, "", 405, "Method"},
		{"GET", "/nothing", "", 404, "not found"},
	} {
		before := len(a.State().Conferences)
		status, v := a.call(row.method, row.path, row.body)
		object, _ := v.(map[string]any)
		inner, _ := object["error"].(map[string]any)
		message, _ := inner["message"].(string)
		if status != row.status || !strings.Contains(message, row.message) {
			t.Errorf("%s %s %.60s: got %d %q, want %d %q", row.method, row.path, row.body, status, message, row.status, row.message)
		}
		if after := len(a.State().Conferences); after != before {
			t.Errorf("%s %s: a refusal changed the conferences from %d to %d", row.method, row.path, before, after)
		}
	}
	// An empty body is malformed as JSON, not as a form.
	req := httptest.NewRequest("POST", "/v3/events/"+event+"/sessions", nil)
	req.Header.Set("x-auth-token", testToken)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, req)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "json is not valid") {
		t.Errorf("an empty JSON body: got %d %s", w.Code, w.Body)
	}
}

func TestAuthentication(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	status := func(token string) int {
		req := httptest.NewRequest("GET", "/v3/timezones", nil)
		if token != "" {
			req.Header.Set("x-auth-token", token)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, req)
		return w.Code
	}
	for _, row := range []struct {
		token string
		want  int
	}{{"", 401}, {"two words", 401}, {"unknown", 403}, {testToken, 200}} {
		if got := status(row.token); got != row.want {
			t.Errorf("token %q: got %d, want %d", row.token, got, row.want)
		}
	}
	a.SetPlanLapsed(true)
	if got := status(testToken); got != 403 {
		t.Errorf("a lapsed plan: got %d, want 403", got)
	}
	a.SetPlanLapsed(false)
	a.SetToken("another")
	if got := status(testToken); got != 403 {
		t.Errorf("a key that was changed: got %d, want 403", got)
	}
	if got := status("another"); got != 200 {
		t.Errorf("the new key: got %d, want 200", got)
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

func TestAccountsHaveTheirOwnIDs(t *testing.T) {
	a, b := NewMTSLink(MTSLinkOptions{Token: "one"}), NewMTSLink(MTSLinkOptions{Token: "two"})
	if a.data.nextID(0) == b.data.nextID(0) {
		t.Error("two accounts gave the same id")
	}
}
