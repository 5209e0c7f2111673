package emulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// mtsVisit is one time that somebody was in a session.
type mtsVisit struct {
	Participation           int64 // 0: not registered
	UserID, ContactID       int64
	Email, Name, SecondName string
	Joined, Left            time.Time // Left is zero while the visit lasts
}

// mtsContact is what the platform knows of an address, across sessions.
type mtsContact struct{ UserID, ContactID int64 }

// contact returns the one of this address, made now if need be; a member's user is himself.
func (m *MTSLink) contact(email string) mtsContact {
	key := strings.ToLower(email)
	c, ok := m.data.Contacts[key]
	if !ok {
		c = mtsContact{m.data.nextID(81_000), m.data.nextID(47_000_000)}
		for _, member := range m.members {
			if strings.EqualFold(member.Email, email) {
				c.UserID = member.ID
			}
		}
		m.data.Contacts[key] = c
	}
	return c
}

// Join has somebody come into a live session now. id is the session's, or the event's whose
// session is live. Whoever is registered by that e-mail comes as such, everybody else as a guest
// of that name, who need not have an e-mail. It is an error where nothing is live or the person is
// there already.
func (m *MTSLink) Join(id int64, email, name string) error {
	return m.inLive(id, func(s *mtsSession) error {
		if email == "" && name == "" {
			return refuse(http.StatusBadRequest, "somebody who comes has an e-mail or a name")
		}
		if s.visiting(email, name) != nil {
			return refuse(http.StatusConflict, "the person is there already")
		}
		v := &mtsVisit{Email: email, Joined: m.now()}
		v.Name, v.SecondName, _ = strings.Cut(name, " ")
		if email == "" {
			v.UserID = m.data.nextID(81_000)
		} else {
			c := m.contact(email)
			v.UserID, v.ContactID = c.UserID, c.ContactID
		}
		for _, n := range slices.Concat(s.Participants, s.event.Participants) {
			if strings.EqualFold(n.Email, email) {
				v.Participation, v.Email = n.ID, n.Email
				if n.Name+n.SecondName != "" {
					v.Name, v.SecondName = n.Name, n.SecondName
				}
				break
			}
		}
		s.Visits = append(s.Visits, v)
		return nil
	})
}

// Leave has somebody go whom Join brought by the same e-mail, or by the same name without one. The
// session stays live; that the last one has left is told by webhook.
func (m *MTSLink) Leave(id int64, email, name string) error {
	return m.inLive(id, func(s *mtsSession) error {
		v := s.visiting(email, name)
		if v == nil {
			return refuse(http.StatusNotFound, "the person is not there")
		}
		m.leave(s, v)
		return nil
	})
}

// inLive does something in the live session that id names, and saves.
func (m *MTSLink) inLive(id int64, do func(*mtsSession) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.autostart()
	_, sessions, err := m.named(id)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if s.Status == mtsStart {
			if err := do(s); err != nil {
				return err
			}
			m.save()
			return nil
		}
	}
	return refuse(http.StatusConflict, "the conference is not live")
}

// visiting finds somebody who is there.
func (s *mtsSession) visiting(email, name string) *mtsVisit {
	for _, v := range s.Visits {
		if v.Left.IsZero() && strings.EqualFold(v.Email, email) && (email != "" || v.fullName() == name) {
			return v
		}
	}
	return nil
}

func (v *mtsVisit) fullName() string { return strings.TrimSpace(v.Name + " " + v.SecondName) }

func (m *MTSLink) leave(s *mtsSession, v *mtsVisit) {
	v.Left = m.now()
	for _, other := range s.Visits {
		if other.Left.IsZero() {
			return
		}
	}
	m.tell("eventSession.users.allLeft", v.Left, map[string]any{"eventSessionId": s.ID})
}

// present lists who is there: the e-mail, or the name of a guest without one.
func (s *mtsSession) present() []string {
	list := []string{}
	for _, v := range s.Visits {
		if !v.Left.IsZero() {
			continue
		}
		if v.Email != "" {
			list = append(list, v.Email)
		} else {
			list = append(list, v.fullName())
		}
	}
	return list
}
