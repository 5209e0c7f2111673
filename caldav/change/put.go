package change

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/store"
)

const nsCalDAV = "urn:ietf:params:xml:ns:caldav"

// refuse makes a Refusal of RFC 4791 §5.3.2.1.
func refuse(condition, text string) *Refusal {
	return &Refusal{Status: http.StatusForbidden, Space: nsCalDAV, Condition: condition, Text: text}
}

var errPrecondition = &Refusal{Status: http.StatusPreconditionFailed, Text: "the object was changed meanwhile"}

// body is an incoming object that passed the checks.
type body struct {
	data     []byte
	object   *ical.Object
	summary  ical.Summary
	event    *ical.Event  // nil for other components
	attached []*ical.Line // see attachLines
}

// check parses what a client sent and holds it to the limits and RFC 4791 §5.3.2.1.
func (c *Changer) check(cal *store.Calendar, data []byte) (*body, error) {
	limit := cmpOr(c.opts.Policy.MaxSize, 1<<20)
	if len(data) > limit {
		return nil, refuse("max-resource-size", fmt.Sprintf("the object is larger than %d bytes", limit))
	}
	obj, err := ical.Parse(data, ical.Limits{Size: limit})
	if err != nil {
		return nil, refuse("valid-calendar-data", err.Error())
	}
	b := &body{data: data, object: obj, attached: c.attachLines(obj)}
	if b.summary, err = ical.Check(obj, cmpOr(c.opts.Policy.MaxAttendees, 1000)); err != nil {
		var invalid *ical.Invalid
		if errors.As(err, &invalid) {
			return nil, refuse(invalid.Precondition, invalid.Text)
		}
		return nil, refuse("valid-calendar-object-resource", err.Error())
	}
	if len(cal.Components) > 0 && !slices.Contains(cal.Components, b.summary.Component) {
		return nil, refuse("supported-calendar-component", "this calendar does not take "+b.summary.Component)
	}
	if b.summary.Component == "VEVENT" {
		if b.event, err = ical.ParseEvent(obj); err != nil {
			return nil, refuse("valid-calendar-data", err.Error())
		}
		named := map[string]bool{}
		for _, v := range b.event.Overrides {
			key := b.event.OverrideKey(v, time.UTC)
			if named[key] {
				return nil, refuse("valid-calendar-object-resource", "two components are of the occurrence "+key)
			}
			named[key] = true
		}
	}
	return b, nil
}

func cmpOr(n, other int) int {
	if n > 0 {
		return n
	}
	return other
}

func (c *Changer) put(ctx context.Context, r PutRequest) (Result, error) {
	in, err := c.check(r.Calendar, r.Data)
	if err != nil {
		return Result{}, err
	}
	var res Result
	var wait *store.Booking
	err = c.opts.Store.Update(ctx, func(tx *store.Tx) error {
		write := func() (_ *store.Object, err error) {
			res, wait, err = c.putTx(tx, r, in)
			return res.Object, err
		}
		if r.copying != nil {
			return r.copying(tx, write)
		}
		_, err := write()
		return err
	})
	if err != nil {
		return Result{}, err
	}
	if wait != nil && c.await(ctx, r.Caller.User.ID, wait) {
		err = c.opts.Store.View(ctx, func(tx *store.Tx) error {
			o, err := tx.ObjectByID(res.Object.ID)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err == nil {
				res.Object = o
			}
			return err
		})
		if err != nil {
			return Result{}, fmt.Errorf("read the object after its link was written: %w", err)
		}
	}
	res.Changed = !bytes.Equal(res.Object.Data, r.Data)
	return res, nil
}

