package caldav

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

// forget purges what is known of removed members, as the server does in time.
func (f *fixture) forget() {
	f.Helper()
	err := f.store.Update(f.Context(), func(tx *store.Tx) error {
		_, err := tx.PurgeHistory(time.Now().Add(time.Hour), 1000)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
}

// syncPages follows a synchronisation of at most limit members an answer to its end: what it told of, in
// order, removed ones with a minus, and the last token. between runs after each page.
func (f *fixture) syncPages(token string, limit int, between func(page int)) (told []string, last string) {
	f.Helper()
	for page := 1; page < 100; page++ {
		a := f.do("REPORT", annaCal, syncBody(token, fmt.Sprintf("<D:limit><D:nresults>%d</D:nresults></D:limit>", limit)), "Depth: 0")
		more, n := false, 0
		for _, fd := range a.multi() {
			name := strings.TrimPrefix(fd.href, annaCal)
			switch {
			case name == "":
				more = true
				if fd.status != http.StatusInsufficientStorage {
					f.Errorf("the collection has status %d, want 507", fd.status)
				}
				a.contains("<D:error><D:number-of-matches-within-limits/></D:error>")
				continue
			case fd.status == http.StatusNotFound:
				name = "-" + name
			case fd.status != 0 || fd.ok["{DAV:}getetag"] == "":
				f.Errorf("%+v", fd)
			}
			n++
			told = append(told, name)
		}
		if n > limit || more && n != limit {
			f.Errorf("page %d tells of %d members, more %v; want %d", page, n, more, limit)
		}
		token = a.token()
		if !more {
			return told, token
		}
		if between != nil {
			between(page)
		}
	}
	f.Fatal("the pages do not end")
	return nil, ""
}

// TestSyncLimit synchronises in pages (RFC 6578 §3.6, §3.7): none is longer than the client takes, the
// tokens between them are good, and in the end the client has what there is.
func TestSyncLimit(t *testing.T) {
	f := newFixture(t)
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		f.put(n, event(n))
	}
	start := f.do("REPORT", annaCal, syncBody("", "")).token()
	f.do("DELETE", annaCal+"b", "").want(http.StatusNoContent)
	f.put("f", event("f"))
	f.do("PUT", annaCal+"a", event("a", "SUMMARY:changed"), calendarType).want(http.StatusNoContent)
	for limit := range 6 {
		limit++
		told, last := f.syncPages(start, limit, nil)
		if got := strings.Join(told, " "); got != "-b f a" {
			t.Errorf("changes by %d: %s", limit, got)
		}
		if again := f.do("REPORT", annaCal, syncBody(last, "")).hrefs(); again != "" {
			t.Errorf("after the last page: %s", again)
		}
		told, _ = f.syncPages("", limit, nil)
		if slices.Sort(told); strings.Join(told, " ") != "a c d e f" {
			t.Errorf("members by %d: %v", limit, told)
		}
	}

	// What was removed is forgotten in time; no page gets longer by that.
	f.forget()
	f.do("REPORT", annaCal, syncBody(start, "")).condition(http.StatusForbidden, nsDAV, "valid-sync-token")
	told, last := f.syncPages("", 2, nil)
	if slices.Sort(told); strings.Join(told, " ") != "a c d e f" {
		t.Errorf("members, after purging: %v", told)
	}

	// Changes between the pages are told of in one of them.
	has := map[string]bool{}
	told, _ = f.syncPages("", 2, func(page int) {
		switch page {
		case 1:
			f.do("DELETE", annaCal+"c", "").want(http.StatusNoContent) // told of already
			f.do("DELETE", annaCal+"f", "").want(http.StatusNoContent) // not yet
		case 2:
			f.put("g", event("g"))
		}
	})
	for _, name := range told {
		removed, ok := strings.CutPrefix(name, "-")
		has[removed] = !ok
	}
	for name, want := range map[string]bool{"a": true, "c": false, "d": true, "e": true, "f": false, "g": true} {
		if has[name] != want {
			t.Errorf("%s: %v, want %v; told %v", name, has[name], want, told)
		}
	}

	// A list that was given up until what it needs is forgotten begins anew.
	a := f.do("REPORT", annaCal, syncBody("", "<D:limit><D:nresults>1</D:nresults></D:limit>"))
	f.do("DELETE", annaCal+"d", "").want(http.StatusNoContent)
	f.forget()
	f.do("REPORT", annaCal, syncBody(a.token(), "")).condition(http.StatusForbidden, nsDAV, "valid-sync-token")
	for _, bad := range []string{"-", "1-", "-1", "2-2", "3-2", "1-999", "1-x", "1-2-3"} {
		token := last[:strings.LastIndex(last, "/")+1] + bad
		f.do("REPORT", annaCal, syncBody(token, "")).condition(http.StatusForbidden, nsDAV, "valid-sync-token")
	}
}

// TestSyncMembers tells of a name once, by what became of it (RFC 6578 §3.5).
func TestSyncMembers(t *testing.T) {
	f := newFixture(t)
	f.do("MKCALENDAR", annaHome+"other/", "").want(http.StatusCreated)
	remove := func(name string) { f.Helper(); f.do("DELETE", annaCal+name, "").want(http.StatusNoContent) }
	move := func(from, to string) {
		f.Helper()
		if a := f.do("MOVE", from, "", "Destination: "+to); a.status != http.StatusCreated && a.status != http.StatusNoContent {
			f.Fatalf("%s to %s: %d", from, to, a.status)
		}
	}
	for _, tt := range []struct {
		name   string
		change func()
		want   string
	}{
		{"nothing", func() {}, ""},
		{"made", func() { f.put("new", event("new")) }, "new"},
		{"made and removed", func() { f.put("brief", event("brief")); remove("brief") }, "-brief"},
		{"removed", func() { remove("new") }, "-new"},
		{"removed and made again", func() { f.put("x", event("x")); remove("x"); f.put("x", event("x2")) }, "x"},
		{"copied here", func() {
			f.do("PUT", annaHome+"other/y", event("y"), calendarType).want(http.StatusCreated)
			f.do("COPY", annaHome+"other/y", "", "Destination: "+annaCal+"y").want(http.StatusCreated)
			f.do("DELETE", annaHome+"other/y", "").want(http.StatusNoContent)
		}, "y"},
		{"renamed", func() { move(annaCal+"y", annaCal+"z") }, "-y z"},
		{"moved away", func() { move(annaCal+"z", annaHome+"other/z") }, "-z"},
		{"moved back", func() { move(annaHome+"other/z", annaCal+"z") }, "z"},
		{"only read", func() { f.do("GET", annaCal+"z", "").want(http.StatusOK) }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			token := f.do("REPORT", annaCal, syncBody("", "")).token()
			tt.change()
			var told []string
			for _, fd := range f.do("REPORT", annaCal, syncBody(token, "")).multi() {
				name := strings.TrimPrefix(fd.href, annaCal)
				if fd.status == http.StatusNotFound {
					name = "-" + name
				}
				if (fd.status != 0) == (len(fd.ok) > 0) {
					t.Errorf("%+v: status or properties are expected", fd)
				}
				told = append(told, name)
			}
			if slices.Sort(told); strings.Join(told, " ") != tt.want {
				t.Errorf("got %v, want %s", told, tt.want)
			}
		})
	}
}

