package booking

import (
	"context"
	"fmt"
	"time"

	"joinery/conference"
	"joinery/store"
)

// How often a meeting that goes on is looked at: more often while a room is needed, for the next
// occurrence may wait for it.
const (
	askEvery = 15 * time.Minute
	askSoon  = 5 * time.Minute
)

// others makes the calls that are about a meeting itself and not about its reservation.
func (t *run) others(ctx context.Context, c *call, got *answer) {
	switch c.do {
	case ask:
		if s, ok := conference.As[conference.Stater](c.provider); ok {
			got.status, got.err = s.Status(ctx, c.known)
		}
	case stop:
		if s, ok := conference.As[conference.Starter](c.provider); ok {
			got.err = s.Stop(ctx, c.known)
		}
	case enroll:
		if e, ok := conference.As[conference.Enroller](c.provider); ok {
			got.people, got.err = e.Enroll(ctx, c.known, c.people, c.leaving)
		}
	}
}

// heard records what a provider said of a room's meeting (empty: it does not say), and when to ask
// again.
func (t *run) heard(tx *store.Tx, s sight, room *store.Room, c *call, status conference.Status) error {
	t.asked[room.ID] = true
	was := room.Status
	if !room.AskAt.Equal(c.askAt) {
		// Something was told while the provider was asked: it is asked again.
		delete(t.asked, room.ID)
		return nil
	}
	room.Status, room.StatusAt, room.AskAt = string(status), s.now, time.Time{}
	over := !room.End.After(s.now)
	if status != conference.StatusEnded && (over || status != conference.StatusPlanned) {
		every := askEvery
		if s.want.Needed {
			every = askSoon
		}
		room.AskAt = s.now.Add(every)
		if last := room.End.Add(conference.MaxOverrun); last.After(s.now) && last.Before(room.AskAt) {
			room.AskAt = last
		}
	}
	if was == room.Status {
		if err := tx.PutRoom(room); err != nil {
			return fmt.Errorf("store room %d: %w", room.ID, err)
		}
		return nil
	}
	return t.keepRoom(tx, room, string(ask), "ok", room.Status)
}

// overdue tells whether it cannot be waited any longer for what a provider says of a room.
func overdue(s sight, r *store.Room) bool {
	if s.want.Needed && r.Occurrence != s.want.Occurrence {
		return !leaveAt(r, s.want.Meeting.Start).After(s.now)
	}
	return !r.End.Add(conference.MaxOverrun).After(s.now)
}

// stopped records that a meeting that nobody ended was ended.
func (t *run) stopped(tx *store.Tx, s sight, room *store.Room) error {
	room.Status, room.StatusAt = string(conference.StatusEnded), s.now
	if err := t.note(tx, room, string(stop), "ok", "nobody had ended it"); err != nil {
		return err
	}
	return t.history(tx, s.booking, room)
}

// noticeGrain is how exactly services tell when something happened: some to the minute.
const noticeGrain = time.Minute

// Notice takes a hint from an account's service that something happened to a room: the service is
// asked what it is. A notice about an unknown room is nothing.
func (r *Reconciler) Notice(ctx context.Context, account string, n conference.Notice) error {
	err := r.opts.Store.Update(ctx, func(tx *store.Tx) error {
		rooms, err := tx.RoomsByRef(account, n.Ref, n.Value)
		if err != nil {
			return err
		}
		for i := range rooms {
			room := &rooms[i]
			if s := stateOf(room); s != conference.RoomLive && s != conference.RoomLeft {
				continue
			}
			if !n.At.IsZero() && n.At.Add(noticeGrain).Before(room.StatusAt) {
				continue // what it tells of was asked since
			}
			room.AskAt = r.opts.Now()
			if err := tx.PutRoom(room); err != nil {
				return err
			}
			if err := r.opts.Outbox.Touch(tx, Kind, room.BookingID, r.opts.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("take a notice of %s: %w", account, err)
	}
	return nil
}
