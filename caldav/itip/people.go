package itip

import (
	"net/mail"
	"slices"
	"strings"

	"joinery/caldav/ical"
)

// The values of SCHEDULE-AGENT (RFC 6638 §7.1) that mean something here. Every other value, NONE
// too, means that nobody is told.
const (
	agentServer = "SERVER"
	agentClient = "CLIENT"
)

// Mailable tells whether address, as ical.Address makes it, can be mailed: it is a mailbox and not
// another kind of calendar user address (urn:uuid:…, a path).
func Mailable(address string) bool {
	if address == "" || len(address) > 254 || strings.ContainsAny(address, " \t\r\n<>,;:\"()") {
		return false
	}
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at > 64 || at == len(address)-1 {
		return false
	}
	a, err := mail.ParseAddress(address)
	return err == nil && a.Address == address
}

// Recipients are the addresses that the organiser's event ev is to be told to, each once, in the
// order of the event: those of its ATTENDEEs that we are to schedule (SCHEDULE-AGENT is SERVER or
// absent) and that can be mailed. Left out are own, the organiser's addresses, the ORGANIZER, and
// those that skip tells (rooms and resources of our own). An event without ORGANIZER is no
// scheduling object and has none (RFC 6638 §3.1).
func Recipients(ev *ical.Event, own []string, skip func(ical.Attendee) bool) []string {
	organizer := ev.Organizer()
	if organizer == nil {
		return nil
	}
	var out []string
	seen := map[string]bool{organizer.Address: true}
	for _, list := range scheduled(ev) {
		for _, a := range list {
			switch {
			case seen[a.Address], slices.Contains(own, a.Address):
			case !Mailable(a.Address), skip != nil && skip(*a):
			default:
				out = append(out, a.Address)
				seen[a.Address] = true
			}
		}
	}
	return out
}

// scheduled are, for each component of ev.All, the attendees that the server is to tell of it, each once
// (RFC 6638 §3.2.1.2 goes by the instance). One person has the same SCHEDULE-AGENT in all components
// (§7.1): an override that says nothing of it follows its master, and one that does speaks for itself.
func scheduled(ev *ical.Event) [][]*ical.Attendee {
	left := map[string]bool{}
	if ev.Master != nil {
		for i := range ev.Master.Attendees {
			if a := &ev.Master.Attendees[i]; a.Agent != agentServer {
				left[a.Address] = true
			}
		}
	}
	var out [][]*ical.Attendee
	for _, v := range ev.All() {
		ours := map[string]bool{}
		for i := range v.Attendees {
			a := &v.Attendees[i]
			mine := a.Agent == agentServer && (!left[a.Address] || v != ev.Master && a.Line.Param("SCHEDULE-AGENT") != "")
			if before, twice := ours[a.Address]; twice {
				mine = mine && before
			}
			ours[a.Address] = mine
		}
		var list []*ical.Attendee
		for i := range v.Attendees {
			if a := &v.Attendees[i]; ours[a.Address] {
				list = append(list, a)
				ours[a.Address] = false
			}
		}
		out = append(out, list)
	}
	return out
}

// Replies tells whether answers of an attendee's copy ev go out from here. ORGANIZER's
// SCHEDULE-AGENT says so (RFC 6638 §7.1), but CLIENT on the ORGANIZER alone, with no ATTENDEE
// carrying it, is Thunderbird's, which mails nothing then: it counts as SERVER. Clients that do mail
// themselves mark the attendees too.
func Replies(ev *ical.Event) bool {
	organizer := ev.Organizer()
	if organizer == nil {
		return false
	}
	agent := agentServer
	marked := false
	for _, v := range ev.All() {
		if v.Organizer != nil && v.Organizer.Agent != agentServer {
			agent = v.Organizer.Agent
		}
		for _, a := range v.Attendees {
			marked = marked || a.Agent == agentClient
		}
	}
	return agent == agentServer || agent == agentClient && !marked
}

// attendee returns the line of address in v, nil if there is none.
func attendee(v *ical.VEvent, address string) *ical.Attendee {
	for i := range v.Attendees {
		if v.Attendees[i].Address == address {
			return &v.Attendees[i]
		}
	}
	return nil
}

// own returns the first attendee of v that is one of addresses.
func own(v *ical.VEvent, addresses []string) *ical.Attendee {
	for i := range v.Attendees {
		if slices.Contains(addresses, v.Attendees[i].Address) {
			return &v.Attendees[i]
		}
	}
	return nil
}

// refused tells whether a, of v, has sent others instead and none of them comes.
func refused(v *ical.VEvent, a *ical.Attendee) bool {
	if a.PartStat != "DELEGATED" {
		return false
	}
	to := delegated(a, "DELEGATED-TO")
	return len(to) > 0 && !slices.ContainsFunc(to, func(address string) bool {
		d := attendee(v, address)
		return d == nil || d.PartStat != "DECLINED"
	})
}

// delegated are the addresses in a's DELEGATED-TO or DELEGATED-FROM.
func delegated(a *ical.Attendee, name string) []string {
	var out []string
	for _, p := range a.Line.Params {
		if p.Name == name {
			for _, value := range p.Values {
				out = append(out, ical.Address(value))
			}
		}
	}
	return out
}
