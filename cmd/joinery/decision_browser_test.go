package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"joinery/caldav/itip"
	"joinery/store"
)

// The page on which an organiser decides about proposals, in a real browser, 360 points wide.
func TestDecisionPageInABrowser(t *testing.T) {
	t.Parallel() // it waits for the browser, most of the time
	browser := chromium(t)
	for _, test := range []struct{ lang, keeps, kept string }{
		{"en", "Keep the time", "The time stays."},
		{"ru", "Оставить время как есть", "Время не меняется."},
		{"uk", "Залишити час як є", "Час не змінюється."},
	} {
		t.Run(test.lang, func(t *testing.T) {
			w := newWorld(t)
			w.update(func(tx *store.Tx) error {
				u, err := tx.UserByLogin(anna)
				if err != nil {
					return err
				}
				u.Locale = test.lang
				return tx.UpdateUser(u)
			})
			w.anna.save(aPath, event("a", invitation("SUMMARY:Planning with a-word-that-is-much-longer-than-any-screen-of-a-phone-is-wide")...))
			start := tomorrow().Add(26 * time.Hour)
			for _, who := range []string{vera, boris} {
				w.mailed(who, 0, "Better "+strings.Repeat("then ", 20), itip.Part{PartStat: "TENTATIVE", Start: start, End: start.Add(time.Hour)})
			}
			w.later(time.Minute)
			w.idle()
			address, _, _ := w.decisions(w.wantMail(anna, "NOTE"))
			p := opens(t, browser, "en", address)
			p.reads(test.keeps, "Vera", "Boris")
			if got := p.js("document.documentElement.lang"); got != test.lang {
				t.Errorf("the page is in %s", got)
			}
			p.shot("decision-" + test.lang)
			p.legible()
			p.labelled()
			p.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}))
			p.shot("decision-" + test.lang + "-dark")
			p.legible()
			p.tab("button[name=kept]")
			p.follow(chromedp.KeyEvent(kb.Enter))
			p.reads(test.kept)
			if got := p.js("document.querySelectorAll('button').length"); got != "2" {
				t.Errorf("%s buttons are left, want those of the other proposal", got)
			}
			p.shot("decision-" + test.lang + "-kept")
			p.legible()
			p.follow(chromedp.Click(chromedp.CSS("button[name=taken]")))
			if status, _ := w.browse(http.MethodGet, address, nil); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			w.idle()
			w.contains(w.anna.get(aPath).body, start.Format(utcStamp))
		})
	}
}
