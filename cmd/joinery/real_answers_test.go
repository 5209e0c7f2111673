//go:build linux

package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"joinery/store"
)

// reply is an answer to an invitation as Thunderbird mails it. More are lines of its header.
func reply(w *world, invitation, from, organizer, partstat string, more ...string) string {
	w.Helper()
	var calendar []string
	for _, l := range logical(w.answered(invitation, from, partstat)) {
		if lineName(l) == "ATTENDEE" && !strings.HasSuffix(l, ":mailto:"+from) {
			continue
		}
		calendar = append(calendar, strings.ReplaceAll(l, "METHOD:REQUEST", "METHOD:REPLY"))
	}
	return strings.Join(append(more,
		"MIME-Version: 1.0",
		"From: Vera <"+from+">",
		"To: <"+organizer+">",
		fmt.Sprintf("Message-ID: <%s.%s@client.example>", strings.ToLower(partstat), value(invitation, "UID")),
		"Date: "+w.now().Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"Subject: "+partstat+": "+value(invitation, "SUMMARY"),
		`Content-Type: multipart/mixed; boundary="outer"`,
		"",
		"--outer",
		`Content-Type: multipart/alternative; boundary="inner"`,
		"",
		"--inner",
		"Content-Type: text/plain; charset=UTF-8",
		"",
		"Vera has answered.",
		"",
		"--inner",
		"Content-Type: text/calendar; method=REPLY; charset=UTF-8",
		"Content-Transfer-Encoding: 8BIT",
		"",
		strings.Join(calendar, "\n"),
		"",
		"--inner--",
		"",
		"--outer--",
		""), "\n")
}

// calendarIn is the text/calendar part of a mail.
func calendarIn(w *world, raw []byte) string {
	w.Helper()
	for _, p := range decodeMail(raw).Parts {
		if p.MediaType == "text/calendar" {
			return p.Text
		}
	}
	w.Fatalf("there is no calendar in\n%s", raw)
	return ""
}

// takesLMTP has the world take mail at the socket of its configuration, as serve does.
func (w *world) takesLMTP() {
	w.Helper()
	l, err := w.app.config.listenLMTP()
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.app.lmtp.Serve(ctx, l) }()
	w.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("LMTP ended with %v", err)
		}
	})
}

// wantIncoming waits until mails about an event came in, and checks what became of them, in any order.
func (w *world) wantIncoming(uid string, want ...string) {
	w.Helper()
	w.eventually(func() error {
		var got []string
		err := w.app.store.View(context.Background(), func(tx *store.Tx) error {
			rows, err := tx.IncomingOf(uid, 50)
			for _, r := range rows {
				got = append(got, r.Method+" "+r.Address+" "+r.Outcome)
			}
			return err
		})
		slices.Sort(got)
		slices.Sort(want)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("of %s came in %q, want %q", uid, got, want)
		}
		return err
	})
}

