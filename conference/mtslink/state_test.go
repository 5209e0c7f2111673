package mtslink

import (
	"slices"
	"testing"

	"joinery/conference"
)

// TestUpdateStates is what is edited of an event in each state, also when the state changes
// between the look and the edit.
func TestUpdateStates(t *testing.T) {
	const (
		read, look          = "GET /organization/events/881200345", "GET /eventsessions/990077001"
		editEvent, editSess = "PUT /organization/events/881200345", "PUT /eventsessions/990077001"
		zones               = "GET /timezones"
	)
	session := func(status string) answer { return answer{200, `{"id": 990077001, "status": "` + status + `"}`, nil} }
	ok, no, missing := answer{204, "", nil}, answer{409, "", nil}, answer{404, "", nil}
	tests := []struct {
		name    string
		answers map[string]answer
		calls   []string
		err     conference.ErrorKind
	}{
		{"planned", map[string]answer{read: {200, eventJSON("ACTIVE", "ACTIVE"), nil}, editEvent: ok, editSess: ok}, []string{read, zones, editEvent, editSess}, ""},
		{"live", map[string]answer{read: {200, eventJSON("START", "START"), nil}, editSess: ok}, []string{read, zones, editSess}, ""},
		{"the session is live, the event planned", map[string]answer{read: {200, eventJSON("ACTIVE", "START"), nil}, editSess: ok}, []string{read, zones, editSess}, ""},
		{"ended", map[string]answer{read: {200, eventJSON("STOP", "STOP"), nil}}, []string{read, zones}, conference.Gone},
		{"the session ended", map[string]answer{read: {200, eventJSON("ACTIVE", "STOP"), nil}}, []string{read, zones}, conference.Gone},
		{"deleted", map[string]answer{read: missing}, []string{read}, conference.Gone},
		{"begins meanwhile", map[string]answer{read: {200, eventJSON("ACTIVE", "ACTIVE"), nil}, editEvent: no, look: session("START"), editSess: ok}, []string{read, zones, editEvent, look, editSess}, ""},
		{"begins meanwhile, refused as 404", map[string]answer{read: {200, eventJSON("ACTIVE", "ACTIVE"), nil}, editEvent: missing, look: session("START"), editSess: ok}, []string{read, zones, editEvent, look, editSess}, ""},
		{"ends meanwhile", map[string]answer{read: {200, eventJSON("ACTIVE", "ACTIVE"), nil}, editEvent: no, look: session("STOP")}, []string{read, zones, editEvent, look}, conference.Gone},
		{"ends between the two edits", map[string]answer{read: {200, eventJSON("ACTIVE", "ACTIVE"), nil}, editEvent: ok, editSess: no, look: session("STOP")}, []string{read, zones, editEvent, editSess, look}, conference.Gone},
		{"deleted meanwhile", map[string]answer{read: {200, eventJSON("ACTIVE", "ACTIVE"), nil}, editEvent: missing, look: missing}, []string{read, zones, editEvent, look}, conference.Gone},
		{"the session was deleted between", map[string]answer{read: {200, eventJSON("ACTIVE", "ACTIVE"), nil}, editEvent: ok, editSess: missing}, []string{read, zones, editEvent, editSess}, conference.Gone},
		{"refused for another reason", map[string]answer{read: {200, eventJSON("ACTIVE", "ACTIVE"), nil}, editEvent: {400, "", nil}, look: session("ACTIVE")}, []string{read, zones, editEvent, look}, conference.Invalid},
		{"sessions are not told", map[string]answer{read: {200, eventJSON("ACTIVE"), nil}, look: session("ACTIVE"), editEvent: ok, editSess: ok}, []string{read, look, zones, editEvent, editSess}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scripted(t)
			for call, a := range tt.answers {
				s.on(call, a)
			}
			_, err := s.p.Update(t.Context(), roomOne(), review())
			if got := conference.KindOf(err); got != tt.err {
				t.Errorf("got %v, want kind %q", err, tt.err)
			}
			got := s.calls()
			slices.Sort(got)
			want := slices.Clone(tt.calls)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("calls:\ngot  %q\nwant %q", got, want)
			}
		})
	}
}

// TestTurn is starting and stopping in each state.
func TestTurn(t *testing.T) {
	const look = "GET /eventsessions/990077001"
	session := func(status string) answer { return answer{200, `{"id": 990077001, "status": "` + status + `"}`, nil} }
	missing, broken, ok := answer{404, "", nil}, answer{500, "", nil}, answer{204, "", nil}
	tests := []struct {
		name  string
		verb  string
		looks []answer
		put   answer // status -1: not called
		err   conference.ErrorKind
	}{
		{"start", "start", []answer{session("ACTIVE")}, ok, ""},
		{"start what is live", "start", []answer{session("START")}, answer{status: -1}, ""},
		{"start what has ended", "start", []answer{session("STOP")}, answer{status: -1}, conference.Gone},
		{"somebody started first", "start", []answer{session("ACTIVE"), session("START")}, missing, ""},
		{"started, but 500", "start", []answer{session("ACTIVE"), session("START")}, broken, ""},
		{"not started, and 500", "start", []answer{session("ACTIVE")}, broken, conference.Temporary},
		{"start what is deleted", "start", []answer{missing}, answer{status: -1}, conference.Gone},
		{"stop", "stop", []answer{session("START")}, ok, ""},
		{"stop what has ended", "stop", []answer{session("STOP")}, answer{status: -1}, ""},
		{"stop what has not begun", "stop", []answer{session("ACTIVE")}, answer{status: -1}, conference.Invalid},
		{"somebody stopped first", "stop", []answer{session("START"), session("STOP")}, missing, ""},
		{"the service has a new word", "stop", []answer{session("PAUSE")}, answer{status: -1}, conference.Temporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scripted(t)
			s.on(look, tt.looks...)
			if tt.put.status != -1 {
				s.on("PUT /eventsessions/990077001/"+tt.verb, tt.put)
			}
			turn := s.p.Start
			if tt.verb == "stop" {
				turn = s.p.Stop
			}
			if err := turn(t.Context(), roomOne()); conference.KindOf(err) != tt.err {
				t.Errorf("got %v, want kind %q", err, tt.err)
			}
		})
	}
}

// TestReleaseRefused does not take a room for gone that the service keeps.
func TestReleaseRefused(t *testing.T) {
	for name, answers := range map[string]map[string]answer{
		"read":    {"GET /organization/events/881200345": {500, "", nil}},
		"stop":    {"GET /organization/events/881200345": {200, eventJSON("START", "START"), nil}, "PUT /eventsessions/990077001/stop": {500, "", nil}},
		"session": {"GET /organization/events/881200345": {200, eventJSON("ACTIVE", "ACTIVE"), nil}, "DELETE /eventsessions/990077001": {500, "", nil}},
		"event": {"GET /organization/events/881200345": {200, eventJSON("ACTIVE", "ACTIVE"), nil}, "DELETE /eventsessions/990077001": {204, "", nil},
			"DELETE /organization/events/881200345": {403, "", nil}},
	} {
		s := scripted(t)
		for call, a := range answers {
			s.on(call, a)
		}
		if err := s.p.Release(t.Context(), roomOne()); err == nil {
			t.Errorf("%s fails: no error", name)
		}
	}
}
