package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A faultContent is one save of a client: what it wrote, and what it may expect of it.
type faultContent struct {
	mark       string
	title      string
	agenda     string
	start, end time.Time
	people     []string
	lines      []string // the client's own, which must stand as they are
	cancelled  bool
	wants      bool // a conference, once everything has come to rest

	overrides map[string]*faultContent // of single occurrences, by the time that the rule gives them
	sheet     *faultSheet              // all of it, as it was sent
}

// contentOf is what a client wrote in s.
func contentOf(s *faultSheet, wants bool) *faultContent {
	c := &faultContent{
		mark: s.mark(), title: s.text("SUMMARY"), start: s.instant("DTSTART"), end: s.instant("DTEND"),
		people: s.people(), cancelled: s.text("STATUS") == "CANCELLED",
	}
	c.agenda = faultAgenda(s.text("DESCRIPTION"))
	c.wants = wants && !c.cancelled
	c.lines = faultOwnLines(s)
	c.sheet = s.clone()
	for _, o := range s.overrides() {
		if c.overrides == nil {
			c.overrides = map[string]*faultContent{}
		}
		c.overrides[o.instant("RECURRENCE-ID").Format(faultStamp)] = contentOf(o, wants)
	}
	return c
}

// everybody are the people of the event and of its overrides.
func (c *faultContent) everybody() []string {
	list := slices.Clone(c.people)
	for _, o := range c.overrides {
		if !o.cancelled {
			list = append(list, o.people...)
		}
	}
	return list
}

// faultAgenda is the client's line of a description, which ours stand beside.
func faultAgenda(description string) string {
	for line := range strings.Lines(description) {
		if strings.HasPrefix(line, "Agenda") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// faultOwnLines are the lines that are the client's alone: all but those that the server edits.
func faultOwnLines(s *faultSheet) []string {
	var out []string
	s.event(func(i int) bool {
		switch name := faultLineName(s.lines[i]); name {
		case "LOCATION", "DESCRIPTION", "ATTENDEE", "ORGANIZER", "CONFERENCE", "URL", "SEQUENCE":
		default:
			if !strings.HasPrefix(name, "X-JOINERY-") {
				out = append(out, s.lines[i])
			}
		}
		return true
	})
	slices.Sort(out)
	return out
}

// differs says in what the stored object s is not the save c; empty if it is.
func (c *faultContent) differs(s *faultSheet) string {
	got := contentOf(s, false)
	switch {
	case got.mark != c.mark:
		return fmt.Sprintf("it is another save: got mark %s, want %s", got.mark, c.mark)
	case got.title != c.title:
		return fmt.Sprintf("SUMMARY: got %q, want %q", got.title, c.title)
	case got.agenda != c.agenda:
		return fmt.Sprintf("DESCRIPTION: got %q, want %q", got.agenda, c.agenda)
	case !got.start.Equal(c.start) || !got.end.Equal(c.end):
		return fmt.Sprintf("time: got %v to %v, want %v to %v", got.start, got.end, c.start, c.end)
	case !slices.Equal(got.people, c.people):
		return fmt.Sprintf("ATTENDEE: got %v, want %v", got.people, c.people)
	case !slices.Equal(got.lines, c.lines):
		return fmt.Sprintf("the client's own lines: got %q, want %q", got.lines, c.lines)
	}
	for _, key := range slices.Sorted(maps.Keys(got.overrides)) {
		if o := got.overrides[key]; c.overrides[key] == nil && (o.mark != c.mark || o.title != c.title || o.agenda != c.agenda) {
			return fmt.Sprintf("an override for %s that nobody saved", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.overrides)) {
		if got.overrides[key] == nil {
			return fmt.Sprintf("the override for %s is gone", key)
		}
		if text := c.overrides[key].differs(got.overrides[key].sheet); text != "" {
			return fmt.Sprintf("the override for %s: %s", key, text)
		}
	}
	return ""
}

// A faultVersion is a state that a UID may be in: what stands in which calendar, and which of them is
// the event's own (the other is a copy).
type faultVersion struct {
	at   map[string]*faultContent // by slug of the calendar
	main string
}

// own is the content of the event itself, nil if there is none.
func (v faultVersion) own() *faultContent { return v.at[v.main] }

func (v faultVersion) with(slug string, c *faultContent) faultVersion {
	n := faultVersion{at: maps.Clone(v.at), main: slug}
	if n.at == nil {
		n.at = map[string]*faultContent{}
	}
	n.at[slug] = c
	return n
}

func (v faultVersion) without(slug string) faultVersion {
	n := faultVersion{at: maps.Clone(v.at), main: v.main}
	delete(n.at, slug)
	if n.main == slug {
		n.main = ""
		for other := range n.at {
			n.main = other
		}
	}
	return n
}

// fits tells whether what was found, marks by calendar, is this version.
func (v faultVersion) fits(marks map[string]string) bool {
	if len(marks) != len(v.at) {
		return false
	}
	for slug, c := range v.at {
		if marks[slug] != c.mark {
			return false
		}
	}
	return true
}

// A faultMeeting is one UID of a user, as the clients that write it remember it. Only one of them
// writes it at a time, so there is one state that it may be in, or, after a request that was not
// answered, one that it had and one that it may have got, whole.
type faultMeeting struct {
	owner *faultUser
	uid   string

	mu      sync.Mutex
	may     []faultVersion
	ever    map[string]bool // who was on it in a state that was reached
	revived bool            // it was deleted or cancelled once, and came back
	before  bool            // it had a conference when it was cancelled
	series  bool            // it was a series once
	single  bool            // it was none once
	last    *faultContent   // what stood when it was deleted
	life    int             // counts its creations
	n       int             // counts changes, for titles
	story   []string        // what was done, for who looks for a fault
	clock   func() time.Time
}

// meeting is a new one of the device's user.
func (d *faultDevice) meeting() *faultMeeting {
	return &faultMeeting{
		owner: d.user, uid: strings.ToLower(faultMark()) + "@fault", ever: map[string]bool{},
		may: []faultVersion{{}}, life: 1, clock: d.run.now,
	}
}

// now is the state of a meeting whose last request was answered.
func (m *faultMeeting) now() faultVersion { return m.may[0] }

// reach notes that the meeting is in state v.
func (m *faultMeeting) reach(v faultVersion) {
	m.may = []faultVersion{v}
	if c := v.own(); c != nil && !c.cancelled {
		for _, a := range c.everybody() {
			m.ever[a] = true
		}
		m.single = m.single || !c.sheet.recurring()
	}
}

// tell notes what a client did and what it came to.
func (m *faultMeeting) tell(format string, args ...any) {
	m.story = append(m.story, m.clock().UTC().Format("02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (m *faultMeeting) path(slug string) string {
	return "/calendars/" + m.owner.login + "/" + slug + "/" + m.uid + ".ics"
}

// faultSlugs are the calendars of each user.
var faultSlugs = []string{"calendar", "second"}

// A faultUser is a user of the server with its devices' meetings.
type faultUser struct {
	login, email, name, locale, zone string

	mu       sync.Mutex
	meetings []*faultMeeting
}

func (u *faultUser) add(m *faultMeeting) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.meetings = append(u.meetings, m)
}

func (u *faultUser) list() []*faultMeeting {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.meetings)
}
