package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"joinery/caldav/change"
	"joinery/mailer"
	"joinery/store"
)

// newSender joins the mail's configuration and the store into a sender.
func (a *app) newSender(policy change.Policy) (*mailer.Sender, error) {
	c := a.config
	security, err := c.mailTLS()
	if err != nil {
		return nil, err
	}
	s, err := mailer.New(mailer.Options{
		Store: a.store, Outbox: a.outbox, Changer: a.changer, Policy: policy,
		Relay: c.Mail.Relay, Password: string(c.Mail.Password), TLS: security,
		Domains: c.Mail.Domains, ServiceName: c.ServiceName, ServiceAddress: c.Mail.Address,
		Local: localUser, Now: a.now, Log: a.log,
		Observe: func(o mailer.Outcome, _ time.Duration) { a.metrics.Mail(string(o)) },
	})
	if err != nil {
		return nil, c.wrong("mail.relay", err.Error())
	}
	return s, nil
}

// mailTLS trusts the authorities of mail.ca_file besides the system's; nil: the system's alone.
func (c *config) mailTLS() (*tls.Config, error) {
	if c.Mail.CAFile == "" {
		return nil, nil
	}
	data, err := os.ReadFile(c.Mail.CAFile)
	if err != nil {
		return nil, c.wrong("mail.ca_file", fmt.Sprintf("cannot be read: %v; create it or correct the path", err))
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, c.wrong("mail.ca_file", "holds no certificate; give a PEM file")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// localUser finds who of us has an address; nil: nobody.
func localUser(tx *store.Tx, address string) (*store.User, error) {
	u, err := tx.UserByAddress(address)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return u, err
}
