// Package emulator serves the HTTP interfaces of conference services locally, from their
// published rules, for tests and the demo. It shares no type with the clients that it tests, so
// that one misreading cannot hide in both.
package emulator

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Member is an employee of the emulated organisation: somebody who may own events.
type Member struct {
	ID        int64  `json:"id"` // 0 in SetMember: found by Email, or given
	Email     string `json:"email"`
	Name      string `json:"name"`      // given and family name
	Confirmed bool   `json:"confirmed"` // has confirmed the e-mail at the platform
}

// MTSLinkOptions say what account is emulated. The zero value works.
type MTSLinkOptions struct {
	Token     string           // the API key; empty: every well-formed key is taken
	Now       func() time.Time // time.Now if nil
	PublicURL string           // base of the links; https://my.mts-link.ru if empty
	Owner     Member           // the account's owner, who owns what names no ownerId; invented if zero
	Members   []Member         // further members; one with the owner's id replaces it
	Zone      string           // the account's zone, IANA; Europe/Moscow if empty
	File      string           // where the state is kept between runs; empty: in memory only
	Random    io.Reader        // of personal links; crypto/rand if nil
	Log       *slog.Logger     // nothing is logged if nil
}

// MTSLink is one emulated account of MTS Link (formerly Webinar.ru), UserAPI v3. It is an
// http.Handler: the API is under /v3 and wants the key in x-auth-token; everything else (the
// account's page at /, /_state, /_fault, /_live, /_hand, /_switch, /_member and the links' pages
// under /j/) wants none. Its methods are safe for concurrent use.
type MTSLink struct {
	token  string
	public string
	home   *time.Location // the account's zone
	file   string
	random io.Reader
	log    *slog.Logger
	calls  map[string]map[string]mtsOperation // by path with {id}, then by method
	guard  *http.CrossOriginProtection
	mux    *http.ServeMux
	hooks  hookSender

	mu       sync.Mutex
	now      func() time.Time
	owner    int64 // of the account
	members  []Member
	lapsed   bool
	oneLive  bool
	required []mtsField
	refusal  int // status of an edit that the state forbids
	faults   []*Fault
	data     mtsData
	index    mtsIndex
}

// The account's owner, if the options name none.
const mtsOwnerID = 70001

// NewMTSLink returns an emulated account. A state file that cannot be read is an empty account,
// and logged.
func NewMTSLink(o MTSLinkOptions) *MTSLink {
	m := &MTSLink{
		token:   o.Token,
		public:  strings.TrimRight(o.PublicURL, "/"),
		file:    o.File,
		random:  o.Random,
		log:     o.Log,
		now:     o.Now,
		refusal: http.StatusConflict,
		guard:   http.NewCrossOriginProtection(),
		calls:   mtsOperations(),
	}
	if m.public == "" {
		m.public = "https://my.mts-link.ru"
	}
	if m.random == nil {
		m.random = rand.Reader
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.now == nil {
		m.now = time.Now
	}
	if o.Zone == "" {
		o.Zone = "Europe/Moscow"
	}
	home, err := time.LoadLocation(o.Zone)
	if err != nil {
		m.log.Error("emulator: account's zone", "zone", o.Zone, "error", err)
		home = time.UTC
	}
	m.home = home
	if o.Owner.ID == 0 {
		o.Owner.ID = mtsOwnerID
	}
	if o.Owner.Email == "" {
		o.Owner = Member{ID: o.Owner.ID, Email: "account@mts-link.example", Name: "Account Owner", Confirmed: true}
	}
	m.owner = o.Owner.ID
	m.members = []Member{o.Owner}
	for _, member := range o.Members {
		m.setMember(member)
	}
	m.hooks.init(m.log)
	m.data.init(crc32.ChecksumIEEE([]byte(o.Token)))
	m.load()
	m.reindex()
	m.mux = m.pages()
	return m
}

// ServeHTTP serves the API, the account's page and the switches.
func (m *MTSLink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v3" || strings.HasPrefix(r.URL.Path, "/v3/") {
		m.serveAPI(w, r)
		return
	}
	if err := m.guard.Check(r); err != nil {
		http.Error(w, "a page of another site must not change the account", http.StatusForbidden)
		return
	}
	m.mux.ServeHTTP(w, r)
}

// Run starts autostart sessions at their time, so that their webhooks go out without anybody
// asking, until ctx ends. Without Run they start when the account is next looked at.
func (m *MTSLink) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.mu.Lock()
			m.autostart()
			m.mu.Unlock()
		}
	}
}

// Close ends the deliveries of webhooks that are under way and waits for them. It may be called
// more than once.
func (m *MTSLink) Close() { m.hooks.close() }

// SetMember adds or replaces a member, found by ID or else by e-mail, and returns it as it is now.
func (m *MTSLink) SetMember(member Member) Member {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.setMember(member)
}

func (m *MTSLink) setMember(member Member) Member {
	highest := int64(mtsOwnerID)
	for i, known := range m.members {
		highest = max(highest, known.ID)
		if known.ID == member.ID || member.ID == 0 && strings.EqualFold(known.Email, member.Email) {
			member.ID = known.ID
			m.members[i] = member
			return member
		}
	}
	if member.ID == 0 {
		member.ID = highest + 1
	}
	m.members = append(m.members, member)
	return member
}

// SetTimeSource replaces the clock.
func (m *MTSLink) SetTimeSource(now func() time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

func (m *MTSLink) member(id int64) (Member, bool) {
	for _, member := range m.members {
		if member.ID == id {
			return member, true
		}
	}
	return Member{}, false
}

// eligibleOwner checks that a member may own events: a stranger is 404, one whose e-mail is not
// confirmed 403 (reference section 9).
func (m *MTSLink) eligibleOwner(id int64) error {
	member, ok := m.member(id)
	switch {
	case !ok:
		return refuse(http.StatusNotFound, "User not found")
	case !member.Confirmed:
		return refuse(http.StatusForbidden, "Event owner is not submitted")
	}
	return nil
}

// token32 returns the 32 hexadecimal digits of a personal link.
func (m *MTSLink) token32() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(m.random, b[:]); err != nil {
		return "", fmt.Errorf("make a personal link: %w", err)
	}
	return fmt.Sprintf("%x", b), nil
}
