package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"joinery/store"
	"joinery/store/outbox"
)

func TestRunsWhenDueAndIsGone(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("%d", j.Subject)
			return time.Time{}, nil
		}})
		b.touch(1, 0)
		b.touch(2, 7*time.Second)
		b.start()
		b.touch(3, 20*time.Second)
		b.touch(3, 12*time.Second) // the earlier of the two counts
		b.touch(4, 3*time.Second)
		b.update(func(tx *store.Tx) error { return b.r.Defer(tx, "k", 4, tx.Now().Add(9*time.Second)) })
		time.Sleep(time.Minute)
		tr.want(t, "0s 1", "7s 2", "9s 4", "12s 3")
		for subject := int64(1); subject <= 4; subject++ {
			if w := b.row(subject); w != nil {
				t.Errorf("work of %d is left: %+v", subject, w)
			}
		}
	})
}

func TestNextRetryAndPanic(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		tries := 0
		b.r = outbox.New(b.s, outbox.Options{Backoff: func(attempts int) time.Duration {
			return time.Duration(attempts) * 10 * time.Second
		}})
		b.r.Add(outbox.Queue{Kind: "k", Handle: func(ctx context.Context, j *outbox.Job) (time.Time, error) {
			tries++
			tr.add("attempts %d", j.Attempts)
			switch tries {
			case 1:
				return time.Time{}, errors.New("refused")
			case 2:
				panic("broken")
			case 3:
				return time.Time{}, fmt.Errorf("call: %w", outbox.RetryAfter{Delay: 100 * time.Second, Err: errors.New("429")})
			case 4:
				return time.Now().Add(time.Hour), nil
			}
			return time.Time{}, nil
		}})
		b.start()
		b.touch(1, 0)
		time.Sleep(5 * time.Second)
		if w := b.row(1); w == nil || w.Attempts != 1 || w.Error != "refused" || w.Lease != "" {
			t.Errorf("after a failure: %+v", w)
		}
		time.Sleep(10 * time.Second)
		if w := b.row(1); w == nil || w.Error != "panic: broken" {
			t.Errorf("after a panic: %+v", w)
		}
		time.Sleep(2 * time.Hour)
		tr.want(t, "0s attempts 0", "10s attempts 1", "30s attempts 2", "2m10s attempts 3", "1h2m10s attempts 0")
	})
}

// A row touched while it is worked stays, and its subject never runs twice at once.
func TestTouchedWhileWorked(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Workers: 4, Handle: func(context.Context, *outbox.Job) (time.Time, error) {
			tr.add("begin")
			time.Sleep(10 * time.Second)
			tr.add("end")
			return time.Time{}, nil
		}})
		b.start()
		b.touch(1, 0)
		time.Sleep(2 * time.Second)
		b.touch(1, 0)
		b.touch(1, 0)
		time.Sleep(10 * time.Second)
		b.touch(1, 20*time.Second) // while the second runs
		time.Sleep(time.Hour)
		tr.want(t, "0s begin", "10s end", "10s begin", "20s end", "32s begin", "42s end")
	})
}

// Work that another process noted is found by looking.
func TestTouchOfAnotherProcess(t *testing.T) {
	inBubble(t, func(b *bench) {
		ran := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Handle: func(context.Context, *outbox.Job) (time.Time, error) {
			ran.add("ran")
			return time.Time{}, nil
		}})
		b.start()
		time.Sleep(time.Second)
		b.update(func(tx *store.Tx) error { return tx.TouchWork("k", 1, tx.Now()) })
		time.Sleep(time.Minute)
		ran.want(t, "5s ran")
	})
}

