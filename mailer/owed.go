package mailer

import (
	"context"
	"slices"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
	"joinery/store/outbox"
)

// An owed is what one address is owed now, or, where nothing is sent, what is to be remembered.
type owed struct {
	Address  string
	Reply    bool
	Delivery *store.Delivery // what it was last sent; nil: nothing yet
	View     []byte          // the delivery's view afterwards
	Sequence int

	Message *itip.Message // REQUEST or CANCEL
	Answers []itip.Answer // REPLY
	Note    *notice
	// Token is of the answer page that a REQUEST leads to. It is made with the first mail.
	Token string
	// Unforce: the delivery need not be told once more from now on, see store.Delivery's Forced.
	Unforce bool
}

// silent tells whether nothing is sent.
func (o *owed) silent() bool { return o.Message == nil && len(o.Answers) == 0 && o.Note == nil }

// A look is everything that decides what is owed. It is a value: the decision is pure.
type look struct {
	present    *change.Present
	deliveries []store.Delivery
	messages   []store.Message
	answers    []store.Answer // what attendees said to the organiser
	policy     change.Policy
	now        time.Time
	limit      int // bytes of views held; 0: maxLook

	out  []owed
	next time.Time

	// What was found out on the way, each once.
	views    *itip.Views
	last     map[person]*store.Delivery
	underway map[person]bool
	known    map[itip.Fingerprint]*itip.Known
	steps    map[[2]*itip.Known]*step
	cached   int // bytes of the views in known
	owing    int // bytes of the views in out
}

// maxLook is how many bytes of views a look holds, more or less, once for what it found out and once
// for what is owed. Where everybody is invited to other instances, everybody has a view of their own.
const maxLook = 16 << 20

// A person is an address, and whether it is told as the organiser of the owner's copy.
type person struct {
	address string
	reply   bool
}

// A step is what brings everybody from one view to another. message is nil where nothing does, or
// where it is not to be told.
type step struct {
	message *itip.Message
	view    []byte // afterwards, as a delivery keeps it
	past    bool   // only instances that are over
	again   bool   // nothing new: it is sent once more
	err     error
	counted bool // in look.owing
}

// decide returns what is owed now and when to look again (zero: when something changes). The error
// is the last of what could not be decided, or ctx's; the rest stands.
func (k *look) decide(ctx context.Context) ([]owed, time.Time, error) {
	p := k.present
	k.index()
	var err error
	switch {
	case p.Row == nil || p.Row.Imported:
	case p.Row.Role == store.RoleAttendee:
		k.attendee()
	default:
		err = k.organizer(ctx)
	}
	return k.out, k.next, err
}

// wait notes that something is owed d after since and tells whether that is still to come.
func (k *look) wait(since time.Time, d time.Duration) bool {
	t := outbox.After(since, d, k.now)
	if !t.After(k.now) {
		return false
	}
	if k.next.IsZero() || t.Before(k.next) {
		k.next = t
	}
	return true
}

// index prepares what is asked for every person.
func (k *look) index() {
	if k.limit == 0 {
		k.limit = maxLook
	}
	k.last, k.underway = map[person]*store.Delivery{}, map[person]bool{}
	k.known, k.steps = map[itip.Fingerprint]*itip.Known{}, map[[2]*itip.Known]*step{}
	for i := range k.deliveries {
		d := &k.deliveries[i]
		k.last[person{d.Address, d.Reply}] = d
	}
	for _, m := range k.messages {
		if m.State == store.MessageStored || m.State == store.MessageTrying {
			k.underway[person{m.Address, m.Reply}] = true
		}
	}
}

// delivery returns what address was last sent, nil for nothing.
func (k *look) delivery(address string, reply bool) *store.Delivery {
	return k.last[person{address, reply}]
}

// busy tells whether an earlier message to address may not have been taken by the relay yet: messages
// to one person keep their order.
func (k *look) busy(address string, reply bool) bool { return k.underway[person{address, reply}] }

// organizer decides for an event that the owner organises, or organised. While it is somebody else's
// by its ORGANIZER, whatever its row says, nobody is told anything in that person's name.
func (k *look) organizer(ctx context.Context) error {
	p := k.present
	if !p.Gone && p.Event != nil && p.Row.Role == store.RoleOrganizer && isForeign(p.Event, p.User) {
		return nil
	}
	var recipients []string
	if !p.Gone && p.Event != nil && p.Row.Role == store.RoleOrganizer {
		recipients = itip.Recipients(p.Event, p.User.Addresses, func(a ical.Attendee) bool { return isOwnRoom(k.policy, a) })
		k.views = itip.NewViews(p.Event)
	}
	invited := map[string]bool{}
	for _, address := range recipients {
		invited[address] = true
	}
	for _, d := range k.deliveries {
		if !d.Reply && len(d.View) > 0 && !isProblem(d.View) && !invited[d.Address] {
			recipients = append(recipients, d.Address)
		}
	}
	event := 0
	if p.Event != nil {
		event = itip.SequenceOf(p.Event)
	}
	var last error
	for _, address := range recipients {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := k.person(address, invited[address], event); err != nil {
			last = err
		}
		if k.owing > k.limit {
			k.next = k.now // the next look finds the rest
			return nil
		}
		k.forget()
	}
	k.problem()
	k.notices(invited)
	return last
}

// forget drops what was found out, where it is much.
func (k *look) forget() {
	if k.cached <= k.limit && (k.views == nil || k.views.Size() <= k.limit) {
		return
	}
	if k.views != nil {
		k.views.Forget()
	}
	clear(k.known)
	clear(k.steps)
	k.cached = 0
}

// owe notes that o is owed, by s.
func (k *look) owe(o owed, s *step) {
	if !s.counted {
		s.counted = true
		k.owing += len(s.message.Object) + len(s.message.View)
	}
	k.out = append(k.out, o)
}

