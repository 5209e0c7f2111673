package caldav

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"joinery/store"
)

// ownKinds are the kinds that belong to somebody.
const ownKinds = kindPrincipal | kindHome | kindCalendar | kindInbox | kindOutbox | kindMember

// webdavProperties are those of RFC 4918, RFC 3253 §3.1.5 and RFC 6578.
func webdavProperties() map[xml.Name]property {
	return map[xml.Name]property{
		dav("resourcetype"): {kinds: kindAll, all: true, public: true, get: getResourceType},
		dav("displayname"): {
			kinds: kindAll, all: true, public: true, set: setDisplayName,
			get: func(_ *request, res *resource) (string, bool) {
				name := res.displayName()
				return escape(name), name != ""
			},
		},
		dav("getetag"): {kinds: kindMember, all: true, get: func(_ *request, res *resource) (string, bool) {
			return escape(`"` + res.obj.ETag + `"`), true
		}},
		dav("getcontenttype"): {kinds: kindMember, all: true, get: func(_ *request, res *resource) (string, bool) {
			return contentType(res.obj), true
		}},
		dav("getcontentlength"): {kinds: kindMember, all: true, get: func(_ *request, res *resource) (string, bool) {
			return strconv.Itoa(len(res.obj.Data)), true
		}},
		dav("getlastmodified"): {kinds: kindMember, all: true, get: func(_ *request, res *resource) (string, bool) {
			return res.obj.Modified.UTC().Format(http.TimeFormat), true
		}},
		dav("creationdate"): {kinds: kindMember | kindCalendar, all: true, get: func(_ *request, res *resource) (string, bool) {
			at := res.cal.Created
			if res.obj != nil {
				at = res.obj.Created
			}
			return at.UTC().Format(time.RFC3339), !at.IsZero()
		}},
		dav("supported-report-set"): {kinds: kindAll, get: getReports},
		dav("sync-token"): {kinds: kindCalendar | kindInbox, get: func(_ *request, res *resource) (string, bool) {
			return escape(syncToken(res)), true
		}},
		cs("getctag"): {kinds: kindCalendar | kindInbox, get: func(_ *request, res *resource) (string, bool) {
			return escape(syncToken(res)), true
		}},
	}
}

func getResourceType(_ *request, res *resource) (string, bool) {
	switch res.kind {
	case kindObject, kindInboxItem:
		return "", true
	case kindPrincipal:
		return "<D:collection/><D:principal/>", true
	case kindCalendar:
		return "<D:collection/><C:calendar/>", true
	case kindInbox:
		return "<D:collection/><C:schedule-inbox/>", true
	case kindOutbox:
		return "<D:collection/><C:schedule-outbox/>", true
	}
	return "<D:collection/>", true
}

const calendarText = "text/calendar; charset=utf-8"

// contentType is an object's Content-Type.
func contentType(o *store.Object) string {
	t := calendarText
	if o.Component != "" {
		t += "; component=" + o.Component
	}
	return t
}

// maxText bounds the text of a live property that clients set.
const maxText = 4096

func setDisplayName(c *store.Calendar, el *element) *httpError {
	return setText(&c.Name, el, maxText)
}

// setText puts the element's text into dst, "" where el is nil.
func setText(dst *string, el *element, limit int) *httpError {
	if el == nil {
		*dst = ""
		return nil
	}
	if len(el.children()) > 0 {
		return refuse(http.StatusConflict, "the property is text")
	}
	text := el.text()
	if len(text) > limit {
		return refuse(http.StatusInsufficientStorage, "the property is too long")
	}
	*dst = text
	return nil
}

// reportsOf lists the reports of a kind of resource; report.go answers exactly these.
func reportsOf(k kind) []xml.Name {
	rs := []xml.Name{dav("expand-property"), dav("principal-property-search"), dav("principal-search-property-set"), dav("principal-match")}
	switch k {
	case kindCalendar:
		rs = append(rs, dav("sync-collection"), cal("calendar-multiget"), cal("calendar-query"), cal("free-busy-query"))
	case kindInbox:
		rs = append(rs, dav("sync-collection"), cal("calendar-multiget"), cal("calendar-query"))
	case kindHome:
		rs = append(rs, cal("calendar-multiget"))
	case kindObject, kindInboxItem:
		rs = []xml.Name{dav("expand-property"), cal("calendar-multiget"), cal("calendar-query")}
	}
	if k&ownKinds != 0 {
		rs = append(rs, dav("acl-principal-prop-set"))
	}
	return rs
}

func getReports(_ *request, res *resource) (string, bool) {
	var b strings.Builder
	for _, n := range reportsOf(res.kind) {
		b.WriteString("<D:supported-report><D:report>" + elementXML(n, "") + "</D:report></D:supported-report>")
	}
	return b.String(), true
}
