package emulator

import (
	"fmt"
	"strings"
	"testing"
)

func TestParticipations(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("")
	link := a.only().Link
	guest := a.must(201, "POST", "/eventsessions/"+session+"/register",
		"email=guest1@example.com&name=Guest&secondName=One&role=GUEST&isAutoEnter=true&sendEmail=false")
	if got := guest["link"].(string); len(got) != len(link)+33 || !strings.HasPrefix(got, link+"/") {
		t.Errorf("personal link: got %s", got)
	}
	a.must(409, "POST", "/eventsessions/"+session+"/register", "email=GUEST1@example.com&sendEmail=false")
	status, v := a.call("POST", "/eventsessions/"+session+"/invite", "isAutoEnter=true&sendEmail=false"+
		"&users[0][email]=guest1@example.com&users[1][email]=host1@example.com&users[1][role]=ADMIN&users[2][email]=broken&users[3][email]=x@example.com&users[3][role]=KING")
	invited, _ := v.([]any)
	if status != 201 || len(invited) != 1 || invited[0].(map[string]any)["email"] != "host1@example.com" {
		t.Fatalf("invite: got %d %v, want only the new, right one", status, v)
	}
	list := a.list("/eventsessions/" + session + "/participations")
	if len(list) != 2 || list[0]["role"] != "GUEST" || list[1]["role"] != "ADMIN" || fmt.Sprint(list[0]["eventSessionId"]) != session {
		t.Fatalf("participations: got %v", list)
	}
	if got := link + "/" + list[0]["url"].(string); got != guest["link"] {
		t.Errorf("link from url: got %s, want %v", got, guest["link"])
	}
	if c := a.only(); strings.Join(c.Participants, " ") != "guest1@example.com host1@example.com" {
		t.Errorf("state: got %v", c.Participants)
	}
	id := fmt.Sprint(list[0]["id"])
	a.must(400, "PUT", "/participations/update", "participationIds[0]="+id)
	a.must(204, "PUT", "/participations/update", "participationIds[0]="+id+"&role=LECTURER")
	a.must(404, "PUT", "/participations/kick", "participationIds[0]="+id)
	a.must(204, "PUT", "/eventsessions/"+session+"/start", "")
	a.must(204, "PUT", "/participations/kick", "participationIds[0]="+id)
	a.must(204, "POST", "/participations/delete", "participationIds[0]="+id)
	a.must(404, "POST", "/participations/delete", "participationIds[0]="+id)
	if list := a.list("/eventsessions/" + session + "/participations"); len(list) != 1 || list[0]["email"] != "host1@example.com" {
		t.Errorf("after the deletion: got %v", list)
	}
	a.must(204, "PUT", "/eventsessions/"+session+"/stop", "")
	a.must(409, "POST", "/eventsessions/"+session+"/register", "email=late@example.com")
	if got := a.list("/stats/users?from=2027-01-01&eventId=" + event); len(got) != 1 || got[0]["email"] != "host1@example.com" {
		t.Errorf("stats: got %v", got)
	}
	if n := a.State().PlatformMails; n != 0 {
		t.Errorf("platform mails: got %d", n)
	}
}

func TestAdditionalFields(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	_, session := a.reserve("&additionalFields[0][label]=City&additionalFields[0][type]=radio&additionalFields[0][values][0]=Omsk")
	fields := a.must(200, "GET", "/eventsessions/"+session, "")["additionalFields"].([]any)
	key := fields[0].(map[string]any)["key"].(string)
	a.must(400, "POST", "/eventsessions/"+session+"/register", "email=a@example.com&sendEmail=false")
	a.must(201, "POST", "/eventsessions/"+session+"/register", "email=a@example.com&sendEmail=false&additionalFields["+key+"]=Omsk")
	list := a.list("/eventsessions/" + session + "/participations")
	if got := fmt.Sprint(list[0]["additionalFieldValues"]); got != "[map[key:"+key+" value:Omsk]]" {
		t.Errorf("values: got %s", got)
	}
}
