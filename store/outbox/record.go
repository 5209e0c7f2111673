package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"joinery/store"
)

var errPanic = errors.New("panic")

// record writes down what came of a job: last, which may be nil, and what its handler returned. It tells whether
// that is in the store. Where that takes nothing now it is tried until deadline, or, where the queue insists, as long as
// the program runs: what was done would be done again.
func (q *queue) record(ctx context.Context, w store.Work, last func(*store.Tx) (time.Time, error), next time.Time, failed error,
	deadline time.Time, log *slog.Logger) bool {
	// What was done is recorded also when the program is being stopped.
	running, stopped, ctx := ctx, ctx.Err() != nil, context.WithoutCancel(ctx)
	outcome := func(tx *store.Tx, next time.Time) error {
		switch {
		case failed == nil:
			return tx.FinishWork(&w, next)
		case stopped:
			return tx.ReleaseWork(&w)
		}
		delay := q.retryDelay(failed, w.Attempts+1)
		log.Warn("work failed", "attempts", w.Attempts+1, "again_in", delay, "error", failed)
		return tx.RetryWork(&w, q.store.Now().Add(delay), failed.Error())
	}
	for last != nil && !errors.Is(failed, ErrLost) {
		var own error // of the work, not of the store
		begun := false
		err := q.store.Update(ctx, func(tx *store.Tx) error {
			begun = true
			if err := (&Job{Work: w}).Hold(tx); errors.Is(err, ErrLost) {
				own = err
				return err
			} else if err != nil {
				return err
			}
			own = errPanic // unless last returns
			var again time.Time
			if again, own = last(tx); own != nil {
				return own
			}
			return outcome(tx, earlier(next, again))
		})
		if err == nil {
			return true
		}
		unable := own == nil && !errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrFull)
		if unable && q.later(running, begun, err, deadline, log) {
			continue
		}
		if errors.Is(err, ErrAgain) {
			next, failed = q.store.Now(), nil
		} else {
			failed = fmt.Errorf("recording what came of it: %w", err)
		}
		break
	}
	if errors.Is(failed, ErrLost) {
		log.Warn("work came too late: its lease is lost")
		return true
	}
	err := q.store.Update(ctx, func(tx *store.Tx) error { return outcome(tx, next) })
	if err != nil {
		log.Error("recording work; it is taken again when its lease ends", "error", err)
	}
	return err == nil
}

// later waits until what came of work may be recorded after all, where the store was unable to with err; begun tells
// whether it got as far as the transaction. It returns false where it is not to be tried again.
func (q *queue) later(running context.Context, begun bool, err error, deadline time.Time, log *slog.Logger) bool {
	early := time.Until(deadline) > 0
	// A full disk, and another program that has the database to itself, are everybody's trouble, and end one day.
	insist := q.Insist && (!begun || errors.Is(err, store.ErrFull)) && running.Err() == nil
	if !early && !insist {
		return false
	}
	log.Warn("recording what came of work; it is tried again", "error", err)
	if early {
		time.Sleep(recordPause)
		return true
	}
	select {
	case <-time.After(poll):
	case <-running.Done():
	}
	return true
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
