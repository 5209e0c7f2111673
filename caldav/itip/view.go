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
// Who has not answered yet is asked to (RSVP), where the client says
// nothing of it: mail programs show their buttons only then. Everything else is the organiser's to
// the byte.
func View(ev *ical.Event, address string) []byte {
	if ev == nil || agentOf(ev, address) != agentServer {
		return nil
	}
	whole := ev.Master != nil && attendee(ev.Master, address) != nil && !ev.Master.Cancelled()
	if ev.Master != nil && ev.Master.Cancelled() {
		return nil
	}
	var keep, off []*ical.VEvent
	if whole {
		keep = append(keep, ev.Master)
	}
	for _, v := range ev.Overrides {
		if attendee(v, address) != nil && !v.Cancelled() {
			keep = append(keep, v)
		} else if whole {
			off = append(off, v)
		}
	}
	if len(keep) == 0 {
		return nil
	}
	edit := ev.Object.Edit()
	if whole {
		excluded := exdates(ev.Object, ev.Master)
		for _, v := range off {
			if !slices.ContainsFunc(excluded, v.RecurrenceID.Time.Equal) {
				edit.Add(ev.Master.Component, exdate(v))
			}
		}
	}
	for _, v := range keep {
		withoutNote(edit, v)
	}
	trim(edit, ev.Object, keep)
	for _, v := range keep {
		if a := attendee(v, address); a != nil && a.PartStat == "NEEDS-ACTION" && a.Line.Param("RSVP") == "" {
			edit.SetParam(a.Line, "RSVP", "TRUE")
		}
	}
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
