package web

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

func TestMetrics(t *testing.T) {
	st := openStore(t)
	now := time.Now().Add(time.Minute)
	err := st.Update(context.Background(), func(tx *store.Tx) error {
		u := &store.User{Login: "anna"}
		if err := tx.CreateUser(u); err != nil {
			return err
		}
		e := &store.Event{UserID: u.ID, UID: "a"}
		if err := tx.PutEvent(e); err != nil {
			return err
		}
		b := &store.Booking{EventID: e.ID, UserID: u.ID, PublicID: "b", State: store.BookingWanted}
		if err := tx.PutBooking(b); err != nil {
			return err
		}
		if err := tx.PutRoom(&store.Room{BookingID: b.ID, State: "live"}); err != nil {
			return err
		}
		if err := tx.PutMessage(&store.Message{EventID: e.ID, MessageID: "m", State: store.MessageTrying}); err != nil {
			return err
		}
		return tx.TouchWork("booking", b.ID, now.Add(-30*time.Second))
	})
	if err != nil {
		t.Fatal(err)
	}
	m := NewMetrics(func() time.Time { return now })
	m.Request("PUT", 201, time.Second)
	m.Request("BREW", 405, time.Second)
	m.Request("STEEP", 405, time.Second)
	m.Attempt("mtslink", "reserve", "ok")
	m.Call("mtslink", "reserve", "", time.Second)
	m.Call("mtslink", "reserve", "limited", time.Second)
	m.Mail("accepted")
	m.Incoming("applied")
	m.MailboxFault()
	h := m.Handler(st, func() []Account { return []Account{{Name: "mtslink", Failing: true}, {Name: "spare"}} })
	text := ask(h, "GET", "/metrics", "").Body.String()
	for _, want := range []string{
		`joinery_http_requests_total{method="PUT",status="201"} 1`,
		`joinery_http_requests_total{method="other",status="405"} 2`,
		`joinery_http_request_duration_seconds_count{method="PUT"} 1`,
		`joinery_booking_attempts_total{action="reserve",outcome="ok",provider="mtslink"} 1`,
		`joinery_provider_calls_total{call="reserve",outcome="ok",provider="mtslink"} 1`,
		`joinery_provider_calls_total{call="reserve",outcome="limited",provider="mtslink"} 1`,
		`joinery_provider_call_duration_seconds_count{call="reserve",provider="mtslink"} 2`,
		`joinery_mail_submissions_total{outcome="accepted"} 1`,
		`joinery_incoming_total{outcome="applied"} 1`,
		`joinery_incoming_mailbox_faults_total 1`,
		`joinery_provider_failing{provider="mtslink"} 1`,
		`joinery_provider_failing{provider="spare"} 0`,
		`joinery_work_waiting{kind="booking"} 1`,
		`joinery_work_failing{kind="booking"} 0`,
		`joinery_rooms{state="live"} 1`,
		`joinery_messages{state="trying"} 1`,
		`joinery_store_up 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not there", want)
		}
	}
	if !regexp.MustCompile(`joinery_work_overdue_seconds\{kind="booking"\} (29\.99|30)`).MatchString(text) {
		t.Error("work that is due is not overdue")
	}

	// Every name is documented.
	guide, err := os.ReadFile("../docs/administration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`(?m)^# TYPE (joinery_\w+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(guide), "`"+name[1]) {
			t.Errorf("docs/administration.md does not tell of %s", name[1])
		}
	}

	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	text = ask(h, "GET", "/metrics", "").Body.String()
	if !strings.Contains(text, "joinery_store_up 0\n") || !strings.Contains(text, `joinery_mail_submissions_total{outcome="accepted"} 1`) {
		t.Errorf("with a closed store the metrics are\n%s", text)
	}
}
