package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// until waits until the event at anna's path is in a state.
func (w *world) until(state string) string {
	w.Helper()
	var text string
	w.eventually(func() error {
		text = w.anna.get(aPath).body
		if got := value(text, "X-JOINERY-STATE"); got != state {
			return fmt.Errorf("the event's state is %q, want %q", got, state)
		}
		return nil
	})
	return text
}

// untilMail waits for so many mails to an address.
func (w *world) untilMail(address string, n int) {
	w.Helper()
	w.eventually(func() error {
		if got := len(w.letters(address)); got < n {
			return fmt.Errorf("%s has %d mails, want %d", address, got, n)
		}
		return nil
	})
}

// TestRowsRefused plays providers that refuse (issue 2, "Bad input"): the save succeeds, the event
// says why in the organiser's language, and the conference is made once the cause is mended.
func TestRowsRefused(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for _, c := range []struct {
		name         string
		break_, mend func(w *world)
		event, note  string
	}{
		{
			"a wrong key", func(w *world) { w.mts.SetToken("another") }, func(w *world) { w.mts.SetToken("token-of-the-first") },
			"сервис не принимает ключ организации", "ключ",
		},
		{
			"a lapsed plan", func(w *world) { w.mts.SetPlanLapsed(true) }, func(w *world) { w.mts.SetPlanLapsed(false) },
			"сервис не принимает ключ организации", "ключ",
		},
		{
			"an owner who is not confirmed", func(w *world) { w.unsubmitted.Store(true) }, func(w *world) { w.unsubmitted.Store(false) },
			"учётная запись в сервисе не подтверждена", "не подтверждена",
		},
		{
			"a refusal",
			func(w *world) {
				w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDenied})
			},
			func(w *world) { w.mts.Clear() },
			"Не удалось забронировать конференцию: ", "",
		},
	} {
		rows.play(c.name, func(w *world) {
			c.break_(w)
			sent := event("a", invitation("LOCATION:Webinar", "DESCRIPTION:Agenda")...)
			begun := time.Now()
			w.anna.put(aPath, sent)
			if d := time.Since(begun); d > 18*time.Second {
				w.Errorf("the save took %v", d)
			}
			got := w.until("failed")
			w.contains(value(got, "DESCRIPTION"), "Agenda", c.event, openFence, "MTS Link")
			same(w, "LOCATION", value(got, "LOCATION"), "Webinar")
			same(w, "URL", value(got, "URL"), "")
			w.wantUntouched(sent, got)
			// Attendees are not kept waiting, and do not read of our trouble.
			w.untilMail(boris, 1)
			w.untilMail(vera, 1)
			w.untilMail(anna, 1)
			w.lacks(w.letter(vera, 0).calendar, "Не удалось")
			w.lacks(w.letter(vera, 0).text, "Не удалось")
			w.contains(w.wantMail(anna, "NOTE").text, c.note)
			w.none()
			// More attempts, and more saves, say it once.
			w.anna.put(aPath, with(got, "SUMMARY:Saved again"))
			w.anna.put(aPath, with(sent, "SUMMARY:Saved again")) // from before the note
			w.untilMail(boris, 2)
			time.Sleep(700 * time.Millisecond) // a few attempts more
			got = w.until("failed")
			same(w, "blocks", len(all(w.swap(got, openFence, "\r\nX-FENCE:"), "X-FENCE")), 1)
			w.wantMail(anna, "NOTE")
			w.wantMail(boris, "REQUEST", "REQUEST")

			c.mend(w)
			w.until("ready")
			w.idle()
			got = w.anna.get(aPath).body
			w.wantLink(got, w.only().Link)
			same(w, "name", w.only().Name, "Saved again")
			w.lacks(value(got, "DESCRIPTION"), "Не удалось")
			w.contains(value(got, "DESCRIPTION"), "Agenda")
			w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST", "REQUEST"), w.only().Link)
			w.wantMail(anna, "NOTE")
		}, func(c *config) { c.CalDAV.WaitForLink = duration(20 * time.Second) })
	}
	rows.play("refused, then withdrawn", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		got := w.until("failed")
		got = w.anna.save(aPath, without(got, "LOCATION"))
		w.wantNoTrace(got)
		w.mts.SetPlanLapsed(false)
		w.idle()
		w.untouchedSince()
	})
	rows.play("refused, then asked of the other account", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		got := w.until("failed")
		got = w.anna.save(aPath, with(got, "LOCATION:Beta"))
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		w.wantLink(got, w.only().Link)
		w.lacks(value(got, "DESCRIPTION"), "Не удалось")
	})
	rows.play("refused, then deleted", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		w.until("failed")
		w.untilMail(boris, 1)
		w.anna.gone(aPath)
		w.wantMail(boris, "REQUEST", "CANCEL")
	})
	rows.play("refused, and the note is deleted by hand", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, event("a", "CATEGORIES:Webinar"))
		got := w.until("failed")
		w.anna.put(aPath, without(got, "DESCRIPTION"))
		w.mts.SetPlanLapsed(false)
		got = w.until("ready")
		w.wantLink(got, w.only().Link)
	})
	rows.play("a time change is refused for now: the link stays", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, moved(text, time.Hour))
		w.untilMail(boris, 2)
		got := w.anna.get(aPath).body
		w.contains(joined(logical(got)), c.Link)
		w.mts.SetPlanLapsed(false)
		w.idle()
		got = w.anna.get(aPath).body
		w.wantLink(got, c.Link)
		same(w, "start", w.wantKept(got, c).Start.UTC(), tomorrow().Add(time.Hour))
	})
	rows.play("a rotation is refused for now", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDenied})
		w.anna.put(aPath, with(text, "LOCATION:Webinar"))
		w.until("failed")
		time.Sleep(500 * time.Millisecond) // longer than the settle time: the old one is kept all the same
		same(w, "the conference while there is no other", w.only().ID, c.ID)
		w.mts.Clear()
		w.until("ready")
		w.idle()
		if now := w.only(); now.ID == c.ID {
			w.Error("nothing was rotated")
		}
		w.wantLink(w.anna.get(aPath).body, w.only().Link)
	})
	rows.play("an organiser whose address is not confirmed at the provider", func(w *world) {
		w.mts.SetMember(emulator.Member{Email: anna, Name: "Anna"})
		w.booked("LOCATION:Webinar")
		same(w, "owner", w.only().Owner, "account@mts-link.example")
	})
	rows.play("an organiser whom the provider does not know", func(w *world) {
		w.boris.save(borisCalendar+"a.ics", event("a", "LOCATION:Webinar"))
		same(w, "owner", w.only().Owner, "account@mts-link.example")
	})
	rows.play("nobody waits for a provider that is failing", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, event("a", "LOCATION:Webinar"))
		w.eventually(func() error {
			if !w.app.providers["mtslink"].Failing() {
				return errors.New("it is not seen that the provider fails")
			}
			return nil
		})
		w.mts.SetPlanLapsed(false)
		w.fault(w.mts, emulator.Fault{Call: "*", Kind: emulator.FaultDelay, Seconds: 15, Times: 1})
		begun := time.Now()
		w.anna.put(annaCalendar+"b.ics", event("b", "LOCATION:Webinar"))
		if d := time.Since(begun); d > 12*time.Second {
			w.Errorf("the save took %v", d)
		}
	}, func(c *config) { c.CalDAV.WaitForLink = duration(20 * time.Second) })
}

// untouchedSince checks that nothing was made although it could be.
func (w *world) untouchedSince() {
	w.Helper()
	w.none()
	for _, m := range []*emulator.MTSLink{w.mts, w.beta} {
		same(w, "conferences that were made and deleted", len(m.State().Deleted), 0)
	}
}
