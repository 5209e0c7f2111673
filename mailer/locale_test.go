package mailer

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// TestCatalogues holds every language to every word, and to its own.
func TestCatalogues(t *testing.T) {
	same := map[string]bool{"Via": true, "Year": true} // may be alike or empty
	en := reflect.ValueOf(*english)
	for _, c := range []*catalogue{english, russian, ukrainian} {
		v := reflect.ValueOf(*c)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if same[name] || name == "plural" {
				continue
			}
			leaves(v.Field(i), func(at, text string) {
				if text == "" {
					t.Errorf("%s: %s%s is empty", c.Lang, name, at)
				}
			})
			if c == english {
				continue
			}
			english := map[string]string{}
			leaves(en.Field(i), func(at, text string) { english[at] = text })
			leaves(v.Field(i), func(at, text string) {
				if text == english[at] {
					t.Errorf("%s: %s%s is English: %s", c.Lang, name, at, text)
				}
				delete(english, at)
			})
			if len(english) > 0 {
				t.Errorf("%s: %s lacks %v", c.Lang, name, english)
			}
		}
	}
}

func leaves(v reflect.Value, f func(at, text string)) {
	switch v.Kind() {
	case reflect.String:
		f("", v.String())
	case reflect.Array:
		for i := range v.Len() {
			leaves(v.Index(i), func(at, text string) { f(fmt.Sprintf("[%d]%s", i, at), text) })
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			leaves(v.MapIndex(k), func(at, text string) { f("["+k.String()+"]"+at, text) })
		}
	}
}

func TestLanguageOf(t *testing.T) {
	for _, tt := range []struct {
		tags []string
		want string
	}{
		{[]string{"ru-RU", "en"}, "ru"}, {[]string{"", "uk"}, "uk"}, {[]string{"de", "", "ru"}, "ru"}, {[]string{"en_GB", "ru"}, "en"},
		{[]string{"ua"}, "uk"}, {nil, "en"}, {[]string{"RU"}, "ru"}, {[]string{"rum"}, "en"},
	} {
		if got := languageOf(tt.tags...).Lang; got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.tags, got, tt.want)
		}
	}
}

func TestSpan(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		c          *catalogue
		start, end string
		allDay     bool
		want       string
	}{
		{english, "2026-12-05 10:00", "2026-12-05 11:30", false, "Saturday, 5 December 2026, 10:00–11:30"},
		{russian, "2026-12-05 10:00", "2026-12-05 11:30", false, "суббота, 5 декабря 2026 г., 10:00–11:30"},
		{ukrainian, "2026-12-05 10:00", "2026-12-05 11:30", false, "субота, 5 грудня 2026 р., 10:00–11:30"},
		{russian, "2026-12-05 22:00", "2026-12-06 01:00", false, "суббота, 5 декабря 2026 г., 22:00 — воскресенье, 6 декабря 2026 г., 01:00"},
		{english, "2026-12-05 10:00", "2026-12-05 10:00", false, "Saturday, 5 December 2026, 10:00"},
		{ukrainian, "2026-05-01 00:00", "2026-05-02 00:00", true, "п’ятниця, 1 травня 2026 р., увесь день"},
		{russian, "2026-05-01 00:00", "2026-05-04 00:00", true, "пятница, 1 мая 2026 г. — воскресенье, 3 мая 2026 г., весь день"},
	} {
		if got := tt.c.span(at(tt.start), at(tt.end), tt.allDay, ""); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestRepeats(t *testing.T) {
	for _, tt := range []struct {
		c          *catalogue
		rule, want string
	}{
		{english, "FREQ=DAILY", "every day"},
		{russian, "FREQ=DAILY;INTERVAL=2;COUNT=5", "каждые 2 дня, 5 раз"},
		{russian, "FREQ=DAILY;INTERVAL=21;COUNT=21", "каждый 21 день, 21 раз"},
		{russian, "FREQ=WEEKLY;BYDAY=TU,TH", "каждую неделю по вторникам, по четвергам"},
		{ukrainian, "FREQ=WEEKLY;INTERVAL=5;COUNT=3", "кожні 5 тижнів, 3 рази"},
		{english, "FREQ=MONTHLY;UNTIL=20270301T230000Z", "every month until 2 March 2027"},
		{english, "FREQ=HOURLY", ""},
	} {
		ev := testParse(t, "BEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Berlin:20261205T100000\nRRULE:"+tt.rule+"\nEND:VEVENT\n")
		if got := tt.c.repeats(ev.Object, ev.Master, time.UTC); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.rule, got, tt.want)
		}
	}
}

func TestZone(t *testing.T) {
	for _, tt := range []struct {
		c          *catalogue
		zone, want string
	}{
		{russian, "Europe/Moscow", "Москва, UTC+3"}, {english, "Asia/Kathmandu", "Asia/Kathmandu, UTC+5:45"},
		{english, "America/Sao_Paulo", "America/Sao Paulo, UTC−3"}, {ukrainian, "UTC", "UTC"}, {ukrainian, "Europe/Kiev", "Київ, UTC+2"},
	} {
		loc, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := tt.c.zone(tt.zone, time.Date(2026, 12, 5, 10, 0, 0, 0, loc)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
