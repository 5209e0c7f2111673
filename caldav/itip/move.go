package itip

import (
	"fmt"
	"time"

	"joinery/caldav/ical"
)

// A Time is a new time of an event: dates, as midnights UTC, where AllDay is set, else instants. End is exclusive;
// zero: it takes as long as it did.
type Time struct {
	Start, End time.Time
	AllDay     bool
}

// Moved puts ev, or only the instance occurrence where that is not zero, at another time, as its organiser takes up
// a proposal (RFC 5546 §3.2.7). What was written by the clock of a zone stays so; loc is the clock of floating
// times. An instance that only the rule knows gets an override, whose DTSTAMP is dtstamp. It is an error where ev
// has no such occurrence, or recurs and none is named.
func Moved(ev *ical.Event, occurrence time.Time, to Time, loc *time.Location, dtstamp time.Time) ([]byte, error) {
	t := timetableOf(ev)
	v := ev.Master
	if occurrence = t.named(occurrence); !occurrence.IsZero() {
		if v = t.override(occurrence); v == nil {
			o, ok := t.at(occurrence)
			if !ok {
				return nil, fmt.Errorf("moving %q: it has no such occurrence", ev.UID)
			}
			edit := ev.Object.Edit()
			edit.AddComponent(ev.Object.Root, o.component(dtstamp))
			with, err := parse(edit.Bytes())
			if err != nil {
				return nil, fmt.Errorf("moving an occurrence: %w", err)
			}
			ev = with
			if v = timetableOf(ev).override(occurrence); v == nil {
				return nil, fmt.Errorf("moving %q: the occurrence cannot be written", ev.UID)
			}
		}
	}
	if v == nil || v.RecurrenceID == nil && v.Recurring || v.Component.First("DTSTART") == nil {
		return nil, fmt.Errorf("moving %q: which occurrence?", ev.UID)
	}
	if to.End.IsZero() {
		length := v.End.Time.Sub(v.Start.Time)
		if to.AllDay != v.Start.AllDay {
			if length = time.Hour; to.AllDay {
				length = 24 * time.Hour
			}
		}
		to.End = to.Start.Add(length)
	}
	edit := ev.Object.Edit()
	starts, ends, lasts := v.Component.First("DTSTART"), v.Component.First("DTEND"), v.Component.First("DURATION")
	edit.Replace(starts, at("DTSTART", ev.Object, v.Start, starts, to.Start, to.AllDay, loc))
	end := starts
	like := v.Start
	if ends != nil {
		end, like = ends, v.End
	}
	text := at("DTEND", ev.Object, like, end, to.End, to.AllDay, loc)
	switch {
	case ends != nil:
		edit.Replace(ends, text)
	case lasts != nil:
		edit.Replace(lasts, text)
	default:
		edit.Add(v.Component, text)
	}
	out := edit.Bytes()
	if _, err := parse(out); err != nil {
		return nil, fmt.Errorf("moving %q: %w", ev.UID, err)
	}
	return out, nil
}

// at writes instant (a date where date is set) as property name in the form of l, which says like; in UTC where that is
// of the other kind.
func at(name string, o *ical.Object, like ical.Time, l *ical.Line, instant time.Time, date bool, loc *time.Location) string {
	switch {
	case date && !like.AllDay:
		return ical.FormatLine(name, []ical.Param{{Name: "VALUE", Values: []string{"DATE"}}}, instant.UTC().Format("20060102"))
	case !date && like.AllDay:
		return name + ":" + stampValue(instant)
	case like.Floating && !date:
		instant = clock(instant, loc)
	}
	return inForm(name, o, &ical.VEvent{Start: like}, l, instant)
}
