package caldav

import (
	"encoding/xml"
	"errors"
	"maps"
	"net/http"
	"slices"

	"joinery/store"
)

// An assignment sets a property, or removes it where el is nil.
type assignment struct {
	name xml.Name
	el   *element
}

// parseAssignments reads the set and remove elements of a propertyupdate, mkcalendar or mkcol, in
// their order (RFC 4918 §9.2).
func parseAssignments(root *element) ([]assignment, error) {
	var as []assignment
	for _, c := range root.children() {
		set := c.is(nsDAV, "set")
		if !set && !c.is(nsDAV, "remove") {
			continue
		}
		for _, p := range c.child(nsDAV, "prop").children() {
			a := assignment{name: p.name}
			if set {
				a.el = p
			}
			if as = append(as, a); len(as) > maxProps {
				return nil, errProps
			}
		}
	}
	return as, nil
}

// errAssignments ends a transaction whose assignments were refused.
var errAssignments = errors.New("properties refused")

// assign makes all assignments on c, or tells by propstats what was wrong with them. Where c is
// being made, creating is set and some protected properties may be given.
func assign(c *store.Calendar, as []assignment, creating bool) ([]propstat, bool) {
	c.Props = maps.Clone(c.Props)
	if c.Props == nil {
		c.Props = map[string]string{}
	}
	errs := make([]*httpError, len(as))
	for i, a := range as {
		errs[i] = assignOne(c, a, creating)
	}
	return outcomes(as, errs)
}

// outcomes tells by propstats what became of assignments (RFC 4918 §9.2.1), each refused by its error or
// by another's; ok tells that none was refused.
func outcomes(as []assignment, errs []*httpError) (groups []propstat, ok bool) {
	failed := slices.ContainsFunc(errs, func(e *httpError) bool { return e != nil })
	put := func(status int, errXML string, n xml.Name) {
		for i := range groups {
			if groups[i].status == status && groups[i].err == errXML {
				groups[i].props += elementXML(n, "")
				return
			}
		}
		groups = append(groups, propstat{status: status, err: errXML, props: elementXML(n, "")})
	}
	for i, a := range as {
		switch e := errs[i]; {
		case e == nil && failed:
			put(http.StatusFailedDependency, "", a.name)
		case e == nil:
			put(http.StatusOK, "", a.name)
		case e.condition.Local != "":
			put(e.status, elementXML(e.condition, e.inner), a.name)
		default:
			put(e.status, "", a.name)
		}
	}
	return groups, !failed
}

var errProtected = davError(http.StatusForbidden, "cannot-modify-protected-property")

func assignOne(c *store.Calendar, a assignment, creating bool) *httpError {
	if p, ok := properties[a.name]; ok {
		if creating && a.el != nil {
			switch a.name {
			case cal("supported-calendar-component-set"):
				return setComponents(c, a.el)
			case dav("resourcetype"):
				return nil // looked at before
			}
		}
		if p.set == nil || p.kinds&kindCalendar == 0 {
			return errProtected
		}
		if err := setLang(c.Props, a); err != nil {
			return err
		}
		return p.set(c, a.el)
	}
	return setDead(c.Props, a)
}

// proppatch answers PROPPATCH: all or nothing.
func (q *request) proppatch() error {
	root, err := readXML(q.r)
	if err != nil {
		return err
	}
	if !root.is(nsDAV, "propertyupdate") {
		return refuse(http.StatusBadRequest, "a propertyupdate is expected")
	}
	as, err := parseAssignments(root)
	if err != nil {
		return err
	}
	if len(as) == 0 {
		return refuse(http.StatusBadRequest, "the propertyupdate names no property")
	}
	var res *resource
	var groups []propstat
	err = q.store.Update(q.ctx(), func(tx *store.Tx) error {
		var err error
		if res, err = q.resolve(tx, q.place); err != nil {
			return err
		}
		if err := q.checkResource(res); err != nil {
			return err
		}
		switch res.kind {
		case kindInbox:
			groups, err = q.assignInbox(tx, res, as)
			return err
		case kindCalendar:
		default:
			groups, err = q.assignDead(tx, res, as, nil)
			return err
		}
		changed := *res.cal
		var ok bool
		if groups, ok = assign(&changed, as, false); !ok {
			return errAssignments
		}
		return tx.UpdateCalendar(&changed)
	})
	if err != nil && !errors.Is(err, errAssignments) {
		return err
	}
	return q.patched(res, groups, err == nil)
}

func (q *request) patched(res *resource, groups []propstat, ok bool) error {
	if ok && q.prefer.minimal { // RFC 8144 §2.1
		applied(q.w.Header(), "return=minimal")
		q.w.Header().Set("Content-Length", "0")
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	ms := q.startMultistatus()
	ms.response(res.href(), groups)
	return ms.end("")
}
