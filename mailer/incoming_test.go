package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/store"
	"joinery/store/outbox"
)

var _ Answers = (*change.Changer)(nil)

// fakeAnswers is a write path that knows who is invited and remembers what it was told.
type fakeAnswers struct {
	mu      sync.Mutex
	invited map[string][]string // addresses by UID
	told    []change.Answer
	asked   []string // for the event, once more
	err     error
	panics  bool
}

func (f *fakeAnswers) OrganizersEvent(tx *store.Tx, uid, organizer, address string) (*store.Event, error) {
	if organizer != "" && organizer != "anna@example.org" || organizer == "" && !slices.Contains(f.invited[uid], address) {
		return nil, store.ErrNotFound
	}
	u, err := tx.UserByAddress("anna@example.org")
	if err != nil {
		return nil, err
	}
	return tx.EventByUID(u.ID, uid)
}

func (f *fakeAnswers) Answer(_ context.Context, a change.Answer) (change.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("on purpose")
	}
	if f.err != nil {
		return "", f.err
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(f.invited)), func(list []string) bool { return slices.Contains(list, a.Address) }) {
		return change.OutcomeUninvited, nil
	}
	for _, earlier := range f.told {
		if fmt.Sprint(earlier) == fmt.Sprint(a) {
			return change.OutcomeSame, nil
		}
	}
	f.told = append(f.told, a)
	if !a.Parts[0].Start.IsZero() {
		return change.OutcomeProposed, nil
	}
	return change.OutcomeApplied, nil
}

func (f *fakeAnswers) Refresh(_ context.Context, _ int64, address string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, address)
	return f.err
}

