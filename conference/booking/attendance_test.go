package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// A counter is an account that tells who was at a meeting.
type counter struct {
	account
	tell func(look int) ([]conference.Visit, error)

	mu    sync.Mutex
	from  time.Time
	looks []string // when, since from
	asked []conference.Room
}

func (c *counter) Attendance(ctx context.Context, r conference.Room) ([]conference.Visit, error) {
	c.mu.Lock()
	c.looks = append(c.looks, time.Since(c.from).String())
	c.asked = append(c.asked, r)
	n := len(c.looks)
	c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.tell(n)
}

// An attendanceBench is a room whose meeting ended, at an account that counts, in a synctest bubble.
type attendanceBench struct {
	*fixture
	*counter
	r     *Reconciler
	room  store.Room
	ended time.Time
}

func inAttendance(t *testing.T, tell func(look int) ([]conference.Visit, error), do func(b *attendanceBench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, "one")
		b := &attendanceBench{fixture: f, counter: &counter{account: account{f.services["one"]}, tell: tell, from: time.Now()}, ended: time.Now()}
		f.opts.Providers = map[string]conference.Provider{"one": b.counter}
		b.r, _ = f.reconciler()
		b.room = store.Room{BookingID: b.bookAt(), Provider: "one", State: string(conference.RoomHistory), Refs: map[string]string{"event": "e1"},
			Start: b.ended.Add(-time.Hour), End: b.ended}
		b.put()
		do(b)
	})
}

// bookAt makes a booking without work.
func (b *attendanceBench) bookAt() int64 {
	id := b.book("one", "Plans")
	b.cal.set(id, func(w *Want) { *w = Want{Past: true} })
	return id
}

func (b *attendanceBench) put() {
	b.fixture.t.Helper()
	b.update(func(tx *store.Tx) error { return tx.PutRoom(&b.room) })
}

func (b *attendanceBench) attend(ended time.Time) {
	b.fixture.t.Helper()
	b.update(func(tx *store.Tx) error { return b.r.attend(tx, &b.room, ended) })
}

// goOn runs the outbox for a while, with a delay of 1 s after the first failure, 2 s after the second.
func (b *attendanceBench) goOn(d time.Duration) {
	b.fixture.t.Helper()
	runner := outbox.New(b.store, outbox.Options{Backoff: func(attempts int) time.Duration { return time.Duration(attempts) * time.Second }})
	runner.Add(b.r.AttendanceQueue())
	stop := b.run(b.r, runner)
	time.Sleep(d)
	stop()
}

// want compares the looks, what is stored and the steps with what they should be.
func (b *attendanceBench) want(looks, visits, steps string) {
	t := b.fixture.t
	t.Helper()
	if got := strings.Join(b.looks, " "); got != looks {
		t.Errorf("looks: got %q, want %q", got, looks)
	}
	var rows []string
	b.view(func(tx *store.Tx) error {
		stored, err := tx.Visits(b.room.ID)
		for _, v := range stored {
			rows = append(rows, fmt.Sprintf("%s<%s>%d", v.Name, v.Address, v.Seconds))
		}
		return err
	})
	if got := strings.Join(rows, " "); got != visits {
		t.Errorf("visits: got %q, want %q", got, visits)
	}
	if got := b.steps(b.room.BookingID); got != steps {
		t.Errorf("steps: got %q, want %q", got, steps)
	}
}

// wantDone wants no work left.
func (b *attendanceBench) wantDone() {
	b.fixture.t.Helper()
	b.view(func(tx *store.Tx) error {
		if w, err := tx.WorkOf(AttendanceKind, b.room.ID); !errors.Is(err, store.ErrNotFound) {
			b.fixture.t.Errorf("work is left: %+v (%v)", w, err)
		}
		return nil
	})
}

var someVisit = conference.Visit{Email: " Boris@example.org", Name: "Boris", Present: 90*time.Second + 600*time.Millisecond}

