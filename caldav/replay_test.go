package caldav

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A step replays one recording.
type step struct {
	file    string
	path    string            // instead of the recorded one
	names   map[string]string // in path and body: theirs to ours
	status  int
	ifMatch bool // the recorded one stays: it names what was there once
	check   func(t *testing.T, f *fixture, a *answer)
}

// replay sends the request of a recording to our server, with our paths and present ETag.
func (f *fixture) replay(t *testing.T, client string, s step) *answer {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "clients", client, s.file))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(data), "\r\n\r\n===== response =====")
	if i := strings.Index(string(data), "===== response ====="); i >= 0 {
		text = strings.TrimRight(string(data)[:i], "\r\n")
	}
	head, body, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n")
	lines := strings.Split(head, "\n")
	word := strings.Fields(lines[0])
	method, path := word[0], word[1]
	who := "anna@example.org"
	if strings.HasPrefix(path, "/boris%40example.org/") {
		who = "boris@example.org"
	}
	ours := func(s string) string {
		for theirs, our := range map[string]string{"/anna%40example.org/main/": annaCal, "/anna@example.org/main/": annaCal, "/boris%40example.org/main/": borisCal} {
			s = strings.ReplaceAll(s, theirs, our)
		}
		return s
	}
	path, body = ours(path), ours(body)
	if s.path != "" {
		path = s.path
	}
	for theirs, our := range s.names {
		path, body = strings.ReplaceAll(path, theirs, our), strings.ReplaceAll(body, theirs, our)
	}
	var headers []string
	login := ""
	for _, h := range lines[1:] {
		for theirs, our := range s.names {
			h = strings.ReplaceAll(h, theirs, our)
		}
		name, value, _ := strings.Cut(h, ": ")
		switch name {
		case "Host", "Content-Length", "Connection":
		case "Authorization":
			login = who
		case "Accept-Encoding": // the test's client asks for gzip by itself, and undoes it
		case "If-Match":
			if !s.ifMatch {
				value = f.etag(path, value)
			}
			headers = append(headers, name+": "+value)
		default:
			headers = append(headers, name+": "+value)
		}
	}
	if login == "" && method != "OPTIONS" {
		// The recorder has left credentials out of some; ours asks for them first.
		if path != wellKnownPath {
			f.do2(method, path, body, headers).want(http.StatusUnauthorized)
		}
		login = who
	}
	if method == "PUT" {
		body = strings.ReplaceAll(strings.TrimRight(body, "\n")+"\n", "\n", "\r\n")
	}
	if path == wellKnownPath || method == "OPTIONS" {
		login = ""
	}
	a := f.as(login, "demo", method, path, body, headers...)
	if s.status != 0 {
		a.want(s.status)
	}
	if s.check != nil {
		s.check(t, f, a)
	}
	return a
}

func (f *fixture) do2(method, path, body string, headers []string) *answer {
	f.Helper()
	return f.as("", "", method, path, body, headers...)
}

// etag is the object's present tag, or the recorded one where there is none.
func (f *fixture) etag(path, recorded string) string {
	f.Helper()
	a := f.do("GET", path, "")
	if a.status != http.StatusOK {
		return recorded
	}
	return a.header.Get("ETag")
}

func wantProp(t *testing.T, fd found, name, part string) {
	t.Helper()
	got, ok := fd.ok[name]
	if !ok || !strings.Contains(got, part) {
		t.Errorf("%s: %s is %q (there: %v), want it to hold %q", fd.href, name, got, ok, part)
	}
}

