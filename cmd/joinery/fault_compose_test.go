package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The words that ask for a conference, by kind.
var faultWords = [2][]string{{"Webinar", "Вебинар", "webinar"}, {"MTS Link", "МТС Линк"}}

func (d *faultDevice) word(kind int) string {
	return faultWords[kind][d.random.IntN(len(faultWords[kind]))]
}

// faultIsWord tells whether a text asks for a conference.
func faultIsWord(text string) bool {
	for _, words := range faultWords {
		for _, w := range words {
			if strings.EqualFold(strings.TrimSpace(text), w) {
				return true
			}
		}
	}
	return false
}

// faultPlace splits a LOCATION into its parts.
func faultPlace(s *faultSheet) []string {
	return strings.FieldsFunc(s.text("LOCATION"), func(r rune) bool { return r == ';' || r == ',' })
}

// asks tells whether something in s asks for a conference without help of a link.
func (s *faultSheet) asks() bool {
	if slices.ContainsFunc(faultPlace(s), faultIsWord) || faultIsWord(s.text("CATEGORIES")) {
		return true
	}
	return slices.ContainsFunc(s.all("ATTENDEE"), func(l string) bool { return faultAddress(l) == faultResource })
}

// linked tells whether a link stands in LOCATION.
func (s *faultSheet) linked() bool { return faultLink.MatchString(s.text("LOCATION")) }

// bump makes a change that everybody sees: a new title, or another line of the agenda.
func (d *faultDevice) bump(m *faultMeeting, s *faultSheet, title bool) {
	m.n++
	if title {
		s.set("SUMMARY:" + faultEscape(fmt.Sprintf("Планёрка %s, версия %d; «итоги»", m.uid[:8], m.n)))
		return
	}
	agenda := fmt.Sprintf("Agenda %d: budget, plans; %s", m.n, m.uid[:8])
	lines := strings.Split(s.text("DESCRIPTION"), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Agenda") })
	if at < 0 {
		lines, at = append([]string{""}, lines...), 0
	}
	lines[at] = agenda
	s.set("DESCRIPTION:" + faultEscape(strings.Join(lines, "\n")))
}

// someone is an address that may be invited: a colleague, or somebody outside.
func (d *faultDevice) someone() string {
	if d.random.IntN(3) == 0 {
		return d.run.users[d.random.IntN(len(d.run.users))].email
	}
	return fmt.Sprintf("guest%d@partner.test", d.random.IntN(15))
}

func (d *faultDevice) invite(s *faultSheet, address string) bool {
	if address == d.user.email || slices.Contains(s.people(), address) {
		return false
	}
	if len(s.all("ORGANIZER")) == 0 {
		s.add("ORGANIZER;CN=" + d.user.name + ":mailto:" + d.user.email)
	}
	language := []string{"", ";LANGUAGE=ru", ";LANGUAGE=uk", ";LANGUAGE=en"}[d.random.IntN(4)]
	s.add("ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE" + language + ":mailto:" + address)
	return true
}

// moment is a time some days away.
func (d *faultDevice) moment() (zone string, start, end time.Time) {
	zones := []string{"Europe/Moscow", "Asia/Yekaterinburg", "Europe/Kyiv", "UTC"}
	start = d.run.now().UTC().Truncate(time.Hour).Add(time.Duration(24+d.random.IntN(24*30)) * time.Hour)
	if d.run.daytime {
		start = d.run.now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1+d.random.IntN(5)).Add(time.Duration(28+d.random.IntN(36)) * 15 * time.Minute)
	}
	return zones[d.random.IntN(len(zones))], start, start.Add(time.Duration(1+d.random.IntN(8)) * 15 * time.Minute)
}

// compose makes a new event, and asks for a conference in some way, or not.
func (d *faultDevice) compose(m *faultMeeting, ask bool) *faultSheet {
	zone, start, end := d.moment()
	s := newFaultSheet(m.uid, zone, "", "", start, end)
	d.bump(m, s, true)
	d.bump(m, s, false)
	for range d.random.IntN(5) {
		d.invite(s, d.someone())
	}
	if !ask {
		if d.random.IntN(2) == 0 {
			s.add("LOCATION:Room 5")
		}
		return s
	}
	switch d.random.IntN(5) {
	case 0:
		s.add("CATEGORIES:" + d.word(d.random.IntN(2)))
	case 1:
		if len(s.all("ORGANIZER")) == 0 {
			s.add("ORGANIZER;CN=" + d.user.name + ":mailto:" + d.user.email)
		}
		s.add("ATTENDEE;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:" + faultResource)
	case 2:
		s.add("LOCATION:" + faultEscape("Room 5; "+d.word(d.random.IntN(2))))
	default:
		s.add("LOCATION:" + d.word(d.random.IntN(2)))
	}
	return s
}

// create makes a new meeting. It returns nil where the server was not reached.
func (d *faultDevice) create(ctx context.Context, ask bool, change func(*faultSheet)) *faultMeeting {
	m := d.meeting()
	s := d.compose(m, ask)
	if change != nil {
		change(s)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d.user.add(m)
	d.save(ctx, m, "create", faultSlugs[0], s, ask, "*", 200)
	return m
}
