package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"joinery/conference"
)

// An IMAPAddress is a mailbox and how to reach it.
type IMAPAddress struct {
	Secure  bool   // TLS from the first byte; otherwise STARTTLS, or nothing on the loopback interface
	Host    string // without port
	Server  string // HOST:PORT
	User    string
	Mailbox string
}

// ParseIMAP reads imaps://USER@HOST:PORT/MAILBOX or imap://…. Without them the port is 993 or 143 and
// the mailbox is INBOX. The error is a sentence on the value.
func ParseIMAP(address string) (*IMAPAddress, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("not an address like imaps://answers@mail.example.org/INBOX")
	}
	ports := map[string]string{"imaps": "993", "imap": "143"}
	port, ok := ports[u.Scheme]
	_, password := u.User.Password()
	switch {
	case !ok:
		return nil, errors.New("the scheme must be imaps or imap")
	case u.Hostname() == "":
		return nil, errors.New("the host is missing")
	case u.User.Username() == "":
		return nil, errors.New("the user is missing")
	case password:
		return nil, errors.New("the password does not belong into the address")
	case u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("nothing may stand behind the mailbox")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	a := &IMAPAddress{
		Secure: u.Scheme == "imaps", Host: u.Hostname(), Server: net.JoinHostPort(u.Hostname(), port),
		User: u.User.Username(), Mailbox: strings.Trim(u.Path, "/"),
	}
	if a.Mailbox == "" {
		a.Mailbox = "INBOX"
	}
	return a, nil
}

// An imapFault says at what reading a mailbox stopped.
type imapFault struct {
	Doing string // "connect", "TLS", "STARTTLS", "log in", "open the mailbox", …
	Err   error
}

func (e *imapFault) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *imapFault) Unwrap() error { return e.Err }

// An imapSession is a connection that has logged in.
type imapSession struct {
	*imapclient.Client
	conn    net.Conn
	changed chan struct{} // holds one where the server said that mail came
	late    atomic.Bool   // it was closed because an answer did not come
	polls   bool          // the server has no IDLE
	release func() bool
}

// Close closes the connection without a word: nothing there is left half done.
func (s *imapSession) Close() {
	s.release()
	_ = s.conn.Close()
	_ = s.Client.Close()
}

// do has f wait for the server, for so long at most. go-imap itself waits for ever.
func (s *imapSession) do(doing string, most time.Duration, f func() error) error {
	guard := time.AfterFunc(most, func() {
		s.late.Store(true)
		s.conn.Close()
	})
	defer guard.Stop()
	err := f()
	switch {
	case err == nil:
		return nil
	case s.late.Load():
		err = fmt.Errorf("no answer within %s", most)
	}
	return &imapFault{doing, err}
}

// open connects, turns on TLS and logs in. The connection is closed when ctx ends.
func (m *IMAP) open(ctx context.Context) (*imapSession, error) {
	conn, err := m.dial(ctx, "tcp", m.at.Server)
	if err != nil {
		return nil, &imapFault{"connect", err}
	}
	s := &imapSession{conn: conn, changed: make(chan struct{}, 1)}
	s.release = context.AfterFunc(ctx, func() { conn.Close() })
	if err := m.greet(ctx, s); err != nil {
		s.release()
		_ = conn.Close()
		return nil, err
	}
	if err := m.login(s); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// greet turns on TLS and waits for the greeting.
func (m *IMAP) greet(ctx context.Context, s *imapSession) error {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.opts.TLS != nil {
		secure = m.opts.TLS.Clone()
	}
	if secure.ServerName == "" {
		secure.ServerName = m.at.Host
	}
	o := &imapclient.Options{TLSConfig: secure, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages == nil {
				return
			}
			select {
			case s.changed <- struct{}{}:
			default:
			}
		},
	}}
	if m.at.Secure {
		handshake, cancel := context.WithTimeout(ctx, replyTimeout)
		defer cancel()
		c := tls.Client(s.conn, secure)
		if err := c.HandshakeContext(handshake); err != nil {
			return &imapFault{"TLS", err}
		}
		s.Client = imapclient.New(c, o)
	} else if loopback(s.conn.RemoteAddr()) {
		s.Client = imapclient.New(s.conn, o)
	} else {
		return s.do("STARTTLS", replyTimeout, func() (err error) {
			s.Client, err = imapclient.NewStartTLS(s.conn, o)
			return err
		})
	}
	if err := s.do("greeting", replyTimeout, s.WaitGreeting); err != nil {
		_ = s.Client.Close()
		return err
	}
	return nil
}

