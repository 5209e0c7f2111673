package caldav

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const exampleProp = `<D:propfind xmlns:D="DAV:" xmlns:E="urn:example"><D:prop><E:thing/></D:prop></D:propfind>`

// TestDeadProperties keeps them on everything that is somebody's, for that one only.
func TestDeadProperties(t *testing.T) {
	f := newFixture(t)
	f.put("a.ics", event("a"))
	f.as("boris@example.org", "demo", "PUT", "/calendars/boris@example.org/calendar/a.ics", event("a2"), calendarType).want(http.StatusCreated)
	paths := []string{annaHome, annaHome + "inbox/", annaHome + "outbox/", "/principals/anna@example.org/", annaCal, annaCal + "a.ics"}
	value := func(login, path string) string {
		t.Helper()
		return f.as(login, "demo", "PROPFIND", path, exampleProp, "Depth: 0").one().ok["{urn:example}thing"]
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			inner := "<x xmlns=\"urn:other\">" + path + "</x>"
			fd := f.do("PROPPATCH", path, patch(`<E:thing xml:lang="ru">`+inner+`</E:thing><E:second>2</E:second>`, "")).one()
			if len(fd.ok) != 2 || len(fd.other) != 0 {
				t.Fatalf("set: %+v", fd)
			}
			if got := value("anna@example.org", path); got != inner {
				t.Errorf("got %q, want %q", got, inner)
			}
			f.do("PROPFIND", path, exampleProp, "Depth: 0").contains(`xml:lang="ru"`)
			for _, body := range []string{"", `<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>`} {
				if _, ok := f.do("PROPFIND", path, body, "Depth: 0").one().ok["{urn:example}thing"]; !ok {
					t.Errorf("PROPFIND %q does not tell of it", body)
				}
			}
			expand := `<D:expand-property xmlns:D="DAV:"><D:property name="thing" namespace="urn:example"/></D:expand-property>`
			if got := f.do("REPORT", path, expand, "Depth: 0").one().ok["{urn:example}thing"]; got != inner {
				t.Errorf("expand-property: %q", got)
			}
			// All or nothing.
			fd = f.do("PROPPATCH", path, patch(`<E:thing>other</E:thing><D:getetag>x</D:getetag>`, "<E:second/>")).one()
			if fd.other["{urn:example}thing"] != http.StatusFailedDependency || fd.other["{DAV:}getetag"] != http.StatusForbidden {
				t.Errorf("with what is protected: %+v", fd)
			}
			if got := value("anna@example.org", path); got != inner {
				t.Errorf("after what was refused: %q", got)
			}
			if fd = f.do("PROPPATCH", path, patch("", "<E:second/><E:never/>")).one(); len(fd.ok) != 2 {
				t.Errorf("remove: %+v", fd)
			}
			huge := "<E:huge>" + strings.Repeat("x", maxDeadSize) + "</E:huge>"
			if fd = f.do("PROPPATCH", path, patch(huge, "")).one(); fd.other["{urn:example}huge"] != http.StatusInsufficientStorage {
				t.Errorf("huge: %+v", fd.other)
			}
			many := repeated(maxDeadProps+1, "<E:p%d>1</E:p%[1]d>")
			if fd = f.do("PROPPATCH", path, patch(many, "")).one(); len(fd.ok) != 0 {
				t.Error("too many are taken")
			}
			f.do("PROPPATCH", path, patch("<E:thing>3</E:thing>", ""), `If-Match: "none"`).want(http.StatusPreconditionFailed)
			f.do("PROPPATCH", path, patch("<E:thing>3</E:thing>", ""), "If-None-Match: *").want(http.StatusPreconditionFailed)
			if got := value("boris@example.org", strings.ReplaceAll(path, "anna", "boris")); got != "" {
				t.Errorf("boris has it too: %q", got)
			}
		})
	}
	// In the listings they stand as well; of somebody else's principal nobody learns them.
	for _, path := range []string{"/principals/", "/calendars/", annaHome, annaCal} {
		for _, fd := range f.do("PROPFIND", path, exampleProp, "Depth: 1").multi() {
			if fd.href != path && fd.ok["{urn:example}thing"] == "" {
				t.Errorf("%s in the listing of %s: %+v", fd.href, path, fd)
			}
		}
	}
	search := `<D:principal-property-search xmlns:D="DAV:" xmlns:E="urn:example"><D:property-search><D:prop><D:displayname/></D:prop><D:match>anna</D:match></D:property-search><D:prop><E:thing/></D:prop></D:principal-property-search>`
	if fd := f.as("boris@example.org", "demo", "REPORT", "/principals/", search).one(); fd.other["{urn:example}thing"] != http.StatusNotFound {
		t.Errorf("boris learns %+v", fd)
	}
}

