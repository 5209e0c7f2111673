package caldav

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestPrincipalReports goes through RFC 3744 §9 and RFC 3253 §3.8 as clients look people up.
func TestPrincipalReports(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	const (
		ns    = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"`
		anna  = "/principals/anna@example.org/"
		boris = "/principals/boris@example.org/"
	)
	search := func(attrs, inner string) string {
		return "<D:principal-property-search" + ns + attrs + ">" + inner + "<D:prop><D:displayname/><C:calendar-user-address-set/><C:calendar-home-set/></D:prop></D:principal-property-search>"
	}
	by := func(prop, match string) string {
		return "<D:property-search><D:prop><" + prop + "/></D:prop><D:match>" + match + "</D:match></D:property-search>"
	}
	match := func(inner string) string {
		return "<D:principal-match" + ns + ">" + inner + "<D:prop><D:displayname/></D:prop></D:principal-match>"
	}
	byOwner := "<D:principal-property><D:owner/></D:principal-property>"
	acl := "<D:acl-principal-prop-set" + ns + "><D:prop><D:displayname/></D:prop></D:acl-principal-prop-set>"
	for _, tt := range []struct {
		name, path, body string
		status           int
		hrefs            string
	}{
		{"name", "/principals/", search("", by("D:displayname", "BOR")), 207, boris},
		{"name anywhere", "/", search("", by("D:displayname", "nn")), 207, anna},
		{"set of the collections", annaHome, search("", by("D:displayname", "nn")+"<D:apply-to-principal-collection-set/>"), 207, anna},
		{"address", "/principals/", search("", by("CS:email-address-set", "boris@")), 207, boris},
		{"calendar address", "/principals/", search("", by("C:calendar-user-address-set", "mailto:a.ivanova")), 207, anna},
		{"kind", "/principals/", search("", by("C:calendar-user-type", "INDIVIDUAL")), 207, anna + " " + boris},
		{"two of which both", "/principals/", search("", by("D:displayname", "anna")+by("CS:email-address-set", "boris")), 207, ""},
		{"two of which one", "/principals/", search(` test="anyof"`, by("D:displayname", "anna")+by("CS:email-address-set", "boris")), 207, anna + " " + boris},
		{"what nobody is searched by", "/principals/", search("", by("D:owner", "anna")), 207, ""},
		{"nobody", "/principals/", search("", by("D:displayname", "zoe")), 207, ""},
		{"no properties", "/principals/", "<D:principal-property-search" + ns + ">" + by("D:displayname", "BOR") + "</D:principal-property-search>", 207, boris},
		{"no search", "/principals/", search("", ""), 400, ""},
		{"no match", "/principals/", search("", by("D:displayname", "")), 400, ""},
		{"self", "/principals/", match("<D:self/>"), 207, anna},
		{"self where no principals are", annaHome, match("<D:self/>"), 207, ""},
		{"own things, at any depth", annaHome, match(byOwner), 207, annaCal + " " + annaHome + "inbox/ " + annaHome + "outbox/ " + annaCal + "a.ics"},
		{"own things from the root", "/", match(byOwner), 207, anna + " " + annaHome + " " + annaCal + " " + annaHome + "inbox/ " + annaHome + "outbox/ " + annaCal + "a.ics"},
		{"own principal by its address", "/", match("<D:principal-property><D:principal-URL/></D:principal-property>"), 207, anna},
		{"by what names nobody", annaHome, match("<D:principal-property><D:displayname/></D:principal-property>"), 207, ""},
		{"own things where nothing is", annaHome + "none/", match(byOwner), 404, ""},
		{"own objects", annaCal, match(byOwner), 207, annaCal + "a.ics"},
		{"neither", annaHome, match(""), 400, ""},
		{"principals of an acl", annaCal, acl, 207, anna},
		{"principals of an object's acl", annaCal + "a.ics", acl, 207, anna},
		{"principals of a home's acl", annaHome, acl, 207, anna},
		{"principals of no acl", "/", acl, 403, ""},
		{"principals of an acl that is not there", annaCal + "none.ics", acl, 404, ""},
	} {
		a := f.do("REPORT", tt.path, tt.body, "Depth: 0")
		if a.status != tt.status {
			t.Errorf("%s: %d, want %d: %s", tt.name, a.status, tt.status, a.body)
		} else if a.status == http.StatusMultiStatus && a.hrefs() != tt.hrefs {
			t.Errorf("%s: %s, want %s", tt.name, a.hrefs(), tt.hrefs)
		}
		if tt.status == http.StatusMultiStatus {
			f.do("REPORT", tt.path, tt.body, "Depth: 1").want(http.StatusBadRequest)
		}
	}
	// Of others no more is told than name, addresses and kind; their preferred address stands first.
	fd := f.do("REPORT", "/principals/", search("", by("D:displayname", "boris"))).one()
	wantProp(t, fd, "{DAV:}displayname", "Boris")
	wantProp(t, fd, "{"+nsCal+"}calendar-user-address-set", "mailto:boris@example.org")
	if fd.other["{"+nsCal+"}calendar-home-set"] != http.StatusNotFound {
		t.Errorf("boris' home: %+v", fd)
	}
	text := f.do("REPORT", "/principals/", search("", by("D:displayname", "anna"))).body
	if first, second := strings.Index(text, "mailto:anna@"), strings.Index(text, "mailto:a.ivanova@"); first < 0 || second < first {
		t.Errorf("addresses: %s", text)
	}
	f.do("REPORT", "/principals/", "<D:principal-search-property-set"+ns+"/>", "Depth: 1").want(http.StatusBadRequest) // RFC 3744 §9.5
	f.do("REPORT", "/principals/", "<D:principal-search-property-set"+ns+"/>", "Depth: 0").want(http.StatusOK).
		contains("<D:displayname/>", "<CS:email-address-set/>", "<C:calendar-user-address-set/>", "<C:calendar-user-type/>")

	// What leads to other resources is followed, to others' not at all.
	expand := `<D:expand-property xmlns:D="DAV:"><D:property name="current-user-principal"><D:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav">
		<D:property name="owner"/><D:property name="none"/></D:property><D:property name="calendar-user-address-set" namespace="urn:ietf:params:xml:ns:caldav"/></D:property></D:expand-property>`
	got := f.do("REPORT", annaCal, expand).one().ok["{DAV:}current-user-principal"]
	for _, want := range []string{anna, annaHome, "mailto:anna@example.org", "404 Not Found", "200 OK"} {
		if !strings.Contains(got, want) {
			t.Errorf("expand-property lacks %s: %s", want, got)
		}
	}
	f.do("REPORT", annaCal, `<D:expand-property xmlns:D="DAV:"><D:property/></D:expand-property>`).want(http.StatusBadRequest)
}

