package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"

	"joinery/store"
)

// IMAPOptions are what a mailbox's reader is given from outside.
type IMAPOptions struct {
	Taker    Taker
	Store    *store.Store // keeps how far the mailbox was read
	Address  string       // see ParseIMAP
	Password string
	TLS      *tls.Config      // nil: the system's authorities
	Interval time.Duration    // between looks, where the server does not say that mail came; 0: a minute
	MaxSize  int64            // of a mail in bytes, larger ones are passed over; 0: 64 MiB
	Now      func() time.Time // nil: the store's clock
	Log      *slog.Logger     // nil: discarded
	Fault    func()           // told each time that reading stops at a fault; nil: nobody
}

// An IMAP reader takes the mail that comes into a mailbox. It only reads: nothing there is flagged,
// moved or deleted, and what is not an answer is left to who reads the mailbox. How far it got is kept
// in the store. Run and Check may be called side by side, Run once at a time.
type IMAP struct {
	opts IMAPOptions
	at   *IMAPAddress
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	failing bool
	// What stopped a fetch is asked for differently the next time, see batch and take.
	careful imap.UID // up to here mails are looked at one by one
	trouble struct {
		uid   imap.UID
		times int
	}
}

// NewIMAP returns a reader that Run runs. The error is a sentence on the address.
func NewIMAP(o IMAPOptions) (*IMAP, error) {
	at, err := ParseIMAP(o.Address)
	if err != nil {
		return nil, err
	}
	if o.Interval == 0 {
		o.Interval = time.Minute
	}
	if o.MaxSize == 0 {
		o.MaxSize = maxIncoming
	}
	if o.Now == nil {
		o.Now = time.Now
		if o.Store != nil {
			o.Now = o.Store.Now
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Fault == nil {
		o.Fault = func() {}
	}
	d := net.Dialer{Timeout: dialTimeout}
	return &IMAP{opts: o, at: at, dial: d.DialContext}, nil
}

// Waits after faults: the first, doubled up to the longest.
const (
	imapFirstWait = 5 * time.Second
	imapLastWait  = 5 * time.Minute
)

// Run reads until ctx ends. Faults, of the server and of ours, are tried again where it stopped.
func (m *IMAP) Run(ctx context.Context) error {
	wait := imapFirstWait
	for {
		got, err := m.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if got {
			wait = imapFirstWait
		}
		m.failing = true
		m.opts.Fault()
		var fault *takeFault
		if errors.As(err, &fault) {
			m.opts.Log.Error("mail that came in cannot be taken now", "again_in", wait, "error", err)
		} else {
			m.opts.Log.Warn("the mailbox cannot be read", "again_in", wait, "error", err)
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			again.Stop()
			return nil
		case <-again.C:
		}
		wait = min(2*wait, imapLastWait)
	}
}

// follow reads the mailbox until a fault or the end of ctx, which ends it with an error of some sort.
// got tells that it went on since it began.
func (m *IMAP) follow(ctx context.Context) (got bool, err error) {
	c, err := m.open(ctx)
	if err != nil {
		return false, err
	}
	defer c.Close()
	var box *imap.SelectData
	err = c.do("open the mailbox", replyTimeout, func() (err error) {
		box, err = c.Select(m.at.Mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	})
	if err != nil {
		return false, err
	}
	p, err := m.begin(ctx, c, box)
	if err != nil {
		return false, err
	}
	for {
		before := p.last
		err := m.look(ctx, c, p)
		got = got || err == nil || p.last != before
		if err != nil {
			return got, err
		}
		if m.failing {
			m.failing = false
			m.opts.Log.Info("the mailbox is read again")
		}
		if err := c.wait(ctx, m.opts.Interval); err != nil {
			return got, err
		}
	}
}
