package itip

import (
	"bytes"
	"strings"
	"testing"

	"joinery/caldav/ical"
)

// TestFoldsAreNoChange folds and ends lines in other ways.
func TestFoldsAreNoChange(t *testing.T) {
	view := View(event(t, single), "boris@example.org")
	for name, other := range map[string][]byte{
		"folded":     bytes.Replace(view, []byte("mailto:boris"), []byte("mail\r\n to:boris"), 1),
		"tab":        bytes.Replace(view, []byte("mailto:boris"), []byte("mail\r\n\tto:boris"), 1),
		"bare LF":    bytes.ReplaceAll(view, []byte("\r\n"), []byte("\n")),
		"blank line": append(bytes.Clone(view), "\r\n"...),
	} {
		if FingerprintOf(other) != FingerprintOf(view) {
			t.Errorf("%s: another fingerprint", name)
		}
		if m, err := Diff(view, other); err != nil || m != nil {
			t.Errorf("%s: got %s, %v", name, describe(m), err)
		}
	}
	for name, other := range map[string][]byte{
		"a space more": bytes.Replace(view, []byte("Agenda"), []byte("Agenda "), 1),
		"a line break": bytes.Replace(view, []byte("mailto:boris"), []byte("mail\r\nto:boris"), 1),
		"nothing":      nil,
	} {
		if FingerprintOf(other) == FingerprintOf(view) {
			t.Errorf("%s: the same fingerprint", name)
		}
	}
}

// TestStatusLeavesTheView writes SCHEDULE-STATUS into a line that the client folded its own way.
func TestStatusLeavesTheView(t *testing.T) {
	ev := event(t, edit(t, single, "ATTENDEE;CN=Boris", "ATTENDEE;CN=Bo\n ris"))
	before := View(ev, "boris@example.org")
	e := ev.Object.Edit()
	e.SetParam(attendee(ev.Master, "boris@example.org").Line, "SCHEDULE-STATUS", "1.1")
	after := View(event2(t, e.Bytes()), "boris@example.org")
	if bytes.Equal(before, after) {
		t.Error("the folds are the same: this tests nothing")
	}
	if FingerprintOf(before) != FingerprintOf(after) {
		t.Errorf("the status is in the view:\n%s\nbefore:\n%s", after, before)
	}
}

// TestViewsAreShared has people who are invited to the same see the same.
func TestViewsAreShared(t *testing.T) {
	weekly := series(t)
	views := NewViews(event(t, add(t, weekly, vera+"ATTENDEE:mailto:carl@example.org\nATTENDEE;SCHEDULE-AGENT=NONE:mailto:none@example.org\n")+
		add(t, instance12, vera+"ATTENDEE:mailto:dora@example.org\n")))
	boris, vera, carl, dora := views.Of("boris@example.org"), views.Of("vera@example.com"), views.Of("carl@example.org"), views.Of("dora@example.org")
	if boris == nil || boris != vera {
		t.Error("two who are invited to everything have views of their own")
	}
	if carl == nil || carl == boris || !strings.Contains(string(carl.Data), "EXDATE") {
		t.Error("who is off an instance has the view of the others")
	}
	if dora == nil || dora == boris || strings.Contains(string(dora.Data), "FREQ=WEEKLY") {
		t.Error("who is invited to an instance alone has the view of the others")
	}
	for _, address := range []string{"none@example.org", "nobody@example.org"} {
		if views.Of(address) != nil {
			t.Errorf("%s has a view", address)
		}
	}
	if NewViews(nil).Of("boris@example.org") != nil {
		t.Error("no event has a view")
	}
}

// TestLargeViews reads views that are larger than what a client may send.
func TestLargeViews(t *testing.T) {
	big := "COMMENT:" + strings.Repeat("x", 1<<20) + "\n"
	text := strings.ReplaceAll("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n"+zone+add(t, single, big)+"END:VCALENDAR\n", "\n", "\r\n")
	o, err := ical.Parse([]byte(text), ical.Limits{Size: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := ical.ParseEvent(o)
	if err != nil {
		t.Fatal(err)
	}
	view := View(ev, "boris@example.org")
	m, err := Diff(View(event(t, edit(t, single, "Planning", "Review")), "boris@example.org"), view)
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(m); got != "REQUEST title" {
		t.Errorf("got %q", got)
	}
	for _, m := range []*Message{m, {Method: MethodCancel, Object: view}} {
		if _, err := m.Calendar("boris@example.org", 1, dtstamp); err != nil {
			t.Error(err)
		}
	}
}
