package emulator

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The largest body that is read.
const mtsMaxBody = 1 << 20

// mtsCall is one request of the API, read and ready to be carried out.
type mtsCall struct {
	name  string  // "PUT /eventsessions/{id}": as counted
	id    int64   // of the path, 0 if it has none
	form  *params // the body
	query *params
}

// mtsAnswer is what a call gives: body nil for none.
type mtsAnswer struct {
	status int
	body   any
}

// mtsOperation is a row of the reference's section 3. do is called with the account locked; an
// error that is no *refusal is a 500.
type mtsOperation struct {
	do      func(m *MTSLink, c mtsCall) (mtsAnswer, error)
	json    bool // takes a JSON body too
	changes bool // the state is saved afterwards
}

// A refusal is an answer of 4xx with a message.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, message string) error { return &refusal{status, message} }

// badParameter is the refusal of a parameter that is required or malformed.
func badParameter(name string) error {
	return refuse(http.StatusBadRequest, "Parameter "+name+" is missing or malformed")
}

var errNoEntity = refuse(http.StatusNotFound, "Entity not found")

// mtsOperations is section 3 of the reference.
func mtsOperations() map[string]map[string]mtsOperation {
	table := []struct {
		method, path string
		op           mtsOperation
	}{
		{"POST", "/events", mtsOperation{do: (*MTSLink).createEvent, json: true, changes: true}},
		{"POST", "/events/{id}/sessions", mtsOperation{do: (*MTSLink).createSession, json: true, changes: true}},
		{"GET", "/organization/events/{id}", mtsOperation{do: (*MTSLink).getEvent}},
		{"PUT", "/organization/events/{id}", mtsOperation{do: (*MTSLink).updateEvent, changes: true}},
		{"DELETE", "/organization/events/{id}", mtsOperation{do: (*MTSLink).deleteEvent, changes: true}},
		{"PUT", "/organization/events/{id}/move", mtsOperation{do: (*MTSLink).moveEvent, changes: true}},
		{"GET", "/eventsessions/{id}", mtsOperation{do: (*MTSLink).getSession}},
		{"PUT", "/eventsessions/{id}", mtsOperation{do: (*MTSLink).updateSession, changes: true}},
		{"DELETE", "/eventsessions/{id}", mtsOperation{do: (*MTSLink).deleteSession, changes: true}},
		{"PUT", "/eventsessions/{id}/start", mtsOperation{do: (*MTSLink).startSession, changes: true}},
		{"PUT", "/eventsessions/{id}/stop", mtsOperation{do: (*MTSLink).stopSession, changes: true}},
		{"GET", "/organization/events/schedule", mtsOperation{do: (*MTSLink).schedule}},
		{"GET", "/users/{id}/events/schedule", mtsOperation{do: (*MTSLink).userSchedule}},
		{"POST", "/eventsessions/{id}/register", mtsOperation{do: (*MTSLink).register, changes: true}},
		{"POST", "/eventsessions/{id}/invite", mtsOperation{do: (*MTSLink).invite, changes: true}},
		{"POST", "/events/{id}/register", mtsOperation{do: (*MTSLink).registerSeries, changes: true}},
		{"POST", "/events/{id}/invite", mtsOperation{do: (*MTSLink).inviteSeries, changes: true}},
		{"GET", "/eventsessions/{id}/participations", mtsOperation{do: (*MTSLink).participations}},
		{"GET", "/events/{id}/participations", mtsOperation{do: (*MTSLink).seriesParticipations}},
		{"PUT", "/participations/update", mtsOperation{do: (*MTSLink).updateParticipations, changes: true}},
		{"PUT", "/participations/kick", mtsOperation{do: (*MTSLink).kickParticipations, changes: true}},
		{"POST", "/participations/delete", mtsOperation{do: (*MTSLink).deleteParticipations, changes: true}},
		{"GET", "/stats/events", mtsOperation{do: (*MTSLink).statsEvents}},
		{"GET", "/stats/users", mtsOperation{do: (*MTSLink).statsUsers}},
		{"GET", "/stats/users/visits", mtsOperation{do: (*MTSLink).statsVisits}},
		{"GET", "/organization/members", mtsOperation{do: (*MTSLink).listMembers}},
		{"GET", "/timezones", mtsOperation{do: (*MTSLink).listZones}},
		{"GET", "/eventsessions/endless", mtsOperation{do: (*MTSLink).emptyList}},
		{"GET", "/eventsessions/endless/activities", mtsOperation{do: (*MTSLink).emptyList}},
		{"GET", "/records", mtsOperation{do: (*MTSLink).emptyList}},
		{"POST", "/webhooks/create", mtsOperation{do: (*MTSLink).createWebhook, changes: true}},
		{"POST", "/webhooks/{id}/delete", mtsOperation{do: (*MTSLink).deleteWebhook, changes: true}},
	}
	byPath := make(map[string]map[string]mtsOperation)
	for _, row := range table {
		if byPath[row.path] == nil {
			byPath[row.path] = make(map[string]mtsOperation)
		}
		byPath[row.path][row.method] = row.op
	}
	return byPath
}

