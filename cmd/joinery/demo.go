package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"joinery/caldav"
	"joinery/conference/emulator"
	"joinery/store"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	dir, listen, smtp, emulator string
}

func (p *program) demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything in one process, to try it out",
		Long: `Run everything in one process: the server, an emulated MTS Link account, a mail server that
catches all mail and shows it on a page, and the users anna and boris with the password "demo".
Nothing leaves this machine.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.demo(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "keep everything in `DIR`; without it a temporary folder that is removed at the end")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "the server's `ADDRESS`")
	f.StringVar(&o.smtp, "smtp", "127.0.0.1:2525", "the mail catcher's `ADDRESS`")
	f.StringVar(&o.emulator, "emulator", "127.0.0.1:9090", "the emulated MTS Link's `ADDRESS`")
	return cmd
}

// demoToken is the emulated account's key. It opens nothing else.
const demoToken = "demo-token-of-the-emulated-account"

// demoSecret signs the emulated account's webhooks. It opens nothing either.
const demoSecret = "demo-phrase-of-the-webhooks"

// demoConfig is the demo's configuration file; settle times are short, so that one sees what happens.
const demoConfig = `# The demo's configuration, written anew at each start.
listen = %[1]q
public_url = "http://%[2]s"
service_domain = "conference.example.org"
settle = "2s"
log = "warn"

[store]
url = "sqlite:demo.db"

[caldav]
wait_for_link = "3s"

[mail]
relay = "smtp://%[3]s"
domains = ["example.org"]
wait_for_link = "30s"
settle = "1s"

[[provider]]
name = "mtslink"
kind = "mtslink"
base_url = "http://%[4]s/v3"
token = %[5]q
words = { "Webinar" = "webinar", "Вебинар" = "webinar", "МТС Линк" = "meeting", "MTS Link" = "meeting" }
resource = "webinar"
default = true
late_answer = "2s"
denied_retry = "2s"
webhook_secret = %[6]q
`

// demoUsers are in the store, and in the emulated organisation, from the start.
var demoUsers = []newUser{
	{Login: "anna", Name: "Anna Petrova", Addresses: []string{"anna@example.org"}, Locale: "en", Zone: "Europe/Moscow", Password: "demo"},
	{Login: "boris", Name: "Boris Orlov", Addresses: []string{"boris@example.org"}, Locale: "en", Zone: "Europe/Moscow", Password: "demo"},
}

func (p *program) demo(ctx context.Context, o demoOptions) (err error) {
	var listeners []net.Listener
	for _, f := range []struct{ flag, address string }{{"listen", o.listen}, {"smtp", o.smtp}, {"emulator", o.emulator}} {
		l, err := listenTCP(f.address)
		if err != nil {
			return fmt.Errorf("%w; choose another address with --%s, 127.0.0.1:0 takes any free port", err, f.flag)
		}
		defer l.Close()
		listeners = append(listeners, l)
	}
	dir, remove, err := demoDir(o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()

	dav, smtp, emu := listeners[0], listeners[1], listeners[2]
	config := fmt.Sprintf(demoConfig, dav.Addr(), reachable(dav.Addr()), reachable(smtp.Addr()), reachable(emu.Addr()), demoToken, demoSecret)
	path := filepath.Join(dir, "demo.toml") // never somebody's joinery.toml
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return fmt.Errorf("write the demo's configuration: %w", err)
	}
	c, err := loadConfig(path, nil)
	if err != nil {
		return err
	}
	log := p.logger(c)
	a, err := newApp(ctx, c, log, p.now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.store.Update(ctx, func(tx *store.Tx) error { return addDemoUsers(tx, p.random) }); err != nil {
		return fmt.Errorf("add the demo's users: %w", err)
	}
	account := emulator.NewMTSLink(demoAccount(emu.Addr(), dir, p.now, log))
	defer account.Close()
	if _, err := account.AddWebhook(c.PublicURL+"/hook/mtslink", demoSecret); err != nil {
		return fmt.Errorf("have the emulated account send webhooks: %w", err)
	}
	mails := newCatcher(p.now)
	a.front = demoFront(mails)

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { account.Run(ctx); return nil })
	g.Go(func() error { return serveUntil(ctx, emu, account) })
	g.Go(func() error { return mails.Serve(smtp) })
	g.Go(func() error { <-ctx.Done(); return mails.Close() })
	g.Go(func() error { return a.run(ctx, dav) })
	intro := demoIntro{
		URL: c.PublicURL, Host: reachable(dav.Addr()), Emulator: "http://" + reachable(emu.Addr()), Config: path,
		Program: p.name, Now: p.now(), Start: nextWorkday(p.now(), demoUsers[0].Zone),
	}
	if err := intro.print(p.out); err != nil {
		return err
	}
	return g.Wait()
}

// demoDir is the demo's folder and how to tidy it up.
func demoDir(dir string) (string, func() error, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", nil, fmt.Errorf("make the demo's folder: %w", err)
		}
		dir, err := filepath.Abs(dir)
		return dir, func() error { return nil }, err
	}
	dir, err := os.MkdirTemp("", "joinery-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make the demo's folder: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// reachable is an address under which this machine reaches a listener.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// addDemoUsers adds those of the demo's users that are not there.
func addDemoUsers(tx *store.Tx, random io.Reader) error {
	for _, n := range demoUsers {
		_, err := tx.UserByLogin(n.Login)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		hash, err := caldav.HashPassword(n.Password, random)
		if err != nil {
			return err
		}
		if err := createUser(tx, n, hash); err != nil {
			return err
		}
	}
	return nil
}

// demoAccount is the emulated account: its members are the demo's users, its links lead to its own
// pages.
func demoAccount(addr net.Addr, dir string, now func() time.Time, log *slog.Logger) emulator.MTSLinkOptions {
	o := emulator.MTSLinkOptions{
		Token: demoToken, Now: now, PublicURL: "http://" + reachable(addr), Zone: demoUsers[0].Zone,
		File: filepath.Join(dir, "mtslink.json"), Log: log,
	}
	for _, n := range demoUsers {
		o.Members = append(o.Members, emulator.Member{Email: n.Addresses[0], Name: n.Name, Confirmed: true})
	}
	return o
}

// demoFront puts the mail page before everything else.
func demoFront(mails http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/demo", "/demo/":
				http.Redirect(w, r, "/demo/mail", http.StatusFound)
			case "/demo/mail", "/demo/mail/", "/demo/mail.json":
				mails.ServeHTTP(w, r)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// serveUntil serves h on l until ctx ends.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
