package mailer

import (
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-message/mail"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// message makes the mail that o owes to somebody who is the local user recipient, nil for others; types sets it, and
// the others that are made with it.
func (s *Sender) message(p *change.Present, o *owed, previous string, recipient *store.User, types *press) (*store.Message, error) {
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
		organizer: zoneOf(p), service: s.opts.ServiceName, provider: p.Service, joinURL: p.JoinURL, gone: p.Gone, now: s.opts.Now(),
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
	case o.Note != nil && o.Note.place != "":
		method = o.Note.place
		l, err = s.place(p, o, &e, set, locale)
	case o.Note != nil && o.Note.kept != nil:
		method = itip.MethodDeclineCounter
		l, calendar, err = s.kept(p, o, &e, set, locale)
	case o.Note != nil:
		method = methodNote
		if set.decide, err = s.decisionPage(o.Note); err != nil {
			return nil, err
		}
		set.words = languageOf(p.User.Locale)
		l = set.notice(o.Note, p)
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
	body, err := format(e, l, types, method, calendar)
	if err != nil {
		return nil, err
	}
	return &store.Message{
		EventID: p.Row.ID, Address: o.Address, Reply: o.Reply, Method: method, MessageID: id, From: e.Return,
		Body: body, State: store.MessageStored,
	}, nil
}

// invitation makes letter and object of a REQUEST or CANCEL, and fills in e. A REQUEST has a token from
// then on.
func (s *Sender) invitation(p *change.Present, o *owed, e *envelope, set setting, locale string) (*letter, []byte, error) {
	m := o.Message
	ev, err := m.Event()
	if err != nil {
		return nil, nil, err
	}
	if err := s.fromOrganizer(p, ev, o.Address, e, &set, locale); err != nil {
		return nil, nil, err
	}
	calendar, err := m.Calendar(o.Address, o.Sequence, e.Date)
	if err != nil {
		return nil, nil, err
	}
	if m.Method == itip.MethodCancel {
		return set.cancel(m, ev), calendar, nil
	}
	if o.Token, err = s.token(o.Delivery); err != nil {
		return nil, nil, err
	}
	set.answer = s.answerPage(o.Token)
	return set.request(m, ev), calendar, nil
}

// fromOrganizer addresses a mail of ev's organiser to the attendee at address, in the attendee's language:
// a local user's own, else the one that the event says, else the organiser's.
func (s *Sender) fromOrganizer(p *change.Present, ev *ical.Event, address string, e *envelope, set *setting, locale string) error {
	language := ""
	for _, v := range ev.All() {
		for _, a := range v.Attendees {
			if a.Address != address {
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
		return errors.New("the organiser has no mail address")
	}
	set.words = languageOf(locale, language, p.User.Locale)
	e.From, e.Sender, e.ReplyTo, e.Return = s.sender(who, set.words)
	return nil
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
	set.words = languageOf(locale, organizer.Language, p.User.Locale)
	e.From, e.Sender, e.ReplyTo, e.Return = s.sender(who, set.words)
	calendar, err := itip.Reply(p.Event, p.User.Addresses, o.Answers, e.Date)
	if err != nil {
		return nil, nil, err
	}
	object, err := ical.Parse(calendar, ical.Limits{Size: 64 << 20})
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
