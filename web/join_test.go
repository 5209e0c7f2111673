package web

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
)

const token = "s3cretS3CRETs3cret"

var joinNow = time.Date(2026, 1, 5, 8, 30, 0, 0, time.UTC)

func moscow(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// waitingDoor is half an hour before a meeting that opens a quarter of an hour before it begins.
func waitingDoor(t *testing.T) change.Door {
	return change.Door{
		State: change.DoorWaiting, Title: "Planning", Service: "MTS Link", Zone: moscow(t), Locale: "en",
		Start: joinNow.Add(30 * time.Minute), End: joinNow.Add(90 * time.Minute), Opens: joinNow.Add(15 * time.Minute),
	}
}

// An answered request, with the body's entities as people read them.
type answered struct {
	*http.Response
	raw, text string
}

// serve serves o to requests that do not follow redirects.
func serve(t *testing.T, o Options) func(method, path string, body io.Reader, header ...string) answered {
	t.Helper()
	o.Store, o.CalDAV = openStore(t), http.HandlerFunc(dav)
	if o.Now == nil {
		o.Now = func() time.Time { return joinNow }
	}
	s := httptest.NewServer(New(o))
	t.Cleanup(s.Close)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(method, path string, body io.Reader, header ...string) answered {
		t.Helper()
		r, err := http.NewRequest(method, s.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answered{response, string(raw), html.UnescapeString(string(raw))}
	}
}

// serveDoor serves d behind token.
func serveDoor(t *testing.T, d *change.Door) func(method, path string, body io.Reader, header ...string) answered {
	t.Helper()
	return serve(t, Options{Door: func(_ context.Context, asked string) (change.Door, bool, error) {
		return *d, asked == token, nil
	}})
}

func TestCatalogues(t *testing.T) {
	for _, c := range catalogues {
		v := reflect.ValueOf(*c)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			switch f := v.Field(i); {
			case f.Kind() == reflect.Array:
				for j := range f.Len() {
					if f.Index(j).String() == "" {
						t.Errorf("%s: %s[%d] is empty", c.Lang, name, j)
					}
				}
			case f.String() == "":
				t.Errorf("%s: %s is empty", c.Lang, name)
			}
		}
	}
}

func TestDoorStates(t *testing.T) {
	// What one of a state's pages says, and no other's.
	said := func(c *catalogue) map[change.DoorState][2]string {
		return map[change.DoorState][2]string{
			change.DoorWaiting:   {c.Waiting, c.WaitingText},
			change.DoorMaking:    {c.Making, c.MakingText},
			change.DoorRefused:   {c.Refused, c.RefusedText},
			change.DoorOver:      {c.Over, c.OverText},
			change.DoorCancelled: {c.Cancelled, c.CancelledText},
			change.DoorRemoved:   {c.Removed, c.RemovedText},
			change.DoorReplaced:  {c.Replaced, c.ReplacedText},
		}
	}
	d := waitingDoor(t)
	get := serveDoor(t, &d)
	for _, test := range []struct {
		state   change.DoorState
		status  int
		refresh string
		timed   bool // says when the meeting is
	}{
		{change.DoorWaiting, 200, "300", true},
		{change.DoorMaking, 200, "5", true},
		{change.DoorRefused, 200, "300", true},
		{change.DoorOver, 200, "", false},
		{change.DoorCancelled, 410, "", false},
		{change.DoorRemoved, 410, "", false},
		{change.DoorReplaced, 410, "", false},
	} {
		for _, c := range catalogues {
			d = waitingDoor(t)
			d.State, d.Problem, d.URL = test.state, "title", "https://rooms.example/7"
			got := get("GET", "/j/"+token, nil, "Accept-Language", c.Lang)
			if got.StatusCode != test.status || got.Header.Get("Refresh") != test.refresh {
				t.Errorf("%s in %s: %d, refresh %q; want %d, %q", test.state, c.Lang, got.StatusCode, got.Header.Get("Refresh"), test.status, test.refresh)
			}
			for state, words := range said(c) {
				for _, w := range words {
					if strings.Contains(got.text, w) != (state == test.state) {
						t.Errorf("%s in %s: %q is there: %t", test.state, c.Lang, w, state != test.state)
					}
				}
			}
			if !strings.Contains(got.text, "<h1 dir=\"auto\">Planning</h1>") || !strings.Contains(got.text, "MTS Link") ||
				!strings.Contains(got.text, `<html lang="`+c.Lang+`">`) || got.Header.Get("Content-Language") != c.Lang {
				t.Errorf("%s in %s lacks its title, service or language:\n%s", test.state, c.Lang, got.raw)
			}
			if strings.Contains(got.raw, "<time") != test.timed {
				t.Errorf("%s tells a time: %t", test.state, !test.timed)
			}
			if strings.Contains(got.raw, "rooms.example") != (test.state == change.DoorWaiting) {
				t.Errorf("%s leads to the room: %t", test.state, test.state != change.DoorWaiting)
			}
			reason := change.ReasonText("title", c.Lang)
			if strings.Contains(got.text, reason) != (test.state == change.DoorRefused) {
				t.Errorf("%s in %s gives the reason: %t", test.state, c.Lang, test.state != change.DoorRefused)
			}
		}
	}
}

func TestDoorOpens(t *testing.T) {
	d := change.Door{State: change.DoorOpen}
	get := serveDoor(t, &d)
	for _, test := range []struct{ url, want string }{
		{"https://rooms.example/j/1?a=b#c", "https://rooms.example/j/1?a=b#c"},
		{"http://rooms.example:8080/", "http://rooms.example:8080/"},
		{"https://rooms.example/встреча?q=тест", "https://rooms.example/%D0%B2%D1%81%D1%82%D1%80%D0%B5%D1%87%D0%B0?q=%d1%82%d0%b5%d1%81%d1%82"},
		{"", ""},
		{"/j/other", ""},
		{"//rooms.example/", ""},
		{"https:///nowhere", ""},
		{"javascript:alert(1)", ""},
		{"javascript://rooms.example/%0aalert(1)", ""},
		{"data:text/html,x", ""},
		{"ftp://rooms.example/", ""},
		{"https://rooms.example/\r\nSet-Cookie: a=b", ""},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			d.URL = test.url
			got := get(method, "/j/"+token, nil)
			want := http.StatusFound
			if test.want == "" {
				want = http.StatusServiceUnavailable
			}
			if got.StatusCode != want || got.Header.Get("Location") != test.want {
				t.Errorf("%s %q: %d to %q, want %d to %q", method, test.url, got.StatusCode, got.Header.Get("Location"), want, test.want)
			}
			if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Referrer-Policy") != "no-referrer" || got.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s %q: headers %v", method, test.url, got.Header)
			}
			if method == "HEAD" && got.raw != "" {
				t.Errorf("HEAD %q has a body", test.url)
			}
		}
	}
}

