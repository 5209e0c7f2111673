package caldav

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
)

// TestIf goes through RFC 4918 §10.4: lists are alternatives, the conditions of one hold together, and
// without locks no lock token is good.
func TestIf(t *testing.T) {
	f := newFixture(t)
	tag := f.put("a.ics", event("a")).header.Get("ETag")
	other := f.put("b.ics", event("b")).header.Get("ETag")
	a, b := annaCal+"a.ics", annaCal+"b.ics"
	token := f.do("REPORT", annaCal, syncBody("", "")).token()
	const lock = "<opaquelocktoken:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"
	for _, tt := range []struct {
		path, value string
		want        int
	}{
		{a, "([" + tag + "])", 200},
		{a, "([ " + tag + " ])", 200},
		{a, "([W/" + tag + "])", 412},
		{a, `(["x"])`, 412},
		{a, `(["x"]) ([` + tag + "])", 200},
		{a, "([" + tag + `] ["x"])`, 412},
		{a, "([" + tag + `] Not ["x"])`, 200},
		{a, "(Not [" + tag + "])", 412},
		{a, "(" + lock + ")", 412},
		{a, "(" + lock + "[" + tag + "])", 412},
		{a, "(" + lock + ") (Not <DAV:no-lock>)", 200},
		{a, "(Not " + lock + ")", 200},
		{a, "(Not <DAV:no-lock>[" + tag + "])", 200},
		{a, "<" + b + "> ([" + other + "])", 200},
		{a, "<" + b + "> ([" + tag + "])", 412},
		{a, "<" + f.url + b + "> ([" + other + "])", 200},
		{a, "<http://elsewhere.example/x> ([" + other + "])", 412},
		{a, "</calendars/boris@example.org/calendar/x.ics> ([" + other + "])", 412},
		{a, "<" + b + `> (["x"]) ([` + other + "]) <" + a + `> (["x"])`, 200},
		{a, "<" + annaCal + "> (<" + token + ">)", 200},
		{a, "<" + annaCal + "> (<" + token + "0>)", 412},
		{annaCal, "(<" + token + ">)", 200},
		{annaCal + "none.ics", "([" + tag + "])", 412},
		{annaCal + "none.ics", "(Not [" + tag + "])", 404},
		{a, "()", 400},
		{a, "(", 400},
		{a, "([" + tag + "]", 400},
		{a, "([" + tag, 400},
		{a, "(x)", 400},
		{a, `("x")`, 400},
		{a, "<" + a + ">", 400},
		{a, "<" + a, 400},
		{a, "(<>)", 400},
		{a, "([" + tag + "]) <" + a + "> ([" + tag + "])", 400},
		{a, repeated(200, "<"+annaCal+`%d.ics> (["x"])`), 400},
	} {
		if got := f.do("GET", tt.path, "", "If: "+tt.value); got.status != tt.want {
			t.Errorf("%s with If: %.150s: %d, want %d", tt.path, tt.value, got.status, tt.want)
		}
	}
	f.do("PROPPATCH", annaCal, patch("<D:displayname>X</D:displayname>", ""), `If: (["x"])`).want(http.StatusPreconditionFailed)
	f.do("DELETE", a, "", "If: ("+lock+")").want(http.StatusPreconditionFailed)
	f.do("MOVE", a, "", "Destination: "+annaCal+"c.ics", `If: (["x"])`).want(http.StatusPreconditionFailed)
	f.do("PUT", a, strings.Replace(event("a"), "Event", "Changed", 1), calendarType, "If: (["+tag+"])").want(http.StatusNoContent)
	f.do("PUT", a, event("a"), calendarType, "If: (["+tag+"])").want(http.StatusPreconditionFailed)
	f.do("OPTIONS", a, "", `If: (["x"])`).want(http.StatusOK)
}

