package caldav

import (
	"net/http"
	"strings"
	"testing"
)

// TestFoldedCharacters stores text that is folded inside characters: it is kept to the byte, and in XML
// the characters are whole.
func TestFoldedCharacters(t *testing.T) {
	f := newFixture(t)
	const summary = "Ж\U0001F600é"
	split := strings.NewReplacer("Ж", "\xd0\r\n \x96", "\U0001F600", "\xf0\r\n \x9f\n\t\x98\r\n \x80", "é", "\xc3\r\n \xa9").Replace(summary)
	body := event("a", "SUMMARY:"+split, "DESCRIPTION:plain\r\n  fold ж\r\n  fold")
	f.put("a.ics", body)
	if got := f.do("GET", annaCal+"a.ics", "").body; got != body {
		t.Errorf("got %q, want %q", got, body)
	}
	multiget := reportBody("calendar-multiget", "<D:prop><C:calendar-data/></D:prop><D:href>"+annaCal+"a.ics</D:href>")
	got := f.do("REPORT", annaCal, multiget).one().ok["{"+nsCal+"}calendar-data"]
	if want := event("a", "SUMMARY:"+summary, "DESCRIPTION:plain\r\n  fold ж\r\n  fold"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []string{"\xff", "\xd0", "\xd0 \x96", "\xd0\r\n \xd0", "\xd0\r\n  \x96", "\xc0\xae", "\xed\xa0\x80", "\x96\r\n "} {
		f.do("PUT", annaCal+"bad.ics", event("bad", "SUMMARY:"+bad), calendarType).condition(http.StatusForbidden, nsCal, "valid-calendar-data")
	}
}
