package main

import (
	"flag"
	"fmt"
	"net/http"
	"testing"
	"time"

	"joinery/conference/emulator"
)

var rowsSlow = flag.Bool("rows.slow", false, "play the rows in which a provider is slower than a call's deadline")

// delayed has the account's next reservation wait.
func (w *world) delayed(seconds float64) {
	w.Helper()
	w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDelay, Seconds: seconds, Times: 1})
}

// impatient has saves answered before a link can be there.
func impatient(c *config) { c.CalDAV.WaitForLink = duration(time.Millisecond) }

// early saves anna's invitation and returns its entity tag and text of before the link, which is
// there afterwards.
func (w *world) early(lines ...string) (tag, text string) {
	w.Helper()
	w.delayed(0.3)
	w.anna.put(aPath, event("a", invitation(lines...)...))
	before := w.anna.get(aPath)
	w.wantNoTrace(before.body)
	w.idle()
	w.wantMail(boris, "REQUEST")
	return before.etag(), before.body
}

// TestRowsTwoDevices plays sequences of two clients of one user.
func TestRowsTwoDevices(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for name, headers := range map[string]func(w *world, before string) []string{
		"without If-Match":                    func(*world, string) []string { return nil },
		"with the ETag of before the link":    func(_ *world, before string) []string { return []string{"If-Match: " + before} },
		"with the new ETag, but the old text": func(w *world, _ string) []string { return []string{"If-Match: " + w.anna.get(aPath).etag()} },
		"with If-Match: *":                    func(*world, string) []string { return []string{"If-Match: *"} },
		"with the Schedule-Tag of before the link": func(w *world, _ string) []string {
			return []string{"If-Schedule-Tag-Match: " + w.anna.get(aPath).header.Get("Schedule-Tag")}
		},
	} {
		for how, lines := range map[string][]string{"word": {"LOCATION:Webinar"}, "category": {"CATEGORIES:Webinar", "LOCATION:Room 5"}} {
			rows.play("the old text "+name+", asked by "+how, func(w *world) {
				tag, text := w.early(lines...)
				c := w.only()
				r := w.phone.put(aPath, with(text, "SUMMARY:From the phone"), headers(w, tag)...)
				same(w, "ETag of a changed body", r.etag(), "")
				w.idle()
				got := w.phone.get(aPath).body
				w.wantBlock(got, c.Link)
				same(w, "SUMMARY", value(got, "SUMMARY"), "From the phone")
				same(w, "name", w.wantKept(got, c).Name, "From the phone")
				same(w, "conferences ever made", w.mts.State().Calls["POST /events"], 1)
				w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST"), c.Link)
			}, impatient)
		}
		rows.play("the word taken out of the old text, "+name, func(w *world) {
			tag, text := w.early("LOCATION:Webinar")
			got := w.phone.save(aPath, without(text, "LOCATION"), headers(w, tag)...)
			w.wantRemoved(got)
		}, impatient)
		rows.play("a link of before a rotation, "+name, func(w *world) {
			tag, _ := w.early("LOCATION:Webinar")
			text := w.anna.get(aPath).body
			w.anna.save(aPath, with(text, "LOCATION:Webinar"))
			c := w.only()
			if name == "with the ETag of before the link" {
				// That is another organiser's edit by now.
				w.phone.do("PUT", aPath, text, "If-Match: "+tag).want(http.StatusPreconditionFailed)
				return
			}
			got := w.phone.save(aPath, with(text, "SUMMARY:From the phone"), headers(w, tag)...)
			w.wantLink(got, c.Link)
			w.wantKept(got, c)
			same(w, "SUMMARY", value(got, "SUMMARY"), "From the phone")
			same(w, "conferences ever made", w.mts.State().Calls["POST /events"], 2)
		}, impatient)
	}
	rows.play("DELETE with the ETag of before the link", func(w *world) {
		tag, _ := w.early("LOCATION:Webinar")
		w.phone.gone(aPath, "If-Match: "+tag)
		w.none()
		w.wantMail(boris, "REQUEST", "CANCEL")
	}, impatient)
	rows.play("the ETag of before somebody's edit", func(w *world) {
		tag, text := w.early("LOCATION:Webinar")
		w.anna.save(aPath, with(w.anna.get(aPath).body, "SUMMARY:Changed"))
		w.phone.do("PUT", aPath, text, "If-Match: "+tag).want(http.StatusPreconditionFailed)
		w.phone.do("DELETE", aPath, "", "If-Match: "+tag).want(http.StatusPreconditionFailed)
		w.phone.do("MOVE", aPath, "", "If-Match: "+tag, "Destination: "+workPath).want(http.StatusPreconditionFailed)
		same(w, "SUMMARY", value(w.anna.get(aPath).body, "SUMMARY"), "Changed")
		w.only()
	}, impatient)
	rows.play("strict_if_match", func(w *world) {
		tag, text := w.early("LOCATION:Webinar")
		w.phone.do("PUT", aPath, text, "If-Match: "+tag).want(http.StatusPreconditionFailed)
	}, impatient, func(c *config) { c.CalDAV.StrictIfMatch = true })
	rows.play("an edit while the link is being made", func(w *world) {
		w.delayed(0.7)
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		r := w.anna.get(aPath)
		w.phone.put(aPath, moved(with(r.body, "SUMMARY:Changed meanwhile"), time.Hour), "If-Match: "+r.etag())
		w.idle()
		got := w.anna.get(aPath).body
		c := w.only()
		w.wantLink(got, c.Link)
		same(w, "SUMMARY", value(got, "SUMMARY"), "Changed meanwhile")
		same(w, "name", c.Name, "Changed meanwhile")
		same(w, "start", c.Start.UTC(), tomorrow().Add(time.Hour))
		w.contains(w.wantMail(boris, "REQUEST").calendar, "Changed meanwhile")
	}, impatient)
	rows.play("the word taken out while the link is being made", func(w *world) {
		w.delayed(0.7)
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		got := w.anna.save(aPath, event("a", invitation()...))
		w.wantNoTrace(got)
		w.none()
		w.lacks(w.wantMail(boris, "REQUEST").calendar, "my.mts-link.ru")
	}, impatient)
	rows.play("another account's word while the link is being made", func(w *world) {
		w.delayed(0.7)
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		got := w.anna.save(aPath, event("a", invitation("LOCATION:Beta")...))
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		w.wantLink(got, w.only().Link)
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), w.only().Link)
	}, impatient)
	rows.play("the same change from both devices", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.anna.put(aPath, with(text, "LOCATION:Webinar"))
		w.phone.put(aPath, with(text, "LOCATION:Webinar"))
		w.idle()
		w.wantLink(w.anna.get(aPath).body, w.only().Link)
		if w.only().ID == c.ID {
			w.Error("nothing was rotated")
		}
	})
	rows.play("removed on one device, the old link with the new ETag from the other", func(w *world) {
		for i, line := range []string{"CATEGORIES:Webinar", "X-JOINERY-CONFERENCE;TYPE=WEBINAR:mtslink"} {
			path, uid := fmt.Sprintf("%s%d.ics", annaCalendar, i), fmt.Sprint("u", i)
			text := w.anna.save(path, event(uid, line))
			w.wantLink(text, w.only().Link)
			w.anna.save(path, without(text, lineName(line)))
			w.none()
			got := w.phone.save(path, with(text, "SUMMARY:From the phone"), "If-Match: "+w.anna.get(path).etag())
			w.wantNoTrace(got)
			w.none()
			same(w, "SUMMARY", value(got, "SUMMARY"), "From the phone")
			w.anna.gone(path)
		}
	})
	rows.play("removed on one device, edited on the other", func(w *world) {
		text, _ := w.booked("CATEGORIES:Webinar")
		w.anna.save(aPath, without(text, "LOCATION"))
		got := w.phone.save(aPath, with(text, "SUMMARY:From the phone"))
		w.wantNoTrace(got)
		w.none()
	})
}