// Services count late: a later answer replaces an earlier one, an empty one says nothing.
func TestAttendanceLooksThreeTimes(t *testing.T) {
	answers := [][]conference.Visit{nil, {someVisit}, nil}
	inAttendance(t, func(look int) ([]conference.Visit, error) { return answers[look-1], nil }, func(b *attendanceBench) {
		b.attend(b.ended)
		b.attend(b.ended)
		b.goOn(3 * time.Hour)
		b.attend(b.ended.Add(time.Hour)) // told again, by a webhook say
		b.goOn(23 * time.Hour)
		b.want("2m0s 1h0m0s 24h0m0s", "Boris<boris@example.org>91", "meeting ended: ok; attendance: none; attendance: ok; attendance: none")
		b.wantDone()
		b.attend(b.ended)
		b.wantDone()
		if got := b.asked[0].Refs["event"]; got != "e1" {
			t.Errorf("asked about event %q, want e1", got)
		}
	})
}

func TestAttendanceLaterAnswerReplaces(t *testing.T) {
	inAttendance(t, func(look int) ([]conference.Visit, error) {
		return slices.Repeat([]conference.Visit{{Name: "Guest", Present: time.Duration(look) * time.Minute}}, look), nil
	}, func(b *attendanceBench) {
		b.attend(b.ended)
		b.goOn(2 * time.Hour)
		b.want("2m0s 1h0m0s", "Guest<>120 Guest<>120", "meeting ended: ok; attendance: ok; attendance: ok")
	})
}

// A program that was away looks once at its return and goes on from there.
func TestAttendanceAfterBeingAway(t *testing.T) {
	inAttendance(t, func(int) ([]conference.Visit, error) { return []conference.Visit{someVisit}, nil }, func(b *attendanceBench) {
		b.attend(b.ended)
		time.Sleep(5 * time.Hour)
		b.goOn(20 * time.Hour)
		b.want("5h0m0s 24h0m0s", "Boris<boris@example.org>91", "meeting ended: ok; attendance: ok; attendance: ok")
		b.wantDone()
	})
}

func TestAttendanceErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		run   time.Duration
		away  time.Duration
		looks string
		steps string
		done  bool
	}{
		{"gone", fault(conference.Gone), time.Hour, 0, "2m0s", "meeting ended: ok; attendance: gone", true},
		{"denied", fault(conference.Denied), 13 * time.Hour, 0, "2m0s 6h2m0s 12h2m0s", "meeting ended: ok; attendance: denied", false},
		{"limited", &conference.Error{Kind: conference.Limited, RetryAfter: time.Hour, Err: errors.New("scripted")}, 30 * time.Minute, 0,
			"2m0s 17m0s", "meeting ended: ok", false},
		{"given up", fault(conference.Denied), 5 * time.Minute, attendanceBound, "2m0s", "meeting ended: ok; attendance: denied; attendance: given up", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inAttendance(t, func(int) ([]conference.Visit, error) { return nil, test.err }, func(b *attendanceBench) {
				b.attend(b.ended)
				b.goOn(test.run)
				if test.away > 0 {
					time.Sleep(test.away)
					b.goOn(time.Minute)
				}
				b.want(test.looks, "", test.steps)
				if test.done {
					b.wantDone()
				}
			})
		})
	}
}

// What may pass by itself is tried again soon, and its error is no more than operators may see.
func TestAttendanceTemporary(t *testing.T) {
	errs := []error{fault(conference.Temporary), errors.New("https://service.example/?token=secret")}
	inAttendance(t, func(look int) ([]conference.Visit, error) {
		if look <= len(errs) {
			return nil, errs[look-1]
		}
		return []conference.Visit{someVisit}, nil
	}, func(b *attendanceBench) {
		b.attend(b.ended)
		b.goOn(2*time.Minute + 2*time.Second)
		b.view(func(tx *store.Tx) error {
			w, err := tx.WorkOf(AttendanceKind, b.room.ID)
			if err == nil && (w.Attempts != 2 || strings.Contains(w.Error, "secret") || !strings.Contains(w.Error, "attendance at one")) {
				t.Errorf("work: got %+v", w)
			}
			return err
		})
		b.goOn(10 * time.Minute)
		b.want("2m0s 2m1s 2m3s", "Boris<boris@example.org>91", "meeting ended: ok; attendance: ok")
	})
}

