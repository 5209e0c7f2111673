package itip

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What a stranger may store is a megabyte: as many overrides, EXDATEs and attendees as that holds must
// not keep a transaction open. The bound only catches what would take for ever.
func TestHostileObjects(t *testing.T) {
	daily := edit(t, answered(t, single, "ACCEPTED"), "SUMMARY:Planning\n", "SUMMARY:Planning\nRRULE:FREQ=DAILY\n")
	at := time.Date(2026, 12, 5, 10, 0, 0, 0, time.UTC)
	var overrides, far, people strings.Builder
	override := "BEGIN:VEVENT\nUID:u1\nRECURRENCE-ID;TZID=Europe/Berlin:%[1]s\nDTSTART;TZID=Europe/Berlin:%[1]s\nEND:VEVENT\n"
	for i := range 1000 {
		fmt.Fprintf(&overrides, override, at.AddDate(0, 0, i).Format("20060102T150405"))
		fmt.Fprintf(&far, override, at.AddDate(200, 0, i).Format("20060102T150405"))
		fmt.Fprintf(&people, "ATTENDEE;PARTSTAT=DECLINED:mailto:p%d@example.com\n", i)
	}
	var out []string
	for i := range 10000 {
		out = append(out, at.AddDate(0, 0, 2*i+1).Format("20060102T150405"))
	}
	excluded := add(t, daily, "EXDATE;TZID=Europe/Berlin:"+strings.Join(out, ",")+"\n")
	many := add(t, daily, people.String())
	alarming := add(t, daily, strings.Replace(alarm, "Soon", strings.Repeat("Soon", 100000), 1))
	begun := time.Now()
	for _, tt := range []struct{ name, ours, theirs string }{
		{"overrides against exdates", excluded, daily + overrides.String()},
		{"exdates against overrides", daily + overrides.String(), excluded},
		{"overrides against overrides", daily + overrides.String(), daily + overrides.String()},
		{"a rule that is long to count", strings.Replace(excluded, "FREQ=DAILY", "FREQ=DAILY;COUNT=90000", 1), daily + far.String()},
		{"attendees", many, many},
		{"attendees who are none", daily, many},
		{"overrides of a large copy", daily + overrides.String(), alarming},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ours, theirs := event(t, tt.ours), event(t, tt.theirs)
			if v, err := NewViews(ours).Of("boris@example.org").Event(); err != nil {
				t.Error(err)
			} else if data, _ := Copy(v, theirs, me, nil); len(data) > 2*mostMade {
				t.Errorf("a copy of %d bytes", len(data))
			}
			if data, _, _ := Saved(ours, nil, theirs, me); len(data) > 2*mostMade {
				t.Errorf("a save of %d bytes", len(data))
			}
			var parts []Part
			for i := range maxParts {
				parts = append(parts, Part{Occurrence: at.Add(-time.Hour).AddDate(0, 0, i), PartStat: "DECLINED"})
			}
			if data, _, _ := Apply(ours, "boris@example.org", parts, roomy, dtstamp); len(data) > 2*mostMade {
				t.Errorf("an event of %d bytes", len(data))
			}
		})
	}
	if d := time.Since(begun); d > time.Minute {
		t.Errorf("it took %v", d)
	}
}

// However many instances are asked for, the answer is that of the rule.
func TestTimetable(t *testing.T) {
	ev := event(t, add(t, edit(t, single, "SUMMARY:Planning\n", "SUMMARY:Planning\nRRULE:FREQ=WEEKLY\n"), off12))
	all := timetableOf(ev)
	first := ev.Master.Start.Time
	for i := range 3 * askedSingly {
		id := first.AddDate(0, 0, 7*i)
		for _, at := range []time.Time{id, id.AddDate(0, 0, 1), id.AddDate(120, 0, 0)} {
			_, got := all.at(at)
			_, want := timetableOf(ev).at(at)
			if got != want && all.asked < mostAsked {
				t.Errorf("%v: got %v, want %v", at, got, want)
			}
		}
	}
	if all.asked > mostAsked+askedSingly || all.made == nil {
		t.Errorf("asked %d times", all.asked)
	}
}
