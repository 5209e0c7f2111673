package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"joinery/caldav/change"
	"joinery/store"
	"joinery/store/outbox"
)

// A fakeCalendar is the write path's part in these tests: one event, whatever its row says.
type fakeCalendar struct {
	t  testing.TB
	mu sync.Mutex
	// change sets what is present; called with the mutex held.
	body   string
	change func(p *change.Present)
	marks  []string
	edits  int // calls of MarkDelivered
}

func (f *fakeCalendar) Present(tx *store.Tx, id int64) (*change.Present, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, err := tx.EventByID(id)
	if err != nil {
		return nil, err
	}
	user, err := tx.UserByID(row.UserID)
	if err != nil {
		return nil, err
	}
	p := &change.Present{Row: row, User: user, Object: &store.Object{}, Event: testParse(f.t, f.body), Link: change.LinkNone, Zone: time.UTC}
	if f.change != nil {
		f.change(p)
	}
	return p, nil
}

func (f *fakeCalendar) MarkDelivered(_ *store.Tx, _ int64, statuses map[string]string, reply bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.edits++
	lines := strings.SplitAfter(f.body, "\n")
	for i, line := range lines {
		for address, status := range statuses {
			if strings.HasPrefix(line, "ORGANIZER") != reply || !strings.HasSuffix(line, "mailto:"+address+"\n") {
				continue
			}
			mark := address + " " + status
			if reply {
				mark = "reply " + mark
			}
			f.marks = append(f.marks, mark)
			head, _, _ := strings.Cut(strings.TrimSuffix(line, ":mailto:"+address+"\n"), ";SCHEDULE-STATUS=")
			lines[i] = head + ";SCHEDULE-STATUS=" + status + ":mailto:" + address + "\n"
		}
	}
	f.body = strings.Join(lines, "")
	return nil
}

// A bench is a sender at work on a real store, with a real relay.
type bench struct {
	t        testing.TB
	store    *store.Store
	runner   *outbox.Runner
	calendar *fakeCalendar
	event    int64
}

