package itip

import (
	"slices"
	"strings"

	"joinery/caldav/ical"
)

// A Kind is what of an event has changed, as people are told.
type Kind string

// The kinds of changes.
const (
	ChangedTime         Kind = "time"
	ChangedRepetition   Kind = "repetition" // RRULE, RDATE, or an EXDATE that is gone
	ChangedTitle        Kind = "title"
	ChangedLocation     Kind = "location"
	ChangedLink         Kind = "link" // also dial-in and passcode
	ChangedDescription  Kind = "description"
	ChangedPage         Kind = "page" // URL
	ChangedAttachments  Kind = "attachments"
	ChangedStatus       Kind = "status" // tentative or not
	ChangedPeople       Kind = "people"
	ChangedOrganizer    Kind = "organizer" // another address: whom to answer
	ChangedDelegate     Kind = "delegate"  // whom the person sent instead does not come
	AddedOccurrence     Kind = "added"     // an instance of its own that was not known
	CancelledOccurrence Kind = "cancelled" // an instance that is off now
)

// A Change is one thing that has changed.
type Change struct {
	Kind Kind
	// Old and New are the components that differ. Old is nil for AddedOccurrence; New is nil for
	// CancelledOccurrence. Where an instance of its own was not known, Old is the master.
	Old, New *ical.VEvent
	// Occurrence is the instance that it concerns; nil: the event itself.
	Occurrence *ical.Time
	// Added and Removed are addresses, ChangedPeople only.
	Added, Removed []string
}

// A comparison compares the components of two objects. What a component says is read once, however
// many others it is compared with: a series is, with each of its instances.
type comparison struct {
	old, now *ical.Object
	said     map[*ical.Component]*facts
}

func newComparison(was, is *ical.Event) *comparison {
	return &comparison{old: was.Object, now: is.Object, said: map[*ical.Component]*facts{}}
}

// facts are what a component says of an event, times aside, comparable.
type facts struct {
	title, link, details, place, agenda, page, organizer string
	attachments, people, refusals                        []string
}

func (c *comparison) facts(v *ical.VEvent) *facts {
	f := c.said[v.Component]
	if f == nil {
		j := JoiningOf(v)
		f = &facts{
			title: words(v.Summary), link: j.Link, details: words(j.Details), place: words(placeBeside(v, j.Link)),
			agenda: words(Agenda(v)), page: v.URL, attachments: values(v, "ATTACH"), people: addresses(v), refusals: refusals(v),
		}
		if f.page == f.link {
			f.page = ""
		}
		// Apple writes a path or urn:uuid: for one and the same person.
		if v.Organizer != nil && Mailable(v.Organizer.Address) {
			f.organizer = v.Organizer.Address
		}
		c.said[v.Component] = f
	}
	return f
}

// changes are what a person is told of, from one component to the other. What does not matter to
// others is no change: alarms, private properties, PARTSTAT and other parameters of ATTENDEE,
// SEQUENCE, DTSTAMP, LAST-MODIFIED.
func (c *comparison) changes(before, after *ical.VEvent) []Change {
	var out []Change
	add := func(kind Kind, changed bool) {
		if changed {
			out = append(out, Change{Kind: kind, Old: before, New: after, Occurrence: after.RecurrenceID})
		}
	}
	was, is := c.facts(before), c.facts(after)
	add(ChangedTime, !sameTime(before, after))
	if before.RecurrenceID == nil && after.RecurrenceID == nil {
		add(ChangedRepetition, !sameRule(c.old, c.now, before, after))
	}
	add(ChangedTitle, was.title != is.title)
	add(ChangedLink, was.link != is.link || was.details != is.details)
	// The word that asked for a conference gives way to its link: that is the link's change.
	arrived := was.link == "" && is.link != "" && is.place == "" && after.Location != ""
	add(ChangedLocation, was.place != is.place && !arrived)
	add(ChangedDescription, was.agenda != is.agenda)
	add(ChangedPage, was.page != is.page)
	add(ChangedAttachments, !slices.Equal(was.attachments, is.attachments))
	add(ChangedStatus, (before.Status == "TENTATIVE") != (after.Status == "TENTATIVE"))
	add(ChangedOrganizer, was.organizer != is.organizer && was.organizer != "" && is.organizer != "")
	add(ChangedDelegate, len(without(is.refusals, was.refusals)) > 0)
	if !slices.Equal(was.people, is.people) {
		out = append(out, Change{
			Kind: ChangedPeople, Old: before, New: after, Occurrence: after.RecurrenceID,
			Added: without(is.people, was.people), Removed: without(was.people, is.people),
		})
	}
	return out
}

// refusals are those who are asked again because whom they sent instead has declined, sorted.
func refusals(v *ical.VEvent) []string {
	var out []string
	for i := range v.Attendees {
		if a := &v.Attendees[i]; a.PartStat == "DECLINED" {
			for _, from := range delegated(a, "DELEGATED-FROM") {
				if d := attendee(v, from); d != nil && d.PartStat == "NEEDS-ACTION" {
					out = append(out, from)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sameTime compares when two components take place. The zone's name counts only in a series, where
// later instances hang on it.
func sameTime(a, b *ical.VEvent) bool {
	same := func(a, b ical.Time) bool {
		return a.Time.Equal(b.Time) && a.AllDay == b.AllDay && a.Floating == b.Floating
	}
	if !same(a.Start, b.Start) || !same(a.End, b.End) {
		return false
	}
	return !a.Recurring || !b.Recurring || zoneName(a.Start) == zoneName(b.Start)
}

func zoneName(t ical.Time) string {
	switch {
	case t.Zone != "":
		return t.Zone
	case t.UTC:
		return "UTC"
	}
	return t.TZID
}

// sameRule compares what instances two masters have, EXDATE aside.
func sameRule(oldObject, newObject *ical.Object, a, b *ical.VEvent) bool {
	rules := func(v *ical.VEvent) []string {
		var out []string
		for _, l := range v.Component.All("RRULE") {
			parts := strings.Split(strings.ToUpper(strings.TrimSpace(l.Value)), ";")
			// INTERVAL=1 and WKST=MO are the defaults.
			parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" || p == "INTERVAL=1" || p == "WKST=MO" })
			slices.Sort(parts)
			out = append(out, strings.Join(parts, ";"))
		}
		slices.Sort(out)
		return out
	}
	if !slices.Equal(rules(a), rules(b)) {
		return false
	}
	was, is := times(oldObject, a.Component.All("RDATE")), times(newObject, b.Component.All("RDATE"))
	return slices.EqualFunc(was, is, equalTimes)
}

// values are the values of v's lines of that name, sorted.
func values(v *ical.VEvent, name string) []string {
	var out []string
	for _, l := range v.Component.All(name) {
		out = append(out, strings.TrimSpace(l.Value))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// without are the elements of a that are not in b, which is sorted.
func without(a, b []string) []string {
	var out []string
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); !found {
			out = append(out, s)
		}
	}
	return out
}