// inboxEvent is Anna's event as it is stored; only who acts for whom counts here.
const inboxEvent = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Test//EN
BEGIN:VEVENT
UID:planning-1@example.org
DTSTAMP:20261101T080000Z
DTSTART:20301205T090000Z
DTEND:20301205T100000Z
SUMMARY:Planning
ORGANIZER:mailto:anna@example.org
ATTENDEE:mailto:boris@example.com
ATTENDEE;SENT-BY="mailto:pa@example.com":mailto:chief@example.com
END:VEVENT
END:VCALENDAR
`

// An inboxBench is an inbox over a store where Anna has invited people to two events and has sent mails.
type inboxBench struct {
	t        *testing.T
	store    *store.Store
	answers  *fakeAnswers
	inbox    *Inbox
	event    int64
	now      time.Time
	mu       sync.Mutex
	observed []string
}

// inboxNow is when the mails of testdata came in.
var inboxNow = time.Date(2026, 11, 1, 10, 15, 10, 0, time.UTC)

func newInboxBench(t testing.TB, set func(*InboxOptions)) *inboxBench {
	t.Helper()
	b := &inboxBench{now: inboxNow, answers: &fakeAnswers{invited: map[string][]string{
		"planning-1@example.org": {
			"boris@example.com", "vera@gmail.com", "gleb@yandex.ru", "dina@mail.ru", "dina@icloud.com", "olga@contoso.com",
			"vera@outlook.com", "room5@contoso.com", "mikhail@example.org", "chief@example.com",
		},
		"weekly-1@example.org": {"boris@example.com", "vera@gmail.com", "olga@contoso.com"},
	}}}
	b.t, _ = t.(*testing.T)
	s, err := store.Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "joinery.db"), store.Options{Now: func() time.Time { return b.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b.store = s
	err = s.Update(context.Background(), func(tx *store.Tx) error {
		anna := &store.User{Login: "anna", Name: "Anna", Locale: "en", Addresses: []string{"anna@example.org"}}
		mikhail := &store.User{Login: "mikhail", Name: "Mikhail", Locale: "ru", Addresses: []string{"mikhail@example.org", "m.ivanov@example.org"}}
		if err := errors.Join(tx.CreateUser(anna), tx.CreateUser(mikhail)); err != nil {
			return err
		}
		calendar := &store.Calendar{UserID: anna.ID, Slug: "calendar", Name: "Calendar", Components: []string{"VEVENT"}}
		if err := tx.CreateCalendar(calendar); err != nil {
			return err
		}
		for uid := range b.answers.invited {
			data := strings.ReplaceAll(strings.ReplaceAll(inboxEvent, "planning-1@example.org", uid), "\n", "\r\n")
			o := &store.Object{CalendarID: calendar.ID, Name: uid + ".ics", UID: uid, Component: "VEVENT", Data: []byte(data), ETag: uid}
			if err := tx.PutObject(o); err != nil {
				return err
			}
			e := &store.Event{UserID: anna.ID, UID: uid, ObjectID: o.ID, Role: store.RoleOrganizer}
			if err := tx.PutEvent(e); err != nil {
				return err
			}
			if uid == "planning-1@example.org" {
				b.event = e.ID
			}
		}
		for n, address := range map[int]string{
			1: "gone@example.com", 2: "full@example.com", 3: "slow@example.com", 6: "gone@contoso.com", 8: "gone@gmail.com", 9: "boris@example.com",
		} {
			if err := b.sent(tx, n, address); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o := InboxOptions{
		Store: s, Outbox: outbox.New(s, outbox.Options{}), Answers: b.answers, TrustedHosts: []string{"mx.example.org"},
		LookupTXT: func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") },
		Observe: func(outcome string) {
			b.mu.Lock()
			b.observed = append(b.observed, outcome)
			b.mu.Unlock()
		},
	}
	if set != nil {
		set(&o)
	}
	b.inbox = NewInbox(o)
	return b
}

// sentID is the Message-ID of the mail n that was sent.
func sentID(n int) string { return fmt.Sprintf("m%d.5f0c1e9a7b3d4c2e@conference.example.org", n) }

// sent stores a mail that was sent to address.
func (b *inboxBench) sent(tx *store.Tx, n int, address string) error {
	m := &store.Message{EventID: b.event, Address: address, Method: "REQUEST", MessageID: sentID(n), State: store.MessageSent, Body: []byte("x")}
	if err := tx.PutMessage(m); err != nil {
		return err
	}
	d, err := found(tx.Delivery(b.event, address, false))
	if err != nil {
		return err
	}
	if d == nil {
		d = &store.Delivery{EventID: b.event, Address: address}
	}
	d.MessageID, d.Status, d.View = m.MessageID, "1.1", []byte("view")
	return tx.PutDelivery(d)
}

func (b *inboxBench) update(f func(tx *store.Tx) error) {
	b.t.Helper()
	if err := b.store.Update(context.Background(), f); err != nil {
		b.t.Fatal(err)
	}
}

// rows are the mails that came in about a UID.
func (b *inboxBench) rows(uid string) (rows []store.Incoming) {
	b.t.Helper()
	b.update(func(tx *store.Tx) (err error) {
		rows, err = tx.IncomingOf(uid, 100)
		return err
	})
	return rows
}

// take takes a mail and says what came of it: method, address, what was told to the write path, outcome.
func (b *inboxBench) take(mail []byte) string {
	b.t.Helper()
	b.answers.told, b.observed = nil, nil
	handled, err := b.inbox.Take(context.Background(), bytes.NewReader(mail), "")
	if err != nil {
		b.t.Fatal(err)
	}
	if handled != (b.observed[0] != OutcomeIgnored) {
		b.t.Errorf("handled %v, observed %q", handled, b.observed)
	}
	if !handled {
		return OutcomeIgnored
	}
	var rows []store.Incoming
	for _, uid := range []string{"planning-1@example.org", "weekly-1@example.org", ""} {
		rows = append(rows, b.rows(uid)...)
	}
	if len(rows) == 0 {
		b.t.Fatal("handled, and nothing is recorded")
	}
	last := slices.MaxFunc(rows, func(a, b store.Incoming) int { return int(a.ID - b.ID) })
	out := last.Method + " " + last.Address
	for _, a := range b.answers.told {
		if a.EventID == 0 || a.Address != last.Address || a.Source != change.FromMail {
			b.t.Errorf("told %+v", a)
		}
		for _, p := range a.Parts {
			out += " " + p.PartStat
			if !p.Occurrence.IsZero() {
				out += p.Occurrence.UTC().Format("@02.01.15:04")
			}
			if !p.Start.IsZero() {
				out += p.Start.UTC().Format(" 02.01.15:04") + p.End.UTC().Format("-15:04")
			}
			for _, d := range p.DelegatedTo {
				out += ">" + d.Address
			}
		}
		if a.Comment != "" {
			out += fmt.Sprintf(" %q", strings.TrimSpace(a.Comment))
		}
	}
	return out + ": " + last.Outcome
}

// incomingOutcomes is what becomes of each mail of testdata/incoming.
var incomingOutcomes = map[string]string{
	"thunderbird-accept":                  `REPLY boris@example.com ACCEPTED: applied`,
	"thunderbird-tentative-cyrillic":      `REPLY boris@example.com TENTATIVE: applied`,
	"thunderbird-decline-occurrence":      `REPLY boris@example.com DECLINED@09.12.09:00: applied`,
	"thunderbird-delegated":               `REPLY boris@example.com DELEGATED>zoe@example.com: applied`,
	"thunderbird-pgp-signed":              `REPLY boris@example.com ACCEPTED: applied`,
	"exchange-accept":                     `REPLY olga@contoso.com ACCEPTED: applied`,
	"outlook-com-no-organizer":            `REPLY vera@outlook.com ACCEPTED: applied`,
	"exchange-comment":                    `REPLY olga@contoso.com DECLINED "Буду в отпуске.": applied`,
	"exchange-winmail":                    `REPLY olga@contoso.com ACCEPTED: applied`,
	"exchange-windows-1251":               `REPLY olga@contoso.com ACCEPTED "Приду": applied`,
	"exchange-utf-16":                     `REPLY olga@contoso.com ACCEPTED "Приду": applied`,
	"exchange-utf-16-undeclared":          `REPLY olga@contoso.com DECLINED "Нет": applied`,
	"exchange-koi8-r-unnamed":             `REPLY olga@contoso.com ACCEPTED "Приду": applied`,
	"exchange-iso-8859-5":                 `REPLY olga@contoso.com ACCEPTED "Приду": applied`,
	"exchange-room":                       `REPLY room5@contoso.com ACCEPTED: applied`,
	"exchange-large-unrelated-attachment": `REPLY olga@contoso.com ACCEPTED: applied`,
	"outlook-counter":                     `COUNTER olga@contoso.com TENTATIVE 05.12.10:00-11:00 "An hour later?": proposed`,
	"outlook-single-part":                 `REPLY olga@contoso.com TENTATIVE: applied`,
	"outlook-class-headers-occurrence":    `REPLY olga@contoso.com DECLINED@09.12.09:00: applied`,
	"outlook-on-behalf":                   `REPLY olga@contoso.com ACCEPTED: applied`,
	"gmail-accept":                        `REPLY vera@gmail.com ACCEPTED: applied`,
	"gmail-decline-note":                  `REPLY vera@gmail.com DECLINED "Sorry, at the dentist.": applied`,
	"gmail-maybe-occurrence":              `REPLY vera@gmail.com TENTATIVE@09.12.09:00: applied`,
	"gmail-counter":                       `COUNTER vera@gmail.com TENTATIVE 06.12.09:00-10:00 "Friday?": proposed`,
	"apple-mail-accept":                   `REPLY dina@icloud.com ACCEPTED: applied`,
	"icloud-decline-urn":                  `REPLY dina@icloud.com DECLINED: applied`,
	"yandex-accept":                       `REPLY gleb@yandex.ru ACCEPTED: applied`,
	"mailru-tentative":                    `REPLY dina@mail.ru TENTATIVE: applied`,
	"evolution-accept":                    `REPLY boris@example.com ACCEPTED: applied`,
	"korganizer-accept":                   `REPLY boris@example.com ACCEPTED: applied`,
	"zimbra-decline":                      `REPLY boris@example.com DECLINED: applied`,
	"sogo-accept":                         `REPLY boris@example.com ACCEPTED: applied`,
	"nextcloud-accept":                    `REPLY boris@example.com ACCEPTED: applied`,
	"fastmail-decline":                    `REPLY boris@example.com DECLINED: applied`,
	"notes-accept":                        `REPLY boris@example.com ACCEPTED: applied`,
	"bitrix-file-only":                    `REPLY boris@example.com ACCEPTED: applied`,
	"list-footer":                         `REPLY boris@example.com ACCEPTED: applied`,
	"refresh":                             `REFRESH boris@example.com: refreshed`,
	"refresh-automatic":                   `REFRESH boris@example.com: automatic`,
	"reply-for-alias":                     `REPLY mikhail@example.org ACCEPTED: applied`,
	"reply-names-other-own-address":       `REPLY mikhail@example.org DECLINED: applied`,
	"reply-two-attendees":                 `REPLY boris@example.com ACCEPTED: applied`,
	"sent-by-in-event":                    `REPLY chief@example.com ACCEPTED: applied`,
	"sent-by-only-in-reply":               `REPLY boris@example.com: mismatch`,
	"boundary-missing":                    `REPLY boris@example.com ACCEPTED: applied`,
	"reply-two-attendees-alias":           `REPLY mikhail@example.org ACCEPTED: applied`,

	"method-parameter-wrong":    `REPLY boris@example.com ACCEPTED: applied`,
	"method-parameter-only":     `REPLY boris@example.com: unreadable`,
	"forwarded-as-attachment":   `ignored`,
	"forwarded-inline":          `REPLY boris@example.com: mismatch`,
	"invitation":                `ignored`,
	"published-file":            `ignored`,
	"out-of-office":             `ignored`,
	"plain-mail":                `ignored`,
	"read-receipt":              `ignored`,
	"unknown-event":             `ignored`,
	"broken-answer-of-others":   `ignored`,
	"reply-needs-action":        `REPLY boris@example.com: unreadable`,
	"uninvited":                 `REPLY zoe@example.com: uninvited`,
	"from-several":              `REPLY boris@example.com: mismatch`,
	"from-group":                `REPLY boris@example.com: mismatch`,
	"from-twice":                `REPLY boris@example.com: mismatch`,
	"calendar-broken":           `REPLY boris@example.com: unreadable`,
	"calendar-without-attendee": `REPLY boris@example.com: unreadable`,
	"calendar-base64-cut":       `REPLY boris@example.com: unreadable`,

	"forged-dmarc-fail":                  `REPLY boris@example.com: forged`,
	"forged-own-results":                 `REPLY boris@example.com: unvouched`,
	"forged-results-adjoining":           `REPLY boris@example.com: forged`,
	"forged-other-server":                `REPLY boris@example.com: unvouched`,
	"forged-in-comment":                  `REPLY boris@example.com: unvouched`,
	"forged-in-quotes":                   `REPLY boris@example.com: unvouched`,
	"forged-dkim-of-another":             `REPLY boris@example.com: unvouched`,
	"forged-dkim-of-lookalike":           `REPLY boris@example.com: unvouched`,
	"forged-dkim-fail":                   `REPLY boris@example.com: forged`,
	"forged-spf-fail":                    `REPLY boris@example.com: forged`,
	"forged-login-of-another":            `REPLY boris@example.com: unvouched`,
	"forged-display-name":                `REPLY boris@example.com: mismatch`,
	"no-results":                         `REPLY boris@example.com: unvouched`,
	"results-by-exchange-online-unnamed": `REPLY boris@example.com: unvouched`,
	"vouched-dkim-only":                  `REPLY boris@example.com DECLINED: applied`,
	"vouched-spf-only":                   `REPLY boris@example.com DECLINED: applied`,
	"vouched-by-amavis-below":            `REPLY boris@example.com DECLINED: applied`,

	"bounce-postfix":          `DSN gone@example.com: failed`,
	"bounce-postfix-full":     `DSN full@example.com: failed`,
	"bounce-exim":             `DSN gone@example.com: failed`,
	"bounce-exim-old":         `DSN gone@example.com: failed`,
	"bounce-exchange":         `DSN gone@contoso.com: failed`,
	"bounce-sendmail":         `DSN gone@example.com: failed`,
	"bounce-gmail":            `DSN gone@gmail.com: failed`,
	"bounce-nothing-returned": `DSN gone@example.com: failed`,
	"delay-postfix":           `DSN slow@example.com: delayed`,
	"report-delivered":        `DSN boris@example.com: relayed`,
	"bounce-of-forwarder":     `DSN boris@example.com: mismatch`,
	"bounce-of-others":        `ignored`,
}

// incomingMails are the mails of testdata/incoming by name.
func incomingMails(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/incoming/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".eml")] = data
	}
	return out
}

// TestIncomingMails takes the mails of testdata/incoming, as clients and mail servers write them, each with
// CRLF and with LF, and each twice.
func TestIncomingMails(t *testing.T) {
	mails := incomingMails(t)
	b := newInboxBench(t, nil)
	for _, name := range slices.Sorted(maps.Keys(mails)) {
		t.Run(name, func(t *testing.T) {
			want, ok := incomingOutcomes[name]
			if !ok {
				t.Fatal("nobody says what is to become of it")
			}
			b.now = b.now.Add(time.Hour)
			switch name { // further mails to an address that has one
			case "bounce-exim":
				b.update(func(tx *store.Tx) error { return b.sent(tx, 4, "gone@example.com") })
			case "bounce-exim-old":
				b.update(func(tx *store.Tx) error { return b.sent(tx, 5, "gone@example.com") })
			case "bounce-sendmail":
				b.update(func(tx *store.Tx) error { return b.sent(tx, 7, "gone@example.com") })
			case "bounce-nothing-returned":
				b.update(func(tx *store.Tx) error { return b.sent(tx, 10, "gone@example.com") })
			}
			if got := b.take(mails[name]); got != want {
				t.Errorf("got  %s\nwant %s\n%+v", got, want, b.rows("planning-1@example.org"))
			}
			count := len(b.rows("planning-1@example.org")) + len(b.rows("weekly-1@example.org")) + len(b.rows(""))
			told := len(b.answers.asked)
			b.take(mails[name])
			b.take(bytes.ReplaceAll(mails[name], []byte("\r\n"), []byte("\n")))
			again := len(b.rows("planning-1@example.org")) + len(b.rows("weekly-1@example.org")) + len(b.rows(""))
			if again != count || len(b.answers.asked) != told {
				t.Errorf("taken again: %d rows for %d, %d refreshes for %d", again, count, len(b.answers.asked), told)
			}
		})
	}
	for name := range incomingOutcomes {
		if mails[name] == nil {
			t.Errorf("there is no mail %s", name)
		}
	}
}

// TestTakenAgain holds that a mail whose answer was taken is not asked of the write path again: the organiser
// may have written something else since, or have asked anew.
func TestTakenAgain(t *testing.T) {
	b := newInboxBench(t, func(o *InboxOptions) { o.Unverified = true })
	const applied = "REPLY boris@example.com ACCEPTED: applied"
	if got := b.take([]byte(plainAnswer)); got != applied {
		t.Fatalf("got %s", got)
	}
	b.answers.told = nil
	b.take([]byte(plainAnswer))
	if len(b.answers.told) > 0 || b.observed[len(b.observed)-1] != string(change.OutcomeSame) {
		t.Errorf("taken again: told %+v, outcomes %v", b.answers.told, b.observed)
	}
	if rows := b.rows("planning-1@example.org"); len(rows) != 1 {
		t.Errorf("there are %d rows: %+v", len(rows), rows)
	}
	if got := b.take([]byte(strings.Replace(plainAnswer, "signed-1@", "signed-2@", 1))); got != applied {
		t.Errorf("another mail: %s", got)
	}
}
