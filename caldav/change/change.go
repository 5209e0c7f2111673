// Package change is the one write path of events. PUT, DELETE, MOVE, files, answers by whatever way, the
// copies of those who are invited, the removal of calendars and users, the reconciler's write-back and
// the mailer's status all come through it: a pure plan says
// what is stored, one transaction stores it with all that follows from it, or nothing.
package change

import (
	"context"
	"io"
	"time"

	"joinery/store"
	"joinery/store/outbox"
)

// The kinds of outbox work that a change leaves behind. Subjects are ids of rows.
const (
	WorkBooking = "booking" // a booking: bring its rooms in line (conference/booking)
	WorkMail    = "mail"    // an event: tell whom it concerns (mailer)
	WorkSubmit  = "submit"  // a message: hand it to the relay (mailer)
	WorkDeliver = "deliver" // an event: bring the copies of local attendees in line, see DeliverQueue
)

// Options are what a Changer is given from outside.
type Options struct {
	Store  *store.Store
	Outbox *outbox.Runner
	Policy Policy
	Rand   io.Reader // nil: crypto/rand
	// Failing tells whether a provider account is failing now, so that no save waits for it.
	Failing func(provider string) bool
}

// A Changer is the write path. It is safe for concurrent use.
type Changer struct {
	opts Options
	waiters
	bursts
}

// Conditions are a request's preconditions (RFC 9110 §13.1, RFC 6638 §8.3), parsed.
type Conditions struct {
	IfMatch            []string // entity tags without quotes, weak ones left out; "*" for any
	IfMatchSet         bool     // the header was there, even if it named nothing usable
	IfNoneMatch        bool     // If-None-Match: *
	IfScheduleTagMatch string   // without quotes; empty: absent

	// IfCalendar is a calendar that must stand at the state IfSeq (RFC 6578 §5); 0: none.
	IfCalendar, IfSeq int64
}

// A Caller is who asks for a change, for audit and import bursts.
type Caller struct {
	User      *store.User
	UserAgent string
}

// A PutRequest is a PUT of a calendar object.
type PutRequest struct {
	Caller     Caller
	Calendar   *store.Calendar
	Name       string // last segment of the path, decoded
	Data       []byte
	Conditions Conditions
	Import     bool // joinery import: no conference, no mail

	what string // for the audit, where more is known than that the object changes

	// copying is set for a COPY: it is given what stores the object, to do more in the same transaction.
	copying func(tx *store.Tx, write func() (*store.Object, error)) error
}

// A Result is what a PUT or MOVE came to.
type Result struct {
	Created     bool
	Object      *store.Object // as it stands at the answer
	Changed     bool          // the stored bytes differ from those sent: no ETag in the answer
	ScheduleTag string        // empty: not a scheduling object
}

// A DeleteRequest is a DELETE of a calendar object.
type DeleteRequest struct {
	Caller     Caller
	Calendar   *store.Calendar
	Name       string
	Conditions Conditions
	Silent     bool // Schedule-Reply: F
}

// A MoveRequest is a MOVE or COPY of a calendar object between calendars of one user. Conditions are of
// what is moved or copied.
type MoveRequest struct {
	Caller     Caller
	From       *store.Calendar
	Name       string
	To         *store.Calendar
	ToName     string
	Overwrite  bool
	Conditions Conditions
}

// A CalendarRequest is a MOVE or COPY of a calendar within its home.
type CalendarRequest struct {
	Caller    Caller
	Calendar  *store.Calendar
	Slug      string // of where it goes
	Overwrite bool   // delete the calendar that stands there
	Members   bool   // COPY: with its objects
}

// A Refusal is a change that is not made because of what the client sent. Condition is an element
// of Space to be named in the answer; it may be empty.
type Refusal struct {
	Status    int    // HTTP: 403, 404, 409, 412, 413, 507
	Space     string // "DAV:" or "urn:ietf:params:xml:ns:caldav"
	Condition string // "valid-calendar-data", "no-uid-conflict", …
	Name      string // no-uid-conflict: the path of the other object below the home, "SLUG/NAME"
	Text      string
}

func (r *Refusal) Error() string { return r.Text }

// New returns a Changer.
func New(o Options) *Changer { return newChanger(o) }

// Put stores an object. The error is *Refusal where the client is at fault. When it returns nil the
// object is durably stored. It waits at most Policy.WaitForLink for a conference link.
func (c *Changer) Put(ctx context.Context, r PutRequest) (Result, error) { return c.put(ctx, r) }

