package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// Where most events of the rows stand.
const aPath = annaCalendar + "a.ics"

// booked saves anna's invitation "a" with lines that ask, and returns what stands then and its
// conference.
func (w *world) booked(lines ...string) (string, emulator.Conference) {
	w.Helper()
	text := w.anna.save(aPath, event("a", invitation(lines...)...))
	c := w.only()
	w.wantMail(boris, "REQUEST")
	w.wantMail(vera, "REQUEST")
	if value(text, "X-JOINERY-STATE") != "ready" {
		w.Fatalf("there is no conference in\n%s", text)
	}
	return text, c
}

// TestRowsAsk plays the ways in which an organiser asks for a conference (docs/conferences.md).
func TestRowsAsk(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("a word alone in LOCATION", func(w *world) {
		sent := event("a", invitation("LOCATION:Webinar")...)
		r := w.anna.put(aPath, sent).want(http.StatusCreated)
		same(w, "ETag of a changed body", r.etag(), "")
		// The link is there within the same save.
		got := w.anna.get(aPath).body
		w.idle()
		c := w.only()
		w.wantLink(got, c.Link)
		same(w, "LOCATION", value(got, "LOCATION"), c.Link)
		same(w, "type", c.Type, "webinar")
		same(w, "name", c.Name, "Rows of a")
		same(w, "owner", c.Owner, anna)
		same(w, "start", c.Start.UTC(), tomorrow())
		same(w, "start type", c.StartType, "autostart")
		same(w, "registration", c.Registered, false)
		same(w, "mails of the platform", w.mts.State().PlatformMails, 0)
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), c.Link)
		w.wantLinkMail(w.wantMail(vera, "REQUEST"), c.Link)
		w.wantMail(anna)
		w.wantUntouched(sent, got)
	})
	for name, location := range map[string]string{"escaped": `Room 5\; Webinar`, "bare": `Room 5; Webinar`, "comma": `Room 5\, webinar`, "line end": `Room 5\nWebinar`} {
		rows.play("a word beside a room, "+name, func(w *world) {
			got, c := w.booked("LOCATION:" + location)
			w.wantLink(got, c.Link)
			if l := value(got, "LOCATION"); !strings.HasPrefix(l, "Room 5") || !strings.HasSuffix(l, c.Link) {
				w.Errorf("LOCATION is %q", l)
			}
			w.contains(joined(logical(w.wantMail(boris, "REQUEST").calendar)), "Room 5", c.Link)
		})
	}
	for word, kind := range map[string]string{"вебинар ": "webinar", " WEBINAR": "webinar", "мтс  линк": "meeting", "mts link": "meeting"} {
		rows.play(fmt.Sprintf("a word as a phone writes it, %q", word), func(w *world) {
			got, c := w.booked("LOCATION:" + word)
			w.wantLink(got, c.Link)
			same(w, "LOCATION", value(got, "LOCATION"), c.Link)
			same(w, "type", c.Type, kind)
		})
	}
	for _, location := range []string{"Webinars", "Webinar room", "The Webinar", "MTS Link Arena", "Webinar/Room 5"} {
		rows.play("no word inside another, "+location, func(w *world) {
			sent := event("a", invitation("LOCATION:"+location)...)
			r := w.anna.put(aPath, sent)
			if r.etag() == "" {
				w.Error("no ETag although the body stands as it was sent")
			}
			w.idle()
			w.wantSame(sent, w.anna.get(aPath).body)
			w.untouchedAccounts()
			w.wantMail(boris, "REQUEST")
		})
	}
	rows.play("a category", func(w *world) {
		got, c := w.booked("CATEGORIES:Work,Webinar")
		w.wantLink(got, c.Link)
		same(w, "LOCATION", value(got, "LOCATION"), c.Link)
		same(w, "CATEGORIES", value(got, "CATEGORIES"), "Work,Webinar")
		same(w, "type", c.Type, "webinar")
	})
	rows.play("a category beside a place", func(w *world) {
		got, c := w.booked("CATEGORIES:Webinar", "LOCATION:Room 5")
		same(w, "LOCATION", value(got, "LOCATION"), "Room 5")
		same(w, "URL", value(got, "URL"), c.Link)
		w.wantBlock(got, c.Link)
	})
	for _, params := range []string{";CUTYPE=RESOURCE;PARTSTAT=NEEDS-ACTION", ";CUTYPE=ROOM", "", ";CUTYPE=INDIVIDUAL;RSVP=TRUE;PARTSTAT=TENTATIVE"} {
		rows.play("the resource, ATTENDEE"+params, func(w *world) {
			got, c := w.booked("ATTENDEE" + params + ":mailto:webinar@conference.example.org")
			w.wantLink(got, c.Link)
			w.contains(attendee(got, "webinar@conference.example.org"), "PARTSTAT=ACCEPTED")
			w.wantMail("webinar@conference.example.org")
			// Its link is deleted: it declines.
			got = w.anna.save(aPath, without(got, "LOCATION"))
			w.wantNoTrace(got)
			w.contains(attendee(got, "webinar@conference.example.org"), "PARTSTAT=DECLINED")
			w.none()
		})
	}
	rows.play("the other account's resource", func(w *world) {
		got := w.anna.save(aPath, event("a", invitation("ATTENDEE;CUTYPE=RESOURCE:mailto:Beta@Conference.Example.org")...))
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		w.wantLink(got, w.only().Link)
		same(w, "type", w.only().Type, "meeting")
	})
	rows.play("the property", func(w *world) {
		sent := event("a", invitation("X-JOINERY-CONFERENCE;TYPE=WEBINAR;CAPACITY=200:mtslink")...)
		got := w.anna.save(aPath, sent)
		c := w.only()
		w.wantLink(got, c.Link)
		same(w, "type", c.Type, "webinar")
		same(w, "conferences of the first account", len(w.mts.State().Conferences), 1)
		w.contains(got, "X-JOINERY-CONFERENCE;TYPE=WEBINAR;CAPACITY=200:mtslink\r\n")
	})
	rows.play("the property names the other account", func(w *world) {
		got := w.anna.save(aPath, event("a", "X-JOINERY-CONFERENCE;TYPE=MEETING:beta"))
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		same(w, "type", w.only().Type, "meeting")
		w.wantLink(got, w.only().Link)
		w.wantNoMail()
	})
	rows.play("the property without account", func(w *world) {
		w.anna.save(aPath, event("a", "X-JOINERY-CONFERENCE:"))
		same(w, "conferences of the default account", len(w.mts.State().Conferences), 1)
	})
	rows.play("the other account's word", func(w *world) {
		got := w.anna.save(aPath, event("a", "LOCATION:Beta Webinar"))
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		same(w, "type", w.only().Type, "webinar")
		w.wantLink(got, w.only().Link)
	})
}

