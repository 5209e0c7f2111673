package main

import (
	"context"
	"strings"

	"joinery/mailer"
)

// incoming proves the ways by which answers come in by mail.
func (d *doctor) incoming(ctx context.Context) {
	const name = "mail answers"
	in := d.config.Mail.Incoming
	if in.LMTP == "" && in.IMAP == "" {
		d.add(statusWarn, name, "none are read: people answer on the answer page only, and nobody hears of addresses that do not exist", "Let the mail server hand over mail: set lmtp or imap in [mail.incoming].")
		return
	}
	if in.LMTP != "" {
		f := mailer.CheckLMTP(ctx, in.LMTP)
		s := statusOK
		if !f.OK {
			s = statusWarn // serve may not run yet
		}
		d.add(s, f.Name, f.Detail, f.Remedy)
	}
	if in.IMAP != "" {
		m, err := d.newMailbox(nil)
		if err != nil {
			d.add(statusFail, "mail answers, mailbox", err.Error(), "Correct [mail.incoming] in "+d.config.path+".")
		} else {
			for _, f := range m.Check(ctx) {
				d.found("", f.Name, f)
			}
		}
	}
	switch {
	case in.Unverified:
		d.add(statusWarn, name+", trust", "answers count for which nobody vouches: whoever can send mail here can answer for anybody", "Set mail.incoming.trust to the mail server's name and remove unverified.")
	case len(in.Trust) == 0:
		d.add(statusWarn, name+", trust", "no mail server is trusted, answers count only with a DKIM signature of their sender's domain", "Set mail.incoming.trust to the name that stands first in the mail server's Authentication-Results.")
	default:
		d.add(statusOK, name+", trust", "the Authentication-Results of "+strings.Join(in.Trust, ", ")+" count", "")
	}
}
