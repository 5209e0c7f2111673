package emulator

import (
	"net/http"
	"strings"
	"time"
)

// statsEvents is GET /stats/events.
func (m *MTSLink) statsEvents(c mtsCall) (mtsAnswer, error) {
	held, err := m.statsSessions(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	list := []map[string]any{}
	byEvent := map[int64]map[string]any{}
	for _, s := range held {
		body := byEvent[s.event.ID]
		if body == nil {
			body = map[string]any{"id": s.event.ID, "name": s.event.About.Name, "eventSessions": []map[string]any{}}
			byEvent[s.event.ID] = body
			list = append(list, body)
		}
		body["eventSessions"] = append(body["eventSessions"].([]map[string]any), statsSession(s))
	}
	return mtsAnswer{http.StatusOK, list}, nil
}

// statsUsers is GET /stats/users, section 5.8: everybody who was registered to a session of the
// period or came to one. Whoever did not come has no connections.
func (m *MTSLink) statsUsers(c mtsCall) (mtsAnswer, error) {
	held, err := m.statsSessions(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	list := []map[string]any{}
	byUser := map[int64]map[string]any{}
	for _, s := range held {
		for _, v := range s.people() {
			body := byUser[v.UserID]
			if body == nil {
				body = map[string]any{"id": v.UserID, "name": v.Name, "secondName": v.SecondName, "patrName": "", "sex": "o",
					"eventSessions": []map[string]any{}}
				if v.Email != "" {
					body["email"] = v.Email
				}
				byUser[v.UserID] = body
				list = append(list, body)
			}
			session := statsSession(s)
			connections := []map[string]any{}
			involved := time.Duration(0)
			for _, visit := range s.Visits {
				if visit.UserID == v.UserID {
					connections = append(connections, describeVisit(s, visit))
					involved += visit.Left.Sub(visit.Joined)
				}
			}
			session["connections"], session["actualInvolvement"] = connections, int(involved.Seconds())
			body["eventSessions"] = append(body["eventSessions"].([]map[string]any), session)
		}
	}
	if len(list) == 0 {
		return mtsAnswer{}, errNoEntity
	}
	return mtsAnswer{http.StatusOK, list}, nil
}

// people lists everybody who was registered or came, once each.
func (s *mtsSession) people() []mtsVisit {
	var list []mtsVisit
	seen := map[int64]bool{}
	add := func(v mtsVisit) {
		if !seen[v.UserID] {
			seen[v.UserID] = true
			list = append(list, v)
		}
	}
	for _, from := range [][]*mtsParticipation{s.event.Participants, s.Participants} {
		for _, n := range from {
			add(mtsVisit{UserID: n.UserID, Email: n.Email, Name: n.Name, SecondName: n.SecondName})
		}
	}
	for _, v := range s.Visits {
		add(*v)
	}
	return list
}

// statsVisits is GET /stats/users/visits: one row for each time that a person came. It wants the
// person: a public test against the service shows the refusal. What a row looks like is not
// published; here it is a connection of section 5.8 with its session and person.
func (m *MTSLink) statsVisits(c mtsCall) (mtsAnswer, error) {
	email, byEmail := c.query.text("email")
	contact, byContact, err := c.query.id("contactId")
	if err != nil {
		return mtsAnswer{}, err
	}
	if !byEmail && !byContact {
		return mtsAnswer{}, refuse(http.StatusBadRequest, "Email or contact ID is mandatory")
	}
	held, err := m.statsSessions(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	list := []map[string]any{}
	for _, s := range held {
		for _, v := range s.Visits {
			if byEmail && !strings.EqualFold(v.Email, email) || byContact && v.ContactID != contact {
				continue
			}
			row := describeVisit(s, v)
			row["userId"], row["contactId"], row["email"] = v.UserID, v.ContactID, v.Email
			row["name"], row["secondName"] = v.Name, v.SecondName
			row["eventId"], row["eventSessionId"], row["eventName"] = s.event.ID, s.ID, s.About.Name
			list = append(list, row)
		}
	}
	if len(list) == 0 {
		return mtsAnswer{}, errNoEntity
	}
	return mtsAnswer{http.StatusOK, list}, nil
}

func describeVisit(s *mtsSession, v *mtsVisit) map[string]any {
	return map[string]any{"joined": mtsTime(v.Joined, s.About.ZoneID), "leaved": mtsTime(v.Left, s.About.ZoneID),
		"duration": int(v.Left.Sub(v.Joined).Seconds()), "country": "", "city": "", "referrer": "", "platform": "Web"}
}

// statsSession has the actual start and end.
func statsSession(s *mtsSession) map[string]any {
	return map[string]any{"id": s.ID, "eventId": s.event.ID, "name": s.About.Name,
		"startsAt": mtsTime(s.Began, s.About.ZoneID), "endsAt": mtsTime(s.Ended, s.About.ZoneID),
		"duration": int(s.Ended.Sub(s.Began).Seconds()), "actualInvolvement": 0,
		"chatMessageCount": 0, "userChatMessageCount": 0}
}

// statsSessions finds the sessions that were held in the period and have ended; none is 404
// (section 9).
func (m *MTSLink) statsSessions(c mtsCall) ([]*mtsSession, error) {
	from, ok, err := m.queryTime(c.query, "from")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, badParameter("from")
	}
	to, bounded, err := m.queryTime(c.query, "to")
	if err != nil {
		return nil, err
	}
	user, byUser, err := c.query.id("userId")
	if err != nil {
		return nil, err
	}
	if _, ok := m.member(user); byUser && !ok {
		return nil, refuse(http.StatusForbidden, "User is not a member of the organization")
	}
	id, byEvent, err := c.query.id("eventId")
	if err != nil {
		return nil, err
	}
	events := m.data.Events
	if byEvent {
		events = nil
		if e := m.index.events[id]; e != nil {
			events = []*mtsEvent{e}
		}
	}
	var held []*mtsSession
	for _, e := range events {
		if byUser && e.Owner != user {
			continue
		}
		for _, s := range e.Sessions {
			if s.Status != mtsStop || s.Began.IsZero() || s.Began.Before(from) || bounded && s.Began.After(to) {
				continue
			}
			held = append(held, s)
		}
	}
	if len(held) == 0 {
		return nil, errNoEntity
	}
	return held, nil
}
