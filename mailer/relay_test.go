package mailer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A testRelay is a real SMTP server that does what its script says.
type testRelay struct {
	server *smtp.Server
	addr   string
	mech   string // "" for no AUTH

	mu       sync.Mutex
	mails    []received
	sessions int
	logins   int
	// onRcpt and onData answer a recipient and a message; nil for yes.
	onRcpt func(to string) error
	onData func(to string, conn *smtp.Conn) error
}

type received struct {
	from, to string
	body     []byte
	secure   bool
}

type relaySession struct {
	relay    *testRelay
	conn     *smtp.Conn
	from, to string
}

func (r *testRelay) NewSession(c *smtp.Conn) (smtp.Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions++
	s := &relaySession{relay: r, conn: c}
	if r.mech != "" {
		return &authSession{s}, nil
	}
	return s, nil
}

func (s *relaySession) Reset()        { s.from, s.to = "", "" }
func (s *relaySession) Logout() error { return nil }
func (s *relaySession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *relaySession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	if s.relay.onRcpt != nil {
		return s.relay.onRcpt(to)
	}
	return nil
}

func (s *relaySession) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	if s.relay.onData != nil {
		if err := s.relay.onData(s.to, s.conn); err != nil {
			if err == errTaken {
				s.relay.take(s, body)
			}
			return err
		}
	}
	s.relay.take(s, body)
	return nil
}

// errTaken makes the server take the message although the client gets an error or nothing.
var errTaken = errors.New("taken")

func (r *testRelay) take(s *relaySession, body []byte) {
	_, secure := s.conn.TLSConnectionState()
	r.mails = append(r.mails, received{s.from, s.to, body, secure})
}

type authSession struct{ *relaySession }

func (s *authSession) AuthMechanisms() []string { return []string{s.relay.mech} }

func (s *authSession) Auth(string) (sasl.Server, error) {
	check := func(user, password string) error {
		s.relay.mu.Lock()
		defer s.relay.mu.Unlock()
		s.relay.logins++
		if user != "joinery" || password != "s3cret" {
			return errors.New("wrong password s3cret-echo")
		}
		return nil
	}
	if s.relay.mech == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// loginServer is AUTH LOGIN, which go-sasl has for clients only.
type loginServer struct {
	check func(user, password string) error
	user  string
	step  int
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.step++
	switch l.step {
	case 1:
		if response != nil {
			l.user = string(response)
			l.step++
			return []byte("Password:"), false, nil
		}
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}

// startRelay serves on a free port; set changes the server before.
func startRelay(t testing.TB, set func(*testRelay)) *testRelay {
	t.Helper()
	r := &testRelay{}
	r.server = smtp.NewServer(r)
	r.server.Domain = "relay.test"
	r.server.ErrorLog = log.New(io.Discard, "", 0)
	if set != nil {
		set(r)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.serve(t, l)
	return r
}

func (r *testRelay) serve(t testing.TB, l net.Listener) {
	r.addr = l.Addr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.server.Serve(l)
	}()
	t.Cleanup(func() {
		r.server.Close()
		<-done
	})
}

func (r *testRelay) got() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.mails...)
}

// certificate makes a self-signed certificate for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay.test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

var testBody = []byte("Subject: x\r\n\r\n.a line that begins with a dot\r\nFrom here\r\n")

func submitTo(t *testing.T, address, password string, conf *tls.Config) error {
	t.Helper()
	r, err := NewRelay(address, password, conf, "joinery.test")
	if err != nil {
		t.Fatal(err)
	}
	return r.Submit(context.Background(), "anna@example.org", "boris@example.org", testBody)
}

