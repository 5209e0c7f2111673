package mailer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"joinery/conference"
)

// ParseLMTP reads where LMTP listens: unix: and the absolute path of a socket, or HOST:PORT on the
// loopback interface. Anything else is refused, because LMTP has no authentication. The error is a
// sentence on the value.
func ParseLMTP(address string) (network, addr string, err error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if !filepath.IsAbs(path) {
			return "", "", errors.New("the socket's path must be absolute")
		}
		return "unix", path, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", "", errors.New("neither unix:PATH nor an address like 127.0.0.1:2424")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", errors.New("the port must be a number")
	}
	if ip := net.ParseIP(host); !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
		return "", "", errors.New("not an address of the loopback interface, and LMTP has no authentication")
	}
	return "tcp", address, nil
}

// ListenLMTP listens where ParseLMTP says. A socket that a killed process left behind is replaced; the
// new one is for its owner and group. The error says in words what is in the way.
func ListenLMTP(address string) (net.Listener, error) {
	network, addr, err := ParseLMTP(address)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		if err := removeStale(addr); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen(network, addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use", addr)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be listened on: %w", addr, err)
	}
	if network == "unix" {
		if err := os.Chmod(addr, 0o660); err != nil {
			return nil, errors.Join(fmt.Errorf("let the group use the socket: %w", err), l.Close())
		}
	}
	return l, nil
}

// removeStale removes a socket on which nobody listens.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there and is no socket", path)
	}
	c, err := net.DialTimeout("unix", path, dialTimeout)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("%s is in use", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s cannot be tried: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the socket that was left behind: %w", err)
	}
	return nil
}

// CheckLMTP says whether somebody answers where LMTP listens. No mail is handed over. It is for doctor.
func CheckLMTP(ctx context.Context, address string) conference.Finding {
	f := conference.Finding{Name: "mail answers, LMTP", Detail: address,
		Remedy: "Start joinery serve; it listens there. If it runs, see that this user may use the socket."}
	network, addr, err := ParseLMTP(address)
	if err != nil {
		f.Detail, f.Remedy = fmt.Sprintf("%s: %v", address, err), "Correct mail.incoming.lmtp."
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		f.Detail = printable(err.Error())
		return f
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	greeting, err := bufio.NewReaderSize(c, 512).ReadSlice('\n')
	switch {
	case err != nil:
		f.Detail += ": connected, and nobody answers"
	case !strings.HasPrefix(string(greeting), "220 ") || !strings.Contains(string(greeting), "LMTP"):
		f.Detail += ": another program answers"
		f.Remedy = "Choose another address in mail.incoming.lmtp, or stop the other program."
	default:
		f.OK, f.Detail = true, "listens on "+address
		_, _ = c.Write([]byte("QUIT\r\n"))
	}
	return f
}

// A limitedListener accepts so many connections at a time; further ones wait with the system.
type limitedListener struct {
	net.Listener
	free chan struct{}
	done chan struct{}
	once sync.Once

	mu     sync.Mutex
	hushed bool
	conns  map[*limitedConn]bool
}

func limitListener(l net.Listener, most int) *limitedListener {
	return &limitedListener{Listener: l, free: make(chan struct{}, most), done: make(chan struct{}), conns: map[*limitedConn]bool{}}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	limited := &limitedConn{Conn: c, of: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[limited] = true
	return limited, nil
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// hush lets nothing more be read from the connections, so that each ends once its mail is answered.
func (l *limitedListener) hush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hushed = true
	for c := range l.conns {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// cut closes the connections.
func (l *limitedListener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

// A limitedConn makes room when it is closed.
type limitedConn struct {
	net.Conn
	of   *limitedListener
	once sync.Once
}

func (c *limitedConn) SetReadDeadline(t time.Time) error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.of.hushed {
		t = time.Unix(1, 0)
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *limitedConn) Close() error {
	c.once.Do(func() {
		c.of.mu.Lock()
		delete(c.of.conns, c)
		c.of.mu.Unlock()
		<-c.of.free
	})
	return c.Conn.Close()
}
