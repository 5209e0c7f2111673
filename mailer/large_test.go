package mailer

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// crowd is an event that Anna organises for n people, of whom each line is longer than a client folds
// at, and says status if it is set.
func crowd(n int, status string) string {
	var b strings.Builder
	for i := range n {
		if status != "" {
			status = ";SCHEDULE-STATUS=1.1"
		}
		fmt.Fprintf(&b, "ATTENDEE;CN=Participant number %d;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PAR\n TSTAT=NEEDS-ACTION%s:mailto:participant-%d@partner.example\n", i, status, i)
	}
	return with(strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), b.String())
}

// crowdLook is a look at an event of n people who were all told of it, before the server wrote what
// came of that into the event.
func crowdLook(t testing.TB, n int) look {
	t.Helper()
	before, err := ical.Parse([]byte(testObject(crowd(n, ""))), ical.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := ical.ParseEvent(before)
	if err != nil {
		t.Fatal(err)
	}
	view, err := pack(itip.View(ev, "participant-0@partner.example"))
	if err != nil {
		t.Fatal(err)
	}
	edit := before.Edit()
	k := look{policy: policy, now: testNow}
	for i, a := range ev.Master.Attendees[1:] {
		edit.SetParam(a.Line, "SCHEDULE-STATUS", "1.1")
		k.deliveries = append(k.deliveries, store.Delivery{
			ID: int64(i) + 1, EventID: 1, Address: a.Address, View: slices.Clone(view), MessageID: fmt.Sprint("m", i), Status: "1.1",
		})
		k.messages = append(k.messages, store.Message{EventID: 1, Address: a.Address, State: store.MessageSent})
	}
	k.present = &change.Present{
		Row:  &store.Event{ID: 1, Role: store.RoleOrganizer, Saved: testNow},
		User: &store.User{Name: "Anna", Addresses: []string{"anna@example.org"}}, Object: &store.Object{Data: edit.Bytes()}, Link: change.LinkNone,
	}
	return k
}

// again reads the event and decides, as every look does.
func (k look) again(t testing.TB) (*look, []owed) {
	t.Helper()
	o, err := ical.Parse(k.present.Object.Data, ical.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p := *k.present
	if p.Event, err = ical.ParseEvent(o); err != nil {
		t.Fatal(err)
	}
	k.present = &p
	list, _, err := k.decide(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &k, list
}

func TestLookAtManyWhoWereTold(t *testing.T) {
	const people = 300
	k := crowdLook(t, people)
	done, list := k.again(t)
	if len(list) != 0 {
		t.Errorf("%d people are owed something, want none", len(list))
	}
	if got, _ := done.statuses(); len(got) != 0 {
		t.Errorf("%d statuses are not in the event, want none", len(got))
	}
	// The event is read once and its view made once, whatever the number of people: a few times its
	// size, not people times.
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	k.again(t)
	runtime.ReadMemStats(&after)
	size := uint64(len(k.present.Object.Data))
	if got := after.TotalAlloc - before.TotalAlloc; got > 30*size {
		t.Errorf("a look allocates %d KB for an event of %d KB with %d people", got>>10, size>>10, people)
	}
	if got := testing.AllocsPerRun(3, func() { k.again(t) }); got > 40*people {
		t.Errorf("a look allocates %.0f times for %d people", got, people)
	}
}

func BenchmarkLook1000(b *testing.B) {
	k := crowdLook(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		k.again(b)
	}
}

func TestManyAreOwedTheSame(t *testing.T) {
	k := crowdLook(t, 300)
	k.deliveries, k.messages = nil, nil
	_, list := k.again(t)
	if len(list) != 300 {
		t.Fatalf("%d people are owed something, want 300", len(list))
	}
	for _, o := range list {
		if o.Message != list[0].Message || &o.View[0] != &list[0].View[0] {
			t.Fatalf("%s has a message of its own", o.Address)
		}
	}
	kept := list[0].View
	view, err := unpack(kept)
	if err != nil || !bytes.Equal(view, list[0].Message.View) || len(kept) > len(view)/3 || fingerprintOf(kept) != itip.FingerprintOf(view) {
		t.Errorf("%d bytes are kept as %d (%v)", len(view), len(kept), err)
	}
	if _, err := unpack(kept[:len(kept)/2]); err == nil {
		t.Error("half a view is read")
	}
	small := []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
	if kept, err := pack(small); err != nil || !bytes.Equal(kept, small) {
		t.Errorf("a small view is kept as %q (%v)", kept, err)
	}
}

func TestComposedInBatches(t *testing.T) {
	s := testSender(t, "example.org")
	var err error
	if s.opts.Store, err = store.Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "joinery.db"), store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.opts.Store.Close() })
	for _, tt := range []struct {
		body string
		want []int
	}{
		{crowd(45, ""), []int{20, 20, 5}},
		{with(crowd(5, ""), "COMMENT:"+strings.Repeat("x", 800_000)+"\n"), []int{2, 2, 1}},
	} {
		k := look{present: organised(t, tt.body), policy: policy, now: testNow}
		list, _, err := k.decide(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for len(list) > 0 {
			var batch []letterOwed
			if batch, list, err = s.compose(context.Background(), k.present, list); err != nil {
				t.Fatal(err)
			}
			got = append(got, len(batch))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("got batches %v, want %v", got, tt.want)
		}
	}
}

// TestLargeEventIsAShortLetter mails events of which everything is large.
func TestLargeEventIsAShortLetter(t *testing.T) {
	s := testSender(t, "example.org")
	renamed := strings.Replace(plainEvent, "Planning", strings.Repeat("П", 20_000), 1)
	var days strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&days, "EXDATE:%sT100000Z\n", testNow.AddDate(0, 1, i).Format("20060102"))
	}
	daily := strings.ReplaceAll(with(plainEvent, "RRULE:FREQ=DAILY\n"), "20261205", "20261122")
	for _, tt := range []struct {
		name, was, is string
		file          bool
		most          int
	}{
		{"agenda", "", with(plainEvent, "DESCRIPTION:"+strings.Repeat("Слова и ", 64_000)+"\n"), false, 1_500_000},
		{"agenda of less than a file", "", with(plainEvent, "DESCRIPTION:"+strings.Repeat("x ", 48_000)+"\n"), true, 350_000},
		{"title", plainEvent, renamed, true, 200_000},
		{"days", daily, with(daily, days.String()), true, 200_000},
	} {
		k := look{present: organised(t, tt.is), policy: policy, now: testNow.Add(policy.MailSettle)}
		if tt.was != "" {
			k.deliveries = []store.Delivery{told(t, tt.was)}
		}
		list, _, err := k.decide(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %d are owed something (%v)", tt.name, len(list), err)
		}
		m, err := s.message(k.present, &list[0], "", nil, &press{})
		if err != nil {
			t.Fatal(err)
		}
		text := tree(t, m.Body)
		if !bytes.Contains(text, []byte("…")) || len(m.Body) > tt.most {
			t.Errorf("%s: a mail of %d bytes, want %d at most", tt.name, len(m.Body), tt.most)
		}
		if got := bytes.Contains(text, []byte("application/ics")); got != tt.file || !bytes.Contains(text, []byte("text/calendar")) {
			t.Errorf("%s: a file is attached: %v, want %v; or the object is missing", tt.name, got, tt.file)
		}
	}
}

