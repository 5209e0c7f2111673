package caldav

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"joinery/caldav/ical"
)

// chunked adds a file whose size is not told beforehand.
func (f *fixture) chunked(path string, size int) *answer {
	f.Helper()
	body := io.MultiReader(strings.NewReader(strings.Repeat("x", size))) // of no length that the client knows
	req, err := http.NewRequest("POST", f.url+path, body)
	if err != nil {
		f.Fatal(err)
	}
	req.SetBasicAuth("anna@example.org", "demo")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	return &answer{f, "POST " + path, resp.StatusCode, resp.Header, string(data)}
}

// TestAttachmentNames takes whatever clients call a file, and lets nothing of it do harm.
func TestAttachmentNames(t *testing.T) {
	f := newFixture(t, attachable)
	long := strings.Repeat("я", 5000)
	for i, c := range []struct{ disposition, want string }{
		{"", "attachment"},
		{"attachment", "attachment"},
		{`attachment; filename=""`, "attachment"},
		{`attachment; filename=".."`, "attachment"},
		{`attachment; filename="../../etc/passwd"`, "passwd"},
		{`attachment; filename="C:\\Users\\anna\\plan.doc"`, "plan.doc"},
		{`attachment; filename="a b;c,d.txt"`, "a b;c,d.txt"},
		{`attachment; filename="quo\"te.txt"`, "quote.txt"},
		{`attachment; filename*=UTF-8''%D0%BF%D0%BB%D0%B0%D0%BD.txt`, "план.txt"},
		{"attachment; filename=\"план.txt\"", "план.txt"},
		{`attachment; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x.txt`, "a  Set-Cookie x.txt"},
		{`attachment; filename*=UTF-8''a%E2%80%AEgpj.exe`, "agpj.exe"},
		{`attachment; filename*=UTF-8''%00%01%7F`, "attachment"},
		{`attachment; filename*=UTF-8''` + url.PathEscape(long) + ".pdf", strings.Repeat("я", 98) + ".pdf"},
		{`attachment; filename="` + strings.Repeat("x", 10_000) + `"`, strings.Repeat("x", 200)},
		{`;;;===`, "attachment"},
	} {
		name := fmt.Sprint("n", i, ".ics")
		f.put(name, event(fmt.Sprint("n", i)))
		h := []string{"Content-Type: a/b"}
		if c.disposition != "" {
			h = append(h, "Content-Disposition: "+c.disposition)
		}
		id := f.do("POST", annaCal+name+addFile, "x", h...).want(http.StatusCreated).header.Get("Cal-Managed-ID")
		row, _ := f.stored(id)
		if row == nil || row.Name != c.want {
			t.Errorf("%.80s: %+v, want %q", c.disposition, row, c.want)
		}
		if got := f.files(annaCal + name); len(got) != 1 || !strings.HasSuffix(got[0], "/"+url.PathEscape(c.want)) {
			t.Errorf("%.80s: %q", c.disposition, got)
		}
	}
	for _, kind := range []string{"", "x", "/", "text/html; a=b", "text/x y", strings.Repeat("a", 200) + "/b"} {
		f.put("k.ics", event("k"))
		row, _ := f.stored(f.do("POST", annaCal+"k.ics"+addFile, "x", "Content-Type: "+kind).want(http.StatusCreated).header.Get("Cal-Managed-ID"))
		want := "application/octet-stream"
		if strings.HasPrefix(kind, "text/html") {
			want = "text/html"
		}
		if row.Type != want {
			t.Errorf("%q: %q", kind, row.Type)
		}
		f.do("DELETE", annaCal+"k.ics", "").want(http.StatusNoContent)
	}
}

// TestSlowUpload: a file may take longer than other requests may.
func TestSlowUpload(t *testing.T) {
	f := filesFixture(t)
	srv := httptest.NewUnstartedServer(f.handler)
	srv.Config.ReadTimeout = 300 * time.Millisecond
	srv.Start()
	defer srv.Close()
	r, w := io.Pipe()
	go func() {
		for range 4 {
			time.Sleep(200 * time.Millisecond)
			io.WriteString(w, "slowly ")
		}
		w.Close()
	}()
	req, err := http.NewRequest("POST", srv.URL+annaCal+"a.ics"+addFile, r)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("anna@example.org", "demo")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, data := f.stored(resp.Header.Get("Cal-Managed-ID")); resp.StatusCode != http.StatusCreated || data != "slowly slowly slowly slowly " {
		t.Errorf("%d, stored %q", resp.StatusCode, data)
	}
}

