package change

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/store"
)

// conferences are an event's bookings: that of the event itself, and those of single occurrences
// whose overrides asked, removed or rotated for themselves (docs/conferences.md).
type conferences struct {
	own     *store.Booking            // nil: none
	singles map[string]*store.Booking // by occurrence key
	since   map[int64]time.Time       // by booking: when its present link was asked for
}

// conferencesOf reads an event's bookings.
func conferencesOf(tx *store.Tx, eventID int64) (conferences, error) {
	c := conferences{singles: map[string]*store.Booking{}, since: map[int64]time.Time{}}
	list, err := tx.Bookings(eventID)
	if err != nil {
		return c, fmt.Errorf("read the bookings: %w", err)
	}
	for i := range list {
		if b := &list[i]; b.RecurrenceID != "" {
			c.singles[b.RecurrenceID] = b
		} else if c.own == nil {
			c.own = b
		}
		if list[i].Token == "" {
			continue
		}
		token, err := tx.TokenByName(list[i].Token)
		if err != nil {
			return c, fmt.Errorf("read the join page: %w", err)
		}
		c.since[list[i].ID] = token.Created
	}
	return c, nil
}

// all lists the bookings, the event's own first.
func (c conferences) all() []*store.Booking {
	var list []*store.Booking
	if c.own != nil {
		list = append(list, c.own)
	}
	keys := make([]string, 0, len(c.singles))
	for key := range c.singles {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		list = append(list, c.singles[key])
	}
	return list
}

// of is the booking that stands for an occurrence, also one that says that its conference was
// removed; nil if there is none.
func (c conferences) of(key string) *store.Booking {
	if b := c.singles[key]; b != nil && b.State != store.BookingDropped {
		return b
	}
	return c.own
}

// series tells whether e has, or may have, more than one occurrence.
func series(e *ical.Event) bool {
	return e.Master == nil || e.Master.Recurring || len(e.Overrides) > 0
}

// An occasion is an occurrence that is to have a conference.
type occasion struct {
	booking    *store.Booking
	key        string // empty for an event that does not recur
	vevent     *ical.VEvent
	start, end time.Time // of the meeting
}

// errUnknowable is that no next occurrence can be known.
var errUnknowable = errors.New("the next occurrence cannot be known")

// dense is the time between two starts below which a rule is taken for a mistake: nobody meets in
// conferences that often.
const dense = 5 * time.Minute

// next finds the first occasion of p's event that is not over at now; ok is false if there is none.
// held tells whether the conference of an occurrence is over already, before its time. The error is
// errUnknowable where the rule does not let it be known.
func (c conferences) next(p *Present, held func(key string, start time.Time) bool, now time.Time) (o occasion, ok bool, err error) {
	e := p.Event
	if !series(e) {
		m := e.Master
		if c.own == nil || c.own.State != store.BookingWanted || m.Cancelled() {
			return o, false, nil
		}
		o = occasion{booking: c.own, vevent: m, start: m.Start.In(p.Zone), end: meetingEnd(m, p.Zone)}
		return o, o.end.After(now) && !held("", o.start), nil
	}
	if c.own == nil || c.own.State != store.BookingWanted {
		e = withoutRule(e)
	}
	ruled := e.Master != nil && e.Master.Component.First("RRULE") != nil
	var last time.Time
	close := 0
	err = e.Expand(now.Add(-defaultLength), time.Time{}, p.Zone, func(i ical.Instance) bool {
		key := p.Event.OccurrenceKey(i.RecurrenceID, p.Zone)
		end := i.End
		if !end.After(i.Start) {
			end = i.Start.Add(defaultLength)
		}
		b := c.of(key)
		if i.VEvent.Cancelled() || b == nil || b.State != store.BookingWanted || !end.After(now) || held(key, i.Start) {
			return true
		}
		if !ok {
			o, ok = occasion{booking: b, key: key, vevent: i.VEvent, start: i.Start, end: end}, true
		}
		switch {
		case !ruled:
			return false
		case i.VEvent.RecurrenceID != nil && !i.VEvent.RangeFuture:
			return true // it says nothing of the rule
		case !last.IsZero() && i.Start.Sub(last) >= dense:
			return false
		case !last.IsZero():
			close++
		}
		last = i.Start
		return close < 2
	})
	if err != nil && !ok || close >= 2 {
		return occasion{}, false, errUnknowable
	}
	return o, ok, nil
}

