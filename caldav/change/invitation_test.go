package change

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"joinery/caldav/itip"
	"joinery/store"
	"joinery/store/outbox"
)

// An invitingWorld is a write path on a store of its own: Anna in Moscow organises, Boris in Kyiv is a
// local user too, Vera is not.
type invitingWorld struct {
	*testing.T
	c        *Changer
	store    *store.Store
	now      time.Time
	anna     *store.User
	calendar *store.Calendar
	event    int64
}

const (
	invitedVera  = "vera@partner.example"
	invitedBoris = "boris@example.org"
)

// inviting saves an event of Anna's from 9 March 2027 12:00 UTC on, of lines beside its time and people.
func inviting(t *testing.T, lines ...string) *invitingWorld {
	t.Helper()
	w := &invitingWorld{T: t, now: planNow}
	var err error
	w.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), store.Options{Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	w.c = New(Options{Store: w.store, Outbox: outbox.New(w.store, outbox.Options{}), Policy: *testPolicy()})
	w.anna = &store.User{Login: "anna", Name: "Anna", Locale: "ru", Zone: "Europe/Moscow", Addresses: []string{"anna@example.org"}}
	w.update(func(tx *store.Tx) error {
		boris := &store.User{Login: "boris", Name: "Boris", Locale: "uk", Zone: "Europe/Kyiv", Addresses: []string{invitedBoris}}
		for _, u := range []*store.User{w.anna, boris} {
			if err := tx.CreateUser(u); err != nil {
				return err
			}
		}
		w.calendar = &store.Calendar{UserID: w.anna.ID, Slug: "calendar", Name: "calendar", Components: []string{"VEVENT"}}
		return tx.CreateCalendar(w.calendar)
	})
	w.put(lines...)
	w.update(func(tx *store.Tx) error {
		e, err := tx.EventByUID(w.anna.ID, "u")
		if err != nil {
			return err
		}
		w.event = e.ID
		for _, address := range []string{invitedVera, invitedBoris} {
			if err := tx.PutDelivery(&store.Delivery{EventID: e.ID, Address: address, Token: tokenOf(address), At: tx.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func tokenOf(address string) string { return "page-of-" + address }

func (w *invitingWorld) update(f func(tx *store.Tx) error) {
	w.Helper()
	if err := w.store.Update(context.Background(), f); err != nil {
		w.Fatal(err)
	}
}

// put saves the event anew.
func (w *invitingWorld) put(lines ...string) {
	w.Helper()
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	_, err := w.c.Put(context.Background(), PutRequest{Caller: Caller{User: w.anna}, Calendar: w.calendar, Name: "u.ics", Data: []byte(text)})
	if err != nil {
		w.Fatal(err)
	}
}

// page is what the answer page of an address shows.
func (w *invitingWorld) page(address string) Invitation {
	w.Helper()
	i, ok, err := w.c.Invitation(context.Background(), tokenOf(address))
	if err != nil || !ok {
		w.Fatalf("the page of %s: %t, %v", address, ok, err)
	}
	return i
}

// dates are the starts of i's occurrences with what was said of them.
func dates(i Invitation) string {
	var out []string
	for _, o := range i.Occurrences {
		out = append(out, o.Start.UTC().Format("0102 15:04")+" "+o.PartStat)
	}
	return strings.Join(out, ", ")
}

const (
	veraAsked  = "ATTENDEE;CN=Vera;LANGUAGE=en-GB;PARTSTAT=ACCEPTED:mailto:vera@partner.example"
	borisAsked = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:boris@example.org"
	annaAsks   = "ORGANIZER;CN=Anna P.:mailto:anna@example.org"
)

func TestInvitation(t *testing.T) {
	w := inviting(t, when, annaAsks, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org", veraAsked, borisAsked, "SUMMARY:Planning", "SEQUENCE:2",
		`DESCRIPTION:Agenda\n\n----( Video Call )----\nTheirs\nhttps://other.example/1\n---===---`, "LOCATION:Room 5\\; https://other.example/1",
		"CONFERENCE;VALUE=URI;LABEL=Theirs:https://other.example/1")
	start := time.Date(2027, 3, 9, 12, 0, 0, 0, time.UTC)
	got := w.page(invitedVera)
	if !got.Start.Equal(start) || !got.End.Equal(start.Add(time.Hour)) || got.Zone.String() != "Europe/Moscow" || got.Organizers.String() != "Europe/Moscow" {
		t.Errorf("times: %v–%v in %v, %v", got.Start, got.End, got.Zone, got.Organizers)
	}
	got.Start, got.End, got.Zone, got.Organizers = time.Time{}, time.Time{}, nil, nil
	want := Invitation{
		State: InvitationOpen, EventID: w.event, Address: invitedVera, Name: "Vera", PartStat: "ACCEPTED", Title: "Planning", Agenda: "Agenda", Place: "Room 5",
		Link: "https://other.example/1", Service: "Theirs", Organizer: "Anna P.", Locale: "en-GB", Sequence: 2,
		People: []InvitedPerson{{"Vera", "ACCEPTED"}, {invitedBoris, "NEEDS-ACTION"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	got = w.page(invitedBoris)
	if !got.Local || got.Locale != "uk" || got.Zone.String() != "Europe/Kyiv" || got.Organizers.String() != "Europe/Moscow" || got.PartStat != "NEEDS-ACTION" {
		t.Errorf("a local user: %+v", got)
	}
	for _, token := range []string{"", "nobodys", tokenOf(invitedVera) + "x"} {
		if i, ok, err := w.c.Invitation(t.Context(), token); ok || err != nil || !reflect.DeepEqual(i, Invitation{}) {
			t.Errorf("token %q: %+v, %t, %v", token, i, ok, err)
		}
	}
}

func TestInvitationStates(t *testing.T) {
	plain := []string{when, annaAsks, veraAsked, borisAsked, "SUMMARY:Planning"}
	for _, test := range []struct {
		name  string
		do    func(w *invitingWorld)
		state InvitationState
	}{
		{"open", func(*invitingWorld) {}, InvitationOpen},
		{"running", func(w *invitingWorld) { w.now = time.Date(2027, 3, 9, 12, 30, 0, 0, time.UTC) }, InvitationOpen},
		{"over", func(w *invitingWorld) { w.now = time.Date(2027, 3, 9, 13, 0, 0, 0, time.UTC) }, InvitationOver},
		{"cancelled", func(w *invitingWorld) { w.put(append(plain, "STATUS:CANCELLED", "SEQUENCE:1")...) }, InvitationCancelled},
		{"cancelled, and its time has passed", func(w *invitingWorld) {
			w.put(append(plain, "STATUS:CANCELLED", "SEQUENCE:1")...)
			w.now = time.Date(2027, 3, 10, 13, 0, 0, 0, time.UTC)
		}, InvitationCancelled},
		{"deleted", func(w *invitingWorld) {
			if err := w.c.Delete(context.Background(), DeleteRequest{Caller: Caller{User: w.anna}, Calendar: w.calendar, Name: "u.ics"}); err != nil {
				w.Fatal(err)
			}
		}, InvitationCancelled},
		{"removed", func(w *invitingWorld) { w.put(when, annaAsks, borisAsked, "SUMMARY:Planning", "SEQUENCE:1") }, InvitationRemoved},
		{"removed, then deleted", func(w *invitingWorld) {
			w.put(when, annaAsks, borisAsked, "SUMMARY:Planning", "SEQUENCE:1")
			if err := w.c.Delete(context.Background(), DeleteRequest{Caller: Caller{User: w.anna}, Calendar: w.calendar, Name: "u.ics"}); err != nil {
				w.Fatal(err)
			}
		}, InvitationRemoved},
		{"invited again", func(w *invitingWorld) {
			w.put(when, annaAsks, borisAsked, "SUMMARY:Planning", "SEQUENCE:1")
			w.put(append(plain, "SEQUENCE:2")...)
		}, InvitationOpen},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := inviting(t, plain...)
			test.do(w)
			i := w.page(invitedVera)
			if i.State != test.state {
				t.Errorf("got %s, want %s", i.State, test.state)
			}
			if test.state == InvitationRemoved && !reflect.DeepEqual(i, Invitation{State: InvitationRemoved, Zone: i.Zone, Locale: "ru"}) {
				t.Errorf("who was removed learns %+v", i)
			}
		})
	}
}

func TestInvitationToSeries(t *testing.T) {
	override := func(id, start, end string, lines ...string) []string {
		return append([]string{"END:VEVENT", "BEGIN:VEVENT", "UID:u", "RECURRENCE-ID:" + id, "DTSTART:" + start, "DTEND:" + end, annaAsks}, lines...)
	}
	master := []string{when, annaAsks, veraAsked, "SUMMARY:Weekly"}
	series := func(lists ...[]string) (lines []string) {
		for _, l := range append([][]string{master}, lists...) {
			lines = append(lines, l...)
		}
		return lines
	}
	for _, test := range []struct {
		name  string
		lines []string
		now   time.Time
		state InvitationState
		dates string
		whole string // the answer to the series
		title string
	}{
		{"all of them", series([]string{"RRULE:FREQ=WEEKLY;COUNT=3"}), planNow, InvitationOpen, "0309 12:00 ACCEPTED, 0316 12:00 ACCEPTED, 0323 12:00 ACCEPTED", "ACCEPTED", "Weekly"},
		{"those still to come", series([]string{"RRULE:FREQ=WEEKLY;COUNT=3"}), time.Date(2027, 3, 16, 12, 59, 0, 0, time.UTC), InvitationOpen,
			"0316 12:00 ACCEPTED, 0323 12:00 ACCEPTED", "ACCEPTED", "Weekly"},
		{"none left", series([]string{"RRULE:FREQ=WEEKLY;COUNT=3"}), time.Date(2027, 3, 23, 13, 0, 0, 0, time.UTC), InvitationOver, "", "ACCEPTED", "Weekly"},
		{"one taken out, one moved, one declined", series([]string{"RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:20270309T120000Z"},
			override("20270316T120000Z", "20270317T080000Z", "20270317T090000Z", veraAsked),
			override("20270323T120000Z", "20270323T120000Z", "20270323T130000Z", strings.Replace(veraAsked, "ACCEPTED", "DECLINED", 1), "SUMMARY:Special")),
			planNow, InvitationOpen, "0317 08:00 ACCEPTED, 0323 12:00 DECLINED, 0330 12:00 ACCEPTED", "ACCEPTED", "Weekly"},
		{"one cancelled, one without her", series([]string{"RRULE:FREQ=WEEKLY;COUNT=3"},
			override("20270309T120000Z", "20270309T120000Z", "20270309T130000Z", veraAsked, "STATUS:CANCELLED"),
			override("20270316T120000Z", "20270316T120000Z", "20270316T130000Z", borisAsked)),
			planNow, InvitationOpen, "0323 12:00 ACCEPTED", "ACCEPTED", "Weekly"},
		{"one only", append([]string{when, annaAsks, borisAsked, "SUMMARY:Weekly", "RRULE:FREQ=WEEKLY"},
			override("20270316T120000Z", "20270316T120000Z", "20270316T130000Z", veraAsked, borisAsked, "SUMMARY:Special")...),
			planNow, InvitationOpen, "0316 12:00 ACCEPTED", "", "Special"},
		{"one only, and it is over", append([]string{when, annaAsks, borisAsked, "SUMMARY:Weekly", "RRULE:FREQ=WEEKLY"},
			override("20270316T120000Z", "20270316T120000Z", "20270316T130000Z", veraAsked, borisAsked, "SUMMARY:Special")...),
			time.Date(2027, 3, 17, 0, 0, 0, 0, time.UTC), InvitationOver, "", "", "Special"},
		{"one only, and it is cancelled", append([]string{when, annaAsks, borisAsked, "SUMMARY:Weekly", "RRULE:FREQ=WEEKLY"},
			override("20270316T120000Z", "20270316T120000Z", "20270316T130000Z", veraAsked, borisAsked, "SUMMARY:Special", "STATUS:CANCELLED")...),
			planNow, InvitationCancelled, "", "", "Special"},
		{"off it from the second on", append(append([]string{}, master...), append([]string{"RRULE:FREQ=DAILY"},
			"END:VEVENT", "BEGIN:VEVENT", "UID:u", "RECURRENCE-ID;RANGE=THISANDFUTURE:20270310T120000Z", "DTSTART:20270310T120000Z", "DTEND:20270310T130000Z", annaAsks, borisAsked)...),
			time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC), InvitationOver, "", "ACCEPTED", "Weekly"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := inviting(t, test.lines...)
			w.now = test.now
			i := w.page(invitedVera)
			if i.State != test.state || dates(i) != test.dates || i.PartStat != test.whole || i.Title != test.title || !i.Series {
				t.Errorf("%s %q %q %q, series %t; want %s %q %q %q", i.State, dates(i), i.PartStat, i.Title, i.Series, test.state, test.dates, test.whole, test.title)
			}
			if len(i.Occurrences) > 0 && (!i.Start.Equal(i.Occurrences[0].Start) || !i.End.Equal(i.Occurrences[0].End)) {
				t.Errorf("it begins at %v, its first occurrence at %v", i.Start, i.Occurrences[0].Start)
			}
		})
	}
	w := inviting(t, series([]string{"RRULE:FREQ=DAILY"})...)
	if i := w.page(invitedVera); len(i.Occurrences) != 12 {
		t.Errorf("%d occurrences of a series without end", len(i.Occurrences))
	}
}

// TestInvitationNamesOccurrences: what the page hands back is found in the event, however its times are written.
func TestInvitationNamesOccurrences(t *testing.T) {
	people := []string{annaAsks, strings.Replace(veraAsked, "ACCEPTED", "NEEDS-ACTION", 1), "SUMMARY:Weekly", "RRULE:FREQ=WEEKLY;COUNT=3"}
	for _, test := range []struct {
		name, times, zone string
		key               string
		start, occurrence time.Time // of the second
	}{
		{"UTC", when, "Europe/Moscow", "20270316T120000Z", time.Date(2027, 3, 16, 12, 0, 0, 0, time.UTC), time.Date(2027, 3, 16, 12, 0, 0, 0, time.UTC)},
		{"a zone", "DTSTART;TZID=Europe/Berlin:20270322T100000\r\nDTEND;TZID=Europe/Berlin:20270322T110000", "Europe/Moscow", "20270329T080000Z",
			time.Date(2027, 3, 29, 8, 0, 0, 0, time.UTC), time.Date(2027, 3, 29, 8, 0, 0, 0, time.UTC)},
		{"floating", "DTSTART:20270309T100000\r\nDTEND:20270309T110000", "Europe/Moscow", "20270316T100000",
			time.Date(2027, 3, 16, 7, 0, 0, 0, time.UTC), time.Date(2027, 3, 16, 10, 0, 0, 0, time.UTC)},
		{"all day in the east", "DTSTART;VALUE=DATE:20270309\r\nDTEND;VALUE=DATE:20270310", "Asia/Vladivostok", "20270316",
			time.Date(2027, 3, 16, 0, 0, 0, 0, time.UTC), time.Date(2027, 3, 16, 0, 0, 0, 0, time.UTC)},
		{"all day in the west", "DTSTART;VALUE=DATE:20270309\r\nDTEND;VALUE=DATE:20270310", "America/Los_Angeles", "20270316",
			time.Date(2027, 3, 16, 0, 0, 0, 0, time.UTC), time.Date(2027, 3, 16, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := inviting(t, append([]string{test.times}, people...)...)
			w.update(func(tx *store.Tx) error {
				w.anna.Zone = test.zone
				return tx.UpdateUser(w.anna)
			})
			i := w.page(invitedVera)
			if len(i.Occurrences) != 3 {
				t.Fatalf("%d occurrences", len(i.Occurrences))
			}
			o := i.Occurrences[1]
			if o.Key != test.key || !o.Start.Equal(test.start) || !o.Occurrence.Equal(test.occurrence) {
				t.Errorf("%s from %v, named %v; want %s from %v, named %v", o.Key, o.Start, o.Occurrence, test.key, test.start, test.occurrence)
			}
			a := Answer{EventID: i.EventID, Address: i.Address, Parts: []itip.Part{{PartStat: "DECLINED", Occurrence: o.Occurrence}}, Sequence: i.Sequence, Source: FromPage}
			for _, want := range []Outcome{OutcomeApplied, OutcomeSame} {
				if got, err := w.c.Answer(t.Context(), a); err != nil || got != want {
					t.Fatalf("the answer: %s, %v, want %s", got, err, want)
				}
			}
			i = w.page(invitedVera)
			got := fmt.Sprint(i.PartStat, i.Occurrences[0].PartStat, i.Occurrences[1].PartStat, i.Occurrences[2].PartStat, i.Comment)
			if want := fmt.Sprint("NEEDS-ACTION", "NEEDS-ACTION", "DECLINED", "NEEDS-ACTION", ""); got != want {
				t.Errorf("afterwards %s, want %s", got, want)
			}
			if i.Occurrences[1].Key != o.Key || !i.Occurrences[1].Start.Equal(o.Start) {
				t.Errorf("afterwards it is another: %+v", i.Occurrences[1])
			}
			a.Parts[0], a.Comment = itip.Part{PartStat: "ACCEPTED"}, "Here"
			if got, err := w.c.Answer(t.Context(), a); err != nil || got != OutcomeApplied {
				t.Fatalf("the answer to all: %s, %v", got, err)
			}
			if i = w.page(invitedVera); i.PartStat != "ACCEPTED" || i.Comment != "Here" {
				t.Errorf("the series afterwards: %s, %q", i.PartStat, i.Comment)
			}
		})
	}
}

// TestInvitationWaiting: who waits for a place is told so, of the event and of one occurrence.
func TestInvitationWaiting(t *testing.T) {
	w := inviting(t, when, annaAsks, veraAsked, "SUMMARY:Weekly", "RRULE:FREQ=WEEKLY;COUNT=3")
	w.update(func(tx *store.Tx) error {
		for _, key := range []string{"", "20270316T120000Z"} {
			if err := tx.PutAnswer(&store.Answer{EventID: w.event, Address: invitedVera, RecurrenceID: key, PartStat: "ACCEPTED", Waiting: tx.Now(), Comment: "c" + key}); err != nil {
				return err
			}
		}
		return tx.PutAnswer(&store.Answer{EventID: w.event, Address: invitedBoris, PartStat: "ACCEPTED", Comment: "somebody else's"})
	})
	i := w.page(invitedVera)
	if !i.Waiting || i.Occurrences[0].Waiting || !i.Occurrences[1].Waiting || i.Comment != "c" {
		t.Errorf("got %+v", i)
	}
}

// TestInvitationJoins holds which link is shown.
func TestInvitationJoins(t *testing.T) {
	const link = "https://rooms.example/1"
	w := inviting(t, when, annaAsks, veraAsked, "SUMMARY:Planning", "LOCATION:Webinar")
	if i := w.page(invitedVera); !i.Pending || i.Link != "" || i.Service != "" {
		t.Errorf("before there is a link: %+v", i)
	}
	w.update(func(tx *store.Tx) error {
		list, err := tx.Bookings(w.event)
		if err != nil || len(list) != 1 {
			return fmt.Errorf("%d bookings, %w", len(list), err)
		}
		b := &list[0]
		b.Link, b.InLocation = link, true
		room := &store.Room{BookingID: b.ID, Generation: b.Generation, Provider: b.Provider, Key: "k", State: "live", JoinURL: link, Start: w.now, End: w.now.Add(time.Hour)}
		if err := tx.PutRoom(room); err != nil {
			return err
		}
		return tx.PutBooking(b)
	})
	w.put(when, annaAsks, veraAsked, "SUMMARY:Planning", "LOCATION:"+link)
	if i := w.page(invitedVera); i.Pending || i.Link != link || i.Service != "MTS Link" || i.Place != "" {
		t.Errorf("with a link in LOCATION: %+v", i)
	}
}
