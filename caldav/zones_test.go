package caldav

import (
	"net/http"
	"strings"
	"testing"
)

// TestWantedZones asks for objects with and without the zones that everybody knows (RFC 7809 §3.1.3).
func TestWantedZones(t *testing.T) {
	f := newFixture(t)
	start := "DTSTART;TZID=Europe/Berlin:20300701T100000"
	insert := func(uid, start, zones string) string {
		return strings.Replace(event(uid, start, "DURATION:PT1H"), "BEGIN:VEVENT", zones+"BEGIN:VEVENT", 1)
	}
	own := strings.ReplaceAll(berlinZone, "Europe/Berlin", "Our Zone")
	const begin = "BEGIN:VTIMEZONE"
	for _, tt := range []struct {
		name, text    string
		stored, t2, f int // zones as stored, with T and with F
	}{
		{"known", insert("known", start, berlinZone), 1, 1, 0},
		{"named only", insert("named", start, ""), 0, 1, 0},
		{"own", insert("own", strings.Replace(start, "Europe/Berlin", "Our Zone", 1), own), 1, 1, 1},
		{"both", insert("both", start, berlinZone+own), 2, 2, 1},
		{"another zone's rules by that name", insert("wrong", start, strings.ReplaceAll(berlinZone, "0200", "0500")), 1, 1, 1},
		{"by a path", insert("path", strings.Replace(start, "Europe/Berlin", "/a.example/Europe/Berlin", 1), strings.Replace(berlinZone, "Europe/Berlin", "/a.example/Europe/Berlin", 1)), 1, 1, 1},
		{"none", event("none"), 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			f.do("PUT", annaCal+"a", tt.text, calendarType).want(http.StatusCreated)
			for header, want := range map[string]int{"X-No: header": tt.stored, "CalDAV-Timezones: maybe": tt.stored, "CalDAV-Timezones: T": tt.t2, "CalDAV-Timezones: F": tt.f} {
				get := f.do("GET", annaCal+"a", "", header).want(http.StatusOK)
				if got := strings.Count(get.body, begin); got != want {
					t.Errorf("GET, %s: %d zones, want %d", header, got, want)
				}
				if !strings.Contains(strings.Join(get.header.Values("Vary"), ","), "CalDAV-Timezones") {
					t.Errorf("GET does not say that it goes by the header: %v", get.header)
				}
				head := f.do("HEAD", annaCal+"a", "", header)
				if head.header.Get("Content-Length") != get.header.Get("Content-Length") || head.header.Get("ETag") != get.header.Get("ETag") {
					t.Errorf("HEAD, %s: %v, want %v", header, head.header, get.header)
				}
				data := f.do("REPORT", annaCal, multigetBody(annaCal+"a"), header).one().ok["{"+nsCal+"}calendar-data"]
				if data != get.body {
					t.Errorf("multiget, %s: %q, want %q", header, data, get.body)
				}
				if strings.HasPrefix(header, "X-") && data != tt.text {
					t.Errorf("without the header: %q, want the exact bytes %q", data, tt.text)
				}
				part := dataBody("", `<C:comp name="VCALENDAR"><C:comp name="VEVENT"/></C:comp>`, annaCal+"a")
				f.do("REPORT", annaCal, part, header).want(http.StatusMultiStatus).lacks(begin)
			}
			expanded := dataBody("", `<C:expand start="20300601T000000Z" end="20300801T000000Z"/>`, annaCal+"a")
			f.do("REPORT", annaCal, expanded, "CalDAV-Timezones: T").want(http.StatusMultiStatus).lacks(begin, "TZID")
			f.do("DELETE", annaCal+"a", "").want(http.StatusNoContent)
		})
	}
}
