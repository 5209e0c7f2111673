package caldav

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// addRoom adds a room or resource, which has no password.
func (f *fixture) addRoom(address, name string, kind store.UserKind) *store.User {
	f.Helper()
	return f.create(&store.User{Login: address, Name: name, Addresses: []string{address}, Kind: kind})
}

// book puts an event that a room has accepted into its calendar.
func (f *fixture) book(room *store.User, start, end string) {
	f.Helper()
	at := func(s string) time.Time {
		v, err := time.Parse(utcForm, s)
		if err != nil {
			f.Fatal(err)
		}
		return v
	}
	err := f.store.Update(context.Background(), func(tx *store.Tx) error {
		c, err := change.DefaultCalendar(tx, room)
		if err != nil {
			return err
		}
		return tx.PutObject(&store.Object{
			CalendarID: c.ID, Name: start + ".ics", UID: start, Component: "VEVENT", ETag: start, Start: at(start), End: at(end),
			Data: []byte(event(start, "DTSTART:"+start, "DTEND:"+end, "ORGANIZER:mailto:boris@example.org", "ATTENDEE;PARTSTAT=ACCEPTED;CUTYPE=ROOM:mailto:"+room.Addresses[0])),
		})
	})
	if err != nil {
		f.Fatal(err)
	}
}

func searchBody(test string, conditions ...string) string {
	body := `<D:principal-property-search xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" test="` + test + `">`
	for i := 0; i < len(conditions); i += 2 {
		body += `<D:property-search><D:prop><` + conditions[i] + `/></D:prop><D:match>` + conditions[i+1] + `</D:match></D:property-search>`
	}
	return body + `<D:prop><D:displayname/><D:principal-URL/><C:calendar-user-address-set/><C:calendar-user-type/><CS:email-address-set/><C:calendar-home-set/></D:prop></D:principal-property-search>`
}

// TestRoomsAreFound looks for rooms as clients do when people invite one.
func TestRoomsAreFound(t *testing.T) {
	f := newFixture(t)
	f.addRoom("room5@example.org", "Большая переговорная", store.UserRoom)
	f.addRoom("beamer@example.org", "Projector", store.UserResource)
	const room, beamer = "/principals/room5@example.org/", "/principals/beamer@example.org/"
	for _, tt := range []struct {
		body, want string
	}{
		{searchBody("allof", "D:displayname", "переговор"), room},
		{searchBody("allof", "D:displayname", "PROJ"), beamer},
		{searchBody("allof", "CS:email-address-set", "room5@"), room},
		{searchBody("allof", "C:calendar-user-address-set", "mailto:Room5@example.org"), room},
		{searchBody("allof", "C:calendar-user-address-set", "MAILTO:room5@example.org"), room},
		{searchBody("allof", "C:calendar-user-type", "ROOM"), room},
		{searchBody("allof", "C:calendar-user-type", "RESOURCE"), beamer},
		{searchBody("allof", "C:calendar-user-type", "ROOM", "D:displayname", "proj"), ""},
		{searchBody("anyof", "C:calendar-user-type", "ROOM", "D:displayname", "proj"), beamer + " " + room},
		{searchBody("allof", "C:calendar-user-type", "INDIVIDUAL"), "/principals/anna@example.org/ /principals/boris@example.org/"},
	} {
		if got := f.do("REPORT", "/principals/", tt.body, "Depth: 0").hrefs(); got != tt.want {
			t.Errorf("found %q, want %q by\n%s", got, tt.want, tt.body)
		}
	}
	fd := f.do("REPORT", "/principals/", searchBody("allof", "C:calendar-user-type", "room"), "Depth: 0").one()
	wantProp(t, fd, "{DAV:}displayname", "Большая переговорная")
	wantProp(t, fd, "{DAV:}principal-URL", room)
	wantProp(t, fd, "{"+nsCal+"}calendar-user-type", "ROOM")
	wantProp(t, fd, "{"+nsCal+"}calendar-user-address-set", "mailto:room5@example.org")
	wantProp(t, fd, "{"+nsCS+"}email-address-set", "room5@example.org")
	if _, ok := fd.ok["{"+nsCal+"}calendar-home-set"]; ok {
		t.Error("a room's calendars are told of")
	}
	fd = f.do("REPORT", "/principals/", searchBody("allof", "C:calendar-user-type", "resource"), "Depth: 0").one()
	wantProp(t, fd, "{"+nsCal+"}calendar-user-type", "RESOURCE")
	f.do("REPORT", "/principals/", `<D:principal-search-property-set xmlns:D="DAV:"/>`).want(http.StatusOK).
		contains("displayname", "calendar-user-address-set", "email-address-set", "calendar-user-type")
	wantProp(t, f.do("PROPFIND", "/principals/anna@example.org/", propfindBody("C:calendar-user-type"), "Depth: 0").one(), "{"+nsCal+"}calendar-user-type", "INDIVIDUAL")
}

// TestRoomsDoNotLogIn: they have no password, and the empty one is none.
func TestRoomsDoNotLogIn(t *testing.T) {
	f := newFixture(t)
	f.addRoom("room5@example.org", "Room 5", store.UserRoom)
	for _, password := range []string{"", "demo", "room5@example.org", " "} {
		for _, path := range []string{"/", "/principals/room5@example.org/", "/calendars/room5@example.org/calendar/"} {
			f.as("room5@example.org", password, "PROPFIND", path, "", "Depth: 0").want(http.StatusUnauthorized)
		}
		f.as("ROOM5@example.org", password, "PUT", "/calendars/room5@example.org/calendar/a.ics", event("a"), calendarType).want(http.StatusUnauthorized)
	}
}

// TestAddresses lists the preferred address first, and the principal's own last.
func TestAddresses(t *testing.T) {
	f := newFixture(t)
	f.anna.Addresses = []string{"Anna.New@example.org", "anna@example.org", "a&b@example.org"}
	f.updateUser(f.anna)
	a := f.do("PROPFIND", "/principals/anna@example.org/", propfindBody("C:calendar-user-address-set"), "Depth: 0").want(http.StatusMultiStatus)
	var got []string
	for _, href := range a.xml().child(nsDAV, "response").child(nsDAV, "propstat").child(nsDAV, "prop").child(nsCal, "calendar-user-address-set").children() {
		preferred, _ := href.attr("preferred")
		got = append(got, href.text()+preferred)
	}
	if want := "mailto:anna.new@example.org1 mailto:anna@example.org mailto:a&b@example.org /principals/anna@example.org/"; strings.Join(got, " ") != want {
		t.Errorf("addresses: %v, want %s", got, want)
	}
}
