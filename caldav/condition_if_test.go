package caldav

import (
	"net/http"
	"strings"
	"testing"
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
