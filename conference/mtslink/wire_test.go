package mtslink

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"joinery/conference"
)

// The requests of each operation, field by field, against section 5 of the reference.
func TestRequests(t *testing.T) {
	t.Run("reserve", func(t *testing.T) {
		s := scripted(t)
		room, err := s.p.Reserve(t.Context(), review(), conference.Room{}, nothing)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(room, roomOne()) {
			t.Errorf("room: got %+v, want %+v", room, roomOne())
		}
		s.golden("reserve")
		s.silent(nil)
	})
	t.Run("reserve webinar with description", func(t *testing.T) {
		s := scripted(t)
		s.on("GET /organization/members", answer{200, `[]`, nil})
		m := review()
		m.Kind, m.Language, m.Zone, m.Description, m.Title = conference.KindWebinar, "uk", "America/New_York", "Agenda in the invitation", "  "
		m.End = m.Start.Add(90*time.Minute + 30*time.Second)
		if _, err := s.p.Reserve(t.Context(), m, conference.Room{}, nothing); err != nil {
			t.Fatal(err)
		}
		s.golden("reserve_webinar")
	})
	t.Run("update", func(t *testing.T) {
		s := scripted(t)
		s.on("GET /organization/events/881200345", answer{200, eventJSON("ACTIVE", "ACTIVE"), nil})
		s.on("PUT /organization/events/881200345", answer{204, "", nil})
		s.on("PUT /eventsessions/990077001", answer{204, "", nil})
		m := review()
		m.Start, m.End = time.Date(2027, 3, 10, 8, 0, 0, 0, time.UTC), time.Date(2027, 3, 10, 9, 0, 0, 0, time.UTC)
		if _, err := s.p.Update(t.Context(), roomOne(), m); err != nil {
			t.Fatal(err)
		}
		s.golden("update")
	})
	t.Run("release", func(t *testing.T) {
		s := scripted(t)
		s.on("GET /organization/events/881200345", answer{200, eventJSON("ACTIVE", "ACTIVE"), nil})
		s.on("DELETE /eventsessions/990077001", answer{204, "", nil})
		s.on("DELETE /organization/events/881200345", answer{404, `{"error": {"message": "Not found"}}`, nil})
		if err := s.p.Release(t.Context(), roomOne()); err != nil {
			t.Fatal(err)
		}
		s.golden("release")
	})
	t.Run("release live", func(t *testing.T) {
		s := scripted(t)
		s.on("GET /organization/events/881200345", answer{200, eventJSON("START", "START"), nil})
		s.on("PUT /eventsessions/990077001/stop", answer{404, "", nil}) // somebody was faster
		s.on("DELETE /eventsessions/990077001", answer{204, "", nil})
		s.on("DELETE /organization/events/881200345", answer{204, "", nil})
		if err := s.p.Release(t.Context(), roomOne()); err != nil {
			t.Fatal(err)
		}
		s.golden("release_live")
	})
	t.Run("find", func(t *testing.T) {
		s := scripted(t)
		s.on("GET /organization/events/schedule", answer{200, `[]`, nil})
		if _, ok, err := s.p.Find(t.Context(), review()); ok || err != nil {
			t.Fatalf("Find: %v, %v", ok, err)
		}
		s.golden("find")
	})
}

// TestDescription sends an empty description only where one was sent before: texts that people
// wrote at the service are theirs.
func TestDescription(t *testing.T) {
	s := scripted(t)
	s.on("GET /organization/events/881200345", answer{200, eventJSON("ACTIVE", "ACTIVE"), nil})
	s.on("PUT /organization/events/881200345", answer{204, "", nil})
	s.on("PUT /eventsessions/990077001", answer{204, "", nil})
	described := func(room conference.Room, m conference.Meeting) (conference.Room, bool) {
		t.Helper()
		room, err := s.p.Update(t.Context(), room, m)
		if err != nil {
			t.Fatal(err)
		}
		asked := strings.Join(s.asked, "")
		s.calls()
		return room, strings.Contains(asked, "  description=")
	}
	m := review()
	room, sent := described(roomOne(), m)
	if sent {
		t.Error("a description was sent without one in the meeting")
	}
	m.Description = "Agenda"
	if room, sent = described(room, m); !sent {
		t.Error("the description was not sent")
	}
	m.Description = ""
	if _, sent = described(room, m); !sent {
		t.Error("the description was not emptied")
	}
}

