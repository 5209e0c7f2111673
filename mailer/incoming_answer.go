package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// refreshPause is how long after an event was sent again on request it is not sent again.
const refreshPause = 10 * time.Minute

// fastClock is how far ahead of ours an answer's clock may be.
const fastClock = time.Hour

// answerMethods are what an attendee may say (RFC 5546 §1.4).
var answerMethods = []string{itip.MethodReply, itip.MethodCounter, itip.MethodRefresh}

// An answerRead is a message of an attendee, or what could be read of one.
type answerRead struct {
	*itip.Incoming
	unreadable error // then only Method and UID are known
}

// answers are the messages in a mail whose From is from, who may be a local user with other addresses too: one
// of each method and UID, since clients add the same as a file.
func (i *Inbox) answers(ctx context.Context, m *mailRead, from string, person *store.User) []answerRead {
	parts := slices.Clone(m.calendars)
	slices.SortStableFunc(parts, func(a, b calendarPart) int {
		switch {
		case a.announce == b.announce:
			return 0
		case a.announce:
			return -1
		}
		return 1
	})
	var out, failed []answerRead
	for _, p := range parts {
		in, err := readAnswer(p, from, person)
		switch {
		case err == nil:
			if p.method != "" && p.method != in.Method {
				i.opts.Log.InfoContext(ctx, "a calendar in a mail says another method than the mail", "uid", cut(printable(in.UID), 100),
					"mail", cut(printable(p.method), 20), "calendar", in.Method)
			}
			if !slices.ContainsFunc(out, func(o answerRead) bool { return o.Method == in.Method && o.UID == in.UID }) {
				out = append(out, answerRead{Incoming: in})
			}
		case slices.Contains(answerMethods, p.said()):
			failed = append(failed, answerRead{&itip.Incoming{Method: p.said(), UID: firstValue(p.data, "UID")}, err})
		}
	}
	if len(out) == 0 && len(failed) > 0 {
		return failed[:1]
	}
	return out
}

// Why a calendar is no answer.
var (
	errLarge   = errors.New("it is larger than 1 MiB")
	errNothing = errors.New("it accepts and declines nothing") // PARTSTAT=NEEDS-ACTION is no answer
)

// readAnswer reads p. Where it has several attendees the one who speaks is from, or from's other address.
func readAnswer(p calendarPart, from string, person *store.User) (*itip.Incoming, error) {
	if p.large {
		return nil, errLarge
	}
	in, err := itip.ReadIncoming(p.data, from)
	if person != nil && !errors.Is(err, itip.ErrNoMessage) && (err != nil || !slices.Contains(person.Addresses, in.Address)) {
		for _, other := range person.Addresses {
			if again, otherErr := itip.ReadIncoming(p.data, other); otherErr == nil && again.Address == other {
				in, err = again, nil
				break
			}
		}
	}
	if err == nil && len(in.Parts) == 0 && in.Method != itip.MethodRefresh {
		return nil, errNothing
	}
	return in, err
}

// said is the method of what cannot be read: the property before the parameter.
func (p *calendarPart) said() string {
	if method := strings.ToUpper(firstValue(p.data, "METHOD")); method != "" {
		return method
	}
	return p.method
}

// firstValue is the value of the first line of that name, as far as it is short.
func firstValue(data []byte, name string) string {
	for line := range bytes.Lines(data) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if ok && len(line) <= 300 && strings.EqualFold(string(key), name) {
			return printable(string(value))
		}
	}
	return ""
}

