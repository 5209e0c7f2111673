package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"joinery/caldav"
	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/store"
)

func (p *program) roomCommand() *cobra.Command {
	return group("room", "Add, list, show and remove rooms and resources that answer invitations by themselves",
		p.roomAddCommand(), p.roomListCommand(), p.roomShowCommand(), p.roomRemoveCommand())
}

// roomKinds are the kinds of rooms by the words of the command line.
var roomKinds = map[string]store.UserKind{"room": store.UserRoom, "resource": store.UserResource}

func (p *program) roomAddCommand() *cobra.Command {
	var n newUser
	var kind string
	cmd := &cobra.Command{
		Use:   "add ADDRESS",
		Short: "Add a room: whoever invites its address books it",
		Long: `Add a room, or a resource like a projector or a car. People find it by its name or address and invite
it to their events. It accepts where it is free at that time, and declines otherwise. Nobody can log
in as a room.`,
		Example: "  joinery room add room5@example.org --name 'Room 5'",
		Args:    exactly("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ok bool
			if n.Kind, ok = roomKinds[kind]; !ok {
				return fmt.Errorf("%q is not a kind; give room or resource", kind)
			}
			// The address is the login too: a plain name might be somebody's one day.
			n.Login, n.Addresses = strings.ToLower(args[0]), []string{args[0]}
			if n.Name == "" {
				n.Name, _, _ = strings.Cut(args[0], "@")
			}
			if err := n.check(p.environ); err != nil {
				return err
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.config.checkAddresses(n.Addresses); err != nil {
				return err
			}
			if err := a.store.Update(cmd.Context(), func(tx *store.Tx) error { return createUser(tx, n, "") }); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "added %s %s <%s>, zone %s\n", kind, n.Name, n.Addresses[0], n.Zone)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&n.Name, "name", "", "the `NAME` that people see; the address up to its @ if it is not given")
	f.StringVar(&kind, "kind", "room", "the `KIND`: room or resource")
	f.StringVar(&n.Zone, "zone", "", "the time `ZONE`, Europe/Moscow say; this machine's if it is not given")
	return cmd
}

func (p *program) roomListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the rooms and resources",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.listUsers(cmd.Context(), "ADDRESS\tNAME\tKIND\tZONE", func(u *store.User) string {
				if u.Kind == store.UserIndividual {
					return ""
				}
				return fmt.Sprintf("%s\t%s\t%s\t%s", u.Addresses[0], u.Name, u.Kind, u.Zone)
			})
		},
	}
}

// maxBookings bounds what room show lists.
const maxBookings = 200

func (p *program) roomShowCommand() *cobra.Command {
	days := 30
	cmd := &cobra.Command{
		Use:   "show ADDRESS",
		Short: "Show what a room is booked for: when, what, by whom",
		Args:  exactly("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if days < 1 || days > 366 {
				return fmt.Errorf("--days is 1 to 366, not %d", days)
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			var u *store.User
			var bookings []ical.Instance
			now := p.now()
			until := now.AddDate(0, 0, days)
			err = a.store.View(cmd.Context(), func(tx *store.Tx) (err error) {
				if u, err = roomByAddress(tx, args[0]); err != nil {
					return err
				}
				return caldav.EachBusy(tx, u, now, until, func(i ical.Instance, _ string) bool {
					bookings = append(bookings, i)
					return true
				})
			})
			if err != nil {
				return err
			}
			zone, err := time.LoadLocation(u.Zone)
			if err != nil {
				return fmt.Errorf("the zone of %s: %w", args[0], err)
			}
			if len(bookings) == 0 {
				fmt.Fprintf(p.out, "%s <%s> is not booked from now to %s\n", u.Name, u.Addresses[0], until.In(zone).Format(time.DateOnly))
				return nil
			}
			slices.SortFunc(bookings, func(a, b ical.Instance) int { return a.Start.Compare(b.Start) })
			w := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
			fmt.Fprintf(w, "WHEN (%s)\tTITLE\tORGANISER\n", u.Zone)
			for _, i := range bookings[:min(len(bookings), maxBookings)] {
				fmt.Fprintf(w, "%s\t%s\t%s\n", when(i, zone), bookingTitle(i.VEvent), organiser(i.VEvent))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			if more := len(bookings) - maxBookings; more > 0 {
				fmt.Fprintf(p.out, "and %d more; give fewer --days\n", more)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&days, "days", days, "how many `DAYS` to look ahead")
	return cmd
}

// when is an instance's time for people, of whole days without the clock.
func when(i ical.Instance, zone *time.Location) string {
	start := i.Start.In(zone)
	if !i.VEvent.Start.AllDay {
		return start.Format("2006-01-02 15:04") + " to " + clock(i.End, start)
	}
	last := i.End.In(zone).AddDate(0, 0, -1)
	if !last.After(start) {
		return start.Format(time.DateOnly) + ", all day"
	}
	return start.Format(time.DateOnly) + " to " + last.Format(time.DateOnly) + ", all day"
}

// bookingTitle is a title that an administrator may read.
func bookingTitle(v *ical.VEvent) string {
	if v.Class != "PUBLIC" {
		return "(private)"
	}
	return cmp.Or(line(v.Summary), "(no title)")
}

func organiser(v *ical.VEvent) string {
	switch o := v.Organizer; {
	case o == nil:
		return ""
	case o.Name == "":
		return line(o.Address)
	default:
		return line(o.Name + " <" + o.Address + ">")
	}
}

func (p *program) roomRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ADDRESS",
		Short: "Remove a room; events that it was booked for stay, without its calendar",
		Args:  exactly("ADDRESS"),
		RunE: p.opened(func(cmd *cobra.Command, a *app, args []string) error {
			var u *store.User
			err := a.store.View(cmd.Context(), func(tx *store.Tx) (err error) {
				u, err = roomByAddress(tx, args[0])
				return err
			})
			if err != nil {
				return err
			}
			if err := a.changer.RemoveUser(cmd.Context(), change.Caller{User: u, UserAgent: commandAgent}, u); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "removed %s <%s>\n", u.Name, u.Addresses[0])
			return nil
		}),
	}
}

// roomByAddress finds a room or resource, with an error for people.
func roomByAddress(tx *store.Tx, address string) (*store.User, error) {
	u, err := tx.UserByAddress(address)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("there is no room %s; joinery room list shows them", address)
	case err == nil && u.Kind == store.UserIndividual:
		return nil, fmt.Errorf("%s is the user %s, not a room; joinery room list shows them", address, u.Login)
	}
	return u, err
}
