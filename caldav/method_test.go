package caldav

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestMethods asks every kind of resource for every method: what OPTIONS allows is not refused with 405,
// what it does not is, with the same Allow; and HEAD is a GET without its body.
func TestMethods(t *testing.T) {
	// What changes things comes last.
	methods := []string{"GET", "HEAD", "PUT", "POST", "COPY", "MOVE", "PROPFIND", "PROPPATCH", "REPORT", "LOCK", "UNLOCK", "ACL", "PATCH", "SEARCH", "TRACE", "MKCOL", "MKCALENDAR", "DELETE"}
	for _, path := range []string{
		"/", "/principals/", "/principals/anna@example.org/", "/principals/anna@example.org", "/calendars/", annaHome, annaCal, strings.TrimSuffix(annaCal, "/"), annaHome + "none/",
		annaCal + "a.ics", annaCal + "none.ics", annaHome + "inbox/", annaHome + "inbox/none.ics", annaHome + "outbox/", annaHome + "outbox/none.ics",
	} {
		t.Run(path, func(t *testing.T) {
			f := newFixture(t)
			f.put("a.ics", event("a"))
			options := f.do("OPTIONS", path, "").want(http.StatusOK)
			allow := options.header.Get("Allow")
			if got := options.header.Get("DAV"); got != davHeader {
				t.Errorf("DAV: %s", got)
			}
			get, head := f.do("GET", path, ""), f.do("HEAD", path, "")
			if get.status != head.status || head.body != "" {
				t.Errorf("GET %d, HEAD %d %q", get.status, head.status, head.body)
			}
			for _, name := range []string{"Content-Type", "DAV", "Last-Modified", "Schedule-Tag"} {
				if get.header.Get(name) != head.header.Get(name) {
					t.Errorf("%s: GET %q, HEAD %q", name, get.header.Get(name), head.header.Get(name))
				}
			}
			for _, m := range methods {
				a := f.do(m, path, "", "Depth: 0")
				allowed := slices.Contains(strings.Split(allow, ", "), m)
				missing := strings.Contains(path, "none")
				switch {
				case a.status >= 500:
					t.Errorf("%s: %d", m, a.status)
				case allowed && a.status == http.StatusMethodNotAllowed:
					t.Errorf("%s is allowed (%s), and refused", m, allow)
				case a.status == http.StatusMethodNotAllowed && a.header.Get("Allow") != allow:
					t.Errorf("%s: Allow %q, of OPTIONS %q", m, a.header.Get("Allow"), allow)
				case !allowed && !missing && a.status < 400:
					t.Errorf("%s is not allowed (%s), and answered with %d", m, allow, a.status)
				}
			}
		})
	}
}

// TestDiscovery is RFC 6764 §5 and §6: whoever asks, by whatever method, is led to where a PROPFIND tells
// the principal; credentials are asked for there.
func TestDiscovery(t *testing.T) {
	f := newFixture(t)
	body := propfindBody("D:current-user-principal")
	for _, method := range []string{"GET", "HEAD", "PROPFIND", "OPTIONS", "REPORT", "POST"} {
		for _, path := range []string{"/.well-known/caldav", "/.well-known/caldav/"} {
			for _, login := range []string{"", "anna@example.org", "nobody"} {
				a := f.as(login, "demo", method, path, body, "Depth: 0").want(http.StatusMovedPermanently)
				if got := a.header.Get("Location"); got != "/" {
					t.Errorf("%s %s: Location %q", method, path, got)
				}
			}
		}
	}
	f.as("", "", "PROPFIND", "/", body, "Depth: 0").want(http.StatusUnauthorized)
	for _, path := range []string{"/", "/principals/", "/calendars/", annaHome, annaCal, "/principals/anna@example.org"} {
		fd := f.do("PROPFIND", path, body, "Depth: 0").one()
		wantProp(t, fd, "{DAV:}current-user-principal", "/principals/anna@example.org/")
		if !strings.HasSuffix(fd.href, "/") {
			t.Errorf("%s calls itself %s", path, fd.href)
		}
	}
	fd := f.do("PROPFIND", "/principals/anna@example.org/", propfindBody("C:calendar-home-set", "C:calendar-user-address-set", "C:schedule-inbox-URL", "C:schedule-outbox-URL", "D:principal-URL", "D:displayname", "C:calendar-user-type", "CS:email-address-set"), "Depth: 0").one()
	if len(fd.other) != 0 || fd.ok["{"+nsCal+"}calendar-home-set"] != `<href xmlns="DAV:">`+annaHome+`</href>` {
		t.Errorf("the principal: %+v", fd)
	}
}

