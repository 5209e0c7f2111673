package emulator

import (
	"fmt"
	"net/http"
	"time"
)

type mtsSession struct {
	ID           int64
	About        mtsAbout
	StartType    string
	Status       string
	Fields       []mtsField
	Began, Ended time.Time // actual, zero until then
	Created      time.Time
	Changed      time.Time // by an edit; Created at first
	Participants []*mtsParticipation
	Visits       []*mtsVisit

	event *mtsEvent
}

// createSession is POST /events/{id}/sessions, section 4.2: what is left out is inherited.
func (m *MTSLink) createSession(c mtsCall) (mtsAnswer, error) {
	e, err := m.event(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	s := &mtsSession{About: e.About, Status: mtsActive, Fields: e.Fields}
	if err := readAbout(c.form, &s.About, m.home, m.now()); err != nil {
		return mtsAnswer{}, err
	}
	if s.StartType, err = c.form.oneOf("startType", "manual", "manual", "autostart", "autowebinar"); err != nil {
		return mtsAnswer{}, err
	}
	if e.single() && len(e.Sessions) > 0 {
		return mtsAnswer{}, refuse(http.StatusConflict, "Event already has a session")
	}
	if err := m.fitsSeries(e, nil, s.About.Start); err != nil {
		return mtsAnswer{}, err
	}
	if e.Stopped {
		return mtsAnswer{}, refuse(m.refusal, "Event is finished")
	}
	m.addSession(e, s)
	return mtsAnswer{http.StatusCreated, map[string]any{
		"eventSessionId": s.ID,
		"link":           fmt.Sprintf("%s/session/%d", e.Link, s.ID),
	}}, nil
}

// addSession gives a new session its id, and tells of it.
func (m *MTSLink) addSession(e *mtsEvent, s *mtsSession) {
	s.ID, s.Created, s.Changed = m.data.nextID(99_000_000_000), m.now(), m.now()
	e.Sessions = append(e.Sessions, s)
	m.indexSession(e, s)
	m.tell("eventSession.created", s.Created, map[string]any{"eventSessionId": s.ID})
	if e.Reminders {
		m.mailEverybody(mtsReminder, e, s)
	}
}

// fitsSeries checks that a session of a series (other than s) may begin at start.
func (m *MTSLink) fitsSeries(e *mtsEvent, s *mtsSession, start time.Time) error {
	if e.single() {
		return nil
	}
	rule, err := parseRule(e.Rule)
	if err != nil {
		return fmt.Errorf("rule of event %d: %w", e.ID, err)
	}
	loc := zoneByID(e.About.ZoneID).location()
	if start.After(e.Until) || !rule.matches(e.About.Start.In(loc), start.In(loc)) {
		return refuse(http.StatusBadRequest, "Date do not matches event rule")
	}
	for _, other := range e.Sessions {
		if other != s && other.About.Start.Equal(start) {
			return refuse(http.StatusConflict, "Event already has a session at this time")
		}
	}
	return nil
}

func (m *MTSLink) session(id int64) (*mtsEvent, *mtsSession, error) {
	if s := m.index.sessions[id]; s != nil {
		return s.event, s, nil
	}
	return nil, nil, errNoEntity
}

// getSession is GET /eventsessions/{id}.
func (m *MTSLink) getSession(c mtsCall) (mtsAnswer, error) {
	e, s, err := m.session(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return mtsAnswer{http.StatusOK, m.describeSession(e, s)}, nil
}

// updateSession is PUT /eventsessions/{id}, section 4.4: ACTIVE and START only, and the event
// keeps its old values.
func (m *MTSLink) updateSession(c mtsCall) (mtsAnswer, error) {
	e, s, err := m.session(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	if s.Status == mtsStop {
		return mtsAnswer{}, refuse(m.refusal, "Session is finished")
	}
	changed := *s
	if err := readAbout(c.form, &changed.About, m.home, m.now()); err != nil {
		return mtsAnswer{}, err
	}
	if changed.StartType, err = c.form.oneOf("startType", s.StartType, "manual", "autostart", "autowebinar"); err != nil {
		return mtsAnswer{}, err
	}
	if c.form.has("additionalFields") {
		if changed.Fields, err = readFields(c.form); err != nil {
			return mtsAnswer{}, err
		}
	}
	// The default is not stated for this call; the others mail unless told not to.
	mail, err := c.form.word("sendEmail", true)
	if err != nil {
		return mtsAnswer{}, err
	}
	if _, err := c.form.oneOf("updateContext", "", "series"); err != nil {
		return mtsAnswer{}, err
	}
	moved := !changed.About.Start.Equal(s.About.Start)
	if moved {
		if err := m.fitsSeries(e, s, changed.About.Start); err != nil {
			return mtsAnswer{}, err
		}
	}
	before := s.About.Start
	*s = changed
	m.changed(s, before)
	if moved && mail {
		m.mailEverybody(c.name, e, s)
	}
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// changed follows an edit of s, whose planned start was before.
func (m *MTSLink) changed(s *mtsSession, before time.Time) {
	s.Changed = m.now()
	m.arm(s)
	if s.About.Start.Equal(before) {
		return
	}
	m.tell("eventSession.startsAt.changed", s.Changed, map[string]any{
		"eventSessionId":          s.ID,
		"eventSessionNewStartsAt": hookTime(s.About.Start, s.About.ZoneID),
		"eventSessionOldStartsAt": hookTime(before, s.About.ZoneID),
	})
}

// deleteSession is DELETE /eventsessions/{id}; the only session of a single event takes the
// event with it (section 10).
func (m *MTSLink) deleteSession(c mtsCall) (mtsAnswer, error) {
	e, s, err := m.session(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	mail, err := sendEmail(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	if mail {
		m.mailEverybody(c.name, e, s)
	}
	m.forget(e, s)
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// startSession is PUT /eventsessions/{id}/start: 404 when it is started or stopped already.
func (m *MTSLink) startSession(c mtsCall) (mtsAnswer, error) {
	_, s, err := m.session(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	if s.Status != mtsActive {
		return mtsAnswer{}, errNoEntity
	}
	if err := m.mayBegin(); err != nil {
		return mtsAnswer{}, err
	}
	m.begin(s, m.now())
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// stopSession is PUT /eventsessions/{id}/stop: 404 when it is stopped already. One that never
// began can be stopped, and stays so (section 12.10).
func (m *MTSLink) stopSession(c mtsCall) (mtsAnswer, error) {
	_, s, err := m.session(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	if s.Status == mtsStop {
		return mtsAnswer{}, errNoEntity
	}
	m.finish(s)
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// begin makes s live until somebody stops it.
func (m *MTSLink) begin(s *mtsSession, at time.Time) {
	s.Status, s.Began = mtsStart, at
	m.index.live++
	m.tell("eventSession.started", at, map[string]any{"eventSessionId": s.ID})
}

// finish ends s, and with it the visits of those who are there.
func (m *MTSLink) finish(s *mtsSession) {
	if s.Status == mtsStop {
		return
	}
	if s.Status == mtsStart {
		m.index.live--
	}
	s.Status, s.Ended = mtsStop, m.now()
	for _, v := range s.Visits {
		if v.Left.IsZero() {
			v.Left = s.Ended
		}
	}
	m.tell("eventSession.ended", s.Ended, map[string]any{"eventSessionId": s.ID})
}

// describe is what events and sessions have in common in answers, section 5.4.
func (m *MTSLink) describe(e *mtsEvent, a mtsAbout, start time.Time) map[string]any {
	owner, _ := m.member(e.Owner)
	body := map[string]any{
		"name":   a.Name,
		"access": a.Access,
		"accessSettings": map[string]bool{
			"isPasswordRequired": a.Password, "isRegistrationRequired": a.Registration, "isModerationRequired": a.Moderation,
		},
		"lang":           a.Lang,
		"type":           e.Type,
		"startsAt":       mtsTime(start, a.ZoneID),
		"utcStartsAt":    start.Unix(),
		"timezoneId":     a.ZoneID,
		"createUserId":   e.Owner,
		"organizationId": 5501,
		"createUser":     describeMember(owner),
		"lectors":        m.describeLectors(e),
		"tags":           append([]string{}, e.Tags...),
		"announceFiles":  []any{},
		"files":          []any{},
	}
	// Attributes may be missing rather than null (section 12.6).
	for name, value := range map[string]string{"description": a.Description, "image": a.Image, "duration": a.Duration} {
		if value != "" {
			body[name] = value
		}
	}
	return body
}

func (m *MTSLink) describeSession(e *mtsEvent, s *mtsSession) map[string]any {
	start := s.About.Start
	if !s.Began.IsZero() {
		start = s.Began // the actual one; estimatedAt keeps the plan (section 7)
	}
	body := m.describe(e, s.About, start)
	body["id"], body["eventId"], body["status"], body["startType"] = s.ID, e.ID, s.Status, s.StartType
	body["estimatedAt"] = mtsTime(s.About.Start, s.About.ZoneID)
	body["additionalFields"] = describeFields(m.asked(s.Fields))
	if !s.Ended.IsZero() {
		body["endsAt"] = mtsTime(s.Ended, s.About.ZoneID)
	}
	return body
}

func describeFields(fields []mtsField) []map[string]any {
	list := []map[string]any{}
	for _, f := range fields {
		list = append(list, map[string]any{"key": f.Key, "label": f.Label, "type": f.Type,
			"placeholder": f.Placeholder, "values": append([]string{}, f.Values...)})
	}
	return list
}

// mtsTime is how answers write an instant: a numeric offset without a colon (section 7).
func mtsTime(t time.Time, zone int64) string {
	return t.In(zoneByID(zone).location()).Format("2006-01-02T15:04:05-0700")
}

// hookTime is how webhooks write it: with a colon.
func hookTime(t time.Time, zone int64) string {
	return t.In(zoneByID(zone).location()).Format("2006-01-02T15:04:05-07:00")
}
