package emulator

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

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
