package main

import (
	"fmt"
	"testing"

	"joinery/conference/emulator"
)

// TestRowsAttendee plays who may ask: attendees' copies neither ask nor own.
func TestRowsAttendee(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	bPath := borisCalendar + "copy.ics"
	rows.play("an attendee's copy with a word", func(w *world) {
		sent := event("a", invitation("LOCATION:Webinar", "CATEGORIES:Webinar", "X-JOINERY-CONFERENCE:mtslink")...)
		w.boris.save(bPath, sent)
		w.untouchedAccounts()
		w.wantSame(sent, w.boris.get(bPath).body)
		w.wantMail(vera)
	})
	rows.play("an attendee's copy with the resource", func(w *world) {
		w.boris.save(bPath, event("a", invitation("ATTENDEE;CUTYPE=RESOURCE:mailto:webinar@conference.example.org")...))
		w.untouchedAccounts()
	})
	rows.play("somebody's event that the owner neither organises nor attends", func(w *world) {
		w.boris.save(bPath, event("a", "ORGANIZER:mailto:"+vera, "ATTENDEE:mailto:"+vera, "LOCATION:Webinar"))
		w.untouchedAccounts()
		w.wantNoMail()
	})
	rows.play("somebody's invitation in a calendar whose rule is always", func(w *world) {
		w.setRule("always")
		sent := event("a", "ORGANIZER:mailto:"+vera, "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:"+anna, "LOCATION:Webinar")
		w.anna.save(aPath, sent)
		w.untouchedAccounts()
		w.wantSame(sent, w.anna.get(aPath).body)
	})
	rows.play("an event without organizer", func(w *world) {
		w.wantLink(w.boris.save(bPath, event("a", "LOCATION:Webinar")), w.only().Link)
		w.wantNoMail()
	})
	rows.play("an organizer by another case of the address", func(w *world) {
		w.anna.save(aPath, event("a", "ORGANIZER:MAILTO:Anna@Example.ORG", "ATTENDEE:mailto:"+boris, "LOCATION:Webinar"))
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), w.only().Link)
	})
	rows.play("an attendee's copy with our link", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.boris.save(bPath, text)
		w.wantKept(w.boris.get(bPath).body, c)
		// The attendee deletes the link: that is the copy's affair.
		w.boris.save(bPath, without(text, "LOCATION", "URL", "DESCRIPTION", "CONFERENCE", "X-*"))
		w.wantKept(w.anna.get(aPath).body, c)
		w.wantMail(boris, "REQUEST")
		w.wantMail(anna)
	})
	rows.play("an attendee puts a word where the link was", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.boris.save(bPath, with(text, "LOCATION:Beta"))
		w.wantKept(w.anna.get(aPath).body, c)
	})
	rows.play("an attendee answers", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.boris.save(bPath, text)
		w.boris.save(bPath, w.swap(text, "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN=Boris;PARTSTAT=ACCEPTED"))
		w.wantMail(anna)
		w.wantSaid(w.keptText(c), boris, "ACCEPTED")
	})
	rows.play("an attendee answers an organiser who is elsewhere", func(w *world) {
		text := event("a", "ORGANIZER:mailto:"+vera, "ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION:mailto:"+boris)
		w.boris.save(bPath, text)
		w.boris.save(bPath, w.swap(text, "PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED"))
		w.contains(joined(logical(w.wantMail(vera, "REPLY").calendar)), "PARTSTAT=ACCEPTED", "mailto:"+boris)
		w.boris.gone(bPath)
		w.contains(joined(logical(w.wantMail(vera, "REPLY", "REPLY").calendar)), "PARTSTAT=DECLINED")
	})
	rows.play("an attendee deletes the own copy", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.boris.save(bPath, text)
		w.boris.gone(bPath)
		w.wantMail(anna)
		w.wantSaid(w.keptText(c), boris, "DECLINED")
		w.wantMail(boris, "REQUEST")
		w.wantMail(vera, "REQUEST")
	})
	rows.play("an attendee deletes the own copy in silence", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.boris.save(bPath, text)
		w.boris.gone(bPath, "Schedule-Reply: F")
		w.wantSaid(w.keptText(c), boris, "NEEDS-ACTION")
		w.wantMail(anna)
	})
	rows.play("an invitation that twenty local people receive", func(w *world) {
		lines := []string{"ORGANIZER:mailto:" + anna, "LOCATION:Webinar"}
		for i := range 20 {
			login := fmt.Sprintf("person%d@example.org", i)
			w.addUser(login, "Person", "en")
			lines = append(lines, "ATTENDEE;RSVP=TRUE:mailto:"+login)
		}
		text := w.anna.save(aPath, event("a", lines...))
		c := w.only()
		for i := range 20 {
			login := fmt.Sprintf("person%d@example.org", i)
			w.wantLinkMail(w.wantMail(login, "REQUEST"), c.Link)
			body := text
			if i%2 == 1 {
				body = with(text, "LOCATION:Webinar") // as some gateways deliver it
			}
			w.device(login, "Thunderbird/153.0").put("/calendars/"+login+"/calendar/copy.ics", body)
		}
		w.idle()
		w.wantKept(w.anna.get(aPath).body, c)
		same(w, "conferences ever made", w.mts.State().Calls["POST /events"], 1)
		w.wantMail(anna)
	})
}

// keptText is anna's event, which has its conference still.
func (w *world) keptText(c emulator.Conference) string {
	w.Helper()
	text := w.anna.get(aPath).body
	w.wantKept(text, c)
	return text
}
