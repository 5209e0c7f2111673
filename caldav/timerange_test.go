package caldav

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// object makes an object's text of components, each "KIND" and its lines.
func object(uid string, components ...[]string) string {
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"}
	for _, c := range components {
		lines = append(lines, "BEGIN:"+c[0], "UID:"+uid, "DTSTAMP:20260101T000000Z")
		lines = append(append(lines, c[1:]...), "END:"+c[0])
	}
	return strings.Join(append(lines, "END:VCALENDAR"), "\r\n") + "\r\n"
}

// moment writes DDHH as an hour of January 2030 in UTC.
func moment(s string) string { return "203001" + s[:2] + "T" + s[2:] + "0000Z" }

// rangeXML writes "DDHH-DDHH", of which an end may be absent, as an element.
func rangeXML(element, s string) string {
	start, end, _ := strings.Cut(s, "-")
	x := "<C:" + element
	if start != "" {
		x += ` start="` + moment(start) + `"`
	}
	if end != "" {
		x += ` end="` + moment(end) + `"`
	}
	return x + "/>"
}

// A rangeCase is an object, and time-ranges in which it takes place or does not.
type rangeCase struct {
	name    string
	object  []string   // a component, as object takes it
	more    [][]string // its overrides
	in, out string     // ranges, separated by blanks
}

// runRanges stores each object alone and asks for it in its ranges. wrap makes a filter from a range
// and the kind of component.
func runRanges(t *testing.T, cases []rangeCase, wrap func(kind, timeRange string) string) {
	t.Helper()
	f := newFixture(t)
	f.do("MKCALENDAR", annaHome+"all/", `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:supported-calendar-component-set>`+
		`<C:comp name="VEVENT"/><C:comp name="VTODO"/><C:comp name="VJOURNAL"/><C:comp name="VFREEBUSY"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`).want(http.StatusCreated)
	for i, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			href := annaHome + "all/a.ics"
			f.do("PUT", href, object(fmt.Sprint("u", i), append([][]string{tt.object}, tt.more...)...), calendarType).want(http.StatusCreated)
			for want, ranges := range map[string]string{href: tt.in, "": tt.out} {
				for _, r := range strings.Fields(ranges) {
					body := query(wrap(tt.object[0], rangeXML("time-range", r)))
					if got := f.do("REPORT", annaHome+"all/", body, "Depth: 1").hrefs(); got != want {
						t.Errorf("%s: got %q, want %q", r, got, want)
					}
				}
			}
			f.do("DELETE", href, "").want(http.StatusNoContent)
		})
	}
}

func onComp(name, inner string) string {
	return `<C:comp-filter name="` + name + `">` + inner + `</C:comp-filter>`
}