// generalPath replaces the ids of an API path (without /v3) by {id}, and returns the first one.
// What a reader wrote in braces counts as an id.
func generalPath(path string) (general string, id int64) {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		n, err := strconv.ParseInt(s, 10, 64)
		inBraces := strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}")
		if !inBraces && (err != nil || n <= 0) {
			continue
		}
		segments[i] = "{id}"
		if id == 0 && !inBraces {
			id = n
		}
	}
	return strings.Join(segments, "/"), id
}

// serveAPI authenticates, reads the whole request, lets a fault have its way and carries it out.
// The effect does not depend on whether the client is still there.
func (m *MTSLink) serveAPI(w http.ResponseWriter, r *http.Request) {
	path, id := generalPath(strings.TrimPrefix(r.URL.Path, "/v3"))
	methods, known := m.calls[path]
	op, allowed := methods[r.Method]
	c := mtsCall{name: r.Method + " " + path, id: id}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mtsMaxBody))
	if err != nil {
		writeAnswer(w, mtsAnswer{}, refuse(http.StatusBadRequest, "Body cannot be read"))
		return
	}
	if allowed {
		m.count(c.name)
	}
	if err := m.authenticate(r); err != nil {
		writeAnswer(w, mtsAnswer{}, err)
		return
	}
	switch {
	case !known:
		writeAnswer(w, mtsAnswer{}, errNoEntity)
		return
	case !allowed:
		writeAnswer(w, mtsAnswer{}, refuse(http.StatusMethodNotAllowed, "Method not allowed"))
		return
	}
	fault := m.takeFault(c.name)
	if fault.before(w, r) {
		return
	}
	a, err := m.carryOut(op, c, r, body)
	if err != nil {
		var no *refusal
		if !errors.As(err, &no) {
			m.log.Error("emulator: call", "call", c.name, "error", err)
		}
	}
	m.log.Debug("emulator: call", "call", c.name, "status", a.status, "fault", fault.Kind)
	if fault.after(w, a, err) {
		return
	}
	writeAnswer(w, a, err)
}

func (m *MTSLink) carryOut(op mtsOperation, c mtsCall, r *http.Request, body []byte) (mtsAnswer, error) {
	query, err := parseForm(r.URL.RawQuery)
	if err != nil {
		return mtsAnswer{}, refuse(http.StatusBadRequest, "Query is malformed")
	}
	c.query = query
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.EqualFold(strings.TrimSpace(media), "application/json") && op.json {
		c.form, err = parseJSON(body)
		if err != nil {
			return mtsAnswer{}, refuse(http.StatusBadRequest, "json is not valid")
		}
	} else if c.form, err = parseForm(string(body)); err != nil {
		return mtsAnswer{}, refuse(http.StatusBadRequest, "Body is malformed")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.autostart()
	a, err := op.do(m, c)
	if err == nil && op.changes {
		m.ignored(c)
		m.save()
	}
	return a, err
}

// authenticate is section 9: 401 for a header that is missing or malformed, 403 for a key that
// is unknown or whose plan has lapsed.
func (m *MTSLink) authenticate(r *http.Request) error {
	key := r.Header.Get("x-auth-token")
	if key == "" || strings.ContainsAny(key, " \t,;") {
		return refuse(http.StatusUnauthorized, "Header x-auth-token is missing or malformed")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.token != "" && subtle.ConstantTimeCompare([]byte(key), []byte(m.token)) != 1 || m.lapsed {
		return refuse(http.StatusForbidden, "Access denied")
	}
	return nil
}

func (m *MTSLink) count(call string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data.Calls[call]++
}

// ignored remembers the parameters that nobody read: most often a misspelling of the client.
func (m *MTSLink) ignored(c mtsCall) {
	for _, name := range c.form.unread() {
		m.data.Ignored[c.name+" "+name]++
	}
}

// writeAnswer writes a or, if err is not nil, the refusal; an error of another kind is a 500
// without a body, as gateways send them.
func writeAnswer(w http.ResponseWriter, a mtsAnswer, err error) {
	if err != nil {
		var no *refusal
		if !errors.As(err, &no) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		a = mtsAnswer{no.status, errorBody(no.message)}
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	writeJSON(w, a.status, a.body)
}

func errorBody(message string) any {
	return map[string]any{"error": map[string]any{"message": message}}
}

// writeJSON writes body; an error here is the client's going away.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
