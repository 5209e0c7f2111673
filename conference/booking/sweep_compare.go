package booking

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"joinery/conference"
	"joinery/store"
)

// A comparison is all that compare looks at: one account as its service lists it, beside our rows.
type comparison struct {
	account string
	prefix  string // of our keys
	listed  []conference.Listed
	began   time.Time // the listing; rows that changed since are left for the next one

	rows   map[string]store.Room // by key: the rows of the listed keys, at whatever account
	unsure map[string]bool       // keys of rooms at whose making an answer was lost: there may be two
	live   []store.Room          // the account's live rooms whose time is not over
	strays []store.Stray         // those remembered of the account
	seen   map[int64]deviation   // the last one of a room
	last   int64                 // the highest id that a room ever had
	// confirmed is when an administrator last took responsibility for a restored database.
	confirmed time.Time

	now    time.Time
	keep   time.Duration // how long a stray is left alone
	titles int           // the service's limit
}

// A deviation is how a room's conference was last found to differ, and from which meeting.
type deviation struct {
	Found string `json:"found"` // in words
	Sent  string `json:"sent"`  // digest of the row's meeting then
	Mark  string `json:"mark"`  // digest of the meeting that the row got instead
	Told  bool   `json:"told"`  // that it is left as it is
}

// A difference is a room whose conference is not as it was last brought to, or not listed at all.
type difference struct {
	room  store.Room
	found string // in words
	title string
	start time.Time
	asked bool // the status must be asked for first: it was not listed
	// missing: the conference was not listed at all.
	missing bool
	left    bool // the same was found after an update: it is left as it is
	ended   bool // its meeting has ended before its time: the reconciler is to hear of it
}

// A plan is what compare comes to.
type plan struct {
	ours, others, live int
	strays             []Stray
	forget             []string // refs of remembered strays that are none any more
	drifted, missing   []difference
	ended              []difference // meetings of live rooms that were ended before their time
	settled            []int64      // rooms that are as they should be
	highest            int64        // id of the listed keys
	restored           string       // why the database is taken for an older copy; empty: it is not
}

// maxSkip bounds how far above ours the id in a key may be: a tag that somebody made up must not
// use up all ids.
const maxSkip = 1_000_000_000

// keyID is the id of a room in its key. Keys of another installation, and what only begins like
// ours, have none.
func (c *comparison) keyID(key string) (int64, bool) {
	digits, ok := strings.CutPrefix(key, c.prefix)
	if !ok || digits == "" || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, err == nil && id-c.last <= maxSkip
}

// compare says how the account and the rows differ. It is pure.
func compare(c comparison) plan {
	p := plan{live: len(c.live)}
	present := map[int64]bool{}
	listed := map[string]bool{}
	foreign := 0 // doubles of a key that were surely made for other meetings
	for _, l := range c.listed {
		id, ok := c.keyID(l.Key)
		if !ok {
			p.others++
			continue
		}
		p.ours++
		p.highest = max(p.highest, id)
		row, known := c.rows[l.Key]
		if known && belongs(&row, l) {
			present[row.ID] = true
			c.drift(&p, row, l)
			continue
		}
		if l.Status == conference.StatusEnded {
			continue // history
		}
		s := c.stray(l)
		listed[s.Ref] = true
		if known && len(row.Refs) > 0 && !sameRefs(l.Room.Refs, row.Refs) && !c.unsure[l.Key] {
			s.Kept = "it may be somebody's copy: it carries the key of a room whose conference is another"
		}
		p.strays = append(p.strays, s)
		if known && conference.RoomState(row.State) != conference.RoomGone && s.Since.After(c.confirmed) && otherMeeting(&row, l) {
			foreign++
		}
	}
	for _, s := range c.strays {
		if !listed[s.Ref] {
			p.forget = append(p.forget, s.Ref)
		}
	}
	for _, row := range c.live {
		waits := c.seen[row.ID].Mark == digest(row.Meeting) // for the reconciler, since an earlier sweep
		if !present[row.ID] && len(row.Refs) > 0 && !row.Unclear && row.Updated.Before(c.began) && !waits {
			d := difference{room: row, found: "it is not there", asked: true, missing: true}
			d.left = c.again(d)
			p.missing = append(p.missing, d)
		}
	}
	switch {
	case p.highest > c.last:
		p.restored = fmt.Sprintf("a conference carries the key %s%d, and no room ever had a number above %d", c.prefix, p.highest, c.last)
	case foreign > 1:
		p.restored = fmt.Sprintf("%d keys of rooms are carried by conferences of other meetings too", foreign)
	}
	return p
}

