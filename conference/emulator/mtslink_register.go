package emulator

import (
	"errors"
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
	return mtsRoom{e, s, &s.Participants, m.asked(s.Fields)}, nil
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
	return mtsRoom{e, nil, &e.Participants, m.asked(e.Fields)}, nil
}

func (r mtsRoom) open(m *MTSLink) error {
	if r.event.Stopped || r.session != nil && r.session.Status == mtsStop {
		return refuse(m.refusal, "Session is finished")
	}
	return nil
}

// errBlank is a registration field that is missing (section 9).
var errBlank = refuse(http.StatusBadRequest, "ERROR_BLANK")

// read reads one person from p, who is not registered yet: a known e-mail is 409, a missing
// field errBlank.
func (r mtsRoom) read(p *params) (*mtsParticipation, error) {
	raw, _ := p.text("email")
	email, ok := address(raw)
	if !ok {
		return nil, badParameter("email")
	}
	n := &mtsParticipation{Email: email, EventID: r.event.ID, FieldValues: map[string]string{}}
	n.Name, _ = p.text("name")
	n.SecondName, _ = p.text("secondName")
	var err error
	if n.Role, err = p.oneOf("role", "GUEST", "ADMIN", "LECTURER", "GUEST"); err != nil {
		return nil, err
	}
	if r.session != nil {
		n.EventSessionID = r.session.ID
	}
	if r.knows(email) {
		return nil, refuse(http.StatusConflict, "User is already registered")
	}
	blank := false
	for _, f := range r.fields {
		value, _ := p.text("additionalFields", f.Key)
		n.FieldValues[f.Key] = value
		blank = blank || value == ""
	}
	if blank {
		return nil, errBlank
	}
	return n, nil
}

func (r mtsRoom) knows(email string) bool {
	return slices.ContainsFunc(*r.list, func(n *mtsParticipation) bool { return strings.EqualFold(n.Email, email) })
}

// enter registers n; the mail, if there is to be one, is caused by call.
func (r mtsRoom) enter(m *MTSLink, n *mtsParticipation, call string, mail bool) error {
	var err error
	if n.Token, err = m.token32(); err != nil {
		return err
	}
	c := m.contact(n.Email)
	n.ID, n.UserID, n.ContactID = m.data.nextID(60_000_000), c.UserID, c.ContactID
	n.Registered = m.now()
	*r.list = append(*r.list, n)
	m.index.participations[n.ID] = n
	if mail {
		m.mail(call, r.event, r.session, n.Email)
	}
	if r.event.Reminders {
		m.mail(mtsReminder, r.event, r.session, n.Email)
	}
	return nil
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
	n, err := r.read(c.form)
	if err != nil {
		return mtsAnswer{}, err
	}
	n.AutoEnter, n.Accepted = auto, accepted || !r.event.About.Moderation
	if err := r.enter(m, n, c.name, mail); err != nil {
		return mtsAnswer{}, err
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
// One who could be registered but for a missing field refuses the whole call (section 9).
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
	var right []*mtsParticipation
	for _, user := range users {
		n, err := r.read(user)
		if errors.Is(err, errBlank) {
			return mtsAnswer{}, err
		}
		if err == nil {
			right = append(right, n)
		}
	}
	answer := []map[string]any{}
	for _, n := range right {
		if r.knows(n.Email) {
			continue // stands twice in the call
		}
		n.AutoEnter, n.Accepted = auto, !r.event.About.Moderation
		if err := r.enter(m, n, c.name, mail); err != nil {
			return mtsAnswer{}, err
		}
		// Without /j/, as in the reference's sample (section 5.6).
		link := strings.Replace(r.event.Link, m.public+"/j/", m.public+"/", 1)
		answer = append(answer, map[string]any{"email": n.Email, "participationId": n.ID,
			"contactId": n.ContactID, "link": link + "/" + n.Token})
	}
	return mtsAnswer{http.StatusCreated, answer}, nil
}
