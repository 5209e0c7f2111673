package main

import (
	"context"
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/booking"
	"joinery/store"
)

// A countingProvider tells who came, and is asked nothing here.
type countingProvider struct{ conference.Provider }

func (countingProvider) Traits() conference.Traits { return conference.Traits{Service: "Counting"} }
func (countingProvider) Attendance(context.Context, conference.Room) ([]conference.Visit, error) {
	return nil, errors.New("asked by a command")
}

// A muteProvider does not.
type muteProvider struct{ conference.Provider }

func (muteProvider) Traits() conference.Traits { return conference.Traits{Service: "Mute"} }

const secretLink = "https://my.mts-link.ru/1/2/personal"

// newAttendance makes a weekly event of anna's in Moscow with meetings of each sort.
func newAttendance(t *testing.T) (*commandLine, *app) {
	t.Helper()
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	c.works("s", "user", "add", "anna", "--name", "Anna Petrova", "--email", "anna@example.org", "--password-stdin")
	c.works("s", "user", "add", "boris", "--email", "boris@example.org", "--password-stdin")
	a, err := (&program{environ: c.environ, now: c.now, err: &strings.Builder{}, configPath: c.config}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(a.store.Update(t.Context(), func(tx *store.Tx) error {
		// Two visits overlap, a third is another; some were not told whole.
		held := weeklyRoom(tx, t, "anna", weeklyEvent(tx, t, "anna", store.RoleOrganizer), time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), conference.RoomHistory)
		start := held.Start
		for _, r := range []store.Registration{
			{Address: "anna@example.org", Role: "host", Ref: "1", Link: secretLink},
			{Address: "boris@example.org", Role: "guest", Ref: "2", Link: secretLink},
			{Address: "+carol@example.org", Role: "guest", Ref: "3", Link: secretLink},
			{Address: "dave@example.com", Role: "guest", Refused: "fields"},
		} {
			r.RoomID = held.ID
			must(tx.PutRegistration(&r))
		}
		at := func(minute, second int) time.Time {
			return start.Add(time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
		}
		must(tx.SetVisits(held.ID, []store.Visit{
			{Address: "anna@example.org", Name: "A. P.", Joined: at(-2, 0), Left: at(61, 30), Seconds: 3810},
			{Address: "boris@example.org", Name: "Boris", Joined: at(5, 0), Left: at(25, 0), Seconds: 20 * 60},
			{Address: "boris@example.org", Name: "Boris's phone", Joined: at(20, 0), Left: at(35, 0), Seconds: 15 * 60},
			{Address: "boris@example.org", Name: "Boris", Joined: at(50, 0), Seconds: 9 * 60},
			{Name: "=HYPERLINK(\"https://evil.example\")", Joined: at(12*60+30, 0), Left: at(13*60, 0), Seconds: 600},
			{Name: "Гость\tпервый", Seconds: 20},
			{Address: "eve@example.net", Name: "Eve, \"the\" guest", Joined: at(1, 0), Left: at(2, 0)},
		}))
		booked := store.Booking{ID: held.BookingID}
		later := func(week int, state conference.RoomState, provider string) *store.Room {
			r := &store.Room{BookingID: booked.ID, Provider: provider, State: string(state), Start: start.AddDate(0, 0, 7*week), End: start.AddDate(0, 0, 7*week).Add(time.Hour)}
			must(tx.PutRoom(r))
			must(tx.PutRegistration(&store.Registration{RoomID: r.ID, Address: "boris@example.org", Role: "guest", Ref: "2", Link: secretLink}))
			return r
		}
		denied := later(1, conference.RoomHistory, "mtslink")
		must(tx.AddStep(&store.Step{RoomID: denied.ID, At: at(0, 0), What: booking.AttendanceKind, Outcome: "denied", Detail: "GET /stats: denied"}))
		must(tx.TouchWork(booking.AttendanceKind, denied.ID, at(24*60, 0)))
		later(2, conference.RoomHistory, "mute")
		later(3, conference.RoomHistory, "removed")
		later(4, conference.RoomLeft, "mtslink")
		later(5, conference.RoomLive, "mtslink") // is still to come
		later(6, conference.RoomGone, "mtslink")

		weeklyEvent(tx, t, "boris", store.RoleAttendee)
		return nil
	}))
	a.providers["mtslink"] = conference.Guard(countingProvider{}, conference.GuardOptions{})
	a.providers["mute"] = conference.Guard(muteProvider{}, conference.GuardOptions{})
	return c, a
}

// weeklyEvent stores one user's weekly event.
func weeklyEvent(tx *store.Tx, t *testing.T, login string, role store.Role) *store.Event {
	t.Helper()
	u, err := tx.UserByLogin(login)
	if err != nil {
		t.Fatal(err)
	}
	calendar, err := tx.CalendarBySlug(u.ID, "calendar")
	if err != nil {
		t.Fatal(err)
	}
	data := strings.Join([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:weekly@example.org",
		"DTSTAMP:20260101T000000Z", "DTSTART:20260105T090000Z", "DTEND:20260105T100000Z", "RRULE:FREQ=WEEKLY", "SUMMARY:-2+3 plans",
		"ORGANIZER:mailto:anna@example.org", "ATTENDEE;CN=Carol:mailto:+carol@example.org", "ATTENDEE:mailto:dave@example.com",
		"ATTENDEE;CN=Boris Orlov:mailto:boris@example.org", "END:VEVENT", "END:VCALENDAR", ""}, "\r\n")
	o := &store.Object{CalendarID: calendar.ID, Name: "weekly.ics", UID: "weekly@example.org", Component: "VEVENT", Data: []byte(data), ETag: "e", Recurring: true}
	if err := tx.PutObject(o); err != nil {
		t.Fatal(err)
	}
	e := &store.Event{UserID: u.ID, UID: o.UID, ObjectID: o.ID, Role: role}
	if err := tx.PutEvent(e); err != nil {
		t.Fatal(err)
	}
	return e
}

// weeklyRoom stores an event's booking and a room of it.
func weeklyRoom(tx *store.Tx, t *testing.T, login string, e *store.Event, start time.Time, state conference.RoomState) *store.Room {
	t.Helper()
	b := &store.Booking{EventID: e.ID, UserID: e.UserID, PublicID: "public-of-" + login, State: store.BookingWanted, Provider: "mtslink", Kind: "meeting", Generation: 1}
	if err := tx.PutBooking(b); err != nil {
		t.Fatal(err)
	}
	r := &store.Room{BookingID: b.ID, Provider: "mtslink", State: string(state), Start: start, End: start.Add(time.Hour), Occurrence: "20260105T090000Z", JoinURL: secretLink}
	if err := tx.PutRoom(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAttendanceText(t *testing.T) {
	_, a := newAttendance(t)
	var out strings.Builder
	err := a.store.View(t.Context(), func(tx *store.Tx) error {
		return a.attendance(tx, "weekly@example.org", "", &attendanceText{&whyWriter{app: a, out: &out}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), secretLink) {
		t.Error("a personal link is printed")
	}
	golden(t, "attendance.txt", replaced(out.String(), `\b[0-9a-f]{16}-(\d)\b`, "KEY-$1"))
}

func TestAttendanceCSV(t *testing.T) {
	c, _ := newAttendance(t)
	out := c.works("", "attendance", "weekly@example.org", "--csv", "--user", "anna")
	if strings.Contains(out, secretLink) {
		t.Error("a personal link is printed")
	}
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(records) != 12 {
		t.Errorf("got %d records (%v), want 12", len(records), err)
	}
	for _, r := range records {
		for _, field := range r {
			if field != "" && strings.ContainsAny(field[:1], "=+-@\t\r") {
				t.Errorf("%q is a formula", field)
			}
		}
	}
	if strings.Count(out, "\r\n") != strings.Count(out, "\n") {
		t.Error("lines end without CR")
	}
	out = strings.ReplaceAll(out, "\r\n", "\n")
	golden(t, "attendance.csv", replaced(out, `\b[0-9a-f]{16}-(\d)\b`, "KEY-$1"))
}

func TestAttendanceCommand(t *testing.T) {
	c, a := newAttendance(t)
	for _, test := range []struct {
		args  []string
		parts []string
	}{
		{[]string{}, []string{"takes UID"}},
		{[]string{"nobody"}, []string{"no event has the UID nobody"}},
		{[]string{"weekly@example.org", "--user", "carol"}, []string{"no user carol", "joinery user list"}},
		{[]string{"weekly@example.org", "--user", "boris"}, []string{"organised elsewhere"}},
		{[]string{"other", "--user", "boris"}, []string{"boris has no event with the UID other"}},
	} {
		if len(test.args) > 0 && test.args[0] == "other" {
			err := a.store.Update(t.Context(), func(tx *store.Tx) error {
				u, err := tx.UserByLogin("anna")
				if err != nil {
					return err
				}
				return tx.PutEvent(&store.Event{UserID: u.ID, UID: "other", Role: store.RoleNone})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		c.fails("", append([]string{"attendance"}, test.args...), test.parts...)
	}
	if got := c.works("", "attendance", "other"); !strings.Contains(got, "no meeting of it has taken place") {
		t.Errorf("without a meeting: got %q", got)
	}
	if got := c.works("", "attendance", "other", "--csv"); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "uid,user,") {
		t.Errorf("without a meeting: got %q, want the header alone", got)
	}
}

func TestTotal(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 1, 5, 9, minute, 0, 0, time.UTC) }
	visit := func(from, to, minutes int) store.Visit {
		return store.Visit{Joined: at(from), Left: at(to), Seconds: minutes * 60}
	}
	for _, test := range []struct {
		name     string
		visits   []store.Visit
		from, to time.Time
		minutes  int
	}{
		{"none", nil, time.Time{}, time.Time{}, 0},
		{"one", []store.Visit{visit(0, 10, 10)}, at(0), at(10), 10},
		{"one, away in between", []store.Visit{visit(0, 10, 4)}, at(0), at(10), 4},
		{"one after the other", []store.Visit{visit(20, 30, 10), visit(0, 10, 10)}, at(0), at(30), 20},
		{"end to end", []store.Visit{visit(0, 10, 10), visit(10, 20, 10)}, at(0), at(20), 20},
		{"overlapping", []store.Visit{visit(0, 10, 10), visit(5, 20, 15)}, at(0), at(20), 20},
		{"one within the other", []store.Visit{visit(0, 30, 30), visit(5, 10, 5)}, at(0), at(30), 30},
		{"a chain", []store.Visit{visit(0, 10, 10), visit(8, 18, 10), visit(16, 26, 10)}, at(0), at(26), 26},
		{"overlapping, away in between", []store.Visit{visit(0, 20, 5), visit(10, 30, 5)}, at(0), at(30), 10},
		{"length not told", []store.Visit{visit(0, 10, 0)}, at(0), at(10), 10},
		{"end not told", []store.Visit{{Joined: at(0), Seconds: 300}}, at(0), at(5), 5},
		{"beginning not told", []store.Visit{{Left: at(5), Seconds: 300}}, at(0), at(5), 5},
		{"only the length told", []store.Visit{{Seconds: 300}, visit(0, 10, 10)}, at(0), at(10), 15},
		{"nothing told", []store.Visit{{}}, time.Time{}, time.Time{}, 0},
		{"end before the beginning", []store.Visit{visit(10, 0, 3)}, at(10), at(13), 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stays []stay
			for _, v := range test.visits {
				stays = append(stays, stayOf(v))
			}
			from, to, present := total(stays)
			if !from.Equal(test.from) || !to.Equal(test.to) || minutes(present) != test.minutes {
				t.Errorf("got %v to %v, %d minutes; want %v to %v, %d", from, to, minutes(present), test.from, test.to, test.minutes)
			}
		})
	}
	if got := minutes(20 * time.Second); got != 1 {
		t.Errorf("20 s are %d minutes, want 1", got)
	}
}
