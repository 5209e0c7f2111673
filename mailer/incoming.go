package mailer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
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
	// Signers are domains whose signature (DKIM) vouches for any From: of calendar services that sign with their own
	// name what people of other domains answer there.
	Signers []string
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
	if o.LookupTXT == nil {
		o.LookupTXT = net.DefaultResolver.LookupTXT
	}
	return &Inbox{opts: o}
}

// Outcomes of mails that came in, besides those of answers (change.Outcome).
const (
	OutcomeUnreadable = "unreadable" // it says that it is an answer and cannot be read
	OutcomeMismatch   = "mismatch"   // it speaks for somebody else than its sender
	OutcomeUnvouched  = "unvouched"  // nobody vouches for its sender
	OutcomeForged     = "forged"     // the mail server says that its sender is another
	OutcomeAutomatic  = "automatic"  // a program asks for the event
	OutcomeRefreshed  = "refreshed"  // the event is sent again

	// What a mail server says of a mail of ours (RFC 3464 §2.3.3).
	ReportFailed    = "failed"
	ReportDelayed   = "delayed"
	ReportDelivered = "delivered"
	ReportRelayed   = "relayed"
	ReportExpanded  = "expanded"

	// Only counted, see InboxOptions.Observe.
	OutcomeIgnored = "ignored" // none of ours
	OutcomeFault   = "fault"   // of ours: it is taken again
)

// doneOutcomes are those after which a mail has had its effect.
var doneOutcomes = []string{
	string(change.OutcomeApplied), string(change.OutcomeSame), string(change.OutcomeProposed), string(change.OutcomeWaiting), OutcomeRefreshed,
}

// Take reads one mail, acts on it and records what became of it. envelopeFrom is its return path, empty for
// a notification or where it is not known. handled is false where the mail is neither an answer to an event
// here nor a notification about a mail of ours: it is left to whom it was sent. The error is a fault of ours
// or of m, and the mail is to be taken again later; whatever the mail holds is none. Taking the same mail
// again is harmless.
func (i *Inbox) Take(ctx context.Context, m io.Reader, envelopeFrom string) (handled bool, err error) {
	rows, err := i.take(ctx, m)
	if err != nil {
		i.observe(OutcomeFault)
		return false, err
	}
	for _, r := range rows {
		i.observe(r.Outcome)
		i.opts.Log.InfoContext(ctx, "mail came in", "message", r.MessageID, "from", cut(printable(envelopeFrom), 100), "method", r.Method,
			"uid", r.UID, "address", r.Address, "outcome", r.Outcome, "detail", r.Detail)
	}
	if len(rows) == 0 {
		i.observe(OutcomeIgnored)
	}
	return len(rows) > 0, nil
}

func (i *Inbox) observe(outcome string) {
	if i.opts.Observe != nil {
		i.opts.Observe(outcome)
	}
}

// take is Take without what is said about it. A panic is the mail's: it would be the same again.
func (i *Inbox) take(ctx context.Context, r io.Reader) (rows []*store.Incoming, err error) {
	m := &mailRead{}
	defer func() {
		if p := recover(); p != nil {
			i.opts.Log.ErrorContext(ctx, "a mail that came in cannot be taken", "message", m.messageID(), "panic", p, "stack", string(debug.Stack()))
			row := &store.Incoming{Outcome: OutcomeUnreadable, Detail: "internal error, see the log"}
			rows, err = []*store.Incoming{row}, i.keep(ctx, m, row)
		}
	}()
	m, err = readMail(ctx, r, i.needsBody)
	if err != nil {
		return nil, fmt.Errorf("reading the mail: %w", err)
	}
	if m.report != nil || m.header.get("x-failed-recipients") != "" {
		row, err := i.takeReport(ctx, m)
		if row != nil && err == nil {
			rows = append(rows, row)
		}
		return rows, err
	}
	if len(m.calendars) == 0 {
		return nil, nil
	}
	from := ""
	if values := m.header.all("from"); len(values) == 1 {
		from = mailbox(values[0])
	}
	var person *store.User
	if from != "" {
		err = i.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
			person, err = found(tx.UserByAddress(from))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("looking for the sender: %w", err)
		}
	}
	for _, in := range i.answers(ctx, m, from, person) {
		row, err := i.takeAnswer(ctx, m, in, from, person)
		if err != nil {
			return nil, err
		}
		if row != nil {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// needsBody tells whether the body may be needed to check a signature.
func (i *Inbox) needsBody(h mailHeader) bool {
	from := h.all("from")
	if len(from) != 1 || h.get(signatureField) == "" {
		return false
	}
	v, _ := i.judge(i.trustedResults(h), mailbox(from[0]), nil)
	return v == unvouched && !i.opts.Unverified || v == doubtful
}

// messageID is the mail's, without angle brackets; empty where it has none.
func (m *mailRead) messageID() string {
	if ids := messageIDs(m.header.get("message-id")); len(ids) > 0 {
		return printable(ids[0])
	}
	return ""
}

// mostEarlier is how many of the latest mails about an event are looked through for the same one.
const mostEarlier = 100

// keep is record in a transaction of its own.
func (i *Inbox) keep(ctx context.Context, m *mailRead, row *store.Incoming) error {
	return i.opts.Store.Update(ctx, func(tx *store.Tx) error { return i.record(tx, m, row) })
}

// record stores what became of a mail, once: a mail that is taken again adds nothing but a new outcome.
func (i *Inbox) record(tx *store.Tx, m *mailRead, row *store.Incoming) error {
	row.MessageID = m.messageID()
	row.UID, row.Address = cut(printable(row.UID), 250), cut(printable(row.Address), 254)
	row.Outcome, row.Detail = cut(printable(row.Outcome), 40), cut(printable(row.Detail), 300)
	earlier, err := tx.IncomingOf(row.UID, mostEarlier)
	if err != nil {
		return fmt.Errorf("reading what came in before: %w", err)
	}
	for _, e := range earlier {
		again := row.Outcome == e.Outcome || row.Outcome == string(change.OutcomeSame) || row.Outcome == string(change.OutcomeOlder)
		if row.MessageID != "" && e.MessageID == row.MessageID && e.Method == row.Method && e.Address == row.Address && again {
			return nil
		}
	}
	if err := tx.AddIncoming(row); err != nil {
		return fmt.Errorf("recording the mail: %w", err)
	}
	return nil
}
