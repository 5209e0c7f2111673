package booking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"joinery/conference"
	"joinery/store"
)

// An answer is what a call came to.
type answer struct {
	room  conference.Room
	found bool // find
	ended bool // update, Gone: the meeting took place
	err   error

	status conference.Status         // ask
	people []conference.Registration // enroll
}

// call makes a prepared call and records its answer. Its own error ends the run: the lease or the
// store is lost, or the program ends.
func (t *run) call(ctx context.Context, c *call) error {
	var recordErr error
	var got answer
	switch c.do {
	case find:
		if f, ok := conference.As[conference.Finder](c.provider); ok {
			got.room, got.found, got.err = f.Find(ctx, c.meeting)
		}
		if conference.KindOf(got.err) == conference.Gone {
			got.found, got.err = false, nil
		}
	case reserve:
		got.room, got.err = c.provider.Reserve(ctx, c.meeting, c.known, func(room conference.Room) error {
			recordErr = t.record(ctx, func(tx *store.Tx) error { return t.recorded(tx, c, room) })
			return recordErr
		})
	case update:
		got.room, got.err = c.provider.Update(ctx, c.known, c.meeting)
		if conference.KindOf(got.err) == conference.Gone {
			got.ended, got.err = t.ended(ctx, c, got.err)
		}
	case release:
		got.err = c.provider.Release(ctx, c.known)
		if conference.KindOf(got.err) == conference.Gone {
			got.err = nil
		}
	}
	t.others(ctx, c, &got)
	switch {
	case recordErr != nil:
		return recordErr
	case got.err != nil && errors.Is(ctx.Err(), context.Canceled):
		// The program ends. The row says already that a call was made.
		return ctx.Err()
	}
	t.moved = t.moved || got.err == nil && c.do != ask && c.do != enroll
	t.log(c, got)
	err := t.record(ctx, func(tx *store.Tx) error { return t.answered(tx, c, got, true) })
	var calendar *calendarError
	if errors.As(err, &calendar) {
		if err := t.record(ctx, func(tx *store.Tx) error { return t.answered(tx, c, got, false) }); err != nil {
			return err
		}
	}
	return err
}

// ended tells whether the meeting of a room that cannot be updated any more took place. gone is the
// update's error; another one says that it cannot be known now.
func (t *run) ended(ctx context.Context, c *call, gone error) (bool, error) {
	s, ok := conference.As[conference.Stater](c.provider)
	if !ok {
		return false, gone
	}
	status, err := s.Status(ctx, c.known)
	switch conference.KindOf(err) {
	case conference.Temporary, conference.Limited, conference.Ambiguous:
		return false, err
	}
	return err == nil && status == conference.StatusEnded, gone
}

// recorded keeps a step that the service has taken, before the next one.
func (t *run) recorded(tx *store.Tx, c *call, got conference.Room) error {
	room, err := tx.RoomByID(c.room)
	if err != nil {
		return fmt.Errorf("read room %d: %w", c.room, err)
	}
	var fresh []string
	for name, ref := range got.Refs {
		if room.Refs[name] != ref {
			fresh = append(fresh, name)
		}
	}
	slices.Sort(fresh)
	learn(room, got)
	return t.keepRoom(tx, room, strings.TrimSpace("recorded "+strings.Join(fresh, ", ")), "ok", "")
}

