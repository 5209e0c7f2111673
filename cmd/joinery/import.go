package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"joinery/caldav/change"
	"joinery/store"
)

func (p *program) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import LOGIN/CALENDAR FILE.ics",
		Short: "Put the events of a file into a calendar; no conference and no mail",
		Long: `Put the events, tasks and journals of an iCalendar file into a calendar. Nobody is mailed and nothing
gets a conference until it is saved again. What the user has already, by its UID, is left alone.
"-" reads standard input.`,
		Args: exactly("LOGIN/CALENDAR", "FILE.ics"),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := p.readFile(args[1])
			if err != nil {
				return err
			}
			objects, err := splitCalendar(data)
			if err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			c, u, err := a.calendar(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var added, known, refused int
			for _, o := range objects {
				err := a.importObject(cmd.Context(), u, c, o)
				refusal, isRefusal := change.AsRefusal(err)
				switch {
				case err == nil:
					added++
				case errors.Is(err, errKnown):
					known++
				case isRefusal:
					refused++
					fmt.Fprintf(p.err, "joinery: %s: line %d: UID %s: %s\n", args[1], o.line, strings.ToValidUTF8(o.uid, "?"), refusal.Text)
				default:
					return err
				}
			}
			fmt.Fprintf(p.out, "imported %d, were there already %d, refused %d\n", added, known, refused)
			if refused > 0 {
				return errReported
			}
			return nil
		},
	}
}

var errKnown = errors.New("it is there already")

func (a *app) importObject(ctx context.Context, u *store.User, c *store.Calendar, o splitObject) error {
	err := a.store.View(ctx, func(tx *store.Tx) error {
		present, err := tx.ObjectsByUID(u.ID, o.uid, 0)
		if err == nil && len(present) > 0 {
			return errKnown
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = a.changer.Put(ctx, change.PutRequest{
		Caller: change.Caller{User: u, UserAgent: commandAgent}, Calendar: c, Name: o.name(), Data: o.data, Import: true,
		Conditions: change.Conditions{IfNoneMatch: true},
	})
	return err
}
