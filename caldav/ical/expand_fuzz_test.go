package ical

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzExpand expands whatever components of each kind. Instances come in order, each overlaps the window and
// lies in the span; a window in two parts gives the same as the whole; and it takes no more work than it may.
func FuzzExpand(f *testing.F) {
	for _, lines := range [][]string{
		{"VEVENT", "DTSTART;TZID=Europe/Berlin:20300324T023000", "DURATION:P1DT1H", "RRULE:FREQ=DAILY;COUNT=20", "EXDATE;TZID=Europe/Berlin:20300326T023000"},
		{"VTODO", "DUE:20300101T100000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20300301T000000Z", "RDATE:20300105T000000Z"},
		{"VTODO", "DTSTART;VALUE=DATE:20300101", "DUE;VALUE=DATE:20300103", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1", "EXDATE;VALUE=DATE:20300131"},
		{"VJOURNAL", "DTSTART;VALUE=DATE:20300101", "RRULE:FREQ=YEARLY;BYWEEKNO=53"},
		{"VEVENT", "DTSTART:20300101T100000", "DTEND:20300101T110000", "RDATE;VALUE=PERIOD:20300201T100000/PT3H,20300301T100000/20300301T120000"},
		{"VEVENT", "DTSTART:20300101T100000Z", "RRULE:FREQ=DAILY", "END:VEVENT", "BEGIN:VEVENT", "UID:1",
			"RECURRENCE-ID;RANGE=THISANDFUTURE:20300110T100000Z", "DTSTART:20300110T150000Z", "DURATION:PT2H"},
	} {
		text := "BEGIN:VCALENDAR\nBEGIN:" + lines[0] + "\nUID:1\n" + strings.Join(lines[1:], "\n") + "\nEND:" + lines[0] + "\nEND:VCALENDAR\n"
		f.Add(text, int64(1893456000), uint16(40), uint16(13))
	}
	f.Fuzz(func(t *testing.T, text string, from int64, days, part uint16) {
		o, err := Parse([]byte(text), Limits{Size: 1 << 14})
		if err != nil {
			return
		}
		start := time.Unix(from%(1<<37), 0).UTC()
		end := start.AddDate(0, 0, int(days)+1)
		middle := start.Add(time.Duration(int(part)%(24*(int(days)+1))) * time.Hour)
		zone, _ := ZoneByName("America/New_York")
		for _, kind := range []string{"VEVENT", "VTODO", "VJOURNAL"} {
			e, err := ParseSeries(o, kind)
			if err != nil {
				continue
			}
			whole, ok := expandWithin(t, e, start, end, zone)
			if !ok {
				continue
			}
			first, ok1 := expandWithin(t, e, start, middle, zone)
			second, ok2 := expandWithin(t, e, middle, end, zone)
			if !ok1 || !ok2 {
				t.Errorf("%s: the whole window can be worked out, its parts cannot", kind)
				continue
			}
			var before, after []string
			for _, i := range whole {
				if i.Start.Before(middle) && middle.After(start) {
					before = append(before, instanceKey(i))
				}
				if overlaps(i, middle) && middle.Before(end) {
					after = append(after, instanceKey(i))
				}
			}
			if got := instanceKeys(first); middle.After(start) && !slices.Equal(got, sorted(before)) {
				t.Errorf("%s from %s to %s: got %v, want %v", kind, start, middle, got, sorted(before))
			}
			if got := instanceKeys(second); !slices.Equal(got, sorted(after)) {
				t.Errorf("%s from %s to %s: got %v, want %v", kind, middle, end, got, sorted(after))
			}
		}
	})
}

// expandWithin expands e, and tells whether that was to be worked out.
func expandWithin(t *testing.T, e *Event, from, to time.Time, zone *time.Location) ([]Instance, bool) {
	t.Helper()
	var is []Instance
	spanStart, spanEnd, seasons := e.reach()
	var last time.Time
	err := countedExpand(t, e, from, to, zone, func(i Instance) bool {
		switch {
		case i.Start.Before(last):
			t.Errorf("%s after %s", i.Start, last)
		case i.End.Before(i.Start):
			t.Errorf("%s to %s", i.Start, i.End)
		case i.End.Before(from), !i.Start.Before(to):
			t.Errorf("%s to %s is not in the window from %s to %s", i.Start, i.End, from, to)
		case i.Start.Before(spanStart), !spanEnd.IsZero() && i.End.After(spanEnd):
			t.Errorf("%s to %s is not in the span from %s to %s", i.Start, i.End, spanStart, spanEnd)
		case seasons != 0 && seasonsOfDays(civilOf(i.Start.UTC()).day(), civilOf(i.End.UTC()).day())&^seasons != 0:
			t.Errorf("%s to %s is not in the seasons %x", i.Start, i.End, seasons)
		}
		last = i.Start
		is = append(is, i)
		return len(is) < 5000
	})
	return is, err == nil && len(is) < 5000
}

// countedExpand is Expand; it fails if more work was done than is allowed, or much was allocated.
func countedExpand(t *testing.T, e *Event, from, to time.Time, zone *time.Location, f func(Instance) bool) error {
	t.Helper()
	b := expandBudget
	var err error
	spent := allocated(func() {
		var x *expansion
		if x, err = newExpansion(e, zone, &b); err == nil {
			err = x.run(from, to, false, f)
		}
	})
	// A step that is refused may overdraw the budget by what it would have cost.
	if lines := budget(len(e.Object.Data)); b < -lines {
		t.Errorf("the budget is overdrawn by %d", -b)
	}
	if limit := uint64(128<<20 + allocatedPerByte*len(e.Object.Data)); spent > limit {
		t.Errorf("%d bytes were allocated", spent)
	}
	return err
}

func instanceKey(i Instance) string {
	return fmt.Sprint(i.Start.Unix(), " ", i.End.Unix(), " ", i.RecurrenceID.Unix())
}

func instanceKeys(is []Instance) []string {
	var keys []string
	for _, i := range is {
		keys = append(keys, instanceKey(i))
	}
	return sorted(keys)
}

func sorted(keys []string) []string {
	slices.Sort(keys)
	return keys
}