// TestRowsRule plays the rules that a calendar may have.
func TestRowsRule(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("always", func(w *world) {
		w.setRule("always")
		got := w.anna.save(aPath, event("a"))
		c := w.only()
		w.wantLink(got, c.Link)
		w.wantNoMail()
		// The rule stands; what was removed stays removed.
		got = w.anna.save(aPath, without(got, "LOCATION"))
		w.wantNoTrace(got)
		w.none()
		got = w.anna.save(aPath, with(got, "SUMMARY:Still without"))
		w.wantNoTrace(got)
		w.none()
		// Another calendar has no rule.
		w.anna.save(annaWork+"b.ics", event("b"))
		w.none()
	})
	for _, foreign := range []string{"LOCATION:https://us02web.zoom.us/j/123456", "URL:https://meet.google.com/abc-defg-hij",
		`DESCRIPTION:Join\nhttps://teams.microsoft.com/l/meetup-join/19`, "CONFERENCE;VALUE=URI:https://jitsi.example.net/room"} {
		rows.play("always, with another service's link in "+lineName(foreign), func(w *world) {
			w.setRule("always")
			sent := event("a", foreign)
			same(w, "the event", w.anna.save(aPath, sent), sent)
			w.untouchedAccounts()
		})
	}
	rows.play("outside", func(w *world) {
		w.setRule("outside")
		sent := event("a", "ORGANIZER:mailto:"+anna, "ATTENDEE:mailto:"+anna, "ATTENDEE:mailto:"+boris)
		w.anna.save(aPath, sent)
		w.untouchedAccounts()
		// Somebody from outside is added later.
		got := w.anna.save(aPath, plus(sent, "ATTENDEE:mailto:"+vera))
		w.wantLink(got, w.only().Link)
		w.wantLinkMail(w.wantMail(vera, "REQUEST"), w.only().Link)
	})
}

