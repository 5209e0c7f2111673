package main

import (
	"testing"
	"time"

	"joinery/conference/emulator"
)

// wantKept checks that the conference is the one it was, and that the event says so.
func (w *world) wantKept(text string, c emulator.Conference) emulator.Conference {
	w.Helper()
	now := w.only()
	same(w, "conference", now.ID, c.ID)
	same(w, "link", now.Link, c.Link)
	w.contains(joined(logical(text)), c.Link)
	return now
}

// wantRemoved checks that neither the event nor the accounts have a conference any more, and that
// those who were invited were told once.
func (w *world) wantRemoved(text string) {
	w.Helper()
	w.wantNoTrace(text)
	w.none()
	l := w.wantMail(boris, "REQUEST", "REQUEST")
	w.lacks(l.text+joined(logical(l.calendar)), "https://my.mts-link.ru/")
	w.wantMail(anna)
}

// wantReplaced checks that there is a new conference with a new link in place of c, which was
// deleted after the new one was there, and that everybody got the new link.
func (w *world) wantReplaced(text string, c emulator.Conference, account *emulator.MTSLink) emulator.Conference {
	w.Helper()
	now := w.only()
	if now.ID == c.ID || now.Link == c.Link {
		w.Errorf("the conference is the one it was: %+v", now)
	}
	w.lacks(joined(logical(text)), c.Link)
	w.wantBlock(text, now.Link)
	old := account.State().Deleted
	if len(old) != 1 || old[0].ID != c.ID {
		w.Fatalf("deleted were %+v, want %s", old, c.ID)
	}
	if old[0].DeletedAt.Before(now.Created) {
		w.Error("the old conference was deleted before there was a new one")
	}
	w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST"), now.Link)
	w.lacks(w.letter(boris, 1).calendar, c.Link)
	return now
}