// TestDeadPropertiesOfObjects: they stay with an object that is replaced or moved, go to its copies, are
// gone with it, and synchronisation tells of their change (RFC 6578 §3.5.1).
func TestDeadPropertiesOfObjects(t *testing.T) {
	f := newFixture(t)
	f.do("MKCALENDAR", annaHome+"work/", "").want(http.StatusCreated)
	tag := f.put("a.ics", event("a")).header.Get("ETag")
	token := f.do("REPORT", annaCal, syncBody("", "")).token()
	has := func(path, want string) {
		t.Helper()
		if got := f.do("PROPFIND", path, exampleProp, "Depth: 0").one().ok["{urn:example}thing"]; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	f.do("PROPPATCH", annaCal+"a.ics", patch("<E:thing>1</E:thing>", ""), "If-Match: "+tag).want(http.StatusMultiStatus)
	if fd := f.do("REPORT", annaCal, syncBody(token, "")).one(); fd.ok["{DAV:}getetag"] != tag {
		t.Errorf("synchronisation tells %+v, want the same entity tag", fd)
	}
	f.do("PUT", annaCal+"a.ics", event("a", "SUMMARY:new"), calendarType).want(http.StatusNoContent)
	has(annaCal+"a.ics", "1")
	f.do("COPY", annaCal+"a.ics", "", "Destination: "+annaHome+"work/copy.ics").want(http.StatusCreated)
	has(annaHome+"work/copy.ics", "1")
	f.do("PROPPATCH", annaCal+"a.ics", patch("", "<E:thing/>")).want(http.StatusMultiStatus)
	f.do("COPY", annaCal+"a.ics", "", "Destination: "+annaHome+"work/copy.ics").want(http.StatusNoContent)
	has(annaHome+"work/copy.ics", "")
	f.do("DELETE", annaHome+"work/copy.ics", "").want(http.StatusNoContent)
	f.do("PROPPATCH", annaCal+"a.ics", patch("<E:thing>2</E:thing>", "")).want(http.StatusMultiStatus)
	f.do("MOVE", annaCal+"a.ics", "", "Destination: "+annaHome+"work/b.ics").want(http.StatusCreated)
	has(annaHome+"work/b.ics", "2")
	f.do("DELETE", annaHome+"work/b.ics", "").want(http.StatusNoContent)
	f.do("PUT", annaHome+"work/b.ics", event("a"), calendarType).want(http.StatusCreated)
	has(annaHome+"work/b.ics", "")
}

// TestNamesOfProperties: what could not stand in our answers is refused, for one such property would make them
// unreadable for every client; whatever else XML allows is kept.
func TestNamesOfProperties(t *testing.T) {
	f := newFixture(t)
	for _, bad := range []string{
		`<E:1x/>`, `<E:thing><E:1x/></E:thing>`, `<E:thing E:-a="1"/>`, `<:x/>`, `<x: xmlns="urn:y"/>`, `<E:thing :a="1"/>`, `<E:thing><:x xmlns="urn:y"/></E:thing>`,
		`<xml:thing/>`, `<q:thing xmlns:q="http://www.w3.org/2000/xmlns/"/>`, `<thing xmlns="http://www.w3.org/XML/1998/namespace"/>`,
	} {
		f.do("PROPPATCH", annaCal, patch(bad, "")).want(http.StatusBadRequest)
		f.do("PROPPATCH", annaCal, patch("", bad)).want(http.StatusBadRequest)
		f.do("PROPFIND", annaCal, `<D:propfind xmlns:D="DAV:" xmlns:E="urn:example"><D:prop>`+bad+`</D:prop></D:propfind>`, "Depth: 0").want(http.StatusBadRequest)
	}
	for _, name := range []string{`a b`, `a/&gt;&lt;b`, `1x`, `x:y`, ``, `thing@lang`} {
		f.do("REPORT", annaCal, `<D:expand-property xmlns:D="DAV:"><D:property name="`+name+`" namespace="urn:example"/></D:expand-property>`).want(http.StatusBadRequest)
	}
	good := map[string]string{
		"{urn:example}_a.b-c1": `<E:_a.b-c1>1</E:_a.b-c1>`, "{urn:example}имя́": "<E:имя́>1</E:имя́>", "{}none": `<none xmlns="">1</none>`,
		"{urn:a}b{c}x": `<x xmlns="urn:a}b{c">1</x>`, `{a&b"<}x`: `<x xmlns="a&amp;b&quot;&lt;">1</x>`, "{DAV:}own": "<D:own>1</D:own>",
		"{urn:example}xmlthing": `<E:xmlthing xml:space="preserve">1</E:xmlthing>`,
	}
	for name, el := range good {
		f.do("PROPPATCH", annaCal, patch(el, "")).want(http.StatusMultiStatus).contains("200 OK")
		if got := f.do("PROPFIND", annaCal, "", "Depth: 0").one().ok[name]; got != "1" {
			t.Errorf("%s: %q", name, got)
		}
		asked := `<D:propfind xmlns:D="DAV:" xmlns:E="urn:example"><D:prop>` + el + `</D:prop></D:propfind>`
		if got := f.do("PROPFIND", annaCal, asked, "Depth: 0").one().ok[name]; got != "1" {
			t.Errorf("%s asked for: %q", name, got)
		}
	}
}

// TestLanguages: the language that a property is set in comes back with it, of live ones as well (RFC 4918
// §14.26), until it is set without.
func TestLanguages(t *testing.T) {
	f := newFixture(t)
	f.do("MKCALENDAR", annaHome+"team/", `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
		<D:displayname xml:lang="de">Termine</D:displayname><C:calendar-description xml:lang="fr-CA">Calendrier</C:calendar-description></D:prop></D:set></C:mkcalendar>`).want(http.StatusCreated)
	team := annaHome + "team/"
	ask := propfindBody("D:displayname", "C:calendar-description")
	f.do("PROPFIND", team, ask, "Depth: 0").contains(`<D:displayname xml:lang="de">Termine<`, `<C:calendar-description xml:lang="fr-CA">Calendrier<`)
	f.do("COPY", team, "", "Destination: "+annaHome+"copy/").want(http.StatusCreated)
	f.do("PROPFIND", annaHome+"copy/", ask, "Depth: 0").contains(`<D:displayname xml:lang="de">Termine<`)
	// A language may be that of the whole request, as in RFC 4918 §9.2.2; what is refused changes none.
	all := strings.Replace(patch("<D:displayname>Встречи</D:displayname><E:thing>1</E:thing>", ""), "<D:set>", `<D:set xml:lang="ru">`, 1)
	f.do("PROPPATCH", team, strings.Replace(all, "<E:thing>", "<D:getetag/><E:thing>", 1)).contains("424 Failed Dependency")
	f.do("PROPFIND", team, ask, "Depth: 0").contains(`<D:displayname xml:lang="de">Termine<`)
	f.do("PROPPATCH", team, all).lacks("424", "403")
	f.do("PROPFIND", team, ask, "Depth: 0").contains(`<D:displayname xml:lang="ru">Встречи<`, `xml:lang="fr-CA"`)
	f.do("PROPFIND", team, exampleProp, "Depth: 0").contains(`xml:lang="ru"`)
	f.do("PROPPATCH", team, patch("<D:displayname>Plain</D:displayname>", "<C:calendar-description/>")).lacks("424", "403")
	f.do("PROPFIND", team, ask, "Depth: 0").lacks("xml:lang").contains(">Plain<")
	long := strings.Repeat("x", maxLang+1)
	for _, el := range []string{`<E:thing xml:lang="` + long + `">2</E:thing>`, `<D:displayname xml:lang="` + long + `">2</D:displayname>`} {
		f.do("PROPPATCH", team, patch(el, "")).want(http.StatusMultiStatus).contains("507 Insufficient Storage")
	}
	f.do("PROPFIND", team, ask, "Depth: 0").contains(">Plain<")
}

// TestDeadPropertiesAreBounded fills what a user may have of them.
func TestDeadPropertiesAreBounded(t *testing.T) {
	f := newFixture(t)
	f.fill(300, 10)
	set := patch("<E:thing>"+strings.Repeat("x", maxDeadSize-100)+"</E:thing>", "")
	for i := range 300 {
		fd := f.do("PROPPATCH", fmt.Sprintf("%s%03d.ics", annaCal, i), set).one()
		if full := fd.other["{urn:example}thing"] == http.StatusInsufficientStorage; full {
			if i*maxDeadSize < maxDeadBytes {
				t.Errorf("no more after %d", i)
			}
			f.do("PROPPATCH", annaCal+"000.ics", patch("", "<E:thing/>")).want(http.StatusMultiStatus).contains("200 OK")
			return
		}
	}
	t.Error("all are taken")
}
