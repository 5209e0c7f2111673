package itip

import (
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

// A Message is what one person is to be told.
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
	// Rescheduled: the times of instances changed, so that SEQUENCE must rise (RFC 5546 §2.1.4).
	Rescheduled bool
}

// Diff returns what brings a person who knows view old to view now, both as View makes them and nil
// for nothing; nil where nothing is owed. The error says which of them cannot be read.
func Diff(old, now []byte) (*Message, error) {
	if string(old) == string(now) {
		return nil, nil
	}
	was, err := parse(old)
	if err != nil {
		return nil, fmt.Errorf("reading the view last sent: %w", err)
	}
	is, err := parse(now)
	if err != nil {
		return nil, fmt.Errorf("reading the present view: %w", err)
	}
	switch {
	case was == nil && is == nil:
		return nil, nil
	case was == nil, is != nil && was.Master == nil && is.Master != nil:
		return &Message{Method: MethodRequest, First: true, Object: now, View: now}, nil
	case is == nil, was.Master != nil && is.Master == nil:
		return &Message{Method: MethodCancel, Object: old, Rescheduled: true}, nil
	case was.Master == nil:
		return diffInstances(was, is), nil
	}
	return diffSeries(was, is), nil
}

// parse reads a view; nil for nothing.
func parse(view []byte) (*ical.Event, error) {
	if len(view) == 0 {
		return nil, nil
	}
	o, err := ical.Parse(view, ical.Limits{})
	if err != nil {
		return nil, err
	}
	ev, err := ical.ParseEvent(o)
	if err != nil {
		return nil, err
	}
	if ev.Master == nil && len(ev.Overrides) == 0 {
		return nil, nil
	}
	return ev, nil
}

// diffSeries compares two views with masters. One message says it all.
func diffSeries(was, is *ical.Event) *Message {
	master := changes(was.Object, is.Object, was.Master, is.Master)
	excludedBefore, excluded := exdates(was.Object, was.Master), exdates(is.Object, is.Master)
	off := missing(excluded, excludedBefore)
	if back := missing(excludedBefore, excluded); len(back) > 0 && !hasKind(master, ChangedRepetition) {
		master = append(master, Change{Kind: ChangedRepetition, Old: was.Master, New: is.Master})
	}
	m := &Message{Method: MethodRequest, Object: is.Object.Data, View: is.Object.Data}
	if hasKind(master, ChangedTime) || hasKind(master, ChangedRepetition) {
		// The instances are others now; comparing them one by one says nothing.
		m.Changes, m.Rescheduled = master, true
		return m
	}
	var instances []Change
	var touched []*ical.VEvent
	for _, v := range is.Overrides {
		before := override(was, v.RecurrenceID.Time)
		if before == nil {
			before = instance(was.Master, v.RecurrenceID)
		}
		if found := unlike(changes(was.Object, is.Object, before, v), master); len(found) > 0 {
			instances = append(instances, found...)
			touched = append(touched, v)
		}
	}
	reverted := false
	for _, v := range was.Overrides {
		if override(is, v.RecurrenceID.Time) != nil || slices.ContainsFunc(excluded, v.RecurrenceID.Time.Equal) {
			continue
		}
		after := instance(is.Master, v.RecurrenceID)
		after.RecurrenceID = v.RecurrenceID
		if found := unlike(changes(was.Object, is.Object, v, after), master); len(found) > 0 {
			instances = append(instances, found...)
			reverted = true
		}
	}
	m.Changes = append(master, instances...)
	m.Rescheduled = len(off) > 0 || hasKind(instances, ChangedTime)
	switch {
	case len(m.Changes) == 0 && len(off) == 0:
		return nil
	case len(m.Changes) == 0:
		m.Method, m.Object, m.Occurrences = MethodCancel, was.Object.Data, off
		for _, at := range off {
			m.Changes = append(m.Changes, cancelled(was, at))
		}
	case len(master) == 0 && len(off) == 0 && !reverted:
		m.Object = only(is, touched)
	default:
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
		return &Message{Method: MethodCancel, Object: was.Object.Data, Rescheduled: true}
	}
	if len(gone) > 0 {
		m := &Message{Method: MethodCancel, Object: only(was, gone), View: only(was, stay), Rescheduled: true}
		for _, v := range gone {
			m.Occurrences = append(m.Occurrences, v.RecurrenceID.Time.UTC())
			m.Changes = append(m.Changes, Change{Kind: CancelledOccurrence, Old: v, Occurrence: v.RecurrenceID})
		}
		return m
	}
	m := &Message{Method: MethodRequest, View: is.Object.Data}
	var touched []*ical.VEvent
	for _, v := range is.Overrides {
		before := override(was, v.RecurrenceID.Time)
		if before == nil {
			m.Changes = append(m.Changes, Change{Kind: AddedOccurrence, New: v, Occurrence: v.RecurrenceID})
			touched = append(touched, v)
			continue
		}
		if found := changes(was.Object, is.Object, before, v); len(found) > 0 {
			m.Changes = append(m.Changes, found...)
			m.Rescheduled = m.Rescheduled || hasKind(found, ChangedTime)
			touched = append(touched, v)
		}
	}
	if len(touched) == 0 {
		return nil
	}
	m.Object = only(is, touched)
	return m
}

// override returns the component of ev for the instance at, nil if it has none.
func override(ev *ical.Event, at time.Time) *ical.VEvent {
	for _, v := range ev.Overrides {
		if v.RecurrenceID.Time.Equal(at) {
			return v
		}
	}
	return nil
}

// instance is what master says of the instance id.
func instance(master *ical.VEvent, id *ical.Time) *ical.VEvent {
	v := *master
	length := v.End.Time.Sub(v.Start.Time)
	v.Start.Time = id.Time
	v.End.Time = id.Time.Add(length)
	if id.AllDay != v.Start.AllDay { // a client's slip; the instance is the master's kind
		v.Start.AllDay, v.End.AllDay = id.AllDay, id.AllDay
	}
	v.Recurring = false
	return &v
}

// unlike are the instance's changes that the master's do not say already.
func unlike(instance, master []Change) []Change {
	return slices.DeleteFunc(instance, func(c Change) bool { return c.Kind != ChangedTime && hasKind(master, c.Kind) })
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
	return Change{Kind: CancelledOccurrence, Old: instance(was.Master, &id), Occurrence: &id}
}

// only is ev with no more components than keep and the zones that they use.
func only(ev *ical.Event, keep []*ical.VEvent) []byte {
	edit := ev.Object.Edit()
	trim(edit, ev.Object, keep)
	return edit.Bytes()
}

// missing are the times of a that are not in b.
func missing(a, b []time.Time) []time.Time {
	var out []time.Time
	for _, t := range a {
		if !slices.ContainsFunc(b, t.Equal) {
			out = append(out, t)
		}
	}
	return out
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

// Ended tells whether no instance of view ends after now, floating times and dates taken in loc. A
// view that cannot be read, or expands without end, has not ended.
func Ended(view []byte, now time.Time, loc *time.Location) bool {
	ev, err := parse(view)
	if err != nil {
		return false
	}
	if ev == nil {
		return true
	}
	_, left, err := ev.Next(now, loc)
	return err == nil && !left
}
