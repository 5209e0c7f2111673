package change

import (
	"slices"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// olderWord tells whether now, an attendee of v in an organiser's save, only says what the client knew
// before that person answered: an answer that was taken is not lost by a client that has not seen it.
func (s *situation) olderWord(v *ical.VEvent, before, now *ical.Attendee) bool {
	if s.named {
		was := counterpart(s.base, v)
		if was == nil {
			was = s.base.Master
		}
		if was == nil {
			return false
		}
		known := attendeeOf(was, now.Address)
		return known != nil && known.PartStat == now.PartStat
	}
	// Nobody knows what the client started from: the person's own word counts.
	return slices.ContainsFunc(s.answers, func(a store.Answer) bool {
		return a.Address == now.Address && (a.PartStat == before.PartStat || !a.Waiting.IsZero() && before.PartStat == "TENTATIVE")
	})
}

// stands puts what was, the component as it stands, says of an attendee into v, with whom the attendee sent
// instead.
func (s *situation) stands(edit *ical.Edit, was, v *ical.VEvent, before, now *ical.Attendee) {
	if before.PartStat != "DELEGATED" {
		edit.SetParam(now.Line, "PARTSTAT", before.PartStat)
		return
	}
	edit.Replace(now.Line, before.Line.Raw())
	for _, d := range delegates(was, before) {
		if line := attendeeOf(was, d.Address); line != nil && attendeeOf(v, d.Address) == nil {
			edit.Add(v.Component, line.Line.Raw())
		}
	}
}

// keepAnswers puts back into data, an organiser's save, what people answered to single occurrences in
// overrides that the client does not know, or dropped with nothing else in them.
func (s *situation) keepAnswers(p *plan, data []byte) []byte {
	before := s.before()
	if p.event.Role != store.RoleOrganizer || before == nil || before.Master == nil || s.incoming.Master == nil {
		return data
	}
	var lost []*ical.VEvent
	for _, v := range before.Overrides {
		if counterpart(s.incoming, v) == nil && !v.Cancelled() && !v.RangeFuture {
			lost = append(lost, v)
		}
	}
	if len(lost) == 0 || itip.Rescheduled(before, s.incoming, s.incoming.Master) {
		return data
	}
	bare := itip.AnsweredAlone(before)
	e := parseStored(data)
	for _, v := range lost {
		if !slices.Contains(bare, v) && (!s.named || counterpart(s.base, v) != nil) {
			continue
		}
		for i := range v.Attendees {
			a := &v.Attendees[i]
			series := attendeeOf(before.Master, a.Address)
			if e == nil || series == nil || series.PartStat == a.PartStat || a.PartStat == "NEEDS-ACTION" ||
				slices.Contains(s.user.Addresses, a.Address) || s.policy.isResource(a.Address) {
				continue
			}
			part := itip.Part{Occurrence: v.RecurrenceID.Time, PartStat: a.PartStat, DelegatedTo: delegates(v, a)}
			data, _, _ = itip.Apply(e, a.Address, []itip.Part{part}, s.policy.madeLimit(), s.now)
			e = parseStored(data)
		}
	}
	return data
}