// TestRowsSave plays what an organiser's later saves mean (docs/conferences.md): keep and remove.
func TestRowsSave(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	notSeen := map[string][]string{
		"the word":     {"LOCATION:Webinar"},
		"the category": {"CATEGORIES:Webinar"},
		"the resource": {"ATTENDEE;CUTYPE=RESOURCE:mailto:webinar@conference.example.org"},
		"the property": {"X-JOINERY-CONFERENCE;TYPE=WEBINAR:mtslink"},
		"a room too":   {`LOCATION:Room 5\; Webinar`},
	}
	for name, lines := range notSeen {
		rows.play("not seen: "+name+" still asks", func(w *world) {
			_, c := w.booked(lines...)
			got := w.phone.save(aPath, with(event("a", invitation(lines...)...), "SUMMARY:Changed elsewhere"))
			w.wantLink(got, c.Link)
			same(w, "SUMMARY", value(got, "SUMMARY"), "Changed elsewhere")
			same(w, "name at the account", w.wantKept(got, c).Name, "Changed elsewhere")
			w.wantLinkMail(w.wantMail(boris, "REQUEST", "REQUEST"), c.Link)
		})
		rows.play("withdrawn without a trace: "+name, func(w *world) {
			w.booked(lines...)
			got := w.phone.save(aPath, event("a", invitation()...))
			w.wantRemoved(got)
		})
	}
	rows.play("nothing changed", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		r := w.anna.put(aPath, text)
		if r.etag() == "" {
			w.Error("no ETag although the body stands as it was sent")
		}
		w.idle()
		same(w, "the event", w.anna.get(aPath).body, text)
		w.wantKept(text, c)
		w.wantMail(boris, "REQUEST")
		same(w, "updates at the account", w.mts.State().Calls["PUT /organization/events/{id}"]+w.mts.State().Calls["PUT /eventsessions/{id}"], 0)
	})
	rows.play("the link is in LOCATION: keep", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, with(text, `LOCATION:Room 7\; `+c.Link))
		w.wantLink(got, c.Link)
		same(w, "LOCATION", value(got, "LOCATION"), "Room 7; "+c.Link)
		w.wantKept(got, c)
	})
	rows.play("LOCATION is gone", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		w.wantRemoved(w.anna.save(aPath, without(text, "LOCATION")))
	})
	rows.play("LOCATION is empty", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar", `DESCRIPTION:Agenda\n1. Money`)
		got := w.anna.save(aPath, with(text, "LOCATION:"))
		w.wantRemoved(got)
		same(w, "DESCRIPTION", value(got, "DESCRIPTION"), "Agenda\n1. Money")
	})
	rows.play("only the room is left in LOCATION", func(w *world) {
		text, _ := w.booked(`LOCATION:Room 5\; Webinar`)
		got := w.anna.save(aPath, with(text, "LOCATION:Room 5"))
		w.wantRemoved(got)
		same(w, "LOCATION", value(got, "LOCATION"), "Room 5")
	})
	rows.play("LOCATION says something new, the link stands in DESCRIPTION", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, with(text, "LOCATION:Café on the corner"))
		same(w, "LOCATION", value(got, "LOCATION"), "Café on the corner")
		w.wantBlock(got, c.Link)
		w.wantKept(got, c)
		// LOCATION is the organiser's from now on.
		for _, location := range []string{"LOCATION:Another café", "LOCATION:"} {
			got = w.anna.save(aPath, with(got, location))
			same(w, "LOCATION", "LOCATION:"+value(got, "LOCATION"), location)
			w.wantBlock(got, c.Link)
			w.wantKept(got, c)
		}
	})
	rows.play("the link stands neither in LOCATION nor in DESCRIPTION", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		sent := with(without(text, "DESCRIPTION"), "LOCATION:Café on the corner")
		w.contains(joined(logical(sent)), c.Link) // URL and CONFERENCE do not count
		got := w.anna.save(aPath, sent)
		w.wantRemoved(got)
		same(w, "LOCATION", value(got, "LOCATION"), "Café on the corner")
	})
	rows.play("first LOCATION, later the block", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, with(text, "LOCATION:Café on the corner"))
		w.wantKept(got, c)
		got = w.anna.save(aPath, without(got, "DESCRIPTION"))
		w.wantNoTrace(got)
		w.none()
	})
	rows.play("the block is deleted, the link stands in LOCATION", func(w *world) {
		text, c := w.booked("LOCATION:Webinar", "DESCRIPTION:Agenda")
		got := w.anna.save(aPath, with(text, "DESCRIPTION:Agenda"))
		for _, summary := range []string{"SUMMARY:One", "SUMMARY:Two"} {
			same(w, "DESCRIPTION", value(got, "DESCRIPTION"), "Agenda")
			same(w, "LOCATION", value(got, "LOCATION"), c.Link)
			w.wantKept(got, c)
			got = w.anna.save(aPath, with(got, summary))
		}
		// A device that knows nothing of it does not bring it back either.
		got = w.phone.save(aPath, event("a", invitation("LOCATION:Webinar", "DESCRIPTION:Agenda", "SUMMARY:Three")...))
		same(w, "DESCRIPTION", value(got, "DESCRIPTION"), "Agenda")
		same(w, "LOCATION", value(got, "LOCATION"), c.Link)
		w.wantKept(got, c)
	})
	rows.play("the category is withdrawn", func(w *world) {
		text, _ := w.booked("CATEGORIES:Work,Webinar")
		got := w.anna.save(aPath, with(text, "CATEGORIES:Work"))
		w.wantRemoved(got)
		same(w, "CATEGORIES", value(got, "CATEGORIES"), "Work")
	})
	rows.play("the resource is withdrawn", func(w *world) {
		const resource = "ATTENDEE;CUTYPE=RESOURCE:mailto:webinar@conference.example.org"
		text, _ := w.booked(resource)
		text = w.swap(text, attendee(text, "webinar@conference.example.org")+"\r\n", "")
		w.wantRemoved(w.anna.save(aPath, text))
	})
	rows.play("the property is withdrawn", func(w *world) {
		text, _ := w.booked("X-JOINERY-CONFERENCE;TYPE=WEBINAR:mtslink")
		w.wantRemoved(w.anna.save(aPath, without(text, "X-JOINERY-CONFERENCE")))
	})
	rows.play("only CONFERENCE is gone", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, without(text, "CONFERENCE"))
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
		w.wantMail(boris, "REQUEST")
	})
	for name, lines := range map[string][]string{"a word": {"LOCATION:Webinar"}, "the property": {"X-JOINERY-CONFERENCE;TYPE=WEBINAR:mtslink"}} {
		rows.play("only X- properties are gone, asked by "+name, func(w *world) {
			text, c := w.booked(lines...)
			got := w.anna.save(aPath, without(text, "X-*"))
			w.wantLink(got, c.Link)
			w.wantKept(got, c)
			w.wantMail(boris, "REQUEST")
		})
	}
	rows.play("CONFERENCE, URL and X- properties are gone", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, without(text, "CONFERENCE", "URL", "X-*"))
		w.wantLink(got, c.Link)
		w.wantKept(got, c)
	})
}

