package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"joinery/conference"
	"joinery/conference/booking"
	"joinery/store"
)

// newSweeper joins the comparison of accounts and rooms.
func (a *app) newSweeper(providers map[string]conference.Provider) *booking.Sweeper {
	return booking.NewSweeper(booking.SweepOptions{
		Store: a.store, Outbox: a.outbox, Providers: providers, Log: a.log, Now: a.now, Observe: a.metrics.Attempt,
		Every: a.config.Reconcile.d(),
	})
}

func (p *program) reconcileCommand() *cobra.Command {
	var look, confirm bool
	var allowed int
	var remake bool
	cmd := &cobra.Command{
		Use:   "reconcile [-n]",
		Short: "Compare the providers' accounts with our conferences and set right what differs",
		Long: `Compare what each account lists under this installation's keys with the conferences that events have, and
set right what differs, as joinery serve does by itself at every reconcile_every, an hour if not set:

  strays   carry a key of ours and belong to no event: deleted 24 hours after they were first seen, unless
           people are in them or were
  drift    renamed or moved at the provider: the calendar wins
  missing  deleted at the provider: made anew, and people are told

What carries no key of this installation is never touched. A run that would delete more than 5 conferences
or 5 % of ours, whichever is more, deletes none; so many missing ones are not made anew, unless
--yes-remake is given. After the database was restored from a backup nothing is
deleted or changed until --confirm-restore. What is to be made or updated is left to joinery serve.

The exit status is 1 if an account could not be looked at, or if something waits for your decision.`,
		Example: "  joinery reconcile -n\n  joinery reconcile\n  joinery reconcile --yes-delete 12",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			counted := cmd.Flags().Changed("yes-delete")
			switch {
			case look && (confirm || counted), confirm && counted:
				return errors.New("--dry-run, --yes-delete and --confirm-restore exclude each other; look first with -n")
			case counted && allowed < 1:
				return fmt.Errorf("--yes-delete %d is no number of conferences; joinery reconcile -n tells it", allowed)
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			if confirm {
				return p.confirmRestore(cmd.Context(), a)
			}
			if len(a.config.Providers) == 0 {
				return fmt.Errorf("%s: there is no provider; add a [[provider]]", a.config.path)
			}
			return p.reconcile(cmd.Context(), a, look, allowed, remake)
		},
	}
	cmd.Flags().BoolVarP(&look, "dry-run", "n", false, "only look, and say what would be done")
	cmd.Flags().IntVar(&allowed, "yes-delete", 0, "delete exactly `N` conferences although that is more than one run may")
	cmd.Flags().BoolVar(&remake, "yes-remake", false, "make missing conferences anew although they are more than a few")
	cmd.Flags().BoolVar(&confirm, "confirm-restore", false, "the database that was restored holds from now on")
	return cmd
}

func (p *program) reconcile(ctx context.Context, a *app, look bool, allowed int, remake bool) error {
	var sweep booking.Sweep
	var err error
	if look {
		sweep, err = a.sweeper.Look(ctx)
	} else {
		sweep, err = a.sweeper.Run(ctx, allowed, remake)
	}
	if errors.Is(err, booking.ErrBusy) {
		return errors.New("joinery serve is comparing already, for more than a minute; run it again later")
	}
	if err != nil {
		return fmt.Errorf("compare the accounts with our conferences: %w", err)
	}
	w := &sweepWriter{Sweep: sweep, keep: a.sweeper.Keep()}
	if _, err := io.WriteString(p.out, w.text()); err != nil {
		return err
	}
	if sweep.Failed() || sweep.Braked || sweep.Restore.InForce() {
		return errReported
	}
	return nil
}

// confirmRestore lets the sweeps go on.
func (p *program) confirmRestore(ctx context.Context, a *app) error {
	ok := false
	who := p.caller()
	err := a.store.Update(ctx, func(tx *store.Tx) (err error) {
		ok, err = booking.ConfirmRestore(tx, who)
		return err
	})
	if err != nil {
		return fmt.Errorf("confirm the restore: %w", err)
	}
	if !ok {
		return errors.New("nothing is to be confirmed: the database was not found to be an older copy; joinery reconcile -n looks")
	}
	_, err = fmt.Fprintf(p.out, "confirmed by %s; joinery serve deletes and sets right again, at its next look (reconcile_every), or now with joinery reconcile\n", who)
	return err
}

// caller is who runs the program, for what is kept of decisions.
func (p *program) caller() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		for _, line := range p.environ {
			if who, ok := strings.CutPrefix(line, name+"="); ok && who != "" && printable(who) {
				return who
			}
		}
	}
	return "somebody"
}

// A sweepWriter tells what a sweep came to.
type sweepWriter struct {
	booking.Sweep
	keep time.Duration
	out  strings.Builder
}

func (w *sweepWriter) say(format string, args ...any) {
	w.out.WriteString(line(fmt.Sprintf(format, args...)) + "\n")
}

