package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// hand posts to /_hand.
func (a *testAccount) hand(want int, body string) string {
	a.t.Helper()
	got, answer := a.outside("POST", "/_hand", body)
	if got != want {
		a.t.Errorf("%s: got %d %s, want %d", body, got, answer, want)
	}
	return answer
}

func TestHand(t *testing.T) {
	a, r := newTestAccount(t, MTSLinkOptions{}), newTestReceiver(t)
	if _, err := a.AddWebhook(r.URL, "secret"); err != nil {
		t.Fatal(err)
	}
	event, session := a.reserve("&tags[0]=key-1")
	a.must(201, "POST", "/eventsessions/"+session+"/register", "email=anna@example.com&sendEmail=false")
	r.take(a)
	const moment = "2027-03-01T10:00+03:00"

	a.hand(204, `{"action": "rename", "id": "`+event+`", "name": "By hand"}`)
	if c := a.only(); c.Name != "By hand" || c.EventName != "By hand" {
		t.Errorf("renamed: got %+v", c)
	}
	a.hand(204, `{"action": "reschedule", "id": `+session+`, "start": "2027-03-10T08:15:59Z"}`)
	d := r.one(a, "eventSession.startsAt.changed", session, moment)
	if d.Data["eventSessionNewStartsAt"] != "2027-03-10T11:15:00+03:00" || d.Data["eventSessionOldStartsAt"] != "2027-03-09T15:30:00+03:00" {
		t.Errorf("moved: got %v", d.Data)
	}
	if c := a.only(); c.Start.Format(time.RFC3339) != "2027-03-10T11:15:00+03:00" || !c.EventStart.Equal(c.Start) {
		t.Errorf("moved: got %v and %v", c.Start, c.EventStart)
	}
	a.hand(204, `{"action": "tags", "id": `+event+`}`)
	if c := a.only(); len(c.Tags) != 0 || c.Key != "" {
		t.Errorf("without tags: got %v", c.Tags)
	}
	a.hand(204, `{"action": "tags", "id": `+event+`, "tags": ["other", "key-1"]}`)
	if c := a.only(); fmt.Sprint(c.Tags) != "[other key-1]" || c.Key != "other" {
		t.Errorf("other tags: got %v", c.Tags)
	}

	for body, want := range map[string]int{
		`{"action": "rename", "id": ` + event + `, "name": " "}`: 400,
		`{"action": "rename", "id": 1, "name": "x"}`:             404,
		`{"action": "rename", "name": "x"}`:                      400,
		`{"action": "reschedule", "id": ` + event + `}`:          400,
		`{"action": "dance", "id": ` + event + `}`:               400,
		`{"action": "add", "owner": "nobody@example.com"}`:       404,
		`{"action": "add", "owner": "new@example.com"}`:          403,
		`{"action": "add", "unknown": 1}`:                        400,
	} {
		a.hand(want, body)
	}
	a.only()

	id := mustID(t, session)
	if err := a.Live(id, "start"); err != nil {
		t.Fatal(err)
	}
	r.one(a, "eventSession.started", session, moment)
	if err := a.Reschedule(id, a.clock.now()); err == nil {
		t.Error("a live session was moved")
	}
	if err := a.Live(id, "stop"); err != nil {
		t.Fatal(err)
	}
	r.one(a, "eventSession.ended", session, moment)
	if err := a.Rename(id, "Late"); err == nil {
		t.Error("an ended session was renamed")
	}
	if err := a.Live(id, "delete"); err != nil {
		t.Fatal(err)
	}
	a.must(404, "GET", "/eventsessions/"+session, "")
	if got := r.take(a); len(got) != 0 {
		t.Errorf("no webhook tells of a deletion: %+v", got)
	}
	if mails := a.Mails(); len(mails) != 0 {
		t.Errorf("mails: got %+v", mails)
	}
}

func TestHandAddsStrangers(t *testing.T) {
	a, r := newTestAccount(t, MTSLinkOptions{}), newTestReceiver(t)
	if _, err := a.AddWebhook(r.URL, "secret"); err != nil {
		t.Fatal(err)
	}
	var made Conference
	answer := a.hand(200, `{"action": "add", "name": "Theirs", "start": "2027-03-10T08:00:00Z", "owner": "room1@example.com", "type": "webinar", "tags": ["sales"]}`)
	if err := json.Unmarshal([]byte(answer), &made); err != nil {
		t.Fatal(err)
	}
	r.one(a, "eventSession.created", made.Session, "2027-03-01T10:00+03:00")
	plain, err := a.AddEvent(Foreign{StartType: "autostart"})
	if err != nil {
		t.Fatal(err)
	}
	got := a.Conferences()
	if len(got) != 2 || got[0].Name != "Theirs" || got[0].Owner != "room1@example.com" || got[0].Key != "sales" || got[0].Type != "webinar" ||
		got[0].Start.Format(time.RFC3339) != "2027-03-10T11:00:00+03:00" || got[1].ID != plain.ID || len(got[1].Tags) != 0 || got[1].Status != "START" {
		t.Errorf("strangers: got %+v", got)
	}
	// The API sees them as any other.
	if s := a.must(200, "GET", "/eventsessions/"+made.Session, ""); s["name"] != "Theirs" || s["status"] != "ACTIVE" {
		t.Errorf("by the API: got %v", s)
	}
	if list := a.list("/organization/events/schedule?from=2027-03-02&perPage=50"); len(list) != 1 || list[0]["id"] != made.ID {
		t.Errorf("schedule: got %v", list)
	}
	if status, page := a.outside("GET", strings.TrimPrefix(made.Link, "https://my.mts-link.ru"), ""); status != 200 || !strings.Contains(page, "Theirs") {
		t.Errorf("its page: got %d", status)
	}
}

// A series is moved session by session, within its rule.
func TestHandAndSeries(t *testing.T) {
	a := newTestAccount(t, MTSLinkOptions{})
	e := a.must(201, "POST", "/events", "name=Weekly&timezone=1&isEventRegAllowed=true&rule=FREQ%3DWEEKLY"+open+silent+
		at("startsAt", "2027-03-09 10:00")+at("endsAt", "2027-04-09 10:00"))
	event := e["eventId"].(json.Number).String()
	s := a.must(201, "POST", "/events/"+event+"/sessions", "")
	session := mustID(t, s["eventSessionId"].(json.Number).String())
	for day, ok := range map[int]bool{16: true, 17: false} {
		if err := a.Reschedule(session, time.Date(2027, 3, day, 7, 0, 0, 0, time.UTC)); (err == nil) != ok {
			t.Errorf("to the %dth: got %v", day, err)
		}
	}
	if err := a.Reschedule(mustID(t, event), time.Date(2027, 3, 23, 7, 0, 0, 0, time.UTC)); err == nil {
		t.Error("the whole series was moved")
	}
	if c := a.only(); c.Start.Day() != 16 || c.EventStart.Day() != 9 {
		t.Errorf("got %v and %v", c.Start, c.EventStart)
	}
}
