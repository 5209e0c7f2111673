package caldav

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"joinery/store"
)

const annaInbox = annaHome + "inbox/"

// deliver puts a message into a user's inbox, as the write path does.
func (f *fixture) deliver(u *store.User, name, data string) {
	f.Helper()
	err := f.store.Update(context.Background(), func(tx *store.Tx) error {
		inbox, err := tx.Inbox(u.ID)
		if err != nil {
			return err
		}
		return tx.PutObject(&store.Object{
			CalendarID: inbox.ID, Name: name, UID: "meeting", Component: "VEVENT", Data: []byte(data), ETag: "etag-" + name,
		})
	})
	if err != nil {
		f.Fatal(err)
	}
}

// message makes an iTIP message of an event.
func message(method string, lines ...string) string {
	return strings.Replace(event("meeting", lines...), "VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:"+method+"\r\n", 1)
}

func TestInboxCollection(t *testing.T) {
	f := newFixture(t)
	request := message("REQUEST", "ORGANIZER:mailto:boris@example.org", "ATTENDEE:mailto:anna@example.org", "SUMMARY:Plans")
	f.deliver(f.anna, "one.ics", request)
	item := annaInbox + "one.ics"

	fds := f.do("PROPFIND", annaInbox, propfindBody("D:resourcetype", "D:getetag", "D:getcontenttype", "C:schedule-tag", "CS:getctag"), "Depth: 1").multi()
	if len(fds) != 2 || fds[0].href != annaInbox || fds[1].href != item {
		t.Fatalf("members: %+v", fds)
	}
	if got := types(t, fds[0]); got != "collection schedule-inbox" {
		t.Errorf("resourcetype of the inbox: %s", got)
	}
	if rt, ok := fds[1].ok["{DAV:}resourcetype"]; !ok || rt != "" {
		t.Errorf("resourcetype of a message: %q", rt)
	}
	wantProp(t, fds[1], "{DAV:}getetag", `"etag-one.ics"`)
	wantProp(t, fds[1], "{DAV:}getcontenttype", "text/calendar")
	if fds[1].other["{"+nsCal+"}schedule-tag"] != http.StatusNotFound {
		t.Errorf("a message is no scheduling object: %+v", fds[1])
	}
	if n := len(f.do("PROPFIND", annaInbox, propfindBody("D:getetag"), "Depth: 0").multi()); n != 1 {
		t.Errorf("depth 0: %d responses", n)
	}
	fd := f.do("PROPFIND", item, "").one()
	for _, name := range []string{"getetag", "getcontentlength", "getlastmodified", "creationdate"} {
		if _, ok := fd.ok["{DAV:}"+name]; !ok {
			t.Errorf("a message lacks %s", name)
		}
	}
	f.do("PROPFIND", item+"/", "", "Depth: 0").want(http.StatusNotFound)

	a := f.do("GET", item, "").want(http.StatusOK)
	if a.body != request || a.header.Get("ETag") != `"etag-one.ics"` || a.header.Get("Schedule-Tag") != "" {
		t.Errorf("GET: %v\n%s", a.header, a.body)
	}
	if head := f.do("HEAD", item, "").want(http.StatusOK); head.body != "" || head.header.Get("Content-Length") != strconv.Itoa(len(request)) {
		t.Errorf("HEAD: %v", head.header)
	}
	f.do("GET", item, "", `If-None-Match: "etag-one.ics"`).want(http.StatusNotModified)
	f.do("GET", annaInbox, "").want(http.StatusOK).contains("CalDAV")
	f.as("boris@example.org", "demo", "GET", item, "").condition(http.StatusForbidden, nsDAV, "need-privileges")
	f.as("boris@example.org", "demo", "GET", "/calendars/boris@example.org/inbox/one.ics", "").want(http.StatusNotFound)
	if allow := f.do("OPTIONS", item, "").header.Get("Allow"); allow != "DELETE, GET, HEAD, OPTIONS, PROPFIND, PROPPATCH, REPORT" {
		t.Errorf("Allow of a message: %s", allow)
	}
	if allow := f.do("OPTIONS", annaInbox+"none.ics", "").header.Get("Allow"); allow != "OPTIONS" {
		t.Errorf("Allow of no message: %s", allow)
	}

	f.do("DELETE", item, "", `If-Match: "other"`).want(http.StatusPreconditionFailed)
	f.do("DELETE", item, "", "If-None-Match: *").want(http.StatusPreconditionFailed)
	f.do("DELETE", item, "", `If-Match: "etag-one.ics"`).want(http.StatusNoContent)
	f.do("DELETE", item, "").want(http.StatusNotFound)
	f.do("GET", item, "").want(http.StatusNotFound)
	f.do("DELETE", annaInbox, "").want(http.StatusMethodNotAllowed)
}

