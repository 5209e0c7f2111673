package itip

import (
	"slices"
	"time"

	"joinery/caldav/ical"
)

// Saved joins what an attendee's client stores, incoming, with the copy that stands in the calendar, held,
// of an event whose organiser is served here (RFC 6638 §3.2.2.1). What an attendee may change is taken
// from incoming: the own PARTSTAT, delegation, COMMENT, alarms, TRANSP, CATEGORIES, COLOR, X- properties, EXDATE
// that takes an instance out, overrides that change only such things. Everything else is the organiser's
// and put back, quietly where clients are known to change it by themselves.
//
// forbidden names what the attendee tried to change and may not: the time, the repetition, the title or the
// organizer (empty: nothing). It is not set where incoming says what base, the revision that the client
// started from (nil: unknown), said, or has a lower SEQUENCE: a stale client; stale tells so, and then its
// PARTSTAT is not taken either where the time is another now.
//
// Where incoming may stay as it is, data are its bytes. An EXDATE stays once it is there; who wants the
// instance back accepts it. NEEDS-ACTION and a PARTSTAT that incoming only has from base undo no answer.
// An override with STATUS:CANCELLED counts as EXDATE, unless the organiser had called that instance off.
func Saved(held, base, incoming *ical.Event, own []string) (data []byte, stale bool, forbidden string) {
	s := &saving{held: timetableOf(held), incoming: timetableOf(incoming), addresses: own, moved: map[*ical.VEvent]bool{}}
	if base != nil {
		s.base = timetableOf(base)
	}
	s.j = &joining{
		truth: held, theirs: incoming, edit: incoming.Object.Edit(), addresses: own,
		partStat: s.partStat, joins: s.sent,
	}
	s.run()
	if s.forbidden != "" {
		return incoming.Object.Data, false, s.forbidden
	}
	if !s.j.edit.Changed() {
		return incoming.Object.Data, s.stale, ""
	}
	data = s.j.edit.Bytes()
	if ev, err := parse(data); err != nil || ev == nil {
		return held.Object.Data, s.stale, "" // nothing that can be read would be left
	}
	return data, s.stale, ""
}

// A saving is the work of one Saved.
type saving struct {
	held, base, incoming *timetable // base may be nil
	addresses            []string
	j                    *joining
	moved                map[*ical.VEvent]bool // of incoming: at another time than held has it
	back                 []time.Time           // what incoming takes out and is not to be out
	stale                bool
	forbidden            string
}

func (s *saving) run() {
	switch was, is := s.held.Master, s.incoming.Master; {
	case was != nil && is != nil:
		s.component(was, is, func() *ical.VEvent {
			if s.base == nil {
				return nil
			}
			return s.base.Master
		})
		s.exdates()
	case is != nil:
		if s.base == nil || s.base.Master == nil {
			s.forbid("repetition")
		}
		s.stale = true
		s.j.edit.RemoveComponent(is.Component)
	case was != nil:
		s.j.add(was)
	}
	for _, v := range s.incoming.Overrides {
		s.override(v, s.incoming.id(v))
	}
	for _, v := range s.held.Overrides {
		id := s.held.id(v)
		if s.incoming.override(id) != nil || s.incoming.takesOut(id) && !among(s.back, id) || s.released(v) {
			continue
		}
		s.stale = s.stale || s.base != nil && s.base.override(id) == nil
		s.j.add(v)
	}
}

func (s *saving) forbid(what string) {
	if s.forbidden == "" {
		s.forbidden = what
	}
}

// released tells whether v, an override in held, was the attendee's own and has no answer of its own, so
// that a client may drop it.
func (s *saving) released(v *ical.VEvent) bool {
	if s.held.Master == nil || !s.held.asInSeries(v) {
		return false
	}
	a, b := own(v, s.addresses), own(s.held.Master, s.addresses)
	return a != nil && b != nil && a.PartStat == b.PartStat
}

// component checks what theirs, of incoming, says of the organiser's, and brings it to what truth says.
// base gives the component that the client started from, nil where that is unknown.
func (s *saving) component(truth, theirs *ical.VEvent, base func() *ical.VEvent) {
	// settle takes a difference: the client is stale, or it is forbidden.
	settle := func(what string, same func(before *ical.VEvent) bool) {
		if before := base(); theirs.Sequence < truth.Sequence || before != nil && same(before) {
			s.stale = true
			return
		}
		s.forbid(what)
	}
	organizer := truth.Organizer
	if organizer == nil {
		organizer = s.held.Organizer()
	}
	if theirs.Organizer != nil && organizer != nil && theirs.Organizer.Address != organizer.Address {
		settle("organizer", func(before *ical.VEvent) bool {
			return before.Organizer != nil && before.Organizer.Address == theirs.Organizer.Address
		})
	}
	series := truth.RecurrenceID == nil
	if !sameTime(truth, theirs) && !s.sameMoment(truth, theirs) {
		s.moved[theirs] = true
		settle("time", func(before *ical.VEvent) bool { return sameTime(before, theirs) })
	}
	if series && !sameRepetition(s.held.Event, s.incoming.Event, truth, theirs) {
		s.moved[theirs] = s.moved[theirs] || Rescheduled(s.incoming.Event, s.held.Event, truth)
		settle("repetition", func(before *ical.VEvent) bool { return sameRepetition(s.base.Event, s.incoming.Event, before, theirs) })
	}
	if theirs.Component.First("SUMMARY") != nil && words(truth.Summary) != words(theirs.Summary) {
		settle("title", func(before *ical.VEvent) bool { return words(before.Summary) == words(theirs.Summary) })
	}
	if s.forbidden != "" {
		return
	}
	s.j.component(truth, theirs)
	s.agent(truth, theirs)
}