// TestRowsNotNow plays events that ask but get no conference.
func TestRowsNotNow(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("an event that has ended", func(w *world) {
		past := time.Now().UTC().Add(-3 * time.Hour)
		sent := event("a", invitation("LOCATION:Webinar", "DTSTART:"+past.Format(utcStamp), "DTEND:"+past.Add(time.Hour).Format(utcStamp))...)
		w.anna.save(aPath, sent)
		w.untouchedAccounts()
		w.wantNoMail()
	})
	rows.play("an event that is under way", func(w *world) {
		start := time.Now().UTC().Add(-10 * time.Minute)
		w.anna.save(aPath, event("a", invitation("LOCATION:Webinar", "DTSTART:"+start.Format(utcStamp), "DTEND:"+start.Add(time.Hour).Format(utcStamp))...))
		w.only()
	})
	rows.play("an import by its pace", func(w *world) {
		for i := range 31 {
			w.anna.put(fmt.Sprintf("%si%d.ics", annaCalendar, i), event(fmt.Sprint("i", i), "LOCATION:Webinar"))
		}
		w.idle()
		same(w, "conferences after 31 quick saves", len(w.conferences()), 30)
		sent := event("last", invitation("LOCATION:Webinar")...)
		got := w.anna.save(annaCalendar+"last.ics", sent)
		same(w, "state", value(got, "X-JOINERY-STATE"), "imported")
		w.wantUntouched(sent, got)
		w.wantNoMail()
		same(w, "conferences", len(w.conferences()), 30)
		// Another device of hers is not importing.
		w.phone.save(annaCalendar+"phone.ics", event("phone", "LOCATION:Webinar"))
		w.named("Rows of phone")
		// Saving again asks.
		got = w.anna.save(annaCalendar+"last.ics", with(got, "SUMMARY:Asked again"))
		w.wantLink(got, w.named("Asked again").Link)
		w.wantMail(boris, "REQUEST")
	})
	rows.play("a policy that leaves the organiser out", func(w *world) {
		sent := event("a", invitation("LOCATION:Webinar")...)
		got := w.anna.save(aPath, sent)
		w.contains(value(got, "DESCRIPTION"), "это не предусмотрено правилами организации")
		same(w, "state", value(got, "X-JOINERY-STATE"), "failed")
		w.untouchedAccounts()
		w.contains(w.wantMail(anna, "NOTE").text, "не предусмотрено правилами организации")
		w.wantMail(boris, "REQUEST") // nobody waits
	}, func(c *config) { c.Policy.Who = []string{boris, "other.example"} })
	rows.play("a policy that lets a domain in", func(w *world) {
		w.booked("LOCATION:Webinar")
	}, func(c *config) { c.Policy.Who = []string{"Example.org"} })
	rows.play("the day's number is used up", func(w *world) {
		w.booked("LOCATION:Webinar")
		got := w.anna.save(annaCalendar+"b.ics", event("b", "LOCATION:Webinar"))
		w.contains(value(got, "DESCRIPTION"), "ваш лимит конференций на сегодня исчерпан")
		w.only()
		w.contains(w.wantMail(anna, "NOTE").text, "лимит конференций на сегодня исчерпан")
		// The next day it is made by itself.
		w.later(24 * time.Hour)
		w.anna.put(annaCalendar+"b.ics", with(got, "DTSTART:"+tomorrow().Add(48*time.Hour).Format(utcStamp)))
		w.eventually(func() error {
			if len(w.mts.State().Conferences) != 2 {
				return fmt.Errorf("the second conference is not there")
			}
			return nil
		})
	}, func(c *config) { c.Policy.PerDay = 1 })
}