// withoutRule is e with no instances but its first and its overrides: of a series that has no
// conference itself, only they can have one.
func withoutRule(e *ical.Event) *ical.Event {
	if e.Master == nil {
		return e
	}
	m, c := *e.Master, *e.Master.Component
	c.Lines = slices.DeleteFunc(slices.Clone(c.Lines), func(l *ical.Line) bool { return l.Name == "RRULE" || l.Name == "RDATE" })
	m.Component = &c
	return &ical.Event{Object: e.Object, UID: e.UID, Master: &m, Overrides: e.Overrides}
}

// defaultLength is the length of a meeting whose event has none.
const defaultLength = time.Hour

// held tells which occurrences are over before their time: the meeting that stands for them was ended
// at the provider once it had begun. One whose link was replaced since stands for nothing any more.
func (c conferences) held(rooms []store.Room) func(key string, start time.Time) bool {
	return func(key string, start time.Time) bool {
		b := c.of(key)
		return b != nil && slices.ContainsFunc(rooms, func(r store.Room) bool {
			return r.BookingID == b.ID && r.Occurrence == key && !r.Created.Before(c.since[b.ID]) &&
				conference.Status(r.Status) == conference.StatusEnded && !r.StatusAt.Before(start)
		})
	}
}

// roomsOf reads the rooms of all of an event's bookings, as far as they still matter.
func roomsOf(tx *store.Tx, c conferences) ([]store.Room, error) {
	var all []store.Room
	for _, b := range c.all() {
		rooms, err := tx.RecentRooms(b.ID, tx.Now().Add(-conference.Remembered))
		if err != nil {
			return nil, fmt.Errorf("read the rooms: %w", err)
		}
		all = append(all, rooms...)
	}
	return all, nil
}

// joinLink is the address of a booking's join page, empty where there are none.
func (p *Policy) joinLink(token string) string {
	if p.JoinBase == "" || token == "" {
		return ""
	}
	return p.JoinBase + token
}

// tokenOf is what may be the token of a join page's address, whatever address the server had.
func (p *Policy) tokenOf(link string) (string, bool) {
	i := strings.LastIndex(link, "/j/")
	if i < 0 {
		return "", false
	}
	return link[i+len("/j/"):], true
}

// fixedLink is the link that stands in b's event whatever its room, empty for the room's own. An
// event that became a series gets the join page's; one that has it keeps it.
func (p *Policy) fixedLink(b *store.Booking, e *ical.Event) string {
	link := p.joinLink(b.Token)
	if p.JoinAlways || joins(b) || !p.SeriesDirect && (b.RecurrenceID != "" || e != nil && series(e)) {
		return link
	}
	return ""
}

// joins tells whether the link in b's event is its join page's, at whatever address the server had.
func joins(b *store.Booking) bool { return b.Token != "" && strings.HasSuffix(b.Link, "/"+b.Token) }

// linksEver lists every link that b's event ever carried.
func (p *Policy) linksEver(tx *store.Tx, b *store.Booking) ([]string, error) {
	rooms, err := tx.Rooms(b.ID)
	if err != nil {
		return nil, fmt.Errorf("read the rooms: %w", err)
	}
	links := linksOf(rooms)
	tokens, err := tx.Tokens(b.ID)
	if err != nil {
		return nil, fmt.Errorf("read the join pages: %w", err)
	}
	for _, t := range tokens {
		links = append(links, p.joinLink(t.Token))
		links = append(links, t.Links...)
	}
	if b.Link != "" && !slices.Contains(links, b.Link) {
		links = append(links, b.Link)
	}
	return slices.DeleteFunc(links, func(l string) bool { return l == "" }), nil
}
