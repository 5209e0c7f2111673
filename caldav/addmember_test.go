package caldav

import (
	"net/http"
	"strings"
	"testing"
)

// TestAddMember POSTs objects to where the calendar says (RFC 5995).
func TestAddMember(t *testing.T) {
	f := newFixture(t)
	add := f.do("PROPFIND", annaCal, propfindBody("D:add-member"), "Depth: 0").xml().child(nsDAV, "response").child(nsDAV, "propstat").
		child(nsDAV, "prop").child(nsDAV, "add-member").child(nsDAV, "href").text()
	if !strings.HasPrefix(add, annaCal) {
		t.Fatalf("add-member: %q", add)
	}
	a := f.do("POST", add, event("a"), calendarType).want(http.StatusCreated)
	path := a.header.Get("Location")
	if got := f.do("GET", path, "").want(http.StatusOK); got.body != event("a") || got.header.Get("ETag") != a.header.Get("ETag") || !strings.HasPrefix(path, annaCal) {
		t.Errorf("%s is %q, ETag %s, told %s", path, got.body, got.header.Get("ETag"), a.header.Get("ETag"))
	}
	b := f.do("POST", add, event("b"), calendarType, "Prefer: return=representation").want(http.StatusCreated)
	if b.body != event("b") || b.header.Get("Location") == path {
		t.Errorf("the second: %v %q", b.header, b.body)
	}
	f.do("POST", add, event("a"), calendarType).condition(http.StatusForbidden, nsCal, "no-uid-conflict").contains(path)
	f.do("POST", add, "hello", calendarType).condition(http.StatusForbidden, nsCal, "valid-calendar-data")
	f.do("POST", add, event("c"), "Content-Type: image/png").condition(http.StatusForbidden, nsCal, "supported-calendar-data")
	f.do("POST", annaHome+"none/?add-member", event("c"), calendarType).want(http.StatusNotFound)
	f.do("POST", annaCal+"?other", event("c"), calendarType).want(http.StatusMethodNotAllowed)
	f.do("POST", annaHome+"inbox/?add-member", event("c"), calendarType).want(http.StatusMethodNotAllowed)
	f.as("boris@example.org", "demo", "POST", add, event("c"), calendarType).want(http.StatusForbidden)
	if n := len(f.do("PROPFIND", annaCal, propfindBody("D:getetag"), "Depth: 1").multi()); n != 3 {
		t.Errorf("%d members", n-1)
	}
}
