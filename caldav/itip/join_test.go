package itip

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"joinery/caldav/ical"
)

const (
	paris = "BEGIN:VTIMEZONE\nTZID:Europe/Paris\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
	alarm = "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Soon\nTRIGGER:-PT5M\nEND:VALARM\n"
	off12 = "EXDATE;TZID=Europe/Berlin:20261212T100000\n"
)

// said12 is the instance of the 12th with Boris's answer.
func said12(t *testing.T, partstat string) string {
	return answered(t, instance12, partstat)
}

// answered is s with Boris's answer in its first component.
func answered(t *testing.T, s, partstat string) string {
	return edit(t, s, "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN=Boris;PARTSTAT="+partstat)
}

// moved12 is s, the instance of the 12th, five hours later.
func moved12(t *testing.T, s string) string {
	return edit(t, s, "DTSTART;TZID=Europe/Berlin:20261212T100000", "DTSTART;TZID=Europe/Berlin:20261212T150000",
		"DTEND;TZID=Europe/Berlin:20261212T110000", "DTEND;TZID=Europe/Berlin:20261212T160000")
}

// read is an object of the package's own making.
func read(t *testing.T, data []byte) *ical.Event {
	t.Helper()
	ev, err := parse(data)
	if err != nil || ev == nil {
		t.Fatalf("what was made cannot be read: %v\n%s", err, data)
	}
	return ev
}

// asSeen is the event of body as Boris is to see it.
func asSeen(t *testing.T, body string) *ical.Event {
	t.Helper()
	return read(t, View(event(t, body), "boris@example.org"))
}

// changed is what differs between two objects, a line each, without folds and zones of the tests.
func changed(before, after []byte) string {
	unfolded := func(data []byte) []string {
		s := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n ", "")
		s = strings.ReplaceAll(s, zone, "BEGIN:VTIMEZONE Europe/Berlin\n")
		s = strings.ReplaceAll(s, paris, "BEGIN:VTIMEZONE Europe/Paris\n")
		return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	}
	a, b := unfolded(before), unfolded(after)
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			fmt.Fprintf(&out, "- %s\n", a[i])
			i++
		default:
			fmt.Fprintf(&out, "+ %s\n", b[j])
			j++
		}
	}
	return out.String()
}

// wellFormed holds what was made to what a calendar must hold (RFC 4791 §4.1).
func wellFormed(t *testing.T, data []byte) {
	t.Helper()
	ev := read(t, data)
	if _, err := ical.Check(ev.Object, 0); err != nil {
		t.Errorf("%v\n%s", err, data)
	}
	var ids []string
	for _, v := range ev.Overrides {
		ids = append(ids, stampValue(named(ev, *v.RecurrenceID)))
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("an instance stands there twice: %v\n%s", ids, data)
	}
}
