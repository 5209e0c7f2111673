package itip

import (
	"time"

	"joinery/caldav/ical"
)

// Rescheduled tells whether v, a component of is, takes place at another time than in was, or at times
// that was does not have, so that what people answered to was counts for v no longer and their PARTSTAT
// is to be NEEDS-ACTION (RFC 6638 §3.2.8). Instances that are taken away, an earlier end of a series, or
// the same instants in another zone of a single event reschedule nothing. An override that was does not have is
// compared with what its rule says of the instance.
func Rescheduled(was, is *ical.Event, v *ical.VEvent) bool {
	if v.RecurrenceID == nil {
		return was.Master != nil && (!sameTime(was.Master, v) || moreInstances(was, is))
	}
	at := named(is, *v.RecurrenceID)
	before := override(was, at)
	if before == nil && was.Master != nil && len(taking(was, []time.Time{at})) > 0 {
		before = instance(was.Master, at)
	}
	return before == nil || !sameTime(before, v) || before.Cancelled() && !v.Cancelled()
}

// reachInstances is how many instances of a series are compared one by one.
const reachInstances = 1000

// moreInstances tells whether is' rule, RDATEs and EXDATEs make instances that was' do not.
func moreInstances(was, is *ical.Event) bool {
	before, now := exdates(was.Object, was.Master), exdates(is.Object, is.Master)
	if sameRule(was.Object, is.Object, was.Master, is.Master) && len(missing(before, now)) == 0 {
		return false
	}
	known, last, whole := instants(was)
	if known == nil {
		return true
	}
	list, _, wholeNow := instants(is)
	for at := range list {
		if !known[at] && (whole || at <= last) {
			return true
		}
	}
	if whole || wholeNow {
		return list == nil
	}
	_, end := (&ical.Event{Object: was.Object, Master: was.Master}).Span()
	_, endNow := (&ical.Event{Object: is.Object, Master: is.Master}).Span()
	return !end.IsZero() && (endNow.IsZero() || endNow.After(end))
}

// instants are the first instances that ev's master makes, the last of them, and whether these are all.
// They are nil where they cannot be told.
func instants(ev *ical.Event) (list map[int64]bool, last int64, whole bool) {
	list, whole = map[int64]bool{}, true
	err := (&ical.Event{Object: ev.Object, Master: ev.Master}).Expand(time.Time{}, time.Time{}, time.UTC, func(i ical.Instance) bool {
		if len(list) == reachInstances {
			whole = false
			return false
		}
		last = i.RecurrenceID.Unix()
		list[last] = true
		return true
	})
	if err != nil {
		return nil, 0, false
	}
	return list, last, whole
}
