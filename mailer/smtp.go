package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// An Outcome is what became of one submission.
type Outcome string

// The outcomes of a submission.
const (
	Accepted  Outcome = "accepted"  // the relay has taken responsibility
	Refused   Outcome = "refused"   // for good: this recipient or this message
	Temporary Outcome = "temporary" // surely not taken; try again
	Ambiguous Outcome = "ambiguous" // the message was sent whole, the answer is unknown
)

// A SubmitError is a submission that was not accepted. Its text holds no secret.
type SubmitError struct {
	Outcome Outcome
	Doing   string // "RCPT", "connect", …
	Err     error
}

func (e *SubmitError) Error() string { return fmt.Sprintf("%s: %v", e.Doing, e.Err) }

// Unwrap gives the cause; *smtp.SMTPError where the relay answered.
func (e *SubmitError) Unwrap() error { return e.Err }

// Timeouts of one submission; all of it must end well before the lease does.
const (
	dialTimeout   = 10 * time.Second
	replyTimeout  = 15 * time.Second
	dataTimeout   = 30 * time.Second
	submitTimeout = 40 * time.Second
	idleTime      = 5 * time.Second // how long a session is kept for the next message
	maxIdle       = 4
)

// How a relay is spoken to.
const (
	schemePlain    = "smtp"          // STARTTLS when offered
	schemeStartTLS = "smtp+starttls" // STARTTLS or nothing
	schemeTLS      = "smtps"         // TLS from the first byte
)

// A Relay is the mail server that takes our mail. It is safe for concurrent use.
type Relay struct {
	scheme, host, addr string
	user, password     string
	tls                *tls.Config
	local              string // for EHLO
	now                func() time.Time

	mu      sync.Mutex
	offered bool // STARTTLS was offered before
	idle    []*session
}

// A session is an open connection that has greeted and logged in.
type session struct {
	client *smtp.Client
	conn   net.Conn
	used   time.Time
}

// NewRelay reads a relay's address: smtp://HOST:PORT, smtp+starttls:// or smtps://, with USER@ where
// it wants a login (AUTH PLAIN or LOGIN) with password. The default ports are 25, 587 and 465. conf
// may be nil: the system's authorities, and none for smtp:// without a login. local is our name for EHLO; "localhost" if empty. The error is a sentence on the value.
func NewRelay(address, password string, conf *tls.Config, local string) (*Relay, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("not an address like smtp://mail.example.org:587")
	}
	ports := map[string]string{schemePlain: "25", schemeStartTLS: "587", schemeTLS: "465"}
	port, ok := ports[u.Scheme]
	switch {
	case !ok:
		return nil, fmt.Errorf("the scheme must be %s, %s or %s", schemePlain, schemeStartTLS, schemeTLS)
	case u.Hostname() == "":
		return nil, errors.New("the host is missing")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("nothing may stand behind the port")
	}
	if _, has := u.User.Password(); has {
		return nil, errors.New("the password does not belong into the address")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if local == "" {
		local = "localhost"
	}
	r := &Relay{
		scheme: u.Scheme, host: u.Hostname(), addr: net.JoinHostPort(u.Hostname(), port),
		user: u.User.Username(), password: password, local: local, now: time.Now,
	}
	if conf != nil {
		r.tls = conf.Clone()
	} else {
		r.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if r.tls.ServerName == "" {
		r.tls.ServerName = r.host
	}
	if r.scheme == schemePlain && r.user == "" && conf == nil {
		// Nothing secret but the mail is at stake, and the alternative is no encryption (RFC 7435).
		r.tls.InsecureSkipVerify = true
	}
	return r, nil
}

// Submit hands body, a whole mail, to the relay. The error is *SubmitError. Doing it again with the
// same bytes is how an Ambiguous outcome is resolved.
func (r *Relay) Submit(ctx context.Context, from, to string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, submitTimeout)
	defer cancel()
	for {
		s, reused, err := r.session(ctx)
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { s.conn.Close() })
		fresh, err := s.send(from, to, body)
		stop()
		if err == nil {
			r.keep(s)
			return nil
		}
		var answer *smtp.SMTPError
		if errors.As(err, &answer) && answer.Code != 421 && s.client.Reset() == nil {
			r.keep(s)
		} else {
			s.conn.Close()
		}
		if reused && fresh && !errors.As(err, &answer) {
			continue // the relay had closed an idle session; a new one is not reused
		}
		return err
	}
}

// send sends one message over s. fresh tells that nothing was answered yet: a session that was kept
// may be closed by then.
func (s *session) send(from, to string, body []byte) (fresh bool, err error) {
	opts := &smtp.MailOptions{}
	if !ascii(from) || !ascii(to) {
		if ok, _ := s.client.Extension("SMTPUTF8"); !ok {
			return false, &SubmitError{Refused, "MAIL", errors.New("the relay takes no addresses beyond ASCII")}
		}
		opts.UTF8 = true
	}
	if err := s.client.Mail(from, opts); err != nil {
		// A sender that the relay does not take is the administrator's to mend: nothing is lost.
		return true, &SubmitError{Temporary, "MAIL", err}
	}
	if err := s.client.Rcpt(to, nil); err != nil {
		return false, &SubmitError{permanent(err), "RCPT", err}
	}
	w, err := s.client.Data()
	if err != nil {
		return false, &SubmitError{permanent(err), "DATA", err}
	}
	if _, err := w.Write(body); err != nil {
		return false, &SubmitError{Temporary, "DATA", err} // without its end the relay has no message
	}
	if err := w.Close(); err != nil {
		var answer *smtp.SMTPError
		if errors.As(err, &answer) {
			return false, &SubmitError{permanent(err), "DATA", err}
		}
		return false, &SubmitError{Ambiguous, "DATA", err}
	}
	s.used = time.Now()
	return false, nil
}

