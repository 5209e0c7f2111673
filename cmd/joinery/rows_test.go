package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"joinery/conference/emulator"
	"joinery/store"
)

// The rows of docs/conferences.md are played end to end: saves go over HTTP into the assembled program, the
// provider's own state says what it was asked for, and mail is what an SMTP server took.

// The people of a world. Anna organises and reads Russian; vera is not of the organisation.
const (
	anna  = "anna@example.org"
	boris = "boris@example.org"
	vera  = "vera@partner.example"

	annaCalendar  = "/calendars/" + anna + "/calendar/"
	annaWork      = "/calendars/" + anna + "/work/"
	borisCalendar = "/calendars/" + boris + "/calendar/"
)

// rowsConfig is a program with two accounts of MTS Link and short times.
const rowsConfig = `
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:8080"
service_domain = "conference.example.org"
settle = "400ms"

[caldav]
wait_for_link = "10s"

[mail]
relay = "smtp://%s"
domains = ["example.org"]
settle = "150ms"

[[provider]]
name = "mtslink"
kind = "mtslink"
base_url = "%s/v3"
token = "token-of-the-first"
words = { "Webinar" = "webinar", "Вебинар" = "webinar", "МТС Линк" = "meeting", "MTS Link" = "meeting" }
resource = "webinar"
default = true
calls_per_second = 1000.0
late_answer = "1s"
denied_retry = "300ms"

[[provider]]
name = "beta"
kind = "mtslink"
base_url = "%s/v3"
token = "token-of-the-second"
words = { "Beta" = "meeting", "Beta Webinar" = "webinar" }
resource = "beta"
calls_per_second = 1000.0
late_answer = "1s"
denied_retry = "300ms"
`

// A world is a running program with its two accounts and its mail server.
type world struct {
	*testing.T
	app  *app
	url  string
	mail *catcher
	mts  *emulator.MTSLink // words Webinar, MTS Link; resource webinar
	beta *emulator.MTSLink // words Beta, Beta Webinar; resource beta

	anna, phone, boris *rowsClient // phone is anna's second device
	client             http.Client // of all of them; worlds end one by one

	ahead       atomic.Int64 // of the real time, of program and accounts
	unsubmitted atomic.Bool  // the accounts' owner, too, has not confirmed the address
}

// now is the time of program and accounts.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// later lets time pass for program and accounts.
func (w *world) later(d time.Duration) { w.ahead.Add(int64(d)) }

// A rowSet plays rows side by side, more of them than there are processors: they mostly wait.
type rowSet struct {
	t     *testing.T
	wg    sync.WaitGroup
	slots chan struct{}
}

// newRows returns a set, which has to be waited for before the test ends.
func newRows(t *testing.T) *rowSet {
	t.Parallel()
	return &rowSet{t: t, slots: make(chan struct{}, 10)}
}

func (s *rowSet) wait() { s.wg.Wait() }

// play plays one row of the tables in a world of its own.
func (s *rowSet) play(name string, play func(w *world), options ...func(*config)) {
	s.slots <- struct{}{}
	s.wg.Go(func() {
		defer func() { <-s.slots }()
		s.t.Run(name, func(t *testing.T) { play(newWorld(t, options...)) })
	})
}

func newWorld(t *testing.T, options ...func(*config)) *world {
	t.Helper()
	w := &world{T: t, client: http.Client{Transport: &http.Transport{}}}
	account := func(token string) (*emulator.MTSLink, string) {
		m := emulator.NewMTSLink(emulator.MTSLinkOptions{
			Token: token, Now: w.now, Members: []emulator.Member{{Email: anna, Name: "Anna", Confirmed: true}},
		})
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if w.unsubmitted.Load() && r.Method == http.MethodPost && r.URL.Path == "/v3/events" {
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(http.StatusForbidden)
				io.WriteString(rw, `{"error":{"code":403,"message":"Event owner is not submitted"}}`)
				return
			}
			m.ServeHTTP(rw, r)
		}))
		t.Cleanup(func() {
			m.Clear()
			s.CloseClientConnections()
			s.Close()
			m.Close()
		})
		return m, s.URL
	}
	var first, second string
	w.mts, first = account("token-of-the-first")
	w.beta, second = account("token-of-the-second")

	w.mail = newCatcher(w.now)
	smtp := rowsListen(t)
	go w.mail.Serve(smtp)
	t.Cleanup(func() { w.mail.Close() })

	c, err := parseConfig("rows.toml", fmt.Appendf(nil, rowsConfig, smtp.Addr(), first, second), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Store.URL = "sqlite:" + newDatabase(t)
	for _, set := range options {
		set(c)
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("ROWS_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if w.app, err = newApp(context.Background(), c, log, w.now); err != nil {
		t.Fatal(err)
	}
	web := rowsListen(t)
	w.url = "http://" + web.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.app.run(ctx, web) }()
	t.Cleanup(func() {
		w.mts.Clear()
		w.beta.Clear()
		w.client.CloseIdleConnections()
		cancel()
		if err := errors.Join(<-done, w.app.Close()); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	w.addUser(anna, "Anna", "ru")
	w.addUser(boris, "Boris", "en")
	w.anna, w.phone = w.device(anna, "Thunderbird/153.0"), w.device(anna, "DAVx5/4.5")
	w.boris = w.device(boris, "Evolution/3.56")
	return w
}

func rowsListen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// rowsHash is the hash of the password "demo" at a cost that tests can bear.
var rowsHash = sync.OnceValue(func() string {
	salt := []byte("saltsaltsaltsalt")
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=64,t=1,p=1$%s$%s", argon2.Version,
		b64.EncodeToString(salt), b64.EncodeToString(argon2.IDKey([]byte("demo"), salt, 1, 64, 1, 32)))
})

// addUser adds a user with the calendars "calendar" and "work", whose first address is the login.
func (w *world) addUser(login, name, locale string) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		u := &store.User{Login: login, Name: name, Locale: locale, Zone: "Europe/Moscow", Password: rowsHash(), Addresses: []string{login}}
		if err := tx.CreateUser(u); err != nil {
			return err
		}
		for _, slug := range []string{"calendar", "work"} {
			if err := tx.CreateCalendar(&store.Calendar{UserID: u.ID, Slug: slug, Name: slug, Components: []string{"VEVENT"}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// setRule gives anna's default calendar a rule.
func (w *world) setRule(rule string) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		u, err := tx.UserByLogin(anna)
		if err != nil {
			return err
		}
		c, err := tx.CalendarBySlug(u.ID, "calendar")
		if err != nil {
			return err
		}
		c.Conference = rule
		return tx.UpdateCalendar(c)
	})
}

func (w *world) update(f func(tx *store.Tx) error) {
	w.Helper()
	if err := w.app.store.Update(context.Background(), f); err != nil {
		w.Fatal(err)
	}
}

// patience is how long a world is given to do what it does by itself.
const patience = 90 * time.Second

// eventually waits until check finds nothing to complain of.
func (w *world) eventually(check func() error) {
	w.Helper()
	w.eventuallyIn(patience, check)
}

func (w *world) eventuallyIn(d time.Duration, check func() error) {
	w.Helper()
	end := time.Now().Add(d)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("after %v: %v", d, err)
		}
		time.Sleep(15 * time.Millisecond)
	}
}

