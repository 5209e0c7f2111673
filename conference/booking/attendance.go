package booking

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// AttendanceKind is the kind of outbox work that asks who was at a meeting; its subject is the room's
// id. The steps that tell what came of it have the same name.
const AttendanceKind = "attendance"

// stepEnded is the step that tells when a room's meeting ended. The looks count from it.
const stepEnded = "meeting ended"

// attendanceLooks are the times after a meeting's end at which it is asked who was there: services
// count late.
var attendanceLooks = []time.Duration{2 * time.Minute, time.Hour, 24 * time.Hour}

const (
	attendanceBound  = 7 * 24 * time.Hour // after the end nobody is asked any more
	attendanceDenied = 6 * time.Hour      // until a service that refused is asked again
)

// AttendanceQueue is the queue that collects who was at meetings, to be added to the outbox.
func (r *Reconciler) AttendanceQueue() outbox.Queue {
	return outbox.Queue{Kind: AttendanceKind, Workers: workers, Handle: r.attendance, Group: r.attendanceGroup, GroupLimit: groupLimit}
}

// attendanceGroup names the room's account.
func (r *Reconciler) attendanceGroup(ctx context.Context, id int64) string {
	var room *store.Room
	err := r.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		room, err = tx.RoomByID(id)
		return err
	})
	if err != nil {
		return ""
	}
	return room.Provider
}

// attend notes that room's meeting ended at ended, and leaves the work to ask who was there. Called
// again for the same meeting it changes nothing. A room that was moved after its end and held once
// more is asked about anew.
func (r *Reconciler) attend(tx *store.Tx, room *store.Room, ended time.Time) error {
	m, err := endOf(tx, room)
	if err != nil {
		return err
	}
	known := !m.ended.IsZero() && (!m.ended.Before(room.Start) || ended.Before(room.Start))
	if known || r.opts.Now().Sub(ended) > attendanceBound {
		return nil
	}
	if err := tx.AddStep(&store.Step{RoomID: room.ID, At: ended, What: stepEnded, Outcome: "ok"}); err != nil {
		return fmt.Errorf("store the end of room %d: %w", room.ID, err)
	}
	if err := r.opts.Outbox.Touch(tx, AttendanceKind, room.ID, ended.Add(attendanceLooks[0])); err != nil {
		return fmt.Errorf("leave the attendance of room %d: %w", room.ID, err)
	}
	return nil
}

// A held room is one whose meeting ended.
type held struct {
	room  *store.Room
	ended time.Time // zero: it is not known to have ended
	last  string    // the outcome of the last look since then, empty: there was none
}

// endOf reads when room's meeting ended, and what was asked since.
func endOf(tx *store.Tx, room *store.Room) (held, error) {
	m := held{room: room}
	steps, err := tx.StepsOf(room.ID)
	if err != nil {
		return m, fmt.Errorf("read the steps of room %d: %w", room.ID, err)
	}
	for _, s := range steps {
		switch s.What {
		case stepEnded:
			m.ended, m.last = s.At, ""
		case AttendanceKind:
			m.last = s.Outcome
		}
	}
	return m, nil
}

// next is when to look again after a look at now; zero: there was enough.
func (m held) next(now time.Time) time.Time {
	for _, after := range attendanceLooks {
		if at := m.ended.Add(after); at.After(now) {
			return at
		}
	}
	return time.Time{}
}

