package emulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The most people that one invite takes.
const mtsInviteLimit = 50

type mtsParticipation struct {
	ID, UserID, ContactID   int64
	Email, Name, SecondName string
	Role                    string
	Accepted, AutoEnter     bool
	Token                   string // of the personal link
	Registered              time.Time
	FieldValues             map[string]string
	Kicked                  bool
	EventID, EventSessionID int64 // the session 0 for a registration to a whole series
}

// mtsRoom is where a registration goes: a session, or a whole series.
type mtsRoom struct {
	event   *mtsEvent
	session *mtsSession // nil for the series
	list    *[]*mtsParticipation
	fields  []mtsField
}

func (m *MTSLink) sessionRoom(id int64) (mtsRoom, error) {
	e, s, err := m.session(id)
	if err != nil {
		return mtsRoom{}, err
	}
	return mtsRoom{e, s, &s.Participants, s.Fields}, nil
}

// seriesRoom is only for series whose registration covers the whole series (section 3).
func (m *MTSLink) seriesRoom(id int64) (mtsRoom, error) {
	e, err := m.event(id)
	if err != nil {
		return mtsRoom{}, err
	}
	if e.single() || !e.RegForAll {
		return mtsRoom{}, refuse(http.StatusBadRequest, "Registration does not cover the event")
	}
	return mtsRoom{e, nil, &e.Participants, e.Fields}, nil
}

func (r mtsRoom) open(m *MTSLink) error {
	if r.event.Stopped || r.session != nil && r.session.Status == mtsStop {
		return refuse(m.refusal, "Session is finished")
	}
	return nil
}

// enter registers one person from p. A known e-mail is 409, a missing extra field ERROR_BLANK.
func (r mtsRoom) enter(m *MTSLink, p *params) (*mtsParticipation, error) {
	raw, _ := p.text("email")
	email, ok := address(raw)
	if !ok {
		return nil, badParameter("email")
	}
	role, err := p.oneOf("role", "GUEST", "ADMIN", "LECTURER", "GUEST")
	if err != nil {
		return nil, err
	}
	n := &mtsParticipation{Email: email, Role: role, Registered: m.now(), EventID: r.event.ID, FieldValues: map[string]string{}}
	if r.session != nil {
		n.EventSessionID = r.session.ID
	}
	for _, f := range r.fields {
		value, _ := p.text("additionalFields", f.Key)
		if value == "" {
			return nil, refuse(http.StatusBadRequest, "ERROR_BLANK")
		}
		n.FieldValues[f.Key] = value
	}
	for _, known := range *r.list {
		if strings.EqualFold(known.Email, email) {
			return nil, refuse(http.StatusConflict, "User is already registered")
		}
	}
	n.Name, _ = p.text("name")
	n.SecondName, _ = p.text("secondName")
	if n.Token, err = m.token32(); err != nil {
		return nil, err
	}
	n.ID = m.data.nextID(60_000_000)
	n.UserID = m.data.nextID(81_000)
	n.ContactID = m.data.nextID(47_000_000)
	*r.list = append(*r.list, n)
	return n, nil
}

