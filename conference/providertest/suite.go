// Package providertest holds the contract suite that every provider passes against its emulated
// service: what conference.Provider promises, and the abilities beside it.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"joinery/conference"
)

// A Case is one provider and the emulated service that it talks to, which holds nothing yet.
type Case struct {
	Provider conference.Provider
	Service  Service
	// The calls, as Service.Fail knows them, by which the provider changes things at the service.
	// Reserve's are in order, and the first of them is the one that makes the conference.
	ReserveCalls, UpdateCalls, ReleaseCalls, EnrollCalls []string
	// Meetings begin after this instant, on a full minute; the service's clock is before it.
	Begin time.Time

	// What follows is what the emulated service can show and do besides; where it is nil, what needs
	// it is left out.

	// People are the registered people of a room, by folded address; hosts count as presenters.
	People func(t *testing.T, room conference.Room) map[string]conference.ParticipantRole
	// Register has a guest register himself.
	Register func(t *testing.T, room conference.Room, address string)
	// RequireFields makes the service ask everybody who registers for something that calendars do
	// not have.
	RequireFields func(t *testing.T)
	// Hold has the meeting take place now: each of people comes when the one before has left, and
	// stays for ten minutes; then it ends. It returns when it began, by the service's clock.
	Hold func(t *testing.T, room conference.Room, people ...conference.Person) (began time.Time)
}

// A Service is the emulated service, seen past the provider.
type Service interface {
	// Conferences are those that exist now, finished and half-made ones too.
	Conferences(t *testing.T) []Conference
	// Fail makes something go wrong with the next calls.
	Fail(t *testing.T, f Fault)
	// Heal ends all faults.
	Heal(t *testing.T)
	// Calls is how often a call has been made.
	Calls(t *testing.T, call string) int
	// Mails is how many mails the service itself has sent to people.
	Mails(t *testing.T) int
}

// A Conference is what the service has.
type Conference struct {
	ID       string
	Key      string
	Title    string
	Start    time.Time
	Status   conference.Status // planned while it is half-made
	Complete bool
	Link     string // empty where the service shows none
}

// A Fault is something that goes wrong, by the names of the emulators: delay, drop (the effect
// without the answer), 429 (with Seconds as Retry-After), 500, badjson (the effect with a broken
// answer), denied.
type Fault struct {
	Call    string  `json:"call"`
	Fault   string  `json:"fault"`
	Seconds float64 `json:"seconds"`
	Times   int     `json:"times"` // 0: until Heal
}

