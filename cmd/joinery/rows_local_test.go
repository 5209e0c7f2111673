package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// borisCopy is where what boris is invited to is delivered.
const borisCopy = borisCalendar + "a.ics"

// person is the line of an attendee in a text, unfolded; empty if there is none.
func person(text, address string) string {
	for _, l := range logical(text) {
		if lineName(l) == "ATTENDEE" && strings.HasSuffix(strings.ToLower(l), ":mailto:"+address) {
			return l
		}
	}
	return ""
}

// says changes what an attendee says in every component of a text.
func says(text, address, partstat string) string {
	lines := logical(text)
	for i, l := range lines {
		if lineName(l) != "ATTENDEE" || !strings.HasSuffix(strings.ToLower(l), ":mailto:"+address) {
			continue
		}
		parts := strings.Split(l[:strings.LastIndex(strings.ToLower(l), ":mailto:")], ";")
		parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, "PARTSTAT=") || p == "RSVP=TRUE" })
		lines[i] = strings.Join(append(parts, "PARTSTAT="+partstat), ";") + ":mailto:" + address
	}
	return joined(lines)
}

// wantSaid checks what somebody says in a text.
func (w *world) wantSaid(text, address, partstat string) {
	w.Helper()
	l := person(text, address)
	got := "NEEDS-ACTION"
	if _, after, ok := strings.Cut(l, ";PARTSTAT="); ok {
		got = after[:strings.IndexAny(after, ";:")]
	}
	if l == "" || got != partstat {
		w.Errorf("%s says %q, want %q in\n%s", address, got, partstat, text)
	}
}

// wantShown checks that an attendee's copy shows the link wherever people look for it.
func (w *world) wantShown(text, link string) {
	w.Helper()
	for _, name := range []string{"LOCATION", "URL", "DESCRIPTION", "CONFERENCE"} {
		w.contains(value(text, name), link)
	}
}

// inbox are the messages in somebody's scheduling inbox.
func (w *world) inbox(login string) []string {
	w.Helper()
	var out []string
	w.update(func(tx *store.Tx) error {
		u, err := tx.UserByLogin(login)
		if err != nil {
			return err
		}
		inbox, err := tx.Inbox(u.ID)
		if err != nil {
			return err
		}
		ids, err := tx.ObjectIDs(inbox.ID)
		for _, id := range ids {
			o, err := tx.ObjectByID(id)
			if err != nil {
				return err
			}
			out = append(out, string(o.Data))
		}
		return err
	})
	return out
}

func (w *world) addRoom(address, name string) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		u := &store.User{Login: address, Name: name, Locale: "en", Zone: "Europe/Moscow", Addresses: []string{address}, Kind: store.UserRoom}
		if err := tx.CreateUser(u); err != nil {
			return err
		}
		return tx.CreateCalendar(&store.Calendar{UserID: u.ID, Slug: "calendar", Name: "calendar", Components: []string{"VEVENT"}})
	})
}

