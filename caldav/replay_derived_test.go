package caldav

import (
	"net/http"
	"strings"
	"testing"
)

// TestDAVx5 plays DAVx5; its requests are derived, not recorded.
func TestDAVx5(t *testing.T) {
	f := newFixture(t)
	play := func(file string, names ...string) *answer {
		t.Helper()
		return f.replay(t, "davx5", step{file: file, names: pairs(names)})
	}
	play("01-propfind-well-known.http").want(http.StatusMovedPermanently)
	wantProp(t, play("02-propfind-root.http").one(), "{DAV:}current-user-principal", "/principals/anna@example.org/")
	fd := play("03-propfind-principal.http").one()
	wantProp(t, fd, "{"+nsCal+"}calendar-home-set", annaHome)
	wantProp(t, fd, "{"+nsCal+"}calendar-user-address-set", "mailto:anna@example.org")
	for _, fd := range play("04-propfind-home.http").multi() {
		if fd.href == annaCal {
			wantProp(t, fd, "{DAV:}current-user-privilege-set", "<write-content ")
			wantProp(t, fd, "{DAV:}sync-token", "https://")
			wantProp(t, fd, "{"+nsCal+"}supported-calendar-component-set", "VEVENT")
		}
	}
	fd = play("05-propfind-calendar.http").one()
	wantProp(t, fd, "{"+nsCal+"}max-resource-size", "1048576")
	token := play("06-report-sync-collection.http", "@TOKEN@", "").token()
	a := play("10-put-create.http").want(http.StatusCreated)
	tag := strings.Trim(a.header.Get("Schedule-Tag"), `"`)
	if tag == "" {
		t.Fatal("no Schedule-Tag")
	}
	if hrefs := play("07-report-calendar-query.http").hrefs(); !strings.HasSuffix(hrefs, "8e11.ics") {
		t.Errorf("the query with an open end finds %q", hrefs)
	}
	a = play("06-report-sync-collection.http", "@TOKEN@", token)
	if hrefs := a.hrefs(); !strings.HasSuffix(hrefs, "8e11.ics") {
		t.Errorf("sync finds %q", hrefs)
	}
	fd = play("08-report-multiget.http").one()
	wantProp(t, fd, "{"+nsCal+"}schedule-tag", tag)
	wantProp(t, fd, "{"+nsCal+"}calendar-data", "SUMMARY:From DAVx5\r\n")
	a = play("11-put-edit-schedule-tag.http", "@SCHEDULE-TAG@", tag).want(http.StatusNoContent)
	play("11-put-edit-schedule-tag.http", "@SCHEDULE-TAG@", "another").want(http.StatusPreconditionFailed)
	play("12-mkcalendar.http").want(http.StatusCreated)
	fd = f.do("PROPFIND", annaHome+"5b2f1c34-8f5e-4b7c-9c43-1d4f6a7e9b20/", propfindBody("D:displayname", "C:calendar-timezone", "C:supported-calendar-component-set", "A:calendar-color"), "Depth: 0").one()
	wantProp(t, fd, "{DAV:}displayname", "Travel")
	wantProp(t, fd, "{"+nsCal+"}calendar-timezone", "VERSION:2.0\r\n")
	wantProp(t, fd, "{"+nsApple+"}calendar-color", "#8BC34AFF")
	if strings.Contains(fd.ok["{"+nsCal+"}supported-calendar-component-set"], "VJOURNAL") {
		t.Error("the new calendar takes more than was asked for")
	}
	play("13-delete.http", "@SCHEDULE-TAG@", strings.Trim(a.header.Get("Schedule-Tag"), `"`)).want(http.StatusNoContent)
	play("14-delete-calendar.http").want(http.StatusNoContent)
}

