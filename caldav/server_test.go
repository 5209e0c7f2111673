package caldav

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/store"
	"joinery/store/outbox"
)

const (
	annaHome = "/calendars/anna@example.org/"
	annaCal  = annaHome + "calendar/"
)

// A fixture is a server on a real store with two users, anna and boris, whose password is "demo".
type fixture struct {
	testing.TB
	store   *store.Store
	handler *Server
	changer *change.Changer
	url     string
	anna    *store.User
	boris   *store.User
	clock   *atomic.Int64 // seconds added to the time
}

func newFixture(t testing.TB, options ...func(*Options)) *fixture {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	f := &fixture{TB: t, store: st, clock: &atomic.Int64{}}
	f.anna = f.addUser("anna@example.org", "Anna", "anna@example.org", "a.ivanova@example.org")
	f.boris = f.addUser("boris@example.org", "Boris", "boris@example.org")
	f.serve(options...)
	return f
}

// serve has a server answer for the fixture's store.
func (f *fixture) serve(options ...func(*Options)) {
	f.changer = change.New(change.Options{
		Store: f.store, Outbox: outbox.New(f.store, outbox.Options{}),
		Policy: change.Policy{ImportBurst: 1 << 30, MaxAttendees: 50},
	})
	o := Options{
		Store: f.store, Changes: f.changer, MaxAttendees: 50, PublicURL: "https://cal.example.org", PerSecond: 1e6,
		Now: func() time.Time { return time.Now().Add(time.Duration(f.clock.Load()) * time.Second) },
	}
	for _, set := range options {
		set(&o)
	}
	f.handler = New(o)
	srv := httptest.NewServer(f.handler)
	f.Cleanup(srv.Close)
	f.url = srv.URL
}

// testHash is a hash as HashPassword makes it, at a cost that tests can bear.
func testHash(password string) string {
	return encodeHash(password, []byte("saltsaltsaltsalt"), 64, 1, 1)
}

func (f *fixture) addUser(login, name string, addresses ...string) *store.User {
	f.Helper()
	return f.create(&store.User{Login: login, Name: name, Password: testHash("demo"), Addresses: addresses})
}

// create adds a user or room with a calendar of that name.
func (f *fixture) create(u *store.User) *store.User {
	f.Helper()
	u.Locale, u.Zone = "en", "Europe/Moscow"
	err := f.store.Update(context.Background(), func(tx *store.Tx) error {
		if err := tx.CreateUser(u); err != nil {
			return err
		}
		return tx.CreateCalendar(&store.Calendar{UserID: u.ID, Slug: DefaultCalendar, Name: u.Name, Components: storable})
	})
	if err != nil {
		f.Fatal(err)
	}
	return u
}

// An answer is what came back.
type answer struct {
	testing.TB
	what   string
	status int
	header http.Header
	body   string
}

// do sends a request as anna; headers are "Name: value".
func (f *fixture) do(method, path, body string, headers ...string) *answer {
	f.Helper()
	return f.as("anna@example.org", "demo", method, path, body, headers...)
}

func (f *fixture) as(login, password, method, path, body string, headers ...string) *answer {
	f.Helper()
	req, err := http.NewRequest(method, f.url, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	req.URL.Opaque = path // as it is, not encoded anew
	if login != "" {
		req.SetBasicAuth(login, password)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		f.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatalf("%s %s: reading the answer: %v", method, path, err)
	}
	return &answer{f, method + " " + path, resp.StatusCode, resp.Header, string(data)}
}

// want checks the status.
func (a *answer) want(status int) *answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("%s: got %d, want %d\n%s", a.what, a.status, status, a.body)
	}
	return a
}

// contains checks the body.
func (a *answer) contains(parts ...string) *answer {
	a.Helper()
	for _, p := range parts {
		if !strings.Contains(a.body, p) {
			a.Fatalf("%s: %q is not in\n%s", a.what, p, a.body)
		}
	}
	return a
}

func (a *answer) lacks(parts ...string) *answer {
	a.Helper()
	for _, p := range parts {
		if strings.Contains(a.body, p) {
			a.Fatalf("%s: %q is in\n%s", a.what, p, a.body)
		}
	}
	return a
}

