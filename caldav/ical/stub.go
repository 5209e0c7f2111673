package ical

import "time"

// ---- rule.go, expand.go ----

// An Instance is one occurrence of an event.
type Instance struct {
	VEvent       *VEvent // where it is defined: an override or the master
	RecurrenceID time.Time
	Start, End   time.Time // instants
}

// Expand calls f for the instances that overlap [from, to), in order of start, floating times and
// dates taken in loc, until f returns false. It jumps to the window, and gives up with ErrBudget
// after a bounded amount of work whatever the rule. Zero to is open.
func (e *Event) Expand(from, to time.Time, loc *time.Location, f func(Instance) bool) error {
	panic("unwritten")
}

// ErrBudget says that an expansion took more work than one request may.
var ErrBudget error