func TestID(t *testing.T) {
	for in, want := range map[string]string{
		`881200345`: "881200345", `"881200345"`: "881200345", `9007199254740993123`: "9007199254740993123", `null`: "", `""`: "",
		`"abc-DEF_1"`: "abc-DEF_1",
	} {
		var got id
		if err := json.Unmarshal([]byte(in), &got); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{`"../1"`, `"a/b"`, `1.5`, `{}`, `[1]`, `true`, `"` + strings.Repeat("1", 65) + `"`, `"1 2"`, `"1?x=y"`} {
		var got id
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s: got %q, want an error", in, got)
		}
	}
}

func TestTags(t *testing.T) {
	for in, want := range map[string][]string{
		`["a", "b"]`:                      {"a", "b"},
		`[{"id": 5, "name": "a"}, "b"]`:   {"a", "b"},
		`{"0": "a"}`:                      {"a"},
		`[]`:                              nil,
		`null`:                            nil,
		`"a"`:                             {"a"},
		`[7, true, null, {"tag": ["a"]}]`: {"a"},
	} {
		var got tags
		if err := json.Unmarshal([]byte(in), &got); err != nil || !reflect.DeepEqual([]string(got), want) {
			t.Errorf("%s: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestStamp(t *testing.T) {
	want := time.Date(2027, 3, 10, 8, 0, 0, 0, time.UTC)
	for _, in := range []string{"2027-03-10T11:00:00+0300", "2027-03-10T11:00:00+03:00", "2027-03-10T11:00+03:00", "2027-03-10T11:00+0300", "2027-03-10T08:00:00Z"} {
		var got stamp
		if err := json.Unmarshal([]byte(`"`+in+`"`), &got); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v", in, got, err)
		}
	}
	for _, in := range []string{`"soon"`, `null`, `5`, `{}`} {
		var got stamp
		if err := json.Unmarshal([]byte(in), &got); err != nil || !got.IsZero() {
			t.Errorf("%s: got %v, %v, want the zero time", in, got, err)
		}
	}
}

func TestValidLink(t *testing.T) {
	for link, want := range map[string]bool{
		"https://my.mts-link.ru/j/1/2": true, "http://127.0.0.1:9090/j/1/2": true,
		"": false, "/j/1/2": false, "javascript:alert(1)": false, "https://": false,
		"https://a/b\r\nX: y": false, "https://a/b c": false, "https://u:p@a/b": false, `https://a/"><b>`: false,
		"https://a/" + strings.Repeat("x", 2000): false,
	} {
		if got := validLink(link); got != want {
			t.Errorf("validLink(%q): got %v, want %v", link, got, want)
		}
	}
}

// FuzzEvent reads whatever a service may answer: what it takes for an id can stand in a path, and
// nothing panics.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(eventJSON("ACTIVE", "START")))
	f.Add([]byte(`{"id": "881200345", "tags": [{"name": ["x"]}], "startsAt": "2027-03-10T11:00:00+0300", "eventSessions": [{"id": "1"}]}`))
	f.Add([]byte(`{"id": null, "tags": {}, "startsAt": 5, "eventSessions": null, "link": "https://a/b"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e event
		if json.Unmarshal(data, &e) != nil {
			return
		}
		for name, ref := range roomOf(e).Refs {
			if ref != "" && !validID(ref) {
				t.Errorf("%s is %q", name, ref)
			}
		}
		_, _, _, _, _ = e.ended(), e.start(), e.state(), e.title(), e.owner()
		_ = e.key(func(tag string) bool { return tag == "x" })
	})
}
