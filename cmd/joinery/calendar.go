package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"joinery/caldav/change"
	"joinery/store"
)

func (p *program) calendarCommand() *cobra.Command {
	return group("calendar", "List, add, set and remove calendars",
		p.calendarListCommand(), p.calendarAddCommand(), p.calendarSetCommand(), p.calendarRemoveCommand())
}

// The rules of a calendar by the words of the command line (docs/conferences.md).
var conferenceRules = map[string]string{"never": "", "outside": "outside", "always": "always"}

func ruleName(rule string) string {
	if rule == "" {
		return "never"
	}
	return rule
}

func (p *program) calendarListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list LOGIN",
		Short: "List a user's calendars",
		Args:  exactly("LOGIN"),
		RunE: p.opened(func(cmd *cobra.Command, a *app, args []string) error {
			w := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "CALENDAR\tNAME\tCONFERENCE\tOBJECTS")
			err := a.store.View(cmd.Context(), func(tx *store.Tx) error {
				u, err := userByLogin(tx, args[0])
				if err != nil {
					return err
				}
				calendars, err := tx.Calendars(u.ID)
				if err != nil {
					return err
				}
				for _, c := range calendars {
					n, err := tx.CountObjects(c.ID)
					if err != nil {
						return err
					}
					fmt.Fprintf(w, "%s/%s\t%s\t%s\t%d\n", u.Login, c.Slug, c.Name, ruleName(c.Conference), n)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return w.Flush()
		}),
	}
}

func (p *program) calendarAddCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "add LOGIN/CALENDAR",
		Short: "Add a calendar",
		Args:  exactly("LOGIN/CALENDAR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			login, slug, err := calendarArgument(args[0])
			if err != nil {
				return err
			}
			if slug == "inbox" || slug == "outbox" {
				return fmt.Errorf("%s is the name of a scheduling collection; choose another", slug)
			}
			if name == "" {
				name = slug
			}
			if !printable(name) {
				return fmt.Errorf("the name %q has control characters", name)
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			err = a.store.Update(cmd.Context(), func(tx *store.Tx) error {
				u, err := userByLogin(tx, login)
				if err != nil {
					return err
				}
				login = u.Login
				err = tx.CreateCalendar(&store.Calendar{UserID: u.ID, Slug: slug, Name: name, Components: components()})
				if errors.Is(err, store.ErrExists) {
					return fmt.Errorf("%s has a calendar %s already", u.Login, slug)
				}
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "added %s/calendars/%s/%s/\n", a.config.PublicURL, url.PathEscape(login), url.PathEscape(slug))
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the `NAME` that people see")
	return cmd
}

func (p *program) calendarSetCommand() *cobra.Command {
	var name, rule string
	cmd := &cobra.Command{
		Use:   "set LOGIN/CALENDAR [--conference RULE] [--name NAME]",
		Short: "Say which events of a calendar get a conference unasked, or rename it",
		Long: `Say which events of a calendar get a conference without asking for one:

  never    none (as at first)
  outside  those with an attendee who is neither a user nor has an address in mail.domains
  always   all, with attendees or without

The rule counts for events saved from then on. An event that carries another service's link is left
alone. The account is the provider with default = true, otherwise the first one.`,
		Args: exactly("LOGIN/CALENDAR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			setRule, setName := cmd.Flags().Changed("conference"), cmd.Flags().Changed("name")
			if !setRule && !setName {
				return errors.New("there is nothing to set; give --conference or --name")
			}
			value, ok := conferenceRules[rule]
			if setRule && !ok {
				return fmt.Errorf("%q is not a rule; give never, outside or always", rule)
			}
			if setName && (name == "" || !printable(name)) {
				return fmt.Errorf("the name %q is empty or has control characters", name)
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			if setRule && value != "" && len(a.config.Providers) == 0 {
				return fmt.Errorf("%s: there is no provider; add a [[provider]] that the rule can use", a.config.path)
			}
			return a.store.Update(cmd.Context(), func(tx *store.Tx) error {
				c, _, err := calendarOf(tx, args[0])
				if err != nil {
					return err
				}
				if setRule {
					c.Conference = value
				}
				if setName {
					c.Name = name
				}
				if err := tx.UpdateCalendar(c); err != nil {
					return err
				}
				tx.OnCommit(func() {
					fmt.Fprintf(p.out, "%s: name %q, conference %s\n", args[0], c.Name, ruleName(c.Conference))
				})
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&rule, "conference", "", "the `RULE`: never, outside or always")
	cmd.Flags().StringVar(&name, "name", "", "the `NAME` that people see")
	return cmd
}

func (p *program) calendarRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove LOGIN/CALENDAR",
		Short: "Remove a calendar; what its events organise is cancelled",
		Args:  exactly("LOGIN/CALENDAR"),
		RunE: p.opened(func(cmd *cobra.Command, a *app, args []string) error {
			c, u, err := a.calendar(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var standard *store.Calendar
			err = a.store.View(cmd.Context(), func(tx *store.Tx) (err error) {
				standard, err = change.DefaultCalendar(tx, u)
				return err
			})
			if err != nil {
				return err
			}
			if standard != nil && standard.ID == c.ID {
				return fmt.Errorf("%s is the default calendar, which invitations go to; joinery user remove removes it with its user", args[0])
			}
			if err := a.changer.DeleteCalendar(cmd.Context(), change.Caller{User: u, UserAgent: commandAgent}, c); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "removed %s; conferences are deleted and cancellations mailed by joinery serve\n", args[0])
			return nil
		}),
	}
}

// calendarArgument takes LOGIN/CALENDAR apart.
func calendarArgument(arg string) (login, slug string, err error) {
	login, slug, ok := strings.Cut(arg, "/")
	if !ok || login == "" || slug == "" || slug == "." || slug == ".." || strings.Contains(slug, "/") || !printable(slug) || len(slug) > 200 {
		return "", "", fmt.Errorf("%q does not name a calendar; write LOGIN/CALENDAR, anna/calendar say", arg)
	}
	return login, slug, nil
}

func calendarOf(tx *store.Tx, arg string) (*store.Calendar, *store.User, error) {
	login, slug, err := calendarArgument(arg)
	if err != nil {
		return nil, nil, err
	}
	u, err := userByLogin(tx, login)
	if err != nil {
		return nil, nil, err
	}
	c, err := tx.CalendarBySlug(u.ID, slug)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.Inbox {
		return nil, nil, fmt.Errorf("%s has no calendar %s; joinery calendar list %s shows them", u.Login, slug, u.Login)
	}
	return c, u, err
}

func (a *app) calendar(ctx context.Context, arg string) (c *store.Calendar, u *store.User, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		c, u, err = calendarOf(tx, arg)
		return err
	})
	return c, u, err
}
