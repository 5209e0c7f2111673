package change

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/store"
)

// DoorState says what stands behind a join page.
type DoorState string

// The states of a join page.
const (
	DoorOpen      DoorState = "open"      // the room of the moment: URL
	DoorWaiting   DoorState = "waiting"   // it is too early: Start, Opens; URL where there is a room already
	DoorMaking    DoorState = "making"    // it is time, and the room is being made
	DoorRefused   DoorState = "refused"   // there is no room, because of Problem
	DoorOver      DoorState = "over"      // the last meeting is over
	DoorCancelled DoorState = "cancelled" // the event was cancelled or deleted
	DoorRemoved   DoorState = "removed"   // the organiser removed the conference
	DoorReplaced  DoorState = "replaced"  // the organiser replaced this link by a new one
)

// A Door is what a join page shows at a moment.
type Door struct {
	State   DoorState
	Title   string         // of the event, empty where it is private; it is shown to whoever has the link
	Service string         // the provider's name for people
	URL     string         // of the room
	Start   time.Time      // of the meeting of the moment or the next one; zero: none
	End     time.Time      //
	Opens   time.Time      // when it lets people in
	Zone    *time.Location // the organiser's, in which times are told
	Locale  string         // the organiser's, where the reader's is none of ours
	Problem string         // DoorRefused: a conference.Reason or "other"
}

// Door tells what stands behind a join page now; ok is false where there is no such page.
func (c *Changer) Door(ctx context.Context, token string) (d Door, ok bool, err error) {
	err = c.opts.Store.View(ctx, func(tx *store.Tx) error {
		t, err := find(tx.TokenByName(token))
		if err != nil || t == nil {
			return err
		}
		b, err := tx.BookingByID(t.BookingID)
		if err != nil {
			return fmt.Errorf("read the booking of a join page: %w", err)
		}
		p, err := c.present(tx, b.EventID)
		if err != nil {
			return err
		}
		ok = true
		d, err = c.door(tx, p, b, token, tx.Now())
		return err
	})
	return d, ok, err
}

func (c *Changer) door(tx *store.Tx, p *Present, b *store.Booking, token string, now time.Time) (Door, error) {
	prov, _ := c.opts.Policy.provider(b.Provider)
	d := Door{Service: prov.Service, Zone: p.Zone, Locale: p.User.Locale}
	if p.Event != nil && len(p.Event.All()) > 0 {
		d.Title = titleOf(p.Event, p.Event.All()[0])
	}
	switch {
	case token != b.Token:
		// Who has the link of before learns nothing more.
		d.State, d.Title = DoorReplaced, ""
		return d, nil
	case p.Gone || p.Event == nil || p.Row.Role != store.RoleOrganizer:
		d.State = DoorCancelled
		return d, nil
	case b.State == store.BookingRemoved:
		d.State = DoorRemoved
		return d, nil
	case b.State == store.BookingDropped:
		d.State = c.dropped(p, b)
		return d, nil
	}
	rooms, err := roomsOf(tx, p.conferences)
	if err != nil {
		return d, err
	}
	all := p.conferences
	if b.RecurrenceID != "" {
		all = conferences{singles: map[string]*store.Booking{b.RecurrenceID: b}, since: p.conferences.since}
	}
	o, left, err := all.next(p, all.held(rooms), now)
	switch {
	case errors.Is(err, errUnknowable):
		d.State, d.Problem = DoorRefused, string(conference.ReasonSeries)
		return d, nil
	case err != nil:
		return d, err
	}
	var room *store.Room
	if left {
		d.Title, d.Start, d.End = titleOf(p.Event, o.vevent), o.start, o.end
		d.Opens = o.start.Add(-cmp.Or(c.opts.Policy.JoinOpens, defaultOpens))
		room = roomFor(rooms, o)
	}
	if !left || now.Before(d.Opens) {
		if r := overrunning(rooms, b, now); r != nil {
			d.State, d.URL, d.Start, d.End = DoorOpen, r.JoinURL, r.Start, r.End
			return d, nil
		}
	}
	if room != nil {
		d.URL = room.JoinURL
	}
	switch {
	case !left:
		d.State = DoorOver
	case room == nil && o.booking.Problem != "":
		d.State, d.Problem = DoorRefused, o.booking.Problem
	case now.Before(d.Opens):
		d.State = DoorWaiting
	case room == nil:
		d.State = DoorMaking
	default:
		d.State = DoorOpen
	}
	return d, nil
}

// dropped is what became of a conference that was given up with what it was for.
func (c *Changer) dropped(p *Present, b *store.Booking) DoorState {
	switch {
	case b.RecurrenceID == "":
		return DoorOver // the event was moved to where it is over
	case p.occurs(b.RecurrenceID):
		return DoorReplaced // the occurrence is as the others again
	}
	return DoorCancelled
}

// occurs tells whether an occurrence takes place, by its rule or an override.
func (p *Present) occurs(key string) bool {
	for _, v := range p.Event.Overrides {
		if p.Event.OverrideKey(v, p.Zone) == key {
			return !v.Cancelled()
		}
	}
	for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		loc := p.Zone
		if strings.HasSuffix(layout, "Z") {
			loc = time.UTC
		}
		at, err := time.ParseInLocation(layout, key, loc)
		if err != nil {
			continue
		}
		found := false
		err = p.Event.Expand(at, at.Add(time.Second), p.Zone, func(i ical.Instance) bool {
			found = p.Event.OccurrenceKey(i.RecurrenceID, p.Zone) == key
			return !found
		})
		return err == nil && found
	}
	return false
}

// defaultOpens is how long before its start a meeting lets people in.
const defaultOpens = 30 * time.Minute

// roomFor is the room in which o is held, nil while there is none.
func roomFor(rooms []store.Room, o occasion) *store.Room {
	for i := len(rooms) - 1; i >= 0; i-- {
		r := &rooms[i]
		if r.BookingID != o.booking.ID || r.Occurrence != o.key || r.JoinURL == "" || r.Generation != o.booking.Generation {
			continue
		}
		ended := conference.Status(r.Status) == conference.StatusEnded
		if s := conference.RoomState(r.State); s == conference.RoomLive && !ended {
			return r
		}
	}
	return nil
}

// overrunning is a room of b's whose time is over and in which people still are.
func overrunning(rooms []store.Room, b *store.Booking, now time.Time) *store.Room {
	for i := len(rooms) - 1; i >= 0; i-- {
		r := &rooms[i]
		switch conference.RoomState(r.State) {
		case conference.RoomLive, conference.RoomLeft:
			over := !r.End.After(now) && now.Before(r.End.Add(conference.MaxOverrun))
			if over && r.BookingID == b.ID && r.JoinURL != "" && conference.Status(r.Status) == conference.StatusLive {
				return r
			}
		}
	}
	return nil
}

// titleOf is what whoever has a link may read of an event's title.
func titleOf(e *ical.Event, v *ical.VEvent) string {
	if private(e, v) {
		return ""
	}
	return v.Summary
}