// TestRowsReplace plays the saves that want another conference.
func TestRowsReplace(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("a word where the link was: rotate", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.wantLink(w.anna.save(aPath, with(text, "LOCATION:Webinar")), w.only().Link)
		w.wantReplaced(w.anna.get(aPath).body, c, w.mts)
	})
	rows.play("a word where the link was, beside a room", func(w *world) {
		text, c := w.booked(`LOCATION:Room 5\; Webinar`)
		got := w.anna.save(aPath, with(text, `LOCATION:Room 5\; вебинар`))
		now := w.wantReplaced(got, c, w.mts)
		same(w, "LOCATION", value(got, "LOCATION"), "Room 5; "+now.Link)
	})
	rows.play("while the new one is made the old one works", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		w.fault(w.mts, emulator.Fault{Call: "POST /events", Kind: emulator.FaultDelay, Seconds: 1.5, Times: 1})
		w.anna.put(aPath, with(text, "LOCATION:Webinar"))
		if list := w.mts.State().Conferences; len(list) == 0 || list[0].ID != c.ID {
			w.Error("the old conference was deleted before there was a new one")
		}
		w.idle()
		w.wantReplaced(w.anna.get(aPath).body, c, w.mts)
	}, func(c *config) { c.CalDAV.WaitForLink = duration(200 * time.Millisecond) })
	rows.play("the other account's word", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		got := w.anna.save(aPath, with(text, "LOCATION:Beta"))
		now := w.wantReplaced(got, c, w.mts)
		w.wantLink(got, now.Link)
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		same(w, "type", now.Type, "meeting")
	})
	rows.play("the other account's word from a device that has not seen the link", func(w *world) {
		_, c := w.booked("LOCATION:Webinar")
		got := w.phone.save(aPath, event("a", invitation("LOCATION:Beta")...))
		w.wantLink(got, w.wantReplaced(got, c, w.mts).Link)
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
	})
	rows.play("the other account's category", func(w *world) {
		text, c := w.booked("CATEGORIES:Webinar")
		got := w.anna.save(aPath, with(text, "CATEGORIES:Beta"))
		w.wantLink(got, w.wantReplaced(got, c, w.mts).Link)
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
	})
	rows.play("the other account's resource", func(w *world) {
		text, c := w.booked("ATTENDEE;CUTYPE=RESOURCE:mailto:webinar@conference.example.org")
		got := w.anna.save(aPath, w.swap(text, "mailto:webinar@conference", "mailto:beta@conference"))
		w.wantLink(got, w.wantReplaced(got, c, w.mts).Link)
		same(w, "conferences of the second account", len(w.beta.State().Conferences), 1)
		w.contains(attendee(got, "beta@conference.example.org"), "PARTSTAT=ACCEPTED")
	})
	rows.play("another kind", func(w *world) {
		text, c := w.booked("LOCATION:Webinar")
		same(w, "type", c.Type, "webinar")
		got := w.anna.save(aPath, with(text, "LOCATION:MTS Link"))
		now := w.wantReplaced(got, c, w.mts)
		w.wantLink(got, now.Link)
		same(w, "type", now.Type, "meeting")
	})
	rows.play("another kind by the property", func(w *world) {
		text, c := w.booked("X-JOINERY-CONFERENCE;TYPE=WEBINAR:mtslink")
		got := w.anna.save(aPath, with(text, "X-JOINERY-CONFERENCE;TYPE=MEETING:mtslink"))
		same(w, "type", w.wantReplaced(got, c, w.mts).Type, "meeting")
	})
	rows.play("a link of an older generation", func(w *world) {
		text, old := w.booked("LOCATION:Webinar")
		w.anna.save(aPath, with(text, "LOCATION:Webinar"))
		c := w.only()
		got := w.phone.save(aPath, with(text, "SUMMARY:From a stale device"))
		w.wantLink(got, c.Link)
		w.lacks(joined(logical(got)), old.Link)
		same(w, "SUMMARY", value(got, "SUMMARY"), "From a stale device")
		w.wantKept(got, c)
		same(w, "conferences ever made", w.mts.State().Calls["POST /events"], 2)
	})
	rows.play("a link of an older generation, cleared", func(w *world) {
		text, old := w.booked("LOCATION:Webinar")
		w.anna.save(aPath, with(text, "LOCATION:Webinar"))
		c := w.only()
		got := w.phone.save(aPath, without(text, "LOCATION"))
		w.lacks(joined(logical(got)), old.Link)
		w.wantKept(got, c)
	})
	rows.play("an old link after a removal", func(w *world) {
		text, _ := w.booked("LOCATION:Webinar")
		w.wantRemoved(w.anna.save(aPath, without(text, "LOCATION")))
		got := w.phone.save(aPath, with(text, "SUMMARY:From a stale device"))
		w.wantNoTrace(got)
		w.none()
		same(w, "SUMMARY", value(got, "SUMMARY"), "From a stale device")
	})
}

