// Package mtslink reserves conferences at MTS Link (formerly Webinar.ru) through its UserAPI v3.
//
// A conference is made in two calls, each recorded before the next:
//
//  1. POST /events makes the event: a shell with title, time, owner and our key among its tags.
//     Only this answer carries the public link.
//  2. POST /events/{id}/sessions makes the session, the meeting itself. A single event holds one
//     session and answers a second with 409, so that this step may be repeated.
//
// The service has no idempotency keys. An event whose answer was lost is found again by its tag
// (Find); as neither lists nor details carry the public link, and it must not be built from
// ids, Reserve deletes an event that has our key and no known link, and makes another.
//
// People hang on the session. The service answers only for those whom it took, so that the others
// are found by reading the list of participants (Enroll).
//
// Sources: help.mts-link.ru articles 19681 (create event), 3148409 (create session), 19675 (edit),
// 19672 and 19673 (delete), 19674 (another owner), 19598 and 19597 (start, stop), 19677 (event
// data), 19671 (register, invite), 19666 (participants), 19419 (webhooks), 19513 (time zones),
// 19683 (errors), 19615 (list of methods).
package mtslink

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"joinery/conference"
)

// The names under which a room's references are kept.
const (
	RefEvent   = "event"   // the event, the shell
	RefSession = "session" // the session, the meeting itself
	// RefDescribed is "1" once a description was sent, so that an agenda that is emptied later is
	// emptied at the service too, while texts that people wrote there are left alone.
	RefDescribed = "described"
)

// titleLimit is where titles are cut. The service publishes no limit; this one is of a learning
// platform that books there.
const titleLimit = 255

// A Config names one account at the service. It prints without its secrets.
type Config struct {
	Name    string // of the account, for logs and findings; "mtslink" if empty
	BaseURL string // with the version: https://userapi.mts-link.ru/v3
	Token   string // the API key
	// HookSecret is the secret phrase of the account's webhooks; empty: none is believed.
	HookSecret string

	HTTP *http.Client     // nil: one with sensible timeouts. Redirects are never followed
	Log  *slog.Logger     // nil: silent
	Now  func() time.Time // nil: time.Now
}

// Format prints c without its secrets, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%s %s %s}", c.Name, c.BaseURL, Secret(c.Token))
}

// LogValue logs c without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", c.Name), slog.String("base_url", c.BaseURL))
}

// A Provider is one account at MTS Link.
type Provider struct {
	name       string
	base       *url.URL
	token      Secret
	hookSecret Secret
	client     *http.Client
	log        *slog.Logger
	now        func() time.Time
	zones      zoneCache
	owners     ownerCache
}

var (
	_ conference.Provider = (*Provider)(nil)
	_ conference.Finder   = (*Provider)(nil)
	_ conference.Stater   = (*Provider)(nil)
	_ conference.Starter  = (*Provider)(nil)
	_ conference.Lister   = (*Provider)(nil)
	_ conference.Checker  = (*Provider)(nil)
	_ conference.Enroller = (*Provider)(nil)
	_ conference.Attender = (*Provider)(nil)
	_ conference.Notifier = (*Provider)(nil)
)

// New returns the account of c. It asks nothing of the service. Its errors name the configuration
// key and the remedy, and never the token.
func New(c Config) (*Provider, error) {
	base, err := url.Parse(strings.TrimRight(c.BaseURL, "/"))
	if err != nil {
		return nil, errors.New("base_url: not an address: write https://userapi.mts-link.ru/v3 or the address of your own installation")
	}
	if (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("base_url: must be a plain http or https address: write https://userapi.mts-link.ru/v3 or the address of your own installation")
	}
	if c.Token == "" {
		return nil, errors.New("token: is empty: copy the key from the personal account, Business → API/Webhooks → API")
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("token: has spaces or characters that no key has: copy the key again, without the line end")
	}
	p := &Provider{name: c.Name, base: base, token: Secret(c.Token), hookSecret: Secret(c.HookSecret), log: c.Log, now: c.Now}
	if p.name == "" {
		p.name = "mtslink"
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.log = p.log.With("provider", p.name)
	if p.now == nil {
		p.now = time.Now
	}
	client := http.Client{Transport: defaultTransport(), Timeout: time.Minute}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	// The token is a header of the service's own that net/http would carry along to any host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.client = &client
	return p, nil
}

func defaultTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          16,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       60 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
	}
}

// Traits implements conference.Provider. Rooms are made without registration, so their links are
// public.
func (p *Provider) Traits() conference.Traits {
	return conference.Traits{Service: "MTS Link", TitleLimit: titleLimit, PublicLink: true}
}

// A Secret prints as ***, in every form that fmt, slog and encoding/json know.
type Secret string

// Format implements fmt.Formatter.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }
