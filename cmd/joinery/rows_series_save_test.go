package main

import (
	"strings"
	"testing"
	"time"
)

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
