package caldav

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"joinery/caldav/change"
)

const calendarType = "Content-Type: text/calendar; charset=utf-8"

func TestObjectLife(t *testing.T) {
	f := newFixture(t)
	path := annaCal + "one.ics"
	body := event("one", "X-UNKNOWN;A=b:kept  ", "SUMMARY:Ж & <b>")
	a := f.do("PUT", path, body, calendarType, "If-None-Match: *").want(http.StatusCreated)
	tag := a.header.Get("ETag")
	if tag == "" || !strings.HasPrefix(tag, `"`) || a.header.Get("Last-Modified") == "" {
		t.Fatalf("bytes were kept as sent, so an ETag is due: %v", a.header)
	}
	if a.header.Get("Location") != "" {
		t.Errorf("Location says what the client knows: %s", a.header.Get("Location"))
	}

	a = f.do("GET", path, "").want(http.StatusOK)
	if a.body != body {
		t.Errorf("got %q, want the bytes that were sent", a.body)
	}
	if got, want := a.header.Get("Content-Type"), "text/calendar; charset=utf-8; component=VEVENT"; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
	if a.header.Get("ETag") != tag {
		t.Errorf("ETag %s, want %s", a.header.Get("ETag"), tag)
	}
	head := f.do("HEAD", path, "").want(http.StatusOK)
	if head.body != "" || head.header.Get("Content-Length") == "" {
		t.Errorf("HEAD: %q, %v", head.body, head.header)
	}
	f.do("GET", path, "", "If-None-Match: W/"+tag).want(http.StatusNotModified)
	f.do("GET", path, "", `If-None-Match: "other", `+tag).want(http.StatusNotModified)
	f.do("GET", path, "", `If-None-Match: "other"`).want(http.StatusOK)
	f.do("GET", path, "", "If-Modified-Since: "+a.header.Get("Last-Modified")).want(http.StatusNotModified)
	f.do("GET", annaCal+"none.ics", "").want(http.StatusNotFound)

	changed := strings.Replace(body, "Ж", "Щ", 1)
	a = f.do("PUT", path, changed, calendarType, "If-Match: "+tag).want(http.StatusNoContent)
	if next := a.header.Get("ETag"); next == "" || next == tag {
		t.Errorf("ETag after a change: %q, before it %q", next, tag)
	}
	a = f.do("PUT", path, body, calendarType, "Prefer: return=representation").want(http.StatusOK)
	if a.body != body || a.header.Get("ETag") == "" || a.header.Get("Preference-Applied") != "return=representation" {
		t.Errorf("representation: %q %v", a.body, a.header)
	}
	f.do("DELETE", path, "").want(http.StatusNoContent)
	f.do("GET", path, "").want(http.StatusNotFound)
}

