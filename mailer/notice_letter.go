package mailer

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// notice is the letter to the organiser of p that tells n.
func (s setting) notice(n *notice, p *change.Present) *letter {
	switch {
	case n.problem != "":
		return s.note(n.problem, p.Event)
	case len(n.said) > 0:
		return s.said(n.said, p.Event)
	}
	return s.missed(n.missed, p.Event)
}

// toOrganizer begins a letter to ev's organiser.
func (s setting) toOrganizer(subject string, ev *ical.Event) *letter {
	v := ev.All()[0]
	l := s.newLetter(subject, v)
	l.add(s.words.When, s.words.when(ev.Object, v, s.organizer))
	l.Footer = s.service
	return l
}

// note is the letter to the organiser that ev has no conference, for a conference.Reason.
func (s setting) note(reason string, ev *ical.Event) *letter {
	w := s.words
	subject, headline := w.SubjectNote, w.NoteHeadline
	if s.joinURL != "" {
		subject, headline = w.SubjectTrouble, w.NoteUpdate
	}
	if people, ok := strings.CutPrefix(reason, peopleProblem); ok {
		reason, subject, headline = people, w.SubjectTrouble, w.NotePeople
	}
	l := s.toOrganizer(subject, ev)
	provider := s.provider
	if provider == "" {
		provider = s.service
	}
	l.Headline = fmt.Sprintf(headline, provider)
	l.Notes = []string{sentence(change.ReasonText(reason, w.Lang))}
	return l
}

// said is the letter to the organiser of what people said to ev, and of the times they propose.
func (s setting) said(answers []store.Answer, ev *ical.Event) *letter {
	w := s.words
	subject, proposals := w.SubjectAnswers, false
	var notes []string
	for _, a := range answers {
		notes = append(notes, s.saying(a, ev))
		if !a.Start.IsZero() {
			subject, proposals = w.SubjectProposal, true
		}
	}
	l := s.toOrganizer(subject, ev)
	l.Headline, l.Notes = w.AnswersCame, notes
	if proposals {
		l.Advice = w.TakeUpCalendar
		if s.decide != "" {
			l.Advice, l.OwnWords = w.TakeUp, choice{Text: w.Decide, Link: s.decide}
		}
	}
	return l
}

// saying is one answer to ev as a sentence.
func (s setting) saying(a store.Answer, ev *ical.Event) string {
	w := s.words
	who, comment := called(ev, a.Address), printable(a.Comment)
	v := occasion(ev, a.RecurrenceID, s.organizer)
	if v == nil {
		v = ev.All()[0]
	}
	day := ""
	if v.RecurrenceID != nil {
		day = w.day(v.Start.Time.In(clockOf(ev.Object, v.Start, s.organizer).loc)) + ": "
	}
	if !a.Start.IsZero() {
		text := fmt.Sprintf(w.Proposes, who, w.when(ev.Object, proposed(v, a), s.organizer), w.when(ev.Object, v, s.organizer))
		if comment != "" {
			text += " " + fmt.Sprintf(w.Quoted, comment)
		}
		return day + text
	}
	says, only := w.Says, w.Says
	switch a.PartStat {
	case "ACCEPTED":
		says, only = w.SaysYes, w.OnlyYes
	case "DECLINED":
		says, only = w.SaysNo, w.OnlyNo
	case "TENTATIVE":
		says, only = w.SaysMaybe, w.OnlyMaybe
	}
	if comment == "" && only != w.Says {
		return day + fmt.Sprintf(only, who)
	}
	return day + fmt.Sprintf(says, who, fmt.Sprintf(w.Quoted, comment))
}

// proposed is v at the time that a proposes: for as long as it was, where a does not say.
func proposed(v *ical.VEvent, a store.Answer) *ical.VEvent {
	at := *v
	length := v.End.Time.Sub(v.Start.Time)
	if v.Start.AllDay && (a.Start.UTC().Hour() != 0 || a.Start.UTC().Minute() != 0) {
		at.Start, at.End = ical.Time{UTC: true}, ical.Time{UTC: true} // not a whole day any more
		length = time.Hour
	}
	at.Start.Time, at.End.Time = a.Start, a.End
	if a.End.IsZero() {
		at.End.Time = a.Start.Add(length)
	}
	return &at
}

