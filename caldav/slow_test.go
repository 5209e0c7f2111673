package caldav

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

// fill stores n events of anna's, each with a description of that size, past HTTP.
func (f *fixture) fill(n, size int) {
	f.Helper()
	text := strings.Repeat("x", size)
	err := f.store.Update(context.Background(), func(tx *store.Tx) error {
		c, err := tx.CalendarBySlug(f.anna.ID, DefaultCalendar)
		if err != nil {
			return err
		}
		for i := range n {
			uid := fmt.Sprintf("%03d", i)
			o := &store.Object{CalendarID: c.ID, Name: uid + ".ics", UID: uid, Component: "VEVENT", ETag: "e" + uid,
				Data: []byte(event(uid, "DESCRIPTION:"+text))}
			if err := tx.PutObject(o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

// TestSlowReaders has more clients ask for much and read nothing than the store has readers: a save
// of another user goes through at once.
func TestSlowReaders(t *testing.T) {
	multiget := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>`
	for i := range 24 {
		multiget += fmt.Sprintf("<D:href>%s%03d.ics</D:href>", annaCal, i)
	}
	multiget += "</C:calendar-multiget>"
	withData := func(body string) string { return strings.Replace(body, "<D:getetag/>", "<C:calendar-data/>", 1) }
	for _, tt := range []struct{ name, body string }{
		{"first sync", withData(syncBody("", ""))},
		{"changes", withData(syncBody(tokenPrefix+"1/1", ""))},
		{"query", withData(query(""))},
		{"multiget", multiget},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.fill(24, 900_000)
			for range 12 { // the store has 8 readers
				f.ask("REPORT", annaCal, tt.body)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "PUT", f.url+"/calendars/boris@example.org/calendar/b.ics", strings.NewReader(event("b")))
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth("boris@example.org", "demo")
			req.Header.Set("Content-Type", "text/calendar")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatalf("a save beside clients that do not read: %v", err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusCreated {
				t.Errorf("a save beside clients that do not read: %s", resp.Status)
			}
		})
	}
}

// ask sends a request as anna and waits for the first byte of the answer; the rest is never read.
func (f *fixture) ask(method, path, body string) {
	f.Helper()
	req, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	req.SetBasicAuth("anna@example.org", "demo")
	conn, err := net.Dial("tcp", req.URL.Host)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		f.Fatal(err)
	}
	if err := req.Write(conn); err != nil {
		f.Fatal(err)
	}
	// Where the server lacks readers already, no answer begins: that is for the save to find out.
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = conn.Read(make([]byte, 1))
}

// TestPagesOfLongObjects writes answers into which nothing, or little, of much that is read gets:
// their pages end by what was read, so that no reader of the store is kept for all of it.
func TestPagesOfLongObjects(t *testing.T) {
	const n, size = 12, 400_000
	f := newFixture(t)
	f.fill(n, size)
	r := httptest.NewRequest("REPORT", annaCal, nil)
	q := &request{Server: f.handler, w: &response{ResponseWriter: httptest.NewRecorder()}, r: r, user: f.anna, until: time.Now().Add(maxAnswer)}
	var err error
	if q.place, err = parsePath(annaCal); err != nil {
		t.Fatal(err)
	}
	var l, first syncList
	var members []member
	err = f.store.View(r.Context(), func(tx *store.Tx) (err error) {
		if first, err = q.listChanges(tx, "", 0); err != nil {
			return err
		}
		if members, err = q.members(tx, first.res); err != nil {
			return err
		}
		l, err = q.listChanges(tx, tokenAt(first.res.cal, 1), 0)
		return err
	})
	if err != nil || len(members) != n || len(l.changes) < n-1 {
		t.Fatalf("%d members, %d changes, error %v", len(members), len(l.changes), err)
	}
	var hrefs []namedHref
	for i := range n {
		p := place{kind: kindObject, login: q.place.login, slug: q.place.slug, name: fmt.Sprintf("%03d.ics", i)}
		hrefs = append(hrefs, namedHref{annaCal + p.name, p})
	}
	pq := &propQuery{names: []xml.Name{dav("getcontentlength")}, report: true}
	for name, write := range map[string]func(ms *multistatus) error{
		"query": func(ms *multistatus) error {
			return q.writeMembers(ms, l.res, members, pq, func(*resource) bool { return false })
		},
		"members":  func(ms *multistatus) error { return q.writeMembers(ms, l.res, members, pq, nil) },
		"changes":  func(ms *multistatus) error { return q.writeChanges(ms, l.res, l.changes, pq) },
		"multiget": func(ms *multistatus) error { return q.writeNamed(ms, first.res, hrefs, pq) },
	} {
		ms := q.startMultistatus()
		if err := write(ms); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ms.read < size || ms.read > pageRead+size+1000 {
			t.Errorf("%s: the last page read %d bytes, want some %d to %d", name, ms.read, size, pageRead+size)
		}
	}
}

// A meddler is an answer on whose first bytes something else happens; it notes its deadlines.
type meddler struct {
	*httptest.ResponseRecorder
	meddle    func()
	deadlines []time.Time
}

func (m *meddler) Write(b []byte) (int, error) {
	if f := m.meddle; f != nil {
		m.meddle = nil
		f()
	}
	return m.ResponseRecorder.Write(b)
}

func (m *meddler) SetWriteDeadline(t time.Time) error {
	m.deadlines = append(m.deadlines, t)
	return nil
}

// TestChangesBetweenPages has a calendar change while its first synchronisation is being sent: with
// the next one the client has what there is, and nothing else.
func TestChangesBetweenPages(t *testing.T) {
	f := newFixture(t)
	f.fill(60, 30_000)
	m := &meddler{ResponseRecorder: httptest.NewRecorder()}
	m.meddle = func() {
		f.do("DELETE", annaCal+"000.ics", "").want(http.StatusNoContent)
		f.do("DELETE", annaCal+"050.ics", "").want(http.StatusNoContent)
		f.do("PUT", annaCal+"001.ics", event("001", "SUMMARY:changed"), calendarType).want(http.StatusNoContent)
		f.do("PUT", annaCal+"051.ics", event("051", "SUMMARY:changed"), calendarType).want(http.StatusNoContent)
		f.do("MOVE", annaCal+"052.ics", "", "Destination: "+annaCal+"0.ics").want(http.StatusCreated)
		f.do("MOVE", annaCal+"002.ics", "", "Destination: "+annaCal+"999.ics").want(http.StatusCreated)
		f.do("MKCALENDAR", annaHome+"other/", "").want(http.StatusCreated)
		f.do("MOVE", annaCal+"053.ics", "", "Destination: "+annaHome+"other/053.ics").want(http.StatusCreated)
		f.put("new.ics", event("new"))
	}
	body := strings.Replace(syncBody("", ""), "<D:getetag/>", "<D:getetag/><C:calendar-data/>", 1)
	req := httptest.NewRequest("REPORT", annaCal, strings.NewReader(body))
	req.SetBasicAuth("anna@example.org", "demo")
	f.handler.ServeHTTP(m, req)
	if m.meddle != nil {
		t.Fatal("nothing was sent before the end")
	}
	has := map[string]string{}
	tell := func(a *answer) {
		for _, fd := range a.multi() {
			if fd.status == http.StatusNotFound {
				delete(has, fd.href)
			} else {
				has[fd.href] = fd.ok["{DAV:}getetag"]
			}
		}
	}
	first := &answer{t, "first", m.Code, m.Header(), m.Body.String()}
	tell(first)
	if has[annaCal+"053.ics"] != "" || has[annaHome+"other/053.ics"] != "" {
		t.Error("what was moved to another calendar is told of")
	}
	tell(f.do("REPORT", annaCal, syncBody(first.token(), "")))
	got := has
	has = map[string]string{}
	tell(f.do("REPORT", annaCal, syncBody("", "")))
	if !maps.Equal(got, has) || len(has) != 58 {
		t.Errorf("in the end the client has %d members:\n%v\nwant %d:\n%v", len(got), got, len(has), has)
	}
}

// TestDeadlines holds an answer to its end however often a client takes a piece of it.
func TestDeadlines(t *testing.T) {
	f := newFixture(t)
	f.fill(60, 30_000)
	m := &meddler{ResponseRecorder: httptest.NewRecorder()}
	req := httptest.NewRequest("REPORT", annaCal, strings.NewReader(strings.Replace(syncBody("", ""), "<D:getetag/>", "<C:calendar-data/>", 1)))
	req.SetBasicAuth("anna@example.org", "demo")
	f.handler.ServeHTTP(m, req)
	if len(m.deadlines) < 60*30_000/piece {
		t.Errorf("%d deadlines for %d bytes", len(m.deadlines), m.Body.Len())
	}
	for i, d := range m.deadlines {
		limit := maxStall
		if i == 0 {
			limit = maxAnswer
		}
		if left := time.Until(d); left > limit || left < limit-10*time.Second {
			t.Errorf("deadline %d is in %v, want at most %v", i, left, limit)
		}
	}
	q := &request{w: &response{ResponseWriter: m}, until: time.Now().Add(maxStall / 2)}
	q.answerBy(time.Now().Add(maxStall))
	if last := m.deadlines[len(m.deadlines)-1]; !last.Equal(q.until) {
		t.Errorf("the last piece may take until %v, want %v", last, q.until)
	}
}
