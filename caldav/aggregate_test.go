package caldav

import (
	"compress/gzip"
	"hash/maphash"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"joinery/caldav/ical"
)

func zoned(uid, zone, offset string) string {
	z := "BEGIN:VTIMEZONE\r\nTZID:" + zone + "\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:" + offset + "\r\nTZOFFSETTO:" + offset + "\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
	text := event(uid, "DTSTART;TZID=\""+zone+"\":20300601T100000", "DURATION:PT1H")
	return strings.Replace(text, "BEGIN:VEVENT", z+"BEGIN:VEVENT", 1)
}

// TestCalendarAsOne reads a calendar as programs do that subscribe to it.
func TestCalendarAsOne(t *testing.T) {
	f := newFixture(t)
	f.do("PROPPATCH", annaCal, patch("<D:displayname>Работа; a, b "+strings.Repeat("long ", 20)+"</D:displayname><A:calendar-color>#112233FF</A:calendar-color>", "")).want(http.StatusMultiStatus)
	empty := f.do("GET", annaCal, "").want(http.StatusOK)
	if _, err := ical.Parse([]byte(empty.body), ical.Limits{}); err != nil {
		t.Errorf("an empty calendar: %v", err)
	}
	objects := map[string]string{
		"a.ics": zoned("a", "Europe/Moscow", "+0300"),
		"b.ics": zoned("b", "Europe/Moscow", "+0300"),
		"c.ics": zoned("c", "Office", "+0100"),
		"d.ics": zoned("d", "Office", "+0200"),
		"e.ics": zoned("e", "Office", "+0200"),
		"f.ics": zoned("f", "Office", "+0100"),
		"g.ics": strings.ReplaceAll(event("g", "SUMMARY:bare LF\n \tand a fold", "X-OWN;A=b:c"), "\r\n", "\n"),
		"h.ics": strings.ReplaceAll(strings.Replace(event("h"), "END:VEVENT", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT", 1), "BEGIN:VEVENT", "X-WR-CALNAME:other\r\nBEGIN:VEVENT"),
		"i.ics": strings.ReplaceAll(event("i"), "VEVENT", "VTODO"),
	}
	for name, text := range objects {
		f.put(name, text)
	}
	a := f.do("GET", annaCal, "").want(http.StatusOK)
	if got := a.header.Get("Content-Type"); got != "text/calendar; charset=utf-8" {
		t.Errorf("Content-Type: %s", got)
	}
	o, err := ical.Parse([]byte(a.body), ical.Limits{})
	if err != nil {
		t.Fatalf("%v in\n%s", err, a.body)
	}
	for name, want := range map[string]string{
		"NAME": "Работа; a, b " + strings.Repeat("long ", 20), "X-WR-CALNAME": "Работа; a, b " + strings.Repeat("long ", 20),
		"REFRESH-INTERVAL": "PT1H", "X-PUBLISHED-TTL": "PT1H", "X-APPLE-CALENDAR-COLOR": "#112233FF", "X-WR-TIMEZONE": "Europe/Moscow", "VERSION": "2.0",
	} {
		if ls := o.Root.All(name); len(ls) != 1 || ls[0].Text() != want {
			t.Errorf("%s: %v, want %q", name, ls, want)
		}
	}
	for line := range strings.SplitSeq(a.body, "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	var zones []string
	for _, z := range o.Root.Find("VTIMEZONE") {
		zones = append(zones, z.Text("TZID")+" "+z.Find("STANDARD")[0].Text("TZOFFSETTO"))
	}
	if got, want := strings.Join(zones, ", "), "Europe/Moscow +0300, Office +0100, Office (2) +0200"; got != want {
		t.Errorf("zones: %s, want %s", got, want)
	}
	starts := map[string]string{}
	for _, v := range o.Root.Find("VEVENT") {
		starts[v.Text("UID")] = v.First("DTSTART").Param("TZID")
	}
	if len(starts) != 8 || starts["c"] != "Office" || starts["d"] != "Office (2)" || starts["e"] != "Office (2)" || starts["f"] != "Office" {
		t.Errorf("events: %v", starts)
	}
	if len(o.Root.Find("VTODO")) != 1 || !strings.Contains(a.body, "X-OWN;A=b:c\r\n") || !strings.Contains(a.body, "SUMMARY:bare LF\r\n \tand a fold\r\n") || strings.Contains(a.body, "CALNAME:other") {
		t.Errorf("the calendar is\n%s", a.body)
	}

	tag := a.header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Errorf("ETag: %s", tag)
	}
	for _, tt := range []struct {
		method, header string
		want           int
	}{
		{"GET", "If-None-Match: " + tag, 304}, {"HEAD", "If-None-Match: " + tag, 304}, {"GET", "If-None-Match: *", 304},
		{"GET", `If-None-Match: W/"other"`, 200}, {"GET", "If-Match: " + tag, 412}, {"GET", "If-Match: *", 200}, {"HEAD", "X: y", 200},
	} {
		if a := f.do(tt.method, annaCal, "", tt.header); a.status != tt.want || a.header.Get("ETag") != tag && a.status != 412 || tt.method == "HEAD" && a.body != "" {
			t.Errorf("%s with %s: %d, ETag %s", tt.method, tt.header, a.status, a.header.Get("ETag"))
		}
	}
	for what, change := range map[string]func(){
		"an object": func() { f.do("DELETE", annaCal+"a.ics", "").want(http.StatusNoContent) },
		"the name":  func() { f.do("PROPPATCH", annaCal, patch("<D:displayname>New</D:displayname>", "")) },
	} {
		change()
		next := f.do("HEAD", annaCal, "").header.Get("ETag")
		if next == tag {
			t.Errorf("the entity tag does not change with %s", what)
		}
		tag = next
	}
	f.as("boris@example.org", "demo", "GET", annaCal, "").want(http.StatusForbidden)
	f.do("GET", annaHome+"none/", "").want(http.StatusNotFound)
}

// TestCalendarStreams reads a long calendar, packed, in little memory.
func TestCalendarStreams(t *testing.T) {
	f := newFixture(t)
	f.fill(900, 30_000)
	req, err := http.NewRequest("GET", f.url+annaCal, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("anna@example.org", "demo")
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(resp.Header.Values("Vary"), ","), "Accept-Encoding") {
		t.Fatalf("headers: %v", resp.Header)
	}
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var most uint64
	n, buf := 0, make([]byte, 1<<20)
	for {
		k, err := io.ReadFull(z, buf)
		n += k
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
		if err != nil {
			break
		}
	}
	if n < 900*30_000 {
		t.Errorf("%d bytes", n)
	}
	if most > 24<<20 {
		t.Errorf("the heap grew to %d MiB", most>>20)
	}
}

func FuzzAggregate(f *testing.F) {
	f.Add([]byte(zoned("a", "Office", "+0100")), []byte(zoned("b", "Office", "+0200")))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\n x\nEND:VEVENT\nEND:VCALENDAR"), []byte("END:A\nBEGIN:B\n"))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		s := &stream{}
		a := aggregate{out: s, zones: map[string]uint64{}, seed: maphash.MakeSeed()}
		valid := true
		for _, data := range [][]byte{one, two} {
			_, err := ical.Parse(data, ical.Limits{})
			valid = valid && err == nil
			a.add(data)
		}
		text := "BEGIN:VCALENDAR\r\n" + s.text.String() + "END:VCALENDAR\r\n"
		if _, err := ical.Parse([]byte(text), ical.Limits{Size: len(text) + 1}); valid && err != nil {
			t.Fatalf("%v in %q of %q and %q", err, text, one, two)
		}
	})
}
