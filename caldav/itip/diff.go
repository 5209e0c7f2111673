package itip

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"joinery/caldav/ical"
)

// The methods of messages (RFC 5546 §1.4).
const (
	MethodRequest = "REQUEST"
	MethodCancel  = "CANCEL"
	MethodReply   = "REPLY"
)

// A Message is what a person is to be told, and everybody else with the same views. It is not safe for
// concurrent use.
type Message struct {
	Method string
	// First: nothing was known before. A REQUEST that is not the first is an update.
	First bool
	// Object holds the components that the message is about, without METHOD: for a REQUEST as they
	// are now, for a CANCEL as they were known.
	Object []byte
	// Occurrences are what a CANCEL takes away; empty: everything.
	Occurrences []time.Time
	// View is what the person knows once told; nil: nothing any more. It may differ from the view
	// that was aimed at: then the next Diff has more to say.
	View []byte
	// Changes is what an update changes.
	Changes []Change
	// Rescheduled: the times of instances, the status or the organiser changed, so that SEQUENCE must rise
	// (RFC 5546 §2.1.4, §4.2.11).
	Rescheduled bool
	// Quiet: only who else is invited has changed. Nobody is told of that (RFC 5546 §4.2.10 leaves it to
	// the organiser); View is remembered as known, and the next message says it along with the rest.
	Quiet bool

	event *ical.Event // Object, once it was read
	// What a CANCEL takes from the person alone, and takes place without: everything, or these instances.
	without bool
	off     []time.Time
}

// Event is Object, read. It is the same Event every time.
func (m *Message) Event() (*ical.Event, error) {
	if m.event != nil {
		return m.event, nil
	}
	ev, err := parse(m.Object)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be sent: %w", err)
	}
	if ev == nil {
		return nil, errors.New("what is to be sent holds no event")
	}
	m.event = ev
	return ev, nil
}

// Diff is Compare for two views, as View makes them.
func Diff(old, now []byte) (*Message, error) { return Compare(NewKnown(old), NewKnown(now)) }

// Compare returns what brings a person who knows old to now; nil where nothing is owed. What it
// returns is the same for everybody with the same two views. The error says which of them cannot be
// read.
func Compare(old, now *Known) (*Message, error) {
	if old == nil && now == nil || old != nil && now != nil && old.Fingerprint() == now.Fingerprint() {
		return nil, nil
	}
	was, err := old.Event()
	if err != nil {
		return nil, fmt.Errorf("reading the view last sent: %w", err)
	}
	is, err := now.Event()
	if err != nil {
		return nil, fmt.Errorf("reading the present view: %w", err)
	}
	var m *Message
	switch {
	case was == nil && is == nil:
		return nil, nil
	case was == nil, is != nil && was.Master == nil && is.Master != nil:
		return &Message{Method: MethodRequest, First: true, Object: now.Data, View: now.Data, event: is}, nil
	case is == nil, was.Master != nil && is.Master == nil:
		return &Message{
			Method: MethodCancel, Object: old.Data, Rescheduled: true, event: was, without: now != nil && now.without,
		}, nil
	case was.Master == nil:
		m = diffInstances(was, is)
	default:
		m = diffSeries(was, is)
	}
	if m != nil {
		m.off = now.off
		m.Quiet = m.Method == MethodRequest && !slices.ContainsFunc(m.Changes, func(c Change) bool { return c.Kind != ChangedPeople })
	}
	return m, nil
}

// diffSeries compares two views with masters. One message says it all.
func diffSeries(was, is *ical.Event) *Message {
	c := newComparison(was, is)
	master := c.changes(was.Master, is.Master)
	excludedBefore, excluded := exdates(was.Object, was.Master), exdates(is.Object, is.Master)
	off := taking(was, missing(excluded, excludedBefore))
	if back := missing(excludedBefore, excluded); len(back) > 0 && !hasKind(master, ChangedRepetition) {
		master = append(master, Change{Kind: ChangedRepetition, Old: was.Master, New: is.Master})
	}
	m := &Message{Method: MethodRequest, Object: is.Object.Data, View: is.Object.Data, event: is}
	if hasKind(master, ChangedTime) || hasKind(master, ChangedRepetition) {
		// The instances are others now; comparing them one by one says nothing.
		m.Changes, m.Rescheduled = master, true
		return m
	}
	var instances []Change
	var touched []*ical.VEvent
	for _, v := range is.Overrides {
		at := named(is, *v.RecurrenceID)
		before := override(was, at)
		if before == nil {
			before = instance(was.Master, at)
		}
		if found := unlike(c.changes(before, v), master); len(found) > 0 {
			instances = append(instances, found...)
			touched = append(touched, v)
		}
	}
	reverted := false
	for _, v := range was.Overrides {
		at := named(was, *v.RecurrenceID)
		if override(is, at) != nil || among(excluded, at) {
			continue
		}
		after := instance(is.Master, at)
		after.RecurrenceID = v.RecurrenceID
		if found := unlike(c.changes(v, after), master); len(found) > 0 {
			instances = append(instances, found...)
			reverted = true
		}
	}
	m.Changes = append(master, instances...)
	m.Rescheduled = len(off) > 0 || counts(m.Changes)
	switch {
	case len(m.Changes) == 0 && len(off) == 0:
		return nil
	case len(m.Changes) == 0 && len(off) <= atOnce(was):
		m.Method, m.Object, m.event, m.Occurrences = MethodCancel, was.Object.Data, was, off
		for _, at := range off {
			m.Changes = append(m.Changes, cancelled(was, at))
		}
	case len(master) == 0 && len(off) == 0 && !reverted:
		m.Object, m.event = only(is, touched), nil
	default: // also where so many instances are off that EXDATE says it shorter
		for _, at := range off {
			m.Changes = append(m.Changes, cancelled(was, at))
		}
	}
	return m
}

