package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"joinery/conference/emulator"
)

const workPath = annaWork + "a.ics"

// unhurried gives a row time to come back within the settle time, however busy the machine is.
func unhurried(c *config) { c.Settle = duration(2500 * time.Millisecond) }

// TestRowsDelete plays deletion, cancellation and what comes back.
func TestRowsDelete(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("the event is deleted", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.anna.delete(aPath)
		if list := w.mts.State().Conferences; len(list) != 1 {
			w.Error("the conference did not wait for the settle time")
		}
		w.wantMail(boris, "REQUEST")
		w.idle()
		w.none()
		if old := w.mts.State().Deleted; len(old) != 1 || old[0].ID != c.ID {
			w.Errorf("deleted were %+v", old)
		}
		w.contains(w.wantMail(boris, "REQUEST", "CANCEL").calendar, "METHOD:CANCEL", "STATUS:CANCELLED")
		w.wantMail(vera, "REQUEST", "CANCEL")
		w.wantMail(anna)
	})
	rows.play("STATUS:CANCELLED", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, plus(text, "STATUS:CANCELLED"))
		w.none()
		w.wantNoTrace(got)
		w.wantMail(boris, "REQUEST", "CANCEL")
		w.wantMail(vera, "REQUEST", "CANCEL")
		// It is deleted later: nobody is told a second time.
		w.anna.gone(aPath)
		w.wantMail(boris, "REQUEST", "CANCEL")
	})
	rows.play("cancelled, and not so after all", func(w *world) {
		text, c := w.booked("CATEGORIES:Webinar")
		got := w.anna.save(aPath, plus(text, "STATUS:CANCELLED"))
		got = w.anna.save(aPath, with(got, "STATUS:CONFIRMED"))
		w.wantLink(got, w.only().Link)
		if w.only().Link == c.Link {
			w.Error("the link is that of a conference that was deleted")
		}
		w.wantLinkMail(w.wantMail(boris, "REQUEST", "CANCEL", "REQUEST"), w.only().Link)
	})
	rows.play("deleted with Schedule-Reply: F", func(w *world) {
		w.booked("LOCATION:Webinar")
		w.anna.gone(aPath, "Schedule-Reply: F")
		w.none()
		w.wantMail(boris, "REQUEST", "CANCEL") // the header is for attendees (RFC 6638 §8.1)
	})
	rows.play("undone within the settle time", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.delete(aPath)
		got := w.anna.save(aPath, text)
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
		same(w, "deletions at the account", len(w.mts.State().Deleted), 0)
		w.wantMail(boris, "REQUEST")
		w.wantMail(vera, "REQUEST")
	}, unhurried)
	rows.play("undone within the settle time, with the text of before the link", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.anna.delete(aPath)
		got := w.anna.save(annaCalendar+"other-name.ics", event("a", invitation("LOCATION:Webinar")...))
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
		w.wantMail(boris, "REQUEST")
	}, unhurried)
	rows.play("undone after the settle time", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.gone(aPath)
		w.none()
		cancel := w.wantMail(boris, "REQUEST", "CANCEL")
		got := w.anna.save(aPath, text)
		now := w.only()
		if now.Link == c.Link {
			w.Error("the link is that of a conference that was deleted")
		}
		w.wantLink(got, now.Link)
		w.lacks(joined(logical(got)), c.Link)
		again := w.wantMail(boris, "REQUEST", "CANCEL", "REQUEST")
		w.wantLinkMail(again, now.Link)
		if a, b := sequence(cancel.calendar), sequence(again.calendar); b <= a {
			w.Errorf("the new REQUEST has SEQUENCE %d, the CANCEL had %d", b, a)
		}
	})
	rows.play("a live meeting is stopped first", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.live(w.mts, c.Session, "start")
		same(w, "status", w.only().Status, "START")
		w.anna.gone(aPath)
		w.none()
		calls := w.mts.State().Calls
		same(w, "stops", calls["PUT /eventsessions/{id}/stop"], 1)
	})
	rows.play("a meeting that has taken place is left as history", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.later(30 * time.Hour)
		w.anna.gone(aPath)
		same(w, "conferences", len(w.mts.State().Conferences), 1)
		same(w, "deletions at the account", len(w.mts.State().Deleted), 0)
		w.wantMail(boris, "REQUEST")
		// A copy of it for next week has its own.
		got := w.anna.save(annaCalendar+"next.ics", moved(with(text, "UID:next"), 7*24*time.Hour))
		same(w, "conferences", len(w.mts.State().Conferences), 2)
		w.lacks(joined(logical(got)), c.Link)
	})
	rows.play("deleted while it is being reserved", func(w *world) {
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDelay, Seconds: 1, Times: 1})
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		w.eventually(func() error {
			if w.mts.State().Calls["POST /events"] == 0 {
				return fmt.Errorf("the reservation has not begun")
			}
			return nil
		})
		w.anna.gone(aPath)
		w.none()
		w.wantNoMail()
		same(w, "made at the account", len(w.mts.State().Deleted), 1)
	}, func(c *config) { c.CalDAV.WaitForLink = duration(100 * time.Millisecond) })
	rows.play("saved and deleted at once", func(w *world) {
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		w.anna.gone(aPath)
		w.none()
	}, func(c *config) { c.CalDAV.WaitForLink = duration(time.Millisecond) })
	rows.play("a calendar is deleted", func(w *world) {
		w.anna.save(workPath, event("a", invitation("LOCATION:Webinar")...))
		w.only()
		w.anna.gone(annaWork)
		w.none()
		w.wantMail(boris, "REQUEST", "CANCEL")
	})
}

