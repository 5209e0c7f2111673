package mailer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

const (
	plainEvent = `BEGIN:VEVENT
UID:u1
DTSTAMP:20261101T080000Z
SEQUENCE:0
SUMMARY:Planning
DTSTART:20261205T100000Z
DTEND:20261205T110000Z
ORGANIZER;CN=Anna:mailto:anna@example.org
ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org
ATTENDEE;CN=Boris:mailto:boris@example.org
END:VEVENT
`
	veraLine = "ATTENDEE;CN=Vera:mailto:vera@example.com\n"
)

var policy = change.Policy{
	ServiceDomain: "conference.example.org", Settle: 30 * time.Second, MailSettle: 20 * time.Second, MailWait: 10 * time.Minute,
	Providers: []change.ProviderWords{{Resource: "webinar"}},
}

func with(body, lines string) string {
	return strings.Replace(body, "END:VEVENT", lines+"END:VEVENT", 1)
}

// organised is an event that Anna organises, saved at testNow.
func organised(t *testing.T, body string) *change.Present {
	return &change.Present{
		Row:  &store.Event{ID: 1, Role: store.RoleOrganizer, Saved: testNow},
		User: &store.User{Name: "Anna", Addresses: []string{"anna@example.org"}}, Object: &store.Object{},
		Event: testParse(t, body), Link: change.LinkNone, Zone: time.UTC,
	}
}

// told is the delivery of a view to Boris.
func told(t *testing.T, body string) store.Delivery {
	return store.Delivery{
		ID: 1, EventID: 1, Address: "boris@example.org", MessageID: "m1", Status: "1.1",
		View: itip.View(testParse(t, body), "boris@example.org"),
	}
}

