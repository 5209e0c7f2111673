package ical

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// What other libraries refuse or misread, and what nobody can evaluate.
func TestParseRule(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"FREQ=WEEKLY;BYDAY=MO;", "{Freq:5 Interval:1 Count:0 Until:<nil> WeekStart:Monday BySecond:[] ByMinute:[] ByHour:[] ByDay:[{N:0 Day:Monday}] ByMonthDay:[] ByYearDay:[] ByWeekNo:[] ByMonth:[] BySetPos:[]}"},
		{"freq=weekly;byday=mo", "{Freq:5 Interval:1 Count:0 Until:<nil> WeekStart:Monday BySecond:[] ByMinute:[] ByHour:[] ByDay:[{N:0 Day:Monday}] ByMonthDay:[] ByYearDay:[] ByWeekNo:[] ByMonth:[] BySetPos:[]}"},
		{" BYDAY = MO ,TU ; FREQ=WEEKLY;X-WHAT=1;;NEW=2;RSCALE=gregorian;SKIP=OMIT", "{Freq:5 Interval:1 Count:0 Until:<nil> WeekStart:Monday BySecond:[] ByMinute:[] ByHour:[] ByDay:[{N:0 Day:Monday} {N:0 Day:Tuesday}] ByMonthDay:[] ByYearDay:[] ByWeekNo:[] ByMonth:[] BySetPos:[]}"},
		{"FREQ=DAILY;INTERVAL=0", "{Freq:4 Interval:1 Count:0 Until:<nil> WeekStart:Monday BySecond:[] ByMinute:[] ByHour:[] ByDay:[] ByMonthDay:[] ByYearDay:[] ByWeekNo:[] ByMonth:[] BySetPos:[]}"},
		{"FREQ=MONTHLY;BYDAY=-1FR,+2MO;BYHOUR=9,8,9;WKST=SU;BYMONTHDAY=-1,1;COUNT=3", "{Freq:6 Interval:1 Count:3 Until:<nil> WeekStart:Sunday BySecond:[] ByMinute:[] ByHour:[8 9] ByDay:[{N:-1 Day:Friday} {N:2 Day:Monday}] ByMonthDay:[-1 1] ByYearDay:[] ByWeekNo:[] ByMonth:[] BySetPos:[]}"},
		{"FREQ=DAILY;BYHOUR=9,9,9;BYHOUR=10", "{Freq:4 Interval:1 Count:0 Until:<nil> WeekStart:Monday BySecond:[] ByMinute:[] ByHour:[10] ByDay:[] ByMonthDay:[] ByYearDay:[] ByWeekNo:[] ByMonth:[] BySetPos:[]}"},
		{"", "no FREQ"},
		{"COUNT=3", "no FREQ"},
		{"FREQ=FORTNIGHTLY", "unknown frequency"},
		{"FREQ", "has no value"},
		{"FREQ=DAILY;COUNT=0", "not a number"},
		{"FREQ=DAILY;COUNT=-1", "not a number"},
		{"FREQ=DAILY;INTERVAL=99999999999999999999", "not a number"},
		{"FREQ=DAILY;UNTIL=soon", "not a date"},
		{"FREQ=DAILY;BYMONTH=13", "not a number"},
		{"FREQ=DAILY;BYMONTH=-1", "not a number"},
		{"FREQ=DAILY;BYMONTHDAY=0", "not a number"},
		{"FREQ=DAILY;BYMONTHDAY=32", "not a number"},
		{"FREQ=DAILY;BYYEARDAY=-367", "not a number"},
		{"FREQ=DAILY;BYWEEKNO=54", "not a number"},
		{"FREQ=DAILY;BYHOUR=24", "not a number"},
		{"FREQ=DAILY;BYDAY=XX", "unknown weekday"},
		{"FREQ=DAILY;BYDAY=M", "unknown weekday"},
		{"FREQ=DAILY;BYDAY=", "empty list"},
		{"FREQ=DAILY;BYDAY=0MO", "not a number"},
		{"FREQ=DAILY;BYSETPOS=0", "not a number"},
		{"FREQ=DAILY;WKST=X", "unknown weekday"},
		{"FREQ=YEARLY;RSCALE=CHINESE", "not supported"},
		{"FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD", "not supported"},
	} {
		r, err := ParseRule(tt.value)
		got := ""
		if err != nil {
			if got = err.Error(); strings.Contains(got, tt.want) {
				continue
			}
		} else {
			got = fmt.Sprintf("%+v", *r)
		}
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.value, got, tt.want)
		}
	}
}