// TestUnmodifiedSince is RFC 9110 §13.1.3 and §13.1.4: times are compared to the second, entity tags go
// before them.
func TestUnmodifiedSince(t *testing.T) {
	f := newFixture(t)
	h := f.put("a.ics", event("a")).header
	path, tag, at := annaCal+"a.ics", h.Get("ETag"), h.Get("Last-Modified")
	modified, err := http.ParseTime(at)
	if err != nil {
		t.Fatal(err)
	}
	earlier, later := modified.Add(-time.Second).Format(http.TimeFormat), modified.Add(time.Hour).Format(http.TimeFormat)
	for _, tt := range []struct {
		method  string
		headers []string
		want    int
	}{
		{"GET", []string{"If-Unmodified-Since: " + earlier}, 412},
		{"GET", []string{"If-Unmodified-Since: " + at}, 200},
		{"GET", []string{"If-Unmodified-Since: nonsense"}, 200},
		{"GET", []string{"If-Unmodified-Since: " + earlier, "If-Match: " + tag}, 200},
		{"GET", []string{"If-Modified-Since: " + at}, 304},
		{"HEAD", []string{"If-Modified-Since: " + later}, 304},
		{"GET", []string{"If-Modified-Since: " + earlier}, 200},
		{"GET", []string{"If-Modified-Since: " + later, `If-None-Match: "x"`}, 200},
		{"PUT", []string{"If-Unmodified-Since: " + earlier}, 412},
		{"DELETE", []string{"If-Unmodified-Since: " + earlier}, 412},
		{"MOVE", []string{"If-Unmodified-Since: " + earlier, "Destination: " + annaCal + "b.ics"}, 412},
		{"PROPPATCH", []string{"If-Unmodified-Since: " + earlier}, 412},
		{"PUT", []string{"If-Unmodified-Since: " + at}, 204},
		{"DELETE", []string{"If-Unmodified-Since: " + later}, 204},
		{"PUT", []string{"If-Unmodified-Since: " + earlier}, 201},
	} {
		body := ""
		switch tt.method {
		case "PUT":
			body = event("a")
		case "PROPPATCH":
			body = patch("<E:x>1</E:x>", "")
		}
		if a := f.do(tt.method, path, body, tt.headers...); a.status != tt.want {
			t.Errorf("%s with %v: %d, want %d", tt.method, tt.headers, a.status, tt.want)
		}
	}
}

func FuzzParseIf(f *testing.F) {
	for _, s := range []string{`(["a"])`, `<http://x/> (<urn:a> Not ["b"]) (W/)`, "(Not <DAV:no-lock>)", "((", `([W/"a"]) (["b"])`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lists, err := parseIf(s)
		if err == nil && len(lists) == 0 {
			t.Fatalf("%q holds nothing", s)
		}
		for _, l := range lists {
			if len(l.conditions) == 0 {
				t.Fatalf("%q has an empty list", s)
			}
			l.holds(nil)
		}
	})
}

// A racer changes something else right before a change that was asked for is made.
type racer struct {
	Changes
	first func()
}

func (r *racer) Put(ctx context.Context, p change.PutRequest) (change.Result, error) {
	r.first()
	return r.Changes.Put(ctx, p)
}

func (r *racer) Delete(ctx context.Context, d change.DeleteRequest) error {
	r.first()
	return r.Changes.Delete(ctx, d)
}

func (r *racer) Move(ctx context.Context, m change.MoveRequest) (change.Result, error) {
	r.first()
	return r.Changes.Move(ctx, m)
}

func (r *racer) Copy(ctx context.Context, m change.MoveRequest) (change.Result, error) {
	r.first()
	return r.Changes.Copy(ctx, m)
}

// TestIfTheCollectionChangesMeanwhile: a sync token in an If header (RFC 6578 §5) holds when the change is stored,
// not only when the request comes.
func TestIfTheCollectionChangesMeanwhile(t *testing.T) {
	r := &racer{first: func() {}}
	f := newFixture(t, func(o *Options) { r.Changes, o.Changes = o.Changes, r })
	f.do("MKCALENDAR", annaHome+"work/", "").want(http.StatusCreated)
	f.put("a.ics", event("a"))
	for _, method := range []string{"PUT", "DELETE", "COPY", "MOVE"} {
		body, headers := "", []string{"Destination: " + annaHome + "work/a.ics"}
		if method == "PUT" {
			body, headers = event("a", "SUMMARY:Changed"), []string{calendarType}
		}
		token := f.do("REPORT", annaCal, syncBody("", "")).token()
		headers = append(headers, "If: <"+annaCal+"> (<"+token+">)")
		r.first = func() {
			r.first = func() {}
			f.put(method+".ics", event(method))
		}
		f.do(method, annaCal+"a.ics", body, headers...).want(http.StatusPreconditionFailed)
		f.do("GET", annaHome+"work/a.ics", "").want(http.StatusNotFound)
		if got := f.do("GET", annaCal+"a.ics", "").want(http.StatusOK).body; got != event("a") {
			t.Errorf("%s: it is %q now", method, got)
		}
	}
	token := f.do("REPORT", annaCal, syncBody("", "")).token()
	f.do("DELETE", annaCal+"a.ics", "", "If: <"+annaCal+"> (<"+token+">)").want(http.StatusNoContent)
}
