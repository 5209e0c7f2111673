package itip

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"joinery/caldav/ical"
)

const (
	wholeCancelled = `RFC 5546 §3.2.5: STATUS "MUST be set to CANCELLED to cancel the entire event"`
	partyCrasher   = `RFC 5546 §3.2.2.6: "The Organizer ultimately decides whether or not the new CU becomes part of the event and is not obligated to do anything with a REPLY from a new (uninvited) CU"`
	offInstance    = `RFC 5546 §3.2.5: "The Organizer MUST send a CANCEL message to each Attendee affected by the cancellation"; RFC 6638 §3.2.1.2 has CANCEL for SERVER, then removed, "on a per-instance basis"`
	two            = " [* 2 20140716T120000Z/20140716T130000Z CANCELLED two@example.org NEEDS-ACTION]"
	one            = " [* 2 20140716T120000Z/20140716T130000Z CANCELLED one@example.org NEEDS-ACTION]"
)

// differing are the vectors of sabre/vobject's broker where we hold something else to be right, with the
// sentence that says so, and what we do.
var differing = map[string]struct{ why, want string }{
	"testNoChangeForceSend": {
		`RFC 5546 §3.2.3: REPLY "is used to respond (e.g., accept or decline)"; NEEDS-ACTION responds nothing, and RFC 6638 §7.2 lets the parameter force an answer, not make one`,
		"",
	},
	"testScheduleAgentOnOrganizer": {
		"RFC 6638 §3.2.2.3 has the server do nothing for CLIENT, as the vector; ours excepts CLIENT on the ORGANIZER alone, which Thunderbird writes when it accepts and mails nothing",
		"REPLY to strunk@example.org [* 1 20140716T120000Z/20140716T120000Z one@example.org ACCEPTED]",
	},
	"testAddExdateWithoutPreviousExdate": {
		`RFC 6638 §3.2.2.3: "If the Attendee adds an EXDATE property value to effectively remove a recurrence instance"; a copy that is stored for the first time (§3.2.2.2) adds nothing, it may be the organiser's`,
		"REPLY to organizer@example.org [* 1 20140811T200000Z/20140811T200000Z one@example.org ACCEPTED]",
	},
	"testOrganizerDeleteWithDtend":    {wholeCancelled, "CANCEL to one@example.org" + one + "\nCANCEL to two@example.org" + two},
	"testOrganizerDeleteWithDuration": {wholeCancelled, "CANCEL to one@example.org" + one + "\nCANCEL to two@example.org" + two},
	"testInviteRemoveAttendees":       {wholeCancelled + "; the object is no scheduling object any more", "CANCEL to one@example.org" + one + "\nCANCEL to two@example.org" + two},
	"testInviteStatusCancelled":       {wholeCancelled, "CANCEL [* 3 20140716T120000Z/20140716T130000Z CANCELLED one@example.org NEEDS-ACTION]"},
	"testInviteChangeFromSchedulingToNonSchedulingObject": {
		wholeCancelled + `; §2.1.4: SEQUENCE "MUST be incremented each time the Organizer uses the ADD or CANCEL methods", and the attendees have 2`,
		"CANCEL [* 3 20140716T120000Z/20140716T130000Z CANCELLED one@example.org NEEDS-ACTION]",
	},
	"testReplyPartyCrasher":              {partyCrasher, " nothing"},
	"testReplyPartyCrashCreateException": {partyCrasher, " nothing"},
	"testRemoveInstance": {
		"RFC 5545 §3.8.5.1: EXDATE excludes from the recurrence set; a Thursday is none of a series of Wednesdays, so nothing changes for anybody",
		"",
	},
	"testInviteChangeExdateOrder": {
		"RFC 5546 §3.2.2.2: SUMMARY is gone, which is an update of the details; the order of EXDATEs, which the vector is about, says nothing to us either",
		"REQUEST to one@example.org [* 1 20141211T160000Z/20141211T170000Z FREQ=WEEKLY -20141225T160000Z -20150101T160000Z -20150108T160000Z one@example.org ACCEPTED, strunk@example.org ACCEPTED]",
	},
	"testInviteChangeSignificantChange": {
		`RFC 5545 §3.6.1: "dtend and duration MUST NOT occur in the same eventprop"; such an object is refused when it is saved, and where one stands DTEND counts, which is the same`,
		"CANCEL to one@example.org [* 2 20140716T120000Z/20140716T130000Z one@example.org NEEDS-ACTION]\n" +
			"REQUEST to three@example.org [* 2 20140716T120000Z/20140716T130000Z strunk@example.org ACCEPTED, three@example.org NEEDS-ACTION, two@example.org NEEDS-ACTION]",
	},
	"testExdateTimezone":    {offInstance, "CANCEL to one@example.org [20140723T110000Z 2 20140723T110000Z/20140723T110000Z one@example.org NEEDS-ACTION]"},
	"testExdateTimezoneUTC": {offInstance, "CANCEL to one@example.org [20140723T120000Z 2 20140723T120000Z/20140723T120000Z one@example.org NEEDS-ACTION]"},
}