func TestConditions(t *testing.T) {
	f := newFixture(t)
	const (
		there = annaCal + "there.ics"
		none  = annaCal + "none.ics"
	)
	tag := f.put("there.ics", event("there")).header.Get("ETag")
	tests := []struct {
		method, path, header string
		want                 int
	}{
		{"PUT", there, "If-None-Match: *", 412},
		{"PUT", there, "If-None-Match: " + tag, 412},
		{"PUT", there, `If-Match: "other"`, 412},
		{"PUT", there, "If-Match: W/" + tag, 412},
		{"PUT", none, "If-Match: " + tag, 412},
		{"PUT", none, "If-Match: *", 412},
		{"PUT", there, `If-Match: "*"`, 412},
		{"PUT", there, `If-Match: ""`, 412},
		{"PUT", there, `If-Schedule-Tag-Match: "other"`, 412},
		{"DELETE", there, `If-Match: "other"`, 412},
		{"DELETE", none, "", 404},
		{"DELETE", none, "If-Match: *", 404}, // RFC 9110 §13.2.1: what is refused without them does not come to the conditions
		{"MOVE", none, "If-Match: " + tag, 404},
		{"COPY", none, "If-Match: " + tag, 404},
		{"PROPPATCH", none, "If-Match: " + tag, 404},
		{"PROPPATCH", there, `If-Match: "other"`, 412},
		{"PROPPATCH", there, "If-None-Match: *", 412},
		{"GET", there, `If-Match: "other"`, 412},
		{"MOVE", there, `If-Match: "other"`, 412},
		{"COPY", there, `If-Match: "other"`, 412},
		{"PUT", there, `If-Match: "other", ` + tag, 204},
		{"PUT", there, "If-Match: *", 204},
		{"GET", there, "If-Match: *", 200},
		{"DELETE", there, "If-Match: *", 204},
	}
	for _, tt := range tests {
		body, headers := "", []string{tt.header}
		switch tt.method {
		case "PUT":
			body, headers = event("there"), append(headers, calendarType)
		case "PROPPATCH":
			body = patch("<x:y xmlns:x='x:'>z</x:y>", "")
		case "MOVE", "COPY":
			headers = append(headers, "Destination: "+annaCal+"elsewhere.ics")
		}
		if tt.header == "" {
			headers = headers[1:]
		}
		if a := f.do(tt.method, tt.path, body, headers...); a.status != tt.want {
			t.Errorf("%s %s with %s: %d, want %d", tt.method, tt.path, tt.header, a.status, tt.want)
		}
	}
}

func TestParseTags(t *testing.T) {
	for in, want := range map[string][]entityTag{
		`"a"`:              {{"a", false}},
		`W/"a", "b,c"`:     {{"a", true}, {"b,c", false}},
		`*`:                {{"*", false}},
		`bare`:             {{"bare", false}},
		`"open`:            nil,
		`, ,"a" , , "b"`:   {{"a", false}, {"b", false}},
		"":                 nil,
		`"a" garbage, "b"`: {{"a", false}, {"garbage", false}, {"b", false}},
	} {
		got := parseTags([]string{in})
		if len(got) != len(want) {
			t.Errorf("%q: %v, want %v", in, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q: %v, want %v", in, got, want)
			}
		}
	}
}