// sequence is the SEQUENCE of a text, 0 if it says none.
func sequence(text string) (n int) {
	fmt.Sscan(value(text, "SEQUENCE"), &n)
	return n
}

// live does by hand what the owner can do on the provider's site.
func (w *world) live(m *emulator.MTSLink, session, action string) {
	w.Helper()
	r := newRecorded(m, "POST", "/_live", fmt.Sprintf(`{"id": %s, "action": %q}`, session, action))
	if r >= 400 {
		w.Fatalf("%s by hand: %d", action, r)
	}
}

// TestRowsMove plays one event in two calendars of its owner.
func TestRowsMove(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	quiet := func(w *world, c emulator.Conference) {
		w.Helper()
		w.idle()
		w.wantLink(w.anna.get(workPath).body, c.Link)
		w.wantKept(w.anna.get(workPath).body, c)
		same(w, "deletions at the account", len(w.mts.State().Deleted), 0)
		w.wantMail(boris, "REQUEST")
		w.wantMail(vera, "REQUEST")
		w.wantMail(anna)
		// It goes on from there.
		got := w.anna.save(workPath, with(w.anna.get(workPath).body, "SUMMARY:Moved"))
		same(w, "name", w.wantKept(got, c).Name, "Moved")
		w.anna.gone(workPath)
		w.none()
		w.wantMail(boris, "REQUEST", "REQUEST", "CANCEL")
	}
	rows.play("MOVE", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		tag := w.anna.get(aPath).header.Get("Schedule-Tag")
		r := w.anna.move(aPath, workPath)
		same(w, "Schedule-Tag", r.header.Get("Schedule-Tag"), tag)
		same(w, "the event", w.anna.get(workPath).body, text)
		w.anna.do("GET", aPath, "").want(http.StatusNotFound)
		quiet(w, c)
	})
	rows.play("MOVE with the ETag of before the link", func(w *world) {
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDelay, Seconds: 0.5, Times: 1})
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		tag := w.anna.get(aPath).etag()
		w.idle()
		w.anna.move(aPath, workPath, "If-Match: "+tag)
		quiet(w, w.only())
	}, func(c *config) { c.CalDAV.WaitForLink = duration(time.Millisecond) })
	rows.play("PUT, then DELETE", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.put(workPath, text, "If-None-Match: *")
		w.anna.delete(aPath)
		quiet(w, c)
	}, unhurried)
	rows.play("PUT, and much later DELETE", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.save(workPath, text, "If-None-Match: *")
		w.anna.delete(aPath) // inert: it tells nobody
		quiet(w, c)
	})
	rows.play("DELETE, then PUT", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.delete(aPath)
		w.anna.put(workPath, text, "If-None-Match: *")
		quiet(w, c)
	}, unhurried)
	rows.play("DELETE, then PUT of the text of before the link", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.anna.delete(aPath)
		w.anna.put(workPath, event("a", invitation("LOCATION:Webinar")...), "If-None-Match: *")
		quiet(w, c)
	}, unhurried)
	rows.play("the owning one is deleted first: ownership returns", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.put(workPath, text)
		w.idle()
		w.anna.gone(workPath)
		got := w.anna.get(aPath).body
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
		w.wantMail(boris, "REQUEST")
		got = w.anna.save(aPath, with(got, "SUMMARY:Still here"))
		same(w, "name", w.wantKept(got, c).Name, "Still here")
		w.anna.gone(aPath)
		w.none()
		w.wantMail(boris, "REQUEST", "REQUEST", "CANCEL")
	})
	rows.play("a move that changes the event too", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.put(workPath, moved(text, 2*time.Hour))
		w.anna.gone(aPath)
		now := w.wantKept(w.anna.get(workPath).body, c)
		same(w, "start", now.Start.UTC(), tomorrow().Add(2*time.Hour))
		w.wantMail(boris, "REQUEST", "REQUEST")
	})
}