// wantDecided decides and checks whom something is owed, as summary tells it, and that the next look is so long
// after testNow (0: there is none).
func wantDecided(t *testing.T, k *look, want string, after time.Duration) []owed {
	t.Helper()
	list, next, err := k.decide(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := summary(list); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var again time.Time
	if after != 0 {
		again = testNow.Add(after)
	}
	if !next.Equal(again) {
		t.Errorf("looks again at %v, want %v", next, again)
	}
	return list
}

func summary(list []owed) string {
	var out []string
	for _, o := range list {
		local, _, _ := strings.Cut(o.Address, "@")
		switch {
		case o.Note != nil:
			what := o.Note.problem + o.Note.place
			for _, a := range o.Note.said {
				what += a.Address[:1] + a.PartStat
			}
			for _, d := range o.Note.missed {
				what += d.Address[:1] + d.Status
			}
			out = append(out, "NOTE "+what+" to "+local)
		case o.Reply:
			s := "REPLY"
			for _, a := range o.Answers {
				s += " " + a.PartStat
			}
			out = append(out, s+" to "+local)
		case o.Message == nil:
			out = append(out, "remember "+local)
		default:
			out = append(out, fmt.Sprintf("%s to %s, %d", o.Message.Method, local, o.Sequence))
		}
	}
	return strings.Join(out, "; ")
}

func TestOwedByOrganizer(t *testing.T) {
	moved := strings.NewReplacer("T100000Z", "T120000Z", "T110000Z", "T130000Z").Replace(plainEvent)
	renamed := strings.Replace(plainEvent, "Planning", "Review", 1)
	weekly := with(plainEvent, "RRULE:FREQ=WEEKLY\n")
	gone := func(p *change.Present) {
		p.Gone, p.GoneSince, p.Object, p.Row.Deleted = true, testNow, nil, testNow
	}
	pending := func(p *change.Present) { p.Link, p.Since = change.LinkPending, testNow }
	tests := []struct {
		name    string
		body    string
		present func(p *change.Present)
		known   func(t *testing.T) []store.Delivery
		mails   []store.Message
		after   time.Duration // since the save
		want    string
		next    time.Duration // since the save; 0: none
	}{
		{name: "first", body: with(plainEvent, veraLine), want: "REQUEST to boris, 0; REQUEST to vera, 0"},
		{name: "without conference nobody waits", body: plainEvent, want: "REQUEST to boris, 0"},
		{name: "a link is being made", body: plainEvent, present: pending, next: 10 * time.Minute},
		{name: "the link does not come", body: plainEvent, present: pending, after: 10 * time.Minute, want: "REQUEST to boris, 0"},
		{name: "refused", body: plainEvent, present: func(p *change.Present) { p.Link, p.Problem = change.LinkRefused, "owner" }, want: "REQUEST to boris, 0; NOTE owner to anna"},
		{name: "update settles", body: renamed, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 19 * time.Second, next: 20 * time.Second},
		{name: "update", body: renamed, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 20 * time.Second, want: "REQUEST to boris, 0"},
		{name: "update waits for the new link", body: renamed, present: pending, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 20 * time.Second, next: 10 * time.Minute},
		{name: "reschedule with the same SEQUENCE", body: moved, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 20 * time.Second, want: "REQUEST to boris, 1"},
		{name: "reschedule of one who comes with it", body: with(moved, veraLine), known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 20 * time.Second, want: "REQUEST to boris, 1; REQUEST to vera, 0"},
		{name: "the new one does not settle", body: with(renamed, veraLine), known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, want: "REQUEST to vera, 0", next: 20 * time.Second},
		{name: "who else is invited", body: with(plainEvent, veraLine), known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, want: "remember boris; REQUEST to vera, 0"},
		{name: "nothing new", body: plainEvent, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: time.Hour},
		{name: "removed person", body: strings.Replace(plainEvent, "boris@", "carl@", 1), known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 20 * time.Second, want: "REQUEST to carl, 0; CANCEL to boris, 1"},
		{name: "removal settles", body: strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1), known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, next: 20 * time.Second},
		{name: "deleted settles", body: plainEvent, present: gone, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 29 * time.Second, next: 30 * time.Second},
		{name: "deleted", body: plainEvent, present: gone, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 30 * time.Second, want: "CANCEL to boris, 1"},
		{name: "saved by a clock that was ahead", body: renamed, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: -3 * time.Hour, want: "REQUEST to boris, 0"},
		{name: "deleted by a clock that was ahead", body: plainEvent, present: gone, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: -3 * time.Hour, want: "CANCEL to boris, 1"},
		{name: "a link is being made since a clock was ahead", body: plainEvent, present: pending, after: -3 * time.Hour, want: "REQUEST to boris, 0"},
		{name: "deleted before anybody was told", body: plainEvent, present: gone, after: time.Minute},
		{name: "deleted with its owner", body: plainEvent, present: func(p *change.Present) {
			gone(p)
			p.User.Addresses, p.User.Removed = nil, true
		}, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 30 * time.Second, want: "CANCEL to boris, 1"},
		{name: "unreadable but deleted", body: plainEvent, present: func(p *change.Present) {
			gone(p)
			p.Event = nil
		}, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 30 * time.Second, want: "CANCEL to boris, 1"},
		{name: "back again", body: plainEvent, known: func(t *testing.T) []store.Delivery {
			d := told(t, plainEvent)
			d.View, d.Sequence = nil, 1
			return []store.Delivery{d}
		}, present: func(p *change.Present) { p.Row.Sequence = 1 }, want: "REQUEST to boris, 2"},
		{name: "ended", body: plainEvent, present: func(p *change.Present) { p.Ended = true }},
		{name: "ended and deleted", body: plainEvent, present: func(p *change.Present) {
			gone(p)
			p.Ended = true
		}, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: 30 * 24 * time.Hour},
		{name: "moved into the past", body: strings.ReplaceAll(plainEvent, "20261205", "20261105"), present: func(p *change.Present) { p.Ended = true }, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: time.Minute, want: "REQUEST to boris, 1"},
		{name: "an instance that is over", body: with(weekly, "EXDATE:20261212T100000Z\n"), known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, weekly)} }, after: 30 * 24 * time.Hour, want: "remember boris"},
		{name: "an instance to come", body: with(weekly, "EXDATE:20261212T100000Z\n"), known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, weekly)} }, after: time.Minute, want: "CANCEL to boris, 1"},
		{name: "somebody else's", body: strings.ReplaceAll(with(plainEvent, veraLine), "anna@example.org", "eva@example.org"), known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: time.Minute},
		{name: "the owner's in capitals", body: plainEvent, present: func(p *change.Present) { p.User.Addresses = []string{"Anna@Example.org"} }, want: "REQUEST to boris, 0"},
		{name: "imported", body: plainEvent, present: func(p *change.Present) { p.Row.Imported = true }},
		{name: "no longer anybody's", body: strings.NewReplacer("ORGANIZER;CN=Anna:mailto:anna@example.org\n", "", "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "").Replace(plainEvent), present: func(p *change.Present) { p.Row.Role = store.RoleNone }, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, after: time.Minute, want: "CANCEL to boris, 1"},
		{name: "earlier mail is under way", body: renamed, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, mails: []store.Message{{Address: "boris@example.org", State: store.MessageTrying}}, after: time.Minute},
		{name: "earlier mail failed", body: renamed, known: func(t *testing.T) []store.Delivery { return []store.Delivery{told(t, plainEvent)} }, mails: []store.Message{{Address: "boris@example.org", State: store.MessageFailed}}, after: time.Minute, want: "REQUEST to boris, 0"},
		{name: "rooms of ours", body: with(plainEvent, "ATTENDEE:mailto:webinar@conference.example.org\nATTENDEE;CUTYPE=ROOM:mailto:hall@conference.example.org\nATTENDEE:mailto:person@conference.example.org\n"), want: "REQUEST to boris, 0; REQUEST to person, 0"},
		{name: "problem said already", body: plainEvent, present: func(p *change.Present) { p.Link, p.Problem = change.LinkRefused, "owner" }, known: func(t *testing.T) []store.Delivery {
			return []store.Delivery{told(t, plainEvent), {Address: "anna@example.org", View: []byte("problem:owner")}}
		}},
		{name: "a problem though the link stands", body: plainEvent, present: func(p *change.Present) { p.Link, p.Problem = change.LinkReady, "owner" }, want: "REQUEST to boris, 0; NOTE owner to anna"},
		{name: "people cannot be registered", body: plainEvent, present: func(p *change.Present) { p.Link, p.Warning = change.LinkReady, "fields" }, want: "REQUEST to boris, 0; NOTE people:fields to anna"},
		{name: "said already of people", body: plainEvent, present: func(p *change.Present) { p.Link, p.Warning = change.LinkReady, "fields" }, known: func(t *testing.T) []store.Delivery {
			return []store.Delivery{told(t, plainEvent), {Address: "anna@example.org", View: []byte("problem:\nfields")}}
		}},
		{name: "another problem", body: plainEvent, present: func(p *change.Present) { p.Link, p.Problem = change.LinkRefused, "title" }, known: func(t *testing.T) []store.Delivery {
			return []store.Delivery{told(t, plainEvent), {Address: "anna@example.org", View: []byte("problem:owner")}}
		}, want: "NOTE title to anna"},
		{name: "problem given up", body: plainEvent, known: func(t *testing.T) []store.Delivery {
			return []store.Delivery{told(t, plainEvent), {Address: "anna@example.org", View: []byte("problem:owner")}}
		}, want: "remember anna"},
		{name: "problem mended", body: plainEvent, present: func(p *change.Present) { p.Link = change.LinkReady }, known: func(t *testing.T) []store.Delivery {
			return []store.Delivery{told(t, plainEvent), {Address: "anna@example.org", View: []byte("problem:owner")}}
		}, want: "remember anna"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := look{present: organised(t, tt.body), policy: policy, now: testNow.Add(tt.after), messages: tt.mails}
			if tt.present != nil {
				tt.present(k.present)
			}
			if tt.known != nil {
				k.deliveries = tt.known(t)
			}
			wantDecided(t, &k, tt.want, tt.next)
		})
	}
}

