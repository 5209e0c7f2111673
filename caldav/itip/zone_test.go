package itip

import (
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
)

// TestZonesAreAdded writes the zone of an event that only names it, and reads the event again by
// what was written alone.
func TestZonesAreAdded(t *testing.T) {
	for _, name := range []string{
		"Europe/Berlin", "Europe/Moscow", "America/New_York", "America/Sao_Paulo", "Australia/Sydney", "Asia/Jerusalem",
		"Africa/Casablanca", "Asia/Kathmandu", "UTC", "Pacific/Chatham",
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.ReplaceAll(series(t), "Europe/Berlin", name)
			view := View(event(t, body), "boris@example.org")
			if got := strings.Count(string(view), "BEGIN:VTIMEZONE"); got != 1 {
				t.Fatalf("%d zones, want 1:\n%s", got, view)
			}
			if again := View(event2(t, view), "boris@example.org"); string(again) != string(view) {
				t.Error("the view of the view differs")
			}
			// Under a name that is nobody's the zone's own rules count.
			own := strings.ReplaceAll(string(view), name, "Own Zone")
			loc, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, day := range []string{"20261205", "20270315", "20270328", "20270704", "20271101", "20290401"} {
				ev := event2(t, []byte(strings.NewReplacer("20261205T100000", day+"T100000", "20261205T110000", day+"T110000").Replace(own)))
				want, err := time.ParseInLocation("20060102T150405", day+"T100000", loc)
				if err != nil {
					t.Fatal(err)
				}
				if got := ev.Master.Start.Time; !got.Equal(want) {
					t.Errorf("%s: got %v, want %v\n%s", day, got.UTC(), want.UTC(), view)
				}
			}
		})
	}
}

func event2(t *testing.T, data []byte) *ical.Event {
	t.Helper()
	ev, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}