// An account that is not configured is waited for.
func TestAttendanceOfAbsentAccount(t *testing.T) {
	inAttendance(t, func(int) ([]conference.Visit, error) { return []conference.Visit{someVisit}, nil }, func(b *attendanceBench) {
		delete(b.r.opts.Providers, "one")
		b.attend(b.ended)
		b.goOn(90 * time.Minute)
		b.r.opts.Providers["one"] = b.counter
		b.goOn(24 * time.Hour)
		b.want("2h2m0s 24h0m0s", "Boris<boris@example.org>91", "meeting ended: ok; attendance: ok; attendance: ok")
	})
}

func TestAttendanceIsNotAsked(t *testing.T) {
	never := func(int) ([]conference.Visit, error) { return nil, errors.New("asked") }
	inAttendance(t, never, func(b *attendanceBench) {
		b.r.opts.Providers["one"] = b.account // it does not count
		b.attend(b.ended)
		b.goOn(time.Hour)
		b.want("", "", "meeting ended: ok")
		b.wantDone()
	})
	inAttendance(t, never, func(b *attendanceBench) {
		b.attend(b.ended.Add(-8 * 24 * time.Hour))
		b.update(func(tx *store.Tx) error { // of a room whose end nobody told, and of none
			return errors.Join(tx.TouchWork(AttendanceKind, b.room.ID, tx.Now()), tx.TouchWork(AttendanceKind, 99, tx.Now()))
		})
		b.goOn(time.Hour)
		b.want("", "", "")
		b.wantDone()
	})
}

// A one-off that was moved into the future after its end is held, and counted, once more.
func TestAttendanceOfSecondMeeting(t *testing.T) {
	inAttendance(t, func(look int) ([]conference.Visit, error) {
		return []conference.Visit{{Name: fmt.Sprint("look ", look), Present: time.Minute}}, nil
	}, func(b *attendanceBench) {
		b.attend(b.ended)
		b.goOn(2 * time.Hour)
		b.room.Start, b.room.End = b.ended.Add(3*time.Hour), b.ended.Add(4*time.Hour)
		b.put()
		time.Sleep(2 * time.Hour)
		b.attend(b.ended.Add(4 * time.Hour))
		b.attend(b.ended.Add(4 * time.Hour))
		b.goOn(30 * time.Minute)
		b.want("2m0s 1h0m0s 4h2m0s", "look 3<>60",
			"meeting ended: ok; attendance: ok; attendance: ok; meeting ended: ok; attendance: ok")
	})
}

// An answer that comes after the lease was lost is not stored.
func TestAttendanceLeaseLost(t *testing.T) {
	var b *attendanceBench
	tell := func(int) ([]conference.Visit, error) {
		b.update(func(tx *store.Tx) error {
			if err := tx.ReleaseLeases(); err != nil {
				return err
			}
			_, err := tx.ClaimWork(AttendanceKind, tx.Now(), "theirs", tx.Now().Add(time.Hour))
			return err
		})
		return []conference.Visit{someVisit}, nil
	}
	inAttendance(t, tell, func(bench *attendanceBench) {
		b = bench
		b.attend(b.ended)
		b.goOn(5 * time.Minute)
		b.want("2m0s", "", "meeting ended: ok")
	})
}

// The room's account is the group: one that hangs does not hold the others.
func TestAttendanceGroup(t *testing.T) {
	inAttendance(t, nil, func(b *attendanceBench) {
		q := b.r.AttendanceQueue()
		if got := q.Group(context.Background(), b.room.ID); got != "one" {
			t.Errorf("group: got %q, want one", got)
		}
		if got := q.Group(context.Background(), 99); got != "" {
			t.Errorf("group of nothing: got %q", got)
		}
		if q.GroupLimit >= q.Workers {
			t.Errorf("one account takes all of %d workers", q.Workers)
		}
	})
}
