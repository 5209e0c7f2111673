package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// TestRowsTrouble plays rows while something goes wrong at the provider.
func TestRowsTrouble(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for _, call := range []string{"PUT /organization/events/{id}", "PUT /eventsessions/{id}"} {
		for _, kind := range []string{emulator.FaultDrop, emulator.Fault500, emulator.Fault500After, emulator.FaultBadJSON, emulator.Fault429} {
			rows.play("a change: "+call+" "+kind, func(w *world) {
				text, c := w.booked("LOCATION:Webinar")
				w.fault(w.mts, emulator.Fault{Call: call, Kind: kind, Times: 1})
				got := w.anna.save(aPath, moved(with(text, "SUMMARY:Changed"), time.Hour))
				w.wantLink(got, c.Link)
				now := w.wantKept(got, c)
				same(w, "name", now.Name, "Changed")
				same(w, "name of the template", now.EventName, "Changed")
				same(w, "start", now.Start.UTC(), tomorrow().Add(time.Hour))
				w.wantMail(boris, "REQUEST", "REQUEST")
				w.wantMail(anna)
			})
		}
	}
	for _, call := range []string{"DELETE /organization/events/{id}", "DELETE /eventsessions/{id}"} {
		for _, kind := range []string{emulator.FaultDrop, emulator.Fault500, emulator.Fault500After, emulator.Fault429} {
			rows.play("a deletion: "+call+" "+kind, func(w *world) {
				w.booked("LOCATION:Webinar")
				w.fault(w.mts, emulator.Fault{Call: call, Kind: kind, Times: 1})
				w.anna.gone(aPath)
				w.none()
				w.wantMail(boris, "REQUEST", "CANCEL")
			})
		}
	}
	rows.play("undone while the deletion is refused", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.mts.SetPlanLapsed(true)
		w.anna.delete(aPath)
		w.untilMail(boris, 2)
		time.Sleep(500 * time.Millisecond) // a refused attempt or two
		w.anna.put(aPath, text)
		w.mts.SetPlanLapsed(false)
		w.idle()
		got := w.anna.get(aPath).body
		w.wantLink(got, w.only().Link)
		l := w.letters(boris)
		w.wantLinkMail(l[len(l)-1], w.only().Link)
		_ = c
	})
	rows.play("a copy of an event that was refused", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, event("a", "LOCATION:Webinar", "DESCRIPTION:Agenda"))
		text := w.until("failed")
		w.mts.SetPlanLapsed(false)
		w.idle()
		got := w.anna.save(annaCalendar+"copy.ics", with(with(text, "UID:copy"), "SUMMARY:The copy"))
		w.wantLink(got, w.named("The copy").Link)
		w.lacks(value(got, "DESCRIPTION"), "Не удалось")
		if !strings.HasPrefix(value(got, "DESCRIPTION"), "Agenda\n\n"+openFence) {
			w.Errorf("DESCRIPTION is %q", value(got, "DESCRIPTION"))
		}
	})
	rows.play("a copy of an event that was refused, where nothing asks any more", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, event("a", "LOCATION:Webinar", "DESCRIPTION:Agenda"))
		text := w.until("failed")
		w.mts.SetPlanLapsed(false)
		got := w.anna.save(annaWork+"copy.ics", with(without(text, "LOCATION"), "UID:copy"))
		w.wantNoTrace(got)
		same(w, "DESCRIPTION", value(got, "DESCRIPTION"), "Agenda")
	})
	rows.play("both copies are deleted", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		w.anna.save(workPath, text)
		w.anna.delete(workPath)
		w.anna.gone(aPath)
		w.none()
		w.wantMail(boris, "REQUEST", "CANCEL")
		w.wantMail(vera, "REQUEST", "CANCEL")
	})
	rows.play("the resource, without organizer", func(w *world) {
		got := w.anna.save(aPath, event("a", "ATTENDEE;CUTYPE=RESOURCE:mailto:webinar@conference.example.org"))
		w.wantLink(got, w.only().Link)
		w.wantNoMail()
	})
	rows.play("a place that the link never replaced", func(w *world) {
		text, c := w.booked("CATEGORIES:Webinar", "LOCATION:Room 5")
		for _, location := range []string{"LOCATION:Room 5", "LOCATION:Room 6", "LOCATION:"} {
			text = w.anna.save(aPath, with(text, location))
			same(w, "LOCATION", "LOCATION:"+value(text, "LOCATION"), location)
			w.wantBlock(text, c.Link)
			w.wantKept(text, c)
		}
		text = w.anna.save(aPath, without(text, "DESCRIPTION"))
		w.wantNoTrace(text)
		w.none()
	})
	rows.play("ten changes of mind", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		for i := range 10 {
			switch i % 5 {
			case 0:
				text = with(text, "LOCATION:Webinar") // rotate
			case 1:
				text = with(text, "LOCATION:Beta")
			case 2:
				text = without(text, "LOCATION", "DESCRIPTION")
			case 3:
				text = with(text, "LOCATION:MTS Link")
			case 4:
				text = moved(text, time.Duration(i)*time.Hour)
			}
			w.anna.put(aPath, text)
			text = w.anna.get(aPath).body
		}
		w.idle()
		text = w.anna.get(aPath).body
		c := w.only()
		w.wantLink(text, c.Link)
		same(w, "type", c.Type, "meeting")
		same(w, "start", c.Start.UTC(), tomorrow().Add(9*time.Hour))
		l := w.letters(boris)
		w.wantLinkMail(l[len(l)-1], c.Link)
	})
	rows.play("ten changes of mind that nobody waits for", func(w *world) {
		w.booked("LOCATION:Webinar")
		for i := range 10 {
			switch i % 5 {
			case 0:
				w.anna.put(aPath, event("a", invitation("LOCATION:Beta")...))
			case 1:
				w.anna.delete(aPath)
			case 2:
				w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
			case 3:
				w.phone.put(aPath, event("a", invitation()...))
			case 4:
				w.phone.put(aPath, event("a", invitation("LOCATION:MTS Link")...))
			}
		}
		w.idle()
		text := w.anna.get(aPath).body
		c := w.only()
		w.wantLink(text, c.Link)
		same(w, "type", c.Type, "meeting")
		l := w.letters(boris)
		w.wantLinkMail(l[len(l)-1], c.Link)
	}, impatient)
	rows.play("eight saves at the same moment", func(w *world) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				c := w.device(anna, fmt.Sprintf("Device/%d", i))
				r, err := c.try("PUT", aPath, event("a", invitation("LOCATION:Webinar", fmt.Sprintf("SUMMARY:Version %d", i))...))
				if err != nil || r.status != http.StatusCreated && r.status != http.StatusNoContent {
					w.Errorf("save %d: %v %v", i, r, err)
				}
			})
		}
		wg.Wait()
		w.idle()
		got := w.anna.get(aPath).body
		c := w.only()
		w.wantLink(got, c.Link)
		same(w, "name", c.Name, value(got, "SUMMARY"))
		same(w, "conferences ever made", w.mts.State().Calls["POST /events"], 1)
	})
	rows.play("the calendar of the owning copy is deleted", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.save(workPath, text)
		w.anna.gone(annaWork)
		got := w.anna.get(aPath).body
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
		w.wantMail(boris, "REQUEST")
	})
	rows.play("everybody is uninvited", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, without(text, "ORGANIZER", "ATTENDEE"))
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
		w.wantMail(boris, "REQUEST", "CANCEL")
		w.wantMail(vera, "REQUEST", "CANCEL")
	})
	rows.play("an imported event is deleted", func(w *world) {
		w.anna.save(annaCalendar+"first.ics", event("first"))
		text := w.anna.save(aPath, event("a", invitation("LOCATION:Webinar")...))
		same(w, "state", value(text, "X-JOINERY-STATE"), "imported")
		w.anna.gone(aPath)
		w.untouchedAccounts()
		w.wantNoMail()
	}, func(c *config) { c.CalDAV.ImportBurst = 1 })
	rows.play("a title of several lines", func(w *world) {
		w.booked("LOCATION:Webinar", `SUMMARY:One\nTwo\, three <b>&amp\; "four"`)
		same(w, "name", w.only().Name, `One Two, three <b>&amp; "four"`)
	})
}
