package main

import (
	"strings"
	"testing"
)

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
