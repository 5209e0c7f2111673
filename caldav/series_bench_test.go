package caldav

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// seriesMix are the rules that an office's recurring events have, as often as they stand here.
var seriesMix = []string{
	"FREQ=DAILY;COUNT=10", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
	"FREQ=WEEKLY", "FREQ=WEEKLY", "FREQ=WEEKLY;COUNT=20", "FREQ=WEEKLY;COUNT=26", "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=30",
	"FREQ=WEEKLY;INTERVAL=2", "FREQ=WEEKLY;INTERVAL=2;COUNT=26",
	"FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=2TU", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=12", "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1",
	"FREQ=YEARLY", "FREQ=YEARLY", "FREQ=YEARLY", "FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=5;BYDAY=2SU", "FREQ=YEARLY;COUNT=5", "FREQ=YEARLY;INTERVAL=2",
}

// fillSeries gives anna n events in ten years, a tenth of them recurring by the rules.
func (f *fixture) fillSeries(n int, rules []string) {
	f.Helper()
	f.fillTenYears(n, func(i int, at time.Time) []string {
		at = at.Truncate(time.Hour)
		const form = "20060102T150405"
		lines := []string{"DTSTART;TZID=Europe/Berlin:" + at.Format(form), "DTEND;TZID=Europe/Berlin:" + at.Add(time.Hour).Format(form),
			"LOCATION:Room 5", "DESCRIPTION:" + strings.Repeat("What is to be talked about. ", 8)}
		if i%10 == 3 {
			lines = append(lines, "RRULE:"+rules[i/10%len(rules)], "EXDATE;TZID=Europe/Berlin:"+at.AddDate(0, 0, 14).Format(form))
		}
		return lines
	})
}

// eachSize runs a benchmark with calendars of several sizes: with all kinds of series, whose results grow
// with the calendar, and with birthdays alone.
func eachSize(b *testing.B, run func(b *testing.B, f *fixture)) {
	for _, mix := range []struct {
		name  string
		rules []string
	}{{"office", seriesMix}, {"birthdays", []string{"FREQ=YEARLY"}}} {
		for _, n := range []int{1_000, 10_000, 50_000} {
			b.Run(fmt.Sprint(mix.name, "/", n), func(b *testing.B) {
				f := newFixture(b)
				f.fillSeries(n, mix.rules)
				b.ReportAllocs()
				run(b, f)
			})
		}
	}
}

// BenchmarkWeekOfSeries asks for the events of a week.
func BenchmarkWeekOfSeries(b *testing.B) {
	eachSize(b, func(b *testing.B, f *fixture) {
		results := 0
		for i := 0; b.Loop(); i++ {
			at := manyFrom.AddDate(5, 0, 7*(i%150))
			a := f.do("REPORT", annaCal, `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>`+
				`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="`+at.Format(utcForm)+`" end="`+
				at.AddDate(0, 0, 7).Format(utcForm)+`"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`, "Depth: 1")
			a.want(http.StatusMultiStatus)
			results += strings.Count(a.body, "<D:response>")
		}
		b.ReportMetric(float64(results)/float64(b.N), "results/op")
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(results), "µs/result")
	})
}

// BenchmarkFreeBusyOfSeries asks for the busy time of a month.
func BenchmarkFreeBusyOfSeries(b *testing.B) {
	eachSize(b, func(b *testing.B, f *fixture) {
		for i := 0; b.Loop(); i++ {
			at := manyFrom.AddDate(5, i%40, 0)
			f.do("REPORT", annaCal, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="`+at.Format(utcForm)+
				`" end="`+at.AddDate(0, 1, 0).Format(utcForm)+`"/></C:free-busy-query>`, "Depth: 1").want(http.StatusOK)
		}
	})
}
