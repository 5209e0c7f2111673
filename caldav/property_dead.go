package caldav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"joinery/store"
)

// Bounds of dead properties: of one resource, and of all that a user has besides calendars.
const (
	maxDeadProps    = 100
	maxDeadSize     = 64 << 10
	maxDeadSubjects = 10_000
	maxDeadBytes    = 16 << 20
	maxLang         = 255
)

// Dead properties are kept under "{namespace}name", their xml:lang beside them (RFC 4918 §4.3); and so is that of
// the live properties that clients set on calendars.
const langSuffix = "@lang"

func deadKey(n xml.Name) string { return "{" + n.Space + "}" + n.Local }

func deadName(key string) (xml.Name, bool) {
	if strings.HasSuffix(key, langSuffix) {
		return xml.Name{}, false
	}
	i := strings.LastIndexByte(key, '}')
	if i < 1 {
		return xml.Name{}, false
	}
	return xml.Name{Space: key[1:i], Local: key[i+1:]}, true
}

func deadXML(n xml.Name, inner, lang string) string {
	tag, decl := tagOf(n)
	if lang != "" {
		decl += ` xml:lang="` + escapeAttr(lang) + `"`
	}
	return "<" + tag + decl + ">" + inner + "</" + tag + ">"
}

// deadAt says where the dead properties of a resource stand; false of calendars, which have them in their
// row, and of what has none.
func (res *resource) deadAt() (kind store.PropertyKind, subject int64, ok bool) {
	switch res.kind {
	case kindObject, kindInboxItem:
		return store.PropertiesOfObject, res.obj.ID, true
	case kindHome:
		return store.PropertiesOfHome, res.user.ID, true
	case kindPrincipal:
		return store.PropertiesOfPrincipal, res.user.ID, true
	case kindInbox:
		return store.PropertiesOfInbox, res.user.ID, true
	case kindOutbox:
		return store.PropertiesOfOutbox, res.user.ID, true
	}
	return "", 0, false
}

// loadDead reads the dead properties of a resource where the query may be about them.
func (res *resource) loadDead(tx *store.Tx, pq *propQuery) error {
	if !pq.needsDead() {
		return nil
	}
	return res.readDead(tx)
}

func (res *resource) readDead(tx *store.Tx) (err error) {
	if kind, subject, ok := res.deadAt(); ok {
		res.dead, err = tx.Properties(kind, subject)
	} else if res.kind == kindCalendar {
		res.dead = res.cal.Props
	}
	return err
}

// needsDead tells whether a query may be about dead properties.
func (pq *propQuery) needsDead() bool { return pq.allprop || pq.propname || pq.dead }

// setDead sets a dead property among others, or removes it where the assignment does.
func setDead(props map[string]string, a assignment) *httpError {
	if a.name.Space == nsDAV && protectedDAV[a.name.Local] || a.name == cal("calendar-data") {
		return errProtected
	}
	key := deadKey(a.name)
	if err := setLang(props, a); err != nil {
		return err
	}
	if a.el == nil {
		delete(props, key)
		return nil
	}
	inner := a.el.innerXML()
	size := len(inner)
	for _, v := range props {
		size += len(v)
	}
	if len(props) >= maxDeadProps || size > maxDeadSize || strings.ContainsRune(a.name.Local, '}') {
		return refuse(http.StatusInsufficientStorage, "too many properties")
	}
	props[key] = inner
	return nil
}

// setLang keeps the language that a property, dead or live, is set in (RFC 4918 §14.26).
func setLang(props map[string]string, a assignment) *httpError {
	key := deadKey(a.name) + langSuffix
	delete(props, key)
	if a.el == nil || a.el.lang == "" {
		return nil
	}
	if len(a.el.lang) > maxLang {
		return refuse(http.StatusInsufficientStorage, "the name of the language is too long")
	}
	props[key] = a.el.lang
	return nil
}

// protectedDAV are properties of the DAV: namespace that no client may bring into being.
var protectedDAV = map[string]bool{
	"lockdiscovery": true, "supportedlock": true, "quota-available-bytes": true, "quota-used-bytes": true,
	"getcontentlanguage": true, "parent-set": true, "resource-id": true,
	"group": true, "supported-method-set": true, "supported-live-property-set": true,
}

// assignDead makes all assignments on a resource other than a calendar, or tells by propstats what was
// wrong with them; the error is errAssignments then. live makes an assignment of a live property; nil
// where none can be set.
func (q *request) assignDead(tx *store.Tx, res *resource, as []assignment, live func(assignment) (*httpError, error)) ([]propstat, error) {
	if err := res.readDead(tx); err != nil {
		return nil, err
	}
	kind, subject, keeps := res.deadAt()
	props := maps.Clone(res.dead)
	if props == nil {
		props = map[string]string{}
	}
	errs := make([]*httpError, len(as))
	for i, a := range as {
		_, known := properties[a.name]
		switch {
		case known && live != nil:
			var err error
			if errs[i], err = live(a); err != nil {
				return nil, err
			}
		case known || !keeps:
			errs[i] = errProtected
		default:
			errs[i] = setDead(props, a)
		}
	}
	if !maps.Equal(props, res.dead) {
		if err := q.hasRoom(tx, res.dead == nil); err != nil {
			var e *httpError
			if !errors.As(err, &e) {
				return nil, err
			}
			for i := range errs {
				if errs[i] == nil && as[i].el != nil {
					errs[i] = e
				}
			}
		}
	}
	groups, ok := outcomes(as, errs)
	if !ok {
		return groups, errAssignments
	}
	if maps.Equal(props, res.dead) {
		return groups, nil
	}
	return groups, tx.PutProperties(kind, subject, q.user.ID, props)
}

// hasRoom refuses more dead properties than a user may have.
func (q *request) hasRoom(tx *store.Tx, another bool) error {
	subjects, bytes, err := tx.CountProperties(q.user.ID)
	if err != nil {
		return fmt.Errorf("counting properties: %w", err)
	}
	if another && subjects >= maxDeadSubjects || bytes >= maxDeadBytes {
		return refuse(http.StatusInsufficientStorage, "too many properties")
	}
	return nil
}