// TestRowsLocal plays invitations between people who are served here.
func TestRowsLocal(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("an invited user finds the event with its link, and answers", func(w *world) {
		text, c := w.booked("LOCATION:Webinar", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DESCRIPTION:hers", "END:VALARM")
		w.contains(person(text, boris), "SCHEDULE-STATUS=1.2")
		w.contains(person(text, vera), "SCHEDULE-STATUS=1.1")
		got := w.boris.get(borisCopy)
		w.wantShown(got.body, c.Link)
		w.lacks(got.body, "VALARM", "SCHEDULE-STATUS", "X-JOINERY", "METHOD")
		w.wantSaid(got.body, boris, "NEEDS-ACTION")
		if got.header.Get("Schedule-Tag") == "" {
			w.Error("the copy has no Schedule-Tag")
		}
		inbox := w.inbox(boris)
		if len(inbox) != 1 {
			w.Fatalf("the inbox holds %d messages, want 1", len(inbox))
		}
		w.contains(inbox[0], "METHOD:REQUEST", "UID:a")
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), c.Link)

		tag := w.anna.get(aPath).header.Get("Schedule-Tag")
		w.boris.put(borisCopy, says(got.body, boris, "ACCEPTED"), "If-Match: "+got.etag())
		hers := w.anna.get(aPath) // at once
		w.wantSaid(hers.body, boris, "ACCEPTED")
		w.contains(person(hers.body, boris), "SCHEDULE-STATUS=2.0")
		same(w, "the organiser's Schedule-Tag", hers.header.Get("Schedule-Tag"), tag)
		w.contains(hers.body, "VALARM")
		w.idle()
		w.contains(w.boris.get(borisCopy).body, "SCHEDULE-STATUS=2.0")
		w.contains(person(w.anna.get(aPath).body, boris), "SCHEDULE-STATUS=2.0")
		w.contains(strings.Join(w.inbox(anna), ""), "METHOD:REPLY", "PARTSTAT=ACCEPTED")
		w.wantMail(anna)
		w.wantMail(boris, "REQUEST")
		w.wantMail(vera, "REQUEST")
		w.wantKept(w.anna.get(aPath).body, c)
	})
	rows.play("a change of the time asks anew, another change does not", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		mine := w.boris.get(borisCopy)
		w.boris.put(borisCopy, plus(says(mine.body, boris, "ACCEPTED"), "TRANSP:TRANSPARENT"))
		w.idle()
		text := w.anna.save(aPath, with(w.anna.get(aPath).body, "SUMMARY:Another title"))
		mine = w.boris.get(borisCopy)
		w.contains(mine.body, "SUMMARY:Another title", "TRANSP:TRANSPARENT")
		w.wantSaid(mine.body, boris, "ACCEPTED")
		start := tomorrow().Add(3 * time.Hour)
		text = with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp))
		text = w.anna.save(aPath, text)
		w.wantSaid(text, boris, "NEEDS-ACTION")
		got := w.boris.get(borisCopy)
		w.wantSaid(got.body, boris, "NEEDS-ACTION")
		w.contains(got.body, "DTSTART:"+start.Format(utcStamp), "TRANSP:TRANSPARENT")
		w.wantShown(got.body, c.Link)
		if got.header.Get("Schedule-Tag") == mine.header.Get("Schedule-Tag") {
			w.Error("the Schedule-Tag is the same after the organiser's change")
		}
		// A client with the text of before answers: it is told that there is something new.
		w.boris.do("PUT", borisCopy, says(mine.body, boris, "DECLINED"), "If-Match: "+mine.etag()).want(http.StatusPreconditionFailed)
		// One that says no condition answers for the time that it knew: that is no answer to this one.
		w.boris.put(borisCopy, says(mine.body, boris, "DECLINED"))
		w.idle()
		w.contains(w.boris.get(borisCopy).body, "DTSTART:"+start.Format(utcStamp))
		w.wantSaid(w.anna.get(aPath).body, boris, "NEEDS-ACTION")
	})
	rows.play("others see an answer without being mailed, and keep their Schedule-Tag", func(w *world) {
		w.addUser("galya@example.org", "Galya", "uk")
		galya := w.device("galya@example.org", "DAVx5/4.5")
		w.anna.save(aPath, event("a", invitation("ATTENDEE:mailto:galya@example.org")...))
		hers := galya.get("/calendars/galya@example.org/calendar/a.ics")
		w.boris.put(borisCopy, says(w.boris.get(borisCopy).body, boris, "TENTATIVE"))
		w.idle()
		got := galya.get("/calendars/galya@example.org/calendar/a.ics")
		w.wantSaid(got.body, boris, "TENTATIVE")
		same(w, "Schedule-Tag", got.header.Get("Schedule-Tag"), hers.header.Get("Schedule-Tag"))
		galya.put("/calendars/galya@example.org/calendar/a.ics", says(hers.body, "galya@example.org", "ACCEPTED"),
			"If-Schedule-Tag-Match: "+hers.header.Get("Schedule-Tag"))
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "TENTATIVE")
		w.wantSaid(w.anna.get(aPath).body, "galya@example.org", "ACCEPTED")
		w.wantMail("galya@example.org", "REQUEST")
		w.wantMail(boris, "REQUEST")
		w.wantMail(vera, "REQUEST")
	})
	rows.play("an answer given from the mail before the calendar was read", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		mailed := joined(logical(w.wantMail(boris, "REQUEST").calendar))
		mailed = without(mailed, "METHOD")
		path := "/calendars/" + boris + "/work/from-the-mail.ics"
		w.boris.put(path, says(mailed, boris, "ACCEPTED"), "If-None-Match: *")
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "ACCEPTED")
		w.boris.do("GET", borisCopy, "").want(http.StatusNotFound)
		w.wantShown(w.boris.get(path).body, c.Link)
		w.wantKept(text, c)
		w.wantMail(anna)
		// A second client that does the same finds the UID taken.
		w.boris.do("PUT", "/calendars/"+boris+"/work/again.ics", says(mailed, boris, "ACCEPTED"), "If-None-Match: *").want(http.StatusForbidden)
	})
	rows.play("a client that accepts from the mail chooses the name of the delivered copy", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		mailed := without(joined(logical(w.wantMail(boris, "REQUEST").calendar)), "METHOD")
		w.boris.put(borisCopy, says(mailed, boris, "ACCEPTED"), "If-None-Match: *")
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "ACCEPTED")
		w.wantShown(w.boris.get(borisCopy).body, c.Link)
		w.boris.do("PUT", borisCopy, says(mailed, boris, "DECLINED"), "If-None-Match: *").want(http.StatusPreconditionFailed)
		w.wantMail(anna)
	})
	rows.play("an attendee may change only what is the attendee's", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		mine := w.boris.get(borisCopy).body
		start := tomorrow().Add(5 * time.Hour).Format(utcStamp)
		for _, edited := range []string{
			with(mine, "DTSTART:"+start), with(mine, "SUMMARY:Mine"), plus(mine, "RRULE:FREQ=DAILY"),
		} {
			w.boris.refusedBy(borisCopy, edited, "allowed-attendee-scheduling-object-change")
		}
		w.boris.put(borisCopy, says(plus(with(mine, "DESCRIPTION:rewrapped"), "CATEGORIES:Mine"), vera, "DECLINED"))
		w.idle()
		got := w.boris.get(borisCopy).body
		w.wantSaid(got, vera, "NEEDS-ACTION")
		w.contains(got, "CATEGORIES:Mine")
		w.wantShown(got, c.Link)
		w.wantSaid(w.anna.get(aPath).body, vera, "NEEDS-ACTION")
		w.wantKept(text, c)
		w.boris.refusedBy(borisCalendar+"other.ics", strings.Replace(mine, "UID:a", "UID:a\r\nCOMMENT:x", 1), "no-uid-conflict")
	})
	rows.play("an attendee deletes the own copy", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.boris.gone(borisCopy)
		w.eventually(func() error {
			if l := person(w.anna.get(aPath).body, boris); !strings.Contains(l, "PARTSTAT=DECLINED") {
				return fmt.Errorf("boris says %s", l)
			}
			return nil
		})
		w.idle()
		w.wantMail(anna)
		// It does not come back by itself: only when boris is asked anew.
		text := w.anna.save(aPath, with(w.anna.get(aPath).body, "SUMMARY:Another title"))
		w.boris.do("GET", borisCopy, "").want(http.StatusNotFound)
		start := tomorrow().Add(3 * time.Hour)
		w.anna.save(aPath, with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
		w.wantShown(w.boris.get(borisCopy).body, c.Link)
	})
	rows.play("an attendee deletes the own copy in silence", func(w *world) {
		w.booked("LOCATION:Webinar")
		w.boris.gone(borisCopy, "Schedule-Reply: F")
		w.later(time.Minute)
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "NEEDS-ACTION")
	})
	rows.play("an attendee moves the copy, also as two requests", func(w *world) {
		w.booked("LOCATION:Webinar")
		work := "/calendars/" + boris + "/work/a.ics"
		w.boris.put(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		w.boris.move(borisCopy, work)
		body := w.boris.get(work).body
		w.boris.delete(work)
		w.boris.put(borisCalendar+"again.ics", body)
		w.later(time.Minute)
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "ACCEPTED")
		w.anna.save(aPath, with(w.anna.get(aPath).body, "SUMMARY:Another title"))
		w.contains(w.boris.get(borisCalendar+"again.ics").body, "SUMMARY:Another title")
	})
	rows.play("somebody is no longer invited, and invited again", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		line := person(text, boris)
		text = w.anna.save(aPath, w.swap(text, line+"\r\n", ""))
		got := w.boris.get(borisCopy).body
		w.contains(got, "STATUS:CANCELLED")
		w.contains(strings.Join(w.inbox(boris), ""), "METHOD:CANCEL")
		w.boris.put(borisCopy, says(got, boris, "ACCEPTED"))
		w.boris.gone(borisCopy)
		w.lacks(w.anna.get(aPath).body, boris)
		w.wantMail(anna)
		w.anna.save(aPath, plus(text, "ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION:mailto:"+boris))
		got = w.boris.get(borisCopy).body
		w.lacks(got, "CANCELLED")
		w.wantShown(got, c.Link)
	})
	rows.play("the event is cancelled, or deleted", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		w.anna.save(annaCalendar+"b.ics", event("b", invitation()...))
		w.anna.save(aPath, with(text, "STATUS:CANCELLED"))
		w.anna.gone(annaCalendar + "b.ics")
		w.eventually(func() error {
			for _, name := range []string{"a.ics", "b.ics"} {
				if got := w.boris.get(borisCalendar + name).body; !strings.Contains(got, "STATUS:CANCELLED") {
					return fmt.Errorf("%s is\n%s", name, got)
				}
			}
			return nil
		})
		w.idle()
		w.boris.gone(borisCopy)
		w.later(time.Minute)
		w.idle()
		w.wantMail(anna)
		w.wantMail(boris, "REQUEST", "REQUEST", "CANCEL", "CANCEL")
	})
	rows.play("another organiser uses the UID of an event", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.addUser("mallory@example.org", "Mallory", "en")
		mallory := w.device("mallory@example.org", "curl")
		before := w.boris.get(borisCopy)
		mallory.save("/calendars/mallory@example.org/calendar/a.ics", event("a", "SUMMARY:Evil",
			"ORGANIZER:mailto:mallory@example.org", "ATTENDEE:mailto:"+boris, "ATTENDEE:mailto:"+anna))
		same(w, "boris's copy", w.boris.get(borisCopy).body, before.body)
		w.lacks(w.anna.get(aPath).body, "Evil")
		// Nor does one who was never invited answer.
		mallory.put("/calendars/mallory@example.org/work/c.ics", strings.Replace(says(text, boris, "DECLINED"), "UID:a", "UID:c", 1))
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "NEEDS-ACTION")
		w.wantKept(w.anna.get(aPath).body, c)
	})
	rows.play("an address in capitals, and a second address of one person", func(w *world) {
		w.update(func(tx *store.Tx) error {
			u, err := tx.UserByLogin(boris)
			if err != nil {
				return err
			}
			u.Addresses = append(u.Addresses, "b.orlov@example.org")
			return tx.UpdateUser(u)
		})
		w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, "ATTENDEE;RSVP=TRUE:MAILTO:B.Orlov@Example.ORG"))
		got := w.boris.get(borisCopy).body
		w.boris.put(borisCopy, w.swap(got, ":MAILTO:B.Orlov@Example.ORG", ";PARTSTAT=ACCEPTED:MAILTO:B.Orlov@Example.ORG"))
		w.wantSaid(w.anna.get(aPath).body, "b.orlov@example.org", "ACCEPTED")
	})
	rows.play("somebody is sent instead", func(w *world) {
		w.addUser("galya@example.org", "Galya", "uk")
		w.booked("LOCATION:Webinar")
		mine := w.boris.get(borisCopy).body
		line := person(mine, boris)
		given := `ATTENDEE;CN=Boris;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:galya@example.org":mailto:` + boris
		w.boris.put(borisCopy, plus(w.swap(mine, line, given),
			`ATTENDEE;CN=Galya;DELEGATED-FROM="mailto:`+boris+`":mailto:galya@example.org`))
		w.idle()
		hers := w.anna.get(aPath).body
		w.wantSaid(hers, boris, "DELEGATED")
		w.contains(person(hers, "galya@example.org"), "DELEGATED-FROM")
		galya := w.device("galya@example.org", "Evolution/3.56")
		copied := galya.get("/calendars/galya@example.org/calendar/a.ics").body
		galya.put("/calendars/galya@example.org/calendar/a.ics", says(copied, "galya@example.org", "ACCEPTED"))
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, "galya@example.org", "ACCEPTED")
		w.wantSaid(w.boris.get(borisCopy).body, "galya@example.org", "ACCEPTED")
	})
	rows.play("the provider is down: the event is there, the link follows", func(w *world) {
		w.mts.SetPlanLapsed(true)
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		w.eventually(func() error {
			if r := w.boris.do("GET", borisCopy, ""); r.status != http.StatusOK {
				return fmt.Errorf("boris's copy: %d", r.status)
			}
			return nil
		})
		w.mts.SetPlanLapsed(false)
		w.eventually(func() error {
			if got := w.boris.get(borisCopy).body; !strings.Contains(got, "CONFERENCE") {
				return fmt.Errorf("no link in\n%s", got)
			}
			return nil
		})
		w.idle()
		w.wantShown(w.boris.get(borisCopy).body, w.only().Link)
	}, func(c *config) { c.CalDAV.WaitForLink = duration(100 * time.Millisecond) })
	rows.play("a client wants an answer, or an invitation, sent again", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		line := person(text, vera)
		got := w.anna.save(aPath, w.swap(text, line, strings.Replace(line, ":mailto:", ";SCHEDULE-FORCE-SEND=REQUEST:mailto:", 1)))
		w.lacks(got, "FORCE-SEND")
		w.wantMail(vera, "REQUEST", "REQUEST")
		w.wantMail(boris, "REQUEST")
		line = person(got, vera)
		got = w.anna.save(aPath, w.swap(got, line, strings.Replace(line, ":mailto:", ";SCHEDULE-FORCE-SEND=SING:mailto:", 1)))
		w.contains(person(got, vera), "SCHEDULE-STATUS=2.3")
		w.wantMail(vera, "REQUEST", "REQUEST")
	})
}

