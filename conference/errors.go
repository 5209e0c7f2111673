package conference

import (
	"errors"
	"fmt"
	"time"
)

// An ErrorKind decides what is done about a provider's error.
type ErrorKind string

// The kinds of errors.
const (
	Temporary ErrorKind = "temporary" // surely without effect, or harmless to repeat: retry with backoff
	Limited   ErrorKind = "limited"   // like Temporary, not before RetryAfter
	Denied    ErrorKind = "denied"    // credentials, permission or plan: a person must act
	Invalid   ErrorKind = "invalid"   // the service refuses this meeting as it is
	Gone      ErrorKind = "gone"      // the room is not there any more
	Ambiguous ErrorKind = "ambiguous" // the effect may or may not have happened
)

// An Error is a provider's error. Its text is for operators and holds no secret; Reason is for
// the organiser.
type Error struct {
	Kind       ErrorKind
	Call       string        // what was being done: "POST /events"
	RetryAfter time.Duration // Limited only; 0: unknown
	Reason     Reason        // for people
	Err        error
}

// A Reason is a cause that people are told in their own language.
type Reason string

// The reasons. The empty one is told as "the service refuses".
const (
	ReasonCredentials Reason = "credentials" // the key is unknown or switched off, or the plan has lapsed
	ReasonOwner       Reason = "owner"       // the organiser's account at the service is not confirmed
	ReasonTitle       Reason = "title"
	ReasonTime        Reason = "time"
	ReasonPolicy      Reason = "policy"  // this installation's policy says no
	ReasonDaily       Reason = "daily"   // the organiser's daily number is reached
	ReasonBusy        Reason = "busy"    // every licence is taken at that time
	ReasonSeries      Reason = "series"  // no next occurrence can be known from the event's rule
	ReasonFields      Reason = "fields"  // registering people takes fields that the calendar does not have
	ReasonAddress     Reason = "address" // the service takes no such address for a person
)

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Call, e.Kind)
	}
	return fmt.Sprintf("%s: %s: %v", e.Call, e.Kind, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err. An error that is not of this package is Ambiguous: nothing is
// known of its effect. KindOf(nil) is empty.
func KindOf(err error) ErrorKind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Ambiguous
}

// ReasonOf returns the reason of err, empty if it names none.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
