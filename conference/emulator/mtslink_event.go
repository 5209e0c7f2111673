package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The statuses of events and sessions. START cannot go back and STOP is final (section 1).
const (
	mtsActive = "ACTIVE"
	mtsStart  = "START"
	mtsStop   = "STOP"
)

// The rule of a single event.
const mtsSingleRule = "FREQ=DAILY;COUNT=1"

type mtsEvent struct {
	ID           int64
	Link         string // as POST /events gave it
	Alias        string
	About        mtsAbout
	Type         string
	Owner        int64
	Lectors      []int64
	Tags         []string
	Reminders    bool
	Rule         string
	Until        time.Time // endsAt of a series
	RegForAll    bool      // isEventRegAllowed
	Fields       []mtsField
	Stopped      bool // by PUT status=STOP
	Created      time.Time
	Sessions     []*mtsSession
	Participants []*mtsParticipation // of a whole series
}

type mtsField struct {
	Key, Label, Type, Placeholder string
	Values                        []string
}

func (e *mtsEvent) single() bool { return e.Rule == mtsSingleRule }

// status follows the session of a single event.
func (e *mtsEvent) status() string {
	switch {
	case e.Stopped:
		return mtsStop
	case e.single() && len(e.Sessions) == 1:
		return e.Sessions[0].Status
	}
	return mtsActive
}

// createEvent is POST /events, section 4.1.
func (m *MTSLink) createEvent(c mtsCall) (mtsAnswer, error) {
	p, now := c.form, m.now()
	e := &mtsEvent{About: mtsAbout{Lang: "RU"}, Owner: m.owner, Rule: mtsSingleRule, Created: now}
	if !p.has("name") {
		return mtsAnswer{}, badParameter("name")
	}
	if !p.has("access") {
		for _, name := range []string{"isPasswordRequired", "isRegistrationRequired", "isModerationRequired"} {
			if p.at("accessSettings", name) == nil {
				return mtsAnswer{}, badParameter("accessSettings[" + name + "]")
			}
		}
	}
	if err := readAbout(p, &e.About, m.home, now); err != nil {
		return mtsAnswer{}, err
	}
	var err error
	if e.Type, err = p.oneOf("type", "webinar", "webinar", "meeting", "training"); err != nil {
		return mtsAnswer{}, err
	}
	if e.Reminders, err = p.word("defaultRemindersEnabled", true); err != nil {
		return mtsAnswer{}, err
	}
	if err := m.readPeople(p, e); err != nil {
		return mtsAnswer{}, err
	}
	if err := readSeries(p, e); err != nil {
		return mtsAnswer{}, err
	}
	if e.Fields, err = readFields(p); err != nil {
		return mtsAnswer{}, err
	}
	e.Tags = p.texts("tags")
	e.Alias, _ = p.text("urlAlias")
	p.text("brandingId")
	m.addEvent(e)
	return mtsAnswer{http.StatusCreated, map[string]any{"eventId": e.ID, "link": e.Link}}, nil
}

// addEvent gives a new event its id and link.
func (m *MTSLink) addEvent(e *mtsEvent) {
	e.ID = m.data.nextID(1_000_000_000)
	name := strconv.FormatInt(e.ID, 10)
	if e.Alias != "" {
		name = e.Alias
	}
	e.Link = fmt.Sprintf("%s/j/%d/%s", m.public, e.Owner, name)
	m.data.Events = append(m.data.Events, e)
	m.index.events[e.ID] = e
}

// readPeople reads ownerId and lectorIds, which must be members.
func (m *MTSLink) readPeople(p *params, e *mtsEvent) error {
	id, ok, err := p.id("ownerId")
	if err != nil {
		return err
	}
	if ok {
		if err := m.eligibleOwner(id); err != nil {
			return err
		}
		e.Owner = id
	}
	lectors, err := p.ids("lectorIds")
	if err != nil {
		return err
	}
	for _, id := range lectors {
		if _, ok := m.member(id); !ok {
			return refuse(http.StatusNotFound, "Lector not found")
		}
	}
	e.Lectors = lectors
	return nil
}

// readSeries reads rule, endsAt and isEventRegAllowed.
func readSeries(p *params, e *mtsEvent) error {
	rule, ok := p.text("rule")
	if !ok || rule == mtsSingleRule {
		return nil
	}
	if _, err := parseRule(rule); err != nil {
		return badParameter("rule")
	}
	e.Rule = rule
	until, ok, err := p.moment("endsAt", zoneByID(e.About.ZoneID).location())
	if err != nil {
		return err
	}
	if !ok || until.Before(e.About.Start) {
		return badParameter("endsAt")
	}
	e.Until = until
	if !p.has("isEventRegAllowed") {
		return badParameter("isEventRegAllowed")
	}
	e.RegForAll, err = p.word("isEventRegAllowed", false)
	return err
}