// TestEverybodyHasAnotherView invites each person to another instance: looks are short, and all are
// told once.
func TestEverybodyHasAnotherView(t *testing.T) {
	const people, limit = 20, 30_000
	agenda := "DESCRIPTION:" + strings.Repeat("x", 4_000) + "\n"
	body := with(plainEvent, "RRULE:FREQ=DAILY\n")
	for i := range people {
		day := strings.ReplaceAll(plainEvent, "20261205", testNow.AddDate(0, 1, i).Format("20060102"))
		id := "RECURRENCE-ID:" + testNow.AddDate(0, 1, i).Format("20060102") + "T100000Z\n"
		body += with(strings.ReplaceAll(day, "boris@", fmt.Sprintf("guest-%d@", i)), id+agenda)
	}
	var known []store.Delivery
	for looks := 1; ; looks++ {
		k := look{present: organised(t, body), policy: policy, now: testNow, limit: limit, deliveries: known}
		list, next, err := k.decide(t.Context())
		if err != nil || looks > people {
			t.Fatalf("look %d: %v", looks, err)
		}
		if size := k.views.Size(); size > limit+10_000 || k.cached > limit+10_000 || k.owing > limit+20_000 {
			t.Errorf("a look holds %d, %d and %d bytes of views", size, k.cached, k.owing)
		}
		for _, o := range list {
			known = append(known, store.Delivery{Address: o.Address, MessageID: "m", View: o.View, Sequence: o.Sequence})
		}
		if next.IsZero() {
			if len(known) != people+1 || looks < 4 {
				t.Errorf("%d people are told in %d looks, want %d", len(known), looks, people+1)
			}
			break
		}
		if !next.Equal(testNow) {
			t.Errorf("looks again at %v, want %v", next, testNow)
		}
	}
}

