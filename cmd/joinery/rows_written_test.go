package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// richEvent is what clients write besides: unknown properties and parameters, folded in their own
// way, an alarm, a zone, in an order of its own.
func richEvent(breaks string) string {
	start := tomorrow()
	lines := []string{
		"BEGIN:VCALENDAR", "X-WR-CALNAME:Работа", "VERSION:2.0", "PRODID:-//Example//Rows//EN", "CALSCALE:GREGORIAN",
		"BEGIN:VTIMEZONE", "TZID:Somewhere", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0300", "TZOFFSETTO:+0300", "END:STANDARD", "END:VTIMEZONE",
		"BEGIN:VEVENT",
		"X-FIRST;X-P=\"a;b:c\";X-Q=1,2:one\\,two",
		"dtstamp:20260101T000000Z",
		"Uid:a",
		"LOCATION;LANGUAGE=en;X-P=\"q:r\":Room 5\\; Webinar",
		"DESCRIPTION;LANGUAGE=en:Agenda:\\n1. A line that is folded where no octets",
		"  ought to be\\, and not where ours would be\\;",
		" \\n2. End",
		"DTEND;TZID=Somewhere:" + start.Add(4*time.Hour).Format("20060102T150405"),
		"DTSTART;TZID=Somewhere:" + start.Add(3*time.Hour).Format("20060102T150405"),
		"SUMMARY:Ж",
		"\tх с табуляцией",
		"X-MOZ-LASTACK:20260101T000000Z",
		"CATEGORIES:Büro,Other\\, one",
		"ATTACH;FMTTYPE=application/pdf;X-FILENAME=\"a,b.pdf\":https://files.example.org/a.pdf",
		"BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Webinar", "TRIGGER:-PT15M", "X-WR-ALARMUID:1", "END:VALARM",
		"X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE=Room:geo:55.7,37.6",
		"COMMENT:", "COMMENT:twice", "COMMENT:twice",
		"END:VEVENT", "END:VCALENDAR",
	}
	return strings.Join(lines, breaks) + breaks
}

