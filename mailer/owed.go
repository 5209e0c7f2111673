package mailer

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// maxBatch is how many messages one look at an event composes at most, so that a large event does
// not hold the one writer for long; the next look follows at once.
const maxBatch = 50

// methodNote is a Message's method of a notice to the organiser.
const methodNote = "NOTE"

// problemView begins the view of the delivery that remembers which problem the organiser was told.
const problemView = "problem:"

// An owed is what one address is owed now, or, where nothing is sent, what is to be remembered.
type owed struct {
	Address  string
	Reply    bool
	Delivery *store.Delivery // what it was last sent; nil: nothing yet
	View     []byte          // the delivery's view afterwards
	Sequence int

	Message *itip.Message // REQUEST or CANCEL
	Answers []itip.Answer // REPLY
	Note    bool          // the problem in View
	Problem string
}

// silent tells whether nothing is sent.
func (o *owed) silent() bool { return o.Message == nil && len(o.Answers) == 0 && !o.Note }

// A look is everything that decides what is owed. It is a value: the decision is pure.
type look struct {
	present    *change.Present
	deliveries []store.Delivery
	messages   []store.Message
	policy     change.Policy
	now        time.Time

	out  []owed
	next time.Time
}

// decide returns what is owed now and when to look again (zero: when something changes). The error
// is the last of what could not be decided; the rest stands.
func (k *look) decide() ([]owed, time.Time, error) {
	p := k.present
	var err error
	switch {
	case p.Row == nil || p.Row.Imported:
	case p.Row.Role == store.RoleAttendee:
		k.attendee()
	default:
		err = k.organizer()
	}
	return k.out, k.next, err
}

// wait notes that something is owed at t and tells whether that is still to come.
func (k *look) wait(t time.Time) bool {
	if !t.After(k.now) {
		return false
	}
	if k.next.IsZero() || t.Before(k.next) {
		k.next = t
	}
	return true
}

// delivery returns what address was last sent, nil for nothing.
func (k *look) delivery(address string, reply bool) *store.Delivery {
	for i := range k.deliveries {
		if d := &k.deliveries[i]; d.Address == address && d.Reply == reply {
			return d
		}
	}
	return nil
}

// busy tells whether an earlier message to address may not have been taken by the relay yet: messages
// to one person keep their order.
func (k *look) busy(address string, reply bool) bool {
	return slices.ContainsFunc(k.messages, func(m store.Message) bool {
		return m.Address == address && m.Reply == reply && (m.State == store.MessageStored || m.State == store.MessageTrying)
	})
}

// organizer decides for an event that the owner organises, or organised.
func (k *look) organizer() error {
	p := k.present
	var recipients []string
	if !p.Gone && p.Event != nil && p.Row.Role == store.RoleOrganizer {
		recipients = itip.Recipients(p.Event, p.User.Addresses, func(a ical.Attendee) bool { return isOwnRoom(k.policy, a) })
	}
	invited := len(recipients)
	for _, d := range k.deliveries {
		if !d.Reply && len(d.View) > 0 && !isProblem(d.View) && !slices.Contains(recipients, d.Address) {
			recipients = append(recipients, d.Address)
		}
	}
	var last error
	for i, address := range recipients {
		if len(k.out) == maxBatch {
			k.next = k.now
			break
		}
		if err := k.person(address, i < invited); err != nil {
			last = err
		}
	}
	k.problem()
	return last
}

