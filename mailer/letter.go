package mailer

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
)

//go:embed templates
var templates embed.FS

var (
	textLetter = texttemplate.Must(texttemplate.ParseFS(templates, "templates/letter.txt"))
	htmlLetter = template.Must(template.ParseFS(templates, "templates/letter.html"))
)

// A letter is what a mail says to a person, ready for the templates.
type letter struct {
	Lang, Subject, Headline string
	Notes                   []string
	Advice                  string // what can be done about the notes
	Title                   string
	Cancelled               bool
	Rows                    []row
	Link, LinkText          string
	Details                 []string
	Others                  []row // occurrences that are joined elsewhere, with their links
	Question                string
	Choices                 []choice
	OwnWords                choice // the answer page itself
	ChangedLabel            string
	Changes                 []row
	AgendaLabel, Agenda     string
	FilesLabel              string
	Files                   []row // what is attached to the event, with its address
	Footer                  string
}

// A row is a labelled value; Old is what it was.
type row struct{ Label, Value, Old string }

// A setting is what a letter needs to know besides the event.
type setting struct {
	words     *catalogue
	organizer *time.Location // the organiser's zone
	recipient *time.Location // nil: unknown
	service   string         // our name
	provider  string         // of the conference, empty: unknown
	joinURL   string         // the link that is ours
	answer    string         // address of the recipient's answer page, empty: none
	decide    string         // address of the organiser's page of proposals, empty: none
	pending   bool           // a link will follow
	gone      bool           // the event itself is cancelled
	now       time.Time
}

// How much of an event a letter says, in bytes: the rest stands in the calendar. A letter says
// everything twice, and not ASCII takes three bytes for one.
const (
	maxAgenda  = 16 << 10
	maxValue   = 4 << 10 // a row's value
	maxPhrase  = 1000    // a line, and a value of what changed
	maxDetails = 50      // lines
	maxChanges = 100
)

// shorten cuts what is long in l.
func (l *letter) shorten() {
	for _, s := range []*string{&l.Subject, &l.Headline, &l.Title, &l.LinkText} {
		*s = short(*s, maxPhrase)
	}
	for i := range l.Rows {
		l.Rows[i].Value = short(l.Rows[i].Value, maxValue)
	}
	l.Details = l.Details[:min(len(l.Details), maxDetails)]
	for i := range l.Details {
		l.Details[i] = short(l.Details[i], maxPhrase)
	}
	for i := range l.Changes {
		l.Changes[i].Value, l.Changes[i].Old = short(l.Changes[i].Value, maxPhrase), short(l.Changes[i].Old, maxPhrase)
	}
	for i := range l.Notes {
		l.Notes[i] = short(l.Notes[i], maxValue)
	}
	l.Agenda = short(l.Agenda, maxAgenda)
}

// text makes the two forms of l, shortened.
func (l *letter) text() (plain, html []byte, err error) {
	l.shorten()
	var a, b bytes.Buffer
	if err := textLetter.Execute(&a, l); err != nil {
		return nil, nil, fmt.Errorf("writing the text: %w", err)
	}
	if err := htmlLetter.Execute(&b, l); err != nil {
		return nil, nil, fmt.Errorf("writing the page: %w", err)
	}
	return a.Bytes(), b.Bytes(), nil
}

// newLetter begins a letter about v.
func (s setting) newLetter(subject string, v *ical.VEvent) *letter {
	title := printable(v.Summary)
	if title == "" {
		title = s.words.NoTitle
	}
	return &letter{
		Lang: s.words.Lang, Subject: subject + ": " + title, Title: title,
		ChangedLabel: s.words.Changed, AgendaLabel: s.words.Agenda,
		Footer: fmt.Sprintf(s.words.Footer, s.service),
	}
}