// TestManyPrincipals bounds what a search returns, and says so.
func TestManyPrincipals(t *testing.T) {
	f := newFixture(t)
	for i := range maxFound + 5 {
		f.addUser(fmt.Sprint("user", i), fmt.Sprint("User ", i), fmt.Sprint("user", i, "@example.org"))
	}
	body := `<D:principal-property-search xmlns:D="DAV:"><D:property-search><D:prop><D:displayname/></D:prop><D:match>user</D:match></D:property-search><D:prop><D:displayname/></D:prop></D:principal-property-search>`
	fds := f.do("REPORT", "/principals/", body).contains("number-of-matches-within-limits").multi()
	if last := fds[len(fds)-1]; len(fds) != maxFound+1 || last.href != "/principals/" || last.status != http.StatusInsufficientStorage {
		t.Errorf("%d responses, the last %+v", len(fds), last)
	}
}

// TestAccessProperties reads what a client may do with each kind of resource (RFC 3744 §5, RFC 5397):
// one name in each privilege, all of them in the set that is supported, and an acl that says the same.
func TestAccessProperties(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	names := func(el *element) []string {
		var ns []string
		for _, p := range el.children() {
			if !p.is(nsDAV, "privilege") {
				continue
			}
			if len(p.children()) != 1 {
				t.Errorf("a privilege of %d names", len(p.children()))
			}
			ns = append(ns, p.children()[0].name.Local)
		}
		return ns
	}
	for path, want := range map[string]string{
		"/":                             "read",
		"/principals/anna@example.org/": "read write-properties",
		annaHome:                        "read write-properties bind unbind",
		annaCal:                         "read read-free-busy write write-properties write-content bind unbind read-current-user-privilege-set",
		annaCal + "a.ics":               "read read-free-busy write write-properties write-content",
		annaHome + "inbox/":             "read unbind schedule-deliver schedule-deliver-invite schedule-deliver-reply schedule-query-freebusy",
		annaHome + "outbox/":            "read schedule-send schedule-send-invite schedule-send-reply schedule-send-freebusy",
	} {
		root := f.do("PROPFIND", path, propfindBody("D:current-user-privilege-set", "D:supported-privilege-set", "D:acl", "D:acl-restrictions", "D:owner", "D:current-user-principal", "D:principal-collection-set"), "Depth: 0").
			contains("<D:principal-collection-set><D:href>/principals/</D:href>", "<D:current-user-principal><D:href>/principals/anna@example.org/</D:href>").xml()
		prop := root.child(nsDAV, "response").child(nsDAV, "propstat").child(nsDAV, "prop")
		has := names(prop.child(nsDAV, "current-user-privilege-set"))
		var supported []string
		var walk func(el *element)
		walk = func(el *element) {
			supported = append(supported, names(el)...)
			for _, c := range el.children() {
				if c.is(nsDAV, "supported-privilege") {
					walk(c)
				}
			}
		}
		walk(prop.child(nsDAV, "supported-privilege-set"))
		for _, name := range strings.Fields(want) {
			if !slices.Contains(has, name) {
				t.Errorf("%s lacks %s: %v", path, name, has)
			}
		}
		for _, name := range has {
			if !slices.Contains(supported, name) {
				t.Errorf("%s: %s is not among the privileges that are supported", path, name)
			}
		}
		if path == "/" {
			continue
		}
		ace := prop.child(nsDAV, "acl").child(nsDAV, "ace")
		if got := names(ace.child(nsDAV, "grant")); !slices.Equal(got, has) || ace.child(nsDAV, "protected") == nil {
			t.Errorf("%s: the acl grants %v, the user has %v", path, got, has)
		}
		if prop.child(nsDAV, "acl-restrictions").child(nsDAV, "grant-only") == nil || prop.child(nsDAV, "owner").child(nsDAV, "href").text() != "/principals/anna@example.org/" {
			t.Errorf("%s: %s", path, prop.innerXML())
		}
		f.do("ACL", path, `<D:acl xmlns:D="DAV:"/>`).want(http.StatusMethodNotAllowed)
		f.do("PROPPATCH", path, patch("<D:acl/>", "")).contains("cannot-modify-protected-property")
	}
}
