package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/conference"
	"joinery/store"
)

// relayPolicy is as much of the policy as the relay's check needs.
func (d *doctor) relayPolicy() change.Policy {
	return change.Policy{ServiceDomain: d.config.ServiceDomain, Domains: d.config.Mail.Domains}
}

// configuration judges what is allowed and yet seldom meant.
func (d *doctor) configuration() {
	c := d.config
	d.add(statusOK, "configuration", fmt.Sprintf("%s, accounts of providers: %d", c.path, len(c.Providers)), "")
	if len(c.Providers) == 0 {
		d.add(statusWarn, "providers", "there is none, so nothing gets a conference", "Add a [[provider]] to "+c.path+".")
	}
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil:
	case u.Hostname() == "" || unspecified(u.Hostname()):
		d.add(statusWarn, "public_url", c.PublicURL+" is not an address that clients can use", "Write public_url as clients have it: https://HOST.")
	case u.Scheme == "http" && !loopbackName(u.Hostname()):
		d.add(statusWarn, "public_url", c.PublicURL+": passwords cross the network unencrypted", "Put a reverse proxy with TLS in front or set tls.cert and tls.key, and write https:// in public_url.")
	default:
		d.add(statusOK, "public_url", c.PublicURL+"; whether clients reach it is not tried from here", "")
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && !loopbackName(host) && c.TLS.Cert == "" {
		d.add(statusWarn, "listen", c.Listen+" is open to others and speaks plain HTTP", "Listen on 127.0.0.1 behind a reverse proxy with TLS, or set tls.cert and tls.key.")
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && u != nil && loopbackName(host) && !loopbackName(u.Hostname()) && !c.CalDAV.TrustProxy {
		d.add(statusWarn, "trust_proxy", "behind a reverse proxy all clients seem to be one, so that wrong passwords of one keep others out", "Set trust_proxy = true in [caldav], and let the proxy set X-Forwarded-For.")
	}
	if c.TLS.Cert != "" {
		d.certificate()
	}
	if slices.ContainsFunc(c.Mail.Domains, func(domain string) bool { return strings.EqualFold(domain, c.ServiceDomain) }) {
		d.add(statusWarn, "service_domain", c.ServiceDomain+" is a domain in which people have addresses", "Use a domain of its own, such as conference."+c.ServiceDomain+", so that no resource can be somebody's address.")
	}
}

// unspecified tells whether host stands for all of a machine's addresses (RFC 4291 §2.5.2).
func unspecified(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified()
}

func loopbackName(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// checkStore opens the store, if it is there, and has all of it looked at.
func (d *doctor) checkStore(ctx context.Context) {
	path := strings.TrimPrefix(d.config.Store.URL, "sqlite:")
	folder := filepath.Dir(path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if f, err := os.CreateTemp(folder, ".joinery-doctor-*"); err != nil {
			d.add(statusFail, "store", fmt.Sprintf("%s is not there and cannot be made: %v", path, err), "Make the folder and give the user that runs joinery the right to write there.")
		} else {
			_ = f.Close()
			_ = os.Remove(f.Name())
			d.add(statusWarn, "store", path+" is not there yet", "Add the first user with joinery user add; that makes it.")
		}
		return
	}
	s, err := store.Open(ctx, d.config.Store.URL, store.Options{Now: d.now})
	if err != nil {
		d.add(statusFail, "store", err.Error(), "See that the file is a database of this version or an older one and that the user that runs joinery may read and write it and its folder.")
		return
	}
	d.store = s
	if err := s.Probe(ctx); err != nil {
		d.add(statusFail, "store", fmt.Sprintf("%s cannot be written: %v", path, err), "Give the user that runs joinery the right to write the file and its folder, and see that the disk is not full or read-only.")
		d.disk(folder)
		return
	}
	// Opening has asserted both settings on every connection.
	d.add(statusOK, "store", path+" can be read and written; WAL, synchronous=FULL", "")
	if err := s.Integrity(ctx); err != nil {
		d.add(statusFail, "store integrity", err.Error(), "Stop joinery, keep a copy of the file, and restore the last good backup.")
	} else {
		d.add(statusOK, "store integrity", "the whole file was read", "")
	}
	d.disk(folder)
}

// disk looks for room: SQLite needs some for its journal even to delete.
func (d *doctor) disk(folder string) {
	free, ok := freeSpace(folder)
	if !ok {
		return
	}
	detail := fmt.Sprintf("%d MiB free in %s", free>>20, folder)
	switch {
	case free < 50<<20:
		d.add(statusFail, "disk", detail, "Make room: saves fail once it is full.")
	case free < max(500<<20, 2*uint64(d.config.CalDAV.AttachmentSize)): // a file is in the journal first
		d.add(statusWarn, "disk", detail, "Make room before it is full.")
	default:
		d.add(statusOK, "disk", detail, "")
	}
}

// How far this machine's clock may be off. A provider's Date has whole seconds.
const (
	clockWarn = 30 * time.Second
	clockFail = 5 * time.Minute
)

// clock compares this machine's clock with the store's rows and a provider's.
func (d *doctor) clock(ctx context.Context) {
	const remedy = "Set the clock and keep it right by NTP: meetings and cancellations depend on it."
	now := d.now()
	if now.Year() < 2025 {
		d.add(statusFail, "clock", now.UTC().Format(time.RFC3339), remedy)
		return
	}
	if newest := d.newest(ctx); newest.After(now.Add(time.Minute)) {
		d.add(statusFail, "clock", fmt.Sprintf("it is %s, but the store has rows of %s", now.UTC().Format(time.RFC3339), newest.UTC().Format(time.RFC3339)), remedy)
		return
	}
	for _, p := range d.config.Providers {
		there, ok := serverTime(ctx, p.BaseURL)
		if !ok {
			continue
		}
		off := d.now().Sub(there)
		detail := fmt.Sprintf("%s from provider %s's", off.Abs().Truncate(time.Second), p.Name)
		switch {
		case off.Abs() > clockFail:
			d.add(statusFail, "clock", detail, remedy)
		case off.Abs() > clockWarn:
			d.add(statusWarn, "clock", detail, remedy)
		default:
			d.add(statusOK, "clock", detail, "")
		}
		return
	}
	d.add(statusOK, "clock", now.UTC().Format(time.RFC3339)+"; no provider to compare it with", "")
}

// newest is the time of a late row of the store, zero if there is none.
func (d *doctor) newest(ctx context.Context) (t time.Time) {
	if d.store == nil {
		return t
	}
	later := func(u time.Time) {
		if u.After(t) {
			t = u
		}
	}
	// A store that cannot be read has a line of its own.
	_ = d.store.View(ctx, func(tx *store.Tx) error {
		users, err := tx.Users()
		if err != nil {
			return err
		}
		for _, u := range users {
			later(u.Created)
		}
		rooms, err := tx.RoomsInState(string(conference.RoomCreating), string(conference.RoomLive), string(conference.RoomReleasing))
		for _, r := range rooms {
			later(r.Updated)
		}
		return err
	})
	return t
}

// serverTime is a server's clock by its Date header (RFC 9110 §6.6.1). No credentials are sent.
func serverTime(ctx context.Context, address string) (time.Time, bool) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return time.Time{}, false
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return time.Time{}, false
	}
	_ = resp.Body.Close()
	t, err := http.ParseTime(resp.Header.Get("Date"))
	return t, err == nil
}

