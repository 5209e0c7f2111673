package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"

	"github.com/spf13/cobra"
)

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until SIGTERM or SIGINT; requests under way are finished.

Once it listens it prints one line, "listening on URL". Logs go to standard error.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context()) },
	}
}

func (p *program) serve(ctx context.Context) (err error) {
	c, err := loadConfig(p.configPath, p.environ)
	if err != nil {
		return err
	}
	if c.TLS.Cert != "" {
		if _, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key); err != nil {
			return c.wrong("tls", fmt.Sprintf("cannot be used: %v; give a PEM certificate and the key that belongs to it", err))
		}
	}
	l, err := listenTCP(c.Listen)
	if err != nil {
		return c.wrong("listen", err.Error()+"; stop the other program or choose another address")
	}
	defer l.Close()
	var metrics net.Listener
	if c.Metrics != "" {
		if metrics, err = listenTCP(c.Metrics); err != nil {
			return c.wrong("metrics", err.Error()+"; stop the other program or choose another address")
		}
		defer metrics.Close()
	}
	incoming, err := c.listenLMTP()
	if err != nil {
		return err
	}
	if incoming != nil {
		defer incoming.Close()
	}
	c.settlePort(l.Addr())
	a, err := newApp(ctx, c, p.logger(c), p.now)
	if err != nil {
		return err
	}
	a.metricsOn, a.lmtpOn = metrics, incoming
	defer func() { err = errors.Join(err, a.Close()) }()
	scheme := "http"
	if c.TLS.Cert != "" {
		scheme = "https"
	}
	if _, err := fmt.Fprintf(p.out, "listening on %s://%s\n", scheme, l.Addr()); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	return a.run(ctx, l)
}

// listenTCP listens on a TCP address; its error says in words what is in the way.
func listenTCP(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s may not be used by this user", address)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be listened on: %w", address, err)
	}
	return l, nil
}

// settlePort puts the port that was given for port 0 into public_url, if that has port 0 too.
func (c *config) settlePort(addr net.Addr) {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Port() != "0" {
		return
	}
	if _, port, err := net.SplitHostPort(addr.String()); err == nil {
		u.Host = net.JoinHostPort(u.Hostname(), port)
		c.PublicURL = u.String()
	}
}