// newBench runs a sender to relay for an event of Anna's with body.
func newBench(t testing.TB, relay, body string, set func(*Options)) *bench {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "joinery.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	quick := func(int) time.Duration { return 20 * time.Millisecond }
	b := &bench{t: t, store: s, runner: outbox.New(s, outbox.Options{Backoff: quick}), calendar: &fakeCalendar{t: t, body: body}}
	o := Options{
		Store: s, Outbox: b.runner, Changer: b.calendar, Relay: relay, Domains: []string{"example.org"}, Backoff: quick,
		Policy: change.Policy{ServiceDomain: "conference.example.org", MailWait: 300 * time.Millisecond},
	}
	if set != nil {
		set(&o)
	}
	sender, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range sender.Queues() {
		b.runner.Add(q)
	}
	b.update(func(tx *store.Tx) error {
		u := &store.User{Login: "anna", Name: "Anna", Locale: "en", Zone: "Europe/Berlin", Addresses: []string{"anna@example.org"}}
		if err := tx.CreateUser(u); err != nil {
			return err
		}
		ev := &store.Event{UserID: u.ID, UID: "u1", Role: store.RoleOrganizer, Saved: tx.Now()}
		if err := tx.PutEvent(ev); err != nil {
			return err
		}
		b.event = ev.ID
		return b.runner.Touch(tx, change.WorkMail, ev.ID, tx.Now())
	})
	done := make(chan error, 1)
	go func() { done <- b.runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) update(f func(tx *store.Tx) error) {
	b.t.Helper()
	if err := b.store.Update(context.Background(), f); err != nil {
		b.t.Fatal(err)
	}
}

// save puts another body in the event's place and has it looked at.
func (b *bench) save(body string, present func(p *change.Present)) {
	b.t.Helper()
	b.calendar.mu.Lock()
	b.calendar.body, b.calendar.change = body, present
	b.calendar.mu.Unlock()
	b.update(func(tx *store.Tx) error { return b.runner.Touch(tx, change.WorkMail, b.event, tx.Now()) })
}

// rest waits until nothing is left to do now.
func (b *bench) rest() {
	b.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		work := 0
		err := b.store.View(context.Background(), func(tx *store.Tx) error {
			counts, err := tx.CountWork()
			for _, c := range counts {
				work += c.Waiting
			}
			return err
		})
		if err != nil {
			b.t.Fatal(err)
		}
		if work == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.t.Fatal("the work does not end")
}

func (b *bench) messages() (out []store.Message) {
	b.t.Helper()
	err := b.store.View(context.Background(), func(tx *store.Tx) (err error) {
		out, err = tx.Messages(b.event)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) delivery(address string) *store.Delivery {
	b.t.Helper()
	var d *store.Delivery
	err := b.store.View(context.Background(), func(tx *store.Tx) (err error) {
		d, err = tx.Delivery(b.event, address, false)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

// subjects are recipients and decoded subjects, sorted.
func subjects(t *testing.T, mails []received) []string {
	t.Helper()
	out := inOrder(t, mails)
	slices.Sort(out)
	return out
}

// inOrder are recipients and decoded subjects in the order of arrival.
func inOrder(t *testing.T, mails []received) (out []string) {
	t.Helper()
	for _, m := range mails {
		msg, err := mail.ReadMessage(bytes.NewReader(m.body))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m.to+" "+subject)
	}
	return out
}

func wantSubjects(t *testing.T, r *testRelay, want ...string) {
	t.Helper()
	if got := subjects(t, r.got()); !slices.Equal(got, want) {
		t.Errorf("mails:\ngot  %q\nwant %q", got, want)
	}
}

// wantMails compares recipients and subjects in the order of arrival.
func wantMails(t *testing.T, r *testRelay, want ...string) {
	t.Helper()
	got := inOrder(t, r.got())
	if !slices.Equal(got, want) {
		t.Errorf("mails:\ngot  %q\nwant %q", got, want)
	}
}

func TestInviteChangeCancel(t *testing.T) {
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, plainEvent, nil)
	b.rest()
	wantSubjects(t, r, "boris@example.org Invitation: Planning")
	first := b.delivery("boris@example.org")
	if first.Status != "1.1" || first.Sequence != 0 {
		t.Errorf("the delivery is %+v", first)
	}
	b.save(strings.NewReplacer("T100000Z", "T120000Z", "T110000Z", "T130000Z").Replace(plainEvent), nil)
	b.rest()
	gone := time.Now()
	cancelled := func(p *change.Present) { p.Gone, p.GoneSince, p.Object = true, gone, nil }
	b.save(plainEvent, cancelled)
	b.rest()
	wantSubjects(t, r, "boris@example.org Cancelled: Planning", "boris@example.org Changed: Planning", "boris@example.org Invitation: Planning")
	mails := r.got()
	ids := map[string]bool{}
	previous := ""
	for _, m := range mails {
		msg, err := mail.ReadMessage(bytes.NewReader(m.body))
		if err != nil {
			t.Fatal(err)
		}
		if got := msg.Header.Get("In-Reply-To"); got != previous {
			t.Errorf("In-Reply-To is %s, want %s", got, previous)
		}
		previous = msg.Header.Get("Message-Id")
		if ids[previous] {
			t.Errorf("%s is used twice", previous)
		}
		ids[previous] = true
		if m.from != "anna@example.org" {
			t.Errorf("the envelope is from %s", m.from)
		}
	}
	if d := b.delivery("boris@example.org"); d.View != nil || d.Sequence != 2 {
		t.Errorf("after the cancellation: %+v", d)
	}
	b.update(func(tx *store.Tx) error {
		ev, err := tx.EventByID(b.event)
		if err == nil && ev.Sequence != 2 {
			t.Errorf("the event's SEQUENCE is %d, want 2", ev.Sequence)
		}
		return err
	})
	// Looking again owes nothing.
	b.save(plainEvent, cancelled)
	b.rest()
	if n := len(r.got()); n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
}

func TestRefusedRecipientStopsNobody(t *testing.T) {
	r := startRelay(t, func(r *testRelay) {
		r.onRcpt = func(to string) error {
			switch to {
			case "boris@example.org":
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
			case "carl@example.org":
				return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "policy"}
			}
			return nil
		}
	})
	b := newBench(t, "smtp://"+r.addr, with(plainEvent, veraLine+"ATTENDEE:mailto:carl@example.org\n"), nil)
	b.rest()
	wantSubjects(t, r, "anna@example.org Not delivered: Planning", "vera@example.com Invitation: Planning")
	b.calendar.mu.Lock()
	marks := slices.Sorted(slices.Values(b.calendar.marks))
	b.calendar.mu.Unlock()
	if want := []string{"boris@example.org 3.7", "carl@example.org 5.3", "vera@example.com 1.1"}; !slices.Equal(marks, want) {
		t.Errorf("SCHEDULE-STATUS: got %q, want %q", marks, want)
	}
	for _, m := range b.messages() {
		if want := map[bool]store.MessageState{true: store.MessageSent, false: store.MessageFailed}[m.Address == "vera@example.com" || m.Method == methodNote]; m.State != want {
			t.Errorf("%s is %s (%s), want %s", m.Address, m.State, m.LastError, want)
		}
	}
}

func TestRelayAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	b := newBench(t, "smtp://"+addr, plainEvent, nil)
	deadline := time.Now().Add(time.Minute)
	for {
		if m := b.messages(); len(m) == 1 && m[0].Attempts > 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not tried again: %+v", b.messages())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if m := b.messages()[0]; m.LastError == "" || !strings.Contains(m.LastError, "connect") {
		t.Errorf("the last error is %q", m.LastError)
	}
	// Changes meanwhile wait for what went before.
	b.save(strings.Replace(plainEvent, "Planning", "Review", 1), nil)
	r := &testRelay{}
	r.server = smtp.NewServer(r)
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	r.serve(t, l)
	b.rest()
	got := r.got()
	if len(got) != 2 {
		t.Fatalf("%d mails, want 2", len(got))
	}
	if s := subjects(t, got[:1])[0] + ", " + subjects(t, got[1:])[0]; s != "boris@example.org Invitation: Planning, boris@example.org Changed: Review" {
		t.Errorf("the order is %s", s)
	}
}

func TestDisconnectAfterDataRepeatsTheSameBytes(t *testing.T) {
	left := 2
	r := startRelay(t, func(r *testRelay) {
		r.onData = func(_ string, c *smtp.Conn) error {
			if left--; left >= 0 {
				c.Conn().Close()
				return errTaken
			}
			return nil
		}
	})
	b := newBench(t, "smtp://"+r.addr, plainEvent, nil)
	b.rest()
	got := r.got()
	if len(got) != 3 {
		t.Fatalf("%d mails, want 3", len(got))
	}
	for _, m := range got[1:] {
		if !bytes.Equal(m.body, got[0].body) {
			t.Error("a repetition differs")
		}
	}
	if m := b.messages()[0]; m.State != store.MessageSent || m.Attempts != 3 {
		t.Errorf("the message is %s after %d attempts", m.State, m.Attempts)
	}
}

func TestDeferred(t *testing.T) {
	n := 0
	r := startRelay(t, func(r *testRelay) {
		r.onRcpt = func(string) error {
			if n++; n < 3 {
				return &smtp.SMTPError{Code: 450, Message: "later"}
			}
			return nil
		}
	})
	b := newBench(t, "smtp://"+r.addr, plainEvent, nil)
	b.rest()
	wantSubjects(t, r, "boris@example.org Invitation: Planning")
}

func TestGivesUp(t *testing.T) {
	b := newBench(t, "smtp://127.0.0.1:1", plainEvent, func(o *Options) { o.GiveUp = 50 * time.Millisecond })
	b.rest()
	if m := b.messages()[0]; m.State != store.MessageFailed {
		t.Errorf("the message is %s", m.State)
	}
	if d := b.delivery("boris@example.org"); d.Status != "5.1" {
		t.Errorf("SCHEDULE-STATUS is %s, want 5.1", d.Status)
	}
}

func TestLinkThatFollows(t *testing.T) {
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, plainEvent, nil)
	b.rest()
	r.mu.Lock()
	r.mails = nil
	r.mu.Unlock()
	since := time.Now()
	renamed := strings.Replace(plainEvent, "SUMMARY:Planning", "SUMMARY:Review", 1)
	b.save(with(renamed, veraLine), func(p *change.Present) { p.Link, p.Since = change.LinkPending, since })
	time.Sleep(100 * time.Millisecond)
	if n := len(r.got()); n != 0 {
		t.Errorf("%d mails while the link is being made", n)
	}
	b.rest()
	if took := time.Since(since); took < 300*time.Millisecond {
		t.Errorf("they went out after %v, want 300ms", took)
	}
	wantSubjects(t, r, "boris@example.org Changed: Review", "vera@example.com Invitation: Review")
	for _, m := range r.got() {
		if !bytes.Contains(m.body, []byte("will follow in a separate message")) {
			t.Errorf("the mail to %s does not say that the link will follow", m.to)
		}
	}
	b.save(with(renamed, veraLine+"CONFERENCE;VALUE=URI;LABEL=MTS Link:"+testLink+"\n"), func(p *change.Present) {
		p.Link, p.JoinURL, p.Service = change.LinkReady, testLink, "MTS Link"
	})
	b.rest()
	wantSubjects(t, r, "boris@example.org Changed: Review", "boris@example.org Changed: Review",
		"vera@example.com Changed: Review", "vera@example.com Invitation: Review")
}

func TestNoteOnceAPerProblem(t *testing.T) {
	r := startRelay(t, nil)
	refused := func(reason string) func(p *change.Present) {
		return func(p *change.Present) { p.Link, p.Problem, p.Service = change.LinkRefused, reason, "MTS Link" }
	}
	b := newBench(t, "smtp://"+r.addr, strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), nil)
	b.rest()
	for _, reason := range []string{"owner", "owner", "title"} {
		b.save(b.calendar.body, refused(reason))
		b.rest()
	}
	wantSubjects(t, r, "anna@example.org No conference: Planning", "anna@example.org No conference: Planning")
	b.calendar.mu.Lock()
	defer b.calendar.mu.Unlock()
	if len(b.calendar.marks) != 0 {
		t.Errorf("a notice is no delivery: %q", b.calendar.marks)
	}
}

