package caldav

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

func TestPassword(t *testing.T) {
	h, err := HashPassword("пароль", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash: %s", h)
	}
	if !VerifyPassword(h, "пароль") || VerifyPassword(h, "Пароль") {
		t.Error("the hash does not tell right from wrong")
	}
	again, _ := HashPassword("пароль", rand.Reader)
	if again == h {
		t.Error("two hashes of one password are the same")
	}
	for _, bad := range []string{"", "demo", "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$", "$1$x$y"} {
		if VerifyPassword(bad, "demo") || VerifyPassword(bad, "") {
			t.Errorf("%q matches", bad)
		}
	}
	if _, err := HashPassword("x", strings.NewReader("short")); err == nil {
		t.Error("no error without enough randomness")
	}
}

// An unknown user's password is held to a hash that takes as long as one of HashPassword.
func TestUnknownUsersTakeAsLong(t *testing.T) {
	want, err := HashPassword("demo", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := newAuthenticator(nil, time.Now, nil, 0)
	got, ok := decodeHash(a.dummy)
	if !ok {
		t.Fatalf("the hash for unknown users cannot be read: %s", a.dummy)
	}
	if h, _ := decodeHash(want); got.memory != h.memory || got.time != h.time || got.threads != h.threads ||
		len(got.salt) != len(h.salt) || len(got.key) != len(h.key) {
		t.Errorf("the hash for unknown users is %s, others are like %s", a.dummy, want)
	}
	if other := newAuthenticator(nil, time.Now, nil, 0).dummy; other == a.dummy {
		t.Error("two servers have the same hash for unknown users")
	}
}

func TestAuthentication(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/", annaCal, "/principals/", "/nowhere", annaHome + "inbox/"} {
		a := f.as("", "", "PROPFIND", path, "", "Depth: 0").want(http.StatusUnauthorized)
		if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Basic realm="`) {
			t.Errorf("%s: WWW-Authenticate %q", path, got)
		}
	}
	f.as("", "", "OPTIONS", "/", "").want(http.StatusOK)
	f.as("", "", "OPTIONS", "/calendars/whoever/what", "").want(http.StatusOK)
	f.as("anna@example.org", "wrong", "GET", "/", "").want(http.StatusUnauthorized)
	f.as("nobody", "demo", "GET", "/", "").want(http.StatusUnauthorized)
	f.as("ANNA@example.org", "demo", "GET", "/", "").want(http.StatusOK)
	// An address that is not the login opens, too.
	f.as("a.ivanova@example.org", "demo", "PROPFIND", "/", propfindBody("D:current-user-principal"), "Depth: 0").contains("/principals/anna@example.org/")

	// A changed password counts at once, also where the old one was just verified.
	f.do("GET", "/", "").want(http.StatusOK)
	f.anna.Password = testHash("new")
	f.updateUser(f.anna)
	f.do("GET", "/", "").want(http.StatusUnauthorized)
	f.as("anna@example.org", "new", "GET", "/", "").want(http.StatusOK)
	// And so does a removal.
	if err := f.store.Update(context.Background(), func(tx *store.Tx) error { return tx.DeleteUser(f.anna.ID) }); err != nil {
		t.Fatal(err)
	}
	f.as("anna@example.org", "new", "GET", "/", "").want(http.StatusUnauthorized)
}

// TestPasswordInUse has a device ask every now and then: whoever is verified goes on, also while others at the
// same address try passwords.
func TestPasswordInUse(t *testing.T) {
	f := newFixture(t)
	f.handler.auth.logins = newFailures(24*time.Hour, 1)
	f.do("GET", "/", "").want(http.StatusOK)
	f.as("anna@example.org", "guess", "GET", "/", "").want(http.StatusUnauthorized)
	const pause = int64(credentialLife/time.Second) / 2
	for range 5 {
		f.clock.Add(pause)
		f.do("GET", "/", "").want(http.StatusOK)
	}
	f.clock.Add(3 * pause)
	f.do("GET", "/", "").want(http.StatusTooManyRequests)
}

func (f *fixture) updateUser(u *store.User) {
	f.Helper()
	if err := f.store.Update(context.Background(), func(tx *store.Tx) error { return tx.UpdateUser(u) }); err != nil {
		f.Fatal(err)
	}
}

func TestWrongPasswords(t *testing.T) {
	host := "192.0.2.1"
	f := newFixture(t, func(o *Options) { o.ClientAddress = func(*http.Request) string { return host } })
	f.do("GET", "/", "").want(http.StatusOK)
	// The same wrong password again and again is a device with an old one, not a guess.
	for range 3 * failBurst {
		f.as("boris@example.org", "old", "GET", "/", "").want(http.StatusUnauthorized)
	}
	for i := range failBurst - 1 {
		f.as("boris@example.org", "guess"+strconv.Itoa(i), "GET", "/", "").want(http.StatusUnauthorized)
	}
	a := f.as("boris@example.org", "demo", "GET", "/", "").want(http.StatusTooManyRequests)
	if n, _ := strconv.Atoi(a.header.Get("Retry-After")); n < 1 || n > 60 {
		t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
	}
	f.do("GET", "/", "").want(http.StatusOK) // whoever is verified goes on
	host = "192.0.2.2"
	f.as("boris@example.org", "demo", "GET", "/", "").want(http.StatusOK)
	host = "192.0.2.1"
	// Nobody else suffers, who comes by the same router; another spelling of the login is no way round.
	f.as("a.ivanova@example.org", "demo", "GET", "/", "").want(http.StatusOK)
	f.as("Boris@example.org", "demo", "GET", "/", "").want(http.StatusTooManyRequests)
	f.clock.Store(int64(failEvery/time.Second) + 1)
	f.as("Boris@example.org", "demo", "GET", "/", "").want(http.StatusOK)
}

