package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"joinery/caldav/change"
	"joinery/store"
	"joinery/store/outbox"
)

// How much of what an event owes is stored in one transaction, so that a large event does not hold
// the one writer for long.
const (
	maxBatch     = 20      // messages
	maxBatchSize = 2 << 20 // bytes of them, if more than one
)

// lookTime is how long a look may go on composing; the next one follows at once. It keeps well away
// from the end of the lease, and lets what came of the first mails be written into the event.
const lookTime = 2 * time.Second

// errChanged tells that an event is not any more as it was looked at.
var errChanged = fmt.Errorf("the event has changed meanwhile: %w", outbox.ErrAgain)

// mail looks at one event and does what is missing: what is owed is composed, and in one transaction
// stored and recorded as told; what came of mails is written into the event. Looking and composing
// hold nobody up; what is stored is only what the event still owes. The last is stored as the work is recorded.
func (s *Sender) mail(ctx context.Context, j *outbox.Job) (time.Time, error) {
	k, err := s.look(ctx, j.Subject)
	if err != nil || k == nil {
		return time.Time{}, err
	}
	list, _, undecided := k.decide(ctx)
	statuses, reply := k.statuses()
	next := k.next
	began := time.Now()
	for p := k.present; len(list) > 0; {
		if time.Since(began) > lookTime {
			next, undecided = s.opts.Now(), nil // the next look finds it again
			break
		}
		var batch []letterOwed
		if batch, list, err = s.compose(ctx, p, list); err != nil {
			undecided = err
		}
		if len(list)+len(statuses) == 0 && len(batch) > 0 {
			seen := p
			j.Record(func(tx *store.Tx) (time.Time, error) {
				_, err := s.tellIn(tx, seen, batch)
				return time.Time{}, err
			})
			break
		}
		if p, err = s.tell(ctx, j, p, batch); errors.Is(err, errChanged) {
			next, undecided = s.opts.Now(), nil
			break
		} else if err != nil {
			return time.Time{}, err
		}
	}
	if len(statuses) > 0 {
		j.Record(func(tx *store.Tx) (time.Time, error) {
			err := s.opts.Changer.MarkDelivered(tx, j.Subject, statuses, reply)
			if err != nil {
				err = fmt.Errorf("writing into the event what came of its mail: %w", err)
			}
			return time.Time{}, err
		})
	}
	if wait := next.Sub(s.opts.Now()); undecided != nil && !next.IsZero() && wait > 0 {
		// What cannot be done for one person must not delay what is due for the others.
		undecided = outbox.RetryAfter{Delay: min(wait, outbox.Backoff(j.Attempts+1)), Err: undecided}
	}
	return next, undecided
}

// look reads everything that decides what is owed about an event; nil where it does not exist.
func (s *Sender) look(ctx context.Context, id int64) (*look, error) {
	k := &look{policy: s.opts.Policy, now: s.opts.Now()}
	err := s.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		if k.present, err = s.opts.Changer.Present(tx, id); err != nil {
			return fmt.Errorf("reading the event: %w", err)
		}
		if k.deliveries, err = tx.Deliveries(id); err != nil {
			return fmt.Errorf("reading what people were told: %w", err)
		}
		if k.messages, err = tx.CurrentMessages(id); err != nil {
			return fmt.Errorf("reading the mails: %w", err)
		}
		if k.answers, err = tx.Answers(id); err != nil {
			return fmt.Errorf("reading what was answered: %w", err)
		}
		return nil
	})
	if k.present == nil && errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return k, err
}

// A letterOwed is what is owed and the mail that says it, not stored yet; nil where nothing is sent.
type letterOwed struct {
	owed
	mail *store.Message
}

// compose makes the mails of the first of list, as many as are stored together, and returns the rest
// of it. Whose mail cannot be made is left out: the error is the last of these.
func (s *Sender) compose(ctx context.Context, p *change.Present, list []owed) (batch []letterOwed, rest []owed, failed error) {
	locals := map[string]*store.User{}
	most := list[:min(len(list), maxBatch)]
	err := s.opts.Store.View(ctx, func(tx *store.Tx) error {
		for _, o := range most {
			u, err := s.local(tx, o.Address)
			if err != nil {
				return fmt.Errorf("looking for the recipient: %w", err)
			}
			locals[o.Address] = u
		}
		return nil
	})
	if err != nil {
		return nil, list[len(most):], err
	}
	size := 0
	var types press
	for i := range most {
		o := letterOwed{owed: most[i]}
		if !o.silent() {
			previous := ""
			if o.Delivery != nil {
				previous = o.Delivery.MessageID
			}
			m, err := s.message(p, &o.owed, previous, locals[o.Address], &types)
			if err != nil {
				failed = fmt.Errorf("telling %s: %w", o.Address, err)
				continue
			}
			o.mail = m
			size += len(m.Body)
		}
		if batch = append(batch, o); size >= maxBatchSize {
			return batch, list[i+1:], failed
		}
	}
	return batch, list[len(most):], failed
}

