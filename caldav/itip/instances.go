package itip

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"joinery/caldav/ical"
)

// What a message says of an instance that only the rule knows, it says anew for each of them: the
// series' lines there are short, and the instances counted.
const (
	maxInstances = 100     // in one message
	maxMessage   = 1 << 19 // bytes of them
	maxSummary   = 200     // bytes
	maxPerson    = 1000    // bytes of ORGANIZER or ATTENDEE
)

// atOnce is how many instances of ev one message names, at least one.
func atOnce(ev *ical.Event) int {
	return max(1, min(maxInstances, maxMessage/(len(ev.UID)+4<<10)))
}

// taking are those of off, sorted, that take an instance of ev away. Where that cannot be told it
// counts as one.
func taking(ev *ical.Event, off []time.Time) []time.Time {
	if len(off) == 0 {
		return nil
	}
	for _, v := range ev.Overrides {
		if v.Component.First("RECURRENCE-ID").Param("RANGE") != "" {
			return off // the instances are not where the rule has them
		}
	}
	found := map[int64]bool{}
	err := ev.Expand(off[0], off[len(off)-1].Add(time.Second), time.UTC, func(i ical.Instance) bool {
		found[i.RecurrenceID.Unix()] = true
		return true
	})
	if err != nil {
		return off
	}
	return slices.DeleteFunc(slices.Clone(off), func(at time.Time) bool {
		return !found[at.Unix()] && override(ev, at) == nil
	})
}

// shortSummary is the SUMMARY line l, cut where it is long.
func shortSummary(l *ical.Line) string {
	if len(l.Raw()) <= maxSummary+len("SUMMARY:") {
		return l.Raw()
	}
	value := l.Value
	if len(value) > maxSummary {
		n := maxSummary
		for n > 0 && !utf8.RuneStart(value[n]) {
			n--
		}
		value = value[:n]
		if slashes := len(value) - len(strings.TrimRight(value, `\`)); slashes%2 == 1 {
			value = value[:n-1] // half of an escape (RFC 5545 §3.3.11)
		}
		value += "…"
	}
	return ical.FormatLine("SUMMARY", nil, value)
}

// shortPerson is line, which is of a, or no more than the address where it is long.
func shortPerson(a *ical.Attendee, line string) string {
	if len(line) <= maxPerson || !Mailable(a.Address) {
		return line
	}
	var params []ical.Param
	for _, p := range a.Line.Params {
		if p.Name == "PARTSTAT" && len(a.PartStat) <= maxSummary {
			params = append(params, ical.Param{Name: p.Name, Values: []string{a.PartStat}})
		}
	}
	return ical.FormatLine(a.Line.Name, params, "mailto:"+a.Address)
}

// FirstAnswers returns as many of answers as one REPLY about ev gives, and the view once these are
// told. answers are DiffReply's of old and now, views of ReplyView: for what is left over the view
// stays as it was, so that the next DiffReply finds it.
func FirstAnswers(ev *ical.Event, answers []Answer, old, now []byte) ([]Answer, []byte) {
	n := atOnce(ev)
	if len(answers) <= n {
		return answers, now
	}
	later := map[string]bool{}
	for _, a := range answers[n:] {
		later[a.id()] = true
	}
	lines := slices.DeleteFunc(strings.Split(string(now), "\n"), func(l string) bool {
		id, _, _ := strings.Cut(l, " ")
		return later[id]
	})
	for l := range strings.SplitSeq(string(old), "\n") {
		if id, _, _ := strings.Cut(l, " "); later[id] {
			lines = append(lines, l)
		}
	}
	slices.Sort(lines)
	return answers[:n], []byte(strings.Join(lines, "\n"))
}
