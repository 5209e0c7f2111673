package ical

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// FuzzRule expands whatever rule, dates and override. Nothing panics, instances come in order, each
// overlaps the window, and it takes no more work than it may.
func FuzzRule(f *testing.F) {
	f.Add("FREQ=DAILY;COUNT=3", "TZID=Europe/Berlin:20260328T023000", "20260330T003000Z", int64(1774000000))
	f.Fuzz(func(t *testing.T, rule, start, date string, from int64) {
		for _, s := range []string{rule, start, date} {
			if strings.ContainsAny(s, "\r\n") {
				t.Skip("several lines are FuzzZone's subject")
			}
		}
		if i := strings.IndexByte(start, ':'); i < 0 {
			start = ":" + start
		} else {
			start = ";" + start
		}
		text := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART" + start + "\nDURATION:PT1H\nRRULE:" + rule +
			"\nRDATE:" + date + "\nEXDATE:" + date + "\nEND:VEVENT\n" +
			"BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE:" + date + "\nDTSTART" + start + "\nEND:VEVENT\nEND:VCALENDAR\n"
		expandAnything(t, text, from)
	})
}

// FuzzZone works out whatever VTIMEZONE. Nothing panics, it takes little memory, and what comes of it is a zone: a
// wall clock reading becomes an instant that reads the same, or that lies in a gap.
func FuzzZone(f *testing.F) {
	f.Add(zoneText("Away", "", "+0100", "+0200"), "20260705T090000")
	f.Fuzz(func(t *testing.T, zone, start string) {
		text := "BEGIN:VCALENDAR\n" + strings.TrimRight(zone, "\n") + "\nBEGIN:VEVENT\nUID:1\nDTSTART;TZID=Away:" +
			start + "\nRRULE:FREQ=WEEKLY\nEND:VEVENT\nEND:VCALENDAR\n"
		o, err := Parse([]byte(text), Limits{})
		if err != nil {
			return
		}
		var loc *time.Location
		if spent := allocated(func() { loc = o.Location("Away") }); spent > uint64(64<<20+allocatedPerByte*len(text)) {
			t.Errorf("the zone took %d bytes", spent)
		}
		if loc != nil {
			if c, _, _, err := parseCivil(start); err == nil {
				at, inGap := civilInstant(c, loc)
				if !inGap && civilOf(at) != c {
					t.Errorf("%s became %s", c.utc(), at)
				}
			}
		}
		expandAnything(t, text, 1774000000)
	})
}

func expandAnything(t *testing.T, text string, from int64) {
	t.Helper()
	o, err := Parse([]byte(text), Limits{})
	if err != nil {
		return
	}
	e, err := ParseEvent(o)
	if err != nil {
		return
	}
	start := time.Unix(from%(1<<38), 0)
	last := time.Time{}
	n := 0
	err = countedExpand(t, e, start, start.AddDate(1, 0, 0), time.UTC, func(i Instance) bool {
		if i.Start.Before(last) {
			t.Errorf("%s after %s", i.Start, last)
		}
		if i.End.Before(i.Start) {
			t.Errorf("%s to %s", i.Start, i.End)
		}
		if i.End.Before(start) || !i.Start.Before(start.AddDate(1, 0, 0)) {
			t.Errorf("%s to %s is not in the window from %s", i.Start, i.End, start)
		}
		last = i.Start
		n++
		return n < 5000
	})
	first, ok, nextErr := e.Next(start, time.UTC)
	// The first of the window is the next, unless the window has none or work ran out.
	if err == nil && nextErr == nil && n > 0 && !ok {
		t.Errorf("%d instances from %s, and none is next", n, start)
	}
	if ok && first.End.Before(start) {
		t.Errorf("next after %s: %s to %s", start, first.Start, first.End)
	}
	spanStart, spanEnd := e.Span()
	if ok && (first.Start.Before(spanStart) || !spanEnd.IsZero() && first.End.After(spanEnd)) {
		t.Errorf("%s to %s is not in the span %s to %s", first.Start, first.End, spanStart, spanEnd)
	}
	if err != nil && !errors.Is(err, ErrBudget) && nextErr == nil {
		t.Errorf("expanding: %v, but next has no error", err)
	}
}