// TestPutPreconditions goes through what RFC 4791 §5.3.2.1 and RFC 6638 §3.2.4 name.
func TestPutPreconditions(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.MaxSize = 20_000 })
	f.put("first.ics", event("first"))
	f.do("MKCALENDAR", annaHome+"tasks/", `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
		<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`).want(http.StatusCreated)
	people := strings.Repeat("ATTENDEE:mailto:x@example.org\r\n", 51)
	tests := []struct {
		name, path, contentType, body, condition string
	}{
		{"not iCalendar", annaCal + "x.ics", "text/calendar", "hello", "valid-calendar-data"},
		{"nothing", annaCal + "x.ics", "text/calendar", "", "valid-calendar-data"},
		{"malformed parameter", annaCal + "x.ics", "text/calendar", event("x", `ATTENDEE;CN="a"b:mailto:x@example.org`), "valid-calendar-data"},
		{"no colon", annaCal + "x.ics", "text/calendar", event("x", "DTEND;TZID=Europe/Paris"), "valid-calendar-data"},
		{"another type", annaCal + "x.ics", "application/json", event("x"), "supported-calendar-data"},
		{"another charset", annaCal + "x.ics", "text/calendar; charset=utf-16", event("x"), "supported-calendar-data"},
		{"METHOD", annaCal + "x.ics", "text/calendar", strings.Replace(event("x"), "VERSION", "METHOD:REQUEST\r\nVERSION", 1), "valid-calendar-object-resource"},
		{"no UID", annaCal + "x.ics", "text/calendar", strings.Replace(event("x"), "UID:x\r\n", "", 1), "valid-calendar-object-resource"},
		{"two UIDs", annaCal + "x.ics", "text/calendar", strings.Replace(event("x"), "END:VEVENT\r\n", "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:y\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20300101T000000Z\r\nEND:VEVENT\r\n", 1), "valid-calendar-object-resource"},
		{"component of no calendar", annaCal + "x.ics", "text/calendar", strings.ReplaceAll(event("x"), "VEVENT", "VPOLL"), "supported-calendar-component"},
		{"component of another calendar", annaHome + "tasks/x.ics", "text/calendar", event("x"), "supported-calendar-component"},
		{"same UID", annaCal + "x.ics", "text/calendar", event("first"), "no-uid-conflict"},
		{"too large", annaCal + "x.ics", "text/calendar", event("x", "DESCRIPTION:"+strings.Repeat("long ", 5000)), "max-resource-size"},
		{"too many people", annaCal + "x.ics", "text/calendar", event("x", strings.TrimSuffix(people, "\r\n")), "max-attendees-per-instance"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := f.do("PUT", tt.path, tt.body, "Content-Type: "+tt.contentType)
			a.TB = t
			a.condition(http.StatusForbidden, nsCal, tt.condition)
			if tt.condition == "no-uid-conflict" {
				a.contains(annaCal + "first.ics")
			}
		})
	}
	if hrefs := f.do("PROPFIND", annaCal, propfindBody("D:getetag"), "Depth: 1").hrefs(); hrefs != annaCal+" "+annaCal+"first.ics" {
		t.Errorf("something was stored: %s", hrefs)
	}
	f.do("PUT", annaCal+"untyped.ics", event("untyped")).want(http.StatusCreated)
	f.do("PUT", annaHome+"nowhere/x.ics", event("x"), calendarType).want(http.StatusConflict)
	f.do("PUT", annaCal+"range.ics", event("range"), calendarType, "Content-Range: bytes 0-3/10").want(http.StatusBadRequest)
	f.do("PUT", annaCal+"zip.ics", event("zip"), calendarType, "Content-Encoding: gzip").want(http.StatusUnsupportedMediaType)
	for _, path := range []string{annaCal, annaHome, "/", annaHome + "inbox/"} {
		a := f.do("PUT", path, event("x"), calendarType).want(http.StatusMethodNotAllowed)
		if allow := a.header.Get("Allow"); allow == "" || strings.Contains(allow, "PUT") {
			t.Errorf("PUT %s: Allow %q", path, allow)
		}
	}
	f.do("POST", annaCal, event("x"), calendarType).want(http.StatusMethodNotAllowed)
}

func TestMoveAndCopy(t *testing.T) {
	f := newFixture(t)
	f.do("MKCALENDAR", annaHome+"work/", "").want(http.StatusCreated)
	f.put("a.ics", event("a"))
	f.put("b.ics", event("b"))
	from := annaCal + "a.ics"
	dest := func(s string) string { return "Destination: " + s }
	tests := []struct {
		name, method, from string
		headers            []string
		want               int
	}{
		{"no destination", "MOVE", from, nil, 400},
		{"another host", "MOVE", from, []string{dest("http://elsewhere.example/calendars/anna@example.org/work/a.ics")}, 502},
		{"somebody else's", "MOVE", from, []string{dest("/calendars/boris@example.org/calendar/a.ics")}, 403},
		{"nobody's", "COPY", from, []string{dest("/calendars/nobody/calendar/a.ics")}, 403},
		{"no such calendar", "MOVE", from, []string{dest(annaHome + "nowhere/a.ics")}, 409},
		{"out of all calendars", "MOVE", from, []string{dest(annaHome + "a.ics")}, 403},
		{"onto itself", "MOVE", from, []string{dest(from)}, 403},
		{"onto itself, encoded", "COPY", from, []string{dest("/calendars/anna%40example.org/calendar/%61.ics")}, 403},
		{"dots", "MOVE", from, []string{dest(annaHome + "../boris@example.org/calendar/a.ics")}, 400},
		{"encoded dots", "MOVE", from, []string{dest(annaHome + "%2e%2e/x.ics")}, 400},
		{"no overwriting", "MOVE", from, []string{dest(annaCal + "b.ics"), "Overwrite: F"}, 412},
		{"no copying over", "COPY", from, []string{dest(annaCal + "b.ics"), "Overwrite: F"}, 412},
		{"nothing there", "MOVE", annaCal + "none.ics", []string{dest(annaHome + "work/a.ics")}, 404},
		{"a second UID", "COPY", from, []string{dest(annaCal + "copy.ics")}, 403},
		{"to the other calendar", "MOVE", from, []string{dest(f.url + annaHome + "work/a.ics")}, 201},
		{"and renamed", "MOVE", annaHome + "work/a.ics", []string{dest("https://cal.example.org" + annaHome + "work/%D0%B6%20c.ics")}, 201},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := f.do(tt.method, tt.from, "", tt.headers...)
			if a.status != tt.want {
				t.Errorf("%d, want %d: %s", a.status, tt.want, a.body)
			}
			if tt.name == "a second UID" && !strings.Contains(a.body, "no-uid-conflict") {
				t.Errorf("no no-uid-conflict in %s", a.body)
			}
		})
	}
	f.do("GET", from, "").want(http.StatusNotFound)
	f.do("GET", annaHome+"work/%D0%B6%20c.ics", "").want(http.StatusOK).contains("UID:a")
	if hrefs := f.do("PROPFIND", annaHome+"work/", propfindBody("D:getetag"), "Depth: 1").hrefs(); !strings.HasSuffix(hrefs, "work/%D0%B6%20c.ics") {
		t.Errorf("hrefs: %s", hrefs)
	}
}

