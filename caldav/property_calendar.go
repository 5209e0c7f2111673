package caldav

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"joinery/store"
)

// storable are the components that calendars hold; VFREEBUSY, too, where they were made for it.
var storable = []string{"VEVENT", "VTODO", "VJOURNAL"}

// collations are those of text-match (RFC 4791 §7.5).
var collations = []string{"i;ascii-casemap", "i;octet", "i;unicode-casemap"}

// calendarProperties are those of RFC 4791 §5.2 and Apple's of a calendar.
func calendarProperties() map[xml.Name]property {
	fixed := func(inner string) func(*request, *resource) (string, bool) {
		return func(*request, *resource) (string, bool) { return inner, true }
	}
	var collationSet strings.Builder
	for _, c := range collations {
		collationSet.WriteString("<C:supported-collation>" + c + "</C:supported-collation>")
	}
	const data = kindCalendar | kindInbox | kindOutbox
	return map[xml.Name]property{
		cal("calendar-description"): textProperty(func(c *store.Calendar) *string { return &c.Description }, maxText),
		apple("calendar-color"):     textProperty(func(c *store.Calendar) *string { return &c.Color }, 64),
		apple("calendar-order"):     textProperty(func(c *store.Calendar) *string { return &c.Order }, 64),
		cal("calendar-timezone"):    {kinds: kindCalendar, set: setTimezone, get: getTimezone},
		cal("calendar-timezone-id"): {kinds: kindCalendar, set: setTimezoneID, get: getTimezoneID},
		cal("supported-calendar-component-set"): {
			kinds: kindCalendar | kindInbox | kindOutbox,
			get: func(_ *request, res *resource) (string, bool) {
				comps := storable
				switch res.kind {
				case kindCalendar:
					comps = componentsOf(res.cal)
				case kindOutbox:
					comps = []string{"VFREEBUSY"} // RFC 6638 §2.1: what is POSTed
				}
				var b strings.Builder
				for _, c := range comps {
					b.WriteString(`<C:comp name="` + escapeAttr(c) + `"/>`)
				}
				return b.String(), true
			},
		},
		cal("supported-calendar-data"): {kinds: data, get: fixed(`<C:calendar-data content-type="text/calendar" version="2.0"/>`)},
		cal("supported-collation-set"): {kinds: kindCalendar | kindInbox, get: fixed(collationSet.String())},
		cal("max-resource-size"): {kinds: data, get: func(q *request, _ *resource) (string, bool) {
			return strconv.Itoa(q.maxSize), true
		}},
		cal("min-date-time"): {kinds: data, get: fixed("00010101T000000Z")},
		cal("max-date-time"): {kinds: data, get: fixed("99991231T235959Z")},
		cal("max-attendees-per-instance"): {kinds: data, get: func(q *request, _ *resource) (string, bool) {
			return strconv.Itoa(q.maxAttendees), true
		}},
		cal("schedule-calendar-transp"): {
			kinds: kindCalendar, set: setTransparent,
			get: func(_ *request, res *resource) (string, bool) {
				if res.cal.Transparent {
					return "<C:transparent/>", true
				}
				return "<C:opaque/>", true
			},
		},
	}
}

// textProperty is a text of a calendar that clients set.
func textProperty(field func(*store.Calendar) *string, limit int) property {
	return property{
		kinds: kindCalendar,
		get: func(_ *request, res *resource) (string, bool) {
			text := *field(res.cal)
			return escape(text), text != ""
		},
		set: func(c *store.Calendar, el *element) *httpError { return setText(field(c), el, limit) },
	}
}

// componentsOf says what a calendar holds.
func componentsOf(c *store.Calendar) []string {
	if len(c.Components) == 0 {
		return storable
	}
	return c.Components
}

// setTransparent is RFC 6638 §9.1; without a value a calendar is opaque.
func setTransparent(c *store.Calendar, el *element) *httpError {
	switch {
	case el == nil, el.child(nsCal, "opaque") != nil:
		c.Transparent = false
	case el.child(nsCal, "transparent") != nil:
		c.Transparent = true
	default:
		return refuse(http.StatusConflict, "opaque or transparent is expected")
	}
	return nil
}

// setComponents serves the making of calendars only: later the property is protected (RFC 4791 §5.2.3).
func setComponents(c *store.Calendar, el *element) *httpError {
	var comps []string
	for _, ch := range el.children() {
		name, _ := ch.attr("name")
		name = strings.ToUpper(strings.TrimSpace(name))
		if !ch.is(nsCal, "comp") || !slices.Contains(indexed, name) {
			return calError(http.StatusForbidden, "supported-calendar-component")
		}
		if !slices.Contains(comps, name) {
			comps = append(comps, name)
		}
	}
	if len(comps) == 0 {
		return calError(http.StatusForbidden, "supported-calendar-component")
	}
	c.Components = comps
	return nil
}
