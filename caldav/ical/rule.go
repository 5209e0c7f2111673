package ical

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Freq is the FREQ of a Rule, from the shortest.
type Freq int

// The frequencies of RFC 5545 §3.3.10.
const (
	Secondly Freq = iota + 1
	Minutely
	Hourly
	Daily
	Weekly
	Monthly
	Yearly
)

var freqs = map[string]Freq{
	"SECONDLY": Secondly, "MINUTELY": Minutely, "HOURLY": Hourly, "DAILY": Daily,
	"WEEKLY": Weekly, "MONTHLY": Monthly, "YEARLY": Yearly,
}

// A Weekday is one item of BYDAY: every such day, or with N the Nth (negative: from the end) of the
// month or year.
type Weekday struct {
	N   int
	Day time.Weekday
}

// A Rule is a recurrence rule (RFC 5545 §3.3.10). Lists are sorted and hold each value once.
type Rule struct {
	Freq       Freq
	Interval   int   // at least 1
	Count      int   // 0: none
	Until      *Time // a date, floating, or UTC
	WeekStart  time.Weekday
	BySecond   []int
	ByMinute   []int
	ByHour     []int
	ByDay      []Weekday
	ByMonthDay []int
	ByYearDay  []int
	ByWeekNo   []int
	ByMonth    []int
	BySetPos   []int
}

// maxInterval keeps an interval's arithmetic within bounds; even in seconds it goes beyond a century.
const maxInterval = 1 << 32

// ParseRule reads the value of an RRULE, leniently: any case and order, empty parts, unknown parts
// (they are passed over), INTERVAL=0 (it counts as 1), COUNT beside UNTIL (both hold), and of a part
// that stands twice the last. What cannot be evaluated is an error, so that no wrong instances
// come of it: no or an unknown FREQ, values out of range, calendars and SKIPs of RFC 7529 other than
// the usual.
func ParseRule(value string) (*Rule, error) {
	r := &Rule{Interval: 1, WeekStart: time.Monday}
	for part := range strings.SplitSeq(strings.ToUpper(value), ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, v, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("recurrence rule: %q has no value", clip(part))
		}
		if err := r.set(strings.TrimSpace(name), strings.TrimSpace(v)); err != nil {
			return nil, fmt.Errorf("recurrence rule: %s: %w", clip(name), err)
		}
	}
	if r.Freq == 0 {
		return nil, fmt.Errorf("recurrence rule: no FREQ")
	}
	return r, nil
}

func (r *Rule) set(name, v string) (err error) {
	switch name {
	case "FREQ":
		if r.Freq = freqs[v]; r.Freq == 0 {
			return fmt.Errorf("unknown frequency %q", clip(v))
		}
	case "INTERVAL":
		r.Interval, err = ruleNumber(v, 0, maxInterval)
		r.Interval = max(r.Interval, 1)
	case "COUNT":
		r.Count, err = ruleNumber(v, 1, 1<<31-1)
	case "UNTIL":
		c, dateOnly, utc, err := parseCivil(v)
		if err != nil {
			return err
		}
		r.Until = &Time{Time: c.utc(), AllDay: dateOnly, UTC: utc, Floating: !utc && !dateOnly}
	case "WKST":
		day, ok := weekdays[v]
		if !ok {
			return fmt.Errorf("unknown weekday %q", clip(v))
		}
		r.WeekStart = day
	case "BYSECOND":
		r.BySecond, err = ruleNumbers(v, 0, 60, false)
	case "BYMINUTE":
		r.ByMinute, err = ruleNumbers(v, 0, 59, false)
	case "BYHOUR":
		r.ByHour, err = ruleNumbers(v, 0, 23, false)
	case "BYDAY":
		r.ByDay, err = ruleWeekdays(v)
	case "BYMONTHDAY":
		r.ByMonthDay, err = ruleNumbers(v, 1, 31, true)
	case "BYYEARDAY":
		r.ByYearDay, err = ruleNumbers(v, 1, 366, true)
	case "BYWEEKNO":
		r.ByWeekNo, err = ruleNumbers(v, 1, 53, true)
	case "BYMONTH":
		r.ByMonth, err = ruleNumbers(v, 1, 12, false)
	case "BYSETPOS":
		// RFC 5545 allows 1 to 366; sets of more than 366 times occur.
		r.BySetPos, err = ruleNumbers(v, 1, 366*86400, true)
	case "RSCALE":
		if v != "GREGORIAN" {
			return fmt.Errorf("calendar %q is not supported", clip(v))
		}
	case "SKIP":
		if v != "OMIT" {
			return fmt.Errorf("%q is not supported", clip(v))
		}
	}
	return err
}

var weekdays = map[string]time.Weekday{
	"SU": time.Sunday, "MO": time.Monday, "TU": time.Tuesday, "WE": time.Wednesday,
	"TH": time.Thursday, "FR": time.Friday, "SA": time.Saturday,
}

func ruleNumber(s string, low, high int) (int, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < int64(low) || n > int64(high) {
		return 0, fmt.Errorf("%q is not a number from %d to %d", clip(s), low, high)
	}
	return int(n), nil
}

// ruleNumbers reads a list of numbers from low to high, or where signed also from -high to -low.
func ruleNumbers(s string, low, high int, signed bool) ([]int, error) {
	var list []int
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		sign := 1
		if digits, ok := strings.CutPrefix(item, "-"); ok && signed {
			item, sign = digits, -1
		}
		n, err := ruleNumber(item, low, high)
		if err != nil {
			return nil, err
		}
		list = append(list, sign*n)
	}
	if list == nil {
		return nil, fmt.Errorf("an empty list")
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func ruleWeekdays(s string) ([]Weekday, error) {
	var list []Weekday
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if len(item) < 2 {
			return nil, fmt.Errorf("unknown weekday %q", clip(item))
		}
		day, ok := weekdays[item[len(item)-2:]]
		if !ok {
			return nil, fmt.Errorf("unknown weekday %q", clip(item))
		}
		w := Weekday{Day: day}
		if n := strings.TrimSpace(item[:len(item)-2]); n != "" {
			list, err := ruleNumbers(n, 1, 53, true)
			if err != nil {
				return nil, err
			}
			w.N = list[0]
		}
		list = append(list, w)
	}
	if list == nil {
		return nil, fmt.Errorf("an empty list")
	}
	slices.SortFunc(list, func(a, b Weekday) int {
		if a.N != b.N {
			return a.N - b.N
		}
		return int(a.Day - b.Day)
	})
	return slices.Compact(list), nil
}
