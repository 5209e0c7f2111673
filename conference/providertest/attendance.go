package providertest

import (
	"testing"
	"time"

	"joinery/conference"
)

func testAttendance(t *testing.T, c Case) {
	attender, ok := conference.As[conference.Attender](c.Provider)
	if !ok {
		t.Skip("the service does not tell who came: this provider is no Attender")
	}
	m := c.meeting("key-1")
	room := c.reserve(t, m)
	if visits, err := attender.Attendance(t.Context(), room); err != nil || len(visits) != 0 {
		t.Errorf("before the meeting: %+v, %v", visits, err)
	}
	if c.Hold == nil {
		t.Skip("no meeting can take place at the emulated service")
	}
	if enroller, ok := conference.As[conference.Enroller](c.Provider); ok {
		if _, err := enroller.Enroll(t.Context(), room, cast(2), nil); err != nil {
			t.Fatalf("Enroll: %v", err)
		}
	}
	// One comes twice, one is a guest without an address, some who are registered do not come.
	people := []conference.Person{
		{Name: "Anna", Email: "Anna@Example.org"}, {Name: "Somebody"}, {Name: "Guest 1", Email: "guest1@example.org"},
		{Name: "Anna", Email: "anna@example.org"},
	}
	began := c.Hold(t, room, people...)

	// Another meeting, with another's visit, is not this one's.
	other := c.meeting("key-2")
	c.Hold(t, c.reserve(t, other), conference.Person{Name: "Other", Email: "other@example.org"})

	visits, err := attender.Attendance(t.Context(), room)
	if err != nil || len(visits) != len(people) {
		t.Fatalf("Attendance: %+v, %v, want %d visits", visits, err, len(people))
	}
	addresses := []string{"anna@example.org", "", "guest1@example.org", "anna@example.org"}
	for i, v := range visits {
		joined := began.Add(time.Duration(i) * 10 * time.Minute)
		if v.Email != addresses[i] || v.Name != people[i].Name || v.Present != 10*time.Minute ||
			!v.Joined.IsZero() && !v.Joined.Equal(joined) || !v.Left.IsZero() && !v.Left.Equal(joined.Add(10*time.Minute)) {
			t.Errorf("visit %d: got %+v, want %q for ten minutes from %v", i, v, addresses[i], joined)
		}
	}
}
