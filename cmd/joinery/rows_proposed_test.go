package main

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"joinery/caldav/itip"
)

// decisionLink is the address in a mail to the organiser on which proposals are decided.
var decisionLink = regexp.MustCompile(`https?://\S+/p/([A-Za-z0-9_-]{20,})`)

// decisionButton is a button of that page.
var decisionButton = regexp.MustCompile(`<button name="(taken|kept)" value="([^"]+)"`)

// decisions opens the page that the last mail to anna links to; buttons are the values by name, in their order.
func (w *world) decisions(note rowsLetter) (address string, page string, buttons map[string][]string) {
	w.Helper()
	m := decisionLink.FindStringSubmatch(note.text)
	if m == nil {
		w.Fatalf("the mail has no link to decide:\n%s", note.text)
	}
	w.contains(note.html, "/p/"+m[1])
	address = w.url + "/p/" + m[1]
	status, page := w.browse(http.MethodGet, address, nil)
	same(w, "status", status, http.StatusOK)
	w.lacks(page, m[1])
	buttons = map[string][]string{}
	for _, b := range decisionButton.FindAllStringSubmatch(page, -1) {
		buttons[b[1]] = append(buttons[b[1]], html.UnescapeString(b[2]))
	}
	return address, page, buttons
}

// browse asks for a page as a browser does; redirects are not followed.
func (w *world) browse(method, address string, form url.Values) (status int, body string) {
	w.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location") + string(b)
}

// proposes has somebody propose a time by mail, and returns the decisions to which the mail to anna leads.
func (w *world) proposes(who, comment string, better itip.Part) (address, page string, buttons map[string][]string) {
	w.Helper()
	w.mailed(who, 0, comment, better)
	w.later(time.Minute)
	w.idle()
	return w.decisions(w.wantMail(anna, "NOTE"))
}