// TestRowsLocalSeries plays single occurrences of what local people are invited to.
func TestRowsLocalSeries(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("one occurrence is declined, as an override and as EXDATE", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation("LOCATION:Webinar")...))
		mine := w.boris.get(borisCopy).body
		w.boris.put(borisCopy, says(mine, boris, "ACCEPTED"))
		w.idle()
		mine = w.boris.get(borisCopy).body
		second := withOverride(mine, 1)
		w.boris.put(borisCopy, w.inPart(second, 1, func(part string) string { return says(part, boris, "DECLINED") }))
		w.idle()
		hers := w.anna.get(aPath).body
		w.wantSaid(part(hers, 1), boris, "DECLINED")
		w.wantSaid(hers, boris, "ACCEPTED")
		mine = w.boris.get(borisCopy).body
		w.boris.put(borisCopy, strings.Replace(mine, "RRULE:", inMoscow("EXDATE", nth(2))+"\r\nRRULE:", 1))
		w.idle()
		hers = w.anna.get(aPath).body
		w.wantSaid(part(hers, 2), boris, "DECLINED")
		w.contains(w.boris.get(borisCopy).body, inMoscow("EXDATE", nth(2)))
		// The organiser takes one out, and changes another: boris's own choice stays.
		w.anna.save(aPath, strings.Replace(hers, "RRULE:", inMoscow("EXDATE", nth(4))+"\r\nRRULE:", 1))
		mine = w.boris.get(borisCopy).body
		for _, n := range []int{2, 4} {
			if !strings.Contains(joined(logical(mine)), nth(n).In(yearsZone("Europe/Moscow")).Format("20060102T150405")) {
				w.Errorf("occurrence %d is not out in\n%s", n, mine)
			}
		}
		w.wantMail(anna)
		w.wantMail(vera, "REQUEST", "CANCEL")
	})
	rows.play("somebody is invited to one occurrence only", func(w *world) {
		text := seriesOf("a", "ORGANIZER:mailto:"+anna, "ATTENDEE:mailto:"+vera, "LOCATION:Webinar")
		w.anna.save(aPath, withOverride(text, 1, "ATTENDEE;RSVP=TRUE:mailto:"+boris))
		mine := w.boris.get(borisCopy).body
		w.lacks(mine, "RRULE")
		w.contains(mine, "RECURRENCE-ID")
		w.boris.put(borisCopy, says(mine, boris, "ACCEPTED"))
		w.idle()
		w.wantSaid(part(w.anna.get(aPath).body, 1), boris, "ACCEPTED")
	})
}