// TestRowsRemembered plays what follows a removal.
func TestRowsRemembered(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	standing := map[string]string{
		"category": "CATEGORIES:Webinar",
		"resource": "ATTENDEE;CUTYPE=RESOURCE:mailto:webinar@conference.example.org",
		"property": "X-JOINERY-CONFERENCE;TYPE=WEBINAR:mtslink",
	}
	for name, line := range standing {
		rows.play("a standing "+name+" does not bring it back until it is asked for anew", func(w *world) {
			text, old := w.booked(line)
			got := w.anna.save(aPath, without(text, "LOCATION"))
			w.wantRemoved(got)
			got = w.anna.save(aPath, with(got, "SUMMARY:Still without"))
			w.wantNoTrace(got)
			// Not from a device either that has not seen the removal.
			got = w.phone.save(aPath, event("a", invitation(line, "SUMMARY:From a stale device")...))
			w.wantNoTrace(got)
			w.none()
			// What asks is taken out, and put in again.
			asks := all(got, lineName(line))
			bare := w.swap(got, asks[len(asks)-1]+"\r\n", "")
			got = w.anna.save(aPath, bare)
			w.wantNoTrace(got)
			got = w.anna.save(aPath, plus(got, line))
			w.wantLink(got, w.only().Link)
			if w.only().Link == old.Link {
				w.Error("the link that was removed came back")
			}
		})
	}
	rows.play("a word in LOCATION always counts", func(w *world) {
		text, _ := w.booked("CATEGORIES:Webinar")
		got := w.anna.save(aPath, without(text, "LOCATION"))
		w.wantRemoved(got)
		got = w.anna.save(aPath, with(got, "LOCATION:Webinar"))
		w.wantLink(got, w.only().Link)
	})
	rows.play("the word is typed again within the settle time", func(w *world) {
		text, old := w.booked("LOCATION:Webinar")
		w.anna.put(aPath, without(text, "LOCATION"))
		got := w.anna.save(aPath, with(w.anna.get(aPath).body, "LOCATION:Webinar"))
		w.wantLink(got, w.only().Link)
		if w.only().Link == old.Link {
			w.Error("the link that was removed came back")
		}
	})
}

// fault has the account's next calls go wrong.
func (w *world) fault(m *emulator.MTSLink, f emulator.Fault) {
	w.Helper()
	if err := m.SetFault(f); err != nil {
		w.Fatal(err)
	}
}
