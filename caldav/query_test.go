package caldav

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func query(filter string) string {
	return `<?xml version="1.0"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop>
		<C:filter><C:comp-filter name="VCALENDAR">` + filter + `</C:comp-filter></C:filter></C:calendar-query>`
}

// queried is a calendar with one of each thing that filters tell apart.
func queried(t *testing.T) *fixture {
	f := newFixture(t)
	f.put("plain.ics", event("plain", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z", "SUMMARY:Lunch\\, with Bob", "CATEGORIES:Food,Social",
		"ATTENDEE;PARTSTAT=DECLINED;CN=Bob:mailto:bob@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@example.org"))
	f.put("moscow.ics", event("moscow", "DTSTART;TZID=Europe/Moscow:20300112T010000", "DURATION:PT1H", "SUMMARY:ОБЕД"))
	f.put("day.ics", event("day", "DTSTART;VALUE=DATE:20300115", "SUMMARY:Holiday"))
	f.put("float.ics", event("float", "DTSTART:20300120T003000", "DTEND:20300120T013000", "SUMMARY:Floating"))
	f.put("zero.ics", event("zero", "DTSTART:20300125T100000Z", "SUMMARY:Moment"))
	f.put("weekly.ics", strings.Replace(event("weekly", "DTSTART:20310106T100000Z", "DTEND:20310106T110000Z", "RRULE:FREQ=WEEKLY", "EXDATE:20310113T100000Z", "SUMMARY:Weekly"),
		"END:VEVENT\r\n", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT30M\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:weekly\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20310120T100000Z\r\nDTSTART:20310121T100000Z\r\nDTEND:20310121T110000Z\r\nSUMMARY:Moved\r\nEND:VEVENT\r\n", 1))
	todo := func(uid string, lines ...string) string {
		return strings.ReplaceAll(strings.ReplaceAll(event(uid, append(lines, "DTSTART:REMOVE")...), "VEVENT", "VTODO"), "DTSTART:REMOVE\r\n", "")
	}
	f.put("due.ics", todo("due", "DUE:20300110T103000Z", "SUMMARY:Due"))
	f.put("open.ics", todo("open", "SUMMARY:Some day"))
	return f
}

func (f *fixture) names(t *testing.T, filter string) []string {
	t.Helper()
	var names []string
	for _, h := range strings.Fields(f.do("REPORT", annaCal, query(filter), "Depth: 1").hrefs()) {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(h, annaCal), ".ics"))
	}
	slices.Sort(names)
	return names
}

