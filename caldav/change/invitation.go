package change

import (
	"context"
	"fmt"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// An InvitationState says whether an answer page still takes an answer.
type InvitationState string

// The states of an invitation.
const (
	InvitationOpen      InvitationState = "open"
	InvitationCancelled InvitationState = "cancelled" // the event was cancelled or deleted
	InvitationOver      InvitationState = "over"      // nothing of it is to come
	InvitationRemoved   InvitationState = "removed"   // this person is no longer invited
)

const (
	maxOccurrences = 12   // of a series are shown
	maxOthers      = 1000 // to which somebody is not asked: none is looked for behind them
)

// An Invitation is what an answer page shows to one attendee. Of InvitationRemoved it holds the state,
// Locale and Zone alone. Times of an all-day event are dates, as midnights UTC; all others are instants.
type Invitation struct {
	State    InvitationState
	EventID  int64
	Address  string // the attendee's
	Name     string
	PartStat string // of the event itself; empty: this person is asked to single occurrences only
	Waiting  bool   // accepted, and waiting for a free place
	Comment  string // as it was last said of the event itself

	Title, Agenda, Place string
	Link, Service        string // how it is joined; empty: no conference, or not yet
	Pending              bool   // a link will follow
	Organizer            string // name or address
	People               []InvitedPerson
	Start, End           time.Time // of the event, or its first occurrence still to come; zero: unknown
	AllDay               bool
	Series               bool
	Occurrences          []InvitedOccurrence // the next ones of a series, at most 12

	Organizers *time.Location // the organiser's zone
	Zone       *time.Location // the reader's where it is known (a local user), else the organiser's
	Locale     string         // the same
	Local      bool           // the reader is a local user
	Sequence   int            // of what is shown: an answer names it
}

// An InvitedPerson is an attendee as others see it.
type InvitedPerson struct{ Name, PartStat string }

// An InvitedOccurrence is one occurrence of a series.
type InvitedOccurrence struct {
	Key        string    // as OccurrenceKey makes it
	Occurrence time.Time // as itip.Part's
	Start, End time.Time
	PartStat   string
	Waiting    bool
}

// Invitation tells what the answer page of a token shows now; ok is false where there is no such page.
// Who is not invited any more learns nothing but that.
func (c *Changer) Invitation(ctx context.Context, token string) (i Invitation, ok bool, err error) {
	return c.invitation(ctx, token)
}

func (c *Changer) invitation(ctx context.Context, token string) (i Invitation, ok bool, err error) {
	err = c.opts.Store.View(ctx, func(tx *store.Tx) error {
		d, err := find(tx.DeliveryByToken(token))
		if err != nil || d == nil || d.Reply {
			return err
		}
		p, err := c.present(tx, d.EventID)
		if err != nil {
			return err
		}
		reader, err := find(tx.UserByAddress(d.Address))
		if err != nil {
			return fmt.Errorf("look for the reader: %w", err)
		}
		said, err := tx.Answers(d.EventID)
		if err != nil {
			return fmt.Errorf("read the answers: %w", err)
		}
		said = slices.DeleteFunc(said, func(a store.Answer) bool { return a.Address != d.Address })
		ok = true
		i, err = c.invited(p, d.Address, reader, said, tx.Now())
		return err
	})
	return i, ok, err
}

// invited is what address is shown of p; reader is nil where that is nobody's here.
func (c *Changer) invited(p *Present, address string, reader *store.User, said []store.Answer, now time.Time) (Invitation, error) {
	i := Invitation{State: InvitationRemoved, Zone: p.Zone, Locale: p.User.Locale}
	if reader != nil && !reader.Removed {
		i.Local, i.Zone, i.Locale = true, zoneOf(reader), reader.Locale
	}
	var asked []*ical.VEvent
	if p.Event != nil {
		asked = slices.DeleteFunc(p.Event.All(), func(v *ical.VEvent) bool { return attendeeOf(v, address) == nil })
	}
	switch {
	case p.Event == nil && !p.Gone:
		return i, fmt.Errorf("the event of an answer page cannot be read")
	case p.Event == nil || p.Row.Role != store.RoleOrganizer:
		i.State = InvitationCancelled
		return i, nil
	case len(asked) == 0:
		return i, nil
	}
	i.State, i.EventID, i.Address, i.Organizers = InvitationOpen, p.Row.ID, address, p.Zone
	i.Sequence, i.Series = itip.SequenceOf(p.Event), series(p.Event)

	about := asked[0]
	if i.Series {
		next, sure := p.occurrencesOf(address, about == p.Event.Master, now)
		for _, o := range next {
			i.Occurrences = append(i.Occurrences, o.InvitedOccurrence)
		}
		if len(next) > 0 {
			i.Start, i.End = next[0].Start, next[0].End
			if about != p.Event.Master {
				about = next[0].vevent
			}
		} else if sure {
			i.State = InvitationOver
			if about != p.Event.Master {
				i.Start, i.End = p.when(about)
			}
		}
	} else {
		i.Start, i.End = p.when(about)
	}
	i.AllDay = about.Start.AllDay
	me := attendeeOf(about, address)
	i.Name = me.Name
	if !i.Local && me.Language != "" {
		i.Locale = me.Language
	}
	if about == p.Event.Master {
		i.PartStat = me.PartStat
	}
	switch {
	case p.Gone, !slices.ContainsFunc(asked, func(v *ical.VEvent) bool { return !v.Cancelled() }):
		i.State = InvitationCancelled
	case p.Ended:
		i.State = InvitationOver
	}
	i.recall(said)
	c.describe(&i, p, about)
	return i, nil
}

// recall adds what this person said that the event does not hold.
func (i *Invitation) recall(said []store.Answer) {
	for _, a := range said {
		if a.RecurrenceID == "" {
			i.Comment, i.Waiting = a.Comment, !a.Waiting.IsZero()
		}
		for n := range i.Occurrences {
			if o := &i.Occurrences[n]; o.Key == a.RecurrenceID {
				o.Waiting = !a.Waiting.IsZero()
			}
		}
	}
}

// describe adds what v tells those who are asked to it.
func (c *Changer) describe(i *Invitation, p *Present, v *ical.VEvent) {
	i.Title, i.Agenda, i.Place = v.Summary, itip.Agenda(v), itip.Place(v)
	organizer := v.Organizer
	if organizer == nil {
		organizer = p.Event.Organizer()
	}
	if i.Organizer = p.User.Name; organizer != nil {
		i.Organizer = called(*organizer)
	}
	for _, a := range v.Attendees {
		if c.opts.Policy.isResource(a.Address) || organizer != nil && a.Address == organizer.Address {
			continue
		}
		i.People = append(i.People, InvitedPerson{Name: called(a), PartStat: a.PartStat})
	}
	j := itip.JoiningOf(v)
	i.Link, i.Service = j.Link, j.Label
	if i.Link == "" && p.Link == LinkReady {
		i.Link = p.JoinURL // the client kept it in LOCATION alone
	}
	if p.Service != "" && (i.Link == p.JoinURL || i.Service == "") {
		i.Service = p.Service
	}
	if i.Place == i.Link {
		i.Place = ""
	}
	i.Pending = i.Link == "" && p.Link == LinkPending
	if i.Link == "" {
		i.Service = ""
	}
}

// called is a person's name, or the address.
func called(a ical.Attendee) string {
	if a.Name != "" {
		return a.Name
	}
	return a.Address
}

// when is the time of a component, as an Invitation holds it.
func (p *Present) when(v *ical.VEvent) (start, end time.Time) {
	if v.Start.AllDay {
		return v.Start.Time, v.End.Time
	}
	return v.Start.In(p.Zone), v.End.In(p.Zone)
}

// An askedOccurrence is one that somebody is asked to, with where it is defined.
type askedOccurrence struct {
	InvitedOccurrence
	vevent *ical.VEvent
}

// occurrencesOf lists the next occurrences of p's series that take place and to which address is asked;
// whole tells that this person is asked to the series itself. sure is false where there may be more that
// the rule does not let us know.
func (p *Present) occurrencesOf(address string, whole bool, now time.Time) (list []askedOccurrence, sure bool) {
	e := p.Event
	if !whole {
		e = withoutRule(e)
	}
	others := 0
	err := e.Expand(now, time.Time{}, p.Zone, func(in ical.Instance) bool {
		v := in.VEvent
		me := attendeeOf(v, address)
		if me == nil || v.Cancelled() {
			others++
			return others < maxOthers
		}
		o := askedOccurrence{vevent: v, InvitedOccurrence: InvitedOccurrence{
			Key: p.Event.OccurrenceKey(in.RecurrenceID, p.Zone), Occurrence: p.written(in), Start: in.Start, End: in.End, PartStat: me.PartStat,
		}}
		if v.Start.AllDay {
			o.Start, o.End = wallClock(in.Start, p.Zone), wallClock(in.End, p.Zone)
		}
		list = append(list, o)
		return len(list) < maxOccurrences
	})
	return list, err == nil
}

// written is the RECURRENCE-ID of an instance as ical.Time has it: of dates and floating times, which
// the instance holds as instants, what the clock shows, in UTC.
func (p *Present) written(in ical.Instance) time.Time {
	if id := in.VEvent.RecurrenceID; id != nil && !in.VEvent.RangeFuture {
		return id.Time
	}
	if m := p.Event.Master; m != nil && (m.Start.AllDay || m.Start.Floating) {
		return wallClock(in.RecurrenceID, p.Zone)
	}
	return in.RecurrenceID
}

// wallClock is what a clock in loc shows at t, in UTC.
func wallClock(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}