// TestManyOutcomesAreOneEdit mails many people and counts how often the event is edited for it.
func TestManyOutcomesAreOneEdit(t *testing.T) {
	const people = 40
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, crowd(people, ""), nil)
	b.rest()
	if n := len(r.got()); n != people {
		t.Errorf("%d mails, want %d", n, people)
	}
	b.calendar.mu.Lock()
	defer b.calendar.mu.Unlock()
	if n := strings.Count(b.calendar.body, ";SCHEDULE-STATUS=1.1:"); n != people {
		t.Errorf("the event tells of %d mails, want %d", n, people)
	}
	if b.calendar.edits > people/4 {
		t.Errorf("it is edited %d times for %d mails", b.calendar.edits, people)
	}
}

// TestLargerThanAClientMaySend has the server's own edits make an event larger than a body may be.
func TestLargerThanAClientMaySend(t *testing.T) {
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, plainEvent, nil)
	large := with(plainEvent, "COMMENT:"+strings.Repeat("x", 1<<20)+"\n")
	b.calendar.mu.Lock()
	b.calendar.change = func(p *change.Present) {
		o, err := ical.Parse([]byte(testObject(large)), ical.Limits{Size: 2 << 20})
		if err != nil {
			t.Error(err)
			return
		}
		if p.Event, err = ical.ParseEvent(o); err != nil {
			t.Error(err)
		}
	}
	b.calendar.mu.Unlock()
	b.save(plainEvent, b.calendar.change)
	b.rest()
	large = strings.Replace(large, "Planning", "Review", 1)
	b.save(plainEvent, b.calendar.change)
	b.rest()
	got := subjects(t, r.got())
	if len(got) < 2 || !slices.Contains(got, "boris@example.org Changed: Review") {
		t.Errorf("got mails %q", got)
	}
}

// TestChangedWhileComposing changes the event between the look and the record of what was composed.
func TestChangedWhileComposing(t *testing.T) {
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), nil)
	b.rest()
	looks := 0
	b.save(plainEvent, func(p *change.Present) {
		if looks++; looks > 1 {
			p.Event = testParse(t, strings.Replace(plainEvent, "Planning", "Review", 1))
		}
	})
	b.rest()
	wantSubjects(t, r, "boris@example.org Invitation: Review")
}

// TestOneWhoCannotBeToldStopsNobody has a delivery that cannot be read.
func TestOneWhoCannotBeToldStopsNobody(t *testing.T) {
	r := startRelay(t, nil)
	b := newBench(t, "smtp://"+r.addr, strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), nil)
	b.rest()
	b.update(func(tx *store.Tx) error {
		return tx.PutDelivery(&store.Delivery{EventID: b.event, Address: "boris@example.org", View: []byte("BEGIN:VCALENDAR"), MessageID: "m1"})
	})
	b.save(with(plainEvent, veraLine), nil)
	for i := 0; len(r.got()) == 0 && i < 500; i++ {
		b.pause()
	}
	wantSubjects(t, r, "vera@example.com Invitation: Planning")
	for i := 0; i < 500; i++ {
		if text := b.trouble(); strings.Contains(text, "reading the view last sent") {
			return
		}
		b.pause()
	}
	t.Errorf("the work's error is %q", b.trouble())
}
