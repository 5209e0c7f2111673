package booking

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"joinery/conference"
	"joinery/store"
)

// forever is later than any meeting.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// plans compares what was listed with the rows, which are read after it: the row of a room is there
// before its conference. The plan of an account that could not be listed is empty.
func (s *Sweeper) plans(tx *store.Tx, surveys []survey) ([]plan, error) {
	plans := make([]plan, len(surveys))
	last, err := tx.LastRoomID()
	if err != nil {
		return nil, err
	}
	restore, err := RestoreOf(tx)
	if err != nil {
		return nil, err
	}
	seen, err := deviations(tx)
	if err != nil {
		return nil, err
	}
	for i, v := range surveys {
		if v.err != nil {
			continue
		}
		c := comparison{
			account: v.account, prefix: s.prefix(), listed: v.listed, began: v.began,
			rows: map[string]store.Room{}, unsure: map[string]bool{}, seen: seen, last: last, confirmed: restore.Confirmed,
			now: s.opts.Now(), keep: s.opts.Keep, titles: s.opts.Providers[v.account].Traits().TitleLimit,
		}
		for _, l := range v.listed {
			row, err := tx.RoomByKey(l.Key)
			switch {
			case err == nil:
				c.rows[l.Key] = *row
				if !belongs(row, l) {
					if c.unsure[l.Key], err = unsure(tx, row.ID); err != nil {
						return nil, err
					}
				}
			case !errors.Is(err, store.ErrNotFound):
				return nil, err
			}
		}
		rooms, err := tx.RoomsBetween(v.account, v.began, forever)
		if err != nil {
			return nil, err
		}
		for _, room := range rooms {
			if conference.RoomState(room.State) == conference.RoomLive {
				c.live = append(c.live, room)
			}
		}
		if c.strays, err = tx.Strays(v.account); err != nil {
			return nil, err
		}
		plans[i] = compare(c)
	}
	return plans, nil
}

// unsure tells whether an answer was lost while a room was made, so that there may be two of it.
func unsure(tx *store.Tx, room int64) (bool, error) {
	steps, err := tx.StepsOf(room)
	if err != nil {
		return false, fmt.Errorf("read the steps of room %d: %w", room, err)
	}
	return slices.ContainsFunc(steps, func(s store.Step) bool {
		return s.What == string(find) || s.What == string(reserve) && s.Outcome != "ok"
	}), nil
}

// deviations reads how rooms were last found to differ.
func deviations(tx *store.Tx) (map[int64]deviation, error) {
	m := map[int64]deviation{}
	_, err := readMeta(tx, metaDeviations, &m)
	return m, err
}

// remember keeps since when strays are known.
func remember(tx *store.Tx, account string, p *plan) error {
	for i := range p.strays {
		s := &p.strays[i]
		if s.Ref == "" {
			s.Kept = "the service gives no reference for it"
			continue
		}
		row := store.Stray{Provider: account, Ref: s.Ref, Key: s.Key}
		if err := tx.PutStray(&row); err != nil {
			return err
		}
	}
	for _, ref := range p.forget {
		if err := tx.DeleteStray(account, ref); err != nil {
			return err
		}
	}
	return nil
}

// waitingLong is how long a booking without link and without work is left alone.
const waitingLong = 5 * time.Minute

// waiting counts the bookings without link that nobody is to look at, and has them looked at.
func (s *Sweeper) waiting(tx *store.Tx, touch bool) (int, error) {
	bookings, err := tx.WaitingBookings()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, b := range bookings {
		if b.Updated.Add(waitingLong).After(s.opts.Now()) {
			continue
		}
		_, err := tx.WorkOf(Kind, b.ID)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return 0, err
		}
		n++
		if touch {
			if err := s.opts.Outbox.Touch(tx, Kind, b.ID, s.opts.Now()); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}
