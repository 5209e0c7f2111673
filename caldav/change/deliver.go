package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
	"joinery/store/outbox"
)

// How long a change that concerns nobody's plans, the answer of another attendee, may take to reach the
// copies of the others: answers that come together are delivered together.
const refreshDelay = 5 * time.Second

// deliverBatch is how many copies are written in one transaction.
const deliverBatch = 20

// DeliverQueue is the work of bringing the copies of local attendees in line with the organiser's event
// (RFC 6638 §3.2.1): its subjects are events. It is level-triggered: a copy that says what it is to
// say is left alone. That of an event which its attendee deleted declines it.
func (c *Changer) DeliverQueue() outbox.Queue {
	return outbox.Queue{Kind: WorkDeliver, Workers: 2, Handle: c.deliver}
}

// concern notes that an event is to be looked at by whoever tells people of it.
func (c *Changer) concern(tx *store.Tx, eventID int64) error {
	if err := c.opts.Outbox.Touch(tx, WorkMail, eventID, tx.Now()); err != nil {
		return err
	}
	return c.opts.Outbox.Touch(tx, WorkDeliver, eventID, tx.Now())
}

// private tells whether the event was and is its owner's alone: it names nobody and has no conference,
// before the save and after it. Then there is nothing to tell, and whatever was to be told of it from
// the time before is noted already.
func (s *situation) private(objectID int64) bool {
	if s.event.ObjectID != objectID || !s.event.Deleted.IsZero() || s.current == nil || len(s.answers)+len(s.all()) > 0 {
		return false
	}
	names := func(v *ical.VEvent) bool { return v.Organizer != nil || len(v.Attendees) > 0 }
	return !slices.ContainsFunc(s.current.All(), names) && !slices.ContainsFunc(s.incoming.All(), names)
}

// A delivery is one look at an organiser's event.
type delivery struct {
	c        *Changer
	tx       *store.Tx
	present  *Present
	views    *itip.Views
	statuses map[string]string // SCHEDULE-STATUS by address
	left     int               // copies that may still be written in this transaction
	more     bool              // there is more to write
}

// deliver looks at one event, as its work is recorded. Where much is to be written the next look follows at once.
func (c *Changer) deliver(_ context.Context, j *outbox.Job) (time.Time, error) {
	j.Record(func(tx *store.Tx) (time.Time, error) {
		next, more, err := c.deliverTx(tx, j.Subject)
		if more {
			next = tx.Now()
		}
		return next, err
	})
	return time.Time{}, nil
}

func (c *Changer) deliverTx(tx *store.Tx, eventID int64) (next time.Time, more bool, err error) {
	p, err := c.present(tx, eventID)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, err
	}
	if p.Row.Role == store.RoleAttendee {
		next, err = c.withdrawn(tx, p)
		return next, false, err
	}
	if p.Row.Imported || p.Event == nil || p.Row.Role != store.RoleOrganizer {
		return time.Time{}, false, nil
	}
	if p.Gone {
		if at := outbox.After(p.GoneSince, c.opts.Policy.Settle, tx.Now()); at.After(tx.Now()) {
			return at, false, nil
		}
	} else if at := outbox.After(p.Since, c.opts.Policy.WaitForLink, tx.Now()); p.Link == LinkPending && at.After(tx.Now()) {
		return at, false, nil
	}
	d := &delivery{c: c, tx: tx, present: p, statuses: map[string]string{}, left: deliverBatch}
	if !p.Gone {
		if err := c.promote(tx, p); err != nil {
			return time.Time{}, false, err
		}
	}
	err = d.run()
	return time.Time{}, d.more, err
}

// run brings every copy in line.
func (d *delivery) run() error {
	p := d.present
	invited := map[int64]string{} // address by user
	if !p.Gone {
		d.views = itip.NewViews(p.Event)
		for _, address := range itip.Recipients(p.Event, p.User.Addresses, nil) {
			u, err := find(d.tx.UserByAddress(address))
			if err != nil {
				return fmt.Errorf("look for the attendee: %w", err)
			}
			if u == nil || u.ID == p.User.ID || invited[u.ID] != "" {
				continue
			}
			view, err := d.views.Of(address).Event()
			if err != nil {
				return fmt.Errorf("read what the attendee is to see: %w", err)
			}
			if view == nil {
				continue
			}
			invited[u.ID] = address
			if d.left == 0 {
				d.more = true
				continue
			}
			if err := d.give(u, address, view); err != nil {
				return fmt.Errorf("deliver to %s: %w", address, err)
			}
		}
	}
	if err := d.withdraw(invited); err != nil {
		return err
	}
	return d.c.markDelivered(d.tx, p.Row.ID, d.statuses, false)
}

