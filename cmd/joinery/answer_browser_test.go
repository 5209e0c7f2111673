package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"joinery/store"
)

// The answer page is read and filled in by a real browser, against the assembled program. With SHOTS=DIR
// pictures of what it shows are left in that folder.

// A phone is a page in a browser, 360 points wide.
type phone struct {
	*testing.T
	ctx context.Context
}

// chromium starts a browser; the tests are skipped where there is none, but not in the checks that count.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no chromium: apt-get install chromium")
		}
		t.Skip("there is no chromium to try the answer page with")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}

// opens opens an address in a page of its own, whose reader prefers lang and lives in Moscow.
func opens(t *testing.T, browser context.Context, lang, address string, first ...chromedp.Action[chromedp.Void]) *phone {
	t.Helper()
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	p := &phone{T: t, ctx: ctx}
	p.do(
		command(network.Enable, network.EnableParams{}),
		command(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}}),
		command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 360, Height: 740, DeviceScaleFactor: 2, Mobile: true}),
		command(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Moscow"}),
	)
	p.ctx, end = context.WithTimeout(p.ctx, patience)
	t.Cleanup(end)
	p.do(first...)
	p.do(chromedp.Navigate(address))
	return p
}

// command is one of the browser's protocol that answers nothing.
func command[P any](c cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func (p *phone) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

func (p *phone) click(css string) {
	p.Helper()
	p.do(chromedp.Click(chromedp.CSS(css)))
}

func (p *phone) fill(css, value string) {
	p.Helper()
	p.do(chromedp.SetValue(chromedp.CSS(css), value))
}

// js is what an expression comes to.
func (p *phone) js(expression string) string {
	p.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		p.Fatal(err)
	}
	return value
}

// text is what a person reads.
func (p *phone) text() string { p.Helper(); return p.js("document.body.innerText") }

func (p *phone) reads(want ...string) {
	p.Helper()
	text := p.text()
	for _, w := range want {
		if !strings.Contains(text, w) {
			p.Errorf("the page does not say %q but\n%s", w, text)
		}
	}
}

// send presses the button and waits for the page that follows.
func (p *phone) send() {
	p.Helper()
	p.follow(chromedp.Click(chromedp.CSS("#send")))
}

// follow waits for the page to which action leads.
func (p *phone) follow(action chromedp.Action[chromedp.Void]) {
	p.Helper()
	p.js("window.before = true")
	p.do(action)
	for {
		// Between two pages there is none to ask.
		arrived, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("!window.before && document.readyState === 'complete'"))
		switch {
		case p.ctx.Err() != nil:
			p.Fatalf("no page follows: %v", err)
		case err == nil && arrived:
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// tab presses the tabulator key until css is where the keyboard is.
func (p *phone) tab(css string) {
	p.Helper()
	for range 40 {
		p.do(chromedp.KeyEvent(kb.Tab))
		if p.js(fmt.Sprintf("document.activeElement.matches(%q)", css)) == "true" {
			return
		}
	}
	p.Fatalf("the keyboard does not reach %s", css)
}

// shot leaves a picture, and complains where the page is wider than the screen.
func (p *phone) shot(name string) {
	p.Helper()
	if width := p.js("document.documentElement.scrollWidth"); width != "360" {
		p.Errorf("%s: the page is %s wide on a screen of 360", name, width)
	}
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "answer-"+name+".png"), picture, 0o644); err != nil {
		p.Fatal(err)
	}
}

// answers is the address of the page on which somebody answers an event of anna's.
func (w *world) answers(uid, address string) string {
	w.Helper()
	var token string
	w.update(func(tx *store.Tx) error {
		u, err := tx.UserByLogin(anna)
		if err != nil {
			return err
		}
		e, err := tx.EventByUID(u.ID, uid)
		if err != nil {
			return err
		}
		d, err := tx.Delivery(e.ID, address, false)
		if err != nil {
			return err
		}
		token = d.Token
		return nil
	})
	if token == "" {
		w.Fatalf("%s has no answer page for %s", address, uid)
	}
	return w.url + "/r/" + token
}