// TestSyncForm holds the report to its form (RFC 6578 §3.2, §3.3, §6).
func TestSyncForm(t *testing.T) {
	f := newFixture(t)
	f.put("a", event("a"))
	body := func(parts string) string {
		return `<D:sync-collection xmlns:D="DAV:">` + parts + `</D:sync-collection>`
	}
	const token, level, prop = "<D:sync-token/>", "<D:sync-level>1</D:sync-level>", "<D:prop><D:getetag/></D:prop>"
	for name, good := range map[string]string{
		"whole":                token + level + prop,
		"in another order":     prop + token + level,
		"no level, as of old":  token + prop,
		"blanks":               "<D:sync-token>\n</D:sync-token><D:sync-level> 1\n</D:sync-level>" + prop,
		"properties not there": token + level + "<D:prop><D:getetag/><D:nothing/></D:prop>",
		"elements not known":   token + level + prop + "<D:magic/>",
	} {
		t.Run(name, func(t *testing.T) {
			f.TB = t
			for _, depth := range []string{"Depth: 0", "Depth: 1", "X-No: Depth"} {
				if fd := f.do("REPORT", annaCal, body(good), depth).one(); fd.href != annaCal+"a" || fd.ok["{DAV:}getetag"] == "" {
					t.Errorf("%s: %+v", depth, fd)
				}
			}
			f.do("REPORT", annaCal, body(good), "Depth: infinity").want(http.StatusBadRequest)
			f.do("REPORT", annaCal, body(good), "Depth: 7").want(http.StatusBadRequest)
		})
	}
	f.do("REPORT", annaCal, body(token+"<D:sync-level>infinite</D:sync-level>"+prop)).condition(http.StatusForbidden, nsDAV, "sync-traversal-supported")
	for name, bad := range map[string]string{
		"another level":       token + "<D:sync-level>2</D:sync-level>" + prop,
		"an empty level":      token + "<D:sync-level/>" + prop,
		"no token":            level + prop,
		"no number":           token + level + prop + "<D:limit><D:nresults>many</D:nresults></D:limit>",
		"a negative number":   token + level + prop + "<D:limit><D:nresults>-1</D:nresults></D:limit>",
		"properties twice":    token + level + prop + prop,
		"a number beyond all": token + level + prop + "<D:limit><D:nresults>99999999999999999999</D:nresults></D:limit>",
	} {
		if a := f.do("REPORT", annaCal, body(bad)); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	f.do("REPORT", annaCal+"a", body(token+level+prop)).condition(http.StatusForbidden, nsDAV, "supported-report")
	f.as("boris@example.org", "demo", "REPORT", annaCal, body(token+level+prop)).condition(http.StatusForbidden, nsDAV, "need-privileges")
	boris := f.as("boris@example.org", "demo", "REPORT", "/calendars/boris@example.org/calendar/", body(token+level+prop)).token()
	f.do("REPORT", annaCal, syncBody(boris, "")).condition(http.StatusForbidden, nsDAV, "valid-sync-token")
}