// Delete deletes an object; conference and invitations follow after Policy.Settle.
func (c *Changer) Delete(ctx context.Context, r DeleteRequest) error { return c.delete(ctx, r) }

// Move moves an object; it tells nobody and keeps its conference.
func (c *Changer) Move(ctx context.Context, r MoveRequest) (Result, error) { return c.move(ctx, r) }

// Copy stores an object in another place too; the error is as for Put.
func (c *Changer) Copy(ctx context.Context, r MoveRequest) (Result, error) {
	return c.copyObject(ctx, r)
}

// MoveCalendar moves a calendar, CopyCalendar makes another like it. They tell whether there was nothing
// at that place; the error is *Refusal where the client is at fault.
func (c *Changer) MoveCalendar(ctx context.Context, r CalendarRequest) (created bool, err error) {
	return c.moveCalendar(ctx, r)
}

// CopyCalendar is as MoveCalendar says.
func (c *Changer) CopyCalendar(ctx context.Context, r CalendarRequest) (created bool, err error) {
	return c.copyCalendar(ctx, r)
}

// DeleteCalendar deletes a calendar with its objects; what they organise is cancelled.
func (c *Changer) DeleteCalendar(ctx context.Context, by Caller, cal *store.Calendar) error {
	return c.deleteCalendar(ctx, by, cal)
}

// RemoveUser removes a user with all calendars; what they organise is cancelled.
func (c *Changer) RemoveUser(ctx context.Context, by Caller, u *store.User) error {
	return c.removeUser(ctx, by, u)
}

// Present returns what stands for an event: its parsed bytes (the last ones if it is deleted) and
// rows, for the mailer and why. See present.go.
func (c *Changer) Present(tx *store.Tx, eventID int64) (*Present, error) {
	p, err := c.present(tx, eventID)
	if err != nil {
		return nil, err
	}
	return p, c.scheduled(tx, p)
}

// MarkDelivered writes SCHEDULE-STATUS (RFC 6638 §3.2.9) into the event's object inside tx, of all
// addresses in statuses in one edit: on the ATTENDEE lines, or on ORGANIZER where reply is set. It
// changes nothing where it says so already, where there is no object any more, or where somebody else
// schedules them. The Schedule-Tag stays (RFC 6638 §3.2.10).
func (c *Changer) MarkDelivered(tx *store.Tx, eventID int64, statuses map[string]string, reply bool) error {
	return c.markDelivered(tx, eventID, statuses, reply)
}

// Policy is what the administrator set.
type Policy struct {
	Providers     []ProviderWords
	ServiceDomain string
	WaitForLink   time.Duration // of a save
	Settle        time.Duration // before releases and CANCELs
	MailSettle    time.Duration // before updates to attendees
	MailWait      time.Duration // how long a REQUEST waits for a link
	ImportBurst   int           // new objects in 60 s from one user and User-Agent; 0: 30
	StrictIfMatch bool
	SendAgenda    bool     // send_description
	Who           []string // logins, addresses or domains that may have conferences; empty: everybody
	PerDay        int      // conferences a user may have made in a day; 0: no limit
	MaxAttendees  int      // 0: 1000
	MaxSize       int      // bytes; 0: 1 MiB
	Domains       []string // the organisation's mail domains

	JoinBase     string        // address of the join pages, to which a token is added; empty: there are none
	JoinAlways   bool          // events that do not recur carry the join page's link too
	SeriesDirect bool          // series carry the provider's link of the moment instead
	JoinOpens    time.Duration // how long before its start a join page lets people in; 0: 30 min

	AnswerBase   string // address of the answer pages, to which a token is added; empty: there are none
	DecisionBase string // the same of the pages on which organisers decide about proposals
	MailLocals   bool   // local users are mailed what they find in their calendars too

	Attachments AttachmentPolicy

	Register           bool // participants are registered at the provider
	UnregisterDeclined bool // those who declined are not

	words map[string]Ask // by folded word, see index
}

// madeLimit is how large an organiser's event may become by the answers of others: its organiser's next save is
// to fit.
func (p *Policy) madeLimit() int { return cmpOr(p.MaxSize, 1<<20) / 4 * 3 }

// ProviderWords says how one provider account is asked for.
type ProviderWords struct {
	Name     string            // of the account
	Service  string            // for people
	Words    map[string]string // word to kind
	Resource string            // local part of its resource address; empty: none
	Default  bool              // for calendars' rules and X-JOINERY-CONFERENCE without a name
	Kind     string            // for the default: "meeting" unless set
	MaxTitle int
	MaxLong  time.Duration
}
