package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // the simulation looks at the work that is left

	"joinery/conference/emulator"
)

// yearsConfig is a program with one account; all its times are those of an installation, for they
// pass by the simulated clock.
const yearsConfig = `
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:8080"
service_domain = "conference.example.org"
reconcile_every = "23h" # by the hour, as serve does it, two years take minutes

[caldav]
wait_for_link = "20s" # of real time; the work is done at once

[mail]
relay = "smtp://%s"
domains = ["example.org"]

[[provider]]
name = "mtslink"
kind = "mtslink"
base_url = "%s/v3"
token = "%s"
words = { "Webinar" = "webinar", "MTS Link" = "meeting" }
resource = "webinar"
default = true
calls_per_second = 1000.0
webhook_secret = "%s"
`

const yearsToken = "token-of-the-years"

// yearsBegin is when every simulation begins: a Monday, 08:00 UTC.
var yearsBegin = time.Date(2027, 1, 4, 8, 0, 0, 0, time.UTC)

// A simulation is a world whose time stands still but for its steps. Work is done at the very
// moment at which it is due, however long that takes in real time.
type simulation struct {
	*world
	at     atomic.Int64 // microseconds since 1970: the time of program, account and mail
	config *config
	work   *sql.DB // the program's database, to look at
	halt   func()  // ends the program; nil while it is down
	until  time.Time

	manual bool // conferences do not begin by themselves: the account's owner has them begun by hand
	hook   bool // the account tells the program of what happens
	direct bool // series carry the provider's link of the moment

	series   []*series
	actions  []yearsAction
	mails    map[string][]string // the methods that each address is to have got
	steps    int
	failures int
	downFrom time.Time // while the program is down: since when
}

func (s *simulation) now() time.Time { return time.UnixMicro(s.at.Load()).UTC() }

// jump sets the clock.
func (s *simulation) jump(to time.Time) {
	s.Helper()
	if to.Before(s.now()) {
		s.Fatalf("the clock would go back from %v to %v", s.now(), to)
	}
	s.at.Store(to.UnixMicro())
}

// newSimulation starts the program at yearsBegin. Nothing passes until the first step.
func newSimulation(t *testing.T, until time.Time, options ...func(*simulation)) *simulation {
	t.Helper()
	s := &simulation{world: &world{T: t, client: http.Client{Transport: &http.Transport{}}}, until: until, mails: map[string][]string{}}
	s.at.Store(yearsBegin.UnixMicro())
	for _, option := range options {
		option(s)
	}
	s.mts = emulator.NewMTSLink(emulator.MTSLinkOptions{
		Token: yearsToken, Now: s.now, Zone: "Europe/Moscow",
		Members: []emulator.Member{{Email: anna, Name: "Anna", Confirmed: true}},
	})
	account := httptest.NewServer(http.HandlerFunc(s.provider))
	t.Cleanup(func() {
		account.CloseClientConnections()
		account.Close()
		s.mts.Close()
	})
	s.mail = newCatcher(s.now)
	smtp := rowsListen(t)
	go s.mail.Serve(smtp)
	t.Cleanup(func() { s.mail.Close() })

	c, err := parseConfig("years.toml", fmt.Appendf(nil, yearsConfig, smtp.Addr(), account.URL, yearsToken, secretOfHook), nil)
	if err != nil {
		t.Fatal(err)
	}
	path := newDatabase(t)
	c.Store.URL = "sqlite:" + path
	if s.direct {
		c.Conference.SeriesLinks = "direct"
	}
	s.config = c
	s.start()
	if s.work, err = sql.Open("sqlite3", "file:"+filepath.ToSlash(path)+"?mode=ro&_busy_timeout=5000"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.work.Close()
		s.stop()
	})
	s.addUser(anna, "Anna", "ru")
	s.addUser(boris, "Boris", "en")
	if s.hook {
		s.subscribe()
	}
	s.idle()
	return s
}

// provider is the account. Where conferences are begun by hand it does not take that they begin by
// themselves.
func (s *simulation) provider(w http.ResponseWriter, r *http.Request) {
	if s.manual && r.Method != http.MethodGet {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		form := strings.ReplaceAll(string(body), "startType=autostart", "startType=manual")
		r.Body = io.NopCloser(strings.NewReader(form))
		r.ContentLength = int64(len(form))
	}
	s.mts.ServeHTTP(w, r)
}

