package outbox_test

import (
	"context"
	"testing"
	"time"

	"joinery/store"
	"joinery/store/outbox"
)

// traced adds a queue that notes which subjects it was given.
func (b *bench) traced() *trace {
	tr := newTrace()
	b.r.Add(outbox.Queue{Kind: "k", Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
		tr.add("%d", j.Subject)
		return time.Time{}, nil
	}})
	return tr
}

// What was noted while the clock was hours ahead does not wait until it is there again; what is due at a time far
// away still is.
func TestClockIsSetBack(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.ahead.Store(int64(3 * time.Hour))
		tr := b.traced()
		b.start()
		b.touch(1, 4*time.Second)
		b.touch(2, 10*time.Minute)
		b.touch(3, 5*time.Hour)
		time.Sleep(time.Second)
		b.ahead.Store(0)
		time.Sleep(9 * time.Second)
		b.touch(4, 2*time.Second)
		time.Sleep(10 * time.Hour)
		tr.want(t, "8s 1", "12s 4", "10m4s 2", "8h0m0s 3") // it is seen within a poll
	})
}

// The same where the program was not running when the clock was set: the store knows how late it was.
func TestClockWasSetBack(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.ahead.Store(int64(3 * time.Hour))
		b.touch(1, 4*time.Second)
		b.touch(2, 5*time.Hour)
		b.update(func(tx *store.Tx) error { return tx.AddAudit(&store.Audit{What: "put"}) })
		b.ahead.Store(0)
		tr := b.traced()
		time.Sleep(time.Second)
		b.update(func(tx *store.Tx) error { return tx.AddAudit(&store.Audit{What: "put"}) })
		b.start()
		time.Sleep(10 * time.Hour)
		tr.want(t, "5s 1", "8h0m0s 2")
	})
}

// A wait counts from when it began, also by a clock that is a little ahead; by one that is ahead by more than the
// wait itself nobody knows when that was.
func TestAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]time.Duration{
		time.Minute: -40 * time.Second, 20 * time.Second: 0, 5 * time.Second: 15 * time.Second, 0: 20 * time.Second,
		-15 * time.Second: 35 * time.Second, -20 * time.Second: 40 * time.Second, -21 * time.Second: 0, -3 * time.Hour: 0,
	} {
		if got := outbox.After(now.Add(-ago), 20*time.Second, now).Sub(now); got != want {
			t.Errorf("what began %v ago is over in %v, want %v", ago, got, want)
		}
	}
}
