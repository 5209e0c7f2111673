package change

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// scheduling keeps in a saved body what the client may not lose or forget: statuses of delivery,
// answers that came in meanwhile, the SEQUENCE of a reschedule.
func (s *situation) scheduling(p *plan, edit *ical.Edit) {
	s.force(p, edit)
	before := s.before()
	if before == nil {
		return
	}
	for _, v := range s.incoming.All() {
		moved := itip.Rescheduled(before, s.incoming, v)
		was := counterpart(before, v)
		if was == nil {
			if before.Master == nil || p.event.Role != store.RoleOrganizer {
				continue
			}
			was = before.Master // what it was until now
		}
		s.attendees(p, edit, was, v, moved)
		if p.event.Role == store.RoleOrganizer && s.schedules(v) {
			s.sequence(p, edit, was, v, moved)
		}
	}
}

// sequence raises v's SEQUENCE where an organiser's client forgot it (RFC 5546 §2.1.4), and does not have it fall
// where one stores what it had before.
func (s *situation) sequence(p *plan, edit *ical.Edit, was, v *ical.VEvent, moved bool) {
	least := was.Sequence
	if moved {
		// An answer to the time before names at most what was sent, which may be higher than what stood here.
		least = max(least, s.event.Sequence)
	}
	if moved || v.Cancelled() && !was.Cancelled() || v.RecurrenceID == nil &&
		(!slices.Equal(values(was, "RRULE"), values(v, "RRULE")) || !slices.Equal(values(was, "EXDATE"), values(v, "EXDATE"))) {
		least++
	}
	if v.Sequence < least {
		setSequence(edit, v, least)
		p.event.Sequence = max(p.event.Sequence, least)
	}
}

// before is the event as it was before this save, also where it was deleted; nil if there was none.
func (s *situation) before() *ical.Event {
	if s.current == nil && !s.event.Deleted.IsZero() {
		return parseStored(s.event.Data)
	}
	return s.current
}

// force takes SCHEDULE-FORCE-SEND out of a saved body and notes whom it is for (RFC 6638 §7.2): the
// organiser's REQUEST, an attendee's REPLY. Another value is told to be unknown.
func (s *situation) force(p *plan, edit *ical.Edit) {
	take := func(a *ical.Attendee, method string) {
		value := a.Line.Param("SCHEDULE-FORCE-SEND")
		if value == "" {
			return
		}
		edit.SetParam(a.Line, "SCHEDULE-FORCE-SEND", "")
		if !strings.EqualFold(value, method) {
			edit.SetParam(a.Line, "SCHEDULE-STATUS", unknownForce)
			p.unknown = append(p.unknown, a.Address)
			return
		}
		if !slices.Contains(p.forced, a.Address) {
			p.forced = append(p.forced, a.Address)
		}
	}
	for _, v := range s.incoming.All() {
		switch p.event.Role {
		case store.RoleOrganizer:
			for i := range v.Attendees {
				take(&v.Attendees[i], "REQUEST")
			}
		case store.RoleAttendee:
			if v.Organizer != nil {
				take(v.Organizer, "REPLY")
			}
		}
	}
}

// unknownForce is the SCHEDULE-STATUS of a SCHEDULE-FORCE-SEND that there is not (RFC 6638 §7.2).
const unknownForce = "2.3"

// attendees merges SCHEDULE-STATUS and PARTSTAT of the present object into v.
func (s *situation) attendees(p *plan, edit *ical.Edit, was, v *ical.VEvent, moved bool) {
	if p.event.Role == store.RoleAttendee {
		if was.Organizer != nil && v.Organizer != nil && was.Organizer.Address == v.Organizer.Address {
			keepStatus(edit, was.Organizer, v.Organizer)
		}
		return
	}
	if moved && p.event.Role == store.RoleOrganizer {
		s.askAnew(edit, v)
	}
	for i := range v.Attendees {
		now := &v.Attendees[i]
		j := slices.IndexFunc(was.Attendees, func(a ical.Attendee) bool { return a.Address == now.Address })
		if j < 0 {
			continue
		}
		before := &was.Attendees[j]
		keepStatus(edit, before, now)
		own := slices.Contains(s.user.Addresses, now.Address)
		switch {
		case own || s.policy.isResource(now.Address) || p.event.Role != store.RoleOrganizer:
		case moved || now.PartStat == before.PartStat:
		case now.PartStat == "NEEDS-ACTION", s.olderWord(v, before, now):
			s.stands(edit, was, v, before, now)
		}
	}
}

// askAnew resets what people answered to other times (RFC 6638 §3.2.8).
func (s *situation) askAnew(edit *ical.Edit, v *ical.VEvent) {
	for _, a := range v.Attendees {
		if a.PartStat != "NEEDS-ACTION" && !slices.Contains(s.user.Addresses, a.Address) && !s.policy.isResource(a.Address) {
			edit.SetParam(a.Line, "PARTSTAT", "NEEDS-ACTION")
		}
	}
}

// keepStatus puts back a SCHEDULE-STATUS that only the server writes (RFC 6638 §7.3).
func keepStatus(edit *ical.Edit, was, now *ical.Attendee) {
	status := was.Line.Param("SCHEDULE-STATUS")
	if status != "" && now.Line.Param("SCHEDULE-STATUS") == "" && now.Agent == was.Agent {
		edit.SetParam(now.Line, "SCHEDULE-STATUS", status)
	}
}

// counterpart finds the component of e with v's RECURRENCE-ID.
func counterpart(e *ical.Event, v *ical.VEvent) *ical.VEvent {
	if v.RecurrenceID == nil {
		return e.Master
	}
	for _, o := range e.Overrides {
		if o.RecurrenceID.Time.Equal(v.RecurrenceID.Time) {
			return o
		}
	}
	return nil
}

func values(v *ical.VEvent, name string) []string {
	var out []string
	for _, l := range v.Component.All(name) {
		out = append(out, l.Value)
	}
	slices.Sort(out)
	return out
}

// schedules tells whether somebody besides the owner is scheduled by us.
func (s *situation) schedules(v *ical.VEvent) bool {
	return slices.ContainsFunc(v.Attendees, func(a ical.Attendee) bool {
		return a.Agent == "SERVER" && !slices.Contains(s.user.Addresses, a.Address) && !s.policy.isResource(a.Address)
	})
}

func setSequence(edit *ical.Edit, v *ical.VEvent, n int) {
	if l := v.Component.First("SEQUENCE"); l != nil {
		edit.SetValue(l, strconv.Itoa(n))
		return
	}
	edit.Add(v.Component, fmt.Sprintf("SEQUENCE:%d", n))
}

// isScheduling tells whether an event is a scheduling object resource (RFC 6638 §3.1): its owner
// organises it for others or attends it.
func isScheduling(e *ical.Event, role store.Role, u *store.User) bool {
	if role == store.RoleAttendee {
		return true
	}
	if role != store.RoleOrganizer || e.Organizer() == nil {
		return false
	}
	for _, v := range e.All() {
		if slices.ContainsFunc(v.Attendees, func(a ical.Attendee) bool { return !slices.Contains(u.Addresses, a.Address) }) {
			return true
		}
	}
	return false
}
