package caldav

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"joinery/caldav/change"
	"joinery/store"
)

const defaultProp = "{" + nsCal + "}schedule-default-calendar-URL"

func setDefault(href string) string {
	return patch(`<C:schedule-default-calendar-URL xmlns:C="urn:ietf:params:xml:ns:caldav"><D:href>`+href+`</D:href></C:schedule-default-calendar-URL>`, "")
}

// TestDefaultCalendar chooses where invitations go (RFC 6638 §4.3, §9.2).
func TestDefaultCalendar(t *testing.T) {
	f := newFixture(t)
	want := func(href string) {
		t.Helper()
		fd := f.do("PROPFIND", annaInbox, propfindBody("C:schedule-default-calendar-URL"), "Depth: 0").one()
		if !strings.Contains(fd.ok[defaultProp], ">"+href+"<") {
			t.Errorf("the default calendar is %q, want %s", fd.ok[defaultProp], href)
		}
		var u *store.User
		var c *store.Calendar
		err := f.store.View(context.Background(), func(tx *store.Tx) (err error) {
			if u, err = tx.UserByID(f.anna.ID); err == nil {
				c, err = change.DefaultCalendar(tx, u)
			}
			return err
		})
		if err != nil || calendarPath(u.Login, c.Slug) != href {
			t.Errorf("the store has %+v, %v", c, err)
		}
	}
	mk := func(slug, component string) {
		t.Helper()
		f.do("MKCALENDAR", annaHome+slug, `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:supported-calendar-component-set><C:comp name="`+component+
			`"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`).want(http.StatusCreated)
	}
	mk("tasks/", "VTODO")
	mk("two%20words/", "VEVENT")
	want(annaCal)

	refused := func(condition, body string) {
		t.Helper()
		a := f.do("PROPPATCH", annaInbox, body).contains(condition)
		if fd := a.one(); fd.other[defaultProp] != http.StatusForbidden || len(fd.ok) != 0 {
			t.Errorf("%s: %+v", condition, fd)
		}
	}
	f.as("boris@example.org", "demo", "MKCALENDAR", "/calendars/boris@example.org/more/", "").want(http.StatusCreated)
	for _, href := range []string{annaHome + "tasks/", annaHome + "none/", annaHome, annaInbox, annaHome + "outbox/", annaCal + "a.ics", "/calendars/boris@example.org/more/", borisCal,
		"/principals/anna@example.org/", "http://elsewhere.example" + annaCal, "mailto:anna@example.org", "", "../", annaHome + "../boris@example.org/more/"} {
		refused("valid-schedule-default-calendar-URL", setDefault(href))
	}
	refused("valid-schedule-default-calendar-URL", strings.Replace(setDefault(annaCal), "</D:href>", "</D:href><D:href>"+annaCal+"</D:href>", 1))
	refused("default-calendar-needed", patch("", `<C:schedule-default-calendar-URL/>`))
	refused("default-calendar-needed", patch(`<C:schedule-default-calendar-URL/>`, ""))
	want(annaCal)
	// All or nothing.
	body := strings.Replace(setDefault(annaHome+"two%20words/"), "</D:prop>", "<D:owner>1</D:owner></D:prop>", 1)
	if fd := f.do("PROPPATCH", annaInbox, body).one(); fd.other[defaultProp] != http.StatusFailedDependency || fd.other["{DAV:}owner"] != http.StatusForbidden {
		t.Errorf("with what is protected: %+v", fd)
	}
	want(annaCal)

	f.do("DELETE", annaCal, "").condition(http.StatusForbidden, nsCal, "default-calendar-needed")
	for _, href := range []string{annaHome + "two%20words/", annaCal, f.url + annaHome + "two%20words", "https://cal.example.org/calendars/anna%40example.org/two%20words/"} {
		fd := f.do("PROPPATCH", annaInbox, setDefault(href)).one()
		if _, ok := fd.ok[defaultProp]; !ok || len(fd.other) != 0 {
			t.Errorf("%s: %+v", href, fd)
		}
	}
	want(annaHome + "two%20words/")
	f.do("DELETE", annaHome+"two%20words/", "").condition(http.StatusForbidden, nsCal, "default-calendar-needed")
	f.do("DELETE", annaCal, "").want(http.StatusNoContent)
	f.do("DELETE", annaHome+"tasks/", "").want(http.StatusNoContent)
	want(annaHome + "two%20words/")
	f.do("PROPPATCH", annaInbox, setDefault(annaHome+"two%20words/"), "Prefer: return=minimal").want(http.StatusOK)

	// What was chosen may be gone all the same, by a command say: the first that takes events stands in.
	mk("a%20third/", "VEVENT")
	err := f.store.Update(context.Background(), func(tx *store.Tx) error {
		c, err := tx.CalendarBySlug(f.anna.ID, "two words")
		if err == nil {
			err = tx.DeleteCalendar(c.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want(annaHome + "a%20third/")
	f.do("DELETE", annaHome+"a%20third/", "").condition(http.StatusForbidden, nsCal, "default-calendar-needed")
	f.as("boris@example.org", "demo", "PROPPATCH", annaInbox, setDefault(annaHome+"a%20third/")).condition(http.StatusForbidden, nsDAV, "need-privileges")
}

// meeting is an event of anna's with boris.
func meeting(uid string, lines ...string) string {
	return event(uid, append([]string{"ORGANIZER:mailto:anna@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org",
		"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:boris@example.org"}, lines...)...)
}

// TestScheduleTag follows the tag of a scheduling object through all methods (RFC 6638 §3.2.10, §8.2).
func TestScheduleTag(t *testing.T) {
	f := newFixture(t)
	f.do("MKCALENDAR", annaHome+"work/", "").want(http.StatusCreated)
	path := annaCal + "m.ics"
	tag := f.put("m.ics", meeting("m")).header.Get("Schedule-Tag")
	if len(tag) < 3 || !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) {
		t.Fatalf("PUT: Schedule-Tag %q", tag)
	}
	shown := func(path, want string) {
		t.Helper()
		for _, method := range []string{"GET", "HEAD"} {
			if got := f.do(method, path, "").want(http.StatusOK).header.Get("Schedule-Tag"); got != want {
				t.Errorf("%s %s: Schedule-Tag %q, want %q", method, path, got, want)
			}
		}
		fd := f.do("PROPFIND", path, propfindBody("C:schedule-tag"), "Depth: 0").one()
		if got := fd.ok["{"+nsCal+"}schedule-tag"]; got != want || want == "" && fd.other["{"+nsCal+"}schedule-tag"] != http.StatusNotFound {
			t.Errorf("%s: schedule-tag %q, want %q", path, got, want)
		}
	}
	shown(path, tag)
	match := func(tag string) string { return "If-Schedule-Tag-Match: " + tag }
	f.do("PUT", path, meeting("m", "SUMMARY:New"), calendarType, match(`"other"`)).want(http.StatusPreconditionFailed)
	next := f.do("PUT", path, meeting("m", "SUMMARY:New"), calendarType, match(tag)).want(http.StatusNoContent).header.Get("Schedule-Tag")
	if next == tag || next == "" {
		t.Errorf("after a PUT the tag is %q, before it %q", next, tag)
	}
	f.do("PUT", path, meeting("m", "SUMMARY:Old"), calendarType, match(tag)).want(http.StatusPreconditionFailed)
	f.do("PUT", annaCal+"none.ics", meeting("none"), calendarType, match(tag)).want(http.StatusPreconditionFailed)
	f.do("PUT", path, meeting("m", "SUMMARY:Old"), calendarType, match(`""`)).want(http.StatusPreconditionFailed)

	to := annaHome + "work/m.ics"
	for _, wrong := range []string{tag, `""`} {
		f.do("COPY", path, "", "Destination: "+to, match(wrong)).want(http.StatusPreconditionFailed)
		f.do("MOVE", path, "", "Destination: "+to, match(wrong)).want(http.StatusPreconditionFailed)
		f.do("DELETE", path, "", match(wrong)).want(http.StatusPreconditionFailed)
	}
	moved := f.do("MOVE", path, "", "Destination: "+to, match(next)).want(http.StatusCreated).header.Get("Schedule-Tag")
	if moved == "" {
		t.Error("MOVE answers without Schedule-Tag")
	}
	shown(to, moved)
	copied := f.do("COPY", to, "", "Destination: "+annaCal+"copy.ics", match(moved)).want(http.StatusCreated).header.Get("Schedule-Tag")
	if copied == "" {
		t.Error("COPY answers without Schedule-Tag")
	}
	shown(annaCal+"copy.ics", copied)
	f.do("DELETE", to, "", match(moved)).want(http.StatusNoContent)

	// What is no scheduling object has none.
	if got := f.put("own.ics", event("own")).header.Get("Schedule-Tag"); got != "" {
		t.Errorf("an event of one's own: Schedule-Tag %q", got)
	}
	shown(annaCal+"own.ics", "")
	if fd := f.do("PROPPATCH", annaCal+"own.ics", patch(`<C:schedule-tag>"x"</C:schedule-tag>`, "")).one(); len(fd.ok) != 0 {
		t.Error("schedule-tag could be set")
	}
}

// A refusing write path answers everything with one refusal, and remembers what it was asked.
type refusing struct {
	with   *change.Refusal
	silent *bool
}

func (r refusing) Put(context.Context, change.PutRequest) (change.Result, error) {
	return change.Result{}, fmt.Errorf("saving: %w", r.with)
}

func (r refusing) Delete(_ context.Context, d change.DeleteRequest) error {
	*r.silent = d.Silent
	return r.with
}

func (r refusing) Move(context.Context, change.MoveRequest) (change.Result, error) {
	return change.Result{}, r.with
}

func (r refusing) Copy(context.Context, change.MoveRequest) (change.Result, error) {
	return change.Result{}, r.with
}

func (r refusing) MoveCalendar(context.Context, change.CalendarRequest) (bool, error) {
	return false, r.with
}

func (r refusing) CopyCalendar(context.Context, change.CalendarRequest) (bool, error) {
	return false, r.with
}

func (r refusing) DeleteCalendar(context.Context, change.Caller, *store.Calendar) error {
	return r.with
}

// TestSchedulingPreconditions passes on what the write path refuses, with the standard's element
// (RFC 6638 §3.2.4, §4.3.1).
func TestSchedulingPreconditions(t *testing.T) {
	var silent bool
	refusal := &change.Refusal{Status: http.StatusForbidden, Space: nsCal, Text: "no"}
	r := refusing{refusal, &silent}
	f := newFixture(t)
	f.put("a.ics", event("a"))
	f.do("MKCALENDAR", annaHome+"work/", "").want(http.StatusCreated)
	changes := f.handler.changes
	f.handler.changes = r
	dest := "Destination: " + annaHome + "work/a.ics"
	for _, condition := range []string{"unique-scheduling-object-resource", "same-organizer-in-all-components", "allowed-organizer-scheduling-object-change",
		"allowed-attendee-scheduling-object-change", "default-calendar-needed"} {
		refusal.Condition = condition
		f.do("PUT", annaCal+"a.ics", event("a"), calendarType).condition(http.StatusForbidden, nsCal, condition)
		f.do("DELETE", annaCal+"a.ics", "").condition(http.StatusForbidden, nsCal, condition)
		f.do("MOVE", annaCal+"a.ics", "", dest).condition(http.StatusForbidden, nsCal, condition)
		f.do("COPY", annaCal+"a.ics", "", dest).condition(http.StatusForbidden, nsCal, condition)
		f.do("MOVE", annaHome+"work/", "", "Destination: "+annaHome+"other/").condition(http.StatusForbidden, nsCal, condition)
		f.do("COPY", annaHome+"work/", "", "Destination: "+annaHome+"other/").condition(http.StatusForbidden, nsCal, condition)
		f.do("COPY", annaCal+"a.ics", "", dest).condition(http.StatusForbidden, nsCal, condition)
		f.do("DELETE", annaHome+"work/", "").condition(http.StatusForbidden, nsCal, condition)
	}
	refusal.Condition, refusal.Name = "unique-scheduling-object-resource", "work/b.ics"
	f.do("PUT", annaCal+"a.ics", event("a"), calendarType).condition(http.StatusForbidden, nsCal, refusal.Condition).contains(annaHome + "work/b.ics")
	for value, want := range map[string]bool{"F": true, "f": true, " F ": true, "T": false, "": false, "false": false} {
		var headers []string
		if value != "" {
			headers = append(headers, "Schedule-Reply: "+value)
		}
		f.do("DELETE", annaCal+"a.ics", "", headers...).want(http.StatusForbidden)
		if silent != want {
			t.Errorf("Schedule-Reply %q: silent %v, want %v", value, silent, want)
		}
	}

	// The write path's own.
	f.handler.changes = changes
	f.do("PUT", annaCal+"two.ics", strings.Replace(meeting("two", "RRULE:FREQ=DAILY;COUNT=3"), "END:VCALENDAR",
		"BEGIN:VEVENT\r\nUID:two\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20300602T100000Z\r\nDTSTART:20300602T100000Z\r\nORGANIZER:mailto:boris@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR", 1),
		calendarType).condition(http.StatusForbidden, nsCal, "same-organizer-in-all-components")
	f.put("m.ics", meeting("m"))
	f.do("PUT", annaHome+"work/m.ics", event("m", "ORGANIZER:mailto:boris@example.org", "ATTENDEE:mailto:anna@example.org"), calendarType).
		condition(http.StatusForbidden, nsCal, "unique-scheduling-object-resource")
	f.do("PUT", annaCal+"m.ics", event("m", "ORGANIZER:mailto:boris@example.org", "ATTENDEE:mailto:anna@example.org"), calendarType).
		condition(http.StatusForbidden, nsCal, "allowed-organizer-scheduling-object-change")
	f.put("theirs.ics", event("theirs", "ORGANIZER:mailto:x@example.com", "ATTENDEE:mailto:anna@example.org"))
	f.do("PUT", annaCal+"theirs.ics", event("theirs", "ORGANIZER:mailto:anna@example.org", "ATTENDEE:mailto:x@example.com"), calendarType).
		condition(http.StatusForbidden, nsCal, "allowed-attendee-scheduling-object-change")
	if got := f.do("OPTIONS", annaCal, "").header.Get("DAV"); !strings.Contains(got, "calendar-auto-schedule") {
		t.Errorf("DAV: %s", got)
	}
}

// TestFreeBusySet: the inbox names the calendars whose events take time, as the draft of RFC 6638 had it; each of
// them says so of itself.
func TestFreeBusySet(t *testing.T) {
	f := newFixture(t)
	want := func(part string) {
		t.Helper()
		fd := f.do("PROPFIND", annaInbox, propfindBody("C:calendar-free-busy-set"), "Depth: 0").one()
		if got := fd.ok["{"+nsCal+"}calendar-free-busy-set"]; got != part {
			t.Errorf("busy are %q, want %q", got, part)
		}
	}
	href := func(path string) string { return `<href xmlns="DAV:">` + path + `</href>` }
	const set = `<C:calendar-free-busy-set xmlns:C="urn:ietf:params:xml:ns:caldav">`
	want(href(annaCal))
	f.do("MKCALENDAR", annaHome+"a%20b/", "").want(http.StatusCreated)
	f.do("MKCALENDAR", annaHome+"tasks/", `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
		<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`).want(http.StatusCreated)
	want(href(annaCal) + href(annaHome+"a%20b/")) // tasks take no time
	f.do("PROPPATCH", annaCal, patch(set+`<C:NO/></C:calendar-free-busy-set>`, "")).want(http.StatusMultiStatus)
	want(href(annaHome + "a%20b/"))
	fd := f.do("PROPFIND", annaCal, propfindBody("C:schedule-calendar-transp", "C:calendar-free-busy-set"), "Depth: 0").one()
	wantProp(t, fd, "{"+nsCal+"}schedule-calendar-transp", "<transparent ")
	if fd.other["{"+nsCal+"}calendar-free-busy-set"] != http.StatusNotFound {
		t.Errorf("a calendar has the property of the inbox: %+v", fd)
	}
	f.do("PROPPATCH", annaHome+"a%20b/", patch(`<C:schedule-calendar-transp xmlns:C="urn:ietf:params:xml:ns:caldav"><C:transparent/></C:schedule-calendar-transp>`, "")).want(http.StatusMultiStatus)
	want("")
	f.do("PROPPATCH", annaInbox, patch(set+`<D:href>`+annaCal+`</D:href></C:calendar-free-busy-set>`, "")).contains("cannot-modify-protected-property")
	f.do("PROPPATCH", annaCal, patch(set+`<C:YES/></C:calendar-free-busy-set>`, "")).want(http.StatusMultiStatus)
	want(href(annaCal))
}
