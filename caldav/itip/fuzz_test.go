package itip

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
)

// seeds are objects to begin with: what clients stored and mailed.
func seeds(f *testing.F) (out [][]byte) {
	f.Helper()
	for _, pattern := range []string{"testdata/incoming/*.ics", "testdata/thunderbird/*.ics"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, data)
		}
	}
	weekly := strings.Replace(single, "SUMMARY:Planning\n", "SUMMARY:Planning\nRRULE:FREQ=WEEKLY;COUNT=10\n", 1)
	for _, body := range []string{
		single, weekly, weekly + instance12, strings.ReplaceAll(weekly+instance12, ";TZID=Europe/Berlin", ""),
		strings.Replace(weekly, "END:VEVENT", off12+alarm+"END:VEVENT", 1),
		weekly + strings.Replace(instance12, "RECURRENCE-ID;", "RECURRENCE-ID;RANGE=THISANDFUTURE;", 1),
		strings.NewReplacer("DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART;VALUE=DATE:20261205", "DTEND;TZID=Europe/Berlin:20261205T110000", "DURATION:P1D").Replace(weekly),
	} {
		out = append(out, []byte("BEGIN:VCALENDAR\nVERSION:2.0\n"+zone+body+"END:VCALENDAR\n"))
	}
	return out
}

// readable is an event that could be stored, nil where data are none.
func readable(data []byte) *ical.Event {
	o, err := ical.Parse(data, ical.Limits{Size: 1 << 16, Components: 50})
	if err != nil {
		return nil
	}
	if _, err := ical.Check(o, 20); err != nil {
		return nil
	}
	ev, err := ical.ParseEvent(o)
	if err != nil || len(ev.All()) == 0 {
		return nil
	}
	return ev
}

func FuzzReadIncoming(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data, "boris@example.org")
	}
	f.Fuzz(func(t *testing.T, data []byte, from string) {
		in, err := ReadIncoming(data, from)
		if err != nil {
			if in != nil {
				t.Errorf("a message and an error: %v", err)
			}
			return
		}
		if in.UID == "" || in.Address == "" || len(in.Parts) > maxParts || len(in.Comment) > maxComment || len(in.Name) > maxName {
			t.Errorf("got %+v", in)
		}
		if strings.ContainsAny(in.Name, "\r\n\x00") {
			t.Errorf("the name %q", in.Name)
		}
		for _, p := range in.Parts {
			if len(p.DelegatedTo) > maxDelegates || p.End.Before(p.Start) {
				t.Errorf("got %+v", p)
			}
		}
	})
}

func FuzzApply(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data, "boris@example.org", "DECLINED", int64(1796979600), "vera@example.com") // 2026-12-12, 10:00 in Berlin
		f.Add(data, "boris@example.org", "DELEGATED", int64(0), "vera@example.com")
	}
	f.Fuzz(func(t *testing.T, data []byte, address, partStat string, at int64, delegate string) {
		ev := readable(data)
		if ev == nil || address == "" || strings.ContainsAny(partStat, "\r\n\x00") || strings.ToUpper(strings.TrimSpace(partStat)) != partStat {
			return
		}
		p := Part{PartStat: partStat}
		if at != 0 {
			p.Occurrence = time.Unix(at%(1<<33), 0).UTC()
		}
		if delegate != "" {
			p.DelegatedTo = []Delegate{{Address: delegate, Name: delegate}}
		}
		out, unknown, _ := Apply(ev, address, []Part{p}, roomy, dtstamp)
		if len(unknown) > 0 && string(out) != string(data) {
			t.Errorf("unknown, and applied:\n%s", changed(data, out))
		}
		after := readable(out)
		if after == nil {
			t.Fatalf("what was made cannot be stored:\n%s", changed(data, out))
		}
		if again, _, _ := Apply(after, address, []Part{p}, roomy, dtstamp); string(again) != string(out) {
			t.Errorf("applied twice:\n%s", changed(out, again))
		}
	})
}

// FuzzCopy takes two objects of one UID for what the organiser says and what stands in the calendar, and
// for what stands there and what a client stores.
func FuzzCopy(f *testing.F) {
	all := seeds(f)
	for i, data := range all {
		f.Add(data, all[(i+1)%len(all)])
	}
	for i := range 7 {
		f.Add(all[len(all)-1-i], all[len(all)-7+i])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		truth, held := readable(a), readable(b)
		if truth == nil || held == nil || truth.UID != held.UID {
			return
		}
		for _, address := range me {
			view := NewViews(truth).Of(address)
			ev, err := view.Event()
			if err != nil || ev == nil {
				continue
			}
			data, _ := Copy(ev, held, me, nil)
			once, err := parse(data)
			if err != nil || once == nil {
				t.Fatalf("the copy cannot be read: %v\n%s", err, data)
			}
			if again, significant := Copy(ev, once, me, nil); significant {
				t.Errorf("copied once more:\n%s", changed(data, again))
			}
		}
		data, _, forbidden := Saved(truth, nil, held, me)
		if forbidden != "" {
			return
		}
		once, err := parse(data)
		if err != nil || once == nil {
			t.Fatalf("the save cannot be read: %v\n%s", err, data)
		}
		if again, _, forbidden := Saved(truth, truth, once, me); forbidden != "" {
			t.Errorf("saved once more, forbidden %s:\n%s", forbidden, changed(data, again))
		}
	})
}
