package store

import "time"

// A User is a principal.
type User struct {
	ID        int64
	Login     string   // a plain name or an address; compared case-insensitively
	Name      string   // for people
	Locale    string   // ru, en or uk
	Zone      string   // IANA name
	Password  string   // encoded hash, see Password functions of caldav
	Addresses []string // lower case, without "mailto:", the preferred one first
	Removed   bool     // kept so that cancellations can still go out in its name
	Kind      UserKind
	// DefaultCalendar takes what the user is invited to; 0, or one that is gone: the first that takes events.
	DefaultCalendar int64
	Created         time.Time
}

// A UserKind is what a principal is (RFC 5545 §3.2.3).
type UserKind string

// The kinds of users. Rooms and resources answer invitations by themselves.
const (
	UserIndividual UserKind = ""
	UserRoom       UserKind = "room"
	UserResource   UserKind = "resource"
)

// A Calendar is a calendar collection, or a user's scheduling inbox, whose objects are messages. The
// outbox has no row.
type Calendar struct {
	ID          int64
	UserID      int64
	Slug        string // last segment of its path, decoded
	Name        string
	Description string
	Color       string
	Order       string
	Timezone    string // iCalendar text as the client gave it
	Transparent bool   // RFC 6638 §9.1
	Components  []string
	Conference  string            // "", "always" or "outside": the rule of docs/conferences.md
	Props       map[string]string // dead properties: "{namespace}name" to inner XML
	Seq         int64             // rises with every change of a member
	PropSeq     int64             // rises with every change of its properties
	Inbox       bool              // see Tx.Inbox
	Created     time.Time
}

// An Object is a calendar object resource: the bytes, served as they are, and their index.
type Object struct {
	ID          int64
	CalendarID  int64
	UserID      int64  // the calendar's owner
	Name        string // last segment of its path, decoded
	UID         string
	Component   string // VEVENT, VTODO, …
	Data        []byte
	ETag        string // without quotes
	ScheduleTag string // without quotes
	// Own tells that the present bytes differ from the revision before only by our own edits.
	Own        bool
	Start, End time.Time // all instances lie between; zero: open or unknown
	// Seasons are the parts of any year, by bit, that all instances lie in; 0: any. The store does not
	// know what they stand for, but that those of a Range have one in common with whatever lies in it.
	Seasons   uint64
	Recurring bool
	// Takes is not empty for an event that has one instance, from Start to End exactly: what kind of time
	// it takes, as caldav/ical says it (Summary.Takes).
	Takes    string
	Seq      int64 // the calendar's Seq of its last change
	Created  time.Time
	Modified time.Time
}

// A Revision is an earlier state of an object.
type Revision struct {
	ID          int64
	ObjectID    int64
	ETag        string
	ScheduleTag string
	Data        []byte
	Own         bool // this revision differed from the one before only by our own edits
	Created     time.Time
}

// A Change is a member that was changed or removed.
type Change struct {
	Name      string
	Removed   bool
	Seq       int64
	Component string // as the member has them now; empty of a removed one
	ETag      string
}

// Role says what the calendar's owner is in an event.
type Role string

// The roles.
const (
	RoleNone      Role = "none"      // nobody else is concerned
	RoleOrganizer Role = "organizer" // the owner is the ORGANIZER, or the event has none
	RoleAttendee  Role = "attendee"
)

// An Event is what one user has of one UID, over all calendars and beyond deletion. Bookings and
// deliveries hang on it.
type Event struct {
	ID       int64
	UserID   int64
	UID      string
	ObjectID int64 // the object that owns booking and scheduling; 0: none
	Role     Role
	Data     []byte    // the last bytes, once the object is deleted
	Deleted  time.Time // zero: it exists
	Saved    time.Time // the last save by a client that may concern others
	Imported bool      // came with an import: no conference and no mail until it is saved again
	Silent   bool      // deleted with Schedule-Reply: F
	// Delivered: its object was put into the attendee's calendar by us, and no client has saved it since.
	Delivered bool
	// Uninvited: its user stored it without being, or having been, invited to it: nothing is withdrawn of it.
	Uninvited bool
	Sequence  int // the highest SEQUENCE that was seen or sent
	Created   time.Time
}

