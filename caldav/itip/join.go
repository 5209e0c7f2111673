package itip

import (
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// A joining puts what the organiser says into an attendee's object. What is the attendee's own stays, and
// so does whatever says the same in other bytes.
type joining struct {
	truth     *ical.Event // says what is the organiser's
	theirs    *ical.Event // is edited
	edit      *ical.Edit
	addresses []string // the attendee's
	// closely: texts count to the line, not only to the word.
	closely bool
	// partStat says what the attendee answers in a component of theirs where the truth says otherwise;
	// nil: what the truth says.
	partStat func(truth, theirs *ical.VEvent) string
	// joins tells whether an attendee whom the truth does not have may stand in theirs; nil: none.
	joins func(theirs *ical.VEvent, a *ical.Attendee) bool
	// other: something besides PARTSTAT was edited.
	other bool
	zones []string // added
}

// attendees tells the properties of a component that are the attendee's own (RFC 6638 §3.2.2.1, and what
// clients keep there for themselves).
func attendees(name string) bool {
	switch name {
	case "TRANSP", "CATEGORIES", "COLOR", "COMMENT", "PERCENT-COMPLETE", "COMPLETED":
		return true
	}
	return private(name)
}

// incidental tells the properties that clients write anew by themselves.
func incidental(name string) bool {
	return name == "DTSTAMP" || name == "LAST-MODIFIED" || name == "CREATED"
}

// component brings theirs, a component of j.theirs, to what truth says.
func (j *joining) component(truth, theirs *ical.VEvent) {
	if !sameTime(truth, theirs) {
		j.putTime(truth, theirs)
	}
	if truth.RecurrenceID == nil && theirs.RecurrenceID == nil {
		if !sameRepetition(j.truth, j.theirs, truth, theirs) {
			j.put(truth, theirs, "RRULE")
			j.put(truth, theirs, "RDATE")
		}
	} else if truth.RangeFuture != theirs.RangeFuture {
		j.put(truth, theirs, "RECURRENCE-ID")
	}
	for _, name := range saidIn(truth, theirs) {
		if !slices.Equal(said(truth, name, j.closely), said(theirs, name, j.closely)) {
			j.put(truth, theirs, name)
		}
	}
	j.organizer(truth, theirs)
	j.people(truth, theirs)
	j.children(truth, theirs)
}

// saidIn are the names of properties in a or b that are the organiser's and compared by what they say.
func saidIn(a, b *ical.VEvent) []string {
	var names []string
	for _, v := range []*ical.VEvent{a, b} {
		for _, l := range v.Component.Lines {
			switch l.Name {
			case "UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "ORGANIZER", "ATTENDEE":
				continue
			}
			if !attendees(l.Name) && !incidental(l.Name) && !slices.Contains(names, l.Name) {
				names = append(names, l.Name)
			}
		}
	}
	return names
}

// said is what v's lines of that name say, comparable. A default says what its absence does.
func said(v *ical.VEvent, name string, closely bool) []string {
	var out []string
	for _, l := range v.Component.All(name) {
		s := strings.TrimSpace(l.Value)
		switch name {
		case "SUMMARY", "LOCATION", "DESCRIPTION", "X-ALT-DESC", "CONTACT", "RESOURCES":
			if s = l.Text(); closely {
				s = tidy(s)
			} else {
				s = words(s)
			}
		case "STATUS", "CLASS":
			s = strings.ToUpper(s)
		}
		switch name + ":" + s {
		case name + ":", "STATUS:CONFIRMED", "CLASS:PUBLIC", "PRIORITY:0", "SEQUENCE:0":
		default:
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// tidy is a text without what clients add or drop at the ends of its lines.
func tidy(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// put has theirs say in the lines of that name what truth says.
func (j *joining) put(truth, theirs *ical.VEvent, name string) {
	j.other = true
	lines := theirs.Component.All(name)
	for i, l := range truth.Component.All(name) {
		j.zone(l)
		if i < len(lines) {
			j.edit.Replace(lines[i], l.Raw())
		} else {
			j.edit.Add(theirs.Component, l.Raw())
		}
	}
	for _, l := range lines[min(len(lines), len(truth.Component.All(name))):] {
		j.edit.Remove(l)
	}
}

func (j *joining) putTime(truth, theirs *ical.VEvent) {
	for _, name := range []string{"DTSTART", "DTEND", "DURATION"} {
		j.put(truth, theirs, name)
	}
}

// zone sees to it that l, a line of the truth, means in theirs what it means there.
func (j *joining) zone(l *ical.Line) {
	tzid := l.Param("TZID")
	if tzid == "" {
		return
	}
	of := func(o *ical.Object) *ical.Component {
		for _, c := range o.Root.Find("VTIMEZONE") {
			if c.Text("TZID") == tzid {
				return c
			}
		}
		return nil
	}
	from, to := of(j.truth.Object), of(j.theirs.Object)
	if from == nil {
		return
	}
	if to != nil {
		one := *l
		one.Value, _, _ = strings.Cut(l.Value, ",")
		one.Value, _, _ = strings.Cut(one.Value, "/")
		there, err1 := j.truth.Object.Time(&one)
		here, err2 := j.theirs.Object.Time(&one)
		if err1 != nil || err2 == nil && here.Time.Equal(there.Time) {
			return
		}
		j.edit.RemoveComponent(to)
	}
	j.addZone(tzid, from)
}

// organizer leaves an ORGANIZER that is the same person as it stands.
func (j *joining) organizer(truth, theirs *ical.VEvent) {
	switch {
	case truth.Organizer == nil && theirs.Organizer == nil:
	case truth.Organizer != nil && theirs.Organizer != nil && truth.Organizer.Address == theirs.Organizer.Address:
	default:
		if truth.Organizer == nil && truth.RecurrenceID != nil {
			return // an instance's is its series'
		}
		j.put(truth, theirs, "ORGANIZER")
	}
}

// people brings the attendees of theirs to those of truth. The attendee's own line stays but for what the
// organiser says in it.
func (j *joining) people(truth, theirs *ical.VEvent) {
	mine := own(truth, j.addresses)
	invited := make(map[string]*ical.Attendee, len(truth.Attendees))
	for i := range truth.Attendees {
		if a := &truth.Attendees[i]; invited[a.Address] == nil {
			invited[a.Address] = a
		}
	}
	seen := make(map[string]bool, len(truth.Attendees))
	for i := range theirs.Attendees {
		now := &theirs.Attendees[i]
		is := invited[now.Address]
		if is == nil && mine != nil && slices.Contains(j.addresses, now.Address) && attendee(theirs, mine.Address) == nil {
			is = mine // by another of the attendee's addresses
		}
		switch {
		case is == nil && j.joins != nil && j.joins(theirs, now):
			continue
		case is == nil, seen[is.Address]:
			j.edit.Remove(now.Line)
			j.other = true
			continue
		case slices.Contains(j.addresses, is.Address):
			j.self(truth, theirs, is, now)
		case is.Line.Raw() == now.Line.Raw():
		case role(is) != role(now):
			j.edit.Replace(now.Line, is.Line.Raw())
			j.other = true
		case is.PartStat != now.PartStat:
			j.edit.SetParam(now.Line, "PARTSTAT", is.PartStat)
		}
		seen[is.Address] = true
	}
	for i := range truth.Attendees {
		if a := &truth.Attendees[i]; !seen[a.Address] {
			seen[a.Address] = true
			j.edit.Add(theirs.Component, a.Line.Raw())
			j.other = true
		}
	}
}

// self brings the attendee's own line to what the organiser says of the attendee.
func (j *joining) self(truth, theirs *ical.VEvent, is, now *ical.Attendee) {
	partStat := is.PartStat
	if is.PartStat != now.PartStat && j.partStat != nil {
		partStat = j.partStat(truth, theirs)
	}
	if to, from := people(is.Line, "DELEGATED-TO"), people(is.Line, "DELEGATED-FROM"); j.partStat == nil &&
		(!slices.Equal(to, people(now.Line, "DELEGATED-TO")) || !slices.Equal(from, people(now.Line, "DELEGATED-FROM"))) {
		j.edit.Replace(now.Line, withPeople(now.Line, to, from))
		j.other = true
	}
	if is.Role != now.Role || is.CUType != now.CUType {
		j.edit.SetParam(now.Line, "ROLE", is.Line.Param("ROLE"))
		j.edit.SetParam(now.Line, "CUTYPE", is.Line.Param("CUTYPE"))
		j.other = true
	}
	if partStat != now.PartStat {
		j.edit.SetParam(now.Line, "PARTSTAT", partStat)
		if partStat == "NEEDS-ACTION" && is.RSVP && !now.RSVP {
			j.edit.SetParam(now.Line, "RSVP", "TRUE")
		}
	}
}

// role is what the organiser says of an attendee, comparable, besides PARTSTAT.
func role(a *ical.Attendee) string {
	said := []string{a.Role, a.CUType, words(a.Name)}
	for _, name := range []string{"DELEGATED-TO", "DELEGATED-FROM", "MEMBER"} {
		said = append(said, strings.Join(people(a.Line, name), " "))
	}
	return strings.Join(said, "\n")
}

// children brings the components inside theirs, alarms and private ones aside, to those of truth.
func (j *joining) children(truth, theirs *ical.VEvent) {
	texts := func(v *ical.VEvent) (list []*ical.Component, out []string) {
		for _, c := range v.Component.Children {
			if c.Name != "VALARM" && !strings.HasPrefix(c.Name, "X-") {
				list, out = append(list, c), append(out, rawText(c))
			}
		}
		return list, out
	}
	_, want := texts(truth)
	have, got := texts(theirs)
	if slices.Equal(want, got) {
		return
	}
	j.other = true
	for _, c := range have {
		j.edit.RemoveComponent(c)
	}
	for _, text := range want {
		j.edit.AddComponent(theirs.Component, text)
	}
}

// mostCompared is how many instances of two rules are compared that say it in other words.
const mostCompared = 1000

// sameRepetition tells whether two masters have the same instances, EXDATE aside, however their rules
// are written: clients write UNTIL, WKST and defaults in their own way.
func sameRepetition(was, is *ical.Event, a, b *ical.VEvent) bool {
	if sameRule(was.Object, is.Object, a, b) {
		return true
	}
	return a.Recurring == b.Recurring && sameInstants(a, b) && sameInstances(was, is, a, b)
}

// sameInstants is sameTime but for the zone's name.
func sameInstants(a, b *ical.VEvent) bool {
	same := func(a, b ical.Time) bool {
		return a.Time.Equal(b.Time) && a.AllDay == b.AllDay && a.Floating == b.Floating
	}
	return same(a.Start, b.Start) && same(a.End, b.End)
}

// sameInstances compares what instances two masters have, EXDATE aside.
func sameInstances(was, is *ical.Event, a, b *ical.VEvent) bool {
	first, last, ok := instances(was, a)
	again, end, ok2 := instances(is, b)
	return ok && ok2 && slices.EqualFunc(first, again, time.Time.Equal) && end.Sub(last).Abs() <= 24*time.Hour
}

// instances are the first instances of master's rule, EXDATE aside, and about when the last is.
func instances(ev *ical.Event, master *ical.VEvent) (first []time.Time, end time.Time, ok bool) {
	bare := withoutExdates(ev, master)
	err := bare.Expand(time.Time{}, time.Time{}, time.UTC, func(i ical.Instance) bool {
		first = append(first, i.Start)
		return len(first) < mostCompared
	})
	if len(first) == mostCompared {
		_, end = bare.Span()
	}
	return first, end, err == nil
}

// withoutExdates is ev with all that the rule of master has, and no overrides.
func withoutExdates(ev *ical.Event, master *ical.VEvent) *ical.Event {
	m, c := *master, *master.Component
	c.Lines = slices.DeleteFunc(slices.Clone(c.Lines), func(l *ical.Line) bool { return l.Name == "EXDATE" })
	m.Component = &c
	return &ical.Event{Object: ev.Object, UID: ev.UID, Master: &m}
}

// addZone adds a VTIMEZONE of the truth, once.
func (j *joining) addZone(tzid string, from *ical.Component) {
	if !slices.Contains(j.zones, tzid) {
		j.zones = append(j.zones, tzid)
		j.edit.AddComponent(j.theirs.Object.Root, rawText(from))
	}
}

// add adds a component of the truth that theirs lacks.
func (j *joining) add(v *ical.VEvent) {
	j.other = true
	for _, l := range v.Component.Lines {
		j.zone(l)
	}
	j.edit.AddComponent(j.theirs.Object.Root, rawText(v.Component))
}

// reread is theirs as it is edited so far.
func (j *joining) reread() *ical.Event {
	if j.edit.Changed() {
		if ev, err := parse(j.edit.Bytes()); err == nil && ev != nil {
			return ev
		}
	}
	return j.theirs
}

// asInSeries tells whether v, an override in t, says nothing of the organiser's that the series does not
// say of that instance: an attendee made it.
func (t *timetable) asInSeries(v *ical.VEvent) bool {
	alone := t.alone(t.id(v))
	if alone == nil || v.RangeFuture {
		return false
	}
	j := &joining{truth: t.Event, theirs: t.Event, edit: t.Object.Edit()}
	j.component(alone, v)
	return !j.other
}

// keeping is what of the attendee's own an override says that the series may say otherwise.
func keeping(v *ical.VEvent) []string {
	var out []string
	for _, l := range v.Component.Lines {
		switch l.Name {
		case "TRANSP", "CATEGORIES", "COLOR":
			out = append(out, l.Name+":"+l.Value)
		}
	}
	for _, c := range v.Component.Children {
		if c.Name == "VALARM" {
			out = append(out, rawText(c))
		}
	}
	slices.Sort(out)
	return out
}
