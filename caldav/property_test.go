package caldav

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func patch(set, remove string) string {
	body := `<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/" xmlns:E="urn:example">`
	if set != "" {
		body += "<D:set><D:prop>" + set + "</D:prop></D:set>"
	}
	if remove != "" {
		body += "<D:remove><D:prop>" + remove + "</D:prop></D:remove>"
	}
	return body + "</D:propertyupdate>"
}

func TestPropfind(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))

	f.do("PROPFIND", annaCal, "").condition(http.StatusForbidden, nsDAV, "propfind-finite-depth")
	f.do("PROPFIND", annaCal, "", "Depth: infinity").condition(http.StatusForbidden, nsDAV, "propfind-finite-depth")
	f.do("PROPFIND", annaCal, "", "Depth: INFINITY").condition(http.StatusForbidden, nsDAV, "propfind-finite-depth") // RFC 5234 §2.3
	f.do("PROPFIND", annaCal, "", "Depth: 2").want(http.StatusBadRequest)
	f.do("PROPFIND", annaCal+"none.ics", "", "Depth: 0").want(http.StatusNotFound)
	f.do("PROPFIND", annaHome+"none/", "", "Depth: 1").want(http.StatusNotFound)
	f.do("PROPFIND", annaHome+"inbox/x.ics", "", "Depth: 0").want(http.StatusNotFound)

	// An empty body is allprop, which leaves out what is not of RFC 4918.
	fd := f.do("PROPFIND", annaCal+"a.ics", "").one()
	for _, name := range []string{"getetag", "getcontenttype", "getcontentlength", "getlastmodified", "resourcetype", "creationdate"} {
		if _, ok := fd.ok["{DAV:}"+name]; !ok {
			t.Errorf("allprop lacks %s", name)
		}
	}
	if len(fd.ok) != 6 {
		t.Errorf("allprop tells too much: %v", fd.ok)
	}
	include := `<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:owner/><D:nothing/></D:include></D:propfind>`
	fd = f.do("PROPFIND", annaCal+"a.ics", include, "Depth: 0").one()
	wantProp(t, fd, "{DAV:}owner", "/principals/anna@example.org/")
	if fd.other["{DAV:}nothing"] != http.StatusNotFound {
		t.Errorf("not found: %v", fd.other)
	}
	fd = f.do("PROPFIND", annaCal, `<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>`, "Depth: 0").one()
	for _, name := range []string{"{DAV:}displayname", "{DAV:}supported-report-set", "{" + nsCal + "}supported-calendar-component-set"} {
		if v, ok := fd.ok[name]; !ok || v != "" {
			t.Errorf("propname: %s is %q (%v)", name, v, ok)
		}
	}
	for _, body := range []string{"<a/>", "nonsense", `<D:propfind xmlns:D="DAV:"/>`, `<D:propfind xmlns:D="DAV:"><D:prop/><D:allprop/></D:propfind>`} {
		f.do("PROPFIND", annaCal, body, "Depth: 0").want(http.StatusBadRequest)
	}
	// calendar-data is for reports only.
	fd = f.do("PROPFIND", annaCal+"a.ics", propfindBody("C:calendar-data", "D:getetag"), "Depth: 0").one()
	if fd.other["{"+nsCal+"}calendar-data"] != http.StatusNotFound {
		t.Errorf("calendar-data by PROPFIND: %v", fd.ok)
	}

	body := propfindBody("D:getetag", "D:nothing")
	a := f.do("PROPFIND", annaCal, body, "Depth: 1", "Prefer: return=minimal, depth-noroot")
	fd = a.one()
	if fd.href != annaCal+"a.ics" || len(fd.other) != 0 {
		t.Errorf("minimal and noroot: %+v", fd)
	}
	if got := strings.Join(a.header.Values("Preference-Applied"), ","); !strings.Contains(got, "return=minimal") || !strings.Contains(got, "depth-noroot") {
		t.Errorf("Preference-Applied: %s", got)
	}
	if fd = f.do("PROPFIND", annaCal, body, "Depth: 0", "Brief: t").one(); len(fd.other) != 0 {
		t.Errorf("Brief: %+v", fd)
	}
	// One privilege an element.
	text := f.do("PROPFIND", annaCal, propfindBody("D:current-user-privilege-set"), "Depth: 0").body
	if strings.Count(text, "<D:privilege>") != strings.Count(text, "</D:privilege>") || strings.Count(text, "<D:privilege>") < 8 {
		t.Errorf("privileges: %s", text)
	}
}

