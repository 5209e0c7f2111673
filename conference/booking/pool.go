package booking

import (
	"fmt"

	"joinery/conference"
	"joinery/store"
)

// places lists where b's room may be, and which of these licences have another meeting while m is.
// It is read in the transaction that takes one, so that no two take the same.
func (r *Reconciler) places(tx *store.Tx, b *store.Booking, m conference.Meeting) ([]place, error) {
	accounts := []Account{{Name: b.Provider}}
	if r.opts.Accounts != nil {
		if pool := r.opts.Accounts(b.Provider); len(pool) > 0 {
			accounts = pool
		}
	}
	var list []place
	for _, a := range accounts {
		p := place{name: a.Name}
		if a.Single && m.End.After(m.Start) {
			rooms, err := tx.RoomsBetween(a.Name, m.Start.Add(-conference.MaxOverrun), m.End)
			if err != nil {
				return nil, fmt.Errorf("read the rooms of account %s: %w", a.Name, err)
			}
			for i := range rooms {
				p.taken = p.taken || rooms[i].BookingID != b.ID && takes(&rooms[i], m)
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// takes tells whether r takes its licence while m is. People who were left in a room may stay until
// they are sent out.
func takes(r *store.Room, m conference.Meeting) bool {
	end := r.End
	switch stateOf(r) {
	case conference.RoomGone, conference.RoomHistory:
		return false
	case conference.RoomLeft:
		end = end.Add(conference.MaxOverrun)
	}
	return end.After(m.Start)
}