// idle waits until the program has nothing left to do, settle times included, and will do nothing
// of itself for a while.
func (w *world) idle() {
	w.Helper()
	w.eventually(func() error {
		var left error
		err := w.app.store.View(context.Background(), func(tx *store.Tx) error {
			count, err := tx.CountWork()
			for kind, c := range count {
				if !c.Oldest.IsZero() && c.Oldest.Sub(w.now()) < 30*time.Second {
					left = fmt.Errorf("%d of %s still to be done", c.Waiting, kind)
				}
			}
			return err
		})
		return errors.Join(err, left)
	})
}

// A rowsClient is a device of one user.
type rowsClient struct {
	w     *world
	login string
	agent string
}

func (w *world) device(login, agent string) *rowsClient { return &rowsClient{w, login, agent} }

// A rowsReply is what came back.
type rowsReply struct {
	w      *world
	what   string
	status int
	header http.Header
	body   string
}

// do sends a request; headers are "Name: value".
func (c *rowsClient) do(method, path, body string, headers ...string) *rowsReply {
	c.w.Helper()
	r, err := c.try(method, path, body, headers...)
	if err != nil {
		c.w.Fatal(err)
	}
	return r
}

func (c *rowsClient) try(method, path, body string, headers ...string) (*rowsReply, error) {
	req, err := http.NewRequest(method, c.w.url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.URL.Opaque = path
	req.SetBasicAuth(c.login, "demo")
	req.Header.Set("User-Agent", c.agent)
	if method == http.MethodPut {
		req.Header.Set("Content-Type", "text/calendar; charset=utf-8")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := c.w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &rowsReply{c.w, method + " " + path, resp.StatusCode, resp.Header, string(data)}, nil
}

// want checks the status.
func (r *rowsReply) want(status ...int) *rowsReply {
	r.w.Helper()
	for _, s := range status {
		if r.status == s {
			return r
		}
	}
	r.w.Fatalf("%s: got %d, want %v\n%s", r.what, r.status, status, r.body)
	return r
}

func (r *rowsReply) etag() string { return r.header.Get("ETag") }

// put saves and is accepted.
func (c *rowsClient) put(path, body string, headers ...string) *rowsReply {
	c.w.Helper()
	return c.do("PUT", path, body, headers...).want(http.StatusCreated, http.StatusNoContent)
}

// get reads an object.
func (c *rowsClient) get(path string) *rowsReply {
	c.w.Helper()
	return c.do("GET", path, "").want(http.StatusOK)
}

func (c *rowsClient) delete(path string, headers ...string) *rowsReply {
	c.w.Helper()
	return c.do("DELETE", path, "", headers...).want(http.StatusNoContent)
}

func (c *rowsClient) move(from, to string, headers ...string) *rowsReply {
	c.w.Helper()
	return c.do("MOVE", from, "", append(headers, "Destination: "+c.w.url+to)...).want(http.StatusCreated, http.StatusNoContent)
}

// save puts a body, waits until everything it leads to is done, and returns what stands then.
func (c *rowsClient) save(path, body string, headers ...string) string {
	c.w.Helper()
	c.put(path, body, headers...)
	c.w.idle()
	return c.get(path).body
}

// gone deletes an object and waits until everything it leads to is done.
func (c *rowsClient) gone(path string, headers ...string) {
	c.w.Helper()
	c.delete(path, headers...)
	c.w.idle()
}
