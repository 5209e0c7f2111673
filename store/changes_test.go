package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

// A member is put, deleted or moved by one line of a script: "put a", "del a", "mv a b" (within the
// calendar), "out a" (into another one).
func play(t *testing.T, s *store.Store, calendarID, otherID int64, script string) {
	t.Helper()
	for line := range strings.SplitSeq(script, ";") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		update(t, s, func(tx *store.Tx) error {
			o, err := tx.ObjectByName(calendarID, words[1])
			switch {
			case words[0] == "put" && err != nil:
				return tx.PutObject(&store.Object{CalendarID: calendarID, Name: words[1], UID: words[1], Data: []byte("x")})
			case words[0] == "put":
				return tx.PutObject(o)
			case err != nil:
				return err
			case words[0] == "del":
				return tx.DeleteObject(o.ID)
			case words[0] == "mv":
				return tx.MoveObject(o.ID, calendarID, words[2])
			case words[0] == "out":
				return tx.MoveObject(o.ID, otherID, words[1])
			}
			return fmt.Errorf("unknown line %q", line)
		})
	}
}

func changesSince(t *testing.T, s *store.Store, calendarID, since int64, limit int) (names string, upTo int64, more bool) {
	t.Helper()
	view(t, s, func(tx *store.Tx) error {
		changes, to, rest, err := tx.Changes(calendarID, since, limit)
		var list []string
		for _, c := range changes {
			name := c.Name
			if c.Removed {
				name = "-" + name
			}
			list = append(list, name)
		}
		names, upTo, more = strings.Join(list, " "), to, rest
		return err
	})
	return names, upTo, more
}

