package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/conference/emulator"
	"joinery/store"
)

// TestRowsCorner plays where the rows of docs/conferences.md meet.
func TestRowsCorner(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for name, headers := range map[string]func(w *world, path string) []string{
		"without If-Match":  func(*world, string) []string { return nil },
		"with the new ETag": func(w *world, path string) []string { return []string{"If-Match: " + w.anna.get(path).etag()} },
		"with Schedule-Tag": func(w *world, path string) []string {
			return []string{"If-Schedule-Tag-Match: " + w.anna.get(path).header.Get("Schedule-Tag")}
		},
	} {
		rows.play("the text of a copy again, "+name, func(w *world) {
			text, c := w.booked("LOCATION:Webinar")
			path := annaCalendar + "copy.ics"
			text = with(with(text, "UID:copy"), "SUMMARY:The copy")
			w.anna.save(path, text)
			own := w.named("The copy")
			got := w.phone.save(path, with(text, "SUMMARY:The copy again"), headers(w, path)...)
			w.wantLink(got, own.Link)
			w.lacks(joined(logical(got)), c.Link)
			same(w, "conference of the copy", w.named("The copy again").ID, own.ID)
			same(w, "conference of the first", w.named("Rows of a").ID, c.ID)
			// Its link is deleted: it is removed, and the other one stays.
			got = w.anna.save(path, without(got, "LOCATION"))
			w.wantNoTrace(got)
			same(w, "conference", w.only().ID, c.ID)
		})
		rows.play("a rule's event, with the text of before the link, "+name, func(w *world) {
			w.setRule("always")
			w.delayed(0.3)
			w.anna.put(aPath, event("a", invitation()...))
			before := w.anna.get(aPath).body
			w.idle()
			c := w.only()
			got := w.phone.save(aPath, with(before, "SUMMARY:From the phone"), headers(w, aPath)...)
			w.wantLink(got, c.Link)
			same(w, "name", w.wantKept(got, c).Name, "From the phone")
		}, impatient)
	}
	rows.play("two words", func(w *world) {
		text, c := w.booked(`LOCATION:Webinar\; Beta`)
		same(w, "type", c.Type, "webinar")
		// The other word asks for nothing as long as the link stands there.
		got := w.anna.save(aPath, with(text, "SUMMARY:Changed"))
		w.wantKept(got, c)
		w.wantLink(got, c.Link)
		got = w.phone.save(aPath, event("a", invitation(`LOCATION:Webinar\; Beta`)...))
		w.wantKept(got, c)
		// The link is deleted: the other word is left, and asks.
		got = w.anna.save(aPath, with(got, "LOCATION:Beta"))
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		w.wantLink(got, w.only().Link)
	})
	rows.play("a word beside the link asks for another", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, with(text, "LOCATION:"+c.Link+`\; Beta`))
		w.wantLink(got, w.wantReplaced(got, c, w.mts).Link)
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
	})
	rows.play("a word for one kind, a category for another", func(w *world) {
		text, c := w.booked("LOCATION:MTS Link", "CATEGORIES:Webinar")
		same(w, "type", c.Type, "meeting")
		got := w.anna.save(aPath, with(text, "SUMMARY:Changed"))
		w.wantKept(got, c)
		got = w.phone.save(aPath, event("a", invitation("LOCATION:MTS Link", "CATEGORIES:Webinar")...))
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
	})
	rows.play("somebody else's block beside an own word", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.boris.save(borisCalendar+"b.ics", with(with(without(text, "UID", "ORGANIZER", "ATTENDEE"), "LOCATION:Webinar"), "UID:boris"))
		own := w.conferences()
		same(w, "conferences", len(own), 2)
		w.contains(value(got, "DESCRIPTION"), own[0].Link, own[1].Link)
		if l := value(got, "LOCATION"); l == c.Link || l == "Webinar" {
			w.Errorf("LOCATION is %q", l)
		}
		w.boris.gone(borisCalendar + "b.ics")
		same(w, "the conference", w.only().ID, c.ID)
	})
	for name, line := range map[string]string{"a word": "LOCATION:Webinar", "a category": "CATEGORIES:Webinar"} {
		rows.play("cancelled, and not so after all within the settle time, asked by "+name, func(w *world) {
			text, c := w.booked(line)
			w.anna.put(aPath, plus(text, "STATUS:CANCELLED"))
			got := w.anna.get(aPath).body
			got = w.anna.save(aPath, with(got, "STATUS:CONFIRMED"))
			w.wantLink(got, c.Link)
			w.wantKept(got, c)
			for _, l := range w.letters(boris) {
				same(w, "mail", l.method, "REQUEST")
			}
		}, unhurried)
		rows.play("cancelled, and much later not so after all, asked by "+name, func(w *world) {
			text, _ := w.booked(line)
			got := w.anna.save(aPath, plus(text, "STATUS:CANCELLED"))
			w.none()
			got = w.anna.save(aPath, with(got, "STATUS:CONFIRMED"))
			w.wantLink(got, w.only().Link)
			w.wantLinkMail(w.wantMail(boris, "REQUEST", "CANCEL", "REQUEST"), w.only().Link)
		})
		rows.play("removed, deleted and undone, asked by "+name, func(w *world) {
			text, _ := w.booked(line)
			got := w.anna.save(aPath, without(text, "LOCATION"))
			w.wantRemoved(got)
			w.anna.gone(aPath)
			got = w.anna.save(aPath, got)
			w.wantNoTrace(got)
			w.none()
			w.wantMail(boris, "REQUEST", "REQUEST", "CANCEL", "REQUEST")
		})
	}
	rows.play("deleted while the provider refuses", func(w *world) {
		w.booked("LOCATION:Webinar")
		w.mts.SetPlanLapsed(true)
		w.anna.delete(aPath)
		w.untilMail(boris, 2)
		w.untilMail(vera, 2)
		w.wantMail(boris, "REQUEST", "CANCEL")
		w.only()
		w.mts.SetPlanLapsed(false)
		w.idle()
		w.none()
		w.wantMail(anna)
	})
	rows.play("the resource answers each save", func(w *world) {
		const resource = "webinar@conference.example.org"
		text, c := w.booked("ATTENDEE;CUTYPE=RESOURCE;PARTSTAT=NEEDS-ACTION:mailto:" + resource)
		asked := w.swap(text, "PARTSTAT=ACCEPTED:mailto:"+resource, "PARTSTAT=NEEDS-ACTION:mailto:"+resource)
		got := w.anna.save(aPath, moved(asked, time.Hour))
		w.contains(attendee(got, resource), "PARTSTAT=ACCEPTED")
		w.wantKept(got, c)
	})
	rows.play("nothing that concerns others", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		alarm := "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT"
		got := w.anna.save(aPath, w.swap(plus(text, "X-MOZ-SNOOZE:1"), "END:VEVENT", alarm))
		w.wantKept(got, c)
		w.wantMail(boris, "REQUEST")
		same(w, "updates at the account", w.mts.State().Calls["PUT /eventsessions/{id}"], 0)
	})
	rows.play("an ended event is edited, and then planned again", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.later(30 * time.Hour)
		text = w.anna.save(aPath, with(text, "SUMMARY:How it was"))
		w.wantMail(boris, "REQUEST")
		w.wantMail(anna)
		same(w, "name of what took place", w.only().Name, "Rows of a")
		got := w.anna.save(aPath, moved(text, 72*time.Hour))
		// The service has ended that meeting, or goes on with it; one way or the other there is a link.
		link := value(got, "URL")
		w.wantLink(got, link)
		w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST"), link)
		same(w, "name", w.named("How it was").Link, link)
		_ = c
	})
	rows.play("the clock is set back by hours", func(w *world) {
		w.later(3 * time.Hour)
		text, _ := w.booked("LOCATION:Webinar")
		w.anna.save(aPath, with(text, "SUMMARY:By a clock that is ahead"))
		w.later(-3 * time.Hour)
		w.untilMail(vera, 2)
		w.later(3 * time.Hour)
		w.anna.delete(aPath)
		w.later(-3 * time.Hour)
		w.untilMail(vera, 3)
		w.idle()
		w.wantMail(vera, "REQUEST", "REQUEST", "CANCEL")
		w.none()
		w.contains(w.boris.get(borisCopy).body, "STATUS:CANCELLED")
	}, func(c *config) { c.Settle, c.Mail.Settle = duration(4*time.Second), duration(4*time.Second) })
	rows.play("moved into the past and back", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, moved(text, -72*time.Hour))
		w.wantNoTrace(got)
		w.none()
		got = w.anna.save(aPath, moved(got, 72*time.Hour))
		w.wantLink(got, w.only().Link)
		same(w, "start", w.only().Start.UTC(), tomorrow().Add(72*time.Hour))
		if w.only().Link == c.Link {
			w.Error("the link is that of a conference that was deleted")
		}
	})
	rows.play("a live meeting gets another title", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.live(w.mts, c.Session, "start")
		w.anna.put(aPath, with(text, "SUMMARY:While it runs"))
		w.untilMail(boris, 2)
		got := w.anna.get(aPath).body
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
		same(w, "status", w.only().Status, "START")
		w.wantMail(anna)
	})
	rows.play("all day, without an end, floating", func(w *world) {
		day := tomorrow().AddDate(0, 0, 1)
		for uid, lines := range map[string][]string{
			"day":   {"DTSTART;VALUE=DATE:" + day.Format("20060102"), "DTEND;VALUE=DATE:" + day.AddDate(0, 0, 1).Format("20060102")},
			"float": {"DTSTART:" + day.Format("20060102") + "T100000", "DTEND:" + day.Format("20060102") + "T110000"},
			"short": {"DTSTART:" + day.Format("20060102") + "T100000Z", "DURATION:PT45M"},
		} {
			text := event(uid, append(lines, "LOCATION:Webinar")...)
			if uid == "short" {
				text = without(text, "DTEND")
			}
			got := w.anna.save(annaCalendar+uid+".ics", text)
			w.wantLink(got, w.named("Rows of "+uid).Link)
		}
		moscow := time.FixedZone("", 3*60*60)
		y, m, d := day.Date()
		same(w, "start of the day", w.named("Rows of day").Start.UTC(), time.Date(y, m, d, 0, 0, 0, 0, moscow).UTC())
		same(w, "start of the floating one", w.named("Rows of float").Start.UTC(), time.Date(y, m, d, 10, 0, 0, 0, moscow).UTC())
	})
	rows.play("the inert copy is written last", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.save(workPath, text)
		got := w.anna.save(aPath, with(text, "SUMMARY:Here again"))
		same(w, "name", w.wantKept(got, c).Name, "Here again")
		w.anna.gone(workPath)
		w.wantKept(w.anna.get(aPath).body, c)
		w.wantMail(boris, "REQUEST", "REQUEST")
	})
	rows.play("an attendee moves the own copy", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		here, there := borisCalendar+"copy.ics", "/calendars/"+boris+"/work/copy.ics"
		w.boris.save(here, text)
		w.boris.put(there, text)
		w.boris.gone(here)
		w.boris.delete(there)
		w.boris.put(here, text)
		w.idle()
		w.boris.move(here, there)
		w.idle()
		w.wantMail(anna)
		w.wantKept(w.anna.get(aPath).body, c)
	}, unhurried)
	rows.play("MOVE over another event", func(w *world) {
		w.booked("LOCATION:Webinar")
		w.anna.save(workPath, event("b", invitation("LOCATION:Webinar")...))
		same(w, "conferences", len(w.conferences()), 2)
		w.anna.do("MOVE", aPath, "", "Destination: "+workPath, "Overwrite: F").want(http.StatusPreconditionFailed)
		w.anna.do("MOVE", aPath, "", "Destination: "+workPath).want(http.StatusForbidden) // RFC 4791 §5.3.2.1
		w.idle()
		same(w, "conferences", len(w.conferences()), 2)
		w.wantMail(boris, "REQUEST", "REQUEST")
	})
	rows.play("a user is removed", func(w *world) {
		w.booked("LOCATION:Webinar")
		var u *store.User
		w.update(func(tx *store.Tx) (err error) {
			u, err = tx.UserByLogin(anna)
			return err
		})
		if err := w.app.changer.RemoveUser(context.Background(), change.Caller{}, u); err != nil {
			w.Fatal(err)
		}
		w.idle()
		w.none()
		w.wantMail(boris, "REQUEST", "CANCEL")
		w.wantMail(vera, "REQUEST", "CANCEL")
	})
	rows.play("people whom the client tells itself", func(w *world) {
		w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:"+vera,
			"ATTENDEE;SCHEDULE-AGENT=NONE:mailto:"+boris, "LOCATION:Webinar"))
		w.wantLink(w.anna.get(aPath).body, w.only().Link)
		w.wantNoMail()
	})
	rows.play("one refused recipient", func(w *world) {
		w.mail.SetBehaviour(func(stage, addr string) *smtpError { return refuseRecipient(stage, addr, vera) })
		w.anna.save(aPath, event("a", invitation("LOCATION:Webinar")...))
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), w.only().Link)
		w.wantMail(vera)
		w.contains(attendee(w.anna.get(aPath).body, vera), "SCHEDULE-STATUS=3.7")
	})
	rows.play("a rotation while the other account is down, and the way back", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.fault(w.beta, emulator.Fault{Call: "*", Kind: emulator.Fault500})
		w.anna.put(aPath, with(text, "LOCATION:Beta"))
		same(w, "the conference while there is no other", w.only().ID, c.ID)
		// The organiser thinks better of it.
		got := w.anna.get(aPath).body
		w.anna.put(aPath, with(got, "LOCATION:Webinar"))
		w.beta.Clear()
		w.idle()
		got = w.anna.get(aPath).body
		same(w, "conferences of the first account", len(w.mts.State().Conferences), 1)
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 0)
		w.wantLink(got, w.only().Link)
	}, impatient)
}
