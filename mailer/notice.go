package mailer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/store"
)

// The methods of messages that carry no iCalendar object: to the organiser, and to attendees who wait for
// a free place or have got it.
const (
	methodNote    = "NOTE"
	methodWaiting = "WAITING"
	methodPlace   = "PLACE"
)

// problemView begins the view of the delivery that remembers which problem the organiser was told.
const problemView = "problem:"

// peopleProblem begins a problem that is with people: they cannot be registered at the provider.
const peopleProblem = "people:"

// A notice is what somebody is told besides iTIP. One of its fields is set.
type notice struct {
	problem string           // the organiser, of the conference: a conference.Reason, or people's
	said    []store.Answer   // the organiser, of comments and proposals
	missed  []store.Delivery // the organiser, of people whom mail does not reach
	place   string           // an attendee: methodWaiting or methodPlace
	kept    *store.Answer    // an attendee: that the organiser keeps the time (DECLINECOUNTER)

	occurrence string // of place, as a store.Answer's
	token      string // of said, where there are proposals: of the page on which the organiser decides
}

// notePause is how long after one notice the next one of comments and proposals goes: whoever has the link
// of an answer page can say something else as often as they like.
const notePause = 5 * time.Minute

// maxSaid is how many answers one notice tells, and how many people mail does not reach.
const maxSaid = 50

// notices decides what is to be told of answers, of mail that came back and of places. invited are the
// people of the event.
func (k *look) notices(invited map[string]bool) {
	p := k.present
	if k.views == nil || p.User.Removed || p.Gone || p.Ended {
		return
	}
	mailed := map[string]bool{}
	for _, o := range k.out {
		mailed[o.Address] = true
	}
	k.refusals(invited, mailed)
	k.places(invited, mailed)
	if len(p.User.Addresses) == 0 || k.busy(p.User.Addresses[0], false) {
		return // what comes meanwhile is told with the next one
	}
	k.said()
	k.missed(invited, mailed)
}

// note notes that address is to be told n. Where it has got mail of the event, this follows it.
func (k *look) note(address string, n notice) {
	k.out = append(k.out, owed{Address: address, Delivery: k.delivery(address, false), Note: &n})
}

// problem decides whether the organiser is to be told that there is no conference, or that it cannot
// be brought up to date, or that people cannot be registered: once for each reason, until that is
// over or nothing is asked for.
func (k *look) problem() {
	p := k.present
	if p.User == nil || len(p.User.Addresses) == 0 || p.Event == nil || len(p.Event.All()) == 0 {
		return
	}
	address := p.User.Addresses[0]
	d := k.delivery(address, false)
	var problem, people string // that the organiser knows
	if d != nil && isProblem(d.View) {
		problem, people, _ = strings.Cut(strings.TrimPrefix(string(d.View), problemView), "\n")
		if only, ok := strings.CutPrefix(problem, peopleProblem); ok {
			problem, people = "", only
		}
	}
	settled := p.Link == change.LinkReady || p.Link == change.LinkNone
	o := owed{Address: address, Delivery: d}
	if d != nil {
		o.Sequence = d.Sequence
	}
	switch {
	case p.Problem != "" && p.Problem != problem:
		o.Note, problem = &notice{problem: p.Problem}, p.Problem
	case p.Problem == "" && p.Warning != "" && p.Warning != people:
		o.Note, people = &notice{problem: peopleProblem + p.Warning}, p.Warning
	case p.Problem == "" && problem != "" && settled:
		problem = ""
	case p.Warning == "" && people != "" && settled:
		people = ""
	default:
		return
	}
	if o.Note != nil && (p.Gone || p.Ended || k.busy(address, false)) {
		return
	}
	if problem != "" || people != "" {
		o.View = []byte(problemView + problem + "\n" + people)
	}
	k.out = append(k.out, o)
}

func isProblem(view []byte) bool { return bytes.HasPrefix(view, []byte(problemView)) }

// said decides what the organiser is told of comments and proposals: all that are not told, in one mail.
func (k *look) said() {
	var n notice
	var first time.Time
	for _, a := range k.answers {
		if a.Told || len(n.said) == maxSaid {
			continue
		}
		n.said = append(n.said, a)
		if first.IsZero() || a.Updated.Before(first) {
			first = a.Updated
		}
	}
	if len(n.said) == 0 || k.wait(first, k.policy.MailSettle) || k.wait(k.lastNote(), notePause) {
		return
	}
	k.note(k.present.User.Addresses[0], n)
}

// lastNote is when the organiser was last told something by a NOTE; zero: never.
func (k *look) lastNote() time.Time {
	var last time.Time
	for _, m := range k.messages {
		if m.Method == methodNote && m.Created.After(last) {
			last = m.Created
		}
	}
	return last
}

// missed decides whether the organiser is told of people whom the invitation did not reach: once for each
// reason. Who finds the event in a calendar here was reached.
func (k *look) missed(invited, mailed map[string]bool) {
	ended := map[string]time.Time{} // by Message-ID
	for _, m := range k.messages {
		ended[m.MessageID] = m.Updated
	}
	var n notice
	var first time.Time
	for _, d := range k.deliveries {
		switch {
		case d.Reply, !isFailure(d.Status), d.Reported == d.Status, len(n.missed) == maxSaid:
		case !invited[d.Address], mailed[d.Address], k.present.Locals[d.Address] != nil:
		default:
			n.missed = append(n.missed, d)
			if at := ended[d.MessageID]; first.IsZero() || at.Before(first) {
				first = at
			}
		}
	}
	if len(n.missed) > 0 && !k.wait(first, k.policy.MailSettle) {
		k.note(k.present.User.Addresses[0], n)
	}
}

