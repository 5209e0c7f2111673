package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"joinery/conference/emulator"
)

// The rows of docs/conferences.md for series, and for single occurrences of them. The series is anna's, of one
// hour each week from tomorrow on, by Moscow's clock, which knows no summer time.

// whole names a series' master where an occurrence is meant otherwise.
const whole = -1

// joinBase begins the links of the join pages.
const joinBase = "http://127.0.0.1:8080/j/"

// nth is the start of a series' nth occurrence, counted from 0.
func nth(n int) time.Time { return tomorrow().Add(time.Duration(n) * 7 * 24 * time.Hour) }

// inMoscow is a property with times by Moscow's clock.
func inMoscow(name string, times ...time.Time) string {
	return yearsClock{zone: yearsZone("Europe/Moscow")}.line(name, times...)
}

// from is the time of an event that begins at start and lasts an hour.
func from(start time.Time) []string {
	return []string{inMoscow("DTSTART", start), inMoscow("DTEND", start.Add(time.Hour))}
}

// weeklyRule is the rule of the series.
func weeklyRule() string {
	day := nth(0).In(yearsZone("Europe/Moscow")).Weekday().String()[:2]
	return "RRULE:FREQ=WEEKLY;BYDAY=" + strings.ToUpper(day)
}

// seriesOf is a weekly series with the given lines, as event takes them.
func seriesOf(uid string, lines ...string) string {
	text := event(uid, append(append(from(nth(0)), weeklyRule()), lines...)...)
	zone := []string{"BEGIN:VTIMEZONE", "TZID:Europe/Moscow", "BEGIN:STANDARD", "DTSTART:19700101T000000",
		"TZOFFSETFROM:+0300", "TZOFFSETTO:+0300", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT"}
	return strings.Replace(text, "BEGIN:VEVENT", strings.Join(zone, "\r\n"), 1)
}

// isPart tells whether the lines are those of the nth occurrence's override, or of the master.
func isPart(lines []string, n int) bool {
	id := slices.IndexFunc(lines, func(l string) bool { return lineName(l) == "RECURRENCE-ID" })
	if n == whole || id < 0 {
		return n == whole && id < 0
	}
	_, at, _ := strings.Cut(lines[id], ":")
	return at == nth(n).In(yearsZone("Europe/Moscow")).Format(localStamp) || at == nth(n).Format(utcStamp) ||
		at == nth(n).In(yearsZone("Europe/Moscow")).Format("20060102")
}

// part is one component of a text, empty if it is not there.
func part(text string, n int) string {
	_, events, _ := vevents(text)
	for _, e := range events {
		if isPart(e, n) {
			return joined(e)
		}
	}
	return ""
}

// inPart is a text with one component edited; taken out where edit gives "".
func (w *world) inPart(text string, n int, edit func(part string) string) string {
	w.Helper()
	before, events, after := vevents(text)
	found := false
	lines := before
	for _, e := range events {
		if isPart(e, n) {
			found = true
			if e = logical(edit(joined(e))); e[0] == "" {
				continue
			}
		}
		lines = append(lines, e...)
	}
	if !found {
		w.Fatalf("there is no occurrence %d in\n%s", n, text)
	}
	return joined(append(lines, after...))
}

// changed is a text with lines of one component replaced.
func (w *world) changed(text string, n int, lines ...string) string {
	w.Helper()
	return w.inPart(text, n, func(part string) string {
		for _, l := range lines {
			part = with(part, l)
		}
		return part
	})
}

// bared is a text with lines of one component taken out.
func (w *world) bared(text string, n int, names ...string) string {
	w.Helper()
	return w.inPart(text, n, func(part string) string { return without(part, names...) })
}

// withOverride is a text with the nth occurrence as an event of its own, as clients make it: a copy of
// the master with other lines.
func withOverride(text string, n int, lines ...string) string {
	own := dropLines(master(text), "RRULE", "EXDATE", "RDATE")
	own = slices.Insert(own, 1, inMoscow("RECURRENCE-ID", nth(n)))
	for _, l := range append(from(nth(n)), lines...) {
		own = setLine(own, l)
	}
	before, events, after := vevents(text)
	for _, e := range append(events, own) {
		before = append(before, e...)
	}
	return joined(append(before, after...))
}

// bookedSeries saves anna's series "a" with lines that ask, and returns what stands then, its
// conference, and the link that its people have.
func (w *world) bookedSeries(lines ...string) (text string, c emulator.Conference, link string) {
	w.Helper()
	text = w.anna.save(aPath, seriesOf("a", invitation(lines...)...))
	c, link = w.only(), value(text, "URL")
	same(w, "start", c.Start.UTC(), nth(0))
	w.wantJoin(text, link)
	w.wantMail(boris, "REQUEST")
	w.wantMail(vera, "REQUEST")
	return text, c, link
}

// wantJoin checks that every component of a text that is not cancelled carries the join page's link, and none
// of the provider.
func (w *world) wantJoin(text, link string) {
	w.Helper()
	if !strings.HasPrefix(link, joinBase) {
		w.Fatalf("%q is not the join page's link, in\n%s", link, joined(logical(text)))
	}
	_, events, _ := vevents(text)
	for _, e := range events {
		if !slices.Contains(e, "STATUS:CANCELLED") {
			w.wantLink(joined(e), link)
		}
	}
	w.lacks(joined(logical(text)), "https://my.mts-link.ru/")
}

// wantBare checks that nothing of ours stands in a text.
func (w *world) wantBare(text string) {
	w.Helper()
	w.wantNoTrace(text)
	w.lacks(joined(logical(text)), joinBase)
}

// A rowsDoor is what a join page answers.
type rowsDoor struct {
	status int
	to     string // where it leads
	page   string
}

// door opens a join page as somebody does who reads English.
func (w *world) door(link string) rowsDoor {
	w.Helper()
	path, ok := strings.CutPrefix(link, joinBase)
	if !ok {
		w.Fatalf("%q is not a join page's link", link)
	}
	req, err := http.NewRequest(http.MethodGet, w.url+"/j/"+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Accept-Language", "en")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return rowsDoor{resp.StatusCode, resp.Header.Get("Location"), string(data)}
}

// What a join page says in English.
const (
	saysWaiting   = "It is too early to join"
	saysOver      = "The meeting is over"
	saysCancelled = "The meeting is cancelled"
	saysRemoved   = "The conference was removed"
	saysReplaced  = "This link is no longer in use"
	saysRefused   = "There is no conference yet"
)

// wantDoor checks what a join page says.
func (w *world) wantDoor(link string, status int, says string) {
	w.Helper()
	if d := w.door(link); d.status != status || !strings.Contains(d.page, says) {
		_, headline, _ := strings.Cut(d.page, "<main>")
		headline, _, _ = strings.Cut(headline, "</main>")
		w.Errorf("the join page answers %d (to %q), want %d and %q:\n%s", d.status, d.to, status, says, headline)
	}
}

// wantOpen checks that a join page leads into a conference.
func (w *world) wantOpen(link string, c emulator.Conference) {
	w.Helper()
	if d := w.door(link); d.status != http.StatusFound || d.to != c.Link {
		w.Errorf("the join page answers %d and leads to %q, want %q", d.status, d.to, c.Link)
	}
}

// at lets time pass for program and accounts until a moment, and has done what is due then.
func (w *world) at(moment time.Time) {
	w.Helper()
	d := moment.Sub(w.now())
	if d < 0 {
		w.Fatalf("the clock would go back by %v", -d)
	}
	w.later(d)
	w.app.outbox.Look()
	w.idle()
}

// planned are the conferences that have not begun.
func (w *world) planned() []emulator.Conference {
	w.Helper()
	return slices.DeleteFunc(w.conferences(), func(c emulator.Conference) bool { return c.Status != "ACTIVE" })
}

// onlyAt is the one conference that has not begun, which is at that time.
func (w *world) onlyAt(start time.Time) emulator.Conference {
	w.Helper()
	list := w.planned()
	if len(list) != 1 {
		w.Fatalf("%d conferences are planned, want 1: %+v", len(list), list)
	}
	if !list[0].Start.Equal(start) {
		w.Errorf("the conference is at %v, want %v", list[0].Start.UTC(), start)
	}
	return list[0]
}

// promptly is the time within which everything is answered on a machine that plays ten worlds at once, under
// the race detector too: a bound for what would take for ever, no measure of speed.
const promptly = 60 * time.Second

// wantWithin checks that something is answered in time.
func (w *world) wantWithin(d time.Duration, do func()) {
	w.Helper()
	begun := time.Now()
	do()
	if took := time.Since(begun); took > d {
		w.Errorf("it took %v, want no more than %v", took, d)
	}
}

// refusedBy checks that a body is refused with a precondition, and quickly.
func (c *rowsClient) refusedBy(path, body, condition string) {
	c.w.Helper()
	c.w.wantWithin(promptly, func() {
		if r := c.do("PUT", path, body).want(http.StatusForbidden); !strings.Contains(r.body, condition) {
			c.w.Errorf("the answer does not name %s: %s", condition, r.body)
		}
	})
}

// stateIs waits until a component's state is what it should be.
func (w *world) stateIs(n int, state string) string {
	w.Helper()
	var text string
	w.eventually(func() error {
		text = w.anna.get(aPath).body
		if got := value(part(text, n), "X-JOINERY-STATE"); got != state {
			return fmt.Errorf("the state is %q, want %q", got, state)
		}
		return nil
	})
	return text
}

var errNotYet = errors.New("not yet")
