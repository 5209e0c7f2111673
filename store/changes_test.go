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
