package caldav

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// TestConcurrentClients has several devices write, synchronise and read at the same time: what was
// answered with success is there, each conditional save won once, and every device ends with the
// same members.
func TestConcurrentClients(t *testing.T) {
	f := newFixture(t)
	f.put("shared.ics", event("shared"))
	tag := f.do("GET", annaCal+"shared.ics", "").header.Get("ETag")
	const devices, each = 4, 6
	var wg sync.WaitGroup
	wins := make(chan int, devices)
	for d := range devices {
		wg.Go(func() {
			token := ""
			for i := range each {
				uid := fmt.Sprintf("d%d-%d", d, i)
				if a := f.do("PUT", annaCal+uid+".ics", event(uid), calendarType, "If-None-Match: *"); a.status != http.StatusCreated {
					t.Errorf("%s: %d", uid, a.status)
				}
				a := f.do("REPORT", annaCal, syncBody(token, ""), "Depth: 1")
				token = a.xml().child(nsDAV, "sync-token").text()
				if i%3 == 2 {
					if a := f.do("DELETE", annaCal+uid+".ics", ""); a.status != http.StatusNoContent {
						t.Errorf("deleting %s: %d", uid, a.status)
					}
				}
			}
			a := f.do("PUT", annaCal+"shared.ics", event("shared", fmt.Sprintf("SUMMARY:device %d", d)), calendarType, "If-Match: "+tag)
			switch a.status {
			case http.StatusNoContent:
				wins <- d
			case http.StatusPreconditionFailed:
			default:
				t.Errorf("conditional save: %d", a.status)
			}
		})
	}
	wg.Wait()
	close(wins)
	if len(wins) != 1 {
		t.Errorf("%d devices saved over the same revision, want 1", len(wins))
	}
	if n := len(f.do("REPORT", annaCal, syncBody("", "")).multi()); n != devices*each*2/3+1 {
		t.Errorf("%d members, want %d", n, devices*each*2/3+1)
	}
}