// skipped are the vectors that cannot be put to us, and why.
var skipped = map[string]string{
	"testRecurringReply":                        "RFC 5545 §3.1: RRULE;FREQ=DAILY is no content line, and the object is refused",
	"testRecurringAllDay":                       "RFC 5545 §3.1: RRULE;FREQ=DAILY is no content line, and the object is refused",
	"testSignificantChangesVeventOrderNoChange": "RFC 4791 §4.1: two components of one UID without RECURRENCE-ID are refused",
}

// A brokerVector is one case of the broker's tests: what a save sends (parse), or what a message makes of the
// stored object (process).
type brokerVector struct {
	Test, Kind, User          string
	Old, New, Input, Existing *string
	Exception                 *string
	Expected                  json.RawMessage
}

// A brokerMessage is what a save is expected to send; nil is not said.
type brokerMessage struct {
	Method, Recipient, Message *string
	Text                       *string
	SignificantChange          *bool
}

// TestBrokerVectors holds the pure function and the reading of answers to another project's reading of the
// RFCs. Its messages without a significant change are those that reach local copies and no mailbox: nobody
// is owed one.
func TestBrokerVectors(t *testing.T) {
	dir := os.Getenv("JOINERY_VECTORS")
	if dir == "" {
		t.Skip("JOINERY_VECTORS does not name the folder with other projects' vectors")
	}
	data, err := os.ReadFile(filepath.Join(dir, "itip-broker-vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []brokerVector
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	agreed, differ, left := 0, 0, 0
	for _, v := range list {
		name := v.Test[strings.Index(v.Test, "::")+2:]
		t.Run(name, func(t *testing.T) {
			if why := skipped[name]; why != "" {
				if refusal(*v.Old) == "taken" && refusal(*v.New) == "taken" {
					t.Error("it can be put to us: take it out of the table")
				}
				left++
				t.Skip(why)
			}
			got, want := v.run(t)
			d, known := differing[name]
			switch {
			case !known && got == want:
				agreed++
			case !known:
				t.Errorf("got\n%s\nwant\n%s", got, want)
			case got == want:
				t.Errorf("agrees now: take it out of the table (%s)", d.why)
			case got != d.want:
				t.Errorf("got\n%s\nwant, differing (%s),\n%s", got, d.why, d.want)
			default:
				differ++
			}
		})
	}
	t.Logf("%d vectors: %d agreed, %d differ for a reason, %d cannot be put to us", len(list), agreed, differ, left)
}

// run gives what we make of v and what is expected, as lines.
func (v *brokerVector) run(t *testing.T) (got, want string) {
	t.Helper()
	if v.Kind == "process" {
		return v.process(t)
	}
	if v.Exception != nil {
		return refusal(*v.New), "refused"
	}
	var expected []brokerMessage
	if err := json.Unmarshal(v.Expected, &expected); err != nil {
		t.Fatal(err)
	}
	owner := ical.Address(v.User)
	c := &itipCase{owner: []string{owner}}
	old, now := brokerEvent(t, v.Old), brokerEvent(t, v.New)
	if now != nil {
		for _, e := range now.All() {
			people := e.Attendees
			if e.Organizer != nil {
				people = append(slices.Clone(people), *e.Organizer)
			}
			for _, a := range people {
				if a.Line.Param("SCHEDULE-FORCE-SEND") != "" {
					local, _, _ := strings.Cut(a.Address, "@")
					c.force = append(c.force, local)
				}
			}
		}
	}
	sent := slices.DeleteFunc(messages(t, c, old, asked(t, old, now, c.owner)), func(o outgoing) bool { return o.quiet })
	expected = slices.DeleteFunc(expected, func(m brokerMessage) bool { return m.SignificantChange != nil && !*m.SignificantChange })
	var a, b []string
	for i, o := range sent {
		restrictions(t, o)
		// What a vector does not say is as we do it.
		var m brokerMessage
		if i < len(expected) {
			m = expected[i]
		}
		a = append(a, brokerSummary(t, m, o))
	}
	for i, m := range expected {
		o := outgoing{to: "?"}
		if i < len(sent) {
			o = sent[i]
		}
		b = append(b, brokerWant(t, m, o))
	}
	return strings.Join(a, "\n"), strings.Join(b, "\n")
}

// brokerSummary is what o says of what m says.
func brokerSummary(t *testing.T, m brokerMessage, o outgoing) string {
	t.Helper()
	ev := mustEvent(t, o.data)
	out := ev.Object.Root.Text("METHOD")
	if m.Recipient != nil || m.Method == nil {
		out += " to " + o.to
	}
	if m.text() != nil || m.Method == nil {
		out += says(ev)
	}
	return out
}

func brokerWant(t *testing.T, m brokerMessage, o outgoing) string {
	t.Helper()
	out := "a message"
	if m.Method != nil {
		out = *m.Method
	}
	if m.Recipient != nil {
		out += " to " + ical.Address(*m.Recipient)
	}
	if text := m.text(); text != nil {
		out += says(brokerEvent(t, text))
	}
	return out
}

func (m brokerMessage) text() *string {
	if m.Text != nil {
		return m.Text
	}
	return m.Message
}

// says is what an event's components say that matters to scheduling.
func says(ev *ical.Event) string {
	if ev == nil {
		return " nothing"
	}
	var parts []string
	for _, v := range ev.All() {
		id := "*"
		if v.RecurrenceID != nil {
			id = stampValue(v.RecurrenceID.Time)
		}
		out := fmt.Sprintf(" [%s %d", id, v.Sequence)
		if !v.Start.Time.IsZero() {
			out += " " + stampValue(v.Start.Time) + "/" + stampValue(v.End.Time)
		}
		for _, name := range []string{"RRULE", "STATUS"} {
			if l := v.Component.First(name); l != nil {
				out += " " + l.Value
			}
		}
		for _, at := range times(ev.Object, v.Component.All("EXDATE")) {
			out += " -" + stampValue(at)
		}
		var people []string
		for _, a := range v.Attendees {
			people = append(people, a.Address+" "+a.PartStat)
		}
		slices.Sort(people)
		parts = append(parts, out+" "+strings.Join(people, ", ")+"]")
	}
	slices.Sort(parts)
	return strings.Join(parts, "")
}

// brokerEvent reads a vector's object; nil where there is none or it holds no event.
func brokerEvent(t *testing.T, text *string) *ical.Event {
	t.Helper()
	if text == nil {
		return nil
	}
	ev := mustEvent(t, crlf(*text))
	if len(ev.All()) == 0 {
		return nil
	}
	return ev
}

// refusal tells whether an object is refused when it is saved.
func refusal(text string) string {
	o, err := ical.Parse(crlf(text), ical.Limits{})
	if err == nil {
		_, err = ical.ParseEvent(o)
	}
	if err == nil {
		_, err = ical.Check(o, 0)
	}
	if err == nil {
		return "taken"
	}
	return "refused"
}

// process is what a message makes of the object that stands.
func (v *brokerVector) process(t *testing.T) (got, want string) {
	t.Helper()
	var expected *string
	if err := json.Unmarshal(v.Expected, &expected); err != nil {
		t.Fatal(err)
	}
	want = says(brokerEvent(t, expected))
	existing := brokerEvent(t, v.Existing)
	input := brokerEvent(t, v.Input)
	if input == nil {
		return says(nil), want
	}
	switch method := input.Object.Root.Text("METHOD"); {
	case method == MethodRequest:
		data, _ := Copy(input, existing, nil, nil)
		return says(mustEvent(t, data)), want
	case existing == nil:
		return says(nil), want
	case method == MethodCancel:
		return says(mustEvent(t, CancelledCopy(existing, SequenceOf(input)))), want
	}
	in, err := ReadIncoming(crlf(*v.Input), "")
	if err != nil {
		return says(nil), want
	}
	data, unknown, _ := Apply(existing, in.Address, in.Parts, roomy, dtstamp)
	if len(unknown) > 0 && string(data) == string(existing.Object.Data) {
		return says(nil), want // nothing to store
	}
	return says(mustEvent(t, data)), want
}