// permanent tells what the relay's answer to a recipient or a message means.
func permanent(err error) Outcome {
	var answer *smtp.SMTPError
	if !errors.As(err, &answer) || answer.Code < 500 {
		return Temporary
	}
	switch answer.Code {
	case 503, 530, 534, 535, 538: // the login is missing or wrong: it is not about this message
		return Temporary
	}
	return Refused
}

// session returns an idle session or opens one.
func (r *Relay) session(ctx context.Context) (s *session, reused bool, err error) {
	r.mu.Lock()
	for len(r.idle) > 0 {
		last := r.idle[len(r.idle)-1]
		r.idle = r.idle[:len(r.idle)-1]
		if r.now().Sub(last.used) < idleTime {
			r.mu.Unlock()
			return last, true, nil
		}
		last.conn.Close()
	}
	r.mu.Unlock()
	s, err = r.open(ctx)
	return s, false, err
}

// keep leaves s for the next message, for a short time.
func (r *Relay) keep(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.idle) >= maxIdle {
		s.conn.Close()
		return
	}
	s.used = r.now()
	r.idle = append(r.idle, s)
	time.AfterFunc(idleTime+time.Second, r.sweep)
}

// sweep closes sessions that nobody used again. It waits for the relay's goodbye, and holds nobody up meanwhile.
func (r *Relay) sweep() {
	r.mu.Lock()
	var over []*session
	r.idle = slices.DeleteFunc(r.idle, func(s *session) bool {
		old := r.now().Sub(s.used) >= idleTime
		if old {
			over = append(over, s)
		}
		return old
	})
	r.mu.Unlock()
	for _, s := range over {
		_ = s.client.Quit()
		s.conn.Close()
	}
}

// open connects, greets, turns on TLS and logs in.
func (r *Relay) open(ctx context.Context) (*session, error) {
	r.mu.Lock()
	offered := r.offered
	r.mu.Unlock()
	upgrade := r.scheme == schemeStartTLS || r.scheme == schemePlain && offered
	s, err := r.greet(ctx, upgrade)
	if err != nil {
		return nil, err
	}
	if r.scheme == schemePlain && !upgrade {
		if ok, _ := s.client.Extension("STARTTLS"); ok {
			s.conn.Close()
			r.mu.Lock()
			r.offered = true
			r.mu.Unlock()
			if s, err = r.greet(ctx, true); err != nil {
				return nil, err
			}
		}
	}
	if err := r.login(ctx, s); err != nil {
		s.conn.Close()
		return nil, err
	}
	return s, nil
}

// greet connects and exchanges greetings, over TLS where upgrade or the scheme says so.
func (r *Relay) greet(ctx context.Context, upgrade bool) (*session, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return nil, &SubmitError{Temporary, "connect", err}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	// go-smtp's own deadlines are minutes before its client can be told otherwise.
	guard := time.AfterFunc(replyTimeout, func() { conn.Close() })
	defer guard.Stop()
	var client *smtp.Client
	switch {
	case r.scheme == schemeTLS:
		secure := tls.Client(conn, r.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, &SubmitError{Temporary, "TLS", err}
		}
		client = smtp.NewClient(secure)
	case upgrade:
		client, err = smtp.NewClientStartTLS(conn, r.tls)
		if err != nil {
			conn.Close()
			r.mu.Lock()
			r.offered = false // it may be offered no longer: the next attempt looks
			r.mu.Unlock()
			return nil, &SubmitError{Temporary, "STARTTLS", err}
		}
	default:
		client = smtp.NewClient(conn)
	}
	client.CommandTimeout, client.SubmissionTimeout = replyTimeout, dataTimeout
	if err := client.Hello(r.local); err != nil {
		conn.Close()
		doing := "greeting"
		var bad *tls.CertificateVerificationError
		if errors.As(err, &bad) {
			doing = "TLS"
		}
		return nil, &SubmitError{Temporary, doing, err}
	}
	return &session{client: client, conn: conn}, nil
}

// errPlaintext says why no password was sent.
var errPlaintext = errors.New("the relay offers no TLS, and a password is not sent without it")

// login authenticates where the address names a user.
func (r *Relay) login(ctx context.Context, s *session) error {
	if r.user == "" {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	if _, secure := s.client.TLSConnectionState(); !secure && !loopback(s.conn.RemoteAddr()) {
		return &SubmitError{Temporary, "AUTH", errPlaintext}
	}
	var client sasl.Client
	switch {
	case s.client.SupportsAuth(sasl.Plain):
		client = sasl.NewPlainClient("", r.user, r.password)
	case s.client.SupportsAuth(sasl.Login):
		client = sasl.NewLoginClient(r.user, r.password)
	default:
		return &SubmitError{Temporary, "AUTH", errors.New("the relay offers neither PLAIN nor LOGIN")}
	}
	if err := s.client.Auth(client); err != nil {
		return &SubmitError{Temporary, "AUTH", withoutSecrets(err)}
	}
	return nil
}

// withoutSecrets keeps the code of the relay's answer to AUTH, whose text may repeat what was sent.
func withoutSecrets(err error) error {
	var answer *smtp.SMTPError
	if errors.As(err, &answer) {
		return &smtp.SMTPError{Code: answer.Code, EnhancedCode: answer.EnhancedCode, Message: "the login is refused"}
	}
	var protocol *textproto.Error
	if errors.As(err, &protocol) {
		return fmt.Errorf("%d", protocol.Code)
	}
	return err
}

func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 || r < 32 })
}
