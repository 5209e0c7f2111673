package booking

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/store"
)

var sweepNow = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// comparisonOf is an account "a" of the installation abc, whose rooms have got to number 20.
func comparisonOf(t *testing.T, change ...func(*comparison)) comparison {
	t.Helper()
	c := comparison{
		account: "a", prefix: "abc-", began: sweepNow, last: 20,
		rows: map[string]store.Room{}, now: sweepNow, keep: 24 * time.Hour, titles: 20,
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// aRoom is the row of the room id at a, for a meeting in two days, with the conference eID.
func aRoom(t *testing.T, id int64, state conference.RoomState, change ...func(*store.Room)) func(*comparison) {
	t.Helper()
	m := conference.Meeting{Key: fmt.Sprintf("abc-%d", id), Title: "Plans", Start: sweepNow.Add(48 * time.Hour), End: sweepNow.Add(49 * time.Hour)}
	text, err := encodeMeeting(m)
	if err != nil {
		t.Fatal(err)
	}
	r := store.Room{ID: id, BookingID: id, Provider: "a", Key: m.Key, State: string(state), Meeting: text, Start: m.Start, End: m.End,
		Refs: map[string]string{"event": fmt.Sprintf("e%d", id)}, Updated: sweepNow.Add(-time.Hour)}
	for _, f := range change {
		f(&r)
	}
	return func(c *comparison) {
		c.rows[r.Key] = r
		if r.State == string(conference.RoomLive) && r.Provider == c.account {
			c.live = append(c.live, r)
		}
	}
}

// aConference is listed with key, as the meeting of aRoom, planned.
func aConference(key, event string, change ...func(*conference.Listed)) func(*comparison) {
	l := conference.Listed{Key: key, Ref: event, Title: "Plans", Start: sweepNow.Add(48 * time.Hour), Status: conference.StatusPlanned,
		Room: conference.Room{Refs: map[string]string{"event": event}}}
	for _, f := range change {
		f(&l)
	}
	return func(c *comparison) { c.listed = append(c.listed, l) }
}

func status(s conference.Status) func(*conference.Listed) {
	return func(l *conference.Listed) { l.Status = s }
}

// remembered is a stray that was first seen so long ago.
func remembered(ref string, ago time.Duration) func(*comparison) {
	return func(c *comparison) {
		c.strays = append(c.strays, store.Stray{Provider: c.account, Ref: ref, Seen: c.now.Add(-ago)})
	}
}

// summary is a plan in words: numbers, then what is to be done.
func (p plan) summary() string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	add("ours %d others %d live %d", p.ours, p.others, p.live)
	for _, s := range p.strays {
		add("stray %s%s", s.Ref, map[bool]string{true: " due"}[s.Due])
	}
	for _, ref := range p.forget {
		add("forget %s", ref)
	}
	for _, d := range p.missing {
		add("missing %d%s", d.room.ID, map[bool]string{true: " left"}[d.left])
	}
	for _, d := range p.drifted {
		add("drift %d: %s%s", d.room.ID, d.found, map[bool]string{true: " left"}[d.left])
	}
	for _, d := range p.ended {
		add("ended %d", d.room.ID)
	}
	slices.Sort(out[1:])
	if p.restored != "" {
		add("restored")
	}
	return strings.Join(out, "; ")
}

func TestCompare(t *testing.T) {
	live, gone := conference.RoomLive, conference.RoomGone
	old := 25 * time.Hour
	type changes []func(*comparison)
	for _, test := range []struct {
		name    string
		changes changes
		want    string
	}{
		{"nothing", nil, "ours 0 others 0 live 0"},
		{"as it should be", changes{aRoom(t, 1, live), aConference("abc-1", "e1")}, "ours 1 others 0 live 1"},

		// What is ours at all.
		{"keys of others", changes{
			aConference("abcd-1", "x1"), aConference("ab-1", "x2"), aConference("abc-", "x3"), aConference("abc-1x", "x4"), aConference("abc-01", "x5"),
			aConference("abc--1", "x6"), aConference("abc-+1", "x7"), aConference("abc-0", "x8"), aConference("abc-1-2", "x9"), aConference("", "x10"),
			aConference("abc-99999999999999999999", "x11"), aConference("abc-9223372036854775807", "x12"), aConference("marketing", "x13"),
			remembered("x1", old), remembered("x4", old),
		}, "ours 0 others 13 live 0; forget x1; forget x4"},

		// Strays.
		{"without a room, seen first", changes{aConference("abc-2", "e2")}, "ours 1 others 0 live 0; stray e2"},
		{"without a room, young", changes{aConference("abc-2", "e2"), remembered("e2", 23*time.Hour)}, "ours 1 others 0 live 0; stray e2"},
		{"without a room, old", changes{aConference("abc-2", "e2"), remembered("e2", old)}, "ours 1 others 0 live 0; stray e2 due"},
		{"just old enough", changes{aConference("abc-2", "e2"), remembered("e2", 24*time.Hour)}, "ours 1 others 0 live 0; stray e2 due"},
		{"old and live", changes{aConference("abc-2", "e2", status(conference.StatusLive)), remembered("e2", old)}, "ours 1 others 0 live 0; stray e2"},
		{"ended before its time", changes{aRoom(t, 1, live), aConference("abc-1", "e1", status(conference.StatusEnded))}, "ours 1 others 0 live 1; ended 1"},
		{"ended before its time, as is known", changes{aRoom(t, 1, live, func(r *store.Room) { r.Status = string(conference.StatusEnded) }), aConference("abc-1", "e1", status(conference.StatusEnded))}, "ours 1 others 0 live 1"},
		{"took place", changes{aConference("abc-2", "e2", status(conference.StatusEnded)), remembered("e2", old)}, "ours 1 others 0 live 0; forget e2"},
		{"status unknown", changes{aConference("abc-2", "e2", status("")), remembered("e2", old)}, "ours 1 others 0 live 0; stray e2 due"},
		{"without reference", changes{aConference("abc-2", "")}, "ours 1 others 0 live 0; stray "},
		{"room gone", changes{aRoom(t, 1, gone), aConference("abc-1", "e1"), remembered("e1", old)}, "ours 1 others 0 live 0; stray e1 due"},
		{"not listed any more", changes{remembered("e2", old)}, "ours 0 others 0 live 0; forget e2"},
		{"has a room again", changes{aRoom(t, 1, live), aConference("abc-1", "e1"), remembered("e1", old)}, "ours 1 others 0 live 1; forget e1"},
		{"intended", changes{aRoom(t, 1, conference.RoomIntended), aConference("abc-1", "x1"), remembered("x1", old)}, "ours 1 others 0 live 0; forget x1"},
		{"creating", changes{aRoom(t, 1, conference.RoomCreating), aConference("abc-1", "x1"), remembered("x1", old)}, "ours 1 others 0 live 0; forget x1"},
		{"releasing", changes{aRoom(t, 1, conference.RoomReleasing), aConference("abc-1", "x1"), remembered("x1", old)}, "ours 1 others 0 live 0; forget x1"},
		{"unknown state", changes{aRoom(t, 1, "later"), aConference("abc-1", "x1")}, "ours 1 others 0 live 0"},
		{"history", changes{aRoom(t, 1, conference.RoomHistory), aConference("abc-1", "e1")}, "ours 1 others 0 live 0"},
		{"left", changes{aRoom(t, 1, conference.RoomLeft), aConference("abc-1", "e1", status(conference.StatusLive))}, "ours 1 others 0 live 0"},
		{"a double", changes{aRoom(t, 1, live), aConference("abc-1", "e9"), aConference("abc-1", "e1"), aConference("abc-1", "e8"), remembered("e8", old)},
			"ours 3 others 0 live 1; stray e8 due; stray e9"},
		{"a double of history", changes{aRoom(t, 1, conference.RoomHistory), aConference("abc-1", "e9")}, "ours 1 others 0 live 0; stray e9"},
		{"of another account that is the same organisation", changes{aRoom(t, 1, live, func(r *store.Room) { r.Provider = "b" }),
			aConference("abc-1", "e1", func(l *conference.Listed) { l.Title = "Renamed" })}, "ours 1 others 0 live 0"},

		// Missing.
		{"missing", changes{aRoom(t, 1, live)}, "ours 0 others 0 live 1; missing 1"},
		{"its key is carried by another only", changes{aRoom(t, 1, live), aConference("abc-1", "e9")}, "ours 1 others 0 live 1; missing 1; stray e9"},
		{"renamed, over", changes{aRoom(t, 1, live, func(r *store.Room) { r.End = sweepNow }), aConference("abc-1", "e1", func(l *conference.Listed) { l.Title = "Party" })}, "ours 1 others 0 live 1"},
		{"missing, made meanwhile", changes{aRoom(t, 1, live, func(r *store.Room) { r.Updated = sweepNow.Add(time.Second) })}, "ours 0 others 0 live 1"},
		{"missing, being updated", changes{aRoom(t, 1, live, func(r *store.Room) { r.Unclear = true })}, "ours 0 others 0 live 1"},

		// Drift.
		{"renamed", changes{aRoom(t, 1, live), aConference("abc-1", "e1", func(l *conference.Listed) { l.Title = "Party" })},
			`ours 1 others 0 live 1; drift 1: its title is "Party"`},
		{"moved", changes{aRoom(t, 1, live), aConference("abc-1", "e1", func(l *conference.Listed) { l.Start = l.Start.Add(time.Hour) })},
			"ours 1 others 0 live 1; drift 1: it starts 2026-03-12 13:00 UTC"},
		{"moved by seconds", changes{aRoom(t, 1, live), aConference("abc-1", "e1", func(l *conference.Listed) { l.Start = l.Start.Add(59 * time.Second) })}, "ours 1 others 0 live 1"},
		{"another zone", changes{aRoom(t, 1, live), aConference("abc-1", "e1", func(l *conference.Listed) { l.Start = l.Start.In(time.FixedZone("", 3600)) })}, "ours 1 others 0 live 1"},
		{"cut title", changes{aRoom(t, 1, live, titled("A very long title that is cut")), aConference("abc-1", "e1", func(l *conference.Listed) { l.Title = "A very long title th " })}, "ours 1 others 0 live 1"},
		{"no title here", changes{aRoom(t, 1, live, titled("")), aConference("abc-1", "e1")}, "ours 1 others 0 live 1"},
		{"not told", changes{aRoom(t, 1, live), aConference("abc-1", "e1", func(l *conference.Listed) { l.Title, l.Start = "", time.Time{} })}, "ours 1 others 0 live 1"},
		{"renamed while live", changes{aRoom(t, 1, live), aConference("abc-1", "e1", status(conference.StatusLive), func(l *conference.Listed) { l.Title = "Party" })}, "ours 1 others 0 live 1"},
		{"renamed while updated", changes{aRoom(t, 1, live, func(r *store.Room) { r.Unclear = true }), aConference("abc-1", "e1", func(l *conference.Listed) { l.Title = "Party" })}, "ours 1 others 0 live 1"},
		{"updated since", changes{aRoom(t, 1, live, func(r *store.Room) { r.Updated = sweepNow }), aConference("abc-1", "e1", func(l *conference.Listed) { l.Title = "Party" })}, "ours 1 others 0 live 1"},
		{"history renamed", changes{aRoom(t, 1, conference.RoomHistory), aConference("abc-1", "e1", func(l *conference.Listed) { l.Title = "Party" })}, "ours 1 others 0 live 0"},

		// An older copy of the database.
		{"a later key", changes{aConference("abc-21", "e21")}, "ours 1 others 0 live 0; stray e21; restored"},
		{"a later key of a meeting that took place", changes{aConference("abc-21", "e21", status(conference.StatusEnded))}, "ours 1 others 0 live 0; restored"},
		{"the last key", changes{aConference("abc-20", "e20")}, "ours 1 others 0 live 0; stray e20"},
		{"keys given twice", changes{aRoom(t, 1, live), aRoom(t, 2, live), aConference("abc-1", "e1"), aConference("abc-2", "e2"),
			aConference("abc-1", "x1", other), aConference("abc-2", "x2", other)}, "ours 4 others 0 live 2; stray x1; stray x2; restored"},
		{"keys given twice, confirmed", changes{aRoom(t, 1, live), aRoom(t, 2, live), aConference("abc-1", "e1"), aConference("abc-2", "e2"),
			aConference("abc-1", "x1", other), aConference("abc-2", "x2", other), remembered("x1", 2*time.Hour), remembered("x2", 2*time.Hour),
			func(c *comparison) { c.confirmed = c.now.Add(-time.Hour) }}, "ours 4 others 0 live 2; stray x1; stray x2"},
		{"doubles of the same meetings", changes{aRoom(t, 1, live), aRoom(t, 2, live), aConference("abc-1", "e1"), aConference("abc-2", "e2"),
			aConference("abc-1", "x1"), aConference("abc-2", "x2")}, "ours 4 others 0 live 2; stray x1; stray x2"},
	} {
		if got := compare(comparisonOf(t, test.changes...)).summary(); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

func other(l *conference.Listed) { l.Title, l.Start = "Another", l.Start.Add(27*time.Hour) }

func titled(title string) func(*store.Room) {
	return func(r *store.Room) {
		m, _ := decodeMeeting(r.Meeting)
		m.Title = title
		r.Meeting, _ = encodeMeeting(m)
	}
}

// A conference that comes out the same after an update is left as it is, until it changes or the
// calendar does; a room that waits for its update is not marked again.
func TestCompareAgain(t *testing.T) {
	party := func(l *conference.Listed) { l.Title = "Party" }
	first := compare(comparisonOf(t, aRoom(t, 1, conference.RoomLive), aConference("abc-1", "e1", party)))
	if len(first.drifted) != 1 {
		t.Fatalf("got %s", first.summary())
	}
	d := first.drifted[0]
	mark, err := d.marked()
	if err != nil || mark == d.room.Meeting {
		t.Fatalf("marked: got %q, %v; want another meeting than %q", mark, err, d.room.Meeting)
	}
	seen := func(c *comparison) {
		c.seen = map[int64]deviation{1: {Found: d.found, Sent: digest(d.room.Meeting), Mark: digest(mark)}}
	}
	waits := func(r *store.Room) { r.Meeting = mark }
	for _, test := range []struct {
		name    string
		room    func(*store.Room)
		listed  func(*conference.Listed)
		want    string
		settled int
	}{
		{"not updated yet", waits, party, "ours 1 others 0 live 1", 0},
		{"the same again", func(*store.Room) {}, party, `ours 1 others 0 live 1; drift 1: its title is "Party" left`, 0},
		{"another name", func(*store.Room) {}, func(l *conference.Listed) { l.Title = "Feast" }, `ours 1 others 0 live 1; drift 1: its title is "Feast"`, 0},
		{"the calendar changed", titled("Plan B"), party, `ours 1 others 0 live 1; drift 1: its title is "Party"`, 0},
		{"set right", func(*store.Room) {}, func(*conference.Listed) {}, "ours 1 others 0 live 1", 1},
	} {
		p := compare(comparisonOf(t, aRoom(t, 1, conference.RoomLive, test.room), aConference("abc-1", "e1", test.listed), seen))
		if got := p.summary(); got != test.want || len(p.settled) != test.settled {
			t.Errorf("%s:\ngot  %s, settled %v\nwant %s, %d", test.name, got, p.settled, test.want, test.settled)
		}
	}

	missing := compare(comparisonOf(t, aRoom(t, 1, conference.RoomLive))).missing[0]
	mark, err = missing.marked()
	if err != nil || mark == missing.room.Meeting {
		t.Fatalf("marked: got %q, %v", mark, err)
	}
	got := compare(comparisonOf(t, aRoom(t, 1, conference.RoomLive, waits), func(c *comparison) {
		c.seen = map[int64]deviation{1: {Found: missing.found, Mark: digest(mark)}}
	})).summary()
	if want := "ours 0 others 0 live 1"; got != want {
		t.Errorf("a missing one that waits: got %s, want %s", got, want)
	}
}

func TestBrake(t *testing.T) {
	for ours, want := range map[int]int{0: 5, 5: 5, 100: 5, 119: 5, 120: 6, 1000: 50} {
		if got := brake(ours); got != want {
			t.Errorf("of %d: got %d, want %d", ours, got, want)
		}
	}
}
