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
// occurrence. The later saves of design §4 are read for each component, so that the rows are the same
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

// TestRowsSeriesSave plays what later saves mean, for series and occurrences: keep and remove.
func TestRowsSeriesSave(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for name, lines := range asks {
		inShapes(rows, "not seen: "+name+" still asks", func(r *seriesRow) {
			r.ask(lines...)
			got := r.stale(func(part string) string { return with(part, "SUMMARY:Changed elsewhere") })
			r.wantLink(got, r.link)
			same(r.world, "SUMMARY", value(got, "SUMMARY"), "Changed elsewhere")
			same(r.world, "name at the account", r.kept(got).Name, "Changed elsewhere")
			r.settled(2)
		})
		inShapes(rows, "withdrawn without a trace: "+name, func(r *seriesRow) {
			r.ask(lines...)
			r.removed(r.stale(func(part string) string {
				for _, l := range lines {
					part = strings.Replace(part, l+"\r\n", "", 1)
				}
				return part
			}))
			r.settled(2)
		})
	}
	inShapes(rows, "nothing changed", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		if reply := r.anna.put(aPath, r.text); reply.etag() == "" {
			r.Error("no ETag although the body stands as it was sent")
		}
		r.idle()
		same(r.world, "the event", r.anna.get(aPath).body, r.text)
		r.kept(part(r.text, r.n))
		r.settled(1)
		same(r.world, "updates at the account", r.mts.State().Calls["PUT /organization/events/{id}"]+r.mts.State().Calls["PUT /eventsessions/{id}"], 0)
	})
	inShapes(rows, "the link is in LOCATION: keep", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		got := r.saveLine(`LOCATION:Room 7\; ` + r.link)
		r.wantLink(got, r.link)
		same(r.world, "LOCATION", value(got, "LOCATION"), "Room 7; "+r.link)
		r.kept(got)
		r.settled(2)
	})
	inShapes(rows, "LOCATION is gone", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		r.removed(r.saveWithout("LOCATION"))
		r.settled(2)
	})
	inShapes(rows, "LOCATION is empty", func(r *seriesRow) {
		r.ask("LOCATION:Webinar", `DESCRIPTION:Agenda\n1. Money`)
		got := r.saveLine("LOCATION:")
		r.removed(got)
		same(r.world, "DESCRIPTION", value(got, "DESCRIPTION"), "Agenda\n1. Money")
		r.settled(2)
	})
	inShapes(rows, "only the room is left in LOCATION", func(r *seriesRow) {
		r.ask(`LOCATION:Room 5\; Webinar`)
		got := r.saveLine("LOCATION:Room 5")
		r.removed(got)
		same(r.world, "LOCATION", value(got, "LOCATION"), "Room 5")
		r.settled(2)
	})
	inShapes(rows, "LOCATION says something new, the link stands in DESCRIPTION", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		for _, location := range []string{"LOCATION:Café on the corner", "LOCATION:Another café", "LOCATION:"} {
			got := r.saveLine(location)
			same(r.world, "LOCATION", "LOCATION:"+value(got, "LOCATION"), location)
			r.wantBlock(got, r.link)
			r.kept(got)
		}
	})
	inShapes(rows, "the link stands neither in LOCATION nor in DESCRIPTION", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		got := r.save(func(part string) string { return with(without(part, "DESCRIPTION"), "LOCATION:Café on the corner") })
		r.removed(got)
		same(r.world, "LOCATION", value(got, "LOCATION"), "Café on the corner")
		r.settled(2)
	})
	inShapes(rows, "first LOCATION, later the block", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		r.kept(r.saveLine("LOCATION:Café on the corner"))
		r.removed(r.saveWithout("DESCRIPTION"))
	})
	inShapes(rows, "the block is deleted, the link stands in LOCATION", func(r *seriesRow) {
		r.ask("LOCATION:Webinar", "DESCRIPTION:Agenda")
		got := r.saveLine("DESCRIPTION:Agenda")
		for _, summary := range []string{"SUMMARY:One", "SUMMARY:Two"} {
			same(r.world, "DESCRIPTION", value(got, "DESCRIPTION"), "Agenda")
			same(r.world, "LOCATION", value(got, "LOCATION"), r.link)
			r.kept(got)
			got = r.saveLine(summary)
		}
		got = r.stale(func(part string) string { return with(part, "SUMMARY:Three") })
		same(r.world, "DESCRIPTION", value(got, "DESCRIPTION"), "Agenda")
		same(r.world, "LOCATION", value(got, "LOCATION"), r.link)
		r.kept(got)
	})
	inShapes(rows, "the category is withdrawn", func(r *seriesRow) {
		r.ask("CATEGORIES:Work,Webinar")
		got := r.saveLine("CATEGORIES:Work")
		r.removed(got)
		same(r.world, "CATEGORIES", value(got, "CATEGORIES"), "Work")
		r.settled(2)
	})
	inShapes(rows, "the resource is withdrawn", func(r *seriesRow) {
		r.ask(asks["the resource"]...)
		r.removed(r.save(func(part string) string { return r.swap(part, attendee(part, webinarRoom)+"\r\n", "") }))
	})
	inShapes(rows, "the property is withdrawn", func(r *seriesRow) {
		r.ask(asks["the property"]...)
		r.removed(r.saveWithout("X-JOINERY-CONFERENCE"))
	})
	for _, stripped := range [][]string{{"CONFERENCE"}, {"X-*"}, {"CONFERENCE", "URL", "X-*"}} {
		inShapes(rows, "only "+strings.Join(stripped, ", ")+" are gone", func(r *seriesRow) {
			r.ask("LOCATION:Webinar")
			got := r.saveWithout(stripped...)
			r.wantLink(got, r.link)
			r.kept(got)
			r.settled(1)
		})
	}
	inShapes(rows, "X- properties are gone, asked by the property", func(r *seriesRow) {
		r.ask(asks["the property"]...)
		got := r.saveWithout("X-*")
		r.wantLink(got, r.link)
		r.kept(got)
		r.settled(1)
	})
	inShapes(rows, "title and time", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		got := r.save(func(part string) string {
			for _, l := range append(from(nth(0).Add(2*time.Hour)), "SUMMARY:Другое название") {
				part = with(part, l)
			}
			return part
		})
		r.wantLink(got, r.link)
		now := r.kept(got)
		same(r.world, "name", now.Name, "Другое название")
		same(r.world, "start", now.Start.UTC(), nth(0).Add(2*time.Hour))
		same(r.world, "conferences ever made", r.mts.State().Calls["POST /events"], 1)
		r.settled(2)
	})
	inShapes(rows, "a stale NEEDS-ACTION", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		accepted := r.save(func(part string) string {
			return r.swap(part, "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN=Boris;PARTSTAT=ACCEPTED")
		})
		r.contains(attendee(accepted, boris), "PARTSTAT=ACCEPTED")
		r.settled(1)
		got := part(r.phone.save(aPath, r.changed(r.text, r.n, "SUMMARY:From the phone")), r.n)
		r.contains(attendee(got, boris), "PARTSTAT=ACCEPTED")
		r.contains(attendee(got, vera), "PARTSTAT=NEEDS-ACTION")
		r.settled(2)
	})
	inShapes(rows, "other services' links", func(r *seriesRow) {
		const zoom = "https://us02web.zoom.us/j/123456"
		r.ask("CATEGORIES:Webinar")
		got := r.save(func(part string) string {
			part = with(with(part, "LOCATION:"+zoom), "URL:"+zoom)
			return with(part, "DESCRIPTION:"+escaped("Or by zoom\n"+zoom+"\n\n"+value(part, "DESCRIPTION")))
		})
		r.kept(got)
		got = r.saveLine("CATEGORIES:Work")
		r.removed(got)
		same(r.world, "LOCATION", value(got, "LOCATION"), zoom)
		same(r.world, "URL", value(got, "URL"), zoom)
		same(r.world, "DESCRIPTION", value(got, "DESCRIPTION"), "Or by zoom\n"+zoom)
	})
}

