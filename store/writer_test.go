package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"joinery/store"
)

// One failing function of a group commit hurts no other, nor does one that panics or ends its goroutine.
func TestGroupCommit(t *testing.T) {
	s := openStore(t, store.Options{})
	errRefused := errors.New("refused")
	const n = 200
	var all sync.WaitGroup
	var committed atomic.Int64
	// The first holds the writer until the rest wait, so that they are committed together.
	gate := make(chan struct{})
	all.Go(func() { _ = s.Update(t.Context(), func(*store.Tx) error { <-gate; return nil }) })
	for i := range n {
		all.Go(func() {
			key := fmt.Sprint("key", i)
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				tx.OnCommit(func() { committed.Add(1) })
				if err := tx.SetMeta(key, "kept"); err != nil {
					return err
				}
				switch i % 5 {
				case 1:
					return errRefused
				case 2:
					panic("broken")
				}
				return nil
			})
			switch {
			case i%5 == 1 && err != errRefused:
				t.Errorf("%d: got %v, want its own error as it is", i, err)
			case i%5 == 2 && (err == nil || !strings.Contains(err.Error(), "broken")):
				t.Errorf("%d: got %v, want the panic", i, err)
			case i%5 != 1 && i%5 != 2 && err != nil:
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	close(gate)
	all.Wait()
	view(t, s, func(tx *store.Tx) error {
		for i := range n {
			got, err := tx.Meta(fmt.Sprint("key", i))
			if kept := i%5 != 1 && i%5 != 2; err != nil || kept != (got == "kept") {
				t.Errorf("%d: kept %v (%v), want %v", i, got == "kept", err, kept)
			}
		}
		return nil
	})
	if got, want := committed.Load(), int64(n*3/5); got != want {
		t.Errorf("OnCommit ran %d times, want %d", got, want)
	}
}

func TestGoexitInUpdate(t *testing.T) {
	s := openStore(t, store.Options{})
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.SetMeta("a", "1"); err != nil {
			return err
		}
		runtime.Goexit()
		return nil
	})
	if err == nil {
		t.Error("no error of a function that ended its goroutine")
	}
	update(t, s, func(tx *store.Tx) error {
		if got, _ := tx.Meta("a"); got != "" {
			t.Errorf("got %q, want nothing kept", got)
		}
		return tx.SetMeta("b", "1")
	})
}

// What Update returned nil for is seen by every later view, and OnCommit has run, in order.
func TestUpdateIsSeen(t *testing.T) {
	s := openStore(t, store.Options{})
	var order []int
	update(t, s, func(tx *store.Tx) error {
		for i := range 3 {
			tx.OnCommit(func() {
				order = append(order, i)
				// Outside the transaction: this would wait for itself otherwise.
				update(t, s, func(tx *store.Tx) error { return tx.SetMeta("n", fmt.Sprint(i)) })
			})
		}
		tx.OnCommit(func() { panic("does not reach the caller") })
		return nil
	})
	if fmt.Sprint(order) != "[0 1 2]" {
		t.Errorf("OnCommit: got %v", order)
	}
	view(t, s, func(tx *store.Tx) error {
		got, err := tx.Meta("n")
		if got != "2" {
			t.Errorf("got %q, want 2", got)
		}
		return err
	})
}

// A caller that goes before its function ran withdraws it; one whose function runs gets the outcome.
func TestUpdateContext(t *testing.T) {
	s := openStore(t, store.Options{})
	holds, gate := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		first <- s.Update(ctx, func(tx *store.Tx) error {
			close(holds)
			<-gate
			return tx.SetMeta("first", "1")
		})
	}()
	<-holds
	late, withdraw := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() {
		second <- s.Update(late, func(*store.Tx) error { t.Error("ran after its caller had gone"); return nil })
	}()
	time.Sleep(5 * time.Millisecond)
	withdraw()
	wantErr(t, "second", <-second, context.Canceled)
	cancel()
	time.Sleep(5 * time.Millisecond)
	close(gate)
	if err := <-first; err != nil {
		t.Errorf("first: got %v, want the commit's outcome", err)
	}
	wantErr(t, "ended context", s.Update(ctx, func(*store.Tx) error { return nil }), context.Canceled)
	view(t, s, func(tx *store.Tx) error {
		got, err := tx.Meta("first")
		if got != "1" {
			t.Errorf("first is not kept")
		}
		return err
	})
	wantErr(t, "view", s.View(ctx, func(tx *store.Tx) error { return nil }), context.Canceled)
}

