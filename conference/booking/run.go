package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// maxRounds bounds a run: a booking that has not settled by then is looked at again later.
const maxRounds = 60

// callTime is the lease that must be left before a call is begun: more than a call's deadline
// (20 s) and what is recorded after it.
const callTime = 30 * time.Second

var errUnsettled = errors.New("the booking does not settle")

// A run is one turn of a worker at one booking.
type run struct {
	*Reconciler
	job *outbox.Job

	account string // of the last call
	moved   bool   // a call has changed something: the next run does not begin with it again
	progress
	quiet   bool      // the calendar is not told: it failed, and what the provider answered is kept
	next    time.Time // when something that was put off is due
	failure failure
}

// A call is a remote action, prepared and committed.
type call struct {
	action
	state    conference.RoomState // before the call
	name     string               // of the account
	provider conference.Provider
	meeting  conference.Meeting
	text     string // the meeting, encoded
	known    conference.Room
	late     time.Time // until when an earlier call without answer may take effect; zero: there is none

	askAt      time.Time                 // the room's, when the call was prepared
	occurrence string                    // that the meeting is
	until      time.Time                 // when its event's own time is over
	people     []conference.Participant  // enroll
	leaving    []conference.Registration // enroll
}

// handle is the outbox's handler: it does the one next thing, records it, looks again, until
// nothing is to be done now.
func (r *Reconciler) handle(ctx context.Context, j *outbox.Job) (time.Time, error) {
	t := &run{Reconciler: r, job: j, progress: newProgress()}
	for range maxRounds {
		if err := ctx.Err(); err != nil {
			return time.Time{}, err
		}
		var c *call
		var a action
		err := t.record(ctx, func(tx *store.Tx) (err error) {
			a, c, err = t.step(tx)
			return err
		})
		switch {
		case err != nil:
			return time.Time{}, err
		case a.do == nothing:
			return earliest(a.until, t.next), t.failure.result()
		case c == nil:
			continue
		}
		if err := t.call(ctx, c); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, errUnsettled
}

// record runs f in a transaction that commits nothing once the lease is lost. It does so although
// ctx has ended: what a provider has answered is not thrown away.
func (t *run) record(ctx context.Context, f func(*store.Tx) error) error {
	if t.at != nil {
		if err := t.at("before commit"); err != nil {
			return err
		}
	}
	err := t.opts.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := t.job.Hold(tx); err != nil {
			return err
		}
		return f(tx)
	})
	if err == nil && t.at != nil {
		err = t.at("after commit")
	}
	return err
}

// see reads what there is to decide about. The booking is nil if there is none.
func (t *run) see(tx *store.Tx) (sight, error) {
	s := sight{now: t.opts.Now(), able: t.able, progress: t.progress, late: t.late}
	b, err := tx.BookingByID(t.job.Subject)
	if errors.Is(err, store.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read booking %d: %w", t.job.Subject, err)
	}
	s.booking = b
	if s.rooms, err = tx.RecentRooms(b.ID, s.now.Add(-conference.Remembered)); err != nil {
		return s, fmt.Errorf("read the rooms of booking %d: %w", b.ID, err)
	}
	if s.want, err = t.opts.Calendar.Wanted(tx, b, s.now); err != nil {
		return s, fmt.Errorf("read what booking %d asks for: %w", b.ID, err)
	}
	s.accounts, err = t.places(tx, b, s.want.Meeting)
	return s, err
}

// able says what an account's provider can do; an account that is not configured can do nothing.
func (t *run) able(provider string) (can abilities) {
	p := t.opts.Providers[provider]
	if p == nil {
		return can
	}
	_, can.finds = conference.As[conference.Finder](p)
	_, can.states = conference.As[conference.Stater](p)
	_, can.stops = conference.As[conference.Starter](p)
	_, can.enrolls = conference.As[conference.Enroller](p)
	return can
}

// step decides on the state that tx shows and does what is local, or prepares a call.
func (t *run) step(tx *store.Tx) (action, *call, error) {
	s, err := t.see(tx)
	if err != nil || s.booking == nil {
		return action{do: nothing}, nil, err
	}
	a := decide(s)
	switch {
	case a.do == nothing:
		return a, nil, nil
	case a.do == intend:
		return a, nil, t.intend(tx, s, a)
	case a.do == refuse:
		t.told = true
		return a, nil, t.failed(tx, s.booking, a.reason)
	case a.room == 0:
		return a, nil, t.give(tx, s.booking)
	}
	room := roomOf(s.rooms, a.room)
	if !a.do.remote() {
		return a, nil, t.local(tx, s.booking, room, a)
	}
	return t.prepare(tx, s, room, a)
}

func roomOf(rooms []store.Room, id int64) *store.Room {
	for i := range rooms {
		if rooms[i].ID == id {
			return &rooms[i]
		}
	}
	return nil
}

// prepare commits what must be known before the call is made: a crash during it then leaves a row
// that says that the call may have been made.
func (t *run) prepare(tx *store.Tx, s sight, room *store.Room, a action) (action, *call, error) {
	p := t.opts.Providers[room.Provider]
	if p == nil {
		return a, nil, t.absent(tx, s, room, a)
	}
	if t.account != "" && (t.leaseLeft() < callTime || t.moved && t.account != room.Provider) {
		// With a fresh lease, and among those of that account. A run that has changed nothing goes on:
		// the next one would come no further.
		return action{do: nothing, until: s.now}, nil, nil
	}
	t.account = room.Provider
	c := &call{action: a, state: conference.RoomState(room.State), name: room.Provider, provider: p,
		late: lateUntil(room, t.late), occurrence: s.want.Occurrence, until: s.want.until(), askAt: room.AskAt}
	meeting, text, err := meetingOf(s.want, room)
	if err != nil {
		return a, nil, err
	}
	switch a.do {
	case reserve:
		if len(room.Refs) == 0 || room.Meeting == "" {
			room.Meeting, room.Start, room.End, room.Occurrence = text, meeting.Start, c.until, c.occurrence
		} else if meeting, err = decodeMeeting(room.Meeting); err != nil {
			// What was begun is finished as it was begun, so that Find goes on finding it; the
			// live room is then brought to what is wanted.
			return a, nil, err
		}
		text = room.Meeting
		room.State, room.Unclear = string(conference.RoomCreating), true
		room.LastError = noAnswer + " yet"
		err = tx.PutRoom(room)
	case find:
		if room.Meeting != "" {
			meeting, err = decodeMeeting(room.Meeting)
		}
	case update:
		room.Unclear, room.LastError = true, noAnswer+" yet"
		err = tx.PutRoom(room)
	case enroll:
		c.people = s.want.People
		c.leaving, err = t.comers(tx, room, c.people)
	case release:
		if c.state != conference.RoomReleasing {
			room.State = string(conference.RoomReleasing)
			if c.state == conference.RoomLive {
				room.Unclear = false // that of an update, which does not count any more
			}
			err = tx.PutRoom(room)
		}
	}
	if err != nil {
		return a, nil, fmt.Errorf("prepare to %s room %d: %w", a.do, room.ID, err)
	}
	c.meeting, c.text, c.known = meeting, text, known(room)
	return a, c, nil
}

// leaseLeft is how long the job is surely still ours.
func (t *run) leaseLeft() time.Duration {
	if t.job.Until.IsZero() {
		return outbox.Lease
	}
	return t.job.Until.Sub(t.opts.Now())
}
