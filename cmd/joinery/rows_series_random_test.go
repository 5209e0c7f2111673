package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var rowsSeeds = flag.Int("rows.seeds", 6, "how many random sequences of saves are played on a series")

// A changer of mind edits one series without plan: by a device that has what stands, and by one that has any
// earlier text.
type changerOfMind struct {
	*world
	rand  *rand.Rand
	texts []string // that stood once
	told  []string // what was done, for messages
}

// edits are what is done to a component.
var edits = []struct {
	name string
	edit func(part string) string
}{
	{"rotate or ask", func(p string) string { return with(p, "LOCATION:Webinar") }},
	{"another account", func(p string) string { return with(p, "LOCATION:Beta") }},
	{"another kind", func(p string) string { return with(p, "LOCATION:MTS Link") }},
	{"empty LOCATION", func(p string) string { return without(p, "LOCATION") }},
	{"another place", func(p string) string { return with(p, "LOCATION:Room 7") }},
	{"delete the block", func(p string) string { return without(p, "DESCRIPTION") }},
	{"strip", func(p string) string { return without(p, "X-JOINERY-*", "CONFERENCE") }},
	{"no trace", func(p string) string {
		return without(p, "X-JOINERY-*", "CONFERENCE", "URL", "LOCATION", "DESCRIPTION")
	}},
	{"a category", func(p string) string { return with(p, "CATEGORIES:Webinar") }},
	{"another category", func(p string) string { return with(p, "CATEGORIES:Beta") }},
	{"no category", func(p string) string { return without(p, "CATEGORIES") }},
	{"cancel", func(p string) string { return with(p, "STATUS:CANCELLED") }},
	{"do not cancel", func(p string) string { return without(p, "STATUS") }},
}

// step does one thing.
func (m *changerOfMind) step() {
	m.Helper()
	text, device := m.texts[len(m.texts)-1], m.anna
	what := ""
	if m.rand.IntN(4) == 0 {
		i := m.rand.IntN(len(m.texts))
		text, device = m.texts[i], m.phone
		what = fmt.Sprintf("from text %d: ", i)
	}
	n := m.rand.IntN(4) - 1
	title := fmt.Sprintf("SUMMARY:Number %d", len(m.told))
	switch k := m.rand.IntN(len(edits) + 6); {
	case k < len(edits):
		if n != whole && part(text, n) == "" {
			text = withOverride(text, n)
		}
		e := edits[k]
		what += fmt.Sprintf("%s in %d", e.name, n)
		text = m.inPart(text, n, func(p string) string { return with(e.edit(p), title) })
	case k == len(edits):
		what += "a title for the series"
		text = m.changed(text, whole, title)
	case k == len(edits)+1 && n != whole && part(text, n) != "":
		what += fmt.Sprintf("withdraw %d", n)
		text = m.inPart(text, n, func(string) string { return "" })
	case k == len(edits)+2 && n != whole:
		what += fmt.Sprintf("exclude %d", n)
		if part(text, n) != "" {
			text = m.inPart(text, n, func(string) string { return "" })
		}
		text = m.inPart(text, whole, func(p string) string { return plus(p, inMoscow("EXDATE", nth(n))) })
	case k == len(edits)+3:
		what += "nothing is excluded"
		text = m.bared(text, whole, "EXDATE")
	case k == len(edits)+4:
		what += "delete and restore at once"
		m.anna.delete(aPath)
	default:
		what += "delete, and restore later"
		m.anna.gone(aPath)
	}
	m.told = append(m.told, what)
	device.put(aPath, text)
	if m.rand.IntN(3) > 0 {
		m.idle()
		m.check()
	}
	m.texts = append(m.texts, m.anna.get(aPath).body)
}

// check compares what stands with what the accounts hold.
func (m *changerOfMind) check() {
	m.Helper()
	text := m.anna.get(aPath).body
	fail := func(format string, args ...any) {
		m.Helper()
		m.Fatalf("%s\nafter\n%s\nin\n%s\nthe accounts hold %+v", fmt.Sprintf(format, args...), strings.Join(m.told, "\n"), joined(logical(text)), m.planned())
	}
	has := map[int]bool{}
	var next time.Time
	title := ""
	excluded := strings.Join(all(part(text, whole), "EXDATE"), ",")
	off := strings.Contains(part(text, whole), "STATUS:CANCELLED")
	for n := whole; n <= 4; n++ {
		p := part(text, n)
		if p != "" {
			link := value(p, "URL")
			plain := joined(logical(p))
			has[n] = link != ""
			cancelled := off || strings.Contains(p, "STATUS:CANCELLED")
			switch {
			case has[n] && (cancelled || !strings.HasPrefix(link, joinBase)):
				fail("component %d has %q", n, link)
			case !has[n] && (strings.Contains(plain, joinBase) || strings.Contains(plain, "X-JOINERY") || strings.Contains(plain, openFence)):
				fail("component %d has no link, but traces", n)
			case !has[n] && !cancelled && slices.ContainsFunc([]string{"LOCATION:Webinar", "LOCATION:Beta", "LOCATION:MTS Link"}, func(l string) bool { return first(p, "LOCATION") == l }):
				if !strings.Contains(excluded, nth(max(n, 0)).In(yearsZone("Europe/Moscow")).Format(localStamp)) || n == whole {
					fail("component %d asks, and has no link", n)
				}
			}
			if has[n] {
				if !strings.Contains(value(p, "LOCATION"), link) && !strings.Contains(value(p, "DESCRIPTION"), link) {
					fail("the link of component %d stands neither in LOCATION nor in DESCRIPTION", n)
				}
				if d := m.door(link); d.status != http.StatusOK && d.status != http.StatusFound {
					fail("the link of component %d answers %d", n, d.status)
				}
				if other := without(plain, "X-*"); strings.Count(other, joinBase) != strings.Count(other, link) {
					fail("component %d has two links", n)
				}
			}
		}
		if n == whole || strings.Contains(excluded, nth(n).In(yearsZone("Europe/Moscow")).Format(localStamp)) {
			continue
		}
		of := n
		if p == "" {
			of = whole
		}
		if has[of] && next.IsZero() {
			next, title = nth(n), value(part(text, of), "SUMMARY")
		}
	}
	planned := m.planned()
	switch {
	case next.IsZero() && len(planned) != 0:
		fail("nothing is to be planned")
	case next.IsZero():
	case len(planned) != 1 || !planned[0].Start.Equal(next) || planned[0].Name != title:
		fail("there is to be one conference, at %v, called %q", next, title)
	}
}

// TestRowsSeriesRandom plays saves that nobody planned. Whatever they mean, what stands in the event is
// what the accounts hold, and the links in it lead somewhere.
func TestRowsSeriesRandom(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for seed := range *rowsSeeds {
		rows.play(fmt.Sprint("seed ", seed), func(w *world) {
			m := &changerOfMind{world: w, rand: rand.New(rand.NewPCG(uint64(seed), 7))}
			w.anna.put(aPath, seriesOf("a", "LOCATION:Webinar"))
			m.told, m.texts = []string{"ask"}, []string{w.anna.get(aPath).body}
			for range 25 {
				m.step()
			}
			w.idle()
			m.check()
		}, func(c *config) { c.Settle = duration(100 * time.Millisecond) })
	}
}