// TestRowsChange plays changes that the conference follows in place.
func TestRowsChange(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("title and time", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, moved(with(text, "SUMMARY:Другое название"), 3*time.Hour))
		w.wantLink(got, c.Link)
		now := w.wantKept(got, c)
		same(w, "name", now.Name, "Другое название")
		same(w, "start", now.Start.UTC(), tomorrow().Add(3*time.Hour))
		same(w, "name of the template", now.EventName, "Другое название")
		same(w, "mails of the platform", w.mts.State().PlatformMails, 0)
		l := w.wantMail(boris, "REQUEST", "REQUEST")
		w.wantLinkMail(l, c.Link)
		w.contains(l.calendar, "Другое название", tomorrow().Add(3*time.Hour).Format(utcStamp))
		if a, b := sequence(w.letter(boris, 0).calendar), sequence(l.calendar); b <= a {
			w.Errorf("SEQUENCE went from %d to %d", a, b)
		}
	})
	rows.play("ten saves in a burst are one update and one mail", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		for i := range 10 {
			w.anna.put(aPath, with(text, fmt.Sprintf("SUMMARY:Version %d", i)))
		}
		w.idle()
		same(w, "name", w.wantKept(w.anna.get(aPath).body, c).Name, "Version 9")
		w.contains(w.wantMail(boris, "REQUEST", "REQUEST").calendar, "Version 9")
	}, func(c *config) { c.Mail.Settle = duration(time.Second) })
	rows.play("the zone", func(w *world) {
		start := tomorrow()
		berlin, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			w.Fatal(err)
		}
		text, c := w.booked("LOCATION:Webinar")
		local := start.In(berlin).Format("20060102T150405")
		end := start.Add(time.Hour).In(berlin).Format("20060102T150405")
		text = with(with(text, "DTSTART;TZID=Europe/Berlin:"+local), "DTEND;TZID=Europe/Berlin:"+end)
		zone := strings.Join([]string{"BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "BEGIN:STANDARD", "DTSTART:19701025T030000",
			"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "TZNAME:CET", "END:STANDARD",
			"BEGIN:DAYLIGHT", "DTSTART:19700329T020000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "TZOFFSETFROM:+0100",
			"TZOFFSETTO:+0200", "TZNAME:CEST", "END:DAYLIGHT", "END:VTIMEZONE", "BEGIN:VEVENT"}, "\r\n")
		got := w.anna.save(aPath, w.swap(text, "BEGIN:VEVENT", zone))
		now := w.wantKept(got, c)
		same(w, "start", now.Start.UTC(), start)
	})
	rows.play("attendees come and go", func(w *world) {
		const clara = "clara@partner.example"
		text, c := w.booked("LOCATION:Webinar")
		text = w.swap(text, attendee(text, vera)+"\r\n", "ATTENDEE;PARTSTAT=NEEDS-ACTION;LANGUAGE=uk:mailto:"+clara+"\r\n")
		w.wantKept(w.anna.save(aPath, text), c)
		w.wantMail(vera, "REQUEST", "CANCEL")
		l := w.wantMail(clara, "REQUEST")
		w.wantLinkMail(l, c.Link)
		w.contains(l.text, "запрошує")
		w.contains(w.letter(vera, 0).text, "приглашает") // the organiser's language
		w.contains(w.letter(boris, 0).text, "invites")   // his own
	})
	rows.play("a stale NEEDS-ACTION", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		accepted := w.swap(attendee(text, boris), "PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED")
		answered := w.anna.save(aPath, w.swap(text, attendee(text, boris)+"\r\n", accepted))
		w.contains(attendee(answered, boris), "PARTSTAT=ACCEPTED")
		w.wantMail(boris, "REQUEST") // an answer mails nobody
		// The phone has not seen the answer.
		got := w.phone.save(aPath, with(text, "SUMMARY:From the phone"))
		w.contains(attendee(got, boris), "PARTSTAT=ACCEPTED")
		w.contains(attendee(got, vera), "PARTSTAT=NEEDS-ACTION")
		// Another time asks everybody anew.
		got = w.phone.save(aPath, moved(text, time.Hour))
		w.contains(attendee(got, boris), "PARTSTAT=NEEDS-ACTION")
		w.contains(attendee(got, anna), "PARTSTAT=ACCEPTED")
	})
	rows.play("the conference was deleted at the provider", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.live(w.mts, c.Session, "delete")
		w.none()
		got := w.anna.save(aPath, with(text, "SUMMARY:Changed"))
		now := w.only()
		if now.Link == c.Link {
			w.Error("the link is that of a conference that was deleted")
		}
		w.wantLink(got, now.Link)
		w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST"), now.Link)
	}, func(c *config) { c.Mail.Settle = duration(2 * time.Second) })
	rows.play("an event with attendees is given to another organiser", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		reply := w.anna.do("PUT", aPath, w.swap(text, "ORGANIZER;CN=Anna:mailto:"+anna, "ORGANIZER:mailto:"+vera)).want(http.StatusForbidden)
		if !strings.Contains(reply.body, "allowed-organizer-scheduling-object-change") {
			w.Errorf("the answer does not name its precondition: %s", reply.body)
		}
		w.idle()
		w.wantLink(w.anna.get(aPath).body, c.Link)
	})
	rows.play("an event without attendees is given to another organiser", func(w *world) {
		text := w.anna.save(aPath, event("a", "LOCATION:Webinar"))
		link := w.only().Link
		got := w.anna.save(aPath, with(text, "ORGANIZER:mailto:"+vera))
		w.none()
		if strings.Contains(strings.ReplaceAll(got, "\r\n ", ""), link) {
			w.Errorf("a link of ours is left:\n%s", got)
		}
	})
}