// said is the PARTSTAT of an address in an event of anna's, a component a word.
func (w *world) said(path, address string) string {
	var list []string
	for _, l := range logical(w.anna.get(path).body) {
		if !strings.HasPrefix(l, "ATTENDEE") || !strings.HasSuffix(l, address) {
			continue
		}
		_, rest, _ := strings.Cut(l, "PARTSTAT=")
		list = append(list, strings.FieldsFunc(rest, func(r rune) bool { return r == ';' || r == ':' })[0])
	}
	return strings.Join(list, " ")
}

// weeklyInvitation is a series of anna's to which vera and boris are invited.
func weeklyInvitation(uid string, more ...string) string {
	return event(uid, invitation(append(more, "RRULE:FREQ=WEEKLY;COUNT=4")...)...)
}

func TestAnswerInBrowser(t *testing.T) {
	t.Parallel() // it waits for the browser, most of the time
	browser := chromium(t)
	w := newWorld(t)
	meeting := func(uid, body string) (path string) {
		path = annaCalendar + uid + ".ics"
		w.anna.save(path, body)
		return path
	}

	t.Run("by keyboard", func(t *testing.T) {
		path := meeting("keyboard", event("keyboard", invitation("LOCATION:Webinar")...))
		p := opens(t, browser, "en", w.answers("keyboard", vera)+"?answer=tentative")
		p.reads("Rows of keyboard", "Nothing has been sent yet", "MTS Link")
		if got := w.said(path, vera); got != "NEEDS-ACTION" {
			t.Errorf("opening the page answered %s", got)
		}
		p.tab("#tentative")
		p.do(chromedp.KeyEvent(kb.ArrowUp))
		if p.js("document.activeElement.id") != "accepted" || p.js("document.querySelector('#accepted').checked") != "true" {
			t.Errorf("the arrows do not choose")
		}
		p.tab("summary")
		p.do(chromedp.KeyEvent(" "))
		p.tab("#comment")
		p.do(chromedp.KeyEvent("With pleasure"))
		p.tab("#send")
		p.follow(chromedp.KeyEvent(kb.Enter))
		p.reads("Thank you, your answer was sent to the organiser.", "will attend")
		if got := p.js("document.activeElement.getAttribute('role') + ' ' + location.search"); got != "status ?done=applied" {
			t.Errorf("what came of it is not where a screen reader begins: %s", got)
		}
		if got := w.said(path, vera); got != "ACCEPTED" {
			t.Errorf("the organiser's event says %s", got)
		}
		if p.js("document.querySelector('#comment').value") != "With pleasure" {
			t.Error("the comment is not shown again")
		}
		// Pressed once more, and reloaded: nothing is another.
		w.idle()
		before := w.anna.get(path).etag()
		p.send()
		p.reads("Thank you")
		p.follow(chromedp.Reload())
		w.idle()
		if now := w.anna.get(path).etag(); now != before {
			t.Error("the same answer again has changed the event")
		}
	})

	t.Run("one occurrence", func(t *testing.T) {
		path := meeting("weekly", weeklyInvitation("weekly"))
		p := opens(t, browser, "en", w.answers("weekly", vera))
		if n := p.js("document.querySelectorAll('details input[name=on]').length"); n != "4" {
			t.Errorf("%s dates can be chosen", n)
		}
		second := "details label:nth-of-type(2)"
		p.click("#declined")
		p.click("#on")
		p.click(second)
		p.send()
		p.reads("Thank you", "will not attend")
		if p.js("document.querySelector('"+second+" input').checked") != "true" {
			t.Error("the date that was answered is not the one chosen")
		}
		if got := w.said(path, vera); got != "NEEDS-ACTION DECLINED" {
			t.Errorf("the organiser's event says %s", got)
		}
		p.shot("one-occurrence")
	})

	t.Run("another time", func(t *testing.T) {
		path := meeting("another", event("another", invitation()...))
		p := opens(t, browser, "en", w.answers("another", vera))
		day := tomorrow().AddDate(0, 0, 2).Format(time.DateOnly)
		p.click("details:last-of-type summary")
		p.fill("#day", day)
		p.fill("#from", "15:00")
		p.send()
		p.reads("A proposal needs a day, a start and an end.", "Moscow, UTC+3")
		if p.js("document.activeElement.getAttribute('role')") != "alert" || p.js("document.querySelector('#from').value") != "15:00" {
			t.Error("what is wrong is not where a screen reader begins, or what was filled in is gone")
		}
		p.shot("fault")
		p.fill("#to", "16:30")
		p.send()
		p.reads("Thank you, your answer and your proposal were sent to the organiser.", "maybe")
		if got := w.said(path, vera); got != "TENTATIVE" {
			t.Errorf("the organiser's event says %s", got)
		}
		var rows []store.Answer
		w.update(func(tx *store.Tx) error {
			u, err := tx.UserByLogin(anna)
			if err != nil {
				return err
			}
			e, err := tx.EventByUID(u.ID, "another")
			if err != nil {
				return err
			}
			rows, err = tx.Answers(e.ID)
			return err
		})
		if want := day + "T12:00:00Z " + day + "T13:30:00Z"; len(rows) != 1 || rows[0].Start.UTC().Format(time.RFC3339)+" "+rows[0].End.UTC().Format(time.RFC3339) != want {
			t.Errorf("proposed is %v, want %s", rows, want)
		}
	})

	t.Run("without scripts", func(t *testing.T) {
		path := meeting("plain", event("plain", invitation()...))
		p := opens(t, browser, "en", w.answers("plain", vera)+"?answer=declined",
			command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
		p.do(chromedp.Click(chromedp.CSS("#quick")), chromedp.WaitVisible(chromedp.CSS("p[role=status]")))
		if got := w.said(path, vera); got != "DECLINED" {
			t.Errorf("the organiser's event says %s", got)
		}
	})

	t.Run("changed meanwhile", func(t *testing.T) {
		path := meeting("changed", event("changed", invitation()...))
		p := opens(t, browser, "en", w.answers("changed", vera)+"?answer=accepted")
		start := tomorrow().Add(2 * time.Hour)
		text := w.anna.get(path).body
		w.anna.save(path, with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp)))
		p.send()
		p.reads("Nothing was sent: the event has been changed", start.In(moscowTime(t)).Format("15:04–"))
		if got := w.said(path, vera); got != "NEEDS-ACTION" {
			t.Errorf("an answer to the earlier time counts: %s", got)
		}
		p.click("#accepted")
		p.send()
		p.reads("Thank you")
		w.anna.gone(path)
		p.follow(chromedp.Reload())
		p.reads("The meeting is cancelled")
		p.shot("cancelled")
	})

	t.Run("no place left, then not invited any more", func(t *testing.T) {
		path := meeting("full", event("full", invitation("X-JOINERY-CONFERENCE;TYPE=WEBINAR;CAPACITY=1:mtslink")...))
		first := opens(t, browser, "en", w.answers("full", boris)+"?answer=accepted")
		first.follow(chromedp.Click(chromedp.CSS("#quick")))
		first.reads("Thank you")
		p := opens(t, browser, "en", w.answers("full", vera)+"?answer=accepted")
		p.follow(chromedp.Click(chromedp.CSS("#quick")))
		p.reads("All places are taken.", "waits for a free place")
		w.idle()
		lines := logical(w.anna.get(path).body)
		w.anna.save(path, joined(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "ATTENDEE;CN=Vera") })))
		p.follow(chromedp.Reload())
		p.reads("You are no longer invited")
		if text := p.text(); strings.Contains(text, "Rows of full") || strings.Contains(text, "Boris") {
			t.Errorf("who was removed reads\n%s", text)
		}
	})

	t.Run("elsewhere", func(t *testing.T) {
		meeting("elsewhere", event("elsewhere", invitation()...))
		p := opens(t, browser, "en", w.answers("elsewhere", vera), command(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Yekaterinburg"}))
		p.reads(tomorrow().In(moscowTime(t)).Format("15:04–"), "Your time: ", tomorrow().In(moscowTime(t)).Add(2*time.Hour).Format("15:04"))
	})

	for _, test := range []struct{ lang, question, thanks, cannot string }{
		{"en", "Will you attend?", "Thank you, your answer was sent to the organiser.", "Choose whether you will attend."},
		{"ru", "Вы примете участие?", "Спасибо, ваш ответ передан организатору.", "Выберите, примете ли вы участие."},
		{"uk", "Ви візьмете участь?", "Дякуємо, вашу відповідь передано організаторові.", "Виберіть, чи візьмете ви участь."},
	} {
		t.Run("on a phone in "+test.lang, func(t *testing.T) {
			uid := "phone-" + test.lang
			meeting(uid, weeklyInvitation(uid, "SUMMARY:Planning with a-word-that-is-much-longer-than-any-screen-of-a-phone-is-wide-and-breaks",
				"DESCRIPTION:One\\nTwo", "LOCATION:Webinar"))
			p := opens(t, browser, test.lang, w.answers(uid, vera))
			p.reads(test.question)
			if got := p.js("document.documentElement.lang"); got != test.lang {
				t.Errorf("the page is in %s", got)
			}
			p.shot(test.lang)
			p.legible()
			p.send()
			p.reads(test.cannot)
			p.shot(test.lang + "-nothing-chosen")
			p.legible()
			p.do(chromedp.Navigate(w.answers(uid, vera) + "?answer=accepted"))
			p.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}))
			p.js("document.querySelectorAll('details').forEach(d => d.open = true)")
			p.shot(test.lang + "-dark")
			p.legible()
			p.send()
			p.reads(test.thanks)
			p.shot(test.lang + "-sent")
			p.legible()
			p.labelled()
		})
	}
}

