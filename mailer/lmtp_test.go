package mailer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// An lmtpHouse is a server on a socket in a folder of its own.
type lmtpHouse struct {
	path  string
	taker *fakeTaker
	log   *logBook
	stop  func() error // waits for the end
}

func startLMTP(t *testing.T, o LMTPOptions) *lmtpHouse {
	t.Helper()
	// Not t.TempDir(): a socket's path has 107 bytes at most.
	dir, err := os.MkdirTemp("", "lmtp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h := &lmtpHouse{path: filepath.Join(dir, "s"), taker: &fakeTaker{}, log: &logBook{}}
	if o.Taker == nil {
		o.Taker = h.taker
	}
	o.Log = h.log.log()
	l, err := ListenLMTP("unix:" + h.path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- NewLMTP(o).Serve(ctx, l) }()
	stopped := false
	h.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return errors.New("it does not end")
		}
	}
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *lmtpHouse) client(t *testing.T) *smtp.Client {
	t.Helper()
	conn, err := net.Dial("unix", h.path)
	if err != nil {
		t.Fatal(err)
	}
	c := smtp.NewClientLMTP(conn)
	t.Cleanup(func() { c.Close() })
	return c
}

// hand hands over one mail and returns the answers, by recipient.
func hand(t *testing.T, c *smtp.Client, from string, to []string, mail string) map[string]int {
	t.Helper()
	if err := c.Mail(from, nil); err != nil {
		t.Fatal(err)
	}
	for _, address := range to {
		if err := c.Rcpt(address, nil); err != nil {
			t.Fatal(err)
		}
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(mail)); err != nil {
		t.Fatal(err)
	}
	got, err := w.CloseWithLMTPResponse()
	codes := map[string]int{}
	for address := range got {
		codes[address] = 250
	}
	var refused smtp.LMTPDataError
	if errors.As(err, &refused) {
		for address, e := range refused {
			codes[address] = e.Code
		}
	} else if err != nil {
		t.Fatal(err)
	}
	return codes
}

func textMail(subject string) string {
	return "From: vera@example.net\r\nTo: anna@example.org\r\nSubject: " + subject + "\r\n\r\nHello.\r\n..dots\r\n"
}

