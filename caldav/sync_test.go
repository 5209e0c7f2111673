package caldav

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func syncBody(token, extra string) string {
	return `<?xml version="1.0"?><D:sync-collection xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:sync-token>` + token +
		`</D:sync-token><D:sync-level>1</D:sync-level>` + extra + `<D:prop><D:getetag/></D:prop></D:sync-collection>`
}

func TestSync(t *testing.T) {
	f := newFixture(t)
	sync := func(token string) *answer {
		t.Helper()
		return f.do("REPORT", annaCal, syncBody(token, ""), "Depth: 1").want(http.StatusMultiStatus)
	}
	f.put("a.ics", event("a"))
	f.put("b.ics", event("b"))
	a := sync("")
	if got := a.hrefs(); got != annaCal+"a.ics "+annaCal+"b.ics" {
		t.Fatalf("first: %s", got)
	}
	start := a.token()
	if a = sync(start); a.hrefs() != "" || a.token() != start {
		t.Errorf("nothing changed, yet: %s", a.body)
	}
	f.do("DELETE", annaCal+"a.ics", "").want(http.StatusNoContent)
	f.put("c.ics", event("c"))
	f.put("d.ics", event("d"))
	f.do("DELETE", annaCal+"d.ics", "").want(http.StatusNoContent)
	got := map[string]int{}
	for _, fd := range sync(start).multi() {
		got[fd.href] = fd.status
	}
	if got[annaCal+"a.ics"] != 404 || got[annaCal+"c.ics"] != 0 || len(got) > 3 {
		t.Errorf("changes: %v", got)
	}
	if status, ok := got[annaCal+"d.ics"]; ok && status != 404 {
		t.Errorf("made and removed: %d", status)
	}

	// Every change shows, and the ctag goes with the token.
	props := func() (string, string) {
		fd := f.do("PROPFIND", annaCal, propfindBody("D:sync-token", "CS:getctag"), "Depth: 0").one()
		return fd.ok["{DAV:}sync-token"], fd.ok["{"+nsCS+"}getctag"]
	}
	before, ctag := props()
	f.do("PUT", annaCal+"c.ics", event("c", "SUMMARY:changed"), calendarType).want(http.StatusNoContent)
	after, ctag2 := props()
	if before == after || ctag == ctag2 {
		t.Errorf("a change leaves token or ctag: %s %s", after, ctag2)
	}
	if hrefs := sync(before).hrefs(); hrefs != annaCal+"c.ics" {
		t.Errorf("changed: %s", hrefs)
	}
	f.do("MKCALENDAR", annaHome+"other/", "").want(http.StatusCreated)
	f.do("MOVE", annaCal+"c.ics", "", "Destination: "+annaHome+"other/c.ics").want(http.StatusCreated)
	if fd := sync(after).one(); fd.href != annaCal+"c.ics" || fd.status != 404 {
		t.Errorf("moved away: %+v", fd)
	}

	for _, bad := range []string{"nonsense", "https://joinery.invalid/sync/1", "https://joinery.invalid/sync/1/999", "https://joinery.invalid/sync/2/0", "https://joinery.invalid/sync/1/-1", "https://joinery.invalid/sync/1/x", "https://joinery.invalid/sync/inbox/0"} {
		f.do("REPORT", annaCal, syncBody(bad, ""), "Depth: 1").condition(http.StatusForbidden, nsDAV, "valid-sync-token")
	}
	f.do("REPORT", annaCal, syncBody("", "")).want(http.StatusMultiStatus)
	f.do("REPORT", annaCal, syncBody("", ""), "Depth: 0").want(http.StatusMultiStatus)
	f.do("REPORT", annaCal, syncBody("", ""), "Depth: infinity").want(http.StatusBadRequest)
	f.do("REPORT", annaCal, syncBody("", "<D:limit><D:nresults>0</D:nresults></D:limit>")).want(http.StatusBadRequest)
	f.do("REPORT", annaCal, `<D:sync-collection xmlns:D="DAV:"><D:prop/></D:sync-collection>`).want(http.StatusBadRequest)
	f.do("REPORT", annaHome, syncBody("", "")).condition(http.StatusForbidden, nsDAV, "supported-report")
}

func TestSyncPages(t *testing.T) {
	f := newFixture(t)
	for i := range 7 {
		f.put(fmt.Sprintf("%d.ics", i), event(fmt.Sprint(i)))
	}
	seen := map[string]bool{}
	token := ""
	for page := 1; ; page++ {
		a := f.do("REPORT", annaCal, syncBody(token, "<D:limit><D:nresults>3</D:nresults></D:limit>"), "Depth: 0")
		more := false
		for _, fd := range a.multi() {
			if fd.href == annaCal {
				more = fd.status == http.StatusInsufficientStorage
				a.contains("number-of-matches-within-limits")
				continue
			}
			seen[fd.href] = true
		}
		token = a.token()
		if !more {
			if page != 3 {
				t.Errorf("%d pages, want 3", page)
			}
			break
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d members came, want 7", len(seen))
	}
	if got := f.do("REPORT", annaCal, syncBody(token, "")).hrefs(); got != "" {
		t.Errorf("after the last page: %s", got)
	}
}

// TestStreaming reads a calendar larger than what is held back, compressed and not.
func TestStreaming(t *testing.T) {
	f := newFixture(t)
	const n = 60
	for i := range n {
		f.put(fmt.Sprintf("%03d.ics", i), event(fmt.Sprintf("stream%d", i), "DESCRIPTION:"+strings.Repeat("text & <more> ", 20)))
	}
	body := strings.Replace(syncBody("", ""), "<D:getetag/>", "<D:getetag/><C:calendar-data/>", 1)
	for _, coding := range []string{"gzip", "identity", "gzip;q=0"} {
		// Go's client undoes gzip only where it asked for it by itself.
		var headers []string
		if coding != "gzip" {
			headers = append(headers, "Accept-Encoding: "+coding)
		}
		a := f.do("REPORT", annaCal, body, headers...)
		if a.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: Content-Encoding %s", coding, a.header.Get("Content-Encoding"))
		}
		fds := a.multi()
		if len(fds) != n {
			t.Fatalf("%s: %d members, want %d", coding, len(fds), n)
		}
		if got, want := fds[5].ok["{"+nsCal+"}calendar-data"], f.do("GET", annaCal+"005.ics", "").body; got != want {
			t.Errorf("%s: %q, want %q", coding, got, want)
		}
	}
	a := f.do("REPORT", annaCal, body, "Accept-Encoding: br, gzip;q=0.5")
	if a.header.Get("Content-Encoding") != "gzip" || len(a.body) > 20_000 {
		t.Errorf("%d bytes, Content-Encoding %q", len(a.body), a.header.Get("Content-Encoding"))
	}
}