// TestWrongPasswordsOfManyLogins bounds the guesses of an address that takes another login for each.
func TestWrongPasswordsOfManyLogins(t *testing.T) {
	host := "192.0.2.1"
	f := newFixture(t, func(o *Options) { o.ClientAddress = func(*http.Request) string { return host } })
	const burst = 30 // hashes of unknown users take their time
	f.handler.auth.nets = newFailures(time.Hour, burst)
	for i := range burst {
		f.as("user"+strconv.Itoa(i), "guess", "GET", "/", "").want(http.StatusUnauthorized)
	}
	f.do("GET", "/", "").want(http.StatusTooManyRequests)
	host = "192.0.2.2"
	f.do("GET", "/", "").want(http.StatusOK)
}

// TestWrongPasswordsAtOnce has guesses wait for their turn all at the same time: no more are tried
// for that.
func TestWrongPasswordsAtOnce(t *testing.T) {
	f := newFixture(t)
	for range cap(f.handler.auth.hashing) {
		f.handler.auth.hashing <- struct{}{}
	}
	var tried atomic.Int32
	var wg sync.WaitGroup
	for i := range 4 * failBurst {
		wg.Go(func() {
			if f.as("boris@example.org", "guess"+strconv.Itoa(i), "GET", "/", "").status == http.StatusUnauthorized {
				tried.Add(1)
			}
		})
	}
	time.Sleep(100 * time.Millisecond) // those who come later are refused at once
	for range cap(f.handler.auth.hashing) {
		<-f.handler.auth.hashing
	}
	wg.Wait()
	if n := int(tried.Load()); n < failBurst || n > failBurst+cap(f.handler.auth.hashing) {
		t.Errorf("%d guesses were tried, want %d, and at most %d more", n, failBurst, cap(f.handler.auth.hashing))
	}
}

func TestClientNet(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7":       "192.0.2.7",
		"2001:db8::1":     "2001:db8::/64",
		"2001:db8::ffff":  "2001:db8::/64",
		"fe80::1%eth0":    "fe80::/64",
		"::ffff:10.0.0.1": "::ffff:10.0.0.1",
		"@":               "@",
	} {
		if got := clientNet(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.PerSecond = 1 })
	for range 10 {
		f.do("GET", "/", "").want(http.StatusOK)
	}
	if f.do("GET", "/", "").want(http.StatusTooManyRequests).header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	f.as("boris@example.org", "demo", "GET", "/", "").want(http.StatusOK)
}

// TestForeign holds every method on what is somebody else's to one answer, which does not tell
// whether there is anything or anybody.
func TestForeign(t *testing.T) {
	f := newFixture(t)
	f.as("boris@example.org", "demo", "PUT", "/calendars/boris@example.org/calendar/secret.ics", event("secret", "SUMMARY:Secret"), calendarType).want(http.StatusCreated)
	bodies := map[string]string{
		"PROPFIND": propfindBody("D:displayname"), "PROPPATCH": `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>X</D:displayname></D:prop></D:set></D:propertyupdate>`,
		"REPORT": `<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`,
		"PUT":    event("mine"), "POST": event("mine"),
	}
	var first string
	for _, login := range []string{"boris@example.org", "boris%40example.org", "boris%2540example.org", "nobody"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "MOVE", "COPY", "PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR", "MKCOL", "POST", "OPTIONS", "LOCK"} {
			for _, path := range []string{"/principals/" + login + "/", "/calendars/" + login + "/", "/calendars/" + login + "/calendar/", "/calendars/" + login + "/none/",
				"/calendars/" + login + "/inbox/", "/calendars/" + login + "/outbox/", "/calendars/" + login + "/calendar/secret.ics", "/calendars/" + login + "/calendar/none.ics", "/calendars/" + login + "/a/b/c"} {
				a := f.do(method, path, bodies[method], "Destination: "+annaCal+"stolen.ics", "Depth: 0")
				a.want(http.StatusForbidden)
				if method == "HEAD" {
					continue
				}
				shape := strings.ReplaceAll(a.body, path, "PATH")
				if first == "" {
					first = shape
				}
				if shape != first {
					t.Errorf("%s %s is answered unlike others: %s", method, path, a.body)
				}
			}
		}
	}
	// Nor by way of one's own addresses.
	href := "/calendars/boris@example.org/calendar/secret.ics"
	body := `<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop><D:href>` + href + `</D:href><D:href>/calendars/nobody/x/y.ics</D:href></C:calendar-multiget>`
	for _, fd := range f.do("REPORT", annaCal, body).lacks("Secret").multi() {
		if fd.status != http.StatusForbidden {
			t.Errorf("%s: %d", fd.href, fd.status)
		}
	}
	f.put("own.ics", event("own"))
	for _, method := range []string{"MOVE", "COPY"} {
		for path, dest := range map[string]string{annaCal + "own.ics": href, annaCal: "/calendars/boris@example.org/more/"} {
			lacking := "<D:resource><D:href>/calendars/boris@example.org/calendar/</D:href><D:privilege><D:bind/></D:privilege></D:resource>"
			if path == annaCal {
				lacking = strings.Replace(lacking, "calendar/<", "<", 1)
			}
			for _, to := range []string{dest, f.url + dest} {
				f.do(method, path, "", "Destination: "+to).condition(http.StatusForbidden, nsDAV, "need-privileges").contains(lacking)
			}
		}
	}
	f.as("boris@example.org", "demo", "GET", href, "").want(http.StatusOK).contains("SUMMARY:Secret")
	search := `<D:principal-property-search xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:property-search><D:prop><D:displayname/></D:prop><D:match>boris</D:match></D:property-search><D:prop><D:displayname/><C:calendar-home-set/><D:acl/></D:prop></D:principal-property-search>`
	fd := f.do("REPORT", "/principals/", search).one()
	if fd.ok["{DAV:}displayname"] != "Boris" || len(fd.ok) != 1 {
		t.Errorf("of others too much is told: %v", fd.ok)
	}
}

