package itip

import (
	"errors"
	"time"
)

// The methods of messages that come in, besides MethodReply (RFC 5546 §1.4).
const (
	MethodCounter        = "COUNTER"
	MethodDeclineCounter = "DECLINECOUNTER"
	MethodRefresh        = "REFRESH"
)

// ErrNoMessage tells that an object is no message of an attendee to an organiser.
var ErrNoMessage = errors.New("no REPLY, COUNTER or REFRESH")

// An Incoming is a message from an attendee to an organiser: a REPLY, a COUNTER or a REFRESH (RFC 5546
// §3.2.3, §3.2.6, §3.2.7).
type Incoming struct {
	Method    string
	UID       string
	Organizer string // address; empty where it has none (outlook.com leaves it out)
	Address   string // of the attendee who speaks
	Name      string // CN, empty if none
	Sequence  int    // the highest; of what is answered
	Stamp     time.Time
	Comment   string
	Parts     []Part // of a REFRESH none
}

// A Part is what an attendee says to one component.
type Part struct {
	Occurrence time.Time // as ical.VEvent's RecurrenceID.Time; zero: the event itself
	PartStat   string    // of a COUNTER too
	// Start and End are the time that a COUNTER proposes instead, zero where it proposes none. They are
	// instants; floating is set where they are a wall clock or a date, in UTC.
	Start, End time.Time
	Floating   bool
	// DelegatedTo are whom the attendee sends instead (RFC 5546 §3.2.2.3), and Delegates their lines.
	DelegatedTo []Delegate
}

// A Delegate is somebody who is sent instead of an attendee.
type Delegate struct{ Address, Name string }