// TestRealAnswers has answers and bounces come back through Postfix: by LMTP, and by the mailbox that
// Dovecot has.
func TestRealAnswers(t *testing.T) {
	t.Parallel()
	d, p := startMail(t)
	w := mailWorld(t, p, func(c *config) {
		c.Mail.Incoming.LMTP = "unix:" + p.socket
		c.Mail.Incoming.IMAP = "imap://" + url.PathEscape(oleg) + "@" + d.imap + "/INBOX"
		c.Mail.Incoming.Password = "demo"
		c.Mail.Incoming.Trust = []string{"mx.example.org"}
	})
	w.takesLMTP()

	// sees waits until the organiser's event says so of an attendee.
	sees := func(organizer, uid, address string, parts ...string) {
		t.Helper()
		c := w.device(organizer, "Thunderbird/153.0")
		w.eventually(func() error {
			line := attendee(c.get("/calendars/"+organizer+"/calendar/"+uid+".ics").body, address)
			for _, part := range parts {
				if !strings.Contains(line, part) {
					return fmt.Errorf("%q does not say %s", line, part)
				}
			}
			return nil
		})
	}
	mailed := 0 // to vera
	invites := func(organizer, uid string, people ...string) (invitation string) {
		t.Helper()
		c := w.device(organizer, "Thunderbird/153.0")
		c.put("/calendars/"+organizer+"/calendar/"+uid+".ics", event(uid, invited(organizer, people...)...))
		mailed++
		return calendarIn(w, d.arrived(t, vera, mailed))
	}

	// A copy of what is for anna (recipient_bcc_maps): the answer counts, and she has the mail too.
	invitation := invites(anna, "bcc", vera)
	p.send(t, vera, anna, reply(w, invitation, vera, anna, "ACCEPTED"))
	sees(anna, "bcc", vera, "PARTSTAT=ACCEPTED")
	w.contains(string(d.arrived(t, anna, 1)), "Subject: ACCEPTED")
	w.wantIncoming("bcc", "REPLY "+vera+" applied")

	// Others answer in vera's name: the server says that it is a lie, whatever the mail says itself, or
	// nothing at all. Neither counts, and both have their normal delivery.
	p.send(t, "mallory@evil.example", anna, reply(w, invitation, vera, anna, "DECLINED",
		"Authentication-Results: mx.example.org; dmarc=pass header.from=partner.example"))
	p.send(t, "mallory@elsewhere.example", anna, reply(w, invitation, vera, anna, "TENTATIVE"))
	d.arrived(t, anna, 3)
	w.wantIncoming("bcc", "REPLY "+vera+" applied", "REPLY "+vera+" forged", "REPLY "+vera+" unvouched")
	sees(anna, "bcc", vera, "PARTSTAT=ACCEPTED")

	// What is no answer is nothing to us.
	p.send(t, vera, anna, "From: vera@partner.example\nTo: anna@example.org\nSubject: Lunch?\n\nAt one?\n")
	w.contains(string(d.arrived(t, anna, 4)), "At one?")

	// All that is for dmitri (virtual_alias_maps), bounces too.
	invitation = invites(dmitri, "alias", vera, nobody)
	p.send(t, vera, dmitri, reply(w, invitation, vera, dmitri, "DECLINED"))
	sees(dmitri, "alias", vera, "PARTSTAT=DECLINED")
	sees(dmitri, "alias", nobody, "SCHEDULE-STATUS=3.7")
	w.wantIncoming("alias", "REPLY "+vera+" applied", "DSN "+nobody+" failed")
	w.eventually(func() error {
		list, _ := d.mails(t, dmitri)
		for _, raw := range list {
			m := decodeMail(raw)
			if strings.Contains(m.person("From"), serviceAddress) && strings.Contains(m.Parts[0].Text, nobody) {
				return nil
			}
		}
		return fmt.Errorf("dmitri is not told in %d mails that %s was not reached", len(list), nobody)
	})

	// Mail in galina's name comes from the service, whose address leads here (transport_maps).
	invites(galina, "service", vera, nobody)
	sees(galina, "service", nobody, "SCHEDULE-STATUS=3.7")
	w.wantIncoming("service", "DSN "+nobody+" failed")

	// Oleg's mailbox is looked at: what is in it counts, and stays as it was.
	invitation = invites(oleg, "mailbox", vera, nobody)
	sees(oleg, "mailbox", nobody, "SCHEDULE-STATUS=3.7")
	p.send(t, vera, oleg, reply(w, invitation, vera, oleg, "TENTATIVE"))
	sees(oleg, "mailbox", vera, "PARTSTAT=TENTATIVE")
	w.wantIncoming("mailbox", "REPLY "+vera+" applied", "DSN "+nobody+" failed")
	w.idle()
	var bounces int
	list, flags := d.mails(t, oleg)
	for i, raw := range list {
		if slices.ContainsFunc(flags[i], func(f imap.Flag) bool { return f != "\\Recent" }) {
			t.Errorf("a mail in the mailbox has the flags %v", flags[i])
		}
		if strings.Contains(string(raw), "multipart/report") {
			bounces++
		}
	}
	if bounces != 1 {
		t.Errorf("%d bounces are in the mailbox, want 1", bounces)
	}
}
