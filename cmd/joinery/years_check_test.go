package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"joinery/conference/emulator"
)

// What holds after every step of a simulation.

// yearsFailures is after how many failed checks a simulation is given up: what follows from one
// is of no use.
const yearsFailures = 3

// fail notes that something does not hold now.
func (s *simulation) fail(se *series, format string, args ...any) {
	s.Helper()
	name := "everything"
	if se != nil {
		name = se.name
	}
	s.Errorf("%s: %s: %s", s.when(), name, fmt.Sprintf(format, args...))
	if s.failures++; s.failures >= yearsFailures {
		s.FailNow()
	}
}

// check checks everything that has to hold now.
func (s *simulation) check() {
	s.Helper()
	s.steps++
	if s.halt == nil {
		return
	}
	state := s.mts.State()
	known := map[string]bool{}
	for _, se := range s.series {
		known[se.name] = true
		s.checkAccount(se, state)
		s.checkEvent(se, state)
		se.checked++
	}
	for _, c := range state.Conferences {
		if !known[c.Name] {
			s.fail(nil, "a conference of no series: %+v", c)
		}
	}
	if len(state.Mails) != 0 {
		s.fail(nil, "the platform mailed people, first %+v", state.Mails[0])
	}
	s.checkMail()
}

// checkAccount checks what the account holds of a series.
func (s *simulation) checkAccount(se *series, state emulator.State) {
	s.Helper()
	var planned []emulator.Conference
	for _, c := range state.Conferences {
		if c.Name != se.name {
			continue
		}
		switch {
		case c.Key == "":
			s.fail(se, "a conference without our key: %v", told(c))
		case c.Status == "ACTIVE":
			planned = append(planned, c)
		case c.Status == "SHELL":
			s.fail(se, "a conference was left half made: %v", told(c))
		case c.Status == "START":
			o := se.on(c.Start)
			if o == nil {
				s.fail(se, "a conference goes on that is for no occurrence: %v", told(c))
			} else if !s.now().Before(o.end.Add(yearsOverrun)) {
				s.fail(se, "a conference goes on two hours after its end: %v", told(c))
			} else if se.gone && o.end.After(se.deleted) {
				s.fail(se, "a conference of a deleted event goes on: %v", told(c))
			}
		}
	}
	want := se.booked(s.now())
	switch {
	case len(planned) > 1:
		s.fail(se, "%d conferences have not begun: %v", len(planned), told(planned...))
	case len(planned) == 1 && want.next == nil:
		s.fail(se, "there is a conference that has not begun, and there is to be none (%s): %v", want.why, told(planned...))
	case len(planned) == 0 && want.next != nil && !want.maybe:
		s.fail(se, "there is no conference that has not begun; want one at %s (%s); there are %v", stamp(want.next.start), want.why,
			told(s.lately(se, state)...))
	case len(planned) == 1 && !planned[0].Start.Equal(want.next.start):
		s.fail(se, "what is booked begins at %s, want %s (%s)", stamp(planned[0].Start), stamp(want.next.start), want.why)
	}
	for _, c := range planned {
		if was, ok := se.held[c.ID]; ok && !was.Equal(c.Start) {
			se.moves++
		}
		se.held[c.ID] = c.Start
		if want.next != nil && c.Duration != "" && c.Start.Equal(want.next.start) {
			if long := isoDuration(want.next.end.Sub(want.next.start)); c.Duration != long {
				s.fail(se, "what is booked lasts %s, want %s", c.Duration, long)
			}
		}
	}
}