// TestRowsSlow plays providers that answer late, or never.
func TestRowsSlow(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	// quick saves and checks that the save is not kept waiting.
	quick := func(w *world, at time.Duration) string {
		w.Helper()
		begun := time.Now()
		w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		if d := time.Since(begun); d > at {
			w.Errorf("the save took %v", d)
		}
		return w.anna.get(aPath).body
	}
	rows.play("after 2 s: within the same save", func(w *world) {
		w.delayed(2)
		got := quick(w, promptly)
		w.wantLink(got, w.only().Link)
		w.idle()
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), w.only().Link)
	}, func(c *config) { c.CalDAV.WaitForLink = duration(10 * time.Second) })
	rows.play("after 15 s, when nobody waits any more", func(w *world) {
		w.delayed(15)
		w.wantNoTrace(quick(w, 14*time.Second))
		w.wantNoMail() // invitations wait for the link
		w.idle()
		w.wantLink(w.anna.get(aPath).body, w.only().Link)
		w.wantLinkMail(w.wantMail(boris, "REQUEST"), w.only().Link)
	}, func(c *config) { c.CalDAV.WaitForLink = duration(500 * time.Millisecond) })
	rows.play("a second save of one user does not wait", func(w *world) {
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDelay, Seconds: 4, Times: 2})
		first := make(chan error, 1)
		go func() {
			_, err := w.anna.try("PUT", aPath, event("a", "LOCATION:Webinar"))
			first <- err
		}()
		w.eventually(func() error {
			if w.mts.State().Calls["POST /events"] == 0 {
				return fmt.Errorf("the first save has not begun")
			}
			return nil
		})
		w.anna.put(annaCalendar+"b.ics", event("b", "LOCATION:Webinar"))
		w.wantNoTrace(w.anna.get(annaCalendar + "b.ics").body)
		select {
		case err := <-first:
			w.Errorf("the first save was answered (%v) before its link was there", err)
		default:
		}
		if err := <-first; err != nil {
			w.Error(err)
		}
		answered := w.anna.get(aPath).body
		w.idle() // the other reservation may be between its two steps
		w.wantLink(answered, w.named("Rows of a").Link)
		w.wantLink(w.anna.get(annaCalendar+"b.ics").body, w.named("Rows of b").Link)
	})
	rows.play("after the mail's patience: the link follows", func(w *world) {
		w.delayed(15)
		quick(w, 14*time.Second)
		w.eventually(func() error {
			if len(w.letters(vera)) == 0 {
				return fmt.Errorf("no mail")
			}
			return nil
		})
		l := w.wantMail(vera, "REQUEST")
		w.contains(l.text, "Ссылка на конференцию придёт отдельным письмом")
		w.idle()
		w.wantLinkMail(w.wantMail(vera, "REQUEST", "REQUEST"), w.only().Link)
	}, impatient, func(c *config) { c.Mail.WaitForLink = duration(500 * time.Millisecond) })
	for _, call := range []string{"POST /events", "POST /events/{id}/sessions"} {
		for _, kind := range []string{emulator.FaultDrop, emulator.FaultBadJSON, emulator.Fault500After, emulator.Fault500} {
			rows.play("an answer that is lost: "+call+" "+kind, func(w *world) {
				w.fault(w.mts, emulator.Fault{Call: call, Kind: kind, Times: 1})
				quick(w, promptly)
				w.idle()
				w.wantLink(w.anna.get(aPath).body, w.only().Link)
				w.wantLinkMail(w.wantMail(boris, "REQUEST"), w.only().Link)
			})
		}
	}
	rows.play("429 with Retry-After", func(w *world) {
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.Fault429, Seconds: 1, Times: 2})
		quick(w, promptly)
		w.idle()
		w.wantLink(w.anna.get(aPath).body, w.only().Link)
	})
	rows.play("never: neither the save nor the others wait", func(w *world) {
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDelay, Seconds: 3600})
		w.wantNoTrace(quick(w, promptly))
		// Another account, and mail without conference, go on.
		w.anna.put(annaCalendar+"b.ics", event("b", "LOCATION:Beta"))
		w.anna.put(annaCalendar+"c.ics", event("c", "ORGANIZER:mailto:"+anna, "ATTENDEE:mailto:clara@partner.example"))
		w.eventually(func() error {
			if len(w.beta.State().Conferences) != 1 || len(w.letters("clara@partner.example")) != 1 {
				return fmt.Errorf("the others wait")
			}
			return nil
		})
		// The invitation waits no longer than mail.wait_for_link.
		w.eventually(func() error {
			if len(w.letters(vera)) != 1 {
				return fmt.Errorf("the invitation waits")
			}
			return nil
		})
		w.contains(w.letter(vera, 0).text, "Ссылка на конференцию придёт отдельным письмом")
		w.contains(value(w.letter(vera, 0).calendar, "SUMMARY"), "Rows of a")
	}, func(c *config) {
		c.CalDAV.WaitForLink, c.Mail.WaitForLink = duration(300*time.Millisecond), duration(time.Second)
	})
	if !*rowsSlow {
		return
	}
	for name, seconds := range map[string]float64{"after 30 s": 30, "never, until it is mended": 3600} {
		rows.play(name, func(w *world) {
			w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDelay, Seconds: seconds, Times: 1})
			quick(w, 5*time.Second)
			time.Sleep(22 * time.Second) // a call's deadline
			w.mts.Clear()
			w.eventuallyIn(90*time.Second, func() error {
				if value(w.anna.get(aPath).body, "X-JOINERY-STATE") != "ready" {
					return fmt.Errorf("there is no link")
				}
				return nil
			})
			time.Sleep(10 * time.Second) // what was asked first may come late
			w.idle()
			w.wantLink(w.anna.get(aPath).body, w.only().Link)
			w.wantLinkMail(w.wantMail(boris, "REQUEST"), w.only().Link)
		})
	}
}
