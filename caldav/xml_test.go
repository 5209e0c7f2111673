package caldav

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

func TestParseXMLRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"nothing":          "",
		"text":             "hello",
		"two roots":        "<a/><b/>",
		"open":             "<a><b></b>",
		"crossed":          "<a><b></a></b>",
		"prefixes crossed": `<x:a xmlns:x="u" xmlns:y="u"></y:a>`,
		"undeclared":       "<x:a/>",
		"attribute":        `<a x:b="1"/>`,
		"empty prefix":     `<a><x:b xmlns:x=""/></a>`,
		"text after":       "<a/>b",
		"DTD":              `<!DOCTYPE a><a/>`,
		"entity":           `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`,
		"unknown entity":   `<a>&b;</a>`,
		"external entity":  `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`,
		"deep":             strings.Repeat("<a>", maxXMLDepth+1) + strings.Repeat("</a>", maxXMLDepth+1),
		"many":             "<a>" + strings.Repeat("<b/>", maxXMLElements) + "</a>",
		"encoding":         `<?xml version="1.0" encoding="koi8-r"?><a/>`,
		"not UTF-8":        "<a>\xff</a>",
		"control":          "<a>\x01</a>",
		"digit":            `<x:1 xmlns:x="u"/>`,
		"digit of a value": `<a xmlns:x="u" x:1="2"/>`,
		"mark":             "<x:\u0301a xmlns:x='u'/>",
		"colon":            "<:a/>",
		"colon at the end": "<a:/>",
		"of XML itself":    "<xml:a/>",
		"XML by default":   `<a xmlns="http://www.w3.org/XML/1998/namespace"/>`,
		"XML as x":         `<x:a xmlns:x="http://www.w3.org/XML/1998/namespace"/>`,
		"xml as another":   `<a xmlns:xml="u"/>`,
		"xmlns":            `<a xmlns:xmlns="u"/>`,
		"declarations":     `<x:a xmlns:x="http://www.w3.org/2000/xmlns/"/>`,
	} {
		if _, err := parseXML([]byte(doc)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestParseXML(t *testing.T) {
	doc := "\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- c --><a xmlns='DAV:' xmlns:x='u' xml:lang='ru' x:k='1' k='2'>t&amp;<b xmlns=''/><x:c xml:lang='en'>&#13;</x:c><![CDATA[<d>]]></a>\n"
	e, err := parseXML([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if !e.is(nsDAV, "a") || e.text() != "t&<d>" || e.lang != "ru" {
		t.Errorf("root: %+v", e)
	}
	if v, ok := e.attr("k"); !ok || v != "2" {
		t.Errorf("k is %q", v)
	}
	cs := e.children()
	if len(cs) != 2 || cs[0].name != (xml.Name{Local: "b"}) || cs[0].lang != "ru" || !cs[1].is("u", "c") || cs[1].text() != "\r" || cs[1].lang != "en" {
		t.Errorf("children: %+v %+v", cs[0], cs[1])
	}
}

// TestEncodings: RFC 4918 §19 asks for UTF-16 beside UTF-8.
func TestEncodings(t *testing.T) {
	f := newFixture(t)
	const name = "Календарь 📅"
	text := func(encoding string) string {
		return `<?xml version="1.0"` + encoding + `?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>` + name + `</D:displayname></D:prop></D:set></D:propertyupdate>`
	}
	little := utf16Text(text(` encoding="UTF-16"`))
	big := []byte(little)
	for i := 0; i+1 < len(big); i += 2 {
		big[i], big[i+1] = big[i+1], big[i]
	}
	for what, body := range map[string]string{
		"UTF-16, little end first": little, "UTF-16, big end first": string(big), "without a mark": little[2:], "without a mark, big end first": string(big[2:]),
		"in the header only": utf16Text(text("")), "UTF-8 under another name": text(` encoding="utf-16"`), "utf8": text(` encoding="utf8"`),
	} {
		f.do("PROPPATCH", annaCal, patch("", "<D:displayname/>")).want(http.StatusMultiStatus)
		f.do("PROPPATCH", annaCal, body, "Content-Type: application/xml; charset=utf-16").want(http.StatusMultiStatus)
		if got := f.do("PROPFIND", annaCal, propfindBody("D:displayname"), "Depth: 0").one().ok["{DAV:}displayname"]; got != name {
			t.Errorf("%s: the name is %q", what, got)
		}
	}
}

func TestEscape(t *testing.T) {
	in := "a&b<c>\"d\"\r\n\tж\x00\x1f\xff\ufffe\U0001F600"
	var out struct {
		Text string `xml:",chardata"`
	}
	if err := xml.Unmarshal([]byte("<a>"+escape(in)+"</a>"), &out); err != nil {
		t.Fatal(err)
	}
	if want := "a&b<c>\"d\"\r\n\tж\ufffd\ufffd\ufffd\ufffd\U0001F600"; out.Text != want {
		t.Errorf("got %q, want %q", out.Text, want)
	}
	if got := escape("plain"); got != "plain" {
		t.Errorf("got %q", got)
	}
}

func TestHostileXML(t *testing.T) {
	f := newFixture(t)
	bomb := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]><D:propfind xmlns:D="DAV:"><D:prop><D:displayname>&lol2;</D:displayname></D:prop></D:propfind>`
	for _, method := range []string{"PROPFIND", "PROPPATCH", "REPORT"} {
		f.do(method, annaCal, bomb, "Depth: 0").want(http.StatusBadRequest)
		f.do(method, annaCal, strings.Repeat("<a>", 100_000), "Depth: 0").want(http.StatusBadRequest)
		f.do(method, annaCal, "<a>"+strings.Repeat("x", maxXMLSize)+"</a>", "Depth: 0").want(http.StatusRequestEntityTooLarge)
	}
	f.do("MKCALENDAR", annaHome+"bomb/", bomb).want(http.StatusBadRequest)
	f.do("PROPFIND", annaCal, propfindBody("D:displayname"), "Depth: 0", "Content-Encoding: gzip").want(http.StatusUnsupportedMediaType)
	// A body of unknown length is read up to the limit only.
	req, err := http.NewRequest("PUT", f.url+annaCal+"x.ics", io.MultiReader(strings.NewReader("BEGIN:VCALENDAR\r\n"), &endless{}))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("anna@example.org", "demo")
	resp, err := http.DefaultClient.Do(req)
	if err == nil { // the server may also have closed the connection on what was still coming
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("an endless body: %d", resp.StatusCode)
		}
	}
	f.do("GET", annaCal+"x.ics", "").want(http.StatusNotFound)
	// What a client sends comes back as text, not as markup.
	f.do("PROPPATCH", annaCal, patch("<D:displayname>&lt;/D:displayname>&lt;script></D:displayname>", "")).want(http.StatusMultiStatus)
	f.do("PROPFIND", annaCal, propfindBody("D:displayname"), "Depth: 0").lacks("<script").contains("&lt;script&gt;")
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func FuzzParseXML(f *testing.F) {
	f.Add([]byte(propfindBody("D:displayname")))
	f.Add([]byte(patch(`<E:thing xml:lang="ru" E:a="1">x<E:in/>y</E:thing>`, "<D:displayname/>")))
	f.Add([]byte("<a>&#13;<![CDATA[x]]></a>"))
	f.Add([]byte(`<E:a xmlns:E="u"><E:1 xml:lang="x"/><:b/><xml:c/><E:имя́ E:2="d"/></E:a>`))
	f.Add([]byte(query(`<C:comp-filter name="VEVENT"><C:time-range start="20300101T000000Z"/></C:comp-filter>`)))
	f.Add([]byte(syncBody("", "<D:limit><D:nresults>3</D:nresults></D:limit>")))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseCounted(t, data)
		if err != nil {
			return
		}
		if d := depthOf(e); d > maxXMLDepth {
			t.Errorf("%d elements deep", d)
		}
		// As often as one likes within one element, it costs as often as much.
		if i := bytes.IndexByte(data, '<'); len(data) < 4096 && bytes.HasPrefix(data[i:], []byte("<"+e.name.Local)) {
			long := append([]byte("<r>"), bytes.Repeat(data[i:], 16)...)
			_, _ = parseCounted(t, append(long, "</r>"...))
		}
		// What we write of it reads the same again.
		again, err := parseXML([]byte("<r>" + e.innerXML() + "</r>"))
		if err != nil {
			t.Fatalf("%v in %s", err, e.innerXML())
		}
		if got, want := fmt.Sprint(names(again)), fmt.Sprint(names(e)); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

// parseCounted is parseXML; it fails if that allocates much for each byte.
func parseCounted(t *testing.T, data []byte) (e *element, err error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	e, err = parseXML(data)
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > uint64(1024*len(data)+64<<10) {
		t.Errorf("parsing %d bytes took %d", len(data), spent)
	}
	return e, err
}

func depthOf(e *element) int {
	deepest := 0
	for _, c := range e.children() {
		deepest = max(deepest, depthOf(c))
	}
	return 1 + deepest
}

func names(e *element) []xml.Name {
	var ns []xml.Name
	for _, c := range e.children() {
		ns = append(append(ns, c.name), names(c)...)
	}
	return ns
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"/", annaCal, "/calendars/a/b/c", "/calendars/%2e%2e/x", "//", "/principals/%2540/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePath(s)
		if err != nil {
			return
		}
		for _, part := range []string{p.login, p.slug, p.name} {
			if part == "." || part == ".." || strings.ContainsAny(part, "\x00\r\n") {
				t.Fatalf("%q has %q", s, part)
			}
		}
		written, slash := "", true
		switch p.kind {
		case kindPrincipal:
			written = principalPath(p.login)
		case kindHome:
			written = homePath(p.login)
		case kindCalendar, kindInbox, kindOutbox:
			written = calendarPath(p.login, p.slug)
		case kindObject, kindInboxItem:
			written, slash = objectPath(p.login, p.slug, p.name), p.slash
			if slash {
				written += "/"
			}
		default:
			return
		}
		p.slash = slash
		if again, err := parsePath(written); err != nil || again != p {
			t.Fatalf("%q: %+v, then %+v %v", s, p, again, err)
		}
		for _, href := range []string{written, "https://cal.example.org" + written, "HTTPS://CAL.example.org" + written} {
			if again, err := parseHref(href, "cal.example.org"); err != nil || again != p {
				t.Fatalf("%q as %s: %+v %v", s, href, again, err)
			}
		}
		if _, err := parseHref("https://elsewhere.example"+written, "cal.example.org"); err == nil {
			t.Fatalf("%q is ours elsewhere", s)
		}
	})
}
