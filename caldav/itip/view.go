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
	seats map[string]string // what an address is invited to, is ours to tell and takes place: a byte a component, in the order of All; behind them the address where one is askedAgain
	made  map[string]*Known // by seats
	size  int               // bytes of made
	off   *Known
}

// What the bytes of seats say.
const (
	invitedTo  = 1
	askedAgain = 2 // whom the person sent instead does not come
)

// NewViews returns the views of ev; of nil there are none.
func NewViews(ev *ical.Event) *Views {
	s := &Views{ev: ev, seats: map[string]string{}, made: map[string]*Known{}}
	if ev == nil || ev.Master != nil && ev.Master.Cancelled() {
		return s
	}
	s.off = &Known{without: true}
	all := ev.All()
	invited := map[string][]byte{}
	for i, list := range scheduled(ev) {
		if all[i].Cancelled() {
			continue
		}
		for _, a := range list {
			if invited[a.Address] == nil {
				invited[a.Address] = make([]byte, len(all))
			}
			invited[a.Address][i] = invitedTo
			if refused(all[i], a) {
				invited[a.Address][i] = askedAgain
			}
		}
	}
	shared := map[string]string{}
	for address, seats := range invited {
		if slices.Contains(seats, askedAgain) {
			s.seats[address] = string(seats) + address
			continue
		}
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
	if !invited {
		return nil
	}
	k := s.made[seats]
	if k == nil {
		k = s.view(seats)
		s.made[seats] = k
		s.size += len(k.Data)
	}
	return k
}

// Off is what somebody is to know who is invited no longer, while the event takes place: nothing. A CANCEL
// that leads there says so (RFC 5546 §3.2.5). It is nil where the event does not take place.
func (s *Views) Off() *Known { return s.off }

// view is the event for those who have seats.
func (s *Views) view(seats string) *Known {
	ev := s.ev
	var keep, off []*ical.VEvent
	whole := false
	edit := ev.Object.Edit()
	all := ev.All()
	for i, v := range all {
		switch {
		case seats[i] != 0:
			keep = append(keep, v)
			whole = whole || v == ev.Master
			if seats[i] == askedAgain {
				a := attendee(v, seats[len(all):])
				edit.SetParam(a.Line, "PARTSTAT", "NEEDS-ACTION")
				edit.SetParam(a.Line, "RSVP", "TRUE")
				edit.SetParam(a.Line, "DELEGATED-TO", "")
			}
		case v != ev.Master:
			off = append(off, v)
		}
	}
	if whole {
		sameKind(edit, ev)
		excluded := exdates(ev.Object, ev.Master)
		start := ev.Master.Component.First("DTSTART")
		for _, v := range off {
			if at := named(ev, *v.RecurrenceID); !among(excluded, at) {
				edit.Add(ev.Master.Component, inForm("EXDATE", ev.Object, ev.Master, start, at))
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
	k := NewKnown(edit.Bytes())
	k.without = !whole && ev.Master != nil
	for _, v := range off {
		if !v.Cancelled() {
			k.off = append(k.off, named(ev, *v.RecurrenceID))
		}
	}
	slices.SortFunc(k.off, time.Time.Compare)
	return k
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
	calendar(edit, o)
	for _, c := range o.Root.Children {
		if !kept[c] && !(c.Name == "VTIMEZONE" && zones[c.Text("TZID")]) {
			edit.RemoveComponent(c)
		}
	}
	edit.AddZones(zones, keep[0].Start.Time)
}

const prodID = "-//Joinery//Joinery//EN"

// calendar leaves of o's own properties those of a message (RFC 5546 §3.1.1), METHOD aside.
func calendar(edit *ical.Edit, o *ical.Object) {
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
}

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
			if strings.HasPrefix(p.Name, "SCHEDULE-") || strings.HasPrefix(p.Name, "X-JOINERY-") ||
				p.Name == "MANAGED-ID" { // RFC 8607 §3.12.6: it means something to the organiser's clients only
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
