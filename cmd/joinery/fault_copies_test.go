package main

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
)

// copies looks at what stands in calendars whose owners did not save it: it is the copy of an event to
// which its organiser invited them, and says what the organiser's says; it is cancelled where they are no
// longer invited.
func (r *faultRun) copies(ctx context.Context, found map[*faultUser][]string, standing []faultStanding) {
	of := map[string]*faultStanding{}
	for i := range standing {
		of[standing[i].m.uid] = &standing[i]
	}
	for u, hrefs := range found {
		d := newFaultDevice(r, u, "Checker/1.0", 200)
		for _, href := range hrefs {
			s := of[strings.TrimSuffix(path.Base(href), ".ics")]
			if s == nil || s.m.owner == u || !s.m.ever[u.email] {
				r.fail("", "%s stands there, and nobody saved it or was invited to it", href)
				continue
			}
			a, ok := d.read(ctx, http.MethodGet, href, "", nil)
			if !ok {
				continue
			}
			if a.status != http.StatusOK {
				r.fail(s.m.uid, "GET %s: got %d, want 200", href, a.status)
				continue
			}
			r.copied(href, u, s, parseFaultSheet(a.body), r.over(href, a.body))
		}
	}
}

// copied holds one copy to its organiser's event; over: nothing of it is to come.
func (r *faultRun) copied(href string, u *faultUser, s *faultStanding, got *faultSheet, over bool) {
	if got.text("RECURRENCE-ID") != "" && !got.recurring() {
		return // invited to single occurrences, which the model does not follow
	}
	cancelled := strings.EqualFold(got.text("STATUS"), "CANCELLED")
	invited := s.own != nil && !s.own.cancelled && slices.Contains(s.own.everybody(), u.email)
	if !invited {
		if !cancelled && !over {
			r.fail(s.m.uid, "%s: %s is no longer invited, and the copy is not cancelled", href, u.email)
		}
		return
	}
	if over && len(s.sheet.occurrences(r.now())) == 0 {
		return // what is changed afterwards is the organiser's affair
	}
	if cancelled {
		r.fail(s.m.uid, "%s: %s is invited, and the copy is cancelled", href, u.email)
		return
	}
	if over {
		return
	}
	for _, name := range []string{"SUMMARY", "DTSTART", "DTEND", "LOCATION"} {
		if want := s.sheet.text(name); got.text(name) != want {
			r.fail(s.m.uid, "%s: %s is %q, and the organiser's %q", href, name, got.text(name), want)
		}
	}
}

// over tells whether nothing of a copy is to come: it stays as what was.
func (r *faultRun) over(href, text string) bool {
	o, err := ical.Parse([]byte(text), ical.Limits{})
	if err != nil {
		r.fail("", "%s: %v", href, err)
		return false
	}
	e, err := ical.ParseEvent(o)
	if err != nil {
		r.fail("", "%s: %v", href, err)
		return false
	}
	_, left, err := e.Next(r.now(), time.UTC)
	return err == nil && !left
}
