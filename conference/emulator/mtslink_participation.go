package emulator

import (
	"net/http"
	"slices"
)

func (m *MTSLink) participations(c mtsCall) (mtsAnswer, error) {
	r, err := m.sessionRoom(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return m.listParticipations(r, c)
}

func (m *MTSLink) seriesParticipations(c mtsCall) (mtsAnswer, error) {
	e, err := m.event(c.id)
	if err != nil {
		return mtsAnswer{}, err
	}
	return m.listParticipations(mtsRoom{event: e, list: &e.Participants, fields: m.asked(e.Fields)}, c)
}

// listParticipations is section 5.7.
func (m *MTSLink) listParticipations(r mtsRoom, c mtsCall) (mtsAnswer, error) {
	some, err := page(c.query, *r.list, 50, 10, 50, 100, 250, 500)
	if err != nil {
		return mtsAnswer{}, err
	}
	list := []map[string]any{}
	for _, n := range some {
		accepted, online, visited := 0, "0", false
		if n.Accepted {
			accepted = 1
		}
		for _, s := range r.sessions() {
			for _, v := range s.Visits {
				if v.Participation == n.ID {
					visited = true
					if v.Left.IsZero() {
						online = "1"
					}
				}
			}
		}
		values := []map[string]string{}
		for _, f := range r.fields {
			if value, ok := n.FieldValues[f.Key]; ok {
				values = append(values, map[string]string{"key": f.Key, "value": value})
			}
		}
		body := map[string]any{"id": n.ID, "userId": n.UserID, "name": n.Name, "secondName": n.SecondName,
			"email": n.Email, "eventId": n.EventID, "role": n.Role, "isAccepted": accepted, "isSeen": 0,
			"isOnline": online, "agreementStatus": "AGREED", "registerStatus": "INVITED", "paymentStatus": "NOT_PAID",
			"registerDate": mtsTime(n.Registered, r.event.About.ZoneID), "additionalFieldValues": values,
			"url": n.Token, "visited": visited}
		if n.EventSessionID != 0 {
			body["eventSessionId"] = n.EventSessionID
		}
		list = append(list, body)
	}
	return mtsAnswer{http.StatusOK, list}, nil
}

// sessions lists those that the registrations are for.
func (r mtsRoom) sessions() []*mtsSession {
	if r.session != nil {
		return []*mtsSession{r.session}
	}
	return r.event.Sessions
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
		n := m.index.participations[id]
		if n == nil {
			return nil, errNoEntity
		}
		found = append(found, n)
	}
	return found, nil
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

// kickParticipations is PUT /participations/kick, from a live session. The registration stays.
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
		_, s, err := m.session(n.EventSessionID)
		if err != nil {
			return mtsAnswer{}, err
		}
		for _, v := range s.Visits {
			if v.Participation == n.ID && v.Left.IsZero() {
				m.leave(s, v)
			}
		}
	}
	return mtsAnswer{status: http.StatusNoContent}, nil
}

// deleteParticipations is POST /participations/delete.
func (m *MTSLink) deleteParticipations(c mtsCall) (mtsAnswer, error) {
	chosen, err := m.chosen(c)
	if err != nil {
		return mtsAnswer{}, err
	}
	for _, n := range chosen {
		gone := func(other *mtsParticipation) bool { return other == n }
		delete(m.index.participations, n.ID)
		if _, s, err := m.session(n.EventSessionID); err == nil {
			s.Participants = slices.DeleteFunc(s.Participants, gone)
		} else if e, err := m.event(n.EventID); err == nil {
			e.Participants = slices.DeleteFunc(e.Participants, gone)
		}
	}
	return mtsAnswer{status: http.StatusNoContent}, nil
}
