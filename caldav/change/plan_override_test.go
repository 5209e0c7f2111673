package change

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// The series of these tests is weekly from 9 March 2027, 12:00 UTC, on.
const (
	weeklyRule = "RRULE:FREQ=WEEKLY"
	secondKey  = "20270316T120000Z"
	joinPages  = "https://joinery.example/j/"
	seriesLink = joinPages + "series"
	singleLink = joinPages + "single"
)

// parseSeries parses a weekly series with its second occurrence as an override; no lines: without it.
func parseSeries(t *testing.T, master, second []string) *ical.Event {
	t.Helper()
	lines := append([]string{when, weeklyRule}, master...)
	if second != nil {
		lines = append(lines, "END:VEVENT", "BEGIN:VEVENT", "UID:u", "RECURRENCE-ID:"+secondKey, "DTSTART:20270316T130000Z", "DTEND:20270316T140000Z")
		lines = append(lines, second...)
	}
	e := parseEvent(t, lines...)
	if e == nil {
		t.Fatalf("cannot be parsed: %q", lines)
	}
	return e
}

// linkedBy are the lines of a component with a link.
func linkedBy(link string, more ...string) []string {
	return append([]string{"LOCATION:" + link, `DESCRIPTION:----( Video Call )----\nMTS Link\n` + link + `\n---===---`, "URL:" + link, "CONFERENCE;VALUE=URI:" + link}, more...)
}

func seriesBooking(state store.BookingState, id int64, key, link string) *store.Booking {
	b := &store.Booking{ID: id, EventID: 3, UserID: 7, PublicID: fmt.Sprint("b", id), RecurrenceID: key, State: state, Since: planNow.Add(-time.Hour),
		Provider: "one", Kind: "webinar", Generation: 1, By: []string{ByLocation}, Token: strings.TrimPrefix(link, joinPages)}
	if state == store.BookingWanted || state == store.BookingDropped {
		b.Link, b.InLocation = link, true
		b.Block = "----( Video Call )----\nMTS Link\n" + link + "\n---===---"
	}
	return b
}