func TestPathTricks(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]int{
		"/calendars/anna@example.org/../boris@example.org/calendar/":       400,
		"/calendars/anna@example.org/%2e%2e/boris@example.org/calendar/":   400,
		"/calendars/anna@example.org/./calendar/":                          400,
		"/calendars//anna@example.org/calendar/":                           400,
		"//calendars/anna@example.org/":                                    404, // HTTP takes the first part for a host
		"/calendars/anna@example.org/calendar//x.ics":                      400,
		"/calendars/anna@example.org/calendar/%00.ics":                     400,
		"/calendars/anna@example.org/calendar/a%0d%0aX-Evil:1.ics":         400,
		"/calendars/anna@example.org/calendar/%ff.ics":                     400,
		"/calendars/anna@example.org/calendar/" + strings.Repeat("x", 600): 400,
		"/calendars/anna@example.org/calendar%2Fx.ics":                     404,
		"/calendars/anna@example.org%2Fcalendar/x.ics":                     403,
		"/calendars/anna@example.org/calendar/a/b":                         404,
		"/elsewhere":                           404,
		"/calendars/anna@example.org/calendar": 200,
		"/CALENDARS/anna@example.org/":         404,
	} {
		if a := f.do("GET", path, ""); a.status != want {
			t.Errorf("GET %s: %d, want %d", path, a.status, want)
		}
	}
}

// TestFragments: an address is sent without its fragment (RFC 9112 §3.2), and what stands behind it must not be
// taken for a name.
func TestFragments(t *testing.T) {
	f := newFixture(t)
	f.put("%23x.ics", event("a"))
	for _, path := range []string{annaCal + "#x.ics", annaCal + "#", annaHome + "#frag", "/#", annaCal + "%23x.ics#y"} {
		for _, method := range []string{"DELETE", "GET", "PROPFIND", "MOVE", "OPTIONS"} {
			f.do(method, path, "", "Depth: 0", "Destination: "+annaCal+"y.ics").want(http.StatusBadRequest)
		}
	}
	for _, dest := range []string{annaCal + "y.ics#z", f.url + annaCal + "y.ics#z", f.url + annaCal + "y.ics#"} {
		f.do("MOVE", annaCal+"%23x.ics", "", "Destination: "+dest).want(http.StatusBadRequest)
	}
	f.do("MOVE", annaCal+"%23x.ics", "", "Destination: "+f.url+annaCal+"%23%3F.ics").want(http.StatusCreated)
	f.do("DELETE", annaCal+"%23%3F.ics", "").want(http.StatusNoContent)
}

// A broken is a write path that fails in the ways that ours must not.
type broken struct{ Changes }

func (broken) Put(context.Context, change.PutRequest) (change.Result, error) { panic("secret") }
func (broken) Delete(context.Context, change.DeleteRequest) error {
	return errors.New("secret table is locked")
}

func TestFailures(t *testing.T) {
	seen := make(chan int, 3)
	f := newFixture(t, func(o *Options) {
		o.Changes = broken{}
		o.Observe = func(_ string, status int, _ time.Duration) { seen <- status }
	})
	f.do("PUT", annaCal+"x.ics", event("x"), calendarType).want(http.StatusInternalServerError).lacks("secret")
	f.do("DELETE", annaCal+"x.ics", "").want(http.StatusInternalServerError).lacks("secret")
	f.do("GET", "/", "").want(http.StatusOK)
	for _, want := range []int{500, 500, 200} {
		if got := <-seen; got != want {
			t.Errorf("observed %d, want %d", got, want)
		}
	}
}
