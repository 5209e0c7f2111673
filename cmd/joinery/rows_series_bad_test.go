package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// quickly saves a body, which is taken, in bounds, and returns what stands once everything is done.
func (w *world) quickly(path, body string) string {
	w.Helper()
	w.wantWithin(promptly, func() { w.anna.put(path, body) })
	w.idle()
	var got string
	w.wantWithin(promptly, func() { got = w.anna.get(path).body })
	return got
}

// wantUnknowable checks that the event says that its next occurrence cannot be known, that its
// organiser was told once, and that nothing is booked.
func (w *world) wantUnknowable(sent, got string) {
	w.Helper()
	w.contains(first(got, "X-JOINERY-STATE"), "X-REASON=series:failed")
	w.contains(value(got, "DESCRIPTION"), "правилу повторения нельзя определить")
	w.lacks(joined(logical(got)), joinBase)
	w.wantUntouched(sent, got)
	w.none()
	w.contains(w.wantMail(anna, "NOTE").text, "правилу повторения нельзя определить")
	w.wantMail(boris, "REQUEST") // nobody waits
}

// TestRowsSeriesBad plays rules and zones that nobody means (issue 3, "Bad input"): stored as the standard
// allows, answered within bounds, never a wrong booking.
func TestRowsSeriesBad(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	ruled := func(lines ...string) string {
		text := seriesOf("a", invitation("LOCATION:Webinar")...)
		_, events, _ := vevents(text)
		part := joined(events[0])
		for _, l := range lines {
			part = with(part, l)
		}
		return strings.Replace(joined(logical(text)), joined(events[0]), part, 1)
	}
	for _, rule := range []string{"FREQ=SECONDLY", "FREQ=SECONDLY;INTERVAL=7", "FREQ=MINUTELY", "FREQ=MINUTELY;INTERVAL=4",
		"FREQ=DAILY;BYMINUTE=0,1,2,3,4;BYSECOND=0,30",
		"FREQ=SECONDLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYSECOND=0,1,2"} {
		rows.play("a rule that nobody meets by, "+rule, func(w *world) {
			sent := ruled("RRULE:" + rule)
			w.wantUnknowable(sent, w.quickly(aPath, sent))
			// Mended, it is booked, and the note is gone.
			got := w.quickly(aPath, w.changed(w.anna.get(aPath).body, whole, weeklyRule()))
			w.onlyAt(nth(0))
			w.wantJoin(got, value(got, "URL"))
			w.lacks(value(got, "DESCRIPTION"), "нельзя")
			w.wantMail(boris, "REQUEST", "REQUEST")
			w.wantMail(anna, "NOTE")
		})
		rows.play("a booked series gets a rule that nobody meets by, "+rule, func(w *world) {
			text, _, link := w.bookedSeries("LOCATION:Webinar")
			got := w.quickly(aPath, w.changed(text, whole, "RRULE:"+rule))
			w.contains(first(got, "X-JOINERY-STATE"), "X-REASON=series")
			w.none()
			w.wantDoor(link, http.StatusOK, saysRefused)
			w.wantMail(anna, "NOTE")
			got = w.quickly(aPath, w.changed(got, whole, weeklyRule()))
			w.onlyAt(nth(0))
			w.wantJoin(got, link)
			w.wantDoor(link, http.StatusOK, saysWaiting)
		})
	}
	// DTSTART is the first instance whatever the rule (RFC 5545 §3.8.5.3), and these know no other.
	for _, rule := range []string{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4", "FREQ=DAILY;COUNT=1",
		"FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31", "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=WEEKLY;UNTIL=20200101T000000Z", "FREQ=DAILY;UNTIL=" + nth(0).Add(-time.Hour).Format(utcStamp)} {
		rows.play("a rule that never matches again, "+rule, func(w *world) {
			sent := ruled("RRULE:" + rule)
			got := w.quickly(aPath, sent)
			c := w.onlyAt(nth(0))
			link := value(got, "URL")
			w.wantJoin(got, link)
			w.wantUntouched(sent, got)
			w.at(nth(0).Add(10 * time.Minute))
			w.live(w.mts, c.Session, "stop")
			w.at(nth(0).Add(70 * time.Minute))
			same(w, "conference", w.only().ID, c.ID)
			same(w, "planned", len(w.planned()), 0)
			w.wantDoor(link, http.StatusOK, saysOver)
			w.wantMail(boris, "REQUEST")
			w.wantMail(anna)
		})
	}
	for _, rule := range []string{"", "FREQ=", "FREQ=SOMETIMES", "INTERVAL=2", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1",
		"FREQ=DAILY;COUNT=x", "FREQ=DAILY;UNTIL=yesterday", "FREQ=WEEKLY;BYDAY=XX", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=DAILY;BYHOUR=24",
		"FREQ=DAILY;BYSETPOS=0", "FREQ=DAILY;COUNT=99999999999999999999"} {
		rows.play("a broken rule, "+rule, func(w *world) {
			w.anna.refusedBy(aPath, ruled("RRULE:"+rule), "valid-calendar-data")
			w.anna.do("GET", aPath, "").want(http.StatusNotFound)
			w.untouchedAccounts()
			// What stands is not changed by it.
			text, c, _ := w.bookedSeries("LOCATION:Webinar")
			w.anna.refusedBy(aPath, w.changed(text, whole, "RRULE:"+rule), "valid-calendar-data")
			w.idle()
			same(w, "the event", w.anna.get(aPath).body, text)
			same(w, "conference", w.only().ID, c.ID)
		})
	}
	for _, rule := range []string{"FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;FREQ=DAILY", strings.Repeat("FREQ=DAILY;", 2000), "FREQ=DAILY;COUNT=2;UNTIL=20200101T000000Z"} {
		name := fmt.Sprintf("%.40s", rule)
		rows.play("a rule that clients write wrong without harm, "+name, func(w *world) {
			sent := ruled("RRULE:" + rule)
			got := w.quickly(aPath, sent)
			w.onlyAt(nth(0))
			w.wantJoin(got, value(got, "URL"))
			w.wantUntouched(sent, got)
		})
	}
	rows.play("DTSTART does not match the rule", func(w *world) {
		// It counts as the first instance; the second is the rule's.
		local := nth(0).In(yearsZone("Europe/Moscow"))
		other := strings.ToUpper(local.AddDate(0, 0, 3).Weekday().String()[:2])
		got := w.quickly(aPath, ruled("RRULE:FREQ=WEEKLY;BYDAY="+other))
		c := w.onlyAt(nth(0))
		w.wantJoin(got, value(got, "URL"))
		w.at(nth(0).Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(nth(0).Add(70 * time.Minute))
		w.onlyAt(nth(0).AddDate(0, 0, 3))
	})
	for name, zone := range map[string]string{
		"against the IANA zone": "BEGIN:VTIMEZONE\r\nTZID:Europe/Moscow\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:-0800\r\nTZOFFSETTO:-0800\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n",
		"without offsets":       "BEGIN:VTIMEZONE\r\nTZID:Europe/Moscow\r\nEND:VTIMEZONE\r\n",
		"against itself":        "BEGIN:VTIMEZONE\r\nTZID:Europe/Moscow\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0300\r\nTZOFFSETTO:+0300\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0400\r\nTZOFFSETTO:+0900\r\nRRULE:FREQ=SECONDLY\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n",
		"twice":                 "BEGIN:VTIMEZONE\r\nTZID:Europe/Moscow\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0300\r\nTZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Moscow\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:-0100\r\nTZOFFSETTO:-0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n",
	} {
		rows.play("a VTIMEZONE "+name, func(w *world) {
			text := joined(logical(seriesOf("a", invitation("LOCATION:Webinar")...)))
			before, rest, _ := strings.Cut(text, "BEGIN:VTIMEZONE")
			_, rest, _ = strings.Cut(rest, "END:VTIMEZONE\r\n")
			sent := before + zone + rest
			var status int
			w.wantWithin(promptly, func() { status = w.anna.do("PUT", aPath, sent).status })
			if status == http.StatusForbidden {
				w.untouchedAccounts()
				return
			}
			w.idle()
			got := w.anna.get(aPath).body
			w.wantUntouched(sent, got)
			// The room, the page and the mail tell the same time, whatever it is.
			c := w.only()
			w.wantJoin(got, value(got, "URL"))
			w.contains(w.door(value(got, "URL")).page, c.Start.UTC().Format(time.RFC3339))
			w.contains(w.wantMail(vera, "REQUEST").text, nth(0).In(yearsZone("Europe/Moscow")).Format("15:04")+"–") // as the event says
			w.wantMail(anna)
		})
	}
	rows.play("overrides of occurrences that do not exist", func(w *world) {
		// They are instances all the same (RFC 5545 §3.8.4.4 does not forbid them): none is booked twice.
		text := seriesOf("a", invitation("LOCATION:Webinar")...)
		early := nth(0).Add(-3 * time.Hour)
		own := withOverride(text, 0, from(early)...)
		own = w.swap(own, inMoscow("RECURRENCE-ID", nth(0)), inMoscow("RECURRENCE-ID", nth(0).Add(26*time.Hour)))
		got := w.quickly(aPath, own)
		c := w.onlyAt(early)
		w.wantJoin(got, value(got, "URL"))
		w.at(early.Add(10 * time.Minute))
		w.live(w.mts, c.Session, "stop")
		w.at(early.Add(70 * time.Minute))
		w.onlyAt(nth(0))
		// One that was, of years ago, asks for nothing.
		old := w.swap(withOverride(text, 0, append(from(nth(-104)), "LOCATION:Beta")...), inMoscow("RECURRENCE-ID", nth(0)), inMoscow("RECURRENCE-ID", nth(-104)))
		w.quickly(annaCalendar+"b.ics", w.swap(old, "UID:a", "UID:b"))
		same(w, "conferences of the second account", w.beta.State().Calls["POST /events"], 0)
	})
	rows.play("two overrides of one occurrence", func(w *world) {
		text := withOverride(seriesOf("a", "LOCATION:Webinar"), 0, "SUMMARY:One")
		text = withOverride(text, 0, "SUMMARY:Two")
		w.anna.refusedBy(aPath, text, "valid-calendar-object-resource")
		// Named in two ways.
		id := inMoscow("RECURRENCE-ID", nth(0))
		last := strings.LastIndex(text, id)
		for _, other := range []string{"RECURRENCE-ID:" + nth(0).Format(utcStamp), "RECURRENCE-ID;VALUE=DATE:" + nth(0).In(yearsZone("Europe/Moscow")).Format("20060102")} {
			w.anna.refusedBy(aPath, text[:last]+other+text[last+len(id):], "valid-calendar-object-resource")
		}
		w.untouchedAccounts()
	})
	rows.play("ten thousand EXDATEs", func(w *world) {
		var days []time.Time
		for n := range 10000 {
			days = append(days, nth(0).AddDate(0, 0, n))
		}
		var lines strings.Builder
		for len(days) > 0 {
			lines.WriteString(inMoscow("EXDATE", days[:100]...) + "\r\n")
			days = days[100:]
		}
		sent := strings.Replace(ruled("RRULE:FREQ=DAILY"), "RRULE:", lines.String()+"RRULE:", 1)
		got := w.quickly(aPath, sent)
		w.onlyAt(nth(0).AddDate(0, 0, 10000))
		w.wantJoin(got, value(got, "URL"))
		w.wantUntouched(sent, got)
		w.wantMail(boris, "REQUEST")
		w.wantWithin(promptly, func() { w.wantDoor(value(got, "URL"), http.StatusOK, saysWaiting) })
	})
	rows.play("everything is excluded", func(w *world) {
		sent := ruled("RRULE:FREQ=DAILY;COUNT=3", inMoscow("EXDATE", nth(0), nth(0).AddDate(0, 0, 1), nth(0).AddDate(0, 0, 2)))
		w.quickly(aPath, sent)
		w.untouchedAccounts()
		w.wantNoMail()
	})
	rows.play("a hundred overrides", func(w *world) {
		text := seriesOf("a", invitation("LOCATION:Webinar")...)
		for n := range 100 {
			text = withOverride(text, n, fmt.Sprintf("SUMMARY:Number %d", n))
		}
		got := w.quickly(aPath, text)
		w.wantJoin(got, value(got, "URL"))
		same(w, "name", w.onlyAt(nth(0)).Name, "Number 0")
		w.wantMail(boris, "REQUEST")
		// Fifty of them ask for themselves: one conference, the next.
		for n := range 50 {
			got = w.changed(got, 2*n+1, "LOCATION:Beta")
		}
		w.wantWithin(promptly, func() { w.anna.put(aPath, got) })
		w.idle()
		w.onlyAt(nth(0))
		got = w.anna.get(aPath).body
		for n := range 100 {
			w.wantLink(part(got, n), value(part(got, n), "URL"))
		}
	})
	rows.play("years of the far past and future", func(w *world) {
		for i, lines := range [][]string{
			{"DTSTART:00010101T000000Z", "DTEND:00010101T010000Z", "RRULE:FREQ=DAILY"},
			{"DTSTART:19000101T000000Z", "DTEND:19000101T010000Z", "RRULE:FREQ=DAILY;UNTIL=99991231T235959Z"},
			{"DTSTART:99981231T000000Z", "DTEND:99981231T010000Z", "RRULE:FREQ=YEARLY"},
		} {
			uid := fmt.Sprint("far", i)
			var status int
			body := event(uid, append(lines, "LOCATION:Webinar")...)
			w.wantWithin(promptly, func() { status = w.anna.do("PUT", annaCalendar+uid+".ics", body).status })
			w.idle()
			if list := w.planned(); len(list) > 0 && status < 300 && i < 2 && list[0].Start.Sub(w.now()) > 24*time.Hour {
				w.Errorf("booked is %v", list[0].Start)
			}
			if status < 300 {
				w.anna.gone(annaCalendar + uid + ".ics")
			}
		}
	})
}
