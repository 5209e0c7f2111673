package conference

import "context"

// A ParticipantRole is what somebody may do in a meeting.
type ParticipantRole string

// The roles. The host is the organiser: the owner of the room where the service can make him that.
const (
	RoleHost      ParticipantRole = "host"
	RolePresenter ParticipantRole = "presenter"
	RoleGuest     ParticipantRole = "guest"
)

// A Participant is somebody who is to have the conference in the own account at the service.
type Participant struct {
	Person
	Role ParticipantRole
}

// A Registration is one person's place in a room.
type Registration struct {
	Email   string // lower case
	Role    ParticipantRole
	Ref     string // the service's reference; empty: not registered
	Link    string // personal; a secret of that person; empty: there is none
	Refused Reason // why the service does not take the person; empty: it does. Ref is empty then
}

// An Enroller keeps the people of a room: the conference is in their accounts at the service, each may
// have a link of their own, and the service mails nobody.
type Enroller interface {
	// Enroll registers everybody of people who is not registered yet, changes roles that differ, and
	// takes the places in leave away, found by the address where Ref is empty; all others stay. It returns what stands for
	// each of people now, in their order; one whom the service does not take has Refused, which is no
	// error. Running it twice changes nothing. A room or its meeting that is gone or over is an error
	// of kind Gone.
	Enroll(ctx context.Context, r Room, people []Participant, leave []Registration) ([]Registration, error)
}