// tell stores batch and records that its people know it now, all or nothing. It returns the event as
// it stands then. The error is errChanged where something else may be owed than what was composed
// for p.
func (s *Sender) tell(ctx context.Context, j *outbox.Job, p *change.Present, batch []letterOwed) (now *change.Present, err error) {
	if len(batch) == 0 {
		return p, nil
	}
	err = s.opts.Store.Update(ctx, func(tx *store.Tx) error {
		if err := j.Hold(tx); err != nil {
			return err
		}
		now, err = s.tellIn(tx, p, batch)
		return err
	})
	return now, err
}

// tellIn is tell in a transaction. With an error nothing of it must be kept.
func (s *Sender) tellIn(tx *store.Tx, p *change.Present, batch []letterOwed) (*change.Present, error) {
	now, err := s.opts.Changer.Present(tx, p.Row.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	if !same(p, now) {
		return nil, errChanged
	}
	for i := range batch {
		if err := s.record(tx, now.Row, &batch[i]); err != nil {
			return nil, fmt.Errorf("telling %s: %w", batch[i].Address, err)
		}
	}
	return now, nil
}

// same tells whether nothing that a mail says, or that decides whether it is owed, differs.
func same(a, b *change.Present) bool {
	data := func(p *change.Present) []byte {
		if p.Event == nil {
			return nil
		}
		return p.Event.Object.Data
	}
	return reflect.DeepEqual(a.Row, b.Row) && reflect.DeepEqual(a.User, b.User) && bytes.Equal(data(a), data(b)) &&
		(a.Event == nil) == (b.Event == nil) && a.Gone == b.Gone && a.GoneSince.Equal(b.GoneSince) && a.Ended == b.Ended &&
		a.Link == b.Link && a.Since.Equal(b.Since) && a.Service == b.Service && a.JoinURL == b.JoinURL && a.Problem == b.Problem &&
		a.Warning == b.Warning && a.Managed == b.Managed && reflect.DeepEqual(a.Locals, b.Locals)
}

// record stores what o says, and that its address knows it now.
func (s *Sender) record(tx *store.Tx, row *store.Event, o *letterOwed) error {
	if o.mail != nil {
		m := *o.mail // where tx is not committed o is recorded again, and the ID may be another's by then
		if err := tx.PutMessage(&m); err != nil {
			return fmt.Errorf("storing the mail: %w", err)
		}
		tx.OnCommit(func() { s.fresh.put(&m) })
		if err := s.opts.Outbox.Touch(tx, change.WorkSubmit, m.ID, s.opts.Now()); err != nil {
			return fmt.Errorf("noting the mail: %w", err)
		}
	}
	if o.Note != nil && o.Note.problem == "" {
		return o.Note.record(tx, row.ID)
	}
	d, err := found(tx.Delivery(row.ID, o.Address, o.Reply))
	switch {
	case err != nil:
		return fmt.Errorf("reading what was told: %w", err)
	case (d == nil) != (o.Delivery == nil), d != nil && (d.MessageID != o.Delivery.MessageID || !bytes.Equal(d.View, o.Delivery.View) ||
		d.Token != o.Delivery.Token || d.Forced != o.Delivery.Forced):
		return errChanged
	case d == nil:
		d = &store.Delivery{EventID: row.ID, Address: o.Address, Reply: o.Reply}
	}
	d.View, d.Sequence, d.At = o.View, o.Sequence, s.opts.Now()
	d.Forced = d.Forced && !o.Unforce
	if o.Token != "" {
		d.Token = o.Token
	}
	if o.mail != nil {
		d.MessageID, d.Status = o.mail.MessageID, underWay
	}
	if err := tx.PutDelivery(d); err != nil {
		return fmt.Errorf("recording the mail: %w", err)
	}
	if o.Message != nil && o.Sequence > row.Sequence {
		row.Sequence = o.Sequence
		if err := tx.PutEvent(row); err != nil {
			return fmt.Errorf("recording SEQUENCE: %w", err)
		}
	}
	return nil
}

// found turns ErrNotFound into nil.
func found[T any](v *T, err error) (*T, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return v, err
}
