package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"joinery/caldav/itip"
	"joinery/store"
)

// Proposals are what the page of an organiser's event shows of the other times that attendees propose for it
// (COUNTER, RFC 5546 §3.2.7). Times of an all-day event are dates, as midnights UTC; all others are instants.
type Proposals struct {
	State  InvitationState // of the event; InvitationOpen: it can be decided
	Title  string
	List   []Proposal // those that are open, in the order in which they came
	Zone   *time.Location
	Locale string
}

// A Proposal is one of them.
type Proposal struct {
	ID         int64
	Name       string // who proposes it
	Comment    string
	Time       itip.Time // that is proposed
	Start, End time.Time // that stands
	AllDay     bool      // of what stands
	// Calendar: it is of a whole series, and another time for that is another rule: it is taken up in the calendar
	// only.
	Calendar bool
}

// Proposals tells what the page of a token shows now; ok is false where there is no such page.
func (c *Changer) Proposals(ctx context.Context, token string) (list Proposals, ok bool, err error) {
	err = c.opts.Store.View(ctx, func(tx *store.Tx) error {
		p, said, err := c.proposed(tx, token)
		if err != nil || p == nil {
			return err
		}
		ok = true
		list = Proposals{State: InvitationOpen, Zone: p.Zone, Locale: p.User.Locale}
		switch {
		case p.Gone, p.Event == nil:
			list.State = InvitationCancelled
		case p.Ended:
			list.State = InvitationOver
		}
		if p.Event == nil {
			return nil
		}
		list.Title = p.Event.All()[0].Summary
		if list.State != InvitationOpen {
			return nil
		}
		for i := range said {
			if one := p.proposal(&said[i], tx.Now()); one != nil {
				list.List = append(list.List, *one)
			}
		}
		return nil
	})
	return list, ok, err
}

// proposed reads the event of a token, and what was said to it; nil where there is none.
func (c *Changer) proposed(tx *store.Tx, token string) (*Present, []store.Answer, error) {
	a, err := find(tx.AnswerByToken(token))
	if err != nil || a == nil {
		return nil, nil, err
	}
	p, err := c.present(tx, a.EventID)
	if err != nil {
		return nil, nil, err
	}
	if p.Row.Role != store.RoleOrganizer || p.User.Removed {
		return nil, nil, nil
	}
	said, err := tx.Answers(a.EventID)
	if err != nil {
		return nil, nil, fmt.Errorf("read the proposals: %w", err)
	}
	return p, said, nil
}

// proposal is what a proposes and what is still to be decided; nil where that is nothing: it proposes no time, was
// refused or taken up, its time is over, or that person is no longer asked.
func (p *Present) proposal(a *store.Answer, now time.Time) *Proposal {
	if a.Start.IsZero() || a.Refusal != store.RefusalNone {
		return nil
	}
	occurrence := p.occurrenceOf(a.RecurrenceID)
	v := componentOf(p.Event, occurrence)
	if v == nil || v.Cancelled() {
		return nil
	}
	person := attendeeOf(v, a.Address)
	if person == nil {
		return nil
	}
	one := &Proposal{ID: a.ID, Name: called(*person), Comment: a.Comment, AllDay: v.Start.AllDay, Calendar: v.Recurring && occurrence.IsZero()}
	one.Start, one.End = p.when(v)
	if v.RecurrenceID == nil && !occurrence.IsZero() {
		shift := occurrence.Sub(v.Start.Time)
		one.Start, one.End = one.Start.Add(shift), one.End.Add(shift)
	}
	one.Time = itip.Time{Start: a.Start, End: a.End, AllDay: v.Start.AllDay && isDate(a.Start) && (a.End.IsZero() || isDate(a.End))}
	if a.End.IsZero() {
		one.Time.End = a.Start.Add(one.End.Sub(one.Start))
	}
	if !one.Time.End.After(now) || one.Time.Start.Equal(one.Start) && one.Time.End.Equal(one.End) {
		return nil
	}
	return one
}

// isDate tells a date, as a midnight UTC.
func isDate(t time.Time) bool { return t.Equal(t.UTC().Truncate(24 * time.Hour)) }

