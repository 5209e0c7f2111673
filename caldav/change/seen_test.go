package change

import (
	"testing"

	"joinery/caldav/ical"
	"joinery/store"
)

// The words of the tests' two accounts.
func testPolicy() *Policy {
	return &Policy{
		ServiceDomain: "conference.example.org", Domains: []string{"example.org"},
		Providers: []ProviderWords{
			{Name: "one", Service: "MTS Link", Resource: "webinar", Default: true,
				Words: map[string]string{"Webinar": "webinar", "Вебинар": "webinar", "MTS Link": "meeting", "МТС Линк": "meeting"}},
			{Name: "two", Service: "MTS Link 2", Words: map[string]string{"Second": "meeting"}},
		},
	}
}

const (
	present = "https://my.mts-link.ru/j/1/200"
	older   = "https://my.mts-link.ru/j/1/100"
	block   = `----( Video Call )----\nMTS Link\n` + present + `\n---===---`
	mark    = "X-JOINERY-BOOKING;X-GENERATION=2:b1"
)

// body parses a VEVENT of the given lines.
func parseBody(t *testing.T, lines ...string) *ical.VEvent {
	t.Helper()
	data := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:20270309T120000Z\r\nDTEND:20270309T130000Z\r\n"
	for _, l := range lines {
		data += l + "\r\n"
	}
	o, err := ical.Parse([]byte(data+"END:VEVENT\r\nEND:VCALENDAR\r\n"), ical.Limits{})
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	e, err := ical.ParseEvent(o)
	if err != nil {
		t.Fatalf("parse the event: %v", err)
	}
	return e.Master
}

