package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// A shape is where in a series a row is played: in its master, or in an override of its first
// occurrence. The later saves of docs/conferences.md are read for each component, so that the rows are the same
// in each.
type shape struct {
	name     string
	n        int  // the component that the row is about
	others   bool // the master asks too, and goes on having its conference
	override bool // an override of the second occurrence has what the master has
}

var shapes = []shape{
	{name: "series", n: whole},
	{name: "series with an override", n: whole, override: true},
	{name: "an occurrence alone", n: 0},
	{name: "an occurrence of a series", n: 0, others: true},
}

// A seriesRow is one row, being played in a shape.
type seriesRow struct {
	*world
	shape
	sent string // what was saved first
	text string // what stood after that
	c    emulator.Conference
	link string // of the component
}

// title is that of the component.
func (r *seriesRow) title() string {
	if r.n == whole {
		return "Rows of a"
	}
	return "Once"
}

// body is the series before anything of ours stands in it, its component with these lines.
func (r *seriesRow) body(lines ...string) string {
	r.Helper()
	plain := seriesOf("a", invitation()...)
	asking := func(part string) string {
		for _, l := range lines {
			part = plus(part, l)
		}
		return part
	}
	text := plain
	if r.n == whole || r.others {
		text = r.inPart(text, whole, asking)
	}
	switch {
	case r.override:
		text = withOverride(text, 1, from(nth(1).Add(30*time.Minute))...)
	case r.n != whole:
		text = withOverride(text, r.n, "SUMMARY:Once")
		if !r.others {
			text = r.inPart(text, r.n, asking)
		}
	}
	return text
}

// ask saves the series with lines that ask in the component.
func (r *seriesRow) ask(lines ...string) {
	r.Helper()
	r.sent = r.body(lines...)
	r.text = r.anna.save(aPath, r.sent)
	r.c, r.link = r.only(), value(part(r.text, r.n), "URL")
	same(r.world, "start", r.c.Start.UTC(), nth(0))
	same(r.world, "name", r.c.Name, r.title())
	if !strings.HasPrefix(r.link, joinBase) {
		r.Fatalf("there is no link in\n%s", joined(logical(r.text)))
	}
	r.settled(1)
}

// settled checks what is not the component's: what follows from it in the others, and the mails.
func (r *seriesRow) settled(requests int) {
	r.Helper()
	text := r.anna.get(aPath).body
	r.lacks(joined(logical(text)), "https://my.mts-link.ru/")
	link := value(part(text, r.n), "URL")
	switch {
	case r.override && strings.HasPrefix(link, joinBase):
		r.wantLink(part(text, 1), link)
	case r.override:
		r.wantBare(part(text, 1))
	case r.others:
		r.wantLink(part(text, whole), value(part(r.text, whole), "URL"))
		r.wantDoor(value(part(text, whole), "URL"), http.StatusOK, saysWaiting)
	case r.n != whole:
		r.wantBare(part(text, whole))
	}
	methods := slices.Repeat([]string{"REQUEST"}, requests)
	r.wantMail(boris, methods...)
	r.wantMail(vera, methods...)
	r.wantMail(anna)
}

// edit is what stands with one component edited.
func (r *seriesRow) edit(edit func(part string) string) string {
	r.Helper()
	return r.inPart(r.anna.get(aPath).body, r.n, edit)
}

// save saves what stands with one component edited, by the device that has seen it, and returns the
// component afterwards.
func (r *seriesRow) save(edit func(part string) string) string {
	r.Helper()
	return part(r.anna.save(aPath, r.edit(edit)), r.n)
}

// saveLine saves with one line of the component replaced.
func (r *seriesRow) saveLine(line string) string {
	r.Helper()
	return r.save(func(part string) string { return with(part, line) })
}

func (r *seriesRow) saveWithout(names ...string) string {
	r.Helper()
	return r.save(func(part string) string { return without(part, names...) })
}

// stale saves the first body with its component edited, by a device that has seen no link. What the override
// has from the master is edited in it too.
func (r *seriesRow) stale(edit func(part string) string) string {
	r.Helper()
	text := r.inPart(r.sent, r.n, edit)
	if r.override {
		text = r.inPart(text, 1, edit)
	}
	return part(r.phone.save(aPath, text), r.n)
}