// isFailure tells a SCHEDULE-STATUS that says that a message did not arrive (RFC 5545 §3.8.8.3: 3 the
// client's fault, 4 and 5 the service's).
func isFailure(status string) bool {
	return status != "" && strings.ContainsRune("345", rune(status[0]))
}

// places decides which attendees are told that they wait for a free place, or have got one. What they
// were told is known by the messages: one that is older than the waiting is of an earlier one.
func (k *look) places(invited, mailed map[string]bool) {
	told := map[string]*store.Message{} // the last
	for i, m := range k.messages {
		if m.Method == methodWaiting || m.Method == methodPlace {
			told[m.Address] = &k.messages[i]
		}
	}
	waits := map[string]bool{}
	for _, a := range k.answers {
		waits[a.Address] = waits[a.Address] || !a.Waiting.IsZero()
	}
	for _, a := range k.answers {
		if !invited[a.Address] || mailed[a.Address] || k.isRoom(a.Address) || k.busy(a.Address, false) {
			continue
		}
		last := told[a.Address]
		knows := last != nil && last.Method == methodWaiting
		n := notice{place: methodWaiting, occurrence: a.RecurrenceID}
		switch {
		case !a.Waiting.IsZero() && !(knows && !last.Created.Before(a.Waiting)):
		case knows && !waits[a.Address] && accepted(k.present.Event, a, k.present.Zone):
			n.place = methodPlace
		default:
			continue
		}
		mailed[a.Address] = true
		k.note(a.Address, n)
	}
}

// refusals decides which attendees are told that the organiser keeps the time that they wanted another for.
func (k *look) refusals(invited, mailed map[string]bool) {
	for i := range k.answers {
		a := &k.answers[i]
		if a.Refusal != store.RefusalOwed || !invited[a.Address] || mailed[a.Address] || k.unmailed(a.Address) || k.busy(a.Address, false) {
			continue
		}
		mailed[a.Address] = true
		k.note(a.Address, notice{kept: a})
	}
}

// accepted tells whether ev has a's person accepting what a answers.
func accepted(ev *ical.Event, a store.Answer, loc *time.Location) bool {
	v := occasion(ev, a.RecurrenceID, loc)
	return v != nil && slices.ContainsFunc(v.Attendees, func(who ical.Attendee) bool {
		return who.Address == a.Address && who.PartStat == "ACCEPTED"
	})
}

// occasion is what ev says of the occurrence that key names, as a store.Answer's; nil where it has none.
func occasion(ev *ical.Event, key string, loc *time.Location) *ical.VEvent {
	for _, v := range ev.All() {
		if ev.OverrideKey(v, loc) == key {
			return v
		}
	}
	if ev.Master == nil {
		return nil
	}
	at := ical.KeyTime(key)
	if at.IsZero() {
		return nil
	}
	v := *ev.Master
	v.End.Time = at.Add(v.End.Time.Sub(v.Start.Time))
	v.Start.Time, v.Recurring = at, false
	id := v.Start
	v.RecurrenceID = &id
	return &v
}

// record notes in tx that n is told. The error is errChanged where there is something else to tell.
func (n *notice) record(tx *store.Tx, eventID int64) error {
	if len(n.said) > 0 {
		rows, err := tx.Answers(eventID)
		if err != nil {
			return fmt.Errorf("reading what was answered: %w", err)
		}
		tokened := false // the page of one proposal shows the others, too
		for _, a := range n.said {
			i := slices.IndexFunc(rows, func(r store.Answer) bool { return r.ID == a.ID })
			if i < 0 || rows[i].Told || !rows[i].Updated.Equal(a.Updated) {
				return errChanged
			}
			rows[i].Told = true
			if n.token != "" && !rows[i].Start.IsZero() && !tokened {
				rows[i].Token, tokened = n.token, true
			}
			if err := tx.NoteAnswer(&rows[i]); err != nil {
				return fmt.Errorf("recording what was told: %w", err)
			}
		}
	}
	if n.kept != nil {
		rows, err := tx.Answers(eventID)
		if err != nil {
			return fmt.Errorf("reading what was proposed: %w", err)
		}
		i := slices.IndexFunc(rows, func(r store.Answer) bool { return r.ID == n.kept.ID })
		if i < 0 || rows[i].Refusal != store.RefusalOwed || !rows[i].Updated.Equal(n.kept.Updated) {
			return errChanged
		}
		rows[i].Refusal = store.RefusalTold
		if err := tx.NoteAnswer(&rows[i]); err != nil {
			return fmt.Errorf("recording what was told: %w", err)
		}
	}
	for _, m := range n.missed {
		d, err := found(tx.Delivery(eventID, m.Address, false))
		if err != nil {
			return fmt.Errorf("reading what was told: %w", err)
		}
		if d == nil || d.Status != m.Status || d.Reported != m.Reported {
			return errChanged
		}
		d.Reported = d.Status
		if err := tx.PutDelivery(d); err != nil {
			return fmt.Errorf("recording what was told: %w", err)
		}
	}
	return nil
}