// answered records the answer to a call, with all that follows from it; the calendar is told if tell.
func (t *run) answered(tx *store.Tx, c *call, got answer, tell bool) error {
	t.quiet = !tell
	defer func() { t.quiet = false }()
	s, err := t.see(tx)
	if err != nil {
		return err
	}
	room := roomOf(s.rooms, c.room)
	if s.booking == nil || room == nil {
		return fmt.Errorf("room %d: %w", c.room, store.ErrNotFound)
	}
	if got.err != nil {
		return t.refused(tx, s, room, c, got, tell)
	}
	outcome := "ok"
	switch c.do {
	case find:
		if !got.found {
			outcome = "none"
			if c.late.After(s.now) {
				t.skip[room.ID] = true
				t.next = earliest(t.next, c.late, s.now.Add(t.late(room.Provider)/4))
				return t.note(tx, room, string(c.do), outcome, "looked for again later: the service may still be at it")
			}
			break
		}
		merged := got.room.Clone()
		if merged.JoinURL == "" && sameRefs(merged.Refs, room.Refs) {
			// Not every service tells the link again.
			merged.JoinURL, merged.DialIn, merged.Passcode = room.JoinURL, room.DialIn, room.Passcode
		}
		learn(room, merged)
	case reserve:
		learn(room, got.room)
		room.State = string(conference.RoomLive)
	case update:
		if c.state == conference.RoomHistory {
			room.People = "" // nobody has looked after them since
		}
		if len(got.room.Refs) > 0 || got.room.JoinURL != "" {
			learn(room, got.room)
		}
		room.State = string(conference.RoomLive)
		room.Meeting, room.Start, room.End, room.Occurrence = c.text, c.meeting.Start, c.until, c.occurrence
	case release:
		room.State = string(conference.RoomGone)
		if err := t.freed(tx, room); err != nil {
			return err
		}
	case ask:
		return t.heard(tx, s, room, c, got.status)
	case stop:
		return t.stopped(tx, s, room)
	case enroll:
		return t.enrolled(tx, s, room, c, got.people)
	}
	room.Unclear, room.Attempts, room.LastError = false, 0, ""
	if c.do == update && c.late.After(s.now) {
		room.Unclear, room.LastError = true, noAnswer+" to an earlier update"
	}
	if err := t.keepRoom(tx, room, string(c.do), outcome, ""); err != nil {
		return err
	}
	if tell && (c.do == reserve || c.do == update) {
		return t.ready(tx, s, room)
	}
	return nil
}

// ready writes a room into its event, in the transaction that makes it live, if it is still the
// one that is wanted. Otherwise it is live for now, and released in its turn.
func (t *run) ready(tx *store.Tx, s sight, room *store.Room) error {
	b := s.booking
	if !s.want.Needed || s.want.Past || room.Generation != b.Generation || room.Provider != b.Provider {
		return nil
	}
	if link := cmp.Or(s.want.Link, room.JoinURL); link != "" && b.Link == link {
		return nil
	}
	return t.local(tx, b, room, action{do: write, room: room.ID})
}