// putTx stores the object and all that follows from it. The booking it returns is one whose link the
// save may wait for.
func (c *Changer) putTx(tx *store.Tx, r PutRequest, in *body) (Result, *store.Booking, error) {
	cur, err := find(tx.ObjectByName(r.Calendar.ID, r.Name))
	if err != nil {
		return Result{}, nil, err
	}
	var ev *store.Event
	if in.event != nil {
		if ev, err = find(tx.EventByUID(r.Calendar.UserID, in.summary.UID)); err != nil {
			return Result{}, nil, fmt.Errorf("look for the event: %w", err)
		}
	}
	delivered, err := unseen(tx, r, in, ev)
	if err != nil {
		return Result{}, nil, err
	}
	if delivered != nil && cur != nil && cur.ID == delivered.ID {
		r.Conditions.IfNoneMatch = false
	}
	named, err := c.precondition(tx, cur, r.Conditions)
	if err != nil {
		return Result{}, nil, err
	}
	created := cur == nil
	if created && delivered != nil {
		if cur, err = adopt(tx, r, delivered); err != nil {
			return Result{}, nil, err
		}
	}
	if err := c.unique(tx, r, in, cur); err != nil {
		return Result{}, nil, err
	}
	attachments, in, err := c.claim(tx, r, in, cur)
	if err != nil {
		return Result{}, nil, err
	}
	o := &store.Object{CalendarID: r.Calendar.ID, UserID: r.Calendar.UserID, Name: r.Name}
	if cur != nil {
		*o = *cur
	}
	summarize(o, in.summary)
	o.Own = false
	if in.event == nil {
		if cur != nil && cur.Component == "VEVENT" {
			return Result{}, nil, refuse("supported-calendar-component", "an event cannot become "+in.summary.Component)
		}
		o.Data, o.ScheduleTag = in.data, ""
		if err := c.storeObject(tx, o, cur); err != nil {
			return Result{}, nil, err
		}
		return Result{Created: created, Object: o}, nil, c.refer(tx, o, cur, nil, attachments)
	}

	s, owner, err := c.situation(tx, r, in, ev, cur, named)
	if err != nil {
		return Result{}, nil, err
	}
	if err := mayOrganize(tx, &s, in.event); err != nil {
		return Result{}, nil, err
	}
	g, err := c.asGuest(tx, &s)
	if err != nil {
		return Result{}, nil, err
	}
	p := planSave(s)
	if g != nil {
		if p.data, err = g.answer(c, tx, &s, r.Caller, p.data); err != nil {
			return Result{}, nil, err
		}
		// The organiser's word was put back: the time is another than the client's.
		summary, err := ical.Check(s.incoming.Object, 0)
		if err != nil {
			return Result{}, nil, fmt.Errorf("check what an attendee stores: %w", err)
		}
		summarize(o, summary)
	}
	o.Data = p.data
	if isScheduling(s.incoming, p.event.Role, s.user) {
		if cur == nil || !bytes.Equal(cur.Data, o.Data) || o.ScheduleTag == "" {
			o.ScheduleTag = c.tag()
		}
	} else {
		o.ScheduleTag = ""
	}
	if err := c.storeObject(tx, o, cur); err != nil {
		return Result{}, nil, err
	}
	before := s.current
	if owner == nil || owner.ID != o.ID {
		before = nil // it is another object's
	}
	if err := c.refer(tx, o, cur, before, attachments); err != nil {
		return Result{}, nil, err
	}
	p.event.ObjectID = o.ID
	if err := tx.PutEvent(&p.event); err != nil {
		return Result{}, nil, fmt.Errorf("store the event: %w", err)
	}
	waitFor, err := c.storeBookings(tx, &s, &p)
	if err != nil {
		return Result{}, nil, err
	}
	if o.ScheduleTag != "" || p.booking != nil || len(p.singles) > 0 || s.event.ID != 0 && !s.private(o.ID) {
		if err := c.concern(tx, p.event.ID); err != nil {
			return Result{}, nil, err
		}
	}
	if err := c.forceAll(tx, &p); err != nil {
		return Result{}, nil, err
	}
	what := cmp.Or(r.what, "changed")
	if created {
		what = "created"
	}
	if owner != nil && owner.ID != o.ID {
		what += ", taken over from " + owner.Name
	}
	if err := c.audit(tx, r.Caller, in.summary.UID, what, p.why); err != nil {
		return Result{}, nil, err
	}
	res := Result{Created: created, Object: o, ScheduleTag: o.ScheduleTag}
	return res, waitFor, nil
}

// summarize puts into o what the store's index knows of an object.
func summarize(o *store.Object, s ical.Summary) {
	o.UID, o.Component, o.Start, o.End, o.Recurring = s.UID, s.Component, s.Start, s.End, s.Recurring
	o.Takes, o.Seasons = s.Takes, uint64(s.Seasons)
}

// storeBookings stores what a plan makes of the event's bookings and has all of them looked at: what
// one of them is to have depends on the others. It returns one whose link the save may wait for.
func (c *Changer) storeBookings(tx *store.Tx, s *situation, p *plan) (waitFor *store.Booking, err error) {
	changed := p.singles
	if p.booking != nil {
		changed = append([]single{{p.booking, p.created}}, changed...)
	}
	look := map[int64]bool{}
	for _, b := range s.all() {
		look[b.ID] = true
	}
	for _, one := range changed {
		one.booking.EventID = p.event.ID
		if err := tx.PutBooking(one.booking); err != nil {
			return nil, fmt.Errorf("store the booking: %w", err)
		}
		look[one.booking.ID] = true
		if one.created && one.booking.Problem == "" && waitFor == nil {
			waitFor = one.booking
		}
	}
	for id := range look {
		if err := c.opts.Outbox.Touch(tx, WorkBooking, id, tx.Now()); err != nil {
			return nil, err
		}
	}
	if waitFor != nil {
		present, err := c.present(tx, p.event.ID)
		if err != nil {
			return nil, err
		}
		turn, err := c.inTurn(tx, present, tx.Now())
		if err != nil || !turn(waitFor) {
			return nil, err
		}
	}
	return waitFor, nil
}