// TestApple plays Apple Calendar; its requests are derived, not recorded.
func TestApple(t *testing.T) {
	f := newFixture(t)
	play := func(file string, names ...string) *answer {
		t.Helper()
		return f.replay(t, "apple", step{file: file, names: pairs(names)})
	}
	play("01-propfind-well-known.http").want(http.StatusMovedPermanently)
	wantProp(t, play("02-propfind-root.http").one(), "{DAV:}current-user-principal", "/principals/anna@example.org/")
	if dav := play("03-options-principal.http").want(http.StatusOK).header.Get("DAV"); !strings.Contains(dav, "calendar-auto-schedule") {
		t.Errorf("DAV: %s", dav)
	}
	fd := play("04-propfind-principal.http").one()
	for name, part := range map[string]string{
		"calendar-home-set": annaHome, "calendar-user-address-set": "mailto:a.ivanova@example.org",
		"calendar-user-type": "INDIVIDUAL", "schedule-inbox-URL": "/inbox/", "schedule-outbox-URL": "/outbox/",
	} {
		wantProp(t, fd, "{"+nsCal+"}"+name, part)
	}
	wantProp(t, fd, "{"+nsCS+"}email-address-set", "anna@example.org")
	if len(fd.other) != 0 {
		t.Errorf("return=minimal, yet it is told what there is not: %v", fd.other)
	}
	play("05-report-principal-search-property-set.http").want(http.StatusOK).contains("displayname")
	for _, fd := range play("06-propfind-home.http").multi() {
		switch fd.href {
		case annaCal:
			wantProp(t, fd, "{"+nsCal+"}schedule-calendar-transp", "opaque")
		case annaHome + "inbox/":
			wantProp(t, fd, "{DAV:}resourcetype", "schedule-inbox")
			wantProp(t, fd, "{"+nsCal+"}schedule-default-calendar-URL", annaCal)
			wantProp(t, fd, "{DAV:}current-user-privilege-set", "schedule-deliver")
		case annaHome + "outbox/":
			wantProp(t, fd, "{DAV:}current-user-privilege-set", "schedule-send")
		}
	}
	play("07-proppatch-home-alarm.http").want(http.StatusOK)
	play("08-proppatch-calendar.http").want(http.StatusOK)
	fd = f.do("PROPFIND", annaCal, propfindBody("D:displayname", "A:calendar-order", "A:calendar-color"), "Depth: 0").one()
	wantProp(t, fd, "{DAV:}displayname", "Work")
	wantProp(t, fd, "{"+nsApple+"}calendar-color", "#FF2D55FF")
	wantProp(t, fd, "{"+nsApple+"}calendar-order", "1")
	if got := play("09-propfind-inbox.http").multi(); len(got) != 1 {
		t.Errorf("the inbox has members: %v", got)
	}
	token := play("10-propfind-ctag.http").one().ok["{DAV:}sync-token"]
	play("12-mkcalendar.http").want(http.StatusCreated)
	a := play("13-put-create.http").want(http.StatusCreated)
	if hrefs := play("11-report-sync-collection.http", "@TOKEN@", token).hrefs(); !strings.HasSuffix(hrefs, "7F42.ics") {
		t.Errorf("sync finds %q", hrefs)
	}
	fd = play("14-report-multiget.http").one()
	wantProp(t, fd, "{"+nsCal+"}schedule-tag", a.header.Get("Schedule-Tag"))
	play("15-post-outbox.http").want(http.StatusOK).contains("2.0;Success", "METHOD:REPLY", "mailto:boris@example.org")
	fd = play("16-report-principal-property-search.http").one()
	wantProp(t, fd, "{DAV:}displayname", "Boris")
	wantProp(t, fd, "{"+nsCal+"}calendar-user-address-set", "mailto:boris@example.org")
	play("17-report-expand-property.http").want(http.StatusMultiStatus).contains("Anna", "mailto:anna@example.org")
	play("18-delete-silently.http").want(http.StatusNoContent)
}

func pairs(s []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(s); i += 2 {
		m[s[i]] = s[i+1]
	}
	return m
}

