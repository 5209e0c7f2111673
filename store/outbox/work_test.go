package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"joinery/store"
	"joinery/store/outbox"
)

// What a handler leaves to be recorded is recorded together with what it returned, or is not; a touch meanwhile
// has the work looked at again.
func TestRecord(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		records := map[int64]int{}
		b.r = outbox.New(b.s, outbox.Options{Backoff: func(attempts int) time.Duration {
			return time.Duration(attempts) * 600 * time.Millisecond
		}})
		b.r.Add(outbox.Queue{Kind: "k", Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("%d after %d attempts", j.Subject, j.Attempts)
			if j.Subject == 3 && j.Version == 1 {
				b.touch(3, 5*time.Second)
			}
			j.Record(func(*store.Tx) (time.Time, error) { return time.Time{}, errors.New("the later counts") })
			j.Record(func(tx *store.Tx) (next time.Time, err error) {
				if records[j.Subject]++; j.Subject == 1 && records[1] == 2 {
					panic("broken")
				}
				if err := tx.SetMeta(fmt.Sprint("record ", j.Subject), fmt.Sprint(records[j.Subject])); err != nil {
					return next, err
				}
				switch {
				case j.Subject == 1 && records[1] == 1:
					return next, errors.New("the change is not made")
				case j.Subject == 5 && records[5] == 1:
					return tx.Now().Add(7 * time.Second), nil
				case j.Subject == 5 && records[5] == 2:
					return tx.Now().Add(time.Hour), fmt.Errorf("changed: %w", outbox.ErrAgain)
				}
				return next, nil
			})
			switch {
			case j.Subject == 2 && j.Version == 1:
				return time.Now().Add(10 * time.Second), nil
			case j.Subject == 5 && records[5] < 2:
				return time.Now().Add(time.Minute), nil
			case j.Subject == 4 && j.Attempts == 0:
				return time.Time{}, outbox.RetryAfter{Delay: 4 * time.Second, Err: errors.New("not taken")}
			}
			return time.Time{}, nil
		}})
		b.touch(1, 0)
		b.touch(2, 3*time.Second)
		b.touch(3, 20*time.Second)
		b.touch(4, 30*time.Second)
		b.touch(5, 40*time.Second)
		b.start()
		time.Sleep(500 * time.Millisecond)
		b.update(func(tx *store.Tx) error {
			if got, _ := tx.Meta("record 1"); got != "" {
				t.Errorf("of a record that failed is left: %q", got)
			}
			return nil
		})
		if w := b.row(1); w == nil || w.Attempts != 1 || !strings.Contains(w.Error, "the change is not made") {
			t.Errorf("work whose record failed: %+v", w)
		}
		time.Sleep(3 * time.Second)
		if w := b.row(2); w == nil || w.Lease != "" {
			t.Errorf("work that is to be looked at again: %+v", w)
		}
		b.touch(2, 2*time.Minute) // it has a version of its own now
		time.Sleep(28 * time.Second)
		if w := b.row(4); w == nil || w.Attempts != 1 || w.Error != "not taken" {
			t.Errorf("work that failed, and whose record did not: %+v", w)
		}
		time.Sleep(3 * time.Minute)
		tr.want(t, "0s 1 after 0 attempts", "1s 1 after 1 attempts", "2s 1 after 2 attempts", "3s 2 after 0 attempts", "13s 2 after 0 attempts",
			"20s 3 after 0 attempts", "25s 3 after 0 attempts", "30s 4 after 0 attempts", "34s 4 after 1 attempts",
			"40s 5 after 0 attempts", "47s 5 after 0 attempts", "47s 5 after 0 attempts")
		b.update(func(tx *store.Tx) error {
			for subject, want := range map[int64]string{1: "3", 2: "2", 3: "2", 4: "2", 5: "3"} {
				if got, _ := tx.Meta(fmt.Sprint("record ", subject)); got != want {
					t.Errorf("record of %d: got %q, want %q", subject, got, want)
				}
			}
			return nil
		})
		for subject := int64(1); subject <= 5; subject++ {
			if w := b.row(subject); w != nil {
				t.Errorf("work of %d is left: %+v", subject, w)
			}
		}
	})
}

// A worker takes several subjects at once and handles them in turn; the workers share what is due.
func TestBatch(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Workers: 2, Batch: 4, Handle: func(ctx context.Context, j *outbox.Job) (time.Time, error) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) < outbox.Lease*2/3 {
				t.Errorf("%d has until %v", j.Subject, deadline)
			}
			time.Sleep(2 * time.Second)
			tr.add("%d after %d", j.Subject, j.Attempts)
			j.Record(func(tx *store.Tx) (time.Time, error) { time.Sleep(time.Second); return time.Time{}, nil })
			return time.Time{}, nil
		}})
		for subject := int64(1); subject <= 5; subject++ {
			b.touch(subject, time.Duration(subject))
		}
		time.Sleep(time.Second)
		b.start()
		time.Sleep(time.Minute)
		b.halt()
		slices.Sort(tr.lines)
		tr.want(t, "3s 1 after 0", "3s 4 after 0", "5s 2 after 0", "5s 5 after 0", "7s 3 after 0")
	})
}

