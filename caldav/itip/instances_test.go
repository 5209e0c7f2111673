package itip

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// daily is single every day, with summary and n days taken out.
func daily(t *testing.T, summary string, n int) string {
	t.Helper()
	s := edit(t, single, "SUMMARY:Planning\n", "SUMMARY:"+summary+"\nRRULE:FREQ=DAILY\n")
	day := time.Date(2026, 12, 6, 0, 0, 0, 0, time.UTC)
	for i := range n {
		s = add(t, s, "EXDATE;TZID=Europe/Berlin:"+day.AddDate(0, 0, i).Format("20060102")+"T100000\n")
	}
	return s
}

func TestManyInstancesInOneMessage(t *testing.T) {
	long := strings.Repeat(`Ж\,`, 25_000) // 100 KB
	// A mailbox may be written at any length (RFC 6068).
	anna := "mailto:anna@example.org?subject=" + strings.Repeat("x", 20_000)
	wide := func(s string) string {
		s = strings.Replace(s, "CN=Boris", "CN="+strings.Repeat("Boris", 4_000), 1)
		return strings.Replace(s, "ORGANIZER;CN=Anna:mailto:anna@example.org", "ORGANIZER;CN=Anna:"+anna, 1)
	}
	view := func(body string) []byte { return View(event(t, body), "boris@example.org") }
	for _, tt := range []struct {
		off    int
		method string
		most   int
	}{
		{maxInstances, MethodCancel, 100_000},
		{maxInstances + 1, MethodRequest, 200_000},
	} {
		m, err := Diff(view(wide(daily(t, long, 0))), view(wide(daily(t, long, tt.off))))
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Calendar("boris@example.org", 3, dtstamp)
		if err != nil {
			t.Fatal(err)
		}
		if m.Method != tt.method || len(m.Changes) != tt.off || !m.Rescheduled {
			t.Errorf("%d off: a %s with %d changes, rescheduled %v", tt.off, m.Method, len(m.Changes), m.Rescheduled)
		}
		if len(out) > tt.most {
			t.Errorf("%d off: a %s of %d bytes", tt.off, m.Method, len(out))
		}
		if _, err := parse(out); err != nil {
			t.Errorf("%d off: %v", tt.off, err)
		}
	}
	if ev := event(t, strings.ReplaceAll(single, "UID:u1", "UID:"+strings.Repeat("u", 100_000))); atOnce(ev) != 5 {
		t.Errorf("%d instances with a long UID", atOnce(ev))
	}
}

func TestManyAnswers(t *testing.T) {
	const off = 2*maxInstances + 30
	long := strings.Repeat(`Ж\,`, 25_000)
	accepted := func(s string) string {
		return strings.Replace(s, "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN="+strings.Repeat("Boris", 4_000)+";PARTSTAT=ACCEPTED", 1)
	}
	told := ReplyView(event(t, accepted(daily(t, long, 0))), me, nil, 0)
	ev := event(t, accepted(daily(t, long, off)))
	seen := map[time.Time]bool{}
	for _, want := range []int{maxInstances, maxInstances, 30, 0} {
		now := ReplyView(ev, me, told, 2)
		var answers []Answer
		answers, told = FirstAnswers(ev, DiffReply(told, now), told, now)
		if len(answers) != want {
			t.Fatalf("%d answers, want %d", len(answers), want)
		}
		for _, a := range answers {
			if a.PartStat != "DECLINED" || seen[a.Occurrence] {
				t.Errorf("answers %v", a)
			}
			seen[a.Occurrence] = true
		}
		if want == 0 {
			break
		}
		out, err := Reply(ev, me, answers, dtstamp)
		if err != nil || len(out) > 100_000 {
			t.Errorf("a reply of %d bytes (%v)", len(out), err)
		}
	}
	if len(seen) != off {
		t.Errorf("%d instances are answered, want %d", len(seen), off)
	}
}

func TestShortSummary(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"Planning", "Planning"},
		{strings.Repeat("a", 300), strings.Repeat("a", 200) + "…"},
		{"a" + strings.Repeat("Ж", 150), "a" + strings.Repeat("Ж", 99) + "…"},
		{strings.Repeat("a", 199) + `\, and more`, strings.Repeat("a", 199) + "…"},
		{strings.Repeat("a", 198) + `\\, and more`, strings.Repeat("a", 198) + `\\…`},
	} {
		l := event(t, edit(t, single, "SUMMARY:Planning", "SUMMARY:"+tt.value)).Master.Component.First("SUMMARY")
		if got := shortSummary(l); got != "SUMMARY:"+tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestSeriesIsReadOnce has many instances of their own beside a series that says a lot.
func TestSeriesIsReadOnce(t *testing.T) {
	const instances = 300
	body := func(instances int) []byte {
		b := edit(t, single, "SUMMARY:Planning\n", "SUMMARY:Planning\nRRULE:FREQ=DAILY\n", "DESCRIPTION:Agenda", "DESCRIPTION:"+strings.Repeat("words ", 20_000))
		day := time.Date(2026, 12, 6, 0, 0, 0, 0, time.UTC)
		for i := range instances {
			b += strings.ReplaceAll(instance12, "20261212", day.AddDate(0, 0, i).Format("20060102"))
		}
		return View(event(t, b), "boris@example.org")
	}
	old, now := NewKnown(body(0)), NewKnown(body(instances))
	for _, k := range []*Known{old, now} {
		if _, err := k.Event(); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := Compare(old, now)
	runtime.ReadMemStats(&after)
	if err != nil || len(m.Changes) != instances {
		t.Fatalf("%d changes, want %d (%v)", len(m.Changes), instances, err)
	}
	if got, most := after.TotalAlloc-before.TotalAlloc, 20*uint64(len(now.Data)); got > most {
		t.Errorf("comparing allocates %d KB, want %d at most", got>>10, most>>10)
	}
}
