package caldav

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// someSeries makes an event or a task that recurs, or at times one invitation.
func someSeries(r *rand.Rand, uid string) string {
	begin := time.Date(2028, time.Month(1+r.IntN(24)), 1+r.IntN(31), r.IntN(24), 30*r.IntN(2), 0, 0, time.UTC)
	const form = "20060102T150405"
	after, layout := ";TZID=Europe/Berlin:", form
	switch r.IntN(5) {
	case 0:
		after, layout = ";TZID=Pacific/Kiritimati:", form
	case 1:
		after, layout = ":", form
	case 2:
		after, layout = ":", utcForm
	case 3:
		after, layout = ";VALUE=DATE:", "20060102"
	}
	at := func(name string, t time.Time) string { return name + after + t.Format(layout) }
	length := "DURATION:" + []string{"P1D", "P2D", "P9D"}[r.IntN(3)]
	if layout != "20060102" && r.IntN(4) > 0 {
		length = "DURATION:PT45M"
	}
	rule := []string{"FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=2", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "FREQ=YEARLY;BYDAY=-10FR",
		"FREQ=YEARLY;BYYEARDAY=100,-100", "FREQ=MONTHLY", "FREQ=MONTHLY;INTERVAL=4", "FREQ=MONTHLY;BYDAY=1MO,3MO", "FREQ=MONTHLY;BYMONTHDAY=30,31", "FREQ=WEEKLY;BYMONTH=7,8",
		"FREQ=WEEKLY", "FREQ=DAILY;BYMONTH=12;BYMONTHDAY=24,25,31", "FREQ=DAILY;INTERVAL=100", "FREQ=HOURLY;INTERVAL=5;BYMONTH=1;BYMONTHDAY=1"}[r.IntN(15)]
	if r.IntN(4) == 0 {
		rule += fmt.Sprint(";COUNT=", 2+r.IntN(40))
	}
	lines := []string{at("DTSTART", begin), length, "RRULE:" + rule}
	if r.IntN(5) == 0 {
		answer := []string{"ACCEPTED", "TENTATIVE", "DECLINED", "NEEDS-ACTION"}[r.IntN(4)]
		return event(uid, lines[0], lines[1], "ORGANIZER:mailto:boss@example.com", "ATTENDEE;PARTSTAT="+answer+":mailto:anna@example.org")
	}
	if r.IntN(3) == 0 {
		lines = append(lines, at("RDATE", begin.AddDate(0, 0, r.IntN(900)-200)))
	}
	if r.IntN(3) == 0 {
		lines = append(lines, at("EXDATE", begin), at("EXDATE", begin.AddDate(1, 0, 0)))
	}
	if r.IntN(3) == 0 {
		id := "RECURRENCE-ID"
		if r.IntN(4) == 0 {
			id += ";RANGE=THISANDFUTURE"
		}
		lines = append(lines, "END:VEVENT", "BEGIN:VEVENT", "UID:"+uid, "DTSTAMP:20260101T000000Z", at(id, begin.AddDate(1, 0, 0)),
			at("DTSTART", begin.AddDate(1, 0, r.IntN(300)-100)), length)
	}
	text := event(uid, lines...)
	if r.IntN(5) == 0 {
		text = strings.ReplaceAll(text, "VEVENT", "VTODO")
	}
	return text
}

// TestSeriesAreFoundByTheirSeasons compares what the index finds of random series with what reading all
// of them does: events, tasks and busy time of random days, weeks and months.
func TestSeriesAreFoundByTheirSeasons(t *testing.T) {
	f := newFixture(t)
	r := rand.New(rand.NewPCG(7, 8))
	texts := map[string]string{}
	for i := range 150 {
		uid := fmt.Sprintf("s%03d", i)
		texts[uid] = someSeries(r, uid)
		f.put(uid+".ics", texts[uid])
	}
	zone := userZone(f.anna)
	found, exact := 0, 0
	for range 40 {
		at := time.Date(2027, 6, 1, r.IntN(24), 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(2500))
		during := timeRange{at, at.AddDate(0, 0, []int{1, 7, 31}[r.IntN(3)])}
		attrs := `start="` + during.start.Format(utcForm) + `" end="` + during.end.Format(utcForm) + `"`
		for _, kind := range []string{"VEVENT", "VTODO"} {
			filter := &compFilter{name: "VCALENDAR", comps: []compFilter{{name: kind, during: &during}}}
			var want []string
			for uid, text := range texts {
				if passes(&store.Object{Data: []byte(text)}, filter, zone) {
					want = append(want, uid)
				}
			}
			slices.Sort(want)
			got := f.names(t, `<C:comp-filter name="`+kind+`"><C:time-range `+attrs+`/></C:comp-filter>`)
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: got %q, want %q", kind, attrs, got, want)
			}
			found += len(want)
		}
		b := busyTime{user: f.anna, during: during}
		for _, text := range texts {
			if err := b.add(&store.Object{Data: []byte(text)}, zone); err != nil {
				t.Fatal(err)
			}
		}
		want := busyLines(string(freeBusyText("", at, during, nil, merge(b.periods))))
		got := busyLines(f.do("REPORT", annaCal, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range `+attrs+`/></C:free-busy-query>`, "Depth: 1").want(http.StatusOK).body)
		if got != want {
			t.Errorf("busy %s: got %s, want %s", attrs, got, want)
		}
	}
	calendar := f.calendar().ID
	err := f.store.View(t.Context(), func(tx *store.Tx) error {
		spans, err := tx.SpansInRange(calendar, "VEVENT", store.Range{})
		for _, s := range spans {
			if s.Takes == ical.ByPeople {
				exact++
			}
		}
		return err
	})
	if err != nil || found < 400 || exact < 5 {
		t.Errorf("%d were found, %d invitations have their time in the index: too few (%v)", found, exact, err)
	}
}

// TestSeasonsLeaveSeriesUnread counts what a query reads: of yearly series those near the week alone.
func TestSeasonsLeaveSeriesUnread(t *testing.T) {
	f := newFixture(t)
	for i := range 100 {
		f.put(fmt.Sprintf("b%02d.ics", i), event(fmt.Sprintf("b%02d", i), "DTSTART;VALUE=DATE:"+manyFrom.AddDate(0, 0, i*3).Format("20060102"), "RRULE:FREQ=YEARLY"))
	}
	week := timeRange{manyFrom.AddDate(10, 3, 0), manyFrom.AddDate(10, 3, 7)}
	var read []int64
	calendar := f.calendar().ID
	err := f.store.View(t.Context(), func(tx *store.Tx) (err error) {
		read, err = tx.ObjectIDsInRange(calendar, "VEVENT", week.indexed())
		return err
	})
	if err != nil || len(read) < 3 || len(read) > 8 {
		t.Errorf("%d series are read (%v), want 3 to 8", len(read), err)
	}
}