// condition checks for a DAV:error that names this element.
func (a *answer) condition(status int, space, local string) *answer {
	a.Helper()
	a.want(status)
	root := a.xml()
	if !root.is(nsDAV, "error") || root.child(space, local) == nil {
		a.Fatalf("%s: no %s in\n%s", a.what, local, a.body)
	}
	return a
}

func (a *answer) xml() *element {
	a.Helper()
	root, err := parseXML([]byte(a.body))
	if err != nil {
		a.Fatalf("%s: %v in\n%s", a.what, err, a.body)
	}
	return root
}

// A found is one response of a multistatus.
type found struct {
	href   string
	status int               // of the response itself, 0: it has properties
	ok     map[string]string // "{namespace}name" to inner XML of what has status 200
	other  map[string]int
}

// multi parses a multistatus.
func (a *answer) multi() []found {
	a.Helper()
	a.want(http.StatusMultiStatus)
	root := a.xml()
	if !root.is(nsDAV, "multistatus") {
		a.Fatalf("%s: not a multistatus:\n%s", a.what, a.body)
	}
	var fs []found
	for _, r := range root.children() {
		if !r.is(nsDAV, "response") {
			continue
		}
		f := found{href: r.child(nsDAV, "href").text(), ok: map[string]string{}, other: map[string]int{}}
		if s := r.child(nsDAV, "status"); s != nil {
			f.status = a.statusCode(s)
		}
		for _, ps := range r.children() {
			if !ps.is(nsDAV, "propstat") {
				continue
			}
			code := a.statusCode(ps.child(nsDAV, "status"))
			for _, p := range ps.child(nsDAV, "prop").children() {
				if code == http.StatusOK {
					f.ok[deadKey(p.name)] = p.text()
					if len(p.children()) > 0 {
						f.ok[deadKey(p.name)] = p.innerXML()
					}
				} else {
					f.other[deadKey(p.name)] = code
				}
			}
		}
		fs = append(fs, f)
	}
	return fs
}

func (a *answer) statusCode(s *element) (code int) {
	a.Helper()
	if _, err := fmt.Sscanf(s.text(), "HTTP/1.1 %d", &code); err != nil {
		a.Fatalf("%s: status %q", a.what, s.text())
	}
	return code
}

// one returns the only response.
func (a *answer) one() found {
	a.Helper()
	fs := a.multi()
	if len(fs) != 1 {
		a.Fatalf("%s: %d responses, want one\n%s", a.what, len(fs), a.body)
	}
	return fs[0]
}

// hrefs lists the responses' hrefs.
func (a *answer) hrefs() string {
	a.Helper()
	var hs []string
	for _, f := range a.multi() {
		hs = append(hs, f.href)
	}
	return strings.Join(hs, " ")
}

// token returns a sync answer's token.
func (a *answer) token() string {
	a.Helper()
	a.want(http.StatusMultiStatus)
	return a.xml().child(nsDAV, "sync-token").text()
}

// event makes an object's text.
func event(uid string, lines ...string) string {
	all := append([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:" + uid,
		"DTSTAMP:20260101T000000Z"}, lines...)
	has := func(name string) bool {
		for _, l := range lines {
			if strings.HasPrefix(l, name) {
				return true
			}
		}
		return false
	}
	if !has("DTSTART") {
		all = append(all, "DTSTART:20300601T100000Z", "DTEND:20300601T110000Z")
	}
	if !has("SUMMARY") {
		all = append(all, "SUMMARY:Event "+uid)
	}
	return strings.Join(append(all, "END:VEVENT", "END:VCALENDAR"), "\r\n") + "\r\n"
}

// put stores an event of anna's.
func (f *fixture) put(name, body string) *answer {
	f.Helper()
	return f.do("PUT", annaCal+name, body, "Content-Type: text/calendar").want(http.StatusCreated)
}

func propfindBody(props ...string) string {
	return `<?xml version="1.0"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"><D:prop><` +
		strings.Join(props, "/><") + `/></D:prop></D:propfind>`
}
