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
	return q.store.View(q.ctx(), func(tx *store.Tx) error {
		res, err := q.resolve(tx, q.place)
		if err != nil {
			return err
		}
		ms := q.startMultistatus()
		write := func(o *store.Object) error {
			m := &resource{kind: kindObject, user: res.user, cal: res.cal, obj: o}
			groups, err := q.propstats(m, pq)
			if err != nil {
				return err
			}
			return ms.response(m.href(), groups)
		}
		zone := queryZone
		if zone == nil && res.cal != nil {
			zone = zoneOf(res.cal, res.user)
		}
		switch {
		case res.kind == kindObject:
			if err := ifMatches(filter, zone, write)(res.obj); err != nil {
				return err
			}
		case res.kind == kindCalendar && d != 0:
			if err := eachMatch(tx, res.cal, filter, zone, pq.needsData(), write); err != nil {
				return err
			}
		}
		return ms.end("")
	})
}

// eachMatch calls f for the objects of a calendar that pass the filter, by way of the index where
// the filter lets it.
func eachMatch(tx *store.Tx, c *store.Calendar, filter *compFilter, zone *time.Location, data bool, f func(*store.Object) error) error {
	if len(filter.props) > 0 || len(filter.comps) != 1 || filter.comps[0].notDefined {
		return tx.EachObject(c.ID, ifMatches(filter, zone, f))
	}
	comp := filter.comps[0]
	if comp.during == nil && len(comp.props)+len(comp.comps) == 0 && comp.name != "VTIMEZONE" {
		each := tx.EachMember
		if data {
			each = tx.EachObject
		}
		return each(c.ID, func(o *store.Object) error {
			if o.Component != comp.name {
				return nil
			}
			return f(o)
		})
	}
	if comp.during == nil || comp.name == "VTIMEZONE" {
		return tx.EachObject(c.ID, ifMatches(filter, zone, f))
	}
	return tx.EachInRange(c.ID, comp.name, comp.during.start, comp.during.end, ifMatches(filter, zone, f))
}

// ifMatches has f called for objects that pass the filter.
func ifMatches(filter *compFilter, zone *time.Location, f func(*store.Object) error) func(*store.Object) error {
	return func(o *store.Object) error {
		parsed, err := ical.Parse(o.Data, ical.Limits{Size: len(o.Data) + 1})
		if err != nil || newMatcher(parsed, zone).matches(filter) {
			return f(o)
		}
		return nil
	}
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
