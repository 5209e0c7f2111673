package mailer

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/itip"
	"joinery/store"
)

func TestOwedBesidesChanges(t *testing.T) {
	renamed := strings.Replace(plainEvent, "Planning", "Review", 1)
	weekly := with(plainEvent, "RRULE:FREQ=WEEKLY\n")
	accepted := strings.Replace(plainEvent, "ATTENDEE;CN=Boris", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Boris", 1)
	boris := func(kind store.UserKind) func(*look) {
		return func(k *look) {
			k.present.Locals = map[string]*store.User{"boris@example.org": {Kind: kind}}
		}
	}
	forced := func(k *look) { k.deliveries[0].Forced = true }
	failed := func(k *look) { k.deliveries[0].Status = "5.1" }
	said := func(a store.Answer) func(*look) {
		return func(k *look) {
			a.Address, a.Updated = "boris@example.org", testNow
			k.answers = append(k.answers, a)
		}
	}
	waiting := said(store.Answer{PartStat: "ACCEPTED", Waiting: testNow})
	message := func(method string, at time.Time) func(*look) {
		return func(k *look) {
			k.messages = append(k.messages, store.Message{Address: "boris@example.org", Method: method, State: store.MessageSent, Created: at})
		}
	}
	underWay := func(address string) func(*look) {
		return func(k *look) {
			k.messages = append(k.messages, store.Message{Address: address, Method: methodNote, State: store.MessageStored})
		}
	}
	tests := []struct {
		name  string
		known string // the body that Boris was told, empty: nothing
		body  string
		set   []func(*look)
		after time.Duration
		want  string
		next  time.Duration
	}{
		{name: "local users are not mailed", body: plainEvent, set: []func(*look){boris("")}, want: "remember boris"},
		{name: "local users are mailed", body: plainEvent, set: []func(*look){boris(""), func(k *look) { k.policy.MailLocals = true }}, want: "REQUEST to boris, 0"},
		{name: "rooms are never mailed", body: plainEvent, set: []func(*look){boris(store.UserRoom), func(k *look) { k.policy.MailLocals = true }}, want: "remember boris"},
		{name: "a change for a local user", known: plainEvent, body: renamed, set: []func(*look){boris("")}, after: time.Minute, want: "remember boris"},
		{name: "old things are not mailed later", known: plainEvent, body: plainEvent, set: []func(*look){boris(""), func(k *look) {
			k.policy.MailLocals = true
			k.deliveries[0].MessageID = ""
		}}, after: time.Minute},
		{name: "who knew it from a calendar here that is no more", known: plainEvent, body: strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), set: []func(*look){func(k *look) { k.deliveries[0].MessageID = "" }}, after: time.Minute, want: "CANCEL to boris, 1"},
		{name: "a room that is no more", known: strings.Replace(plainEvent, "CN=Boris", "CN=Boris;CUTYPE=ROOM", 1), body: strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), set: []func(*look){func(k *look) { k.deliveries[0].MessageID = "" }}, after: time.Minute, want: "remember boris"},

		{name: "forced", known: plainEvent, body: plainEvent, set: []func(*look){forced}, want: "REQUEST to boris, 0"},
		{name: "forced with a change settles", known: plainEvent, body: renamed, set: []func(*look){forced}, next: 20 * time.Second},
		{name: "forced with a change", known: plainEvent, body: renamed, set: []func(*look){forced}, after: time.Minute, want: "REQUEST to boris, 0"},
		{name: "forced before anything was told", known: plainEvent, body: plainEvent, set: []func(*look){forced, func(k *look) { k.deliveries[0].View, k.deliveries[0].MessageID = nil, "" }}, want: "REQUEST to boris, 0"},
		{name: "forced and an instance off", known: weekly, body: with(weekly, "EXDATE:20261212T100000Z\n"), set: []func(*look){forced}, after: time.Minute, want: "CANCEL to boris, 1"},
		{name: "forced but removed", known: plainEvent, body: strings.Replace(plainEvent, "boris@", "carl@", 1), set: []func(*look){forced}, after: time.Minute, want: "REQUEST to carl, 0; CANCEL to boris, 1"},
		{name: "forced when it has ended", known: plainEvent, body: plainEvent, set: []func(*look){forced, func(k *look) { k.present.Ended = true }}, want: "remember boris"},
		{name: "forced for a local user", known: plainEvent, body: plainEvent, set: []func(*look){forced, boris("")}, want: "remember boris"},

		{name: "a comment settles", known: plainEvent, body: plainEvent, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Comment: "yes"})}, next: 20 * time.Second},
		{name: "comments", known: plainEvent, body: plainEvent, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Comment: "yes"}), said(store.Answer{PartStat: "DECLINED", RecurrenceID: "20261212T100000Z", Comment: "no"})}, after: 20 * time.Second, want: "NOTE bACCEPTEDbDECLINED to anna"},
		{name: "told already", known: plainEvent, body: plainEvent, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Comment: "yes", Told: true})}, after: time.Minute},
		{name: "comments while a notice is under way", known: plainEvent, body: plainEvent, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Comment: "yes"}), underWay("anna@example.org")}, after: time.Minute},
		{name: "comments on what is cancelled", known: plainEvent, body: plainEvent, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Comment: "yes"}), func(k *look) { k.present.Ended = true }}, after: time.Minute},
		{name: "a removed organiser", known: plainEvent, body: plainEvent, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Comment: "yes"}), func(k *look) { k.present.User.Removed = true }}, after: time.Minute},

		{name: "not delivered", known: plainEvent, body: plainEvent, set: []func(*look){failed}, want: "NOTE b5.1 to anna"},
		{name: "not delivered, said", known: plainEvent, body: plainEvent, set: []func(*look){failed, func(k *look) { k.deliveries[0].Reported = "5.1" }}},
		{name: "not delivered for another reason", known: plainEvent, body: plainEvent, set: []func(*look){failed, func(k *look) { k.deliveries[0].Reported = "3.7" }}, want: "NOTE b5.1 to anna"},
		{name: "not delivered, but in the calendar", known: plainEvent, body: plainEvent, set: []func(*look){failed, boris("")}},
		{name: "not delivered, and to be told anew", known: plainEvent, body: renamed, set: []func(*look){failed}, after: time.Minute, want: "REQUEST to boris, 0"},
		{name: "the cancellation was not delivered", known: plainEvent, body: plainEvent, set: []func(*look){failed, func(k *look) {
			k.present.Gone, k.present.GoneSince = true, testNow
			k.deliveries[0].View = nil
		}}, after: time.Hour},

		{name: "waits for a place", known: plainEvent, body: plainEvent, set: []func(*look){waiting, func(k *look) { k.answers[0].Told = true }}, want: "NOTE WAITING to boris"},
		{name: "knows that it waits", known: plainEvent, body: plainEvent, set: []func(*look){waiting, func(k *look) { k.answers[0].Told = true }, message(methodWaiting, testNow.Add(time.Second))}},
		{name: "waits again", known: plainEvent, body: plainEvent, set: []func(*look){waiting, func(k *look) { k.answers[0].Told = true }, message(methodWaiting, testNow.Add(-time.Hour))}, want: "NOTE WAITING to boris"},
		{name: "has a place", known: plainEvent, body: accepted, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Told: true}), message(methodWaiting, testNow)}, want: "NOTE PLACE to boris"},
		{name: "knows of the place", known: plainEvent, body: accepted, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Told: true}), message(methodWaiting, testNow), message(methodPlace, testNow)}},
		{name: "had a place at once", known: plainEvent, body: accepted, set: []func(*look){said(store.Answer{PartStat: "ACCEPTED", Told: true})}},
		{name: "does not wait any more", known: plainEvent, body: plainEvent, set: []func(*look){said(store.Answer{PartStat: "DECLINED", Told: true}), message(methodWaiting, testNow)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := look{present: organised(t, tt.body), policy: policy, now: testNow.Add(tt.after)}
			if tt.known != "" {
				k.deliveries = []store.Delivery{told(t, tt.known)}
			}
			for _, set := range tt.set {
				set(&k)
			}
			list := wantDecided(t, &k, tt.want, tt.next)
			for _, o := range list {
				if force := o.Delivery != nil && o.Delivery.Forced; o.Unforce != (force && tt.name != "forced and an instance off") {
					t.Errorf("%s: told once more is done: %v", o.Address, o.Unforce)
				}
			}
		})
	}
}

