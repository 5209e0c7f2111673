package main

import (
	"context"
	"net"

	"golang.org/x/sync/errgroup"

	"joinery/mailer"
)

// newIncoming joins the ways by which mail comes in, those that are configured.
func (a *app) newIncoming() error {
	in := a.config.Mail.Incoming
	inbox := mailer.NewInbox(mailer.InboxOptions{
		Store: a.store, Outbox: a.outbox, Answers: a.changer, TrustedHosts: in.Trust, Signers: in.Signers, Unverified: in.Unverified,
		Now: a.now, Log: a.log, Observe: a.metrics.Incoming,
	})
	if in.LMTP != "" {
		a.lmtp = mailer.NewLMTP(mailer.LMTPOptions{Taker: inbox, Name: a.config.ServiceDomain, Log: a.log})
	}
	if in.IMAP == "" {
		return nil
	}
	var err error
	a.mailbox, err = a.newMailbox(inbox)
	return err
}

// newMailbox joins the mailbox's configuration and the store into a reader.
func (a *app) newMailbox(inbox mailer.Taker) (*mailer.IMAP, error) {
	in := a.config.Mail.Incoming
	security, err := a.config.mailTLS()
	if err != nil {
		return nil, err
	}
	m, err := mailer.NewIMAP(mailer.IMAPOptions{
		Taker: inbox, Store: a.store, Address: in.IMAP, Password: string(in.Password), TLS: security,
		Interval: in.Interval.d(), Now: a.now, Log: a.log, Fault: a.metrics.MailboxFault,
	})
	if err != nil {
		return nil, a.config.wrong("mail.incoming.imap", err.Error())
	}
	return m, nil
}

// listenLMTP listens for mail that comes in, where that is configured.
func (c *config) listenLMTP() (net.Listener, error) {
	if c.Mail.Incoming.LMTP == "" {
		return nil, nil
	}
	l, err := mailer.ListenLMTP(c.Mail.Incoming.LMTP)
	if err != nil {
		return nil, c.wrong("mail.incoming.lmtp", err.Error()+"; stop the other program, choose another place or make the folder")
	}
	return l, nil
}

// runIncoming takes mail that comes in, until ctx ends.
func (a *app) runIncoming(ctx context.Context, g *errgroup.Group) {
	if a.lmtpOn != nil {
		g.Go(func() error { return a.lmtp.Serve(ctx, a.lmtpOn) })
	}
	if a.mailbox != nil {
		g.Go(func() error { return a.mailbox.Run(ctx) })
	}
}
