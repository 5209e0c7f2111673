package caldav

import (
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strings"

	"joinery/store"
)

// A property is a live property.
type property struct {
	kinds kind // where it is known
	// all puts it into allprop answers: those of RFC 4918, no others (RFC 3744 §5, RFC 4791 §5.2).
	all bool
	// public lets others see it of a principal that a search has found.
	public bool
	// get returns its content as XML; false where the resource has none.
	get func(q *request, res *resource) (string, bool)
	// set gives it a value, or takes it away where el is nil. It is nil for protected properties.
	set func(cal *store.Calendar, el *element) *httpError
}

// properties are the live properties. Whatever else is set is kept as it is, see property_dead.go.
var properties = joinTables(webdavProperties(), accessProperties(), calendarProperties(), schedulingProperties(), attachmentProperties(), addMemberProperties())

func joinTables(tables ...map[xml.Name]property) map[xml.Name]property {
	all := map[xml.Name]property{}
	for _, t := range tables {
		for n, p := range t {
			all[n] = p
		}
	}
	return all
}

func dav(local string) xml.Name   { return xml.Name{Space: nsDAV, Local: local} }
func cal(local string) xml.Name   { return xml.Name{Space: nsCal, Local: local} }
func cs(local string) xml.Name    { return xml.Name{Space: nsCS, Local: local} }
func apple(local string) xml.Name { return xml.Name{Space: nsApple, Local: local} }

// maxProps bounds the properties that one request names.
const maxProps = 500

var errProps = refuse(http.StatusBadRequest, "more than %d properties are named", maxProps)

// A propQuery is what a client wants to know of each resource.
type propQuery struct {
	allprop  bool
	propname bool
	names    []xml.Name    // of prop, or of include
	data     *calendarData // calendar-data as a REPORT asks for it; nil: not asked for
	report   bool          // calendar-data may be asked for
	public   bool          // of somebody else: only public properties
	dead     bool          // names has some that are not live
}

// parseProps reads a DAV:propfind, or the DAV:prop, allprop or propname inside a report.
func parseProps(e *element, report bool) (*propQuery, error) {
	pq := &propQuery{report: report}
	found := 0
	for _, c := range e.children() {
		switch {
		case c.is(nsDAV, "prop"):
			found++
			if err := pq.add(c); err != nil {
				return nil, err
			}
		case c.is(nsDAV, "allprop"):
			found++
			pq.allprop = true
		case c.is(nsDAV, "propname"):
			found++
			pq.propname = true
		}
	}
	if found > 1 || found == 0 && !report {
		return nil, refuse(http.StatusBadRequest, "one of prop, allprop and propname is expected")
	}
	if pq.allprop {
		if err := pq.add(e.child(nsDAV, "include")); err != nil {
			return nil, err
		}
	}
	return pq, nil
}

func (pq *propQuery) add(prop *element) error {
	if len(prop.children()) > maxProps {
		return errProps
	}
	for _, c := range prop.children() {
		if pq.report && c.is(nsCal, "calendar-data") {
			d, err := parseCalendarData(c)
			if err != nil {
				return err
			}
			pq.data = d
			continue
		}
		if !slices.Contains(pq.names, c.name) {
			pq.names = append(pq.names, c.name)
			_, live := properties[c.name]
			pq.dead = pq.dead || !live
		}
	}
	return nil
}

// needsData tells whether the objects' bytes are needed.
func (pq *propQuery) needsData() bool {
	return pq.data != nil || pq.allprop || slices.Contains(pq.names, dav("getcontentlength"))
}

// propstats answers a query for one resource. An object whose calendar-data would be too long lacks
// that alone: it must not keep the client from the others of the answer.
func (q *request) propstats(res *resource, pq *propQuery) ([]propstat, error) {
	var found, missing, tooMuch strings.Builder
	switch {
	case pq.propname:
		for _, n := range q.propNames(res, false) {
			found.WriteString(elementXML(n, ""))
		}
	case pq.allprop:
		names := q.propNames(res, true)
		for _, n := range pq.names {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		for _, n := range names {
			q.writeProp(res, n, pq, &found, &missing)
		}
	default:
		for _, n := range pq.names {
			q.writeProp(res, n, pq, &found, &missing)
		}
	}
	if pq.data != nil {
		if res.obj == nil {
			missing.WriteString(elementXML(cal("calendar-data"), ""))
		} else if err := q.writeCalendarData(&found, res, pq.data); errors.Is(err, errTooMuch) {
			tooMuch.WriteString(elementXML(cal("calendar-data"), ""))
		} else if err != nil {
			return nil, err
		}
	}
	return []propstat{
		{status: http.StatusOK, props: found.String()},
		{status: http.StatusNotFound, props: missing.String()},
		{status: http.StatusInsufficientStorage, props: tooMuch.String(), err: tooMuchElement},
	}, nil
}

func (q *request) writeProp(res *resource, n xml.Name, pq *propQuery, found, missing *strings.Builder) {
	if inner, ok := q.property(res, n, pq.public); ok {
		found.WriteString(inner)
	} else {
		missing.WriteString(elementXML(n, ""))
	}
}

// property returns one property as an element, or false.
func (q *request) property(res *resource, n xml.Name, public bool) (string, bool) {
	if p, ok := properties[n]; ok {
		if p.kinds&res.kind == 0 || public && !p.public {
			return "", false
		}
		inner, ok := p.get(q, res)
		if !ok {
			return "", false
		}
		if p.set != nil && res.kind == kindCalendar && len(res.cal.Props) > 0 {
			if lang := res.cal.Props[deadKey(n)+langSuffix]; lang != "" {
				return deadXML(n, inner, lang), true
			}
		}
		return elementXML(n, inner), true
	}
	inner, ok := res.dead[deadKey(n)]
	if !ok || public {
		return "", false
	}
	return deadXML(n, inner, res.dead[deadKey(n)+langSuffix]), true
}

// propNames lists what the resource has, in a stable order; with all set what allprop returns.
func (q *request) propNames(res *resource, all bool) []xml.Name {
	var names []xml.Name
	for n, p := range properties {
		if p.kinds&res.kind == 0 || all && !p.all {
			continue
		}
		if _, ok := p.get(q, res); ok {
			names = append(names, n)
		}
	}
	for k := range res.dead {
		if n, ok := deadName(k); ok {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b xml.Name) int {
		if c := strings.Compare(a.Space, b.Space); c != 0 {
			return c
		}
		return strings.Compare(a.Local, b.Local)
	})
	return names
}