// TestInboxReports asks for messages in all ways that RFC 6638 §2.3 has, and RFC 6578.
func TestInboxReports(t *testing.T) {
	f := newFixture(t)
	f.deliver(f.anna, "request.ics", message("REQUEST", "DTSTART:20300601T100000Z", "DTEND:20300601T110000Z", "SUMMARY:Plans"))
	f.deliver(f.anna, "later.ics", message("REQUEST", "DTSTART:20310601T100000Z", "DTEND:20310601T110000Z", "SUMMARY:Later"))
	noStart := strings.NewReplacer("DTSTART:20300601T100000Z\r\n", "", "DTEND:20300601T110000Z\r\n", "").Replace(message("REPLY", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:boris@example.org"))
	f.deliver(f.anna, "reply.ics", noStart)
	f.put("own.ics", event("own"))

	multiget := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>` +
		`<D:href>` + annaInbox + `reply.ics</D:href><D:href>` + f.url + annaInbox + `reply.ics</D:href><D:href>` + annaInbox + `none.ics</D:href>` +
		`<D:href>` + annaCal + `own.ics</D:href></C:calendar-multiget>`
	fds := f.do("REPORT", annaInbox, multiget).multi()
	if len(fds) != 3 || fds[1].status != 404 || fds[2].status != 404 {
		t.Fatalf("multiget: %+v", fds)
	}
	wantProp(t, fds[0], "{"+nsCal+"}calendar-data", "METHOD:REPLY")
	if hrefs := f.do("REPORT", annaHome, multiget).multi(); len(hrefs) != 3 || hrefs[2].status != 0 {
		t.Errorf("multiget at home: %+v", hrefs)
	}

	during := func(comp string) string {
		return query(`<C:comp-filter name="` + comp + `"><C:time-range start="20300101T000000Z" end="20300701T000000Z"/></C:comp-filter>`)
	}
	if got, want := f.do("REPORT", annaInbox, during("VEVENT"), "Depth: 1").hrefs(), annaInbox+"request.ics "+annaInbox+"reply.ics"; got != want {
		t.Errorf("query: %s, want %s: what has no DTSTART always matches", got, want)
	}
	if got := f.do("REPORT", annaInbox, during("VTODO"), "Depth: 1").hrefs(); got != "" {
		t.Errorf("tasks: %s", got)
	}
	if got := len(f.do("REPORT", annaInbox, query(""), "Depth: 1").multi()); got != 3 {
		t.Errorf("all: %d", got)
	}
	expand := strings.Replace(during("VEVENT"), "<D:getetag/>", `<C:calendar-data><C:expand start="20300101T000000Z" end="20300701T000000Z"/></C:calendar-data>`, 1)
	f.do("REPORT", annaInbox, expand, "Depth: 1").contains("METHOD:REPLY", "PARTSTAT=ACCEPTED", "METHOD:REQUEST", "SUMMARY:Plans")
	f.do("REPORT", annaInbox, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="20300101T000000Z" end="20300701T000000Z"/></C:free-busy-query>`).
		condition(http.StatusForbidden, nsDAV, "supported-report")
	reports := f.do("PROPFIND", annaInbox, propfindBody("D:supported-report-set"), "Depth: 0").one().ok["{DAV:}supported-report-set"]
	for _, name := range []string{"sync-collection", "calendar-multiget", "calendar-query"} {
		if !strings.Contains(reports, name) {
			t.Errorf("supported-report-set lacks %s", name)
		}
	}
	// Nobody's calendar shows them.
	for _, body := range []string{query(""), during("VEVENT")} {
		f.do("REPORT", annaCal, body, "Depth: 1").lacks("inbox", "METHOD")
	}
}

// TestInboxSync begins before there is an inbox: a client's first token lasts.
func TestInboxSync(t *testing.T) {
	f := newFixture(t)
	state := func() (token, ctag string) {
		t.Helper()
		fd := f.do("PROPFIND", annaInbox, propfindBody("D:sync-token", "CS:getctag"), "Depth: 0").one()
		return fd.ok["{DAV:}sync-token"], fd.ok["{"+nsCS+"}getctag"]
	}
	sync := func(token string) *answer {
		t.Helper()
		return f.do("REPORT", annaInbox, syncBody(token, ""), "Depth: 1").want(http.StatusMultiStatus)
	}
	first := sync("").token()
	token, ctag := state()
	if token != first || ctag != first {
		t.Fatalf("an empty inbox has token %s, ctag %s, and syncs to %s", token, ctag, first)
	}
	// The row alone changes nothing.
	if err := f.store.Update(context.Background(), func(tx *store.Tx) error { _, err := tx.Inbox(f.anna.ID); return err }); err != nil {
		t.Fatal(err)
	}
	if again, ctag := state(); again != first || ctag != first {
		t.Errorf("token %s, ctag %s once there is a row; before it %s", again, ctag, first)
	}
	f.deliver(f.anna, "a.ics", message("REQUEST"))
	f.deliver(f.anna, "b.ics", message("CANCEL"))
	a := sync(first)
	if got := a.hrefs(); got != annaInbox+"a.ics "+annaInbox+"b.ics" {
		t.Errorf("since the first token: %q", got)
	}
	if _, ctag := state(); ctag == first || ctag != a.token() {
		t.Errorf("ctag %s after messages, token %s", ctag, a.token())
	}
	f.do("DELETE", annaInbox+"a.ics", "").want(http.StatusNoContent)
	if fd := sync(a.token()).one(); fd.href != annaInbox+"a.ics" || fd.status != http.StatusNotFound {
		t.Errorf("after a DELETE: %+v", fd)
	}
	if got := sync("").hrefs(); got != annaInbox+"b.ics" {
		t.Errorf("anew: %q", got)
	}
	limit := "<D:limit><D:nresults>1</D:nresults></D:limit>"
	f.deliver(f.anna, "c.ics", message("REQUEST"))
	f.do("REPORT", annaInbox, syncBody("", limit)).contains("number-of-matches-within-limits")

	// Others' tokens, a calendar's, those to come.
	borisToken := f.as("boris@example.org", "demo", "REPORT", "/calendars/boris@example.org/inbox/", syncBody("", limit), "Depth: 1").token()
	calToken := f.do("REPORT", annaCal, syncBody("", ""), "Depth: 1").token()
	for _, bad := range []string{borisToken, calToken, "other", tokenPrefix + "inbox/0", strings.TrimSuffix(first, "1") + "99"} {
		f.do("REPORT", annaInbox, syncBody(bad, "")).condition(http.StatusForbidden, nsDAV, "valid-sync-token")
	}
}

// TestInboxIsTheServers holds clients off: nothing is put there, and nothing takes it for a calendar.
func TestInboxIsTheServers(t *testing.T) {
	f := newFixture(t)
	f.deliver(f.anna, "one.ics", message("REQUEST"))
	f.put("a.ics", event("a"))
	for _, box := range []string{"inbox/", "outbox/"} {
		for _, name := range []string{"one.ics", "new.ics"} {
			to := annaHome + box + name
			f.do("PUT", to, event("x"), calendarType).condition(http.StatusForbidden, nsDAV, "need-privileges").contains("<D:bind", annaHome+box)
			f.do("MOVE", annaCal+"a.ics", "", "Destination: "+to).condition(http.StatusForbidden, nsDAV, "need-privileges").contains("<D:bind")
			f.do("COPY", annaCal+"a.ics", "", "Destination: "+to).condition(http.StatusForbidden, nsDAV, "need-privileges")
		}
		f.do("MKCALENDAR", annaHome+box+"cal/", "").condition(http.StatusForbidden, nsCal, "calendar-collection-location-ok")
		f.do("MKCALENDAR", annaHome+box, "").want(http.StatusMethodNotAllowed)
		f.do("MOVE", annaHome+box, "", "Destination: "+annaHome+"moved/").want(http.StatusMethodNotAllowed)
	}
	f.do("MOVE", annaInbox+"one.ics", "", "Destination: "+annaCal+"one.ics").want(http.StatusMethodNotAllowed)
	f.do("GET", annaHome+"outbox/one.ics", "").want(http.StatusNotFound)
	f.do("GET", annaCal+"a.ics", "").want(http.StatusOK)
	if got := f.do("GET", annaInbox+"one.ics", "").want(http.StatusOK).body; got != message("REQUEST") {
		t.Errorf("the message is now\n%s", got)
	}
	if fd := f.do("PROPPATCH", annaInbox+"one.ics", patch("<D:displayname>1</D:displayname>", "")).one(); fd.other["{DAV:}displayname"] != http.StatusForbidden {
		t.Errorf("a message took a name: %+v", fd)
	}

	want := map[string]string{annaHome: "collection", annaCal: "collection calendar", annaInbox: "collection schedule-inbox", annaHome + "outbox/": "collection schedule-outbox"}
	fds := f.do("PROPFIND", annaHome, propfindBody("D:resourcetype"), "Depth: 1").multi()
	for _, fd := range fds {
		if got := types(t, fd); got != want[fd.href] {
			t.Errorf("%s has resourcetype %s, want %s", fd.href, got, want[fd.href])
		}
	}
	if len(fds) != len(want) {
		t.Errorf("%d responses, want %d", len(fds), len(want))
	}
}

// types lists the names in a resourcetype.
func types(t *testing.T, fd found) string {
	t.Helper()
	root, err := parseXML([]byte("<x>" + fd.ok["{DAV:}resourcetype"] + "</x>"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range root.children() {
		names = append(names, c.name.Local)
	}
	return strings.Join(names, " ")
}

func TestSchedulingPrivileges(t *testing.T) {
	f := newFixture(t)
	privileges := func(path, property string) map[string]bool {
		t.Helper()
		a := f.do("PROPFIND", path, propfindBody(property), "Depth: 0").want(http.StatusMultiStatus)
		has := map[string]bool{}
		var walk func(e *element)
		walk = func(e *element) {
			if e.is(nsDAV, "privilege") {
				if n := len(e.children()); n != 1 {
					t.Errorf("%s: %d names in one privilege", path, n)
				}
				has[e.children()[0].name.Local] = true
			}
			for _, c := range e.children() {
				walk(c)
			}
		}
		walk(a.xml())
		return has
	}
	inbox := []string{"schedule-deliver", "schedule-deliver-invite", "schedule-deliver-reply", "schedule-query-freebusy"}
	outbox := []string{"schedule-send", "schedule-send-invite", "schedule-send-reply", "schedule-send-freebusy"}
	for path, want := range map[string][]string{annaInbox: append(inbox, "unbind", "write-properties"), annaHome + "outbox/": outbox} {
		has := privileges(path, "D:current-user-privilege-set")
		for _, name := range want {
			if !has[name] {
				t.Errorf("%s lacks %s", path, name)
			}
		}
		if has["bind"] || has["write"] || has["write-content"] || has["all"] {
			t.Errorf("%s: clients may write: %v", path, has)
		}
		supported := privileges(path, "D:supported-privilege-set")
		for _, name := range append(inbox, outbox...) {
			if !supported[name] {
				t.Errorf("%s does not know %s", path, name)
			}
		}
	}
	fd := f.do("PROPFIND", annaHome+"outbox/", propfindBody("C:supported-calendar-component-set"), "Depth: 0").one()
	if set := fd.ok["{"+nsCal+"}supported-calendar-component-set"]; !strings.Contains(set, "VFREEBUSY") || strings.Contains(set, "VEVENT") {
		t.Errorf("the outbox takes %s", set)
	}
	f.deliver(f.anna, "one.ics", message("REQUEST"))
	if has := privileges(annaInbox+"one.ics", "D:current-user-privilege-set"); !has["read"] || has["write"] || has["write-content"] {
		t.Errorf("a message: %v", has)
	}
}

// TestBusyInbox: messages take no time, events do once they stand in a calendar.
func TestBusyInbox(t *testing.T) {
	f := newFixture(t)
	f.deliver(f.anna, "one.ics", message("REQUEST", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z"))
	if got := f.busy("mailto:anna@example.org", "20300110"); got != "" {
		t.Errorf("a message takes time: %s", got)
	}
	f.put("one.ics", event("meeting", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z"))
	if got := f.busy("mailto:anna@example.org", "20300110"); got != "FREEBUSY:20300110T100000Z/20300110T110000Z" {
		t.Errorf("the event takes %q", got)
	}
}