// belongs tells whether a listed conference is the one of its key's row, or the reconciler is
// still at that room.
func belongs(row *store.Room, l conference.Listed) bool {
	switch conference.RoomState(row.State) {
	case conference.RoomGone:
		return false
	case conference.RoomLive, conference.RoomLeft, conference.RoomHistory:
		if len(row.Refs) == 0 {
			return true
		}
		for name, ref := range l.Room.Refs {
			if row.Refs[name] == ref {
				return true
			}
		}
		return false
	}
	return true
}

// otherMeeting tells whether l surely was not made for row's meeting.
func otherMeeting(row *store.Room, l conference.Listed) bool {
	m, err := decodeMeeting(row.Meeting)
	return err == nil && !l.Start.IsZero() && !sameMinute(m.Start, l.Start) && m.Title != l.Title
}

// stray is what is remembered of l.
func (c *comparison) stray(l conference.Listed) Stray {
	s := Stray{Key: l.Key, Ref: l.Ref, Title: l.Title, Start: l.Start, Since: c.now, listed: l}
	for _, known := range c.strays {
		if known.Ref == l.Ref && l.Ref != "" {
			s.Since = known.Seen
			s.Due = l.Status != conference.StatusLive && !known.Seen.Add(c.keep).After(c.now)
		}
	}
	return s
}

// drift notes whether row's conference is not as it was last brought to.
func (c *comparison) drift(p *plan, row store.Room, l conference.Listed) {
	switch {
	case conference.RoomState(row.State) != conference.RoomLive, row.Provider != c.account, row.Unclear,
		!row.Updated.Before(c.began), !row.End.After(c.now), l.Status == conference.StatusLive:
		return
	case l.Status == conference.StatusEnded:
		if conference.Status(row.Status) != conference.StatusEnded {
			p.ended = append(p.ended, difference{room: row, found: "its meeting has ended", ended: true})
		}
		return
	}
	m, err := decodeMeeting(row.Meeting)
	if err != nil {
		return // the reconciler brings it up to date by itself
	}
	var found []string
	want := conference.FitTitle(m.Title, c.titles)
	if got := conference.FitTitle(l.Title, c.titles); got != want && want != "" && l.Title != "" {
		found = append(found, fmt.Sprintf("its title is %q", got))
	}
	if !l.Start.IsZero() && !sameMinute(l.Start, m.Start) {
		found = append(found, "it starts "+l.Start.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if len(found) == 0 {
		if c.seen[row.ID].Mark != digest(row.Meeting) {
			p.settled = append(p.settled, row.ID)
		}
		return
	}
	d := difference{room: row, found: strings.Join(found, ", "), title: l.Title, start: l.Start, asked: l.Status == ""}
	d.left = c.again(d)
	p.drifted = append(p.drifted, d)
}

// differing are the rooms that differ, by number.
func (p *plan) differing() []difference {
	all := slices.Concat(p.missing, p.drifted, p.ended)
	slices.SortFunc(all, func(a, b difference) int { return cmp.Compare(a.room.ID, b.room.ID) })
	return all
}

// again tells whether an update to the same meeting came to the same: the service has its own way.
func (c *comparison) again(d difference) bool {
	last, ok := c.seen[d.room.ID]
	return ok && last.Found == d.found && last.Sent == digest(d.room.Meeting)
}

// sameMinute compares planned starts: services know no seconds.
func sameMinute(a, b time.Time) bool {
	return a.Truncate(time.Minute).Equal(b.Truncate(time.Minute))
}

// marked is the meeting that a room's row gets so that the reconciler updates it: what the service
// has, as far as it was told.
func (d difference) marked() (string, error) {
	m, err := decodeMeeting(d.room.Meeting)
	if err != nil {
		m = conference.Meeting{Key: d.room.Key}
	}
	long := m.Duration()
	m.Start, m.End = d.start, d.start.Add(long)
	if !d.missing {
		m.Title = d.title
	}
	return encodeMeeting(m)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// brake is how many conferences one run may delete of so many of ours.
func brake(ours int) int { return max(5, ours*5/100) }

// byAge sorts the oldest first.
func byAge(strays []Stray) {
	slices.SortStableFunc(strays, func(a, b Stray) int { return a.Since.Compare(b.Since) })
}
