package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"joinery/conference"
	"joinery/web"
)

// A status is what a check came to.
type status string

const (
	statusOK   status = "ok"
	statusWarn status = "warn" // it works, and an administrator should know
	statusFail status = "FAIL"
)

// A finding is one line of doctor.
type finding struct {
	Name   string `json:"name"`
	Status status `json:"status"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"` // one sentence that mends it
}

func (p *program) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check that everything works, and say what mends what does not",
		Long: `Check configuration, store, clock, the providers' credentials and permissions, and the mail relay's
connection, TLS and login, and the ways by which answers come in by mail. Nothing is left behind anywhere
and no mail is sent.

A line a check: "ok", "warn" or "FAIL", its name and what was seen; below what is not ok, the sentence
that mends it. The exit status is 1 if a check failed, otherwise 0.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := p.examine(cmd.Context())
			if err := writeFindings(p.out, list, asJSON); err != nil {
				return err
			}
			if slices.ContainsFunc(list, func(f finding) bool { return f.Status == statusFail }) {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list of objects with name, status, detail and remedy")
	return cmd
}

func writeFindings(w io.Writer, list []finding, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	for _, f := range list {
		if _, err := fmt.Fprintf(w, "%-4s  %s: %s\n", f.Status, f.Name, line(f.Detail)); err != nil {
			return err
		}
		if f.Status == statusOK || f.Remedy == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "      -> %s\n", line(f.Remedy)); err != nil {
			return err
		}
	}
	return nil
}

// line is s on one line, without what a terminal might obey.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.Join(strings.Fields(s), " ")
}

// A doctor examines one installation.
type doctor struct {
	*app
	program  *program
	findings []finding
}

func (d *doctor) add(s status, name, detail, remedy string) {
	d.findings = append(d.findings, finding{name, s, detail, remedy})
}

// examine runs all checks that make sense, in a fixed order.
func (p *program) examine(ctx context.Context) []finding {
	quiet := slog.New(slog.DiscardHandler)
	d := &doctor{program: p, app: &app{log: quiet, now: p.now, providers: map[string]conference.Guarded{}, metrics: web.NewMetrics(p.now)}}
	c, err := loadConfig(p.configPath, p.environ)
	if err != nil {
		d.add(statusFail, "configuration", err.Error(), "Correct it and run doctor again; the other checks need it.")
		return d.findings
	}
	d.config = c
	d.configuration()
	d.checkStore(ctx)
	if d.store != nil {
		defer d.store.Close()
	}
	d.clock(ctx)
	for _, pc := range c.Providers {
		d.account(ctx, pc)
	}
	d.mail(ctx)
	d.incoming(ctx)
	d.waiting(ctx)
	d.sweeps(ctx)
	d.attachments(ctx)
	return d.findings
}

// account proves a provider account's credentials and permissions.
func (d *doctor) account(ctx context.Context, pc providerConfig) {
	name := "provider " + pc.Name
	g, err := d.provider(pc)
	if err != nil {
		d.add(statusFail, name, err.Error(), "Correct the provider's keys in "+d.config.path+".")
		return
	}
	checker, ok := conference.As[conference.Checker](g)
	if !ok {
		d.add(statusWarn, name, "its interface offers no check", "Make an event with a conference to see it work.")
		return
	}
	for _, f := range checker.Check(ctx) {
		d.found(strings.TrimPrefix(f.Name, pc.Name+": "), name, f)
	}
}

// found takes over a finding of another package.
func (d *doctor) found(what, group string, f conference.Finding) {
	name := group
	if what != "" && what != group {
		name += ", " + what
	}
	s := statusOK
	if !f.OK {
		s = statusFail
	}
	d.add(s, name, f.Detail, f.Remedy)
}

// mail proves the relay.
func (d *doctor) mail(ctx context.Context) {
	sender, err := d.newSender(d.relayPolicy())
	if err != nil {
		d.add(statusFail, "mail relay", err.Error(), "Correct mail.relay in "+d.config.path+".")
		return
	}
	for _, f := range sender.Check(ctx) {
		d.found("", f.Name, f)
	}
}
