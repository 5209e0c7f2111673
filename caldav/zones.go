package caldav

import (
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// A zoneWish is which zones a client wants with its objects (RFC 7809 §7.1). The DAV header does not say
// calendar-no-timezone: that promises a time zone distribution service (§3.1.2), and clients that read it
// leave out of what they store the zones that subscribers and clients without the header need.
type zoneWish byte

const (
	zonesAsStored zoneWish = iota
	zonesAll               // those that the object only names, too
	zonesUnknown           // only those whose TZID is no IANA name
)

// zoneWish reads the CalDAV-Timezones header.
func (q *request) zoneWish() zoneWish {
	switch strings.TrimSpace(q.r.Header.Get("CalDAV-Timezones")) {
	case "T":
		return zonesAll
	case "F":
		return zonesUnknown
	}
	return zonesAsStored
}

// apply is an object with the zones that are wanted.
func (w zoneWish) apply(o *ical.Object) []byte {
	e := o.Edit()
	switch w {
	case zonesAll:
		var from time.Time
		for _, c := range o.Root.Children {
			if l := c.First("DTSTART"); l != nil && slices.Contains(indexed, c.Name) {
				if t, err := o.Time(l); err == nil && (from.IsZero() || t.Time.Before(from)) {
					from = t.Time
				}
			}
		}
		e.AddZones(o.Root.TZIDs(), from)
	case zonesUnknown:
		for _, c := range o.Root.Find("VTIMEZONE") {
			if o.StandardZone(c.Text("TZID")) {
				e.RemoveComponent(c)
			}
		}
	}
	return e.Bytes()
}

// inWantedZones is an object's bytes with the zones that the client wants.
func (q *request) inWantedZones(o *store.Object) []byte {
	wish := q.zoneWish()
	if wish == zonesAsStored {
		return o.Data
	}
	parsed, err := objectOf(o)
	if err != nil {
		return o.Data
	}
	return wish.apply(parsed)
}
