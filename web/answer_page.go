package web

import (
	_ "embed" // the page's parts
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"joinery/caldav/change"
	"joinery/mailer"
)

var (
	//go:embed templates/answer.html
	answerHTML string
	//go:embed templates/answer.css
	answerCSS string

	answerTemplate    = template.Must(template.New("answer").Parse(answerHTML))
	answerStyle       = pageStyle + answerCSS
	answerStyleSource = sourceHash(answerStyle)
)

// closedPage is the page of an invitation that takes no answer; nil for an unknown state. Statuses are
// those of doorPage.
func closedPage(i *change.Invitation, c *catalogue) *page {
	w := answerTexts[c.Lang]
	p := &page{words: c, status: http.StatusGone, Title: i.Title}
	if i.State != change.InvitationRemoved && strings.TrimSpace(p.Title) == "" {
		p.Title = c.Meeting
	}
	switch i.State {
	case change.InvitationCancelled:
		p.Headline, p.Texts = c.Cancelled, []string{c.CancelledText, w.Cancelled}
	case change.InvitationOver:
		p.status = http.StatusOK
		p.Headline, p.Texts = w.Over, []string{w.OverText}
	case change.InvitationRemoved:
		p.Title = ""
		p.Headline, p.Texts = w.Removed, []string{w.RemovedText}
		return p
	default:
		return nil
	}
	if !i.Start.IsZero() {
		start := i.Start
		if !i.AllDay && i.Zone != nil {
			start = start.In(i.Zone)
		}
		r := row{Label: c.When, Value: mailer.When(c.Lang, start, i.End, i.AllDay)}
		if !i.AllDay {
			r = timeRow(r.Label, r.Value, start, i.End)
			p.live = true
		} else {
			r.Start = start.Format(time.DateOnly)
		}
		p.Rows = append(p.Rows, r)
	}
	return p
}

// readersWords is the catalogue of i's reader: a local user's own language, else that of the browser.
func readersWords(r *http.Request, i *change.Invitation) *catalogue {
	if i.Local {
		if c := catalogueOf(language.Make(i.Locale)); c != nil {
			return c
		}
	}
	return wordsFor(r, i.Locale)
}

// How much of an event an answer page shows.
const (
	maxPeopleShown = 100
	fewPeople      = 8        // more of them stand folded up
	maxAgendaShown = 16 << 10 // bytes
)

// An answerView is what the template of an open answer page is filled in with.
type answerView struct {
	W     *answerWords
	words *catalogue

	Title, Organizer       string
	When                   row
	Timed                  bool   // When is a time and not dates
	Organizers             string // the same on the organiser's clock; empty: it shows the same
	Place                  string
	Link, LinkText         string
	Pending, Series        bool
	Agenda                 string
	People                 []statement
	MorePeople             int
	Folded                 bool // People
	Mine                   string
	Outcome                string // of an answer that was just given
	Good                   bool   // it was taken
	Answered               string // the date that it was for, with what stands now; empty: the event itself
	Confirm                bool   // what is chosen comes from a link, and was not sent
	Quick                  string // what a button of its own sends then; empty: more is to be chosen
	Faults                 []complaint
	Choices                []choice
	All                    bool // the whole series can be answered
	Dates                  []choice
	Form                   answerForm
	AllDay                 bool
	Zone                   string
	CommentOpen, TimesOpen bool
	DatesOpen              bool
}

// A statement is a person with what that person said.
type statement struct{ Name, Status string }

// A choice is one of several that can be made.
type choice struct {
	Value, Text, Status string
	Chosen              bool
}

// A complaint is a fault in words, with the id of its field.
type complaint struct{ Field, Text string }

func (v *answerView) Lang() string        { return v.words.Lang }
func (v *answerView) WhenLabel() string   { return v.words.When }
func (v *answerView) YourTime() string    { return v.words.YourTime }
func (v *answerView) MaxComment() int     { return maxComment }
func (v *answerView) Style() template.CSS { return template.CSS(answerStyle) }

// Script shows the reader's own clock where the browser's differs.
func (v *answerView) Script() template.JS {
	if !v.Timed {
		return ""
	}
	return template.JS(waitingScript)
}

// Headline is what the page's name begins with: a screen reader says it first.
func (v *answerView) Headline() string {
	switch {
	case len(v.Faults) > 0:
		return strings.TrimSuffix(v.W.Faults, ":")
	case v.Outcome != "":
		return v.Outcome
	}
	return v.W.Question
}

// Wrong is what is wrong with a field, empty if nothing is.
func (v *answerView) Wrong(field string) string {
	for _, c := range v.Faults {
		if c.Field == field {
			return c.Text
		}
	}
	return ""
}

func newAnswerView(i *change.Invitation, c *catalogue) *answerView {
	w := answerTexts[c.Lang]
	v := &answerView{
		W: w, words: c, Title: i.Title, Organizer: i.Organizer, Place: i.Place, Pending: i.Pending, Series: i.Series,
		AllDay: i.AllDay, All: i.PartStat != "" || !i.Series, Form: answerForm{Sequence: strconv.Itoa(i.Sequence), Shown: shown(i)},
	}
	if strings.TrimSpace(v.Title) == "" {
		v.Title = c.Meeting
	}
	if u, ok := roomURL(i.Link); ok {
		if v.Link, v.LinkText = u, i.Service; v.LinkText == "" {
			v.LinkText = u
		}
	}
	v.Agenda = i.Agenda
	if len(v.Agenda) > maxAgendaShown {
		v.Agenda = strings.ToValidUTF8(v.Agenda[:maxAgendaShown], "") + "…"
	}
	v.times(i)
	for n, p := range i.People {
		if n == maxPeopleShown {
			v.MorePeople = len(i.People) - n
			break
		}
		v.People = append(v.People, statement{p.Name, w.status(p.PartStat, false)})
	}
	v.Folded = len(v.People) > fewPeople
	v.Mine = w.status(i.PartStat, i.Waiting)
	v.choose(i)
	v.comment(i.Comment)
	return v
}

