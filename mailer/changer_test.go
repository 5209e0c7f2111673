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

// A written is an event of Anna's that goes through the real write path.
type written struct {
	*bench
	changer  *change.Changer
	by       change.Caller
	calendar *store.Calendar
}

// write runs the real write path beside a sender to r.
func write(t *testing.T, r *testRelay, policy change.Policy) *written {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "joinery.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &written{bench: &bench{t: t, store: s, runner: outbox.New(s, outbox.Options{})}}
	policy.ServiceDomain, policy.Domains = "conference.example.org", []string{"example.org"}
	w.changer = change.New(change.Options{Store: s, Outbox: w.runner, Policy: policy})
	sender, err := New(Options{Store: s, Outbox: w.runner, Changer: w.changer, Policy: policy, Relay: "smtp://" + r.addr})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range sender.Queues() {
		w.runner.Add(q)
	}
	w.runner.Add(w.changer.DeliverQueue())
	w.runner.Add(outbox.Queue{Kind: change.WorkBooking, Workers: 1, Handle: func(context.Context, *outbox.Job) (time.Time, error) { return time.Time{}, nil }})
	done := make(chan error, 1)
	go func() { done <- w.runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.by = change.Caller{UserAgent: "test"}
	w.by.User, w.calendar = w.user("anna", "ru")
	return w
}

// user makes a local user at example.org with a calendar.
func (w *written) user(login, locale string) (*store.User, *store.Calendar) {
	w.t.Helper()
	u := &store.User{Login: login, Name: login, Locale: locale, Zone: "Europe/Berlin", Addresses: []string{login + "@example.org"}}
	calendar := &store.Calendar{Slug: "calendar", Name: "Calendar", Components: []string{"VEVENT"}}
	w.update(func(tx *store.Tx) error {
		if err := tx.CreateUser(u); err != nil {
			return err
		}
		calendar.UserID = u.ID
		return tx.CreateCalendar(calendar)
	})
	return u, calendar
}

func (w *written) put(body string) {
	w.t.Helper()
	_, err := w.changer.Put(context.Background(), change.PutRequest{Caller: w.by, Calendar: w.calendar, Name: "u1.ics", Data: []byte(testObject(body))})
	if err != nil {
		w.t.Fatal(err)
	}
	w.rest()
}

func (w *written) delete() {
	w.t.Helper()
	if err := w.changer.Delete(context.Background(), change.DeleteRequest{Caller: w.by, Calendar: w.calendar, Name: "u1.ics"}); err != nil {
		w.t.Fatal(err)
	}
	w.rest()
}

func (w *written) object() string {
	w.t.Helper()
	var o *store.Object
	err := w.store.View(context.Background(), func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByName(w.calendar.ID, "u1.ics")
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.NewReplacer("\r\n ", "", "\r\n", "\n").Replace(string(o.Data))
}

// nextYear is body in March of the next year.
func nextYear(body string) string {
	return strings.ReplaceAll(body, "20261205", time.Date(time.Now().Year()+1, 3, 5, 0, 0, 0, 0, time.UTC).Format("20060102"))
}

// TestWithTheWritePath saves, changes and deletes an event as a client does, through the real write
// path, and looks at the mail and at what the event says of it.
func TestWithTheWritePath(t *testing.T) {
	r := startRelay(t, nil)
	w := write(t, r, change.Policy{})
	body := nextYear(plainEvent)
	w.put(body)
	wantMails(t, r, "boris@example.org Приглашение: Planning")
	if got := w.object(); !strings.Contains(got, "SCHEDULE-STATUS=1.1") {
		t.Errorf("the event does not say that Boris was told:\n%s", got)
	}
	w.put(strings.Replace(body, "SUMMARY:Planning", "SUMMARY:Review", 1))
	wantMails(t, r, "boris@example.org Приглашение: Planning", "boris@example.org Изменено: Review")
	// What the server itself wrote is no change.
	data := strings.ReplaceAll(w.object(), "\n", "\r\n")
	if _, err := w.changer.Put(t.Context(), change.PutRequest{Caller: w.by, Calendar: w.calendar, Name: "u1.ics", Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
	w.rest()
	w.delete()
	wantMails(t, r, "boris@example.org Приглашение: Planning", "boris@example.org Изменено: Review", "boris@example.org Отменено: Review")
}

// A local user who is not mailed finds the event in the calendar, and is told nothing old once mail is
// on; a person elsewhere who asks for the event again is sent it once.
func TestLocalUserWithTheWritePath(t *testing.T) {
	for _, mailed := range []bool{false, true} {
		r := startRelay(t, nil)
		w := write(t, r, change.Policy{MailLocals: mailed})
		w.user("boris", "uk")
		w.put(nextYear(with(plainEvent, veraLine)))
		want := []string{"vera@example.com Приглашение: Planning"}
		if mailed {
			want = append([]string{"boris@example.org Запрошення: Planning"}, want...)
		}
		wantSubjects(t, r, want...)
		if got := w.object(); !strings.Contains(got, "SCHEDULE-STATUS=1.2") || !strings.Contains(got, "SCHEDULE-STATUS=1.1") {
			t.Errorf("the event does not say that both were told:\n%s", got)
		}
		var event int64
		err := w.store.View(t.Context(), func(tx *store.Tx) error {
			ev, err := w.changer.OrganizersEvent(tx, "u1", "anna@example.org", "vera@example.com")
			if err == nil {
				event = ev.ID
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.changer.Refresh(t.Context(), event, "vera@example.com"); err != nil {
			t.Fatal(err)
		}
		w.rest()
		want = append(want, want[len(want)-1])
		wantSubjects(t, r, want...)
		w.delete()
		if n := len(r.got()) - len(want); n != map[bool]int{true: 2, false: 1}[mailed] {
			t.Errorf("mailed %v: %d mails tell that it is off", mailed, n)
		}
	}
}