// Look finds at once what another process noted, in every queue.
func TestLook(t *testing.T) {
	inBubble(t, func(b *bench) {
		ran := newTrace()
		for _, kind := range []string{"k", "l"} {
			b.r.Add(outbox.Queue{Kind: kind, Handle: func(context.Context, *outbox.Job) (time.Time, error) {
				ran.add("%s", kind)
				return time.Time{}, nil
			}})
		}
		b.r.Look() // before Run, and with nothing to do
		b.start()
		time.Sleep(time.Second)
		for _, kind := range []string{"k", "l"} {
			b.update(func(tx *store.Tx) error { return tx.TouchWork(kind, 1, tx.Now()) })
			b.r.Look()
			b.r.Look()
			time.Sleep(time.Second)
		}
		ran.want(t, "1s k", "2s l")
	})
}

// A slow group leaves workers to others, waits without spinning, and all of it gets its turn.
func TestGroupLimit(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		asked := 0
		b.r.Add(outbox.Queue{Kind: "k", Workers: 4, GroupLimit: 2,
			Group: func(_ context.Context, subject int64) string {
				asked++
				if subject < 10 {
					return "slow"
				}
				return "fast"
			},
			Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
				if j.Subject < 10 {
					time.Sleep(10 * time.Second)
				}
				tr.add("%d", j.Subject)
				return time.Time{}, nil
			}})
		for subject := int64(1); subject <= 5; subject++ {
			b.touch(subject, time.Duration(subject)) // in this order
		}
		time.Sleep(time.Second)
		b.start()
		time.Sleep(time.Second)
		b.touch(11, 0)
		time.Sleep(time.Second)
		b.touch(12, 0)
		time.Sleep(time.Minute)
		b.halt()
		slices.Sort(tr.lines)
		tr.want(t, "11s 1", "11s 2", "21s 3", "21s 4", "2s 11", "31s 5", "3s 12")
		if asked > 20 {
			t.Errorf("Group was asked %d times", asked)
		}
	})
}

// A subject that was parked for one group and now belongs to another is taken at once when touched.
func TestTouchChangesGroup(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		var group atomic.Value
		group.Store("slow")
		b.r.Add(outbox.Queue{Kind: "k", Workers: 2, GroupLimit: 1,
			Group: func(context.Context, int64) string { return group.Load().(string) },
			Handle: func(_ context.Context, j *outbox.Job) (time.Time, error) {
				time.Sleep(10 * time.Second)
				tr.add("%d", j.Subject)
				return time.Time{}, nil
			}})
		b.start()
		b.touch(1, 0)
		time.Sleep(time.Second)
		b.touch(2, 0)
		time.Sleep(time.Second)
		group.Store("fast")
		b.touch(2, 0)
		time.Sleep(time.Minute)
		tr.want(t, "10s 1", "12s 2")
	})
}

// A worker whose lease went to another commits nothing.
func TestHoldAfterLeaseIsLost(t *testing.T) {
	inBubble(t, func(b *bench) {
		var held, lost error
		b.r.Add(outbox.Queue{Kind: "k", Handle: func(ctx context.Context, j *outbox.Job) (time.Time, error) {
			held = b.s.Update(ctx, func(tx *store.Tx) error {
				if err := j.Hold(tx); err != nil {
					return err
				}
				return tx.SetMeta("first", "kept")
			})
			b.update(func(tx *store.Tx) error {
				if err := tx.ReleaseLeases(); err != nil { // as another process' start does
					return err
				}
				_, err := tx.ClaimWork("k", tx.Now(), "theirs", tx.Now().Add(time.Hour))
				return err
			})
			lost = b.s.Update(ctx, func(tx *store.Tx) error {
				if err := tx.SetMeta("second", "kept"); err != nil {
					return err
				}
				return j.Hold(tx)
			})
			return time.Time{}, lost
		}})
		b.start()
		b.touch(1, 0)
		time.Sleep(time.Minute)
		b.halt()
		if held != nil || !errors.Is(lost, outbox.ErrLost) {
			t.Errorf("hold: got %v, then %v; want nil, then ErrLost", held, lost)
		}
		b.update(func(tx *store.Tx) error {
			first, _ := tx.Meta("first")
			second, _ := tx.Meta("second")
			if first != "kept" || second != "" {
				t.Errorf("got first %q, second %q; want only the first kept", first, second)
			}
			return nil
		})
		if w := b.row(1); w == nil || w.Lease != "theirs" {
			t.Errorf("the other's lease: got %+v", w)
		}
	})
}