func TestDoorLanguage(t *testing.T) {
	d := waitingDoor(t)
	get := serveDoor(t, &d)
	for _, test := range []struct{ accept, locale, want string }{
		{"", "", "en"},
		{"", "ru", "ru"},
		{"", "uk-UA", "uk"},
		{"", "de", "en"},
		{"", "not a locale", "en"},
		{"uk-UA,uk;q=0.9,ru;q=0.8,en;q=0.7", "ru", "uk"},
		{"en;q=0.1, ru;q=0.9", "uk", "ru"},
		{"de-DE,de;q=0.9", "uk", "uk"},
		{"de-DE,de;q=0.9,en;q=0.8", "uk", "en"},
		{"*", "ru", "ru"},
		{"ru;q=0", "uk", "uk"},
		{"be", "en", "ru"},               // CLDR: reads Russian too
		{"xx-nonsense!, uk", "ru", "uk"}, // one bad entry spoils no other
		{"ru;q=x", "uk", "uk"},
		{strings.Repeat("de,", 5000) + "ru", "uk", "uk"},
	} {
		d.Locale = test.locale
		if got := get("GET", "/j/"+token, nil, "Accept-Language", test.accept).Header.Get("Content-Language"); got != test.want {
			t.Errorf("%.40q with locale %q: %s, want %s", test.accept, test.locale, got, test.want)
		}
	}
	// A link that never was is told in the reader's language too.
	if got := get("GET", "/j/unknown", nil, "Accept-Language", "uk"); !strings.Contains(got.text, "Тут нічого немає") {
		t.Errorf("an unknown token in Ukrainian: %s", got.raw)
	}
}

