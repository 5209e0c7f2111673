package main

import (
	"testing"
	"time"

	"joinery/conference/emulator"
)

// TestRowsSeriesRefused plays series that may have no conference, or whose provider does not give one.
func TestRowsSeriesRefused(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("a policy that leaves the organiser out", func(w *world) {
		sent := withOverride(seriesOf("a", invitation("LOCATION:Webinar")...), 1, "LOCATION:Beta")
		w.wantWithin(promptly, func() { w.anna.put(aPath, sent) })
		w.idle()
		got := w.anna.get(aPath).body
		for _, n := range []int{whole, 1} {
			same(w, "state", value(part(got, n), "X-JOINERY-STATE"), "failed")
			w.contains(first(part(got, n), "X-JOINERY-STATE"), "X-REASON=policy")
			w.contains(value(part(got, n), "DESCRIPTION"), "это не предусмотрено правилами организации")
			w.lacks(part(got, n), joinBase)
		}
		w.untouchedAccounts()
		w.contains(w.wantMail(anna, "NOTE").text, "не предусмотрено правилами организации")
		w.wantMail(boris, "REQUEST")
		w.at(nth(0).Add(2 * time.Hour))
		w.untouchedAccounts()
		w.wantMail(anna, "NOTE")
	}, func(c *config) { c.Policy.Who = []string{boris} })
	rows.play("the day's number is used up", func(w *world) {
		w.booked("LOCATION:Webinar")
		bPath := annaCalendar + "b.ics"
		got := w.anna.save(bPath, seriesOf("b", "LOCATION:Webinar"))
		w.contains(value(got, "DESCRIPTION"), "ваш лимит конференций на сегодня исчерпан")
		w.only()
		w.later(24 * time.Hour)
		w.app.outbox.Look()
		w.eventually(func() error {
			if len(w.mts.State().Conferences) != 2 {
				return errNotYet
			}
			return nil
		})
		w.idle()
		got = w.anna.get(bPath).body
		w.wantJoin(got, value(got, "URL"))
		w.lacks(value(got, "DESCRIPTION"), "исчерпан")
	}, func(c *config) { c.Policy.PerDay = 1 })
	rows.play("the day's number counts series, not their occurrences", func(w *world) {
		text, c, _ := w.bookedSeries("LOCATION:Webinar")
		// Another link, another kind, a removal for one occurrence, a rotation of all: it is the same meeting.
		got := w.anna.save(aPath, withOverride(text, 1, "LOCATION:Beta"))
		w.wantLink(part(got, 1), value(part(got, 1), "URL"))
		got = w.anna.save(aPath, w.bared(withOverride(got, 2), 2, "LOCATION"))
		w.wantBare(part(got, 2))
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		w.onlyAt(nth(1)) // an advance is none either
		w.wantMail(anna)
	}, func(c *config) { c.Policy.PerDay = 1 })
	rows.play("the provider refuses, and is mended", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, withOverride(seriesOf("a", invitation("LOCATION:Webinar", "DESCRIPTION:Agenda")...), 1, "SUMMARY:Second"))
		got := w.stateIs(whole, "failed")
		for _, n := range []int{whole, 1} {
			w.contains(value(part(got, n), "DESCRIPTION"), "Agenda", "сервис не принимает ключ организации")
			w.lacks(part(got, n), joinBase)
		}
		w.untilMail(anna, 1)
		w.untilMail(boris, 1)
		w.mts.SetPlanLapsed(false)
		w.stateIs(whole, "ready")
		w.idle()
		got = w.anna.get(aPath).body
		w.wantJoin(got, value(got, "URL"))
		for _, n := range []int{whole, 1} {
			w.lacks(value(part(got, n), "DESCRIPTION"), "сервис")
		}
		w.onlyAt(nth(0))
		w.wantMail(anna, "NOTE")
		w.wantMail(boris, "REQUEST", "REQUEST")
	})
	rows.play("a rotation is refused for now", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDenied})
		w.anna.put(aPath, w.changed(text, whole, "LOCATION:Webinar"))
		w.stateIs(whole, "failed")
		same(w, "the conference while there is no other", w.only().ID, c.ID)
		w.mts.Clear()
		got := w.stateIs(whole, "ready")
		w.idle()
		if now := w.onlyAt(nth(0)); now.ID == c.ID || value(got, "URL") == link {
			w.Error("nothing was rotated")
		}
	})
	rows.play("an advance is refused for now", func(w *world) {
		text, c, link := w.bookedSeries("LOCATION:Webinar")
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDenied})
		w.later(time.Hour)
		w.app.outbox.Look()
		w.untilMail(anna, 1)
		got := w.anna.get(aPath).body
		w.wantJoin(with(got, "X-JOINERY-STATE:ready"), link) // the link stays: it will lead somewhere again
		w.mts.Clear()
		w.stateIs(whole, "ready")
		w.idle()
		w.onlyAt(nth(1))
		same(w, "the event", w.anna.get(aPath).body, text)
		w.wantMail(boris, "REQUEST")
	})
}
