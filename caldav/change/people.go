package change

import (
	"slices"
	"strings"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/store"
)

// people are who is to have o's meeting in the account at the provider: its organiser as host, chairs
// as presenters, whoever is asked to come as guests. Rooms, groups and those who are only informed
// are not; who declined stays, unless the administrator wants otherwise. Each stands once.
func (c *Changer) people(o occasion, p *Present) []conference.Participant {
	host := c.host(o.vevent, p)
	list := []conference.Participant{{Person: host, Role: conference.RoleHost}}
	for _, a := range o.vevent.Attendees {
		if !c.comes(a) || slices.ContainsFunc(list, func(other conference.Participant) bool { return strings.EqualFold(other.Email, a.Address) }) {
			continue
		}
		role := conference.RoleGuest
		if presents(a) {
			role = conference.RolePresenter
		}
		list = append(list, conference.Participant{Person: person(a), Role: role})
	}
	return list
}

// comes tells whether an attendee is a person who is asked to come and can be registered.
func (c *Changer) comes(a ical.Attendee) bool {
	if _, resource := c.opts.Policy.resource(a.Address); resource {
		return false
	}
	switch {
	case a.CUType != "" && a.CUType != "INDIVIDUAL" && a.CUType != "UNKNOWN":
		return false
	case a.Role == "NON-PARTICIPANT":
		return false
	case a.PartStat == "DECLINED" && c.opts.Policy.UnregisterDeclined:
		return false
	}
	local, domain, ok := strings.Cut(a.Address, "@")
	return ok && local != "" && domain != ""
}

// host is the organiser of v, as far as v says who that is.
func (c *Changer) host(v *ical.VEvent, p *Present) conference.Person {
	host := conference.Person{Name: p.User.Name}
	if len(p.User.Addresses) > 0 {
		host.Email = p.User.Addresses[0]
	}
	if v.Organizer != nil {
		host.Email = v.Organizer.Address
	}
	return host
}

// presenters are the chairs of v besides its owner.
func presenters(v *ical.VEvent, u *store.User) []conference.Person {
	var list []conference.Person
	for _, a := range v.Attendees {
		if presents(a) && !slices.Contains(u.Addresses, a.Address) {
			list = append(list, person(a))
		}
	}
	return list
}

func presents(a ical.Attendee) bool { return a.Role == "CHAIR" }

func person(a ical.Attendee) conference.Person {
	return conference.Person{Name: a.Name, Email: a.Address}
}