// TestRowsRooms plays rooms, which answer by themselves.
func TestRowsRooms(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	const room = "blue-room@conference.example.org"
	line := "ATTENDEE;CUTYPE=ROOM;PARTSTAT=NEEDS-ACTION:mailto:" + room
	rows.play("a room comes where it is free, and only there", func(w *world) {
		w.addRoom(room, "Blue room")
		got := w.anna.save(aPath, event("a", "ORGANIZER:mailto:"+anna, line, "LOCATION:Webinar"))
		w.wantSaid(got, room, "ACCEPTED")
		w.wantLink(got, w.only().Link)
		other := w.boris.save(borisCalendar+"b.ics", event("b", "ORGANIZER:mailto:"+boris, line))
		w.wantSaid(other, room, "DECLINED")
		w.wantMail(boris, "NOTE")
		w.wantMail(room)
		// It is free again.
		w.anna.gone(aPath)
		w.later(time.Minute)
		w.idle()
		w.boris.put(borisCalendar+"b.ics", with(w.boris.get(borisCalendar+"b.ics").body, "SUMMARY:Once more"))
		w.eventually(func() error {
			w.app.outbox.Look()
			if l := person(w.boris.get(borisCalendar+"b.ics").body, room); !strings.Contains(l, "ACCEPTED") {
				return fmt.Errorf("the room says %s", l)
			}
			return nil
		})
	})
	rows.play("a room and a series", func(w *world) {
		w.addRoom(room, "Blue room")
		got := w.anna.save(aPath, seriesOf("a", "ORGANIZER:mailto:"+anna, line))
		w.wantSaid(got, room, "ACCEPTED")
		third := nth(3).Add(30 * time.Minute)
		other := w.boris.save(borisCalendar+"b.ics", event("b", "ORGANIZER:mailto:"+boris, line,
			"DTSTART:"+third.Format(utcStamp), "DTEND:"+third.Add(time.Hour).Format(utcStamp)))
		w.wantSaid(other, room, "DECLINED")
		// The occurrence is taken out: the room is free then.
		w.anna.save(aPath, strings.Replace(got, "RRULE:", inMoscow("EXDATE", nth(3))+"\r\nRRULE:", 1))
		other = w.boris.save(borisCalendar+"b.ics", with(w.boris.get(borisCalendar+"b.ics").body, "SUMMARY:Once more"))
		w.wantSaid(other, room, "ACCEPTED")
	})
	rows.play("a room that was removed is not mailed", func(w *world) {
		w.addRoom(room, "Blue room")
		text := w.anna.save(aPath, event("a", invitation(line)...))
		w.wantSaid(text, room, "ACCEPTED")
		var u *store.User
		w.update(func(tx *store.Tx) (err error) { u, err = tx.UserByLogin(room); return err })
		if err := w.app.changer.RemoveUser(context.Background(), change.Caller{User: u}, u); err != nil {
			w.Fatal(err)
		}
		w.anna.save(aPath, with(text, "SUMMARY:Another title"))
		w.anna.gone(aPath)
		w.later(time.Minute)
		w.idle()
		w.wantMail(room)
	})
	rows.play("many ask for a room at once", func(w *world) {
		w.addRoom(room, "Blue room")
		const n = 12
		done := make(chan error, n)
		for i := range n {
			go func() {
				_, err := w.anna.try("PUT", fmt.Sprintf("%sr%d.ics", annaCalendar, i), event(fmt.Sprintf("r%d", i), "ORGANIZER:mailto:"+anna, line))
				done <- err
			}()
		}
		for range n {
			if err := <-done; err != nil {
				w.Fatal(err)
			}
		}
		w.idle()
		came := 0
		for i := range n {
			if strings.Contains(person(w.anna.get(fmt.Sprintf("%sr%d.ics", annaCalendar, i)).body, room), "PARTSTAT=ACCEPTED") {
				came++
			}
		}
		same(w, "events that have the room", came, 1)
	})
}

