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

// How far ahead a room looks for whether it is free, and at how many occurrences.
const (
	roomHorizon   = 5 * 366 * 24 * time.Hour
	roomInstances = 2000
)

// book answers for a room or resource: it comes where it is free at all times of view, and the answer
// stands in the organiser's event in the same transaction, so that no two events have it at once. view
// is returned as it is afterwards, nil where the room does not come; its earlier copy o, ev's, is gone then.
// What it has of another organiser's event with the same UID stays: one calendar cannot have both.
func (d *delivery) book(u *store.User, address string, view *ical.Event, ev *store.Event, o *store.Object) (*ical.Event, error) {
	clash, err := d.clash(u, view)
	if err != nil {
		return nil, err
	}
	others := o != nil && !d.ours(parseStored(o.Data))
	if others && clash.IsZero() {
		clash = view.All()[0].Start.In(zoneOf(u))
	}
	part := itip.Part{PartStat: "ACCEPTED"}
	if !clash.IsZero() {
		part.PartStat = "DECLINED"
	}
	var parts []itip.Part
	for _, v := range view.All() {
		if v.RecurrenceID != nil {
			part.Occurrence = v.RecurrenceID.Time
		}
		parts = append(parts, part)
	}
	p := d.present
	data, _, _ := itip.Apply(p.Event, address, parts, d.c.opts.Policy.madeLimit(), d.tx.Now())
	if string(data) != string(p.Object.Data) {
		if err := d.c.storeOwn(d.tx, p.Object, data); err != nil {
			return nil, err
		}
		if err := d.answered(address, part.PartStat, clash); err != nil {
			return nil, err
		}
		if p.Event = parseStored(data); p.Event == nil {
			return nil, errors.New("the event cannot be read after a room's answer")
		}
		d.views = itip.NewViews(p.Event)
	}
	d.statuses[address] = answered
	if part.PartStat == "DECLINED" {
		if o == nil || others {
			return nil, nil
		}
		return nil, release(d.tx, ev, o)
	}
	return d.views.Of(address).Event()
}

// answered keeps a room's answer, for why and for the organiser.
func (d *delivery) answered(address, partstat string, clash time.Time) error {
	a := &store.Answer{
		EventID: d.present.Row.ID, Address: address, PartStat: partstat, Sequence: itip.SequenceOf(d.present.Event),
		Stamp: d.tx.Now(), Source: string(FromCalendar), Told: true,
	}
	if !clash.IsZero() {
		a.Comment, a.Told = textTaken.in(d.present.User.Locale)+clash.In(d.present.Zone).Format("2006-01-02 15:04"), false
	}
	if err := d.tx.PutAnswer(a); err != nil {
		return err
	}
	return d.c.concern(d.tx, d.present.Row.ID)
}

// release takes the copy o of event ev out of a room's calendar.
func release(tx *store.Tx, ev *store.Event, o *store.Object) error {
	if err := tx.DeleteObject(o.ID); err != nil {
		return fmt.Errorf("free the room: %w", err)
	}
	ev.ObjectID, ev.Data, ev.Deleted, ev.Silent = 0, o.Data, tx.Now(), true
	if err := tx.PutEvent(ev); err != nil {
		return fmt.Errorf("free the room: %w", err)
	}
	return nil
}

// A span is a time that is taken.
type span struct{ start, end time.Time }

// clash returns the start of view's first occurrence to come at which u is taken by another event; zero
// where u is free.
func (d *delivery) clash(u *store.User, view *ical.Event) (time.Time, error) {
	for _, v := range view.All() {
		// A room is not promised for times at which nobody looks whether it is taken.
		if start := v.Start.In(zoneOf(u)); start.After(d.tx.Now().Add(roomHorizon)) {
			return start, nil
		}
	}
	wanted, err := spans(view, u, d.tx.Now(), func(*ical.VEvent) bool { return true })
	if err != nil {
		return d.tx.Now(), nil // nobody knows when the room would be taken
	}
	if len(wanted) == 0 {
		return time.Time{}, nil
	}
	calendars, err := d.tx.Calendars(u.ID)
	if err != nil {
		return time.Time{}, fmt.Errorf("list the room's calendars: %w", err)
	}
	from, to := wanted[0].start, wanted[0].end
	for _, s := range wanted {
		to = laterOf(to, s.end)
	}
	var busy []span
	for _, cal := range calendars {
		err := d.tx.EachInRange(cal.ID, "VEVENT", store.Range{From: from, To: to, Seasons: uint64(ical.SeasonsOf(from, to))}, func(o *store.Object) error {
			if e := parseStored(o.Data); e != nil && o.UID != view.UID {
				taken, _ := spans(e, u, d.tx.Now(), comes(u))
				busy = append(busy, taken...)
			}
			return nil
		})
		if err != nil {
			return time.Time{}, fmt.Errorf("read the room's calendar: %w", err)
		}
	}
	slices.SortFunc(busy, func(a, b span) int { return a.start.Compare(b.start) })
	return overlap(wanted, busy), nil
}

// overlap returns the start of the first of wanted that overlaps one of busy, both sorted by start.
func overlap(wanted, busy []span) time.Time {
	for _, w := range wanted {
		for _, b := range busy {
			if !b.start.Before(w.end) {
				break
			}
			if b.end.After(w.start) {
				return w.start
			}
		}
	}
	return time.Time{}
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// comes tells of a component whether u has not declined it.
func comes(u *store.User) func(*ical.VEvent) bool {
	return func(v *ical.VEvent) bool {
		return !slices.ContainsFunc(v.Attendees, func(a ical.Attendee) bool {
			return a.PartStat == "DECLINED" && slices.Contains(u.Addresses, a.Address)
		})
	}
}

// errTooMany tells of more occurrences than a room looks at.
var errTooMany = errors.New("too many occurrences")

// spans are the times to come, by start, at which those components of e take place that counts tells, at
// most roomInstances. The error says that they cannot all be known.
func spans(e *ical.Event, u *store.User, now time.Time, counts func(*ical.VEvent) bool) ([]span, error) {
	var out []span
	more := false
	err := e.Expand(now, now.Add(roomHorizon), zoneOf(u), func(i ical.Instance) bool {
		if i.VEvent.Cancelled() || !i.End.After(i.Start) || !counts(i.VEvent) {
			return true
		}
		if len(out) < roomInstances {
			out = append(out, span{i.Start, i.End})
			return true
		}
		more = true
		return false
	})
	if err == nil && more {
		err = errTooMany
	}
	return out, err
}
