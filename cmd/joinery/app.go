package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"joinery/caldav"
	"joinery/caldav/change"
	"joinery/conference"
	"joinery/conference/booking"
	"joinery/mailer"
	"joinery/store"
	"joinery/store/outbox"
	"joinery/web"
)

// An app is the assembled program: everything that serve runs, and the parts that commands use.
type app struct {
	config     *config
	log        *slog.Logger
	now        func() time.Time
	store      *store.Store
	outbox     *outbox.Runner
	changer    *change.Changer
	providers  map[string]conference.Guarded
	reconciler *booking.Reconciler
	sweeper    *booking.Sweeper
	sender     *mailer.Sender
	metrics    *web.Metrics
	asked      atomic.Int64                    // requests since the start
	lmtp       *mailer.LMTP                    // nil: mail does not come in so
	mailbox    *mailer.IMAP                    // nil: nor so
	lmtpOn     net.Listener                    // of lmtp; nil: it does not run
	metricsOn  net.Listener                    // of the metrics alone; nil: none
	front      func(http.Handler) http.Handler // put before everything else; nil: nothing
}

// newApp opens the store and joins the parts. Nothing runs yet. Close must be called.
func newApp(ctx context.Context, c *config, log *slog.Logger, now func() time.Time) (*app, error) {
	a := &app{config: c, log: log, now: now, providers: map[string]conference.Guarded{}, metrics: web.NewMetrics(now)}
	var err error
	if a.store, err = store.Open(ctx, c.Store.URL, store.Options{Now: now, Log: log}); err != nil {
		return nil, fmt.Errorf("%s: store.url: %w", c.path, err)
	}
	a.outbox = outbox.New(a.store, outbox.Options{Log: log})
	plain := map[string]conference.Provider{}
	for _, p := range c.Providers {
		g, err := a.provider(p)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: provider %s: %w", c.path, p.Name, err), a.store.Close())
		}
		a.providers[p.Name], plain[p.Name] = g, g
	}
	policy := a.policy()
	a.changer = change.New(change.Options{
		Store: a.store, Outbox: a.outbox, Policy: policy,
		Failing: func(name string) bool {
			g, ok := a.providers[name]
			return !ok || g.Failing()
		},
	})
	a.reconciler = booking.New(booking.Options{
		Store: a.store, Outbox: a.outbox, Calendar: a.changer, Providers: plain, Log: log, Now: now,
		Accounts:    a.pool,
		Late:        func(name string) time.Duration { return a.account(name).LateAnswer.d() },
		DeniedRetry: func(name string, _ int) time.Duration { return a.account(name).DeniedRetry.d() },
		Observe:     a.metrics.Attempt,
	})
	a.sweeper = a.newSweeper(plain)
	a.outbox.Add(a.sweeper.Gate(a.reconciler.Queue()))
	a.outbox.Add(a.sweeper.Queue())
	a.outbox.Add(a.reconciler.AttendanceQueue())
	a.outbox.Add(a.changer.DeliverQueue())
	if a.sender, err = a.newSender(policy); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	for _, q := range a.sender.Queues() {
		a.outbox.Add(q)
	}
	if err := a.newIncoming(); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return a, nil
}

// Close closes the store.
func (a *app) Close() error { return a.store.Close() }

// provider opens an account behind its guard.
func (a *app) provider(p providerConfig) (conference.Guarded, error) {
	inner, err := providerKinds[p.Kind].open(p, nil, a.log, a.now)
	if err != nil {
		return nil, err
	}
	rate := p.PerSecond
	if rate == 0 {
		rate = 10
	}
	return conference.Guard(inner, conference.GuardOptions{
		Name: p.Name, Rate: rate, Burst: 10, Log: a.log, Now: a.now,
		Observe: func(call string, kind conference.ErrorKind, took time.Duration) {
			a.metrics.Call(p.Name, call, string(kind), took)
		},
	}), nil
}