func TestChanges(t *testing.T) {
	for _, tt := range []struct{ name, before, after, want, members string }{
		{"nothing", "put a", "", "", "a"},
		{"created", "put a", "put b", "b", "a b"},
		{"changed twice", "put a; put b", "put a; put b; put a", "b a", "b a"},
		{"removed", "put a; put b", "del a", "-a", "b"},
		{"created and removed", "put a", "put b; del b", "-b", "a"},
		{"removed and created", "put a; put b", "del a; put a", "a", "b a"},
		{"created, removed and created", "put a", "put b; del b; put b", "b", "a b"},
		{"removed before", "put a; del a", "put b", "b", "b"},
		{"renamed", "put a; put b", "mv a c", "c -a", "b c"},
		{"renamed there and back", "put a", "mv a c; mv c a", "a -c", "a"},
		{"renamed onto itself", "put a", "mv a a", "", "a"},
		{"renamed to a removed name", "put a; put b; del b", "mv a b", "b -a", "b"},
		{"moved out", "put a; put b", "out a", "-a", "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openStore(t, store.Options{})
			c := newCalendar(t, s, "anna")
			other := newCalendar(t, s, "boris")
			play(t, s, c.ID, other.ID, tt.before)
			_, token, _ := changesSince(t, s, c.ID, 0, 0)
			play(t, s, c.ID, other.ID, tt.after)
			got, upTo, more := changesSince(t, s, c.ID, token, 0)
			if got != tt.want || more {
				t.Errorf("changes: got %q (more %v), want %q", got, more, tt.want)
			}
			if got, _, _ := changesSince(t, s, c.ID, 0, 0); got != tt.members {
				t.Errorf("members: got %q, want %q", got, tt.members)
			}
			if got, again, _ := changesSince(t, s, c.ID, upTo, 0); got != "" || again != upTo {
				t.Errorf("since upTo: got %q and token %d, want nothing and %d", got, again, upTo)
			}
			// In pages of one the same comes out.
			var paged []string
			for since, more := token, true; more; {
				var name string
				name, since, more = changesSince(t, s, c.ID, since, 1)
				if name != "" {
					paged = append(paged, name)
				}
				if !more && since != upTo {
					t.Errorf("last page's token: got %d, want %d", since, upTo)
				}
			}
			if got := strings.Join(paged, " "); got != tt.want {
				t.Errorf("pages: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMovedObjectKeepsItself(t *testing.T) {
	s := openStore(t, store.Options{})
	anna, boris := newCalendar(t, s, "anna"), newCalendar(t, s, "boris")
	o := &store.Object{CalendarID: anna.ID, Name: "a", UID: "u", Data: []byte("x"), ETag: "e"}
	put(t, s, o)
	put(t, s, &store.Object{CalendarID: boris.ID, Name: "taken", UID: "v", Data: []byte("y")})
	wantErr(t, "move onto another", s.Update(t.Context(), func(tx *store.Tx) error {
		return tx.MoveObject(o.ID, boris.ID, "taken")
	}), store.ErrExists)
	update(t, s, func(tx *store.Tx) error { return tx.MoveObject(o.ID, boris.ID, "b") })
	view(t, s, func(tx *store.Tx) error {
		got, err := tx.ObjectByName(boris.ID, "b")
		if err != nil {
			return err
		}
		if got.ID != o.ID || got.UserID != boris.UserID || got.ETag != "e" {
			t.Errorf("moved: got %+v", got)
		}
		mine, err := tx.ObjectsByUID(boris.UserID, "u", 0)
		if len(mine) != 1 {
			t.Errorf("the new owner has %d of the UID, want 1", len(mine))
		}
		if others, err := tx.ObjectsByUID(boris.UserID, "u", o.ID); err != nil || len(others) != 0 {
			t.Errorf("besides it the new owner has %d of the UID (%v), want none", len(others), err)
		}
		return err
	})
	if got, _, _ := changesSince(t, s, anna.ID, 1, 0); got != "-a" {
		t.Errorf("changes at the old place: got %q, want -a", got)
	}
}

// Purging tombstones makes older tokens expire, and no others.
func TestPurgeExpiresTokens(t *testing.T) {
	clock := newClock()
	s := openStore(t, store.Options{Now: clock.now})
	c, untouched := newCalendar(t, s, "anna"), newCalendar(t, s, "boris")
	play(t, s, c.ID, 0, "put a; put b; put c")
	_, old, _ := changesSince(t, s, c.ID, 0, 0)
	_, oldOther, _ := changesSince(t, s, untouched.ID, 0, 0)
	clock.add(time.Hour)
	play(t, s, c.ID, 0, "del a")
	_, fresh, _ := changesSince(t, s, c.ID, old, 0)
	clock.add(time.Hour)
	play(t, s, c.ID, 0, "del b")
	cut := clock.now()
	purge(t, s, cut, 100)

	expired := func(what string, since int64) {
		t.Helper()
		view(t, s, func(tx *store.Tx) error {
			_, _, _, err := tx.Changes(c.ID, since, 0)
			wantErr(t, what, err, store.ErrExpiredToken)
			return nil
		})
	}
	expired("token of before", old)
	expired("negative token", -1)
	_, now, _ := changesSince(t, s, c.ID, fresh, 0)
	expired("token of the future", now+1)
	if got, _, _ := changesSince(t, s, c.ID, fresh, 0); got != "-b" {
		t.Errorf("since the purged tombstone: got %q, want -b", got)
	}
	if got, _, _ := changesSince(t, s, untouched.ID, oldOther, 0); got != "" {
		t.Errorf("other calendar: got %q, want nothing", got)
	}
	// A first sync in pages is never left with a token that is refused.
	play(t, s, c.ID, 0, "put d; put e")
	var members []string
	_, began, _ := changesSince(t, s, c.ID, 0, 0)
	view(t, s, func(tx *store.Tx) error {
		page, upTo, more, err := tx.Changes(c.ID, 0, 1)
		for ; err == nil && len(page) == 1; page, upTo, more, err = tx.MoreMembers(c.ID, upTo, began, 1) {
			members = append(members, page[0].Name)
			if !more {
				break
			}
		}
		return err
	})
	if want := []string{"c", "d", "e"}; !slices.Equal(members, want) {
		t.Errorf("first sync in pages: got %q, want %q", members, want)
	}
	view(t, s, func(tx *store.Tx) error {
		_, _, _, err := tx.MoreMembers(c.ID, 1, old, 1)
		wantErr(t, "first sync that began before the purge", err, store.ErrExpiredToken)
		_, _, _, err = tx.MoreMembers(c.ID, began+1, began, 1)
		wantErr(t, "first sync past its beginning", err, store.ErrExpiredToken)
		return nil
	})
}

// purge purges in batches and returns their number.
func purge(t *testing.T, s *store.Store, before time.Time, limit int) (batches int) {
	t.Helper()
	for more := true; more; batches++ {
		update(t, s, func(tx *store.Tx) (err error) {
			more, err = tx.PurgeHistory(before, limit)
			return err
		})
	}
	return batches
}

// However small the batches, the same is purged in the end, and no token outlives its tombstones.
func TestPurgeInBatches(t *testing.T) {
	for limit, want := range map[int]int{1: 14, 3: 5, 5: 3, 100: 1} {
		clock := newClock()
		s := openStore(t, store.Options{Now: clock.now})
		c := newCalendar(t, s, "anna")
		play(t, s, c.ID, 0, "put a; put b; put c; put d; put d")
		_, token, _ := changesSince(t, s, c.ID, 0, 0)
		play(t, s, c.ID, 0, "del a; del b; del c")
		_, fresh, _ := changesSince(t, s, c.ID, token, 0)
		update(t, s, func(tx *store.Tx) error {
			b := &store.Booking{EventID: 1, PublicID: "b"}
			if err := tx.PutBooking(b); err != nil {
				return err
			}
			r := &store.Room{BookingID: b.ID, Key: "k"}
			if err := tx.PutRoom(r); err != nil {
				return err
			}
			for i := range 3 {
				if err := tx.AddStep(&store.Step{RoomID: r.ID, At: tx.Now()}); err != nil {
					return err
				}
				if err := tx.AddAudit(&store.Audit{UserID: c.UserID, UID: "u", At: tx.Now()}); err != nil {
					return err
				}
				m := &store.Message{EventID: 1, MessageID: fmt.Sprint(i), Body: []byte("b"), State: store.MessageFailed}
				if err := tx.PutMessage(m); err != nil {
					return err
				}
			}
			return nil
		})
		clock.add(time.Hour)
		cut := clock.now()
		// One batch of one row leaves the newest tombstone, but the first token is gone with the oldest.
		if limit == 1 {
			update(t, s, func(tx *store.Tx) error {
				for range 2 {
					if more, err := tx.PurgeHistory(cut, limit); err != nil || !more {
						t.Errorf("first batches: got more %v (%v)", more, err)
					}
				}
				_, _, _, err := tx.Changes(c.ID, token, 0)
				wantErr(t, "token of before", err, store.ErrExpiredToken)
				return nil
			})
			want -= 2
		}
		if got := purge(t, s, cut, limit); got != want {
			t.Errorf("in batches of %d: got %d, want %d", limit, got, want)
		}
		view(t, s, func(tx *store.Tx) error {
			_, _, _, err := tx.Changes(c.ID, token, 0)
			wantErr(t, "token of before", err, store.ErrExpiredToken)
			if changes, _, _, err := tx.Changes(c.ID, fresh, 0); err != nil || len(changes) != 0 {
				t.Errorf("since then: got %v (%v), want nothing", changes, err)
			}
			steps, err := tx.Steps(1)
			if err != nil || len(steps) != 0 {
				t.Errorf("steps: got %v (%v), want none", steps, err)
			}
			audits, err := tx.Audits(c.UserID, "u")
			if err != nil || len(audits) != 0 {
				t.Errorf("audits: got %v (%v), want none", audits, err)
			}
			messages, err := tx.Messages(1)
			for _, m := range messages {
				if m.Size != 0 {
					t.Errorf("message %s keeps its body", m.MessageID)
				}
			}
			return err
		})
	}
}

func TestPurgeHistory(t *testing.T) {
	clock := newClock()
	s := openStore(t, store.Options{Now: clock.now})
	c := newCalendar(t, s, "anna")
	o := &store.Object{CalendarID: c.ID, Name: "a", UID: "u", Data: []byte("1"), ETag: "1"}
	put(t, s, o)
	clock.add(100 * time.Hour) // the first bytes are old, but they were replaced now
	cut := clock.now()
	o.Data, o.ETag = []byte("2"), "2"
	put(t, s, o)
	old := &store.Message{EventID: 1, MessageID: "old", Body: []byte("b"), State: store.MessageSent}
	unsent := &store.Message{EventID: 1, MessageID: "unsent", Body: []byte("b"), State: store.MessageStored}
	update(t, s, func(tx *store.Tx) error {
		if err := tx.AddAudit(&store.Audit{UserID: c.UserID, UID: "u", At: cut.Add(-time.Hour), What: "old"}); err != nil {
			return err
		}
		if err := tx.AddAudit(&store.Audit{UserID: c.UserID, UID: "u", What: "new"}); err != nil {
			return err
		}
		if err := tx.PutMessage(old); err != nil {
			return err
		}
		return tx.PutMessage(unsent)
	})
	check := func(before time.Time, revisions, audits int, body string) {
		t.Helper()
		update(t, s, func(tx *store.Tx) error {
			if more, err := tx.PurgeHistory(before, 100); err != nil || more {
				t.Errorf("purge: got more %v (%v), want all done", more, err)
			}
			r, err := tx.Revisions(o.ID, 0)
			if err != nil || len(r) != revisions {
				t.Errorf("revisions: got %d (%v), want %d", len(r), err, revisions)
			}
			a, err := tx.Audits(c.UserID, "u")
			if err != nil || len(a) != audits {
				t.Errorf("audits: got %d (%v), want %d", len(a), err, audits)
			}
			m, err := tx.MessageByID(old.ID)
			if err != nil || string(m.Body) != body {
				t.Errorf("sent body: got %q (%v), want %q", m.Body, err, body)
			}
			m, err = tx.MessageByID(unsent.ID)
			if err != nil || string(m.Body) != "b" {
				t.Errorf("unsent body: got %q (%v), want it kept", m.Body, err)
			}
			return nil
		})
	}
	check(cut, 1, 1, "b")
	check(cut.Add(time.Hour), 0, 0, "")
}

func TestEachInRange(t *testing.T) {
	s := openStore(t, store.Options{})
	c := newCalendar(t, s, "anna")
	day := func(d int) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return time.Date(2030, 1, d, 0, 0, 0, 0, time.UTC)
	}
	for name, span := range map[string][2]int{"early": {1, 2}, "middle": {10, 12}, "open end": {5, 0}, "open start": {0, 8},
		"late": {25, 26}, "unknown": {0, 0}} {
		put(t, s, &store.Object{CalendarID: c.ID, Name: name, Component: "VEVENT", Data: []byte(name),
			Start: day(span[0]), End: day(span[1])})
	}
	put(t, s, &store.Object{CalendarID: c.ID, Name: "todo", Component: "VTODO", Data: []byte("t")})
	for _, tt := range []struct {
		component string
		from, to  int
		want      []string
	}{
		{"VEVENT", 9, 20, []string{"middle", "open end", "unknown"}},
		{"VEVENT", 11, 11, []string{"middle", "open end", "unknown"}},
		{"VEVENT", 0, 3, []string{"early", "open start", "unknown"}},
		{"VEVENT", 13, 0, []string{"late", "open end", "unknown"}},
		{"VEVENT", 0, 0, []string{"early", "late", "middle", "open end", "open start", "unknown"}},
		{"VTODO", 9, 20, []string{"todo"}},
		{"", 26, 0, []string{"late", "open end", "todo", "unknown"}},
	} {
		view(t, s, func(tx *store.Tx) error {
			var got []string
			err := tx.EachInRange(c.ID, tt.component, store.Range{From: day(tt.from), To: day(tt.to)}, func(o *store.Object) error {
				got = append(got, o.Name)
				if len(o.Data) == 0 {
					t.Errorf("%s comes without data", o.Name)
				}
				return nil
			})
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s %d to %d: got %q, want %q", tt.component, tt.from, tt.to, got, tt.want)
			}
			if err != nil {
				return err
			}
			got = nil
			ids, err := tx.ObjectIDsInRange(c.ID, tt.component, store.Range{From: day(tt.from), To: day(tt.to)})
			for _, id := range ids {
				o, err := tx.MemberByID(id)
				if err != nil {
					return err
				}
				got = append(got, o.Name)
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("ids of %s %d to %d: got %q, want %q", tt.component, tt.from, tt.to, got, tt.want)
			}
			return err
		})
	}
}

// What the ids name is read one by one, in the order of names.
func TestObjectIDs(t *testing.T) {
	s := openStore(t, store.Options{})
	c, other := newCalendar(t, s, "anna"), newCalendar(t, s, "boris")
	for _, name := range []string{"c", "a", "d", "b"} {
		put(t, s, &store.Object{CalendarID: c.ID, Name: name, UID: name, Data: []byte("x")})
	}
	put(t, s, &store.Object{CalendarID: other.ID, Name: "other", UID: "other", Data: []byte("x")})
	play(t, s, c.ID, other.ID, "del d; mv a e")
	view(t, s, func(tx *store.Tx) error {
		ids, err := tx.ObjectIDs(c.ID)
		if err != nil {
			return err
		}
		var names []string
		for _, id := range ids {
			member, err := tx.MemberByID(id)
			if err != nil {
				return err
			}
			whole, err := tx.ObjectByID(id)
			if err != nil {
				return err
			}
			if member.Data != nil || string(whole.Data) != "x" || member.Name != whole.Name || member.CalendarID != c.ID {
				t.Errorf("member: got %+v, want %+v without Data", member, whole)
			}
			names = append(names, member.Name)
		}
		if want := []string{"b", "c", "e"}; !slices.Equal(names, want) {
			t.Errorf("members: got %q, want %q", names, want)
		}
		n, err := tx.CountObjects(c.ID)
		if n != len(names) {
			t.Errorf("count: got %d, want %d", n, len(names))
		}
		_, gone := tx.MemberByID(99)
		wantErr(t, "no such id", gone, store.ErrNotFound)
		return err
	})
}

// Where the database is an older copy no token of before counts, nor one of what it has forgotten, in
// whatever number changes followed; tokens of later do.
func TestExpiredTokens(t *testing.T) {
	s := openStore(t, store.Options{})
	cal, other := newCalendar(t, s, "anna"), newCalendar(t, s, "boris")
	play(t, s, cal.ID, other.ID, "put a; put b; del b")
	update(t, s, func(tx *store.Tx) error { return tx.ExpireTokens() })
	play(t, s, cal.ID, other.ID, "put c; put d; put e; put f")
	names, upTo, _ := changesSince(t, s, cal.ID, 0, 0)
	if names != "a c d e f" {
		t.Errorf("a first list has %q", names)
	}
	for since := int64(1); since < 10; since++ {
		view(t, s, func(tx *store.Tx) error {
			_, _, _, err := tx.Changes(cal.ID, since, 0)
			wantErr(t, fmt.Sprint("a token of ", since), err, store.ErrExpiredToken)
			_, _, _, err = tx.MoreMembers(cal.ID, since-1, since, 0)
			wantErr(t, fmt.Sprint("a first list begun at ", since), err, store.ErrExpiredToken)
			return nil
		})
	}
	play(t, s, cal.ID, other.ID, "del c; put a")
	if names, _, _ := changesSince(t, s, cal.ID, upTo, 0); names != "-c a" {
		t.Errorf("since the first list: %q", names)
	}
}

// Tags are read as they were stored, whatever a name holds; what would break the list of them cannot be stored.
func TestTags(t *testing.T) {
	s := openStore(t, store.Options{})
	c := newCalendar(t, s, "anna")
	names := []string{"plain.ics", "with space, \"quotes\" and 'more'.ics", "встреча.ics", "\u0085\u2028.ics", "", ";|:"}
	for _, name := range names {
		put(t, s, &store.Object{CalendarID: c.ID, Name: name, UID: "u " + name, Component: "VEVENT", Data: []byte("1"), ETag: "e-" + name})
	}
	read := func(after int64, limit int) (got []string) {
		t.Helper()
		view(t, s, func(tx *store.Tx) error {
			return tx.EachTag(c.ID, after, limit, func(seq int64, name, component, etag []byte) error {
				if string(component) != "VEVENT" || string(etag) != "e-"+string(name) || seq <= after {
					t.Errorf("got %d %q %q %q", seq, name, component, etag)
				}
				got, after = append(got, string(name)), seq
				return nil
			})
		})
		return got
	}
	if got := read(0, 100); !slices.Equal(got, names) {
		t.Errorf("got %q, want %q", got, names)
	}
	if got := read(0, 2); !slices.Equal(got, names[:2]) {
		t.Errorf("the first two: got %q", got)
	}
	if got := read(1<<40, 100); got != nil {
		t.Errorf("after the last: got %q", got)
	}
	o := &store.Object{CalendarID: c.ID, Name: "ok.ics", UID: "ok", Data: []byte("1"), ETag: "ok"}
	put(t, s, o)
	for _, bad := range []string{"a\x1eb", "a\x1fb", "\n"} {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			return tx.PutObject(&store.Object{CalendarID: c.ID, Name: bad, UID: bad, Data: []byte("1"), ETag: "1"})
		})
		moved := s.Update(t.Context(), func(tx *store.Tx) error { return tx.MoveObject(o.ID, c.ID, bad) })
		if err == nil || moved == nil {
			t.Errorf("%q was taken: %v, %v", bad, err, moved)
		}
	}
}
