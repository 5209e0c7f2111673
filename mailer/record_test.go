package mailer

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"joinery/caldav/change"
	"joinery/store"
)

// A mail whose transaction is not committed, and which is recorded again, takes the place of no other that was
// stored meanwhile: everybody gets theirs, once.
func TestRecordedAgain(t *testing.T) {
	deferred := false
	r := startRelay(t, func(r *testRelay) {
		r.onRcpt = func(to string) error {
			if to == "vera@example.com" && !deferred {
				deferred = true
				return &smtp.SMTPError{Code: 450, Message: "later"}
			}
			return nil
		}
	})
	toVera := testParse(t, strings.Replace(with(plainEvent, veraLine), "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1))
	var s *store.Store
	var looks atomic.Int64
	broken := make(chan struct{})
	b := newBench(t, "smtp://"+r.addr, plainEvent, func(o *Options) {
		s = o.Store
		o.Backoff = func(int) time.Duration { return 3 * time.Second }
		o.Changer.(*fakeCalendar).change = func(p *change.Present) {
			if p.Row.UID != "u1" {
				p.Event = toVera
				return
			}
			if looks.Add(1) == 2 { // where the mail is stored
				go func() {
					_ = s.Update(context.Background(), func(*store.Tx) error { runtime.Goexit(); return nil })
					close(broken)
				}()
				time.Sleep(100 * time.Millisecond) // it comes into the same commit
			}
		}
	})
	<-broken
	b.update(func(tx *store.Tx) error {
		first, err := tx.EventByID(b.event)
		if err != nil {
			return err
		}
		ev := &store.Event{UserID: first.UserID, UID: "u2", Role: store.RoleOrganizer, Saved: tx.Now()}
		if err := tx.PutEvent(ev); err != nil {
			return err
		}
		return b.runner.Touch(tx, change.WorkMail, ev.ID, tx.Now())
	})
	b.rest()
	wantSubjects(t, r, "boris@example.org Invitation: Planning", "vera@example.com Invitation: Planning")
	if m := b.messages(); len(m) != 1 || m[0].State != store.MessageSent || m[0].MessageID != b.delivery("boris@example.org").MessageID {
		t.Errorf("the first event's mails are %+v", m)
	}
}

// A mail is given up for age only while it is being tried: a program that was stopped for a week, or whose clock was
// set from last year to today, finds the relay starting, too.
func TestGivenUpWhileItIsTried(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	s := &Sender{opts: Options{GiveUp: 5 * day, Now: func() time.Time { return now }}}
	away := &SubmitError{Temporary, "connect", errors.New("refused")}
	for name, test := range map[string]struct {
		age, last time.Duration // since it was composed, and since it was last tried
		attempts  int           // until now
		want      string
	}{
		"tried all the time":              {6 * day, 10 * time.Minute, 700, "5.1"},
		"not for long enough":             {4 * day, 10 * time.Minute, 600, ""},
		"the program was stopped":         {9 * day, 8 * day, 100, ""},
		"the program was stopped at once": {9 * day, 9 * day, 0, ""},
		"and the relay is still away":     {9 * day, time.Second, 1, ""},
		"and it is away for a good while": {9 * day, 10 * time.Minute, 12, "5.1"},
	} {
		m := &store.Message{Created: now.Add(-test.age), Updated: now.Add(-test.last), Attempts: test.attempts}
		if got := s.settle(m, Temporary, away); got != test.want {
			t.Errorf("%s: the status is %q, want %q", name, got, test.want)
		}
	}
}