func (m *MTSLink) register(c mtsCall) (mtsAnswer, error) {
	r, err := m.sessionRoom(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return m.registerIn(r, c)
}

func (m *MTSLink) registerSeries(c mtsCall) (mtsAnswer, error) {
	r, err := m.seriesRoom(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return m.registerIn(r, c)
}

// registerIn is POST …/register, section 4.5.
func (m *MTSLink) registerIn(r mtsRoom, c mtsCall) (mtsAnswer, error) {
	if err := r.open(m); err != nil {
		return mtsAnswer{}, err
	}
	for _, name := range []string{"pattrName", "nickname", "avatar", "phone", "description", "organization", "position", "sex"} {
		c.form.text(name)
	}
	auto, err := c.form.word("isAutoEnter", false)
	if err != nil {
		return mtsAnswer{}, err
	}
	accepted, err := c.form.word("isAccepted", false)
	if err != nil {
		return mtsAnswer{}, err
	}
	mail, err := c.form.word("sendEmail", true)
	if err != nil {
		return mtsAnswer{}, err
	}
	n, err := r.enter(m, c.form)
	if err != nil {
		return mtsAnswer{}, err
	}
	n.AutoEnter, n.Accepted = auto, accepted || !r.event.About.Moderation
	if mail {
		m.platformMail(c.name, 1)
	}
	return mtsAnswer{http.StatusCreated, map[string]any{
		"participationId": n.ID, "contactId": n.ContactID, "link": r.event.Link + "/" + n.Token,
	}}, nil
}

func (m *MTSLink) invite(c mtsCall) (mtsAnswer, error) {
	r, err := m.sessionRoom(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return m.inviteTo(r, c)
}

func (m *MTSLink) inviteSeries(c mtsCall) (mtsAnswer, error) {
	r, err := m.seriesRoom(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return m.inviteTo(r, c)
}

// inviteTo is POST …/invite, section 4.6: wrong entries and known e-mails are silently dropped.
func (m *MTSLink) inviteTo(r mtsRoom, c mtsCall) (mtsAnswer, error) {
	if err := r.open(m); err != nil {
		return mtsAnswer{}, err
	}
	users := c.form.list("users")
	if len(users) == 0 || len(users) > mtsInviteLimit {
		return mtsAnswer{}, badParameter("users")
	}
	auto, err := c.form.word("isAutoEnter", false)
	if err != nil {
		return mtsAnswer{}, err
	}
	mail, err := c.form.word("sendEmail", true)
	if err != nil {
		return mtsAnswer{}, err
	}
	answer := []map[string]any{}
	for _, user := range users {
		n, err := r.enter(m, user)
		if err != nil {
			continue
		}
		n.AutoEnter, n.Accepted = auto, !r.event.About.Moderation
		if mail {
			m.platformMail(c.name, 1)
		}
		// Without /j/, as in the reference's sample (section 5.6).
		link := strings.Replace(r.event.Link, m.public+"/j/", m.public+"/", 1)
		answer = append(answer, map[string]any{"email": n.Email, "participationId": n.ID,
			"contactId": n.ContactID, "link": link + "/" + n.Token})
	}
	return mtsAnswer{http.StatusCreated, answer}, nil
}

func (m *MTSLink) participations(c mtsCall) (mtsAnswer, error) {
	r, err := m.sessionRoom(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return listParticipations(r, c)
}

func (m *MTSLink) seriesParticipations(c mtsCall) (mtsAnswer, error) {
	e, err := m.event(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return listParticipations(mtsRoom{event: e, list: &e.Participants}, c)
}

func listParticipations(r mtsRoom, c mtsCall) (mtsAnswer, error) {
	some, err := page(c.query, *r.list, 50, 10, 50, 100, 250, 500)
	if err != nil {
		return mtsAnswer{}, err
	}
	list := []map[string]any{}
	for _, n := range some {
		accepted := 0
		if n.Accepted {
			accepted = 1
		}
		values := []map[string]string{}
		for _, f := range r.fields {
			if value, ok := n.FieldValues[f.Key]; ok {
				values = append(values, map[string]string{"key": f.Key, "value": value})
			}
		}
		body := map[string]any{"id": n.ID, "userId": n.UserID, "name": n.Name, "secondName": n.SecondName,
			"email": n.Email, "eventId": n.EventID, "role": n.Role, "isAccepted": accepted, "isSeen": 0,
			"isOnline": "0", "agreementStatus": "AGREED", "registerStatus": "INVITED", "paymentStatus": "NOT_PAID",
			"registerDate": mtsTime(n.Registered, r.event.About.ZoneID), "additionalFieldValues": values,
			"url": n.Token, "visited": false}
		if n.EventSessionID != 0 {
			body["eventSessionId"] = n.EventSessionID
		}
		list = append(list, body)
	}
	return mtsAnswer{http.StatusOK, list}, nil
}

// chosen returns the registrations that participationIds names; an unknown one is 404, before
// anything is done.
func (m *MTSLink) chosen(c mtsCall) ([]*mtsParticipation, error) {
	ids, err := c.form.ids("participationIds")
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, badParameter("participationIds")
	}
	var found []*mtsParticipation
	for _, id := range ids {
		n := m.participation(id)
		if n == nil {
			return nil, errNoEntity
		}
		found = append(found, n)
	}
	return found, nil
}

func (m *MTSLink) participation(id int64) *mtsParticipation {
	for _, e := range m.data.Events {
		for _, n := range e.everybody() {
			if n.ID == id {
				return n
			}
		}
	}
	return nil
}

// everybody lists the registrations of the event and all its sessions.
func (e *mtsEvent) everybody() []*mtsParticipation {
	all := slices.Clone(e.Participants)
	for _, s := range e.Sessions {
		all = append(all, s.Participants...)
	}
	return all
}

// updateParticipations is PUT /participations/update: another role.
func (m *MTSLink) updateParticipations(c mtsCall) (mtsAnswer, error) {
	chosen, err := m.chosen(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	role, err := c.form.oneOf("role", "", "ADMIN", "LECTURER", "GUEST")
	if err != nil {
		return mtsAnswer{}, err
	}
	if role == "" {
		return mtsAnswer{}, badParameter("role")
	}
	for _, n := range chosen {
		n.Role = role
	}
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// kickParticipations is PUT /participations/kick, from a live session.
func (m *MTSLink) kickParticipations(c mtsCall) (mtsAnswer, error) {
	chosen, err := m.chosen(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	for _, n := range chosen {
		if _, s, err := m.session(n.EventSessionID); err != nil || s.Status != mtsStart {
			return mtsAnswer{}, errNoEntity
		}
	}
	for _, n := range chosen {
		n.Kicked = true
	}
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// deleteParticipations is POST /participations/delete.
func (m *MTSLink) deleteParticipations(c mtsCall) (mtsAnswer, error) {
	chosen, err := m.chosen(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	gone := func(n *mtsParticipation) bool { return slices.Contains(chosen, n) }
	for _, e := range m.data.Events {
		e.Participants = slices.DeleteFunc(e.Participants, gone)
		for _, s := range e.Sessions {
			s.Participants = slices.DeleteFunc(s.Participants, gone)
		}
	}
	return mtsAnswer{status: http.StatusNoContent}, nil
}