// login logs in, unless the server knows us by our connection (PREAUTH).
func (m *IMAP) login(s *imapSession) error {
	if s.State() == imap.ConnStateAuthenticated {
		return nil
	}
	return s.do("log in", replyTimeout, func() error {
		caps := s.Caps()
		switch {
		case caps.Has(imap.AuthCap("PLAIN")):
			return refusal(s.Authenticate(sasl.NewPlainClient("", m.at.User, m.opts.Password)))
		case !caps.Has(imap.CapLoginDisabled):
			return refusal(s.Login(m.at.User, m.opts.Password).Wait())
		}
		return errors.New("the server takes no password over this connection")
	})
}

// refusal keeps the code of the server's answer to a login, whose text may repeat what was sent.
func refusal(err error) error {
	var answer *imap.Error
	if errors.As(err, &answer) {
		return &imap.Error{Type: answer.Type, Code: answer.Code, Text: "the login is refused"}
	}
	return err
}

// wait returns nil once mail may have come: when the server says so (RFC 2177), and after so long in
// any case. It returns an error when the connection or ctx ends.
func (s *imapSession) wait(ctx context.Context, most time.Duration) error {
	var idle *imapclient.IdleCommand
	if !s.polls && s.Caps().Has(imap.CapIdle) {
		err := s.do("IDLE", replyTimeout, func() (err error) {
			idle, err = s.Idle()
			return err
		})
		var answer *imap.Error
		if err != nil && !errors.As(err, &answer) {
			return err
		}
		s.polls = err != nil
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	var err error
	select {
	case <-s.changed:
	case <-timer.C:
	case <-s.Closed():
		err = &imapFault{"wait for mail", errors.New("the server closed the connection")}
	case <-ctx.Done():
		err = ctx.Err()
	}
	if idle == nil || err != nil {
		return err
	}
	return s.do("IDLE", replyTimeout, func() error {
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	})
}

// Check logs in, opens the mailbox and says what of it works. Nothing there is changed. It is for doctor.
func (m *IMAP) Check(ctx context.Context) []conference.Finding {
	ctx, cancel := context.WithTimeout(ctx, submitTimeout)
	defer cancel()
	const name = "mail answers, mailbox"
	fail := func(err error) []conference.Finding {
		f := conference.Finding{Name: name, Detail: printable(err.Error()), Remedy: "See that the server runs and is not overloaded."}
		var fault *imapFault
		if errors.As(err, &fault) {
			if remedy := m.remedy(fault.Doing); remedy != "" {
				f.Remedy = remedy
			}
		}
		return []conference.Finding{f}
	}
	s, err := m.open(ctx)
	if err != nil {
		return fail(err)
	}
	defer s.Close()
	var box *imap.SelectData
	err = s.do("open the mailbox", replyTimeout, func() (err error) {
		box, err = s.Select(m.at.Mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	})
	if err != nil {
		return fail(err)
	}
	f := conference.Finding{Name: name, OK: true, Detail: fmt.Sprintf("logged in at %s as %s; %s has %d mails", m.at.Server, m.at.User, m.at.Mailbox, box.NumMessages)}
	if m.opts.Store != nil {
		p, err := m.load(ctx)
		switch {
		case err != nil: // the store has a line of its own
		case p == nil || p.validity != box.UIDValidity:
			f.Detail += ", none was looked at yet"
		case box.UIDNext > p.last+1:
			f.Detail += ", the newest were not looked at yet"
		default:
			f.Detail += ", all were looked at"
		}
	}
	return []conference.Finding{f}
}

// remedy mends what stopped opening the mailbox.
func (m *IMAP) remedy(doing string) string {
	switch doing {
	case "connect", "greeting":
		return "Correct host and port in mail.incoming.imap, and see that the server runs and lets this machine connect."
	case "TLS":
		return "Give the server a certificate that this machine trusts for " + m.at.Host + ", or name its authority in mail.ca_file; use imap:// if it begins without TLS."
	case "STARTTLS":
		return "Turn on STARTTLS at the server with a certificate for " + m.at.Host + ", or use imaps:// in mail.incoming.imap."
	case "log in":
		return "Correct the user in mail.incoming.imap and the password in mail.incoming.password, and let the server take passwords."
	case "open the mailbox":
		return "Correct the mailbox in mail.incoming.imap, or give the user the right to read it."
	}
	return ""
}
