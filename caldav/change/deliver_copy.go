package change

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// give brings one attendee's copy in line with view.
func (d *delivery) give(u *store.User, address string, view *ical.Event) error {
	ev, err := find(d.tx.EventByUID(u.ID, view.UID))
	if err != nil {
		return fmt.Errorf("look for the copy: %w", err)
	}
	var held *ical.Event
	var o *store.Object
	if ev != nil && ev.ObjectID != 0 {
		if o, err = d.tx.ObjectByID(ev.ObjectID); err != nil {
			return fmt.Errorf("read the copy: %w", err)
		}
		held = parseStored(o.Data)
	}
	if u.Kind != store.UserIndividual {
		if view, err = d.book(u, address, view, ev, o); err != nil || view == nil {
			return err
		}
	}
	if taken, err := d.takeMailed(u, ev, address, view); err != nil || taken {
		if taken {
			d.left, d.more = 0, true // what was read of the event is not what stands now
		}
		return err
	}
	switch {
	case ev == nil:
		if d.present.Ended {
			return nil
		}
		ev = &store.Event{UserID: u.ID, UID: view.UID}
	case o == nil:
		again, err := d.again(u, ev, view)
		if err != nil {
			return err
		}
		if !again {
			d.statuses[address] = delivered
			if last := parseStored(ev.Data); last != nil && !d.ours(last) {
				d.statuses[address] = undelivered
			}
			return nil
		}
	case !d.ours(held):
		d.statuses[address] = undelivered
		return nil
	}
	if d.present.Ended && held != nil {
		if over, err := d.overFor(u, held); err != nil || over {
			return err // it stays as what was
		}
	}
	takenOut, err := d.present.takenOut(d.tx, address)
	if err != nil {
		return err
	}
	data, significant := itip.Copy(view, held, u.Addresses, takenOut)
	if significant || !d.answers(address) {
		d.statuses[address] = delivered
	}
	if o != nil && string(o.Data) == string(data) {
		return nil
	}
	d.left--
	if err := d.store(u, ev, o, data, significant); err != nil {
		return err
	}
	if !significant || u.Kind != store.UserIndividual {
		return nil
	}
	return d.c.announce(d.tx, u, itip.MethodRequest, address, view, d.sequence(view))
}

// The SCHEDULE-STATUS of local delivery (RFC 6638 §3.2.9).
const (
	delivered   = "1.2"
	undelivered = "5.1"
	answered    = "2.0"
)

// answers tells whether the organiser's event says that address has answered.
func (d *delivery) answers(address string) bool {
	for _, v := range d.present.Event.All() {
		if a := attendeeOf(v, address); a != nil && a.Line.Param("SCHEDULE-STATUS") == answered {
			return true
		}
	}
	return false
}

func (d *delivery) sequence(view *ical.Event) int {
	return max(itip.SequenceOf(view), d.present.Row.Sequence)
}

// ours tells whether what somebody has of the UID is the copy of this organiser's event. Another
// organiser's is never touched, whatever UID it has.
func (d *delivery) ours(held *ical.Event) bool { return d.present.organizes(held) }

// organizes tells whether copied, what somebody has of p's UID, is the copy of p, an organiser's event.
func (p *Present) organizes(copied *ical.Event) bool {
	if copied == nil {
		return false
	}
	organizer := copied.Organizer()
	return organizer != nil && slices.Contains(p.User.Addresses, organizer.Address)
}

// store writes the copy o (nil: there is none yet) of event ev.
func (d *delivery) store(u *store.User, ev *store.Event, o *store.Object, data []byte, significant bool) error {
	e := parseStored(data)
	if e == nil {
		return errors.New("the copy cannot be read")
	}
	summary, err := ical.Check(e.Object, 0)
	if err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	fresh := o == nil
	if fresh {
		cal, err := DefaultCalendar(d.tx, u)
		if err != nil || cal == nil {
			return err
		}
		o = &store.Object{CalendarID: cal.ID, UserID: u.ID}
		if o.Name, err = d.c.freeName(d.tx, cal, e.UID); err != nil {
			return err
		}
	}
	summarize(o, summary)
	o.Data, o.ETag, o.Own = data, d.c.tag(), !significant && !fresh
	if significant || o.ScheduleTag == "" {
		o.ScheduleTag = d.c.tag()
	}
	if err := d.tx.PutObject(o); err != nil {
		return fmt.Errorf("store the copy: %w", err)
	}
	if fresh {
		ev.Delivered = true
	}
	ev.ObjectID, ev.Role, ev.Deleted, ev.Data, ev.Silent = o.ID, store.RoleAttendee, time.Time{}, nil, false
	ev.Uninvited = false
	ev.Sequence = max(ev.Sequence, itip.SequenceOf(e))
	if err := d.tx.PutEvent(ev); err != nil {
		return fmt.Errorf("store the attendee's event: %w", err)
	}
	what := ""
	switch {
	case fresh:
		what = "delivered"
	case e.Master != nil && e.Master.Cancelled():
		what = "cancelled"
	case significant:
		what = "changed"
	default:
		return nil // the answers of others
	}
	a := &store.Audit{UserID: u.ID, UID: ev.UID, Who: d.present.User.Login, What: what, Details: "by the organizer"}
	if err := d.tx.AddAudit(a); err != nil {
		return fmt.Errorf("store the audit row: %w", err)
	}
	return nil
}

// takeMailed puts into the organiser's event what u answered from the copy while answers went by mail: before
// local people's did without it, or before the organiser was served here. Where the organiser's client has not
// taken that mail up, the copy would lose the answer. It is done once for a mailed answer, and only where the
// event knows none. taken tells that the event has changed.
func (d *delivery) takeMailed(u *store.User, ev *store.Event, address string, view *ical.Event) (taken bool, err error) {
	organizer := view.Organizer()
	if ev == nil || organizer == nil || u.Kind != store.UserIndividual {
		return false, nil
	}
	mailed, err := find(d.tx.Delivery(ev.ID, organizer.Address, true))
	if err != nil {
		return false, fmt.Errorf("read what was answered by mail: %w", err)
	}
	if mailed == nil || mailed.MessageID == "" {
		return false, nil
	}
	mailed.MessageID = ""
	if err := d.tx.PutDelivery(mailed); err != nil {
		return false, fmt.Errorf("note that a mailed answer was looked at: %w", err)
	}
	said, err := d.tx.Answers(d.present.Row.ID)
	if err != nil {
		return false, fmt.Errorf("read the answers: %w", err)
	}
	if slices.ContainsFunc(said, func(a store.Answer) bool { return a.Address == address }) {
		return false, nil
	}
	for _, a := range itip.DiffReply(itip.ReplyView(view, u.Addresses, nil, 0), mailed.View) {
		v := componentOf(view, a.Occurrence)
		if v == nil {
			continue
		}
		start := v.Start.Time
		if v.RecurrenceID == nil && !a.Occurrence.IsZero() {
			start = a.Occurrence
		}
		if me := attendeeOf(v, address); me == nil || me.PartStat != "NEEDS-ACTION" || !start.Equal(a.Start) {
			continue
		}
		outcome, err := d.c.AnswerIn(d.tx, Answer{
			EventID: d.present.Row.ID, Address: address, Parts: []itip.Part{{Occurrence: a.Occurrence, PartStat: a.PartStat}},
			Sequence: mailed.Sequence, Source: FromCalendar, By: Caller{User: u},
		})
		if err != nil {
			return false, fmt.Errorf("take an answer that was mailed: %w", err)
		}
		taken = taken || outcome == OutcomeApplied || outcome == OutcomeWaiting
	}
	return taken, nil
}
