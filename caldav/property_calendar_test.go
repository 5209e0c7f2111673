package caldav

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCalendarProperties goes through RFC 4791 §5.2: what every calendar says of itself, and what clients
// may not change.
func TestCalendarProperties(t *testing.T) {
	f := newFixture(t)
	for name, want := range map[string]string{
		"supported-calendar-component-set": "VEVENT", "supported-calendar-data": `content-type="text/calendar"`, "max-resource-size": "1048576",
		"min-date-time": "00010101T000000Z", "max-date-time": "99991231T235959Z", "max-attendees-per-instance": "50",
		"supported-collation-set": "i;unicode-casemap", "schedule-calendar-transp": "opaque",
	} {
		wantProp(t, f.do("PROPFIND", annaCal, propfindBody("C:"+name), "Depth: 0").one(), "{"+nsCal+"}"+name, want)
		if name == "schedule-calendar-transp" {
			continue
		}
		fd := f.do("PROPPATCH", annaCal, patch("<C:"+name+">1</C:"+name+">", "")).contains("cannot-modify-protected-property").one()
		if fd.other["{"+nsCal+"}"+name] != http.StatusForbidden {
			t.Errorf("%s could be set: %+v", name, fd)
		}
	}
	all := f.do("PROPFIND", annaCal, "", "Depth: 0").one()
	for name := range all.ok {
		if strings.HasPrefix(name, "{"+nsCal+"}") {
			t.Errorf("allprop tells %s (RFC 4791 §5.2)", name)
		}
	}
}

