package caldav

import (
	"context"
	"net/http"
	"testing"

	"joinery/store"
)

// TestCalendarMadeAgain: what was told of a calendar says nothing of another at its address, nor what was
// told of a user of another with the same login.
func TestCalendarMadeAgain(t *testing.T) {
	const work = annaHome + "work/"
	for name, replace := range map[string]func(t *testing.T, f *fixture){
		"deleted": func(t *testing.T, f *fixture) {
			f.do("DELETE", work, "").want(http.StatusNoContent)
			f.do("MKCALENDAR", work, "").want(http.StatusCreated)
		},
		"moved away": func(t *testing.T, f *fixture) {
			f.do("MOVE", work, "", "Destination: "+annaHome+"old/").want(http.StatusCreated)
			f.do("MKCALENDAR", work, "").want(http.StatusCreated)
		},
		"moved over": func(t *testing.T, f *fixture) {
			f.do("MKCALENDAR", annaHome+"new/", "").want(http.StatusCreated)
			f.do("MOVE", annaHome+"new/", "", "Destination: "+work).want(http.StatusNoContent)
		},
		"copied over": func(t *testing.T, f *fixture) {
			f.do("COPY", annaCal, "", "Destination: "+work, "Depth: 0").want(http.StatusNoContent)
		},
		"of another user": func(t *testing.T, f *fixture) {
			err := f.store.Update(context.Background(), func(tx *store.Tx) error { return tx.DeleteUser(f.anna.ID) })
			if err != nil {
				t.Fatal(err)
			}
			f.do("GET", work+"a.ics", "").want(http.StatusUnauthorized)
			f.addUser("anna@example.org", "Another Anna", "anna@example.org")
			f.do("GET", work+"a.ics", "").want(http.StatusNotFound)
			f.do("MKCALENDAR", work, "").want(http.StatusCreated)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			put := func() string {
				return f.do("PUT", work+"a.ics", event("a"), calendarType).want(http.StatusCreated).header.Get("ETag")
			}
			whole := func(tag string) *answer { return f.do("GET", work, "", "If-None-Match: "+tag) }
			ctag := func() string {
				return f.do("PROPFIND", work, propfindBody("CS:getctag"), "Depth: 0").one().ok["{"+nsCS+"}getctag"]
			}
			f.do("MKCALENDAR", work, "").want(http.StatusCreated)
			empty, emptyTag := f.do("REPORT", work, syncBody("", "")).token(), whole("").header.Get("ETag")
			tag := put()
			token, wholeTag := f.do("REPORT", work, syncBody("", "")).token(), whole("").header.Get("ETag")
			inbox := f.do("REPORT", annaInbox, syncBody("", "")).token()
			whole(wholeTag).want(http.StatusNotModified)

			replace(t, f)
			for i := range 2 { // empty, and as full as the other was
				for _, old := range []string{empty, token} {
					f.do("REPORT", work, syncBody(old, "")).condition(http.StatusForbidden, nsDAV, "valid-sync-token")
					if ctag() == old {
						t.Errorf("it has the ctag of the other, %s", old)
					}
				}
				for _, old := range []string{emptyTag, wholeTag} {
					whole(old).want(http.StatusOK)
				}
				if i == 0 && put() == tag {
					t.Errorf("another object has the tag %s", tag)
				}
			}
			f.do("DELETE", work+"a.ics", "", "If-Match: "+tag).want(http.StatusPreconditionFailed)
			if name == "of another user" {
				f.do("REPORT", annaInbox, syncBody(inbox, "")).condition(http.StatusForbidden, nsDAV, "valid-sync-token")
			}
		})
	}
}