// TestThunderbird plays a Thunderbird's life: found from the bare address, synchronised, an event made, edited and deleted.
func TestThunderbird(t *testing.T) {
	f := newFixture(t)
	play := func(s step) *answer { t.Helper(); return f.replay(t, "thunderbird", s) }

	a := play(step{file: "01-propfind-well-known.http", status: http.StatusMovedPermanently})
	if got := a.header.Get("Location"); got != "/" {
		t.Errorf("well-known leads to %q", got)
	}
	fd := play(step{file: "02-propfind-root.http"}).one()
	wantProp(t, fd, "{DAV:}current-user-principal", "/principals/anna@example.org/</href>")
	fd = play(step{file: "03-propfind-principal-home-set.http", path: "/principals/anna@example.org/"}).one()
	wantProp(t, fd, "{"+nsCal+"}calendar-home-set", ">"+annaHome+"<")

	calendars := 0
	for _, fd := range play(step{file: "04-propfind-home-depth-1.http", path: annaHome}).multi() {
		if strings.Contains(fd.ok["{DAV:}resourcetype"], "<calendar ") {
			calendars++
			if fd.href != annaCal {
				t.Errorf("calendar at %s, want %s", fd.href, annaCal)
			}
			wantProp(t, fd, "{DAV:}displayname", "Anna")
			wantProp(t, fd, "{DAV:}current-user-privilege-set", "<write-content ")
		}
	}
	if calendars != 1 {
		t.Errorf("%d calendars, want 1", calendars)
	}
	fd = play(step{file: "05-propfind-calendar.http"}).one()
	wantProp(t, fd, "{DAV:}supported-report-set", "<sync-collection ")
	wantProp(t, fd, "{"+nsCal+"}supported-calendar-component-set", `name="VEVENT"`)
	wantProp(t, fd, "{"+nsCS+"}getctag", "joinery.invalid")
	wantProp(t, fd, "{DAV:}owner", "/principals/anna@example.org/")
	a = play(step{file: "06-options-home.http", path: annaHome, status: http.StatusOK})
	if dav := a.header.Get("DAV"); !strings.Contains(dav, "calendar-auto-schedule") || !strings.Contains(dav, "calendar-access") {
		t.Errorf("DAV: %s", dav)
	}
	// With scheduling announced it asks for the principal escaped twice, here from unescaped hrefs
	// just once, and wants four things of it.
	for _, path := range []string{"/principals/anna@example.org/", "/principals/anna%40example.org/", "/principals/anna%2540example.org/"} {
		fd = play(step{file: "70-propfind-principal-scheduling.http", path: path}).one()
		wantProp(t, fd, "{"+nsCal+"}calendar-user-address-set", ">mailto:anna@example.org<")
		wantProp(t, fd, "{"+nsCal+"}schedule-inbox-URL", annaHome+"inbox/")
		wantProp(t, fd, "{"+nsCal+"}schedule-outbox-URL", annaHome+"outbox/")
	}
	first := play(step{file: "07-report-sync-collection-first.http"})
	if n := len(first.multi()); n != 0 {
		t.Errorf("an empty calendar syncs %d members", n)
	}

	created := play(step{file: "10-put-create.http", status: http.StatusCreated})
	play(step{file: "10-put-create.http", status: http.StatusPreconditionFailed})
	fd = play(step{file: "11-report-multiget-after-put.http"}).one()
	wantProp(t, fd, "{"+nsCal+"}calendar-data", "SUMMARY:Planning")
	tag := created.header.Get("ETag")
	if tag != "" {
		wantProp(t, fd, "{DAV:}getetag", strings.Trim(tag, `"`))
	}
	theirs := "http://radicale.org/ns/sync/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	play(step{file: "12-report-sync-collection-after-put.http"}).condition(http.StatusForbidden, nsDAV, "valid-sync-token")
	a = play(step{file: "12-report-sync-collection-after-put.http", names: map[string]string{theirs: first.token()}})
	fd = a.one()
	wantProp(t, fd, "{DAV:}getcontenttype", "component=VEVENT")
	if want := annaCal + "create-rec1_acceptance.example.org.ics"; fd.href != want {
		t.Errorf("synced %s, want %s", fd.href, want)
	}
	object := map[string]string{"update-rec1": "create-rec1", "delete-a-rec1": "create-rec1"}
	play(step{file: "13-put-update.http", names: object, status: http.StatusNoContent})

	play(step{file: "71-put-organiser-auto-schedule.http", status: http.StatusCreated, check: func(t *testing.T, _ *fixture, a *answer) {
		if a.header.Get("Schedule-Tag") == "" {
			t.Error("a scheduling object has no Schedule-Tag")
		}
	}})
	play(step{file: "30-put-series.http", status: http.StatusCreated})
	play(step{file: "31-put-series-moved-instance.http", status: http.StatusNoContent})
	play(step{file: "32-put-series-deleted-instance.http", status: http.StatusNoContent})
	play(step{file: "33-put-series-renamed.http", status: http.StatusNoContent})

	before := f.do("PROPFIND", annaCal, propfindBody("D:sync-token"), "Depth: 0").one().ok["{DAV:}sync-token"]
	play(step{file: "40-delete.http", names: object, status: http.StatusNoContent})
	after := "http://radicale.org/ns/sync/905fd6f1c179854682653b39a9ed2c168c6d9d35d42316afb8996440014b3f8a"
	fd = play(step{file: "41-report-sync-collection-after-server-delete.http", names: map[string]string{after: before}}).one()
	if fd.status != http.StatusNotFound || !strings.HasSuffix(fd.href, "create-rec1_acceptance.example.org.ics") {
		t.Errorf("the deletion syncs as %+v", fd)
	}

}

