package mailer

import (
	"bytes"
	"slices"

	"joinery/caldav/itip"
)

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
	if now == nil {
		return
	}
	o := owed{Address: address, Reply: true, Delivery: d, View: now, Sequence: itip.SequenceOf(p.Event), Unforce: d != nil && d.Forced}
	// A SEQUENCE that the organiser has raised is remembered even where the answers stand: an instance
	// that is taken out from now on is the owner's doing.
	if bytes.Equal(old, now) && p.Row.Deleted.IsZero() && o.Sequence <= sequence && !o.Unforce {
		return
	}
	if p.Managed {
		// The answers stand in the organiser's event. They are remembered as told, so that none is mailed
		// when the organiser is served here no longer.
		if !p.Row.Deleted.IsZero() {
			_, o.View = itip.Declined(now)
		}
		if !bytes.Equal(old, o.View) || o.Sequence > sequence || o.Unforce {
			k.out = append(k.out, o)
		}
		return
	}
	if !p.Row.Deleted.IsZero() {
		if p.Row.Silent || p.Event.Master != nil && p.Event.Master.Cancelled() {
			return
		}
		// What was told counts: an answer of the last moment may not have been.
		_, o.View = itip.Declined(now)
		o.Answers, o.View = itip.FirstAnswers(p.Event, itip.DiffReply(old, o.View), old, o.View)
		if len(o.Answers) == 0 || k.wait(p.GoneSince, k.policy.Settle) {
			return
		}
		k.out = append(k.out, o)
		return
	}
	news := itip.DiffReply(old, now)
	if o.Unforce {
		news = itip.DiffReply(nil, now)
	}
	o.Answers, o.View = itip.FirstAnswers(p.Event, news, old, now)
	k.out = append(k.out, o) // without answers: remembered, so that the next one counts as new
}
