package itip

import (
	"slices"
	"time"

	"joinery/caldav/ical"
)

// Apply puts an attendee's answers into the organiser's event ev: PARTSTAT on the attendee's line of the
// master or of the override; an occurrence without override gets one, made from the rule, where its answer
// differs from the series' one (RFC 6638 §3.2.2.3); an answer to the series counts for overrides that it
// had answered alike. Delegates are added (RFC 5546 §3.2.2.3). Data are ev's bytes where nothing changes.
// unknown are parts of which ev has no such occurrence, or where address is not invited. dtstamp is the
// DTSTAMP of components that are made.
//
// limit is how many bytes the event may have by the overrides that answers make in it: an answer is a line, but
// an override says all that the series says. Parts that need one and find no room are full.
//
// What is cancelled counts as not there. Of several parts that say something of the same occurrence the
// last counts, and parts of occurrences before the one of the series, in whatever order they stand. A
// delegation of which no delegate can be taken is unknown: to the organizer, to oneself, back to who
// delegated, or to no mailbox.
func Apply(ev *ical.Event, address string, parts []Part, limit int, dtstamp time.Time) (data []byte, unknown, full []Part) {
	a := &applying{ev: timetableOf(ev), address: address, dtstamp: dtstamp, limit: limit}
	series, single := a.sort(parts)
	if series != nil && !a.toSeries(*series) {
		a.unknown = append(a.unknown, *series)
	}
	for _, p := range single {
		if !a.toOccurrence(p) {
			a.unknown = append(a.unknown, p)
		}
	}
	return a.bytes(), a.unknown, a.full
}

// An applying is the work of one Apply.
type applying struct {
	ev      *timetable
	edit    *ical.Edit // nil: nothing was edited since ev was read
	address string
	dtstamp time.Time
	unknown []Part
	full    []Part
	limit   int // of the event, in bytes
	made    int // bytes of overrides
}

func (a *applying) editing() *ical.Edit {
	if a.edit == nil {
		a.edit = a.ev.Object.Edit()
	}
	return a.edit
}

func (a *applying) bytes() []byte {
	if a.edit == nil {
		return a.ev.Object.Data
	}
	return a.edit.Bytes()
}

// sort parts what is said of the event itself from what is said of occurrences, each once.
func (a *applying) sort(parts []Part) (series *Part, single []Part) {
	for _, p := range parts {
		p.Occurrence = a.ev.named(p.Occurrence)
		if p.Occurrence.IsZero() {
			series = &p
			continue
		}
		single = slices.DeleteFunc(single, func(before Part) bool { return before.Occurrence.Equal(p.Occurrence) })
		single = append(single, p)
	}
	return series, single
}

// AnsweredAlone are the overrides of ev that say nothing but what people answer: for the rest they say what
// the series does.
func AnsweredAlone(ev *ical.Event) []*ical.VEvent {
	t := timetableOf(ev)
	return slices.DeleteFunc(slices.Clone(ev.Overrides), func(v *ical.VEvent) bool { return !t.asInSeries(v) })
}

// OccurrenceNamed is the RECURRENCE-ID that id means in ev, as clients write it otherwise: a time of
// midnight for a date, a date for the occurrence on that day, and the start of an event that
// does not recur for the event itself.
func OccurrenceNamed(ev *ical.Event, id time.Time) time.Time { return timetableOf(ev).named(id) }

// named is OccurrenceNamed.
func (t *timetable) named(id time.Time) time.Time {
	m := t.Master
	if id.IsZero() || t.rule == nil || t.override(id) != nil {
		return id
	}
	if wall := clock(id, id.Location()); m.Start.AllDay && wall.Equal(wall.Truncate(24*time.Hour)) {
		id = wall
	}
	switch {
	case !m.Recurring && id.Equal(m.Start.Time):
		return time.Time{}
	case m.Start.AllDay || !id.Equal(id.UTC().Truncate(24*time.Hour)) || t.takesOut(id) || t.has(id):
		return id
	}
	if day := named(t.Event, ical.Time{Time: id.UTC(), AllDay: true}); t.has(day) {
		return day
	}
	return id
}

// toSeries applies an answer to the event itself; false where it is unknown.
func (a *applying) toSeries(p Part) bool {
	m := a.ev.Master
	if m == nil || m.Cancelled() {
		return false
	}
	before := attendee(m, a.address)
	if before == nil || !a.answer(m, p) {
		return false
	}
	for _, v := range a.ev.Overrides {
		if mine := attendee(v, a.address); mine != nil && mine.PartStat == before.PartStat && !v.Cancelled() {
			a.answer(v, p)
		}
	}
	if a.edit != nil && a.edit.Changed() {
		// What is made from the rule says what the series says now.
		if ev, err := parse(a.edit.Bytes()); err == nil && ev != nil {
			a.ev, a.edit = timetableOf(ev), nil
		}
	}
	return true
}

// toOccurrence applies an answer to one occurrence; false where it is unknown.
func (a *applying) toOccurrence(p Part) bool {
	if a.ev.Master != nil && a.ev.Master.Cancelled() || a.ev.takesOut(p.Occurrence) {
		return false
	}
	if v := a.ev.override(p.Occurrence); v != nil {
		return !v.Cancelled() && a.answer(v, p)
	}
	o, ok := a.ev.at(p.Occurrence)
	if !ok || o.of.Cancelled() {
		return false
	}
	before := attendee(o.of, a.address)
	if before == nil {
		return false
	}
	if before.PartStat == p.PartStat && len(p.DelegatedTo) == 0 {
		return true
	}
	text := o.component(a.dtstamp)
	if len(a.ev.Object.Data)+a.made+len(text) > a.limit {
		a.full = append(a.full, p)
		return true
	}
	made, err := parse([]byte("BEGIN:VCALENDAR\r\n" + text + "\r\nEND:VCALENDAR\r\n"))
	if err != nil || made == nil || len(made.Overrides) != 1 {
		return false
	}
	one := &applying{ev: timetableOf(made), address: a.address}
	if !one.answer(made.Overrides[0], p) {
		return false
	}
	if made, err = parse(one.bytes()); err != nil || made == nil {
		return false
	}
	a.editing().AddComponent(a.ev.Object.Root, rawText(made.Overrides[0].Component))
	a.made += len(text)
	return true
}

// answer puts an answer into one component; false where address is not invited to it or delegates to
// nobody who can come instead.
func (a *applying) answer(v *ical.VEvent, p Part) bool {
	mine := attendee(v, a.address)
	if mine == nil || p.PartStat == "" {
		return false
	}
	if p.PartStat == "DELEGATED" && len(p.DelegatedTo) > 0 {
		return a.delegate(v, mine, p.DelegatedTo)
	}
	for i := range v.Attendees {
		l := &v.Attendees[i]
		if l.Address != a.address {
			continue
		}
		if l.PartStat != p.PartStat {
			a.editing().SetParam(l.Line, "PARTSTAT", p.PartStat)
		}
		if p.PartStat != "DELEGATED" && l.Line.Param("DELEGATED-TO") != "" {
			a.editing().SetParam(l.Line, "DELEGATED-TO", "") // taken back
		}
	}
	return true
}
