package mailer

import (
	"fmt"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
)

// change says one change.
func (s setting) change(l *letter, ev *ical.Event, c itip.Change) {
	w := s.words
	day := ""
	if c.Occurrence != nil {
		day = w.day(c.Occurrence.Time.In(clockOf(ev.Object, *c.Occurrence, s.organizer).loc))
	}
	say := func(label, value, old string) {
		if value == "" {
			value = w.Nothing
		}
		if old != "" {
			old = fmt.Sprintf(w.Was, old)
		}
		if day != "" && label != "" {
			label += " (" + day + ")"
		} else if day != "" {
			value = day + ": " + value
		}
		l.Changes = append(l.Changes, row{label, value, old})
	}
	orNothing := func(old string) string {
		if old == "" {
			return w.Nothing
		}
		return old
	}
	switch c.Kind {
	case itip.ChangedTime:
		old := w.when(ev.Object, c.Old, s.organizer)
		say(w.When, w.when(ev.Object, c.New, s.organizer), old)
	case itip.ChangedRepetition:
		was, is := w.repeats(ev.Object, c.Old, s.organizer), w.repeats(ev.Object, c.New, s.organizer)
		if was == is {
			say("", w.RepeatsAnew, "")
		} else {
			say(w.Repeats, is, orNothing(was))
		}
	case itip.ChangedTitle:
		say(w.Title, printable(c.New.Summary), orNothing(printable(c.Old.Summary)))
	case itip.ChangedLocation:
		say(w.Where, printable(itip.Place(c.New)), orNothing(printable(itip.Place(c.Old))))
	case itip.ChangedLink:
		was, is := itip.JoiningOf(c.Old).Link, itip.JoiningOf(c.New).Link
		switch {
		case was == is:
			say("", w.LinkDetails, "")
		case is == "":
			say("", w.LinkRemoved, "")
		case was == "":
			say("", w.LinkAdded, "")
		default:
			say("", w.LinkChanged, "")
		}
	case itip.ChangedDescription:
		say("", w.AgendaChanged, "")
	case itip.ChangedPage:
		say(w.Page, pageOf(c.New, itip.JoiningOf(c.New)), orNothing(pageOf(c.Old, itip.JoiningOf(c.Old))))
	case itip.ChangedAttachments:
		say("", w.AttachmentsChanged, "")
	case itip.ChangedStatus:
		if c.New.Status == "TENTATIVE" {
			say("", w.NowTentative, "")
		} else {
			say("", w.NowConfirmed, "")
		}
	case itip.ChangedOrganizer:
		if c.New.Organizer != nil && c.Old.Organizer != nil {
			say(w.Organizer, withAddress(*c.New.Organizer), withAddress(*c.Old.Organizer))
		}
	case itip.ChangedDelegate:
		say("", w.DelegateDeclined, "")
	case itip.ChangedPeople:
		if len(c.Added) > 0 {
			say(w.Invited, people(c.New, c.Added), "")
		}
		if len(c.Removed) > 0 {
			say(w.Left, people(c.Old, c.Removed), "")
		}
	case itip.AddedOccurrence:
		l.Changes = append(l.Changes, row{Label: w.AddedOn, Value: w.when(ev.Object, c.New, s.organizer)})
	case itip.CancelledOccurrence:
		l.Changes = append(l.Changes, row{Label: w.OffOn, Value: w.when(ev.Object, c.Old, s.organizer)})
	}
}