// TestPlanOverride holds what an override says of its occurrence, where the event itself has a
// conference (series) or not, and the occurrence has one of its own (single) or not.
func TestPlanOverride(t *testing.T) {
	wanted, removed, dropped := store.BookingWanted, store.BookingRemoved, store.BookingDropped
	type states map[string]string // of bookings after the save, by key: state, account and kind, generation
	linked, single := linkedBy(seriesLink), linkedBy(singleLink)
	bare := []string{"SUMMARY:x"}
	for _, c := range []struct {
		name           string
		series, single store.BookingState // before; empty: there is none
		was, in        [2][]string        // master and override; a nil override is not there
		copied         [2]*Ask
		set            func(*situation)
		want           states
		links          [2]string // that stand in master and override afterwards; empty: none of ours
	}{
		{name: "asks alone", was: [2][]string{bare, nil}, in: [2][]string{bare, {"LOCATION:Webinar"}},
			want: states{secondKey: "wanted one webinar 1"}},
		{name: "asks alone by a category", was: [2][]string{bare, bare}, in: [2][]string{bare, {"CATEGORIES:Second"}},
			want: states{secondKey: "wanted two meeting 1"}},
		{name: "a category that stood there when the conference was removed", series: removed, was: [2][]string{{"CATEGORIES:Webinar"}, {"CATEGORIES:Webinar"}},
			in: [2][]string{{"CATEGORIES:Webinar"}, {"CATEGORIES:Webinar", "SUMMARY:x"}}, want: states{}},
		{name: "an import asks for nothing", in: [2][]string{bare, {"LOCATION:Webinar"}}, set: func(s *situation) { s.imported = true }, want: states{}},
		{name: "master and override in one save", in: [2][]string{{"LOCATION:Webinar"}, {"LOCATION:Webinar"}}, want: states{"": "wanted one webinar 1"}},
		{name: "master and another kind in one save", in: [2][]string{{"LOCATION:Webinar"}, {"LOCATION:Second"}},
			want: states{"": "wanted one webinar 1", secondKey: "wanted two meeting 1"}},
		{name: "follows", series: wanted, was: [2][]string{linked, nil}, in: [2][]string{linked, linked},
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, seriesLink}},
		{name: "the link is deleted in the occurrence", series: wanted, was: [2][]string{linked, nil}, in: [2][]string{linked, linked[1:]},
			want: states{"": "wanted one webinar 1", secondKey: "removed one webinar 0"}, links: [2]string{seriesLink, ""}},
		{name: "LOCATION is the organiser's in the occurrence", series: wanted, was: [2][]string{linked, linked},
			in:   [2][]string{linked, append([]string{"LOCATION:Café"}, linked[1:]...)},
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, seriesLink}},
		{name: "a word in the occurrence", series: wanted, was: [2][]string{linked, linked}, in: [2][]string{linked, append([]string{"LOCATION:Webinar"}, linked[1:]...)},
			want: states{"": "wanted one webinar 1", secondKey: "wanted one webinar 1"}, links: [2]string{seriesLink, ""}},
		{name: "another kind in the occurrence", series: wanted, was: [2][]string{linked, nil}, in: [2][]string{linked, append([]string{"LOCATION:Second"}, linked[1:]...)},
			want: states{"": "wanted one webinar 1", secondKey: "wanted two meeting 1"}, links: [2]string{seriesLink, ""}},
		{name: "not seen, still asks", series: wanted, was: [2][]string{linked, linked}, in: [2][]string{{"LOCATION:Webinar"}, {"LOCATION:Webinar", "SUMMARY:x"}},
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, seriesLink}},
		{name: "the series is rotated", series: wanted, was: [2][]string{linked, linked}, in: [2][]string{append([]string{"LOCATION:Webinar"}, linked[1:]...), linked},
			want: states{"": "wanted one webinar 2"}, links: [2]string{"", seriesLink}}, // until there is another
		{name: "the series is removed", series: wanted, was: [2][]string{linked, linked}, in: [2][]string{linked[1:], linked}, want: states{"": "removed one webinar 1"}},
		{name: "the series changes its account, a category stands in the occurrence", series: wanted,
			was:  [2][]string{append([]string{"CATEGORIES:Webinar"}, linked...), append([]string{"CATEGORIES:Webinar"}, linked...)},
			in:   [2][]string{append([]string{"CATEGORIES:Second"}, linked...), append([]string{"CATEGORIES:Webinar"}, linked...)},
			want: states{"": "wanted two meeting 2"}, links: [2]string{"", seriesLink}},
		{name: "its own is kept", series: wanted, single: wanted, was: [2][]string{linked, single}, in: [2][]string{linked, single},
			want: states{"": "wanted one webinar 1", secondKey: "wanted one webinar 1"}, links: [2]string{seriesLink, singleLink}},
		{name: "its own, by a client of before", series: wanted, single: wanted, was: [2][]string{linked, single}, in: [2][]string{linked, linked},
			want: states{"": "wanted one webinar 1", secondKey: "wanted one webinar 1"}, links: [2]string{seriesLink, singleLink}},
		{name: "its own while the series is removed", series: wanted, single: wanted, was: [2][]string{linked, single}, in: [2][]string{linked[1:], single},
			want: states{"": "removed one webinar 1", secondKey: "wanted one webinar 1"}, links: [2]string{"", singleLink}},
		{name: "its own is removed", series: wanted, single: wanted, was: [2][]string{linked, single}, in: [2][]string{linked, single[1:]},
			want: states{"": "wanted one webinar 1", secondKey: "removed one webinar 1"}, links: [2]string{seriesLink, ""}},
		{name: "removed, and the series changed", series: wanted, single: removed, was: [2][]string{linked, bare}, in: [2][]string{linked, bare},
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, ""}},
		{name: "removed, by a client of before", series: wanted, single: removed, was: [2][]string{linked, bare}, in: [2][]string{linked, linked},
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, ""}},
		{name: "removed, and asked for again", series: wanted, single: removed, was: [2][]string{linked, bare}, in: [2][]string{linked, {"LOCATION:Webinar"}},
			want: states{"": "wanted one webinar 1", secondKey: "wanted one webinar 2"}, links: [2]string{seriesLink, ""}},
		{name: "the override is withdrawn", series: wanted, single: wanted, was: [2][]string{linked, single}, in: [2][]string{linked, nil},
			want: states{"": "wanted one webinar 1", secondKey: "dropped one webinar 1"}, links: [2]string{seriesLink, ""}},
		{name: "one that was withdrawn comes and follows", series: wanted, single: dropped, was: [2][]string{linked, nil}, in: [2][]string{linked, linked},
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, seriesLink}},
		{name: "the occurrence is cancelled", series: wanted, single: wanted, was: [2][]string{linked, single}, in: [2][]string{linked, append([]string{"STATUS:CANCELLED"}, single...)},
			want: states{"": "wanted one webinar 1", secondKey: "dropped one webinar 1"}, links: [2]string{seriesLink, ""}},
		{name: "cancelled, following the series", series: wanted, was: [2][]string{linked, linked}, in: [2][]string{linked, append([]string{"STATUS:CANCELLED"}, linked...)},
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, ""}},
		{name: "not cancelled after all", series: wanted, single: dropped, was: [2][]string{linked, {"STATUS:CANCELLED"}}, in: [2][]string{linked, bare},
			want: states{"": "wanted one webinar 1", secondKey: "wanted one webinar 1"}, links: [2]string{seriesLink, singleLink}},
		{name: "not cancelled after all, following the series", series: wanted, was: [2][]string{linked, {"STATUS:CANCELLED"}}, in: [2][]string{linked, bare},
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, seriesLink}},
		{name: "the series is cancelled", series: wanted, single: wanted, was: [2][]string{linked, single}, in: [2][]string{append([]string{"STATUS:CANCELLED"}, linked...), single},
			want: states{"": "dropped one webinar 1", secondKey: "dropped one webinar 1"}},
		{name: "the series is not cancelled after all", series: dropped, single: dropped, was: [2][]string{{"STATUS:CANCELLED"}, bare}, in: [2][]string{bare, bare},
			want: states{"": "wanted one webinar 1", secondKey: "wanted one webinar 1"}, links: [2]string{seriesLink, singleLink}},
		{name: "restored", series: dropped, single: dropped, was: [2][]string{linked, single}, in: [2][]string{linked, single}, set: deletedThen,
			want: states{"": "wanted one webinar 1", secondKey: "wanted one webinar 1"}, links: [2]string{seriesLink, singleLink}},
		{name: "restored, the occurrence withdrawn before", series: dropped, single: dropped, was: [2][]string{linked, linked}, in: [2][]string{linked, linked},
			set:  func(s *situation) { deletedThen(s); s.singles[secondKey].Since = planNow.Add(-24 * time.Hour) },
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, seriesLink}},
		{name: "given away", series: wanted, single: wanted, was: [2][]string{linked, single}, in: [2][]string{append([]string{"ORGANIZER:mailto:vera@example.net"}, linked...), single},
			want: states{"": "dropped one webinar 1", secondKey: "dropped one webinar 1"}},
		{name: "a calendar's rule, not seen", series: wanted, was: [2][]string{linked, nil}, in: [2][]string{bare, bare},
			set:  func(s *situation) { s.rule, s.own.By = "always", []string{ByRule} },
			want: states{"": "wanted one webinar 1"}, links: [2]string{seriesLink, seriesLink}},
		{name: "a copy", in: [2][]string{linkedBy(older), linkedBy(older)}, copied: [2]*Ask{{By: ByCopy, Provider: "one", Kind: "webinar"}, {By: ByCopy, Provider: "one", Kind: "webinar"}},
			want: states{"": "wanted one webinar 1"}},
		{name: "a copy with an occurrence of another kind", in: [2][]string{linkedBy(older), linkedBy(older)},
			copied: [2]*Ask{{By: ByCopy, Provider: "one", Kind: "webinar"}, {By: ByCopy, Provider: "two", Kind: "meeting"}},
			want:   states{"": "wanted one webinar 1", secondKey: "wanted two meeting 1"}},
		{name: "a copy with an occurrence without", in: [2][]string{linkedBy(older), bare}, copied: [2]*Ask{{By: ByCopy, Provider: "one", Kind: "webinar"}, nil},
			want: states{"": "wanted one webinar 1", secondKey: "removed one webinar 0"}},
		{name: "a copy of which only an occurrence has one", in: [2][]string{bare, linkedBy(older)}, copied: [2]*Ask{nil, {By: ByCopy, Provider: "two", Kind: "meeting"}},
			want: states{secondKey: "wanted two meeting 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var current *ical.Event
			if c.was[0] != nil {
				current = parseSeries(t, c.was[0], c.was[1])
			}
			s := testSituation(t, current, parseSeries(t, c.in[0], c.in[1]))
			s.policy.JoinBase, s.zone, s.reusable = joinPages, time.UTC, true
			s.singles, s.links = map[string]*store.Booking{}, map[int64][]string{}
			if c.series != "" {
				s.own = seriesBooking(c.series, 1, "", seriesLink)
				s.links[1] = []string{seriesLink}
			}
			if c.single != "" {
				s.singles[secondKey] = seriesBooking(c.single, 2, secondKey, singleLink)
				s.links[2] = []string{singleLink}
			}
			if s.copied = c.copied[0]; c.copied[0] != nil || c.copied[1] != nil {
				s.foreign = []string{older}
			}
			if c.copied[1] != nil {
				s.copies = map[*ical.VEvent]*Ask{s.incoming.Overrides[0]: c.copied[1]}
			}
			if c.set != nil {
				c.set(&s)
			}
			p := planSave(s)
			got := states{}
			tell := func(b *store.Booking) {
				got[b.RecurrenceID] = fmt.Sprintf("%s %s %s %d", b.State, b.Provider, b.Kind, b.Generation)
			}
			if p.booking != nil {
				tell(p.booking)
			}
			for _, one := range p.singles {
				tell(one.booking)
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("bookings: got %v, want %v (%s)", got, c.want, p.why)
			}
			after := parseStored(p.data)
			for i, v := range after.All() {
				var found []string
				for _, link := range []string{seriesLink, singleLink, older} {
					if strings.Contains(strings.ReplaceAll(v.Component.Text("DESCRIPTION")+v.Location+v.URL, "\n", " "), link) {
						found = append(found, link)
					}
				}
				var want []string
				if c.links[i] != "" {
					want = []string{c.links[i]}
				}
				if !slices.Equal(found, want) {
					t.Errorf("links in component %d: got %v, want %v", i, found, want)
				}
			}
		})
	}
}

