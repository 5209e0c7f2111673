package change

import (
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

var planNow = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

// parseEvent parses one VEVENT of the given lines.
func parseEvent(t *testing.T, lines ...string) *ical.Event {
	t.Helper()
	return parseStored([]byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u\r\n" + strings.Join(lines, "\r\n") +
		"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"))
}

const (
	when   = "DTSTART:20270309T120000Z\r\nDTEND:20270309T130000Z"
	later  = "DTSTART:20270310T120000Z\r\nDTEND:20270310T130000Z"
	past   = "DTSTART:20270209T120000Z\r\nDTEND:20270209T130000Z"
	anna   = "ORGANIZER:mailto:anna@example.org"
	boris  = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:boris@example.org"
	agreed = "ATTENDEE;PARTSTAT=ACCEPTED;SCHEDULE-STATUS=1.1:mailto:boris@example.org"
)

func testSituation(t *testing.T, current, incoming *ical.Event) situation {
	t.Helper()
	if incoming == nil {
		t.Fatal("the incoming body cannot be parsed")
	}
	s := situation{
		now: planNow, policy: testPolicy(), user: &store.User{ID: 7, Login: "anna", Zone: "Europe/Moscow", Locale: "en", Addresses: []string{"anna@example.org", "a@example.org"}},
		local: func(a string) bool { return a == "boris@example.org" }, incoming: incoming, base: current, current: current,
		newID: func() string { return "b1" },
	}
	if current != nil {
		s.event = store.Event{ID: 3, UserID: 7, UID: "u", ObjectID: 5, Role: store.RoleOrganizer}
	}
	return s
}

func TestPlanCreates(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		rule  string
		want  string // provider and kind, empty for none
		set   func(*situation)
	}{
		{name: "organiser", lines: []string{when, anna, boris, "LOCATION:Webinar"}, want: "one webinar"},
		{name: "an alias organises", lines: []string{when, "ORGANIZER:MAILTO:A@example.org", "LOCATION:Webinar"}, want: "one webinar"},
		{name: "no organizer", lines: []string{when, "LOCATION:Webinar"}, want: "one webinar"},
		{name: "attendee's copy", lines: []string{when, "ORGANIZER:mailto:boris@example.org", "ATTENDEE:mailto:anna@example.org", "LOCATION:Webinar"}},
		{name: "somebody else's event", lines: []string{when, "ORGANIZER:mailto:boris@example.org", "LOCATION:Webinar"}},
		{name: "ended", lines: []string{past, "LOCATION:Webinar"}},
		{name: "cancelled", lines: []string{when, "STATUS:CANCELLED", "LOCATION:Webinar"}},
		{name: "imported", lines: []string{when, "LOCATION:Webinar"}, set: func(s *situation) { s.imported = true }},
		{name: "rule always", lines: []string{when, "LOCATION:Room 5"}, rule: "always", want: "one meeting"},
		{name: "rule always, another service's link", lines: []string{when, "LOCATION:https://zoom.us/j/1"}, rule: "always"},
		{name: "rule outside, all from here", lines: []string{when, anna, boris}, rule: "outside"},
		{name: "rule outside, somebody else", lines: []string{when, anna, boris, "ATTENDEE:mailto:eve@example.com"}, rule: "outside", want: "one meeting"},
		{name: "a word goes before the rule", lines: []string{when, "LOCATION:Second"}, rule: "always", want: "two meeting"},
		{name: "refused by policy", lines: []string{when, "LOCATION:Webinar"}, want: "one webinar", set: func(s *situation) { s.refused = "policy" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testSituation(t, nil, parseEvent(t, c.lines...))
			s.rule = c.rule
			if c.set != nil {
				c.set(&s)
			}
			p := planSave(s)
			got := ""
			if p.booking != nil {
				got = p.booking.Provider + " " + p.booking.Kind
			}
			if got != c.want {
				t.Errorf("got %q, want %q (%s)", got, c.want, p.why)
			}
			if refused := s.refused != ""; refused != strings.Contains(string(p.data), "X-JOINERY-STATE;X-REASON=policy:failed") {
				t.Errorf("the event does not say that it was refused:\n%s", p.data)
			}
			if s.imported != strings.Contains(string(p.data), "X-JOINERY-STATE:imported") {
				t.Errorf("the event does not say that it was imported:\n%s", p.data)
			}
		})
	}
}