// BookingState says what is wanted of a booking.
type BookingState string

// The states of a booking.
const (
	BookingWanted  BookingState = "wanted"
	BookingRemoved BookingState = "removed" // the organiser removed the conference; remembered
	BookingDropped BookingState = "dropped" // its event was deleted or cancelled
)

// A Booking is our record of one event's conference.
type Booking struct {
	ID           int64
	EventID      int64
	UserID       int64
	PublicID     string // random, stands in the event as its X-JOINERY-BOOKING
	RecurrenceID string // the one occurrence that it is for, as a Room's Occurrence; empty: the event itself
	Token        string // of the present join page, see Token
	State        BookingState
	Provider     string   // name of the account
	Kind         string   // conference.Kind
	Capacity     int      // 0: not given
	By           []string // what asks: location, category, resource, property, rule, copy
	Generation   int      // counts up when a new link is wanted
	// What stands in the event, exactly as written; empty where nothing of ours stands.
	Link       string // the present link; empty until it was written
	Block      string // the unescaped block in DESCRIPTION
	InLocation bool
	BlockGone  bool // the organiser deleted the block and kept the link
	// Problem is why there is no conference (a conference.Reason or "other"), empty if none.
	Problem      string
	ProblemSince time.Time
	Warning      string    // why people could not be registered (a conference.Reason), empty if none
	Since        time.Time // of State
	Created      time.Time
	Updated      time.Time
}

// A Room is a room at a provider, or one that may be there. It outlives its event until it is gone.
type Room struct {
	ID         int64
	BookingID  int64
	Generation int
	Provider   string
	Key        string // installation id and room id; what the provider shows back
	State      string // conference.RoomState
	Refs       map[string]string
	JoinURL    string
	DialIn     string
	Passcode   string
	Meeting    string    // what the provider was last brought to, as JSON; compared for equality
	Start, End time.Time // of that meeting
	// Occurrence is the occurrence that it was last brought to: its RECURRENCE-ID as an instant
	// (20260105T090000Z) or a date (20260105); empty for an event that does not recur.
	Occurrence string
	Status     string    // conference.Status as it was last heard, empty: never
	StatusAt   time.Time // when
	AskAt      time.Time // when the provider is to be asked for the status; zero: at the meeting's end
	People     string    // the people that the provider was last brought to, as JSON; compared for equality
	Unclear    bool      // the last call's effect is unknown: find before making another
	Attempts   int       // since the last success
	LastError  string    // for operators
	Created    time.Time
	Updated    time.Time
}

// A Token names a join page: it stands in links, so it is unguessable and never logged. A booking has
// a new one with each new link that its organiser asks for; the earlier ones say so.
type Token struct {
	Token     string
	BookingID int64
	Created   time.Time
	Links     []string // every address that stood in the event with it: they change with the server's
}

// A Registration is one person's place in a room, as far as it is ours.
type Registration struct {
	ID      int64
	RoomID  int64
	Address string // lower case, without "mailto:"
	Role    string // conference.ParticipantRole
	Ref     string // the provider's reference; empty: it is not registered
	Link    string // personal, a secret of that person; empty: none
	Refused string // why the provider does not take it (a conference.Reason or "other"), empty: it does
	Updated time.Time
}

// A Visit is somebody's presence at a meeting, as the provider tells it afterwards.
type Visit struct {
	ID           int64
	RoomID       int64
	Address      string // empty: a guest without registration
	Name         string
	Joined, Left time.Time // zero: unknown
	Seconds      int       // present, within these
}

// A Stray is a conference that carries a key of ours and belongs to no room, at a provider's account.
type Stray struct {
	Provider string
	Ref      string // the provider's own reference, see conference.Listed
	Key      string
	Seen     time.Time // first
}

// A Step is one thing that was tried or reached with a room, kept for why.
type Step struct {
	ID      int64
	RoomID  int64
	At      time.Time
	What    string // "reserve", "recorded event", "update", "release", …
	Outcome string // "ok" or an error kind
	Detail  string
}

