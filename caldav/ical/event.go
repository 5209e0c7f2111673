package ical

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A VEvent is a parsed view of one VEVENT, or of a VTODO or VJOURNAL.
type VEvent struct {
	Component    *Component
	UID          string
	RecurrenceID *Time // nil: the master
	RangeFuture  bool  // RANGE=THISANDFUTURE
	Start, End   Time  // of a VTODO to its DUE; End is worked out from DURATION or the default (RFC 5545 §3.6.1); exclusive, never before Start
	Summary      string
	Description  string
	Location     string
	URL          string
	Status       string // upper case, "" if absent
	Class        string // upper case, PUBLIC if absent
	Transparent  bool
	Sequence     int
	Categories   []string
	Organizer    *Attendee
	Attendees    []Attendee
	Recurring    bool // RRULE or RDATE
}

// Cancelled tells whether STATUS is CANCELLED.
func (v *VEvent) Cancelled() bool { return v.Status == "CANCELLED" }

// An Event is all VEVENTs of one object, or all its VTODOs or VJOURNALs.
type Event struct {
	Object    *Object
	UID       string
	Master    *VEvent // nil: only single occurrences
	Overrides []*VEvent
}

// All returns the master, if there is one, and the overrides.
func (e *Event) All() []*VEvent {
	all := make([]*VEvent, 0, 1+len(e.Overrides))
	if e.Master != nil {
		all = append(all, e.Master)
	}
	return append(all, e.Overrides...)
}

// Organizer is the organizer of the master, or of the first override; nil if there is none.
func (e *Event) Organizer() *Attendee {
	for _, v := range e.All() {
		if v.Organizer != nil {
			return v.Organizer
		}
	}
	return nil
}

// ParseEvent reads o's VEVENTs. An object without any gives an Event without master and overrides.
// A time that cannot be read gives an error, and so do two masters and two UIDs. Without DTSTART,
// which a mail may lack, Start and End are zero.
func ParseEvent(o *Object) (*Event, error) { return ParseSeries(o, "VEVENT") }

// ParseSeries is ParseEvent of the object's components of a kind: VEVENT, VTODO or VJOURNAL. What only
// some of them have, such as TRANSP, is read of all. A VTODO without DTSTART begins when it is due.
func ParseSeries(o *Object, kind string) (*Event, error) {
	e := &Event{Object: o}
	for i, c := range o.Root.Find(kind) {
		v, err := o.parseVEvent(c)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			e.UID = v.UID
		} else if e.UID != v.UID {
			return nil, fmt.Errorf("two UIDs in one object: %q and %q", clip(e.UID), clip(v.UID))
		}
		switch {
		case v.RecurrenceID != nil:
			e.Overrides = append(e.Overrides, v)
		case e.Master == nil:
			e.Master = v
		default:
			return nil, fmt.Errorf("two components of UID %q without RECURRENCE-ID", clip(v.UID))
		}
	}
	return e, nil
}

func (o *Object) parseVEvent(c *Component) (*VEvent, error) {
	keyword := func(name string) string { return strings.ToUpper(strings.TrimSpace(c.Text(name))) }
	v := &VEvent{
		Component:   c,
		UID:         c.Text("UID"),
		Summary:     c.Text("SUMMARY"),
		Description: c.Text("DESCRIPTION"),
		Location:    c.Text("LOCATION"),
		Status:      keyword("STATUS"),
		Class:       keyword("CLASS"),
		Transparent: keyword("TRANSP") == "TRANSPARENT",
		Recurring:   c.First("RRULE") != nil || c.First("RDATE") != nil,
	}
	if v.Class == "" {
		v.Class = "PUBLIC"
	}
	if l := c.First("URL"); l != nil {
		v.URL = strings.TrimSpace(l.Value)
	}
	if n, err := strconv.ParseInt(keyword("SEQUENCE"), 10, 32); err == nil && n > 0 {
		v.Sequence = int(n)
	}
	for _, l := range c.All("CATEGORIES") {
		for _, text := range l.Texts() {
			if text = strings.TrimSpace(text); text != "" {
				v.Categories = append(v.Categories, text)
			}
		}
	}
	if l := c.First("ORGANIZER"); l != nil {
		organizer := ParseAttendee(l)
		v.Organizer = &organizer
	}
	for _, l := range c.All("ATTENDEE") {
		v.Attendees = append(v.Attendees, ParseAttendee(l))
	}
	if l := c.First("RECURRENCE-ID"); l != nil {
		id, err := o.readTime(l)
		if err != nil {
			return nil, err
		}
		v.RecurrenceID = &id
		v.RangeFuture = strings.EqualFold(l.Param("RANGE"), "THISANDFUTURE")
	}
	var err error
	v.Start, v.End, err = o.span(c)
	return v, err
}

func (o *Object) readTime(l *Line) (Time, error) {
	t, err := o.Time(l)
	if err != nil {
		return Time{}, fmt.Errorf("reading %s: %w", l.Name, err)
	}
	return t, nil
}

// endLines are the lines that may say when c ends; a VJOURNAL has none (RFC 5545 §3.6.3).
func (c *Component) endLines() (end, duration *Line) {
	switch c.Name {
	case "VJOURNAL":
		return nil, nil
	case "VTODO":
		return c.First("DUE"), c.First("DURATION")
	}
	return c.First("DTEND"), c.First("DURATION")
}

// span reads DTSTART and the end of c, which is DTEND, of a VTODO its DUE, or DTSTART and DURATION, or
// the default of RFC 5545 §3.6.1: a day from a date, no time from a time, and none of a VTODO. An end
// before the start and a DURATION that is none or negative count as absent. Without DTSTART both are a
// VTODO's DUE, else zero.
func (o *Object) span(c *Component) (start, end Time, err error) {
	last, duration := c.endLines()
	l := c.First("DTSTART")
	if l == nil && c.Name == "VTODO" {
		l = last
	}
	if l == nil {
		return Time{}, Time{}, nil
	}
	if start, err = o.readTime(l); err != nil {
		return Time{}, Time{}, err
	}
	end = start
	if last != nil {
		if end, err = o.readTime(last); err != nil {
			return Time{}, Time{}, err
		}
	} else if duration != nil {
		end = o.after(start, duration.Value)
	}
	if start.AllDay && end.AllDay && !end.Time.After(start.Time) && c.Name != "VTODO" {
		end = start
		end.Time = start.Time.AddDate(0, 0, 1)
	} else if end.Time.Before(start.Time) {
		end = start
	}
	return start, end, nil
}

// after is start and a DURATION: days by the calendar of start's zone, the rest by the clock. Of a
// date, what is left of a day counts whole. A duration that cannot be read is none.
func (o *Object) after(start Time, duration string) Time {
	days, exact, err := ParseDuration(duration)
	if err != nil || days < 0 || exact < 0 {
		return start
	}
	end := start
	if start.AllDay {
		const whole = 24 * time.Hour
		end.Time = start.Time.AddDate(0, 0, days+int((exact+whole-1)/whole))
		return end
	}
	if days > 0 {
		end.Time = civilTime(civilOf(start.Time)+civil(days)*day, start.Time.Location())
	}
	end.Time = end.Time.Add(exact)
	return end
}