func TestPlanKeepsWhatOthersSaid(t *testing.T) {
	for _, c := range []struct {
		name          string
		was, now      []string
		want, wantNot string
	}{
		{"a stale answer", []string{when, anna, agreed}, []string{when, anna, boris}, "PARTSTAT=ACCEPTED", "NEEDS-ACTION"},
		{"a status comes back", []string{when, anna, agreed}, []string{when, anna, boris}, "SCHEDULE-STATUS=1.1", ""},
		{"a reschedule asks anew", []string{when, anna, agreed}, []string{later, anna, agreed}, "PARTSTAT=NEEDS-ACTION", "ACCEPTED"},
		{"a reschedule counts", []string{when, anna, agreed}, []string{later, anna, agreed}, "SEQUENCE:1", ""},
		{"a client that counts itself", []string{when, anna, agreed}, []string{later, anna, agreed, "SEQUENCE:4"}, "SEQUENCE:4", "SEQUENCE:1"},
		{"a title does not count", []string{when, anna, agreed}, []string{when, anna, agreed, "SUMMARY:x"}, "SUMMARY:x", "SEQUENCE"},
		{"an excluded instance keeps answers", []string{when, anna, agreed, "RRULE:FREQ=DAILY"}, []string{when, anna, agreed, "RRULE:FREQ=DAILY", "EXDATE:20270310T120000Z"}, "PARTSTAT=ACCEPTED", "NEEDS-ACTION"},
		{"an earlier end keeps answers", []string{when, anna, agreed, "RRULE:FREQ=DAILY"}, []string{when, anna, agreed, "RRULE:FREQ=DAILY;COUNT=3"}, "PARTSTAT=ACCEPTED", "NEEDS-ACTION"},
		{"a rule with other instances asks anew", []string{when, anna, agreed, "RRULE:FREQ=WEEKLY"}, []string{when, anna, agreed, "RRULE:FREQ=DAILY"}, "PARTSTAT=NEEDS-ACTION", "ACCEPTED"},
		{"a rule with fewer instances keeps answers", []string{when, anna, agreed, "RRULE:FREQ=DAILY"}, []string{when, anna, agreed, "RRULE:FREQ=WEEKLY"}, "PARTSTAT=ACCEPTED", "NEEDS-ACTION"},
		{"a later end asks anew", []string{when, anna, agreed, "RRULE:FREQ=DAILY;COUNT=3"}, []string{when, anna, agreed, "RRULE:FREQ=DAILY;COUNT=5"}, "PARTSTAT=NEEDS-ACTION", "ACCEPTED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := planSave(testSituation(t, parseEvent(t, c.was...), parseEvent(t, c.now...)))
			text := strings.ReplaceAll(string(p.data), "\r\n ", "")
			if !strings.Contains(text, c.want) || c.wantNot != "" && strings.Contains(text, c.wantNot) {
				t.Errorf("want %q and not %q in:\n%s", c.want, c.wantNot, text)
			}
		})
	}
}