// A Delivery is what one address was last sent about an event.
type Delivery struct {
	ID        int64
	EventID   int64
	Address   string // lower case, without "mailto:"
	Reply     bool   // what an attendee sent to the organiser, not the other way round
	View      []byte // the view last sent as the mailer keeps it, packed where it is large; nil: nothing, or cancelled
	Sequence  int
	MessageID string // of the last message, without angle brackets
	Status    string // SCHEDULE-STATUS: 1.0, 1.1, 5.1, …
	Token     string // of this person's answer page; unguessable, never logged; empty: none yet
	Forced    bool   // to be told though nothing changed (SCHEDULE-FORCE-SEND)
	Reported  string // the failing Status that the organiser was told of; empty: none
	At        time.Time
}

// An Answer is what an attendee last said to one component of an organiser's event, whichever way it
// came. PARTSTAT stands in the event itself; this is what the event cannot hold.
type Answer struct {
	ID           int64
	EventID      int64     // the organiser's
	Address      string    // lower case, without "mailto:"
	RecurrenceID string    // as a Room's Occurrence; empty: the event itself
	PartStat     string    // as it was said
	Sequence     int       // of what was answered
	Stamp        time.Time // DTSTAMP of the answer: an older one does not replace it
	Source       string    // change.AnswerSource
	Comment      string
	Start, End   time.Time // the time proposed instead (COUNTER); zero: none
	Waiting      time.Time // since when it waits for a free place; zero: it does not
	Told         bool      // the organiser was told of Comment and proposal, or there are none
	Token        string    // of the page on which the organiser decides about proposals; unguessable, never logged; empty: none yet
	Refusal      Refusal   // of the proposal
	Created      time.Time
	Updated      time.Time // when this answer came
}

// A Refusal is the organiser's word that a proposed time is not taken up.
type Refusal string

// The states of a refusal.
const (
	RefusalNone Refusal = ""
	RefusalOwed Refusal = "owed" // the attendee is to be told
	RefusalTold Refusal = "told"
)

// An Incoming is a mail that came in and what became of it, kept for why.
type Incoming struct {
	ID        int64
	At        time.Time
	UID       string // empty: none could be read
	Address   string // who answered, or was not reached
	MessageID string // without angle brackets
	Method    string // REPLY, COUNTER, REFRESH, DSN, …
	Outcome   string // change.Outcome, or what the mailer refused it for
	Detail    string // for operators
}

// MessageState says how far a mail is.
type MessageState string

// The states of a message.
const (
	MessageStored MessageState = "stored" // composed; as far as is known not accepted by the relay
	MessageTrying MessageState = "trying" // handed to the relay; whether it took it is not known
	MessageSent   MessageState = "sent"
	MessageFailed MessageState = "failed" // refused for good
)

// A Message is a mail: composed once, stored, then submitted until it is accepted or refused.
type Message struct {
	ID        int64
	EventID   int64
	Address   string // recipient, as in Delivery
	Reply     bool
	Method    string // REQUEST, CANCEL, REPLY, DECLINECOUNTER; NOTE to the organiser, WAITING or PLACE to an attendee
	MessageID string // without angle brackets
	From      string // envelope
	Body      []byte // nil in a list, and once history was purged
	Size      int    // bytes of Body as it is stored
	State     MessageState
	Attempts  int
	LastError string
	Created   time.Time
	Updated   time.Time
}

// An Audit is one line of who did what to an event.
type Audit struct {
	ID      int64
	UserID  int64
	UID     string
	At      time.Time
	Who     string // "anna (Thunderbird/153.7.0)", "reconciler", …
	What    string
	Details string
}

// Work is a durable note to look at a subject. There is one row for each kind and subject.
type Work struct {
	Kind     string
	Subject  int64
	Version  int64 // rises with each touch
	Due      time.Time
	Attempts int // since the last success or touch
	Error    string
	Lease    string // empty: nobody works on it
	Until    time.Time
}

// A WorkCount is how much work of a kind waits.
type WorkCount struct {
	Waiting int       // all rows
	Failing int       // those whose last attempt failed
	Oldest  time.Time // the earliest Due; zero: none
}