// start starts the program on its store.
func (s *simulation) start() {
	s.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("ROWS_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	var err error
	if s.app, err = newApp(context.Background(), s.config, log, s.now); err != nil {
		s.Fatal(err)
	}
	web := rowsListen(s)
	s.url = "http://" + web.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	app := s.app
	go func() { done <- app.run(ctx, web) }()
	s.halt = func() {
		s.client.CloseIdleConnections()
		cancel()
		if err := errors.Join(<-done, app.Close()); err != nil {
			s.Errorf("the program ended with %v", err)
		}
	}
	s.downFrom = time.Time{}
	s.anna, s.boris = s.device(anna, "Thunderbird/153.0"), s.device(boris, "Evolution/3.56")
}

// stop ends the program; what it leaves stays in its store.
func (s *simulation) stop() {
	if s.halt != nil {
		s.halt()
		s.halt = nil
		s.downFrom = s.now()
	}
}

// A leftover is a row of work.
type leftover struct {
	kind     string
	subject  int64
	due      time.Time
	attempts int
	error    string
	lease    string
}

func (l leftover) String() string {
	text := fmt.Sprintf("%s %d due %v", l.kind, l.subject, l.due.Format(time.RFC3339))
	if l.lease != "" {
		text += ", being worked"
	}
	if l.attempts > 0 {
		text += fmt.Sprintf(", failed %d times: %s", l.attempts, l.error)
	}
	return text
}

// leftovers are all rows of work.
func (s *simulation) leftovers() []leftover {
	s.Helper()
	rows, err := s.work.Query(`SELECT kind, subject, due, attempts, error, lease FROM work`)
	if err != nil {
		s.Fatalf("look at the work: %v", err)
	}
	defer rows.Close()
	var list []leftover
	for rows.Next() {
		var l leftover
		var due int64
		if err := rows.Scan(&l.kind, &l.subject, &due, &l.attempts, &l.error, &l.lease); err != nil {
			s.Fatalf("look at the work: %v", err)
		}
		l.due = time.UnixMicro(due).UTC()
		list = append(list, l)
	}
	if err := rows.Err(); err != nil {
		s.Fatalf("look at the work: %v", err)
	}
	return list
}

// Bounds of real time: for what is due at one moment, and how often the queues are told to look.
const (
	yearsPatience = 90 * time.Second
	yearsLook     = 200 * time.Millisecond
)

// yearsTries is how often work may fail in a row: nothing in a simulation gives it a reason to.
const yearsTries = 4

// idle waits until nothing is due and nothing is being worked, and returns what is due later.
func (s *simulation) idle() []leftover {
	s.Helper()
	begun, looked := time.Now(), time.Time{}
	for {
		s.delivered()
		list := s.leftovers()
		var open []leftover
		for _, l := range list {
			if l.lease != "" || !l.due.After(s.now()) {
				open = append(open, l)
			}
			if l.attempts >= yearsTries {
				s.Fatalf("%s: work fails again and again: %v", s.when(), l)
			}
		}
		if len(open) == 0 {
			return list
		}
		if time.Since(begun) > yearsPatience {
			s.Fatalf("%s: after %v of real time there is still work that is due now: %v", s.when(), yearsPatience, open)
		}
		if time.Since(looked) > yearsLook {
			s.app.outbox.Look()
			looked = time.Now()
		}
		time.Sleep(300 * time.Microsecond)
	}
}

// step lets time pass until to: it stops wherever work is due and has it done.
func (s *simulation) step(to time.Time) {
	s.Helper()
	if s.halt == nil {
		s.jump(to)
		return
	}
	const most = 5000
	for range most {
		var next time.Time
		for _, l := range s.idle() {
			if next.IsZero() || l.due.Before(next) {
				next = l.due
			}
		}
		if next.IsZero() || next.After(to) {
			s.jump(to)
			return
		}
		s.jump(next)
	}
	s.Fatalf("%s: work is due more than %d times before %v: %v", s.when(), most, to, s.leftovers())
}

// settle lets the settle times of an action pass and what follows from it be done.
func (s *simulation) settle() {
	s.Helper()
	s.step(s.now().Add(max(s.config.Settle.d(), s.config.Mail.Settle.d()) + 5*time.Second))
}

// when tells the moment for messages.
func (s *simulation) when() string {
	return fmt.Sprintf("step %d, %s", s.steps, s.now().Format("Mon 2006-01-02 15:04:05Z"))
}

// secretOfHook is what account and program share.
const secretOfHook = "secret-of-the-years"

// subscribe has the account tell the program when a conference has ended.
func (s *simulation) subscribe() {
	s.Helper()
	if _, err := s.mts.AddWebhook(s.url+"/hook/mtslink", secretOfHook, "eventSession.ended"); err != nil {
		s.Fatal(err)
	}
}

// delivered waits until what the account tells has arrived.
func (s *simulation) delivered() {
	s.Helper()
	if !s.hook {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), yearsPatience)
	defer cancel()
	if err := s.mts.WaitWebhooks(ctx); err != nil {
		s.Fatalf("%s: webhooks do not arrive: %v", s.when(), err)
	}
}
