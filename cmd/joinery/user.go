package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"joinery/caldav"
	"joinery/caldav/change"
	"joinery/store"
)

func (p *program) userCommand() *cobra.Command {
	return group("user", "Add, list, change and remove users",
		p.userAddCommand(), p.userListCommand(), p.userPasswdCommand(), p.userRemoveCommand(), p.userImportCommand())
}

// A newUser is a user as an administrator describes it.
type newUser struct {
	Login, Name, Locale, Zone, Password string
	Addresses                           []string
	Kind                                store.UserKind // a room has no password: nobody logs in as one
}

func (p *program) userAddCommand() *cobra.Command {
	var n newUser
	var stdin bool
	cmd := &cobra.Command{
		Use:     "add LOGIN --email ADDRESS --password-stdin",
		Short:   "Add a user with a calendar",
		Example: "  joinery user add anna --email anna@example.org --name 'Anna Petrova' --password-stdin < password",
		Args:    exactly("LOGIN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n.Login = args[0]
			var err error
			if n.Password, err = p.readPassword(stdin); err != nil {
				return err
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
			hash, err := caldav.HashPassword(n.Password, p.random)
			if err != nil {
				return err
			}
			if err := a.store.Update(cmd.Context(), func(tx *store.Tx) error { return createUser(tx, n, hash) }); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "added %s <%s>, locale %s, zone %s; calendar %s/calendars/%s/%s/\n",
				n.Login, n.Addresses[0], n.Locale, n.Zone, a.config.PublicURL, url.PathEscape(n.Login), caldav.DefaultCalendar)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&n.Addresses, "email", nil, "the user's mail `ADDRESS`; once for each, the preferred one first")
	f.StringVar(&n.Name, "name", "", "the `NAME` that people see; the login if it is not given")
	f.StringVar(&n.Locale, "locale", "en", "the `LANGUAGE` of mail and messages: ru, en or uk")
	f.StringVar(&n.Zone, "zone", "", "the time `ZONE`, Europe/Moscow say; this machine's if it is not given")
	f.BoolVar(&stdin, "password-stdin", false, "read the password, one line, from standard input")
	return cmd
}

// exactly wants one argument for each name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) && len(names) == 0 {
			return fmt.Errorf("%s takes no arguments, %q was given; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
		}
		if len(args) != len(names) {
			return fmt.Errorf("%s takes %s; see %s --help", cmd.CommandPath(), strings.Join(names, " "), cmd.CommandPath())
		}
		return nil
	}
}