// Run runs the suite. open gives a fresh Case each time.
func Run(t *testing.T, open func(t *testing.T) Case) {
	tests := []struct {
		name string
		test func(*testing.T, Case)
	}{
		{"reserve", testReserve},
		{"reserve keeps the instant in every zone", testZones},
		{"reserve goes on from every step", testResume},
		{"reserve goes on with the meeting of now", testResumeChanged},
		{"reserve begins anew where nothing is left", testResumeGone},
		{"reserve many at once", testConcurrent},
		{"reserve is cancelled", testCancelled},
		{"reserve after a lost answer", testLostAnswer},
		{"reserve when everything fails in turn", testRough},
		{"find", testFind},
		{"list", testList},
		{"list in every state", testListed},
		{"kinds of errors", testKinds},
		{"update", testUpdate},
		{"update after a lost answer", testUpdateLost},
		{"update of what is gone", testUpdateGone},
		{"release", testRelease},
		{"release of what was only begun", testReleaseBegun},
		{"release after a lost answer", testReleaseLost},
		{"live meeting", testLive},
		{"check leaves nothing behind", testCheck},
		{"enroll", testEnroll},
		{"enroll changes", testEnrollChanges},
		{"enroll those who are registered", testEnrollForeign},
		{"enroll many", testEnrollMany},
		{"enroll whom the service refuses", testEnrollRefused},
		{"enroll after a lost answer", testEnrollLost},
		{"enroll where nothing is left", testEnrollGone},
		{"attendance", testAttendance},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

// meeting is one that c's service takes.
func (c Case) meeting(key string) conference.Meeting {
	return conference.Meeting{
		Key:      key,
		Title:    "Quarter review — " + key,
		Start:    c.Begin.Add(24 * time.Hour),
		End:      c.Begin.Add(25 * time.Hour),
		Zone:     "Europe/Berlin",
		Host:     conference.Person{Name: "Anna", Email: "anna@example.org"},
		Kind:     conference.KindMeeting,
		Language: "en",
	}
}

// reserve reserves without faults.
func (c Case) reserve(t *testing.T, m conference.Meeting) conference.Room {
	t.Helper()
	room, err := c.Provider.Reserve(t.Context(), m, conference.Room{}, func(conference.Room) error { return nil })
	if err != nil {
		t.Fatalf("Reserve(%s): %v", m.Key, err)
	}
	return room
}

// settle reserves as the reconciler does, with what it remembers in known: it looks the key up
// after an ambiguous answer, and tries again.
func (c Case) settle(t *testing.T, m conference.Meeting, known conference.Room) conference.Room {
	t.Helper()
	var err error
	unclear := false
	for range 12 {
		if unclear {
			finder, ok := conference.As[conference.Finder](c.Provider)
			if !ok {
				t.Fatalf("an ambiguous error, and no Finder: %v", err)
			}
			var found conference.Room
			if found, ok, err = finder.Find(t.Context(), m); err != nil {
				continue
			}
			if ok {
				known = found
			}
			unclear = false
		}
		var room conference.Room
		room, err = c.Provider.Reserve(t.Context(), m, known, func(r conference.Room) error {
			known = r.Clone()
			return nil
		})
		if err == nil {
			return room
		}
		unclear = conference.KindOf(err) == conference.Ambiguous
	}
	t.Fatalf("Reserve(%s) does not come to an end: %v", m.Key, err)
	return conference.Room{}
}

// one is the only conference at the service; it must be complete and m's.
func (c Case) one(t *testing.T, m conference.Meeting) Conference {
	t.Helper()
	all := c.Service.Conferences(t)
	if len(all) != 1 {
		t.Fatalf("the service has %d conferences, want one: %+v", len(all), all)
	}
	c.matches(t, all[0], m)
	return all[0]
}

func (c Case) matches(t *testing.T, got Conference, m conference.Meeting) {
	t.Helper()
	if !got.Complete {
		t.Errorf("conference %s is half-made", got.ID)
	}
	if got.Key != m.Key {
		t.Errorf("key at the service: got %q, want %q", got.Key, m.Key)
	}
	if want := conference.FitTitle(m.Title, c.Provider.Traits().TitleLimit); got.Title != want {
		t.Errorf("title at the service: got %q, want %q", got.Title, want)
	}
	if !got.Start.Equal(m.Start) {
		t.Errorf("start at the service: got %v, want %v", got.Start, m.Start)
	}
}

func (c Case) none(t *testing.T) {
	t.Helper()
	if all := c.Service.Conferences(t); len(all) != 0 {
		t.Errorf("the service still has %+v", all)
	}
}

func (c Case) noMails(t *testing.T) {
	t.Helper()
	if n := c.Service.Mails(t); n != 0 {
		t.Errorf("the service mailed people %d times by itself", n)
	}
}

// sameLink checks that the room's link is the conference's, where the service shows it.
func sameLink(t *testing.T, room conference.Room, at Conference) {
	t.Helper()
	if room.JoinURL == "" {
		t.Errorf("the room has no link")
	}
	if at.Link != "" && room.JoinURL != at.Link {
		t.Errorf("link: got %q, the service has %q", room.JoinURL, at.Link)
	}
}

func wantKind(t *testing.T, what string, err error, kinds ...conference.ErrorKind) {
	t.Helper()
	var e *conference.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want an error of kind %v", what, err, kinds)
		return
	}
	for _, kind := range kinds {
		if e.Kind == kind {
			return
		}
	}
	t.Errorf("%s: got kind %s (%v), want %v", what, e.Kind, err, kinds)
}

var errRecord = errors.New("record is out of order")

// begin reserves m and stops after the given number of recorded steps; ok is false if the
// provider takes fewer.
func (c Case) begin(t *testing.T, m conference.Meeting, steps int) (known conference.Room, ok bool) {
	t.Helper()
	n := 0
	_, err := c.Provider.Reserve(t.Context(), m, conference.Room{}, func(r conference.Room) error {
		n++
		known = r.Clone()
		if n == steps {
			return errRecord
		}
		return nil
	})
	if err == nil {
		return known, false
	}
	if !errors.Is(err, errRecord) {
		t.Fatalf("Reserve with record failing at step %d: got %v, want record's own error", steps, err)
	}
	return known, true
}

// eachStep runs test for every step after which Reserve can be broken off. There must be one.
func eachStep(t *testing.T, open func(key string, steps int) bool) {
	t.Helper()
	for steps := 1; steps <= 10; steps++ {
		if !open(fmt.Sprintf("step-%d", steps), steps) {
			if steps == 1 {
				t.Error("Reserve records nothing")
			}
			return
		}
	}
	t.Error("Reserve records more than ten steps")
}

// within fails the test if do takes longer than limit.
func within(t *testing.T, limit time.Duration, what string, do func(context.Context)) {
	t.Helper()
	begun := time.Now()
	do(t.Context())
	if took := time.Since(begun); took > limit {
		t.Errorf("%s took %v, want less than %v", what, took, limit)
	}
}