func TestSubmitOverTLS(t *testing.T) {
	cert, pool := certificate(t)
	trust := &tls.Config{RootCAs: pool}
	for _, tt := range []struct {
		name, scheme, mech string
		noTLS, implicit    bool
		conf               *tls.Config
		want               string // part of the error
		secure             bool
	}{
		{name: "smtp without TLS", scheme: "smtp://", noTLS: true},
		{name: "smtp with STARTTLS on offer", scheme: "smtp://", secure: true},
		{name: "smtp with a login verifies", scheme: "smtp://joinery@", mech: sasl.Plain, want: "certificate"},
		{name: "smtp with a login", scheme: "smtp://joinery@", mech: sasl.Plain, conf: trust, secure: true},
		{name: "starttls", scheme: "smtp+starttls://joinery@", mech: sasl.Plain, conf: trust, secure: true},
		{name: "starttls by LOGIN", scheme: "smtp+starttls://joinery@", mech: sasl.Login, conf: trust, secure: true},
		{name: "starttls missing", scheme: "smtp+starttls://", noTLS: true, want: "STARTTLS"},
		{name: "starttls not trusted", scheme: "smtp+starttls://", want: "certificate"},
		{name: "smtps", scheme: "smtps://joinery@", mech: sasl.Plain, implicit: true, conf: trust, secure: true},
		{name: "smtps not trusted", scheme: "smtps://", implicit: true, want: "certificate"},
		{name: "no mechanism", scheme: "smtp+starttls://joinery@", conf: trust, want: "neither PLAIN nor LOGIN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &testRelay{mech: tt.mech}
			r.server = smtp.NewServer(r)
			r.server.ErrorLog = log.New(io.Discard, "", 0)
			if !tt.noTLS {
				r.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if tt.implicit {
				l = tls.NewListener(l, r.server.TLSConfig)
			}
			r.serve(t, l)
			err = submitTo(t, tt.scheme+r.addr, "s3cret", tt.conf)
			if tt.want != "" {
				var e *SubmitError
				if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &e) || e.Outcome != Temporary {
					t.Errorf("got %v, want a temporary error with %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := r.got()
			if len(got) != 1 || !bytes.Equal(got[0].body, testBody) || got[0].secure != tt.secure {
				t.Errorf("got %+v", got)
			}
			if tt.mech != "" && r.logins != 1 {
				t.Errorf("%d logins, want 1", r.logins)
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	cert, pool := certificate(t)
	r := startRelay(t, func(r *testRelay) {
		r.mech = sasl.Plain
		r.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	})
	err := submitTo(t, "smtp+starttls://joinery@"+r.addr, "s3cret-wrong", &tls.Config{RootCAs: pool})
	var e *SubmitError
	if !errors.As(err, &e) || e.Outcome != Temporary || e.Doing != "AUTH" {
		t.Fatalf("got %v, want a temporary AUTH error", err)
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error repeats what was sent: %v", err)
	}
}

// A conn that claims to come from elsewhere cannot be had on one machine; the rule alone is tested.
func TestPasswordNeedsTLS(t *testing.T) {
	for addr, want := range map[string]bool{"127.0.0.1": true, "::1": true, "192.0.2.1": false} {
		if got := loopback(&net.TCPAddr{IP: net.ParseIP(addr)}); got != want {
			t.Errorf("%s: got %v, want %v", addr, got, want)
		}
	}
}

func TestSubmitOutcomes(t *testing.T) {
	answer := func(code int) error { return &smtp.SMTPError{Code: code, Message: "no"} }
	for _, tt := range []struct {
		name string
		rcpt error
		data func(to string, c *smtp.Conn) error
		want Outcome
	}{
		{name: "accepted", want: Accepted},
		{name: "no such mailbox", rcpt: answer(550), want: Refused},
		{name: "greylisted", rcpt: answer(450), want: Temporary},
		{name: "login wanted", rcpt: answer(530), want: Temporary},
		{name: "content refused", data: func(string, *smtp.Conn) error { return answer(554) }, want: Refused},
		{name: "content deferred", data: func(string, *smtp.Conn) error { return answer(451) }, want: Temporary},
		{name: "disconnected after DATA", data: func(_ string, c *smtp.Conn) error {
			c.Conn().Close()
			return errTaken
		}, want: Ambiguous},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := startRelay(t, func(r *testRelay) {
				r.onRcpt = func(string) error { return tt.rcpt }
				r.onData = tt.data
			})
			err := submitTo(t, "smtp://"+r.addr, "", nil)
			if got := outcomeOf(err); got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
	t.Run("away", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if err := submitTo(t, "smtp://"+l.Addr().String(), "", nil); outcomeOf(err) != Temporary {
			t.Errorf("got %v, want temporary", err)
		}
	})
	t.Run("address beyond ASCII", func(t *testing.T) {
		r := startRelay(t, nil)
		relay, err := NewRelay("smtp://"+r.addr, "", nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := relay.Submit(context.Background(), "anna@example.org", "борис@example.org", testBody); outcomeOf(err) != Refused {
			t.Errorf("got %v, want refused", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		r := startRelay(t, func(r *testRelay) {
			r.onRcpt = func(string) error {
				cancel()
				time.Sleep(50 * time.Millisecond)
				return nil
			}
		})
		relay, err := NewRelay("smtp://"+r.addr, "", nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := relay.Submit(ctx, "a@example.org", "b@example.org", testBody); outcomeOf(err) != Temporary {
			t.Errorf("got %v, want temporary", err)
		}
	})
}

func TestSessionsAreReused(t *testing.T) {
	refuse := true
	r := startRelay(t, func(r *testRelay) {
		r.onRcpt = func(to string) error {
			if refuse && to == "no@example.org" {
				return &smtp.SMTPError{Code: 550, Message: "no"}
			}
			return nil
		}
	})
	relay, err := NewRelay("smtp://"+r.addr, "", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, to := range []string{"a@example.org", "no@example.org", "b@example.org"} {
		if err := relay.Submit(ctx, "anna@example.org", to, testBody); (err != nil) != (to == "no@example.org") {
			t.Errorf("%s: %v", to, err)
		}
	}
	r.mu.Lock()
	sessions := r.sessions
	r.mu.Unlock()
	if sessions != 1 {
		t.Errorf("%d sessions, want 1", sessions)
	}
	// A session that the relay closed meanwhile is replaced without an error.
	relay.mu.Lock()
	relay.idle[0].conn.Close()
	relay.mu.Unlock()
	if err := relay.Submit(ctx, "anna@example.org", "c@example.org", testBody); err != nil {
		t.Error(err)
	}
}

func TestNewRelayRefuses(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:25", "http://127.0.0.1", "smtp://", "smtp://u:p@h", "smtp://h/x", "smtp://h?x=1", "smtp://h:%zz"} {
		_, err := NewRelay(address, "", nil, "")
		if err == nil {
			t.Errorf("%q is taken", address)
		} else if strings.Contains(err.Error(), ":p@") {
			t.Errorf("%q: the error holds the password: %v", address, err)
		}
	}
}

func TestCheck(t *testing.T) {
	cert, pool := certificate(t)
	names := func(r *testRelay, address, password string, conf *tls.Config) string {
		relay, err := NewRelay(address, password, conf, "")
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range relay.Check(context.Background()) {
			if f.OK != (f.Remedy == "") {
				t.Errorf("%+v: a remedy goes with a failure", f)
			}
			mark := "ok"
			if !f.OK {
				mark = "FAILS"
			}
			out = append(out, f.Name+" "+mark)
		}
		if len(r.got()) != 0 {
			t.Error("the check sent mail")
		}
		return strings.Join(out, ", ")
	}
	r := startRelay(t, func(r *testRelay) {
		r.mech = sasl.Plain
		r.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	})
	trust := &tls.Config{RootCAs: pool}
	for _, tt := range []struct {
		address, password string
		conf              *tls.Config
		want              string
	}{
		{"smtp+starttls://joinery@" + r.addr, "s3cret", trust, "mail relay ok, mail relay TLS ok, mail relay login ok"},
		{"smtp+starttls://joinery@" + r.addr, "wrong", trust, "mail relay ok, mail relay TLS ok, mail relay login FAILS"},
		{"smtp+starttls://joinery@" + r.addr, "s3cret", nil, "mail relay ok, mail relay TLS FAILS"},
		{"smtps://" + r.addr, "", trust, "mail relay ok, mail relay TLS FAILS"},
		{"smtp://127.0.0.1:1", "", nil, "mail relay FAILS"},
	} {
		if got := names(r, tt.address, tt.password, tt.conf); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.address, got, tt.want)
		}
	}
	relay, err := NewRelay("smtps://"+r.addr, "", trust, "")
	if err != nil {
		t.Fatal(err)
	}
	list := relay.Check(context.Background())
	if got := list[len(list)-1].Remedy; !strings.Contains(got, "smtp+starttls://") {
		t.Errorf("a relay that begins without TLS: the remedy is %q", got)
	}
}