func TestProppatch(t *testing.T) {
	f := newFixture(t)
	get := func(props ...string) found {
		t.Helper()
		return f.do("PROPFIND", annaCal, propfindBody(props...), "Depth: 0").one()
	}
	dead := `<E:thing xml:lang="ru" a="1&quot;">x<E:in E:b="2">&amp;</E:in><C:y/> </E:thing>`
	fd := f.do("PROPPATCH", annaCal, patch(`<D:displayname>Работа &amp; co</D:displayname><A:calendar-color>#112233FF</A:calendar-color>
		<C:calendar-description>text</C:calendar-description><A:calendar-order>3</A:calendar-order>
		<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>`+dead, "")).one()
	if len(fd.other) != 0 || len(fd.ok) != 6 {
		t.Fatalf("set: %+v", fd)
	}
	fd = get("D:displayname", "A:calendar-color", "C:calendar-description", "A:calendar-order", "C:schedule-calendar-transp")
	wantProp(t, fd, "{DAV:}displayname", "Работа & co")
	wantProp(t, fd, "{"+nsApple+"}calendar-color", "#112233FF")
	wantProp(t, fd, "{"+nsCal+"}calendar-description", "text")
	wantProp(t, fd, "{"+nsApple+"}calendar-order", "3")
	wantProp(t, fd, "{"+nsCal+"}schedule-calendar-transp", "transparent")

	body := `<D:propfind xmlns:D="DAV:" xmlns:E="urn:example"><D:prop><E:thing/></D:prop></D:propfind>`
	a := f.do("PROPFIND", annaCal, body, "Depth: 0")
	a.contains(`xml:lang="ru"`)
	thing := a.one().ok["{urn:example}thing"]
	want, _ := parseXML([]byte(`<E:thing xmlns:E="urn:example" xmlns:C="urn:ietf:params:xml:ns:caldav">x<E:in E:b="2">&amp;</E:in><C:y/> </E:thing>`))
	if thing != want.innerXML() {
		t.Errorf("a dead property came back as %s, want %s", thing, want.innerXML())
	}

	// All or nothing.
	fd = f.do("PROPPATCH", annaCal, patch(`<D:displayname>Other</D:displayname><D:getetag>"x"</D:getetag><E:more>1</E:more>`, "<E:thing/>")).one()
	if fd.other["{DAV:}getetag"] != http.StatusForbidden || fd.other["{DAV:}displayname"] != http.StatusFailedDependency ||
		fd.other["{urn:example}more"] != http.StatusFailedDependency || len(fd.ok) != 0 {
		t.Errorf("a protected property among others: %+v", fd)
	}
	wantProp(t, get("D:displayname"), "{DAV:}displayname", "Работа & co")
	f.do("PROPPATCH", annaCal, patch(`<D:getetag>1</D:getetag>`, "")).contains("<D:cannot-modify-protected-property/>")

	for _, name := range []string{"D:resourcetype", "D:sync-token", "D:owner", "D:current-user-privilege-set", "C:supported-calendar-component-set", "C:max-resource-size", "D:supportedlock", "D:quota-used-bytes"} {
		fd = f.do("PROPPATCH", annaCal, patch("<"+name+">1</"+name+">", "")).one()
		if len(fd.ok) != 0 {
			t.Errorf("%s could be set", name)
		}
	}
	fd = f.do("PROPPATCH", annaCal, patch(`<C:calendar-timezone>nonsense</C:calendar-timezone>`, "")).contains("valid-calendar-data").one()
	if len(fd.ok) != 0 {
		t.Error("nonsense was taken for a time zone")
	}
	fd = f.do("PROPPATCH", annaCal, patch("", "<D:displayname/><E:thing/><E:never/>")).one()
	if len(fd.ok) != 3 {
		t.Errorf("remove: %+v", fd)
	}
	if fd = get("D:displayname"); fd.other["{DAV:}displayname"] != http.StatusNotFound {
		t.Errorf("removed: %+v", fd)
	}
	f.do("PROPPATCH", annaCal, patch(`<E:thing>1</E:thing>`, ""), "Prefer: return=minimal").want(http.StatusOK)
	f.do("PROPPATCH", annaCal, "").want(http.StatusBadRequest)
	f.do("PROPPATCH", annaHome+"none/", patch("<E:x>1</E:x>", "")).want(http.StatusNotFound)
	for _, path := range []string{"/", "/principals/", "/calendars/"} { // nobody's own
		f.do("PROPPATCH", path, patch("<E:x>1</E:x>", "")).want(http.StatusMethodNotAllowed)
	}
	huge := "<E:huge>" + strings.Repeat("x", maxDeadSize) + "</E:huge>"
	if fd = f.do("PROPPATCH", annaCal, patch(huge, "")).one(); fd.other["{urn:example}huge"] != http.StatusInsufficientStorage {
		t.Errorf("huge: %+v", fd.other)
	}
}