// A handler is told to end before its lease does, and while it does not, nobody else takes its subject.
func TestHandlerOutlivesLease(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		b.r.Add(outbox.Queue{Kind: "k", Workers: 3, Handle: func(ctx context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("begin")
			<-ctx.Done()
			tr.add("%v", ctx.Err())
			time.Sleep(20 * time.Second)
			tr.add("end")
			return time.Time{}, nil
		}})
		b.start()
		b.touch(1, 0)
		time.Sleep(10 * time.Minute)
		tr.want(t, "0s begin", "55s context deadline exceeded", "1m15s end")
	})
}

// Run waits for handlers, whose context ends; what they did not finish is due for the next process.
func TestStop(t *testing.T) {
	inBubble(t, func(b *bench) {
		tr := newTrace()
		handle := func(ctx context.Context, j *outbox.Job) (time.Time, error) {
			tr.add("begin %d after %d", j.Subject, j.Attempts)
			select {
			case <-ctx.Done():
				time.Sleep(time.Second)
				tr.add("stopped")
				return time.Time{}, ctx.Err()
			case <-time.After(30 * time.Second):
				return time.Time{}, nil
			}
		}
		b.r.Add(outbox.Queue{Kind: "k", Handle: handle})
		b.start()
		b.touch(1, 0)
		time.Sleep(10 * time.Second)
		b.halt()
		tr.add("run returned")
		if w := b.row(1); w == nil || w.Lease != "" || w.Attempts != 0 {
			t.Errorf("after the stop: %+v", w)
		}
		// A process that was killed leaves its lease behind.
		b.update(func(tx *store.Tx) error {
			_, err := tx.ClaimWork("k", tx.Now(), "dead", tx.Now().Add(time.Hour))
			return err
		})
		b.r = outbox.New(b.s, outbox.Options{})
		b.r.Add(outbox.Queue{Kind: "k", Handle: handle})
		b.start()
		time.Sleep(time.Minute)
		tr.want(t, "0s begin 1 after 0", "11s stopped", "11s run returned", "11s begin 1 after 0")
		if w := b.row(1); w != nil {
			t.Errorf("work is left: %+v", w)
		}
	})
}

// Many subjects, touched from many sides, all get done and none runs twice at once.
func TestManySubjects(t *testing.T) {
	inBubble(t, func(b *bench) {
		const subjects = 40
		var mu sync.Mutex
		running, version := map[int64]bool{}, map[int64]int64{}
		b.r.Add(outbox.Queue{Kind: "k", Workers: 8, Handle: func(ctx context.Context, j *outbox.Job) (time.Time, error) {
			mu.Lock()
			if running[j.Subject] {
				t.Errorf("%d runs twice", j.Subject)
			}
			running[j.Subject] = true
			mu.Unlock()
			time.Sleep(time.Duration(j.Subject%3) * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			running[j.Subject] = false
			version[j.Subject] = j.Version
			return time.Time{}, nil
		}})
		b.start()
		var all sync.WaitGroup
		for side := range 4 {
			all.Go(func() {
				for i := range subjects {
					b.touch(int64((i*7+side)%subjects+1), 0)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Second)
		for subject := int64(1); subject <= subjects; subject++ {
			if w := b.row(subject); w != nil || version[subject] == 0 {
				t.Errorf("subject %d: left %+v, last version done %d", subject, w, version[subject])
			}
		}
	})
}

func TestBackoff(t *testing.T) {
	for attempts, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second,
		5: 16 * time.Second, 10: 512 * time.Second, 11: 10 * time.Minute, 1000: 10 * time.Minute} {
		for range 20 {
			if got := outbox.Backoff(attempts); got < want*8/10 || got > want*12/10 {
				t.Errorf("backoff %d: got %v, want %v ± 20 %%", attempts, got, want)
			}
		}
	}
}