func TestLMTPTakesAMailOnceForAllRecipients(t *testing.T) {
	h := startLMTP(t, LMTPOptions{Name: "mx.example.org"})
	c := h.client(t)
	to := []string{"anna@example.org", "boris@example.org", "вера@example.org"}
	got := hand(t, c, "vera@example.net", to[:2], textMail("one"))
	if fmt.Sprint(got) != "map[anna@example.org:250 boris@example.org:250]" {
		t.Errorf("answers are %v", got)
	}
	// The same session, the null sender and an address beyond ASCII.
	if err := c.Mail("", &smtp.MailOptions{UTF8: true}); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt(to[2], nil); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(textMail("two"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if got, want := h.taker.taken(), "one two"; got != want {
		t.Errorf("taken are %q, want %q", got, want)
	}
	if got, want := h.taker.mails[0], textMail("one"); got != want {
		t.Errorf("the mail is %q, want %q", got, want)
	}
	if got, want := strings.Join(h.taker.from, "|"), "vera@example.net|"; got != want {
		t.Errorf("senders are %q, want %q", got, want)
	}
}

func TestLMTPAnswers(t *testing.T) {
	large := strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n", 1100)
	for name, test := range map[string]struct {
		mail    string
		handled bool
		err     error
		code    int
		logged  string
	}{
		"an answer":                  {mail: textMail("a"), handled: true, code: 250},
		"no answer":                  {mail: textMail("a"), code: 250},
		"a fault of ours":            {mail: textMail("a"), err: errors.New("the store is away"), code: 451, logged: "the store is away"},
		"larger than it may":         {mail: textMail("a") + large, code: 552, logged: "too large"},
		"an answer with much behind": {mail: textMail("a") + large, handled: true, code: 250},
	} {
		t.Run(name, func(t *testing.T) {
			taker := takerFunc(func(ctx context.Context, mail io.Reader) (bool, error) {
				if test.handled {
					return true, nil // without reading to the end
				}
				_, err := io.Copy(io.Discard, mail)
				if err == nil {
					err = test.err
				}
				return test.handled, err
			})
			h := startLMTP(t, LMTPOptions{Taker: taker, MaxSize: 64 << 10})
			c := h.client(t)
			to := []string{"anna@example.org", "boris@example.org"}
			got := hand(t, c, "vera@example.net", to, test.mail)
			if got[to[0]] != test.code || got[to[1]] != test.code {
				t.Errorf("answers are %v, want %d", got, test.code)
			}
			if test.logged != "" {
				h.log.has(t, test.logged)
			} else if h.log.String() != "" {
				t.Errorf("logged is %s", h.log)
			}
			if err := c.Noop(); err != nil {
				t.Errorf("the session is out of step: %v", err)
			}
		})
	}
}

// A takerFunc takes mail as the function does.
type takerFunc func(ctx context.Context, mail io.Reader) (bool, error)

func (f takerFunc) Take(ctx context.Context, mail io.Reader, _ string) (bool, error) {
	return f(ctx, mail)
}

// TestLMTPTalk holds what a client may say beyond what go-smtp's says.
func TestLMTPTalk(t *testing.T) {
	h := startLMTP(t, LMTPOptions{Recipients: 2, MaxSize: 4 << 20})
	conn, err := net.Dial("unix", h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	talk := func(say, want string) {
		t.Helper()
		if say != "" {
			if _, err := conn.Write([]byte(say + "\r\n")); err != nil {
				t.Fatal(err)
			}
		}
		for {
			l, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("after %q: %v", say, err)
			}
			if len(l) > 3 && l[3] == '-' {
				continue
			}
			if !strings.HasPrefix(l, want) {
				t.Errorf("%q is answered %q, want %s", say, l, want)
			}
			return
		}
	}
	talk("", "220 localhost LMTP")
	talk("EHLO mx", "500")
	talk("LHLO mx", "250")
	talk("MAIL FROM:<> SIZE=99999999", "552")
	talk("MAIL FROM:<> SIZE=100 BODY=8BITMIME SMTPUTF8", "250")
	talk("RCPT TO:<a@example.org>", "250")
	talk("RCPT TO:<a@example.org>", "250")
	talk("RCPT TO:<c@example.org>", "452") // handed over again by the client, not bounced
	talk("BDAT 14 LAST\r\nSubject: b\r\n", "250 2.0.0 <a@example.org>")
	talk("", "250 2.0.0 <a@example.org>")
	// A line that no mail has keeps no mail in the queue for ever.
	talk("MAIL FROM:<>", "250")
	talk("RCPT TO:<a@example.org>", "250")
	talk("DATA", "354")
	go func() {
		_, _ = conn.Write([]byte("Subject: c\r\n\r\n" + strings.Repeat("x", lmtpLine+4096) + "\r\n.\r\n"))
	}()
	talk("", "250 2.0.0 <a@example.org>")
	if got, want := h.taker.taken(), "b"; got != want {
		t.Errorf("taken are %q, want %q", got, want)
	}
	h.log.has(t, "line that is too long")
}

func TestLMTPSessionsAreBounded(t *testing.T) {
	h := startLMTP(t, LMTPOptions{Sessions: 2})
	var open []net.Conn
	greeted := func(c net.Conn) error {
		_, err := bufio.NewReader(c).ReadString('\n')
		return err
	}
	for i := range 3 {
		c, err := net.Dial("unix", h.path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
		if i == 2 {
			_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if err := greeted(c); err == nil {
				t.Fatal("a third client is greeted beside two")
			}
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			break
		}
		if err := greeted(c); err != nil {
			t.Fatal(err)
		}
	}
	open[0].Close()
	if err := greeted(open[2]); err != nil {
		t.Errorf("the third client waits though one has left: %v", err)
	}
}

// TestLMTPStops ends a server with a silent client, one in the middle of a mail, and one whose mail is
// being taken: its answer is waited for.
func TestLMTPStops(t *testing.T) {
	begun, end := make(chan bool), make(chan bool)
	h := startLMTP(t, LMTPOptions{Taker: takerFunc(func(_ context.Context, mail io.Reader) (bool, error) {
		if _, err := io.Copy(io.Discard, mail); err != nil {
			return false, err
		}
		begun <- true
		<-end
		return true, nil
	})})
	if err := h.client(t).Hello("silent"); err != nil {
		t.Fatal(err)
	}
	half := h.client(t)
	if err := errors.Join(half.Mail("vera@example.net", nil), half.Rcpt("anna@example.org", nil)); err != nil {
		t.Fatal(err)
	}
	w, err := half.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("Subject: half")); err != nil {
		t.Fatal(err)
	}
	whole := h.client(t)
	answers := make(chan map[string]int, 1)
	go func() { answers <- hand(t, whole, "vera@example.net", []string{"anna@example.org"}, textMail("whole")) }()
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- h.stop() }()
	select {
	case err := <-ended:
		t.Fatalf("it ends without the mail's outcome: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(end)
	if got := <-answers; got["anna@example.org"] != 250 {
		t.Errorf("answers are %v", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(h.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestListenLMTP(t *testing.T) {
	dir, err := os.MkdirTemp("", "lmtp")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ListenLMTP("unix:" + path); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("a socket of another program: %v", err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := ListenLMTP("unix:" + path)
	if err != nil {
		t.Fatalf("a socket that was left behind: %v", err)
	}
	defer l.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != fs.ModeSocket|0o660 {
		t.Errorf("the socket's mode is %v", got)
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ListenLMTP("unix:" + file); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
	tcp, err := ListenLMTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	if _, err := ListenLMTP(tcp.Addr().String()); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("a port in use: %v", err)
	}
}

func TestParseLMTP(t *testing.T) {
	for address, want := range map[string]string{
		"unix:/run/joinery/lmtp.sock": "unix /run/joinery/lmtp.sock",
		"127.0.0.1:2424":              "tcp 127.0.0.1:2424",
		"[::1]:24":                    "tcp [::1]:24",
		"localhost:24":                "tcp localhost:24",
		"unix:lmtp.sock":              "must be absolute",
		"unix:":                       "must be absolute",
		":2424":                       "no authentication",
		"0.0.0.0:24":                  "no authentication",
		"192.0.2.1:24":                "no authentication",
		"mail.example.org:24":         "no authentication",
		"127.0.0.1:lmtp":              "must be a number",
		"/run/lmtp.sock":              "neither unix:PATH",
	} {
		network, addr, err := ParseLMTP(address)
		got := network + " " + addr
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestCheckLMTP(t *testing.T) {
	h := startLMTP(t, LMTPOptions{})
	ctx := context.Background()
	if f := CheckLMTP(ctx, "unix:"+h.path); !f.OK || !strings.Contains(f.Detail, h.path) {
		t.Errorf("a server that runs: %+v", f)
	}
	if err := h.stop(); err != nil {
		t.Error(err)
	}
	if f := CheckLMTP(ctx, "unix:"+h.path); f.OK || !strings.Contains(f.Remedy, "Start joinery serve") {
		t.Errorf("one that does not run: %+v", f)
	}
	other, err := net.Listen("unix", h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		if c, err := other.Accept(); err == nil {
			_, _ = c.Write([]byte("220 mx ESMTP Postfix\r\n"))
			_ = c.Close()
		}
	}()
	if f := CheckLMTP(ctx, "unix:"+h.path); f.OK || !strings.Contains(f.Detail, "another program") {
		t.Errorf("another program: %+v", f)
	}
}
