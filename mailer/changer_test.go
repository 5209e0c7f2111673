package mailer

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/store"
	"joinery/store/outbox"
)

var _ Calendar = (*change.Changer)(nil)

// TestWithTheWritePath saves, changes and deletes an event as a client does, through the real write
// path, and looks at the mail and at what the event says of it.
func TestWithTheWritePath(t *testing.T) {
	r := startRelay(t, nil)
	ctx, stop := context.WithCancel(context.Background())
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "joinery.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, store: s, runner: outbox.New(s, outbox.Options{})}
	policy := change.Policy{ServiceDomain: "conference.example.org", Domains: []string{"example.org"}}
	changer := change.New(change.Options{Store: s, Outbox: b.runner, Policy: policy})
	sender, err := New(Options{Store: s, Outbox: b.runner, Changer: changer, Policy: policy, Relay: "smtp://" + r.addr})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range sender.Queues() {
		b.runner.Add(q)
	}
	b.runner.Add(changer.DeliverQueue())
	b.runner.Add(outbox.Queue{Kind: change.WorkBooking, Workers: 1, Handle: func(context.Context, *outbox.Job) (time.Time, error) { return time.Time{}, nil }})
	done := make(chan error, 1)
	go func() { done <- b.runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	anna := &store.User{Login: "anna", Name: "Anna", Locale: "ru", Zone: "Europe/Berlin", Addresses: []string{"anna@example.org"}}
	calendar := &store.Calendar{Slug: "calendar", Name: "Calendar", Components: []string{"VEVENT"}}
	b.update(func(tx *store.Tx) error {
		if err := tx.CreateUser(anna); err != nil {
			return err
		}
		calendar.UserID = anna.ID
		return tx.CreateCalendar(calendar)
	})
	by := change.Caller{User: anna, UserAgent: "test"}
	year := time.Now().Year() + 1
	body := strings.ReplaceAll(plainEvent, "20261205", time.Date(year, 3, 5, 0, 0, 0, 0, time.UTC).Format("20060102"))
	put := func(body string) {
		t.Helper()
		_, err := changer.Put(ctx, change.PutRequest{Caller: by, Calendar: calendar, Name: "u1.ics", Data: []byte(testObject(body))})
		if err != nil {
			t.Fatal(err)
		}
		b.rest()
	}
	object := func() string {
		var o *store.Object
		err := s.View(ctx, func(tx *store.Tx) (err error) {
			o, err = tx.ObjectByName(calendar.ID, "u1.ics")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return strings.NewReplacer("\r\n ", "", "\r\n", "\n").Replace(string(o.Data))
	}
	put(body)
	wantMails(t, r, "boris@example.org Приглашение: Planning")
	if got := object(); !strings.Contains(got, "SCHEDULE-STATUS=1.1") {
		t.Errorf("the event does not say that Boris was told:\n%s", got)
	}
	put(strings.Replace(body, "SUMMARY:Planning", "SUMMARY:Review", 1))
	wantMails(t, r, "boris@example.org Приглашение: Planning", "boris@example.org Изменено: Review")
	// What the server itself wrote is no change.
	if _, err := changer.Put(ctx, change.PutRequest{Caller: by, Calendar: calendar, Name: "u1.ics", Data: []byte(strings.ReplaceAll(object(), "\n", "\r\n"))}); err != nil {
		t.Fatal(err)
	}
	b.rest()
	if err := changer.Delete(ctx, change.DeleteRequest{Caller: by, Calendar: calendar, Name: "u1.ics"}); err != nil {
		t.Fatal(err)
	}
	b.rest()
	wantMails(t, r, "boris@example.org Приглашение: Planning", "boris@example.org Изменено: Review", "boris@example.org Отменено: Review")
}
