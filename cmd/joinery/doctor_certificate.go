package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"time"
)

// certificate checks the server's own: that it belongs to its key, to public_url and to this time.
func (d *doctor) certificate() {
	const name = "tls"
	pair, err := tls.LoadX509KeyPair(d.config.TLS.Cert, d.config.TLS.Key)
	if err != nil {
		d.add(statusFail, name, err.Error(), "Give a PEM certificate in tls.cert and the key that belongs to it in tls.key.")
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		d.add(statusFail, name, err.Error(), "Give a PEM certificate in tls.cert.")
		return
	}
	left := leaf.NotAfter.Sub(d.now())
	switch {
	case left < 0:
		d.add(statusFail, name, "the certificate ended on "+leaf.NotAfter.UTC().Format(time.DateOnly), "Renew the certificate in tls.cert and restart joinery.")
		return
	case left < 14*24*time.Hour:
		d.add(statusWarn, name, "the certificate ends on "+leaf.NotAfter.UTC().Format(time.DateOnly), "Renew the certificate in tls.cert and restart joinery.")
	}
	u, err := url.Parse(d.config.PublicURL)
	if err != nil {
		return
	}
	if err := leaf.VerifyHostname(u.Hostname()); err != nil {
		d.add(statusFail, name, fmt.Sprintf("clients will refuse it: %v", err), "Give a certificate for the host of public_url.")
		return
	}
	d.add(statusOK, name, "a certificate for "+u.Hostname()+" until "+leaf.NotAfter.UTC().Format(time.DateOnly), "")
}
