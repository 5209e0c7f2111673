package ical

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a VTIMEZONE that is worked out.
const (
	zoneYears       = 2100 // until when
	zoneChanges     = 4096 // changes of the clock; more is no zone of this world
	zoneOffsets     = 100  // different offsets and names
	zoneBudget      = budget(20_000)
	zonesKept       = 256
	zoneOffsetLimit = 24 * 3600

	zoneTail = 120 * 24 * time.Hour // how long a table's last offset is believed
)

// zoneEnd is where many writers stop, the end of 32-bit time being near.
var zoneEnd = time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC)

// A vzone is a VTIMEZONE that was worked out.
type vzone struct {
	loc *time.Location
	// From known until stops its offsets are meant: before, one of its kinds of observance had not
	// begun; a table that ends, as khal writes it, tells nothing of the years behind.
	known, stops time.Time
}

// ownZones keeps zones by their text: clients send the same few again and again.
var ownZones struct {
	mu   sync.Mutex
	zone map[[sha256.Size]byte]*vzone // nil: cannot be worked out
}

// ownZone works out c (RFC 5545 §3.6.5) up to the year 2100; nil if it cannot be: it has no
// observance that can be read, or too many changes.
func ownZone(tzid string, c *Component) *vzone {
	key := zoneKey(tzid, c)
	ownZones.mu.Lock()
	z, ok := ownZones.zone[key]
	ownZones.mu.Unlock()
	if ok {
		return z
	}
	z = workOutZone(tzid, c)
	ownZones.mu.Lock()
	defer ownZones.mu.Unlock()
	if ownZones.zone == nil || len(ownZones.zone) >= zonesKept {
		ownZones.zone = map[[sha256.Size]byte]*vzone{}
	}
	ownZones.zone[key] = z
	return z
}

