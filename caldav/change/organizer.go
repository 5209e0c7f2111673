package change

import (
	"fmt"
	"slices"

	"joinery/caldav/ical"
	"joinery/store"
)

// mayOrganize holds a save to who organises the event (RFC 6638 §3.2.4.3, §3.2.4.4). An organiser
// whose guests were told cannot give the event away, because they would never hear of it; an attendee
// cannot take it over and write to the others in its organiser's place.
func mayOrganize(tx *store.Tx, s *situation, in *ical.Event) error {
	role := roleOf(in, s.user)
	switch s.event.Role {
	case store.RoleOrganizer:
		if role == store.RoleOrganizer {
			return nil
		}
		told, err := guestsTold(tx, s.event.ID, s.user)
		if err != nil {
			return err
		}
		invited := s.current != nil && s.event.Deleted.IsZero() && isScheduling(s.current, store.RoleOrganizer, s.user)
		if told || invited {
			return refuse("allowed-organizer-scheduling-object-change",
				"the organizer of an event that others are invited to cannot change; delete it, or remove the attendees first")
		}
	case store.RoleAttendee:
		if role == store.RoleOrganizer && s.current != nil && s.event.Deleted.IsZero() && roleOf(s.current, s.user) == store.RoleAttendee {
			return refuse("allowed-attendee-scheduling-object-change", "an attendee cannot become the organizer of the event; copy it instead")
		}
	}
	return nil
}

// guestsTold tells whether somebody besides the owner was sent the event and not yet its cancellation.
func guestsTold(tx *store.Tx, eventID int64, owner *store.User) (bool, error) {
	if eventID == 0 {
		return false, nil
	}
	deliveries, err := tx.Deliveries(eventID)
	if err != nil {
		return false, fmt.Errorf("read who was told: %w", err)
	}
	for _, d := range deliveries {
		if !d.Reply && len(d.View) > 0 && !slices.Contains(owner.Addresses, d.Address) {
			return true, nil
		}
	}
	return false, nil
}