// TestRowsCapacity plays a conference with a number of places.
func TestRowsCapacity(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("later acceptances wait, and come when a place is free", func(w *world) {
		w.addUser("galya@example.org", "Galya", "uk")
		galya, path := w.device("galya@example.org", "DAVx5/4.5"), "/calendars/galya@example.org/calendar/a.ics"
		w.anna.save(aPath, event("a", invitation("ATTENDEE:mailto:galya@example.org", "X-JOINERY-CONFERENCE;CAPACITY=1:mtslink")...))
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		galya.save(path, says(galya.get(path).body, "galya@example.org", "ACCEPTED"))
		text := w.anna.get(aPath).body
		w.wantSaid(text, boris, "ACCEPTED")
		w.wantSaid(text, "galya@example.org", "TENTATIVE")
		w.wantSaid(galya.get(path).body, "galya@example.org", "TENTATIVE")
		w.wantMail("galya@example.org", "REQUEST", "NOTE")
		w.boris.save(borisCopy, says(w.boris.get(borisCopy).body, boris, "DECLINED"))
		w.eventually(func() error {
			w.later(time.Second)
			w.app.outbox.Look()
			if l := person(galya.get(path).body, "galya@example.org"); !strings.Contains(l, "ACCEPTED") {
				return fmt.Errorf("galya's copy says %s", l)
			}
			return nil
		})
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, "galya@example.org", "ACCEPTED")
		w.wantMail("galya@example.org", "REQUEST", "NOTE", "NOTE")
	})
}