// A view sees one state from its first read to its end, and cannot write.
func TestViewIsASnapshot(t *testing.T) {
	s := openStore(t, store.Options{})
	set := func(v string) {
		update(t, s, func(tx *store.Tx) error { return tx.SetMeta("k", v) })
	}
	set("before")
	view(t, s, func(tx *store.Tx) error {
		for range 2 {
			if got, err := tx.Meta("k"); got != "before" || err != nil {
				t.Errorf("got %q (%v), want before", got, err)
			}
			set("after")
		}
		if err := tx.SetMeta("k", "written"); err == nil {
			t.Error("a view could write")
		}
		return nil
	})
	var leaked *store.Tx
	view(t, s, func(tx *store.Tx) error {
		leaked = tx
		if got, _ := tx.Meta("k"); got != "after" {
			t.Errorf("got %q, want after", got)
		}
		return nil
	})
	if _, err := leaked.Meta("k"); err == nil {
		t.Error("a transaction can be used after its end")
	}
	err := s.View(t.Context(), func(*store.Tx) error { panic("broken") })
	if err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("panic in a view: got %v", err)
	}
}

func TestClose(t *testing.T) {
	s := openStore(t, store.Options{})
	began, gate := make(chan struct{}), make(chan struct{})
	outcome := make(chan error, 1)
	go func() {
		outcome <- s.Update(t.Context(), func(tx *store.Tx) error {
			close(began)
			<-gate
			return tx.SetMeta("k", "v")
		})
	}()
	<-began
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	time.Sleep(5 * time.Millisecond)
	select {
	case <-closed:
		t.Error("closed while a transaction ran")
	default:
	}
	close(gate)
	if err := <-outcome; err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	wantErr(t, "update", s.Update(t.Context(), func(*store.Tx) error { return nil }), store.ErrClosed)
	wantErr(t, "view", s.View(t.Context(), func(*store.Tx) error { return nil }), store.ErrClosed)
	if err := s.Close(); err != nil {
		t.Error("second close:", err)
	}
}

// BenchmarkUpdateConcurrent is what a save costs when many are made at once.
func BenchmarkUpdateConcurrent(b *testing.B) {
	s := openStore(b, store.Options{})
	c := newCalendar(b, s, "anna")
	data := make([]byte, 2000)
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i := n.Add(1)
			err := s.Update(context.Background(), func(tx *store.Tx) error {
				o := &store.Object{CalendarID: c.ID, Name: fmt.Sprint(i), UID: fmt.Sprint(i), Data: data}
				if err := tx.PutObject(o); err != nil {
					return err
				}
				e := &store.Event{UserID: c.UserID, UID: o.UID, ObjectID: o.ID, Role: store.RoleNone}
				if err := tx.PutEvent(e); err != nil {
					return err
				}
				if err := tx.AddAudit(&store.Audit{UserID: c.UserID, UID: o.UID, Who: "anna", What: "put"}); err != nil {
					return err
				}
				return tx.TouchWork("booking", e.ID, tx.Now())
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkUpdateAlone is what it costs when nobody else saves.
func BenchmarkUpdateAlone(b *testing.B) {
	s := openStore(b, store.Options{})
	c := newCalendar(b, s, "anna")
	o := &store.Object{CalendarID: c.ID, Name: "a", UID: "a", Data: make([]byte, 2000)}
	for b.Loop() {
		if err := s.Update(context.Background(), func(tx *store.Tx) error { return tx.PutObject(o) }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkView is what reading one object costs.
func BenchmarkView(b *testing.B) {
	s := openStore(b, store.Options{})
	c := newCalendar(b, s, "anna")
	put(b, s, &store.Object{CalendarID: c.ID, Name: "a", UID: "a", Data: make([]byte, 2000)})
	for b.Loop() {
		err := s.View(context.Background(), func(tx *store.Tx) error {
			_, err := tx.ObjectByName(c.ID, "a")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// A look reads what was committed before it, once, and leaves nothing open.
func TestLook(t *testing.T) {
	s := openStore(t, store.Options{})
	c := newCalendar(t, s, "anna")
	for i := range 20 { // more than there are connections
		put(t, s, &store.Object{CalendarID: c.ID, Name: fmt.Sprint(i), UID: fmt.Sprint(i), Component: "VEVENT", ETag: "1", Data: []byte("x")})
		err := s.Look(t.Context(), func(tx *store.Tx) error {
			if n, err := tx.CountObjects(c.ID); err != nil || n != i+1 {
				t.Errorf("a look counts %d objects (%v), want %d", n, err, i+1)
			}
			_, err := tx.CountObjects(c.ID)
			return err
		})
		if err == nil {
			t.Fatal("a look ran two statements")
		}
	}
	wantErr(t, "a look for what is not there", s.Look(t.Context(), func(tx *store.Tx) error {
		_, err := tx.CalendarByID(c.ID + 1)
		return err
	}), store.ErrNotFound)
	if err := s.Look(t.Context(), func(*store.Tx) error { panic("in a look") }); err == nil {
		t.Error("a look that panics succeeds")
	}
}