// kept checks that conference and link are those that they were.
func (r *seriesRow) kept(got string) emulator.Conference {
	r.Helper()
	now := r.only()
	same(r.world, "conference", now.ID, r.c.ID)
	r.contains(joined(logical(got)), r.link)
	r.wantDoor(r.link, http.StatusOK, saysWaiting)
	return now
}

// removed checks that the component has no conference any more. What took its place, of a series that
// goes on, is the next occurrence's.
func (r *seriesRow) removed(got string) {
	r.Helper()
	r.wantBare(got)
	if r.others {
		same(r.world, "name", r.onlyAt(nth(1)).Name, "Rows of a")
		return
	}
	r.none()
	r.wantDoor(r.link, http.StatusGone, saysRemoved)
}

// replaced checks that the component has another conference and another link.
func (r *seriesRow) replaced(got string) emulator.Conference {
	r.Helper()
	now := r.only()
	link := value(got, "URL")
	if now.ID == r.c.ID || link == r.link {
		r.Errorf("the conference is the one it was: %+v, %s", now, link)
	}
	r.lacks(joined(logical(got)), r.link)
	r.wantBlock(got, link)
	same(r.world, "start", now.Start.UTC(), nth(0))
	same(r.world, "name", now.Name, value(got, "SUMMARY"))
	old := r.mts.State().Deleted
	if len(old) != 1 || old[0].ID != r.c.ID {
		r.Fatalf("deleted were %+v, want %s", old, r.c.ID)
	}
	r.wantDoor(link, http.StatusOK, saysWaiting)
	if !r.others {
		r.wantDoor(r.link, http.StatusGone, saysReplaced)
		r.lacks(joined(logical(r.letter(boris, len(r.letters(boris))-1).calendar)), r.link)
	}
	return now
}

// inShapes plays a row in each shape.
func inShapes(rows *rowSet, name string, play func(r *seriesRow), options ...func(*config)) {
	for _, s := range shapes {
		rows.play(s.name+": "+name, func(w *world) { play(&seriesRow{world: w, shape: s}) }, options...)
	}
}

// asks are the ways to ask, by lines.
var asks = map[string][]string{
	"the word":     {"LOCATION:Webinar"},
	"the category": {"CATEGORIES:Webinar"},
	"the resource": {"ATTENDEE;CUTYPE=RESOURCE:mailto:webinar@conference.example.org"},
	"the property": {"X-JOINERY-CONFERENCE;TYPE=WEBINAR:mtslink"},
	"a room too":   {`LOCATION:Room 5\; Webinar`},
}

const webinarRoom = "webinar@conference.example.org"

// TestRowsSeriesAsk plays each way of asking, for series and occurrences.
func TestRowsSeriesAsk(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for name, lines := range asks {
		inShapes(rows, "asked by "+name, func(r *seriesRow) {
			r.ask(lines...)
			got := part(r.text, r.n)
			r.wantLink(got, r.link)
			same(r.world, "type", r.c.Type, "webinar")
			r.contains(joined(logical(r.letter(boris, 0).calendar)), r.link)
			if name == "the resource" {
				r.contains(attendee(got, webinarRoom), "PARTSTAT=ACCEPTED")
			}
			if name == "a room too" {
				same(r.world, "LOCATION", value(got, "LOCATION"), "Room 5; "+r.link)
			}
		})
	}
	inShapes(rows, "another account's word", func(r *seriesRow) {
		r.ask("LOCATION:Beta")
		same(r.world, "conferences of the second account", len(r.beta.State().Conferences), 1)
	})
	inShapes(rows, "no word inside another", func(r *seriesRow) {
		sent := r.body("LOCATION:Webinar room")
		r.wantSame(sent, r.anna.save(aPath, sent))
		r.untouchedAccounts()
		r.wantMail(boris, "REQUEST")
	})
	inShapes(rows, "an attendee's copy", func(r *seriesRow) {
		sent := r.body("LOCATION:Webinar", "CATEGORIES:Webinar")
		r.boris.save(borisCalendar+"copy.ics", sent)
		r.untouchedAccounts()
		r.wantSame(sent, r.boris.get(borisCalendar+"copy.ics").body)
		r.wantMail(vera)
	})
}
