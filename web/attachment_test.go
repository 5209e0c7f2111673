package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

// fileServer is a handler with one file, of data, that an object refers to.
func fileServer(t *testing.T, name, kind, data string, log *slog.Logger) (h http.Handler, a *store.Attachment, s *store.Store) {
	t.Helper()
	s = openStore(t)
	var u *store.User
	err := s.Update(context.Background(), func(tx *store.Tx) error {
		u = &store.User{Login: "anna"}
		return tx.CreateUser(u)
	})
	if err != nil {
		t.Fatal(err)
	}
	a = &store.Attachment{UserID: u.ID, Name: name, Type: kind}
	if err := s.AddAttachment(context.Background(), a, strings.NewReader(data), store.AttachmentLimits{Size: 1 << 30, Quota: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	h = New(Options{Store: s, CalDAV: http.HandlerFunc(dav), Attachments: true, Log: log})
	if w := ask(h, "GET", "/a/"+a.Token+"/x", "192.0.2.7:5000"); w.Code != http.StatusNotFound {
		t.Errorf("a file to which nothing refers yet: %d", w.Code)
	}
	refer(t, s, a.ID)
	return h, a, s
}

// refer has an object refer to the files ids alone.
func refer(t *testing.T, s *store.Store, ids ...int64) {
	t.Helper()
	if err := s.Update(context.Background(), func(tx *store.Tx) error { return tx.SetAttachments(1, ids) }); err != nil {
		t.Fatal(err)
	}
}

func TestAttachment(t *testing.T) {
	data := strings.Repeat("0123456789", 60_000) // three chunks
	h, a, s := fileServer(t, "план на год.html", "text/html", data, nil)
	const there = "192.0.2.7:5000"
	path := "/a/" + a.Token + "/plan.html"

	w := ask(h, "GET", path, there)
	if w.Code != http.StatusOK || w.Body.String() != data {
		t.Fatalf("GET: %d, %d bytes", w.Code, w.Body.Len())
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html", "Content-Length": "600000", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Disposition": "attachment; filename*=utf-8''%D0%BF%D0%BB%D0%B0%D0%BD%20%D0%BD%D0%B0%20%D0%B3%D0%BE%D0%B4.html",
		"Cache-Control":       "private, no-cache", "X-Robots-Tag": "noindex, nofollow", "Accept-Ranges": "bytes",
		"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	tag := w.Header().Get("ETag")
	if tag == "" || strings.Contains(tag, a.Token) {
		t.Errorf("ETag %q", tag)
	}
	for _, test := range []struct {
		method string
		header []string
		status int
		body   string
	}{
		{"HEAD", nil, 200, ""},
		{"GET", []string{"If-None-Match", tag}, 304, ""},
		{"GET", []string{"Range", "bytes=262140-262149"}, 206, data[262140:262150]},
		{"GET", []string{"Range", "bytes=-5"}, 206, "56789"},
		{"GET", []string{"Range", "bytes=599999-"}, 206, "9"},
		{"GET", []string{"Range", "bytes=0-1", "If-Range", tag}, 206, "01"},
		{"GET", []string{"Range", "bytes=0-1", "If-Range", `"x"`}, 200, data},
		{"GET", []string{"Range", "bytes=600000-"}, 416, ""},
		{"GET", []string{"Range", "bytes=0-0,599999-599999"}, 200, data},
		{"PUT", nil, 405, ""},
		{"DELETE", nil, 405, ""},
		{"POST", nil, 405, ""},
		{"PROPFIND", nil, 405, ""},
	} {
		w := ask(h, test.method, path, there, test.header...)
		if w.Code != test.status || test.status < 400 && w.Body.String() != test.body {
			t.Errorf("%s %v: %d, %d bytes", test.method, test.header, w.Code, w.Body.Len())
		}
	}
	for _, path := range []string{
		"/a", "/a/", "/a//", "/a/x", "/a/" + a.Token[:20], "/a/" + strings.ToUpper(a.Token) + "/x", "/a/" + a.Token + "/x/y", "/a/" + a.ManagedID + "/x",
		"/a/%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00/x", "/a/" + strings.Repeat("a", 4000), "/a/../" + a.Token,
	} {
		if w := ask(h, "GET", path, there); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), a.Token) {
			t.Errorf("%.80s: %d", path, w.Code)
		}
	}
	if w := ask(h, "GET", "/a/"+a.Token, there); w.Code != http.StatusOK {
		t.Errorf("without a name: %d", w.Code)
	}
	if w := ask(New(Options{Store: s, CalDAV: http.HandlerFunc(dav)}), "GET", path, there); w.Code != http.StatusNotFound {
		t.Errorf("where there are none: %d", w.Code)
	}

	// What was released stays for a while, since its address was told; then it is gone.
	refer(t, s)
	if w := ask(h, "GET", path, there); w.Code != http.StatusOK {
		t.Errorf("released: %d", w.Code)
	}
	for more := true; more; {
		err := s.Update(context.Background(), func(tx *store.Tx) (err error) {
			more, err = tx.PurgeAttachments(tx.Now().Add(time.Hour), tx.Now(), 1)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if w := ask(h, "GET", path, there); w.Code != http.StatusNotFound {
			t.Errorf("purged: %d", w.Code)
		}
	}
}

// TestAttachmentTrouble keeps the token out of the log.
func TestAttachmentTrouble(t *testing.T) {
	var log bytes.Buffer
	h, a, s := fileServer(t, "x", "a/b", "x", slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w := ask(h, "GET", "/a/"+a.Token+"/x", "192.0.2.7:5000")
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), a.Token) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if log.Len() == 0 || strings.Contains(log.String(), a.Token) {
		t.Errorf("log: %s", &log)
	}
}

// TestAttachmentGoesMeanwhile tears the answer off where a file is removed while it is read: a client must
// not take the beginning for all of it.
func TestAttachmentGoesMeanwhile(t *testing.T) {
	data := strings.Repeat("x", 16<<20) // more than the network holds
	h, a, s := fileServer(t, "x", "a/b", data, nil)
	refer(t, s)
	srv := httptest.NewServer(h)
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/a/" + a.Token)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	one := make([]byte, 1)
	if _, err := resp.Body.Read(one); err != nil {
		t.Fatal(err)
	}
	if err := s.DropAttachment(context.Background(), a.ID); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	if _, err := rest.ReadFrom(resp.Body); err == nil {
		t.Errorf("%d bytes, and no error", rest.Len()+1)
	}
}

// TestSlowDownload: a file may take longer than other answers may.
func TestSlowDownload(t *testing.T) {
	data := strings.Repeat("x", 16<<20)
	h, a, _ := fileServer(t, "x", "a/b", data, nil)
	srv := httptest.NewUnstartedServer(h)
	srv.Config.WriteTimeout = 200 * time.Millisecond
	srv.Start()
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/a/" + a.Token)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	time.Sleep(400 * time.Millisecond)
	var got bytes.Buffer
	if _, err := got.ReadFrom(resp.Body); err != nil || got.String() != data {
		t.Errorf("%d bytes: %v", got.Len(), err)
	}
}
