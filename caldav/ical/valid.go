package ical

import (
	"fmt"
	"strings"
	"time"
)

// Invalid says which precondition of RFC 4791 §5.3.2.1 an object breaks.
type Invalid struct {
	// Precondition is its local name in the CalDAV namespace: supported-calendar-data,
	// valid-calendar-data, valid-calendar-object-resource, supported-calendar-component,
	// max-attendees-per-instance; same-organizer-in-all-components is of RFC 6638 §3.2.4.2,
	// supported-rscale of RFC 7529.
	Precondition string
	Text         string
}

func (e *Invalid) Error() string { return e.Precondition + ": " + e.Text }

// Summary is what a store's index needs of a valid object.
type Summary struct {
	UID        string
	Component  string
	Start, End time.Time // span of all instances, zero: open or unknown; floating taken ±14 h wide
	Seasons    Seasons   // that all instances lie in
	Recurring  bool
	// Takes is what kind of time (RFC 5545 §3.2.9) an event takes that has one instance, from Start to
	// End exactly; ByPeople where it names somebody. It is empty for all others.
	Takes string
}

// ByPeople is a Summary's Takes of an event whose time depends on who is asked for: they may have declined.
const ByPeople = "PEOPLE"

// takes is a Summary's Takes.
func takes(o *Object, components []*Component) string {
	if len(components) != 1 || components[0].Name != "VEVENT" {
		return ""
	}
	v, err := o.parseVEvent(components[0])
	if err != nil || v.Recurring || v.RecurrenceID != nil || v.Start.AllDay || v.Start.Floating || v.End.AllDay || v.End.Floating {
		return ""
	}
	switch {
	case v.Organizer != nil || len(v.Attendees) > 0:
		return ByPeople
	case v.Transparent || v.Cancelled():
		return "FREE"
	case v.Status == "TENTATIVE":
		return "BUSY-TENTATIVE"
	}
	return "BUSY"
}

// Check holds o to RFC 4791 §4.1 and §5.3.2.1: one UID, one kind of component (VEVENT, VTODO,
// VJOURNAL or VFREEBUSY, besides VTIMEZONE and X- components), no METHOD, DTSTART where it must be,
// DTEND not with DURATION, overrides that agree, one organizer throughout, at most maxAttendees a
// component (0: any number). The error is *Invalid.
//
// What clients in use get wrong without harm is taken: no DTSTAMP, PRODID or VERSION, a SEQUENCE
// that is no number, an end before the start, a zone without VTIMEZONE, overrides without ORGANIZER.
func Check(o *Object, maxAttendees int) (Summary, error) {
	components, err := checkKind(o)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{UID: components[0].Text("UID"), Component: components[0].Name}
	masters := 0
	instances := map[string]bool{}
	organizer := ""
	for _, c := range components {
		if err := checkComponent(c, s.UID, maxAttendees); err != nil {
			return Summary{}, err
		}
		if err := checkRecurrence(o, c); err != nil {
			return Summary{}, err
		}
		if l := c.First("ORGANIZER"); l != nil {
			a := ParseAttendee(l).Address
			if organizer != "" && a != organizer {
				return Summary{}, invalid("same-organizer-in-all-components", "ORGANIZER differs between components")
			}
			organizer = a
		}
		l := c.First("RECURRENCE-ID")
		if l == nil {
			masters++
			s.Recurring = s.Recurring || c.First("RRULE") != nil || c.First("RDATE") != nil
			continue
		}
		id, err := o.readTime(l)
		if err != nil {
			return Summary{}, invalid("valid-calendar-data", err.Error())
		}
		key := fmt.Sprint(id.Floating, id.AllDay, id.Time.Unix())
		if instances[key] {
			return Summary{}, invalid("valid-calendar-object-resource", "two components with RECURRENCE-ID "+clip(l.Value))
		}
		instances[key] = true
	}
	if masters > 1 {
		return Summary{}, invalid("valid-calendar-object-resource", "two components without RECURRENCE-ID")
	}
	s.Start, s.End, s.Seasons, err = spanOf(o, components, s.Recurring)
	if err != nil {
		return Summary{}, invalid("valid-calendar-data", err.Error())
	}
	s.Takes = takes(o, components)
	return s, nil
}