// readPassword reads one line. A password on the command line would be seen by others and kept.
func (p *program) readPassword(stdin bool) (string, error) {
	if !stdin {
		return "", errors.New("the password is missing; give --password-stdin and the password as one line on standard input")
	}
	line, err := bufio.NewReader(io.LimitReader(p.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// check holds a new user to what clients and mail can work with, and fills in what was not given.
func (n *newUser) check(environ []string) error {
	if err := checkLogin(n.Login); err != nil {
		return err
	}
	switch {
	case len(n.Addresses) == 0 && strings.Contains(n.Login, "@"):
		n.Addresses = []string{n.Login}
	case len(n.Addresses) == 0:
		return errors.New("the mail address is missing; give --email ADDRESS, invitations are sent from it")
	}
	for i, address := range n.Addresses {
		parsed, err := mail.ParseAddress(address)
		if err != nil || parsed.Name != "" || strings.ContainsAny(parsed.Address, " \t\r\n\"<>") {
			return fmt.Errorf("%q is not a mail address; write anna@example.org, say", address)
		}
		n.Addresses[i] = strings.ToLower(parsed.Address)
	}
	if n.Name == "" {
		n.Name = n.Login
	}
	if !printable(n.Name) || len(n.Name) > 255 {
		return fmt.Errorf("the name %q is overlong or has control characters", n.Name)
	}
	if n.Locale == "" {
		n.Locale = "en"
	}
	switch n.Locale {
	case "ru", "en", "uk":
	default:
		return fmt.Errorf("%q is not a language that is spoken here; give ru, en or uk", n.Locale)
	}
	if n.Zone == "" {
		n.Zone = systemZone(environ)
	}
	if _, err := time.LoadLocation(n.Zone); err != nil || n.Zone == "Local" {
		return fmt.Errorf("%q is not a time zone; write it like Europe/Moscow", n.Zone)
	}
	if n.Kind != store.UserIndividual {
		return nil
	}
	return checkPassword(n.Password)
}

func checkPassword(password string) error {
	switch {
	case password == "":
		return errors.New("the password is empty; give one on standard input")
	case len(password) > 1024:
		return errors.New("the password is longer than 1024 bytes")
	case !utf8.ValidString(password) || !printable(password):
		return errors.New("the password has control characters or is not UTF-8")
	}
	return nil
}

// checkLogin refuses what a path or Basic authentication (RFC 7617 §2) cannot carry.
func checkLogin(login string) error {
	switch {
	case login == "" || login == "." || login == "..":
		return fmt.Errorf("%q cannot be a login; give a plain name or an address", login)
	case len(login) > 200:
		return errors.New("the login is longer than 200 bytes")
	case strings.ContainsAny(login, ":/%\\?#") || strings.ContainsFunc(login, unicode.IsSpace) || !printable(login):
		return fmt.Errorf("the login %q has a space, a control character or one of : / %% \\ ? #; leave them out", login)
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// checkAddresses refuses addresses that ask for a conference when they are invited.
func (c *config) checkAddresses(addresses []string) error {
	for _, p := range c.Providers {
		resource := p.Resource + "@" + c.ServiceDomain
		if p.Resource != "" && slices.ContainsFunc(addresses, func(a string) bool { return strings.EqualFold(a, resource) }) {
			return fmt.Errorf("the address %s is the resource of provider %s; nobody can have it", resource, p.Name)
		}
	}
	return nil
}

// systemZone is this machine's zone by its IANA name: TZ, else what /etc/localtime points to, else UTC.
func systemZone(environ []string) string {
	for _, kv := range environ {
		if name, ok := strings.CutPrefix(kv, "TZ="); ok && name != "" {
			return strings.TrimPrefix(name, ":")
		}
	}
	if target, err := os.Readlink("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(target, "/zoneinfo/"); ok {
			if _, err := time.LoadLocation(name); err == nil && name != "Etc/UTC" {
				return name
			}
		}
	}
	return "UTC"
}

// createUser stores a checked user with the default calendar.
func createUser(tx *store.Tx, n newUser, hash string) error {
	if _, err := tx.UserByLogin(n.Login); err == nil {
		return fmt.Errorf("the login %s is taken; joinery user list shows who has it", n.Login)
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for _, address := range n.Addresses {
		if other, err := tx.UserByAddress(address); err == nil {
			return fmt.Errorf("the address %s is %s's; an address belongs to one user", address, other.Login)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	u := &store.User{Login: n.Login, Name: n.Name, Locale: n.Locale, Zone: n.Zone, Password: hash, Addresses: n.Addresses, Kind: n.Kind}
	if err := tx.CreateUser(u); err != nil {
		return err
	}
	name := map[string]string{"ru": "Календарь", "uk": "Календар"}[n.Locale]
	if name == "" {
		name = "Calendar"
	}
	return tx.CreateCalendar(&store.Calendar{UserID: u.ID, Slug: caldav.DefaultCalendar, Name: name, Components: components()})
}

// components is what a calendar takes unless its client says otherwise.
func components() []string { return []string{"VEVENT", "VTODO", "VJOURNAL"} }

func (p *program) userListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the users",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.listUsers(cmd.Context(), "LOGIN\tNAME\tADDRESSES\tLOCALE\tZONE", func(u *store.User) string {
				if u.Kind != store.UserIndividual {
					return ""
				}
				return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", u.Login, u.Name, strings.Join(u.Addresses, ", "), u.Locale, u.Zone)
			})
		},
	}
}

// listUsers prints a table of users and rooms, those of which line has something to say.
func (p *program) listUsers(ctx context.Context, header string, line func(u *store.User) string) error {
	a, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	var users []store.User
	err = a.store.View(ctx, func(tx *store.Tx) (err error) {
		users, err = tx.Users()
		return err
	})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, header)
	for i := range users {
		if text := line(&users[i]); text != "" {
			fmt.Fprintln(w, text)
		}
	}
	return w.Flush()
}

func (p *program) userPasswdCommand() *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use:   "passwd LOGIN --password-stdin",
		Short: "Change a user's password; it counts at once",
		Args:  exactly("LOGIN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := p.readPassword(stdin)
			if err != nil {
				return err
			}
			if err := checkPassword(password); err != nil {
				return err
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			hash, err := caldav.HashPassword(password, p.random)
			if err != nil {
				return err
			}
			err = a.store.Update(cmd.Context(), func(tx *store.Tx) error {
				u, err := personByLogin(tx, args[0])
				if err != nil {
					return err
				}
				u.Password = hash
				return tx.UpdateUser(u)
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "changed the password of %s\n", args[0])
			return nil
		},
	}
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password, one line, from standard input")
	return cmd
}

func (p *program) userRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove LOGIN",
		Short: "Remove a user with all calendars; what they organise is cancelled",
		Args:  exactly("LOGIN"),
		RunE: p.opened(func(cmd *cobra.Command, a *app, args []string) error {
			u, err := a.person(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.changer.RemoveUser(cmd.Context(), change.Caller{User: u, UserAgent: commandAgent}, u); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "removed %s; conferences are deleted and cancellations mailed by joinery serve\n", u.Login)
			return nil
		}),
	}
}

// commandAgent stands in the audit for what an administrator did by a command.
const commandAgent = "joinery command"

// userByLogin is tx.UserByLogin with an error for people.
func userByLogin(tx *store.Tx, login string) (*store.User, error) {
	u, err := tx.UserByLogin(login)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("there is no user %s; joinery user list shows them", login)
	}
	return u, err
}

// personByLogin is userByLogin without rooms.
func personByLogin(tx *store.Tx, login string) (*store.User, error) {
	u, err := userByLogin(tx, login)
	if err == nil && u.Kind != store.UserIndividual {
		return nil, fmt.Errorf("%s is a %s, not a person; see joinery room --help", login, u.Kind)
	}
	return u, err
}

func (a *app) person(ctx context.Context, login string) (u *store.User, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		u, err = personByLogin(tx, login)
		return err
	})
	return u, err
}
