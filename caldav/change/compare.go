package change

import (
	"joinery/caldav/ical"
	"joinery/store"
)

// baseOf is what the client started from in v; of an override that it has just made, the master. It is nil
// where there is none.
func (s *situation) baseOf(v *ical.VEvent) *ical.VEvent {
	if s.base == nil {
		return nil
	}
	if was := counterpart(s.base, v); was != nil {
		return was
	}
	return s.base.Master
}

// compare judges v by what its client started from, which it returns. Where nobody but ourselves wrote
// since, the client's link counts as the present one although another was put in its place: the client is
// not stale, and what its organiser did to that link is meant for the one that stands now.
func (s *situation) compare(v *ical.VEvent, b *store.Booking, marks ical.Marks, copied *Ask) (out verdict, base reading) {
	from := s.baseOf(v)
	in, base := s.reading(v, marks), s.policy.read(from, marks)
	out = judge(b, base, in, copied)
	if !s.last || b == nil || b.State != store.BookingWanted || !in.stale() || !base.stale() {
		return out, base
	}
	link := linkIn(from, without(s.links[b.ID], b.Link))
	was := ical.Marks{Link: link, Old: without(withPresent(marks), link)}
	inThen, baseThen := s.reading(v, was), s.policy.read(from, was)
	seen := *b
	seen.Link, seen.InLocation = link, baseThen.found.InLocation
	if link == "" || !inThen.found.Link() {
		return out, base
	}
	if then := judge(&seen, baseThen, inThen, nil); then.move != moveRotate { // it has another link already
		return then, baseThen
	}
	return out, base
}

// linkIn is which of links stands in v, one in LOCATION first; empty if none does.
func linkIn(v *ical.VEvent, links []string) string {
	best := ""
	for _, link := range links {
		f := ical.Find(v.Component, ical.Marks{Link: link})
		if f.InLocation {
			return link
		}
		if f.Link() && best == "" {
			best = link
		}
	}
	return best
}
