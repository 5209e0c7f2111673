package mailer

import (
	"fmt"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// A catalogue holds one language's words. Every field is filled in every language (a test holds
// them to it).
type catalogue struct {
	Lang     string
	Weekdays [7]string  // from Sunday, as they stand before a date
	OnDays   [7]string  // from Sunday, "on Mondays", after Every
	Months   [12]string // as they stand after a day of the month
	Year     string     // after the year's number: " г."
	AllDay   string
	YourTime string

	SubjectRequest, SubjectUpdate, SubjectCancel       string // before ": TITLE"
	SubjectAccepted, SubjectDeclined, SubjectTentative string
	SubjectAnswered, SubjectNote                       string
	NoTitle                                            string

	Invites, Updated, Cancelled, CancelledOnce, Removed string // headlines; %s: the organiser
	Accepts, Declines, Tentative, Answers               string // headlines; %s: the attendee
	Via                                                 string // %s, %s: a person, the service

	When, Repeats, Where, Organizer, People, Page, Agenda, Files, Join, JoinAt, PhoneIn string
	Changed, Was, Nothing                                                               string
	Title                                                                               string
	LinkFollows, LinkRemoved, LinkAdded, LinkChanged, LinkDetails                       string
	AgendaChanged, AttachmentsChanged, NowTentative, NowConfirmed                       string
	DelegateDeclined                                                                    string
	Invited, Left, AddedOn, OffOn, RepeatsAnew                                          string
	Footer                                                                              string // %s: the service

	Every [4]string    // day, week, month, year
	EachN [4][3]string // the same with a number, by plural form
	Times [3]string    // "10 times"
	Until string       // %s: a date

	Again                            string // headline, where nothing has changed
	Question, Yes, Maybe, No         string // how a letter is answered
	OwnWords, OwnWordsSeries         string // the link to the answer page
	SubjectAnswers, SubjectProposal  string
	AnswersCame                      string // headline
	OnlyYes, OnlyNo, OnlyMaybe       string // %s: the attendee
	SaysYes, SaysNo, SaysMaybe, Says string // %s, %s: the attendee, what is said, quoted
	Quoted                           string // %s: a comment
	Proposes                         string // %s, %s, %s: the attendee, a time, the present one
	TakeUp, TakeUpCalendar           string // with and without the link
	Decide                           string // the link to the organiser's page of proposals
	SubjectKept, Kept, YouProposed   string // the organiser keeps the time
	SubjectMissed, Missed            string // of people whom mail did not reach
	MissedUnknown                    string // after a name
	MissedRefused, MissedLost        string
	MissedAdvice                     string
	SubjectWaiting, Waiting          string // of attendees who wait for a free place
	WaitingMore                      string
	SubjectPlace, PlaceFree          string
	ChangeAnswer                     string // the link to the answer page

	NoteHeadline   string // %s: the provider
	SubjectTrouble string // of a notice where a link stands already
	NoteUpdate     string // the same, where a link stands already
	NotePeople     string // the same, of people who cannot be registered

	Zones  map[string]string // IANA name to a name for people
	plural func(n int) int
}

func pluralEnglish(n int) int {
	if n == 1 {
		return 0
	}
	return 2
}

// pluralSlavic is the rule of Russian and Ukrainian (CLDR: one, few, many).
func pluralSlavic(n int) int {
	switch {
	case n%10 == 1 && n%100 != 11:
		return 0
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return 1
	}
	return 2
}

// languageOf finds the catalogue by the first of tags (RFC 5646) whose language is known; English
// where none is.
func languageOf(tags ...string) *catalogue {
	for _, tag := range tags {
		primary, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(strings.TrimSpace(tag), "_", "-")), "-")
		switch primary {
		case "ru":
			return russian
		case "uk", "ua": // clients write the country's code too
			return ukrainian
		case "en":
			return english
		}
	}
	return english
}

func (c *catalogue) date(t time.Time) string {
	comma := ", "
	return fmt.Sprintf("%s%s%d %s %d%s", c.Weekdays[t.Weekday()], comma, t.Day(), c.Months[t.Month()-1], t.Year(), c.Year)
}

// day is a date without weekday and year.
func (c *catalogue) day(t time.Time) string {
	return fmt.Sprintf("%d %s", t.Day(), c.Months[t.Month()-1])
}

// span writes when something takes place on the clock of loc, with its zone unless zone is empty.
func (c *catalogue) span(start, end time.Time, allDay bool, zone string) string {
	if allDay {
		last := end.AddDate(0, 0, -1)
		if !last.After(start) {
			return c.date(start) + ", " + c.AllDay
		}
		return c.date(start) + " — " + c.date(last) + ", " + c.AllDay
	}
	s := c.date(start) + ", " + start.Format("15:04")
	switch {
	case !end.After(start):
	case end.Year() == start.Year() && end.YearDay() == start.YearDay():
		s += "–" + end.Format("15:04")
	default:
		s += " — " + c.date(end) + ", " + end.Format("15:04")
	}
	if zone != "" {
		s += " (" + zone + ")"
	}
	return s
}