// called is what ev calls the attendee at address.
func called(ev *ical.Event, address string) string {
	for _, v := range ev.All() {
		for _, a := range v.Attendees {
			if a.Address == address {
				return name(a)
			}
		}
	}
	return printable(address)
}

// missed is the letter to the organiser of people whom mail did not reach.
func (s setting) missed(list []store.Delivery, ev *ical.Event) *letter {
	w := s.words
	l := s.toOrganizer(w.SubjectMissed, ev)
	l.Headline = w.Missed
	for _, d := range list {
		who := printable(d.Address)
		if n := called(ev, d.Address); n != who {
			who = n + " <" + who + ">"
		}
		why := w.MissedLost
		switch d.Status {
		case "3.7":
			why = w.MissedUnknown
		case "5.3":
			why = w.MissedRefused
		}
		l.Notes = append(l.Notes, who+": "+why)
	}
	l.Advice = w.MissedAdvice
	return l
}

// sentence makes s begin with a capital.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// told is what the attendee whom o is for knows of the event and of the occurrence that key names. It fills in e and set.
func (s *Sender) told(p *change.Present, o *owed, key string, e *envelope, set *setting, locale string) (*ical.Event, *ical.VEvent, error) {
	ev, err := itip.NewViews(p.Event).Of(o.Address).Event()
	if err != nil {
		return nil, nil, err
	}
	if ev == nil {
		return nil, nil, errors.New("this person is invited to nothing")
	}
	if err := s.fromOrganizer(p, ev, o.Address, e, set, locale); err != nil {
		return nil, nil, err
	}
	if o.Delivery != nil {
		set.answer = s.answerPage(o.Delivery.Token)
	}
	v := occasion(ev, key, set.organizer)
	if v == nil {
		v = ev.All()[0]
	}
	return ev, v, nil
}

// place makes the letter to an attendee who waits for a free place, or has got it, and fills in e.
func (s *Sender) place(p *change.Present, o *owed, e *envelope, set setting, locale string) (*letter, error) {
	ev, v, err := s.told(p, o, o.Note.occurrence, e, &set, locale)
	if err != nil {
		return nil, err
	}
	return set.place(o.Note.place, ev, v), nil
}

// kept makes letter and object of a DECLINECOUNTER, and fills in e.
func (s *Sender) kept(p *change.Present, o *owed, e *envelope, set setting, locale string) (*letter, []byte, error) {
	a := o.Note.kept
	ev, v, err := s.told(p, o, a.RecurrenceID, e, &set, locale)
	if err != nil {
		return nil, nil, err
	}
	var at time.Time
	if v.RecurrenceID != nil {
		at = v.RecurrenceID.Time
	}
	calendar, err := itip.DeclineCounter(ev, o.Address, at, a.Sequence, e.Date)
	if err != nil {
		return nil, nil, err
	}
	w := set.words
	l := set.toAttendee(w.SubjectKept, ev, v)
	l.Headline = w.Kept
	if !a.Start.IsZero() {
		l.add(w.YouProposed, w.when(ev.Object, proposed(v, *a), set.organizer))
	}
	return l, calendar, nil
}

// place is the letter to an attendee about a place at v, a component of ev.
func (s setting) place(method string, ev *ical.Event, v *ical.VEvent) *letter {
	w := s.words
	subject := w.SubjectWaiting
	if method == methodPlace {
		subject = w.SubjectPlace
	}
	l := s.toAttendee(subject, ev, v)
	l.Headline = w.Waiting
	if method == methodPlace {
		l.Headline = w.PlaceFree
		s.joining(l, v)
		l.Agenda = ""
	} else {
		l.Notes = []string{w.WaitingMore}
	}
	return l
}

// toAttendee begins a letter about v, a component of ev, to somebody who has answered.
func (s setting) toAttendee(subject string, ev *ical.Event, v *ical.VEvent) *letter {
	w := s.words
	l := s.newLetter(subject, v)
	l.add(w.When, w.when(ev.Object, v, s.organizer))
	l.add(w.YourTime, w.theirs(ev.Object, v, s.organizer, s.recipient))
	l.add(w.Repeats, w.repeats(ev.Object, v, s.organizer))
	l.add(w.Where, printable(itip.Place(v)))
	if organizer := ev.Organizer(); organizer != nil {
		l.add(w.Organizer, withAddress(*organizer))
	}
	if s.answer != "" {
		l.OwnWords = choice{Text: w.ChangeAnswer, Link: s.answer}
	}
	return l
}