// TestRowsWritten plays what is written back, and what is not (docs/conferences.md).
func TestRowsWritten(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	for name, breaks := range map[string]string{"CRLF": "\r\n", "LF": "\n"} {
		rows.play("everything else survives to the byte, "+name, func(w *world) {
			sent := richEvent(breaks)
			got := w.anna.save(aPath, sent)
			c := w.only()
			w.wantLink(got, c.Link)
			w.wantUntouched(sent, got)
			w.contains(got, "LOCATION;LANGUAGE=en;X-P=\"q:r\":Room 5\\;")
			w.contains(joined(logical(got)), `DESCRIPTION;LANGUAGE=en:Agenda:\n1. A line that is folded where no octets ought to be\, and not where ours would be\;\n2. End\n`)
			same(w, "line ends", strings.Count(got, breaks), strings.Count(got, "\n"))
			same(w, "zone", c.Start.UTC(), tomorrow())
			for i, l := range strings.Split(got, breaks) {
				if strings.HasPrefix(l, "X-JOINERY") || strings.HasPrefix(l, "CONFERENCE") || strings.HasPrefix(l, "URL") {
					if len(l) > 75 {
						w.Errorf("line %d has %d octets", i, len(l))
					}
				}
			}
			// Saving what was read changes nothing, and the removal leaves what was there.
			r := w.anna.put(aPath, got)
			if r.etag() == "" {
				w.Error("no ETag although the body stands as it was sent")
			}
			w.idle()
			same(w, "the event", w.anna.get(aPath).body, got)
			removed := w.anna.save(aPath, w.swap(got, `\; `+c.Link, ""))
			w.wantNoTrace(removed)
			same(w, "DESCRIPTION", value(removed, "DESCRIPTION"), value(sent, "DESCRIPTION"))
			same(w, "LOCATION", value(removed, "LOCATION"), "Room 5")
			same(w, "URL", len(all(removed, "URL")), 0)
		})
	}
	rows.play("the block never grows", func(w *world) {
		text, c := w.booked("LOCATION:Webinar", "DESCRIPTION:Agenda")
		for i := range 4 {
			// A client that wraps long lines, and writes one blank more with each save.
			wrapped := strings.ReplaceAll(value(text, "DESCRIPTION"), "/j/", "/j/\n") + strings.Repeat(" ", i)
			text = w.anna.save(aPath, with(text, "DESCRIPTION:"+escaped(wrapped)))
			w.wantBlock(text, c.Link)
			w.wantKept(text, c)
			if d := value(text, "DESCRIPTION"); !strings.HasPrefix(d, "Agenda\n") || len(d) > 200 {
				w.Errorf("DESCRIPTION is %q", d)
			}
		}
		// Text behind the block stays behind it.
		text = w.anna.save(aPath, with(text, "DESCRIPTION:"+escaped(value(text, "DESCRIPTION")+"\nBring coffee")))
		w.wantBlock(text, c.Link)
		w.contains(value(text, "DESCRIPTION"), "Agenda", "Bring coffee")
		text = w.anna.save(aPath, without(text, "LOCATION"))
		w.wantNoTrace(text)
		w.contains(value(text, "DESCRIPTION"), "Agenda", "Bring coffee")
	})
	rows.play("the organiser's URL stays", func(w *world) {
		const page = "https://intranet.example.org/meeting"
		text, c := w.booked("LOCATION:Webinar", "URL:"+page)
		same(w, "URL", value(text, "URL"), page)
		same(w, "LOCATION", value(text, "LOCATION"), c.Link)
		w.wantBlock(text, c.Link)
		text = w.anna.save(aPath, without(text, "LOCATION"))
		w.wantRemoved(text)
		same(w, "URL", value(text, "URL"), page)
	})
	rows.play("HTML in ALTREP and X-ALT-DESC", func(w *world) {
		const html = `<html><body><p>Agenda: <b>money</b></p></body></html>`
		altrep := `DESCRIPTION;ALTREP="data:text/html,%3Cp%3EAgenda%3A%20%3Cb%3Emoney%3C%2Fb%3E%3C%2Fp%3E":Agenda: money`
		text, c := w.booked("LOCATION:Webinar", altrep, "X-ALT-DESC;FMTTYPE=text/html:"+html)
		w.wantBlock(text, c.Link)
		x := value(text, "X-ALT-DESC")
		same(w, "links in X-ALT-DESC", strings.Count(x, `<a href="`+c.Link+`">`), 1)
		w.contains(x, "<p>Agenda: <b>money</b></p>", openFence)
		plain := first(text, "DESCRIPTION")
		w.contains(plain, `ALTREP="data:text/html,%3Cp%3EAgenda%3A%20%3Cb%3Emoney%3C%2Fb%3E%3C%2Fp%3E`, "%3Ca%20href%3D%22https%3A%2F%2Fmy.mts-link.ru")
		// Saved again, nothing grows; rotated, the link is the new one; removed, it is as it was.
		same(w, "the event", w.anna.save(aPath, text), text)
		text = w.anna.save(aPath, with(text, "LOCATION:Webinar"))
		now := w.only()
		w.lacks(joined(logical(text)), c.Link, strings.TrimPrefix(c.Link, "https://my.mts-link.ru/j/70002/"))
		same(w, "links in X-ALT-DESC", strings.Count(value(text, "X-ALT-DESC"), `<a href="`+now.Link+`">`), 1)
		text = w.anna.save(aPath, without(text, "LOCATION"))
		w.wantNoTrace(text)
		same(w, "X-ALT-DESC", value(text, "X-ALT-DESC"), html)
		same(w, "DESCRIPTION", first(text, "DESCRIPTION"), altrep)
	})
	rows.play("HTML in base64", func(w *world) {
		html := base64.StdEncoding.EncodeToString([]byte("<p>Повестка</p>"))
		altrep := `DESCRIPTION;ALTREP="data:text/html;charset=utf-8;base64,` + html + `":Повестка`
		text, c := w.booked("LOCATION:Webinar", altrep)
		_, data, _ := strings.Cut(first(text, "DESCRIPTION"), "base64,")
		data, _, _ = strings.Cut(data, `"`)
		plain, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			w.Fatal(err)
		}
		w.contains(string(plain), "<p>Повестка</p>", `<a href="`+c.Link+`">`)
		text = w.anna.save(aPath, without(text, "LOCATION"))
		same(w, "DESCRIPTION", first(text, "DESCRIPTION"), altrep)
	})
	rows.play("the block is deleted from text and HTML", func(w *world) {
		text, c := w.booked("LOCATION:Webinar", "DESCRIPTION:Agenda", "X-ALT-DESC;FMTTYPE=text/html:<p>Agenda</p>")
		text = w.anna.save(aPath, with(with(text, "DESCRIPTION:Agenda"), "X-ALT-DESC;FMTTYPE=text/html:<p>Agenda</p>"))
		same(w, "DESCRIPTION", value(text, "DESCRIPTION"), "Agenda")
		same(w, "X-ALT-DESC", value(text, "X-ALT-DESC"), "<p>Agenda</p>")
		w.wantKept(text, c)
	})
	rows.play("titles and lengths that the provider does not take", func(w *world) {
		long := strings.Repeat("Длинное название 👩‍👩‍👧 ", 40)
		for _, c := range []struct{ uid, line, name string }{
			{"long", "SUMMARY:" + long, ""}, {"empty", "SUMMARY:", "Встреча"}, {"private", "CLASS:PRIVATE", "Личное событие"},
		} {
			text := w.anna.save(annaCalendar+c.uid+".ics", event(c.uid, "LOCATION:Webinar", c.line))
			w.contains(joined(logical(text)), strings.TrimSpace(c.line))
			for _, conf := range w.conferences() {
				if conf.Link != value(text, "URL") {
					continue
				}
				if c.name != "" {
					same(w, "name of "+c.uid, conf.Name, c.name)
				} else if !strings.HasPrefix(long, conf.Name) || len(conf.Name) < 100 {
					w.Errorf("name of %s: %q", c.uid, conf.Name)
				}
			}
		}
		same(w, "conferences", len(w.conferences()), 3)
		text := w.anna.save(annaCalendar+"hours.ics", event("hours", "LOCATION:Beta", "DTEND:"+tomorrow().Add(9*time.Hour).Format(utcStamp)))
		w.contains(text, "DTEND:"+tomorrow().Add(9*time.Hour).Format(utcStamp))
		w.contains(fmt.Sprint(w.named("Rows of hours").Duration), "2H")
	}, func(c *config) { c.Providers[1].MaxDuration = duration(2 * time.Hour) })
	rows.play("the agenda stays here", func(w *world) {
		w.booked("LOCATION:Webinar", "DESCRIPTION:Secret agenda")
		w.lacks(w.only().Description, "Secret")
	})
	rows.play("the agenda is sent where that is set", func(w *world) {
		w.booked("LOCATION:Webinar", "DESCRIPTION:Public agenda")
		w.contains(w.only().Description, "Public agenda")
		w.lacks(w.only().Description, openFence)
	}, func(c *config) { c.Policy.SendAgenda = true })
	rows.play("a series carries the join page's link, and its master and overrides survive to the byte", func(w *world) {
		sent := withOverride(seriesOf("a", invitation("LOCATION:Webinar", "X-MOZ-GENERATION:1", "EXDATE;TZID=Europe/Moscow:20200101T000000")...),
			2, "SUMMARY:Moved", "X-OWN;X-P=\"a;b\":1", "LOCATION:Room 5")
		got := w.anna.save(aPath, sent)
		link := value(got, "URL")
		w.wantLink(part(got, whole), link)
		same(w, "LOCATION", value(got, "LOCATION"), link)
		w.wantBlock(part(got, 2), link)
		same(w, "LOCATION of the override", value(part(got, 2), "LOCATION"), "Room 5")
		w.wantSame(bytesBut(sent, ours...), bytesBut(got, ours...))
		w.wantMail(boris, "REQUEST")
		// Saving what was read changes nothing, and the removal leaves what was there.
		w.anna.put(aPath, got)
		w.idle()
		same(w, "the event", w.anna.get(aPath).body, got)
		removed := w.anna.save(aPath, w.bared(got, whole, "LOCATION"))
		w.wantBare(removed)
		same(w, "LOCATION of the override", value(part(removed, 2), "LOCATION"), "Room 5")
	})
}