// isoDuration is how the account's state writes how long a conference lasts.
func isoDuration(d time.Duration) string {
	return fmt.Sprintf("PT%dH%dM%dS", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// lately are the conferences of a series that are not long over.
func (s *simulation) lately(se *series, state emulator.State) []emulator.Conference {
	return slices.DeleteFunc(slices.Clone(state.Conferences), func(c emulator.Conference) bool {
		return c.Name != se.name || c.Start.Before(s.now().Add(-48*time.Hour))
	})
}

// told are conferences for messages.
func told(list ...emulator.Conference) string {
	var out []string
	for _, c := range list {
		out = append(out, fmt.Sprintf("%s %s for %s (%s)", c.ID, c.Status, stamp(c.Start), c.Duration))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, "; ")
}

func stamp(t time.Time) string { return t.UTC().Format("Mon 2006-01-02 15:04Z") }

// checkEvent checks the stored event and what its link leads to.
func (s *simulation) checkEvent(se *series, state emulator.State) {
	s.Helper()
	if se.gone {
		s.anna.do("GET", se.path, "").want(http.StatusNotFound)
	} else {
		r := s.anna.get(se.path)
		switch {
		case se.direct && se.link != "" && linkOf(r.body) != se.link:
			// People are told of the new link, once.
			s.expect("REQUEST")
			s.settle()
			r = s.anna.get(se.path)
			se.etag, se.body, se.link = r.etag(), r.body, linkOf(r.body)
		case se.etag == "":
			se.etag, se.body = r.etag(), r.body
			se.link = linkOf(r.body)
			if se.link == "" {
				s.fail(se, "there is no link in\n%s", joined(master(r.body)))
			}
			if v := masterValue(r.body, "X-JOINERY-STATE"); v != "ready" {
				s.fail(se, "X-JOINERY-STATE is %q, want ready", v)
			}
		case r.etag() != se.etag:
			s.fail(se, "the event was changed although nobody changed it:\n%s", differing(se.body, r.body))
			se.etag, se.body = r.etag(), r.body
		}
	}
	s.checkLink(se, state)
}

// differing are the lines that only one of two texts has.
func differing(a, b string) string {
	var out []string
	was, is := logical(a), logical(b)
	for _, l := range was {
		if !slices.Contains(is, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range is {
		if !slices.Contains(was, l) {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out, "\n")
}

// linkOf is the link in the master's LOCATION, empty if there is none.
func linkOf(text string) string {
	for token := range strings.FieldsFuncSeq(masterValue(text, "LOCATION"), func(r rune) bool { return strings.ContainsRune("; ,\n", r) }) {
		if strings.HasPrefix(token, "http") {
			return token
		}
	}
	return ""
}

// yearsOpens is how long before its start a meeting lets people in: the event's link is the
// organiser's too, for whom it is half an hour.
const yearsOpens = 30 * time.Minute

// checkLink follows the link of an event: to the room of the moment, or to a page that says when
// the next meeting is.
func (s *simulation) checkLink(se *series, state emulator.State) {
	s.Helper()
	if se.link == "" {
		return
	}
	if se.direct {
		for _, c := range state.Conferences {
			if c.Name == se.name && c.Status == "ACTIVE" && c.Link != se.link {
				s.fail(se, "the event carries %s, what is booked has %s", se.link, c.Link)
			}
		}
	}
	if se.once || se.direct {
		if !slices.ContainsFunc(state.Conferences, func(c emulator.Conference) bool { return c.Name == se.name && c.Link == se.link }) {
			s.fail(se, "the link leads to no conference: %s", se.link)
		}
		return
	}
	token, ours := strings.CutPrefix(se.link, s.config.PublicURL+"/j/")
	if !ours {
		s.fail(se, "a series does not carry the join page's link: %s", se.link)
		return
	}
	status, to, body := s.follow("/j/" + token)
	now := s.now()
	room := func(o *occurrence) (link string) {
		for _, c := range state.Conferences {
			if c.Name == se.name && c.Start.Equal(o.start) {
				link = c.Link // the last one that was made for it
			}
		}
		return link
	}
	next, running := se.next(now), se.running(now)
	if next != nil {
		s.checkAlone(se, room(next))
	}
	var want []string // the rooms that it may lead to
	page := true      // whether a page is right
	if running != nil {
		// Once its time is over, or people have ended it, the page may as well tell of the next one.
		want, page = append(want, room(running)), !now.Before(running.end) || !running.stopped.IsZero()
	}
	if next != nil && next != running && !next.start.Add(-yearsOpens).After(now) {
		// One that was ended by hand before its time leads somewhere as long as nobody knows.
		want, page = append(want, room(next)), running != nil && se.booked(now).next == nil || !next.stopped.IsZero()
	}
	switch {
	case se.gone && status != http.StatusGone:
		s.fail(se, "the link of a deleted event answers %d, want 410", status)
	case se.gone:
	case status == http.StatusFound:
		if !slices.Contains(want, to) {
			s.fail(se, "the link leads to %s, want one of %q, or a page", to, want)
		}
	case status != http.StatusOK:
		s.fail(se, "the link answers %d:\n%s", status, pageText(body))
	case !page:
		s.fail(se, "the link answers with a page, want a way to %q:\n%s", want, pageText(body))
	case next != nil && next.stopped.IsZero() && !pageNames(body, next.start) && (running == nil || !pageNames(body, running.start)):
		s.fail(se, "the link's page does not name the next meeting, %s:\n%s", stamp(next.start), pageText(body))
	}
}

// checkAlone follows the link of an occurrence that has one of its own.
func (s *simulation) checkAlone(se *series, room string) {
	s.Helper()
	next := se.next(s.now())
	if next == nil || !next.alone || se.gone {
		return
	}
	link := ""
	_, events, _ := vevents(se.body)
	for _, e := range events {
		text := joined(e)
		if strings.HasSuffix(first(text, "RECURRENCE-ID"), next.start.In(berlin.zone).Format(localStamp)) {
			link = value(text, "LOCATION")
		}
	}
	token, ours := strings.CutPrefix(link, s.config.PublicURL+"/j/")
	if !ours || link == se.link {
		s.fail(se, "the occurrence of %s has no link of its own but %q", stamp(next.start), link)
		return
	}
	status, to, body := s.follow("/j/" + token)
	switch open := !s.now().Before(next.start.Add(-yearsOpens)); {
	case open && next.stopped.IsZero() && (status != http.StatusFound || to != room):
		s.fail(se, "the link of the occurrence itself answers %d %s, want a way to %s", status, to, room)
	case !open && (status != http.StatusOK || !pageNames(body, next.start)):
		s.fail(se, "the link of the occurrence itself answers %d and does not name its time:\n%s", status, pageText(body))
	}
}

// pageNames tells whether a page names a moment to machines.
func pageNames(page string, t time.Time) bool {
	return strings.Contains(page, t.UTC().Format(time.RFC3339))
}

// pageText is what stands in a page for people.
func pageText(page string) string {
	if _, main, ok := strings.Cut(page, "<main>"); ok {
		page, _, _ = strings.Cut(main, "</main>")
	}
	return page
}

// follow asks the program for a page, and says where it would lead.
func (s *simulation) follow(path string) (status int, to, body string) {
	s.Helper()
	req, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(text)
}

// checkMail checks that exactly those mails were taken that the scenario expects.
func (s *simulation) checkMail() {
	s.Helper()
	want := 0
	for _, methods := range s.mails {
		want += len(methods)
	}
	messages := s.mail.Messages()
	got := 0
	for _, m := range messages {
		got += len(m.Envelope.To)
	}
	wrong := got != want
	for address, methods := range s.mails {
		var seen []string
		if wrong || s.steps%20 == 0 {
			for _, l := range s.letters(address) {
				seen = append(seen, l.method)
			}
			if !slices.Equal(seen, methods) {
				s.fail(nil, "mails to %s: got %v, want %v", address, seen, methods)
			}
		}
	}
	if wrong {
		for _, m := range messages[max(0, len(messages)-3):] {
			s.Logf("among the last mails: to %v: %v", m.Envelope.To, m.Headers["Subject"])
		}
		s.fail(nil, "%d mails were taken, want %d", got, want)
		s.FailNow()
	}
}

// expect notes that an address is to get mails of these methods, in that order.
func (s *simulation) expect(methods ...string) {
	for _, address := range []string{boris, vera} {
		s.mails[address] = append(s.mails[address], methods...)
	}
}
