package mtslink

import (
	"testing"
	"time"

	"joinery/conference"
)

func TestPickZone(t *testing.T) {
	load := func(name string) *time.Location {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return loc
	}
	list := []zone{
		{"7", load("Asia/Tokyo")}, {"1", load("Europe/Moscow")}, {"22", load("Europe/Berlin")}, {"21", load("Europe/London")},
		{"60", load("Africa/Lagos")}, {"46", load("America/New_York")},
	}
	winter := time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)
	summer := time.Date(2027, 7, 15, 9, 0, 0, 0, time.UTC)
	// 02:30 in Berlin, before and after the clocks go back on 31 October 2027.
	first, second := time.Date(2027, 10, 31, 0, 30, 0, 0, time.UTC), time.Date(2027, 10, 31, 1, 30, 0, 0, time.UTC)
	tests := []struct {
		name string
		list []zone
		want string
		at   time.Time
		id   string
	}{
		{"by name", list, "Europe/Berlin", winter, "22"},
		{"by name, whatever the case", list, "europe/berlin", winter, "22"},
		{"same wall clock in winter", list, "Europe/Paris", winter, "22"},
		{"same wall clock in summer", list, "Europe/Kyiv", summer, "1"},
		{"UTC in winter is London's", list, "UTC", winter, "21"},
		{"UTC in summer is nobody's", list, "UTC", summer, "1"},
		{"unknown here", list, "Custom/Office", winter, "1"},
		{"the machine's zone is nobody's business", list, "Local", winter, "1"},
		{"none said is UTC", list, "", winter, "21"},
		{"half an hour off", list, "Asia/Kolkata", winter, "1"},
		{"the hour happens twice, first", list, "Europe/Berlin", first, "1"},
		{"the hour happens twice, second", list, "Europe/Berlin", second, "60"},
		{"an hour later all is well", list, "Europe/Berlin", second.Add(time.Hour), "22"},
		{"no list", nil, "Europe/Berlin", winter, "1"},
		{"Moscow by its number", []zone{{"5", load("Europe/Moscow")}}, "Asia/Tokyo", winter, "5"},
	}
	for _, tt := range tests {
		got := pickZone(tt.list, tt.want, tt.at)
		if got.id != tt.id {
			t.Errorf("%s: got zone %s (%v), want %s", tt.name, got.id, got.loc, tt.id)
		}
		// Whoever reads the wall clock in that zone gets the instant.
		wall := tt.at.In(got.loc)
		read := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, got.loc)
		if !read.Equal(tt.at) {
			t.Errorf("%s: %v is read as %v", tt.name, tt.at, read)
		}
	}
}

// TestZonesFail tells a service that is out of order from a key that may not see the list.
func TestZonesFail(t *testing.T) {
	s := scripted(t)
	s.on("GET /timezones", answer{500, "", nil})
	if _, err := s.p.zone(t.Context(), "Europe/Berlin", scriptNow); conference.KindOf(err) != conference.Temporary {
		t.Errorf("out of order: got %v, want temporary", err)
	}
	s.on("GET /timezones", answer{403, "", nil})
	if z, err := s.p.zone(t.Context(), "Europe/Berlin", scriptNow); err != nil || z.id != "1" {
		t.Errorf("not permitted: got zone %s, %v, want 1", z.id, err)
	}
	s.on("GET /timezones", answer{200, `[{"id": 22, "name": "Europe/Berlin"}]`, nil})
	now := scriptNow
	s.p.now = func() time.Time { return now }
	for range 2 {
		if z, err := s.p.zone(t.Context(), "Europe/Berlin", scriptNow); err != nil || z.id != "22" {
			t.Errorf("got zone %s, %v, want 22", z.id, err)
		}
		// What is known is better than nothing once it is old.
		now = now.Add(zonesLive + time.Second)
		s.on("GET /timezones", answer{500, "", nil})
	}
}

func TestISODuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour: "PT1H0M0S", 90 * time.Minute: "PT1H30M0S", 50*time.Hour + 5*time.Second: "PT50H0M5S", 15 * time.Minute: "PT0H15M0S",
	} {
		if got := isoDuration(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