// TestRowsProposed plays organisers who decide about times that attendees propose.
func TestRowsProposed(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	at := func(hours int, partStat string) itip.Part {
		start := tomorrow().Add(time.Duration(hours) * time.Hour)
		return itip.Part{PartStat: partStat, Start: start, End: start.Add(time.Hour)}
	}
	rows.play("the time is kept, and who proposed another is told once", func(w *world) {
		before := w.anna.save(aPath, event("a", invitation("LOCATION:Webinar")...))
		page, shown, buttons := w.proposes(vera, "Better <then>.", at(26, "TENTATIVE"))
		w.contains(shown, "Better &lt;then&gt;.", "Vera")
		same(w, "buttons", len(buttons["kept"])+len(buttons["taken"]), 2)
		w.browse(http.MethodGet, page+"?kept="+url.QueryEscape(buttons["kept"][0]), nil)
		w.later(time.Minute)
		w.idle()
		w.wantMail(vera, "REQUEST")
		status, told := w.browse(http.MethodPost, page, url.Values{"kept": buttons["kept"]})
		same(w, "status", status, http.StatusSeeOther)
		w.contains(told, "?done=kept")
		_, told = w.browse(http.MethodPost, page, url.Values{"kept": buttons["kept"]})
		w.contains(told, "?done=stale")
		w.idle()
		mail := w.wantMail(vera, "REQUEST", "DECLINECOUNTER")
		w.contains(joined(logical(mail.calendar)), "METHOD:DECLINECOUNTER", "UID:a", vera)
		w.lacks(joined(logical(mail.calendar)), boris, "X-JOINERY")
		w.contains(mail.text, at(26, "").Start.In(yearsZone("Europe/Moscow")).Format("15:04"))
		_, _, buttons = w.decisions(w.wantMail(anna, "NOTE"))
		same(w, "buttons", len(buttons), 0)
		got := w.anna.get(aPath).body
		w.contains(got, "DTSTART:"+tomorrow().Format(utcStamp))
		w.contains(before, "DTSTART:"+tomorrow().Format(utcStamp))
		w.wantSaid(got, vera, "TENTATIVE")
		// Another proposal is to be decided anew.
		w.mailed(vera, 0, "Then this?", at(30, "TENTATIVE"))
		w.later(10 * time.Minute)
		w.idle()
		_, _, buttons = w.decisions(w.wantMail(anna, "NOTE", "NOTE"))
		same(w, "buttons", len(buttons), 2)
	})
	rows.play("a proposal is taken up", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		w.mailed(vera, 0, "", at(26, "TENTATIVE"))
		page, _, buttons := w.proposes(boris, "", at(30, "TENTATIVE"))
		same(w, "buttons", len(buttons["taken"]), 2)
		_, told := w.browse(http.MethodPost, page, url.Values{"taken": buttons["taken"][:1]})
		w.contains(told, "?done=taken")
		_, told = w.browse(http.MethodPost, page, url.Values{"taken": buttons["taken"][:1]})
		w.contains(told, "?done=stale")
		// The other one was shown with the time of before.
		_, told = w.browse(http.MethodPost, page, url.Values{"taken": buttons["taken"][1:]})
		w.contains(told, "?done=stale")
		w.later(time.Minute)
		w.idle()
		got := w.anna.get(aPath).body
		w.contains(got, at(26, "").Start.Format(utcStamp), "SEQUENCE:1", c.Link)
		w.wantSaid(got, vera, "NEEDS-ACTION")
		w.wantMail(vera, "REQUEST", "REQUEST")
		w.contains(w.boris.get(borisCopy).body, at(26, "").Start.Format(utcStamp))
		_, _, buttons = w.decisions(w.wantMail(anna, "NOTE"))
		same(w, "buttons of the other", len(buttons["taken"]), 1)
	})
	rows.play("a proposal for one occurrence of a series is taken up", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation()...))
		start := nth(2).Add(3 * time.Hour)
		page, _, buttons := w.proposes(vera, "", itip.Part{Occurrence: nth(2), PartStat: "TENTATIVE", Start: start, End: start.Add(time.Hour)})
		w.browse(http.MethodPost, page, url.Values{"taken": buttons["taken"]})
		w.idle()
		got := part(w.anna.get(aPath).body, 2)
		w.contains(got, inMoscow("DTSTART", start), inMoscow("DTEND", start.Add(time.Hour)))
	})
	rows.play("a proposal for all of a series is declined on the page, or taken up in the calendar", func(w *world) {
		w.anna.save(aPath, seriesOf("a", invitation()...))
		page, shown, buttons := w.proposes(vera, "", at(26, "TENTATIVE"))
		w.contains(shown, "измените серию")
		same(w, "buttons to take it", len(buttons["taken"]), 0)
		_, told := w.browse(http.MethodPost, page, url.Values{"taken": buttons["kept"]})
		w.contains(told, "?done=stale")
		w.contains(w.anna.get(aPath).body, "RRULE:", inMoscow("DTSTART", nth(0)))
		_, told = w.browse(http.MethodPost, page, url.Values{"kept": buttons["kept"]})
		w.contains(told, "?done=kept")
		w.idle()
		w.wantMail(vera, "REQUEST", "DECLINECOUNTER")
	})
	rows.play("a local attendee finds the refusal in the inbox", func(w *world) {
		w.anna.save(aPath, event("a", invitation()...))
		page, _, buttons := w.proposes(boris, "", at(26, "TENTATIVE"))
		w.browse(http.MethodPost, page, url.Values{"kept": buttons["kept"]})
		w.contains(strings.Join(w.inbox(boris), ""), "METHOD:DECLINECOUNTER")
	})
	rows.play("no page for others", func(w *world) {
		w.anna.save(aPath, event("a", invitation()...))
		page, _, buttons := w.proposes(vera, "", at(26, "TENTATIVE"))
		answers := strings.Replace(page, "/p/", "/r/", 1)
		if status, _ := w.browse(http.MethodGet, answers, nil); status != http.StatusNotFound {
			w.Errorf("the organiser's token opens an answer page: %d", status)
		}
		guest := strings.Replace(w.answers("a", vera), "/r/", "/p/", 1)
		for _, address := range []string{guest, w.url + "/p/", w.url + "/p/aaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
			if status, _ := w.browse(http.MethodPost, address, url.Values{"kept": buttons["kept"]}); status != http.StatusNotFound {
				w.Errorf("%s: status %d", address, status)
			}
		}
		// What was cancelled cannot be moved.
		w.anna.gone(aPath)
		w.later(time.Minute)
		w.idle()
		_, told := w.browse(http.MethodPost, page, url.Values{"taken": buttons["taken"]})
		w.contains(told, "?done=stale")
		w.anna.do("GET", aPath, "").want(404)
	})
}