// facts adds what is known of the components of ev: when, where, who.
func (s setting) facts(l *letter, ev *ical.Event) {
	w := s.words
	all := ev.All()
	v := all[0]
	for i, c := range all {
		if i > 0 && ev.Master != nil {
			break // the series says when; instances of their own are in the calendar
		}
		l.add(w.When, w.when(ev.Object, c, s.organizer))
		l.add(w.YourTime, w.theirs(ev.Object, c, s.organizer, s.recipient))
	}
	l.add(w.Repeats, w.repeats(ev.Object, v, s.organizer))
	l.add(w.Where, printable(itip.Place(v)))
	if v.Organizer != nil {
		l.add(w.Organizer, withAddress(*v.Organizer))
	}
	var people []string
	n := 0
	for _, a := range v.Attendees {
		if v.Organizer == nil || a.Address != v.Organizer.Address {
			if n++; n <= maxPeople {
				people = append(people, withAddress(a))
			}
		}
	}
	l.add(w.People, listed(people, n))
}

// maxPeople is how many of those invited a letter names.
const maxPeople = 30

// listed joins the first maxPeople of n people.
func listed(people []string, n int) string {
	if n > maxPeople {
		people = append(people, fmt.Sprintf("… (+%d)", n-maxPeople))
	}
	return strings.Join(people, ", ")
}

// joining adds how v is joined, or that it cannot be said yet.
func (s setting) joining(l *letter, v *ical.VEvent) {
	j := itip.JoiningOf(v)
	switch {
	case j.Link != "":
		l.Link = j.Link
		name := printable(j.Label)
		if s.provider != "" && (j.Link == s.joinURL || name == "") {
			name = s.provider
		}
		l.LinkText = s.words.Join
		if name != "" {
			l.LinkText = fmt.Sprintf(s.words.JoinAt, name)
		}
	case s.pending:
		l.Notes = append(l.Notes, s.words.LinkFollows)
	}
	for _, line := range strings.Split(j.Details, "\n") {
		if line = printable(line); line != "" {
			if !strings.Contains(line, ":") {
				line = s.words.PhoneIn + ": " + line
			}
			l.Details = append(l.Details, line)
		}
	}
	l.add(s.words.Page, pageOf(v, j))
	l.Agenda = block(short(itip.Agenda(v), maxAgenda))
}

func pageOf(v *ical.VEvent, j itip.Joining) string {
	if v.URL == j.Link {
		return ""
	}
	return printable(v.URL)
}

// request is the letter of a REQUEST.
func (s setting) request(m *itip.Message, ev *ical.Event) *letter {
	w := s.words
	v := ev.All()[0]
	subject := w.SubjectRequest
	if !m.First {
		subject = w.SubjectUpdate
	}
	l := s.newLetter(subject, v)
	if m.First {
		organizer := w.Organizer
		if v.Organizer != nil {
			organizer = name(*v.Organizer)
		}
		l.Headline = fmt.Sprintf(w.Invites, organizer)
	} else {
		if l.Headline = w.Updated; len(m.Changes) == 0 {
			l.Subject = s.newLetter(w.SubjectRequest, v).Subject
			l.Headline = w.Again
		}
		for i, c := range m.Changes {
			if len(l.Changes) >= maxChanges {
				l.Changes = append(l.Changes, row{Value: fmt.Sprintf("… (+%d)", len(m.Changes)-i)})
				break
			}
			s.change(l, ev, c)
		}
	}
	s.facts(l, ev)
	s.joining(l, v)
	s.others(l, ev)
	s.files(l, ev)
	s.choices(l, ev.Master != nil && ev.Master.Recurring)
	return l
}

// others adds the links of those occurrences that are joined by another one than the first component.
func (s setting) others(l *letter, ev *ical.Event) {
	all := ev.All()
	first := itip.JoiningOf(all[0]).Link
	for _, v := range all[1:] {
		link := itip.JoiningOf(v).Link
		if link == "" || link == first || v.Cancelled() || !v.End.In(s.organizer).After(s.now) {
			continue
		}
		if len(l.Others) == maxDetails {
			return
		}
		start := v.Start.Time.In(clockOf(ev.Object, v.Start, s.organizer).loc)
		label := s.words.day(start)
		if !v.Start.AllDay {
			label += ", " + start.Format("15:04")
		}
		l.Others = append(l.Others, row{Label: label, Value: link})
	}
}

