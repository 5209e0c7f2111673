package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"joinery/conference/emulator"
)

func (p *program) emulateCommand() *cobra.Command {
	var address, token, file string
	var members []string
	mtslink := &cobra.Command{
		Use:   "mtslink",
		Short: "Emulate an account of MTS Link",
		Long: `Emulate an account of MTS Link as a real HTTP server, until SIGTERM or SIGINT. The first line that
it prints is the base address for base_url. The page / shows the account's conferences, /_state the
same as JSON; POST /_fault sets what goes wrong, DELETE /_fault clears it:

  {"call": "POST /events", "fault": "delay|late|drop|429|500|500after|badjson|denied", "seconds": 5, "times": 1}

POST /_live and /_hand do what people do in the provider's own page, past the API; /_switch sets
what differs between accounts, and /_member adds a member:

  /_live    {"id": ID, "action": "start|stop|delete|join|leave", "email": "...", "name": "..."}
  /_hand    {"id": ID, "action": "rename", "name": "..."}
            {"id": ID, "action": "reschedule", "start": "2027-03-09T15:30:00+03:00"}
            {"id": ID, "action": "tags", "tags": ["..."]}
            {"action": "add", "name": "...", "start": "...", "tags": ["..."]}
  /_switch  {"one_live": true, "required_fields": ["City"], "plan_lapsed": true, "refusal": 404}
  /_member  {"email": "...", "name": "...", "confirmed": true}`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := listenTCP(address)
			if err != nil {
				return fmt.Errorf("%w; choose another address with --listen", err)
			}
			defer l.Close()
			base := "http://" + reachable(l.Addr())
			log := slog.New(slog.NewTextHandler(p.err, nil))
			o := emulator.MTSLinkOptions{Token: token, Now: p.now, PublicURL: base, File: file, Log: log}
			for _, m := range members {
				o.Members = append(o.Members, emulator.Member{Email: m, Name: m, Confirmed: true})
			}
			account := emulator.NewMTSLink(o)
			defer account.Close()
			if _, err := fmt.Fprintf(p.out, "%s/v3\n", base); err != nil {
				return fmt.Errorf("print the address: %w", err)
			}
			g, ctx := errgroup.WithContext(cmd.Context())
			g.Go(func() error { account.Run(ctx); return nil })
			g.Go(func() error { return serveUntil(ctx, l, account) })
			return g.Wait()
		},
	}
	f := mtslink.Flags()
	f.StringVar(&address, "listen", "127.0.0.1:9090", "the `ADDRESS` to listen on")
	f.StringVar(&token, "token", "", "the account's API `KEY`; without it every key is taken")
	f.StringVar(&file, "file", "", "keep the account's state in `FILE` between runs")
	f.StringArrayVar(&members, "member", nil, "the `ADDRESS` of a member with a confirmed e-mail; may be repeated")
	return group("emulate", "Emulate a provider's interface", mtslink)
}

// group is a command that only has others below it.
func group(name, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return onlyHelp(cmd, args) },
	}
	cmd.AddCommand(below...)
	return cmd
}

// onlyHelp says what there is, or that there is no such command.
func onlyHelp(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("there is no command %q; %s --help lists them", args[0], cmd.CommandPath())
	}
	return cmd.Help()
}
