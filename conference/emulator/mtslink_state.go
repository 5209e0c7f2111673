package emulator

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A State is everything that the account holds and has seen, for tests and for /_state.
type State struct {
	Conferences []Conference   `json:"conferences"` // those that exist now, in the order of their making
	Deleted     []Conference   `json:"deleted"`     // in the order of their deletion
	Calls       map[string]int `json:"calls"`       // "PUT /eventsessions/{id}": requests, refused ones too
	Faulted     map[string]int `json:"faulted"`     // "POST /events drop": faults that struck
	Ignored     map[string]int `json:"ignored"`     // "POST /events lectorids": parameters that no call knows

	// What the platform itself would have mailed to people, and how much of it.
	Mails              []Mail         `json:"mails"`
	PlatformMails      int            `json:"platform_mails"`
	PlatformMailCauses map[string]int `json:"platform_mail_causes"` // by Mail.Cause
}

// A Conference is a session of the account as people see it: an event without one stands here
// with an empty Session and the Status SHELL.
type Conference struct {
	ID           string    `json:"id"`  // the event's
	Key          string    `json:"key"` // tags[0]
	Name         string    `json:"name"`
	Start        time.Time `json:"start"` // planned; with the offset of Zone
	Zone         string    `json:"zone"`  // IANA
	Owner        string    `json:"owner"` // e-mail
	Status       string    `json:"status"`
	Link         string    `json:"link"`
	Participants []string  `json:"participants"` // e-mails
	Session      string    `json:"session"`      // id

	Registrations []Registration `json:"registrations"` // of the same people
	Lectors       []string       `json:"lectors"`       // e-mails
	Present       []string       `json:"present"`       // who is in it now: e-mails, or names without one

	OwnerID     int64     `json:"owner_id"`
	EventName   string    `json:"event_name"`  // the template's own values, which an
	EventStart  time.Time `json:"event_start"` // update of the session alone leaves behind
	Duration    string    `json:"duration"`
	Type        string    `json:"type"`
	Kind        string    `json:"kind"` // the same as Type
	StartType   string    `json:"start_type"`
	Lang        string    `json:"lang"`
	Description string    `json:"description"`
	Tags        []string  `json:"tags"`
	Access      int       `json:"access"`
	Registered  bool      `json:"registration_required"`
	Reminders   bool      `json:"reminders"`
	Rule        string    `json:"rule"`
	Created     time.Time `json:"created"`
	Began       time.Time `json:"began,omitzero"` // actual
	Ended       time.Time `json:"ended,omitzero"`
	DeletedAt   time.Time `json:"deleted_at,omitzero"`
}

// A Registration is one person's place in a conference, or in its whole series.
type Registration struct {
	ID        int64             `json:"id"`
	Email     string            `json:"email"`
	Name      string            `json:"name"`
	Role      string            `json:"role"` // ADMIN, LECTURER, GUEST
	AutoEnter bool              `json:"auto_enter"`
	Accepted  bool              `json:"accepted"`
	Kicked    bool              `json:"kicked"`
	Fields    map[string]string `json:"fields"` // additional ones, by key
}

// The status of an event without a session.
const mtsShell = "SHELL"

// State returns the account as it is now; it shares nothing with the account.
func (m *MTSLink) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.autostart()
	s := State{
		Conferences:        m.conferences(),
		Deleted:            append([]Conference{}, m.data.Deleted...),
		Calls:              maps.Clone(m.data.Calls),
		Faulted:            maps.Clone(m.data.Faulted),
		Ignored:            maps.Clone(m.data.Ignored),
		Mails:              append([]Mail{}, m.data.Mails...),
		PlatformMails:      len(m.data.Mails),
		PlatformMailCauses: map[string]int{},
	}
	for _, mail := range m.data.Mails {
		s.PlatformMailCauses[mail.Cause]++
	}
	return s
}

// Conferences returns those that exist now and have one of these statuses (ACTIVE, START, STOP,
// SHELL), all of them without any, in the order of their making.
func (m *MTSLink) Conferences(statuses ...string) []Conference {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.autostart()
	return m.conferences(statuses...)
}

func (m *MTSLink) conferences(statuses ...string) []Conference {
	list := []Conference{}
	for _, e := range m.data.Events {
		if len(e.Sessions) == 0 && (len(statuses) == 0 || slices.Contains(statuses, mtsShell)) {
			list = append(list, m.conference(e, nil))
		}
		for _, s := range e.Sessions {
			if len(statuses) == 0 || slices.Contains(statuses, s.Status) {
				list = append(list, m.conference(e, s))
			}
		}
	}
	return list
}

