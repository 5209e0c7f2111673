package caldav

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"joinery/caldav/ical"
	"joinery/store"
)

// calendarQuery answers calendar-query (RFC 4791 §7.8).
func (q *request) calendarQuery(root *element) error {
	pq, err := q.reportProps(root)
	if err != nil {
		return err
	}
	filter, err := parseFilter(root)
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
	if pq.data != nil {
		pq.data.zone = queryZone
	}
	var keep func(*resource) bool
	if !sure {
		zone := queryZone
		if zone == nil && res.cal != nil {
			zone = zoneOf(res.cal, res.user)
		}
		during := filter.onlyDuring()
		keep = func(m *resource) bool {
			if during != nil && m.obj.Takes != "" {
				return during.overlaps(m.obj.Start, m.obj.End)
			}
			return passes(m.obj, filter, zone)
		}
	}
	ms := q.startMultistatus()
	if err := q.writeMembers(ms, res, members, pq, keep); err != nil {
		return err
	}
	return ms.end("")
}

// indexed are the components of which every object holds one kind (RFC 4791 §4.1), by which the store
// knows it.
var indexed = []string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"}

// candidates lists the objects of a calendar that may pass the filter, by way of the index where the
// filter lets it; sure tells that all of them do.
func candidates(tx *store.Tx, c *store.Calendar, filter *compFilter) (ms []member, sure bool, err error) {
	var ids []int64
	i := slices.IndexFunc(filter.comps, func(f compFilter) bool { return !f.notDefined && slices.Contains(indexed, f.name) })
	switch {
	case i < 0:
		sure = len(filter.props)+len(filter.comps) == 0
		ids, err = tx.ObjectIDs(c.ID)
	case filter.comps[i].during != nil:
		comp := filter.comps[i]
		ids, err = tx.ObjectIDsInRange(c.ID, comp.name, comp.during.indexed())
	default:
		comp := filter.comps[i]
		sure = len(filter.props)+len(comp.props)+len(comp.comps) == 0 && len(filter.comps) == 1
		ids, err = tx.ObjectIDsInRange(c.ID, comp.name, store.Range{})
	}
	if err != nil {
		return nil, false, fmt.Errorf("listing the collection: %w", err)
	}
	return objectMembers(ids), sure, nil
}

// onlyDuring is the range in which f wants events to take place, where it asks for nothing else; nil
// otherwise.
func (f *compFilter) onlyDuring() *timeRange {
	if len(f.props) > 0 || len(f.comps) != 1 || f.comps[0].name != "VEVENT" || f.comps[0].notDefined ||
		len(f.comps[0].props)+len(f.comps[0].comps) > 0 {
		return nil
	}
	return f.comps[0].during
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
	zones := o.Root.Find("VTIMEZONE")
	if len(zones) != 1 || zones[0].First("TZID") == nil {
		return nil
	}
	return o.Location(zones[0].Text("TZID"))
}

// parseQueryZone reads a query's timezone (RFC 4791 §9.8) or, instead of it, timezone-id (RFC 7809 §6.2).
func parseQueryZone(root *element) (*time.Location, error) {
	el := root.child(nsCal, "timezone")
	if id := root.child(nsCal, "timezone-id"); id != nil {
		if el != nil {
			return nil, refuse(http.StatusBadRequest, "timezone or timezone-id is expected")
		}
		loc, _ := ical.ZoneByName(id.trimmed())
		if loc == nil {
			return nil, calError(http.StatusForbidden, "valid-timezone")
		}
		return loc, nil
	}
	if el == nil {
		return nil, nil
	}
	loc := zoneOfText(el.trimmed() + "\n")
	if loc == nil || !isTimezone(el.text()) {
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
