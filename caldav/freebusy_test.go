package caldav

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func busyLines(text string) string {
	text = strings.ReplaceAll(text, "\r\n ", "")
	return strings.Join(regexp.MustCompile(`(?m)^FREEBUSY[^\r\n]*`).FindAllString(text, -1), "\n")
}

func TestFreeBusy(t *testing.T) {
	f := newFixture(t)
	add := func(uid string, lines ...string) { t.Helper(); f.put(uid+".ics", event(uid, lines...)) }
	add("a", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z")
	add("overlap", "DTSTART:20300110T103000Z", "DTEND:20300110T120000Z")
	add("touching", "DTSTART:20300110T120000Z", "DTEND:20300110T123000Z")
	add("free", "DTSTART:20300111T100000Z", "DTEND:20300111T110000Z", "TRANSP:TRANSPARENT")
	add("cancelled", "DTSTART:20300112T100000Z", "DTEND:20300112T110000Z", "STATUS:CANCELLED")
	add("maybe", "DTSTART:20300113T100000Z", "DTEND:20300113T110000Z", "STATUS:TENTATIVE")
	add("declined", "DTSTART:20300114T100000Z", "DTEND:20300114T110000Z", "ORGANIZER:mailto:x@example.com", "ATTENDEE;PARTSTAT=DECLINED:mailto:anna@example.org")
	add("unanswered", "DTSTART:20300115T100000Z", "DTEND:20300115T110000Z", "ORGANIZER:mailto:x@example.com", "ATTENDEE:mailto:A.Ivanova@example.org")
	add("accepted", "DTSTART:20300116T100000Z", "DTEND:20300116T110000Z", "ORGANIZER:mailto:x@example.com", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org")
	add("day", "DTSTART;VALUE=DATE:20300120")
	add("moment", "DTSTART:20300122T100000Z")
	add("daily", "DTSTART:20300201T100000Z", "DTEND:20300201T110000Z", "RRULE:FREQ=DAILY", "EXDATE:20300203T100000Z")

	report := func(start, end string) *answer {
		t.Helper()
		return f.do("REPORT", annaCal, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="`+start+`" end="`+end+`"/></C:free-busy-query>`, "Depth: 1")
	}
	a := report("20300110T110000Z", "20300201T000000Z").want(http.StatusOK)
	if got := a.header.Get("Content-Type"); got != "text/calendar; charset=utf-8" {
		t.Errorf("Content-Type %s", got)
	}
	want := strings.Join([]string{
		"FREEBUSY:20300110T110000Z/20300110T123000Z", // cut to the range, joined
		"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20300113T100000Z/20300113T110000Z",
		"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20300115T100000Z/20300115T110000Z",
		"FREEBUSY:20300116T100000Z/20300116T110000Z",
		"FREEBUSY:20300119T210000Z/20300120T210000Z", // the day in Moscow
	}, "\n")
	if got := busyLines(a.body); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	a.contains("BEGIN:VFREEBUSY", "DTSTART:20300110T110000Z", "DTEND:20300201T000000Z").lacks("METHOD")
	want = "FREEBUSY:20300202T100000Z/20300202T110000Z\nFREEBUSY:20300204T100000Z/20300204T110000Z"
	if got := busyLines(report("20300202T000000Z", "20300205T000000Z").body); got != want {
		t.Errorf("recurring: got\n%s\nwant\n%s", got, want)
	}
	report("20300101T000000Z", "21300101T000000Z").condition(http.StatusForbidden, nsDAV, "number-of-matches-within-limits")
	f.do("REPORT", annaCal, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"/>`).condition(http.StatusForbidden, nsCal, "valid-filter")
}

func busyRequestText(organizer string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:fb-1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20300110T000000Z\r\nDTEND:20300111T000000Z\r\nORGANIZER:mailto:" +
		organizer + "\r\n" + strings.Join(append(lines, "END:VFREEBUSY", "END:VCALENDAR"), "\r\n") + "\r\n"
}

func TestOutbox(t *testing.T) {
	f := newFixture(t)
	put := func(path, uid string, lines ...string) {
		t.Helper()
		f.as("boris@example.org", "demo", "PUT", path, event(uid, lines...), calendarType).want(http.StatusCreated)
	}
	const borisHome = "/calendars/boris@example.org/"
	f.as("boris@example.org", "demo", "MKCALENDAR", borisHome+"second/", "").want(http.StatusCreated)
	f.as("boris@example.org", "demo", "MKCALENDAR", borisHome+"birthdays/", `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp></D:prop></D:set></C:mkcalendar>`).want(http.StatusCreated)
	put(borisHome+"calendar/a.ics", "a", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z", "SUMMARY:Very secret")
	put(borisHome+"second/b.ics", "b", "DTSTART:20300110T103000Z", "DTEND:20300110T120000Z")
	put(borisHome+"birthdays/c.ics", "c", "DTSTART:20300110T150000Z", "DTEND:20300110T160000Z")
	put(borisHome+"calendar/d.ics", "d", "DTSTART:20300110T180000Z", "DTEND:20300110T190000Z")

	outbox := annaHome + "outbox/"
	body := busyRequestText("anna@example.org", "ATTENDEE;CN=Boris:mailto:Boris@example.org", "ATTENDEE:mailto:stranger@example.com", "ATTENDEE:mailto:anna@example.org")
	a := f.do("POST", outbox, body, calendarType).want(http.StatusOK).lacks("secret", "METHOD:REQUEST")
	responses := a.xml().children()
	if len(responses) != 3 {
		t.Fatalf("%d responses, want 3: %s", len(responses), a.body)
	}
	data := responses[0].child(nsCal, "calendar-data").text()
	want := "FREEBUSY:20300110T100000Z/20300110T120000Z\nFREEBUSY:20300110T180000Z/20300110T190000Z"
	if got := busyLines(data); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, part := range []string{"METHOD:REPLY\r\n", "UID:fb-1\r\n", "ATTENDEE;CN=Boris:mailto:Boris@example.org\r\n", "ORGANIZER:mailto:anna@example.org\r\n"} {
		if !strings.Contains(data, part) {
			t.Errorf("%q is not in\n%s", part, data)
		}
	}
	for i, want := range []string{"2.0;", "3.7;", "2.0;"} {
		if got := responses[i].child(nsCal, "request-status").text(); !strings.HasPrefix(got, want) {
			t.Errorf("response %d: %s, want %s", i, got, want)
		}
	}
	masked := busyRequestText("anna@example.org", "X-CALENDARSERVER-MASK-UID:d", "ATTENDEE:mailto:boris@example.org")
	if got := busyLines(f.do("POST", outbox, masked, calendarType).want(200).xml().children()[0].child(nsCal, "calendar-data").text()); strings.Contains(got, "T180000Z") {
		t.Errorf("the masked event shows: %s", got)
	}

	wrong := map[string]int{"valid-scheduling-message": http.StatusBadRequest} // RFC 6638 §5.2
	for body, condition := range map[string]string{
		busyRequestText("boris@example.org", "ATTENDEE:mailto:anna@example.org"): "valid-organizer",
		busyRequestText("anna@example.org"):                                      "valid-scheduling-message",
		strings.Replace(body, "REQUEST", "PUBLISH", 1):                           "valid-scheduling-message",
		strings.Replace(body, "METHOD:REQUEST\r\n", "", 1):                       "valid-scheduling-message",
		strings.Replace(body, "DTEND:20300111", "DTEND:20300101", 1):             "valid-scheduling-message",
		event("x", "ATTENDEE:mailto:boris@example.org"):                          "valid-scheduling-message",
		"hello": "valid-calendar-data",
		busyRequestText("anna@example.org", strings.TrimSuffix(strings.Repeat("ATTENDEE:mailto:b@example.org\r\n", 51), "\r\n")): "valid-scheduling-message",
	} {
		f.do("POST", outbox, body, calendarType).condition(cmp.Or(wrong[condition], http.StatusForbidden), nsCal, condition)
	}
	f.do("POST", outbox, body, "Content-Type: text/plain").condition(http.StatusForbidden, nsCal, "supported-calendar-data")
}

// busyDays asks anna's outbox for somebody's busy time from a day (20300110, say) on.
func (f *fixture) busyDays(calendarUser, day string, days int) string {
	f.Helper()
	start, err := time.Parse("20060102", day)
	if err != nil {
		f.Fatal(err)
	}
	body := strings.NewReplacer("20300110T000000Z", start.Format(utcForm), "20300111T000000Z", start.AddDate(0, 0, days).Format(utcForm)).
		Replace(busyRequestText("anna@example.org", "ATTENDEE:"+calendarUser))
	a := f.do("POST", annaHome+"outbox/", body, calendarType).want(http.StatusOK)
	response := a.xml().child(nsCal, "response")
	if status := response.child(nsCal, "request-status").text(); status != "2.0;Success" {
		return status
	}
	return busyLines(response.child(nsCal, "calendar-data").text())
}

func (f *fixture) busy(calendarUser, day string) string {
	f.Helper()
	return f.busyDays(calendarUser, day, 1)
}

func TestMergePeriods(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2030, 1, 1, h, 0, 0, 0, time.UTC) }
	got := merge([]period{{at(5), at(6), busy}, {at(1), at(3), busy}, {at(2), at(4), busyTentative}, {at(2), at(5), busy}, {at(8), at(9), busy}})
	want := []period{{at(1), at(6), busy}, {at(2), at(4), busyTentative}, {at(8), at(9), busy}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