// account is the configuration of an account; the zero value if there is none.
func (a *app) account(name string) providerConfig {
	for _, p := range a.config.Providers {
		if p.Name == name {
			return p
		}
	}
	return providerConfig{}
}

// pool lists the accounts at which conferences asked of an account may be, that one first.
func (a *app) pool(name string) []booking.Account {
	var list []booking.Account
	for _, p := range a.config.Providers {
		account := booking.Account{Name: p.Name, Single: p.OneAtATime}
		switch name {
		case p.Name:
			list = append([]booking.Account{account}, list...)
		case p.Pool:
			list = append(list, account)
		}
	}
	return list
}

// policy is the configuration as the write path needs it.
func (a *app) policy() change.Policy {
	c := a.config
	p := change.Policy{
		ServiceDomain: c.ServiceDomain, WaitForLink: c.CalDAV.WaitForLink.d(), Settle: c.Settle.d(),
		MailSettle: c.Mail.Settle.d(), MailWait: c.Mail.WaitForLink.d(), ImportBurst: c.CalDAV.ImportBurst,
		StrictIfMatch: c.CalDAV.StrictIfMatch, SendAgenda: c.Policy.SendAgenda, Who: c.Policy.Who, PerDay: c.Policy.PerDay,
		MaxAttendees: c.CalDAV.MaxAttendees, MaxSize: c.CalDAV.MaxSize, Domains: c.Mail.Domains,
		JoinBase: c.PublicURL + "/j/", JoinAlways: c.Conference.Links == "join", SeriesDirect: c.Conference.SeriesLinks == "direct",
		Attachments: c.attachable(),
		AnswerBase:  c.PublicURL + "/r/", DecisionBase: c.PublicURL + "/p/", MailLocals: c.Mail.Local,
		JoinOpens: c.Conference.Opens.d(), Register: c.Conference.Register, UnregisterDeclined: c.Conference.UnregisterDeclined,
	}
	for _, pc := range c.Providers {
		t := a.providers[pc.Name].Traits()
		words := change.ProviderWords{
			Name: pc.Name, Service: t.Service, Words: pc.Words, Resource: pc.Resource, Default: pc.Default,
			Kind: pc.DefaultKind, MaxTitle: t.TitleLimit, MaxLong: t.MaxDuration,
		}
		if d := pc.MaxDuration.d(); d > 0 {
			words.MaxLong = d
		}
		p.Providers = append(p.Providers, words)
	}
	return p
}

// handler is everything that the program answers over HTTP.
func (a *app) handler() http.Handler {
	options := caldav.Options{
		Store: a.store, Changes: a.changer, Now: a.now, Log: a.log, PublicURL: a.config.PublicURL,
		MaxSize: a.config.CalDAV.MaxSize, MaxAttendees: a.config.CalDAV.MaxAttendees, PerSecond: a.config.CalDAV.PerSecond,
		ClientAddress: a.clientAddress(), Observe: func(method string, status int, took time.Duration) {
			a.asked.Add(1)
			a.metrics.Request(method, status, took)
		},
	}
	if a.config.attaches() {
		options.Attachments, options.Attachable = a.changer, a.config.attachable()
	}
	dav := caldav.New(options)
	h := web.New(web.Options{
		Store: a.store, CalDAV: dav, Metrics: a.metrics, Accounts: a.accounts, Log: a.log, Now: a.now,
		OpenMetrics: a.config.Metrics == "", Door: a.changer.Door, Hook: a.hook,
		Invitation: a.changer.Invitation, Answer: a.changer.Answer, Attachments: true,
		Proposals: a.changer.Proposals, KeepTime: a.changer.KeepTime, TakeTime: a.changer.TakeTime,
	})
	if a.front != nil {
		h = a.front(h)
	}
	return h
}

// clientAddress says who is asking, for counting wrong passwords.
func (a *app) clientAddress() func(*http.Request) string {
	if !a.config.CalDAV.TrustProxy {
		return nil
	}
	return web.ForwardedFor
}

