package itip

import (
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// View returns ev as the attendee at address (as ical.Address makes it) is to see it, an iCalendar
// object without METHOD; nil where the address is invited to nothing that takes place, or is not
// ours to tell (SCHEDULE-AGENT).
//
// Who is invited to the master gets all of it, with EXDATE for the instances that are cancelled or
// that the person is off; who is invited to some instances only gets those, without master (RFC 6638
// §3.2.6). Left out are SCHEDULE-AGENT, SCHEDULE-STATUS and SCHEDULE-FORCE-SEND, alarms, private
// properties, zones not in use, and the note that there is no conference, which is the organiser's.
// Everything else is the organiser's to the byte, and the same for all who are invited to the same.
func View(ev *ical.Event, address string) []byte {
	if k := NewViews(ev).Of(address); k != nil {
		return k.Data
	}
	return nil
}

// Views makes the views of one event. Its people are looked through once, and those who are invited
// to the same share one Known. It is not safe for concurrent use.
type Views struct {
	ev    *ical.Event
	left  map[string]bool   // not ours to tell
	seats map[string]string // what an address is invited to and takes place: a byte a component, in the order of All
	made  map[string]*Known // by seats
	size  int               // bytes of made
}

// NewViews returns the views of ev; of nil there are none.
func NewViews(ev *ical.Event) *Views {
	s := &Views{ev: ev, seats: map[string]string{}, made: map[string]*Known{}}
	if ev == nil || ev.Master != nil && ev.Master.Cancelled() {
		return s
	}
	s.left = notOurs(ev)
	all := ev.All()
	invited := map[string][]byte{}
	for i, v := range all {
		if v.Cancelled() {
			continue
		}
		for _, a := range v.Attendees {
			if invited[a.Address] == nil {
				invited[a.Address] = make([]byte, len(all))
			}
			invited[a.Address][i] = 1
		}
	}
	shared := map[string]string{}
	for address, seats := range invited {
		if _, ok := shared[string(seats)]; !ok {
			shared[string(seats)] = string(seats)
		}
		s.seats[address] = shared[string(seats)]
	}
	return s
}

// Size is how many bytes the views that were made hold.
func (s *Views) Size() int { return s.size }

// Forget drops the views that were made: who asks again gets another Known.
func (s *Views) Forget() {
	clear(s.made)
	s.size = 0
}

// Of is View as a Known.
func (s *Views) Of(address string) *Known {
	seats, invited := s.seats[address]
	if !invited || s.left[address] {
		return nil
	}
	k := s.made[seats]
	if k == nil {
		k = NewKnown(s.view(seats))
		s.made[seats] = k
		s.size += len(k.Data)
	}
	return k
}

// view is the event for those who have seats.
func (s *Views) view(seats string) []byte {
	ev := s.ev
	var keep, off []*ical.VEvent
	whole := false
	for i, v := range ev.All() {
		switch {
		case seats[i] == 1:
			keep = append(keep, v)
			whole = whole || v == ev.Master
		case v != ev.Master:
			off = append(off, v)
		}
	}
	edit := ev.Object.Edit()
	if whole {
		excluded := exdates(ev.Object, ev.Master)
		for _, v := range off {
			if !among(excluded, v.RecurrenceID.Time) {
				edit.Add(ev.Master.Component, exdate(v))
			}
		}
	}
	organizer := ev.Organizer()
	for _, v := range keep {
		withoutNote(edit, v)
		// Each component of a message has one (RFC 5546 §3.2.2), also without its series.
		if v.Organizer == nil && organizer != nil {
			edit.Add(v.Component, ical.FormatLine("ORGANIZER", plain(organizer.Line, ""), organizer.Line.Value))
		}
	}
	trim(edit, ev.Object, keep)
	return edit.Bytes()
}

// withoutNote takes out what the description tells the organiser alone: that the conference could not
// be reserved, and why. It stands in the place of the link's block.
func withoutNote(edit *ical.Edit, v *ical.VEvent) {
	if v.Component.First(ical.PropState) == nil || v.Component.Text(ical.PropState) != "failed" {
		return
	}
	_, rest, found := strings.Cut(v.Description, fenceOpen)
	note, _, closed := strings.Cut(rest, fenceClose)
	if !found || !closed || slices.ContainsFunc(strings.Fields(note), web) {
		return
	}
	edit.Present(v.Component, ical.Presentation{Marks: ical.Marks{Block: fenceOpen + note + fenceClose}})
}

// trim leaves the components keep, at least one, cleaned, and the zones that they use.
func trim(edit *ical.Edit, o *ical.Object, keep []*ical.VEvent) {
	zones := map[string]bool{}
	kept := map[*ical.Component]bool{}
	for _, v := range keep {
		kept[v.Component] = true
		clean(edit, v.Component, zones)
	}
	for _, l := range o.Root.Lines {
		switch l.Name {
		case "VERSION", "PRODID", "CALSCALE":
		default:
			edit.Remove(l)
		}
	}
	if o.Root.First("VERSION") == nil {
		edit.Add(o.Root, "VERSION:2.0")
	}
	if o.Root.First("PRODID") == nil {
		edit.Add(o.Root, "PRODID:"+prodID)
	}
	for _, c := range o.Root.Children {
		if !kept[c] && !(c.Name == "VTIMEZONE" && zones[c.Text("TZID")]) {
			edit.RemoveComponent(c)
		}
	}
	addZones(edit, o, zones, keep[0].Start.Time)
}

const prodID = "-//Joinery//Joinery//EN"

// clean takes out of c what is not for others, and notes the zones of what stays.
func clean(edit *ical.Edit, c *ical.Component, zones map[string]bool) {
	for _, l := range c.Lines {
		if private(l.Name) {
			edit.Remove(l)
			continue
		}
		if tzid := l.Param("TZID"); tzid != "" {
			zones[tzid] = true
		}
		for _, p := range l.Params {
			if strings.HasPrefix(p.Name, "SCHEDULE-") || strings.HasPrefix(p.Name, "X-JOINERY-") {
				edit.SetParam(l, p.Name, "")
			}
		}
	}
	for _, child := range c.Children {
		if child.Name == "VALARM" || strings.HasPrefix(child.Name, "X-") {
			edit.RemoveComponent(child)
			continue
		}
		for _, l := range child.Lines {
			if tzid := l.Param("TZID"); tzid != "" {
				zones[tzid] = true
			}
		}
	}
}

// private tells a property that is nobody else's business: clients' own, except those that say
// something about the event itself.
func private(name string) bool {
	if !strings.HasPrefix(name, "X-") {
		return name == "REQUEST-STATUS"
	}
	switch name {
	case "X-ALT-DESC", "X-APPLE-STRUCTURED-LOCATION", "X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-CDO-INTENDEDSTATUS":
		return false
	}
	return true
}

// exdate is the EXDATE line that takes override v out of its series.
func exdate(v *ical.VEvent) string {
	l := v.Component.First("RECURRENCE-ID")
	var params []ical.Param
	for _, p := range l.Params {
		if p.Name == "TZID" || p.Name == "VALUE" {
			params = append(params, p)
		}
	}
	return ical.FormatLine("EXDATE", params, l.Value)
}

// exdates are the instances that master excludes: instants, or what ical.Time makes of dates and
// floating times. What cannot be read is left out.
func exdates(o *ical.Object, master *ical.VEvent) []time.Time {
	return times(o, master.Component.All("EXDATE"))
}

func times(o *ical.Object, lines []*ical.Line) []time.Time {
	var out []time.Time
	for _, l := range lines {
		for _, value := range strings.Split(l.Value, ",") {
			if strings.EqualFold(l.Param("VALUE"), "PERIOD") {
				value, _, _ = strings.Cut(value, "/")
			}
			one := *l
			one.Value = strings.TrimSpace(value)
			if strings.EqualFold(l.Param("VALUE"), "PERIOD") {
				one.Params = slices.DeleteFunc(slices.Clone(l.Params), func(p ical.Param) bool { return p.Name == "VALUE" })
			}
			if t, err := o.Time(&one); err == nil {
				out = append(out, t.Time.UTC())
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}