// conference describes a session of e, or e itself if s is nil.
func (m *MTSLink) conference(e *mtsEvent, s *mtsSession) Conference {
	about := e.About
	c := Conference{
		ID: strconv.FormatInt(e.ID, 10), Status: mtsShell, Link: e.Link,
		Participants: []string{}, Registrations: []Registration{}, Lectors: []string{}, Present: []string{},
		Tags:    append([]string{}, e.Tags...),
		OwnerID: e.Owner, EventName: e.About.Name, Type: e.Type, Kind: e.Type,
		Reminders: e.Reminders, Rule: e.Rule, Created: e.Created,
	}
	c.enroll(e.Participants)
	for _, id := range e.Lectors {
		if member, ok := m.member(id); ok {
			c.Lectors = append(c.Lectors, member.Email)
		}
	}
	if s != nil {
		about = s.About
		c.Session, c.Status, c.StartType = strconv.FormatInt(s.ID, 10), s.Status, s.StartType
		c.Began, c.Ended = s.Began, s.Ended
		c.Present = s.present()
		c.enroll(s.Participants)
	}
	if len(e.Tags) > 0 {
		c.Key = e.Tags[0]
	}
	if owner, ok := m.member(e.Owner); ok {
		c.Owner = owner.Email
	}
	zone := zoneByID(about.ZoneID)
	c.Name, c.Description, c.Duration, c.Lang = about.Name, about.Description, about.Duration, about.Lang
	c.Access, c.Registered = about.Access, about.Registration
	c.Start, c.Zone = about.Start.In(zone.location()), zone.Name
	c.EventStart = e.About.Start.In(zoneByID(e.About.ZoneID).location())
	return c
}

func (c *Conference) enroll(list []*mtsParticipation) {
	for _, n := range list {
		c.Participants = append(c.Participants, n.Email)
		c.Registrations = append(c.Registrations, Registration{ID: n.ID, Email: n.Email, Name: strings.TrimSpace(n.Name + " " + n.SecondName),
			Role: n.Role, AutoEnter: n.AutoEnter, Accepted: n.Accepted, Kicked: n.Kicked, Fields: maps.Clone(n.FieldValues)})
	}
}

// eventID is the event's id as a number.
func (c Conference) eventID() int64 {
	id, err := strconv.ParseInt(c.ID, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// mtsData is what outlives the process where there is a file.
type mtsData struct {
	Base     int64 // the account's part of the ids
	Count    int64
	Events   []*mtsEvent
	Contacts map[string]mtsContact // by e-mail in lower case
	Webhooks []mtsWebhook
	Deleted  []Conference
	Mails    []Mail
	Calls    map[string]int
	Faulted  map[string]int
	Ignored  map[string]int
}

// init makes an empty account. Accounts with different tokens have different ids, as the
// vendor's have, so that a call to the wrong account finds nothing.
func (d *mtsData) init(seed uint32) {
	d.Base = int64(seed%9_000) * 100_000
	d.Calls, d.Faulted, d.Ignored = map[string]int{}, map[string]int{}, map[string]int{}
	d.Contacts = map[string]mtsContact{}
}

// nextID returns an id that no other thing has, beginning at from.
func (d *mtsData) nextID(from int64) int64 {
	d.Count++
	return from + d.Base + d.Count
}

// bury writes a conference into the list of what was deleted.
func (m *MTSLink) bury(c Conference) {
	c.DeletedAt = m.now()
	m.data.Deleted = append(m.data.Deleted, c)
	m.index.buried[c.eventID()] = true
}

// load reads the state file, if there is one.
func (m *MTSLink) load() {
	if m.file == "" {
		return
	}
	b, err := os.ReadFile(m.file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var d mtsData
	d.init(0)
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		m.log.Error("emulator: read state", "file", m.file, "error", err)
		return
	}
	m.data = d
}

// save writes the state file, if there is to be one: whole or not at all.
func (m *MTSLink) save() {
	if m.file == "" {
		return
	}
	b, err := json.Marshal(m.data)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(filepath.Dir(m.file), ".emulator-*"); err == nil {
			_, err = f.Write(b)
			err = errors.Join(err, f.Close())
			if err == nil {
				err = os.Rename(f.Name(), m.file)
			}
			if err != nil {
				os.Remove(f.Name())
			}
		}
	}
	if err != nil {
		m.log.Error("emulator: save state", "file", m.file, "error", err)
	}
}
