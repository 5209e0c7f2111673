package booking

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"joinery/conference"
	"joinery/store"
)

// storedMeeting is a meeting as a room's row keeps it. Fields that are not set are left out, so
// that a field added later does not make every stored meeting look changed.
type storedMeeting struct {
	Key         string         `json:"key,omitempty"`
	Title       string         `json:"title,omitempty"`
	Start       time.Time      `json:"start"`
	End         time.Time      `json:"end"`
	Zone        string         `json:"zone,omitempty"`
	Host        storedPerson   `json:"host"`
	Presenters  []storedPerson `json:"presenters,omitempty"`
	Guests      []storedPerson `json:"guests,omitempty"`
	Kind        string         `json:"kind,omitempty"`
	Capacity    int            `json:"capacity,omitempty"`
	Description string         `json:"description,omitempty"`
	Language    string         `json:"language,omitempty"`
}

type storedPerson struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// encodeMeeting returns the text by which two meetings are compared: equal meetings give equal
// text, in whatever order their people stand.
func encodeMeeting(m conference.Meeting) (string, error) {
	data, err := json.Marshal(storedMeeting{
		Key: m.Key, Title: m.Title, Start: m.Start.UTC(), End: m.End.UTC(), Zone: m.Zone,
		Host: storedPerson(m.Host), Presenters: sortedPeople(m.Presenters), Guests: sortedPeople(m.Guests),
		Kind: string(m.Kind), Capacity: m.Capacity, Description: m.Description, Language: m.Language,
	})
	if err != nil {
		return "", fmt.Errorf("encode a meeting: %w", err)
	}
	return string(data), nil
}

// decodeMeeting is the meeting of encodeMeeting's text.
func decodeMeeting(text string) (conference.Meeting, error) {
	var s storedMeeting
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return conference.Meeting{}, fmt.Errorf("decode a stored meeting: %w", err)
	}
	return conference.Meeting{
		Key: s.Key, Title: s.Title, Start: s.Start, End: s.End, Zone: s.Zone,
		Host: conference.Person(s.Host), Presenters: people(s.Presenters), Guests: people(s.Guests),
		Kind: conference.Kind(s.Kind), Capacity: s.Capacity, Description: s.Description, Language: s.Language,
	}, nil
}

func sortedPeople(ps []conference.Person) []storedPerson {
	var out []storedPerson
	for _, p := range ps {
		out = append(out, storedPerson(p))
	}
	slices.SortFunc(out, func(a, b storedPerson) int {
		if c := strings.Compare(a.Email, b.Email); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

func people(ps []storedPerson) []conference.Person {
	var out []conference.Person
	for _, p := range ps {
		out = append(out, conference.Person(p))
	}
	return out
}

// meetingOf is what want asks for in room, and its text.
func meetingOf(want Want, room *store.Room) (conference.Meeting, string, error) {
	m := want.Meeting
	m.Key = room.Key
	text, err := encodeMeeting(m)
	return m, text, err
}

// known is what the row knows of the provider's room.
func known(room *store.Room) conference.Room {
	return conference.Room{
		Refs: room.Refs, JoinURL: room.JoinURL, DialIn: room.DialIn, Passcode: room.Passcode,
	}.Clone()
}

// learn puts what the provider gave into the row.
func learn(room *store.Room, got conference.Room) {
	got = got.Clone()
	room.Refs, room.JoinURL, room.DialIn, room.Passcode = got.Refs, got.JoinURL, got.DialIn, got.Passcode
}
