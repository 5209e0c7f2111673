package mailer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-smtp"

	"joinery/caldav/change"
	"joinery/store"
	"joinery/store/outbox"
)

// gather is how long the look at an event waits for the outcomes of its other messages.
const gather = 200 * time.Millisecond

// A message that is old enough is given up only where it was tried more than fewAttempts times, which take a
// quarter of an hour, and the last time less than longPause ago: while the program does not run, or its clock is
// wrong, nobody tries.
const (
	fewAttempts = 10
	longPause   = time.Hour
)

// submit hands one message to the relay: the stored bytes, as often as it takes. That it is being tried is
// known by the lease of its work, so that after a crash the repetition is the same message to the byte.
func (s *Sender) submit(ctx context.Context, j *outbox.Job) (time.Time, error) {
	m := s.fresh.take(j.Subject)
	if m == nil || j.Attempts > 0 {
		err := s.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
			m, err = found(tx.MessageByID(j.Subject))
			return err
		})
		if err != nil || m == nil || m.State != store.MessageStored && m.State != store.MessageTrying {
			return time.Time{}, err
		}
	}
	began := time.Now()
	failure := s.relay.Submit(ctx, m.From, m.Address, m.Body)
	outcome := outcomeOf(failure)
	if s.opts.Observe != nil {
		s.opts.Observe(outcome, time.Since(began))
	}
	status := s.settle(m, outcome, failure)
	j.Record(func(tx *store.Tx) (time.Time, error) { return time.Time{}, s.storeOutcome(tx, m, status) })
	s.opts.Log.InfoContext(ctx, "mail", "message", m.MessageID, "event", m.EventID, "method", m.Method,
		"outcome", string(outcome), "attempts", m.Attempts, "error", errorText(failure))
	if status != "" {
		return time.Time{}, nil
	}
	return time.Time{}, outbox.RetryAfter{Delay: s.opts.Backoff(m.Attempts), Err: failure}
}

// settle notes in m what came of an attempt. It returns the SCHEDULE-STATUS, "" where it is to be tried again.
func (s *Sender) settle(m *store.Message, outcome Outcome, failure error) (status string) {
	m.Attempts++
	tried := m.Attempts > fewAttempts && s.opts.Now().Sub(m.Updated) < longPause
	m.LastError = errorText(failure)
	switch outcome {
	case Accepted:
		m.State, status = store.MessageSent, "1.1" // RFC 6638 §3.2.9: sent, no proof of arrival
	case Refused:
		m.State, status = store.MessageFailed, refusalStatus(failure)
	case Temporary:
		m.State = store.MessageStored
	case Ambiguous:
		m.State = store.MessageTrying
	}
	if status == "" && tried && s.opts.Now().Sub(m.Created) > s.opts.GiveUp {
		m.State, status = store.MessageFailed, "5.1"
	}
	return status
}

// storeOutcome stores what came of an attempt; status is "" where it is to be tried again.
func (s *Sender) storeOutcome(tx *store.Tx, m *store.Message, status string) error {
	if err := tx.PutMessage(m); err != nil {
		return fmt.Errorf("storing the outcome: %w", err)
	}
	if status == "" {
		return nil
	}
	// A bounce may be faster than the relay's answer, and a later message may have taken its place.
	if err := tx.SettleDelivery(m, underWay, status); err != nil {
		return fmt.Errorf("storing the delivery: %w", err)
	}
	// What was owed meanwhile had to wait for this one, and the event is to say what came of it.
	// Several recipients are looked at together.
	if err := s.opts.Outbox.Touch(tx, change.WorkMail, m.EventID, s.opts.Now().Add(gather)); err != nil {
		return fmt.Errorf("noting the event: %w", err)
	}
	return nil
}

func outcomeOf(failure error) Outcome {
	var e *SubmitError
	switch {
	case failure == nil:
		return Accepted
	case errors.As(failure, &e):
		return e.Outcome
	}
	return Ambiguous
}

// refusalStatus is the SCHEDULE-STATUS of a refusal (RFC 6638 §3.2.9): 3.7 where the mailbox does not
// exist (RFC 3463 X.1.x), 5.3 where the relay will not take the message.
func refusalStatus(failure error) string {
	var answer *smtp.SMTPError
	if errors.As(failure, &answer) && (answer.EnhancedCode[1] == 1 || answer.Code == 550 && answer.EnhancedCode[1] <= 0 || answer.Code == 553) {
		return "3.7"
	}
	return "5.3"
}

// errorText is a relay's answer on one line.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return cut(printable(err.Error()), 300)
}
