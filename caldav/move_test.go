package caldav

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"joinery/store"
)

// TestTransferOfCalendars goes through MOVE and COPY of collections (RFC 4918 §9.8, §9.9).
func TestTransferOfCalendars(t *testing.T) {
	f := newFixture(t)
	dest := func(s string) string { return "Destination: " + s }
	make := func(slug, name string) {
		t.Helper()
		f.do("MKCALENDAR", annaHome+slug+"/", "").want(http.StatusCreated)
		f.do("PROPPATCH", annaHome+slug+"/", patch("<D:displayname>"+name+"</D:displayname><E:thing>"+name+"</E:thing>", "")).want(http.StatusMultiStatus)
	}
	make("from", "From")
	make("other", "Other")
	f.do("PUT", annaHome+"from/a.ics", event("a"), calendarType).want(http.StatusCreated)
	f.do("PROPPATCH", annaHome+"from/a.ics", patch("<E:thing>mine</E:thing>", "")).want(http.StatusMultiStatus)
	f.do("PUT", annaHome+"from/b.ics", event("b"), calendarType).want(http.StatusCreated)
	for _, tt := range []struct {
		name, method, from string
		headers            []string
		want               int
	}{
		{"no destination", "MOVE", "from/", nil, 400},
		{"another host", "COPY", "from/", []string{dest("http://elsewhere.example" + annaHome + "x/")}, 502},
		{"somebody else's home", "MOVE", "from/", []string{dest("/calendars/boris@example.org/x/")}, 403},
		{"into a calendar", "COPY", "from/", []string{dest(annaHome + "other/x/")}, 403},
		{"over an object", "COPY", "from/", []string{dest(annaCal + "a.ics")}, 403},
		{"over the inbox", "MOVE", "from/", []string{dest(annaHome + "inbox/")}, 403},
		{"over the outbox", "COPY", "from/", []string{dest(annaHome + "outbox/")}, 403},
		{"over the home", "MOVE", "from/", []string{dest(annaHome)}, 403},
		{"over itself", "MOVE", "from/", []string{dest(annaHome + "from/")}, 403},
		{"over itself, encoded", "COPY", "from/", []string{dest(annaHome + "fr%6Fm")}, 403},
		{"over the default calendar", "MOVE", "from/", []string{dest(annaCal)}, 403},
		{"a slash in its name", "MOVE", "from/", []string{dest(annaHome + "x%2Fy/")}, 403},
		{"no overwriting", "MOVE", "from/", []string{dest(annaHome + "other/"), "Overwrite: F"}, 412},
		{"no copying over", "COPY", "from/", []string{dest(annaHome + "other/"), "Overwrite: F"}, 412},
		{"depth 0", "MOVE", "from/", []string{dest(annaHome + "x/"), "Depth: 0"}, 400},
		{"depth 1", "COPY", "from/", []string{dest(annaHome + "x/"), "Depth: 1"}, 400},
		{"nothing there", "MOVE", "none/", []string{dest(annaHome + "x/")}, 404},
		{"as it is not", "MOVE", "from/", []string{dest(annaHome + "x/"), `If-Match: "tag"`}, 412},
		{"the inbox", "MOVE", "inbox/", []string{dest(annaHome + "x/")}, 405},
		{"the home", "COPY", "", []string{dest(annaHome + "x/")}, 405},
	} {
		if a := f.do(tt.method, annaHome+tt.from, "", tt.headers...); a.status != tt.want {
			t.Errorf("%s: %d, want %d: %s", tt.name, a.status, tt.want, a.body)
		}
	}
	is := func(slug, name string, members ...string) {
		t.Helper()
		body := `<D:propfind xmlns:D="DAV:" xmlns:E="urn:example"><D:prop><D:displayname/><E:thing/></D:prop></D:propfind>`
		fds := f.do("PROPFIND", annaHome+slug+"/", body, "Depth: 1").multi()
		if fds[0].ok["{DAV:}displayname"] != name || fds[0].ok["{urn:example}thing"] != name || len(fds) != 1+len(members) {
			t.Errorf("%s: %+v", slug, fds)
			return
		}
		for i, m := range members {
			name, thing, _ := strings.Cut(m, "=")
			if fd := fds[1+i]; fd.href != annaHome+slug+"/"+name || fd.ok["{urn:example}thing"] != thing {
				t.Errorf("%s: member %+v, want %s", slug, fd, m)
			}
		}
	}
	a := f.do("COPY", annaHome+"from/", "", dest(annaHome+"flat/"), "Depth: 0").want(http.StatusCreated)
	if got := a.header.Get("Location"); got != annaHome+"flat/" {
		t.Errorf("Location: %s", got)
	}
	is("flat", "From")
	f.do("COPY", annaHome+"from/", "", dest(annaHome+"copy/")).want(http.StatusCreated)
	is("copy", "From", "a.ics=mine", "b.ics")
	f.do("COPY", annaHome+"from", "", dest(f.url+annaHome+"other")).want(http.StatusNoContent)
	is("other", "From", "a.ics=mine", "b.ics")
	if got, want := f.do("GET", annaHome+"copy/a.ics", "").body, event("a"); got != want {
		t.Errorf("the copy is %q", got)
	}

	token := f.do("REPORT", annaHome+"from/", syncBody("", "")).token()
	f.do("MOVE", annaHome+"from/", "", dest(annaHome+"with%20space/")).want(http.StatusCreated)
	f.do("PROPFIND", annaHome+"from/", "", "Depth: 0").want(http.StatusNotFound)
	is("with%20space", "From", "a.ics=mine", "b.ics")
	if fds := f.do("REPORT", annaHome+"with%20space/", syncBody(token, "")).multi(); len(fds) != 0 {
		t.Errorf("after the move synchronisation tells %v", fds)
	}
	f.do("MOVE", annaHome+"with%20space/", "", dest(annaHome+"flat/"), "Overwrite: T").want(http.StatusNoContent)
	is("flat", "From", "a.ics=mine", "b.ics")
	// The default calendar stays the default one under another name.
	f.do("MOVE", annaCal, "", dest(annaHome+"main/")).want(http.StatusCreated)
	f.do("DELETE", annaHome+"main/", "").condition(http.StatusForbidden, nsCal, "default-calendar-needed")
}