// A meddled notes until when a body may be waited for.
type meddled struct {
	*httptest.ResponseRecorder
	readBy time.Time
}

func (m *meddled) SetReadDeadline(t time.Time) error {
	m.readBy = t
	return nil
}

// FuzzFileName: whatever a client calls a file, its name is one on every disk, in a line of iCalendar and in
// an address.
func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"", `attachment; filename="../../x"`, `attachment; filename*=UTF-8''%E2%80%AEgpj.exe`, "attachment; filename=\"a^n\x80\"", `a; filename=".\\..\\a. "`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, disposition string) {
		name := fileName(http.Header{"Content-Disposition": {disposition}})
		if name == "" || len(name) > maxFileName || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\\r\n\x00\u202e\u200f\"") || strings.Trim(name, ". ") != name {
			t.Fatalf("%q is called %q", disposition, name)
		}
		text := "BEGIN:VCALENDAR\r\n" + ical.FormatLine("ATTACH", []ical.Param{{Name: "FILENAME", Values: []string{name}}}, "x:/"+url.PathEscape(name)) + "\r\nEND:VCALENDAR\r\n"
		o, err := ical.Parse([]byte(text), ical.Limits{})
		if err != nil || len(o.Root.Lines) != 1 || o.Root.Lines[0].Param("FILENAME") != name {
			t.Fatalf("%q is written as %q: %v", name, text, err)
		}
		if back, err := url.PathUnescape(strings.TrimPrefix(o.Root.Lines[0].Value, "x:/")); err != nil || back != name {
			t.Fatalf("%q comes back as %q, %v", name, back, err)
		}
	})
}

// TestAttachmentBodies ends uploads before their time: nothing of them is left.
func TestAttachmentBodies(t *testing.T) {
	f := filesFixture(t)
	// A client that sends nothing any more is not waited for.
	slow := httptest.NewRequest("POST", annaCal+"a.ics"+addFile, iotest.ErrReader(os.ErrDeadlineExceeded))
	slow.SetBasicAuth("anna@example.org", "demo")
	w := &meddled{ResponseRecorder: httptest.NewRecorder()}
	f.handler.ServeHTTP(w, slow)
	if left := time.Until(w.readBy); w.Code != http.StatusRequestTimeout || left <= 0 || left > maxStall {
		t.Errorf("a slow body: %d, within %v", w.Code, left)
	}
	begin := func(head, body string) net.Conn {
		t.Helper()
		u, err := url.Parse(f.url)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		auth := base64.StdEncoding.EncodeToString([]byte("anna@example.org:demo"))
		fmt.Fprintf(c, "POST %sa.ics%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\n%s\r\n\r\n%s", annaCal, addFile, u.Host, auth, head, body)
		return c
	}
	status := func(c net.Conn) int {
		t.Helper()
		defer c.Close()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	// A size that is too large is refused before the body is asked for.
	if got := status(begin("Content-Length: 1000000000\r\nExpect: 100-continue", "")); got != http.StatusForbidden {
		t.Errorf("a body that is too large: %d", got)
	}
	if got := status(begin("Transfer-Encoding: chunked", "zz\r\n")); got != http.StatusBadRequest {
		t.Errorf("broken chunks: %d", got)
	}
	c := begin("Content-Length: 400000", strings.Repeat("x", 300_000))
	for end := time.Now().Add(20 * time.Second); f.use().Total == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing came in")
		}
	}
	f.attach(annaCal+"a.ics", "beside", "x") // another upload goes on beside it
	c.Close()
	for end := time.Now().Add(20 * time.Second); f.use().Total != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a broken upload is still stored: %+v", f.use())
		}
	}
	if got := f.files(annaCal + "a.ics"); len(got) != 1 {
		t.Errorf("files %q", got)
	}
}