func readFields(p *params) ([]mtsField, error) {
	var fields []mtsField
	for i, n := range p.list("additionalFields") {
		f := mtsField{Key: fmt.Sprintf("field%d", i+1)}
		f.Label, _ = n.text("label")
		f.Placeholder, _ = n.text("placeholder")
		f.Values = n.texts("values")
		var err error
		if f.Type, err = n.oneOf("type", "", "text", "radio"); err != nil || f.Label == "" || f.Type == "" {
			return nil, badParameter(fmt.Sprintf("additionalFields[%d]", i))
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func (m *MTSLink) event(id int64) (*mtsEvent, error) {
	if e := m.index.events[id]; e != nil {
		return e, nil
	}
	return nil, errNoEntity
}

// named returns the event and sessions that id means: a session's id itself, an event's all of its.
func (m *MTSLink) named(id int64) (*mtsEvent, []*mtsSession, error) {
	if e, s, err := m.session(id); err == nil {
		return e, []*mtsSession{s}, nil
	}
	e, err := m.event(id)
	if err != nil {
		return nil, nil, err
	}
	return e, slices.Clone(e.Sessions), nil
}

// getEvent is GET /organization/events/{id}.
func (m *MTSLink) getEvent(c mtsCall) (mtsAnswer, error) {
	e, err := m.event(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	body := m.describe(e, e.About, e.About.Start)
	body["id"], body["status"], body["rule"], body["link"] = e.ID, e.status(), e.Rule, e.Link
	body["additionalFields"] = describeFields(m.asked(e.Fields))
	if !e.Until.IsZero() {
		body["endsAt"] = mtsTime(e.Until, e.About.ZoneID)
	}
	sessions := []map[string]any{}
	for _, s := range e.Sessions {
		sessions = append(sessions, m.describeSession(e, s))
	}
	body["eventSessions"] = sessions
	return mtsAnswer{http.StatusOK, body}, nil
}

// updateEvent is PUT /organization/events/{id}, section 4.3: only ACTIVE events, and their
// sessions keep their own values.
func (m *MTSLink) updateEvent(c mtsCall) (mtsAnswer, error) {
	e, err := m.event(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	if e.status() != mtsActive {
		return mtsAnswer{}, refuse(m.refusal, "Event is not active")
	}
	changed := *e
	if err := readAbout(c.form, &changed.About, m.home, m.now()); err != nil {
		return mtsAnswer{}, err
	}
	if id, ok, err := c.form.id("ownerId"); err != nil {
		return mtsAnswer{}, err
	} else if ok {
		if err := m.eligibleOwner(id); err != nil {
			return mtsAnswer{}, err
		}
		changed.Owner = id
	}
	if alias, ok := c.form.text("urlAlias"); ok {
		changed.Alias = alias
	}
	c.form.text("brandingId")
	status, err := c.form.oneOf("status", mtsActive, mtsActive, mtsStop)
	if err != nil {
		return mtsAnswer{}, err
	}
	*e = changed
	if status == mtsStop {
		for _, s := range e.Sessions {
			m.finish(s)
		}
		e.Stopped = true
	}
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// moveEvent is PUT /organization/events/{id}/move: another owner. The links given stay valid.
func (m *MTSLink) moveEvent(c mtsCall) (mtsAnswer, error) {
	e, err := m.event(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	id, ok, err := c.form.id("userId")
	if err != nil {
		return mtsAnswer{}, err
	}
	if !ok {
		return mtsAnswer{}, badParameter("userId")
	}
	if err := m.eligibleOwner(id); err != nil {
		return mtsAnswer{}, err
	}
	e.Owner = id
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// deleteEvent is DELETE /organization/events/{id}: the event with all unfinished sessions. One
// whose sessions have all ended stays with them, as history.
func (m *MTSLink) deleteEvent(c mtsCall) (mtsAnswer, error) {
	e, err := m.event(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	mail, err := sendEmail(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	if len(e.Sessions) == 0 {
		m.forget(e, nil)
		return mtsAnswer{status: http.StatusNoContent}, nil
	}
	for _, s := range slices.Clone(e.Sessions) {
		if s.Status == mtsStop {
			continue
		}
		if mail {
			m.mailEverybody(c.name, e, s)
		}
		m.forget(e, s)
	}
	if len(e.Sessions) == 0 {
		m.forget(e, nil)
	}
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// forget removes a session and writes it into the list of what was deleted. Without a session
// it removes the event, and writes it there only if it never had one.
func (m *MTSLink) forget(e *mtsEvent, s *mtsSession) {
	if s != nil {
		m.bury(m.conference(e, s))
		m.unindexSession(s)
		e.Sessions = slices.DeleteFunc(e.Sessions, func(other *mtsSession) bool { return other == s })
		if !e.single() || len(e.Sessions) > 0 {
			return
		}
	} else if !m.index.buried[e.ID] {
		m.bury(m.conference(e, nil))
	}
	m.unindexEvent(e)
	m.data.Events = slices.DeleteFunc(m.data.Events, func(other *mtsEvent) bool { return other == e })
}

// sendEmail reads the parameter of the two deletions, from the body or the query. The platform
// mails unless it is told not to (section 12.3).
func sendEmail(c mtsCall) (bool, error) {
	if c.query.has("sendEmail") {
		return c.query.word("sendEmail", true)
	}
	return c.form.word("sendEmail", true)
}
