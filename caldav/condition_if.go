package caldav

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"joinery/store"
)

// An ifList is one list of an If header (RFC 4918 §10.4.2): it holds where all its conditions do.
type ifList struct {
	about      string // href of the resource; empty: that of the request
	conditions []ifCondition
}

// An ifCondition is a state token or an entity tag, or that it is not so.
type ifCondition struct {
	not   bool
	token string // empty: tag
	tag   entityTag
}

// maxIfResources bounds the resources that an If header may name.
const maxIfResources = 100

var errIf = refuse(http.StatusBadRequest, "the If header cannot be read")

// parseIf reads an If header.
func parseIf(s string) ([]ifList, error) {
	var lists []ifList
	about, tagged := "", false
	for {
		s = strings.TrimLeft(s, " \t")
		switch {
		case s == "":
			if len(lists) == 0 {
				return nil, errIf
			}
			return lists, nil
		case s[0] == '<':
			var ok bool
			if about, s, ok = strings.Cut(s[1:], ">"); !ok || about == "" || len(lists) > 0 && !tagged {
				return nil, errIf
			}
			tagged = true
			if rest := strings.TrimLeft(s, " \t"); !strings.HasPrefix(rest, "(") {
				return nil, errIf
			}
		case s[0] == '(':
			l := ifList{about: about}
			var err error
			if l.conditions, s, err = parseIfList(s[1:]); err != nil {
				return nil, err
			}
			lists = append(lists, l)
		default:
			return nil, errIf
		}
	}
}

// parseIfList reads the conditions of a list up to its end, and returns what follows.
func parseIfList(s string) (cs []ifCondition, rest string, err error) {
	for {
		s = strings.TrimLeft(s, " \t")
		if rest, ok := strings.CutPrefix(s, ")"); ok && len(cs) > 0 {
			return cs, rest, nil
		}
		var c ifCondition
		if len(s) > 3 && strings.EqualFold(s[:3], "not") {
			c.not, s = true, strings.TrimLeft(s[3:], " \t")
		}
		var ok bool
		switch {
		case strings.HasPrefix(s, "<"):
			if c.token, s, ok = strings.Cut(s[1:], ">"); !ok || c.token == "" {
				return nil, "", errIf
			}
		case strings.HasPrefix(s, "["):
			var text string
			if text, s, ok = strings.Cut(s[1:], "]"); !ok {
				return nil, "", errIf
			}
			tags := parseTags([]string{text})
			if len(tags) != 1 || !strings.HasSuffix(strings.TrimSpace(text), `"`) {
				return nil, "", errIf
			}
			c.tag = tags[0]
		default:
			return nil, "", errIf
		}
		cs = append(cs, c)
	}
}

// checkIf holds the request to its If header. There are no locks, so no lock token is good; the state
// tokens that are known are sync tokens (RFC 6578 §5). Where an entity tag of the request's own
// resource was decisive, it stands in ifTag afterwards, and a collection whose sync token was, in ifCal, for
// the write path to look at once more.
func (q *request) checkIf() error {
	values := q.r.Header.Values("If")
	if len(values) == 0 || q.r.Method == http.MethodOptions {
		return nil
	}
	lists, err := parseIf(strings.Join(values, " "))
	if err != nil {
		return err
	}
	named := map[string]*resource{"": nil}
	for _, l := range lists {
		named[l.about] = nil
	}
	if len(named) > maxIfResources {
		return refuse(http.StatusBadRequest, "the If header names too many resources")
	}
	err = q.store.View(q.ctx(), func(tx *store.Tx) error {
		for href := range named {
			p := q.place
			if href != "" {
				var err error
				if p, err = parseHref(href, q.hosts()...); err != nil || q.ownOnly(p) != nil {
					continue // what is not ours to see has no state
				}
			}
			res, err := q.resolve(tx, p)
			if errors.Is(err, errNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("reading what an If header names: %w", err)
			}
			named[href] = res
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range lists {
		if l.holds(named[l.about]) {
			for _, c := range l.conditions {
				switch {
				case c.not:
				case c.token != "":
					q.ifCal = named[l.about].cal
				case l.about == "" || named[l.about].is(named[""]):
					q.ifTag = c.tag.tag
				}
			}
			return nil
		}
	}
	return errPrecondition
}

// is tells whether both are the same object.
func (res *resource) is(other *resource) bool {
	return res != nil && other != nil && res.obj != nil && other.obj != nil && res.obj.ID == other.obj.ID
}

// holds tells whether all conditions hold of a resource; nil: there is none.
func (l ifList) holds(res *resource) bool {
	for _, c := range l.conditions {
		ok := false
		switch {
		case res == nil:
		case c.token != "":
			ok = res.kind&(kindCalendar|kindInbox) != 0 && c.token == syncToken(res)
		default:
			ok = res.obj != nil && !c.tag.weak && c.tag.tag == res.obj.ETag
		}
		if ok == c.not {
			return false
		}
	}
	return true
}
