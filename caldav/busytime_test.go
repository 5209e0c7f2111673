package caldav

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

const (
	borisCal  = "/calendars/boris@example.org/calendar/"
	borisUser = "mailto:boris@example.org"
)

// TestBusyKinds asks for the time that one event takes of somebody who is free otherwise.
func TestBusyKinds(t *testing.T) {
	const taken, maybe, free = "FREEBUSY:20300110T100000Z/20300110T110000Z", "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20300110T100000Z/20300110T110000Z", ""
	organizer := "ORGANIZER:mailto:x@example.com"
	f := newFixture(t)
	f.boris.Addresses = []string{"boris@example.org", "b@example.org"}
	f.updateUser(f.boris)
	for _, tt := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"own, alone", nil, taken},
		{"own, tentative", []string{"STATUS:TENTATIVE"}, maybe},
		{"own, confirmed", []string{"STATUS:CONFIRMED"}, taken},
		{"cancelled", []string{"STATUS:CANCELLED"}, free},
		{"cancelled, in small letters", []string{"STATUS:cancelled"}, free},
		{"transparent", []string{"TRANSP:TRANSPARENT"}, free},
		{"opaque", []string{"TRANSP:OPAQUE"}, taken},
		{"accepted", []string{organizer, "ATTENDEE;PARTSTAT=ACCEPTED:" + borisUser}, taken},
		{"accepted, what is tentative", []string{organizer, "STATUS:TENTATIVE", "ATTENDEE;PARTSTAT=ACCEPTED:" + borisUser}, maybe},
		{"declined", []string{organizer, "ATTENDEE;PARTSTAT=DECLINED:" + borisUser}, free},
		{"delegated", []string{organizer, "ATTENDEE;PARTSTAT=DELEGATED:" + borisUser}, free},
		{"perhaps", []string{organizer, "ATTENDEE;PARTSTAT=TENTATIVE:" + borisUser}, maybe},
		{"not answered", []string{organizer, "ATTENDEE;PARTSTAT=NEEDS-ACTION:" + borisUser}, maybe},
		{"not answered, by default", []string{organizer, "ATTENDEE:" + borisUser}, maybe},
		{"MAILTO: in capitals", []string{organizer, "ATTENDEE;PARTSTAT=DECLINED:MAILTO:Boris@Example.ORG"}, free},
		{"by EMAIL", []string{organizer, "ATTENDEE;PARTSTAT=DECLINED;EMAIL=boris@example.org:urn:uuid:1"}, free},
		{"others declined", []string{organizer, "ATTENDEE;PARTSTAT=DECLINED:mailto:y@example.com", "ATTENDEE;PARTSTAT=ACCEPTED:" + borisUser}, taken},
		{"declined by one address, accepted by the other", []string{organizer, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:b@example.org", "ATTENDEE;PARTSTAT=DECLINED:" + borisUser}, taken},
		{"accepted by one address, perhaps by the other", []string{organizer, "ATTENDEE;PARTSTAT=ACCEPTED:" + borisUser, "ATTENDEE;PARTSTAT=TENTATIVE:mailto:b@example.org"}, taken},
		{"organised and not answered", []string{"ORGANIZER:" + borisUser, "ATTENDEE:" + borisUser, "ATTENDEE:mailto:y@example.com"}, taken},
		{"organised by the other address", []string{"ORGANIZER:mailto:b@example.org", "ATTENDEE:" + borisUser, "ATTENDEE:mailto:y@example.com"}, taken},
		{"organised and declined", []string{"ORGANIZER:" + borisUser, "ATTENDEE;PARTSTAT=DECLINED:" + borisUser, "ATTENDEE:mailto:y@example.com"}, free},
	} {
		t.Run(tt.name, func(t *testing.T) {
			uid, lines := rand.Text(), append([]string{"DTSTART:20300110T100000Z", "DTEND:20300110T110000Z"}, tt.lines...)
			f.as("boris@example.org", "demo", "PUT", borisCal+uid, event(uid, lines...), calendarType).want(http.StatusCreated)
			if got := f.busy(borisUser, "20300110"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			f.as("boris@example.org", "demo", "DELETE", borisCal+uid, "").want(http.StatusNoContent)
		})
	}
}

// TestBusyInstances counts recurrences, zones, overrides and days.
func TestBusyInstances(t *testing.T) {
	override := func(data string, lines ...string) string {
		one := event("a", lines...)
		from, to := strings.Index(one, "BEGIN:VEVENT"), strings.Index(one, "END:VCALENDAR")
		return strings.Replace(data, "END:VCALENDAR", one[from:to]+"END:VCALENDAR", 1)
	}
	weekly := event("a", "DTSTART;TZID=Europe/Berlin:20300324T100000", "DTEND;TZID=Europe/Berlin:20300324T110000", "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20300407T100000")
	f := newFixture(t)
	for _, tt := range []struct{ name, data, want string }{
		{"a series over a change of the clock, without what is excluded", weekly,
			"FREEBUSY:20300324T090000Z/20300324T100000Z FREEBUSY:20300331T080000Z/20300331T090000Z FREEBUSY:20300414T080000Z/20300414T090000Z"},
		{"one moved, one cancelled", override(override(weekly,
			"RECURRENCE-ID;TZID=Europe/Berlin:20300331T100000", "DTSTART;TZID=Europe/Berlin:20300401T150000", "DTEND;TZID=Europe/Berlin:20300401T153000"),
			"RECURRENCE-ID;TZID=Europe/Berlin:20300414T100000", "DTSTART;TZID=Europe/Berlin:20300414T100000", "DTEND;TZID=Europe/Berlin:20300414T110000", "STATUS:CANCELLED"),
			"FREEBUSY:20300324T090000Z/20300324T100000Z FREEBUSY:20300401T130000Z/20300401T133000Z"},
		{"one declined, one transparent", override(override(weekly,
			"RECURRENCE-ID;TZID=Europe/Berlin:20300331T100000", "DTSTART;TZID=Europe/Berlin:20300331T100000", "DTEND;TZID=Europe/Berlin:20300331T110000",
			"ORGANIZER:mailto:x@example.com", "ATTENDEE;PARTSTAT=DECLINED:"+borisUser),
			"RECURRENCE-ID;TZID=Europe/Berlin:20300414T100000", "DTSTART;TZID=Europe/Berlin:20300414T100000", "DTEND;TZID=Europe/Berlin:20300414T110000", "TRANSP:TRANSPARENT"),
			"FREEBUSY:20300324T090000Z/20300324T100000Z"},
		{"invited to one occurrence only", event("a", "RECURRENCE-ID:20300331T080000Z", "DTSTART:20300331T080000Z", "DTEND:20300331T090000Z", "ORGANIZER:mailto:x@example.com", "ATTENDEE;PARTSTAT=ACCEPTED:"+borisUser),
			"FREEBUSY:20300331T080000Z/20300331T090000Z"},
		{"a whole day, as it is in the person's zone", event("a", "DTSTART;VALUE=DATE:20300401"), "FREEBUSY:20300331T210000Z/20300401T210000Z"},
		{"two days", event("a", "DTSTART;VALUE=DATE:20300401", "DTEND;VALUE=DATE:20300403"), "FREEBUSY:20300331T210000Z/20300402T210000Z"},
		{"floating time", event("a", "DTSTART:20300401T100000", "DTEND:20300401T110000"), "FREEBUSY:20300401T070000Z/20300401T080000Z"},
		{"by duration", event("a", "DTSTART:20300401T100000Z", "DURATION:PT90M"), "FREEBUSY:20300401T100000Z/20300401T113000Z"},
		{"no length", event("a", "DTSTART:20300401T100000Z"), ""},
		{"longer than the range", event("a", "DTSTART:20290101T000000Z", "DTEND:20310101T000000Z"), "FREEBUSY:20300320T000000Z/20300419T000000Z"},
		{"ends as the range begins", event("a", "DTSTART:20300319T230000Z", "DTEND:20300320T000000Z"), ""},
		{"begins as the range ends", event("a", "DTSTART:20300419T000000Z", "DTEND:20300419T010000Z"), ""},
		{"more dates", event("a", "DTSTART:20300401T100000Z", "DTEND:20300401T110000Z", "RDATE:20300405T100000Z"),
			"FREEBUSY:20300401T100000Z/20300401T110000Z FREEBUSY:20300405T100000Z/20300405T110000Z"},
		{"a task", strings.ReplaceAll(event("a", "DTSTART:20300401T100000Z", "DUE:20300401T110000Z"), "VEVENT", "VTODO"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			uid := rand.Text()
			f.as("boris@example.org", "demo", "PUT", borisCal+uid, strings.ReplaceAll(tt.data, "UID:a\r\n", "UID:"+uid+"\r\n"), calendarType).want(http.StatusCreated)
			if got := strings.ReplaceAll(f.busyDays(borisUser, "20300320", 30), "\n", " "); got != tt.want {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
			f.as("boris@example.org", "demo", "DELETE", borisCal+uid, "").want(http.StatusNoContent)
		})
	}
}

// TestBusyWho names people in all the ways in which clients do, and asks of rooms.
func TestBusyWho(t *testing.T) {
	f := newFixture(t)
	room := f.addRoom("room5@example.org", "Room 5", store.UserRoom)
	f.book(room, "20300110T120000Z", "20300110T130000Z")
	f.as("boris@example.org", "demo", "PUT", borisCal+"a.ics", event("a", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z"), calendarType).want(http.StatusCreated)
	const taken = "FREEBUSY:20300110T100000Z/20300110T110000Z"
	for user, want := range map[string]string{
		borisUser:                        taken,
		"MAILTO:BORIS@EXAMPLE.ORG":       taken,
		"mailto:boris%40example.org":     taken,
		"/principals/boris@example.org/": taken,
		"https://cal.example.org/principals/boris@example.org/": taken,
		"mailto:room5@example.org":                              "FREEBUSY:20300110T120000Z/20300110T130000Z",
		"mailto:nobody@example.org":                             "3.7;Invalid calendar user",
		"/principals/nobody/":                                   "3.7;Invalid calendar user",
		"urn:uuid:1":                                            "3.7;Invalid calendar user",
	} {
		if got := f.busy(user, "20300110"); got != want {
			t.Errorf("%s: %q, want %q", user, got, want)
		}
	}
	ask := func(organizer, attendee string) *answer {
		t.Helper()
		body := strings.NewReplacer("ORGANIZER:mailto:anna@example.org", organizer, "ATTENDEE:x", attendee).Replace(busyRequestText("anna@example.org", "ATTENDEE:x"))
		return f.do("POST", annaHome+"outbox/", body, calendarType)
	}
	ask("ORGANIZER:mailto:anna@example.org", "ATTENDEE;EMAIL=boris@example.org:urn:uuid:2").want(http.StatusOK).contains("20300110T100000Z/20300110T110000Z")
	// Whoever asks names themselves, by any of their addresses.
	for _, own := range []string{"ORGANIZER:MAILTO:A.Ivanova@example.org", "ORGANIZER;EMAIL=anna@example.org:urn:uuid:3", "ORGANIZER:/principals/anna@example.org/"} {
		ask(own, "ATTENDEE:"+borisUser).want(http.StatusOK)
	}
	for _, other := range []string{"ORGANIZER:" + borisUser, "ORGANIZER:/principals/boris@example.org/", "ORGANIZER:mailto:nobody@example.org", "ORGANIZER:urn:uuid:4"} {
		ask(other, "ATTENDEE:"+borisUser).condition(http.StatusForbidden, nsCal, "valid-organizer")
	}
	f.as("boris@example.org", "demo", "POST", annaHome+"outbox/", busyRequestText("boris@example.org", "ATTENDEE:"+borisUser), calendarType).
		condition(http.StatusForbidden, nsDAV, "need-privileges")
	f.do("POST", annaInbox, busyRequestText("anna@example.org", "ATTENDEE:"+borisUser), calendarType).want(http.StatusMethodNotAllowed)
}

// TestBusyCalendars leaves out transparent calendars (RFC 6638 §9.1), whoever set them so.
func TestBusyCalendars(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z"))
	const taken = "FREEBUSY:20300110T100000Z/20300110T110000Z"
	for _, tt := range []struct{ set, want string }{
		{"<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>", ""},
		{"<C:schedule-calendar-transp><C:opaque/></C:schedule-calendar-transp>", taken},
	} {
		f.do("PROPPATCH", annaCal, patch(tt.set, "")).want(http.StatusMultiStatus)
		if got := f.busy("mailto:anna@example.org", "20300110"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.set, got, tt.want)
		}
	}
	f.do("MKCALENDAR", annaHome+"zone/", `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:calendar-timezone>`+
		"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:Asia/Tokyo\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0900\nTZOFFSETTO:+0900\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n"+
		`</C:calendar-timezone></D:prop></D:set></C:mkcalendar>`).want(http.StatusCreated)
	f.do("PUT", annaHome+"zone/day.ics", event("day", "DTSTART;VALUE=DATE:20300201"), calendarType).want(http.StatusCreated)
	if got, want := f.busyDays("mailto:anna@example.org", "20300131", 3), "FREEBUSY:20300131T150000Z/20300201T150000Z"; got != want {
		t.Errorf("a day in a calendar with its own zone: %q, want %q", got, want)
	}
}

// TestFreeBusyQuery goes through RFC 4791 §7.10 where TestFreeBusy does not.
func TestFreeBusyQuery(t *testing.T) {
	f := newFixture(t)
	ask := func(path, inner string, headers ...string) *answer {
		t.Helper()
		return f.do("REPORT", path, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">`+inner+`</C:free-busy-query>`, headers...)
	}
	january := rangeXML("time-range", "0100-3100")
	const nothing = ""
	const taken = "FREEBUSY:20300110T100000Z/20300110T110000Z"
	want := func(a *answer, want string) {
		t.Helper()
		a.want(http.StatusOK)
		if got := busyLines(a.body); got != want {
			t.Errorf("%s: got %q, want %q", a.what, got, want)
		}
		if n := strings.Count(a.body, "BEGIN:VFREEBUSY"); n != 1 {
			t.Errorf("%d VFREEBUSY, want one:\n%s", n, a.body)
		}
	}
	want(ask(annaCal, january), nothing)
	f.put("a.ics", event("a", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z"))
	want(ask(annaCal, january), taken)
	want(ask(annaCal, january, "Depth: 1"), taken)
	want(ask(annaCal, january, "Depth: infinity"), taken)
	want(ask(annaCal, january, "Depth: 0"), nothing)
	ask(annaCal, january, "Depth: 2").want(http.StatusBadRequest)
	ask(annaCal+"a.ics", january).condition(http.StatusForbidden, nsDAV, "supported-report")
	ask(annaHome+"none/", january).want(http.StatusNotFound)
	f.as("boris@example.org", "demo", "REPORT", annaCal, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">`+january+`</C:free-busy-query>`).
		condition(http.StatusForbidden, nsDAV, "need-privileges")
	for inner, condition := range map[string]string{
		"":                                  "valid-filter",
		january + january:                   "valid-filter",
		"<C:time-range/>":                   "valid-filter",
		rangeXML("time-range", "3100-0100"): "valid-filter",
		`<C:time-range start="20300101"/>`:  "valid-filter",
		`<C:time-range start="00000101T000000Z" end="20300101T000000Z"/>`: "min-date-time",
	} {
		ask(annaCal, inner).condition(http.StatusForbidden, nsCal, condition)
	}
	for _, open := range []string{"0100-", "-3100"} {
		ask(annaCal, rangeXML("time-range", open)).condition(http.StatusForbidden, nsDAV, "number-of-matches-within-limits")
	}
	f.put("often.ics", event("often", "DTSTART:20300101T000000Z", "DTEND:20300101T000030Z", "RRULE:FREQ=MINUTELY"))
	ask(annaCal, january).condition(http.StatusForbidden, nsDAV, "number-of-matches-within-limits")
	want(ask(annaCal, rangeXML("time-range", "0100-0101")), busyLines(ask(annaCal, rangeXML("time-range", "0100-0101")).body))
}

// TestStoredFreeBusy takes published busy time for busy (RFC 4791 §7.10), by its kind.
func TestStoredFreeBusy(t *testing.T) {
	f := newFixture(t)
	href := f.putWhole(object("fb", []string{"VFREEBUSY", "DTSTART:20300101T000000Z", "DTEND:20300131T000000Z",
		"FREEBUSY:20300110T100000Z/PT1H,20300110T103000Z/20300110T120000Z",
		"FREEBUSY;FBTYPE=busy:20300110T120000Z/PT1H",
		"FREEBUSY;FBTYPE=X-OUT:20300110T130000Z/PT1H",
		"FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20300111T000000Z/P1D",
		"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20300110T110000Z/PT1H",
		"FREEBUSY;FBTYPE=Free:20300115T100000Z/PT1H",
		"FREEBUSY:20300116T100000Z/20300116T090000Z",
		"FREEBUSY:20300125T000000Z/P10D"}))
	calendar := strings.TrimSuffix(href, "a.ics")
	f.do("PUT", calendar+"b.ics", event("b", "DTSTART:20300110T133000Z", "DTEND:20300110T150000Z"), calendarType).want(http.StatusCreated)
	got := busyLines(f.do("REPORT", calendar, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">`+rangeXML("time-range", "0100-2800")+`</C:free-busy-query>`).want(http.StatusOK).body)
	want := strings.Join([]string{
		"FREEBUSY:20300110T100000Z/20300110T150000Z",
		"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20300110T110000Z/20300110T120000Z",
		"FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20300111T000000Z/20300112T000000Z",
		"FREEBUSY:20300125T000000Z/20300128T000000Z",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestBusyPages works out the busy time of much without keeping a reader of the store for all of it.
func TestBusyPages(t *testing.T) {
	const n, size = 6, 600_000
	f := newFixture(t)
	f.fill(n, size)
	r := httptest.NewRequest("REPORT", annaCal, nil)
	q := &request{Server: f.handler, w: &response{ResponseWriter: httptest.NewRecorder()}, r: r, user: f.anna, until: time.Now().Add(maxAnswer)}
	june := timeRange{time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 7, 1, 0, 0, 0, 0, time.UTC)}
	var cals []store.Calendar
	var members []busyMember
	b := busyTime{user: f.anna, during: june, masked: "none"} // so that all are read
	err := f.store.View(r.Context(), func(tx *store.Tx) (err error) {
		if cals, err = tx.Calendars(f.anna.ID); err != nil {
			return err
		}
		members, err = b.members(tx, cals)
		return err
	})
	if err != nil || len(members) != n {
		t.Fatalf("%d members, error %v", len(members), err)
	}
	if got, err := q.busyPage(members, &b); err != nil || got != 1+pageRead/size {
		t.Errorf("a page of %d objects, error %v; want %d", got, err, 1+pageRead/size)
	}
	if ps, err := q.busyTime(f.anna, cals, june, "none"); err != nil || len(ps) != 1 {
		t.Errorf("busy %v, error %v; want one period", ps, err)
	}
	q.until = time.Now().Add(-time.Second)
	leaves := []func(){}
	for range maxTurns {
		leave, err := q.turns.take(t.Context(), f.anna.ID)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	if _, err := q.busyTime(f.anna, cals, june, "none"); err == nil {
		t.Error("busy time beside two long requests, after the answer was due")
	}
	for _, leave := range leaves {
		leave()
	}
}

// What begins or ends with the year 1970, as events with a forgotten date do, takes its time and no other.
func TestEpoch(t *testing.T) {
	f := newFixture(t)
	f.put("after.ics", event("after", "DTSTART:19700101T000000Z", "DTEND:19700101T010000Z"))
	f.put("before.ics", event("before", "DTSTART:19691231T220000Z", "DTEND:19700101T000000Z"))
	report := func(start, end string) string {
		return f.do("REPORT", annaCal, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="`+start+`" end="`+end+`"/></C:free-busy-query>`,
			"Depth: 1").want(http.StatusOK).body
	}
	if got := report("19691231T000000Z", "19700102T000000Z"); !strings.Contains(got, "FREEBUSY:19691231T220000Z/19700101T010000Z\r\n") {
		t.Errorf("the days around:\n%s", got)
	}
	for _, year := range []string{"1960", "1980"} {
		during := `<C:comp-filter name="VEVENT"><C:time-range start="` + year + `0101T000000Z" end="` + year + `0201T000000Z"/></C:comp-filter>`
		if got := f.names(t, during); len(got) > 0 {
			t.Errorf("in %s there are %q", year, got)
		}
	}
}