// TestKOrganizer plays KOrganizer; its requests are derived, not recorded.
func TestKOrganizer(t *testing.T) {
	f := newFixture(t)
	play := func(file string) *answer { t.Helper(); return f.replay(t, "korganizer", step{file: file}) }
	fd := play("01-propfind-root.http").one()
	wantProp(t, fd, "{DAV:}current-user-principal", "/principals/anna@example.org/")
	wantProp(t, play("02-propfind-principal.http").one(), "{"+nsCal+"}calendar-home-set", annaHome)
	for _, fd := range play("03-propfind-home.http").multi() {
		if fd.href == annaCal {
			wantProp(t, fd, "{"+nsCal+"}supported-calendar-component-set", `name="VEVENT"`)
			wantProp(t, fd, "{DAV:}current-user-privilege-set", "<write ")
			wantProp(t, fd, "{"+nsCS+"}getctag", "https://")
		}
	}
	const name = "T%C3%A4gliche%20Runde.ics"
	a := play("10-put-create.http").want(http.StatusCreated)
	if got := play("04-report-calendar-query-events.http").one(); got.href != annaCal+name || got.ok["{DAV:}getetag"] != a.header.Get("ETag") {
		t.Errorf("it lists %+v, stored was %v", got, a.header)
	}
	for _, file := range []string{"05-report-calendar-query-tasks.http", "06-report-calendar-query-journals.http"} {
		if hrefs := play(file).hrefs(); hrefs != "" {
			t.Errorf("%s: %s", file, hrefs)
		}
	}
	wantProp(t, play("07-report-multiget.http").one(), "{"+nsCal+"}calendar-data", "SUMMARY:From KOrganizer")
	a = play("11-put-edit.http").want(http.StatusNoContent)
	if got := f.do("GET", annaCal+name, "").contains("SUMMARY:Edited").header.Get("ETag"); got != a.header.Get("ETag") {
		t.Errorf("the save answers %q, then it reads %q", a.header.Get("ETag"), got)
	}
	f.do("MKCALENDAR", annaHome+"work/", "").want(http.StatusCreated)
	play("12-move.http").want(http.StatusCreated)
	f.do("GET", annaHome+"work/"+name, "").contains("SUMMARY:Edited")
	for _, fd := range []found{play("13-proppatch.http").one(), f.do("PROPFIND", annaCal, propfindBody("D:displayname", "A:calendar-color"), "Depth: 0").one()} {
		if len(fd.ok) != 2 {
			t.Errorf("name and colour: %+v", fd)
		}
	}
	play("14-delete.http").want(http.StatusNoContent)
}

// TestOutlookSynchronizer plays the Outlook CalDav Synchronizer; its requests are derived, not recorded.
func TestOutlookSynchronizer(t *testing.T) {
	f := newFixture(t)
	play := func(file string) *answer {
		t.Helper()
		return f.replay(t, "outlook-caldav-synchronizer", step{file: file})
	}
	if dav := play("01-options.http").want(http.StatusOK).header.Get("DAV"); !strings.Contains(dav, "calendar-access") {
		t.Errorf("DAV: %s", dav)
	}
	wantProp(t, play("02-propfind-allprop.http").one(), "{DAV:}resourcetype", "<calendar ")
	fd := play("03-propfind-privileges.http").one()
	for _, one := range []string{"write-content", "bind", "unbind"} {
		wantProp(t, fd, "{DAV:}current-user-privilege-set", `<privilege xmlns="DAV:"><`+one+" ")
	}
	wantProp(t, play("04-propfind-reports.http").one(), "{DAV:}supported-report-set", "<sync-collection ")
	a := play("10-put-create.http").want(http.StatusCreated)
	fd = play("05-report-calendar-query.http").one()
	wantProp(t, fd, "{DAV:}getetag", a.header.Get("ETag"))
	fd = play("06-report-multiget.http").one()
	wantProp(t, fd, "{"+nsCal+"}calendar-data", "ATTENDEE;SCHEDULE-AGENT=CLIENT;CN=Boris")
	if fd.other["{DAV:}displayname"] != http.StatusNotFound {
		t.Errorf("an object has no name: %+v", fd)
	}
	play("11-put-edit.http").want(http.StatusNoContent)
	f.do("GET", fd.href, "").contains("SUMMARY:Edited").lacks("SCHEDULE-STATUS")
	play("12-delete.http").want(http.StatusNoContent)
	if hrefs := play("05-report-calendar-query.http").hrefs(); hrefs != "" {
		t.Errorf("deleted, yet it lists %s", hrefs)
	}
}

// TestEMClient: eM Client tries to synchronise the home, too; its requests are derived, not recorded.
func TestEMClient(t *testing.T) {
	f := newFixture(t)
	play := func(file, token string) *answer {
		t.Helper()
		return f.replay(t, "emclient", step{file: file, names: pairs([]string{"@TOKEN@", token})})
	}
	f.put("a.ics", event("a"))
	play("01-report-sync-collection-home.http", "").condition(http.StatusForbidden, nsDAV, "supported-report")
	a := play("02-report-sync-collection.http", "")
	if hrefs := a.hrefs(); hrefs != annaCal+"a.ics" {
		t.Errorf("at first it sees %q; with the collection alone it would hold the calendar for empty", hrefs)
	}
	f.do("DELETE", annaCal+"a.ics", "").want(http.StatusNoContent)
	if fd := play("02-report-sync-collection.http", a.token()).one(); fd.status != http.StatusNotFound {
		t.Errorf("the deletion syncs as %+v", fd)
	}
}
