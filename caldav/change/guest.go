package change

import (
	"fmt"
	"slices"
	"strings"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// A guest is an attendee's save of the copy of an event whose organiser is served here.
type guest struct {
	manager *store.Event // the organiser's
	present *Present     // of it
	view    *ical.Event  // of it, as this attendee is to see it
}

// asGuest holds a save to what an attendee may change (RFC 6638 §3.2.2.1) and puts everything else back;
// nil where it is no such save.
func (c *Changer) asGuest(tx *store.Tx, s *situation) (*guest, error) {
	if roleOf(s.incoming, s.user) != store.RoleAttendee {
		return nil, nil
	}
	m, err := c.manager(tx, s.incoming, s.user)
	if err != nil || m == nil {
		return nil, err
	}
	g := &guest{manager: m}
	if g.present, err = c.present(tx, m.ID); err != nil {
		return nil, err
	}
	if g.present.Gone || g.present.Event == nil {
		// A client with the text of before would have the copy of what is called off stand as if it were on.
		return nil, c.opts.Outbox.Touch(tx, WorkDeliver, m.ID, tx.Now())
	}
	address := ownAddress(g.present.Event, s.user)
	if g.view, err = itip.NewViews(g.present.Event).Of(address).Event(); err != nil {
		return nil, fmt.Errorf("read what the attendee is to see: %w", err)
	}
	if g.view == nil {
		if s.event.ID == 0 {
			if s.event.Uninvited, err = c.neverInvited(tx, m, s.user); err != nil {
				return nil, err
			}
		}
		// Not invited any more: what a client stores of it is no longer on.
		return nil, c.opts.Outbox.Touch(tx, WorkDeliver, m.ID, tx.Now())
	}
	s.event.Uninvited = false
	held := g.view
	if s.current != nil && !differs(s.current.Organizer(), s.incoming.Organizer()) {
		// What the organiser saved may not have been delivered yet.
		takenOut, err := g.present.takenOut(tx, address)
		if err != nil {
			return nil, err
		}
		data, significant := itip.Copy(g.view, s.current, s.user.Addresses, takenOut)
		if held = parseStored(data); held == nil {
			return nil, fmt.Errorf("bring the copy of %s in line: it cannot be read", g.view.UID)
		}
		if significant {
			sequence := max(itip.SequenceOf(g.view), g.present.Row.Sequence)
			if err := c.announce(tx, s.user, itip.MethodRequest, address, g.view, sequence); err != nil {
				return nil, err
			}
		}
	}
	data, stale, forbidden := itip.Saved(held, s.base, s.incoming, s.user.Addresses)
	if forbidden != "" {
		return nil, refuse("allowed-attendee-scheduling-object-change",
			"only the organizer can change the "+forbidden+" of this event; propose another one in your answer")
	}
	if e := parseStored(data); e != nil {
		s.incoming = e
	}
	s.stale = stale
	for _, v := range g.view.Overrides {
		if counterpart(s.incoming, v) == nil {
			// What others answered to one occurrence, say, and a client of before did not know.
			return g, c.opts.Outbox.Touch(tx, WorkDeliver, m.ID, tx.Now())
		}
	}
	return g, nil
}

// neverInvited tells whether u was never invited to ev, as far as is known: a member of a list that is.
func (c *Changer) neverInvited(tx *store.Tx, ev *store.Event, u *store.User) (bool, error) {
	for _, address := range u.Addresses {
		if known, err := c.knows(tx, ev, address); err != nil || known {
			return false, err
		}
	}
	return true, nil
}

func differs(a, b *ical.Attendee) bool { return a == nil || b == nil || a.Address != b.Address }

// mostSaid is how many occurrences one save answers; what is left is taken with the next one.
const mostSaid = 1000

// answer carries what the attendee answers in data, the copy that is about to be stored, into the
// organiser's event, and returns the copy with what came of it.
func (g *guest) answer(c *Changer, tx *store.Tx, s *situation, by Caller, data []byte) ([]byte, error) {
	e := parseStored(data)
	if e == nil {
		return data, nil
	}
	told := itip.ReplyView(g.view, s.user.Addresses, nil, 0)
	says := itip.DiffReply(told, itip.ReplyView(e, s.user.Addresses, told, itip.SequenceOf(e)))
	comment := ""
	before := saidIn(s.before(), s.user)
	for _, text := range saidIn(e, s.user) {
		if comment == "" && !slices.Contains(before, text) {
			comment = text
		}
	}
	edit := e.Object.Edit()
	done := false
	says = slices.DeleteFunc(says, func(a itip.Answer) bool {
		// It was out before, and only the organiser has it back since.
		return a.PartStat == "DECLINED" && s.current != nil && componentOf(s.current, a.Occurrence) == nil
	})
	says = says[:min(len(says), mostSaid)]
	var parts []itip.Part
	var mine []*ical.Attendee
	for _, a := range says {
		part := itip.Part{Occurrence: a.Occurrence, PartStat: a.PartStat}
		var me *ical.Attendee
		if v := componentOf(e, a.Occurrence); v != nil {
			if me = attendeeOf(v, ownAddress(e, s.user)); me != nil && a.PartStat == "DELEGATED" {
				part.DelegatedTo = delegates(v, me)
			}
		}
		parts, mine = append(parts, part), append(mine, me)
	}
	if len(parts) > 0 {
		_, outcomes, err := c.answerEach(tx, Answer{
			EventID: g.manager.ID, Address: ownAddress(g.view, s.user), Parts: parts, Sequence: -1, Comment: comment,
			Source: FromCalendar, By: by,
		})
		if err != nil {
			return nil, fmt.Errorf("answer the organizer: %w", err)
		}
		for i, outcome := range outcomes {
			if outcome == OutcomeWaiting && mine[i] != nil {
				edit.SetParam(mine[i].Line, "PARTSTAT", "TENTATIVE")
			}
			done = done || outcome == OutcomeApplied || outcome == OutcomeSame || outcome == OutcomeWaiting
		}
	}
	if done {
		for _, v := range e.All() {
			if v.Organizer != nil && v.Organizer.Line.Param("SCHEDULE-STATUS") != answered {
				edit.SetParam(v.Organizer.Line, "SCHEDULE-STATUS", answered)
			}
		}
		if err := c.tellOrganizer(tx, g.present.User, e, s.user, says); err != nil {
			return nil, err
		}
	}
	return edit.Bytes(), nil
}

// tellOrganizer puts the REPLY into the organiser's inbox (RFC 6638 §3.2.3).
func (c *Changer) tellOrganizer(tx *store.Tx, organizer *store.User, e *ical.Event, u *store.User, says []itip.Answer) error {
	data, err := itip.Reply(e, u.Addresses, says, tx.Now())
	if err != nil {
		return err
	}
	return c.putMessage(tx, organizer, e.UID, data)
}

// saidIn are the comments that an attendee's copy carries for its organiser.
func saidIn(e *ical.Event, u *store.User) (comments []string) {
	if e == nil {
		return nil
	}
	for _, v := range e.All() {
		if attendeeOf(v, ownAddress(e, u)) == nil {
			continue
		}
		if text := strings.TrimSpace(v.Component.Text("COMMENT")); text != "" {
			comments = append(comments, truncate(text, 1000))
		}
	}
	return comments
}

// unseen is the copy that was delivered to the user and that no client has saved yet, where a client
// stores the same event as one does that accepts from the mail: under any name, also the one that we
// chose. ev is what the user has of the UID. nil where there is none.
func unseen(tx *store.Tx, r PutRequest, in *body, ev *store.Event) (*store.Object, error) {
	if ev == nil || r.copying != nil || !ev.Delivered || ev.ObjectID == 0 {
		return nil, nil
	}
	o, err := find(tx.ObjectByID(ev.ObjectID))
	if err != nil || o == nil || differentOrganizer(o.Data, in.event) {
		return nil, err
	}
	return o, nil
}

// adopt puts the copy that was delivered where the client stores it.
func adopt(tx *store.Tx, r PutRequest, o *store.Object) (*store.Object, error) {
	if err := tx.MoveObject(o.ID, r.Calendar.ID, r.Name); err != nil {
		return nil, fmt.Errorf("put the delivered copy where the client stores it: %w", err)
	}
	return tx.ObjectByID(o.ID)
}

// delegates are whom mine, an attendee of v, sends instead (RFC 5546 §3.2.2.3).
func delegates(v *ical.VEvent, mine *ical.Attendee) []itip.Delegate {
	var out []itip.Delegate
	for _, p := range mine.Line.Params {
		if p.Name != "DELEGATED-TO" {
			continue
		}
		for _, value := range p.Values {
			d := itip.Delegate{Address: ical.Address(value)}
			if a := attendeeOf(v, d.Address); a != nil {
				d.Name = a.Name
			}
			out = append(out, d)
		}
	}
	return out
}
