package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The faults.
const (
	FaultDelay    = "delay"    // wait Seconds (or until the client has gone), then the effect
	FaultLate     = "late"     // wait Seconds whatever the client does, then the effect
	FaultDrop     = "drop"     // the effect, then the connection closes without an answer
	Fault429      = "429"      // no effect; Retry-After: Seconds, if there are any
	Fault500      = "500"      // no effect
	Fault500After = "500after" // the effect, then 500
	FaultBadJSON  = "badjson"  // the effect, then 2xx with a body that is no JSON
	FaultDenied   = "denied"   // no effect; 403
)

// A Fault is something that goes wrong with the next matching calls. Faults of one call queue:
// the first that is not used up counts, and one with Times 0 stays until it is cleared.
type Fault struct {
	Call    string  `json:"call"`  // as counted in State.Calls: "POST /events", "PUT /eventsessions/{id}"; "*": all
	Kind    string  `json:"fault"` // FaultDelay and so on
	Seconds float64 `json:"seconds"`
	Times   int     `json:"times"`
}

// SetFault queues f. A call or kind that does not exist is an error.
func (m *MTSLink) SetFault(f Fault) error {
	if f.Call != "*" {
		method, path, _ := strings.Cut(strings.TrimSpace(f.Call), " ")
		path, _ = generalPath(strings.TrimPrefix(strings.TrimSpace(path), "/v3"))
		method = strings.ToUpper(method)
		if _, ok := m.calls[path][method]; !ok {
			return fmt.Errorf("no call %q; a call is like \"POST /events\" or \"PUT /eventsessions/{id}\", or \"*\"", f.Call)
		}
		f.Call = method + " " + path
	}
	switch f.Kind {
	case FaultDelay, FaultLate, FaultDrop, Fault429, Fault500, Fault500After, FaultBadJSON, FaultDenied:
	default:
		return fmt.Errorf("no fault %q; there are delay, late, drop, 429, 500, 500after, badjson and denied", f.Kind)
	}
	if f.Seconds < 0 || f.Seconds > 3600 || math.IsNaN(f.Seconds) {
		return errors.New("seconds must be between 0 and 3600")
	}
	if f.Times < 0 {
		return errors.New("times must not be negative")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, &f)
	return nil
}

// Clear removes all faults; calls that already wait go on waiting.
func (m *MTSLink) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = nil
}

// Faults returns the queued faults with the times that are left.
func (m *MTSLink) Faults() []Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Fault, 0, len(m.faults))
	for _, f := range m.faults {
		list = append(list, *f)
	}
	return list
}

// takeFault returns the fault for this call, the zero Fault for none, and counts it.
func (m *MTSLink) takeFault(call string) Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, f := range m.faults {
		if f.Call != call && f.Call != "*" {
			continue
		}
		taken := *f
		if f.Times == 1 {
			m.faults = append(m.faults[:i:i], m.faults[i+1:]...)
		} else if f.Times > 1 {
			f.Times--
		}
		m.data.Faulted[call+" "+f.Kind]++
		return taken
	}
	return Fault{}
}

// before does what happens instead of the effect, or ahead of it. It returns true if the
// request is answered.
func (f Fault) before(w http.ResponseWriter, r *http.Request) bool {
	wait := time.Duration(f.Seconds * float64(time.Second))
	switch f.Kind {
	case FaultDelay:
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			// The service has the request all the same.
		}
	case FaultLate:
		time.Sleep(wait)
	case Fault429:
		if f.Seconds > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.Seconds))))
		}
		writeJSON(w, http.StatusTooManyRequests, errorBody("Too many requests"))
		return true
	case Fault500:
		w.WriteHeader(http.StatusInternalServerError)
		return true
	case FaultDenied:
		writeJSON(w, http.StatusForbidden, errorBody("Access denied"))
		return true
	}
	return false
}

// after does what happens to the answer once the effect has happened. It returns true if the
// request is answered, or never will be.
func (f Fault) after(w http.ResponseWriter, a mtsAnswer, err error) bool {
	switch f.Kind {
	case FaultDrop:
		conn, _, hijack := http.NewResponseController(w).Hijack()
		if hijack != nil {
			// No connection to drop (HTTP/2, a recorder): the nearest thing is a gateway's error.
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		conn.Close()
		return true
	case Fault500After:
		w.WriteHeader(http.StatusInternalServerError)
		return true
	case FaultBadJSON:
		if err != nil {
			return false
		}
		status := a.status
		if status == http.StatusNoContent {
			status = http.StatusOK
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"eventId": `)
		return true
	}
	return false
}

// serveFault is /_fault: GET lists, POST queues one, DELETE clears.
func (m *MTSLink) serveFault(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		writeJSON(w, http.StatusOK, m.Faults())
	case http.MethodDelete:
		m.Clear()
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		var f Fault
		if !readSwitch(w, r, &f) {
			return
		}
		if err := m.SetFault(f); err != nil {
			writeJSON(w, http.StatusBadRequest, errorBody(err.Error()))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// readSwitch decodes the JSON body of a switch into v, whatever its content type (curl -d sends
// a form's). Unknown keys are errors. It returns false when it has answered 400.
func readSwitch(w http.ResponseWriter, r *http.Request, v any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		writeJSON(w, http.StatusBadRequest, errorBody("body: "+err.Error()))
		return false
	}
	return true
}