// times fills in when the event is.
func (v *answerView) times(i *change.Invitation) {
	start, end := i.Start, i.End
	if !i.AllDay {
		if i.Zone != nil {
			start = start.In(i.Zone)
		}
		v.Zone = mailer.Zone(v.Lang(), start)
	}
	if i.Start.IsZero() {
		return
	}
	label := v.words.When
	if i.Series {
		label = v.W.NextDate
	}
	v.When = row{Label: label, Value: mailer.When(v.Lang(), start, end, i.AllDay)}
	if i.AllDay {
		return
	}
	v.Timed = true
	v.When = timeRow(label, v.When.Value, start, end)
	if i.Organizers == nil {
		return
	}
	theirs := i.Start.In(i.Organizers)
	_, a := start.Zone()
	_, b := theirs.Zone()
	_, a2 := end.In(start.Location()).Zone()
	_, b2 := end.In(i.Organizers).Zone()
	if a != b || a2 != b2 {
		v.Organizers = mailer.When(v.Lang(), theirs, end, false)
	}
}

// choose fills in what can be chosen, with what was said so far.
func (v *answerView) choose(i *change.Invitation) {
	v.Choices = []choice{{Value: "accepted", Text: v.W.Accept}, {Value: "tentative", Text: v.W.Tentative}, {Value: "declined", Text: v.W.Decline}}
	if i.Series {
		for _, o := range i.Occurrences {
			start := o.Start
			if !i.AllDay && i.Zone != nil {
				start = start.In(i.Zone)
			}
			v.Dates = append(v.Dates, choice{
				Value: shownAs(o.Key, o.Start), Text: mailer.Span(v.Lang(), start, o.End, i.AllDay), Status: v.W.status(o.PartStat, o.Waiting),
			})
		}
	}
	v.standing(i.PartStat, i.Waiting)
	if v.All {
		return
	}
	v.Mine, v.DatesOpen = "", true
	if len(i.Occurrences) == 1 {
		v.on(i, i.Occurrences[0].Key)
	}
}

// standing chooses what stands already.
func (v *answerView) standing(partStat string, waiting bool) {
	if waiting {
		partStat = "ACCEPTED"
	}
	v.Form.Answer = ""
	for value, p := range answers {
		if p == partStat {
			v.Form.Answer = value
		}
	}
}

// on chooses the occurrence of key, with what was said of it.
func (v *answerView) on(i *change.Invitation, key string) {
	for _, o := range i.Occurrences {
		if i.Series && o.Key == key {
			v.Form.On, v.DatesOpen = shownAs(o.Key, o.Start), true
			v.standing(o.PartStat, o.Waiting)
			if len(i.Occurrences) == 1 && !v.All {
				v.Mine = v.W.status(o.PartStat, o.Waiting)
			}
		}
	}
}

func (v *answerView) comment(text string) {
	v.Form.Comment, v.CommentOpen = text, text != ""
}

// asked takes over what a link asks to be chosen, and what it says of an answer that was just given.
func (v *answerView) asked(i *change.Invitation, query url.Values) {
	v.on(i, query.Get("on"))
	outcome := change.Outcome(query.Get("done"))
	if o := occurrenceOf(i, v.Form.On); outcome == change.OutcomeWaiting && !i.Waiting && (o == nil || !o.Waiting) {
		outcome = change.OutcomeApplied // there is a place by now
	}
	if v.Outcome = v.W.said(outcome); v.Outcome != "" {
		switch outcome {
		case change.OutcomeApplied, change.OutcomeSame, change.OutcomeProposed, change.OutcomeWaiting:
			v.Good = true
		}
		for _, date := range v.Dates {
			if date.Value == v.Form.On {
				v.Answered = date.Text + ": " + date.Status
			}
		}
		return
	}
	answer := query.Get("answer")
	if answers[answer] == "" || answer == v.Form.Answer {
		return
	}
	v.Form.Answer, v.Confirm = answer, true
	for _, c := range v.Choices {
		if c.Value == answer && (v.All || v.Form.On != "") {
			v.Quick = c.Text
		}
	}
	if v.Quick != "" && v.Series && v.Form.On == "" {
		v.Quick += " (" + v.W.AllDates + ")"
	}
}

// again shows f once more, with what is wrong with it.
func (v *answerView) again(f answerForm, faults []fault) {
	f.Sequence, f.Shown = v.Form.Sequence, v.Form.Shown
	v.Form = f
	v.CommentOpen, v.TimesOpen, v.DatesOpen = f.Comment != "", f.proposes(), v.DatesOpen || f.On != ""
	for _, wrong := range faults {
		v.Faults = append(v.Faults, complaint{wrong.Field, wrong.text(v.W)})
		v.DatesOpen = v.DatesOpen || wrong.Field == fieldOn
	}
}

// write answers with the page.
func (v *answerView) write(w http.ResponseWriter, r *http.Request, status int) {
	for n := range v.Choices {
		v.Choices[n].Chosen = v.Choices[n].Value == v.Form.Answer
	}
	for n := range v.Dates {
		v.Dates[n].Chosen = v.Dates[n].Value == v.Form.On
	}
	a := appearance{words: v.words, status: status, style: answerStyleSource, forms: true}
	if v.Timed {
		a.script = scriptSource
	}
	a.write(w, r, answerTemplate, v)
}
