package caldav

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// busyTime collects a user's busy time in the calendars, within r, without the event of the UID
// masked. Transparent and cancelled events and those that the user has declined take no time, and neither
// does what cannot be read. It reads in short Views, and waits for its turn to each: it is not to be
// called in a View.
func (q *request) busyTime(u *store.User, cals []store.Calendar, r timeRange, masked string) ([]period, error) {
	b := busyTime{user: u, during: r, masked: masked}
	var members []busyMember
	err := q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		members, err = b.members(tx, cals)
		return err
	})
	for len(members) > 0 && err == nil {
		var n int
		n, err = q.busyPage(members, &b)
		members = members[n:]
	}
	if err != nil {
		return nil, err
	}
	return merge(b.periods), nil
}

// A busyMember is an object that may take time.
type busyMember struct {
	id, calendarID int64
	zone           *time.Location
}

// members lists the objects in the calendars that may take time and must be read to tell, and takes
// what the index knows of the others.
func (b *busyTime) members(tx *store.Tx, cals []store.Calendar) ([]busyMember, error) {
	var members []busyMember
	masked := map[int64]bool{}
	if b.masked != "" {
		objects, err := tx.ObjectsByUID(b.user.ID, b.masked, 0)
		if err != nil {
			return nil, fmt.Errorf("finding what is masked: %w", err)
		}
		for i := range objects {
			masked[objects[i].ID] = true
		}
	}
	for i := range cals {
		zone := zoneOf(&cals[i], b.user)
		for _, kind := range []string{"VEVENT", "VFREEBUSY"} {
			spans, err := tx.SpansInRange(cals[i].ID, kind, b.during.indexed())
			if err != nil {
				return nil, fmt.Errorf("listing what may take time: %w", err)
			}
			for _, s := range spans {
				switch {
				case masked[s.ID]:
				case s.Takes == "", s.Takes == ical.ByPeople:
					members = append(members, busyMember{s.ID, cals[i].ID, zone})
				default:
					b.take(period{s.Start, s.End, s.Takes})
				}
			}
		}
	}
	return members, b.bounded()
}

// bounded tells whether there is not too much.
func (b *busyTime) bounded() error {
	if len(b.periods) > maxPeriods {
		return errTooMuch
	}
	return nil
}

// busyPage reads the first of the members, a page of them as multistatus.page has them, and tells how
// many these were.
func (q *request) busyPage(members []busyMember, b *busyTime) (n int, err error) {
	leave, err := q.turn()
	if err != nil {
		return 0, err
	}
	defer leave()
	read := 0
	err = q.store.View(q.ctx(), func(tx *store.Tx) error {
		for ; n < len(members) && n < pageItems && read < pageRead; n++ {
			o, err := tx.ObjectByID(members[n].id)
			if errors.Is(err, store.ErrNotFound) || err == nil && o.CalendarID != members[n].calendarID {
				continue // it has gone since
			}
			if err != nil {
				return fmt.Errorf("reading what may take time: %w", err)
			}
			read += len(o.Data)
			if err := b.add(o, members[n].zone); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// A busyTime is some of a user's busy time.
type busyTime struct {
	user    *store.User
	during  timeRange
	masked  string
	periods []period
}

// add takes an object's; errTooMuch when there is too much.
func (b *busyTime) add(o *store.Object, zone *time.Location) error {
	parsed, err := objectOf(o)
	if err != nil {
		return nil
	}
	m := newMatcher(parsed, zone)
	err = m.eachBusy(b.user, b.during, func(i ical.Instance, kind string) bool {
		b.take(period{i.Start, i.End, kind})
		return len(b.periods) <= maxPeriods
	})
	if err != nil {
		return err
	}
	for _, c := range parsed.Root.Find("VFREEBUSY") {
		for _, l := range c.All("FREEBUSY") {
			b.take(m.periods(l)...)
		}
	}
	return b.bounded()
}

// take cuts periods to the range and keeps what is busy of them.
func (b *busyTime) take(ps ...period) {
	for _, p := range clip(ps, b.during) {
		if p.kind != free {
			b.periods = append(b.periods, p)
		}
	}
}

// EachBusy calls f for the instances of events that take a user's time between two instants, calendar by
// calendar, with the kind of busy time (RFC 5545 §3.2.9); f returns false for no more of the same event.
// Calendars that are transparent take no time, and neither does what cannot be read.
func EachBusy(tx *store.Tx, u *store.User, from, to time.Time, f func(i ical.Instance, kind string) bool) error {
	cals, err := opaqueCalendars(tx, u)
	if err != nil {
		return err
	}
	for i := range cals {
		zone := zoneOf(&cals[i], u)
		err := tx.EachInRange(cals[i].ID, "VEVENT", timeRange{from, to}.indexed(), func(o *store.Object) error {
			parsed, err := objectOf(o)
			if err != nil {
				return nil
			}
			return newMatcher(parsed, zone).eachBusy(u, timeRange{from, to}, f)
		})
		if err != nil {
			return fmt.Errorf("working out busy time: %w", err)
		}
	}
	return nil
}

// opaqueCalendars are the calendars whose events take a user's time (RFC 6638 §9.1): not those that hold none.
func opaqueCalendars(tx *store.Tx, u *store.User) ([]store.Calendar, error) {
	cals, err := tx.Calendars(u.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the calendars: %w", err)
	}
	return slices.DeleteFunc(cals, func(c store.Calendar) bool {
		return c.Transparent || !takesEvents(&c) && !slices.Contains(c.Components, "VFREEBUSY")
	}), nil
}

// eachBusy calls f for the instances of the object that take u's time, until it returns false; errTooMuch
// where they take too much work.
func (m *matcher) eachBusy(u *store.User, r timeRange, f func(i ical.Instance, kind string) bool) error {
	event := m.of("VEVENT").event
	if event == nil {
		return nil
	}
	err := event.Expand(r.start, r.end, m.zone, func(i ical.Instance) bool {
		kind := busyKind(i.VEvent, u)
		return kind == "" || f(i, kind)
	})
	if errors.Is(err, ical.ErrBudget) {
		return errTooMuch
	}
	return nil
}

// busyKind says what kind of time an event takes of u; empty for none. Where u is invited by several
// addresses the firmest answer counts.
func busyKind(v *ical.VEvent, u *store.User) string {
	if v.Transparent || v.Cancelled() {
		return ""
	}
	own := v.Organizer == nil || slices.Contains(u.Addresses, v.Organizer.Address)
	kind, invited := "", false
	for i := range v.Attendees {
		a := &v.Attendees[i]
		if !slices.Contains(u.Addresses, a.Address) {
			continue
		}
		invited = true
		switch {
		case a.PartStat == "DECLINED", a.PartStat == "DELEGATED":
		case a.PartStat == "TENTATIVE", a.PartStat == "NEEDS-ACTION" && !own:
			kind = cmp.Or(kind, busyTentative)
		default:
			kind = busy
		}
	}
	if !invited {
		kind = busy
	}
	if kind == busy && v.Status == "TENTATIVE" {
		return busyTentative
	}
	return kind
}
