package caldav

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestTurns has a principal do as much at once as may be: further queries of the same one wait, those
// of others and what takes no time do not.
func TestTurns(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	f.put("b.ics", event("b", "DTSTART:20300110T100000Z", "DTEND:20300110T110000Z", "RRULE:FREQ=DAILY;COUNT=1"))
	turns := f.handler.turns
	var leave [maxTurns]func()
	for i := range leave {
		var err error
		if leave[i], err = turns.take(t.Context(), f.anna.ID); err != nil {
			t.Fatal(err)
		}
	}
	filtered := query(`<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"/></C:comp-filter>`)
	multiget := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop><D:href>` + annaCal + `a.ics</D:href></C:calendar-multiget>`
	during := `<C:time-range start="20300101T000000Z" end="20310101T000000Z"/>`
	waiting := []struct{ method, path, body string }{
		{"REPORT", annaCal, filtered},
		{"REPORT", annaCal, strings.Replace(multiget, "<C:calendar-data/>", "<C:calendar-data>"+strings.Replace(during, "time-range", "expand", 1)+"</C:calendar-data>", 1)},
		{"REPORT", annaCal, `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">` + during + `</C:free-busy-query>`},
		{"POST", annaHome + "outbox/", busyRequestText("anna@example.org", "ATTENDEE:mailto:anna@example.org")},
	}
	answers := make(chan *httptest.ResponseRecorder, len(waiting))
	ask := func(ctx context.Context, method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		r.SetBasicAuth("anna@example.org", "demo")
		r.Header.Set("Content-Type", "text/calendar")
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		return w
	}
	for _, a := range waiting {
		go func() { answers <- ask(t.Context(), a.method, a.path, a.body) }()
	}
	select {
	case w := <-answers:
		t.Fatalf("answered out of turn: %d\n%s", w.Code, w.Body)
	case <-time.After(200 * time.Millisecond):
	}
	f.as("boris@example.org", "demo", "REPORT", "/calendars/boris@example.org/calendar/", filtered).want(http.StatusMultiStatus)
	f.do("REPORT", annaCal, multiget).want(http.StatusMultiStatus)
	f.do("REPORT", annaCal, syncBody("", "")).want(http.StatusMultiStatus)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := turns.take(ctx, f.anna.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a turn that was given up: %v", err)
	}
	leave[0]()
	leave[0]() // the second time it is somebody else's
	for range waiting {
		select {
		case w := <-answers:
			if w.Code != http.StatusMultiStatus && w.Code != http.StatusOK {
				t.Errorf("got %d\n%s", w.Code, w.Body)
			}
		case <-time.After(time.Minute):
			t.Fatal("a request had no turn")
		}
	}
	leave[1]()
	turns.mu.Lock()
	defer turns.mu.Unlock()
	if len(turns.by) != 0 {
		t.Errorf("%d principals are remembered", len(turns.by))
	}
}
