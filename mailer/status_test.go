package mailer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/itip"
	"joinery/store"
)

func TestStatuses(t *testing.T) {
	shown := strings.Replace(plainEvent, "ATTENDEE;CN=Boris", "ATTENDEE;CN=Boris;SCHEDULE-STATUS=1.1", 1)
	view := []byte("BEGIN:VCALENDAR")
	outcome := func(status string) store.Delivery {
		return store.Delivery{Address: "boris@example.org", MessageID: "m1", Status: status, View: view}
	}
	tests := []struct {
		name     string
		body     string
		delivery store.Delivery
		role     store.Role // RoleOrganizer if empty
		present  func(p *change.Present)
		owed     []owed
		messages []store.Message
		want     string
		next     time.Duration // 0: none
	}{
		{name: "sent", body: plainEvent, delivery: outcome("1.1"), want: "map[boris@example.org:1.1] false"},
		{name: "stands there", body: shown, delivery: outcome("1.1"), want: "map[] false"},
		{name: "another outcome", body: shown, delivery: outcome("3.7"), want: "map[boris@example.org:3.7] false"},
		{name: "under way", body: shown, delivery: outcome("1.0"), want: "map[] false"},
		{name: "owed another mail", body: plainEvent, delivery: outcome("1.1"), owed: []owed{{Address: "boris@example.org", Message: &itip.Message{}}}, want: "map[] false"},
		{name: "remembered anew", body: plainEvent, delivery: outcome("1.1"), owed: []owed{{Address: "boris@example.org"}}, want: "map[boris@example.org:1.1] false"},
		{name: "a mail of a client's own", body: strings.Replace(plainEvent, "CN=Boris", "SCHEDULE-AGENT=CLIENT;CN=Boris", 1), delivery: outcome("1.1"), want: "map[] false"},
		{name: "invited again", body: plainEvent, delivery: store.Delivery{Address: "boris@example.org", MessageID: "m1", Status: "1.1"}, want: "map[] false"},
		{name: "cancelled", body: plainEvent, delivery: store.Delivery{Address: "boris@example.org", MessageID: "m1", Status: "5.1"}, present: func(p *change.Present) { p.Gone = true }, want: "map[boris@example.org:5.1] false"},
		{name: "deleted", body: plainEvent, delivery: outcome("1.1"), present: func(p *change.Present) { p.Gone, p.Object = true, nil }, want: "map[] false"},
		{name: "a notice", body: plainEvent, delivery: store.Delivery{Address: "anna@example.org", MessageID: "m1", Status: "1.1", View: []byte("problem:owner")}, want: "map[] false"},
		{name: "imported", body: plainEvent, delivery: outcome("1.1"), present: func(p *change.Present) { p.Row.Imported = true }, want: "map[] false"},
		{name: "an answer", body: plainEvent, role: store.RoleAttendee, delivery: store.Delivery{Address: "anna@example.org", Reply: true, MessageID: "m1", Status: "1.1", View: []byte("* ACCEPTED")}, present: func(p *change.Present) { p.User.Addresses = []string{"boris@example.org"} }, want: "map[anna@example.org:1.1] true"},
		{name: "others are under way", body: plainEvent, delivery: outcome("1.1"), messages: []store.Message{{Address: "vera@example.com", State: store.MessageTrying}, {MessageID: "m1", State: store.MessageSent, Updated: testNow}}, want: "map[] false", next: statusLag},
		{name: "others take long", body: plainEvent, delivery: outcome("1.1"), messages: []store.Message{{Address: "vera@example.com", State: store.MessageTrying}, {MessageID: "m1", State: store.MessageSent, Updated: testNow.Add(-statusLag)}}, want: "map[boris@example.org:1.1] false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := look{present: organised(t, tt.body), policy: policy, now: testNow, deliveries: []store.Delivery{tt.delivery}, messages: tt.messages}
			if tt.role != "" {
				k.present.Row.Role = tt.role
			}
			if tt.present != nil {
				tt.present(k.present)
			}
			k.index()
			k.out = tt.owed
			out, reply := k.statuses()
			if got := fmt.Sprint(out, reply); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			var next time.Time
			if tt.next != 0 {
				next = testNow.Add(tt.next)
			}
			if !k.next.Equal(next) {
				t.Errorf("looks again at %v, want %v", k.next, next)
			}
		})
	}
}
