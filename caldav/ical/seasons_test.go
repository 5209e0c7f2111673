package ical

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// randomSeries makes an event that recurs, of any kind: in a zone, floating, in UTC or of dates, with
// dates that are added and left out, and occurrences that are moved.
func randomSeries(r *rand.Rand) string {
	begin := civilDate(2010+r.IntN(20), 1+r.IntN(12), 1+r.IntN(31)) + civil(r.IntN(48))*30*minute
	at := func(name string, c civil) string {
		return name + ";TZID=Europe/Berlin:" + c.utc().Format("20060102T150405")
	}
	lengths := []string{"PT0S", "PT30M", "PT30M", "PT30M", "P1D", "P3DT2H", "P20D"}
	switch r.IntN(6) {
	case 0:
		zone := []string{"America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe"}[r.IntN(4)]
		at = func(name string, c civil) string {
			return name + ";TZID=" + zone + ":" + c.utc().Format("20060102T150405")
		}
	case 1:
		at = func(name string, c civil) string { return name + ":" + c.utc().Format("20060102T150405") }
	case 2:
		at = func(name string, c civil) string { return name + ":" + c.utc().Format("20060102T150405Z") }
	case 3:
		at = func(name string, c civil) string { return name + ";VALUE=DATE:" + c.utc().Format("20060102") }
		lengths = []string{"P1D", "P1D", "P2D", "P2W"}
	}
	length := "DURATION:" + lengths[r.IntN(len(lengths))]
	lines := []string{at("DTSTART", begin), length}
	if r.IntN(8) > 0 {
		rule := randomRule(r)
		if r.IntN(2) == 0 { // as most are
			rule = []string{"FREQ=YEARLY", "FREQ=MONTHLY", "FREQ=MONTHLY;INTERVAL=3", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;BYMONTH=5;BYDAY=2SU",
				"FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=-1", "FREQ=YEARLY;BYDAY=20MO", "FREQ=YEARLY;BYYEARDAY=-60,60"}[r.IntN(8)]
		}
		lines = append(lines, "RRULE:"+rule)
	}
	if len(lines) == 2 || r.IntN(4) == 0 {
		lines = append(lines, at("RDATE", begin+civil(r.IntN(2000)-500)*day))
	}
	if r.IntN(4) == 0 {
		lines = append(lines, at("EXDATE", begin))
	}
	for i := range r.IntN(3) {
		id := "RECURRENCE-ID"
		if r.IntN(8) == 0 {
			id += ";RANGE=THISANDFUTURE"
		}
		moved := begin + civil(i+1)*7*day
		lines = append(lines, "END:VEVENT", "BEGIN:VEVENT", at(id, moved), at("DTSTART", moved+civil(r.IntN(1000)-300)*hour), length)
	}
	return "BEGIN:VEVENT\n" + strings.Join(lines, "\n") + "\nEND:VEVENT"
}

// TestSeasonsHoldAllInstances looks at random windows of random series, in zones at both ends of the
// day: their instances lie in the series' seasons as a whole.
func TestSeasonsHoldAllInstances(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var zones []*time.Location
	for _, name := range []string{"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	instances, apart := 0, 0
	for range 1500 {
		text := randomSeries(r)
		e := eventOf(t, text)
		start, _, seasons := e.reach()
		if seasons == 0 {
			continue
		}
		for i := range 12 {
			from := start.AddDate(r.IntN(30), r.IntN(12), r.IntN(31))
			to := from.Add([]time.Duration{time.Second, 24 * time.Hour, 7 * 24 * time.Hour, 400 * 24 * time.Hour}[r.IntN(4)])
			b := budget(3000)
			x, err := newExpansion(e, zones[i%len(zones)], &b)
			if err != nil {
				t.Fatal(err)
			}
			if s := SeasonsOf(from, to); s != 0 && s&seasons == 0 {
				apart++
			}
			n := 0
			_ = x.run(from, to, false, func(i Instance) bool { // an error: too much work
				if s := seasonsOfDays(civilOf(i.Start.UTC()).day(), civilOf(i.End.UTC()).day()); s&^seasons != 0 {
					t.Errorf("%s\nfrom %s to %s: the instance from %s to %s is not in the seasons %x", text, from, to, i.Start, i.End, seasons)
				}
				n++
				return n < 20 && !t.Failed()
			})
			instances += n
		}
	}
	if instances < 10_000 || apart < 3000 {
		t.Errorf("%d instances, %d windows without a season in common: too few", instances, apart)
	}
}

func TestSeasons(t *testing.T) {
	for _, tt := range []struct {
		lines string
		least int
		most  int // 60: all
	}{
		{"DTSTART;VALUE=DATE:20260315\nRRULE:FREQ=YEARLY", 1, 2},
		{"DTSTART;VALUE=DATE:20260228\nDURATION:P3D\nRRULE:FREQ=YEARLY", 2, 2},
		{"DTSTART;TZID=Europe/Berlin:20260510T100000\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=2SU", 2, 3},
		{"DTSTART:20260101T100000Z\nRRULE:FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", 8, 8},
		{"DTSTART:20260115T100000Z\nRRULE:FREQ=MONTHLY", 12, 24},
		{"DTSTART:20260115T100000Z\nRRULE:FREQ=MONTHLY;BYDAY=-1FR", 12, 40},
		{"DTSTART:20260115T100000Z\nRRULE:FREQ=WEEKLY;BYMONTH=7,8", 10, 13},
		{"DTSTART:20260115T100000Z\nRDATE:20270115T100000Z,20280301T100000Z", 2, 5},
		{"DTSTART:20260115T100000Z\nRRULE:FREQ=WEEKLY", 60, 60},
		{"DTSTART:20260115T100000Z\nRRULE:FREQ=YEARLY;BYWEEKNO=3", 60, 60},
		{"DTSTART:20260115T100000Z\nDURATION:P40D\nRRULE:FREQ=YEARLY", 60, 60},
		{"DTSTART:20260115T100000Z", 60, 60},
	} {
		_, _, seasons := eventOf(t, tt.lines).reach()
		got := bits.OnesCount64(uint64(seasons))
		if seasons == 0 {
			got = 60
		}
		if got < tt.least || got > tt.most {
			t.Errorf("%q: got %d seasons, want %d to %d", tt.lines, got, tt.least, tt.most)
		}
	}
}

func TestSeasonsOf(t *testing.T) {
	at := func(s string) time.Time {
		c, _, _, err := parseCivil(s)
		if err != nil {
			t.Fatal(err)
		}
		return c.utc()
	}
	for _, tt := range []struct{ from, to, want string }{
		{"20260101", "20260101T235959", "1"},
		{"20260106", "20260107", "3"},
		{"20260225", "20260302", "600"},
		{"20241231", "20250101", "800000000000001"},
		{"20250120", "20260119", "0"},
		{"20250101", "20990101", "0"},
	} {
		if got := fmt.Sprintf("%x", uint64(SeasonsOf(at(tt.from), at(tt.to)))); got != tt.want {
			t.Errorf("%s to %s: got %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
	if got := SeasonsOf(time.Time{}, at("20260101")); got != 0 {
		t.Errorf("an open range: got %x, want all", got)
	}
}