// withdraw cancels the copies of local users who are not among invited.
func (d *delivery) withdraw(invited map[int64]string) error {
	events, err := d.tx.EventsByUID(d.present.Row.UID)
	if err != nil {
		return fmt.Errorf("look for copies: %w", err)
	}
	for i := range events {
		ev := &events[i]
		if ev.UserID == d.present.User.ID || invited[ev.UserID] != "" || ev.Role != store.RoleAttendee || ev.Uninvited {
			continue
		}
		if ev.ObjectID == 0 {
			if err := d.c.forget(d.tx, ev, d.present); err != nil {
				return err
			}
			continue
		}
		if d.left == 0 {
			d.more = true
			return nil
		}
		if err := d.cancel(ev); err != nil {
			return fmt.Errorf("withdraw a copy: %w", err)
		}
	}
	return nil
}

// cancel marks one copy as cancelled; a room's is taken away.
func (d *delivery) cancel(ev *store.Event) error {
	o, err := d.tx.ObjectByID(ev.ObjectID)
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	held := parseStored(o.Data)
	if !d.ours(held) {
		return nil
	}
	u, err := d.tx.UserByID(ev.UserID)
	if err != nil {
		return fmt.Errorf("read the attendee: %w", err)
	}
	if u.Kind != store.UserIndividual {
		d.left--
		return release(d.tx, ev, o)
	}
	if ended, err := d.overFor(u, held); err != nil || ended {
		return err
	}
	sequence := max(d.present.Row.Sequence, itip.SequenceOf(held)+1)
	data := itip.CancelledCopy(held, sequence)
	if string(data) == string(o.Data) {
		return nil
	}
	d.left--
	if err := d.store(u, ev, o, data, true); err != nil {
		return err
	}
	address := ""
	for _, v := range held.All() {
		for _, a := range v.Attendees {
			if slices.Contains(u.Addresses, a.Address) {
				address = a.Address
			}
		}
	}
	return d.c.announce(d.tx, u, itip.MethodCancel, address, held, sequence)
}

// overFor tells whether nothing of held is to come: it stays as what was.
func (d *delivery) overFor(u *store.User, held *ical.Event) (bool, error) {
	_, left, err := held.Next(d.tx.Now(), zoneOf(u))
	if err != nil {
		return false, nil // not to be known: it is cancelled like others
	}
	return !left, nil
}

// withdrawn declines what an attendee deleted the copy of, once it has not come back for a while: a
// move between calendars is a deletion first with some clients.
func (c *Changer) withdrawn(tx *store.Tx, p *Present) (next time.Time, err error) {
	if p.Row.ObjectID != 0 || p.Row.Deleted.IsZero() || p.Row.Silent || p.Event == nil || p.User.Removed {
		return time.Time{}, nil
	}
	if m := p.Event.Master; m != nil && m.Cancelled() {
		return time.Time{}, nil
	}
	organizers, err := c.manager(tx, p.Event, p.User)
	if err != nil || organizers == nil {
		return time.Time{}, err
	}
	if at := outbox.After(p.Row.Deleted, c.opts.Policy.Settle, tx.Now()); at.After(tx.Now()) {
		return at, nil
	}
	if said, err := saidSince(tx, organizers.ID, p.User, p.Row.Deleted); err != nil || len(said) > 0 {
		return time.Time{}, err // by mail or on the page, after the copy was deleted
	}
	now, err := c.present(tx, organizers.ID)
	if err != nil {
		return time.Time{}, err
	}
	if now.Gone {
		// Nobody can be told. If the event comes back, it is asked anew.
		return time.Time{}, c.forget(tx, p.Row, now)
	}
	declined, _ := itip.Declined(itip.ReplyView(p.Event, p.User.Addresses, nil, 0))
	for _, a := range declined {
		if now.Event != nil {
			if v := componentOf(now.Event, a.Occurrence); v != nil && movedSince(p.Event, v) {
				continue // another time is asked for
			}
		}
		address := ownAddress(p.Event, p.User)
		_, err := c.AnswerIn(tx, Answer{
			EventID: organizers.ID, Address: address, Parts: []itip.Part{{Occurrence: a.Occurrence, PartStat: a.PartStat}},
			Sequence: -1, Source: FromCalendar, By: Caller{User: p.User},
		})
		if err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, nil
}

// ownAddress is the address by which u is invited to e, empty if u is not.
func ownAddress(e *ical.Event, u *store.User) string {
	for _, v := range e.All() {
		for _, a := range v.Attendees {
			if slices.Contains(u.Addresses, a.Address) {
				return a.Address
			}
		}
	}
	return ""
}

// manager is the event of e's organiser, where that is another local user with such an event that u is
// invited to; nil if there is none.
func (c *Changer) manager(tx *store.Tx, e *ical.Event, u *store.User) (*store.Event, error) {
	organizer, address := e.Organizer(), ownAddress(e, u)
	if organizer == nil || address == "" || slices.Contains(u.Addresses, organizer.Address) || !itip.Replies(e) {
		return nil, nil
	}
	ev, err := find(c.organizersEvent(tx, e.UID, organizer.Address, address))
	if err != nil || ev == nil || ev.UserID == u.ID {
		return nil, err
	}
	return ev, nil
}
