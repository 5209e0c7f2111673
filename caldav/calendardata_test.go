package caldav

import (
	"net/http"
	"strings"
	"testing"
)

// dataOf asks for calendar-data of an object by a multiget; inner is what stands in the element.
func (f *fixture) dataOf(href, inner string) string {
	f.Helper()
	return f.do("REPORT", href[:strings.LastIndex(href, "/")+1], dataBody("", inner, href)).one().ok["{"+nsCal+"}calendar-data"]
}

func dataBody(attributes, inner, href string) string {
	return `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data` + attributes + `>` + inner +
		`</C:calendar-data></D:prop><D:href>` + href + `</D:href></C:calendar-multiget>`
}

// within is what stands in an object's components: without what object puts around and into them.
func within(text string) string {
	var lines []string
	for _, l := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		switch {
		case strings.HasPrefix(l, "BEGIN:VCALENDAR"), strings.HasPrefix(l, "END:VCALENDAR"), strings.HasPrefix(l, "VERSION:"),
			strings.HasPrefix(l, "PRODID:"), strings.HasPrefix(l, "UID:"), strings.HasPrefix(l, "DTSTAMP:"):
		case strings.HasPrefix(l, "END:"):
			lines = append(lines, "/")
		default:
			lines = append(lines, strings.TrimPrefix(l, "BEGIN:"))
		}
	}
	return strings.Join(lines, " ")
}

const berlinZone = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n" +
	"BEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

// putWhole stores an object in a calendar for all kinds of components and returns its address.
func (f *fixture) putWhole(text string) string {
	f.Helper()
	href := annaHome + "whole/a.ics"
	if a := f.do("DELETE", href, ""); a.status == http.StatusNotFound {
		f.do("MKCALENDAR", annaHome+"whole/", `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:supported-calendar-component-set>`+
			`<C:comp name="VEVENT"/><C:comp name="VTODO"/><C:comp name="VJOURNAL"/><C:comp name="VFREEBUSY"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`)
	}
	f.do("PUT", href, text, calendarType).want(http.StatusCreated)
	return href
}

