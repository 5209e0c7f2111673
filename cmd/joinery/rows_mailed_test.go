package main

import (
	"testing"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// answeredByMail makes boris's copy at path what it was when answers of local people went by mail: text, as he
// saved it, with the REPLY sent and the organiser's event as it was.
func (w *world) answeredByMail(path, text string) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		u, err := tx.UserByLogin(boris)
		if err != nil {
			return err
		}
		ev, err := tx.EventByUID(u.ID, "a")
		if err != nil {
			return err
		}
		o, err := tx.ObjectByID(ev.ObjectID)
		if err != nil {
			return err
		}
		object, err := ical.Parse([]byte(text), ical.Limits{Size: len(text)})
		if err != nil {
			return err
		}
		before := string(o.Data)
		o.Data = []byte(text)
		if err := tx.PutObject(o); err != nil {
			return err
		}
		known, err := ical.Parse([]byte(before), ical.Limits{Size: len(before)})
		if err != nil {
			return err
		}
		was, err := ical.ParseEvent(known)
		if err != nil {
			return err
		}
		is, err := ical.ParseEvent(object)
		if err != nil {
			return err
		}
		view := itip.ReplyView(is, u.Addresses, itip.ReplyView(was, u.Addresses, nil, 0), itip.SequenceOf(is))
		d, err := tx.Delivery(ev.ID, anna, true)
		if err != nil {
			d = &store.Delivery{EventID: ev.ID, Address: anna, Reply: true}
		}
		d.Sequence, d.MessageID, d.Status, d.At, d.View = itip.SequenceOf(is), "of-before@conference.example.org", "1.1", tx.Now(), view
		return tx.PutDelivery(d)
	})
}

// TestRowsMailedBefore plays what was answered while the answers of local people went by mail, and stands in
// their copies only: databases of before have that.
func TestRowsMailedBefore(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	alarm := func(w *world) {
		w.anna.save(aPath, plus(w.anna.get(aPath).body, "X-ANNAS-OWN:1"))
	}
	rows.play("an answer that the organiser's client did not take up stands in both afterwards", func(w *world) {
		w.anna.save(aPath, event("a", invitation()...))
		w.answeredByMail(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		alarm(w)
		w.wantSaid(w.boris.get(borisCopy).body, boris, "ACCEPTED")
		w.wantSaid(w.anna.get(aPath).body, boris, "ACCEPTED")
		w.wantMail(boris, "REQUEST")
		w.wantMail(vera, "REQUEST")
		w.wantMail(anna)
		// It is taken once: what is answered later counts.
		w.boris.put(borisCopy, says(w.boris.get(borisCopy).body, boris, "DECLINED"))
		w.idle()
		alarm(w)
		w.wantSaid(w.boris.get(borisCopy).body, boris, "DECLINED")
		w.wantSaid(w.anna.get(aPath).body, boris, "DECLINED")
	})
	rows.play("an answer is taken up in the same look in which a room answers", func(w *world) {
		const room = "blue-room@conference.example.org"
		w.addRoom(room, "Blue room")
		w.anna.save(aPath, event("a", invitation()...))
		w.answeredByMail(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		text := w.anna.save(aPath, plus(w.anna.get(aPath).body, "ATTENDEE;CUTYPE=ROOM;PARTSTAT=NEEDS-ACTION:mailto:"+room))
		w.wantSaid(text, room, "ACCEPTED")
		w.wantSaid(text, boris, "ACCEPTED")
		w.wantSaid(w.boris.get(borisCopy).body, boris, "ACCEPTED")
	})
	rows.play("what the organiser's event says of the answer stays", func(w *world) {
		text := w.anna.save(aPath, event("a", invitation()...))
		w.answeredByMail(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		w.anna.save(aPath, says(text, boris, "TENTATIVE"))
		w.wantSaid(w.anna.get(aPath).body, boris, "TENTATIVE")
		w.wantSaid(w.boris.get(borisCopy).body, boris, "TENTATIVE")
	})
	rows.play("an answer to another time does not count", func(w *world) {
		text := w.anna.save(aPath, event("a", invitation()...))
		w.answeredByMail(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		start := tomorrow().Add(3 * time.Hour)
		w.anna.save(aPath, with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
		w.wantSaid(w.anna.get(aPath).body, boris, "NEEDS-ACTION")
		w.wantSaid(w.boris.get(borisCopy).body, boris, "NEEDS-ACTION")
	})
	rows.play("an occurrence that was declined stays out", func(w *world) {
		w.anna.save(aPath, event("a", invitation("RRULE:FREQ=DAILY;COUNT=5")...))
		out := tomorrow().AddDate(0, 0, 2).Format(utcStamp)
		w.answeredByMail(borisCopy, plus(says(w.boris.get(borisCopy).body, boris, "ACCEPTED"), "EXDATE:"+out))
		alarm(w)
		got := w.anna.get(aPath).body
		w.wantSaid(got, boris, "ACCEPTED")
		w.contains(got, "RECURRENCE-ID:"+out, "PARTSTAT=DECLINED")
		w.contains(w.boris.get(borisCopy).body, "EXDATE:"+out)
	})
}