// attendance is the outbox's handler: it asks who was at a room's meeting and stores the answer.
func (r *Reconciler) attendance(ctx context.Context, j *outbox.Job) (time.Time, error) {
	var m held
	err := r.opts.Store.View(ctx, func(tx *store.Tx) error {
		room, err := tx.RoomByID(j.Subject)
		if err == nil {
			m, err = endOf(tx, room)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read room %d: %w", j.Subject, err)
	}
	a := &attending{run: &run{Reconciler: r, job: j}, held: m}
	now := r.opts.Now()
	first := m.ended.Add(attendanceLooks[0])
	switch {
	case m.ended.IsZero():
		return time.Time{}, nil
	case now.Before(first):
		return first, nil
	case now.Sub(m.ended) > attendanceBound:
		r.opts.Log.Warn("who was at a meeting is not asked any more", "room", m.room.ID, "provider", m.room.Provider)
		return time.Time{}, a.told(ctx, "given up", "", nil)
	}
	p := r.opts.Providers[m.room.Provider]
	if p == nil {
		r.opts.Log.Warn("a meeting's provider account is not configured", "room", m.room.ID, "provider", m.room.Provider)
		r.observe(m.room.Provider, AttendanceKind, "absent")
		return now.Add(r.opts.AbsentRetry), nil
	}
	attender, ok := conference.As[conference.Attender](p)
	if !ok {
		return time.Time{}, nil
	}
	visits, err := attender.Attendance(ctx, known(m.room))
	if err != nil {
		return a.refused(ctx, err)
	}
	return a.answered(ctx, visits)
}

// An attending is one look at who was at a meeting.
type attending struct {
	*run
	held held
}

// answered stores who was there. An empty answer says nothing: the service may not have counted
// yet, or may have forgotten.
func (a *attending) answered(ctx context.Context, visits []conference.Visit) (time.Time, error) {
	outcome, detail := "none", ""
	var keep func(*store.Tx) error
	if len(visits) > 0 {
		outcome, detail = "ok", fmt.Sprintf("%d visits", len(visits))
		keep = func(tx *store.Tx) error { return tx.SetVisits(a.held.room.ID, visitRows(visits)) }
	}
	a.observe(a.held.room.Provider, AttendanceKind, outcome)
	if err := a.told(ctx, outcome, detail, keep); err != nil {
		return time.Time{}, err
	}
	return a.held.next(a.opts.Now()), nil
}

// refused decides by the kind of error when to ask again.
func (a *attending) refused(ctx context.Context, err error) (time.Time, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return time.Time{}, ctx.Err()
	}
	kind, text := conference.KindOf(err), errorText(err)
	a.observe(a.held.room.Provider, AttendanceKind, string(kind))
	var delay time.Duration
	switch kind {
	case conference.Gone:
		return time.Time{}, a.told(ctx, string(kind), text, nil)
	case conference.Denied, conference.Invalid:
		// Many plans have no statistics: that is told once and is no work that keeps failing.
		if a.held.last != string(kind) {
			a.opts.Log.Error("who was at a meeting is not told", "room", a.held.room.ID, "provider", a.held.room.Provider, "error", text)
			if err := a.told(ctx, string(kind), text, nil); err != nil {
				return time.Time{}, err
			}
		}
		return a.opts.Now().Add(attendanceDenied), nil
	case conference.Limited:
		var e *conference.Error
		errors.As(err, &e)
		delay = min(e.RetryAfter, maxRetryAfter)
	}
	var f failure
	f.add(kind, fmt.Errorf("%s at %s: %s", AttendanceKind, a.held.room.Provider, text), delay)
	return time.Time{}, f.result()
}

// told records what came of a look, with what follows from it (nil: nothing).
func (a *attending) told(ctx context.Context, outcome, detail string, with func(*store.Tx) error) error {
	return a.record(ctx, func(tx *store.Tx) error {
		if with != nil {
			if err := with(tx); err != nil {
				return fmt.Errorf("store who was in room %d: %w", a.held.room.ID, err)
			}
		}
		return a.note(tx, a.held.room, AttendanceKind, outcome, detail)
	})
}

// visitRows are visits as the store keeps them.
func visitRows(visits []conference.Visit) []store.Visit {
	rows := make([]store.Visit, len(visits))
	for i, v := range visits {
		rows[i] = store.Visit{
			Address: strings.ToLower(strings.TrimSpace(v.Email)), Name: strings.TrimSpace(v.Name),
			Joined: v.Joined, Left: v.Left, Seconds: int(max(v.Present, 0).Round(time.Second) / time.Second),
		}
	}
	return rows
}