// TestRowsSeriesReplace plays the saves that want another conference, for series and occurrences.
func TestRowsSeriesReplace(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	inShapes(rows, "a word where the link was: rotate", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		got := r.saveLine("LOCATION:Webinar")
		r.wantLink(got, value(got, "URL"))
		r.replaced(got)
		r.settled(2)
	})
	inShapes(rows, "a word where the link was, beside a room", func(r *seriesRow) {
		r.ask(`LOCATION:Room 5\; Webinar`)
		got := r.saveLine(`LOCATION:Room 5\; вебинар`)
		r.replaced(got)
		same(r.world, "LOCATION", value(got, "LOCATION"), "Room 5; "+value(got, "URL"))
		r.settled(2)
	})
	others := map[string]struct {
		asks []string
		save func(part string) string
		kind string
		beta int
	}{
		"the other account's word":        {[]string{"LOCATION:Webinar"}, func(p string) string { return with(p, "LOCATION:Beta") }, "meeting", 1},
		"the other account's category":    {[]string{"CATEGORIES:Webinar"}, func(p string) string { return with(p, "CATEGORIES:Beta") }, "meeting", 1},
		"another kind":                    {[]string{"LOCATION:Webinar"}, func(p string) string { return with(p, "LOCATION:MTS Link") }, "meeting", 0},
		"another kind by the property":    {asks["the property"], func(p string) string { return with(p, "X-JOINERY-CONFERENCE;TYPE=MEETING:mtslink") }, "meeting", 0},
		"a word beside the link":          {[]string{"LOCATION:Webinar"}, func(p string) string { return with(p, "LOCATION:"+escaped(value(p, "LOCATION")+"; Beta")) }, "meeting", 1},
		"another kind by a new category":  {[]string{"LOCATION:Webinar"}, func(p string) string { return plus(p, "CATEGORIES:MTS Link") }, "meeting", 0},
		"the other account's resource":    {asks["the resource"], func(p string) string { return strings.ReplaceAll(p, "mailto:webinar@", "mailto:beta@") }, "meeting", 1},
		"the kind back by a new property": {[]string{"LOCATION:MTS Link"}, func(p string) string { return plus(p, "X-JOINERY-CONFERENCE;TYPE=WEBINAR:mtslink") }, "webinar", 0},
	}
	for name, o := range others {
		inShapes(rows, name, func(r *seriesRow) {
			r.ask(o.asks...)
			got := r.save(o.save)
			r.wantLink(got, value(got, "URL"))
			same(r.world, "type", r.replaced(got).Type, o.kind)
			same(r.world, "conferences of the second account", len(r.beta.State().Conferences), o.beta)
			r.settled(2)
		})
	}
	inShapes(rows, "the other account's word from a device that has not seen the link", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		got := r.stale(func(part string) string { return with(part, "LOCATION:Beta") })
		r.wantLink(got, value(got, "URL"))
		r.replaced(got)
		same(r.world, "conferences of the second account", len(r.beta.State().Conferences), 1)
		r.settled(2)
	})
	inShapes(rows, "a link of an older generation", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		got := r.saveLine("LOCATION:Webinar")
		now, link := r.replaced(got), value(got, "URL")
		for _, edit := range []func(part string) string{
			func(part string) string { return with(part, "SUMMARY:From a stale device") },
			func(part string) string { return without(part, "LOCATION") },
		} {
			got = part(r.phone.save(aPath, r.inPart(r.text, r.n, edit)), r.n)
			r.wantLink(got, link)
			r.lacks(joined(logical(got)), r.link)
			same(r.world, "conference", r.only().ID, now.ID)
		}
		same(r.world, "conferences ever made", r.mts.State().Calls["POST /events"], 2)
	})
	inShapes(rows, "an old link after a removal", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		r.removed(r.saveWithout("LOCATION"))
		got := part(r.phone.save(aPath, r.changed(r.text, r.n, "SUMMARY:From a stale device")), r.n)
		r.removed(got)
		same(r.world, "SUMMARY", value(got, "SUMMARY"), "From a stale device")
	})
	for name, lines := range asks {
		if len(lines) != 1 || strings.HasPrefix(lines[0], "LOCATION") {
			continue
		}
		inShapes(rows, "removed: "+name+" does not bring it back until it is asked for anew", func(r *seriesRow) {
			r.ask(lines...)
			r.removed(r.saveWithout("LOCATION"))
			r.removed(r.saveLine("SUMMARY:Still without"))
			got := r.stale(func(part string) string { return with(part, "SUMMARY:From a stale device") })
			r.removed(got)
			all := all(got, lineName(lines[0]))
			bare := r.save(func(part string) string { return r.swap(part, all[len(all)-1]+"\r\n", "") })
			r.removed(bare)
			got = r.save(func(part string) string { return plus(part, lines[0]) })
			r.wantLink(got, value(got, "URL"))
			same(r.world, "start", r.only().Start.UTC(), nth(0))
			if value(got, "URL") == r.link {
				r.Error("the link that was removed came back")
			}
		})
	}
	inShapes(rows, "removed: a word in LOCATION always counts", func(r *seriesRow) {
		r.ask("CATEGORIES:Webinar")
		r.removed(r.saveWithout("LOCATION"))
		got := r.saveLine("LOCATION:Webinar")
		r.wantLink(got, value(got, "URL"))
		same(r.world, "start", r.only().Start.UTC(), nth(0))
		same(r.world, "name", r.only().Name, r.title())
	})
	inShapes(rows, "removed: the word is typed again within the settle time", func(r *seriesRow) {
		r.ask("LOCATION:Webinar")
		r.anna.put(aPath, r.edit(func(part string) string { return without(part, "LOCATION") }))
		got := r.saveLine("LOCATION:Webinar")
		r.wantLink(got, value(got, "URL"))
		if value(got, "URL") == r.link {
			r.Error("the link that was removed came back")
		}
		same(r.world, "start", r.only().Start.UTC(), nth(0))
	})
}