// What a worker does not begin soon is given back as if it had not been taken, so that every handler has most of
// its lease.
func TestBatchGivesBack(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Batch: 4, Handle: func(ctx context.Context, j *outbox.Job) (time.Time, error) {
			deadline, _ := ctx.Deadline()
			tr.add("%d after %d has %v", j.Subject, j.Attempts, time.Until(deadline).Round(time.Second))
			time.Sleep(6 * time.Second)
			return time.Time{}, nil
		}})
		b.touchAll(4)
		b.start()
		time.Sleep(2 * time.Minute)
		tr.want(t, "0s 1 after 0 has 55s", "6s 2 after 0 has 49s", "12s 3 after 0 has 55s", "18s 4 after 0 has 49s")
	})
}

// Where the store takes nothing any more, a batch goes no further: what cannot be recorded would be done again.
func TestBatchStopsWithTheStore(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Batch: 8, Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("%d", j.Subject)
			if j.Subject == 1 {
				if err := b.s.Close(); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(time.Second)
			return time.Time{}, nil
		}})
		b.touchAll(8)
		b.start()
		time.Sleep(20 * time.Second)
		b.halt()
		// The next may have begun before it was known.
		if len(tr.lines) > 2 {
			t.Errorf("what happened: %q, want the first two at most", tr.lines)
		}
	})
}

// A batch that is stopped gives back what it has not begun.
func TestStopInBatch(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Batch: 4, Handle: func(ctx context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("%d", j.Subject)
			if j.Subject == 2 {
				<-ctx.Done()
			}
			return time.Time{}, ctx.Err()
		}})
		b.touchAll(3)
		b.start()
		time.Sleep(10 * time.Second)
		b.halt()
		tr.want(t, "0s 1", "0s 2")
		if w := b.row(1); w != nil {
			t.Errorf("what was done: %+v", w)
		}
		for subject := int64(2); subject <= 3; subject++ {
			if w := b.row(subject); w == nil || w.Lease != "" || w.Attempts != 0 {
				t.Errorf("work of %d: %+v", subject, w)
			}
		}
	})
}

// wantOnce works on a subject that can be recorded after 3 s only.
func (b *bench) wantOnce(tr *trace) {
	b.t.Helper()
	b.touch(1, 0)
	b.start()
	time.Sleep(time.Minute)
	tr.want(b.t, "0s 1", "3s recorded")
	if w := b.row(1); w != nil {
		b.t.Errorf("work is left: %+v", w)
	}
}

// What was done is recorded also where the disk is full for a while: it is not done again.
func TestRecordOnAFullDisk(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		full := 3
		b.r.Add(outbox.Queue{Kind: "k", Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("%d", j.Subject)
			j.Record(func(tx *store.Tx) (time.Time, error) {
				if full--; full >= 0 {
					return time.Time{}, fmt.Errorf("storing the outcome: %w", store.ErrFull)
				}
				tr.add("recorded")
				return time.Time{}, nil
			})
			return time.Time{}, nil
		}})
		b.wantOnce(tr)
	})
}

// Where a queue insists, a disk that stays full has it wait for as long as the program runs: the lease is long over then.
func TestRecordOnADiskThatStaysFull(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		var full atomic.Bool
		full.Store(true)
		b.r.Add(outbox.Queue{Kind: "k", Workers: 2, Insist: true, Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("%d", j.Subject)
			j.Record(func(tx *store.Tx) (time.Time, error) {
				if full.Load() {
					return time.Time{}, fmt.Errorf("storing the outcome: %w", store.ErrFull)
				}
				tr.add("recorded %d", j.Subject)
				return time.Time{}, nil
			})
			return time.Time{}, nil
		}})
		b.touch(1, 0)
		b.start()
		time.Sleep(10*time.Minute - time.Second)
		full.Store(false)
		time.Sleep(time.Minute)
		full.Store(true)
		b.touch(2, 0)
		time.Sleep(2 * time.Minute)
		b.halt()
		tr.add("stopped")
		tr.want(t, "0s 1", "10m0s recorded 1", "10m59s 2", "12m59s stopped")
		if w := b.row(1); w != nil {
			t.Errorf("work is left: %+v", w)
		}
		if w := b.row(2); w == nil || w.Version != 1 {
			t.Errorf("work that could not be recorded: %+v", w)
		}
	})
}

// What was done is recorded also where the lease cannot be read for a while: it is not done again.
func TestRecordWhereTheLeaseCannotBeRead(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("%d", j.Subject)
			b.exec("ALTER TABLE work RENAME TO work_away")
			go func() {
				time.Sleep(2500 * time.Millisecond)
				b.exec("ALTER TABLE work_away RENAME TO work")
			}()
			j.Record(func(*store.Tx) (time.Time, error) {
				tr.add("recorded")
				return time.Time{}, nil
			})
			return time.Time{}, nil
		}})
		b.wantOnce(tr)
	})
}
