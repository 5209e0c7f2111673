package caldav

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"joinery/store"
)

// maxFound bounds the people that a search returns.
const maxFound = 100

// searchable are the properties that people may be looked for by.
var searchable = []struct {
	name xml.Name
	text string
}{
	{dav("displayname"), "Name"},
	{cs("email-address-set"), "Address"},
	{cal("calendar-user-address-set"), "Calendar address"},
	{cal("calendar-user-type"), "Kind"},
}

// principalSearchProperties answers principal-search-property-set (RFC 3744 §9.5).
func (q *request) principalSearchProperties() error {
	if d, err := depth(q.r.Header, 0); err != nil || d != 0 {
		return refuse(http.StatusBadRequest, "Depth is 0 here")
	}
	s := q.startXML(http.StatusOK)
	s.raw("<D:principal-search-property-set" + rootNamespaces + ">")
	for _, p := range searchable {
		s.raw("<D:principal-search-property><D:prop>" + elementXML(p.name, "") +
			`</D:prop><D:description xml:lang="en">` + p.text + "</D:description></D:principal-search-property>")
	}
	s.raw("</D:principal-search-property-set>\n")
	return s.close()
}

// principalSearch answers principal-property-search (RFC 3744 §9.4). Of others their name, addresses
// and kind can be learned, no more.
func (q *request) principalSearch(root *element) error {
	if d, err := depth(q.r.Header, 0); err != nil || d != 0 {
		return refuse(http.StatusBadRequest, "Depth is 0 here")
	}
	if root.size() > maxProps {
		return errProps
	}
	pq, err := parseProps(root, true) // prop may be left out
	if err != nil {
		return err
	}
	anyOf := false
	if v, _ := root.attr("test"); v == "anyof" {
		anyOf = true
	}
	type condition struct {
		props []xml.Name
		match string
	}
	var conditions []condition
	for _, c := range root.children() {
		if !c.is(nsDAV, "property-search") {
			continue
		}
		cond := condition{match: strings.ToLower(c.child(nsDAV, "match").trimmed())}
		for _, p := range c.child(nsDAV, "prop").children() {
			cond.props = append(cond.props, p.name)
		}
		if cond.match == "" || len(cond.props) == 0 {
			return refuse(http.StatusBadRequest, "a property-search needs prop and match")
		}
		conditions = append(conditions, cond)
	}
	if len(conditions) == 0 {
		return refuse(http.StatusBadRequest, "a property-search is needed")
	}
	passes := func(u *store.User) bool {
		for _, c := range conditions {
			ok := false
			for _, p := range c.props {
				ok = ok || userMatches(u, p, c.match)
			}
			if ok == anyOf {
				return anyOf
			}
		}
		return !anyOf
	}
	var users []store.User
	err = q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		users, err = tx.Users()
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the users: %w", err)
	}
	ms := q.startMultistatus()
	n := 0
	for i := range users {
		u := &users[i]
		if u.Removed || !passes(u) {
			continue
		}
		if n++; n > maxFound {
			ms.truncated(q.r.URL.EscapedPath())
			break
		}
		if err := q.writePrincipal(ms, u, pq); err != nil {
			return err
		}
	}
	return ms.end("")
}

// truncated says that an answer would have been longer (RFC 6578 §3.6 and RFC 5323 §5.17 say it so).
func (ms *multistatus) truncated(href string) {
	ms.status(href, http.StatusInsufficientStorage, tooMuchElement)
}

func (q *request) writePrincipal(ms *multistatus, u *store.User, pq *propQuery) error {
	own := *pq
	own.public = u.ID != q.user.ID
	groups, err := q.propstats(&resource{kind: kindPrincipal, user: u}, &own)
	if err != nil {
		return err
	}
	ms.response(principalPath(u.Login), groups)
	return nil
}

func userMatches(u *store.User, p xml.Name, match string) bool {
	switch p {
	case dav("displayname"):
		return strings.Contains(strings.ToLower(u.Name), match) || strings.Contains(strings.ToLower(u.Login), match)
	case cs("email-address-set"), cal("calendar-user-address-set"):
		match = strings.TrimPrefix(match, "mailto:")
		return slices.ContainsFunc(u.Addresses, func(a string) bool { return strings.Contains(a, match) })
	case cal("calendar-user-type"):
		return strings.Contains(strings.ToLower(userType(u)), match)
	}
	return false
}

// principalMatch answers principal-match (RFC 3744 §9.3): the user's own principal, or what names it.
func (q *request) principalMatch(root *element) error {
	if d, err := depth(q.r.Header, 0); err != nil || d != 0 {
		return refuse(http.StatusBadRequest, "Depth is 0 here")
	}
	pq, err := parseProps(root, true)
	if err != nil {
		return err
	}
	self := root.child(nsDAV, "self") != nil
	by := root.child(nsDAV, "principal-property").children()
	if !self && len(by) == 0 {
		return refuse(http.StatusBadRequest, "self or principal-property is expected")
	}
	res, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	ms := q.startMultistatus()
	switch {
	case !self:
		err = q.writeOwned(ms, res, by[0].name, pq)
	case res.kind&(kindRoot|kindPrincipals|kindPrincipal) != 0:
		err = q.writeMembers(ms, res, []member{{res: &resource{kind: kindPrincipal, user: q.user}}}, pq, nil)
	}
	if err != nil {
		return err
	}
	return ms.end("")
}

// writeOwned answers a query for what a collection holds, at any depth, of which a property names the user.
func (q *request) writeOwned(ms *multistatus, of *resource, named xml.Name, pq *propQuery) error {
	if named != dav("owner") && named != dav("principal-URL") {
		return nil
	}
	for left := []*resource{of}; len(left) > 0; left = left[1:] {
		var members []member
		err := q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
			members, err = q.members(tx, left[0])
			return err
		})
		if err != nil {
			return err
		}
		for _, m := range members {
			if m.res != nil {
				left = append(left, m.res)
			}
		}
		// Everything of a user that a request can reach is that user's own.
		members = slices.DeleteFunc(members, func(m member) bool {
			k := kindObject // or of the inbox: both have an owner
			if m.res != nil {
				k = m.res.kind
			}
			return properties[named].kinds&k == 0
		})
		if err := q.writeMembers(ms, left[0], members, pq, nil); err != nil {
			return err
		}
	}
	return nil
}

// aclPrincipals answers acl-principal-prop-set (RFC 3744 §9.2): an acl names its owner alone.
func (q *request) aclPrincipals(root *element) error {
	if d, err := depth(q.r.Header, 0); err != nil || d != 0 {
		return refuse(http.StatusBadRequest, "Depth is 0 here")
	}
	pq, err := parseProps(root, true)
	if err != nil {
		return err
	}
	res, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	ms := q.startMultistatus()
	if err := q.writeMembers(ms, res, []member{{res: &resource{kind: kindPrincipal, user: res.user}}}, pq, nil); err != nil {
		return err
	}
	return ms.end("")
}