// person decides what address is owed.
func (k *look) person(address string, invited bool) error {
	p := k.present
	if k.busy(address, false) {
		return nil
	}
	d := k.delivery(address, false)
	var old, now []byte
	if d != nil && !isProblem(d.View) {
		old = d.View
	}
	if invited {
		now = itip.View(p.Event, address)
	}
	m, err := itip.Diff(old, now)
	if err != nil || m == nil {
		return err
	}
	if p.Ended && itip.Ended(old, k.now, p.Zone) {
		return nil
	}
	if d != nil && m.Past(k.now, p.Zone) {
		// Nobody is told of instances that are over; what was told of the others stands.
		k.out = append(k.out, owed{Address: address, Delivery: d, View: m.View, Sequence: d.Sequence})
		return nil
	}
	switch {
	case m.Method == itip.MethodCancel && p.Gone:
		if k.wait(p.GoneSince.Add(k.policy.Settle)) {
			return nil
		}
	case m.First:
	case k.wait(p.Row.Saved.Add(k.policy.MailSettle)):
		return nil
	}
	if m.Method == itip.MethodRequest && p.Link == change.LinkPending && k.wait(p.Since.Add(k.policy.MailWait)) {
		return nil
	}
	event, last, told := 0, 0, d != nil && d.MessageID != ""
	if p.Event != nil {
		event = itip.SequenceOf(p.Event)
	}
	if d != nil {
		last = d.Sequence
	}
	k.out = append(k.out, owed{
		Address: address, Delivery: d, View: m.View, Message: m,
		Sequence: itip.Sequence(m, event, p.Row.Sequence, last, told),
	})
	return nil
}

// problem decides whether the organiser is to be told that there is no conference: once for each
// reason, until there is one.
func (k *look) problem() {
	p := k.present
	if p.User == nil || len(p.User.Addresses) == 0 || p.Event == nil || len(p.Event.All()) == 0 {
		return
	}
	address := p.User.Addresses[0]
	d := k.delivery(address, false)
	known := ""
	if d != nil && isProblem(d.View) {
		known = string(d.View)
	}
	switch {
	case p.Link == change.LinkReady && known != "":
		k.out = append(k.out, owed{Address: address, Delivery: d, Sequence: d.Sequence})
	case p.Link != change.LinkRefused || p.Gone || p.Ended || known == problemView+p.Problem || k.busy(address, false):
	default:
		o := owed{Address: address, Delivery: d, View: []byte(problemView + p.Problem), Note: true, Problem: p.Problem}
		if d != nil {
			o.Sequence = d.Sequence
		}
		k.out = append(k.out, o)
	}
}

func isProblem(view []byte) bool { return bytes.HasPrefix(view, []byte(problemView)) }

// attendee decides what the organiser of somebody else's event is owed by the owner.
func (k *look) attendee() {
	p := k.present
	if p.User == nil || p.User.Removed || p.Event == nil || !itip.Replies(p.Event) {
		return
	}
	organizer := p.Event.Organizer()
	address := organizer.Address
	if !itip.Mailable(address) || slices.Contains(p.User.Addresses, address) || p.Ended || k.busy(address, true) {
		return
	}
	d := k.delivery(address, true)
	var old []byte
	sequence := 0
	if d != nil {
		old, sequence = d.View, d.Sequence
	}
	now := itip.ReplyView(p.Event, p.User.Addresses, old, sequence)
	if now == nil || bytes.Equal(old, now) && p.Row.Deleted.IsZero() {
		return
	}
	o := owed{Address: address, Reply: true, Delivery: d, View: now, Sequence: itip.SequenceOf(p.Event)}
	if !p.Row.Deleted.IsZero() {
		if p.Row.Silent || p.Event.Master != nil && p.Event.Master.Cancelled() {
			return
		}
		// What was told counts: an answer of the last moment may not have been.
		_, o.View = itip.Declined(now)
		o.Answers = itip.DiffReply(old, o.View)
		if len(o.Answers) == 0 || k.wait(p.GoneSince.Add(k.policy.Settle)) {
			return
		}
		k.out = append(k.out, o)
		return
	}
	o.Answers = itip.DiffReply(old, now)
	k.out = append(k.out, o) // without answers: remembered, so that the next one counts as new
}

// isOwnRoom tells a resource of ours: a provider's address, or a room or resource at our domain.
func isOwnRoom(policy change.Policy, a ical.Attendee) bool {
	local, domain, ok := strings.Cut(a.Address, "@")
	if !ok || policy.ServiceDomain == "" || !strings.EqualFold(domain, policy.ServiceDomain) {
		return false
	}
	if a.CUType == "ROOM" || a.CUType == "RESOURCE" {
		return true
	}
	return slices.ContainsFunc(policy.Providers, func(p change.ProviderWords) bool {
		return p.Resource != "" && strings.EqualFold(p.Resource, local)
	})
}