// TestNames stores and finds objects under names that need encoding.
func TestNames(t *testing.T) {
	f := newFixture(t)
	for i, name := range []string{"a%20b.ics", "a%2Fb.ics", "at@sign.ics", "semi%3Bcolon.ics", "%D0%B6.ics", "100%25.ics", "%252F.ics", "q%3Fx.ics", "h%23x.ics", "plus+.ics"} {
		uid := "name" + string(rune('a'+i))
		f.do("PUT", annaCal+name, event(uid), calendarType).want(http.StatusCreated)
		f.do("GET", annaCal+name, "").want(http.StatusOK).contains("UID:" + uid)
		body := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><D:href>` +
			f.url + annaCal + name + `</D:href></C:calendar-multiget>`
		fd := f.do("REPORT", annaCal, body).one()
		wantProp(t, fd, "{DAV:}getetag", `"`)
		// What we give as href must lead there again.
		f.do("GET", fd.href, "").want(http.StatusOK).contains("UID:" + uid)
	}
}

// edited is a write path that has edited what it stored.
type edited struct{ Changes }

func (e edited) Put(ctx context.Context, r change.PutRequest) (change.Result, error) {
	res, err := e.Changes.Put(ctx, r)
	res.Changed, res.ScheduleTag = true, "tag-1"
	return res, err
}

// TestNoETagAfterEdits: RFC 4791 §5.3.4 takes an ETag in the answer for a promise that the bytes
// stand as they were sent.
func TestNoETagAfterEdits(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Changes = edited{o.Changes} })
	for _, status := range []int{http.StatusCreated, http.StatusNoContent} {
		h := f.do("PUT", annaCal+"a.ics", event("a"), calendarType).want(status).header
		if h.Get("ETag") != "" || h.Get("Last-Modified") != "" {
			t.Errorf("the bytes were changed, yet: %v", h)
		}
		if h.Get("Schedule-Tag") != `"tag-1"` {
			t.Errorf("Schedule-Tag: %q", h.Get("Schedule-Tag"))
		}
	}
	a := f.do("PUT", annaCal+"a.ics", event("a"), calendarType, "Prefer: return=representation").want(http.StatusOK)
	if get := f.do("GET", annaCal+"a.ics", ""); a.header.Get("ETag") != get.header.Get("ETag") || a.body != get.body {
		t.Errorf("the representation is not what stands there: %v %q", a.header, a.body)
	}
}
