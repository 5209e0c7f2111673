package change

import (
	"strings"

	"joinery/caldav/ical"
	"joinery/store"
)

// A reading is what a body says about the conference of one component.
type reading struct {
	exists bool
	asks   []Ask
	found  ical.Found
}

// read reads v for the traces of m. A nil v gives the empty reading.
func (p *Policy) read(v *ical.VEvent, m ical.Marks, extra ...Ask) reading {
	if v == nil {
		return reading{}
	}
	return reading{exists: true, asks: append(p.asks(v), extra...), found: ical.Find(v.Component, m)}
}

// traces tells whether r carries anything of the booking's present generation: its client has seen
// the link (docs/conferences.md).
func (r reading) traces(b *store.Booking) bool {
	return r.found.Link() || r.found.Block && b.Link != "" ||
		b.Link != "" && r.found.Booking == b.PublicID && r.found.Generation == b.Generation
}

// stale tells whether r comes from a client that knows only a link of an older generation. An older
// mark without a link tells nothing: the client may have deleted the link.
func (r reading) stale() bool { return r.found.Old && !r.found.Link() }

// first returns the first ask for which ok holds.
func (r reading) first(ok func(Ask) bool) (Ask, bool) {
	for _, a := range r.asks {
		if ok(a) {
			return a, true
		}
	}
	return Ask{}, false
}

// has tells whether r asks in that way for that conference.
func (r reading) has(by, provider, kind string) bool {
	_, ok := r.first(func(a Ask) bool { return a.By == by && a.same(provider, kind) })
	return ok
}

// places tells whether b's link stands in LOCATION once it is put back. Only there it needs no block.
func (r reading) places(b *store.Booking) bool {
	return r.found.InLocation || r.found.Location == "" || r.has(ByLocation, b.Provider, b.Kind)
}

// A move is what a save means for a booking.
type move string

const (
	moveNone   move = "none"   // nothing was asked and nothing is there
	moveKeep   move = "keep"   // as it is; whatever of ours is missing is put back
	moveCreate move = "create" // a conference, or one again after a removal
	moveRotate move = "rotate" // a new link in place of the present one
	moveSwitch move = "switch" // another account or kind
	moveRemove move = "remove" // the organiser wants it no more
)

// A verdict is a move with what it needs.
type verdict struct {
	move      move
	ask       Ask  // create, rotate, switch; keep: what asks from now on, if that changes
	blockGone bool // keep: the organiser deleted the block; it stays deleted
	location  bool // keep: the link may stand in LOCATION
	why       string
}

// judge says what a save of the organiser means for booking b (nil: there is none), by the
// rows of docs/conferences.md, "What a change means". base is the revision that the client started from, in
// what it sent. copied is set where in carries traces of another booking of the same owner.
func judge(b *store.Booking, base, in reading, copied *Ask) verdict {
	if b == nil {
		if a, ok := in.first(func(a Ask) bool { return copied == nil || a.By != ByRule }); ok {
			return verdict{move: moveCreate, ask: a, location: true, why: "asks by " + a.By}
		}
		if copied != nil {
			return verdict{move: moveCreate, ask: *copied, location: true, why: "copy of another event"}
		}
		return verdict{move: moveNone}
	}
	if b.State == store.BookingRemoved {
		return judgeRemoved(b, base, in)
	}
	if in.stale() {
		return verdict{move: moveKeep, location: true, why: "stale: a link of an older generation"}
	}
	if b.Link == "" || !in.traces(b) {
		return judgeUnseen(b, base, in)
	}
	return judgeSeen(b, base, in)
}

// judgeRemoved: a removal is remembered until a conference is asked for anew.
func judgeRemoved(b *store.Booking, base, in reading) verdict {
	a, ok := in.first(func(a Ask) bool {
		// A body with the link that was removed has not seen the removal, whatever its If-Match says.
		return a.By == ByLocation || a.By != ByRule && !in.found.Old && !base.has(a.By, a.Provider, a.Kind)
	})
	if ok {
		return verdict{move: moveCreate, ask: a, location: true, why: "asks anew by " + a.By}
	}
	return verdict{move: moveNone, why: "removed earlier"}
}

