package caldav

import (
	"fmt"
	"net/http"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// calendarQuery answers calendar-query (RFC 4791 §7.8).
func (q *request) calendarQuery(root *element) error {
	pq, err := parseProps(root, true)
	if err != nil {
		return err
	}
	filterEl := root.child(nsCal, "filter")
	if filterEl == nil {
		return errFilter
	}
	filter, err := parseFilter(filterEl)
	if err != nil {
		return err
	}
	queryZone, err := parseQueryZone(root)
	if err != nil {
		return err
	}
	d, err := depth(q.r.Header, 1) // 0 by the standard, but clients that leave it out mean the members
	if err != nil {
		return err
	}
	var res *resource
	var members []member
	sure := false
	err = q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		if res, err = q.resolve(tx, q.place); err != nil {
			return err
		}
		switch {
		case res.obj != nil:
			members = []member{{res: res}}
		case res.kind&(kindCalendar|kindInbox) != 0 && d != 0:
			members, sure, err = candidates(tx, res.cal, filter)
		}
		return err
	})
	if err != nil {
		return err
	}
	var keep func(*resource) bool
	if !sure {
		zone := queryZone
		if zone == nil && res.cal != nil {
			zone = zoneOf(res.cal, res.user)
		}
		keep = func(m *resource) bool { return passes(m.obj, filter, zone) }
	}
	ms := q.startMultistatus()
	if err := q.writeMembers(ms, res, members, pq, keep); err != nil {
		return err
	}
	return ms.end("")
}

// candidates lists the objects of a calendar that may pass the filter, by way of the index where the
// filter lets it; sure tells that all of them do.
func candidates(tx *store.Tx, c *store.Calendar, filter *compFilter) (ms []member, sure bool, err error) {
	var ids []int64
	var comp compFilter
	if len(filter.props) == 0 && len(filter.comps) == 1 && !filter.comps[0].notDefined && filter.comps[0].name != "VTIMEZONE" {
		comp = filter.comps[0]
	}
	switch {
	case comp.during != nil:
		ids, err = tx.ObjectIDsInRange(c.ID, comp.name, comp.during.start, comp.during.end)
	case comp.name != "":
		sure = len(comp.props)+len(comp.comps) == 0
		ids, err = tx.ObjectIDsInRange(c.ID, comp.name, time.Time{}, time.Time{})
	default:
		ids, err = tx.ObjectIDs(c.ID)
	}
	if err != nil {
		return nil, false, fmt.Errorf("listing the collection: %w", err)
	}
	return objectMembers(ids), sure, nil
}

// passes tells whether an object passes a filter. What cannot be read does.
func passes(o *store.Object, filter *compFilter, zone *time.Location) bool {
	parsed, err := ical.Parse(o.Data, ical.Limits{Size: len(o.Data) + 1})
	return err != nil || newMatcher(parsed, zone).matches(filter)
}

// zoneOf is the zone that floating times of a calendar are taken in: its calendar-timezone, or its
// owner's.
func zoneOf(c *store.Calendar, u *store.User) *time.Location {
	if loc := zoneOfText(c.Timezone); loc != nil {
		return loc
	}
	return userZone(u)
}

func userZone(u *store.User) *time.Location {
	if loc, _ := ical.ZoneByName(u.Zone); loc != nil {
		return loc
	}
	return time.UTC
}

// zoneOfText is the zone of the one VTIMEZONE in an iCalendar text, nil if there is none.
func zoneOfText(text string) *time.Location {
	if text == "" {
		return nil
	}
	o, err := ical.Parse([]byte(text), ical.Limits{})
	if err != nil {
		return nil
	}
	for _, z := range o.Root.Find("VTIMEZONE") {
		if l := z.First("TZID"); l != nil {
			return o.Location(l.Value)
		}
	}
	return nil
}

// parseQueryZone reads a query's timezone (RFC 4791 §9.8) or timezone-id (RFC 7809 §5.1).
func parseQueryZone(root *element) (*time.Location, error) {
	if el := root.child(nsCal, "timezone-id"); el != nil {
		loc, _ := ical.ZoneByName(el.trimmed())
		if loc == nil {
			return nil, calError(http.StatusForbidden, "valid-timezone")
		}
		return loc, nil
	}
	el := root.child(nsCal, "timezone")
	if el == nil {
		return nil, nil
	}
	loc := zoneOfText(el.trimmed() + "\n")
	if loc == nil {
		return nil, calError(http.StatusForbidden, "valid-calendar-data")
	}
	return loc, nil
}

// objectOf parses a stored object.
func objectOf(o *store.Object) (*ical.Object, error) {
	parsed, err := ical.Parse(o.Data, ical.Limits{Size: len(o.Data) + 1})
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", o.Name, err)
	}
	return parsed, nil
}
