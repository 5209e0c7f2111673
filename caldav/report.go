package caldav

import (
	"net/http"
	"slices"

	"joinery/store"
)

// report answers REPORT (RFC 3253 §3.6) by the root element.
func (q *request) report() error {
	root, err := readXML(q.r)
	if err != nil {
		return err
	}
	if root == nil {
		return refuse(http.StatusBadRequest, "a report is expected")
	}
	if !slices.Contains(reportsOf(q.place.kind), root.name) {
		return davError(http.StatusForbidden, "supported-report")
	}
	switch root.name {
	case cal("calendar-multiget"):
		return q.multiget(root)
	case cal("calendar-query"):
		return q.calendarQuery(root)
	case cal("free-busy-query"):
		return q.freeBusyQuery(root)
	case dav("sync-collection"):
		return q.syncCollection(root)
	case dav("expand-property"):
		return q.expandProperty(root)
	case dav("principal-property-search"):
		return q.principalSearch(root)
	case dav("principal-search-property-set"):
		return q.principalSearchProperties()
	case dav("principal-match"):
		return q.principalMatch(root)
	}
	return davError(http.StatusForbidden, "supported-report")
}

// multiget answers calendar-multiget (RFC 4791 §7.9). What cannot be read is a 404 of its own; hrefs
// may be absolute or encoded in any way.
func (q *request) multiget(root *element) error {
	pq, err := parseProps(root, true)
	if err != nil {
		return err
	}
	return q.store.View(q.ctx(), func(tx *store.Tx) error {
		if _, err := q.resolve(tx, q.place); err != nil {
			return err
		}
		ms := q.startMultistatus()
		for _, c := range root.children() {
			if !c.is(nsDAV, "href") {
				continue
			}
			href := c.trimmed()
			res, status := q.member(tx, href)
			if status != 0 {
				if err := ms.status(href, status, ""); err != nil {
					return err
				}
				continue
			}
			groups, err := q.propstats(res, pq)
			if err != nil {
				return err
			}
			if err := ms.response(res.href(), groups); err != nil {
				return err
			}
		}
		return ms.end("")
	})
}

// member finds an object by an href below the request's own address; a status other than 0 says
// why not.
func (q *request) member(tx *store.Tx, href string) (*resource, int) {
	p, err := parseHref(href, q.hosts()...)
	if err != nil || p.kind != kindObject {
		return nil, http.StatusNotFound
	}
	if q.ownOnly(p) != nil {
		return nil, http.StatusForbidden
	}
	if q.place.slug != "" && p.slug != q.place.slug || q.place.name != "" && p.name != q.place.name {
		return nil, http.StatusNotFound
	}
	res, err := q.resolve(tx, p)
	if err != nil {
		return nil, http.StatusNotFound
	}
	return res, 0
}
