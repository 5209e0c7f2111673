package mailer

import (
	"context"
	"io"
	"log/slog"
	"time"

	"joinery/caldav/change"
	"joinery/store"
	"joinery/store/outbox"
)

// Answers is what the inbox needs of the write path; *change.Changer is one.
type Answers interface {
	Answer(ctx context.Context, a change.Answer) (change.Outcome, error)
	OrganizersEvent(tx *store.Tx, uid, organizer, address string) (*store.Event, error)
	Refresh(ctx context.Context, eventID int64, address string) error
}

// InboxOptions are what an Inbox is given from outside.
type InboxOptions struct {
	Store   *store.Store
	Outbox  *outbox.Runner
	Answers Answers

	// TrustedHosts are the authserv-ids whose Authentication-Results count (RFC 8601 §2.5). The mail
	// server must take such lines out of what it is sent (§5 there). "*.example.net" is every host below it.
	TrustedHosts []string
	// Unverified has answers count for which nobody vouches; those that a trusted host says are forged do not.
	Unverified bool

	// LookupTXT finds the keys of DKIM signatures; nil: the system's resolver.
	LookupTXT func(ctx context.Context, domain string) ([]string, error)
	Now       func() time.Time // nil: the store's clock
	Log       *slog.Logger     // nil: discarded
	// Observe, if set, is told what became of every mail: an Incoming's Outcome, or "ignored" or "fault".
	Observe func(outcome string)
}

// An Inbox takes mail that came in: answers to invitations, and what mail servers say of ours. It is safe
// for concurrent use.
type Inbox struct{ opts InboxOptions }

// NewInbox returns an inbox.
func NewInbox(o InboxOptions) *Inbox {
	if o.Now == nil {
		o.Now = time.Now
		if o.Store != nil {
			o.Now = o.Store.Now
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Inbox{opts: o}
}

// Take reads one mail, acts on it and records what became of it. envelopeFrom is its return path, empty for
// a notification or where it is not known. handled is false where the mail is neither an answer to an event
// here nor a notification about a mail of ours: it is left to whom it was sent. The error is a fault of ours
// or of m, and the mail is to be taken again later; whatever the mail holds is none. Taking the same mail
// again is harmless.
func (i *Inbox) Take(ctx context.Context, m io.Reader, envelopeFrom string) (handled bool, err error) {
	return false, nil
}
