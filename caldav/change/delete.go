package change

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"joinery/store"
)

var errNotFound = &Refusal{Status: http.StatusNotFound, Text: "there is no such object"}

func (c *Changer) delete(ctx context.Context, r DeleteRequest) error {
	return c.opts.Store.Update(ctx, func(tx *store.Tx) error {
		cur, err := c.target(tx, r.Calendar, r.Name, r.Conditions)
		if err != nil {
			return err
		}
		return c.deleteTx(tx, r.Caller, cur, r.Silent, 0)
	})
}

// target is the object that a DELETE or MOVE names, its conditions checked.
func (c *Changer) target(tx *store.Tx, cal *store.Calendar, name string, cond Conditions) (*store.Object, error) {
	o, err := find(tx.ObjectByName(cal.ID, name))
	if err != nil {
		return nil, fmt.Errorf("look for the object: %w", err)
	}
	if o == nil {
		return nil, errNotFound
	}
	_, err = c.precondition(tx, o, cond)
	return o, err
}

// deleteTx deletes an object. Where it owned its event, ownership goes to another object of the same
// UID (not in the calendar except), or the event is gone: its conference is released and its people
// are told after the settle time.
func (c *Changer) deleteTx(tx *store.Tx, by Caller, o *store.Object, silent bool, except int64) error {
	if err := tx.DeleteObject(o.ID); err != nil {
		return fmt.Errorf("delete the object: %w", err)
	}
	ev, err := find(tx.EventByUID(o.UserID, o.UID))
	if err != nil {
		return fmt.Errorf("look for the event: %w", err)
	}
	if ev == nil || ev.ObjectID != o.ID {
		return c.audit(tx, by, o.UID, "deleted a copy", "")
	}
	heir, err := c.heir(tx, ev, except)
	if err != nil {
		return err
	}
	if heir != nil {
		ev.ObjectID = heir.ID
		u, err := tx.UserByID(ev.UserID)
		if err != nil {
			return fmt.Errorf("read the event's owner: %w", err)
		}
		if e := parseStored(heir.Data); e != nil {
			ev.Role = roleOf(e, u)
		}
		if err := tx.PutEvent(ev); err != nil {
			return fmt.Errorf("hand the event over: %w", err)
		}
		if err := c.refresh(tx, ev); err != nil {
			return err
		}
		return c.audit(tx, by, o.UID, "deleted, another copy took over", heir.Name)
	}
	ev.ObjectID, ev.Data, ev.Deleted, ev.Silent = 0, o.Data, tx.Now(), silent
	if err := tx.PutEvent(ev); err != nil {
		return fmt.Errorf("store the deletion: %w", err)
	}
	bookings, err := tx.Bookings(ev.ID)
	if err != nil {
		return fmt.Errorf("read the bookings: %w", err)
	}
	for i := range bookings {
		b := &bookings[i]
		if b.State == store.BookingWanted {
			b.State, b.Since = store.BookingDropped, tx.Now()
			if err := tx.PutBooking(b); err != nil {
				return fmt.Errorf("drop the booking: %w", err)
			}
		}
		if err := c.opts.Outbox.Touch(tx, WorkBooking, b.ID, tx.Now()); err != nil {
			return err
		}
	}
	if err := c.concern(tx, ev.ID); err != nil {
		return err
	}
	tx.OnCommit(func() { c.wake(ev.ID) })
	return c.audit(tx, by, o.UID, "deleted", "")
}

// heir is the newest object with the event's UID besides its owner that is an event too.
func (c *Changer) heir(tx *store.Tx, ev *store.Event, except int64) (*store.Object, error) {
	others, err := tx.ObjectsByUID(ev.UserID, ev.UID, ev.ObjectID)
	if err != nil {
		return nil, fmt.Errorf("look for other copies: %w", err)
	}
	var heir *store.Object
	for i := range others {
		if o := &others[i]; o.CalendarID != except && o.Component == "VEVENT" && (heir == nil || o.Modified.After(heir.Modified)) {
			heir = o
		}
	}
	return heir, nil
}

// refresh writes the event's conference as it is remembered into the object that owns it now.
func (c *Changer) refresh(tx *store.Tx, ev *store.Event) error {
	all, err := conferencesOf(tx, ev.ID)
	if err != nil {
		return err
	}
	for _, b := range all.all() {
		if err := c.rewrite(tx, b, nil); err != nil {
			return err
		}
		if err := c.opts.Outbox.Touch(tx, WorkBooking, b.ID, tx.Now()); err != nil {
			return err
		}
	}
	return c.concern(tx, ev.ID)
}

func (c *Changer) deleteCalendar(ctx context.Context, by Caller, cal *store.Calendar) error {
	return c.opts.Store.Update(ctx, func(tx *store.Tx) error { return c.deleteCalendarTx(tx, by, cal) })
}

func (c *Changer) deleteCalendarTx(tx *store.Tx, by Caller, cal *store.Calendar) error {
	ids, err := tx.ObjectIDs(cal.ID)
	if err != nil {
		return fmt.Errorf("list the calendar: %w", err)
	}
	for _, id := range ids { // one at a time: all of them may be more than memory bears
		o, err := tx.ObjectByID(id)
		if err != nil {
			return fmt.Errorf("read an object of the calendar: %w", err)
		}
		// Nobody is told that an attendee threw a calendar away; what the owner organised is cancelled.
		silent := true
		if err := c.deleteTx(tx, by, o, silent, cal.ID); err != nil {
			return err
		}
	}
	if err := tx.DeleteCalendar(cal.ID); err != nil {
		return fmt.Errorf("delete the calendar: %w", err)
	}
	return nil
}

func (c *Changer) removeUser(ctx context.Context, by Caller, u *store.User) error {
	return c.opts.Store.Update(ctx, func(tx *store.Tx) error {
		cals, err := tx.Calendars(u.ID)
		if err != nil {
			return fmt.Errorf("list the calendars: %w", err)
		}
		for i := range cals {
			if err := c.deleteCalendarTx(tx, by, &cals[i]); err != nil {
				return err
			}
		}
		if err := tx.DeleteUser(u.ID); err != nil {
			return fmt.Errorf("remove the user: %w", err)
		}
		return nil
	})
}

func (c *Changer) move(ctx context.Context, r MoveRequest) (Result, error) {
	var res Result
	err := c.opts.Store.Update(ctx, func(tx *store.Tx) error {
		res = Result{}
		cur, err := c.target(tx, r.From, r.Name, r.Conditions)
		if err != nil {
			return err
		}
		if r.From.UserID != r.To.UserID {
			return &Refusal{Status: http.StatusForbidden, Text: "objects are moved within one home only"}
		}
		res.Created = true
		target, err := find(tx.ObjectByName(r.To.ID, r.ToName))
		if err != nil {
			return fmt.Errorf("look for the target: %w", err)
		}
		if target != nil && target.ID != cur.ID {
			switch {
			case !r.Overwrite:
				return errPrecondition
			case target.UID != cur.UID:
				return uidConflict(r.To, target, "another object stands there, with another UID")
			}
			res.Created = false
			if err := c.deleteTx(tx, r.Caller, target, false, 0); err != nil {
				return err
			}
		}
		if err := c.movable(tx, cur, r); err != nil {
			return err
		}
		if target == nil || target.ID != cur.ID {
			if err := tx.MoveObject(cur.ID, r.To.ID, r.ToName); err != nil {
				return fmt.Errorf("move the object: %w", err)
			}
		}
		if res.Object, err = tx.ObjectByID(cur.ID); err != nil {
			return fmt.Errorf("read the moved object: %w", err)
		}
		res.ScheduleTag = res.Object.ScheduleTag
		return c.audit(tx, r.Caller, cur.UID, "moved", r.From.Slug+" to "+r.To.Slug)
	})
	return res, err
}

// movable holds a move to one object for each UID in the target calendar.
func (c *Changer) movable(tx *store.Tx, cur *store.Object, r MoveRequest) error {
	if len(r.To.Components) > 0 {
		ok := false
		for _, name := range r.To.Components {
			ok = ok || name == cur.Component
		}
		if !ok {
			return refuse("supported-calendar-component", "the target does not take "+cur.Component)
		}
	}
	others, err := tx.ObjectsByUID(cur.UserID, cur.UID, cur.ID)
	if err != nil {
		return fmt.Errorf("look for the UID: %w", err)
	}
	for _, o := range others {
		if o.CalendarID == r.To.ID && o.Name != r.ToName {
			return uidConflict(r.To, &o, "the target calendar has the UID in another object")
		}
	}
	return nil
}

// AsRefusal returns err as a Refusal, if it is one.
func AsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}
