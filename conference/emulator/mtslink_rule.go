package emulator

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mtsRule is a recurrence rule of days, as far as a series needs it: which dates it has.
type mtsRule struct {
	freq       string
	interval   int
	count      int // 0: unlimited
	until      time.Time
	weekdays   []time.Weekday
	monthDays  []int
	months     []int
	weekdayNth int // of MONTHLY;BYDAY=2TU: 2; 0 for none
}

var mtsWeekdays = map[string]time.Weekday{"SU": 0, "MO": 1, "TU": 2, "WE": 3, "TH": 4, "FR": 5, "SA": 6}

// parseRule reads an RRULE value without its prefix. Parts that it does not know are errors.
func parseRule(s string) (mtsRule, error) {
	r := mtsRule{interval: 1}
	for _, part := range strings.Split(s, ";") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "FREQ":
			r.freq = value
		case "INTERVAL":
			r.interval, err = strconv.Atoi(value)
		case "COUNT":
			r.count, err = strconv.Atoi(value)
		case "UNTIL":
			if r.until, err = time.Parse("20060102T150405Z", value); err != nil {
				r.until, err = time.Parse("20060102", value)
				r.until = r.until.Add(24*time.Hour - time.Second)
			}
		case "BYDAY":
			for _, day := range strings.Split(value, ",") {
				if len(day) < 2 {
					return r, errors.New("BYDAY is malformed")
				}
				weekday, ok := mtsWeekdays[day[len(day)-2:]]
				if !ok {
					return r, errors.New("BYDAY is malformed")
				}
				if nth := day[:len(day)-2]; nth != "" {
					r.weekdayNth, err = strconv.Atoi(nth)
				}
				r.weekdays = append(r.weekdays, weekday)
			}
		case "BYMONTHDAY":
			r.monthDays, err = numbers(value)
		case "BYMONTH":
			r.months, err = numbers(value)
		case "WKST":
		default:
			return r, errors.New("unknown part " + name)
		}
		if err != nil {
			return r, err
		}
	}
	if !slices.Contains([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, r.freq) || r.interval < 1 || r.count < 0 {
		return r, errors.New("FREQ, INTERVAL or COUNT is malformed")
	}
	return r, nil
}

func numbers(s string) ([]int, error) {
	var list []int
	for _, part := range strings.Split(s, ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

// matches tells whether a series that begins at start has the date of at, within 20 years. The
// time of day is free: the vendor's refusal speaks of the date alone.
func (r mtsRule) matches(start, at time.Time) bool {
	if !r.until.IsZero() && at.After(r.until) {
		return false
	}
	first, wanted := dayOf(start), dayOf(at)
	seen := 0
	for i := 0; i < 20*366; i++ {
		day := first.AddDate(0, 0, i)
		if day.After(wanted) {
			return false
		}
		if !r.has(first, day) {
			continue
		}
		if seen++; r.count > 0 && seen > r.count {
			return false
		}
		if day.Equal(wanted) {
			return true
		}
	}
	return false
}

func dayOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// has tells whether day is one of the rule's, COUNT and UNTIL aside.
func (r mtsRule) has(first, day time.Time) bool {
	months := 12*(day.Year()-first.Year()) + int(day.Month()) - int(first.Month())
	switch r.freq {
	case "DAILY":
		if int(day.Sub(first).Hours()/24)%r.interval != 0 {
			return false
		}
	case "WEEKLY":
		monday := first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
		if int(day.Sub(monday).Hours()/24/7)%r.interval != 0 {
			return false
		}
		if len(r.weekdays) == 0 && day.Weekday() != first.Weekday() {
			return false
		}
	case "MONTHLY":
		if months%r.interval != 0 {
			return false
		}
		if len(r.weekdays)+len(r.monthDays) == 0 && day.Day() != first.Day() {
			return false
		}
	case "YEARLY":
		if (day.Year()-first.Year())%r.interval != 0 || len(r.months) == 0 && day.Month() != first.Month() {
			return false
		}
		if len(r.weekdays)+len(r.monthDays) == 0 && day.Day() != first.Day() {
			return false
		}
	}
	last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if len(r.months) > 0 && !slices.Contains(r.months, int(day.Month())) {
		return false
	}
	if len(r.monthDays) > 0 && !slices.Contains(r.monthDays, day.Day()) && !slices.Contains(r.monthDays, day.Day()-last-1) {
		return false
	}
	if len(r.weekdays) > 0 && !slices.Contains(r.weekdays, day.Weekday()) {
		return false
	}
	nth := (day.Day() + 6) / 7
	fromEnd := -((last-day.Day())/7 + 1)
	return r.weekdayNth == 0 || r.weekdayNth == nth || r.weekdayNth == fromEnd
}