// diffInstances compares two views without master. What is off goes first, in a message of its own.
func diffInstances(was, is *ical.Event) *Message {
	var gone, stay []*ical.VEvent
	for _, v := range was.Overrides {
		if override(is, v.RecurrenceID.Time) == nil {
			gone = append(gone, v)
		} else {
			stay = append(stay, v)
		}
	}
	if len(stay) == 0 {
		return &Message{Method: MethodCancel, Object: was.Object.Data, Rescheduled: true, event: was}
	}
	if len(gone) > 0 {
		m := &Message{Method: MethodCancel, Object: only(was, gone), View: only(was, stay), Rescheduled: true}
		for _, v := range gone {
			m.Occurrences = append(m.Occurrences, v.RecurrenceID.Time.UTC())
			m.Changes = append(m.Changes, Change{Kind: CancelledOccurrence, Old: v, Occurrence: v.RecurrenceID})
		}
		return m
	}
	c := newComparison(was, is)
	m := &Message{Method: MethodRequest, View: is.Object.Data}
	var touched []*ical.VEvent
	for _, v := range is.Overrides {
		before := override(was, v.RecurrenceID.Time)
		if before == nil {
			m.Changes = append(m.Changes, Change{Kind: AddedOccurrence, New: v, Occurrence: v.RecurrenceID})
			touched = append(touched, v)
			continue
		}
		if found := c.changes(before, v); len(found) > 0 {
			m.Changes = append(m.Changes, found...)
			m.Rescheduled = m.Rescheduled || counts(found)
			touched = append(touched, v)
		}
	}
	if len(touched) == 0 {
		return nil
	}
	m.Object = only(is, touched)
	return m
}

// override returns the component of ev for the instance at, as named makes it; nil if it has none.
func override(ev *ical.Event, at time.Time) *ical.VEvent {
	for _, v := range ev.Overrides {
		if named(ev, *v.RecurrenceID).Equal(at) {
			return v
		}
	}
	return nil
}

// instance is what master says of the instance at.
func instance(master *ical.VEvent, at time.Time) *ical.VEvent {
	v := *master
	length := v.End.Time.Sub(v.Start.Time)
	v.Start.Time = at
	v.End.Time = at.Add(length)
	v.Recurring = false
	return &v
}

// unlike are the instance's changes that the master's do not say already.
func unlike(instance, master []Change) []Change {
	return slices.DeleteFunc(instance, func(c Change) bool { return c.Kind != ChangedTime && hasKind(master, c.Kind) })
}

// counts tells whether SEQUENCE rises with one of list.
func counts(list []Change) bool {
	return hasKind(list, ChangedTime) || hasKind(list, ChangedStatus) || hasKind(list, ChangedOrganizer)
}

func hasKind(list []Change, kind Kind) bool {
	return slices.ContainsFunc(list, func(c Change) bool { return c.Kind == kind })
}

func cancelled(was *ical.Event, at time.Time) Change {
	if v := override(was, at); v != nil {
		return Change{Kind: CancelledOccurrence, Old: v, Occurrence: v.RecurrenceID}
	}
	id := was.Master.Start
	id.Time = at
	return Change{Kind: CancelledOccurrence, Old: instance(was.Master, at), Occurrence: &id}
}

// only is ev with no more components than keep and the zones that they use.
func only(ev *ical.Event, keep []*ical.VEvent) []byte {
	edit := ev.Object.Edit()
	trim(edit, ev.Object, keep)
	return edit.Bytes()
}

// missing are the times of a that are not in b, which is sorted.
func missing(a, b []time.Time) []time.Time {
	var out []time.Time
	for _, t := range a {
		if !among(b, t) {
			out = append(out, t)
		}
	}
	return out
}

// among tells whether t is in sorted.
func among(sorted []time.Time, t time.Time) bool {
	_, found := slices.BinarySearchFunc(sorted, t, time.Time.Compare)
	return found
}

func equalTimes(a, b time.Time) bool { return a.Equal(b) }

// Past tells whether m is only about single instances of which none ends after now, before or after
// the change; floating times and dates are taken in loc.
func (m *Message) Past(now time.Time, loc *time.Location) bool {
	over := func(v *ical.VEvent) bool { return v == nil || !v.End.In(loc).After(now) }
	for _, c := range m.Changes {
		if c.Occurrence == nil || !over(c.Old) || !over(c.New) {
			return false
		}
	}
	return len(m.Changes) > 0
}
