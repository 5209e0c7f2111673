package caldav

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// What a malformed request may cost: time on a machine that does other things too, and bytes that the
// server and the sending test allocate together.
const (
	hostileTime  = 10 * time.Second
	hostileBytes = 96 << 20
)

// A hostile is one malformed request.
type hostile struct {
	name         string
	method, path string
	body         string
	headers      []string
	want         int
	condition    string // element of the DAV:error, "C:" for CalDAV's; empty: none is looked for
}

// wire is the request as it is sent over HTTP/1.1.
func (h hostile) wire() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: cal.example.org\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\nConnection: close\r\n",
		h.method, h.path, annaBasic, len(h.body))
	for _, line := range h.headers {
		b.WriteString(line + "\r\n")
	}
	return b.String() + "\r\n" + h.body
}

var annaBasic = base64.StdEncoding.EncodeToString([]byte("anna@example.org:demo"))

// raw sends bytes as they are, and reads the answer.
func (f *fixture) raw(what, wire string) *answer {
	f.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		f.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(hostileTime)); err != nil {
		f.Fatal(err)
	}
	sent := make(chan struct{})
	go func() { // the answer may come before everything was sent
		defer close(sent)
		_, _ = io.WriteString(conn, wire)
	}()
	defer func() { conn.Close(); <-sent }()
	return f.readAnswer(what, conn)
}

func (f *fixture) readAnswer(what string, conn io.Reader) *answer {
	f.Helper()
	method, _, _ := strings.Cut(what, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		f.Fatalf("%s: no answer: %v", what, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatalf("%s: the answer broke off: %v", what, err)
	}
	return &answer{f.TB, what, resp.StatusCode, resp.Header, string(data)}
}

// alive has an ordinary request answered.
func (f *fixture) alive() {
	f.Helper()
	f.do("PROPFIND", annaCal, propfindBody("CS:getctag"), "Depth: 0").want(http.StatusMultiStatus)
}

// A meter bounds what something costs.
type meter struct {
	start time.Time
	bytes uint64
}

func startMeter() meter {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return meter{time.Now(), m.TotalAlloc}
}

func (m meter) check(t testing.TB) {
	t.Helper()
	if d := time.Since(m.start); d > hostileTime {
		t.Errorf("it took %v", d)
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	if n := now.TotalAlloc - m.bytes; n > hostileBytes {
		t.Errorf("it took %d MiB", n>>20)
	}
}

func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func utf16Text(s string) string {
	var b bytes.Buffer
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	return b.String()
}

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s) // a Buffer takes everything
	_ = z.Close()
	return b.String()
}

// hostileXML are bodies that no method which reads XML takes.
func hostileXML() []hostile {
	lol := `<!ENTITY l0 "lol">` + repeated(9, `<!ENTITY l%d "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">`)
	return []hostile{
		{name: "no XML", body: "hello"},
		{name: "not closed", body: `<D:propfind xmlns:D="DAV:"><D:prop>`},
		{name: "crossed", body: `<D:propfind xmlns:D="DAV:"><D:prop></D:propfind></D:prop>`},
		{name: "two roots", body: `<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind><D:propfind xmlns:D="DAV:"/>`},
		{name: "undeclared prefix", body: `<D:propfind><D:allprop/></D:propfind>`},
		{name: "empty prefix", body: `<D:propfind xmlns:D=""><D:allprop/></D:propfind>`},
		{name: "billion laughs", body: `<!DOCTYPE lolz [` + lol + `]><D:propfind xmlns:D="DAV:">&l9;</D:propfind>`},
		{name: "external entity", body: `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><D:propfind xmlns:D="DAV:">&x;</D:propfind>`},
		{name: "external DTD", body: `<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`},
		{name: "parameter entity", body: `<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;]><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`},
		{name: "unknown entity", body: `<D:propfind xmlns:D="DAV:">&nbsp;</D:propfind>`},
		{name: "deep", body: strings.Repeat("<a>", 100_000)},
		{name: "deep with namespaces", body: repeated(5_000, `<p%[1]d:a xmlns:p%[1]d="u%[1]d">`)},
		{name: "many declarations", body: "<a " + repeated(20_000, `xmlns:p%d="u" `) + ">" + strings.Repeat("<b xmlns:q='u'>", 60) + strings.Repeat("</b>", 60) + strings.Repeat("<b xmlns:q='u'/>", 20_000)},
		{name: "many elements", body: `<D:propfind xmlns:D="DAV:"><D:prop>` + strings.Repeat("<D:a/>", 60_000) + "</D:prop></D:propfind>"},
		{name: "NUL", body: "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:a\x00/></D:prop></D:propfind>"},
		{name: "NUL as a reference", body: `<D:propfind xmlns:D="DAV:">&#0;</D:propfind>`},
		{name: "invalid UTF-8", body: "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:a>\xff\xfe</D:a></D:prop></D:propfind>"},
		{name: "UTF-16 that breaks off", body: utf16Text(`<?xml version="1.0" encoding="utf-16"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind`) + ">"},
		{name: "half of UTF-16", body: utf16Text(`<?xml version="1.0"?>`) + `<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`},
		{name: "entity in UTF-16", body: utf16Text(`<!DOCTYPE a [<!ENTITY x "y">]><D:propfind xmlns:D="DAV:">&x;</D:propfind>`)},
		{name: "another encoding", body: `<?xml version="1.0" encoding="koi8-r"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`},
		{name: "another root", body: `<html/>`},
		{name: "only a comment", body: `<!-- -->`},
	}
}

