package caldav

import (
	"encoding/xml"
	"strings"

	"joinery/store"
)

// schedulingProperties are those of RFC 6638, of RFC 4791 §6.2 and of the calendarserver extensions
// for principals.
func schedulingProperties() map[xml.Name]property {
	slug := func(s string) func(*request, *resource) (string, bool) {
		return func(_ *request, res *resource) (string, bool) {
			return hrefXML(calendarPath(res.user.Login, s)), true
		}
	}
	return map[xml.Name]property{
		cal("calendar-home-set"): {kinds: kindPrincipal, get: func(_ *request, res *resource) (string, bool) {
			return hrefXML(homePath(res.user.Login)), true
		}},
		cal("calendar-user-address-set"): {kinds: kindPrincipal, public: true, get: getAddresses},
		cal("calendar-user-type"): {kinds: kindPrincipal, public: true, get: func(_ *request, res *resource) (string, bool) {
			return userType(res.user), true
		}},
		cs("email-address-set"): {kinds: kindPrincipal, public: true, get: func(_ *request, res *resource) (string, bool) {
			var b strings.Builder
			for _, a := range res.user.Addresses {
				b.WriteString("<CS:email-address>" + escape(a) + "</CS:email-address>")
			}
			return b.String(), true
		}},
		cal("schedule-inbox-URL"):            {kinds: kindPrincipal, get: slug(inboxSlug)},
		cal("schedule-outbox-URL"):           {kinds: kindPrincipal, get: slug(outboxSlug)},
		cal("schedule-default-calendar-URL"): {kinds: kindInbox, get: getDefaultCalendar},
		// The draft's property, which Apple still asks for; schedule-calendar-transp took its place.
		// On a calendar Apple sets it to YES or NO, which means the same.
		cal("calendar-free-busy-set"): {
			kinds: kindCalendar | kindInbox, set: setFreeBusy,
			get: func(_ *request, res *resource) (string, bool) {
				var b strings.Builder
				for _, c := range res.busy {
					b.WriteString(hrefXML(calendarPath(res.user.Login, c.Slug)))
				}
				return b.String(), res.kind == kindInbox
			},
		},
		cal("schedule-tag"): {kinds: kindObject, get: func(_ *request, res *resource) (string, bool) {
			return escape(`"` + res.obj.ScheduleTag + `"`), res.obj.ScheduleTag != ""
		}},
	}
}

func getDefaultCalendar(_ *request, res *resource) (string, bool) {
	if res.invited == nil {
		return "", false
	}
	return hrefXML(calendarPath(res.user.Login, res.invited.Slug)), true
}

// userType is a user's CUTYPE (RFC 6638 §2.4.2).
func userType(u *store.User) string {
	switch u.Kind {
	case store.UserRoom:
		return "ROOM"
	case store.UserResource:
		return "RESOURCE"
	}
	return "INDIVIDUAL"
}

func setFreeBusy(c *store.Calendar, el *element) *httpError {
	c.Transparent = false
	for _, ch := range el.children() {
		c.Transparent = c.Transparent || strings.EqualFold(ch.name.Local, "NO")
	}
	return nil
}

// getAddresses lists the preferred address first: Thunderbird takes the first. The principal's own
// path comes last.
func getAddresses(_ *request, res *resource) (string, bool) {
	var b strings.Builder
	for i, a := range res.user.Addresses {
		attr := ""
		if i == 0 {
			attr = ` preferred="1"`
		}
		b.WriteString("<D:href" + attr + ">mailto:" + escape(a) + "</D:href>")
	}
	b.WriteString(hrefXML(principalPath(res.user.Login)))
	return b.String(), true
}