// TestTimeRange goes through the tables of RFC 4791 §9.9. The zone of floating times is Moscow, UTC+3.
func TestTimeRange(t *testing.T) {
	weekly := "RRULE:FREQ=DAILY;INTERVAL=7;COUNT=3" // on the 1st, 8th and 15th
	runRanges(t, []rangeCase{
		{"VEVENT with DTEND", []string{"VEVENT", "DTSTART:20300110T100000Z", "DTEND:20300110T120000Z"}, nil,
			"1009-1011 1011-1013 1009-1013 1011- -1011 1009- -1013", "1008-1010 1012-1014 -1010 1012-"},
		{"VEVENT with DURATION", []string{"VEVENT", "DTSTART:20300110T100000Z", "DURATION:PT2H"}, nil,
			"1009-1011 1011-1013 1011- -1011", "1008-1010 1012-1014 -1010 1012-"},
		{"VEVENT with a DURATION of 0", []string{"VEVENT", "DTSTART:20300110T100000Z", "DURATION:PT0S"}, nil,
			"1010-1011 1009-1011 1010- -1011", "1009-1010 1011-1012 -1010 1011-"},
		{"VEVENT at a time", []string{"VEVENT", "DTSTART:20300110T100000Z"}, nil, "1010-1011 1010-", "1009-1010 -1010 1011-"},
		{"VEVENT on a date", []string{"VEVENT", "DTSTART;VALUE=DATE:20300110"}, nil,
			"0921-0922 1020-1021 0920-0922 1020-", "0920-0921 1021-1022 -0921 1021-"},
		{"VEVENT, floating", []string{"VEVENT", "DTSTART:20300110T100000", "DTEND:20300110T110000"}, nil, "1007-1008", "1006-1007 1008-1009"},
		{"VEVENT that recurs", []string{"VEVENT", "DTSTART:20300101T100000Z", "DTEND:20300101T110000Z", weekly}, nil,
			"0110-0111 0800-0900 1510-1511 1500- -0111", "0111-0810 0900-1500 1511- -0110"},
		{"VEVENT with an excluded instance", []string{"VEVENT", "DTSTART:20300101T100000Z", "DTEND:20300101T110000Z", weekly, "EXDATE:20300108T100000Z"}, nil,
			"0100-0900 0800-1600", "0800-0900"},
		{"VEVENT with a moved instance", []string{"VEVENT", "DTSTART:20300101T100000Z", "DTEND:20300101T110000Z", weekly},
			[][]string{{"VEVENT", "RECURRENCE-ID:20300108T100000Z", "DTSTART:20300120T100000Z", "DTEND:20300120T110000Z"}},
			"2010-2011 2000- 1500-1600", "0800-0900 2011-"},
		{"VEVENT shifted from an instance on", []string{"VEVENT", "DTSTART:20300101T100000Z", "DTEND:20300101T110000Z", weekly},
			[][]string{{"VEVENT", "RECURRENCE-ID;RANGE=THISANDFUTURE:20300108T100000Z", "DTSTART:20300108T150000Z", "DTEND:20300108T160000Z"}},
			"0110-0111 0815-0816 1515-1516", "0810-0811 1510-1511 1516-"},
		{"VEVENT with a date before its first", []string{"VEVENT", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z", "RRULE:FREQ=DAILY", "RDATE:20300105T100000Z"}, nil,
			"0510-0511 1210-1211", "0600-1000 -0510"},
		{"VEVENT of one instance alone", []string{"VEVENT", "RECURRENCE-ID:20300108T100000Z", "DTSTART:20300109T100000Z", "DTEND:20300109T110000Z"}, nil,
			"0910-0911", "0800-0900"},

		{"VTODO with DTSTART and DURATION", []string{"VTODO", "DTSTART:20300110T100000Z", "DURATION:PT2H", "COMPLETED:20300120T000000Z"}, nil,
			"1009-1011 1011-1012 1012-1013 1012- -1011", "1013-1014 1009-1010 -1010 1013- 1923-2001"},
		{"VTODO with DTSTART and no DURATION to speak of", []string{"VTODO", "DTSTART:20300110T100000Z", "DURATION:PT0S"}, nil,
			"1010-1011 1009-1010", "1011-1012 1008-1009"},
		{"VTODO with DTSTART and DUE", []string{"VTODO", "DTSTART:20300110T100000Z", "DUE:20300110T120000Z", "CREATED:20300120T000000Z"}, nil,
			"1009-1011 1011-1012 1011-1013 -1011 1011-", "1012-1013 1009-1010 -1010 1012- 1923-2001"},
		{"VTODO due as it begins", []string{"VTODO", "DTSTART:20300110T100000Z", "DUE:20300110T100000Z"}, nil,
			"1010-1011 1009-1010 -1010 1010-", "1011-1012 1008-1009 1011-"},
		{"VTODO with DTSTART", []string{"VTODO", "DTSTART:20300110T100000Z", "COMPLETED:20300120T000000Z"}, nil,
			"1010-1011 1009-1011 1010- -1011", "1009-1010 1011-1012 -1010 1011- 1923-2001"},
		{"VTODO with DUE", []string{"VTODO", "DUE:20300110T100000Z", "COMPLETED:20300120T000000Z", "CREATED:20300101T000000Z"}, nil,
			"1009-1010 1009-1011 -1010 1009-", "1010-1011 1008-1009 1010- 1923-2001"},
		{"VTODO due on a date", []string{"VTODO", "DUE;VALUE=DATE:20300110"}, nil, "0920-0921 0920-0922", "0921-0922 0919-0920"},
		{"VTODO with COMPLETED and CREATED", []string{"VTODO", "COMPLETED:20300110T120000Z", "CREATED:20300110T100000Z"}, nil,
			"1009-1010 1010-1011 1011-1012 1012-1013 1009-1013 -1010 1012-", "1008-1009 1013-1014 -1009 1013-"},
		{"VTODO with COMPLETED", []string{"VTODO", "COMPLETED:20300110T120000Z"}, nil, "1011-1012 1012-1013 -1012 1012-", "1010-1011 1013-1014 -1011 1013-"},
		{"VTODO with CREATED", []string{"VTODO", "CREATED:20300110T120000Z"}, nil, "1011-1013 1013-1014 2000- -1013", "1010-1012 -1012"},
		{"VTODO without a time", []string{"VTODO", "SUMMARY:x"}, nil, "1010-1011 -1010 1010-", ""},
		{"VTODO that recurs, with DUE", []string{"VTODO", "DTSTART:20300101T100000Z", "DUE:20300101T120000Z", weekly}, nil,
			"0111-0112 0811-0812 1500-1600 1511- -0111", "0112-0810 0200-0800 0900-1500 1512- -0110"},
		{"VTODO that recurs, with DURATION", []string{"VTODO", "DTSTART:20300101T100000Z", "DURATION:PT2H", weekly}, nil,
			"0112-0113 0812-0813 1512-", "0113-0810 1513-"},
		{"VTODO that recurs, with DTSTART alone", []string{"VTODO", "DTSTART:20300101T100000Z", weekly}, nil,
			"0110-0111 0810-0811", "0111-0810 1511-"},
		{"VTODO that recurs by DUE", []string{"VTODO", "DUE:20300101T100000Z", weekly}, nil, "0109-0110 0809-0810", "0110-0809 0810-0811 1510-"},
		{"VTODO with a moved instance", []string{"VTODO", "DTSTART:20300101T100000Z", "DUE:20300101T110000Z", weekly},
			[][]string{{"VTODO", "RECURRENCE-ID:20300108T100000Z", "DTSTART:20300120T100000Z", "DUE:20300120T110000Z"}},
			"2010-2011 1510-1511", "0800-0900 2011-"},
		{"VTODO with an instance that has no time", []string{"VTODO", "DTSTART:20300101T100000Z", "DUE:20300101T110000Z", weekly},
			[][]string{{"VTODO", "RECURRENCE-ID:20300108T100000Z", "COMPLETED:20300125T100000Z"}},
			"2510-2511 0110-0111", "1600-2500"},

		{"VJOURNAL at a time", []string{"VJOURNAL", "DTSTART:20300110T100000Z"}, nil, "1010-1011 1010- -1011", "1009-1010 1011-1012 -1010 1011-"},
		{"VJOURNAL on a date", []string{"VJOURNAL", "DTSTART;VALUE=DATE:20300110"}, nil, "0921-0922 1020-1021", "0920-0921 1021-1022"},
		{"VJOURNAL without a time", []string{"VJOURNAL", "SUMMARY:x"}, nil, "", "1010-1011 -1010 1010-"},
		{"VJOURNAL that recurs", []string{"VJOURNAL", "DTSTART;VALUE=DATE:20300101", weekly}, nil, "0100-0101 0723-0800 1500-1501", "0200-0700 0900-1400 1521-"},

		{"VFREEBUSY with its ends", []string{"VFREEBUSY", "DTSTART:20300110T100000Z", "DTEND:20300110T120000Z", "FREEBUSY:20300120T100000Z/PT1H"}, nil,
			"1009-1011 1012-1013 1012-", "1009-1010 1013-1014 2010-2011"},
		{"VFREEBUSY with periods", []string{"VFREEBUSY", "FREEBUSY;FBTYPE=FREE:20300110T100000Z/PT1H,20300112T100000Z/20300112T110000Z", "FREEBUSY:20300114T100000Z/PT1H"}, nil,
			"1010-1011 1200-1300 1410-1411 -1011 1400-", "1011-1200 1009-1010 1300-1400 -1010 1411-"},
		{"VFREEBUSY with a beginning and periods", []string{"VFREEBUSY", "DTSTART:20300101T100000Z", "FREEBUSY:20300110T100000Z/PT1H"}, nil,
			"1010-1011", "0110-0111"},
		{"VFREEBUSY with an end and periods", []string{"VFREEBUSY", "DTEND:20300120T100000Z", "FREEBUSY:20300110T100000Z/PT1H"}, nil,
			"1010-1011", "2009-2011"},
		{"VFREEBUSY without a time", []string{"VFREEBUSY", "DURATION:PT1H"}, nil, "", "1010-1011 -1010 1010-"},
	}, onComp)
}

// TestAlarmRange asks for what rings in a range.
func TestAlarmRange(t *testing.T) {
	with := func(kind string, lines []string, alarm ...string) []string {
		c := append([]string{kind}, lines...)
		return append(append(append(c, "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x"), alarm...), "END:VALARM")
	}
	day := []string{"DTSTART:20300110T100000Z", "DTEND:20300110T120000Z"}
	series := append([]string{"RRULE:FREQ=DAILY;INTERVAL=7;COUNT=3"}, "DTSTART:20300101T100000Z", "DTEND:20300101T120000Z")
	runRanges(t, []rangeCase{
		{"before the start", with("VEVENT", day, "TRIGGER:-PT1H"), nil, "1009-1010 1008-1010 1009- -1010", "1008-1009 1010-1011 -1009 1010-"},
		{"at the start", with("VEVENT", day, "TRIGGER;RELATED=START:PT0S"), nil, "1010-1011", "1009-1010 1011-1012"},
		{"after the end", with("VEVENT", day, "TRIGGER;RELATED=END:PT1H"), nil, "1013-1014", "1011-1012 1012-1013"},
		{"days before", with("VEVENT", day, "TRIGGER:-P1DT1H"), nil, "0909-0910", "1009-1010"},
		{"at a time of its own", with("VEVENT", day, "TRIGGER;VALUE=DATE-TIME:20300105T100000Z"), nil, "0510-0511", "1010-1011"},
		{"again and again", with("VEVENT", day, "TRIGGER:-PT6H", "REPEAT:3", "DURATION:PT2H"), nil,
			"1004-1005 1006-1007 1008-1009 1010-1011 1010- -1005", "1005-1006 1007-1008 1011-1012 1012-1013 1011- -1004"},
		{"REPEAT without DURATION", with("VEVENT", day, "TRIGGER:-PT6H", "REPEAT:3"), nil, "1004-1005", "1006-1007 1010-1011"},
		{"in vain, for ever", with("VEVENT", day, "TRIGGER:-PT6H", "REPEAT:99999999999999999999", "DURATION:PT2H"), nil, "1004-1005 2010-2011", "1003-1004 2011-2012"},
		{"none", append([]string{"VEVENT"}, day...), nil, "", "1000-1100"},
		{"of a series", with("VEVENT", series, "TRIGGER:-PT1H"), nil, "0109-0110 0809-0810 1509-1510 1500-", "0110-0809 1510-"},
		{"of a series, at the ends", with("VEVENT", series, "TRIGGER;RELATED=END:PT1H"), nil, "0113-0114 0813-0814", "0112-0113 0114-0813 1514-"},
		{"of a series, again and again", with("VEVENT", series, "TRIGGER:-PT1H", "REPEAT:2", "DURATION:P1D"), nil, "0209-0210 1009-1010", "0409-0410 0210-0309"},
		{"of a series, days after", with("VEVENT", series, "TRIGGER:P2D"), nil, "0310-0311 1710-1711", "0110-0111 0811-1010"},
		{"of a series at one time", with("VEVENT", series, "TRIGGER;VALUE=DATE-TIME:20300105T100000Z"), nil, "0510-0511", "0110-0111 1210-1211"},
		{"of one instance", append([]string{"VEVENT"}, series...),
			[][]string{with("VEVENT", []string{"RECURRENCE-ID:20300108T100000Z", "DTSTART:20300109T100000Z", "DTEND:20300109T120000Z"}, "TRIGGER:-PT1H")},
			"0909-0910", "0809-0810 0109-0110 1509-1510"},
		{"not of the instance that lost it", with("VEVENT", series, "TRIGGER:-PT1H"),
			[][]string{{"VEVENT", "RECURRENCE-ID:20300108T100000Z", "DTSTART:20300108T100000Z", "DTEND:20300108T120000Z"}},
			"0109-0110 1509-1510", "0809-0810"},
		{"of a task by its start", with("VTODO", []string{"DTSTART:20300110T100000Z", "DUE:20300110T120000Z"}, "TRIGGER:-PT1H"), nil, "1009-1010", "1011-1012"},
		{"of a task by when it is due", with("VTODO", []string{"DTSTART:20300110T100000Z", "DUE:20300110T120000Z"}, "TRIGGER;RELATED=END:-PT1H"), nil, "1011-1012", "1009-1010"},
		{"of a task by its duration", with("VTODO", []string{"DTSTART:20300110T100000Z", "DURATION:PT2H"}, "TRIGGER;RELATED=END:-PT1H"), nil, "1011-1012", "1009-1010"},
		{"of a task that is due alone", with("VTODO", []string{"DUE:20300110T120000Z"}, "TRIGGER:-PT1H"), nil, "1011-1012", "1012-1013"},
		{"of a task without a time", with("VTODO", nil, "TRIGGER:-PT1H"), nil, "", "1011-1012 1012- -1012"},
		{"of a task that recurs", with("VTODO", []string{"DTSTART:20300101T100000Z", "DUE:20300101T120000Z", "RRULE:FREQ=DAILY;INTERVAL=7;COUNT=3"}, "TRIGGER;RELATED=END:-PT1H"), nil,
			"0111-0112 1511-1512", "0810-0811 0112-0811 1512-"},
	}, func(kind, timeRange string) string { return onComp(kind, onComp("VALARM", timeRange)) })
}

// TestPropertyRange asks for properties whose time lies in a range.
func TestPropertyRange(t *testing.T) {
	for _, tt := range []struct {
		property string
		cases    []rangeCase
	}{
		{"DTSTART", []rangeCase{
			{"DTSTART", []string{"VEVENT", "DTSTART:20300110T100000Z", "DTEND:20300110T120000Z"}, nil, "1010-1011 1009-1011", "1009-1010 1011-1012"},
			{"DTSTART of an instance", []string{"VEVENT", "DTSTART:20300101T100000Z", "DTEND:20300101T120000Z", "RRULE:FREQ=DAILY;INTERVAL=7;COUNT=3"}, nil, "0810-0811", "0811-0812 0900-1500"},
			{"DTSTART on a date", []string{"VJOURNAL", "DTSTART;VALUE=DATE:20300110"}, nil, "0921-0922", "0922-0923"},
		}},
		{"DTEND", []rangeCase{
			{"DTEND", []string{"VEVENT", "DTSTART:20300110T100000Z", "DTEND:20300110T120000Z"}, nil, "1012-1013", "1011-1012 1013-1014"},
			{"DTEND by DURATION", []string{"VEVENT", "DTSTART:20300110T100000Z", "DURATION:PT2H"}, nil, "1012-1013", "1011-1012 1013-1014"},
			{"DTEND of an instance by DURATION", []string{"VEVENT", "DTSTART:20300101T100000Z", "DURATION:PT2H", "RRULE:FREQ=DAILY;INTERVAL=7;COUNT=3"}, nil, "0812-0813", "0811-0812"},
			{"no DTEND", []string{"VEVENT", "DTSTART:20300110T100000Z"}, nil, "", "1010-1011"},
		}},
		{"DUE", []rangeCase{
			{"DUE", []string{"VTODO", "DUE:20300110T120000Z"}, nil, "1012-1013", "1011-1012"},
			{"DUE by DURATION", []string{"VTODO", "DTSTART:20300110T100000Z", "DURATION:PT2H"}, nil, "1012-1013", "1011-1012"},
			{"DURATION without DTSTART", []string{"VTODO", "DURATION:PT2H"}, nil, "", "1011-1012 -1011 1011-"},
		}},
		{"COMPLETED", []rangeCase{{"COMPLETED", []string{"VTODO", "COMPLETED:20300110T120000Z"}, nil, "1012-1013", "1011-1012 1013-"}}},
		{"CREATED", []rangeCase{{"CREATED", []string{"VTODO", "CREATED:20300110T120000Z"}, nil, "1012-1013", "1011-1012 1013-"}}},
		{"LAST-MODIFIED", []rangeCase{{"LAST-MODIFIED", []string{"VJOURNAL", "LAST-MODIFIED:20300110T120000Z"}, nil, "1012-1013", "1011-1012 1013-"}}},
	} {
		t.Run(tt.property, func(t *testing.T) {
			runRanges(t, tt.cases, func(kind, timeRange string) string {
				return onComp(kind, `<C:prop-filter name="`+tt.property+`">`+timeRange+`</C:prop-filter>`)
			})
		})
	}
}
