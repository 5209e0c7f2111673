package emulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// What somebody does in the vendor's own page, past every client of the API. The webhooks go out
// as ever; nobody is mailed. Ids are sessions' or events'.

// Live starts, stops or deletes. An event's id means all its sessions, and a deletion the event.
func (m *MTSLink) Live(id int64, action string) error {
	if action != "start" && action != "stop" && action != "delete" {
		return refuse(http.StatusBadRequest, "action must be start, stop, delete, join or leave")
	}
	return m.byHand(id, func(e *mtsEvent, sessions []*mtsSession) error {
		for _, s := range sessions {
			switch {
			case action == "delete":
				m.forget(e, s)
			case action == "start" && s.Status == mtsActive:
				if err := m.mayBegin(); err != nil {
					return err
				}
				m.begin(s, m.now())
			case action == "stop":
				m.finish(s)
			default:
				return notNow(s)
			}
		}
		if action == "delete" && e.ID == id {
			m.forget(e, nil)
		}
		return nil
	})
}

// Rename gives the session another name, and a single event with it; an event's id means it and
// all its sessions. What has ended keeps its name.
func (m *MTSLink) Rename(id int64, name string) error {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > mtsNameLimit {
		return badParameter("name")
	}
	return m.byHand(id, func(e *mtsEvent, sessions []*mtsSession) error {
		open := slices.DeleteFunc(slices.Clone(sessions), func(s *mtsSession) bool { return s.Status == mtsStop })
		if len(open) == 0 && len(sessions) > 0 {
			return notNow(sessions[0])
		}
		for _, s := range open {
			s.About.Name = name
		}
		if e.ID == id || e.single() {
			e.About.Name = name
		}
		return nil
	})
}

// Reschedule moves a session that has not begun, and a single event with it, to another planned
// start, of which seconds are cut off. A series is moved session by session.
func (m *MTSLink) Reschedule(id int64, start time.Time) error {
	start = start.Truncate(time.Minute)
	return m.byHand(id, func(e *mtsEvent, sessions []*mtsSession) error {
		if !e.single() && e.ID == id {
			return refuse(http.StatusBadRequest, "a series is moved session by session")
		}
		for _, s := range sessions {
			if s.Status != mtsActive {
				return notNow(s)
			}
			if err := m.fitsSeries(e, s, start); err != nil {
				return err
			}
		}
		if e.single() {
			e.About.Start = start
		}
		for _, s := range sessions {
			before := s.About.Start
			s.About.Start = start
			m.changed(s, before)
		}
		return nil
	})
}

// SetTags replaces the tags of the event; none takes them all away.
func (m *MTSLink) SetTags(id int64, tags ...string) error {
	return m.byHand(id, func(e *mtsEvent, _ []*mtsSession) error {
		e.Tags = append([]string{}, tags...)
		return nil
	})
}

// A Foreign is an event with a session that somebody makes in the vendor's page. Start is in the
// account's zone there, now if zero.
type Foreign struct {
	Name      string    `json:"name"` // "Foreign" if empty
	Start     time.Time `json:"start"`
	Type      string    `json:"type"`       // meeting if empty
	StartType string    `json:"start_type"` // manual if empty
	Owner     string    `json:"owner"`      // a member's e-mail; the account's owner if empty
	Tags      []string  `json:"tags"`
}

// AddEvent makes f, without the platform's reminders. An owner who is no member is an error.
func (m *MTSLink) AddEvent(f Foreign) (Conference, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.autostart()
	about := mtsAbout{Name: f.Name, Start: f.Start, ZoneID: zoneByName(m.home.String()).ID, Lang: "RU", Access: 1}
	if about.Name == "" {
		about.Name = "Foreign"
	}
	if about.Start.IsZero() {
		about.Start = m.now()
	}
	about.Start = about.Start.Truncate(time.Minute)
	e := &mtsEvent{About: about, Type: f.Type, Owner: m.owner, Rule: mtsSingleRule, Created: m.now(),
		Tags: append([]string{}, f.Tags...)}
	if e.Type == "" {
		e.Type = "meeting"
	}
	if f.Owner != "" {
		e.Owner = 0
		for _, member := range m.members {
			if strings.EqualFold(member.Email, f.Owner) {
				e.Owner = member.ID
			}
		}
		if err := m.eligibleOwner(e.Owner); err != nil {
			return Conference{}, err
		}
	}
	s := &mtsSession{About: about, StartType: f.StartType, Status: mtsActive}
	if s.StartType == "" {
		s.StartType = "manual"
	}
	m.addEvent(e)
	m.addSession(e, s)
	m.save()
	return m.conference(e, s), nil
}

// byHand finds what id names, has it changed, and saves.
func (m *MTSLink) byHand(id int64, change func(*mtsEvent, []*mtsSession) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.autostart()
	e, sessions, err := m.named(id)
	if err != nil {
		return err
	}
	if err := change(e, sessions); err != nil {
		return err
	}
	m.save()
	return nil
}

// notNow refuses what the state of s does not allow.
func notNow(s *mtsSession) error {
	return refuse(http.StatusConflict, "the conference is "+s.Status)
}
