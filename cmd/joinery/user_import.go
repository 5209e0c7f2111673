package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"joinery/caldav"
	"joinery/store"
)

func (p *program) userImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Add many users, all of a file or none",
		Long: `Add the users of a CSV file, all or none. Its columns are login, email, name, password, then
locale and zone where there are such; a first line with these names may put them in another order.
Several addresses of one user stand in one field, separated by spaces. Commas or semicolons separate
the fields. "-" reads standard input.`,
		Args: exactly("FILE.csv"),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := p.readFile(args[0])
			if err != nil {
				return err
			}
			list, lines, err := parseUsers(data, p.environ)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			hashes := make([]string, len(list))
			for i, n := range list {
				if err := cmd.Context().Err(); err != nil {
					return err
				}
				if err := a.config.checkAddresses(n.Addresses); err != nil {
					return fmt.Errorf("%s: line %d: %w; nobody was added", args[0], lines[i], err)
				}
				if hashes[i], err = caldav.HashPassword(n.Password, p.random); err != nil {
					return err
				}
			}
			err = a.store.Update(cmd.Context(), func(tx *store.Tx) error {
				for i, n := range list {
					if err := createUser(tx, n, hashes[i]); err != nil {
						return fmt.Errorf("%s: line %d: %w; nobody was added", args[0], lines[i], err)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "added %d users\n", len(list))
			return nil
		},
	}
}

// readFile reads a file, or standard input for "-", up to 64 MiB.
func (p *program) readFile(path string) ([]byte, error) {
	const limit = 64 << 20
	in := p.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB; split it", path, limit>>20)
	}
	return data, nil
}

// parseUsers reads users and the lines they stand on.
func parseUsers(data []byte, environ []string) (list []newUser, lines []int, err error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // spreadsheets write it
	r := csv.NewReader(bytes.NewReader(data))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	r.FieldsPerRecord = -1
	columns := []string{"login", "email", "name", "password", "locale", "zone"}
	known := slices.Clone(columns)
	logins, addresses := map[string]int{}, map[string]int{}
	for row := 0; ; row++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := r.FieldPos(0)
		for i := range record {
			record[i] = strings.TrimSpace(record[i])
		}
		if row == 0 && strings.EqualFold(record[0], "login") {
			for i := range record {
				record[i] = strings.ToLower(record[i])
				if !slices.Contains(known, record[i]) {
					return nil, nil, fmt.Errorf("line %d: unknown column %q; the columns are %s", line, record[i], strings.Join(known, ", "))
				}
			}
			columns = record
			continue
		}
		if len(record) > len(columns) {
			return nil, nil, fmt.Errorf("line %d: %d fields, at most %d expected: %s", line, len(record), len(columns), strings.Join(columns, ", "))
		}
		n := newUser{}
		for i, v := range record {
			switch columns[i] {
			case "login":
				n.Login = v
			case "email":
				n.Addresses = strings.Fields(v)
			case "name":
				n.Name = v
			case "password":
				n.Password = v
			case "locale":
				n.Locale = v
			case "zone":
				n.Zone = v
			}
		}
		if err := n.check(environ); err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", line, err)
		}
		if other := logins[strings.ToLower(n.Login)]; other != 0 {
			return nil, nil, fmt.Errorf("line %d: the login %s stands on line %d already", line, n.Login, other)
		}
		logins[strings.ToLower(n.Login)] = line
		for _, address := range n.Addresses {
			if other := addresses[address]; other != 0 {
				return nil, nil, fmt.Errorf("line %d: the address %s stands on line %d already", line, address, other)
			}
			addresses[address] = line
		}
		list, lines = append(list, n), append(lines, line)
	}
	if len(list) == 0 {
		return nil, nil, errors.New("there are no users in it")
	}
	return list, lines, nil
}