// TestExpand takes recurring components apart (RFC 4791 §9.6.5). The owner's zone is Moscow.
func TestExpand(t *testing.T) {
	f := newFixture(t)
	weekly := "RRULE:FREQ=DAILY;INTERVAL=7;COUNT=3"
	for _, tt := range []struct {
		name, text, during, want string
	}{
		{"an event", object("e1", []string{"VEVENT", "DTSTART:20300101T100000Z", "DTEND:20300101T110000Z", weekly, "EXDATE:20300108T100000Z", "SUMMARY:x"}), "0100-2000",
			"VEVENT DTSTART:20300101T100000Z DTEND:20300101T110000Z RECURRENCE-ID:20300101T100000Z SUMMARY:x / " +
				"VEVENT DTSTART:20300115T100000Z DTEND:20300115T110000Z RECURRENCE-ID:20300115T100000Z SUMMARY:x /"},
		{"one that does not recur", object("e2", []string{"VEVENT", "SUMMARY:x", "DTSTART:20300101T100000Z", "DURATION:PT1H"}), "0100-2000",
			"VEVENT SUMMARY:x DTSTART:20300101T100000Z DTEND:20300101T110000Z /"},
		{"one that is elsewhere", object("e3", []string{"VEVENT", "DTSTART:20300101T100000Z"}), "0200-2000", ""},
		{"up to the range's end", object("e4", []string{"VEVENT", "DTSTART:20300101T100000Z", weekly}), "0110-0810", "VEVENT DTSTART:20300101T100000Z RECURRENCE-ID:20300101T100000Z /"},
		{"of dates", object("e5", []string{"VEVENT", "DTSTART;VALUE=DATE:20300101", weekly}), "0700-0900",
			"VEVENT DTSTART;VALUE=DATE:20300108 DTEND;VALUE=DATE:20300109 RECURRENCE-ID;VALUE=DATE:20300108 /"},
		{"of dates, one at a time", object("e6", []string{"VEVENT", "DTSTART;VALUE=DATE:20300101", weekly}, []string{"VEVENT", "RECURRENCE-ID;VALUE=DATE:20300108", "DTSTART:20300108T100000Z", "DTEND:20300108T110000Z"}), "0700-0900",
			"VEVENT DTSTART:20300108T100000Z DTEND:20300108T110000Z RECURRENCE-ID;VALUE=DATE:20300108 /"},
		{"in a zone", strings.Replace(object("e7", []string{"VEVENT", "DTSTART;TZID=Europe/Berlin:20300101T100000", "DURATION:PT1H", weekly, "X-SEEN;TZID=Europe/Berlin;X-A=b:20300102T100000"}), "BEGIN:VEVENT", berlinZone+"BEGIN:VEVENT", 1), "0700-0900",
			"VEVENT DTSTART:20300108T090000Z DTEND:20300108T100000Z RECURRENCE-ID:20300108T090000Z X-SEEN;X-A=b:20300102T090000Z /"},
		{"floating", object("e8", []string{"VEVENT", "DTSTART:20300101T100000", "DTEND:20300101T110000", weekly}), "0700-0900",
			"VEVENT DTSTART:20300108T070000Z DTEND:20300108T080000Z RECURRENCE-ID:20300108T070000Z /"},
		{"with an alarm", object("e9", []string{"VEVENT", "DTSTART:20300101T100000Z", weekly, "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "REPEAT:2", "DURATION:PT1M", "END:VALARM"}), "0700-0900",
			"VEVENT DTSTART:20300108T100000Z RECURRENCE-ID:20300108T100000Z VALARM ACTION:DISPLAY TRIGGER:-PT5M REPEAT:2 DURATION:PT1M / /"},
		{"moved", object("e10", []string{"VEVENT", "DTSTART:20300101T100000Z", weekly}, []string{"VEVENT", "RECURRENCE-ID:20300108T100000Z", "DTSTART:20300109T120000Z", "SUMMARY:y"}), "0700-1000",
			"VEVENT DTSTART:20300109T120000Z RECURRENCE-ID:20300108T100000Z SUMMARY:y /"},
		{"one instance alone", object("e11", []string{"VEVENT", "RECURRENCE-ID:20300108T100000Z", "DTSTART:20300109T120000Z"}), "0700-1000",
			"VEVENT DTSTART:20300109T120000Z RECURRENCE-ID:20300108T100000Z /"},
		{"more dates", object("e12", []string{"VEVENT", "DTSTART:20300101T100000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20300105T100000Z/PT3H"}), "0500-0600",
			"VEVENT DTSTART:20300105T100000Z DTEND:20300105T130000Z RECURRENCE-ID:20300105T100000Z /"},

		{"a task", object("t1", []string{"VTODO", "DTSTART:20300101T100000Z", "DUE:20300101T120000Z", weekly, "SUMMARY:x"}), "0700-0900",
			"VTODO DTSTART:20300108T100000Z DUE:20300108T120000Z RECURRENCE-ID:20300108T100000Z SUMMARY:x /"},
		{"a task with DURATION, up to its end", object("t2", []string{"VTODO", "DTSTART:20300101T100000Z", "DURATION:PT2H", weekly}), "0812-0900",
			"VTODO DTSTART:20300108T100000Z DUE:20300108T120000Z RECURRENCE-ID:20300108T100000Z /"},
		{"a task that begins", object("t3", []string{"VTODO", "DTSTART;VALUE=DATE:20300101", weekly}), "0700-0900",
			"VTODO DTSTART;VALUE=DATE:20300108 RECURRENCE-ID;VALUE=DATE:20300108 /"},
		{"a task that is due", object("t4", []string{"VTODO", "SUMMARY:x", "DUE:20300101T100000Z", weekly}), "0700-0810",
			"VTODO SUMMARY:x DUE:20300108T100000Z RECURRENCE-ID:20300108T100000Z /"},
		{"a task, moved and done", object("t5", []string{"VTODO", "DTSTART:20300101T100000Z", "DUE:20300101T120000Z", weekly},
			[]string{"VTODO", "RECURRENCE-ID:20300108T100000Z", "DTSTART:20300109T100000Z", "DUE:20300109T120000Z", "STATUS:COMPLETED"}), "0700-1000",
			"VTODO DTSTART:20300109T100000Z DUE:20300109T120000Z RECURRENCE-ID:20300108T100000Z STATUS:COMPLETED /"},
		{"a task without a time", object("t6", []string{"VTODO", "SUMMARY:x"}), "0700-1000", "VTODO SUMMARY:x /"},
		{"a task that was made later", object("t7", []string{"VTODO", "CREATED:20300120T000000Z"}), "0700-1000", ""},
		{"a journal entry", object("j1", []string{"VJOURNAL", "DTSTART;VALUE=DATE:20300101", weekly}), "0700-0900",
			"VJOURNAL DTSTART;VALUE=DATE:20300108 RECURRENCE-ID;VALUE=DATE:20300108 /"},
		{"a journal entry without a time", object("j2", []string{"VJOURNAL", "SUMMARY:x"}), "0700-0900", ""},
		{"busy time", object("f1", []string{"VFREEBUSY", "FREEBUSY:20300110T100000Z/PT1H"}), "0700-0900", "VFREEBUSY FREEBUSY:20300110T100000Z/PT1H /"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			if got := within(f.dataOf(f.putWhole(tt.text), rangeXML("expand", tt.during))); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestLimitRecurrenceSet leaves out overrides (RFC 4791 §9.6.6). Each override's SUMMARY is its letter.
func TestLimitRecurrenceSet(t *testing.T) {
	f := newFixture(t)
	for _, kind := range []string{"VEVENT", "VTODO", "VJOURNAL"} {
		end := map[string]string{"VEVENT": "DTEND:", "VTODO": "DUE:", "VJOURNAL": "X-END:"}[kind]
		override := func(letter, id, from, to string) []string {
			return []string{kind, "RECURRENCE-ID" + id, "DTSTART:" + moment(from), end + moment(to), "SUMMARY:" + letter}
		}
		text := object(kind, []string{kind, "DTSTART:20300101T100000Z", end + "20300101T120000Z", "RRULE:FREQ=DAILY;COUNT=20", "SUMMARY:m"},
			override("a", ":20300103T100000Z", "0315", "0317"),
			override("b", ":20300105T100000Z", "0910", "0912"),
			override("c", ";RANGE=THISANDFUTURE:20300107T100000Z", "0709", "0711"))
		for during, want := range map[string]string{
			"0100-0200": "m", "0300-0400": "ma", "0310-0311": "ma", "0315-0316": "ma", "0400-0410": "m",
			"0500-0600": "mb", "0900-1000": "mbc", "1200-1300": "mc", "0100-2000": "mabc", "0700-0710": "mc",
		} {
			t.Run(kind+" "+during, func(t *testing.T) {
				f.TB = t
				data := f.dataOf(f.putWhole(text), rangeXML("limit-recurrence-set", during))
				got := ""
				for _, l := range strings.Split(data, "\r\n") {
					if s, ok := strings.CutPrefix(l, "SUMMARY:"); ok {
						got += s
					}
				}
				if got != want || !strings.Contains(data, "RRULE:") {
					t.Errorf("got %s, want %s:\n%s", got, want, data)
				}
			})
		}
	}
	// A task whose instance lost its time is there wherever the table says so.
	href := f.putWhole(object("timeless", []string{"VTODO", "DTSTART:20300101T100000Z", "RRULE:FREQ=DAILY", "SUMMARY:m"},
		[]string{"VTODO", "RECURRENCE-ID:20300103T100000Z", "COMPLETED:20300120T100000Z", "SUMMARY:a"}))
	for during, want := range map[string]bool{"2000-2100": true, "0200-0300": false} {
		if got := strings.Contains(f.dataOf(href, rangeXML("limit-recurrence-set", during)), "SUMMARY:a"); got != want {
			t.Errorf("an instance without a time in %s: %v", during, got)
		}
	}
}

// TestLimitFreeBusySet leaves out periods (RFC 4791 §9.6.7).
func TestLimitFreeBusySet(t *testing.T) {
	f := newFixture(t)
	href := f.putWhole(object("fb", []string{"VFREEBUSY", "DTSTART:20300101T000000Z", "DTEND:20300131T000000Z",
		"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20300110T100000Z/PT2H,20300112T100000Z/20300112T120000Z,20300114T100000Z/PT1H",
		"FREEBUSY:20300120T100000Z/PT1H", "COMMENT:kept"}))
	const around = "VFREEBUSY DTSTART:20300101T000000Z DTEND:20300131T000000Z "
	for during, want := range map[string]string{
		"1011-1211": "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20300110T100000Z/PT2H,20300112T100000Z/20300112T120000Z ",
		"1100-1300": "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20300112T100000Z/20300112T120000Z ",
		"1012-1210": "",
		"2010-2011": "FREEBUSY:20300120T100000Z/PT1H ",
	} {
		got := within(strings.ReplaceAll(f.dataOf(href, rangeXML("limit-freebusy-set", during)), "\r\n ", ""))
		if want = around + want + "COMMENT:kept /"; got != want {
			t.Errorf("%s: got  %s\nwant %s", during, got, want)
		}
	}
	if got, want := f.dataOf(href, rangeXML("limit-freebusy-set", "0100-3000")), f.do("GET", href, "").body; got != want {
		t.Errorf("with all periods in the range: %q, want %q", got, want)
	}
	got := within(f.dataOf(href, `<C:comp name="VCALENDAR"><C:comp name="VFREEBUSY"><C:prop name="FREEBUSY"/></C:comp></C:comp>`+rangeXML("expand", "0100-3000")+rangeXML("limit-freebusy-set", "2000-2100")))
	if want := "VFREEBUSY FREEBUSY:20300120T100000Z/PT1H /"; got != want {
		t.Errorf("beside others: got %s, want %s", got, want)
	}
}

// TestCompSelection takes parts of an object (RFC 4791 §9.6.1 to §9.6.4).
func TestCompSelection(t *testing.T) {
	f := newFixture(t)
	href := f.putWhole(strings.Replace(strings.Replace(object("s", []string{"VEVENT", "DTSTART;TZID=Europe/Berlin:20300101T100000", "SUMMARY;LANGUAGE=en:x", "X-OWN:y",
		"BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER:-PT5M", "END:VALARM", "BEGIN:X-INNER", "X-DEEP:z", "END:X-INNER"}), "BEGIN:VEVENT", berlinZone+"BEGIN:VEVENT", 1),
		"VERSION:2.0", "VERSION:2.0\r\nX-TOP:t", 1))
	in := func(inner string) string { return `<C:comp name="VCALENDAR">` + inner + `</C:comp>` }
	vevent := func(inner string) string { return in(`<C:comp name="VEVENT">` + inner + `</C:comp>`) }
	whole := f.do("GET", href, "").body
	for _, tt := range []struct{ name, inner, want string }{
		{"nothing said", "", within(whole)},
		{"an empty selection", in(""), within(whole)},
		{"all of all", in("<C:allprop/><C:allcomp/>"), within(whole)},
		{"all properties", in("<C:allprop/>"), "X-TOP:t"},
		{"all components", in("<C:allcomp/>"), strings.TrimPrefix(within(whole), "X-TOP:t ")},
		{"one property", in(`<C:prop name="X-TOP"/>`), "X-TOP:t"},
		{"one component", in(`<C:comp name="VEVENT"/>`), "VEVENT DTSTART;TZID=Europe/Berlin:20300101T100000 SUMMARY;LANGUAGE=en:x X-OWN:y VALARM ACTION:AUDIO TRIGGER:-PT5M / X-INNER X-DEEP:z / /"},
		{"two components, part of one", in(`<C:comp name="VTIMEZONE"/><C:comp name="VEVENT"><C:prop name="SUMMARY"/></C:comp>`), strings.TrimPrefix(within("X\r\n"+berlinZone), "X ") + " VEVENT SUMMARY;LANGUAGE=en:x /"},
		{"properties", vevent(`<C:prop name="SUMMARY"/><C:prop name="x-own"/>`), "VEVENT SUMMARY;LANGUAGE=en:x X-OWN:y /"},
		{"properties that it lacks", vevent(`<C:prop name="LOCATION"/>`), "VEVENT /"},
		{"without their values", vevent(`<C:prop name="SUMMARY" novalue="yes"/><C:prop name="X-OWN" novalue="no"/>`), "VEVENT SUMMARY;LANGUAGE=en: X-OWN:y /"},
		{"all properties of a component", vevent("<C:allprop/>"), "VEVENT DTSTART;TZID=Europe/Berlin:20300101T100000 SUMMARY;LANGUAGE=en:x X-OWN:y /"},
		{"an alarm", vevent(`<C:comp name="VALARM"><C:prop name="ACTION"/></C:comp>`), "VEVENT VALARM ACTION:AUDIO / /"},
		{"all that it holds", vevent(`<C:prop name="SUMMARY"/><C:allcomp/>`), "VEVENT SUMMARY;LANGUAGE=en:x VALARM ACTION:AUDIO TRIGGER:-PT5M / X-INNER X-DEEP:z / /"},
		{"one's own component", vevent(`<C:comp name="X-INNER"/>`), "VEVENT X-INNER X-DEEP:z / /"},
		{"with instances", vevent(`<C:prop name="DTSTART"/>`) + rangeXML("expand", "0100-0200"), "VEVENT DTSTART:20300101T090000Z /"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			if got := within(f.dataOf(href, tt.inner)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestCalendarDataErrors asks for calendar-data in ways that are not known here.
func TestCalendarDataErrors(t *testing.T) {
	f := newFixture(t)
	const first, second = `<C:expand start="20300101T000000Z" end="20300102T000000Z"/>`, `<C:limit-recurrence-set start="20300101T000000Z" end="20300102T000000Z"/>`
	for _, tt := range []struct{ name, attributes, inner, condition string }{
		{"another type", ` content-type="application/calendar+json"`, "", "supported-calendar-data"},
		{"another version", ` version="1.0"`, "", "supported-calendar-data"},
		{"no calendar", "", `<C:comp name="VEVENT"/>`, "supported-calendar-data"},
		{"no name", "", `<C:comp/>`, "supported-calendar-data"},
		{"two selections", "", `<C:comp name="VCALENDAR"/><C:comp name="VCALENDAR"/>`, "supported-calendar-data"},
		{"a property without a name", "", `<C:comp name="VCALENDAR"><C:prop/></C:comp>`, "supported-calendar-data"},
		{"half a value", "", `<C:comp name="VCALENDAR"><C:prop name="UID" novalue="perhaps"/></C:comp>`, "supported-calendar-data"},
		{"an unknown part of a selection", "", `<C:comp name="VCALENDAR"><C:magic/></C:comp>`, "supported-calendar-data"},
		{"an unknown part", "", `<C:magic/>`, "supported-calendar-data"},
		{"instances and overrides", "", first + second, "supported-calendar-data"},
		{"overrides and instances", "", second + first, "supported-calendar-data"},
		{"instances twice", "", first + first, "supported-calendar-data"},
		{"instances of no range", "", `<C:expand/>`, "supported-calendar-data"},
		{"instances of half a range", "", `<C:expand start="20300101T000000Z"/>`, "supported-calendar-data"},
		{"instances of a range backwards", "", `<C:expand start="20300102T000000Z" end="20300101T000000Z"/>`, "supported-calendar-data"},
		{"overrides of a local range", "", `<C:limit-recurrence-set start="20300101T000000" end="20300102T000000"/>`, "supported-calendar-data"},
		{"periods of no range", "", `<C:limit-freebusy-set end="20300102T000000Z"/>`, "supported-calendar-data"},
		{"instances before all times", "", `<C:expand start="00000101T000000Z" end="20300101T000000Z"/>`, "min-date-time"},
		{"periods before all times", "", `<C:limit-freebusy-set start="00000101T000000Z" end="20300101T000000Z"/>`, "min-date-time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			f.do("REPORT", annaCal, dataBody(tt.attributes, tt.inner, annaCal+"a.ics")).condition(http.StatusForbidden, nsCal, tt.condition)
		})
	}
	f.put("a.ics", event("a"))
	if got := f.do("REPORT", annaCal, dataBody(` content-type="Text/Calendar" version="2.0"`, "", annaCal+"a.ics")).one().ok["{"+nsCal+"}calendar-data"]; got != event("a") {
		t.Errorf("text/calendar by name: %q", got)
	}
}