// shownProblems is how many events with a problem are listed.
const shownProblems = 10

// waiting lists work that fails and events whose conference cannot be reserved now.
func (d *doctor) waiting(ctx context.Context) {
	if d.store == nil {
		return
	}
	var work map[string]store.WorkCount
	var problems []string
	err := d.store.View(ctx, func(tx *store.Tx) (err error) {
		if work, err = tx.CountWork(); err != nil {
			return err
		}
		bookings, err := tx.WaitingBookings()
		if err != nil {
			return err
		}
		for _, b := range bookings {
			if b.Problem == "" {
				continue
			}
			ev, err := tx.EventByID(b.EventID)
			if err != nil {
				return err
			}
			problems = append(problems, fmt.Sprintf("%s has none: %s", ev.UID, reasonWords(b.Problem)))
		}
		return nil
	})
	if err != nil {
		d.add(statusFail, "work", err.Error(), "See the store's line.")
		return
	}
	waits, fails, overdue := 0, []string(nil), ""
	for kind, c := range work {
		waits += c.Waiting
		if c.Failing > 0 {
			fails = append(fails, fmt.Sprintf("%d of kind %s", c.Failing, kind))
		}
		if age := d.now().Sub(c.Oldest); !c.Oldest.IsZero() && age > 5*time.Minute {
			overdue = fmt.Sprintf("; work of kind %s is overdue by %s, joinery serve does not run or does not keep up", kind, age.Truncate(time.Second))
		}
	}
	slices.Sort(fails)
	detail := fmt.Sprintf("%d waiting", waits)
	if len(fails) > 0 {
		detail += ", failing: " + strings.Join(fails, ", ")
	}
	if len(fails) > 0 || overdue != "" {
		d.add(statusWarn, "work", detail+overdue, "See that joinery serve runs, mend what failed above; joinery why UID tells of one event.")
	} else {
		d.add(statusOK, "work", detail, "")
	}
	for i, p := range problems {
		if i == shownProblems {
			d.add(statusWarn, "conferences", fmt.Sprintf("and %d more events", len(problems)-i), "joinery why UID tells of one event.")
			break
		}
		d.add(statusWarn, "conferences", p, "joinery why UID tells more.")
	}
}
