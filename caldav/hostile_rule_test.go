package caldav

import (
	"fmt"
	"net/http"
	"testing"
)

// TestRulesThatNeverEnd stores events that recur more often, longer or in a stranger way than anybody
// needs, and asks for them in ranges of all sizes: each answer comes within bounded time and memory.
func TestRulesThatNeverEnd(t *testing.T) {
	f := newFixture(t)
	rules := []string{
		"FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY", "FREQ=DAILY", "FREQ=SECONDLY;INTERVAL=999999999",
		"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", "FREQ=DAILY;COUNT=2000000000",
		"FREQ=SECONDLY;UNTIL=99991231T235959Z", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYYEARDAY=1;BYSETPOS=366",
		"FREQ=MINUTELY;BYSECOND=0,1,2,3,4,5,6,7,8,9;BYSETPOS=-1", "FREQ=YEARLY;BYDAY=53MO;BYMONTH=1",
	}
	n := 0
	for _, rule := range rules {
		for _, start := range []string{"00010101T000000Z", "20300101T000000Z", "99991231T235959Z"} {
			n++
			m := startMeter()
			a := f.do("PUT", annaCal+fmt.Sprint(n, ".ics"), event(fmt.Sprint("r", n), "DTSTART:"+start, "DURATION:PT1H", "RRULE:"+rule), calendarType)
			m.check(t)
			if a.status != http.StatusCreated && a.status != http.StatusForbidden {
				t.Errorf("%s from %s: %d", rule, start, a.status)
			}
		}
	}
	for _, r := range []string{
		`start="00010101T000000Z" end="99991231T235959Z"`, `start="00010101T000000Z" end="00010102T000000Z"`,
		`start="20300101T000000Z" end="20300108T000000Z"`, `start="99990101T000000Z" end="99991231T235959Z"`,
	} {
		for name, body := range map[string]string{
			"filter": reportBody("calendar-query", `<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range `+r+`/></C:comp-filter></C:comp-filter></C:filter>`),
			"expand": reportBody("calendar-query", `<D:prop><C:calendar-data><C:expand `+r+`/></C:calendar-data></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter>`),
			"busy":   reportBody("free-busy-query", "<C:time-range "+r+"/>"),
		} {
			t.Run(name+" "+r, func(t *testing.T) {
				m := startMeter()
				a := f.do("REPORT", annaCal, body, "Depth: 1")
				m.check(t)
				if a.status >= 500 {
					t.Errorf("%d: %s", a.status, a.body)
				}
			})
			f.alive()
		}
	}
}