// refused records an error.
func (t *run) refused(tx *store.Tx, s sight, room *store.Room, c *call, got answer, tell bool) error {
	kind := conference.KindOf(got.err)
	text := errorText(got.err)
	outcome := string(kind)
	b := s.booking
	cur := s.current()
	wanted := s.want.Needed && !s.want.Past && cur != nil && cur.ID == room.ID

	if kind == conference.Gone {
		switch {
		case c.do == enroll:
			// Its status says what has become of it.
			room.AskAt = s.now
			t.skip[room.ID] = true
			t.failure.add(kind, fmt.Errorf("%s at %s: %s", c.do, c.name, text), 0)
			return t.keepRoom(tx, room, string(c.do), outcome, text)
		case c.do == update || c.do == ask || c.do == stop:
			room.State = string(conference.RoomGone)
			if got.ended {
				room.State, room.Status, room.StatusAt = string(conference.RoomHistory), string(conference.StatusEnded), s.now
				if err := t.attend(tx, room, s.now); err != nil {
					return err
				}
			}
			room.Unclear, room.Attempts, room.LastError = false, 0, ""
			// People have its link; its successor's is a new one.
			if room.Generation == b.Generation && (c.do == update || wanted) {
				if err := bump(tx, b); err != nil {
					return err
				}
			}
			return t.keepRoom(tx, room, string(c.do), outcome, text)
		case c.do == reserve && len(c.known.Refs) > 0:
			// What was begun was taken away; another room is begun.
			room.State, room.Unclear, room.Attempts, room.LastError = string(conference.RoomGone), false, 0, ""
			return t.keepRoom(tx, room, string(c.do), outcome, text)
		}
	}
	if kind == conference.Invalid && c.do == reserve && len(room.Refs) > 0 {
		if _, text, err := meetingOf(s.want, room); err == nil && text != c.text {
			// It cannot be finished as it was begun, and something else is wanted by now.
			room.State, room.Unclear, room.LastError = string(conference.RoomReleasing), false, ""
			return t.keepRoom(tx, room, string(c.do), outcome, errorText(got.err))
		}
	}

	switch {
	case c.do == enroll && tell && (kind == conference.Denied || kind == conference.Invalid):
		t.skip[room.ID] = true
		t.failure.add(kind, fmt.Errorf("%s at %s: %s", c.do, c.name, text), t.denied(room.Provider, 10))
		if err := t.note(tx, room, string(c.do), outcome, text); err != nil {
			return err
		}
		return t.warned(tx, b, reasonText(got.err))
	case c.do == ask && (kind == conference.Denied || kind == conference.Invalid || overdue(s, room)):
		// Who may not know, or cannot, goes by the clock.
		return t.heard(tx, s, room, c, "")
	case c.do == stop && (kind == conference.Denied || kind == conference.Invalid):
		if err := t.note(tx, room, string(c.do), outcome, text); err != nil {
			return err
		}
		return t.history(tx, b, room)
	case c.do == ask || c.do == stop || c.do == enroll:
		t.skip[room.ID] = true
		t.failure.add(kind, fmt.Errorf("%s at %s: %s", c.do, c.name, text), retryAfter(got.err))
		return t.note(tx, room, string(c.do), outcome, text)
	}
	room.Attempts++
	switch {
	case c.do == find:
		// Nothing is known more than before.
		if strings.HasPrefix(room.LastError, noAnswer) {
			text = noAnswer + ", and it cannot be looked for: " + text
		}
	case c.do == release:
	case (kind == conference.Ambiguous || c.do == update) && unanswered(got.err):
		// A provider may call an update temporary, as repeating it is harmless.
		text = noAnswer + ": " + text
	case c.do == update && c.late.After(s.now):
		text = noAnswer + " to an earlier update; then " + text
	default:
		// An update is several calls: those before the one that failed have had their effect.
		room.Unclear = kind == conference.Ambiguous || c.do == update
	}
	room.LastError = text
	if err := t.keepRoom(tx, room, string(c.do), outcome, errorText(got.err)); err != nil {
		return err
	}

	t.skip[room.ID] = true
	err := fmt.Errorf("%s at %s: %s", c.do, c.name, errorText(got.err))
	switch kind {
	case conference.Limited:
		t.failure.add(kind, err, retryAfter(got.err))
	case conference.Denied, conference.Invalid:
		t.failure.add(kind, err, t.denied(room.Provider, room.Attempts))
		if tell && wanted {
			return t.failed(tx, b, reasonText(got.err))
		}
	default:
		t.failure.add(kind, err, 0)
	}
	return nil
}

// retryAfter is the pause that err asks for. One odd header does not park a booking for days.
func retryAfter(err error) time.Duration {
	var e *conference.Error
	if errors.As(err, &e) && e.Kind == conference.Limited {
		return min(e.RetryAfter, maxRetryAfter)
	}
	return 0
}

// maxRetryAfter is the longest pause that a service's word alone makes.
const maxRetryAfter = 15 * time.Minute

func sameRefs(a, b map[string]string) bool {
	for name, ref := range a {
		if was, ok := b[name]; ok && was != ref {
			return false
		}
	}
	return len(a) > 0 && len(b) > 0
}

// log tells operators and metrics of an attempt.
func (t *run) log(c *call, got answer) {
	outcome := "ok"
	switch {
	case got.err != nil:
		outcome = string(conference.KindOf(got.err))
	case c.do == find && !got.found:
		outcome = "none"
	}
	t.observe(c.name, c.do, outcome)
	log := t.opts.Log.With("booking", t.job.Subject, "room", c.room, "provider", c.name, "action", string(c.do), "outcome", outcome)
	kind := conference.KindOf(got.err)
	switch {
	case got.err == nil:
		log.Info("provider attempt")
	case kind == conference.Denied || kind == conference.Invalid:
		log.Error("provider attempt", "error", errorText(got.err))
	default:
		log.Warn("provider attempt", "error", errorText(got.err))
	}
}
