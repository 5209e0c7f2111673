package store_test

import (
	"testing"
	"time"

	"joinery/store"
)

// A line of a script of work: what is done at a second of the clock, and the row afterwards.
type workStep struct {
	do       func(tx *store.Tx, w **store.Work) error
	gone     bool
	due      int // seconds since the clock's start
	attempts int
	leased   bool
}

func TestWork(t *testing.T) {
	start := newClock().now()
	sec := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	touch := func(due int) func(*store.Tx, **store.Work) error {
		return func(tx *store.Tx, _ **store.Work) error { return tx.TouchWork("k", 1, sec(due)) }
	}
	deferTo := func(due int) func(*store.Tx, **store.Work) error {
		return func(tx *store.Tx, _ **store.Work) error { return tx.DeferWork("k", 1, sec(due)) }
	}
	claim := func(now int) func(*store.Tx, **store.Work) error {
		return func(tx *store.Tx, w **store.Work) (err error) {
			*w, err = tx.ClaimWork("k", sec(now), "lease"+sec(now).String(), sec(now+60))
			return err
		}
	}
	finish := func(next int) func(*store.Tx, **store.Work) error {
		return func(tx *store.Tx, w **store.Work) error {
			if next == 0 {
				return tx.FinishWork(*w, time.Time{})
			}
			return tx.FinishWork(*w, sec(next))
		}
	}
	retry := func(due int) func(*store.Tx, **store.Work) error {
		return func(tx *store.Tx, w **store.Work) error { return tx.RetryWork(*w, sec(due), "refused") }
	}
	release := func(tx *store.Tx, w **store.Work) error { return tx.ReleaseWork(*w) }
	releaseAll := func(tx *store.Tx, _ **store.Work) error { return tx.ReleaseLeases() }
	// setBack has the clock, which was 1000 s ahead, show 0.
	setBack := func(tx *store.Tx, _ **store.Work) error {
		return tx.AdvanceWork("k", sec(0), 1000*time.Second, 100*time.Second, sec(60))
	}
	// late has another worker take the row after the lease ended, and the first come back late.
	late := func(f func(*store.Tx, **store.Work) error) func(*store.Tx, **store.Work) error {
		return func(tx *store.Tx, w **store.Work) error {
			mine := *w
			if err := claim(100)(tx, w); err != nil {
				return err
			}
			if held, err := tx.HoldsWork(mine); held || err != nil {
				t.Errorf("late worker: holds %v (%v)", held, err)
			}
			if held, err := tx.HoldsWork(*w); !held || err != nil {
				t.Errorf("new worker: holds %v (%v)", held, err)
			}
			return f(tx, &mine)
		}
	}
	for name, steps := range map[string][]workStep{
		"the earlier touch counts": {{do: touch(10), due: 10}, {do: touch(20), due: 10}, {do: touch(5), due: 5}},
		"defer is exact":           {{do: touch(10), due: 10}, {do: deferTo(20), due: 20}, {do: deferTo(15), due: 15}},
		"done":                     {{do: touch(0)}, {do: claim(1), leased: true}, {do: finish(0), gone: true}},
		"done, again later":        {{do: touch(0)}, {do: claim(1), leased: true}, {do: finish(30), due: 30}},
		"failed, then touched": {{do: touch(0)}, {do: claim(1), leased: true}, {do: retry(30), due: 30, attempts: 1},
			{do: touch(40), due: 30}},
		"failed twice, then done": {{do: touch(0)}, {do: claim(1), leased: true}, {do: retry(30), due: 30, attempts: 1},
			{do: claim(31), due: 30, attempts: 1, leased: true}, {do: retry(60), due: 60, attempts: 2},
			{do: claim(61), due: 60, attempts: 2, leased: true}, {do: finish(90), due: 90}},
		"touched at work, then done": {{do: touch(0)}, {do: claim(1), leased: true}, {do: touch(20), leased: true},
			{do: touch(10), leased: true}, {do: finish(0), due: 10}},
		"touched at work, done earlier": {{do: touch(0)}, {do: claim(1), leased: true}, {do: touch(20), leased: true},
			{do: finish(5), due: 5}},
		"touched at work, then failed": {{do: touch(0)}, {do: claim(1), leased: true}, {do: touch(2), leased: true},
			{do: retry(30), due: 2}},
		"deferred at work": {{do: touch(0)}, {do: claim(1), leased: true}, {do: deferTo(50), due: 50, leased: true},
			{do: finish(0), due: 50}},
		"touched, worker dies": {{do: touch(0)}, {do: claim(1), leased: true}, {do: touch(20), leased: true},
			{do: releaseAll}, {do: claim(3), leased: true}, {do: finish(0), gone: true}},
		"clock set back":            {{do: touch(1010), due: 1010}, {do: setBack, due: 10}, {do: setBack}},
		"clock set back, due later": {{do: touch(1101), due: 1101}, {do: setBack, due: 1101}, {do: deferTo(990), due: 990}, {do: setBack}},
		"clock set back, touched at work": {{do: touch(1000), due: 1000}, {do: claim(1001), due: 1000, leased: true},
			{do: touch(1020), due: 1000, leased: true}, {do: setBack, leased: true}, {do: finish(0), due: 20}},
		"clock set back, touched at work for later": {{do: touch(1000), due: 1000}, {do: claim(1001), due: 1000, leased: true},
			{do: touch(1101), due: 1000, leased: true}, {do: setBack, leased: true}, {do: finish(0), due: 1101}},
		"clock set back, worker dies": {{do: touch(1000), due: 1000}, {do: claim(1001), due: 1000, leased: true},
			{do: setBack, leased: true}, {do: claim(60), leased: true}},
		"given back":       {{do: touch(0)}, {do: claim(1), leased: true}, {do: release}},
		"late, done":       {{do: touch(0)}, {do: claim(1), leased: true}, {do: late(finish(0)), leased: true}},
		"late, again":      {{do: touch(0)}, {do: claim(1), leased: true}, {do: late(finish(9)), leased: true}},
		"late, failed":     {{do: touch(0)}, {do: claim(1), leased: true}, {do: late(retry(9)), leased: true}},
		"late, given back": {{do: touch(0)}, {do: claim(1), leased: true}, {do: late(release), leased: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, store.Options{})
			var w *store.Work
			for i, step := range steps {
				update(t, s, func(tx *store.Tx) error {
					if err := step.do(tx, &w); err != nil {
						return err
					}
					got, err := tx.WorkOf("k", 1)
					if step.gone {
						wantErr(t, "row", err, store.ErrNotFound)
						return nil
					}
					if err != nil {
						return err
					}
					if !got.Due.Equal(sec(step.due)) || got.Attempts != step.attempts || (got.Lease != "") != step.leased {
						t.Errorf("step %d: got due %v, attempts %d, lease %q; want %+v", i, got.Due.Sub(start), got.Attempts, got.Lease, step)
					}
					return nil
				})
			}
		})
	}
}