func TestDoorTimes(t *testing.T) {
	d := waitingDoor(t)
	get := serveDoor(t, &d)
	for _, test := range []struct {
		lang              string
		start, end, opens time.Time
		zone              *time.Location
		want              []string
	}{
		{"en", d.Start, d.End, d.Opens, d.Zone, []string{"Monday, 5 January 2026, 12:00–13:00 (Moscow, UTC+3)", ">11:45<",
			`datetime="2026-01-05T09:00:00Z" data-end="2026-01-05T10:00:00Z" data-offset="10800"`, `data-seconds="900"`}},
		{"ru", d.Start, d.End, d.Opens, d.Zone, []string{"понедельник, 5 января 2026 г., 12:00–13:00 (Москва, UTC+3)"}},
		{"uk", d.Start, d.End, d.Opens, d.Zone, []string{"понеділок, 5 січня 2026 р., 12:00–13:00 (Москва, UTC+3)"}},
		// No zone; no end; no opening of its own.
		{"en", d.Start, time.Time{}, time.Time{}, nil, []string{"Monday, 5 January 2026, 09:00 (UTC)", ">09:00<", `data-seconds="1800"`}},
		// Over midnight, and let in on the day before.
		{"en", time.Date(2026, 1, 5, 21, 5, 0, 0, time.UTC), time.Date(2026, 1, 6, 21, 0, 0, 0, time.UTC), time.Date(2026, 1, 5, 20, 50, 0, 0, time.UTC), d.Zone,
			[]string{"Tuesday, 6 January 2026, 00:05 — Wednesday, 7 January 2026, 00:00 (Moscow", "Monday, 5 January 2026, 23:50 (Moscow"}},
		// Part of a second is not lost.
		{"en", d.Start, d.End, joinNow.Add(1500 * time.Millisecond), d.Zone, []string{`data-seconds="2"`}},
	} {
		d.Start, d.End, d.Opens, d.Zone = test.start, test.end, test.opens, test.zone
		got := get("GET", "/j/"+token, nil, "Accept-Language", test.lang)
		for _, want := range test.want {
			if !strings.Contains(got.text, want) {
				t.Errorf("%q is not in\n%s", want, got.text)
			}
		}
	}
	d.Start, d.End, d.Opens = time.Time{}, time.Time{}, time.Time{}
	if got := get("GET", "/j/"+token, nil); strings.Contains(got.raw, "<time") || strings.Contains(got.raw, "0001") || !strings.Contains(got.text, catalogues[0].WaitingLater) {
		t.Errorf("without a time: %s", got.raw)
	}
}

func TestDoorRefresh(t *testing.T) {
	d := waitingDoor(t)
	get := serveDoor(t, &d)
	for _, test := range []struct {
		opens time.Duration // from now
		want  string
	}{
		{-time.Hour, "5"}, {0, "5"}, {time.Second, "5"}, {5 * time.Second, "5"}, {5*time.Second + 1, "6"},
		{90 * time.Second, "90"}, {299 * time.Second, "299"}, {5 * time.Minute, "300"}, {100 * 365 * 24 * time.Hour, "300"},
	} {
		d.Opens = joinNow.Add(test.opens)
		for _, method := range []string{"GET", "HEAD"} {
			got := get(method, "/j/"+token, nil)
			if got.Header.Get("Refresh") != test.want {
				t.Errorf("%s when it opens in %v: %q, want %s", method, test.opens, got.Header.Get("Refresh"), test.want)
			}
			if counts := strings.Contains(got.raw, "data-seconds"); method == "GET" && counts != (test.opens > 0) {
				t.Errorf("when it opens in %v it counts down: %t", test.opens, counts)
			}
		}
	}
}

