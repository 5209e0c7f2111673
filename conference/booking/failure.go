package booking

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"joinery/conference"
	"joinery/store/outbox"
)

// A failure is what a run has to say to the outbox at its end.
type failure struct {
	err   error
	kind  conference.ErrorKind
	delay time.Duration // 0: the outbox's own backoff
}

// add notes a failure. Of several the one counts whose retry harms nobody: an account that asked
// for a pause gets it, otherwise what may pass by itself is tried again soon.
func (f *failure) add(kind conference.ErrorKind, err error, delay time.Duration) {
	weight := func(k conference.ErrorKind) int {
		switch k {
		case conference.Limited:
			return 2
		case conference.Denied, conference.Invalid:
			return 0
		}
		return 1
	}
	if f.err == nil || weight(kind) > weight(f.kind) || weight(kind) == weight(f.kind) && delay < f.delay {
		*f = failure{err: err, kind: kind, delay: delay}
	}
}

// result is what the run returns.
func (f *failure) result() error {
	if f.err == nil || f.delay <= 0 {
		return f.err
	}
	return outbox.RetryAfter{Delay: f.delay, Err: f.err}
}

// unanswered tells whether err leaves open that the service is still about to act: the call was
// given up before there was an answer.
func unanswered(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// errorLength bounds what is kept of an error's text.
const errorLength = 500

// errorText is err for operators. An error that is not the provider contract's may hold anything,
// also an address with a token, so only its type is told.
func errorText(err error) string {
	var e *conference.Error
	if !errors.As(err, &e) {
		return fmt.Sprintf("error of type %T", err)
	}
	text := []rune(err.Error())
	if len(text) > errorLength {
		text = append(text[:errorLength], '…')
	}
	return string(text)
}

// reasonText is why, for people.
func reasonText(err error) string {
	if reason := conference.ReasonOf(err); reason != "" {
		return string(reason)
	}
	return "other"
}
