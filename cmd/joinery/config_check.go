package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"joinery/mailer"
)

func dotted(key toml.Key) string { return strings.Join(key, ".") }

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimPrefix(s, "toml: ")
}

// environment overrides keys of the file: JOINERY_MAIL_RELAY is mail.relay, lists are separated by
// commas, JOINERY_PROVIDER_NAME_TOKEN is the token of the provider called name.
func (c *config) environment(environ []string) error {
	env := map[string]string{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(k, "JOINERY_") {
			env[k] = v
		}
	}
	for i := range c.Providers {
		p := &c.Providers[i]
		name := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_", " ", "_").Replace(p.Name))
		if err := override(reflect.ValueOf(p).Elem(), "JOINERY_PROVIDER_"+name, env); err != nil {
			return err
		}
	}
	return override(reflect.ValueOf(c).Elem(), "JOINERY", env)
}

// override sets the fields of v from variables that begin with prefix.
func override(v reflect.Value, prefix string, env map[string]string) error {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("toml")
		if tag == "" {
			continue
		}
		name, f := prefix+"_"+strings.ToUpper(tag), v.Field(i)
		if f.Kind() == reflect.Struct {
			if err := override(f, name, env); err != nil {
				return err
			}
			continue
		}
		text, ok := env[name]
		if !ok {
			continue
		}
		if err := setField(f, text); err != nil {
			return fmt.Errorf("environment: %s: %w", name, err)
		}
	}
	return nil
}