// zone names a zone for people, with its offset at t.
func (c *catalogue) zone(name string, t time.Time) string {
	_, seconds := t.Zone()
	offset := "UTC"
	if seconds != 0 {
		sign := "+"
		if seconds < 0 {
			sign, seconds = "−", -seconds
		}
		offset += fmt.Sprintf("%s%d", sign, seconds/3600)
		if m := seconds % 3600 / 60; m != 0 {
			offset += fmt.Sprintf(":%02d", m)
		}
	}
	if name == "" || name == "UTC" {
		return offset
	}
	if known := c.Zones[name]; known != "" {
		name = known
	}
	return strings.ReplaceAll(name, "_", " ") + ", " + offset
}

// A clock is the zone that times are written in.
type clock struct {
	loc  *time.Location
	name string // IANA; empty: unknown
}

// clockOf is the event's own clock: its zone, or the organiser's where it is written in UTC or
// floats.
func clockOf(o *ical.Object, t ical.Time, organizer *time.Location) clock {
	if organizer == nil {
		organizer = time.UTC
	}
	switch {
	case t.AllDay, t.Floating:
		return clock{loc: time.UTC}
	case t.UTC:
		return clock{organizer, organizer.String()}
	}
	if loc := o.Location(t.TZID); loc != nil {
		return clock{loc, t.Zone}
	}
	return clock{organizer, organizer.String()}
}

// when writes a component's time on the event's own clock.
func (c *catalogue) when(o *ical.Object, v *ical.VEvent, organizer *time.Location) string {
	k := clockOf(o, v.Start, organizer)
	start, end := v.Start.Time.In(k.loc), v.End.Time.In(k.loc)
	zone := ""
	if !v.Start.AllDay && !v.Start.Floating {
		zone = c.zone(k.name, start)
	}
	return c.span(start, end, v.Start.AllDay, zone)
}

// theirs writes a component's time on the recipient's clock; empty where that shows the same or says
// nothing.
func (c *catalogue) theirs(o *ical.Object, v *ical.VEvent, organizer, recipient *time.Location) string {
	if recipient == nil || v.Start.AllDay || v.Start.Floating {
		return ""
	}
	k := clockOf(o, v.Start, organizer)
	start, end := v.Start.Time.In(recipient), v.End.Time.In(recipient)
	_, a := start.Zone()
	_, b := v.Start.Time.In(k.loc).Zone()
	_, a2 := end.Zone()
	_, b2 := v.End.Time.In(k.loc).Zone()
	if a == b && a2 == b2 {
		return ""
	}
	return c.span(start, end, false, c.zone(recipient.String(), start))
}

// repeats writes a series' rule, as far as words are worth it; empty for a single event.
func (c *catalogue) repeats(o *ical.Object, v *ical.VEvent, organizer *time.Location) string {
	l := v.Component.First("RRULE")
	if l == nil || v.RecurrenceID != nil {
		return ""
	}
	parts := map[string]string{}
	for _, p := range strings.Split(strings.ToUpper(l.Value), ";") {
		k, val, _ := strings.Cut(strings.TrimSpace(p), "=")
		parts[k] = val
	}
	unit, ok := map[string]int{"DAILY": 0, "WEEKLY": 1, "MONTHLY": 2, "YEARLY": 3}[parts["FREQ"]]
	if !ok {
		return ""
	}
	s := c.Every[unit]
	var n int
	if _, err := fmt.Sscanf(parts["INTERVAL"], "%d", &n); err == nil && n > 1 {
		s = fmt.Sprintf(c.EachN[unit][c.plural(n)], n)
	}
	if unit == 1 {
		var days []string
		for _, d := range strings.Split(parts["BYDAY"], ",") {
			if i := strings.Index("SUMOTUWETHFRSA", d); len(d) == 2 && i >= 0 && i%2 == 0 {
				days = append(days, c.OnDays[i/2])
			}
		}
		if len(days) > 0 {
			s += " " + strings.Join(days, ", ")
		}
	}
	if _, err := fmt.Sscanf(parts["COUNT"], "%d", &n); err == nil && n > 0 {
		s += ", " + fmt.Sprintf(c.Times[c.plural(n)], n)
	}
	if until := parts["UNTIL"]; until != "" {
		for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
			if t, err := time.Parse(layout, until); err == nil {
				if strings.HasSuffix(layout, "Z") {
					t = t.In(clockOf(o, v.Start, organizer).loc)
				}
				s += " " + fmt.Sprintf(c.Until, fmt.Sprintf("%s %d%s", c.day(t), t.Year(), c.Year))
				break
			}
		}
	}
	return s
}
