package ical

import (
	"fmt"
	"strings"
	"time"
)

// ParseDuration reads a DURATION (RFC 5545 §3.3.6): weeks and days are nominal, the rest is exact;
// both are negative after a minus. Lower case and any order of the units are taken. More than a
// hundred years is an error.
func ParseDuration(s string) (days int, exact time.Duration, err error) {
	const mostDays = 36600
	rest := strings.ToUpper(strings.TrimSpace(s))
	sign := 1
	switch {
	case strings.HasPrefix(rest, "-"):
		sign, rest = -1, rest[1:]
	case strings.HasPrefix(rest, "+"):
		rest = rest[1:]
	}
	bad := fmt.Errorf("not a duration: %q", clip(s))
	rest, ok := strings.CutPrefix(rest, "P")
	if !ok || rest == "" || strings.HasSuffix(rest, "T") {
		return 0, 0, bad
	}
	clock := false
	for rest != "" {
		if rest[0] == 'T' && !clock {
			clock, rest = true, rest[1:]
		}
		n, digits := 0, 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			if digits == 10 {
				return 0, 0, bad
			}
			n = n*10 + int(rest[digits]-'0')
			digits++
		}
		if digits == 0 || digits == len(rest) {
			return 0, 0, bad
		}
		unit := time.Duration(0)
		switch {
		case rest[digits] == 'W' && !clock:
			days += n * 7
		case rest[digits] == 'D' && !clock:
			days += n
		case rest[digits] == 'H' && clock:
			unit = time.Hour
		case rest[digits] == 'M' && clock:
			unit = time.Minute
		case rest[digits] == 'S' && clock:
			unit = time.Second
		default:
			return 0, 0, bad
		}
		const most = mostDays * 24 * time.Hour
		if unit > 0 && time.Duration(n) > (most-exact)/unit || days > mostDays {
			return 0, 0, fmt.Errorf("duration over a hundred years: %q", clip(s))
		}
		exact += time.Duration(n) * unit
		rest = rest[digits+1:]
	}
	return sign * days, time.Duration(sign) * exact, nil
}
