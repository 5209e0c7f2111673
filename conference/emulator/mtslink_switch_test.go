package emulator

import (
	"fmt"
	"testing"
	"time"
)

func TestOneLiveSession(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	_, first := a.reserve("")
	_, second := a.reserve("")
	_, auto := a.reserve("")
	a.must(204, "PUT", "/eventsessions/"+auto, "startType=autostart")
	// Off by default: two may be live.
	a.must(204, "PUT", "/eventsessions/"+first+"/start", "")
	if got, _ := a.outside("POST", "/_switch", `{"one_live": true}`); got != 204 {
		t.Fatalf("switch: got %d", got)
	}
	if object := a.must(403, "PUT", "/eventsessions/"+second+"/start", ""); fmt.Sprint(object["error"]) != "map[message:Another session of the account is live]" {
		t.Errorf("refusal: got %v", object)
	}
	if err := a.Live(mustID(t, second), "start"); err == nil {
		t.Error("a second session was started by hand")
	}
	// What starts by itself waits until the licence is free.
	a.clock.set(time.Date(2027, 3, 9, 13, 0, 0, 0, time.UTC))
	status := func() string { return fmt.Sprint(a.must(200, "GET", "/eventsessions/"+auto, "")["status"]) }
	if got := status(); got != "ACTIVE" {
		t.Errorf("at its time: got %s", got)
	}
	a.clock.set(time.Date(2027, 3, 9, 13, 30, 0, 0, time.UTC))
	a.must(204, "PUT", "/eventsessions/"+first+"/stop", "")
	if got := status(); got != "START" {
		t.Errorf("once the other has ended: got %s", got)
	}
	if began := a.Conferences("START")[0].Began; !began.Equal(a.clock.now()) {
		t.Errorf("began %v, want %v", began, a.clock.now())
	}
	a.must(403, "PUT", "/eventsessions/"+second+"/start", "")
	a.must(204, "DELETE", "/eventsessions/"+auto, "sendEmail=false")
	a.must(204, "PUT", "/eventsessions/"+second+"/start", "")
	_, third := a.reserve("")
	a.SetOneLive(false)
	a.must(204, "PUT", "/eventsessions/"+third+"/start", "")
}

func TestRequiredFields(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	_, session := a.reserve("&additionalFields[0][label]=City&additionalFields[0][type]=text")
	own := "users[0][additionalFields][field1]=Omsk"
	a.must(201, "POST", "/eventsessions/"+session+"/invite", "sendEmail=false&users[0][email]=early@example.com&"+own)
	if got, _ := a.outside("POST", "/_switch", `{"required_fields": ["Company", "Post"]}`); got != 204 {
		t.Fatalf("switch: got %d", got)
	}
	var keys []string
	for _, f := range a.must(200, "GET", "/eventsessions/"+session, "")["additionalFields"].([]any) {
		f := f.(map[string]any)
		keys = append(keys, fmt.Sprint(f["key"], "=", f["label"], "=", f["type"]))
	}
	if got := fmt.Sprint(keys); got != "[field1=City=text account1=Company=text account2=Post=text]" {
		t.Errorf("additionalFields: got %s", got)
	}
	refused := func(path, body string) {
		t.Helper()
		if object := a.must(400, "POST", "/eventsessions/"+session+path, body); fmt.Sprint(object["error"]) != "map[message:ERROR_BLANK]" {
			t.Errorf("%s: got %v", path, object)
		}
	}
	refused("/register", "email=anna@example.com&sendEmail=false&additionalFields[field1]=Omsk&additionalFields[account1]=X")
	// One without the fields refuses all, even those who have them.
	full := own + "&users[0][additionalFields][account1]=X&users[0][additionalFields][account2]=Y"
	refused("/invite", "sendEmail=false&users[0][email]=anna@example.com&users[1][email]=boris@example.com&"+full)
	if got := a.only().Participants; fmt.Sprint(got) != "[early@example.com]" {
		t.Errorf("after the refusals: got %v", got)
	}
	// Whoever would be dropped anyhow refuses nothing.
	a.must(201, "POST", "/eventsessions/"+session+"/invite", "sendEmail=false&users[0][email]=anna@example.com&users[1][email]=EARLY@example.com&users[2][email]=broken&"+full)
	last := a.only().Registrations[1]
	if last.Email != "anna@example.com" || fmt.Sprint(last.Fields) != "map[account1:X account2:Y field1:Omsk]" {
		t.Errorf("registered: got %+v", last)
	}
	a.SetRequiredFields()
	a.must(201, "POST", "/eventsessions/"+session+"/register", "email=boris@example.com&sendEmail=false&additionalFields[field1]=Omsk")
	if n := len(a.Mails()); n != 0 {
		t.Errorf("mails: got %d", n)
	}
}
