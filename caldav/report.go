package caldav

import (
	"errors"
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
	case dav("acl-principal-prop-set"):
		return q.aclPrincipals(root)
	}
	return davError(http.StatusForbidden, "supported-report")
}

// maxHrefs bounds what one calendar-multiget may name.
const maxHrefs = 5000

// multiget answers calendar-multiget (RFC 4791 §7.9). What cannot be read is a 404 of its own; hrefs
// may be absolute or encoded in any way. What is named several times is answered once.
func (q *request) multiget(root *element) error {
	pq, err := q.reportProps(root)
	if err != nil {
		return err
	}
	of, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	hrefs := q.distinctHrefs(root)
	if len(hrefs) > maxHrefs {
		return errTooMuch
	}
	ms := q.startMultistatus()
	if err := q.writeNamed(ms, of, hrefs, pq); err != nil {
		return err
	}
	return ms.end("")
}

func (q *request) writeNamed(ms *multistatus, of *resource, hrefs []namedHref, pq *propQuery) error {
	return ms.pages(len(hrefs), pq.data.parses(), func(tx *store.Tx, i int) error {
		res, status, err := q.named(tx, of, hrefs[i].place)
		if err != nil {
			return err
		}
		if status != 0 {
			ms.status(hrefs[i].href, status, "")
			return nil
		}
		ms.reads(res.obj)
		return q.respond(ms, tx, res, pq)
	})
}

// A namedHref is an href as the client wrote it, and what it names: kindNone, with the href as name,
// where that is no object.
type namedHref struct {
	href  string
	place place
}

// distinctHrefs lists the hrefs in an element, of several that name one object the first.
func (q *request) distinctHrefs(el *element) []namedHref {
	var hrefs []namedHref
	seen := map[place]bool{}
	for _, c := range el.children() {
		if !c.is(nsDAV, "href") {
			continue
		}
		href := c.trimmed()
		p, err := parseHref(href, q.hosts()...)
		switch {
		case err != nil || p.kind&kindMember == 0:
			p = place{kind: kindNone, name: href}
		case p.of(q.user):
			p.login = q.user.Login
		}
		if !seen[p] {
			seen[p] = true
			hrefs = append(hrefs, namedHref{href, p})
		}
	}
	return hrefs
}

// named finds an object that an href names, below the request's own address, at which of stands; a
// status other than 0 says why not.
func (q *request) named(tx *store.Tx, of *resource, p place) (*resource, int, error) {
	if p.kind == kindNone {
		return nil, http.StatusNotFound, nil
	}
	if q.ownOnly(p) != nil {
		return nil, http.StatusForbidden, nil
	}
	if q.place.slug != "" && p.slug != q.place.slug || q.place.name != "" && p.name != q.place.name {
		return nil, http.StatusNotFound, nil
	}
	var res *resource
	var err error
	if of.kind == kindCalendar {
		res, err = of.member(tx, p)
	} else {
		res, err = q.resolve(tx, p)
	}
	if errors.Is(err, errNotFound) {
		return nil, http.StatusNotFound, nil
	}
	return res, 0, err // of other errors nobody is told that the object is gone
}