func TestCalendarQuery(t *testing.T) {
	f := queried(t)
	comp := func(name, inner string) string {
		return `<C:comp-filter name="` + name + `">` + inner + `</C:comp-filter>`
	}
	during := func(start, end string) string {
		s := "<C:time-range"
		if start != "" {
			s += ` start="` + start + `"`
		}
		if end != "" {
			s += ` end="` + end + `"`
		}
		return s + "/>"
	}
	prop := func(name, inner string) string {
		return comp("VEVENT", `<C:prop-filter name="`+name+`">`+inner+`</C:prop-filter>`)
	}
	text := func(attrs, text string) string {
		return `<C:text-match ` + attrs + `>` + text + `</C:text-match>`
	}
	const events = "day float moscow plain weekly zero"
	tests := []struct{ name, filter, want string }{
		{"everything", "", "day due float moscow open plain weekly zero"},
		{"events", comp("VEVENT", ""), events},
		{"todos", comp("VTODO", ""), "due open"},
		{"lower case", comp("vtodo", ""), "due open"},
		{"neither", comp("VJOURNAL", ""), ""},
		{"no events", comp("VEVENT", "<C:is-not-defined/>"), "due open"},
		{"events and todos at once", comp("VEVENT", "") + comp("VTODO", ""), ""},
		{"January", comp("VEVENT", during("20300101T000000Z", "20300201T000000Z")), "day float moscow plain zero"},
		{"within an event", comp("VEVENT", during("20300110T102000Z", "20300110T103000Z")), "plain"},
		{"up to its start", comp("VEVENT", during("20300110T090000Z", "20300110T100000Z")), ""},
		{"from its end", comp("VEVENT", during("20300110T110000Z", "20300110T120000Z")), ""},
		{"zoned", comp("VEVENT", during("20300111T220000Z", "20300111T223000Z")), "moscow"},
		{"all day, in the owner's zone", comp("VEVENT", during("20300114T210000Z", "20300114T213000Z")), "day"},
		{"all day, over", comp("VEVENT", during("20300115T210000Z", "20300115T213000Z")), ""},
		{"floating, in the owner's zone", comp("VEVENT", during("20300119T213000Z", "20300119T220000Z")), "float"},
		{"without length", comp("VEVENT", during("20300125T100000Z", "20300125T100100Z")), "zero"},
		{"without length, before", comp("VEVENT", during("20300125T095900Z", "20300125T100000Z")), ""},
		{"a recurrence years later", comp("VEVENT", during("20350101T000000Z", "20350108T000000Z")), "weekly"},
		{"an excluded day", comp("VEVENT", during("20310113T000000Z", "20310114T000000Z")), ""},
		{"where it was moved from", comp("VEVENT", during("20310120T000000Z", "20310121T000000Z")), ""},
		{"where it was moved to", comp("VEVENT", during("20310121T000000Z", "20310122T000000Z")), "weekly"},
		{"open end", comp("VEVENT", during("20300119T220000Z", "")), "float weekly zero"},
		{"open start", comp("VEVENT", during("", "20300112T000000Z")), "moscow plain"},
		{"todo due", comp("VTODO", during("20300110T103000Z", "20300110T104000Z")), "open"},
		{"todo due, up to the end", comp("VTODO", during("20300110T100000Z", "20300110T103000Z")), "due open"},
		{"alarm", comp("VEVENT", comp("VALARM", during("20310127T093000Z", "20310127T093100Z"))), "weekly"},
		{"no alarm then", comp("VEVENT", comp("VALARM", during("20310127T093100Z", "20310127T100000Z"))), ""},
		{"has an alarm", comp("VEVENT", comp("VALARM", "")), "weekly"},
		{"has no alarm", comp("VEVENT", comp("VALARM", "<C:is-not-defined/>")), "day float moscow plain weekly zero"},
		{"text past a comma", prop("SUMMARY", text("", "with bob")), "plain"},
		{"case counts", prop("SUMMARY", text(`collation="i;octet"`, "with bob")), ""},
		{"ASCII case only", prop("SUMMARY", text("", "обед")), ""},
		{"Unicode case", prop("SUMMARY", text(`collation="i;unicode-casemap"`, "обед")), "moscow"},
		{"negated", prop("SUMMARY", text(`negate-condition="yes"`, "o")), "moscow weekly"},
		{"property there", prop("CATEGORIES", ""), "plain"},
		{"property not there", prop("CATEGORIES", "<C:is-not-defined/>"), "day float moscow weekly zero"},
		{"the second of several", prop("ATTENDEE", text("", "eve@")), "plain"},
		{"parameter", prop("ATTENDEE", `<C:param-filter name="PARTSTAT">`+text("", "declined")+`</C:param-filter>`), "plain"},
		{"parameter and value of one line", prop("ATTENDEE", text("", "eve@")+`<C:param-filter name="PARTSTAT">`+text("", "declined")+`</C:param-filter>`), ""},
		{"parameter not there", prop("ATTENDEE", `<C:param-filter name="CN"><C:is-not-defined/></C:param-filter>`), "plain"},
		{"parameter nowhere", prop("ATTENDEE", `<C:param-filter name="ROLE"/>`), ""},
		{"a property's time", prop("DTSTAMP", during("20251231T000000Z", "20260102T000000Z")), events},
		{"UID", prop("UID", text(`collation="i;octet"`, "weekly")), "weekly"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			if got := strings.Join(f.names(t, tt.filter), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBadQueries(t *testing.T) {
	f := newFixture(t)
	for filter, condition := range map[string]string{
		`<C:comp-filter/>`: "valid-filter",
		`<C:comp-filter name="VEVENT"><C:time-range/></C:comp-filter>`:                                                                                 "valid-filter",
		`<C:comp-filter name="VEVENT"><C:time-range start="20300101"/></C:comp-filter>`:                                                                "valid-filter",
		`<C:comp-filter name="VEVENT"><C:time-range start="20300102T000000Z" end="20300101T000000Z"/></C:comp-filter>`:                                 "valid-filter",
		`<C:comp-filter name="VEVENT"><C:is-not-defined/><C:prop-filter name="X"/></C:comp-filter>`:                                                    "valid-filter",
		`<C:comp-filter name="VEVENT"><C:prop-filter name="X"><C:text-match collation="i;klingon">x</C:text-match></C:prop-filter></C:comp-filter>`:    "supported-collation",
		`<C:comp-filter name="VEVENT"><C:prop-filter name="X"><C:regex>x</C:regex></C:prop-filter></C:comp-filter>`:                                    "supported-filter",
		`<C:comp-filter name="VEVENT"><C:prop-filter name="X"><C:text-match negate-condition="maybe">x</C:text-match></C:prop-filter></C:comp-filter>`: "valid-filter",
		`<C:comp-filter name="VEVENT"><C:prop-filter name="X"><C:param-filter name="Y"><C:what/></C:param-filter></C:prop-filter></C:comp-filter>`:     "supported-filter",
	} {
		f.do("REPORT", annaCal, query(filter), "Depth: 1").condition(http.StatusForbidden, nsCal, condition)
	}
	f.do("REPORT", annaCal, `<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav"/>`).condition(http.StatusForbidden, nsCal, "valid-filter")
	f.do("REPORT", annaCal, `<C:nonsense xmlns:C="urn:ietf:params:xml:ns:caldav"/>`).condition(http.StatusForbidden, nsDAV, "supported-report")
	f.do("REPORT", annaHome, query("")).condition(http.StatusForbidden, nsDAV, "supported-report")
	f.do("REPORT", annaCal, "").want(http.StatusBadRequest)
	f.do("REPORT", annaHome+"none/", query("")).want(http.StatusNotFound)
}

func TestQueryZone(t *testing.T) {
	f := queried(t)
	filter := `<C:comp-filter name="VEVENT"><C:time-range start="20300120T083000Z" end="20300120T090000Z"/></C:comp-filter>`
	zone := `<C:timezone>BEGIN:VCALENDAR&#13;
VERSION:2.0&#13;
PRODID:x&#13;
BEGIN:VTIMEZONE&#13;
TZID:America/Los_Angeles&#13;
BEGIN:STANDARD&#13;
DTSTART:20001101T020000&#13;
TZOFFSETFROM:-0800&#13;
TZOFFSETTO:-0800&#13;
END:STANDARD&#13;
END:VTIMEZONE&#13;
END:VCALENDAR</C:timezone>`
	if got := f.names(t, filter); len(got) != 0 {
		t.Errorf("in the owner's zone: %v", got)
	}
	body := strings.Replace(query(filter), "</C:filter>", "</C:filter>"+zone, 1)
	if got := f.do("REPORT", annaCal, body, "Depth: 1").hrefs(); !strings.Contains(got, "float") {
		t.Errorf("in the query's zone: %v", got)
	}
	body = strings.Replace(query(filter), "</C:filter>", "</C:filter><C:timezone-id>America/Los_Angeles</C:timezone-id>", 1)
	if got := f.do("REPORT", annaCal, body, "Depth: 1").hrefs(); !strings.Contains(got, "float") {
		t.Errorf("by the zone's id: %v", got)
	}
	// What the query finds by its zone is written by it, too.
	body = strings.Replace(body, "<D:getetag/>", `<C:calendar-data><C:expand start="20300120T083000Z" end="20300120T090000Z"/></C:calendar-data>`, 1)
	f.do("REPORT", annaCal, body, "Depth: 1").contains("DTSTART:20300120T083000Z", "DTEND:20300120T093000Z")

	refused := func(elements, condition string) {
		t.Helper()
		body := strings.Replace(query(filter), "</C:filter>", "</C:filter>"+elements, 1)
		f.do("REPORT", annaCal, body, "Depth: 1").condition(http.StatusForbidden, nsCal, condition)
	}
	refused("<C:timezone>nonsense</C:timezone>", "valid-calendar-data")
	refused("<C:timezone/>", "valid-calendar-data")
	two := strings.Replace(zone, "END:VTIMEZONE", "END:VTIMEZONE&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:Second&#13;\nEND:VTIMEZONE", 1)
	refused(two, "valid-calendar-data")
	refused(strings.Replace(zone, "END:VTIMEZONE", "END:VTIMEZONE&#13;\nBEGIN:VEVENT&#13;\nUID:x&#13;\nEND:VEVENT", 1), "valid-calendar-data")
	refused(strings.ReplaceAll(strings.ReplaceAll(zone, "BEGIN:VTIMEZONE", "BEGIN:X-ZONE"), "END:VTIMEZONE", "END:X-ZONE"), "valid-calendar-data")
	refused(strings.ReplaceAll(zone, "TZID:America/Los_Angeles&#13;\n", ""), "valid-calendar-data")
	refused(strings.NewReplacer("America/Los_Angeles", "Nowhere", "TZOFFSETTO:-0800", "TZOFFSETTO:soon").Replace(zone), "valid-calendar-data")
	refused("<C:timezone-id>Nowhere/Land</C:timezone-id>", "valid-timezone")
	refused("<C:timezone-id/>", "valid-timezone")
	body = strings.Replace(query(filter), "</C:filter>", "</C:filter>"+zone+"<C:timezone-id>America/Los_Angeles</C:timezone-id>", 1)
	f.do("REPORT", annaCal, body, "Depth: 1").want(http.StatusBadRequest)

	// Without either it is the calendar's own, of which only the rules count.
	own := strings.NewReplacer("<C:timezone>", "<C:calendar-timezone>", "</C:timezone>", "</C:calendar-timezone>", "America/Los_Angeles", "Mine").Replace(zone)
	f.do("PROPPATCH", annaCal, patch(own, "")).want(http.StatusMultiStatus)
	if got := f.names(t, filter); strings.Join(got, " ") != "float" {
		t.Errorf("in the calendar's zone: %v", got)
	}
	inUTC := strings.Replace(query(filter), "</C:filter>", "</C:filter><C:timezone-id>UTC</C:timezone-id>", 1)
	if got := f.do("REPORT", annaCal, inUTC, "Depth: 1").hrefs(); got != "" {
		t.Errorf("in the query's zone before the calendar's: %s", got)
	}
}

func TestCalendarData(t *testing.T) {
	f := queried(t)
	data := func(name, inner string) string {
		t.Helper()
		body := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data>` + inner +
			`</C:calendar-data></D:prop><D:href>` + annaCal + name + `</D:href></C:calendar-multiget>`
		return f.do("REPORT", annaCal, body).one().ok["{"+nsCal+"}calendar-data"]
	}
	if got, want := data("plain.ics", ""), f.do("GET", annaCal+"plain.ics", "").body; got != want {
		t.Errorf("calendar-data %q, want the exact bytes %q", got, want)
	}
	got := data("weekly.ics", `<C:expand start="20310106T000000Z" end="20310128T000000Z"/>`)
	for _, want := range []string{"RECURRENCE-ID:20310106T100000Z", "DTSTART:20310106T100000Z", "DTSTART:20310121T100000Z", "RECURRENCE-ID:20310120T100000Z", "SUMMARY:Moved", "DTSTART:20310127T100000Z", "BEGIN:VALARM"} {
		if !strings.Contains(got, want) {
			t.Errorf("expanded without %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "RRULE") || strings.Contains(got, "EXDATE") || strings.Contains(got, "20310113") || strings.Count(got, "BEGIN:VEVENT") != 3 {
		t.Errorf("expanded:\n%s", got)
	}
	if got = data("moscow.ics", `<C:expand start="20300101T000000Z" end="20300201T000000Z"/>`); !strings.Contains(got, "DTSTART:20300111T220000Z") || !strings.Contains(got, "DTEND:20300111T230000Z") || strings.Contains(got, "RECURRENCE-ID") {
		t.Errorf("expanded:\n%s", got)
	}
	if got = data("day.ics", `<C:expand start="20300101T000000Z" end="20300201T000000Z"/>`); !strings.Contains(got, "DTSTART;VALUE=DATE:20300115\r\nDTEND;VALUE=DATE:20300116\r\n") {
		t.Errorf("expanded:\n%s", got)
	}
	got = data("weekly.ics", `<C:limit-recurrence-set start="20310201T000000Z" end="20310301T000000Z"/>`)
	if !strings.Contains(got, "RRULE") || strings.Contains(got, "SUMMARY:Moved") {
		t.Errorf("limited:\n%s", got)
	}
	if got = data("weekly.ics", `<C:limit-recurrence-set start="20310120T000000Z" end="20310120T200000Z"/>`); !strings.Contains(got, "SUMMARY:Moved") {
		t.Errorf("limited to where it was:\n%s", got)
	}
	got = data("weekly.ics", `<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="SUMMARY"/><C:prop name="UID" novalue="yes"/></C:comp></C:comp>`)
	if want := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:\r\nSUMMARY:Weekly\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:\r\nSUMMARY:Moved\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"; got != want {
		t.Errorf("selected:\n%s\nwant:\n%s", got, want)
	}
	for _, inner := range []string{`<C:expand/>`, `<C:comp name="VEVENT"/>`} {
		body := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data>` + inner + `</C:calendar-data></D:prop></C:calendar-multiget>`
		f.do("REPORT", annaCal, body).condition(http.StatusForbidden, nsCal, "supported-calendar-data")
	}
	f.do("REPORT", annaCal, `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data content-type="application/calendar+json"/></D:prop></C:calendar-multiget>`).
		condition(http.StatusForbidden, nsCal, "supported-calendar-data")
}

// TestExpandIsBounded asks for the instances of an event that are many, or long: the event is told of
// without them, and the others as ever.
func TestExpandIsBounded(t *testing.T) {
	f := newFixture(t)
	hourly := func(uid string, size int, rule string) {
		f.put(uid+".ics", event(uid, "DTSTART:20300101T000000Z", "DTEND:20300101T003000Z", "RRULE:FREQ="+rule, "DESCRIPTION:"+strings.Repeat("x", size)))
	}
	hourly("a-short", 10, "HOURLY;COUNT=600")
	hourly("b-long", 900_000, "HOURLY")
	hourly("c-many", 10, "MINUTELY")
	hourly("d-few", 900_000, "HOURLY;COUNT=3")
	body := func(inner string) string {
		return strings.Replace(query(`<C:comp-filter name="VEVENT"/>`), "</D:prop>", `<C:calendar-data><C:expand start="20300101T000000Z" end="20300126T000000Z"/>`+inner+`</C:calendar-data></D:prop>`, 1)
	}
	const data = "{" + nsCal + "}calendar-data"
	for _, tt := range []struct {
		name, body string
		instances  string
	}{
		{"query", body(""), "600 - - 3"},
		{"of some properties", body(`<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="UID"/></C:comp></C:comp>`), "600 - - 3"},
		{"sync", strings.Replace(syncBody("", ""), "<D:getetag/>", "<D:getetag/>"+`<C:calendar-data><C:expand start="20300101T000000Z" end="20300126T000000Z"/></C:calendar-data>`, 1), "600 - - 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := f.do("REPORT", annaCal, tt.body, "Depth: 1")
			runtime.ReadMemStats(&after)
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 150 {
				t.Errorf("the answer took %d MiB", mib)
			}
			var got []string
			fds := a.multi()
			slices.SortFunc(fds, func(a, b found) int { return strings.Compare(a.href, b.href) })
			for _, fd := range fds {
				text, ok := fd.ok[data]
				n := fmt.Sprint(strings.Count(text, "BEGIN:VEVENT"))
				if fd.other[data] == http.StatusInsufficientStorage && !ok {
					n = "-"
				}
				got = append(got, n)
				if fd.ok["{DAV:}getetag"] == "" {
					t.Errorf("%s has no getetag", fd.href)
				}
			}
			if got := strings.Join(got, " "); got != tt.instances {
				t.Errorf("instances: got %s, want %s", got, tt.instances)
			}
			a.contains("<D:error><D:number-of-matches-within-limits/></D:error>")
		})
	}
}

// TestMultigetRepeats names one thing in several ways: it is answered once.
func TestMultigetRepeats(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	f.put("b.ics", event("b"))
	var b strings.Builder
	for _, h := range []string{
		annaCal + "a.ics", annaCal + "none.ics", annaCal + "a.ics", f.url + annaCal + "a.ics", annaCal + "%61.ics",
		strings.Replace(annaCal, "anna", "ANNA", 1) + "a.ics", strings.Replace(annaCal, "@", "%2540", 1) + "a.ics",
		annaCal + "none.ics", annaCal + "b.ics", "nonsense", "/nothing", "nonsense", "/nothing/either", annaCal + "A.ics", annaCal + "a.ics/",
	} {
		fmt.Fprintf(&b, "<D:href>%s</D:href>", h)
	}
	body := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop>` + b.String() + `</C:calendar-multiget>`
	want := []string{annaCal + "a.ics", annaCal + "none.ics", annaCal + "b.ics", "nonsense", "/nothing", "/nothing/either", annaCal + "A.ics", annaCal + "a.ics/"}
	if got := f.do("REPORT", annaCal, body).hrefs(); got != strings.Join(want, " ") {
		t.Errorf("answered:\n%s\nwant:\n%s", got, strings.Join(want, " "))
	}
}

func TestMultigetMisses(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	f.do("MKCALENDAR", annaHome+"other/", "").want(http.StatusCreated)
	f.do("PUT", annaHome+"other/b.ics", event("b"), calendarType).want(http.StatusCreated)
	hrefs := []string{annaCal + "a.ics", annaCal + "none.ics", annaHome + "other/b.ics", "http://elsewhere.example" + annaCal + "a.ics", "nonsense", annaCal}
	var b strings.Builder
	for _, h := range hrefs {
		fmt.Fprintf(&b, "<D:href>%s</D:href>", h)
	}
	body := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop>` + b.String() + `</C:calendar-multiget>`
	fds := f.do("REPORT", annaCal, body).multi()
	if len(fds) != len(hrefs) {
		t.Fatalf("%d responses to %d hrefs", len(fds), len(hrefs))
	}
	for i, fd := range fds {
		want := http.StatusNotFound
		if i == 0 {
			want = 0
		}
		if fd.status != want || fd.href != hrefs[i] {
			t.Errorf("%s: %+v", hrefs[i], fd)
		}
	}
	if fds = f.do("REPORT", annaHome, body).multi(); fds[2].status != 0 {
		t.Errorf("from the home: %+v", fds[2])
	}
}
