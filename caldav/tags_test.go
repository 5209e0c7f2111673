package caldav

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"joinery/store"
)

// TestTags asks for tags alone, which are read from an index, and for them beside another property,
// for which the objects are read: both answers say the same.
func TestTags(t *testing.T) {
	f := newFixture(t)
	for i, name := range []string{"plain.ics", "sp ace.ics", "a&b<c>.ics", "ünï@x.ics", "50%.ics", "gone.ics"} {
		f.put(url.PathEscape(name), event(fmt.Sprint("tags", i)))
	}
	f.do("PUT", annaCal+"todo.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\nUID:todo\r\n"+
		"DTSTAMP:20300101T000000Z\r\nEND:VTODO\r\nEND:VCALENDAR\r\n", calendarType).want(http.StatusCreated)
	token := f.do("REPORT", annaCal, syncBody("", "")).token()
	f.do("PUT", annaCal+"plain.ics", event("tags0", "SUMMARY:changed"), calendarType).want(http.StatusNoContent)
	f.do("PUT", annaCal+"50%25.ics", event("tags4", "SUMMARY:changed"), calendarType).want(http.StatusNoContent)
	f.do("DELETE", annaCal+"gone.ics", "").want(http.StatusNoContent)
	const asked = "<D:getetag/><D:resourcetype/><D:getcontenttype/>"
	find := `<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop>` + asked + `</D:prop></D:propfind>`
	for what, ask := range map[string]func(more string) *answer{
		"first synchronisation": func(more string) *answer {
			return f.do("REPORT", annaCal, strings.Replace(syncBody("", ""), "<D:getetag/>", asked+more, 1))
		},
		"changes": func(more string) *answer {
			return f.do("REPORT", annaCal, strings.Replace(syncBody(token, ""), "<D:getetag/>", asked+more, 1))
		},
		"listing": func(more string) *answer {
			return f.do("PROPFIND", annaCal, strings.Replace(find, asked, asked+more, 1), "Depth: 1")
		},
	} {
		members := func(a *answer) map[string]string {
			m := map[string]string{}
			for _, fd := range a.want(http.StatusMultiStatus).multi() {
				delete(fd.ok, "{DAV:}creationdate")
				if fd.href != annaCal {
					m[fd.href] = fmt.Sprint(fd.status, fd.ok)
				}
			}
			return m
		}
		got, want := members(ask("")), members(ask("<D:creationdate/>"))
		if !maps.Equal(got, want) || len(got) < 3 {
			t.Errorf("%s: got\n%v\nwant\n%v", what, got, want)
		}
	}
}

// TestTagsInPages lists more members than are read at once, also while some of them change: each is named
// once, and those that changed once more with the next synchronisation.
func TestTagsInPages(t *testing.T) {
	f := newFixture(t)
	const n = 2*tagPage + 1
	c := f.calendar()
	err := f.store.Update(t.Context(), func(tx *store.Tx) (err error) {
		for i := 0; i < n && err == nil; i++ {
			err = tx.PutObject(&store.Object{CalendarID: c.ID, Name: fmt.Sprint(i), UID: fmt.Sprint(i), Component: "VEVENT", ETag: fmt.Sprint(i), Data: []byte("x")})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list := func(a *answer) *answer {
		t.Helper()
		names := map[string]int{}
		for _, fd := range a.multi() {
			if names[fd.href]++; names[fd.href] > 1 {
				t.Errorf("%s is named again", fd.href)
			}
		}
		if len(names) != n {
			t.Errorf("%d members, want %d", len(names), n)
		}
		return a
	}
	list(f.do("REPORT", annaCal, syncBody("", "")))
	m := &meddler{ResponseRecorder: httptest.NewRecorder()}
	m.meddle = func() {
		for _, name := range []string{"5", fmt.Sprint(n - 5)} { // of the first page and of the last
			f.do("PUT", annaCal+name, event(name), calendarType).want(http.StatusNoContent)
		}
	}
	req := httptest.NewRequest("REPORT", annaCal, strings.NewReader(syncBody("", "")))
	req.SetBasicAuth("anna@example.org", "demo")
	f.handler.ServeHTTP(m, req)
	token := list(&answer{t, "while some change", m.Code, m.Header(), m.Body.String()}).token()
	if got, want := f.do("REPORT", annaCal, syncBody(token, "")).hrefs(), fmt.Sprint(annaCal, "5 ", annaCal, n-5); got != want {
		t.Errorf("then changed: %s, want %s", got, want)
	}
}

// What else is asked needs the objects.
func TestTagsOnly(t *testing.T) {
	q := &request{}
	calendar := &resource{kind: kindCalendar, user: &store.User{Login: "anna"}, cal: &store.Calendar{Slug: "calendar"}}
	for _, tt := range []struct {
		of   *resource
		pq   propQuery
		want bool
	}{
		{calendar, propQuery{names: []xml.Name{dav("getetag")}}, true},
		{calendar, propQuery{}, false},
		{calendar, propQuery{allprop: true, names: []xml.Name{dav("getetag")}}, false},
		{calendar, propQuery{names: []xml.Name{dav("getetag")}, data: &calendarData{}}, false},
		{calendar, propQuery{names: []xml.Name{dav("getetag"), cal("schedule-tag")}}, false},
		{&resource{kind: kindHome, user: &store.User{}}, propQuery{names: []xml.Name{dav("getetag")}}, false},
	} {
		if got := q.tagList(nil, tt.of, &tt.pq) != nil; got != tt.want {
			t.Errorf("%+v: got %t, want %t", tt.pq, got, tt.want)
		}
	}
}
