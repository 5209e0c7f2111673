package caldav

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// many is how many events the large calendars of benchmarks have, in ten years from manyFrom on: a
// tenth are weekly series of 20.
const many = 10_000

var manyFrom = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// fillMany gives anna many events.
func (f *fixture) fillMany() {
	f.Helper()
	f.fillTenYears(many, func(i int, at time.Time) []string {
		lines := []string{"DTSTART:" + at.Format(utcForm), "DTEND:" + at.Add(time.Hour).Format(utcForm), "LOCATION:Room 5",
			"DESCRIPTION:" + strings.Repeat("What is to be talked about. ", 8), "STATUS:CONFIRMED", "SEQUENCE:1"}
		if i%10 == 3 {
			lines = append(lines, "RRULE:FREQ=WEEKLY;COUNT=20", "EXDATE:"+at.AddDate(0, 0, 21).Format(utcForm))
		}
		return lines
	})
}

// fillTenYears gives anna n events all over ten years from manyFrom on, as if they had been put; lines are of the one
// of a number and a time.
func (f *fixture) fillTenYears(n int, lines func(i int, at time.Time) []string) {
	f.Helper()
	err := f.store.Update(context.Background(), func(tx *store.Tx) error {
		c, err := tx.CalendarBySlug(f.anna.ID, DefaultCalendar)
		if err != nil {
			return err
		}
		step := 10 * 365 * 24 * time.Hour / time.Duration(n)
		for i := range n {
			uid := fmt.Sprintf("many-%05d", i)
			at := manyFrom.Add(time.Duration(i*7919%n) * step)
			o, err := ical.Parse([]byte(event(uid, lines(i, at)...)), ical.Limits{})
			if err != nil {
				return err
			}
			s, err := ical.Check(o, 0)
			if err != nil {
				return err
			}
			err = tx.PutObject(&store.Object{CalendarID: c.ID, Name: uid + ".ics", UID: uid, Component: s.Component, ETag: uid,
				Start: s.Start, End: s.End, Recurring: s.Recurring, Takes: s.Takes, Seasons: uint64(s.Seasons), Data: o.Data})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

// tokenOfMany is the sync token of anna's calendar, cut out of an answer that is too long to be taken apart.
func (f *fixture) tokenOfMany() string {
	_, after, _ := strings.Cut(f.do("REPORT", annaCal, syncBody("", "")).body, "<D:sync-token>")
	token, _, _ := strings.Cut(after, "<")
	return token
}

func BenchmarkPut(b *testing.B) {
	f := newFixture(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		uid := fmt.Sprint("bench", i)
		f.do("PUT", annaCal+uid+".ics", event(uid), calendarType).want(http.StatusCreated)
	}
}

// BenchmarkPutOver replaces an event that concerns nobody else.
func BenchmarkPutOver(b *testing.B) {
	f := newFixture(b)
	f.put("a.ics", event("a"))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f.do("PUT", annaCal+"a.ics", event("a", fmt.Sprint("SUMMARY:", i)), calendarType).want(http.StatusNoContent)
	}
}

// BenchmarkPutBy16 saves from 16 clients at once: what waits is committed together.
func BenchmarkPutBy16(b *testing.B) {
	f := newFixture(b)
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			uid := fmt.Sprint("bench", n.Add(1))
			if a := f.do("PUT", annaCal+uid+".ics", event(uid), calendarType); a.status != http.StatusCreated {
				b.Errorf("%s: %d", uid, a.status)
			}
		}
	})
}

// BenchmarkPutScheduled saves an event with 20 attendees.
func BenchmarkPutScheduled(b *testing.B) {
	f := newFixture(b)
	lines := []string{"ORGANIZER:mailto:anna@example.org"}
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:guest%02d@example.com", i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		uid := fmt.Sprint("bench", i)
		f.do("PUT", annaCal+uid+".ics", event(uid, lines...), calendarType).want(http.StatusCreated)
	}
}

func BenchmarkGet(b *testing.B) {
	f := newFixture(b)
	f.put("a.ics", event("a"))
	b.ReportAllocs()
	for b.Loop() {
		f.do("GET", annaCal+"a.ics", "").want(http.StatusOK)
	}
}

func BenchmarkSyncNoChange(b *testing.B) {
	f := newFixture(b)
	f.fillMany()
	body := syncBody(f.tokenOfMany(), "")
	b.ReportAllocs()
	for b.Loop() {
		f.do("REPORT", annaCal, body).want(http.StatusMultiStatus)
	}
}

// BenchmarkSyncOneChange is a save and the poll that tells of it.
func BenchmarkSyncOneChange(b *testing.B) {
	f := newFixture(b)
	f.fillMany()
	f.put("a.ics", event("a"))
	token := f.tokenOfMany()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f.do("PUT", annaCal+"a.ics", event("a", fmt.Sprint("SUMMARY:", i)), calendarType).want(http.StatusNoContent)
		f.do("REPORT", annaCal, syncBody(token, ""))
	}
}

func BenchmarkSyncAll(b *testing.B) {
	f := newFixture(b)
	f.fillMany()
	b.ReportAllocs()
	for b.Loop() {
		f.do("REPORT", annaCal, syncBody("", "")).want(http.StatusMultiStatus)
	}
}

// BenchmarkMultiget fetches 100 objects.
func BenchmarkMultiget(b *testing.B) {
	f := newFixture(b)
	f.fillMany()
	body := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>`
	for i := range 100 {
		body += fmt.Sprintf("<D:href>%smany-%05d.ics</D:href>", annaCal, i*97)
	}
	body += "</C:calendar-multiget>"
	b.ReportAllocs()
	for b.Loop() {
		f.do("REPORT", annaCal, body).want(http.StatusMultiStatus)
	}
}

// BenchmarkWeek asks for the events of a week.
func BenchmarkWeek(b *testing.B) {
	f := newFixture(b)
	f.fillMany()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := manyFrom.AddDate(1, 0, 7*(i%300))
		f.do("REPORT", annaCal, `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>`+
			`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="`+at.Format(utcForm)+`" end="`+
			at.AddDate(0, 0, 7).Format(utcForm)+`"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`, "Depth: 1").want(http.StatusMultiStatus)
	}
}

// BenchmarkFreeBusy asks for the busy time of a month.
func BenchmarkFreeBusy(b *testing.B) {
	f := newFixture(b)
	f.fillMany()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := manyFrom.AddDate(1, i%90, 0)
		f.do("REPORT", annaCal, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="`+at.Format(utcForm)+
			`" end="`+at.AddDate(0, 1, 0).Format(utcForm)+`"/></C:free-busy-query>`, "Depth: 1").want(http.StatusOK)
	}
}