// TestMakeCalendarWithProperties sets everything that can be set in the body of MKCALENDAR and of extended
// MKCOL; one property that fails is the end of all (RFC 4791 §5.3.1, RFC 5689 §3).
func TestMakeCalendarWithProperties(t *testing.T) {
	f := newFixture(t)
	zone := "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Kyiv\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0200\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n"
	good := map[string]string{
		"<D:displayname>Имя &amp; co</D:displayname>":                                                                    "Имя & co",
		"<C:calendar-description xml:lang=\"en\">What</C:calendar-description>":                                          "What",
		"<C:calendar-timezone>" + strings.ReplaceAll(zone, "\r", "&#13;") + "</C:calendar-timezone>":                     zone,
		"<C:supported-calendar-component-set><C:comp name=\"VTODO\"/></C:supported-calendar-component-set>":              "VTODO",
		"<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>":                                      "transparent",
		"<A:calendar-color xmlns:A=\"http://apple.com/ns/ical/\" symbolic-color=\"custom\">#aabbccff</A:calendar-color>": "#aabbccff",
		"<A:calendar-order xmlns:A=\"http://apple.com/ns/ical/\">7</A:calendar-order>":                                   "7",
		"<E:thing xmlns:E=\"urn:example\">dead</E:thing>":                                                                "dead",
	}
	var props strings.Builder
	var asked strings.Builder
	for el := range good {
		props.WriteString(el)
		root, err := parseXML([]byte(`<r xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">` + el + "</r>"))
		if err != nil {
			t.Fatal(err)
		}
		asked.WriteString(elementXML(root.children()[0].name, ""))
	}
	body := map[string]func(props string) string{
		"MKCALENDAR": func(props string) string {
			return `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>` + props + `</D:prop></D:set></C:mkcalendar>`
		},
		"MKCOL": func(props string) string {
			return `<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype>` + props + `</D:prop></D:set></D:mkcol>`
		},
	}
	for method, of := range body {
		path := annaHome + strings.ToLower(method) + "/"
		a := f.do(method, path, of(props.String())).want(http.StatusCreated)
		if a.header.Get("Cache-Control") != "no-cache" || a.body != "" {
			t.Errorf("%s: %v %q", method, a.header, a.body)
		}
		fd := f.do("PROPFIND", path, `<D:propfind`+rootNamespaces+`><D:prop>`+asked.String()+`</D:prop></D:propfind>`, "Depth: 0").one()
		for el, want := range good {
			found := false
			for _, v := range fd.ok {
				found = found || strings.Contains(v, want)
			}
			if !found {
				t.Errorf("%s: %s is not in %v", method, el, fd.ok)
			}
		}
		for bad, condition := range map[string]string{
			"<D:getetag>1</D:getetag>":                     "cannot-modify-protected-property",
			"<D:owner/>":                                   "cannot-modify-protected-property",
			"<D:sync-token>x</D:sync-token>":               "cannot-modify-protected-property",
			"<C:max-resource-size>1</C:max-resource-size>": "cannot-modify-protected-property",
			"<C:calendar-timezone>x</C:calendar-timezone>": "valid-calendar-data",
			"<C:calendar-timezone>" + strings.ReplaceAll(zoneText("BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "END:VTIMEZONE", "BEGIN:VEVENT", "UID:x", "END:VEVENT"), "\r", "&#13;") + "</C:calendar-timezone>": "valid-calendar-data",
			"<C:calendar-timezone-id>Nowhere/Land</C:calendar-timezone-id>":                                     "valid-timezone",
			"<C:supported-calendar-component-set/>":                                                             "supported-calendar-component",
			"<C:supported-calendar-component-set><C:comp name=\"VCARD\"/></C:supported-calendar-component-set>": "supported-calendar-component",
		} {
			f.do(method, annaHome+"bad/", of("<D:displayname>X</D:displayname>"+bad)).want(http.StatusForbidden).
				contains(condition, "424 Failed Dependency", strings.ToLower(method)+"-response")
			f.do("PROPFIND", annaHome+"bad/", "", "Depth: 0").want(http.StatusNotFound)
		}
		f.do(method, annaHome+"un%00/", of("")).want(http.StatusBadRequest)
		f.do(method, annaHome, of("")).want(http.StatusMethodNotAllowed)
		f.do(method, "/calendars/boris@example.org/x/", of("")).condition(http.StatusForbidden, nsDAV, "need-privileges")
		f.do(method, path+"nested/", of("")).condition(http.StatusForbidden, nsCal, "calendar-collection-location-ok")
	}
	for _, path := range []string{annaHome + "none/x/", annaHome + "none/x/y/", annaHome + "mkcol/x/y/"} {
		f.do("MKCOL", path, "").want(http.StatusConflict)
		f.do("MKCALENDAR", path, "").want(http.StatusConflict)
		f.do("PUT", path+"a.ics", event("a"), calendarType).want(http.StatusConflict)
	}
	f.do("MKCOL", annaHome+"weird/", "afafaf", "Content-Type: xyz/foo").want(http.StatusUnsupportedMediaType)
	f.do("MKCOL", annaHome+"weird/", "afafaf", "Content-Type: text/xml").want(http.StatusBadRequest)
	f.do("MKCOL", annaHome+"weird/", "afafaf").want(http.StatusBadRequest)
	f.do("MKCALENDAR", annaHome+"mkcol/", "").condition(http.StatusForbidden, nsDAV, "resource-must-be-null")
	f.do("MKCOL", annaHome+"mkcalendar/", "").want(http.StatusMethodNotAllowed)
	f.do("MKCOL", annaHome+"two/", strings.Replace(body["MKCOL"](""), "<D:collection/>", "<D:collection/><C:schedule-inbox/>", 1)).condition(http.StatusForbidden, nsDAV, "valid-resourcetype")
}

// TestTimezoneByName sets a calendar's zone by its name alone (RFC 7809 §5.2).
func TestTimezoneByName(t *testing.T) {
	f := newFixture(t)
	id, text := "{"+nsCal+"}calendar-timezone-id", "{"+nsCal+"}calendar-timezone"
	get := func() found {
		t.Helper()
		return f.do("PROPFIND", annaCal, propfindBody("C:calendar-timezone-id", "C:calendar-timezone"), "Depth: 0").one()
	}
	if fd := get(); len(fd.ok) != 0 {
		t.Errorf("before: %+v", fd)
	}
	set := func(name string) found {
		t.Helper()
		return f.do("PROPPATCH", annaCal, patch("<C:calendar-timezone-id>"+name+"</C:calendar-timezone-id>", "")).one()
	}
	for _, name := range []string{"America/New_York", "Europe/Moscow", "Asia/Kolkata", "UTC"} {
		if fd := set(name); len(fd.other) != 0 {
			t.Fatalf("%s: %+v", name, fd)
		}
		fd := get()
		if fd.ok[id] != name || !strings.Contains(fd.ok[text], "TZID:"+name+"\r\n") {
			t.Errorf("%s: %+v", name, fd)
		}
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		_, offset := time.Now().In(loc).Zone()
		if want := fmt.Sprintf("TZOFFSETTO:%+03d%02d\r\n", offset/3600, offset/60%60); !strings.Contains(fd.ok[text], want) {
			t.Errorf("%s: no %q in %s", name, want, fd.ok[text])
		}
		// What a calendar says of its zone can be said to it.
		again := strings.ReplaceAll(escape(fd.ok[text]), "\r", "&#13;")
		if fd := f.do("PROPPATCH", annaCal, patch("<C:calendar-timezone>"+again+"</C:calendar-timezone>", "")).one(); len(fd.other) != 0 {
			t.Errorf("%s: %+v", name, fd)
		}
		if fd := get(); fd.ok[id] != name {
			t.Errorf("%s by its text: %+v", name, fd)
		}
	}
	if fd := set("Nowhere/Land"); fd.other[id] != http.StatusForbidden {
		t.Errorf("a zone of nowhere: %+v", fd)
	}
	f.do("PROPPATCH", annaCal, patch("", "<C:calendar-timezone-id/>")).want(http.StatusMultiStatus)
	if fd := get(); len(fd.ok) != 0 {
		t.Errorf("removed: %+v", fd)
	}
}