// TestPreferences goes through RFC 7240, RFC 8144 and the Brief header.
func TestPreferences(t *testing.T) {
	f := newFixture(t)
	tag := f.put("a.ics", event("a")).header.Get("ETag")
	applied := func(a *answer) string { return strings.Join(a.header.Values("Preference-Applied"), ", ") }
	ask := propfindBody("D:getetag", "D:nothing")
	for _, tt := range []struct {
		header, applied string
		members         int
		all             bool
	}{
		{"X: y", "", 2, true},
		{"Prefer: return=minimal", "return=minimal", 2, false},
		{`Prefer: respond-async, return = "minimal" ; x=y, wait=10`, "return=minimal", 2, false},
		{"Prefer: RETURN=MINIMAL", "return=minimal", 2, false},
		{"Prefer: return-minimal", "return=minimal", 2, false},
		{"Prefer: return=something", "", 2, true},
		{"Brief: t", "return=minimal", 2, false},
		{"Brief: f", "", 2, true},
		{"Prefer: depth-noroot", "depth-noroot", 1, true},
		{"Prefer: depth-noroot, return=minimal", "depth-noroot, return=minimal", 1, false},
	} {
		a := f.do("PROPFIND", annaCal, ask, "Depth: 1", tt.header)
		if got := applied(a); got != tt.applied {
			t.Errorf("%s: applied %q, want %q", tt.header, got, tt.applied)
		}
		if fds := a.multi(); len(fds) != tt.members || (len(fds[0].other) > 0) != tt.all {
			t.Errorf("%s: %+v", tt.header, fds)
		}
		if !strings.Contains(strings.Join(a.header.Values("Vary"), ", "), "Prefer") {
			t.Errorf("%s: Vary %q", tt.header, a.header.Values("Vary"))
		}
	}
	if a := f.do("PROPFIND", annaCal, ask, "Depth: 0", "Prefer: depth-noroot"); len(a.multi()) != 1 || applied(a) != "" {
		t.Errorf("depth-noroot at depth 0: %s", a.body)
	}
	minimal := "Prefer: return=minimal"
	for name, body := range map[string]string{
		"multiget": reportBody("calendar-multiget", "<D:prop><D:getetag/><D:nothing/></D:prop><D:href>"+annaCal+"a.ics</D:href>"),
		"query":    strings.Replace(query(""), "<D:getetag/>", "<D:getetag/><D:nothing/>", 1),
		"sync":     strings.Replace(syncBody("", ""), "<D:getetag/>", "<D:getetag/><D:nothing/>", 1),
	} {
		a := f.do("REPORT", annaCal, body, "Depth: 1", minimal)
		if fd := a.one(); len(fd.other) != 0 || fd.ok["{DAV:}getetag"] != tag || applied(a) != "return=minimal" {
			t.Errorf("%s: %+v, applied %q", name, fd, applied(a))
		}
	}
	a := f.do("PROPPATCH", annaCal, patch("<D:displayname>X</D:displayname>", ""), minimal).want(http.StatusOK)
	if a.body != "" || applied(a) != "return=minimal" {
		t.Errorf("PROPPATCH: %q, applied %q", a.body, applied(a))
	}
	// What went wrong is told all the same.
	f.do("PROPPATCH", annaCal, patch("<D:getetag>X</D:getetag>", ""), minimal).want(http.StatusMultiStatus).contains("cannot-modify-protected-property")
	a = f.do("PUT", annaCal+"b.ics", event("b"), calendarType, "Prefer: return=representation").want(http.StatusCreated)
	if a.body != event("b") || a.header.Get("ETag") == "" || a.header.Get("Content-Location") != annaCal+"b.ics" || applied(a) != "return=representation" {
		t.Errorf("PUT with representation: %v %q", a.header, a.body)
	}
	if a = f.do("PUT", annaCal+"c.ics", event("c"), calendarType, minimal).want(http.StatusCreated); a.body != "" {
		t.Errorf("PUT minimal: %q", a.body)
	}
	// RFC 8144 §3.2: what stands there comes with the refusal.
	a = f.do("PUT", annaCal+"b.ics", event("b", "SUMMARY:mine"), calendarType, `If-Match: "stale"`, "Prefer: return=representation").want(http.StatusPreconditionFailed)
	if a.body != event("b") || a.header.Get("ETag") == "" || applied(a) != "return=representation" {
		t.Errorf("412 with representation: %v %q", a.header, a.body)
	}
}