// What caldav.md and others' trackers say that rule libraries get wrong, each by the RFC.
func TestRuleTraps(t *testing.T) {
	for _, tt := range []struct{ rule, start, want string }{
		{"FREQ=YEARLY;BYWEEKNO=20;COUNT=2", "19970512", "19970512 19980511"},                // the start's weekday, not all seven
		{"FREQ=YEARLY;BYWEEKNO=-1;INTERVAL=2;COUNT=2", "20241226", "20241226 20261231"},     // also from the end
		{"FREQ=YEARLY;BYMONTHDAY=1,15;COUNT=3", "20260301", "20260301 20260315 20270301"},   // the start's month, not each
		{"FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1;COUNT=2", "20260107", "20260109 20260116"}, // positions in the whole first week
		{"FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1,2;COUNT=3", "20260107", "20260107 20260112 20260114"},
		{"FREQ=DAILY;BYHOUR=9,9;BYMINUTE=0,0;COUNT=2", "20260107T090000", "20260107T090000 20260108T090000"},
		{"FREQ=MONTHLY;COUNT=3", "20260131", "20260131 20260331 20260531"}, // no February 31
		{"FREQ=YEARLY;COUNT=2", "20240229", "20240229 20280229"},           // nor February 29 each year
		{"FREQ=YEARLY;COUNT=2", "20960229", "20960229 21040229"},           // 2100 is no leap year
		{"FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU;COUNT=4", "19970805", "19970805 19970817 19970819 19970831"},
		{"FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "20260130", "20260130 20260227 20260327"},
		{"FREQ=MONTHLY;BYDAY=1FR;BYMONTHDAY=13;COUNT=1", "20260101", ""},                         // never the first
		{"FREQ=DAILY;BYSECOND=60;COUNT=2", "20260107T090059", "20260107T090059 20260108T090059"}, // a leap second is the one before
		{"FREQ=DAILY;BYDAY=1MO;COUNT=2", "20260105", "20260105 20260112"},                        // numbers count in months and years only
		{"FREQ=YEARLY;BYDAY=1MO,-1MO;COUNT=3", "20260105", "20260105 20261228 20270104"},
		{"FREQ=YEARLY;BYMONTH=3;BYDAY=1MO;COUNT=2", "20260302", "20260302 20270301"},
	} {
		v := vector{rule: tt.rule, start: tt.start}
		if got := strings.ReplaceAll(instancesFrom(t, v, ""), ",", " "); got != tt.want {
			t.Errorf("%s from %s:\n got %s\nwant %s", tt.rule, tt.start, got, tt.want)
		}
	}
}

// randomRule makes a rule of any kind.
func randomRule(r *rand.Rand) string {
	freq := []string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}[r.IntN(7)]
	parts := []string{"FREQ=" + freq}
	some := func(name string, low, high int, signed bool) {
		if r.IntN(5) > 0 {
			return
		}
		var list []string
		for range 1 + r.IntN(4) {
			n := low + r.IntN(high-low+1)
			if signed && r.IntN(2) == 0 {
				n = -n
			}
			list = append(list, fmt.Sprint(n))
		}
		parts = append(parts, name+"="+strings.Join(list, ","))
	}
	if r.IntN(2) == 0 {
		parts = append(parts, fmt.Sprintf("INTERVAL=%d", 1+r.IntN(40)))
	}
	some("BYMONTH", 1, 12, false)
	some("BYWEEKNO", 1, 53, true)
	some("BYYEARDAY", 1, 366, true)
	some("BYMONTHDAY", 1, 31, true)
	some("BYHOUR", 0, 23, false)
	some("BYMINUTE", 0, 59, false)
	some("BYSECOND", 0, 59, false)
	if r.IntN(3) == 0 {
		var list []string
		for range 1 + r.IntN(3) {
			day := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}[r.IntN(7)]
			if r.IntN(3) == 0 && freq >= "MONTHLY" {
				day = fmt.Sprint(1+r.IntN(5)) + day
			}
			list = append(list, day)
		}
		parts = append(parts, "BYDAY="+strings.Join(list, ","))
	}
	if len(parts) > 2 {
		some("BYSETPOS", 1, 4, true)
	}
	if r.IntN(3) == 0 {
		parts = append(parts, "WKST="+[]string{"MO", "SU", "WE"}[r.IntN(3)])
	}
	return strings.Join(parts, ";")
}

// Wherever one jumps in, what follows is what walking from the start gives, with COUNT too.
func TestJumpIsWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	compared := 0
	for range 1500 {
		value := randomRule(r)
		rule, err := ParseRule(value)
		if err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		start := civilDate(2020+r.IntN(10), 1+r.IntN(12), 1+r.IntN(28)) + civil(r.IntN(int(day)))
		s := rule.series(start, r.IntN(6) == 0)
		b := budget(20000)
		it := s.iterate(lastCivil, &b)
		var walked []civil
		for len(walked) < 60 {
			c, ok := it.next()
			if !ok {
				break
			}
			if n := len(walked); n > 0 && c <= walked[n-1] {
				t.Fatalf("%s from %s: %s after %s", value, start.utc(), c.utc(), walked[n-1].utc())
			}
			walked = append(walked, c)
		}
		if len(walked) < 2 {
			continue
		}
		for range 5 {
			i := r.IntN(len(walked))
			for _, at := range []civil{walked[i], walked[max(i, 1)-1] + 1} {
				i, _ := slices.BinarySearch(walked, at)
				if i == len(walked) {
					continue
				}
				b := budget(40000)
				it := s.iterate(lastCivil, &b)
				it.seek(at)
				if c, ok := it.next(); !ok || c != walked[i] {
					t.Fatalf("%s from %s, jumping to %s: got %s, want %s", value, start.utc(), at.utc(), c.utc(), walked[i].utc())
				}
				it = s.iterate(lastCivil, &b)
				if n := it.skip(at); n != i {
					t.Fatalf("%s from %s, counting to %s: got %d, want %d", value, start.utc(), at.utc(), n, i)
				}
				if c, ok := it.next(); !ok || c != walked[i] {
					t.Fatalf("%s from %s, counted to %s: got %s, want %s", value, start.utc(), at.utc(), c.utc(), walked[i].utc())
				}
				compared++
			}
		}
	}
	if compared < 2000 {
		t.Errorf("only %d jumps were compared", compared)
	}
}