func invalid(precondition, text string) *Invalid {
	return &Invalid{Precondition: precondition, Text: text}
}

// checkKind returns the components that the object is about: all of one kind, at least one.
func checkKind(o *Object) ([]*Component, error) {
	if l := o.Root.First("VERSION"); l != nil && strings.TrimSpace(l.Value) == "1.0" {
		return nil, invalid("supported-calendar-data", "vCalendar 1.0 is not iCalendar")
	}
	if o.Root.First("METHOD") != nil {
		return nil, invalid("valid-calendar-object-resource", "METHOD is for messages, not for stored objects")
	}
	var components []*Component
	for _, c := range o.Root.Children {
		switch c.Name {
		case "VTIMEZONE":
			continue
		case "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY":
		default:
			if strings.HasPrefix(c.Name, "X-") {
				continue
			}
			return nil, invalid("supported-calendar-component", "a component of kind "+clip(c.Name))
		}
		if len(components) > 0 && components[0].Name != c.Name {
			return nil, invalid("valid-calendar-object-resource", components[0].Name+" and "+c.Name+" in one object")
		}
		components = append(components, c)
	}
	if len(components) == 0 {
		if n := len(o.Root.Children); n > 0 && strings.HasPrefix(o.Root.Children[n-1].Name, "X-") {
			return nil, invalid("supported-calendar-component", "no VEVENT, VTODO, VJOURNAL or VFREEBUSY")
		}
		return nil, invalid("valid-calendar-object-resource", "no VEVENT, VTODO, VJOURNAL or VFREEBUSY")
	}
	return components, nil
}

// checkComponent looks at what concerns one component alone.
func checkComponent(c *Component, uid string, maxAttendees int) error {
	once := []string{"UID", "DTSTART", "DTEND", "DUE", "DURATION", "RECURRENCE-ID", "ORGANIZER"}
	counts := map[string]int{}
	for _, l := range c.Lines {
		counts[l.Name]++
	}
	switch own := c.Text("UID"); {
	case strings.TrimSpace(own) == "":
		return invalid("valid-calendar-object-resource", c.Name+" without UID")
	case own != uid:
		return invalid("valid-calendar-object-resource", "two UIDs in one object")
	}
	for _, name := range once {
		if counts[name] > 1 {
			return invalid("valid-calendar-data", "two "+name+" lines in one "+c.Name)
		}
	}
	end := "DTEND"
	if c.Name == "VTODO" {
		end = "DUE"
	}
	switch {
	case c.Name == "VEVENT" && counts["DTSTART"] == 0:
		return invalid("valid-calendar-data", "VEVENT without DTSTART")
	case counts[end] > 0 && counts["DURATION"] > 0:
		return invalid("valid-calendar-data", end+" together with DURATION")
	case maxAttendees > 0 && counts["ATTENDEE"] > maxAttendees:
		return invalid("max-attendees-per-instance", fmt.Sprintf("more than %d attendees", maxAttendees))
	}
	return nil
}

// checkRecurrence refuses rules and dates that cannot be expanded: an event that is shown nowhere is
// worse than a save that is refused.
func checkRecurrence(o *Object, c *Component) error {
	for _, l := range c.Lines {
		switch l.Name {
		case "RRULE", "EXRULE":
			if _, err := ParseRule(l.Value); err != nil {
				precondition := "valid-calendar-data"
				if strings.Contains(strings.ToUpper(l.Value), "RSCALE=") {
					precondition = "supported-rscale"
				}
				return invalid(precondition, err.Error())
			}
		case "RDATE", "EXDATE":
			if _, err := o.Times(l); err != nil {
				return invalid("valid-calendar-data", err.Error())
			}
		}
	}
	return nil
}