// TestJudge holds the rows of docs/conferences.md, "What a change means", by their bodies.
func TestJudge(t *testing.T) {
	linked := []string{"LOCATION:" + present, "DESCRIPTION:Agenda\\n\\n" + block, "URL:" + present, "CONFERENCE;VALUE=URI:" + present, mark}
	with := func(lines ...string) []string { return lines }
	booked := func(by ...string) *store.Booking {
		return &store.Booking{ID: 1, PublicID: "b1", State: store.BookingWanted, Provider: "one", Kind: "webinar", Generation: 2,
			By: by, Link: present, Block: "----( Video Call )----\nMTS Link\n" + present + "\n---===---", InLocation: true}
	}
	unlinked := func(by ...string) *store.Booking {
		b := booked(by...)
		b.Link, b.Block, b.InLocation = "", "", false
		return b
	}
	removed := func(by ...string) *store.Booking {
		b := unlinked(by...)
		b.State = store.BookingRemoved
		return b
	}
	blockless := func(b *store.Booking) *store.Booking { b.BlockGone = true; return b }
	roomed := func(b *store.Booking, in bool) *store.Booking { b.InLocation = in; return b }
	for _, c := range []struct {
		name     string
		b        *store.Booking
		base, in []string
		copied   bool
		move     move
		provider string // of create, rotate, switch
		kind     string
		block    bool // blockGone
	}{
		{name: "nothing", in: with("LOCATION:Room 5"), move: moveNone},
		{name: "nothing asked in the base either", b: unlinked(ByLocation), base: with("LOCATION:Room 5"), in: with("LOCATION:Room 5", "SUMMARY:x"), move: moveKeep},
		{name: "what asked in the base is gone", b: unlinked(ByLocation), base: with("LOCATION:Webinar"), in: with("LOCATION:Room 5"), move: moveRemove},
		{name: "a word in LOCATION", in: with("LOCATION:Webinar"), move: moveCreate, provider: "one", kind: "webinar"},
		{name: "a word beside a room", in: with(`LOCATION:Room 5\; мтс линк`), move: moveCreate, provider: "one", kind: "meeting"},
		{name: "a word inside another", in: with("LOCATION:Webinar room"), move: moveNone},
		{name: "a category", in: with("CATEGORIES:Work,Webinar"), move: moveCreate, provider: "one", kind: "webinar"},
		{name: "the resource", in: with("ATTENDEE;CUTYPE=INDIVIDUAL:mailto:Webinar@conference.example.org"), move: moveCreate, provider: "one", kind: "webinar"},
		{name: "the property", in: with("X-JOINERY-CONFERENCE;TYPE=WEBINAR;CAPACITY=200:two"), move: moveCreate, provider: "two", kind: "webinar"},
		{name: "the property alone", in: with("X-JOINERY-CONFERENCE:"), move: moveCreate, provider: "one", kind: "meeting"},
		{name: "another's resource", in: with("ATTENDEE:mailto:webinar@example.com"), move: moveNone},
		{name: "a copy", in: linked, copied: true, move: moveCreate, provider: "one", kind: "webinar"},

		{name: "not seen: word", b: booked(ByLocation), base: with("LOCATION:Webinar"), in: with("LOCATION:Webinar", "SUMMARY:new"), move: moveKeep},
		{name: "not seen: category", b: booked(ByCategory), base: with("CATEGORIES:Webinar"), in: with("CATEGORIES:Webinar"), move: moveKeep},
		{name: "not seen although the new ETag is named", b: booked(ByLocation), base: linked, in: with("LOCATION:Webinar"), move: moveKeep},
		{name: "no trace, nothing asks", b: booked(ByLocation), base: with("LOCATION:Webinar"), in: with("LOCATION:Room 5"), move: moveRemove},
		{name: "no trace, category gone", b: booked(ByCategory), base: with("CATEGORIES:Webinar"), in: with("SUMMARY:x"), move: moveRemove},
		{name: "the link is in LOCATION", b: booked(ByLocation), base: linked, in: linked, move: moveKeep},
		{name: "LOCATION emptied", b: booked(ByLocation), base: linked, in: with(linked[1:]...), move: moveRemove},
		{name: "only the own part left", b: booked(ByLocation), base: with(`LOCATION:Room 5\; `+present, linked[1], mark), in: with("LOCATION:Room 5", linked[1], mark), move: moveRemove},
		{name: "LOCATION says something new", b: booked(ByLocation), base: linked, in: with(append([]string{"LOCATION:Room 7"}, linked[1:]...)...), move: moveKeep},
		{name: "a room emptied later, link in DESCRIPTION", b: roomed(booked(ByLocation), false), base: with(append([]string{"LOCATION:Room 7"}, linked[1:]...)...), in: linked[1:], move: moveKeep},
		{name: "neither LOCATION nor DESCRIPTION", b: booked(ByLocation), base: linked, in: with("URL:"+present, "CONFERENCE;VALUE=URI:"+present, mark), move: moveRemove},
		{name: "neither, with a standing category", b: booked(ByCategory), base: append(with("CATEGORIES:Webinar"), linked...), in: with("CATEGORIES:Webinar", mark), move: moveRemove},
		{name: "the block deleted", b: booked(ByLocation), base: linked, in: with("LOCATION:"+present, "DESCRIPTION:Agenda", mark), move: moveKeep, block: true},
		{name: "the block deleted earlier, not seen", b: blockless(booked(ByLocation)), base: with("LOCATION:Webinar"), in: with("LOCATION:Webinar"), move: moveKeep, block: true},
		{name: "the block deleted earlier, not seen and another place", b: blockless(booked(ByCategory)), base: with("CATEGORIES:Webinar"),
			in: with("CATEGORIES:Webinar", "LOCATION:Room 7"), move: moveKeep},
		{name: "the block deleted earlier, a client of before and another place", b: blockless(booked(ByLocation)), base: linked,
			in: append(with("LOCATION:Room 7"), linked[1:]...), move: moveKeep},
		{name: "category withdrawn", b: roomed(booked(ByCategory), true), base: append(with("CATEGORIES:Webinar"), linked...), in: linked, move: moveRemove},
		{name: "category withdrawn, a word had asked too", b: booked(ByLocation, ByCategory), base: append(with("CATEGORIES:Webinar"), linked...), in: linked, move: moveKeep},
		{name: "resource withdrawn", b: booked(ByResource), base: append(with("ATTENDEE:mailto:webinar@conference.example.org"), linked...), in: linked, move: moveRemove},
		{name: "property withdrawn", b: func() *store.Booking { b := booked(ByProperty); return b }(), base: append(with("X-JOINERY-CONFERENCE;TYPE=WEBINAR:one"), linked...), in: linked, move: moveRemove},
		{name: "X- properties stripped", b: booked(ByProperty), base: append(with("X-JOINERY-CONFERENCE;TYPE=WEBINAR:one"), linked...), in: linked[:4], move: moveKeep},
		{name: "one of two ways withdrawn", b: booked(ByCategory, ByResource), base: append(with("CATEGORIES:Webinar", "ATTENDEE:mailto:webinar@conference.example.org"), linked...), in: append(with("CATEGORIES:Webinar"), linked...), move: moveKeep},
		{name: "a word where the link was", b: booked(ByLocation), base: linked, in: append(with("LOCATION:вебинар"), linked[1:]...), move: moveRotate, provider: "one", kind: "webinar"},
		{name: "another account's word", b: booked(ByLocation), base: linked, in: append(with("LOCATION:second"), linked[1:]...), move: moveSwitch, provider: "two", kind: "meeting"},
		{name: "another kind", b: booked(ByLocation), base: linked, in: append(with("LOCATION:MTS Link"), linked[1:]...), move: moveSwitch, provider: "one", kind: "meeting"},
		{name: "another kind beside the link", b: booked(ByLocation), base: linked, in: append(with(`LOCATION:MTS Link\; `+present), linked[1:]...), move: moveSwitch, provider: "one", kind: "meeting"},
		{name: "a second word that stood beside the link", b: booked(ByLocation), base: append(with("LOCATION:"+present+`\; Second`), linked[1:]...), in: append(with("LOCATION:"+present+`\; Second`, "COMMENT:x"), linked[1:]...), move: moveKeep},
		{name: "a second word left alone", b: booked(ByLocation), base: append(with("LOCATION:"+present+`\; Second`), linked[1:]...), in: append(with("LOCATION:Second"), linked[1:]...), move: moveSwitch, provider: "two", kind: "meeting"},
		{name: "another category", b: booked(ByCategory), base: append(with("CATEGORIES:Webinar"), linked...), in: append(with("CATEGORIES:Second"), linked...), move: moveSwitch, provider: "two", kind: "meeting"},
		{name: "not seen, another kind asked", b: booked(ByLocation), base: with("LOCATION:Webinar"), in: with("LOCATION:MTS Link"), move: moveSwitch, provider: "one", kind: "meeting"},
		{name: "an older link", b: booked(ByLocation), base: linked, in: with("LOCATION:"+older, "URL:"+older), move: moveKeep},
		{name: "an older link and a word: asked once", b: booked(ByLocation), base: linked, in: with("LOCATION:Webinar", "URL:"+older), move: moveKeep},
		{name: "an older mark without link", b: booked(ByLocation), base: linked, in: with("LOCATION:", "X-JOINERY-BOOKING;X-GENERATION=1:b1"), move: moveRemove},
		{name: "an older link while a new one is made", b: unlinked(ByLocation), base: with("LOCATION:Webinar"), in: with("LOCATION:" + older), move: moveKeep},
		{name: "only CONFERENCE and X- gone", b: booked(ByLocation), base: linked, in: linked[:3], move: moveKeep},
		{name: "LOCATION's link in other case of DESCRIPTION", b: booked(ByCategory), base: append(with("CATEGORIES:Webinar"), linked...), in: append(with("CATEGORIES:Webinar"), linked...), move: moveKeep},

		{name: "reserving: still asks", b: unlinked(ByLocation), base: with("LOCATION:Webinar"), in: with("LOCATION:Webinar", "SUMMARY:x"), move: moveKeep},
		{name: "reserving: withdrawn", b: unlinked(ByLocation), base: with("LOCATION:Webinar"), in: with("SUMMARY:x"), move: moveRemove},
		{name: "reserving: another", b: unlinked(ByLocation), base: with("LOCATION:Webinar"), in: with("LOCATION:Second"), move: moveSwitch, provider: "two", kind: "meeting"},
		{name: "reserving a copy", b: unlinked(ByCopy), base: with("SUMMARY:x"), in: with("SUMMARY:y"), move: moveKeep},

		{name: "removed: standing category", b: removed(ByCategory), base: with("CATEGORIES:Webinar"), in: with("CATEGORIES:Webinar", "SUMMARY:x"), move: moveNone},
		{name: "removed: a category beside the old link", b: removed(ByCategory), base: with("SUMMARY:x"), in: with("CATEGORIES:Webinar", "LOCATION:"+older), move: moveNone},
		{name: "removed: a word beside the old link", b: removed(ByCategory), base: with("SUMMARY:x"), in: with("LOCATION:Webinar", "URL:"+older), move: moveCreate, provider: "one", kind: "webinar"},
		{name: "removed: category anew", b: removed(ByCategory), base: with("SUMMARY:x"), in: with("CATEGORIES:Webinar"), move: moveCreate, provider: "one", kind: "webinar"},
		{name: "removed: a word always counts", b: removed(ByLocation), base: with("LOCATION:Webinar"), in: with("LOCATION:Webinar"), move: moveCreate, provider: "one", kind: "webinar"},
		{name: "removed: stale link", b: removed(ByLocation), base: linked, in: with("LOCATION:" + older), move: moveNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPolicy()
			marks := ical.Marks{Old: []string{older}}
			if c.b != nil {
				marks.Link, marks.Block = c.b.Link, c.b.Block
			}
			var base reading
			if c.base != nil {
				base = p.read(parseBody(t, c.base...), marks)
			}
			var copied *Ask
			if c.copied {
				copied = &Ask{By: ByCopy, Provider: "one", Kind: "webinar"}
			}
			got := judge(c.b, base, p.read(parseBody(t, c.in...), marks), copied)
			if got.move != c.move || got.ask.Provider != c.provider || c.kind != "" && got.ask.Kind != c.kind || got.blockGone != c.block {
				t.Errorf("got %s %+v (block gone %v), want %s %s %s %v: %s", got.move, got.ask, got.blockGone, c.move, c.provider, c.kind, c.block, got.why)
			}
		})
	}
}
