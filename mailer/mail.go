package mailer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-message/mail"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
	"joinery/store/outbox"
)

// mail looks at one event: what is owed is composed, stored and recorded as told, in one
// transaction, or nothing of it. Most looks find nothing, and those do not hold the one writer.
func (s *Sender) mail(ctx context.Context, j *outbox.Job) (time.Time, error) {
	var list []owed
	var next time.Time
	var undecided error
	err := s.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		_, list, next, undecided, err = s.look(tx, j.Subject)
		return err
	})
	if err == nil && len(list) > 0 {
		err = s.opts.Store.Update(ctx, func(tx *store.Tx) error {
			if err := j.Hold(tx); err != nil {
				return err
			}
			var p *change.Present
			var err error
			if p, list, next, undecided, err = s.look(tx, j.Subject); err != nil {
				return err
			}
			for i := range list {
				if err := s.tell(tx, p, &list[i]); err != nil {
					return fmt.Errorf("telling %s: %w", list[i].Address, err)
				}
			}
			return nil
		})
	}
	if err == nil {
		err = undecided
	}
	return next, err
}

// look decides what is owed about an event as it stands in tx. undecided is the error of single
// people; an event that does not exist owes nothing.
func (s *Sender) look(tx *store.Tx, id int64) (p *change.Present, list []owed, next time.Time, undecided, err error) {
	k := look{policy: s.opts.Policy, now: s.opts.Now()}
	if k.present, err = s.opts.Changer.Present(tx, id); errors.Is(err, store.ErrNotFound) {
		return nil, nil, time.Time{}, nil, nil
	} else if err != nil {
		return nil, nil, time.Time{}, nil, fmt.Errorf("reading the event: %w", err)
	}
	if k.deliveries, err = tx.Deliveries(id); err != nil {
		return nil, nil, time.Time{}, nil, fmt.Errorf("reading what people were told: %w", err)
	}
	if k.messages, err = tx.Messages(id); err != nil {
		return nil, nil, time.Time{}, nil, fmt.Errorf("reading the mails: %w", err)
	}
	list, next, undecided = k.decide()
	return k.present, list, next, undecided, nil
}

// tell composes and stores what o says, and records that its address knows it now.
func (s *Sender) tell(tx *store.Tx, p *change.Present, o *owed) error {
	d := o.Delivery
	if d == nil {
		d = &store.Delivery{EventID: p.Row.ID, Address: o.Address, Reply: o.Reply}
	}
	d.View, d.Sequence, d.At = o.View, o.Sequence, s.opts.Now()
	if !o.silent() {
		m, err := s.message(tx, p, o, d.MessageID)
		if err != nil {
			return err
		}
		if err := tx.PutMessage(m); err != nil {
			return fmt.Errorf("storing the mail: %w", err)
		}
		if err := s.opts.Outbox.Touch(tx, change.WorkSubmit, m.ID, s.opts.Now()); err != nil {
			return fmt.Errorf("noting the mail: %w", err)
		}
		d.MessageID, d.Status = m.MessageID, "1.0"
	}
	if err := tx.PutDelivery(d); err != nil {
		return fmt.Errorf("recording the mail: %w", err)
	}
	if o.Message != nil && o.Sequence > p.Row.Sequence {
		p.Row.Sequence = o.Sequence
		if err := tx.PutEvent(p.Row); err != nil {
			return fmt.Errorf("recording SEQUENCE: %w", err)
		}
	}
	return nil
}