var element = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)

func TestDoorHeaders(t *testing.T) {
	d := waitingDoor(t)
	get := serveDoor(t, &d)
	for _, path := range []string{"/j/" + token, "/j/unknown", "/r/unknown"} {
		got := get("GET", path, nil)
		policy := got.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: no %s in %s", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"X-Robots-Tag": "noindex, nofollow", "Content-Type": "text/html; charset=utf-8",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got.Header.Get(name), want)
			}
		}
		parts := element.FindAllStringSubmatch(got.raw, -1)
		want := 1
		if path == "/j/"+token {
			want = 2
		}
		if len(parts) != want {
			t.Errorf("%s has %d inline elements, want %d", path, len(parts), want)
		}
		for _, part := range parts {
			if !strings.Contains(policy, part[1]+"-src "+sourceHash(part[2])) {
				t.Errorf("%s: the policy does not allow its own %s", path, part[1])
			}
		}
		if external := regexp.MustCompile(`(?i)src=|<link|@import|url\(|href=`).FindString(got.raw); external != "" {
			t.Errorf("%s loads something: %s", path, external)
		}
		for _, want := range []string{`name="viewport"`, `name="robots" content="noindex`, "prefers-color-scheme:dark", "<title>", "<h1", "<main>"} {
			if !strings.Contains(got.raw, want) {
				t.Errorf("%s: no %s", path, want)
			}
		}
		head := get("HEAD", path, nil)
		if head.StatusCode != got.StatusCode || head.raw != "" || head.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("HEAD %s: %d with %d bytes", path, head.StatusCode, len(head.raw))
		}
	}
}

// TestDoorInjection gives a title and others of what is not ours all that could become more than text.
func TestDoorInjection(t *testing.T) {
	bad := "</title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>\" onload='x' {{.Title}} \r\nSet-Cookie: a=b \x00 <!--"
	d := waitingDoor(t)
	get := serveDoor(t, &d)
	for _, state := range []change.DoorState{change.DoorWaiting, change.DoorMaking, change.DoorRefused, change.DoorOver, change.DoorReplaced} {
		d.State, d.Title, d.Service, d.Locale, d.Problem = state, bad, bad, bad, bad
		d.Zone = time.FixedZone("<b>/"+bad, 3600)
		d.URL = "https://rooms.example/\"><script>alert(2)</script>"
		got := get("GET", "/j/"+token, nil)
		if strings.Contains(got.raw, "alert(1)</script>") || strings.Contains(got.raw, "<img") || strings.Contains(got.raw, "<script>alert") ||
			strings.Contains(got.raw, "<b>") || strings.Contains(got.raw, "\x00") || strings.Contains(got.raw, "<!--") {
			t.Errorf("%s: %s", state, got.raw)
		}
		if n := len(element.FindAllString(got.raw, -1)); n > 2 {
			t.Errorf("%s has %d inline elements", state, n)
		}
		if !strings.Contains(got.text, "<img src=x onerror=alert(1)>") {
			t.Errorf("%s does not show the title as it is", state)
		}
		for name, values := range got.Header {
			if name == "Set-Cookie" || strings.Contains(strings.Join(values, ""), "alert") {
				t.Errorf("%s: %s: %q", state, name, values)
			}
		}
	}
	d = waitingDoor(t)
	d.URL = "javascript:alert(1)"
	if got := get("GET", "/j/"+token, nil); strings.Contains(got.raw, "<a ") {
		t.Error("a waiting page links to a script")
	}
	d.Title = " "
	if got := get("GET", "/j/"+token, nil); !strings.Contains(got.raw, ">Meeting</h1>") {
		t.Errorf("without a title: %s", got.raw)
	}
}

