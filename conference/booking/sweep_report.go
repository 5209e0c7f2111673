package booking

import (
	"encoding/json"
	"fmt"
	"time"

	"joinery/conference"
	"joinery/store"
)

// A Sweep is what one comparison of all accounts with our rooms came to.
type Sweep struct {
	At         time.Time      `json:"at"`
	Looked     bool           `json:"looked"` // nothing was done, it was only looked
	Accounts   []AccountSweep `json:"accounts"`
	Restore    Restore        `json:"restore"`    // in force: nothing was done
	Due        int            `json:"due"`        // strays that are old enough to be deleted
	Limit      int            `json:"limit"`      // how many one run deletes without being told to
	Braked     bool           `json:"braked"`     // Due is more than Limit: none was deleted
	Touched    int            `json:"touched"`    // bookings without link that nobody looked at
	Unfinished bool           `json:"unfinished"` // the time was not enough for all; the next run goes on
}

// An AccountSweep is what a Sweep came to at one account.
type AccountSweep struct {
	Name    string   `json:"name"`
	Problem string   `json:"problem,omitempty"` // why it could not be looked at, or not to the end
	Ours    int      `json:"ours"`              // listed conferences that carry our keys
	Others  int      `json:"others"`            // those that carry others' keys, as far as they are listed
	Live    int      `json:"live"`              // our rooms that are to be there
	Strays  []Stray  `json:"strays,omitempty"`
	Deleted int      `json:"deleted"`
	Drifted []Differ `json:"drifted,omitempty"` // not as the calendar has it
	Missing []Differ `json:"missing,omitempty"` // deleted by somebody else
}

// A Stray is a conference that carries a key of ours and belongs to no room.
type Stray struct {
	Key     string    `json:"key"`
	Ref     string    `json:"ref"` // the service's own
	Title   string    `json:"title"`
	Start   time.Time `json:"start"`
	Since   time.Time `json:"since"` // it was first seen
	Due     bool      `json:"due"`   // old enough to be deleted
	Deleted bool      `json:"deleted"`
	Kept    string    `json:"kept,omitempty"` // why it is not deleted although it is due

	listed conference.Listed
}

// A Differ is a room whose conference is not as the calendar has it.
type Differ struct {
	Key   string `json:"key"`
	Title string `json:"title"` // as the calendar has it
	Found string `json:"found"` // how the conference differs
	Left  bool   `json:"left"`  // it was so again after an update, and is left as it is
}

// Failed tells whether an account could not be looked at to the end.
func (s *Sweep) Failed() bool {
	for _, a := range s.Accounts {
		if a.Problem != "" {
			return true
		}
	}
	return false
}

// A Restore is the finding that the database is an older copy that was put back: its strays are
// perhaps conferences of events that it has forgotten.
type Restore struct {
	Found     time.Time `json:"found,omitzero"`
	Why       string    `json:"why,omitempty"`
	Confirmed time.Time `json:"confirmed,omitzero"` // zero: not yet
	Who       string    `json:"who,omitempty"`      // confirmed it
}

// InForce tells whether only looking is allowed.
func (r Restore) InForce() bool { return !r.Found.IsZero() && r.Confirmed.IsZero() }

// The names under which sweeps keep what outlives them.
const (
	metaSweep      = "sweep"
	metaRestore    = "sweep.restore"
	metaDeviations = "sweep.deviations"
)

// LastSweep reads what the last sweep came to; ok is false if there was none.
func LastSweep(tx *store.Tx) (s Sweep, ok bool, err error) {
	ok, err = readMeta(tx, metaSweep, &s)
	return s, ok, err
}

// RestoreOf reads whether the database was found to be an older copy; the zero Restore: it was not.
func RestoreOf(tx *store.Tx) (r Restore, err error) {
	_, err = readMeta(tx, metaRestore, &r)
	return r, err
}

// ConfirmRestore takes the restored database as it is, in who's name; ok is false if nothing is to
// be confirmed. Every live room is brought up to date anew, with its people: what its row says of the
// service is of before.
func ConfirmRestore(tx *store.Tx, who string) (ok bool, err error) {
	r, err := RestoreOf(tx)
	if err != nil || !r.InForce() {
		return false, err
	}
	r.Confirmed, r.Who = tx.Now(), who
	rooms, err := tx.RoomsInState(string(conference.RoomLive))
	if err != nil {
		return false, fmt.Errorf("read the live rooms: %w", err)
	}
	for i := range rooms {
		if err := distrust(tx, &rooms[i]); err != nil {
			return false, err
		}
	}
	return true, writeMeta(tx, metaRestore, r)
}

// distrust has a room's meeting, people and status looked at as if nothing were known of them.
func distrust(tx *store.Tx, room *store.Room) error {
	m, err := decodeMeeting(room.Meeting)
	if err != nil {
		m = conference.Meeting{}
	}
	text, err := encodeMeeting(conference.Meeting{Key: room.Key, Start: m.Start, End: m.End})
	if err != nil {
		return err
	}
	room.Meeting, room.People, room.AskAt = text, "", tx.Now()
	if err := tx.PutRoom(room); err != nil {
		return fmt.Errorf("have room %d brought up to date: %w", room.ID, err)
	}
	if err := tx.TouchWork(Kind, room.BookingID, tx.Now()); err != nil {
		return fmt.Errorf("touch booking %d: %w", room.BookingID, err)
	}
	return nil
}

// keptItems bounds each list that is kept of a sweep.
const keptItems = 50

// kept is s without the tails of long lists.
func (s Sweep) kept() Sweep {
	accounts := make([]AccountSweep, len(s.Accounts))
	for i, a := range s.Accounts {
		a.Strays = a.Strays[:min(len(a.Strays), keptItems)]
		a.Drifted = a.Drifted[:min(len(a.Drifted), keptItems)]
		a.Missing = a.Missing[:min(len(a.Missing), keptItems)]
		accounts[i] = a
	}
	s.Accounts = accounts
	return s
}

func readMeta(tx *store.Tx, name string, into any) (ok bool, err error) {
	text, err := tx.Meta(name)
	if err != nil || text == "" {
		return false, err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return false, fmt.Errorf("decode %s: %w", name, err)
	}
	return true, nil
}

func writeMeta(tx *store.Tx, name string, from any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return tx.SetMeta(name, string(text))
}

// deleted counts what was deleted.
func (s *Sweep) deleted() (n int) {
	for _, a := range s.Accounts {
		n += a.Deleted
	}
	return n
}

// after adds what the run before, which had no time for all, has done.
func (s Sweep) after(before Sweep) Sweep {
	s.Touched += before.Touched
	for i := range s.Accounts {
		a := &s.Accounts[i]
		for _, b := range before.Accounts {
			if b.Name != a.Name {
				continue
			}
			a.Deleted += b.Deleted
			a.Drifted = append(b.Drifted, a.Drifted...)
			a.Missing = append(b.Missing, a.Missing...)
			for _, stray := range b.Strays {
				if stray.Deleted {
					a.Strays = append(a.Strays, stray)
				}
			}
		}
	}
	return s
}
