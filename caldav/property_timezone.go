package caldav

import (
	"net/http"
	"strings"

	"joinery/caldav/ical"
	"joinery/store"
)

// setTimezone takes an iCalendar object with exactly one VTIMEZONE (RFC 4791 §5.2.2).
func setTimezone(c *store.Calendar, el *element) *httpError {
	var text string
	if e := setText(&text, el, 64<<10); e != nil {
		return e
	}
	if el != nil && !isTimezone(text) {
		return calError(http.StatusForbidden, "valid-calendar-data")
	}
	c.Timezone = text
	return nil
}

// isTimezone tells whether text is an iCalendar object that holds one VTIMEZONE and nothing else (RFC 4791 §5.2.2,
// §9.8).
func isTimezone(text string) bool {
	o, err := ical.Parse([]byte(strings.TrimSpace(text)+"\n"), ical.Limits{})
	return err == nil && len(o.Root.Children) == 1 && o.Root.Children[0].Name == "VTIMEZONE"
}

// setTimezoneID gives a calendar the zone of that name: calendar-timezone and calendar-timezone-id are two
// forms of one property (RFC 7809 §5.2).
func setTimezoneID(c *store.Calendar, el *element) *httpError {
	if el == nil {
		c.Timezone = ""
		return nil
	}
	var id string
	if e := setText(&id, el, maxText); e != nil {
		return e
	}
	loc, name := ical.ZoneByName(strings.TrimSpace(id))
	if loc == nil {
		return calError(http.StatusForbidden, "valid-timezone")
	}
	c.Timezone = zoneText("BEGIN:VTIMEZONE", "TZID:"+ical.EscapeText(name), "END:VTIMEZONE")
	return nil
}

func zoneText(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + productID + "\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n"
}

// getTimezone returns the zone as it was set, or where it was set by name alone with its rules of now.
func getTimezone(q *request, res *resource) (string, bool) {
	text := res.cal.Timezone
	if o, err := ical.Parse([]byte(text), ical.Limits{}); err == nil {
		zones := o.Root.Find("VTIMEZONE")
		if name, ok := zoneName(text); ok && len(zones) == 1 && len(zones[0].Children) == 0 {
			loc, _ := ical.ZoneByName(name)
			text = zoneText(strings.ReplaceAll(ical.ZoneText(name, loc, q.now().Year()), "\n", "\r\n"))
		}
	}
	return escape(text), text != ""
}

// getTimezoneID is the name of the calendar's zone, where it is one that everybody knows.
func getTimezoneID(_ *request, res *resource) (string, bool) {
	name, ok := zoneName(res.cal.Timezone)
	return escape(name), ok
}

// zoneName is the name of the one zone in an iCalendar text; false if it is none that everybody knows.
func zoneName(text string) (string, bool) {
	loc := zoneOfText(text)
	if loc == nil {
		return "", false
	}
	loc, name := ical.ZoneByName(loc.String())
	return name, loc != nil
}
