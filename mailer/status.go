package mailer

import (
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// underWay is the SCHEDULE-STATUS (RFC 6638 §3.2.9) of what was composed: sent, nothing is known yet.
const underWay = "1.0"

// While more mails are on their way the event is edited once for several outcomes, the more people the
// fewer times: every edit is as large as the event, and a revision of it.
const (
	statusLag     = 10 * time.Millisecond // for each person
	statusLagMost = 10 * time.Second
)

// statuses are what came of mails and is to be written into the event now: SCHEDULE-STATUS by address,
// of the ORGANIZER where reply is set. It is for a look that was decided.
func (k *look) statuses() (out map[string]string, reply bool) {
	p := k.present
	if p.Row == nil || p.Row.Imported || p.Event == nil || p.Object == nil {
		return nil, false
	}
	owing := map[string]bool{} // these get another mail, and another status
	for _, o := range k.out {
		owing[o.Address] = owing[o.Address] || o.Message != nil || len(o.Answers) > 0
	}
	ended := map[string]time.Time{} // by Message-ID
	for _, m := range k.messages {
		ended[m.MessageID] = m.Updated
	}
	out = map[string]string{}
	first := k.now
	note := func(a *ical.Attendee) {
		d := k.delivery(a.Address, reply)
		switch {
		case d == nil, d.MessageID == "", d.Status == "", d.Status == underWay, a.Line.Param("SCHEDULE-STATUS") == d.Status:
		case p.Managed, p.Locals[a.Address] != nil: // told in their calendars
		case owing[a.Address], slices.Contains(p.User.Addresses, a.Address), isProblem(d.View):
		case len(d.View) == 0 && !p.Gone: // invited again, and not told yet
		default:
			out[a.Address] = d.Status
			if at := ended[d.MessageID]; at.Before(first) {
				first = at
			}
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
	lag := min(time.Duration(len(k.deliveries))*statusLag, statusLagMost)
	if len(out) > 0 && len(k.underway)+len(k.out) > 0 && k.wait(first, lag) {
		return nil, reply
	}
	return out, reply
}
