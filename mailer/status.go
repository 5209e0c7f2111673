package mailer

import (
	"slices"

	"joinery/caldav/ical"
	"joinery/store"
)

// underWay is the SCHEDULE-STATUS (RFC 6638 §3.2.9) of what was composed: sent, nothing is known yet.
const underWay = "1.0"

// statuses are what came of mails and does not stand in the event yet: SCHEDULE-STATUS by address, of
// the ORGANIZER where reply is set. The event is edited once for all of them. It is for a look that
// was decided.
func (k *look) statuses() (out map[string]string, reply bool) {
	p := k.present
	if p.Row == nil || p.Row.Imported || p.Event == nil || p.Object == nil {
		return nil, false
	}
	owing := map[string]bool{} // these get another mail, and another status
	for _, o := range k.out {
		owing[o.Address] = o.Message != nil || len(o.Answers) > 0
	}
	out = map[string]string{}
	note := func(a *ical.Attendee) {
		d := k.delivery(a.Address, reply)
		switch {
		case d == nil, d.MessageID == "", d.Status == "", d.Status == underWay, a.Line.Param("SCHEDULE-STATUS") == d.Status:
		case owing[a.Address], slices.Contains(p.User.Addresses, a.Address), isProblem(d.View):
		case len(d.View) == 0 && !p.Gone: // invited again, and not told yet
		default:
			out[a.Address] = d.Status
		}
	}
	reply = p.Row.Role == store.RoleAttendee
	for _, v := range p.Event.All() {
		switch p.Row.Role {
		case store.RoleAttendee:
			if v.Organizer != nil {
				note(v.Organizer)
			}
		case store.RoleOrganizer:
			for i := range v.Attendees {
				if v.Attendees[i].Agent == "SERVER" {
					note(&v.Attendees[i])
				}
			}
		}
	}
	return out, reply
}
