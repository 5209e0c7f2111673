package emulator

import (
	"fmt"
	"net/http"
)

// SetPlanLapsed makes every call answer 403, as when the plan no longer includes the API.
func (m *MTSLink) SetPlanLapsed(lapsed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lapsed = lapsed
}

// SetToken changes the API key.
func (m *MTSLink) SetToken(token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.token = token
}

// SetRefusal sets the status that answers an edit which the state of the event or session
// forbids (after STOP, or of a live event's template). The vendor does not say which it is: 409
// is the default, 404 the other candidate.
func (m *MTSLink) SetRefusal(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refusal = status
}

// SetOneLive makes the account one whose licence allows a single live session at a time: to start
// another is 403, and one that starts by itself waits until it can. Off by default, because the
// vendor does not publish the rule (section 8).
func (m *MTSLink) SetOneLive(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.oneLive = on
}

// SetRequiredFields makes every session of the account, those that exist too, ask for text fields
// with these labels, beside its own: whoever is registered without them is refused with
// ERROR_BLANK. Without labels nothing more is asked.
func (m *MTSLink) SetRequiredFields(labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.required = nil
	for i, label := range labels {
		m.required = append(m.required, mtsField{Key: fmt.Sprintf("account%d", i+1), Label: label, Type: "text"})
	}
}

// asked returns the fields that somebody who registers must fill in, of an event or session that
// has these of its own.
func (m *MTSLink) asked(own []mtsField) []mtsField {
	return append(own[:len(own):len(own)], m.required...)
}

// mayBegin tells whether the licence allows one more live session.
func (m *MTSLink) mayBegin() error {
	if m.oneLive && m.index.live > 0 {
		return refuse(http.StatusForbidden, "Another session of the account is live")
	}
	return nil
}

// serveSwitch sets what differs between accounts: {"plan_lapsed": true}, {"refusal": 404},
// {"one_live": true}, {"required_fields": ["City"]}.
func (m *MTSLink) serveSwitch(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		PlanLapsed     *bool     `json:"plan_lapsed"`
		Refusal        int       `json:"refusal"`
		OneLive        *bool     `json:"one_live"`
		RequiredFields *[]string `json:"required_fields"`
	}
	if !readSwitch(w, r, &ask) {
		return
	}
	if ask.Refusal != 0 && ask.Refusal != http.StatusNotFound && ask.Refusal != http.StatusConflict {
		writeJSON(w, http.StatusBadRequest, errorBody("refusal must be 404 or 409"))
		return
	}
	if ask.PlanLapsed != nil {
		m.SetPlanLapsed(*ask.PlanLapsed)
	}
	if ask.Refusal != 0 {
		m.SetRefusal(ask.Refusal)
	}
	if ask.OneLive != nil {
		m.SetOneLive(*ask.OneLive)
	}
	if ask.RequiredFields != nil {
		m.SetRequiredFields(*ask.RequiredFields...)
	}
	w.WriteHeader(http.StatusNoContent)
}

// serveMember adds or replaces a member: {"email": …, "name": …, "confirmed": true}.
func (m *MTSLink) serveMember(w http.ResponseWriter, r *http.Request) {
	var member Member
	if !readSwitch(w, r, &member) {
		return
	}
	if _, ok := address(member.Email); !ok {
		writeJSON(w, http.StatusBadRequest, errorBody("email must be an address"))
		return
	}
	writeJSON(w, http.StatusOK, m.SetMember(member))
}