// TestCopiesAreBounded holds copies of calendars to what one transaction, and a home, may take.
func TestCopiesAreBounded(t *testing.T) {
	f := newFixture(t)
	f.fill(1001, 1)
	f.do("COPY", annaCal, "", "Destination: "+annaHome+"copy/").want(http.StatusInsufficientStorage)
	f.do("GET", annaHome+"copy/000.ics", "").want(http.StatusNotFound)
	err := f.store.Update(context.Background(), func(tx *store.Tx) error {
		for i := range maxCalendars {
			if err := tx.CreateCalendar(&store.Calendar{UserID: f.anna.ID, Slug: fmt.Sprint("c", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f.do("COPY", annaHome+"c1/", "", "Destination: "+annaHome+"more/").want(http.StatusInsufficientStorage)
	f.do("MKCALENDAR", annaHome+"more/", "").want(http.StatusInsufficientStorage)
}

// TestCopyOfObjects: a copy does not move anything, replaces what stands there, and is made of the source
// that its conditions name.
func TestCopyOfObjects(t *testing.T) {
	f := newFixture(t)
	f.do("MKCALENDAR", annaHome+"work/", "").want(http.StatusCreated)
	tag := f.put("a.ics", event("a")).header.Get("ETag")
	from, to := annaCal+"a.ics", annaHome+"work/c.ics"
	dest := "Destination: " + to
	for _, tt := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"depth 1", []string{dest, "Depth: 1"}, 400},
		{"Overwrite", []string{dest, "Overwrite: X"}, 400},
		{"another state", []string{dest, `If-Match: "x"`}, 412},
		{"this state not", []string{dest, "If-None-Match: " + tag}, 412},
		{"a missing calendar", []string{"Destination: " + annaHome + "none/c.ics"}, 409},
		{"a calendar", []string{"Destination: " + annaHome + "work/"}, 403},
		{"made", []string{dest, "Overwrite: F", "If-Match: " + tag}, 201},
		{"made again", []string{dest, "Overwrite: F"}, 412},
		{"replaced", []string{dest, "Depth: 0"}, 204},
	} {
		if a := f.do("COPY", from, "", tt.headers...); a.status != tt.want {
			t.Errorf("%s: %d, want %d: %s", tt.name, a.status, tt.want, a.body)
		}
	}
	f.do("GET", from, "").want(http.StatusOK)
	if got := f.do("GET", to, "").want(http.StatusOK).body; got != event("a") {
		t.Errorf("the copy is %q", got)
	}
	// Not over an event of another UID (RFC 4791 §5.3.2.1), in whichever calendar, nor what would bring that UID
	// there a second time.
	f.put("b.ics", event("b"))
	for _, method := range []string{"COPY", "MOVE"} {
		for src, dst := range map[string]string{annaCal + "b.ics": to, to: annaCal + "b.ics", from: annaCal + "b.ics"} {
			f.do(method, src, "", "Destination: "+dst, "Overwrite: T").condition(http.StatusForbidden, nsCal, "no-uid-conflict").
				contains("<D:href>" + dst + "</D:href>")
		}
	}
	f.do("GET", to, "").want(http.StatusOK).contains("UID:a")
	f.do("GET", annaCal+"b.ics", "").want(http.StatusOK).contains("UID:b")
	f.do("MKCALENDAR", annaHome+"tasks/", `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
		<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`).want(http.StatusCreated)
	for _, method := range []string{"COPY", "MOVE"} {
		f.do(method, from, "", "Destination: "+annaHome+"tasks/a.ics").condition(http.StatusForbidden, nsCal, "supported-calendar-component")
		f.do(method, from, "", "Destination: "+annaCal+"b.ics", "Overwrite: F").want(http.StatusPreconditionFailed)
	}
	f.do("MOVE", from, "", dest, "Overwrite: T").want(http.StatusNoContent)
	f.do("GET", from, "").want(http.StatusNotFound)
	f.do("GET", to, "").want(http.StatusOK).contains("UID:a")
}

// TestCopyOfADeliveredEvent: what was delivered to an attendee stays where it is when it is copied.
func TestCopyOfADeliveredEvent(t *testing.T) {
	f := newFixture(t)
	f.do("MKCALENDAR", annaHome+"work/", "").want(http.StatusCreated)
	f.put("a.ics", event("a", "ORGANIZER:mailto:boss@example.net", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:anna@example.org"))
	err := f.store.Update(context.Background(), func(tx *store.Tx) error {
		e, err := tx.EventByUID(f.anna.ID, "a")
		if err != nil {
			return err
		}
		e.Delivered = true
		return tx.PutEvent(e)
	})
	if err != nil {
		t.Fatal(err)
	}
	f.do("COPY", annaCal+"a.ics", "", "Destination: "+annaHome+"work/copy.ics").want(http.StatusCreated)
	f.do("GET", annaCal+"a.ics", "").want(http.StatusOK)
	f.do("GET", annaHome+"work/copy.ics", "").want(http.StatusOK)
}

// TestCopyKeepsFiles: a file that copies refer to is held until the last of them is gone.
func TestCopyKeepsFiles(t *testing.T) {
	f := filesFixture(t)
	id := f.attach(annaCal+"a.ics", "x.txt", "x")
	f.do("COPY", annaCal, "", "Destination: "+annaHome+"copy/").want(http.StatusCreated)
	f.do("DELETE", annaCal+"a.ics", "").want(http.StatusNoContent)
	if !f.held(id) {
		t.Error("a copy refers to the file, and it was released")
	}
	f.do("DELETE", annaHome+"copy/", "").want(http.StatusNoContent)
	if f.held(id) {
		t.Error("nothing refers to the file any more")
	}
}
