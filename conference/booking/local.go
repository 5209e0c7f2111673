package booking

import (
	"fmt"
	"time"

	"joinery/conference"
	"joinery/store"
)

// intend makes the row of a new room: it, and the key that it gives, are on the disk before the
// first call.
func (t *run) intend(tx *store.Tx, s sight, a action) error {
	b := s.booking
	if a.bump {
		if err := bump(tx, b); err != nil {
			return err
		}
	}
	room := &store.Room{
		BookingID: b.ID, Generation: b.Generation, Provider: a.account, State: string(conference.RoomIntended),
		Start: s.want.Meeting.Start, End: s.want.until(), Occurrence: s.want.Occurrence,
	}
	if err := tx.PutRoom(room); err != nil {
		return fmt.Errorf("store the intended room of booking %d: %w", b.ID, err)
	}
	_, text, err := meetingOf(s.want, room)
	if err != nil {
		return err
	}
	room.Meeting = text
	return t.keepRoom(tx, room, "intend", "ok", "")
}

// bump begins a new generation of links.
func bump(tx *store.Tx, b *store.Booking) error {
	b.Generation++
	if err := tx.PutBooking(b); err != nil {
		return fmt.Errorf("store the generation of booking %d: %w", b.ID, err)
	}
	return nil
}

// local does what asks no provider.
func (t *run) local(tx *store.Tx, b *store.Booking, room *store.Room, a action) error {
	switch a.do {
	case write:
		t.written[room.ID] = true
		if err := t.opts.Calendar.Ready(tx, b, room); err != nil {
			return &calendarError{fmt.Errorf("write room %d into its event: %w", room.ID, err)}
		}
		return t.note(tx, room, "write", "ok", "")
	case unmark:
		t.told = true
		return t.failed(tx, b, "")
	case forget:
		detail := ""
		if room.Unclear {
			detail = "the last call was not answered, and the service cannot be asked"
			t.opts.Log.Warn("a room may have been left at its provider", "booking", b.ID, "room", room.ID, "provider", room.Provider)
		}
		room.State, room.Unclear, room.LastError = string(conference.RoomGone), false, ""
		return t.keepRoom(tx, room, "forget", "ok", detail)
	case keep:
		return t.history(tx, b, room)
	case leave:
		room.State, room.AskAt = string(conference.RoomLeft), t.opts.Now().Add(askEvery)
		if err := t.keepRoom(tx, room, "leave to its people", "ok", ""); err != nil {
			return err
		}
		return t.over(tx, b)
	}
	return fmt.Errorf("booking %d: %q cannot be done", b.ID, a.do)
}

// give writes the booking's own link, which leads to a room once there is one.
func (t *run) give(tx *store.Tx, b *store.Booking) error {
	t.written[0] = true
	if err := t.opts.Calendar.Ready(tx, b, nil); err != nil {
		return &calendarError{fmt.Errorf("write the link of booking %d into its event: %w", b.ID, err)}
	}
	return nil
}

// history notes that room's meeting took place, as far as anybody knows.
func (t *run) history(tx *store.Tx, b *store.Booking, room *store.Room) error {
	room.State, room.AskAt, room.Unclear = string(conference.RoomHistory), time.Time{}, false
	if conference.Status(room.Status) != conference.StatusPlanned {
		if err := t.attend(tx, room, t.opts.Now()); err != nil {
			return err
		}
	}
	if err := t.keepRoom(tx, room, "keep as history", "ok", ""); err != nil {
		return err
	}
	if err := t.freed(tx, room); err != nil {
		return err
	}
	return t.over(tx, b)
}

// over has what waits for a meeting of b's event looked at.
func (t *run) over(tx *store.Tx, b *store.Booking) error {
	if t.quiet {
		return nil
	}
	if err := t.opts.Calendar.Over(tx, b); err != nil {
		return &calendarError{fmt.Errorf("note that a meeting of booking %d is over: %w", b.ID, err)}
	}
	return nil
}

// absent notes that room's account is not configured. The room is never forgotten: it is looked at
// again each AbsentRetry and whenever its booking is touched.
func (t *run) absent(tx *store.Tx, s sight, room *store.Room, a action) error {
	t.skip[room.ID] = true
	t.next = earliest(t.next, s.now.Add(t.opts.AbsentRetry))
	t.opts.Log.Error("a room's provider account is not configured", "booking", s.booking.ID, "room", room.ID, "provider", room.Provider, "action", string(a.do))
	t.observe(room.Provider, a.do, "absent")
	if cur := s.current(); s.want.Needed && !s.want.Past && cur != nil && cur.ID == room.ID {
		if err := t.failed(tx, s.booking, "other"); err != nil {
			return err
		}
	}
	detail := fmt.Sprintf("the account %q is not configured", room.Provider)
	if !room.Unclear {
		room.LastError = detail
	}
	return t.keepRoom(tx, room, string(a.do), "absent", detail)
}

// failed has the event say why there is no conference, once for each reason.
func (t *run) failed(tx *store.Tx, b *store.Booking, reason string) error {
	if b.Problem == reason {
		return nil
	}
	if err := t.opts.Calendar.Failed(tx, b, reason); err != nil {
		return &calendarError{fmt.Errorf("note a problem of booking %d: %w", b.ID, err)}
	}
	return nil
}

// A calendarError is the calendar's: what the provider answered is kept nevertheless.
type calendarError struct{ error }

func (e *calendarError) Unwrap() error { return e.error }

// keepRoom stores room and what was done.
func (t *run) keepRoom(tx *store.Tx, room *store.Room, what, outcome, detail string) error {
	if err := tx.PutRoom(room); err != nil {
		return fmt.Errorf("store room %d: %w", room.ID, err)
	}
	return t.note(tx, room, what, outcome, detail)
}

func (t *run) note(tx *store.Tx, room *store.Room, what, outcome, detail string) error {
	err := tx.AddStep(&store.Step{RoomID: room.ID, At: t.opts.Now(), What: what, Outcome: outcome, Detail: detail})
	if err != nil {
		return fmt.Errorf("store a step of room %d: %w", room.ID, err)
	}
	return nil
}