// TestDoorUnknown: nothing tells a token that nobody has from one that cannot be.
func TestDoorUnknown(t *testing.T) {
	none := serve(t, Options{})
	get := serve(t, Options{Door: func(_ context.Context, asked string) (change.Door, bool, error) {
		if strings.Contains(asked, "/") || len(asked) > maxToken {
			t.Errorf("the door of %.40q is looked for", asked)
		}
		return waitingDoor(t), asked == token, nil
	}})
	want := none("GET", "/j/"+token, nil)
	want.Header.Del("Date")
	if want.StatusCode != http.StatusNotFound {
		t.Fatalf("without doors: %d", want.StatusCode)
	}
	for _, path := range []string{
		"/j", "/j/", "/j/unknown", "/j/" + strings.Repeat("a", 5000), "/j/" + token + "/", "/j/" + token + "/a", "/j//" + token, "/j/a%2F" + token,
		"/j/%00", "/j/..%2f" + token, "/j/" + strings.ToLower(token), "/j/" + token + "%20", "/j/' OR 1=1",
	} {
		got := get("GET", strings.ReplaceAll(path, " ", "%20"), nil)
		got.Header.Del("Date")
		if got.StatusCode != want.StatusCode || got.raw != want.raw || !reflect.DeepEqual(got.Header, want.Header) {
			t.Errorf("%.40s: %d %v %s", path, got.StatusCode, got.Header, got.raw)
		}
	}
}

func TestDoorMethods(t *testing.T) {
	called := 0
	get := serve(t, Options{Door: func(context.Context, string) (change.Door, bool, error) {
		called++
		return change.Door{}, false, nil
	}})
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "PATCH"} {
		for _, path := range []string{"/j/" + token, "/j/unknown"} {
			if got := get(method, path, nil); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, got.StatusCode, got.Header.Get("Allow"))
			}
		}
	}
	if called != 0 {
		t.Errorf("the door was looked for %d times", called)
	}
}

// TestDoorTrouble: what goes wrong is ours, the page asks again, and no log holds the token.
func TestDoorTrouble(t *testing.T) {
	var log bytes.Buffer
	var d change.Door
	var fails error
	get := serve(t, Options{
		Log:  slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Door: func(_ context.Context, asked string) (change.Door, bool, error) { return d, true, fails },
	})
	for _, test := range []struct {
		name string
		door change.Door
		err  error
	}{
		{"store", change.Door{}, errors.New("read token " + token + ": disk full")},
		{"state", change.Door{State: "ajar", Title: "Planning"}, nil},
		{"address", change.Door{State: change.DoorOpen, URL: "javascript:" + token}, nil},
	} {
		log.Reset()
		d, fails = test.door, test.err
		got := get("GET", "/j/"+token, nil, "Accept-Language", "ru")
		if got.StatusCode != 503 || got.Header.Get("Refresh") != "30" || got.Header.Get("Retry-After") != "30" || !strings.Contains(got.text, "Сейчас страница недоступна") {
			t.Errorf("%s: %d %v %s", test.name, got.StatusCode, got.Header, got.raw)
		}
		if !strings.Contains(log.String(), "level=ERROR") || strings.Contains(log.String(), token) {
			t.Errorf("%s: the log is %q", test.name, log.String())
		}
		if strings.Contains(got.raw, token) {
			t.Errorf("%s: the page holds the token", test.name)
		}
	}
	log.Reset()
	d, fails = waitingDoor(t), nil
	if got := get("GET", "/j/"+token, nil); log.Len() > 0 || strings.Contains(got.raw, token) {
		t.Errorf("a page that works: log %q, %s", log.String(), got.raw)
	}
}