// storeObject stores o unless its bytes are those that stand there already.
func (c *Changer) storeObject(tx *store.Tx, o, cur *store.Object) error {
	if cur != nil && bytes.Equal(cur.Data, o.Data) && cur.ScheduleTag == o.ScheduleTag {
		*o = *cur
		return nil
	}
	o.ETag = c.tag()
	if err := tx.PutObject(o); err != nil {
		return fmt.Errorf("store the object: %w", err)
	}
	return nil
}

// unique holds a save to one object for each UID (RFC 4791 §5.3.2.1, RFC 6638 §3.2.4.1). The same
// UID in another calendar of the owner is a move in progress, unless it has another organizer.
func (c *Changer) unique(tx *store.Tx, r PutRequest, in *body, cur *store.Object) error {
	if cur != nil && cur.UID != in.summary.UID {
		return uidConflict(r.Calendar, cur, "another object stands here, with another UID")
	}
	present := int64(0)
	if cur != nil {
		present = cur.ID
	}
	others, err := tx.ObjectsByUID(r.Calendar.UserID, in.summary.UID, present)
	if err != nil {
		return fmt.Errorf("look for the UID: %w", err)
	}
	for _, o := range others {
		if o.CalendarID == r.Calendar.ID {
			return uidConflict(r.Calendar, &o, "this calendar has the UID in another object")
		}
		if in.event != nil && differentOrganizer(o.Data, in.event) {
			return refuse("unique-scheduling-object-resource", "another calendar has the UID with another organizer")
		}
	}
	return nil
}

// uidConflict refuses what cannot be stored because of an object in the calendar.
func uidConflict(cal *store.Calendar, o *store.Object, text string) *Refusal {
	return &Refusal{Status: http.StatusForbidden, Space: nsCalDAV, Condition: "no-uid-conflict", Name: cal.Slug + "/" + o.Name, Text: text}
}

func differentOrganizer(data []byte, e *ical.Event) bool {
	other := parseStored(data)
	if other == nil {
		return false
	}
	a, b := other.Organizer(), e.Organizer()
	return a != nil && b != nil && a.Address != b.Address
}

// parseStored parses bytes that were accepted once; nil where they cannot be read any more.
func parseStored(data []byte) *ical.Event {
	if len(data) == 0 {
		return nil
	}
	obj, err := ical.Parse(data, ical.Limits{Size: 64 << 20})
	if err != nil {
		return nil
	}
	e, err := ical.ParseEvent(obj)
	if err != nil || len(e.All()) == 0 {
		return nil
	}
	return e
}

// find turns store.ErrNotFound into nil.
func find[T any](v *T, err error) (*T, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return v, err
}

// refusal says why u gets no new conference now, empty if nothing speaks against it.
func (c *Changer) refusal(tx *store.Tx, u *store.User, now time.Time) (string, error) {
	if !c.opts.Policy.allowed(u) {
		return string(conference.ReasonPolicy), nil
	}
	if c.opts.Policy.PerDay > 0 {
		n, err := tx.CountBookings(u.ID, midnight(now, zoneOf(u)))
		if err != nil {
			return "", fmt.Errorf("count today's conferences: %w", err)
		}
		if n >= c.opts.Policy.PerDay {
			return string(conference.ReasonDaily), nil
		}
	}
	return "", nil
}

// refusedNow tells whether the policy still refuses a booking that it refused, and when to ask again.
func (c *Changer) refusedNow(b *store.Booking, u *store.User, now time.Time) (string, time.Time) {
	if !c.opts.Policy.allowed(u) {
		return string(conference.ReasonPolicy), time.Time{}
	}
	if b.Problem == string(conference.ReasonDaily) {
		next := midnight(b.ProblemSince, zoneOf(u)).AddDate(0, 0, 1)
		if now.Before(next) {
			return b.Problem, next
		}
	}
	return "", time.Time{}
}

func midnight(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc)
}

func (c *Changer) audit(tx *store.Tx, by Caller, uid, what, details string) error {
	who := by.UserAgent
	if by.User != nil {
		who = by.User.Login
		if by.UserAgent != "" {
			who += " (" + truncate(by.UserAgent, 120) + ")"
		}
	}
	a := &store.Audit{UID: uid, At: tx.Now(), Who: who, What: what, Details: details}
	if by.User != nil {
		a.UserID = by.User.ID
	}
	if err := tx.AddAudit(a); err != nil {
		return fmt.Errorf("store the audit row: %w", err)
	}
	return nil
}

func truncate(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
