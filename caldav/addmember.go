package caldav

import (
	"crypto/rand"
	"encoding/xml"
	"net/http"

	"joinery/caldav/change"
)

// addMemberQuery makes a calendar's address the one to which new members are POSTed (RFC 5995).
const addMemberQuery = "add-member"

// addMemberProperties is what tells of it (RFC 5995 §3.2.1).
func addMemberProperties() map[xml.Name]property {
	return map[xml.Name]property{
		dav("add-member"): {kinds: kindCalendar, get: func(_ *request, res *resource) (string, bool) {
			return hrefXML(res.href() + "?" + addMemberQuery), true
		}},
	}
}

// addsMember tells whether the request is such a POST.
func (q *request) addsMember() bool {
	return q.r.Method == http.MethodPost && q.place.kind == kindCalendar && q.r.URL.RawQuery == addMemberQuery
}

// addMember stores an object under a name of our choice.
func (q *request) addMember() error {
	res, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	data, err := q.readCalendar()
	if err != nil {
		return err
	}
	name := rand.Text() + ".ics"
	result, err := q.changes.Put(q.ctx(), change.PutRequest{
		Caller: q.caller(), Calendar: res.cal, Name: name, Data: data, Conditions: change.Conditions{IfNoneMatch: true},
	})
	if err != nil {
		return err
	}
	if result.Object != nil {
		name = result.Object.Name
	}
	return q.stored(result, objectPath(q.user.Login, res.cal.Slug, name), q.prefer.representation)
}