// isForeign tells whether ev has an ORGANIZER that is not u.
func isForeign(ev *ical.Event, u *store.User) bool {
	organizer := ev.Organizer()
	return organizer != nil && !slices.ContainsFunc(u.Addresses, func(own string) bool { return strings.EqualFold(own, organizer.Address) })
}

// person decides what address is owed. event is the highest SEQUENCE of the event.
func (k *look) person(address string, invited bool, event int) error {
	p := k.present
	if k.busy(address, false) {
		return nil
	}
	d := k.delivery(address, false)
	var old []byte
	var now *itip.Known
	if d != nil && !isProblem(d.View) {
		old = d.View
	}
	switch {
	case invited:
		now = k.views.Of(address)
	case k.views != nil:
		now = k.views.Off()
	}
	found, err := k.step(old, now)
	if err != nil {
		return err
	}
	o := owed{Address: address, Delivery: d, Unforce: d != nil && d.Forced}
	if o.Unforce {
		if found, o.Unforce, err = k.forced(found, now, invited); err != nil {
			return err
		}
	}
	last, told := 0, d != nil && d.MessageID != ""
	if d != nil {
		last = d.Sequence
	}
	m := found.message
	if m == nil {
		if o.Unforce {
			o.View, o.Sequence = d.View, last
			k.out = append(k.out, o)
		}
		return nil
	}
	o.View, o.Message = found.view, m
	if d != nil && (found.past || m.Quiet) {
		// Nobody is told of instances that are over, or who else is invited; what was told of the rest stands.
		o.Message, o.Sequence = nil, last
		k.owe(o, found)
		return nil
	}
	switch {
	case m.Method == itip.MethodCancel && p.Gone:
		if k.wait(p.GoneSince, k.policy.Settle) {
			return nil
		}
	case m.First, found.again:
	case k.wait(p.Row.Saved, k.policy.MailSettle):
		return nil
	}
	if m.Method == itip.MethodRequest && p.Link == change.LinkPending && k.wait(p.Since, k.policy.MailWait) {
		return nil
	}
	o.Sequence = itip.Sequence(m, event, p.Row.Sequence, last, told)
	if k.unmailed(address) || d != nil && !told && (namesRoom(p.Event, address) || namesRoom(known(old), address)) {
		// Their calendars tell them. What they know is remembered, so that nothing old is mailed later.
		o.Message, o.Sequence = nil, max(event, last)
	}
	k.owe(o, found)
	return nil
}

// unmailed tells whether address is a local user who is not mailed invitations: a room, which answers
// by itself, or everybody where the administrator has it so.
func (k *look) unmailed(address string) bool {
	return k.isRoom(address) || k.present.Locals[address] != nil && !k.policy.MailLocals
}

// isRoom tells whether address is a local room or resource.
func (k *look) isRoom(address string) bool {
	u := k.present.Locals[address]
	return u != nil && u.Kind != store.UserIndividual
}

// known is the event that a kept view shows, nil where it cannot be read.
func known(kept []byte) *ical.Event {
	view, err := unpack(kept)
	if err != nil || len(view) == 0 {
		return nil
	}
	ev, err := itip.NewKnown(view).Event()
	if err != nil {
		return nil
	}
	return ev
}

// namesRoom tells whether ev calls address a room or a resource. One that was never mailed is, or was, one of ours.
func namesRoom(ev *ical.Event, address string) bool {
	if ev == nil {
		return false
	}
	for _, v := range ev.All() {
		for _, a := range v.Attendees {
			if a.Address == address && (a.CUType == "ROOM" || a.CUType == "RESOURCE") {
				return true
			}
		}
	}
	return false
}

// forced is what is owed to somebody who is to be sent the event once more (SCHEDULE-FORCE-SEND, RFC
// 6638 §7.2; REFRESH, RFC 5546 §3.2.6), in place of found: all of it, whatever is new. over tells that
// this is done with then. What is taken away is said first, by itself.
func (k *look) forced(found *step, now *itip.Known, invited bool) (_ *step, over bool, err error) {
	m := found.message
	switch {
	case !invited, now == nil, k.present.Ended, m != nil && m.First:
		return found, true, nil
	case m != nil && m.Method == itip.MethodCancel:
		return found, false, nil
	}
	whole, err := k.step(nil, now)
	if err != nil || whole.message == nil {
		return found, true, err
	}
	again := *whole.message
	again.First = false
	if m != nil && !found.past && !m.Quiet {
		again.Changes, again.Rescheduled = m.Changes, m.Rescheduled
	}
	return &step{message: &again, view: whole.view, again: len(again.Changes) == 0}, true, nil
}

// step finds what brings somebody from kept, the view of a delivery, to now. It is worked out once
// for all who know the same and are to know the same.
func (k *look) step(kept []byte, now *itip.Known) (*step, error) {
	var old *itip.Known
	if len(kept) > 0 {
		print := fingerprintOf(kept)
		if now != nil && now.Fingerprint() == print {
			return &step{}, nil
		}
		if old = k.known[print]; old == nil {
			view, err := unpack(kept)
			if err != nil {
				return nil, err
			}
			old = itip.NewKnown(view)
			k.known[print] = old
			k.cached += len(view)
		}
	}
	pair := [2]*itip.Known{old, now}
	s := k.steps[pair]
	if s == nil {
		s = &step{}
		k.steps[pair] = s
		if s.message, s.err = itip.Compare(old, now); s.message != nil {
			s.view, s.err = pack(s.message.View)
			s.past = s.message.Past(k.now, k.present.Zone)
			if k.present.Ended && old.Ended(k.now, k.present.Zone) {
				s.message = nil
			}
		}
	}
	return s, s.err
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