func TestOwedByAttendee(t *testing.T) {
	accepted := strings.Replace(plainEvent, "ATTENDEE;CN=Boris", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Boris", 1)
	declined := strings.Replace(accepted, "PARTSTAT=ACCEPTED;CN=Boris", "PARTSTAT=DECLINED;CN=Boris", 1)
	said := func(t *testing.T, body string) []store.Delivery {
		return []store.Delivery{{Address: "anna@example.org", Reply: true, MessageID: "m1", View: itip.ReplyView(testParse(t, body), []string{"boris@example.org"}, nil, 0)}}
	}
	deleted := func(p *change.Present) {
		p.Gone, p.GoneSince, p.Object, p.Row.Deleted = true, testNow, nil, testNow
	}
	tests := []struct {
		name    string
		body    string
		present func(p *change.Present)
		said    string // the body last answered
		after   time.Duration
		want    string
		next    time.Duration
	}{
		{name: "unanswered", body: plainEvent, want: "REPLY to anna"},
		{name: "accepted", body: accepted, want: "REPLY ACCEPTED to anna"},
		{name: "said", body: accepted, said: accepted},
		{name: "changed", body: declined, said: accepted, want: "REPLY DECLINED to anna"},
		{name: "thunderbird's agent", body: strings.Replace(accepted, "ORGANIZER", "ORGANIZER;SCHEDULE-AGENT=CLIENT", 1), want: "REPLY ACCEPTED to anna"},
		{name: "agent none", body: strings.Replace(accepted, "ORGANIZER", "ORGANIZER;SCHEDULE-AGENT=NONE", 1)},
		{name: "ended", body: accepted, present: func(p *change.Present) { p.Ended = true }},
		{name: "imported", body: accepted, present: func(p *change.Present) { p.Row.Imported = true }},
		{name: "organiser without mail", body: strings.Replace(accepted, "mailto:anna@example.org", "urn:uuid:1", 1)},
		{name: "deleted settles", body: accepted, said: accepted, present: deleted, next: 30 * time.Second},
		{name: "deleted", body: accepted, said: accepted, present: deleted, after: 30 * time.Second, want: "REPLY DECLINED to anna"},
		{name: "deleted unanswered", body: plainEvent, present: deleted, after: 30 * time.Second, want: "REPLY DECLINED to anna"},
		{name: "deleted after declining", body: declined, said: declined, present: deleted, after: 30 * time.Second},
		{name: "deleted silently", body: accepted, said: accepted, present: func(p *change.Present) {
			deleted(p)
			p.Row.Silent = true
		}, after: time.Minute},
		{name: "deleted after the organiser cancelled", body: with(accepted, "STATUS:CANCELLED\n"), said: accepted, present: deleted, after: time.Minute},
		{name: "removed user", body: accepted, present: func(p *change.Present) { p.User.Removed = true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := organised(t, tt.body)
			p.Row.Role, p.User = store.RoleAttendee, &store.User{Name: "Boris", Addresses: []string{"boris@example.org"}}
			if tt.present != nil {
				tt.present(p)
			}
			k := look{present: p, policy: policy, now: testNow.Add(tt.after)}
			if tt.said != "" {
				k.deliveries = said(t, tt.said)
			}
			wantDecided(t, &k, tt.want, tt.next)
		})
	}
}

// TestInstanceDeclinedAfterUpdate has the organiser send an update that changes no answer; the owner
// then takes an instance out of the copy.
func TestInstanceDeclinedAfterUpdate(t *testing.T) {
	weekly := with(strings.Replace(plainEvent, "ATTENDEE;CN=Boris", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Boris", 1), "RRULE:FREQ=WEEKLY\n")
	updated := strings.Replace(weekly, "SEQUENCE:0", "SEQUENCE:3", 1)
	boris := &store.User{Name: "Boris", Addresses: []string{"boris@example.org"}}
	known := store.Delivery{
		Address: "anna@example.org", Reply: true, MessageID: "m1",
		View: itip.ReplyView(testParse(t, weekly), boris.Addresses, nil, 0),
	}
	for _, step := range []struct{ body, want string }{
		{weekly, ""},
		{updated, "REPLY to anna"},
		{updated, ""},
		{with(updated, "EXDATE:20261212T100000Z\n"), "REPLY DECLINED to anna"},
	} {
		p := organised(t, step.body)
		p.Row.Role, p.User = store.RoleAttendee, boris
		k := look{present: p, policy: policy, now: testNow, deliveries: []store.Delivery{known}}
		list, _, err := k.decide(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := summary(list); got != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
		for _, o := range list {
			known.View, known.Sequence = o.View, o.Sequence
		}
	}
}

func TestIsOwnRoom(t *testing.T) {
	if isOwnRoom(change.Policy{}, ical.Attendee{Address: "a@", CUType: "ROOM"}) {
		t.Error("without a service domain nothing is ours")
	}
}