func setField(f reflect.Value, text string) error {
	if d, ok := f.Addr().Interface().(*duration); ok {
		return d.UnmarshalText([]byte(text))
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		f.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		f.SetInt(int64(n))
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		f.SetFloat(n)
	case reflect.Slice:
		var list []string
		for _, s := range strings.Split(text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
		f.Set(reflect.ValueOf(list))
	default:
		return fmt.Errorf("it cannot be set by the environment; set it in the file")
	}
	return nil
}

// resolve takes relative paths from the configuration file's folder, so that a command finds the same
// files wherever it is run.
func (c *config) resolve() {
	folder := filepath.Dir(c.path)
	for _, path := range []*string{&c.TLS.Cert, &c.TLS.Key, &c.Mail.CAFile, &c.Mail.PasswordFile, &c.Mail.Incoming.PasswordFile} {
		*path = below(folder, *path)
	}
	for i := range c.Providers {
		c.Providers[i].TokenFile = below(folder, c.Providers[i].TokenFile)
	}
	if path, ok := strings.CutPrefix(c.Store.URL, "sqlite:"); ok && path != "" && path != ":memory:" {
		c.Store.URL = "sqlite:" + below(folder, path)
	}
	if path, ok := strings.CutPrefix(c.Mail.Incoming.LMTP, "unix:"); ok && path != "" {
		c.Mail.Incoming.LMTP = "unix:" + below(folder, path)
	}
}

func below(folder, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// secrets reads the files that hold secrets.
func (c *config) secrets() error {
	if err := c.secretFile("mail.password", &c.Mail.Password, c.Mail.PasswordFile); err != nil {
		return err
	}
	if err := c.secretFile("mail.incoming.password", &c.Mail.Incoming.Password, c.Mail.Incoming.PasswordFile); err != nil {
		return err
	}
	for i := range c.Providers {
		p := &c.Providers[i]
		if err := c.secretFile("provider "+p.Name+": token", &p.Token, p.TokenFile); err != nil {
			return err
		}
	}
	return nil
}

func (c *config) secretFile(key string, to *secret, path string) error {
	if path == "" {
		return nil
	}
	if *to != "" {
		return c.wrong(key, "is given twice, as a value and as a file; leave one of them out")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return c.wrong(key+"_file", fmt.Sprintf("cannot be read: %v; create it or correct the path", err))
	}
	*to = secret(strings.TrimSpace(string(data)))
	return nil
}

// wrong is a one-line error about a key.
func (c *config) wrong(key, problem string) error {
	return fmt.Errorf("%s: %s %s", c.path, key, problem)
}

var domainName = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$`)

// check holds every value to what the program can work with.
func (c *config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return c.wrong("listen", fmt.Sprintf("%q is not an address; write HOST:PORT, 127.0.0.1:8080 say", c.Listen))
	}
	if c.PublicURL == "" {
		scheme := "http"
		if c.TLS.Cert != "" {
			scheme = "https"
		}
		c.PublicURL = scheme + "://" + c.Listen
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return c.wrong("public_url", fmt.Sprintf("%q is not the root address of a server; write https://HOST", c.PublicURL))
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if c.ServiceDomain != "" && !domainName.MatchString(c.ServiceDomain) {
		return c.wrong("service_domain", fmt.Sprintf("%q is not a domain name; write conference.example.org, say", c.ServiceDomain))
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		return c.wrong("tls", "needs both cert and key; give both files or neither")
	}
	for _, f := range []struct{ key, path string }{{"tls.cert", c.TLS.Cert}, {"tls.key", c.TLS.Key}, {"mail.ca_file", c.Mail.CAFile}} {
		if f.path != "" {
			if _, err := os.Stat(f.path); err != nil {
				return c.wrong(f.key, fmt.Sprintf("%q cannot be read: create it or correct the path", f.path))
			}
		}
	}
	if !strings.HasPrefix(c.Store.URL, "sqlite:") || c.Store.URL == "sqlite:" {
		return c.wrong("store.url", fmt.Sprintf("%q is not supported; write sqlite:PATH", c.Store.URL))
	}
	switch c.Log {
	case "debug", "info", "warn", "error":
	default:
		return c.wrong("log", fmt.Sprintf("%q is not a level; write debug, info, warn or error", c.Log))
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return c.wrong("log_format", fmt.Sprintf("%q is not a format; write text or json", c.LogFormat))
	}
	if c.Settle.d() > time.Hour {
		return c.wrong("settle", "is longer than an hour; conferences and cancellations would wait that long")
	}
	if every := c.Reconcile.d(); every < time.Minute || every > 24*time.Hour {
		return c.wrong("reconcile_every", "is not between a minute and a day; write 1h")
	}
	if c.CalDAV.MaxSize < 1024 {
		return c.wrong("caldav.max_size", "is below 1024 bytes; no event fits")
	}
	if err := c.checkAttachments(); err != nil {
		return err
	}
	if c.CalDAV.PerSecond < 1 {
		return c.wrong("caldav.requests_per_second", "is below 1; a client that only looks for changes would wait")
	}
	if err := c.checkMail(); err != nil {
		return err
	}
	if c.Conference.Links != "provider" && c.Conference.Links != "join" {
		return c.wrong("conference.links", fmt.Sprintf("%q is not a choice; write provider or join", c.Conference.Links))
	}
	if c.Conference.SeriesLinks != "join" && c.Conference.SeriesLinks != "direct" {
		return c.wrong("conference.series_links", fmt.Sprintf("%q is not a choice; write join or direct", c.Conference.SeriesLinks))
	}
	if c.Conference.Opens.d() > 24*time.Hour {
		return c.wrong("conference.opens", "is longer than a day; people would find the room of a later meeting")
	}
	if err := c.checkProviders(); err != nil {
		return err
	}
	return c.checkPools()
}

// checkPools holds a pool to accounts of one kind, gathered under one that is asked for.
func (c *config) checkPools() error {
	byName := map[string]providerConfig{}
	for _, p := range c.Providers {
		byName[p.Name] = p
	}
	for _, p := range c.Providers {
		if p.Pool == "" {
			continue
		}
		key := "provider " + p.Name + ": pool"
		head, ok := byName[p.Pool]
		switch {
		case !ok:
			return c.wrong(key, fmt.Sprintf("%q is not an account; write the name of the account that conferences are asked of", p.Pool))
		case head.Name == p.Name || head.Pool != "":
			return c.wrong(key, fmt.Sprintf("%q is in a pool itself; name the account that conferences are asked of", p.Pool))
		case head.Kind != p.Kind:
			return c.wrong(key, fmt.Sprintf("%q is of another kind; a pool has accounts of one kind", p.Pool))
		}
	}
	return nil
}

func (c *config) checkMail() error {
	if c.Mail.Relay == "" {
		return c.wrong("mail.relay", "is missing; write the relay that takes your mail, smtp://127.0.0.1:25 say")
	}
	u, err := url.Parse(c.Mail.Relay)
	if err != nil || u.Host == "" {
		return c.wrong("mail.relay", "is not a relay's address; write smtp://HOST:PORT, smtp+starttls://USER@HOST:PORT or smtps://USER@HOST:PORT")
	}
	switch u.Scheme {
	case "smtp", "smtp+starttls", "smtps":
	default:
		return c.wrong("mail.relay", fmt.Sprintf("%q is not a scheme for a relay; write smtp://, smtp+starttls:// or smtps://", u.Scheme))
	}
	if pw, ok := u.User.Password(); ok && pw != "" {
		return c.wrong("mail.relay", "holds a password; put it into mail.password, mail.password_file or JOINERY_MAIL_PASSWORD")
	}
	if u.User.Username() != "" && c.Mail.Password == "" {
		return c.wrong("mail.password", "is missing, the relay's address names a user; set it, mail.password_file or JOINERY_MAIL_PASSWORD")
	}
	for _, d := range c.Mail.Domains {
		if !domainName.MatchString(d) {
			return c.wrong("mail.domains", fmt.Sprintf("%q is not a domain name; write example.org, say", d))
		}
	}
	if c.Mail.Address == "" {
		domain := c.ServiceDomain
		if len(c.Mail.Domains) > 0 {
			domain = c.Mail.Domains[0]
		}
		if domain == "" {
			return c.wrong("mail.address", "is missing and neither mail.domains nor service_domain is there to make it of; set one of them")
		}
		c.Mail.Address = "joinery@" + domain
	}
	if !strings.Contains(c.Mail.Address, "@") {
		return c.wrong("mail.address", fmt.Sprintf("%q is not a mail address", c.Mail.Address))
	}
	return c.checkIncoming()
}

// checkIncoming holds the ways by which mail comes in to those that nobody else can use.
func (c *config) checkIncoming() error {
	in := c.Mail.Incoming
	if in.LMTP != "" {
		if _, _, err := mailer.ParseLMTP(in.LMTP); err != nil {
			return c.wrong("mail.incoming.lmtp", fmt.Sprintf("%q is not where LMTP may listen: %v; write unix:/run/joinery/lmtp.sock or 127.0.0.1:2424", in.LMTP, err))
		}
	}
	if in.IMAP != "" {
		if _, err := mailer.ParseIMAP(in.IMAP); err != nil {
			return c.wrong("mail.incoming.imap", fmt.Sprintf("is not a mailbox's address: %v; write imaps://USER@HOST/INBOX", err))
		}
		if in.Password == "" {
			return c.wrong("mail.incoming.password", "is missing, mail.incoming.imap names a mailbox; set it, mail.incoming.password_file or JOINERY_MAIL_INCOMING_PASSWORD")
		}
	}
	if every := in.Interval.d(); every < 5*time.Second || every > time.Hour {
		return c.wrong("mail.incoming.interval", "is not between 5 seconds and an hour; write 60s")
	}
	for _, host := range in.Trust {
		if !domainName.MatchString(strings.TrimPrefix(host, "*.")) {
			return c.wrong("mail.incoming.trust", fmt.Sprintf("%q is not the name of a mail server; write what stands first in its Authentication-Results, mx.example.org say", host))
		}
	}
	for _, domain := range in.Signers {
		if !domainName.MatchString(domain) {
			return c.wrong("mail.incoming.signers", fmt.Sprintf("%q is not a domain; write what stands as d= in a DKIM signature, google.com say", domain))
		}
	}
	return nil
}

func (c *config) checkProviders() error {
	names, words, resources, defaults := map[string]bool{}, map[string]string{}, map[string]string{}, ""
	for i := range c.Providers {
		p := &c.Providers[i]
		if p.Name == "" {
			return c.wrong(fmt.Sprintf("provider %d: name", i+1), "is missing; give each account a name of its own")
		}
		key := "provider " + p.Name + ": "
		if names[p.Name] {
			return c.wrong(key+"name", "is there twice; give each account a name of its own")
		}
		names[p.Name] = true
		if providerKinds[p.Kind].open == nil {
			return c.wrong(key+"kind", fmt.Sprintf("%q is not a known interface; write one of %s", p.Kind, strings.Join(kindNames(), ", ")))
		}
		if p.BaseURL == "" {
			p.BaseURL = providerKinds[p.Kind].baseURL
		}
		if u, err := url.Parse(p.BaseURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return c.wrong(key+"base_url", fmt.Sprintf("%q is not an http or https address", p.BaseURL))
		}
		if p.Token == "" || p.Token == "…" {
			return c.wrong(key+"token", "is missing; set token, token_file or the environment's JOINERY_PROVIDER_NAME_TOKEN")
		}
		for w, kind := range p.Words {
			folded := strings.ToLower(strings.TrimSpace(w))
			if folded == "" || strings.ContainsAny(w, ";,\n") {
				return c.wrong(key+"words", fmt.Sprintf("%q cannot stand alone in a location; leave out separators", w))
			}
			if other := words[folded]; other != "" {
				return c.wrong(key+"words", fmt.Sprintf("%q is a word of %s already; a word asks for one account only", w, other))
			}
			words[folded] = p.Name
			if kind != "meeting" && kind != "webinar" && kind != "" {
				return c.wrong(key+"words", fmt.Sprintf("%q = %q: a word's kind is meeting or webinar, or \"\" for default_kind", w, kind))
			}
		}
		if p.DefaultKind != "" && p.DefaultKind != "meeting" && p.DefaultKind != "webinar" {
			return c.wrong(key+"default_kind", fmt.Sprintf("%q is not a kind; write meeting or webinar", p.DefaultKind))
		}
		if p.Resource != "" {
			if c.ServiceDomain == "" {
				return c.wrong("service_domain", fmt.Sprintf("is missing, provider %s has a resource address in it", p.Name))
			}
			if other := resources[strings.ToLower(p.Resource)]; other != "" {
				return c.wrong(key+"resource", fmt.Sprintf("%q is the resource of %s already", p.Resource, other))
			}
			resources[strings.ToLower(p.Resource)] = p.Name
		}
		if p.Default {
			if defaults != "" {
				return c.wrong(key+"default", fmt.Sprintf("is set, and so it is for %s; only one account can be the default", defaults))
			}
			defaults = p.Name
		}
	}
	return nil
}
