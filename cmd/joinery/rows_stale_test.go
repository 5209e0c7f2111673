package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/itip"
	"joinery/conference/emulator"
	"joinery/store"
)

// conditions are what clients say of the text that they started from.
var conditions = map[string]func(r *rowsReply) []string{
	"If-Match":              func(r *rowsReply) []string { return []string{"If-Match: " + r.etag()} },
	"If-Schedule-Tag-Match": func(r *rowsReply) []string { return []string{"If-Schedule-Tag-Match: " + r.header.Get("Schedule-Tag")} },
	"nothing":               func(r *rowsReply) []string { return nil },
}

// TestRowsStale plays saves by clients that have not seen what others answered or changed.
func TestRowsStale(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for name, started := range conditions {
		rows.play("an answer that the organiser's client has not seen stays; it says "+name, func(w *world) {
			w.anna.save(aPath, event("a", invitation()...))
			w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
			old := w.anna.get(aPath)
			w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "DECLINED"))
			w.anna.save(aPath, with(old.body, "SUMMARY:Another"), started(old)...)
			w.wantSaid(w.anna.get(aPath).body, boris, "DECLINED")
			got := w.boris.get(borisCopy).body
			w.wantSaid(got, boris, "DECLINED")
			w.contains(got, "SUMMARY:Another")
		})
		rows.play("an answer to one occurrence that the organiser's client has not seen stays; it says "+name, func(w *world) {
			w.anna.save(aPath, seriesOf("a", invitation()...))
			w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
			old := w.anna.get(aPath)
			mine := withOverride(w.boris.get(borisCopy).body, 1)
			w.boris.save(borisCopy, w.inPart(mine, 1, func(p string) string { return says(p, boris, "DECLINED") }))
			w.anna.save(aPath, with(old.body, "SUMMARY:Another"), started(old)...)
			second := part(w.anna.get(aPath).body, 1)
			w.wantSaid(second, boris, "DECLINED")
			w.contains(second, "SUMMARY:Another")
			w.wantSaid(part(w.boris.get(borisCopy).body, 1), boris, "DECLINED")
			// Another time is asked anew, and the occurrence may be taken out.
			text := w.anna.get(aPath).body
			text = w.inPart(text, 1, func(string) string { return "" })
			text = w.anna.save(aPath, w.swap(text, "RRULE:", inMoscow("EXDATE", nth(1))+"\r\nRRULE:"))
			if got := part(text, 1); got != "" {
				w.Errorf("what the organiser took out is back:\n%s", got)
			}
		})
		rows.play("an attendee's client that has not seen another's answer to one occurrence does not undo it; it says "+name, func(w *world) {
			w.anna.save(aPath, seriesOf("a", invitation()...))
			old := w.boris.get(borisCopy)
			w.mailed(vera, 0, "", itip.Part{Occurrence: nth(2), PartStat: "ACCEPTED"})
			w.idle()
			w.wantSaid(part(w.boris.get(borisCopy).body, 2), vera, "ACCEPTED")
			w.boris.save(borisCopy, plus(old.body, "CATEGORIES:Mine"), started(old)...)
			got := w.boris.get(borisCopy).body
			w.wantSaid(part(got, 2), vera, "ACCEPTED")
			w.contains(got, "CATEGORIES:Mine")
		})
		rows.play("who is sent instead stays; the organiser's client says "+name, func(w *world) {
			const galya = "galya@example.org"
			w.addUser(galya, "Galya", "uk")
			w.anna.save(aPath, event("a", invitation()...))
			old := w.anna.get(aPath)
			mine := w.boris.get(borisCopy).body
			given := `ATTENDEE;CN=Boris;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:galya@example.org":mailto:` + boris
			w.boris.save(borisCopy, plus(w.swap(mine, person(mine, boris), given), `ATTENDEE;CN=Galya;DELEGATED-FROM="mailto:`+boris+`":mailto:`+galya))
			w.anna.save(aPath, with(old.body, "SUMMARY:Another"), started(old)...)
			text := w.anna.get(aPath).body
			w.wantSaid(text, boris, "DELEGATED")
			w.contains(person(text, boris), "DELEGATED-TO")
			w.contains(person(text, galya), "DELEGATED-FROM")
			w.lacks(w.device(galya, "x").get("/calendars/"+galya+"/calendar/a.ics").body, "CANCELLED")
		})
	}
	for name, started := range conditions {
		// The provider's conference is gone, and another link stands where the client saw that one.
		replaced := func(w *world) (old *rowsReply, c emulator.Conference) {
			_, first := w.booked("LOCATION:Webinar")
			old = w.anna.get(aPath)
			w.live(w.mts, first.Session, "delete")
			w.at(tomorrow().Add(-29 * time.Minute))
			c = w.only()
			w.wantLink(w.anna.get(aPath).body, c.Link)
			return old, c
		}
		rows.play("the link is deleted by a client that has not seen that we replaced it; it says "+name, func(w *world) {
			old, _ := replaced(w)
			w.wantNoTrace(w.anna.save(aPath, without(old.body, "LOCATION"), started(old)...))
			w.none()
		})
		rows.play("a place is typed over the link that we have replaced; the client says "+name, func(w *world) {
			old, c := replaced(w)
			got := w.anna.save(aPath, with(old.body, "LOCATION:Room 7"), started(old)...)
			same(w, "LOCATION", value(got, "LOCATION"), "Room 7")
			w.contains(value(got, "DESCRIPTION"), c.Link)
			w.wantKept(got, c)
		})
		rows.play("another kind is typed over the link that we have replaced; the client says "+name, func(w *world) {
			old, c := replaced(w)
			got := w.anna.save(aPath, with(old.body, "LOCATION:MTS Link"), started(old)...)
			w.wantLink(got, w.only().Link)
			w.lacks(joined(logical(got)), c.Link)
			same(w, "type", w.only().Type, "meeting")
		})
		rows.play("the word is typed over the link that we have replaced: that was another already; the client says "+name, func(w *world) {
			old, c := replaced(w)
			got := w.anna.save(aPath, with(old.body, "LOCATION:Webinar"), started(old)...)
			w.wantLink(got, c.Link)
			w.wantKept(got, c)
		})
		rows.play("the link of one occurrence is deleted by a client that has not seen the next one's; it says "+name, func(w *world) {
			text := w.anna.save(aPath, withOverride(seriesOf("a", invitation("LOCATION:Webinar")...), 1, "SUMMARY:Second"))
			old := w.anna.get(aPath)
			first := w.onlyAt(nth(0))
			w.at(nth(0).Add(10 * time.Minute))
			w.live(w.mts, first.Session, "stop")
			w.at(nth(0).Add(70 * time.Minute))
			w.wantLink(part(w.anna.get(aPath).body, 1), w.onlyAt(nth(1)).Link)
			got := w.anna.save(aPath, w.bared(text, 1, "LOCATION"), started(old)...)
			w.lacks(joined(logical(part(got, 1))), "mts-link.ru")
			w.wantLink(part(got, whole), w.onlyAt(nth(2)).Link)
		}, func(c *config) { c.Conference.SeriesLinks = "direct" })
	}
	rows.play("what the organiser says of somebody on purpose counts", func(w *world) {
		w.anna.save(aPath, event("a", invitation()...))
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		hers := w.anna.get(aPath)
		w.anna.save(aPath, says(hers.body, boris, "DECLINED"), "If-Match: "+hers.etag())
		w.wantSaid(w.anna.get(aPath).body, boris, "DECLINED")
	})
	rows.play("an occurrence is changed by a client that has not seen the answer to the series", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation("LOCATION:Webinar")...))
		old := w.anna.get(aPath)
		w.boris.put(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		w.idle()
		w.anna.put(aPath, withOverride(old.body, 2, "SUMMARY:Special"), "If-Match: "+old.etag())
		w.idle()
		w.wantSaid(part(w.anna.get(aPath).body, 2), boris, "ACCEPTED")
	})
	rows.play("an attendee's client with the old time: the copy is found at the new one", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		old := w.boris.get(borisCopy).body
		start := tomorrow().Add(72 * time.Hour)
		w.anna.save(aPath, with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
		w.boris.put(borisCopy, plus(old, "CATEGORIES:x"))
		w.idle()
		w.contains(w.boris.get(borisCopy).body, "DTSTART:"+start.Format(utcStamp))
		report := func(at time.Time) string {
			query := `<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop><C:filter>` +
				`<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="` + at.Format(utcStamp) + `" end="` +
				at.Add(time.Hour).Format(utcStamp) + `"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
			return w.boris.do("REPORT", borisCalendar, query, "Depth: 1", "Content-Type: application/xml").want(http.StatusMultiStatus).body
		}
		w.contains(report(start), "a.ics")
		w.lacks(report(tomorrow()), "a.ics")
	})
	rows.play("an attendee's client with the old text of what is called off", func(w *world) {
		w.booked("LOCATION:Webinar")
		old := w.boris.get(borisCopy).body
		w.anna.gone(aPath)
		w.later(time.Minute)
		w.idle()
		w.contains(w.boris.get(borisCopy).body, "STATUS:CANCELLED")
		w.boris.put(borisCopy, says(old, boris, "ACCEPTED"))
		w.idle()
		w.contains(w.boris.get(borisCopy).body, "STATUS:CANCELLED")
	})
	rows.play("the organiser makes it an event without people", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		w.anna.save(aPath, without(text, "ORGANIZER", "ATTENDEE"))
		w.later(time.Minute)
		w.idle()
		w.contains(w.boris.get(borisCopy).body, "STATUS:CANCELLED")
	})
	rows.play("the copy deleted, taken off the event, invited again", func(w *world) {
		w.booked("LOCATION:Webinar")
		w.boris.gone(borisCopy)
		w.later(time.Minute)
		w.idle()
		text := w.anna.get(aPath).body
		text = w.anna.save(aPath, w.swap(text, person(text, boris)+"\r\n", ""))
		w.later(time.Minute)
		w.idle()
		w.anna.save(aPath, plus(text, "ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:"+boris))
		w.boris.get(borisCopy)
	})
	rows.play("accepted on the page after the copy was deleted", func(w *world) {
		w.booked("LOCATION:Webinar")
		w.boris.delete(borisCopy)
		var id int64
		w.update(func(tx *store.Tx) error {
			u, err := tx.UserByLogin(anna)
			if err != nil {
				return err
			}
			ev, err := tx.EventByUID(u.ID, "a")
			id = ev.ID
			return err
		})
		out, err := w.app.changer.Answer(context.Background(), change.Answer{
			EventID: id, Address: boris, Parts: []itip.Part{{PartStat: "ACCEPTED"}}, Sequence: -1, Source: change.FromPage,
		})
		if err != nil || out != change.OutcomeApplied {
			w.Fatalf("the answer: %s, %v", out, err)
		}
		w.later(time.Minute)
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "ACCEPTED")
		w.boris.get(borisCopy)
	})
}