// takeAnswer does what in says, if it is about an event here: nil if it is not.
func (i *Inbox) takeAnswer(ctx context.Context, m *mailRead, in answerRead, from string, person *store.User) (*store.Incoming, error) {
	row := &store.Incoming{UID: in.UID, Address: in.Address, Method: in.Method}
	if in.unreadable != nil {
		row.Address, row.Outcome, row.Detail = from, OutcomeUnreadable, in.unreadable.Error()
		if in.UID != "" {
			known := false
			err := i.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
				known, err = organized(tx, in.UID)
				return err
			})
			if err != nil || !known {
				return nil, err
			}
		}
		return row, i.keep(ctx, m, row)
	}
	var about *answered
	err := i.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		about, err = i.find(tx, in.Incoming, from, person)
		return err
	})
	if err != nil || about == nil {
		return nil, err
	}
	row.Address = about.addresses[0]
	if row.Outcome, row.Detail = i.refuse(ctx, m, about, from, person); row.Outcome == "" {
		if row.Address, row.Outcome, err = i.actForAny(ctx, m, in.Incoming, about, person); err != nil {
			return nil, err
		}
	}
	return row, i.keep(ctx, m, row)
}

// refuse says why an answer does not count, empty if it does, and for operators what speaks for or against it.
func (i *Inbox) refuse(ctx context.Context, m *mailRead, about *answered, from string, person *store.User) (outcome, why string) {
	switch {
	case from == "":
		return OutcomeMismatch, "its From is not one address"
	case !about.speaks:
		return OutcomeMismatch, "it is from " + from
	}
	trust, why := i.trust(ctx, m, from, person)
	switch {
	case trust == forged:
		return OutcomeForged, why
	case trust != vouched:
		return OutcomeUnvouched, why
	case about.event == nil:
		return string(change.OutcomeUninvited), why
	}
	return "", why
}

// answered is what an answer is about.
type answered struct {
	event     *store.Event // nil: none to which the address is invited
	addresses []string     // whose answer it is, and where that is a local user the user's other ones
	speaks    bool         // From may answer for them
	earlier   []store.Incoming
}

// find looks for what in is about; nil if nobody here has such an event.
func (i *Inbox) find(tx *store.Tx, in *itip.Incoming, from string, person *store.User) (*answered, error) {
	own := []string{from}
	if person != nil {
		own = append(own, person.Addresses...)
	}
	out := &answered{addresses: []string{in.Address}, speaks: from != "" && slices.Contains(own, in.Address)}
	if out.speaks {
		for _, address := range own {
			if !slices.Contains(out.addresses, address) {
				out.addresses = append(out.addresses, address)
			}
		}
	}
	organizer := in.Organizer
	if !itip.Mailable(organizer) {
		organizer = "" // outlook.com leaves it out, others write no address
	}
	for _, address := range out.addresses {
		event, err := found(i.opts.Answers.OrganizersEvent(tx, in.UID, organizer, address))
		if err != nil {
			return nil, fmt.Errorf("looking for the event: %w", err)
		}
		if event != nil {
			out.event = event
			break
		}
	}
	if out.event == nil {
		if known, err := organized(tx, in.UID); err != nil || !known {
			return nil, err
		}
	} else if !out.speaks && from != "" {
		var err error
		if out.speaks, err = sentBy(tx, out.event, in.Address, from); err != nil {
			return nil, err
		}
	}
	var err error
	out.earlier, err = tx.IncomingOf(in.UID, mostEarlier)
	return out, err
}

// organized tells whether somebody here organises an event of that UID.
func organized(tx *store.Tx, uid string) (bool, error) {
	events, err := tx.EventsByUID(uid)
	if err != nil {
		return false, fmt.Errorf("looking for the event: %w", err)
	}
	return slices.ContainsFunc(events, func(e store.Event) bool { return e.Role == store.RoleOrganizer }), nil
}

// sentBy tells whether the organiser's event names from as who acts for address (RFC 5545 §3.2.18). What the
// answer itself says of that proves nothing.
func sentBy(tx *store.Tx, event *store.Event, address, from string) (bool, error) {
	o, err := found(tx.ObjectByID(event.ObjectID))
	if err != nil {
		return false, fmt.Errorf("reading the event: %w", err)
	}
	if o == nil {
		return false, nil
	}
	object, err := ical.Parse(o.Data, ical.Limits{Size: len(o.Data)})
	if err != nil {
		return false, nil
	}
	e, err := ical.ParseEvent(object)
	if err != nil {
		return false, nil
	}
	for _, v := range e.All() {
		for _, a := range v.Attendees {
			if a.Address == address && a.SentBy == from {
				return true, nil
			}
		}
	}
	return false, nil
}