// The same for events in zones, over years with daylight saving.
func TestWindowIsPart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe"}
	for range 300 {
		zone := zones[r.IntN(len(zones))]
		value := randomRule(r)
		if r.IntN(3) == 0 {
			value += fmt.Sprintf(";COUNT=%d", 1+r.IntN(200))
		}
		start := civilDate(2026, []int{3, 4, 10, 11}[r.IntN(4)], 1+r.IntN(28)) + civil(r.IntN(48))*30*minute
		e := eventOf(t, fmt.Sprintf("DTSTART;TZID=%s:%s\nDURATION:%s\nRRULE:%s", zone, start.utc().Format("20060102T150405"),
			[]string{"PT30M", "P1D", "P2DT3H"}[r.IntN(3)], value))
		var all []Instance
		b := budget(30000)
		x, err := newExpansion(e, time.UTC, &b)
		if err != nil {
			t.Fatal(err)
		}
		// An error is the budget's: what came before it is compared.
		_ = x.run(time.Time{}, time.Time{}, false, func(i Instance) bool {
			if n := len(all); n > 0 && !i.Start.After(all[n-1].Start) {
				t.Fatalf("%s in %s from %s: %s after %s", value, zone, start.utc(), i.Start, all[n-1].Start)
			}
			all = append(all, i)
			return len(all) < 80
		})
		if len(all) == 0 {
			continue // the budget went before the first
		}
		for range 4 {
			from := all[r.IntN(len(all))].Start.Add(time.Duration(r.IntN(7200)-3600) * time.Second)
			want := slices.IndexFunc(all, func(i Instance) bool { return overlaps(i, from) })
			if want < 0 {
				continue
			}
			err := e.Expand(from, time.Time{}, time.UTC, func(i Instance) bool {
				if !i.Start.Equal(all[want].Start) || !i.End.Equal(all[want].End) || !i.RecurrenceID.Equal(all[want].RecurrenceID) {
					t.Fatalf("%s in %s from %s, window from %s: got %s, want %s", value, zone, start.utc(), from, i.Start, all[want].Start)
				}
				return false
			})
			if err != nil {
				t.Fatalf("%s in %s from %s, window from %s: %v", value, zone, start.utc(), from, err)
			}
		}
	}
}

// benchmarkNext asks for the next occurrence after a day in 2026.
func benchmarkNext(b *testing.B, lines string) {
	e := eventOf(b, lines)
	after := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if _, _, err := e.Next(after, time.UTC); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = e.Next(after, time.UTC)
	}
}

func BenchmarkNextOld(b *testing.B) {
	benchmarkNext(b, "DTSTART;TZID=Europe/Berlin:19900101T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY")
}

func BenchmarkNextOldCounted(b *testing.B) {
	benchmarkNext(b, "DTSTART;TZID=Europe/Berlin:19900101T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=20000")
}

func BenchmarkNextOldMonthly(b *testing.B) {
	benchmarkNext(b, "DTSTART;TZID=Europe/Berlin:19900126T090000\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYDAY=-1FR")
}

func BenchmarkNextDense(b *testing.B) {
	benchmarkNext(b, "DTSTART;TZID=Europe/Berlin:19900101T090000\nRRULE:FREQ=SECONDLY")
}

func BenchmarkNextDenseCounted(b *testing.B) {
	benchmarkNext(b, "DTSTART;TZID=Europe/Berlin:19900101T090000\nRRULE:FREQ=SECONDLY;COUNT=2000000000")
}

func BenchmarkNextEmpty(b *testing.B) {
	benchmarkNext(b, "DTSTART;TZID=Europe/Berlin:19900101T090000\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
}

func BenchmarkNextEmptyDense(b *testing.B) {
	benchmarkNext(b, "DTSTART;TZID=Europe/Berlin:19900101T090000\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30")
}

func BenchmarkNextSparse(b *testing.B) {
	benchmarkNext(b, "DTSTART;TZID=Europe/Berlin:19880229T090000\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO")
}