// KeepTime refuses a proposal: the attendee is told that the time stays (DECLINECOUNTER, RFC 5546 §3.2.8). TakeTime
// puts the event at the time that was proposed, as a save of its organiser does; everybody is told. id is of
// Proposals' list; userAgent is for the audit. OutcomeApplied; OutcomeUnknown where the token is none; else
// OutcomeStale where the proposal is not open any more, also because the same was decided before, or was changed.
func (c *Changer) KeepTime(ctx context.Context, token string, id int64, userAgent string) (Outcome, error) {
	out := OutcomeUnknown
	err := c.opts.Store.Update(ctx, func(tx *store.Tx) error {
		p, a, err := c.open(tx, token, id)
		if err != nil || p == nil {
			return err
		}
		if out = OutcomeStale; a == nil {
			return nil
		}
		out = OutcomeApplied
		return c.refuseProposal(tx, p, a, userAgent)
	})
	return out, err
}

// open finds a proposal of a token's event: p is nil where there is no such page, a where it is not open.
func (c *Changer) open(tx *store.Tx, token string, id int64) (p *Present, a *store.Answer, err error) {
	p, said, err := c.proposed(tx, token)
	if err != nil || p == nil || p.Gone || p.Ended || p.Event == nil || p.Object == nil {
		return p, nil, err
	}
	i := slices.IndexFunc(said, func(a store.Answer) bool { return a.ID == id })
	if i < 0 || p.proposal(&said[i], tx.Now()) == nil {
		return p, nil, nil
	}
	return p, &said[i], nil
}

func (c *Changer) refuseProposal(tx *store.Tx, p *Present, a *store.Answer, userAgent string) error {
	a.Refusal = store.RefusalOwed
	u, err := find(tx.UserByAddress(a.Address))
	if err != nil {
		return fmt.Errorf("look for the attendee: %w", err)
	}
	if u != nil && u.Kind == store.UserIndividual && !u.Removed {
		ev, err := itip.NewViews(p.Event).Of(a.Address).Event()
		if err != nil {
			return fmt.Errorf("read what the attendee sees: %w", err)
		}
		if ev != nil {
			data, err := itip.DeclineCounter(ev, a.Address, p.occurrenceOf(a.RecurrenceID), a.Sequence, tx.Now())
			if err != nil {
				return err
			}
			if err := c.putMessage(tx, u, p.Row.UID, data); err != nil {
				return err
			}
		}
		if !c.opts.Policy.MailLocals {
			a.Refusal = store.RefusalTold
		}
	}
	if err := tx.NoteAnswer(a); err != nil {
		return err
	}
	if err := c.opts.Outbox.Touch(tx, WorkMail, p.Row.ID, tx.Now()); err != nil {
		return err
	}
	return c.audit(tx, onPage(p.User, userAgent), p.Row.UID, "kept the time", "proposed by "+truncate(a.Address, 200))
}

// onPage is an organiser who decides on the page of proposals, for the audit.
func onPage(u *store.User, userAgent string) Caller {
	return Caller{User: u, UserAgent: "page of proposals, " + userAgent}
}

// TakeTime is described with KeepTime.
func (c *Changer) TakeTime(ctx context.Context, token string, id int64, userAgent string) (Outcome, error) {
	var save *PutRequest
	out := OutcomeUnknown
	err := c.opts.Store.View(ctx, func(tx *store.Tx) error {
		p, a, err := c.open(tx, token, id)
		if err != nil || p == nil {
			return err
		}
		if out = OutcomeStale; a == nil {
			return nil
		}
		one := p.proposal(a, tx.Now())
		if one.Calendar {
			return nil
		}
		cal, err := tx.CalendarByID(p.Object.CalendarID)
		if err != nil {
			return fmt.Errorf("read the calendar: %w", err)
		}
		data, err := itip.Moved(p.Event, p.occurrenceOf(a.RecurrenceID), one.Time, p.Zone, tx.Now())
		if err != nil {
			return err
		}
		save = &PutRequest{
			Caller: onPage(p.User, userAgent), Calendar: cal, Name: p.Object.Name, Data: data,
			Conditions: Conditions{IfMatch: []string{p.Object.ETag}, IfMatchSet: true},
		}
		return nil
	})
	if err != nil || save == nil {
		return out, err
	}
	var refused *Refusal
	switch _, err = c.Put(ctx, *save); {
	case errors.As(err, &refused):
		return OutcomeStale, nil // changed meanwhile
	case err != nil:
		return OutcomeUnknown, fmt.Errorf("take up a proposal: %w", err)
	}
	return OutcomeApplied, nil
}