// cancel is the letter of a CANCEL of what ev was known as.
func (s setting) cancel(m *itip.Message, ev *ical.Event) *letter {
	w := s.words
	v := ev.All()[0]
	l := s.newLetter(w.SubjectCancel, v)
	l.Cancelled = true
	switch {
	case len(m.Occurrences) > 0:
		l.Headline = w.CancelledOnce
		var days []string
		for _, c := range m.Changes {
			if c.Kind == itip.CancelledOccurrence {
				l.add(w.When, w.when(ev.Object, c.Old, s.organizer))
				l.add(w.YourTime, w.theirs(ev.Object, c.Old, s.organizer, s.recipient))
				days = append(days, w.day(c.Old.Start.Time.In(clockOf(ev.Object, c.Old.Start, s.organizer).loc)))
			}
		}
		l.Subject += " (" + strings.Join(days, ", ") + ")"
		if v.Organizer != nil {
			l.add(w.Organizer, withAddress(*v.Organizer))
		}
		return l
	case s.gone:
		l.Headline = w.Cancelled
	default:
		l.Headline = w.Removed
	}
	l.add(w.When, w.when(ev.Object, v, s.organizer))
	l.add(w.YourTime, w.theirs(ev.Object, v, s.organizer, s.recipient))
	l.add(w.Repeats, w.repeats(ev.Object, v, s.organizer))
	l.add(w.Where, printable(itip.Place(v)))
	if v.Organizer != nil {
		l.add(w.Organizer, withAddress(*v.Organizer))
	}
	return l
}

// reply is the letter of a REPLY of who, an attendee, with answers to ev.
func (s setting) reply(who string, answers []itip.Answer, ev *ical.Event) *letter {
	w := s.words
	v := ev.All()[0]
	subject, headline := w.SubjectAnswered, w.Answers
	same := true
	for _, a := range answers {
		same = same && a.PartStat == answers[0].PartStat
	}
	if same {
		switch answers[0].PartStat {
		case "ACCEPTED":
			subject, headline = w.SubjectAccepted, w.Accepts
		case "DECLINED":
			subject, headline = w.SubjectDeclined, w.Declines
		case "TENTATIVE":
			subject, headline = w.SubjectTentative, w.Tentative
		}
	}
	l := s.newLetter(subject, v)
	l.Headline = fmt.Sprintf(headline, who)
	for _, c := range ev.All() {
		l.add(w.When, w.when(ev.Object, c, s.organizer))
		l.add(w.YourTime, w.theirs(ev.Object, c, s.organizer, s.recipient))
	}
	if ev.Master != nil {
		l.add(w.Repeats, w.repeats(ev.Object, v, s.organizer))
	}
	l.Footer = ""
	return l
}

func (l *letter) add(label, value string) {
	if value != "" {
		l.Rows = append(l.Rows, row{Label: label, Value: value})
	}
}

// withAddress is a name with its address, or the address.
func withAddress(a ical.Attendee) string {
	if n := printable(a.Name); n != "" && !strings.EqualFold(n, a.Address) {
		return n + " <" + printable(a.Address) + ">"
	}
	return printable(a.Address)
}

func name(a ical.Attendee) string {
	if n := printable(a.Name); n != "" {
		return n
	}
	return printable(a.Address)
}

// people names addresses of v's attendees.
func people(v *ical.VEvent, addresses []string) string {
	var out []string
	for _, address := range addresses[:min(len(addresses), maxPeople)] {
		n := address
		for _, a := range v.Attendees {
			if a.Address == address {
				n = name(a)
			}
		}
		out = append(out, printable(n))
	}
	return listed(out, len(addresses))
}

// printable is s on one line, without control characters and those that turn the direction of text
// (a title must not hide what stands behind it).
func printable(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)), " ")
}

// block is s with its lines, cleaned like printable.
func block(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		lines[i] = strings.TrimRight(indent+printable(line), " ")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
