package caldav

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// patient serves the fixture's handler with a server that waits for a request at most that long.
func (f *fixture) patient(d time.Duration) {
	f.Helper()
	srv := httptest.NewUnstartedServer(f.handler)
	srv.Config.ReadHeaderTimeout, srv.Config.ReadTimeout, srv.Config.MaxHeaderBytes = d, d, 64<<10
	srv.Start()
	f.Cleanup(srv.Close)
	f.url = srv.URL
}

func (f *fixture) dial() net.Conn {
	f.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(hostileTime)); err != nil {
		f.Fatal(err)
	}
	return conn
}

func head(method, path string, lines ...string) string {
	return method + " " + path + " HTTP/1.1\r\nHost: cal.example.org\r\nAuthorization: Basic " + annaBasic + "\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
}

// TestHostileHTTP sends what is malformed in itself, whatever it is for.
func TestHostileHTTP(t *testing.T) {
	f := newFixture(t)
	f.patient(10 * time.Second)
	gigabyte := "Content-Length: 1073741824"
	for _, tt := range []struct {
		name, wire string
		want       int
	}{
		{"a gigabyte declared, XML", head("PROPFIND", annaCal, gigabyte, "Depth: 0") + "<a>", 413},
		{"a gigabyte declared, an object", head("PUT", annaCal+"x.ics", gigabyte) + "BEGIN:VCALENDAR", 403},
		{"a gigabyte declared, to be asked for", head("PUT", annaCal+"x.ics", gigabyte, "Expect: 100-continue"), 403},
		{"a gigabyte declared to what takes no body", head("DELETE", annaCal+"none.ics", gigabyte), 404},
		{"a gigabyte declared by nobody", "PUT " + annaCal + "x.ics HTTP/1.1\r\nHost: a\r\n" + gigabyte + "\r\n\r\n", 401},
		{"many headers", head("GET", annaCal, repeated(20_000, "X-%d: x\r\n")[:200_000]), 431},
		{"a long header", head("GET", annaCal, "X: "+strings.Repeat("x", 200_000)), 431},
		{"a long path", head("GET", annaCal+strings.Repeat("x", 200_000)), 431},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nAuthorization: Basic " + annaBasic + "\r\n\r\n", 200},
		{"HTTP/1.0 with a body of unknown length", "PUT " + annaCal + "x.ics HTTP/1.0\r\nAuthorization: Basic " + annaBasic + "\r\n\r\n" + event("x"), 403},
		{"HTTP/9.9", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"two lengths", head("PUT", annaCal+"x.ics", "Content-Length: 5", "Content-Length: 6") + "hello", 400},
		{"length and chunks", head("PUT", annaCal+"x.ics", "Content-Length: 4", "Transfer-Encoding: chunked") + "0\r\n\r\n", 403},
		{"chunks of nonsense", head("PUT", annaCal+"x.ics", "Transfer-Encoding: chunked") + "zz\r\nhello\r\n0\r\n\r\n", 400},
		{"an unknown coding", head("PUT", annaCal+"x.ics", "Transfer-Encoding: gzip") + "x", 501},
		{"a header without a name", head("GET", "/", ": x"), 400},
		{"a path without a slash", head("GET", "calendars"), 400},
		{"a method of nonsense", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"no HTTP", "hello\r\n\r\n", 400},
		{"a proxy's request", head("GET", "http://elsewhere.example/calendars/"), 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := startMeter()
			a := f.raw("GET "+tt.name, tt.wire)
			m.check(t)
			if a.status != tt.want {
				t.Errorf("%d, want %d: %s", a.status, tt.want, a.body)
			}
		})
		f.alive()
	}
	f.do("GET", annaCal+"x.ics", "").want(http.StatusNotFound)
}

// TestHostileStream sends a body that does not end: it is read up to the limit, and refused.
func TestHostileStream(t *testing.T) {
	f := newFixture(t)
	for method, want := range map[string]int{"PUT": http.StatusForbidden, "PROPFIND": http.StatusRequestEntityTooLarge} {
		m := startMeter()
		conn := f.dial()
		done := make(chan int64)
		go func() {
			n, _ := io.WriteString(conn, head(method, annaCal+"x.ics", "Depth: 0", "Transfer-Encoding: chunked"))
			sent, chunk := int64(n), fmt.Sprintf("%x\r\n%s\r\n", 32<<10, strings.Repeat("x", 32<<10))
			for sent < 1<<30 {
				n, err := io.WriteString(conn, chunk)
				sent += int64(n)
				if err != nil {
					break
				}
			}
			done <- sent
		}()
		a := f.readAnswer(method, conn)
		if a.status != want {
			t.Errorf("%s: %d, want %d", method, a.status, want)
		}
		if sent := <-done; sent > 64<<20 {
			t.Errorf("%s: %d bytes were taken", method, sent)
		}
		m.check(t)
		f.alive()
	}
}

// TestSlowBodies has many bodies come a byte at a time: others are answered meanwhile, and in the end
// the slow ones are told.
func TestSlowBodies(t *testing.T) {
	f := newFixture(t)
	f.patient(1500 * time.Millisecond)
	const slow = 60
	conns := make([]net.Conn, slow)
	for i := range conns {
		conns[i] = f.dial()
		method, path := "PUT", annaCal+fmt.Sprint("slow", i, ".ics")
		if i%2 == 0 {
			method, path = "PROPFIND", annaCal
		}
		if _, err := io.WriteString(conns[i], head(method, path, "Depth: 0", "Content-Length: 1000")+"<"); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		start := time.Now()
		f.alive()
		f.do("PUT", annaCal+"quick.ics", event("quick"), calendarType)
		if d := time.Since(start); d > time.Second {
			t.Errorf("two requests beside slow ones took %v", d)
		}
		for _, c := range conns {
			_, _ = io.WriteString(c, " ") // it may have been cut off by now
		}
		time.Sleep(200 * time.Millisecond)
	}
	for i, c := range conns {
		if a := f.readAnswer("slow body", c); a.status != http.StatusRequestTimeout {
			t.Errorf("slow body %d: %d", i, a.status)
		}
	}
	f.alive()
}

// TestIdleConnections keeps a thousand connections open, silent or in the middle of a request.
func TestIdleConnections(t *testing.T) {
	f := newFixture(t)
	f.patient(time.Minute)
	for i := range 1000 {
		conn := f.dial()
		begin := ""
		switch i % 3 {
		case 1:
			begin = "GET / HTTP/1.1\r\nHo"
		case 2:
			begin = head("REPORT", annaCal, "Content-Length: 100") + "<D:sync"
		}
		if _, err := io.WriteString(conn, begin); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	for i := range 20 {
		f.alive()
		f.put(fmt.Sprint(i, ".ics"), event(fmt.Sprint(i)))
	}
	if d := time.Since(start); d > hostileTime {
		t.Errorf("40 requests beside idle connections took %v", d)
	}
}
