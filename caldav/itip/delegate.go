package itip

import (
	"slices"
	"strings"

	"joinery/caldav/ical"
)

// maxDelegates is how many people one attendee may send instead.
const maxDelegates = 5

// delegate notes in v that mine sends others instead (RFC 5546 §3.2.2.3): PARTSTAT and DELEGATED-TO on
// the delegator's line, and for each delegate a line with DELEGATED-FROM, which who is there already
// only gets added. False where none of the delegates can be taken.
func (a *applying) delegate(v *ical.VEvent, mine *ical.Attendee, to []Delegate) bool {
	var taken []Delegate
	for _, d := range to {
		d.Address = ical.Address(d.Address)
		known := slices.ContainsFunc(taken, func(t Delegate) bool { return t.Address == d.Address })
		if known || len(taken) == maxDelegates || !Mailable(d.Address) || a.organizes(v, d.Address) || delegatedBy(v, mine, d.Address) {
			continue
		}
		taken = append(taken, d)
	}
	if len(taken) == 0 {
		return false
	}
	edit := a.editing()
	var addresses []string
	for _, d := range taken {
		addresses = append(addresses, d.Address)
		there := attendee(v, d.Address)
		if there == nil {
			edit.Add(v.Component, delegateLine(mine, d))
		} else if from := people(there.Line, "DELEGATED-FROM"); !slices.Contains(from, mine.Address) {
			edit.Replace(there.Line, withPeople(there.Line, people(there.Line, "DELEGATED-TO"), append(from, mine.Address)))
		}
	}
	if !slices.Equal(people(mine.Line, "DELEGATED-TO"), addresses) {
		edit.Replace(mine.Line, withPeople(mine.Line, addresses, people(mine.Line, "DELEGATED-FROM")))
	}
	if mine.PartStat != "DELEGATED" {
		edit.SetParam(mine.Line, "PARTSTAT", "DELEGATED")
	}
	return true
}

func (a *applying) organizes(v *ical.VEvent, address string) bool {
	organizer := v.Organizer
	if organizer == nil {
		organizer = a.ev.Organizer()
	}
	return organizer != nil && organizer.Address == address
}

// delegatedBy tells whether address is mine itself, or one of those who have sent mine instead of
// themselves, over however many hands.
func delegatedBy(v *ical.VEvent, mine *ical.Attendee, address string) bool {
	seen := map[string]bool{mine.Address: true}
	for queue := []string{mine.Address}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == address {
			return true
		}
		for i := range v.Attendees {
			by := &v.Attendees[i]
			gave := by.PartStat == "DELEGATED" && slices.Contains(people(by.Line, "DELEGATED-TO"), queue[0])
			if by.Address == queue[0] {
				for _, from := range people(by.Line, "DELEGATED-FROM") {
					if !seen[from] {
						seen[from] = true
						queue = append(queue, from)
					}
				}
			} else if gave && !seen[by.Address] {
				seen[by.Address] = true
				queue = append(queue, by.Address)
			}
		}
	}
	return false
}

func delegateLine(from *ical.Attendee, to Delegate) string {
	var params []ical.Param
	add := func(name, value string) {
		if value != "" {
			params = append(params, ical.Param{Name: name, Values: []string{value}})
		}
	}
	add("CN", to.Name)
	add("ROLE", from.Line.Param("ROLE"))
	add("PARTSTAT", "NEEDS-ACTION")
	add("RSVP", "TRUE")
	add("DELEGATED-FROM", "mailto:"+from.Address)
	return ical.FormatLine("ATTENDEE", params, "mailto:"+to.Address)
}

// people are the addresses in a parameter of l.
func people(l *ical.Line, name string) []string {
	var out []string
	for _, p := range l.Params {
		if p.Name == name {
			for _, value := range p.Values {
				out = append(out, ical.Address(value))
			}
		}
	}
	return out
}

// withPeople is l with to and from, addresses, as DELEGATED-TO and DELEGATED-FROM.
func withPeople(l *ical.Line, to, from []string) string {
	params := slices.DeleteFunc(slices.Clone(l.Params), func(p ical.Param) bool { return strings.HasPrefix(p.Name, "DELEGATED-") })
	for _, p := range []ical.Param{{Name: "DELEGATED-TO", Values: to}, {Name: "DELEGATED-FROM", Values: from}} {
		if len(p.Values) == 0 {
			continue
		}
		p.Values = slices.Clone(p.Values)
		for i, address := range p.Values {
			p.Values[i] = "mailto:" + address
		}
		params = append(params, p)
	}
	return ical.FormatLine(l.Name, params, l.Value)
}