func TestMakeAndDeleteCalendars(t *testing.T) {
	f := newFixture(t)
	mk := func(inner string) string {
		return `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>` + inner + `</D:prop></D:set></C:mkcalendar>`
	}
	mkcol := func(inner string) string {
		return `<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>` + inner + `</D:prop></D:set></D:mkcol>`
	}
	f.do("MKCALENDAR", annaHome+"plain/", "").want(http.StatusCreated)
	f.do("MKCALENDAR", annaHome+"plain/", "").condition(http.StatusForbidden, nsDAV, "resource-must-be-null")
	f.do("MKCALENDAR", annaHome+"with%20space", mk("<D:displayname>A &lt; B</D:displayname>")).want(http.StatusCreated)
	f.do("MKCALENDAR", annaHome+"plain/nested/", "").condition(http.StatusForbidden, nsCal, "calendar-collection-location-ok")
	f.do("MKCALENDAR", annaHome+"inbox/", "").want(http.StatusMethodNotAllowed)
	f.do("MKCALENDAR", annaHome+"sla%2Fsh/", "").want(http.StatusForbidden)
	f.do("MKCALENDAR", annaHome+"bad/", mk(`<D:displayname>Bad</D:displayname><C:supported-calendar-component-set><C:comp name="VCARD"/></C:supported-calendar-component-set>`)).
		want(http.StatusForbidden).contains("mkcalendar-response", "supported-calendar-component", "424 Failed Dependency")
	f.do("MKCALENDAR", annaHome+"bad/", mk(`<D:getetag>x</D:getetag>`)).want(http.StatusForbidden)
	f.do("GET", annaHome+"bad/", "").want(http.StatusNotFound)
	f.do("MKCALENDAR", annaHome+"bad/", "<x/>").want(http.StatusBadRequest)

	f.do("MKCOL", annaHome+"col/", mkcol("<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Col</D:displayname>")).want(http.StatusCreated)
	f.do("MKCOL", annaHome+"col/", mkcol("<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>")).want(http.StatusMethodNotAllowed)
	f.do("MKCOL", annaHome+"folder/", "").condition(http.StatusForbidden, nsDAV, "valid-resourcetype")
	f.do("MKCOL", annaHome+"folder/", mkcol("<D:resourcetype><D:collection/></D:resourcetype>")).condition(http.StatusForbidden, nsDAV, "valid-resourcetype")
	wantProp(t, f.do("PROPFIND", annaHome+"col/", propfindBody("D:displayname"), "Depth: 0").one(), "{DAV:}displayname", "Col")

	hrefs := strings.Fields(f.do("PROPFIND", annaHome, propfindBody("D:resourcetype"), "Depth: 1").hrefs())
	for _, want := range []string{annaHome + "plain/", annaHome + "with%20space/", annaHome + "col/"} {
		if !slices.Contains(hrefs, want) {
			t.Errorf("%s is not in %v", want, hrefs)
		}
	}

	f.do("PUT", annaHome+"plain/x.ics", event("x"), calendarType).want(http.StatusCreated)
	f.do("DELETE", annaHome+"plain/", "", "Depth: 0").want(http.StatusBadRequest)
	f.do("DELETE", annaHome+"plain/", "").want(http.StatusNoContent)
	f.do("DELETE", annaHome+"plain/", "").want(http.StatusNotFound)
	f.do("GET", annaHome+"plain/x.ics", "").want(http.StatusNotFound)
	f.do("DELETE", annaCal, "").condition(http.StatusForbidden, nsCal, "default-calendar-needed")
	f.do("DELETE", annaHome, "").want(http.StatusMethodNotAllowed)
}