// TestHostileBodies sends them by every method that reads XML.
func TestHostileBodies(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	for _, h := range hostileXML() {
		for _, method := range []string{"PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR", "MKCOL"} {
			t.Run(h.name+" "+method, func(t *testing.T) {
				h := h
				h.method, h.path = method, annaCal
				h.headers = append([]string{"Depth: 0"}, h.headers...)
				m := startMeter()
				a := f.raw(method+" "+h.name, h.wire())
				m.check(t)
				if a.status < 400 || a.status > 499 {
					t.Errorf("%d: %s", a.status, a.body)
				}
			})
		}
		f.alive()
	}
}

func reportBody(name, inner string) string {
	return `<C:` + name + ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">` + inner + `</C:` + name + `>`
}

// hostileRequests are single malformed requests.
func hostileRequests() []hostile {
	inVevent := func(inner string) string {
		return reportBody("calendar-query", `<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">`+inner+`</C:comp-filter></C:comp-filter></C:filter>`)
	}
	rng := func(start, end string) string {
		return inVevent(`<C:time-range start="` + start + `" end="` + end + `"/>`)
	}
	expand := reportBody("calendar-query", `<D:prop><C:calendar-data><C:expand start="20300101T000000Z" end="20200101T000000Z"/></C:calendar-data></D:prop>
		<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>`)
	put := func(name, body, condition string) hostile {
		return hostile{name: name, method: "PUT", path: annaCal + "x.ics", body: body, headers: []string{calendarType}, want: 403, condition: condition}
	}
	depth := func(method, value string) hostile {
		return hostile{name: method + " depth " + value, method: method, path: annaCal, headers: []string{"Depth: " + value}, want: 400}
	}
	token := func(inner string) string {
		return `<D:sync-collection xmlns:D="DAV:">` + inner + `<D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`
	}
	get := func(name, path string, want int) hostile {
		return hostile{name: name, method: "GET", path: path, want: want}
	}
	return []hostile{
		depth("PROPFIND", "2"), depth("PROPFIND", "-1"), depth("PROPFIND", "banana"), depth("DELETE", "0"), depth("DELETE", "1"),
		{name: "infinite PROPFIND", method: "PROPFIND", path: "/", headers: []string{"Depth: infinity"}, want: 403, condition: "propfind-finite-depth"},
		{name: "unknown report", method: "REPORT", path: annaCal, body: `<D:version-tree xmlns:D="DAV:"/>`, want: 403, condition: "supported-report"},
		{name: "45,000 properties", method: "PROPFIND", path: annaCal, headers: []string{"Depth: 1"}, body: `<D:propfind xmlns:D="DAV:"><D:prop>` + repeated(45_000, "<D:p%d/>") + "</D:prop></D:propfind>", want: 400},
		{name: "45,000 properties of a report", method: "REPORT", path: annaCal, body: reportBody("calendar-multiget", "<D:prop>"+repeated(45_000, "<D:p%d/>")+"</D:prop><D:href>"+annaCal+"a.ics</D:href>"), want: 400},
		{name: "45,000 assignments", method: "PROPPATCH", path: annaCal, body: `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>` + repeated(45_000, "<D:p%d/>") + "</D:prop></D:set></D:propertyupdate>", want: 400},
		{name: "45,000 assignments of a new calendar", method: "MKCALENDAR", path: annaHome + "x/", body: reportBody("mkcalendar", "<D:set><D:prop>"+repeated(45_000, "<D:p%d/>")+"</D:prop></D:set>"), want: 400},
		{name: "10,000 removals", method: "PROPPATCH", path: annaCal + "a.ics", body: `<D:propertyupdate xmlns:D="DAV:">` + repeated(10_000, "<D:remove><D:prop><D:p%d/></D:prop></D:remove>") + "</D:propertyupdate>", want: 400},
		{name: "10,000 searches", method: "REPORT", path: "/principals/", body: `<D:principal-property-search xmlns:D="DAV:">` + repeated(10_000, "<D:property-search><D:prop><D:displayname/></D:prop><D:match>%d</D:match></D:property-search>") + "<D:prop/></D:principal-property-search>", want: 400},
		{name: "20,000 expansions", method: "REPORT", path: annaCal, body: `<D:expand-property xmlns:D="DAV:">` + repeated(20_000, `<D:property name="p%d"/>`) + "</D:expand-property>", want: 400},
		{name: "nested expansions", method: "REPORT", path: annaCal, body: `<D:expand-property xmlns:D="DAV:">` + strings.Repeat(`<D:property name="owner">`, 60) + strings.Repeat(strings.Repeat(`<D:property name="principal-URL"/>`, 500), 50) + strings.Repeat(`</D:property>`, 60) + "</D:expand-property>", want: 400},
		{name: "a chain of expansions", method: "REPORT", path: annaCal, body: `<D:expand-property xmlns:D="DAV:">` + strings.Repeat(`<D:property name="owner"/><D:property name="owner">`, 60) + strings.Repeat(`</D:property>`, 60) + "</D:expand-property>", want: 207},
		{name: "an attribute twice", method: "PROPPATCH", path: annaCal, body: patch(`<E:x><E:y a="1" a="2"/></E:x>`, ""), want: 400},
		{name: "an attribute twice by two prefixes", method: "PROPPATCH", path: annaCal, body: patch(`<E:x xmlns:F="urn:example"><E:y E:a="1" F:a="2"/></E:x>`, ""), want: 400},
		{name: "report without a body", method: "REPORT", path: annaCal, want: 400},
		{name: "10,000 hrefs", method: "REPORT", path: annaCal, body: reportBody("calendar-multiget", "<D:prop><D:getetag/></D:prop>"+repeated(10_000, "<D:href>"+annaCal+"%d.ics</D:href>")), want: 403, condition: "number-of-matches-within-limits"},
		{name: "10,000 filters", method: "REPORT", path: annaCal, body: inVevent(repeated(10_000, `<C:prop-filter name="X-%d"><C:is-not-defined/></C:prop-filter>`)), want: 403, condition: "C:valid-filter"},
		{name: "10,000 selected properties", method: "REPORT", path: annaCal, body: reportBody("calendar-multiget", `<D:prop><C:calendar-data><C:comp name="VCALENDAR">`+repeated(10_000, `<C:comp name="X%d"/>`)+"</C:comp></C:calendar-data></D:prop><D:href>"+annaCal+"a.ics</D:href>"), want: 403, condition: "C:supported-calendar-data"},
		{name: "no filter", method: "REPORT", path: annaCal, body: reportBody("calendar-query", "<D:prop/>"), want: 403, condition: "C:valid-filter"},
		{name: "a range that ends before it begins", method: "REPORT", path: annaCal, body: rng("20300102T000000Z", "20300101T000000Z"), want: 403, condition: "C:valid-filter"},
		{name: "a range without ends", method: "REPORT", path: annaCal, body: inVevent("<C:time-range/>"), want: 403, condition: "C:valid-filter"},
		{name: "a range of local times", method: "REPORT", path: annaCal, body: rng("20300101T000000", "20300102T000000"), want: 403, condition: "C:valid-filter"},
		{name: "a range of words", method: "REPORT", path: annaCal, body: rng("yesterday", "tomorrow"), want: 403, condition: "C:valid-filter"},
		{name: "expansion backwards", method: "REPORT", path: annaCal, body: expand, want: 403},
		{name: "busy time of all times", method: "REPORT", path: annaCal, body: reportBody("free-busy-query", `<C:time-range start="00010101T000000Z" end="99991231T235959Z"/>`), want: 403, condition: "number-of-matches-within-limits"},
		{name: "collation", method: "REPORT", path: annaCal, body: inVevent(`<C:prop-filter name="SUMMARY"><C:text-match collation="i;klingon">x</C:text-match></C:prop-filter>`), want: 403, condition: "C:supported-collation"},
		{name: "sync token", method: "REPORT", path: annaCal, body: token("<D:sync-token>nonsense</D:sync-token>"), want: 403, condition: "valid-sync-token"},
		{name: "sync token of the future", method: "REPORT", path: annaCal, body: token("<D:sync-token>" + tokenPrefix + "1/999999999</D:sync-token>"), want: 403, condition: "valid-sync-token"},
		{name: "sync without a token", method: "REPORT", path: annaCal, body: token(""), want: 400},

		put("a rule of no frequency", event("x", "RRULE:COUNT=3"), "C:valid-calendar-data"),
		put("a rule of nonsense", event("x", "RRULE:FREQ=NEVER"), "C:valid-calendar-data"),
		put("invalid UTF-8", event("x", "SUMMARY:\xff\xfe"), "C:valid-calendar-data"),
		put("NUL", event("x", "SUMMARY:a\x00b"), "C:valid-calendar-data"),
		put("UTF-16", utf16Text(event("x")), "C:valid-calendar-data"),
		put("two calendars", event("x")+event("y"), "C:valid-calendar-data"),
		put("deep components", strings.Repeat("BEGIN:VEVENT\r\n", 50_000), "C:valid-calendar-data"),
		put("nested in a calendar", strings.Replace(event("x"), "END:VEVENT", strings.Repeat("BEGIN:X-A\r\n", 1000)+strings.Repeat("END:X-A\r\n", 1000)+"END:VEVENT", 1), "C:valid-calendar-data"),
		put("20,000 components", "BEGIN:VCALENDAR\r\n"+strings.Repeat("BEGIN:VEVENT\r\nUID:x\r\nEND:VEVENT\r\n", 20_000)+"END:VCALENDAR\r\n", "C:valid-calendar-data"),
		put("a long parameter", event("x", "ATTENDEE;CN="+strings.Repeat("x", 2<<20)+":mailto:x@example.org"), "C:max-resource-size"),
		put("a month of 99", event("x", "DTSTART:20309901T000000Z"), "C:valid-calendar-data"),
		put("the year 0", event("x", "DTSTART:00000101T000000Z"), "C:valid-calendar-data"),
		put("an end in the year 0", event("x", "DTSTART:20300101T000000Z", "DTEND:00000101T000000Z"), "C:valid-calendar-data"),
		put("the year 10000", event("x", "DTSTART:100000101T000000Z"), "C:valid-calendar-data"),
		put("a text for a date", event("x", "DTSTART:tomorrow"), "C:valid-calendar-data"),
		{name: "gzip", method: "PUT", path: annaCal + "x.ics", body: zipped(event("x")), headers: []string{calendarType, "Content-Encoding: gzip"}, want: 415},
		{name: "gzip XML", method: "PROPFIND", path: annaCal, body: zipped(propfindBody("D:getetag")), headers: []string{"Depth: 0", "Content-Encoding: gzip"}, want: 415},
		{name: "gzip bomb", method: "REPORT", path: annaCal, body: zipped(strings.Repeat(" ", 1<<20)), headers: []string{"Content-Encoding: x-gzip"}, want: 415},
		{name: "a type that is no calendar's", method: "PUT", path: annaCal + "x.ics", body: event("x"), headers: []string{"Content-Type: image/png"}, want: 403, condition: "C:supported-calendar-data"},
		{name: "another charset", method: "PUT", path: annaCal + "x.ics", body: event("x"), headers: []string{"Content-Type: text/calendar; charset=koi8-r"}, want: 403, condition: "C:supported-calendar-data"},

		get("encoded slash", annaCal+"..%2F..%2Fboris@example.org%2Fcalendar%2Fx.ics", 404),
		get("dots", annaCal+"../../boris@example.org/calendar/", 400),
		get("encoded dots", annaCal+"%2e%2e/x.ics", 400),
		get("double slash", annaHome+"/calendar/", 400),
		get("a host for a path", "//boris@example.org/calendar/", 400),
		get("backslashes", annaCal+`..\..\x.ics`, 404),
		get("half an escape", annaCal+"%4", 400),
		get("an escape of nothing", annaCal+"%zz", 400),
		get("NUL", annaCal+"%00", 400),
		get("invalid UTF-8", annaCal+"%ff%fe.ics", 400),
		get("overlong UTF-8", annaCal+"%c0%ae%c0%ae/x.ics", 400),
		get("a long name", annaCal+strings.Repeat("x", 8000), 400),
		get("many segments", "/"+strings.Repeat("a/", 8000), 404),
		{name: "a query", method: "PUT", path: annaCal + "x.ics?a=b", body: event("x"), headers: []string{"If-Match: *"}, want: 412},
		{name: "TRACE", method: "TRACE", path: annaCal, want: 405},
		{name: "CONNECT", method: "CONNECT", path: annaCal, want: 405},
		{name: "a made-up method", method: "BREW", path: annaCal, want: 405},
		{name: "LOCK", method: "LOCK", path: annaCal, body: `<D:lockinfo xmlns:D="DAV:"/>`, want: 405},
		{name: "If with a lock of nobody", method: "PUT", path: annaCal + "x.ics", body: event("x"), headers: []string{"If: (<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2>)"}, want: 412},
		{name: "If that is none", method: "PUT", path: annaCal + "x.ics", body: event("x"), headers: []string{"If: (((("}, want: 400},
		{name: "two If headers, one of them false", method: "DELETE", path: annaCal + "a.ics", headers: []string{`If: (<DAV:no-lock>)`, `If: (["no such tag"])`}, want: 412},
		{name: "a long If", method: "DELETE", path: annaCal + "a.ics", headers: []string{"If: " + strings.Repeat(`(["x"])`, 5000)}, want: 412},
		{name: "Overwrite", method: "MOVE", path: annaCal + "a.ics", headers: []string{"Destination: " + annaCal + "b.ics", "Overwrite: maybe"}, want: 400},
		{name: "Destination elsewhere", method: "MOVE", path: annaCal + "a.ics", headers: []string{"Destination: http://elsewhere.example/a.ics"}, want: 502},
		{name: "Destination nowhere", method: "COPY", path: annaCal + "a.ics", headers: []string{"Destination: ::"}, want: 400},
	}
}

// TestHostileRequests holds each malformed request to a 4xx with its element, within bounded time and
// memory; the next request works.
func TestHostileRequests(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	for _, h := range hostileRequests() {
		t.Run(h.name, func(t *testing.T) {
			m := startMeter()
			a := f.raw(h.method+" "+h.name, h.wire())
			m.check(t)
			a.TB = t
			space, local := nsDAV, h.condition
			if name, ok := strings.CutPrefix(local, "C:"); ok {
				space, local = nsCal, name
			}
			if local != "" {
				a.condition(h.want, space, local)
			} else if a.status != h.want {
				t.Errorf("%d, want %d: %s", a.status, h.want, a.body)
			}
		})
		f.alive()
	}
	f.do("GET", annaCal+"a.ics", "").want(http.StatusOK)
	f.do("GET", annaCal+"x.ics", "").want(http.StatusNotFound)
}
