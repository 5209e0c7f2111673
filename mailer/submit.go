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

// recordTimeout bounds the recording of an outcome after the context of the work has ended.
const recordTimeout = 5 * time.Second

// gather is how long the look at an event waits for the outcomes of its other messages.
const gather = 200 * time.Millisecond

// submit hands one message to the relay: the stored bytes, as often as it takes. Since it was claimed the
// message is marked as being tried (TryMessage), so that after a crash it is known that it may have been
// accepted; the repetition is then the same message to the byte.
func (s *Sender) submit(ctx context.Context, j *outbox.Job) (time.Time, error) {
	var m *store.Message
	err := s.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		m, err = found(tx.MessageByID(j.Subject))
		return err
	})
	if err != nil || m == nil || m.State != store.MessageTrying {
		return time.Time{}, err
	}
	began := time.Now()
	failure := s.relay.Submit(ctx, m.From, m.Address, m.Body)
	outcome := outcomeOf(failure)
	if s.opts.Observe != nil {
		s.opts.Observe(outcome, time.Since(began))
	}
	// What the relay said is recorded even when the program is being stopped: a mail that was
	// accepted is not sent again.
	record, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	given := false
	err = s.opts.Store.Update(record, func(tx *store.Tx) error {
		if err := j.Hold(tx); err != nil {
			return err
		}
		given = false
		var err error
		if given, err = s.settle(tx, m, outcome, failure); err != nil || !given {
			return err
		}
		return j.Finish(tx, time.Time{})
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("recording the outcome: %w", err)
	}
	s.opts.Log.InfoContext(ctx, "mail", "message", m.MessageID, "event", m.EventID, "method", m.Method,
		"outcome", string(outcome), "attempts", m.Attempts, "error", errorText(failure))
	if given || failure == nil {
		return time.Time{}, nil
	}
	return time.Time{}, outbox.RetryAfter{Delay: s.opts.Backoff(m.Attempts), Err: failure}
}

// settle stores an outcome. done tells that nothing is left to try.
func (s *Sender) settle(tx *store.Tx, m *store.Message, outcome Outcome, failure error) (done bool, err error) {
	status := ""
	m.LastError = errorText(failure)
	switch outcome {
	case Accepted:
		m.State, status = store.MessageSent, "1.1" // RFC 6638 §3.2.9: sent, no proof of arrival
	case Refused:
		m.State, status = store.MessageFailed, refusalStatus(failure)
	case Temporary:
		m.State = store.MessageStored
	}
	if status == "" && s.opts.Now().Sub(m.Created) > s.opts.GiveUp {
		m.State, status = store.MessageFailed, "5.1"
	}
	if err := tx.PutMessage(m); err != nil {
		return false, fmt.Errorf("storing the outcome: %w", err)
	}
	if status == "" {
		return false, nil
	}
	d, err := found(tx.Delivery(m.EventID, m.Address, m.Reply))
	if err != nil {
		return false, fmt.Errorf("reading the delivery: %w", err)
	}
	if d != nil && d.MessageID == m.MessageID && d.Status == underWay { // a bounce may be faster than the relay's answer
		d.Status = status
		if err := tx.PutDelivery(d); err != nil {
			return false, fmt.Errorf("storing the delivery: %w", err)
		}
	}
	// What was owed meanwhile had to wait for this one, and the event is to say what came of it.
	// Several recipients are looked at together.
	if err := s.opts.Outbox.Touch(tx, change.WorkMail, m.EventID, s.opts.Now().Add(gather)); err != nil {
		return false, fmt.Errorf("noting the event: %w", err)
	}
	return true, nil
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
