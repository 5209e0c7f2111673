package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/caldav/itip"
)

// maxComment is how many characters a comment has at most.
const maxComment = 1000

// The ids of the fields that a fault leads to.
const (
	fieldAnswer  = "accepted"
	fieldOn      = "on"
	fieldComment = "comment"
	fieldDay     = "day"
	fieldSend    = "send"
)

// A fault is something that is wrong with a form.
type fault struct {
	Field string // its id; empty: none in particular
	text  func(*answerWords) string
}

// An answerForm is what somebody filled in.
type answerForm struct {
	Answer   string // accepted, tentative, declined; empty: nothing was chosen
	On       string // an occurrence, see shownAs; empty: all of them
	Comment  string
	Day      string // 2006-01-02: of a proposal, as all that follows
	From, To string // 15:04
	Last     string // 2006-01-02, of an all-day event
	Sequence string // of what was shown
	Shown    string // what was shown, see shownAs
}

func formOf(v url.Values) answerForm {
	get := func(name string) string { return strings.TrimSpace(strings.ToValidUTF8(v.Get(name), "")) }
	comment := strings.ReplaceAll(get("comment"), "\r\n", "\n")
	comment = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, comment)
	return answerForm{
		Answer: get("answer"), On: get("on"), Comment: strings.TrimSpace(comment), Day: get("day"), From: get("from"), To: get("to"), Last: get("last"),
		Sequence: get("sequence"), Shown: get("shown"),
	}
}

// answers are the values of the field answer.
var answers = map[string]string{"accepted": "ACCEPTED", "tentative": "TENTATIVE", "declined": "DECLINED"}

// answer is what f says to i; or what is wrong with f; or an outcome that needs nobody to be asked.
func (f *answerForm) answer(i *change.Invitation, now time.Time) (a change.Answer, faults []fault, outcome change.Outcome) {
	sequence, err := strconv.Atoi(f.Sequence)
	if err != nil || sequence < 0 || !standsAs(i, f.Shown, now) {
		return a, nil, change.OutcomeStale
	}
	blame := func(field string, text func(*answerWords) string) { faults = append(faults, fault{field, text}) }
	part := itip.Part{PartStat: answers[f.Answer]}
	if i.Series && f.On != "" {
		o := occurrenceOf(i, f.On)
		switch {
		case o == nil && begun(f.On, now):
			return a, nil, change.OutcomePast
		case o == nil || shownAs(o.Key, o.Start) != f.On:
			return a, nil, change.OutcomeStale
		}
		part.Occurrence = o.Occurrence
	} else if i.Series && i.PartStat == "" {
		blame(fieldOn, func(w *answerWords) string { return w.BadDate })
	}
	proposes := f.proposes()
	switch {
	case part.PartStat != "":
	case proposes:
		part.PartStat = "TENTATIVE" // of a COUNTER that says no more (RFC 5546 §3.2.7)
	default:
		blame(fieldAnswer, func(w *answerWords) string { return w.NoAnswer })
	}
	if utf8.RuneCountInString(f.Comment) > maxComment {
		blame(fieldComment, func(w *answerWords) string { return w.LongComment })
	}
	if proposes {
		if i.Series && f.On == "" && i.PartStat != "" {
			// Another time for all of a series is another rule, which a day and two times do not say.
			blame(fieldOn, func(w *answerWords) string { return w.WhichTime })
		}
		var wrong func(*answerWords) string
		if part.Start, part.End, wrong = f.proposal(i, now); wrong != nil {
			blame(fieldDay, wrong)
		}
		part.Floating = i.AllDay
	}
	return change.Answer{
		EventID: i.EventID, Address: i.Address, Parts: []itip.Part{part}, Sequence: sequence, Comment: f.Comment, Source: change.FromPage,
	}, faults, ""
}

func (f *answerForm) proposes() bool { return f.Day+f.From+f.To+f.Last != "" }

// proposal is the time that f proposes, on the clock of i's zone; of an all-day event dates, as midnights
// UTC. wrong says why it is none.
func (f *answerForm) proposal(i *change.Invitation, now time.Time) (start, end time.Time, wrong func(*answerWords) string) {
	half := func(w *answerWords) string { return w.HalfTime }
	day, err := time.Parse(time.DateOnly, f.Day)
	if err != nil {
		return start, end, half
	}
	if i.AllDay {
		last := day
		if f.Last != "" {
			if last, err = time.Parse(time.DateOnly, f.Last); err != nil {
				return start, end, half
			}
		}
		start, end = day, last.AddDate(0, 0, 1)
	} else {
		var clocks [2]time.Time
		for n, text := range []string{f.From, f.To} {
			text, _, _ = strings.Cut(text, ".")
			clock, err := time.Parse("15:04", text)
			if err != nil {
				clock, err = time.Parse(time.TimeOnly, text)
			}
			if err != nil {
				return start, end, half
			}
			clocks[n] = ical.LocalTime(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), 0, i.Zone)
		}
		start, end = clocks[0], clocks[1]
	}
	switch {
	case !end.After(start):
		return start, end, func(w *answerWords) string { return w.BadTime }
	case !end.After(now):
		return start, end, func(w *answerWords) string { return w.PastTime }
	}
	return start, end, nil
}

// shownAs names an occurrence with the time that was shown for it, so that an answer to what was moved
// meanwhile is known; key is empty for an event that does not recur.
func shownAs(key string, start time.Time) string {
	return key + "@" + strconv.FormatInt(start.Unix(), 10)
}

// shown is what a page that shows i shows first.
func shown(i *change.Invitation) string {
	if len(i.Occurrences) > 0 {
		return shownAs(i.Occurrences[0].Key, i.Occurrences[0].Start)
	}
	return shownAs("", i.Start)
}

// standsAs tells whether what a page showed first still stands, or has begun since.
func standsAs(i *change.Invitation, was string, now time.Time) bool {
	if was == shown(i) {
		return true
	}
	if o := occurrenceOf(i, was); o != nil {
		return shownAs(o.Key, o.Start) == was
	}
	key, _, _ := strings.Cut(was, "@")
	return i.Series && key != "" && begun(was, now)
}

// occurrenceOf finds the occurrence that shownAs named.
func occurrenceOf(i *change.Invitation, on string) *change.InvitedOccurrence {
	key, _, _ := strings.Cut(on, "@")
	for n := range i.Occurrences {
		if i.Occurrences[n].Key == key {
			return &i.Occurrences[n]
		}
	}
	return nil
}

// begun tells whether the time in on is over.
func begun(on string, now time.Time) bool {
	_, text, _ := strings.Cut(on, "@")
	seconds, err := strconv.ParseInt(text, 10, 64)
	return err == nil && !now.Before(time.Unix(seconds, 0))
}