func TestOptions(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	for path, want := range map[string]string{
		annaCal:              "COPY, DELETE, GET, HEAD, MOVE, OPTIONS, PROPFIND, PROPPATCH, REPORT",
		annaHome:             "GET, HEAD, OPTIONS, PROPFIND, PROPPATCH, REPORT",
		annaHome + "none/":   "MKCALENDAR, MKCOL, OPTIONS",
		annaCal + "a.ics":    "COPY, DELETE, GET, HEAD, MOVE, OPTIONS, PROPFIND, PROPPATCH, PUT, REPORT",
		annaCal + "none.ics": "OPTIONS, PUT",
		annaHome + "outbox/": "GET, HEAD, OPTIONS, POST, PROPFIND, PROPPATCH, REPORT",
		"/nowhere":           "OPTIONS",
	} {
		a := f.do("OPTIONS", path, "").want(http.StatusOK)
		if got := a.header.Get("Allow"); got != want {
			t.Errorf("%s: Allow %q, want %q", path, got, want)
		}
		if got := a.header.Get("DAV"); got != davHeader {
			t.Errorf("%s: DAV %q", path, got)
		}
	}
}

// TestPropertiesRoundTrip asks every kind of resource for everything it says it has.
func TestPropertiesRoundTrip(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	for _, path := range []string{"/", "/principals/", "/principals/anna@example.org/", "/calendars/", annaHome, annaHome + "inbox/", annaHome + "outbox/", annaCal, annaCal + "a.ics"} {
		fd := f.do("PROPFIND", path, `<propfind xmlns="DAV:"><propname/></propfind>`, "Depth: 0").one()
		if fd.href != path {
			t.Errorf("%s calls itself %s", path, fd.href)
		}
		var b strings.Builder
		for name := range fd.ok {
			n, _ := deadName(name)
			b.WriteString(`<x:` + n.Local + ` xmlns:x="` + n.Space + `"/>`)
		}
		all := f.do("PROPFIND", path, `<propfind xmlns="DAV:"><prop>`+b.String()+`</prop></propfind>`, "Depth: 0").one()
		if len(all.other) != 0 || len(all.ok) != len(fd.ok) {
			t.Errorf("%s: not found %v", path, all.other)
		}
		for _, want := range []string{"resourcetype", "current-user-principal", "current-user-privilege-set", "supported-report-set", "principal-collection-set"} {
			if _, ok := all.ok["{DAV:}"+want]; !ok {
				t.Errorf("%s lacks %s", path, want)
			}
		}
		if got := f.do("GET", path, "").want(http.StatusOK); got.body == "" {
			t.Errorf("GET %s is empty", path)
		}
	}
}
