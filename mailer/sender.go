package mailer

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"time"

	"joinery/caldav/change"
	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// A Calendar is what the sender needs of the write path; *change.Changer is one.
type Calendar interface {
	Present(tx *store.Tx, eventID int64) (*change.Present, error)
	MarkDelivered(tx *store.Tx, eventID int64, statuses map[string]string, reply bool) error
}

// Options are what a Sender is given from outside.
type Options struct {
	Store   *store.Store
	Outbox  *outbox.Runner
	Changer Calendar
	Policy  change.Policy

	Relay    string // see NewRelay
	Password string
	TLS      *tls.Config // nil: the system's authorities

	Domains        []string // whose addresses we may send from; nil: Policy.Domains
	ServiceName    string   // "Joinery" if empty
	ServiceAddress string   // "joinery@" and the service domain if empty

	// Local finds a local user by address, for language and zone; nil: the store's users. A nil user
	// is somebody else.
	Local func(tx *store.Tx, address string) (*store.User, error)

	GiveUp  time.Duration                    // how long a message is tried; 0: 5 days
	Backoff func(attempts int) time.Duration // between attempts; nil: outbox.Backoff
	Workers int                              // submissions side by side; 0: 4
	Now     func() time.Time                 // nil: the store's clock
	Rand    io.Reader                        // nil: crypto/rand; safe for concurrent use
	Log     *slog.Logger                     // nil: discarded
	// Observe, if set, is told every outcome of a submission.
	Observe func(o Outcome, took time.Duration)
}

// A Sender owes people mail and sends it. It is safe for concurrent use.
type Sender struct {
	opts  Options
	relay *Relay
	fresh fresh
	composer
}

// New returns a sender; its Queues must be added to a runner. The error names what in the relay's
// address is wrong.
func New(o Options) (*Sender, error) {
	if o.Domains == nil {
		o.Domains = o.Policy.Domains
	}
	if o.ServiceName == "" {
		o.ServiceName = "Joinery"
	}
	host := o.Policy.ServiceDomain
	if host == "" {
		host = "localhost"
	}
	if o.ServiceAddress == "" {
		o.ServiceAddress = "joinery@" + host
	}
	if o.GiveUp == 0 {
		o.GiveUp = 5 * 24 * time.Hour
	}
	if o.Backoff == nil {
		o.Backoff = outbox.Backoff
	}
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Now == nil {
		o.Now = time.Now
		if o.Store != nil {
			o.Now = o.Store.Now
		}
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	relay, err := NewRelay(o.Relay, o.Password, o.TLS, host)
	if err != nil {
		return nil, fmt.Errorf("the mail relay: %w", err)
	}
	return &Sender{opts: o, relay: relay, composer: composer{
		domains: o.Domains, service: o.ServiceName, address: o.ServiceAddress, host: host, random: o.Rand,
	}}, nil
}

// lookers is how many events are looked at side by side: a large one does not hold up the others.
const lookers = 4

// sessionMails is how many messages a session with the relay takes at once, so that leases and outcomes share
// transactions. What comes behind a mail that the relay is slow with waits for it: they are few.
const sessionMails = 5

// Queues are the work that the sender does: looking at events, and submitting messages.
func (s *Sender) Queues() []outbox.Queue {
	return []outbox.Queue{
		{Kind: change.WorkMail, Workers: lookers, Handle: s.mail},
		{Kind: change.WorkSubmit, Workers: s.opts.Workers, Batch: sessionMails, Insist: true, Handle: s.submit},
	}
}

// Check says whether the relay can be used; see Relay.Check.
func (s *Sender) Check(ctx context.Context) []conference.Finding { return s.relay.Check(ctx) }

// local finds a local user by address; nil for others.
func (s *Sender) local(tx *store.Tx, address string) (*store.User, error) {
	if s.opts.Local != nil {
		return s.opts.Local(tx, address)
	}
	u, err := tx.UserByAddress(address)
	return found(u, err)
}
