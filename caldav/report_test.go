package caldav

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func multigetBody(hrefs ...string) string {
	return `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>` +
		strings.Join(hrefs, "</D:href><D:href>") + `</D:href></C:calendar-multiget>`
}

// TestReportPlaces runs the reports on a calendar, on an object and elsewhere, with each Depth (RFC 4791
// §7.8, §7.9).
func TestReportPlaces(t *testing.T) {
	f := newFixture(t)
	f.put("a", event("a"))
	f.put("b", event("b"))
	a, b := annaCal+"a", annaCal+"b"
	all, none := query(onComp("VEVENT", "")), query(onComp("VTODO", ""))
	for _, tt := range []struct{ name, path, depth, body, want string }{
		{"query", annaCal, "", all, a + " " + b},
		{"query, depth 1", annaCal, "1", all, a + " " + b},
		{"query, depth infinity", annaCal, "infinity", all, a + " " + b},
		{"query, depth 0", annaCal, "0", all, ""}, // the calendar itself is no object
		{"query of an object", a, "", all, a},
		{"query of an object, depth 0", a, "0", all, a},
		{"query of an object, depth 1", a, "1", all, a},
		{"query of an object that does not match", a, "0", none, ""},
		{"multiget", annaCal, "", multigetBody(b, a), b + " " + a},
		{"multiget, whatever Depth", annaCal, "0", multigetBody(a), a},
		{"multiget, whatever Depth at all", annaCal, "deep", multigetBody(a), a},
		{"multiget of an object", a, "", multigetBody(a), a},
		{"multiget from home", annaHome, "", multigetBody(a, b), a + " " + b},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			header := "X-No: Depth"
			if tt.depth != "" {
				header = "Depth: " + tt.depth
			}
			an := f.do("REPORT", tt.path, tt.body, header)
			if got := an.hrefs(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, fd := range an.multi() {
				if fd.status != 0 || fd.ok["{DAV:}getetag"] == "" {
					t.Errorf("%+v", fd)
				}
			}
		})
	}
	f.do("REPORT", annaCal, all, "Depth: 3").want(http.StatusBadRequest)
	f.do("REPORT", annaCal+"none", all).want(http.StatusNotFound)
	f.do("REPORT", annaCal+"none", multigetBody(annaCal+"none")).want(http.StatusNotFound)
	f.do("REPORT", annaHome+"none/", multigetBody(annaHome+"none/a")).want(http.StatusNotFound)
	f.do("REPORT", annaHome, all).condition(http.StatusForbidden, nsDAV, "supported-report")
	f.do("REPORT", "/principals/anna@example.org/", all).condition(http.StatusForbidden, nsDAV, "supported-report")
	f.do("REPORT", annaHome+"outbox/", all).condition(http.StatusForbidden, nsDAV, "supported-report")
	if fd := f.do("REPORT", a, multigetBody(b)).one(); fd.status != http.StatusNotFound || fd.href != b {
		t.Errorf("another object than the one that is asked: %+v", fd)
	}
}

// TestReportProps asks in a report for properties as PROPFIND does (RFC 4791 §7.8).
func TestReportProps(t *testing.T) {
	f := newFixture(t)
	f.put("a", event("a"))
	ask := func(props string) found {
		t.Helper()
		return f.do("REPORT", annaCal, `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">`+props+`<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`, "Depth: 1").one()
	}
	const data, tag = "{" + nsCal + "}calendar-data", "{DAV:}getetag"
	if fd := ask("<D:prop><D:getetag/><D:nothing/><C:calendar-data/></D:prop>"); fd.ok[tag] == "" || fd.ok[data] != event("a") || fd.other["{DAV:}nothing"] != http.StatusNotFound {
		t.Errorf("prop: %+v", fd)
	}
	if fd := ask("<D:allprop/>"); fd.ok[tag] == "" || fd.ok["{DAV:}getcontentlength"] != fmt.Sprint(len(event("a"))) || fd.ok[data] != "" {
		t.Errorf("allprop: %+v", fd)
	}
	if fd := ask("<D:propname/>"); len(fd.ok) == 0 || fd.ok[tag] != "" {
		t.Errorf("propname: %+v", fd)
	}
	if fd := ask(""); len(fd.ok)+len(fd.other) != 0 || fd.status != 0 {
		t.Errorf("nothing asked for: %+v", fd)
	}
	// calendar-data is a report's alone (RFC 4791 §9.6).
	if fd := f.do("PROPFIND", annaCal+"a", propfindBody("C:calendar-data"), "Depth: 0").one(); fd.other[data] != http.StatusNotFound {
		t.Errorf("PROPFIND: %+v", fd)
	}
}

// TestMultigetOthers names what is somebody else's: whether it is there is not to be learnt.
func TestMultigetOthers(t *testing.T) {
	f := newFixture(t)
	f.as("boris@example.org", "demo", "PUT", borisCal+"secret.ics", event("secret", "SUMMARY:Very secret"), calendarType).want(http.StatusCreated)
	f.put("own", event("own"))
	own := annaCal + "own"
	hrefs := []string{
		borisCal + "secret.ics", borisCal + "none.ics", "/calendars/nobody@example.org/calendar/secret.ics",
		strings.Replace(borisCal, "boris", "BORIS", 1) + "secret.ics", f.url + borisCal + "secret.ics",
		strings.Replace(borisCal, "@", "%40", 1) + "secret.ics", strings.Replace(borisCal, "@", "%2540", 1) + "secret.ics",
	}
	for _, from := range []string{annaCal, annaHome, own} {
		a := f.do("REPORT", from, multigetBody(append(hrefs, own)...)).lacks("Very secret", "getetag>&#34;boris")
		seen := map[int]int{}
		for _, fd := range a.multi() {
			if fd.href == own {
				if fd.status != 0 {
					t.Errorf("%s: one's own: %+v", from, fd)
				}
				continue
			}
			seen[fd.status]++
			if len(fd.ok) > 0 {
				t.Errorf("%s: %+v", from, fd)
			}
		}
		if len(seen) != 1 || seen[http.StatusForbidden] == 0 {
			t.Errorf("%s: what is there and what is not differ: %v", from, seen)
		}
	}
	for _, elsewhere := range []string{
		"https://elsewhere.example" + own, "//elsewhere.example" + own, "https://cal.example.org:80" + own, "https://cal.example.org:8443" + own, "mailto:anna@example.org", own + "?x", own + "#x", own + "/", own + "/deeper",
		annaCal + "..%2Fcalendar%2Fown", annaCal + "../calendar/own", "own", "", "%", "/", annaCal, annaHome, "/principals/anna@example.org/", "javascript:alert(1)",
	} {
		if fd := f.do("REPORT", annaCal, multigetBody(elsewhere)).one(); fd.status != http.StatusNotFound || len(fd.ok) > 0 {
			t.Errorf("%q: %+v", elsewhere, fd)
		}
	}
	for _, same := range []string{own, f.url + own, "https://cal.example.org" + own, "https://cal.example.org:443" + own, "http://CAL.example.org:80" + own, strings.Replace(own, "own", "%6Fwn", 1), " " + own + "\n"} {
		if fd := f.do("REPORT", annaCal, multigetBody(same)).one(); fd.status != 0 || fd.ok["{DAV:}getetag"] == "" {
			t.Errorf("%q: %+v", same, fd)
		}
	}
}

// TestExpandProperty follows hrefs (RFC 3253 §3.8), within what is one's own.
func TestExpandProperty(t *testing.T) {
	f := newFixture(t)
	ask := func(path, inner string, headers ...string) *answer {
		t.Helper()
		return f.do("REPORT", path, `<D:expand-property xmlns:D="DAV:">`+inner+`</D:expand-property>`, headers...)
	}
	property := func(name, namespace, inner string) string {
		if namespace != "" {
			namespace = ` namespace="` + namespace + `"`
		}
		return `<D:property name="` + name + `"` + namespace + `>` + inner + `</D:property>`
	}
	a := ask(annaCal, property("current-user-principal", "", property("displayname", "", "")+property("calendar-home-set", nsCal, property("resourcetype", "DAV:", ""))))
	a.want(http.StatusMultiStatus).contains("<D:displayname>Anna</D:displayname>", "<D:href>"+annaHome+"</D:href>", "<D:collection/>")
	if fd := ask(annaCal, property("owner", "", property("nothing", "", ""))+property("nothing", "urn:x", "")).one(); fd.ok["{DAV:}owner"] == "" || fd.other["{urn:x}nothing"] != http.StatusNotFound {
		t.Errorf("%+v", fd)
	}
	// Also those that a client has put into a dead property, of which any part may be something else.
	for _, tt := range []struct{ value, want string }{
		{"<D:href>" + annaCal + "</D:href>", "<D:href>" + annaCal + "</D:href><D:propstat><D:prop><D:displayname>Календарь &lt;1&gt;"},
		{"<D:href>/calendars/boris@example.org/calendar/</D:href>", "403 Forbidden"},
		{"<D:href>" + annaHome + "none/</D:href>", "404 Not Found"},
		{`<D:href>mailto:x@example.net</D:href><D:href><href xmlns="urn:x">` + annaCal + `</href></D:href>`, "mailto:x@example.net</D:href>"},
		{`<E:x>` + annaCal + `</E:x><href xmlns="urn:x">` + annaCal + `</href>`, `<href xmlns="urn:x">` + annaCal},
	} {
		f.do("PROPPATCH", annaCal, patch("<D:displayname>Календарь &lt;1></D:displayname><E:thing>"+tt.value+"</E:thing>", "")).want(http.StatusMultiStatus)
		a := ask(annaCal, property("thing", "urn:example", property("displayname", "", ""))).want(http.StatusMultiStatus).contains(tt.want)
		if fd := a.one(); fd.ok["{urn:example}thing"] == "" {
			t.Errorf("%s: %+v", tt.value, fd)
		}
	}
	ask(annaCal, property("owner", "", ""), "Depth: 0").want(http.StatusMultiStatus)
	ask(annaCal, property("owner", "", ""), "Depth: infinity").want(http.StatusBadRequest)
	ask(annaCal, "<D:property/>").want(http.StatusBadRequest)
	deep := ""
	for range 50 {
		deep = property("current-user-principal", "", deep+property("owner", "", deep))
		if len(deep) > 400_000 {
			break
		}
	}
	if a := ask(annaCal, deep); a.status != http.StatusBadRequest && a.status != http.StatusForbidden {
		t.Errorf("hrefs of hrefs of hrefs: %d", a.status)
	}
}
