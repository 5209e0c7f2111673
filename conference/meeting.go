// Package conference holds what Joinery asks of a conference service and what it gets back:
// the meeting, the room, the provider contract and its errors. It is pure: no input, no output,
// no iCalendar.
package conference

import (
	"strings"
	"time"
	"unicode"
)

// A Kind is the form of a conference, as far as a service distinguishes forms.
type Kind string

// The kinds that requests name.
const (
	KindMeeting Kind = "meeting"
	KindWebinar Kind = "webinar"
)

// A Person is somebody at a meeting, named by address.
type Person struct {
	Name  string
	Email string // without "mailto:", as the calendar has it
}

// A Meeting is what is asked of a provider. It is a value: two equal meetings need no update.
type Meeting struct {
	// Key is unique for the room, over all installations; it is shown back by the service
	// where that is possible, so that a lost answer can be found again.
	Key         string
	Title       string
	Start, End  time.Time // instants
	Zone        string    // IANA name of the zone in which the organiser thinks, "UTC" if unknown
	Host        Person
	Presenters  []Person
	Guests      []Person
	Kind        Kind
	Capacity    int    // 0: the service's own
	Description string // empty unless the administrator lets the agenda leave the calendar
	Language    string // ru, en or uk: the organiser's
}

// Duration is the planned length, never negative.
func (m Meeting) Duration() time.Duration {
	if d := m.End.Sub(m.Start); d > 0 {
		return d
	}
	return 0
}

// FitTitle returns title without control characters, cut to at most limit runes at a rune
// boundary, never inside a base letter and its combining marks. limit 0 means no limit.
func FitTitle(title string, limit int) string {
	title = strings.Join(strings.FieldsFunc(title, unicode.IsControl), " ")
	title = strings.TrimSpace(title)
	if limit <= 0 {
		return title
	}
	runes := []rune(title)
	if len(runes) <= limit {
		return title
	}
	cut := limit
	for cut > 0 && (unicode.Is(unicode.M, runes[cut]) || runes[cut] == '\u200d') {
		cut--
	}
	return strings.TrimSpace(string(runes[:cut]))
}