// judgeUnseen: the client has not seen a link, so it cannot have removed one.
func judgeUnseen(b *store.Booking, base, in reading) verdict {
	// What stands in the body and not in its base was asked just now.
	if a, ok := in.first(func(a Ask) bool {
		return !a.same(b.Provider, b.Kind) && a.By != ByRule && base.exists && !base.has(a.By, a.Provider, a.Kind)
	}); ok {
		return verdict{move: moveSwitch, ask: a, location: true, why: "asks for another by " + a.By}
	}
	if _, ok := in.first(func(a Ask) bool { return a.same(b.Provider, b.Kind) }); ok {
		return verdict{move: moveKeep, location: true, blockGone: b.BlockGone && in.places(b), why: "not seen: still asks as before"}
	}
	if a, ok := in.first(func(a Ask) bool { return a.By != ByRule }); ok {
		return verdict{move: moveSwitch, ask: a, location: true, why: "asks for another by " + a.By}
	}
	if len(b.By) == 1 && (b.By[0] == ByCopy && !base.traces(b) || b.By[0] == ByRule && in.hasRule()) {
		return verdict{move: moveKeep, location: true, why: "not seen: asked by " + b.By[0]}
	}
	if base.exists && len(base.asks) == 0 && !base.traces(b) && !base.found.Old {
		// A stale device's save took the old link out before the new one was there.
		return verdict{move: moveKeep, location: true, why: "not seen: nothing is withdrawn in this save"}
	}
	return verdict{move: moveRemove, why: "withdrawn: nothing asks any more"}
}

func (r reading) hasRule() bool {
	_, ok := r.first(func(a Ask) bool { return a.By == ByRule })
	return ok
}

// judgeSeen: the body carries traces of the present link.
func judgeSeen(b *store.Booking, base, in reading) verdict {
	if a, ok := in.first(func(a Ask) bool {
		// A word that stood beside the link already asks for nothing.
		stood := in.found.InLocation && base.found.InLocation && base.has(ByLocation, a.Provider, a.Kind)
		return a.By == ByLocation && !stood
	}); ok {
		switch {
		case !a.same(b.Provider, b.Kind):
			return verdict{move: moveSwitch, ask: a, location: true, why: "another word in LOCATION"}
		case !in.found.InLocation:
			return verdict{move: moveRotate, ask: a, location: true, why: "a word where the link was"}
		}
	}
	if a, ok := in.first(func(a Ask) bool {
		return a.By != ByRule && a.By != ByLocation && !a.same(b.Provider, b.Kind) && !base.has(a.By, a.Provider, a.Kind)
	}); ok {
		return verdict{move: moveSwitch, ask: a, location: true, why: "asks for another by " + a.By}
	}
	if by := withdrawn(b, base, in); by != "" {
		return verdict{move: moveRemove, why: "the " + by + " that asked is withdrawn"}
	}
	keep := verdict{move: moveKeep, location: true, blockGone: b.BlockGone || base.found.Block && !in.found.Block, why: "keep"}
	switch {
	case in.found.InLocation:
		return keep
	case !in.found.InDescription:
		return verdict{move: moveRemove, why: "the link was deleted from LOCATION and DESCRIPTION"}
	case b.InLocation && (in.found.Location == "" || strings.EqualFold(in.found.Location, base.found.Location)):
		return verdict{move: moveRemove, why: "the link was deleted from LOCATION"}
	}
	keep.location = false
	// A block that a client of before still has is where the link stands.
	keep.blockGone = keep.blockGone && !in.found.Block
	keep.why = "keep: LOCATION is the organiser's"
	return keep
}

// withdrawn names a standing way that asked, is gone from in, and leaves nothing that asks: no
// other standing way, and no link in LOCATION that a word there brought.
func withdrawn(b *store.Booking, base, in reading) string {
	gone := ""
	for _, by := range b.By {
		switch by {
		case ByCategory, ByResource, ByProperty:
			if in.has(by, b.Provider, b.Kind) {
				return ""
			}
			// A client that strips X- properties has not withdrawn anything.
			stripped := by == ByProperty && in.found.Booking == "" && base.found.Booking != ""
			if base.has(by, b.Provider, b.Kind) && !stripped {
				gone = by
			}
		case ByLocation:
			if in.found.InLocation {
				return ""
			}
		}
	}
	return gone
}
