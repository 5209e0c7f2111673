package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/itip"
	"joinery/store"
)

// mailed answers anna's event a by mail, for what had this SEQUENCE.
func (w *world) mailed(address string, sequence int, comment string, parts ...itip.Part) change.Outcome {
	w.Helper()
	return w.mailedAt(w.now(), address, sequence, comment, parts...)
}

// mailedAt is mailed by a clock that says stamp.
func (w *world) mailedAt(stamp time.Time, address string, sequence int, comment string, parts ...itip.Part) change.Outcome {
	w.Helper()
	var id int64
	w.update(func(tx *store.Tx) error {
		u, err := tx.UserByLogin(anna)
		if err != nil {
			return err
		}
		ev, err := tx.EventByUID(u.ID, "a")
		if err == nil {
			id = ev.ID
		}
		return err
	})
	out, err := w.app.changer.Answer(context.Background(), change.Answer{
		EventID: id, Address: address, Parts: parts, Sequence: sequence, Stamp: stamp, Comment: comment, Source: change.FromMail,
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// TestRowsAnswered plays answers that meet other saves.
func TestRowsAnswered(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	accepted, declined, tentative := itip.Part{PartStat: "ACCEPTED"}, itip.Part{PartStat: "DECLINED"}, itip.Part{PartStat: "TENTATIVE"}
	rows.play("an organiser's save holds answers of before", func(w *world) {
		w.anna.save(aPath, event("a", invitation()...))
		w.mailed(vera, 0, "", tentative)
		w.idle()
		before := w.anna.get(aPath)
		w.mailed(vera, 0, "", accepted)
		w.idle()
		got := w.anna.save(aPath, with(before.body, "SUMMARY:Another"), "If-Match: "+before.etag())
		w.wantSaid(got, vera, "ACCEPTED")
		w.mailed(vera, 0, "", declined)
		got = w.anna.save(aPath, with(got, "SUMMARY:Without a condition"))
		w.wantSaid(got, vera, "DECLINED")
		// What the organiser sets stands.
		w.wantSaid(w.anna.save(aPath, says(got, vera, "TENTATIVE"), "If-Match: "+w.anna.get(aPath).etag()), vera, "TENTATIVE")
	})
	rows.play("an organiser's save does not know the answer to one occurrence", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation()...))
		before := w.anna.get(aPath)
		w.mailed(vera, 0, "", itip.Part{Occurrence: nth(2), PartStat: "DECLINED"})
		w.idle()
		got := w.anna.save(aPath, with(before.body, "SUMMARY:Another"), "If-Match: "+before.etag())
		w.wantSaid(part(got, 2), vera, "DECLINED")
		w.contains(part(got, 2), "SUMMARY:Another")
		got = w.anna.save(aPath, with(before.body, "SUMMARY:Once more"))
		w.wantSaid(part(got, 2), vera, "DECLINED")
	})
	rows.play("an event is deleted and stored again as a client knew it before", func(w *world) {
		old := w.anna.save(aPath, event("a", invitation()...))
		start := tomorrow().Add(4 * time.Hour)
		text := w.anna.save(aPath, with(with(old, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
		w.mailed(vera, 1, "", accepted)
		w.anna.delete(aPath)
		got := w.anna.save(aPath, with(with(text, "SEQUENCE:0"), "SUMMARY:Back"))
		w.wantSaid(got, vera, "ACCEPTED")
		same(w, "SEQUENCE", value(got, "SEQUENCE"), "1")
		same(w, "an answer to the time of before", w.mailed(vera, 0, "", declined), change.OutcomeOlder)
		w.anna.delete(aPath)
		got = w.anna.save(aPath, with(old, "SUMMARY:Back at the first time"))
		w.wantSaid(got, vera, "NEEDS-ACTION")
		same(w, "SEQUENCE", value(got, "SEQUENCE"), "2")
	})
	rows.play("a moved occurrence has the SEQUENCE that it is mailed with", func(w *world) {
		text := w.anna.save(aPath, seriesOf("a", invitation()...))
		text = withOverride(text, 1, from(nth(1).Add(time.Hour))...)
		text = w.anna.save(aPath, text)
		mailed := value(joined(logical(w.wantMail(vera, "REQUEST", "REQUEST").calendar)), "SEQUENCE")
		same(w, "SEQUENCE", value(part(text, 1), "SEQUENCE"), mailed)
		w.anna.save(aPath, w.inPart(text, 1, func(part string) string { return moved(part, time.Hour) }))
		same(w, "an answer to the first move", w.mailed(vera, 1, "", itip.Part{Occurrence: nth(1), PartStat: "ACCEPTED"}), change.OutcomeStale)
	})
	rows.play("an answer from a copy that does not know the new time", func(w *world) {
		w.anna.save(aPath, event("a", invitation("LOCATION:Webinar")...))
		before := w.boris.get(borisCopy)
		start := tomorrow().Add(3 * time.Hour)
		text := with(w.anna.get(aPath).body, "LOCATION:МТС Линк") // while another link is made nothing is delivered
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
		w.boris.put(borisCopy, says(before.body, boris, "ACCEPTED"))
		w.mts.SetPlanLapsed(false)
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "NEEDS-ACTION")
		got := w.boris.get(borisCopy).body
		w.wantSaid(got, boris, "NEEDS-ACTION")
		w.contains(got, "DTSTART:"+start.Format(utcStamp))
	}, func(c *config) { c.CalDAV.WaitForLink = duration(100 * time.Millisecond) })
	rows.play("an occurrence is taken out of a copy that does not know its new time", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation("LOCATION:Webinar")...))
		before := w.boris.get(borisCopy)
		w.delayed(4)
		text := withOverride(with(w.anna.get(aPath).body, "LOCATION:МТС Линк"), 2, from(nth(2).Add(48*time.Hour))...)
		saved := make(chan error, 1)
		go func() {
			_, err := w.anna.try("PUT", aPath, text) // it waits for the other link, and nothing is delivered until then
			saved <- err
		}()
		w.eventually(func() error {
			if !strings.Contains(w.phone.get(aPath).body, "RECURRENCE-ID") {
				return errors.New("the occurrence is not moved yet")
			}
			return nil
		})
		w.boris.put(borisCopy, strings.Replace(before.body, "RRULE:", inMoscow("EXDATE", nth(2))+"\r\nRRULE:", 1), "If-Match: "+before.etag())
		if err := <-saved; err != nil {
			w.Fatal(err)
		}
		w.idle()
		w.wantSaid(part(w.anna.get(aPath).body, 2), boris, "NEEDS-ACTION")
		got := w.boris.get(borisCopy).body
		w.lacks(got, "EXDATE")
		w.wantSaid(part(got, 2), boris, "NEEDS-ACTION")
		w.contains(part(got, 2), from(nth(2).Add(48*time.Hour))...)
	}, func(c *config) { c.CalDAV.WaitForLink = duration(time.Minute) })
	for way, accepts := range map[string]func(w *world){
		"by mail":         func(w *world) { w.mailed(boris, 0, "", accepted) },
		"in the calendar": func(w *world) { w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED")) },
	} {
		rows.play("who took out an occurrence declines the series and accepts all "+way, func(w *world) {
			text := w.anna.save(aPath, seriesOf("a", invitation()...))
			w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
			w.boris.save(borisCopy, strings.Replace(w.boris.get(borisCopy).body, "RRULE:", inMoscow("EXDATE", nth(2))+"\r\nRRULE:", 1))
			w.wantSaid(part(w.anna.get(aPath).body, 2), boris, "DECLINED")
			w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "DECLINED"))
			w.anna.save(aPath, with(text, "SUMMARY:From a client of before")) // the occurrence says nothing of its own any more
			w.lacks(w.anna.get(aPath).body, "RECURRENCE-ID")
			accepts(w)
			w.idle()
			w.wantSaid(w.anna.get(aPath).body, boris, "ACCEPTED")
			w.lacks(w.anna.get(aPath).body, "DECLINED")
			w.lacks(w.boris.get(borisCopy).body, "EXDATE")
		})
	}
	rows.play("a comment is told once where an occurrence keeps it and the series loses it", func(w *world) {
		w.anna.save(aPath, withOverride(seriesOf("a", invitation()...), 2, from(nth(2).Add(time.Hour))...))
		mine := says(w.boris.get(borisCopy).body, boris, "ACCEPTED")
		w.boris.save(borisCopy, strings.ReplaceAll(mine, "BEGIN:VEVENT", "BEGIN:VEVENT\r\nCOMMENT:from afar"))
		w.idle()
		mine = w.boris.get(borisCopy).body
		w.boris.save(borisCopy, says(strings.Replace(mine, "COMMENT:from afar", "COMMENT:after all in the room", 1), boris, "TENTATIVE"))
		w.idle()
		mine = w.boris.get(borisCopy).body
		w.boris.save(borisCopy, says(strings.Replace(mine, "COMMENT:after all in the room\r\n", "", 1), boris, "ACCEPTED"))
		w.idle()
		w.later(time.Hour)
		w.idle()
		for _, comment := range []string{"from afar", "after all in the room"} {
			told := slices.DeleteFunc(w.letters(anna), func(l rowsLetter) bool { return !strings.Contains(l.text, comment) })
			same(w, "mails that tell "+comment, len(told), 1)
		}
	})
	rows.play("the copy of what was called off is saved when it takes place again", func(w *world) {
		text := w.anna.save(aPath, withOverride(seriesOf("a", invitation()...), 2, from(nth(2).Add(time.Hour))...))
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		w.anna.delete(aPath)
		w.idle()
		calledOff := w.boris.get(borisCopy).body
		w.contains(part(calledOff, 2), "STATUS:CANCELLED")
		w.anna.save(aPath, text)
		w.idle()
		w.boris.put(borisCopy, plus(calledOff, "TRANSP:TRANSPARENT"))
		w.idle()
		got := w.anna.get(aPath).body
		w.wantSaid(got, boris, "ACCEPTED")
		w.wantSaid(part(got, 2), boris, "ACCEPTED")
		w.lacks(w.boris.get(borisCopy).body, "EXDATE", "CANCELLED")
	})
	rows.play("a copy is deleted after an answer by a mail whose clock is ahead, of which the organiser was told since", func(w *world) {
		w.anna.save(aPath, event("a", invitation()...))
		w.mailedAt(w.now().Add(20*time.Minute), boris, 0, "perhaps", itip.Part{PartStat: "TENTATIVE"})
		w.idle()
		w.boris.delete(borisCopy)
		w.later(time.Minute)
		w.idle()
		w.contains(w.letters(anna)[0].text, "perhaps")
		w.later(time.Minute)
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "DECLINED")
		w.boris.do("GET", borisCopy, "").want(404)
	}, func(c *config) { c.Settle, c.Mail.Settle = duration(100*time.Second), duration(40*time.Second) })
	rows.play("a copy is deleted while the organiser takes out an occurrence", func(w *world) {
		text := w.anna.save(aPath, seriesOf("a", invitation()...))
		w.boris.delete(borisCopy)
		w.anna.save(aPath, strings.Replace(text, "RRULE:", inMoscow("EXDATE", nth(2))+"\r\nRRULE:", 1))
		w.later(time.Minute)
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "DECLINED")
		w.boris.do("GET", borisCopy, "").want(404)
		// Whoever is invited anew is given another.
		text = w.anna.get(aPath).body
		line := person(text, boris)
		without := w.anna.save(aPath, w.swap(text, line+"\r\n", ""))
		w.idle()
		w.anna.save(aPath, plus(without, "ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION:mailto:"+boris))
		w.idle()
		w.wantSaid(w.boris.get(borisCopy).body, boris, "NEEDS-ACTION")
	})
	rows.play("who is not invited any more stores the event from the mail", func(w *world) {
		w.anna.save(aPath, event("a", invitation()...))
		mine := w.boris.get(borisCopy).body
		w.boris.gone(borisCopy)
		w.anna.save(aPath, w.swap(w.anna.get(aPath).body, person(w.anna.get(aPath).body, boris)+"\r\n", ""))
		w.boris.save("/calendars/"+boris+"/work/mailed.ics", says(mine, boris, "ACCEPTED"))
		w.idle()
		w.contains(w.boris.get("/calendars/"+boris+"/work/mailed.ics").body, "STATUS:CANCELLED")
		w.lacks(w.anna.get(aPath).body, boris)
	})
	rows.play("an occurrence that was answered with perhaps stays so when a place of the series is free", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation("X-JOINERY-CONFERENCE;CAPACITY=1:mtslink")...))
		w.mailed(vera, 0, "", itip.Part{Occurrence: nth(2), PartStat: "TENTATIVE"})
		w.mailed(boris, 0, "", accepted)
		same(w, "outcome", w.mailed(vera, 0, "", accepted), change.OutcomeWaiting)
		w.mailed(vera, 0, "", itip.Part{Occurrence: nth(3), PartStat: "TENTATIVE"}) // as who waits stands there
		w.mailed(boris, 0, "", declined)
		w.idle()
		got := w.anna.get(aPath).body
		w.wantSaid(got, vera, "ACCEPTED")
		w.wantSaid(part(got, 2), vera, "TENTATIVE")
		w.wantSaid(part(got, 3), vera, "TENTATIVE")
	})
	rows.play("a full occurrence that was answered with perhaps keeps nobody from the series", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation("X-JOINERY-CONFERENCE;CAPACITY=1:mtslink")...))
		w.mailed(vera, 0, "", itip.Part{Occurrence: nth(2), PartStat: "TENTATIVE"})
		w.mailed(boris, 0, "", accepted)
		same(w, "outcome", w.mailed(vera, 0, "", accepted), change.OutcomeWaiting)
		w.mailed(boris, 0, "", declined, itip.Part{Occurrence: nth(2), PartStat: "ACCEPTED"})
		w.idle()
		got := w.anna.get(aPath).body
		w.wantSaid(part(got, 2), boris, "ACCEPTED")
		w.wantSaid(got, vera, "ACCEPTED")
		w.wantSaid(part(got, 2), vera, "TENTATIVE")
	})
	rows.play("perhaps was the answer to another time than the occurrence has when a place of the series is free", func(w *world) {
		text := w.anna.save(aPath, seriesOf("a", invitation("X-JOINERY-CONFERENCE;CAPACITY=1:mtslink")...))
		w.mailed(vera, 0, "", itip.Part{Occurrence: nth(2), PartStat: "TENTATIVE"})
		w.mailed(boris, 0, "", accepted)
		w.anna.save(aPath, withOverride(text, 2, from(nth(2).Add(time.Hour))...))
		w.wantSaid(part(w.anna.get(aPath).body, 2), vera, "NEEDS-ACTION")
		same(w, "outcome", w.mailed(vera, 1, "", accepted), change.OutcomeWaiting)
		w.wantSaid(part(w.anna.get(aPath).body, 2), vera, "TENTATIVE")
		w.mailed(boris, 1, "", declined)
		w.idle()
		got := w.anna.get(aPath).body
		w.wantSaid(got, vera, "ACCEPTED")
		w.wantSaid(part(got, 2), vera, "ACCEPTED")
	})
	rows.play("an occurrence that was taken out is accepted on the page", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation()...))
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		w.boris.save(borisCopy, strings.Replace(w.boris.get(borisCopy).body, "RRULE:", inMoscow("EXDATE", nth(2))+"\r\nRRULE:", 1))
		w.wantSaid(part(w.anna.get(aPath).body, 2), boris, "DECLINED")
		w.mailed(boris, -1, "", itip.Part{Occurrence: nth(2), PartStat: "ACCEPTED"})
		w.idle()
		w.lacks(w.boris.get(borisCopy).body, "EXDATE")
	})
	rows.play("who was taken off one occurrence is invited to it again", func(w *world) {
		text := w.anna.save(aPath, seriesOf("a", invitation()...))
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		line := person(text, boris)
		text = withOverride(w.anna.get(aPath).body, 2)
		text = w.anna.save(aPath, w.inPart(text, 2, func(p string) string { return w.swap(p, person(p, boris)+"\r\n", "") }))
		w.contains(w.boris.get(borisCopy).body, inMoscow("EXDATE", nth(2)))
		w.boris.save(borisCopy, plus(w.boris.get(borisCopy).body, "CATEGORIES:Mine"))
		w.anna.save(aPath, w.inPart(text, 2, func(p string) string { return plus(p, line) }))
		got := w.boris.get(borisCopy).body
		w.lacks(got, "EXDATE")
		w.wantSaid(part(got, 2), boris, "NEEDS-ACTION")
		w.wantSaid(part(w.anna.get(aPath).body, 2), boris, "NEEDS-ACTION")
	})
	rows.play("who was taken off one occurrence is on the series, and it is as the others again", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation()...))
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		text := w.anna.get(aPath).body
		other := withOverride(text, 2)
		other = w.anna.save(aPath, w.inPart(other, 2, func(p string) string { return w.swap(p, person(p, boris)+"\r\n", "") }))
		w.contains(w.boris.get(borisCopy).body, inMoscow("EXDATE", nth(2)))
		w.boris.save(borisCopy, plus(w.boris.get(borisCopy).body, "CATEGORIES:Mine"))
		w.anna.save(aPath, w.inPart(other, 2, func(string) string { return "" }), "If-Match: "+w.anna.get(aPath).etag())
		w.wantSaid(w.anna.get(aPath).body, boris, "ACCEPTED")
		w.lacks(w.boris.get(borisCopy).body, "EXDATE")
	})
	rows.play("an occurrence that was taken out stays so when another is changed, and one that is over too", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation()...))
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		w.at(nth(0).Add(2 * time.Hour))
		out := inMoscow("EXDATE", nth(0)) + "\r\n" + inMoscow("EXDATE", nth(2)) + "\r\nRRULE:"
		w.boris.save(borisCopy, strings.Replace(w.boris.get(borisCopy).body, "RRULE:", out, 1))
		w.wantSaid(part(w.anna.get(aPath).body, 2), boris, "DECLINED")
		w.anna.save(aPath, with(w.anna.get(aPath).body, "SUMMARY:Another"))
		got := w.boris.get(borisCopy).body
		w.contains(got, inMoscow("EXDATE", nth(0)), inMoscow("EXDATE", nth(2)), "SUMMARY:Another")
	})
	rows.play("who took out an occurrence is invited anew", func(w *world) {
		text := w.anna.save(aPath, seriesOf("a", invitation()...))
		line := person(text, boris)
		mine := w.boris.get(borisCopy).body
		w.boris.save(borisCopy, strings.Replace(mine, "RRULE:", inMoscow("EXDATE", nth(2))+"\r\nRRULE:", 1))
		withoutHim := w.anna.save(aPath, seriesOf("a", "ORGANIZER;CN=Anna:mailto:"+anna, "ATTENDEE;CN=Vera:mailto:"+vera))
		w.contains(w.boris.get(borisCopy).body, "STATUS:CANCELLED")
		w.anna.save(aPath, plus(withoutHim, line))
		w.wantSaid(w.anna.get(aPath).body, boris, "NEEDS-ACTION")
		w.lacks(w.boris.get(borisCopy).body, "EXDATE", "CANCELLED")
	})
	rows.play("a copy is deleted while the event is called off", func(w *world) {
		text := w.anna.save(aPath, event("a", invitation()...))
		w.boris.delete(borisCopy)
		w.anna.save(aPath, with(text, "STATUS:CANCELLED"))
		w.later(time.Minute)
		w.idle()
		w.anna.save(aPath, with(w.anna.get(aPath).body, "STATUS:CONFIRMED"))
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "NEEDS-ACTION")
		w.wantSaid(w.boris.get(borisCopy).body, boris, "NEEDS-ACTION")
	})
	rows.play("who waits for a place waits no longer after a reschedule", func(w *world) {
		w.anna.save(aPath, event("a", invitation("X-JOINERY-CONFERENCE;CAPACITY=1:mtslink")...))
		w.mailed(boris, 0, "", accepted)
		same(w, "outcome", w.mailed(vera, 0, "", accepted), change.OutcomeWaiting)
		start := tomorrow().Add(3 * time.Hour)
		text := w.anna.save(aPath, with(with(w.anna.get(aPath).body, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
		w.wantSaid(text, boris, "NEEDS-ACTION")
		w.wantSaid(text, vera, "NEEDS-ACTION")
		w.mailed(boris, 1, "", declined)
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, vera, "NEEDS-ACTION")
	})
	rows.play("what is written before the organiser is told is told together", func(w *world) {
		w.anna.save(aPath, event("a", invitation()...))
		start := tomorrow().Add(26 * time.Hour)
		w.mailed(vera, 0, "Better then.", itip.Part{PartStat: "TENTATIVE", Start: start, End: start.Add(time.Hour)})
		w.mailed(vera, 0, "", accepted)
		w.mailed(vera, 0, "Until four only.", accepted)
		w.later(time.Minute)
		w.idle()
		note := w.wantMail(anna, "NOTE")
		w.contains(note.text, "Better then.", "Until four only.", start.In(yearsZone("Europe/Moscow")).Format("15:04"))
		w.mailed(vera, 0, "Until four only.", tentative)
		w.later(time.Minute)
		w.idle()
		w.wantMail(anna, "NOTE")
	})
}
