package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-smtp"

	"joinery/conference"
)

// Check connects to the relay, turns on TLS and logs in as for a mail, and says what of it works. No
// mail is sent. It is for doctor.
func (r *Relay) Check(ctx context.Context) []conference.Finding {
	ctx, cancel := context.WithTimeout(ctx, submitTimeout)
	defer cancel()
	s, err := r.open(ctx)
	if err != nil {
		return r.failures(err)
	}
	defer s.conn.Close()
	findings := []conference.Finding{{Name: "mail relay", OK: true, Detail: "connected to " + r.addr}}
	secure := conference.Finding{Name: "mail relay TLS", OK: true, Detail: "encrypted"}
	if _, ok := s.client.TLSConnectionState(); !ok {
		secure.Detail = "not encrypted: the relay offers no STARTTLS"
		if !loopback(s.conn.RemoteAddr()) {
			secure.OK = false
			secure.Remedy = "Turn on STARTTLS at the relay, or use smtps:// in mail.relay."
		}
	}
	findings = append(findings, secure)
	if r.user != "" {
		findings = append(findings, conference.Finding{Name: "mail relay login", OK: true, Detail: "logged in as " + r.user})
	}
	return findings
}

// failures says where opening a session stopped.
func (r *Relay) failures(err error) []conference.Finding {
	connected := conference.Finding{Name: "mail relay", OK: true, Detail: "connected to " + r.addr}
	secure := conference.Finding{Name: "mail relay TLS", OK: true, Detail: "as mail.relay asks for"}
	var submit *SubmitError
	doing := "connect"
	if errors.As(err, &submit) {
		doing = submit.Doing
	}
	detail := printable(err.Error())
	switch doing {
	case "TLS", "STARTTLS":
		secure.OK, secure.Detail = false, detail
		secure.Remedy = "Give the relay a certificate that this machine trusts for " + r.host + ", or name its authority in mail.ca_file."
		if strings.Contains(detail, "doesn't support STARTTLS") {
			secure.Remedy = "Turn on STARTTLS at the relay, or use smtps:// in mail.relay if it speaks TLS from the start."
		}
		var record tls.RecordHeaderError
		if errors.As(err, &record) {
			secure.Remedy = "Use smtp+starttls:// in mail.relay if the relay begins without TLS, or correct the port."
		}
		return []conference.Finding{connected, secure}
	case "AUTH":
		login := conference.Finding{Name: "mail relay login", Detail: detail, Remedy: "Correct the user in mail.relay and the password in mail.password."}
		var answer *smtp.SMTPError
		switch {
		case errors.Is(err, errPlaintext):
			login.Remedy = "Use smtp+starttls:// or smtps:// in mail.relay."
		case !errors.As(err, &answer):
			login.Remedy = "Allow AUTH PLAIN or LOGIN at the relay for this connection."
		}
		return []conference.Finding{connected, secure, login}
	}
	connected.OK, connected.Detail = false, fmt.Sprintf("%s: %s", r.addr, detail)
	connected.Remedy = "Correct host and port in mail.relay, and see that the relay runs and lets this machine connect."
	return []conference.Finding{connected}
}