// deletedThen has the event deleted when its bookings were dropped.
func deletedThen(s *situation) {
	s.event.Deleted, s.event.ObjectID = s.own.Since, 0
}

// TestNext holds which occurrence is to have a room, of which booking.
func TestNext(t *testing.T) {
	wanted, removed := store.BookingWanted, store.BookingRemoved
	for _, c := range []struct {
		name           string
		series, single store.BookingState
		master, second []string
		held           string
		at             time.Time // zero: planNow
		want           string    // key and booking; "none", "unknowable"
	}{
		{name: "the first", series: wanted, want: "20270309T120000Z 1"},
		{name: "held", series: wanted, held: "20270309T120000Z", want: secondKey + " 1"},
		{name: "going on", series: wanted, at: time.Date(2027, 3, 9, 12, 59, 0, 0, time.UTC), want: "20270309T120000Z 1"},
		{name: "over", series: wanted, at: time.Date(2027, 3, 9, 13, 0, 0, 0, time.UTC), want: secondKey + " 1"},
		{name: "excluded", series: wanted, master: []string{"EXDATE:20270309T120000Z"}, want: secondKey + " 1"},
		{name: "its own", series: wanted, single: wanted, master: []string{"EXDATE:20270309T120000Z"}, second: []string{"SUMMARY:x"}, want: secondKey + " 2"},
		{name: "removed in one", series: wanted, single: removed, master: []string{"EXDATE:20270309T120000Z"}, second: []string{"SUMMARY:x"}, want: "20270323T120000Z 1"},
		{name: "cancelled in one", series: wanted, master: []string{"EXDATE:20270309T120000Z"}, second: []string{"STATUS:CANCELLED"}, want: "20270323T120000Z 1"},
		{name: "alone", series: removed, single: wanted, second: []string{"SUMMARY:x"}, want: secondKey + " 2"},
		{name: "alone, excluded", single: wanted, master: []string{"EXDATE:" + secondKey}, second: []string{"SUMMARY:x"}, want: "none"},
		{name: "alone, over", single: wanted, second: []string{"SUMMARY:x"}, at: time.Date(2027, 3, 16, 14, 0, 0, 0, time.UTC), want: "none"},
		{name: "an end that has passed", series: wanted, master: []string{"RRULE:FREQ=WEEKLY;COUNT=1"}, at: time.Date(2027, 3, 10, 0, 0, 0, 0, time.UTC), want: "none"},
		{name: "each second", series: wanted, master: []string{"RRULE:FREQ=SECONDLY"}, want: "unknowable"},
		{name: "each second, an override between", series: wanted, master: []string{"RRULE:FREQ=SECONDLY"}, second: []string{"SUMMARY:x"},
			at: time.Date(2027, 3, 16, 13, 59, 58, 0, time.UTC), want: "unknowable"},
		{name: "each second, but none of it is wanted", series: removed, single: wanted, master: []string{"RRULE:FREQ=SECONDLY"}, second: []string{"SUMMARY:x"}, want: secondKey + " 2"},
		{name: "one day that never comes", series: wanted, master: []string{"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, want: "20270309T120000Z 1"},
		{name: "one day that never comes, later", series: wanted, master: []string{"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, at: time.Date(2027, 3, 10, 0, 0, 0, 0, time.UTC), want: "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := c.master
			e := parseSeries(t, lines, c.second)
			if len(lines) > 0 && strings.HasPrefix(lines[0], "RRULE:") {
				text := strings.Replace(string(e.Object.Edit().Bytes()), weeklyRule+"\r\n", "", 1)
				e = parseStored([]byte(text))
			}
			all := conferences{singles: map[string]*store.Booking{}}
			if c.series != "" {
				all.own = seriesBooking(c.series, 1, "", seriesLink)
			}
			if c.single != "" {
				all.singles[secondKey] = seriesBooking(c.single, 2, secondKey, singleLink)
			}
			now := c.at
			if now.IsZero() {
				now = planNow
			}
			held := func(key string, _ time.Time) bool { return c.held != "" && key == c.held }
			begun := time.Now()
			o, ok, err := all.next(&Present{Event: e, Zone: time.UTC}, held, now)
			if took := time.Since(begun); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			got := "none"
			switch {
			case err != nil:
				got = "unknowable"
			case ok:
				got = fmt.Sprintf("%s %d", o.key, o.booking.ID)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