// sameMoment tells whether a difference in time is only one of writing: another zone that has the same
// instants throughout, or no end where the organiser's is meant.
func (s *saving) sameMoment(truth, theirs *ical.VEvent) bool {
	if theirs.Component.First("DTEND") == nil && theirs.Component.First("DURATION") == nil {
		ended := *theirs
		ended.End = truth.End
		if sameTime(truth, &ended) {
			return true
		}
	}
	return truth.Recurring && theirs.Recurring && sameInstants(truth, theirs) && sameInstances(s.held.Event, s.incoming.Event, truth, theirs)
}

// override checks one override of incoming.
func (s *saving) override(v *ical.VEvent, id time.Time) {
	truth := s.held.override(id)
	if truth == nil {
		truth = s.held.alone(id)
	}
	switch {
	case s.incoming.takesOut(id), s.held.takesOut(id):
		s.j.edit.RemoveComponent(v.Component)
	case truth == nil:
		known := v.Sequence < SequenceOf(s.held.Event)
		if s.base != nil {
			known = known || s.base.has(id)
		}
		if !known {
			s.forbid("repetition")
		}
		s.stale = true
		s.j.edit.RemoveComponent(v.Component)
	case v.Cancelled() && !truth.Cancelled() && s.held.Master != nil && s.incoming.Master != nil && !s.wasOff(id):
		s.j.edit.RemoveComponent(v.Component)
		s.exclude(id)
	default:
		s.component(truth, v, func() *ical.VEvent { return s.baseOf(id) })
	}
}

// wasOff tells whether the instance id was called off as the client knew it, so that it was not the attendee who took
// it out.
func (s *saving) wasOff(id time.Time) bool {
	before := s.baseOf(id)
	return before != nil && before.Cancelled() || s.incoming.Master.Cancelled()
}

// baseOf is what the client started from at the instance id; nil where that is unknown.
func (s *saving) baseOf(id time.Time) *ical.VEvent {
	if s.base == nil {
		return nil
	}
	if v := s.base.override(id); v != nil {
		return v
	}
	return s.base.alone(id)
}

// exdates keeps the instances that held excludes excluded, and takes back those that only a stale client
// excludes.
func (s *saving) exdates() {
	theirs, ours := s.incoming.out, s.held.out
	var before []time.Time
	known := s.base != nil && s.base.Master != nil
	if known {
		before = s.base.out
	}
	for _, at := range missing(ours, theirs) {
		s.stale = s.stale || known && !among(before, at)
		s.exclude(at)
	}
	for _, at := range missing(theirs, ours) {
		if _, is := s.held.at(at); known && among(before, at) || !is && s.moved[s.incoming.Master] || s.movedAlone(at) {
			s.back = append(s.back, at)
		}
	}
	if len(s.back) > 0 {
		s.stale = true
		s.j.include(s.incoming.Master, s.back)
	}
}

// movedAlone tells whether the instance at has another time of its own now than where the client took it out.
func (s *saving) movedAlone(at time.Time) bool {
	now, before := s.held.override(at), s.baseOf(at)
	return now != nil && before != nil && !sameTime(before, now)
}

// exclude adds an EXDATE to incoming's master.
func (s *saving) exclude(at time.Time) {
	m := s.held.Master
	start := m.Component.First("DTSTART")
	s.j.zone(start)
	s.j.edit.Add(s.incoming.Master.Component, inForm("EXDATE", s.held.Object, m, start, at))
}

// agent leaves scheduling to the server where a client takes it over and then mails nothing (Replies), and
// SCHEDULE-STATUS, which only the server writes (RFC 6638 §7.3).
func (s *saving) agent(truth, theirs *ical.VEvent) {
	now := theirs.Organizer
	if now == nil || now.Agent != agentServer && !(now.Agent == agentClient && Replies(s.incoming.Event)) {
		return
	}
	if now.Agent == agentClient {
		s.j.edit.SetParam(now.Line, "SCHEDULE-AGENT", "")
	}
	status := ""
	if truth.Organizer != nil {
		status = truth.Organizer.Line.Param("SCHEDULE-STATUS")
	}
	if now.Line.Param("SCHEDULE-STATUS") != status {
		s.j.edit.SetParam(now.Line, "SCHEDULE-STATUS", status)
	}
}

// partStat is the attendee's answer where incoming and held differ.
func (s *saving) partStat(truth, theirs *ical.VEvent) string {
	was, is := own(truth, s.addresses).PartStat, own(theirs, s.addresses).PartStat
	switch is {
	case "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED":
	default:
		return was
	}
	if s.moved[theirs] {
		return was
	}
	var before *ical.VEvent
	if theirs.RecurrenceID != nil {
		before = s.baseOf(s.incoming.id(theirs))
	} else if s.base != nil {
		before = s.base.Master
	}
	if before != nil {
		if a := own(before, s.addresses); a != nil && a.PartStat == is {
			return was // it was answered elsewhere since
		}
	}
	return is
}

// sent tells whether a is one of those whom the attendee sends instead (RFC 6638 §3.2.2.1, RFC 5546
// §3.2.2.3).
func (s *saving) sent(theirs *ical.VEvent, a *ical.Attendee) bool {
	mine := own(theirs, s.addresses)
	if mine == nil || mine.PartStat != "DELEGATED" || s.moved[theirs] {
		return false
	}
	to := people(mine.Line, "DELEGATED-TO")
	return slices.Contains(to[:min(len(to), maxDelegates)], a.Address)
}