// TestPlanComesBack holds what becomes of a booking whose event was deleted or cancelled.
func TestPlanComesBack(t *testing.T) {
	linked := []string{when, "LOCATION:" + present, "DESCRIPTION:" + block, mark}
	for _, c := range []struct {
		name       string
		incoming   []string
		deleted    bool
		reusable   bool
		state      store.BookingState
		generation int
		stays      bool // the link stands in the event
	}{
		{"restored in time", linked, true, true, store.BookingWanted, 2, true},
		{"restored from an old copy, in time", []string{when, "LOCATION:Webinar"}, true, true, store.BookingWanted, 2, true},
		{"restored too late", linked, true, false, store.BookingWanted, 3, false},
		{"came back without asking", []string{when, "LOCATION:Room 5"}, true, true, store.BookingRemoved, 2, false},
		{"came back without asking, too late", []string{when, "LOCATION:Room 5"}, true, false, store.BookingRemoved, 2, false},
		{"un-cancelled in time", []string{when}, false, true, store.BookingWanted, 2, true},
		{"un-cancelled too late", []string{when}, false, false, store.BookingWanted, 3, false},
		{"un-cancelled after its end", []string{past, "LOCATION:Webinar"}, false, false, "", 0, false},
		{"restored after its end", append([]string{past}, linked[1:]...), true, false, "", 0, false},
		{"still cancelled", append([]string{"STATUS:CANCELLED"}, linked...), false, true, "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testSituation(t, parseEvent(t, linked...), parseEvent(t, c.incoming...))
			s.own = &store.Booking{ID: 1, EventID: 3, UserID: 7, PublicID: "b1", State: store.BookingDropped, Provider: "one", Kind: "webinar", Generation: 2,
				By: []string{ByLocation}, Link: present, Block: "----( Video Call )----\nMTS Link\n" + present + "\n---===---", InLocation: true}
			s.links, s.reusable = map[int64][]string{1: {present, older}}, c.reusable
			if c.deleted {
				s.event.Deleted, s.event.ObjectID = planNow.Add(-time.Second), 0
			}
			p := planSave(s)
			var state store.BookingState
			generation := 0
			if p.booking != nil {
				state, generation = p.booking.State, p.booking.Generation
			}
			if state != c.state || generation != c.generation {
				t.Errorf("got %q of generation %d, want %q of %d (%s)", state, generation, c.state, c.generation, p.why)
			}
			if got := strings.Contains(strings.ReplaceAll(string(p.data), "\r\n ", ""), present); got != c.stays {
				t.Errorf("the link stands: %v, want %v:\n%s", got, c.stays, p.data)
			}
		})
	}
}

// An event that was cancelled before its link was made, and takes place after all, has nothing in it
// that asks: a later save does not withdraw what was restored.
func TestPlanUncancelledBeforeLink(t *testing.T) {
	s := testSituation(t, parseEvent(t, when, "STATUS:CANCELLED"), parseEvent(t, when))
	s.own = &store.Booking{ID: 1, EventID: 3, UserID: 7, PublicID: "b1", State: store.BookingDropped, Provider: "one", Kind: "webinar", Generation: 1, By: []string{ByLocation}}
	s.reusable = true
	back := planSave(s)
	if back.booking == nil || back.booking.State != store.BookingWanted {
		t.Fatalf("un-cancelled: got %+v, want the booking wanted (%s)", back.booking, back.why)
	}
	s = testSituation(t, parseStored(back.data), parseEvent(t, when, "SUMMARY:New title"))
	s.own, s.reusable = back.booking, true
	if p := planSave(s); p.booking == nil || p.booking.State != store.BookingWanted {
		t.Errorf("a new title: got %+v, want the booking wanted (%s)", p.booking, p.why)
	}
}

func TestPlanStrayNote(t *testing.T) {
	refused := note(testPolicy(), &store.Booking{Provider: "one", Problem: "policy"}, "ru")
	description := "DESCRIPTION:Agenda\\n\\n" + ical.EscapeText(refused)
	for _, c := range []struct {
		name  string
		lines []string
		want  string // DESCRIPTION afterwards
	}{
		{"nothing asks", []string{when, description, "X-JOINERY-STATE;X-REASON=policy:failed"}, "Agenda"},
		{"a word asks", []string{when, "LOCATION:Webinar", description, "X-JOINERY-STATE;X-REASON=policy:failed"}, "Agenda"},
		{"somebody's own text", []string{when, description}, "Agenda\n\n" + refused},
		{"another reason", []string{when, description, "X-JOINERY-STATE;X-REASON=daily:failed"}, "Agenda\n\n" + refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := planSave(testSituation(t, nil, parseEvent(t, c.lines...)))
			if got := parseStored(p.data).Master.Description; got != c.want {
				t.Errorf("DESCRIPTION: got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPlanCapacity(t *testing.T) {
	current := parseEvent(t, when, "X-JOINERY-CONFERENCE;TYPE=WEBINAR;CAPACITY=20:one")
	s := testSituation(t, current, parseEvent(t, when, "X-JOINERY-CONFERENCE;TYPE=WEBINAR;CAPACITY=200:one"))
	s.own = &store.Booking{ID: 1, EventID: 3, UserID: 7, PublicID: "b1", State: store.BookingWanted, Provider: "one", Kind: "webinar", Capacity: 20, Generation: 1, By: []string{ByProperty}}
	p := planSave(s)
	if p.booking == nil || p.booking.Capacity != 200 || p.booking.Generation != 1 {
		t.Errorf("got %+v, want the same booking for 200", p.booking)
	}
}
