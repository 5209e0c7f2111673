package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/mailer"
)

// How often a page asks again. A meeting may be brought forward, so also one that is far away does;
// and nobody's clock makes a page ask without end.
const (
	refreshLeast = 5 * time.Second
	refreshMost  = 5 * time.Minute
	troubleRetry = 30 * time.Second
)

// doorPage is the page of a door that does not lead anywhere now.
//
// Its status: a link that is waiting, refused or over still belongs to the event, and the last may
// come to life again when the organiser prolongs the series, so those are 200: nothing that checks links
// in mails and calendars shall mark them as broken. Cancelled, removed and replaced are 410 (RFC 9110
// §15.5.11): the organiser took the link out of use on purpose, and such programs may know it. It is
// not 404: that is the answer to a link that never was one, and says nothing of any event.
func doorPage(d *change.Door, c *catalogue, now time.Time) *page {
	p := &page{words: c, status: http.StatusOK, Title: d.Title, Service: d.Service}
	if strings.TrimSpace(p.Title) == "" {
		p.Title = c.Meeting
	}
	say := func(headline, text string) { p.Headline, p.Texts = headline, []string{text} }
	switch d.State {
	case change.DoorWaiting:
		say(c.Waiting, c.WaitingText)
		if d.Start.IsZero() {
			p.Texts = append(p.Texts, c.WaitingLater)
		}
		p.times(d, now)
		if u, ok := roomURL(d.URL); ok {
			p.URL = u
		}
	case change.DoorMaking:
		say(c.Making, c.MakingText)
		p.times(d, now)
		p.refresh = refreshLeast
	case change.DoorRefused:
		say(c.Refused, c.RefusedText)
		p.Quote = change.ReasonText(d.Problem, c.Lang)
		p.times(d, now)
		p.refresh = refreshMost
	case change.DoorOver:
		say(c.Over, c.OverText)
	case change.DoorCancelled:
		say(c.Cancelled, c.CancelledText)
		p.status = http.StatusGone
	case change.DoorRemoved:
		say(c.Removed, c.RemovedText)
		p.status = http.StatusGone
	case change.DoorReplaced:
		// The organiser may have meant to shut somebody out: nothing here leads to the new link, or
		// tells when the meeting is.
		say(c.Replaced, c.ReplacedText)
		p.status = http.StatusGone
	default:
		return nil
	}
	return p
}

// times adds when the meeting is and, while people wait, from when they are let in.
func (p *page) times(d *change.Door, now time.Time) {
	zone := d.Zone
	if zone == nil {
		zone = time.UTC
	}
	opens := d.Opens
	if opens.IsZero() {
		opens = d.Start
	}
	p.refresh = refreshMost
	if !opens.IsZero() {
		p.refresh = min(max(opens.Sub(now), refreshLeast), refreshMost)
	}
	if d.Start.IsZero() {
		return
	}
	p.live = true
	start := d.Start.In(zone)
	p.row(p.words.When, mailer.When(p.words.Lang, start, d.End, false), start, d.End)
	if d.State != change.DoorWaiting {
		return
	}
	opens = opens.In(zone)
	clock := opens.Format("15:04")
	if opens.YearDay() != start.YearDay() || opens.Year() != start.Year() {
		clock = mailer.When(p.words.Lang, opens, time.Time{}, false)
	}
	p.row(p.words.OpensAt, clock, opens, time.Time{})
	p.Left = max(0, int((opens.Sub(now)+time.Second-1)/time.Second))
}

// row adds a time, see timeRow.
func (p *page) row(label, value string, start, end time.Time) {
	p.Rows = append(p.Rows, timeRow(label, value, start, end))
}

// timeRow is a time that value tells on start's clock; end may be zero.
func timeRow(label, value string, start, end time.Time) row {
	r := row{Label: label, Value: value, Start: start.UTC().Format(time.RFC3339)}
	_, r.Offset = start.Zone()
	if end.After(start) {
		r.End = end.UTC().Format(time.RFC3339)
	}
	return r
}

// roomURL is a room's address if a browser may be sent there: an absolute one by http or https.
func roomURL(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", false
	}
	return u.String(), true
}