func escaped(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, ",", `\,`, ";", `\;`).Replace(text)
}

// TestRowsTags plays the tags of a save (RFC 4791 §5.3.4, RFC 6638 §3.2.10).
func TestRowsTags(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("ETag", func(w *world) {
		// Changed within the save: none.
		same(w, "ETag of a changed body", w.anna.put(aPath, event("a", "LOCATION:Webinar")).etag(), "")
		// Not changed: that of the stored bytes.
		for _, body := range []string{event("b"), event("b", "SUMMARY:Two")} {
			r := w.anna.put(annaCalendar+"b.ics", body)
			same(w, "ETag", r.etag(), w.anna.get(annaCalendar+"b.ics").etag())
		}
	})
	rows.play("ETag of what is changed later", func(w *world) {
		w.delayed(0.4)
		r := w.anna.put(aPath, event("a", "LOCATION:Webinar"))
		if r.etag() == "" {
			w.Error("no ETag although the body stands as it was sent")
		}
		w.idle()
		if tag := w.anna.get(aPath).etag(); tag == r.etag() {
			w.Error("the ETag is the same although a link was written")
		}
	}, impatient)
	rows.play("Schedule-Tag", func(w *world) {
		w.delayed(0.3)
		r := w.anna.put(aPath, event("a", invitation("LOCATION:Webinar")...))
		tag := r.header.Get("Schedule-Tag")
		if tag == "" {
			w.Fatal("no Schedule-Tag")
		}
		before := w.anna.get(aPath)
		w.idle()
		got := w.anna.get(aPath)
		if got.etag() == before.etag() {
			w.Error("the ETag is the same although a link was written")
		}
		same(w, "Schedule-Tag after our write-back", got.header.Get("Schedule-Tag"), tag)
		// The old text under the same tag: accepted, and the link is put back.
		text := w.phone.save(aPath, with(before.body, "SUMMARY:From the phone"), "If-Schedule-Tag-Match: "+tag)
		w.wantLink(text, w.only().Link)
		same(w, "SUMMARY", value(text, "SUMMARY"), "From the phone")
		// That was a change: the old tag is stale.
		w.phone.do("PUT", aPath, before.body, "If-Schedule-Tag-Match: "+tag).want(http.StatusPreconditionFailed)
		w.phone.do("DELETE", aPath, "", "If-Schedule-Tag-Match: "+tag).want(http.StatusPreconditionFailed)
		w.only()
	}, impatient)
	rows.play("sync tells of the link", func(w *world) {
		w.delayed(0.3)
		w.anna.put(aPath, event("a", "LOCATION:Webinar"))
		const report = `<sync-collection xmlns="DAV:"><sync-token>%s</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`
		r := w.phone.do("REPORT", annaCalendar, fmt.Sprintf(report, ""), "Content-Type: application/xml").want(http.StatusMultiStatus)
		_, token, _ := strings.Cut(r.body, "sync-token>")
		token, _, _ = strings.Cut(token, "<")
		w.idle()
		r = w.phone.do("REPORT", annaCalendar, fmt.Sprintf(report, token), "Content-Type: application/xml").want(http.StatusMultiStatus)
		w.contains(r.body, aPath, strings.Trim(w.anna.get(aPath).etag(), `"`))
	}, impatient)
}