func TestClaimAndNext(t *testing.T) {
	s := openStore(t, store.Options{})
	start := newClock().now()
	sec := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	update(t, s, func(tx *store.Tx) error {
		next := func(now int, want time.Time) {
			t.Helper()
			got, err := tx.NextWork("k", sec(now))
			if err != nil || !got.Equal(want) {
				t.Errorf("next at %d: got %v (%v), want %v", now, got, err, want)
			}
		}
		_, err := tx.NextWork("k", sec(0))
		wantErr(t, "next of nothing", err, store.ErrNotFound)
		for subject, due := range map[int64]int{1: 30, 2: 10, 3: 20} {
			if err := tx.TouchWork("k", subject, sec(due)); err != nil {
				return err
			}
		}
		if err := tx.TouchWork("other", 9, sec(0)); err != nil {
			return err
		}
		next(0, sec(10))
		_, err = tx.ClaimWork("k", sec(9), "l", sec(69))
		wantErr(t, "claim before due", err, store.ErrNotFound)
		next(25, sec(25))
		for _, want := range []int64{2, 3} {
			w, err := tx.ClaimWork("k", sec(25), "l", sec(85))
			if err != nil || w.Subject != want {
				t.Errorf("claim: got %+v (%v), want %d", w, err, want)
			}
		}
		_, err = tx.ClaimWork("k", sec(25), "l", sec(85))
		wantErr(t, "third claim", err, store.ErrNotFound)
		next(25, sec(30))
		_, err = tx.ClaimSubject("k", 2, sec(25), "l", sec(85))
		wantErr(t, "claim of a held subject", err, store.ErrNotFound)
		if w, err := tx.ClaimWork("k", sec(30), "l", sec(90)); err != nil || w.Subject != 1 {
			t.Errorf("claim: got %+v (%v), want 1", w, err)
		}
		next(31, sec(85))
		due, err := tx.DueWork("k", sec(95), 10, func(subject int64) bool { return subject == 3 })
		if err != nil || len(due) != 2 || due[0] != 2 || due[1] != 1 {
			t.Errorf("due: got %v (%v), want 2 and 1", due, err)
		}
		counts, err := tx.CountWork()
		if c := counts["k"]; err != nil || c.Waiting != 3 || c.Failing != 0 || !c.Oldest.Equal(sec(10)) || len(counts) != 2 {
			t.Errorf("counts: got %+v (%v)", counts, err)
		}
		return nil
	})
}
