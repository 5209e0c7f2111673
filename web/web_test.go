package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func dav(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusTeapot)
	_, _ = w.Write([]byte(r.URL.EscapedPath()))
}

func ask(h http.Handler, method, path, remote string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = remote
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	const here, there = "127.0.0.1:5000", "192.0.2.7:5000"
	open := New(Options{Store: openStore(t), CalDAV: http.HandlerFunc(dav), Metrics: NewMetrics(nil), OpenMetrics: true})
	shut := New(Options{Store: openStore(t), CalDAV: http.HandlerFunc(dav), Metrics: NewMetrics(nil)})
	for _, test := range []struct {
		h                    http.Handler
		method, path, remote string
		header               []string
		want                 int
		body                 string
	}{
		{open, "GET", "/healthz", there, nil, 200, "ok\n"},
		{open, "POST", "/healthz", there, nil, 405, ""},
		{open, "GET", "/metrics", here, nil, 200, "joinery_store_up 1"},
		{open, "GET", "/metrics", "[::1]:5000", nil, 200, "joinery_store_up 1"},
		{open, "GET", "/metrics", there, nil, 404, "nothing here"},
		{open, "GET", "/metrics", here, []string{"X-Forwarded-For", "192.0.2.7"}, 404, "nothing here"},
		{open, "GET", "/metrics", here, []string{"Forwarded", "for=192.0.2.7"}, 404, "nothing here"},
		{open, "GET", "/metrics", here, []string{"Via", "1.1 proxy"}, 404, "nothing here"},
		{shut, "GET", "/metrics", here, nil, 404, "nothing here"},
		{open, "GET", "/j/s3cret", there, nil, 404, "nothing here"},
		{open, "GET", "/r/s3cret", there, nil, 404, "nothing here"},
		{open, "POST", "/hook/mtslink", there, nil, 404, "nothing here"},
		{open, "HEAD", "/j/s3cret", there, nil, 404, ""},
		{open, "PROPFIND", "/", there, nil, 418, "/"},
		{open, "GET", "/calendars/a%2Fb/", there, nil, 418, "/calendars/a%2Fb/"},
		{open, "GET", "/job", there, nil, 418, "/job"},
		{open, "OPTIONS", "/.well-known/caldav", there, nil, 418, "/.well-known/caldav"},
	} {
		w := ask(test.h, test.method, test.path, test.remote, test.header...)
		if w.Code != test.want || !strings.Contains(w.Body.String(), test.body) || strings.Contains(w.Body.String(), "s3cret") {
			t.Errorf("%s %s from %s %v: %d %q, want %d with %q", test.method, test.path, test.remote, test.header, w.Code, w.Body.String(), test.want, test.body)
		}
		if test.method == "HEAD" && w.Body.Len() > 0 {
			t.Errorf("HEAD %s has a body", test.path)
		}
	}
}

func TestHealth(t *testing.T) {
	st := openStore(t)
	now := time.Now()
	accounts := []Account{{Name: "fine"}, {Name: "mtslink", Failing: true, Error: "https://example.org/?token=s3cret"}}
	h := New(Options{Store: st, CalDAV: http.HandlerFunc(dav), Accounts: func() []Account { return accounts }, Now: func() time.Time { return now }})
	health := func() (int, string) {
		w := ask(h, "GET", "/healthz", "192.0.2.7:1")
		return w.Code, w.Body.String()
	}
	if code, text := health(); code != 200 || text != "ok\nprovider mtslink is failing; joinery doctor says why\n" {
		t.Errorf("with a failing account: %d %q", code, text)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _ := health(); code != 200 {
		t.Errorf("the result of a moment ago is not used again: %d", code)
	}
	now = now.Add(2 * time.Second)
	if code, text := health(); code != 503 || text != "the store cannot be read\n" {
		t.Errorf("with a closed store: %d %q", code, text)
	}
}

// TestHealthSeesABlockedWriter lets a transaction hold the writer.
func TestHealthSeesABlockedWriter(t *testing.T) {
	st := openStore(t)
	begun, release := make(chan bool), make(chan bool)
	done := make(chan error, 1)
	go func() {
		done <- st.Update(context.Background(), func(*store.Tx) error {
			close(begun)
			<-release
			return nil
		})
	}()
	<-begun
	h := &health{store: st, accounts: func() []Account { return nil }, now: time.Now}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := h.write(ctx); err == nil {
		t.Error("a blocked writer passes for a working one")
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := h.write(context.Background()); err != nil {
		t.Errorf("a free writer: %v", err)
	}
}

func TestForwardedFor(t *testing.T) {
	for _, test := range []struct {
		header []string
		want   string
	}{
		{nil, "127.0.0.1"},
		{[]string{"192.0.2.1"}, "192.0.2.1"},
		{[]string{"1.2.3.4, 192.0.2.1"}, "192.0.2.1"},
		{[]string{"1.2.3.4", "192.0.2.1"}, "192.0.2.1"},
		{[]string{"192.0.2.1:4000"}, "192.0.2.1"},
		{[]string{"[2001:db8::1]:4000"}, "2001:db8::1"},
		{[]string{"2001:DB8::1"}, "2001:db8::1"},
		{[]string{"unknown"}, "127.0.0.1"},
		{[]string{"1.2.3.4,"}, "127.0.0.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "127.0.0.1:9"
		for _, v := range test.header {
			r.Header.Add("X-Forwarded-For", v)
		}
		if got := ForwardedFor(r); got != test.want {
			t.Errorf("%q: %s, want %s", test.header, got, test.want)
		}
	}
}