// TestThunderbirdEdits plays its edits of an event to which lines were added meanwhile, and its save of one that
// somebody else has changed.
func TestThunderbirdEdits(t *testing.T) {
	f := newFixture(t)
	play := func(s step) *answer { t.Helper(); return f.replay(t, "thunderbird", s) }

	const name = "rewrite-rec1_acceptance.example.org.ics"
	f.put(name, event("rewrite-rec1@acceptance.example.org", "ORGANIZER;CN=Anna;X-EXAMPLE-O=2:mailto:anna@example.org",
		"DTSTART;TZID=Europe/Berlin:20261202T100000", "DTEND;TZID=Europe/Berlin:20261202T110000", "SEQUENCE:0",
		"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO:https://meet.example.org/r/7Kq2vXwPz9", "CONFERENCE;VALUE=URI;FEATURE=PHONE:tel:+49-30-1234567"))
	for _, file := range []string{"20-put-edit-two-conferences.http", "21-put-edit-one-conference.http", "22-put-edit-in-dialog.http"} {
		a := play(step{file: file, status: http.StatusNoContent})
		if a.header.Get("ETag") == "" || a.header.Get("Schedule-Tag") == "" {
			t.Errorf("%s: stored as it was sent, yet the answer has %v", file, a.header)
		}
		f.do("GET", annaCal+name, "").contains("SUMMARY:Round trip edited", `ORGANIZER;CN=Anna;X-EXAMPLE-O=2:mailto:anna@example.org`+"\r\n",
			`X-EXAMPLE-ROOM;X-PROVIDER=example;X-STATE="a:b;c":room-7Kq2`+"\r\n", `X-EXAMPLE-JSON:{"a"\,1}`+"\r\n")
	}

	const theirs = "conflict-rec1_acceptance.example.org.ics"
	f.put(theirs, event("conflict-rec1@acceptance.example.org", "SUMMARY:Theirs"))
	play(step{file: "50-put-conflict-412.http", ifMatch: true, status: http.StatusPreconditionFailed})
	f.do("GET", annaCal+theirs, "").contains("SUMMARY:Theirs")
	play(step{file: "50-put-conflict-412.http", status: http.StatusNoContent}) // the user chose to overwrite
	f.do("GET", annaCal+theirs, "").contains("SUMMARY:Mine")
}

// TestThunderbirdInvitations plays both sides of an invitation.
func TestThunderbirdInvitations(t *testing.T) {
	f := newFixture(t)
	play := func(s step) *answer { t.Helper(); return f.replay(t, "thunderbird", s) }

	a := play(step{file: "60-put-invitation-organiser.http", status: http.StatusCreated})
	if a.header.Get("Schedule-Tag") == "" {
		t.Error("the organiser's object has no Schedule-Tag")
	}
	fd := f.do("PROPFIND", annaCal+"invite-rec1_acceptance.example.org.ics", propfindBody("C:schedule-tag"), "Depth: 0").one()
	wantProp(t, fd, "{"+nsCal+"}schedule-tag", a.header.Get("Schedule-Tag"))

	// What boris accepted out of a mail, before and after the client knew that the server schedules.
	for file, name := range map[string]string{
		"61-put-invitation-accepted.http": "invited-rec1_acceptance.example.org.ics", "72-put-accepted-auto-schedule.http": "accept-auto-rec1_acceptance.example.org.ics",
	} {
		play(step{file: file, status: http.StatusCreated, check: func(t *testing.T, _ *fixture, a *answer) {
			if a.header.Get("Schedule-Tag") == "" {
				t.Errorf("%s: an attendee's object has no Schedule-Tag", file)
			}
		}})
		play(step{file: file, status: http.StatusPreconditionFailed})
		a := f.as("boris@example.org", "demo", "GET", borisCal+name, "").want(http.StatusOK)
		a.contains("ATTENDEE;RSVP=TRUE;CN=Boris;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:mailto:b\r\n oris@example.org\r\n", "X-MOZ-RECEIVED-SEQUENCE:0\r\n")
		f.do("GET", borisCal+name, "").want(http.StatusForbidden)
		f.do("GET", annaCal+name, "").want(http.StatusNotFound)
	}
	// The recorder saw the request of 61 once more.
	play(step{file: "62-put-organiser-after-reply.http", status: http.StatusPreconditionFailed})
}

