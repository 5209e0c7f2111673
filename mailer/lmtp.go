package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// Timeouts of LMTP. A client waits ten minutes for the answer to a mail (RFC 5321 §4.5.3.2.6).
const (
	lmtpIdle  = 5 * time.Minute // for a command, and for the whole of a mail's text
	lmtpTake  = 8 * time.Minute // text included
	lmtpWrite = time.Minute
	lmtpStop  = 10 * time.Second // for mails under way once the server is to stop
)

// lmtpLine is the longest line, in bytes: mail servers break them long before.
const lmtpLine = 1 << 20

// LMTPOptions are what an LMTP server is given from outside.
type LMTPOptions struct {
	Taker      Taker
	Name       string        // in the greeting; "localhost" if empty
	MaxSize    int64         // of a mail in bytes; 0: 64 MiB
	Sessions   int           // at a time; 0: 20. Further clients wait
	Recipients int           // of a mail; 0: 100. The client hands it over again for the others
	Idle       time.Duration // how long a silent client is kept; 0: 5 min
	Log        *slog.Logger  // nil: discarded
}

// An LMTP server takes mail from the mail server of the organisation (RFC 2033). It has no
// authentication: whoever reaches it is believed.
//
// Every recipient is answered 250, whether the mail was an answer or not: where the mail server copies
// mail here, what is none was delivered where it belongs. Faults of ours are answered 451, and the mail
// server tries again. Only a mail above MaxSize is refused for good.
type LMTP struct{ opts LMTPOptions }

// NewLMTP returns a server that Serve runs.
func NewLMTP(o LMTPOptions) *LMTP {
	if o.Name == "" {
		o.Name = "localhost"
	}
	if o.MaxSize == 0 {
		o.MaxSize = maxIncoming
	}
	if o.Sessions == 0 {
		o.Sessions = 20
	}
	if o.Recipients == 0 {
		o.Recipients = 100
	}
	if o.Idle == 0 {
		o.Idle = lmtpIdle
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &LMTP{o}
}

// Serve answers on l until ctx ends, and closes l. Mails under way are finished, for ten seconds at most.
func (s *LMTP) Serve(ctx context.Context, l net.Listener) error {
	limited := limitListener(l, s.opts.Sessions)
	taking, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &lmtpSession{server: s, ctx: taking}, nil
	}))
	server.LMTP, server.EnableSMTPUTF8 = true, true
	server.Domain, server.MaxLineLength = s.opts.Name, lmtpLine
	server.MaxMessageBytes, server.MaxRecipients = s.opts.MaxSize, s.opts.Recipients
	server.ReadTimeout, server.WriteTimeout = s.opts.Idle, lmtpWrite
	server.ErrorLog = slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn)
	served := make(chan error, 1)
	go func() { served <- server.Serve(limited) }()
	select {
	case err := <-served:
		limited.cut()
		return fmt.Errorf("accept mail: %w", errors.Join(err, server.Close()))
	case <-ctx.Done():
	}
	limited.hush()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), lmtpStop)
	defer cancel()
	if err := server.Shutdown(stop); err != nil && stop.Err() != nil {
		limited.cut()
	}
	<-served
	return nil
}

// An lmtpSession is one client's conversation.
type lmtpSession struct {
	server *LMTP
	ctx    context.Context // of the mails that it takes
	from   string
}

// Answers to a mail that is not taken. The cause is for our own log.
var (
	lmtpLater = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "cannot be taken now, try again later"}
	lmtpLarge = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "the mail is too large"}
)

func (s *lmtpSession) Reset()                               { s.from = "" }
func (s *lmtpSession) Logout() error                        { return nil }
func (s *lmtpSession) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (s *lmtpSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Data takes the mail once; what it returns is the answer to each of its recipients (RFC 2033 §4.2).
func (s *lmtpSession) Data(r io.Reader) error {
	ctx, cancel := context.WithTimeout(s.ctx, lmtpTake)
	defer cancel()
	log := s.server.opts.Log
	mail := &watched{r: r}
	handled, err := s.server.opts.Taker.Take(ctx, mail, s.from)
	mail.rest() // with BDAT, what is left would be answered by a bounce
	switch {
	case handled && err == nil:
		return nil
	case errors.Is(mail.err, smtp.ErrDataTooLarge):
		log.Warn("mail that came in is too large", "limit", s.server.opts.MaxSize)
		return lmtpLarge
	case errors.Is(mail.err, smtp.ErrTooLongLine):
		// It would be the same the next time.
		log.Warn("mail that came in has a line that is too long", "limit", lmtpLine)
		return nil
	case mail.err != nil:
		log.Info("mail that came in broke off", "error", mail.err)
		return lmtpLater
	case err != nil:
		log.Error("mail that came in cannot be taken now", "error", err)
		return lmtpLater
	}
	return nil
}
