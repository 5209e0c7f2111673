package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// A faultAccount is the account that several installations share. It lives in this process, so that
// what people do in the vendor's own page can be done to it.
type faultAccount struct {
	mts    *emulator.MTSLink
	server *httptest.Server
	busy   atomic.Int64 // calls that are being answered
}

const faultHookSecret = "secret-of-the-fault-program"

// newFaultAccount opens an account. By hand says whose conferences do not begin by themselves.
func newFaultAccount(t *testing.T, clock *faultClock, byHand func(title string) bool, members ...emulator.Member) *faultAccount {
	a := &faultAccount{}
	a.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.busy.Add(1)
		defer a.busy.Add(-1)
		if id, ok := strings.CutPrefix(r.URL.Path, "/v3/events/"); ok && r.Method == http.MethodPost && strings.HasSuffix(id, "/sessions") {
			a.manual(r, strings.TrimSuffix(id, "/sessions"), byHand)
		}
		a.mts.ServeHTTP(w, r)
	}))
	a.mts = emulator.NewMTSLink(emulator.MTSLinkOptions{
		Token: faultToken, Now: clock.now, Zone: "Europe/Moscow", PublicURL: "http://" + a.server.Listener.Addr().String(), Members: members,
	})
	a.server.Start()
	t.Cleanup(func() {
		a.server.CloseClientConnections()
		a.server.Close()
		a.mts.Close()
	})
	return a
}

// manual makes a new session one that begins by hand, where its event's title says so.
func (a *faultAccount) manual(r *http.Request, id string, byHand func(title string) bool) {
	for _, c := range a.mts.Conferences("SHELL") {
		if c.ID != id || !byHand(c.EventName) {
			continue
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		form, err := url.ParseQuery(string(body))
		if err == nil && form.Has("startType") {
			form.Set("startType", "manual")
			body = []byte(form.Encode())
		}
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
	}
}

// newFaultHouse makes an installation on the account, with its own store and its own mail server.
// The server does not run yet.
func newFaultHouse(ctx context.Context, t *testing.T, seed uint64, clock *faultClock, account *faultAccount) *faultRun {
	t.Helper()
	w := &faultWorld{
		t: t, dir: t.TempDir(), http: &http.Client{Timeout: 30 * time.Second}, up: make(chan struct{}), mts: account.server.URL,
	}
	w.command = func(ctx context.Context, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestFaultProgram$", "-test.timeout=0")
		args = append(args, "--config", w.config)
		cmd.Env = append(os.Environ(), faultProgramArgs+"="+strings.Join(args, "\n"), faultProgramClock+"="+clock.path)
		return cmd
	}
	end, held, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end.Close(); held.Close() })
	w.serving = end
	ports := faultPorts(t, 3)
	w.listen, w.relay = ports[0], ports[2]
	w.config = filepath.Join(w.dir, "joinery.toml")
	text := fmt.Sprintf(faultConfig, w.listen, filepath.ToSlash(w.database()), ports[1], strings.TrimPrefix(w.mts, "http://"), faultToken)
	text = "reconcile_every = \"3h\"\n" + strings.Replace(text, `"300ms"`, `"50ms"`, 1) + "webhook_secret = \"" + faultHookSecret + "\"\n"
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := account.mts.AddWebhook("http://"+w.listen+"/hook/mtslink", faultHookSecret); err != nil {
		t.Fatal(err)
	}
	w.startRelay(ctx, ports[1], seed)
	return &faultRun{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), world: w, now: clock.now, daytime: true,
		windows: map[string]int{}, tags: map[string]string{},
	}
}

// addUser adds a user with this number of devices, which decide by seeds from seed on.
func (r *faultRun) addUser(ctx context.Context, seed uint64, name, locale, zone string, devices int) {
	r.t.Helper()
	login := strings.ToLower(name)
	u := &faultUser{login: login, email: login + "@example.org", name: name, locale: locale, zone: zone}
	if _, err := r.world.run(ctx, faultPassword+"\n", "user", "add", u.login, "--email", u.email, "--name", u.name,
		"--locale", u.locale, "--zone", u.zone, "--password-stdin"); err != nil {
		r.t.Fatal(err)
	}
	r.users = append(r.users, u)
	for i := range devices {
		agent := []string{"Desktop/1.0", "Phone/1.0"}[i]
		r.devices = append(r.devices, newFaultDevice(r, u, agent, seed+uint64(i)))
	}
}

// pending says what an installation has to do by now; empty if nothing. The earliest of what it has
// to do later is due.
func (r *faultRun) pending(ctx context.Context, db *sql.DB) (left string, due time.Time, err error) {
	rows, err := db.QueryContext(ctx, `SELECT kind || ' ' || subject || ' ' || error, due, lease <> '' FROM work`)
	if err != nil {
		return "", due, err
	}
	defer rows.Close()
	now := r.now()
	for rows.Next() {
		var text string
		var at int64
		var leased bool
		if err := rows.Scan(&text, &at, &leased); err != nil {
			return "", due, err
		}
		t := time.UnixMicro(at)
		switch {
		case leased || !t.After(now):
			left += text + "; "
		case due.IsZero() || t.Before(due):
			due = t
		}
	}
	return left, due, rows.Err()
}

// unfinished says what is not at its end although nothing is left to do for it; empty if nothing is.
func (r *faultRun) unfinished(ctx context.Context, db *sql.DB) (string, error) {
	var list []string
	for _, q := range []struct{ what, query string }{
		{"room", `SELECT id || ' ' || state || ' ' || last_error FROM rooms WHERE state IN ('intended', 'creating', 'releasing')`},
		{"message", `SELECT id || ' ' || state || ' ' || last_error FROM messages WHERE state IN ('stored', 'trying')`},
		{"work", `SELECT kind || ' ' || subject || ' ' || error FROM work WHERE attempts > 0 AND kind <> 'attendance'`},
	} {
		rows, err := db.QueryContext(ctx, q.query+" LIMIT 3")
		if err != nil {
			return "", err
		}
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return "", errors.Join(err, rows.Close())
			}
			list = append(list, q.what+" "+text)
		}
		if err := rows.Close(); err != nil {
			return "", err
		}
	}
	return strings.Join(list, "; "), nil
}

// installation begins the keys of an installation's rooms.
func (r *faultRun) installation(ctx context.Context, db *sql.DB) (prefix string, err error) {
	err = db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'installation'`).Scan(&prefix)
	return prefix + "-", err
}