// message makes the mail that o owes, not stored yet.
func (s *Sender) message(tx *store.Tx, p *change.Present, o *owed, previous string) (*store.Message, error) {
	recipient, err := s.local(tx, o.Address)
	if err != nil {
		return nil, fmt.Errorf("looking for the recipient: %w", err)
	}
	id, err := s.messageID()
	if err != nil {
		return nil, err
	}
	e := envelope{To: mail.Address{Address: o.Address}, MessageID: id, Previous: previous, Date: s.opts.Now()}
	if e.Date.Nanosecond() != 0 {
		e.Date = e.Date.Truncate(time.Second)
	}
	e.Date = e.Date.In(zoneOf(p))
	set := setting{
		organizer: zoneOf(p), service: s.opts.ServiceName, provider: p.Service, joinURL: p.JoinURL, gone: p.Gone,
		pending: p.Link == change.LinkPending || p.Link == change.LinkRefused,
	}
	locale := ""
	if recipient != nil {
		locale = recipient.Locale
		if loc, err := time.LoadLocation(recipient.Zone); err == nil && recipient.Zone != "" {
			set.recipient = loc
		}
	}
	var l *letter
	var calendar []byte
	method := ""
	switch {
	case o.Note:
		method = methodNote
		set.words = languageOf(p.User.Locale)
		l = set.note(o.Problem, p.Event)
		e.From = mail.Address{Name: s.service, Address: s.address}
		e.To.Name, e.Return = printable(p.User.Name), s.address
	case o.Reply:
		method = itip.MethodReply
		l, calendar, err = s.reply(p, o, &e, set, locale)
	default:
		method = o.Message.Method
		l, calendar, err = s.invitation(p, o, &e, set, locale)
	}
	if err != nil {
		return nil, err
	}
	body, err := compose(e, l, method, calendar)
	if err != nil {
		return nil, err
	}
	return &store.Message{
		EventID: p.Row.ID, Address: o.Address, Reply: o.Reply, Method: method, MessageID: id, From: e.Return,
		Body: body, State: store.MessageStored,
	}, nil
}

// invitation makes letter and object of a REQUEST or CANCEL, and fills in e.
func (s *Sender) invitation(p *change.Present, o *owed, e *envelope, set setting, locale string) (*letter, []byte, error) {
	m := o.Message
	object, err := ical.Parse(m.Object, ical.Limits{})
	if err != nil {
		return nil, nil, fmt.Errorf("reading what is to be sent: %w", err)
	}
	ev, err := ical.ParseEvent(object)
	if err != nil {
		return nil, nil, fmt.Errorf("reading what is to be sent: %w", err)
	}
	if len(ev.All()) == 0 {
		return nil, nil, errors.New("there is no event in what is to be sent")
	}
	language := ""
	for _, v := range ev.All() {
		for _, a := range v.Attendees {
			if a.Address != o.Address {
				continue
			}
			if e.To.Name == "" {
				e.To.Name = printable(a.Name)
			}
			if language == "" {
				language = a.Language
			}
		}
	}
	who := Person{Name: p.User.Name}
	if organizer := ev.Organizer(); organizer != nil {
		who.Address = organizer.Address
		if organizer.Name != "" {
			who.Name = organizer.Name
		}
	}
	if !itip.Mailable(who.Address) && len(p.User.Addresses) > 0 {
		who.Address = p.User.Addresses[0] // ORGANIZER is the owner by another kind of address
	}
	if !itip.Mailable(who.Address) {
		return nil, nil, errors.New("the organiser has no mail address")
	}
	set.words = languageOf(language, locale, p.User.Locale)
	e.From, e.Sender, e.ReplyTo, e.Return = s.sender(who, set.words)
	if m.Method == itip.MethodCancel {
		calendar, err := itip.Cancel(m.Object, m.Occurrences, o.Address, o.Sequence, e.Date)
		return set.cancel(m, ev), calendar, err
	}
	calendar, err := itip.Request(m.Object, o.Sequence, e.Date)
	return set.request(m, ev), calendar, err
}

// reply makes letter and object of a REPLY, and fills in e.
func (s *Sender) reply(p *change.Present, o *owed, e *envelope, set setting, locale string) (*letter, []byte, error) {
	who := Person{Name: p.User.Name}
	for _, v := range p.Event.All() {
		for _, a := range v.Attendees {
			for _, own := range p.User.Addresses {
				if a.Address == own && who.Address == "" {
					who.Address = own
					if a.Name != "" {
						who.Name = a.Name
					}
				}
			}
		}
	}
	if who.Name == "" {
		who.Name = who.Address
	}
	organizer := p.Event.Organizer()
	e.To.Name = printable(organizer.Name)
	set.words = languageOf(organizer.Language, locale, p.User.Locale)
	e.From, e.Sender, e.ReplyTo, e.Return = s.sender(who, set.words)
	calendar, err := itip.Reply(p.Event, p.User.Addresses, o.Answers, e.Date)
	if err != nil {
		return nil, nil, err
	}
	object, err := ical.Parse(calendar, ical.Limits{})
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	ev, err := ical.ParseEvent(object)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(ev.All()) == 0 {
		return nil, nil, errors.New("there is nothing to answer")
	}
	return set.reply(printable(who.Name), o.Answers, ev), calendar, nil
}

// zoneOf is the organiser's zone.
func zoneOf(p *change.Present) *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}

// found turns ErrNotFound into nil.
func found[T any](v *T, err error) (*T, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return v, err
}
