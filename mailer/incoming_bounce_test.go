package mailer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"joinery/caldav/change"
	"joinery/store"
)

// TestUndelivered holds what a bounce does: the mail failed, the delivery says why, and the event is looked at.
func TestUndelivered(t *testing.T) {
	mails := incomingMails(t)
	for _, c := range []struct {
		name, status string
		n            int
		address      string
	}{
		{"bounce-postfix", "3.7", 1, "gone@example.com"},
		{"bounce-postfix-full", "5.1", 2, "full@example.com"},
		{"bounce-exim", "3.7", 4, "gone@example.com"},
		{"bounce-exim-old", "5.1", 5, "gone@example.com"},
		{"bounce-exchange", "3.7", 6, "gone@contoso.com"},
		{"bounce-sendmail", "3.7", 7, "gone@example.com"},
		{"bounce-gmail", "5.1", 8, "gone@gmail.com"},
		{"bounce-nothing-returned", "5.1", 10, "gone@example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newInboxBench(t, nil)
			b.update(func(tx *store.Tx) error {
				if _, err := tx.MessageByMessageID(sentID(c.n)); err == nil {
					return nil
				}
				return b.sent(tx, c.n, c.address)
			})
			b.take(mails[c.name])
			b.update(func(tx *store.Tx) error {
				m, err := tx.MessageByMessageID(sentID(c.n))
				if err != nil {
					return err
				}
				d, err := tx.Delivery(b.event, c.address, false)
				if err != nil {
					return err
				}
				w, err := tx.WorkOf(change.WorkMail, b.event)
				if err != nil {
					return fmt.Errorf("the event is not looked at: %w", err)
				}
				if m.State != store.MessageFailed || d.Status != c.status || d.Reported != "" || string(d.View) != "view" || w.Due.Before(b.now) {
					t.Errorf("the mail is %s (%s), the delivery %+v, work %+v", m.State, m.LastError, d, w)
				}
				return nil
			})
		})
	}
}

// TestReportsWithoutFailure holds that what is no failure of our mail's recipient changes nothing.
func TestReportsWithoutFailure(t *testing.T) {
	mails := incomingMails(t)
	b := newInboxBench(t, nil)
	for _, name := range []string{"delay-postfix", "report-delivered", "bounce-of-forwarder", "bounce-of-others", "read-receipt", "out-of-office"} {
		b.take(mails[name])
	}
	b.update(func(tx *store.Tx) error {
		for n, address := range map[int]string{3: "slow@example.com", 9: "boris@example.com"} {
			m, err := tx.MessageByMessageID(sentID(n))
			if err != nil {
				return err
			}
			d, err := tx.Delivery(b.event, address, false)
			if err != nil {
				return err
			}
			if m.State != store.MessageSent || d.Status != "1.1" {
				t.Errorf("%s: the mail is %s, the delivery %s", address, m.State, d.Status)
			}
		}
		if _, err := tx.WorkOf(change.WorkMail, b.event); err == nil {
			t.Error("the event is looked at")
		}
		return nil
	})
}

// TestBounceOfAnEarlierMail holds that what became of an earlier mail says nothing of the present one.
func TestBounceOfAnEarlierMail(t *testing.T) {
	b := newInboxBench(t, nil)
	b.update(func(tx *store.Tx) error { return b.sent(tx, 20, "gone@example.com") })
	b.take(incomingMails(t)["bounce-postfix"])
	b.update(func(tx *store.Tx) error {
		d, err := tx.Delivery(b.event, "gone@example.com", false)
		if err != nil {
			return err
		}
		m, err := tx.MessageByMessageID(sentID(1))
		if err != nil {
			return err
		}
		if d.Status != "1.1" || d.MessageID != sentID(20) || m.State != store.MessageFailed {
			t.Errorf("the delivery is %+v, the earlier mail %s", d, m.State)
		}
		return nil
	})
}