// What is sent once more is the whole event, and its letter says that nothing is new.
func TestForcedIsTheWholeEvent(t *testing.T) {
	body := with(plainEvent, "RRULE:FREQ=WEEKLY\n") + strings.NewReplacer("DTSTART", "RECURRENCE-ID:20261212T100000Z\nDTSTART", "20261205", "20261213").Replace(plainEvent)
	k := look{present: organised(t, body), policy: policy, now: testNow, deliveries: []store.Delivery{told(t, body)}}
	k.deliveries[0].Forced = true
	list, _, err := k.decide(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%d are owed something (%v)", len(list), err)
	}
	m := list[0].Message
	if m.First || len(m.Changes) != 0 || bytes.Count(m.Object, []byte("BEGIN:VEVENT")) != 2 {
		t.Errorf("first %v, %d changes, object:\n%s", m.First, len(m.Changes), m.Object)
	}
	if view, err := unpack(list[0].View); err != nil || !bytes.Equal(view, k.deliveries[0].View) {
		t.Errorf("what is known changes (%v)", err)
	}
}

func TestAnswersOfAManagedCopyAreNotMailed(t *testing.T) {
	accepted := strings.Replace(plainEvent, "ATTENDEE;CN=Boris", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Boris", 1)
	var known []store.Delivery
	for _, step := range []struct {
		name    string
		set     func(p *change.Present)
		forced  bool
		want    string
		answers bool
	}{
		{name: "managed", set: func(p *change.Present) { p.Managed = true }, want: "REPLY to anna"},
		{name: "again", set: func(p *change.Present) { p.Managed = true }},
		{name: "managed and forced", set: func(p *change.Present) { p.Managed = true }, forced: true, want: "REPLY to anna"},
		{name: "the organiser left", set: func(*change.Present) {}},
		{name: "forced", set: func(*change.Present) {}, forced: true, want: "REPLY ACCEPTED to anna"},
		{name: "deleted", set: func(p *change.Present) { p.Managed, p.Row.Deleted, p.Object = true, testNow, nil }, want: "REPLY to anna"},
		{name: "deleted, and the organiser left", set: func(p *change.Present) { p.Row.Deleted, p.Object = testNow, nil }},
	} {
		p := organised(t, accepted)
		p.Row.Role, p.User = store.RoleAttendee, &store.User{Name: "Boris", Addresses: []string{"boris@example.org"}}
		step.set(p)
		k := look{present: p, policy: policy, now: testNow, deliveries: known}
		for i := range known {
			known[i].Forced = step.forced
		}
		list, _, err := k.decide(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := summary(list); got != step.want {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
		for _, o := range list {
			known = []store.Delivery{{Address: o.Address, Reply: true, View: o.View, Sequence: o.Sequence}}
		}
		if got, _ := k.statuses(); p.Managed && len(got) != 0 {
			t.Errorf("%s: the mailer says what came of it: %v", step.name, got)
		}
	}
}

func TestStatusOfLocalUsersIsNotTheMailers(t *testing.T) {
	k := look{present: organised(t, with(plainEvent, veraLine)), policy: policy, now: testNow, deliveries: []store.Delivery{told(t, with(plainEvent, veraLine)), {
		ID: 2, EventID: 1, Address: "vera@example.com", MessageID: "m2", Status: "1.1", View: itip.View(testParse(t, with(plainEvent, veraLine)), "vera@example.com"),
	}}}
	k.present.Locals = map[string]*store.User{"boris@example.org": {}}
	if _, _, err := k.decide(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := k.statuses(); len(got) != 1 || got["vera@example.com"] != "1.1" {
		t.Errorf("got %v, want Vera's alone", got)
	}
}

func (b *bench) answer(a store.Answer) {
	b.t.Helper()
	a.EventID = b.event
	b.update(func(tx *store.Tx) error {
		if err := tx.PutAnswer(&a); err != nil {
			return err
		}
		return b.runner.Touch(tx, change.WorkMail, b.event, tx.Now())
	})
}

func (b *bench) answers() (out []store.Answer) {
	b.t.Helper()
	if err := b.store.View(context.Background(), func(tx *store.Tx) (err error) {
		out, err = tx.Answers(b.event)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) change(address string, set func(d *store.Delivery)) {
	b.t.Helper()
	b.update(func(tx *store.Tx) error {
		d, err := tx.Delivery(b.event, address, false)
		if err != nil {
			return err
		}
		set(d)
		if err := tx.PutDelivery(d); err != nil {
			return err
		}
		return b.runner.Touch(tx, change.WorkMail, b.event, tx.Now())
	})
}

// A person keeps one token; it stands in every REQUEST and in no log.
func TestTokenStays(t *testing.T) {
	r := startRelay(t, nil)
	var log safeBuffer
	b := newBench(t, "smtp://"+r.addr, plainEvent, func(o *Options) {
		o.Policy.AnswerBase = "https://conference.example.org/r/"
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	b.rest()
	token := b.delivery("boris@example.org").Token
	if len(token) < 22 {
		t.Fatalf("the token is %q: fewer than 128 bits", token)
	}
	b.save(with(strings.Replace(plainEvent, "Planning", "Review", 1), veraLine), nil)
	b.rest()
	b.change("boris@example.org", func(d *store.Delivery) { d.Forced = true })
	b.rest()
	b.save(plainEvent, func(p *change.Present) { p.Gone, p.GoneSince, p.Object = true, testNow, nil })
	b.rest()
	wantSubjects(t, r, "boris@example.org Cancelled: Review", "boris@example.org Changed: Review", "boris@example.org Invitation: Planning",
		"boris@example.org Invitation: Review", "vera@example.com Cancelled: Review", "vera@example.com Invitation: Review")
	d := b.delivery("boris@example.org")
	if other := b.delivery("vera@example.com").Token; d.Token != token || d.Forced || other == "" || other == token {
		t.Errorf("the tokens are %q, then %q, Vera's is %q; told once more: %v", token, d.Token, other, d.Forced)
	}
	for _, m := range r.got() {
		links := strings.Count(strings.ReplaceAll(string(m.body), "=\r\n", ""), "/r/"+token+"?answer=3Daccepted")
		if want := map[bool]int{true: 2}[m.to == "boris@example.org" && !bytes.Contains(m.body, []byte("method=CANCEL"))]; links != want {
			t.Errorf("a mail to %s has the link %d times, want %d", m.to, links, want)
		}
	}
	if strings.Contains(log.String(), token) {
		t.Error("the log has the token")
	}
}

// A look that composes and then finds the event changed, or the program stopped, leaves nothing behind.
func TestNothingStaysOfWhatWasNotStored(t *testing.T) {
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), func(o *Options) {
		o.Policy.AnswerBase = "https://conference.example.org/r/"
	})
	b.rest()
	calls := 0
	b.save(with(plainEvent, veraLine), func(p *change.Present) {
		if calls++; calls == 2 {
			p.Service = "another" // as it is stored
		}
	})
	b.rest()
	wantSubjects(t, r, "boris@example.org Invitation: Planning", "vera@example.com Invitation: Planning")
	if calls < 4 {
		t.Fatalf("the event was read %d times: it never changed meanwhile", calls)
	}
	for _, m := range r.got() {
		if token := b.delivery(m.to).Token; !strings.Contains(strings.ReplaceAll(string(m.body), "=\r\n", ""), "/r/"+token) {
			t.Errorf("the mail to %s has another token than is stored", m.to)
		}
	}
	// The same of a notice; then it is told once, however often it is looked at.
	b.calendar.mu.Lock()
	calls = 0
	b.calendar.mu.Unlock()
	b.answer(store.Answer{Address: "boris@example.org", PartStat: "ACCEPTED", Comment: "fine"})
	b.rest()
	b.save(with(plainEvent, veraLine), nil)
	b.rest()
	wantSubjects(t, r, "anna@example.org Answers: Planning", "boris@example.org Invitation: Planning", "vera@example.com Invitation: Planning")
	if a := b.answers(); len(a) != 1 || !a[0].Told {
		t.Errorf("the answers are %+v", a)
	}
}

func TestNoticesAreToldOnce(t *testing.T) {
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, with(plainEvent, veraLine), nil)
	b.rest()
	look := func() {
		b.save(b.calendar.body, nil)
		b.rest()
	}
	b.answer(store.Answer{Address: "vera@example.com", PartStat: "TENTATIVE", Start: testNow, Told: false})
	b.rest()
	look()
	b.change("boris@example.org", func(d *store.Delivery) { d.Status = "5.1" }) // it came back
	b.rest()
	look()
	b.answer(store.Answer{Address: "vera@example.com", PartStat: "ACCEPTED", Waiting: time.Now(), Told: true})
	b.rest()
	look()
	b.answer(store.Answer{Address: "vera@example.com", PartStat: "ACCEPTED", Told: true})
	b.save(strings.Replace(b.calendar.body, "ATTENDEE;CN=Vera", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Vera", 1), nil)
	b.rest()
	look()
	wantSubjects(t, r, "anna@example.org Another time proposed: Planning", "anna@example.org Not delivered: Planning",
		"boris@example.org Invitation: Planning", "vera@example.com Invitation: Planning",
		"vera@example.com Waiting list: Planning", "vera@example.com You have a place: Planning")
	d := b.delivery("boris@example.org")
	if d.Reported != "5.1" {
		t.Errorf("the organiser was told of %q", d.Reported)
	}
	// What was told besides is no invitation: it leaves the deliveries alone.
	if v := b.delivery("vera@example.com"); v.View == nil || v.Sequence != 0 {
		t.Errorf("Vera's delivery is %+v", v)
	}
}

// Saves in a burst become one mail; first invitations do not wait for its end.
func TestBurstIsOneMail(t *testing.T) {
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, plainEvent, func(o *Options) { o.Policy.MailSettle = time.Hour })
	b.rest()
	saved := time.Now()
	recent := func(p *change.Present) { p.Row.Saved = saved }
	renamed := func(title string) string { return strings.Replace(plainEvent, "Planning", title, 1) }
	b.save(with(renamed("One"), veraLine), recent)
	for deadline := time.Now().Add(time.Minute); len(r.got()) < 2; b.pause() {
		if time.Now().After(deadline) {
			t.Fatal("an invitation waits for the end of the burst")
		}
	}
	b.save(with(renamed("Two"), veraLine), recent)
	b.pause()
	b.save(with(renamed("Three"), veraLine), func(p *change.Present) { p.Row.Saved = saved.Add(-time.Hour) })
	b.rest()
	wantSubjects(t, r, "boris@example.org Changed: Three", "boris@example.org Invitation: Planning",
		"vera@example.com Changed: Three", "vera@example.com Invitation: One")
}

// A safeBuffer is written to from several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
