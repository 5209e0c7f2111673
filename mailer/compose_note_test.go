package mailer

import (
	"strings"
	"testing"

	"joinery/caldav/change"
)

// A notice says which of three things is wrong, in the organiser's language.
func TestNoteSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, link string
		present    func(*change.Present)
		want       string
	}{
		{"no conference", "", func(p *change.Present) { p.Link, p.Problem = change.LinkRefused, "busy" }, "No conference: Planning"},
		{"not up to date", testLink, func(p *change.Present) { p.Link, p.Problem = change.LinkReady, "title" }, "Conference needs attention: Planning"},
		{"people", testLink, func(p *change.Present) { p.Link, p.Warning = change.LinkReady, "fields" }, "Conference needs attention: Planning"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := startRelay(t, nil)
			body := strings.Replace(plainEvent, "ATTENDEE;CN=Boris:mailto:boris@example.org\n", "", 1)
			b := newBench(t, "smtp://"+r.addr, body, nil)
			b.rest()
			b.save(body, func(p *change.Present) {
				p.JoinURL, p.Service = c.link, "MTS Link"
				c.present(p)
			})
			b.rest()
			wantSubjects(t, r, "anna@example.org "+c.want)
		})
	}
}
