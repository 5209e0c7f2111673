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
		"&users[0][email]=guest1@example.com&users[1][email]=host1@example.com&users[1][role]=ADMIN&users[2][email]=broken&users[3][email]=x@example.com&users[3][role]=KING&users[4][email]=HOST1@example.com")
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

// crowd writes the users of an invite, from the nth on.
func crowd(from, n int, more string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&users[%d][email]=p%d@example.com%s", i, from+i, strings.ReplaceAll(more, "#", fmt.Sprint(i)))
	}
	return b.String()
}

func TestPagesOfParticipations(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	e := a.must(201, "POST", "/events", "name=Weekly&timezone=1&isEventRegAllowed=true&rule=FREQ%3DWEEKLY"+open+silent+
		at("startsAt", "2027-03-09 10:00")+at("endsAt", "2027-04-09 10:00"))
	event := fmt.Sprint(e["eventId"])
	s := a.must(201, "POST", "/events/"+event+"/sessions", "")
	for _, path := range []string{"/events/" + event, "/eventsessions/" + fmt.Sprint(s["eventSessionId"])} {
		for from := 0; from < 120; from += 40 {
			status, v := a.call("POST", path+"/invite", "isAutoEnter=true&sendEmail=false"+crowd(from, 40, "&users[#][role]=LECTURER"))
			if got, _ := v.([]any); status != 201 || len(got) != 40 {
				t.Fatalf("%s: got %d %v", path, status, v)
			}
		}
		a.must(400, "POST", path+"/invite", "sendEmail=false"+crowd(500, 51, ""))
		a.must(201, "POST", path+"/invite", "sendEmail=false"+crowd(100, 50, "")) // 20 of them known
		for query, want := range map[string]int{"": 50, "?page=2": 50, "?page=3": 50, "?page=4": 0, "?perPage=10&page=15": 10, "?perPage=100&page=2": 50,
			"?perPage=250": 150, "?perPage=500": 150, "?perPage=500&page=2": 0, "?perPage=50&page=9223372036854775807": 0} {
			if got := len(a.list(path + "/participations" + query)); got != want {
				t.Errorf("%s%s: got %d, want %d", path, query, got, want)
			}
		}
		for _, query := range []string{"?perPage=20", "?perPage=x", "?page=0", "?page=-1"} {
			a.must(400, "GET", path+"/participations"+query, "")
		}
	}
	// Who is known to the platform is the same user everywhere.
	series, single := a.list("/events/"+event+"/participations"), a.list("/eventsessions/"+fmt.Sprint(s["eventSessionId"])+"/participations")
	if series[7]["email"] != "p7@example.com" || series[7]["userId"] != single[7]["userId"] || series[7]["id"] == single[7]["id"] || series[7]["url"] == single[7]["url"] {
		t.Errorf("one person twice: got %v and %v", series[7], single[7])
	}
	r := a.only().Registrations
	if len(r) != 300 || r[0].Role != "LECTURER" || !r[0].AutoEnter || r[149].Role != "GUEST" || r[149].AutoEnter {
		t.Errorf("registrations: got %d, %+v and %+v", len(r), r[0], r[149])
	}
	// Several at a time, of a series and of a session; an unknown one spoils the call.
	one, two := fmt.Sprint(series[7]["id"]), fmt.Sprint(single[8]["id"])
	both := "participationIds[0]=" + one + "&participationIds[1]=" + two
	a.must(404, "PUT", "/participations/update", both+"&participationIds[2]=1&role=ADMIN")
	if got := a.only().Registrations[7].Role; got != "LECTURER" {
		t.Errorf("after a refusal: got %s", got)
	}
	a.must(204, "PUT", "/participations/update", both+"&role=ADMIN")
	if r := a.only().Registrations; r[7].Role != "ADMIN" || r[158].Role != "ADMIN" {
		t.Errorf("roles: got %+v and %+v", r[7], r[158])
	}
	a.must(404, "PUT", "/participations/kick", "participationIds[0]="+one) // of a series: of no live session
	a.must(204, "POST", "/participations/delete", both)
	if n := len(a.only().Registrations); n != 298 {
		t.Errorf("after the deletion: got %d", n)
	}
	a.must(404, "PUT", "/participations/update", both+"&role=GUEST")
	if ignored := a.State().Ignored; len(ignored) != 0 {
		t.Errorf("ignored parameters: got %v", ignored)
	}
}

func TestLectors(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	event, session := a.reserve("&lectorIds[0]=70010&lectorIds[1]=70011")
	const want = "[map[email:room1@example.com id:70010 name:Room secondName:One] map[email:new@example.com id:70011 name:New secondName:One]]"
	for _, path := range []string{"/eventsessions/" + session, "/organization/events/" + event} {
		if got := fmt.Sprint(a.must(200, "GET", path, "")["lectors"]); got != want {
			t.Errorf("%s: got %s", path, got)
		}
	}
	if got := fmt.Sprint(a.list("/organization/events/schedule?from=2027-03-01")[0]["lectors"]); got != want {
		t.Errorf("schedule: got %s", got)
	}
	if got := fmt.Sprint(a.only().Lectors); got != "[room1@example.com new@example.com]" {
		t.Errorf("state: got %s", got)
	}
}
