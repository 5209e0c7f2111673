package booking

import (
	"fmt"
	"slices"

	"joinery/conference"
	"joinery/store"
)

// A place is an account that a room may be at. Taken: its licence has another meeting at the time
// that is wanted.
type place struct {
	name  string
	taken bool
}

// places lists where b's room may be, and which of these licences have another meeting while m is.
// It is read in the transaction that takes one, so that no two take the same.
func (r *Reconciler) places(tx *store.Tx, b *store.Booking, m conference.Meeting) ([]place, error) {
	var list []place
	for _, a := range r.pool(b.Provider) {
		p := place{name: a.Name}
		if a.Single && m.End.After(m.Start) {
			rooms, err := tx.RoomsBetween(a.Name, m.Start.Add(-conference.MaxOverrun), m.End)
			if err != nil {
				return nil, fmt.Errorf("read the rooms of account %s: %w", a.Name, err)
			}
			for i := 0; i < len(rooms) && !p.taken; i++ {
				if p.taken, err = anothers(tx, b, &rooms[i], m); err != nil {
					return nil, err
				}
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// anothers tells whether r, of another event than b's, takes its licence while m is. An event's own
// rooms follow one another.
func anothers(tx *store.Tx, b *store.Booking, r *store.Room, m conference.Meeting) (bool, error) {
	if r.BookingID == b.ID || !takes(r, m) {
		return false, nil
	}
	other, err := tx.BookingByID(r.BookingID)
	if err != nil {
		return false, fmt.Errorf("read the booking of room %d: %w", r.ID, err)
	}
	return other.EventID != b.EventID, nil
}

// freed has those looked at that wait for a licence, once r does not take one any more.
func (t *run) freed(tx *store.Tx, r *store.Room) error {
	if !t.single(r.Provider) {
		return nil
	}
	waiting, err := tx.BookingsWithProblem(string(conference.ReasonBusy))
	if err != nil {
		return fmt.Errorf("read who waits for a licence: %w", err)
	}
	for _, b := range waiting {
		if err := t.opts.Outbox.Touch(tx, Kind, b.ID, t.opts.Now()); err != nil {
			return fmt.Errorf("touch booking %d: %w", b.ID, err)
		}
	}
	return nil
}

// single tells whether an account's licence allows one meeting at a time.
func (r *Reconciler) single(account string) bool {
	return slices.ContainsFunc(r.pool(account), func(a Account) bool { return a.Name == account && a.Single })
}

// pool lists the accounts at which a booking of an account may have its rooms.
func (r *Reconciler) pool(provider string) []Account {
	if r.opts.Accounts != nil {
		if pool := r.opts.Accounts(provider); len(pool) > 0 {
			return pool
		}
	}
	return []Account{{Name: provider}}
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

// begin makes a room at the first account that is free at that time.
func (s sight) begin(bump bool) action {
	for _, p := range s.accounts {
		if !p.taken {
			return action{do: intend, bump: bump, account: p.name}
		}
	}
	return s.refuse(string(conference.ReasonBusy), s.now.Add(busyRetry))
}

// taken tells whether the licence of an account has another meeting at the wanted time.
func (s sight) taken(account string) bool {
	return slices.ContainsFunc(s.accounts, func(p place) bool { return p.name == account && p.taken })
}