func (w *sweepWriter) text() string {
	w.table()
	for _, a := range w.Accounts {
		w.account(a)
	}
	if w.Touched > 0 {
		w.say("%d bookings without a conference %s", w.Touched, w.would("are looked at again", "would be looked at again"))
	}
	switch r := w.Restore; {
	case r.InForce():
		w.say("The database seems to be an older copy that was put back: %s. Nothing is deleted or changed at the providers. "+
			"The strays may be conferences of events that it has forgotten: look at them. If they may be deleted: joinery reconcile --confirm-restore", r.Why)
	case w.Braked:
		w.say("%d strays are due, more than the %d that one run deletes: none is deleted. If all of them may be: joinery reconcile --yes-delete %d",
			w.Due, w.Limit, w.Due)
	}
	return w.out.String()
}

// would chooses what is said of what was done, or only looked at.
func (w *sweepWriter) would(did, only string) string {
	if w.Looked || w.Restore.InForce() {
		return only
	}
	return did
}

func (w *sweepWriter) table() {
	t := tabwriter.NewWriter(&w.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ACCOUNT\tOURS\tEVENTS'\tSTRAYS\tOLDEST\t"+w.would("DELETED", "DUE")+"\tDRIFT\tMISSING\tOTHERS'")
	for _, a := range w.Accounts {
		deleted := a.Deleted
		for _, s := range a.Strays {
			if s.Due && w.would("", "due") != "" {
				deleted++
			}
		}
		oldest := "-"
		if len(a.Strays) > 0 {
			oldest = w.age(a.Strays[0].Since)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%d\n", line(a.Name), a.Ours, a.Live, len(a.Strays), oldest, deleted,
			len(a.Drifted), len(a.Missing), a.Others)
	}
	// A strings.Builder takes everything.
	_ = t.Flush()
}

// age is how long ago t was, in hours or days.
func (w *sweepWriter) age(t time.Time) string {
	d := w.At.Sub(t)
	if d < 48*time.Hour {
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func (w *sweepWriter) account(a booking.AccountSweep) {
	if a.Problem != "" {
		w.say("%s: could not be looked at to the end: %s", a.Name, a.Problem)
	}
	for _, s := range a.Strays {
		w.say("%s: stray %s %q of %s, first seen %s: %s", a.Name, s.Key, s.Title, at(s.Start), at(s.Since), w.fate(s))
	}
	for _, d := range a.Drifted {
		fate := w.would("joinery serve sets it right", "would be set right")
		if d.Left {
			fate = "it was set right and came out the same, so it is left"
		}
		w.say("%s: drift of %s %q: %s; %s", a.Name, d.Key, d.Title, d.Found, fate)
	}
	for _, d := range a.Missing {
		fate := w.would("joinery serve makes another", "another would be made")
		if d.Left {
			fate = "the provider takes updates of it all the same, so it is left"
		}
		w.say("%s: missing %s %q: %s; %s", a.Name, d.Key, d.Title, d.Found, fate)
	}
}

// fate is what becomes of a stray.
func (w *sweepWriter) fate(s booking.Stray) string {
	switch {
	case s.Deleted:
		return "deleted"
	case s.Kept != "":
		return "kept, " + s.Kept
	case w.Restore.InForce():
		return "kept until the restore is confirmed"
	case !s.Due && !s.Since.Add(w.keep).After(w.At):
		return "kept, people are in it"
	case !s.Due:
		return "to be deleted from " + at(s.Since.Add(w.keep)) + " on"
	case w.Braked:
		return "due, and not deleted"
	}
	return "due"
}

// sweeps tells what the last comparison of the accounts came to.
func (d *doctor) sweeps(ctx context.Context) {
	if d.store == nil {
		return
	}
	var last booking.Sweep
	var swept bool
	var restore booking.Restore
	err := d.store.View(ctx, func(tx *store.Tx) (err error) {
		if restore, err = booking.RestoreOf(tx); err != nil {
			return err
		}
		last, swept, err = booking.LastSweep(tx)
		return err
	})
	switch {
	case err != nil:
		d.add(statusFail, "reconcile", err.Error(), "See the store's line.")
	case restore.InForce():
		d.add(statusFail, "reconcile", "the database seems to be an older copy that was put back: "+restore.Why,
			"Look at joinery reconcile -n; if the strays may be deleted, run joinery reconcile --confirm-restore.")
	case !swept:
		d.add(statusOK, "reconcile", "the accounts were not compared yet; joinery serve does it", "")
	case last.Braked:
		d.add(statusFail, "reconcile", fmt.Sprintf("%d conferences without an event are due, more than the %d that one run deletes; none was deleted", last.Due, last.Limit),
			fmt.Sprintf("Look at joinery reconcile -n; if all of them may be deleted, run joinery reconcile --yes-delete %d.", last.Due))
	case last.Failed():
		for _, a := range last.Accounts {
			if a.Problem != "" {
				d.add(statusWarn, "reconcile", fmt.Sprintf("%s could not be compared to the end at %s: %s", a.Name, at(last.At), a.Problem),
					"Look at the provider's line and at joinery reconcile -n, then run joinery reconcile.")
			}
		}
	default:
		d.add(statusOK, "reconcile", "the accounts were compared at "+at(last.At), "")
	}
}