// trust says whether the mail is from whom it says.
func (i *Inbox) trust(ctx context.Context, m *mailRead, from string, person *store.User) (verdict, string) {
	v, why := i.judge(i.trustedResults(m.header), from, person)
	if v == vouched || v == forged {
		return v, why
	}
	if v == unvouched && i.opts.Unverified {
		return vouched, "not verified"
	}
	ok, hindrance := i.signed(ctx, m, from)
	switch {
	case ok:
		return vouched, hindrance
	case v == doubtful:
		return forged, why
	}
	return unvouched, hindrance
}

// actForAny is act for the first of the addresses that is invited.
func (i *Inbox) actForAny(ctx context.Context, m *mailRead, in *itip.Incoming, about *answered, person *store.User) (address, outcome string, err error) {
	for _, address := range about.addresses {
		outcome, err = i.act(ctx, m, in, about, address, person)
		if err != nil || outcome != string(change.OutcomeUninvited) {
			return address, outcome, err
		}
	}
	return about.addresses[0], outcome, nil
}

// act applies a message that is vouched for as address's and returns its outcome.
func (i *Inbox) act(ctx context.Context, m *mailRead, in *itip.Incoming, about *answered, address string, person *store.User) (string, error) {
	id := m.messageID()
	before := slices.DeleteFunc(slices.Clone(about.earlier), func(e store.Incoming) bool {
		return e.Address != address || e.Method != in.Method
	})
	done := slices.ContainsFunc(before, func(e store.Incoming) bool {
		return id != "" && e.MessageID == id && slices.Contains(doneOutcomes, e.Outcome)
	})
	if done {
		// What the organiser wrote since, or asked anew, stands: mail servers hand mail over twice, mailboxes are
		// read anew, and whoever has seen a signed mail can send it again.
		return string(change.OutcomeSame), nil
	}
	now := i.opts.Now()
	if in.Method == itip.MethodRefresh {
		lately := slices.ContainsFunc(before, func(e store.Incoming) bool {
			return e.Outcome == OutcomeRefreshed && now.Sub(e.At) < refreshPause
		})
		switch {
		case lately:
			return string(change.OutcomeSame), nil
		case m.automatic():
			return OutcomeAutomatic, nil // two programs would go on for ever
		}
		if err := i.opts.Answers.Refresh(ctx, about.event.ID, address); err != nil {
			return "", fmt.Errorf("sending the event again: %w", err)
		}
		return OutcomeRefreshed, nil
	}
	stamp := in.Stamp
	if stamp.After(now.Add(fastClock)) {
		stamp = now // a clock that is years ahead would outdo every later answer of this person
	}
	outcome, err := i.opts.Answers.Answer(ctx, change.Answer{
		EventID: about.event.ID, Address: address, Parts: in.Parts, Sequence: in.Sequence, Stamp: stamp,
		Comment: in.Comment, Source: change.FromMail, By: change.Caller{User: person, UserAgent: "mail"},
	})
	if err != nil {
		return "", fmt.Errorf("answering: %w", err)
	}
	return string(outcome), nil
}

// automatic tells that a program has sent the mail by itself (RFC 3834 §5, and what servers wrote before).
func (m *mailRead) automatic() bool {
	auto := strings.ToLower(firstWord(strings.ReplaceAll(m.header.get("auto-submitted"), ";", " ")))
	precedence := strings.ToLower(m.header.get("precedence"))
	return auto != "" && auto != "no" || slices.Contains([]string{"bulk", "junk", "list", "auto_reply"}, precedence) ||
		m.header.get("list-id") != "" || m.header.get("x-autoreply") != "" || m.header.get("x-autorespond") != ""
}
