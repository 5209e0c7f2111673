package emulator

import (
	"strconv"
	"time"
)

// A Mail is one that the platform itself would have sent to somebody. A client that suppresses
// them all leaves none.
type Mail struct {
	At      time.Time `json:"at"`
	Cause   string    `json:"cause"` // the call, "POST /eventsessions/{id}/register", or "reminder"
	To      string    `json:"to"`
	ID      string    `json:"id"`      // the event's
	Session string    `json:"session"` // id; empty for a whole event
	Name    string    `json:"name"`    // of the conference
}

// The cause of the platform's reminders. When it sends them is not told; they are recorded as
// soon as it is certain that they will go out: for the owner or the people of a series when a
// session is made, for everybody else when they are registered.
const mtsReminder = "reminder"

// Mails returns what the platform has mailed, in that order. What somebody does in the vendor's
// own page (Live, Rename and so on) mails nobody.
func (m *MTSLink) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Mail{}, m.data.Mails...)
}

// mail records a mail about s, or about all of e if s is nil, to each of to.
func (m *MTSLink) mail(cause string, e *mtsEvent, s *mtsSession, to ...string) {
	one := Mail{At: m.now(), Cause: cause, ID: strconv.FormatInt(e.ID, 10), Name: e.About.Name}
	if s != nil {
		one.Session, one.Name = strconv.FormatInt(s.ID, 10), s.About.Name
	}
	for _, one.To = range to {
		m.data.Mails = append(m.data.Mails, one)
	}
}

// mailEverybody records one to each who is registered, or to the owner if nobody is.
func (m *MTSLink) mailEverybody(cause string, e *mtsEvent, s *mtsSession) {
	var to []string
	for _, n := range e.Participants {
		to = append(to, n.Email)
	}
	if s != nil {
		for _, n := range s.Participants {
			to = append(to, n.Email)
		}
	}
	if len(to) == 0 {
		owner, _ := m.member(e.Owner)
		to = []string{owner.Email}
	}
	m.mail(cause, e, s, to...)
}