func TestReplyToOrganizer(t *testing.T) {
	r := startRelay(t, nil)
	body := strings.NewReplacer("anna@example.org", "olga@example.net", "boris@example.org", "anna@example.org", "CN=Boris", "CN=Boris;PARTSTAT=ACCEPTED").Replace(plainEvent)
	attendee := func(p *change.Present) { p.Row.Role = store.RoleAttendee }
	b := newBench(t, "smtp://"+r.addr, strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), nil)
	b.rest()
	b.save(body, attendee)
	b.rest()
	b.save(body, attendee)
	b.rest()
	gone := time.Now()
	b.save(body, func(p *change.Present) {
		attendee(p)
		p.Gone, p.GoneSince, p.Object, p.Row.Deleted = true, gone, nil, gone
	})
	b.rest()
	wantSubjects(t, r, "olga@example.net Accepted: Planning", "olga@example.net Declined: Planning")
	b.calendar.mu.Lock()
	defer b.calendar.mu.Unlock()
	if want := []string{"reply olga@example.net 1.1", "reply olga@example.net 1.1"}; !slices.Equal(b.calendar.marks, want) {
		t.Errorf("got marks %q, want %q", b.calendar.marks, want)
	}
}

func TestManyRecipientsGetOneEach(t *testing.T) {
	r := startRelay(t, nil)
	body := plainEvent
	for i := range 70 {
		body = with(body, fmt.Sprintf("ATTENDEE:mailto:p%02d@example.com\n", i))
	}
	b := newBench(t, "smtp://"+r.addr, body, nil)
	b.rest()
	seen := map[string]int{}
	for _, m := range r.got() {
		seen[m.to]++
	}
	if len(seen) != 71 {
		t.Errorf("%d recipients, want 71", len(seen))
	}
	for to, n := range seen {
		if n != 1 {
			t.Errorf("%s got %d mails", to, n)
		}
	}
}

// pause lets the sender work.
func (b *bench) pause() { time.Sleep(5 * time.Millisecond) }

// trouble is the error of the last look.
func (b *bench) trouble() (text string) {
	b.t.Helper()
	err := b.store.View(context.Background(), func(tx *store.Tx) error {
		w, err := tx.WorkOf(change.WorkMail, b.event)
		if err == nil {
			text = w.Error
		} else if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}
