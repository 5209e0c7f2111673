package emulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// serveLive does by hand what the owner can do on the provider's site, and who comes and goes:
// {id, action}, with email and name for join and leave, as a form or as JSON. id is an event's or
// a session's.
func (m *MTSLink) serveLive(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		ID     json.Number `json:"id"` // a number, or a string that holds one
		Action string      `json:"action"`
		Email  string      `json:"email"`
		Name   string      `json:"name"`
	}
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	body := http.MaxBytesReader(w, r.Body, 1<<16)
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(body); err != nil {
		writeJSON(w, http.StatusBadRequest, errorBody("body cannot be read"))
		return
	}
	if text := bytes.TrimSpace(raw.Bytes()); bytes.HasPrefix(text, []byte("{")) {
		form = false // curl -d calls JSON a form
		if err := json.Unmarshal(text, &ask); err != nil {
			writeJSON(w, http.StatusBadRequest, errorBody("body: "+err.Error()))
			return
		}
	} else if p, err := parseForm(raw.String()); err == nil {
		id, _ := p.text("id")
		ask.ID = json.Number(id)
		ask.Action, _ = p.text("action")
		ask.Email, _ = p.text("email")
		ask.Name, _ = p.text("name")
	}
	id, err := strconv.ParseInt(ask.ID.String(), 10, 64)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, errorBody("id must be a number"))
		return
	}
	switch ask.Action {
	case "join":
		err = m.Join(id, ask.Email, ask.Name)
	case "leave":
		err = m.Leave(id, ask.Email, ask.Name)
	default:
		err = m.Live(id, ask.Action)
	}
	if err != nil {
		writeAnswer(w, mtsAnswer{}, err)
		return
	}
	if form {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// serveHand is the rest of what somebody does in the vendor's page: {"action": "rename", "id": …,
// "name": …}, "reschedule" with start (RFC 3339), "tags" with tags, and "add" with the fields of
// Foreign, which answers with the Conference.
func (m *MTSLink) serveHand(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Action string      `json:"action"`
		ID     json.Number `json:"id"`
		Foreign
	}
	if !readSwitch(w, r, &ask) {
		return
	}
	id, err := strconv.ParseInt(ask.ID.String(), 10, 64)
	if err != nil && ask.Action != "add" {
		writeJSON(w, http.StatusBadRequest, errorBody("id must be a number"))
		return
	}
	switch ask.Action {
	case "rename":
		err = m.Rename(id, ask.Name)
	case "reschedule":
		if ask.Start.IsZero() {
			err = badParameter("start")
		} else {
			err = m.Reschedule(id, ask.Start)
		}
	case "tags":
		err = m.SetTags(id, ask.Tags...)
	case "add":
		var made Conference
		if made, err = m.AddEvent(ask.Foreign); err == nil {
			writeJSON(w, http.StatusOK, made)
			return
		}
	default:
		err = refuse(http.StatusBadRequest, "action must be rename, reschedule, tags or add")
	}
	writeAnswer(w, mtsAnswer{status: http.StatusNoContent}, err)
}