// TestEvolution plays what Evolution's library sends.
func TestEvolution(t *testing.T) {
	f := newFixture(t)
	play := func(s step) *answer { t.Helper(); return f.replay(t, "evolution", s) }

	a := play(step{file: "01-options.http", status: http.StatusOK})
	if allow := a.header.Get("Allow"); !strings.Contains(allow, "DELETE") || !strings.Contains(allow, "REPORT") {
		t.Errorf("Allow: %s; without PUT, POST or DELETE it takes the calendar for read-only", allow)
	}
	fd := play(step{file: "02-propfind-privileges.http"}).one()
	wantProp(t, fd, "{DAV:}current-user-privilege-set", "<write ")
	ctag := play(step{file: "03-propfind-ctag.http"}).one().ok["{"+nsCS+"}getctag"]

	a = play(step{file: "10-put-create.http", status: http.StatusCreated})
	// Its path has %40 for @; our hrefs do not, so it must be told.
	if got, want := a.header.Get("Location"), annaCal+"eds-1@acceptance.example.org.ics"; got != want {
		t.Errorf("Location: %q, want %q", got, want)
	}
	if now := play(step{file: "03-propfind-ctag.http"}).one().ok["{"+nsCS+"}getctag"]; now == ctag {
		t.Error("a new event leaves the ctag as it was")
	}
	for _, file := range []string{"04-report-calendar-query.http", "05-report-calendar-query-2.http"} {
		fd = play(step{file: file}).one()
		wantProp(t, fd, "{DAV:}getetag", `"`)
	}
	fd = play(step{file: "06-report-multiget.http"}).one()
	wantProp(t, fd, "{"+nsCal+"}calendar-data", "SUMMARY:From Evolution")
	play(step{file: "11-put-edit.http", status: http.StatusNoContent})
	play(step{file: "12-delete.http", status: http.StatusNoContent})
	play(step{file: "12-delete.http", status: http.StatusNotFound})
}

// TestVdirsyncer plays vdirsyncer with khal.
func TestVdirsyncer(t *testing.T) {
	f := newFixture(t)
	play := func(s step) *answer { t.Helper(); return f.replay(t, "khal-vdirsyncer", s) }

	fd := play(step{file: "01-propfind-principal.http"}).one()
	wantProp(t, fd, "{DAV:}current-user-principal", "/principals/anna@example.org/")
	fd = play(step{file: "02-propfind-home-set.http", path: "/principals/anna@example.org/"}).one()
	wantProp(t, fd, "{"+nsCal+"}calendar-home-set", annaHome)
	hrefs := play(step{file: "03-propfind-home-depth-1.http", path: annaHome}).hrefs()
	if want := annaHome + " " + annaCal + " " + annaHome + "inbox/ " + annaHome + "outbox/"; hrefs != want {
		t.Errorf("home: %s, want %s", hrefs, want)
	}
	play(step{file: "10-put-create.http", status: http.StatusCreated})
	fds := play(step{file: "04-propfind-list.http"}).multi()
	if len(fds) != 2 {
		t.Fatalf("%d responses, want the calendar and one object", len(fds))
	}
	if fds[0].other["{DAV:}getetag"] != http.StatusNotFound {
		t.Errorf("the calendar itself has an ETag")
	}
	wantProp(t, fds[1], "{DAV:}getcontenttype", "text/calendar")
	fd = play(step{file: "05-report-multiget.http"}).one()
	wantProp(t, fd, "{"+nsCal+"}calendar-data", "SUMMARY:From khal")
	play(step{file: "11-put-edit.http", status: http.StatusNoContent})
	play(step{file: "12-delete.http", status: http.StatusNoContent})
}