// TestBounceOfAMailUnderWay holds that a mail that is being tried is left to its submission.
func TestBounceOfAMailUnderWay(t *testing.T) {
	b := newInboxBench(t, nil)
	b.update(func(tx *store.Tx) error {
		m, err := tx.MessageByMessageID(sentID(1))
		if err != nil {
			return err
		}
		m.State = store.MessageTrying
		return tx.PutMessage(m)
	})
	b.take(incomingMails(t)["bounce-postfix"])
	b.update(func(tx *store.Tx) error {
		m, err := tx.MessageByMessageID(sentID(1))
		if err == nil && m.State != store.MessageTrying {
			t.Errorf("the mail is %s", m.State)
		}
		return err
	})
}

// TestDeliveryReports reads message/delivery-status.
func TestDeliveryReports(t *testing.T) {
	for data, want := range map[string][]string{
		"": nil,
		"Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; A@B.example\nAction: Failed\nStatus: 5.1.1 (unknown)\n": {"[a@b.example] failed 5.1.1"},
		"Reporting-MTA: dns; a\n\n\n\nFinal-Recipient: rfc822;<a@b.example>\nOriginal-Recipient: rfc822;c@d.example\nAction: delayed\n\n" +
			"Action: failed\nFinal-Recipient: utf-8; борис@пример.рф\n": {"[a@b.example c@d.example] delayed ", "[борис@пример.рф] failed "},
		"Final-Recipient: rfc822;smtp:a@b.example\nAction: failed (x)\n": {"[a@b.example] failed "},
		"Final-Recipient: a@b.example\nAction: failed\n":                 nil,
		"Action: failed\n": nil,
		"nonsense":         nil,
		strings.Repeat("Final-Recipient: rfc822;a@b.example\nAction: failed\n\n", 500): slices.Repeat([]string{"[a@b.example] failed "}, mostRecipients),
	} {
		var got []string
		for _, d := range deliveryReports([]byte(data)) {
			got = append(got, fmt.Sprintf("%v %s %s", d.addresses, d.action, d.status))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%.80q: got %q, want %q", data, got, want)
		}
	}
}

// TestScheduleStatus tells what a failure is in the event.
func TestScheduleStatus(t *testing.T) {
	for _, c := range []struct{ status, diagnostic, want string }{
		{"5.1.1", "", "3.7"}, {"5.1.10", "", "3.7"}, {"5.2.2", "552 full", "5.1"}, {"5.7.1", "550 5.7.1 spam", "5.1"},
		{"5.0.0", "550 5.1.1 no such user", "3.7"}, {"5.0.0", "550-5.1.1 no such user", "3.7"}, {"5.0.0", "550 no such user", "3.7"},
		{"5.0.0", "552 5.2.2 full", "5.1"}, {"", "", "5.1"}, {"5.1", "", "5.1"}, {"x.y.z", "#5.1.1#", "3.7"}, {"4.4.7", "", "5.1"},
	} {
		d := deliveryReport{status: c.status, diagnostic: c.diagnostic}
		if got := d.scheduleStatus(); got != c.want {
			t.Errorf("%s %q is %s, want %s", c.status, c.diagnostic, got, c.want)
		}
	}
}

// TestReportOfAnotherInstallation holds that a Message-ID must be ours: knowing an address proves nothing.
func TestReportOfAnotherInstallation(t *testing.T) {
	b := newInboxBench(t, nil)
	mail := strings.ReplaceAll(string(incomingMails(t)["bounce-postfix"]), sentID(1), "m1.0000000000000000@conference.example.org")
	if got := b.take([]byte(mail)); got != OutcomeIgnored {
		t.Error(got)
	}
	err := b.store.View(context.Background(), func(tx *store.Tx) error {
		d, err := tx.Delivery(b.event, "gone@example.com", false)
		if err == nil && d.Status != "1.1" {
			t.Errorf("the delivery is %s", d.Status)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