func zoneKey(tzid string, c *Component) (key [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", tzid)
	for _, o := range c.Children {
		fmt.Fprintf(h, "%s\n", o.Name)
		for _, l := range o.Lines {
			fmt.Fprintf(h, "%s\n", l.Raw())
		}
	}
	h.Sum(key[:0])
	return key
}

// A zoneChange is the begin of an observance.
type zoneChange struct {
	at       int64
	offset   int
	before   int // the offset that it replaces, as it says
	daylight bool
	name     string
}

func workOutZone(tzid string, c *Component) *vzone {
	b := zoneBudget
	var changes []zoneChange
	begins := map[string]int64{}
	for _, child := range c.Children {
		if child.Name != "STANDARD" && child.Name != "DAYLIGHT" {
			continue
		}
		list, ok := observance(child, &b)
		if !ok || len(changes)+len(list) > zoneChanges {
			return nil
		}
		changes = append(changes, list...)
		for _, change := range list {
			if first, ok := begins[child.Name]; !ok || change.at < first {
				begins[child.Name] = change.at
			}
		}
	}
	if len(changes) == 0 {
		return nil
	}
	slices.SortStableFunc(changes, func(a, b zoneChange) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	known := changes[0].at
	for _, at := range begins {
		known = max(known, at)
	}
	stops := zoneEnd
	if len(begins) > 1 {
		last := time.Unix(changes[len(changes)-1].at, 0).Add(zoneTail)
		if last.Before(stops) {
			stops = last
		}
	}
	data := tzif(changes)
	if data == nil {
		return nil
	}
	name := "VTIMEZONE " + clip(tzid) // never one that may be looked up
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil
	}
	return &vzone{loc: loc, known: time.Unix(known, 0), stops: stops}
}

// observance lists the changes of one STANDARD or DAYLIGHT; false if it cannot be read.
func observance(c *Component, b *budget) ([]zoneChange, bool) {
	start := c.First("DTSTART")
	if start == nil {
		return nil, false
	}
	first, _, _, err := parseCivil(strings.TrimSpace(start.Value))
	from, okFrom := parseOffset(c.Text("TZOFFSETFROM"))
	to, okTo := parseOffset(c.Text("TZOFFSETTO"))
	if err != nil || !okTo {
		return nil, false
	}
	if !okFrom {
		from = to
	}
	change := zoneChange{offset: to, before: from, daylight: c.Name == "DAYLIGHT", name: c.Text("TZNAME")}
	var list []zoneChange
	add := func(at civil) {
		change.at = int64(at) - int64(from)
		list = append(list, change)
	}
	add(first)
	for _, l := range c.All("RDATE") {
		for item := range strings.SplitSeq(l.Value, ",") {
			item, _, _ = strings.Cut(item, "/")
			at, dateOnly, utc, err := parseCivil(strings.TrimSpace(item))
			if err != nil {
				return nil, false
			}
			if dateOnly {
				at += first.clock()
			}
			if utc {
				at += civil(from)
			}
			add(at)
		}
	}
	for _, l := range c.All("RRULE") {
		r, err := ParseRule(l.Value)
		if err != nil {
			return nil, false
		}
		last := civilDate(zoneYears, 12, 31)
		if r.Until != nil {
			// In UTC by the RFC; some write the observance's own clock without Z.
			until := untilCivil(r.Until, nil, false)
			if r.Until.UTC {
				until += civil(from)
			}
			last = min(last, until)
		}
		s := r.series(first, false)
		left := r.Count
		if r.Count > 0 && !s.meetsStart() {
			left--
		}
		it := s.iterate(last, b)
		for r.Count == 0 || left > 0 {
			at, ok := it.next()
			if !ok {
				break
			}
			left--
			if at != first {
				add(at)
			}
			if len(list) > zoneChanges {
				return nil, false
			}
		}
		if it.err != nil {
			return nil, false
		}
	}
	return list, true
}

// parseOffset reads a UTC-OFFSET (RFC 5545 §3.3.14), also with seconds or with a colon, in seconds.
func parseOffset(s string) (int, bool) {
	s = strings.ReplaceAll(strings.TrimSpace(s), ":", "")
	if s == "" {
		return 0, false
	}
	sign := 1
	switch s[0] {
	case '-':
		sign = -1
		s = s[1:]
	case '+':
		s = s[1:]
	}
	if (len(s) != 4 && len(s) != 6) || !digits(s) {
		return 0, false
	}
	h, m, sec := number(s[:2]), number(s[2:4]), 0
	if len(s) == 6 {
		sec = number(s[4:])
	}
	offset := h*3600 + m*60 + sec
	if m > 59 || sec > 59 || offset >= zoneOffsetLimit {
		return 0, false
	}
	return sign * offset, true
}

// tzif writes changes, which are sorted, as a TZif file (RFC 8536), which is what a time.Location is
// made from. Before the first change its own earlier offset holds. Nil if it has too many offsets.
func tzif(changes []zoneChange) []byte {
	type kind struct {
		offset   int
		daylight bool
		name     string
	}
	// The first kind is the one before all changes and is used by none.
	kinds := []kind{{changes[0].before, false, ""}}
	var times []int64
	var indexes []byte
	for _, c := range changes {
		k := kind{c.offset, c.daylight, zoneAbbreviation(c.name)}
		i := slices.Index(kinds[1:], k) + 1
		if i == 0 {
			if len(kinds) >= zoneOffsets {
				return nil
			}
			i = len(kinds)
			kinds = append(kinds, k)
		}
		if n := len(times); n > 0 && times[n-1] == c.at {
			indexes[n-1] = byte(i) // of two at the same time the later in the text
			continue
		}
		times, indexes = append(times, c.at), append(indexes, byte(i))
	}
	names := []byte{0}
	at := make([]byte, len(kinds))
	for i, k := range kinds {
		if k.name == "" || len(names)+len(k.name)+1 > 255 {
			continue
		}
		if j := strings.Index(string(names), "\x00"+k.name+"\x00"); j >= 0 {
			at[i] = byte(j + 1)
			continue
		}
		at[i] = byte(len(names))
		names = append(append(names, k.name...), 0)
	}

	header := func(times, kinds, names int) []byte {
		h := append([]byte("TZif2"), make([]byte, 15)...)
		for _, n := range []int{0, 0, 0, times, kinds, names} {
			h = binary.BigEndian.AppendUint32(h, uint32(n))
		}
		return h
	}
	// Readers of the second version pass over the first; it holds one kind.
	data := append(header(0, 1, 1), 0, 0, 0, 0, 0, 0, 0)
	data = append(data, header(len(times), len(kinds), len(names))...)
	for _, t := range times {
		data = binary.BigEndian.AppendUint64(data, uint64(t))
	}
	data = append(data, indexes...)
	for i, k := range kinds {
		data = binary.BigEndian.AppendUint32(data, uint32(int32(k.offset)))
		daylight := byte(0)
		if k.daylight {
			daylight = 1
		}
		data = append(data, daylight, at[i])
	}
	data = append(data, names...)
	return append(data, "\n\n"...)
}

// zoneAbbreviation is what of a TZNAME may stand in a file of zones.
func zoneAbbreviation(name string) string {
	var b strings.Builder
	for i := 0; i < len(name) && b.Len() < 12; i++ {
		if c := name[i]; c > ' ' && c < 0x7f {
			b.WriteByte(c)
		}
	}
	return b.String()
}