// accounts lists the providers' accounts as they are now, in the configuration's order.
func (a *app) accounts() []web.Account {
	var list []web.Account
	for _, p := range a.config.Providers {
		g := a.providers[p.Name]
		account := web.Account{Name: p.Name, Failing: g.Failing()}
		if err, _ := g.LastError(); err != nil {
			account.Error = err.Error()
		}
		list = append(list, account)
	}
	return list
}

// run serves on l, and does the work, until ctx ends. Requests under way are finished.
func (a *app) run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second,
		WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.work(ctx) })
	g.Go(func() error { return a.housekeeping(ctx) })
	g.Go(func() error { return a.giveBack(ctx) })
	g.Go(func() error {
		var err error
		if t := a.config.TLS; t.Cert != "" {
			err = server.ServeTLS(l, t.Cert, t.Key)
		} else {
			err = server.Serve(l)
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	a.runIncoming(ctx, g)
	if a.metricsOn != nil {
		g.Go(func() error { return serveUntil(ctx, a.metricsOn, a.metrics.Handler(a.store, a.accounts)) })
	}
	g.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return server.Shutdown(stop)
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// work takes up earlier work and does the outbox's until ctx ends, once no other program does it on this
// database: one that is being stopped, say, and is still at some of it.
func (a *app) work(ctx context.Context) error {
	done, err := a.store.Alone(ctx, func() {
		a.log.Warn("another joinery serve is at work on this database; this one answers requests, and takes over when that one has ended")
	})
	if ctx.Err() != nil {
		if err == nil {
			done()
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	if err := a.store.Update(ctx, a.recover); err != nil && ctx.Err() == nil {
		return fmt.Errorf("take up earlier work: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.reindex(ctx) })
	g.Go(func() error { return a.outbox.Run(ctx) })
	return g.Wait()
}

// recover has everything looked at that an earlier process may have left half done, or that another
// configuration lets succeed now.
func (a *app) recover(tx *store.Tx) error {
	if err := a.reconciler.Recover(tx); err != nil {
		return err
	}
	if err := a.sweeper.Recover(tx); err != nil {
		return err
	}
	return a.changer.Recover(tx)
}

// history is how long earlier revisions, tombstones and sent mail are kept.
const history = 30 * 24 * time.Hour

// purgeBatch is how many rows are purged in one transaction: saves wait for it no longer than for
// one another.
const purgeBatch = 200

// abandoned is how old files are that were sent and to which no event came to refer, once they are removed.
const abandoned = 24 * time.Hour

// purgeChunks is purgeBatch of files, whose rows are large.
const purgeChunks = 16

// purgeFiles removes the files that no event has referred to for as long as history is kept.
func (a *app) purgeFiles(tx *store.Tx) (more bool, err error) {
	return tx.PurgeAttachments(tx.Now().Add(-history), tx.Now().Add(-abandoned), purgeChunks)
}

// reindexPause is between batches of what earlier versions stored: a million objects take some minutes,
// in which those who ask for something notice nothing.
const reindexPause = 50 * time.Millisecond

// reindex brings the index of what earlier versions stored up to date, once: when none of them is at work
// any more.
func (a *app) reindex(ctx context.Context) error {
	if err := a.changer.Reindex(ctx, reindexPause); err != nil && ctx.Err() == nil {
		a.log.Error("reindex", "error", err)
	}
	return nil
}

// housekeeping purges old history once a day.
func (a *app) housekeeping(ctx context.Context) error {
	for {
		var err error
		for more := true; more && err == nil; {
			err = a.store.Update(ctx, func(tx *store.Tx) (err error) {
				more, err = tx.PurgeHistory(tx.Now().Add(-history), purgeBatch)
				return err
			})
		}
		for more := true; more && err == nil; {
			err = a.store.Update(ctx, func(tx *store.Tx) (err error) {
				more, err = a.purgeFiles(tx)
				return err
			})
		}
		if err != nil && ctx.Err() == nil {
			a.log.Error("purge history", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(24 * time.Hour):
		}
	}
}