// legible complains of text whose contrast is below 4.5 (WCAG 2.2 §1.4.3).
func (p *phone) legible() {
	p.Helper()
	faint := p.js(`(function () {
	  function colour(s) { return s.match(/[\d.]+/g).map(Number); }
	  function light(c) {
	    c = c.slice(0, 3).map(function (v) { v /= 255; return v <= .03928 ? v / 12.92 : Math.pow((v + .055) / 1.055, 2.4); });
	    return .2126 * c[0] + .7152 * c[1] + .0722 * c[2];
	  }
	  function behind(e) {
	    for (; e; e = e.parentElement) {
	      var c = colour(getComputedStyle(e).backgroundColor);
	      if (c.length < 4 || c[3] === 1) return c;
	    }
	    return [255, 255, 255];
	  }
	  var out = [];
	  document.querySelectorAll("body *").forEach(function (e) {
	    var own = Array.from(e.childNodes).some(function (n) { return n.nodeType === 3 && n.textContent.trim(); });
	    if (!own && e.tagName !== "TEXTAREA" && e.tagName !== "INPUT" || !e.checkVisibility() || e.tagName === "SCRIPT") return;
	    var a = light(colour(getComputedStyle(e).color)), b = light(behind(e));
	    var ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
	    if (ratio < 4.5) out.push(e.tagName + " " + e.textContent.slice(0, 30) + ": " + ratio.toFixed(2));
	  });
	  return out.join("; ");
	})()`)
	if faint != "" {
		p.Errorf("hard to read: %s", faint)
	}
}

// labelled complains of fields without a label, of choices outside a group with a name, and of small ones.
func (p *phone) labelled() {
	p.Helper()
	bad := p.js(`Array.from(document.querySelectorAll("input:not([type=hidden]),textarea,button")).filter(function (e) {
	  var named = e.tagName === "BUTTON" ? e.textContent.trim() : e.labels.length === 1 && e.labels[0].textContent.trim();
	  var group = e.type !== "radio" || e.closest("fieldset").querySelector("legend").textContent.trim();
	  var box = (e.type === "radio" ? e.labels[0] : e).getBoundingClientRect();
	  return !named || !group || e.checkVisibility() && box.height < 44;
	}).map(function (e) { return e.outerHTML; }).join("; ")`)
	if bad != "" {
		p.Errorf("without a label or a group, or too small for a finger: %s", bad)
	}
	if n := p.js(`document.querySelectorAll("h1").length + " " + document.querySelectorAll("main").length`); n != "1 1" {
		p.Errorf("headings and mains: %s", n)
	}
}

func moscowTime(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(errors.Join(errors.New("read a zone"), err))
	}
	return zone
}
