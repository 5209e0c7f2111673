package store

import (
	"fmt"
	"slices"
	"strings"
)

const userColumns = `id, login, name, locale, zone, password, addresses, removed, kind, default_calendar, created_at`

func (u *User) fields() []any {
	return []any{&u.ID, &u.Login, &u.Name, &u.Locale, &u.Zone, &u.Password, (*words)(&u.Addresses), &u.Removed,
		&u.Kind, &u.DefaultCalendar, (*instant)(&u.Created)}
}

// CreateUser inserts a user and sets its ID and Created. Its addresses are brought to lower case,
// each once. ErrExists if another user has the login or one of the addresses.
func (tx *Tx) CreateUser(u *User) error {
	u.Created, u.Removed = tx.at, false
	u.Addresses = foldAddresses(u.Addresses)
	err := tx.insert(&u.ID, `INSERT INTO users
		(login, login_key, name, locale, zone, password, addresses, removed, kind, default_calendar, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.Login, fold(u.Login), u.Name, u.Locale, u.Zone, u.Password, words(u.Addresses), false, u.Kind,
		u.DefaultCalendar, instant(u.Created))
	if err != nil {
		return fmt.Errorf("create user %q: %w", u.Login, err)
	}
	return tx.putAddresses(u)
}

// UserByID finds removed users too.
func (tx *Tx) UserByID(id int64) (*User, error) {
	return one(tx, "user", (*User).fields, `SELECT `+userColumns+` FROM users WHERE id = ?`, id)
}

// UserByLogin finds a user that is not removed; case does not count.
func (tx *Tx) UserByLogin(login string) (*User, error) {
	return one(tx, "user", (*User).fields, `SELECT `+userColumns+` FROM users WHERE login_key = ?`, fold(login))
}

// UserByAddress finds a user that is not removed by any of its addresses, given without "mailto:";
// case does not count.
func (tx *Tx) UserByAddress(address string) (*User, error) {
	return one(tx, "user", (*User).fields, `SELECT `+userColumns+` FROM users
		WHERE id = (SELECT user_id FROM user_addresses WHERE address = ?)`, fold(address))
}

// Users lists the users that are not removed, by login.
func (tx *Tx) Users() ([]User, error) {
	return list(tx, "users", (*User).fields, `SELECT `+userColumns+` FROM users
		WHERE login_key IS NOT NULL ORDER BY login_key`)
}

// UpdateUser writes everything but ID, Removed and Created. ErrExists as for CreateUser,
// ErrNotFound for a removed user.
func (tx *Tx) UpdateUser(u *User) error {
	u.Addresses = foldAddresses(u.Addresses)
	err := tx.change("update user", `UPDATE users SET
		login = ?, login_key = ?, name = ?, locale = ?, zone = ?, password = ?, addresses = ?,
		kind = ?, default_calendar = ? WHERE id = ? AND login_key IS NOT NULL`,
		u.Login, fold(u.Login), u.Name, u.Locale, u.Zone, u.Password, words(u.Addresses), u.Kind, u.DefaultCalendar, u.ID)
	if err != nil {
		return err
	}
	return tx.putAddresses(u)
}

func (tx *Tx) putAddresses(u *User) error {
	if _, err := tx.exec(`DELETE FROM user_addresses WHERE user_id = ?`, u.ID); err != nil {
		return fmt.Errorf("replace addresses: %w", err)
	}
	for _, a := range u.Addresses {
		if _, err := tx.exec(`INSERT INTO user_addresses (address, user_id) VALUES (?, ?)`, a, u.ID); err != nil {
			return fmt.Errorf("address %s: %w", a, err)
		}
	}
	return nil
}

// DeleteUser removes the user's calendars with their objects and frees login and addresses for
// others. The row stays, Removed, with the login and the addresses that it had; so do events,
// bookings, rooms and mail. ErrNotFound if it was removed before.
func (tx *Tx) DeleteUser(id int64) error {
	err := tx.change("remove user", `UPDATE users SET login_key = NULL, password = '', removed = ?
		WHERE id = ? AND login_key IS NOT NULL`, true, id)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM user_addresses WHERE user_id = ?`, id); err != nil {
		return fmt.Errorf("remove user: %w", err)
	}
	calendars, err := list(tx, "calendars", (*Calendar).fields, `SELECT `+calendarColumns+` FROM calendars WHERE user_id = ?`, id)
	if err != nil {
		return err
	}
	for _, c := range calendars {
		if err := tx.DeleteCalendar(c.ID); err != nil {
			return err
		}
	}
	return tx.dropProperties(`user_id = ?`, id)
}

func fold(s string) string { return strings.ToLower(s) }

func foldAddresses(addresses []string) []string {
	var folded []string
	for _, a := range addresses {
		if a = fold(a); !slices.Contains(folded, a) {
			folded = append(folded, a)
		}
	}
	return folded
}
